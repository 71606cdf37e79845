#include "hub/identity/clients.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>

#include "hub/identity/watch.hpp"
#include "tests/eventually.hpp"
#include "tests/identity/house.hpp"
#include "tests/identity/test_keys.hpp"

namespace rabt::identity::clients_test {
namespace {

using rabt::test::must;
using test::House;

constexpr std::int64_t kDay = 24LL * 3600 * 1000;

class ClientsTest : public testing::Test {
 protected:
  ClientsTest()
      : issuers_(must(Issuers::make({}, house_.base.clock))),
        who_({house_.people, issuers_, house_.accounts, house_.clients, "t1"},
             ApiToken("rabt_0123")) {
    ClientChange wanted;
    wanted.roles = Roles{Role::integration, Role::auditor};
    must(house_.clients.create(house_.administrator(), "brainsait", wanted));
  }
  Clients::NewKey key(std::int64_t days = 30) {
    return must(house_.clients.add_key(house_.administrator(), "brainsait", days * kDay));
  }
  Result<Principal> shows(const std::string& text, std::string_view from = "10.1.2.3") {
    return who_.principal({.authorization = "Bearer " + text, .client = from});
  }
  void change(const ClientChange& wanted) {
    must(house_.clients.change(house_.administrator(), "brainsait", wanted));
  }

