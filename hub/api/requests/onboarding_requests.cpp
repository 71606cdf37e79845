#include "hub/api/requests/onboarding_requests.hpp"

#include "hub/consultation/practice/named_person.hpp"

namespace rabt::api {

using consultation::Fields;
using consultation::NoteOnboarding;
using consultation::OfPatient;
using consultation::person_in;

OfPatient of_patient(const Ask& ask) {
  return {.patient = person_in(Json(ask.record))};
}

NoteOnboarding note_onboarding_of(const Ask& ask) {
  NoteOnboarding out{.patient = person_in(Json(ask.record))};
  Fields fields(ask.body, out.mistakes);
  fields.only({"deviceChecked", "consentShown", "language", "at"});
  const auto step = [&fields](std::string_view name) {
    const auto value = fields.boolean(name);
    if (value && !*value) fields.wrong(name, "it must be true: steps are noted when they are done");
    return value.has_value();
  };
  out.device_checked = step("deviceChecked");
  out.consent_shown = step("consentShown");
  out.language = fields.word("language", {"ar", "en"});
  const bool none = !out.device_checked && !out.consent_shown && out.language.empty();
  if (none && fields.good())
    fields.wrong("deviceChecked",
                 "at least one of deviceChecked, consentShown, language is needed");
  out.at = fields.time("at", ask.caller.naive_offset_minutes);
  return out;
}

}  // namespace rabt::api
