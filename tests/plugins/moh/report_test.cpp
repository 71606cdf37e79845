#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "mapping.hpp"
#include "tests/plugins/test_host.hpp"

namespace rabt::moh::report_test {
namespace {

namespace fs = std::filesystem;
using sdk::Kind;
using testing::Answer;
using testing::Request;
using testing::TestHost;

constexpr const char* kAdx =
    R"({"base_url": "https://moh.example.sa/", "data_set": "TH_MONTHLY", "org_unit": "PR-FHIR"})";
constexpr const char* kDhis2 =
    R"({"base_url": "https://moh.example.sa", "data_set": "TH_MONTHLY", "org_unit": "PR-FHIR", "format": "dhis2"})";
constexpr std::int64_t kNow = 1'775'023'201;  // 2026-04-01T06:00:01Z

Json figures() {
  return Json::parse(R"({"period": "2026-03", "values": [
    {"dataElement": "TH_VISITS", "value": 20, "disaggregation": {"sex": "M"}},
    {"dataElement": "TH_VISITS", "value": "12.5", "disaggregation": {"sex": "F"}},
    {"dataElement": "TH_CANCELLED", "value": 3}]})");
}

std::string conformance() {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");
  return data == nullptr ? std::string() : std::string(data) + "/moh";
}
std::string content(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}
std::string sample(const std::string& name) {
  return content(conformance() + "/examples/" + name);
}

sdk::Outcome answered(const std::string& body, int status) {
  TestHost host(kAdx);
  host.outside = [&](const Request&) { return Answer{.status = status, .body = body}; };
  return host.call("submit-aggregate", figures());
}

TEST(Adx, IsBuiltExactly) {
  Json input = figures();
  input["complete"] = true;
  const Settings settings = read_settings(kAdx);
  const Report report = read_report(input, settings.format);
  EXPECT_EQ(body_of(report, settings, kNow), R"(<?xml version="1.0" encoding="UTF-8"?>
<adx xmlns="urn:ihe:qrph:adx:2015" exported="2026-04-01T06:00:01Z">
 <group orgUnit="PR-FHIR" period="2026-03-01/P1M" dataSet="TH_MONTHLY" completeDate="2026-04-01T00:00:00">
  <dataValue dataElement="TH_VISITS" value="20" sex="M" />
  <dataValue dataElement="TH_VISITS" value="12.5" sex="F" />
  <dataValue dataElement="TH_CANCELLED" value="3" />
 </group>
</adx>
)");
}

