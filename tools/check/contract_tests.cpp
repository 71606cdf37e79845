#include <algorithm>
#include <chrono>
#include <map>

#include "hub/worker/migrate.hpp"
#include "rabt/abi.h"
#include "rabt/extension/migrate.h"
#include "tools/check/cases.hpp"
#include "tools/check/effects.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/schema_generate.hpp"
#include "tools/check/stopwatch.hpp"

namespace rabt::check {

namespace {

constexpr std::int64_t kGraceMs = 500;  // the hub's, after a call's deadline
constexpr std::int64_t kSoonMs = 2000;  // after cancel()
constexpr std::int64_t kLongAfterMs = 3'600'000;
constexpr std::int64_t kLaneMicros = 50'000;
constexpr int kLaneTries = 3;  // the machine may be busy: each must be too slow
constexpr int kThreadsMillis = 100;
constexpr int kConfigs = 40;  // of each schema

struct NamedWorld {
  const char* name;
  std::function<World(const Case&)> make;
};
// Possible behaviours of an outside system, for any request.
std::vector<NamedWorld> worlds() {
  const auto always = [](const Answer& answer) {
    return [answer](const Case&) -> World { return [answer](const Request&) { return answer; }; };
  };
  return {{"as expected", [](const Case& test) { return test.world(); }},
          {"status 200 and {}", always({})},
          {"status 400", always(status_answer(400))},
          {"status 503", always(status_answer(503))},
          {"an empty answer", always(status_answer(200, ""))},
          {"an answer that is no JSON", always(status_answer(200, "<html>"))},
          {"connections refused", always(refused_connection())},
          {"answers lost", always(lost_answer())}};
}

// Runs each case in each world in an instance of its own; check says what is wrong with it.
using Check = std::function<std::string(const Case&, Session&, rabt_call_id)>;
Verdict in_all_worlds(const Subject& subject, const Check& check) {
  const std::vector<Case> cases = cases_of(subject, kGenerated);
  if (cases.empty()) return skipped("the manifest has no actions");
  for (const Case& test : cases) {
    for (const NamedWorld& world : worlds()) {
      Session::Options options;
      options.world = world.make(test);
      auto session = Session::start(subject, std::move(options));
      if (!session.ok()) return failed(session.error().message);
      const rabt_call_id id = (*session)->begin(test.wish);
      (*session)->run();
      const std::string fault = check(test, **session, id);
      if (!fault.empty())
        return failed(test.label() + ", outside system: " + world.name + ": " + fault);
    }
  }
  return passed(std::to_string(cases.size()) + " calls");
}

Verdict exactly_once(const Subject& subject) {
  return in_all_worlds(subject, [](const Case&, Session& session, rabt_call_id id) -> std::string {
    const CallRecord& record = session.record(id);
    if (!record.accepted()) return {};
    if (record.outcomes.empty()) return "A1: the call was accepted and never completed";
    if (record.outcomes.size() > 1)
      return "A1: complete() came " + std::to_string(record.outcomes.size()) + " times";
    return session.violations().empty() ? "" : session.violations().front();
  });
}

Verdict refuse_means_nothing(const Subject& subject) {
  int refused = 0;
  Verdict verdict =
      in_all_worlds(subject, [&](const Case&, Session& session, rabt_call_id id) -> std::string {
        if (session.record(id).accepted()) return {};
        ++refused;
        session.advance(kLongAfterMs);
        session.let_threads_run(20);
        session.settle();
        const CallRecord& record = session.record(id);
        if (!record.outcomes.empty()) return "A2: invoke refused the call and complete() followed";
        if (!record.requests.empty())
          return "A2: invoke refused the call and a request was started";
        return {};
      });
  if (verdict.status == TestStatus::passed) verdict.message = std::to_string(refused) + " refused";
  return verdict;
}

// Time, timers and threads run on after the end of the call; the pages are guarded.
std::string go_on(Session& session, rabt_call_id id) {
  session.settle();
  session.advance(kLongAfterMs);
  session.let_threads_run(kThreadsMillis / 5);
  session.settle();
  const CallRecord& record = session.record(id);
  if (record.outcomes.size() > 1)
    return "A4: complete() came again, after the call had ended as " +
           std::string(kind_name(record.outcomes.front().kind));
  return {};
}

Verdict no_late_complete(const Subject& subject) {
  return in_all_worlds(subject, [](const Case&, Session& session, rabt_call_id id) -> std::string {
    return go_on(session, id);
  });
}

Verdict no_late_use(const Subject& subject) {
  return in_all_worlds(subject, [](const Case&, Session& session, rabt_call_id id) -> std::string {
    static_cast<void>(go_on(session, id));  // a late access ends the process with its verdict
    return {};
  });
}

Verdict cancel_completes(const Subject& subject) {
  const std::vector<Case> cases = cases_of(subject, kGenerated);
  int cancelled = 0;
  std::string slow;
  for (const Case& test : cases) {
    // Cancelled at once, and while its first or second request waits for an answer.
    for (std::size_t held = 0; held < 3; ++held) {
      Session::Options options;
      options.world = with_fault(test.world(), held == 0 ? 0 : held - 1, lost_answer());
      auto session = Session::start(subject, std::move(options));
      if (!session.ok()) return failed(session.error().message);
      const rabt_call_id id = (*session)->begin(test.wish);
      if (held > 0) (*session)->settle();
      if (!(*session)->record(id).accepted() || !(*session)->record(id).outcomes.empty()) continue;
      ++cancelled;
      const std::int64_t when = (*session)->now_ms();
      (*session)->cancel(id);
      (*session)->run();
      const CallRecord& record = (*session)->record(id);
      if (record.outcomes.empty())
        return failed("A5: " + test.label() + " was cancelled and never completed");
      const std::string fault = contract_fault(test, record, (*session)->violations());
      if (!fault.empty()) return failed(test.label() + ", cancelled: " + fault);
      if (record.ended_ms > record.deadline_ms + kGraceMs)
        return failed("A5: " + test.label() + " was cancelled and ended after its deadline");
      if (record.ended_ms - when > kSoonMs && slow.empty())
        slow = test.label() + " was cancelled and took " + std::to_string(record.ended_ms - when) +
               " ms more, although its requests ended at once; cancel() could end waits and loops";
    }
  }
  if (cancelled == 0)
    return skipped(
        "no call was open long enough to be cancelled; give examples (check/*.call.json)");
  if (!slow.empty()) return warning(slow);
  return passed(std::to_string(cancelled) + " cancelled");
}

// The answer to a request with effect is lost, and the same instance gets the second attempt.
Verdict same_key_same_request(const Subject& subject) {
  int compared = 0;
  std::string ignored;  // the first case in which the key changes nothing
  for (const Case& test : cases_of(subject, kGenerated)) {
    if (test.action->spec.idempotency == "none") continue;
    auto usual = Session::start(subject, {.world = test.world()});
    if (!usual.ok()) return failed(usual.error().message);
    const std::vector<Request> exchanges = (*usual)->call(test.wish).requests;
    const auto effect = std::find_if(exchanges.begin(), exchanges.end(),
                                     [](const Request& r) { return r.has_effect(); });
    if (effect == exchanges.end()) continue;
    const auto k = static_cast<std::size_t>(effect - exchanges.begin());
    auto session =
        Session::start(subject, {.world = with_fault(test.world(), k, lost_answer()), .chance = 2});
    auto elsewhere = Session::start(subject, {.world = test.world(), .chance = 3});
    if (!session.ok() || !elsewhere.ok()) return failed("the plugin did not start a second time");
    CallWish wish = test.wish;
    wish.key = "step-7f1d2c";
    const std::vector<Request> first = effects_of((*session)->call(wish).requests);
    wish.attempt = 2;
    const std::vector<Request> all = (*session)->call(wish).requests;
    CallWish different = test.wish;
    different.key = "step-0b9a8e";
    const std::vector<Request> under_other = (*elsewhere)->call(different).requests;
    const std::vector<Request> other = effects_of(under_other);
    if (first.empty() || other.empty()) continue;
    ++compared;
    // It looks before it acts: at the outside system, or into its own store, and then asks nothing.
    if (all.empty() || !all.front().has_effect()) continue;
    const std::string differs = not_recognisable(first.front(), all.front(), other.front());
    if (!differs.empty())
      return failed("A6: " + test.label() + ": " + first.front().method + " request " +
                    std::to_string(k + 1) +
                    " got no answer, and the second attempt with the "
                    "same idempotency key sends another " +
                    differs + ", and nothing that follows the key");
    if (ignored.empty() && test.action->spec.idempotency == "key" &&
        ignores_key(exchanges, under_other))
      ignored = test.label();
  }
  if (compared == 0)
    return skipped("no request with effect was made; give examples (check/*.call.json)");
  if (!ignored.empty()) return warning("A6: " + key_ignored(ignored));
  return passed(std::to_string(compared) + " requests compared");
}

Verdict quiet_after_destroy(const Subject& subject) {
  std::vector<Case> cases = cases_of(subject, 1);
  for (const Case& test : cases) {
    Session::Options options;
    options.world = test.world();
    auto session = Session::start(subject, std::move(options));
    if (!session.ok()) return failed(session.error().message);
    (*session)->call(test.wish);
    // Events that the plugin still expects, above all timers, never come.
    Stopwatch watch;
    (*session)->destroy();
    if (watch.elapsed() > std::chrono::seconds(1))
      return failed("A7: destroy after " + test.label() + " took longer than a second");
    (*session)->let_threads_run(kThreadsMillis);
    if ((*session)->uses_after_destroy() > 0)
      return failed("A7: the plugin used its host after destroy had returned; end threads before");
  }
  return passed();
}

Verdict kinds_legal(const Subject& subject) {
  return in_all_worlds(subject,
                       [](const Case& test, Session& session, rabt_call_id id) -> std::string {
                         const CallRecord& record = session.record(id);
                         std::string fault = contract_fault(test, record, session.violations());
                         if (!fault.empty() && fault.find("action's schema") == std::string::npos)
                           return fault;
                         if (!record.accepted() || record.outcomes.empty()) return {};
                         const std::uint32_t kind = record.outcomes.front().kind;
                         if (kind == RABT_CANCELLED)
                           return "A8: the outcome is cancelled, and nobody cancelled the call";
                         return {};
                       });
}

// Answer of a plugin to a call without requests: one text as the plugin gave it, and one without
// the action's name and version.
struct Answer {
  std::string said;
  std::string plain;
};

Answer answer_of(const CallRecord& record, const CallWish& wish) {
  if (!record.accepted()) return {"refused by invoke", "refused by invoke"};
  if (record.outcomes.size() != 1 || !record.requests.empty()) return {};
  const OutcomeCopy& outcome = record.outcomes.front();
  const std::string kind = std::string(kind_name(outcome.kind)) + " " + outcome.code + ": ";
  std::string rest = outcome.message;
  for (const std::string& word : {wish.action, wish.version}) {
    for (std::size_t at = 0; !word.empty() && (at = rest.find(word, at)) != std::string::npos;)
      rest.erase(at, word.size());
  }
  return {kind + outcome.message, kind + rest};
}

// An action of the manifest that the plugin answers as one that it does not have, whatever comes.
std::string action_without_code(const Subject& subject, const Answer& unknown) {
  std::map<std::string, bool> written;  // by label: whether any call was answered otherwise
  for (const Case& test : cases_of(subject, kGenerated)) {
    Session::Options options;
    options.world = test.world();
    auto session = Session::start(subject, std::move(options));
    if (!session.ok()) return {};
    bool& any = written[test.action->spec.name + " " + test.action->spec.version];
    const Answer answer = answer_of((*session)->call(test.wish), test.wish);
    any = any || (answer.said != unknown.said && answer.plain != unknown.plain);
  }
  for (const auto& [action, any] : written) {
    if (!any)
      return action +
             " is answered like an action that the plugin does not have; write it, or take it out "
             "of the manifest";
  }
  return {};
}

Verdict unknown_action(const Subject& subject) {
  auto session = Session::start(subject, {});
  if (!session.ok()) return failed(session.error().message);
  CallWish wish;
  wish.action = "rabt-check-no-such-action";
  wish.version = "1.0.0";
  wish.input = "{}";
  const CallRecord& record = (*session)->call(wish);
  if (record.accepted() && record.outcomes.size() != 1)
    return failed("complete() came " + std::to_string(record.outcomes.size()) + " times");
  if (record.accepted() && record.outcomes.front().kind != RABT_PERMANENT)
    return failed("it ended as " + std::string(kind_name(record.outcomes.front().kind)) +
                  ": a retry cannot help, answer permanent");
  if (!record.requests.empty()) return failed("it made a request");
  const std::string missing = action_without_code(subject, answer_of(record, wish));
  if (!missing.empty()) return failed(missing);
  return record.accepted() ? passed() : passed("refused by invoke");
}

Verdict deadline(const Subject& subject) {
  const std::vector<Case> cases = cases_of(subject, kGenerated);
  if (cases.empty()) return skipped("the manifest has no actions");
  for (const Case& test : cases) {
    for (std::size_t k = 0; k < 3; ++k) {
      for (const std::int64_t time : {std::int64_t{5000}, test.wish.time_ms}) {
        Session::Options options;
        options.world = with_fault(test.world(), k, lost_answer());
        auto session = Session::start(subject, std::move(options));
        if (!session.ok()) return failed(session.error().message);
        CallWish wish = test.wish;
        wish.time_ms = time;
        const CallRecord& record = (*session)->call(wish);
        if (!record.accepted()) continue;
        if (record.outcomes.empty())
          return failed(test.label() + ": never ended after request " + std::to_string(k + 1) +
                        " got no answer");
        if (record.ended_ms > record.deadline_ms + kGraceMs)
          return failed(test.label() + ": ended " +
                        std::to_string(record.ended_ms - record.deadline_ms) +
                        " ms after its deadline; give up before it (call.deadline_unix_ms)");
      }
    }
  }
  return passed();
}

Verdict output_matches(const Subject& subject) {
  int done = 0;
  Verdict verdict = in_all_worlds(
      subject, [&](const Case& test, Session& session, rabt_call_id id) -> std::string {
        const CallRecord& record = session.record(id);
        if (!record.accepted() || record.outcomes.empty() ||
            record.outcomes.front().kind != RABT_DONE)
          return {};
        ++done;
        return contract_fault(test, record, {});
      });
  if (verdict.status != TestStatus::passed) return verdict;
  return done == 0 ? skipped("no call succeeded; give examples (check/*.call.json)")
                   : passed(std::to_string(done) + " outputs");
}

Verdict lane_discipline(const Subject& subject) {
  if (subject.manifest().blocking) return skipped("the manifest says blocking: true");
  for (const Case& test : cases_of(subject, kGenerated)) {
    std::pair<std::string, std::int64_t> best{"", INT64_MAX};
    for (int i = 0; i < kLaneTries && best.second > kLaneMicros; ++i) {
      Session::Options options;
      options.world = test.world();
      auto session = Session::start(subject, std::move(options));
      if (!session.ok()) return failed(session.error().message);
      (*session)->call(test.wish);
      const auto slowest = (*session)->slowest_micros();
      if (slowest.second < best.second) best = slowest;
    }
    if (best.second > kLaneMicros)
      return failed(test.label() + ": " + best.first + " held the lane for " +
                    std::to_string(best.second / 1000) +
                    " ms; do long work elsewhere, or say blocking: true in the manifest");
  }
  return passed();
}

// One question, put twice: an upgrade that was interrupted puts it again.
std::string migrate_fault(const rabt_entry* entry, const Subject& subject, const std::string& from,
                          const std::string& config) {
  const worker::Migration first = worker::run_migrate(entry, from, config);
  const worker::Migration again = worker::run_migrate(entry, from, config);
  const auto words = [&](const std::string& what) {
    return what + " (from_version " + from + ", configuration " + config.substr(0, 200) + ")";
  };
  if (first.end != again.end || first.config != again.config)
    return words("the same configuration gave something else the second time");
  if (first.end == worker::Migration::End::refused && first.config_calls == 0 &&
      first.error_calls == 1)
    return first.error.empty() ? words("migrate returned non-zero and gave an empty error") : "";
  if (const std::string fault = worker::migration_fault(first); !fault.empty()) return words(fault);
  const auto parsed = Json::parse(first.config);
  if (!parsed.ok()) return words("what migrate gave is no JSON: " + parsed.error().message);
  if (const auto fault = subject.package().config.check(*parsed))
    return words("what migrate gave does not fit the manifest's schema: config" +
                 fault->instance_path + " " + fault->message);
  return {};
}

Verdict migrate_answers(const Subject& subject) {
  const auto entry = entry_of(subject);
  if (!entry.ok()) return failed(entry.error().message);
  if (worker::run_migrate(*entry, "0.0.1", "{}").end == worker::Migration::End::absent)
    return skipped("the library does not offer " RABT_MIGRATE);
  struct Old {
    std::string version;
    std::string config;
  };
  std::vector<Old> all;
  for (const char* text : {"", "{", "[]", "null", "{}", "\"text\"", "{\"unknown\":[1]}"}) {
    all.push_back({"0.0.1", text});
    all.push_back({"no version", text});
  }
  const auto add = [&](const std::string& version, const Json& schema) {
    SchemaGenerator generator(schema, subject.settings().seed);
    for (int i = 0; i < kConfigs; ++i) {
      if (const auto value = generator.valid()) all.push_back({version, value->dump()});
      if (const auto value = generator.near_valid()) all.push_back({version, value->dump()});
    }
  };
  if (!subject.manifest().config_schema.is_null()) add("0.0.1", subject.manifest().config_schema);
  int taken_over = 0;
  if (!subject.settings().previous.empty()) {
    const auto previous = plugin::read_package(subject.settings().previous);
    if (!previous.ok()) return failed("--previous: " + previous.error().message);
    const plugin::Manifest& before = previous->manifest;
    const Json& schema = before.config_schema;
    if (!schema.is_null()) add(before.version, schema);
    // Migration must accept each configuration that the last release took.
    SchemaGenerator generator(schema.is_null() ? Json::object() : schema, subject.settings().seed);
    for (int i = 0; i < kConfigs; ++i) {
      const auto value = schema.is_null() ? std::optional<Json>(Json::object()) : generator.valid();
      if (!value) continue;
      const worker::Migration said = worker::run_migrate(*entry, before.version, value->dump());
      if (said.end == worker::Migration::End::refused)
        return failed("it refuses a configuration that " + before.version + " takes (" +
                      value->dump().substr(0, 200) + "): " + said.error);
      ++taken_over;
    }
  }
  for (const Old& old : all) {
    const std::string fault = migrate_fault(*entry, subject, old.version, old.config);
    if (!fault.empty()) return failed(fault);
  }
  if (taken_over == 0)
    return passed(std::to_string(all.size()) +
                  " configurations; give --previous to see whether it takes over those of the "
                  "release before");
  return passed(std::to_string(all.size()) + " configurations, " + std::to_string(taken_over) +
                " of the release before");
}

}  // namespace

Verdict contract_test(TestId id, const Subject& subject) {
  switch (id) {
    case TestId::complete_exactly_once:
      return exactly_once(subject);
    case TestId::refuse_means_no_complete:
      return refuse_means_nothing(subject);
    case TestId::no_late_use_of_bytes:
      return no_late_use(subject);
    case TestId::no_late_complete:
      return no_late_complete(subject);
    case TestId::cancel_still_completes:
      return cancel_completes(subject);
    case TestId::same_key_same_request:
      return same_key_same_request(subject);
    case TestId::quiet_after_destroy:
      return quiet_after_destroy(subject);
    case TestId::outcome_kinds_legal:
      return kinds_legal(subject);
    case TestId::unknown_action:
      return unknown_action(subject);
    case TestId::deadline_respected:
      return deadline(subject);
    case TestId::output_matches_schema:
      return output_matches(subject);
    case TestId::migrate_answers_once:
      return migrate_answers(subject);
    default:
      return lane_discipline(subject);
  }
}

}  // namespace rabt::check
