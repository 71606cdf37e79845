#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/engine/instance_reader.hpp"
#include "hub/engine/router.hpp"
#include "hub/engine/turn_store.hpp"

namespace rabt::engine {

// Time by which calls of the role, of this instance, have to have ended; nullopt if there is none.
[[nodiscard]] std::optional<Timestamp> deadline_of(const ResidentInstance& instance,
                                                   std::string_view role);

// One thread and the instances that belong to it. Reading order: run (worker.cpp) takes a message;
// its handler (inputs.cpp) makes an input of it; make_turn, prepare_turn, store_turn; committed
// (worker.cpp) lets the effects happen; dispatch (dispatch.cpp) sends calls.
class Worker {
 public:
  struct Parts {
    Context& context;
    const Definitions& definitions;
    const InstanceReader& reader;
    const Starts& starts;
    const Events& events;
    WantedTypes& wanted;
    const OwnedPartitions& partitions;
    const access::PatientDetail& details;
    HttpCalls& http;
    Router& router;
    Timers& timers;
    Inbox& inbox;
  };
  explicit Worker(Parts parts) : parts_(parts), context_(parts.context) {}
  ~Worker() { stop(); }
  void start();
  void stop();

 private:
  // worker.cpp
  void run();
  void handle(Message& message);
  void dispatch_message(Message& message);
  // Waits until the keys can be had; meanwhile people's requests are answered with the error.
  // False when the engine stops.
  bool wait_for_keys();
  void answer_requests(const Error& error);
  ResidentInstance* find_or_load(std::int64_t num);
  // Null when the instance has ended or cannot be read, which is logged.
  ResidentInstance* load(std::int64_t num);
  // Why an instance is not in memory: it cannot be read, it lacks a secret, or it has ended.
  [[nodiscard]] Error why_not_resident(std::int64_t num, const Error& ended) const;
  ResidentInstance* add(std::unique_ptr<ResidentInstance> instance);
  void forget(std::int64_t num);
  // Lets waiting instances go when there are too many in memory.
  void evict();
  // Applies the input, and hands the turn to the store. answer gets the result when it is durable.
  // first: Step::first of what a person asked for.
  void take_turn(ResidentInstance& instance, workflow::Input input, Cause cause,
                 std::shared_ptr<std::promise<Status>> answer = nullptr, FirstInCommit first = {});
  void submit(const std::shared_ptr<PreparedTurn>& turn,
              std::shared_ptr<std::promise<Status>> answer);
  // `waits` where the worker has nothing else to do until the store has written its job.
  [[nodiscard]] store::Store::Caller caller() const;
  void committed(const TurnCommitted& message);
  void tell_faults(const ResidentInstance& instance, const Turn& turn);
  void count_end(const ResidentInstance& instance, const Turn& turn);
  void look_for_events(ResidentInstance& instance, const std::vector<StoredListen>& listens);
  void reload(const Reload& message);
  void recover(std::int64_t num);
  void settle_children(std::int64_t num);
  void sweep();
  void release(const ReleasePartition& message);

  // inputs.cpp
  [[nodiscard]] workflow::Input input_of(decltype(workflow::Input::what) what) const {
    return {context_.parts.clock.now(), std::move(what)};
  }
  void begin(BeginInstance& message);
  void begin(ResidentInstance& instance, Json envelope);
  void event_matched(EventMatch& message);
  void timer_fired(const Timers::Entry& entry);
  void call_ended(CallEnded& message);
  void child_ended(ChildEnded& message);
  void cancel_child(const CancelChild& message);
  void cancel(CancelRequest& message);
  void resolve(ResolveRequest& message);
  void retry(RetryRequest& message);
  // Offers the listens of the instance what skipped rows took.
  void offer_skipped(const ResidentInstance& instance);
  [[nodiscard]] Result<std::optional<access::PatientDetail::Sealed>> seal_reason(
      const ResidentInstance& instance, const std::string& reason) const;

