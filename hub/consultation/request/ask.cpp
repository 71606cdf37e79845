#include "hub/consultation/request/ask.hpp"

namespace rabt::consultation {

namespace {

// Customs of workflows.
constexpr Manner kWorkflowManner{.auto_record = false,
                                 .waits_for_room = false,
                                 .naive_times = true,
                                 .own_words = true,
                                 .names_version = false};

}  // namespace

std::string_view Ask::parameter(std::string_view name) const {
  for (const auto& [given, value] : query) {
    if (given == name) return value;
  }
  return {};
}

Ask ask_of_hub(std::string tenant, std::string id) {
  Ask ask;
  ask.caller.door = "workflow";
  ask.caller.manner = kWorkflowManner;
  ask.caller.system = true;
  ask.caller.who.kind = identity::Kind::node;
  ask.caller.who.id = std::move(id);
  ask.caller.who.tenant = std::move(tenant);
  return ask;
}

}  // namespace rabt::consultation
