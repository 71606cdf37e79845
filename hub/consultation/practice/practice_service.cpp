#include "hub/consultation/practice/practice_service.hpp"

#include "hub/base/ascii.hpp"
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

bool manages(const Ask& ask) {
  return ask.caller.who.roles.has_any(Roles{Role::admin, Role::operator_});
}

bool is_provider(const Ask& ask) {
  return ask.caller.who.roles.has_any(Roles{Role::doctor, Role::specialist});
}

Error not_allowed(std::string_view what) {
  return denied("authorisation.denied", "your role may not " + std::string(what));
}

Status may(access::Right right, const Ask& ask, std::string_view what, std::string_view of) {
  access::Facts facts{.roles = ask.caller.who.roles};
  facts.is.add(access::Is::self, !of.empty() && ask.caller.who.person == of);
  if (access::decide(right, facts).allowed) return ok_status();
  return not_allowed(what);
}

Result<access::Facts> PracticeService::facts_about(const Ask& ask, std::string_view patient) const {
  const std::string& own = ask.caller.who.person;
  access::Facts facts{.roles = ask.caller.who.roles};
  RABT_TRY(relations, relations_to(parts_.store, ask.caller.who.tenant, own, patient,
                                   {parts_.clock.now(), parts_.treats_before_ms}));
  facts.is = relations;
  facts.is.add(access::Is::self, !own.empty() && own == patient);
  return facts;
}

Result<Period> period_of(const Ask& ask) {
  Period period;
  const auto read = [&](std::string_view name, std::int64_t& into) -> Status {
    const std::string_view given = ask.parameter(name);
    if (given.empty()) return ok_status();
    // A day alone is its beginning.
    const std::string text = std::string(given) + (given.size() == 10 ? "T00:00:00Z" : "");
    const auto at = parse_iso8601(text);
    if (!at.ok()) {
      return invalid("api.invalid",
                     std::string(name) + ": it must be a time of RFC 3339 or a date");
    }
    into = at->ms;
    return ok_status();
  };
  RABT_TRY_STATUS(read("from", period.from_ms));
  RABT_TRY_STATUS(read("to", period.to_ms));
  return period;
}

audit::Prepared PracticeService::entry(const Ask& ask, std::string_view act, std::string object,
                                       Json detail, std::string patient) const {
  return parts_.audit.prepare({.tenant = ask.caller.who.tenant,
                               .actor = ask.caller.who.actor(),
                               .act = std::string(act),
                               .object = std::move(object),
                               .result = "ok",
                               .detail = std::move(detail),
                               .patient = std::move(patient),
                               .purpose = ask.caller.purpose,
                               .client = ask.caller.client,
                               .request = ask.caller.request});
}

Status PracticeService::append(const audit::Prepared& entry) const {
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
}

Answer PracticeService::note_templates(const Ask& /*ask*/) {
  return languages_.note_templates();
}

Answer PracticeService::ui_strings(const Ask& ask) {
  return languages_.strings(lower(ask.parameter("lang")));
}

Answer PracticeService::terms(const Ask& ask) {
  constexpr std::size_t kMost = 500;
  Json found = languages_.terms(ask.parameter("q"), kMost);
  const std::string language = lower(ask.parameter("lang"));
  if (language != "en" && language != "ar") return found;
  // Both languages stay in each term; `term` is the one that was asked for.
  Json items = Json::array();
  for (Json item : found["items"].as_array()) {
    item.set("term", item[language]);
    items.push_back(std::move(item));
  }
  return Json::object({{"items", std::move(items)}});
}

Answer PracticeService::video_settings(const Ask& /*ask*/) {
  const VideoSettings& video = parts_.video;
  return Json::object({{"enabled", video.enabled},
                       {"recordingEnabled", video.recording_enabled},
                       {"autoRecord", video.auto_record},
                       {"encryptionRequired", video.encryption_required},
                       {"waitingRoomEnabled", video.waiting_room},
                       {"screenSharingEnabled", video.screen_sharing_enabled},
                       {"chatEnabled", video.chat_enabled},
                       {"maxParticipants", video.max_participants},
                       {"recordingRetentionDays", video.recording_retention_days},
                       {"emptyMinutes", video.empty_minutes},
                       {"noShowMinutes", video.no_show_minutes},
                       {"maxSessionMinutes", video.max_session_minutes},
                       {"roomLeadMinutes", video.room_lead_minutes},
                       {"tokenSeconds", video.token_seconds},
                       {"maxKbpsPerSession", video.max_kbps_per_session}});
}

// State of agreements and regions today.
Json PracticeService::compliance_now() const {
  const std::string today = to_iso8601(parts_.clock.now()).substr(0, 10);
  const PracticeSettings& settings = parts_.settings;
  Json agreements = Json::array();
  std::set<std::string> covered;
  bool good = true;
  for (const Agreement& one : settings.agreements) {
    const bool valid = is_valid(one, today);
    covered.insert(one.party);
    good = good && valid;
    agreements.push_back(
        Json::object({{"party", one.party},
                      {"kind", one.kind},
                      {"signedOn", one.signed_on},
                      {"validTo", one.valid_to.empty() ? Json() : Json(one.valid_to)},
                      {"document", one.document.empty() ? Json() : Json(one.document)},
                      {"state", valid ? "valid" : "expired"}}));
  }
  for (const std::string& plugin : settings.processors) {
    if (!covered.insert(plugin).second) continue;
    good = false;
    agreements.push_back(Json::object({{"party", plugin}, {"state", "missing"}}));
  }
  const std::string& region = parts_.video.region;
  const bool resident = may_be_in(parts_.video, region).ok();
  Json allowed = Json::array();
  for (const std::string& one : parts_.video.allowed_regions) allowed.push_back(one);
  return Json::object(
      {{"state", good && resident ? "good" : "attention"},
       {"requireAgreement", settings.require_agreement},
       {"agreements", agreements},
       {"residency", Json::object({{"allowed", allowed},
                                   {"region", region.empty() ? Json() : Json(region)},
                                   {"state", resident ? "good" : "refused"}})},
       {"retention", Json::object({{"recordingDays", parts_.video.recording_retention_days}})},
       {"encryption",
        Json::object(
            {{"media", "DTLS-SRTP"}, {"records", "AES-256-GCM"}, {"recordings", "AES-256-GCM"}})}});
}

Answer PracticeService::compliance(const Ask& ask) {
  RABT_TRY_STATUS(may(access::Right::practice_audit, ask, "read figures of compliance"));
  RABT_TRY_STATUS(append(entry(ask, "compliance.read", "report:compliance", Json::object())));
  return compliance_now();
}

// The first state of all is what later ones are compared with.
Status PracticeService::note_compliance() {
  constexpr std::string_view kType = "compliance.changed";
  const Json now = compliance_now();
  Json agreements = Json::array();
  for (const Json& one : now["agreements"].as_array())
    agreements.push_back(
        Json::object({{"party", one["party"]}, {"kind", one["kind"]}, {"state", one["state"]}}));
  Json data = Json::object({{"state", now["state"]},
                            {"agreements", std::move(agreements)},
                            {"residency", now["residency"]["state"]}});
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
