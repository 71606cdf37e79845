#include "hub/mapping/code_map.hpp"

#include "hub/base/utf8.hpp"
#include "hub/formats/formats.hpp"
#include "hub/mapping/message.hpp"

namespace rabt::mapping {

Result<CodeMap> CodeMap::read(std::string_view text) {
  if (!is_utf8(text)) return invalid("mapping.map", "the file is not in UTF-8");
  auto rows = formats::read_csv({}, text);
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

Result<Json> CodeMap::value(std::string_view name, const Json& code) const {
  if (code.is_null()) return Json();
  if (!code.is_string() && !code.is_number())
    return invalid("map.code", "a code is a text or a number, and this is of type " +
                                   std::string(type_of(code)));
  auto found = rows_.find(code.is_string() ? code.as_string() : code.number_text());
  if (found == rows_.end()) found = rows_.find("*");
  if (found == rows_.end())
    return not_found("map.unknown_code",
                     "the code map `" + std::string(name) +
                         "` has no such code; add it, or a row `*` for all that have none");
  return found->second;
}

}  // namespace rabt::mapping
