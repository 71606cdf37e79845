#include "hub/access/disclosure_report.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::access {

namespace {

using audit::Logged;

// Acts that show nobody anything: steps of the hub and of workflows, disclosures, which have rows
// of their own, and what somebody said, did or wrote himself. Every other act is an access, so that
// an act which is new, and missing here, stands in the report.
constexpr auto kShowNothing = std::to_array<std::string_view>({"action.ended",
                                                               "action.parked",
                                                               "action.sent",
                                                               "availability.set",
                                                               "chat.sent",
                                                               "child.ended",
                                                               "consent.recorded",
                                                               "consultation.state",
                                                               "doctor.assigned",
                                                               "document.shared",
                                                               "emergency.rung",
                                                               "emergency.unanswered",
                                                               "event.consumed",
                                                               "feedback.given",
                                                               "followup.created",
                                                               "identity.confirmed",
                                                               "instance.started",
                                                               "invitation.accepted",
                                                               "invitation.refused",
                                                               "metering.threshold",
                                                               "note.entered_in_error",
                                                               "note.written",
                                                               "participant.added",
                                                               "participant.admitted",
                                                               "participant.denied",
                                                               "participant.invited",
                                                               "participant.joined",
                                                               "participant.left",
                                                               "participant.recognised",
                                                               "participant.removed",
                                                               "participant.told",
                                                               "participant.waiting",
                                                               "patient.changed",
                                                               "patient.created",
                                                               "patient.kept_apart",
                                                               "patient.merge_waits",
                                                               "patient.merged",
                                                               "patient.onboarded",
                                                               "patient.unmerged",
                                                               "phi.detected",
                                                               "prescription.cancelled",
                                                               "prescription.dispensed",
                                                               "prescription.dispensing_in_error",
                                                               "prescription.issued",
                                                               "presence.set",
                                                               "provider.absence",
                                                               "quality.adapted",
                                                               "recording.copy_deleted",
                                                               "recording.copy_left",
                                                               "recording.failed",
                                                               "recording.started",
                                                               "recording.stopped",
                                                               "recording.stored",
                                                               "recording.withdrawn",
                                                               "request.made",
                                                               "role.paused",
                                                               "role.resumed",
                                                               "session.accepted",
                                                               "session.cancelled",
                                                               "session.created",
                                                               "session.ended",
                                                               "session.failed",
                                                               "session.linked",
                                                               "session.no_show",
                                                               "session.requested",
                                                               "session.started",
                                                               "session.updated",
                                                               "session.waiting",
                                                               "staff.told",
                                                               "task.cancelled",
                                                               "task.claimed",
                                                               "task.decided",
                                                               "task.opened",
                                                               "task.overdue",
                                                               "task.released",
                                                               "timer.fired",
                                                               "token.issued",
                                                               "transcript.started",
                                                               "transcript.stopped",
                                                               "transcript.written",
                                                               "user.changed",
                                                               "user.created",
                                                               "user.login",
                                                               "user.logout",
                                                               "visit.closed",
                                                               "visit.opened",
                                                               "vitals.recorded",
                                                               "webhook.accepted"});

bool shows_nothing(std::string_view act) {
  return std::binary_search(kShowNothing.begin(), kShowNothing.end(), act);
}

// Treatment, payment and health care operations need no accounting: 45 CFR 164.528(a)(1)(i).
bool is_routine(const std::string& purpose) {
  return purpose == "TREAT" || purpose == "ETREAT" || purpose == "HPAYMT" || purpose == "HOPERAT";
}

Json reason_of(const ReportParts& parts, std::string_view patient, const std::string& sealed) {
  if (sealed.empty()) return {};
  const auto detail = parts.details.open(parts.tenant, patient, sealed);
  if (detail.ok()) return (*detail)["reason"];
  return detail.error().kind == ErrorKind::not_found ? "[erased]" : "[unreadable]";
}

Json access_row(const ReportParts& parts, const Logged& logged) {
  const audit::Entry& entry = logged.entry;
  Json row = Json::object({{"seq", logged.seq},
                           {"time", to_iso8601({logged.at_ms})},
                           {"act", entry.act},
                           {"result", entry.result},
                           {"actor", entry.actor},
                           {"object", entry.object}});
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) row.set(key, value);
  };
  add("purpose", entry.purpose);
  add("client", entry.client);
  add("request", entry.request);
  add("of", entry.detail.string_or("of", entry.detail.string_or("what", "")));
  add("grant", entry.detail.string_or("grant", ""));
  add("wanted", entry.detail.string_or("wanted", ""));
  if (Json reason = reason_of(parts, entry.patient, entry.sealed); !reason.is_null())
    row.set("reason", std::move(reason));
  return row;
}

