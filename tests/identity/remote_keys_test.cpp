#include "hub/identity/remote_keys.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>

#include "hub/identity/issuers.hpp"
#include "tests/eventually.hpp"
#include "tests/identity/test_keys.hpp"
#include "tests/keys/support.hpp"

namespace rabt::identity::remote_keys_test {
namespace {

using keys::test::must;

constexpr std::int64_t kHour = 3600LL * 1000;

// An issuer that publishes keys, is asked and counts.
class RemoteKeysTest : public testing::Test {
 protected:
  static const test::TestKey& first() {
    static const test::TestKey kKey = test::ec_key("first");
    return kKey;
  }
  static const test::TestKey& second() {
    static const test::TestKey kKey = test::ec_key("second");
    return kKey;
  }
  static std::string set_of(std::initializer_list<Json> keys) {
    Json list = Json::array();
    for (const Json& key : keys) list.push_back(key);
    return Json::object({{"keys", std::move(list)}}).dump();
  }
  Exchange exchange() {
    return [this](const net::Request& request) -> Result<net::Response> {
      ++asked_;
      asked_with_ = request;
      if (slow_) {
        EXPECT_FALSE(
            rabt::test::eventually([this] { return asked_ > 1; }, std::chrono::milliseconds(100)));
      }
      if (down_) return unavailable("auth.issuer_unreachable", "down");
      return answer_;
    };
  }
  RemoteKeys make() {
    return {{.url = "https://idp.example/jwks", .algorithms = {"ES384"}}, exchange(), clock_};
  }
  RemoteKeysTest() { answer_.body = set_of({first().jwk}); }
  static bool has(const Result<RemoteKeys::Set>& set, std::string_view id) {
    return set.ok() && std::any_of((*set)->begin(), (*set)->end(),
                                   [&](const auto& key) { return key.id() == id; });
  }

