#include "hub/webhooks/sender.hpp"

#include <algorithm>
#include <chrono>

#include "hub/base/clock.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/webhooks/retry.hpp"

namespace rabt::webhooks {

namespace {

// The clock of tests moves without waking anybody.
constexpr std::chrono::milliseconds kIdle{200};
// Exchanges under way with one receiver, and messages with the broker.
constexpr std::size_t kMostUnderWay = 4;
constexpr std::size_t kMostMessages = 64;
constexpr std::int64_t kTimeoutMs = 15'000;
// Bytes of an answer that is no success; nobody reads them.
constexpr std::size_t kMaxAnswer = 16U << 10U;
// After the secrets could not be opened, and after the HTTP client took nothing.
constexpr std::int64_t kShortPauseMs = 1'000;

constexpr std::int64_t kSweepMs = 60'000;
// The attempts of one delivery take a little more than three days.
constexpr std::int64_t kDeadAfterMs = 4 * kDayMs;
constexpr std::int64_t kDoneKeptMs = 7 * kDayMs;
constexpr std::int64_t kDeadKeptMs = 30 * kDayMs;

}  // namespace

void Sender::start() {
  thread_ = std::thread([this] { run(); });
}

void Sender::stop() {
  {
    const Lock lock(box_->mutex);
    box_->stopping = true;
  }
  box_->changed.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Sender::wake() {
  {
    const Lock lock(box_->mutex);
    box_->woken = true;
  }
  box_->changed.notify_all();
}

void Sender::end_pause(std::string_view webhook) {
  {
    const Lock lock(box_->mutex);
    box_->pauses_over.emplace(webhook);
    box_->woken = true;
  }
  box_->changed.notify_all();
}

std::int64_t Sender::pause_left_ms(const std::string& webhook) const {
  const Lock lock(box_->mutex);
  const auto pause = box_->pauses.find(webhook);
  if (pause == box_->pauses.end()) return 0;
  return std::max<std::int64_t>(0, pause->second - parts_.clock.monotonic_ms());
}

void Sender::run() {
  Box& box = *box_;
  Lock lock(box.mutex);
  while (!box.stopping) {
    box.woken = false;
    lock.unlock();
    turn();
    lock.lock();
    box.changed.wait_for(lock, kIdle, [&]() RABT_REQUIRES(box.mutex) {
      return box.stopping || box.woken || !box.ended.empty();
    });
  }
}

void Sender::drain() {
  Box& box = *box_;
  Lock lock(box.mutex);
  box.changed.wait(lock, [&]() RABT_REQUIRES(box.mutex) { return box.under_way == 0; });
}

void Sender::turn() {
  const Lock one(turn_);
  std::set<std::string> over;
  {
    const Lock lock(box_->mutex);
    over.swap(box_->pauses_over);
  }
  // A webhook that failed too often is tried with one delivery: failures count on.
  for (const std::string& webhook : over) lines_[webhook].quiet_until_ms = 0;
  while (settle() || send()) {
  }
  sweep();
  const std::int64_t now = parts_.clock.monotonic_ms();
  failing_ =
      static_cast<std::uint64_t>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& item) {
        return item.second.failures >= kCircuitFailures || item.second.quiet_until_ms > now;
      }));
  std::map<std::string, std::int64_t> pauses;
  for (const auto& [webhook, line] : lines_) {
    if (line.quiet_until_ms > now) pauses.emplace(webhook, line.quiet_until_ms);
  }
  const Lock lock(box_->mutex);
  box_->pauses = std::move(pauses);
}

// ---- What became of the attempts

bool Sender::settle() {
  std::deque<Ended> ended;
  {
    const Lock lock(box_->mutex);
    ended.swap(box_->ended);
  }
  if (ended.empty()) return false;
  std::vector<Attempt> attempts;
  std::set<std::string> gone;
  for (const Ended& one : ended) {
    attempts.push_back(judge(one, lines_[one.delivery.webhook]));
    if (one.reply.kind == Reply::Kind::gone) gone.insert(one.delivery.webhook);
  }
  // An attempt that cannot be written is sent again: a receiver tells repeats by their id.
  const Status written = write(attempts, gone);
  if (!written.ok()) parts_.log.warn("webhook.unwritten", {{"code", written.error().code}});
  for (const Ended& one : ended) {
    Line& line = lines_[one.delivery.webhook];
    line.under_way.erase(one.delivery.id);
    if (!written.ok()) line.quiet_until_ms = parts_.clock.monotonic_ms() + kShortPauseMs;
  }
  return true;
}

