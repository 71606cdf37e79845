#include "hub/engine/timeline.hpp"

#include "hub/engine/receipt.hpp"
#include "hub/engine/resident.hpp"

namespace rabt::engine {

namespace {

// States of a call that was let go begin with this.
constexpr std::string_view kEffect = "effect-";

// Codes of an event; null when it has none.
Json codes_of(const Json& event) {
  auto codes = Json::parse(event.string_or(kEventCodes, "null"));
  return codes.ok() ? *std::move(codes) : Json();
}

}  // namespace

void Timeline::take(const workflow::Input& input, const std::vector<workflow::Effect>& effects) {
  if (const auto* const answer = std::get_if<workflow::ActionEnded>(&input.what)) ended(*answer);
  if (const auto* const fired = std::get_if<workflow::TimerFired>(&input.what))
    forget_timer(fired->timer);
  // The task of the last `retried`: its timer stands behind it.
  std::string retried;
  for (const workflow::Effect& effect : effects) {
    if (const auto* const call = std::get_if<workflow::CallAction>(&effect)) {
      called(*call);
    } else if (const auto* const ask = std::get_if<workflow::Ask>(&effect)) {
      callers_.insert_or_assign(ask->call.id, ask->call.reference);
    } else if (const auto* const start = std::get_if<workflow::StartWorkflow>(&effect)) {
      callers_.insert_or_assign(start->id, start->reference);
      const auto [from, to] = children_.equal_range(start->id);
      for (auto child = from; child != to; ++child) {
        Json& list = started_.try_emplace(start->reference, Json::array()).first->second;
        list.push_back(child->second);
      }
    } else if (const auto* const timer = std::get_if<workflow::StartTimer>(&effect)) {
      if (timer->purpose != "retry" || retried.empty()) continue;
      retries_.insert_or_assign(timer->id, retried);
      next_tries_.insert_or_assign(retried, timer->due);
    } else if (const auto* const cancelled = std::get_if<workflow::CancelTimer>(&effect)) {
      forget_timer(cancelled->id);
    } else if (const auto* const one = std::get_if<workflow::TaskTrace>(&effect)) {
      trace(*one, input.at);
      if (one->state == "retried") retried = one->reference;
    }
  }
  heard(input, effects);
}

void Timeline::heard(const workflow::Input& input, const std::vector<workflow::Effect>& effects) {
  const auto* const start = std::get_if<workflow::Start>(&input.what);
  const auto* const event = std::get_if<workflow::EventArrived>(&input.what);
  Json codes;
  if (event != nullptr) codes = codes_of(event->event);
  if (start != nullptr && start->input.is_array()) {
    for (const Json& item : start->input.as_array()) {
      if (codes.is_null()) codes = codes_of(item);
    }
  }
  if (codes.is_null()) return;
  for (const workflow::Effect& effect : effects) {
    const auto* const trace = std::get_if<workflow::TaskTrace>(&effect);
    if (trace == nullptr || (event != nullptr && trace->kind != "listen")) continue;
    const auto found = entries_.find(trace->reference);
    if (found == entries_.end()) continue;
    found->second.json.set("codes", std::move(codes));
    return;
  }
}

void Timeline::forget_timer(std::uint64_t timer) {
  const auto found = retries_.find(timer);
  if (found == retries_.end()) return;
  next_tries_.erase(found->second);
  retries_.erase(found);
}

void Timeline::called(const workflow::CallAction& call) {
  callers_.insert_or_assign(call.id, call.reference);
  calls_.insert_or_assign(call.reference,
                          Json::object({{"role", call.role},
                                        {"action", call.action},
                                        {"key", idempotency_key(instance_, call.reference)}}));
}

void Timeline::ended(const workflow::ActionEnded& what) {
  const workflow::ActionOutcome& outcome = what.outcome;
  const auto caller = callers_.find(what.call);
  if (caller == callers_.end()) return;
  const bool done = outcome.kind == workflow::OutcomeKind::done;
  if (const auto entry = calls_.find(caller->second); entry != calls_.end()) {
    Json& json = entry->second;
    json.set("outcome", workflow::to_string(outcome.kind));
    if (!outcome.code.empty()) json.set("code", outcome.code);
    if (!what.by.empty()) json.set("decidedBy", what.by);
    // Status of an HTTP answer; nothing else of the answer is shown.
    if (done && json.string_or("role", "") == workflow::kHttpRole)
      json.set("status", outcome.output.int_or("status", 0));
  }
  const auto found = entries_.find(caller->second);
  if (found == entries_.end()) return;
  Json& entry = found->second.json;
  if (done) {
    if (!outcome.codes.is_null()) entry.set("codes", outcome.codes);
    return;
  }
  Json failure = Json::object({{"outcome", workflow::to_string(outcome.kind)},
                               {"code", outcome.code},
                               {"message", whole_ ? outcome.whole_message() : outcome.message}});
  if (whole_ && !outcome.detail.is_null()) failure.set("detail", outcome.detail);
  entry.set("failure", std::move(failure));
}

Timeline::Entry& Timeline::begin(const workflow::TaskTrace& trace, Timestamp at) {
  std::int64_t attempts = 1;
  if (const auto before = entries_.find(trace.reference); before != entries_.end()) {
    attempts += before->second.json.int_or("attempts", 0);
  } else {
    order_.push_back(trace.reference);
  }
  Entry& entry = entries_[trace.reference];
  entry = {Json::object({{"task", trace.task},
                         {"kind", trace.kind},
                         {"reference", trace.reference},
                         {"state", trace.state},
                         {"started", to_iso8601(at)},
                         {"attempts", attempts}}),
           at.ms};
  return entry;
}

void Timeline::trace(const workflow::TaskTrace& trace, Timestamp at) {
  if (trace.state == "started" || trace.state == "skipped") {
    Json& entry = begin(trace, at).json;
    if (!trace.detail.empty()) entry.set("detail", trace.detail);
    return;
  }
  auto found = entries_.find(trace.reference);
  if (found == entries_.end()) {
    if (trace.kind != "compensate") return;
    // A compensation is no task of the file: no trace tells its start, only its answers.
    (void)begin(trace, at);
    found = entries_.find(trace.reference);
  }
  Json& entry = found->second.json;
  if (trace.state.starts_with(kEffect)) {
    // The task has ended; only its effect is told.
    entry.set("effect", trace.state.substr(kEffect.size()));
    return;
  }
  if (trace.state == "retried" || trace.state == "resumed") {
    entry.mutable_object().erase("ended");
    entry.mutable_object().erase("ms");
  }
  if (trace.state == "retried") {
    entry.set("attempts", entry.int_or("attempts", 1) + 1);
  } else if (trace.state == "resumed") {
    entry.set("state", "started");
    return;
  } else if (trace.state != "waiting" && trace.state != "parked") {
    entry.set("ended", to_iso8601(at));
    if (trace.kind != "compensate") entry.set("ms", at.ms - found->second.started);
  }
  entry.set("state", trace.state);
  if (!trace.detail.empty()) entry.set("detail", trace.detail);
}

Json Timeline::entry(std::size_t place) const {
  const std::string& reference = order_[place];
  Json out = entries_.find(reference)->second.json;
  if (const auto call = calls_.find(reference); call != calls_.end()) out.set("call", call->second);
  if (const auto next = next_tries_.find(reference); next != next_tries_.end())
    out.set("nextTry", to_iso8601(next->second));
  if (const auto started = started_.find(reference); started != started_.end())
    out.set("children", started->second);
  return out;
}

}  // namespace rabt::engine
