#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "rabt/testing/fake_host.hpp"

namespace rabt::testing {

using sdk::testing::Answer;
using sdk::testing::lost;
using sdk::testing::Request;
using sdk::testing::unreachable;

// The SDK's fake host with JSON of nlohmann. A plugin that breaks a clause fails the test.
class TestHost : public sdk::testing::FakeHost {
 public:
  explicit TestHost(std::string config) : FakeHost(std::move(config)) {}
  ~TestHost() {
    stop();
    EXPECT_EQ(violations(), "");
  }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;

  sdk::Outcome call(const std::string& action, const nlohmann::json& input,
                    const std::string& key = "key-1", std::int64_t time_ms = 60'000) {
    return FakeHost::call(action, input.dump(), key, time_ms);
  }
  // {events, error}
  std::pair<nlohmann::json, std::string> deliver(const std::string& body) {
    const auto [events, error] = FakeHost::deliver(body);
    return {events.empty() ? nlohmann::json() : nlohmann::json::parse(events), error};
  }
};

}  // namespace rabt::testing
