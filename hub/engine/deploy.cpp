#include <algorithm>
#include <map>
#include <tuple>

#include "hub/engine/draft.hpp"
#include "hub/engine/statements.hpp"
#include "hub/workflow/explain/diff.hpp"

// Deployed workflows, the plan of the changes by a set of files, and these changes.
namespace rabt::engine {

using workflow::Definition;

Result<std::map<std::int64_t, std::int64_t>> Engine::Impl::running_instances() const {
  std::map<std::int64_t, std::int64_t> running;
  RABT_TRY_STATUS(context.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kCountRunning, {context.options.tenant},
                            [&](const store::Row& row) {
                              running[row.integer(sql::kCountRunning["definition"])] =
                                  row.integer(sql::kCountRunning["count"]);
                              return true;
                            });
  }));
  return running;
}

Result<Json> Engine::plan(const std::vector<WorkflowFile>& files, bool prune) {
  Impl& engine = *impl_;
  const Lock serial(engine.deploy_mutex);
  const Impl::Draft draft = engine.make_draft(files, prune);
  const auto all = engine.definitions.all();
  RABT_TRY(counts, engine.running_instances());
  const auto running = [&](const Definition& of) {
    Json list = Json::array();
    for (const DeployedDefinition& one : *all) {
      const auto count = counts.find(one.id);
      if (count == counts.end() || !same_name(*one.definition, of)) continue;
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
          const auto child = engine.definitions.find(bound.child);
          children.push_back(Json::object({{"workflow", bound.name_space + "/" + bound.name},
                                           {"version", bound.version},
                                           {"bound", child == nullptr ? "" : child->version()}}));
        }
      }
    }
    if (children.size() != 0) entry.set("children", children);
    workflows.push_back(std::move(entry));
  }
  for (const DeployedDefinition& deployed_definition : draft.removed) {
    Json entry = Json::object({{"namespace", deployed_definition.definition->name_space()},
                               {"name", deployed_definition.definition->name()},
                               {"version", deployed_definition.definition->version()},
                               {"change", "removed"}});
    if (Json list = running(*deployed_definition.definition); list.size() != 0)
      entry.set("running", list);
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

Status Engine::Impl::store_draft(store::Transaction& transaction, const Draft& draft,
                                 std::string_view actor, std::vector<Timers::Entry>& alarms) const {
  const std::string& tenant = context.options.tenant;
  const auto audit = [&](std::string_view act, const Definition& definition,
                         Json detail) -> Status {
    return context.parts.audit.append(
        transaction, context.parts.audit.prepare(
                         {.tenant = tenant,
                          .actor = std::string(actor),
                          .act = std::string(act),
                          .object = "workflow:" + definition.name() + "@" + definition.version(),
                          .result = "ok",
                          .detail = std::move(detail)}));
  };
  std::vector<std::int64_t> ids;
  for (const auto& item : draft.items) {
    std::int64_t id = item.stored;
    const Definition& definition = *item.definition;
    if (id == 0) {
      RABT_TRY(drawn, transaction.next(sql::kDefinitionNumbers));
      id = drawn;
      transaction.put(sql::kInsertDefinition,
                      {id, tenant, definition.name_space(), definition.name(), definition.version(),
                       item.sha256, store::Blob{item.file->yaml}, context.parts.clock.now().ms});
    }
    ids.push_back(id);
  }
  for (std::size_t i = 0; i < draft.items.size(); ++i) {
    const auto& item = draft.items[i];
    const Definition& definition = *item.definition;
    for (const auto& bound : item.children) {
      transaction.put(sql::kInsertDefinitionChild,
                      {ids[i], bound.wanted->name_space, bound.wanted->name, bound.wanted->version,
                       bound.stored != 0 ? bound.stored : ids[bound.file]});
    }
    if (item.change == "unchanged") continue;
    if (item.becomes_active) {
      transaction.put(sql::kDeactivateDefinitions,
                      {tenant, definition.name_space(), definition.name()});
      transaction.put(sql::kActivateDefinition, {ids[i]});
      RABT_TRY_STATUS(schedules.store(transaction, definition, ids[i], alarms));
    }
    RABT_TRY_STATUS(audit("workflow.deployed", definition,
                          Json::object({{"sha256", item.sha256}, {"change", item.change}})));
  }
  for (const DeployedDefinition& deployed_definition : draft.removed) {
    const Definition& definition = *deployed_definition.definition;
    transaction.put(sql::kDeactivateDefinitions,
                    {tenant, definition.name_space(), definition.name()});
    transaction.put(sql::kDeleteSchedule, {tenant, definition.name_space(), definition.name()});
    RABT_TRY_STATUS(audit("workflow.removed", definition, Json()));
  }
  return ok_status();
}

Result<std::vector<Deployed>> Engine::apply(const std::vector<WorkflowFile>& files,
                                            std::string_view actor, bool prune) {
  Impl& engine = *impl_;
  const Lock serial(engine.deploy_mutex);
  const Impl::Draft draft = engine.make_draft(files, prune);
  if (!draft.errors.empty()) return draft.error();
  std::vector<Deployed> done;
  for (const auto& item : draft.items) {
    done.push_back({item.definition->name_space(), item.definition->name(),
                    item.definition->version(), item.change});
  }
  for (const DeployedDefinition& definition : draft.removed) {
    done.push_back({definition.definition->name_space(), definition.definition->name(),
                    definition.definition->version(), "removed"});
  }
  if (!draft.changes()) return done;

  std::vector<Timers::Entry> alarms;
  RABT_TRY_STATUS(engine.context.parts.store.write([&](store::Transaction& transaction) {
    alarms.clear();
    return engine.store_draft(transaction, draft, actor, alarms);
  }));
  RABT_TRY_STATUS(engine.definitions.load());
  engine.wanted.deploy(engine.definitions.all());
  // After an error the next sweep looks again; until then too much is wanted.
  if (const Status looked = engine.wanted.look(); !looked.ok())
    engine.context.parts.log.warn("engine.look_failed", {{"code", looked.error().code}});
  for (const Timers::Entry& alarm : alarms) engine.timers.add(alarm);
  for (const Deployed& deployed : done) {
    if (deployed.change != "unchanged")
      engine.context.parts.log.info("workflow.deployed", {{"workflow", deployed.name},
                                                          {"version", deployed.version},
                                                          {"change", deployed.change}});
  }
  return done;
}

Result<std::vector<DeployedWorkflow>> Engine::workflows() {
  const auto all = impl_->definitions.all();
  RABT_TRY(counts, impl_->running_instances());
  std::vector<DeployedWorkflow> list;
  for (const DeployedDefinition& definition : *all) {
    list.push_back({.name_space = definition.definition->name_space(),
                    .name = definition.definition->name(),
                    .version = definition.definition->version(),
                    .sha256 = definition.sha256,
                    .active = definition.active,
                    .deployed = definition.deployed,
                    .running = counts[definition.id]});
  }
  std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return std::tie(a.name_space, a.name) < std::tie(b.name_space, b.name);
  });
  return list;
}

Result<std::string> Engine::source(std::string_view name_space, std::string_view name,
                                   std::string_view version) {
  RABT_TRY(found, impl_->definitions.deployed(name_space, name, version));
  std::string text;
  RABT_TRY_STATUS(impl_->context.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kReadSource, {found.id, impl_->context.options.tenant},
                            [&](const store::Row& row) {
                              text = std::string(row.blob(sql::kReadSource["source"]));
                              return false;
                            });
  }));
  return text;
}

}  // namespace rabt::engine
