#include "hub/mapping/code_map.hpp"

#include "hub/base/utf8.hpp"
#include "hub/mapping/message.hpp"

namespace rabt::mapping {

Result<CodeMap> CodeMap::read(std::string_view text) {
  if (!is_utf8(text)) return invalid("mapping.map", "the file is not in UTF-8");
  auto rows = read_csv({.format = Format::csv}, text);
  if (!rows.ok()) return invalid("mapping.map", rows.error().message);
  CodeMap out;
  int number = 1;
  for (const Json& row : rows->as_array()) {
    ++number;
    const std::string place = "row " + std::to_string(number) + ": ";
    const JsonObject& members = row.as_object();
    if (members.size() < 2)
      return invalid("mapping.map", place + "a code map has two columns or more");
    const std::string code = members.begin()->second.as_string();
    Json value = Json::object();
    for (const auto& [name, member] : members) {
      if (&member != &members.begin()->second) value.set(name, member);
    }
    if (value.size() == 1) value = Json(value.as_object().begin()->second);
    if (!out.rows_.emplace(code, std::move(value)).second)
      return invalid("mapping.map", place + "the code stands in the file twice");
  }
  return out;
}

const Json* CodeMap::find(std::string_view code) const {
  auto found = rows_.find(code);
  if (found == rows_.end()) found = rows_.find("*");
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace rabt::mapping
