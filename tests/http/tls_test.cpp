#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>

#include "hub/crypto/tls_server.hpp"
#include "hub/http/server.hpp"
#include "hub/http/web_socket.hpp"
#include "tests/eventually.hpp"
#include "tests/tls_files.hpp"

namespace rabt::http::tls_test {
namespace {

namespace fs = std::filesystem;

// OpenSSL's own client, which trusts one authority.
class Client {
 public:
  Client(
      int port, const std::string& authority,
      const std::function<void(SSL_CTX*)>& with = [](SSL_CTX*) {})
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)), context_(SSL_CTX_new(TLS_client_method())) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    const timeval limit{.tv_sec = 30, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(SSL_CTX_load_verify_locations(context_, authority.c_str(), nullptr), 1);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    with(context_);
    session_ = SSL_new(context_);
    SSL_set_fd(session_, fd_);
  }
  ~Client() {
    SSL_free(session_);
    SSL_CTX_free(context_);
    ::close(fd_);
  }
  bool connect() { return SSL_connect(session_) == 1; }
  void send(std::string_view text) {
    (void)SSL_write(session_, text.data(), static_cast<int>(text.size()));
  }
  // Bytes received until `end` or the end of the connection.
  std::string read_until(std::string_view end) {
    std::string out;
    char buffer[4096];
    while (out.find(end) == std::string::npos) {
      const int got = SSL_read(session_, buffer, sizeof buffer);
      if (got <= 0) break;
      out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
  }
  std::string serial() {
    X509* certificate = SSL_get1_peer_certificate(session_);
    if (certificate == nullptr) return {};
    BIGNUM* number = ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr);
    char* text = BN_bn2hex(number);
    std::string out(text);
    OPENSSL_free(text);
    BN_free(number);
    X509_free(certificate);
    return out;
  }
  SSL* session() { return session_; }

 private:
  int fd_;
  SSL_CTX* context_;
  SSL* session_ = nullptr;
};

class Echo final : public SocketHandler {
  void opened(std::shared_ptr<Socket> socket) override { socket->send("hello"); }
  void received(Socket& socket, std::string_view text) override { socket.send(text); }
  void closed() override {}
};

