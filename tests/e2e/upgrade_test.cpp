#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "tests/e2e/support.hpp"
#include "tests/eventually.hpp"

// A plugin is upgraded by the commands that people type, while the hub runs and instances are on
// their way. The plugin `desk` says which of its versions answered.
namespace rabt::e2e::upgrade_test {
namespace {

namespace fs = std::filesystem;

using test::eventually;

// Asks before and after it waits for a cancellation.
std::string visit(const std::string& version, const std::string& contract) {
  return "document: {dsl: '1.0.3', namespace: test, name: visit, version: '" + version + R"('}
schedule: {on: {one: {with: {type: org.rabt.appointment.booked.v1, data: '${ .modality == "video" }'}}}}
input: {from: '${ {} }'}
do:
  - first:
      call: ask:)" +
         contract + R"(@desk
      with: {how: quick}
      export: {as: '${ {first: $output.answered} }'}
  - gate: {listen: {to: {one: {with: {type: org.rabt.appointment.cancelled.v1}}}}}
  - second:
      call: ask:)" +
         contract + R"(@desk
      with: {how: quick}
output: {as: '${ {first: $context.first, second: .answered} }'}
)";
}
// One call that takes 1.5 seconds.
constexpr std::string_view kFlight = R"(
document: {dsl: '1.0.3', namespace: test, name: flight, version: '1.0.0'}
schedule: {on: {one: {with: {type: org.rabt.appointment.cancelled.v1}}}}
input: {from: '${ {} }'}
do:
  - ask: {call: 'ask:1.0.0@desk', with: {how: slow}}
)";

class Upgrade : public testing::Test {
 protected:
  void SetUp() override {
    site_.config.plugins = signed_store(site_.folder().path().string());
    site_.config.more_roles = "  desk: plugin://desk\n";
    site_.config.more_plugins = "  desk: {config: {}}\n";
    write_file(site_.folder() / "visit.yaml", visit("1.0.0", "1.0.0"));
    write_file(site_.folder() / "flight.yaml", kFlight);
    site_.config.workflows = {site_.folder() / "visit.yaml", site_.folder() / "flight.yaml"};
    static_cast<void>(site_.write_configuration());
    expect_good(run({program("rabt"), "plugin", "keys", "generate", key(), "--no-password"}));
    expect_good(site_.rabt({"plugin", "keys", "add", site_.folder() / "vendor.pub", "--name",
                            "Vendor", "--scope", "desk"}));
  }
  static void expect_good(const Finished& command) { EXPECT_EQ(command.code, 0) << command.said; }
  [[nodiscard]] std::string key() const { return site_.folder() / "vendor.key"; }
  // As the vendor and the hospital do: sign, add.
  void add(const std::string& version) {
    const std::string package = site_.folder() / ("desk-" + version + ".rabtplugin");
    fs::copy(build_dir() + "/fixtures/desk-" + version, package, fs::copy_options::recursive);
    expect_good(run({program("rabt"), "plugin", "sign", package, "--key", key()}));
    expect_good(site_.rabt({"plugin", "add", package, "--yes"}));
  }
  // The instances that a delivery started.
  std::vector<std::string> deliver(bool cancelled) {
    demo::Booking booking = site_.booking(bookings_++);
    if (cancelled) {
      const auto at = booking.body.find("\"status\":\"booked\"");
      EXPECT_NE(at, std::string::npos);
      booking.body.replace(at, 17, "\"status\":\"cancelled\"");
    }
    const net::Response accepted = site_.post(booking.id, booking.body);
    EXPECT_EQ(accepted.status, 202) << accepted.body;
    std::vector<std::string> ids;
    const auto answer = Json::parse(accepted.body);
    for (const Json& id : answer.ok() ? (*answer)["instances"].as_array() : Json::Array{})
      ids.push_back(id.as_string());
    return ids;
  }
  std::string begin(bool cancelled) {
    const auto ids = deliver(cancelled);
    EXPECT_EQ(ids.size(), 1U);
    return ids.empty() ? "none" : ids.front();
  }
  std::string status(const std::string& id) {
    return site_.api("instances/" + id).string_or("status", "");
  }
  bool comes(const std::string& id, const std::string& wanted) {
    return eventually([&] { return status(id) == wanted; });
  }
  // Versions of the plugin in /health: version -> "", "older contracts" or "open calls".
  std::map<std::string, std::string> serving() {
    std::map<std::string, std::string> out;
    const Json health = site_.health();
    for (const Json& item : health["plugins"].as_array()) {
      if (item.string_or("id", "") == "desk")
        out[item.string_or("version", "")] = item.string_or("serves", "");
    }
    return out;
  }

  Site site_{Kind::edge};
  int bookings_ = 0;
};
using Serving = std::map<std::string, std::string>;

