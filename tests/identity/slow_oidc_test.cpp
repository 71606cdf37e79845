#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "hub/base/log.hpp"
#include "hub/base/uri.hpp"
#include "hub/identity/oidc.hpp"
#include "tests/identity/house.hpp"
#include "tests/identity/line_program.hpp"
#include "tests/npm.hpp"

// Sign-in at an issuer that somebody else has written: oidc-provider, from npm.
namespace rabt::identity::slow_oidc_test {
namespace {

using rabt::test::must;

class SlowOidc : public testing::Test {
 protected:
  SlowOidc() {
    // The issuer lives in the present.
    house_.base.clock.advance_ms(SystemClock().now().ms - house_.base.clock.now().ms);
    const std::string folder = rabt::test::npm_folder("oidc");
    if (folder.empty()) return;
    namespace fs = std::filesystem;
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string script = folder + "/oidc_issuer.mjs";
    fs::copy_file(std::string(source) + "/tests/identity/oidc_issuer.mjs", script,
                  fs::copy_options::overwrite_existing);
    issuer_ = std::make_unique<test::LineProgram>(script, "");
    const Json said = issuer_->read();
    address_ = said.string_or("issuer", "");
    key_ = said.string_or("key", "");
    if (address_.empty()) return;
    OidcOptions options = client("hospital", "rabt");
    options.secret =
        std::make_shared<const SecretBytes>(std::string_view("a secret of the two of them"));
    open(std::move(options));
  }
  OidcOptions client(const std::string& name, const std::string& id) {
    OidcOptions options;
    options.name = name;
    options.issuer = address_;
    options.client_id = id;
    options.algorithms = {"ES256"};
    options.scope = "openid profile";
    options.provision = true;
    options.role_map = {{"KFH-Doctors", Role::doctor}};
    options.may_grant = {Role::doctor};
    return options;
  }
  void open(OidcOptions options) {
    name_ = options.name;
    oidc_ = std::make_unique<Oidc>(
        Oidc::Parts{house_.people, house_.accounts, *house_.base.store, *house_.base.keyring,
                    *house_.base.audit, house_.base.clock, house_.base.random},
        "t1", "https://hub.example", std::vector<OidcOptions>{std::move(options)},
        make_exchange(
            *http_, std::make_shared<const net::AllowList>(must(net::AllowList::make({address_}))),
            nullptr));
  }
  // A browser is sent to the issuer, and comes back with this.
  Oidc::Query back(const Oidc::Begun& begun) {
    const Json ended = issuer_->ask("browse", Json(begun.location));
    const std::string location = ended.string_or("location", "");
    EXPECT_TRUE(location.starts_with("https://hub.example/auth/oidc/" + name_ + "/callback?"))
        << ended.dump();
    Oidc::Query out;
    std::string_view text = location;
    text.remove_prefix(std::min(text.find('?') + 1, text.size()));
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('&'), text.size());
      const std::string_view pair = text.substr(0, end);
      const auto equals = pair.find('=');
      out.emplace_back(percent_decode(pair.substr(0, equals)),
                       percent_decode(pair.substr(equals + 1)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
  }
  Result<Oidc::Ended> sign_in() {
    const Oidc::Begun begun = must(oidc_->begin(name_, "/console"));
    return oidc_->finish(name_, back(begun), begun.browser, by_);
  }

  test::House house_;
  SystemClock real_;
  std::unique_ptr<net::HttpClient> http_ = net::make_curl_client(real_, null_logger());
  std::unique_ptr<test::LineProgram> issuer_;
  std::string address_;
  std::string key_;
  std::string name_;
  std::unique_ptr<Oidc> oidc_;
  const Caller by_{.who = {.tenant = "t1"}, .client = "192.0.2.1", .request = "r"};
};

TEST_F(SlowOidc, APersonOfAnotherIssuerSignsInThroughRotationAndIsSignedOutByIt) {
  ASSERT_NE(oidc_, nullptr) << "the issuer did not start";
  const Oidc::Begun begun = must(oidc_->begin("hospital", "/console"));
  EXPECT_NE(begun.location.find("request_uri="), std::string::npos) << begun.location;
  EXPECT_EQ(begun.location.find("nonce="), std::string::npos) << "the issuer has it already";
  const Oidc::Query query = back(begun);
  EXPECT_EQ(oidc_->finish("hospital", query, "another browser", by_).error().code, "auth.oidc");

  const auto first = sign_in();
  ASSERT_TRUE(first.ok()) << first.error().message;
  EXPECT_EQ(first->return_to, "/console");
  EXPECT_EQ(first->in.person.roles, Roles{Role::doctor});
  EXPECT_EQ(first->in.person.profile["name"], Json("Dr. Ahmad"));

  const Oidc::Begun second = must(oidc_->begin("hospital", "/"));
  const Oidc::Query once = back(second);
  const auto in = oidc_->finish("hospital", once, second.browser, by_);
  ASSERT_TRUE(in.ok()) << in.error().message;
  EXPECT_EQ(in->in.person.id, first->in.person.id);
  EXPECT_EQ(oidc_->finish("hospital", once, second.browser, by_).error().code, "auth.oidc");

  // Another key signs: it is fetched when the first token names it.
  EXPECT_EQ(issuer_->ask("rotate", Json(true)).size(), 0U);
  house_.base.clock.advance_ms(31'000);
  const auto rotated = sign_in();
  ASSERT_TRUE(rotated.ok()) << rotated.error().message;
  EXPECT_EQ(rotated->in.person.id, first->in.person.id);

  // The user signs out at the issuer, which tells the hub.
  const std::string token = issuer_->ask("logout", Json(true)).string_or("token", "");
  ASSERT_NE(token, "");
  EXPECT_TRUE(house_.accounts.session(rotated->in.token).ok());
  const Status out = oidc_->logout("hospital", token, by_);
  EXPECT_TRUE(out.ok()) << out.error().message;
  EXPECT_FALSE(house_.accounts.session(rotated->in.token).ok());
  EXPECT_EQ(oidc_->logout("hospital", token, by_).error().code, "auth.oidc") << "once";

  // No sign-in while the issuer is unreachable.
  const Oidc::Begun last = must(oidc_->begin("hospital", "/"));
  const Oidc::Query good = back(last);
  issuer_.reset();
  const auto late = oidc_->finish("hospital", good, last.browser, by_);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code, "auth.issuer_unreachable");
}

// Both where it hands over the request and where it redeems the code.
TEST_F(SlowOidc, TheHubProvesItselfByAKeyOfItsOwn) {
  ASSERT_NE(oidc_, nullptr) << "the issuer did not start";
  OidcOptions options = client("keyed", "rabt-keyed");
  options.key = std::make_shared<const SecretBytes>(key_);
  options.key_id = "of-the-hub";
  options.key_algorithm = "ES384";
  open(std::move(options));
  const auto in = sign_in();
  ASSERT_TRUE(in.ok()) << in.error().message;
  EXPECT_EQ(in->in.person.roles, Roles{Role::doctor});
}

}  // namespace
}  // namespace rabt::identity::slow_oidc_test
