#include "hub/plugin/package/package_trust.hpp"

// Facts that a person must know before a package is added.
namespace rabt::plugin {

namespace {

// Null if there is no schema, or one that says nothing, so that the value may hold anything.
Json places(const Json& document, const Schema& schema) {
  const bool silent = document.is_null() || (document.is_bool() && document.as_bool()) ||
                      (document.is_object() && document.size() == 0);
  if (silent) return {};
  Json out = Json::array();
  for (const std::string& place : schema.phi_places()) out.push_back(place);
  return out;
}

}  // namespace

Json describe(const Package& package) {
  const Manifest& manifest = package.manifest;
  Json hosts = Json::array();
  for (const std::string& host : manifest.hosts) hosts.push_back(host);
  // A manifest without a list for patient data allows all its hosts.
  Json patient_hosts = Json::array();
  for (const std::string& host : manifest.patient_hosts.value_or(manifest.hosts))
    patient_hosts.push_back(host);
  Json secrets = Json::array();
  for (const SecretSpec& secret : package.secrets) {
    Json item = Json::object({{"name", secret.name}, {"required", secret.required}});
    if (!secret.description.empty()) item.set("description", secret.description);
    secrets.push_back(std::move(item));
  }
  Json actions = Json::array();
  for (const CompiledAction& action : package.actions) {
    actions.push_back(Json::object({{"name", action.spec.name},
                                    {"version", action.spec.version},
                                    {"input", places(action.spec.input_schema, action.input)},
                                    {"output", places(action.spec.output_schema, action.output)}}));
  }
  Json events = Json::array();
  for (const workflow::EventInfo& event : manifest.events) {
    events.push_back(
        Json::object({{"type", event.type},
                      {"data", places(event.data_schema, package.events.at(event.type).data)}}));
  }
  return Json::object(
      {{"id", manifest.id},
       {"version", manifest.version},
       {"vendor", manifest.vendor},
       {"license", package.license},
       {"hosts", std::move(hosts)},
       {"patientHosts", std::move(patient_hosts)},
       {"secrets", std::move(secrets)},
       {"secretsRaw", manifest.secrets_raw},
       {"kvBytes", package.kv_bytes},
       {"blob", manifest.blob},
       {"isolation", package.inline_allowed ? "inline-ok" : "process"},
       {"patientData", Json::object({{"config", places(manifest.config_schema, package.config)},
                                     {"actions", std::move(actions)},
                                     {"events", std::move(events)}})}});
}

}  // namespace rabt::plugin
