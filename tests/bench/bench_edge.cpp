// ./dev bench edge: the inbound edge beside nginx, which answers a fixed 200 with the same TLS
// settings on the same machine, in the same run. Prints; asserts nothing.
//   reads of the hub with its API token and durable writes with an Idempotency-Key; a handler that
//   answers a constant; handshakes; memory and answers with 9,800 idle TLS connections; 9,800
//   streams of events with one event; strangers and callers who send 10 MiB; senders of what is
//   dear to read, at a hub with the limits that it has by default, beside whom others are answered.
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netinet/in.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "hub/assembly/hub.hpp"
#include "hub/config/config.hpp"
#include "hub/crypto/tls_server.hpp"
#include "hub/http/event_stream.hpp"
#include "hub/http/server.hpp"
#include "hub/http/web_socket.hpp"
#include "tests/eventually.hpp"
#include "tests/tls_files.hpp"

namespace {

using namespace rabt;
namespace fs = std::filesystem;
using Clock_ = std::chrono::steady_clock;

// As many as may be open, less some for callers beside them.
constexpr int kIdle = 9'800;
constexpr int kBodies = 300;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

double seconds_since(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

std::string output_of(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) give_up("cannot run " + command);
  std::string out;
  char buffer[4096];
  for (std::size_t got = 0; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.append(buffer, got);
  ::pclose(pipe);
  return out;
}

// The number that follows a text; 0 if it is not there.
double number_after(const std::string& text, const std::string& what) {
  const auto at = text.find(what);
  return at == std::string::npos ? 0 : std::strtod(text.c_str() + at + what.size(), nullptr);
}

std::string value_in(const std::string& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(name)) return line.substr(name.size());
  }
  return "0";
}
double rss_mib(pid_t process) {
  return std::strtod(value_in("/proc/" + std::to_string(process) + "/status", "VmRSS:").c_str(),
                     nullptr) /
         1024;
}
// Processor time of a process and of those it started.
double cpu_seconds(pid_t process) {
  double out = 0;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const int pid = std::atoi(entry.path().filename().c_str());
    std::ifstream in(entry.path() / "stat");
    std::string line;
    if (pid == 0 || !std::getline(in, line)) continue;
    // Behind the name in parentheses: state, parent, and as 12th and 13th the times.
    std::istringstream words(line.substr(line.rfind(')') + 1));
    std::vector<std::string> fields;
    for (std::string word; fields.size() < 13 && words >> word;) fields.push_back(word);
    if (fields.size() < 13) continue;
    if (pid != process && std::atoi(fields[1].c_str()) != process) continue;
    out += std::strtod(fields[11].c_str(), nullptr) + std::strtod(fields[12].c_str(), nullptr);
  }
  return out / static_cast<double>(::sysconf(_SC_CLK_TCK));
}
void clear_peak(pid_t process) {
  std::ofstream("/proc/" + std::to_string(process) + "/clear_refs") << "5";
}
double peak_mib(pid_t process) {
  return std::strtod(value_in("/proc/" + std::to_string(process) + "/status", "VmHWM:").c_str(),
                     nullptr) /
         1024;
}

// A process of its own, which says its ports on a pipe and runs until its standard input ends.
struct Child {
  pid_t process = 0;
  std::vector<int> ports;
  int keep = -1;
};

Child run_child(const std::function<std::vector<int>(std::shared_ptr<void>&)>& start) {
  int said[2];
  int keep[2];
  if (::pipe(said) != 0 || ::pipe(keep) != 0) give_up("no pipe");
  const pid_t process = ::fork();
  if (process == 0) {
    ::close(said[0]);
    ::close(keep[1]);
    std::shared_ptr<void> alive;
    std::string text;
    for (const int port : start(alive)) text += std::to_string(port) + " ";
    text += "\n";
    (void)!::write(said[1], text.data(), text.size());
    char end = 0;
    (void)!::read(keep[0], &end, 1);
    alive.reset();
    ::_exit(0);
  }
  ::close(said[1]);
  ::close(keep[0]);
  std::string text;
  for (char c = 0; ::read(said[0], &c, 1) == 1 && c != '\n';) text.push_back(c);
  ::close(said[0]);
  Child child{.process = process, .keep = keep[1]};
  std::istringstream words(text);
  for (int port = 0; words >> port;) child.ports.push_back(port);
  if (child.ports.empty()) give_up("a server does not start");
  return child;
}

