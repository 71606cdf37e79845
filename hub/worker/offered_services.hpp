#pragma once

#include <string_view>

#include "rabt/services.h"

namespace rabt::worker {

// The services of the ABI as a plugin is given them, in the hub or in the plugin's own process. All
// functions are absent until somebody fills them in.
struct OfferedServices {
  rabt_log log{};
  rabt_http http{};
  rabt_secrets secrets{};
  rabt_sign sign{};
  rabt_kv kv{};
  rabt_clock clock{};
  rabt_metrics metrics{};
  rabt_trace trace{};
  rabt_blob blob{};
  rabt_thread_check thread_check{};

  // By the name that a plugin asks with. Null if there is no such service.
  [[nodiscard]] const void* find(std::string_view name) const {
    if (name == RABT_LOG) return &log;
    if (name == RABT_HTTP) return &http;
    if (name == RABT_SECRETS) return &secrets;
    if (name == RABT_SIGN) return &sign;
    if (name == RABT_KV) return &kv;
    if (name == RABT_CLOCK) return &clock;
    if (name == RABT_METRICS) return &metrics;
    if (name == RABT_TRACE) return &trace;
    if (name == RABT_BLOB) return &blob;
    if (name == RABT_THREAD_CHECK) return &thread_check;
    return nullptr;
  }
};

}  // namespace rabt::worker
