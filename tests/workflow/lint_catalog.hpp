#pragma once

#include "harness.hpp"

// The actions that the linter's tests call.
namespace rabt::workflow {

class LintCatalog final : public ActionCatalog {
 public:
  [[nodiscard]] std::vector<std::string> roles() const override { return {"video", "payer"}; }
  [[nodiscard]] std::vector<std::string> actions(std::string_view role) const override {
    return role == "video" ? std::vector<std::string>{"create-session", "end-session"}
                           : std::vector<std::string>{"submit-claim"};
  }
  [[nodiscard]] std::optional<ActionInfo> find(std::string_view role, std::string_view action,
                                               std::string_view version) const override {
    if (!version.starts_with("1.")) return std::nullopt;
    const auto offer = [&](std::string_view idempotency, Json input) {
      return ActionInfo{.name = std::string(action),
                        .version = "1.2.0",
                        .idempotency = std::string(idempotency),
                        .input_schema = std::move(input),
                        .title = "Title of " + std::string(action)};
    };
    if (role == "payer" && action == "submit-claim") return offer("none", {});
    if (role == "video" && action == "create-session") return offer("key", json(kCreate));
    if (role == "video" && action == "end-session") return offer("native", json(kEnd));
    return std::nullopt;
  }

 private:
  static constexpr std::string_view kCreate = R"({
    "type": "object", "required": ["reference"], "additionalProperties": false,
    "properties": {
      "reference": {"type": "string", "minLength": 1, "description": "Names the session."},
      "startsAt": {},
      "record": {"type": "boolean"},
      "region": {"type": "string", "enum": ["de1", "ie1", "us1"]},
      "seats": {"type": "integer", "minimum": 2, "maximum": 50},
      "participants": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/person"}}},
    "$defs": {"person": {
      "type": "object", "required": ["role", "identity"], "additionalProperties": false,
      "properties": {"role": {"enum": ["patient", "practitioner"]},
                     "identity": {"type": "string"}}}}})";
  static constexpr std::string_view kEnd = R"({
    "type": "object", "required": ["sessionId"], "additionalProperties": false,
    "properties": {"sessionId": {"type": "string", "pattern": "^RM[0-9a-f]{32}$"}}})";
};

}  // namespace rabt::workflow
