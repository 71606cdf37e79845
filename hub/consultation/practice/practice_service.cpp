#include "hub/consultation/practice/practice_service.hpp"

#include "hub/consultation/practice/agreements.hpp"
#include "hub/consultation/rows/relations.hpp"
#include "hub/consultation/session/decide.hpp"

// Parts that all kinds of records share, and texts of pages.
namespace rabt::consultation {

using identity::Role;
using identity::Roles;

std::unique_ptr<Practice> make_practice(PracticeParts parts) {
  return std::make_unique<PracticeService>(std::move(parts));
}

bool manages(const Caller& caller) {
  return caller.who.roles.has_any(Roles{Role::admin, Role::operator_});
}

bool is_provider(const Caller& caller) {
  return caller.who.roles.has_any(Roles{Role::doctor, Role::specialist});
}

Error not_allowed(std::string_view what) {
  return denied("authorisation.denied", "your role may not " + std::string(what));
}

Status may(access::Right right, const Caller& caller, std::string_view what, std::string_view of) {
  access::Facts facts{.roles = caller.who.roles};
  facts.is.add(access::Is::self, !of.empty() && caller.who.person == of);
  if (access::decide(right, facts).allowed) return ok_status();
  return not_allowed(what);
}

Result<access::Facts> PracticeService::facts_about(const Caller& caller,
                                                   std::string_view patient) const {
  const std::string& own = caller.who.person;
  access::Facts facts{.roles = caller.who.roles};
  RABT_TRY(relations, relations_to(parts_.store, caller.who.tenant, own, patient,
                                   {parts_.clock.now(), parts_.treats_before_ms}));
  facts.is = relations;
  facts.is.add(access::Is::self, !own.empty() && own == patient);
  return facts;
}

audit::Prepared PracticeService::entry(const Caller& caller, std::string_view act,
                                       std::string object, Json detail, std::string patient) const {
  return parts_.audit.prepare({.tenant = caller.who.tenant,
                               .actor = caller.who.actor(),
                               .act = std::string(act),
                               .object = std::move(object),
                               .result = "ok",
                               .detail = std::move(detail),
                               .patient = std::move(patient),
                               .purpose = caller.purpose,
                               .client = caller.client,
                               .request = caller.request});
}

Status PracticeService::append(const audit::Prepared& entry) const {
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
}

Result<PageTexts> PracticeService::note_templates(const Caller& /*caller*/) {
  return PageTexts{languages_.note_templates()};
}

Result<PageTexts> PracticeService::ui_strings(const Caller& /*caller*/, const GetStrings& asked) {
  return PageTexts{languages_.strings(asked.language)};
}

Result<PageTexts> PracticeService::terms(const Caller& /*caller*/, const FindTerms& asked) {
  constexpr std::size_t kMost = 500;
  Json found = languages_.terms(asked.words, kMost);
  if (asked.language != "en" && asked.language != "ar") return PageTexts{std::move(found)};
  // Both languages stay in each term; `term` is the one that was asked for.
  Json items = Json::array();
  for (Json item : found["items"].as_array()) {
    item.set("term", item[asked.language]);
    items.push_back(std::move(item));
  }
  return PageTexts{Json::object({{"items", std::move(items)}})};
}

Result<VideoSettings> PracticeService::video_settings(const Caller& /*caller*/) {
  return parts_.video;
}

// State of agreements and regions today.
ComplianceView PracticeService::compliance_now() const {
  const std::string today = to_iso8601(parts_.clock.now()).substr(0, 10);
  const PracticeSettings& settings = parts_.settings;
  const std::string& region = parts_.video.region;
  ComplianceView out{.require_agreement = settings.require_agreement,
                     .allowed_regions = parts_.video.allowed_regions,
                     .region = region,
                     .resident = may_be_in(parts_.video, region).ok(),
                     .recording_days = parts_.video.recording_retention_days};
  std::set<std::string> covered;
  out.good = out.resident;
  for (const Agreement& one : settings.agreements) {
    const bool valid = is_valid(one, today);
    covered.insert(one.party);
    out.good = out.good && valid;
    out.agreements.push_back({.party = one.party,
                              .state = valid ? "valid" : "expired",
                              .kind = one.kind,
                              .signed_on = one.signed_on,
                              .valid_to = one.valid_to,
                              .document = one.document});
  }
  for (const std::string& plugin : settings.processors) {
    if (!covered.insert(plugin).second) continue;
    out.good = false;
    out.agreements.push_back({.party = plugin, .state = "missing"});
  }
  return out;
}

Result<ComplianceView> PracticeService::compliance(const Caller& caller) {
  RABT_TRY_STATUS(may(access::Right::practice_audit, caller, "read figures of compliance"));
  RABT_TRY_STATUS(append(entry(caller, "compliance.read", "report:compliance", Json::object())));
  return compliance_now();
}

// The first state of all is what later ones are compared with.
Status PracticeService::note_compliance() {
  constexpr std::string_view kType = "compliance.changed";
  const ComplianceView now = compliance_now();
  Json agreements = Json::array();
  for (const ComplianceView::AgreementState& one : now.agreements) {
    const bool missing = one.state == "missing";
    agreements.push_back(Json::object(
        {{"party", one.party}, {"kind", missing ? Json() : Json(one.kind)}, {"state", one.state}}));
  }
  Json data = Json::object({{"state", now.state()},
                            {"agreements", std::move(agreements)},
                            {"residency", now.residency()}});
  RABT_TRY(before, newest_event(parts_.store, parts_.tenant, kType));
  if (before) {
    before->mutable_object().erase("at");
    if (*before == data) return ok_status();
  }
  const HubEvent told{.id = parts_.ids.next().text(),
                      .type = std::string(kType),
                      .at = parts_.clock.now(),
                      .data = std::move(data)};
  return parts_.store.write([&](store::Transaction& transaction) {
    return before ? put_event(transaction, parts_.tenant, told)
                  : put_silent_event(transaction, parts_.tenant, told);
  });
}

Result<Json> PracticeService::records_of(const Ask& ask, const Membership& of) {
  RABT_TRY(summary, parts_.records.summary_of(ask.caller, of));
  return to_json(summary);
}

}  // namespace rabt::consultation
