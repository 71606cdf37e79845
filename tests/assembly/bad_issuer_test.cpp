#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string_view>
#include <thread>

#include "hub/assembly/hub.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/policy.hpp"
#include "tests/identity/line_program.hpp"
#include "tests/npm.hpp"
#include "tests/recording_logger.hpp"

// A whole hub, and an issuer that is wrong in every way, made with jose from npm.
namespace rabt::assembly::bad_issuer_test {
namespace {

namespace fs = std::filesystem;

// Use of a token: as a bearer token, or at the end of an OpenID Connect sign-in.
enum class Where : std::uint8_t { both, bearer, sign_in };
struct Case {
  // As bad_issuer.mjs calls it.
  std::string_view name;
  // Reason in the audit log; the caller gets no reason.
  std::string_view why;
  Where where = Where::both;
  // Reason for a sign-in, if different.
  std::string_view why_sign_in{};
};

constexpr std::string_view kSignature = "no key of the issuer made the signature";
constexpr std::string_view kNotBase64 = "a part of the token is not base64url";
constexpr std::string_view kHeader = "the header is no JSON object, or names a member twice";
constexpr std::string_view kClaims = "the claims are no JSON object, or name a member twice";
constexpr std::string_view kNoObject = "the claims are no JSON object";
constexpr std::string_view kNoText = "`alg`, `kid` or `typ` is no text, or too long";
constexpr std::string_view kParts = "the token does not have three parts";
constexpr std::string_view kUse = "no access token";
constexpr std::string_view kType = "the token is of another type";
constexpr std::string_view kIssuer = "no issuer of the configuration has the `iss` of the token";
constexpr std::string_view kOtherIssuer = "`iss` is another issuer";
constexpr std::string_view kAudience = "the token is for another audience";
constexpr std::string_view kOtherClient = "`aud` is another client";
constexpr std::string_view kParty = "`azp` is another client";
constexpr std::string_view kExpires = "`exp` is missing or no date";
constexpr std::string_view kExpired = "the token has expired";
constexpr std::string_view kEarly = "the token is not good yet";
constexpr std::string_view kMade = "`iat` is missing, early or long ago";
constexpr std::string_view kNonce = "`nonce` is missing or another one";

constexpr Case kCases[] = {
    {"alg none", kSignature},
    {"alg None with a kid", kSignature},
    {"no alg", kSignature},
    {"no signature", kSignature},
    {"a signature of other claims", kSignature},
    {"HS256 with the public key", kSignature},
    {"HS256 with the modulus", kSignature},
    {"PS256 where the key is for RS256", kSignature},
    {"ES256 in DER", kSignature},
    {"a weak key", kSignature},
    {"an unknown kid", kSignature},
    {"kid of another key", kSignature},
    {"a key of its own under a known kid", kSignature},
    {"a key of its own under none", kSignature},
    {"an embedded jwk", "the header has `jwk`, which is not taken"},
    {"its own jku", "the header has `jku`, which is not taken"},
    {"its own x5u", "the header has `x5u`, which is not taken"},
    {"a jku, rightly signed", "the header has `jku`, which is not taken"},
    {"an unknown crit", "the header has `crit`, which is not taken"},
    {"an empty crit", "the header has `crit`, which is not taken"},
    {"b64 false", "the header has `crit`, which is not taken"},
    {"b64 false without crit", "the header has `b64`, which is not taken"},
    {"a header that names alg twice", kHeader},
    {"a kid of 300 bytes", kNoText},
    {"a kid that is a number", kNoText},
    {"JWE", kParts},
    // Beyond 16 KiB no header is read at all.
    {"a long one", "the token is too long", Where::bearer},
    {"a very long one", "the token is too long", Where::sign_in},
    {"padded", kNotBase64},
    {"standard base64", kNotBase64},
    {"four parts", kParts},
    {"claims that are a list", kClaims, Where::both, kNoObject},
    {"claims that are no JSON", kClaims, Where::both, kNoObject},
    {"a claim twice", kClaims, Where::both, kNoObject},
    {"another iss", kIssuer, Where::both, kOtherIssuer},
    {"no iss", kIssuer, Where::both, kOtherIssuer},
    {"iss that is a list", "`iss` is no text", Where::both, kOtherIssuer},
    {"another aud", kAudience, Where::both, kOtherClient},
    {"no aud", "`aud` is missing", Where::both, kOtherClient},
    {"aud that begins like ours", kAudience, Where::both, kOtherClient},
    {"another azp", kParty, Where::sign_in},
    {"several aud without azp", kParty, Where::sign_in},
    {"expired", "", Where::both, kExpired},
    {"no exp", kExpires, Where::both, kExpired},
    {"exp that is a text", kExpires, Where::both, kExpired},
    {"exp far beyond all dates", kExpires, Where::both, kExpired},
    {"not good yet", kEarly},
    {"made in the future", kEarly, Where::both, kMade},
    {"made long ago", "the token lives longer than `max_lifetime` of its issuer allows",
     Where::both, kMade},
    {"no sub", "the token names nobody", Where::both, "`sub` is no text, or too long"},
    {"sub that is a list", "the token names nobody", Where::both, "`sub` is no text, or too long"},
    {"no nonce", kNonce, Where::sign_in},
    {"another nonce", kNonce, Where::sign_in},
    {"an ID token", kUse, Where::bearer},
    {"a logout token", kUse, Where::both, kType},
    {"typ of a logout token", kUse, Where::both, kType},
    {"typ of a DPoP proof", kUse, Where::both, kType},
    {"for the holder of a key", "`cnf` asks for a proof that the hub does not take", Where::bearer},
};

// Issuers whose keys cannot be had, by their folders.
constexpr std::string_view kBadSets[] = {
    "weak",  "private", "shared",  "encryption", "operations", "algorithm", "many",
    "empty", "none",    "failing", "moved",      "page",       "huge",      "slow"};
// Issuers that are not what their address says.
constexpr std::string_view kBadDescriptions[] = {"renamed",   "slashed", "plain",  "insecure",
                                                 "elsewhere", "keyless", "broken", "twice"};

using Headers = std::vector<std::pair<std::string, std::string>>;
using Audited = std::vector<std::pair<std::string, std::string>>;

class SlowBadIssuer : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string packages = rabt::test::npm_folder("jose");
    ASSERT_NE(packages, "");
    const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
    const std::string script = packages + "/bad_issuer.mjs";
    fs::copy_file(std::string(source) + "/tests/assembly/bad_issuer.mjs", script,
                  fs::copy_options::overwrite_existing);
    issuer_ = std::make_unique<identity::test::LineProgram>(script, "");
    address_ = issuer_->read().string_or("issuer", "");
    ASSERT_NE(address_, "") << "the issuer did not start";
    std::string pattern = (fs::temp_directory_path() / "rabt-issuer-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    config_.tenant = "t1";
    config_.server.port = 0;
    config_.public_url = "https://hub.example";
    config_.rates = api::RateOptions::none();
    config_.data = (folder_ / "data").string();
    config_.plugins = (folder_ / "plugins").string();
    fs::create_directories(config_.plugins);
    config_.migrations = RABT_MIGRATIONS;
    const fs::path secret = folder_ / "client.secret";
    std::ofstream(secret) << "a secret of the two of them";
    fs::permissions(secret, fs::perms::owner_read | fs::perms::owner_write);
    add("good", secret);
    for (const std::string_view set : kBadSets) add(std::string(set), secret);
    for (const std::string_view description : kBadDescriptions)
      add(std::string(description), secret);
    auto hub = Hub::start(config_, clock_, log_, phi::strict_policy());
    ASSERT_TRUE(hub.ok()) << hub.error().code << ": " << hub.error().message;
    hub_ = *std::move(hub);
    std::getline(std::ifstream(config_.data + "/api-token"), token_);
  }
  void TearDown() override {
    hub_.reset();
    fs::remove_all(folder_);
  }
  // An issuer of bearer tokens and of sign-ins, in its folder of the bad one.
  void add(const std::string& folder, const fs::path& secret) {
    const std::string address = address_ + "/" + folder;
    config::IssuerEntry bearer;
    bearer.options.name = folder;
    bearer.options.issuer = address;
    bearer.options.audience = "rabt";
    bearer.options.jwks_url = address + "/jwks";
    bearer.options.algorithms = {"RS256", "ES256"};
    bearer.options.subject_system = "his-" + folder;
    config_.identity.issuers.push_back(std::move(bearer));
    config::OidcEntry sign_in;
    sign_in.options.name = folder;
    sign_in.options.issuer = address;
    sign_in.options.client_id = "rabt";
    sign_in.options.algorithms = {"RS256", "ES256"};
    sign_in.options.provision = true;
    sign_in.options.role_map = {{"KFH-Doctors", identity::Role::doctor}};
    sign_in.options.may_grant = {identity::Role::doctor};
    sign_in.secret.file = secret.string();
    config_.identity.oidc.push_back(std::move(sign_in));
  }

