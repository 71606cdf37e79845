#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "hub/plugin/package/library.hpp"
#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"

// Mistakes of users, and the product's messages: the place, the reason, the remedy.
namespace rabt::e2e::bad_input_test {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;
constexpr int kWrongInput = 2;

void expect_said(const Finished& finished, int code, const std::vector<std::string>& parts) {
  EXPECT_EQ(finished.code, code) << finished.said;
  for (const std::string& part : parts) {
    EXPECT_NE(finished.said.find(part), std::string::npos)
        << "missing: " << part << "\nin: " << finished.said;
  }
}

// The shipped workflow with one key misspelt; its line.
int misspell(const std::string& from, const std::string& to, const std::string& file) {
  std::string yaml = read_file(source_dir() + "/workflows/consultation.yaml");
  const auto at = yaml.find(from);
  EXPECT_NE(at, std::string::npos);
  const auto line =
      std::count(yaml.begin(), yaml.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
  yaml.replace(at, from.size(), to);
  write_file(file, yaml);
  return static_cast<int>(line);
}

TEST(Start, AWorkflowWithAMisspeltKeyIsRefusedWithThePlaceAndTheRightWord) {
  Site site(Kind::edge);
  const std::string file = site.folder() / "wrong.yaml";
  const int line = misspell("schedule:\n", "shedule:\n", file);
  const std::string place = file + ":" + std::to_string(line) + ":1: ";
  expect_said(run({program("rabt"), "workflow", "lint", file}), kFailed,
              {place, "shedule", "schedule"});
  site.config.workflows = {file};
  expect_said(site.serve(), kWrongInput, {place, "shedule", "schedule"});
}

TEST(Start, TheShippedWorkflowPassesTheLint) {
  const Finished alone =
      run({program("rabt"), "workflow", "lint", source_dir() + "/workflows/consultation.yaml"});
  EXPECT_EQ(alone.code, 0) << alone.said;
  Site site(Kind::whole);
  const Finished bound =
      run({program("rabt"), "workflow", "lint", "--config", site.write_configuration(),
           source_dir() + "/workflows/consultation.yaml"});
  EXPECT_EQ(bound.code, 0) << bound.said;
}

TEST(Start, AnActionThatNoPluginHasIsFoundByLint) {
  Site site(Kind::whole);
  const std::string file = site.folder() / "wrong.yaml";
  const int line =
      misspell("payer.claim.submit:1.0.0@payer", "payer.claim.sumbit:1.0.0@payer", file);
  expect_said(
      run({program("rabt"), "workflow", "lint", "--config", site.write_configuration(), file}),
      kFailed,
      {file + ":" + std::to_string(line) + ":", "payer.claim.sumbit", "payer.claim.submit"});
}

TEST(Start, AMisspeltKeyOfTheConfigurationIsNamedWithLineAndSuggestion) {
  Site site(Kind::edge);
  site.config.more_plugins = "workerz: 3\n";
  expect_said(site.serve(), kWrongInput,
              {"rabt.yaml:", "unknown key `workerz`", "did you mean `workers`?"});
}

TEST(Start, AMissingConfigurationIsNamed) {
  expect_said(run({program("rabt"), "serve", "--config", "/nowhere/rabt.yaml"}), kWrongInput,
              {"/nowhere/rabt.yaml", "No such file"});
}

TEST(Start, AFolderInThePlaceOfTheWorkflowIsNamed) {
  Site site(Kind::edge);
  const std::string folder = source_dir() + "/workflows";
  site.config.workflows = {folder};
  expect_said(site.serve(), kWrongInput, {"[config.io]", folder, "Is a directory"});
}

TEST(Start, APluginOfAnotherAbiIsRefusedByNameWithBothNumbers) {
  const fs::path fixture = fs::path(build_dir()) / "fixtures/other-major";
  ASSERT_TRUE(fs::exists(plugin::library_path(fixture))) << "build the target fixture_other-major";
  Site site(Kind::edge);
  const Folder folder;
  site.config.plugins = signed_store(folder.path(), {fixture.string()});
  site.config.more_plugins = "  other-major: {}\n";
  expect_said(site.serve(), kWrongInput,
              {"[plugin.abi_major]", "other-major", "ABI 99", "this hub speaks 1"});
}

TEST(Start, AMissingSecretIsNamedByPluginSecretAndSource) {
  Site file(Kind::edge);
  file.config.fhir_secret = "{file: /nowhere/token}";
  expect_said(file.serve(), kWrongInput,
              {"[config.missing_secret]", "plugin fhir, secret access_token", "/nowhere/token"});

  Site variable(Kind::edge);
  variable.config.fhir_secret = "{env: RABT_TEST_UNSET_VARIABLE}";
  expect_said(variable.serve(), kWrongInput,
              {"plugin fhir, secret access_token", "RABT_TEST_UNSET_VARIABLE is not set"});

  Site open(Kind::edge);
  write_file(open.whsec_file, read_file(open.whsec_file), 0644);
  expect_said(open.serve(), kWrongInput,
              {"source his", "readable by others", "chmod 600 " + open.whsec_file});
}

TEST(Start, ConfigCheckNamesEveryMistakeAtOnce) {
  Site site(Kind::edge);
  site.config.fhir_secret = "{file: /nowhere/token}";
  write_file(site.whsec_file, read_file(site.whsec_file), 0644);
  const std::string config = site.write_configuration();
  expect_said(run({program("rabt"), "config", "check", "--config", config}), kWrongInput,
              {"/nowhere/token", "chmod 600"});
  Site good(Kind::edge);
  expect_said(run({program("rabt"), "config", "check", "--config", good.write_configuration()}), 0,
              {"is good"});
}

// Symptom: `config check` said that a file is good, and left with 2. Cause: where the hub listens
// was judged apart from the rest. This test would have seen both words of one run.
TEST(Start, ConfigCheckDoesNotCallAFileGoodWhoseCertificateIsMissing) {
  Site site(Kind::edge);
  const std::string config = site.write_configuration();
  std::string yaml = read_file(config);
  const std::string server = "server:\n";
  const std::size_t at = yaml.find(server);
  ASSERT_NE(at, std::string::npos);
  yaml.insert(at + server.size(), "  tls: {cert: /nowhere/cert.pem, key: /nowhere/key.pem}\n");
  write_file(config, yaml, 0600);
  const Finished checked = run({program("rabt"), "config", "check", "--config", config});
  expect_said(checked, kWrongInput, {"server.tls", "/nowhere/cert.pem"});
  EXPECT_EQ(checked.said.find("is good"), std::string::npos) << checked.said;
}

TEST(Start, APortInUseIsNamedWithTheWayOut) {
  Site site(Kind::edge);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);  // NOLINT
  ASSERT_EQ(::listen(fd, 1), 0);
  ASSERT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);  // NOLINT
  site.config.port = ntohs(address.sin_port);
  expect_said(
      site.serve(), kFailed,
      {"[http.port_in_use]", "127.0.0.1 port " + std::to_string(site.config.port) + " is in use",
       "set another port"});
  ::close(fd);
}

