#include "hub/engine/definitions.hpp"

#include <set>

#include "hub/engine/statements.hpp"
#include "hub/workflow/parse/deployed.hpp"

namespace rabt::engine {

using workflow::Definition;

std::shared_ptr<const std::vector<DeployedDefinition>> Definitions::all() const {
  const ReadLock lock(mutex_);
  return deployed_;
}

std::shared_ptr<const workflow::Definition> Definitions::find(std::int64_t id) const {
  const auto deployed = all();
  for (const DeployedDefinition& definition : *deployed) {
    if (definition.id == id) return definition.definition;
  }
  return nullptr;
}

Result<DeployedDefinition> Definitions::deployed(std::string_view name_space, std::string_view name,
                                                 std::string_view version) const {
  const auto list = all();
  const DeployedDefinition* found = nullptr;
  for (const DeployedDefinition& deployed_definition : *list) {
    const workflow::Definition& definition = *deployed_definition.definition;
    if (definition.name() != name || (!name_space.empty() && definition.name_space() != name_space))
      continue;
    if (version.empty() ? !deployed_definition.active : definition.version() != version) continue;
    if (found != nullptr) {
      return conflict("engine.workflow", "workflows of this name are deployed in the namespaces " +
                                             found->definition->name_space() + " and " +
                                             definition.name_space() + "; name one of them");
    }
    found = &deployed_definition;
  }
  if (found == nullptr) {
    return not_found("engine.workflow", version.empty()
                                            ? "no version of a workflow of this name is active"
                                            : "no workflow of this name and version is deployed");
  }
  return *found;
}

std::int64_t Definitions::child_of(std::int64_t parent, std::string_view name_space,
                                   std::string_view name, std::string_view version) const {
  const auto deployed = all();
  for (const DeployedDefinition& definition : *deployed) {
    if (definition.id != parent) continue;
    for (const auto& bound : definition.children) {
      if (bound.name == name && bound.name_space == name_space && bound.version == version)
        return bound.child;
    }
  }
  return 0;
}

Result<Json> Definitions::secrets_of(const workflow::Definition& definition) const {
  Json values;
  for (const std::string& name : definition.secrets()) {
    const auto found = context_.options.secrets.find(name);
    if (found == context_.options.secrets.end()) {
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

Status Definitions::load() {
  struct Row {
    std::string name;
    std::string source;
    DeployedDefinition definition;
  };
  std::vector<Row> rows;
  std::map<std::int64_t, std::vector<DeployedDefinition::Bound>> children;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(
        sql::kAllDefinitions, {context_.options.tenant}, [&](const store::Row& row) {
          rows.push_back(
              {std::string(row.text(sql::kAllDefinitions["name"])),
               std::string(row.blob(sql::kAllDefinitions["source"])),
               {.id = row.integer(sql::kAllDefinitions["id"]),
                .active = row.integer(sql::kAllDefinitions["active"]) != 0,
                .sha256 = std::string(row.text(sql::kAllDefinitions["sha256"])),
                .deployed = Timestamp{row.integer(sql::kAllDefinitions["deployed_ms"])}}});
          return true;
        }));
    return connection.query(
        sql::kAllDefinitionChildren, {context_.options.tenant}, [&](const store::Row& row) {
          children[row.integer(sql::kAllDefinitionChildren["definition"])].push_back(
              {std::string(row.text(sql::kAllDefinitionChildren["namespace"])),
               std::string(row.text(sql::kAllDefinitionChildren["name"])),
               std::string(row.text(sql::kAllDefinitionChildren["version"])),
               row.integer(sql::kAllDefinitionChildren["child"])});
          return true;
        });
  }));
  auto loaded = std::make_shared<std::vector<DeployedDefinition>>();
  for (Row& row : rows) {
    // Without the catalogue: what runs was checked when it was deployed, and must go on although a
    // plugin is missing today.
    auto parsed = workflow::parse_deployed(row.source);
    if (parsed.definition == nullptr) {
      return corrupt(
          "engine.definition",
          "the stored definition of workflow " + row.name + " no longer parses: " +
              (parsed.diagnostics.empty() ? std::string("unknown reason")
                                          : to_string(parsed.diagnostics.front(), row.name)));
    }
    row.definition.definition = parsed.definition;
    row.definition.children = std::move(children[row.definition.id]);
    loaded->push_back(std::move(row.definition));
  }
  const WriteLock lock(mutex_);
  deployed_ = std::move(loaded);
  return ok_status();
}

