#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/access/decide.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/metering.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/record/languages.hpp"
#include "hub/consultation/session/time.hpp"

namespace rabt::consultation {

// Practice over the store. One file for each sort of record. Internally synchronised.
class PracticeService final : public Practice, public Surroundings {
 public:
  explicit PracticeService(PracticeParts parts) : parts_(std::move(parts)) {}

  Result<ClinicList> clinics(const Caller& caller) override;
  Result<AddedClinic> add_clinic(const Caller& caller, const Asked<AddClinic>& asked) override;
  [[nodiscard]] Result<std::string> clinic_id(std::string_view tenant,
                                              const Reference& reference) const override;
  Result<ClinicSessionList> clinic_sessions(const Caller& caller,
                                            const Asked<ListClinicSessions>& asked) override;
  Result<ClinicSessionView> add_clinic_session(const Caller& caller,
                                               const AddClinicSession& asked) override;

  Result<PageOf<VisitView>> visits(const Caller& caller, const Asked<ListVisits>& asked,
                                   const Window& window) override;
  Result<VisitView> open_visit(const Caller& caller, const Asked<OpenVisit>& asked) override;
  Result<VisitView> visit(const Caller& caller, const OfVisit& asked) override;
  Result<VisitView> close_visit(const Caller& caller, const OfVisit& asked) override;
  Result<VisitView> reopen_visit(const Caller& caller, const OfVisit& asked) override;
  [[nodiscard]] Status allows(const Caller& caller, access::Right right,
                              std::string_view record) const override;

  Result<ProviderList> providers(const Caller& caller, const Asked<ListProviders>& asked) override;
  Result<ProviderView> provider(const Caller& caller, const OfProvider& asked) override;
  Result<AvailabilityView> availability(const Caller& caller,
                                        const GetAvailability& asked) override;
  Result<AvailabilityView> set_availability(const Caller& caller,
                                            const SetAvailability& asked) override;
  Result<PresenceView> set_presence(const Caller& caller, const SetPresence& asked) override;

  Result<OnboardingView> onboarding(const Caller& caller, const OfPatient& asked) override;
  Result<OnboardingView> note_onboarding(const Caller& caller,
                                         const NoteOnboarding& asked) override;

  Result<UsageView> usage(const Caller& caller, const Asked<GetUsage>& asked) override;
  Result<UsageBySessionView> usage_by_session(const Caller& caller,
                                              const Asked<GetUsage>& asked) override;
  Result<QualityMetricsView> quality_metrics(const Caller& caller,
                                             const Asked<GetFigures>& asked) override;
  Result<PerformanceView> performance(const Caller& caller,
                                      const Asked<GetFigures>& asked) override;
  Result<BandwidthView> bandwidth(const Caller& caller, const Asked<GetFigures>& asked) override;

  Result<PageTexts> note_templates(const Caller& caller) override;
  Result<PageTexts> ui_strings(const Caller& caller, const GetStrings& asked) override;
  Result<PageTexts> terms(const Caller& caller, const FindTerms& asked) override;
  Result<VideoSettings> video_settings(const Caller& caller) override;
  Result<ComplianceView> compliance(const Caller& caller) override;
  Result<ScfhsReportView> scfhs_report(const Caller& caller,
                                       const Asked<GetScfhsReport>& asked) override;

  void seen(std::string_view tenant, std::string_view person) override;
  Surroundings& surroundings() override { return *this; }
  Status catch_up() override;
  void write_metrics(MetricsWriter& out) const override;

  Result<Visit> visit(std::string_view tenant, const Json& reference) override;
  Result<Visit> visible_visit(const Ask& ask, const Json& reference) override;
  Result<ClinicPlace> clinic_place(std::string_view tenant, const Json& clinic,
                                   const Json& clinic_session) override;
  Status take_place(store::Transaction& transaction, std::string_view tenant,
                    const ClinicPlace& place, std::string_view session) override;
  Status free_place(store::Transaction& transaction, std::string_view tenant,
                    std::string_view session) override;
  Status meter(store::Transaction& transaction, std::string_view tenant, std::string_view session,
               bool ends) override;
  Status may_create(std::string_view tenant) override;
  Result<Json> records_of(const Ask& ask, const Membership& of) override;

 private:
  // A row of table visit.
  struct VisitRow {
    std::string id;
    std::int64_t number = 0;
    std::int64_t version = 0;
    std::string patient;
    std::string provider;
    std::string status;
    std::int64_t opened_ms = 0;
    std::optional<std::int64_t> closed_ms;
    std::string data_key;
    std::string sealed;
    // The person who opened it. Empty when it was no person.
    std::string opened_by;
  };
  struct PresenceNow {
    std::string status;
    std::int64_t since_ms = 0;
    std::string source;
  };
  struct MonthUsage {
    Month month;
    std::int64_t seconds = 0;
    // The part of them that is adjustments.
    std::int64_t adjusted = 0;
    struct OfSession {
      std::int64_t seconds = 0;
      std::int64_t participants = 0;
    };
    std::map<std::string, OfSession> sessions;
  };

