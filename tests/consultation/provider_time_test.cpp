#include "hub/consultation/rows/provider_time.hpp"

#include <thread>

#include "hub/consultation/rows/statements.hpp"
#include "tests/consultation/plan_of.hpp"
#include "tests/consultation/service_house.hpp"

// Times at which a provider can be booked.
namespace rabt::consultation::provider_time_test {
namespace {

using identity::Role;

class ProviderTime : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    sessions_->surround(practice_->surroundings());
  }
  // "10:00" on the day of these tests, in Riyadh; "+01:00" is on the day after.
  static std::string at(const std::string& clock) {
    const bool next = clock[0] == '+';
    return std::string(next ? "2031-01-08T" : "2031-01-07T") + clock.substr(next ? 1 : 0) +
           ":00+03:00";
  }
  Answer publish(std::initializer_list<std::pair<std::string, std::string>> hours,
                 bool keep = false) {
    Json slots = Json::array();
    for (const auto& [from, to] : hours)
      slots.push_back(Json::object({{"startsAt", at(from)}, {"endsAt", at(to)}}));
    return put(Json::object({{"slots", std::move(slots)}, {"keep", keep}}));
  }
  Answer put(Json body) {
    Ask ask = as(doctor_, {}, std::move(body));
    ask.record = doctor_;
    return practice_->set_availability(ask);
  }
  std::string slots() {
    Ask ask = as(patient_);
    ask.record = doctor_;
    const Json shown = must(practice_->availability(ask));
    std::string out;
    for (const Json& slot : shown["slots"].as_array()) {
      // In Riyadh.
      for (const char* name : {"startsAt", "endsAt"}) {
        const auto moment = parse_iso8601(slot.string_or(name, ""));
        out += to_iso8601({moment->ms + 3LL * 3'600'000}).substr(11, 5);
        out += name[0] == 's' ? "-" : " ";
      }
      out += slot.string_or("status", "") + "|";
    }
    return out;
  }
  Json visit(const std::string& clock, std::int64_t minutes = 30) {
    return with(with(plain(), "scheduledStart", at(clock)), "plannedMinutes", minutes);
  }
  Answer book(const std::string& clock, std::int64_t minutes = 30) {
    return sessions_->creation.create(as(doctor_, {}, visit(clock, minutes)));
  }
  std::string booked(const std::string& clock, std::int64_t minutes = 30) {
    return id_of(must(book(clock, minutes)));
  }
  Answer change(const std::string& session, Json members) {
    Ask ask = as(doctor_, session, std::move(members));
    ask.version = seen(session).int_or("version", 0);
    return sessions_->life.change(ask);
  }
  Answer move(const std::string& session, const std::string& clock) {
    return change(session, Json::object({{"scheduledStart", at(clock)}}));
  }
  static std::string warnings(const Json& session) { return session["warnings"].dump(); }
};

TEST_F(ProviderTime, WhatASessionCoversIsTakenOverTheEdgesOfSlots) {
  must(publish({{"09:00", "12:00"}, {"12:00", "15:00"}, {"16:00", "17:00"}}));
  booked("11:45");
  EXPECT_EQ(code(book("11:45")), "provider.busy");
  EXPECT_EQ(code(book("11:15")), "ok") << "until it begins";
  EXPECT_EQ(code(book("12:15")), "ok") << "from its end on";
  EXPECT_EQ(code(book("11:00", 240)), "provider.busy") << "around all";
  booked("16:45");
  EXPECT_EQ(code(book("17:10")), "provider.busy") << "past the end of the slot";
  EXPECT_EQ(code(book("08:45")), "ok");
  EXPECT_EQ(code(book("09:10", 5)), "provider.busy");
  booked("21:00");
  EXPECT_EQ(code(book("21:15")), "provider.busy") << "outside of all slots of the day";
  EXPECT_EQ(slots(),
            "09:00-09:15 booked|09:15-11:15 free|11:15-11:45 booked|11:45-12:00 booked|"
            "12:00-12:15 booked|12:15-12:45 booked|12:45-15:00 free|16:00-16:45 free|"
            "16:45-17:00 booked|");
}

TEST_F(ProviderTime, WhatASessionCoversIsTakenOverMidnight) {
  must(publish({{"22:00", "+00:00"}, {"+00:00", "+02:00"}}));
  booked("23:45");
  EXPECT_EQ(code(book("23:45")), "provider.busy");
  EXPECT_EQ(code(book("+00:10")), "provider.busy");
  EXPECT_EQ(code(book("+00:15")), "ok");
}

