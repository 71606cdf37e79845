#include "hub/api/records.hpp"

#include "hub/api/asks.hpp"
#include "hub/api/resources.hpp"
#include "hub/consultation/records.hpp"
#include "hub/http/problem.hpp"

namespace rabt::api {

using consultation::Answer;
using http::Response;

namespace {

Result<Response> created(const Answer& made) {
  if (made.ok()) return answer(201, *made);
  const std::vector<std::string> kinds = consultation::exposed_kinds(made.error());
  if (kinds.empty()) return made.error();
  Response response = http::problem(made.error());
  auto document = Json::parse(response.body);
  if (!document.ok()) return response;
  Json types = Json::array();
  for (const std::string& kind : kinds) types.push_back(kind);
  document->set("phiTypes", std::move(types));
  response.body = document->dump();
  return response;
}

}  // namespace

Result<Response> send_message(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  return created(resources.records->send_message(ask));
}

Result<Response> share_document(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  return created(resources.records->share_document(ask));
}

Result<Response> document_content(Resources& resources, const Call& call) {
  RABT_TRY(ask, ask_of(call));
  RABT_TRY(content, resources.records->document_content(ask));
  return Response{.status = 200,
                  .headers = {{"Content-Type", content.content_type},
                              {"Content-Disposition", "attachment"},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Cache-Control", "no-store"}},
                  .body = std::move(content.bytes)};
}

}  // namespace rabt::api
