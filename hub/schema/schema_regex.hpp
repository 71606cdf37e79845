#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

namespace rabt::schema {

inline constexpr std::size_t kMaxPatternBytes = 4096;  // the longest of FHIR R4 has 300
// RE2 instructions; [^,]{1,1000} has 2,000.
inline constexpr std::size_t kMaxPatternProgram = 20'000;

// A regular expression of ECMA-262 (the dialect with the u flag), run by RE2 in linear time.
// Immutable; any thread.
class Pattern {
 public:
  // The error's message is a predicate ("uses look-ahead, ...") and holds no more than the pattern
  // says itself. Refused: look-around, back-references, properties that RE2 does not know, more
  // than 1000 repeats, a pattern past the limits.
  static Result<std::shared_ptr<const Pattern>> compile(std::string_view ecma);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  // Not anchored: the pattern may match anywhere. False when text is not UTF-8.
  [[nodiscard]] bool found_in(std::string_view text) const;
  [[nodiscard]] std::size_t program_size() const;

 private:
  struct Engine;
  explicit Pattern(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

// The same pattern in RE2's syntax.
[[nodiscard]] Result<std::string> to_re2(std::string_view ecma);
// True if ECMA-262 takes it, also when RE2 cannot run it (look-around, back-references).
[[nodiscard]] bool is_ecma_regex(std::string_view text);

}  // namespace rabt::schema
