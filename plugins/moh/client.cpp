#include "client.hpp"

#include <utility>

#include "rabt/json_nlohmann.hpp"

namespace rabt::moh {

namespace {

HttpRequest request_to(const Settings& settings, std::string method, std::string url) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  sdk::Header credential;
  credential.name = "Authorization";
  credential.secret = "api_token";
  if (settings.basic) {
    credential.basic_user = settings.basic_user;
  } else {
    credential.prefix = "ApiToken ";
  }
  request.headers.push_back(std::move(credential));
  sdk::Header accept;
  accept.name = "Accept";
  accept.value = "application/json";
  request.headers.push_back(std::move(accept));
  return request;
}

}  // namespace

HttpRequest submit_request(const Settings& settings, std::string body, std::string key) {
  HttpRequest request = request_to(settings, "POST", submit_url(settings));
  sdk::Header type;
  type.name = "Content-Type";
  type.value = content_type(settings.format);
  request.headers.push_back(std::move(type));
  sdk::Header repeat;
  repeat.name = "Idempotency-Key";
  repeat.value = std::move(key);
  request.headers.push_back(std::move(repeat));
  request.body = std::move(body);
  return request;
}

HttpRequest task_request(const Settings& settings, const Reply& reply) {
  return request_to(settings, "GET",
                    settings.base_url + "/api/system/tasks/" + reply.job_type + "/" + reply.task);
}

HttpRequest task_summary_request(const Settings& settings, const Reply& reply) {
  return request_to(
      settings, "GET",
      settings.base_url + "/api/system/taskSummaries/" + reply.job_type + "/" + reply.task);
}

Outcome failure(const HttpResult& answer) {
  if (!answer.answered()) return no_answer(answer, "moh", sdk::Repeat::safe);
  // DHIS2's texts repeat what was sent: only its code is passed on.
  const std::string code = error_code(answer.body);
  Json detail = Json::object();
  detail["status"] = answer.status;
  if (!code.empty()) {
    detail["codes"] = Json::array();
    detail["codes"].push_back(code);
  }
  const std::string message = "the reporting system answered " + std::to_string(answer.status) +
                              (code.empty() ? "" : ", error " + code);
  const std::string name =
      answer.status == 409 ? "moh.conflict" : "moh." + std::to_string(answer.status);
  return bad_status(answer, name, message, detail.dump());
}

Outcome outcome_of(const Reply& reply, const Report& report, const Settings& settings,
                   int http_status) {
  using sdk::Kind;
  Json codes = Json::array();
  for (const std::string& code : reply.error_codes) codes.push_back(code);
  const auto number = [](std::int64_t value) { return Json(value < 0 ? std::int64_t{0} : value); };
  // Unchanged values count as ignored. A repeat of a report that was taken in part changes nothing
  // any more: what was refused tells better than what was changed, where the answer says it.
  const bool changed = reply.imported + reply.updated + reply.deleted > 0;
  const bool taken = changed || (reply.rejected > 0 && reply.rejected < report.values.size());
  const bool conflicting = reply.status == "WARNING" || reply.conflicts > 0 || http_status == 409;
  if (reply.status == "ERROR" || (conflicting && !taken)) {
    Json detail = Json::object();
    detail["status"] = http_status;
    detail["codes"] = codes;
    detail["conflicts"] = reply.conflicts;
    detail["imported"] = number(reply.imported);
    detail["updated"] = number(reply.updated);
    detail["ignored"] = number(reply.ignored);
    detail["properties"] = Json::array();
    for (const std::string& property : reply.properties) detail["properties"].push_back(property);
    std::string message =
        "the reporting system refused the report: " + std::to_string(reply.conflicts) +
        " conflicts";
    for (const std::string& code : reply.error_codes) message += " " + code;
    return Outcome::fail(Kind::permanent, "moh.conflict", message, detail.dump());
  }
  Json output = Json::object();
  output["period"] = report.period;
  output["status"] = conflicting ? "WARNING" : "SUCCESS";
  output["imported"] = number(reply.imported);
  output["updated"] = number(reply.updated);
  output["ignored"] = number(reply.ignored);
  output["deleted"] = number(reply.deleted);
  output["format"] = name_of(settings.format);
  if (settings.dry_run) output["dryRun"] = true;
  if (conflicting) {
    output["conflicts"] = reply.conflicts;
    output["codes"] = codes;
  }
  return Outcome::done(output.dump());
}

}  // namespace rabt::moh