  // dispatch.cpp
  // Finds out whom the call goes to and what repeating it does.
  void look_up(const ResidentInstance& instance, OpenCall& call) const;
  void dispatch(ResidentInstance& instance, OpenCall& call);
  void send_call(ResidentInstance& instance, OpenCall& call);
  void cancel_call(const OpenCall& call);
  // Sends, asks about or parks a call of which it is not known whether it was sent.
  void settle_unknown(ResidentInstance& instance, OpenCall& call);
  // True if no note says that the call, which is not safe to repeat, has left.
  [[nodiscard]] bool surely_unsent(const ResidentInstance& instance, const OpenCall& call) const;
  void settle_ambiguous(ResidentInstance& instance, OpenCall& call, ActionOutcome outcome);
  // Asks about a call that was let go, and whose effect is not known, or parks it. code: of the
  // outcome that left it unknown; "" when there was none.
  void settle_let_go(ResidentInstance& instance, OpenCall& call, const std::string& code);
  // Ends a call that surely did nothing, as transient. The call is gone then, and the instance may
  // be.
  void end_without_effect(const ResidentInstance& instance, OpenCall& call, std::string code,
                          std::string message);
  // Sends a call again later for which the hub had no room, until there is some. False when the
  // call may have had an effect and repeating it is not safe.
  [[nodiscard]] bool hold(ResidentInstance& instance, OpenCall& call, const ActionOutcome& outcome);
  // Holds a call whose role is paused; `next` is done with it when the role goes on. False if the
  // role is not paused.
  [[nodiscard]] bool hold_paused(const ResidentInstance& instance, OpenCall& call,
                                 PausedCall::Next next);
  void go_on(ResidentInstance& instance, OpenCall& call);
  void probe(ResidentInstance& instance, OpenCall& call);
  void probed(const CallProbed& message);
  // code: of the outcome that left the effect unknown; "" when there was none.
  void park(ResidentInstance& instance, OpenCall& call, const std::string& code = {});
  [[nodiscard]] audit::Entry parked_entry(const ResidentInstance& instance,
                                          const workflow::CallAction& action,
                                          std::string_view result) const;
  void dispatch_recorded(const DispatchRecorded& message);
  [[nodiscard]] plugin::CallRequest request_of(const ResidentInstance& instance,
                                               const OpenCall& call) const;

  // outage.cpp
  // Hears of an outcome whether the side of the call is there. Sets Cause::outage if it is not, and
  // has retries that wait for it go soon if it is.
  void look_at_side(const ResidentInstance& instance, const OpenCall& call,
                    const ActionOutcome& outcome, Cause& cause);
  // Has the retries of a durable turn go soon after their side is back.
  void await_side(const ResidentInstance& instance, const Turn& turn);
  // Forgets what waits no more after a durable turn.
  void end_waits(std::int64_t num, const Turn& turn);

  // disclosure.cpp
  // The audit entry of what a call sends to an outside system; nullopt when it goes to the hub.
  [[nodiscard]] std::optional<audit::Entry> disclosure_of(const ResidentInstance& instance,
                                                          const OpenCall& call) const;
  [[nodiscard]] const std::set<std::string, std::less<>>& schema_fields(const OpenCall& call) const;

  [[nodiscard]] TurnTools tools() const {
    return {context_, parts_.definitions, parts_.starts, parts_.events, parts_.wanted};
  }

  const Parts parts_;
  Context& context_;

  // Confined to the worker's thread.
  std::vector<QueuedMessage> batch_;
  // The message of the batch that is handled.
  std::size_t next_ = 0;
  // The keys for the messages of a batch.
  std::shared_ptr<const KeyLease> lease_;
  std::unordered_map<std::int64_t, std::unique_ptr<ResidentInstance>> residents_;
  // Effect of an action, as its manifest says: as in OpenCall.
  struct KnownEffect {
    Idempotency idempotency;
    bool reads;
  };
  // By target/action:version.
  mutable std::unordered_map<std::string, KnownEffect> effects_;
  // The names of an action's arguments, as its schema has them.
  mutable std::unordered_map<std::string, std::set<std::string, std::less<>>> fields_;

  std::thread thread_;
};

}  // namespace rabt::engine
