#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

#include "hub/identity/accounts.hpp"
#include "tests/identity/house.hpp"

// Passkeys with software of others on the other side: Chromium makes and shows them.
namespace rabt::identity {
namespace {

namespace fs = std::filesystem;
using test::must;

// passkey_browser.cjs: a line in, a line out.
class Browser {
 public:
  explicit Browser(const std::string& folder) {
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string script =
        std::string(source != nullptr ? source : ".") + "/tests/identity/passkey_browser.cjs";
    int in[2] = {};
    int out[2] = {};
    if (::pipe(in) != 0 || ::pipe(out) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], STDIN_FILENO);
      ::dup2(out[1], STDOUT_FILENO);
      for (const int one : {in[0], in[1], out[0], out[1]}) ::close(one);
      ::execlp("node", "node", script.c_str(), folder.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    to_ = ::fdopen(in[1], "w");
    from_ = ::fdopen(out[0], "r");
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;
  ~Browser() {
    if (to_ != nullptr) std::fclose(to_);
    if (from_ != nullptr) std::fclose(from_);
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }
  Json read() {
    std::string line;
    for (int c = std::fgetc(from_); c != EOF && c != '\n'; c = std::fgetc(from_))
      line.push_back(static_cast<char>(c));
    const auto parsed = Json::parse(line);
    return parsed.ok() ? *parsed : Json::object({{"error", "no answer: " + line}});
  }
  Json ask(const char* what, const Json& options) {
    const std::string line = Json::object({{what, options}}).dump() + "\n";
    std::fwrite(line.data(), 1, line.size(), to_);
    std::fflush(to_);
    return read();
  }

 private:
  pid_t child_ = -1;
  FILE* to_ = nullptr;
  FILE* from_ = nullptr;
};

TEST(SlowPasskeys, ChromiumEnrolsOneSignsInWithItAndProvesItselfAgain) {
  if (!fs::exists("/usr/bin/chromium") || std::system("command -v node >/dev/null") != 0)
    GTEST_SKIP() << "chromium and node are not installed; `./dev test --slow` installs them";
  const std::string folder = keys::test::make_folder();
  {
    test::House house;
    Browser browser(folder);
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
    const Json made = browser.ask("create", begun.options);
    const auto added = accounts.add_passkey(first, {begun.handle, made}, "Chromium");
    ASSERT_TRUE(added.ok()) << added.error().message << " " << made.dump();

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
}  // namespace rabt::identity
