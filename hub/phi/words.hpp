#pragma once

#include <string_view>
#include <vector>

#include "hub/phi/text.hpp"

namespace rabt::phi {

// The number that the first eight digits write.
[[nodiscard]] inline int value_of(std::string_view digits) {
  int value = 0;
  for (const char c : digits.substr(0, 8)) value = value * 10 + (c - '0');
  return value;
}

// Questions about the words of a text that most recognisers ask. A token behind the last one is no
// word and has no cue. Immutable; refers to the tokens.
class Words {
 public:
  explicit Words(const std::vector<Token>& tokens) : tokens_(tokens) {}

 protected:
  using Kind = Token::Kind;

  [[nodiscard]] bool is(std::size_t i, Kind kind) const {
    return i < tokens_.size() && tokens_[i].kind == kind;
  }
  [[nodiscard]] bool has(std::size_t i, std::uint64_t cue) const {
    return i < tokens_.size() && (tokens_[i].cues & cue) != 0;
  }
  [[nodiscard]] bool in(std::size_t i, std::uint32_t list) const {
    return (tokens_[i].lists & list) != 0;
  }
  [[nodiscard]] std::string_view folded(std::size_t i) const {
    return i < tokens_.size() ? tokens_[i].folded : std::string_view();
  }
  [[nodiscard]] bool sign(std::size_t i, std::string_view what) const {
    return is(i, Kind::sign) && tokens_[i].folded == what;
  }
  // A number of shortest to longest digits.
  [[nodiscard]] bool number(std::size_t i, std::size_t shortest, std::size_t longest) const {
    return is(i, Kind::number) && tokens_[i].folded.size() >= shortest &&
           tokens_[i].folded.size() <= longest;
  }
  // No white space stands before it.
  [[nodiscard]] bool glued(std::size_t i) const { return i < tokens_.size() && !tokens_[i].space; }

  const std::vector<Token>& tokens_;
};

}  // namespace rabt::phi
