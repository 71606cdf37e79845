#include "tools/demo/booking.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>

#include "hub/base/json.hpp"
#include "hub/base/random.hpp"

namespace rabt::demo::booking_test {
namespace {

bool luhn(const std::string& digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

Json resource(const std::string& body, const std::string& type) {
  const auto bundle = Json::parse(body);
  if (!bundle.ok()) return {};
  for (const Json& entry : (*bundle)["entry"].as_array()) {
    if (entry["resource"].string_or("resourceType", "") == type) return entry["resource"];
  }
  return {};
}

TEST(DemoBooking, EveryNumberIsAnotherCitizenWithAValidIdentityNumber) {
  const FakeClock clock;
  SystemRandom random;
  UlidSource ids(clock, random);
  std::set<std::string> identities;
  std::set<std::string> deliveries;
  std::set<std::string> members;
  for (int number = 0; number < 500; ++number) {
    const Booking booking = make_booking(clock, ids, number);
    const std::string identity =
        resource(booking.body, "Patient")["identifier"][0].string_or("value", "");
    ASSERT_EQ(identity.size(), 10U);
    EXPECT_EQ(identity[0], '1');
    EXPECT_TRUE(luhn(identity)) << number;
    EXPECT_TRUE(identities.insert(identity).second) << number;
    EXPECT_TRUE(deliveries.insert(booking.id).second) << number;
    EXPECT_TRUE(
        members.insert(resource(booking.body, "Coverage")["identifier"][0].string_or("value", ""))
            .second)
        << number;
  }
}

TEST(DemoBooking, ItStartsNowInRiyadhTime) {
  const FakeClock clock(Timestamp{1'773'000'000'999});  // 2026-03-08T20:00:00.999Z
  SystemRandom random;
  UlidSource ids(clock, random);
  const Json appointment = resource(make_booking(clock, ids, 0).body, "Appointment");
  EXPECT_EQ(appointment.string_or("start", ""), "2026-03-08T23:00:00+03:00");
  EXPECT_EQ(appointment.string_or("end", ""), "2026-03-08T23:20:00+03:00");
}

TEST(DemoBooking, AVisitMovesToAnEarlierTimeAsToALaterOne) {
  const FakeClock clock(Timestamp{1'773'000'000'999});  // 2026-03-08T20:00:00.999Z
  SystemRandom random;
  UlidSource ids(clock, random);
  const Booking later = make_moved(make_booking(clock, ids, 0), ids, 30);
  const Booking earlier = make_moved(later, ids, -25);
  EXPECT_EQ(later.start, "2026-03-08T23:30:00+03:00");
  EXPECT_EQ(earlier.start, "2026-03-08T23:05:00+03:00");
  const Json appointment = resource(earlier.body, "Appointment");
  EXPECT_EQ(appointment.string_or("start", ""), earlier.start);
  EXPECT_EQ(appointment.string_or("end", ""), "2026-03-08T23:25:00+03:00");
  EXPECT_NE(earlier.id, later.id);
}

TEST(DemoBooking, ATelephoneStandsInThePatientAlone) {
  const FakeClock clock;
  SystemRandom random;
  UlidSource ids(clock, random);
  const Booking booking = make_booking(clock, ids, 0);
  const Booking reachable = with_phone(booking, kDemoPhone);
  EXPECT_EQ(resource(booking.body, "Patient")["telecom"], Json());
  EXPECT_EQ(resource(reachable.body, "Patient")["telecom"],
            Json::array({Json::object({{"system", "phone"}, {"value", kDemoPhone}})}));
  for (const char* type : {"Appointment", "Practitioner", "Coverage"})
    EXPECT_EQ(resource(reachable.body, type), resource(booking.body, type)) << type;
  EXPECT_EQ(reachable.id, booking.id);
}

TEST(DemoBooking, AFreePortIsAPort) {
  const auto port = free_port();
  ASSERT_TRUE(port.ok());
  EXPECT_GT(*port, 1023);
  EXPECT_LT(*port, 65536);
}

// Symptom: two tests that looked for a port at the same time started their servers on one.
TEST(DemoBooking, APortThatAnotherProcessGotIsNotFree) {
  std::array<int, 2> got{};
  std::array<int, 2> leave{};
  ASSERT_EQ(::pipe(got.data()), 0);
  ASSERT_EQ(::pipe(leave.data()), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const auto found = free_port();
    const int port = found.ok() ? *found : 0;
    char end = 0;
    const bool told = ::write(got[1], &port, sizeof port) == sizeof port;
    ::close(leave[1]);
    ::_exit(told && ::read(leave[0], &end, 1) == 0 ? 0 : 1);
  }
  int theirs = 0;
  ASSERT_EQ(::read(got[0], &theirs, sizeof theirs), static_cast<ssize_t>(sizeof theirs));
  const auto ours = free_port();
  ::close(leave[1]);
  int status = 1;
  EXPECT_EQ(::waitpid(other, &status, 0), other);
  EXPECT_EQ(status, 0);
  for (const int fd : {got[0], got[1], leave[0]}) ::close(fd);
  ASSERT_TRUE(ours.ok());
  EXPECT_NE(*ours, theirs);
}

}  // namespace
}  // namespace rabt::demo::booking_test
