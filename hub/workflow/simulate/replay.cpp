#include "hub/workflow/simulate/replay.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "hub/base/overloaded.hpp"
#include "hub/workflow/simulate/past_record.hpp"

namespace rabt::workflow {

namespace {

// A replay that needs more turns than this beyond those of the journal does not end.
constexpr std::size_t kMoreTurns = 2'000;
// Place, in the order of one time, of what stands in no row of the journal.
constexpr std::size_t kBehindRows = std::numeric_limits<std::size_t>::max();

constexpr std::array<std::string_view, 13> kResults = {
    "same",     "other-output", "other-events", "other-order", "fewer-calls", "other-arguments",
    "new-call", "unanswered",   "completes",    "faults",      "other-end",   "not-started",
    "cut"};

std::vector<std::string> differing_members(const Json& item, const Json& other) {
  std::vector<std::string> out;
  if (!item.is_object() || !other.is_object()) return out;
  for (const auto& [name, value] : item.as_object()) {
    const Json* const also = other.find(name);
    if (also == nullptr || *also != value) out.emplace_back(name);
  }
  for (const auto& [name, value] : other.as_object()) {
    if (item.find(name) == nullptr) out.emplace_back(name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

ReplayDifference difference_at(const PastStep& step) {
  return {.reference = step.reference,
          .task = step.task,
          .role = step.role,
          .action = step.action,
          .members = {},
          .error = {}};
}

bool same_error(const Json& item, const Json& other) {
  const auto same = [&](std::string_view member) { return item[member] == other[member]; };
  return same("type") && same("status") && same("title");
}

bool starts(const Definition& definition, const Json& events) {
  if (!definition.starts_on_all())
    return events.size() == 1 && definition.starts_on(events.as_array().front());
  Json pending;
  for (const Json& event : events.as_array()) {
    Definition::StartStep step = definition.collect_start(pending, event, Timestamp{});
    if (step.start) return true;
    pending = std::move(step.pending);
  }
  return false;
}

// The new execution, and what is due for it.
class Replay {
 public:
  Replay(const PastInstance& past, const std::shared_ptr<const Definition>& definition,
         const Json& secrets, const std::function<bool()>& until)
      : past_(past),
        until_(until),
        record_(past, until),
        definition_(definition),
        execution_(definition, secrets, until) {}

  Replayed run();

 private:
  // A row of the journal that brings news: an event, or that the instance is cancelled.
  struct News {
    std::size_t row = 0;
  };
  // The answer in a row, for an open step.
  struct Answer {
    std::uint64_t id = 0;
    std::size_t row = 0;
  };
  struct Ring {
    std::uint64_t timer = 0;
  };
  // An event of a row, for a listen that was reached later.
  struct Offer {
    std::uint64_t listen = 0;
    std::size_t row = 0;
  };
  // A call that was dropped then when no task waited for it any more.
  struct Dropped {
    std::uint64_t id = 0;
  };
  using What = std::variant<News, Answer, Ring, Offer, Dropped>;
  // Time, row, order of arrival. What a row brings comes before everything else of its time.
  using Moment = std::tuple<std::int64_t, std::size_t, std::uint64_t>;
  struct Due {
    Timestamp at;
    What what;
  };
  struct Open {
    // In PastRecord::listens.
    std::optional<std::size_t> as;
    std::string reference;
    std::string task;
  };

  void add_row(std::size_t row, What what) {
    due_.emplace(Moment{record_.at(row).ms, row, 0}, Due{record_.row(row).at, what});
  }
  void add(std::int64_t ms, What what, std::size_t behind = kBehindRows) {
    const std::int64_t at = std::max(ms, now_.ms);
    due_.emplace(Moment{at, behind, ++order_}, Due{Timestamp{at}, what});
  }

  void handle(const Due& due);
  void news(std::size_t row, Timestamp at);
  void apply(const Input& input);
  void take(const Effect& effect);
  void asked(const PastStep& step, std::uint64_t id, bool answered);
  void told(const PastStep& event);
  void timer(const StartTimer& timer);
  void listen(const Subscribe& listen);

  void stop(ReplayResult result, ReplayDifference first) {
    stopped_ = true;
    out_.result = result;
    out_.first = std::move(first);
  }
  // True if whoever asked for the replay has it stopped.
  [[nodiscard]] bool called_off() const { return until_ && until_(); }
  [[nodiscard]] bool never_began() const;
  void judge();
  void judge_end(const Finished& end);
  void judge_calls();
  void judge_output();
  void unanswered();

  const PastInstance& past_;
  const std::function<bool()>& until_;
  PastRecord record_;
  const std::shared_ptr<const Definition>& definition_;
  Execution execution_;
  Replayed out_;
  bool stopped_ = false;

  Timestamp now_;
  std::uint64_t order_ = 0;
  std::size_t turns_ = 0;
  std::map<Moment, Due> due_;
  // Ids of open calls and timers.
  std::set<std::uint64_t> open_;
  // Calls whose answer the record has.
  std::set<std::uint64_t> answered_;
  std::map<std::uint64_t, Open> listens_;
  // Rows whose events have come.
  std::vector<std::size_t> came_;
  // Steps of the record in the order in which they are made now.
  std::vector<std::size_t> made_;
  bool other_events_ = false;
  TaskTrace last_;
  std::optional<Finished> end_;
};

Replayed Replay::run() {
  if (called_off()) {
    stop(ReplayResult::cut, {});
    return std::move(out_);
  }
  out_.was = record_.end() ? record_.end()->status : InstanceStatus::waiting;
  out_.status = InstanceStatus::waiting;
  const Input& start = record_.row(0);
  const auto* const begun = std::get_if<Start>(&start.what);
  if (past_.started_by_events && begun != nullptr && !starts(*definition_, begun->input)) {
    stop(ReplayResult::not_started, {});
    return std::move(out_);
  }
  now_ = record_.at(0);
  for (std::size_t row = 1; row < record_.rows(); ++row) {
    const auto& what = record_.row(row).what;
    if (std::holds_alternative<EventArrived>(what) || std::holds_alternative<Cancel>(what))
      add_row(row, News{row});
  }
  apply(start);
  if (!stopped_ && never_began()) {
    ReplayDifference first;
    first.error = end_->shown;
    stop(ReplayResult::not_started, std::move(first));
  }
  while (!stopped_ && !end_ && !due_.empty()) {
    if (turns_ > record_.rows() + kMoreTurns) {
      stop(ReplayResult::cut, {});
      break;
    }
    const auto next = due_.extract(due_.begin());
    now_.ms = std::get<0>(next.key());
    handle(next.mapped());
  }
  if (!stopped_) judge();
  return std::move(out_);
}

void Replay::handle(const Due& due) {
  std::visit(Overloaded{[&](const News& what) { news(what.row, due.at); },
                        [&](const Answer& answer) {
                          if (open_.erase(answer.id) == 0) return;
                          const auto& row = record_.row(answer.row).what;
                          if (const auto* const ended = std::get_if<ActionEnded>(&row)) {
                            apply({due.at, ActionEnded{answer.id, ended->outcome}});
                          } else {
                            apply({due.at, Again{answer.id}});
                          }
                        },
                        [&](const Dropped& call) {
                          if (open_.erase(call.id) == 0) return;
                          ActionOutcome nothing;
                          nothing.kind = OutcomeKind::transient;
                          apply({due.at, ActionEnded{call.id, std::move(nothing)}});
                        },
                        [&](const Ring& ring) {
                          if (open_.erase(ring.timer) != 0) apply({due.at, TimerFired{ring.timer}});
                        },
                        [&](const Offer& offer) {
                          const auto& event =
                              std::get<EventArrived>(record_.row(offer.row).what).event;
                          if (execution_.wants(offer.listen, event))
                            apply({due.at, EventArrived{offer.listen, event}});
                        }},
             due.what);
}

void Replay::news(std::size_t row, Timestamp at) {
  const Input& input = record_.row(row);
  const auto* const arrived = std::get_if<EventArrived>(&input.what);
  if (arrived == nullptr) return apply({input.at, input.what});
  came_.push_back(row);
  // A listen that was there then takes what it took then, any other what it wants.
  std::vector<std::uint64_t> takers;
  for (const auto& [id, open] : listens_) {
    if (!open.as || open.as == record_.listen_of(row)) takers.push_back(id);
  }
  for (const std::uint64_t id : takers) {
    if (stopped_ || end_) return;
    if (execution_.wants(id, arrived->event)) apply({at, EventArrived{id, arrived->event}});
  }
}

void Replay::apply(const Input& input) {
  ++turns_;
  const std::vector<Effect> effects = execution_.apply(input);
  if (called_off()) return stop(ReplayResult::cut, {});
  for (const Effect& effect : effects) {
    take(effect);
    if (stopped_) return;
  }
}

void Replay::take(const Effect& effect) {
  std::visit(
      Overloaded{
          [&](const CallAction& call) {
            if (!call.let_go) return asked(step_of(call, PastStep::Kind::call), call.id, true);
            open_.insert(call.id);
            if (record_.end()) add(now_.ms, Dropped{call.id});
          },
          [&](const Ask& ask) { asked(step_of(ask.call, PastStep::Kind::ask), ask.call.id, true); },
          [&](const StartWorkflow& start) { asked(step_of(start), start.id, start.await); },
          [&](const CancelCall& cancel) { open_.erase(cancel.id); },
          [&](const LetGo& call) {
            if (record_.end() && !answered_.contains(call.id)) add(now_.ms, Dropped{call.id});
          },
          [&](const StartTimer& started) { timer(started); },
          [&](const CancelTimer& cancel) { open_.erase(cancel.id); },
          [&](const Subscribe& subscribe) { listen(subscribe); },
          [&](const Unsubscribe& unsubscribe) { listens_.erase(unsubscribe.id); },
          [&](const Emit& emit) { told(step_of(emit.event)); },
          [&](const TaskTrace& trace) { last_ = trace; },
          [&](const Finished& finished) { end_ = finished; },
      },
      effect);
}

void Replay::asked(const PastStep& step, std::uint64_t id, bool answered) {
  const std::optional<std::size_t> found = record_.take(step);
  if (!found) {
    ReplayDifference first = difference_at(step);
    const PastRecord::Step* const like = record_.like(step);
    if (like != nullptr) first.members = differing_members(like->arguments, step.arguments);
    return stop(step.kind == PastStep::Kind::ask ? ReplayResult::unanswered
                : like != nullptr                ? ReplayResult::other_arguments
                                                 : ReplayResult::new_call,
                std::move(first));
  }
  made_.push_back(*found);
  if (!answered) return;
  open_.insert(id);
  const PastRecord::Step& then = record_.steps()[*found];
  if (!then.answer) return;
  answered_.insert(id);
  // As long after the call as then.
  const std::int64_t call_time = record_.at(then.row).ms;
  if (call_time == now_.ms) {
    add_row(*then.answer, Answer{id, *then.answer});
  } else {
    add(now_.ms + record_.at(*then.answer).ms - call_time, Answer{id, *then.answer});
  }
}

void Replay::told(const PastStep& event) {
  if (!record_.take(event)) other_events_ = true;
}

void Replay::timer(const StartTimer& timer) {
  open_.insert(timer.id);
  const PastRecord::Timer* const then = record_.take_timer(timer);
  const Timestamp last = record_.at(record_.rows() - 1);
  if (then == nullptr) {
    // A timer that the instance still waits for has not fired.
    if (record_.end() || timer.due <= last) add(timer.due.ms, Ring{timer.id});
  } else if (then->fired) {
    add_row(*then->fired, Ring{timer.id});
  } else if (then->gone && timer.due <= last) {
    // The hub takes what has come before what is due.
    const std::int64_t gone = record_.at(*then->gone).ms;
    if (timer.due.ms > gone) {
      add(timer.due.ms, Ring{timer.id});
    } else {
      add(gone, Ring{timer.id}, *then->gone);
    }
  }
  // A time limit that lies behind the end then: whatever ended the wait then does not come now.
}

void Replay::listen(const Subscribe& listen) {
  Open& open = listens_[listen.id];
  open = {.as = record_.take_listen(listen), .reference = last_.reference, .task = last_.task};
  for (const std::size_t row : came_) {
    if (!open.as || open.as == record_.listen_of(row)) add(now_.ms, Offer{listen.id, row});
  }
}

// The input was refused before any task.
bool Replay::never_began() const {
  if (!end_ || end_->status != InstanceStatus::faulted || !last_.reference.empty()) return false;
  const auto& then = record_.end();
  return !(then && then->status == InstanceStatus::faulted && then->place.empty());
}

void Replay::judge() {
  if (!end_) {
    if (record_.end()) return unanswered();
    return judge_calls();
  }
  out_.status = end_->status;
  judge_end(*end_);
}

void Replay::unanswered() {
  ReplayDifference first;
  for (const Effect& open : execution_.open()) {
    if (std::holds_alternative<StartTimer>(open)) continue;
    std::visit(
        Overloaded{
            [&](const CallAction& call) {
              first = difference_at(step_of(call, PastStep::Kind::call));
            },
            [&](const Ask& ask) { first = difference_at(step_of(ask.call, PastStep::Kind::ask)); },
            [&](const StartWorkflow& start) { first = difference_at(step_of(start)); },
            [&](const Subscribe& subscribe) {
              const Open& at = listens_[subscribe.id];
              first.reference = at.reference;
              first.task = at.task;
            },
            [](const auto&) {}},
        open);
    break;
  }
  stop(ReplayResult::unanswered, std::move(first));
}

void Replay::judge_end(const Finished& end) {
  const auto& then = record_.end();
  const bool faulted = end.status == InstanceStatus::faulted;
  if (then && then->status == end.status && (!faulted || same_error(then->shown, end.shown)))
    return judge_calls();
  const bool did = then && then->status == InstanceStatus::faulted;
  ReplayDifference first;
  if (faulted || did) {
    const Finished& fault = faulted ? end : *then;
    first.reference = fault.place;
    first.task = fault.place.substr(fault.place.rfind('/') + 1);
    first.error = fault.shown;
  }
  ReplayResult result = ReplayResult::other_end;
  if (faulted && !did) result = ReplayResult::faults;
  if (did && end.status == InstanceStatus::completed) result = ReplayResult::completes;
  stop(result, std::move(first));
}

void Replay::judge_calls() {
  for (const PastRecord::Step& step : record_.steps()) {
    if (step.used) continue;
    if (step.kind == PastStep::Kind::event) {
      other_events_ = true;
    } else if (step.kind != PastStep::Kind::ask) {
      return stop(ReplayResult::fewer_calls, difference_at(step));
    }
  }
  const auto before = std::adjacent_find(made_.begin(), made_.end(), std::greater<>());
  if (before != made_.end())
    return stop(ReplayResult::other_order, difference_at(record_.steps()[*before]));
  if (other_events_) return stop(ReplayResult::other_events, {});
  judge_output();
}

void Replay::judge_output() {
  if (!end_ || !record_.end() || end_->output == record_.end()->output) return;
  ReplayDifference first;
  first.members = differing_members(record_.end()->output, end_->output);
  stop(ReplayResult::other_output, std::move(first));
}

}  // namespace

std::string_view to_string(ReplayResult result) {
  return kResults.at(static_cast<std::size_t>(result));
}

Replayed replay_past(const PastInstance& past, const std::shared_ptr<const Definition>& definition,
                     const Json& secrets, const std::function<bool()>& stop) {
  return Replay(past, definition, secrets, stop).run();
}

}  // namespace rabt::workflow
