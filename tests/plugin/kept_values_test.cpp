#include <cstdlib>
#include <fstream>
#include <iterator>

#include "hub/base/clock.hpp"
#include "tests/number_of.hpp"
#include "tests/plugin/support.hpp"

// Values of a shipped plugin, as built, in the hub's store: the plugin says when each expires, and
// the hub removes it then (plugins/nphies/README.md, "How long it is kept").
namespace rabt::plugin::test::kept_values_test {
namespace {

std::string folder_of(const char* variable, const std::string& below) {
  const char* at = std::getenv(variable);  // NOLINT(concurrency-mt-unsafe)
  return at == nullptr ? std::string() : at + below;
}

class ValuesOfNphies : public testing::Test {
 protected:
  void SetUp() override {
    source_ = folder_of("RABT_SOURCE_DIR", "/plugins/nphies/check/");
    package_ = folder_of("RABT_BUILD_DIR", "/plugins/nphies");
    if (source_.empty() || package_.empty()) GTEST_SKIP() << "set RABT_SOURCE_DIR, RABT_BUILD_DIR";
  }
  // A call that plugins/nphies/check has, or the plugin's configuration.
  [[nodiscard]] Json example(const std::string& name) const {
    std::ifstream file(source_ + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    auto read = Json::parse(text);
    EXPECT_TRUE(read.ok()) << name;
    return read.ok() ? *std::move(read) : Json();
  }
  // Calls the plugin at a gateway that gives this answer, whatever it is asked.
  void call(const std::string& action, const Json& input, const Json& answer) {
    const TinyServer gateway(TinyServer::Mode::answer, answer.dump());
    hub_.restart_host();
    PluginConfig config = hub_.config("nphies");
    config.folder = package_;
    config.config = example("config.json");
    config.config.set("base_url", gateway.url());
    const Status loaded = hub_.host->load(std::move(config));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    ASSERT_TRUE(hub_.host->bind_role("payer", "plugin://nphies").ok());
    const auto outcome = hub_.call("payer", action, input);
    ASSERT_EQ(outcome.kind, workflow::OutcomeKind::done) << outcome.code << outcome.message;
  }
  // Values that are left once the hub has removed what expired.
  std::int64_t left() {
    while (hub_.host->remove_expired_values()) {
    }
    static constexpr store::Statement kCount{
        "SELECT COUNT(*) FROM plugin_kv WHERE plugin = 'nphies'"};
    return rabt::test::number_of(*hub_.store, kCount);
  }

  std::string source_;
  std::string package_;
  Hub hub_{true};
};

// nested: messages inside of the answer to a poll.
Json message(const char* id, const char* event, Json focal, const std::vector<Json>& nested = {}) {
  const Json header = Json::object(
      {{"resourceType", "MessageHeader"}, {"eventCoding", Json::object({{"code", event}})}});
  Json entries = Json::array(
      {Json::object({{"resource", header}}), Json::object({{"resource", std::move(focal)}})});
  for (const Json& item : nested) entries.push_back(Json::object({{"resource", item}}));
  return Json::object(
      {{"resourceType", "Bundle"}, {"id", id}, {"type", "message"}, {"entry", std::move(entries)}});
}

TEST_F(ValuesOfNphies, GoAfterTwoWeeksSixtyDaysAndFourHundred) {
  // An answer that names no request is taken as it came.
  Json adjudicated = example("submit-claim.call.json")["http"][0]["body"]["entry"][1]["resource"];
  adjudicated.mutable_object().erase("request");
  ASSERT_NO_FATAL_FAILURE(call("submit-claim", example("submit-claim.call.json")["input"],
                               message("a", "claim-response", std::move(adjudicated))));
  EXPECT_EQ(left(), 5) << "request, answer, reply, and the facts by claim and by message";
  const Json polled = message(
      "b", "poll-response", Json::object({{"resourceType", "Task"}, {"status", "completed"}}),
      {message("c", "communication", Json::object({{"resourceType", "Communication"}}))});
  ASSERT_NO_FATAL_FAILURE(call("poll-claim", example("poll-claim.call.json")["input"], polled));
  EXPECT_EQ(left(), 6) << "and a message about another claim; the poll is over";

  std::int64_t day = 0;
  const auto left_after = [&](std::int64_t days) {
    hub_.fake.advance_ms((days - day) * kDayMs - 1);
    const std::int64_t before = left();
    hub_.fake.advance_ms(1);
    day = days;
    return std::pair(before, left());
  };
  EXPECT_EQ(left_after(14), (std::pair<std::int64_t, std::int64_t>{6, 4})) << "request and answer";
  EXPECT_EQ(left_after(60), (std::pair<std::int64_t, std::int64_t>{4, 2})) << "what came";
  EXPECT_EQ(left_after(400), (std::pair<std::int64_t, std::int64_t>{2, 0})) << "facts";
}

}  // namespace
}  // namespace rabt::plugin::test::kept_values_test