TEST(Start, ADataFolderThatCannotBeWrittenIsNamedWithTheWayOut) {
  Site site(Kind::edge);
  write_file(site.folder() / "file", "in the way");  // refuses root as well
  site.config.data = site.folder() / "file/data";
  expect_said(site.serve(), kFailed,
              {"[cli.data_folder]", site.config.data, "cannot be written", "`data`"});
}

TEST(Start, ASecondHubOnTheSameDataIsRefused) {
  Site site(Kind::edge);
  ASSERT_NO_FATAL_FAILURE(site.start_hub());
  Site second(Kind::edge);
  second.config.data = site.config.data;
  const Finished finished = second.serve();
  EXPECT_EQ(finished.code, kFailed) << finished.said;
  EXPECT_NE(finished.said.find(site.config.data), std::string::npos) << finished.said;
  EXPECT_TRUE(site.hub_runs());
  EXPECT_EQ(site.send("GET", "/health").status, 200);
}

// ---- requests
// -------------------------------------------------------------------------------------------------------

class Edge : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NO_FATAL_FAILURE(site_.start_hub()); }
  // Checks that the answer is a problem document of this code and returns its detail.
  static std::string detail(const net::Response& response, const std::string& code) {
    EXPECT_EQ(response.header("content-type"), "application/problem+json");
    const auto problem = Json::parse(response.body);
    if (!problem.ok()) {
      ADD_FAILURE() << "no problem document: " << response.body;
      return {};
    }
    EXPECT_EQ(problem->string_or("code", ""), code);
    EXPECT_EQ(problem->int_or("status", 0), response.status);
    return problem->string_or("detail", "");
  }
  std::size_t instances() { return site_.api("instances")["items"].size(); }
  Site site_{Kind::edge};
};

