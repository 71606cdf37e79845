#include "hub/audit/reader.hpp"
#include "hub/base/limits.hpp"
#include "tests/consultation/session_house.hpp"

// Members posted for participants, and the entries written when participants come in.
namespace rabt::consultation::posted_test {
namespace {

class Posted : public SessionHouse {
 protected:
  Json posted(Json members) {
    members.set("person", patient_);
    members.set("role", "patient");
    return members;
  }
  std::size_t entries(const std::string& session, const std::string& act) {
    audit::Query query;
    query.object = "session:" + session;
    query.act = act;
    return must(audit::read_page(*audit_, query, 50)).entries.size();
  }
  // Adds a participant without an account; gives the answer.
  Json added_guest(const std::string& session, const char* role) {
    return must(sessions_->people.add_participant(
        as(doctor_, session, Json::object({{"role", role}, {"name", "Layla"}}))));
  }
  // A guest in the call has a token of his own, and does nothing of a host, a clinician or an
  // office.
  void expect_guest_inside(const std::string& session, const std::string& participant) {
    const std::size_t issued = entries(session, "token.issued");
    const Json inside = must(sessions_->entry.join(by_link(session, participant)));
    EXPECT_EQ(inside.string_or("tokenUse", ""), "media");
    const std::string named = "token-" + inside["media"].string_or("identity", "?") + "-";
    EXPECT_TRUE(inside.string_or("accessToken", "").starts_with(named));
    EXPECT_EQ(entries(session, "token.issued"), issued + 1);

    constexpr std::string_view kNotHost = "session.not_host";
    Ask admit = by_link(session, participant);
    admit.record = participant;
    EXPECT_EQ(code(sessions_->people.admit(admit)), kNotHost);
    EXPECT_EQ(code(sessions_->life.start(by_link(session, participant))), kNotHost);
    EXPECT_EQ(code(sessions_->life.end(by_link(session, participant))), kNotHost);
    Ask written = by_link(session, participant, Json::object({{"notes", "x"}}));
    written.version = seen(session).int_or("version", 0);
    EXPECT_EQ(code(sessions_->life.change(written)), kNotHost);
    EXPECT_EQ(code(sessions_->reading.list(by_link(session, participant), {})),
              "authorisation.denied");
  }
};

TEST_F(Posted, WhatIsPostedOfAPersonBelongsToTheParticipantAndTheRecordStays) {
  people_.set(patient_, "language", "ar");
  people_.set(patient_, "saudiResident", true);
  const Json members = Json::object({{"name", "As Posted"},
                                     {"preferredLanguage", "en"},
                                     {"genderPreference", "female"},
                                     {"saudiResident", false}});
  const std::string at_once =
      id_of(made(with(plain(), "participants", Json::array({posted(members)}))));
  const std::string later = id_of(made());
  must(sessions_->people.add_participant(as(doctor_, later, posted(members))));
  for (const std::string& id : {at_once, later}) {
    const Json item = part(id, patient_);
    for (const auto& [key, value] : members.as_object()) EXPECT_EQ(item[key], value) << key;
    EXPECT_EQ(item["record"]["name"], Json("Patient One"));
    EXPECT_EQ(item["record"]["preferredLanguage"], Json("ar"));
    EXPECT_EQ(item["record"]["saudiResident"], Json(true));
  }
  EXPECT_EQ(people_.of(patient_).profile.string_or("name", ""), "Patient One");
  // Somebody else who takes part sees names alone.
  must(sessions_->people.add_participant(
      as(doctor_, later, Json::object({{"person", nurse_}, {"role", "observer"}}))));
  EXPECT_EQ(seen(later)["participants"].size(), 3U) << "posted again, the patient is no second one";
}

TEST_F(Posted, WhatNobodyPostedIsTheRecordsThenTheDefault) {
  people_.set(patient_, "language", "en");
  const std::string id = id_of(made());
  EXPECT_EQ(part(id, patient_)["preferredLanguage"], Json("en"));
  EXPECT_EQ(part(id, patient_)["saudiResident"], Json(false));
  EXPECT_EQ(part(id, doctor_)["preferredLanguage"], Json("ar"));
}

TEST_F(Posted, APatientWhoComesLaterIsAskedForHisPreference) {
  const std::string id =
      id_of(made(Json::object({{"type", "emergency_consultation"}, {"waitingRoom", false}})));
  EXPECT_EQ(seen(id)["warnings"].dump(), "[]");
  must(sessions_->people.add_participant(
      as(doctor_, id, posted(Json::object({{"genderPreference", "female"}})))));
  EXPECT_EQ(seen(id)["warnings"].dump(), R"(["preference.gender"])");
  must(sessions_->people.add_participant(
      as(doctor_, id, posted(Json::object({{"genderPreference", "male"}})))));
  EXPECT_EQ(seen(id)["warnings"].dump(), "[]") << "posted again";
}

// R-12
TEST_F(Posted, ASessionThatIsOverLooksAsItDidWhateverBecomesOfTheRecords) {
  const std::string id = id_of(made());
  must(sessions_->life.start(as(doctor_, id)));
  must(sessions_->life.end(as(doctor_, id)));
  const std::string before = seen(id).dump();
  people_.set(patient_, "name", "Renamed");
  people_.set(patient_, "genderPreference", "female");
  clock_.advance_ms(60'000);
  EXPECT_EQ(seen(id).dump(), before);
}

TEST_F(Posted, EveryWayToAMediaTokenHasAnEntryOfItsOwn) {
  const std::string id = id_of(made());
  EXPECT_EQ(entries(id, "token.issued"), 1U) << "with the session";
  must(sessions_->entry.join(as(doctor_, id)));
  EXPECT_EQ(entries(id, "token.issued"), 2U);
  EXPECT_EQ(entries(id, "session.waiting"), 1U);
  must(sessions_->entry.token(as(doctor_, id)));
  EXPECT_EQ(entries(id, "token.issued"), 3U);
  must(sessions_->entry.join(as(patient_, id)));
  EXPECT_EQ(entries(id, "token.issued"), 3U) << "he waits, and has none";
  Ask admit = as(doctor_, id);
  admit.record = part_of(id, patient_);
  EXPECT_EQ(must(sessions_->people.admit(admit)).string_or("tokenUse", ""), "media");
  EXPECT_EQ(entries(id, "token.issued"), 3U) << "his own he asks for himself";
  must(sessions_->people.add_participant(
      as(doctor_, id,
         Json::object({{"role", "nurse"}, {"name", "Nora"}, {"bypassWaitingRoom", true}}))));
  EXPECT_EQ(entries(id, "token.issued"), 4U) << "a guest has no account";
  // One that opens the room, too.
  const std::string planned =
      id_of(made(with(plain(), "scheduledStart", to_iso8601({clock_.now().ms + 86'400'000}))));
  must(sessions_->entry.token(as(doctor_, planned)));
  EXPECT_EQ(entries(planned, "token.issued"), 1U);
}

TEST_F(Posted, AGuestWhomAHostAdmitsGetsAMediaTokenAndNoOffice) {
  const std::string id = id_of(made(Json::object({{"type", "remote_monitoring"}})));
  const Json added = added_guest(id, "patient");
  const std::string participant = added["participant"].string_or("id", "");
  EXPECT_TRUE(added["participant"]["person"].is_null()) << added.dump();
  EXPECT_EQ(added.string_or("tokenUse", ""), "waiting");
  const Json came = must(sessions_->entry.join(by_link(id, participant)));
  EXPECT_EQ(came.string_or("tokenUse", ""), "waiting");
  EXPECT_TRUE(came["media"].is_null()) << came.dump();
  EXPECT_EQ(code(sessions_->entry.token(by_link(id, participant))), "participant.waiting");
  Ask admit = by_link(id, participant);
  admit.record = participant;
  EXPECT_EQ(code(sessions_->people.admit(admit)), "session.not_host") << "nobody admits himself";
  EXPECT_EQ(entries(id, "token.issued"), 1U) << "the doctor's, with the session";

  admit = as(doctor_, id);
  admit.record = participant;
  const Json admitted = must(sessions_->people.admit(admit));
  EXPECT_EQ(admitted.string_or("admission", ""), "admitted");
  EXPECT_EQ(admitted.string_or("tokenUse", ""), "media");
  EXPECT_EQ(entries(id, "token.issued"), 2U);
  expect_guest_inside(id, participant);
}

// A host who adds one of the staff gets the token for him; no link opens the part of the staff.
TEST_F(Posted, AGuestOfTheStaffGetsAMediaTokenByTheHostWhoAddsHimAndComesByNoLink) {
  const std::string id = id_of(made(Json::object({{"type", "remote_monitoring"}})));
  const Json added = added_guest(id, "nurse");
  EXPECT_TRUE(added["participant"]["person"].is_null()) << added.dump();
  EXPECT_EQ(added.string_or("tokenUse", ""), "media");
  EXPECT_EQ(code(sessions_->entry.join(by_link(id, added["participant"].string_or("id", "")))),
            "participant.not_a_participant");
}

TEST_F(Posted, APatientBooksNoMoreThanAnHour) {
  const auto book = [&](const std::string& who, int minutes) {
    return sessions_->creation.create(as(who, {}, with(plain(), "plannedMinutes", minutes)));
  };
  Json own = Json::object({{"type", "doctor_patient"}, {"provider", doctor_}});
  own.set("plannedMinutes", 61);
  EXPECT_EQ(code(sessions_->creation.create(as(patient_, {}, own))), "api.invalid");
  own.set("plannedMinutes", 60);
  EXPECT_EQ(code(sessions_->creation.create(as(patient_, {}, own))), "ok");
  EXPECT_EQ(code(book(doctor_, 480)), "ok");
}

TEST_F(Posted, APatientHasSoManyOpenBookingsAndNoRoomWaitsForThem) {
  settings_.patient_bookings = 2;
  close();
  open();
  const auto book = [&](const std::string& patient) {
    return sessions_->creation.create(
        as(patient, {}, Json::object({{"type", "doctor_patient"}, {"provider", doctor_}})));
  };
  const std::string first = id_of(must(book(patient_)));
  must(book(patient_));
  EXPECT_EQ(code(book(patient_)), "booking.limit");
  EXPECT_EQ(code(book(patient2_)), "ok");
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, plain()))), "ok")
      << "others book for him";
  must(sessions_->life.cancel(as(patient_, first)));
  EXPECT_EQ(code(book(patient_)), "ok");
  ASSERT_TRUE(eventually([&] { return told("created").size() == 5; }));
  EXPECT_EQ(provider_.calls("create-session").size(), 1U) << "the doctor's";
  // Workflows tell the patient's own bookings by this member, and ask the payer later.
  std::size_t own = 0;
  for (const Json& event : told("created"))
    own += event["data"].bool_or("byPatient", false) ? 1 : 0;
  EXPECT_EQ(own, 4U);
}

