#include "hub/schema/schema_compile.hpp"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "hub/base/ascii.hpp"
#include "hub/base/json_pointer.hpp"
#include "hub/base/suggest.hpp"
#include "hub/base/uri.hpp"
#include "hub/schema/schema_meta.hpp"

namespace rabt::schema {

namespace {

constexpr int kMaxSchemaDepth = 64;        // nested schemas; JSON text may nest no deeper
constexpr std::size_t kMaxNodes = 20'000;  // schemas in one document; FHIR R4 as a whole has 9,000
constexpr std::size_t kMaxPathBytes = 16U << 20U;  // of all schemas: long names in deep nesting
constexpr std::size_t kMaxPrograms = 200'000;      // RE2 instructions of all patterns
constexpr std::size_t kMaxDivisorDigits = 64;      // multipleOf divides by hand beyond 18
// Bytes of a name or reference that a message shows.
constexpr std::size_t kMaxShown = 120;

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";
constexpr std::string_view kVocabularies = "https://json-schema.org/draft/2020-12/vocab/";

// Where a reference leads: the document, and the fragment in it, percent-decoded.
struct Target {
  std::string uri;
  std::string fragment;
};

Target resolve_reference(std::string_view base, std::string_view reference) {
  Target target{resolve_uri(base, reference), {}};
  if (const auto hash = target.uri.find('#'); hash != std::string::npos) {
    target.fragment = percent_decode(std::string_view(target.uri).substr(hash + 1));
    target.uri.erase(hash);
  }
  return target;
}

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

// Where a keyword's value holds schemas.
enum class Holds : std::uint8_t { nothing, one, list, map };

struct Keyword {
  std::string_view name;
  Word word;
  unsigned vocabulary;
  Holds holds = Holds::nothing;
};
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

// Core, 8.2.2.
bool is_anchor(std::string_view text) {
  if (text.empty()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = is_alpha(c) || c == '_';
    const bool later = is_digit(c) || c == '-' || c == '.';
    if (!letter && (i == 0 || !later)) return false;
  }
  return true;
}

std::string shown(std::string_view text) {
  return text.size() <= kMaxShown ? std::string(text)
                                  : std::string(text.substr(0, kMaxShown)) + "...";
}

class Compiler {
 public:
  Compiler(Schema::Model& model, const SchemaOptions& options, SchemaMistake& mistake)
      : model_(model), options_(options), mistake_(mistake) {}

  Status run(const Json& document) {
    RABT_TRY_STATUS(add_document(document, ""));
    // Filled as it goes: references pull in the metaschemas and places that no keyword leads to.
    for (std::size_t i = 0; i < places_.size(); ++i) {
      RABT_TRY_STATUS(fill(static_cast<Index>(i)));
    }
    for (std::size_t i = 0; i < known_.size(); ++i) {
      auto& anchors = model_.resources[i].dynamic_anchors;
      for (const auto& [name, index] : known_[i].dynamic_anchors)
        anchors.emplace_back(dynamic_name(name), index);
      std::sort(anchors.begin(), anchors.end());
    }
    return find_circles();
  }

 private:
  // A schema as it was found; its node has the same number.
  struct Place {
    std::size_t document = 0;
    std::string pointer;  // in the document
    const Json* json = nullptr;
    Index resource = 0;
  };
  struct Known {
    std::string uri;
    std::size_t document = 0;
    Index root = 0;
    unsigned dialect = kDefaultDialect;
    std::map<std::string, Index, std::less<>> anchors;
    std::map<std::string, Index, std::less<>> dynamic_anchors;
  };

