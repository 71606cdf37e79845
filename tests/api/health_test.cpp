#include "hub/api/health.hpp"

#include <gtest/gtest.h>

namespace rabt::api {
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

TEST(RolesUnserved, NamesTheRoleWhosePluginIsInQuarantineOrStopped) {
  EXPECT_EQ(roles_unserved(kBindings, {state("twilio", "up"), state("nphies", "up")}),
            Json::object());
  EXPECT_EQ(roles_unserved(kBindings, {state("twilio", "quarantined"), state("nphies", "stopped")}),
            Json::object(
                {{"payer", "plugin://nphies stopped"}, {"video", "plugin://twilio quarantined"}}));
  EXPECT_EQ(roles_unserved(kBindings, {state("nphies", "waiting")}),
            Json::object({{"video", "plugin://twilio not loaded"}}));
}

TEST(RolesUnserved, TakesWhatAPluginSaysOfItself) {
  State down = state("twilio", "up");
  down.health = {.status = "down", .reason = ""};
  EXPECT_EQ(roles_unserved(kBindings, {down, state("nphies", "up")}),
            Json::object({{"video", "plugin://twilio down"}}));
  down.health->status = "degraded";
  EXPECT_EQ(roles_unserved(kBindings, {down, state("nphies", "up")}), Json::object());
}

TEST(RolesUnserved, PassesOverPluginsWithoutARoleAndOlderVersions) {
  State older = state("twilio", "stopped");
  older.newest = false;
  EXPECT_EQ(roles_unserved(kBindings, {older, state("twilio", "up"), state("nphies", "up"),
                                       state("unbound", "quarantined")}),
            Json::object());
}

}  // namespace
}  // namespace rabt::api
