#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/base/json.hpp"
#include "hub/http/webhook_signature.hpp"

// Messages of Amazon SNS, signed by the openssl command with a key of this test alone.
namespace rabt::http::sns_test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTopic = "arn:aws:sns:eu-central-1:111122223333:chime";
constexpr const char* kCertificate =
    "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem";
constexpr std::int64_t kNow = 1'773'122'401'000;  // 2026-03-10T06:00:01Z

class Sns : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = fs::temp_directory_path() / ("rabt-sns-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    const std::string make = "cd " + folder_.string() +
                             " && openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out "
                             "cert.pem -days 2 -subj /CN=sns.amazonaws.com >/dev/null 2>&1";
    ASSERT_EQ(std::system(make.c_str()), 0);
  }
  static void TearDownTestSuite() { fs::remove_all(folder_); }

  Sns() {
    config_.scheme = SignatureScheme::sns;
    config_.topics = {kTopic};
    config_.fetch = [this](const std::string& url) -> Result<std::string> {
      fetched_.push_back(url);
      if (url == kCertificate) return read(folder_ / "cert.pem");
      return unavailable("http.sns", "not now");
    };
  }
  static std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static Json notification() {
    return Json::object({{"Type", "Notification"},
                         {"MessageId", "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324"},
                         {"TopicArn", kTopic},
                         {"Message", R"({"source":"aws.chime"})"},
                         {"Timestamp", "2026-03-10T06:00:00.123Z"},
                         {"SignatureVersion", "2"},
                         {"SigningCertURL", kCertificate}});
  }
  static Json confirmation() {
    Json body = notification();
    body.set("Type", "SubscriptionConfirmation");
    body.set("Token", "2336412f37");
    body.set("SubscribeURL",
             "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37");
    return body;
  }
  // As the developer guide of SNS says: name, line end, value, line end, by the name.
  static Json signed_by_us(Json body) {
    std::string text;
    for (const char* const name : {"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp",
                                   "Token", "TopicArn", "Type"}) {
      if (body.find(name) == nullptr) continue;
      text += std::string(name) + "\n" + body.string_or(name, "") + "\n";
    }
    std::ofstream(folder_ / "text", std::ios::binary) << text;
    const std::string digest = body.string_or("SignatureVersion", "") == "1" ? "-sha1" : "-sha256";
    const std::string sign = "cd " + folder_.string() + " && openssl dgst " + digest +
                             " -sign key.pem -out signature text";
    EXPECT_EQ(std::system(sign.c_str()), 0);
    body.set("Signature", to_base64(as_bytes(read(folder_ / "signature"))));
    return body;
  }
  Result<Verified> verified(const Json& body, std::int64_t now = kNow) {
    Request request{.method = "POST", .target = "/hooks/chime", .path = "/hooks/chime"};
    request.headers = {{"content-type", "text/plain; charset=UTF-8"}};
    request.body = body.dump();
    return verify(config_, request, {now});
  }
  void expect_denied(const Json& body, std::string_view word, std::int64_t now = kNow) {
    const auto result = verified(body, now);
    ASSERT_FALSE(result.ok()) << word;
    EXPECT_EQ(result.error().code, "http.signature");
    EXPECT_NE(result.error().message.find(word), std::string::npos) << result.error().message;
  }

  static inline fs::path folder_;
  SignatureConfig config_;
  std::vector<std::string> fetched_;
};

TEST_F(Sns, BothVersionsOfTheSignatureHold) {
  for (const char* const version : {"1", "2"}) {
    Json body = notification();
    body.set("SignatureVersion", version);
    const auto result = verified(signed_by_us(body));
    ASSERT_TRUE(result.ok()) << version << " " << result.error().message;
    EXPECT_EQ(result->dedupe_id, "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324");
    EXPECT_TRUE(result->id_from_sender);
    EXPECT_EQ(result->confirm_url, "");
  }
}

TEST_F(Sns, ASubjectIsSignedToo) {
  Json body = notification();
  body.set("Subject", "a visit");
  body = signed_by_us(body);
  EXPECT_TRUE(verified(body).ok());
  body.set("Subject", "another visit");
  expect_denied(body, "does not fit");
}

TEST_F(Sns, WhatWasChangedIsRefused) {
  Json body = signed_by_us(notification());
  body.set("Message", "{}");
  expect_denied(body, "does not fit");
  body = signed_by_us(notification());
  body.set("SignatureVersion", "1");
  expect_denied(body, "does not fit");
  body.set("SignatureVersion", "3");
  expect_denied(body, "SignatureVersion");
}

TEST_F(Sns, ACertificateComesFromAmazonInTheTopicsRegionOnly) {
  for (const char* const url :
       {"https://sns.eu-central-1.amazonaws.com.evil.example/x.pem",
        "https://evil.example/sns.eu-central-1.amazonaws.com/x.pem",
        "http://sns.eu-central-1.amazonaws.com/x.pem", "https://sns.us-east-1.amazonaws.com/x.pem",
        "https://sns.eu-central-1.amazonaws.com@evil.example/x.pem",
        "https://sns.eu-central-1.amazonaws.com/x.txt",
        "https://sns.eu-central-1.amazonaws.com/\\@evil.example/x.pem"}) {
    Json body = notification();
    body.set("SigningCertURL", url);
    expect_denied(signed_by_us(body), "SigningCertURL");
  }
  EXPECT_TRUE(fetched_.empty());
}

TEST_F(Sns, OnlyConfiguredTopicsAreHeard) {
  Json body = notification();
  body.set("TopicArn", "arn:aws:sns:eu-central-1:999999999999:chime");
  expect_denied(signed_by_us(body), "TopicArn");
}

TEST_F(Sns, OldAndFutureMessagesAreRefused) {
  const Json body = signed_by_us(notification());
  EXPECT_TRUE(verified(body, kNow + 5 * 3'600'000LL).ok());
  expect_denied(body, "six hours", kNow + 7 * 3'600'000LL);
  expect_denied(body, "future", kNow - 3'600'000);
}

TEST_F(Sns, ASubscriptionIsConfirmedAtAmazonOnly) {
  const auto result = verified(signed_by_us(confirmation()));
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->confirm_url,
            "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336412f37");
  Json body = confirmation();
  body.set("SubscribeURL", "https://evil.example/");
  expect_denied(signed_by_us(body), "SubscribeURL");
}

TEST_F(Sns, ACertificateThatCannotBeFetchedIsAskedForAgainLater) {
  Json body = notification();
  body.set("SigningCertURL", "https://sns.eu-central-1.amazonaws.com/new.pem");
  const auto result = verified(signed_by_us(body));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::unavailable);
}

TEST_F(Sns, WhatIsNoMessageIsRefused) {
  expect_denied(Json::object(), "TopicArn");
  expect_denied(Json::array(), "message");
  Json body = notification();
  body.set("Type", "Gossip");
  expect_denied(signed_by_us(body), "Type");
  body = signed_by_us(notification());
  body.set("Signature", "%%%");
  expect_denied(body, "base64");
  body.set("Signature", "AAAA");
  expect_denied(body, "does not fit");
}

TEST_F(Sns, TheConfigurationNamesTopics) {
  config_.topics = {"arn:aws:s3:::bucket"};
  EXPECT_FALSE(check(config_).ok());
  config_.topics.clear();
  EXPECT_FALSE(check(config_).ok());
}

}  // namespace
}  // namespace rabt::http::sns_test
