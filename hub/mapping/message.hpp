#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

// Messages of other systems as JSON, which expressions read. See docs/sources.md.
namespace rabt::mapping {

enum class Format : std::uint8_t { json, xml, csv, hl7v2, form, fhir };

// Settings for reading a message.
struct Reading {
  Format format = Format::json;
  // Character set of csv and form, of hl7v2 where MSH-18 is empty, and of xml whose declaration
  // names none.
  std::string charset = "UTF-8";
  // csv
  char separator = ',';
  // csv: names of the columns where the first row has none.
  std::vector<std::string> columns;
  // xml: elements that are a list even where there is one.
  std::vector<std::string> lists;
  // xml: from the URI to the prefix that expressions have for it.
  std::map<std::string, std::string> namespaces;
};

// The message as JSON:
//   json, fhir  itself
//   form        an object of texts; a list for a name that comes several times
//   csv         a list of objects of texts, by the names of the columns
//   xml         {root element: value}. An element with text only is its text; else an object of
//               attributes ("@name"), child elements and text ("#text"). Elements of one name are
//               a list.
//   hl7v2       {segment: [{field: [{component: text, "component.subcomponent": text}]}]}, numbers
//               as the standard counts; what is empty is left out
// Errors: invalid mapping.charset, mapping.syntax, mapping.depth, mapping.values, mapping.text,
// mapping.entity. The message names the place in the message and holds none of its values.
[[nodiscard]] Result<Json> read_message(const Reading& reading, std::string_view body);

[[nodiscard]] Result<Json> read_xml(const Reading& reading, std::string_view text);
// Name of a value's type, for messages.
[[nodiscard]] std::string_view type_of(const Json& value);
// UTF-8 from a character set. Error mapping.charset.
[[nodiscard]] Result<std::string> decoded(std::string_view charset, std::string_view bytes);

}  // namespace rabt::mapping
