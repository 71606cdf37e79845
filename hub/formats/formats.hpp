#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// CSV and HL7 v2 as JSON, and back. Mapped sources and expressions share these readers. Pure.
// Errors: invalid mapping.syntax, mapping.values, mapping.text. The message names the place and
// holds none of the values.
namespace rabt::formats {

// Asked before a part of so many bytes is kept; false ends the reading with mapping.values. Unset:
// all parts are kept.
using Room = std::function<bool(std::size_t bytes)>;

struct Csv {
  char separator = ',';
  // Names of the columns where the first row has none.
  std::vector<std::string> columns = {};
};
// A list of objects of texts, by the names of the columns.
[[nodiscard]] Result<Json> read_csv(const Csv& csv, std::string_view text, const Room& room = {});
// The reverse, with the members of the first row as columns: rows are objects of texts, numbers,
// booleans and null. Lines end with CR LF.
[[nodiscard]] Result<std::string> write_csv(const Csv& csv, const Json& rows);

// {segment: [{field: [{component: text, "component.subcomponent": text}]}]}, numbers as the
// standard counts; what is empty is left out. charset: of messages whose MSH-18 is empty.
[[nodiscard]] Result<Json> read_hl7(std::string_view charset, std::string_view body,
                                    const Room& room = {});
// The same of a text that was decoded before: MSH-18 names no other character set.
[[nodiscard]] Result<Json> read_hl7_text(std::string_view text, const Room& room = {});
// The reverse: segments in the order of the members, or of a list of objects with one member each.
// A field is a list of repetitions or one of them; a repetition is an object as above or its first
// component. MSH-1 and MSH-2 are the usual ones. UTF-8; segments end with CR.
[[nodiscard]] Result<std::string> write_hl7(const Json& message);

[[nodiscard]] Status check_size(std::size_t values);
[[nodiscard]] Status check_text(std::string_view text, const std::string& place);

}  // namespace rabt::formats
