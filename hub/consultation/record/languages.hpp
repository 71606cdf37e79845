#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Texts of pages in English and Arabic: config/languages/, which is part of the program.
namespace rabt::consultation {

// Immutable after construction.
class Languages {
 public:
  // Stops the process when a file of the program is broken: a test has read them.
  Languages();

  // {language, direction, strings: {join_call: ...}}; English when the language is unknown.
  [[nodiscard]] Json strings(std::string_view language) const;
  // {items: [{id, kind, title: {en, ar}, sections: [{id, title, hint}]}]}
  [[nodiscard]] Json note_templates() const { return templates_; }
  // Null when there is no such template.
  [[nodiscard]] const Json& note_template(std::string_view id) const;
  // {items: [{en, ar, group, also?}]}: terms in which every word of the query begins a word, in
  // either language, whatever their case, accents, harakat, tatweel, forms of alef, ya and ta
  // marbuta, and with or without the Arabic article. Names that are the query come first, then
  // those that begin with it. All terms when the query is empty.
  [[nodiscard]] Json terms(std::string_view query, std::size_t limit) const;

 private:
  struct Term {
    Json json;
    // English, Arabic and other names as they are compared, each between two line feeds; Arabic
    // ones twice, without the article the second time.
    std::string folded;
  };
  Json strings_;
  Json templates_;
  std::vector<Term> terms_;
};

// Those of the program, read once.
[[nodiscard]] const Languages& languages();

}  // namespace rabt::consultation
