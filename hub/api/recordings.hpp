#pragma once

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/sessions/sessions.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

struct Recordings {
  store::Store& store;
  audit::AuditLog& audit;
  blob::BlobStore& blobs;
  Patients patients;
  // Recordings of sessions. Null if there are none.
  consultation::Sessions* sessions = nullptr;

  // Facts about the recording, without patient data.
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  // The recording, or a range of it. The reading is audited before the first byte leaves.
  [[nodiscard]] Result<http::Response> content(const Call& call) const;
  // The same for a recording of a session, whichever door it is asked through. Errors: not_found
  // recording.unknown, denied authorisation.denied, conflict recording.not_ready,
  // recording.withdrawn; those of AccessControl::admit.
  [[nodiscard]] Result<http::Response> of_session(const consultation::Caller& caller,
                                                  const consultation::ReadRecording& asked,
                                                  const http::Request& request) const;

 private:
  // Notes the reading; when ok, its entry is in the audit log.
  [[nodiscard]] Status admit(const consultation::Caller& caller, const std::string& session,
                             const consultation::Recording& found, Json part) const;
  // The content. The caller has called admit().
  [[nodiscard]] Result<http::Response> serve(const consultation::Recording& found,
                                             const http::Request& request) const;
};

}  // namespace rabt::api
