#include <gtest/gtest.h>

#include <array>

#include "hub/base/limits.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session/hijri.hpp"
#include "hub/consultation/session/standing_consents.hpp"

// The state machine alone: no store, no clock, no provider.
namespace rabt::consultation::decide_test {
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
    is_.room.plugin = "plugin://twilio";
    is_.created_ms = now_.ms;
    add("d", kDoctor, PartRole::doctor);
    add("p", kPatient, PartRole::patient);
    is_.people.organizer = "d";
  }
  void add(const std::string& id, const std::string& person, PartRole role) {
    Participant participant;
    participant.id = id;
    participant.person = person;
    participant.role = role;
    participant.identity = "x-" + id;
    participant.licence = identity::Licence::vouched;
    participant.account = roles_of(role);
    participant.number = static_cast<std::int64_t>(is_.people.participants.size()) + 1;
    is_.people.participants.push_back(participant);
  }
  // An account that fits the role.
  static Roles roles_of(PartRole role) {
    switch (role) {
      case PartRole::doctor:
        return {Role::doctor};
      case PartRole::specialist:
        return {Role::specialist};
      case PartRole::nurse:
        return {Role::nurse};
      case PartRole::admin:
        return {Role::admin};
      default:
        return {Role::patient};
    }
  }
  static Participant coming(const std::string& person, PartRole role, Roles account) {
    Participant participant;
    participant.id = "new-" + person;
    participant.person = person;
    participant.role = role;
    participant.licence = identity::Licence::vouched;
    participant.account = account;
    return participant;
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

// R-03
TEST_F(Decide, AClosedVisitLetsNoSessionStart) {
  EXPECT_EQ(act(doctor_, Start{false}), "visit.closed");
  EXPECT_EQ(act(doctor_, Start{true}), "ok");
}

// R-05
TEST_F(Decide, WhoAdmits) {
  add("n", kNurse, PartRole::nurse);
  is_.people.participants[1].admission = Admission::waiting;
  const Actor observer = person("01ARZ3NDEKTSV4RRFFQ69G5FAD", {Role::doctor});
  EXPECT_EQ(act(patient_, Admit{"p"}), "session.not_host");
  EXPECT_EQ(act(admin_, Admit{"p"}), "session.not_host");
  EXPECT_EQ(act(observer, Admit{"p"}), "authorisation.denied");
  EXPECT_EQ(act(nurse_, Admit{"p"}), "ok");
  EXPECT_EQ(is_.people.participants[1].admitted_by, nurse_.actor);
  EXPECT_EQ(act(nurse_, Remove{"p"}), "session.not_host");
}

// Every way into a session asks the same: has the account the role?
TEST_F(Decide, NobodyComesInWithARoleThatHisAccountHasNot) {
  is_.patient.clear();
  is_.people.participants.pop_back();
  settings_.licence = VideoSettings::Licence::off;
  const std::string other = "01ARZ3NDEKTSV4RRFFQ69G5FAD";
  struct Row {
    PartRole role;
    Roles account;
    bool fits;
  };
  const Row rows[] = {{PartRole::doctor, {Role::doctor}, true},
                      {PartRole::doctor, {Role::specialist}, true},
                      {PartRole::doctor, {Role::nurse}, false},
                      {PartRole::specialist, {Role::patient}, false},
                      {PartRole::specialist, {Role::admin}, false},
                      {PartRole::nurse, {Role::nurse}, true},
                      {PartRole::nurse, {Role::guest}, false},
                      {PartRole::nurse, {Role::patient}, false},
                      {PartRole::nurse, {}, false},
                      {PartRole::observer, {Role::guest}, true},
                      {PartRole::patient, {Role::patient}, true}};
  for (const Row& row : rows) {
    const std::string what(to_string(row.role));
    const std::string wanted = row.fits ? "ok" : "participant.role_not_held";
    const Participant participant = coming(other, row.role, row.account);
    const auto code = [](const Result<Change>& change) {
      return change.ok() ? std::string("ok") : change.error().code;
    };
    EXPECT_EQ(code(ask(doctor_, Add{participant})), wanted) << what;
    EXPECT_EQ(code(ask(hub_, Add{participant})), wanted) << what;
    EXPECT_EQ(
        code(ask(doctor_, Invite{{.id = "i", .person = other, .role = row.role}, participant})),
        wanted)
        << what;
    const Session before = is_;
    is_.people.invitations.push_back({.id = "i", .role = row.role, .expires_ms = now_.ms + 1});
    EXPECT_EQ(code(ask(person(other, row.account), AcceptInvitation{"i", participant})), wanted)
        << what;
    is_ = before;
    is_.people.participants.push_back(participant);
    EXPECT_EQ(code(ask(hub_, Open{.room_suffix = "abcdef"})), wanted) << what;
    is_ = before;
  }
  const Actor office = person(kNurse, {Role::operator_});
  EXPECT_EQ(act(office, Assign{coming(other, PartRole::doctor, {Role::patient})}),
            "participant.role_not_held");
  EXPECT_EQ(act(office, Assign{coming(other, PartRole::doctor, {Role::doctor})}), "ok");
}

TEST_F(Decide, ATrainingIsHostedByAnOfficeAndByNoGuest) {
  is_.type = SessionType::training_session;
  is_.patient.clear();
  is_.people.participants.pop_back();
  const std::string other = "01ARZ3NDEKTSV4RRFFQ69G5FAD";
  EXPECT_EQ(act(doctor_, Add{coming(other, PartRole::admin, {Role::guest})}),
            "participant.role_not_held");
  EXPECT_EQ(act(doctor_, Add{coming(other, PartRole::admin, {Role::admin})}), "ok");
  EXPECT_TRUE(is_host(is_, is_.people.participants.back()));
  EXPECT_EQ(act(doctor_, Add{coming("", PartRole::admin, {})}), "ok");
  EXPECT_FALSE(is_host(is_, is_.people.participants.back())) << "he has no account";
  EXPECT_EQ(is_.people.participants.back().admission, Admission::waiting);
}

// A row that an older hub made, or an account that has lost its role since.
TEST_F(Decide, WhoseAccountHasNotTheRoleDoesNotActInIt) {
  add("n", kNurse, PartRole::nurse);
  is_.people.participants[1].admission = Admission::waiting;
  const Actor nurse = person(kNurse, {Role::patient});
  EXPECT_EQ(act(nurse, Admit{"p"}), "session.not_host");
  const access::Facts facts = facts_of(is_, nurse);
  EXPECT_FALSE(facts.is.has_any({access::Is::nurse, access::Is::staff, access::Is::host}));
  EXPECT_TRUE(facts.is.has(access::Is::observer));
  const Actor doctor = person(kDoctor, {Role::guest});
  EXPECT_EQ(act(doctor, Start{}), "session.not_host");
  EXPECT_FALSE(facts_of(is_, doctor).is.has_any({access::Is::treating, access::Is::doctor}));
}

TEST_F(Decide, NobodyAdmitsHimself) {
  add("n", kNurse, PartRole::nurse);
  is_.people.participants.back().admission = Admission::waiting;
  is_.people.participants[1].admission = Admission::waiting;
  EXPECT_EQ(act(nurse_, Admit{"n"}), "participant.waiting");
  EXPECT_EQ(act(nurse_, Admit{"p"}), "participant.waiting");
  // Of a type that a nurse hosts.
  is_.type = SessionType::remote_monitoring;
  EXPECT_EQ(act(nurse_, Admit{"n"}), "participant.waiting");
  EXPECT_EQ(act(nurse_, Start{}), "session.not_host");
  EXPECT_EQ(act(doctor_, Admit{"n"}), "ok");
}

// Whoever was put out and let in again waits, whatever token he still has.
TEST_F(Decide, NobodyComesAroundTheWaitingRoomWithAnOldToken) {
  is_.room.state = "open";
  EXPECT_EQ(act(doctor_, Remove{"p"}), "ok");
  EXPECT_EQ(act(doctor_, Add{coming(kPatient, PartRole::patient, {Role::patient})}), "ok");
  EXPECT_EQ(is_.people.participants[1].admission, Admission::waiting);
  EXPECT_EQ(act(hub_, ProviderJoined{"x-p", "PA1", now_}), "ok");
  EXPECT_EQ(effects_, "remove-participant ");
  EXPECT_TRUE(is_.people.stays.empty());
}

TEST_F(Decide, APatientBooksAVisitAndNoMeetingOfDoctors) {
  for (const auto& [type, allowed] : {std::pair{SessionType::doctor_patient, true},
                                      {SessionType::family_consultation, true},
                                      {SessionType::emergency_consultation, true},
                                      {SessionType::medical_team, false},
                                      {SessionType::second_opinion, false},
                                      {SessionType::remote_monitoring, false},
                                      {SessionType::training_session, false}}) {
    is_.type = type;
    const auto made = ask(patient_, Open{.room_suffix = "abcdef"});
    EXPECT_EQ(made.ok() ? "ok" : made.error().code, allowed ? "ok" : "session.create_denied")
        << to_string(type);
  }
}

TEST_F(Decide, AnInvitationMakesNobodyTheSecondPatient) {
  const std::string other = "01ARZ3NDEKTSV4RRFFQ69G5FAD";
  is_.people.invitations.push_back(
      {.id = "i", .role = PartRole::patient, .expires_ms = now_.ms + 1, .invited_by = kDoctor});
  const auto accept = [&](const std::string& who) {
    return act(person(who, {Role::patient}),
               AcceptInvitation{"i", coming(who, PartRole::patient, {Role::patient})});
  };
  EXPECT_EQ(accept(other), "session.has_patient");
  is_.patient.clear();
  is_.people.participants.pop_back();
  EXPECT_EQ(accept(other), "ok");
  EXPECT_EQ(is_.patient, other);
  EXPECT_EQ(is_.naming.by, "") << "he came himself";
}

// ---- Two identifiers

class Identities : public Decide {
 protected:
  Identities() {
    page_.page = true;
    settings_.provider_events = false;
  }
  static ConfirmIdentity said() { return {Json::array({"name", "birth_date"})}; }

  Actor page_ = doctor_;
};

// R-28
TEST_F(Identities, AStartOnAPageOfTheHubNeedsThem) {
  EXPECT_EQ(act(page_, Start{}), "identity.unconfirmed");
  EXPECT_EQ(act(page_, said()), "ok");
  EXPECT_EQ(events_, "identity-confirmed ");
  EXPECT_EQ(is_.identification.latest["by"].as_string(), kDoctor);
  EXPECT_EQ(is_.identification.latest["identifiers"].dump(), R"(["name","birth_date"])");
  EXPECT_EQ(is_.status, SessionStatus::scheduled);
  EXPECT_EQ(act(page_, Start{}), "ok");
}

TEST_F(Identities, ASessionOnThePagesDoesNotBeginByItselfBeforeThem) {
  EXPECT_EQ(act(patient_, Join{.stay = "s1"}), "ok");
  EXPECT_EQ(act(page_, Join{.stay = "s2"}), "ok");
  EXPECT_EQ(is_.status, SessionStatus::waiting);
  EXPECT_TRUE(is_.warns("identity.unconfirmed"));
  EXPECT_EQ(act(page_, said()), "ok");
  EXPECT_EQ(is_.status, SessionStatus::active);
  EXPECT_FALSE(is_.warns("identity.unconfirmed"));
}

TEST_F(Identities, ProgramsAndWorkflowsStartWithoutThem) {
  EXPECT_EQ(act(patient_, Join{.stay = "s1"}), "ok");
  EXPECT_EQ(act(doctor_, Join{.stay = "s2"}), "ok");
  EXPECT_EQ(is_.status, SessionStatus::active);
}

TEST_F(Identities, AlwaysMeansProgramsToo) {
  settings_.identity_check = VideoSettings::IdentityCheck::always;
  EXPECT_EQ(act(doctor_, Start{}), "identity.unconfirmed");
  EXPECT_EQ(ask(hub_, Start{}).ok(), true);
  // Clients of these APIs have no call that confirms.
  is_.origin.begins_by_call = true;
  EXPECT_EQ(ask(doctor_, Start{}).ok(), true);
  is_.origin.begins_by_call = false;
  is_.origin.joined_counts = true;
  EXPECT_EQ(ask(doctor_, Start{}).ok(), true);
}

TEST_F(Identities, OffEmergenciesAndSessionsWithoutAPatientNeedNone) {
  settings_.identity_check = VideoSettings::IdentityCheck::off;
  EXPECT_EQ(ask(page_, Start{}).ok(), true);
  settings_.identity_check = VideoSettings::IdentityCheck::pages;
  is_.type = SessionType::emergency_consultation;
  EXPECT_EQ(ask(page_, Start{}).ok(), true);
  is_.type = SessionType::doctor_patient;
  is_.people.participants[1].admission = Admission::removed;
  EXPECT_EQ(ask(page_, Start{}).ok(), true);
  EXPECT_EQ(act(page_, said()), "identity.no_patient");
}

TEST_F(Identities, WhoLetsThePatientInConfirmsThem) {
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(nurse_, said()), "ok");
  EXPECT_EQ(is_.identification.latest["by"].as_string(), kNurse);
  EXPECT_NE(act(patient_, said()), "ok");
  EXPECT_NE(act(admin_, said()), "ok");
  is_.status = SessionStatus::requested;
  EXPECT_EQ(act(doctor_, said()), "session.not_accepted");
  is_.status = SessionStatus::completed;
  EXPECT_EQ(act(doctor_, said()), "session.completed");
}

