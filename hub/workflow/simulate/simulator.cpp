#include "hub/workflow/simulate/simulator.hpp"

#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <utility>
#include <variant>

#include "hub/base/limits.hpp"
#include "hub/base/overloaded.hpp"
#include "hub/base/semver.hpp"
#include "hub/workflow/error_types.hpp"
#include "hub/workflow/said.hpp"

namespace rabt::workflow {

namespace {

std::string instance_id(std::size_t number) {
  constexpr std::size_t kUlidLength = 26;
  std::string digits = std::to_string(number);
  return std::string(kUlidLength - std::min(digits.size(), kUlidLength), '0') + digits;
}

}  // namespace

struct Simulator::Impl {
  Impl(Options o, Callbacks c)
      : options(std::move(o)), callbacks(std::move(c)), now(options.start) {}

  // ---- what is due
  struct Begin {
    std::size_t instance = 0;
  };
  struct Posted {
    Json event;
  };
  struct Offer {
    std::size_t instance = 0;
    std::uint64_t listen = 0;
    std::size_t event = 0;  // in inbox
  };
  struct Answer {
    std::size_t call = 0;
    ActionOutcome outcome;
    int sends = 0;  // which sending it answers
  };
  struct ChildAnswer {
    std::size_t instance = 0;
    std::uint64_t id = 0;
    ActionOutcome outcome;
  };
  struct Decided {
    std::size_t instance = 0;
    std::uint64_t id = 0;
    Decision decision;
  };
  struct CancelDue {
    std::size_t instance = 0;
  };
  struct Resend {
    std::size_t call = 0;
  };
  struct Ring {
    std::size_t instance = 0;
    std::uint64_t timer = 0;
  };
  using What =
      std::variant<Begin, Posted, Offer, Answer, ChildAnswer, Decided, CancelDue, Resend, Ring>;
  // Due together: what comes from outside goes before timers, then in order of arrival;
  // timers in the order they were started.
  struct Due {
    Timestamp at;
    bool timer = false;
    std::uint64_t order = 0;
    std::shared_ptr<What> what;  // shared: a heap hands out copies
    friend bool operator>(const Due& a, const Due& b) {
      if (a.at != b.at) return a.at > b.at;
      if (a.timer != b.timer) return a.timer;
      return a.order > b.order;
    }
  };

  struct Run {
    std::size_t index = 0;
    Execution execution;
    std::map<std::uint64_t, std::size_t> calls;     // open, by id: in `calls`
    std::map<std::uint64_t, std::size_t> children;  // awaited, by id
    std::set<std::uint64_t> awaited_replies;        // children that a reply stands for
    std::set<std::uint64_t> asked;                  // failed calls that a person is asked about
    std::set<std::uint64_t> timers;
    std::map<std::uint64_t, std::size_t> listens;  // open, by id: in `listens`
    std::uint64_t parent_call = 0;                 // in the parent
    bool awaited = false;
    std::size_t seen = 0;  // events of the inbox that came before it
    std::string business_key;
    std::vector<Input> inputs;
  };
  struct Stored {
    Json event;
    Timestamp at;
    std::vector<std::string> keys;
  };

  Options options;
  Callbacks callbacks;
  Timestamp now;
  std::uint64_t turns = 0;
  std::uint64_t next_order = 0;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due;
  std::vector<std::shared_ptr<const Definition>> definitions;
  std::deque<SimulatedInstance> instances;
  std::deque<Run> runs;  // parallel to instances
  std::deque<SimulatedCall> calls;
  std::set<std::size_t> open_calls;
  std::vector<SimulatedTrace> traces;
  std::vector<SimulatedEvent> emitted;
  std::vector<SimulatedListen> listens;
  // Only instances and listens that an event can reach: runs may have very many that
  // ended.
  std::set<std::size_t> alive;
  std::set<std::size_t> open_listens;
  std::deque<Stored> inbox;
  // An event that found its business key taken: it starts the next instance unless the living one
  // hears it.
  struct Unheard {
    std::string business_key;
    std::shared_ptr<const Definition> definition;
    std::size_t event = 0;  // in `inbox`
  };
  std::deque<Unheard> unheard;
  std::map<const Definition*, Json> start_sets;         // schedule.on.all: what is not complete
  std::set<std::pair<std::string, std::string>> known;  // source and id

