#include "hub/engine/wanted_types.hpp"

#include <algorithm>

#include "hub/engine/statements.hpp"

namespace rabt::engine {

void WantedTypes::deploy(std::shared_ptr<const std::vector<DeployedDefinition>> deployed) {
  const Lock lock(mutex_);
  for (const DeployedDefinition& definition : *deployed_) {
    if (definition.active) living_.insert(definition.id);
  }
  before_.push_back(deployed_);
  deployed_ = std::move(deployed);
  ended_ = true;
  make_types();
}

Status WantedTypes::look() {
  const Lock one_at_a_time(look_mutex_);
  {
    const Lock lock(mutex_);
    begun_.clear();
    for (const auto& [definition, jobs] : starting_) begun_.insert(definition);
    ended_ = false;
  }
  std::set<std::int64_t> found;
  const Status read = store_.read([&](store::Connection& connection) {
    return connection.query(sql::kLivingDefinitions, {tenant_}, [&](const store::Row& row) {
      found.insert(row.integer(sql::kLivingDefinitions["definition"]));
      return true;
    });
  });
  const Lock lock(mutex_);
  if (!read.ok()) {
    ended_ = true;
    return read;
  }
  // Changes that the store did not have yet when it was read.
  found.insert(begun_.begin(), begun_.end());
  // After the read: a start whose list is gone by now is in the store or in begun_.
  if (add_active_before(found)) ended_ = true;
  if (found == living_) return ok_status();
  living_ = std::move(found);
  make_types();
  return ok_status();
}

bool WantedTypes::add_active_before(std::set<std::int64_t>& living) {
  std::erase_if(before_, [](const auto& list) { return list.expired(); });
  bool held = false;
  for (const auto& one : before_) {
    const auto list = one.lock();
    if (list == nullptr) continue;
    held = true;
    for (const DeployedDefinition& definition : *list) {
      if (definition.active) living.insert(definition.id);
    }
  }
  return held;
}

Status WantedTypes::look_if_ended() {
  {
    const Lock lock(mutex_);
    if (!ended_) return ok_status();
  }
  return look();
}

void WantedTypes::lives(store::Transaction& transaction, std::int64_t definition) {
  {
    const Lock lock(mutex_);
    ++starting_[definition];
    begun_.insert(definition);
    if (living_.insert(definition).second) make_types();
  }
  transaction.on_rollback([this, definition] { job_over(definition, false); });
  transaction.on_commit([this, definition] { job_over(definition, true); });
}

void WantedTypes::job_over(std::int64_t definition, bool written) {
  const Lock lock(mutex_);
  const auto found = starting_.find(definition);
  if (found != starting_.end() && --found->second == 0) starting_.erase(found);
  if (!written) ended_ = true;
}

void WantedTypes::ended(std::int64_t definition) {
  const Lock lock(mutex_);
  const bool active = std::any_of(
      deployed_->begin(), deployed_->end(), [&](const DeployedDefinition& deployed_definition) {
        return deployed_definition.id == definition && deployed_definition.active;
      });
  if (!active) ended_ = true;
}

bool WantedTypes::has(std::string_view type) const {
  const auto types = [this] {
    const Lock lock(mutex_);
    return types_;
  }();
  return types->every || types->named.contains(type);
}

void WantedTypes::make_types() {
  std::map<std::int64_t, const DeployedDefinition*> by_id;
  // Grows while it is read.
  std::vector<std::int64_t> wanted(living_.begin(), living_.end());
  for (const DeployedDefinition& deployed_definition : *deployed_) {
    by_id.emplace(deployed_definition.id, &deployed_definition);
    if (deployed_definition.active) wanted.push_back(deployed_definition.id);
  }
  auto types = std::make_shared<Types>();
  std::set<std::int64_t> seen;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto found = by_id.find(wanted[i]);
    if (found == by_id.end() || !seen.insert(wanted[i]).second) continue;
    const DeployedDefinition& definition = *found->second;
    for (const auto& bound : definition.children) wanted.push_back(bound.child);
    if (definition.active) {
      for (std::string& type : definition.definition->start_types())
        types->named.insert(std::move(type));
    }
    const auto heard = definition.definition->heard_types();
    if (!heard) types->every = true;
    if (heard) types->named.insert(heard->begin(), heard->end());
  }
  types_ = std::move(types);
}

}  // namespace rabt::engine
