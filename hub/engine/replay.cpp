#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/engine/draft.hpp"
#include "hub/engine/past.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/turn.hpp"
#include "hub/workflow/explain/graph.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/simulate/replay.hpp"
#include "hub/workflow/yaml/yaml.hpp"

// Ends that instances of the past would have had on a new file. Reads journals, runs in memory and
// writes nothing.
namespace rabt::engine {

namespace {

using workflow::Replayed;
using workflow::ReplayResult;

constexpr std::size_t kExamples = 3;
// A client of the hub's socket waits for ten seconds.
constexpr std::int64_t kLongestMs = 7'000;
// An instance that takes longer is cut: alone it would keep all others from their turn.
constexpr std::int64_t kLongestOneMs = 2'000;

using Names = std::set<std::string, std::less<>>;

// Adds the keys of the mappings of a file.
void keys_in(const workflow::YamlNode& node, Names& out) {
  for (const workflow::YamlEntry& entry : node.entries) {
    out.insert(entry.key);
    keys_in(*entry.value, out);
  }
  for (const workflow::YamlPtr& item : node.items) keys_in(*item, out);
}

Names keys_of(const workflow::Template& value) {
  Names out(value.keys.begin(), value.keys.end());
  if (value.kind != workflow::Template::Kind::constant || !value.constant.is_object()) return out;
  for (const auto& [name, member] : value.constant.as_object()) out.insert(name);
  return out;
}

// Members that the arguments of a call have whatever the data is: the file writes them down.
Names written_arguments(const workflow::Task& task) {
  const std::optional<workflow::Template>* arguments = nullptr;
  if (const auto* const call = std::get_if<workflow::CallBody>(&task.body))
    arguments = &call->arguments;
  if (const auto* const run = std::get_if<workflow::RunBody>(&task.body)) arguments = &run->input;
  return arguments == nullptr || !*arguments ? Names() : keys_of(**arguments);
}

// True if no expression of the task makes this member of an error.
bool writes_down(const workflow::Task& task, std::string_view member) {
  using Kind = workflow::Template::Kind;
  const auto* const raise = std::get_if<workflow::RaiseBody>(&task.body);
  // The error of a workflow that was started is that of another file.
  if (raise == nullptr) return !std::holds_alternative<workflow::RunBody>(task.body);
  const workflow::Template& error = raise->error;
  if (error.kind != Kind::object) return error.kind == Kind::constant;
  const auto at = std::find(error.keys.begin(), error.keys.end(), member);
  return at == error.keys.end() ||
         error.items[static_cast<std::size_t>(at - error.keys.begin())].kind == Kind::constant;
}

// The input without secrets that it may have brought back. Members that name an event stay.
void hide(workflow::Input& input, const Json& secrets) {
  const auto of_event = [&secrets](Json event) {
    if (event.is_object() && event.find("specversion") != nullptr) {
      if (event.find("data") != nullptr) event.set("data", without_secrets(event["data"], secrets));
      return event;
    }
    return without_secrets(event, secrets);
  };
  const auto of_text = [&secrets](const std::string& text) {
    return without_secrets(Json(text), secrets).as_string();
  };
  if (auto* const start = std::get_if<workflow::Start>(&input.what)) {
    if (!start->input.is_array()) {
      start->input = of_event(std::move(start->input));
      return;
    }
    Json::Array events;
    for (const Json& event : start->input.as_array()) events.push_back(of_event(event));
    start->input = Json(std::move(events));
  } else if (auto* const arrived = std::get_if<workflow::EventArrived>(&input.what)) {
    arrived->event = of_event(std::move(arrived->event));
  } else if (auto* const ended = std::get_if<workflow::ActionEnded>(&input.what)) {
    workflow::ActionOutcome& outcome = ended->outcome;
    outcome.output = without_secrets(outcome.output, secrets);
    outcome.detail = without_secrets(outcome.detail, secrets);
    outcome.message = of_text(outcome.message);
    outcome.said = Sealed<std::string>(of_text(outcome.said.unseal("replay, without secrets")));
  }
}

// A workflow file, and the places of its tasks.
struct File {
  std::shared_ptr<const workflow::Definition> definition;
  workflow::Graph graph;
  // Names of members; empty for the new file.
  Names keys = {};

