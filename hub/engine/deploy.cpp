#include <algorithm>
#include <map>
#include <set>

#include "hub/base/semver.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/explain/diff.hpp"
#include "hub/workflow/explain/endpoints.hpp"

// Which workflows there are: what is deployed, what a set of files would change, and changing it.
namespace rabt::engine {

namespace {

using workflow::Definition;

// One thing that is wrong with a file, or worth a look.
struct Finding {
  std::string file;
  std::string code;
  std::string message;
  int line = 0;
  int column = 0;
  ErrorKind kind = ErrorKind::invalid;
};

Json to_json(const Finding& finding) {
  return Json::object({{"file", finding.file},
                       {"line", finding.line},
                       {"column", finding.column},
                       {"code", finding.code},
                       {"message", finding.message}});
}

std::string to_text(const Finding& finding) {
  return finding.file + ":" + std::to_string(finding.line) + ":" + std::to_string(finding.column) +
         ": error: " + finding.message + " [" + finding.code + "]";
}

std::string full_name(const Definition& definition) {
  return definition.name_space() + "/" + definition.name();
}
// How many instances of each definition have not ended, by its row.
Result<std::map<std::int64_t, std::int64_t>> live_instances(store::Store& store,
                                                            const std::string& tenant) {
  std::map<std::int64_t, std::int64_t> live;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kCountLive, {tenant}, [&](const store::Row& row) {
      live[row.integer(0)] = row.integer(1);
      return true;
    });
  }));
  return live;
}
bool same_name(const Definition& a, const Definition& b) {
  return a.name() == b.name() && a.name_space() == b.name_space();
}

}  // namespace

// ---- a set of files against what is deployed
// -------------------------------------------------------------------------------

struct Engine::Impl::Draft {
  // A run.workflow child: stored already, or one of the files.
  struct Bound {
    const Definition::Child* wanted = nullptr;
    std::int64_t stored = 0;
    std::size_t file = 0;
    std::string version;
  };
  struct Item {
    const WorkflowFile* file = nullptr;
    std::shared_ptr<const Definition> definition;
    std::string sha256;
    std::int64_t stored = 0;                         // its row, when this version is stored
    std::shared_ptr<const Definition> before;        // the active version
    std::shared_ptr<const Definition> same_version;  // when its content is another
    std::string change;
    bool becomes_active = false;
    std::vector<Bound> children;
  };
  std::vector<Item> items;
  std::vector<DeployedDefinition> removed;
  std::vector<Finding> errors;
  std::vector<Finding> warnings;

  [[nodiscard]] bool changes() const {
    return !removed.empty() || std::any_of(items.begin(), items.end(), [](const Item& item) {
      return item.change != "unchanged";
    });
  }
  // Finds the definitions of its run.workflow tasks.
  void bind_children(Item& item, const std::vector<DeployedDefinition>& all);
  // Every error, one a line; kind and code of the first.
  [[nodiscard]] Error error() const {
    std::string message;
    for (const Finding& finding : errors)
      message.append(message.empty() ? "" : "\n").append(to_text(finding));
    return {errors.front().kind, errors.front().code, std::move(message)};
  }
};

// What the file needs from the configuration.
void Engine::Impl::check_file(Draft& draft, const WorkflowFile& file) const {
  const workflow::YamlOutcome yaml = workflow::parse_yaml(file.yaml);
  if (yaml.root == nullptr) return;
  for (const workflow::Literal& secret : workflow::declared_secrets(*yaml.root)) {
    if (options.secrets.contains(secret.text)) continue;
    draft.errors.push_back(
        {file.name, "engine.secret",
         "the secret `" + secret.text +
             "` is not configured (add to the configuration: workflow_secrets: {" + secret.text +
             ": {file: PATH}})",
         secret.line, secret.column});
  }
  for (const workflow::Literal& endpoint : workflow::literal_origins(*yaml.root)) {
    if (options.http.allow->check(endpoint.text + "/").ok()) continue;
    draft.errors.push_back({file.name, "engine.host",
                            endpoint.text +
                                " is not allowed (add to the configuration: http: {allow: ['" +
                                endpoint.text + "']})",
                            endpoint.line, endpoint.column});
  }
}

