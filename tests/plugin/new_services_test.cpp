// Metrics, traces, blobs and the lane that a plugin is on, both ways.
#include <fstream>

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "rabt/services.h"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::new_services_test {
namespace {

using workflow::OutcomeKind;

class MetricsService : public BothWays {};
class TraceService : public BothWays {};
class ThreadCheck : public BothWays {};
class BlobService : public BothWays {};
class Wrapper : public BothWays {};
RABT_BOTH_WAYS(MetricsService);
RABT_BOTH_WAYS(TraceService);
RABT_BOTH_WAYS(ThreadCheck);
RABT_BOTH_WAYS(BlobService);
RABT_BOTH_WAYS(Wrapper);

Json output_of(Hub& hub, const char* action, Json arguments = Json::object()) {
  const auto outcome = hub.call("echo", action, std::move(arguments));
  EXPECT_EQ(outcome.kind, OutcomeKind::done) << outcome.code << ": " << outcome.message;
  return outcome.output;
}

void record(Hub& hub, const char* metric, double value, Json labels = {}) {
  Json arguments = Json::object({{"metric", metric}, {"value", value}});
  if (!labels.is_null()) arguments.set("labels", std::move(labels));
  output_of(hub, "record", std::move(arguments));
}

TEST_P(MetricsService, WhatTheManifestDeclaresStandsOnThePage) {
  Hub hub;
  hub.load_echo();
  const Json ksa = Json::object({{"region", "ksa"}, {"kind", "video"}});
  record(hub, "rooms", 1, ksa);
  record(hub, "rooms", 2.5, ksa);
  record(hub, "rooms", 1, Json::object({{"kind", "audio"}, {"region", "uae"}}));
  record(hub, "seconds", 0.5);
  record(hub, "seconds", 1);
  record(hub, "seconds", 100);
  record(hub, "waiting", 7);
  record(hub, "waiting", -3);
  EXPECT_TRUE(
      eventually([&] { return hub.host->metrics().find("waiting -3\n") != std::string::npos; }));
  EXPECT_EQ(hub.host->metrics(),
            "# HELP plugin_echo__rooms_total Rooms made\n"
            "# TYPE plugin_echo__rooms_total counter\n"
            "plugin_echo__rooms_total{region=\"ksa\",kind=\"video\"} 3.5\n"
            "plugin_echo__rooms_total{region=\"ksa\",kind=\"audio\"} 0\n"
            "plugin_echo__rooms_total{region=\"uae\",kind=\"video\"} 0\n"
            "plugin_echo__rooms_total{region=\"uae\",kind=\"audio\"} 1\n"
            "# HELP plugin_echo__seconds Time of an upload\n"
            "# TYPE plugin_echo__seconds histogram\n"
            "plugin_echo__seconds_bucket{le=\"0.5\"} 1\n"
            "plugin_echo__seconds_bucket{le=\"2\"} 2\n"
            "plugin_echo__seconds_bucket{le=\"+Inf\"} 3\n"
            "plugin_echo__seconds_sum 101.5\n"
            "plugin_echo__seconds_count 3\n"
            "# HELP plugin_echo__waiting Messages that wait\n"
            "# TYPE plugin_echo__waiting gauge\n"
            "plugin_echo__waiting -3\n");
}

TEST_P(MetricsService, WhatItDoesNotDeclareIsDroppedAndCounted) {
  Hub hub;
  hub.load_echo();
  const std::string before = hub.host->metrics();
  record(hub, "patients", 1);
  record(hub, "rooms", 1);
  record(hub, "rooms", 1, Json::object({{"region", "Jane"}, {"kind", "video"}}));
  record(hub, "rooms", 1, Json::object({{"region", "ksa"}, {"kind", "video"}, {"who", "Jane"}}));
  record(hub, "rooms", -1, Json::object({{"region", "ksa"}, {"kind", "video"}}));
  EXPECT_TRUE(eventually([&] { return hub.violations("echo", "metrics") == 5; }))
      << hub.violations("echo", "metrics");
  EXPECT_EQ(hub.host->metrics(), before);
}

TEST(MetricsManifest, MistakesAreNamed) {
  const TempFolder folder;
  const auto said = [&](const std::string& metrics) {
    std::ofstream(folder.path() + "/manifest.yaml")
        << "id: m\nversion: 1.0.0\nabi: {major: 1}\nvendor: {name: v}\nmetrics:\n"
        << metrics;
    const auto read = read_package(folder.path());
    return read.ok() ? std::string() : read.error().message;
  };
  EXPECT_EQ(said("  - {name: a, kind: counter, help: h}\n"), "");
  EXPECT_NE(said("  - {name: A, kind: counter, help: h}\n").find("lower-case"), std::string::npos);
  EXPECT_NE(said("  - {name: a__b, kind: counter, help: h}\n").find("single '_'"),
            std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: summary, help: h}\n").find("histogram"), std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: histogram, help: h}\n").find("buckets"), std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: histogram, help: h, buckets: [2, 1]}\n").find("rise"),
            std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: gauge, help: h, labels: {x: []}}\n").find("no values"),
            std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: gauge, help: h, labels: {x: ['a\"b']}}\n").find("value"),
            std::string::npos);
  EXPECT_NE(said("  - {name: a, kind: gauge, help: h}\n  - {name: a, kind: gauge, help: h}\n")
                .find("twice"),
            std::string::npos);
  std::string many = "  - {name: a, kind: gauge, help: h, labels: {x: [a";
  for (int i = 0; i < 128; ++i) many += ", v" + std::to_string(i);
  EXPECT_NE(said(many + "]}}\n"), "");
}

