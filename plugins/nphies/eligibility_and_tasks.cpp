// Eligibility requests and the Task messages: poll, cancel and status check.
#include "refusal.hpp"
#include "requests.hpp"
#include "times.hpp"

namespace rabt::nphies {
namespace {

std::string serviced_date(const Json& input) {
  const Json* value = find(input, "serviceDate");
  if (value == nullptr) throw Refusal("serviceDate", "missing");
  if (value->is_string() && is_date(value->get_ref<const std::string&>()))
    return value->get<std::string>();
  const auto instant = instant_of(*value);
  if (!instant) throw Refusal("serviceDate", "must be a date YYYY-MM-DD, or Unix seconds");
  return riyadh_date(*instant);
}

Json purposes(const Json& input) {
  Json out = Json::array();
  for (const Json& entry : array_at(input, "purpose")) {
    const std::string code = entry.is_string() ? entry.get<std::string>() : std::string();
    // Discovery has no coverage; this action always has one.
    if (code != "benefits" && code != "validation")
      throw Refusal("purpose", "must be benefits or validation");
    bool listed = false;
    for (const Json& other : out) listed = listed || other == entry;
    if (!listed) out.push_back(entry);
  }
  if (out.empty()) out = Json::array({"benefits", "validation"});
  return out;
}

Json task_resource(const MessageBuilder& builder, const Slot& slot, std::string_view code,
                   const Identifier& claim, const Slot& provider, std::string_view owner_system,
                   const std::string& owner) {
  Json out = MessageBuilder::resource("Task", slot, "task");
  out["identifier"] =
      Json::array({to_json({builder.settings().identifier_base + "/task", slot.id})});
  out["status"] = "requested";
  out["intent"] = "order";
  out["priority"] = "routine";
  out["code"] = nphies_code("task-code", code);
  if (!claim.value.empty()) {
    out["focus"]["type"] = "Claim";
    out["focus"]["identifier"] = to_json(claim);
  }
  const std::string now = riyadh_time(builder.stamp().now);
  out["authoredOn"] = now;
  out["lastModified"] = now;
  out["requester"] = reference(provider.url);
  out["owner"]["type"] = "Organization";
  out["owner"]["identifier"] = to_json({std::string(kLicence) + std::string(owner_system), owner});
  return out;
}

Json task_input(std::string_view type, std::string_view value_name, Json value) {
  Json out = Json::object();
  out["type"] = nphies_code("task-input-type", type);
  out[std::string(value_name)] = std::move(value);
  return out;
}

}  // namespace

Draft build_eligibility(const Settings& settings, const Stamp& stamp, const Json& input) {
  MessageBuilder builder(settings, stamp);
  const Party payer = payer_of(settings, input);
  Json assumed = Json::array();
  const Slot patient = add_patient(builder, input);
  const Slot provider = add_provider(builder, true);
  const Slot insurer = add_payer(builder, payer);
  const Slot coverage = add_coverage(builder, input, patient, insurer, assumed);
  const Slot facility = add_facility(builder, provider);

  const Slot slot = builder.slot("CoverageEligibilityRequest");
  const Identifier identifier{settings.identifier_base + "/eligibility", stamp.uuid()};
  Json request =
      MessageBuilder::resource("CoverageEligibilityRequest", slot, "eligibility-request");
  request["identifier"] = Json::array({to_json(identifier)});
  request["status"] = "active";  // BV-00538
  request["priority"] = hl7_code("processpriority", "normal");
  request["purpose"] = purposes(input);
  request["patient"] = reference(patient.url);
  request["servicedDate"] = serviced_date(input);  // BV-00437
  request["created"] = riyadh_time(stamp.now);
  request["provider"] = reference(provider.url);
  request["insurer"] = reference(insurer.url);
  request["facility"] = reference(facility.url);
  Json insurance = Json::object();
  insurance["coverage"] = reference(coverage.url);
  request["insurance"] = Json::array({insurance});
  builder.add(slot, std::move(request));
  return builder.finish("eligibility-request", payer, "payer-license", slot, identifier,
                        Json::object());
}

Draft build_task(const Settings& settings, const Stamp& stamp, std::string_view code,
                 const Identifier& claim, const Party& payer, std::string_view reason) {
  MessageBuilder builder(settings, stamp);
  const Slot provider = add_provider(builder, false);
  (void)add_payer(builder, payer);
  const Slot slot = builder.slot("Task");
  Json task = task_resource(builder, slot, code, claim, provider, "payer-license", payer.licence);
  if (!reason.empty()) task["reasonCode"] = nphies_code("task-reason-code", reason);
  builder.add(slot, std::move(task));
  const std::string_view event = code == "cancel" ? "cancel-request" : "status-check";
  return builder.finish(event, payer, "payer-license", slot, claim, Json::object());
}

Draft build_poll(const Settings& settings, const Stamp& stamp, const Identifier& claim) {
  MessageBuilder builder(settings, stamp);
  const Slot provider = add_provider(builder, false);
  const Slot slot = builder.slot("Task");
  Json task = task_resource(builder, slot, "poll", claim, provider, "nphies", "NPHIES");
  if (claim.value.empty()) {
    Json filters = Json::array();
    filters.push_back(task_input("include-message-type", "valueCode", Json("claim-response")));
    filters.push_back(task_input("count", "valuePositiveInt", Json(settings.poll_count)));
    task["input"] = std::move(filters);
  }
  builder.add(slot, std::move(task));
  return builder.finish("poll-request", {"NPHIES", "NPHIES"}, "nphies", slot, claim,
                        Json::object());
}

}  // namespace rabt::nphies
