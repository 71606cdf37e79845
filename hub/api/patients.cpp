#include "hub/api/patients.hpp"

#include "hub/base/bytes.hpp"
#include "hub/identity/blind_index.hpp"

namespace rabt::api {

namespace {

using identity::Role;

// Roles that read patient data for a stated reason. All others need a grant besides.
constexpr identity::Roles kByReason{Role::admin, Role::integration, Role::desk};

}  // namespace

Result<std::string> Patients::index_of(std::string_view text, std::string_view member) const {
  const auto colon = text.find(':');
  const auto kind = phi::parse_index_kind(text.substr(0, colon));
  if (colon == std::string_view::npos || !kind) {
    return invalid(
        "api.invalid",
        std::string(member) + ": must be KIND:VALUE; KIND is identifier, mrn, phone or email");
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

Status note_reading(store::Store& store, audit::AuditLog& audit, const Patients& patients,
                    const access::Reader& reader, const access::Reading& reading) {
  RABT_TRY_STATUS(patients.access.ready());
  Json detail = reading.detail;
  detail.set("token", reader.token);
  const std::string patient =
      reading.patients.empty() ? "" : to_hex(as_bytes(reading.patients.front()));
  const auto entry = audit.prepare({.tenant = patients.tenant,
                                    .actor = reader.actor,
                                    .act = reading.act,
                                    .object = reading.object,
                                    .result = "ok",
                                    .detail = std::move(detail),
                                    .patient = patient,
                                    .purpose = reader.purpose,
                                    .client = reader.client,
                                    .request = reader.request});
  const Status written = store.write(
      [&](store::Transaction& transaction) { return audit.append(transaction, entry); });
  return written.ok() ? written : Status(access::not_audited(written.error()));
}

Error not_allowed() {
  return denied("authorisation.denied", "your roles do not allow this");
}

Result<std::string> own_person(const Call& call) {
  if (call.caller.who.person.empty()) return not_allowed();
  return call.caller.who.person;
}

}  // namespace rabt::api
