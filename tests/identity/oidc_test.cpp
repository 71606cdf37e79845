#include "hub/identity/oidc.hpp"

#include <gtest/gtest.h>

#include "hub/base/uri.hpp"
#include "tests/identity/house.hpp"
#include "tests/identity/test_keys.hpp"

namespace rabt::identity::oidc_test {
namespace {

using rabt::test::must;
using test::House;

constexpr std::string_view kIssuer = "https://idp.example";
constexpr std::string_view kOther = "https://other.example";

using Query = Oidc::Query;

std::string value(const Query& query, std::string_view name) {
  for (const auto& [key, one] : query) {
    if (key == name) return one;
  }
  return {};
}

Query parse_query(std::string_view text) {
  Query out;
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

// Two issuers that live in this process and do what a test tells them.
class OidcTest : public testing::Test {
 protected:
  static const test::TestKey& key() {
    static const test::TestKey kKey = test::ec_key("k1");
    return kKey;
  }
  static const test::TestKey& stranger() {
    static const test::TestKey kKey = test::ec_key("k1");
    return kKey;
  }
  static OidcOptions options(const std::string& name, std::string_view issuer) {
    OidcOptions out;
    out.name = name;
    out.issuer = issuer;
    out.client_id = "rabt";
    out.secret = std::make_shared<const SecretBytes>(std::string_view("a secret: 100%"));
    out.algorithms = {"ES384"};
    out.role_map = {{"KFH-Doctors", Role::doctor}, {"KFH-Admins", Role::admin}};
    out.may_grant = {Role::doctor, Role::admin};
    out.strong_acr = {"phr"};
    return out;
  }
  OidcTest() { open(options("hospital", kIssuer)); }
  void open(OidcOptions first) {
    oidc_ = std::make_unique<Oidc>(
        Oidc::Parts{house_.people, house_.accounts, *house_.base.store, *house_.base.keyring,
                    *house_.base.audit, house_.base.clock, house_.base.random},
        "t1", "https://hub.example",
        std::vector<OidcOptions>{std::move(first), options("second", kOther)},
        [this](const net::Request& request) { return answer(request); });
  }
  static net::Response json(const Json& body, int status = 200) {
    return {.sent = net::Sent::yes,
            .status = status,
            .headers = {{"content-type", "application/json"}},
            .body = body.dump()};
  }
  Result<net::Response> answer(const net::Request& request) {
    if (down_) return unavailable("auth.issuer_unreachable", "down");
    const std::string issuer(request.url.starts_with(kIssuer) ? kIssuer : kOther);
    if (request.url.ends_with("/.well-known/openid-configuration")) {
      Json out = Json::object({{"issuer", discovered_.empty() ? issuer : discovered_},
                               {"authorization_endpoint", issuer + "/authorize"},
                               {"token_endpoint", issuer + "/token"},
                               {"jwks_uri", issuer + "/jwks"},
                               {"authorization_response_iss_parameter_supported", true}});
      if (pushes_) out.set("pushed_authorization_request_endpoint", issuer + "/par");
      return json(out);
    }
    if (request.url.ends_with("/par")) {
      pushed_ = parse_query(request.body);
      pushed_.emplace_back("url", request.url);
      for (const auto& [name, text] : request.headers) pushed_.emplace_back(name, text);
      return json(Json::object({{"request_uri", "urn:ietf:params:oauth:request_uri:6esc"},
                                {"expires_in", 60}}),
                  push_status_);
    }
    if (request.url.ends_with("/jwks"))
      return json(Json::object({{"keys", Json::array({key().jwk})}}));
    ++redeemed_;
    form_ = parse_query(request.body);
    for (const auto& [name, text] : request.headers) {
      if (name == "Authorization") authorization_ = text;
    }
    if (value(form_, "code") != "good")
      return json(Json::object({{"error", "invalid_grant"}}), 400);
    return json(Json::object(
        {{"access_token", "x"}, {"token_type", "Bearer"}, {"id_token", sign(claims_, "JWT")}}));
  }
  std::string sign(const Json& claims, const std::string& type) {
    const test::TestKey& with = forged_ ? stranger() : key();
    return must(crypto::sign_jwt(as_bytes(with.pem), "ES384",
                                 Json::object({{"kid", "k1"}, {"typ", type}}).dump(),
                                 claims.dump()));
  }
  [[nodiscard]] std::int64_t now_s() { return house_.base.clock.now().ms / 1000; }
  // Begins, as a browser; the issuer is going to say these claims.
  struct Begun {
    Oidc::Begun begun;
    Query asked;
  };
  Begun begin(const std::string& name = "hospital", const std::string& to = "/console") {
    Begun out{.begun = must(oidc_->begin(name, to)), .asked = {}};
    const std::string& location = out.begun.location;
    out.asked = parse_query(location.substr(location.find('?') + 1));
    claims_ = Json::object({{"iss", name == "hospital" ? kIssuer : kOther},
                            {"aud", "rabt"},
                            {"sub", "u-1"},
                            {"sid", "s-1"},
                            {"name", "Dr Ahmad"},
                            {"nonce", value(out.asked, "nonce")},
                            {"iat", now_s()},
                            {"exp", now_s() + 300}});
    return out;
  }
  Query back(const Begun& begun, std::string_view issuer = kIssuer) {
    return {{"code", "good"}, {"state", value(begun.asked, "state")}, {"iss", std::string(issuer)}};
  }
  Result<Oidc::Ended> finish(const Begun& begun) {
    return oidc_->finish("hospital", back(begun), begun.begun.browser, by_);
  }
  // The whole of it; `change` alters what the issuer says.
  Result<Oidc::Ended> sign_in(const std::function<void(Json&)>& change = {}) {
    const Begun begun = begin();
    if (change) change(claims_);
    return finish(begun);
  }
  std::string refusal(const std::function<void(Json&)>& change) {
    const auto ended = sign_in(change);
    return ended.ok() ? "ok" : ended.error().code;
  }

  House house_;
  std::unique_ptr<Oidc> oidc_;
  const Caller by_{.who = {.tenant = "t1"}, .client = "192.0.2.1", .request = "r"};
  Json claims_;
  Query form_;
  std::string authorization_;
  std::string discovered_;
  bool down_ = false;
  bool forged_ = false;
  int redeemed_ = 0;
  bool pushes_ = false;
  int push_status_ = 201;
  Query pushed_;
};

// RFC 9126: where the issuer offers it, nothing of the request is in the browser's hands.
TEST_F(OidcTest, Trap36ARequestIsHandedToTheIssuerWhereItTakesThat) {
  pushes_ = true;
  open(options("hospital", kIssuer));
  Begun begun = begin();
  EXPECT_EQ(begun.begun.location,
            "https://idp.example/authorize?client_id=rabt&request_uri=urn%3Aietf%3Aparams%3Aoauth%"
            "3Arequest_uri%3A6esc");
  EXPECT_EQ(value(pushed_, "url"), "https://idp.example/par");
  EXPECT_EQ(value(pushed_, "Authorization"),
            "Basic " + to_base64(as_bytes("rabt:a%20secret%3A%20100%25")));
  EXPECT_EQ(value(pushed_, "response_type"), "code");
  EXPECT_EQ(value(pushed_, "code_challenge_method"), "S256");
  begun.asked = pushed_;
  claims_.set("nonce", value(pushed_, "nonce"));
  EXPECT_EQ(must(finish(begun)).return_to, "/console");
  // Never by the other way when this one fails.
  push_status_ = 400;
  EXPECT_EQ(oidc_->begin("hospital", "/").error().code, "auth.issuer_unreachable");
}

TEST_F(OidcTest, ABrowserIsSentToTheIssuerAndComesBackSignedIn) {
  const Begun begun = begin();
  EXPECT_TRUE(begun.begun.location.starts_with("https://idp.example/authorize?"));
  EXPECT_EQ(value(begun.asked, "response_type"), "code");
  EXPECT_EQ(value(begun.asked, "redirect_uri"), "https://hub.example/auth/oidc/hospital/callback");
  EXPECT_EQ(value(begun.asked, "code_challenge_method"), "S256");
  const Oidc::Ended ended = must(finish(begun));
  EXPECT_EQ(ended.return_to, "/console");
  const std::string verifier = value(form_, "code_verifier");
  EXPECT_EQ(verifier.size(), 43U);
  EXPECT_EQ(crypto::base64url(crypto::sha256(verifier)), value(begun.asked, "code_challenge"));
  EXPECT_EQ(authorization_, "Basic " + to_base64(as_bytes("rabt:a%20secret%3A%20100%25")));
  const Principal who = must(house_.accounts.session(ended.in.token));
  EXPECT_EQ(who.id, ended.in.person.id);
  EXPECT_TRUE(who.roles.empty()) << "somebody new has no role until an administrator gives one";
  const auto again = must(sign_in());
  EXPECT_EQ(again.in.person.id, who.id);
  EXPECT_NE(again.in.token, ended.in.token) << "trap 31";
  EXPECT_EQ(house_.base.acts(),
            (std::vector<std::string>{"user.created ok", "user.login ok", "user.login ok"}));
}

TEST_F(OidcTest, ASignInThatFailsSaysWhereItWasToLead) {
  // The person presses "Cancel" there.
  const Begun refused = begin();
  std::string wanted;
  const Query cancelled{{"error", "access_denied"},
                        {"state", value(refused.asked, "state")},
                        {"iss", std::string(kIssuer)}};
  EXPECT_EQ(oidc_->finish("hospital", cancelled, refused.begun.browser, by_, &wanted).error().code,
            "auth.oidc");
  EXPECT_EQ(wanted, "/console");
  // Not to whoever did not begin it.
  const Begun theirs = begin();
  wanted.clear();
  EXPECT_FALSE(oidc_->finish("hospital", back(theirs), "another browser", by_, &wanted).ok());
  EXPECT_EQ(wanted, "");
}

TEST_F(OidcTest, Trap36ACodeAndAStateCountOnceInOneBrowserAndAtOneIssuer) {
  const Begun first = begin();
  EXPECT_TRUE(finish(first).ok());
  EXPECT_EQ(finish(first).error().code, "auth.oidc") << "the state again";
  EXPECT_EQ(redeemed_, 1);
  const Begun mine = begin();
  const Begun theirs = begin();
  EXPECT_FALSE(oidc_->finish("hospital", back(mine), theirs.begun.browser, by_).ok());
  EXPECT_FALSE(oidc_->finish("hospital", back(begin()), "", by_).ok());
  EXPECT_FALSE(finish(mine).ok()) << "what was tried is used up";
  // The answer of one issuer at the address of the other, and named as the other's.
  const Begun crossed = begin();
  EXPECT_FALSE(oidc_->finish("second", back(crossed, kOther), crossed.begun.browser, by_).ok());
  const Begun mixed = begin();
  EXPECT_FALSE(oidc_->finish("hospital", back(mixed, kOther), mixed.begun.browser, by_).ok());
  const Begun silent = begin();
  EXPECT_FALSE(oidc_
                   ->finish("hospital", {{"code", "good"}, {"state", value(silent.asked, "state")}},
                            silent.begun.browser, by_)
                   .ok())
      << "an issuer that announces `iss` always sends it";
  const Begun twice = begin();
  Query doubled = back(twice);
  doubled.emplace_back("state", value(twice.asked, "state"));
  EXPECT_FALSE(oidc_->finish("hospital", doubled, twice.begun.browser, by_).ok());
  const Begun slow = begin();
  house_.base.clock.advance_ms(11 * 60'000);
  EXPECT_FALSE(finish(slow).ok());
  const Begun refused = begin();
  EXPECT_FALSE(oidc_
                   ->finish("hospital",
                            {{"error", "access_denied"},
                             {"state", value(refused.asked, "state")},
                             {"iss", std::string(kIssuer)}},
                            refused.begun.browser, by_)
                   .ok());
  EXPECT_EQ(redeemed_, 1);
  EXPECT_EQ(oidc_->finish("nobody", {}, "", by_).error().code, "auth.issuer_unknown");
}

TEST_F(OidcTest, Trap36AnIdTokenIsForUsNowAndForThisSignIn) {
  const auto set = [](std::string_view name, Json to) {
    return [name = std::string(name), to = std::move(to)](Json& claims) {
      if (to.is_null()) {
        claims.mutable_object().erase(name);
      } else {
        claims.set(name, to);
      }
    };
  };
  EXPECT_EQ(refusal({}), "ok");
  EXPECT_EQ(refusal(set("nonce", {})), "auth.oidc");
  EXPECT_EQ(refusal(set("nonce", "other")), "auth.oidc");
  EXPECT_EQ(refusal(set("iss", "https://idp.example/")), "auth.oidc");
  EXPECT_EQ(refusal(set("iss", kOther)), "auth.oidc");
  EXPECT_EQ(refusal(set("aud", "rabt2")), "auth.oidc");
  EXPECT_EQ(refusal(set("aud", Json::array({"rabt", "x"}))), "auth.oidc") << "no azp";
  EXPECT_EQ(refusal(set("azp", "x")), "auth.oidc");
  EXPECT_EQ(refusal([&](Json& claims) {
              claims.set("aud", Json::array({"rabt", "x"}));
              claims.set("azp", "rabt");
            }),
            "ok");
  EXPECT_EQ(refusal(set("exp", now_s() - 61)), "auth.oidc");
  EXPECT_EQ(refusal(set("exp", {})), "auth.oidc");
  EXPECT_EQ(refusal(set("iat", now_s() + 120)), "auth.oidc");
  EXPECT_EQ(refusal(set("iat", now_s() - 700)), "auth.oidc");
  EXPECT_EQ(refusal(set("iat", {})), "auth.oidc");
  EXPECT_EQ(refusal(set("sub", {})), "auth.oidc");
  EXPECT_EQ(refusal(set("sub", 7)), "auth.oidc");
  forged_ = true;
  EXPECT_EQ(refusal({}), "auth.oidc");
}

TEST_F(OidcTest, Trap36AnAddressOfAnAdministratorIsNotTheAdministrator) {
  const Person admin = house_.person(
      {Role::admin}, Json::object({{"username", "root"}, {"email", "root@hospital.example"}}));
  const auto ended = must(sign_in([](Json& claims) {
    claims.set("email", "root@hospital.example");
    claims.set("email_verified", true);
    claims.set("preferred_username", "root");
  }));
  EXPECT_NE(ended.in.person.id, admin.id);
  EXPECT_TRUE(ended.in.person.roles.empty());
}

TEST_F(OidcTest, AnIssuerGivesRolesWithinItsCeilingAndStrongOnesForAStrongSignIn) {
  OidcOptions chosen = options("hospital", kIssuer);
  chosen.provision = true;
  chosen.may_grant = {Role::doctor, Role::admin};
  chosen.role_map.emplace("KFH-Audit", Role::auditor);
  chosen.tenant_claim = "org";
  chosen.tenant_value = "kfh";
  open(chosen);
  const auto roles = [&](Json groups, const std::string& acr = {}) {
    const auto ended = must(sign_in([&](Json& claims) {
      claims.set("org", "kfh");
      claims.set("groups", groups);
      if (!acr.empty()) claims.set("acr", acr);
    }));
    return must(house_.accounts.session(ended.in.token)).roles;
  };
  EXPECT_EQ(roles(Json::array({"KFH-Doctors", "KFH-Admins", "KFH-Audit", "doctor", 7})),
            Roles{Role::doctor});
  EXPECT_EQ(roles(Json::array({"KFH-Admins"}), "pwd"), Roles{});
  EXPECT_EQ(roles(Json::array({"KFH-Admins"}), "phr"), Roles{Role::admin});
  EXPECT_EQ(refusal([](Json& claims) {
              claims.set("org", "kfh");
              claims.set("groups", Json::array({"KFH-Doctors", "KFH-Admins"}));
              claims.set("acr", "phr");
            }),
            "role.separation");
  EXPECT_EQ(roles("kfh-doctors"), Roles{}) << "read anew at each sign-in, and exactly";
  EXPECT_EQ(refusal([](Json& claims) { claims.set("org", "clinic-b"); }), "auth.oidc");
  EXPECT_EQ(refusal({}), "auth.oidc") << "no claim of a tenant";
}

TEST_F(OidcTest, Trap28WhoIsDisabledIsRefusedThereToo) {
  const auto ended = must(sign_in());
  PersonChange change;
  change.active = false;
  must(house_.people.change(house_.administrator(), ended.in.person.id, change));
  EXPECT_EQ(refusal({}), "auth.oidc") << "trap 28";
}

TEST_F(OidcTest, TheDiscoveryDocumentIsTheIssuersOwn) {
  discovered_ = "https://idp.example/";
  EXPECT_EQ(oidc_->begin("hospital", "/").error().code, "auth.issuer_unreachable");
  discovered_.clear();
  down_ = true;
  house_.base.clock.advance_ms(6'000);
  EXPECT_EQ(oidc_->begin("hospital", "/").error().kind, ErrorKind::unavailable);
  down_ = false;
  house_.base.clock.advance_ms(6'000);
  EXPECT_TRUE(oidc_->begin("hospital", "/").ok());
  down_ = true;
  EXPECT_TRUE(oidc_->begin("hospital", "/").ok()) << "known for an hour";
}

TEST_F(OidcTest, Trap38ALogoutTokenEndsItsSessionOnceAndForItsClientOnly) {
  const auto logout = [&](const std::function<void(Json&)>& change,
                          const char* type = "logout+jwt") {
    Json claims = Json::object(
        {{"iss", kIssuer},
         {"aud", "rabt"},
         {"sub", "u-1"},
         {"iat", now_s()},
         {"exp", now_s() + 60},
         {"jti", "l" + std::to_string(++redeemed_)},
         {"events",
          Json::object({{"http://schemas.openid.net/event/backchannel-logout", Json::object()}})}});
    if (change) change(claims);
    const Status done = oidc_->logout("hospital", sign(claims, type), by_);
    return done.ok() ? std::string("ok") : done.error().code;
  };
  const auto first = must(sign_in());
  const auto other = must(sign_in([](Json& claims) { claims.set("sid", "s-2"); }));
  const auto in = [&](const Oidc::Ended& ended) {
    return house_.accounts.session(ended.in.token).ok();
  };
  EXPECT_EQ(logout([](Json& claims) { claims.set("nonce", "x"); }), "auth.oidc");
  EXPECT_EQ(logout([](Json& claims) { claims.set("aud", "other"); }), "auth.oidc");
  EXPECT_EQ(logout([](Json& claims) { claims.mutable_object().erase("events"); }), "auth.oidc");
  EXPECT_EQ(logout([](Json& claims) { claims.mutable_object().erase("sub"); }), "auth.oidc");
  EXPECT_EQ(logout([](Json& claims) { claims.mutable_object().erase("jti"); }), "auth.oidc");
  EXPECT_EQ(logout({}, "JWT"), "auth.oidc") << "an ID token ends nothing";
  EXPECT_TRUE(in(first) && in(other));
  EXPECT_EQ(logout([](Json& claims) {
              claims.set("sid", "s-1");
              claims.set("jti", "once");
            }),
            "ok");
  EXPECT_FALSE(in(first));
  EXPECT_TRUE(in(other));
  EXPECT_EQ(logout([](Json& claims) {
              claims.set("sid", "s-2");
              claims.set("jti", "once");
            }),
            "auth.oidc")
      << "replayed";
  EXPECT_TRUE(in(other));
  EXPECT_EQ(logout({}), "ok");
  EXPECT_FALSE(in(other)) << "without a session: all of the person";
  EXPECT_EQ(logout([](Json& claims) { claims.set("sub", "nobody"); }), "ok");
}

}  // namespace
}  // namespace rabt::identity::oidc_test