  void add(Timestamp at, What what);
  std::size_t create(std::shared_ptr<const Definition> definition, Json input);
  [[nodiscard]] bool live(std::size_t instance) const;

  // ---- events

  void accept(const Json& event);

  // An instance that events start, unless its business key is taken. event: in `inbox`, the last.
  void begin(const std::shared_ptr<const Definition>& definition, Json input, std::size_t event);
  // The next instance of the business key of one that has ended.
  void begin_unheard(const Run& ended);

  static bool shares_key(const std::vector<std::string>& wanted,
                         const std::vector<std::string>& sorted);

  void subscribe(Run& run, const Subscribe& subscribe);
  void unsubscribe(Run& run, std::uint64_t id);

  // ---- definitions

  [[nodiscard]] static bool same_workflow(const Definition& a, const Definition& b) {
    return a.name_space() == b.name_space() && a.name() == b.name();
  }
  [[nodiscard]] bool is_latest(const Definition& definition) const;
  [[nodiscard]] std::shared_ptr<const Definition> find(const StartWorkflow& wanted) const;

  // ---- turns

  void handle(const What& what);

  template <typename T>
  void apply(std::size_t index, T what);
  void finish(Run& run, const Finished& finished);

  // ---- calls

  void send(SimulatedCall& call);
  void cancel_call(Run& run, std::uint64_t id);
  void let_go(const Run& run, std::uint64_t id);
  // A call that was let go is open again, under another id.
  void ask_again(Run& run, const CallAction& action);
  // Marks the effect of a call that was let go as unknown.
  void doubt(const SimulatedCall& call);
  [[nodiscard]] std::string idempotency_of(const CallAction& call) const {
    return callbacks.idempotency ? callbacks.idempotency(call) : std::string("key");
  }
  void call_ended(std::size_t index, const ActionOutcome& outcome);

