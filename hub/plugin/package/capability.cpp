#include "hub/plugin/package/capability.hpp"

#include <algorithm>

#include "hub/base/check.hpp"
#include "hub/base/semver.hpp"
#include "hub/base/suggest.hpp"
#include "hub/plugin/package/capability_files.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "hub/plugin/package/schema_subset.hpp"
#include "hub/schema/schema.hpp"

namespace rabt::plugin {

namespace {

struct Library {
  std::vector<Capability> capabilities;
  std::vector<EventContract> events;
  std::vector<RoleContract> roles;
};

std::vector<std::string> texts(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& item : list.as_array()) out.push_back(item.as_string());
  return out;
}

// The files are ours and compiled in: one that is wrong is our defect, and the tests find it.
Library read_all() {
  Library out;
  for (const CapabilityFile& file : capability_files()) {
    const auto parsed = Json::parse(file.text);
    RABT_CHECK(parsed.ok());
    const Json& json = *parsed;
    if (json.find("capability") != nullptr) {
      Capability capability;
      capability.id = json.string_or("capability", "");
      const std::size_t slash = capability.id.find('/');
      RABT_CHECK(slash != std::string::npos);
      capability.name = capability.id.substr(0, slash);
      capability.revision = std::stoi(capability.id.substr(slash + 1));
      capability.title = json.string_or("title", "");
      capability.idempotency = texts(json["idempotency"]);
      if (json.find("channel") != nullptr)
        capability.channel = phi::parse_channel(json.string_or("channel", ""));
      capability.input = json["input"];
      capability.output = json["output"];
      capability.reads = json.bool_or("reads", false);
      out.capabilities.push_back(std::move(capability));
    } else if (json.find("event") != nullptr) {
      out.events.push_back(
          {json.string_or("event", ""), json.string_or("title", ""), json["data"]});
    } else {
      RoleContract role;
      role.role = json.string_or("role", "");
      role.revision = static_cast<int>(json.int_or("revision", 0));
      role.title = json.string_or("title", "");
      role.required = texts(json["actions"]["required"]);
      role.optional = texts(json["actions"]["optional"]);
      role.required_events = texts(json["events"]["required"]);
      role.optional_events = texts(json["events"]["optional"]);
      out.roles.push_back(std::move(role));
    }
  }
  return out;
}
const Library& library() {
  static const Library all = read_all();
  return all;
}

std::string at(const std::string& place) {
  return place.empty() ? std::string("the value") : place;
}

constexpr std::string_view kOptionalMark = "x-optional";

// Names of the members that `shared` marks as optional and `own` does not name.
std::vector<std::string> younger_members(const Json& shared, const Json& own) {
  std::vector<std::string> out;
  if (!shared["properties"].is_object()) return out;
  for (const auto& [name, schema] : shared["properties"].as_object()) {
    if (schema[kOptionalMark] == Json(true) && own["properties"][name].is_null())
      out.emplace_back(name);
  }
  return out;
}

// A schema of a capability without the members that are younger than an action.
Json as_it_was(const Json& shared, const Json& own) {
  Json out = shared;
  for (const std::string& name : younger_members(shared, own))
    out.mutable_object().find("properties")->mutable_object().erase(name);
  return out;
}

}  // namespace

const std::vector<Capability>& capabilities() {
  return library().capabilities;
}
const std::vector<EventContract>& event_contracts() {
  return library().events;
}
const std::vector<RoleContract>& role_contracts() {
  return library().roles;
}

const Capability* find_capability(std::string_view id) {
  const auto found =
      std::find_if(capabilities().begin(), capabilities().end(),
                   [&](const Capability& capability) { return capability.id == id; });
  return found == capabilities().end() ? nullptr : &*found;
}

