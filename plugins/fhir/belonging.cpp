#include "belonging.hpp"

#include <algorithm>

#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"

namespace rabt::fhir {

using sdk::member_of;
using sdk::text_of;

namespace {

bool is_identifier(const Json& identifier, std::string_view system, const std::string& value) {
  return (system.empty() || text_of(identifier, "system") == system) &&
         sdk::lower(text_of(identifier, "value")) == value;
}

}  // namespace

bool bears(const Json& resource, std::string_view system, std::string_view value) {
  const std::string wanted = sdk::lower(value);
  const Json& own = member_of(resource, "identifier");
  if (own.is_object()) return is_identifier(own, system, wanted);
  return own.is_array() && std::any_of(own.begin(), own.end(), [&](const Json& item) {
           return is_identifier(item, system, wanted);
         });
}

std::string plain_reference(const std::string& reference, const Settings& settings) {
  std::string out = reference.substr(0, reference.find("/_history/"));
  if (out.starts_with(settings.base_url + "/")) out.erase(0, settings.base_url.size() + 1);
  return out;
}

bool same_subject(const Json& item, const Json& other, const Settings& settings) {
  const Json& first = member_of(item, "identifier");
  const Json& second = member_of(other, "identifier");
  const std::string system = text_of(first, "system");
  if (!system.empty() && system == text_of(second, "system"))
    return sdk::lower(text_of(first, "value")) == sdk::lower(text_of(second, "value"));
  const std::string from = plain_reference(text_of(item, "reference"), settings);
  const std::string to = plain_reference(text_of(other, "reference"), settings);
  return from.empty() || to.empty() || from == to;
}

}  // namespace rabt::fhir
