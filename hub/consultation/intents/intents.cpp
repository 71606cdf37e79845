#include "hub/consultation/intents/intents.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/intents/statements.hpp"
#include "hub/consultation/recording/rows.hpp"
#include "hub/consultation/rows/session_lane.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using workflow::OutcomeKind;

// The clock of tests moves without waking anybody.
constexpr std::chrono::milliseconds kIdle{200};
// Between two turns while the disk is full.
constexpr std::chrono::milliseconds kFullDisk{1000};
constexpr std::size_t kBatch = 64;
// Calls of the provider under way at once.
constexpr std::size_t kMaxInFlight = 32;
constexpr std::int64_t kLookMs = 30'000;

}  // namespace

Status close_intent(store::Transaction& transaction, const Intent& intent, std::string_view state,
                    std::string_view code, std::string_view subject) {
  RABT_TRY_STATUS(store::run(transaction, sql::intents::kCloseIntent,
                             {intent.tenant, intent.session, intent.n, state, code, subject}));
  outbox::leave(transaction, intent.tenant, outbox::kVideo, intent.session, intent.n);
  return ok_status();
}

void Intents::start(Deliver deliver) {
  teller_.deliver_to(std::move(deliver));
  thread_ = std::thread([this] { run(); });
}

void Intents::stop() {
  {
    const Lock lock(box_->mutex);
    box_->stopping = true;
  }
  box_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Intents::wake() {
  {
    const Lock lock(box_->mutex);
    box_->woken = true;
  }
  box_->changed.notify_all();
}

void Intents::run() {
  Box& box = *box_;
  Lock lock(box.mutex);
  while (!box.stopping) {
    lock.unlock();
    turn();
    const bool full = acts_.parts().store.stats().disk_full;
    lock.lock();
    // A failed write is due again at once: only time helps.
    if (full) {
      box.changed.wait_for(lock, kFullDisk,
                           [&]() RABT_REQUIRES(box.mutex) { return box.stopping; });
    } else {
      box.changed.wait_for(lock, kIdle, [&]() RABT_REQUIRES(box.mutex) {
        return box.stopping || box.woken || !box.ended.empty();
      });
    }
    box.woken = false;
  }
}

void Intents::turn() {
  const Lock one(turn_);
  // Each of them makes work for the others: an outcome may end a session, whose events are told.
  for (int round = 0; round < 8; ++round) {
    const bool settled = settle_all();
    const bool ticked = timers();
    const bool asked = ask();
    const bool delivered = teller_.turn();
    const bool looked_at = looks_.turn([this](const Intent& intent, const Session& session) {
      return call_look(intent, session);
    });
    const bool freed = recordings_.settle_stranded();
    if (!looked_at && !settled && !ticked && !asked && !delivered && !freed) return;
    if (acts_.parts().store.stats().disk_full) return;
  }
}

void Intents::wait_for_room(std::string_view session, std::chrono::milliseconds patience) {
  // Patience is counted in waits: the clock of tests stands still.
  constexpr std::chrono::milliseconds kSlice{100};
  auto slices = patience / kSlice;
  wake();
  Box& box = *box_;
  Lock lock(box.mutex);
  while (!box.stopping) {
    const std::uint64_t seen = box.settled;
    lock.unlock();
    std::int64_t open = 0;
    const Status read = acts_.parts().store.read([&](store::Connection& connection) {
      return connection.query(sql::intents::kRoomOpening, {session, acts_.parts().tenant},
                              [&](const Row& row) {
                                open = row.integer(sql::intents::kRoomOpening["count"]);
                                return false;
                              });
    });
    lock.lock();
    if (!read.ok() || open == 0) return;
    while (!box.changed.wait_for(lock, kSlice, [&]() RABT_REQUIRES(box.mutex) {
      return box.stopping || box.settled != seen;
    })) {
      if (--slices <= 0) return;
    }
  }
}

// ---- Timers

bool Intents::timers() {
  const auto due = acts_.rows().due(acts_.parts().clock.now(), kBatch);
  if (!due.ok()) return false;
  bool any = false;
  for (const auto& [tenant, id] : *due) {
    const auto acted = acts_.act_as_hub(id, Tick{});
    if (acted.ok() && !acted->change.unchanged) any = true;
    if (!acted.ok())
      acts_.parts().log.warn("session.timer", {{"session", id}, {"code", acted.error().code}});
  }
  return any;
}

// ---- Calls of the provider

bool Intents::ask() {
  const std::string& tenant = acts_.parts().tenant;
  auto open = outbox::due_items<Intent>(
      acts_.parts().store, tenant, outbox::kVideo, "", acts_.parts().clock.now().ms, kBatch,
      [&](store::Connection& connection, const outbox::Work& work, std::vector<Intent>& found) {
        return connection.query(
            sql::intents::kIntent, {tenant, work.ref, work.ref_n}, [&](const Row& row) {
              found.push_back({.tenant = tenant,
                               .session = work.ref,
                               .n = work.ref_n,
                               .kind = std::string(row.text(sql::intents::kIntent["kind"])),
                               .subject = std::string(row.text(sql::intents::kIntent["subject"])),
                               .attempts = row.integer(sql::intents::kIntent["attempts"])});
              return false;
            });
      });
  if (!open.ok()) return false;
  bool any = false;
  for (Intent& intent : *open) {
    intent.asked_ms = acts_.parts().clock.now().ms;
    bool is_new = true;
    if (!take_off(intent, is_new)) break;
    if (!is_new) continue;
    any = true;
    carry_out(intent);
  }
  return any;
}

bool Intents::take_off(const Intent& intent, bool& is_new) {
  const Lock lock(box_->mutex);
  if (box_->stopping || box_->in_flight.size() >= kMaxInFlight) return false;
  is_new = box_->in_flight.emplace(intent.session, intent.n).second;
  return true;
}

// For the accounting of disclosures, durable before the first byte goes: people that the provider
// learns of, under the names of that session alone. A repeat of the call sends the same again.
Status Intents::note_disclosure(const Session& session, std::string_view action,
                                const Json& arguments) const {
  const SessionParts& parts = acts_.parts();
  if (session.naming.pseudonym.empty()) return ok_status();
  const auto recipient = parts.actions.recipient(session.room.plugin, action, "1.0.0");
  if (!recipient) return ok_status();
  Json fields = Json::array();
  for (const auto& [name, value] : arguments.as_object()) fields.push_back(name);
  const audit::Prepared entry = parts.audit.prepare(
      {.tenant = session.tenant,
       .actor = "node:sessions",
       .act = "action.sent",
       .object = "session:" + session.id,
       .result = "ok",
       .detail =
           Json::object({{"role", "video"},
                         {"task", "open-room"},
                         {"recipient", recipient->plugin},
                         {"version", recipient->version},
                         {"host", recipient->hosts.empty() ? "none" : recipient->hosts.front()},
                         {"capability", std::string(action) + ":1.0.0"},
                         {"fields", std::move(fields)}}),
       .patient = session.naming.pseudonym,
       .purpose = "TREAT"});
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, entry); });
}

