#pragma once

#include <optional>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/consultation/request/fields.hpp"
#include "hub/consultation/request/reference.hpp"

// Requests about how patients are made ready for calls.
namespace rabt::consultation {

struct OfPatient {
  Reference patient;
};

// Steps that are done.
struct NoteOnboarding {
  Reference patient;
  bool device_checked = false;
  bool consent_shown = false;
  // The language that was chosen: ar, en. Empty if none was.
  std::string language{};
  // Now when it is unset. It must not lie in the future.
  std::optional<Timestamp> at{};
  // Mistakes of the body. They count when the patient is looked up and the right decided.
  Mistakes mistakes{};
};

}  // namespace rabt::consultation
