#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "hub/audit/audit_log.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/bus/publisher.hpp"
#include "hub/net/http_client.hpp"
#include "hub/webhooks/book.hpp"
#include "hub/webhooks/retry.hpp"

namespace rabt::webhooks {

// RabbitMQ, where it is configured.
struct Broker {
  // Null if none is.
  std::shared_ptr<bus::Publisher> publisher{};
  // The body of the message that a delivery becomes.
  std::function<Result<std::string>(const Delivery&)> body{};
};

// Sends the deliveries that are due. One thread starts the exchanges and notes their results; each
// webhook has a few under way at most, so that a slow or dead receiver holds up nobody else. The
// store holds the deliveries: the next start goes on from there. Internally synchronised.
class Sender {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    net::HttpClient& http;
    const Clock& clock;
    Random& random;
    Logger& log;
    std::string tenant;
    // Addresses that webhooks may reach, and settings of TLS (null for the defaults).
    std::shared_ptr<const net::AllowList> allow;
    std::shared_ptr<const net::TlsOptions> tls;
    Broker broker;
    // Receivers that may know traces. Null if no receiver over HTTP may.
    std::shared_ptr<const net::AllowList> patient;
  };
  Sender(Parts parts, Book& book) : parts_(std::move(parts)), book_(book) {}
  ~Sender() { stop(); }
  void start();
  // Does not wait for exchanges under way: their deliveries are sent again after the next start.
  void stop();
  void wake();
  // Somebody has seen to the receiver: it is tried without waiting for the end of a pause.
  void end_pause(std::string_view webhook);
  // Time until the next delivery to the receiver may leave, as of the last turn. 0 without a pause.
  [[nodiscard]] std::int64_t pause_left_ms(const std::string& webhook) const;
  // Does once what is due now, on the caller's thread.
  void turn();
  // Waits until no exchange is under way. For tests.
  void drain();

  struct Stats {
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
    std::uint64_t dead = 0;
    // Webhooks that are left alone for a while now.
    std::uint64_t failing = 0;
  };
  [[nodiscard]] Stats stats() const {
    return {delivered_.load(), failed_.load(), dead_.load(), failing_.load()};
  }

 private:
  struct Ended {
    Delivery delivery;
    Reply reply;
  };
  // Answers of exchanges under way, which may outlive this object.
  struct Box {
    Mutex mutex;
    Condition changed;
    bool stopping RABT_GUARDED_BY(mutex) = false;
    bool woken RABT_GUARDED_BY(mutex) = false;
    std::deque<Ended> ended RABT_GUARDED_BY(mutex);
    // Webhooks whose pause somebody has ended.
    std::set<std::string> pauses_over RABT_GUARDED_BY(mutex);
    // Webhooks that are left alone: until when, by the monotonic clock.
    std::map<std::string, std::int64_t> pauses RABT_GUARDED_BY(mutex);
    std::size_t under_way RABT_GUARDED_BY(mutex) = 0;
  };
  // State of one webhook.
  struct Line {
    // Attempts that failed in a row.
    std::int64_t failures = 0;
    // By the monotonic clock. Nothing is sent before.
    std::int64_t quiet_until_ms = 0;
    // Deliveries under way.
    std::set<std::string> under_way;
  };

  void run();
  bool settle() RABT_REQUIRES(turn_);
  bool send() RABT_REQUIRES(turn_);
  bool send_to(const Endpoint& endpoint, Line& line) RABT_REQUIRES(turn_);
  // The secrets to sign with, kept in `opened` where they were sealed. Null when there are none.
  [[nodiscard]] const std::vector<SigningSecret>* secrets_of(const Endpoint& endpoint, Line& line,
                                                             std::vector<SigningSecret>& opened)
      RABT_REQUIRES(turn_);
  void begin(const Endpoint& endpoint, const Delivery& delivery,
             const std::vector<SigningSecret>& secrets);
  void publish(const Delivery& delivery);
  // The header of an attempt. Empty when the delivery belongs to no trace.
  [[nodiscard]] std::string traceparent(const Delivery& delivery) const;
  // Callback for the end of a delivery that has begun.
  [[nodiscard]] std::function<void(Reply)> ending(const Delivery& delivery);
  [[nodiscard]] Attempt judge(const Ended& ended, Line& line) RABT_REQUIRES(turn_);
  [[nodiscard]] Status write(const std::vector<Attempt>& attempts,
                             const std::set<std::string>& gone);
  void sweep() RABT_REQUIRES(turn_);

  const Parts parts_;
  Book& book_;
  const std::shared_ptr<Box> box_ = std::make_shared<Box>();

  // One turn at a time: the thread's, or a test's.
  Mutex turn_;
  std::map<std::string, Line> lines_ RABT_GUARDED_BY(turn_);
  std::int64_t swept_ms_ RABT_GUARDED_BY(turn_) = 0;

  std::atomic<std::uint64_t> delivered_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> dead_{0};
  std::atomic<std::uint64_t> failing_{0};
  std::thread thread_;
};

}  // namespace rabt::webhooks
