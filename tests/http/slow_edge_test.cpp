#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "hub/base/json.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/server.hpp"
#include "tests/eventually.hpp"
#include "tests/tls_files.hpp"
#include "tests/web_socket_client.hpp"

// The edge under load, and behind the proxies that hospitals run. Programs come from Debian; they
// start on loopback and end with their test.
namespace rabt::http::slow_edge_test {
namespace {

namespace fs = std::filesystem;
using Clock_ = std::chrono::steady_clock;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using Client = test::WebSocketClient;

constexpr std::string_view kGet = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";

class SlowEdge : public ::testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    std::string name = (fs::temp_directory_path() / "rabt-edge-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    ASSERT_TRUE(test::make_certificates(folder_));
  }
  void TearDown() override {
    for (const std::string& command : at_end_) (void)shell(command);
    server_.reset();
    fs::remove_all(folder_);
  }
  void start(const ServerOptions& options) {
    auto started = Server::start(
        options,
        [this](const Request& /*head*/) -> Admission {
          return [this](const Request& request) {
            const std::scoped_lock lock(mutex_);
            seen_.push_back(request.path);
            return Response{.body = "served"};
          };
        },
        null_logger());
    ASSERT_TRUE(started.ok()) << started.error().message;
    server_ = *std::move(started);
  }
  std::vector<std::string> take_seen() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(seen_, {});
  }
  bool shell(const std::string& commands) const {
    return std::system(("cd " + folder_ + " && (" + commands + ") >/dev/null 2>&1").c_str()) == 0;
  }
  // The slowest but one in a hundred, of so many requests on connections of their own.
  double p99_ms(int port, int requests = 300) {
    std::vector<double> taken;
    for (int i = 0; i < requests; ++i) {
      const auto start = Clock_::now();
      Client client(port);
      client.send(kGet);
      EXPECT_TRUE(client.head().starts_with("HTTP/1.1 200 "));
      taken.push_back(std::chrono::duration<double, std::milli>(Clock_::now() - start).count());
    }
    std::sort(taken.begin(), taken.end());
    return taken[taken.size() * 99 / 100];
  }

  std::string folder_;
  std::vector<std::string> at_end_;
  SystemClock clock_;
  std::unique_ptr<Server> server_;

 private:
  std::mutex mutex_;
  std::vector<std::string> seen_;
};

bool handshake(int port, const std::string& authority) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_load_verify_locations(context, authority.c_str(), nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL* session = SSL_new(context);
  const bool good = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                    SSL_set_fd(session, fd) == 1 && SSL_connect(session) == 1;
  SSL_free(session);
  SSL_CTX_free(context);
  ::close(fd);
  return good;
}

TEST_F(SlowEdge, Trap61AThousandReloadsUnderLoadFailNoHandshake) {
  ASSERT_TRUE(
      shell("cp server.pem one.pem && openssl x509 -req -in server.csr -CA ca.pem -CAkey "
            "ca.key -CAcreateserial -days 2 -extfile ext -out two.pem"));
  auto opened = crypto::TlsServer::open(
      {.certificates = folder_ + "/server.pem", .key = folder_ + "/server.key"}, clock_);
  ASSERT_TRUE(opened.ok());
  const std::shared_ptr<crypto::TlsServer> tls = *std::move(opened);
  start({.tls = tls});
  std::atomic<bool> stop{false};
  std::atomic<int> good{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      while (!stop) ++(handshake(server_->port(), folder_ + "/ca.pem") ? good : failed);
    });
  }
  int taken = 0;
  for (int i = 0; i < 1'000; ++i) {
    fs::copy_file(folder_ + (i % 2 == 0 ? "/two.pem" : "/one.pem"), folder_ + "/next.pem",
                  fs::copy_options::overwrite_existing);
    fs::rename(folder_ + "/next.pem", folder_ + "/server.pem");
    const auto reloaded = tls->reload();
    ASSERT_TRUE(reloaded.ok()) << reloaded.error().message;
    if (*reloaded) ++taken;
  }
  stop = true;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(failed, 0);
  EXPECT_GT(good, 10);
  EXPECT_EQ(taken, 1'000);
}

