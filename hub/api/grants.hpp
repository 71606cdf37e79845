#pragma once

#include "hub/access/grants.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::api {

// Break-glass grants.
struct Grants {
  access::Grants& grants;
  engine::Engine& engine;
  audit::AuditLog& log;
  const access::PatientDetail& details;
  Patients patients;

  // Grants that nobody has reviewed, with what was read under them; ?reviewed=all.
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // {"instance" or "patient", "reason", "minutes"?}
  [[nodiscard]] Result<http::Response> open(const Call& call) const;
  [[nodiscard]] Result<http::Response> close(const Call& call) const;
  // {"by"}
  [[nodiscard]] Result<http::Response> review(const Call& call) const;
};

}  // namespace rabt::api
