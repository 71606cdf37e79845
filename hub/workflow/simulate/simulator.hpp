#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"
#include "hub/workflow/execution.hpp"

// Runs instances in memory and in virtual time, by the rules of the hub's engine: the same
// interpreter, the same correlation, inbox and order of inputs. No I/O, no clock, no threads: the
// same definitions, answers and events give the same records.
namespace rabt::workflow {

// Reply to a call.
struct CallReply {
  enum class Kind : std::uint8_t {
    after,   // with `outcome`, after_ms later in virtual time
    open,    // by Simulator::answer; until then the clock stands still (Options::clock_goes_on)
    silent,  // never; the clock goes on. When it is let go its effect is unknown
  };
  Kind kind = Kind::after;
  ActionOutcome outcome;
  std::int64_t after_ms = 0;
};

// Decision of a person about a parked call.
struct Decision {
  bool again = false;     // true if the call is made once more; else `outcome` holds
  ActionOutcome outcome;  // done, or permanent: the failure goes on
  std::int64_t after_ms = 0;
};

// A call as the simulation saw it.
struct SimulatedCall {
  std::size_t index = 0;     // in Simulator::calls
  std::size_t instance = 0;  // in Simulator::instances
  CallAction action;
  // Equal for two calls exactly when the hub gives them the same idempotency key.
  std::string key;
  Timestamp at;
  int sends = 1;                         // more than one after an ambiguous outcome
  std::optional<ActionOutcome> outcome;  // as it reached the workflow
  Timestamp ended;
  bool cancelled = false;  // the workflow did not wait for the call any longer
  bool let_go = false;     // no task waits for the call, which may have left (LetGo)
  bool silent = false;     // its last reply was `silent`
  bool parked = false;     // ambiguous and not safe to repeat, so a person would have to decide
};

struct SimulatedTrace {
  std::size_t instance = 0;
  Timestamp at;
  TaskTrace trace;
};

struct SimulatedEvent {
  std::size_t instance = 0;  // the one that emitted the event
  Timestamp at;
  Json event;
};

struct SimulatedListen {
  std::size_t instance = 0;
  Timestamp at;
  std::uint64_t id = 0;
  std::vector<std::string> keys;
  bool open = true;
};

struct SimulatedInstance {
  std::size_t index = 0;
  std::string id;  // 26 digits: the first instance is 00000000000000000000000001
  std::shared_ptr<const Definition> definition;
  std::optional<std::size_t> parent;  // the instance that started this one with run.workflow
  Json input;                         // raw
  Timestamp started;
  Timestamp ended;
  InstanceStatus status = InstanceStatus::running;
  Finished result;  // once it ended
};

// Confined to its executor. Callbacks may call post, cancel and answer, and nothing else that is
// not const.
class Simulator {
 public:
  struct Options {
    Timestamp start{1'767'250'800'000};  // 2026-01-01T07:00:00Z
    // The simulation stops when the next input is due later than this after its start. Five years
    // are more than any consultation; a workflow that waits longer has a mistake.
    std::int64_t max_virtual_ms = 5LL * 366 * 86'400'000;
    std::uint64_t max_turns = 100'000;  // for all instances together
    bool clock_goes_on = false;         // even while calls are open
    Json secrets;                       // by name; an instance gets those that it declares
  };
  struct Callbacks {
    // If it is not set, every call stays silent. Called again with sends + 1 when an outcome was
    // ambiguous and the action is safe to repeat (with `probe` the answer stands for what the hub
    // found out).
    std::function<CallReply(const SimulatedCall&)> call;
    // Called when a call is parked. Returns nullopt if the call stays parked, as it does when
    // unset.
    std::function<std::optional<Decision>(std::size_t instance, const CallAction&)> decide;
    // native, key, probe or none. If it is not set, every action has key.
    std::function<std::string(const CallAction&)> idempotency;
    // True if an action changes nothing. If it is not set, none but requests of HTTP that read.
    std::function<bool(const CallAction&)> reads;
    // Answers a run.workflow in place of the child. If it returns nullopt, the child's definition
    // runs.
    std::function<std::optional<CallReply>(std::size_t parent, const StartWorkflow&)> child;
    // The workflow does not wait for the call any longer.
    std::function<void(const SimulatedCall&)> cancelled;
    // Every effect, in order, after it took effect here.
    std::function<void(const SimulatedInstance&, const Effect&)> effect;
    // The same, for each input at once. number counts the inputs of the instance from 0.
    std::function<void(const SimulatedInstance&, std::uint64_t number, const Input&,
                       const std::vector<Effect>&)>
        turn;
    // A listen took an event.
    std::function<void(const SimulatedInstance&, const Json& event)> taken;
  };

  Simulator(Options options, Callbacks callbacks);
  Simulator(Simulator&&) noexcept;
  Simulator& operator=(Simulator&&) noexcept;
  ~Simulator();

  // Makes a definition known: events and run.workflow may start it. The newest version given is
  // `latest`.
  void deploy(std::shared_ptr<const Definition> definition);

  // Starts an instance of a deployed or other definition now. Returns its index.
  std::size_t start(std::shared_ptr<const Definition> definition, Json input);
  // An event that comes from outside at this time (not before now). As in the hub: the same source
  // and id again is not processed; it starts instances, one for each business key; a listen that is
  // reached later finds it, up to limits::kEventRetention.
  void post(Json event, Timestamp at);
  void cancel(std::size_t instance, Timestamp at);
  // True if a call of the instance waits for a person. False for one that was not started.
  [[nodiscard]] bool parked(std::size_t instance) const;
  // Answers a call whose reply was `open`, now. Ignored when nothing waits for it any more.
  void answer(std::size_t call, ActionOutcome outcome);

  enum class Stop : std::uint8_t {
    ended,       // no instance is left, nothing is due
    waiting,     // nothing is due, but instances wait for events or silent calls
    open_calls,  // calls are open and nothing else can happen: answer one, then run again
    until,       // the next input is due later than asked
    time_limit,
    turn_limit,
  };
  // Runs until nothing can happen any more.
  Stop run();
  // The same, but only what is due at or before this time; the clock then stands at `until` or
  // where it stopped.
  Stop run_until(Timestamp until);

  [[nodiscard]] Timestamp now() const;
  // When the next timer, answer or event is due.
  [[nodiscard]] std::optional<Timestamp> next_due() const;
  [[nodiscard]] const std::deque<SimulatedInstance>& instances() const;
  [[nodiscard]] const std::deque<SimulatedCall>& calls() const;  // in the order they were made
  [[nodiscard]] const std::vector<SimulatedTrace>& traces() const;
  [[nodiscard]] const std::vector<SimulatedEvent>& emitted() const;
  [[nodiscard]] const std::vector<SimulatedListen>& listens() const;
  [[nodiscard]] const Json& context(std::size_t instance) const;  // $context
  // Returns the effects that the instance waits for, as Execution::open.
  [[nodiscard]] std::vector<Effect> open(std::size_t instance) const;
  // The inputs that an instance has had: the content of its journal.
  [[nodiscard]] const std::vector<Input>& inputs(std::size_t instance) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace rabt::workflow
