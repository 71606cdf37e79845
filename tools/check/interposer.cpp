#include "tools/check/interposer.hpp"

#include <algorithm>
#include <chrono>

namespace rabt::check {

using sdk::testing::FakeHost;

std::string_view view(rabt_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
rabt_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += part;
  return out;
}

Session::Options with_store(Session::Options options) {
  if (!options.kv) options.kv = std::make_shared<Stored>();
  return options;
}

}  // namespace

Texts::Texts(const std::vector<std::string>& parts) : all_(joined(parts)) {
  std::size_t at = 0;
  for (const std::string& part : parts) {
    parts_.push_back(all_.view().substr(at, part.size()));
    at += part.size();
  }
}

void CreateError::take(void* context, rabt_bytes given) {
  auto& error = *static_cast<CreateError*>(context);
  ++error.times;
  error.text = given.len == 0 ? "" : std::string(view(given));
}

Interposer::Interposer(const Subject& subject, const rabt_entry& entry, Session::Options options)
    : subject_(subject),
      options_(with_store(std::move(options))),
      entry_(entry),
      chance_(options_.chance) {
  host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
  http_ = {sizeof http_, 0, this, &http_start, &http_cancel};
  kv_ = {sizeof kv_, 0, this, &kv_get, &kv_put, &kv_remove};
  clock_ = {sizeof clock_, 0, this, &clock_now, &clock_monotonic, &wake_after, &random};
  log_ = {sizeof log_, 0, this, &write_log};
  metrics_ = {sizeof metrics_, 0, this, &record_metric};
  table_.size = sizeof table_;
  table_.self = this;
  table_.invoke = &invoke;
  table_.cancel = &cancel;
  table_.get_extension = &get_extension;
  table_.destroy = &destroy;
  rabt_entry interposed = entry;
  interposed.create = &create;
  being_made_ = this;
  fake_ = std::make_unique<FakeHost>(options_.config, interposed);
  being_made_ = nullptr;
}

// ---- the entry and the instance that the fake host sees

const rabt_plugin* Interposer::create(const rabt_host* below, rabt_bytes config,
                                      void* error_context, rabt_sink error) {
  Interposer& me = *being_made_;
  me.below_ = below;
  me.set_up(*static_cast<FakeHost*>(below->self));
  Texts texts({std::string(view(config))});
  me.plugin_ = me.entry_.create(&me.host_, texts[0], &me.create_error_, &CreateError::take);
  texts.guard("the plugin read the bytes of its configuration after create had returned");
  if (me.plugin_ != nullptr) return &me.table_;
  error(error_context, bytes(me.create_error_.text));
  return nullptr;
}

// Called before any code of the plugin runs.
void Interposer::set_up(FakeHost& below) {
  for (const std::string& name : subject_.manifest().secrets) {
    const auto given = subject_.secrets().find(name);
    below.secrets[name] =
        given == subject_.secrets().end() ? "check-secret-of-" + name : given->second;
  }
  for (const Example& example : subject_.examples()) {
    for (const auto& [handle, text] : example.blobs)
      below.blobs[handle] = {.content_type = "application/octet-stream", .content = text};
  }
  time_ms_ = below.clock.unix_ms();
  below.store = *options_.kv;
  below.outside = [this](const sdk::testing::Request& request) { return outside(request); };
}

