#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

// The strict reading of an HTTP/1.x request head (RFC 9112). There is no second parser behind it,
// so no two parts of the hub can disagree about where a request ends. Pure functions on bytes; what
// is not clearly right is refused, never repaired.
namespace rabt::http {

inline constexpr std::size_t kMaxHead = 64U << 10U;   // request line and all header fields
inline constexpr std::size_t kMaxRequestLine = 8192;  // RFC 9112 section 3 asks for at least 8000
inline constexpr std::size_t kMaxQueryPairs = 1000;   // query or form

struct Refusal {
  int status = 400;
  std::string code;    // stable, http.*
  std::string detail;  // for the caller; holds nothing of the request but positions and header
                       // names that are tokens
};

struct Head {
  std::string method;
  std::string target;  // as received
  std::string path;    // decoded; no dot segments, no empty segments, no encoded slashes
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::vector<std::pair<std::string, std::string>>
      headers;  // names in lower case, values trimmed, all occurrences in order
  std::uint64_t content_length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
};

// Looks for the end of the head in what has arrived so far. scanned: where the last call stopped, 0
// at first; never looks at a byte twice. Bare CR, bare LF and heads that are too long are refused
// without waiting for their end.
struct HeadScan {
  enum class State : std::uint8_t { more, complete, refused };
  State state = State::more;
  std::size_t size = 0;  // complete: bytes of the head with its empty line
  Refusal refusal;
};
[[nodiscard]] HeadScan scan_head(std::string_view buffer, std::size_t& scanned);

// Judges a complete head. max_body: a larger Content-Length is refused with 413 before a byte of it
// is read.
[[nodiscard]] std::variant<Head, Refusal> parse_head(std::string_view head, std::uint64_t max_body);

// application/x-www-form-urlencoded: pairs in order, '+' is a space. Empty when an escape is
// broken, a NUL or invalid UTF-8 comes out, or there are more than kMaxQueryPairs.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_query(
    std::string_view text);

[[nodiscard]] bool is_token(std::string_view text);  // RFC 9110 section 5.6.2

}  // namespace rabt::http
