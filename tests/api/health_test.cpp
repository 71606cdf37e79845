#include "hub/api/health.hpp"

#include <gtest/gtest.h>

namespace rabt::api::health_test {
namespace {

using State = plugin::PluginHost::PluginState;

State state(std::string id, const std::string& phase) {
  State out;
  out.id = std::move(id);
  out.worker = plugin::PluginHost::WorkerState{};
  out.worker->phase = phase;
  return out;
}

const std::map<std::string, std::string> kBindings = {
    {"video", "plugin://twilio"}, {"payer", "plugin://nphies"}, {"session", "hub://session"}};

Json unserved(const std::vector<State>& states) {
  return roles_unserved(kBindings, states, [](auto, const auto&) { return ""; });
}

TEST(RolesUnserved, NamesWhatARoleThatIsThereCannotDo) {
  const auto nobody = [](std::string_view role, const std::string&) {
    return role == "video" ? "lets nobody in" : "";
  };
  EXPECT_EQ(roles_unserved(kBindings, {state("twilio", "up"), state("nphies", "up")}, nobody),
            Json::object({{"video", "plugin://twilio lets nobody in"}}));
  EXPECT_EQ(roles_unserved({{"video", "hub://session"}}, {}, nobody),
            Json::object({{"video", "hub://session lets nobody in"}}));
  EXPECT_EQ(roles_unserved({{"video", "plugin://twilio"}}, {state("twilio", "stopped")}, nobody),
            Json::object({{"video", "plugin://twilio stopped"}}));
}

TEST(RolesUnserved, NamesTheRoleWhosePluginIsInQuarantineOrStopped) {
  EXPECT_EQ(unserved({state("twilio", "up"), state("nphies", "up")}), Json::object());
  EXPECT_EQ(unserved({state("twilio", "quarantined"), state("nphies", "stopped")}),
            Json::object(
                {{"payer", "plugin://nphies stopped"}, {"video", "plugin://twilio quarantined"}}));
  EXPECT_EQ(unserved({state("nphies", "waiting")}),
            Json::object({{"video", "plugin://twilio not loaded"}}));
}

TEST(RolesUnserved, TakesWhatAPluginSaysOfItself) {
  State down = state("twilio", "up");
  down.health = {.status = "down", .reason = ""};
  EXPECT_EQ(unserved({down, state("nphies", "up")}),
            Json::object({{"video", "plugin://twilio down"}}));
  down.health->status = "degraded";
  EXPECT_EQ(unserved({down, state("nphies", "up")}), Json::object());
}

TEST(RolesUnserved, PassesOverPluginsWithoutARoleAndOlderVersions) {
  State older = state("twilio", "stopped");
  older.newest = false;
  EXPECT_EQ(unserved({older, state("twilio", "up"), state("nphies", "up"),
                      state("unbound", "quarantined")}),
            Json::object());
}

// Symptom: every delivery was refused, and /health passed: only roles counted.
TEST(SourcesUnread, NamesThePluginOfASourceThatCannotTakeACall) {
  const std::vector<State> states{state("his", "quarantined"), state("unbound", "quarantined")};
  const auto found = sources_unread({"his"}, states);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].part + " " + found[0].why, "plugin his quarantined");
  EXPECT_TRUE(sources_unread({"his"}, {state("his", "waiting")}).empty());
}

}  // namespace
}  // namespace rabt::api::health_test
