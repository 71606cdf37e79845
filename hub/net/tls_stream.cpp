#include "hub/net/tls_stream.hpp"

#include <curl/curl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace rabt::net {

namespace {

// The most reads in one call of alive(), so that a peer that keeps sending cannot hold the caller.
constexpr int kMaxDropped = 64;

}  // namespace

struct TlsStream::State {
  CURL* easy = nullptr;
  curl_socket_t socket = CURL_SOCKET_BAD;
  std::string peer;
  std::array<char, CURL_ERROR_SIZE> error{};
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (easy != nullptr) curl_easy_cleanup(easy);
  }
};

TlsStream::TlsStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsStream::~TlsStream() = default;

Result<std::unique_ptr<TlsStream>> TlsStream::connect(const std::string& host, int port,
                                                      const TlsOptions& tls,
                                                      std::int64_t timeout_ms) {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  auto state = std::make_unique<State>();
  const bool v6 = host.find(':') != std::string::npos;
  state->peer = (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
  state->easy = ready ? curl_easy_init() : nullptr;
  CURL* easy = state->easy;
  if (easy == nullptr) return unavailable("net.connect", "libcurl cannot be started");
  const std::string url = "https://" + state->peer;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  // libcurl only does the handshake; curl_easy_send and curl_easy_recv do the rest.
  curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state->error.data());
  if (!tls.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
  }
  if (!tls.client_cert_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.client_cert_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, tls.client_key_file.c_str());
  }
  const CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) {
    const bool by_tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
                        code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM;
    return unavailable(by_tls ? "net.tls" : "net.connect",
                       state->peer + ": " +
                           (state->error[0] != '\0' ? std::string(state->error.data())
                                                    : curl_easy_strerror(code)));
  }
  if (curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &state->socket) != CURLE_OK ||
      state->socket == CURL_SOCKET_BAD)
    return unavailable("net.connect", state->peer + ": the connection was lost at once");
  return std::unique_ptr<TlsStream>(new TlsStream(std::move(state)));
}

Status TlsStream::send(std::string_view bytes, std::int64_t timeout_ms) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const CURLcode code = curl_easy_send(state_->easy, bytes.data(), bytes.size(), &sent);
    if (code == CURLE_OK) {
      bytes.remove_prefix(sent);
      continue;
    }
    if (code != CURLE_AGAIN)
      return unavailable("net.closed", state_->peer + ": the connection was closed while sending");
    pollfd waiting{state_->socket, POLLOUT, 0};
    const int timeout = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, 1, 600'000));
    if (::poll(&waiting, 1, timeout) <= 0)
      return unavailable("net.timeout", state_->peer + " does not take what is sent");
  }
  return ok_status();
}

Status TlsStream::alive() {
  std::array<char, 4096> dropped{};
  for (int i = 0; i < kMaxDropped; ++i) {
    std::size_t got = 0;
    const CURLcode code = curl_easy_recv(state_->easy, dropped.data(), dropped.size(), &got);
    if (code == CURLE_AGAIN) return ok_status();
    if (code != CURLE_OK || got == 0)
      return unavailable("net.closed", state_->peer + ": the connection was closed");
  }
  return ok_status();
}

std::int64_t TlsStream::unacknowledged() const {
  int waiting = 0;
  if (::ioctl(state_->socket, SIOCOUTQ, &waiting) != 0) return -1;
  return waiting;
}

}  // namespace rabt::net
