#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <optional>

#include "hub/engine/draft.hpp"
#include "hub/engine/statements.hpp"
#include "hub/engine/turn.hpp"
#include "hub/workflow/explain/graph.hpp"
#include "hub/workflow/simulate/replay.hpp"

// Ends that instances of the past would have had on a new file. Reads journals, runs in memory and
// writes nothing but the entry of the audit log.
namespace rabt::engine {

namespace {

using workflow::Replayed;
using workflow::ReplayResult;

constexpr std::size_t kExamples = 3;
// A client of the hub's socket waits for ten seconds.
constexpr std::int64_t kLongestMs = 7'000;

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

// True if the name stands in the file as a word of its own: then it is the author's.
bool stands_in(std::string_view file, std::string_view name) {
  if (name.empty()) return false;
  for (auto at = file.find(name); at != std::string_view::npos; at = file.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_word(file[at - 1])) && (end == file.size() || !is_word(file[end])))
      return true;
  }
  return false;
}

// A workflow file, and the places of its tasks.
struct File {
  std::string source;
  std::shared_ptr<const workflow::Definition> definition;
  workflow::Graph graph;

  // The place in the file, without numbers of iterations; the text itself where there is none.
  [[nodiscard]] std::string place_of(const std::string& reference) const {
    const auto* const node = workflow::node_at(*definition, graph, reference);
    return node == nullptr ? reference : node->reference;
  }
};

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
      Json one =
          Json::object({{"class", workflow::to_string(group->result)}, {"count", group->count}});
      for (const auto& [name, value] : group->difference.as_object()) one.set(name, value);
      one.set("examples", Json(group->examples));
      differences.push_back(std::move(one));
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
  return std::all_of(events.begin(), events.end(), [](const Json& one) {
    return one.is_object() && one.find("specversion") != nullptr;
  });
}

// Replays one instance after the other on a file. Confined to its thread.
class Replayer {
 public:
  struct From {
    const Context& context;
    const Definitions& definitions;
    const InstanceReader& reader;
  };
  Replayer(From from, File file, Json secrets)
      : from_(from), file_(std::move(file)), secrets_(std::move(secrets)) {}

  // An instance that nobody can read any more is counted. Errors: of the store and of the keys.
  // any_namespace: false if instances of other namespaces are left out.
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
      summary_.add(ReplayResult::cut, id, Json::object({{"code", why.code}}));
      return ok_status();
    }
    RABT_TRY(before, file_of(row.definition, definition));
    workflow::PastInstance past{.definition = definition,
                                .secrets = made_of->secrets,
                                .journal = {},
                                .started_by_events = by_events(*made_of)};
    past.journal = std::move(made_of->inputs);
    const Replayed made = workflow::replay_past(past, file_.definition, secrets_);
    summary_.add(made.result, id, difference_of(made, *before));
    return ok_status();
  }
  [[nodiscard]] const Summary& summary() const { return summary_; }

 private:
  // The deployed file of an instance.
  Result<const File*> file_of(std::int64_t number,
                              const std::shared_ptr<const workflow::Definition>& definition) {
    if (const auto known = files_.find(number); known != files_.end()) return &known->second;
    File file{.source = {}, .definition = definition, .graph = workflow::graph_of(*definition)};
    RABT_TRY_STATUS(from_.context.parts.store.read([&](store::Connection& connection) {
      return connection.query(sql::kReadSource, {number, from_.context.options.tenant},
                              [&](const store::Row& row) {
                                file.source = std::string(row.blob(0));
                                return false;
                              });
    }));
    return &files_.emplace(number, std::move(file)).first->second;
  }

  // Names of the files and places alone: no value, and no name that data may have made.
  [[nodiscard]] Json difference_of(const Replayed& made, const File& before) const {
    const workflow::ReplayDifference& first = made.first;
    Json out = Json::object();
    const auto set = [&out](std::string_view name, const std::string& text) {
      if (!text.empty()) out.set(name, text);
    };
    if (!first.reference.empty())
      out.set("reference",
              (workflow::in_old(made.result) ? before : file_).place_of(first.reference));
    set("task", first.task);
    set("role", first.role);
    set("action", first.action);
    Json members = Json::array();
    for (const std::string& member : first.members) {
      if (stands_in(file_.source, member) || stands_in(before.source, member))
        members.push_back(member);
    }
    if (members.size() != 0) out.set("members", std::move(members));
    if (!first.error.is_null()) out.set("error", about_error(first.error));
    if (made.was == made.is || workflow::stops(made.result)) return out;
    out.set("then", workflow::to_string(made.was));
    out.set("now", workflow::to_string(made.is));
    return out;
  }

  const From from_;
  const File file_;
  const Json secrets_;
  // Old files, by the rows of their definitions.
  std::map<std::int64_t, File> files_;
  Summary summary_;
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
  File out{.source = file.yaml,
           .definition = read_file(file, context.parts.actions).definition,
           .graph = {}};
  out.graph = workflow::graph_of(*out.definition);
  return out;
}

}  // namespace