TEST_P(TraceService, SpansOfARunBelongToItsTraceAndEndWithTheCall) {
  Hub hub;
  hub.load_echo();
  CallRequest call = request("echo", "spans");
  call.instance = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
  Waiter waiter;
  hub.host->invoke(std::move(call), waiter.sink());
  ASSERT_TRUE(waiter.wait());
  const Json out = waiter.outcome().output;
  const std::string trace = to_hex(Ulid::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV")->bytes);
  const std::string& whole = out["call"].as_string();
  const std::string& outer = out["outer"].as_string();
  EXPECT_EQ(whole.substr(0, 36), "00-" + trace + "-");
  EXPECT_EQ(whole.size(), 55U);
  EXPECT_EQ(outer.substr(0, 36), whole.substr(0, 36));
  EXPECT_NE(outer, whole);
  EXPECT_TRUE(out["inner"].as_bool());
  EXPECT_FALSE(out["foreign"].as_bool()) << "that call is not open";
  const std::string outer_span = outer.substr(36, 16);
  EXPECT_TRUE(hub.log.comes("parent=" + outer_span + " name=plugin.inner-span status=failed"));
  EXPECT_TRUE(hub.log.comes("span=" + outer_span + " parent=" + whole.substr(36, 16) +
                            " name=plugin.outer-span status=ok"));
  EXPECT_TRUE(hub.log.comes("count=3"));
  EXPECT_TRUE(hub.log.comes("name=plugin.left-open status=failed"));
  EXPECT_FALSE(hub.log.has("Jane"));
}

TEST_P(ThreadCheck, SaysTheLane) {
  Hub hub;
  hub.load_echo();
  // create; run; after a wait; on a thread of its own
  EXPECT_EQ(output_of(hub, "lane").dump(), "[1,2,2,0]");
}

TEST_P(Wrapper, ACallNamesTheVersionOfItsAction) {
  Hub hub;
  hub.load_echo();
  for (const auto& [asked, served] : {std::pair{"1.0.0", "1.1.0"}, std::pair{"2.0.0", "2.0.0"}}) {
    CallRequest call = request("echo", "version");
    call.version = asked;
    Waiter waiter;
    hub.host->invoke(std::move(call), waiter.sink());
    ASSERT_TRUE(waiter.wait());
    EXPECT_EQ(waiter.outcome().output.as_string(), served);
  }
}

TEST_P(Wrapper, SeveralTasksWaitAtTheSameTime) {
  Hub hub;
  hub.load_echo();
  EXPECT_EQ(output_of(hub, "both").dump(), "[0,1,2,3,4]")
      << "in order of the tasks, not of their ends";
}

TEST_P(BlobService, IsWrittenInPiecesAndReadByRange) {
  Hub hub;
  hub.load_echo();
  const Json out = output_of(
      hub, "write-blob", Json::object({{"pieces", Json::parse(R"(["abc","","defg"])").value()}}));
  EXPECT_EQ(out[std::size_t{0}].as_int64(), RABT_BLOB_OK);
  EXPECT_EQ(out[1].as_int64(), 3);
  EXPECT_EQ(out[2].as_int64(), 3);
  EXPECT_EQ(out[3].as_int64(), 7);
  EXPECT_EQ(out[4].as_int64(), RABT_BLOB_OK);
  EXPECT_EQ(out[5].as_string(), to_hex(crypto::sha256("abcdefg")));
  EXPECT_EQ(out[6].as_int64(), RABT_BLOB_ABSENT) << "it is finished";
  const std::string& handle = out[7].as_string();
  const auto read = [&](Json arguments) {
    return output_of(hub, "read-blob", std::move(arguments)).dump();
  };
  EXPECT_EQ(read(Json::object({{"blob", handle}, {"from", 2}, {"length", 3}})),
            R"({"bytes":7,"info":0,"piece":"cde","read":0,"type":"text/plain"})");
  EXPECT_EQ(read(Json::object({{"blob", handle}, {"from", 5}})),
            R"({"bytes":7,"info":0,"piece":"fg","read":0,"type":"text/plain"})");
  EXPECT_EQ(read(Json::object({{"blob", handle}, {"from", 7}})),
            R"({"bytes":7,"info":0,"piece":"","read":4,"type":"text/plain"})");
  EXPECT_EQ(read(Json::object({{"blob", handle}, {"length", 1048577}})),
            R"({"bytes":7,"info":0,"piece":"","read":4,"type":"text/plain"})");
}

TEST_P(BlobService, WhatAnotherMadeIsSeenOnlyWhereTheInputNamesIt) {
  Hub hub;
  hub.load_echo();
  const auto make = [&](const char* tenant) {
    auto writer = hub.blobs->create(tenant, "text/plain");
    EXPECT_TRUE(writer.ok());
    EXPECT_TRUE((*writer)->write("recording").ok());
    return (*writer)->finish()->id;
  };
  const std::string own = make("t1");
  EXPECT_EQ(output_of(hub, "read-blob", Json::object({{"blob", own}}))["piece"].as_string(),
            "recording");
  // Named in no text of the input: put together by the plugin.
  const Json spell = Json(Json::Array{Json(own.substr(0, 10)), Json(own.substr(10))});
  EXPECT_EQ(output_of(hub, "read-blob", Json::object({{"spell", spell}}))["read"].as_int64(),
            RABT_BLOB_ABSENT);
  const std::string other = make("t2");
  EXPECT_EQ(output_of(hub, "read-blob", Json::object({{"blob", other}}))["read"].as_int64(),
            RABT_BLOB_ABSENT);
  EXPECT_EQ(
      output_of(hub, "read-blob", Json::object({{"blob", "../../etc/passwd"}}))["read"].as_int64(),
      RABT_BLOB_ABSENT);
}

TEST_P(BlobService, WhatIsDiscardedIsGone) {
  Hub hub;
  hub.load_echo();
  const Json out =
      output_of(hub, "write-blob",
                Json::object({{"pieces", Json::parse(R"(["abc"])").value()}, {"discard", true}}));
  EXPECT_EQ(out[2].as_int64(), RABT_BLOB_ABSENT);
  EXPECT_FALSE(hub.blobs->find("t1", out[5].as_string()).ok());
}

TEST_P(BlobService, ABlobIsTheBodyOfARequest) {
  std::string content;
  for (int i = 0; i < 30'000; ++i) content += "line " + std::to_string(i) + "\n";
  const TinyServer server(TinyServer::Mode::answer, "stored");
  Hub hub;
  hub.load_echo(server.url());
  auto writer = hub.blobs->create("t1", "text/plain");
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->write(content).ok());
  const std::string handle = (*writer)->finish()->id;
  const Json out =
      output_of(hub, "send-blob", Json::object({{"url", server.url()}, {"blob", handle}}));
  EXPECT_EQ(out["code"].as_string(), "");
  EXPECT_EQ(out["body"].as_string(), "stored");
  const std::string sent = server.last_request();
  EXPECT_EQ(sent.substr(0, 4), "PUT ");
  EXPECT_NE(sent.find("Content-Length: " + std::to_string(content.size())), std::string::npos);
  EXPECT_EQ(sent.substr(sent.find("\r\n\r\n") + 4), content);

  const Json absent =
      output_of(hub, "send-blob",
                Json::object({{"url", server.url()}, {"blob", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}}));
  EXPECT_EQ(absent["code"].as_string(), "blob");
  EXPECT_EQ(absent["sent"].as_int64(), 0);
}

}  // namespace
}  // namespace rabt::plugin::test::new_services_test