  Error complain(std::string code, const std::string& pointer, std::string message,
                 std::string suggestion = {}) {
    std::string text = "schema at \"" + pointer + "\": " + message;
    if (!suggestion.empty()) text += "; " + suggestion;
    mistake_ = {pointer, std::move(message), std::move(suggestion)};
    return invalid(std::move(code), std::move(text));
  }
  // what is a predicate about the last step of the pointer.
  Error wrong(const std::string& pointer, std::string_view what) {
    const auto slash = pointer.rfind('/');
    const std::string subject =
        slash == std::string::npos
            ? "the schema"
            : "`" + shown(unescape_token(pointer.substr(slash + 1)).value_or("")) + "`";
    return complain("schema.invalid", pointer, subject + " " + std::string(what));
  }
  Error unsupported(const std::string& pointer, std::string message, std::string suggestion = {}) {
    return complain("schema.unsupported", pointer, std::move(message), std::move(suggestion));
  }

  Status add_document(const Json& json, std::string uri) {
    const std::size_t number = model_.documents.size();
    model_.documents.push_back(json);  // reserved: the addresses stay
    documents_.emplace_back();
    uris_.push_back(uri);
    const Index resource = add_resource(number, std::move(uri), kDefaultDialect);
    return find_schemas(model_.documents.back(), number, "", resource, 0);
  }

  Index add_resource(std::size_t document, std::string uri, unsigned dialect) {
    const auto index = static_cast<Index>(known_.size());
    by_uri_.emplace(uri, index);
    known_.push_back({.uri = std::move(uri),
                      .document = document,
                      .root = static_cast<Index>(places_.size()),
                      .dialect = dialect,
                      .anchors = {},
                      .dynamic_anchors = {}});
    model_.resources.emplace_back();
    return index;
  }
  Known& known(Index index) { return known_[static_cast<std::size_t>(index)]; }
  Place& place(Index index) { return places_[static_cast<std::size_t>(index)]; }
  Node& node(Index index) { return model_.nodes[static_cast<std::size_t>(index)]; }

  // Finds the schema and all schemas in it, with their base URIs and anchors. Values of the wrong
  // type are left to fill().
  Status find_schemas(const Json& json, std::size_t document, const std::string& pointer,
                      Index resource, int depth) {
    if (depth > kMaxSchemaDepth) return wrong(pointer, "is nested too deeply");
    if (places_.size() >= kMaxNodes) return wrong(pointer, "makes the schema too large");
    path_bytes_ += pointer.size();
    if (path_bytes_ > kMaxPathBytes)
      return wrong(pointer, "makes the schema too large: its names are long and nest deeply");
    const auto index = static_cast<Index>(places_.size());
    if (!documents_[document].emplace(pointer, index).second) return ok_status();
    const bool root = pointer.empty();
    if (const Json& id = json["$id"]; id.is_string()) {
      Target target = resolve_reference(known(resource).uri, id.as_string());
      if (!target.fragment.empty())
        return wrong(pointer + "/$id", "must have no fragment; use $anchor");
      if (root) {
        by_uri_.erase(known(resource).uri);
        if (by_uri_.contains(target.uri)) return wrong(pointer + "/$id", "names another document");
        by_uri_.emplace(target.uri, resource);
        known(resource).uri = std::move(target.uri);
      } else {
        if (by_uri_.contains(target.uri) || is_meta(target.uri))
          return wrong(pointer + "/$id", "names a schema that another $id names already");
        resource = add_resource(document, std::move(target.uri), known(resource).dialect);
      }
    }
    places_.push_back({document, pointer, &json, resource});
    model_.nodes.emplace_back();
    if (!json.is_object()) return ok_status();

    for (const char* word : {"$anchor", "$dynamicAnchor"}) {
      const Json* name = json.find(word);
      if (name == nullptr) continue;
      const std::string here = pointer + "/" + word;
      if (!name->is_string() || !is_anchor(name->as_string()))
        return wrong(here, "must be a name: a letter or _, then letters, digits, -, _ and .");
      Known& owner = known(resource);
      if (!owner.anchors.emplace(name->as_string(), index).second &&
          owner.anchors.at(name->as_string()) != index)
        return wrong(here, "names an anchor that exists already");
      if (word[1] == 'd') owner.dynamic_anchors.emplace(name->as_string(), index);
    }
    if (known(resource).root == index) RABT_TRY_STATUS(set_dialect(json, pointer, resource));

    const unsigned dialect = known(resource).dialect;
    for (const auto& [key, value] : json.as_object()) {
      const Keyword* keyword = find_keyword(key, dialect);
      if (keyword == nullptr || keyword->holds == Holds::nothing) continue;
      const std::string here = pointer + "/" + key;
      if (keyword->holds == Holds::one) {
        RABT_TRY_STATUS(find_schemas(value, document, here, resource, depth + 1));
      } else if (keyword->holds == Holds::list && value.is_array()) {
        for (std::size_t i = 0; i < value.size(); ++i) {
          RABT_TRY_STATUS(find_schemas(value[i], document, here + "/" + std::to_string(i), resource,
                                       depth + 1));
        }
      } else if (keyword->holds == Holds::map && value.is_object()) {
        for (const auto& [name, schema] : value.as_object()) {
          if (keyword->word == Word::dependencies && schema.is_array()) continue;
          RABT_TRY_STATUS(
              find_schemas(schema, document, here + "/" + escape_token(name), resource, depth + 1));
        }
      }
    }
    return ok_status();
  }

