// The actions: what is stored when, and which answer means what. Messages are built in claim.cpp
// and eligibility_and_tasks.cpp and read in answers.cpp.
//
// clang-format off
// Keys of the store, which the host seals:
//   tx/<idempotency key>      the bytes of a request, put before its first send; every attempt sends exactly these
//   answer/<idempotency key>  the raw answer, put before it is read; removed when it asks for another attempt
//   claim/<system|value>      facts of a sent claim that its answer does not repeat; no patient data
//   header/<MessageHeader.id> the claim of a sent message, for replies that name only the message
//   poll/<queue>              the poll that is under way, until every reply of its answer is filed
//   pollraw/<queue>           the raw answer of that poll, put before it is read
//   reply/<system|value>      replies to one claim, see reply_record.hpp
//   inbox/<Bundle.id>         other messages that a poll delivered, whole
//   unread/<queue>            the last poll answer that could not be read
// clang-format on
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "answers.hpp"
#include "outcomes.hpp"
#include "poll_lock.hpp"
#include "rabt/task.hpp"
#include "refusal.hpp"
#include "reply_record.hpp"
#include "requests.hpp"
#include "settings.hpp"

namespace rabt::nphies {

using sdk::Call;
using sdk::Host;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Kind;
using sdk::KvValue;
using sdk::Outcome;
using sdk::Sent;
using sdk::Task;

namespace {

// A synchronous exchange ends within 60 s at the gateway.
constexpr std::int64_t kHttpTimeoutMs = 60'000;
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;
// Bytes of requests and answers, some 35 kB a consultation. Attempts of one step end within hours.
constexpr std::int64_t kRequestKeptMs = 14 * kDayMs;
// Whole replies. Workflows read them within a day; a person may ask again.
constexpr std::int64_t kReplyKeptMs = 60 * kDayMs;
// Facts of claims, below 1 kB. Payers reissue adjudications within a policy year.
constexpr std::int64_t kFactsKeptMs = 400 * kDayMs;
// A queue is drained by several calls, not by one that never ends.
constexpr int kMaxPollRounds = 10;
constexpr int kMaxConflicts = 5;
constexpr std::int64_t kLockRetryMs = 2'000;

// Identity of a stored request, read from its bytes.
struct Request {
  std::string bundle_id;
  std::string header_id;
  Identifier subject;  // identifier of the focal resource; of Task.focus for a Task
  std::string receiver;
};
Request read_request(const std::string& bytes) {
  const Json root = parse_json(bytes);
  Request out{text_at(root, "id"), text_at(root, "entry/0/resource/id"),
              identifier_at(root, "entry/1/resource/identifier/0"),
              text_at(root, "entry/0/resource/destination/0/receiver/identifier/value")};
  if (text_at(root, "entry/1/resource/resourceType") == "Task") {
    out.subject = identifier_at(root, "entry/1/resource/focus/identifier");
  }
  return out;
}

// The answer belongs to the request: by business identifier, else by header. An answer that names
// neither is taken as it came.
bool belongs(const Request& request, const Message& message) {
  if (message.focus != nullptr) {
    Identifier named = identifier_at(*message.focus, "request/identifier");
    if (named.value.empty()) named = identifier_at(*message.focus, "focus/identifier");
    if (!named.value.empty()) return named == request.subject;
  }
  return message.response_to.empty() || message.response_to == request.header_id;
}

Identifier claim_of(const Json& input) {
  return {required_id(input, "claim/system", 255), required_id(input, "claim/value")};
}

// Reads the raw answer to request and makes the outcome with make, which gets a judged message
// about wanted.
Outcome read_answer(const std::string& request_bytes, const std::string& answer,
                    std::string_view wanted,
                    const std::function<Outcome(const Request&, const Message&)>& make) {
  Json root;
  try {
    root = parse_json(answer);
  } catch (const JsonError& failure) {
    return unreadable(std::string("the answer is ") + failure.what());
  }
  const Message message = read_message(root);
  if (std::optional<Outcome> failure = message_failure(message)) return *failure;
  if (message.focus == nullptr || text_at(*message.focus, "resourceType") != wanted) {
    return unreadable("the answer is no message with a " + std::string(wanted));
  }
  const Request request = read_request(request_bytes);
  if (!belongs(request, message)) {
    return Outcome::fail(Kind::ambiguous, "nphies.answer_mismatch",
                         "the answer belongs to another request; nothing of it was used");
  }
  return make(request, message);
}

// Says which payer got the request, and what the configuration gave because the call names none.
void add_choices(Json& out, const Request& request, const Json& input, bool with_practitioner) {
  out["payer"]["licence"] = request.receiver;
  out["assumed"] = assumed_of(input, with_practitioner);
}

Json facts_of(const KvValue& stored) {
  if (!stored.found()) return Json::object();
  try {
    return parse_json(stored.value);
  } catch (const JsonError&) {
    return Json::object();  // sums and reasons are then those of the answer alone
  }
}

Outcome failed_poll(const Message& message) {
  if (std::optional<Outcome> failure = message_failure(message)) return *failure;
  const std::string codes = codes_text(message.findings);
  Json detail = Json::object();
  detail["status"] = 200;
  detail["errors"] = to_json(message.findings);
  return Outcome::fail(
      Kind::permanent, "nphies.poll_failed",
      "the gateway refused the poll" + (codes.empty() ? std::string() : " (" + codes + ")"),
      write_json(detail));
}

}  // namespace

class NphiesPlugin final : public sdk::TaskPlugin {
 public:
  NphiesPlugin(Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)) {}

