#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

// From bytes of a YAML file to what a person sees: lines and characters.
namespace rabt::workflow {

struct YamlNode;

struct TextPlace {
  int line = 1;    // from 1
  int column = 1;  // from 1, in characters (code points)
};

// Immutable; holds a view of the text, which is UTF-8.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  // An offset past the end stands for the end.
  [[nodiscard]] TextPlace at(std::size_t offset) const;
  // The line without its line end; empty for a line that is not there.
  [[nodiscard]] std::string_view line(int number) const;

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
};

// Returns the place of each byte of a scalar's text in the file, and one more for its end: escapes,
// folded lines and indentation are undone. nullopt for a node that is no text, or whose source does
// not read back to the same text. source is the text that parse_yaml was given, without BOM.
[[nodiscard]] std::optional<std::vector<std::size_t>> scalar_offsets(std::string_view source,
                                                                     const YamlNode& node);

}  // namespace rabt::workflow
