#include <gtest/gtest.h>

#include <filesystem>
#include <future>

#include "hub/net/http_client.hpp"
#include "tests/net/loopback.hpp"
#include "tests/net/mail_relay.hpp"
#include "tests/tls_files.hpp"

// Mails by SMTP, taken by a relay of others.
namespace rabt::net::mail_test {
namespace {

class Mails : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { have_relay_ = Relay::can_run(); }
  void SetUp() override {
    if (!have_relay_) GTEST_SKIP() << "install python3-aiosmtpd to run this";
  }
  Response send(Request request, const std::string& entry) {
    std::promise<Response> done;
    const auto allow = std::make_shared<AllowList>(AllowList::make({entry}, true).value());
    client().start(std::move(request), allow,
                   [&](Response response) { done.set_value(std::move(response)); });
    return done.get_future().get();
  }
  Response send(const std::string& url) { return send(request(url), url); }
  static Request request(const std::string& url) {
    Request out;
    out.url = url;
    out.body = "Subject: hello\r\n\r\nfirst\r\n.second begins with a dot\r\n";
    out.timeout_ms = 10'000;
    out.mail = Mail{.from = "clinic@example.sa", .to = "someone@example.org"};
    return out;
  }
  HttpClient& client() {
    if (!client_) client_ = make_curl_client(clock_, null_logger());
    return *client_;
  }

  FakeClock clock_;

 private:
  inline static bool have_relay_ = false;
  std::unique_ptr<HttpClient> client_;
};

std::string relay_url(int port, std::string_view scheme = "smtp",
                      std::string_view host = "127.0.0.1") {
  return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(port);
}

TEST_F(Mails, ARelayTakesTheMessageAsItIs) {
  Relay relay("");
  const Response response = send(relay_url(relay.port()));
  EXPECT_EQ(response.sent, Sent::yes) << response.error_message;
  EXPECT_EQ(response.status, 250);
  EXPECT_EQ(response.body, "250 2.0.0 OK");
  const Json mail = relay.mail();
  EXPECT_EQ(mail["from"].as_string(), "clinic@example.sa");
  EXPECT_EQ(mail["to"].dump(), R"(["someone@example.org"])");
  EXPECT_EQ(mail["text"].as_string(), "first\r\n.second begins with a dot\r\n");
}

TEST_F(Mails, ARelayThatRefusesTheReceiverAnswers) {
  Relay relay("--refuse '550 5.1.1 nobody of this name'");
  const Response response = send(relay_url(relay.port()));
  EXPECT_EQ(response.sent, Sent::yes) << response.error_message;
  EXPECT_EQ(response.status, 550);
  EXPECT_EQ(response.body, "550 5.1.1 nobody of this name");
}

TEST_F(Mails, BeyondTheMachineAMailTravelsByTlsOnly) {
  Relay relay("");
  // The same relay by name: it knows no STARTTLS.
  const Response response = send(relay_url(relay.port(), "smtp", "localhost"));
  EXPECT_EQ(response.error_code, "tls") << response.error_message;
  EXPECT_EQ(response.sent, Sent::no);
}

TEST_F(Mails, SignsInAfterStartTlsAndSaysThatAPasswordIsWrong) {
  char made[] = "/tmp/rabt-mail-XXXXXX";
  ASSERT_NE(::mkdtemp(made), nullptr);
  const std::string folder = made;
  if (!test::make_certificates(folder)) GTEST_SKIP() << "the openssl program is missing";
  const std::string files = folder + "/server.pem " + folder + "/server.key";
  auto tls = std::make_shared<TlsOptions>();
  tls->ca_file = folder + "/ca.pem";
  for (const std::string kind : {"--tls ", "--smtps "}) {
    Relay relay(kind + files + " --user clinic secret");
    const std::string url =
        relay_url(relay.port(), kind == "--tls " ? "smtp" : "smtps", "localhost");
    Request mail = request(url);
    mail.tls = tls;
    mail.mail->user = "clinic";
    mail.mail->password = "secret";
    const Response response = send(mail, url);
    EXPECT_EQ(response.status, 250) << kind << response.error_message;
    const Json seen = relay.mail();
    EXPECT_TRUE(seen["tls"].as_bool());
    EXPECT_TRUE(seen["authenticated"].as_bool());

    mail.mail->password = "wrong";
    const Response refused = send(mail, url);
    EXPECT_EQ(refused.sent, Sent::yes);
    EXPECT_EQ(refused.status, 535) << kind << refused.error_message;
    mail.tls = nullptr;
    const Response unknown = send(mail, url);
    EXPECT_EQ(unknown.error_code, "tls") << kind << unknown.error_message;
    EXPECT_EQ(unknown.sent, Sent::no);
  }
  std::filesystem::remove_all(folder);
}

// Answers each command with the next reply. The connection closes after the last, or before "".
class Script {
 public:
  explicit Script(std::vector<std::string> replies)
      : replies_(std::move(replies)), listener_([this](int fd) { serve(fd); }) {}
  [[nodiscard]] int port() const { return listener_.port(); }

