#pragma once

// rabt.log/1, rabt.metrics/1 and rabt.trace/1. Included by fake_host.hpp. SPDX-License-Identifier:
// Apache-2.0

#include "rabt/testing/fake_host.hpp"

namespace rabt::sdk::testing {

inline void FakeHost::write_log(void* self, std::uint32_t level, const char* event,
                                rabt_bytes fields) {
  FakeHost& host = of(self);
  std::string text = host.taken(fields, "a log entry");
  const Lock lock(host.mutex_);
  host.logged.push_back({level, event, std::move(text)});
}

inline void FakeHost::record(void* self, const char* name, rabt_bytes labels, double value) {
  FakeHost& host = of(self);
  std::string text = host.taken(labels, "a label");
  const Lock lock(host.mutex_);
  host.recorded.push_back({name, std::move(text), value});
}

inline std::string FakeHost::span_text(std::uint64_t id) {
  std::string raw;
  for (unsigned shift = 56;; shift -= 8) {
    raw.push_back(static_cast<char>(id >> shift));
    if (shift == 0) return hex(raw);
  }
}

inline std::int32_t FakeHost::traceparent(void* self, rabt_call_id call, std::uint64_t span,
                                          void* context, rabt_sink sink) {
  FakeHost& host = of(self);
  {
    const Lock lock(host.mutex_);
    const auto found = host.spans_.find(span);
    const bool open = span == 0 || (found != host.spans_.end() && found->second.first == call);
    if (!host.open_.contains(call) || !open) return 1;
  }
  host.lend(sink, context,
            "00-4bf92f3577b34da6a3ce929d0e0e4736-" + span_text(span == 0 ? call : span) + "-01");
  return 0;
}

inline std::uint64_t FakeHost::span_begin(void* self, rabt_call_id call, std::uint64_t parent,
                                          const char* name) {
  FakeHost& host = of(self);
  const Lock lock(host.mutex_);
  if (!host.open_.contains(call) || (parent != 0 && !host.spans_.contains(parent))) return 0;
  host.spans_[++host.next_span_] = {call, name};
  return host.next_span_;
}

inline void FakeHost::span_end(void* self, std::uint64_t span, std::uint32_t status,
                               rabt_bytes fields) {
  FakeHost& host = of(self);
  std::string text = host.taken(fields, "a span");
  const Lock lock(host.mutex_);
  const auto found = host.spans_.find(span);
  if (found == host.spans_.end()) return;
  host.spans.push_back({found->second.second, status, std::move(text)});
  host.spans_.erase(found);
}

}  // namespace rabt::sdk::testing
