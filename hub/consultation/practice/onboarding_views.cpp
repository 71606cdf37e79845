#include "hub/consultation/practice/onboarding_views.hpp"

#include "hub/consultation/acts/answers.hpp"

namespace rabt::consultation {

Json to_json(const OnboardingView& onboarding) {
  Json steps = Json::array();
  for (const OnboardingView::Step& step : onboarding.steps)
    steps.push_back(Json::object({{"step", step.step}, {"at", to_iso8601(step.at)}}));
  return Json::object({{"patient", onboarding.patient},
                       {"deviceChecked", onboarding.device_checked},
                       {"consentShown", onboarding.consent_shown},
                       {"language", text_or_null(onboarding.language)},
                       {"complete", onboarding.complete},
                       {"steps", std::move(steps)}});
}

}  // namespace rabt::consultation
