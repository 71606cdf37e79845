#include "hub/consultation/practice/named_person.hpp"

namespace rabt::consultation {

namespace {

// The directory takes longer ones for no number.
constexpr std::size_t kMaxDigits = 18;

}  // namespace

Reference person_in(const Json& json) {
  if (json.is_string() && json.as_string().size() > kMaxDigits)
    return {.id = identity::ulid_of(json.as_string())};
  if (!json["system"].is_string() || !json["value"].is_string()) return reference_in(json);
  return {.external = std::pair{json["system"].as_string(), json["value"].as_string()}};
}

Result<std::string> person_id(identity::Directory& people, std::string_view tenant,
                              const Reference& person) {
  if (person.number) return people.resolve(tenant, Json(*person.number));
  if (!person.external) return people.resolve(tenant, person.id ? Json(*person.id) : Json());
  const auto& [system, value] = *person.external;
  return people.resolve(tenant, Json::object({{"system", system}, {"value", value}}));
}

}  // namespace rabt::consultation
