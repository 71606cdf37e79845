#include <cstdlib>
#include <fstream>

#include "hub/audit/reader.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/messages/due.hpp"
#include "hub/consultation/messages/messenger.hpp"
#include "hub/consultation/messages/reports.hpp"
#include "hub/consultation/messages/texts.hpp"
#include "hub/phi/detector.hpp"
#include "hub/phi/policy.hpp"
#include "tests/consultation/session_house.hpp"
#include "tests/number_of.hpp"

// Messages to a patient about a visit, and their times.
namespace rabt::consultation::messages_test {
namespace {

Timestamp at(const char* text) {
  return test::must(parse_iso8601(text));
}

Session planned(const char* start) {
  Session session;
  session.status = SessionStatus::scheduled;
  session.schedule.at_ms = at(start).ms;
  return session;
}

std::string what(const DueMessage& due) {
  if (due.now) return std::string(to_string(*due.now));
  if (due.next_ms) return to_iso8601({*due.next_ms});
  return due.over ? "over" : "nothing";
}

// 10:00 in Riyadh is 07:00Z.
TEST(DueMessages, ABookingIsToldThenADayAndAQuarterOfAnHourBefore) {
  const Session session = planned("2026-12-10T07:00:00Z");
  std::vector<ToldMessage> told;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T08:00:00Z"))), "booked");
  told.push_back(
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T08:00:00Z"))),
            "2026-12-09T07:00:00.000Z");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-09T07:00:00Z"))), "day_before");
  told.push_back(
      {.kind = MessageKind::day_before, .version = 1, .at_ms = at("2026-12-09T07:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-09T07:00:01Z"))),
            "2026-12-10T06:45:00.000Z");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-10T06:45:00Z"))), "soon");
  told.push_back({.kind = MessageKind::soon, .version = 1, .at_ms = at("2026-12-10T06:45:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-10T06:45:01Z"))), "nothing");
}

TEST(DueMessages, ABookingForTomorrowHasNoReminderOfTheDayBefore) {
  const Session session = planned("2026-12-10T07:00:00Z");
  const std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-09T08:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-09T08:00:01Z"))),
            "2026-12-10T06:45:00.000Z");
}

TEST(DueMessages, TwentyMovesOfAVisitAreToldInADay) {
  Session session = planned("2026-12-10T07:00:00Z");
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T07:30:00Z").ms}};
  const std::int64_t first = at("2026-12-01T08:00:00Z").ms;
  for (std::int64_t i = 0; i < limits::kMaxMovesTold; ++i) {
    ++session.schedule.version;
    const Timestamp now{first + i * 60'000};
    ASSERT_EQ(what(due_message(session, told, now)), "moved") << i;
    told.push_back(
        {.kind = MessageKind::moved, .version = session.schedule.version, .at_ms = now.ms});
  }
  ++session.schedule.version;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T09:00:00Z"))),
            "2026-12-02T08:00:00.000Z");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:00Z"))), "moved");
}

TEST(DueMessages, AMovedVisitIsToldAndHasItsOwnReminders) {
  Session session = planned("2026-12-20T07:00:00Z");
  session.schedule.version = 2;
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms},
      {.kind = MessageKind::day_before, .version = 1, .at_ms = at("2026-12-09T07:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-09T09:00:00Z"))), "moved");
  told.push_back(
      {.kind = MessageKind::moved, .version = 2, .at_ms = at("2026-12-09T09:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-19T07:00:00Z"))), "day_before");
}

TEST(DueMessages, WhoWasToldNothingIsNotToldThatItWasCalledOff) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.status = SessionStatus::cancelled;
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"))), "over");
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:00Z"))), "cancelled");
  told.push_back(
      {.kind = MessageKind::cancelled, .version = 1, .at_ms = at("2026-12-02T08:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:01Z"))), "over");
}

// Whoever opens an emergency knows that he did; the booking of one is not limited either.
TEST(DueMessages, AnEmergencyThatBeginsNowIsNotToldAsABooking) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.type = SessionType::emergency_consultation;
  session.created_ms = at("2026-12-10T06:30:00Z").ms;
  session.patient = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-10T06:30:00Z"))), "booked")
      << "others opened it";
  session.origin.created_by = "person:" + session.patient;
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-10T06:30:00Z"))), "nothing");
  session.status = SessionStatus::cancelled;
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-10T06:31:00Z"))), "over");
  session.status = SessionStatus::scheduled;
  session.created_ms = at("2026-12-10T06:29:00Z").ms;
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-10T06:30:00Z"))), "booked")
      << "an appointment";
}

TEST(DueMessages, AFollowUpIsToldAsSuchAndMovesLikeAnyVisit) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.ties.follow_up_of = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"))), "follow_up");
  const auto texts = MessageKinds().set().reset(static_cast<std::size_t>(MessageKind::follow_up));
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"), {.texts = texts})), "booked");
  const std::vector<ToldMessage> told{
      {.kind = MessageKind::follow_up, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T08:00:01Z"))),
            "2026-12-09T07:00:00.000Z");
  session.schedule.version = 2;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T08:00:01Z"))), "moved");
}

TEST(DueMessages, WhomTheInsuranceRefusedIsAskedToCall) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.status = SessionStatus::cancelled;
  session.payers.insurance.set("status", "not_eligible");
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:00Z"))), "cancelled");
  told.push_back(
      {.kind = MessageKind::cancelled, .version = 1, .at_ms = at("2026-12-02T08:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:01Z"))), "call_us");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T20:00:00Z"))),
            "2026-12-03T04:00:00.000Z");
  const auto texts = MessageKinds().set().reset(static_cast<std::size_t>(MessageKind::call_us));
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:01Z"), {.texts = texts})), "over");
  session.payers.insurance.set("status", "eligible");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:01Z"))), "over");
  session.payers.insurance.set("status", "not_eligible");
  told.push_back(
      {.kind = MessageKind::call_us, .version = 1, .at_ms = at("2026-12-02T08:00:01Z").ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:02Z"))), "over");
}

// Symptom: whom `notEligible: refuse` kept out was told nothing. Cause: no session was opened, and
// a patient who was told of nothing misses nothing. Caught by: one that is opened to be refused.
TEST(DueMessages, AVisitThatWasOpenedToBeRefusedIsNeverToldAsBooked) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.payers.billing = Json::object({{"refused", true}});
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"))), "nothing");
  session.status = SessionStatus::cancelled;
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"))), "call_us");
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T20:00:00Z"))), "2026-12-02T04:00:00.000Z");
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-10T07:00:00Z"))), "over")
      << "its time has passed";
  const std::vector<ToldMessage> told{
      {.kind = MessageKind::call_us, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  EXPECT_EQ(what(due_message(session, told, at("2026-12-01T08:00:01Z"))), "over") << "once";
}

TEST(DueMessages, AVisitThatBecomesOneInPersonIsToldAsSuch) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.status = SessionStatus::cancelled;
  session.end.cancellation = Json::object({{"cause", "in_person"}});
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-01T08:00:00Z"))), "over");
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  const char* const now = "2026-12-02T08:00:00Z";
  EXPECT_EQ(what(due_message(session, told, at(now))), "in_person");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T20:00:00Z"))),
            "2026-12-03T04:00:00.000Z");
  const auto texts = MessageKinds().set().reset(static_cast<std::size_t>(MessageKind::in_person));
  EXPECT_EQ(what(due_message(session, told, at(now), {.texts = texts})), "cancelled");
  told.push_back({.kind = MessageKind::in_person, .version = 1, .at_ms = at(now).ms});
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:01Z"))), "over") << "once";
  EXPECT_EQ(useful_until(session, told.back()), at("2026-12-05T08:00:00Z").ms);
}