  // $schema of a resource: 2020-12 itself, or a metaschema in this document with $vocabulary.
  Status set_dialect(const Json& json, const std::string& pointer, Index resource) {
    const Json* named = json.find("$schema");
    if (named == nullptr || !named->is_string()) return ok_status();
    const std::string here = pointer + "/$schema";
    const Target target = resolve_reference("", named->as_string());
    if (!target.fragment.empty()) return wrong(here, "must have no fragment");
    if (target.uri == kDialect) {
      known(resource).dialect = kDefaultDialect;
      return ok_status();
    }
    const Json* metaschema = find_metaschema(model_.documents.front(), target.uri, 0);
    if (metaschema == nullptr || !(*metaschema)["$vocabulary"].is_object()) {
      return unsupported(here, "the dialect `" + shown(named->as_string()) + "` is not supported",
                         "write it in 2020-12, or leave $schema out");
    }
    unsigned dialect = kCore;
    for (const auto& [uri, needed] : (*metaschema)["$vocabulary"].as_object()) {
      unsigned bit = 0;
      for (const auto& [name, known_bit] : kVocabularyNames) {
        if (uri == std::string(kVocabularies) + std::string(name)) bit = known_bit;
      }
      dialect |= bit;
      if (bit == 0 && (!needed.is_bool() || needed.as_bool())) {
        return unsupported(
            here, "the dialect needs the vocabulary `" + shown(uri) + "`, which is not supported");
      }
    }
    known(resource).dialect = dialect;
    return ok_status();
  }

  // A definition of the document with this $id; the search stays in $defs.
  static const Json* find_metaschema(const Json& json, std::string_view uri, int depth) {
    if (json["$id"].is_string() && json["$id"].as_string() == uri) return &json;
    if (depth > 4 || !json["$defs"].is_object()) return nullptr;
    for (const auto& [name, definition] : json["$defs"].as_object()) {
      if (const Json* found = find_metaschema(definition, uri, depth + 1)) return found;
    }
    return nullptr;
  }

  static bool is_meta(std::string_view uri) {
    const auto& documents = meta_documents();
    return std::any_of(documents.begin(), documents.end(),
                       [uri](const Document& d) { return d.uri == uri; });
  }

  // ---- references ----

  struct Found {
    Index index = kNone;
    Index resource = kNone;
    std::string anchor;  // the fragment, when it is a plain name
  };

