#include "hub/consultation/acts/outside_call.hpp"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "hub/consultation/acts/acts.hpp"

namespace rabt::consultation {

namespace {

// The answer may come after the patience is over: it holds the promise.
template <typename T>
struct Waiting {
  std::shared_ptr<std::promise<T>> promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  [[nodiscard]] std::optional<T> get(std::int64_t patience_ms) {
    const std::chrono::milliseconds patience(patience_ms);
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }
};

}  // namespace

std::optional<workflow::ActionOutcome> call_outside(plugin::ActionRunner& actions,
                                                    const plugin::CallRequest& request,
                                                    std::int64_t patience_ms) {
  Waiting<workflow::ActionOutcome> answer;
  actions.invoke(request, [promise = answer.promise](workflow::ActionOutcome outcome) {
    promise->set_value(std::move(outcome));
  });
  return answer.get(patience_ms);
}

plugin::ProbeAnswer probe_outside(plugin::ActionRunner& actions, const plugin::CallRequest& request,
                                  std::int64_t patience_ms) {
  Waiting<plugin::ProbeAnswer> answer;
  actions.probe(request, [promise = answer.promise](const plugin::ProbeAnswer& got) {
    promise->set_value(got);
  });
  return answer.get(patience_ms).value_or(plugin::ProbeAnswer{});
}

Status note_disclosure(const SessionParts& parts, const Session& session,
                       const plugin::CallRequest& request, std::string_view task) {
  const auto recipient = parts.actions.recipient(request.role, request.action, request.version);
  if (!recipient) return ok_status();
  Json fields = Json::array();
  for (const auto& [name, value] : request.arguments.as_object()) fields.push_back(name);
  audit::Entry entry = Acts::entry_of(caller_of_hub(parts.tenant, std::string(task)), session);
  entry.act = "action.sent";
  entry.patient = request.patient;
  entry.detail =
      Json::object({{"role", request.role},
                    {"task", task},
                    {"recipient", recipient->plugin},
                    {"version", recipient->version},
                    {"host", recipient->hosts.empty() ? "none" : recipient->hosts.front()},
                    {"capability", request.action + ":" + request.version},
                    {"fields", std::move(fields)},
                    {"reference", request.arguments.string_or("reference", "")}});
  const audit::Prepared prepared = parts.audit.prepare(entry);
  return parts.store.write(
      [&](store::Transaction& transaction) { return parts.audit.append(transaction, prepared); });
}

}  // namespace rabt::consultation
