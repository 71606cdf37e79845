#include "hub/workflow/simulate/past_record.hpp"

#include <algorithm>

#include "hub/base/overloaded.hpp"

namespace rabt::workflow {

namespace {

// Rows that a retry skipped did happen, and are no part of what the instance became.
std::vector<const Input*> counting(const std::vector<Input>& journal) {
  std::vector<std::pair<std::uint64_t, const Input*>> kept;
  for (std::uint64_t number = 0; number < journal.size(); ++number) {
    const Input& input = journal[number];
    if (const auto* const rewound = std::get_if<Rewound>(&input.what))
      std::erase_if(kept, [&](const auto& row) { return row.first >= rewound->to; });
    kept.emplace_back(number, &input);
  }
  std::vector<const Input*> out;
  out.reserve(kept.size());
  for (const auto& [number, input] : kept) out.push_back(input);
  return out;
}

}  // namespace

PastRecord::PastRecord(const PastInstance& past, const std::function<bool()>& stop)
    : rows_(counting(past.journal)) {
  Execution then(past.definition, past.secrets, stop);
  Timestamp latest = rows_.front()->at;
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    if (stop && stop()) return;
    const Input& input = *rows_[row];
    latest = std::max(latest, input.at);
    at_.push_back(latest);
    if (std::holds_alternative<Rewound>(input.what)) {
      const std::vector<Effect> before = then.open();
      renamed(before, then.apply(input));
      continue;
    }
    happened(input, row);
    made(then.apply(input), row);
  }
}

void PastRecord::happened(const Input& input, std::size_t row) {
  if (const auto* const ended = std::get_if<ActionEnded>(&input.what)) {
    answered(ended->call, row);
  } else if (const auto* const again = std::get_if<Again>(&input.what)) {
    answered(again->call, row);
  } else if (const auto* const fired = std::get_if<TimerFired>(&input.what)) {
    if (const auto timer = open_timers_.find(fired->timer); timer != open_timers_.end()) {
      timers_[timer->second].fired = row;
      open_timers_.erase(timer);
    }
  } else if (const auto* const event = std::get_if<EventArrived>(&input.what)) {
    if (const auto listen = open_listens_.find(event->listen); listen != open_listens_.end()) {
      listens_[listen->second].events.push_back(row);
      listen_of_.emplace(row, listen->second);
    }
  }
}

void PastRecord::answered(std::uint64_t id, std::size_t row) {
  const auto step = open_steps_.find(id);
  if (step == open_steps_.end()) return;
  steps_[step->second].answer = row;
  open_steps_.erase(step);
}

void PastRecord::add(PastStep step, std::optional<std::uint64_t> id, std::size_t row) {
  const std::size_t number = steps_.size();
  by_key_[step.key].push_back(number);
  steps_.push_back({std::move(step), row, std::nullopt, false});
  if (id) open_steps_.emplace(*id, number);
}

void PastRecord::made(const std::vector<Effect>& effects, std::size_t row) {
  for (const Effect& effect : effects) {
    std::visit(
        Overloaded{
            [&](const CallAction& call) {
              if (!call.let_go) add(step_of(call, PastStep::Kind::call), call.id, row);
            },
            [&](const Ask& ask) { add(step_of(ask.call, PastStep::Kind::ask), ask.call.id, row); },
            [&](const StartWorkflow& start) {
              add(step_of(start), start.await ? std::optional(start.id) : std::nullopt, row);
            },
            [&](const Emit& emit) { add(step_of(emit.event), std::nullopt, row); },
            [&](const CancelCall& cancel) { open_steps_.erase(cancel.id); },
            [](const LetGo&) {},
            [&](const StartTimer& timer) {
              open_timers_.emplace(timer.id, timers_.size());
              by_due_[{timer.purpose, timer.due.ms}].push_back(timers_.size());
              timers_.emplace_back();
            },
            [&](const CancelTimer& cancel) {
              const auto timer = open_timers_.find(cancel.id);
              if (timer == open_timers_.end()) return;
              timers_[timer->second].gone = row;
              open_timers_.erase(timer);
            },
            [&](const Subscribe& listen) {
              open_listens_.emplace(listen.id, listens_.size());
              listens_.push_back({.keys = listen.keys, .events = {}, .used = false});
            },
            [&](const Unsubscribe& listen) { open_listens_.erase(listen.id); },
            [](const TaskTrace&) {},
            [&](const Finished& finished) { end_ = finished; },
        },
        effect);
  }
}

void PastRecord::renamed(const std::vector<Effect>& before, const std::vector<Effect>& after) {
  const auto move = [](auto& open, std::uint64_t was, std::uint64_t new_id) {
    const auto found = open.find(was);
    if (found == open.end()) return;
    const std::size_t place = found->second;
    open.erase(found);
    open.emplace(new_id, place);
  };
  // Calls that were let go are asked for again only where a retry makes them.
  std::vector<Effect> kept = before;
  std::erase_if(kept, [](const Effect& effect) {
    const auto* const call = std::get_if<CallAction>(&effect);
    return call != nullptr && call->let_go;
  });
  std::size_t next = 0;
  for (const Effect& effect : after) {
    if (const auto* const call = std::get_if<CallAction>(&effect);
        call != nullptr && call->let_go) {
      move(open_steps_, call->was, call->id);
      continue;
    }
    if (std::holds_alternative<TaskTrace>(effect) || next == kept.size()) continue;
    const std::uint64_t was = id_of(kept[next++]);
    move(open_steps_, was, id_of(effect));
    move(open_timers_, was, id_of(effect));
    move(open_listens_, was, id_of(effect));
  }
}

std::optional<std::size_t> PastRecord::take(const PastStep& step) {
  const auto found = by_key_.find(step.key);
  if (found == by_key_.end()) return std::nullopt;
  std::optional<std::size_t> best;
  for (const std::size_t number : found->second) {
    if (steps_[number].used) continue;
    if (!best) best = number;
    if (steps_[number].reference != step.reference) continue;
    best = number;
    break;
  }
  if (best) steps_[*best].used = true;
  return best;
}

const PastRecord::Step* PastRecord::like(const PastStep& step) const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [&](const Step& one) {
    return !one.used && one.kind == step.kind && one.role == step.role &&
           one.action == step.action && (one.reference == step.reference || one.task == step.task);
  });
  return found == steps_.end() ? nullptr : &*found;
}

const PastRecord::Timer* PastRecord::take_timer(const StartTimer& timer) {
  const auto found = by_due_.find({timer.purpose, timer.due.ms});
  if (found == by_due_.end()) return nullptr;
  for (const std::size_t number : found->second) {
    if (timers_[number].used) continue;
    timers_[number].used = true;
    return &timers_[number];
  }
  return nullptr;
}

std::optional<std::size_t> PastRecord::take_listen(const Subscribe& listen) {
  for (std::size_t number = 0; number < listens_.size(); ++number) {
    if (listens_[number].used || listens_[number].keys != listen.keys) continue;
    listens_[number].used = true;
    return number;
  }
  return std::nullopt;
}

}  // namespace rabt::workflow