  Result<Found> follow(const Place& from, const std::string& reference, const std::string& here) {
    const Target target = resolve_reference(known(from.resource).uri, reference);
    auto found = by_uri_.find(target.uri);
    if (found == by_uri_.end()) {
      for (const Document& meta : meta_documents()) {
        if (meta.uri != target.uri) continue;
        RABT_TRY_STATUS(add_document(meta.json, meta.uri));
      }
      found = by_uri_.find(target.uri);
    }
    if (found == by_uri_.end()) {
      return unsupported(here, "`" + shown(reference) + "` is in another document",
                         "put what it names under $defs");
    }
    const Index resource = found->second;
    if (target.fragment.empty()) return Found{known(resource).root, resource, {}};
    if (target.fragment.front() != '/') {
      const auto anchor = known(resource).anchors.find(target.fragment);
      if (anchor == known(resource).anchors.end())
        return wrong(here, "points to no anchor of the document");
      return Found{anchor->second, resource, target.fragment};
    }
    return walk(resource, target.fragment, here);
  }

  // A JSON pointer from the root of a resource. A place that no keyword leads to is compiled as a
  // schema too (Core, 9.4.2 leaves that open).
  Result<Found> walk(Index resource, std::string_view pointer, const std::string& here) {
    const std::size_t document = known(resource).document;
    const Place& root = place(known(resource).root);
    std::string path = root.pointer;
    const Json* json = root.json;
    while (!pointer.empty()) {
      pointer.remove_prefix(1);
      const auto end = std::min(pointer.find('/'), pointer.size());
      const std::string_view token = pointer.substr(0, end);
      pointer.remove_prefix(end);
      json = at_token(*json, token);
      if (json == nullptr) return wrong(here, "points to nothing in the document");
      path.append("/").append(token);
      const auto known_place = documents_[document].find(path);
      if (known_place != documents_[document].end()) resource = place(known_place->second).resource;
    }
    const auto at = documents_[document].find(path);
    if (at != documents_[document].end()) return Found{at->second, resource, {}};
    const auto index = static_cast<Index>(places_.size());
    RABT_TRY_STATUS(find_schemas(*json, document, path, resource, 0));
    return Found{index, resource, {}};
  }

  Index dynamic_name(const std::string& name) {
    return dynamic_names_.emplace(name, static_cast<Index>(dynamic_names_.size())).first->second;
  }

  // ---- one schema ----

  // The reference goes bad when places are added; call again after that.
  Index child(Index parent, const std::string& rest) {
    const Place& from = place(parent);
    const auto found = documents_[from.document].find(from.pointer + rest);
    RABT_CHECK(found != documents_[from.document].end());
    return found->second;
  }

  Status fill(Index index) {
    Node filled;
    const Place here = place(index);
    filled.path = here.document == 0 ? here.pointer : uris_[here.document] + "#" + here.pointer;
    filled.source = here.json;
    filled.resource = here.resource;
    const unsigned dialect = known(here.resource).dialect;
    if (here.json->is_bool()) {
      filled.never = !here.json->as_bool();
      filled.always = here.json->as_bool();
    } else if (here.json->is_object()) {
      for (const auto& [key, value] : here.json->as_object()) {
        const std::string at = here.pointer + "/" + escape_token(key);
        const Keyword* keyword = find_keyword(key, dialect);
        if (keyword == nullptr) {
          RABT_TRY_STATUS(check_mark(key, value, at));
          if (key.starts_with("x-") || options_.unknown == UnknownKeywords::ignore) continue;
          std::string near = did_you_mean(key, keyword_names(dialect));
          if (near.empty()) near = "prefix it with x- when it is an annotation";
          return unsupported(at, "schema keyword `" + shown(key) + "` is not supported",
                             std::move(near));
        }
        RABT_TRY_STATUS(take(filled, index, *keyword, value, at));
      }
    } else {
      return wrong(here.pointer, "must be a schema: an object, true or false");
    }
    finish(filled);
    node(index) = std::move(filled);
    return ok_status();
  }

  // A mark that is misspelt would mark nothing, and nobody would see it.
  Status check_mark(std::string_view key, const Json& value, const std::string& at) {
    const bool alike = key.size() == kPhiMark.size() &&
                       std::equal(key.begin(), key.end(), kPhiMark.begin(), [](char a, char b) {
                         return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
                       });
    if (!alike) return ok_status();
    if (key != kPhiMark)
      return complain("schema.invalid", at, "`" + std::string(key) + "` marks nothing",
                      "write `x-phi`, in lower case");
    if (value.is_bool()) return ok_status();
    return complain("schema.invalid", at, "`x-phi` must be true or false",
                    "write `x-phi: true`, in lower case and without quotes");
  }

