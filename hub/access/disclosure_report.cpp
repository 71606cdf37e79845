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
using store::Statement;

constexpr Statement kInstances{
    "SELECT i.id, n.patient FROM instance_patient p JOIN instance i ON i.num = p.instance JOIN "
    "instance_patient n ON n.instance = p.instance AND n.place = 0 WHERE p.tenant = $1 AND "
    "p.patient = $2 ORDER BY i.num"};

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

}  // namespace

Result<Json> patient_report(const ReportParts& parts, std::string_view patient,
                            std::int64_t from_ms, std::int64_t to_ms) {
  std::vector<std::string> instances;
  std::set<std::string> pseudonyms;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(kInstances, {parts.tenant, store::Blob{patient}},
                            [&](const store::Row& row) {
                              instances.emplace_back(row.text(0));
                              pseudonyms.insert(to_hex(as_bytes(row.blob(1))));
                              return true;
                            });
  }));
  const std::string asked = to_hex(as_bytes(patient));
  if (pseudonyms.size() > 1) {
    return conflict("phi.patient_ambiguous",
                    "this identifier belongs to " + std::to_string(pseudonyms.size()) +
                        " persons, whose records a report must not mix; ask by another identifier");
  }
  if (pseudonyms.empty()) pseudonyms.insert(asked);
  const std::string pseudonym = *pseudonyms.begin();

  // By the pseudonym, and by the objects, for entries that were made about the instances without
  // naming the person.
  std::map<std::int64_t, Logged> entries;
  bool complete = true;
  const auto collect = [&](audit::Query query) {
    query.tenant = parts.tenant;
    query.from_ms = from_ms;
    query.to_ms = to_ms;
    return audit::read_each(parts.store, query, [&](const Logged& logged) {
      if (entries.size() >= kMaxReportRows) {
        complete = false;
        return false;
      }
      entries.emplace(logged.seq, logged);
      return true;
    });
  };
  for (const std::string& name : std::set<std::string>{pseudonym, asked}) {
    audit::Query query;
    query.patient = name;
    RABT_TRY_STATUS(collect(query));
  }
  for (const std::string& instance : instances) {
    audit::Query query;
    query.object = "instance:" + instance;
    RABT_TRY_STATUS(collect(query));
  }
  if (instances.empty() && entries.empty()) {
    return not_found("phi.patient_unknown",
                     "no instance and no entry of the audit log is about this patient");
  }

  Json disclosures = Json::array();
  Json accesses = Json::array();
  std::int64_t others = 0;
  std::map<std::string, std::size_t> open;  // object and task, to the row of the disclosure
  for (const auto& [seq, logged] : entries) {
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
  for (const std::string& instance : instances) ids.push_back(instance);
  return Json::object({{"patient", pseudonym},
                       {"instances", std::move(ids)},
                       {"disclosures", std::move(disclosures)},
                       {"accesses", std::move(accesses)},
                       {"others", others},
                       {"complete", complete}});
}

Result<Json> break_glass_report(const ReportParts& parts, AccessControl& gate,
                                bool only_unreviewed) {
  RABT_TRY(grants, gate.grants(only_unreviewed));
  std::map<std::string, Json> reads;
  std::int64_t earliest = INT64_MAX;
  for (const Grant& grant : grants) {
    reads.emplace(grant.id, Json::array());
    earliest = std::min(earliest, grant.opened.ms);
  }
  if (!grants.empty()) {
    audit::Query query;
    query.tenant = parts.tenant;
    query.from_ms = earliest;
    RABT_TRY_STATUS(audit::read_each(parts.store, query, [&](const Logged& logged) {
      const auto grant = reads.find(logged.entry.detail.string_or("grant", ""));
      if (grant != reads.end()) grant->second.push_back(access_row(parts, logged));
      return true;
    }));
  }
  Json list = Json::array();
  for (const Grant& grant : grants) {
    Json one = Json::object({{"id", grant.id},
                             {"state", grant.state},
                             {"opened", to_iso8601(grant.opened)},
                             {"expires", to_iso8601(grant.expires)},
                             {"openedBy", grant.opened_by},
                             {"patient", grant.patient}});
    if (!grant.instance.empty()) one.set("instance", grant.instance);
    if (grant.ended) {
      one.set("ended", to_iso8601(*grant.ended));
      one.set("endedBy", grant.ended_by);
    }
    one.set("reason", reason_of(parts, grant.patient, grant.sealed));
    one.set("uses", grant.uses);
    one.set("reads", std::move(reads[grant.id]));
    if (grant.reviewed) {
      one.set("reviewed", to_iso8601(*grant.reviewed));
      one.set("reviewedBy", grant.reviewed_by);
    }
    list.push_back(std::move(one));
  }
  return Json::object({{"grants", std::move(list)}});
}

}  // namespace rabt::access
