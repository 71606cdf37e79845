#include "hub/engine/pauses.hpp"

#include <algorithm>
#include <limits>

#include "hub/base/fnv1a.hpp"

namespace rabt::engine {

std::int64_t go_on_jitter_ms(std::int64_t instance, std::uint64_t id) {
  const std::uint64_t hash = fnv1a(std::to_string(instance) + " " + std::to_string(id));
  return static_cast<std::int64_t>((hash ^ (hash >> 32U)) % (kGoOnJitterMs + 1));
}

std::optional<Pauses::Held> Pauses::hold(Call call) {
  if (!any()) return std::nullopt;
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
    RolePause& role_pause = out.emplace_back(pause);
    role_pause.held =
        std::count_if(list_->calls.begin(), list_->calls.end(),
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
  // By deadline and number.
  std::map<std::pair<std::int64_t, std::uint64_t>, Call> in_order;
  for (const auto& [key, call] : list_->calls) {
    if (call.role != role) continue;
    const std::int64_t deadline =
        call.deadline ? call.deadline->ms : std::numeric_limits<std::int64_t>::max();
    in_order.emplace(std::pair(deadline, key.second), call);
  }
  std::vector<Call> out;
  out.reserve(in_order.size());
  for (auto& [rank, call] : in_order) out.push_back(std::move(call));
  return out;
}

}  // namespace rabt::engine
