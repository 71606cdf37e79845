#include "hub/api/grants.hpp"

#include "hub/access/disclosure_report.hpp"
#include "hub/api/answers.hpp"
#include "hub/api/audit.hpp"
#include "hub/base/printable.hpp"

namespace rabt::api {

using http::Response;

namespace {

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

Result<Response> Grants::list(const Call& call) const {
  const bool all = call.request.parameter("reviewed") == std::optional<std::string_view>("all");
  if (const Status looked = log.look(); !looked.ok()) return log_error(looked.error());
  const auto listing = access::break_glass_report({log, details, patients.tenant}, grants, !all);
  if (!listing.ok()) return log_error(listing.error());
  Json report = *listing;
  report.set("items", report["grants"]);
  RABT_TRY_STATUS(patients.access.admit_review(
      reader_of(call),
      {.act = "audit.report",
       .object = "report:break-glass",
       .detail = Json::object({{"grants", static_cast<std::int64_t>(report["grants"].size())}})}));
  return json_response(200, report);
}

Result<Response> Grants::open(const Call& call) const {
  RABT_TRY(body, body_object(call));
  const std::string instance = body.string_or("instance", "");
  const std::string who = body.string_or("patient", "");
  if (instance.empty() == who.empty())
    return invalid("api.invalid", "instance, patient: give one of the two");
  RABT_TRY(patient, who.empty() ? engine.patient_of(instance) : patients.index_of(who));
  access::Reader reader = reader_of(call);
  reader.reason = tidy_text(body.string_or("reason", ""));  // judged as the reason of a reading
  RABT_TRY(grant, grants.open(reader, instance, patient,
                              body.int_or("minutes", access::kMaxGrantMinutes)));
  return json_response(201, grant_json(grant));
}

Result<Response> Grants::close(const Call& call) const {
  RABT_TRY_STATUS(body_object(call));
  RABT_TRY_STATUS(grants.close(reader_of(call), call.path[0]));
  RABT_TRY(grant, grants.find(call.path[0]));
  return json_response(200, grant_json(grant));
}

Result<Response> Grants::review(const Call& call) const {
  RABT_TRY(body, body_object(call));
  // A person reviews in his own name; a client says for whom it speaks.
  const identity::Principal& who = call.caller.who;
  const std::string by = who.person.empty() ? body.string_or("by", "") : who.actor();
  RABT_TRY_STATUS(grants.review(reader_of(call), call.path[0], by));
  RABT_TRY(grant, grants.find(call.path[0]));
  return json_response(200, grant_json(grant));
}

}  // namespace rabt::api
