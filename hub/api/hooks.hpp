#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/access_control.hpp"
#include "hub/api/addresses.hpp"
#include "hub/api/delivery_outcomes.hpp"
#include "hub/api/routes.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/engine/engine.hpp"
#include "hub/http/webhook_signature.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

// A system that may post to /hooks/{name}.
struct Source {
  std::string name;
  // The plugin that reads what the source sends.
  std::string plugin;
  http::SignatureConfig signature;
  // Its messages come over MLLP, and none is taken over HTTP.
  bool over_mllp = false;
  // Addresses that deliveries over HTTP are taken from. From all if it is unset.
  std::optional<Proxies> addresses{};
};

// The code of a delivery from an address that the source does not list.
inline constexpr std::string_view kOtherAddress = "hooks.address";

// The path of a delivery, which is /hooks/{source}, /hooks/{tenant}/{source} or
// /hooks/{source}/{type}/{id}.
[[nodiscard]] inline bool names_tenant(const PathParameters& path) {
  return !path[1].empty() && path[2].empty();
}
[[nodiscard]] inline std::string_view source_in(const PathParameters& path) {
  return names_tenant(path) ? path[1] : path[0];
}

// Deliveries of other systems. Internally synchronised.
class Hooks final : public repair::Deliveries {
 public:
  struct Parts {
    engine::Engine& engine;
    plugin::PluginHost& plugins;
    store::Store& store;
    audit::AuditLog& audit;
    const Clock& clock;
    Logger& log;
    UlidSource& ids;
    std::string tenant;
    // Ok if the audit log reaches everybody whom the configuration requires; until then no
    // delivery is taken. Unset if the configuration requires nobody.
    std::function<Status()> ready = {};
    // Takes the news of a video provider or a gateway of messages, before the delivery is accepted:
    // an event of which a repeat changes nothing. An error is the answer, so that the sender
    // repeats the delivery. May be unset.
    std::function<Status(const Json& event)> provider_event = {};
    // Keeps what became of deliveries that came to nothing. May be null.
    DeliveryOutcomes* outcomes = nullptr;
    // Admits readings of kept bodies. Null: none is given.
    access::AccessControl* access = nullptr;
    // Seals the reasons of those who replay and discard. Null: nobody may.
    const access::PatientDetail* details = nullptr;
  };
  Hooks(Parts parts, std::vector<Source> sources);

  // Judges the head of a delivery. Errors: not_found hooks.unknown_source; denied hooks.address,
  // which is logged, counted and listed as a delivery that proves nothing. What comes over the
  // hub's own socket has no network, and may come.
  [[nodiscard]] Status expected(const Call& call);
  // True if another machine has to be asked who sends this delivery.
  [[nodiscard]] bool asks_sender(const Call& call) const;
  // The source is configured.
  [[nodiscard]] Result<http::Response> deliver(const Call& call);

  // Takes a message that came over MLLP from this address, whose sender the listener has judged:
  // the answer, or nothing if there is none to give and the sender should repeat it.
  [[nodiscard]] std::optional<std::string> message(std::string_view source, const std::string& body,
                                                   const std::string& address);

  // Deliveries of each source whose sender was proved, since the start.
  [[nodiscard]] std::map<std::string, std::uint64_t> heard() const;
  // Deliveries that did not prove their sender.
  [[nodiscard]] std::uint64_t refused() const { return refused_.load(); }
  void write_outcomes(MetricsWriter& out) const {
    if (parts_.outcomes != nullptr) parts_.outcomes->write_metrics(out);
  }
  // Outcomes of deliveries that came to nothing.
  [[nodiscard]] Result<http::Response> outcomes(const Call& call) const {
    if (parts_.outcomes == nullptr) return not_found("http.not_found", "no outcome is kept");
    return parts_.outcomes->list(call);
  }
  // The kept body of a delivery that could not be read; the audit entry is durable before. Errors:
  // not_found delivery.body, and those of AccessControl::admit_review().
  [[nodiscard]] Result<http::Response> lost_body(const Call& call) const;

  // Result of taking a kept delivery once more (hooks_replay.cpp).
  struct Replayed {
    // new; taken: the hub has it with this body, and nothing happens; changed: the hub has another
    // body under its id, so that living instances are told of it and nothing is started.
    std::string_view was;
    std::vector<std::string> types;
    // Instances that were started or told. Empty before it is done.
    Json instances;
    // An instance was started or told.
    bool used = false;
  };
  // Reads the body with the plugin that the source has now. dry: nothing is done. Errors: not_found
  // delivery.body; conflict delivery.discarded, delivery.source (no such source is configured any
  // more); those of PluginHost::normalise and Engine::accept.
  [[nodiscard]] Result<Replayed> replay_kept(std::int64_t id, bool dry,
                                             const engine::Asked& asked) const;
  // For jobs of many (hub/repair).
  [[nodiscard]] Result<std::vector<One>> kept(const repair::DeliveryFilter& filter,
                                              std::size_t limit) const override;
  [[nodiscard]] Result<std::string> look(std::int64_t id) const override;
  [[nodiscard]] Status replay(std::int64_t id, const engine::Asked& asked) const override;
  // {"reason", "dryRun"?}
  [[nodiscard]] Result<http::Response> take_again(const Call& call) const;
  // {"reason"}: the delivery needs nobody any more, and stays in the list.
  [[nodiscard]] Result<http::Response> discard(const Call& call) const;

 private:
  // Sender of a delivery, for the audit log.
  struct From {
    std::string client;
    std::string request;
    // The header `traceparent`, if it is a good one.
    std::string traceparent{};
    // Envelope of the body, without proofs, and id of the delivery, for a later replay.
    Json envelope{};
    std::string dedupe{};
  };
  // request: that of the call, with its body unpacked.
  [[nodiscard]] Result<http::Response> deliver_plain(const Call& call, const Source& source,
                                                     const http::Request& request);
  // Request id of a message that came over MLLP: a new id, followed by the message's own control id
  // if that may be shown.
  [[nodiscard]] std::string request_of(std::string_view message) const;
  // Takes a delivery of which it is proved who sends it. dedupe_id: unless the plugin says one.
  [[nodiscard]] Result<http::Response> take(const Source& source, const Json& envelope,
                                            const std::string& body, const std::string& dedupe_id,
                                            const From& from);
  [[nodiscard]] Result<engine::Accepted> store(const Source& source, const std::string& body,
                                               const std::string& dedupe_id, const From& from,
                                               const Json& events) const;
  // The events as the engine takes them: CloudEvents 1.0 envelopes. Members that the plugin left
  // out are filled in.
  [[nodiscard]] engine::Delivery delivery_of(const std::string& source, const std::string& body,
                                             const std::string& dedupe_id, const From& from,
                                             const Json& events) const;
  // Logs and counts a delivery that failed. Only the body's length is kept, unless the body could
  // not be read.
  void lost(const LostDelivery& delivery) const;
  // The answer to a delivery that failed with this error, whose line is written.
  [[nodiscard]] http::Response refuse(const Source& source, const From& from, Outcome outcome,
                                      const Error& error, const std::string& body) const;
  void audit_refusal(std::string_view source, std::string_view code);

  // Constant after construction.
  const Parts parts_;
  std::map<std::string, Source, std::less<>> sources_;

  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t> heard_ RABT_GUARDED_BY(mutex_);
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::int64_t> last_refusal_audit_ms_{-1'000'000};
};

void write_metrics(const Hooks& hooks, MetricsWriter& out);

}  // namespace rabt::api
