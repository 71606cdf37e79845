// The plugin on the SDK's fakes, with the examples that `rabt plugin check` uses too: check/<name>.call.json says what is asked and
// what the outside system answers, tests/expected/<name>.json what must come of it. Time is virtual, and what breaks the contract is
// counted.
#include "rabt/testing/fake_host.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

using nlohmann::json;
using rabt::sdk::Kind;
using rabt::sdk::Outcome;
using rabt::sdk::testing::Answer;
using rabt::sdk::testing::FakeHost;
using rabt::sdk::testing::Request;

namespace {

json read(const std::string& path) {
  std::ifstream in(PROJECT "/" + path);
  return json::parse(in);
}
// Names of the files in check/ that end so, without the ending.
std::vector<std::string> examples(const std::string& ending) {
  std::vector<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator(PROJECT "/check")) {
    const std::string name = file.path().filename();
    if (name.ends_with(ending)) out.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(out.begin(), out.end());
  return out;
}

// The outside system of an example. 404: it was asked for something else.
rabt::sdk::testing::Outside world(const json& example) {
  return [exchanges = example.value("http", json::array())](const Request& request) -> Answer {
    for (const json& exchange : exchanges) {
      if (exchange.value("method", request.method()) != request.method()) continue;
      if (request.url() != "https://api.example.org" + exchange.at("path").get<std::string>()) continue;
      const json body = exchange.value("body", json::object());
      return {.status = exchange.value("status", 200), .body = body.is_string() ? body.get<std::string>() : body.dump()};
    }
    return {.status = 404};
  };
}

class @CLASS@Test : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host_.started()) << host_.problem;
    host_.secrets["api_token"] = "token";
    const json blobs = example_.value("blobs", json::object());
    for (const auto& [handle, text] : blobs.items()) {
      host_.blobs[handle] = {.content_type = "application/octet-stream", .content = text.get<std::string>()};
    }
  }
  void TearDown() override {
    host_.stop();
    EXPECT_EQ(host_.violations(), "");
  }
  Outcome call() {
    host_.requests.clear();
    return host_.call(example_.at("action"), example_.at("input").dump());
  }
  Outcome call_with(const Answer& answer) {
    host_.outside = [answer](const Request&) { return answer; };
    return call();
  }
  bool effect() const { return host_.requests.at(0).method() != "GET"; }

  json example_ = read("check/" + GetParam() + ".call.json");
  FakeHost host_{read("check/config.json").dump()};
};

TEST_P(@CLASS@Test, AnswersInTheWordsOfTheCapability) {
  host_.outside = world(example_);
  const Outcome outcome = call();
  ASSERT_EQ(outcome.kind, Kind::done) << outcome.code << ": " << outcome.message;
  EXPECT_EQ(json::parse(outcome.output), read("tests/expected/" + GetParam() + ".json")) << outcome.output;
}

TEST_P(@CLASS@Test, SendsTheTokenAndWithAnEffectTheKey) {
  host_.outside = world(example_);
  call();
  for (const Request& request : host_.requests) {
    EXPECT_EQ(request.header("Authorization"), "Bearer {api_token}");
    EXPECT_EQ(request.header("Idempotency-Key"), request.method() == "GET" ? "" : "key-1");
  }
}

TEST_P(@CLASS@Test, SaysWhatCanBeTriedAgain) {
  EXPECT_EQ(call_with(rabt::sdk::testing::unreachable()).kind, Kind::transient);
  EXPECT_EQ(call_with(rabt::sdk::testing::lost()).kind, Kind::transient);  // the key makes a repeat safe
  EXPECT_EQ(call_with({.status = 503}).kind, Kind::transient);
  EXPECT_EQ(call_with({.status = 404}).kind, Kind::permanent);
  EXPECT_EQ(call_with({.status = 404}).detail, R"({"status":404})");
  EXPECT_EQ(call_with({.status = 429, .headers = R"([["retry-after","7"]])"}).retry_after_ms, 7000);
}

TEST_P(@CLASS@Test, NeverGuessesWhatAnAnswerMeans) {
  if (example_.at("/http/0/body"_json_pointer).is_string()) GTEST_SKIP() << "content may be anything";
  const Outcome outcome = call_with({.status = 200, .body = "<html>"});
  EXPECT_EQ(outcome.kind, effect() ? Kind::ambiguous : Kind::permanent) << outcome.output;
}

INSTANTIATE_TEST_SUITE_P(Examples, @CLASS@Test, testing::ValuesIn(examples(".call.json")),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(@CLASS@Deliveries, BecomeTheEventsOfTheRole) {
  FakeHost host(read("check/config.json").dump());
  EXPECT_EQ(host.extension<rabt_webhook>(RABT_WEBHOOK) != nullptr, !examples(".delivery.json").empty());
  for (const std::string& name : examples(".delivery.json")) {
    const auto [events, error] = host.deliver(read("check/" + name + ".delivery.json").at("body").dump());
    EXPECT_EQ(error, "") << name;
    EXPECT_EQ(json::parse(events), read("tests/expected/" + name + ".json")) << events;
    EXPECT_NE(host.deliver("<html>").second, "");
  }
  host.stop();
  EXPECT_EQ(host.violations(), "");
}

}  // namespace
