#include <gtest/gtest.h>
#include <filesystem>

#include "hub/identity/accounts.hpp"
#include "tests/identity/house.hpp"
#include "tests/identity/line_program.hpp"

// Passkeys with software of others on the other side: Chromium makes and shows them.
namespace rabt::identity::slow_passkeys_test {
namespace {

namespace fs = std::filesystem;
using test::must;

TEST(SlowPasskeys, ChromiumEnrolsOneSignsInWithItAndProvesItselfAgain) {
  if (!fs::exists("/usr/bin/chromium") || std::system("command -v node >/dev/null") != 0)
    GTEST_SKIP() << "chromium and node are not installed; `./dev test --slow` installs them";
  const std::string folder = keys::test::make_folder();
  {
    test::House house;
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    test::LineProgram browser(
        std::string(source != nullptr ? source : ".") + "/tests/identity/passkey_browser.cjs",
        folder);
    const std::string origin = browser.read().string_or("origin", "");
    ASSERT_TRUE(origin.starts_with("http://localhost:")) << origin;
    Accounts accounts(
        {house.people, *house.base.store, *house.base.keys, *house.base.keyring, *house.base.audit,
         house.base.clock, house.base.random, house.base.ids},
        "t1",
        {.memory_kib = 64, .time = 1, .passkey_host = "localhost", .passkey_origins = {origin}});
    const std::string password = "three canaries by the sea";
    const Person person = must(accounts.add(
        house.administrator(),
        {.username = "layla", .password = password, .profile = Json::object({{"name", "ليلى"}})}));
    const auto as = [&](const SignedIn& in) {
      Caller caller;
      caller.who = must(accounts.session(in.token));
      return caller;
    };
    const Caller first = as(must(accounts.login({.username = "layla", .password = password})));
    Ceremony begun = must(accounts.begin_passkey(first));
    const Json item = browser.ask("create", begun.options);
    const auto added = accounts.add_passkey(first, {begun.handle, item}, "Chromium");
    ASSERT_TRUE(added.ok()) << added.error().message << " " << item.dump();

    begun = must(accounts.begin_sign_in());
    const Json shown = browser.ask("get", begun.options);
    const auto in = accounts.sign_in({}, {begun.handle, shown});
    ASSERT_TRUE(in.ok()) << in.error().message << " " << shown.dump();
    EXPECT_EQ(in->person.id, person.id);
    EXPECT_FALSE(accounts.sign_in({}, {begun.handle, shown}).ok()) << "once";
    begun = must(accounts.begin_sign_in());
    EXPECT_FALSE(accounts.sign_in({}, {begun.handle, shown}).ok()) << "the old challenge";

    const Caller strong = as(*in);
    begun = must(accounts.begin_step_up(strong));
    StepUp proof;
    proof.passkey = PasskeyAnswer{begun.handle, browser.ask("get", begun.options)};
    const auto again = accounts.step_up(strong, proof);
    ASSERT_TRUE(again.ok()) << again.error().message;

    // The browser itself refuses a second one on the same authenticator.
    begun = must(accounts.begin_passkey(as(*again)));
    EXPECT_EQ(browser.ask("create", begun.options).string_or("error", ""), "InvalidStateError");
    // Another hub's origin has other passkeys.
    Json other = must(accounts.begin_sign_in()).options;
    other.set("rpId", "evil.example");
    EXPECT_EQ(browser.ask("get", other).string_or("error", ""), "SecurityError");
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace rabt::identity::slow_passkeys_test