TEST(Adx, DayOfCompletionIsTheDayInRiyadh) {
  Json input = figures();
  input["complete"] = true;
  const Settings settings = read_settings(kAdx);
  const std::string body =
      body_of(read_report(input, settings.format), settings, 1'775'077'200);  // 21:00Z
  EXPECT_NE(body.find(R"(exported="2026-04-01T21:00:00Z")"), std::string::npos);
  EXPECT_NE(body.find(R"(completeDate="2026-04-02T00:00:00")"), std::string::npos);
}

TEST(Adx, IsValidAgainstTheSchemaOfTheStandard) {
  const std::string schema = conformance() + "/schema/adx_loose.xsd";
  if (conformance().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  ASSERT_TRUE(fs::exists(schema)) << schema;
  if (std::system("xmllint --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "xmllint is not installed";
  std::string folder = (fs::temp_directory_path() / "rabt-adx-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto valid = [&](const std::string& file) {
    return std::system(
               ("xmllint --noout --nonet --schema '" + schema + "' '" + file + "' >/dev/null 2>&1")
                   .c_str()) == 0;
  };
  const Settings settings = read_settings(kAdx);
  for (const bool complete : {false, true}) {
    Json input = figures();
    input["complete"] = complete;
    input["values"].push_back({{"dataElement", "A&<\"B"}, {"value", "-0.50"}});
    const Report report = read_report(input, settings.format);
    const std::string file = folder + "/report.xml";
    std::ofstream(file) << body_of(report, settings, kNow);
    EXPECT_TRUE(valid(file));
  }
  EXPECT_FALSE(valid(conformance() + "/examples/neg_adx_bad_period.xml"))
      << "the check itself must be able to fail";
  fs::remove_all(folder);
}

TEST(Dhis2, IsBuiltExactly) {
  const Settings settings = read_settings(kDhis2);
  const Json input = Json::parse(R"({"period": "2026-03", "complete": true, "values": [
    {"dataElement": "TH_VISITS", "value": 20, "disaggregation": {"categoryOptionCombo": "SEX_M"}},
    {"dataElement": "TH_VISITS", "value": 12, "disaggregation": {"categoryOptionCombo": "SEX_F"}}]})");
  const Report report = read_report(input, settings.format);
  Json wanted = Json::parse(
      R"({"dataSet":"TH_MONTHLY","completeDate":"2026-04-01","period":"202603","orgUnit":"PR-FHIR",
    "dataValues":[{"dataElement":"TH_VISITS","categoryOptionCombo":"SEX_M","value":"20"},
                  {"dataElement":"TH_VISITS","categoryOptionCombo":"SEX_F","value":"12"}]})");
  EXPECT_EQ(Json::parse(body_of(report, settings, kNow)), wanted);
  if (!conformance().empty()) {
    EXPECT_EQ(Json::parse(sample("dhis2_datavalueset.json")), wanted);
  }
}

TEST(Report, IsRefusedWithThePlaceOfTheMistake) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"period": "2026-13", "values": [{"dataElement": "A", "value": 1}]})", "period"},
      {R"({"period": "202603", "values": [{"dataElement": "A", "value": 1}]})", "period"},
      {R"({"period": "2026-03", "values": []})", "values"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1}, {"value": 1}]})",
       "values[1]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": "x"}]})", "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1.5}]})", "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": "."}]})", "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": ""}]})", "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A\u0001", "value": 1}]})", "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1, "disaggregation": {"a b": "M"}}]})",
       "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1, "disaggregation": {"value": "M"}}]})",
       "values[0]"},
      {R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1}, {"dataElement": "A", "value": 2}]})",
       "values[1]"}};
  for (const auto& [input, where] : cases) {
    TestHost host(kAdx);
    const auto outcome = host.call("submit-aggregate", Json::parse(input));
    EXPECT_EQ(outcome.kind, Kind::permanent) << input;
    EXPECT_EQ(outcome.code, "moh.input") << input;
    EXPECT_EQ(outcome.message.find(where), 0U) << outcome.message;
    EXPECT_TRUE(host.requests.empty());
  }
  TestHost host(kDhis2);
  EXPECT_NE(host.call("submit-aggregate", figures()).message.find("categoryOptionCombo"),
            std::string::npos);
}

TEST(Submit, NamesEverythingByCode) {
  TestHost host(kAdx);
  host.outside = [](const Request&) { return Answer{.status = 503}; };
  EXPECT_EQ(host.call("submit-aggregate", figures()).kind, Kind::transient);
  const Request& sent = host.requests.at(0);
  EXPECT_EQ(sent.method(), "POST");
  EXPECT_EQ(sent.url().find("https://moh.example.sa/api/dataValueSets?"), 0U) << sent.url();
  for (const char* part : {"idScheme=code", "dataElementIdScheme=code", "orgUnitIdScheme=code",
                           "dataSetIdScheme=code"}) {
    EXPECT_NE(sent.url().find(part), std::string::npos) << part;
  }
  EXPECT_EQ(sent.url().find("dryRun"), std::string::npos);
  EXPECT_EQ(sent.header("Content-Type"), "application/adx+xml");
  EXPECT_EQ(sent.header("Authorization"), "ApiToken {api_token}");

  TestHost basic(
      R"({"base_url": "https://moh.example.sa", "data_set": "D", "org_unit": "O", "format": "dhis2",
                         "auth": "basic", "basic_user": "admin", "dry_run": true})");
  ASSERT_TRUE(basic.started()) << basic.problem;
  basic.call("submit-aggregate",
             Json::parse(R"({"period": "2026-03", "values": [{"dataElement": "A", "value": 1}]})"));
  EXPECT_EQ(basic.requests.at(0).header("Authorization"), "Basic {admin:api_token}");
  EXPECT_EQ(basic.requests.at(0).header("Content-Type"), "application/json");
  EXPECT_NE(basic.requests.at(0).url().find("dryRun=true"), std::string::npos);
}

