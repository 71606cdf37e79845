#include "hub/api/workflows.hpp"

#include <optional>

#include "hub/api/answers.hpp"
#include "hub/api/instances.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::api {

using http::Response;

namespace {

constexpr std::int64_t kMaxReplayed = 500;

// Input of plan and apply.
struct Order {
  std::vector<engine::WorkflowFile> files;
  bool prune = false;
};

Result<engine::WorkflowFile> read_file(const Json& file, std::string_view where) {
  if (!file["name"].is_string() || !file["source"].is_string())
    return invalid("api.invalid", std::string(where) + " `name` and `source`, both text");
  return engine::WorkflowFile{file["name"].as_string(), file["source"].as_string()};
}

Result<Order> read_order(const Call& call) {
  RABT_TRY(body, body_object(call));
  Order order;
  const Json& list = body["files"];
  if (!list.is_array() || list.size() == 0)
    return invalid("api.invalid", "files: must be a list with at least one file");
  for (const Json& file : list.as_array()) {
    RABT_TRY(one, read_file(file, "files: each needs"));
    order.files.push_back(std::move(one));
  }
  if (const Json* prune = body.find("prune"); prune != nullptr) {
    if (!prune->is_bool()) return invalid("api.invalid", "prune: must be true or false");
    order.prune = prune->as_bool();
  }
  return order;
}

// The files, so that the second person compares them with his.
Json wish_of(const Order& order) {
  Json files = Json::array();
  for (const engine::WorkflowFile& file : order.files) {
    files.push_back(
        Json::object({{"name", file.name}, {"sha256", to_hex(crypto::sha256(file.yaml))}}));
  }
  return Json::object({{"files", std::move(files)}, {"prune", order.prune}});
}

}  // namespace

Result<Response> Workflows::list(const Call& /*call*/) const {
  RABT_TRY(list, engine.workflows());
  Json items = Json::array();
  for (const engine::DeployedWorkflow& workflow : list) {
    items.push_back(Json::object({{"namespace", workflow.name_space},
                                  {"name", workflow.name},
                                  {"version", workflow.version},
                                  {"active", workflow.active},
                                  {"deployed", to_iso8601(workflow.deployed)},
                                  {"sha256", workflow.sha256},
                                  {"running", workflow.running}}));
  }
  return json_response(200, Json::object({{"items", std::move(items)}}));
}

Result<Response> Workflows::source(const Call& call) const {
  RABT_TRY(source, engine.source(call.request.parameter("namespace").value_or(std::string_view{}),
                                 call.path[0],
                                 call.request.parameter("version").value_or(std::string_view{})));
  return Response{
      .status = 200, .headers = {{"Content-Type", "application/yaml"}}, .body = std::move(source)};
}

Result<Response> Workflows::graph(const Call& call) const {
  RABT_TRY(graph, engine.graph(call.request.parameter("namespace").value_or(std::string_view{}),
                               call.path[0],
                               call.request.parameter("version").value_or(std::string_view{})));
  return json_response(200, graph);
}

Result<Response> Workflows::plan(const Call& call) const {
  RABT_TRY(order, read_order(call));
  RABT_TRY(plan, engine.plan(order.files, order.prune));
  return json_response(200, plan);
}

Result<Response> Workflows::replay(const Call& call) const {
  RABT_TRY(body, body_object(call));
  RABT_TRY(file, read_file(body["file"], "file: must be an object with"));
  engine::ReplayFilter filter;
  const std::int64_t limit = body.int_or("limit", static_cast<std::int64_t>(filter.limit));
  if (limit < 1 || limit > kMaxReplayed)
    return invalid("api.invalid", "limit: must be a number from 1 to 500");
  filter.limit = static_cast<std::size_t>(limit);
  for (const char* name : {"status", "workflow", "version", "code", "since", "until"}) {
    if (const Json* const given = body.find(name); given != nullptr && !given->is_string())
      return invalid("api.invalid", std::string(name) + ": must be a text");
  }
  RABT_TRY(instances, instance_filter([&body](std::string_view name) -> std::optional<std::string> {
             const Json* const given = body.find(name);
             return given == nullptr ? std::nullopt : std::optional(given->as_string());
           }));
  filter.instances = std::move(instances);
  // An entry without a patient: the data of many may be told.
  RABT_TRY(
      replayed, engine.replay(file, filter, [&](const std::string& workflow, const Json& detail) {
        return patients.access.admit(
            reader_of(call), {.act = "workflow.replayed", .object = workflow, .detail = detail});
      }));
  return json_response(200, replayed);
}

Result<Response> Workflows::apply(const Call& call) const {
  RABT_TRY(order, read_order(call));
  if (approvals.needs(identity::kApply)) {
    // Files that cannot be applied are refused before a second person is asked.
    RABT_TRY_STATUS(engine.plan(order.files, order.prune));
    RABT_TRY_STATUS(
        approvals.pass(call.caller, {identity::kApply, "", wish_of(order), call.request.body}));
  }
  RABT_TRY(deployed, engine.apply(order.files, call.caller.who.actor(), order.prune));
  Json items = Json::array();
  for (const engine::Deployed& one : deployed) {
    items.push_back(Json::object({{"namespace", one.name_space},
                                  {"name", one.name},
                                  {"version", one.version},
                                  {"change", one.change}}));
  }
  return json_response(200, Json::object({{"workflows", std::move(items)}}));
}

}  // namespace rabt::api
