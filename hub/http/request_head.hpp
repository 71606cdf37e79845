#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// The strict reading of an HTTP/1.x request head (RFC 9112). There is no second parser behind this
// one, so no two parts of the hub can disagree about where a request ends. Pure functions on bytes;
// what is not clearly right is refused, never repaired.
namespace rabt::http {

inline constexpr std::size_t kMaxHead = 64U << 10U;   // request line and all header fields
inline constexpr std::size_t kMaxRequestLine = 8192;  // RFC 9112 section 3 asks for at least 8000
inline constexpr std::size_t kMaxQueryPairs = 1000;   // query or form

struct Refusal {
  int status = 400;
  // Stable, http.*
  std::string code;
  // For the caller. It holds nothing of the request but positions, and header names that are
  // tokens.
  std::string detail;
};
[[nodiscard]] inline Refusal refuse(int status, std::string code, std::string detail) {
  return {status, std::move(code), std::move(detail)};
}

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct RequestHead {
  std::string method;
  // Path and query as received; "*" for OPTIONS *, which is its path, too.
  std::string target;
  // Host and port of a target in absolute form, which are the Host header's then. Else empty.
  std::string authority;
  // Decoded; no dot segments, no empty segments, no encoded slashes.
  std::string path;
  // Decoded, in order.
  Pairs query;
  // Names in lower case, values trimmed, all occurrences in order.
  Pairs headers;
  std::uint64_t content_length = 0;
  // The body comes in chunks (chunks.hpp), and content_length is 0.
  bool chunked = false;
  // False for HTTP/1.0.
  bool http_1_1 = true;
  bool keep_alive = true;
  bool expect_continue = false;
};

struct HeadScan {
  enum class State : std::uint8_t { more, complete, refused };
  State state = State::more;
  // When complete: bytes of the head with its empty line.
  std::size_t size = 0;
  Refusal refusal;
};
// Looks for the end of the head in what has arrived so far, and never looks at a byte twice:
// scanned, 0 at first, is where the last call stopped. A bare CR, a bare LF and a head that is too
// long are refused without waiting for the end of the head.
[[nodiscard]] HeadScan scan_head(std::string_view buffer, std::size_t& scanned);

// Judges a complete head. A Content-Length above max_body is refused with 413, before a byte of the
// body is read.
[[nodiscard]] std::variant<RequestHead, Refusal> parse_head(std::string_view head,
                                                            std::uint64_t max_body);

// The target of a head that may be refused or incomplete, as it came: what stands between the first
// two spaces of its first line, or all there is after the first.
[[nodiscard]] std::string_view target_in(std::string_view head);

// application/x-www-form-urlencoded: pairs in order, '+' is a space. Nothing when an escape is
// broken, a NUL or invalid UTF-8 comes out, or there are more than kMaxQueryPairs.
[[nodiscard]] std::optional<Pairs> parse_query(std::string_view text);

// RFC 9110 section 5.6.2.
[[nodiscard]] bool is_token(std::string_view text);

}  // namespace rabt::http
