#pragma once

#include <cstdint>
#include <string>

#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/random.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// Explains to supervisors who has a right, and by which rule. Performs no act. No patient data.
struct Access {
  identity::People& people;
  store::Store& store;
  keys::DataKeys& keys;
  audit::AuditLog& audit;
  Random& random;
  const Clock& clock;
  std::string tenant;
  // video.patient_may_read_recordings
  bool patients_read_recordings = true;
  // privacy.treats_before_hours
  std::int64_t treats_before_ms = 0;

  // POST /api/v1/access/explain. Answers with the decisions of access::decide() about a person and,
  // if one is named, a session, with the rules that were tried. The question is audited.
  [[nodiscard]] Result<http::Response> explain(const Call& call) const;
};

}  // namespace rabt::api
