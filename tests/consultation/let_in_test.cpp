#include <fstream>
#include <set>
#include <sstream>

#include "tests/consultation/session_house.hpp"

// The query of SECURITY.md finds what older hubs let in, and nothing else.
namespace rabt::consultation::let_in_test {
namespace {

std::string query_of_security() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  std::ifstream file(std::string(root != nullptr ? root : ".") + "/SECURITY.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string all = text.str();
  const std::string open = "```sql\n";
  const auto from = all.find(open);
  if (from == std::string::npos) return {};
  const auto begin = from + open.size();
  return all.substr(begin, all.find(";\n```", begin) - begin);
}

class LetIn : public SessionHouse {
 protected:
  void SetUp() override {
    SessionHouse::SetUp();
    know_roles();
  }
  std::set<std::string> found() {
    static const std::string text = query_of_security();
    static const store::Statement query{text.c_str()};
    std::set<std::string> out;
    must(store_->read([&](store::Connection& connection) {
      return connection.query(query, {}, [&](const store::Row& row) {
        out.insert(std::string(row.text(0)) + " " + std::string(row.text(2)) + " " +
                   std::string(row.text(3)));
        return true;
      });
    }));
    return out;
  }
  // As an older hub wrote it.
  void write(const store::Statement& statement, const std::string& session,
             const std::string& value) {
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, statement, {session, value});
    }));
  }
  // One more event, far behind those that there are.
  void happens(const std::string& session, const std::string& type, const std::string& actor,
               const Json& data) {
    static constexpr store::Statement kEvent{
        "INSERT INTO session_event (tenant, session, seq, type, at_ms, actor, data, trace) "
        "VALUES ('t1', $1, $2, $3, 0, $4, $5, '')"};
    const std::int64_t seq = ++seq_;
    const std::string text = data.dump();
    must(store_->write([&](store::Transaction& transaction) {
      return store::run(transaction, kEvent, {session, seq, type, actor, text});
    }));
  }
  Json says(const std::string& kind, bool given) {
    return Json::object({{"kind", kind}, {"given", given}});
  }
  std::int64_t seq_ = 1000;
};

TEST_F(LetIn, TheQueryOfSecurityListsWhatOlderHubsLetIn) {
  ASSERT_NE(query_of_security(), "") << "SECURITY.md has no query";
  // Good ones: a visit that the patient came to, one that he booked, one of several clinicians.
  const std::string met = id_of(made());
  must(sessions_->people.record_consent(as(patient_, met, says("recording", false))));
  must(sessions_->entry.join(as(patient_, met)));
  must(sessions_->creation.create(
      as(patient_, {}, Json::object({{"type", "doctor_patient"}, {"provider", doctor_}}))));
  const std::string team = id_of(made());
  for (const auto& [person, role] : {std::pair{nurse_, "nurse"}, {doctor2_, "nurse"}})
    must(sessions_->people.add_participant(
        as(doctor_, team, Json::object({{"person", person}, {"role", role}}))));
  EXPECT_EQ(found(), std::set<std::string>{});

  static constexpr store::Statement kPerson{
      "UPDATE session_member SET person = $2 WHERE tenant = 't1' AND session = $1 AND role = "
      "'nurse'"};
  static constexpr store::Statement kPatientBy{
      "UPDATE session SET patient_by = $2 WHERE tenant = 't1' AND id = $1"};
  const std::string by_role = id_of(made());
  must(sessions_->people.add_participant(
      as(doctor_, by_role, Json::object({{"person", nurse_}, {"role", "nurse"}}))));
  write(kPerson, by_role, patient2_);

  const std::string by_helper = id_of(must(
      sessions_->creation.create(as(doctor_, {}, Json::object({{"type", "remote_monitoring"}})))));
  must(sessions_->people.add_participant(
      as(doctor_, by_helper, Json::object({{"person", nurse_}, {"role", "nurse"}}))));
  must(sessions_->people.add_participant(
      as(nurse_, by_helper, Json::object({{"person", patient_}, {"role", "patient"}}))));
  EXPECT_EQ(found().size(), 1U) << "the hub knows who brought the helper in";
  write(kPatientBy, by_helper, nurse_);

  const std::string by_refusal = id_of(made());
  must(sessions_->people.record_consent(as(patient_, by_refusal, says("recording", false))));
  write(kPatientBy, by_refusal, "");

  EXPECT_EQ(found(), (std::set<std::string>{"role " + by_role + " " + patient2_,
                                            "helper " + by_helper + " " + nurse_,
                                            "refusal " + by_refusal + " " + patient_}));
}

TEST_F(LetIn, TheQueryOfSecurityListsWhatOthersGaveAndBroughtBackAgainstThePatientsOwnNo) {
  const std::string doctor = "person:" + doctor_;
  const std::string relative = "01ARZ3NDEKTSV4RRFFQ69G5FAE";
  const auto is = [](const std::string& participant, const std::string& role) {
    return Json::object({{"participant", participant}, {"role", role}});
  };
  // Good ones: what the patient took back himself, and what he never refused.
  const std::string taken_back = id_of(made());
  for (const std::string kind : {"family", "training"}) {
    for (const bool given : {false, true})
      must(sessions_->people.record_consent(as(patient_, taken_back, says(kind, given))));
  }
  must(sessions_->people.record_consent(as(doctor_, taken_back, says("training", true))));
  happens(taken_back, "participant-added", doctor, is(relative, "family_member"));
  const std::string others = id_of(made());
  must(sessions_->people.record_consent(as(doctor_, others, says("family", false))));
  must(sessions_->people.record_consent(as(doctor_, others, says("family", true))));
  happens(others, "participant-added", doctor, is(relative, "family_member"));
  must(sessions_->people.record_consent(as(patient_, others, says("transcription", false))));
  happens(others, "consent-recorded", doctor, says("transcription", true));
  EXPECT_EQ(found(), std::set<std::string>{});

  const std::string given = id_of(made());
  must(sessions_->people.record_consent(as(patient_, given, says("recording", false))));
  happens(given, "consent-recorded", doctor, says("recording", true));

  const std::string by_link = id_of(made());
  const std::string guest = "01ARZ3NDEKTSV4RRFFQ69G5FAF";
  happens(by_link, "participant-added", doctor, is(guest, "patient"));
  happens(by_link, "consent-recorded", "guest:" + guest, says("family", false));
  happens(by_link, "consent-recorded", "client:app", says("family", true));

  const std::string back = id_of(made());
  happens(back, "participant-added", doctor, is(relative, "family_member"));
  must(sessions_->people.record_consent(as(patient_, back, says("training", false))));
  happens(back, "consent-recorded", "person:" + patient_, says("family", false));
  happens(back, "participant-added", doctor, is(relative, "observer"));
  happens(back, "participant-admitted", doctor, is(relative, "observer"));

  EXPECT_EQ(found(), (std::set<std::string>{"consent " + given + " " + doctor,
                                            "consent " + by_link + " client:app",
                                            "relative " + back + " " + relative}));
}

}  // namespace
}  // namespace rabt::consultation::let_in_test
