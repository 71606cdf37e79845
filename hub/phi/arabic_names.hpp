#pragma once

#include "hub/phi/name_words.hpp"

namespace rabt::phi {

// Finds names in Arabic writing. Caller synchronises.
class ArabicNames : NameWords {
 public:
  // out gets what is found.
  ArabicNames(const NameWords& words, Candidates& out) : NameWords(words), out_(out) {}

  // Reads from the token i, which is an Arabic word; the token to go on with.
  std::size_t read(std::size_t i);

 private:
  // A name of the lists, perhaps with a one-letter word before it: wa, li, bi, fa, ka. skip: bytes
  // of that.
  struct ArabicName {
    std::uint32_t lists = 0;
    std::uint32_t skip = 0;
    bool warm = false;
  };
  struct ArabicCue {
    bool title = false, strong = false, speech = false, colon = false;
  };
  // Kind of the first word of a name.
  struct Opening {
    ArabicName name;
    ArabicCue cue;
    // The word and the next are one name: Abd al-Aziz, Abu Salim. abd: the first of the two kinds.
    bool compound = false, abd = false;
    // In no list, but "son of" and a name follow; in no list, but other cues make it a name.
    bool linked = false, unlisted = false;
  };
  // The parts of a name, [first, last].
  struct Chain {
    std::size_t first = 0, last = 0;
    std::size_t strong = 0, warm = 0, families = 0, unknown = 0, links = 0;
    std::size_t parts = 1;

    void count(std::size_t at, const ArabicName& name);
    [[nodiscard]] std::size_t known() const { return strong + warm; }
  };

  [[nodiscard]] Opening opening(std::size_t i) const;
  [[nodiscard]] bool opens(std::size_t i, const Opening& opening) const;
  [[nodiscard]] Chain follow(std::size_t i, const Opening& opening) const;
  // Each takes the word k, with its second word if it has one, into the chain; false if the word is
  // no part of the name.
  [[nodiscard]] bool take_link(std::size_t k, Chain& chain) const;
  [[nodiscard]] bool take_part(std::size_t k, const ArabicCue& cue, Chain& chain) const;
  // A word in no list: a name behind it makes it one, or it may be the family name at the end.
  [[nodiscard]] bool stands_between(std::size_t k) const;
  [[nodiscard]] bool may_close(std::size_t k, const ArabicCue& cue, const Chain& chain) const;
  // Another name ends at the comma before i.
  [[nodiscard]] bool in_row(std::size_t i) const;
  // Returns how likely the chain is a name.
  [[nodiscard]] double weigh(const Chain& chain, const Opening& opening) const;

  [[nodiscard]] ArabicName arabic_name(std::size_t i) const;
  [[nodiscard]] static bool nisba(std::string_view word);
  // Adjectives and nouns that look like a nisba
  [[nodiscard]] bool common_arabic(std::size_t i) const;
  [[nodiscard]] bool arabic_stop(std::size_t i) const;
  [[nodiscard]] ArabicCue arabic_cue(std::size_t i) const;
  // A gift of God: one given name of two words
  [[nodiscard]] bool with_allah(std::size_t i) const;
  // "God's mercy", "by God's grace": said of people more often than a name of theirs.
  [[nodiscard]] bool pious(std::size_t i) const;
  // Verbs of people follow, or requests as in a message.
  [[nodiscard]] bool arabic_after(std::size_t last) const;
  [[nodiscard]] bool links(std::string_view w) const;
  // Not in the lists, and nothing speaks against it.
  [[nodiscard]] bool may_name(std::size_t i) const;
  // The name ends here: a sign, a line, or a word that is in no name.
  [[nodiscard]] bool closes(std::size_t i) const;
  [[nodiscard]] bool placed_alone(std::size_t i) const;
  [[nodiscard]] bool arabic_stop_word(std::size_t i) const;
  // The name of a hospital or a street
  [[nodiscard]] std::size_t skip_chain(std::size_t i) const;

  Candidates& out_;
};

}  // namespace rabt::phi