TEST(DueMessages, AnotherDoctorIsToldOnceWhereTheTimeStays) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.type = SessionType::doctor_patient;
  session.provider = "E";
  session.people.participants = {{.id = "d", .person = "D", .role = PartRole::doctor},
                                 {.id = "e", .person = "E", .role = PartRole::doctor},
                                 {.id = "p", .person = "P", .role = PartRole::patient}};
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  const char* const now = "2026-12-02T08:00:00Z";
  EXPECT_EQ(what(due_message(session, told, at(now))), "2026-12-09T07:00:00.000Z");
  session.people.participants[0].admission = Admission::removed;
  session.people.participants[0].since_ms = at("2026-12-02T07:59:00Z").ms;
  EXPECT_EQ(what(due_message(session, told, at(now))), "other_doctor");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T20:00:00Z"))),
            "2026-12-03T04:00:00.000Z")
      << "not at night";
  const auto texts =
      MessageKinds().set().reset(static_cast<std::size_t>(MessageKind::other_doctor));
  EXPECT_EQ(what(due_message(session, told, at(now), {.texts = texts})),
            "2026-12-09T07:00:00.000Z");
  session.provider.clear();
  EXPECT_EQ(what(due_message(session, told, at(now))), "2026-12-09T07:00:00.000Z") << "nobody yet";
  session.provider = "E";
  told[0].at_ms = at("2026-12-02T08:00:00Z").ms;
  EXPECT_EQ(what(due_message(session, told, at(now))), "2026-12-09T07:00:00.000Z")
      << "he was told of the visit after it was given";
  told[0].at_ms = at("2026-12-01T08:00:00Z").ms;
  told.push_back(
      {.kind = MessageKind::other_doctor, .version = 1, .at_ms = at("2026-12-02T08:00:00Z").ms});
  EXPECT_EQ(what(due_message(session, told, at(now))), "2026-12-09T07:00:00.000Z") << "once";
}

TEST(DueMessages, NewsOfAChangeWaitUntilTheVisitIsSettled) {
  Session session = planned("2026-12-20T07:00:00Z");
  std::vector<ToldMessage> told{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms}};
  session.schedule.version = 2;
  session.schedule.set_since_ms = session.schedule.set_ms = at("2026-12-02T08:00:00Z").ms;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:00Z"))),
            "2026-12-02T08:00:10.000Z");
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:10Z"))), "moved");
  session.schedule.set_ms = at("2026-12-02T08:00:55Z").ms;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:56Z"))),
            "2026-12-02T08:01:00.000Z")
      << "at most a minute";
  EXPECT_EQ(what(due_message(session, {}, at("2026-12-02T08:00:56Z"))), "booked")
      << "a visit of which he was told nothing";
  session.schedule.at_ms = at("2026-12-02T08:05:00Z").ms;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:56Z"))), "moved")
      << "it begins soon";
  session.schedule.at_ms = at("2026-12-20T07:00:00Z").ms;
  session.status = SessionStatus::cancelled;
  EXPECT_EQ(what(due_message(session, told, at("2026-12-02T08:00:56Z"))), "cancelled");
}

TEST(DueMessages, AMessageIsOfUseWhileItsTimeLiesAhead) {
  Session session = planned("2026-12-10T07:00:00Z");
  session.schedule.minutes = 30;
  const auto until = [&session](MessageKind kind, const char* sent) {
    return useful_until(session, {.kind = kind, .version = 1, .at_ms = at(sent).ms});
  };
  EXPECT_EQ(until(MessageKind::booked, "2026-12-09T08:00:00Z"), at("2026-12-10T07:00:00Z").ms);
  EXPECT_EQ(until(MessageKind::booked, "2026-12-01T08:00:00Z"), at("2026-12-04T08:00:00Z").ms)
      << "a gateway reports within three days";
  EXPECT_EQ(until(MessageKind::soon, "2026-12-10T06:45:00Z"), at("2026-12-10T07:10:00Z").ms);
  EXPECT_EQ(until(MessageKind::doctor_waits, "2026-12-10T07:02:00Z"),
            at("2026-12-10T07:30:00Z").ms);
  EXPECT_EQ(until(MessageKind::cancelled, "2026-12-09T08:00:00Z"), 0);
  EXPECT_EQ(until(MessageKind::second_proof, "2026-12-09T08:00:00Z"), 0);
  EXPECT_EQ(until(MessageKind::call_997, "2026-12-09T08:00:00Z"), 0);
  session.status = SessionStatus::cancelled;
  EXPECT_EQ(until(MessageKind::booked, "2026-12-09T08:00:00Z"), 0);
  EXPECT_EQ(until(MessageKind::cancelled, "2026-12-09T08:00:00Z"), at("2026-12-10T07:00:00Z").ms);
  session.status = SessionStatus::no_show;
  EXPECT_EQ(until(MessageKind::missed, "2026-12-10T08:00:00Z"), at("2026-12-11T07:00:00Z").ms);
  session.schedule.version = 2;
  EXPECT_EQ(until(MessageKind::missed, "2026-12-10T08:00:00Z"), 0) << "of an earlier time";
}

TEST(DueMessages, AGatewayIsAskedFiveTimes) {
  const ToldMessage message{.kind = MessageKind::booked, .version = 1, .at_ms = 0};
  EXPECT_EQ(next_question(message, 0), 2 * kMinuteMs);
  EXPECT_EQ(next_question(message, 1), 15 * kMinuteMs);
  EXPECT_EQ(next_question(message, 4), 49 * kHourMs);
  EXPECT_EQ(next_question(message, 5), std::nullopt);
}

TEST(DueMessages, QuietHoursHoldWhatIsFarAway) {
  // 22:00 and 06:59 in Riyadh.
  EXPECT_EQ(quiet_until(at("2026-12-01T19:00:00Z")), at("2026-12-02T04:00:00Z").ms);
  EXPECT_EQ(quiet_until(at("2026-12-02T03:59:59Z")), at("2026-12-02T04:00:00Z").ms);
  EXPECT_EQ(quiet_until(at("2026-12-01T18:59:59Z")), std::nullopt);
  EXPECT_EQ(quiet_until(at("2026-12-02T04:00:00Z")), std::nullopt);
  const Session far = planned("2026-12-10T07:00:00Z");
  EXPECT_EQ(what(due_message(far, {}, at("2026-12-01T20:00:00Z"))), "2026-12-02T04:00:00.000Z");
  // An emergency visit at 06:30 in Riyadh, booked at 23:00 and at 05:45.
  const Session early = planned("2026-12-02T03:30:00Z");
  EXPECT_EQ(what(due_message(early, {}, at("2026-12-01T20:00:00Z"))), "2026-12-02T02:30:00.000Z");
  EXPECT_EQ(what(due_message(early, {}, at("2026-12-02T02:45:00Z"))), "booked");
}