void Engine::Impl::Draft::bind_children(Item& item, const std::vector<DeployedDefinition>& all) {
  for (const Definition::Child& child : item.definition->children()) {
    if (std::any_of(item.children.begin(), item.children.end(), [&](const Bound& known) {
          return known.wanted->name_space == child.name_space && known.wanted->name == child.name &&
                 known.wanted->version == child.version;
        }))
      continue;  // two tasks start the same
    Bound bound{.wanted = &child};
    const bool latest = child.version == "latest";
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Item& other = items[i];
      if (other.definition->name() != child.name ||
          other.definition->name_space() != child.name_space ||
          (latest ? !other.becomes_active : other.definition->version() != child.version)) {
        continue;
      }
      bound.file = i;
      bound.stored = other.stored;
      bound.version = other.definition->version();
    }
    for (const DeployedDefinition& one : all) {
      if (!bound.version.empty()) break;
      const bool goes = std::any_of(removed.begin(), removed.end(),
                                    [&](const auto& gone) { return gone.id == one.id; });
      if (one.definition->name() == child.name &&
          one.definition->name_space() == child.name_space &&
          (latest ? one.active && !goes : one.definition->version() == child.version)) {
        bound.stored = one.id;
        bound.version = one.definition->version();
      }
    }
    if (bound.version.empty()) {
      errors.push_back(
          {item.file->name, "engine.child",
           "run.workflow starts " + child.name_space + "/" + child.name + " " + child.version +
               ", which is neither deployed nor among these files (apply its file together with "
               "this one)",
           child.line, 1});
      continue;
    }
    item.children.push_back(std::move(bound));
  }
}

Engine::Impl::Draft Engine::Impl::make_draft(const std::vector<WorkflowFile>& files, bool prune) {
  Draft draft;
  const auto all = definitions();
  for (const WorkflowFile& file : files) {
    const auto parsed = workflow::parse_definition(file.yaml, &parts.actions);
    for (const auto& found : parsed.diagnostics) {
      std::string message = found.message;
      if (!found.suggestion.empty()) message += " (" + found.suggestion + ")";
      Finding finding{file.name, found.code, std::move(message), found.line, found.column};
      (found.severity == workflow::Severity::error ? draft.errors : draft.warnings)
          .push_back(std::move(finding));
    }
    if (parsed.definition == nullptr) continue;
    Draft::Item item{.file = &file,
                     .definition = parsed.definition,
                     .sha256 = to_hex(crypto::sha256(file.yaml))};
    const Definition& made = *item.definition;
    for (const Draft::Item& other : draft.items) {
      if (!same_name(*other.definition, made) || other.definition->version() != made.version())
        continue;
      draft.errors.push_back({file.name, "engine.duplicate",
                              full_name(made) + " " + made.version() + " is in " +
                                  other.file->name + " as well (leave one of them out)",
                              1, 1});
    }
    for (const DeployedDefinition& one : *all) {
      if (!same_name(*one.definition, made)) continue;
      if (one.active) item.before = one.definition;
      if (one.definition->version() != made.version()) continue;
      item.stored = one.id;
      if (one.sha256 == item.sha256) continue;
      item.same_version = one.definition;
      draft.errors.push_back({file.name, "engine.version_taken",
                              "workflow " + made.name() + " " + made.version() +
                                  " is deployed with other content (raise document.version)",
                              1, 1, ErrorKind::conflict});
    }
    draft.items.push_back(std::move(item));
  }

  std::set<std::string> name_spaces;
  for (Draft::Item& item : draft.items) {
    name_spaces.insert(item.definition->name_space());
    item.becomes_active =
        std::none_of(draft.items.begin(), draft.items.end(), [&](const Draft::Item& other) {
          return same_name(*other.definition, *item.definition) &&
                 compare_semver(other.definition->version(), item.definition->version()) > 0;
        });
    const bool active =
        item.before != nullptr && item.before->version() == item.definition->version();
    if (item.same_version != nullptr) {
      item.change = "refused";
    } else if (item.stored != 0) {
      item.change = active || !item.becomes_active ? "unchanged" : "activated";
    } else if (!item.becomes_active) {
      item.change = "stored";
    } else {
      item.change = item.before == nullptr ? "new" : "new-version";
    }
  }
  for (const DeployedDefinition& one : *all) {
    if (!prune || !one.active || !name_spaces.contains(one.definition->name_space())) continue;
    if (std::none_of(draft.items.begin(), draft.items.end(), [&](const Draft::Item& item) {
          return same_name(*item.definition, *one.definition);
        })) {
      draft.removed.push_back(one);
    }
  }
  for (Draft::Item& item : draft.items) {
    check_file(draft, *item.file);
    // What is stored was bound when it was stored.
    if (item.stored == 0) draft.bind_children(item, *all);
  }
  return draft;
}

