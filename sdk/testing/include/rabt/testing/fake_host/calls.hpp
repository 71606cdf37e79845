#pragma once

// The plugin's life and its calls. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline FakeHost::FakeHost(std::string config, const rabt_entry& entry)
    : entry_(entry), config_(std::move(config)) {
  host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
  log_ = {sizeof log_, 0, this, &write_log};
  http_ = {sizeof http_, 0, this, &http_start, &http_cancel};
  secrets_ = {sizeof secrets_, 0, this, &secret_get};
  sign_ = {sizeof sign_, 0, this, &sign_hmac, &sign_jwt};
  kv_ = {sizeof kv_, 0, this, &kv_get, &kv_put, &kv_remove};
  clock_ = {sizeof clock_, 0, this, &now, &monotonic, &wake_after, &random};
  metrics_ = {sizeof metrics_, 0, this, &record};
  trace_ = {sizeof trace_, 0, this, &traceparent, &span_begin, &span_end};
  blob_ = {sizeof blob_,  0,          this,      &blob_create, &blob_append, &blob_finish,
           &blob_discard, &blob_info, &blob_read};
  thread_check_ = {sizeof thread_check_, 0, this, &lane};
  start();
}

inline void FakeHost::stop() {
  if (plugin_ == nullptr) return;
  std::map<rabt_call_id, Open> never_completed;
  {
    const Lock lock(mutex_);
    never_completed.swap(open_);
    pending_.clear();
  }
  for (const auto& [id, call] : never_completed) {
    if (call.ends) continue;
    violate("A1", "call " + std::to_string(id) + " of " + call.action +
                      " was accepted and never completed");
  }
  never_completed.clear();
  clock.forget_waits();
  on(RABT_LANE_CONTROL, [&] {
    const rabt_plugin* plugin = plugin_;
    {
      const Lock lock(mutex_);
      plugin_ = nullptr;
    }
    plugin->destroy(plugin->self);
  });
  writes_.clear();
  const Lock lock(mutex_);
  spans_.clear();
}

inline std::pair<std::string, std::string> FakeHost::migrate(const std::string& from_version,
                                                             const std::string& config) {
  std::pair<std::string, std::string> out;  // config, error
  const rabt_migrate* extension = nullptr;
  if (RABT_CAN(rabt_entry, &entry_, get_extension))
    extension = static_cast<const rabt_migrate*>(entry_.get_extension(RABT_MIGRATE));
  if (extension == nullptr) return {"", "the plugin offers no " RABT_MIGRATE};
  Lent lent;
  on(RABT_LANE_CONTROL, [&] {
    extension->migrate(
        extension->self, from_version.c_str(), lent(config), &out,
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<std::string, std::string>*>(to)->first = view(text);
        },
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<std::string, std::string>*>(to)->second = view(text);
        });
  });
  lent.take_back();
  return out;
}

inline void FakeHost::pump() {
  for (int step = 0; step < kMaxSteps; ++step) {
    std::function<void()> next;
    {
      const Lock lock(mutex_);
      if (!pending_.empty()) {
        next = std::move(pending_.front());
        pending_.pop_front();
      }
    }
    if (next) {
      next();
      continue;
    }
    // A thread of the plugin comes before the next moment of virtual time.
    if (clock.waiting() && has_calls() && threads_.wait(true, [this] { return !rests(); }))
      continue;
    if (!clock.advance_to_next()) return;
  }
  violate("A1", "the plugin does not come to an end");
}

inline void FakeHost::cancel(rabt_call_id id) {
  if (plugin_ == nullptr) return;
  on(RABT_LANE_CALL, [&] {
    if (RABT_CAN(rabt_plugin, plugin_, cancel)) plugin_->cancel(plugin_->self, id);
  });
  {
    const Lock lock(mutex_);
    for (auto& [number, flight] : flights_) flight = flight || http_calls_[number] == id;
  }
  if (!pump_until_ended(id)) violate("A5", "a cancelled call was never completed");
}

inline std::pair<std::string, std::string> FakeHost::deliver(const std::string& body,
                                                             const std::string& delivery) {
  std::pair<std::string, std::string> out;
  const auto* webhook = extension<rabt_webhook>(RABT_WEBHOOK);
  if (webhook == nullptr) return {"", "the plugin offers no " RABT_WEBHOOK};
  Lent lent;
  on(RABT_LANE_CALL, [&] {
    webhook->normalise(
        webhook->self, lent(delivery), lent(body), &out,
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<std::string, std::string>*>(to)->first = view(text);
        },
        [](void* to, rabt_bytes text) {
          static_cast<std::pair<std::string, std::string>*>(to)->second = view(text);
        });
  });
  lent.take_back();
  return out;
}

inline void FakeHost::start() {
  problem.clear();
  Lent lent;
  on(RABT_LANE_CONTROL, [&] {
    const rabt_plugin* made =
        entry_.create(&host_, lent(config_), &problem, [](void* context, rabt_bytes text) {
          *static_cast<std::string*>(context) = std::string(view(text));
        });
    const Lock lock(mutex_);
    plugin_ = made;
  });
  lent.take_back();
}

inline std::string FakeHost::taken(rabt_bytes given, const char* what) {
  std::string out(view(given));
  if (out.find(std::string(4, Lent::kPoison)) != std::string::npos)
    violate("A3", std::string(what) + " holds bytes of a call or callback that is over");
  return out;
}