 protected:
  Task<Outcome> run(Call call) override {
    try {
      if (call.idempotency_key.empty()) {
        throw sdk::Refusal("nphies.no_idempotency_key", "the call has no idempotency key");
      }
      const Json input = without_empty(parse_json(call.input));
      if (call.action == "check-eligibility") co_return co_await check_eligibility(call, input);
      if (call.action == "submit-claim") co_return co_await submit_claim(call, input);
      if (call.action == "poll-claim") co_return co_await poll_claim(call, input);
      if (call.action == "cancel-claim") co_return co_await cancel_claim(call, input);
      if (call.action == "status-check") co_return co_await status_check(call, input);
      throw sdk::Refusal("nphies.unknown_action", "nphies has no such action");
    } catch (const JsonError& failure) {
      co_return Outcome::fail(Kind::permanent, "nphies.invalid_input",
                              std::string("the input is ") + failure.what());
    }
  }

 private:
  struct Exchange {
    std::optional<Outcome> failure;
    std::string request;
    std::string answer;
  };

  [[nodiscard]] Stamp stamp() const {
    return {[this] { return host().uuid(); }, host().now_unix_ms() / 1000};
  }

  [[nodiscard]] HttpRequest post(const std::string& bytes) const {
    HttpRequest out;
    out.method = "POST";
    out.url = settings_.url;
    out.headers.push_back({"Content-Type", "application/fhir+json"});
    out.headers.push_back({"Accept", "application/fhir+json"});
    if (settings_.bearer) out.headers.push_back({"Authorization", "", "nphies_token", "Bearer "});
    out.body = bytes;
    out.timeout_ms = kHttpTimeoutMs;
    return out;
  }

