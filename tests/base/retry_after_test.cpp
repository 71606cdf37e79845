#include "hub/base/retry_after.hpp"

#include <gtest/gtest.h>

#include <string>

// Symptom: a pause that a server asked for as `Thursday, 01-Jan-26 07:02:00 GMT` was not kept, and
// one of 20 digits neither. Cause: two readers knew one form of dates, and numbers of 64 bits. All
// forms of RFC 9110 stand here, and both readers use this function.
namespace rabt::retry_after_test {
namespace {

constexpr Timestamp kNow{1'767'250'800'000};  // 2026-01-01T07:00:00Z

TEST(RetryAfter, AllThreeFormsOfADateAreRead) {
  for (const char* text : {"Thu, 01 Jan 2026 07:02:00 GMT", "Thursday, 01-Jan-26 07:02:00 GMT",
                           "Thu Jan  1 07:02:00 2026", "thu, 01 jan 2026 07:02:00 gmt"})
    EXPECT_EQ(retry_after_ms(text, kNow), 120'000) << text;
  EXPECT_EQ(retry_after_ms("Thu Jan 15 07:00:00 2026", kNow), 14LL * 86'400'000);
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", kNow), 0) << "it has passed";
  EXPECT_EQ(read_http_date("Sunday, 06-Nov-94 08:49:37 GMT", kNow)->ms, 784'111'777'000);
  EXPECT_EQ(read_http_date("Sun Nov  6 08:49:37 1994", kNow)->ms, 784'111'777'000);
  // At most 50 years ahead.
  EXPECT_EQ(read_http_date("Wednesday, 01-Jan-76 00:00:00 GMT", kNow)->ms, 3'345'062'400'000);
  EXPECT_EQ(read_http_date("Saturday, 01-Jan-77 00:00:00 GMT", kNow)->ms, 220'924'800'000);
}

TEST(RetryAfter, AnyNumberOfDigitsIsATime) {
  EXPECT_EQ(retry_after_ms("0", kNow), 0);
  EXPECT_EQ(retry_after_ms("0120", kNow), 120'000);
  EXPECT_EQ(retry_after_ms("99999999999999999999", kNow), kLongestRetryAfterMs);
  EXPECT_EQ(retry_after_ms(std::string(4'000, '9'), kNow), kLongestRetryAfterMs);
  EXPECT_EQ(retry_after_ms("Fri, 31 Dec 9999 23:59:59 GMT", kNow), kLongestRetryAfterMs);
}

TEST(RetryAfter, AnotherValueIsNone) {
  for (const char* text : {"", "-1", "+5", "1.5", "5 s", "120, 60", "Thu, 01 Jan 2026 07:02:00",
                           "Thu, 32 Jan 2026 07:02:00 GMT", "Thu, 01 Foo 2026 07:02:00 GMT",
                           "Thu, 01 anf 2026 07:02:00 GMT", "01 Jan 2026 07:02:00 GMT",
                           "Thu, 01 Jan 2026 24:02:00 GMT", "Thu Jan 1 07:02:00 2026",
                           "2026-01-01T07:02:00Z", "Thu, 01 Jan 2026 07:02:00 GMT, 5"})
    EXPECT_EQ(retry_after_ms(text, kNow), std::nullopt) << text;
}

}  // namespace
}  // namespace rabt::retry_after_test