// Symptom: a doctor whom the host had removed accepted the emergency, and was in again.
// Cause: whoever takes a session over was admitted, whatever he had been.
// Tests accepted as doctors who had not been there.
TEST_F(Decide, WhoWasRemovedDoesNotTakeTheEmergencyHimself) {
  is_.type = SessionType::emergency_consultation;
  is_.topic.context = Json::object({{"specialty", "cardiology"}});
  ASSERT_TRUE(calls_doctors(is_));
  const Actor other = person(kNurse, {Role::doctor});
  const Accept accept{.doctor = coming(kNurse, PartRole::doctor, {Role::doctor})};
  for (const Admission admission : {Admission::removed, Admission::denied}) {
    add("o", kNurse, PartRole::doctor);
    is_.people.participants.back().admission = admission;
    EXPECT_EQ(act(other, accept), "participant.not_a_participant");
    is_.people.participants.pop_back();
  }
  EXPECT_EQ(act(other, accept), "ok");
}

// ---- Consents

class Consents : public Decide {
 protected:
  static RecordConsent says(const std::string& kind, bool given) {
    return {Json::object({{"kind", kind}, {"given", given}})};
  }
  std::string added(const std::string& person, PartRole role) {
    return act(doctor_, Add{coming(person, role, {Role::guest})});
  }
  const std::string relative_ = "01ARZ3NDEKTSV4RRFFQ69G5FAE";
  const Actor application_{.actor = "client:app", .roles = {Role::integration}};
};

