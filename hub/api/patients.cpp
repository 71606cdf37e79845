#include "hub/api/patients.hpp"

#include "hub/identity/blind_index.hpp"

namespace rabt::api {

namespace {

using identity::Role;

// Who reads patient data for a reason that he gives. Everybody else needs a grant besides.
constexpr identity::Roles kByReason{Role::admin, Role::integration};

}  // namespace

Result<std::string> Patients::index_of(std::string_view text) const {
  const auto colon = text.find(':');
  const auto kind = phi::parse_index_kind(text.substr(0, colon));
  if (colon == std::string_view::npos || !kind) {
    return invalid("api.invalid",
                   "patient: must be KIND:VALUE; KIND is identifier, mrn, phone or email");
  }
  return identity::blind_index(keyring, tenant, *kind, text.substr(colon + 1));
}

access::Reader reader_of(const Call& call) {
  const identity::Caller& caller = call.caller;
  return {.actor = caller.who.actor(),
          .token = caller.who.credential,
          .client = caller.client,
          .request = caller.request,
          .reason = caller.reason,
          .purpose = caller.purpose,
          .needs_grant = !caller.who.roles.has_any(kByReason)};
}

Error not_allowed() {
  return denied("authorisation.denied", "your roles do not allow this");
}

}  // namespace rabt::api
