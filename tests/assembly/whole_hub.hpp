#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

#include "hub/assembly/hub.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/server.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "hub/webhooks/signing.hpp"
#include "tests/recording_logger.hpp"
#include "tests/web_socket_client.hpp"

// A hub without plugins, over its sockets, and who listens to it.
namespace rabt::assembly {

namespace fs = std::filesystem;

inline constexpr std::string_view kIssuer = "kq3Yw0bTzR8uN5vXc1LmPd7hJg2sFa9E";

// Another system that takes webhooks.
class Receiver {
 public:
  Receiver() {
    auto server = http::Server::start(
        {},
        [this](const http::Request&) -> http::Admission {
          return http::Handler([this](const http::Request& request) {
            const std::scoped_lock lock(mutex_);
            got_.push_back(request);
            changed_.notify_all();
            return http::Response{.status = status_};
          });
        },
        null_logger());
    EXPECT_TRUE(server.ok());
    server_ = *std::move(server);
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + "/rabt";
  }
  void answer(int status) {
    const std::scoped_lock lock(mutex_);
    status_ = status;
  }
  // The first request about an event of this name; waits for it.
  std::optional<http::Request> about(const std::string& name) {
    std::unique_lock lock(mutex_);
    std::optional<http::Request> found;
    changed_.wait_for(lock, std::chrono::seconds(20), [&] {
      for (const http::Request& request : got_) {
        const auto body = Json::parse(request.body);
        if (body.ok() && body->string_or("type", "") == "org.rabt.hub." + name + ".v1") {
          found = request;
          return true;
        }
      }
      return false;
    });
    return found;
  }
  void forget() {
    const std::scoped_lock lock(mutex_);
    got_.clear();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<http::Request> got_;
  int status_ = 204;
  std::unique_ptr<http::Server> server_;
};

// A live channel of one person.
class Line {
 public:
  Line(int port, const std::string& token) : client_(port) {
    client_.send(
        "GET /api/v1/stream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Authorization: Bearer " +
        token + "\r\n\r\n");
    EXPECT_EQ(client_.head().substr(9, 3), "101");
  }
  Json ask(Json frame) {
    frame.set("id", ++asked_);
    client_.send(test::text_frame(frame.dump()));
    return next([this](const Json& item) { return item.int_or("id", 0) == asked_; });
  }
  Json event(std::string_view kind) {
    return next([&](const Json& item) { return item.string_or("kind", "") == kind; });
  }

 private:
  // Null when it does not come.
  Json next(const std::function<bool(const Json&)>& wanted) {
    for (auto it = passed_.begin(); it != passed_.end(); ++it) {
      if (!wanted(*it)) continue;
      Json found = *it;
      passed_.erase(it);
      return found;
    }
    while (true) {
      const auto frame = client_.next();
      if (!frame || frame->opcode != 1) return {};
      auto json = Json::parse(frame->payload);
      if (!json.ok()) continue;
      if (wanted(*json)) return *json;
      passed_.push_back(*std::move(json));
    }
  }

  test::WebSocketClient client_;
  std::vector<Json> passed_;
  std::int64_t asked_ = 0;
};

class WholeHub : public ::testing::Test {
 protected:
  struct Answer {
    int status = 0;
    Json json;
  };
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "rabt-whole-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.data = (folder_ / "data").string();
    config_.plugins = (folder_ / "plugins").string();
    fs::create_directories(config_.plugins);
    config_.migrations = RABT_MIGRATIONS;
    config::IssuerEntry issuer;
    issuer.options.name = "app";
    issuer.options.subject_system = "app";
    issuer.secret.file = secret("issuer", kIssuer);
    config_.identity.issuers.push_back(std::move(issuer));
  }
  void TearDown() override {
    hub_.reset();
    fs::remove_all(folder_);
  }
  std::string secret(const std::string& name, std::string_view text) {
    const fs::path path = folder_ / (name + ".secret");
    std::ofstream(path) << text;
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    return path.string();
  }
  void start() {
    auto hub = Hub::start(config_, clock_, log_, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
  }
  // Somebody with a token of the issuer; known to the hub from the first call on.
  std::string enter(const std::string& subject, const std::string& role) {
    const std::int64_t now = clock_.now().ms / 1000;
    const auto token = crypto::sign_jwt(
        as_bytes(kIssuer), "HS256", R"({"typ":"JWT"})",
        Json::object(
            {{"sub", subject}, {"role", role}, {"name", subject}, {"iat", now}, {"exp", now + 600}})
            .dump());
    EXPECT_TRUE(token.ok());
    tokens_[subject] = token.ok() ? *token : "";
    const Answer me = call(subject, "GET", "/api/v1/me");
    EXPECT_EQ(me.status, 200) << me.json.dump();
    return me.json.string_or("id", "");
  }
  std::string api_token() {
    std::ifstream in(config_.data + "/api-token");
    std::string text;
    std::getline(in, text);
    return text;
  }
  Answer call(const std::string& who, const std::string& method, const std::string& path,
              const Json& body = {}) {
    const auto client = net::make_curl_client(clock_, null_logger());
    net::Request request;
    request.method = method;
    request.url = hub_->url() + path;
    request.headers = {
        {"Authorization", "Bearer " + (who == "operator" ? api_token() : tokens_.at(who))}};
    request.headers.insert(request.headers.end(), more_.begin(), more_.end());
    if (!body.is_null()) {
      request.body = body.dump();
      request.headers.emplace_back("Content-Type", "application/json");
    }
    std::promise<net::Response> done;
    client->start(std::move(request),
                  std::make_shared<const net::AllowList>(net::AllowList::anything()),
                  [&](net::Response response) { done.set_value(std::move(response)); });
    const net::Response response = done.get_future().get();
    auto json = Json::parse(response.body);
    return {response.status, json.ok() ? *std::move(json) : Json()};
  }

  SystemClock clock_;
  test::RecordingLogger log_;
  fs::path folder_;
  config::Config config_;
  std::map<std::string, std::string> tokens_;
  // Headers of every request.
  std::vector<std::pair<std::string, std::string>> more_;
  std::unique_ptr<Hub> hub_;
};

}  // namespace rabt::assembly