  // Stores, sends, stores. build is called only when no bytes are stored under the call's key.
  Task<Exchange> exchange(const Call& call, const std::function<Draft()>& build) {
    Exchange out;
    const std::string request_key = store_key("tx/", call.idempotency_key);
    const std::string answer_key = store_key("answer/", call.idempotency_key);
    KvValue stored = co_await kv_get(request_key);
    if (!stored.found() && stored.status != RABT_KV_ABSENT) {
      out.failure =
          store_failure(Kind::transient, "the request could not be looked up; nothing was sent");
      co_return out;
    }
    if (!stored.found()) {
      const Draft draft = build();
      std::int32_t status = RABT_KV_OK;
      if (!draft.facts.empty()) {
        status = co_await kv_put(store_key("claim/", claim_name(draft.subject)),
                                 write_json(draft.facts), kFactsKeptMs);
        if (status == RABT_KV_OK) {
          status = co_await kv_put(store_key("header/", draft.header_id),
                                   write_json(to_json(draft.subject)), kFactsKeptMs);
        }
      }
      if (status == RABT_KV_OK)
        status = co_await kv_put(request_key, draft.bytes, kRequestKeptMs, 0);
      if (status == RABT_KV_OK) {
        out.request = draft.bytes;
      } else if (status == RABT_KV_CONFLICT) {
        // An earlier attempt that is still running was faster: its bytes are the request.
        stored = co_await kv_get(request_key);
        out.request = stored.value;
      }
      if (out.request.empty()) {
        out.failure =
            store_failure(Kind::transient, "the request could not be stored; nothing was sent");
        co_return out;
      }
    } else {
      out.request = stored.value;
      stored = co_await kv_get(answer_key);
      if (stored.found()) {
        out.answer = stored.value;
        co_return out;
      }
    }
    HttpRequest request = post(out.request);
    const HttpResult result = co_await http(call, std::move(request));
    log_exchange(call, result);
    out.failure = http_failure(result);
    if (out.failure) co_return out;
    const std::int32_t kept = co_await kv_put(answer_key, result.body, kRequestKeptMs);
    if (kept != RABT_KV_OK) {
      out.failure = store_failure(Kind::ambiguous,
                                  "the answer could not be stored; the next attempt asks again");
      co_return out;
    }
    out.answer = result.body;
    co_return out;
  }

  // An answer that asks for another attempt must not be found by it.
  Task<Outcome> settle(const Call& call, Outcome outcome) {
    if (outcome.kind != Kind::done)
      (void)co_await kv_remove(store_key("answer/", call.idempotency_key));
    co_return outcome;
  }

  Task<Outcome> check_eligibility(const Call& call, const Json& input) {
    const std::function<Draft()> build = [&] {
      return build_eligibility(settings_, stamp(), input);
    };
    const Exchange done = co_await exchange(call, build);
    if (done.failure) co_return *done.failure;
    Outcome outcome = read_answer(done.request, done.answer, "CoverageEligibilityResponse",
                                  [&](const Request& request, const Message& message) {
                                    if (text_at(*message.focus, "outcome") == "queued") {
                                      // Eligibility replies never come by poll: the request is
                                      // repeated.
                                      return Outcome::fail(Kind::transient, "nphies.queued",
                                                           "the payer has not answered yet");
                                    }
                                    Json out = eligibility_output(message);
                                    out["transactionId"] = request.bundle_id;
                                    add_choices(out, request, input, false);
                                    return Outcome::done(write_json(out));
                                  });
    co_return co_await settle(call, std::move(outcome));
  }

  Task<Outcome> submit_claim(const Call& call, const Json& input) {
    const std::function<Draft()> build = [&] { return build_claim(settings_, stamp(), input); };
    const Exchange done = co_await exchange(call, build);
    if (done.failure) co_return *done.failure;
    const Identifier claim = read_request(done.request).subject;
    const KvValue stored = co_await kv_get(store_key("claim/", claim_name(claim)));
    const Json facts = facts_of(stored);
    bool is_final = false;
    Outcome outcome = read_answer(done.request, done.answer, "ClaimResponse",
                                  [&](const Request& request, const Message& message) {
                                    Json out = claim_output(request.subject, facts, &message);
                                    add_choices(out, request, input, true);
                                    is_final = find(out, "final")->get<bool>();
                                    return Outcome::done(write_json(out));
                                  });
    if (outcome.kind == Kind::done && is_final) {
      // So that a later poll-claim finds it without asking. Failing to keep it costs one poll.
      const Json root = parse_json(done.answer);
      (void)co_await file(claim, root);
    }
    co_return co_await settle(call, std::move(outcome));
  }

