#include "hub/identity/authenticator.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "hub/crypto/crypto.hpp"
#include "hub/identity/ended_tokens.hpp"
#include "tests/identity/house.hpp"

namespace rabt::identity::authenticator_test {
namespace {

using rabt::test::must;
using test::House;

constexpr std::string_view kSecret = "b8Zq-41Xw_0pLm7!tRk2vNs9cYd5uEa3";
constexpr std::string_view kOther = "Yd5uEa3b8Zq-41Xw_0pLm7!tRk2vNs9c";

std::string b64(std::string_view text) {
  return crypto::base64url(as_bytes(text));
}

// A token whose claims stand as text, so that they can be wrong.
std::string raw(std::string_view claims, std::string_view secret = kSecret,
                std::string_view header = R"({"alg":"HS256","typ":"JWT"})") {
  const std::string input = b64(header) + "." + b64(claims);
  return input + "." + crypto::base64url(crypto::hmac_sha256(as_bytes(secret), input));
}

class AuthenticatorTest : public testing::Test {
 protected:
  static IssuerOptions app() {
    IssuerOptions options;
    options.name = "kiorex";
    options.secret = std::make_shared<const SecretBytes>(kSecret);
    options.subject_system = "kiorex";
    options.max_lifetime_ms = kMaxTokenLifetimeMs;
    return options;
  }
  void trust(std::vector<IssuerOptions> issuers) {
    who_.reset();
    issuers_ =
        std::make_unique<Issuers>(must(Issuers::make(std::move(issuers), house_.base.clock)));
    who_ = std::make_unique<Authenticator>(
        Authenticator::Parts{house_.people, *issuers_, house_.accounts, house_.clients, "t1"},
        ApiToken("rabt_0123"));
  }
  AuthenticatorTest() { trust({app()}); }

  [[nodiscard]] std::int64_t now_s() { return house_.base.clock.now().ms / 1000; }
  // Claims that hold, with `more` besides: JSON members that end in a comma.
  std::string claims(const std::string& more, const std::string& times = {}) {
    return "{" + more +
           (times.empty() ? "\"iat\":" + std::to_string(now_s()) +
                                ",\"exp\":" + std::to_string(now_s() + 3600)
                          : times) +
           "}";
  }
  Result<Principal> principal(const std::string& token, std::string_view actor = {}) {
    const std::string header = "Bearer " + token;
    return who_->principal({.authorization = header, .actor = actor});
  }
  bool holds(const std::string& token) { return principal(token).ok(); }
  std::string good(const std::string& subject = "u-1", const std::string& role = "doctor") {
    return raw(claims(R"("sub":")" + subject + R"(","role":")" + role + R"(",)"));
  }