// 10:00 in Riyadh, for half an hour.
class AfterTheStart : public testing::Test {
 protected:
  AfterTheStart() {
    is_.schedule.minutes = 30;
    is_.type = SessionType::doctor_patient;
    is_.people.participants = {{.id = "d", .person = "D", .role = PartRole::doctor},
                               {.id = "p", .person = "P", .role = PartRole::patient}};
  }
  std::string due(const char* now, bool came = false, MessageKinds texts = MessageKinds().set()) {
    return what(due_message(is_, told_, at(now), {.came = came, .texts = texts}));
  }
  static MessageKinds without(MessageKind kind) {
    return MessageKinds().set().reset(static_cast<std::size_t>(kind));
  }
  Session is_ = planned("2026-12-10T07:00:00Z");
  std::vector<ToldMessage> told_{
      {.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-01T08:00:00Z").ms},
      {.kind = MessageKind::day_before, .version = 1, .at_ms = at("2026-12-09T07:00:00Z").ms},
      {.kind = MessageKind::soon, .version = 1, .at_ms = at("2026-12-10T06:45:00Z").ms}};
};

TEST_F(AfterTheStart, ALatePatientIsToldOnceThatTheDoctorWaits) {
  EXPECT_EQ(due("2026-12-10T07:05:00Z"), "nothing") << "the doctor has not come either";
  is_.people.participants[0].here = true;
  EXPECT_EQ(due("2026-12-10T06:58:00Z"), "2026-12-10T07:02:00.000Z");
  EXPECT_EQ(due("2026-12-10T07:02:00Z"), "doctor_waits");
  EXPECT_EQ(due("2026-12-10T07:02:00Z", true), "nothing") << "he is there, or was";
  EXPECT_EQ(due("2026-12-10T07:02:00Z", false, without(MessageKind::doctor_waits)), "nothing");
  EXPECT_EQ(due("2026-12-10T07:30:00Z"), "nothing") << "the time of the visit is over";
  is_.status = SessionStatus::active;
  EXPECT_EQ(due("2026-12-10T07:02:00Z"), "doctor_waits");
  EXPECT_EQ(due("2026-12-10T07:02:00Z", true), "over");
  told_.push_back(
      {.kind = MessageKind::doctor_waits, .version = 1, .at_ms = at("2026-12-10T07:02:00Z").ms});
  EXPECT_EQ(due("2026-12-10T07:03:00Z"), "over");
  told_.clear();
  EXPECT_EQ(due("2026-12-10T07:03:00Z"), "over") << "who was told of nothing has no link";
}

TEST_F(AfterTheStart, NobodyHearsTwoMessagesAtOnce) {
  is_.people.participants[0].here = true;
  told_ = {{.kind = MessageKind::booked, .version = 1, .at_ms = at("2026-12-10T07:01:00Z").ms}};
  EXPECT_EQ(due("2026-12-10T07:02:00Z"), "2026-12-10T07:06:00.000Z");
}

TEST_F(AfterTheStart, WhoDidNotComeAndWhoCameInVainAreTold) {
  is_.status = SessionStatus::no_show;
  EXPECT_EQ(due("2026-12-10T07:45:00Z"), "missed");
  EXPECT_EQ(due("2026-12-10T07:45:00Z", true), "not_held");
  EXPECT_EQ(due("2026-12-10T20:00:00Z"), "2026-12-11T04:00:00.000Z") << "not at night";
  EXPECT_EQ(due("2026-12-11T07:00:01Z"), "over") << "a day later";
  EXPECT_EQ(due("2026-12-10T07:45:00Z", false, without(MessageKind::missed)), "over");
  EXPECT_EQ(due("2026-12-10T07:45:00Z", true, without(MessageKind::missed)), "not_held");
  told_.push_back(
      {.kind = MessageKind::missed, .version = 1, .at_ms = at("2026-12-10T07:45:00Z").ms});
  EXPECT_EQ(due("2026-12-10T07:46:00Z"), "over");
  told_.clear();
  EXPECT_EQ(due("2026-12-10T07:45:00Z"), "over") << "who was told of nothing misses nothing";
}

// 10:00 in Riyadh, for half an hour, booked by the hospital.
class ForStaff : public testing::Test {
 protected:
  ForStaff() {
    is_.schedule.minutes = 30;
    is_.people.participants = {{.id = "d", .person = "D", .role = PartRole::doctor},
                               {.id = "p", .person = "P", .role = PartRole::patient}};
    hearer_.patience_ms = 5 * kMinuteMs;
  }
  std::string due(const char* now) {
    const DueStaff staff = due_for_staff(is_, told_, at(now), hearer_);
    if (staff.now) return std::string(to_string(*staff.now));
    if (staff.next_ms) return to_iso8601({*staff.next_ms});
    return staff.over ? "over" : "nothing";
  }
  Session is_ = planned("2026-12-10T07:00:00Z");
  std::vector<ToldStaff> told_;
  StaffHearer hearer_;
};

TEST_F(ForStaff, ANewAMovedAndACancelledVisitAreToldOnceEach) {
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "staff_new");
  EXPECT_EQ(due("2026-12-01T20:00:00Z"), "2026-12-02T04:00:00.000Z") << "not at night";
  EXPECT_EQ(due("2026-12-10T07:00:00Z"), "nothing") << "it has begun";
  told_ = {{.message = StaffMessage::added, .version = 1}};
  EXPECT_EQ(due("2026-12-01T08:00:01Z"), "nothing");
  is_.schedule.version = 2;
  EXPECT_EQ(due("2026-12-01T08:00:01Z"), "staff_moved");
  told_.push_back({.message = StaffMessage::moved, .version = 2});
  EXPECT_EQ(due("2026-12-01T08:00:02Z"), "nothing");
  is_.status = SessionStatus::cancelled;
  EXPECT_EQ(due("2026-12-01T08:00:03Z"), "staff_cancelled");
  told_.push_back({.message = StaffMessage::cancelled, .version = 2});
  EXPECT_EQ(due("2026-12-01T08:00:04Z"), "over");
  told_.clear();
  EXPECT_EQ(due("2026-12-01T08:00:04Z"), "over") << "who was told of nothing misses nothing";
}

TEST_F(ForStaff, AVisitThatWasOpenedToBeRefusedIsNoNews) {
  is_.payers.billing = Json::object({{"refused", true}});
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "nothing");
  is_.status = SessionStatus::cancelled;
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "over");
}

TEST_F(ForStaff, ADoctorWhoseVisitMovesToAnotherHearsOnceThatItIsCalledOff) {
  told_ = {{.message = StaffMessage::added, .version = 1}};
  is_.schedule.version = 2;
  is_.schedule.set_since_ms = is_.schedule.set_ms = at("2026-12-01T08:00:00Z").ms;
  EXPECT_EQ(due("2026-12-01T08:00:01Z"), "2026-12-01T08:00:10.000Z") << "more may change";
  hearer_.gone = true;
  is_.schedule.set_ms = at("2026-12-01T08:00:02Z").ms;
  EXPECT_EQ(due("2026-12-01T08:00:11Z"), "2026-12-01T08:00:12.000Z");
  EXPECT_EQ(due("2026-12-01T08:00:12Z"), "staff_cancelled");
  is_.schedule.set_ms = at("2026-12-01T08:00:12Z").ms;
  is_.status = SessionStatus::cancelled;
  EXPECT_EQ(due("2026-12-01T08:00:13Z"), "staff_cancelled") << "at once";
}

TEST_F(ForStaff, WhoOpenedAVisitKnowsOfItAndANewDoctorHearsOfAMovedOne) {
  is_.schedule.version = 2;
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "staff_new") << "he was told of no earlier time";
  hearer_.opened_it = true;
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "staff_moved");
  is_.schedule.version = 1;
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "nothing");
}

TEST_F(ForStaff, AVisitThatWasGivenToAnotherIsCalledOffForWhoKnewOfIt) {
  hearer_.gone = true;
  EXPECT_EQ(due("2026-12-01T08:00:00Z"), "nothing") << "he never heard of it";
  told_ = {{.message = StaffMessage::added, .version = 1}};
  EXPECT_EQ(due("2026-12-01T20:00:00Z"), "2026-12-02T04:00:00.000Z") << "not at night";
  EXPECT_EQ(due("2026-12-02T08:00:00Z"), "staff_cancelled");
  told_.push_back({.message = StaffMessage::cancelled, .version = 1});
  EXPECT_EQ(due("2026-12-02T08:00:01Z"), "nothing") << "once";
  is_.schedule.version = 2;
  EXPECT_EQ(due("2026-12-02T08:00:01Z"), "staff_cancelled") << "he may have had it back meanwhile";
  told_.clear();
  hearer_.opened_it = true;
  EXPECT_EQ(due("2026-12-02T08:00:01Z"), "staff_cancelled") << "he opened it himself";
  is_.people.participants[1].here = true;
  is_.people.participants[1].came_ms = at("2026-12-10T06:50:00Z").ms;
  EXPECT_EQ(due("2026-12-10T07:20:00Z"), "nothing") << "the patient waits for another";
}

TEST_F(ForStaff, ADoctorIsToldOfAPatientWhoWaitsSinceMinutes) {
  told_ = {{.message = StaffMessage::added, .version = 1}};
  Participant& patient = is_.people.participants[1];
  patient.here = true;
  patient.came_ms = at("2026-12-10T06:50:00Z").ms;
  EXPECT_EQ(due("2026-12-10T06:51:00Z"), "2026-12-10T07:05:00.000Z") << "nobody is late yet";
  EXPECT_EQ(due("2026-12-10T07:05:00Z"), "staff_waits");
  patient.came_ms = at("2026-12-10T07:03:00Z").ms;
  EXPECT_EQ(due("2026-12-10T07:05:00Z"), "2026-12-10T07:08:00.000Z");
  hearer_.texts.reset(static_cast<std::size_t>(StaffMessage::waits));
  EXPECT_EQ(due("2026-12-10T07:08:00Z"), "nothing");
  hearer_.texts.set();
  hearer_.came = true;
  EXPECT_EQ(due("2026-12-10T07:08:00Z"), "nothing") << "the doctor is there";
  hearer_.came = false;
  told_.push_back({.message = StaffMessage::waits, .version = 1});
  EXPECT_EQ(due("2026-12-10T07:08:00Z"), "nothing") << "once";
}