Json disclosure_row(const Logged& logged) {
  const audit::Entry& entry = logged.entry;
  return Json::object(
      {{"seq", logged.seq},
       {"time", to_iso8601({logged.at_ms})},
       {"recipient", entry.detail["recipient"]},
       {"host", entry.detail["host"]},
       {"capability", entry.detail["capability"]},
       {"fields", entry.detail["fields"]},
       {"purpose", entry.purpose},
       {"routine", is_routine(entry.purpose)},
       {"instance", entry.object.substr(std::min(entry.object.size(), entry.object.find(':') + 1))},
       {"task", entry.detail["task"]},
       {"outcome", Json()}});
}

// Entries about one person, by number; incomplete if the report has no room for all.
struct Collected {
  std::map<std::int64_t, Logged> entries;
  bool complete = true;
};

Result<Collected> collect(const ReportParts& parts, const Subject& subject,
                          const audit::Query& period) {
  Collected out;
  const auto read = [&](const audit::Query& query) {
    return audit::read_each(parts.log, query, [&](const Logged& logged) {
      if (out.entries.size() >= kMaxReportRows) {
        out.complete = false;
        return false;
      }
      out.entries.emplace(logged.seq, logged);
      return true;
    });
  };
  for (const std::string& index : subject.indexes) {
    audit::Query query = period;
    query.patient = to_hex(as_bytes(index));
    RABT_TRY_STATUS(read(query));
  }
  // Some entries are about an instance and do not name the person.
  for (const auto& [id, instance] : subject.instances) {
    audit::Query query = period;
    query.object = "instance:" + id;
    RABT_TRY_STATUS(read(query));
  }
  return out;
}

constexpr std::string_view kGrant = "grant:";

// A grant, put together from entries of the log.
struct LoggedGrant {
  std::int64_t opened_ms = 0;
  bool reviewed = false;
  // Without the reads.
  Json row = Json::object();
  Json reads = Json::array();
};
// By id.
using LoggedGrants = std::map<std::string, LoggedGrant>;

void take_grant(const ReportParts& parts, const Logged& logged, LoggedGrants& grants) {
  const audit::Entry& entry = logged.entry;
  const std::string id = entry.object.substr(kGrant.size());
  const std::string time = to_iso8601({logged.at_ms});
  LoggedGrant& grant = grants[id];
  if (entry.act == "break_glass.opened") {
    grant.opened_ms = logged.at_ms;
    const std::int64_t length_ms = entry.detail.int_or("minutes", 0) * 60'000;
    grant.row = Json::object({{"id", id},
                              {"state", "open"},
                              {"opened", time},
                              {"expires", to_iso8601({logged.at_ms + length_ms})},
                              {"openedBy", entry.actor},
                              {"patient", entry.patient},
                              {"reason", reason_of(parts, entry.patient, entry.sealed)}});
    const std::string instance = entry.detail.string_or("instance", "");
    if (!instance.empty()) grant.row.set("instance", instance);
  } else if (entry.act == "break_glass.reviewed") {
    grant.reviewed = true;
    grant.row.set("reviewed", time);
    grant.row.set("reviewedBy", entry.detail.string_or("by", entry.actor));
  } else {
    grant.row.set("state", entry.act.substr(entry.act.find('.') + 1));
    grant.row.set("ended", time);
    grant.row.set("endedBy", entry.actor);
  }
}

