#include "rabt/services.h"
#include "tools/check/cases.hpp"
#include "tools/check/effects.hpp"
#include "tools/check/groups.hpp"

namespace rabt::check {

namespace {

// Exchanges of one call in whose place a fault is put.
constexpr std::size_t kMaxExchanges = 8;
constexpr std::int64_t kRetryAfterMs = 7000;

// A fault in the place of exchange k of a call, and how the call then ended.
struct Faulted {
  const Case* test = nullptr;
  Request request;             // the one that got the fault
  bool effect_before = false;  // one of the earlier ones had an effect and was answered
  bool effect_after = false;   // the plugin went on and made another request with effect
  std::string repeated;  // it sent the request again at once, and nothing says that it is safe
  OutcomeCopy outcome;
  std::string place;  // for messages
};

// Returns the fault when the request right after number k is that request again: the outside system
// may have done it, and can recognise the repeat only by a field that this call alone has. Empty if
// there is no fault. `usual` are the call's requests without faults, `other` those with the same
// fault under another key.
std::string sent_again(const std::vector<Request>& usual, const std::vector<Request>& requests,
                       std::size_t k, const std::vector<Request>& other) {
  if (requests.size() <= k + 1) return {};
  const Request& lost = requests[k];
  const Request& next = requests[k + 1];
  if (!lost.has_effect() || lost.method != next.method || lost.url != next.url) return {};
  // A call may send several requests to one address: then this may be the one that follows anyhow.
  const bool follows_anyhow =
      usual.size() > k + 1 && usual[k + 1].method == next.method && usual[k + 1].url == next.url;
  if (follows_anyhow && lost.body != next.body) return {};
  if (is_idempotent(lost, next)) return {};
  if (other.size() > k && follows_key(lost, next, other[k])) return {};
  return "was sent again, and nothing in it tells this step from another: if the first one "
         "arrived, the effect happens twice; answer ambiguous, or look first";
}

// Calls each case once as expected to see its exchanges, then once for each with the fault in its
// place. judge says what is wrong.
Verdict with_each_fault(const Subject& subject, const Answer& fault,
                        const std::function<std::string(const Faulted&)>& judge) {
  int faults = 0;
  std::vector<Case> cases = cases_of(subject, kGenerated);
  for (const Case& test : cases) {
    auto usual = Session::start(subject, {.world = test.world()});
    if (!usual.ok()) return failed(usual.error().message);
    const std::vector<Request> exchanges = (*usual)->call(test.wish).requests;
    for (std::size_t k = 0; k < std::min(exchanges.size(), kMaxExchanges); ++k) {
      auto session = Session::start(subject, {.world = with_fault(test.world(), k, fault)});
      if (!session.ok()) return failed(session.error().message);
      const CallRecord& record = (*session)->call(test.wish);
      if (!record.accepted() || record.outcomes.empty() || record.requests.size() <= k) continue;
      Faulted faulted;
      faulted.test = &test;
      faulted.request = record.requests[k];
      for (std::size_t i = 0; i < record.requests.size(); ++i) {
        if (i < k && record.requests[i].has_effect()) faulted.effect_before = true;
        if (i > k && record.requests[i].has_effect()) faulted.effect_after = true;
      }
      if (faulted.effect_after && fault.until_timeout) {
        CallWish different = test.wish;
        different.key = "another-step";
        auto elsewhere =
            Session::start(subject, {.world = with_fault(test.world(), k, fault), .chance = 3});
        if (!elsewhere.ok()) return failed(elsewhere.error().message);
        faulted.repeated =
            sent_again(exchanges, record.requests, k, (*elsewhere)->call(different).requests);
      }
      faulted.outcome = record.outcomes.front();
      faulted.place =
          test.label() + ", " + faulted.request.method + " request " + std::to_string(k + 1);
      ++faults;
      const std::string wrong = judge(faulted);
      if (!wrong.empty()) return failed(wrong);
    }
  }
  if (faults == 0) return skipped("no call made a request; give examples (check/*.call.json)");
  return passed(std::to_string(faults) + " faults");
}

std::string ended(const Faulted& f) {
  return "the call ended as " + std::string(kind_name(f.outcome.kind)) +
         (f.outcome.code.empty() ? "" : " (" + f.outcome.code + ")");
}

Verdict client_error(const Subject& subject) {
  Verdict last;
  for (const int status : {400, 403, 422}) {
    last = with_each_fault(
        subject,
        status_answer(status, R"({"error":"invalid_request","message":"the request is wrong"})"),
        [&](const Faulted& f) -> std::string {
          // An earlier effect cannot be undone; then the plugin may say so.
          if (f.effect_before || f.effect_after) return {};
          if (f.outcome.kind == RABT_PERMANENT) return {};
          return f.place + " was answered with " + std::to_string(status) + " and " + ended(f) +
                 ": nothing happened outside and a retry cannot help, answer permanent";
        });
    if (last.status != TestStatus::passed) return last;
  }
  return last;
}

Verdict too_many(const Subject& subject) {
  Answer answer = status_answer(429, R"({"message":"slow down"})");
  answer.headers.emplace_back("retry-after", std::to_string(kRetryAfterMs / 1000));
  return with_each_fault(subject, answer, [](const Faulted& f) -> std::string {
    if (f.effect_before || f.effect_after) return {};
    if (f.outcome.kind != RABT_TRANSIENT)
      return f.place + " was answered with 429 and " + ended(f) +
             ": answer transient with the time of Retry-After";
    if (f.outcome.retry_after_ms < kRetryAfterMs)
      return f.place + " was answered with 429 and Retry-After: 7, and retry_after_ms is " +
             std::to_string(f.outcome.retry_after_ms) +
             "; rabt::sdk::retry_after_ms(answer) reads it";
    return {};
  });
}

bool repeat_is_safe(const Faulted& f) {
  const std::string& idempotency = f.test->action->spec.idempotency;
  return idempotency == "native" || idempotency == "key";
}

Verdict timeout_after_send(const Subject& subject) {
  return with_each_fault(subject, lost_answer(), [](const Faulted& f) -> std::string {
    if (!f.repeated.empty()) return f.place + " got no answer and " + f.repeated;
    if (f.effect_after) return {};
    const std::uint32_t kind = f.outcome.kind;
    if (!f.request.has_effect()) {
      if (f.effect_before || kind == RABT_TRANSIENT || kind == RABT_AMBIGUOUS || kind == RABT_DONE)
        return {};
      return f.place + " got no answer and " + ended(f) +
             ": a GET can be repeated, answer transient";
    }
    if (kind == RABT_AMBIGUOUS) return {};
    if (kind == RABT_TRANSIENT && repeat_is_safe(f)) return {};
    return f.place + " got no answer and " + ended(f) +
           ": it may have taken effect, answer ambiguous" +
           (kind == RABT_TRANSIENT ? ", or make repeating safe and say so (idempotency: key)" : "");
  });
}

Verdict connect_refused(const Subject& subject) {
  return with_each_fault(subject, refused_connection(), [](const Faulted& f) -> std::string {
    if (f.effect_before || f.effect_after) return {};
    if (f.outcome.kind == RABT_TRANSIENT) return {};
    return f.place + " could not be sent (sent: no, connect) and " + ended(f) +
           ": nothing happened outside and a retry can help, answer transient";
  });
}

// After a lost answer: what a repeat of the call does, or what the probe says.
Verdict same_effect(const Subject& subject) {
  int repeats = 0;
  std::string ignored;  // the first case in which the key changes nothing
  for (const Case& test : cases_of(subject, kGenerated)) {
    const std::string& idempotency = test.action->spec.idempotency;
    if (idempotency == "none") continue;
    auto usual = Session::start(subject, {.world = test.world()});
    if (!usual.ok()) return failed(usual.error().message);
    const std::vector<Request> exchanges = (*usual)->call(test.wish).requests;
    for (std::size_t k = 0; k < std::min(exchanges.size(), kMaxExchanges); ++k) {
      if (!exchanges[k].has_effect()) continue;
      const auto kv = std::make_shared<Stored>();
      auto before =
          Session::start(subject, {.world = with_fault(test.world(), k, lost_answer()), .kv = kv});
      if (!before.ok()) return failed(before.error().message);
      const CallRecord& first = (*before)->call(test.wish);
      if (first.requests.size() <= k || first.outcomes.empty() ||
          first.outcomes.front().kind == RABT_DONE)
        continue;
      const Request lost = first.requests[k];
      (*before)->destroy();
      ++repeats;
      const std::string place = test.label() + ", " + lost.method + " request " +
                                std::to_string(k + 1) + " got no answer";
      auto after = Session::start(subject, {.world = test.world(), .chance = 2, .kv = kv});
      if (!after.ok()) return failed(after.error().message);
      CallWish again = test.wish;
      again.attempt = 2;
      if (idempotency == "probe") {
        const auto* probe = static_cast<const rabt_probe*>((*after)->extension(RABT_PROBE));
        if (!RABT_CAN(rabt_probe, probe, probe))
          return failed(test.label() +
                        " says idempotency: probe, and the plugin has no rabt.probe/1");
        continue;
      }
      const CallRecord& second = (*after)->call(again);
      CallWish different = test.wish;
      different.key = "another-step";
      auto elsewhere = Session::start(subject, {.world = test.world(), .chance = 3});
      if (!elsewhere.ok()) return failed(elsewhere.error().message);
      const std::vector<Request> under_other = (*elsewhere)->call(different).requests;
      const std::vector<Request> others = effects_of(under_other);
      bool looked = false;
      for (const Request& request : second.requests) {
        if (!request.has_effect()) {
          looked = true;
          continue;
        }
        if (looked) break;  // it asked the outside system first
        const std::string differs =
            not_recognisable(lost, request, others.empty() ? lost : others.front());
        if (!differs.empty())
          return failed(place + ", and the second attempt sends another " + differs +
                        " under the same idempotency key: the effect would happen twice");
        if (ignored.empty() && idempotency == "key" && ignores_key(exchanges, under_other))
          ignored = test.label();
        break;
      }
    }
  }
  if (repeats == 0)
    return skipped(
        "no request with effect was made by an action that can be repeated; give "
        "examples (check/*.call.json)");
  if (!ignored.empty()) return warning(key_ignored(ignored));
  return passed(std::to_string(repeats) + " repeats");
}

}  // namespace

Verdict behaviour_test(TestId id, const Subject& subject) {
  switch (id) {
    case TestId::same_key_same_effect:
      return same_effect(subject);
    case TestId::client_error_is_permanent:
      return client_error(subject);
    case TestId::too_many_has_retry_after:
      return too_many(subject);
    case TestId::timeout_after_send_is_ambiguous:
      return timeout_after_send(subject);
    default:
      return connect_refused(subject);
  }
}

}  // namespace rabt::check
