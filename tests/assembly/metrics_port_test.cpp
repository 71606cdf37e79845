#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "hub/assembly/hub.hpp"
#include "hub/base/number.hpp"
#include "hub/phi/policy.hpp"
#include "tests/recording_logger.hpp"
#include "tests/web_socket_client.hpp"

// `doors.metrics` of a whole hub: a port for Prometheus, over TCP.
namespace rabt::assembly::metrics_port_test {
namespace {

namespace fs = std::filesystem;

class MetricsPort : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-metrics-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.rates = api::RateOptions::none();
    config_.data = (folder_ / "data").string();
    config_.plugins = (folder_ / "plugins").string();
    fs::create_directories(config_.plugins);
    config_.migrations = RABT_MIGRATIONS;
    config_.doors["metrics"].listen = 0;
    auto hub = Hub::start(config_, clock_, log_, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
    std::ifstream file(config_.data + "/api-token");
    std::getline(file, token_);
    const std::string says = "hub.door door=metrics port=";
    for (const std::string& line : log_.lines()) {
      if (line.starts_with(says))
        port_ = read_number<int>(std::string_view(line).substr(says.size())).value_or(0);
    }
    ASSERT_GT(port_, 0);
    ASSERT_NE(port_, hub_->port());
  }
  void TearDown() override {
    hub_.reset();
    fs::remove_all(folder_);
  }
  // All that is answered, to the end of the connection.
  static std::string talk(int port, const std::string& bytes) {
    test::WebSocketClient client(port);
    client.send(bytes);
    return client.until("\x01 never");
  }
  std::string ask(int port, const std::string& line, const std::string& headers = {}) const {
    return talk(port, line + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + headers + "\r\n");
  }
  [[nodiscard]] std::string bearer() const { return "Authorization: Bearer " + token_ + "\r\n"; }
  static std::string status(const std::string& answer) {
    return answer.starts_with("HTTP/1.1 ") ? answer.substr(9, 3) : "no answer";
  }
  void expect_figures() const {
    const std::string page = ask(port_, "GET /metrics");
    EXPECT_EQ(status(page), "200");
    EXPECT_NE(page.find("\r\nContent-Type: text/plain"), std::string::npos) << page.substr(0, 500);
    EXPECT_NE(page.find("\nrabt_deliveries_total 0\n"), std::string::npos);
  }

