#pragma once

#include <optional>
#include <string>
#include <string_view>

// W3C Trace Context, version 00: https://www.w3.org/TR/trace-context/
namespace rabt {

// What a caller says of the trace that a request belongs to.
struct TraceParent {
  // 32 and 16 hexadecimal digits in lower case, not all zeros.
  std::string trace;
  std::string parent;
};

// The header `traceparent`. Nothing for any other version and for whatever the specification calls
// invalid: the trace begins anew then (section 3.2.2.5).
[[nodiscard]] std::optional<TraceParent> parse_traceparent(std::string_view text);

// Whether a machine drew this id: a UUID, a ULID or a trace id. What a caller sends goes into the
// log and into the audit log; a telephone number or a name is none of these.
[[nodiscard]] bool is_machine_id(std::string_view text);

}  // namespace rabt
