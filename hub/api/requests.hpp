#pragma once

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/identity/people.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Requests of a patient about his own record: a copy, a correction, a complaint. Each is a task
// that the desk answers; the patient reads the answer here.
struct Requests {
  const consultation::Tasks& tasks;
  identity::Directory& people;
  store::Store& store;
  audit::AuditLog& audit;
  Patients patients;
  const Clock& clock;

  // Those of the caller, newest first. &limit= &cursor=
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // {kind, text} -> 201. Errors: conflict request.limit.
  [[nodiscard]] Result<http::Response> make(const Call& call) const;
};

}  // namespace rabt::api
