#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/decimal.hpp"
#include "hub/base/json.hpp"
#include "hub/schema/schema.hpp"
#include "hub/schema/schema_format.hpp"
#include "hub/schema/schema_regex.hpp"

// Compiled schema: schema_compile.cpp makes it, schema_check.cpp runs it.
namespace rabt::schema {

using Index = std::int32_t;
inline constexpr Index kNone = -1;
// The keyword whose value true marks patient data.
inline constexpr std::string_view kPhiMark = "x-phi";

enum TypeBit : unsigned {
  kNull = 1,
  kBoolean = 2,
  kInteger = 4,
  kNumber = 8,
  kString = 16,
  kArray = 32,
  kObject = 64,
};
struct TypeName {
  std::string_view name;
  unsigned bit;
};
inline constexpr std::array<TypeName, 7> kTypes{{{"null", kNull},
                                                 {"boolean", kBoolean},
                                                 {"integer", kInteger},
                                                 {"number", kNumber | kInteger},
                                                 {"string", kString},
                                                 {"array", kArray},
                                                 {"object", kObject}}};
[[nodiscard]] std::string type_list(unsigned types);

// Names in an order that is quick to search: by length, then by bytes.
struct ByLength {
  bool operator()(std::string_view a, std::string_view b) const {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
};
using Properties = std::vector<std::pair<std::string, Index>>;  // sorted ByLength

struct Dependency {
  std::string name;
  std::vector<std::string> required;
  Index schema = kNone;
};

struct Divisor {
  // The divisor, or 0 if only `exact` can hold it.
  std::int64_t whole = 0;
  Decimal exact;
};

// One schema. Indexes are into Model::nodes.
struct Node {
  std::string path;              // see SchemaFault::schema_path
  const Json* source = nullptr;  // inside Model::documents
  Index resource = 0;

  bool never = false;
  bool always = false;  // nothing to check
  bool has_number = false, has_text = false, has_array = false, has_object = false,
       has_combination = false;
  // TypeBits of the types that are allowed; 0 allows every type.
  unsigned types = 0;

  const Json* constant = nullptr;
  const Json::Array* choices = nullptr;
  std::vector<std::string_view> choice_texts;  // sorted ByLength, when all choices are texts

  const Json *minimum = nullptr, *maximum = nullptr, *above = nullptr, *below = nullptr;
  std::optional<Divisor> multiple_of;

  std::optional<std::size_t> min_length, max_length;
  std::shared_ptr<const Pattern> pattern;
  std::optional<Format> format;

  std::optional<std::size_t> min_items, max_items, min_contains, max_contains;
  bool unique = false;
  std::vector<Index> prefix_items;
  Index items = kNone, contains = kNone, unevaluated_items = kNone;

  std::optional<std::size_t> min_properties, max_properties;
  std::vector<std::string> required;
  Properties properties;
  std::vector<std::pair<std::shared_ptr<const Pattern>, Index>> pattern_properties;
  Index additional = kNone, names = kNone, unevaluated_properties = kNone;
  std::vector<Dependency> dependencies;

  Index reference = kNone;
  Index dynamic_reference = kNone;  // the target when nothing in the dynamic scope replaces it
  Index dynamic_name = kNone;       // kNone: like $ref
  std::vector<Index> all_of, any_of, one_of;
  Index negated = kNone, condition = kNone, consequence = kNone, alternative = kNone;
  Index content = kNone;  // contentSchema: checks nothing, may carry marks
};

// A schema with a base URI of its own (Core, 4.3.5).
struct Resource {
  std::vector<std::pair<Index, Index>> dynamic_anchors;  // number of the name, node; sorted
};

}  // namespace rabt::schema

struct rabt::Schema::Model {
  std::vector<Json> documents;  // keeps what nodes point to
  std::vector<schema::Node> nodes;
  std::vector<schema::Resource> resources;
  bool dynamic = false;  // some $dynamicRef depends on the dynamic scope
};
