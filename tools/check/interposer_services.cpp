#include <algorithm>

#include "tools/check/interposer.hpp"

// The host that the plugin sees: its services, which may be called from any thread of the plugin.
namespace rabt::check {

namespace {

constexpr const char* kLateCall =
    "A3: the plugin read the bytes of a call after complete() of it had returned";
constexpr const char* kLateAnswer =
    "the plugin read the bytes of a callback after the callback had returned; copy what is kept";

std::string text_of(rabt_bytes bytes) {
  return bytes.len == 0 ? std::string() : std::string(view(bytes));
}

}  // namespace

Interposer& Interposer::of(void* self) {
  auto& me = *static_cast<Interposer*>(self);
  if (me.destroyed_) ++me.uses_after_;
  return me;
}

const void* Interposer::get_service(void* self, const char* id) {
  Interposer& me = of(self);
  if (id == nullptr || !me.options_.services) return nullptr;
  const std::string_view name(id);
  if (name == RABT_HTTP) return &me.http_;
  if (name == RABT_KV) return &me.kv_;
  if (name == RABT_CLOCK) return &me.clock_;
  if (name == RABT_LOG) return &me.log_;
  if (name == RABT_METRICS) return &me.metrics_;
  if (name == RABT_SECRETS && !me.subject_.manifest().secrets_raw) return nullptr;
  return me.below_->get_service(me.below_->self, id);
}

void Interposer::complete(void* self, rabt_call_id id, const rabt_outcome* raw) {
  Interposer& me = of(self);
  Live* live = nullptr;
  {
    const Lock lock(me.mutex_);
    const auto found = me.calls_.find(id);
    if (found != me.calls_.end()) live = found->second.get();
  }
  if (live == nullptr) return me.wrong("complete() of a call that was never made");
  OutcomeCopy copy;
  if (!RABT_HAS(rabt_outcome, raw, retry_after_ms)) {
    me.wrong("an outcome whose size is smaller than rabt_outcome");
    copy.kind = UINT32_MAX;
  } else {
    copy = {raw->kind,
            text_of(raw->output),
            text_of(raw->code),
            text_of(raw->message),
            text_of(raw->detail),
            raw->retry_after_ms};
  }
  if (!me.destroyed_) me.below_->complete(me.below_->self, id, raw);
  const Lock lock(me.mutex_);
  if (live->record.outcomes.empty()) live->record.ended_ms = me.now();
  live->record.outcomes.push_back(std::move(copy));
  if (!live->guarded) {
    live->guarded = true;
    live->texts->guard(kLateCall);
  }
}

// ---- rabt.http/1

// Asks the outside system of the test, which speaks other types than the SDK's fake.
sdk::testing::Answer Interposer::outside(const sdk::testing::Request& request) {
  Request ours;
  ours.call = request.call;
  ours.body = request.body;
  if (auto head = Json::parse(request.text); head.ok()) ours.head = std::move(head).value();
  ours.method = ours.head.string_or("method", "GET");
  ours.url = ours.head.string_or("url", "");
  {
    const Lock lock(mutex_);
    const auto live = calls_.find(ours.call);
    if (live != calls_.end()) live->second->record.requests.push_back(ours);
  }
  const Answer answer = options_.world ? options_.world(ours) : Answer{};
  Json headers = Json::array();
  for (const auto& [name, value] : answer.headers)
    headers.push_back(Json::array({Json(name), Json(value)}));
  sdk::testing::Answer out;
  out.sent = answer.sent;
  out.status = answer.status;
  out.body = answer.body;
  out.headers = headers.dump();
  out.error = answer.error;
  out.error_message = answer.error.empty() ? "" : "the fake outside system says " + answer.error;
  return out;
}

std::uint64_t Interposer::http_start(void* self, rabt_call_id call, rabt_bytes head,
                                     rabt_bytes body, void* context, rabt_http_done done) {
  Interposer& me = of(self);
  auto flight = std::make_unique<Flight>();
  flight->interposer = &me;
  flight->call = call;
  flight->context = context;
  flight->done = done;
  const auto parsed = Json::parse(view(head));
  if (!parsed.ok() || !(*parsed)["url"].is_string())
    me.wrong("an HTTP request that is no JSON object with a url");
  flight->timeout_ms = parsed.ok() ? parsed->int_or("timeout_ms", 60'000) : 0;
  Flight* raw = flight.get();
  {
    const Lock lock(me.mutex_);
    const auto live = me.calls_.find(call);
    if (live != me.calls_.end())
      raw->timeout_ms = std::min(raw->timeout_ms, live->second->record.deadline_ms - me.now());
    me.flights_.push_back(std::move(flight));
  }
  const auto* below = me.service<rabt_http>(RABT_HTTP);
  raw->number = below->start(below->self, call, head, body, raw, &answered);
  return raw->number;
}

// Called by the fake host. The plugin gets the answer now; if none came, when the time is over.
void Interposer::answered(void* context, const rabt_http_result* result) {
  auto& flight = *static_cast<Flight*>(context);
  Interposer& me = *flight.interposer;
  HttpResult copy;
  copy.sent = result->sent;
  copy.status = result->status;
  copy.blob_bytes = result->blob_bytes;
  for (const rabt_bytes& part : {result->headers_json, result->body, result->error_code,
                                 result->error_message, result->blob, result->blob_sha256})
    copy.texts.push_back(text_of(part));
  if (copy.texts[2] == "timeout") {
    const Lock lock(me.mutex_);
    if (me.cancelled_.count(flight.call) == 0) {
      me.waiting_[flight.number] = {&flight, copy};
      me.timers_.emplace(me.now() + std::max<std::int64_t>(flight.timeout_ms, 0),
                         [&me, number = flight.number] { me.end_waiting(number, ""); });
      return;
    }
    copy.texts[2] = "cancelled";
  }
  me.give(flight, copy);
}

void Interposer::give(const Flight& flight, const HttpResult& result) {
  Texts texts(result.texts);
  rabt_http_result raw{};
  raw.size = sizeof raw;
  raw.sent = result.sent;
  raw.status = result.status;
  raw.headers_json = texts[0];
  raw.body = texts[1];
  raw.error_code = texts[2];
  raw.error_message = texts[3];
  raw.blob = texts[4];
  raw.blob_bytes = result.blob_bytes;
  raw.blob_sha256 = texts[5];
  on_lane("a callback of rabt.http/1", [&] { flight.done(flight.context, &raw); });
  texts.guard(kLateAnswer);
}

void Interposer::end_waiting(std::uint64_t number, const std::string& error) {
  std::pair<Flight*, HttpResult> one;
  {
    const Lock lock(mutex_);
    const auto found = waiting_.find(number);
    if (found == waiting_.end()) return;
    one = std::move(found->second);
    waiting_.erase(found);
  }
  if (!error.empty()) one.second.texts[2] = error;
  give(*one.first, one.second);
}

void Interposer::http_cancel(void* self, std::uint64_t number) {
  Interposer& me = of(self);
  const auto* below = me.service<rabt_http>(RABT_HTTP);
  below->cancel(below->self, number);
  const Lock lock(me.mutex_);
  if (me.waiting_.count(number) > 0)
    me.timers_.emplace(me.now(), [&me, number] { me.end_waiting(number, "cancelled"); });
}

// ---- rabt.kv/1

void Interposer::kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done) {
  Interposer& me = of(self);
  const auto* below = me.service<rabt_kv>(RABT_KV);
  auto get = std::make_unique<Get>(Get{&me, context, done});
  Get* raw = get.get();
  {
    const Lock lock(me.mutex_);
    me.gets_.push_back(std::move(get));
  }
  below->get(below->self, key, raw,
             [](void* to, std::int32_t status, rabt_bytes value, std::int64_t version) {
               auto& one = *static_cast<Get*>(to);
               Texts texts({text_of(value)});
               one.interposer->on_lane("a callback of rabt.kv/1",
                                       [&] { one.done(one.context, status, texts[0], version); });
               texts.guard(kLateAnswer);
             });
}

void Interposer::kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                        std::int64_t expected, void* context, rabt_kv_stored done) {
  Interposer& me = of(self);
  if (key.len == 0 || key.len > 256) me.wrong("a key of rabt.kv/1 that has not 1 to 256 bytes");
  const auto* below = me.service<rabt_kv>(RABT_KV);
  below->put(below->self, key, value, ttl_ms, expected, context, done);
}

