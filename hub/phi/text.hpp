#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The text as the recognisers read it: normalised, cut into tokens, each with what the word lists
// say.
namespace rabt::phi {

// NFKC; without bidi controls, zero-width characters, tatweel and harakat; Arabic-Indic and Persian
// digits are ASCII digits; JSON escapes and percent-encoding are undone, one level. A byte that is
// no UTF-8 is the barrier, which is in no finding.
struct Normalised {
  std::string text;
  // For each byte of text: the bytes [begin, end) of the source that it came from.
  std::vector<std::uint32_t> begin, end;
};
inline constexpr char kBarrier = '\x01';
// source is at most 4 GiB; time and memory are linear in it.
[[nodiscard]] Normalised normalise_text(std::string_view source);

struct Token {
  enum class Kind : std::uint8_t { latin, arabic, other, number, sign, line };
  Kind kind = Kind::sign;
  bool space = false;                // white space stands before it
  bool upper = false;                // starts with a capital letter
  bool all_upper = false;            // two letters or more, all capital
  std::uint32_t begin = 0, end = 0;  // in the normalised text
  std::uint32_t lists = 0;           // bits of List
  std::uint64_t cues = 0;            // bits of Cue
  std::string_view folded;           // a word as the word lists write it; otherwise as it stands
};

// Immutable once made; folded views live as long as it does.
class Text {
 public:
  explicit Text(std::string_view source);
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;

  [[nodiscard]] std::string_view text() const { return normalised_.text; }
  [[nodiscard]] const Normalised& normalised() const { return normalised_; }
  [[nodiscard]] const std::vector<Token>& tokens() const { return tokens_; }
  [[nodiscard]] std::string_view of(const Token& token) const {
    return text().substr(token.begin, token.end - token.begin);
  }

 private:
  void cut();
  void add_word(std::uint32_t begin, std::uint32_t end, bool space);

  Normalised normalised_;
  std::vector<Token> tokens_;
  std::string folded_;  // reserved at first, never moved
};

}  // namespace rabt::phi