// Symptom: a patient booked and cancelled a hundred times, and 292 messages went to a number that
// he had set himself. Cause: bookings that are not over were counted alone. Caught by: a day of
// bookings that are all called off.
TEST_F(Posted, APatientBooksSoManyTimesADayThoughHeCancelsThem) {
  settings_.patient_bookings_per_day = 3;
  close();
  open();
  const Json own = Json::object({{"type", "doctor_patient"}, {"provider", doctor_}});
  const auto book = [&](const std::string& who, const Json& body) {
    return sessions_->creation.create(as(who, {}, body));
  };
  const std::string first = id_of(must(book(patient_, own)));
  must(sessions_->life.cancel(as(patient_, first)));
  for (const bool request : {false, true})
    must(sessions_->life.cancel(
        as(patient_, id_of(must(book(patient_, with(own, "request", request)))))));
  for (const Json& body : {own, with(own, "request", true), with(own, "followUpOf", first)})
    EXPECT_EQ(code(book(patient_, body)), "booking.limit");
  Ask door = as(patient_, {}, own);
  door.caller.door = "pulseone";
  EXPECT_EQ(code(sessions_->creation.create(door)), "booking.limit");
  EXPECT_EQ(code(book(patient2_, own)), "ok");
  const std::string desk = somebody({identity::Role::desk, identity::Role::patient}, {});
  const Json for_him = with(own, "patient", patient_);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(code(book(desk, for_him)), "ok") << "the desk books for him";
  EXPECT_EQ(code(book(doctor_, plain())), "ok");
  EXPECT_EQ(code(sessions_->creation.create(as_admin({}, for_him))), "ok");
  clock_.advance_ms(24LL * 3'600'000);
  EXPECT_EQ(code(book(patient_, own)), "ok");
}

