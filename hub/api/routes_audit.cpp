#include <algorithm>

#include "hub/access/blind_index.hpp"
#include "hub/access/disclosure_report.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/reader.hpp"
#include "hub/base/bytes.hpp"
#include "hub/http/problem.hpp"

// The audit log and the grants of an emergency, over the API.
namespace rabt::api {

namespace {

constexpr std::size_t kTokenPrefix = 16;  // digits of its SHA-256: enough to tell tokens apart

struct Period {
  std::int64_t from = INT64_MIN;
  std::int64_t to = INT64_MAX;
};

// `from` and `to`: ISO 8601 with a time zone, or a date in UTC; from inclusive, to exclusive.
Result<Period> period_of(const Json& body) {
  Period period;
  for (const auto& [key, out] : {std::pair{"from", &period.from}, std::pair{"to", &period.to}}) {
    const Json& value = body[key];
    if (value.is_null()) continue;
    if (!value.is_string())
      return invalid("api.period", "`" + std::string(key) + "` must be a point in time");
    std::string text = value.as_string();
    if (text.size() == 10) text += "T00:00:00Z";
    const auto at = parse_iso8601(text);
    if (!at.ok()) {
      return invalid("api.period", "`" + std::string(key) +
                                       "` must be a date, or a time with its zone such as "
                                       "2026-03-10T06:00:00Z");
    }
    *out = at->ms;
  }
  return period;
}

Json grant_json(const access::Grant& grant) {
  Json out = Json::object({{"id", grant.id},
                           {"state", grant.state},
                           {"opened", to_iso8601(grant.opened)},
                           {"expires", to_iso8601(grant.expires)},
                           {"patient", grant.patient}});
  if (!grant.instance.empty()) out.set("instance", grant.instance);
  return out;
}

}  // namespace

access::Reader Routes::reader_of(const Request& request) {
  access::Reader reader;
  const std::string_view authorization = request.header("authorization");
  const auto space = authorization.find(' ');
  if (space != std::string_view::npos) {
    reader.token = to_hex(crypto::sha256(authorization.substr(space + 1))).substr(0, kTokenPrefix);
  }
  reader.client = request.remote;
  reader.request = request.request_id;
  reader.reason = request.header("x-rabt-reason");
  reader.purpose = request.header("x-rabt-purpose");
  return reader;
}

Result<std::string> Routes::patient_index(std::string_view text) const {
  const auto colon = text.find(':');
  const auto kind = phi::parse_index_kind(text.substr(0, colon));
  if (colon == std::string_view::npos || !kind) {
    return invalid("api.patient",
                   "a patient is named by KIND:VALUE; KIND is identifier, mrn, phone or email");
  }
  return access::blind_index(parts_.keyring, tenant_, *kind, text.substr(colon + 1));
}

Response Routes::audit(const Request& request, std::string_view what) {
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  if (what == "report") return audit_report(request, *body);
  if (what == "export") return audit_export(request, *body);
  return http::problem(404, "http.not_found", "Not Found",
                       "the API has no such path; see docs/openapi.yaml");
}

Response Routes::audit_report(const Request& request, const Json& body) {
  const auto period = period_of(body);
  if (!period.ok()) return http::problem(period.error());
  const auto patient = patient_index(body.string_or("patient", ""));
  if (!patient.ok()) return http::problem(patient.error());
  const auto report = access::patient_report({parts_.store, parts_.details, tenant_}, *patient,
                                             period->from, period->to);
  // Made before it is audited, so that it does not show its own reading, and given after. That
  // there is nothing about a person is an answer too.
  const auto index =
      report.ok() ? from_hex(report->string_or("patient", "")) : std::optional<Bytes>();
  Json detail = Json::object();
  if (report.ok()) {
    detail.set("disclosures", static_cast<std::int64_t>((*report)["disclosures"].size()));
    detail.set("accesses", static_cast<std::int64_t>((*report)["accesses"].size()));
  } else {
    detail.set("refused", report.error().code);
  }
  const Status admitted = parts_.gate.admit_review(
      reader_of(request), {.act = "audit.report",
                           .object = "report:patient",
                           .instance = "",
                           .patient = index ? std::string(as_text(*index)) : *patient,
                           .detail = std::move(detail)});
  if (!admitted.ok()) return http::problem(admitted.error());
  if (!report.ok()) return http::problem(report.error());
  Json out = *report;
  out.set("made", to_iso8601(parts_.clock.now()));
  return json_response(200, out);
}

Response Routes::audit_export(const Request& request, const Json& body) {
  const std::string format = body.string_or("format", "jsonl");
  if (format != "fhir" && format != "syslog" && format != "jsonl")
    return http::problem(invalid("api.format", "`format` must be fhir, syslog or jsonl"));
  const auto period = period_of(body);
  if (!period.ok()) return http::problem(period.error());
  audit::Query query;
  query.tenant = tenant_;
  query.from_ms = period->from;
  query.to_ms = period->to;
  query.first = std::max<std::int64_t>(1, body.int_or("first", 1));
  query.last = body.int_or("last", INT64_MAX);
  std::string patient;
  if (const std::string text = body.string_or("patient", ""); !text.empty()) {
    auto index = patient_index(text);
    if (!index.ok()) return http::problem(index.error());
    patient = std::move(*index);
    query.patient = to_hex(as_bytes(patient));
  }
  const auto page = audit::read_page(parts_.store, query, audit::kMaxEntriesPerPage);
  if (!page.ok()) return http::problem(page.error());
  const std::int64_t end = page->entries.empty() ? 0 : page->entries.back().seq;
  const Status admitted = parts_.gate.admit_review(
      reader_of(request),
      {.act = "audit.exported",
       .object = "log:" + tenant_,
       .instance = "",
       .patient = patient,
       .detail = Json::object({{"format", format},
                               {"entries", static_cast<std::int64_t>(page->entries.size())},
                               {"first", page->entries.empty() ? 0 : page->entries.front().seq},
                               {"last", end}})});
  if (!admitted.ok()) return http::problem(admitted.error());
  Response response{
      .status = 200,
      .headers = {{"Content-Type", format == "fhir"    ? "application/fhir+ndjson"
                                   : format == "jsonl" ? "application/x-ndjson"
                                                       : "text/plain; charset=utf-8"}}};
  for (const audit::Logged& entry : page->entries) {
    response.body += format == "fhir"    ? audit::to_fhir(entry, parts_.source).dump()
                     : format == "jsonl" ? audit::to_json_line(entry)
                                         : audit::to_syslog(entry, parts_.source);
    response.body.push_back('\n');
  }
  if (page->next) response.headers.emplace_back("X-Rabt-Next", std::to_string(page->next->first));
  return response;
}

Response Routes::break_glass(const Request& request, std::string_view id, std::string_view verb) {
  const bool get = request.method == "GET";
  const bool post = request.method == "POST";
  if (id.empty() && get) {
    const auto report = access::break_glass_report(
        {parts_.store, parts_.details, tenant_}, parts_.gate,
        request.parameter("reviewed") != std::optional<std::string_view>("all"));
    if (!report.ok()) return http::problem(report.error());
    const Status admitted = parts_.gate.admit_review(
        reader_of(request),
        {.act = "audit.report",
         .object = "report:break-glass",
         .instance = "",
         .patient = "",
         .detail =
             Json::object({{"grants", static_cast<std::int64_t>((*report)["grants"].size())}})});
    return admitted.ok() ? json_response(200, *report) : http::problem(admitted.error());
  }
  if (!post) return wrong_method(id.empty() ? "GET, POST" : "POST");
  const auto body = body_object(request);
  if (!body.ok()) return http::problem(body.error());
  access::Reader reader = reader_of(request);
  if (id.empty()) {
    const std::string instance = body->string_or("instance", "");
    const std::string who = body->string_or("patient", "");
    if (instance.empty() == who.empty())
      return http::problem(invalid("api.grant", "name either `instance` or `patient`"));
    const auto patient = who.empty() ? parts_.engine.patient_of(instance) : patient_index(who);
    if (!patient.ok()) return http::problem(patient.error());
    reader.reason = body->string_or("reason", "");
    const auto grant = parts_.gate.open(reader, instance, *patient,
                                        body->int_or("minutes", access::kMaxGrantMinutes));
    return grant.ok() ? json_response(201, grant_json(*grant)) : http::problem(grant.error());
  }
  Status done = ok_status();
  if (verb == "close") {
    done = parts_.gate.close(reader, id);
  } else if (verb == "review") {
    done = parts_.gate.review(reader, id, body->string_or("by", ""));
  } else {
    return http::problem(404, "http.not_found", "Not Found",
                         "the API has no such path; see docs/openapi.yaml");
  }
  if (!done.ok()) return http::problem(done.error());
  const auto grant = parts_.gate.grant(id);
  return grant.ok() ? json_response(200, grant_json(*grant)) : http::problem(grant.error());
}

}  // namespace rabt::api