  // The place in the file, without numbers of iterations: data may have made those. Null: there is
  // none.
  [[nodiscard]] const workflow::GraphNode* node(const std::string& reference) const {
    return reference.empty() ? nullptr : workflow::node_at(*definition, graph, reference);
  }
};

// Values that stand in place of the secrets of a workflow.
Json placeholders_of(const workflow::Definition& definition) {
  Json out;
  for (const std::string& name : definition.secrets()) out.set(name, "[secret " + name + "]");
  return out;
}

// Results by class, and differences by place.
class Summary {
 public:
  void add(ReplayResult result, const std::string& instance, Json difference) {
    ++instances_;
    ++counts_[result];
    if (result == ReplayResult::same) return;
    const std::string key = std::to_string(static_cast<int>(result)) + difference.dump();
    Group& group =
        groups_.try_emplace(key, Group{result, std::move(difference), 0, {}}).first->second;
    if (group.examples.size() < kExamples) group.examples.push_back(instance);
    ++group.count;
  }
  void write(Json& out) const {
    Json classes = Json::array();
    for (const auto& [result, count] : counts_) {
      classes.push_back(Json::object({{"class", workflow::to_string(result)}, {"count", count}}));
    }
    std::vector<const Group*> most;
    for (const auto& [key, group] : groups_) most.push_back(&group);
    std::stable_sort(most.begin(), most.end(), [](const Group* one, const Group* other) {
      return one->count > other->count;
    });
    Json differences = Json::array();
    for (const Group* group : most) {
      Json item =
          Json::object({{"class", workflow::to_string(group->result)}, {"count", group->count}});
      for (const auto& [name, value] : group->difference.as_object()) item.set(name, value);
      item.set("examples", Json(group->examples));
      differences.push_back(std::move(item));
    }
    out.set("instances", instances_);
    out.set("classes", std::move(classes));
    out.set("differences", std::move(differences));
  }

 private:
  struct Group {
    ReplayResult result;
    Json difference;
    std::int64_t count;
    Json::Array examples;
  };
  std::int64_t instances_ = 0;
  std::map<ReplayResult, std::int64_t> counts_;
  std::map<std::string, Group> groups_;
};

// True if events started the instance: then the schedule of the new file decides.
bool by_events(const InstanceReader::Materials& from) {
  if (from.origin != nullptr && from.origin->parent != 0) return false;
  const auto* const start = std::get_if<workflow::Start>(&from.inputs.front().what);
  if (start == nullptr || !start->input.is_array() || start->input.size() == 0) return false;
  const Json::Array& events = start->input.as_array();
  return std::all_of(events.begin(), events.end(), [](const Json& item) {
    return item.is_object() && item.find("specversion") != nullptr;
  });
}

// Replays one instance after the other on a file. Confined to its thread.
class Replayer {
 public:
  struct From {
    const Context& context;
    const Definitions& definitions;
    const InstanceReader& reader;
    const std::atomic<bool>& stopping;
  };
  Replayer(From from, File file)
      : from_(from),
        file_(std::move(file)),
        secrets_(placeholders_of(*file_.definition)),
        until_(now() + kLongestMs) {}

