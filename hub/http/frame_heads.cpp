#include "hub/http/frame_heads.hpp"

#include <algorithm>

#include "hub/http/web_socket.hpp"

namespace rabt::http {

namespace {

// RFC 6455 section 5.2: the first byte of a frame, and the second.
constexpr unsigned kFinal = 0x80;
constexpr unsigned kReserved = 0x70;
constexpr unsigned kOpcode = 0x0f;
constexpr unsigned kMasked = 0x80;
constexpr unsigned kLength = 0x7f;
constexpr unsigned kControl = 0x08;
constexpr unsigned kContinuation = 0;
constexpr unsigned kLastData = 2;
constexpr unsigned kClose = 8;
constexpr unsigned kLastControl = 10;
constexpr unsigned kTwoBytes = 126;
constexpr unsigned kEightBytes = 127;
constexpr std::uint64_t kMostOfTwoBytes = 0xffff;
constexpr std::size_t kMask = 4;

FrameFault wrong(std::string_view reason) {
  return {kCloseProtocol, reason};
}

}  // namespace

std::size_t FrameHeads::follow(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size();) {
    if (fault_) return at;
    if (left_ > 0) {
      const std::uint64_t step = std::min<std::uint64_t>(left_, bytes.size() - at);
      at += static_cast<std::size_t>(step);
      left_ -= step;
      continue;
    }
    head_[size_++] = static_cast<std::uint8_t>(bytes[at]);
    const bool whole = read_head();
    // The reader of the frame never sees the byte that makes its head wrong.
    if (fault_) return at;
    ++at;
    if (whole) size_ = 0;
  }
  return bytes.size();
}

bool FrameHeads::read_head() {
  if (size_ == 2) fault_ = judge_start();
  if (size_ < 2 || fault_) return false;
  const unsigned said = head_[1] & kLength;
  const std::size_t more = said == kTwoBytes ? 2 : said == kEightBytes ? 8 : 0;
  if (size_ < 2 + more) return false;
  std::uint64_t length = said;
  if (more > 0) length = 0;
  for (std::size_t i = 0; i < more; ++i) length = length << 8U | head_[2 + i];
  if (size_ == 2 + more) fault_ = judge_length(length);
  if (fault_ || size_ < 2 + more + kMask) return false;
  left_ = length;
  return true;
}

std::optional<FrameFault> FrameHeads::judge_start() const {
  const unsigned opcode = head_[0] & kOpcode;
  const bool control = (opcode & kControl) != 0;
  if ((head_[0] & kReserved) != 0) return wrong("a reserved bit is set");
  if (control ? opcode > kLastControl : opcode > kLastData) return wrong("an unknown opcode");
  if ((head_[1] & kMasked) == 0) return wrong("a frame without a mask");
  if (control && (head_[0] & kFinal) == 0) return wrong("a control frame in fragments");
  if (control && (head_[1] & kLength) >= kTwoBytes)
    return wrong("a control frame of over 125 bytes");
  if (opcode == kContinuation && fragments_ == 0) return wrong("a continuation of no message");
  if (!control && opcode != kContinuation && fragments_ > 0)
    return wrong("a message within another message");
  return std::nullopt;
}

std::optional<FrameFault> FrameHeads::judge_length(std::uint64_t length) {
  const unsigned said = head_[1] & kLength;
  const bool short_form = (said == kTwoBytes && length < kTwoBytes) ||
                          (said == kEightBytes && length <= kMostOfTwoBytes);
  if (short_form) return wrong("a length that is not in its shortest form");
  if (length >> 63U != 0) return wrong("a length of over 63 bits");
  // Section 5.5.1: a code has two bytes.
  if ((head_[0] & kOpcode) == kClose && length == 1) return wrong("a close frame of one byte");
  if ((head_[0] & kControl) != 0) return std::nullopt;
  if (++fragments_ > max_fragments_)
    return FrameFault{kCloseTooBig, "a message of too many fragments"};
  if (length > max_message_ - message_)
    return FrameFault{kCloseTooBig, "a message that is too large"};
  const bool last = (head_[0] & kFinal) != 0;
  message_ = last ? 0 : message_ + length;
  if (last) fragments_ = 0;
  return std::nullopt;
}

}  // namespace rabt::http
