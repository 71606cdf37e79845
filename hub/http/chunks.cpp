#include "hub/http/chunks.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"

namespace rabt::http {

namespace {

// A size of 4 GiB and more is refused by its digits.
constexpr int kMostDigits = 8;

}  // namespace

std::size_t Chunks::read(std::string_view arrived, std::string& content) {
  std::size_t at = 0;
  while (at < arrived.size() && state_ != State::whole && !refusal_) {
    if (state_ == State::content) {
      const auto piece =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, arrived.size() - at));
      content += arrived.substr(at, piece);
      at += piece;
      left_ -= piece;
      if (left_ == 0) state_ = State::content_cr;
    } else {
      take(arrived[at++]);
    }
  }
  return at;
}

void Chunks::take(char byte) {
  const auto want = [&](char expected, State next, std::string_view what) {
    if (byte != expected) return fault(what);
    state_ = next;
  };
  switch (state_) {
    case State::size:
      if (const int digit = hex_value(byte); digit >= 0) {
        if (++digits_ > kMostDigits) return fault("has a size of more than eight digits");
        left_ = left_ * 16 + static_cast<std::uint64_t>(digit);
        return;
      }
      if (digits_ == 0) return fault("does not begin with its size in hexadecimal digits");
      if (byte == ';') return fault("has an extension; send chunks without one");
      return want('\r', State::size_end, "has more than digits in the line of its size");
    case State::size_end:
      if (byte != '\n') return fault("has a line that ends in a carriage return alone");
      return end_of_size();
    case State::content_cr:
      return want('\r', State::content_lf, "is longer than its size says");
    case State::content_lf:
      return want('\n', State::size, "has a line that ends in a carriage return alone");
    case State::last_cr:
      return want('\r', State::last_lf, "is the last and has trailer fields; send none");
    case State::last_lf:
      return want('\n', State::whole, "has a line that ends in a carriage return alone");
    case State::content:
    case State::whole:
      return;
  }
}

void Chunks::end_of_size() {
  digits_ = 0;
  if (left_ == 0) {
    state_ = State::last_cr;
    return;
  }
  if (left_ > most_ - taken_) {
    refusal_ = refuse(413, "http.body_too_large",
                      "the body is larger than " + std::to_string(most_) + " bytes");
    return;
  }
  taken_ += left_;
  state_ = State::content;
}

void Chunks::fault(std::string_view what) {
  refusal_ = refuse(400, "http.chunk", "a chunk of the body " + std::string(what));
}

}  // namespace rabt::http
