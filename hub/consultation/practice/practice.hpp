#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/decide.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/random.hpp"
#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/practice/clinic_requests.hpp"
#include "hub/consultation/practice/clinic_views.hpp"
#include "hub/consultation/practice/figure_requests.hpp"
#include "hub/consultation/practice/figure_views.hpp"
#include "hub/consultation/practice/onboarding_requests.hpp"
#include "hub/consultation/practice/onboarding_views.hpp"
#include "hub/consultation/practice/page_texts.hpp"
#include "hub/consultation/practice/practice_settings.hpp"
#include "hub/consultation/practice/provider_requests.hpp"
#include "hub/consultation/practice/provider_views.hpp"
#include "hub/consultation/practice/settings_views.hpp"
#include "hub/consultation/practice/visit_requests.hpp"
#include "hub/consultation/practice/visit_views.hpp"
#include "hub/consultation/record/records.hpp"
#include "hub/consultation/request/ask.hpp"
#include "hub/consultation/request/reference.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Surroundings of a tenant's sessions: clinics, visits, when providers can be had, figures, and
// what the pages show.
namespace rabt::consultation {

// Internally synchronised; every act blocks for one commit.
class Practice {
 public:
  virtual ~Practice() = default;

  virtual Result<ClinicList> clinics(const Caller& caller) = 0;
  virtual Result<AddedClinic> add_clinic(const Caller& caller, const Asked<AddClinic>& asked) = 0;
  // The id of the clinic that a reference names. Error not_found clinic.unknown.
  [[nodiscard]] virtual Result<std::string> clinic_id(std::string_view tenant,
                                                      const Reference& reference) const = 0;
  // At most 1000, by their start.
  virtual Result<ClinicSessionList> clinic_sessions(const Caller& caller,
                                                    const Asked<ListClinicSessions>& asked) = 0;
  // Error conflict provider.busy.
  virtual Result<ClinicSessionView> add_clinic_session(const Caller& caller,
                                                       const AddClinicSession& asked) = 0;

  // Newest first.
  virtual Result<PageOf<VisitView>> visits(const Caller& caller, const Asked<ListVisits>& asked,
                                           const Window& window) = 0;
  // The visit that has this name already where there is one. Error conflict visit.other_patient.
  virtual Result<VisitView> open_visit(const Caller& caller, const Asked<OpenVisit>& asked) = 0;
  virtual Result<VisitView> visit(const Caller& caller, const OfVisit& asked) = 0;
  // Error conflict visit.session_active.
  virtual Result<VisitView> close_visit(const Caller& caller, const OfVisit& asked) = 0;
  // One that was closed by mistake goes on.
  virtual Result<VisitView> reopen_visit(const Caller& caller, const OfVisit& asked) = 0;
  // visit_close of the visit that `record` names, patient_onboard of the patient. Errors: denied,
  // not_found.
  [[nodiscard]] virtual Status allows(const Caller& caller, access::Right right,
                                      std::string_view record) const = 0;

  // Active ones, by number.
  virtual Result<ProviderList> providers(const Caller& caller,
                                         const Asked<ListProviders>& asked) = 0;
  // Error not_found provider.unknown, here and in the next ones.
  virtual Result<ProviderView> provider(const Caller& caller, const OfProvider& asked) = 0;
  virtual Result<AvailabilityView> availability(const Caller& caller,
                                                const GetAvailability& asked) = 0;
  // Error conflict availability.overlap: with what is kept.
  virtual Result<AvailabilityView> set_availability(const Caller& caller,
                                                    const SetAvailability& asked) = 0;
  virtual Result<PresenceView> set_presence(const Caller& caller, const SetPresence& asked) = 0;

  // Error not_found person.unknown, here and in the next one.
  virtual Result<OnboardingView> onboarding(const Caller& caller, const OfPatient& asked) = 0;
  virtual Result<OnboardingView> note_onboarding(const Caller& caller,
                                                 const NoteOnboarding& asked) = 0;

  // Figures of all sessions for managers of the tenant, of his own for a provider.
  virtual Result<UsageView> usage(const Caller& caller, const Asked<GetUsage>& asked) = 0;
  virtual Result<UsageBySessionView> usage_by_session(const Caller& caller,
                                                      const Asked<GetUsage>& asked) = 0;
  // Error not_found session.unknown, here and in the next two.
  virtual Result<QualityMetricsView> quality_metrics(const Caller& caller,
                                                     const Asked<GetFigures>& asked) = 0;
  virtual Result<PerformanceView> performance(const Caller& caller,
                                              const Asked<GetFigures>& asked) = 0;
  virtual Result<BandwidthView> bandwidth(const Caller& caller, const Asked<GetFigures>& asked) = 0;

  virtual Result<PageTexts> note_templates(const Caller& caller) = 0;
  virtual Result<PageTexts> ui_strings(const Caller& caller, const GetStrings& asked) = 0;
  // At most 500.
  virtual Result<PageTexts> terms(const Caller& caller, const FindTerms& asked) = 0;
  virtual Result<VideoSettings> video_settings(const Caller& caller) = 0;
  virtual Result<ComplianceView> compliance(const Caller& caller) = 0;
  virtual Result<ScfhsReportView> scfhs_report(const Caller& caller,
                                               const Asked<GetScfhsReport>& asked) = 0;

  // A person has a live connection now. Kept in memory for a minute.
  virtual void seen(std::string_view tenant, std::string_view person) = 0;
  // Questions of sessions to the practice.
  [[nodiscard]] virtual Surroundings& surroundings() = 0;
  // Tells thresholds that the month has reached, and drops old samples of quality. Once a minute,
  // however often it is called.
  virtual Status catch_up() = 0;
  virtual void write_metrics(MetricsWriter& out) const = 0;
};
inline void write_metrics(const Practice& practice, MetricsWriter& out) {
  practice.write_metrics(out);
}

struct PracticeParts {
  store::Store& store;
  audit::AuditLog& audit;
  keys::DataKeys& keys;
  identity::Directory& people;
  Records& records;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  std::string tenant;
  VideoSettings video;
  PracticeSettings settings;
  // privacy.treats_before_hours
  std::int64_t treats_before_ms = 24LL * 3'600'000;
};
[[nodiscard]] std::unique_ptr<Practice> make_practice(PracticeParts parts);

}  // namespace rabt::consultation