TEST_F(Consents, APatientsOwnNoIsLiftedByHimAlone) {
  is_.origin.created_by = application_.actor;
  for (const std::string kind : {"family", "recording", "training"}) {
    EXPECT_EQ(act(doctor_, says(kind, true)), "ok") << kind;
    EXPECT_TRUE(consent_stands(is_, kind));
    EXPECT_EQ(act(patient_, says(kind, false)), "ok");
    for (const Actor& who : {doctor_, application_, hub_})
      EXPECT_EQ(act(who, says(kind, true)), "consent.own_word") << kind << " " << who.actor;
    EXPECT_FALSE(consent_stands(is_, kind));
    EXPECT_EQ(act(doctor_, says(kind, false)), "ok");
    EXPECT_EQ(act(patient_, says(kind, true)), "ok");
    EXPECT_EQ(act(doctor_, says(kind, false)), "ok");
    EXPECT_FALSE(consent_stands(is_, kind)) << "what the doctor wrote down himself he takes back";
    EXPECT_EQ(act(doctor_, says(kind, true)), "ok");
    EXPECT_TRUE(consent_stands(is_, kind));
  }
}

// Symptom: somebody who waited wrote 2,301 consents, and each act wrote the session anew.
// Cause: nothing bounded them, and what was said again was a row more.
// No test said anything twice.
TEST_F(Consents, WhatIsSaidAgainAddsNothingAndOnePersonSaysFortyThings) {
  EXPECT_EQ(act(patient_, says("family", true)), "ok");
  EXPECT_EQ(act(doctor_, says("recording", true)), "ok");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(act(patient_, says("family", true)), "ok");
  EXPECT_EQ(is_.consents.all.size(), 2U);
  EXPECT_EQ(act(patient_, says("family", false)), "ok");
  for (std::size_t i = 2; i < limits::kMaxConsentsOfOne; ++i)
    ASSERT_EQ(act(patient_, says("family", i % 2 == 0)), "ok") << i;
  EXPECT_EQ(is_.consents.all.size(), limits::kMaxConsentsOfOne + 1);
  EXPECT_EQ(act(patient_, says("family", true)), "consent.limit");
  EXPECT_EQ(act(patient_, says("recording", false)), "ok") << "a refusal is always taken";
  EXPECT_EQ(act(patient_, says("recording", false)), "ok");
  EXPECT_EQ(is_.consents.all.size(), limits::kMaxConsentsOfOne + 2);
  EXPECT_EQ(act(doctor_, says("training", true)), "ok") << "others have a place";
  while (is_.consents.all.size() < limits::kMaxSessionConsents)
    is_.consents.all.push_back(Json::object({{"kind", "training"}, {"given", true}, {"by", "x"}}));
  EXPECT_EQ(act(doctor_, says("family", true)), "consent.own_word");
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(nurse_, says("training", true)), "consent.limit");
}

