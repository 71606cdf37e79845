#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "hub/assembly/sources.hpp"
#include "hub/base/clock.hpp"
#include "hub/crypto/crypto.hpp"
#include "tests/assembly/whole_hub.hpp"
#include "tests/identity/test_keys.hpp"
#include "tests/must.hpp"

// Proofs of senders, from the configuration to the verdict on a request. No network: the client of
// HTTP answers as a stand-in for the issuer.
namespace rabt::assembly::source_proof_test {
namespace {

using identity::test::TestKey;
using rabt::test::must;

constexpr const char* kIdp = "https://idp.example.sa";
constexpr const char* kAudience = "https://rabt.example.sa/hooks/his";

// Answers each request with the JWK set, and counts.
class Published final : public net::HttpClient {
 public:
  net::RequestId start(net::Request request, std::shared_ptr<const net::AllowList> allow,
                       std::function<void(net::Response)> done) override {
    ++asked;
    EXPECT_EQ(request.url, "https://idp.example.sa/jwks");
    EXPECT_TRUE(allow->check(request.url).ok());
    EXPECT_FALSE(allow->check("https://other.example.sa/jwks").ok()) << "its own host alone";
    net::Response answer;
    if (!down) {
      answer.sent = net::Sent::yes;
      answer.status = 200;
      answer.headers = {{"content-type", "application/json"}};
      answer.body = body;
    }
    done(std::move(answer));
    return 1;
  }
  void cancel(net::RequestId /*id*/) override {}
  [[nodiscard]] Stats stats() const override { return {}; }

  std::string body;
  bool down = false;
  int asked = 0;
};

class SourceProof : public testing::Test {
 protected:
  SourceProof() {
    std::string pattern = (fs::temp_directory_path() / "rabt-proof-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~SourceProof() override { fs::remove_all(folder_); }

  static const TestKey& own() {
    static const TestKey kKey = identity::test::ec_key("own", "P-256");
    return kKey;
  }
  static const TestKey& other() {
    static const TestKey kKey = identity::test::ec_key("other", "P-256");
    return kKey;
  }
  static const TestKey& rsa() {
    static const TestKey kKey = identity::test::rsa_key("rsa", "PS256");
    return kKey;
  }
  static std::string set_of(const std::vector<const TestKey*>& keys) {
    Json list = Json::array();
    for (const TestKey* key : keys) list.push_back(key->jwk);
    return Json::object({{"keys", std::move(list)}}).dump();
  }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
    fs::permissions(folder_ / name, fs::perms::owner_read | fs::perms::owner_write);
  }
  Result<std::vector<api::Source>> sources(const std::string& lines) {
    put("rabt.yaml",
        "tenant: t1\ndata: data\nplugins: plugins\nmigrations: migrations\n"
        "plugin: {echo: {}}\nsources:\n" +
            lines);
    RABT_TRY(config, config::load_config((folder_ / "rabt.yaml").string()));
    return read_sources(config, clock_, http_);
  }
  // A source of the scheme jwt with the keys of a file, and these lines.
  std::vector<api::Source> jwt(const std::string& more = {}, const char* name = "his") {
    put("keys.json", set_of({&own(), &rsa()}));
    return must(sources("  " + std::string(name) +
                        ": {scheme: jwt, plugin: echo, jwks: keys.json, " +
                        "algs: [ES256, PS256], issuer: '" + kIdp + "', audience: '" + kAudience +
                        "'" + more + "}\n"));
  }
  [[nodiscard]] std::int64_t now() const { return clock_.now().ms / 1000; }
  [[nodiscard]] Json claims() const {
    return Json::object({{"iss", kIdp}, {"aud", kAudience}, {"iat", now()}, {"exp", now() + 300}});
  }
  static Json with(Json claims, const char* name, Json value) {
    claims.set(name, std::move(value));
    return claims;
  }
  static std::string token(const TestKey& key, const Json& claims,
                           const std::string& algorithm = "ES256",
                           const std::string& header = R"({"typ":"JWT"})") {
    return must(crypto::sign_jwt(as_bytes(key.pem), algorithm, header, claims.dump()));
  }
  static http::Request delivery(const std::string& authorization) {
    http::Request request{.method = "POST", .target = "/hooks/his", .path = "/hooks/his"};
    request.headers = {{"authorization", authorization}};
    request.body = R"({"n": 1})";
    return request;
  }
  [[nodiscard]] Result<http::Verified> judged(const api::Source& source,
                                              const std::string& token) const {
    return http::verify(source.signature, delivery("Bearer " + token), clock_.now());
  }
  // The reason for which a token is refused: for the operator, and without the token.
  [[nodiscard]] std::string why(const api::Source& source, const std::string& token) const {
    const auto verified = judged(source, token);
    if (verified.ok()) return "it was taken";
    EXPECT_EQ(verified.error().code, "http.signature");
    EXPECT_EQ(verified.error().kind, ErrorKind::denied);
    const std::string& said = verified.error().message;
    for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
      end = token.find('.', at);
      const std::string part = token.substr(at, end - at);
      const bool shown = part.size() > 4 && said.find(part) != std::string::npos;
      EXPECT_FALSE(shown) << said;
    }
    EXPECT_EQ(said.find("secret-claim"), std::string::npos) << said;
    return said;
  }