  Task<Outcome> cancel_claim(const Call& call, const Json& input) {
    const Identifier claim = claim_of(input);
    const std::string reason = text_at(input, "reason");
    if (reason != "WI" && reason != "NP" && reason != "TAS")
      throw Refusal("reason", "must be WI, NP or TAS");
    const KvValue stored = co_await kv_get(store_key("claim/", claim_name(claim)));
    const Party payer = payer_for(facts_of(stored), input);
    const std::function<Draft()> build = [&] {
      return build_task(settings_, stamp(), "cancel", claim, payer, reason);
    };
    const Exchange done = co_await exchange(call, build);
    if (done.failure) co_return *done.failure;
    Outcome outcome = read_answer(done.request, done.answer, "Task",
                                  [](const Request& /*request*/, const Message& message) {
                                    const TaskState state = task_state(message);
                                    Json out = Json::object();
                                    out["cancelled"] = state.status == "completed";
                                    std::string why = state.reason;
                                    if (why.empty() && !message.findings.empty())
                                      why = message.findings.front().code;
                                    if (why.empty() && state.status != "completed")
                                      why = state.status;
                                    if (!why.empty()) out["reason"] = why;
                                    out["errors"] = to_json(message.findings);
                                    return Outcome::done(write_json(out));
                                  });
    co_return co_await settle(call, std::move(outcome));
  }

  Task<Outcome> status_check(const Call& call, const Json& input) {
    const Identifier claim = claim_of(input);
    const KvValue stored = co_await kv_get(store_key("claim/", claim_name(claim)));
    const Party payer = payer_for(facts_of(stored), input);
    const std::function<Draft()> build = [&] {
      return build_task(settings_, stamp(), "status", claim, payer, "");
    };
    const Exchange done = co_await exchange(call, build);
    if (done.failure) co_return *done.failure;
    Outcome outcome = read_answer(done.request, done.answer, "Task",
                                  [](const Request& /*request*/, const Message& message) {
                                    const TaskState state = task_state(message);
                                    Json out = Json::object();
                                    out["status"] = !state.output.empty()  ? state.output
                                                    : state.status.empty() ? "unknown"
                                                                           : state.status;
                                    if (!state.reason.empty()) out["reason"] = state.reason;
                                    out["errors"] = to_json(message.findings);
                                    return Outcome::done(write_json(out));
                                  });
    co_return co_await settle(call, std::move(outcome));
  }

  Task<Outcome> poll_claim(const Call& call, const Json& input) {
    const Identifier claim = claim_of(input);
    const std::string queue = settings_.poll_whole_queue ? std::string("all") : claim_name(claim);
    Known stored = co_await stored_reply(claim);
    bool open = co_await interrupted(queue);
    if (stored.failure || (stored.is_final && !open)) co_return stored.outcome;
    const PollLock::Held held = co_await lock_.acquire(queue);
    if (!held) {
      co_return Outcome::fail(Kind::transient, "nphies.poll_busy",
                              "too many calls wait for a poll of the same queue", {}, kLockRetryMs);
    }
    for (int round = 0; round < kMaxPollRounds; ++round) {
      // Another call may have fetched it while this one waited.
      stored = co_await stored_reply(claim);
      open = co_await interrupted(queue);
      if (stored.failure || (stored.is_final && !open)) co_return stored.outcome;
      if (host().now_unix_ms() >= call.deadline_unix_ms && call.deadline_unix_ms > 0) break;
      const Polled polled = co_await poll_once(call, claim, queue);
      // Finishing an earlier poll is for the other messages in it; this claim's answer does not
      // depend on it.
      if (polled.failure && stored.is_final) break;
      if (polled.failure) co_return *polled.failure;
      if (polled.more) continue;
      stored = co_await stored_reply(claim);
      break;
    }
    co_return stored.outcome;
  }

  // True if a poll of queue is under way or its answer is not filed completely, here or before a
  // restart.
  Task<bool> interrupted(const std::string& queue) {
    const KvValue raw = co_await kv_get(store_key("pollraw/", queue));
    if (raw.found()) co_return true;
    const KvValue under_way = co_await kv_get(store_key("poll/", queue));
    co_return under_way.found();
  }