TEST(MessageTexts, APlaceThatIsNotKnownIsNamed) {
  EXPECT_TRUE(check_template("{hospital} {time} {link} {phone}").ok());
  const Status wrong = check_template("{hospital}: {clinic}");
  ASSERT_FALSE(wrong.ok());
  EXPECT_NE(wrong.error().message.find("{clinic}"), std::string::npos);
  EXPECT_FALSE(check_template("{link").ok());
  EXPECT_EQ(fill_template("{hospital}: {time}.", {{"hospital", "Oasis"}, {"time", "10:00"}}),
            "Oasis: 10:00.");
}

TEST(MessageTexts, ATimeHasItsPlaceAndBothCalendars) {
  const Timestamp time = at("2026-12-01T07:00:00Z");
  EXPECT_EQ(time_text(time, "en"), "2026-12-01 10:00 KSA time (1448-06-21 AH)");
  EXPECT_NE(time_text(time, "ar").find("2026-12-01 الساعة 10:00 بتوقيت المملكة"),
            std::string::npos);
}

// The shipped texts leave by the channel as docs/invitations.md has it configured.
TEST(MessageTexts, NoTextHoldsWhatTheChannelKeepsBack) {
  const char* const root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_NE(root, nullptr);
  phi::PolicyRules rules = phi::default_rules();
  rules.of(phi::Channel::notify).allow["text"] = {phi::Class::date, phi::Class::phone};
  const phi::Policy policy(rules, test::must(phi::Detector::make({})));
  const std::map<std::string, std::string> hospitals{{"ar", "مستشفى الواحة"},
                                                     {"en", "Oasis Hospital"}};
  std::size_t texts = 0;
  for (const auto& [language, hospital] : hospitals) {
    std::ifstream in(std::string(root) + "/config/messages/" + language + ".yaml");
    for (std::string line; std::getline(in, line);) {
      const auto at = line.find(": '");
      if (line.starts_with("#") || at == std::string::npos) continue;
      const std::string text = fill_template(
          line.substr(at + 3, line.size() - at - 4),
          {{"hospital", hospital},
           {"phone", "+966112345678"},
           {"time", time_text(test::must(parse_iso8601("2026-11-29T11:03:00Z")), language)},
           {"link", "https://visit.example.sa/i#kQ7mZp2vXc9LdRtY4wBn8A"},
           {"code", "482913"},
           {"count", "12"}});
      const auto left = policy.document(phi::Channel::notify, Json::object({{"text", text}}), {});
      EXPECT_TRUE(left.ok()) << text << "\n" << (left.ok() ? "" : left.error().message);
      ++texts;
    }
  }
  EXPECT_EQ(texts, 2 * message_templates().size()) << "every text is shipped in both languages";
}

class Messages : public SessionHouse {
 protected:
  void SetUp() override {
    public_url_ = "https://hub.example.sa";
    house_.name = {{"ar", "مستشفى الواحة"}, {"en", "Oasis Hospital"}};
    for (const char* language : {"ar", "en"}) {
      for (const MessageTemplate& message_template : message_templates()) {
        const std::string name(message_template.name);
        house_.texts[language][name] =
            std::string(language) + " " + name + " {hospital} {time} {link}";
      }
    }
    provider_.notifies = true;
    clock_.set(at("2026-12-01T08:00:00Z"));
    SessionHouse::SetUp();
    messenger_ = std::make_unique<Messenger>(sessions_->acts, sessions_->Sessions::invitations);
    people_.set(patient_, "phone", "0551234567");
    people_.set(patient_, "language", "en");
    session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-10T07:00:00Z")));
  }
  void TearDown() override {
    messenger_.reset();
    SessionHouse::TearDown();
  }
  Json tell(const char* call = "call") {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.session = session_;
    ask.caller.key = call;
    return must(messenger_->tell(ask.caller, {.session = ask.session}));
  }
  // After a change of the visit, which waits for further ones.
  Json tell_settled(const char* call = "call") {
    clock_.advance_ms(kPlanSettlesMs);
    return tell(call);
  }
  // The gateway takes messages as G-1, G-2, ...
  void gateway_takes() {
    provider_.answer = [this](const plugin::CallRequest& call) {
      if (call.action != "our-send-sms") return provider_.usual(call);
      return Provider::done_with(
          Json::object({{"messageId", "G-" + std::to_string(++taken_)}, {"status", "accepted"}}));
    };
  }
  void report(const std::string& what, const std::string& id) {
    must(MessageReports(sessions_->acts)
             .take(Json::object({{"type", "org.rabt.notify.message-" + what + ".v1"},
                                 {"source", "urn:rabt:gateway:sms"},
                                 {"data", Json::object({{"messageId", id}})}})));
  }
  // A gateway that reports about a message before it answers.
  void gateway_reports_at_once(std::vector<std::string> reports) {
    provider_.answer = [this, reports = std::move(reports)](const plugin::CallRequest& call) {
      if (call.action != "our-send-sms") return provider_.usual(call);
      const std::string id = "G-" + std::to_string(++taken_);
      for (const std::string& what : reports) report(what, id);
      return Provider::done_with(Json::object({{"messageId", id}, {"status", "accepted"}}));
    };
  }
  // Reports that are kept for messages which nobody knows yet.
  std::int64_t kept() {
    static constexpr store::Statement kKept{
        "SELECT COUNT(*) FROM early_report WHERE tenant = 't1' AND message LIKE 'G-%'"};
    return test::number_of(*store_, kKept);
  }
  // Outcome of the message of this kind after the gateway reported about one.
  std::string reported(const std::string& what, const std::string& id,
                       const std::string& kind = "booked") {
    report(what, id);
    return outcome(kind);
  }
  std::string outcome(const std::string& kind = "booked") {
    static constexpr store::Statement kOutcome{
        "SELECT outcome FROM session_message WHERE tenant = 't1' AND session = $1 AND kind = $2"};
    std::string found;
    must(store_->read([&](store::Connection& connection) {
      return connection.query(kOutcome, {session_, kind}, [&](const store::Row& row) {
        found = row.text(0);
        return true;
      });
    }));
    return found;
  }
  std::vector<plugin::CallRequest> sent() { return provider_.calls("our-send-sms"); }

  std::unique_ptr<Messenger> messenger_;
  std::string session_;
  int taken_ = 0;
};

TEST_F(Messages, ThePatientIsToldOnceWithTheLinkOfTheVisit) {
  const Json answer = tell();
  ASSERT_EQ(sent().size(), 1U);
  const Json arguments = sent()[0].arguments;
  EXPECT_EQ(arguments.string_or("to", ""), "+966551234567");
  EXPECT_EQ(arguments.string_or("language", ""), "en");
  const std::string text = arguments.string_or("text", "");
  EXPECT_TRUE(text.starts_with("en booked Oasis Hospital 2026-12-10 10:00 KSA time")) << text;
  const auto link = text.find("https://hub.example.sa/i#");
  ASSERT_NE(link, std::string::npos);
  const std::string code_text = text.substr(link + 25);
  EXPECT_EQ(code_text.size(), 26U);
  EXPECT_EQ(answer.dump().find(code_text), std::string::npos) << "no workflow has the code";
  EXPECT_EQ(answer["over"], Json(false));
  EXPECT_EQ(answer["waitSeconds"], Json((24 * 8 - 1) * 3600)) << "until a day before";
  (void)tell();
  EXPECT_EQ(sent().size(), 1U);
  Ask nobody;
  nobody.caller.who.tenant = "t1";
  nobody.body = Json::object({{"code", code_text}});
  EXPECT_EQ(code(sessions_->guests.enter(nobody, {})), "ok");
  clock_.set(at("2026-12-09T07:00:00Z"));
  (void)tell();
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_NE(sent()[1].arguments.string_or("text", "").find(code_text), std::string::npos)
      << "a reminder has the same link";
}

