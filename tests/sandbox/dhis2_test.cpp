#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox::dhis2_test {
namespace {

struct NoCallbacks final : Callbacks {
  void post(std::string, std::vector<std::pair<std::string, std::string>>, std::string,
            std::uint32_t) override {
    ++calls;
  }
  int calls = 0;
};

using Query = std::vector<std::pair<std::string, std::string>>;

class Dhis2Test : public ::testing::Test {
 protected:
  void start(const Json& options = Json::object()) {
    service =
        make_dhis2({ledger, callbacks, "http://127.0.0.1:1", [this] { return now; }}, options);
  }
  void SetUp() override { start(); }

  Response call(const std::string& method, const std::string& path, Query query = {},
                const std::string& type = {}, const std::string& body = {}) {
    Request request;
    request.method = method;
    request.path = path;
    request.query = std::move(query);
    if (!type.empty()) request.headers.emplace("content-type", type);
    if (!accept.empty()) request.headers.emplace("accept", accept);
    if (!authorization.empty()) request.headers.emplace("authorization", authorization);
    request.body = body;
    return service->handle(request);
  }
  Response adx(const std::string& body, Query query = {}) {
    return call("POST", "/api/dataValueSets", std::move(query), "application/adx+xml", body);
  }
  Response json(const Json& body, Query query = {{"idScheme", "CODE"}}) {
    return call("POST", "/api/dataValueSets", std::move(query), "application/json", body.dump());
  }
  Json stored(const std::string& period = "202603", const std::string& data_set = "TH_MONTHLY") {
    const auto response = call("GET", "/api/dataValueSets",
                               {{"dataSet", data_set}, {"period", period}, {"orgUnit", "PR-FHIR"}});
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body);
  }

  static std::string group(const std::string& values,
                           const std::string& period = "2026-03-01/P1M") {
    return "<group orgUnit=\"PR-FHIR\" period=\"" + period +
           "\" dataSet=\"TH_MONTHLY\" completeDate=\"2026-04-01T00:00:00\">" + values + "</group>";
  }
  static std::string document(const std::string& groups) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?><adx xmlns=\"urn:ihe:qrph:adx:2015\" "
           "exported=\"2026-04-01T06:00:00Z\">" +
           groups + "</adx>";
  }
  static std::string value(const std::string& element, const std::string& number,
                           const std::string& more = "") {
    return "<dataValue dataElement=\"" + element + "\" value=\"" + number + "\" " + more + "/>";
  }
  static void expect_count(const Response& response, int imported, int updated, int ignored,
                           int deleted = 0) {
    const auto body = Json::parse(response.body);
    const auto& summary = body.contains("response") ? body.at("response") : body;
    EXPECT_EQ(summary.at("importCount"), Json({{"imported", imported},
                                               {"updated", updated},
                                               {"ignored", ignored},
                                               {"deleted", deleted}}))
        << response.body;
  }
  static std::map<std::string, std::string> files() {
    std::map<std::string, std::string> result;
    const char* root = std::getenv("RABT_CONFORMANCE_DATA");
    if (root == nullptr) return result;
    const auto folder = std::filesystem::path(root) / "moh" / "examples";
    if (!std::filesystem::is_directory(folder)) return result;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
      std::ifstream stream(file.path());
      std::stringstream text;
      text << stream.rdbuf();
      result[file.path().filename().string()] = text.str();
    }
    return result;
  }

  std::int64_t now = 1'775'023'200'000;                      // 2026-04-01T06:00:00Z
  std::string authorization = "Basic YWRtaW46ZGlzdHJpY3Q=";  // admin:district
  std::string accept;
  Ledger ledger;
  NoCallbacks callbacks;
  std::unique_ptr<Service> service;
};

// ---- conformance data ----

TEST_F(Dhis2Test, AdxSamplesAreJudgedAsTheSchemaJudgesThem) {
  const auto all = files();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  int seen = 0;
  for (const auto& [name, text] : all) {
    if (name.find("adx") == std::string::npos || !name.ends_with(".xml")) continue;
    start({{"data_element_pattern", "^(TH|ND)_[A-Z0-9_]+$"}});
    const auto response = adx(text);
    const bool good = !name.starts_with("neg_");
    EXPECT_EQ(response.status, good ? 200 : 409) << name << response.body;
    EXPECT_EQ(Json::parse(response.body).at("response").at("conflicts").empty(), good) << name;
    ++seen;
  }
  EXPECT_GE(seen, 4);
}

