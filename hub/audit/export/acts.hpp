#pragma once

#include <string_view>

// Acts of the log in the codes of DICOM and IHE.
namespace rabt::audit {

// The pattern of IHE BALP that a successful act follows.
enum class Pattern : unsigned char { general, read, query, create, disclosure };

struct Act {
  std::string_view name;
  Pattern pattern;
  // C, R, U, D or E (DICOM EventActionCode, FHIR AuditEvent.action).
  char action;
  // The event's DCM code (PS3.16 CID 400). An empty text for an event that DICOM does not know.
  std::string_view event;
  std::string_view event_text;
  // The DCM code of the event's type (CID 401). An empty text when it has none.
  std::string_view type;
  std::string_view type_text;
};

// Acts that the table does not name are of the general pattern, with action E and no codes.
[[nodiscard]] const Act& act_of(std::string_view name);

}  // namespace rabt::audit
