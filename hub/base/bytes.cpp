#include "hub/base/bytes.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/locked_memory.hpp"

namespace rabt {

namespace {
constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::array<std::int8_t, 256> make_base64_table() {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i) {
    table[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}
}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const auto byte : bytes) {
    out.push_back(kHex[byte >> 4U]);
    out.push_back(kHex[byte & 0xfU]);
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const unsigned v = static_cast<unsigned>(bytes[i] << 16U | bytes[i + 1] << 8U | bytes[i + 2]);
    out.push_back(kBase64[v >> 18U & 63U]);
    out.push_back(kBase64[v >> 12U & 63U]);
    out.push_back(kBase64[v >> 6U & 63U]);
    out.push_back(kBase64[v & 63U]);
  }
  if (i < bytes.size()) {
    const bool two = i + 1 < bytes.size();
    const unsigned v = static_cast<unsigned>(bytes[i] << 16U | (two ? bytes[i + 1] << 8U : 0));
    out.push_back(kBase64[v >> 18U & 63U]);
    out.push_back(kBase64[v >> 12U & 63U]);
    out.push_back(two ? kBase64[v >> 6U & 63U] : '=');
    out.push_back('=');
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  static const auto kTable = make_base64_table();
  if (text.size() % 4 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding =
        last ? (text[i + 3] == '=' ? (text[i + 2] == '=' ? 2U : 1U) : 0U) : 0U;
    unsigned v = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const int digit = k >= 4 - padding ? 0 : kTable[static_cast<unsigned char>(text[i + k])];
      if (digit < 0) return std::nullopt;
      v = v << 6U | static_cast<unsigned>(digit);
    }
    if ((padding == 1 && (v & 0xffU) != 0) || (padding == 2 && (v & 0xffffU) != 0))
      return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(v >> 16U));
    if (padding < 2) out.push_back(static_cast<std::uint8_t>(v >> 8U));
    if (padding < 1) out.push_back(static_cast<std::uint8_t>(v));
  }
  return out;
}

SecretBytes::SecretBytes(Bytes bytes) : SecretBytes(as_text(bytes)) {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

SecretBytes::SecretBytes(std::string_view text) : bytes_(locked_allocate(text.size())) {
  std::copy(text.begin(), text.end(), bytes_.begin());
}

SecretBytes SecretBytes::of_size(std::size_t size) {
  SecretBytes secret;
  secret.bytes_ = locked_allocate(size);
  return secret;
}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    locked_free(bytes_);
    bytes_ = std::exchange(other.bytes_, {});
  }
  return *this;
}

SecretBytes::~SecretBytes() {
  locked_free(bytes_);
}

bool SecretBytes::equals(ByteView other) const {
  return constant_time_equal(bytes_, other);
}

bool constant_time_equal(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace rabt
