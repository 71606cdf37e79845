#pragma once

#include <string>
#include <string_view>

#include "hub/access/access_control.hpp"
#include "hub/api/routes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/engine/patient_index.hpp"

namespace rabt::api {

// Parts that the resources with patient data share: they know the patient and admit the reader.
struct Patients {
  access::AccessControl& access;
  const engine::PatientIndex& index;
  const crypto::Keyring& keyring;
  std::string tenant;

  // The blind index of "KIND:VALUE". member: of the body, for the error. Errors: api.invalid,
  // phi.*.
  [[nodiscard]] Result<std::string> index_of(std::string_view text,
                                             std::string_view member = "patient") const;
};

// Reader who sent the request, and his reason. A role that cannot read by reason needs a grant.
[[nodiscard]] access::Reader reader_of(const Call& call);

// Writes down a reading for which nobody is asked for a reason: what the reader is to the patient
// stands for it. When ok, its entry is durable. Errors: unavailable audit.unavailable,
// audit.sink_behind.
[[nodiscard]] Status note_reading(store::Store& store, audit::AuditLog& audit,
                                  const Patients& patients, const access::Reader& reader,
                                  const access::Reading& reading);

// The error of a principal who may not do this.
[[nodiscard]] Error not_allowed();
// The person that the call is signed in as. Error not_allowed: it is none.
[[nodiscard]] Result<std::string> own_person(const Call& call);

}  // namespace rabt::api