  House house_;
  std::unique_ptr<Issuers> issuers_;
  std::unique_ptr<Authenticator> who_;
};

TEST_F(AuthenticatorTest, ATokenStandsForTwoFactorsWhereItsIssuerSaysSo) {
  const auto strong = [&](const std::string& more) {
    const auto who = principal(raw(claims(R"("sub":"u-1","role":"doctor",)" + more)));
    return who.ok() && house_.accounts.check_strong(*who).ok();
  };
  EXPECT_FALSE(strong("")) << "nobody said so";
  EXPECT_FALSE(strong(R"("acr":"phr",)"));
  IssuerOptions issuer = app();
  issuer.strong_acr = {"phr"};
  trust({issuer});
  EXPECT_TRUE(strong(R"("acr":"phr",)"));
  EXPECT_FALSE(strong(""));
  EXPECT_FALSE(strong(R"("acr":"PHR",)"));
  EXPECT_FALSE(strong(R"("acr":["phr"],)"));
  EXPECT_FALSE(strong(R"("acr":"phr","auth_time":)" + std::to_string(now_s() - 301) + ","));
  EXPECT_FALSE(strong(R"("acr":"phr","auth_time":"now",)"));
  EXPECT_FALSE(strong(R"("acr":"phr","auth_time":)" + std::to_string(now_s() + 9000) + ","))
      << "nobody has signed in tomorrow";
  issuer.strong_acr = {};
  issuer.second_factor = true;
  trust({issuer});
  EXPECT_TRUE(strong(""));
  EXPECT_FALSE(strong(R"("auth_time":)" + std::to_string(now_s() - 301) + ","));
}

TEST_F(AuthenticatorTest, WhoShowsNothingIsNobodyAndTheApiTokenIsAClient) {
  EXPECT_EQ(must(who_->principal({})).kind, Kind::anonymous);
  const Principal client = must(principal("rabt_0123"));
  EXPECT_EQ(client.actor(), "client:api-token");
  EXPECT_TRUE(client.is(Role::integration));
  EXPECT_FALSE(client.is(Role::doctor));
  EXPECT_EQ(client.credential.size(), 16U);
  const Principal local = must(who_->principal({.local_user = ::geteuid()}));
  EXPECT_EQ(local.actor(), "local:" + std::to_string(::geteuid()));
  EXPECT_TRUE(local.is(Role::admin));
  EXPECT_EQ(must(who_->principal({.local_user = ::geteuid() + 7777})).kind, Kind::anonymous);
  for (const char* header : {"bearer rabt_0123", "BEARER rabt_0123", "Bearer  rabt_0123"})
    EXPECT_EQ(must(who_->principal({.authorization = header})).actor(), "client:api-token");
  for (const char* header :
       {"Bearer", "Bearer ", "Basic cmFidF8wMTIzOg==", "Bearer rabt_01234", "Bearerrabt_0123"})
    EXPECT_EQ(who_->principal({.authorization = header}).error().code, "http.unauthenticated")
        << header;
}

TEST_F(AuthenticatorTest, ASubjectBecomesAPersonOnFirstSightAndStaysThatPerson) {
  const Principal first = must(principal(good("u-1", "PROVIDER")));
  EXPECT_EQ(first.kind, Kind::person);
  EXPECT_EQ(first.roles, Roles{Role::doctor});
  EXPECT_EQ(first.actor(), "person:" + first.id);
  EXPECT_EQ(must(principal(good("u-1"))).id, first.id);
  EXPECT_NE(must(principal(good("u-2"))).id, first.id);
  const Person person = must(house_.people.find("t1", first.id));
  EXPECT_EQ(person.licence, Licence::vouched);
  EXPECT_EQ(person.profile["externalIds"][0]["value"], Json("u-1"));
  // Changes that the issuer's token makes to its own person are stored.
  EXPECT_EQ(must(principal(good("u-1", "nurse"))).roles, Roles{Role::nurse});
  EXPECT_EQ(must(house_.people.having("t1", {Role::nurse})).size(), 1U);
  EXPECT_EQ(house_.base.acts(),
            (std::vector<std::string>{"user.created ok", "user.created ok", "user.changed ok"}));
  // A disabled person's token is refused.
  PersonChange change;
  change.active = false;
  must(house_.people.change(house_.administrator(), first.id, change));
  EXPECT_FALSE(holds(good("u-1")));
}

// An issuer's token cannot be taken back: the hub remembers that its owner signed out.
TEST_F(AuthenticatorTest, ATokenThatWasSignedOutIsGoodForNothing) {
  const std::string token = good("u-1");
  const std::string other = raw(claims(R"("sub":"u-1","role":"doctor","jti":"2",)"));
  const std::string nurse = good("u-2", "nurse");
  const Caller caller{.who = must(principal(token)), .request = "r"};
  ASSERT_TRUE(holds(other));
  ASSERT_TRUE(house_.accounts.logout(caller, "Bearer " + token).ok());
  EXPECT_FALSE(holds(token));
  EXPECT_TRUE(holds(other)) << "another sign-in of the same person";
  EXPECT_TRUE(holds(nurse));
  trust({app()});
  EXPECT_FALSE(holds(token)) << "it is written down";
  house_.base.clock.advance_ms(50LL * 60 * 1000);
  EXPECT_FALSE(holds(token));
  EXPECT_TRUE(holds(other));
  // A signature that can be written in two ways makes no second token.
  EXPECT_EQ(issued_token("a.b.c"), issued_token("a.b.d"));
  EXPECT_NE(issued_token("a.b.c"), issued_token("a.c.c"));
}

TEST_F(AuthenticatorTest, SigningOutEverywhereEndsTheTokensThatAPersonHas) {
  const std::string token = good("u-1");
  const std::string nurse = good("u-2", "nurse");
  const std::string undated =
      raw(claims(R"("sub":"u-1","role":"doctor",)", "\"exp\":" + std::to_string(now_s() + 3600)));
  const Caller caller{.who = must(principal(token)), .request = "r"};
  ASSERT_TRUE(holds(undated));
  ASSERT_TRUE(house_.accounts.logout_everywhere(caller, caller.who.person).ok());
  EXPECT_FALSE(holds(token));
  EXPECT_FALSE(holds(undated));
  EXPECT_TRUE(holds(nurse));
  house_.base.clock.advance_ms(2'000);
  EXPECT_TRUE(holds(good("u-1"))) << "who signs in again is in";
  EXPECT_FALSE(holds(token));
}

TEST_F(AuthenticatorTest, ASubjectMayBeAPersonOfTheHub) {
  const Person nurse = house_.person({Role::nurse}, Json::object({{"name", "N"}}));
  EXPECT_EQ(must(principal(good(nurse.id, "nurse"))).id, nurse.id);
  EXPECT_EQ(must(principal(good(uuid_of(nurse.id), "nurse"))).id, nurse.id);
  // Numbers of two systems meet by accident.
  EXPECT_NE(must(principal(good("1", "nurse"))).id, nurse.id);
  IssuerOptions numbers = app();
  numbers.subject_numbers = true;
  numbers.subject_system = "emr";
  trust({numbers});
  EXPECT_EQ(must(principal(raw(claims(R"("sub":1,"role":["NURSE"],)")))).id, nurse.id);
  // Without a claim of roles the hub's own count, under the ceiling.
  EXPECT_EQ(must(principal(raw(claims(R"("sub":1,)")))).roles, Roles{Role::nurse});
  EXPECT_EQ(house_.base.acts().size(), 2U);
}

// As the tokens of Django and of many services under one secret are.
TEST_F(AuthenticatorTest, ASharedSecretMayNameTheUserInItsOwnWords) {
  const Person nurse =
      house_.person({Role::nurse}, Json::object({{"name", "N"}, {"username", "nurse.one"}}));
  IssuerOptions own = app();
  own.subject_numbers = true;
  trust({own});
  EXPECT_EQ(must(principal(raw(claims(R"("user_id":1,"roles":["NURSE"],)")))).id, nurse.id);
  EXPECT_EQ(must(principal(raw(claims(R"("userId":"1","role":"nurse",)")))).id, nurse.id);
  EXPECT_EQ(must(principal(good("Nurse.One", "nurse"))).id, nurse.id);
  EXPECT_FALSE(holds(raw(claims(R"("sub":"","user_id":1,"role":"nurse",)"))));
  EXPECT_FALSE(holds(raw(claims(R"("id":1,"role":"nurse",)"))));
}

TEST_F(AuthenticatorTest, RolesBeyondTheCeilingAreNotTaken) {
  EXPECT_EQ(must(principal(raw(claims(R"("sub":"a","role":["admin","doctor","auditor"],)")))).roles,
            Roles{Role::doctor});
  EXPECT_FALSE(holds(good("b", "admin"))) << "nobody is made of no role";
  EXPECT_FALSE(holds(good("b", "king")));
  EXPECT_FALSE(holds(raw(claims(R"("sub":"b",)"))));
  IssuerOptions all = app();
  all.may_grant = {Role::admin, Role::patient};
  all.role_map = {{"KFH-Doctors", Role::admin}};
  trust({all});
  EXPECT_EQ(must(principal(good("c", "ADMIN"))).roles, Roles{Role::admin});
  EXPECT_EQ(must(principal(good("d", "KFH-Doctors"))).roles, Roles{Role::admin});
  EXPECT_FALSE(holds(good("e", "kfh-doctors"))) << "what is mapped is mapped exactly";
}

// Symptom: a token whose roles exclude each other was answered with 422. Cause: the error of the
// person that could not be made was the answer.
TEST_F(AuthenticatorTest, ATokenWithTwoRolesThatExcludeEachOtherIsNoProof) {
  IssuerOptions all = app();
  all.may_grant = {Role::admin, Role::doctor};
  trust({all});
  const auto refused = principal(raw(claims(R"("sub":"a","role":["admin","doctor"],)")));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, unauthenticated().code);
  EXPECT_TRUE(holds(good("a", "doctor")));
}

TEST_F(AuthenticatorTest, Traps8And9ClaimsAreWhatTheyShouldBe) {
  const std::string now = std::to_string(now_s());
  const std::string soon = std::to_string(now_s() + 60);
  const std::string who = R"("sub":"u","role":"doctor",)";
  EXPECT_TRUE(holds(raw(claims(who))));
  for (const char* bad :
       {R"("sub":"u","sub":"v","role":"doctor",)", R"("sub":["u"],"role":"doctor",)",
        R"("sub":9007199254740993,"role":"doctor",)", R"("sub":1.5,"role":"doctor",)",
        R"("sub":-1,"role":"doctor",)", R"("sub":"","role":"doctor",)",
        R"("sub":null,"role":"doctor",)", R"("role":"doctor",)",
        R"("sub":"u","role":{"doctor":true},)", R"("sub":"u","role":[1],)"})
    EXPECT_FALSE(holds(raw(claims(bad)))) << bad;
  for (const std::string& times :
       {std::string("\"iat\":") + now, "\"exp\":\"" + soon + "\"", std::string("\"exp\":1e400"),
        std::string("\"exp\":-1"), std::string("\"exp\":null"),
        "\"exp\":" + std::to_string(now_s() - 61),
        "\"exp\":" + soon + ",\"nbf\":" + std::to_string(now_s() + 120),
        "\"exp\":" + soon + ",\"nbf\":\"now\"",
        std::string("\"exp\":4102444900,\"iat\":4102444800"),
        "\"iat\":" + now + ",\"exp\":" + std::to_string(now_s() + 25 * 3600),
        "\"exp\":" + std::to_string(now_s() + 25 * 3600)})
    EXPECT_FALSE(holds(raw(claims(who, times)))) << times;
  EXPECT_TRUE(holds(
      raw(claims(who, "\"iat\":" + now + ",\"exp\":" + std::to_string(now_s() + 24 * 3600)))));
  EXPECT_TRUE(holds(raw(claims(who, "\"exp\":" + soon + ".75"))));
}

// 62, of RFC 8705 section 3.1.
TEST_F(AuthenticatorTest, Trap62ATokenForTheHolderOfAKeyNeedsThatProof) {
  const std::string soon = "\"exp\":" + std::to_string(now_s() + 60);
  const auto shows = [&](const std::string& cnf, const crypto::PeerCertificate* certificate) {
    const std::string token = raw(claims(R"("sub":"u","role":"doctor","cnf":)" + cnf + ",", soon));
    return who_->principal({.authorization = "Bearer " + token, .certificate = certificate}).ok();
  };
  const crypto::PeerCertificate own{.sha256 = "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"};
  const crypto::PeerCertificate other{.sha256 = "x"};
  const std::string bound = R"({"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})";
  EXPECT_TRUE(shows(bound, &own));
  EXPECT_FALSE(shows(bound, &other));
  EXPECT_FALSE(shows(bound, nullptr));
  for (const char* bad : {R"({"jkt":"x"})", R"({"x5t#S256":"x","jkt":"x"})", "{}", "null", "\"x\"",
                          R"({"x5t#S256":7})", R"({"x5t#S256":""})"})
    EXPECT_FALSE(shows(bad, &other)) << bad;
}

TEST_F(AuthenticatorTest, Traps10And11And12And13AudienceIssuerAndUseAreExact) {
  IssuerOptions named = app();
  named.issuer = "https://idp.example";
  named.audience = "rabt";
  IssuerOptions second = app();
  second.name = "second";
  second.issuer = "https://other.example";
  second.secret = std::make_shared<const SecretBytes>(kOther);
  trust({named, second});
  const std::string who = R"("sub":"u","role":"doctor",)";
  const std::string iss = R"("iss":"https://idp.example",)";
  EXPECT_TRUE(holds(raw(claims(who + iss + R"("aud":"rabt",)"))));
  EXPECT_TRUE(holds(raw(claims(who + iss + R"("aud":["x","rabt"],)"))));
  for (const char* aud : {"", R"("aud":"rab",)", R"("aud":"rabt2",)", R"("aud":["x"],)",
                          R"("aud":[],)", R"("aud":{"rabt":1},)", R"("aud":7,)"})
    EXPECT_FALSE(holds(raw(claims(who + iss + aud)))) << aud;
  for (const char* other :
       {"", R"("iss":"https://idp.example/",)", R"("iss":"https://IDP.example",)",
        R"("iss":"https://idp.example:443",)", R"("iss":["https://idp.example"],)", R"("iss":"",)"})
    EXPECT_FALSE(holds(raw(claims(who + other + R"("aud":"rabt",)")))) << other;
  // The key must belong to the issuer that the token names.
  EXPECT_FALSE(holds(raw(claims(who + iss + R"("aud":"rabt",)"), kOther)));
  EXPECT_FALSE(holds(raw(claims(who + R"("iss":"https://other.example",)"))));
  EXPECT_TRUE(holds(raw(claims(who + R"("iss":"https://other.example",)"), kOther)));
  EXPECT_FALSE(holds(raw(claims(who + R"("iss":"https://other.example","aud":"rabt",)"), kOther)))
      << "an audience where none is configured";
  // Tokens made for another use are refused.
  for (const char* use : {R"("nonce":"n",)", R"("at_hash":"h",)", R"("events":{},)"})
    EXPECT_FALSE(holds(raw(claims(who + iss + R"("aud":"rabt",)" + use)))) << use;
  for (const char* type : {"logout+jwt", "id+jwt", "dpop+jwt"}) {
    EXPECT_FALSE(holds(raw(claims(who + iss + R"("aud":"rabt",)"), kSecret,
                           R"({"alg":"HS256","typ":")" + std::string(type) + "\"}")))
        << type;
  }
}

TEST_F(AuthenticatorTest, Trap19ASecretThatOthersKnowStartsNothing) {
  const auto code = [&](std::string_view secret) {
    IssuerOptions options = app();
    options.secret = std::make_shared<const SecretBytes>(secret);
    const auto made = Issuers::make({options}, house_.base.clock);
    return made.ok() ? std::string("ok") : made.error().code;
  };
  for (const std::string& weak :
       {std::string("12345678"), std::string("secret"), std::string(31, 'x'), std::string(64, 'a'),
        std::string("your-256-bit-secret-your-256-bit-secret"),
        std::string("my-super-ChangeMe-key-for-production-1"),
        std::string("abcabcabcabcabcabcabcabcabcabcabcabc")})
    EXPECT_EQ(code(weak), "identity.secret") << weak;
  EXPECT_EQ(code(kSecret), "ok");
  IssuerOptions twin = app();
  twin.name = "twin";
  EXPECT_EQ(Issuers::make({app(), twin}, house_.base.clock).error().code, "identity.secret");
  twin.secret = std::make_shared<const SecretBytes>(kOther);
  EXPECT_TRUE(Issuers::make({app(), twin}, house_.base.clock).ok())
      << "without `iss` the secret tells them apart";
}

TEST_F(AuthenticatorTest, AClientActsForAPersonAndBothAreNamed) {
  const Person doctor = house_.person({Role::doctor}, Json::object({{"name", "D"}}));
  const Principal acting = must(principal("rabt_0123", doctor.id));
  EXPECT_EQ(acting.actor(), "client:api-token/person:" + doctor.id);
  EXPECT_EQ(acting.person, doctor.id);
  EXPECT_EQ(acting.roles, Roles{Role::doctor}) << "decisions are made on the person";
  EXPECT_EQ(principal("rabt_0123", "999").error().code, "authorisation.actor");
  EXPECT_EQ(principal(good(), doctor.id).error().code, "authorisation.actor");
  EXPECT_EQ(who_->principal({.authorization = {}, .actor = doctor.id}).error().code,
            "http.unauthenticated");
}

}  // namespace
}  // namespace rabt::identity::authenticator_test