TEST_F(ProviderTime, ASessionThatHasBegunKeepsItsTime) {
  const std::string text = booked("10:00");
  must(sessions_->life.start(as(doctor_, text)));
  const auto changed = [&](Json members) {
    return code(sessions_->life.change(as(doctor_, text, std::move(members))));
  };
  EXPECT_EQ(changed(Json::object({{"scheduledStart", at("11:00")}})), "session.already_started");
  EXPECT_EQ(changed(Json::object({{"scheduledStart", Json()}})), "session.already_started");
  EXPECT_EQ(changed(Json::object({{"scheduledStart", at("10:00")}, {"plannedMinutes", 45}})), "ok");
}

TEST_F(ProviderTime, ATimeIsGivenBackWhateverEndsItsSession) {
  must(publish({{"09:00", "12:00"}}));
  must(sessions_->life.cancel(as(doctor_, booked("10:00"))));
  const std::string again = booked("09:45");
  EXPECT_EQ(code(book("09:45")), "provider.busy");
  must(sessions_->life.start(as(doctor_, again)));
  EXPECT_EQ(code(book("09:45")), "provider.busy");
  must(sessions_->life.end(as(doctor_, again)));
  const std::string missed = booked("09:45");
  EXPECT_EQ(slots(), "09:00-09:45 free|09:45-10:15 booked|10:15-12:00 free|");
  clock_.advance_ms(parse_iso8601(at("10:20"))->ms - clock_.now().ms);
  ASSERT_TRUE(eventually([&] { return seen(missed).string_or("status", "") == "no_show"; }));
  EXPECT_EQ(slots(), "09:00-12:00 free|");
}

TEST_F(ProviderTime, AMovedSessionTakesItsNewPlaceAndLeavesTheOldOne) {
  must(publish({{"09:00", "12:00"}}));
  const std::string text = booked("10:00");
  const std::string other = booked("11:30");
  EXPECT_EQ(code(move(text, "10:15")), "ok") << "over its own place";
  EXPECT_EQ(code(move(text, "11:15")), "provider.busy");
  EXPECT_EQ(seen(text).string_or("scheduledStart", ""), "2031-01-07T07:15:00.000Z");
  EXPECT_EQ(code(move(text, "11:00")), "ok");
  EXPECT_EQ(code(book("11:00")), "provider.busy");
  EXPECT_EQ(code(change(text, Json::object({{"plannedMinutes", 45}}))), "provider.busy");
  EXPECT_EQ(code(change(text, Json::object({{"notes", "x"}}))), "ok");
  EXPECT_EQ(code(book("10:15")), "ok");
  must(sessions_->life.cancel(as(doctor_, other)));
  EXPECT_EQ(code(change(text, Json::object({{"plannedMinutes", 45}}))), "ok");
  EXPECT_EQ(code(book("11:30")), "provider.busy");
}

TEST_F(ProviderTime, WithoutSlotsOnTheDayAnOverlapWarns) {
  must(publish({{"+09:00", "+12:00"}}));
  booked("10:00");
  const Json second = must(book("10:00"));
  EXPECT_EQ(warnings(second), R"(["provider.overlap"])");
  EXPECT_EQ(warnings(must(move(id_of(second), "11:00"))), "[]") << "it has moved away";
  EXPECT_EQ(warnings(must(move(id_of(second), "09:45"))), R"(["provider.overlap"])");
  booked("23:45");
  EXPECT_EQ(code(book("23:50")), "provider.busy") << "it reaches into a day with slots";
}

// Symptom: a visit at 00:05 was booked over one from 23:50 on a day with slots. Cause: the slots of
// the new visit's own day alone were asked for.
TEST_F(ProviderTime, AVisitThatReachesOverMidnightTakesItsTimeOfTheNextDay) {
  must(publish({{"09:00", "12:00"}}));
  booked("23:50");
  EXPECT_EQ(code(book("+00:05")), "provider.busy");
  EXPECT_EQ(code(book("+00:20")), "ok");
  const Json beside = must(book("+00:30"));
  EXPECT_EQ(warnings(beside), R"(["provider.overlap"])") << "both on a day without slots";
}

