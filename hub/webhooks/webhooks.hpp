#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/base/metrics.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/webhooks/book.hpp"
#include "hub/webhooks/requests.hpp"
#include "hub/webhooks/sender.hpp"

// Events of the hub, told to other systems over HTTP and through RabbitMQ: docs/webhooks.md.
namespace rabt::webhooks {

struct Parts {
  store::Store& store;
  audit::AuditLog& audit;
  keys::DataKeys& keys;
  net::HttpClient& http;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  Logger& log;
  std::string tenant;
  std::shared_ptr<const net::AllowList> allow;
  std::shared_ptr<const net::TlsOptions> tls{};
  Broker broker{};
  // Receivers that may be sent patient data: they may also know traces. Null: none.
  std::shared_ptr<const net::AllowList> patient{};
  // The id of the clinic that a text names. Null: texts are taken as ids.
  std::function<Result<std::string>(std::string_view)> clinic{};
};

// Internally synchronised; every act blocks for one commit.
class Webhooks {
 public:
  using Caller = consultation::Caller;

  // Error conflict webhook.name_taken: the configuration and the API use one name; invalid
  // net.not_allowed names a webhook of the configuration that may not be reached.
  [[nodiscard]] static Result<std::unique_ptr<Webhooks>> open(Parts parts,
                                                              std::vector<Configured> configured);
  // Begins to send.
  void start();
  void stop();

  // Deliveries of an event of the hub (CloudEvents 1.0), one for each webhook that wants it.
  [[nodiscard]] std::vector<Delivery> deliveries_of(const Json& event) const;
  // Inside a job: keeps them, and sends them once they are durable. Those of an event that was put
  // before change nothing.
  Status put(store::Transaction& transaction, const std::vector<Delivery>& deliveries);
  // Puts the deliveries of an event in a commit of their own. Gives their number.
  [[nodiscard]] Result<std::size_t> accept(const Json& event);
  // True if an active webhook may want events of this type.
  [[nodiscard]] bool wants(std::string_view type) const;

  // {items: [Webhook]}
  consultation::Answer list(const Caller& caller);
  // Webhook with `secret`, which is shown this once. Name and address are set. Errors:
  // api.invalid, conflict webhook.name_taken, webhook.too_many.
  consultation::Answer create(const Caller& caller,
                              const consultation::Asked<WebhookMembers>& asked);
  consultation::Answer get(const Caller& caller, const OfWebhook& asked);
  // Error conflict webhook.configured: the configuration has it.
  consultation::Answer change(const Caller& caller, const ChangeWebhook& asked);
  // With its deliveries.
  consultation::Answer remove(const Caller& caller, const OfWebhook& asked);
  // {secret, publicKey, oldUntil}: until then the old secret signs, too.
  consultation::Answer rotate(const Caller& caller, const RotateSecret& asked);
  // Sends the event `ping`: {delivery}. Error conflict webhook.not_active.
  consultation::Answer ping(const Caller& caller, const OfWebhook& asked);
  Result<consultation::Page> deliveries(const Caller& caller, const ListDeliveries& asked,
                                        const consultation::Window& window);
  // {replayed}
  consultation::Answer replay(const Caller& caller, const ReplayDeliveries& asked);
  // {discarded}. These deliveries are not sent again, and are no longer dead. Errors: api.invalid,
  // not_found webhook.delivery_unknown, conflict webhook.not_dead.
  consultation::Answer discard(const Caller& caller, const DiscardDeliveries& asked);

  // Deliveries that were given up, by the name of the webhook.
  [[nodiscard]] Result<std::vector<GivenUp>> dead() const {
    return dead_deliveries(parts_.store, parts_.tenant);
  }
  // Deliveries that active webhooks have not got yet.
  [[nodiscard]] Result<std::vector<Untold>> untold() const {
    return webhooks::untold(parts_.store, parts_.tenant);
  }
  [[nodiscard]] Sender& sender() { return sender_; }
  void write_metrics(MetricsWriter& out) const;

 private:
  Webhooks(Parts parts, std::vector<Configured> configured);
  [[nodiscard]] Result<std::shared_ptr<const Endpoint>> endpoint_of(const Caller& caller,
                                                                    const std::string& id) const;
  // Also one that is made over the API, so that it may be changed there.
  [[nodiscard]] Result<std::shared_ptr<const Endpoint>> own_endpoint_of(
      const Caller& caller, const std::string& id) const;
  [[nodiscard]] Result<Json> to_json(const Endpoint& endpoint) const;
  [[nodiscard]] audit::Entry entry_of(const Caller& caller, std::string_view act,
                                      const Endpoint& endpoint, Json detail) const;
  [[nodiscard]] audit::Prepared entry(const Caller& caller, std::string_view act,
                                      const Endpoint& endpoint, Json detail) const;
  // Puts ids in the place of what clinics were called by. One that is not there yet is told to the
  // log and keeps its name.
  static void name_configured_clinics(std::vector<Configured>& configured, const Parts& parts);
  // Names the clinics that a caller gave: error clinic.unknown.
  [[nodiscard]] Status name_clinics(std::vector<std::string>& clinics) const;
  // Takes the members over. Error invalid api.invalid.
  [[nodiscard]] Status apply(const WebhookMembers& members, Endpoint& endpoint) const;
  // Runs the job of an act, whose answer the commit keeps for a repeat.
  [[nodiscard]] Status write(const Caller& caller, const Json& answer,
                             const store::Store::Job& job);
  [[nodiscard]] Delivery delivery_of(const Endpoint& endpoint, const Json& event,
                                     std::string_view key) const;

  const Parts parts_;
  const access::PatientDetail details_;
  Book book_;
  Sender sender_;
};

inline void write_metrics(const Webhooks& webhooks, MetricsWriter& out) {
  webhooks.write_metrics(out);
}

}  // namespace rabt::webhooks
