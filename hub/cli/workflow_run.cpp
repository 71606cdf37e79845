#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <optional>

#include "hub/args/args.hpp"
#include "hub/base/ascii.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/cli/commands.hpp"
#include "hub/cli/workflow_run_input.hpp"
#include "hub/engine/http/http_calls.hpp"
#include "hub/net/http_client.hpp"
#include "hub/net/url.hpp"
#include "hub/workflow/run/lifecycle.hpp"
#include "hub/workflow/simulate/simulator.hpp"

// rabt workflow run
namespace rabt::cli {

namespace {

using workflow::ActionOutcome;
using workflow::OutcomeKind;
using workflow::Simulator;

// A file, the input or an option is wrong.
constexpr int kWrong = 2;
// The workflow faulted; its error went to standard output.
constexpr int kFaulted = 3;
// The workflow was cancelled, or waits for something that does not come.
constexpr int kNoEnd = 4;

void complain(const std::string& text) {
  std::fprintf(stderr, "%s\n", text.c_str());
}

class Runner {
 public:
  explicit Runner(const RunOptions& options) : options_(options) {}

  int run() {
    if (!load_run_input(options_, given_)) return kWrong;
    Simulator::Options settings;
    settings.start = clock_.now();
    settings.secrets = given_.secrets;
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
    for (const auto& definition : given_.definitions) simulator_->deploy(definition);
    const bool by_event =
        options_.input.empty() && !given_.definitions.front()->start_types().empty();
    if (!by_event) simulator_->start(given_.definitions.front(), given_.input);
    for (const auto& [after_ms, event] : given_.events)
      simulator_->post(event, {simulator_->now().ms + after_ms});
    const Simulator::Stop stop = drive();
    return report(stop);
  }

 private:
  [[nodiscard]] bool is_given(const workflow::StartWorkflow& start) const {
    return std::any_of(given_.definitions.begin(), given_.definitions.end(), [&](const auto& one) {
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
    const auto found = given_.replies.find(name);
    if (found != given_.replies.end()) {
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
      if (!given_.maps.contains(lower(authority))) {
        return refused("run.network", std::string(authority) +
                                          " is not reached: give --allow-network, or --map " +
                                          lower(authority) + "=URL for a stand-in");
      }
    }
    if (http_calls_ == nullptr) open_network();
    const std::size_t index = call.index;
    const std::uint64_t token =
        http_calls_->invoke(call.action, call.key, {}, [this, index](ActionOutcome outcome) {
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
    settings.hosts = given_.maps;
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

  // True if every instance has ended: what is still due does not matter.
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
                     [&](const auto& one) { return one.definition == given_.definitions.front(); });
    if (main == simulator_->instances().end()) {
      complain(given_.events.empty()
                   ? "an event starts this workflow: give --event FILE, or --input with the "
                     "list of events"
                   : "the events do not start this workflow: their types or data do not fit "
                     "schedule.on, or `all` of them did not come");
      return kWrong;
    }
    // A workflow that did not start would go unnoticed. A hub refuses to deploy such a file.
    if (!missing_.empty()) {
      complain(missing_);
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
        complain("the workflow was cancelled");
        return kNoEnd;
      default:
        break;
    }
    if (stop == Simulator::Stop::time_limit) {
      complain("the workflow waits for longer than five years");
    } else if (stop == Simulator::Stop::turn_limit) {
      complain("the workflow takes more than 100,000 turns: does it repeat for ever?");
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
      complain(text);
    }
    return kNoEnd;
  }

  const RunOptions& options_;

  // Confined to the thread of run().
  RunInput given_;
  // Error that names the child workflow that is not given, and for which nobody waits.
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

void add_workflow_run_command(args::Command& group, int& code) {
  auto options = std::make_shared<RunOptions>();
  auto* command = group.add_subcommand(
      "run", "Execute a workflow in memory and in virtual time, without a hub");
  command->footer(
      "Exit status 0: completed, 2: a file or an option is wrong, 3: faulted, 4: cancelled, or "
      "waits for an event or answer that does not come");
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
