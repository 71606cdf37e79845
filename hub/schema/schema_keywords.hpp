#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The keywords of JSON Schema 2020-12 and the vocabularies that hold them.
namespace rabt::schema {

enum Vocabulary : unsigned {
  kCore = 1,
  kApplicator = 2,
  kUnevaluated = 4,
  kValidation = 8,
  kMetaData = 16,
  kFormatAnnotation = 32,
  kFormatAssertion = 64,
  kContent = 128,
  kFormat = kFormatAnnotation | kFormatAssertion,
  kDefaultDialect =
      kCore | kApplicator | kUnevaluated | kValidation | kMetaData | kFormatAnnotation | kContent,
};
enum class Word : std::uint8_t {
  annotation,
  comment_text,
  id,
  dialect,
  vocabulary,
  anchor,
  ref,
  dynamic_ref,
  defs,
  prefix_items,
  items,
  contains,
  additional_properties,
  properties,
  pattern_properties,
  dependent_schemas,
  property_names,
  if_,
  then_,
  else_,
  all_of,
  any_of,
  one_of,
  not_,
  unevaluated_items,
  unevaluated_properties,
  type,
  const_,
  enum_,
  multiple_of,
  maximum,
  exclusive_maximum,
  minimum,
  exclusive_minimum,
  max_length,
  min_length,
  pattern,
  max_items,
  min_items,
  unique_items,
  max_contains,
  min_contains,
  max_properties,
  min_properties,
  required,
  dependent_required,
  dependencies,
  format,
  content_schema,
  flag,
  examples,
};

// Place of schemas in a keyword's value.
enum class Holds : std::uint8_t { nothing, one, list, map };

struct Keyword {
  std::string_view name;
  Word word;
  unsigned vocabulary;
  Holds holds = Holds::nothing;
};
// The keyword of that name, if a vocabulary of the dialect has it; nullptr otherwise.
[[nodiscard]] const Keyword* find_keyword(std::string_view name, unsigned dialect);
[[nodiscard]] std::vector<std::string> keyword_names(unsigned dialect);
// The Vocabulary of that URI; 0 if it is not known.
[[nodiscard]] unsigned vocabulary_of(std::string_view uri);

}  // namespace rabt::schema
