#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/random.hpp"

// W3C Trace Context, version 00: https://www.w3.org/TR/trace-context/
namespace rabt {

// Trace of a request, as its caller gives it.
struct TraceParent {
  // 32 and 16 hexadecimal digits in lower case, not all zeros.
  std::string trace;
  std::string parent;
};

// The header `traceparent`. Nothing for any other version and for whatever the specification calls
// invalid: the trace begins anew then (section 3.2.2.5).
[[nodiscard]] std::optional<TraceParent> parse_traceparent(std::string_view text);

// The header of a request that the hub sends within a trace.
[[nodiscard]] std::string traceparent_of(std::string_view trace, std::uint64_t span);
// The same with a span of its own, of which nothing else is known.
[[nodiscard]] std::string traceparent_of(std::string_view trace, Random& random);
// Never 0.
[[nodiscard]] std::uint64_t draw_span(Random& random);
// 16 hexadecimal digits.
[[nodiscard]] std::string span_text(std::uint64_t span);

// The trace of a run that nobody's trace led to: its id, a ULID, as 32 hexadecimal digits. Empty
// for anything but a ULID.
[[nodiscard]] std::string trace_of_run(std::string_view run);

// True if a header belongs to a trace: the hub writes these, or nobody.
[[nodiscard]] bool is_of_a_trace(std::string_view header);

// True if a machine drew this id: a UUID, a ULID or a trace id. What a caller sends goes into the
// log and into the audit log; a telephone number or a name is none of these.
[[nodiscard]] bool is_machine_id(std::string_view text);

}  // namespace rabt
