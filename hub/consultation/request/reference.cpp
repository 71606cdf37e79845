#include "hub/consultation/request/reference.hpp"

#include "hub/base/number.hpp"
#include "hub/base/printable.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

Reference read_reference(std::string_view text) {
  if (const auto number = read_number<std::int64_t>(text)) return {.number = *number};
  return {.id = identity::ulid_of(text)};
}

Reference reference_in(const Json& json) {
  if (json.is_string()) return read_reference(std::string_view(json.as_string()));
  if (json.is_number()) return {.number = json.as_int64()};
  const std::string system = json.string_or("system", "");
  const std::string value = json.string_or("value", "");
  if (system.empty() || value.empty() || !is_tidy_line(system) || !is_tidy_line(value)) return {};
  return {.external = std::pair{system, value}};
}

}  // namespace rabt::consultation
