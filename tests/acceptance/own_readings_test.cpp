#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "tests/acceptance/hospital.hpp"

// A patient sees who read what of him, and checks that it stands in the log.
namespace rabt::acceptance::own_readings_test {
namespace {

Hospital& h() {
  return Hospital::get();
}

// The first entry of the list whose act is this one; null when there is none.
Json access_of(const Json& list, std::string_view act) {
  for (const Json& row : list["accesses"].as_array()) {
    if (row.string_or("act", "") == act && !row.bool_or("own", true)) return row;
  }
  return {};
}

// An administrator reads the record of the person.
void read_record(const std::string& who) {
  RABT_EXPECT_STATUS(h().call("AD", "GET", "/api/v1/patients/" + h().person(who).id, {},
                              {{"X-Rabt-Reason", "a neighbour asked"}}),
                     200);
}

TEST(OwnReadings, APatientSeesWhoReadHisRecordAndNeitherAddressNorReason) {
  h().enter("reader-of-own", "patient");
  read_record("reader-of-own");
  const Answer answer = h().get("reader-of-own", "/api/v1/me/readings");
  RABT_EXPECT_STATUS(answer, 200);
  const Json row = access_of(answer.json, "patient.read");
  ASSERT_TRUE(row.is_object()) << answer.body;
  EXPECT_FALSE(row["who"].string_or("name", "").empty()) << answer.body;
  EXPECT_EQ(row["who"]["roles"].as_array().at(0), Json("admin"));
  EXPECT_EQ(answer.body.find("a neighbour asked"), std::string::npos);
  EXPECT_EQ(answer.body.find("127.0.0.1"), std::string::npos);
  // That he looked is in the log, as his own act.
  const Answer again = h().get("reader-of-own", "/api/v1/me/readings");
  bool own = false;
  for (const Json& item : again["accesses"].as_array())
    own = own || (item.string_or("act", "") == "audit.report" && item.bool_or("own", false));
  EXPECT_TRUE(own) << again.body;
}

TEST(OwnReadings, WhoWasReadByNobodyGetsAnEmptyList) {
  h().enter("nobody-read", "patient");
  const Answer answer = h().get("nobody-read", "/api/v1/me/readings");
  RABT_EXPECT_STATUS(answer, 200);
  EXPECT_TRUE(access_of(answer.json, "patient.read").is_null()) << answer.body;
}

TEST(OwnReadings, ATimeThatIsNoneIsRefused) {
  RABT_EXPECT_STATUS(h().get("P", "/api/v1/me/readings?from=yesterday"), 422);
}

TEST(OwnReadings, TheProofHoldsUnderTheKeyOfTheLogAndNobodyElseGetsIt) {
  h().enter("prover", "patient");
  h().enter("stranger", "patient");
  read_record("prover");
  const Json row = access_of(h().get("prover", "/api/v1/me/readings").json, "patient.read");
  ASSERT_TRUE(row.is_object());
  const std::string at = "/api/v1/me/readings/" + std::to_string(row.int_or("seq", 0)) + "/proof";
  RABT_EXPECT_STATUS(h().get("stranger", at), 404);
  for (const char* wrong : {"0", "x", "-1", "999999999999", "99999999999999999999"})
    RABT_EXPECT_STATUS(h().get("prover", std::string("/api/v1/me/readings/") + wrong + "/proof"),
                       404);
  Answer proof;
  ASSERT_TRUE(eventually([&] {
    proof = h().get("prover", at);
    return proof.status == 200;
  })) << proof.body;
  const Answer log = h().get("prover", "/api/v1/audit/checkpoint");
  RABT_EXPECT_STATUS(log, 200);
  const auto key = audit::parse_vkey(log.text("key"));
  ASSERT_TRUE(key.ok()) << log.body;
  EXPECT_TRUE(audit::open_note(log.text("checkpoint"), *key).ok());
  const auto proved = audit::verify_proof(proof.body, *key);
  ASSERT_TRUE(proved.ok()) << proved.error().message;
  EXPECT_EQ(proved->seq, row.int_or("seq", 0));
  EXPECT_NE(proved->entry.find("patient.read"), std::string::npos);
  std::string changed = proof.body;
  changed.replace(changed.find("index "), 8, "index 0\n");
  EXPECT_FALSE(audit::verify_proof(changed, *key).ok());
  // Auditors get the proof of any entry.
  h().enter("proof-auditor", "auditor");
  RABT_EXPECT_STATUS(h().get("proof-auditor", "/api/v1/audit/entries/" +
                                                  std::to_string(row.int_or("seq", 0)) + "/proof"),
                     200);
}

}  // namespace
}  // namespace rabt::acceptance::own_readings_test