  // An instance that nobody can read any more is counted; one that the end of the time interrupts
  // is not. Errors: of the store and of the keys. any_namespace: false if instances of other
  // namespaces are left out.
  Status add(const std::string& id, bool any_namespace) {
    RABT_TRY(row, from_.reader.row(id));
    const auto definition = from_.definitions.find(row.definition);
    if (definition == nullptr) return ok_status();
    if (!any_namespace && definition->name_space() != file_.definition->name_space())
      return ok_status();
    RABT_TRY(lease, from_.context.parts.keys.lease(row.tenant));
    auto made_of = from_.reader.kept_materials(row, lease);
    if (!made_of.ok()) {
      const Error& why = made_of.error();
      if (why.kind == ErrorKind::unavailable && why.code != "engine.secret") return why;
      cut(id, why.code);
      return ok_status();
    }
    RABT_TRY(before, file_of(row.definition, definition));
    const workflow::PastInstance past = past_of(*std::move(made_of));
    const std::int64_t until = std::min(until_, now() + kLongestOneMs);
    bool late = false;
    const auto stop = [&] {
      late = late || from_.stopping || now() > until;
      return late;
    };
    const Replayed replay = workflow::replay_past(past, file_.definition, secrets_, stop);
    if (late && over()) {
      interrupted_ = true;
    } else if (late) {
      cut(id, "engine.replay_time");
    } else if (depends_on_secret(past, row, replay)) {
      cut(id, "engine.replay_secret");
    } else {
      summary_.add(replay.result, id, difference_of(replay, *before));
    }
    return ok_status();
  }
  // True once there is no time left, or the hub stops.
  [[nodiscard]] bool over() const { return from_.stopping || now() > until_; }
  // True if an instance was not counted for that.
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  [[nodiscard]] std::int64_t now() const { return from_.context.parts.clock.monotonic_ms(); }
  void cut(const std::string& id, const std::string& code) {
    summary_.add(ReplayResult::cut, id, Json::object({{"code", code}}));
  }

  // The deployed file of an instance.
  Result<const File*> file_of(std::int64_t number,
                              const std::shared_ptr<const workflow::Definition>& definition) {
    if (const auto entry = files_.find(number); entry != files_.end()) return &entry->second;
    File file{.definition = definition, .graph = workflow::graph_of(*definition)};
    RABT_TRY_STATUS(from_.context.parts.store.read([&](store::Connection& connection) {
      return connection.query(
          sql::kReadSource, {number, from_.context.options.tenant}, [&](const store::Row& row) {
            const auto yaml = workflow::parse_yaml(row.blob(sql::kReadSource["source"]));
            if (yaml.root != nullptr) keys_in(*yaml.root, file.keys);
            return false;
          });
    }));
    return &files_.emplace(number, std::move(file)).first->second;
  }

  // The instance without its secrets, also where an outside system sent one back.
  static workflow::PastInstance past_of(InstanceReader::Materials&& from) {
    workflow::PastInstance past{.definition = from.definition,
                                .secrets = placeholders_of(*from.definition),
                                .journal = {},
                                .started_by_events = by_events(from)};
    past.journal = std::move(from.inputs);
    if (from.secrets.is_null()) return past;
    for (workflow::Input& input : past.journal) hide(input, from.secrets);
    return past;
  }

  // True if the old file does not come to its end with a placeholder: nothing can be compared.
  static bool depends_on_secret(const workflow::PastInstance& past, const InstanceRow& row,
                                const Replayed& replay) {
    const auto status = static_cast<workflow::InstanceStatus>(row.status);
    return !past.secrets.is_null() && replay.was != status &&
           status != workflow::InstanceStatus::running &&
           status != workflow::InstanceStatus::waiting;
  }

  // Names and codes that a file writes down: no value, and nothing that data may have made.
  [[nodiscard]] Json difference_of(const Replayed& replay, const File& before) const {
    const workflow::ReplayDifference& first = replay.first;
    const File& in = workflow::in_old(replay.result) ? before : file_;
    const workflow::GraphNode* const at = in.node(first.reference);
    Json out = Json::object();
    const auto set = [&out](std::string_view name, const std::string& text) {
      if (!text.empty()) out.set(name, text);
    };
    if (at != nullptr) {
      set("reference", at->reference);
      if (at->task != nullptr) set("task", at->task->name);
    } else if (!first.role.empty()) {
      set("task", first.task);
    }
    set("role", first.role);
    set("action", first.action);
    Json members = Json::array();
    const Names written =
        at == nullptr || at->task == nullptr ? Names() : written_arguments(*at->task);
    for (const std::string& member : first.members) {
      // Arguments of an HTTP request are named by the language, not by data.
      if (first.role == workflow::kHttpRole || before.keys.contains(member) ||
          written.contains(member))
        members.push_back(member);
    }
    if (members.size() != 0) out.set("members", std::move(members));
    if (!first.error.is_null()) out.set("error", error_of(first.error, in, *before.definition));
    if (replay.was == replay.status || workflow::stops(replay.result)) return out;
    out.set("then", workflow::to_string(replay.was));
    out.set("now", workflow::to_string(replay.status));
    return out;
  }

