#include "hub/check/effects.hpp"

#include <algorithm>
#include <map>

#include "hub/base/json_pointer.hpp"

namespace rabt::check {

namespace {

void take_apart(const Json& value, const std::string& pointer, Fields& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object())
      take_apart(member, pointer + "/" + escape_token(name), out);
  } else if (value.is_array()) {
    std::size_t i = 0;
    for (const Json& item : value.as_array())
      take_apart(item, pointer + "/" + std::to_string(i++), out);
  } else {
    out.emplace_back("body " + pointer, value.dump());
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

}  // namespace

Fields fields_of(const Request& request) {
  Fields out{{"method", request.method}, {"url", request.url}};
  for (const Json& header :
       request.head["headers"].is_array() ? request.head["headers"].as_array() : Json::Array{}) {
    if (header.item(0).is_string())
      out.emplace_back("header " + lower(header.item(0).as_string()), header.item(1).dump());
  }
  const auto json = Json::parse(request.body);
  if (json.ok() && (json->is_object() || json->is_array())) {
    take_apart(*json, "", out);
    return out;
  }
  // A form, or a text of lines: piece by piece.
  std::string_view rest = request.body;
  for (int i = 0; !rest.empty(); ++i) {
    const auto end = rest.find_first_of("&\n");
    const std::string_view piece = rest.substr(0, end);
    const auto equals = piece.find('=');
    const std::string name =
        equals == std::string_view::npos ? std::to_string(i) : std::string(piece.substr(0, equals));
    out.emplace_back("body " + name, std::string(piece));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  return out;
}

std::vector<Request> effects_of(const std::vector<Request>& requests) {
  std::vector<Request> out;
  std::copy_if(requests.begin(), requests.end(), std::back_inserter(out),
               [](const Request& r) { return r.has_effect(); });
  return out;
}

std::string not_recognisable(const Request& first, const Request& again, const Request& other) {
  const Fields a = fields_of(first);
  const Fields b = fields_of(again);
  if (a == b) return {};
  // Doing it twice is doing it once (RFC 9110 section 9.2.2).
  if ((first.method == "PUT" || first.method == "DELETE") && first.method == again.method &&
      first.url == again.url)
    return {};
  const auto as_map = [](const Fields& fields) {
    return std::map<std::string, std::string>(fields.begin(), fields.end());
  };
  const auto second = as_map(b);
  const auto third = as_map(fields_of(other));
  std::string differs = "a field";
  for (const auto& [name, value] : a) {
    const auto same = second.find(name);
    if (same == second.end() || same->second != value) {
      differs = name;
      continue;
    }
    // Only done when it was not yet (RFC 9110 section 13.1; FHIR R4 http.html#cond-create).
    if (name == "header if-none-exist" || name == "header if-none-match" ||
        name == "header if-match")
      return {};
    const auto under_other = third.find(name);
    if (under_other == third.end() || under_other->second != value) return {};
  }
  return differs;
}

}  // namespace rabt::check
