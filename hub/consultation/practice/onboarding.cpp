#include <cstdlib>
#include <vector>

#include "hub/consultation/practice/practice_service.hpp"

// Preparation of patients for calls: camera and microphone checked, consent shown, language
// chosen.
namespace rabt::consultation {

using identity::Role;
using store::Row;
using store::Statement;

namespace {

constexpr Statement kSteps{
    "SELECT step, value, at_ms FROM onboarding_step WHERE tenant = $1 AND patient = $2 ORDER BY "
    "at_ms, step"};
constexpr Statement kPut{
    "INSERT INTO onboarding_step (tenant, patient, step, value, at_ms) VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (tenant, patient, step) DO UPDATE SET value = excluded.value, at_ms = "
    "excluded.at_ms"};

constexpr std::string_view kDevice = "device_checked";
constexpr std::string_view kConsent = "consent_shown";
constexpr std::string_view kLanguage = "language_chosen";
constexpr std::size_t kAllSteps = 3;
constexpr std::int64_t kSameMs = 24LL * 3'600'000;

}  // namespace

Result<identity::Person> PracticeService::patient_of(const Caller& caller,
                                                     std::string_view patient) const {
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(id, parts_.people.resolve(tenant, Json(patient)));
  RABT_TRY(person, parts_.people.find(tenant, id));
  if (!person.roles.has(Role::patient))
    return not_found("person.unknown", "there is no such patient");
  return person;
}

Status PracticeService::may_onboard(const Caller& caller, std::string_view patient,
                                    std::string_view what) const {
  RABT_TRY(facts, facts_about(caller, patient));
  if (access::decide(access::Right::patient_onboard, facts).allowed) return ok_status();
  return not_allowed(what);
}

Answer PracticeService::onboarding_json(std::string_view tenant, std::string_view patient) const {
  Json steps = Json::array();
  Json out = Json::object({{"patient", patient},
                           {"deviceChecked", false},
                           {"consentShown", false},
                           {"language", Json()}});
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(kSteps, {tenant, patient}, [&](const Row& row) {
      const std::string_view step = row.text(0);
      if (step == kDevice) out.set("deviceChecked", true);
      if (step == kConsent) out.set("consentShown", true);
      if (step == kLanguage) out.set("language", row.text(1));
      steps.push_back(Json::object({{"step", step}, {"at", to_iso8601({row.integer(2)})}}));
      return true;
    });
  }));
  out.set("complete", steps.size() == kAllSteps);
  out.set("steps", std::move(steps));
  return out;
}

Answer PracticeService::onboarding(const Ask& ask) {
  RABT_TRY(patient, patient_of(ask.caller, ask.record));
  RABT_TRY_STATUS(may_onboard(ask.caller, patient.id, "see how this patient was made ready"));
  return onboarding_json(ask.caller.who.tenant, patient.id);
}

Answer PracticeService::note_onboarding(const Ask& ask) {
  const std::string& tenant = ask.caller.who.tenant;
  RABT_TRY(patient, patient_of(ask.caller, ask.record));
  RABT_TRY_STATUS(may_onboard(ask.caller, patient.id, "make this patient ready"));
  Fields fields(ask.body);
  fields.only({"deviceChecked", "consentShown", "language", "at"});
  std::vector<std::pair<std::string_view, std::string>> done;
  for (const auto& [name, step] :
       {std::pair{"deviceChecked", kDevice}, std::pair{"consentShown", kConsent}}) {
    const auto is = fields.boolean(name);
    if (is && !*is) fields.wrong(name, "it must be true: steps are noted when they are done");
    if (is) done.emplace_back(step, "");
  }
  const std::string language = fields.word("language", {"ar", "en"});
  if (!language.empty()) done.emplace_back(kLanguage, language);
  if (done.empty() && fields.good())
    fields.wrong("deviceChecked",
                 "at least one of deviceChecked, consentShown, language is needed");
  const Timestamp now = parts_.clock.now();
  const Timestamp at = fields.time("at", ask.caller.naive_offset_minutes).value_or(now);
  if (at > now) fields.wrong("at", "it must not lie in the future");
  RABT_TRY_STATUS(fields.done());
  // What was noted within a day of it changes nothing.
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(kSteps, {tenant, patient.id}, [&](const Row& row) {
      std::erase_if(done, [&](const auto& one) {
        return one.first == row.text(0) && one.second == row.text(1) &&
               std::abs(row.integer(2) - at.ms) < kSameMs;
      });
      return true;
    });
  }));
  if (done.empty()) return onboarding_json(tenant, patient.id);
  Json steps = Json::array();
  for (const auto& [step, value] : done) steps.push_back(step);
  const audit::Prepared prepared =
      entry(ask.caller, "patient.onboarded", "person:" + patient.id,
            Json::object({{"steps", std::move(steps)}}), patient.pseudonym);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    for (const auto& [step, value] : done) {
      RABT_TRY_STATUS(store::run(transaction, kPut,
                                 {tenant, patient.id, step, std::string_view(value), at.ms}));
    }
    return parts_.audit.append(transaction, prepared);
  }));
  return onboarding_json(tenant, patient.id);
}

}  // namespace rabt::consultation