plugin::Ended Intents::answer_of(const Intent& intent) const {
  return [box = box_, intent](workflow::ActionOutcome outcome) {
    const Lock lock(box->mutex);
    box->ended.push_back({intent, std::move(outcome)});
    box->changed.notify_all();
  };
}

// The room that the session has, or had last.
std::string Intents::room_of(const Intent& intent, const Session& session) const {
  std::string room = session.room.sid;
  if (!room.empty() || intent.kind == "open-room") return room;
  (void)acts_.parts().store.read([&](store::Connection& connection) {
    return connection.query(sql::intents::kRoomOf, {intent.tenant, intent.session},
                            [&](const Row& row) {
                              room = std::string(row.text(sql::intents::kRoomOf["subject"]));
                              return false;
                            });
  });
  return room;
}

void Intents::carry_out(const Intent& intent) {
  const plugin::Ended answer = answer_of(intent);
  const auto not_now = [&](const Error& error) {
    answer(plugin::failed(OutcomeKind::transient, error.code, error.message));
  };
  const auto session = acts_.load(intent.session);
  if (!session.ok()) return not_now(session.error());
  const IntentKind& kind = kind_of(intent.kind);
  auto call = kind.call(desk(), intent, {*session, room_of(intent, *session)});
  if (!call.ok()) return not_now(call.error());
  if (!call->skip.empty())
    return answer({.kind = OutcomeKind::done, .output = Json::object({{"skipped", call->skip}})});
  // The session goes on without what it was told of: people are told so.
  if (!call->refused.empty())
    return answer(plugin::failed(OutcomeKind::permanent, std::string(call->refused),
                                 "the provider has opened no room"));
  if (intent.kind == "open-room" && intent.attempts == 0) {
    if (const Status written = note_disclosure(*session, kind.capability, call->arguments);
        !written.ok())
      return not_now(written.error());
  }
  ++calls_;
  std::string key =
      call->key.empty() ? session->id + "/" + std::to_string(intent.n) : std::move(call->key);
  video_.call(*session, kind.capability, std::move(call->arguments), std::move(key),
              kind.timeout_ms, static_cast<std::uint32_t>(intent.attempts + 1), answer);
}

