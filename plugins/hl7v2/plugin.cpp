#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "booking.hpp"
#include "chart_writer.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "record.hpp"

// A hospital system that speaks HL7 v2: its bookings as events, and the role `ehr` by messages that
// it acknowledges.
namespace rabt::hl7v2 {

using sdk::Call;
using sdk::Delivery;
using sdk::Events;
using sdk::Host;
using sdk::Kind;
using sdk::Outcome;
using sdk::Refusal;
using sdk::Task;
using sdk::text_of;

namespace {

// Longer than any instance waits for a call to be settled.
constexpr std::int64_t kRemembered = 90LL * 24 * 3600 * 1000;

}  // namespace

class Hl7Plugin final : public ChartWriter {
 public:
  Hl7Plugin(Host host, std::string_view config) : ChartWriter(host, read_settings(config)) {}

  Events normalise(const Delivery& delivery) {
    return to_events(delivery.body, settings(), host().now_unix_ms() / 1000);
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "write-encounter") co_return co_await write_encounter(call, input);
    if (call.action == "write-document") co_return co_await write_document(call, input);
    if (call.action == "write-record") co_return co_await write_record(call, input);
    throw Refusal("hl7v2.unknown_action", "hl7v2 has no such action");
  }

 private:
  // When the first attempt of this call began, in Unix seconds; nothing if the hub's store cannot
  // be used. Every attempt sends the same message: the record system knows the repeat by MSH-10.
  Task<std::optional<std::int64_t>> begun(const Call& call) {
    const std::string key = "begun/" + call.idempotency_key;
    const auto before = co_await kv_get(key);
    const std::int64_t now = host().now_unix_ms() / 1000;
    if (before.status == RABT_KV_OK && !before.value.empty() && before.value.size() < 16 &&
        sdk::all_digits(before.value))
      co_return std::stoll(before.value);
    if (before.status != RABT_KV_ABSENT) co_return std::nullopt;
    const auto kept = co_await kv_put(key, std::to_string(now), kRemembered, 0);
    if (kept != RABT_KV_OK) co_return std::nullopt;
    co_return now;
  }

  Task<Outcome> write_encounter(const Call& call, const Json& input) {
    need_url();
    if (visit_number(input).empty())
      throw Refusal("hl7v2.input", "the consultation has no id that can be written");
    const auto time = co_await begun(call);
    if (!time) co_return no_store();
    const std::string id = control_id(call.idempotency_key);
    const Sent sent =
        co_await send(call, encounter(input, settings(), id, *time), id, call.attempt > 1);
    if (sent.outcome.kind != Kind::done) co_return sent.outcome;
    const Json& appointment = sdk::member_of(input, "appointment");
    Json output = Json::object();
    output["id"] = visit_number(input);
    output["reference"] = "Encounter/" + visit_number(input);
    // Fields that a document about the visit repeats.
    for (const char* key : {"patientReference", "practitionerReference"}) {
      if (std::string value = text_of(appointment, key); !value.empty())
        output[key] = std::move(value);
    }
    for (const char* key : {"start", "end"}) {
      if (std::string value = text_of(input, key); !value.empty()) output[key] = std::move(value);
    }
    if (const auto failed = co_await remember_visit(input, output)) co_return *failed;
    co_return sdk::done(output);
  }

  Task<Outcome> write_document(const Call& call, const Json& input) {
    if (sdk::list_of(input, "recordings").empty()) co_return Outcome::done(R"({"written":false})");
    need_url();
    const auto time = co_await begun(call);
    if (!time) co_return no_store();
    const std::string id = control_id(call.idempotency_key);
    const Sent sent =
        co_await send(call, document(input, settings(), id, *time), id, call.attempt > 1);
    if (sent.outcome.kind != Kind::done) co_return sent.outcome;
    Json output = Json::object();
    output["written"] = true;
    output["id"] = text_of(input, "consultation");
    co_return sdk::done(output);
  }
};

}  // namespace rabt::hl7v2

RABT_PLUGIN(rabt::hl7v2::Hl7Plugin, "hl7v2", "1.0.0");
