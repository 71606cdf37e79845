#include <future>

#include "hub/consultation/rows/relations.hpp"
#include "tests/consultation/service_house.hpp"

// People of a visit: its patient, the clinician who holds it, and the others who may be there.
namespace rabt::consultation::visit_people_test {
namespace {

using identity::Role;
using workflow::ActionOutcome;
using workflow::OutcomeKind;

class VisitPeople : public ServiceHouse {
 protected:
  void SetUp() override {
    ServiceHouse::SetUp();
    sessions_->surround(practice_->surroundings());
    know_roles();
  }
  ActionOutcome call(const std::string& action, Json arguments) {
    plugin::CallRequest request;
    request.tenant = "t1";
    request.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    request.action = action;
    request.arguments = std::move(arguments);
    request.idempotency_key = action + std::to_string(++calls_);
    std::promise<ActionOutcome> ended;
    service_->invoke(request, [&](ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
    return ended.get_future().get();
  }
  static Ask by_hub(Json body) {
    Ask ask = ask_of_hub("t1", "workflow");
    ask.body = std::move(body);
    return ask;
  }
  // A booking of the hospital, whose patient has no account yet.
  std::string booked(Json more = Json::object()) {
    Json body = Json::object(
        {{"type", "doctor_patient"},
         {"provider", doctor_},
         {"scheduledStart", to_iso8601({clock_.now().ms + 3'600'000})},
         {"participants",
          Json::array({Json::object(
              {{"role", "patient"},
               {"person", Json::object({{"system", "nationalid"}, {"value", "1012345672"}})},
               {"name", "Layla"}})})}});
    for (const auto& [key, value] : more.as_object()) body.set(key, value);
    return id_of(must(sessions_->creation.create(by_hub(std::move(body)))));
  }
  Ask about(const std::string& who, const std::string& session, const std::string& participant,
            Json body = Json::object()) {
    Ask ask = as(who, session, std::move(body));
    ask.record = participant;
    return ask;
  }
  Answer add(const std::string& by, const std::string& session, const std::string& person,
             std::string_view role) {
    return sessions_->people.add_participant(
        as(by, session, Json::object({{"person", person}, {"role", role}})));
  }
  Answer admit(const std::string& session, const std::string& participant) {
    return sessions_->people.admit(about(doctor_, session, participant));
  }
  Json in_role(const std::string& session, std::string_view role) {
    const Json all = seen_by_admin(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("role", "") == role) return item;
    }
    return {};
  }
  Json seen_by_admin(const std::string& session) {
    return must(sessions_->reading.get(as_admin(session)));
  }
  static std::string part_in(const Json& session, const std::string& person) {
    for (const Json& item : session["participants"].as_array()) {
      if (item.string_or("person", "") == person) return item.string_or("id", "");
    }
    return {};
  }
  std::string admission(const std::string& session, const std::string& participant) {
    const Json all = seen_by_admin(session);
    for (const Json& item : all["participants"].as_array()) {
      if (item.string_or("id", "") == participant) return item.string_or("admission", "");
    }
    return {};
  }
  // Somebody without an account has opened the link of an invitation.
  identity::GuestProof entered(const std::string& session, Json whom) {
    const Json invitation =
        must(sessions_->invitations.invite(as(doctor_, session, std::move(whom))));
    Ask ask;
    ask.caller.who.tenant = "t1";
    ask.body = Json::object({{"code", invitation.string_or("code", "")}});
    return must(sessions_->guests.enter(
                    ask,
                    {.held = [](std::string_view) { return identity::GuestProof{}; }, .tap = {}}))
        .proof;
  }
  Ask as_guest(const identity::GuestProof& proof) {
    const auto part = must(sessions_->guests.part_of(proof));
    Ask ask;
    ask.caller.who = {.kind = identity::Kind::guest,
                      .tenant = "t1",
                      .id = part ? part->participant : "",
                      .part = part.value_or(identity::Part{})};
    ask.session = proof.session;
    return ask;
  }
  static Json family(bool given) {
    return Json::object({{"kind", "family"}, {"given", given}, {"method", "app"}});
  }
  void write_note(const std::string& session) {
    must(records_->write_note(
        as(doctor_, session,
           Json::object({{"content", "cough"},
                         {"diagnoses", Json::array({Json::object({{"code", "R05"}})})}}))));
  }
  std::string missing(const std::string& session) {
    return call("clinical", Json::object({{"session", session}})).output["missing"].dump();
  }
  Answer read_patient(const std::string& by) {
    const auto is = must(relations_to(*store_, "t1", by, patient_, {clock_.now(), 24 * 3'600'000}));
    if (is.has(access::Is::treats)) return Json(true);
    return denied(is.has(access::Is::opened_alone) ? "alone" : "none", "");
  }
  int calls_ = 0;
};

// ---- The patient of a claim was in the visit

TEST_F(VisitPeople, APatientWhoOnlyWaitedWasNotInTheVisit) {
  for (const std::string how : {"never admitted", "denied", "left", "removed", "admitted late"}) {
    const std::string id = booked();
    const std::string patient = in_role(id, "patient").string_or("id", "");
    const auto proof = entered(id, Json::object({{"participant", patient}}));
    must(sessions_->entry.join(as_guest(proof)));
    if (how == "denied") must(sessions_->people.deny(about(doctor_, id, patient)));
    if (how == "removed") must(sessions_->people.remove_participant(about(doctor_, id, patient)));
    if (how == "left" || how == "admitted late") must(sessions_->entry.leave(as_guest(proof)));
    if (how == "admitted late") must(admit(id, patient));
    must(sessions_->life.start(as(doctor_, id)));
    write_note(id);
    clock_.advance_ms(120'000);
    must(sessions_->life.end(as(doctor_, id)));
    EXPECT_EQ(missing(id), R"(["visit.no_patient","visit.too_short"])") << how;
  }
}

TEST_F(VisitPeople, APatientByLinkWhoWasAdmittedWasInTheVisit) {
  const std::string id = booked();
  const std::string patient = in_role(id, "patient").string_or("id", "");
  const auto proof = entered(id, Json::object({{"participant", patient}}));
  must(sessions_->entry.join(as_guest(proof)));
  must(admit(id, patient));
  must(sessions_->life.start(as(doctor_, id)));
  write_note(id);
  clock_.advance_ms(120'000);
  must(sessions_->life.end(as(doctor_, id)));
  EXPECT_EQ(missing(id), "[]");
}

TEST_F(VisitPeople, TheLengthOfAClaimedVisitIsThatOfPatientAndClinicianTogether) {
  const std::string id = id_of(made());
  must(sessions_->entry.join(as(patient_, id)));
  must(sessions_->life.start(as(doctor_, id)));
  write_note(id);
  clock_.advance_ms(600'000);
  must(admit(id, part_of(id, patient_)));
  clock_.advance_ms(30'000);
  must(sessions_->life.end(as(doctor_, id)));
  EXPECT_EQ(missing(id), R"(["visit.too_short"])") << "the patient was in for 30 seconds";

  const std::string apart = id_of(made());
  must(sessions_->entry.join(as(doctor_, apart)));
  must(sessions_->entry.join(as(patient_, apart)));
  must(admit(apart, part_of(apart, patient_)));
  write_note(apart);
  clock_.advance_ms(20'000);
  must(sessions_->entry.leave(as(doctor_, apart)));
  clock_.advance_ms(600'000);
  must(sessions_->life.end(as(doctor_, apart)));
  EXPECT_EQ(missing(apart), R"(["visit.too_short"])") << "the patient was alone";
}

// A provider whose plugin tells of nobody leaves no stays.
class SilentProvider : public VisitPeople {
 protected:
  void SetUp() override {
    settings_.provider_events = true;
    VisitPeople::SetUp();
  }
};
TEST_F(SilentProvider, TheCallToJoinCounts) {
  const std::string id = id_of(made());
  must(sessions_->entry.join(as(patient_, id)));
  must(admit(id, part_of(id, patient_)));
  must(sessions_->entry.join(as(patient_, id)));
  must(sessions_->life.start(as(doctor_, id)));
  write_note(id);
  clock_.advance_ms(120'000);
  must(sessions_->life.end(as(doctor_, id)));
  EXPECT_EQ(missing(id), "[]");
}

// ---- One patient

TEST_F(VisitPeople, AVisitHasOnePatientWhicheverWayASecondComes) {
  const std::string id = booked();
  EXPECT_EQ(code(add(doctor_, id, patient_, "patient")), "session.has_patient");
  EXPECT_EQ(code(sessions_->life.change(as(doctor_, id, Json::object({{"patient", patient_}})))),
            "session.has_patient");
  EXPECT_EQ(code(sessions_->invitations.invite(
                as(doctor_, id, Json::object({{"person", patient_}, {"role", "patient"}})))),
            "session.has_patient");
  EXPECT_EQ(code(sessions_->people.add_participant(
                as(doctor_, id, Json::object({{"role", "patient"}, {"name", "Another"}})))),
            "session.has_patient");
  EXPECT_EQ(call("add-participant",
                 Json::object({{"session", id}, {"role", "patient"}, {"name", "Another"}}))
                .code,
            "session.has_patient");
  // The patient of the booking stays the session's patient, even after a host removed him.
  const std::string patient = in_role(id, "patient").string_or("id", "");
  must(sessions_->people.remove_participant(about(doctor_, id, patient)));
  EXPECT_EQ(code(add(doctor_, id, patient_, "patient")), "session.has_patient");
  Json two = with(plain(), "participants",
                  Json::array({Json::object({{"role", "patient"}, {"name", "Another"}})}));
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, two))), "session.has_patient");
}

TEST_F(VisitPeople, AnInvitationThatAnOlderHubMadeBringsNoSecondPatient) {
  const std::string id = id_of(must(
      sessions_->creation.create(as(doctor_, {}, Json::object({{"type", "doctor_patient"}})))));
  const Json invitation = must(sessions_->invitations.invite(
      as(doctor_, id, Json::object({{"person", patient_}, {"role", "patient"}}))));
  must(sessions_->people.add_participant(
      as(doctor_, id, Json::object({{"role", "patient"}, {"name", "Layla"}}))));
  EXPECT_EQ(code(sessions_->invitations.accept(
                as(patient_, {}, Json::object({{"code", invitation["code"]}})))),
            "session.has_patient");
  EXPECT_EQ(code(sessions_->entry.join(as(patient_, id))), "session.has_patient")
      << "coming accepts an invitation by name";
}

TEST_F(VisitPeople, TheAccountOfWhomTheBookingNamedIsThatPatient) {
  const auto ways = {"add", "change", "invite"};
  for (const std::string way : ways) {
    people_.numbers.clear();
    const std::string id = booked();
    const std::string patient = in_role(id, "patient").string_or("id", "");
    people_.numbers["1012345672"] = patient_;
    if (way == "add") must(add(doctor_, id, patient_, "patient"));
    if (way == "change")
      must(sessions_->life.change(as(doctor_, id, Json::object({{"patient", patient_}}))));
    if (way == "invite") {
      const Json invitation = must(sessions_->invitations.invite(
          as(doctor_, id, Json::object({{"person", patient_}, {"role", "patient"}}))));
      must(sessions_->invitations.accept(
          as(patient_, {}, Json::object({{"code", invitation["code"]}}))));
    }
    const Json all = seen(id);
    EXPECT_EQ(all["participants"].size(), 2U) << way;
    EXPECT_EQ(all.string_or("patient", ""), patient_) << way;
    EXPECT_EQ(part_of(id, patient_), patient) << way;
  }
}

// ---- The patient's own no

TEST_F(VisitPeople, WhoMayNotComeInLeavesWhenThePatientRefusesHisFamily) {
  const std::string id = id_of(made());
  must(sessions_->entry.join(as(patient_, id)));
  must(sessions_->entry.join(as(doctor_, id)));
  must(admit(id, part_of(id, patient_)));
  const auto guest = entered(
      id, Json::object({{"role", "observer"}, {"phone", "+966500000003"}, {"name", "Brother"}}));
  must(sessions_->entry.join(as_guest(guest)));
  const std::string brother = as_guest(guest).caller.who.part.participant;
  must(add(doctor_, id, patient2_, "observer"));
  must(add(doctor_, id, nurse_, "observer"));
  for (const std::string& text : {brother, part_of(id, patient2_), part_of(id, nurse_)})
    must(admit(id, text));
  must(sessions_->people.record_consent(as(patient_, id, family(false))));
  EXPECT_EQ(admission(id, brother), "removed");
  EXPECT_EQ(admission(id, part_of(id, patient2_)), "removed");
  EXPECT_EQ(admission(id, part_of(id, nurse_)), "admitted") << "a nurse of the hospital stays";
  EXPECT_FALSE(must(sessions_->guests.part_of(guest)).has_value());
  EXPECT_EQ(code(sessions_->entry.join(as(patient2_, id))), "participant.not_a_participant");
  EXPECT_EQ(code(sessions_->reading.get(as(patient2_, id))), "authorisation.denied");
}

TEST_F(VisitPeople, ThePatientsOwnNoHoldsForWhatFollows) {
  const std::string first = id_of(made());
  must(sessions_->people.record_consent(as(patient_, first, family(false))));
  Json next = with(plain(), "followUpOf", first);
  next.set("type", "family_consultation");
  next.set("context", Json::object({{"familyConsent", true}}));
  const std::string second = id_of(made(next));
  EXPECT_EQ(code(add(doctor_, second, patient2_, "family_member")), "consent.family_missing");
  EXPECT_EQ(code(sessions_->people.record_consent(as(doctor_, second, family(true)))),
            "consent.own_word");
  Json at_once = next;
  at_once.set("participants",
              Json::array({Json::object({{"person", patient2_}, {"role", "family_member"}})}));
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, at_once))), "consent.family_missing");
  next.set("followUpOf", second);
  const std::string third = id_of(made(next));
  EXPECT_EQ(code(add(doctor_, third, patient2_, "family_member")), "consent.family_missing");
  must(sessions_->people.record_consent(as(patient_, third, family(true))));
  EXPECT_EQ(code(add(doctor_, third, patient2_, "family_member")), "ok");
}

// ---- The clinician who holds the visit

TEST_F(VisitPeople, WhoTakesThePlaceOfTheDoctorHoldsTheVisit) {
  const auto removed = [&](const std::string& id) {
    return sessions_->people.remove_participant([&] {
      Ask ask = as_admin(id);
      ask.record = part_of(id, doctor_);
      return ask;
    }());
  };
  const auto adds = [&](const std::string& id) {
    return call("add-participant",
                Json::object({{"session", id}, {"role", "doctor"}, {"person", doctor2_}}));
  };
  const std::string start = to_iso8601({clock_.now().ms + 3'600'000});
  for (const bool first : {true, false}) {
    const std::string id = id_of(made(with(plain(), "scheduledStart", start)));
    if (!first) must(removed(id));
    EXPECT_EQ(adds(id).kind, OutcomeKind::done);
    if (first) must(removed(id));
    const Json item = seen_by_admin(id);
    EXPECT_EQ(item.string_or("provider", ""), doctor2_) << first;
    EXPECT_EQ(item.string_or("organizer", ""), part_in(item, doctor2_)) << first;
    EXPECT_EQ(
        code(sessions_->creation.create(as(doctor_, {}, with(plain(), "scheduledStart", start)))),
        "ok");
    const Json over =
        must(sessions_->creation.create(as(doctor2_, {}, with(plain(), "scheduledStart", start))));
    EXPECT_NE(over["warnings"].dump().find("provider.overlap"), std::string::npos) << first;
    must(sessions_->life.cancel(as_admin(id)));
    must(sessions_->life.cancel(as_admin(id_of(over))));
  }
}

TEST_F(VisitPeople, ADoctorWhomTheHubDoesNotKnowLeavesTheTimeOfTheOneBeforeFree) {
  const std::string id = booked();
  const std::string before = in_role(id, "doctor").string_or("id", "");
  EXPECT_EQ(call("remove", Json::object({{"session", id}, {"participant", before}})).kind,
            OutcomeKind::done);
  const ActionOutcome come =
      call("add-participant",
           Json::object({{"session", id},
                         {"role", "doctor"},
                         {"person", Json::object({{"system", "licence"}, {"value", "N-P-9"}})},
                         {"name", "Dr Y"},
                         {"licenceNumber", "N-P-00009"}}));
  EXPECT_EQ(come.kind, OutcomeKind::done);
  EXPECT_TRUE(seen_by_admin(id)["provider"].is_null());
  EXPECT_EQ(seen_by_admin(id)["organizer"], come.output["participant"]);
  // Known later: the visit is his.
  people_.numbers["N-P-9"] = doctor2_;
  EXPECT_EQ(must(sessions_->reading.get(as(doctor2_, id))).string_or("provider", ""), doctor2_);
}

TEST_F(VisitPeople, PresenceFollowsTheDoctorOfAVisitThatRuns) {
  const auto presence = [&](const std::string& doctor) {
    Ask ask = as(patient_);
    ask.record = doctor;
    return must(practice_->availability(ask)).string_or("status", "");
  };
  const std::string id = id_of(made());
  must(sessions_->life.start(as(doctor_, id)));
  const std::string busy = presence(doctor_);
  const std::string free = presence(doctor2_);
  EXPECT_NE(busy, free);
  must(add(doctor_, id, doctor2_, "doctor"));
  must(sessions_->people.remove_participant(about(doctor_, id, part_of(id, doctor_))));
  EXPECT_EQ(presence(doctor2_), busy);
  EXPECT_NE(presence(doctor_), busy);
  must(sessions_->life.end(as(doctor2_, id)));
  EXPECT_NE(presence(doctor2_), busy);
}

// ---- Who may follow up a visit, and hold one in a visit

TEST_F(VisitPeople, WhoMayNotReadAVisitDoesNotFollowItUp) {
  const std::string first = id_of(made());
  const std::string number = std::to_string(seen(first).int_or("number", 0));
  const Json of_nobody =
      Json::object({{"type", "doctor_patient"}, {"provider", doctor_}, {"followUpOf", "999999"}});
  const auto unknown = sessions_->creation.create(as(patient2_, {}, of_nobody));
  std::int64_t hours = 0;
  for (const std::string& name : {first, number}) {
    const std::string start = to_iso8601({clock_.now().ms + ++hours * 3'600'000});
    const auto stranger =
        sessions_->creation.create(as(patient2_, {}, with(of_nobody, "followUpOf", name)));
    ASSERT_FALSE(stranger.ok());
    EXPECT_EQ(stranger.error().code, unknown.error().code);
    EXPECT_EQ(stranger.error().message, unknown.error().message);
    EXPECT_EQ(code(sessions_->creation.create(as(doctor2_, {}, with(plain(), "followUpOf", name)))),
              unknown.error().code);
    EXPECT_EQ(
        code(sessions_->creation.create(
            as(patient_, {}, with(with(of_nobody, "followUpOf", name), "scheduledStart", start)))),
        "ok");
  }
  Json other = with(with(plain(), "followUpOf", first), "patient", patient2_);
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, other))), "api.invalid");
}

