#include "hub/workflow/lint/flow_value.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "hub/workflow/lint/phi_paths.hpp"

namespace rabt::workflow {

namespace flow {

namespace {

// Paths longer than this are cut: a loop that nests a value in itself would grow for ever. A cut
// place stands for all that is below it.
constexpr std::size_t kMaxPath = 160;
// A value with more origins may be anything.
constexpr std::size_t kMaxOrigins = 500;
constexpr std::string_view kAnything = "anything";

std::string below(const std::string& origin, std::string_view key) {
  if (origin.size() + key.size() > kMaxPath || origin == kAnything) return origin;
  return origin + '.' + std::string(key);
}

void collect(const FlowValue& value, std::set<std::string>& out) {
  for (const auto& [origin, hidden] : value.origins) out.insert(origin);
  out.insert(value.inside.begin(), value.inside.end());
  for (const auto& [key, part] : value.members) collect(part, out);
}

std::vector<std::string_view> segments(std::string_view place) {
  std::vector<std::string_view> out;
  for (std::size_t point = place.find('.'); point != std::string_view::npos;
       point = place.find('.')) {
    out.push_back(place.substr(0, point));
    place.remove_prefix(point + 1);
  }
  out.push_back(place);
  return out;
}

// One inside the other, or the same. "[]" of an origin is "[]" of the mark, or the name of a
// member;
// "[]" of the mark is nothing where an item was taken by its number.
bool overlap(std::span<const std::string_view> origin, std::span<const std::string_view> marked,
             const std::set<std::string>& hidden) {
  if (marked.empty()) return true;
  if (origin.empty()) return !hidden.contains(std::string(marked.front()));
  if (origin.front() == kSome || origin.front() == marked.front())
    return overlap(origin.subspan(1), marked.subspan(1), hidden);
  return marked.front() == kSome && overlap(origin, marked.subspan(1), hidden);
}

bool touched(const FlowValue& value, std::span<const std::string_view> marked) {
  const auto at = [&](const std::string& origin, const std::set<std::string>& hidden) {
    return origin == kAnything || overlap(segments(origin), marked, hidden);
  };
  return std::any_of(value.origins.begin(), value.origins.end(),
                     [&](const auto& one) { return at(one.first, one.second); }) ||
         std::any_of(value.inside.begin(), value.inside.end(),
                     [&](const std::string& text) { return at(text, {}); }) ||
         std::any_of(value.members.begin(), value.members.end(),
                     [&](const auto& one) { return touched(one.second, marked); });
}

}  // namespace

bool join(FlowValue& into, const FlowValue& from) {
  bool grown = false;
  for (const auto& one : from.origins) {
    const auto [found, fresh] = into.origins.try_emplace(one.first, one.second);
    grown = grown || fresh;
    if (fresh) continue;
    // A key that only one of the two replaces may still have its value.
    const std::size_t gone = std::erase_if(
        found->second, [&one](const std::string& key) { return !one.second.contains(key); });
    grown = grown || gone > 0;
  }
  for (const std::string& origin : from.inside) grown = into.inside.insert(origin).second || grown;
  for (const auto& [key, value] : from.members) {
    const auto [found, fresh] = into.members.try_emplace(key);
    grown = join(found->second, value) || fresh || grown;
  }
  return grown;
}

FlowValue joined(FlowValue a, const FlowValue& b) {
  join(a, b);
  return a;
}

FlowValue mixed(const FlowValue& value) {
  FlowValue out;
  collect(value, out.inside);
  if (out.inside.size() > kMaxOrigins) out.inside = {std::string(kAnything)};
  return out;
}

std::size_t parts(const FlowValue& value) {
  std::size_t count = 1 + value.origins.size() + value.inside.size();
  for (const auto& [key, part] : value.members) count += parts(part);
  return count;
}

FlowValue bounded(FlowValue value) {
  return parts(value) > kMaxParts ? mixed(value) : std::move(value);
}

FlowValue member(const FlowValue& value, const std::string& key) {
  FlowValue out;
  if (const auto found = value.members.find(key); found != value.members.end()) out = found->second;
  if (const auto some = value.members.find("*"); some != value.members.end())
    join(out, some->second);
  out.inside.insert(value.inside.begin(), value.inside.end());
  for (const auto& [origin, hidden] : value.origins) {
    if (!hidden.contains(key)) out.origins[below(origin, key)].clear();
  }
  return out;
}

FlowValue list_of(FlowValue items) {
  FlowValue out;
  out.members[std::string(kSome)] = std::move(items);
  return out;
}

FlowValue numbered(const FlowValue& value) {
  FlowValue out = value;
  out.members.clear();
  if (const auto items = value.members.find(std::string(kSome)); items != value.members.end())
    join(out, items->second);
  return out;
}

FlowValue item(const FlowValue& value) {
  FlowValue out;
  out.inside = value.inside;
  for (const auto& [key, part] : value.members) join(out, part);
  for (const auto& [origin, hidden] : value.origins) out.origins[below(origin, kSome)].clear();
  return out;
}

FlowValue with_member(FlowValue value, const std::string& key, FlowValue part) {
  for (auto& [origin, hidden] : value.origins) hidden.insert(key);
  value.members[key] = std::move(part);
  return value;
}

FlowValue with_path(const FlowValue& value, const std::vector<PathKey>& names, std::size_t at,
                    const FlowValue& part) {
  if (at == names.size()) return part;
  const std::string& key = names[at].name;
  return with_member(value, key, with_path(member(value, key), names, at + 1, part));
}

void also(FlowValue& value, const std::string& origin) {
  for (auto& [key, part] : value.members) also(part, key == "*" ? origin : below(origin, key));
  value.origins[origin].clear();
}

}  // namespace flow

std::set<std::string> FlowValue::all() const {
  std::set<std::string> found;
  flow::collect(*this, found);
  std::set<std::string> out;
  for (const std::string& place : found) out.insert(without_items(place));
  return out;
}

bool FlowValue::touches(const std::string& marked) const {
  return flow::touched(*this, flow::segments(marked));
}

}  // namespace rabt::workflow
