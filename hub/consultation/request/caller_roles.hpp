#pragma once

#include <string_view>

#include "hub/access/decide.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/caller.hpp"

// Rights that a caller has by his roles alone.
namespace rabt::consultation {

// Administrators and operators of the tenant.
[[nodiscard]] bool manages(const Caller& caller);
[[nodiscard]] bool is_provider(const Caller& caller);
[[nodiscard]] Error not_allowed(std::string_view what);
// what: as a refusal says it, "list visits". of: the person whom it is about; empty if nobody.
[[nodiscard]] Status may(access::Right right, const Caller& caller, std::string_view what,
                         std::string_view of = {});

}  // namespace rabt::consultation