  // True if the ambiguous outcome goes to the workflow; else it is asked again, or a person
  // decides.
  bool settled(SimulatedCall& call);
  void decide(std::size_t instance, const CallAction& call);
  void start_child(std::size_t parent, const StartWorkflow& start);
};

void Simulator::Impl::add(Timestamp at, What what) {
  const bool timer = std::holds_alternative<Ring>(what) || std::holds_alternative<Resend>(what);
  due.push({std::max(at, now), timer, next_order++, std::make_shared<What>(std::move(what))});
}

std::size_t Simulator::Impl::create(std::shared_ptr<const Definition> definition, Json input) {
  Json secrets = Json::object();
  for (const std::string& name : definition->secrets()) {
    if (const Json* value = options.secrets.find(name)) secrets.set(name, *value);
  }
  const std::size_t index = instances.size();
  alive.insert(index);
  runs.push_back(Run{.index = index,
                     .execution = Execution(definition, std::move(secrets)),
                     .seen = inbox.size()});
  SimulatedInstance& instance = instances.emplace_back();
  instance.index = index;
  instance.id = instance_id(index + 1);
  instance.definition = std::move(definition);
  instance.input = std::move(input);
  instance.started = now;
  return index;
}

bool Simulator::Impl::live(std::size_t instance) const {
  return instances[instance].status == InstanceStatus::running ||
         instances[instance].status == InstanceStatus::waiting;
}

// ---- events

void Simulator::Impl::accept(const Json& event) {
  if (event["id"].is_string() &&
      !known.emplace(event.string_or("source", ""), event["id"].as_string()).second) {
    return;
  }
  std::set<std::string> keys;
  std::vector<std::shared_ptr<const Definition>> all = definitions;
  for (const std::size_t one : alive) {
    const auto& definition = instances[one].definition;
    if (std::find(all.begin(), all.end(), definition) == all.end()) all.push_back(definition);
  }
  for (const auto& definition : all) {
    for (std::string& key : definition->correlation_keys(event)) keys.insert(std::move(key));
  }
  const std::size_t position = inbox.size();
  inbox.push_back({event, now, {keys.begin(), keys.end()}});
  // Begins go first, as in the hub.
  for (const auto& definition : definitions) {
    if (!is_latest(*definition)) continue;
    if (definition->starts_on_all()) {
      Json& pending = start_sets[definition.get()];
      Definition::StartStep step = definition->collect_start(pending, event, now);
      pending = std::move(step.pending);
      if (step.start) begin(definition, std::move(*step.start), position);
    } else if (definition->starts_on(event)) {
      begin(definition, Json::array({event}), position);
    }
  }
  for (const std::size_t open_listen : open_listens) {
    const SimulatedListen& listen = listens[open_listen];
    if (shares_key(listen.keys, inbox[position].keys))
      add(now, Offer{listen.instance, listen.id, position});
  }
}

void Simulator::Impl::begin(const std::shared_ptr<const Definition>& definition, Json input,
                            std::size_t event) {
  std::string business_key;
  if (const auto key = definition->business_key(input); key.ok() && key->has_value())
    business_key = definition->name() + '\n' + **key;
  if (!business_key.empty() && std::any_of(alive.begin(), alive.end(), [&](std::size_t one) {
        return runs[one].business_key == business_key;
      })) {
    if (definition->unheard_starts() && !definition->starts_on_all())
      unheard.push_back({std::move(business_key), definition, event});
    return;
  }
  const std::size_t index = create(definition, std::move(input));
  runs[index].business_key = std::move(business_key);
  runs[index].seen = event + 1;
  add(now, Begin{index});
}

void Simulator::Impl::begin_unheard(const Run& ended) {
  const bool cancelled = instances[ended.index].status == InstanceStatus::cancelled;
  const std::optional<Timestamp> at = cancelled_at(ended.inputs);
  std::erase_if(unheard, [&](const Unheard& one) {
    const bool decided = cancelled && (!at || inbox[one.event].at <= *at);
    return one.business_key == ended.business_key &&
           (decided || knows_newer(ended.inputs, inbox[one.event].event));
  });
  const auto next = std::find_if(unheard.begin(), unheard.end(), [&](const Unheard& one) {
    return one.business_key == ended.business_key;
  });
  if (next == unheard.end()) return;
  const Unheard one = *next;
  unheard.erase(next);
  begin(one.definition, Json::array({inbox[one.event].event}), one.event);
}

bool Simulator::Impl::shares_key(const std::vector<std::string>& wanted,
                                 const std::vector<std::string>& sorted) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& key) {
    return std::binary_search(sorted.begin(), sorted.end(), key);
  });
}

void Simulator::Impl::subscribe(Run& run, const Subscribe& subscribe) {
  run.listens[subscribe.id] = listens.size();
  open_listens.insert(listens.size());
  listens.push_back({run.index, now, subscribe.id, subscribe.keys, true});
  constexpr std::int64_t kRetention = std::chrono::milliseconds(limits::kEventRetention).count();
  for (std::size_t i = run.seen; i < inbox.size(); ++i) {
    if (inbox[i].at.ms + kRetention >= now.ms && shares_key(subscribe.keys, inbox[i].keys))
      add(now, Offer{run.index, subscribe.id, i});
  }
}

void Simulator::Impl::unsubscribe(Run& run, std::uint64_t id) {
  const auto found = run.listens.find(id);
  if (found == run.listens.end()) return;
  listens[found->second].open = false;
  open_listens.erase(found->second);
  run.listens.erase(found);
}

// ---- definitions

bool Simulator::Impl::is_latest(const Definition& definition) const {
  return std::none_of(definitions.begin(), definitions.end(), [&](const auto& other) {
    return same_workflow(*other, definition) &&
           compare_semver(other->version(), definition.version()) > 0;
  });
}

std::shared_ptr<const Definition> Simulator::Impl::find(const StartWorkflow& wanted) const {
  for (const auto& definition : definitions) {
    if (definition->name_space() != wanted.name_space || definition->name() != wanted.name)
      continue;
    if (wanted.version == "latest" ? is_latest(*definition)
                                   : definition->version() == wanted.version)
      return definition;
  }
  return nullptr;
}

