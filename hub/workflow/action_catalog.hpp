#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::workflow {

// Action that a call may name: one of a plugin or hub service that a role is bound to.
struct ActionInfo {
  std::string name;
  std::string version;      // the version that serves the call
  std::string idempotency;  // native, key, probe, none
  Json input_schema;        // null when the action gives none
  Json output_schema;       // null when the action gives none
  std::string title;        // for people; may be empty
  bool reads = false;       // it changes nothing
};
// An event that a plugin may produce.
struct EventInfo {
  std::string type;
  Json data_schema;  // null when none is given
};
class ActionCatalog {
 public:
  virtual ~ActionCatalog() = default;
  [[nodiscard]] virtual std::vector<std::string> roles() const = 0;
  [[nodiscard]] virtual std::vector<std::string> actions(std::string_view role) const = 0;
  // The action of a role in a version that satisfies the asked one (same major, not older).
  [[nodiscard]] virtual std::optional<ActionInfo> find(std::string_view role,
                                                       std::string_view action,
                                                       std::string_view version) const = 0;
  // The versions of an action that a role offers, oldest first.
  [[nodiscard]] virtual std::vector<std::string> versions(std::string_view /*role*/,
                                                          std::string_view /*action*/) const {
    return {};
  }
  // Providers that a role could be bound to for the call: plugin://<id>, hub://<service>.
  [[nodiscard]] virtual std::vector<std::string> providers(std::string_view /*action*/,
                                                           std::string_view /*version*/) const {
    return {};
  }
  // For the linter's check on patient data. By default no data are marked, and no host may get
  // marked data.
  [[nodiscard]] virtual std::vector<EventInfo> events() const { return {}; }
  [[nodiscard]] virtual bool takes_patient_data(std::string_view /*url*/) const { return false; }
};

// The schema of the answer that this call asks for: in `output_schema` each `x-among: NAME` becomes
// the words that the argument NAME lists. null when there is no schema.
[[nodiscard]] Json asked_of(const Json& output_schema, const Json& arguments);

// Why a role does not serve a call, and what would: two parts of a message, for a call that
// ActionCatalog::find does not find.
struct NotOffered {
  std::string what;    // "role `video` does not offer ..."
  std::string advice;  // "it offers 1.0.0", "bind the role to plugin://chime", "did you mean ...?"
};
[[nodiscard]] NotOffered not_offered(const ActionCatalog& catalog, std::string_view role,
                                     std::string_view action, std::string_view version);

}  // namespace rabt::workflow
