#pragma once

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

struct Recordings {
  store::Store& store;
  audit::AuditLog& audit;
  blob::BlobStore& blobs;
  Patients patients;

  // What is known about the recording. No patient data.
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  // The recording, or a range of it. The reading is audited before the first byte leaves.
  [[nodiscard]] Result<http::Response> content(const Call& call) const;
};

}  // namespace rabt::api
