#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "hub/phi/recognise.hpp"
#include "hub/phi/words.hpp"

// Common base of the recognisers of names in Latin and in Arabic writing.
namespace rabt::phi {

// In tokens: a name of five parts with a particle or two.
inline constexpr std::size_t kLongestName = 7;

// Questions about words that may be names. Immutable; refers to the tokens and places.
class NameWords : protected Words {
 public:
  // places: for each token, whether it belongs to the name of a place.
  NameWords(const std::vector<Token>& tokens, const std::vector<bool>& places)
      : Words(tokens), places_(places) {}

 protected:
  [[nodiscard]] bool name_word(std::size_t i) const { return in(i, kGiven | kFamily); }
  // In the lists of names, and no other word
  [[nodiscard]] bool strict(std::size_t i) const {
    return name_word(i) && !in(i, kWord) && !has(i, kFunction);
  }
  [[nodiscard]] bool placed(std::size_t i) const { return places_[i]; }

  const std::vector<bool>& places_;
};

}  // namespace rabt::phi