// Every sample of an answer has its expected outcome here; a new one fails until it has.
TEST(Answer, EverySampleIsUnderstood) {
  if (conformance().empty()) GTEST_SKIP() << "RABT_CONFORMANCE_DATA is not set";
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(conformance() + "/examples")) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("dhis2_response_")) continue;
    ++seen;
    const auto reply = read_reply(content(entry.path()));
    ASSERT_TRUE(reply.has_value()) << name;
    if (name == "dhis2_response_async_200.json") {
      EXPECT_EQ(reply->task, "YR1UxOUXmzT");
      EXPECT_EQ(reply->job_type, "DATAVALUE_IMPORT");
      continue;
    }
    const bool conflict = name == "dhis2_response_conflict_409.json";
    const auto outcome = answered(content(entry.path()), conflict ? 409 : 200);
    ASSERT_EQ(outcome.kind, Kind::done) << name << ' ' << outcome.code;
    const Json output = Json::parse(outcome.output);
    if (conflict) {
      EXPECT_EQ(
          output,
          Json::parse(
              R"({"period": "2026-03", "status": "WARNING", "imported": 2, "updated": 0, "ignored": 1,
        "deleted": 0, "format": "adx", "conflicts": 1, "codes": ["E7610"]})"));
    } else {
      EXPECT_EQ(
          output,
          Json::parse(
              R"({"period": "2026-03", "status": "SUCCESS", "imported": 3, "updated": 0, "ignored": 0,
        "deleted": 0, "format": "adx"})"))
          << name;
    }
  }
  EXPECT_GE(seen, 5);
}

TEST(Answer, ConflictThatTookNothingIsPermanentAndNamesTheCodes) {
  const auto outcome = answered(
      R"({"status":"WARNING","response":{"responseType":"ImportSummary","status":"WARNING",
          "importCount":{"imported":0,"updated":0,"ignored":3,"deleted":0},
          "conflicts":[{"object":"X","value":"some text","errorCode":"E7610","property":"dataElement"}],
          "rejectedIndexes":[0,1,2]}})",
      409);
  EXPECT_EQ(outcome.kind, Kind::permanent);
  EXPECT_EQ(outcome.code, "moh.conflict");
  const Json detail = Json::parse(outcome.detail);
  EXPECT_EQ(detail["codes"], Json::parse(R"(["E7610"])"));
  EXPECT_EQ(detail["properties"], Json::parse(R"(["dataElement"])"));
  EXPECT_EQ(outcome.message.find("some text"), std::string::npos);
}

TEST(Answer, RepeatOfAReportThatWasTakenInPartGivesTheSameStatus) {
  // Two of three values are there already and unchanged: ignored; one is refused again.
  const auto outcome = answered(
      R"({"response":{"status":"WARNING","importCount":{"imported":0,"updated":0,"ignored":3,"deleted":0},
          "conflicts":[{"errorCode":"E7610"}],"rejectedIndexes":[2]}})",
      409);
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(Json::parse(outcome.output)["status"], "WARNING");
}

TEST(Answer, UnchangedValuesAreASuccess) {
  const auto outcome = answered(
      R"({"response":{"status":"SUCCESS","importCount":{"imported":0,"updated":0,"ignored":3,"deleted":0},"conflicts":[]}})",
      200);
  EXPECT_EQ(outcome.kind, Kind::done);
  EXPECT_EQ(Json::parse(outcome.output)["status"], "SUCCESS");
}

TEST(Answer, LegacyConflictsInAnXmlSummaryAreSeen) {
  const auto outcome = answered(
      R"(<importSummary xmlns="http://dhis2.org/schema/dxf/2.0"><status>ERROR</status>)"
      R"(<dataValueCount imported="0" updated="0" ignored="3"/><conflicts><conflict object="o" value="v"/></conflicts></importSummary>)",
      200);
  EXPECT_EQ(outcome.code, "moh.conflict");
  EXPECT_EQ(Json::parse(outcome.detail)["conflicts"], 1);
  const auto old = answered(
      R"(<importSummary><status>SUCCESS</status><dataValueCount imported="1" updated="2" ignored="0"/>)"
      R"(<conflicts/></importSummary>)",
      200);
  EXPECT_EQ(Json::parse(old.output)["updated"], 2);
}