// ---- turns

void Simulator::Impl::handle(const What& what) {
  std::visit(
      Overloaded{
          [&](const Begin& begin) {
            apply(begin.instance, workflow::Start{instances[begin.instance].id,
                                                  instances[begin.instance].input, kRules});
          },
          [&](const Posted& posted) { accept(posted.event); },
          [&](const Offer& offer) {
            Run& run = runs[offer.instance];
            const Json& event = inbox[offer.event].event;
            if (!run.listens.contains(offer.listen) || !run.execution.wants(offer.listen, event)) {
              return;
            }
            std::erase_if(unheard, [&](const Unheard& one) {
              return one.event == offer.event && one.business_key == run.business_key;
            });
            if (callbacks.taken) callbacks.taken(instances[offer.instance], event);
            apply(offer.instance, EventArrived{offer.listen, event});
          },
          [&](const Answer& answer) {
            if (calls[answer.call].sends == answer.sends) call_ended(answer.call, answer.outcome);
          },
          [&](const ChildAnswer& answer) {
            Run& run = runs[answer.instance];
            if (!live(answer.instance)) return;
            if (run.children.erase(answer.id) + run.awaited_replies.erase(answer.id) == 0) return;
            apply(answer.instance, ActionEnded{answer.id, answer.outcome});
          },
          [&](const Decided& decided) {
            Run& run = runs[decided.instance];
            if (!live(decided.instance)) return;
            const auto call = run.calls.find(decided.id);
            if (run.asked.erase(decided.id) == 0 && call == run.calls.end()) return;
            // No task waits for its answer: it is not made again.
            if (call != run.calls.end() && calls[call->second].let_go && decided.decision.again)
              return;
            if (call != run.calls.end()) {
              calls[call->second].ended = now;
              run.calls.erase(call);
            }
            if (decided.decision.again) {
              apply(decided.instance, Again{decided.id});
            } else {
              apply(decided.instance, ActionEnded{decided.id, decided.decision.outcome});
            }
          },
          [&](const CancelDue& cancel) {
            if (live(cancel.instance)) apply(cancel.instance, Cancel{"cancelled"});
          },
          [&](const Resend& resend) {
            SimulatedCall& call = calls[resend.call];
            if (call.cancelled || call.outcome.has_value()) return;
            if (call.let_go && idempotency_of(call.action) != "probe") return doubt(call);
            ++call.sends;
            send(call);
          },
          [&](const Ring& ring) {
            if (runs[ring.instance].timers.erase(ring.timer) != 0)
              apply(ring.instance, TimerFired{ring.timer});
          },
      },
      what);
}

template <typename T>
void Simulator::Impl::apply(std::size_t index, T what) {
  ++turns;
  Input input{now, std::move(what), {}};
  Run& run = runs[index];
  for (const auto& [id, call] : run.calls) {
    if (callbacks.reads && callbacks.reads(calls[call].action)) input.harmless.push_back(id);
  }
  run.inputs.push_back(input);
  const std::vector<Effect> effects = run.execution.apply(input);
  std::vector<std::size_t> to_send;
  std::vector<Json> to_accept;
  for (const Effect& effect : effects) {
    std::visit(Overloaded{
                   [&](const CallAction& action) {
                     if (action.let_go) return ask_again(run, action);
                     SimulatedCall& call = calls.emplace_back();
                     call.index = calls.size() - 1;
                     call.instance = index;
                     call.action = action;
                     call.key = instances[index].id + action.reference;
                     call.at = now;
                     run.calls[action.id] = call.index;
                     to_send.push_back(call.index);
                   },
                   [&](const Ask& ask) {
                     run.asked.insert(ask.call.id);
                     decide(index, ask.call);
                   },
                   [&](const StartWorkflow& start) { start_child(index, start); },
                   [&](const CancelCall& cancel) { cancel_call(run, cancel.id); },
                   [&](const LetGo& call) { let_go(run, call.id); },
                   [&](const StartTimer& timer) {
                     run.timers.insert(timer.id);
                     add(timer.due, Ring{index, timer.id});
                   },
                   [&](const CancelTimer& timer) { run.timers.erase(timer.id); },
                   [&](const Subscribe& listen) { subscribe(run, listen); },
                   [&](const Unsubscribe& listen) { unsubscribe(run, listen.id); },
                   [&](const Emit& emit) {
                     emitted.push_back({index, now, emit.event});
                     to_accept.push_back(emit.event);
                   },
                   [&](const TaskTrace& trace) {
                     traces.push_back({index, now, trace});
                   },
                   [&](const Finished& finished) { finish(run, finished); },
               },
               effect);
    if (callbacks.effect) callbacks.effect(instances[index], effect);
  }
  if (live(index)) instances[index].status = run.execution.status();
  if (callbacks.turn) callbacks.turn(instances[index], run.inputs.size() - 1, input, effects);
  for (const Json& event : to_accept) accept(event);
  for (const std::size_t call : to_send) {
    if (!calls[call].cancelled) send(calls[call]);
  }
  if (!live(index) && !runs[index].business_key.empty()) begin_unheard(runs[index]);
}

