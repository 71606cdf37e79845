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

// Acts by which somebody sees something of a person, or decides something.
constexpr std::array<std::string_view, 11> kAccesses{
    "instance.read",        "recording.read",     "instance.search",    "access.refused",
    "audit.report",         "break_glass.opened", "break_glass.closed", "break_glass.expired",
    "break_glass.reviewed", "instance.cancel",    "action.resolved"};

bool is_access(const std::string& act) {
  return std::find(kAccesses.begin(), kAccesses.end(), act) != kAccesses.end();
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

// The entries about one person by number, as far as a report has room.
struct Collected {
  std::map<std::int64_t, Logged> entries;
  bool complete = true;
};

Result<Collected> collect(const ReportParts& parts, const std::set<std::string>& pseudonyms,
                          const std::vector<PatientInstance>& instances,
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
  for (const std::string& pseudonym : pseudonyms) {
    audit::Query query = period;
    query.patient = pseudonym;
    RABT_TRY_STATUS(read(query));
  }
  // Some entries are about an instance and do not name the person.
  for (const PatientInstance& instance : instances) {
    audit::Query query = period;
    query.object = "instance:" + instance.id;
    RABT_TRY_STATUS(read(query));
  }
  return out;
}

Json grant_row(const ReportParts& parts, const Grant& grant, Json reads) {
  Json row = Json::object({{"id", grant.id},
                           {"state", grant.state},
                           {"opened", to_iso8601(grant.opened)},
                           {"expires", to_iso8601(grant.expires)},
                           {"openedBy", grant.opened_by},
                           {"patient", grant.patient}});
  if (!grant.instance.empty()) row.set("instance", grant.instance);
  if (grant.ended) {
    row.set("ended", to_iso8601(*grant.ended));
    row.set("endedBy", grant.ended_by);
  }
  row.set("reason", reason_of(parts, grant.patient, grant.sealed));
  row.set("uses", grant.uses);
  row.set("reads", std::move(reads));
  if (grant.reviewed) {
    row.set("reviewed", to_iso8601(*grant.reviewed));
    row.set("reviewedBy", grant.reviewed_by);
  }
  return row;
}

}  // namespace

Result<Json> patient_report(const ReportParts& parts, std::string_view patient,
                            const std::vector<PatientInstance>& instances, std::int64_t from_ms,
                            std::int64_t to_ms) {
  std::set<std::string> pseudonyms;
  for (const PatientInstance& instance : instances)
    pseudonyms.insert(to_hex(as_bytes(instance.patient)));
  if (pseudonyms.size() > 1) {
    return conflict("phi.patient_ambiguous",
                    "this identifier belongs to " + std::to_string(pseudonyms.size()) +
                        " persons, whose records a report must not mix; ask by another identifier");
  }
  const std::string asked = to_hex(as_bytes(patient));
  const std::string pseudonym = pseudonyms.empty() ? asked : *pseudonyms.begin();
  audit::Query period;
  period.tenant = parts.tenant;
  period.from_ms = from_ms;
  period.to_ms = to_ms;
  RABT_TRY(found, collect(parts, {pseudonym, asked}, instances, period));
  if (instances.empty() && found.entries.empty()) {
    return not_found("phi.patient_unknown",
                     "no instance and no entry of the audit log is about this patient");
  }

  Json disclosures = Json::array();
  Json accesses = Json::array();
  std::int64_t others = 0;
  // The row of the disclosure, by object and task of a call that is open.
  std::map<std::string, std::size_t> open;
  for (const auto& [seq, logged] : found.entries) {
    const audit::Entry& entry = logged.entry;
    const std::string call = entry.object + " " + entry.detail.string_or("task", "");
    if (entry.act == "action.sent") {
      open[call] = disclosures.size();
      disclosures.push_back(disclosure_row(logged));
      continue;
    }
    if (is_access(entry.act)) {
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
  for (const PatientInstance& instance : instances) ids.push_back(instance.id);
  return Json::object({{"patient", pseudonym},
                       {"instances", std::move(ids)},
                       {"disclosures", std::move(disclosures)},
                       {"accesses", std::move(accesses)},
                       {"others", others},
                       {"complete", found.complete}});
}

Result<Json> break_glass_report(const ReportParts& parts, Grants& grants, bool only_unreviewed) {
  RABT_TRY(list, grants.list(only_unreviewed));
  std::map<std::string, Json> reads;
  audit::Query query;
  query.tenant = parts.tenant;
  query.from_ms = INT64_MAX;
  for (const Grant& grant : list) {
    reads.emplace(grant.id, Json::array());
    query.from_ms = std::min(query.from_ms, grant.opened.ms);
  }
  if (!list.empty()) {
    RABT_TRY_STATUS(audit::read_each(parts.log, query, [&](const Logged& logged) {
      const auto grant = reads.find(logged.entry.detail.string_or("grant", ""));
      if (grant != reads.end()) grant->second.push_back(access_row(parts, logged));
      return true;
    }));
  }
  Json rows = Json::array();
  for (const Grant& grant : list)
    rows.push_back(grant_row(parts, grant, std::move(reads[grant.id])));
  return Json::object({{"grants", std::move(rows)}});
}

}  // namespace rabt::access