// ---- The servers
// ----------------------------------------------------------------------------------------------

std::shared_ptr<const crypto::TlsServer> tls_of(const std::string& folder, const Clock& clock) {
  auto opened = crypto::TlsServer::open(
      {.certificates = folder + "/server.pem", .key = folder + "/server.key"}, clock);
  if (!opened.ok()) give_up(opened.error().message);
  return *std::move(opened);
}

class Topic {
 public:
  class Subscriber final : public http::SocketHandler {
   public:
    explicit Subscriber(Topic& topic) : topic_(topic) {}
    void opened(std::shared_ptr<http::Socket> socket) override {
      const std::scoped_lock lock(topic_.mutex_);
      topic_.sockets_.push_back(std::move(socket));
    }
    void received(http::Socket& /*socket*/, std::string_view /*text*/) override {}
    void closed() override {}

   private:
    Topic& topic_;
  };
  std::size_t tell() {
    const std::scoped_lock lock(mutex_);
    const std::string event = http::event_text("1", "chat", R"({"text":"hello"})");
    for (const auto& socket : sockets_) socket->send(event);
    return sockets_.size();
  }
  std::size_t open() {
    const std::scoped_lock lock(mutex_);
    return sockets_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<http::Socket>> sockets_;
};

// The edge alone: ports over TLS and in clear.
struct EdgeOnly {
  SystemClock clock;
  Topic topic;
  std::unique_ptr<http::Server> server;
};

http::Response answer_of(EdgeOnly& edge, const http::Request& request) {
  if (request.path == "/events") return {.events = std::make_shared<Topic::Subscriber>(edge.topic)};
  if (request.path == "/tell") return {.body = std::to_string(edge.topic.tell())};
  if (request.path == "/open") return {.body = std::to_string(edge.topic.open())};
  if (request.path == "/slow") std::this_thread::sleep_for(std::chrono::milliseconds(200));
  return {.headers = {{"Content-Type", "application/json"}}, .body = R"({"ok":true})"};
}

std::vector<int> start_edge(const std::string& folder, std::shared_ptr<void>& alive) {
  auto edge = std::make_shared<EdgeOnly>();
  alive = edge;
  const http::Admit admit = [&made = *edge](const http::Request& head) -> http::Admission {
    if (head.path == "/closed") return http::Response{.status = 401};
    return [&made](const http::Request& request) { return answer_of(made, request); };
  };
  // Idle connections stay as long as they are counted.
  auto started = http::Server::start(
      {.port = 0, .idle_timeout_ms = 600'000, .tls = tls_of(folder, edge->clock)}, admit,
      null_logger());
  if (!started.ok()) give_up(started.error().message);
  edge->server = *std::move(started);
  const auto plain = edge->server->listen({.port = 0, .admit = admit});
  return {edge->server->port(), *plain};
}

struct WholeHub {
  SystemClock clock;
  std::unique_ptr<assembly::Hub> hub;
};

std::vector<int> start_hub(const std::string& folder, std::shared_ptr<void>& alive) {
  auto whole = std::make_shared<WholeHub>();
  alive = whole;
  config::Config config;
  config.tenant = "bench";
  config.server.port = 0;
  config.data = folder + "/data";
  config.plugins = folder + "/plugins";
  config.migrations = RABT_MIGRATIONS;
  config.rates = api::RateOptions::none();
  config.server.tls_certificates = folder + "/server.pem";
  config.server.tls_key = folder + "/server.key";
  auto started = assembly::Hub::start(config, whole->clock, null_logger(), phi::strict_policy(),
                                      {.dev = true});
  if (!started.ok()) give_up(started.error().code + ": " + started.error().message);
  whole->hub = *std::move(started);
  return {whole->hub->port()};
}

// A hub with its limits, one issuer that never answers and ClinicVault's API. Its port.
std::vector<int> start_limited(const std::string& folder, int silent,
                               std::shared_ptr<void>& alive) {
  auto whole = std::make_shared<WholeHub>();
  alive = whole;
  std::ofstream(folder + "/client.secret") << "an-opaque-text-that-nobody-knows-0123456789";
  std::filesystem::permissions(folder + "/client.secret", std::filesystem::perms(0600));
  std::ofstream(folder + "/limited.yaml")
      << "tenant: limited\nserver: {port: 0, public_url: 'http://127.0.0.1:1'}\ndata: " << folder
      << "/limited\nplugins: " << folder << "/plugins\nmigrations: " << RABT_MIGRATIONS
      << "\nidentity:\n  issuers:\n    silent: {kind: oidc, issuer: 'http://127.0.0.1:" << silent
      << "', client_id: hub, client_secret: {file: " << folder
      << "/client.secret}, algs: [RS256]}\n";
  const auto config = config::load_config(folder + "/limited.yaml");
  if (!config.ok()) give_up(config.error().message);
  auto started = assembly::Hub::start(*config, whole->clock, null_logger(), phi::strict_policy(),
                                      {.dev = true});
  if (!started.ok()) give_up(started.error().code + ": " + started.error().message);
  whole->hub = *std::move(started);
  return {whole->hub->port()};
}

// nginx with the same certificate, versions, ciphers and curves. Its port; 0 when it is not here.
struct Nginx {
  int port = 0;
  pid_t process = 0;
};
Nginx start_nginx(const std::string& folder) {
  if (!test::have_program("nginx")) return {};
  const int port = 18'443;
  std::ofstream(folder + "/nginx.conf")
      << "worker_processes auto;\npid " << folder << "/nginx.pid;\nerror_log " << folder
      << "/nginx.log;\nevents { worker_connections 12000; }\nhttp {\n access_log off;\n"
      << " client_body_temp_path " << folder << "/b; proxy_temp_path " << folder
      << "/p; fastcgi_temp_path " << folder << "/f; uwsgi_temp_path " << folder
      << "/u; scgi_temp_path " << folder << "/s;\n keepalive_requests 1000000;\n server {\n"
      << "  listen 127.0.0.1:" << port << " ssl;\n  ssl_certificate " << folder
      << "/server.pem;\n  ssl_certificate_key " << folder
      << "/server.key;\n  ssl_protocols TLSv1.2 TLSv1.3;\n  ssl_ecdh_curve X25519:P-256:P-384;\n"
      << "  location / { default_type application/json; return 200 '{\"ok\":true}'; }\n }\n}\n";
  const std::string said = output_of("nginx -c " + folder + "/nginx.conf");
  if (!said.empty()) std::printf("nginx: %s\n", said.c_str());
  pid_t process = 0;
  (void)test::eventually(
      [&] {
        std::ifstream(folder + "/nginx.pid") >> process;
        return process != 0;
      },
      std::chrono::seconds(2));
  return {port, process};
}

// ---- Callers
// --------------------------------------------------------------------------------------------------

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    give_up("cannot connect");
  const timeval limit{.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return fd;
}

// A connection in clear, or over TLS when there is a context.
class Caller {
 public:
  explicit Caller(int port, SSL_CTX* context = nullptr) : fd_(connect_to(port)) {
    if (context == nullptr) return;
    session_ = SSL_new(context);
    SSL_set_fd(session_, fd_);
    if (SSL_connect(session_) != 1) give_up("the handshake fails");
  }
  ~Caller() {
    SSL_free(session_);
    ::close(fd_);
  }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;
  [[nodiscard]] int fd() const { return fd_; }
  bool send(std::string_view text) {
    if (session_ != nullptr)
      return SSL_write(session_, text.data(), static_cast<int>(text.size())) > 0;
    while (!text.empty()) {
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // One answer with a length.
  std::string read() {
    std::string out;
    std::size_t whole = 0;
    char buffer[8192];
    while (whole == 0 || out.size() < whole) {
      const auto got = session_ != nullptr ? SSL_read(session_, buffer, sizeof buffer)
                                           : ::recv(fd_, buffer, sizeof buffer, 0);
      if (got <= 0) return {};
      out.append(buffer, static_cast<std::size_t>(got));
      const auto end = out.find("\r\n\r\n");
      if (whole == 0 && end != std::string::npos) {
        whole = end + 4 + static_cast<std::size_t>(number_after(out, "Content-Length: "));
      }
    }
    return out;
  }

 private:
  int fd_;
  SSL* session_ = nullptr;
};

struct Times {
  double p50 = 0;
  double p99 = 0;
  std::size_t answers = 0;
  std::size_t failed = 0;
};

// Asks at an even rate, whatever the answers take: a late answer delays nothing but is measured
// from when it was due.
Times ask_evenly(int port, SSL_CTX* context, const std::string& request, int per_second,
                 double seconds) {
  constexpr int kThreads = 4;
  std::mutex mutex;
  std::vector<double> taken;
  std::size_t failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      Caller caller(port, context);
      std::vector<double> own;
      std::size_t lost = 0;
      const auto step = std::chrono::duration<double>(double(kThreads) / per_second);
      auto due = Clock_::now() + std::chrono::duration_cast<Clock_::duration>(step * i / kThreads);
      const auto end = due + std::chrono::duration_cast<Clock_::duration>(
                                 std::chrono::duration<double>(seconds));
      for (; due < end; due += std::chrono::duration_cast<Clock_::duration>(step)) {
        std::this_thread::sleep_until(due);
        const bool good = caller.send(request) && caller.read().starts_with("HTTP/1.1 2");
        own.push_back(seconds_since(due) * 1'000);
        if (!good) ++lost;
      }
      const std::scoped_lock lock(mutex);
      taken.insert(taken.end(), own.begin(), own.end());
      failed += lost;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::sort(taken.begin(), taken.end());
  return {.p50 = taken[taken.size() / 2],
          .p99 = taken[taken.size() * 99 / 100],
          .answers = taken.size(),
          .failed = failed};
}

void print(const char* what, const Times& times) {
  std::printf("  %-48s p50 %7.2f ms  p99 %7.2f ms  (%zu answers, %zu failed)\n", what, times.p50,
              times.p99, times.answers, times.failed);
}

// Requests a second, and the server's processor time for each.
struct Rate {
  double per_second = 0;
  double cpu_us = 0;
};
Rate wrk(pid_t server, const std::string& url, const std::string& more = {}) {
  const double before = cpu_seconds(server);
  const std::string said = output_of("wrk -t2 -d5s -c64 " + more + " " + url);
  const double cpu = cpu_seconds(server) - before;
  if (said.find("Non-2xx") != std::string::npos)
    std::printf("  %s: %s\n", url.c_str(), said.substr(said.find("Non-2xx")).c_str());
  const auto end = said.find(" requests in ");
  if (end == std::string::npos) return {};
  const double count = std::strtod(said.c_str() + said.rfind('\n', end), nullptr);
  return {number_after(said, "Requests/sec:"), cpu / std::max(count, 1.0) * 1e6};
}

void beside(const char* what, Rate ours, Rate theirs) {
  std::printf("  %-48s %7.0f /s %5.0f us   nginx %7.0f /s %5.0f us   ratio %.2f, of time %.2f\n",
              what, ours.per_second, ours.cpu_us, theirs.per_second, theirs.cpu_us,
              theirs.per_second > 0 ? ours.per_second / theirs.per_second : 0,
              theirs.cpu_us > 0 ? ours.cpu_us / theirs.cpu_us : 0);
}

Rate handshakes(pid_t server, int port) {
  // -new: without resumption. It says "N connections in S real seconds".
  const double before = cpu_seconds(server);
  const std::string said =
      output_of("openssl s_time -new -time 4 -connect 127.0.0.1:" + std::to_string(port));
  const auto end = said.find(" real seconds");
  const auto in = said.rfind(" connections in ", end);
  const auto line = said.rfind('\n', in);
  if (end == std::string::npos || in == std::string::npos) return {};
  const double count =
      std::strtod(said.c_str() + (line == std::string::npos ? 0 : line + 1), nullptr);
  return {count / number_after(said.substr(in), " connections in "),
          (cpu_seconds(server) - before) / std::max(count, 1.0) * 1e6};
}

// ---- What is measured
// -----------------------------------------------------------------------------------------

struct Setting {
  std::string folder;
  Child hub;
  Child edge;
  Child limited;
  Nginx nginx;
  std::string token;
  SSL_CTX* context = nullptr;
};

std::string local(int port, const std::string& path) {
  return "https://127.0.0.1:" + std::to_string(port) + path;
}

void rates(const Setting& s) {
  std::puts("requests, 64 connections kept alive, over TLS; processor time of the server for each");
  Rate nginx;
  if (s.nginx.port != 0) nginx = wrk(s.nginx.process, local(s.nginx.port, "/"));
  beside("the edge, a handler that answers a constant",
         wrk(s.edge.process, local(s.edge.ports[0], "/x")), nginx);
  const std::string token = "-H 'Authorization: Bearer " + s.token + "'";
  beside("the hub, a read with its token",
         wrk(s.hub.process, local(s.hub.ports[0], "/api/v1/workflows"), token), nginx);
  std::ofstream(s.folder + "/write.lua")
      << "id = 0\nlocal n, seen = 0, 0\n"
         "function setup(thread) thread:set('id', seen); seen = seen + 1 end\n"
         "function request()\n n = n + 1\n"
         " wrk.headers['Idempotency-Key'] = string.format('bench-%02d-%s-%012d', id, os.time(), "
         "n)\n"
         " wrk.headers['Content-Type'] = 'application/json'\n"
         " return wrk.format('POST', nil, nil, '{\"name\":\"Dr Bench\"}')\nend\n";
  beside("the hub, a durable write with an Idempotency-Key",
         wrk(s.hub.process, local(s.hub.ports[0], "/api/v1/providers"),
             token + " -s " + s.folder + "/write.lua"),
         nginx);
}

void handshake_rates(const Setting& s) {
  std::puts("full TLS 1.3 handshakes, one caller");
  beside("the edge", handshakes(s.edge.process, s.edge.ports[0]),
         s.nginx.port == 0 ? Rate{} : handshakes(s.nginx.process, s.nginx.port));
}

void idle(const Setting& s) {
  std::printf("%d idle TLS connections\n", kIdle);
  const int port = s.edge.ports[0];
  const std::string request = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
  print("500 reads a second before", ask_evenly(port, s.context, request, 500, 4));
  const double before = rss_mib(s.edge.process);
  std::vector<std::unique_ptr<Caller>> callers;
  const auto start = Clock_::now();
  for (int i = 0; i < kIdle; ++i) callers.push_back(std::make_unique<Caller>(port, s.context));
  std::printf("  %-48s %.1f s\n", "to open them", seconds_since(start));
  print("500 reads a second beside them", ask_evenly(port, s.context, request, 500, 8));
  const double after = rss_mib(s.edge.process);
  std::printf("  %-48s %.0f MiB, %.0f before: %.1f KiB for each\n", "memory of the edge", after,
              before, (after - before) * 1024 / kIdle);
}

// So many callers send 10 MiB to this path, over and over, while somebody else reads.
//
// They stand for machines of their own. So they run only when nobody else wants the processor, and
// not all in the same moment: what is measured is what they cost the edge, not what it costs to be
// them.
void bodies(const Setting& s, const char* what, const std::string& path) {
  // All of them together send some 100 MB a second.
  constexpr auto kPause = std::chrono::milliseconds(200);
  const std::string piece(64U << 10U, 'a');
  const std::string head =
      "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: 10485760\r\n\r\n";
  std::atomic<bool> stop{false};
  std::atomic<int> refused{0};
  std::atomic<int> pieces{0};
  std::vector<std::thread> threads;
  clear_peak(s.edge.process);
  for (int i = 0; i < kBodies; ++i) {
    threads.emplace_back([&, i] {
      const sched_param none{};
      if (::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) != 0)
        give_up("no idle priority");
      std::this_thread::sleep_for(kPause * i / kBodies);
      while (!stop) {
        Caller caller(s.edge.ports[1]);
        if (!caller.send(head)) continue;
        for (int sent = 0; sent < 160 && !stop && caller.send(piece); ++sent) {
          ++pieces;
          std::this_thread::sleep_for(kPause);
        }
        if (caller.read().starts_with("HTTP/1.1 503")) ++refused;
      }
    });
  }
  if (!test::eventually([&] { return pieces >= kBodies; })) give_up("the bodies do not come");
  const double cpu = cpu_seconds(s.edge.process);
  const int before = pieces;
  const auto start = Clock_::now();
  print(what, ask_evenly(s.edge.ports[1], nullptr, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 200, 8));
  const double seconds = seconds_since(start);
  const double used = cpu_seconds(s.edge.process) - cpu;
  const double sent = (pieces - before) * static_cast<double>(piece.size()) / 1e6;
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::printf("  %-48s %.0f MiB at most; %.0f MB/s came, %.2f of a processor; %d answers of 503\n",
              "memory of the edge", peak_mib(s.edge.process), sent / seconds, used / seconds,
              refused.load());
}

void large_bodies(const Setting& s) {
  std::printf("%d callers who send 10 MiB\n", kBodies);
  for (int round = 0; round < 3; ++round) {
    print("200 reads a second before",
          ask_evenly(s.edge.ports[1], nullptr, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n", 200, 8));
    bodies(s, "200 reads a second, strangers send", "/closed");
    bodies(s, "200 reads a second, admitted callers send", "/x");
  }
}

void events(const Setting& s) {
  std::printf("%d streams of events\n", kIdle);
  std::vector<int> streams;
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (int i = 0; i < kIdle; ++i) {
    const int fd = connect_to(s.edge.ports[1]);
    const std::string_view open = "GET /events HTTP/1.1\r\nHost: h\r\n\r\n";
    (void)!::send(fd, open.data(), open.size(), MSG_NOSIGNAL);
    char head[1024];
    if (::recv(fd, head, sizeof head, 0) <= 0) give_up("a stream does not open");
    streams.push_back(fd);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  }
  const auto ask = [&](const std::string& path) {
    Caller teller(s.edge.ports[1]);
    teller.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    const std::string said = teller.read();
    return std::atoi(said.c_str() + said.rfind('\n') + 1);
  };
  if (!test::eventually([&] { return ask("/open") >= static_cast<int>(streams.size()); }))
    give_up("not all streams were opened");
  std::printf("  %-48s %.0f MiB\n", "memory of the edge", rss_mib(s.edge.process));
  for (int round = 0; round < 3; ++round) {
    const auto start = Clock_::now();
    std::thread teller([&] { (void)ask("/tell"); });
    std::size_t arrived = 0;
    while (arrived < streams.size()) {
      epoll_event ready[256];
      const int got = ::epoll_wait(epoll, ready, 256, 10'000);
      if (got <= 0) give_up("an event is missing");
      for (int i = 0; i < got; ++i) {
        char event[256];
        if (::recv(ready[i].data.fd, event, sizeof event, 0) > 0) ++arrived;
      }
    }
    std::printf("  %-48s %.0f ms to the last of %zu\n", "one event", seconds_since(start) * 1'000,
                arrived);
    teller.join();
  }
  for (const int fd : streams) ::close(fd);
  ::close(epoll);
}

// ---- Senders of what is dear to read
// -----------------------------------------------------------------------------------------

// A PDF whose eight streams hold 8 MiB of one letter each, packed with the codes of RFC 1951 3.2.6.
std::string dear_pdf() {
  constexpr int kMatches = (8 << 20) / 258;
  std::string packed = "\x78\x9c";
  unsigned buffer = 0;
  int bits = 0;
  const auto put = [&](unsigned code, int length) {
    for (int i = length - 1; i >= 0; --i) {
      buffer |= (code >> i & 1U) << bits;
      if (++bits < 8) continue;
      packed.push_back(static_cast<char>(buffer));
      buffer = 0;
      bits = 0;
    }
  };
  put(0b110, 3);
  put(0x30 + 'a', 8);
  for (int i = 0; i < kMatches; ++i) put(0b1100010100000, 13);
  put(0, 7);
  put(0, 7);
  std::string out = "%PDF-1.4\n";
  for (int i = 0; i < 8; ++i) {
    out += std::to_string(i + 1) + " 0 obj\n<< /Filter /FlateDecode /Length " +
           std::to_string(packed.size()) + " >>\nstream\n" + packed + "\nendstream\nendobj\n";
  }
  return out + "%%EOF\n";
}

std::string post(const std::string& path, const std::string& token, const std::string& body,
                 const std::string& type = "application/json") {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: " + type +
         (token.empty() ? "" : "\r\nAuthorization: Bearer " + token) +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string ask_once(int port, const std::string& request) {
  Caller caller(port);
  return caller.send(request) ? caller.read() : std::string();
}

// The text of a member of an answer.
std::string text_after(const std::string& answer, const std::string& member) {
  const std::string from = "\"" + member + "\":\"";
  const auto at = answer.find(from);
  if (at == std::string::npos) return {};
  return answer.substr(at + from.size(), answer.find('"', at + from.size()) - at - from.size());
}

// Somebody with an account of the hub: his token.
std::string sign_up(int port, const std::string& admin, const std::string& name) {
  constexpr const char* kPassword = "several herons by the quiet bench";
  const std::string text =
      ask_once(port, post("/api/v1/users", admin,
                          R"({"username":")" + name + R"(","name":"Bench","roles":["doctor"]})"));
  const std::string who = R"({"username":")" + name + R"(","password":")" + kPassword + "\"";
  (void)ask_once(port, post("/api/v1/auth/activate", "",
                            who + R"(,"code":")" + text_after(text, "activation") + "\"}"));
  return text_after(ask_once(port, post("/api/v1/auth/login", "", who + "}")), "accessToken");
}

// So many callers send this, over and over, while others read and ask for /health. They run only
// when nobody else wants the processor, as those of bodies() do.
void beside_senders(const Setting& s, const char* what, int callers, const std::string& request,
                    const std::string& read) {
  const int port = s.limited.ports[0];
  const std::string health = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
  std::printf("%d callers: %s\n", callers, what);
  print("100 reads a second of another caller before", ask_evenly(port, nullptr, read, 100, 4));
  clear_peak(s.limited.process);
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::map<std::string, int> answers;
  std::vector<std::thread> threads;
  for (int i = 0; i < callers; ++i) {
    threads.emplace_back([&] {
      const sched_param none{};
      if (::pthread_setschedparam(::pthread_self(), SCHED_IDLE, &none) != 0)
        give_up("no idle priority");
      while (!stop) {
        const std::string answer = ask_once(port, request);
        const std::scoped_lock lock(mutex);
        ++answers[answer.empty() ? "none" : answer.substr(9, 3)];
      }
    });
  }
  const auto answered = [&] {
    const std::scoped_lock lock(mutex);
    return !answers.empty();
  };
  if (!test::eventually(answered)) give_up("the callers get no answer");
  print("100 reads a second beside them", ask_evenly(port, nullptr, read, 100, 8));
  print("20 a second of /health beside them", ask_evenly(port, nullptr, health, 20, 8));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  std::string counts;
  for (const auto& [status, count] : answers) counts += " " + status + ": " + std::to_string(count);
  std::printf("  %-48s %.0f MiB at most; they were answered%s\n", "memory of the hub",
              peak_mib(s.limited.process), counts.c_str());
}

void dear_senders(const Setting& s) {
  std::string token;
  std::ifstream(s.folder + "/limited/api-token") >> token;
  const int port = s.limited.ports[0];
  const std::string reader = sign_up(port, token, "bench.reader");
  const std::string sender = sign_up(port, token, "bench.sender");
  if (reader.empty() || sender.empty()) give_up("nobody can sign in");
  const std::string read =
      "GET /api/v1/me HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + reader + "\r\n\r\n";
  std::string unknown = "{\"a\":1";
  for (int i = 0; unknown.size() < 300'000; ++i)
    unknown += ",\"unknwn" + std::to_string(i) + "\":1";
  beside_senders(s, "300 kB of unknown members, one principal", 64,
                 post("/api/v1/sessions", sender, unknown + "}"), read);
  const std::string me = ask_once(
      port, "GET /api/v1/me HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + sender + "\r\n\r\n");
  const std::string patient =
      text_after(ask_once(port, post("/api/v1/patients", token, R"({"name":"Bench"})")), "id");
  const std::string session =
      text_after(ask_once(port, post("/api/v1/sessions", sender,
                                     R"({"type":"doctor_patient","patient":")" + patient +
                                         R"(","provider":")" + text_after(me, "id") + "\"}")),
                 "id");
  beside_senders(
      s, "PDFs whose streams hold 64 MiB, one principal", 64,
      post("/api/v1/sessions/" + session + "/documents", sender, dear_pdf(), "application/pdf"),
      read);
  std::string wide = "{\"username\":[0";
  wide.reserve(8'300'000);
  while (wide.size() < 8'200'000) wide += ",0";
  beside_senders(s, "8.2 MB of items at ClinicVault's sign-in, strangers", 28,
                 post("/auth/login", "", wide + "]}"), read);
  beside_senders(s, "sign-ins at an issuer that does not answer, strangers", 64,
                 "GET /auth/oidc/silent/login HTTP/1.1\r\nHost: h\r\n\r\n", read);
}

// A port that takes connections and never answers.
int open_silent(int& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 512) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    give_up("no port");
  port = ntohs(address.sin_port);
  return fd;
}

void end(const Child& child) {
  ::close(child.keep);
  int status = 0;
  ::waitpid(child.process, &status, 0);
}

}  // namespace

int main(int argc, char** argv) {
  // `./dev bench edge senders`: these lines alone.
  const bool all = argc < 2 || std::string_view(argv[1]) != "senders";
  ::signal(SIGPIPE, SIG_IGN);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::string pattern = (fs::temp_directory_path() / "rabt-bench-XXXXXX").string();
  Setting s{.folder = ::mkdtemp(pattern.data())};
  fs::create_directories(s.folder + "/plugins");
  if (!test::make_certificates(s.folder)) give_up("the openssl command makes no certificates");
  s.hub = run_child([&](auto& alive) { return start_hub(s.folder, alive); });
  s.edge = run_child([&](auto& alive) { return start_edge(s.folder, alive); });
  int silent_port = 0;
  const int silent = open_silent(silent_port);
  s.limited = run_child([&](auto& alive) { return start_limited(s.folder, silent_port, alive); });
  s.nginx = start_nginx(s.folder);
  std::ifstream(s.folder + "/data/api-token") >> s.token;
  s.context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_mode(s.context, SSL_MODE_RELEASE_BUFFERS);

  if (all) {
    rates(s);
    handshake_rates(s);
    idle(s);
    events(s);
    large_bodies(s);
  }
  dear_senders(s);

  SSL_CTX_free(s.context);
  if (s.nginx.port != 0) (void)output_of("nginx -c " + s.folder + "/nginx.conf -s stop");
  ::close(silent);
  end(s.limited);
  end(s.edge);
  end(s.hub);
  fs::remove_all(s.folder);
  return 0;
}