TEST_F(Consents, InvitationsConfirmationsAndPeopleOfASessionHaveAnEnd) {
  for (std::int64_t i = 0; i < limits::kMaxSessionInvitations; ++i)
    ASSERT_EQ(act(doctor_, Send{.participant = "p", .invitation = "i", .renew = i > 0}), "ok") << i;
  EXPECT_EQ(act(doctor_, Send{.participant = "p", .invitation = "i"}), "ok") << "the same link";
  EXPECT_EQ(act(doctor_, Send{.participant = "p", .invitation = "i", .renew = true}),
            "invitation.limit");
  EXPECT_EQ(act(doctor_, Invite{{.id = "j", .role = PartRole::observer},
                                coming("", PartRole::observer, {})}),
            "invitation.limit");

  is_.status = SessionStatus::scheduled;
  const std::array pairs{Json::array({"name", "birth_date"}), Json::array({"name", "mrn"})};
  for (std::int64_t i = 0; i < limits::kMaxIdentifications; ++i) {
    for (int twice = 0; twice < 2; ++twice)
      ASSERT_EQ(act(doctor_, ConfirmIdentity{pairs.at(static_cast<std::size_t>(i % 2))}), "ok");
  }
  EXPECT_EQ(act(doctor_, ConfirmIdentity{pairs[0]}), "identity.limit");

  for (std::size_t i = is_.people.participants.size(); i < limits::kMaxSessionPeople; ++i) {
    Participant participant = coming("", PartRole::observer, {});
    participant.id = "o" + std::to_string(i);
    ASSERT_EQ(act(doctor_, Add{participant}), "ok") << i;
    ASSERT_EQ(act(doctor_, Remove{participant.id}), "ok") << i;
  }
  EXPECT_EQ(act(doctor_, Add{coming("", PartRole::observer, {})}), "session.full");
}

