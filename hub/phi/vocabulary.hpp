#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "hub/phi/constants.hpp"

// Words that a plugin may use in public texts: its own. A word that stands in the plugin's package
// (its library, its manifest, its schemas) was there before any patient was; every other word of a
// message may have come with data.
namespace rabt::phi {

inline constexpr std::string_view kWithheld = "[withheld]";

// Mark before a text that tools/texts wrote into a program: never there by chance, however short
// the text is.
inline constexpr std::string_view kTextMark = "rabt-text:";

// Immutable after it was filled; then any thread.
class Vocabulary {
 public:
  // Knows the small words of every message ("is no", "must be"): compilers put short texts into
  // instructions, where add_program does not find them.
  Vocabulary();
  // Every word of a text: a manifest, a schema.
  void add_text(std::string_view text);
  // Words, numbers and whole texts of the printable texts in a program's bytes. What is short needs
  // a longer text around it: machine code holds three letters of any kind by chance.
  void add_program(std::string_view bytes);
  // Codes of an outside system, as the manifest declares them: `#` stands for a digit, all else for
  // itself, such as GE-#####. False, and nothing is added, when the pattern could take more than
  // codes: it must hold ASCII letters, digits, `#` and `-` only, at most six digits and `#`
  // together, and at least two letters or digits.
  [[nodiscard]] bool add_codes(std::string_view pattern);
  // other has no codes.
  void merge(Vocabulary&& other) {
    words_.merge(std::move(other.words_));
    constants_.merge(std::move(other.constants_));
  }

  // The constant texts of another, without its words.
  void add_constants(const Vocabulary& other) { constants_.merge(Constants(other.constants_)); }

  [[nodiscard]] bool knows(std::string_view word) const;
  // True if the whole text is a code of add_codes.
  [[nodiscard]] bool is_code(std::string_view text) const;
  // Returns the parts of the text that constant texts and codes cover, the hub's and the package's;
  // in order, without overlap.
  [[nodiscard]] std::vector<Span> constants_in(std::string_view text) const;
  // The text with everything but constants, known words, known numbers, codes, punctuation and
  // numbers of up to three digits replaced by kWithheld, once for neighbours. Words are runs of
  // ASCII letters and are compared with their case; a code stands alone, with no letter, digit or
  // hyphen beside it; digits that only signs part count as one number: a telephone number does not
  // pass in groups, nor as two codes. Linear in the text.
  [[nodiscard]] std::string only_known(std::string_view text) const;
  [[nodiscard]] std::size_t size() const { return words_.size(); }

 private:
  std::unordered_set<std::string> words_;
  std::vector<std::string> codes_;
  Constants constants_;
};

}  // namespace rabt::phi