  FakeClock clock_;
  Published http_;
  fs::path folder_;
};

TEST_F(SourceProof, ATokenOfTheIssuerProvesTheSenderAndNothingElseDoes) {
  const auto all = jwt();
  const api::Source& his = all.at(0);
  EXPECT_FALSE(his.signature.asks_issuer) << "the keys are in a file";
  const auto good = judged(his, token(own(), claims()));
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_FALSE(good->id_from_sender) << "a token is no id of a delivery";
  EXPECT_EQ(good->dedupe_id, http::digest_id(delivery("")));
  EXPECT_TRUE(judged(his, token(rsa(), claims(), "PS256")).ok());
  EXPECT_TRUE(judged(his, token(own(), with(claims(), "aud", Json::array({"x", kAudience})))).ok());
  EXPECT_TRUE(judged(his, token(own(), claims(), "ES256", R"({"typ":"at+jwt"})")).ok());

  const std::string expired = why(his, token(own(), with(claims(), "exp", now() - 61)));
  EXPECT_EQ(expired, "the token has expired");
  EXPECT_TRUE(judged(his, token(own(), with(claims(), "exp", now() - 59))).ok())
      << "clocks differ by a minute";
  EXPECT_EQ(why(his, token(own(), with(claims(), "nbf", now() + 61))), "the token is not good yet");
  EXPECT_EQ(why(his, token(own(), with(claims(), "exp", "never"))), "`exp` is missing or no date");
  EXPECT_EQ(why(his, token(own(), with(claims(), "exp", now() + 7'200))),
            "the token lives longer than `max_lifetime` of its issuer allows");
  EXPECT_EQ(why(his, token(own(), with(claims(), "iss", "https://secret-claim.example"))),
            "no issuer of the configuration has the `iss` of the token");
  EXPECT_EQ(why(his, token(own(), with(claims(), "aud", "https://secret-claim.example"))),
            "the token is for another audience");
  EXPECT_EQ(why(his, token(other(), claims())), "no key of the issuer made the signature");
  EXPECT_EQ(why(his, token(own(), with(claims(), "nonce", "n"))), "no access token");
  EXPECT_NE(why(his, token(own(), with(claims(), "cnf", Json::object({{"x5t#S256", "AA"}}))))
                .find("with a certificate alone"),
            std::string::npos);
  std::string cut = token(own(), claims());
  cut.pop_back();
  EXPECT_NE(why(his, cut), "it was taken");
  EXPECT_NE(why(his, "x"), "it was taken");
  EXPECT_NE(why(his, std::string(9'000, 'a')), "it was taken");
}

// RFC 8725 sections 2.1 and 3.1: the header does not decide how a token is verified.
TEST_F(SourceProof, TheAlgorithmIsTheOneThatIsConfigured) {
  const auto all = jwt();
  const api::Source& his = all.at(0);
  const auto encoded = [](std::string_view text) { return crypto::base64url(as_bytes(text)); };
  const std::string body = encoded(claims().dump());
  for (const char* none : {"none", "None", "NONE", ""}) {
    const std::string head = encoded(R"({"alg":")" + std::string(none) + "\"}");
    EXPECT_NE(why(his, head + "." + body + "."), "it was taken") << none;
    EXPECT_NE(why(his, head + "." + body + ".c2ln"), "it was taken") << none;
  }
  // The public key as the secret of an HMAC: everybody has it.
  for (const std::string& secret :
       {rsa().jwk.dump(), rsa().jwk.string_or("n", ""),
        identity::test::output_of("printf '%s' '" + rsa().pem + "' | openssl pkey -pubout")}) {
    const std::string hs256 =
        must(crypto::sign_jwt(as_bytes(secret), "HS256", R"({"kid":"rsa"})", claims().dump()));
    EXPECT_EQ(why(his, hs256), "no key of the issuer made the signature");
  }
  // RS256 with the right key, where PS256 alone is allowed; and a key of its own in the header.
  EXPECT_EQ(why(his, token(rsa(), claims(), "RS256")), "no key of the issuer made the signature");
  EXPECT_NE(why(his, token(other(), claims(), "ES256", Json::object({{"jwk", other().jwk}}).dump()))
                .find("`jwk`"),
            std::string::npos);
}

TEST_F(SourceProof, ATokenMayHaveToBeYoungAndToNameItsSender) {
  const auto all = jwt(", max_age: 5m, require: {azp: his, scope: deliver}");
  const api::Source& his = all.at(0);
  const Json own_claims = with(with(claims(), "azp", "his"), "scope", "read deliver");
  EXPECT_TRUE(judged(his, token(own(), own_claims)).ok());
  EXPECT_TRUE(judged(his, token(own(), with(own_claims, "scope", Json::array({"deliver"})))).ok());
  const std::string azp = "the claim `azp` has not the value that is required";
  EXPECT_EQ(why(his, token(own(), with(own_claims, "azp", "secret-claim"))), azp);
  EXPECT_EQ(why(his, token(own(), with(own_claims, "azp", "his deliver"))), azp)
      << "words of scope";
  EXPECT_EQ(why(his, token(own(), with(claims(), "scope", "deliver"))), azp);
  EXPECT_EQ(why(his, token(own(), with(own_claims, "scope", "delivery"))),
            "the claim `scope` has not the value that is required");
  const Json old = with(own_claims, "iat", now() - 361);
  EXPECT_EQ(why(his, token(own(), old)), "the token is older than `max_age` allows");
  EXPECT_TRUE(judged(his, token(own(), with(old, "iat", now() - 359))).ok());
  Json undated = Json::object();
  for (const auto& [name, value] : own_claims.as_object()) {
    if (name != "iat") undated.set(name, value);
  }
  EXPECT_EQ(why(his, token(own(), undated)), "`iat` is missing, which `max_age` needs");
}

TEST_F(SourceProof, TheHeaderIsBearerAndStandsThereOnce) {
  const auto all = jwt();
  const http::SignatureConfig& signature = all.at(0).signature;
  const std::string good = token(own(), claims());
  const auto taken = [&](const http::Request& request) {
    return http::verify(signature, request, clock_.now()).ok();
  };
  EXPECT_TRUE(taken(delivery("bearer " + good))) << "RFC 9110 section 11.1";
  EXPECT_FALSE(taken(delivery("Basic " + good)));
  EXPECT_FALSE(taken(delivery(good)));
  EXPECT_FALSE(taken(delivery("")));
  http::Request twice = delivery("Bearer " + good);
  twice.headers.emplace_back("authorization", "Bearer " + good);
  EXPECT_FALSE(taken(twice));
}

TEST_F(SourceProof, EachSourceHasAnIssuerOfItsOwn) {
  put("keys.json", set_of({&own()}));
  put("lab.json", set_of({&other()}));
  const auto all = must(
      sources("  his: {scheme: jwt, plugin: echo, jwks: keys.json, algs: [ES256], issuer: a, "
              "audience: hub}\n"
              "  lab: {scheme: jwt, plugin: echo, jwks: {file: lab.json}, algs: [ES256], issuer: "
              "b, audience: hub}\n"));
  ASSERT_EQ(all.size(), 2U);
  const auto of = [this](const char* issuer) {
    return with(with(claims(), "iss", issuer), "aud", "hub");
  };
  EXPECT_TRUE(judged(all[0], token(own(), of("a"))).ok());
  EXPECT_TRUE(judged(all[1], token(other(), of("b"))).ok()) << "the set is kept as a secret is";
  for (const char* issuer : {"a", "b"}) {
    EXPECT_NE(why(all[0], token(other(), of(issuer))), "it was taken") << issuer;
    EXPECT_NE(why(all[1], token(own(), of(issuer))), "it was taken") << issuer;
  }
}

TEST_F(SourceProof, PublishedKeysAreFetchedOnceFromTheirHostAndADownIssuerIsNoForger) {
  http_.body = set_of({&own()});
  const auto all = must(sources(
      "  his: {scheme: jwt, plugin: echo, jwks: 'https://idp.example.sa/jwks', algs: [ES256], "
      "issuer: '" +
      std::string(kIdp) + "', audience: '" + kAudience + "'}\n"));
  const api::Source& his = all.at(0);
  EXPECT_TRUE(his.signature.asks_issuer) << "the lane of those who wait for others";
  EXPECT_EQ(http_.asked, 0);
  http_.down = true;
  const auto away = judged(his, token(own(), claims()));
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code, "auth.issuer_unreachable");
  EXPECT_EQ(away.error().kind, ErrorKind::unavailable) << "the sender repeats the delivery";
  http_.down = false;
  clock_.advance_ms(31'000);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(judged(his, token(own(), claims())).ok());
  EXPECT_EQ(http_.asked, 2) << "kept between tokens";
}

TEST(WeakSources, AreThoseWhoseSendersShowASecretThatStays) {
  config::Config config;
  for (const char* scheme : {"standard-webhooks", "basic", "static-token", "jwt", "hmac"}) {
    config::SourceEntry entry;
    entry.name = std::string("of-") + scheme;
    entry.scheme = scheme;
    if (entry.scheme == "basic") entry.addresses = must(api::Proxies::make({"10.1.0.0/16"}));
    config.sources.push_back(std::move(entry));
  }
  EXPECT_EQ(weak_sources(config),
            (std::vector<std::string>{
                "source of-basic: each delivery carries the password that proves its sender "
                "(basic)",
                "source of-static-token: each delivery carries the token that proves its sender "
                "(static-token), and deliveries are taken from everywhere"}));
}

// Sources of a hub that runs, over its sockets. Their plugin is not there: a delivery whose sender
// is proved gets as far as that.
class HubWithSources : public WholeHub {
 protected:
  void source(const std::string& name, const std::string& scheme, const std::string& from) {
    config::SourceEntry entry;
    entry.name = name;
    entry.scheme = scheme;
    entry.plugin = "none";
    entry.user = scheme == "basic" ? "ward" : "";
    entry.secrets = {{.file = secret(name, kPassword), .env = {}}};
    entry.addresses = must(api::Proxies::make({from}));
    config_.sources.push_back(std::move(entry));
  }
  int deliver(const std::string& name, const std::string& authorization) {
    const auto client = net::make_curl_client(clock_, null_logger());
    net::Request request;
    request.method = "POST";
    request.url = hub_->url() + "/hooks/" + name;
    request.headers = {{"Authorization", authorization}, {"Content-Type", "application/json"}};
    request.body = "{}";
    std::promise<net::Response> done;
    client->start(std::move(request),
                  std::make_shared<const net::AllowList>(net::AllowList::anything()),
                  [&](net::Response response) { done.set_value(std::move(response)); });
    const net::Response response = done.get_future().get();
    EXPECT_EQ(response.body.find(kPassword), std::string::npos) << response.body;
    return response.status;
  }
  static constexpr const char* kPassword = "wait-for-the-tide";
};

TEST_F(HubWithSources, TellsWeakSourcesAtItsStartAndWritesDownNoSecret) {
  source("ward", "basic", "127.0.0.0/8");
  source("far", "basic", "10.1.0.0/16");
  config::SourceEntry issued;
  issued.name = "his";
  issued.scheme = "jwt";
  issued.plugin = "none";
  issued.issuer.emplace();
  const TestKey key = identity::test::ec_key("own", "P-256");
  issued.issuer->jwks = secret("keys", Json::object({{"keys", Json::array({key.jwk})}}).dump());
  issued.issuer->options.issuer = kIdp;
  issued.issuer->options.audience = kAudience;
  issued.issuer->options.algorithms = {"ES256"};
  issued.issuer->options.needs_subject = false;
  config_.sources.push_back(std::move(issued));
  start();
  for (const char* name : {"ward", "far"})
    EXPECT_TRUE(log_.has("hub.weak_source why=source " + std::string(name) + ": "));
  EXPECT_FALSE(log_.has("hub.weak_source why=source his"));
  const auto health = call("operator", "GET", "/health");
  EXPECT_EQ(health.json["warnings"].size(), 2U) << health.json.dump();

  const std::string basic = "Basic " + to_base64(as_bytes("ward:" + std::string(kPassword)));
  const std::int64_t now = clock_.now().ms / 1000;
  const auto token = [&](std::int64_t ends) {
    return must(crypto::sign_jwt(
        as_bytes(key.pem), "ES256", "{}",
        Json::object({{"iss", kIdp}, {"aud", kAudience}, {"iat", now}, {"exp", ends}}).dump()));
  };
  const std::string good = token(now + 60);
  const std::string old = token(now - 600);
  const int proved = deliver("ward", basic);
  EXPECT_NE(proved, 401);
  EXPECT_NE(proved, 403);
  EXPECT_EQ(deliver("ward", "Basic " + to_base64(as_bytes("ward:another password"))), 401);
  EXPECT_EQ(deliver("far", basic), 403) << "the right password from another network";
  EXPECT_EQ(deliver("his", "Bearer " + good), proved);
  EXPECT_EQ(deliver("his", "Bearer " + old), 401);
  EXPECT_TRUE(log_.comes("hooks.address"));
  EXPECT_TRUE(log_.comes("the token has expired"));
  const auto parts = [](const std::string& text) { return text.substr(text.rfind('.') + 1); };
  for (const std::string& line : log_.lines()) {
    for (const std::string& hidden : {std::string(kPassword), basic.substr(6), parts(good),
                                      parts(old), std::string("another password")})
      EXPECT_EQ(line.find(hidden), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace rabt::assembly::source_proof_test
