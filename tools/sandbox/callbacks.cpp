#include "tools/sandbox/callbacks.hpp"

#include <curl/curl.h>

#include <chrono>
#include <deque>
#include <queue>
#include <thread>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"

namespace rabt::sandbox {
namespace {

using Clock = std::chrono::steady_clock;

struct Message {
  Clock::time_point due;
  std::uint64_t order = 0;
  std::string service;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

struct Later {
  bool operator()(const std::shared_ptr<Message>& a, const std::shared_ptr<Message>& b) const {
    return a->due != b->due ? a->due > b->due : a->order > b->order;
  }
};

std::size_t discard(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

}  // namespace

// A queue and the threads that serve it.
struct CallbackSender::State {
  State(std::string base, std::string authorities, std::size_t count)
      : hub(std::move(base)), ca(std::move(authorities)) {
    for (std::size_t i = 0; i < count; ++i) threads.emplace_back([this] { run(); });
  }

  const std::string hub;
  const std::string ca;
  mutable Mutex mutex;
  Condition wake;
  bool stopping = false;
  std::priority_queue<std::shared_ptr<Message>, std::vector<std::shared_ptr<Message>>, Later> queue;
  // Under way.
  std::size_t sending = 0;
  std::uint64_t next_order = 0;
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped = 0;
  std::deque<Json> recent;
  std::vector<std::thread> threads;

  void remember(Json result, bool ok) {
    const Lock lock(mutex);
    ++(ok ? sent : failed);
    recent.push_back(std::move(result));
    if (recent.size() > kMaxRemembered) recent.pop_front();
  }

  void send(CURL* curl, const Message& message) {
    curl_slist* headers = curl_slist_append(nullptr, "Expect:");
    for (const auto& [name, value] : message.headers) {
      headers = curl_slist_append(headers, (name + ": " + value).c_str());
    }
    // Connections stay open between messages: reset keeps them.
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, message.url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (!ca.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, ca.c_str());
    curl_easy_setopt(curl, CURLOPT_PROXY, "");  // loopback: a proxy variable must not matter
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, message.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(message.body.size()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, kTimeoutMs);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, discard);
    const CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    Json result = {
        {"at", iso_millis(system_now_ms())}, {"service", message.service}, {"url", message.url}};
    if (code == CURLE_OK) {
      result["status"] = status;
    } else {
      result["error"] = curl_easy_strerror(code);
    }
    remember(std::move(result), code == CURLE_OK && status >= 200 && status < 300);
  }

  void post(Message message, unsigned copies) {
    const Lock lock(mutex);
    if (stopping || queue.size() + copies > kMaxWaiting) {
      ++dropped;
      return;
    }
    for (unsigned copy = 0; copy < copies; ++copy) {
      message.order = next_order++;
      queue.push(std::make_shared<Message>(message));
    }
    wake.notify_all();  // a waiting thread may have to wait for less long now
  }

  void stop() {
    {
      const Lock lock(mutex);
      stopping = true;
      wake.notify_all();
    }
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }

  void run() {
    CURL* curl = curl_easy_init();
    if (curl == nullptr) return;
    Lock lock(mutex);
    while (!stopping) {
      if (queue.empty()) {
        wake.wait(lock);
        continue;
      }
      const Clock::time_point due = queue.top()->due;
      if (Clock::now() < due) {
        wake.wait_until(lock, due);
        continue;
      }
      const std::shared_ptr<Message> message = queue.top();
      queue.pop();
      ++sending;
      lock.unlock();
      send(curl, *message);
      lock.lock();
      --sending;
    }
    lock.unlock();
    curl_easy_cleanup(curl);
  }
};

class CallbackSender::Endpoint final : public Callbacks {
 public:
  Endpoint(State& state, State& in_order, std::string service, FaultRules& faults)
      : state_(state), in_order_(in_order), service_(std::move(service)), faults_(faults) {}

  void post(std::string url, std::vector<std::pair<std::string, std::string>> headers,
            std::string body, std::uint32_t delay_ms) override {
    post_to(state_, std::move(url), std::move(headers), std::move(body), delay_ms);
  }
  void post_in_order(std::string url, std::vector<std::pair<std::string, std::string>> headers,
                     std::string body, std::uint32_t delay_ms) override {
    post_to(in_order_, std::move(url), std::move(headers), std::move(body), delay_ms);
  }

 private:
  void post_to(State& state, std::string url,
               std::vector<std::pair<std::string, std::string>> headers, std::string body,
               std::uint32_t delay_ms) {
    if (url.starts_with('/')) url = state.hub + url;
    const CallbackFault fault = faults_.for_callback(url, body);
    state.post({.due = Clock::now() + std::chrono::milliseconds(delay_ms + fault.delay_ms),
                .service = service_,
                .url = std::move(url),
                .headers = std::move(headers),
                .body = std::move(body)},
               fault.copies);
  }

  State& state_;
  State& in_order_;
  std::string service_;
  FaultRules& faults_;
};

CallbackSender::CallbackSender(std::string hub, const std::string& ca) {
  while (hub.ends_with('/')) hub.pop_back();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  state_ = std::make_unique<State>(hub, ca, kThreads);
  in_order_ = std::make_unique<State>(std::move(hub), ca, 1);
}

CallbackSender::~CallbackSender() {
  stop();
}

void CallbackSender::stop() {
  state_->stop();
  in_order_->stop();
}

std::unique_ptr<Callbacks> CallbackSender::endpoint(std::string service, FaultRules& faults) {
  return std::make_unique<Endpoint>(*state_, *in_order_, std::move(service), faults);
}

std::size_t CallbackSender::waiting() const {
  std::size_t count = 0;
  for (const State* state : {state_.get(), in_order_.get()}) {
    const Lock lock(state->mutex);
    count += state->queue.size() + state->sending;
  }
  return count;
}

Json CallbackSender::report() const {
  Json recent = Json::array();
  const std::size_t waits = waiting();
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped = 0;
  for (const State* state : {state_.get(), in_order_.get()}) {
    const Lock lock(state->mutex);
    sent += state->sent;
    failed += state->failed;
    dropped += state->dropped;
    for (const Json& result : state->recent) recent.push_back(result);
  }
  return {{"waiting", waits},
          {"sent", sent},
          {"failed", failed},
          {"dropped", dropped},
          {"recent", std::move(recent)}};
}

}  // namespace rabt::sandbox
