// The helpers of the SDK that plugins share: texts, times, JSON, refusals, statuses.
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "rabt/testing/fake_host.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace rabt::sdk::helpers_test {
namespace {

TEST(Text, LowerChangesAsciiLettersOnly) {
  EXPECT_EQ(lower("Room-ENDED Ä"), "room-ended Ä");
  EXPECT_EQ(lower(""), "");
}

TEST(Text, TrimTakesWhiteSpaceFromTheEnds) {
  EXPECT_EQ(trim(" \t a b\r\n"), "a b");
  EXPECT_EQ(trim(" \n "), "");
  EXPECT_EQ(trim(""), "");
}

// The vectors of the draft of FNV, section 3.
TEST(Text, AFingerprintIsFnv1a) {
  EXPECT_EQ(sdk::fingerprint(""), "cbf29ce484222325");
  EXPECT_EQ(sdk::fingerprint("a"), "af63dc4c8601ec8c");
  EXPECT_EQ(sdk::fingerprint("foobar"), "85944171f73967e8");
}

TEST(Text, PercentEncodingKeepsUnreservedCharacters) {
  EXPECT_EQ(percent_encode("aZ0-_.~"), "aZ0-_.~");
  EXPECT_EQ(percent_encode("a b/ö:"), "a%20b%2F%C3%B6%3A");
  EXPECT_EQ(percent_encode("a:b/c", ":"), "a:b%2Fc");
  EXPECT_EQ(percent_decode("a%20b%2f%zz%4"), "a b/%zz%4");
}

TEST(Text, AFormComesBackAsItWas) {
  const Form form{{"a", "1 & 2"}, {"b", ""}, {"a", "+ü"}};
  EXPECT_EQ(decode_form(encode_form(form)), form);
  EXPECT_EQ(decode_form("x=1+2&&y&=z"), (Form{{"x", "1 2"}, {"y", ""}, {"", "z"}}));
  EXPECT_EQ(field_of(form, "a"), "1 & 2");
  EXPECT_EQ(field_of(form, "c"), "");
  EXPECT_TRUE(decode_form("").empty());
}

TEST(Time, ReadsRfc3339) {
  EXPECT_EQ(read_instant("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(read_instant("2026-03-10T09:00:00.5+03:00"), 1'773'122'400);
  EXPECT_EQ(read_instant("2026-03-10t06:00:00z"), 1'773'122'400);
  EXPECT_EQ(read_instant("2016-12-31T23:59:60Z"), read_instant("2017-01-01T00:00:00Z"));
  for (const char* wrong :
       {"", "2026-03-10", "2026-02-29T00:00:00Z", "2026-03-10T24:00:00Z", "2026-03-10T09:00:00",
        "2026-03-10T09:00:00.Z", "2026-03-10T09:00:00+0300", "2026-03-10T09:00:00+03:00x",
        "2026-03-10T09:00:00.123", "0000-01-01T00:00:00Z", "2026-03-10 09:00:00Z"})
    EXPECT_EQ(read_instant(wrong), std::nullopt) << wrong;
  EXPECT_EQ(read_date("1970-01-02"), 86'400);
  for (const char* wrong :
       {"", "1970-1-02", "1970-13-01", "1970-01-32", "1970/01/02", "19700102x0"})
    EXPECT_EQ(read_date(wrong), std::nullopt) << wrong;
}

TEST(Time, WritesRfc3339) {
  EXPECT_EQ(write_instant(1'773'122'400), "2026-03-10T06:00:00Z");
  EXPECT_EQ(write_instant(1'773'122'400, 180), "2026-03-10T09:00:00+03:00");
  EXPECT_EQ(write_instant(1'773'122'400, -570), "2026-03-09T20:30:00-09:30");
  EXPECT_EQ(write_instant(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(write_date(1'773'176'400), "2026-03-10");
  EXPECT_EQ(write_date(1'773'176'400, 180), "2026-03-11");
}

TEST(Json, FromOutsideIsNothingWhenItIsWrongOrDeep) {
  EXPECT_EQ(parse_json("[1]")->at(0), 1);
  EXPECT_FALSE(parse_json("[1").has_value());
  EXPECT_TRUE(parse_json("[[[]]]", 3).has_value());
  EXPECT_FALSE(parse_json("[[[[]]]]", 3).has_value());
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')).has_value());
}

TEST(Json, MembersThatAreMissingOrOfAnotherKindCountAsAbsent) {
  const auto json = *parse_json(R"({"text": "a", "list": [1], "number": 2})");
  EXPECT_EQ(text_of(json, "text"), "a");
  EXPECT_EQ(text_of(json, "number"), "");
  EXPECT_EQ(text_of(json["list"], "text"), "");
  EXPECT_EQ(list_of(json, "list").size(), 1U);
  EXPECT_TRUE(list_of(json, "text").empty());
  EXPECT_TRUE(member_of(json, "nothing").is_null());
}

TEST(Status, MayPassWhenTheSameRequestMaySucceedLater) {
  for (const int status : {408, 429, 500, 503, 599}) EXPECT_TRUE(may_pass(status)) << status;
  for (const int status : {200, 301, 400, 404, 409, 600}) EXPECT_FALSE(may_pass(status)) << status;
  HttpResult answer;
  answer.sent = Sent::yes;
  answer.status = 429;
  answer.headers_json = R"([["retry-after","7"]])";
  EXPECT_EQ(bad_status(answer, "x.429", "busy").kind, Kind::transient);
  EXPECT_EQ(bad_status(answer, "x.429", "busy").retry_after_ms, 7000);
  answer.status = 404;
  EXPECT_EQ(bad_status(answer, "x.404", "gone").kind, Kind::permanent);
  EXPECT_EQ(bad_status(answer, "x.404", "gone").retry_after_ms, 0);
}

TEST(HttpDate, IsReadInItsThreeForms) {
  constexpr std::int64_t kNow = 1'773'120'600;  // 2026-03-10
  constexpr std::int64_t kThen = 784'111'777;
  EXPECT_EQ(read_http_date("Sun, 06 Nov 1994 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(read_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow), kThen);
  EXPECT_EQ(read_http_date("Sun Nov  6 08:49:37 1994", kNow), kThen);
  EXPECT_EQ(read_http_date("Wednesday, 06-Nov-76 08:49:37 GMT", kNow),
            read_http_date("Fri, 06 Nov 2076 08:49:37 GMT", kNow));
  EXPECT_EQ(read_http_date("Saturday, 06-Nov-77 08:49:37 GMT", kNow),
            read_http_date("Sun, 06 Nov 1977 08:49:37 GMT", kNow));
  for (const char* wrong : {"", "7", "soon", "Sun, 06 Nov 1994 08:49:37",
                            "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                            "Xxx, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 25:49:37 GMT",
                            "Sun, 06 Nov 1994 08:49:37 EST", "Sun, 06 Nov 199x 08:49:37 GMT"})
    EXPECT_EQ(read_http_date(wrong, kNow), std::nullopt) << wrong;
}

TEST(Status, RetryAfterIsANumberOrADate) {
  const auto wait = [](const std::string& headers, int status = 429) {
    HttpResult answer;
    answer.sent = Sent::yes;
    answer.status = status;
    answer.headers_json = headers;
    return retry_after_ms(answer);
  };
  const auto dated = [&](const std::string& wish) {
    return wait(R"([["date","Thu, 01 Jan 2026 07:00:00 GMT"],["retry-after",")" + wish + R"("]])");
  };
  EXPECT_EQ(dated("Thu, 01 Jan 2026 07:02:00 GMT"), 120'000);
  EXPECT_EQ(dated("Thursday, 01-Jan-26 07:02:00 GMT"), 120'000);
  EXPECT_EQ(dated("Thu Jan  1 07:02:00 2026"), 120'000);
  EXPECT_EQ(dated("Thu, 01 Jan 2026 06:00:00 GMT"), 0);
  EXPECT_EQ(dated("Thu, 01 Jan 2099 07:02:00 GMT"), kMaxRetryAfterMs);
  EXPECT_EQ(dated("99999999999999999999"), kMaxRetryAfterMs);
  EXPECT_EQ(dated("3601"), kMaxRetryAfterMs);
  EXPECT_EQ(dated("3600"), kMaxRetryAfterMs);
  EXPECT_EQ(dated(" 120 "), 120'000);
  EXPECT_EQ(dated("-1"), kDefaultRetryAfterMs);
  EXPECT_EQ(dated("soon"), kDefaultRetryAfterMs);
  // Without the answer's own time that of the host counts.
  const std::string undated = R"([["retry-after","Thu, 01 Jan 2026 07:02:00 GMT"]])";
  HttpResult answer;
  answer.sent = Sent::yes;
  answer.status = 503;
  answer.headers_json = undated;
  answer.received_unix_ms = 1'767'250'860'999;  // 07:01
  EXPECT_EQ(retry_after_ms(answer), 60'000);
  EXPECT_EQ(wait(undated), kDefaultRetryAfterMs);
  EXPECT_EQ(wait("[]"), kDefaultRetryAfterMs);
  EXPECT_EQ(wait("[]", 503), 0);
}

// Refuses its configuration, its calls and its deliveries.
class Picky final : public TaskPlugin {
 public:
  Picky(Host host, std::string_view config) : TaskPlugin(host) {
    if (config == "{}") throw Refusal("picky.config", "say what you want");
  }
  Events normalise(const Delivery& /*delivery*/) {
    throw Refusal("picky.delivery", "event is missing");
  }

 protected:
  Task<Outcome> run(Call call) override {
    if (call.action == "later") co_await sleep_ms(10);
    throw Refusal("picky.input", "amount must be a number");
  }
};

const rabt_entry kPicky{RABT_ABI_MAGIC,
                        RABT_ABI_MAJOR,
                        RABT_ABI_MINOR,
                        sizeof(rabt_entry),
                        0,
                        "picky",
                        "1.0.0",
                        "",
                        &detail::Instance<Picky>::create,
                        &detail::Instance<Picky>::entry_extension};

TEST(ARefusal, OfACallIsPermanentWithItsCodeAndText) {
  testing::FakeHost host(R"({"a":1})", kPicky);
  ASSERT_TRUE(host.started()) << host.problem;
  for (const char* action : {"now", "later"}) {
    const Outcome outcome = host.call(action, "{}");
    EXPECT_EQ(outcome.kind, Kind::permanent);
    EXPECT_EQ(outcome.code, "picky.input");
    EXPECT_EQ(outcome.message, "amount must be a number");
  }
  EXPECT_EQ(host.deliver("{}").second, "event is missing");
  EXPECT_EQ(host.violations(), "");
}

TEST(ARefusal, OfAConfigurationIsShown) {
  testing::FakeHost host("{}", kPicky);
  EXPECT_FALSE(host.started());
  EXPECT_EQ(host.problem, "say what you want");
}

}  // namespace
}  // namespace rabt::sdk::helpers_test
