#include "tools/check/effects.hpp"

#include <algorithm>
#include <map>

#include "hub/base/ascii.hpp"
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

// A signature and its time say who asks, and when; not what is asked for.
bool is_signature(const std::string& field) {
  return field == "header authorization" || field == "header date" || field == "header x-amz-date";
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

namespace {

Fields unsigned_fields(const Request& request) {
  Fields out = fields_of(request);
  std::erase_if(out, [](const auto& field) { return is_signature(field.first); });
  return out;
}

}  // namespace

bool is_idempotent(const Request& first, const Request& again) {
  if ((first.method == "PUT" || first.method == "DELETE") && first.method == again.method &&
      first.url == again.url)
    return true;
  const Fields second = fields_of(again);
  const Fields fields = fields_of(first);
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
    return (field.first == "header if-none-exist" || field.first == "header if-none-match" ||
            field.first == "header if-match") &&
           std::find(second.begin(), second.end(), field) != second.end();
  });
}

bool follows_key(const Request& first, const Request& again, const Request& other) {
  const auto as_map = [](const Request& request) {
    const Fields fields = fields_of(request);
    return std::map<std::string, std::string>(fields.begin(), fields.end());
  };
  const auto second = as_map(again);
  const auto third = as_map(other);
  const Fields fields = fields_of(first);
  return std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
    const auto same = second.find(field.first);
    if (same == second.end() || same->second != field.second) return false;
    const auto under_other = third.find(field.first);
    return under_other == third.end() || under_other->second != field.second;
  });
}

bool ignores_key(const std::vector<Request>& one, const std::vector<Request>& other) {
  return std::any_of(one.begin(), one.end(),
                     [](const Request& r) { return r.has_effect() && !is_idempotent(r, r); }) &&
         std::equal(
             one.begin(), one.end(), other.begin(), other.end(),
             [](const Request& a, const Request& b) { return fields_of(a) == fields_of(b); });
}

std::string key_ignored(const std::string& label) {
  return label +
         " says idempotency: key, and sends the same requests under another key: a repeat cannot "
         "be "
         "told from another step with the same input; send the key, or what is made from it";
}

std::string not_recognisable(const Request& first, const Request& again, const Request& other) {
  const Fields a = unsigned_fields(first);
  const Fields b = unsigned_fields(again);
  if (a == b || is_idempotent(first, again) || follows_key(first, again, other)) return {};
  const std::map<std::string, std::string> second(b.begin(), b.end());
  std::string differs = "a field";
  for (const auto& [name, value] : a) {
    const auto same = second.find(name);
    if (same == second.end() || same->second != value) differs = name;
  }
  return differs;
}

}  // namespace rabt::check