  net::Response get(const std::string& path, Headers headers) {
    net::Request request;
    request.url = hub_->url() + path;
    request.headers = std::move(headers);
    std::promise<net::Response> done;
    http_->start(std::move(request),
                 std::make_shared<const net::AllowList>(net::AllowList::anything()),
                 [&](net::Response response) { done.set_value(std::move(response)); });
    return done.get_future().get();
  }
  Json order(const char* what, std::string_view of, std::string_view name,
             const std::string& nonce = {}) {
    Json wanted = Json::object({{"case", name}, {"of", of}, {"audience", "rabt"}});
    if (!nonce.empty()) wanted.set("nonce", nonce);
    Json said = issuer_->ask(what, wanted);
    EXPECT_EQ(said.find("error"), nullptr) << name << ": " << said.dump();
    return said;
  }
  net::Response bearer(std::string_view of, std::string_view name) {
    return get("/api/v1/me",
               {{"Authorization", "Bearer " + order("token", of, name).string_or("token", "")}});
  }
  static std::string parameter(const std::string& url, const std::string& name) {
    const auto at = url.find("&" + name + "=");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 2;
    return url.substr(begin, url.find('&', begin) - begin);
  }
  // The end of a sign-in whose ID token is that of the case. says: the parameter `iss`.
  net::Response sign_in(const std::string& of, std::string_view name, const std::string& says) {
    const net::Response begun = get("/auth/oidc/" + of + "/login", {});
    if (begun.status != 303) return begun;
    const std::string at(begun.header("location"));
    EXPECT_TRUE(at.starts_with(address_ + "/" + of + "/authorize?")) << at;
    order("redeem", of, name, parameter(at, "nonce"));
    const std::string_view cookie = begun.header("set-cookie");
    return get("/auth/oidc/" + of + "/callback?code=c&state=" + parameter(at, "state") +
                   (says.empty() ? "" : "&iss=" + says),
               {{"Cookie", std::string(cookie.substr(0, cookie.find(';')))}});
  }
  net::Response sign_in(const std::string& of, std::string_view name) {
    return sign_in(of, name, address_ + "/" + of);
  }
  static std::string code(const net::Response& response) {
    const auto body = Json::parse(response.body);
    return std::to_string(response.status) + " " +
           (body.ok() ? body->string_or("code", "none") : std::string("no problem document"));
  }
  // Result and reason of the sign-ins that failed, from the oldest, when there are `count` of them.
  Audited audited(std::size_t count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    Audited out;
    do {
      out.clear();
      const net::Response page =
          get("/api/v1/audit/entries?act=user.login_failed&limit=200",
              {{"Authorization", "Bearer " + token_}, {"X-Rabt-Reason", "who tried"}});
      const auto body = Json::parse(page.body);
      EXPECT_TRUE(body.ok() && page.status == 200) << page.body;
      if (!body.ok()) return out;
      for (const Json& item : (*body)["items"].as_array()) {
        EXPECT_EQ(item.string_or("actor", ""), "anonymous") << item.dump();
        EXPECT_NE(item.string_or("client", ""), "") << item.dump();
        out.emplace_back(item.string_or("result", ""), item["detail"].string_or("why", ""));
      }
      std::reverse(out.begin(), out.end());
    } while (out.size() < count && std::chrono::steady_clock::now() < until);
    return out;
  }

