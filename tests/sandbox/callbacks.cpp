#include "tests/sandbox/callbacks.hpp"

#include <curl/curl.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <queue>
#include <thread>

#include "tests/sandbox/encoding.hpp"

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

struct CallbackSender::State {
  std::string hub;
  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  std::priority_queue<std::shared_ptr<Message>, std::vector<std::shared_ptr<Message>>, Later> queue;
  std::uint64_t next_order = 0;
  std::uint64_t sent = 0;
  std::uint64_t failed = 0;
  std::uint64_t dropped = 0;
  std::deque<Json> recent;
  std::vector<std::thread> threads;

  void remember(Json result, bool ok) {
    const std::lock_guard lock(mutex);
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

  void run() {
    CURL* curl = curl_easy_init();
    if (curl == nullptr) return;
    std::unique_lock lock(mutex);
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
      lock.unlock();
      send(curl, *message);
      lock.lock();
    }
    lock.unlock();
    curl_easy_cleanup(curl);
  }
};

class CallbackSender::Endpoint final : public Callbacks {
 public:
  Endpoint(State& state, std::string service, FaultRules& faults)
      : state_(state), service_(std::move(service)), faults_(faults) {}

  void post(std::string url, std::vector<std::pair<std::string, std::string>> headers,
            std::string body, std::uint32_t delay_ms) override {
    if (url.starts_with('/')) url = state_.hub + url;
    const CallbackFault fault = faults_.for_callback(url, body);
    const auto due = Clock::now() + std::chrono::milliseconds(delay_ms + fault.delay_ms);
    const std::lock_guard lock(state_.mutex);
    if (state_.stopping || state_.queue.size() + fault.copies > kMaxWaiting) {
      ++state_.dropped;
      return;
    }
    for (unsigned copy = 0; copy < fault.copies; ++copy) {
      state_.queue.push(std::make_shared<Message>(Message{.due = due,
                                                          .order = state_.next_order++,
                                                          .service = service_,
                                                          .url = url,
                                                          .headers = headers,
                                                          .body = body}));
    }
    state_.wake.notify_all();  // a waiting thread may have to wait for less long now
  }

 private:
  State& state_;
  std::string service_;
  FaultRules& faults_;
};

CallbackSender::CallbackSender(std::string hub) : state_(std::make_unique<State>()) {
  while (hub.ends_with('/')) hub.pop_back();
  state_->hub = std::move(hub);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  for (std::size_t i = 0; i < kThreads; ++i) {
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
  }
}

CallbackSender::~CallbackSender() {
  stop();
}

void CallbackSender::stop() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    state_->wake.notify_all();
  }
  for (std::thread& thread : state_->threads) thread.join();
  state_->threads.clear();
}

std::unique_ptr<Callbacks> CallbackSender::endpoint(std::string service, FaultRules& faults) {
  return std::make_unique<Endpoint>(*state_, std::move(service), faults);
}

Json CallbackSender::report() const {
  const std::lock_guard lock(state_->mutex);
  return {{"waiting", state_->queue.size()},
          {"sent", state_->sent},
          {"failed", state_->failed},
          {"dropped", state_->dropped},
          {"recent", state_->recent}};
}

}  // namespace rabt::sandbox
