#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/alerts/texts.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/call.hpp"

// Ways in which the hub tells people of alerts.
namespace rabt::alerts {

// A telling as a channel takes it.
struct Message {
  // The same for a repeat.
  std::string id;
  Facts facts;
  // When it was made.
  std::int64_t at_ms = 0;
};

struct Told {
  bool ok = false;
  // A code of the hub, never a text of the other side. Empty if it was told.
  std::string code{};
  // Reply code of a mail relay that refused it, or 0.
  int status = 0;
};

// Internally synchronised.
class Channel {
 public:
  virtual ~Channel() = default;
  // Addresses, each of which gets every message.
  [[nodiscard]] virtual std::size_t targets() const = 0;
  // Calls done exactly once, from any thread, possibly before it returns; done must not block.
  virtual void send(const Message& message, std::size_t target, std::function<void(Told)> done) = 0;
};

struct MailOptions {
  // smtp://host:port or smtps://host:port
  std::string url;
  std::string from;
  std::vector<std::string> to;
  std::string user{};
  std::shared_ptr<const SecretBytes> password{};
  std::shared_ptr<const net::TlsOptions> tls{};
  std::shared_ptr<const net::AllowList> allow{};
  std::string tenant{};
  // In this order in one mail.
  std::vector<Language> languages{Language::ar, Language::en};
};
[[nodiscard]] std::unique_ptr<Channel> make_mail(net::HttpClient& http, MailOptions options);
// The message of RFC 5322 that a mail consists of.
[[nodiscard]] std::string mail_of(const Message& message, const MailOptions& options,
                                  std::string_view to);

// SMS through the role `notify`.
struct SmsOptions {
  // Telephone numbers, as +966501234567.
  std::vector<std::string> to;
  std::string tenant;
  Language language = Language::en;
};
[[nodiscard]] std::unique_ptr<Channel> make_sms(plugin::ActionRunner& actions, const Clock& clock,
                                                SmsOptions options);

// Events org.rabt.hub.alert.opened.v1 and closed.v1. accept: takes an event durably, and the same
// event again without effect; gives the number of receivers that want it. A test without any fails
// with alert.no_receiver.
using Accept = std::function<Result<std::size_t>(const Json& event)>;
[[nodiscard]] std::unique_ptr<Channel> make_webhook(Accept accept);

}  // namespace rabt::alerts