void Interposer::kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done) {
  const auto* below = of(self).service<rabt_kv>(RABT_KV);
  below->remove(below->self, key, context, done);
}

// ---- rabt.clock/1, rabt.log/1, rabt.metrics/1

// The interposer keeps the timers, not the fake host: a plugin that always waits for something must
// not keep a call from being looked at.
void Interposer::wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake) {
  Interposer& me = of(self);
  const Lock lock(me.mutex_);
  me.timers_.emplace(me.now() + std::max<std::int64_t>(ms, 0), [&me, context, wake] {
    me.on_lane("a callback of rabt.clock/1", [&] { wake(context); });
  });
}

void Interposer::random(void* self, std::uint8_t* out, std::uint64_t size) {
  Interposer& me = of(self);
  const Lock lock(me.mutex_);
  for (std::uint64_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(me.chance_.next());
}

void Interposer::write_log(void* self, std::uint32_t level, const char* event, rabt_bytes fields) {
  const Interposer& me = of(self);
  if (me.destroyed_) return;
  const auto* below = me.service<rabt_log>(RABT_LOG);
  below->log(below->self, level, event == nullptr ? "" : event, fields);
}

void Interposer::record_metric(void* self, const char* name, rabt_bytes labels, double value) {
  const Interposer& me = of(self);
  if (me.destroyed_) return;
  const auto* below = me.service<rabt_metrics>(RABT_METRICS);
  below->record(below->self, name == nullptr ? "" : name, labels, value);
}

}  // namespace rabt::check