Status Engine::Impl::note_replay(const workflow::Definition& definition, std::size_t instances,
                                 const Asked& asked) {
  std::optional<access::PatientDetail::Sealed> reason;
  if (!asked.reason.empty()) {
    RABT_TRY(sealed,
             details.seal(context.options.tenant, "", Json::object({{"reason", asked.reason}})));
    reason = std::move(sealed);
  }
  const auto entry = context.parts.audit.prepare(
      {.tenant = context.options.tenant,
       .actor = asked.actor,
       .act = "workflow.replayed",
       .object = "workflow:" + definition.name() + "@" + definition.version(),
       .result = "ok",
       .detail = Json::object({{"version", definition.version()},
                               {"instances", static_cast<std::int64_t>(instances)}}),
       .sealed = reason ? reason->text : std::string()});
  return context.parts.store.write([&](store::Transaction& transaction) -> Status {
    if (reason) RABT_TRY_STATUS(access::PatientDetail::store(transaction, *reason));
    return context.parts.audit.append(transaction, entry);
  });
}

Result<Json> Engine::replay(const WorkflowFile& file, const ReplayFilter& filter,
                            const Asked& asked) {
  Impl& engine = *impl_;
  const Alone alone(engine.replaying);
  if (!alone.taken())
    return unavailable("engine.replay_busy", "another replay runs; ask again some seconds later");
  RABT_TRY(next, read(file, engine.context));
  const auto definition = next.definition;
  RABT_TRY(secrets, engine.definitions.secrets_of(*definition));
  InstanceFilter wanted = filter.instances;
  if (wanted.workflow.empty()) wanted.workflow = definition->name();
  if (wanted.states.empty()) wanted.states = {"completed", "faulted", "cancelled"};
  RABT_TRY(list, instances(wanted, filter.limit + 1));
  const bool more = list.size() > filter.limit;
  if (more) list.pop_back();
  RABT_TRY_STATUS(engine.note_replay(*definition, list.size(), asked));

  Replayer replayer({engine.context, engine.definitions, engine.reader}, std::move(next),
                    std::move(secrets));
  const Clock& clock = engine.context.parts.clock;
  const std::int64_t begun = clock.monotonic_ms();
  bool stopped = false;
  for (const InstanceSummary& one : list) {
    stopped = engine.stopping || clock.monotonic_ms() - begun > kLongestMs;
    if (stopped) break;
    RABT_TRY_STATUS(replayer.add(one.id, !filter.instances.workflow.empty()));
  }
  Json out = Json::object({{"namespace", definition->name_space()},
                           {"workflow", definition->name()},
                           {"version", definition->version()},
                           {"more", more || stopped}});
  replayer.summary().write(out);
  return out;
}

}  // namespace rabt::engine