TEST_F(Messages, WhoWantsNoRemindersIsToldWhatIsDueWithinTheHourAndEveryChange) {
  people_.set(patient_, "reminders", false);
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"sent"}])");
  clock_.set(at("2026-12-09T07:00:00Z"));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"day_before","outcome":"declined"}])");
  EXPECT_EQ(tell()["told"].dump(), "[]") << "once";
  ASSERT_EQ(sent().size(), 1U);
  clock_.set(at("2026-12-10T06:45:00Z"));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"soon","outcome":"sent"}])");
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  EXPECT_EQ(tell_settled()["told"].dump(), R"([{"kind":"moved","outcome":"sent"}])");
  must(sessions_->life.cancel(as(doctor_, session_, Json::object({{"reason", "ill"}}))));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"cancelled","outcome":"sent"}])");
  store_->flush();
  bool noted = false;
  for (const auto& entry : must(audit::read_page(*audit_, {}, 200)).entries)
    noted = noted || (entry.entry.act == "participant.told" &&
                      entry.entry.detail.string_or("outcome", "") == "declined");
  EXPECT_TRUE(noted) << "the log says why nothing was sent";
}

TEST_F(Messages, AMovedAndACancelledVisitAreTold) {
  (void)tell();
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  (void)tell_settled();
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_TRUE(sent()[1]
                  .arguments.string_or("text", "")
                  .starts_with("en moved Oasis Hospital 2026-12-12 10:00"));
  must(sessions_->life.cancel(as(doctor_, session_, Json::object({{"reason", "ill"}}))));
  EXPECT_EQ(tell()["over"], Json(true));
  ASSERT_EQ(sent().size(), 3U);
  EXPECT_TRUE(sent()[2].arguments.string_or("text", "").starts_with("en cancelled"));
}

TEST_F(Messages, AVisitInPersonIsToldWithTheTimeAndWithoutALink) {
  (void)tell();
  must(sessions_->Sessions::life.cancel(
      caller_of_hub("t1", "workflow"),
      CancelSession{.session = session_, .cause = std::string(kInPerson)}));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"in_person","outcome":"sent"}])");
  const std::string text = sent().back().arguments.string_or("text", "");
  EXPECT_TRUE(text.starts_with("en in_person Oasis Hospital 2026-12-10 10:00")) << text;
  EXPECT_EQ(text.find("/i#"), std::string::npos);
}

TEST_F(Messages, ATelephoneThatIsNoneIsSentNothing) {
  people_.set(patient_, "phone", "ask the ward");
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"no_phone"}])");
  EXPECT_TRUE(sent().empty());
  EXPECT_EQ(outcome(), "no_phone");
}

TEST_F(Messages, ThePatientHearsThatTheVisitWasGivenToAnotherDoctor) {
  (void)tell();
  clock_.set(at("2026-12-02T08:00:00Z"));
  must(sessions_->life.assign(as_admin(session_, Json::object({{"provider", doctor2_}}))));
  EXPECT_EQ(tell_settled()["told"].dump(), R"([{"kind":"other_doctor","outcome":"sent"}])");
  const std::string text = sent().back().arguments.string_or("text", "");
  EXPECT_TRUE(text.starts_with("en other_doctor Oasis Hospital 2026-12-10 10:00")) << text;
  EXPECT_EQ(text.find("Dr Two"), std::string::npos);
  EXPECT_EQ(tell()["told"].dump(), "[]") << "once";
  must(sessions_->life.change(
      as_admin(session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  EXPECT_EQ(tell_settled()["told"].dump(), R"([{"kind":"moved","outcome":"sent"}])")
      << "the news of a new time say nothing of doctors";
}

// Symptom: a patient whose visit got another time and another doctor heard of both, one after the
// other. Cause: the hospital's word is two acts, and the message left between them on a slow
// machine. Caught by: a message that is asked for between the acts, and a hub that starts anew.
TEST_F(Messages, AnotherTimeAndAnotherDoctorAreOneMessage) {
  (void)tell();
  clock_.set(at("2026-12-02T08:00:00Z"));
  must(sessions_->life.change(
      as_admin(session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  clock_.advance_ms(7'000);
  const Json between = tell();
  EXPECT_EQ(between["told"].dump(), "[]");
  EXPECT_EQ(between["waitSeconds"], Json(3));
  must(sessions_->life.assign(as_admin(session_, Json::object({{"provider", doctor2_}}))));
  clock_.advance_ms(3'000);
  messenger_.reset();
  close();
  open();
  messenger_ = std::make_unique<Messenger>(sessions_->acts, sessions_->Sessions::invitations);
  const Json again = tell();
  EXPECT_EQ(again["told"].dump(), "[]") << "the second change counts, after a restart, too";
  EXPECT_EQ(again["waitSeconds"], Json(7));
  clock_.advance_ms(7'000);
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"moved","outcome":"sent"}])");
  EXPECT_EQ(tell_settled()["told"].dump(), "[]") << "no word of another doctor";
}

TEST_F(Messages, ThePatientWhoIsLateIsCalledAndHearsThatHeMissedTheVisit) {
  (void)tell();
  clock_.set(at("2026-12-10T06:59:00Z"));
  (void)tell();
  must(sessions_->entry.join(as(doctor_, session_)));
  EXPECT_EQ(tell()["waitSeconds"], Json(300)) << "five minutes after the reminder";
  clock_.set(at("2026-12-10T07:04:00Z"));
  (void)tell();
  ASSERT_EQ(sent().size(), 3U);
  const std::string text = sent()[2].arguments.string_or("text", "");
  EXPECT_TRUE(text.starts_with("en doctor_waits")) << text;
  EXPECT_NE(text.find("/i#"), std::string::npos) << "with the link";
  clock_.set(at("2026-12-10T09:00:00Z"));
  ASSERT_TRUE(eventually([&] {
    return must(sessions_->reading.get(as(doctor_, session_)))["status"] == Json("no_show");
  }));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"missed","outcome":"sent"}])");
  EXPECT_EQ(sent()[3].arguments.string_or("text", "").find("/i#"), std::string::npos);
}

TEST_F(Messages, ALinkThatSomebodyTookBackIsNotSentOnceMore) {
  (void)tell();
  const Json sent_links = must(sessions_->invitations.list(as(doctor_, session_)));
  Ask revoke = as(doctor_, session_);
  revoke.record = sent_links["items"].item(0).string_or("id", "");
  must(sessions_->invitations.revoke(revoke));
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  EXPECT_EQ(tell_settled()["told"].item(0).string_or("outcome", ""), "no_link");
  EXPECT_EQ(sent().size(), 1U);
}

TEST_F(Messages, AGatewayThatDoesNotAnswerIsTriedAgainUnderTheSameKey) {
  provider_.answer = [](const plugin::CallRequest& /*call*/) {
    return plugin::failed(workflow::OutcomeKind::transient, "sms.busy", "later");
  };
  Ask ask = ask_of_hub("t1", "workflow");
  ask.session = session_;
  EXPECT_EQ(code(messenger_->tell(ask.caller, {.session = ask.session})), "message.not_sent");
  provider_.answer = [this](const plugin::CallRequest& call) { return provider_.usual(call); };
  (void)tell();
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_EQ(sent()[0].idempotency_key, sent()[1].idempotency_key);
}

// Symptom: a patient heard neither of the visit nor of its time any more, and the desk neither.
// Cause: a message whose answer the gateway lost was tried for ever, and the next ones waited.
// Caught by: a gateway that loses answers.
TEST_F(Messages, AMessageAboutTimeWhoseAnswerWasLostIsSentOnceMoreAndTheNextOnesGoOn) {
  provider_.answer = [](const plugin::CallRequest& /*call*/) {
    return plugin::failed(workflow::OutcomeKind::ambiguous, "notify.failed", "no answer");
  };
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"unknown","again":true}])");
  ASSERT_EQ(sent().size(), 2U);
  EXPECT_NE(sent()[0].idempotency_key, sent()[1].idempotency_key);
  EXPECT_EQ(sent()[0].arguments.string_or("text", ""), sent()[1].arguments.string_or("text", ""));
  provider_.answer = [this](const plugin::CallRequest& call) { return provider_.usual(call); };
  clock_.set(at("2026-12-09T07:00:01Z"));
  EXPECT_EQ(tell()["told"].item(0).string_or("kind", ""), "day_before");
  EXPECT_EQ(sent().size(), 3U);
}

