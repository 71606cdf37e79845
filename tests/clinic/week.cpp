#include "tests/clinic/week.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "tests/eventually.hpp"

namespace rabt::clinic {

using week::DeskSays;
using week::Record;

namespace {

constexpr int kTick = 15;
constexpr int kNightTick = 30;
// A booking that nothing has moved for so long stands still.
constexpr int kGrace = week::kHour;
constexpr const char* kGone = R"([{"fault": "status", "status": 503}])";
constexpr const char* kGoneFor = R"([{"fault": "status", "status": 503, "retry_after": 600}])";

// The cashier's system hears of visits that the patient pays.
constexpr const char* kCashier =
    R"(document: {dsl: '1.0.3', namespace: clinic, name: cashier, version: '1.0.0'}
schedule: {on: {one: {with: {type: org.rabt.consultation.self-pay.v1}}}}
input: {from: '${ .[0].data }'}
do:
  - bill: {set: {consultation: '${ .consultation }', minutes: '${ .minutes }'}}
)";

// Kinds stand first in every text, so that the telephone knows them.
constexpr const char* kTexts = R"(booked: 'booked {time} {link}'
moved: 'moved {time} {link}'
cancelled: 'cancelled {time}'
reminder: 'reminder {time} {link}'
doctor_waits: 'doctor_waits {link}'
missed: 'missed {time}'
not_held: 'not_held {time}'
call_us: 'call_us'
other_doctor: 'other_doctor {time}'
call_997: 'call_997'
staff_emergency: 'staff_emergency'
)";

}  // namespace

sandbox::Json& part(sandbox::Json& bundle, const std::string& type) {
  for (sandbox::Json& entry : bundle["entry"]) {
    if (entry["resource"]["resourceType"] == type) return entry["resource"];
  }
  return bundle;
}

