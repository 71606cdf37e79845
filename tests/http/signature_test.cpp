#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/http/problem.hpp"
#include "hub/http/webhook_signature.hpp"

namespace rabt::http::signature_test {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

SignatureConfig config_of(SignatureScheme scheme, const std::vector<std::string>& secrets) {
  SignatureConfig config;
  config.scheme = scheme;
  for (const auto& secret : secrets) config.secrets.emplace_back(std::string_view(secret));
  return config;
}

void expect_denied(const Result<Verified>& result) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, "http.signature");
  const auto response = problem(result.error());
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.body.find(result.error().message), std::string::npos)
      << "the caller learns which part failed";
}

// ---- Standard Webhooks: the example of the specification
constexpr std::string_view kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::int64_t kStamp = 1614265330;

SignatureConfig standard() {
  SignatureConfig config;
  config.secrets.push_back(parse_whsec(kSecret).value());
  return config;
}

Request delivery(Headers changes = {}, std::string body = R"({"test": 2432232314})") {
  Request request{.method = "POST", .target = "/hooks/a", .path = "/hooks/a"};
  request.headers = {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                     {"webhook-timestamp", std::to_string(kStamp)},
                     {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
  request.body = std::move(body);
  for (auto& [name, value] : changes) {
    std::erase_if(request.headers, [&](const auto& header) { return header.first == name; });
    if (value != "-") request.headers.emplace_back(name, value);
  }
  return request;
}

Timestamp at(std::int64_t seconds) {
  return {seconds * 1000};
}

std::string sign(std::string_view id, std::int64_t stamp, std::string_view body) {
  const auto secret = parse_whsec(kSecret).value();
  return "v1," + to_base64(crypto::hmac_sha256(
                     secret.expose(),
                     std::string(id) + "." + std::to_string(stamp) + "." + std::string(body)));
}

TEST(StandardWebhooks, AcceptsThePublishedExample) {
  const auto verified = verify(standard(), delivery(), at(kStamp));
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_EQ(verified->dedupe_id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_TRUE(verified->id_from_sender);
}

TEST(StandardWebhooks, RefusesAnyChange) {
  const auto config = standard();
  for (const auto& request :
       {delivery({}, R"({"test": 2432232315})"), delivery({}, ""),
        delivery({{"webhook-id", "msg_other"}}), delivery({{"webhook-id", "-"}}),
        delivery({{"webhook-timestamp", std::to_string(kStamp + 1)}}),
        delivery({{"webhook-timestamp", "-"}}), delivery({{"webhook-timestamp", "1614265330.0"}}),
        delivery({{"webhook-timestamp", "+1614265330"}}), delivery({{"webhook-timestamp", ""}}),
        delivery({{"webhook-signature", "-"}}), delivery({{"webhook-signature", ""}}),
        delivery({{"webhook-signature", "v1,"}}), delivery({{"webhook-signature", "v1"}}),
        delivery({{"webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}),
        delivery({{"webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}),
        delivery({{"webhook-signature", "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}),
        delivery({{"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="}})}) {
    expect_denied(verify(config, request, at(kStamp)));
  }
  auto doubled = delivery();
  doubled.headers.push_back(doubled.headers.front());
  expect_denied(verify(config, doubled, at(kStamp)));
}

TEST(StandardWebhooks, ToleratesThreeHundredSecondsBothWaysAndNoMore) {
  const auto config = standard();
  EXPECT_TRUE(verify(config, delivery(), at(kStamp + 300)).ok());
  EXPECT_TRUE(verify(config, delivery(), at(kStamp - 300)).ok());
  expect_denied(verify(config, delivery(), at(kStamp + 301)));
  expect_denied(verify(config, delivery(), at(kStamp - 301)));
}

TEST(StandardWebhooks, FindsTheGoodOneOfSeveralSignaturesAndSecrets) {
  auto config = standard();
  const auto list = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,xyz " +
                    sign("msg_p5jXN8AQM9LWM0D4loKWxJek", kStamp, delivery().body);
  EXPECT_TRUE(verify(config, delivery({{"webhook-signature", list}}), at(kStamp)).ok());
  config.secrets.insert(config.secrets.begin(),
                        parse_whsec("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").value());
  EXPECT_TRUE(verify(config, delivery(), at(kStamp)).ok());
  config.secrets.pop_back();
  expect_denied(verify(config, delivery(), at(kStamp)));
  std::string many;
  for (std::size_t i = 0; i < kMaxSignatureEntries; ++i) many += "v1,x ";
  expect_denied(verify(standard(),
                       delivery({{"webhook-signature", many + sign("msg_p5jXN8AQM9LWM0D4loKWxJek",
                                                                   kStamp, delivery().body)}}),
                       at(kStamp)));
}

TEST(StandardWebhooks, BytesCannotMoveBetweenIdTimestampAndBody) {
  // id "a.<stamp>" with body "x" signs the same bytes as id "a" with body "<stamp>.x".
  const auto stamp = std::to_string(kStamp);
  const auto signature = sign("a", kStamp, stamp + ".x");
  EXPECT_TRUE(
      verify(standard(),
             delivery({{"webhook-id", "a"}, {"webhook-signature", signature}}, stamp + ".x"),
             at(kStamp))
          .ok());
  expect_denied(verify(
      standard(), delivery({{"webhook-id", "a." + stamp}, {"webhook-signature", signature}}, "x"),
      at(kStamp)));
}

TEST(StandardWebhooks, SecretsAreReadStrictly) {
  EXPECT_TRUE(parse_whsec(kSecret).ok());
  for (const auto* text :
       {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa",
        "whsec_AAAA", "whsec_!!!!", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    const auto parsed = parse_whsec(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, "http.webhook_secret");
  }
}

// ---- Twilio: the examples of its documentation
Request twilio_form(std::string target = "/myapp.php?foo=1&bar=2") {
  Request request{.method = "POST", .target = target, .path = "/myapp.php"};
  request.query = {{"foo", "1"}, {"bar", "2"}};
  request.headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"},
                     {"x-twilio-signature", "L/OH5YylLD5NRKLltdqwSvS0BnU="}};
  request.body =
      "To=%2B18005551212&From=%2B14158675310&Digits=1234&Caller=%2B14158675310&CallSid="
      "CA1234567890ABCDE";
  return request;
}
SignatureConfig twilio(const std::string& url = "https://example.com") {
  auto config = config_of(SignatureScheme::twilio, {"12345"});
  config.public_url = url;
  return config;
}
std::string twilio_sign(const std::string& text) {
  return to_base64(crypto::hmac_sha1(as_bytes("12345"), text));
}

TEST(Twilio, AcceptsThePublishedExamples) {
  const auto verified = verify(twilio(), twilio_form(), at(0));
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_FALSE(verified->id_from_sender);
  EXPECT_EQ(verified->dedupe_id.size(), 64U);
  auto older = twilio_form();
  older.headers[1].second = "0/KCTR6DLpKmkAf8muzZqo1nDgQ=";
  older.body =
      "CallSid=CA1234567890ABCDE&Caller=%2B12349013030&Digits=1234&From=%2B12349013030&To=%"
      "2B18005551212";
  EXPECT_TRUE(verify(twilio("https://mycompany.com"), older, at(0)).ok());
}

TEST(Twilio, TriesTheUrlWithAndWithoutItsPort) {
  auto request = twilio_form();
  EXPECT_TRUE(verify(twilio("https://example.com:443"), request, at(0)).ok());
  const std::string form =
      "CallSidCA1234567890ABCDECaller+14158675310Digits1234From+14158675310To+18005551212";
  request.headers[1].second = twilio_sign("https://example.com:443/myapp.php?foo=1&bar=2" + form);
  EXPECT_TRUE(verify(twilio(), request, at(0)).ok());
  request.headers[1].second = twilio_sign("http://example.com:80/p/myapp.php?foo=1&bar=2" + form);
  EXPECT_TRUE(verify(twilio("http://example.com/p"), request, at(0)).ok());
  request.headers[1].second = twilio_sign("https://example.com:8443/myapp.php?foo=1&bar=2" + form);
  EXPECT_TRUE(verify(twilio("https://example.com:8443"), request, at(0)).ok());
  expect_denied(verify(twilio(), request, at(0)));
}

TEST(Twilio, RefusesAnyChange) {
  const auto changed = [](auto&& change) {
    auto request = twilio_form();
    change(request);
    expect_denied(verify(twilio(), request, at(0)));
  };
  changed([](Request& r) { r.body += "&X=1"; });
  changed([](Request& r) { r.body += "%zz"; });
  changed([](Request& r) { r.body.clear(); });
  changed([](Request& r) { r.target = "/myapp.php?foo=1&bar=3"; });
  changed([](Request& r) { r.headers.pop_back(); });
  changed([](Request& r) { r.headers.push_back(r.headers.back()); });
  changed([](Request& r) { r.headers[1].second = "L/OH5YylLD5NRKLltdqwSvS0BnV="; });
  changed([](Request& r) { r.headers[0].second = "application/json"; });
  changed([](Request& r) { r.headers[0].second = "multipart/form-data"; });
  expect_denied(verify(twilio("https://example.org"), twilio_form(), at(0)));
}

TEST(Twilio, TheIdempotencyHeaderIsNotPartOfTheIdentity) {
  auto request = twilio_form();
  const auto first = verify(twilio(), request, at(0));
  request.headers.emplace_back("i-twilio-idempotency-token", "anything");
  const auto second = verify(twilio(), request, at(0));
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->dedupe_id, second->dedupe_id);
}

TEST(Twilio, RepeatedParametersCountOnceAndSorted) {
  auto request = twilio_form("/x");
  request.query.clear();
  request.body = "M=b&M=a&M=b&A=1";
  request.headers[1].second = twilio_sign("https://example.com/xA1MaMb");
  EXPECT_TRUE(verify(twilio(), request, at(0)).ok());
}

TEST(Twilio, AJsonBodyIsBoundByTheDigestInTheUrl) {
  Request request{.method = "POST", .target = "", .path = "/x"};
  request.body = R"({"a":1})";
  const auto digest = to_hex(crypto::sha256(request.body));
  request.target = "/x?bodySHA256=" + digest;
  request.query = {{"bodySHA256", digest}};
  request.headers = {{"content-type", "application/json"},
                     {"x-twilio-signature", twilio_sign("https://example.com" + request.target)}};
  EXPECT_TRUE(verify(twilio(), request, at(0)).ok());
  request.body = R"({"a":2})";
  expect_denied(verify(twilio(), request, at(0)));
}

// ---- static token
TEST(StaticToken, AcceptsTheTokenAndOnlyTheToken) {
  auto config =
      config_of(SignatureScheme::static_token, {"old-token-0123456789", "new-token-0123456789"});
  Request request{.method = "POST", .target = "/x", .path = "/x"};
  const auto with = [&](std::string name, std::string value) {
    request.headers = {{std::move(name), std::move(value)}};
    return verify(config, request, at(0));
  };
  EXPECT_TRUE(with("authorization", "Bearer new-token-0123456789").ok());
  EXPECT_TRUE(with("authorization", "bearer old-token-0123456789").ok());
  EXPECT_TRUE(with("authorization", "BEARER  new-token-0123456789").ok());
  // "janus:new-token-0123456789", and the same without its last character.
  EXPECT_TRUE(with("authorization", "Basic amFudXM6bmV3LXRva2VuLTAxMjM0NTY3ODk=").ok());
  expect_denied(with("authorization", "Basic amFudXM6bmV3LXRva2VuLTAxMjM0NTY3OA=="));
  // "new-token-0123456789:", and no base64.
  expect_denied(with("authorization", "Basic bmV3LXRva2VuLTAxMjM0NTY3ODk6"));
  expect_denied(with("authorization", "Basic amFudXM6bmV3LXRva2VuLTAxMjM0NTY3ODk"));
  for (const auto* value :
       {"", "Bearer", "Bearer ", "new-token-0123456789", "Basic new-token-0123456789",
        "Bearer new-token-012345678", "Bearer new-token-01234567890"}) {
    expect_denied(with("authorization", value));
  }
  expect_denied(with("x-token", "new-token-0123456789"));
  config.proof_header = "X-Token";
  EXPECT_TRUE(with("x-token", "new-token-0123456789").ok());
  expect_denied(with("x-token", "Bearer new-token-0123456789"));
  request.headers.push_back(request.headers.front());
  expect_denied(verify(config, request, at(0)));
}

TEST(SignatureConfig, AnUnusableConfigurationIsExplainedAndLetsNothingIn) {
  const auto refused = [](const SignatureConfig& config) {
    const auto status = check(config);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code, "http.webhook_config");
    expect_denied(verify(config, delivery(), at(kStamp)));
  };
  refused(SignatureConfig{});
  refused(config_of(SignatureScheme::static_token, {"short"}));
  refused(config_of(SignatureScheme::static_token, {""}));
  refused(config_of(SignatureScheme::twilio, {"12345"}));
  refused(twilio("https://example.com/"));
  refused(twilio("example.com"));
  refused(twilio("https://user@example.com"));
  EXPECT_TRUE(check(twilio()).ok());
  EXPECT_TRUE(check(standard()).ok());
}

// Both directions with the senders' own libraries, when they are installed: RABT_NODE_MODULES names
// their folder.
TEST(Signature, AgreesWithTheLibrariesOfTheSenders) {
  const char* modules = std::getenv("RABT_NODE_MODULES");
  if (modules == nullptr)
    GTEST_SKIP()
        << "RABT_NODE_MODULES is not set (a node_modules folder with standardwebhooks and twilio)";
  char folder[] = "/tmp/rabt-sign-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string dir = folder;
  std::ofstream(dir + "/sign.js") << R"JS(
const { Webhook } = require('standardwebhooks');
const twilio = require('twilio');
const body = '{"a":"\u0645\u0631\u062d\u0628\u0627"}';
const when = new Date(Number(process.argv[2]) * 1000);
const params = { Body: 'a b & c=\u00e9+\n', To: '+966500000000', AccountSid: 'AC1' };
const url = 'https://hub.example.sa/hooks/t?x=1%202';
console.log(JSON.stringify({
  body,
  standard: new Webhook(process.argv[3]).sign('msg_1', when, body),
  form: new URLSearchParams(params).toString(),
  twilio: twilio.getExpectedTwilioSignature('12345', url, params),
}));
)JS";
  const std::string command = "NODE_PATH='" + std::string(modules) + "' node " + dir + "/sign.js " +
                              std::to_string(kStamp) + " " + std::string(kSecret) + " > " + dir +
                              "/out.json 2>" + dir + "/err.txt";
  if (std::system(command.c_str()) != 0) GTEST_SKIP() << "node or its packages are missing";
  std::ifstream file(dir + "/out.json");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove_all(dir);
  const auto out = Json::parse(text);
  ASSERT_TRUE(out.ok());
  const auto standard_signed =
      delivery({{"webhook-id", "msg_1"}, {"webhook-signature", (*out)["standard"].as_string()}},
               (*out)["body"].as_string());
  EXPECT_TRUE(verify(standard(), standard_signed, at(kStamp)).ok());
  Request form{.method = "POST", .target = "/hooks/t?x=1%202", .path = "/hooks/t"};
  form.headers = {{"content-type", "application/x-www-form-urlencoded"},
                  {"x-twilio-signature", (*out)["twilio"].as_string()}};
  form.body = (*out)["form"].as_string();
  EXPECT_TRUE(verify(twilio("https://hub.example.sa"), form, at(0)).ok());
}

// ---- hmac
SignatureConfig hmac_of(const std::string& secret, const std::string& header, HmacForm form = {}) {
  SignatureConfig config = config_of(SignatureScheme::hmac, {secret});
  config.proof_header = header;
  config.hmac = std::move(form);
  return config;
}

Request signed_with(const std::string& header, const std::string& value, std::string body) {
  Request request{.method = "POST", .target = "/hooks/a", .path = "/hooks/a"};
  request.headers = {{header, value}};
  request.body = std::move(body);
  return request;
}

std::string hex_mac(const std::string& secret, const std::string& content) {
  return to_hex(crypto::hmac_sha256(as_bytes(secret), content));
}

// The example of GitHub's page "Validating webhook deliveries".
TEST(Hmac, TakesTheExampleThatGithubPublishes) {
  const SignatureConfig config =
      hmac_of("It's a Secret to Everybody", "X-Hub-Signature-256", {.prefix = "sha256="});
  const std::string mac = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
  const auto judged = [&](const std::string& value, const std::string& body = "Hello, World!") {
    return verify(config, signed_with("x-hub-signature-256", value, body), at(kStamp));
  };
  const auto good = judged("sha256=" + mac);
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_FALSE(good->id_from_sender);
  EXPECT_EQ(
      judged("sha256=757107EA0EB2509FC211221CCE984B8A37570B6D7586C22C46F4379C8B043E17")->dedupe_id,
      good->dedupe_id);
  for (const std::string& value :
       {mac, "sha1=" + mac, "sha256= " + mac, "sha256=" + mac.substr(1), std::string("sha256="),
        std::string(), "sha256=" + mac + "," + mac})
    expect_denied(judged(value));
  expect_denied(judged("sha256=" + mac, "Hello, World?"));
  Request twice = signed_with("x-hub-signature-256", "sha256=" + mac, "Hello, World!");
  twice.headers.push_back(twice.headers.front());
  expect_denied(verify(config, twice, at(kStamp)));
}

TEST(Hmac, CoversTheTimeOfAListWithElements) {
  const std::string secret = "a secret of sixteen and more";
  const SignatureConfig config =
      hmac_of(secret, "stripe-signature",
              {.content = "{timestamp}.{body}", .timestamp = "t", .element = "v1"});
  // The body names the places of the form: they are text there.
  const std::string body = R"({"of":"{timestamp}.{body}"})";
  const std::string stamp = std::to_string(kStamp);
  const std::string mac = hex_mac(secret, stamp + "." + body);
  const auto judged = [&](const std::string& value, std::int64_t now = kStamp) {
    return verify(config, signed_with("stripe-signature", value, body), at(now));
  };
  EXPECT_TRUE(judged("t=" + stamp + ",v1=" + mac).ok());
  EXPECT_TRUE(judged("t=" + stamp + ", v0=old, v1=" + std::string(64, '0') + ",v1=" + mac).ok());
  EXPECT_TRUE(judged("v1=" + mac + ",t=" + stamp, kStamp + 300).ok());
  expect_denied(judged("v1=" + mac + ",t=" + stamp, kStamp + 301));
  expect_denied(judged("v1=" + mac + ",t=" + stamp, kStamp - 301));
  expect_denied(judged("v1=" + mac));
  expect_denied(judged("t=" + stamp));
  expect_denied(judged("t=" + stamp + ",t=" + stamp + ",v1=" + mac));
  expect_denied(judged("t=" + std::to_string(kStamp + 1) + ",v1=" + mac));
  expect_denied(judged("t=" + stamp + ",v0=" + mac));
  expect_denied(judged("t=" + stamp + ",v1=" + mac + "," + std::string(20, ',')));
}

TEST(Hmac, TakesBase64AndATimeOfAnotherHeader) {
  const std::string secret = "a secret of sixteen and more";
  const SignatureConfig config =
      hmac_of(secret, "x-sign",
              {.base64 = true, .content = "v2:{body}:{timestamp}", .timestamp = "x-sent"});
  const std::string stamp = std::to_string(kStamp);
  Request request =
      signed_with("x-sign", to_base64(crypto::hmac_sha256(as_bytes(secret), "v2:x:" + stamp)), "x");
  expect_denied(verify(config, request, at(kStamp)));
  request.headers.emplace_back("x-sent", stamp);
  EXPECT_TRUE(verify(config, request, at(kStamp)).ok());
  request.headers.emplace_back("x-sent", stamp);
  expect_denied(verify(config, request, at(kStamp)));
}

TEST(Signing, MakesWhatSendersPublish) {
  const auto github = http::sign(
      hmac_of("It's a Secret to Everybody", "X-Hub-Signature-256", {.prefix = "sha256="}),
      "Hello, World!", "", at(kStamp));
  ASSERT_TRUE(github.ok()) << github.error().message;
  EXPECT_EQ(*github,
            (Headers{{"X-Hub-Signature-256",
                      "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}));
  const Request example = delivery();
  const auto standard_headers =
      http::sign(standard(), example.body, example.header("webhook-id"), at(kStamp));
  ASSERT_TRUE(standard_headers.ok());
  EXPECT_EQ(*standard_headers, example.headers);
}

TEST(Signing, OfEachFormHoldsForItsOwnBodyAlone) {
  const std::string secret = "a secret of sixteen and more";
  SignatureConfig token = config_of(SignatureScheme::static_token, {secret});
  token.proof_header = "X-Token";
  std::vector<SignatureConfig> configs;
  configs.push_back(standard());
  configs.push_back(config_of(SignatureScheme::static_token, {secret}));
  configs.push_back(std::move(token));
  configs.push_back(hmac_of(secret, "stripe-signature",
                            {.content = "{timestamp}.{body}", .timestamp = "t", .element = "v1"}));
  configs.push_back(hmac_of(secret, "x-sign", {.content = "{body}", .element = "v1"}));
  configs.push_back(
      hmac_of(secret, "x-sign",
              {.base64 = true, .content = "v2:{body}:{timestamp}", .timestamp = "x-sent"}));
  for (const SignatureConfig& config : configs) {
    const auto headers = http::sign(config, "a body", "msg_1", at(kStamp));
    ASSERT_TRUE(headers.ok()) << headers.error().message;
    Request request{.method = "POST", .target = "/hooks/a", .path = "/hooks/a"};
    for (const auto& [name, value] : *headers) request.headers.emplace_back(lower(name), value);
    request.body = "a body";
    const auto verified = verify(config, request, at(kStamp));
    EXPECT_TRUE(verified.ok()) << (verified.ok() ? "" : verified.error().message);
    if (config.scheme == SignatureScheme::static_token) continue;
    request.body = "another";
    expect_denied(verify(config, request, at(kStamp)));
  }
  SignatureConfig twilio = config_of(SignatureScheme::twilio, {secret});
  twilio.public_url = "https://hub.example.sa";
  EXPECT_EQ(http::sign(twilio, "a body", "", at(kStamp)).error().code, "http.unsigned");
  EXPECT_EQ(http::sign(SignatureConfig{}, "a body", "", at(kStamp)).error().code,
            "http.webhook_config");
}

TEST(Basic, UserAndPasswordHoldTogether) {
  SignatureConfig config = config_of(SignatureScheme::basic, {"old password", "new:password"});
  config.user = "his";
  const auto sent = [](const std::string& pair) {
    Request request{.method = "POST", .target = "/hooks/a", .path = "/hooks/a"};
    request.headers = {{"authorization", "Basic " + to_base64(as_bytes(pair))}};
    request.body = "a body";
    return request;
  };
  for (const char* good : {"his:old password", "his:new:password"}) {
    const auto verified = verify(config, sent(good), at(kStamp));
    ASSERT_TRUE(verified.ok()) << good << verified.error().message;
    EXPECT_EQ(verified->dedupe_id, digest_id(sent(good)));
  }
  for (const char* bad : {"his:", "his", ":old password", "HIS:old password", "lab:old password",
                          "his:old passwore", "his:old password ", "", "his:password"}) {
    const auto verified = verify(config, sent(bad), at(kStamp));
    expect_denied(verified);
    if (!verified.ok()) {
      EXPECT_EQ(verified.error().message.find("old"), std::string::npos);
    }
  }
  Request other = sent("his:old password");
  other.headers[0].second = "Bearer old password";
  expect_denied(verify(config, other, at(kStamp)));
  other.headers[0].second = "Basic his:old password";
  expect_denied(verify(config, other, at(kStamp)));
  other.headers.clear();
  expect_denied(verify(config, other, at(kStamp)));
  const auto headers = http::sign(config, "a body", "", at(kStamp));
  ASSERT_TRUE(headers.ok()) << headers.error().message;
  EXPECT_EQ(headers->at(0).second, sent("his:old password").headers[0].second);
  config.user = "a:b";
  EXPECT_EQ(check(config).error().code, "http.webhook_config");
  config.user.clear();
  EXPECT_EQ(check(config).error().code, "http.webhook_config");
  SignatureConfig weak = config_of(SignatureScheme::basic, {"short"});
  weak.user = "his";
  EXPECT_EQ(check(weak).error().code, "http.webhook_config");
}

TEST(Hmac, AFormThatContradictsItselfIsRefusedAtStart) {
  const std::string secret = "a secret of sixteen and more";
  EXPECT_TRUE(check(hmac_of(secret, "x")).ok());
  for (const HmacForm& form :
       {HmacForm{.content = "{timestamp}"}, HmacForm{.content = "{body}{body}"},
        HmacForm{.content = "{timestamp}.{body}"}, HmacForm{.timestamp = "x-sent"},
        HmacForm{.content = "{timestamp}.{body}", .timestamp = "no header"},
        HmacForm{.prefix = "sha256=", .element = "v1"}})
    EXPECT_FALSE(check(hmac_of(secret, "x", form)).ok()) << form.content;
  EXPECT_FALSE(check(hmac_of("short", "x")).ok());
  EXPECT_FALSE(check(hmac_of(secret, "no header")).ok());
}

}  // namespace
}  // namespace rabt::http::signature_test
