#include <gtest/gtest.h>

#include <string>

#include "tests/api/rig.hpp"

// Pairs of records that may be one patient, over the API.
namespace rabt::api::pairs_test {
namespace {

using http::Response;

class PairsApi : public testing::Test {
 protected:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  static Headers reason() { return {{"x-rabt-reason", "two records of one patient"}}; }
  std::string patient(std::initializer_list<std::pair<std::string_view, Json>> members) {
    const Response response = api_.api("POST", "patients", Json::object(members).dump());
    EXPECT_EQ(response.status, 201) << response.body;
    return json(response).string_or("id", "");
  }
  Response list(const std::string& query = {}) {
    return api_.api("GET", "patient-pairs" + query, {}, reason());
  }
  // Times that the audit log has the text.
  std::size_t noted(const std::string& of) {
    const std::string log = api_.api("GET", "audit/entries?limit=200").body;
    std::size_t times = 0;
    for (std::size_t at = log.find(of); at != std::string::npos; at = log.find(of, at + 1)) ++times;
    return times;
  }
  std::size_t count() { return json(list())["items"].size(); }
  Response apart(const std::string& text, const std::string& body) {
    return api_.api("POST", "patients/" + text + "/apart", body);
  }
  Response apart_from(const std::string& text, const std::string& other) {
    return apart(text, R"({"from": ")" + other + "\"}");
  }

  ApiRig api_;
  const std::string old_ = patient({{"name", "Noura Canary"},
                                    {"birthDate", "1990-03-02"},
                                    {"mrn", "MRN-4711"},
                                    {"phone", "+966551234567"}});
  const std::string twice_ = patient({{"name", "noura canary"}, {"birthDate", "1990-03-02"}});
};

TEST_F(PairsApi, AreShownWithBothSidesAndWhatTheyShare) {
  const Response answer = list();
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json items = json(answer)["items"];
  ASSERT_EQ(items.size(), 1U);
  const Json& pair = items.item(0);
  EXPECT_EQ(pair["reasons"], Json::array({"name_birth"}));
  EXPECT_EQ(pair["newer"]["patient"].string_or("id", ""), twice_);
  const Json& older = pair["older"]["patient"];
  EXPECT_EQ(older.string_or("id", ""), old_);
  EXPECT_EQ(older.string_or("mrn", ""), "MRN-4711");
  EXPECT_EQ(older.string_or("phone", ""), "+966551234567");
  EXPECT_EQ(pair["older"]["lastVisit"], Json());
  ASSERT_NE(pair["older"].find("lastVisit"), nullptr);
}

TEST_F(PairsApi, AreReadForAReasonAndEachRecordIsInTheLog) {
  EXPECT_EQ(code(api_.api("GET", "patient-pairs")), "phi.reason");
  ASSERT_EQ(list().status, 200);
  const std::string log = api_.api("GET", "audit/entries?limit=200").body;
  for (const std::string& of : {std::string("search:pairs"), "person:" + old_, "person:" + twice_})
    EXPECT_NE(log.find(of), std::string::npos) << of;
  EXPECT_NE(log.find("patient.read"), std::string::npos);
  EXPECT_EQ(log.find("two records of one patient"), std::string::npos) << "a reason is sealed";
}

// Symptom: one damaged record, and the list was never shown again.
TEST_F(PairsApi, ADamagedRecordHoldsBackNoOtherPair) {
  const std::string third = patient({{"name", "Noura Canary"}, {"birthDate", "1990-03-02"}});
  ASSERT_EQ(count(), 3U);
  constexpr store::Statement kDamage{"UPDATE person SET sealed = $1 WHERE id = $2"};
  must(api_.hub.store().write([&](store::Transaction& transaction) {
    return store::run(transaction, kDamage, {store::Blob{"damaged"}, third});
  }));
  const std::size_t before = noted("patient.read");
  const Response answer = list();
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Json items = json(answer)["items"];
  ASSERT_EQ(items.size(), 1U);
  EXPECT_EQ(items.item(0)["newer"]["patient"].string_or("id", ""), twice_);
  EXPECT_EQ(noted("patient.read"), before + 2) << "what is not shown is not noted as read";
}

TEST_F(PairsApi, ARecordOfSeveralPairsIsNotedOnce) {
  patient({{"name", "Noura Canary"}, {"birthDate", "1990-03-02"}});
  const std::size_t before = noted("patient.read");
  ASSERT_EQ(count(), 3U);
  EXPECT_EQ(noted("patient.read"), before + 3);
}

TEST_F(PairsApi, ThePagesFollowEachOther) {
  patient({{"name", "NOURA CANARY"}, {"birthDate", "1990-03-02"}});
  const Response first = list("?limit=2");
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(json(first)["items"].size(), 2U);
  const std::string next = json(first).string_or("next", "");
  ASSERT_TRUE(next.starts_with("/api/v1/patient-pairs?limit=2&cursor=")) << next;
  const Response second =
      api_.api("GET", next.substr(std::string("/api/v1/").size()), {}, reason());
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(json(second)["items"].size(), 1U);
  EXPECT_EQ(json(second).find("next"), nullptr);
}

TEST_F(PairsApi, TwoPeopleAreNotAskedAboutAgain) {
  EXPECT_EQ(apart(old_, "{}").status, 422);
  EXPECT_EQ(apart(old_, R"({"from": 7, "reason": "x"})").status, 422);
  EXPECT_EQ(code(apart_from(old_, old_)), "merge.same_person");
  EXPECT_EQ(code(apart_from(old_, "01ARZ3NDEKTSV4RRFFQ69G5FAV")), "person.unknown");
  ASSERT_EQ(count(), 1U);
  EXPECT_EQ(apart_from(old_, twice_).status, 204);
  EXPECT_EQ(count(), 0U);
  EXPECT_NE(api_.api("GET", "audit/entries?limit=200").body.find("patient.kept_apart"),
            std::string::npos);
}

TEST_F(PairsApi, AMergeTakesAPairAwayAndUndoingItBringsItBack) {
  const Response merged =
      api_.api("POST", "patients/" + twice_ + "/merge",
               Json::object({{"into", old_}, {"reason", "entered twice"}}).dump());
  ASSERT_EQ(merged.status, 200) << merged.body;
  EXPECT_EQ(count(), 0U);
  EXPECT_EQ(code(apart_from(old_, twice_)), "merge.taken");
  EXPECT_EQ(api_.api("POST", "patients/" + twice_ + "/unmerge", R"({"reason": "cousins"})").status,
            204);
  EXPECT_EQ(count(), 1U);
}

}  // namespace
}  // namespace rabt::api::pairs_test