TEST_F(Consents, ANurseConsentsToATrainingForHerselfAndNotForThePatient) {
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(nurse_, says("training", true)), "ok");
  EXPECT_FALSE(consent_stands(is_, "training"));
}

// Symptom: the recording of a training went on when somebody came who had not agreed to it.
// Cause: consents were looked at again only when one ended.
// Tests asked everybody before the start.
TEST_F(Consents, ARecordedTrainingStopsWhenSomebodyComesWhoHasNotConsented) {
  settings_.consent_required_to_record = false;
  is_.type = SessionType::training_session;
  is_.patient.clear();
  is_.people.participants.pop_back();
  is_.status = SessionStatus::active;
  EXPECT_EQ(act(doctor_, says("training", true)), "ok");
  is_.recording.running = "r";
  is_.recording.purpose = "training";
  EXPECT_EQ(act(doctor_, Join{}), "ok");
  EXPECT_EQ(is_.recording.running, "r");
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(nurse_, Join{}), "ok");
  EXPECT_EQ(is_.recording.running, "");
  EXPECT_NE(effects_.find("stop-recording"), std::string::npos);
}

TEST_F(Consents, ARelativeWhomThePatientPutOutIsNotBroughtBack) {
  for (const SessionType type :
       {SessionType::doctor_patient, SessionType::emergency_consultation}) {
    const Session before = is_;
    is_.type = type;
    EXPECT_EQ(act(patient_, says("family", true)), "ok");
    EXPECT_EQ(added(relative_, PartRole::family_member), "ok");
    const std::string id = is_.people.participants.back().id;
    is_.people.invitations.push_back(
        {.id = "i", .person = relative_, .role = PartRole::observer, .expires_ms = now_.ms + 1});
    EXPECT_EQ(act(patient_, says("family", false)), "ok");
    EXPECT_EQ(is_.participant(id)->admission, Admission::removed);
    EXPECT_EQ(added(relative_, PartRole::family_member), "consent.family_missing");
    EXPECT_EQ(added(relative_, PartRole::observer), "consent.own_word");
    EXPECT_EQ(act(doctor_, Admit{id}), "consent.family_missing");
    EXPECT_EQ(act(person(relative_, {Role::guest}),
                  AcceptInvitation{"i", coming(relative_, PartRole::observer, {Role::guest})}),
              "consent.own_word");
    EXPECT_EQ(act(patient_, says("family", true)), "ok");
    EXPECT_EQ(added(relative_, PartRole::family_member), "ok");
    is_ = before;
  }
}