Result<Json> Engine::plan(const std::vector<WorkflowFile>& files, bool prune) {
  Impl& engine = *impl_;
  const std::scoped_lock serial(engine.deploy_mutex);
  const Impl::Draft draft = engine.make_draft(files, prune);
  const auto all = engine.definitions();
  RABT_TRY(live, live_instances(engine.parts.store, engine.options.tenant));
  const auto running = [&](const Definition& of) {
    Json list = Json::array();
    for (const DeployedDefinition& one : *all) {
      const auto count = live.find(one.id);
      if (count == live.end() || !same_name(*one.definition, of)) continue;
      list.push_back(
          Json::object({{"version", one.definition->version()}, {"instances", count->second}}));
    }
    return list;
  };

  Json workflows = Json::array();
  for (const Impl::Draft::Item& item : draft.items) {
    const Definition& definition = *item.definition;
    Json entry = Json::object({{"namespace", definition.name_space()},
                               {"name", definition.name()},
                               {"version", definition.version()},
                               {"change", item.change},
                               {"file", item.file->name}});
    const auto& against = item.same_version != nullptr ? item.same_version : item.before;
    if (against != nullptr && item.change != "unchanged") {
      entry.set("from", against->version());
      Json differences = Json::array();
      for (const auto& one : workflow::diff(*against, definition))
        differences.push_back(workflow::to_json(one));
      entry.set("differences", differences);
    }
    if (Json list = running(definition); list.size() != 0) entry.set("running", list);
    Json children = Json::array();
    for (const auto& bound : item.children) {
      children.push_back(
          Json::object({{"workflow", bound.wanted->name_space + "/" + bound.wanted->name},
                        {"version", bound.wanted->version},
                        {"bound", bound.version}}));
    }
    if (item.stored != 0) {
      for (const DeployedDefinition& one : *all) {
        if (one.id != item.stored) continue;
        for (const auto& bound : one.children) {
          const auto child = engine.definition(bound.child);
          children.push_back(Json::object({{"workflow", bound.name_space + "/" + bound.name},
                                           {"version", bound.version},
                                           {"bound", child == nullptr ? "" : child->version()}}));
        }
      }
    }
    if (children.size() != 0) entry.set("children", children);
    workflows.push_back(std::move(entry));
  }
  for (const DeployedDefinition& one : draft.removed) {
    Json entry = Json::object({{"namespace", one.definition->name_space()},
                               {"name", one.definition->name()},
                               {"version", one.definition->version()},
                               {"change", "removed"}});
    if (Json list = running(*one.definition); list.size() != 0) entry.set("running", list);
    workflows.push_back(std::move(entry));
  }
  Json errors = Json::array();
  for (const Finding& finding : draft.errors) errors.push_back(to_json(finding));
  Json warnings = Json::array();
  for (const Finding& finding : draft.warnings) warnings.push_back(to_json(finding));
  return Json::object({{"changes", draft.changes()},
                       {"workflows", workflows},
                       {"errors", errors},
                       {"warnings", warnings}});
}

