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

// What became of a message.
enum class Outcome : std::uint8_t {
  // The broker has it, on disk where its queue is durable.
  acked,
  refused,
  // No queue takes it.
  returned,
  // It was not sent, or the connection was lost before the broker said anything.
  lost
};

// Publishes over one connection, which a thread keeps: after a loss it tries the hosts in turn,
// again and again. Nothing is kept here; whoever publishes repeats what was lost. Internally
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
  // What is under way is lost.
  void stop();

  // `done` is called once, from any thread, and does not wait. In order: one message after the
  // other, as they came.
  void publish(Message message, Done done);
  // True if the broker is there and takes messages.
  [[nodiscard]] bool reached() const;
  // Why it is not reached: the last error. ok while it is.
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
  // What the thread knows of one connection.
  struct Line {
    Connection& connection;
    std::map<std::uint64_t, UnderWay> under_way{};
    bool blocked = false;
  };

  void run();
  [[nodiscard]] std::unique_ptr<Connection> connect();
  void serve(Connection& connection);
  // Until the connection is lost; ok when the publisher stops.
  [[nodiscard]] Status exchange(Line& line);
  [[nodiscard]] Status send(Line& line);
  [[nodiscard]] Status hear(Line& line);
  void settle(Line& line, const Said& said);
  void finish(UnderWay&& one, Outcome outcome);
  void set_reached(bool reached);
  // The broker is not reached.
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

  // The thread's own: hosts that could not be reached, and the code of the last time.
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