  struct Known {
    bool failure = false;
    bool is_final = false;
    Outcome outcome;
  };
  // Returns the known state of the claim without a request: done with its last reply, or "queued".
  Task<Known> stored_reply(const Identifier& claim) {
    Known out;
    const KvValue facts_value = co_await kv_get(store_key("claim/", claim_name(claim)));
    const Json facts = facts_of(facts_value);
    const KvValue stored = co_await kv_get(store_key("reply/", claim_name(claim)));
    if (!stored.found() && stored.status != RABT_KV_ABSENT) {
      out.failure = true;
      out.outcome = store_failure(Kind::transient, "the claim's replies could not be read");
      co_return out;
    }
    Json record = new_record(claim);
    if (stored.found()) record = parse_json(stored.value);
    const Json* bundle = find(record, "response");
    Message message;
    if (bundle != nullptr) message = read_message(*bundle);
    Json output = claim_output(claim, facts, bundle == nullptr ? nullptr : &message);
    output["messages"] = array_at(record, "messages");
    out.is_final = find(output, "final")->get<bool>();
    out.outcome = Outcome::done(write_json(output));
    co_return out;
  }

  struct Polled {
    std::optional<Outcome> failure;
    bool more = false;
  };
  // One poll, or the rest of one that was interrupted. The lock of queue is held.
  Task<Polled> poll_once(const Call& call, const Identifier& claim, const std::string& queue) {
    Polled out;
    const std::string poll_key = store_key("poll/", queue);
    const std::string raw_key = store_key("pollraw/", queue);
    const KvValue raw = co_await kv_get(raw_key);
    if (!raw.found() && raw.status != RABT_KV_ABSENT) {
      out.failure = store_failure(Kind::transient, "the poll's answer could not be looked up");
      co_return out;
    }
    std::string answer = raw.value;
    if (!raw.found()) {
      const KvValue under_way = co_await kv_get(poll_key);
      std::string bytes = under_way.value;
      if (!under_way.found()) {
        if (under_way.status == RABT_KV_ABSENT) {
          const Identifier focus = settings_.poll_whole_queue ? Identifier{} : claim;
          bytes = build_poll(settings_, stamp(), focus).bytes;
        }
        std::int32_t status = RABT_KV_FAILED;
        if (!bytes.empty()) status = co_await kv_put(poll_key, bytes);
        if (status != RABT_KV_OK) {
          out.failure =
              store_failure(Kind::transient, "the poll could not be stored; nothing was sent");
          co_return out;
        }
      }
      HttpRequest request = post(bytes);
      HttpResult result = co_await http(call, std::move(request));
      log_exchange(call, result);
      if (result.sent == Sent::maybe) {
        // Delivery empties the queue. The same bundle again gets the stored answer.
        HttpRequest again = post(bytes);
        result = co_await http(call, std::move(again));
        log_exchange(call, result);
        // The first send may have arrived, whatever became of the second.
        if (result.sent == Sent::no) result.sent = Sent::maybe;
      }
      out.failure = http_failure(result);
      if (out.failure) {
        // A poll that can never succeed must not stay the one that is under way.
        if (out.failure->kind == Kind::permanent) (void)co_await kv_remove(poll_key);
        co_return out;
      }
      const std::int32_t status = co_await kv_put(raw_key, result.body);
      if (status != RABT_KV_OK) {
        out.failure = store_failure(
            Kind::ambiguous, "the poll's answer could not be stored; the same poll is repeated");
        co_return out;
      }
      answer = result.body;
    }
    out = co_await file_all(answer, queue);
    if (out.failure && out.failure->code == "nphies.store")
      co_return out;  // all is kept, the next call goes on here
    if (!out.failure || out.failure->code != "nphies.unreadable_answer")
      (void)co_await kv_remove(poll_key);
    (void)co_await kv_remove(raw_key);
    co_return out;
  }

