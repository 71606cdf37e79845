#include <gtest/gtest.h>

#include <set>

#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"

// Claims for visits, and visits that wait for a person's decision first.
namespace rabt::e2e::claims_test {
namespace {

// The supporting information of one category; null when the claim has none.
Json information(const Json& claim, std::string_view category) {
  for (const Json& item : claim["supportingInfo"].as_array()) {
    if (item["category"]["coding"][0].string_or("code", "") == category) return item;
  }
  return {};
}

class Claims : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(site_.start_sandbox());
    ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  }
  std::string ended() {
    std::string status;
    (void)test::eventually([&] {
      status = site_.api("instances/" + site_.instance()).string_or("status", status);
      return status == "completed" || status == "faulted";
    });
    return status;
  }
  Finished decide(const std::string& decision) {
    return site_.rabt({"instances", site_.instance(), "--resolve", "done", "--output",
                       "{\"decision\": \"" + decision + "\"}", "--reason", "test"});
  }

  Site site_{Kind::whole};
};

TEST_F(Claims, EveryClinicalFieldLeadsToAnActOfAClinician) {
  ASSERT_EQ(site_.play(site_.booking()), "completed");
  const Json claims = site_.control("POST", "/control/nphies/claims", "{}")["claims"];
  ASSERT_EQ(claims.size(), 1U);
  const Json& claim = claims[0];
  const Json visit = site_.api("instances/" + site_.instance(), true)["context"]["visit"];
  const std::string session =
      site_.api("instances/" + site_.instance(), true)["context"].string_or("session", "");
  // Entries that the doctor wrote in the session.
  std::set<std::string> written;
  for (const char* kind : {"notes", "vitals"}) {
    const Json list = site_.api("sessions/" + session + "/" + kind, true)["items"];
    ASSERT_EQ(list.size(), 1U) << kind;
    written.insert(list[0].string_or("id", ""));
  }
  std::size_t fields = 0;
  const auto by_clinician = [&](const std::string& field) {
    ++fields;
    const Json& source = visit["sources"][field];
    EXPECT_TRUE(written.contains(source.string_or("record", ""))) << field;
    EXPECT_EQ(source.string_or("role", ""), "doctor") << field;
    EXPECT_TRUE(source["at"].is_string()) << field;
  };
  // The booking says J06.9; the doctor coded something else.
  ASSERT_EQ(claim["diagnosis"].size(), 2U);
  const char* codes[] = {"J11.1", "R50.9"};
  for (std::size_t i = 0; i < 2; ++i) {
    const Json& item = claim["diagnosis"].item(i);
    EXPECT_EQ(item["diagnosisCodeableConcept"]["coding"][0].string_or("code", ""), codes[i]);
    EXPECT_EQ(item["type"][0]["coding"][0].string_or("code", ""),
              i == 0 ? "principal" : "secondary");
    by_clinician("diagnoses/" + std::to_string(i));
  }
  const auto vital = [&](const char* category, const char* field) {
    EXPECT_EQ(information(claim, category)["valueQuantity"]["value"], visit["vitals"][field])
        << category;
    by_clinician("vitals/" + std::string(field));
  };
  vital("vital-sign-systolic", "systolic");
  vital("vital-sign-diastolic", "diastolic");
  vital("pulse", "pulse");
  vital("temperature", "temperatureCel");
  vital("oxygen-saturation", "oxygenSaturation");
  // Vital signs that were not taken are absent, and never a number.
  for (const char* absent : {"vital-sign-height", "vital-sign-weight", "respiratory-rate"}) {
    EXPECT_TRUE(information(claim, absent)["valueQuantity"].is_null()) << absent;
    EXPECT_FALSE(information(claim, absent)["reason"].is_null()) << absent;
  }
  EXPECT_EQ(information(claim, "chief-complaint")["code"].string_or("text", ""),
            visit["notes"].string_or("chiefComplaint", "?"));
  by_clinician("notes/chiefComplaint");
  const auto note = [&](const char* category, const char* field) {
    EXPECT_EQ(information(claim, category).string_or("valueString", ""),
              visit["notes"].string_or(field, "?"));
    by_clinician("notes/" + std::string(field));
  };
  note("history-of-present-illness", "historyOfPresentIllness");
  note("physical-examination", "physicalExamination");
  note("treatment-plan", "treatmentPlan");
  // Nothing else clinical was said, but the assessment, which a claim has no place for.
  EXPECT_EQ(visit["sources"].size(), fields + 1);
}

TEST_F(Claims, AVisitThatNobodyWroteAboutWaitsForADecisionAndIsNotClaimed) {
  ASSERT_EQ(site_.play(site_.booking(), 60'000, true), "parked");
  EXPECT_EQ(site_.effects("claim.accepted"), 0);
  // A slip of the hand drops no claim: it is refused with the words there are.
  const Finished misspelt = decide("clam");
  EXPECT_NE(misspelt.code, 0);
  EXPECT_NE(misspelt.said.find("must be one of claim, skip"), std::string::npos) << misspelt.said;
  EXPECT_EQ(site_.api("instances/" + site_.instance()).string_or("status", ""), "parked");
  const Finished claimed = decide("claim");
  ASSERT_EQ(claimed.code, 0) << claimed.said;
  // There is no diagnosis: it is asked again. The second question may not be parked yet.
  Finished skipped;
  ASSERT_TRUE(test::eventually([&] {
    skipped = decide("skip");
    return skipped.code == 0;
  })) << skipped.said;
  EXPECT_EQ(ended(), "completed");
  EXPECT_EQ(site_.effects("claim.accepted"), 0);
  EXPECT_EQ(site_.effects("report.imported"), 1);
}

}  // namespace
}  // namespace rabt::e2e::claims_test