Result<std::vector<Deployed>> Engine::apply(const std::vector<WorkflowFile>& files,
                                            std::string_view actor, bool prune) {
  Impl& engine = *impl_;
  const std::scoped_lock serial(engine.deploy_mutex);
  const Impl::Draft draft = engine.make_draft(files, prune);
  if (!draft.errors.empty()) return draft.error();
  std::vector<Deployed> done;
  for (const auto& item : draft.items) {
    done.push_back({item.definition->name_space(), item.definition->name(),
                    item.definition->version(), item.change});
  }
  for (const DeployedDefinition& one : draft.removed) {
    done.push_back({one.definition->name_space(), one.definition->name(), one.definition->version(),
                    "removed"});
  }
  if (!draft.changes()) return done;

  const std::string& tenant = engine.options.tenant;
  std::vector<Timers::Entry> timers;
  RABT_TRY_STATUS(engine.parts.store.write([&](store::Transaction& transaction) -> Status {
    timers.clear();
    const auto audit = [&](std::string_view act, const Definition& definition,
                           Json detail) -> Status {
      return engine.parts.audit.append(
          transaction, engine.parts.audit.prepare(
                           {.tenant = tenant,
                            .actor = std::string(actor),
                            .act = std::string(act),
                            .object = "workflow:" + definition.name() + "@" + definition.version(),
                            .result = "ok",
                            .detail = std::move(detail)}));
    };
    const std::int64_t now = engine.parts.clock.now().ms;
    std::vector<std::int64_t> ids;
    for (const auto& item : draft.items) {
      std::int64_t id = item.stored;
      const Definition& definition = *item.definition;
      if (id == 0) {
        RABT_TRY(drawn, transaction.next(sql::kDefinitionIds));
        id = drawn;
        RABT_TRY_STATUS(
            run(transaction, sql::kInsertDefinition,
                {id, tenant, definition.name_space(), definition.name(), definition.version(),
                 item.sha256, store::Blob{item.file->yaml}, now}));
      }
      ids.push_back(id);
    }
    for (std::size_t i = 0; i < draft.items.size(); ++i) {
      const auto& item = draft.items[i];
      const Definition& definition = *item.definition;
      for (const auto& bound : item.children) {
        RABT_TRY_STATUS(
            run(transaction, sql::kInsertDefinitionChild,
                {ids[i], bound.wanted->name_space, bound.wanted->name, bound.wanted->version,
                 bound.stored != 0 ? bound.stored : ids[bound.file]}));
      }
      if (item.change == "unchanged") continue;
      if (item.becomes_active) {
        RABT_TRY_STATUS(run(transaction, sql::kDeactivateDefinitions,
                            {tenant, definition.name_space(), definition.name()}));
        RABT_TRY_STATUS(run(transaction, sql::kActivateDefinition, {ids[i]}));
        RABT_TRY_STATUS(engine.store_schedule(transaction, definition, ids[i], timers));
      }
      RABT_TRY_STATUS(audit("workflow.deployed", definition,
                            Json::object({{"sha256", item.sha256}, {"change", item.change}})));
    }
    for (const DeployedDefinition& one : draft.removed) {
      const Definition& definition = *one.definition;
      RABT_TRY_STATUS(run(transaction, sql::kDeactivateDefinitions,
                          {tenant, definition.name_space(), definition.name()}));
      RABT_TRY_STATUS(run(transaction, sql::kDeleteSchedule,
                          {tenant, definition.name_space(), definition.name()}));
      RABT_TRY_STATUS(audit("workflow.removed", definition, Json()));
    }
    return ok_status();
  }));
  RABT_TRY_STATUS(engine.load_definitions());
  for (const Timers::Entry& timer : timers) engine.timers.add(timer);
  for (const Deployed& one : done) {
    if (one.change != "unchanged")
      engine.parts.log.info(
          "workflow.deployed",
          {{"workflow", one.name}, {"version", one.version}, {"change", one.change}});
  }
  return done;
}

// ---- what is deployed
// -------------------------------------------------------------------------------------------------------

std::shared_ptr<const std::vector<DeployedDefinition>> Engine::Impl::definitions() const {
  const std::shared_lock lock(definitions_mutex);
  return deployed;
}

std::shared_ptr<const workflow::Definition> Engine::Impl::definition(std::int64_t id) const {
  const auto all = definitions();
  for (const DeployedDefinition& one : *all) {
    if (one.id == id) return one.definition;
  }
  return nullptr;
}

std::int64_t Engine::Impl::child_definition(std::int64_t parent, std::string_view name_space,
                                            std::string_view name, std::string_view version) const {
  const auto all = definitions();
  for (const DeployedDefinition& one : *all) {
    if (one.id != parent) continue;
    for (const auto& bound : one.children) {
      if (bound.name == name && bound.name_space == name_space && bound.version == version)
        return bound.child;
    }
  }
  return 0;
}

