#include "hub/identity/watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "hub/identity/totp.hpp"
#include "tests/eventually.hpp"
#include "tests/identity/house.hpp"

namespace rabt::identity::watch_test {
namespace {

using rabt::test::must;
using test::House;

constexpr std::string_view kPassword = "three canaries by the sea";

// Somebody who is signed in, and something that he holds open.
class Trap39 : public testing::Test {
 protected:
  Trap39()
      : issuers_(must(Issuers::make({}, house_.base.clock))),
        who_({house_.people, issuers_, house_.accounts, house_.clients, "t1"},
             ApiToken("rabt_0123")),
        watch_({who_, *house_.base.store, house_.base.clock, null_logger()}) {
    Registration order;
    order.username = "layla";
    order.password = kPassword;
    order.roles = {Role::nurse};
    id_ = must(house_.accounts.add(house_.administrator(), order)).id;
  }
  std::string sign_in(const std::string& otp = {}) {
    return must(house_.accounts.login({.username = "layla",
                                       .password = std::string(kPassword),
                                       .otp = otp,
                                       .client = {},
                                       .request = {}}))
        .token;
  }
  [[nodiscard]] Caller caller(const std::string& token) {
    return {.who = must(who_.principal({.authorization = "Bearer " + token}))};
  }
  // Opens something by the token; the flag says when it has been ended.
  std::shared_ptr<std::atomic<bool>> open(const std::string& token) {
    auto lost = std::make_shared<std::atomic<bool>>(false);
    (void)watch_.add({.who = caller(token).who,
                      .shown = {.authorization = "Bearer " + token},
                      .lost = [lost] { *lost = true; },
                      .used_ms = [] { return std::int64_t{0}; }});
    return lost;
  }
  // A machine that does nothing else takes half a second.
  static bool ends(const std::atomic<bool>& flag) {
    return rabt::test::eventually([&] { return flag.load(); });
  }
  static bool stays(const std::atomic<bool>& flag) {
    return !rabt::test::eventually([&] { return flag.load(); }, std::chrono::milliseconds(500));
  }

  House house_;
  const Issuers issuers_;
  const Authenticator who_;
  Watch watch_;
  std::string id_;
};

TEST_F(Trap39, SignOutEndsWhatItsSessionOpenedAndNothingElse) {
  const std::string here = sign_in();
  const std::string there = sign_in();
  const auto mine = open(here);
  const auto other = open(there);
  EXPECT_TRUE(stays(*mine));
  must(house_.accounts.logout(caller(here), {}));
  EXPECT_TRUE(ends(*mine));
  EXPECT_TRUE(stays(*other));
  must(house_.accounts.logout_everywhere(caller(there), id_));
  EXPECT_TRUE(ends(*other));
}

TEST_F(Trap39, DisablingAndOtherRolesEndEverything) {
  const auto before = open(sign_in());
  PersonChange change;
  change.roles = Roles{Role::doctor};
  must(house_.people.change(house_.administrator(), id_, change));
  EXPECT_TRUE(ends(*before));
  const std::string token = sign_in();
  const auto after = open(token);
  EXPECT_TRUE(stays(*after));
  change = {};
  change.profile = Json::object({{"name", "Layla"}});
  must(house_.people.change(house_.administrator(), id_, change));
  EXPECT_TRUE(stays(*after)) << "a name is no right";
  change = {};
  change.active = false;
  must(house_.people.change(house_.administrator(), id_, change));
  EXPECT_TRUE(ends(*after));
  change.active = true;
  must(house_.people.change(house_.administrator(), id_, change));
  EXPECT_FALSE(who_.principal({.authorization = "Bearer " + token}).ok())
      << "what has ended does not come back";
}

TEST_F(Trap39, ANewFactorEndsTheOtherSessionsOfThePerson) {
  const std::string here = sign_in();
  const std::string there = sign_in();
  const auto mine = open(here);
  const auto other = open(there);
  const Enrolment enrolment = must(house_.accounts.enrol(caller(here)));
  EXPECT_TRUE(stays(*other)) << "nothing counts yet";
  const std::string secret = enrolment.secret;
  Bytes raw;
  // RFC 4648 section 6.
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : secret) {
    bits = bits << 5U | static_cast<std::uint32_t>(c <= '9' ? c - '2' + 26 : c - 'A');
    if ((count += 5) < 8) continue;
    raw.push_back(static_cast<std::uint8_t>(bits >> static_cast<unsigned>(count -= 8)));
  }
  (void)must(
      house_.accounts.confirm(caller(here), totp_code(raw, totp_step(house_.base.clock.now()))));
  EXPECT_TRUE(ends(*other));
  EXPECT_TRUE(stays(*mine));
}

TEST_F(Trap39, NothingOutlivesItsSession) {
  const std::string token = sign_in();
  const auto lost = open(token);
  EXPECT_TRUE(stays(*lost));
  // Idle, with nothing used since an hour.
  house_.base.clock.advance_ms(16LL * 60 * 1000);
  EXPECT_TRUE(ends(*lost));
}

TEST_F(Trap39, WhatChangedBeforeTheWatchBeganIsSeen) {
  const std::string token = sign_in();
  Watch::Open open{.who = caller(token).who,
                   .shown = {.authorization = "Bearer " + token},
                   .lost = {},
                   .used_ms = [] { return std::int64_t{0}; }};
  must(house_.accounts.logout_everywhere(caller(token), id_));
  auto lost = std::make_shared<std::atomic<bool>>(false);
  open.lost = [lost] { *lost = true; };
  (void)watch_.add(std::move(open));
  EXPECT_TRUE(ends(*lost));
}

}  // namespace
}  // namespace rabt::identity::watch_test