  FakeClock clock_;
  net::Response answer_{
      .sent = net::Sent::yes, .status = 200, .headers = {{"content-type", "application/json"}}};
  std::atomic<int> asked_{0};
  std::atomic<bool> down_{false};
  std::atomic<bool> slow_{false};
  net::Request asked_with_;
};

TEST_F(RemoteKeysTest, TheSetIsFetchedOnceAndAgainWhenItsTimeHasPassed) {
  answer_.headers.emplace_back("cache-control", "public, max-age=3600");
  answer_.headers.emplace_back("etag", "\"v1\"");
  RemoteKeys keys = make();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  clock_.advance_ms(kHour - 1);
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  EXPECT_EQ(asked_, 1);
  clock_.advance_ms(1);
  answer_.status = 304;
  answer_.body.clear();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  EXPECT_EQ(asked_, 2);
  EXPECT_EQ(asked_with_.headers.back().second, "\"v1\"");
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  EXPECT_EQ(asked_, 2) << "what has not changed is fresh again";
}

TEST_F(RemoteKeysTest, AKeyThatWasRotatedInIsFoundAtOnce) {
  RemoteKeys keys = make();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  clock_.advance_ms(31'000);
  answer_.body = set_of({second().jwk});
  EXPECT_TRUE(has(keys.keys("second"), "second"));
  EXPECT_FALSE(has(keys.keys("first"), "first")) << "rotated out";
  EXPECT_EQ(asked_, 2);
}

TEST_F(RemoteKeysTest, Trap15AThousandUnknownKeysCauseOneFetch) {
  RemoteKeys keys = make();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  clock_.advance_ms(31'000);
  for (int i = 0; i < 1000; ++i)
    EXPECT_FALSE(has(keys.keys("k" + std::to_string(i)), "k" + std::to_string(i)));
  EXPECT_EQ(asked_, 2);
  EXPECT_TRUE(has(keys.keys("first"), "first")) << "what is known stays known";
}

TEST_F(RemoteKeysTest, ManyWhoComeAtOnceWaitForOneFetch) {
  slow_ = true;
  RemoteKeys keys = make();
  std::vector<std::future<bool>> all;
  for (int i = 0; i < 16; ++i)
    all.push_back(std::async(std::launch::async, [&] { return has(keys.keys("first"), "first"); }));
  for (auto& one : all) EXPECT_TRUE(one.get());
  EXPECT_EQ(asked_, 1);
}

TEST_F(RemoteKeysTest, Trap16AnIssuerThatIsDownIsTrustedToTheGraceAndNoLonger) {
  RemoteKeys keys = make();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  down_ = true;
  clock_.advance_ms(24 * kHour);
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  EXPECT_EQ(asked_, 2);
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  EXPECT_EQ(asked_, 2) << "it is not asked by each token";
  clock_.advance_ms(kHour);
  const auto after = keys.keys("first");
  ASSERT_FALSE(after.ok());
  EXPECT_EQ(after.error().code, "auth.issuer_unreachable");
  EXPECT_EQ(after.error().kind, ErrorKind::unavailable);
  down_ = false;
  clock_.advance_ms(31'000);
  EXPECT_TRUE(has(keys.keys("first"), "first"));
}

TEST_F(RemoteKeysTest, Trap17ASetThatIsUnfitChangesNothing) {
  RemoteKeys keys = make();
  EXPECT_TRUE(has(keys.keys("first"), "first"));
  Json secret = second().jwk;
  secret.set("d", "AQAB");
  Json weak = test::rsa_key("weak").jwk;
  weak.set("n", std::string(171, 'v'));
  Json large = second().jwk;
  large.set("crv", "P-521");
  std::string many = R"({"keys":[)";
  for (int i = 0; i < 65; ++i) many += (i > 0 ? "," : "") + second().jwk.dump();
  for (const std::string& bad :
       {set_of({secret}), set_of({secret, second().jwk}), set_of({weak}), set_of({large}),
        set_of({}), std::string("{}"), std::string("<html>"), many + "]}",
        set_of({second().jwk}) + std::string(300'000, ' ')}) {
    clock_.advance_ms(31'000);
    answer_.body = bad;
    EXPECT_FALSE(has(keys.keys("second"), "second")) << bad.substr(0, 80);
    EXPECT_TRUE(has(keys.keys("first"), "first")) << bad.substr(0, 80);
  }
  answer_.body = set_of({weak, large, second().jwk});
  const net::Response good = answer_;
  for (const int status : {301, 302, 404, 500, 204}) {
    clock_.advance_ms(31'000);
    answer_.status = status;
    EXPECT_FALSE(has(keys.keys("second"), "second")) << status;
  }
  answer_ = good;
  answer_.headers[0].second = "text/html";
  clock_.advance_ms(31'000);
  EXPECT_FALSE(has(keys.keys("second"), "second"));
  answer_ = good;
  clock_.advance_ms(31'000);
  EXPECT_TRUE(has(keys.keys("second"), "second")) << "the fit one of three";
}

TEST_F(RemoteKeysTest, ATokenOfAnIssuerIsVerifiedWithTheKeysThatItPublishes) {
  IssuerOptions options;
  options.name = "partner";
  options.issuer = "https://idp.example";
  options.audience = "rabt";
  options.jwks_url = "https://idp.example/jwks";
  options.algorithms = {"ES384"};
  options.may_grant = {Role::doctor};
  const Issuers issuers = must(Issuers::make({options}, clock_, exchange()));
  const std::int64_t now = clock_.now().ms / 1000;
  const auto token = [&](const test::TestKey& key, const std::string& kid) {
    return must(crypto::sign_jwt(as_bytes(key.pem), "ES384", Json::object({{"kid", kid}}).dump(),
                                 Json::object({{"iss", options.issuer},
                                               {"aud", "rabt"},
                                               {"sub", "u"},
                                               {"role", "doctor"},
                                               {"iat", now},
                                               {"exp", now + 60}})
                                     .dump()));
  };
  EXPECT_EQ(must(issuers.verify(token(first(), "first"))).subject, "u");
  EXPECT_EQ(issuers.verify(token(second(), "first")).error().kind, ErrorKind::denied);
  down_ = true;
  clock_.advance_ms(31'000);
  EXPECT_EQ(issuers.verify(token(second(), "second")).error().kind, ErrorKind::denied);
  const Issuers fresh = must(Issuers::make({options}, clock_, exchange()));
  EXPECT_EQ(fresh.verify(token(first(), "first")).error().code, "auth.issuer_unreachable");
}

// Symptom: the hub did not start with the set that Keycloak publishes, put into a file. Cause: a
// file was read key by key, and one of another kind refused all. RFC 7517 section 5 ignores them.
TEST_F(RemoteKeysTest, AFileIsReadAsKindlyAsAnAddress) {
  IssuerOptions options;
  options.name = "partner";
  options.issuer = "https://idp.example";
  options.audience = "rabt";
  options.algorithms = {"ES384"};
  options.may_grant = {Role::doctor};
  Json encrypts = test::rsa_key("enc").jwk;
  encrypts.set("use", "enc");
  encrypts.set("alg", "RSA-OAEP");
  const std::vector<Json> others{
      encrypts, Json::object({{"kty", "AKP"}, {"alg", "ML-DSA-65"}, {"kid", "pq"}, {"pub", "AA"}}),
      Json::object({{"kty", "EC"}, {"crv", "P-521"}, {"kid", "p521"}, {"x", "AA"}, {"y", "AA"}}),
      Json::object({{"kid", "without a kty"}}), Json("no key at all")};
  const auto made = [&] { return Issuers::make({options}, clock_, exchange()); };
  for (const Json& other : others) {
    for (const std::string& set : {set_of({other, first().jwk}), set_of({first().jwk, other})}) {
      options.jwks = set;
      EXPECT_TRUE(made().ok()) << other.dump();
      EXPECT_EQ(must(read_jwks(set, options.algorithms)).size(), 1U) << other.dump();
    }
    options.jwks = set_of({other});
    EXPECT_EQ(made().error().code, "crypto.jwk") << "nothing fits: " << other.dump();
  }
  for (const char* member : {"d", "p", "dp", "k", "priv"}) {
    Json secret = second().jwk;
    secret.set(member, "AQAB");
    options.jwks = set_of({first().jwk, secret});
    EXPECT_NE(made().error().message.find("partner: the JWK set holds private keys"),
              std::string::npos)
        << member;
  }
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace rabt::identity::remote_keys_test