TEST_F(SlowEdge, Trap55SlowhttptestLeavesOthersServed) {
  if (!test::have_program("slowhttptest")) GTEST_SKIP() << "slowhttptest is not here";
  // The limits are short, so that connections held open end before the test does.
  start({.max_connections = 3'000, .head_timeout_ms = 4'000, .body_timeout_ms = 4'000});
  const double alone = p99_ms(server_->port());
  const std::string url = " -u http://127.0.0.1:" + std::to_string(server_->port()) + "/x ";
  // Slow heads, slow bodies, slow reading.
  for (const std::string how : {"-H -i 1", "-B -i 1 -s 8192", "-X -w 1 -y 8 -z 4 -k 3"}) {
    std::thread attack([&] { (void)shell("slowhttptest -c 900 -r 450 -l 6 -p 3 " + how + url); });
    // All come within two seconds.
    (void)test::eventually([&] { return server_->stats().connections >= 900U; }, 2s);
    EXPECT_GT(server_->stats().connections, 100U) << how;
    const double during = p99_ms(server_->port());
    // 20 ms are what other programs on the machine may take.
    EXPECT_LT(during, 2 * alone + 20) << how;
    attack.join();
  }
}

// Findings of testssl.sh at a listener, from MEDIUM on. Entries in public logs and the address of
// revocation lists are left out: the operator's certificate authority decides them.
class SlowTestssl : public SlowEdge {
 protected:
  std::vector<std::string> findings(int port, const std::string& more = "") {
    const std::string out = folder_ + "/found.json";
    fs::remove(out);
    // It ends with the number of its findings.
    (void)shell(
        "timeout 900 testssl --quiet --color 0 --warnings off --severity MEDIUM --add-ca "
        "ca.pem --jsonfile found.json " +
        more + " 127.0.0.1:" + std::to_string(port));
    std::ifstream file(out);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto all = Json::parse(text, {.max_bytes = 16U << 20U});
    EXPECT_TRUE(all.ok() && all->is_array()) << "testssl wrote no list: " << text.substr(0, 200);
    std::vector<std::string> found;
    if (!all.ok() || !all->is_array()) return found;
    for (const Json& item : all->as_array()) {
      const std::string id = item.string_or("id", "");
      const std::string severity = item.string_or("severity", "");
      if (severity != "MEDIUM" && severity != "HIGH" && severity != "CRITICAL") continue;
      if (id.starts_with("cert_crl") || id.starts_with("cert_ocsp") ||
          id.starts_with("cert_revocation"))
        continue;
      found.push_back(severity + " " + id + ": " + item.string_or("finding", ""));
    }
    return found;
  }
};

TEST_F(SlowTestssl, FindsNothingAtTheListeners) {
  if (!test::have_program("testssl")) GTEST_SKIP() << "testssl.sh is not here";
  const std::string sign =
      "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile "
      "ext -out next.pem && mv next.pem server.pem";
  ASSERT_TRUE(shell(sign));
  auto opened = crypto::TlsServer::open(
      {.certificates = folder_ + "/server.pem", .key = folder_ + "/server.key"}, clock_);
  ASSERT_TRUE(opened.ok());
  const std::shared_ptr<crypto::TlsServer> tls = *std::move(opened);
  start({.tls = tls});
  for (const std::string& word : findings(server_->port())) ADD_FAILURE() << word;
  // Nor after the certificate was exchanged.
  ASSERT_TRUE(shell(sign));
  EXPECT_TRUE(*tls->reload());
  for (const std::string& text : findings(server_->port(), "-p -s -f -S")) ADD_FAILURE() << text;
}

// A proxy that speaks TLS in front, as hospitals run it: what it understood as one request, the hub
// does, too. The proxy says in its log what it sent on, and what came back.
struct Front {
  std::string name;
  std::string start;
  std::string log;
};

class SlowProxies : public SlowEdge {
 protected:
  static constexpr int kPort = 18'543;

  // Sends these bytes through TLS, and reads until the proxy has nothing to say.
  void send(const std::string& bytes) const {
    std::ofstream(folder_ + "/bytes", std::ios::binary) << bytes;
    (void)shell(
        "(cat bytes; sleep 0.4) | timeout 3 openssl s_client -quiet -no_ign_eof -connect "
        "127.0.0.1:" +
        std::to_string(kPort));
  }
  // The paths that the proxy sent on and got a 200 for.
  static std::vector<std::string> sent_on(const std::string& log) {
    std::vector<std::string> out;
    std::ifstream in(log);
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line.substr(std::min(line.find("PATH "), line.size())));
      std::string mark;
      std::string path;
      std::string status;
      if (words >> mark >> path >> status && status == "200") out.push_back(path);
    }
    return out;
  }
  void run(const Front& front);
};