// The recorded answers name the members; ours must have them all, with values of the same type.
TEST_F(Dhis2Test, AnswersHaveTheShapeOfTheSamples) {
  const auto all = files();
  if (all.empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  const std::function<void(const Json&, const Json&, const std::string&)> same =
      [&](const Json& want, const Json& have, const std::string& where) {
        ASSERT_EQ(want.type(), have.type()) << where;
        if (want.is_array() && !want.empty()) {
          ASSERT_FALSE(have.empty()) << where;
          same(want[0], have[0], where + "[0]");
        }
        if (!want.is_object()) return;
        for (const auto& [key, child] : want.items()) {
          ASSERT_TRUE(have.contains(key)) << where << "." << key;
          same(child, have.at(key), where + "." + key);
        }
      };
  const auto request = Json::parse(all.at("dhis2_datavalueset.json"));
  same(Json::parse(all.at("dhis2_response_success_200.json")), Json::parse(json(request).body),
       "success");
  same(Json::parse(all.at("dhis2_response_async_200.json")),
       Json::parse(json(request, {{"idScheme", "CODE"}, {"async", "true"}}).body), "async");
  auto bogus = request;
  bogus["dataValues"][0]["dataElement"] = "BOGUS";
  const auto conflict = Json::parse(json(bogus).body);
  const auto sample = Json::parse(all.at("dhis2_response_conflict_409.json"));
  same(sample, conflict, "conflict");
  EXPECT_EQ(conflict.at("message"), sample.at("message"));
  EXPECT_EQ(conflict.at("response").at("conflicts").at(0).at("errorCode"), "E7610");
  start({{"legacy_summary", true}});
  same(Json::parse(all.at("dhis2_response_pre38_bare.json")), Json::parse(json(request).body),
       "bare");
  start({{"legacy_summary", true}});
  accept = "application/xml";
  const auto xml =
      adx(document(group(value("TH_A", "1") + value("TH_B", "2") + value("TH_C", "3")))).body;
  // The sample has the same counts; only its quotes in the declaration and the completion differ.
  const auto bare = all.at("dhis2_response_pre38_bare.xml");
  const auto from = bare.find("<importSummary");
  const auto to = bare.find("<dataSetComplete>");
  EXPECT_NE(xml.find(bare.substr(from, to - from)), std::string::npos) << xml;
}

// ---- access ----

TEST_F(Dhis2Test, BasicAndTokenAreAcceptedAndNothingElse) {
  EXPECT_EQ(call("GET", "/api/system/info").status, 200);
  authorization = "ApiToken d2pat_sandbox";
  EXPECT_EQ(call("GET", "/api/system/info").status, 200);
  for (const auto* wrong : {"", "Basic YWRtaW46d3Jvbmc=", "Basic !!!", "ApiToken other",
                            "Bearer d2pat_sandbox", "Basic"}) {
    authorization = wrong;
    const auto response = adx(document(group(value("TH_VISITS", "1"))));
    EXPECT_EQ(response.status, 401) << wrong;
    EXPECT_EQ(Json::parse(response.body).at("httpStatusCode"), 401);
  }
  EXPECT_EQ(ledger.entries().size(), 0U);
  start({{"username", "hub"}, {"password", "secret:with colon"}, {"token", ""}});
  authorization = "Basic aHViOnNlY3JldDp3aXRoIGNvbG9u";
  EXPECT_EQ(call("GET", "/api/me").status, 200);
  authorization = "ApiToken ";
  EXPECT_EQ(call("GET", "/api/me").status, 401) << "no token is configured";
}

TEST_F(Dhis2Test, ContextPathAndApiVersionAreAccepted) {
  const auto body = document(group(value("TH_VISITS", "1")));
  EXPECT_EQ(
      call("POST", "/dhis/api/40/dataValueSets", {}, "application/adx+xml; charset=UTF-8", body)
          .status,
      200);
  EXPECT_EQ(call("GET", "/elsewhere").status, 404);
  EXPECT_EQ(call("GET", "/api/organisationUnits").status, 404);
  EXPECT_EQ(call("PUT", "/api/dataValueSets").status, 405);
  EXPECT_TRUE(Json::parse(call("GET", "/api/system/info").body).contains("version"));
}

TEST_F(Dhis2Test, OtherMediaTypesAreRefused) {
  for (const auto* type : {"text/plain", "application/csv", "application/xml", ""}) {
    const auto response = call("POST", "/api/dataValueSets", {}, type, "x");
    EXPECT_EQ(response.status, 415) << type;
    EXPECT_EQ(Json::parse(response.body).at("status"), "ERROR");
  }
}

TEST_F(Dhis2Test, MalformedDocumentsAreBadRequests) {
  EXPECT_EQ(adx("<adx").status, 400);
  EXPECT_EQ(adx("").status, 400);
  EXPECT_EQ(adx("<adx exported=\"2026-04-01T06:00:00Z\"/>").status, 400) << "no namespace";
  EXPECT_EQ(adx("<dataValueSet xmlns=\"http://dhis2.org/schema/dxf/2.0\"/>").status, 400);
  EXPECT_EQ(call("POST", "/api/dataValueSets", {}, "application/json", "{\"dataSet\":").status,
            400);
  EXPECT_EQ(call("POST", "/api/dataValueSets", {}, "application/json", "[1]").status, 400);
  EXPECT_EQ(json({{"dataValues", 1}}).status, 400);
  EXPECT_EQ(json({{"dataValues", Json::array({1})}}).status, 400);
  EXPECT_EQ(adx(document(group(value("TH_VISITS", "1"))), {{"importStrategy", "REPLACE"}}).status,
            400);
  EXPECT_EQ(adx(document(group(value("TH_VISITS", "1"))), {{"orgUnitIdScheme", "colour"}}).status,
            400);
}

// ---- ADX ----

TEST_F(Dhis2Test, AdxIsImportedWithItsDisaggregation) {
  const auto response =
      adx(document(group(value("TH_VISITS", "20", "sex=\"M\" ageGroup=\"5-14\"") +
                         value("TH_VISITS", "12.50", "sex=\"F\"") +
                         "<dataValue dataElement=\"TH_CANCELLED\" value=\"3\">"
                         "<annotation>includes no-shows</annotation></dataValue>")));
  EXPECT_EQ(response.status, 200);
  expect_count(response, 3, 0, 0);
  EXPECT_EQ(Json::parse(response.body).at("response").at("dataSetComplete"), "2026-04-01");
  const auto data = stored();
  EXPECT_EQ(data.at("completeDate"), "2026-04-01");
  ASSERT_EQ(data.at("dataValues").size(), 3U);
  EXPECT_EQ(data.at("dataValues").at(0).at("comment"), "includes no-shows");
  EXPECT_EQ(data.at("dataValues").at(1).at("categoryOptionCombo"), "ageGroup=5-14,sex=M");
  EXPECT_EQ(data.at("dataValues").at(2).at("value"), "12.50");
  EXPECT_EQ(ledger.count("report.imported", "TH_MONTHLY|PR-FHIR|202603"), 1U);
}

TEST_F(Dhis2Test, AdxMayUseAPrefix) {
  const auto response =
      adx("<a:adx xmlns:a=\"urn:ihe:qrph:adx:2015\" exported=\"2026-04-01T06:00:00+03:00\">"
          "<a:group orgUnit=\"X\" period=\"2026-03-01/P1M\" dataSet=\"D\">"
          "<a:dataValue dataElement=\"TH_VISITS\" value=\"1\"/></a:group></a:adx>");
  EXPECT_EQ(response.status, 200) << response.body;
}

TEST_F(Dhis2Test, AdxRangesBecomeDhis2Periods) {
  const std::map<std::string, std::string> periods{
      {"2026-03-10/P1D", "20260310"},    {"2026-03-02/P7D", "2026W10"},
      {"2026-03-01/P7D", "2026SunW9"},   {"2025-12-29/P7D", "2026W1"},
      {"2024-12-30/P7D", "2025W1"},      {"2026-01-05/P7D", "2026W2"},
      {"2020-12-28/P7D", "2020W53"},     {"2025-12-29/P14D", "2026BiW1"},
      {"2026-03-01/P1M", "202603"},      {"2026-03-01/P2M", "202602B"},
      {"2026-04-01/P3M", "2026Q2"},      {"2026-07-01/P6M", "2026S2"},
      {"2026-04-01/P6M", "2026AprilS1"}, {"2026-01-01/P1Y", "2026"},
      {"2026-10-01/P1Y", "2026Oct"}};
  for (const auto& [range, period] : periods) {
    EXPECT_EQ(adx(document(group(value("TH_VISITS", "1"), range))).status, 200) << range;
    EXPECT_EQ(stored(period).at("dataValues").size(), 1U) << range << " " << period;
  }
  for (const auto* wrong :
       {"202603", "2026-03", "2026-03-02/P1M", "2026-02-30/P1D", "2026-03-03/P7D", "2026-02-01/P3M",
        "2026-03-01/P5M", "2026-03-01/", "/P1M", "2026-03-01T00:00:00", "2026-3-1/P1M"}) {
    const auto response = adx(document(group(value("TH_VISITS", "1"), wrong)));
    EXPECT_EQ(response.status, 409) << wrong;
    EXPECT_EQ(Json::parse(response.body).at("status"), "ERROR") << wrong;
  }
}

TEST_F(Dhis2Test, GroupsNeedTheirAttributesAndNothingIsImportedWithoutThem) {
  const auto good = group(value("TH_VISITS", "1"));
  for (const auto* attribute : {"orgUnit", "period", "dataSet"}) {
    auto bad = good;
    const auto at = bad.find(std::string(attribute) + "=");
    bad.replace(at, std::string(attribute).size(), "other");
    const auto response = adx(document(good + bad));
    EXPECT_EQ(response.status, 409) << attribute;
    const auto body = Json::parse(response.body);
    EXPECT_EQ(body.at("status"), "ERROR");
    EXPECT_EQ(body.at("response").at("description"), "Data set import failed for group number: 2");
    EXPECT_EQ(body.at("response").at("conflicts").at(0).at("object"), attribute);
    expect_count(response, 0, 0, 0);
  }
  EXPECT_EQ(adx(document("")).status, 409);
  EXPECT_EQ(adx(document(group(""))).status, 409);
  EXPECT_TRUE(stored().at("dataValues").empty());
  EXPECT_EQ(ledger.entries().size(), 0U);
}

// ---- JSON ----

Json report(const std::string& number = "20") {
  return {{"dataSet", "TH_MONTHLY"},
          {"completeDate", "2026-04-01"},
          {"period", "202603"},
          {"orgUnit", "PR-FHIR"},
          {"dataValues",
           Json::array(
               {{{"dataElement", "TH_VISITS"}, {"categoryOptionCombo", "SEX_M"}, {"value", number}},
                {{"dataElement", "TH_CANCELLED"}, {"value", 3}}})}};
}

TEST_F(Dhis2Test, JsonIsImported) {
  const auto response = json(report());
  EXPECT_EQ(response.status, 200) << response.body;
  expect_count(response, 2, 0, 0);
  ASSERT_EQ(stored().at("dataValues").size(), 2U);
  EXPECT_EQ(stored().at("dataValues").at(1).at("categoryOptionCombo"), "SEX_M");
  EXPECT_EQ(ledger.count("report.imported", "TH_MONTHLY|PR-FHIR|202603"), 1U);
}

TEST_F(Dhis2Test, JsonNeedsUidsUnlessAnotherSchemeIsNamed) {
  const auto refused = json(report(), {});
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(Json::parse(refused.body).at("response").at("conflicts").at(0).at("errorCode"),
            "E7600");
  EXPECT_EQ(json(report(), {{"dataElementIdScheme", "code"},
                            {"orgUnitIdScheme", "code"},
                            {"dataSetIdScheme", "code"}})
                .status,
            200);
  auto own = report();
  own["idScheme"] = "CODE";
  EXPECT_EQ(json(own, {{"idScheme", "UID"}}).status, 200) << "the payload comes before the query";
  EXPECT_EQ(json({{"dataSet", "pBOMPrpg1QX"},
                  {"period", "202603"},
                  {"orgUnit", "DiszpKrYNg8"},
                  {"dataValues", Json::array({{{"dataElement", "f7n9E0hX8qk"}, {"value", "1"}}})}},
                 {})
                .status,
            200);
  start({{"strict_id_schemes", false}});
  EXPECT_EQ(json(report(), {}).status, 200);
}

TEST_F(Dhis2Test, BulkValuesCarryTheirOwnPeriodAndOrganisation) {
  const auto response = json(
      {{"dataValues",
        Json::array(
            {{{"dataElement", "TH_VISITS"}, {"period", "202601"}, {"orgUnit", "A"}, {"value", "1"}},
             {{"dataElement", "TH_VISITS"},
              {"period", "202602"},
              {"orgUnit", "B"},
              {"value", "2"}}})}});
  expect_count(response, 2, 0, 0);
  EXPECT_EQ(ledger.count("report.imported", "|A|202601"), 1U);
  EXPECT_EQ(ledger.count("report.imported", "|B|202602"), 1U);
}

// ---- what an import does ----

TEST_F(Dhis2Test, RepeatingAReportChangesNothing) {
  json(report());
  const auto again = json(report());
  EXPECT_EQ(again.status, 200);
  expect_count(again, 0, 0, 2);
  expect_count(json(report("21")), 0, 1, 1);
  EXPECT_EQ(ledger.count("report.imported", "TH_MONTHLY|PR-FHIR|202603"), 2U);
  EXPECT_EQ(ledger.count("report.repeated", "TH_MONTHLY|PR-FHIR|202603"), 1U);
}

TEST_F(Dhis2Test, ConflictsLeaveTheRestImported) {
  auto body = report();
  body["dataValues"].push_back({{"dataElement", "TH_BOGUS"}, {"value", "1"}});
  body["dataValues"].push_back(
      {{"dataElement", "TH_VISITS"}, {"categoryOptionCombo", "X"}, {"value", "many"}});
  body["dataValues"].push_back(
      {{"dataElement", "TH_BOGUS"}, {"categoryOptionCombo", "X"}, {"value", "1"}});
  body["dataValues"].push_back({{"dataElement", "TH_VISITS"}, {"categoryOptionCombo", "Y"}});
  start({{"data_elements", {"TH_VISITS", "TH_CANCELLED"}}});
  const auto response = json(body);
  EXPECT_EQ(response.status, 409);
  expect_count(response, 2, 0, 4);
  const auto answer = Json::parse(response.body);
  EXPECT_EQ(answer.at("status"), "WARNING");
  EXPECT_EQ(answer.at("response").at("rejectedIndexes"), Json({2, 3, 4, 5}));
  const auto& conflicts = answer.at("response").at("conflicts");
  ASSERT_EQ(conflicts.size(), 3U);
  EXPECT_EQ(conflicts.at(0).at("errorCode"), "E7610");
  EXPECT_EQ(conflicts.at(0).at("indexes"), Json({2, 4}));
  EXPECT_EQ(conflicts.at(0).at("value"), "Data element not found or not accessible: `TH_BOGUS`");
  EXPECT_EQ(conflicts.at(1).at("errorCode"), "E7619");
  EXPECT_EQ(conflicts.at(2).at("errorCode"), "E7618");
  EXPECT_EQ(ledger.count("report.imported", "TH_MONTHLY|PR-FHIR|202603"), 1U);
  EXPECT_EQ(stored().at("dataValues").size(), 2U);
}

TEST_F(Dhis2Test, UnknownPlacesPeriodsAndDataSetsAreConflicts) {
  start({{"org_units", {"PR-FHIR"}}, {"data_sets", {"TH_MONTHLY"}}});
  const auto code = [&](const std::string& key, const std::string& wrong) {
    auto body = report();
    body[key] = wrong;
    const auto response = json(body);
    EXPECT_EQ(response.status, 409) << key;
    expect_count(response, 0, 0, 2);
    return Json::parse(response.body)
        .at("response")
        .at("conflicts")
        .at(0)
        .at("errorCode")
        .get<std::string>();
  };
  EXPECT_EQ(code("orgUnit", "ELSEWHERE"), "E7612");
  EXPECT_EQ(code("period", "March"), "E7611");
  EXPECT_EQ(code("period", "20260230"), "E7611");
  EXPECT_EQ(code("dataSet", "OTHER"), "E7600");
  EXPECT_EQ(ledger.count("report.imported"), 0U);
  EXPECT_EQ(ledger.count("report.refused"), 3U);
}

TEST_F(Dhis2Test, DryRunCountsAndStoresNothing) {
  expect_count(json(report(), {{"idScheme", "CODE"}, {"dryRun", "true"}}), 2, 0, 0);
  EXPECT_TRUE(stored().at("dataValues").empty());
  EXPECT_FALSE(stored().contains("completeDate"));
  EXPECT_EQ(ledger.entries().size(), 0U);
}

TEST_F(Dhis2Test, ImportStrategiesAreFollowed) {
  const auto with = [](const std::string& strategy) {
    return Query{{"idScheme", "CODE"}, {"importStrategy", strategy}};
  };
  expect_count(json(report(), with("UPDATE")), 0, 0, 2);
  expect_count(json(report(), with("CREATE")), 2, 0, 0);
  expect_count(json(report("99"), with("CREATE")), 0, 0, 2);
  expect_count(json(report("99"), with("UPDATE")), 0, 1, 1);
  expect_count(json(report(), with("DELETE")), 0, 0, 0, 2);
  expect_count(json(report(), with("DELETE")), 0, 0, 2);
  EXPECT_TRUE(stored().at("dataValues").empty());
  EXPECT_EQ(ledger.count("report.deleted"), 1U);
}

TEST_F(Dhis2Test, AsynchronousImportIsWatchedThroughItsTask) {
  const auto response = json(report(), {{"idScheme", "CODE"}, {"async", "true"}});
  EXPECT_EQ(response.status, 200);
  const auto job = Json::parse(response.body).at("response");
  const auto notifier = job.at("relativeNotifierEndpoint").get<std::string>();
  const auto id = job.at("id").get<std::string>();
  EXPECT_EQ(notifier, "/api/system/tasks/DATAVALUE_IMPORT/" + id);
  EXPECT_EQ(id.size(), 11U);
  const auto summary = "/api/system/taskSummaries/DATAVALUE_IMPORT/" + id;
  auto notes = Json::parse(call("GET", notifier).body);
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_EQ(notes.at(0).at("completed"), false);
  EXPECT_EQ(call("GET", summary).body, "");
  now += 300;
  notes = Json::parse(call("GET", notifier).body);
  EXPECT_EQ(notes.at(0).at("completed"), true) << "newest first";
  const auto result = Json::parse(call("GET", summary).body);
  EXPECT_EQ(result.at("status"), "SUCCESS");
  EXPECT_EQ(result.at("importCount").at("imported"), 2);
  EXPECT_EQ(Json::parse(call("GET", "/api/system/tasks/DATAVALUE_IMPORT/unknown").body),
            Json::array());
}

TEST_F(Dhis2Test, OldServersAnswerWithTheBareSummary) {
  start({{"legacy_summary", true}});
  auto body = report();
  body["dataValues"][0]["dataElement"] = "BOGUS";
  const auto response = json(body);
  EXPECT_EQ(response.status, 200);
  const auto answer = Json::parse(response.body);
  EXPECT_EQ(answer.at("responseType"), "ImportSummary");
  EXPECT_EQ(answer.at("status"), "WARNING");
  EXPECT_FALSE(answer.contains("httpStatus"));
}

TEST_F(Dhis2Test, ReadingNeedsDataSetPeriodAndOrganisation) {
  json(report());
  const Query full{{"dataSet", "TH_MONTHLY"}, {"period", "202603"}, {"orgUnit", "PR-FHIR"}};
  for (std::size_t i = 0; i < full.size(); ++i) {
    auto query = full;
    query.erase(query.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(call("GET", "/api/dataValueSets", query).status, 409) << full[i].first;
  }
  EXPECT_TRUE(stored("202604").at("dataValues").empty());
  EXPECT_TRUE(stored("202603", "OTHER").at("dataValues").empty());
  auto two = full;
  two.emplace_back("period", "202602");
  EXPECT_EQ(Json::parse(call("GET", "/api/dataValueSets", two).body).at("dataValues").size(), 2U);
}

TEST_F(Dhis2Test, SettingsAndResetWorkAtRunTime) {
  json(report());
  EXPECT_EQ(service->control("settings", {{"org_units", {"OTHER"}}}).status, 200);
  EXPECT_EQ(json(report("5")).status, 409);
  EXPECT_EQ(service->control("settings", {{"org_units", "OTHER"}}).status, 400);
  EXPECT_EQ(service->control("settings", {{"data_element_pattern", "("}}).status, 400);
  EXPECT_EQ(service->control("settings", {{"colour", "red"}}).status, 400);
  const auto shown = Json::parse(service->control("settings", Json::object()).body);
  EXPECT_FALSE(shown.contains("password"));
  EXPECT_EQ(service->control("reset", Json::object()).status, 200);
  EXPECT_TRUE(stored().at("dataValues").empty());
  EXPECT_EQ(service->control("nothing", Json::object()).status, 404);
  EXPECT_EQ(callbacks.calls, 0);
}

}  // namespace
}  // namespace rabt::sandbox::dhis2_test
