#pragma once

#include <string_view>

// What the acts of the log are in the words of DICOM and IHE.
namespace rabt::audit {

// The pattern of IHE BALP that a successful act follows.
enum class Pattern : unsigned char { general, read, query, create, disclosure };

struct Act {
  std::string_view name;
  Pattern pattern;
  char action;             // C, R, U, D or E (DICOM EventActionCode, FHIR AuditEvent.action)
  std::string_view event;  // DCM code of the event (PS3.16 CID 400); empty: an event of ours
  std::string_view event_text;
  std::string_view type;  // DCM code of its type (CID 401); empty: none
  std::string_view type_text;
};

// Acts that the table does not name are of the general pattern, with action E and no codes.
[[nodiscard]] const Act& act_of(std::string_view name);

}  // namespace rabt::audit