  House house_;
  const Issuers issuers_;
  const Authenticator who_;
};

TEST_F(ClientsTest, AKeyIsItsClientUntilItEndsOrIsRevoked) {
  const Clients::NewKey first = key();
  EXPECT_EQ(first.text.size(), 10U + 10 + 1 + 43 + 1 + 6);
  const Principal who = must(shows(first.text));
  EXPECT_EQ(who.actor(), "client:brainsait");
  EXPECT_EQ(who.roles, (Roles{Role::integration, Role::auditor}));
  EXPECT_EQ(must(house_.clients.keys("brainsait"))[0].used_day, house_.base.clock.now().ms / kDay);
  const Clients::NewKey second = key(60);
  EXPECT_EQ(house_.clients.add_key(house_.administrator(), "brainsait", kDay).error().code,
            "client.keys");
  EXPECT_TRUE(shows(first.text).ok() && shows(second.text).ok()) << "two at one time";
  must(house_.clients.revoke_key(house_.administrator(), "brainsait", second.key.id));
  EXPECT_EQ(shows(second.text).error().code, "http.unauthenticated");
  house_.base.clock.advance_ms(30 * kDay);
  EXPECT_FALSE(shows(first.text).ok());
  EXPECT_EQ(house_.clients.revoke_key(house_.administrator(), "brainsait", "x").error().code,
            "client.key_unknown");
  EXPECT_EQ(house_.clients.add_key(house_.administrator(), "brainsait", 366 * kDay).error().code,
            "api.invalid");
  EXPECT_EQ(house_.base.acts(),
            (std::vector<std::string>{"client.created ok", "client.key_created ok",
                                      "client.key_created ok", "client.key_revoked ok"}));
}

TEST_F(ClientsTest, AKeyThatIsWrongInOneLetterIsNobodys) {
  const std::string good = key().text;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = bad[at] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(shows(bad).ok()) << at;
  }
  EXPECT_FALSE(shows(good + "x").ok());
  EXPECT_FALSE(shows(good.substr(0, good.size() - 1)).ok());
  EXPECT_FALSE(shows("rabt_live_").ok());
}

TEST_F(ClientsTest, AClientCallsFromItsNetworksOnlyAndNotWhenItIsDisabled) {
  const std::string text = key().text;
  ClientChange wanted;
  wanted.addresses = std::vector<std::string>{"10.1.0.0/16", "2001:db8::/33", "192.0.2.7"};
  change(wanted);
  for (const char* good : {"10.1.255.1", "2001:db8:7fff::1", "192.0.2.7"})
    EXPECT_TRUE(shows(text, good).ok()) << good;
  for (const char* bad : {"10.2.0.1", "2001:db8:8000::1", "192.0.2.8", "local"})
    EXPECT_FALSE(shows(text, bad).ok()) << bad;
  for (const char* wrong : {"10.1.0.0/33", "10.1/16", "x", "10.1.0.0/", "::/129", ""}) {
    wanted.addresses = std::vector<std::string>{wrong};
    EXPECT_EQ(house_.clients.change(house_.administrator(), "brainsait", wanted).error().code,
              "api.invalid")
        << wrong;
  }
  wanted = {};
  wanted.active = false;
  change(wanted);
  EXPECT_FALSE(shows(text, "10.1.2.3").ok());
}

TEST_F(ClientsTest, Trap62ACertificateIsTheClientThatIsKnownByItAndNobodyElse) {
  const std::string digest = crypto::base64url(crypto::sha256("one"));
  const auto make = [&](const char* id, std::vector<std::string> certificates) {
    ClientChange wanted;
    wanted.roles = Roles{Role::integration};
    wanted.certificates = std::move(certificates);
    const auto made = house_.clients.create(house_.administrator(), id, wanted);
    return made.ok() ? std::string("ok") : made.error().code;
  };
  const auto who = [&](const crypto::PeerCertificate& shown, std::string_view from = "192.0.2.1") {
    const auto found = house_.clients.of_certificate(shown, from, false);
    if (!found.ok()) return found.error().code;
    return *found ? (*found)->id : std::string("nobody");
  };
  EXPECT_EQ(make("his", {"uri:urn:his:prod", "dns:his.example"}), "ok");
  EXPECT_EQ(make("lab", {"x5t#S256:" + digest}), "ok");
  EXPECT_EQ(make("twin", {"dns:his.example"}), "client.certificate_taken");
  for (const char* bad : {"", "his.example", "cn:his", "dns:", "dns:*.example", "uri:urn:a b",
                          "x5t#S256:abc", "x5t#S256:"})
    EXPECT_EQ(make("wrong", {bad}), "api.invalid") << bad;
  EXPECT_EQ(who({.sha256 = "x", .uris = {"urn:his:prod"}}), "his");
  EXPECT_EQ(who({.sha256 = digest}), "lab");
  // Of the right authority, and another's: by no part of a name, and by no other kind of name.
  for (const crypto::PeerCertificate& other :
       {crypto::PeerCertificate{.sha256 = "x"},
        crypto::PeerCertificate{.sha256 = "x", .uris = {"urn:his:prod2", "urn:his", "his.example"}},
        crypto::PeerCertificate{.sha256 = "x",
        .dns = {"HIS.example", "a.his.example", "urn:his:prod"}},
        crypto::PeerCertificate{.sha256 = digest.substr(1)}})
    EXPECT_EQ(who(other), "nobody");
  EXPECT_EQ(who({.sha256 = digest, .dns = {"his.example"}}), "http.unauthenticated")
      << "two clients in one";
  ClientChange change;
  change.addresses = std::vector<std::string>{"10.0.0.0/8"};
  must(house_.clients.change(house_.administrator(), "his", change));
  EXPECT_EQ(who({.sha256 = "x", .dns = {"his.example"}}), "http.unauthenticated");
  EXPECT_EQ(who({.sha256 = "x", .dns = {"his.example"}}, "10.1.1.1"), "his");
  change = {};
  change.certificates = std::vector<std::string>{"dns:his2.example"};
  EXPECT_EQ(must(house_.clients.change(house_.administrator(), "his", change)).certificates,
            *change.certificates);
  EXPECT_EQ(who({.sha256 = "x", .dns = {"his.example"}}, "10.1.1.1"), "nobody");
  EXPECT_EQ(make("twin", {"dns:his.example"}), "ok") << "it is free again";
  EXPECT_EQ(who({.sha256 = digest, .ends_ms = house_.base.clock.now().ms}), "http.unauthenticated")
      << "it has ended";
  change = {};
  change.active = false;
  must(house_.clients.change(house_.administrator(), "lab", change));
  EXPECT_EQ(who({.sha256 = digest}), "http.unauthenticated");
}

TEST_F(ClientsTest, AClientTreatsNobodyAndHasAFitId) {
  ClientChange wanted;
  wanted.roles = Roles{Role::doctor};
  for (const char* id : {"second", "api-token", "A", "a", "-ab", "ab-", "a_b", "issuer:x"})
    EXPECT_EQ(house_.clients.create(house_.administrator(), id, wanted).error().code, "api.invalid")
        << id;
  wanted.roles = Roles{Role::integration};
  EXPECT_EQ(house_.clients.create(house_.administrator(), "brainsait", wanted).error().code,
            "client.taken");
  EXPECT_EQ(house_.clients.find("nobody").error().code, "client.unknown");
  wanted.version = 7;
  EXPECT_EQ(house_.clients.change(house_.administrator(), "brainsait", wanted).error().code,
            "precondition.failed");
}

TEST_F(ClientsTest, Trap39ARevokedKeyEndsWhatItOpened) {
  Watch watch({who_, *house_.base.store, house_.base.clock, null_logger()});
  const Clients::NewKey new_key = key();
  std::atomic<bool> lost{false};
  (void)watch.add({.who = must(shows(new_key.text)),
                   .shown = {.authorization = "Bearer " + new_key.text},
                   .lost = [&lost] { lost = true; },
                   .used_ms = {}});
  EXPECT_FALSE(rabt::test::eventually([&] { return lost.load(); }, std::chrono::milliseconds(300)));
  must(house_.clients.revoke_key(house_.administrator(), "brainsait", new_key.key.id));
  EXPECT_TRUE(rabt::test::eventually([&] { return lost.load(); }));
}

TEST_F(ClientsTest, WhatAClientWithNetworksOpenedStaysOpenWhileItIsUsed) {
  const std::string digest = crypto::base64url(crypto::sha256("one"));
  const std::string text = key().text;
  ClientChange wanted;
  wanted.addresses = std::vector<std::string>{"10.1.0.0/16"};
  wanted.certificates = std::vector<std::string>{"x5t#S256:" + digest};
  change(wanted);
  const Credential by_key{.authorization = "Bearer " + text};
  const Credential by_certificate{
      .certificate = std::make_shared<crypto::PeerCertificate>(
          crypto::PeerCertificate{.sha256 = digest, .ends_ms = house_.base.clock.now().ms + kDay})};
  for (const bool used : {true, false}) {
    EXPECT_EQ(must(who_.again(by_key, used)).actor(), "client:brainsait") << used;
    EXPECT_EQ(must(who_.again(by_certificate, used)).actor(), "client:brainsait") << used;
  }
  std::atomic<bool> lost{false};
  std::atomic<int> looks{0};
  Watch watch({who_, *house_.base.store, house_.base.clock, null_logger()});
  (void)watch.add({.who = must(shows(text)),
                   .shown = by_key,
                   .lost = [&lost] { lost = true; },
                   .used_ms =
                       [&] {
                         ++looks;
                         return house_.base.clock.monotonic_ms();
                       }});
  EXPECT_TRUE(rabt::test::eventually([&] { return looks.load() > 0; }));
  wanted = {};
  wanted.name = "Another name";
  change(wanted);
  EXPECT_TRUE(rabt::test::eventually([&] { return looks.load() > 1; }));
  EXPECT_FALSE(rabt::test::eventually([&] { return lost.load(); }, std::chrono::milliseconds(300)));
  wanted.active = false;
  change(wanted);
  EXPECT_TRUE(rabt::test::eventually([&] { return lost.load(); }));
}

// ---- signed assertions

class AssertionTest : public ClientsTest {
 protected:
  static const test::TestKey& ec() {
    static const test::TestKey kKey = test::ec_key("ec");
    return kKey;
  }
  static const test::TestKey& rsa() {
    static const test::TestKey kKey = test::rsa_key("rsa");
    return kKey;
  }
  static Json jwks() { return Json::object({{"keys", Json::array({ec().jwk, rsa().jwk})}}); }
  AssertionTest() {
    ClientChange wanted;
    wanted.jwks = jwks();
    change(wanted);
  }
  [[nodiscard]] std::int64_t now_s() { return house_.base.clock.now().ms / 1000; }
  Json claims() {
    return Json::object({{"iss", "brainsait"},
                         {"sub", "brainsait"},
                         {"aud", "https://hub.example/auth/token"},
                         {"exp", now_s() + 240},
                         {"jti", "j" + std::to_string(++jti_)}});
  }
  std::string sign(const Json& claims, const std::string& algorithm = "ES384",
                   const std::string& kid = "") {
    const bool of_ec = algorithm == "ES384";
    const Json header =
        Json::object({{"kid", kid.empty() ? (of_ec ? "ec" : "rsa") : kid}, {"typ", "JWT"}});
    const std::string& pem = of_ec ? ec().pem : rsa().pem;
    return must(crypto::sign_jwt(as_bytes(pem), algorithm, header.dump(), claims.dump()));
  }
  Result<Clients::Grant> grant(const std::string& assertion, std::string_view scope = {}) {
    return house_.clients.grant({.client = "10.1.2.3", .request = "r"}, assertion, scope);
  }
  std::string refusal(const Json& claims) {
    const auto granted = grant(sign(claims));
    return granted.ok() ? "ok" : granted.error().code;
  }
  int jti_ = 0;
};

TEST_F(AssertionTest, AnAssertionGivesATokenOfFiveMinutes) {
  const Clients::Grant granted = must(grant(sign(claims())));
  EXPECT_EQ(granted.expires_in, 300);
  EXPECT_EQ(must(shows(granted.token)).actor(), "client:brainsait");
  const Clients::Grant less = must(grant(sign(claims(), "RS384"), "auditor"));
  EXPECT_EQ(must(shows(less.token)).roles, Roles{Role::auditor});
  EXPECT_EQ(grant(sign(claims()), "auditor admin").error().code, "auth.scope");
  EXPECT_EQ(grant(sign(claims()), "system/*.read").error().code, "auth.scope");
  ClientChange fewer;
  fewer.roles = Roles{Role::integration};
  change(fewer);
  EXPECT_FALSE(shows(less.token).ok()) << "a change ends its tokens";
  const Clients::Grant last = must(grant(sign(claims())));
  house_.base.clock.advance_ms(300'000);
  EXPECT_FALSE(shows(last.token).ok());
}

TEST_F(AssertionTest, AnAssertionCountsOnceAndSaysWhoForWhomAndUntilWhen) {
  const std::string once = sign(claims());
  EXPECT_TRUE(grant(once).ok());
  EXPECT_EQ(grant(once).error().code, "auth.client");
  const auto with = [&](std::string_view name, Json value) {
    Json out = claims();
    if (value.is_null()) {
      out.mutable_object().erase(name);
    } else {
      out.set(name, std::move(value));
    }
    return out;
  };
  EXPECT_EQ(refusal(claims()), "ok");
  for (const Json& bad :
       {with("iss", "other"), with("sub", "other"), with("sub", {}), with("aud", {}),
        with("aud", "https://hub.example/auth/tokens"), with("aud", "https://hub.example"),
        with("aud", Json::array({"https://hub.example/auth/token", "https://other.example"})),
        with("exp", {}), with("exp", now_s() - 61), with("exp", now_s() + 400), with("exp", "soon"),
        with("iat", now_s() + 100), with("nbf", now_s() + 100), with("jti", {}), with("jti", 7),
        with("jti", std::string(300, 'x'))})
    EXPECT_EQ(refusal(bad), "auth.client") << bad.dump();
  EXPECT_EQ(refusal(with("aud", Json::array({"https://hub.example/auth/token"}))), "ok");
  // Another key, another algorithm for the key, no key.
  EXPECT_EQ(grant(sign(claims(), "ES384", "rsa")).error().code, "auth.client");
  EXPECT_EQ(grant(sign(claims(), "ES384", "none")).error().code, "auth.client");
  std::string cut = sign(claims());
  cut.back() = cut.back() == 'A' ? 'Q' : 'A';
  EXPECT_EQ(grant(cut).error().code, "auth.client");
  // An assertion is not accepted as an access token.
  EXPECT_FALSE(shows(sign(claims())).ok());
}

// A token that was requested with a certificate is refused with any other certificate.
TEST_F(AssertionTest, Trap62ATokenIsGoodWithTheCertificateThatItWasAskedForWith) {
  const Caller by{.who = {.tenant = "t1"}, .client = "10.1.2.3", .request = "r1"};
  const crypto::PeerCertificate own{.sha256 = "own",
                                    .ends_ms = house_.base.clock.now().ms + 60'000};
  const crypto::PeerCertificate other{.sha256 = "other"};
  const std::string token = must(house_.clients.grant(by, sign(claims()), "", &own)).token;
  const auto holds = [&](const crypto::PeerCertificate* certificate) {
    return who_
        .principal(
            {.authorization = "Bearer " + token, .certificate = certificate, .client = "10.1.2.3"})
        .ok();
  };
  EXPECT_TRUE(holds(&own));
  EXPECT_FALSE(holds(&other));
  EXPECT_FALSE(holds(nullptr));
  house_.base.clock.advance_ms(60'000);
  EXPECT_FALSE(holds(&own)) << "the certificate has ended within the connection";
}

TEST_F(AssertionTest, AClientPublishesPublicKeysOnly) {
  ClientChange wanted;
  Json keys = jwks();
  for (const char* member : {"d", "k"}) {
    Json bad = keys["keys"][0];
    bad.set(member, "AQAB");
    wanted.jwks = Json::object({{"keys", Json::array({bad})}});
    EXPECT_EQ(house_.clients.change(house_.administrator(), "brainsait", wanted).error().code,
              "api.invalid");
  }
  // Keys of other kinds beside those that sign are left alone.
  Json encrypts = keys["keys"][1];
  encrypts.set("use", "enc");
  wanted.jwks = Json::object({{"keys", Json::array({encrypts, keys["keys"][0]})}});
  EXPECT_TRUE(house_.clients.change(house_.administrator(), "brainsait", wanted).ok());
  wanted.jwks = Json::object({{"keys", Json::array({encrypts})}});
  EXPECT_FALSE(house_.clients.change(house_.administrator(), "brainsait", wanted).ok());
  wanted.jwks = Json::object({{"keys", Json::array({})}});
  EXPECT_FALSE(house_.clients.change(house_.administrator(), "brainsait", wanted).ok());
  wanted.jwks = Json();
  change(wanted);
  EXPECT_EQ(refusal(claims()), "auth.client");
}

}  // namespace
}  // namespace rabt::identity::clients_test
