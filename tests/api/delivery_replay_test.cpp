#include <gtest/gtest.h>

#include <filesystem>

#include "hub/api/delivery_outcomes.hpp"
#include "hub/plugin/package/library.hpp"
#include "tests/api/rig.hpp"

// Deliveries that came to nothing: taken once more through the plugin of their source, or given up.
namespace rabt::api::delivery_replay_test {
namespace {

using http::Request;
using http::Response;

constexpr std::string_view kSender = "a static token of a sender";

class DeliveryReplay : public testing::Test {
 protected:
  static std::vector<Source> sources() {
    std::vector<Source> list(1);
    list[0].name = "his";
    list[0].plugin = "echo";
    list[0].signature.scheme = http::SignatureScheme::static_token;
    list[0].signature.secrets.emplace_back(kSender);
    return list;
  }
  void SetUp() override {
    const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
    plugin::PluginConfig config;
    config.id = "echo";
    config.folder = std::string(build != nullptr ? build : ".") + "/fixtures/echo";
    if (!std::filesystem::exists(plugin::library_path(config.folder))) GTEST_SKIP();
    config.tenant = "t1";
    config.config = Json::object({{"greeting", "hello"}});
    config.config.set("base_url", "https://a.example");
    config.secrets.emplace("token", std::make_shared<SecretBytes>(std::string_view("secret")));
    must(rig_.host().load(std::move(config)));
    rig_.deploy(
        "document: {dsl: '1.0.3', namespace: test, name: booking, version: '1.0.0'}\n"
        "schedule: {on: {one: {with: {type: test.arrived}}}}\n"
        "input: {from: '${ .[0].data }'}\ndo:\n"
        "  - keep: {set: '${ . }', export: {as: '${ . }'}}\n"
        "  - hear:\n      listen:\n        to:\n          one:\n"
        "            with: {type: test.arrived}\n"
        "            correlate: {room: {from: .data.room, expect: '${ $context.room }'}}\n");
  }
  // A delivery that could not be read when it came, and can be now. Its number.
  std::int64_t unread(const std::string& id, const std::string& body) {
    const Json envelope = Json::object({{"source", "his"},
                                        {"method", "POST"},
                                        {"path", "/hooks/his"},
                                        {"query", Json::array()},
                                        {"headers", Json::array()},
                                        {"content_type", "application/json"}});
    outcomes_.note({.source = "his",
                    .outcome = Outcome::unreadable,
                    .code = "plugin.delivery",
                    .reason = "not for us",
                    .client = "192.0.2.7",
                    .request = "01ID",
                    .body = body,
                    .envelope = &envelope,
                    .dedupe = id});
    return listed().int_or("id", 0);
  }
  // The newest of the list.
  Json listed() {
    must(rig_.store().write([](store::Transaction&) { return ok_status(); }));
    return json(api_.api("GET", "deliveries"))["items"][0];
  }
  Response replay(std::int64_t id, bool dry = false) {
    return api_.api("POST", "deliveries/" + std::to_string(id) + "/replay",
                    dry ? R"({"dryRun":true})" : R"({"reason":"the plugin is mended"})");
  }
  std::size_t instances() {
    rig_.settle();
    return json(api_.api("GET", "instances"))["items"].size();
  }
  std::size_t audited(const std::string& act) {
    audit::Query query;
    query.act = act;
    return must(audit::read_page(rig_.audit(), query, 10)).entries.size();
  }

