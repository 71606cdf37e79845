#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

// What an instance keeps of the plugins it started with: its definition names action and contract
// version of every call, its binding names the plugin behind each role.
namespace rabt::engine {

using workflow::Definition;

Status Engine::Impl::load_bindings() {
  Json now = Json::object();
  for (const auto& [role, target] : parts.actions.bindings()) now.set(role, target);
  const std::string text = now.dump_sorted();
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) {
    return run(transaction, sql::kInsertBinding, {options.tenant, text});
  }));
  std::optional<Error> fault;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kAllBindings, {options.tenant}, [&](const store::Row& row) {
      const auto roles = Json::parse(row.text(1));
      if (!roles.ok() || !roles->is_object()) {
        fault = corrupt("engine.binding", "a stored binding of roles cannot be read");
        return false;
      }
      auto& held = bindings[row.integer(0)];
      for (const auto& [role, target] : roles->as_object()) held[role] = target.as_string();
      if (row.text(1) == text) binding = row.integer(0);
      return true;
    });
  }));
  if (fault) return *fault;
  return ok_status();
}

std::string Engine::Impl::target_of(const Definition& definition, std::int64_t of_binding,
                                    std::string_view role) const {
  if (std::string pinned = definition.catalog(role); !pinned.empty()) return pinned;
  const auto held = bindings.find(of_binding);
  if (held != bindings.end()) {
    if (const auto bound = held->second.find(role); bound != held->second.end())
      return bound->second;
  }
  return std::string(role);
}

Result<std::vector<plugin::Need>> Engine::Impl::needs() {
  struct Used {
    std::int64_t definition = 0;
    std::int64_t binding = 0;
    std::int64_t instances = 0;
  };
  std::vector<Used> used;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kLiveByBinding, {options.tenant}, [&](const store::Row& row) {
      used.push_back({row.integer(0), row.integer(1), row.integer(2)});
      return true;
    });
  }));
  const auto all = definitions();
  for (const DeployedDefinition& one : *all) {
    if (one.active) used.push_back({one.id, binding, 0});
  }
  // What these may start is started as roles are bound now. The list grows while it is read.
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < used.size(); ++i) {
    for (const DeployedDefinition& one : *all) {
      if (one.id != used[i].definition || !seen.insert(one.id).second) continue;
      for (const auto& child : one.children) {
        if (!seen.contains(child.child)) used.push_back({child.child, binding, 0});
      }
    }
  }
  std::vector<plugin::Need> out;
  for (const Used& one : used) {
    const auto found = definition(one.definition);
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

Status Engine::with_needs(const std::function<Status(const std::vector<plugin::Need>&)>& use) {
  const std::scoped_lock serial(impl_->deploy_mutex);
  RABT_TRY(needs, impl_->needs());
  return use(needs);
}

}  // namespace rabt::engine