PlayedWeek::PlayedWeek() : Clinic(week::unix_ms(week::kFirstMinute)) {
  clock_.rest_after(5'000);
  site_.config.sends_messages = true;
  site_.config.messages = site_.folder() / "messages";
}

void PlayedWeek::change_workflow(const std::string& name, const std::string& from,
                                 const std::string& to) {
  changes_[name].emplace_back(from, to);
}

void PlayedWeek::write_texts() {
  std::filesystem::create_directories(site_.folder() / "messages");
  e2e::write_file(site_.folder() / "messages/ar.yaml", kTexts);
  e2e::write_file(site_.folder() / "messages/en.yaml", kTexts);
}

void PlayedWeek::write_workflows() {
  const std::string folder = site_.folder() / "workflows";
  std::filesystem::create_directories(folder);
  site_.config.workflows.clear();
  for (const std::string name : {"consultation", "messages", "appointment", "chart",
                                 "before_session", "after_session", "emergency"}) {
    std::string text = e2e::read_file(e2e::source_dir() + "/workflows/" + name + ".yaml");
    for (const auto& [from, to] : changes_[name]) {
      const auto found = text.find(from);
      ASSERT_NE(found, std::string::npos) << name << ": " << from;
      text.replace(found, from.size(), to);
    }
    site_.config.workflows.push_back(folder + "/" + name + ".yaml");
    e2e::write_file(site_.config.workflows.back(), text);
  }
  site_.config.workflows.push_back(folder + "/cashier.yaml");
  e2e::write_file(site_.config.workflows.back(), kCashier);
}

void PlayedWeek::configure(std::string& yaml) {
  const std::string roles = "may_grant: [doctor, specialist, nurse, patient";
  const auto found = yaml.find(roles);
  ASSERT_NE(found, std::string::npos);
  yaml.insert(found + roles.size(), ", desk");
}

void PlayedWeek::furnish(sandbox::Json& options) {
  options["seed"] = plan_.seed;
  options["nphies"]["not_active"] = not_active_;
  options["faults"]["sms"] =
      sandbox::Json::array({{{"fault", "drop-reply"}, {"probability", lost_answers_}}});
  sandbox::Json& appointments = options["fhir"]["preload"] = sandbox::Json::array();
  for (Live& visit : visits_) {
    if (visit.script->kind != week::Kind::booked) {
      // Patient and Coverage that the hospital's record system already holds.
      for (const std::string type : {"Patient", "Coverage"}) {
        const sandbox::Json& item = part(visit.bundle, type);
        if (item["resourceType"] == type) appointments.push_back(item);
      }
      continue;
    }
    sandbox::Json booked = part(visit.bundle, "Appointment");
    const sandbox::Json& patient = part(visit.bundle, "Patient");
    booked["start"] = booked["end"] = to_iso8601({week::unix_ms(visit.script->first.minute)});
    booked["participant"] = sandbox::Json::array(
        {{{"actor", {{"type", "Patient"}, {"identifier", patient["identifier"][0]}}},
          {"status", "accepted"}}});
    booked.erase("id");
    appointments.push_back(booked);
  }
}

void PlayedWeek::prepare(const week::Plan& plan) {
  plan_ = plan;
  messages_.resize(plan_.visits.size());
  strays_.resize(plan_.visits.size());
  rung_.resize(plan_.visits.size());
  for (const week::Visit& script : plan_.visits) {
    Live& live = visits_.emplace_back();
    live.script = &script;
    live.bundle = sandbox::Json::parse(demo::make_booking(clock_, ids_, script.number).body);
    sandbox::Json& patient = part(live.bundle, "Patient");
    if (script.record == Record::child || script.record == Record::child_alone)
      patient["birthDate"] = "2015-04-12";
    live.key = part(live.bundle, "Appointment")["identifier"][0]["value"].get<std::string>();
    of_key_[live.key] = script.number;
    if (script.payer == week::Payer::not_eligible)
      not_active_.insert(patient["identifier"][0]["value"].get<std::string>());
    if (script.payer != week::Payer::himself) continue;
    sandbox::Json& entries = live.bundle["entry"];
    entries.erase(std::find_if(entries.begin(), entries.end(), [](const sandbox::Json& entry) {
      return entry["resource"]["resourceType"] == "Coverage";
    }));
  }
}

// --- the week

void PlayedWeek::schedule_end(Live& live, int minute) {
  at(minute, [&] {
    live.step = Step::end;
    moving_.push_back(&live);
  });
}

void PlayedWeek::schedule_booked(Live& live) {
  constexpr std::array<const char*, 4> kAnswers{"", "self-pay", "go-on", "refuse"};
  const week::Visit& script = *live.script;
  at(script.booked_at, [&] { tell(live, live.script->first, "booked"); });
  for (const auto& move : script.moves) at(move.first, [&] { tell(live, move.second, "booked"); });
  if (script.cancelled_at)
    at(*script.cancelled_at, [&] { tell(live, live.script->last(), "cancelled"); });
  if (script.desk != DeskSays::nothing) {
    const char* const answer = kAnswers[static_cast<std::size_t>(script.desk)];
    at(script.desk_at, [&live, answer, this] { decide(live, "coverage", answer); });
  }
  if (script.merge != week::Merge::none) at(script.merged_at, [&] { merge(live); });
  if (script.merge == week::Merge::wrong)
    at(script.merged_at + week::kUndone, [&] { separate(live); });
  if (script.off_at()) return;
  const int start = script.last().minute;
  if (script.comes == week::Comes::in_time) {
    at(start, [&] { moving_.push_back(&live); });
  } else {
    at(start, [&] {
      Status came = find_session(live);
      if (came.ok()) came = enter_room(live, true);
      live.doctor_came = came.ok();
      if (!came.ok()) wrong(live, "the doctor: " + came.error().message);
    });
  }
  if (script.comes == week::Comes::never) return;
  const int late = script.comes == week::Comes::late ? week::kLate : 0;
  if (late > 0) at(start + late, [&] { moving_.push_back(&live); });
  schedule_end(live, start + late + week::kTalk);
}

void PlayedWeek::schedule_emergency(Live& live) {
  const int called = live.script->booked_at;
  at(called, [&] { call_for_help(live); });
  if (live.script->answered) {
    at(called + week::kAnswered, [&] { answer_call(live); });
    schedule_end(live, called + week::kAnswered + week::kTalk);
  } else {
    at(called + week::kHandedOver, [&] { decide(live, "emergency", "handed-over"); });
    at(called + week::kGivenUp, [&] { give_up(live); });
  }
}

void PlayedWeek::schedule() {
  for (Live& visit : visits_) {
    if (visit.script->kind == week::Kind::booked) schedule_booked(visit);
    if (visit.script->kind == week::Kind::emergency) schedule_emergency(visit);
    if (visit.script->kind != week::Kind::walk_in) continue;
    at(visit.script->booked_at, [&] { take_in(visit); });
    schedule_end(visit, visit.script->booked_at + week::kTalk);
  }
  at(plan_.ill_at(), [this] { give_away(); });
  if (payer_goes_away_) {
    at(week::kPayerAway.from, [this] { fail_all("nphies", kGone); });
    at(week::kPayerAway.to, [this] { fail_all("nphies", "[]"); });
    at(week::kPayerAway.from + 2 * week::kHour, [this] { reopen(); });
  }
  if (ehr_goes_away_) {
    at(week::kEhrAway.from, [this] { fail_all("fhir", kGoneFor); });
    at(week::kEhrAway.to, [this] { fail_all("fhir", "[]"); });
  }
  for (int day = 0; day <= plan_.days; ++day)
    at(day * week::kDay + 21 * week::kHour, [this] { reopen(); });
  std::stable_sort(acts_.begin(), acts_.end(),
                   [](const Act& a, const Act& b) { return a.minute < b.minute; });
}

// Work that is due now and lies outside the engine: calls of the video provider, events, times of
// sessions, and news that the stand-ins have not delivered.
std::int64_t PlayedWeek::due_outside() {
  std::int64_t due = 0;
  const Status read = hub_->store().read([&](store::Connection& connection) {
    return connection.query(
        {"SELECT (SELECT count(*) FROM outbox o WHERE o.kind IN ('video', 'event', 'hub-event') "
         "AND o.due_ms <= $1 AND (o.subject = '' OR NOT EXISTS (SELECT 1 FROM outbox e WHERE "
         "e.kind = o.kind AND e.subject = o.subject AND e.n < o.n))) + (SELECT count(*) FROM "
         "session WHERE due_ms IS NOT NULL AND due_ms <= $1)"},
        {clock_.now().ms}, [&](const store::Row& row) {
          due = row.integer(0);
          return true;
        });
  });
  EXPECT_TRUE(read.ok()) << read.error().message;
  return due + static_cast<std::int64_t>(outside_->callbacks_waiting());
}

// However slow the machine is, no virtual time goes by while work is under way, unless the work
// waits for it. The limit is for a hub that hangs.
void PlayedWeek::settle() {
  constexpr int kRounds = 3;
  constexpr auto kStill = std::chrono::seconds(10);
  auto begun = steady_clock::now();
  const auto until = begun + std::chrono::minutes(10);
  for (int quiet = 0; quiet < kRounds;) {
    hub_->engine().catch_up();
    const bool idle = hub_->engine().drain(1'000);
    const std::int64_t due = due_outside();
    quiet = idle && due == 0 ? quiet + 1 : 0;
    // Outside it takes a moment, and then the engine may have new work.
    if (due > 0)
      (void)test::eventually([this] { return due_outside() == 0; }, std::chrono::milliseconds(50));
    const auto now = steady_clock::now();
    if (now - begun > kStill) {
      clock_.go_to({clock_.now().ms + 5'000});
      begun = now;
    }
    if (now < until) continue;
    unexplained_.push_back("seed " + std::to_string(plan_.seed) +
                           ": the hub does not come to rest, " + std::to_string(due) + " due");
    return;
  }
}

void PlayedWeek::play(const week::Plan& plan) {
  prepare(plan);
  write_texts();
  ASSERT_NO_FATAL_FAILURE(write_workflows());
  ASSERT_NO_FATAL_FAILURE(Clinic::SetUp());
  enter_people();
  ASSERT_FALSE(HasFailure());
  schedule();
  auto next = acts_.begin();
  for (int minute = week::kFirstMinute; minute <= plan_.last_minute();) {
    clock_.go_to({week::unix_ms(minute)});
    settle();
    for (; next != acts_.end() && next->minute <= minute; ++next) {
      next->run();
      ASSERT_NE(hub_, nullptr);
    }
    std::vector<Live*> ending;
    for (Live* one : moving_) {
      if (one->step == Step::end) ending.push_back(one);
    }
    std::erase_if(moving_, [](const Live* live) { return live->step == Step::end; });
    go_on_all(Step::talk);
    moving_ = std::move(ending);
    go_on_all(Step::done);
    settle();
    if (minute % week::kHour == 0) {
      collect_messages();
      decide_late();
      settle();
      check_hour(minute);
    }
    const int of_day = minute % week::kDay;
    const bool by_day = of_day >= 7 * week::kHour && of_day < 17 * week::kHour;
    const int tick = by_day ? kTick : kNightTick;
    minute = minute / tick * tick + tick;
    if (next != acts_.end()) minute = std::min(minute, next->minute);
  }
}

// Every booking that was accepted has moved within the hour, or stands in a list with a reason.
void PlayedWeek::check_hour(int minute) {
  std::optional<std::string> before;
  int listed = 0;
  for (;;) {
    const auto page = hub_->engine().instances(
        {.states = {"running", "waiting", "parked", "faulted"}, .workflow = "consultation"}, 100,
        before);
    ASSERT_TRUE(page.ok()) << page.error().message;
    for (const auto& one : *page) {
      before = one.id;
      const auto found = of_instance_.find(one.id);
      if (found == of_instance_.end()) continue;
      const Live& live = visits_[static_cast<std::size_t>(found->second)];
      const auto say = [&](const std::string& what) {
        unexplained_.push_back("seed " + std::to_string(plan_.seed) + " visit " +
                               std::to_string(found->second) + " at " + week::local_time(minute) +
                               ": " + what);
      };
      if (one.status == "parked" || one.status == "faulted") {
        ++listed;
        continue;
      }
      const bool over = minute > live.script->last().minute + 2 * week::kHour;
      const bool has_timer = !one.waits["timer"].is_null() || !one.waits["until"].is_null();
      if (one.status == "running" && !has_timer && minute - live.accepted_at > kGrace &&
          clock_.now().ms - one.updated.ms > kGrace * 60'000LL)
        say("it runs, and nothing moves it: " + one.waits.dump());
      if (one.status == "waiting" && over && !has_timer)
        say("its time is over, and it waits for " + one.waits.dump());
    }
    if (page->size() < 100) break;
  }
  if (listed == 0) return;
  const auto todo = ask("GET", "/todo");
  ASSERT_TRUE(todo.ok()) << todo.error().message;
  std::int64_t shown = 0;
  for (const Json& item : (*todo)["items"].as_array()) {
    const std::string kind = item.string_or("kind", "");
    if (kind == "decision" || kind == "faulted") shown += item.int_or("count", 0);
  }
  if (shown < listed)
    unexplained_.push_back("seed " + std::to_string(plan_.seed) + " at " +
                           week::local_time(minute) + ": " + std::to_string(listed) +
                           " visits stand still, and the list shows " + std::to_string(shown));
}

std::vector<std::string> PlayedWeek::logged() {
  std::vector<std::string> out;
  for (std::string& line : log_.lines()) out.push_back("log " + std::move(line));
  return out;
}

std::vector<std::string> PlayedWeek::unfinished() {
  std::vector<std::string> out;
  std::optional<std::string> before;
  for (;;) {
    const auto page = hub_->engine().instances(
        {.states = {"running", "waiting", "parked", "faulted"}}, 100, before);
    if (!page.ok()) return out;
    for (const auto& one : *page) {
      before = one.id;
      const auto found = of_instance_.find(one.id);
      out.push_back((found == of_instance_.end() ? std::string("some visit")
                                                 : "visit " + std::to_string(found->second)) +
                    ": " + one.workflow + " is " + one.status + " " + one.error.dump() + " " +
                    one.waits.dump());
    }
    if (page->size() < 100) break;
  }
  return out;
}

}  // namespace rabt::clinic
