#pragma once

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/api/views.hpp"
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
  Views& views;
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
  // Ok if the caller may begin a viewing, whatever the body says. Errors: those of content().
  [[nodiscard]] Status may_view(const Call& call) const;
  // Begins a viewing: audited once, here, as a reading of the whole, if the content can be opened.
  // Errors: those of content().
  [[nodiscard]] Result<http::Response> begin_view(const Call& call) const;
  // The recording, or a range of it, within a viewing. The caller may still read it. Errors: those
  // of content(), Views::use.
  [[nodiscard]] Result<http::Response> view(const Call& call) const;

 private:
  // A recording that the caller may read, but for the audit entry.
  struct Readable {
    consultation::Recording recording;
    // ULID of its session, and the rule by which the caller reads. Empty if it is of no session.
    std::string session;
    std::string rule;
    // Unset if unknown.
    std::optional<std::int64_t> seconds{};
  };
  [[nodiscard]] Result<Readable> readable(const Call& call) const;
  [[nodiscard]] Result<Readable> readable(const consultation::Caller& caller,
                                          const consultation::ReadRecording& asked) const;
  // Notes the reading; when ok, its entry is in the audit log.
  [[nodiscard]] Status admit(const Call& call, const Readable& found, Json part) const;
  [[nodiscard]] Status admit_of_session(const consultation::Caller& caller, const Readable& found,
                                        Json part) const;
  // Notes that a known caller was refused a viewing.
  [[nodiscard]] Status note_refusal(const Call& call, std::string_view code) const;
  // The content, ready to read. That it is not is in the audit log. Errors: conflict
  // recording.expired; those of BlobStore::open.
  [[nodiscard]] Result<std::shared_ptr<blob::BlobReader>> open(
      const consultation::Recording& found) const;
  // The content. The caller was admitted.
  [[nodiscard]] Result<http::Response> serve(const consultation::Recording& found,
                                             const http::Request& request) const;
  // The same, counted as a reading when content goes out.
  [[nodiscard]] Result<http::Response> give(const consultation::Recording& found,
                                            const http::Request& request) const;
  void count_reading() const;
};

}  // namespace rabt::api
