#pragma once

#include <string_view>

#include "hub/api/routes.hpp"
#include "hub/identity/approvals.hpp"

namespace rabt::api {

// Requests that another person has to confirm.
struct Approvals {
  identity::Approvals& approvals;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  [[nodiscard]] Result<http::Response> confirm(const Call& call) const;
  [[nodiscard]] Result<http::Response> refuse(const Call& call) const;
};

// True if an act of these new roles needs a second person.
[[nodiscard]] bool gains_guarded(identity::Roles before, identity::Roles after);

}  // namespace rabt::api
