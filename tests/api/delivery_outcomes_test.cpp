#include "hub/api/delivery_outcomes.hpp"

#include <gtest/gtest.h>

#include "tests/api/rig.hpp"

namespace rabt::api::delivery_outcomes_test {
namespace {

class DeliveryOutcomesTest : public ::testing::Test {
 protected:
  void note(std::string_view source, Outcome outcome, std::string_view body) {
    outcomes_.note({.source = source,
                    .outcome = outcome,
                    .code = "http.signature",
                    .reason = "no v1 signature fits any of the configured secrets",
                    .client = "192.0.2.7",
                    .request = "01ID",
                    .body = body});
  }
  Json listed(const std::string& query = {}) {
    // The store commits in order: earlier jobs are committed after this write.
    must(rig_.hub.store().write([](store::Transaction&) { return ok_status(); }));
    const http::Request made = request("GET", "/api/v1/deliveries" + query);
    return json(must(outcomes_.list({.request = made})));
  }
  ApiRig rig_;
  DeliveryOutcomes outcomes_{
      {rig_.hub.store(), rig_.hub.keys(), rig_.hub.clock(), rig_.random, "t1"}};
};

TEST_F(DeliveryOutcomesTest, ARefusedOneKeepsWhoWhyAndHowLongAndNoBody) {
  note("his", Outcome::signature, "Layla Haddad");
  const Json list = listed();
  ASSERT_EQ(list["items"].size(), 1U);
  const Json& item = list["items"][std::size_t{0}];
  EXPECT_EQ(item.string_or("source", ""), "his");
  EXPECT_EQ(item.string_or("at", ""), to_iso8601(rig_.hub.clock().now()));
  EXPECT_EQ(item.string_or("outcome", ""), "signature");
  EXPECT_EQ(item.string_or("reason", ""), "no v1 signature fits any of the configured secrets");
  EXPECT_EQ(item.string_or("client", ""), "192.0.2.7");
  EXPECT_EQ(item.string_or("request", ""), "01ID");
  EXPECT_EQ(item.int_or("length", 0), 12);
  EXPECT_FALSE(item.bool_or("bodyKept", true));
  EXPECT_EQ(outcomes_.body(item.int_or("id", 0)).error().code, "delivery.body");
}

TEST_F(DeliveryOutcomesTest, AnUnreadableOneKeepsItsBodySealedForSevenDays) {
  note("his", Outcome::unreadable, "Layla Haddad");
  const Json list = listed();
  const std::int64_t id = list["items"][std::size_t{0}].int_or("id", 0);
  EXPECT_EQ(must(outcomes_.body(id)), "Layla Haddad");
  EXPECT_EQ(list.dump().find("Layla"), std::string::npos);
  outcomes_.remove_old();
  EXPECT_TRUE(listed()["items"][std::size_t{0}].bool_or("bodyKept", false));
  rig_.hub.clock().advance_ms(DeliveryOutcomes::kBodyKeptMs + 1);
  outcomes_.remove_old();
  EXPECT_FALSE(listed()["items"][std::size_t{0}].bool_or("bodyKept", true));
  EXPECT_FALSE(outcomes_.body(id).ok());
  // One byte past the limit is not kept.
  note("his", Outcome::unreadable, std::string(DeliveryOutcomes::kMaxKeptBody, 'x'));
  EXPECT_TRUE(listed()["items"][std::size_t{0}].bool_or("bodyKept", false));
  note("his", Outcome::unreadable, std::string(DeliveryOutcomes::kMaxKeptBody + 1, 'x'));
  EXPECT_FALSE(listed()["items"][std::size_t{0}].bool_or("bodyKept", true));
}

TEST_F(DeliveryOutcomesTest, TheBodyIsReadForAReasonThatTheAuditLogKeeps) {
  note("his", Outcome::unreadable, "Layla Haddad");
  const std::string id = std::to_string(listed()["items"][std::size_t{0}].int_or("id", 0));
  const std::string path = "deliveries/" + id + "/body";
  EXPECT_EQ(rig_.api("GET", path).status, 400) << "no reason";
  const http::Response read =
      rig_.api("GET", path, {}, {{"x-rabt-reason", "the sender asks what is wrong"}});
  EXPECT_EQ(read.status, 200);
  EXPECT_EQ(read.body, "Layla Haddad");
  audit::Query query;
  query.act = "delivery.read";
  const auto entries = must(audit::read_page(rig_.hub.audit(), query, 10)).entries;
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries.at(0).entry.object, "delivery:" + id);
  for (const std::string unknown : {"deliveries/999/body", "deliveries/x/body"})
    EXPECT_EQ(rig_.api("GET", unknown, {}, {{"x-rabt-reason", "a look"}}).status, 404) << unknown;
}

TEST_F(DeliveryOutcomesTest, AFloodOfOneSourceIsCountedAndLeavesOthersAlone) {
  EXPECT_EQ(DeliveryOutcomes::kKeptOutcomes, 1000) << "docs/troubleshooting.md names the number";
  note("quiet", Outcome::unused, "{}");
  const std::string first = std::to_string(listed()["items"][std::size_t{0}].int_or("id", 0));
  for (std::int64_t i = 0; i < DeliveryOutcomes::kKeptOutcomes + 3; ++i)
    note("his", Outcome::signature, "{}");
  EXPECT_EQ(listed("?source=his&limit=1000")["items"].size(),
            static_cast<std::size_t>(DeliveryOutcomes::kKeptOutcomes));
  EXPECT_EQ(listed("?source=quiet")["items"].size(), 1U);
  const Json of_id = listed("?id=" + first)["items"];
  ASSERT_EQ(of_id.size(), 1U) << "whatever came after it";
  EXPECT_EQ(of_id[std::size_t{0}].string_or("source", ""), "quiet");
  EXPECT_EQ(listed("?id=999999")["items"].size(), 0U);
  EXPECT_EQ(listed("?source=his&limit=1")["totals"][std::size_t{0}].int_or("total", 0),
            DeliveryOutcomes::kKeptOutcomes + 3);
  for (std::int64_t i = 0; i < DeliveryOutcomes::kKeptBodies + 1; ++i)
    note("his", Outcome::unreadable, "{}");
  std::int64_t kept = 0;
  const Json bodies = listed("?source=his&limit=1000");
  for (const Json& item : bodies["items"].as_array())
    kept += item.bool_or("bodyKept", false) ? 1 : 0;
  EXPECT_EQ(kept, DeliveryOutcomes::kKeptBodies);
}

}  // namespace
}  // namespace rabt::api::delivery_outcomes_test
