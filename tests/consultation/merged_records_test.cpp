#include "hub/consultation/rows/relations.hpp"

#include "tests/consultation/session_house.hpp"

// Sessions of a patient whose two records are one.
namespace rabt::consultation::merged_records_test {
namespace {

class MergedPatient : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    know_roles();
  }
  // patient2_ is read as patient_.
  void merge(const char* state = "in_force") {
    static constexpr store::Statement kPut{
        "INSERT INTO person_merge (tenant, id, merged, survivor, state, by_actor, asked_ms, "
        "sealed) VALUES ('t1', 'm1', $1, $2, $3, 'desk', 1, $4)"};
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, kPut, {patient2_, patient_, state, store::Blob{"sealed"}});
    }));
  }
  void undo() {
    static constexpr store::Statement kUndo{
        "UPDATE person_merge SET state = 'undone' WHERE tenant = 't1'"};
    must(store_->write(
        [&](store::Transaction& transaction) { return store::run(transaction, kUndo, {}); }));
  }
  std::string with_patient(const std::string& patient) {
    return id_of(made(with(plain(), "patient", patient)));
  }
  std::vector<std::string> listed(const Ask& ask) {
    std::vector<std::string> out;
    for (const Json& item : must(sessions_->reading.list(ask, {})).items)
      out.push_back(id_of(item));
    return out;
  }
  std::vector<std::string> of_patient(const std::string& patient) {
    Ask ask = as_admin();
    ask.caller.who.tenant = "t1";
    ask.query.emplace_back("patient", patient);
    return listed(ask);
  }
  // Patient and members of a session, as stored in the database.
  std::string stored(const std::string& session) {
    static constexpr store::Statement kOf{
        "SELECT s.patient || ' ' || m.person FROM session s JOIN session_member m ON m.tenant = "
        "s.tenant AND m.session = s.id WHERE s.tenant = 't1' AND s.id = $1 AND m.role = 'patient'"};
    std::string out;
    must(store_->read([&](store::Connection& connection) {
      return connection.query(kOf, {session}, [&](const store::Row& row) {
        out += std::string(row.text(0)) + ";";
        return true;
      });
    }));
    return out;
  }
};

TEST_F(MergedPatient, IsReadInListsAndSessionsOfBothRecords) {
  const std::string own = with_patient(patient_);
  const std::string other = with_patient(patient2_);
  ASSERT_EQ(listed(as(patient_)), std::vector<std::string>{own});
  ASSERT_EQ(code(sessions_->reading.get(as(patient_, other))), "authorisation.denied");
  merge("waiting");
  EXPECT_EQ(listed(as(patient_)), std::vector<std::string>{own}) << "it waits";
  undo();
  static constexpr store::Statement kDrop{"DELETE FROM person_merge WHERE tenant = 't1'"};
  must(store_->write(
      [&](store::Transaction& transaction) { return store::run(transaction, kDrop, {}); }));
  merge();
  const std::vector<std::string> both{other, own};
  EXPECT_EQ(listed(as(patient_)), both);
  EXPECT_EQ(of_patient(patient_), both);
  EXPECT_EQ(listed(as(doctor_)), both);
  const Json read = must(sessions_->reading.get(as(patient_, other)));
  EXPECT_EQ(read.string_or("patient", ""), patient_);
  EXPECT_EQ(part(other, patient_).string_or("role", ""), "patient");
  EXPECT_EQ(must(membership(sessions_->acts, as(patient_, other))).patient, patient_);
  undo();
  EXPECT_EQ(listed(as(patient_)), std::vector<std::string>{own});
  EXPECT_EQ(code(sessions_->reading.get(as(patient_, other))), "authorisation.denied");
  EXPECT_EQ(seen(other).string_or("patient", ""), patient2_);
}

TEST_F(MergedPatient, IsStoredUnderTheRecordThatTheSessionNames) {
  const std::string other = with_patient(patient2_);
  const std::string before = stored(other);
  merge();
  must(sessions_->entry.join(as(doctor_, other)));
  must(sessions_->entry.join(as(patient_, other)));
  must(sessions_->life.start(as(doctor_, other)));
  must(sessions_->people.record_consent(
      as(patient_, other, Json::object({{"kind", "recording"}, {"given", true}}))));
  must(sessions_->life.end(as(doctor_, other)));
  EXPECT_EQ(stored(other), before);
  undo();
  const Json after = must(sessions_->reading.get(as(patient2_, other)));
  EXPECT_EQ(after.string_or("status", ""), "completed");
  EXPECT_EQ(after["consents"].item(0).string_or("by", ""), patient_) << "who said it";
}