TEST_F(Consents, ARelativeWithoutAnAccountIsNotBroughtBackUnderAnotherRole) {
  EXPECT_EQ(act(patient_, says("family", true)), "ok");
  Participant guest = coming("", PartRole::family_member, {});
  guest.guest.set("name", "Sara");
  EXPECT_EQ(act(doctor_, Add{guest}), "ok");
  EXPECT_EQ(act(patient_, says("family", false)), "ok");
  guest.role = PartRole::observer;
  guest.id = "again";
  EXPECT_EQ(act(doctor_, Add{guest}), "consent.own_word");
  guest.guest.set("name", "Huda");
  EXPECT_EQ(act(doctor_, Add{guest}), "consent.own_word") << "another relative, for all one knows";
}

TEST_F(Consents, WhoObservesAfterANoToTheFamilyWorksAtTheHospital) {
  const std::string other = "01ARZ3NDEKTSV4RRFFQ69G5FAF";
  for (const SessionType type :
       {SessionType::doctor_patient, SessionType::emergency_consultation}) {
    const Session before = is_;
    is_.type = type;
    EXPECT_EQ(act(doctor_, says("family", false)), "ok");
    EXPECT_EQ(added(other, PartRole::observer), "ok") << "the doctor's word, not the patient's";
    is_ = before;
    is_.type = type;
    EXPECT_EQ(act(patient_, says("family", false)), "ok");
    EXPECT_EQ(added(other, PartRole::observer), "consent.own_word");
    EXPECT_EQ(act(doctor_, Add{coming(other, PartRole::observer, {Role::patient})}),
              "consent.own_word");
    EXPECT_EQ(act(doctor_, Add{coming("", PartRole::observer, {})}), "consent.own_word");
    EXPECT_EQ(act(doctor_, Add{coming(other, PartRole::observer, {Role::nurse})}), "ok");
    is_ = before;
  }
}

TEST_F(Consents, WhatThePatientRefusesIsNotRecordedWhateverTheSettingsSay) {
  settings_.consent_required_to_record = false;
  EXPECT_EQ(act(doctor_, Start{}), "ok");
  EXPECT_EQ(act(doctor_, StartRecording{"care"}), "ok");
  EXPECT_EQ(act(patient_, says("recording", false)), "ok");
  EXPECT_TRUE(is_.recording.running.empty());
  EXPECT_EQ(act(doctor_, StartRecording{"care"}), "consent.recording_missing");
  EXPECT_EQ(act(patient_, says("recording", true)), "ok");
  EXPECT_EQ(act(patient_, says("training", true)), "ok");
  EXPECT_EQ(act(doctor_, StartRecording{"training"}), "ok");
  EXPECT_EQ(act(patient_, says("training", false)), "ok");
  EXPECT_TRUE(is_.recording.running.empty());
}

// Symptom: a host wrote down that a guest wants no recording, which stopped, and could be begun
// again where no consent is needed.
// Cause: without that setting only the patient's own no counted.
// Tests refused as the patient.
TEST_F(Consents, NothingIsRecordedAfterANoThatAHostWroteDownWhateverTheSettingsSay) {
  settings_.consent_required_to_record = false;
  EXPECT_EQ(act(doctor_, Start{}), "ok");
  EXPECT_EQ(act(doctor_, StartRecording{"care"}), "ok");
  EXPECT_EQ(act(doctor_, says("recording", false)), "ok");
  EXPECT_TRUE(is_.recording.running.empty());
  EXPECT_EQ(act(doctor_, StartRecording{"care"}), "consent.recording_missing");
  EXPECT_EQ(act(doctor_, says("recording", true)), "ok");
  EXPECT_EQ(act(doctor_, StartRecording{"care"}), "ok");
}

TEST_F(Consents, APatientWhoWasPutOutSeesNothingAndMayStillRefuse) {
  EXPECT_EQ(act(doctor_, Remove{"p"}), "ok");
  EXPECT_FALSE(may(access::Right::session_see, is_, patient_).ok());
  EXPECT_FALSE(may(access::Right::session_clinical, is_, patient_).ok());
  EXPECT_EQ(act(patient_, says("recording", true)), "session.not_host");
  EXPECT_EQ(act(patient_, says("recording", false)), "ok");
  EXPECT_EQ(act(doctor_, says("recording", true)), "consent.own_word");
}

