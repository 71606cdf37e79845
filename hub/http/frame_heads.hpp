#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

// Heads of the frames of a WebSocket's client (RFC 6455 section 5.2), judged before any payload is
// read. Pure; knows no socket.
namespace rabt::http {

// A fault as the close frame says it.
struct FrameFault {
  std::uint16_t code = 0;
  std::string_view reason;
};

// Follows the bytes of one connection, in order. Caller synchronises.
class FrameHeads {
 public:
  FrameHeads(std::uint64_t max_message, int max_fragments)
      : max_message_(max_message), max_fragments_(max_fragments) {}
  // Returns how many bytes may be handed on: all, or those before the end of a head with a fault.
  // After a fault nothing more is followed.
  [[nodiscard]] std::size_t follow(std::string_view bytes);
  [[nodiscard]] const std::optional<FrameFault>& fault() const { return fault_; }

 private:
  // Judges the head after one more byte. True when the head is whole.
  [[nodiscard]] bool read_head();
  [[nodiscard]] std::optional<FrameFault> judge_start() const;
  [[nodiscard]] std::optional<FrameFault> judge_length(std::uint64_t length);

  const std::uint64_t max_message_;
  const int max_fragments_;
  std::array<std::uint8_t, 14> head_{};
  std::size_t size_ = 0;
  // Bytes of the present payload that are to come.
  std::uint64_t left_ = 0;
  // Bytes and frames of the present message; no frames between two messages.
  std::uint64_t message_ = 0;
  int fragments_ = 0;
  std::optional<FrameFault> fault_;
};

}  // namespace rabt::http