// A merge that was wrong, or wanted for this, is no way around a patient's own no.
TEST_F(MergedPatient, KeepsItsOwnNoAgainstTheWordOfTheOther) {
  const std::string session = with_patient(patient2_);
  const auto say = [&](const std::string& who, bool given) {
    return code(sessions_->people.record_consent(
        as(who, session, Json::object({{"kind", "recording"}, {"given", given}}))));
  };
  ASSERT_EQ(say(patient2_, false), "ok");
  merge();
  ASSERT_EQ(say(patient_, true), "ok") << "one patient, as long as they are one";
  undo();
  const Json read = must(sessions_->reading.get(as(patient2_, session)));
  EXPECT_EQ(read["consents"].item(0).string_or("by", ""), patient2_);
  EXPECT_EQ(read["consents"].item(1).string_or("by", ""), patient_);
  EXPECT_EQ(say(doctor_, true), "consent.own_word");
  must(sessions_->entry.join(as(patient2_, session)));
  must(sessions_->entry.join(as(doctor_, session)));
  must(sessions_->life.start(as(doctor_, session)));
  EXPECT_NE(code(sessions_->recordings.start(as(doctor_, session))), "ok");
}

// Symptom: the telephone of the survivor kept the link of the other record's visit after the desk
// had said that the two are not one person. Cause: a link is bound to the participant alone.
TEST_F(MergedPatient, LeavesNoLinkWithTheOtherWhenItIsUndone) {
  const auto in_hours = [&](const std::string& patient, int hours) {
    Json body = with(plain(), "patient", patient);
    body.set("scheduledStart", to_iso8601({clock_.now().ms + hours * 3'600'000LL}));
    return id_of(made(std::move(body)));
  };
  const auto sent = [&](const std::string& session, const std::string& person) {
    const Json body = Json::object({{"participant", part_of(session, person)}});
    return must(sessions_->invitations.invite(as(doctor_, session, body))).string_or("code", "");
  };
  const auto of = [](const std::string& link) {
    Ask ask;
    ask.caller.who.tenant = "t1";
    ask.body = Json::object({{"code", link}});
    return ask;
  };
  const auto state = [&](const std::string& link) {
    return code(sessions_->guests.preview(of(link)));
  };
  const std::string own = in_hours(patient_, 1);
  const std::string other = in_hours(patient2_, 3);
  const std::string opened = in_hours(patient2_, 5);
  merge();
  const std::string kept = sent(own, patient_);
  const std::string lent = sent(other, patient_);
  const auto held = must(sessions_->guests.enter(of(sent(opened, patient_)), {})).proof;
  ASSERT_TRUE(must(sessions_->guests.part_of(held)).has_value());
  ASSERT_EQ(state(lent), "ok");
  must(sessions_->Sessions::invitations.end_links_of_merged(patient2_));
  undo();
  EXPECT_EQ(state(lent), "invitation.revoked");
  EXPECT_FALSE(must(sessions_->guests.part_of(held)).has_value());
  EXPECT_EQ(state(kept), "ok") << "his own visit";
  const std::string newer = sent(other, patient2_);
  EXPECT_NE(newer, lent);
  EXPECT_EQ(state(newer), "ok");
}

// A list of two filters must not give the sessions of one patient to another member.
TEST_F(MergedPatient, GivesNobodyTheSessionsOfAnother) {
  const std::string other = with_patient(patient2_);
  merge();
  Ask ask = as(nurse_);
  ask.query.emplace_back("patient", patient_);
  EXPECT_EQ(listed(ask), std::vector<std::string>{});
  EXPECT_EQ(code(sessions_->reading.get(as(nurse_, other))), "authorisation.denied");
}

TEST_F(MergedPatient, IsTreatedByWhoTreatsEitherRecord) {
  Ask ask = as_admin({}, with(with(plain(), "patient", patient2_), "provider", doctor2_));
  ask.caller.who.roles = {identity::Role::integration};
  must(sessions_->creation.create(ask));
  const auto treats = [&] {
    return must(relations_to(*store_, "t1", doctor2_, patient_, {clock_.now(), 24LL * 3'600'000}))
        .has(access::Is::treats);
  };
  EXPECT_FALSE(treats());
  merge();
  EXPECT_TRUE(treats());
  undo();
  EXPECT_FALSE(treats());
}

TEST_F(MergedPatient, HasASessionUnderWayWhileItWaitsOrIsActive) {
  const std::string session = with_patient(patient2_);
  const auto under_way = [&] { return must(has_session_under_way(*store_, "t1", patient2_)); };
  EXPECT_FALSE(under_way()) << "booked";
  must(sessions_->entry.join(as(doctor_, session)));
  must(sessions_->entry.join(as(patient2_, session)));
  must(sessions_->life.start(as(doctor_, session)));
  EXPECT_TRUE(under_way());
  must(sessions_->life.end(as(doctor_, session)));
  EXPECT_FALSE(under_way());
}

TEST_F(MergedPatient, HadItsLastVisitInEitherRecord) {
  const auto last = [&](const std::string& patient) {
    return must(last_visit_of(*store_, "t1", patient));
  };
  const std::string session = with_patient(patient2_);
  EXPECT_FALSE(last(patient2_)) << "booked";
  must(sessions_->entry.join(as(doctor_, session)));
  must(sessions_->entry.join(as(patient2_, session)));
  must(sessions_->life.start(as(doctor_, session)));
  ASSERT_TRUE(last(patient2_));
  EXPECT_EQ(last(patient2_)->ms, clock_.now().ms);
  EXPECT_FALSE(last(patient_));
  merge();
  EXPECT_TRUE(last(patient_));
}

}  // namespace
}  // namespace rabt::consultation::merged_records_test
