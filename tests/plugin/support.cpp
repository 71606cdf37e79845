#include "tests/plugin/support.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "tests/audit_and_keys.hpp"
#include "tests/keyring.hpp"

namespace rabt::plugin::test {

TempFolder::TempFolder() {
  std::string pattern = std::filesystem::temp_directory_path().string();
  pattern += "/rabt-plugin-XXXXXX";
  path_ = ::mkdtemp(pattern.data());
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TinyServer::TinyServer(Mode mode, std::string body, int status)
    : mode_(mode), body_(std::move(body)), status_(status) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(::listen(socket_, 8), 0);
  socklen_t size = sizeof address;
  ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}
TinyServer::~TinyServer() {
  stopping_ = true;
  ::shutdown(socket_, SHUT_RDWR);
  thread_.join();
  ::close(socket_);
}
std::string TinyServer::last_request() const {
  const std::scoped_lock lock(mutex_);
  return last_;
}
void TinyServer::serve() {
  std::vector<int> held;
  while (!stopping_) {
    const int peer = ::accept(socket_, nullptr, nullptr);
    if (peer < 0) break;
    std::string got;
    char piece[4096];
    while (got.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = ::recv(peer, piece, sizeof piece, 0);
      if (size <= 0) break;
      got.append(piece, static_cast<std::size_t>(size));
    }
    std::size_t whole = got.find("\r\n\r\n");
    if (const auto length = got.find("Content-Length: ");
        length < whole && whole != std::string::npos)
      whole += 4 + std::stoul(got.substr(length + 16));
    while (whole != std::string::npos && got.size() < whole) {
      const ssize_t size = ::recv(peer, piece, sizeof piece, 0);
      if (size <= 0) break;
      got.append(piece, static_cast<std::size_t>(size));
    }
    {
      const std::scoped_lock lock(mutex_);
      last_ = got;
    }
    if (mode_ == Mode::hang) {
      held.push_back(peer);
      continue;
    }
    if (mode_ == Mode::answer) {
      std::string answer = "HTTP/1.1 ";
      answer += std::to_string(status_);
      answer += " X\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: ";
      answer += std::to_string(body_.size());
      answer += "\r\n\r\n";
      answer += body_;
      std::size_t sent = 0;
      while (sent < answer.size()) {
        const ssize_t put = ::send(peer, answer.data() + sent, answer.size() - sent, MSG_NOSIGNAL);
        if (put <= 0) break;
        sent += static_cast<std::size_t>(put);
      }
    }
    ::close(peer);
  }
  for (const int peer : held) ::close(peer);
}

Isolation BothWays::isolation = Isolation::worker;

std::string fixture(const std::string& name) {
  return RABT_FIXTURES "/" + name;
}

Hub::Hub(bool fake_clock)
    : clock(fake_clock ? static_cast<const Clock&>(fake) : static_cast<const Clock&>(system)),
      ids(clock, random) {
  store = database.open(folder.path(), log);
  keyring = rabt::test::open_keyring(folder.path(), clock, random, {"t1", "t2"});
  keys = rabt::test::open_data_keys(*keyring, *store, clock, random, ids);
  audit = rabt::test::open_audit_log(*store, clock, *keyring, folder.path());
  blobs = blob::make_blob_store(folder.path() + "/blobs", *store, *keys, clock, random, ids, log)
              .value();
  http = net::make_curl_client(clock, log);
  restart_host();
}
Hub::~Hub() {
  host.reset();
  http.reset();
  // Faults of plugins enter the audit log by jobs that nothing waits for.
  store->flush();
}
void Hub::restart_host() {
  host.reset();
  host = PluginHost::make({*store, *keys, *audit, *http, *blobs, clock, random, log});
}
PluginConfig Hub::config(const std::string& name) const {
  PluginConfig out;
  out.id = name;
  out.folder = fixture(name);
  out.tenant = "t1";
  out.config = Json::object();
  out.isolation = BothWays::isolation;
  return out;
}
void Hub::load_echo(const std::string& base_url) {
  PluginConfig echo = config("echo");
  echo.config = Json::object({{"greeting", "hi"}});
  if (!base_url.empty()) echo.config.set("base_url", base_url);
  echo.secrets["token"] =
      std::make_shared<SecretBytes>(std::string_view("s3cret-of-thirty-two-bytes-or-more"));
  const Status loaded = host->load(std::move(echo));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(host->bind_role("echo", "plugin://echo").ok());
}
void Hub::load_zoo() {
  const Status loaded = host->load(config("zoo"));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(host->bind_role("zoo", "plugin://zoo").ok());
}
workflow::ActionOutcome Hub::call(const std::string& role, const std::string& action,
                                  Json arguments, std::int64_t deadline_in_ms) {
  CallRequest call = request(role, action, std::move(arguments));
  if (deadline_in_ms > 0) call.deadline_unix_ms = clock.now().ms + deadline_in_ms;
  Waiter waiter;
  host->invoke(std::move(call), waiter.sink());
  EXPECT_TRUE(waiter.wait()) << action << " has no outcome";
  return waiter.outcome();
}
std::uint64_t Hub::violations(const std::string& plugin, const std::string& clause) const {
  for (const auto& state : host->plugins()) {
    if (state.id != plugin) continue;
    const auto found = state.violations.find(clause);
    return found == state.violations.end() ? 0 : found->second;
  }
  return 0;
}

Ended Waiter::sink() {
  return [state = state_](workflow::ActionOutcome outcome) {
    const std::scoped_lock lock(state->mutex);
    state->outcome = std::move(outcome);
    ++state->count;
    state->ready.notify_all();
  };
}
bool Waiter::wait(int ms) {
  std::unique_lock lock(state_->mutex);
  return state_->ready.wait_for(lock, std::chrono::milliseconds(ms),
                                [this] { return state_->count > 0; });
}
workflow::ActionOutcome Waiter::outcome() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->outcome;
}
int Waiter::count() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->count;
}

CallRequest request(const std::string& role, const std::string& action, Json arguments) {
  CallRequest call;
  call.tenant = "t1";
  call.instance = "01JTEST";
  call.role = role;
  call.action = action;
  call.version = action == "echo" && role == "echo" ? "1.0.0" : "";
  call.arguments = std::move(arguments);
  call.idempotency_key = "key-1";
  return call;
}

}  // namespace rabt::plugin::test