TEST_F(VisitPeople, AVisitTakesSessionsOfThoseWhoSeeIt) {
  const Json visit = must(practice_->open_visit(
      as(doctor_, {}, Json::object({{"patient", patient_}, {"provider", doctor_}}))));
  Json body = Json::object({{"type", "doctor_patient"}, {"visit", visit["number"]}});
  const auto unrelated = sessions_->creation.create(as(doctor2_, {}, body));
  const auto unknown = sessions_->creation.create(as(doctor2_, {}, with(body, "visit", 999'999)));
  ASSERT_FALSE(unrelated.ok());
  EXPECT_EQ(unrelated.error().message, unknown.error().message);
  EXPECT_EQ(code(sessions_->creation.create(as(doctor_, {}, body))), "ok");
  EXPECT_EQ(code(sessions_->creation.create(as_admin({}, with(body, "provider", doctor2_)))), "ok");
}

// ---- Nobody's own word opens a record

TEST_F(VisitPeople, WhomADoctorsSessionNamesOpensNothingByALook) {
  for (const bool at_creation : {true, false}) {
    people_.numbers.clear();
    const ParticipantInput named{
        .person = Json::object({{"system", "elsewhere"}, {"value", "ext-1"}}),
        .foreign = true,
        .role = PartRole::patient,
        .guest = Json::object({{"userId", "ext-1"}, {"name", "X"}})};
    SessionInput input;
    if (at_creation) input.participants.push_back(named);
    const Caller doctor = as(doctor_).caller;
    const std::string id =
        must(sessions_->Sessions::creation.create(doctor, std::move(input))).session.id;
    if (!at_creation)
      must(sessions_->Sessions::people.add_participant(
          doctor, AddParticipant{.session = id, .input = named}));
    people_.numbers["ext-1"] = patient_;
    (void)sessions_->reading.get(as(patient_, id));
    EXPECT_NE(code(read_patient(doctor_)), "ok") << at_creation;
    EXPECT_EQ(seen(id).string_or("patient", ""), patient_) << at_creation;
    must(sessions_->entry.join(as(patient_, id)));
    EXPECT_EQ(code(read_patient(doctor_)), "ok") << "the patient came";
    must(sessions_->life.cancel(as(doctor_, id)));
  }
}

// ---- Who waits sees what a guest sees

TEST_F(VisitPeople, ANurseWhoWaitsSeesNothingClinical) {
  Json body = with(with(plain(), "chiefComplaint", "CANARY complaint"), "notes", "CANARY notes");
  body.set("context", Json::object({{"medicalRecordNumber", "CANARY-1"}}));
  const std::string id = id_of(made(body));
  must(add(doctor_, id, nurse_, "nurse"));
  const auto all = [&](const std::string& who) {
    return must(sessions_->reading.get(as(who, id))).dump() +
           must(sessions_->reading.summary(as(who, id))).dump() +
           must(sessions_->people.participants(as(who, id))).dump();
  };
  EXPECT_EQ(all(nurse_).find("CANARY"), std::string::npos);
  EXPECT_NE(all(nurse_).find("Patient One"), std::string::npos) << "she sees who comes";
  must(admit(id, part_of(id, nurse_)));
  EXPECT_NE(all(nurse_).find("CANARY"), std::string::npos);
}

}  // namespace
}  // namespace rabt::consultation::visit_people_test