Status Definitions::load_bindings() {
  Json now = Json::object();
  for (const auto& [role, target] : context_.parts.actions.bindings()) now.set(role, target);
  const std::string text = now.dump_sorted();
  RABT_TRY_STATUS(context_.parts.store.write([&](store::Transaction& transaction) {
    return run(transaction, sql::kInsertBinding, {context_.options.tenant, text});
  }));
  std::optional<Error> fault;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kAllBindings, {context_.options.tenant}, [&](const store::Row& row) {
          const auto roles = Json::parse(row.text(sql::kAllBindings["roles"]));
          if (!roles.ok() || !roles->is_object()) {
            fault = corrupt("engine.binding", "a stored binding of roles cannot be read");
            return false;
          }
          auto& held = bindings_[row.integer(sql::kAllBindings["id"])];
          for (const auto& [role, target] : roles->as_object()) held[role] = target.as_string();
          if (row.text(sql::kAllBindings["roles"]) == text)
            binding_ = row.integer(sql::kAllBindings["id"]);
          return true;
        });
  }));
  if (fault) return *fault;
  return ok_status();
}

std::string Definitions::target_of(const Definition& definition, std::int64_t binding,
                                   std::string_view role) const {
  if (std::string pinned = definition.catalog(role); !pinned.empty()) return pinned;
  const auto held = bindings_.find(binding);
  if (held != bindings_.end()) {
    if (const auto bound = held->second.find(role); bound != held->second.end())
      return bound->second;
  }
  return std::string(role);
}

Result<std::vector<plugin::Need>> Definitions::needs() {
  struct Used {
    std::int64_t definition = 0;
    std::int64_t binding = 0;
    std::int64_t instances = 0;
  };
  std::vector<Used> used;
  RABT_TRY_STATUS(context_.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kRunningByBinding, {context_.options.tenant},
                            [&](const store::Row& row) {
                              used.push_back({row.integer(sql::kRunningByBinding["definition"]),
                                              row.integer(sql::kRunningByBinding["binding"]),
                                              row.integer(sql::kRunningByBinding["count"])});
                              return true;
                            });
  }));
  const auto deployed = all();
  for (const DeployedDefinition& one : *deployed) {
    if (one.active) used.push_back({one.id, binding_, 0});
  }
  // Children of these start with the roles as bound now. The list grows while it is read.
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < used.size(); ++i) {
    for (const DeployedDefinition& deployed_definition : *deployed) {
      if (deployed_definition.id != used[i].definition ||
          !seen.insert(deployed_definition.id).second)
        continue;
      for (const auto& child : deployed_definition.children) {
        if (!seen.contains(child.child)) used.push_back({child.child, binding_, 0});
      }
    }
  }
  std::vector<plugin::Need> out;
  for (const Used& one : used) {
    const auto found = find(one.definition);
    if (found == nullptr) continue;
    for (const Definition::Call& call : found->calls()) {
      if (call.role == workflow::kHttpRole) continue;
      std::string by = "workflow " + found->name_space() + "/" + found->name() + " " +
                       found->version() + ", line " + std::to_string(call.line);
      if (one.instances != 0)
        by += " (" + std::to_string(one.instances) +
              (one.instances == 1 ? " instance runs)" : " instances run)");
      out.push_back(
          {target_of(*found, one.binding, call.role), call.action, call.version, std::move(by)});
    }
  }
  return out;
}

}  // namespace rabt::engine