  static void finish(Node& n) {
    n.has_number = n.minimum != nullptr || n.maximum != nullptr || n.above != nullptr ||
                   n.below != nullptr || n.multiple_of;
    n.has_text = n.min_length || n.max_length || n.pattern != nullptr || n.format;
    n.has_array = n.min_items || n.max_items || n.unique || !n.prefix_items.empty() ||
                  n.items != kNone || n.contains != kNone || n.unevaluated_items != kNone;
    n.has_object = n.min_properties || n.max_properties || !n.required.empty() ||
                   !n.properties.empty() || !n.pattern_properties.empty() ||
                   n.additional != kNone || n.names != kNone || n.unevaluated_properties != kNone ||
                   !n.dependencies.empty();
    n.has_combination = n.reference != kNone || n.dynamic_reference != kNone || !n.all_of.empty() ||
                        !n.any_of.empty() || !n.one_of.empty() || n.negated != kNone ||
                        n.condition != kNone;
    if (n.never) return;
    n.always = n.types == 0 && n.constant == nullptr && n.choices == nullptr && !n.has_number &&
               !n.has_text && !n.has_array && !n.has_object && !n.has_combination;
  }

  Status take(Node& n, Index index, const Keyword& keyword, const Json& value,
              const std::string& at) {
    const auto sub = [&](Index& slot) {
      slot = child(index, "/" + std::string(keyword.name));
      return ok_status();
    };
    switch (keyword.word) {
      case Word::annotation:
      case Word::anchor:
        return ok_status();
      case Word::content_schema:
        return sub(n.content);
      case Word::comment_text:
      case Word::id:
      case Word::dialect:
        return value.is_string() ? ok_status() : Status(wrong(at, "must be a text"));
      case Word::flag:
        return value.is_bool() ? ok_status() : Status(wrong(at, "must be true or false"));
      case Word::examples:
        return value.is_array() ? ok_status() : Status(wrong(at, "must be an array"));
      case Word::vocabulary:
        return value.is_object() ? ok_status() : Status(wrong(at, "must be an object"));
      case Word::defs:
        return value.is_object() ? ok_status() : Status(wrong(at, "must be an object of schemas"));
      case Word::ref: {
        RABT_TRY(found, reference(index, value, at));
        n.reference = found.index;
        return ok_status();
      }
      case Word::dynamic_ref:
        return dynamic_reference(n, index, value, at);
      case Word::prefix_items:
        return list(n.prefix_items, index, value, at);
      case Word::items:
        if (value.is_array())
          return wrong(at, "must be a schema; schemas by position are written in prefixItems");
        return sub(n.items);
      case Word::contains:
        return sub(n.contains);
      case Word::additional_properties:
        return sub(n.additional);
      case Word::property_names:
        return sub(n.names);
      case Word::if_:
        return sub(n.condition);
      case Word::then_:
        return sub(n.consequence);
      case Word::else_:
        return sub(n.alternative);
      case Word::not_:
        return sub(n.negated);
      case Word::unevaluated_items:
        return sub(n.unevaluated_items);
      case Word::unevaluated_properties:
        return sub(n.unevaluated_properties);
      case Word::all_of:
        return list(n.all_of, index, value, at);
      case Word::any_of:
        return list(n.any_of, index, value, at);
      case Word::one_of:
        return list(n.one_of, index, value, at);
      case Word::properties:
        if (!value.is_object()) return wrong(at, "must be an object of schemas");
        for (const auto& [name, schema] : value.as_object())
          n.properties.emplace_back(name, child(index, "/properties/" + escape_token(name)));
        std::sort(n.properties.begin(), n.properties.end(),
                  [](const auto& a, const auto& b) { return ByLength()(a.first, b.first); });
        return ok_status();
      case Word::pattern_properties:
        if (!value.is_object()) return wrong(at, "must be an object of schemas");
        for (const auto& [name, schema] : value.as_object()) {
          RABT_TRY(compiled, pattern(name, at + "/" + escape_token(name), at));
          n.pattern_properties.emplace_back(
              std::move(compiled), child(index, "/patternProperties/" + escape_token(name)));
        }
        return ok_status();
      case Word::dependent_schemas:
        if (!value.is_object()) return wrong(at, "must be an object of schemas");
        for (const auto& [name, schema] : value.as_object())
          n.dependencies.push_back(
              {name, {}, child(index, "/dependentSchemas/" + escape_token(name))});
        return ok_status();
      case Word::dependent_required:
      case Word::dependencies:
        if (!value.is_object()) return wrong(at, "must be an object");
        for (const auto& [name, entry] : value.as_object()) {
          Dependency dependency{name, {}, kNone};
          if (keyword.word == Word::dependencies && !entry.is_array()) {
            dependency.schema = child(index, "/dependencies/" + escape_token(name));
          } else {
            RABT_TRY_STATUS(names(dependency.required, entry, at + "/" + escape_token(name)));
          }
          n.dependencies.push_back(std::move(dependency));
        }
        return ok_status();
      case Word::required:
        return names(n.required, value, at);
      case Word::type:
        return type(n, value, at);
      case Word::const_:
        n.constant = &value;
        return ok_status();
      case Word::enum_:
        return choices(n, value, at);
      case Word::multiple_of:
        return multiple_of(n, value, at);
      case Word::maximum:
        return number(n.maximum, value, at);
      case Word::exclusive_maximum:
        return number(n.below, value, at);
      case Word::minimum:
        return number(n.minimum, value, at);
      case Word::exclusive_minimum:
        return number(n.above, value, at);
      case Word::max_length:
        return count(n.max_length, value, at);
      case Word::min_length:
        return count(n.min_length, value, at);
      case Word::max_items:
        return count(n.max_items, value, at);
      case Word::min_items:
        return count(n.min_items, value, at);
      case Word::max_contains:
        return count(n.max_contains, value, at);
      case Word::min_contains:
        return count(n.min_contains, value, at);
      case Word::max_properties:
        return count(n.max_properties, value, at);
      case Word::min_properties:
        return count(n.min_properties, value, at);
      case Word::unique_items:
        if (!value.is_bool()) return wrong(at, "must be true or false");
        n.unique = value.as_bool();
        return ok_status();
      case Word::pattern: {
        if (!value.is_string()) return wrong(at, "must be a text");
        RABT_TRY(compiled, pattern(value.as_string(), at, at));
        n.pattern = std::move(compiled);
        return ok_status();
      }
      case Word::format:
        return format(n, index, value, at);
    }
    return ok_status();
  }