TEST_F(ProviderTime, BlockedHoursAreTaken) {
  must(put(Json::object({{"slots", Json::array({Json::object({{"startsAt", at("12:00")},
                                                              {"endsAt", at("13:00")},
                                                              {"status", "blocked"}})})}})));
  EXPECT_EQ(code(book("12:45")), "provider.busy");
  EXPECT_EQ(code(book("13:00")), "ok");
}

TEST_F(ProviderTime, AcceptanceAndAssignmentAskForTheTime) {
  must(publish({{"09:00", "12:00"}}));
  Ask wish = as(patient_, {}, with(visit("10:00"), "request", true));
  const std::string request = id_of(must(sessions_->creation.create(wish)));
  const std::string own = booked("10:15");
  EXPECT_EQ(code(sessions_->life.accept(as(doctor_, request))), "provider.busy");
  EXPECT_EQ(code(sessions_->life.assign(as_admin(request, Json::object({{"provider", doctor_}})))),
            "provider.busy");
  const std::string others = id_of(must(
      sessions_->creation.create(as(doctor2_, {}, with(visit("10:00"), "patient", patient2_)))));
  EXPECT_EQ(code(sessions_->life.assign(as_admin(others, Json::object({{"provider", doctor_}})))),
            "provider.busy");
  must(sessions_->life.cancel(as(doctor_, own)));
  EXPECT_EQ(code(sessions_->life.accept(as(doctor_, request))), "ok");
  EXPECT_EQ(code(sessions_->life.assign(as_admin(others, Json::object({{"provider", doctor_}})))),
            "provider.busy");
  EXPECT_EQ(code(book("10:00")), "provider.busy");
}

TEST_F(ProviderTime, ABookedFollowUpAsksForTheTime) {
  must(publish({{"09:00", "12:00"}}));
  const std::string running = id_of(made());
  must(sessions_->life.start(as(doctor_, running)));
  booked("10:00");
  const auto plan = [&](const std::string& clock) {
    return records_->plan_follow_up(
        as(doctor_, running, Json::object({{"at", at(clock)}, {"book", true}})));
  };
  EXPECT_EQ(code(plan("10:15")), "provider.busy");
  EXPECT_EQ(code(plan("10:30")), "ok");
}