  SystemClock clock_;
  test::RecordingLogger log_;
  fs::path folder_;
  config::Config config_;
  std::string token_;
  std::unique_ptr<Hub> hub_;
  int port_ = 0;
};

TEST_F(MetricsPort, AnswersToMetricsWithoutACredentialAndToNothingElse) {
  expect_figures();
  // With every credential: it opens nothing here.
  for (const char* const path :
       {"/", "/health", "/api/v1/instances", "/api/v1/me", "/api/v1/stream", "/hooks/his",
        "/auth/token", "/auth/oidc/hospital/login", "/openapi.yaml", "/metrics/", "/metricsx",
        "/api/v1/metrics", "/METRICS"}) {
    const std::string answer = ask(port_, "GET " + std::string(path), bearer());
    EXPECT_EQ(status(answer), "404") << path << ": " << answer;
    EXPECT_EQ(answer.find("rabt_deliveries_total"), std::string::npos) << path;
  }
  for (const char* const method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer =
        ask(port_, std::string(method) + " /metrics", bearer() + "Content-Length: 0\r\n");
    EXPECT_EQ(status(answer), "405") << method << ": " << answer;
  }
}

TEST_F(MetricsPort, TheMainPortShowsMetricsToRolesAlone) {
  const std::string refused = ask(hub_->port(), "GET /metrics");
  EXPECT_EQ(status(refused), "401") << refused;
  EXPECT_EQ(refused.find("rabt_deliveries_total"), std::string::npos);
  EXPECT_EQ(status(ask(hub_->port(), "GET /metrics", "Authorization: Bearer nonsense\r\n")), "401");
  const std::string page = ask(hub_->port(), "GET /metrics", bearer());
  EXPECT_EQ(status(page), "200");
  EXPECT_NE(page.find("\nrabt_deliveries_total 0\n"), std::string::npos);
  EXPECT_EQ(status(ask(hub_->port(), "GET /health")), "200");
}

// Headers of an answer, but those that each answer has for itself.
std::map<std::string, std::string> headers_of(const std::string& answer) {
  std::map<std::string, std::string> out;
  const std::size_t end = answer.find("\r\n\r\n");
  for (std::size_t at = answer.find("\r\n") + 2; at < end;) {
    const std::size_t next = answer.find("\r\n", at);
    const std::size_t colon = answer.find(": ", at);
    out[answer.substr(at, colon - at)] = answer.substr(colon + 2, next - colon - 2);
    at = next + 2;
  }
  for (const char* own : {"Date", "X-Request-Id"}) {
    EXPECT_EQ(out.erase(own), 1U) << own << ": " << answer.substr(0, 500);
  }
  return out;
}

TEST_F(MetricsPort, AHeadHasTheHeadersOfAGetAndNoBody) {
  struct Place {
    int port;
    std::string path;
    // Figures of the answer change from one to the next, and its length with them.
    bool same_length;
  };
  for (const Place& place : {Place{hub_->port(), "/health", false},
                             {hub_->port(), "/metrics", false},
                             {port_, "/metrics", false},
                             {hub_->port(), "/api/v1/workflows", true}}) {
    SCOPED_TRACE(place.path);
    const std::string credential = place.port == port_ ? "" : bearer();
    const std::string got = ask(place.port, "GET " + place.path, credential);
    const std::string head = ask(place.port, "HEAD " + place.path, credential);
    EXPECT_EQ(status(got), "200") << got.substr(0, 500);
    EXPECT_EQ(status(head), status(got));
    EXPECT_GT(got.size(), got.find("\r\n\r\n") + 4) << "the GET has a body";
    EXPECT_EQ(head.size(), head.find("\r\n\r\n") + 4) << "the HEAD has none";
    auto of_get = headers_of(got);
    auto of_head = headers_of(head);
    EXPECT_GT(read_number<int>(of_head["Content-Length"]).value_or(0), 0) << head;
    if (!place.same_length) {
      of_get.erase("Content-Length");
      of_head.erase("Content-Length");
    }
    EXPECT_EQ(of_head, of_get);
  }
}

// Each row: what a stranger may send. None is served, and the next one who asks gets the figures.
TEST_F(MetricsPort, HostileInputIsRefusedAndHarmsNobody) {
  const std::string tail = " HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string inner = "GET /api/v1/instances HTTP/1.1\r\nHost: h\r\n" + bearer() + "\r\n";
  const std::string length = std::to_string(inner.size());
  const std::vector<std::pair<std::string, std::string>> rows{
      {"nothing", "\r\n\r\n\r\n\r\n"},
      {"noise", std::string(512, '\0') + std::string(512, '\xff') + "\r\n\r\n"},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11) + "\r\n\r\n"},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"HTTP/0.9", "GET /metrics\r\n\r\n"},
      {"no host", "GET /metrics HTTP/1.1\r\n\r\n"},
      {"two hosts", "GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
      {"upwards", "GET /metrics/../api/v1/instances" + tail},
      {"upwards, escaped", "GET /metrics/%2e%2e/api/v1/instances" + tail},
      {"another path by its address", "GET http://h/api/v1/instances" + tail},
      {"a tunnel", "CONNECT 127.0.0.1:22" + tail},
      {"a line in the path", "GET /metrics%0d%0aX: y" + tail},
      {"a zero byte", std::string("GET /metrics\0/x", 15) + tail},
      {"two lengths", "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: " +
                          length + "\r\n\r\n" + inner},
      {"two framings",
       "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: "
       "chunked\r\n\r\n"
       "0\r\n\r\n" +
           inner},
      {"a chunk without end",
       "POST /metrics HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
       "chunked\r\n\r\nffffffffffffffff\r\n"},
      {"a huge length",
       "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n"},
      {"a huge header",
       "GET /metrics HTTP/1.1\r\nHost: h\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n"},
      {"a huge path", "GET /" + std::string(200'000, 'm') + tail},
      {"a WebSocket", std::string(test::kHandshake) + "\r\n"},
      {"a forged address",
       "GET /api/v1/instances HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"},
  };
  for (const auto& [name, bytes] : rows) {
    test::WebSocketClient client(port_);
    client.send(bytes);
    client.finish();
    const std::string answer = client.until("\x01 never");
    EXPECT_EQ(answer.find("rabt_deliveries_total"), std::string::npos) << name;
    EXPECT_EQ(answer.find("HTTP/1.1 2"), std::string::npos) << name << ": " << answer;
    EXPECT_EQ(answer.find("HTTP/1.1 101"), std::string::npos) << name << ": " << answer;
    EXPECT_EQ(answer.find("HTTP/1.1 500"), std::string::npos) << name << ": " << answer;
    EXPECT_EQ(answer.find("\"items\""), std::string::npos) << name << ": " << answer;
  }
  // The first request of a connection opens nothing for those behind it.
  const std::string both =
      talk(port_,
           "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\nGET /api/v1/instances HTTP/1.1\r\nHost: h\r\n" +
               bearer() + "Connection: close\r\n\r\n");
  EXPECT_EQ(status(both), "200");
  EXPECT_NE(both.find("HTTP/1.1 404 "), std::string::npos) << both.substr(both.size() / 2);
  // Silent connections delay no other caller.
  std::vector<std::unique_ptr<test::WebSocketClient>> silent;
  for (int i = 0; i < 200; ++i) silent.push_back(std::make_unique<test::WebSocketClient>(port_));
  for (const auto& one : silent) one->send("GET /metrics HTTP/1.1\r\nHo");
  expect_figures();
  EXPECT_EQ(status(ask(hub_->port(), "GET /health")), "200");
}

}  // namespace
}  // namespace rabt::assembly::metrics_port_test