bool Intents::call_look(const Intent& intent, const Session& session) {
  bool is_new = true;
  if (!take_off(intent, is_new)) return false;
  if (!is_new) return true;
  ++calls_;
  video_.call(session, "video.session.get", Json::object({{"sessionId", session.room.sid}}),
              session.id + "/look/" + intent.subject, kLookMs, 1, answer_of(intent));
  return true;
}

// ---- Answers

bool Intents::settle_all() {
  bool any = false;
  while (true) {
    Ended ended;
    {
      const Lock lock(box_->mutex);
      if (box_->ended.empty()) return any;
      ended = std::move(box_->ended.front());
      box_->ended.pop_front();
    }
    settle(ended);
    any = true;
    if (ended.intent.kind == "collect" || ended.intent.kind == "fetch") recordings_.search_again();
    {
      const Lock lock(box_->mutex);
      box_->in_flight.erase({ended.intent.session, ended.intent.n});
      ++box_->settled;
    }
    box_->changed.notify_all();
  }
}

void Intents::settle(const Ended& ended) {
  const Intent& intent = ended.intent;
  const workflow::ActionOutcome& outcome = ended.outcome;
  const bool done = outcome.kind == OutcomeKind::done;
  if (intent.kind == kLook) {
    if (done) looks_.looked(intent, outcome.output);
    return;
  }
  const IntentKind& kind = kind_of(intent.kind);
  Result<Verdict> verdict = Verdict{};
  if (kind.ended != nullptr) {
    verdict = kind.ended(desk(), intent, outcome);
  } else if (done && outcome.output.find("skipped") != nullptr) {
    verdict = Verdict{.code = "skipped"};
  } else if (done && kind.done != nullptr) {
    verdict = kind.done(desk(), intent, outcome.output);
  } else if (outcome.kind == OutcomeKind::transient || outcome.kind == OutcomeKind::ambiguous) {
    if (intent.attempts + 1 < kMaxAttempts) {
      acts_.parts().log.warn("session.effect", {{"session", intent.session},
                                                {"kind", intent.kind},
                                                {"state", "open"},
                                                {"attempt", intent.attempts + 1},
                                                {"code", outcome.code},
                                                {"message", outcome.message}});
      return again(intent, outcome.code);
    }
    const bool unknown = outcome.kind == OutcomeKind::ambiguous;
    return give_up(intent, {.state = unknown ? "parked" : "refused",
                            .code = outcome.code,
                            .warning = "video.room_refused"});
  } else if (!done) {
    const bool credentials = refuses_credentials(outcome);
    return give_up(intent,
                   {.state = "refused",
                    .code = outcome.code,
                    .warning = credentials ? "video.credentials" : "video.room_refused"},
                   outcome.message);
  }
  const Status applied = verdict.ok() ? apply(intent, *verdict) : Status(verdict.error());
  // An answer that could not be written is asked for again: every call is safe to repeat by its
  // key.
  if (!applied.ok()) again(intent, applied.error().code);
}

