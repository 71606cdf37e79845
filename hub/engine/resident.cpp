#include "hub/engine/resident.hpp"

#include "hub/base/bytes.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::engine {

std::string idempotency_key(std::string_view instance, std::string_view reference) {
  const crypto::Digest digest = crypto::sha256(reference);
  return std::string(instance) + "-" + to_hex(ByteView(digest).first(8));
}

std::string trace_of(std::string_view id, const Origin* origin, const Json& input) {
  if (origin != nullptr && !origin->trace.empty()) return origin->trace;
  const bool child = origin != nullptr && origin->parent != 0;
  if (!child && input.is_array()) {
    for (const Json& event : input.as_array()) {
      if (!event.is_object()) continue;
      if (auto named = parse_traceparent(event.string_or("traceparent", "")))
        return std::move(named->trace);
    }
  }
  return trace_of_run(id);
}

}  // namespace rabt::engine