Attempt Sender::judge(const Ended& ended, Line& line) {
  const Reply& reply = ended.reply;
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  Attempt out{.id = ended.delivery.id,
              .state = "open",
              .attempts = ended.delivery.attempts,
              .due_ms = now,
              .tried_ms = now,
              .status = reply.status,
              .code = reply.code};
  if (reply.kind == Reply::Kind::done) {
    ++delivered_;
    line.failures = 0;
    line.quiet_until_ms = 0;
    ++out.attempts;
    out.state = "done";
    return out;
  }
  if (reply.kind == Reply::Kind::untried) {
    line.quiet_until_ms = uptime + kShortPauseMs;
    out.due_ms = now + kShortPauseMs;
    return out;
  }
  ++failed_;
  ++out.attempts;
  if (reply.kind == Reply::Kind::gone) {
    ++dead_;
    out.state = "dead";
    return out;
  }
  // A delivery that was under way when the pause began says nothing new.
  if (line.failures < kCircuitFailures || uptime >= line.quiet_until_ms) {
    ++line.failures;
    if (line.failures >= kCircuitFailures)
      line.quiet_until_ms = std::max(line.quiet_until_ms, uptime + circuit_pause(line.failures));
  }
  if (reply.pause_ms && reply.pause_all)
    line.quiet_until_ms = std::max(line.quiet_until_ms, uptime + *reply.pause_ms);
  const auto pause = pause_after(out.attempts, parts_.random);
  if (!pause) {
    ++dead_;
    out.state = "dead";
    parts_.log.warn(
        "webhook.dead",
        {{"webhook", ended.delivery.webhook}, {"delivery", out.id}, {"code", out.code}});
    return out;
  }
  out.due_ms = now + std::max(*pause, reply.pause_ms.value_or(0));
  return out;
}

Status Sender::write(const std::vector<Attempt>& attempts, const std::set<std::string>& gone) {
  std::vector<std::pair<Endpoint, audit::Prepared>> ended;
  for (const std::string& id : gone) {
    const auto endpoint = book_.find(id);
    if (endpoint == nullptr || !endpoint->active()) continue;
    Endpoint after = *endpoint;
    after.state = "gone";
    after.version += 1;
    after.updated_ms = parts_.clock.now().ms;
    ended.emplace_back(std::move(after), parts_.audit.prepare({.tenant = parts_.tenant,
                                                               .actor = "node:webhooks",
                                                               .act = "webhook.gone",
                                                               .object = "webhook:" + id,
                                                               .result = "ok",
                                                               .detail = Json()}));
  }
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    for (const Attempt& attempt : attempts)
      RABT_TRY_STATUS(write_attempt(transaction, parts_.tenant, attempt));
    for (const auto& [endpoint, entry] : ended) {
      RABT_TRY_STATUS(update_endpoint(transaction, parts_.tenant, endpoint));
      RABT_TRY_STATUS(kill_open(transaction, parts_.tenant, endpoint.id, "webhook.gone"));
      RABT_TRY_STATUS(parts_.audit.append(transaction, entry));
    }
    return ok_status();
  }));
  if (ended.empty()) return ok_status();
  for (const auto& [endpoint, entry] : ended)
    parts_.log.warn("webhook.gone", {{"webhook", endpoint.id}, {"name", endpoint.name}});
  return book_.reload();
}

// ---- Sending

bool Sender::send() {
  {
    const Lock lock(box_->mutex);
    if (box_->stopping) return false;
  }
  bool any = false;
  const auto all = book_.all();
  for (const auto& endpoint : *all) {
    if (endpoint->active() && send_to(*endpoint, lines_[endpoint->id])) any = true;
  }
  // Those that were deleted are forgotten.
  std::erase_if(lines_, [&](const auto& item) {
    return item.second.under_way.empty() &&
           std::none_of(all->begin(), all->end(),
                        [&](const auto& endpoint) { return endpoint->id == item.first; });
  });
  return any;
}

