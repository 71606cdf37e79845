#include "hub/consultation/practice/onboarding.hpp"

#include <cstdlib>
#include <utility>
#include <vector>

#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/named_person.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

using identity::Role;
using store::Row;

namespace {

constexpr std::string_view kDevice = "device_checked";
constexpr std::string_view kConsent = "consent_shown";
constexpr std::string_view kLanguage = "language_chosen";
constexpr std::size_t kAllSteps = 3;
constexpr std::int64_t kSameMs = 24LL * 3'600'000;

}  // namespace

Result<identity::Person> Onboarding::find_patient(std::string_view tenant,
                                                  const Reference& patient) const {
  RABT_TRY(id, person_id(parts_.people, tenant, patient));
  RABT_TRY(person, parts_.people.find(tenant, id));
  if (!person.roles.has(Role::patient))
    return not_found("person.unknown", "there is no such patient");
  return person;
}

Status Onboarding::may_onboard(const Caller& caller, std::string_view patient,
                               std::string_view what) const {
  RABT_TRY(facts, facts_about(parts_, caller, patient));
  if (access::decide(access::Right::patient_onboard, facts).allowed) return ok_status();
  return not_allowed(what);
}

Status Onboarding::may_note(const Caller& caller, std::string_view record) const {
  RABT_TRY(patient, find_patient(caller.who.tenant, person_in(Json(record))));
  return may_onboard(caller, patient.id, "make this patient ready");
}

Result<OnboardingView> Onboarding::onboarding_of(std::string_view tenant,
                                                 std::string_view patient) const {
  OnboardingView out{.patient = std::string(patient)};
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(others, identity::others_of(connection, tenant, patient));
    return connection.query(
        sql::practice::kStepsOfRecords,
        {tenant, patient, others[0], others[1], others[2], others[3], others[4], others[5],
         others[6], others[7]},
        [&](const Row& row) {
          const std::string_view step = row.text(sql::practice::kStepsOfRecords["step"]);
          if (step == kDevice) out.device_checked = true;
          if (step == kConsent) out.consent_shown = true;
          if (step == kLanguage)
            out.language = std::string(row.text(sql::practice::kStepsOfRecords["value"]));
          // The latest one counts of a step that several records have.
          std::erase_if(out.steps, [&](const auto& one) { return one.step == step; });
          out.steps.push_back({.step = std::string(step),
                               .at = {row.integer(sql::practice::kStepsOfRecords["at_ms"])}});
          return true;
        });
  }));
  out.complete = out.steps.size() == kAllSteps;
  return out;
}

Result<OnboardingView> Onboarding::read(const Caller& caller, const OfPatient& asked) {
  RABT_TRY(patient, find_patient(caller.who.tenant, asked.patient));
  RABT_TRY_STATUS(may_onboard(caller, patient.id, "see how this patient was made ready"));
  return onboarding_of(caller.who.tenant, patient.id);
}

Result<OnboardingView> Onboarding::note(const Caller& caller, const NoteOnboarding& asked) {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(patient, find_patient(tenant, asked.patient));
  RABT_TRY_STATUS(may_onboard(caller, patient.id, "make this patient ready"));
  std::vector<std::pair<std::string_view, std::string>> done;
  if (asked.device_checked) done.emplace_back(kDevice, "");
  if (asked.consent_shown) done.emplace_back(kConsent, "");
  if (!asked.language.empty()) done.emplace_back(kLanguage, asked.language);
  const Timestamp now = parts_.clock.now();
  const Timestamp at = asked.at.value_or(now);
  Mistakes mistakes = asked.mistakes;
  if (at > now) mistakes.add("at", "it must not lie in the future");
  RABT_TRY_STATUS(mistakes.status());
  // A step that was noted within a day of this one is not noted again. Steps in another record of
  // the patient do not count: the records may be parted again.
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::practice::kOnboardingSteps, {tenant, patient.id}, [&](const Row& row) {
          std::erase_if(done, [&](const auto& one) {
            return one.first == row.text(sql::practice::kOnboardingSteps["step"]) &&
                   one.second == row.text(sql::practice::kOnboardingSteps["value"]) &&
                   std::abs(row.integer(sql::practice::kOnboardingSteps["at_ms"]) - at.ms) <
                       kSameMs;
          });
          return true;
        });
  }));
  if (done.empty()) return onboarding_of(tenant, patient.id);
  Json steps = Json::array();
  for (const auto& [step, value] : done) steps.push_back(step);
  const audit::Prepared prepared =
      entry_of(parts_, caller, "patient.onboarded", "person:" + patient.id,
               Json::object({{"steps", std::move(steps)}}), patient.pseudonym);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    for (const auto& [step, value] : done) {
      RABT_TRY_STATUS(store::run(transaction, sql::practice::kPutOnboardingStep,
                                 {tenant, patient.id, step, std::string_view(value), at.ms}));
    }
    return parts_.audit.append(transaction, prepared);
  }));
  return onboarding_of(tenant, patient.id);
}

}  // namespace rabt::consultation
