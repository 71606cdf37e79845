#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "gateways.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"

// Messages to people behind the role `notify`. No gateway tells a repeated message from a new one,
// and two messages to a patient are worse than a question to the staff. So the plugin writes into
// the hub's store that it is about to send, and afterwards what became of it: a repeat of the call
// sends nothing, and what cannot be told is for a person to decide.
namespace rabt::notify {

using sdk::Call;
using sdk::Delivery;
using sdk::Events;
using sdk::Host;
using sdk::Kind;
using sdk::Refusal;
using sdk::Reply;
using sdk::Task;
using sdk::TaskPlugin;

namespace {

// Longer than any instance waits for a call to be settled.
constexpr std::int64_t kRemembered = 90LL * 24 * 3600 * 1000;
// The value of a message of which nobody knows whether it left.
constexpr std::string_view kBegun = "begun";

std::string record_of(const Call& call) {
  return "sent/" + call.idempotency_key;
}

Outcome no_store() {
  return Outcome::fail(Kind::transient, "notify.store",
                       "the hub's store cannot be used now, and nothing was sent");
}

Outcome not_known() {
  return Outcome::fail(Kind::ambiguous, "notify.not_known",
                       "an earlier attempt may have sent the message");
}

}  // namespace

class NotifyPlugin final : public TaskPlugin {
 public:
  NotifyPlugin(Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)) {}

  void probe(Call call, Reply reply) { start(look(std::move(call)), std::move(reply)); }

  // Delivery reports. The host has checked who sent them.
  Events normalise(const Delivery& delivery) {
    return {.json = to_events(delivery.body).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "send-sms") {
      const Judge judge = sms_outcome;
      co_return co_await send(call, sms_request(settings_, input, call.idempotency_key), judge);
    }
    if (call.action == "send-email") {
      if (settings_.email_url.empty())
        throw Refusal("notify.no_email", "the configuration names no gateway for e-mail");
      const Judge judge = judge_of_email(relay_id(settings_, input, call.idempotency_key));
      HttpRequest request =
          email_request(settings_, input, call.idempotency_key, host().now_unix_ms() / 1000);
      co_return co_await send(call, std::move(request), judge);
    }
    if (call.action == "get-message")
      co_return co_await ask(call, sdk::text_of(input, "messageId"));
    throw Refusal("notify.unknown_action", "notify has no such action");
  }

 private:
  using Judge = std::function<Outcome(const HttpResult& answer)>;

  [[nodiscard]] Judge judge_of_email(std::string id) const {
    if (!settings_.has_relay()) return email_outcome;
    return [id = std::move(id)](const HttpResult& answer) { return relay_outcome(answer, id); };
  }

  // judge: it outlives the task.
  Task<Outcome> send(const Call& call, HttpRequest request, const Judge& judge) {
    const auto before = co_await kv_get(record_of(call));
    if (before.status == RABT_KV_OK) {
      if (before.value == kBegun) co_return not_known();
      co_return Outcome::done(before.value);
    }
    if (before.status != RABT_KV_ABSENT) co_return no_store();
    // Only if it is still absent: another attempt may run at this moment.
    const auto begun = co_await kv_put(record_of(call), std::string(kBegun), kRemembered, 0);
    if (begun == RABT_KV_CONFLICT) co_return not_known();
    if (begun != RABT_KV_OK) co_return no_store();

    Outcome outcome = judge(co_await http(call, std::move(request)));
    if (outcome.kind == Kind::done) {
      // When this is not stored, a repeat finds that it was begun, and sends nothing either.
      (void)co_await kv_put(record_of(call), outcome.output, kRemembered);
    } else if (outcome.kind != Kind::ambiguous) {
      (void)co_await kv_remove(record_of(call));
    }
    co_return outcome;
  }

  // The SMS gateway's ids are numbers, the e-mail gateway's are not, and a relay knows nothing of a
  // mail that it took.
  Task<Outcome> ask(const Call& call, const std::string& id) {
    if (sdk::all_digits(id)) {
      const Named message{.member = "MessageID", .value = id};
      co_return sms_found(co_await http(call, sms_question(settings_, message)), message);
    }
    if (settings_.email_url.empty() || settings_.has_relay()) co_return unknown_message();
    co_return email_found(co_await http(call, email_question(settings_, id)), id);
  }

  // A message whose answer was lost is looked for by the key that it was sent with.
  Task<Outcome> look(Call call) {
    auto record = co_await kv_get(record_of(call));
    if (record.status == RABT_KV_ABSENT) co_return Outcome::done(R"({"effect":"no"})");
    if (record.found() && record.value == kBegun && call.action == "send-sms") {
      const Named message{.member = "CorrelationID", .value = call.idempotency_key};
      Outcome theirs = sms_found(co_await http(call, sms_question(settings_, message)), message);
      if (theirs.kind == Kind::done) {
        (void)co_await kv_put(record_of(call), theirs.output, kRemembered);
        record.value = theirs.output;
      }
    }
    if (!record.found() || record.value == kBegun)
      co_return Outcome::done(R"({"effect":"unknown"})");
    co_return Outcome::done(
        Json{{"effect", "yes"}, {"output", Json::parse(record.value, nullptr, false)}}.dump());
  }

  Settings settings_;
};

}  // namespace rabt::notify

RABT_PLUGIN(rabt::notify::NotifyPlugin, "notify", "1.0.0");