TEST_F(Messages, AMessageWhoseAnswerWasLostIsAskedForBeforeItIsSentOnceMore) {
  provider_.answer = [](const plugin::CallRequest& /*call*/) {
    return plugin::failed(workflow::OutcomeKind::ambiguous, "notify.failed", "no answer");
  };
  provider_.effect = [this](const plugin::CallRequest& call) {
    // The gateway knows the message by its key once it has been sent.
    const auto known = sent();
    const bool has = std::any_of(known.begin(), known.end(), [&](const auto& one) {
      return one.idempotency_key == call.idempotency_key;
    });
    return plugin::ProbeAnswer{
        .effect = has ? plugin::ProbeAnswer::Effect::yes : plugin::ProbeAnswer::Effect::no,
        .output = Json::object({{"messageId", "G-1"}})};
  };
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"sent"}])");
  EXPECT_EQ(sent().size(), 1U);
  EXPECT_EQ(reported("failed", "G-1"), "undelivered") << "its id is known, too";
}

TEST_F(Messages, AMessageThatSaysNoTimeIsNotSentOnceMore) {
  (void)tell();
  clock_.set(at("2026-12-10T06:59:00Z"));
  (void)tell();
  must(sessions_->entry.join(as(doctor_, session_)));
  provider_.answer = [](const plugin::CallRequest& /*call*/) {
    return plugin::failed(workflow::OutcomeKind::ambiguous, "notify.failed", "no answer");
  };
  clock_.set(at("2026-12-10T07:04:00Z"));
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"doctor_waits","outcome":"unknown"}])");
  EXPECT_EQ(sent().size(), 3U);
}

TEST_F(Messages, AMessageThatTheGatewayTookAndRefusedAtOnceFailed) {
  provider_.answer = [](const plugin::CallRequest& /*call*/) {
    return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "failed"}}));
  };
  EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"failed"}])");
}

TEST_F(Messages, AReportChangesTheOutcomeOnceAndTheDeskIsTold) {
  gateway_takes();
  (void)tell();
  EXPECT_EQ(reported("failed", "G-9"), "sent") << "nobody's message";
  EXPECT_EQ(reported("failed", "G-1"), "undelivered");
  EXPECT_EQ(reported("failed", "G-1"), "undelivered") << "twice";
  ASSERT_TRUE(eventually([&] { return told("message-undelivered").size() == 1; }));
  const Json event = told("message-undelivered").at(0);
  EXPECT_EQ(event["data"].string_or("kind", ""), "booked");
  EXPECT_EQ(event["data"].string_or("session", ""), session_);
  EXPECT_EQ(event.dump().find("551234567"), std::string::npos) << event.dump();
  EXPECT_EQ(tell("call-1")["told"].dump(), R"([{"kind":"booked","outcome":"undelivered"}])");
  EXPECT_EQ(tell("call-1")["told"].dump(), R"([{"kind":"booked","outcome":"undelivered"}])")
      << "the same call, after a crash";
  EXPECT_EQ(tell("call-2")["told"].dump(), "[]") << "the desk knows";
  store_->flush();
  std::int64_t noted = 0;
  for (const auto& entry : must(audit::read_page(*audit_, {}, 200)).entries)
    noted += entry.entry.act == "participant.told" &&
                     entry.entry.detail.string_or("outcome", "") == "undelivered"
                 ? 1
                 : 0;
  EXPECT_EQ(noted, 1);
  EXPECT_EQ(reported("delivered", "G-1"), "delivered") << "it came after all";
}

// Symptom: a message did not arrive, and nobody called the patient. Cause: the report came while
// the gateway's answer was on its way, fitted no message, and was dropped. Caught by: a gateway
// that reports before it answers.
TEST_F(Messages, AReportThatComesBeforeTheGatewaysAnswerCounts) {
  gateway_reports_at_once({"failed"});
  EXPECT_EQ(tell("call-1")["told"].dump(),
            R"([{"kind":"booked","outcome":"sent"},{"kind":"booked","outcome":"undelivered"}])");
  EXPECT_EQ(outcome(), "undelivered");
  ASSERT_TRUE(eventually([&] { return told("message-undelivered").size() == 1; }));
  EXPECT_EQ(kept(), 0) << "it is not needed any more";
  EXPECT_EQ(tell("call-2")["told"].dump(), "[]") << "the desk knows";
  EXPECT_EQ(reported("delivered", "G-1"), "delivered");
}

TEST_F(Messages, OfTwoEarlyReportsTheOneThatItArrivedCounts) {
  for (const bool first : {true, false}) {
    if (!first) session_ = id_of(made(with(plain(), "scheduledStart", "2026-12-11T07:00:00Z")));
    gateway_reports_at_once(first ? std::vector<std::string>{"failed", "delivered"}
                                  : std::vector<std::string>{"delivered", "failed"});
    EXPECT_EQ(tell()["told"].dump(), R"([{"kind":"booked","outcome":"sent"}])");
    EXPECT_EQ(outcome(), "delivered");
  }
}

TEST_F(Messages, AnEarlyReportIsKeptForADay) {
  report("failed", "G-1");
  clock_.advance_ms(24LL * 3'600'000 + 1);
  gateway_takes();
  (void)tell();
  EXPECT_EQ(outcome(), "sent") << "another message of this id, or a gateway that begins anew";
  report("failed", "G-2");
  EXPECT_EQ(kept(), 1) << "the old one is gone";
}

TEST_F(Messages, OfTheEarlyReportsOfAGatewayTheNewestAreKept) {
  static constexpr store::Statement kPut{
      "INSERT INTO early_report (tenant, message, gateway, delivered, at_ms) VALUES ('t1', $1, $2, "
      "0, $3)"};
  const std::int64_t before = clock_.now().ms - 10'000;
  must(store_->write([&](store::Transaction& transaction) -> Status {
    for (std::int64_t i = 0; i < limits::kMaxEarlyReports; ++i) {
      const std::string id = "G-" + std::to_string(i);
      RABT_TRY_STATUS(store::run(transaction, kPut, {id, "urn:rabt:gateway:sms", before + i}));
    }
    return store::run(transaction, kPut, {"G-mail", "urn:rabt:gateway:email", before - 1});
  }));
  report("failed", "G-new");
  EXPECT_EQ(kept(), limits::kMaxEarlyReports + 1) << "with the one of the other gateway";
  report("failed", std::string(201, 'G'));
  EXPECT_EQ(kept(), limits::kMaxEarlyReports + 1) << "no id of a gateway";
}

// The desk is not asked to call a patient who knows.
class DeskCalls : public Messages {
 protected:
  void SetUp() override {
    Messages::SetUp();
    desk_tasks_ = std::make_unique<const Tasks>(
        Tasks::Parts{*store_, *audit_, *keys_, people_, *reasons_, clock_, random_, ids_, "t1"});
    desk_person_ = somebody({identity::Role::desk}, {{"name", "Sara"}});
    gateway_takes();
    (void)tell();
    EXPECT_EQ(reported("failed", "G-1"), "undelivered");
  }
  // As workflows/messages.yaml does it.
  std::string asked(Json item, const std::string& title = "patient.not-told") {
    NewTask wanted;
    wanted.task.kind = "call";
    wanted.task.title = title;
    wanted.task.role = "desk";
    wanted.task.object_type = "session";
    wanted.task.object = session_;
    wanted.content.data = Json::object({{"told", std::move(item)}});
    wanted.content.schema = form_of({"called", "not-reached"});
    wanted.call = "call-" + std::to_string(++asked_);
    return must(desk_tasks_->open(wanted)).task.id;
  }
  TaskRow task(const std::string& id) {
    return must(desk_tasks_->find(as(desk_person_).caller.who, id));
  }
  std::string desk_person_;
  int asked_ = 0;
};

