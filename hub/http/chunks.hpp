#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/http/request_head.hpp"

namespace rabt::http {

// The strict reading of a body in chunks (RFC 9112 section 7.1): sizes of one to eight hexadecimal
// digits, CR LF alone as the end of a line. Extensions of chunks and trailer fields are refused:
// no sender of the hub needs them, and readers disagree about them. Confined to one connection.
class Chunks {
 public:
  // Content beyond so many bytes is refused with 413, when the size of its chunk has come.
  void limit(std::uint64_t most) { most_ = most; }

  // Appends the content of what has arrived. Gives how many bytes belong to this body: all, until
  // it is whole or refused.
  std::size_t read(std::string_view arrived, std::string& content);

  // The last chunk and the empty line after it have come.
  [[nodiscard]] bool whole() const { return state_ == State::whole; }
  // Set once; nothing is read after it.
  [[nodiscard]] const std::optional<Refusal>& refusal() const { return refusal_; }

 private:
  enum class State : std::uint8_t {
    size,
    size_end,
    content,
    content_cr,
    content_lf,
    last_cr,
    last_lf,
    whole
  };

  // One byte that is no content.
  void take(char byte);
  void end_of_size();
  void fault(std::string_view what);

  State state_ = State::size;
  int digits_ = 0;
  // Size as far as it is read, then what is left of its content.
  std::uint64_t left_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t most_ = 0;
  std::optional<Refusal> refusal_;
};

}  // namespace rabt::http
