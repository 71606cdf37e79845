#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::consultation {

// Free text, unless a field says something else: characters, not bytes.
inline constexpr std::size_t kMaxText = 4'000;
// A name, an id, a number in words.
inline constexpr std::size_t kMaxLine = 200;
// Longest text that is one line.
inline constexpr std::size_t kMaxOneLine = 500;

// Mistakes of a body, so that one answer names them all.
class Mistakes {
 public:
  void add(std::string_view field, std::string_view what);
  // The same, behind the first `before` ones.
  void insert(std::size_t before, std::string_view field, std::string_view what);
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] bool none() const { return count_ == 0; }
  // Error invalid api.invalid: one line a mistake, "<field>: <what is wrong>".
  [[nodiscard]] Status status() const;
  // Takes more of them, behind its own.
  void add(const Mistakes& more);

 private:
  std::string text_;
  std::size_t count_ = 0;
};

// Reads the members of a body and collects what is wrong with them. Each getter takes a member that
// is absent or null as absent. Caller synchronises.
class Fields {
 public:
  explicit Fields(const Json& body) : Fields(body, own_) {}
  // A body inside a larger one: the mistakes of both are collected together. prefix: where the body
  // stands, such as "items[2].".
  Fields(const Json& body, Mistakes& mistakes, std::string prefix = {});
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  // Every other member is a mistake.
  void only(std::initializer_list<std::string_view> names);
  [[nodiscard]] bool has(std::string_view name) const { return !body_[name].is_null(); }
  [[nodiscard]] const Json& raw(std::string_view name) const { return body_[name]; }

  // Empty when absent. Characters that hide, forge or turn round what stands beside them are left
  // out; line ends stay where more than kMaxOneLine characters are allowed, and are spaces
  // elsewhere.
  [[nodiscard]] std::string text(std::string_view name, std::size_t max = kMaxText);
  // Absent, empty or blank is a mistake.
  [[nodiscard]] std::string needed_text(std::string_view name, std::size_t max = kMaxText);
  // One of `words` in lower case, however it is written; `fallback` when absent.
  [[nodiscard]] std::string word(std::string_view name,
                                 std::initializer_list<std::string_view> words,
                                 std::string_view fallback = {});
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t min,
                                                    std::int64_t max);
  // Stars of a rating: 1 to 5.
  [[nodiscard]] std::optional<std::int64_t> stars(std::string_view name) {
    return integer(name, 1, 5);
  }
  [[nodiscard]] std::optional<double> number(std::string_view name, double min, double max);
  [[nodiscard]] std::optional<bool> boolean(std::string_view name);
  // Texts of at most kMaxLine bytes; null when absent or wrong.
  [[nodiscard]] Json texts(std::string_view name, std::size_t max_items = 100);
  // RFC 3339, of the Gregorian calendar; a time without zone is read with this offset.
  [[nodiscard]] std::optional<Timestamp> time(std::string_view name, int naive_offset_minutes = 0);

  void wrong(std::string_view name, std::string_view what);
  [[nodiscard]] Mistakes& mistakes() { return mistakes_; }
  // Since the object was made.
  [[nodiscard]] bool good() const { return mistakes_.count() == before_; }
  [[nodiscard]] Status done() const { return mistakes_.status(); }

 private:
  // In front of a message about the whole body.
  [[nodiscard]] std::string_view place() const;

  const Json& body_;
  Mistakes own_;
  Mistakes& mistakes_;
  std::size_t before_;
  std::string prefix_;
};

}  // namespace rabt::consultation