  // Files every reply of a raw poll answer. After failure nphies.store some may be filed; doing it
  // again is harmless.
  Task<Polled> file_all(const std::string& answer, const std::string& queue) {
    Polled out;
    Json root;
    std::string problem;
    try {
      root = parse_json(answer);
    } catch (const JsonError& failure) {
      problem = std::string("the poll's answer is ") + failure.what();
    }
    const Message message = read_message(root);
    if (problem.empty() &&
        (message.focus == nullptr ||
         (message.nested.empty() && message.event != "poll-response" && !message.fatal))) {
      problem = "the poll's answer is no poll-response";
    }
    if (!problem.empty()) {
      (void)co_await kv_put(store_key("unread/", queue), answer);
      host().log(RABT_LOG_ERROR, "nphies.poll_unreadable");
      out.failure = unreadable(problem);
      co_return out;
    }
    if (message.nested.empty() && (message.fatal || task_state(message).status == "failed")) {
      out.failure = failed_poll(message);
      co_return out;
    }
    out.more = message.more_queued && !message.nested.empty();
    for (const Json* nested : message.nested) {
      const std::int32_t status = co_await file_nested(*nested);
      if (status == RABT_KV_OK) continue;
      out.failure =
          store_failure(Kind::transient, "a reply could not be stored; the poll's answer is kept");
      co_return out;
    }
    co_return out;
  }

  // One message of a poll answer, to each claim it is about. RABT_KV_OK when all is durable.
  Task<std::int32_t> file_nested(const Json& bundle) {
    const Message message = read_message(bundle);
    std::vector<Identifier> claims = claims_of(message);
    if (claims.empty() && !message.response_to.empty()) {
      const KvValue sent = co_await kv_get(store_key("header/", message.response_to));
      if (sent.found()) {
        const Json identifier = parse_json(sent.value);
        claims.push_back(identifier_at(identifier, ""));
      }
    }
    const bool is_response =
        message.focus != nullptr && text_at(*message.focus, "resourceType") == "ClaimResponse";
    std::int32_t status = RABT_KV_OK;
    if (!is_response || claims.empty()) {
      status = co_await kv_put(store_key("inbox/", message_id(bundle, message)), write_json(bundle),
                               kReplyKeptMs);
      if (claims.empty()) host().log(RABT_LOG_WARN, "nphies.reply_without_claim");
    }
    for (const Identifier& claim : claims) {
      if (status == RABT_KV_OK) status = co_await file(claim, bundle);
    }
    co_return status;
  }

  Task<std::int32_t> file(const Identifier& claim, const Json& bundle) {
    const std::string key = store_key("reply/", claim_name(claim));
    const Message message = read_message(bundle);
    for (int attempt = 0; attempt < kMaxConflicts; ++attempt) {
      const KvValue stored = co_await kv_get(key);
      if (!stored.found() && stored.status != RABT_KV_ABSENT) co_return stored.status;
      Json record = new_record(claim);
      if (stored.found()) record = parse_json(stored.value);
      if (!file_reply(record, bundle, message)) co_return RABT_KV_OK;
      const std::int32_t status = co_await kv_put(key, write_json(record), kReplyKeptMs,
                                                  stored.found() ? stored.version : 0);
      if (status != RABT_KV_CONFLICT) co_return status;
    }
    co_return RABT_KV_CONFLICT;
  }

  [[nodiscard]] Party payer_for(const Json& facts, const Json& input) const {
    Party out{text_at(input, "payer/licence"), text_at(input, "payer/name")};
    if (out.licence.empty()) out = {text_at(facts, "payer/licence"), text_at(facts, "payer/name")};
    if (out.licence.empty()) {
      if (settings_.payer_is_default) return settings_.payer;
      throw Refusal("payer/licence",
                    "missing; this claim is not known here, so the call must name the payer that "
                    "has it");
    }
    if (out.name.empty()) out.name = out.licence;
    return out;
  }

  void log_exchange(const Call& call, const HttpResult& result) const {
    Json fields = Json::object();
    fields["action"] = call.action;
    fields["attempt"] = call.attempt;
    fields["http_status"] = result.status;
    fields["answer_bytes"] = result.body.size();
    host().log(RABT_LOG_INFO, "nphies.exchange", write_json(fields));
  }

  const Settings settings_;
  PollLock lock_;
};

}  // namespace rabt::nphies

using NphiesPlugin = rabt::nphies::NphiesPlugin;
RABT_PLUGIN(NphiesPlugin, "nphies", "1.0.0");