  Result<Found> reference(Index index, const Json& value, const std::string& at) {
    if (!value.is_string()) return wrong(at, "must be a text: a URI reference");
    return follow(Place(place(index)), value.as_string(), at);
  }

  Status dynamic_reference(Node& n, Index index, const Json& value, const std::string& at) {
    RABT_TRY(found, reference(index, value, at));
    n.dynamic_reference = found.index;
    // Core, 8.2.3.2: dynamic only when it starts at a $dynamicAnchor.
    if (!found.anchor.empty() && known(found.resource).dynamic_anchors.contains(found.anchor)) {
      n.dynamic_name = dynamic_name(found.anchor);
      model_.dynamic = true;
    }
    return ok_status();
  }

  Status list(std::vector<Index>& slot, Index index, const Json& value, const std::string& at) {
    if (!value.is_array() || value.size() == 0)
      return wrong(at, "must be a non-empty array of schemas");
    const std::string rest = at.substr(place(index).pointer.size());
    for (std::size_t i = 0; i < value.size(); ++i)
      slot.push_back(child(index, rest + "/" + std::to_string(i)));
    return ok_status();
  }

  Status names(std::vector<std::string>& slot, const Json& value, const std::string& at) {
    if (!value.is_array()) return wrong(at, "must be an array of names");
    for (const Json& name : value.as_array()) {
      if (!name.is_string()) return wrong(at, "must be an array of names");
      slot.push_back(name.as_string());
    }
    return ok_status();
  }