TEST_F(DeskCalls, ATaskIsClosedWhenTheMessageArrivesAfterAll) {
  const Json item = tell("call-1")["told"];
  const std::string id = asked(item);
  const std::string other = asked(item, "visit.not-held");
  EXPECT_EQ(reported("delivered", "G-1"), "delivered");
  const TaskRow closed = task(id);
  EXPECT_EQ(closed.task.state, "cancelled");
  EXPECT_EQ(closed.task.decided_by, "node:tasks");
  EXPECT_EQ(must(desk_tasks_->content(closed)).answer.dump(), R"({"why":"message.delivered"})");
  EXPECT_EQ(task(other).task.state, "open") << "it asks something else";
  store_->flush();
  std::vector<std::string> why;
  for (const auto& entry : must(audit::read_page(*audit_, {.object = "task:" + id}, 10)).entries) {
    if (entry.entry.act == "task.cancelled") why.push_back(entry.entry.detail.string_or("why", ""));
  }
  EXPECT_EQ(why, std::vector<std::string>{"message.delivered"});
}

TEST_F(DeskCalls, ATaskThatSomebodyHasTakenStaysHis) {
  const Json item = tell("call-1")["told"];
  const std::string claimed = asked(item);
  const std::string decided = asked(item);
  must(desk_tasks_->claim(as(desk_person_).caller, claimed));
  must(desk_tasks_->decide(as(desk_person_).caller, decided, Json::object({{"outcome", "called"}}),
                           ""));
  EXPECT_EQ(reported("delivered", "G-1"), "delivered");
  EXPECT_EQ(task(claimed).task.state, "claimed");
  EXPECT_EQ(task(decided).task.state, "done");
}

TEST_F(DeskCalls, ATaskWaitsForAllMessagesThatItNames) {
  const std::string id = asked(tell("call-1")["told"]);
  const std::string two =
      asked(Json::array({Json::object({{"kind", "booked"}, {"outcome", "undelivered"}}),
                         Json::object({{"kind", "moved"}, {"outcome", "failed"}})}));
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  (void)tell_settled("call-2");
  EXPECT_EQ(reported("failed", "G-2", "moved"), "undelivered");
  const std::string moved = asked(tell("call-3")["told"]);
  EXPECT_EQ(reported("delivered", "G-1"), "delivered");
  EXPECT_EQ(task(id).task.state, "cancelled");
  EXPECT_EQ(task(two).task.state, "open") << "another message failed";
  EXPECT_EQ(task(moved).task.state, "open") << "of the new time nobody has told him";
  EXPECT_EQ(reported("delivered", "G-2", "moved"), "delivered");
  EXPECT_EQ(task(moved).task.state, "cancelled");
}

TEST_F(Messages, AReportThatComesOutOfOrderChangesNothing) {
  gateway_takes();
  (void)tell();
  EXPECT_EQ(reported("delivered", "G-1"), "delivered");
  EXPECT_EQ(reported("failed", "G-1"), "delivered");
  EXPECT_EQ(tell("call-1")["told"].dump(), "[]");
  EXPECT_TRUE(told("message-undelivered").empty());
}

TEST_F(Messages, AMessageOfAnEarlierTimeThatDidNotArriveAsksNobody) {
  gateway_takes();
  (void)tell();
  must(sessions_->life.change(
      as(doctor_, session_, Json::object({{"scheduledStart", "2026-12-12T07:00:00Z"}}))));
  EXPECT_EQ(tell_settled("call-1")["told"].dump(), R"([{"kind":"moved","outcome":"sent"}])");
  EXPECT_EQ(reported("failed", "G-1"), "undelivered") << "the log says so";
  EXPECT_EQ(tell("call-2")["told"].dump(), "[]");
}

TEST_F(Messages, AReminderThatIsReportedTooLateAsksNobody) {
  gateway_takes();
  (void)tell();
  clock_.set(at("2026-12-10T06:45:00Z"));
  (void)tell();
  EXPECT_EQ(reported("failed", "G-2", "soon"), "undelivered");
  clock_.set(at("2026-12-10T07:11:00Z"));
  EXPECT_EQ(tell("call-1")["told"].dump(), "[]");
}

TEST_F(Messages, TheGatewayIsAskedWhereNoReportComes) {
  provider_.served.insert("our-get-message");
  std::string status = "accepted";
  provider_.answer = [&](const plugin::CallRequest& call) {
    if (call.action == "our-get-message")
      return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", status}}));
    return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "accepted"}}));
  };
  EXPECT_EQ(tell()["waitSeconds"], Json(120));
  clock_.set(at("2026-12-01T08:02:00Z"));
  EXPECT_EQ(tell()["waitSeconds"], Json(13 * 60));
  ASSERT_EQ(provider_.calls("our-get-message").size(), 1U);
  EXPECT_EQ(provider_.calls("our-get-message")[0].arguments.dump(), R"({"messageId":"G-1"})");
  status = "failed";
  clock_.set(at("2026-12-01T08:15:00Z"));
  const Json answer = tell("call-1");
  EXPECT_EQ(answer["told"].dump(), R"([{"kind":"booked","outcome":"undelivered"}])");
  EXPECT_EQ(answer["waitSeconds"], Json((24 * 8 - 1) * 3600 - 15 * 60)) << "the reminder is next";
  ASSERT_TRUE(eventually([&] { return told("message-undelivered").size() == 1; }));
}

TEST_F(Messages, AGatewayThatCannotSayIsAskedFiveTimes) {
  provider_.served.insert("our-get-message");
  provider_.answer = [&](const plugin::CallRequest& call) {
    if (call.action == "our-get-message")
      return plugin::failed(workflow::OutcomeKind::permanent, "notify.unknown_message", "no");
    return Provider::done_with(Json::object({{"messageId", "G-1"}, {"status", "accepted"}}));
  };
  (void)tell();
  for (int i = 0; i < 20; ++i) {
    clock_.advance_ms(3 * kHourMs);
    (void)tell();
  }
  EXPECT_EQ(provider_.calls("our-get-message").size(), 5U);
}

TEST_F(Messages, AVisitThatWasCalledOffIsFollowedWhileTheMessageIsOfUse) {
  gateway_takes();
  (void)tell();
  must(sessions_->life.cancel(as(doctor_, session_, Json::object({{"reason", "ill"}}))));
  const Json answer = tell();
  EXPECT_EQ(answer["told"].dump(), R"([{"kind":"cancelled","outcome":"sent"}])");
  EXPECT_EQ(answer["over"], Json(false)) << "a report may come";
  EXPECT_EQ(reported("failed", "G-2", "cancelled"), "undelivered");
  const Json next = tell("call-1");
  EXPECT_EQ(next["told"].dump(), R"([{"kind":"cancelled","outcome":"undelivered"}])");
  EXPECT_EQ(next["over"], Json(true));
}

// Whoever can book could read what goes to the telephone of a booking.
TEST_F(Messages, NobodyIsToldByTheTelephoneOfABooking) {
  Ask by_hub = ask_of_hub("t1", "workflow");
  by_hub.body = Json::object(
      {{"type", "doctor_patient"},
       {"provider", doctor_},
       {"scheduledStart", "2026-12-11T07:00:00Z"},
       {"participants",
        Json::array({Json::object({{"role", "patient"}, {"phone", "+966500000001"}})})}});
  session_ = id_of(must(sessions_->creation.create(by_hub)));
  const Json answer = tell();
  EXPECT_EQ(answer["told"].item(0).string_or("outcome", ""), "no_phone");
  EXPECT_TRUE(sent().empty());
}

TEST_F(Messages, NobodyIsToldWithoutTheRoleNotify) {
  provider_.notifies = false;
  EXPECT_EQ(tell()["over"], Json(true));
  EXPECT_TRUE(sent().empty());
}