void SlowProxies::run(const Front& front) {
  ASSERT_TRUE(shell(front.start)) << front.name;
  EXPECT_TRUE(test::eventually([&] { return handshake(kPort, folder_ + "/ca.pem"); }))
      << front.name;
  const std::string lead = "POST /first HTTP/1.1\r\nHost: a\r\n";
  const std::string smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::vector<std::string> rows{
      lead + "Content-Length: 0\r\n\r\n",
      lead + chunked + "\r\n0\r\n\r\n",
      lead + chunked + "\r\n3\r\nabc\r\n0\r\n\r\n",
      lead + chunked + "\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
      lead + chunked + "\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
      lead + chunked + "\r\n3\nabc\n0\n\n",
      lead + chunked + "\r\n3 \r\nabc\r\n0\r\n\r\n",
      lead + chunked + "\r\n0x3\r\nabc\r\n0\r\n\r\n",
      lead + chunked + "\r\n3\r\nabcd\r\n0\r\n\r\n",
      lead + chunked + "\r\n0\n\r\n",
      lead + "Content-Length: 6\r\n" + chunked + "\r\n0\r\n\r\n",
      lead + chunked + "Content-Length: 36\r\n\r\n0\r\n\r\n",
      lead + "Content-Length: 0\r\nContent-Length: 36\r\n\r\n",
      lead + "Content-Length: 36, 0\r\n\r\n",
      lead + "Content-Length: +36\r\n\r\n",
      lead + "Content-Length : 36\r\n\r\n",
      lead + "Content_Length: 36\r\n\r\n",
      lead + "Transfer-Encoding: \x0b" + "chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      lead + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      lead + "Transfer-Encoding: chunked, identity\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      lead + "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
      lead + "X: y\nContent-Length: 36\r\n\r\n",
      lead + "X: y\rContent-Length: 36\r\n\r\n",
      lead + "X: a\r\n Content-Length: 36\r\n\r\n",
      lead + "Expect: 100-continue\r\nContent-Length: 36\r\n\r\n",
      lead + "Connection: Content-Length\r\nContent-Length: 36\r\n\r\n",
      "GET /first HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n",
      "GET /first HTTP/1.0\r\nHost: a\r\nContent-Length: 36\r\n\r\n",
      "GET /first HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 777\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      "GET /a/../first HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET /%2e%2e/first HTTP/1.1\r\nHost: a\r\n\r\n",
      "GET http://b/first HTTP/1.1\r\nHost: a\r\n\r\n",
  };
  std::size_t served = 0;
  for (const std::string& row : rows) {
    (void)take_seen();
    fs::resize_file(folder_ + "/" + front.log, 0);
    send(row + smuggled);
    // A request that was smuggled in would be there by then.
    std::this_thread::sleep_for(100ms);
    std::vector<std::string> ours = take_seen();
    std::vector<std::string> theirs = sent_on(folder_ + "/" + front.log);
    std::sort(ours.begin(), ours.end());
    std::sort(theirs.begin(), theirs.end());
    EXPECT_EQ(ours, theirs) << front.name << "\n" << row;
    served += ours.size();
  }
  EXPECT_GT(served, 5U) << front.name << " sends nothing on";
}

TEST_F(SlowProxies, NginxInFrontAgreesAboutEachRequest) {
  if (!test::have_program("nginx")) GTEST_SKIP() << "nginx is not here";
  start({});
  std::ofstream(folder_ + "/nginx.conf")
      << "pid nginx.pid;\nerror_log error.log;\nevents {}\nhttp {\n"
      << " log_format sent 'PATH $uri $upstream_status';\n access_log sent.log sent;\n"
      << " client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u;\n"
      << " scgi_temp_path s;\n upstream hub { server 127.0.0.1:" << server_->port()
      << "; keepalive 1; }\n server {\n  listen 127.0.0.1:" << kPort
      << " ssl;\n  ssl_certificate server.pem;\n  ssl_certificate_key server.key;\n"
      << "  location / { proxy_pass http://hub; proxy_http_version 1.1;\n"
      << "   proxy_set_header Connection ''; proxy_set_header Host $host; }\n }\n}\n";
  std::ofstream(folder_ + "/sent.log") << "";
  at_end_.push_back("nginx -p " + folder_ + " -c nginx.conf -s stop");
  run({"nginx", "nginx -p " + folder_ + " -c nginx.conf", "sent.log"});
}

TEST_F(SlowProxies, HaproxyInFrontAgreesAboutEachRequest) {
  if (!test::have_program("haproxy")) GTEST_SKIP() << "haproxy is not here";
  start({});
  ASSERT_TRUE(shell("cat server.pem server.key > both.pem"));
  std::ofstream(folder_ + "/haproxy.cfg")
      << "global\n log stdout format raw local0\ndefaults\n mode http\n timeout client 5s\n"
      << " timeout server 5s\n timeout connect 5s\nfrontend f\n bind 127.0.0.1:" << kPort
      << " ssl crt both.pem\n log global\n log-format \"PATH %HP %ST\"\n default_backend b\n"
      << "backend b\n http-reuse always\n server s 127.0.0.1:" << server_->port() << "\n";
  std::ofstream(folder_ + "/sent.log") << "";
  at_end_.push_back("kill $(cat haproxy.pid)");
  run({"haproxy", "haproxy -f haproxy.cfg >> sent.log 2>/dev/null & echo $! > haproxy.pid",
       "sent.log"});
}

}  // namespace
}  // namespace rabt::http::slow_edge_test
