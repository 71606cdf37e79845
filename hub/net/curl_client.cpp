#include <curl/curl.h>

#include <deque>
#include <thread>
#include <unordered_map>
#include <utility>

#include "hub/base/limits.hpp"
#include "hub/base/mutex.hpp"
#include "hub/net/circuits.hpp"
#include "hub/net/curl_exchange.hpp"

namespace rabt::net {

namespace {

constexpr long kMaxIdleConnections = 256;

// Internally synchronised. One I/O thread runs every exchange.
class CurlClient final : public HttpClient {
 public:
  CurlClient(const Clock& clock, Logger& log)
      : log_(log), circuits_(clock), multi_(curl_multi_init()) {
    RABT_CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kMaxIdleConnections);
    thread_ = std::thread([this] { run(); });
  }
  ~CurlClient() override {
    {
      const Lock lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }
  CurlClient(const CurlClient&) = delete;
  CurlClient& operator=(const CurlClient&) = delete;

  RequestId start(Request request, std::shared_ptr<const AllowList> allow,
                  std::function<void(Response)> done) override;
  void cancel(RequestId id) override;
  [[nodiscard]] Stats stats() const override {
    const Lock lock(mutex_);
    return stats_;
  }

 private:
  // Refuses an exchange for which there is no room, or takes its place in the circuit.
  void admit(Exchange& exchange, Response& refusal) RABT_REQUIRES(mutex_);

  // On the I/O thread.
  void run();
  void begin(std::unique_ptr<Exchange> owned);
  void complete_finished(bool& finished);
  // Goes on with the exchanges that libcurl has only connected. waiting: their sockets.
  void talk(std::vector<curl_waitfd>& waiting, bool& finished);
  void abandon(RequestId id);
  // Destroys the exchange.
  void finish(Exchange& exchange, bool failed_to_connect);

  Logger& log_;
  Circuits circuits_;

  mutable Mutex mutex_;
  std::deque<std::unique_ptr<Exchange>> incoming_ RABT_GUARDED_BY(mutex_);
  std::vector<RequestId> cancelled_ RABT_GUARDED_BY(mutex_);
  RequestId last_id_ RABT_GUARDED_BY(mutex_) = 0;
  Stats stats_ RABT_GUARDED_BY(mutex_);
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;

  // Confined to the I/O thread, except that any thread may wake `multi_`.
  CURLM* const multi_;
  std::unordered_map<RequestId, std::unique_ptr<Exchange>> running_;
  std::vector<RequestId> talking_;

  std::thread thread_;
};

RequestId CurlClient::start(Request request, std::shared_ptr<const AllowList> allow,
                            std::function<void(Response)> done) {
  auto exchange = std::make_unique<Exchange>();
  exchange->request = std::move(request);
  exchange->allow = std::move(allow);
  exchange->done = std::move(done);
  Response refusal = check_request(*exchange);
  RequestId id = 0;
  {
    const Lock lock(mutex_);
    id = exchange->id = ++last_id_;
    ++stats_.started;
    if (refusal.error_code.empty()) admit(*exchange, refusal);
    if (refusal.error_code.empty()) {
      ++stats_.in_flight;
      incoming_.push_back(std::move(exchange));
      curl_multi_wakeup(multi_);
      return id;
    }
    ++stats_.failed;
  }
  exchange->done(std::move(refusal));
  return id;
}

void CurlClient::admit(Exchange& exchange, Response& refusal) {
  if (stopping_) {
    refuse(refusal, "cancelled", exchange, "the client is closing");
  } else if (stats_.in_flight >= limits::kMaxHttpInFlight) {
    refuse(refusal, "overload", exchange, "too many requests are open; try again later");
  } else {
    const Circuits::Entry entry = circuits_.enter(exchange.host_port);
    exchange.probe = entry == Circuits::Entry::probe;
    if (entry == Circuits::Entry::open)
      refuse(refusal, "circuit_open", exchange, "not tried, because the last connections failed");
  }
}

void CurlClient::cancel(RequestId id) {
  {
    const Lock lock(mutex_);
    if (stopping_) return;
    cancelled_.push_back(id);
  }
  curl_multi_wakeup(multi_);
}

void CurlClient::run() {
  for (;;) {
    std::deque<std::unique_ptr<Exchange>> incoming;
    std::vector<RequestId> cancelled;
    bool stopping = false;
    {
      const Lock lock(mutex_);
      incoming.swap(incoming_);
      cancelled.swap(cancelled_);
      stopping = stopping_;
    }
    for (auto& exchange : incoming) begin(std::move(exchange));
    for (const RequestId id : cancelled) abandon(id);
    if (stopping) {
      while (!running_.empty()) abandon(running_.begin()->first);
      const Lock lock(mutex_);
      if (incoming_.empty()) return;
      continue;
    }
    int active = 0;
    curl_multi_perform(multi_, &active);
    bool finished = false;
    complete_finished(finished);
    std::vector<curl_waitfd> waiting;
    talk(waiting, finished);
    // A callback may have started the next request: look before sleeping. libcurl remembers a
    // wakeup, so none is lost.
    if (!finished)
      curl_multi_poll(multi_, waiting.data(), static_cast<unsigned>(waiting.size()), 1000, nullptr);
  }
}

void CurlClient::begin(std::unique_ptr<Exchange> owned) {
  Exchange& exchange = *owned;
  running_.emplace(exchange.id, std::move(owned));
  exchange.connected = [this, &exchange] {
    circuits_.connected(exchange.host_port);
    exchange.probe = false;
  };
  if (exchange.prepare() && curl_multi_add_handle(multi_, exchange.easy) == CURLM_OK) return;
  exchange.response = {};
  refuse(exchange.response, "connect", exchange,
         "the HTTP library refused the request or its TLS files");
  finish(exchange, false);
}

void CurlClient::complete_finished(bool& finished) {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Exchange* exchange = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
    if (exchange->mllp && code == CURLE_OK && exchange->stop == Stop::none) {
      talking_.push_back(exchange->id);  // libcurl has connected; its handle stays
      continue;
    }
    curl_multi_remove_handle(multi_, exchange->easy);
    exchange->conclude(code);
    const bool failed_to_connect =
        code != CURLE_OK && exchange->requests_begun == 0 && exchange->stop == Stop::none;
    finish(*exchange, failed_to_connect);
    finished = true;
  }
}

void CurlClient::talk(std::vector<curl_waitfd>& waiting, bool& finished) {
  std::vector<RequestId> still;
  for (const RequestId id : std::exchange(talking_, {})) {
    const auto found = running_.find(id);
    if (found == running_.end()) continue;  // abandoned
    Exchange& exchange = *found->second;
    curl_socket_t socket = CURL_SOCKET_BAD;
    curl_easy_getinfo(exchange.easy, CURLINFO_ACTIVESOCKET, &socket);
    if (exchange.talk()) {
      const bool writes = exchange.sent_bytes < exchange.frame.size();
      waiting.push_back(
          {socket, static_cast<short>(CURL_WAIT_POLLIN | (writes ? CURL_WAIT_POLLOUT : 0)), 0});
      still.push_back(id);
      continue;
    }
    curl_multi_remove_handle(multi_, exchange.easy);
    finish(exchange, false);
    finished = true;
  }
  talking_.insert(talking_.end(), still.begin(), still.end());
}

void CurlClient::abandon(RequestId id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  Exchange& exchange = *found->second;
  curl_multi_remove_handle(multi_, exchange.easy);
  exchange.response = {};
  refuse(exchange.response, "cancelled", exchange, "cancelled");
  if (exchange.requests_begun > 0) exchange.response.sent = Sent::maybe;
  finish(exchange, false);
}

void CurlClient::finish(Exchange& exchange, bool failed_to_connect) {
  if (circuits_.finished(exchange.host_port, exchange.probe, failed_to_connect))
    log_.warn("net.circuit_open", {{"host", exchange.allow->host_as_listed(exchange.request.url)}});
  const auto node = running_.extract(exchange.id);
  {
    const Lock lock(mutex_);
    --stats_.in_flight;
    if (!exchange.response.error_code.empty()) ++stats_.failed;
  }
  try {
    exchange.done(std::move(exchange.response));
  } catch (...) {
    RABT_BUG("an HTTP completion callback threw");
  }
}

}  // namespace

std::unique_ptr<HttpClient> make_curl_client(const Clock& clock, Logger& log) {
  // libcurl counts these calls; nobody undoes this one. It is thread-safe in the libcurl that is
  // required.
  RABT_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
  return std::make_unique<CurlClient>(clock, log);
}

}  // namespace rabt::net
