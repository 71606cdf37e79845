#include "hub/engine/pauses.hpp"

#include <algorithm>

namespace rabt::engine {

std::optional<Pauses::Held> Pauses::hold(Call call) {
  if (paused_ == 0) return std::nullopt;
  const Lock lock(list_->mutex);
  const auto role = list_->roles.find(call.role);
  if (role == list_->roles.end()) return std::nullopt;
  const auto key = std::pair(call.instance, ++list_->last);
  list_->calls.emplace(key, std::move(call));
  return Held{.since = role->second.since,
              .listed = {static_cast<const void*>(this), [list = list_, key](const void* /*it*/) {
                           const Lock of_list(list->mutex);
                           list->calls.erase(key);
                         }}};
}

std::vector<RolePause> Pauses::all() const {
  const Lock lock(list_->mutex);
  std::vector<RolePause> out;
  for (const auto& [role, pause] : list_->roles) {
    RolePause& one = out.emplace_back(pause);
    one.held = std::count_if(list_->calls.begin(), list_->calls.end(),
                             [&name = role](const auto& call) { return call.second.role == name; });
  }
  return out;
}

std::string Pauses::of(std::string_view instance) const {
  const Lock lock(list_->mutex);
  const auto found = list_->calls.lower_bound(std::pair(std::string(instance), std::uint64_t{0}));
  if (found == list_->calls.end() || found->first.first != instance) return {};
  return found->second.role + "/" + found->second.action;
}

std::set<std::string> Pauses::references_of(std::string_view instance) const {
  const Lock lock(list_->mutex);
  std::set<std::string> out;
  for (auto at = list_->calls.lower_bound(std::pair(std::string(instance), std::uint64_t{0}));
       at != list_->calls.end() && at->first.first == instance; ++at)
    out.insert(at->second.reference);
  return out;
}

void Pauses::begin(RolePause pause) {
  const Lock lock(list_->mutex);
  std::string role = pause.role;
  list_->roles.insert_or_assign(std::move(role), std::move(pause));
  paused_ = list_->roles.size();
}

std::vector<Pauses::Call> Pauses::end(std::string_view role) {
  const Lock lock(list_->mutex);
  if (const auto found = list_->roles.find(role); found != list_->roles.end())
    list_->roles.erase(found);
  paused_ = list_->roles.size();
  std::map<std::uint64_t, Call> in_order;
  for (const auto& [key, call] : list_->calls) {
    if (call.role == role) in_order.emplace(key.second, call);
  }
  std::vector<Call> out;
  out.reserve(in_order.size());
  for (auto& [number, call] : in_order) out.push_back(std::move(call));
  return out;
}

}  // namespace rabt::engine
