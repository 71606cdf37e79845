#include <gtest/gtest.h>

#include "rig.hpp"

// A plugin is upgraded while instances run: each ends on the contract that it started with.
namespace rabt::engine::upgrade_test {
namespace {

plugin::PluginConfig desk(const std::string& version, const std::string& id = "desk") {
  plugin::PluginConfig out;
  out.id = id;
  out.folder = std::string(RABT_FIXTURES) + "/desk-" + version;
  out.tenant = "t1";
  out.config = Json::object();
  return out;
}
void load(plugin::PluginHost& host, const std::vector<std::string>& versions) {
  for (const std::string& version : versions) {
    const Status loaded = host.load(desk(version));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  }
  ASSERT_TRUE(host.bind_role("desk", "plugin://desk").ok());
}
// Asks twice; between the two it waits for an event.
std::string visit(const std::string& version, const std::string& contract) {
  return "document: {dsl: '1.0.3', namespace: test, name: visit, version: '" + version + R"('}
schedule: {on: {one: {with: {type: begin}}}}
do:
  - first:
      call: ask:)" +
         contract + R"(@desk
      export: {as: '${ {first: $output.answered} }'}
  - gate: {listen: {to: {one: {with: {type: go}}}}}
  - second:
      call: ask:)" +
         contract + R"(@desk
output: {as: '${ {first: $context.first, second: .answered} }'}
)";
}
std::vector<std::string> retire(Rig& rig) {
  std::vector<std::string> gone;
  const Status done =
      rig.engine().with_needs([&](const std::vector<plugin::Need>& needs) -> Status {
        auto names = rig.host().retire(needs, 5000);
        if (!names.ok()) return names.error();
        gone = *names;
        return ok_status();
      });
  EXPECT_TRUE(done.ok());
  return gone;
}
using Names = std::vector<std::string>;
void restart(Rig& rig) {
  rig.crash();
  rig.start();
}

TEST(PluginUpgrade, AnInstanceEndsOnTheContractItStartedWithAlsoAfterARestart) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0"}); };
  restart(rig);
  rig.deploy(visit("1.0.0", "1.0.0"));
  const std::string old = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(old, "waiting"), "waiting");

  // The new version comes while the instance waits. It does not serve contract 1.
  ASSERT_TRUE(rig.host().load(desk("2.0.0")).ok());
  EXPECT_EQ(retire(rig), Names{});
  rig.deploy(visit("2.0.0", "2.0.0"));
  EXPECT_EQ(retire(rig), Names{});  // the instance needs it
  const std::string fresh = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(fresh, "waiting"), "waiting");

  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0", "2.0.0"}); };
  rig.refuse_unserved = true;
  restart(rig);
  EXPECT_EQ(retire(rig), Names{});
  (void)rig.send("go", Json::object());
  ASSERT_EQ(rig.wait_status(old, "completed"), "completed");
  ASSERT_EQ(rig.wait_status(fresh, "completed"), "completed");
  EXPECT_EQ(rig.output(old).dump(), R"({"first":"1.0.0","second":"1.0.0"})");
  EXPECT_EQ(rig.output(fresh).dump(), R"({"first":"2.0.0","second":"2.0.0"})");
  EXPECT_EQ(retire(rig), Names{"desk 1.0.0"});  // nobody needs it any more
}

TEST(PluginUpgrade, AnInstanceTakesANewerMinorOfItsContract) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0"}); };
  restart(rig);
  rig.deploy(visit("1.0.0", "1.0.0"));
  const std::string id = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "waiting"), "waiting");
  ASSERT_TRUE(rig.host().load(desk("1.1.0")).ok());
  EXPECT_EQ(retire(rig), Names{"desk 1.0.0"});
  (void)rig.send("go", Json::object());
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id).dump(), R"({"first":"1.0.0","second":"1.1.0"})");
}