inline void FakeHost::later(std::function<void()> callback) {
  const Lock lock(mutex_);
  if (plugin_ == nullptr && lane_ != RABT_LANE_CONTROL) {
    ++violated["A7"];
    violation_text_ += "A7: a service was called after destroy\n";
    return;
  }
  pending_.push_back([this, callback = std::move(callback)] { on(RABT_LANE_CALL, callback); });
}

inline rabt_call_id FakeHost::give(Way way, const std::string& action, const std::string& input,
                                   const std::string& key, std::int64_t time_ms) {
  const rabt_call_id id = ++calls_;
  if (plugin_ == nullptr) {
    violate("A1", "the plugin did not start: " + problem);
    return id;
  }
  auto lent = std::make_shared<Lent>();
  rabt_call raw{};
  raw.size = sizeof raw;
  raw.attempt = ++attempts_[key];
  raw.id = id;
  raw.action = (*lent)(action);
  raw.action_version = (*lent)(way == Way::health ? "" : action_version);
  raw.input = (*lent)(input);
  raw.idempotency_key = (*lent)(key);
  raw.deadline_unix_ms = clock.unix_ms() + time_ms;
  {
    const Lock lock(mutex_);
    open_[id] = {action, input, lent, raw, {action, input, way == Way::invoke ? key : ""}};
  }
  std::int32_t refused = 1;
  on(RABT_LANE_CALL, [&] {
    if (way == Way::invoke) {
      refused = plugin_->invoke(plugin_->self, &raw);
    } else if (way == Way::probe) {
      const auto* probe = extension<rabt_probe>(RABT_PROBE);
      if (probe != nullptr) refused = probe->probe(probe->self, &raw);
    } else {
      const auto* health = extension<rabt_health>(RABT_HEALTH);
      if (health != nullptr) refused = health->check(health->self, &raw);
    }
  });
  if (refused == 0) return id;
  bool was_open = false;
  {
    const Lock lock(mutex_);
    const auto at = open_.find(id);
    was_open = at != open_.end() && !at->second.ends;
    if (was_open) open_.erase(at);
    if (was_open)
      outcomes[id] =
          Outcome::fail(Kind::transient, "plugin.refused", "the plugin refused the call");
  }
  lent->take_back();
  if (!was_open) violate("A2", "a call was refused and completed");
  return id;
}

inline bool FakeHost::pump_until_ended(rabt_call_id id) {
  do {
    pump();
  } while (is_open(id) && threads_.wait(false, [&] { return !is_open(id) || !rests(); }));
  return !is_open(id);
}

inline Outcome FakeHost::end(rabt_call_id id) {
  static_cast<void>(pump_until_ended(id));
  {
    const Lock lock(mutex_);
    if (const auto found = outcomes.find(id); found != outcomes.end()) return found->second;
    open_.erase(id);
  }
  violate("A1", "the call was not completed");
  return Outcome::fail(Kind::ambiguous, "plugin.no_answer", "the call was not completed");
}

inline const void* FakeHost::get_service(void* self, const char* id) {
  FakeHost& host = of(self);
  const std::string_view name(id);
  if (host.missing.contains(std::string(name))) return nullptr;
  if (name == RABT_LOG) return &host.log_;
  if (name == RABT_HTTP) return &host.http_;
  if (name == RABT_SECRETS) return &host.secrets_;
  if (name == RABT_SIGN) return &host.sign_;
  if (name == RABT_KV) return &host.kv_;
  if (name == RABT_CLOCK) return &host.clock_;
  if (name == RABT_METRICS) return &host.metrics_;
  if (name == RABT_TRACE) return &host.trace_;
  if (name == RABT_BLOB) return &host.blob_;
  if (name == RABT_THREAD_CHECK) return &host.thread_check_;
  return nullptr;
}

inline void FakeHost::complete(void* self, rabt_call_id id, const rabt_outcome* raw) {
  FakeHost& host = of(self);
  std::string action;
  std::shared_ptr<Lent> lent;
  {
    const Lock lock(host.mutex_);
    const auto at = host.open_.find(id);
    if (at != host.open_.end() && !at->second.ends) {
      at->second.ends = true;
      action = at->second.action;
      lent = at->second.lent;
    }
  }
  if (lent == nullptr) {
    host.violate("A4", "a call was completed that is not open");
    return;
  }
  Outcome outcome = Outcome::fail(Kind::ambiguous, "plugin.bad_outcome", "");
  if (raw == nullptr || !RABT_HAS(rabt_outcome, raw, retry_after_ms) ||
      raw->kind > RABT_CANCELLED) {
    host.violate("A8", "an outcome that is incomplete or of an unknown kind");
  } else {
    outcome = {static_cast<Kind>(raw->kind),        host.taken(raw->output, "an output"),
               host.taken(raw->code, "a code"),     host.taken(raw->message, "a message"),
               host.taken(raw->detail, "a detail"), raw->retry_after_ms};
    if (!outcome.output.empty() && !Json::parse(outcome.output))
      host.violate("A8", "the output of " + action + " is no JSON");
    if (!outcome.detail.empty() && !Json::parse(outcome.detail))
      host.violate("A8", "the detail of " + action + " is no JSON");
    if (outcome.kind != Kind::done && outcome.code.empty())
      host.violate("A8", "an outcome of " + action + " has no code");
  }
  lent->take_back();
  // The call is open until its outcome is there: the test's thread waits for it.
  const Lock lock(host.mutex_);
  host.outcomes[id] = std::move(outcome);
  host.open_.erase(id);
}

}  // namespace rabt::sdk::testing
