#include <gtest/gtest.h>

#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session/hijri.hpp"

// The state machine alone: no store, no clock, no provider.
namespace rabt::consultation {
namespace {

using identity::Role;
using identity::Roles;

const std::string kDoctor = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
const std::string kPatient = "01ARZ3NDEKTSV4RRFFQ69G5FAB";
const std::string kNurse = "01ARZ3NDEKTSV4RRFFQ69G5FAC";

class Decide : public testing::Test {
 protected:
  Decide() {
    is_.tenant = "t1";
    is_.id = "01ARZ3NDEKTSV4RRFFQ69G5FA0";
    is_.version = 1;
    is_.provider = kDoctor;
    is_.patient = kPatient;
    is_.provider_plugin = "plugin://twilio";
    is_.created_ms = now_.ms;
    add("d", kDoctor, PartRole::doctor);
    add("p", kPatient, PartRole::patient);
    is_.organizer = "d";
  }
  void add(const std::string& id, const std::string& person, PartRole role) {
    Participant one;
    one.id = id;
    one.person = person;
    one.role = role;
    one.identity = "x-" + id;
    one.licence = identity::Licence::vouched;
    one.number = static_cast<std::int64_t>(is_.participants.size()) + 1;
    is_.participants.push_back(one);
  }
  Result<Change> ask(const Actor& who, const Command& command) {
    return decide(
        is_, {.now = now_, .settings = settings_, .who = who, .video = true, .fresh_id = "fresh"},
        command);
  }
  // Decides and goes on from there.
  std::string act(const Actor& who, const Command& command) {
    auto change = ask(who, command);
    if (!change.ok()) return change.error().code;
    events_.clear();
    for (const SessionEvent& event : change->events) events_ += event.type + " ";
    effects_.clear();
    for (const Effect& effect : change->effects) effects_ += effect.kind + " ";
    is_ = std::move(change->after);
    return "ok";
  }
  static Actor person(const std::string& id, Roles roles) {
    return {.actor = "person:" + id, .person = id, .roles = roles};
  }