TEST_F(Messages, ADoctorIsToldOfAVisitThatTheHospitalBooked) {
  people_.set(doctor_, "phone", "0559876543");
  Ask by_hub = ask_of_hub("t1", "workflow");
  by_hub.body = Json::object({{"type", "doctor_patient"},
                              {"provider", doctor_},
                              {"patient", patient_},
                              {"scheduledStart", "2026-12-11T07:00:00Z"}});
  TellDoctors visit{.session = id_of(must(sessions_->creation.create(by_hub))),
                    .patience_seconds = 300};
  const Json item = must(messenger_->tell_doctors(visit));
  EXPECT_EQ(item["told"].item(0).string_or("kind", ""), "staff_new") << item.dump();
  EXPECT_EQ(item["told"].item(0).string_or("outcome", ""), "sent");
  EXPECT_EQ(item["over"], Json(false));
  EXPECT_EQ(must(messenger_->tell_doctors(visit))["told"].size(), 0U) << "once";
  ASSERT_EQ(sent().size(), 1U);
  EXPECT_EQ(sent()[0].arguments.string_or("to", ""), "+966559876543");
  EXPECT_TRUE(sent()[0].patient.empty());
  const std::string text = sent()[0].arguments.string_or("text", "");
  EXPECT_EQ(text.find("Patient"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("https://hub.example.sa/clinic")) << text;
  people_.set(doctor2_, "phone", "0559876544");
  must(sessions_->life.assign(as_admin(visit.session, Json::object({{"provider", doctor2_}}))));
  const Json waits = must(messenger_->tell_doctors(visit));
  EXPECT_EQ(waits["told"].size(), 0U) << "more may change";
  EXPECT_EQ(waits["waitSeconds"], Json(10));
  clock_.advance_ms(kPlanSettlesMs);
  const Json both = must(messenger_->tell_doctors(visit));
  ASSERT_EQ(both["told"].size(), 2U) << both.dump();
  EXPECT_EQ(both["told"].item(0).string_or("kind", ""), "staff_cancelled") << "whose it was";
  EXPECT_EQ(both["told"].item(1).string_or("kind", ""), "staff_new");
  EXPECT_EQ(must(messenger_->tell_doctors(visit))["told"].size(), 0U) << "once";
  visit.session = session_;
  EXPECT_EQ(must(messenger_->tell_doctors(visit))["told"].size(), 0U) << "he opened it himself";
}

class MessageLimits : public Messages {
 protected:
  // A visit at noon in so many days, by a patient himself or by the doctor.
  std::string visit(const std::string& who, const std::string& patient, int days) {
    Json body = Json::object({{"type", "doctor_patient"}, {"provider", doctor_}});
    if (who != patient) body.set("patient", patient);
    body.set("scheduledStart", to_iso8601({at("2026-12-02T09:00:00Z").ms + days * 24 * kHourMs}));
    return id_of(must(sessions_->creation.create(as(who, {}, body))));
  }
  Json tell_of(const std::string& session) {
    session_ = session;
    return tell();
  }
  std::int64_t kept_rows() {
    static constexpr store::Statement kRows{"SELECT COUNT(*) FROM message_sent"};
    return test::number_of(*store_, kRows);
  }
};

// Symptom: six accounts of a stranger caused 120 messages to a number that none of them had proved.
// Cause: bookings of one account were limited, and not the messages to one number.
TEST_F(MessageLimits, OneNumberGetsSoManyMessagesThatPatientsAskFor) {
  const std::string other = somebody({identity::Role::patient}, {{"name", "Patient Three"}});
  for (const std::string& who : {patient_, patient2_, other})
    people_.set(who, "phone", "0551234567");
  std::vector<std::string> visits;
  for (int i = 0; i < 4; ++i) {
    for (const std::string& who : {patient_, patient2_, other})
      visits.push_back(visit(who, who, 3 * i + static_cast<int>(visits.size() % 3)));
  }
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_EQ(tell_of(visits[i])["told"].item(0).string_or("outcome", ""), "sent") << i;
  const Json held = tell_of(visits[10]);
  EXPECT_EQ(held["told"].size(), 0U) << held.dump();
  EXPECT_EQ(held["over"], Json(false));
  EXPECT_EQ(held["waitSeconds"], Json(3600));
  EXPECT_EQ(outcome(), "") << "it is not lost";
  EXPECT_EQ(sent().size(), 10U);
  // The hospital's own bookings are told all the same, and to other numbers.
  EXPECT_EQ(tell_of(visit(doctor_, patient_, 20))["told"].size(), 1U);
  people_.set(other, "phone", "0551234568");
  EXPECT_EQ(tell_of(visits[11])["told"].size(), 1U);
  clock_.advance_ms(kHourMs);
  EXPECT_EQ(tell_of(visits[10])["told"].item(0).string_or("outcome", ""), "sent");
}

TEST_F(MessageLimits, OneNumberGetsSoManyADayAcrossARestart) {
  const auto take = [&](MessageCause cause, const std::string& letter) {
    return must(MessageLimit(sessions_->acts.parts())
                    .take({.cause = cause, .address = "+966551234567", .letter = letter}));
  };
  const std::int64_t first = clock_.now().ms;
  int letters = 0;
  for (std::int64_t i = 0; i < limits::kMaxAskedInDay; ++i) {
    EXPECT_FALSE(take(MessageCause::asked, std::to_string(++letters)));
    clock_.advance_ms(10 * kMinuteMs);
  }
  EXPECT_FALSE(take(MessageCause::asked, "30")) << "sent again, it counts once";
  messenger_.reset();
  close();
  open();
  EXPECT_EQ(take(MessageCause::asked, "x"), first + 24 * kHourMs);
  EXPECT_FALSE(take(MessageCause::emergency, "997")) << "beside them";
  for (std::int64_t i = 0; i < limits::kMaxVisitNewsInDay; ++i)
    EXPECT_FALSE(take(MessageCause::visit, "v" + std::to_string(i)));
  EXPECT_TRUE(take(MessageCause::visit, "one more"));
  EXPECT_FALSE(take(MessageCause::booked, "b")) << "a patient's booking has room of its own";
  clock_.advance_ms(24 * kHourMs);
  EXPECT_FALSE(take(MessageCause::asked, "x"));
  EXPECT_EQ(kept_rows(), 1) << "they go after a day";
}

TEST_F(MessageLimits, StaffHearsOfEveryEmergency) {
  people_.set(doctor_, "phone", "0559876543");
  const auto take = [&](const std::string& letter) {
    return must(
        MessageLimit(sessions_->acts.parts())
            .take({.cause = MessageCause::visit, .address = "+966559876543", .letter = letter}));
  };
  for (std::int64_t i = 0; i < limits::kMaxVisitNewsInDay; ++i)
    EXPECT_FALSE(take(std::to_string(i)));
  Ask by_hub = ask_of_hub("t1", "workflow");
  by_hub.body = Json::object({{"type", "doctor_patient"},
                              {"provider", doctor_},
                              {"patient", patient_},
                              {"scheduledStart", "2026-12-11T07:00:00Z"}});
  const std::string session = id_of(must(sessions_->creation.create(by_hub)));
  const Json item = must(messenger_->tell_doctors({.session = session}));
  EXPECT_EQ(item["told"].size(), 0U) << "held";
  EXPECT_EQ(item["waitSeconds"], Json(24 * 3600));
  const TellStaff emergency{.session = session, .person = doctor_, .message = "emergency"};
  EXPECT_EQ(must(messenger_->tell_staff(emergency)).string_or("outcome", ""), "sent");
}

TEST_F(Messages, TheTextIsInNoEntryOfTheLog) {
  (void)tell();
  const std::string text = sent()[0].arguments.string_or("text", "");
  const std::string code_text = text.substr(text.find('#') + 1);
  store_->flush();
  bool disclosed = false;
  for (const auto& entry : must(audit::read_page(*audit_, {}, 200)).entries) {
    EXPECT_EQ(entry.entry.detail.dump().find(code_text), std::string::npos) << entry.entry.act;
    EXPECT_EQ(entry.entry.detail.dump().find("966551234567"), std::string::npos) << entry.entry.act;
    disclosed = disclosed || (entry.entry.act == "action.sent" &&
                              entry.entry.detail.string_or("role", "") == "notify");
  }
  EXPECT_TRUE(disclosed) << "what the gateway learns is in the account of disclosures";
}

}  // namespace
}  // namespace rabt::consultation::messages_test