TEST_F(Edge, AnAppointmentWithoutAPatientIs422AndSaysWhatIsMissing) {
  const auto booking = site_.booking();
  const auto whole = Json::parse(booking.body);
  ASSERT_TRUE(whole.ok());
  Json entries = Json::array();
  for (const Json& entry : (*whole)["entry"].as_array()) {
    if (entry["resource"].string_or("resourceType", "") != "Patient") entries.push_back(entry);
  }
  Json body = *whole;
  body.set("entry", entries);
  const auto answer = site_.post(booking.id, body.dump());
  EXPECT_EQ(answer.status, 422) << answer.body;
  EXPECT_NE(detail(answer, "plugin.delivery").find("Patient"), std::string::npos) << answer.body;
  EXPECT_EQ(instances(), 0U);
  // The same id is free for the corrected message.
  EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
}

TEST_F(Edge, ABodyThatIsNoJsonIs422) {
  const auto answer = site_.post("msg_1", "{\"resourceType\": ");
  EXPECT_EQ(answer.status, 422) << answer.body;
  EXPECT_FALSE(detail(answer, "plugin.delivery").empty());
}

TEST_F(Edge, AWrongSignatureIs401WithoutAReasonAndLeavesNothing) {
  const auto booking = site_.booking();
  const auto answer = site_.post(booking.id, booking.body, true);
  EXPECT_EQ(answer.status, 401) << answer.body;
  EXPECT_EQ(detail(answer, "http.signature"),
            "the signature or credential of this delivery does not hold");
  EXPECT_EQ(site_.send("POST", "/hooks/his", {}, booking.body).status, 401);
  EXPECT_EQ(instances(), 0U);
}

TEST_F(Edge, TheSameDeliveryAgainGetsTheStoredAnswer) {
  const auto booking = site_.booking();
  const auto first = site_.post(booking.id, booking.body);
  const auto again = site_.post(booking.id, booking.body);
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(first.header("x-rabt-repeated"), "");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("x-rabt-repeated"), "true");
  EXPECT_EQ(instances(), 1U);
  // Also by the next process.
  site_.stop_hub();
  ASSERT_NO_FATAL_FAILURE(site_.start_hub());
  const auto later = site_.post(booking.id, booking.body);
  EXPECT_EQ(later.status, 202);
  EXPECT_EQ(later.body, first.body);
  EXPECT_EQ(instances(), 1U);
}

TEST_F(Edge, TheSameIdWithAnotherBodyIs409) {
  const auto booking = site_.booking();
  EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
  const auto answer = site_.post(booking.id, site_.booking(1).body);
  EXPECT_EQ(answer.status, 409) << answer.body;
  EXPECT_FALSE(detail(answer, "engine.delivery_conflict").empty());
  EXPECT_EQ(instances(), 1U);
}

TEST_F(Edge, AnUnknownSourceIs404) {
  const auto answer = site_.send("POST", "/hooks/nobody", {}, "{}");
  EXPECT_EQ(answer.status, 404);
  EXPECT_FALSE(detail(answer, "hooks.unknown_source").empty());
}

TEST_F(Edge, TheApiWithoutTheTokenIs401AndSaysWhereTheTokenIs) {
  for (const std::string value : {"", "Bearer ", "Bearer rabt_0", "Basic YTpi"}) {
    std::vector<std::pair<std::string, std::string>> headers;
    if (!value.empty()) headers.emplace_back("Authorization", value);
    const auto answer = site_.send("GET", "/api/v1/instances", headers);
    EXPECT_EQ(answer.status, 401) << value;
    EXPECT_EQ(answer.header("www-authenticate"), "Bearer");
    EXPECT_NE(detail(answer, "http.unauthenticated").find("api-token"), std::string::npos);
  }
}

TEST_F(Edge, AnUnknownPathIs404) {
  EXPECT_NE(detail(site_.send("GET", "/nothing/here"), "http.not_found").find("/api/docs"),
            std::string::npos);
  const std::pair<std::string, std::string> token{"Authorization", "Bearer " + site_.token()};
  EXPECT_EQ(site_.send("GET", "/nothing/here").status, 404);
  EXPECT_EQ(site_.send("GET", "/api/v1/nothing", {token}).status, 404);
  EXPECT_EQ(site_.send("GET", "/api/v1/instances/01ARZ3NDEKTSV4RRFFQ69G5FAV", {token}).status, 404);
  EXPECT_EQ(site_.send("GET", "/api/v1/recordings/01ARZ3NDEKTSV4RRFFQ69G5FAV", {token}).status,
            404);
}

TEST_F(Edge, AWrongMethodIs405AndNamesTheRightOne) {
  const std::pair<std::string, std::string> token{"Authorization", "Bearer " + site_.token()};
  for (const auto& [method, path, allowed] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"GET", "/hooks/his", "POST"},
           {"DELETE", "/health", "GET"},
           {"DELETE", "/metrics", "GET"},
           {"DELETE", "/api/v1/instances", "GET, POST"},
           {"GET", "/api/v1/instances/x/cancel", "POST"}}) {
    const auto answer = site_.send(method, path, {token});
    EXPECT_EQ(answer.status, 405) << method << " " << path;
    EXPECT_EQ(answer.header("allow"), allowed) << method << " " << path;
    EXPECT_FALSE(detail(answer, "http.method").empty());
  }
}

