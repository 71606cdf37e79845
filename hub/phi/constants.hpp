#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

// Texts and codes that are no patient data because they were written before any patient came: in
// the sources of the hub, in its libraries, in standards, in a plugin's library. Only the whole
// text counts, so that a word of it says nothing elsewhere.
namespace rabt::phi {

// Bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

// Immutable after it was filled; then any thread.
class Constants {
 public:
  // Texts of the hub, its libraries and FHIR (tools/texts, data/codes.txt).
  [[nodiscard]] static const Constants& own();

  // A text of three words, two of them not capitalised, or a code such as net.timeout. Everything
  // else is too short to be told from data, and is not kept.
  void add(std::string_view text);
  // A code that stands alone, whatever it is made of.
  void add_code(std::string_view code) { codes_.emplace(code); }
  void merge(Constants&& other);

  // The longest text or code that begins at `at`; 0 if none does. A code has no letter, digit or
  // sign of a longer name beside it.
  [[nodiscard]] std::size_t length_at(std::string_view text, std::size_t at) const;

 private:
  [[nodiscard]] std::size_t code_at(std::string_view text, std::size_t at) const;

  // By their first kKey bytes, the longest first.
  std::unordered_map<std::uint64_t, std::vector<std::string>> texts_;
  std::unordered_set<std::string> codes_;
};

}  // namespace rabt::phi
