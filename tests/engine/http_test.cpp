#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPRequestHandlerFactory.h>
#include <Poco/Net/HTTPServer.h>
#include <Poco/Net/HTTPServerRequest.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/StreamCopier.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/engine/rig.hpp"
#include "tests/recording_logger.hpp"

// HTTP requests of workflows, and their secrets: as calls of plugins, but through the hub's own
// executor.
namespace rabt::engine::http_test {
namespace {

struct Seen {
  std::string method;
  std::string path;
  std::string key;
  std::string authorization;
};

// Answers on 127.0.0.1 with what it was asked; while it is held, not at all. Internally
// synchronised.
class Outside {
 public:
  Outside() : socket_(Poco::Net::SocketAddress("127.0.0.1", 0)) {
    auto* parameters = new Poco::Net::HTTPServerParams;  // NOLINT: Poco's pointer takes it
    parameters->setKeepAlive(false);
    server_ = std::make_unique<Poco::Net::HTTPServer>(new Factory(*this), socket_, parameters);
    server_->start();
  }
  ~Outside() {
    release();
    server_->stopAll(true);
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(socket_.address().port());
  }
  void hold() {
    const std::scoped_lock lock(mutex_);
    held_ = true;
  }
  void release() {
    const std::scoped_lock lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  [[nodiscard]] std::vector<Seen> seen() const {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }
  [[nodiscard]] bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return seen_.size() >= count; });
  }

 private:
  class Handler final : public Poco::Net::HTTPRequestHandler {
   public:
    explicit Handler(Outside& outside) : outside_(outside) {}
    void handleRequest(Poco::Net::HTTPServerRequest& request,
                       Poco::Net::HTTPServerResponse& response) override {
      std::string body;
      Poco::StreamCopier::copyToString(request.stream(), body);
      Seen seen{request.getMethod(), request.getURI(), request.get("Idempotency-Key", ""),
                request.get("Authorization", "")};
      const Json answer = Json::object(
          {{"method", seen.method}, {"path", seen.path}, {"authorization", seen.authorization}});
      {
        std::unique_lock lock(outside_.mutex_);
        outside_.seen_.push_back(std::move(seen));
        outside_.changed_.notify_all();
        outside_.changed_.wait(lock, [this] { return !outside_.held_; });
      }
      if (request.getURI() == "/refused") {
        response.setStatusAndReason(Poco::Net::HTTPResponse::HTTP_UNPROCESSABLE_ENTITY);
        response.send() << "Layla is not covered";
        return;
      }
      response.setContentType("application/json");
      response.send() << answer.dump();
    }

   private:
    Outside& outside_;
  };
  class Factory final : public Poco::Net::HTTPRequestHandlerFactory {
   public:
    explicit Factory(Outside& outside) : outside_(outside) {}
    Poco::Net::HTTPRequestHandler* createRequestHandler(
        const Poco::Net::HTTPServerRequest& /*request*/) override {
      return new Handler(outside_);  // NOLINT: Poco deletes it
    }

   private:
    Outside& outside_;
  };

  Poco::Net::ServerSocket socket_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seen> seen_;
  bool held_ = false;
  std::unique_ptr<Poco::Net::HTTPServer> server_;
};

class HttpOfWorkflows : public testing::Test {
 protected:
  HttpOfWorkflows() {
    rig_.crash();
    rig_.http.allow =
        std::make_shared<const net::AllowList>(net::AllowList::make({outside_.url()}).value());
    rig_.secrets["token"] = std::make_shared<SecretBytes>(std::string_view(kSecret));
    rig_.start();
  }
  static std::string file(const std::string& tasks, const std::string& more = {}) {
    return "document: {dsl: '1.0.3', namespace: test, name: sample, version: '1.0.0'}\n"
           "schedule: {on: {one: {with: {type: test.start.v1}}}}\n"
           "input: {from: '${ .[0].data }'}\n" +
           more + "do:\n" + tasks;
  }
  std::string started(const std::string& tasks, const std::string& more = {}) {
    rig_.deploy(file(tasks, more));
    const auto ids = rig_.send("test.start.v1", Json::object({{"url", "http://127.0.0.1:1/x"}}));
    EXPECT_EQ(ids.size(), 1U);
    return ids.empty() ? "" : ids[0];
  }
  std::string request(const std::string& method) const {
    return "  - ask: {call: http, with: {method: " + method + ", endpoint: '" + outside_.url() +
           "/a'}}\n";
  }
  static constexpr std::string_view kSecret = "a-secret-of-the-workflow-8d1f";
  Outside outside_;
  Rig rig_;
};

TEST_F(HttpOfWorkflows, ARequestIsSentAndItsAnswerIsTheOutput) {
  const std::string id = started(request("get"));
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.output(id).string_or("path", ""), "/a");
}