TEST_F(Edge, PatientDataNeedsAReasonAndReadingItIsAudited) {
  const auto booking = site_.booking();
  const auto accepted = Json::parse(site_.post(booking.id, booking.body).body);
  ASSERT_TRUE(accepted.ok());
  const std::string id = (*accepted)["instances"][0].as_string();
  // Its own steps are audited too: they must be over.
  ASSERT_TRUE(test::eventually(
      [&] { return site_.api("instances/" + id).string_or("status", "") == "completed"; }));
  const std::string path = "/api/v1/instances/" + id;
  const std::pair<std::string, std::string> token{"Authorization", "Bearer " + site_.token()};
  EXPECT_EQ(site_.send("GET", path + "?data=true", {token}).status, 400);
  const auto plain = site_.send("GET", path, {token});
  EXPECT_EQ(plain.status, 200);
  const auto values = private_values(booking.body);
  write_file(site_.folder() / "plain", plain.body);
  EXPECT_EQ(search({site_.folder() / "plain"}, values), std::vector<std::string>{});
  const auto entries = [&] {
    const Finished verified =
        run({program("rabt"), "audit", "verify", "--config", site_.write_configuration()});
    std::smatch count;
    EXPECT_TRUE(std::regex_search(verified.said, count, std::regex("verified: ([0-9]+) entries")))
        << verified.said;
    return count.empty() ? 0L : std::stol(count[1].str());
  };
  const long before = entries();
  EXPECT_EQ(site_.send("GET", path + "?data=true", {token, {"X-Rabt-Reason", "test"}}).status, 200);
  EXPECT_EQ(entries(), before + 1);
}

TEST_F(Edge, HealthIs200) {
  const auto answer = site_.send("GET", "/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/health+json");
  // Callers without the token get the status alone.
  EXPECT_EQ(answer.body, R"({"status":"pass"})");
  EXPECT_EQ(site_.health()["store"]["diskFull"].dump(), "false");
}

// Prometheus text format 0.0.4.
TEST_F(Edge, MetricsArePrometheusText) {
  const auto booking = site_.booking();
  EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
  EXPECT_EQ(site_.post(booking.id, booking.body).status, 202);
  EXPECT_EQ(site_.post(booking.id, booking.body, true).status, 401);
  net::Response answer;
  // The delivery is answered when it is stored; the instance begins after that.
  constexpr std::string_view kStarted = "rabt_instances_total{state=\"started\"} 1\n";
  EXPECT_TRUE(test::eventually([&] {
    answer = site_.send("GET", "/metrics", {{"Authorization", "Bearer " + site_.token()}});
    return answer.body.find(kStarted) != std::string::npos;
  })) << answer.body;
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  ASSERT_TRUE(answer.body.ends_with('\n'));
  const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) .+");
  const std::regex type(
      "# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)");
  const std::regex sample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"(?:,[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*")*\})? ([-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|NaN|[-+]?Inf))re");
  std::map<std::string, double> values;
  std::set<std::string> families;
  std::string helped;
  std::string family;
  bool histogram = false;
  std::istringstream lines(answer.body);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped = match[1];
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], helped) << line;
      family = match[1];
      histogram = match[2] == "histogram";
      EXPECT_TRUE(families.insert(family).second) << "twice: " << family;
      EXPECT_EQ(match[2] == "counter", family.ends_with("_total")) << family;
    } else if (std::regex_match(line, match, sample)) {
      const std::string name = match[1];
      if (histogram) {
        EXPECT_TRUE(name == family + "_bucket" || name == family + "_sum" ||
                    name == family + "_count")
            << line;
      } else {
        EXPECT_EQ(name, family) << line;
      }
      EXPECT_TRUE(values.emplace(match[1].str() + match[2].str(), std::stod(match[3])).second)
          << "twice: " << line;
    } else {
      ADD_FAILURE() << "no line of the format: " << line;
    }
  }
  EXPECT_EQ(values["rabt_deliveries_total"], 2);
  EXPECT_EQ(values["rabt_deliveries_repeated_total"], 1);
  EXPECT_EQ(values["rabt_deliveries_refused_total"], 1);
  EXPECT_EQ(values["rabt_instances_total{state=\"started\"}"], 1);
  EXPECT_EQ(values["rabt_bugs_total"], 0);
}

}  // namespace
}  // namespace rabt::e2e::bad_input_test
