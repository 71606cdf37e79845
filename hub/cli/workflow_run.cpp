#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_files.hpp"
#include "hub/config/config.hpp"
#include "hub/engine/http/http_calls.hpp"
#include "hub/net/http_client.hpp"
#include "hub/net/url.hpp"
#include "hub/workflow/run/lifecycle.hpp"
#include "hub/workflow/simulate/simulator.hpp"
#include "hub/workflow/yaml/yaml.hpp"

// rabt workflow run
namespace rabt::cli {

namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;
using workflow::Simulator;

struct RunOptions {
  std::string file;
  // A file; - is standard input; empty means null.
  std::string input;
  // Files of CloudEvents, one JSON object on each line.
  std::vector<std::string> events;
  // Files of other definitions.
  std::vector<std::string> workflows;
  // Each NAME=ENVVAR.
  std::vector<std::string> secrets;
  // Each ROLE/ACTION=FILE.
  std::vector<std::string> replies;
  // Each HOST=URL.
  std::vector<std::string> maps;
  bool allow_network = false;
  bool trace = false;
  bool real_time = false;
};

// A file, the input or an option is wrong.
constexpr int kWrong = 2;
// The workflow faulted; its error went to standard output.
constexpr int kFaulted = 3;
// The workflow was cancelled, or waits for something that does not come.
constexpr int kNoEnd = 4;

bool complain(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
  return false;
}

// JSON, or YAML.
bool parse_value(const std::string& name, const std::string& text, Json& out) {
  if (auto json = Json::parse(text); json.ok()) {
    out = std::move(*json);
    return true;
  }
  const workflow::YamlOutcome yaml = workflow::parse_yaml(text);
  if (yaml.root == nullptr) {
    return complain(
        name + ':' + std::to_string(yaml.fault.line) + ':' + std::to_string(yaml.fault.column) +
        ": error: neither JSON nor YAML: " + yaml.fault.message + " [" + yaml.fault.code + ']');
  }
  out = workflow::to_json(*yaml.root);
  return true;
}

bool read_value(const std::string& path, Json& out) {
  if (path == "-") {
    const std::string text{std::istreambuf_iterator<char>(std::cin), {}};
    return parse_value("standard input", text, out);
  }
  const auto text = config::read_text(path);
  if (!text.ok()) return complain(path + ": cannot be read: " + text.error().message);
  return parse_value(path, *text, out);
}

// NAME=VALUE
bool split(const std::string& option, const std::string& given, std::string& name,
           std::string& value) {
  const std::size_t at = given.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == given.size())
    return complain(option + " " + given + ": write NAME=VALUE");
  name = given.substr(0, at);
  value = given.substr(at + 1);
  return true;
}

class Runner {
 public:
  explicit Runner(const RunOptions& options) : options_(options) {}

  int run() {
    if (!load()) return kWrong;
    Simulator::Options settings;
    settings.start = clock_.now();
    settings.secrets = secrets_;
    settings.clock_goes_on = options_.real_time;
    Simulator::Callbacks callbacks;
    callbacks.call = [this](const workflow::SimulatedCall& call) { return reply_to(call); };
    callbacks.idempotency = [](const workflow::CallAction& action) {
      return std::string(action.role == workflow::kHttpRole ? engine::HttpCalls::idempotency(action)
                                                            : std::string_view("key"));
    };
    callbacks.child = [this](std::size_t /*parent*/, const workflow::StartWorkflow& start) {
      if (!start.await && !is_given(start) && missing_.empty()) {
        missing_ = "the workflow " + start.name_space + '/' + start.name + ' ' + start.version +
                   ", which " + start.reference +
                   " starts without waiting for it, is not known here: give --workflow FILE";
      }
      return std::nullopt;
    };
    callbacks.cancelled = [this](const workflow::SimulatedCall& call) {
      const auto token = tokens_.find(call.index);
      if (token != tokens_.end()) http_calls_->cancel(token->second);
    };
    if (options_.trace) {
      callbacks.turn = [](const workflow::SimulatedInstance& instance, std::uint64_t number,
                          const workflow::Input& input,
                          const std::vector<workflow::Effect>& effects) {
        print_lifecycle(instance, number, input, effects);
      };
    }
    simulator_.emplace(std::move(settings), std::move(callbacks));
    for (const auto& definition : definitions_) simulator_->deploy(definition);
    const bool by_event = options_.input.empty() && !definitions_.front()->start_types().empty();
    if (!by_event) simulator_->start(definitions_.front(), input_);
    for (const auto& [after_ms, event] : events_)
      simulator_->post(event, {simulator_->now().ms + after_ms});
    const Simulator::Stop stop = drive();
    return report(stop);
  }

