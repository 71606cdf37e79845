#include "hub/consultation/messages/gateway.hpp"

#include <chrono>
#include <future>
#include <memory>

namespace rabt::consultation {

namespace {

constexpr std::chrono::milliseconds kPatience(kGatewayMs + 1'000);

// The answer may come after the patience is over: it holds the promise.
template <typename T>
struct Waiting {
  std::shared_ptr<std::promise<T>> promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  [[nodiscard]] std::optional<T> get() {
    if (future.wait_for(kPatience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }
};

}  // namespace

std::optional<workflow::ActionOutcome> call_gateway(plugin::ActionRunner& actions,
                                                    const plugin::CallRequest& request) {
  Waiting<workflow::ActionOutcome> answer;
  actions.invoke(request, [promise = answer.promise](workflow::ActionOutcome outcome) {
    promise->set_value(std::move(outcome));
  });
  return answer.get();
}

plugin::ProbeAnswer probe_gateway(plugin::ActionRunner& actions,
                                  const plugin::CallRequest& request) {
  Waiting<plugin::ProbeAnswer> answer;
  actions.probe(request, [promise = answer.promise](const plugin::ProbeAnswer& got) {
    promise->set_value(got);
  });
  return answer.get().value_or(plugin::ProbeAnswer{});
}

}  // namespace rabt::consultation
