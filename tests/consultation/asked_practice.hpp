#pragma once

#include <string_view>
#include <utility>

#include "hub/api/requests/clinic_requests.hpp"
#include "hub/api/requests/figure_requests.hpp"
#include "hub/api/requests/onboarding_requests.hpp"
#include "hub/api/requests/page_texts.hpp"
#include "hub/api/requests/provider_requests.hpp"
#include "hub/api/requests/visit_requests.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "tests/consultation/shown.hpp"

namespace rabt::consultation {

// The practice as a door sees it: an ask in, JSON out.
class AskedPractice {
 public:
  explicit AskedPractice(PracticeParts parts) : made_(std::move(parts)) {}

  [[nodiscard]] Practice& itself() { return made_; }

  Answer clinics(const Ask& ask) { return shown(made_.clinics.list(ask.caller)); }
  Answer add_clinic(const Ask& ask) {
    return shown(made_.clinics.add(ask.caller, api::add_clinic_of(ask)));
  }
  Answer clinic_sessions(const Ask& ask) {
    return shown(made_.clinics.sessions(ask.caller, api::list_clinic_sessions_of(ask)));
  }
  Answer add_clinic_session(const Ask& ask) {
    return shown(made_.clinics.add_session(ask.caller, api::add_clinic_session_of(ask)));
  }

  Result<Page> visits(const Ask& ask, const Window& window) {
    auto page = made_.visits.list(ask.caller, api::list_visits_of(ask), window);
    if (!page.ok()) return page.error();
    Page out{.items = {}, .next = page->next, .total = page->total};
    for (const VisitView& item : page->items) out.items.push_back(to_json(item));
    return out;
  }
  Answer open_visit(const Ask& ask) {
    return shown(made_.visits.open(ask.caller, api::open_visit_of(ask)));
  }
  Answer visit(const Ask& ask) { return shown(made_.visits.read(ask.caller, api::of_visit(ask))); }
  Answer close_visit(const Ask& ask) {
    return shown(made_.visits.close(ask.caller, api::of_visit(ask)));
  }
  Answer reopen_visit(const Ask& ask) {
    return shown(made_.visits.reopen(ask.caller, api::of_visit(ask)));
  }

  Answer providers(const Ask& ask) {
    return shown(made_.providers.list(ask.caller, api::list_providers_of(ask)));
  }
  Answer provider(const Ask& ask) {
    return shown(made_.providers.read(ask.caller, api::of_provider(ask)));
  }
  Answer availability(const Ask& ask) {
    return shown(made_.providers.availability(ask.caller, api::get_availability_of(ask)));
  }
  Answer set_availability(const Ask& ask) {
    return shown(made_.providers.set_availability(ask.caller, api::set_availability_of(ask)));
  }
  Answer set_presence(const Ask& ask) {
    return shown(made_.providers.set_presence(ask.caller, api::set_presence_of(ask)));
  }

  Answer onboarding(const Ask& ask) {
    return shown(made_.onboarding.read(ask.caller, api::of_patient(ask)));
  }
  Answer note_onboarding(const Ask& ask) {
    return shown(made_.onboarding.note(ask.caller, api::note_onboarding_of(ask)));
  }

  Answer usage(const Ask& ask) {
    return shown(made_.usage.read(ask.caller, api::get_usage_of(ask)));
  }
  Answer usage_by_session(const Ask& ask) {
    return shown(made_.usage.by_session(ask.caller, api::get_usage_of(ask)));
  }
  Answer quality_metrics(const Ask& ask) {
    return shown(made_.figures.quality(ask.caller, api::get_figures_of(ask)));
  }
  Answer performance(const Ask& ask) {
    return shown(made_.figures.performance(ask.caller, api::get_figures_of(ask)));
  }
  Answer bandwidth(const Ask& ask) {
    return shown(made_.figures.bandwidth(ask.caller, api::get_figures_of(ask)));
  }

  Answer note_templates(const Ask& ask) { return shown(made_.pages.note_templates(ask.caller)); }
  Answer ui_strings(const Ask& ask) {
    return shown(made_.pages.strings(ask.caller, api::get_strings_of(ask)));
  }
  Answer terms(const Ask& ask) {
    return shown(made_.pages.terms(ask.caller, api::find_terms_of(ask)));
  }
  Answer video_settings(const Ask& ask) { return shown(made_.pages.video_settings(ask.caller)); }
  Answer compliance(const Ask& ask) { return shown(made_.compliance.read(ask.caller)); }
  Answer scfhs_report(const Ask& ask) {
    return shown(made_.compliance.scfhs_report(ask.caller, api::get_scfhs_report_of(ask)));
  }

  void seen(std::string_view tenant, std::string_view person) {
    made_.providers.seen(tenant, person);
  }
  [[nodiscard]] Surroundings& surroundings() { return made_.surroundings(); }
  Status catch_up() { return made_.catch_up(); }
  void write_metrics(MetricsWriter& out) const { made_.write_metrics(out); }

 private:
  Practice made_;
};

}  // namespace rabt::consultation