  ApiRig api_{{.sources = sources()}};
  engine::Rig& rig_ = api_.hub;
  DeliveryOutcomes outcomes_{{rig_.store(), rig_.keys(), rig_.clock(), api_.random, "t1"}};
};

constexpr const char* kBooked =
    R"({"type":"test.arrived","n":1,"id":"e1","room":"a","name":"Layla"})";

TEST_F(DeliveryReplay, ANewOneIsPreviewedThenTakenOnceThoughItIsReplayedTwice) {
  const std::int64_t id = unread("d1", kBooked);
  const Response seen = replay(id, true);
  EXPECT_EQ(seen.status, 200) << seen.body;
  EXPECT_EQ(json(seen).string_or("was", ""), "new");
  EXPECT_EQ(json(seen)["types"].dump(), R"(["test.arrived"])");
  EXPECT_EQ(seen.body.find("Layla"), std::string::npos);
  EXPECT_EQ(instances(), 0U) << "a preview does nothing";
  EXPECT_EQ(listed().find("settled"), nullptr);
  const Response done = replay(id);
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json(done)["instances"].size(), 1U);
  EXPECT_EQ(instances(), 1U);
  EXPECT_EQ(listed().string_or("settled", ""), "replayed");
  EXPECT_EQ(listed().string_or("became", ""), "new");
  EXPECT_EQ(json(replay(id, true)).string_or("was", ""), "taken");
  EXPECT_EQ(json(replay(id)).string_or("was", ""), "taken");
  EXPECT_EQ(instances(), 1U) << "already taken: nothing happens";
  EXPECT_EQ(audited("delivery.replayed"), 2U);
}

TEST_F(DeliveryReplay, AChangedOneIsAnUpdateOfTheSameSubjectAndNoSecondBooking) {
  ASSERT_EQ(replay(unread("d1", kBooked)).status, 200);
  const std::string first = json(api_.api("GET", "instances"))["items"][0].string_or("id", "");
  ASSERT_EQ(rig_.wait_status(first, "waiting"), "waiting");
  const std::int64_t changed =
      unread("d1", R"({"type":"test.arrived","n":1,"id":"e1","room":"a","name":"Layla H."})");
  EXPECT_EQ(json(replay(changed, true)).string_or("was", ""), "changed");
  const Response done = replay(changed);
  EXPECT_EQ(json(done).string_or("was", ""), "changed") << done.body;
  EXPECT_EQ(rig_.wait_status(first, "completed"), "completed") << "it was told";
  EXPECT_EQ(instances(), 1U) << "no second booking";
  EXPECT_EQ(json(replay(changed)).string_or("was", ""), "taken") << "told once";
  // Nothing waits any more: still nothing is started.
  const std::int64_t late =
      unread("d1", R"({"type":"test.arrived","n":1,"id":"e1","room":"a","name":"L. H."})");
  const Response unheard = replay(late);
  EXPECT_EQ(json(unheard).string_or("was", ""), "changed");
  EXPECT_FALSE(json(unheard).bool_or("used", true));
  EXPECT_EQ(instances(), 1U);
}

TEST_F(DeliveryReplay, OneThatThePluginStillCannotReadIsRefusedAndStays) {
  Request made = request("POST", "/hooks/his", R"({"refuse":"no such message"})");
  made.headers = {{"authorization", "Bearer " + std::string(kSender)},
                  {"content-type", "application/json"}};
  EXPECT_EQ(api_.handle(made).status, 422);
  const std::int64_t id = listed().int_or("id", 0);
  EXPECT_TRUE(listed().bool_or("bodyKept", false));
  EXPECT_EQ(must(outcomes_.kept(id)).envelope.dump().find(kSender), std::string::npos)
      << "proofs of the sender are not kept";
  for (const bool dry : {true, false}) {
    const Response answer = replay(id, dry);
    EXPECT_EQ(answer.status, 422) << answer.body;
    EXPECT_EQ(code(answer), "plugin.delivery");
  }
  EXPECT_EQ(listed().find("settled"), nullptr);
  EXPECT_EQ(audited("delivery.replayed"), 0U);
}

TEST_F(DeliveryReplay, ADiscardedOneNeedsNobodyAndStaysInTheList) {
  const std::int64_t id = unread("d1", kBooked);
  EXPECT_NE(api_.api("GET", "todo").body.find("could not be read"), std::string::npos);
  const std::string path = "deliveries/" + std::to_string(id) + "/discard";
  EXPECT_EQ(wrong_member(api_.api("POST", path, "{}")), "reason");
  EXPECT_EQ(api_.api("POST", path, R"({"reason":"a test of the sender"})").status, 200);
  EXPECT_EQ(listed().string_or("settled", ""), "discarded");
  EXPECT_FALSE(listed().string_or("settledBy", "").empty());
  EXPECT_EQ(api_.api("GET", "todo").body.find("could not be read"), std::string::npos);
  EXPECT_EQ(code(replay(id)), "delivery.discarded");
  EXPECT_EQ(code(api_.api("POST", path, R"({"reason":"once more"})")), "delivery.discarded");
  EXPECT_EQ(audited("delivery.discarded"), 1U);
  EXPECT_EQ(instances(), 0U);
  EXPECT_EQ(code(api_.api("POST", "deliveries/9999/discard", R"({"reason":"x"})")),
            "delivery.unknown");
  EXPECT_EQ(code(replay(9999)), "delivery.body");
}

// Many of one source, by a job: each once, in their order, though the hub is asked twice.
TEST_F(DeliveryReplay, ManyAreTakenOnceMoreByAJob) {
  for (const std::string room : {"a", "b", "c"}) {
    rig_.clock().advance_ms(1);
    (void)unread("d-" + room, R"({"type":"test.arrived","n":1,"id":"e-)" + room + R"(","room":")" +
                                  room + "\"}");
  }
  rig_.clock().advance_ms(1);
  const std::int64_t fourth = unread("d-x", R"({"refuse":"no such message"})");
  const auto plan = [&](const std::string& body) { return api_.api("POST", "repairs", body); };
  const std::string all = R"({"verb":"deliver","filter":{"source":"his"}})";
  const Json job = json(plan(all));
  EXPECT_EQ(job.int_or("count", 0), 3) << job.dump();
  EXPECT_EQ(job["deliveries"].dump(), R"({"new":3})");
  EXPECT_EQ(job["leftOut"].dump(), R"([{"code":"plugin.delivery","count":1}])");
  const Json other = json(plan(all));
  const auto run = [&](const Json& of) {
    return api_.api("POST", "repairs/" + of.string_or("id", "") + "/run",
                    R"({"reason":"the plugin is mended","first":0,"digest":")" +
                        of.string_or("digest", "") + "\"}");
  };
  EXPECT_EQ(run(job).status, 202);
  EXPECT_EQ(run(other).status, 202);
  for (int i = 0; i < 10; ++i) {
    rig_.clock().advance_ms(1'000);
    (void)api_.repair_runner->turn();
    rig_.engine().drain(5'000);
  }
  for (const Json& item : {job, other}) {
    const Json now = json(api_.api("GET", "repairs/" + item.string_or("id", "")));
    EXPECT_EQ(now.string_or("state", ""), "done") << now.dump();
    EXPECT_EQ(now["counts"].int_or("well", 0), 3) << now.dump();
  }
  EXPECT_EQ(instances(), 3U) << "no effect is doubled";
  const Json rows = json(api_.api("GET", "repairs/" + job.string_or("id", "") + "/items"));
  EXPECT_EQ(rows["items"][0].string_or("delivery", ""), "1");
  EXPECT_EQ(code(replay(fourth)), "plugin.delivery");
  EXPECT_EQ(wrong_member(plan(R"({"verb":"deliver","filter":{"status":"faulted"}})")),
            "filter.status");
  EXPECT_EQ(wrong_member(plan(R"({"verb":"retry","filter":{"source":"his"}})")), "filter.source");
  EXPECT_EQ(wrong_member(plan(R"({"verb":"deliver","ids":["01K00000000000000000000000"]})")),
            "ids");
}

TEST_F(DeliveryReplay, AReasonIsNeededAndASourceThatIsGoneIsSaid) {
  const std::int64_t id = unread("d1", kBooked);
  EXPECT_EQ(wrong_member(api_.api("POST", "deliveries/" + std::to_string(id) + "/replay", "{}")),
            "reason");
  api_.open({});
  EXPECT_EQ(code(replay(id)), "delivery.source");
}

}  // namespace
}  // namespace rabt::api::delivery_replay_test