  // visits.cpp
  [[nodiscard]] static VisitRow read_visit(const store::Row& row);
  // Names the survivor where the patient's record was merged.
  [[nodiscard]] static Status read_for_survivor(store::Connection& connection,
                                                std::string_view tenant, VisitRow& row);
  [[nodiscard]] Result<VisitRow> find_visit(std::string_view tenant,
                                            const Reference& reference) const;
  // Decides about the caller and a visit. Error: that of the decision.
  [[nodiscard]] Status may_visit(access::Right right, const Caller& caller, const VisitRow& row,
                                 std::string_view what) const;
  [[nodiscard]] Result<VisitRow> visit_to_change(const Caller& caller, const Reference& visit,
                                                 std::string_view what) const;
  // Without its name in another system.
  [[nodiscard]] static VisitView view_of(const VisitRow& row);
  // With that name, opened.
  [[nodiscard]] Result<VisitView> opened_view(std::string_view tenant, const VisitRow& row) const;
  // providers.cpp
  [[nodiscard]] Result<identity::Person> find_provider(std::string_view tenant,
                                                       const Reference& provider) const;
  [[nodiscard]] Result<std::map<std::string, PresenceNow>> presences(std::string_view tenant) const;
  [[nodiscard]] static ProviderView view_of(const identity::Person& person,
                                            const std::map<std::string, PresenceNow>& presences);
  [[nodiscard]] static PresenceNow status_in(const std::map<std::string, PresenceNow>& presences,
                                             std::string_view person);
  // availability.cpp
  [[nodiscard]] Status put_slots(store::Transaction& transaction, std::string_view tenant,
                                 std::string_view provider, bool keep,
                                 const std::vector<SetAvailability::Slot>& slots) const;
  // Relations of the caller to a patient: self, and those of relations_to().
  [[nodiscard]] Result<access::Facts> facts_about(const Caller& caller,
                                                  std::string_view patient) const;
  // onboarding.cpp
  [[nodiscard]] Result<identity::Person> find_patient(std::string_view tenant,
                                                      const Reference& patient) const;
  [[nodiscard]] Status may_onboard(const Caller& caller, std::string_view patient,
                                   std::string_view what) const;
  [[nodiscard]] Result<OnboardingView> onboarding_of(std::string_view tenant,
                                                     std::string_view patient) const;
  // usage.cpp
  // Seconds by month and participant.
  using Metered = std::map<std::pair<std::string, std::string>, std::int64_t>;
  [[nodiscard]] Result<Metered> metered(const std::map<std::string, std::vector<Attended>>& stays,
                                        Timestamp now) const;
  [[nodiscard]] Result<Month> month_of_stay(Timestamp at) const;
  // provider: whose sessions; those of all when it is empty.
  [[nodiscard]] Result<MonthUsage> usage_of(std::string_view tenant, const Month& month,
                                            std::string_view provider = {}) const;
  [[nodiscard]] Result<Month> month_asked(const Asked<GetUsage>& asked) const;
  [[nodiscard]] Status note_thresholds(std::string_view tenant, const MonthUsage& usage);

  // practice_service.cpp
  [[nodiscard]] ComplianceView compliance_now() const;
  [[nodiscard]] Status note_compliance();

  // Prepared for the audit log.
  [[nodiscard]] audit::Prepared entry(const Caller& caller, std::string_view act,
                                      std::string object, Json detail,
                                      std::string patient = {}) const;
  [[nodiscard]] Status append(const audit::Prepared& entry) const;

  const PracticeParts parts_;
  const Languages languages_;

  // The events about providers whose presence a live connection changed.
  void tell_presence(std::string_view tenant, std::string_view person, std::string_view status);
  // Those whose last connection has been gone for a minute are offline.
  void forget_unseen();

  mutable Mutex mutex_;
  // By tenant and person: when a live connection was there last.
  std::map<std::pair<std::string, std::string>, std::int64_t> seen_ RABT_GUARDED_BY(mutex_);
  // When catch_up looked last.
  std::int64_t caught_up_ms_ RABT_GUARDED_BY(mutex_) = 0;
  // The month's minutes as they were counted last, for may_create.
  std::int64_t counted_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t counted_minutes_ RABT_GUARDED_BY(mutex_) = 0;
  // As catch_up counted it last. No month before it did.
  std::string noted_month_ RABT_GUARDED_BY(mutex_);
  std::int64_t noted_minutes_ RABT_GUARDED_BY(mutex_) = 0;
  // The month of the last stay that was metered.
  mutable Month month_ RABT_GUARDED_BY(mutex_);
};

// Administrators and operators of the tenant.
[[nodiscard]] bool manages(const Caller& caller);
// what: as a refusal says it, "list visits". of: the person whom it is about; empty if nobody.
[[nodiscard]] Status may(access::Right right, const Caller& caller, std::string_view what,
                         std::string_view of = {});
[[nodiscard]] bool is_provider(const Caller& caller);
[[nodiscard]] Error not_allowed(std::string_view what);

}  // namespace rabt::consultation
