#pragma once

#include <string>
#include <string_view>

#include "hub/audit/reader.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

// The audit log in the languages of other systems. Pure functions of one entry; docs/audit.md says
// which act becomes which event. Sealed values of an entry stay sealed.
namespace rabt::audit {

// Sender of an export.
struct ExportSource {
  std::string site;      // the tenant
  std::string observer;  // name of this log, unique among logs: its origin
  std::string host;      // name or address by which the hub is known in the network
};

// SHA-256(0x00 | canonical), hex: what proofs of the log are about (RFC 6962 section 2.1).
[[nodiscard]] std::string leaf_hex(const Logged& entry);

// FHIR R4 AuditEvent. Its id is the leaf hash in hex. Acts on patient data conform to profiles of
// IHE BALP 1.1 (ITI.BasicAudit) and name them in meta.profile: PatientRead or Read, PatientQuery or
// Query, PatientCreate or Create, PrivacyDisclosure.Source, and OAUTHaccessTokenUse.Opaque where a
// token was used; BALP has profiles of successes only, so failures name none. Other acts are plain
// AuditEvents.
[[nodiscard]] Json to_fhir(const Logged& entry, const ExportSource& source);

// DICOM PS3.15 section A.5 audit message (XML, UTF-8, no declaration).
[[nodiscard]] std::string to_dicom(const Logged& entry, const ExportSource& source);

// One line of JSON Lines, without the line's end: an object of seq, time and leaf, and then the
// members of the entry as it is hashed. From `{` and what follows the member leaf on, these are the
// bytes of the entry: docs/formats/audit_log.md, "Export".
[[nodiscard]] std::string to_json_line(const Logged& entry);

// RFC 5424 messages, without framing: facility 10 (security), severity notice, or warning for a
// failure; UTF-8 with a byte order mark, as section 6.4 asks. MSGID is IHE+RFC-3881 for the audit
// message above (IHE ITI-20), RABT-CHECKPOINT for a checkpoint of the log.
[[nodiscard]] std::string to_syslog(const Logged& entry, const ExportSource& source);
[[nodiscard]] std::string checkpoint_to_syslog(std::string_view note, Timestamp at,
                                               const ExportSource& source);

}  // namespace rabt::audit