  Status type(Node& n, const Json& value, const std::string& at) {
    static const std::vector<std::string> kNames = [] {
      std::vector<std::string> all;
      all.reserve(std::size(kTypes));
      for (const TypeName& type : kTypes) all.emplace_back(type.name);
      return all;
    }();
    const auto add = [&](const Json& name) -> Status {
      if (!name.is_string()) return wrong(at, "must be the name of a type, or an array of these");
      const auto* found = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) {
        return t.name == name.as_string();
      });
      if (found == kTypes.end()) {
        std::string near = did_you_mean(name.as_string(), kNames);
        if (near.empty()) near = "there are: null, boolean, integer, number, string, array, object";
        return complain("schema.invalid", at, "`" + shown(name.as_string()) + "` is no JSON type",
                        std::move(near));
      }
      n.types |= found->bit;
      return ok_status();
    };
    if (!value.is_array()) return add(value);
    if (value.size() == 0) return wrong(at, "must name at least one type");
    for (const Json& name : value.as_array()) RABT_TRY_STATUS(add(name));
    return ok_status();
  }

  Status choices(Node& n, const Json& value, const std::string& at) {
    if (!value.is_array()) return wrong(at, "must be an array");
    n.choices = &value.as_array();
    if (std::all_of(n.choices->begin(), n.choices->end(),
                    [](const Json& choice) { return choice.is_string(); })) {
      for (const Json& choice : *n.choices) n.choice_texts.push_back(choice.as_string());
      std::sort(n.choice_texts.begin(), n.choice_texts.end(), ByLength());
    }
    return ok_status();
  }

  Status number(const Json*& slot, const Json& value, const std::string& at) {
    if (!value.is_number()) return wrong(at, "must be a number");
    slot = &value;
    return ok_status();
  }

  Status multiple_of(Node& n, const Json& value, const std::string& at) {
    if (!value.is_number()) return wrong(at, "must be a number above 0");
    Divisor divisor;
    divisor.exact = Decimal::parse(value.number_text());
    if (divisor.exact.negative || divisor.exact.digits.empty())
      return wrong(at, "must be a number above 0");
    if (divisor.exact.digits.size() > kMaxDivisorDigits)
      return wrong(at, "has more than " + std::to_string(kMaxDivisorDigits) + " digits");
    if (!value.has_digits()) divisor.whole = value.as_int64().value_or(0);
    n.multiple_of = std::move(divisor);
    return ok_status();
  }

  Status count(std::optional<std::size_t>& slot, const Json& value, const std::string& at) {
    if (!value.is_number() || !is_integer(value) || compare_numbers(value, Json(0)) < 0)
      return wrong(at, "must be a whole number, 0 or more");
    constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
    slot = static_cast<std::size_t>(
        compare_numbers(value, Json(kMost)) >= 0 ? kMost : value.as_int64().value_or(kMost));
    return ok_status();
  }

  Result<std::shared_ptr<const Pattern>> pattern(const std::string& text, const std::string& at,
                                                 const std::string& owner) {
    if (const auto found = patterns_.find(text); found != patterns_.end()) return found->second;
    auto compiled = Pattern::compile(text);
    if (!compiled.ok()) {
      const bool is_name = at != owner;
      return complain("schema.invalid", at,
                      std::string(is_name ? "a name under `patternProperties` " : "`pattern` ") +
                          compiled.error().message);
    }
    programs_ += (*compiled)->program_size();
    if (programs_ > kMaxPrograms)
      return wrong(at, "makes the patterns of the schema too large together");
    patterns_.emplace(text, *compiled);
    return std::move(*compiled);
  }