const Capability* capability_of_call(std::string_view name, std::string_view version) {
  const auto found =
      std::find_if(capabilities().begin(), capabilities().end(), [&](const Capability& capability) {
        if (capability.name != name || !is_semver(version)) return false;
        const std::string offered = std::to_string(capability.revision) + ".0.0";
        return same_major(offered, version) && compare_semver(offered, version) >= 0;
      });
  return found == capabilities().end() ? nullptr : &*found;
}

std::vector<std::string> left_out(const Json& input, const Capability& capability) {
  return younger_members(capability.input, input);
}

std::string capability_fault(const ActionSpec& action, const Capability& capability) {
  const std::string claim = "the action " + action.name + " cannot be " + capability.id + ": ";
  if (std::find(capability.idempotency.begin(), capability.idempotency.end(), action.idempotency) ==
      capability.idempotency.end())
    return claim + "its idempotency is " + action.idempotency +
           ", allowed are: " + listed(capability.idempotency);
  if (capability.channel && action.channel != capability.channel)
    return claim + "it must say channel: " + std::string(phi::to_string(*capability.channel));
  const Json any = Json::object();
  const Json& input = action.input_schema.is_null() ? any : action.input_schema;
  const Json& output = action.output_schema.is_null() ? any : action.output_schema;
  const Json given = as_it_was(capability.input, input);
  const Json wanted = as_it_was(capability.output, output);
  // A question about a message passes no rules of a channel: it takes nothing that could be one.
  if (capability.name.starts_with("notify.") && !action.channel &&
      not_subset(input, capability.input))
    return claim +
           "its input takes more than the capability does, which may be a message: leave "
           "that out, or say channel: notify";
  if (const auto fault = not_subset(given, input))
    return claim + "input " + at(fault->place) + ": " +
           (fault->undecided ? "" : "it refuses what the capability allows: ") + fault->message;
  if (const auto fault = not_subset(output, wanted))
    return claim + "output " + at(fault->place) + ": " +
           (fault->undecided ? "" : "it may give what the capability does not allow: ") +
           fault->message;
  if (const auto fault = phi_not_covered(given, input))
    return claim + "input " + at(fault->place) + ": " + fault->message;
  if (const auto fault = phi_not_covered(wanted, output))
    return claim + "output " + at(fault->place) + ": " + fault->message;
  return {};
}

std::string event_fault(const Json& schema, const EventContract& contract) {
  const Json any = Json::object();
  const Json& data = schema.is_null() ? any : schema;
  const std::string claim = "the event " + contract.type + " is shared by plugins of a role: data ";
  if (const auto fault = not_subset(data, contract.data))
    return claim + at(fault->place) + ": " +
           (fault->undecided ? "" : "it may give what the event does not allow: ") + fault->message;
  if (const auto fault = phi_not_covered(contract.data, data))
    return claim + at(fault->place) + ": " + fault->message;
  return {};
}

Result<std::vector<std::string>> missing_of_role(const Manifest& manifest,
                                                 std::string_view role_id) {
  const auto role = std::find_if(
      role_contracts().begin(), role_contracts().end(),
      [&](const RoleContract& role_contract) { return role_contract.id() == role_id; });
  if (role == role_contracts().end()) {
    std::vector<std::string> contracts;
    for (const RoleContract& contract : role_contracts()) contracts.push_back(contract.id());
    return invalid("plugin.role", "there is no role " + std::string(role_id) +
                                      "; there are: " + listed(contracts));
  }
  std::vector<std::string> missing;
  for (const std::string& id : role->required) {
    if (std::none_of(manifest.actions.begin(), manifest.actions.end(),
                     [&](const ActionSpec& spec) { return spec.capability == id; }))
      missing.push_back("an action with capability: " + id);
  }
  for (const std::string& type : role->required_events) {
    if (std::none_of(
            manifest.events.begin(), manifest.events.end(),
            [&](const workflow::EventInfo& event_info) { return event_info.type == type; }))
      missing.push_back("the event " + type);
  }
  return missing;
}

}  // namespace rabt::plugin
