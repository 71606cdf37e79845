#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::consultation {

// Free text, unless a field says something else: characters, not bytes.
inline constexpr std::size_t kMaxText = 4'000;

// Reads the members of a body and collects what is wrong with them, so that one answer names every
// mistake. Each getter takes a member that is absent or null as absent. Caller synchronises.
class Fields {
 public:
  // prefix: where the body stands in a larger one, such as "items[2].".
  explicit Fields(const Json& body, std::string prefix = {});

  // Every other member is a mistake.
  void only(std::initializer_list<std::string_view> names);
  [[nodiscard]] bool has(std::string_view name) const { return !body_[name].is_null(); }

  // Empty when absent.
  [[nodiscard]] std::string text(std::string_view name, std::size_t max = kMaxText);
  // Absent, empty or blank is a mistake.
  [[nodiscard]] std::string needed_text(std::string_view name, std::size_t max = kMaxText);
  // One of `words` in lower case, however it is written; `fallback` when absent.
  [[nodiscard]] std::string word(std::string_view name,
                                 std::initializer_list<std::string_view> words,
                                 std::string_view fallback = {});
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t min,
                                                    std::int64_t max);
  [[nodiscard]] std::optional<double> number(std::string_view name, double min, double max);
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  // RFC 3339; a time without zone is read with this offset.
  [[nodiscard]] std::optional<Timestamp> time(std::string_view name, int naive_offset_minutes = 0);

  void wrong(std::string_view name, std::string_view what);
  // Takes over what is wrong in a part of the body.
  void add(const Fields& part);
  [[nodiscard]] bool good() const { return mistakes_.empty(); }
  // Error invalid api.invalid: one line a mistake, "<field>: <what is wrong>".
  [[nodiscard]] Status done() const;

 private:
  const Json& body_;
  std::string prefix_;
  std::vector<std::string> mistakes_;
};

}  // namespace rabt::consultation
