#include "hub/schema/schema_keywords.hpp"

#include <algorithm>
#include <array>

namespace rabt::schema {

namespace {

constexpr std::string_view kVocabularies = "https://json-schema.org/draft/2020-12/vocab/";

struct VocabularyName {
  std::string_view name;
  unsigned bit;
};
constexpr std::array<VocabularyName, 8> kVocabularyNames{{{"core", kCore},
                                                          {"applicator", kApplicator},
                                                          {"unevaluated", kUnevaluated},
                                                          {"validation", kValidation},
                                                          {"meta-data", kMetaData},
                                                          {"format-annotation", kFormatAnnotation},
                                                          {"format-assertion", kFormatAssertion},
                                                          {"content", kContent}}};

constexpr std::array<Keyword, 59> kKeywords{{
    {"$id", Word::id, kCore},
    {"$schema", Word::dialect, kCore},
    {"$ref", Word::ref, kCore},
    {"$anchor", Word::anchor, kCore},
    {"$dynamicRef", Word::dynamic_ref, kCore},
    {"$dynamicAnchor", Word::anchor, kCore},
    {"$vocabulary", Word::vocabulary, kCore},
    {"$comment", Word::comment_text, kCore},
    {"$defs", Word::defs, kCore, Holds::map},
    {"definitions", Word::defs, kCore, Holds::map},
    {"prefixItems", Word::prefix_items, kApplicator, Holds::list},
    {"items", Word::items, kApplicator, Holds::one},
    {"contains", Word::contains, kApplicator, Holds::one},
    {"additionalProperties", Word::additional_properties, kApplicator, Holds::one},
    {"properties", Word::properties, kApplicator, Holds::map},
    {"patternProperties", Word::pattern_properties, kApplicator, Holds::map},
    {"dependentSchemas", Word::dependent_schemas, kApplicator, Holds::map},
    {"dependencies", Word::dependencies, kApplicator, Holds::map},
    {"propertyNames", Word::property_names, kApplicator, Holds::one},
    {"if", Word::if_, kApplicator, Holds::one},
    {"then", Word::then_, kApplicator, Holds::one},
    {"else", Word::else_, kApplicator, Holds::one},
    {"allOf", Word::all_of, kApplicator, Holds::list},
    {"anyOf", Word::any_of, kApplicator, Holds::list},
    {"oneOf", Word::one_of, kApplicator, Holds::list},
    {"not", Word::not_, kApplicator, Holds::one},
    {"unevaluatedItems", Word::unevaluated_items, kUnevaluated, Holds::one},
    {"unevaluatedProperties", Word::unevaluated_properties, kUnevaluated, Holds::one},
    {"type", Word::type, kValidation},
    {"const", Word::const_, kValidation},
    {"enum", Word::enum_, kValidation},
    {"multipleOf", Word::multiple_of, kValidation},
    {"maximum", Word::maximum, kValidation},
    {"exclusiveMaximum", Word::exclusive_maximum, kValidation},
    {"minimum", Word::minimum, kValidation},
    {"exclusiveMinimum", Word::exclusive_minimum, kValidation},
    {"maxLength", Word::max_length, kValidation},
    {"minLength", Word::min_length, kValidation},
    {"pattern", Word::pattern, kValidation},
    {"maxItems", Word::max_items, kValidation},
    {"minItems", Word::min_items, kValidation},
    {"uniqueItems", Word::unique_items, kValidation},
    {"maxContains", Word::max_contains, kValidation},
    {"minContains", Word::min_contains, kValidation},
    {"maxProperties", Word::max_properties, kValidation},
    {"minProperties", Word::min_properties, kValidation},
    {"required", Word::required, kValidation},
    {"dependentRequired", Word::dependent_required, kValidation},
    {"title", Word::comment_text, kMetaData},
    {"description", Word::comment_text, kMetaData},
    {"default", Word::annotation, kMetaData},
    {"deprecated", Word::flag, kMetaData},
    {"readOnly", Word::flag, kMetaData},
    {"writeOnly", Word::flag, kMetaData},
    {"examples", Word::examples, kMetaData},
    {"format", Word::format, kFormat},
    {"contentEncoding", Word::comment_text, kContent},
    {"contentMediaType", Word::comment_text, kContent},
    {"contentSchema", Word::content_schema, kContent, Holds::one},
}};

}  // namespace

const Keyword* find_keyword(std::string_view name, unsigned dialect) {
  const auto* found = std::find_if(kKeywords.begin(), kKeywords.end(),
                                   [name](const Keyword& k) { return k.name == name; });
  return found == kKeywords.end() || (found->vocabulary & dialect) == 0 ? nullptr : found;
}

std::vector<std::string> keyword_names(unsigned dialect) {
  std::vector<std::string> names;
  for (const Keyword& keyword : kKeywords) {
    if ((keyword.vocabulary & dialect) != 0) names.emplace_back(keyword.name);
  }
  return names;
}

unsigned vocabulary_of(std::string_view uri) {
  if (!uri.starts_with(kVocabularies)) return 0;
  uri.remove_prefix(kVocabularies.size());
  for (const auto& [name, bit] : kVocabularyNames) {
    if (uri == name) return bit;
  }
  return 0;
}

}  // namespace rabt::schema