  Session is_;
  VideoSettings settings_;
  Timestamp now_{1'773'000'000'000};
  const Actor doctor_ = person(kDoctor, {Role::doctor});
  const Actor patient_ = person(kPatient, {Role::patient});
  const Actor nurse_ = person(kNurse, {Role::nurse});
  const Actor admin_{.actor = "client:console", .roles = {Role::admin}};
  const Actor hub_{.actor = "node:sessions", .system = true};
  std::string events_;
  std::string effects_;
};

TEST_F(Decide, EveryActOfEveryStateIsAllowedOrNamesTheState) {
  struct Row {
    SessionStatus status;
    std::string start, end, cancel, join;
  };
  const Row rows[] = {{SessionStatus::requested, "session.not_startable", "session.not_started",
                       "ok", "session.not_accepted"},
                      {SessionStatus::scheduled, "ok", "session.not_started", "ok", "ok"},
                      {SessionStatus::waiting, "ok", "session.not_started", "ok", "ok"},
                      {SessionStatus::active, "ok", "ok", "session.already_started", "ok"},
                      {SessionStatus::completed, "session.completed", "ok", "session.completed",
                       "session.completed"},
                      {SessionStatus::cancelled, "session.cancelled", "session.cancelled",
                       "session.cancelled", "session.cancelled"},
                      {SessionStatus::no_show, "session.no_show", "session.no_show",
                       "session.no_show", "session.no_show"},
                      {SessionStatus::failed, "session.failed", "session.failed", "session.failed",
                       "session.failed"}};
  const auto code = [](const Result<Change>& change) {
    return change.ok() ? std::string("ok") : change.error().code;
  };
  for (const Row& row : rows) {
    is_.status = row.status;
    is_.started_ms = now_.ms;
    const std::string state(to_string(row.status));
    EXPECT_EQ(code(ask(doctor_, Start{})), row.start) << state;
    EXPECT_EQ(code(ask(doctor_, End{})), row.end) << state;
    EXPECT_EQ(code(ask(doctor_, Cancel{})), row.cancel) << state;
    EXPECT_EQ(code(ask(doctor_, Join{})), row.join) << state;
    EXPECT_EQ(parse_session_status(state), row.status);
  }
}

//
TEST_F(Decide, AClosedVisitLetsNoSessionStart) {
  EXPECT_EQ(act(doctor_, Start{false}), "visit.closed");
  EXPECT_EQ(act(doctor_, Start{true}), "ok");
}

//
TEST_F(Decide, WhoAdmits) {
  add("n", kNurse, PartRole::nurse);
  is_.participants[1].admission = Admission::waiting;
  const Actor observer = person("01ARZ3NDEKTSV4RRFFQ69G5FAD", {Role::doctor});
  EXPECT_EQ(act(patient_, Admit{"p"}), "session.not_host");
  EXPECT_EQ(act(admin_, Admit{"p"}), "session.not_host");
  EXPECT_EQ(act(observer, Admit{"p"}), "authorisation.denied");
  EXPECT_EQ(act(nurse_, Admit{"p"}), "ok");
  EXPECT_EQ(is_.participants[1].admitted_by, nurse_.actor);
  EXPECT_EQ(act(nurse_, Remove{"p"}), "session.not_host");
}

//
TEST_F(Decide, ALicenceIsKnownByItsForm) {
  using identity::Licence;
  const auto form = [&](std::string_view number) {
    return licence_of(number, settings_.licence_patterns);
  };
  EXPECT_EQ(form("DOC-2024-001"), Licence::format_ok);
  EXPECT_EQ(form("DOC-٢٠٢٤-٠٠١"), Licence::format_ok);
  EXPECT_EQ(form("12-R-M-0001234"), Licence::format_ok);
  EXPECT_EQ(form("doctor"), Licence::missing);
  EXPECT_EQ(form(""), Licence::missing);
  is_.participants[0].licence = Licence::missing;
  EXPECT_EQ(act(doctor_, Start{}), "licence.missing");
  settings_.licence = VideoSettings::Licence::off;
  EXPECT_EQ(act(doctor_, Start{}), "ok");
}

//
TEST_F(Decide, PersonsAreCountedAndNotDevices) {
  is_.max_participants = 2;
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(doctor_, Join{.stay = "s1"}), "ok");
  EXPECT_EQ(act(doctor_, Join{.stay = "s2"}), "ok");
  EXPECT_EQ(is_.stays.size(), 1U);
  EXPECT_EQ(act(patient_, Join{.stay = "s3"}), "ok");
  EXPECT_EQ(act(nurse_, Join{.stay = "s4"}), "session.full");
  EXPECT_EQ(act(admin_, Join{}), "participant.not_a_participant");
}

//
TEST_F(Decide, LateNewsOfTheTimeBeforeTheEndCountAndMakeNoEvent) {
  act(doctor_, Start{});
  now_.ms += 60'000;
  act(doctor_, End{});
  const std::string before = to_document(is_).dump();
  EXPECT_EQ(act(hub_, ProviderJoined{"x-p", "PA1", {now_.ms - 30'000}}), "ok");
  EXPECT_EQ(events_, "");
  EXPECT_EQ(attendee_seconds(is_, now_), 30);
  EXPECT_EQ(act(hub_, ProviderJoined{"x-p", "PA2", {now_.ms + 1}}), "ok");
  EXPECT_EQ(is_.stays.size(), 1U);
  EXPECT_EQ(to_document(is_).dump(), before);
}

//
TEST_F(Decide, TheRoomIsAskedForOnceAndEndedWithTheSession) {
  EXPECT_EQ(act(doctor_, Join{.stay = "s1"}), "ok");
  EXPECT_EQ(effects_, "open-room ");
  EXPECT_EQ(act(patient_, Join{.stay = "s2"}), "ok");
  EXPECT_EQ(effects_, "");
  EXPECT_EQ(events_, "participant-joined ready started ");
  EXPECT_EQ(act(hub_, RoomOpened{"RM1"}), "ok");
  EXPECT_EQ(act(doctor_, End{}), "ok");
  EXPECT_EQ(effects_, "end-room ");
  EXPECT_EQ(events_, "ended completed ");
}

TEST_F(Decide, AnEmptyRoomThatTheProviderTidiedUpIsOpenedAgain) {
  act(doctor_, Join{.stay = "s1"});
  act(hub_, RoomOpened{"RM1"});
  act(doctor_, Leave{});
  EXPECT_EQ(act(hub_, RoomEnded{now_}), "ok");
  EXPECT_EQ(is_.status, SessionStatus::scheduled);
  act(doctor_, Join{.stay = "s2"});
  EXPECT_EQ(effects_, "open-room ");
}

TEST_F(Decide, ARoomThatIsLostForFiveMinutesFailsTheSession) {
  act(doctor_, Join{.stay = "s1"});
  act(doctor_, Start{});
  act(hub_, RoomNotOpened{"video.room_refused"});
  now_.ms += 299'000;
  EXPECT_EQ(act(hub_, Tick{}), "ok");
  EXPECT_EQ(is_.status, SessionStatus::active);
  now_.ms += 1'000;
  EXPECT_EQ(act(hub_, Tick{}), "ok");
  EXPECT_EQ(is_.status, SessionStatus::failed);
}

//
TEST_F(Decide, ADoorThatStartsByCallAloneIsToldWhenAllAreThere) {
  is_.door = "emr";
  act(doctor_, Join{.stay = "s1"});
  act(patient_, Join{.stay = "s2"});
  EXPECT_EQ(events_, "participant-joined ready ");
  EXPECT_EQ(is_.status, SessionStatus::waiting);
}

TEST_F(Decide, AttendancesOfOnePersonAreUnitedAndOfSeveralAdded) {
  is_.stays = {{"d", "1", 0, 60'000, "event"},
               {"d", "2", 30'500, 90'900, "event"},
               {"p", "3", 10'000, 20'000, "event"}};
  EXPECT_EQ(seconds_of(is_, "d", now_), 90);
  EXPECT_EQ(attendee_seconds(is_, now_), 100);
}

// 3.5
TEST_F(Decide, AMinuteThatHasBegunCountsWhole) {
  const auto lasted = [this](std::int64_t ms) {
    is_.started_ms = 1'000'500;
    is_.ended_ms = 1'000'500 + ms;
    const std::int64_t seconds = length_of(is_, now_);
    return std::pair{seconds, whole_minutes(seconds)};
  };
  EXPECT_EQ(lasted(0), (std::pair{0L, 0L}));
  EXPECT_EQ(lasted(1), (std::pair{1L, 1L}));
  EXPECT_EQ(lasted(60'000), (std::pair{60L, 1L}));
  EXPECT_EQ(lasted(60'001), (std::pair{61L, 2L}));
  is_.started_ms.reset();
  EXPECT_EQ(length_of(is_, now_), 0) << "it never ran";
}

TEST_F(Decide, ADocumentComesBackAsItWas) {
  is_.notes = "ملاحظات 🩺";
  is_.appointment = Json::object({{"system", "his"}, {"value", "7"}});
  is_.invitations.push_back({.id = "i", .role = PartRole::observer, .expires_ms = 5});
  is_.warn("licence.missing");
  Session back;
  ASSERT_TRUE(from_document(to_document(is_), back).ok());
  EXPECT_EQ(to_document(back).dump(), to_document(is_).dump());
  EXPECT_EQ(from_document(Json::object(), back).error().code, "session.document");
}

TEST(Hijri, DaysOfTheUmmAlQuraCalendarBeginInRiyadh) {
  EXPECT_EQ(hijri_date(*parse_iso8601("2026-02-18T00:00:00Z")), "1447-09-01");
  EXPECT_EQ(hijri_date(*parse_iso8601("2026-02-17T20:59:59Z")), "1447-08-29");
  EXPECT_EQ(hijri_date(*parse_iso8601("2026-02-17T21:00:00Z")), "1447-09-01");
}

}  // namespace
}  // namespace rabt::consultation
