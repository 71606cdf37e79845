#pragma once

#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

namespace rabt::consultation {

// Steps by which a patient was made ready for calls.
struct OnboardingView {
  struct Step {
    // device_checked, consent_shown, language_chosen
    std::string step;
    Timestamp at;
  };
  // ULID
  std::string patient;
  bool device_checked = false;
  bool consent_shown = false;
  // ar, en. Empty until it is chosen.
  std::string language{};
  // True when all steps are done.
  bool complete = false;
  // In their order.
  std::vector<Step> steps{};
};
[[nodiscard]] Json to_json(const OnboardingView& onboarding);

}  // namespace rabt::consultation