void Simulator::Impl::finish(Run& run, const Finished& finished) {
  SimulatedInstance& instance = instances[run.index];
  instance.status = finished.status;
  instance.result = finished;
  instance.ended = now;
  alive.erase(run.index);
  run.timers.clear();
  while (!run.listens.empty()) unsubscribe(run, run.listens.begin()->first);
  while (!run.calls.empty()) cancel_call(run, run.calls.begin()->first);
  while (!run.children.empty()) cancel_call(run, run.children.begin()->first);
  run.awaited_replies.clear();
  run.asked.clear();
  if (!run.awaited || !instance.parent.has_value()) return;
  ActionOutcome outcome;
  switch (finished.status) {
    case InstanceStatus::completed:
      outcome.output = finished.output;
      break;
    case InstanceStatus::faulted:
      outcome.kind = OutcomeKind::permanent;
      outcome.code = "workflow.child_faulted";
      outcome.message = "the child workflow faulted";
      outcome.detail = Json::object({{"error", finished.error}});
      break;
    default:
      outcome.kind = OutcomeKind::cancelled;
      outcome.code = "workflow.child_cancelled";
      outcome.message = "the child workflow was cancelled";
  }
  add(now, ChildAnswer{*instance.parent, run.parent_call, std::move(outcome)});
}

// ---- calls

void Simulator::Impl::send(SimulatedCall& call) {
  CallReply reply{CallReply::Kind::silent, {}, 0};
  if (callbacks.call) reply = callbacks.call(call);
  switch (reply.kind) {
    case CallReply::Kind::after:
      add({now.ms + std::max<std::int64_t>(0, reply.after_ms)},
          Answer{call.index, std::move(reply.outcome), call.sends});
      break;
    case CallReply::Kind::open:
      open_calls.insert(call.index);
      break;
    case CallReply::Kind::silent:
      break;
  }
  call.silent = reply.kind == CallReply::Kind::silent;
  if (call.silent && call.let_go) doubt(call);
}

void Simulator::Impl::let_go(const Run& run, std::uint64_t id) {
  const auto found = run.calls.find(id);
  if (found == run.calls.end()) return;
  SimulatedCall& call = calls[found->second];
  call.let_go = true;
  if (call.silent) doubt(call);
}

void Simulator::Impl::ask_again(Run& run, const CallAction& action) {
  const auto call =
      std::find_if(calls.begin(), calls.end(), [&](const SimulatedCall& simulated_call) {
        return simulated_call.instance == run.index && simulated_call.action.id == action.was;
      });
  if (call == calls.end()) return;
  call->action = action;
  call->outcome.reset();
  run.calls[action.id] = call->index;
  doubt(*call);
}

void Simulator::Impl::doubt(const SimulatedCall& call) {
  ActionOutcome unknown;
  unknown.kind = OutcomeKind::ambiguous;
  unknown.code = "engine.let_go";
  unknown.message = "no answer came";
  add(now, Answer{call.index, std::move(unknown), call.sends});
}

