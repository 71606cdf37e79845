#include "hub/identity/people.hpp"

#include "hub/base/ids.hpp"

namespace rabt::identity {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";
// True for a place where a UUID has a hyphen.
constexpr bool is_hyphen(std::size_t at) {
  return at == 8 || at == 13 || at == 18 || at == 23;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string uuid_of(std::string_view ulid) {
  const auto parsed = Ulid::parse(ulid);
  if (!parsed) return {};
  std::string out;
  out.reserve(36);
  for (const std::uint8_t byte : parsed->bytes) {
    if (is_hyphen(out.size())) out.push_back('-');
    out.push_back(kHex[byte >> 4U]);
    out.push_back(kHex[byte & 15U]);
  }
  return out;
}

std::optional<std::string> ulid_of(std::string_view text) {
  if (text.size() != 36) {
    const auto parsed = Ulid::parse(text);
    if (!parsed) return std::nullopt;
    return parsed->text();
  }
  Ulid id;
  std::size_t digits = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_hyphen(at)) {
      if (text[at] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[at]);
    if (value < 0) return std::nullopt;
    std::uint8_t& byte = id.bytes[digits / 2];
    byte = static_cast<std::uint8_t>((unsigned{byte} << 4U) | static_cast<unsigned>(value));
    ++digits;
  }
  return id.text();
}

}  // namespace rabt::identity