  Status format(Node& n, Index index, const Json& value, const std::string& at) {
    if (!value.is_string()) return wrong(at, "must be a text");
    const unsigned dialect = known(place(index).resource).dialect;
    const bool asserted =
        options_.formats == FormatMode::assert || (dialect & kFormatAssertion) != 0;
    if (!asserted) return ok_status();
    n.format = find_format(value.as_string());
    if (n.format || options_.unknown == UnknownKeywords::ignore) return ok_status();
    std::string near = did_you_mean(value.as_string(), format_names());
    return unsupported(at, "the format `" + shown(value.as_string()) + "` cannot be asserted",
                       std::move(near));
  }

  // ---- circles ----

  // A schema that applies itself to the same value again, whatever the value is: no check would
  // end.
  Status find_circles() {
    enum class Mark : std::uint8_t { fresh, open, done };
    std::vector<Mark> marks(model_.nodes.size(), Mark::fresh);
    struct Step {
      Index index;
      std::vector<Index> next;
    };
    std::vector<Step> stack;
    const auto enter = [&](Index index) {
      marks[static_cast<std::size_t>(index)] = Mark::open;
      const Node& n = node(index);
      std::vector<Index> next = n.all_of;
      next.insert(next.end(), n.one_of.begin(), n.one_of.end());
      if (!n.any_of.empty()) next.push_back(n.any_of.front());
      for (const Index one : {n.reference, n.negated, n.condition}) {
        if (one != kNone) next.push_back(one);
      }
      if (n.dynamic_reference != kNone && n.dynamic_name == kNone)
        next.push_back(n.dynamic_reference);
      stack.push_back({index, std::move(next)});
    };
    for (std::size_t i = 0; i < marks.size(); ++i) {
      if (marks[i] != Mark::fresh) continue;
      enter(static_cast<Index>(i));
      while (!stack.empty()) {
        if (stack.back().next.empty()) {
          marks[static_cast<std::size_t>(stack.back().index)] = Mark::done;
          stack.pop_back();
          continue;
        }
        const Index next = stack.back().next.back();
        stack.back().next.pop_back();
        const Mark mark = marks[static_cast<std::size_t>(next)];
        if (mark == Mark::open) {
          return wrong(place(stack.back().index).pointer,
                       "leads back to itself without a step into the value: no check would end");
        }
        if (mark == Mark::fresh) enter(next);
      }
    }
    return ok_status();
  }

  Schema::Model& model_;
  const SchemaOptions& options_;
  SchemaMistake& mistake_;
  std::vector<Place> places_;
  std::vector<Known> known_;
  // For each document its places by JSON pointer, and its URI.
  std::vector<std::unordered_map<std::string, Index>> documents_;
  std::vector<std::string> uris_;
  std::map<std::string, Index, std::less<>> by_uri_;
  std::map<std::string, Index, std::less<>> dynamic_names_;
  std::unordered_map<std::string, std::shared_ptr<const Pattern>> patterns_;
  std::size_t path_bytes_ = 0;
  std::size_t programs_ = 0;
};

}  // namespace

std::string type_list(unsigned types) {
  std::string out;
  for (const auto& [name, bit] : kTypes) {
    const bool listed = name == "integer"  ? (types & (kInteger | kNumber)) == kInteger
                        : name == "number" ? (types & kNumber) != 0
                                           : (types & bit) != 0;
    if (!listed) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

Result<std::shared_ptr<const Schema::Model>> compile(const Json& document,
                                                     const SchemaOptions& options,
                                                     SchemaMistake& mistake) {
  auto model = std::make_shared<Schema::Model>();
  model->documents.reserve(1 + meta_documents().size());
  RABT_TRY_STATUS(Compiler(*model, options, mistake).run(document));
  return std::shared_ptr<const Schema::Model>(std::move(model));
}

}  // namespace rabt::schema