// Symptom: a report that was imported was sent again and again, or counted as nothing imported.
// Cause: of XML the bare summary alone was read, and of JSON no list of summaries.
// Caught by: the same import told in each form that versions of DHIS2 answer ADX with.
TEST(Answer, EveryFormOfAnImportSaysTheSame) {
  const std::string summary =
      R"("status":"SUCCESS","importCount":{"imported":2,"updated":1,"ignored":0,"deleted":0})";
  const std::string counts = R"(imported="2" updated="1" ignored="0" deleted="0")";
  const std::string xml = "<status>SUCCESS</status><importCount " + counts + "/>";
  const std::string ns = R"( xmlns="http://dhis2.org/schema/dxf/2.0")";
  for (
      const std::string& body : std::vector<std::string>{
          "{" + summary + "}", R"({"status":"OK","response":{)" + summary + "}}",
          R"({"status":"OK","response":{"responseType":"ImportSummaries","status":"SUCCESS","imported":2,"importSummaries":[{)" +
              summary + "}]}}",
          R"({"responseType":"ImportSummaries","status":"SUCCESS","importSummaries":[{)" + summary +
              "}]}",
          R"({"status":"SUCCESS","importSummaries":[],"imported":2,"updated":1})",
          "\xef\xbb\xbf {" + summary + "}", "<importSummary" + ns + ">" + xml + "</importSummary>",
          "<?xml version='1.0'?>\n<importSummary>" + xml + "<conflicts/></importSummary>",
          "<importSummaries" + ns +
              "><status>SUCCESS</status><imported>2</imported><importSummary>" + xml +
              "</importSummary></importSummaries>",
          R"(<d:importSummary xmlns:d="http://dhis2.org/schema/dxf/2.0"><d:status>SUCCESS</d:status><d:importCount )" +
              counts + "/></d:importSummary>",
          R"(<webMessage httpStatus="OK" status="OK"><response responseType="ImportSummary">)" +
              xml + "</response></webMessage>",
          R"(<webMessage status="OK"><response responseType="ImportSummaries"><status>SUCCESS</status><importSummaries><importSummary>)" +
              xml + "</importSummary></importSummaries></response></webMessage>",
          std::string("<importSummary><status>SUCCESS</status><importCount><imported>2</"
                      "imported><updated>1</updated>"
                      "</importCount></importSummary>")}) {
    const auto outcome = answered(body, 200);
    ASSERT_EQ(outcome.kind, Kind::done) << body << outcome.code;
    const Json output = Json::parse(outcome.output);
    EXPECT_EQ(output["status"], "SUCCESS") << body;
    EXPECT_EQ(output["imported"], 2) << body;
    EXPECT_EQ(output["updated"], 1) << body;
  }
}

TEST(Answer, ListsOfSummariesAreAddedUp) {
  const auto mixed = answered(
      R"({"status":"WARNING","response":{"status":"WARNING","importSummaries":[
          {"status":"SUCCESS","importCount":{"imported":2,"updated":0,"ignored":0,"deleted":0}},
          {"status":"ERROR","importCount":{"imported":0,"updated":0,"ignored":1,"deleted":0},
           "conflicts":[{"errorCode":"E7610"}]}]}})",
      409);
  ASSERT_EQ(mixed.kind, Kind::done) << mixed.code;
  EXPECT_EQ(Json::parse(mixed.output)["status"], "WARNING");
  EXPECT_EQ(Json::parse(mixed.output)["imported"], 2);
  EXPECT_EQ(Json::parse(mixed.output)["codes"], Json::parse(R"(["E7610"])"));
  const auto xml = answered(
      "<d:importSummaries xmlns:d='x'><d:importSummary><d:status>ERROR</d:status>"
      "<d:conflicts><d:conflict object='o' value='some text' errorCode='E7610' property='orgUnit'/>"
      "<d:conflict errorCode='E7600'/></d:conflicts></d:importSummary></d:importSummaries>",
      200);
  EXPECT_EQ(xml.code, "moh.conflict");
  EXPECT_EQ(Json::parse(xml.detail)["codes"], Json::parse(R"(["E7600", "E7610"])"));
  EXPECT_EQ(Json::parse(xml.detail)["properties"], Json::parse(R"(["orgUnit"])"));
  EXPECT_EQ(xml.message.find("some text"), std::string::npos);
  const auto warning = answered(
      "<importSummary><status>WARNING</status><importCount imported='1' updated='0' ignored='1'/>"
      "<conflicts><conflict errorCode='E7610'/></conflicts></importSummary>",
      200);
  EXPECT_EQ(Json::parse(warning.output)["status"], "WARNING");
  EXPECT_EQ(answered(R"({"httpStatus":"OK","status":"ERROR","message":"some text"})", 200).code,
            "moh.conflict");
  for (const char* body : {"<html><body>OK</body></html>", "<importSummaries/>", "<importSummary/>",
                           R"({"status":"SUCCESS","importSummaries":[{}]})", "<webMessage/>"})
    EXPECT_EQ(answered(body, 200).code, "moh.unreadable") << body;
}