Result<LoggedGrants> logged_grants(const ReportParts& parts) {
  LoggedGrants out;
  audit::Query query;
  query.tenant = parts.tenant;
  query.object = std::string(kGrant) + "*";
  query.act = "break_glass.*";
  RABT_TRY_STATUS(audit::read_each(parts.log, query, [&](const Logged& logged) {
    take_grant(parts, logged, out);
    return true;
  }));
  return out;
}

}  // namespace

Result<Json> patient_report(const ReportParts& parts, const Subject& subject, std::int64_t from_ms,
                            std::int64_t to_ms) {
  audit::Query period;
  period.tenant = parts.tenant;
  period.from_ms = from_ms;
  period.to_ms = to_ms;
  RABT_TRY(found, collect(parts, subject, period));
  if (subject.instances.empty() && found.entries.empty()) {
    return not_found("phi.patient_unknown",
                     "no instance and no entry of the audit log is about this patient");
  }

  Json disclosures = Json::array();
  Json accesses = Json::array();
  std::int64_t others = 0;
  // The row of the disclosure, by object, task and reference of a call that is open.
  std::map<std::string, std::size_t> open;
  for (const auto& [seq, logged] : found.entries) {
    const audit::Entry& entry = logged.entry;
    // Several messages of one session are under way at once, each under its reference.
    const std::string call = entry.object + " " + entry.detail.string_or("task", "") + " " +
                             entry.detail.string_or("reference", "");
    if (entry.act == "action.sent") {
      open[call] = disclosures.size();
      disclosures.push_back(disclosure_row(logged));
      continue;
    }
    if (!shows_nothing(entry.act)) {
      accesses.push_back(access_row(parts, logged));
    } else {
      ++others;
    }
    const auto sent = open.find(call);
    if (entry.act.starts_with("action.") && entry.act != "action.parked" && sent != open.end()) {
      disclosures.mutable_array()[sent->second].set("outcome", entry.detail["outcome"]);
      open.erase(sent);
    }
  }
  Json ids = Json::array();
  for (const auto& [id, instance] : subject.instances) ids.push_back(id);
  return Json::object({{"patient", to_hex(as_bytes(subject.named))},
                       {"instances", std::move(ids)},
                       {"disclosures", std::move(disclosures)},
                       {"accesses", std::move(accesses)},
                       {"others", others},
                       {"leftOut", subject.left_out},
                       {"complete", found.complete}});
}

Result<Json> break_glass_report(const ReportParts& parts, Grants& grants, bool only_unreviewed) {
  RABT_TRY_STATUS(grants.sweep());
  RABT_TRY(logged, logged_grants(parts));
  const auto listed = [&](const LoggedGrant& grant) { return !only_unreviewed || !grant.reviewed; };
  audit::Query query;
  query.tenant = parts.tenant;
  query.from_ms = INT64_MAX;
  for (const auto& [id, grant] : logged) {
    if (listed(grant)) query.from_ms = std::min(query.from_ms, grant.opened_ms);
  }
  if (query.from_ms < INT64_MAX) {
    RABT_TRY_STATUS(audit::read_each(parts.log, query, [&](const Logged& read) {
      const std::string id = read.entry.detail.string_or("grant", "");
      if (id.empty() || shows_nothing(read.entry.act)) return true;
      LoggedGrant& grant = logged[id];
      if (grant.row.find("id") == nullptr)
        grant.row = Json::object({{"id", id}, {"state", "not_opened"}});
      if (listed(grant)) grant.reads.push_back(access_row(parts, read));
      return true;
    }));
  }
  Json rows = Json::array();
  bool complete = true;
  for (auto at = logged.rbegin(); at != logged.rend(); ++at) {
    LoggedGrant& grant = at->second;
    if (!listed(grant)) continue;
    complete = rows.size() < kMaxReportGrants;
    if (!complete) break;
    if (grant.row.string_or("state", "") == "open") {
      const auto kept = grants.find(at->first);
      if (!kept.ok() && kept.error().kind != ErrorKind::not_found) return kept.error();
      if (!kept.ok()) grant.row.set("state", "missing");
    }
    grant.row.set("reads", std::move(grant.reads));
    rows.push_back(std::move(grant.row));
  }
  return Json::object({{"grants", std::move(rows)}, {"complete", complete}});
}

}  // namespace rabt::access