  // The error without what an expression may have made. A title is the file's or the language's.
  static Json error_of(const Json& shown, const File& in, const workflow::Definition& before) {
    const workflow::GraphNode* const at = in.node(shown.string_or("instance", ""));
    const workflow::Task* const task = at == nullptr ? nullptr : at->task;
    Json kept = Json::object();
    for (const char* const name : {"type", "status", "title"}) {
      const Json* const member = shown.find(name);
      if (member == nullptr) continue;
      if (name == std::string_view("title") || (task != nullptr && writes_down(*task, name)) ||
          (name == std::string_view("type") &&
           before.model().error_types.contains(member->as_string())))
        kept.set(name, *member);
    }
    if (at != nullptr) kept.set("instance", at->reference);
    return about_error(kept);
  }

  const From from_;
  const File file_;
  const Json secrets_;
  // End of the time, by the monotonic clock.
  const std::int64_t until_;
  // Old files, by the rows of their definitions.
  std::map<std::int64_t, File> files_;
  Summary summary_;
  bool interrupted_ = false;
};

// The turn of a request: one replay runs at a time.
class Alone {
 public:
  explicit Alone(std::atomic<bool>& busy) : busy_(busy), taken_(!busy.exchange(true)) {}
  ~Alone() {
    if (taken_) busy_ = false;
  }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  [[nodiscard]] bool taken() const { return taken_; }

 private:
  std::atomic<bool>& busy_;
  const bool taken_;
};

// The file, if it could be deployed.
Result<File> read(const WorkflowFile& file, const Context& context) {
  const std::vector<Finding> errors = check_files({file}, context.parts.actions, context.options);
  if (!errors.empty()) return error_of(errors);
  File out{.definition = read_file(file, context.parts.actions).definition, .graph = {}};
  out.graph = workflow::graph_of(*out.definition);
  return out;
}

}  // namespace

Result<Json> Engine::replay(const WorkflowFile& file, const ReplayFilter& filter,
                            const AdmitReplay& admit) {
  Impl& engine = *impl_;
  const Alone alone(engine.replaying);
  if (!alone.taken())
    return unavailable("engine.replay_busy", "another replay runs; ask again some seconds later");
  RABT_TRY(next, read(file, engine.context));
  const auto definition = next.definition;
  InstanceFilter wanted = filter.instances;
  if (wanted.workflow.empty()) wanted.workflow = definition->name();
  if (wanted.states.empty()) wanted.states = {"completed", "faulted", "cancelled"};
  RABT_TRY(list, instances(wanted, filter.limit + 1));
  const bool more = list.size() > filter.limit;
  if (more) list.pop_back();
  RABT_TRY_STATUS(admit("workflow:" + definition->name() + "@" + definition->version(),
                        Json::object({{"version", definition->version()},
                                      {"sha256", to_hex(crypto::sha256(file.yaml))},
                                      {"instances", static_cast<std::int64_t>(list.size())}})));

  Replayer replayer({engine.context, engine.definitions, engine.reader, engine.stopping},
                    std::move(next));
  bool stopped = false;
  for (const InstanceSummary& summary : list) {
    stopped = replayer.over();
    if (stopped) break;
    RABT_TRY_STATUS(replayer.add(summary.id, !filter.instances.workflow.empty()));
  }
  Json out = Json::object({{"namespace", definition->name_space()},
                           {"workflow", definition->name()},
                           {"version", definition->version()},
                           {"more", more || stopped || replayer.interrupted()}});
  replayer.summary().write(out);
  return out;
}

}  // namespace rabt::engine
