#include "hub/consultation/practice/compliance.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/agreements.hpp"
#include "hub/consultation/practice/callers.hpp"
#include "hub/consultation/practice/statements.hpp"
#include "hub/consultation/session/decide.hpp"
#include "hub/consultation/session/time.hpp"

namespace rabt::consultation {

using store::Row;

Status Compliance::append(const audit::Prepared& entry) const {
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
}

// State of agreements and regions today.
ComplianceView Compliance::state() const {
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
  for (const Agreement& agreement : settings.agreements) {
    const bool valid = is_valid(agreement, today);
    covered.insert(agreement.party);
    out.good = out.good && valid;
    out.agreements.push_back({.party = agreement.party,
                              .state = valid ? "valid" : "expired",
                              .kind = agreement.kind,
                              .signed_on = agreement.signed_on,
                              .valid_to = agreement.valid_to,
                              .document = agreement.document});
  }
  for (const std::string& plugin : settings.processors) {
    if (!covered.insert(plugin).second) continue;
    out.good = false;
    out.agreements.push_back({.party = plugin, .state = "missing"});
  }
  return out;
}

Result<ComplianceView> Compliance::read(const Caller& caller) {
  RABT_TRY_STATUS(may(access::Right::practice_audit, caller, "read figures of compliance"));
  RABT_TRY_STATUS(
      append(entry_of(parts_, caller, "compliance.read", "report:compliance", Json::object())));
  return state();
}

// The first state of all is what later ones are compared with.
Status Compliance::note() {
  constexpr std::string_view kType = "compliance.changed";
  const ComplianceView now = state();
  Json agreements = Json::array();
  for (const ComplianceView::AgreementState& agreement : now.agreements) {
    const bool missing = agreement.state == "missing";
    agreements.push_back(Json::object({{"party", agreement.party},
                                       {"kind", missing ? Json() : Json(agreement.kind)},
                                       {"state", agreement.state}}));
  }
  Json data = Json::object({{"state", now.state()},
                            {"agreements", std::move(agreements)},
                            {"residency", now.residency()}});
  RABT_TRY(before, newest_event(parts_.store, parts_.tenant, kType));
  if (before) {
    before->mutable_object().erase("at");
    if (*before == data) return ok_status();
  }
  const HubEvent event{.id = parts_.ids.next().text(),
                       .type = std::string(kType),
                       .at = parts_.clock.now(),
                       .data = std::move(data)};
  return parts_.store.write([&](store::Transaction& transaction) {
    return before ? put_event(transaction, parts_.tenant, event)
                  : put_silent_event(transaction, parts_.tenant, event);
  });
}

// One line for each licence: what the Saudi Commission for Health Specialties is told of a month.
Result<ScfhsReportView> Compliance::scfhs_report(const Caller& caller,
                                                 const Asked<GetScfhsReport>& asked) {
  RABT_TRY_STATUS(may(access::Right::practice_audit, caller, "read this report"));
  const std::string& tenant = caller.who.tenant;
  RABT_TRY(request, asked);
  RABT_TRY(month, month_of(request.year, request.month, parts_.settings.metering.time_zone));
  struct Line {
    std::set<std::string> sessions;
    std::int64_t seconds = 0;
    std::int64_t training_seconds = 0;
  };
  std::map<std::string, Line> lines;
  std::map<std::pair<std::string, std::string>, std::vector<Attended>> stays;
  std::set<std::string> training;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::practice::kScfhsStays, {tenant, month.begins.ms, month.ends.ms}, [&](const Row& row) {
          const std::string session(row.text(sql::practice::kScfhsStays["id"]));
          if (row.text(sql::practice::kScfhsStays["type"]) == "training_session")
            training.insert(session);
          stays[{std::string(row.text(sql::practice::kScfhsStays["person"])), session}].push_back(
              {.joined_ms = row.integer(sql::practice::kScfhsStays["joined_ms"]),
               .left_ms = row.is_null(sql::practice::kScfhsStays["left_ms"])
                              ? std::nullopt
                              : std::optional(row.integer(sql::practice::kScfhsStays["left_ms"]))});
          return true;
        });
  }));
  const Timestamp now = parts_.clock.now();
  for (auto& [key, of] : stays) {
    Line& line = lines[key.first];
    line.sessions.insert(key.second);
    const std::int64_t seconds = united_seconds(of, Timestamp{0}, now, now);
    (training.contains(key.second) ? line.training_seconds : line.seconds) += seconds;
  }
  ScfhsReportView out{.month = request.name};
  for (const auto& [person, line] : lines) {
    RABT_TRY(found, parts_.people.find(tenant, person));
    out.items.push_back({.licence_number = found.profile.string_or("licenceNumber", ""),
                         .person = person,
                         .sessions = static_cast<std::int64_t>(line.sessions.size()),
                         .minutes = whole_minutes(line.seconds),
                         .training_minutes = whole_minutes(line.training_seconds)});
  }
  RABT_TRY_STATUS(
      append(entry_of(parts_, caller, "compliance.read", "report:scfhs",
                      Json::object({{"month", out.month}, {"rows", out.items.size()}}))));
  return out;
}

}  // namespace rabt::consultation