bool Sender::send_to(const Endpoint& endpoint, Line& line) {
  if (parts_.clock.monotonic_ms() < line.quiet_until_ms) return false;
  const bool broker = endpoint.routes != nullptr;
  if (broker && !parts_.broker.publisher->reached()) return false;
  const std::size_t usual = broker ? kMostMessages : kMostUnderWay;
  const std::size_t most = line.failures >= kCircuitFailures ? 1 : usual;
  if (line.under_way.size() >= most) return false;
  const auto due = due_deliveries(parts_.store, parts_.tenant, endpoint.id, parts_.clock.now().ms,
                                  most + line.under_way.size());
  if (!due.ok() || due->empty()) return false;
  std::vector<SigningSecret> opened;
  const std::vector<SigningSecret>* const secrets =
      broker ? nullptr : secrets_of(endpoint, line, opened);
  if (!broker && secrets == nullptr) return false;
  bool any = false;
  for (const Delivery& delivery : *due) {
    if (line.under_way.size() >= most) break;
    if (!line.under_way.insert(delivery.id).second) continue;
    if (broker) {
      publish(delivery);
    } else {
      begin(endpoint, delivery, *secrets);
    }
    any = true;
  }
  return any;
}

const std::vector<SigningSecret>* Sender::secrets_of(const Endpoint& endpoint, Line& line,
                                                     std::vector<SigningSecret>& opened) {
  if (endpoint.secrets != nullptr) return endpoint.secrets.get();
  auto kept = book_.secrets(endpoint);
  if (kept.ok() && !kept->empty()) {
    opened = *std::move(kept);
    return &opened;
  }
  line.quiet_until_ms = parts_.clock.monotonic_ms() + kShortPauseMs;
  parts_.log.warn(
      "webhook.secret",
      {{"webhook", endpoint.id}, {"code", kept.ok() ? "webhook.no_secret" : kept.error().code}});
  return nullptr;
}

std::function<void(Reply)> Sender::ending(const Delivery& delivery) {
  {
    const Lock lock(box_->mutex);
    ++box_->under_way;
  }
  return [box = box_, delivery](Reply reply) {
    const Lock lock(box->mutex);
    box->ended.push_back({delivery, std::move(reply)});
    --box->under_way;
    box->changed.notify_all();
  };
}

std::string Sender::traceparent(const Delivery& delivery) const {
  return delivery.trace.empty() ? std::string() : traceparent_of(delivery.trace, parts_.random);
}

void Sender::publish(const Delivery& delivery) {
  const auto end = ending(delivery);
  auto body = parts_.broker.body(delivery);
  if (!body.ok()) {
    end({.kind = Reply::Kind::failed, .code = body.error().code});
    return;
  }
  parts_.broker.publisher->publish({.id = delivery.event,
                                    .key = delivery.topic,
                                    .body = *std::move(body),
                                    .timestamp_s = delivery.created_ms / 1000,
                                    .traceparent = traceparent(delivery)},
                                   [end](bus::Outcome outcome) { end(read_reply(outcome)); });
}

void Sender::begin(const Endpoint& endpoint, const Delivery& delivery,
                   const std::vector<SigningSecret>& secrets) {
  const std::int64_t seconds = parts_.clock.now().ms / 1000;
  net::Request request;
  request.method = "POST";
  request.url = endpoint.url;
  request.headers = {{"Content-Type", "application/json"},
                     {"User-Agent", "Rabt-Webhooks/1"},
                     {"webhook-id", delivery.event},
                     {"webhook-timestamp", std::to_string(seconds)},
                     {"webhook-signature", sign(secrets, delivery.event, seconds, delivery.body)}};
  const bool may_know = parts_.patient != nullptr && parts_.patient->check(endpoint.url).ok();
  if (std::string trace = traceparent(delivery); may_know && !trace.empty())
    request.headers.emplace_back("traceparent", std::move(trace));
  request.body = delivery.body;
  request.timeout_ms = kTimeoutMs;
  request.max_response_bytes = kMaxAnswer;
  // The receiver's text to a success is of no use.
  request.body_sink = [](std::string_view /*piece*/) { return ok_status(); };
  request.tls = parts_.tls;
  parts_.http.start(std::move(request), parts_.allow,
                    [end = ending(delivery), &clock = parts_.clock](const net::Response& response) {
                      end(read_reply(response, clock.now()));
                    });
}

void Sender::sweep() {
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  if (swept_ms_ != 0 && uptime - swept_ms_ < kSweepMs) return;
  swept_ms_ = uptime;
  const std::int64_t now = parts_.clock.now().ms;
  const Status swept = parts_.store.write([&](store::Transaction& transaction) {
    return webhooks::sweep(transaction, parts_.tenant, now - kDeadAfterMs, now - kDoneKeptMs,
                           now - kDeadKeptMs);
  });
  if (!swept.ok()) parts_.log.warn("webhook.sweep", {{"code", swept.error().code}});
}

}  // namespace rabt::webhooks