void Simulator::Impl::cancel_call(Run& run, std::uint64_t id) {
  if (const auto found = run.calls.find(id); found != run.calls.end()) {
    SimulatedCall& call = calls[found->second];
    run.calls.erase(found);
    call.cancelled = true;
    call.ended = now;
    open_calls.erase(call.index);
    if (callbacks.cancelled) callbacks.cancelled(call);
  } else if (const auto child = run.children.find(id); child != run.children.end()) {
    const std::size_t instance = child->second;
    run.children.erase(child);
    runs[instance].awaited = false;
    add(now, CancelDue{instance});
  } else {
    run.asked.erase(id);
    run.awaited_replies.erase(id);
  }
}

void Simulator::Impl::call_ended(std::size_t index, const ActionOutcome& outcome) {
  SimulatedCall& call = calls[index];
  open_calls.erase(index);
  Run& run = runs[call.instance];
  if (call.cancelled || call.parked || !run.calls.contains(call.action.id)) return;
  if (outcome.kind == OutcomeKind::ambiguous && !settled(call)) return;
  run.calls.erase(call.action.id);
  call.outcome = outcome;
  call.ended = now;
  apply(call.instance, ActionEnded{call.action.id, outcome});
}

bool Simulator::Impl::settled(SimulatedCall& call) {
  const std::string idempotency = idempotency_of(call.action);
  if (call.let_go && idempotency != "probe") {
    // The call of a retry is this one, with this key: its answer tells.
    if (idempotency != "none" && runs[call.instance].execution.is_made_again(call.action.reference))
      return true;
    call.parked = true;
    decide(call.instance, call.action);
    return false;
  }
  if (idempotency != "none" && call.sends <= limits::kMaxResends) {
    // A probe asks at once; repeats wait.
    const std::int64_t delay =
        idempotency == "probe" && call.sends == 1 ? 0 : limits::resend_delay_ms(call.sends);
    add({now.ms + delay}, Resend{call.index});
    return false;
  }
  call.parked = idempotency == "none" || idempotency == "probe";
  if (call.parked) decide(call.instance, call.action);
  return !call.parked;
}

void Simulator::Impl::decide(std::size_t instance, const CallAction& call) {
  if (!callbacks.decide) return;
  if (std::optional<Decision> decision = callbacks.decide(instance, call)) {
    const Timestamp at{now.ms + std::max<std::int64_t>(0, decision->after_ms)};
    add(at, Decided{instance, call.id, std::move(*decision)});
  }
}

void Simulator::Impl::start_child(std::size_t parent, const StartWorkflow& start) {
  Run& run = runs[parent];
  const auto answer = [&](ActionOutcome outcome, std::int64_t after_ms) {
    if (!start.await) return;
    run.awaited_replies.insert(start.id);
    add({now.ms + after_ms}, ChildAnswer{parent, start.id, std::move(outcome)});
  };
  if (callbacks.child) {
    if (std::optional<CallReply> reply = callbacks.child(parent, start)) {
      if (reply->kind == CallReply::Kind::after)
        answer(std::move(reply->outcome), std::max<std::int64_t>(0, reply->after_ms));
      return;
    }
  }
  const std::shared_ptr<const Definition> definition = find(start);
  if (definition == nullptr) {
    ActionOutcome outcome;
    outcome.kind = OutcomeKind::permanent;
    outcome.code = "workflow.unknown_child";
    outcome.message = "no such workflow is known here";
    outcome.detail = Json::object(
        {{"error", Json::object({{"type", error_type("configuration")},
                                 {"status", 400},
                                 {"title", "the workflow " + start.name_space + '/' + start.name +
                                               ' ' + start.version + " is not known here"},
                                 {"detail",
                                  "give its file: --workflow of `rabt workflow run`, or "
                                  "`definitions` of a test file"},
                                 {"instance", start.reference}})}});
    return answer(std::move(outcome), 0);
  }
  const std::size_t child = create(definition, start.input);
  instances[child].parent = parent;
  runs[child].parent_call = start.id;
  runs[child].awaited = start.await;
  if (start.await) run.children[start.id] = child;
  add(now, Begin{child});
}