Result<Json> Engine::Impl::secrets_of(const workflow::Definition& definition) const {
  Json values;
  for (const std::string& name : definition.secrets()) {
    const auto found = options.secrets.find(name);
    if (found == options.secrets.end()) {
      return unavailable("engine.secret",
                         "workflow " + definition.name() + " uses the secret `" + name +
                             "`, which the hub was not given at its start (add to the "
                             "configuration: workflow_secrets: {" +
                             name + ": {file: PATH}})");
    }
    values.set(name, found->second->expose_text());
  }
  return values;
}

Status Engine::Impl::load_definitions() {
  struct Row {
    std::string name;
    std::string source;
    DeployedDefinition one;
  };
  std::vector<Row> rows;
  std::map<std::int64_t, std::vector<DeployedDefinition::Bound>> children;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(
        connection.query(sql::kAllDefinitions, {options.tenant}, [&](const store::Row& row) {
          rows.push_back({std::string(row.text(1)),
                          std::string(row.blob(3)),
                          {.id = row.integer(0),
                           .active = row.integer(4) != 0,
                           .sha256 = std::string(row.text(5)),
                           .deployed = Timestamp{row.integer(6)}}});
          return true;
        }));
    return connection.query(
        sql::kAllDefinitionChildren, {options.tenant}, [&](const store::Row& row) {
          children[row.integer(0)].push_back({std::string(row.text(1)), std::string(row.text(2)),
                                              std::string(row.text(3)), row.integer(4)});
          return true;
        });
  }));
  auto loaded = std::make_shared<std::vector<DeployedDefinition>>();
  for (Row& row : rows) {
    // Without the catalogue: what runs was checked when it was deployed, and must go on although a
    // plugin is missing today.
    auto parsed = workflow::parse_definition(row.source, nullptr);
    if (parsed.definition == nullptr) {
      return corrupt(
          "engine.definition",
          "the stored definition of workflow " + row.name + " no longer parses: " +
              (parsed.diagnostics.empty() ? std::string("unknown reason")
                                          : to_string(parsed.diagnostics.front(), row.name)));
    }
    row.one.definition = parsed.definition;
    row.one.children = std::move(children[row.one.id]);
    loaded->push_back(std::move(row.one));
  }
  const std::unique_lock lock(definitions_mutex);
  deployed = std::move(loaded);
  return ok_status();
}

Result<std::vector<DeployedWorkflow>> Engine::workflows() {
  const auto all = impl_->definitions();
  RABT_TRY(live, live_instances(impl_->parts.store, impl_->options.tenant));
  std::vector<DeployedWorkflow> list;
  for (const DeployedDefinition& one : *all) {
    list.push_back({.name_space = one.definition->name_space(),
                    .name = one.definition->name(),
                    .version = one.definition->version(),
                    .sha256 = one.sha256,
                    .active = one.active,
                    .deployed = one.deployed,
                    .running = live[one.id]});
  }
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name_space, a.name) < std::tie(b.name_space, b.name);
  });
  return list;
}

Result<std::string> Engine::source(std::string_view name_space, std::string_view name,
                                   std::string_view version) {
  const auto all = impl_->definitions();
  const DeployedDefinition* found = nullptr;
  for (const DeployedDefinition& one : *all) {
    const Definition& definition = *one.definition;
    if (definition.name() != name || (!name_space.empty() && definition.name_space() != name_space))
      continue;
    if (version.empty() ? !one.active : definition.version() != version) continue;
    if (found != nullptr) {
      return conflict("engine.workflow", "workflows of this name are deployed in the namespaces " +
                                             found->definition->name_space() + " and " +
                                             definition.name_space() + "; name one of them");
    }
    found = &one;
  }
  if (found == nullptr) {
    return not_found("engine.workflow", version.empty()
                                            ? "no version of a workflow of this name is active"
                                            : "no workflow of this name and version is deployed");
  }
  std::string text;
  RABT_TRY_STATUS(impl_->parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadSource, {found->id, impl_->options.tenant},
                            [&](const store::Row& row) {
                              text = std::string(row.blob(0));
                              return false;
                            });
  }));
  return text;
}

}  // namespace rabt::engine