class TlsEdge : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!test::have_program("openssl")) GTEST_SKIP() << "the openssl command is not here";
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "rabt-tls-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    ASSERT_TRUE(test::make_certificates(folder_));
    auto opened = crypto::TlsServer::open(
        {.certificates = folder_ + "/server.pem", .key = folder_ + "/server.key"}, clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    tls_ = *std::move(opened);
    ServerOptions options{.threads = 8, .tls = tls_, .handshake_timeout_ms = 300};
    auto started = Server::start(
        options,
        [](const Request& /*head*/) -> Admission {
          return [](const Request& request) -> Response {
            if (request.path == "/s") return {.socket = std::make_shared<Echo>()};
            if (request.path == "/large") return {.body = std::string(3U << 20U, 'x') + "end"};
            return {.body = request.path + " " + std::to_string(request.body.size()) + " end"};
          };
        },
        null_logger());
    ASSERT_TRUE(started.ok());
    server_ = *std::move(started);
  }
  void TearDown() override {
    server_.reset();
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  Client client() { return Client(server_->port(), folder_ + "/ca.pem"); }

  SystemClock clock_;
  std::string folder_;
  std::shared_ptr<crypto::TlsServer> tls_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsEdge, ServesRequestsAndLargeAnswers) {
  auto one = client();
  ASSERT_TRUE(one.connect());
  EXPECT_STREQ(SSL_get_version(one.session()), "TLSv1.3");
  one.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" +
           std::string(200'000, 'b'));
  const std::string answer = one.read_until("end");
  EXPECT_TRUE(answer.ends_with("/a 200000 end"));
  EXPECT_NE(answer.find("\r\nStrict-Transport-Security: max-age=63072000; includeSubDomains\r\n"),
            std::string::npos);
  one.send("GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_GT(one.read_until("end").size(), 3U << 20U);
}

TEST_F(TlsEdge, OffersOnlyModernVersionsAndHttp11) {
  auto old = Client(server_->port(), folder_ + "/ca.pem", [](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  });
  EXPECT_FALSE(old.connect());
  auto cbc = Client(server_->port(), folder_ + "/ca.pem", [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE-RSA-AES128-SHA");
  });
  EXPECT_FALSE(cbc.connect());
  auto both = Client(server_->port(), folder_ + "/ca.pem", [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    const unsigned char protocols[] = "\x02h2\x08http/1.1";
    SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1);
  });
  ASSERT_TRUE(both.connect());
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.session(), &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
}

// testssl.sh calls it a finding when the caller's order decides.
TEST_F(TlsEdge, TheOrderOfCiphersIsItsOwn) {
  auto one = Client(server_->port(), folder_ + "/ca.pem", [](SSL_CTX* context) {
    SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256");
  });
  ASSERT_TRUE(one.connect());
  EXPECT_STREQ(SSL_get_cipher_name(one.session()), "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_F(TlsEdge, CarriesWebSockets) {
  auto one = client();
  ASSERT_TRUE(one.connect());
  one.send(
      "GET /s HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_NE(one.read_until("hello").find("101 Switching"), std::string::npos);
  for (const char* text : {"one", "two"}) {
    one.send(std::string("\x81\x83\0\0\0\0", 6) + text);
    EXPECT_TRUE(one.read_until(text).ends_with(text));
  }
}

TEST_F(TlsEdge, PlainHttpAndSilenceEndWithoutAnAnswer) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(server_->port()));
  ASSERT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  char byte = 0;
  // It says nothing: the handshake has its own limit.
  EXPECT_LE(::recv(fd, &byte, 1, 0), 0);
  ::close(fd);
  EXPECT_EQ(server_->stats().handshakes_failed, 1U);
  EXPECT_EQ(server_->stats().requests, 0U);
}

TEST_F(TlsEdge, AFileThatCannotBeReadIsNamedWithWhatTheSystemSays) {
  const std::string none = folder_ + "/none.pem";
  const auto why = [&](crypto::TlsFiles files) {
    if (files.certificates.empty()) files.certificates = folder_ + "/server.pem";
    if (files.key.empty()) files.key = folder_ + "/server.key";
    const auto opened = crypto::TlsServer::open(std::move(files), clock_);
    return opened.ok() ? "" : opened.error().code + " " + opened.error().message;
  };
  const std::string missing = " " + none + ": it cannot be read: No such file or directory";
  EXPECT_EQ(why({.certificates = none, .key = {}}), "tls.certificate the certificate" + missing);
  EXPECT_EQ(why({.certificates = {}, .key = none}), "tls.key the key" + missing);
  EXPECT_EQ(why({.certificates = {}, .key = folder_}),
            "tls.key the key " + folder_ + ": it cannot be read: Is a directory");
  const std::string ca = folder_ + "/ca.pem";
  EXPECT_EQ(why({.certificates = {}, .key = {}, .client_authorities = none}),
            "tls.client_authorities the authorities" + missing);
  EXPECT_EQ(why({.certificates = {}, .key = {}, .client_authorities = ca, .client_revoked = none}),
            "tls.client_revoked the list of revoked certificates" + missing);
}

// A wrong file leaves the old certificate in use.
TEST_F(TlsEdge, Trap61ANewCertificateIsTakenAndAWrongOneIsNot) {
  auto before = client();
  ASSERT_TRUE(before.connect());
  EXPECT_FALSE(*tls_->reload());

  const std::string kept = folder_ + "/kept.pem";
  fs::copy_file(folder_ + "/server.pem", kept);
  fs::resize_file(folder_ + "/server.pem", 100);
  const auto torn = tls_->reload();
  ASSERT_FALSE(torn.ok());
  EXPECT_EQ(torn.error().code, "tls.certificate");
  // The error came once; the file has not changed since.
  EXPECT_FALSE(*tls_->reload());
  auto during = client();
  ASSERT_TRUE(during.connect());
  EXPECT_EQ(during.serial(), before.serial());

  ASSERT_EQ(std::system(("cd " + folder_ +
                         " && cp server.key old.key && openssl genrsa -out server.key 2048 "
                         ">/dev/null 2>&1 && cp kept.pem server.pem")
                            .c_str()),
            0);
  const auto other_key = tls_->reload();
  ASSERT_FALSE(other_key.ok());
  EXPECT_EQ(other_key.error().code, "tls.key");

  ASSERT_EQ(std::system(("cd " + folder_ +
                         " && mv old.key server.key && openssl x509 -req -in server.csr -CA ca.pem "
                         "-CAkey ca.key -CAcreateserial -days 2 -extfile ext -out server.pem "
                         ">/dev/null 2>&1")
                            .c_str()),
            0);
  EXPECT_TRUE(*tls_->reload());
  auto after = client();
  ASSERT_TRUE(after.connect());
  EXPECT_NE(after.serial(), before.serial());
  before.send("GET /still HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(before.read_until("end").ends_with("/still 0 end"));
}

TEST_F(TlsEdge, ACertificateThatHasExpiredIsRefused) {
  class Later final : public Clock {
    [[nodiscard]] Timestamp now() const override {
      return {SystemClock().now().ms + 3LL * 24 * 3600 * 1000};
    }
    [[nodiscard]] std::int64_t monotonic_ms() const override { return 0; }
  } later;
  const auto opened = crypto::TlsServer::open(
      {.certificates = folder_ + "/server.pem", .key = folder_ + "/server.key"}, later);
  ASSERT_FALSE(opened.ok());
  EXPECT_NE(opened.error().message.find("expired"), std::string::npos);
}

// A listener that asks for certificates of ca.pem, beside the one that does not.
class MutualTls : public TlsEdge {
 protected:
  void SetUp() override {
    TlsEdge::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(shell(
        "mkdir other && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
        "-keyout other/ca.key -out "
        "other/ca.pem -days 2 -subj /CN=test-authority && touch index && printf "
        "'[ca]\\ndefault_ca=a\\n[a]\\ndatabase=index\\ndefault_md=sha256\\ndefault_crl_days=2\\n"
        "serial=ca.srl\\n' > ca.conf"));
    make_client("his", "ca", "subjectAltName=URI:urn:his:prod,DNS:his.example,DNS:his2.example");
    make_client("gone", "ca", "subjectAltName=DNS:gone.example");
    make_client("foreign", "other/ca", "subjectAltName=URI:urn:his:prod");
    ASSERT_TRUE(
        shell("openssl ca -config ca.conf -keyfile ca.key -cert ca.pem -revoke gone.pem && "
              "openssl ca -config ca.conf -keyfile ca.key -cert ca.pem -gencrl -out crl"));
    auto opened = crypto::TlsServer::open({.certificates = folder_ + "/server.pem",
                                           .key = folder_ + "/server.key",
                                           .client_authorities = folder_ + "/ca.pem",
                                           .client_revoked = folder_ + "/crl"},
                                          clock_);
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    asking_ = *std::move(opened);
    const auto port =
        server_->listen({.tls = asking_, .admit = [this](const Request& /*head*/) -> Admission {
                           return [this](const Request& request) -> Response {
                             seen_ = request.peer_certificate;
                             return {.body = std::string(request.header("client-cert")) + " end"};
                           };
                         }});
    ASSERT_TRUE(port.ok());
    port_ = *port;
  }
  bool shell(const std::string& commands) {
    return std::system(("cd " + folder_ + " && (" + commands + ") >/dev/null 2>&1").c_str()) == 0;
  }
  void make_client(const std::string& name, const std::string& authority,
                   const std::string& names) {
    ASSERT_TRUE(shell("echo " + names + " > " + name +
                      ".ext && openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 " +
                      "-nodes -keyout " + name + ".key -out " + name + ".csr -subj /CN=his && " +
                      "openssl x509 -req -in " + name + ".csr -CA " + authority + ".pem -CAkey " +
                      authority + ".key -CAcreateserial -days 2 -extfile " + name + ".ext -out " +
                      name + ".pem"));
  }
  // The answer to a request with this certificate. Empty when there was none.
  std::string ask(const std::string& name, const std::string& header = {}) {
    Client one(port_, folder_ + "/ca.pem", [&](SSL_CTX* context) {
      if (name.empty()) return;
      SSL_CTX_use_certificate_file(context, (folder_ + "/" + name + ".pem").c_str(),
                                   SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context, (folder_ + "/" + name + ".key").c_str(),
                                  SSL_FILETYPE_PEM);
    });
    // With TLS 1.3 the client learns of the refusal when it reads.
    if (!one.connect()) return {};
    one.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + header + "\r\n");
    return one.read_until("end");
  }

  std::shared_ptr<crypto::TlsServer> asking_;
  int port_ = 0;
  std::shared_ptr<const crypto::PeerCertificate> seen_;
};

TEST_F(MutualTls, Trap62OnlyACertificateOfTheAuthorityOpensTheListener) {
  EXPECT_TRUE(ask("his").starts_with("HTTP/1.1 200 "));
  ASSERT_NE(seen_, nullptr);
  EXPECT_EQ(seen_->uris, std::vector<std::string>{"urn:his:prod"});
  EXPECT_EQ(seen_->dns, (std::vector<std::string>{"his.example", "his2.example"}));
  ASSERT_TRUE(
      shell("openssl x509 -in his.pem -outform der | openssl dgst -sha256 -binary | base64 -w0 | "
            "tr '+/' '-_' | tr -d '=' > his.sum"));
  std::ifstream sum(folder_ + "/his.sum");
  std::string expected;
  sum >> expected;
  EXPECT_EQ(seen_->sha256, expected);

  seen_ = nullptr;
  // No certificate, one of another authority with the same name, and a revoked one.
  for (const char* name : {"", "foreign", "gone"}) EXPECT_EQ(ask(name), "") << name;
  EXPECT_EQ(seen_, nullptr);
  // The alert leaves before the handshake is counted.
  EXPECT_TRUE(test::eventually([&] { return server_->stats().handshakes_failed >= 3; }));
  EXPECT_EQ(server_->stats().handshakes_failed, 3U);
}

TEST_F(MutualTls, Trap62AHeaderIsNoCertificate) {
  auto one = client();
  ASSERT_TRUE(one.connect());
  one.send("GET /plain HTTP/1.1\r\nHost: h\r\nClient-Cert: :MIIB:\r\n\r\n");
  EXPECT_TRUE(one.read_until("end").ends_with("end"));
  // No handler sees the header: there is no proxy that is believed.
  const std::string answer = ask("his", "Client-Cert: :MIIB:\r\nClient-Cert-Chain: :MIIB:\r\n");
  EXPECT_TRUE(answer.ends_with("\r\n\r\n end")) << answer;
  EXPECT_EQ(seen_->uris, std::vector<std::string>{"urn:his:prod"});
}

TEST_F(MutualTls, ANewListOfRevokedCertificatesIsTaken) {
  EXPECT_NE(ask("his"), "");
  ASSERT_TRUE(
      shell("openssl ca -config ca.conf -keyfile ca.key -cert ca.pem -revoke his.pem && "
            "openssl ca -config ca.conf -keyfile ca.key -cert ca.pem -gencrl -out crl"));
  EXPECT_TRUE(*asking_->reload());
  EXPECT_EQ(ask("his"), "");

  std::ofstream(folder_ + "/crl") << "torn";
  const auto torn = asking_->reload();
  ASSERT_FALSE(torn.ok());
  EXPECT_EQ(torn.error().code, "tls.client_revoked");
  EXPECT_EQ(ask("his"), "");
}

}  // namespace
}  // namespace rabt::http::tls_test