TEST(Answer, ErrorsAreClassified) {
  struct Case {
    int status;
    const char* body;
    Kind kind;
    const char* code;
  };
  const Case cases[] = {
      {401, "{}", Kind::permanent, "moh.401"},
      {415, "{}", Kind::permanent, "moh.415"},
      {409, R"({"status":"ERROR","errorCode":"E2001"})", Kind::permanent, "moh.conflict"},
      {409, "<html>", Kind::permanent, "moh.conflict"},
      {429, "", Kind::transient, "moh.429"},
      {502, "<html>", Kind::transient, "moh.502"},
      {200, "<html>", Kind::transient, "moh.unreadable"},
      {200, "{}", Kind::transient, "moh.unreadable"}};
  for (const Case& each : cases) {
    const auto outcome = answered(each.body, each.status);
    EXPECT_EQ(outcome.kind, each.kind) << each.status << each.body;
    EXPECT_EQ(outcome.code, each.code);
  }
  TestHost host(kAdx);
  host.outside = [](const Request&) {
    return Answer{.sent = RABT_SENT_MAYBE, .status = 0, .error = "timeout"};
  };
  EXPECT_EQ(host.call("submit-aggregate", figures()).kind, Kind::transient);
  host.outside = [](const Request&) {
    return Answer{.sent = RABT_SENT_NO, .status = 0, .error = "no_secret"};
  };
  EXPECT_EQ(host.call("submit-aggregate", figures()).kind, Kind::permanent);
}

constexpr const char* kTask =
    R"({"status":"OK","response":{"name":"dataValueImport","id":"YR1UxOUXmzT","jobType":"DATAVALUE_IMPORT"}})";

TEST(Async, WaitsForTheTaskAndReadsItsSummary) {
  TestHost host(
      R"({"base_url": "https://moh.example.sa", "data_set": "D", "org_unit": "O", "async": true})");
  ASSERT_TRUE(host.started()) << host.problem;
  int asked = 0;
  int summaries = 0;
  host.outside = [&](const Request& request) {
    if (request.method() == "POST") return Answer{.status = 200, .body = kTask};
    if (request.url() == "https://moh.example.sa/api/system/tasks/DATAVALUE_IMPORT/YR1UxOUXmzT") {
      return Answer{.status = 200,
                    .body = ++asked < 3 ? R"([{"completed":false}])"
                                        : R"([{"completed":true},{"completed":false}])"};
    }
    EXPECT_EQ(request.url(),
              "https://moh.example.sa/api/system/taskSummaries/DATAVALUE_IMPORT/YR1UxOUXmzT");
    if (++summaries == 1) return Answer{.status = 200};  // over, but not written yet
    return Answer{
        .status = 200,
        .body =
            R"({"status":"SUCCESS","importCount":{"imported":3,"updated":0,"ignored":0,"deleted":0}})"};
  };
  const auto outcome = host.call("submit-aggregate", figures());
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code;
  EXPECT_EQ(Json::parse(outcome.output)["imported"], 3);
  EXPECT_NE(host.requests[0].url().find("async=true"), std::string::npos);
  EXPECT_EQ(asked, 3);
}

TEST(Async, EndsBeforeTheDeadline) {
  TestHost host(kAdx);
  host.outside = [](const Request& request) {
    return Answer{.status = 200, .body = request.method() == "POST" ? kTask : "[]"};
  };
  const std::int64_t start = host.clock.unix_ms();
  const auto outcome = host.call("submit-aggregate", figures(), "key-1", 20'000);
  EXPECT_EQ(outcome.kind, Kind::transient);
  EXPECT_EQ(outcome.code, "moh.still_running");
  EXPECT_LT(host.clock.unix_ms(), start + 20'000);
  EXPECT_GT(host.clock.unix_ms(), start + 10'000);
}

TEST(Async, TaskIdsThatAreNoIdsAreNotPutIntoAddresses) {
  EXPECT_FALSE(read_reply(R"({"response":{"id":"../../users?x=","jobType":"DATAVALUE_IMPORT"}})")
                   .has_value());
}

TEST(Settings, AreChecked) {
  for (
      const char* wrong :
      {"{}", R"({"base_url": "moh.example.sa", "data_set": "D", "org_unit": "O"})",
       R"({"base_url": "https://moh.example.sa/api", "data_set": "D", "org_unit": "O"})",
       R"({"base_url": "https://moh.example.sa", "data_set": "D", "org_unit": "O", "auth": "basic"})",
       R"({"base_url": "https://moh.example.sa", "data_set": "D", "org_unit": "O", "format": "csv"})"}) {
    EXPECT_FALSE(TestHost(wrong).started()) << wrong;
  }
}

}  // namespace
}  // namespace rabt::moh::report_test
