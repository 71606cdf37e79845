#include "hub/plugin/package/marked_places.hpp"

#include <algorithm>
#include <string_view>

#include "hub/base/json_pointer.hpp"

namespace rabt::plugin {

namespace {

bool is_nothing(const Json& value) {
  return value.is_null() || (value.is_string() && value.as_string().empty()) ||
         ((value.is_array() || value.is_object()) && value.size() == 0);
}

// place: the rest of the pointer.
bool lies_at(const Json& value, std::string_view place) {
  if (place.empty()) return !is_nothing(value);
  place.remove_prefix(1);
  const std::size_t end = std::min(place.find('/'), place.size());
  const std::string_view token = place.substr(0, end);
  const std::string_view rest = place.substr(end);
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if ((token == "*" || token == escape_token(name)) && lies_at(member, rest)) return true;
    }
  } else if (value.is_array()) {
    std::size_t i = 0;
    for (const Json& item : value.as_array()) {
      if ((token == "*" || token == std::to_string(i)) && lies_at(item, rest)) return true;
      ++i;
    }
  }
  return false;
}

bool has_named(const Json& value, const std::set<std::string>& names) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (names.contains(name) ? !is_nothing(member) : has_named(member, names)) return true;
    }
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) {
      if (has_named(item, names)) return true;
    }
  }
  return false;
}

}  // namespace

bool holds_marked(const Json& value, const std::set<std::string>& places,
                  const std::set<std::string>& names) {
  return has_named(value, names) ||
         std::any_of(places.begin(), places.end(), [&value](const std::string& place) {
           return lies_at(value, place == "/" ? std::string_view() : place);
         });
}

}  // namespace rabt::plugin
