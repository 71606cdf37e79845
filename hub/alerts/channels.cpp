#include "hub/alerts/channels.hpp"

#include <array>

#include "hub/base/clock.hpp"
#include "hub/base/event_names.hpp"

namespace rabt::alerts {

namespace {

constexpr std::int64_t kPatienceMs = 20'000;
constexpr std::size_t kMailLine = 76;

class Mail final : public Channel {
 public:
  Mail(net::HttpClient& http, MailOptions options) : http_(http), options_(std::move(options)) {}

  [[nodiscard]] std::size_t targets() const override { return options_.to.size(); }

  void send(const Message& message, std::size_t target, std::function<void(Told)> done) override {
    const std::string& to = options_.to.at(target);
    net::Request request{.url = options_.url,
                         .body = mail_of(message, options_, to),
                         .timeout_ms = kPatienceMs,
                         .tls = options_.tls,
                         .mail = net::Mail{.from = options_.from, .to = to, .user = options_.user}};
    if (options_.password != nullptr) request.mail->password = options_.password->expose_text();
    http_.start(
        std::move(request), options_.allow,
        [done = std::move(done)](const net::Response& response) { done(told_of(response)); });
  }

 private:
  static Told told_of(const net::Response& response) {
    constexpr int kAccepted = 250;
    if (response.status == kAccepted) return {.ok = true};
    if (response.status != 0) return {.code = "alert.refused", .status = response.status};
    return {.code = "http." + response.error_code};
  }

  net::HttpClient& http_;
  const MailOptions options_;
};

class Sms final : public Channel {
 public:
  Sms(plugin::ActionRunner& actions, const Clock& clock, SmsOptions options)
      : actions_(actions), clock_(clock), options_(std::move(options)) {}

  [[nodiscard]] std::size_t targets() const override { return options_.to.size(); }

  void send(const Message& message, std::size_t target, std::function<void(Told)> done) override {
    plugin::CallRequest call;
    call.tenant = options_.tenant;
    call.instance = message.id;
    call.role = "notify";
    call.action = "notify.sms.send";
    call.version = "1.0.0";
    call.idempotency_key = message.id + "/" + std::to_string(target);
    call.arguments =
        Json::object({{"to", options_.to.at(target)},
                      {"text", title(message.facts, options_.tenant, options_.language)},
                      {"reference", message.id},
                      {"language", options_.language == Language::en ? "en" : "ar"}});
    call.deadline_unix_ms = clock_.now().ms + kPatienceMs;
    actions_.invoke(std::move(call),
                    [done = std::move(done)](const workflow::ActionOutcome& outcome) {
                      const bool ok = outcome.kind == workflow::OutcomeKind::done;
                      // The outcome's own code may be a text of the gateway.
                      done({.ok = ok, .code = ok ? "" : "alert.not_sent"});
                    });
  }

 private:
  plugin::ActionRunner& actions_;
  const Clock& clock_;
  const SmsOptions options_;
};

class Webhook final : public Channel {
 public:
  explicit Webhook(Accept accept) : accept_(std::move(accept)) {}

  [[nodiscard]] std::size_t targets() const override { return 1; }

  void send(const Message& message, std::size_t /*target*/,
            std::function<void(Told)> done) override {
    const bool closed = message.facts.kind == Kind::closed;
    Json data = to_json(message.facts);
    data.set("at", to_iso8601({message.at_ms}));
    if (!message.facts.rule.empty()) {
      data.set("text", Json::object({{"ar", cause(message.facts, Language::ar)},
                                     {"en", cause(message.facts, Language::en)}}));
      data.set("command", command_of(message.facts.rule, message.facts.object));
    }
    const auto taken =
        accept_(Json::object({{"specversion", "1.0"},
                              {"id", message.id},
                              {"source", "/hub/alerts"},
                              {"type", event_type(closed ? "alert.closed" : "alert.opened")},
                              {"subject", message.facts.alert},
                              {"time", to_iso8601({message.at_ms})},
                              {"data", std::move(data)}}));
    if (!taken.ok()) {
      done({.code = taken.error().code});
    } else if (*taken == 0 && message.facts.kind == Kind::test) {
      done({.code = "alert.no_receiver"});
    } else {
      done({.ok = true});
    }
  }

 private:
  static std::string cause(const Facts& facts, Language language) {
    return what(facts.rule, facts.object, facts.value, language);
  }
  const Accept accept_;
};

// RFC 2047. The text is cut where a character begins, so that each word can be read alone.
std::string encoded_words(std::string_view text) {
  constexpr std::size_t kBytes = 42;
  std::string out;
  while (!text.empty()) {
    std::size_t take = std::min(kBytes, text.size());
    while (take < text.size() && (static_cast<unsigned char>(text[take]) & 0xC0U) == 0x80U) --take;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") +
           to_base64(as_bytes(text.substr(0, take))) + "?=";
    text.remove_prefix(take);
  }
  return out;
}

// RFC 5322, section 3.3: "Thu, 26 Nov 2026 16:10:00 +0000".
std::string mail_date(std::int64_t ms) {
  constexpr std::array kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string iso = to_iso8601({ms});
  const auto month = static_cast<std::size_t>((iso[5] - '0') * 10 + iso[6] - '0' - 1);
  return std::string(kDays.at(static_cast<std::size_t>(ms / kDayMs % 7))) + ", " +
         iso.substr(8, 2) + " " + kMonths.at(month) + " " + iso.substr(0, 4) + " " +
         iso.substr(11, 8) + " +0000";
}

}  // namespace

std::string mail_of(const Message& message, const MailOptions& options, std::string_view to) {
  std::string text_all;
  for (const Language language : options.languages) {
    if (!text_all.empty()) text_all += "\n";
    text_all += text(message.facts, options.tenant, language);
  }
  const std::string coded = to_base64(as_bytes(text_all));
  std::string body;
  for (std::size_t at = 0; at < coded.size(); at += kMailLine)
    body += coded.substr(at, kMailLine) + "\r\n";
  const std::string host = options.from.substr(options.from.find('@') + 1);
  return "From: " + options.from + "\r\nTo: " + std::string(to) + "\r\nSubject: " +
         encoded_words(title(message.facts, options.tenant, options.languages.back())) +
         "\r\nDate: " + mail_date(message.at_ms) + "\r\nMessage-ID: <" + message.id + "@" + host +
         ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; "
         "charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
         body;
}

std::unique_ptr<Channel> make_mail(net::HttpClient& http, MailOptions options) {
  return std::make_unique<Mail>(http, std::move(options));
}

std::unique_ptr<Channel> make_sms(plugin::ActionRunner& actions, const Clock& clock,
                                  SmsOptions options) {
  return std::make_unique<Sms>(actions, clock, std::move(options));
}

std::unique_ptr<Channel> make_webhook(Accept accept) {
  return std::make_unique<Webhook>(std::move(accept));
}

}  // namespace rabt::alerts