 private:
  // ---- what is given

  bool load() {
    auto main = load_definition(options_.file, nullptr);
    if (main == nullptr) return false;
    definitions_.push_back(std::move(main));
    for (const std::string& path : options_.workflows) {
      auto definition = load_definition(path, nullptr);
      if (definition == nullptr) return false;
      definitions_.push_back(std::move(definition));
    }
    if (!options_.input.empty() && !read_value(options_.input, input_)) return false;
    for (const std::string& path : options_.events) {
      if (!load_events(path)) return false;
    }
    for (const std::string& given : options_.maps) {
      std::string host;
      std::string url;
      if (!split("--map", given, host, url)) return false;
      if (const auto parsed = net::parse_url(url); !parsed.ok())
        return complain("--map " + given + ": " + parsed.error().message);
      maps_[lower(host)] = url;
    }
    for (const std::string& given : options_.replies) {
      std::string action;
      std::string path;
      if (!split("--reply", given, action, path)) return false;
      if (action.find('/') == std::string::npos)
        return complain("--reply " + given + ": write ROLE/ACTION=FILE");
      if (!read_value(path, replies_[action])) return false;
    }
    return load_secrets();
  }

  bool load_events(const std::string& path) {
    const auto text = config::read_text(path);
    if (!text.ok()) return complain(path + ": cannot be read: " + text.error().message);
    std::string_view rest = *text;
    for (int line = 1; !rest.empty(); ++line) {
      const std::string_view one = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(one.size() + 1, rest.size()));
      if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
      const std::string place = path + ':' + std::to_string(line) + ": error: ";
      auto event = Json::parse(one);
      if (!event.ok())
        return complain(place + event.error().message + " [" + event.error().code + ']');
      std::int64_t after_ms = 0;
      if (event->find("event") != nullptr) {
        const auto after = parse_duration_ms(event->string_or("after", ""));
        if (!after.ok())
          return complain(place + "`after` must be a duration such as PT5M [run.event]");
        after_ms = *after;
        event = (*event)["event"];
      }
      for (const char* name : {"specversion", "id", "source", "type"}) {
        if (!(*event)[name].is_string())
          return complain(place + "a CloudEvent needs the text `" + name + "` [run.event]");
      }
      events_.emplace_back(after_ms, std::move(*event));
    }
    return true;
  }

  bool load_secrets() {
    secrets_ = Json::object();
    for (const std::string& given : options_.secrets) {
      std::string name;
      std::string variable;
      if (!split("--secret", given, name, variable)) return false;
      // No thread changes the environment.
      const char* value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe)
      if (value == nullptr)
        return complain("--secret " + given + ": the environment has no " + variable);
      // Secrets of several parts, such as user name and password, are written as a JSON object.
      auto parsed = Json::parse(value);
      secrets_.set(name, parsed.ok() && parsed->is_object() ? *parsed : Json(value));
    }
    for (const auto& definition : definitions_) {
      for (const std::string& name : definition->secrets()) {
        if (secrets_.find(name) == nullptr) {
          return complain(definition->name() + " uses the secret `" + name + "`: give --secret " +
                          name + "=ENVVAR");
        }
      }
    }
    return true;
  }

  [[nodiscard]] bool is_given(const workflow::StartWorkflow& start) const {
    return std::any_of(definitions_.begin(), definitions_.end(), [&](const auto& one) {
      return one->name_space() == start.name_space && one->name() == start.name &&
             (start.version == "latest" || start.version == one->version());
    });
  }

  // ---- calls

  static workflow::CallReply refused(std::string code, std::string message) {
    workflow::CallReply reply;
    reply.outcome = {OutcomeKind::permanent, {}, std::move(code), std::move(message), {}, 0};
    return reply;
  }

  workflow::CallReply reply_to(const workflow::SimulatedCall& call) {
    if (call.action.role == workflow::kHttpRole) return send(call);
    const std::string name = call.action.role + '/' + call.action.action;
    const auto found = replies_.find(name);
    if (found != replies_.end()) {
      workflow::CallReply reply;
      reply.outcome.output = found->second;
      return reply;
    }
    // A catch of the workflow may handle it, as it would handle a plugin that refuses.
    return refused("run.no_reply", "no plugin runs here: give --reply " + name +
                                       "=FILE, or write cases for `rabt workflow test`");
  }

  workflow::CallReply send(const workflow::SimulatedCall& call) {
    const std::string uri = call.action.arguments.string_or("uri", "");
    if (const auto url = net::parse_url(uri); url.ok() && !options_.allow_network) {
      // As HttpCalls looks it up: with the port when the URL has one.
      std::string_view authority = std::string_view(uri).substr(uri.find("://") + 3);
      authority = authority.substr(0, authority.find_first_of("/?"));
      if (!maps_.contains(lower(authority))) {
        return refused("run.network", std::string(authority) +
                                          " is not reached: give --allow-network, or --map " +
                                          lower(authority) + "=URL for a stand-in");
      }
    }
    if (http_calls_ == nullptr) open_network();
    const std::size_t index = call.index;
    const std::uint64_t token =
        http_calls_->invoke(call.action, call.key, [this, index](ActionOutcome outcome) {
          {
            const Lock lock(mutex_);
            answers_.emplace_back(index, std::move(outcome));
          }
          wake_.notify_one();
        });
    tokens_[index] = token;
    return {workflow::CallReply::Kind::open, {}, 0};
  }

  void open_network() {
    engine::HttpCallOptions settings;
    settings.allow = std::make_shared<const net::AllowList>(
        options_.allow_network ? net::AllowList::anything() : net::AllowList());
    settings.hosts = maps_;
    client_ = net::make_curl_client(clock_, null_logger());
    http_calls_ =
        std::make_unique<engine::HttpCalls>(*client_, clock_, random_, std::move(settings));
  }

  // ---- time

  Simulator::Stop drive() {
    while (true) {
      const Simulator::Stop stop =
          options_.real_time ? simulator_->run_until(clock_.now()) : simulator_->run();
      const bool open = stop == Simulator::Stop::open_calls;
      const bool later = options_.real_time && simulator_->next_due().has_value() &&
                         stop != Simulator::Stop::time_limit && stop != Simulator::Stop::turn_limit;
      if (!open && !later) return stop;
      if (options_.real_time && over()) return stop;
      Lock lock(mutex_);
      const auto answered = [this]() RABT_REQUIRES(mutex_) { return !answers_.empty(); };
      if (later) {
        const std::int64_t left = simulator_->next_due()->ms - clock_.now().ms;
        wake_.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(1, left)), answered);
      } else {
        wake_.wait(lock, answered);
      }
      while (!answers_.empty()) {
        auto [index, outcome] = std::move(answers_.front());
        answers_.pop_front();
        lock.unlock();
        if (options_.real_time) (void)simulator_->run_until(clock_.now());
        simulator_->answer(index, std::move(outcome));
        lock.lock();
      }
    }
  }

  // Whether every instance has ended: what is still due does not matter.
  [[nodiscard]] bool over() const {
    const auto& all = simulator_->instances();
    return !all.empty() && std::all_of(all.begin(), all.end(), [](const auto& one) {
      return one.status != workflow::InstanceStatus::running &&
             one.status != workflow::InstanceStatus::waiting;
    });
  }

  // ---- the end

  static void print_lifecycle(const workflow::SimulatedInstance& instance, std::uint64_t number,
                              const workflow::Input& input,
                              const std::vector<workflow::Effect>& effects) {
    for (const Json& event :
         workflow::lifecycle_events(*instance.definition, {instance.id, number, input, effects})) {
      std::fprintf(stderr, "%s\n", event.dump().c_str());
    }
  }

  int report(Simulator::Stop stop) {
    const auto main =
        std::find_if(simulator_->instances().begin(), simulator_->instances().end(),
                     [&](const auto& one) { return one.definition == definitions_.front(); });
    if (main == simulator_->instances().end()) {
      (void)complain(events_.empty()
                         ? "an event starts this workflow: give --event FILE, or --input with the "
                           "list of events"
                         : "the events do not start this workflow: their types or data do not fit "
                           "schedule.on, or `all` of them did not come");
      return kWrong;
    }
    // Nobody would learn that it did not start. A hub refuses to deploy such a file.
    if (!missing_.empty()) {
      (void)complain(missing_);
      return kWrong;
    }
    switch (main->status) {
      case workflow::InstanceStatus::completed:
        std::printf("%s\n", main->result.output.dump_pretty().c_str());
        return 0;
      case workflow::InstanceStatus::faulted:
        std::printf("%s\n", main->result.error.dump_pretty().c_str());
        return kFaulted;
      case workflow::InstanceStatus::cancelled:
        (void)complain("the workflow was cancelled");
        return kNoEnd;
      default:
        break;
    }
    if (stop == Simulator::Stop::time_limit) {
      (void)complain("the workflow waits for longer than five years");
    } else if (stop == Simulator::Stop::turn_limit) {
      (void)complain("the workflow takes more than 100,000 turns: does it repeat for ever?");
    } else {
      std::string text = "the workflow waits for what does not come:";
      for (const workflow::Effect& effect : simulator_->open(main->index)) {
        if (const auto* listen = std::get_if<workflow::Subscribe>(&effect)) {
          for (const std::string& key : listen->keys) text += "\n  the event " + key;
        } else if (const auto* call = std::get_if<workflow::CallAction>(&effect)) {
          text += "\n  the outcome of " + call->role + '/' + call->action + " of task " +
                  call->task + ", which is not known and which a person would have to decide";
        }
      }
      (void)complain(text);
    }
    return kNoEnd;
  }

  const RunOptions& options_;

  // Confined to the thread of run().
  std::vector<std::shared_ptr<const workflow::Definition>> definitions_;
  Json input_;
  Json secrets_;
  // With the time of each event, in milliseconds after the start.
  std::vector<std::pair<std::int64_t, Json>> events_;
  std::map<std::string, std::string> maps_;
  std::map<std::string, Json> replies_;
  // Says which child workflow is not given. Nobody waits for that child.
  std::string missing_;
  SystemClock clock_;
  SystemRandom random_;
  std::map<std::size_t, std::uint64_t> tokens_;
  std::optional<Simulator> simulator_;

  Mutex mutex_;
  Condition wake_;
  std::deque<std::pair<std::size_t, ActionOutcome>> answers_ RABT_GUARDED_BY(mutex_);

  std::unique_ptr<net::HttpClient> client_;
  // Destroyed first, because its callbacks use everything above.
  std::unique_ptr<engine::HttpCalls> http_calls_;
};

}  // namespace