// Symptom: a patient with as many bookings as there may be could not open an emergency.
// Cause: it was counted like any other booking. Caught by: an emergency beyond each limit.
TEST_F(Posted, BookingsNeverRefuseAnEmergencyThatBeginsNow) {
  settings_.patient_bookings = 2;
  settings_.patient_bookings_per_day = 4;
  close();
  open();
  const Json visit = Json::object({{"type", "doctor_patient"}, {"provider", doctor_}});
  const Json emergency = Json::object({{"type", "emergency_consultation"}});
  const auto in = [&](std::int64_t minutes) {
    return with(emergency, "scheduledStart", to_iso8601({clock_.now().ms + minutes * 60'000}));
  };
  const auto book = [&](const Json& body) {
    return sessions_->creation.create(as(patient_, {}, body));
  };
  const auto call_off = [&](const Json& session) {
    must(sessions_->life.cancel(as(patient_, id_of(session))));
  };
  for (int i = 0; i < 2; ++i) call_off(must(book(visit)));
  std::vector<Json> visits;
  for (int i = 0; i < 2; ++i) {
    call_off(must(book(emergency)));
    visits.push_back(must(book(visit)));
  }
  EXPECT_EQ(code(book(visit)), "booking.limit") << "as many as may be open";
  EXPECT_EQ(code(book(in(120))), "booking.limit") << "an appointment";
  call_off(must(book(emergency)));
  for (const Json& item : visits) call_off(item);
  EXPECT_EQ(code(book(visit)), "booking.limit") << "as many as a day has";
  EXPECT_EQ(code(book(in(120))), "booking.limit");
  call_off(must(book(in(30))));
  must(book(emergency));
  EXPECT_EQ(code(book(emergency)), "emergency.open");
  clock_.advance_ms(24LL * 3'600'000);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(code(book(visit)), "ok") << "emergencies do not count";
}

// Symptom: a stranger who had registered opened and called off 359 emergencies in 15 seconds.
// Cause: emergencies are outside the limits of bookings, and had none of their own.
// Tests opened a handful.
TEST_F(Posted, EmergenciesOfOnePersonHaveALimitOfTheirOwn) {
  const Json emergency = Json::object({{"type", "emergency_consultation"}});
  const auto open_one = [&](const std::string& who) {
    auto made = sessions_->creation.create(as(who, {}, emergency));
    if (!made.ok()) return made.error().code;
    return code(
        sessions_->life.cancel(as(who, id_of(*made), Json::object({{"reason", "false alarm"}}))));
  };
  for (std::int64_t i = 0; i < limits::kMaxEmergenciesOfPatient; ++i)
    ASSERT_EQ(open_one(patient_), "ok");
  EXPECT_EQ(open_one(patient_), "booking.limit");
  clock_.advance_ms(3'600'001);
  EXPECT_EQ(open_one(patient_), "ok");
  for (std::int64_t i = 0; i < limits::kMaxEmergenciesOfStaff; ++i)
    ASSERT_EQ(open_one(doctor_), "ok");
  EXPECT_EQ(open_one(doctor_), "booking.limit");
  EXPECT_EQ(open_one(doctor2_), "ok");
}

TEST_F(Posted, APatientHasOneOpenEmergencyThatHeOpenedHimself) {
  const Json own = Json::object({{"type", "emergency_consultation"}});
  const auto call = [&](const std::string& who, const Json& body) {
    return sessions_->creation.create(as(who, {}, body));
  };
  const auto later = [&] {
    return with(own, "scheduledStart", to_iso8601({clock_.now().ms + 2LL * 3'600'000}));
  };
  const std::string planned = id_of(must(call(patient_, later())));
  const std::string first = id_of(must(call(patient_, own)));
  for (const Json& body : {own, with(own, "provider", doctor_), later()}) {
    const auto refused = call(patient_, body);
    ASSERT_EQ(code(refused), "emergency.open");
    const std::string& why = refused.error().message;
    EXPECT_TRUE(why.find(first) != std::string::npos || why.find(planned) != std::string::npos)
        << why;
  }
  Ask door = as(patient_, {}, own);
  door.caller.door = "clinicvault";
  const auto refused = sessions_->creation.create(door);
  ASSERT_EQ(code(refused), "emergency.open");
  EXPECT_NE(refused.error().message.find(first), std::string::npos);
  EXPECT_EQ(code(call(patient2_, own)), "ok") << "another patient's";
  EXPECT_EQ(code(call(patient_, Json::object({{"type", "doctor_patient"}, {"provider", doctor_}}))),
            "ok");
  const Json for_him = with(own, "patient", patient_);
  EXPECT_EQ(code(call(doctor_, for_him)), "ok");
  EXPECT_EQ(code(sessions_->creation.create(as_admin({}, with(for_him, "request", true)))), "ok");
  Ask hospital = ask_of_hub("t1", "workflow");
  hospital.body = with(for_him, "request", true);
  EXPECT_EQ(code(sessions_->creation.create(hospital)), "ok");
  must(sessions_->life.cancel(as(patient_, first)));
  EXPECT_EQ(code(call(patient_, own)), "ok");
}

// Clients of PulseOne alone: their joins are the presence.
TEST_F(Posted, AClientOfPulseOneThatJoinsHasJoinedThoughTheProviderSeesNobody) {
  settings_.provider_events = true;
  close();
  open();
  Ask ask = as(doctor_, {}, with(plain(), "waitingRoom", false));
  ask.caller.manner.joined_counts = true;
  const std::string id = id_of(must(sessions_->creation.create(ask)));
  must(sessions_->entry.join(as(doctor_, id)));
  must(sessions_->entry.join(as(doctor_, id)));
  EXPECT_EQ(entries(id, "participant.joined"), 1U);
}

// For an ambulance, and for a line that breaks: of those who treat, and of the person.
TEST_F(Posted, WhereSomebodyIsIsShownToThoseWhoTreatAlone) {
  const std::string id = id_of(made());
  must(sessions_->people.add_participant(
      as(doctor_, id, Json::object({{"person", nurse_}, {"role", "observer"}}))));
  must(sessions_->entry.join(
      as(patient_, id,
         Json::object({{"location", "الرياض، حي الياسمين"}, {"callbackPhone", "0550000142"}}))));
  // Joining again without them, as after a break, keeps them.
  must(sessions_->entry.join(as(patient_, id)));
  EXPECT_EQ(part(id, patient_)["location"], Json("الرياض، حي الياسمين"));
  EXPECT_EQ(part(id, patient_)["callbackPhone"], Json("0550000142"));
  const Json others = must(sessions_->reading.get(as(nurse_, id)));
  EXPECT_EQ(others.dump().find("0550000142"), std::string::npos);
  const auto longer =
      sessions_->entry.join(as(patient_, id, Json::object({{"location", std::string(301, 'x')}})));
  ASSERT_FALSE(longer.ok());
  EXPECT_EQ(longer.error().code, "api.invalid");
}

// Symptom: a doctor booked 200 visits of one patient within a second, and the patient got 200
// messages. Cause: the bookings of patients alone were counted.
TEST_F(Posted, StaffBooksSoManyVisitsOfOnePatientAndWithOneProviderADay) {
  settings_.bookings_per_patient = 3;
  settings_.bookings_per_provider = 5;
  close();
  open();
  const std::int64_t start = clock_.now().ms + 86'400'000;
  int hours = 0;
  const auto book = [&](const std::string& who, const std::string& patient,
                        const std::string& provider) {
    Json body = Json::object({{"type", "doctor_patient"}, {"patient", patient}});
    body.set("provider", provider);
    body.set("scheduledStart", to_iso8601({start + 3'600'000LL * ++hours}));
    return sessions_->creation.create(as(who, {}, body));
  };
  must(sessions_->life.cancel(as(doctor_, id_of(must(book(doctor_, patient_, doctor_))))));
  for (int i = 0; i < 2; ++i) must(book(doctor_, patient_, doctor_));
  EXPECT_EQ(code(book(doctor_, patient_, doctor_)), "booking.limit") << "three of one patient";
  must(book(doctor_, patient2_, doctor_));
  must(book(doctor_, patient2_, doctor_));
  EXPECT_EQ(code(book(doctor2_, patient_, doctor2_)), "ok") << "everybody has his own";
  const std::string patient3 = somebody({identity::Role::patient}, {{"name", "Patient Three"}});
  EXPECT_EQ(code(book(doctor_, patient3, doctor_)), "booking.limit") << "five with one provider";
  const std::string desk = somebody({identity::Role::desk}, {});
  for (int i = 0; i < 3; ++i) must(book(desk, patient_, doctor_));
  EXPECT_EQ(code(book(desk, patient_, doctor_)), "booking.limit");
  EXPECT_EQ(code(sessions_->creation.create(as_admin({}, with(plain(), "provider", doctor_)))),
            "ok")
      << "a system of the hospital";
  clock_.advance_ms(86'400'001);
  EXPECT_EQ(code(book(doctor_, patient_, doctor_)), "ok");
}

// Symptom: one doctor opened 300 sessions without a start, each of which took a room of the video
// provider. Cause: nothing counted them.
TEST_F(Posted, ADoctorHasSoManySessionsOpenAtOnce) {
  settings_.open_rooms = 2;
  close();
  open();
  const Json now = Json::object({{"type", "remote_monitoring"}});
  const auto book = [&](const std::string& who, const Json& body) {
    return sessions_->creation.create(as(who, {}, body));
  };
  const Json tomorrow = with(plain(), "scheduledStart", to_iso8601({clock_.now().ms + 86'400'000}));
  must(book(doctor_, tomorrow));
  const std::string first = id_of(must(book(doctor_, now)));
  must(book(doctor_, now));
  EXPECT_EQ(code(book(doctor_, now)), "booking.limit");
  EXPECT_EQ(
      code(book(doctor_, with(plain(), "scheduledStart", to_iso8601({clock_.now().ms + 300'000})))),
      "booking.limit")
      << "its room opens now";
  EXPECT_EQ(code(book(doctor2_, now)), "ok");
  must(sessions_->life.cancel(as(doctor_, first)));
  EXPECT_EQ(code(book(doctor_, now)), "ok");
  const std::string desk = somebody({identity::Role::desk}, {});
  const Json for_him = with(plain(), "provider", doctor2_);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(code(book(desk, for_him)), "ok") << "for the whole house";
}

}  // namespace
}  // namespace rabt::consultation::posted_test
