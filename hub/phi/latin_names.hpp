#pragma once

#include "hub/phi/name_words.hpp"

namespace rabt::phi {

// Finds names in English and other Latin writing. Caller synchronises.
class LatinNames : NameWords {
 public:
  // no_capitals: the whole text has none. out gets what is found.
  LatinNames(const NameWords& words, bool no_capitals, Candidates& out)
      : NameWords(words), no_capitals_(no_capitals), out_(out) {}

  // Reads from the token i, which is a Latin word; the token to go on with.
  std::size_t read(std::size_t i);

 private:
  // Cues before a name.
  struct Before {
    bool title = false, strong = false, weak = false, speech = false, key = false;
  };
  // A chain of words without the ordinary ones: counts of its kinds of words, and cues beside it.
  struct Chain {
    std::size_t first = 0, last = 0;
    std::size_t words = 0, given = 0, names = 0, doubtful = 0, unknown = 0, places = 0,
                initials = 0, article = 0;
    Before cue;
    int verb = 0;
    // The last word ends as family names do; the chain starts a sentence.
    bool ending = false, start = false;
  };

  // ---- which words (latin_names.cpp) ----

  // A word that may be part of a name: a capital letter, and not plainly something else.
  [[nodiscard]] bool member(std::size_t i) const;
  [[nodiscard]] bool initial(std::size_t i) const {
    return tokens_[i].end - tokens_[i].begin <= 2 && tokens_[i].upper &&
           tokens_[i].folded.size() == 1;
  }
  [[nodiscard]] bool sentence_start(std::size_t i) const;
  // The last token of the chain that begins at i.
  [[nodiscard]] std::size_t chain(std::size_t i) const;
  // Parts of the chain between ordinary words, places and the like.
  void split(std::size_t first, std::size_t last);
  // Tells whether the words [first, last], from a chain that ends at chain_last, are a name.
  void weigh(std::size_t first, std::size_t last, std::size_t chain_last);
  // The chain with its words counted; cue, verb, ending and start are left for weigh().
  [[nodiscard]] Chain count(std::size_t first, std::size_t last) const;
  // Returns how likely the chain is a name: of several words, of one word, less the doubts.
  [[nodiscard]] double score_several(const Chain& chain) const;
  [[nodiscard]] double score_one(const Chain& chain) const;
  [[nodiscard]] double less_doubts(const Chain& chain, double score) const;
  // Words without capitals: names only where something else says so.
  std::size_t lower(std::size_t i);
  // No letters, digits or signs of a code touch the word.
  [[nodiscard]] bool stands_alone(std::size_t i) const;
  void add(std::size_t first, std::size_t last, double score) {
    out_.push_back({Class::name, tokens_[first].begin, tokens_[last].end, score});
  }

  // ---- what stands beside them (latin_name_cues.cpp) ----

  // Returns the cues before the token.
  [[nodiscard]] Before before(std::size_t i) const;
  // 0 no verb follows, 1 a verb that people do, 2 one that only people do
  [[nodiscard]] int after(std::size_t last) const;
  [[nodiscard]] bool organisation_after(std::size_t last) const;
  // Behind a name: the telephone number of the person follows.
  [[nodiscard]] bool phone_after(std::size_t last) const;
  // Family, Given in a list: "HADDAD, Layla 29 F", "Haddad, Layla M."
  [[nodiscard]] bool turned(std::size_t first, std::size_t last) const;
  // White, Willis and Hoffman: one of three names in a row, without a given name
  [[nodiscard]] bool firm(std::size_t first, std::size_t last) const;
  [[nodiscard]] bool beside_before(std::size_t first) const;
  [[nodiscard]] bool beside_after(std::size_t last) const;

  bool no_capitals_;
  Candidates& out_;
};

}  // namespace rabt::phi