void add_workflow_run_command(CLI::App& group, int& code) {
  auto options = std::make_shared<RunOptions>();
  auto* command = group.add_subcommand(
      "run", "Execute a workflow in memory and in virtual time, without a hub");
  command->footer(
      "Exit status 0: it completed, 2: a file or an option is wrong, 3: it faulted, 4: it was "
      "cancelled, or waits for something that does not come");
  command->add_option("file", options->file, "Workflow file")->required();
  command->add_option("--input", options->input,
                      "File with the input, in JSON or YAML; - is standard input");
  command->add_option("--event", options->events,
                      "File with events, one CloudEvent in JSON on each line");
  command->add_option("--workflow", options->workflows,
                      "File with a workflow that events or `run` may start");
  command->add_option("--secret", options->secrets,
                      "NAME=ENVVAR: take a secret from an environment variable");
  command->add_option("--reply", options->replies,
                      "ROLE/ACTION=FILE: answer every call of a plugin's action with this file");
  command->add_flag("--allow-network", options->allow_network, "Let HTTP calls reach the network");
  command->add_option("--map", options->maps,
                      "HOST=URL: send requests for a host to a stand-in instead");
  command->add_flag("--trace", options->trace, "Print lifecycle events on standard error");
  command->add_flag("--real-time", options->real_time, "Wait as long as the workflow waits");
  command->callback([options, &code] { code = Runner(*options).run(); });
}

}  // namespace rabt::cli
