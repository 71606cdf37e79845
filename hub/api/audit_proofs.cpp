#include <algorithm>
#include <map>

#include "hub/access/reading.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/audit.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"

// Answers of the audit log about itself and about a person's own data: checked, not believed.
namespace rabt::api {

using http::Response;

namespace {

// A person sees the last year unless another time is asked for.
constexpr std::int64_t kOwnMs = 365LL * 24 * 3'600'000;

constexpr std::string_view kOfPerson = "person:";

// Person's id behind "person:" or "client:NAME/person:"; empty when no person acted.
std::string person_in(const std::string& actor) {
  const std::size_t at = actor.rfind(kOfPerson);
  return at == std::string::npos ? std::string() : actor.substr(at + kOfPerson.size());
}

Response proof_response(std::string text) {
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
          .body = std::move(text)};
}

// Position of an entry in the log, from a path.
Result<std::int64_t> position_of(std::string_view text) {
  const bool digits =
      !text.empty() && text.size() <= 18 &&
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text == "0") return not_found("audit.entry", "the audit log has no such entry");
  return std::stoll(std::string(text));
}

}  // namespace

Result<std::string> Audit::proof_of(std::int64_t seq) const {
  std::string proof;
  const Status read = log.store().read([&](store::Connection& connection) -> Status {
    RABT_TRY(entry_proof, audit::prove_entry(connection, seq));
    proof = std::move(entry_proof);
    return ok_status();
  });
  if (!read.ok()) return log_error(read.error());
  return proof;
}

Result<Json> Audit::own_report(const Call& call, const Period& period) const {
  const std::string& person = call.caller.who.person;
  if (person.empty()) return not_allowed();
  RABT_TRY(subject, subject_of(std::string(kOfPerson) + person));
  if (const Status looked = log.look(); !looked.ok()) return log_error(looked.error());
  auto report =
      access::patient_report({log, details, patients.tenant}, subject, period.from, period.to);
  // A log without any entry about the person is an answer.
  if (!report.ok() && report.error().kind == ErrorKind::not_found) {
    report = Json::object({{"disclosures", Json::array()},
                           {"accesses", Json::array()},
                           {"others", 0},
                           {"leftOut", subject.left_out},
                           {"complete", true}});
  }
  if (!report.ok()) return log_error(report.error());
  const auto count = [&](const char* rows) {
    return static_cast<std::int64_t>((*report)[rows].size());
  };
  const auto entry = log.prepare({.tenant = patients.tenant,
                                  .actor = call.caller.who.actor(),
                                  .act = "audit.report",
                                  .object = "report:own",
                                  .result = "ok",
                                  .detail = Json::object({{"disclosures", count("disclosures")},
                                                          {"accesses", count("accesses")}}),
                                  .patient = to_hex(as_bytes(subject.named)),
                                  .client = call.caller.client,
                                  .request = call.caller.request});
  const Status written = log.store().write(
      [&](store::Transaction& transaction) { return log.append(transaction, entry); });
  if (!written.ok()) return access::not_audited(written.error());
  return report;
}

Result<Response> Audit::own(const Call& call) const {
  RABT_TRY(period, period_of(call.request));
  const std::int64_t now = clock.now().ms;
  if (period.from == INT64_MIN) period.from = std::min(now, period.to) - kOwnMs;
  RABT_TRY(report, own_report(call, period));
  std::map<std::string, Json> names;
  const auto named = [&](const std::string& actor) -> Json {
    const std::string id = person_in(actor);
    if (id.empty()) return {};
    if (const auto name = names.find(id); name != names.end()) return name->second;
    Json shown;
    if (const auto person = people.find(patients.tenant, id); person.ok()) {
      shown = Json::object({{"name", person->profile.string_or("name", "")},
                            {"nameAr", person->profile.string_or("nameAr", "")},
                            {"roles", roles_json(person->roles)}});
    }
    return names.emplace(id, std::move(shown)).first->second;
  };
  // The staff's addresses, and what they wrote as reason, are for whoever reviews.
  Json accesses = Json::array();
  for (const Json& row : report["accesses"].as_array()) {
    const std::string actor = row.string_or("actor", "");
    const std::string id = person_in(actor);
    Json shown = Json::object({{"seq", row["seq"]},
                               {"time", row["time"]},
                               {"act", row["act"]},
                               {"result", row["result"]},
                               {"own", id == call.caller.who.person},
                               {"who", named(actor)},
                               {"purpose", row["purpose"]},
                               {"of", row["of"]},
                               {"emergency", !row.string_or("grant", "").empty()}});
    if (id.empty()) shown.set("system", actor);
    accesses.push_back(std::move(shown));
  }
  Json disclosures = Json::array();
  for (const Json& row : report["disclosures"].as_array()) {
    disclosures.push_back(Json::object({{"seq", row["seq"]},
                                        {"time", row["time"]},
                                        {"recipient", row["recipient"]},
                                        {"capability", row["capability"]},
                                        {"fields", row["fields"]},
                                        {"purpose", row["purpose"]},
                                        {"outcome", row["outcome"]}}));
  }
  return json_response(200, Json::object({{"accesses", std::move(accesses)},
                                          {"disclosures", std::move(disclosures)},
                                          {"others", report["others"]},
                                          {"leftOut", report["leftOut"]},
                                          {"complete", report["complete"]},
                                          {"from", to_iso8601({period.from})},
                                          {"made", to_iso8601(clock.now())}}));
}

Result<Response> Audit::own_proof(const Call& call) const {
  RABT_TRY(seq, position_of(call.path[0]));
  audit::Query query{.tenant = patients.tenant};
  query.first = query.last = seq;
  const auto page = audit::read_page(log, query, 1);
  if (!page.ok()) return log_error(page.error());
  if (page->entries.empty()) return not_found("audit.entry", "the audit log has no such entry");
  // Only what the person's own list shows; what it does not is as if it were not there.
  const std::int64_t at = page->entries.front().at_ms;
  RABT_TRY(report, own_report(call, {at, at + 1}));
  const auto shows = [&](const Json& rows) {
    return std::any_of(rows.as_array().begin(), rows.as_array().end(),
                       [&](const Json& row) { return row.int_or("seq", 0) == seq; });
  };
  if (!shows(report["accesses"]) && !shows(report["disclosures"]))
    return not_found("audit.entry", "the audit log has no such entry");
  RABT_TRY(text, proof_of(seq));
  return proof_response(std::move(text));
}

Result<Response> Audit::proof(const Call& call) const {
  RABT_TRY(seq, position_of(call.path[0]));
  RABT_TRY(text, proof_of(seq));
  return proof_response(std::move(text));
}

Result<Response> Audit::checkpoint(const Call& /*call*/) const {
  std::string note;
  RABT_TRY_STATUS(log.store().read([&](store::Connection& connection) -> Status {
    RABT_TRY(newest, audit::newest_note(connection));
    note = std::move(newest);
    return ok_status();
  }));
  return json_response(200, Json::object({{"checkpoint", note}, {"key", log.state().vkey}}));
}

}  // namespace rabt::api