 private:
  void serve(int fd) const {
    for (const std::string& reply : replies_) {
      if (reply.empty()) return;
      const std::string line = reply + "\r\n";
      (void)!::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
      if (&reply == &replies_.back()) return;
      std::string got;
      const std::string end = reply.starts_with("354") ? "\r\n.\r\n" : "\r\n";
      while (!got.ends_with(end)) {
        char c = 0;
        if (::recv(fd, &c, 1, 0) <= 0) return;
        got.push_back(c);
      }
    }
  }
  std::vector<std::string> replies_;
  Loopback listener_;
};

TEST_F(Mails, ALostReplyIsMaybeAndALateRefusalIsAnAnswer) {
  const std::vector<std::string> until_data{"220 hi", "250 hi", "250 sender", "250 receiver",
                                            "354 go on"};
  const auto with = [&](const std::string& last) {
    auto replies = until_data;
    replies.push_back(last);
    return replies;
  };
  const Script lost(with(""));
  const Response maybe = send(relay_url(lost.port()));
  EXPECT_EQ(maybe.sent, Sent::maybe) << maybe.error_message;
  EXPECT_FALSE(maybe.error_code.empty());
  EXPECT_EQ(maybe.status, 0);

  const Script refused(with("452 4.3.1 disk full"));
  const Response no = send(relay_url(refused.port()));
  EXPECT_EQ(no.sent, Sent::yes) << no.error_message;
  EXPECT_EQ(no.status, 452);
  EXPECT_EQ(no.body, "452 4.3.1 disk full");

  // It went before any command of the mail.
  const Script gone({"220 hi", ""});
  EXPECT_EQ(send(relay_url(gone.port())).sent, Sent::no);
}

TEST_F(Mails, AddressesAndRelaysAreChecked) {
  const auto refused = [this](const std::string& url, const std::string& entry,
                              const std::string& to) {
    Request mail = request(url);
    mail.mail->to = to;
    const Response response = send(std::move(mail), entry);
    EXPECT_EQ(response.sent, Sent::no);
    return response.error_code;
  };
  const std::string good = "a@example.org";
  const std::string relay = "smtp://relay.example.sa";
  for (const std::string bad :
       {"", "nobody", "a@b> RCPT TO:<c@d", "a@b\r\nRSET", "a b@example.org"})
    EXPECT_EQ(refused(relay, relay, bad), "not_allowed") << bad;
  // The list names another scheme, or none.
  EXPECT_EQ(refused(relay, "smtps://relay.example.sa:587", good), "not_allowed");
  EXPECT_EQ(refused(relay, "relay.example.sa:587", good), "not_allowed");
  EXPECT_EQ(refused("smtp://relay.example.sa/x", relay, good), "not_allowed");
  EXPECT_EQ(refused("https://relay.example.sa", "relay.example.sa", good), "not_allowed");
  // A request of HTTP reaches no relay.
  Request web;
  web.url = relay;
  EXPECT_EQ(send(std::move(web), relay).error_code, "not_allowed");
}

}  // namespace
}  // namespace rabt::net::mail_test
