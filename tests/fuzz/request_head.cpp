#include "hub/http/request_head.hpp"

#include <algorithm>

#include "hub/base/utf8.hpp"
#include "tests/fuzz/input.hpp"

// Input: one byte that says how the rest arrives, then what arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  constexpr std::uint64_t kMaxBody = 1'000'000;
  if (size == 0) return 0;
  const std::size_t step = std::size_t{1} + data[0];
  const std::string_view bytes = fuzz::text(data + 1, size - 1);

  std::size_t scanned = 0;
  const http::HeadScan whole = http::scan_head(bytes, scanned);
  // The same bytes in pieces.
  http::HeadScan pieces;
  std::size_t from = 0;
  for (std::size_t have = 0; pieces.state == http::HeadScan::State::more && have < bytes.size();) {
    have = std::min(bytes.size(), have + step);
    pieces = http::scan_head(bytes.substr(0, have), from);
  }
  if (pieces.state == http::HeadScan::State::complete) {
    fuzz::require(whole.state == http::HeadScan::State::complete && whole.size == pieces.size,
                  "a head that ended in pieces ends at the same place in one");
  }
  if (whole.state == http::HeadScan::State::complete) {
    fuzz::require(pieces.state == http::HeadScan::State::complete,
                  "a whole head is found in pieces as well");
  }
  if (whole.state == http::HeadScan::State::refused) {
    fuzz::require(whole.refusal.status >= 400 && whole.refusal.code.starts_with("http."),
                  "a refusal has status and code");
  }
  if (whole.state != http::HeadScan::State::complete) return 0;
  fuzz::require(whole.size <= bytes.size() && whole.size <= http::kMaxHead,
                "a head ends where bytes are");

  const auto judged = http::parse_head(bytes.substr(0, whole.size), kMaxBody);
  if (const auto* refusal = std::get_if<http::Refusal>(&judged)) {
    fuzz::require(
        refusal->status >= 400 && refusal->status < 600 && refusal->code.starts_with("http."),
        "a refusal has status and code");
    return 0;
  }
  const auto& head = std::get<http::RequestHead>(judged);
  fuzz::require(head.content_length <= kMaxBody, "the length keeps its limit");
  fuzz::require(head.path.starts_with('/'), "a path starts with a slash");
  fuzz::require(head.path.find("/../") == std::string::npos && !head.path.ends_with("/.."),
                "a path has no dot segments");
  fuzz::require(head.path.find("//") == std::string::npos, "a path has no empty segments");
  fuzz::require(head.path.find('\0') == std::string::npos && is_utf8(head.path),
                "a path is clean text");
  std::size_t hosts = 0;
  for (const auto& [name, value] : head.headers) {
    hosts += name == "host" ? 1 : 0;
    fuzz::require(http::is_token(name) && is_utf8(value), "header fields are clean");
    fuzz::require(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
                  "header values have one line");
    fuzz::require(name != "transfer-encoding" || head.chunked, "chunks are known as such");
    fuzz::require(name != "content-length" || !head.chunked, "a body has one length");
  }
  fuzz::require(hosts == 1, "there is one Host");
  return 0;
}