TEST_F(HttpOfWorkflows, AStatusThatIsAnErrorShowsInTheLogAndTheTimelineAlsoWhenItIsCaught) {
  test::RecordingLogger log;
  rig_.crash();
  rig_.log = &log;
  rig_.start();
  const std::string id =
      started("  - try:\n      try:\n        - ask: {call: http, with: {method: get, endpoint: '" +
              outside_.url() + "/refused'}}\n      catch: {do: [{go: {set: {a: 1}}}]}\n");
  ASSERT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_TRUE(log.comes("task.faulted instance=" + id +
                        " task=/do/0/try/try/0/ask error=communication 422"));
  EXPECT_EQ(rig_.engine().stats().task_faults, 1U);
  for (const auto& shown : {rig_.engine().instance(id), rig_.engine().instance(id, admitted)}) {
    ASSERT_TRUE(shown.ok());
    Json ask;
    for (const Json& task : (*shown)["timeline"].as_array()) {
      if (task.string_or("task", "") == "ask") ask = task;
    }
    EXPECT_NE(ask.dump().find("422"), std::string::npos) << shown->dump_pretty();
    EXPECT_EQ(ask.dump().find("Layla"), std::string::npos);
  }
  EXPECT_FALSE(log.has("Layla"));
}

TEST_F(HttpOfWorkflows, ARequestThatMayBeRepeatedIsRepeatedWithItsKeyAfterACrash) {
  outside_.hold();
  const std::string id = started(request("put"));
  ASSERT_TRUE(outside_.wait_for(1));
  rig_.crash();
  outside_.release();
  rig_.start();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  const auto seen = outside_.seen();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_TRUE(seen[0].key.starts_with(id + "-")) << seen[0].key;
  EXPECT_EQ(seen[0].key, seen[1].key);
}

TEST_F(HttpOfWorkflows, ARequestThatMayNotBeRepeatedParksAfterACrash) {
  outside_.hold();
  const std::string id = started(request("post"));
  ASSERT_TRUE(outside_.wait_for(1));
  rig_.crash();
  outside_.release();
  rig_.start();
  EXPECT_EQ(rig_.wait_status(id, "parked"), "parked");
  EXPECT_EQ(outside_.seen().size(), 1U) << "it must not be sent again";
  for (const Json& wrong : {Json(), Json("ok"), Json::object({{"body", "ok"}})}) {
    EXPECT_EQ(rig_.engine().resolve(id, done(wrong), "user:test", "seen").error().code,
              "engine.answer");
  }
  const Json answer = Json::object({{"status", 200}, {"headers", Json::object()}, {"body", "ok"}});
  ASSERT_TRUE(rig_.engine().resolve(id, done(answer), "user:test", "seen").ok());
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig_.output(id), Json("ok"));
}

TEST_F(HttpOfWorkflows, AWrittenHostThatIsNotAllowedIsRefusedWithTheLineToAdd) {
  const auto refused = rig_.engine().apply(
      {{"a.yaml", file("  - ask:\n      call: http\n      with:\n        method: get\n"
                       "        endpoint: https://elsewhere.example:8443/{id}/x\n")}},
      "test");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message,
            "a.yaml:9:19: error: https://elsewhere.example:8443 is not allowed (add to the "
            "configuration: http: {allow: ['https://elsewhere.example:8443']}) [engine.host]");
}

TEST_F(HttpOfWorkflows, AHostThatAnExpressionMakesIsCheckedWhenItIsCalled) {
  const std::string id =
      started("  - ask: {call: http, with: {method: get, endpoint: '${ .url }'}}\n");
  EXPECT_EQ(rig_.wait_status(id, "faulted"), "faulted");
  const auto found = rig_.engine().instance(id);
  ASSERT_TRUE(found.ok());
  EXPECT_TRUE((*found)["error"].string_or("type", "").ends_with("/authorization"))
      << found->dump_pretty();
  EXPECT_EQ((*found)["error"].int_or("status", 0), 403);
}

TEST_F(HttpOfWorkflows, ASecretIsSentAndLiesNowhereInTheClear) {
  const std::string id = started(
      "  - ask:\n      call: http\n      with:\n        method: get\n        endpoint:\n"
      "          uri: " +
          outside_.url() +
          "/a\n          authentication: {bearer: {token: '${ $secrets.token }'}}\n"
          "      export: {as: '${ {echo: $output} }'}\n",
      "use: {secrets: [token]}\n");
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
  ASSERT_EQ(outside_.seen().size(), 1U);
  EXPECT_EQ(outside_.seen()[0].authorization, "Bearer " + std::string(kSecret));
  // The outside system sent it back: it is in the instance's data, and no answer shows it.
  const auto shown = rig_.engine().instance(id, admitted);
  ASSERT_TRUE(shown.ok());
  EXPECT_EQ((*shown)["output"].string_or("authorization", ""), "Bearer *");
  EXPECT_EQ(shown->dump().find(kSecret), std::string::npos);
  rig_.store().flush();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rig_.folder())) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    EXPECT_EQ(bytes.find(kSecret), std::string::npos) << entry.path().filename();
  }
}

TEST_F(HttpOfWorkflows, AnInstanceWhoseSecretIsGoneWaitsForAStartThatHasIt) {
  const std::string id =
      started("  - rest: {wait: PT1M}\n" + request("get"), "use: {secrets: [token]}\n");
  EXPECT_EQ(rig_.wait_status(id, "waiting"), "waiting");
  rig_.crash();
  rig_.clock().advance_ms(61'000);
  const auto kept = rig_.secrets;
  rig_.secrets.clear();
  rig_.start();
  rig_.settle();
  EXPECT_EQ(outside_.seen().size(), 0U);
  rig_.crash();
  rig_.secrets = kept;
  rig_.start();
  EXPECT_EQ(rig_.wait_status(id, "completed"), "completed");
}

}  // namespace
}  // namespace rabt::engine::http_test