  std::unique_ptr<identity::test::LineProgram> issuer_;
  std::string address_;
  SystemClock clock_;
  test::RecordingLogger log_;
  std::unique_ptr<net::HttpClient> http_ = net::make_curl_client(clock_, null_logger());
  fs::path folder_;
  config::Config config_;
  std::string token_;
  std::unique_ptr<Hub> hub_;
};

TEST_F(SlowBadIssuer, EachBearerTokenThatIsWrongIsRefusedAndAudited) {
  ASSERT_EQ(bearer("good", "good").status, 200);
  ASSERT_EQ(bearer("good", "good, ES256").status, 200);
  Audited wanted;
  std::string text;
  for (const Case& one : kCases) {
    if (one.where == Where::sign_in) continue;
    const net::Response answer = bearer("good", one.name);
    EXPECT_EQ(code(answer), "401 http.unauthenticated") << one.name;
    // The caller learns nothing: the same text for all.
    const Json body = Json::parse(answer.body).value();
    if (text.empty()) text = body.string_or("detail", "");
    EXPECT_EQ(body.string_or("detail", ""), text) << one.name;
    // Each token expires some day: that is no attempt.
    if (!one.why.empty()) wanted.emplace_back("http.unauthenticated", one.why);
  }
  EXPECT_EQ(audited(wanted.size()), wanted);
  EXPECT_EQ(bearer("good", "good").status, 200) << "the good ones are good still";
}

TEST_F(SlowBadIssuer, EachSignInWhoseTokenIsWrongIsRefusedAndAudited) {
  const auto session = [](const net::Response& answer) {
    return std::any_of(answer.headers.begin(), answer.headers.end(), [](const auto& header) {
      return header.second.starts_with("__Host-rabt=");
    });
  };
  for (const char* const good : {"good", "good, ES256"}) {
    const net::Response in = sign_in("good", good);
    ASSERT_EQ(in.status, 303) << in.body;
    EXPECT_TRUE(session(in));
  }
  Audited wanted;
  const auto refused = [&](const net::Response& answer, std::string_view why,
                           std::string_view name) {
    EXPECT_EQ(code(answer), "401 auth.oidc") << name;
    EXPECT_FALSE(session(answer)) << name;
    EXPECT_EQ(answer.body.find(why), std::string::npos) << name;
    wanted.emplace_back("auth.oidc", why);
  };
  for (const Case& one : kCases) {
    if (one.where == Where::bearer) continue;
    refused(sign_in("good", one.name), one.why_sign_in.empty() ? one.why : one.why_sign_in,
            one.name);
  }
  // RFC 9207: the answer of another issuer, or of nobody.
  for (const std::string& says : {std::string(), address_ + "/renamed", address_ + "/good/"})
    refused(sign_in("good", "good", says), "the answer is another issuer's (RFC 9207)", says);
  EXPECT_EQ(audited(wanted.size()), wanted);
  EXPECT_EQ(sign_in("good", "good").status, 303) << "the good ones are good still";
}

TEST_F(SlowBadIssuer, KeysThatAreNotPublishedAsTheyShouldBeProveNothing) {
  std::size_t failed = 0;
  for (const std::string_view set : kBadSets) {
    // Signed by a key of the set, wherever it has one that could.
    const char* const name = set == "weak" ? "a weak key" : "good";
    EXPECT_EQ(code(bearer(set, name)), "503 auth.issuer_unreachable") << set;
    EXPECT_EQ(code(sign_in(std::string(set), name)), "503 auth.issuer_unreachable") << set;
    const Audited all = audited(++failed);
    ASSERT_EQ(all.size(), failed) << set;
    EXPECT_EQ(all.back().first, "auth.issuer_unreachable") << set;
  }
}

TEST_F(SlowBadIssuer, NobodyIsSentToAnIssuerThatIsNotWhatItsAddressSays) {
  for (const std::string_view description : kBadDescriptions) {
    const net::Response begun = get("/auth/oidc/" + std::string(description) + "/login", {});
    const bool keys_elsewhere = description == "elsewhere";
    if (!keys_elsewhere) {
      EXPECT_EQ(code(begun), "503 auth.issuer_unreachable") << description;
      EXPECT_EQ(begun.header("set-cookie"), "") << description;
      continue;
    }
    // Its keys are on a host that nobody has allowed.
    EXPECT_EQ(code(sign_in(std::string(description), "good")), "503 auth.issuer_unreachable");
  }
}

}  // namespace
}  // namespace rabt::assembly::bad_issuer_test