TEST_F(Upgrade, CallsInFlightAndWaitingInstancesLoseNothingAndOldVersionsGo) {
  add("1.0.0");
  site_.start_hub();
  const std::string old = begin(false);
  ASSERT_TRUE(comes(old, "waiting")) << status(old);

  // 1.1.0 serves the contract of 1.0.0. Calls are open all the time while it comes.
  add("1.1.0");
  EXPECT_EQ(serving(), (Serving{{"1.0.0", ""}})) << "only an upgrade loads it";
  std::atomic<bool> upgraded{false};
  std::atomic<int> deliveries{0};
  Finished upgrade;
  std::thread operator_([&] {
    EXPECT_TRUE(eventually([&] { return deliveries >= 5; })) << "nothing is delivered";
    upgrade = site_.rabt({"plugin", "upgrade", "desk"});
    upgraded = true;
  });
  std::vector<std::string> flights;
  while (!eventually([&] { return upgraded.load(); }, std::chrono::milliseconds(50))) {
    for (const std::string& id : deliver(true)) flights.push_back(id);
    ++deliveries;
  }
  const bool in_flight = std::any_of(flights.begin(), flights.end(), [&](const std::string& id) {
    return status(id) != "completed";
  });
  operator_.join();
  expect_good(upgrade);
  EXPECT_TRUE(in_flight) << "no call was open when the upgrade ended";
  for (const std::string& id : flights) EXPECT_TRUE(comes(id, "completed")) << status(id);
  // The first cancellation let the waiting instance go on, wherever the upgrade was then.
  ASSERT_TRUE(comes(old, "completed")) << status(old);
  EXPECT_TRUE(eventually([&] { return serving() == Serving{{"1.1.0", ""}}; }));

  // 2.0.0 does not serve contract 1: an instance that waits keeps 1.1.0 alive.
  const std::string waits = begin(false);
  ASSERT_TRUE(comes(waits, "waiting")) << status(waits);
  add("2.0.0");
  expect_good(site_.rabt({"plugin", "upgrade", "desk"}));
  EXPECT_EQ(serving(), (Serving{{"1.1.0", "older contracts"}, {"2.0.0", ""}}));
  write_file(site_.folder() / "visit.yaml", visit("2.0.0", "2.0.0"));
  std::string flight(kFlight);
  flight.replace(flight.find("version: '1.0.0'"), 16, "version: '2.0.0'");
  flight.replace(flight.find("ask:1.0.0"), 9, "ask:2.0.0");
  write_file(site_.folder() / "flight.yaml", flight);
  expect_good(site_.rabt(
      {"workflow", "apply", site_.folder() / "visit.yaml", site_.folder() / "flight.yaml"}));
  const std::string fresh = begin(false);
  ASSERT_TRUE(comes(fresh, "waiting")) << status(fresh);
  // Each version's calls are counted apart.
  const std::string page = site_.metrics();
  for (const char* version : {"1.1.0", "2.0.0"}) {
    EXPECT_NE(page.find("rabt_plugin_calls_total{plugin=\"desk\",version=\"" +
                        std::string(version) + "\",outcome=\"done\"}"),
              std::string::npos)
        << page;
    EXPECT_NE(
        page.find("rabt_plugin_up{plugin=\"desk\",version=\"" + std::string(version) + "\"} 1\n"),
        std::string::npos)
        << page;
  }
  // One instance alone needs 1.1.0; some sweeps of the hub change nothing.
  EXPECT_FALSE(eventually(
      [&] {
        return serving() != Serving{{"1.1.0", "older contracts"}, {"2.0.0", ""}};
      },
      std::chrono::seconds(6)));

  const std::string last = begin(true);
  for (const std::string& id : {waits, fresh, last})
    ASSERT_TRUE(comes(id, "completed")) << status(id);
  EXPECT_EQ(site_.api("instances/" + waits, true)["output"].dump(),
            R"({"first":"1.1.0","second":"1.1.0"})");
  EXPECT_EQ(site_.api("instances/" + fresh, true)["output"].dump(),
            R"({"first":"2.0.0","second":"2.0.0"})");
  // The last instance of contract 1 has ended: without a command, within a few sweeps.
  EXPECT_TRUE(eventually([&] { return serving() == Serving{{"2.0.0", ""}}; }));

  // Nothing was tried twice, nothing was lost.
  const std::string end = site_.metrics();
  for (const char* outcome : {"transient", "ambiguous", "permanent", "cancelled"}) {
    for (std::size_t at = 0;
         (at = end.find("rabt_plugin_calls_total{plugin=\"desk\"", at)) != std::string::npos;
         ++at) {
      const std::string line = end.substr(at, end.find('\n', at) - at);
      if (line.find(outcome) != std::string::npos) {
        EXPECT_TRUE(line.ends_with(" 0")) << line;
      }
    }
  }
  EXPECT_NE(end.find("\nrabt_actions_resent_total 0\n"), std::string::npos) << end;
  const Finished audit = site_.rabt({"audit", "export", "--format", "jsonl", "--reason", "test"});
  expect_good(audit);
  EXPECT_NE(audit.said.find("plugin.retired"), std::string::npos);
  // A hub that starts now needs none of the old ones.
  site_.stop_hub();
  expect_good(site_.rabt({"plugin", "remove", "desk@1.0.0"}));
  expect_good(site_.rabt({"plugin", "remove", "desk@1.1.0"}));
  site_.start_hub();
  EXPECT_EQ(serving(), (Serving{{"2.0.0", ""}}));
  EXPECT_EQ(site_.rabt({"audit", "verify"}).code, 0);
}

}  // namespace
}  // namespace rabt::e2e::upgrade_test
