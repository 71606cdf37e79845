#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::mapping {

// A table from codes of another system to those that events have: a CSV file with a header. The
// first column holds the code. With two columns a code stands for the text of the second one, else
// for an object of all but the first. The row `*` stands for every code that has none. Immutable.
class CodeMap {
 public:
  // Error invalid mapping.map: no header, one column only, a code twice, or no CSV; names the line.
  [[nodiscard]] static Result<CodeMap> read(std::string_view text);
  // Value that a code, a text or a number, stands for; null for null. name: of the map, for
  // messages, which never hold the code. Errors: not_found map.unknown_code (neither such a code
  // nor the row `*`), invalid map.code (neither a text nor a number).
  [[nodiscard]] Result<Json> value(std::string_view name, const Json& code) const;

 private:
  std::map<std::string, Json, std::less<>> rows_;
};
using CodeMaps = std::map<std::string, CodeMap, std::less<>>;

}  // namespace rabt::mapping