// Symptom: a doctor removed a patient without an account, added her again as a nurse, and recorded.
// Cause: an addition changed the role, and the no was no patient's any more.
// Tests brought people back in the role that they had.
TEST_F(Consents, WhoIsBroughtBackComesInTheRoleThatHeHad) {
  is_.patient.clear();
  is_.people.participants.clear();
  add("d", kDoctor, PartRole::doctor);
  Participant guest = coming("", PartRole::patient, {});
  guest.guest.set("externalId", "X-77");
  EXPECT_EQ(act(doctor_, Add{guest}), "ok");
  const Actor by_link{.actor = guest_actor(guest.id),
                      .part = {.session = is_.id, .participant = guest.id}};
  EXPECT_EQ(act(by_link, says("recording", false)), "ok");
  EXPECT_EQ(act(doctor_, Remove{guest.id}), "ok");
  for (const PartRole role : {PartRole::nurse, PartRole::observer, PartRole::doctor}) {
    guest.role = role;
    EXPECT_EQ(act(doctor_, Add{guest}), "participant.role_not_allowed");
  }
  guest.role = PartRole::patient;
  EXPECT_EQ(act(doctor_, Add{guest}), "ok");
  EXPECT_EQ(act(doctor_, says("recording", true)), "consent.own_word");
  // A role that became another one all the same makes the no nobody else's.
  is_.participant(guest.id)->role = PartRole::observer;
  EXPECT_TRUE(patient_refused(is_, "recording"));
  EXPECT_EQ(act(doctor_, says("recording", true)), "consent.own_word");
}

// Symptom: a patient who had been heard, and had refused, was removed and added again; while she
// waited, transcription began without her.
// Cause: of those who wait none was asked.
// Tests asked whoever was in at that moment, and whoever was removed.
TEST_F(Consents, WhoWasInOnceIsAskedBeforeAnythingIsWrittenDown) {
  for (const char* id : {"d", "p"}) {
    is_.participant(id)->was_here = true;
    is_.participant(id)->in_ms = now_.ms;
  }
  EXPECT_EQ(act(doctor_, says("transcription", true)), "ok");
  EXPECT_EQ(act(patient_, says("transcription", false)), "ok");
  EXPECT_FALSE(may_be_transcribed(is_).ok());
  EXPECT_EQ(act(doctor_, Remove{"p"}), "ok");
  EXPECT_FALSE(may_be_transcribed(is_).ok());
  EXPECT_EQ(act(doctor_, Add{coming(kPatient, PartRole::patient, {Role::patient})}), "ok");
  ASSERT_EQ(is_.participant("p")->admission, Admission::waiting);
  EXPECT_FALSE(may_be_transcribed(is_).ok()) << "she waits, and was heard";
  EXPECT_EQ(act(doctor_, Deny{"p", "x"}), "ok");
  EXPECT_FALSE(may_be_transcribed(is_).ok());
  // By a stay alone, as a provider tells of it.
  is_.participant("p")->in_ms.reset();
  EXPECT_TRUE(may_be_transcribed(is_).ok()) << "somebody who only waited is not heard";
  is_.people.stays.push_back({.participant = "p", .sid = "s", .joined_ms = now_.ms});
  EXPECT_FALSE(may_be_transcribed(is_).ok());
}

TEST_F(Consents, ANoThatAHostWroteDownForAGuestHoldsBeforeHeComesAndUnderHisAccount) {
  is_.patient.clear();
  is_.participant("p")->person.clear();
  is_.participant("d")->was_here = true;
  is_.participant("d")->in_ms = now_.ms;
  EXPECT_EQ(act(doctor_, says("transcription", true)), "ok");
  EXPECT_TRUE(may_be_transcribed(is_).ok());
  RecordConsent no = says("transcription", false);
  no.consent.set("participant", "p");
  EXPECT_EQ(act(doctor_, no), "ok");
  EXPECT_FALSE(may_be_transcribed(is_).ok());
  EXPECT_TRUE(words_refused(is_));
  is_.participant("p")->person = kPatient;
  EXPECT_TRUE(words_refused(is_)) << "nobody has taken it back";
  EXPECT_EQ(act(patient_, says("transcription", true)), "ok");
  EXPECT_FALSE(words_refused(is_));
}

