#pragma once

// rabt.kv/1. Included by fake_host.hpp. SPDX-License-Identifier: Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline FakeHost::Fate FakeHost::fate() {
  const int number = operations++;
  if (fail_from < 0 || number < fail_from) return Fate::works;
  if (fail_once && number > fail_from) return Fate::works;
  return number == fail_from && late_effect ? Fate::effect_but_fails : Fate::fails;
}

inline void FakeHost::expire(const std::string& key) {
  const auto found = expires_.find(key);
  if (found == expires_.end() || found->second > clock.unix_ms()) return;
  expires_.erase(found);
  store.erase(key);
}

inline void FakeHost::kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done) {
  FakeHost& host = of(self);
  host.later([&host, context, done, name = host.taken(key, "a key")] {
    host.trace.push_back("get " + name);
    host.expire(name);
    const auto found = host.store.find(name);
    if (host.fate() != Fate::works || name.empty() || name.size() > kMaxKey)
      return done(context, RABT_KV_FAILED, {}, 0);
    if (found == host.store.end()) return done(context, RABT_KV_ABSENT, {}, 0);
    Lent lent;
    done(context, RABT_KV_OK, lent(std::string(found->second.first)), found->second.second);
    lent.take_back();
  });
}

inline void FakeHost::kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                             std::int64_t expected, void* context, rabt_kv_stored done) {
  FakeHost& host = of(self);
  host.later([&host, expected, ttl_ms, context, done, name = host.taken(key, "a key"),
              text = host.taken(value, "a value")] {
    host.trace.push_back("put " + name);
    host.expire(name);
    const Fate fate = host.fate();
    if (fate == Fate::fails || name.empty() || name.size() > kMaxKey || text.size() > kMaxValue ||
        ttl_ms < 0)
      return done(context, RABT_KV_FAILED, 0);
    const auto found = host.store.find(name);
    const std::int64_t version = found == host.store.end() ? 0 : found->second.second;
    if (expected != RABT_KV_ANY && version != expected) return done(context, RABT_KV_CONFLICT, 0);
    host.store[name] = {text, version + 1};
    host.expires_.erase(name);
    if (ttl_ms > 0) host.expires_[name] = host.clock.unix_ms() + ttl_ms;
    done(context, fate == Fate::works ? RABT_KV_OK : RABT_KV_FAILED, version + 1);
  });
}

inline void FakeHost::kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done) {
  FakeHost& host = of(self);
  host.later([&host, context, done, name = host.taken(key, "a key")] {
    host.trace.push_back("remove " + name);
    host.expire(name);
    const Fate fate = host.fate();
    if (fate == Fate::fails || name.empty() || name.size() > kMaxKey)
      return done(context, RABT_KV_FAILED);
    const bool gone = host.store.erase(name) == 1;
    done(context, fate != Fate::works ? RABT_KV_FAILED : gone ? RABT_KV_OK : RABT_KV_ABSENT);
  });
}

}  // namespace rabt::sdk::testing
