#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include "hub/base/clock.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/log.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/bus/connection.hpp"

namespace rabt::bus {

// Outcome of a message.
enum class Outcome : std::uint8_t {
  // The broker has it, on disk where its queue is durable.
  acked,
  refused,
  // No queue takes it.
  returned,
  // It was not sent, or the connection was lost before the broker said anything.
  lost
};

// Publishes over one connection. A thread keeps the connection; after a loss it tries the hosts in
// turn, until one answers. No message is stored here: callers repeat lost messages. Internally
// synchronised.
class Publisher {
 public:
  struct Parts {
    const Clock& clock;
    Random& random;
    Logger& log;
  };
  using Done = std::function<void(Outcome)>;

  Publisher(Parts parts, Options options);
  ~Publisher() { stop(); }
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;
  void start();
  // Messages under way are lost.
  void stop();

  // Publishes messages in the order of the calls. `done` is called once, from any thread, and must
  // not block.
  void publish(Message message, Done done);
  // True if the broker is there and takes messages.
  [[nodiscard]] bool reached() const;
  // The last error while the broker is not reached; ok while it is.
  [[nodiscard]] Status trouble() const;
  void write_metrics(MetricsWriter& out) const;

 private:
  struct UnderWay {
    std::string id;
    Done done;
    // By the monotonic clock.
    std::int64_t since_ms = 0;
    bool returned = false;
  };
  struct Waiting {
    Message message;
    Done done;
  };
  // State of one connection. For the thread alone.
  struct Line {
    Connection& connection;
    std::map<std::uint64_t, UnderWay> under_way{};
    bool blocked = false;
  };

  void run();
  [[nodiscard]] std::unique_ptr<Connection> connect();
  void serve(Connection& connection);
  // Sends and receives until the connection is lost; ok when the publisher stops.
  [[nodiscard]] Status exchange(Line& line);
  [[nodiscard]] Status send(Line& line);
  [[nodiscard]] Status hear(Line& line);
  void settle(Line& line, const Said& said);
  void finish(UnderWay&& way, Outcome outcome);
  void set_reached(bool reached);
  // Notes that the broker is not reached.
  void set_trouble(Error trouble);
  void wake();

  const Parts parts_;
  const Options options_;
  const Descriptor wake_;

  mutable Mutex mutex_;
  Condition changed_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  bool reached_ RABT_GUARDED_BY(mutex_) = false;
  std::optional<Error> trouble_ RABT_GUARDED_BY(mutex_);
  std::deque<Waiting> waiting_ RABT_GUARDED_BY(mutex_);

  // Hosts that could not be reached, with the code of the last attempt. For the thread alone.
  std::map<std::string, std::string> failed_;

  std::atomic<std::uint64_t> acked_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> returned_{0};
  std::atomic<std::uint64_t> lost_{0};
  std::atomic<std::uint64_t> connected_{0};
  std::thread thread_;
};

inline void write_metrics(const Publisher& publisher, MetricsWriter& out) {
  publisher.write_metrics(out);
}

}  // namespace rabt::bus
