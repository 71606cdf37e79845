#include "hub/consultation/request/caller.hpp"

#include <utility>

namespace rabt::consultation {

namespace {

// Customs of workflows.
constexpr Manner kWorkflowManner{.auto_record = false,
                                 .waits_for_room = false,
                                 .naive_times = true,
                                 .own_words = true,
                                 .names_version = false};

}  // namespace

Caller caller_of_hub(std::string tenant, std::string id) {
  Caller caller;
  caller.door = "workflow";
  caller.manner = kWorkflowManner;
  caller.system = true;
  caller.who.kind = identity::Kind::node;
  caller.who.id = std::move(id);
  caller.who.tenant = std::move(tenant);
  return caller;
}

}  // namespace rabt::consultation