// Refusals that older hubs stored say neither whose record it was, nor which one the booking had.
TEST_F(Consents, ANoThatAnOlderHubStoredStaysWhereItCannotTell) {
  is_.participant("p")->record_version = 1;
  is_.participant("p")->invitation = "i";
  is_.people.invitations.push_back({.id = "i",
                                    .role = PartRole::patient,
                                    .status = "accepted",
                                    .participant = "p",
                                    .generation = 2,
                                    .by_link = true,
                                    .proven = 2,
                                    .proven_record = 1});
  Json no = Json::object({{"kind", "recording"}, {"given", false}, {"by", guest_actor("p")}});
  no.set("link", "i/1");
  no.set("recordVersion", 1);
  is_.consents.all.push_back(no);
  Session back;
  Json stored = to_document(is_);
  for (const char* list : {"participants", "invitations"}) {
    Json without = stored[list];
    for (Json& item : without.mutable_array()) {
      for (const char* newer : {"recordOf", "waitsAgain", "provenOf"})
        item.mutable_object().erase(newer);
    }
    stored.set(list, std::move(without));
  }
  ASSERT_TRUE(from_document(stored, back).ok());
  is_.people.participants = back.people.participants;
  is_.people.invitations = back.people.invitations;
  is_.consents.all = back.consents.all;
  for (Participant& participant : is_.people.participants)
    participant.account = roles_of(participant.role);
  const Actor by_link{.actor = guest_actor("p"), .part = {.session = is_.id, .participant = "p"}};
  for (const Actor& who : {doctor_, patient_, by_link})
    EXPECT_EQ(act(who, says("recording", true)), "consent.own_word") << who.actor;
  is_.people.invitations.front().generation = 1;
  EXPECT_EQ(act(by_link, says("recording", true)), "ok") << "the browser that said it";
}

// R-06
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
  is_.people.participants[0].licence = Licence::missing;
  EXPECT_EQ(act(doctor_, Start{}), "licence.missing");
  settings_.licence = VideoSettings::Licence::off;
  EXPECT_EQ(act(doctor_, Start{}), "ok");
}

// R-11
TEST_F(Decide, PersonsAreCountedAndNotDevices) {
  is_.people.most = 2;
  add("n", kNurse, PartRole::nurse);
  EXPECT_EQ(act(doctor_, Join{.stay = "s1"}), "ok");
  EXPECT_EQ(act(doctor_, Join{.stay = "s2"}), "ok");
  EXPECT_EQ(is_.people.stays.size(), 1U);
  EXPECT_EQ(act(patient_, Join{.stay = "s3"}), "ok");
  EXPECT_EQ(act(nurse_, Join{.stay = "s4"}), "session.full");
  EXPECT_EQ(act(admin_, Join{}), "participant.not_a_participant");
}

// R-12
TEST_F(Decide, LateNewsOfTheTimeBeforeTheEndCountAndMakeNoEvent) {
  act(doctor_, Start{});
  now_.ms += 60'000;
  act(doctor_, End{});
  const std::string before = to_document(is_).dump();
  EXPECT_EQ(act(hub_, ProviderJoined{"x-p", "PA1", {now_.ms - 30'000}}), "ok");
  EXPECT_EQ(events_, "");
  EXPECT_EQ(attendee_seconds(is_, now_), 30);
  EXPECT_EQ(act(hub_, ProviderJoined{"x-p", "PA2", {now_.ms + 1}}), "ok");
  EXPECT_EQ(is_.people.stays.size(), 1U);
  EXPECT_EQ(to_document(is_).dump(), before);
}

// R-13
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

// R-16
TEST_F(Decide, ADoorThatStartsByCallAloneIsToldWhenAllAreThere) {
  is_.origin.begins_by_call = true;
  act(doctor_, Join{.stay = "s1"});
  act(patient_, Join{.stay = "s2"});
  EXPECT_EQ(events_, "participant-joined ready ");
  EXPECT_EQ(is_.status, SessionStatus::waiting);
}

TEST_F(Decide, AttendancesOfOnePersonAreUnitedAndOfSeveralAdded) {
  is_.people.stays = {{"d", "1", 0, 60'000, "event"},
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
  is_.topic.notes = "ملاحظات 🩺";
  is_.ties.appointment = Json::object({{"system", "his"}, {"value", "7"}});
  is_.people.invitations.push_back({.id = "i", .role = PartRole::observer, .expires_ms = 5});
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
}  // namespace rabt::consultation::decide_test
