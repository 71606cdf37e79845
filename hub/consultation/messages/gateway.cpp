#include "hub/consultation/messages/gateway.hpp"

#include "hub/consultation/acts/outside_call.hpp"

namespace rabt::consultation {

namespace {

constexpr std::int64_t kPatienceMs = kGatewayMs + 1'000;

}  // namespace

std::optional<workflow::ActionOutcome> call_gateway(plugin::ActionRunner& actions,
                                                    const plugin::CallRequest& request) {
  return call_outside(actions, request, kPatienceMs);
}

plugin::ProbeAnswer probe_gateway(plugin::ActionRunner& actions,
                                  const plugin::CallRequest& request) {
  return probe_outside(actions, request, kPatienceMs);
}

}  // namespace rabt::consultation