TEST(PluginUpgrade, AStartIsRefusedWhereNothingServesARunningInstance) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0"}); };
  restart(rig);
  rig.deploy(visit("1.0.0", "1.0.0"));
  const std::string id = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "waiting"), "waiting");
  std::string refusal;
  rig.refusal = &refusal;
  rig.refuse_unserved = true;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"2.0.0"}); };
  restart(rig);
  EXPECT_EQ(refusal,
            "workflow test/visit 1.0.0, line 5 (1 instance runs) calls ask:1.0.0: `plugin://desk` "
            "does not offer `ask` in version 1.0.0 or newer (it offers 2.0.0)\n"
            "workflow test/visit 1.0.0, line 9 (1 instance runs) calls ask:1.0.0: `plugin://desk` "
            "does not offer `ask` in version 1.0.0 or newer (it offers 2.0.0)\n"
            "workflow test/visit 1.0.0, line 5 calls ask:1.0.0: `plugin://desk` does not offer "
            "`ask` in version 1.0.0 or newer (it offers 2.0.0)\n"
            "workflow test/visit 1.0.0, line 9 calls ask:1.0.0: `plugin://desk` does not offer "
            "`ask` in version 1.0.0 or newer (it offers 2.0.0)");
}

TEST(PluginUpgrade, ARoleThatIsBoundAnewKeepsItsPluginForInstancesThatRun) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0"}); };
  restart(rig);
  rig.deploy(visit("1.0.0", "1.0.0"));
  const std::string old = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(old, "waiting"), "waiting");
  rig.prepare = [](plugin::PluginHost& host) {
    load(host, {"1.0.0"});
    ASSERT_TRUE(host.bind_role("desk", "hub://script").ok());
  };
  std::string refusal;
  rig.refusal = &refusal;
  rig.refuse_unserved = true;
  restart(rig);
  // The next instance would not be served. The one that runs is: it keeps plugin://desk.
  EXPECT_EQ(refusal,
            "workflow test/visit 1.0.0, line 5 calls ask:1.0.0: `hub://script` has no action `ask` "
            "(served by plugin://desk: bind the role to it)\n"
            "workflow test/visit 1.0.0, line 9 calls ask:1.0.0: `hub://script` has no action `ask` "
            "(served by plugin://desk: bind the role to it)");
  rig.refuse_unserved = false;
  rig.refusal = nullptr;
  restart(rig);
  (void)rig.send("go", Json::object());
  ASSERT_EQ(rig.wait_status(old, "completed"), "completed");
  EXPECT_EQ(rig.output(old).dump(), R"({"first":"1.0.0","second":"1.0.0"})");
}

TEST(PluginUpgrade, ADeploymentIsRefusedWithTheLineAndWhatWouldServe) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.1.0"}); };
  restart(rig);
  const auto refused = rig.engine().apply({{"visit.yaml", visit("1.0.0", "2.0.0")}}, "test");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(
      refused.error().message.substr(0, refused.error().message.find('\n')),
      "visit.yaml:5:13: error: role `desk` does not offer `ask` in version 2.0.0 or newer (it "
      "offers 1.1.0) [workflow.unknown_action]");
  ASSERT_TRUE(rig.host().load(desk("2.0.0")).ok());
  EXPECT_TRUE(rig.engine().apply({{"visit.yaml", visit("1.0.0", "2.0.0")}}, "test").ok());
}

TEST(PluginUpgrade, ACatalogOfTheFileIsCheckedAndCalled) {
  Rig rig;
  rig.prepare = [](plugin::PluginHost& host) { load(host, {"1.0.0"}); };
  restart(rig);
  const std::string head =
      "document: {dsl: '1.0.3', namespace: test, name: pinned, version: '1.0.0'}\n"
      "use: {catalogs: {front: {endpoint: 'plugin://";
  const std::string tail =
      "'}}}\nschedule: {on: {one: {with: {type: begin}}}}\ndo:\n  - a: {call: 'ask:1.0.0@front'}\n";
  const auto absent = rig.engine().apply({{"p.yaml", head + "nobody" + tail}}, "test");
  ASSERT_FALSE(absent.ok());
  EXPECT_NE(
      absent.error().message.find("p.yaml:5:15: error: the catalog `front` is plugin://nobody, "
                                  "which is not there"),
      std::string::npos)
      << absent.error().message;
  rig.deploy(head + "desk" + tail);
  const std::string id = rig.send("begin", Json::object()).at(0);
  ASSERT_EQ(rig.wait_status(id, "completed"), "completed");
  EXPECT_EQ(rig.output(id).dump(), R"({"answered":"1.0.0"})");
}

}  // namespace
}  // namespace rabt::engine::upgrade_test
