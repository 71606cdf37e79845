#include <fstream>
#include <set>
#include <sstream>

#include "tests/consultation/session_house.hpp"

// The query of SECURITY.md finds what older hubs let in, and nothing else.
namespace rabt::consultation {
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
  Json says(const std::string& kind, bool given) {
    return Json::object({{"kind", kind}, {"given", given}});
  }
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

}  // namespace
}  // namespace rabt::consultation