Simulator::Simulator(Options options, Callbacks callbacks)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(callbacks))) {}
Simulator::Simulator(Simulator&&) noexcept = default;
Simulator& Simulator::operator=(Simulator&&) noexcept = default;
Simulator::~Simulator() = default;

void Simulator::deploy(std::shared_ptr<const Definition> definition) {
  impl_->definitions.push_back(std::move(definition));
}

std::size_t Simulator::start(std::shared_ptr<const Definition> definition, Json input) {
  const std::size_t index = impl_->create(std::move(definition), std::move(input));
  impl_->add(impl_->now, Impl::Begin{index});
  return index;
}

void Simulator::post(Json event, Timestamp at) {
  impl_->add(at, Impl::Posted{std::move(event)});
}

bool Simulator::parked(std::size_t instance) const {
  if (instance >= impl_->runs.size()) return false;  // none was started
  const Impl::Run& run = impl_->runs[instance];
  return !run.asked.empty() ||
         std::any_of(run.calls.begin(), run.calls.end(),
                     [&](const auto& one) { return impl_->calls[one.second].parked; });
}

void Simulator::cancel(std::size_t instance, Timestamp at) {
  impl_->add(at, Impl::CancelDue{instance});
}

void Simulator::answer(std::size_t call, ActionOutcome outcome) {
  if (impl_->open_calls.erase(call) == 0) return;
  impl_->add(impl_->now, Impl::Answer{call, std::move(outcome), impl_->calls[call].sends});
}

Simulator::Stop Simulator::run() {
  return run_until({impl_->options.start.ms + impl_->options.max_virtual_ms});
}

Simulator::Stop Simulator::run_until(Timestamp until) {
  Impl& impl = *impl_;
  const Timestamp last{impl.options.start.ms + impl.options.max_virtual_ms};
  while (!impl.due.empty()) {
    const Impl::Due next = impl.due.top();
    // Timers that nothing waits for any more do not move the clock.
    if (const auto* ring = std::get_if<Impl::Ring>(next.what.get());
        ring != nullptr && !impl.runs[ring->instance].timers.contains(ring->timer)) {
      impl.due.pop();
      continue;
    }
    if (next.at > impl.now && !impl.open_calls.empty() && !impl.options.clock_goes_on)
      return Stop::open_calls;
    if (next.at > last) return Stop::time_limit;
    if (next.at > until) {
      impl.now = std::max(impl.now, until);
      return Stop::until;
    }
    if (impl.turns >= impl.options.max_turns) return Stop::turn_limit;
    impl.due.pop();
    impl.now = next.at;
    impl.handle(*next.what);
  }
  if (impl.options.clock_goes_on && until < last) impl.now = std::max(impl.now, until);
  if (!impl.open_calls.empty()) return Stop::open_calls;
  return impl.alive.empty() ? Stop::ended : Stop::waiting;
}

Timestamp Simulator::now() const {
  return impl_->now;
}
std::optional<Timestamp> Simulator::next_due() const {
  if (impl_->due.empty()) return std::nullopt;
  return impl_->due.top().at;
}
const std::deque<SimulatedInstance>& Simulator::instances() const {
  return impl_->instances;
}
const std::deque<SimulatedCall>& Simulator::calls() const {
  return impl_->calls;
}
const std::vector<SimulatedTrace>& Simulator::traces() const {
  return impl_->traces;
}
const std::vector<SimulatedEvent>& Simulator::emitted() const {
  return impl_->emitted;
}
const std::vector<SimulatedListen>& Simulator::listens() const {
  return impl_->listens;
}
const Json& Simulator::context(std::size_t instance) const {
  return impl_->runs[instance].execution.context();
}
std::vector<Effect> Simulator::open(std::size_t instance) const {
  return impl_->runs[instance].execution.open();
}
const std::vector<Input>& Simulator::inputs(std::size_t instance) const {
  return impl_->runs[instance].inputs;
}

}  // namespace rabt::workflow
