#include "hub/bus/publisher.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace rabt::bus {

namespace {

constexpr std::int64_t kFirstPauseMs = 500;
constexpr std::int64_t kLongestPauseMs = 10'000;
// A broker that says nothing to a message for so long is given up.
constexpr std::int64_t kSilentMs = 30'000;
// Heartbeats are sent between two looks.
constexpr int kLookMs = 1'000;

}  // namespace

Publisher::Publisher(Parts parts, Options options)
    : parts_(parts),
      options_(std::move(options)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void Publisher::start() {
  thread_ = std::thread([this] { run(); });
}

void Publisher::stop() {
  {
    const Lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  wake();
  if (thread_.joinable()) thread_.join();
}

void Publisher::wake() {
  const std::uint64_t one = 1;
  // A counter that is full wakes, too.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

bool Publisher::reached() const {
  const Lock lock(mutex_);
  return reached_;
}

Status Publisher::trouble() const {
  const Lock lock(mutex_);
  if (reached_) return ok_status();
  return trouble_ ? *trouble_ : unavailable("bus.unreachable", "no connection was made yet");
}

void Publisher::set_reached(bool reached) {
  const Lock lock(mutex_);
  reached_ = reached;
}

void Publisher::set_trouble(Error trouble) {
  const Lock lock(mutex_);
  reached_ = false;
  trouble_ = std::move(trouble);
}

void Publisher::publish(Message message, Done done) {
  {
    const Lock lock(mutex_);
    if (reached_ && !stopping_) {
      waiting_.push_back({std::move(message), std::move(done)});
      wake();
      return;
    }
  }
  ++lost_;
  done(Outcome::lost);
}

void Publisher::run() {
  std::int64_t pause = kFirstPauseMs;
  Lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    if (const auto connection = connect()) {
      pause = kFirstPauseMs;
      serve(*connection);
    }
    lock.lock();
    // Hubs that lost one broker do not come back in one moment.
    std::array<std::uint8_t, 1> dice{};
    parts_.random.fill(dice);
    changed_.wait_for(lock, std::chrono::milliseconds(pause + pause * dice[0] / 1024),
                      [&]() RABT_REQUIRES(mutex_) { return stopping_; });
    pause = std::min(2 * pause, kLongestPauseMs);
  }
}

// The log names a trouble of a host once, however long it lasts.
std::unique_ptr<Connection> Publisher::connect() {
  for (const Host& host : options_.hosts) {
    {
      const Lock lock(mutex_);
      if (stopping_) return nullptr;
    }
    auto opened = Connection::open(options_, host);
    if (opened.ok()) {
      ++connected_;
      failed_.clear();
      parts_.log.info("bus.connected", {{"host", host.name}, {"exchange", options_.exchange}});
      return *std::move(opened);
    }
    set_trouble(opened.error());
    std::string& before = failed_[host.name + ":" + std::to_string(host.port)];
    if (before == opened.error().code) continue;
    before = opened.error().code;
    parts_.log.warn(
        "bus.failed",
        {{"host", host.name}, {"code", opened.error().code}, {"detail", opened.error().message}});
  }
  return nullptr;
}

void Publisher::serve(Connection& connection) {
  Line line{connection};
  set_reached(true);
  const Status ended = exchange(line);
  std::deque<Waiting> left;
  {
    const Lock lock(mutex_);
    reached_ = false;
    left.swap(waiting_);
  }
  if (!ended.ok()) {
    set_trouble(ended.error());
    parts_.log.warn("bus.lost", {{"code", ended.error().code}, {"detail", ended.error().message}});
  }
  for (auto& [number, one] : line.under_way) finish(std::move(one), Outcome::lost);
  for (Waiting& waiting : left) finish({.id = {}, .done = std::move(waiting.done)}, Outcome::lost);
}

Status Publisher::exchange(Line& line) {
  while (true) {
    {
      const Lock lock(mutex_);
      if (stopping_) return ok_status();
    }
    RABT_TRY_STATUS(send(line));
    RABT_TRY_STATUS(hear(line));
    const bool silent =
        !line.under_way.empty() && !line.blocked &&
        parts_.clock.monotonic_ms() - line.under_way.begin()->second.since_ms > kSilentMs;
    if (silent) return unavailable("bus.silent", "the broker does not confirm a message");
    std::array<pollfd, 2> watched{pollfd{line.connection.socket(), POLLIN, 0},
                                  pollfd{wake_.get(), POLLIN, 0}};
    ::poll(watched.data(), watched.size(), kLookMs);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof count);
  }
}

Status Publisher::send(Line& line) {
  std::deque<Waiting> taken;
  {
    const Lock lock(mutex_);
    taken.swap(waiting_);
  }
  Status status = ok_status();
  for (Waiting& waiting : taken) {
    if (!status.ok()) {
      finish({.id = {}, .done = std::move(waiting.done)}, Outcome::lost);
      continue;
    }
    const auto number = line.connection.publish(waiting.message);
    if (!number.ok()) {
      status = number.error();
      finish({.id = {}, .done = std::move(waiting.done)}, Outcome::lost);
      continue;
    }
    line.under_way.emplace(*number, UnderWay{.id = std::move(waiting.message.id),
                                             .done = std::move(waiting.done),
                                             .since_ms = parts_.clock.monotonic_ms()});
  }
  return status;
}

Status Publisher::hear(Line& line) {
  RABT_TRY(all, line.connection.read());
  for (const Said& said : all) settle(line, said);
  return ok_status();
}

void Publisher::settle(Line& line, const Said& said) {
  switch (said.kind) {
    case Said::Kind::blocked:
    case Said::Kind::unblocked:
      line.blocked = said.kind == Said::Kind::blocked;
      if (line.blocked) {
        set_trouble(unavailable("bus.blocked",
                                "the broker takes nothing: an alarm for memory or "
                                "disk"));
      } else {
        set_reached(true);
      }
      parts_.log.warn(line.blocked ? "bus.blocked" : "bus.unblocked");
      // Delays while the line was blocked are not held against the broker.
      for (auto& [number, one] : line.under_way) one.since_ms = parts_.clock.monotonic_ms();
      return;
    case Said::Kind::returned:
      for (auto& [number, one] : line.under_way) one.returned |= one.id == said.id;
      return;
    case Said::Kind::acked:
    case Said::Kind::refused:
      break;
  }
  const bool good = said.kind == Said::Kind::acked;
  auto one = said.all ? line.under_way.begin() : line.under_way.find(said.number);
  while (one != line.under_way.end() && one->first <= said.number) {
    UnderWay ended = std::move(one->second);
    one = line.under_way.erase(one);
    const Outcome well = ended.returned ? Outcome::returned : Outcome::acked;
    finish(std::move(ended), good ? well : Outcome::refused);
    if (!said.all) break;
  }
}

void Publisher::finish(UnderWay&& way, Outcome outcome) {
  switch (outcome) {
    case Outcome::acked:
      ++acked_;
      break;
    case Outcome::refused:
      ++refused_;
      break;
    case Outcome::returned:
      ++returned_;
      break;
    case Outcome::lost:
      ++lost_;
      break;
  }
  way.done(outcome);
}

void Publisher::write_metrics(MetricsWriter& out) const {
  out.gauge("rabt_bus_reached", "Whether RabbitMQ is there and takes messages.",
            reached() ? 1U : 0U);
  out.counter("rabt_bus_connections_total", "Connections to RabbitMQ that were made.",
              connected_.load());
  out.counters("rabt_bus_messages_total", "Messages to RabbitMQ, by what became of them.");
  out.sample("rabt_bus_messages_total", {{"result", "acked"}}, acked_.load());
  out.sample("rabt_bus_messages_total", {{"result", "refused"}}, refused_.load());
  out.sample("rabt_bus_messages_total", {{"result", "returned"}}, returned_.load());
  out.sample("rabt_bus_messages_total", {{"result", "lost"}}, lost_.load());
}

}  // namespace rabt::bus