TEST_F(ProviderTime, AVisitHasOneFollowUpAtATimeAndNotMoreThanTwenty) {
  const std::string running = id_of(made());
  must(sessions_->life.start(as(doctor_, running)));
  const auto plan = [&](int minutes) {
    const std::string due = to_iso8601({clock_.now().ms + (1'440 + minutes) * 60'000LL});
    return records_->plan_follow_up(
        as(doctor_, running, Json::object({{"at", due}, {"book", true}, {"plannedMinutes", 30}})));
  };
  const std::string first = must(plan(0)).string_or("bookedSession", "");
  EXPECT_EQ(code(plan(0)), "follow_up.taken");
  EXPECT_EQ(code(plan(29)), "follow_up.taken");
  EXPECT_EQ(code(plan(-29)), "follow_up.taken");
  EXPECT_EQ(code(plan(30)), "ok");
  const std::string third = must(plan(60)).string_or("bookedSession", "");
  const auto moved = [&](int minutes) {
    return sessions_->life.change(as(
        doctor_, third,
        Json::object(
            {{"scheduledStart", to_iso8601({clock_.now().ms + (1'440 + minutes) * 60'000LL})}})));
  };
  EXPECT_EQ(code(moved(15)), "follow_up.taken");
  EXPECT_EQ(code(moved(61)), "ok");
  must(sessions_->life.cancel(as(doctor_, first)));
  EXPECT_EQ(code(plan(0)), "ok") << "its time is free again";
  for (int i = 3; i < 20; ++i) EXPECT_EQ(code(plan(60 * i)), "ok") << i;
  EXPECT_EQ(code(plan(60 * 20)), "follow_up.limit");
}

TEST_F(ProviderTime, AnEmergencyALateEntryAndABookingOfTheHospitalAreTakenWithAWarning) {
  must(publish({{"09:00", "12:00"}}));
  booked("10:00");
  Ask workflow = ask_of_hub("t1", "workflow");
  workflow.body = with(visit("10:00"), "provider", doctor_);
  EXPECT_EQ(warnings(must(sessions_->creation.create(workflow))), R"(["provider.overlap"])");
  // The hospital has moved an appointment already; a person is asked for the time.
  const std::string later = booked("11:00");
  EXPECT_EQ(code(move(later, "10:00")), "provider.busy");
  Ask moves = ask_of_hub("t1", "workflow");
  moves.session = later;
  moves.body = Json::object({{"scheduledStart", at("10:00")}});
  moves.version = seen(later).int_or("version", 0);
  const Json moved = must(sessions_->life.change(moves));
  EXPECT_EQ(warnings(moved), R"(["provider.overlap"])");
  EXPECT_EQ(moved.string_or("scheduledStart", ""), "2031-01-07T07:00:00.000Z");
  clock_.advance_ms(parse_iso8601(at("10:05"))->ms - clock_.now().ms);
  const auto emergency = [&](const std::string& clock) {
    return sessions_->creation.create(
        as(doctor_, {}, with(visit(clock), "type", "emergency_consultation")));
  };
  EXPECT_EQ(warnings(must(emergency("10:10"))), R"(["provider.overlap"])");
  EXPECT_EQ(warnings(must(book("10:00"))), R"(["provider.overlap"])");
  EXPECT_EQ(code(book("10:10")), "provider.busy");
}

// One that is planned for later is an appointment, and a late entry is the staff's.
TEST_F(ProviderTime, APlannedEmergencyAndAPatientsLateEntryAskForTheTime) {
  must(publish({{"09:00", "12:00"}}));
  booked("10:00");
  EXPECT_EQ(code(sessions_->creation.create(
                as(doctor_, {}, with(visit("10:00"), "type", "emergency_consultation")))),
            "provider.busy");
  clock_.advance_ms(parse_iso8601(at("10:05"))->ms - clock_.now().ms);
  Json late = with(visit("10:00"), "provider", doctor_);
  late.set("patient", patient2_);
  EXPECT_EQ(code(sessions_->creation.create(as(patient2_, {}, late))), "provider.busy");
}

// A type that is asked for the time asks when it becomes that type.
TEST_F(ProviderTime, AnEmergencyThatBecomesAnAppointmentAsksForTheTime) {
  must(publish({{"09:00", "12:00"}}));
  booked("10:00");
  clock_.advance_ms(parse_iso8601(at("09:50"))->ms - clock_.now().ms);
  const std::string id = id_of(must(sessions_->creation.create(
      as(doctor_, {}, with(visit("10:10"), "type", "emergency_consultation")))));
  ChangeSession change{.session = id, .members = {}};
  change.members.type = SessionType::doctor_patient;
  EXPECT_EQ(code(sessions_->Sessions::life.change(as(doctor_).caller, change)), "provider.busy");
}

TEST_F(ProviderTime, PlacesInAClinicAreCountedAndNotCompared) {
  Ask clinic = as_admin({}, Json::object({{"name", "Heart"}}));
  clinic.caller.who.tenant = "t1";
  const Json made_clinic = must(practice_->add_clinic(clinic));
  Ask hours = as_admin({}, Json::object({{"provider", doctor_},
                                         {"startsAt", at("09:00")},
                                         {"endsAt", at("12:00")},
                                         {"capacity", 3}}));
  hours.caller.who.tenant = "t1";
  hours.record = id_of(made_clinic);
  const Json session = must(practice_->add_clinic_session(hours));
  must(publish({{"09:00", "12:00"}}));
  const auto place = [&](Json body) {
    body.set("clinic", made_clinic["id"]);
    body.set("clinicSession", session["id"]);
    return sessions_->creation.create(as(doctor_, {}, std::move(body)));
  };
  EXPECT_EQ(warnings(must(place(plain()))), "[]");
  EXPECT_EQ(warnings(must(place(visit("10:00")))), "[]");
  EXPECT_EQ(warnings(must(place(visit("10:00")))), "[]");
  EXPECT_EQ(code(place(visit("11:00"))), "clinic.full");
  EXPECT_EQ(code(book("10:15")), "provider.busy");
}

// Symptom: two places of a clinic session were moved to one minute of another day, and both kept
// it. Cause: only a new booking was compared with the hours of the clinic session.
TEST_F(ProviderTime, APlaceInAClinicIsMovedWithinItsHoursAlone) {
  Ask clinic = as_admin({}, Json::object({{"name", "Heart"}}));
  clinic.caller.who.tenant = "t1";
  const Json made_clinic = must(practice_->add_clinic(clinic));
  const auto hours = [&](const std::string& doctor, const char* from, const char* to) {
    Ask ask = as_admin(
        {},
        Json::object(
            {{"provider", doctor}, {"startsAt", at(from)}, {"endsAt", at(to)}, {"capacity", 3}}));
    ask.caller.who.tenant = "t1";
    ask.record = id_of(made_clinic);
    return practice_->add_clinic_session(ask);
  };
  const Json session = must(hours(doctor_, "09:00", "12:00"));
  must(publish({{"09:00", "12:00"}, {"14:00", "16:00"}}));
  const auto place = [&](Json body) {
    body.set("clinic", made_clinic["id"]);
    body.set("clinicSession", session["id"]);
    return sessions_->creation.create(as(doctor_, {}, std::move(body)));
  };
  const std::string text = id_of(must(place(visit("10:00"))));
  EXPECT_EQ(code(move(text, "11:30")), "ok");
  EXPECT_EQ(code(move(text, "14:00")), "api.invalid");
  EXPECT_EQ(code(place(visit("14:00"))), "api.invalid") << "as at creation";
  // The hospital moves it itself: it is a visit like others then, and its place is free.
  const auto moved_by_hospital = [&](const std::string& id) {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.session = id;
    ask.body = Json::object({{"scheduledStart", at("14:00")}});
    return sessions_->life.change(ask);
  };
  const Json moved = must(moved_by_hospital(text));
  EXPECT_TRUE(moved["clinicSession"].is_null());
  EXPECT_EQ(warnings(moved), "[]");
  const std::string other = id_of(must(place(visit("10:00"))));
  EXPECT_NE(warnings(must(moved_by_hospital(other))).find("provider.overlap"), std::string::npos);
  EXPECT_EQ(code(book("14:15")), "provider.busy");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(code(place(visit("09:00"))), "ok") << "places are free";
  EXPECT_EQ(code(place(visit("09:00"))), "clinic.full");
}

TEST_F(ProviderTime, AClinicBookingThatAnotherDoctorTakesLeavesTheHoursOfTheFirst) {
  Ask clinic = as_admin({}, Json::object({{"name", "Heart"}}));
  clinic.caller.who.tenant = "t1";
  const Json made_clinic = must(practice_->add_clinic(clinic));
  const auto hours = [&](const std::string& doctor, const char* from, const char* to) {
    Ask ask = as_admin(
        {},
        Json::object(
            {{"provider", doctor}, {"startsAt", at(from)}, {"endsAt", at(to)}, {"capacity", 1}}));
    ask.caller.who.tenant = "t1";
    ask.record = id_of(made_clinic);
    return practice_->add_clinic_session(ask);
  };
  const Json session = must(hours(doctor_, "09:00", "12:00"));
  EXPECT_EQ(code(hours(doctor_, "11:59", "13:00")), "provider.busy") << "one clinic at a time";
  EXPECT_EQ(code(hours(doctor_, "08:00", "09:01")), "provider.busy");
  EXPECT_EQ(code(hours(doctor_, "12:00", "13:00")), "ok");
  EXPECT_EQ(code(hours(doctor2_, "09:00", "12:00")), "ok");
  const auto place = [&] {
    Json body = visit("10:00");
    body.set("clinic", made_clinic["id"]);
    body.set("clinicSession", session["id"]);
    return sessions_->creation.create(as(doctor_, {}, std::move(body)));
  };
  const std::string text = id_of(must(place()));
  EXPECT_EQ(code(place()), "clinic.full");
  const Json given =
      must(sessions_->life.assign(as_admin(text, Json::object({{"provider", doctor2_}}))));
  EXPECT_TRUE(given["clinicSession"].is_null());
  EXPECT_EQ(code(place()), "ok") << "the place is free again";
}

// Two who are told at once that the time is free.
TEST_F(ProviderTime, OfTwoWhoBookATimeAtOnceOneGetsIt) {
  must(publish({{"09:00", "17:00"}}));
  for (int round = 0; round < 8; ++round) {
    const std::string clock = (round == 0 ? "09" : std::to_string(9 + round)) + ":00";
    std::vector<std::string> ended(4);
    std::vector<std::thread> threads;
    for (std::string& text : ended) threads.emplace_back([&, this] { text = code(book(clock)); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count(ended.begin(), ended.end(), "ok"), 1) << clock;
    EXPECT_EQ(std::count(ended.begin(), ended.end(), "provider.busy"), 3) << clock;
  }
}

TEST_F(ProviderTime, OfTwoWhoBookATimeWithoutSlotsAtOnceOneIsWarned) {
  std::vector<std::string> ended(4);
  std::vector<std::thread> threads;
  for (std::string& text : ended)
    threads.emplace_back([&, this] { text = warnings(must(book("10:00"))); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(ended.begin(), ended.end(), "[]"), 1);
}

TEST_F(ProviderTime, SlotsAreReplacedUnderWhatIsBooked) {
  must(publish({{"09:00", "12:00"}}));
  booked("10:00");
  must(publish({{"09:00", "12:00"}}));
  EXPECT_EQ(slots(), "09:00-10:00 free|10:00-10:30 booked|10:30-12:00 free|");
  EXPECT_EQ(code(publish({{"09:00", "12:00"}}, true)), "ok") << "it is there already";
  EXPECT_EQ(code(publish({{"11:00", "13:00"}}, true)), "availability.overlap");
  EXPECT_EQ(code(book("10:15")), "provider.busy");
  must(publish({{"10:15", "11:00"}}));
  EXPECT_EQ(slots(), "10:15-10:30 booked|10:30-11:00 free|");
}

TEST_F(ProviderTime, PartsOfASlotHaveNamesOfTheirOwnThatStay) {
  must(publish({{"09:00", "12:00"}}));
  booked("10:00");
  const auto names = [&] {
    Ask ask = as(patient_);
    ask.record = doctor_;
    std::set<std::string> found;
    const Json shown = must(practice_->availability(ask));
    for (const Json& slot : shown["slots"].as_array()) found.insert(slot.string_or("id", ""));
    return found;
  };
  const std::set<std::string> first = names();
  EXPECT_EQ(first.size(), 3U);
  EXPECT_EQ(names(), first);
  for (const std::string& text : first) EXPECT_TRUE(Ulid::parse(text)) << text;
}

// Symptom: a rule saved within its own hours took the rest of the day away.
// Cause: the hours of a rule began with the next ones that had not begun.
// Why this would have caught it: the clock stands within the hours of the rule.
TEST_F(ProviderTime, TheHoursOfARuleThatRunNowAreAmongItsSlots) {
  clock_.advance_ms(parse_iso8601(at("10:05"))->ms - clock_.now().ms);
  const auto weekly = [&](const char* from, const char* to) {
    return put(Json::object(
        {{"weekly",
          Json::array({Json::object(
              {{"day", "tuesday"}, {"from", from}, {"to", to}, {"timeZone", "Asia/Riyadh"}})})}}));
  };
  const auto first = [&] { return slots().substr(0, 17); };
  must(weekly("09:00", "12:00"));
  EXPECT_EQ(first(), "09:00-12:00 free|");
  const std::string nine = slots();
  EXPECT_EQ(std::count(nine.begin(), nine.end(), '|'), 9);
  must(weekly("09:30", "13:00"));
  EXPECT_EQ(first(), "09:30-13:00 free|");
  must(weekly("10:05", "11:00"));
  EXPECT_EQ(first(), "10:05-11:00 free|");
  must(weekly("09:00", "10:05"));
  const std::string eight = slots();
  EXPECT_EQ(std::count(eight.begin(), eight.end(), '|'), 8) << "today's are over";
}

TEST_F(ProviderTime, ProvidersWhoAreFreeAreFoundByTheSameRule) {
  must(publish({{"09:00", "12:00"}}));
  booked("11:45");
  const auto found = [&](const std::string& clock) {
    Ask ask = as(patient_);
    ask.query = {{"at", at(clock)}};
    return must(practice_->providers(ask))["items"].size();
  };
  EXPECT_EQ(found("11:30"), 1U);
  EXPECT_EQ(found("11:50"), 0U);
  EXPECT_EQ(found("12:30"), 0U);
}

// Symptom: the more sessions a doctor ever had, the longer it took to book one.
// Cause: whether the new one meets another was looked up among all of the doctor's.
// Why this would have caught it: the plan names both bounds of the time.
TEST_F(ProviderTime, ANewSessionIsComparedWithThoseOfItsTimeAlone) {
  const auto steps = plan_of(*store_, sql::rows::kTakenParts, {"t1", "p", 2, 3, "s", 1, "c"});
  ASSERT_FALSE(steps.empty());
  EXPECT_NE(steps[0].find("(tenant=? AND provider=? AND at_ms>? AND at_ms<?)"), std::string::npos)
      << steps[0];
}

}  // namespace
}  // namespace rabt::consultation::provider_time_test
