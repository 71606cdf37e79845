#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rabt {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

[[nodiscard]] inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Lower case.
[[nodiscard]] std::string to_hex(ByteView bytes);
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);
// RFC 4648 section 4, with padding.
[[nodiscard]] std::string to_base64(ByteView bytes);
// Strict: the standard alphabet, padding required, no white space, no stray bits.
[[nodiscard]] std::optional<Bytes> from_base64(std::string_view text);

// Bytes of keys and tokens, in locked memory (hub/base/locked_memory.hpp). They are overwritten
// when they are destroyed, and can neither be copied nor printed.
class SecretBytes {
 public:
  SecretBytes() = default;
  // Copies the bytes into locked memory and overwrites the vector that held them.
  explicit SecretBytes(Bytes bytes);
  explicit SecretBytes(std::string_view text);
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();
  // Zero bytes, to be filled through fill().
  [[nodiscard]] static SecretBytes of_size(std::size_t size);
  [[nodiscard]] std::span<std::uint8_t> fill() { return bytes_; }

  [[nodiscard]] SecretBytes clone() const { return SecretBytes(as_text(bytes_)); }
  // The only way to the bytes; the name makes every use findable.
  [[nodiscard]] ByteView expose() const { return bytes_; }
  [[nodiscard]] std::string_view expose_text() const { return as_text(bytes_); }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  // Takes the same time for equal lengths, whatever the content.
  [[nodiscard]] bool equals(ByteView other) const;

 private:
  std::span<std::uint8_t> bytes_;
};

// Takes the same time for equal lengths, whatever the content.
[[nodiscard]] bool constant_time_equal(ByteView a, ByteView b);

}  // namespace rabt
