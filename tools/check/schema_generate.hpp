#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/schema/schema.hpp"

// Values made from a JSON Schema, for checks and fuzzing. Not for keys.
namespace rabt {

// A sequence that a seed fixes, on every machine (SplitMix64). Confined to one thread.
class SeededSequence {
 public:
  explicit SeededSequence(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  // 0 to bound - 1; bound is not 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  bool chance(unsigned percent) { return below(100) < percent; }

 private:
  std::uint64_t state_;
};

// A text that stands in a generated value where the schema says "x-phi": true.
struct MarkedText {
  std::string pointer;  // JSON pointer into the value
  std::string text;

  friend bool operator==(const MarkedText&, const MarkedText&) = default;
};

// Values for one schema; "examples" in it are used. The same document and seed give the same values
// in the same order. Confined to one thread.
class SchemaGenerator {
 public:
  enum class Size : std::uint8_t { smallest, any, largest };  // of objects: which optional members

  // document has compiled (Schema::compile).
  SchemaGenerator(Json document, std::uint64_t seed);

  // A value that conforms; empty when none was found in 200 tries (a schema that
  // nothing fits, or one that only rare values fit: "not", "pattern" beside "format").
  [[nodiscard]] std::optional<Json> valid(Size size = Size::any);
  // The marked texts of the value that valid() gave last, in the order of the value. Numbers,
  // null, true and false below a mark are not listed.
  [[nodiscard]] const std::vector<MarkedText>& marked() const { return marked_; }

  // A value that conforms but for one change: a member gone or added, another type, a border
  // passed, a text that is empty, long or odd. Always one that the schema refuses; empty when no
  // change was refused (a schema that takes everything).
  [[nodiscard]] std::optional<Json> near_valid();

  // With a prefix set, a marked text becomes the prefix and a number wherever the schema takes
  // that.
  void set_canary(std::string prefix) { canary_ = std::move(prefix); }

 private:
  Json make(const Json& schema, int depth, bool phi, const std::string& pointer, Size size);
  Json make_text(const Json& schema, bool phi, const std::string& pointer);
  Json make_number(const Json& schema, bool whole);
  Json make_array(const Json& schema, int depth, bool phi, const std::string& pointer, Size size);
  Json make_object(const Json& schema, int depth, bool phi, const std::string& pointer, Size size);
  Json merged(const Json& schema, int depth);
  [[nodiscard]] const Json* refer(std::string_view reference) const;
  void change(Json& value, int depth);

  Json document_;
  Schema schema_;
  SeededSequence random_;
  std::string canary_;
  std::uint64_t canaries_ = 0;
  std::vector<MarkedText> marked_;
  int budget_ = 0;  // values that this document may still have
};

// A text that the pattern (ECMA-262, as in hub/schema/schema_regex.hpp) is found in; empty when the
// pattern uses what this does not make (look-around, back-references, \p).
[[nodiscard]] std::optional<std::string> text_for_pattern(std::string_view pattern,
                                                          SeededSequence& random);

}  // namespace rabt
