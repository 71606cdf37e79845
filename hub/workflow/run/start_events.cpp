#include <algorithm>

#include "hub/base/limits.hpp"
#include "hub/workflow/model.hpp"
#include "hub/workflow/run/evaluate.hpp"

// schedule.on.all (dsl-reference.md: Schedule, Event Consumption Strategy).
namespace rabt::workflow {

namespace {

constexpr std::size_t kMaxPendingStarts = 256;  // sets of one definition that are not complete

// The correlated values after the event joined, or nullopt when it does not belong there.
std::optional<Json> join(const EventFilter& filter, const Json& event, Json values) {
  const NoVariables none;
  for (const Correlation& one : filter.correlate) {
    const Result<Json> value = evaluate(one.from, event, none);
    if (!value || value.value().is_null()) return std::nullopt;
    std::optional<Json> expected;
    if (one.expect.has_value()) {
      const Result<Json> fixed = evaluate(*one.expect, Json(), none);
      if (!fixed) return std::nullopt;
      expected = fixed.value();
    } else if (const Json* bound = values.find(one.name); bound != nullptr) {
      expected = *bound;
    } else {
      values.set(one.name, value.value());
      continue;
    }
    if (value.value().dump_sorted() != expected->dump_sorted()) return std::nullopt;
  }
  return values;
}

}  // namespace

bool Definition::starts_on_all() const {
  return model_->start_on_all;
}

Definition::StartStep Definition::collect_start(const Json& pending, const Json& event,
                                                Timestamp at) const {
  StartStep out;
  const std::vector<EventFilter>& filters = model_->start;
  const NoVariables none;
  std::vector<std::size_t> matching;
  for (std::size_t i = 0; model_->start_on_all && i < filters.size(); ++i) {
    if (filter_matches(filters[i], event, none)) matching.push_back(i);
  }
  constexpr std::int64_t kRetentionMs =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::kEventRetention).count();
  Json::Array sets;
  if (pending.is_array()) {
    for (const Json& set : pending.as_array()) {
      if (set.int_or("since", 0) + kRetentionMs >= at.ms) sets.push_back(set);
    }
  }
  const auto add = [&](Json& set, std::size_t filter, Json values) {
    Json::Array events = set["events"].as_array();
    events[filter] = event;
    const bool whole =
        std::none_of(events.begin(), events.end(), [](const Json& one) { return one.is_null(); });
    set.set("values", std::move(values));
    if (whole) out.start = Json(events);
    set.set("events", Json(std::move(events)));
    return whole;
  };
  bool placed = matching.empty();
  for (std::size_t s = 0; s < sets.size() && !placed; ++s) {
    for (const std::size_t filter : matching) {
      if (!sets[s]["events"][filter].is_null()) continue;
      std::optional<Json> values = join(filters[filter], event, sets[s]["values"]);
      if (!values.has_value()) continue;
      placed = true;
      if (add(sets[s], filter, std::move(*values)))
        sets.erase(sets.begin() + static_cast<std::ptrdiff_t>(s));
      break;
    }
  }
  for (std::size_t i = 0; i < matching.size() && !placed; ++i) {
    std::optional<Json> values = join(filters[matching[i]], event, Json::object());
    if (!values.has_value()) continue;
    placed = true;
    Json set = Json::object({{"since", at.ms}, {"events", Json(Json::Array(filters.size()))}});
    if (!add(set, matching[i], std::move(*values))) sets.push_back(std::move(set));
  }
  if (sets.size() > kMaxPendingStarts) sets.erase(sets.begin());
  if (!sets.empty()) out.pending = Json(std::move(sets));
  return out;
}

}  // namespace rabt::workflow