Status Intents::apply(const Intent& intent, const Verdict& verdict) {
  using Then = Verdict::Then;
  const bool last = intent.attempts + 1 >= kMaxAttempts;
  switch (verdict.then) {
    case Then::closed:
      return ok_status();
    case Then::close:
      return close(intent, verdict.code);
    case Then::again_or_give_up:
      if (!last) again(intent, verdict.code, verdict.retry_after_ms);
      if (last)
        give_up(intent,
                {.state = "refused", .code = verdict.code, .warning = "video.room_refused"});
      return ok_status();
    case Then::again:
      again(intent, verdict.code, verdict.retry_after_ms);
      return ok_status();
    case Then::give_up:
      give_up(intent, {.state = "refused", .code = verdict.code, .warning = "video.room_refused"});
      return ok_status();
  }
  return ok_status();
}

Status Intents::close(const Intent& intent, std::string_view code) {
  return acts_.parts().store.write(lane_of(intent.session), [&](store::Transaction& transaction) {
    return close_intent(transaction, intent, "done", code);
  });
}

void Intents::again(const Intent& intent, std::string_view code, std::int64_t retry_after_ms) {
  const std::int64_t due =
      acts_.parts().clock.now().ms +
      std::max(retry_after_ms, pause_ms(kind_of(intent.kind), intent.attempts));
  const store::Lane lane = lane_of(intent.session);
  const Status written =
      acts_.parts().store.write(lane, [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(store::run(transaction, sql::intents::kIntentAgain,
                                   {intent.tenant, intent.session, intent.n, code}));
        outbox::again(transaction, intent.tenant, outbox::kVideo, {intent.session, intent.n},
                      intent.attempts + 1, due);
        return ok_status();
      });
  if (!written.ok())
    acts_.parts().log.warn("session.effect",
                           {{"session", intent.session}, {"code", written.error().code}});
}

void Intents::give_up(const Intent& intent, const GivenUp& how, std::string_view message) {
  if (how.state == "parked") ++parked_;
  acts_.parts().log.warn("session.effect", {{"session", intent.session},
                                            {"kind", intent.kind},
                                            {"state", how.state},
                                            {"code", how.code},
                                            {"message", message}});
  // Recordings without a file would stay `processing` for ever.
  std::vector<std::string> lost;
  if (intent.kind == "collect" && intent.subject.empty()) lost = recordings_.without_list(intent);
  if (intent.kind == "fetch") lost.push_back(intent.subject);
  const auto closed = [&](store::Transaction& transaction, const Change& change) -> Status {
    for (const std::string& id : lost) {
      RABT_TRY_STATUS(write_failed(transaction, intent.tenant, id, how.code));
      RABT_TRY_STATUS(acts_.add_event(transaction, change.after, "recording-failed",
                                      Json::object({{"recording", id}, {"code", how.code}})));
    }
    if (!intent.subject.empty() && intent.kind == "start-recording")
      RABT_TRY_STATUS(write_failed(transaction, intent.tenant, intent.subject, how.code));
    return close_intent(transaction, intent, how.state, how.code);
  };
  const IntentKind& kind = kind_of(intent.kind);
  const Command command = kind.given_up != nullptr ? kind.given_up(intent, how) : Command(Look{});
  const auto acted = acts_.act_as_hub(intent.session, command, closed);
  if (!acted.ok())
    acts_.parts().log.warn("session.effect",
                           {{"session", intent.session}, {"code", acted.error().code}});
}

void Intents::write_metrics(MetricsWriter& out) const {
  out.counter("rabt_session_provider_calls_total", "Calls of the video provider.", calls_.load());
  out.counter("rabt_session_provider_parked_total",
              "Calls of the video provider whose effect nobody knows.", parked_.load());
  out.counter("rabt_session_events_told_total", "Events that workflows and webhooks were told.",
              teller_.told());
  outbox::write_metrics(acts_.parts().store, acts_.parts().tenant, acts_.parts().clock.now(), out);
}

}  // namespace rabt::consultation
