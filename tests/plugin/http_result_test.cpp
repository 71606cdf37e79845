#include "rabt/http_result.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::sdk::http_result_test {
namespace {

HttpResult with_headers(std::string json) {
  HttpResult answer;
  answer.sent = Sent::yes;
  answer.status = 200;
  answer.headers_json = std::move(json);
  return answer;
}

TEST(HttpResult, SucceededMeansAWholeAnswerWithA2xxStatus) {
  HttpResult answer = with_headers("[]");
  for (const auto& [status, good] :
       std::vector<std::pair<int, bool>>{{199, false}, {200, true}, {299, true}, {300, false}}) {
    answer.status = status;
    EXPECT_EQ(succeeded(answer), good) << status;
  }
  answer.status = 200;
  answer.error_code = "blob";
  EXPECT_FALSE(succeeded(answer));
  answer.error_code.clear();
  answer.sent = Sent::maybe;
  EXPECT_FALSE(succeeded(answer));
}

TEST(HttpResult, AHeaderIsFoundByItsNameAndTheFirstOneCounts) {
  const HttpResult answer = with_headers(
      R"( [ ["etag","W/\"3\""] , ["link","a\\b\/c"], ["link","second"],["empty",""]])");
  EXPECT_EQ(header_of(answer, "etag"), "W/\"3\"");
  EXPECT_EQ(header_of(answer, "link"), "a\\b/c");
  EXPECT_EQ(header_of(answer, "empty"), "");
  EXPECT_EQ(header_of(answer, "location"), "");
  EXPECT_EQ(header_of(with_headers(""), "etag"), "");
  EXPECT_EQ(header_of(with_headers("[]"), "etag"), "");
}

TEST(HttpResult, AHeaderComesBackAsTheHubWritesIt) {
  std::string value = "\"\\/\x7f é\t";
  for (char c = 1; c < 0x20; ++c) value.push_back(c);
  std::string json = R"([["a","x"],["b",)";
  append_json_string(json, value);
  json += "]]";
  EXPECT_EQ(header_of(with_headers(json), "b"), value);
  EXPECT_EQ(header_of(with_headers(R"([["b","\u00e9\u0041"]])"), "b"), "?A");
}

TEST(HttpResult, HeadersThatEndEarlyOrAreNoPairsAreNotRead) {
  const std::string whole = R"([["a","\u0041\n"],["b","x"]])";
  for (std::size_t size = 0; size + 2 < whole.size(); ++size)
    EXPECT_EQ(header_of(with_headers(whole.substr(0, size)), "b"), "") << size;
  for (const char* wrong :
       {R"({"b":"x"})", R"(["b","x"])", R"([["b"]])", R"([["b",1]])", R"([["b","x","y"]])",
        R"([["b","\u00g1"]])", R"([["a","x"] ["b","x"]])", R"([[null,"y"],["b","x"]])"}) {
    EXPECT_EQ(header_of(with_headers(wrong), "b"), "") << wrong;
  }
}

TEST(HttpResult, RetryAfterIsReadInSecondsAndHasALimit) {
  struct Row {
    int status;
    const char* wish;
    std::int64_t ms;
  };
  for (const Row& row : std::vector<Row>{{503, "7", 7000},
                                         {503, "0", 0},
                                         {503, "3600", kMaxRetryAfterMs},
                                         {503, "3601", kMaxRetryAfterMs},
                                         {503, "99999999999999999999999", kMaxRetryAfterMs},
                                         {503, "soon", 0},
                                         {503, "-1", 0},
                                         {503, "Sun, 06 Nov 1994 08:49:37 GMT", 0},
                                         {429, "soon", kDefaultRetryAfterMs},
                                         {429, "0", 0},
                                         {429, "12", 12'000}}) {
    HttpResult answer = with_headers(std::string(R"([["retry-after",")") + row.wish + R"("]])");
    answer.status = row.status;
    EXPECT_EQ(retry_after_ms(answer), row.ms) << row.status << " " << row.wish;
  }
  HttpResult none = with_headers("[]");
  EXPECT_EQ(retry_after_ms(none), 0);
  none.status = 429;
  EXPECT_EQ(retry_after_ms(none), kDefaultRetryAfterMs);
}

TEST(HttpResult, AMissingAnswerHasItsKind) {
  struct Row {
    Sent sent;
    const char* error;
    Kind safe;
    Kind unsafe;
  };
  for (const Row& row :
       std::vector<Row>{{Sent::no, "connect", Kind::transient, Kind::transient},
                        {Sent::no, "circuit_open", Kind::transient, Kind::transient},
                        {Sent::no, "not_allowed", Kind::permanent, Kind::permanent},
                        {Sent::no, "no_secret", Kind::permanent, Kind::permanent},
                        {Sent::no, "cancelled", Kind::cancelled, Kind::cancelled},
                        {Sent::maybe, "cancelled", Kind::cancelled, Kind::ambiguous},
                        {Sent::maybe, "timeout", Kind::transient, Kind::ambiguous},
                        {Sent::maybe, "reset", Kind::transient, Kind::ambiguous},
                        {Sent::maybe, "too_large", Kind::permanent, Kind::ambiguous},
                        {Sent::yes, "blob", Kind::transient, Kind::ambiguous}}) {
    HttpResult answer;
    answer.sent = row.sent;
    answer.error_code = row.error;
    answer.error_message = "ehr.example.sa:443: told so";
    const Outcome safe = no_answer(answer, "mine", Repeat::safe);
    EXPECT_EQ(safe.kind, row.safe) << row.error;
    EXPECT_EQ(safe.code, std::string("mine.no_answer.") + row.error);
    EXPECT_EQ(safe.message, answer.error_message);
    EXPECT_EQ(no_answer(answer, "mine", Repeat::unsafe).kind, row.unsafe) << row.error;
  }
  EXPECT_EQ(no_answer(HttpResult{}, "mine", Repeat::safe).code, "mine.no_answer.unknown");
}

}  // namespace
}  // namespace rabt::sdk::http_result_test
