#pragma once

#include <string>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/consultation/request/reference.hpp"
#include "hub/identity/people.hpp"

// Persons as requests name them.
namespace rabt::consultation {

// A text, a number, or {system, value}, as the directory compares them: they need not be tidy.
[[nodiscard]] Reference person_in(const Json& json);
// The ULID of the person. Errors: as Directory::resolve.
[[nodiscard]] Result<std::string> person_id(identity::Directory& people, std::string_view tenant,
                                            const Reference& person);

}  // namespace rabt::consultation