std::int32_t Interposer::invoke(void* self, const rabt_call* given) {
  Interposer& me = *static_cast<Interposer*>(self);
  auto made = std::make_unique<Live>();
  Live& live = *made;
  live.record.action = std::string(view(given->action));
  live.record.began_ms = me.now();
  live.record.deadline_ms = given->deadline_unix_ms;
  live.texts = std::make_unique<Texts>(std::vector<std::string>{
      live.record.action, std::string(view(given->action_version)), std::string(view(given->input)),
      std::string(view(given->idempotency_key))});
  live.raw = *given;
  live.raw.attempt = me.next_attempt_;
  live.raw.action = (*live.texts)[0];
  live.raw.action_version = (*live.texts)[1];
  live.raw.input = (*live.texts)[2];
  live.raw.idempotency_key = (*live.texts)[3];
  {
    const Lock lock(me.mutex_);
    me.calls_[given->id] = std::move(made);
  }
  std::int32_t result = 0;
  me.on_lane("invoke", [&] { result = me.plugin_->invoke(me.plugin_->self, &live.raw); });
  const Lock lock(me.mutex_);
  live.record.invoke_result = result;
  return result;
}

void Interposer::cancel(void* self, rabt_call_id id) {
  Interposer& me = *static_cast<Interposer*>(self);
  me.on_lane("cancel", [&] { me.plugin_->cancel(me.plugin_->self, id); });
}

const void* Interposer::get_extension(void* self, const char* id) {
  const Interposer& me = *static_cast<Interposer*>(self);
  return me.plugin_->get_extension(me.plugin_->self, id);
}

void Interposer::destroy(void* self) {
  Interposer& me = *static_cast<Interposer*>(self);
  me.plugin_->destroy(me.plugin_->self);
  me.destroyed_ = true;
}

// ---- calls

rabt_call_id Interposer::begin(const CallWish& wish) {
  next_attempt_ = wish.attempt;
  fake_->action_version = wish.version;
  return fake_->begin(wish.action, wish.input, wish.key, wish.time_ms);
}

void Interposer::cancel_call(rabt_call_id id) {
  cancel(this, id);
  std::vector<std::uint64_t> open;
  {
    const Lock lock(mutex_);
    cancelled_.insert(id);
    for (const auto& [number, one] : waiting_) {
      if (one.first->call == id) open.push_back(number);
    }
  }
  for (const std::uint64_t number : open) end_waiting(number, "cancelled");
}

void Interposer::stop() {
  if (!fake_->started()) return;
  fake_->stop();
  *options_.kv = fake_->store;
}

const CallRecord& Interposer::record(rabt_call_id id) const {
  const Lock lock(mutex_);
  return calls_.at(id)->record;
}

bool Interposer::all_ended() const {
  const Lock lock(mutex_);
  return std::all_of(calls_.begin(), calls_.end(), [](const auto& one) {
    return !one.second->record.accepted() || !one.second->record.outcomes.empty();
  });
}

// ---- time and what was seen

std::size_t Interposer::armed() const {
  const Lock lock(mutex_);
  return timers_.size();
}

bool Interposer::step_clock(std::int64_t last_ms) {
  std::function<void()> wake;
  {
    const Lock lock(mutex_);
    const auto first = timers_.begin();
    if (first == timers_.end() || first->first > last_ms) return false;
    move_to(first->first);
    wake = std::move(first->second);
    timers_.erase(first);
  }
  wake();
  return true;
}

void Interposer::move_to(std::int64_t ms) {
  if (ms <= time_ms_) return;
  fake_->clock.advance(ms - time_ms_);
  time_ms_ = ms;
}

void Interposer::on_lane(const char* what, const std::function<void()>& function) {
  const auto start = std::chrono::steady_clock::now();
  function();
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                          std::chrono::steady_clock::now() - start)
                          .count();
  if (micros > slowest_.second) slowest_ = {what, micros};
}

void Interposer::wrong(std::string what) {
  const Lock lock(mutex_);
  if (violations_.size() < 20) violations_.push_back(std::move(what));
}

std::vector<std::string> Interposer::violations() const {
  std::vector<std::string> out;
  {
    const Lock lock(mutex_);
    out = violations_;
  }
  // The interposer itself sees the other violations better than the fake host.
  if (fake_->violated.count("A3") > 0)
    out.emplace_back("A3: the plugin gave back bytes of a call or callback that was over");
  return out;
}

}  // namespace rabt::check
