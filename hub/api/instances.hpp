#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::api {

struct Instances {
  engine::Engine& engine;
  Patients patients;

  // ?limit= &cursor= &status= &workflow= &version= &code= &since= &until= &calls=
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // Counts instances, with the filters of the list except `status`.
  [[nodiscard]] Result<http::Response> counts(const Call& call) const;
  // The instances of one patient or one business key, which stand in the body, never in an address.
  [[nodiscard]] Result<http::Response> search(const Call& call) const;
  // With the last part of its timeline, or with ?before= the part before. With ?data=true, and a
  // reason, the patient data too.
  [[nodiscard]] Result<http::Response> get(const Call& call) const;
  // Its workflow as nodes and edges, with the states of what has run.
  [[nodiscard]] Result<http::Response> graph(const Call& call) const;
  [[nodiscard]] Result<http::Response> events(const Call& call) const;
  [[nodiscard]] Result<http::Response> cancel(const Call& call) const;
  [[nodiscard]] Result<http::Response> retry(const Call& call) const;
  // {"workflow", "namespace"?, "version"?, "input"?, "reason"}
  [[nodiscard]] Result<http::Response> start(const Call& call) const;
  // {"effects": how many calls stand, "version"?, "reason"}
  [[nodiscard]] Result<http::Response> restart(const Call& call) const;
  [[nodiscard]] Result<http::Response> resolve(const Call& call) const;

 private:
  void add_calls(Json& items) const;
  [[nodiscard]] Status admit_person(const Call& call, const std::string& patient) const;
  [[nodiscard]] Status admit_key(const Call& call,
                                 const std::vector<engine::InstanceSummary>& list) const;
};

// `version` of the body of a retry; "" if it has none. Error api.invalid.
[[nodiscard]] Result<std::string> retry_version(const Json& body);

// Value that a query or a body has under a name; nothing if it has none.
using Given = std::function<std::optional<std::string>(std::string_view name)>;
// The filter of lists of instances: status, workflow, version, code, since, until. Error
// api.invalid.
[[nodiscard]] Result<engine::InstanceFilter> instance_filter(const Given& given);

}  // namespace rabt::api
