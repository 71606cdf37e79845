#pragma once

#include <string_view>

#include "hub/consultation/practice/onboarding_requests.hpp"
#include "hub/consultation/practice/onboarding_views.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/reference.hpp"

namespace rabt::consultation {

// Preparation of patients for calls: camera and microphone checked, consent shown, language
// chosen. Has no state of its own; every act blocks for one commit.
class Onboarding {
 public:
  explicit Onboarding(const PracticeParts& parts) : parts_(parts) {}

  // Error not_found person.unknown, here and in the next ones.
  Result<OnboardingView> read(const Caller& caller, const OfPatient& asked);
  Result<OnboardingView> note(const Caller& caller, const NoteOnboarding& asked);
  // Right patient_onboard of the patient whom `record` names. Errors: denied, not_found.
  [[nodiscard]] Status may_note(const Caller& caller, std::string_view record) const;

 private:
  [[nodiscard]] Result<identity::Person> find_patient(std::string_view tenant,
                                                      const Reference& patient) const;
  [[nodiscard]] Status may_onboard(const Caller& caller, std::string_view patient,
                                   std::string_view what) const;
  [[nodiscard]] Result<OnboardingView> onboarding_of(std::string_view tenant,
                                                     std::string_view patient) const;

  const PracticeParts& parts_;
};

}  // namespace rabt::consultation
