#include <algorithm>
#include <nlohmann/json.hpp>

#include "hub/base/clock.hpp"
#include "hub/base/utf8.hpp"
#include "hub/mapping/limits.hpp"
#include "hub/mapping/model.hpp"
#include "hub/workflow/schema.hpp"
#include "rabt/booking.hpp"
#include "rabt/hl7_ack.hpp"

// Applies a mapping to one delivery.
namespace rabt::mapping {

namespace {

constexpr std::string_view kAppointments = "org.rabt.appointment.";
constexpr std::string_view kPayments = "org.rabt.payment.";

// Numbers from here on are milliseconds, below are seconds.
constexpr std::int64_t kMilliseconds = 100'000'000'000;

// Values of the variables: kVariables.
using Values = std::array<Json, kVariables.size()>;

// The value without members that are null, at any level. The depth is that of an expression's
// value.
Json without_nulls(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(without_nulls(item));
    return out;
  }
  if (!value.is_object()) return value;
  JsonObject out;
  for (const auto& [key, member] : value.as_object()) {
    if (!member.is_null()) out.append_new(key, without_nulls(member));
  }
  return Json(std::move(out));
}

// One evaluation of all rules on one message. The first mistake ends it.
class Run {
 public:
  Run(const Mapping::Model& model, const Delivery& delivery, const Json& message)
      : model_(model), delivery_(delivery), message_(message) {}

  Status run(Taken& taken) {
    taken.id = delivery_.digest;
    if (model_.id) {
      RABT_TRY(id, id_of(*model_.id, message_, "the message"));
      if (id.empty()) return fault(*model_.id, "the message", "the id is missing");
      taken.id = std::move(id);
    }
    Json::Array items;
    const bool rows = model_.reading.format == Format::csv && !model_.each;
    if (rows) {
      items = message_.as_array();
    } else if (model_.each) {
      RABT_TRY(found, all(*model_.each, message_, "the message"));
      items = std::move(found);
    } else {
      items.push_back(message_);
    }
    if (items.size() > limits::kMaxMappedItems)
      return invalid("mapping.items", model_.name + ": the message has more than " +
                                          std::to_string(limits::kMaxMappedItems / 1000) +
                                          " thousand items");
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string place = rows          ? "row " + std::to_string(i + 1)
                                : model_.each ? "item " + std::to_string(i + 1)
                                              : "the message";
      RABT_TRY_STATUS(take(items[i], place, taken));
    }
    return ok_status();
  }

 private:
  [[nodiscard]] Error fault(const Expr& expr, const std::string& where,
                            const std::string& what) const {
    return invalid("mapping.rule", model_.name + ":" + std::to_string(expr.line) + ": " +
                                       expr.place + ", " + where + ": " + what);
  }
  [[nodiscard]] Values values() const { return {message_, item_}; }

  Result<Json> one(const Expr& expr, const Json& input, const std::string& where) const {
    auto given = expr.expression.one(input, values(), workflow::default_expression_budget());
    if (!given.ok()) return fault(expr, where, given.error().message);
    return given;
  }
  Result<Json::Array> all(const Expr& expr, const Json& input, const std::string& where) const {
    auto given = expr.expression.all(input, values(), workflow::default_expression_budget());
    if (!given.ok()) return fault(expr, where, given.error().message);
    return *std::move(given);
  }

  // An id or a key: a text, or a number as it is written. "" for null.
  Result<std::string> id_of(const Expr& expr, const Json& input, const std::string& where) const {
    RABT_TRY(given, one(expr, input, where));
    if (given.is_null()) return std::string();
    std::string text;
    if (given.is_string()) {
      text = given.as_string();
    } else if (given.is_number()) {
      text = given.number_text();
    } else {
      return fault(expr, where, "this must be a text or a number");
    }
    if (text.size() > limits::kMaxMappedId)
      return fault(expr, where,
                   "the text is longer than " + std::to_string(limits::kMaxMappedId) + " bytes");
    return text;
  }

  Result<std::string> time_of(const Expr& expr, const Json& input, const std::string& where) const {
    RABT_TRY(given, one(expr, input, where));
    if (given.is_null()) return std::string();
    if (const auto number = given.as_int64())
      return to_iso8601(Timestamp{*number >= kMilliseconds ? *number : *number * 1000});
    if (given.is_string()) {
      const auto time = parse_iso8601(given.as_string());
      if (time.ok()) return to_iso8601(*time);
    }
    return fault(expr, where,
                 "a version is a time of RFC 3339 with its offset, or a whole number; use "
                 "instant(...) for local times");
  }

  Status take(const Json& item, const std::string& where, Taken& taken) {
    item_ = item;
    for (const Rule& rule : model_.rules) {
      if (rule.when) {
        RABT_TRY(holds, one(*rule.when, item, where));
        if (!workflow::truthy(holds)) continue;
      }
      if (rule.ignore) return ok_status();
      if (!rule.each) return emit(rule, item, where, taken);
      RABT_TRY(parts, all(*rule.each, item, where));
      for (std::size_t i = 0; i < parts.size(); ++i)
        RABT_TRY_STATUS(emit(rule, parts[i], where + ", part " + std::to_string(i + 1), taken));
      return ok_status();
    }
    return invalid(
        "mapping.no_rule",
        model_.name + ": " + where + ": no rule takes it; add a rule, or one with `ignore: true`");
  }

  Status emit(const Rule& rule, const Json& part, const std::string& where, Taken& taken) {
    if (taken.events.size() == static_cast<std::size_t>(limits::kMaxEventsPerDelivery))
      return invalid("mapping.events", model_.name + ": the message becomes more than " +
                                           std::to_string(limits::kMaxEventsPerDelivery) +
                                           " events; send it in parts");
    Json event = Json::object({{"type", rule.type},
                               {"source", "/sources/" + delivery_.source},
                               {"id", taken.id + "/" + std::to_string(taken.events.size() + 1)}});
    std::string key;
    if (model_.key) {
      RABT_TRY(found, id_of(*model_.key, part, where));
      key = std::move(found);
    }
    std::string subject = key;
    if (rule.subject) {
      RABT_TRY(found, id_of(*rule.subject, part, where));
      subject = std::move(found);
    }
    if (!subject.empty()) event.set("subject", subject);
    if (model_.version) {
      RABT_TRY(time, time_of(*model_.version, part, where));
      if (!time.empty()) event.set("time", time);
    }
    RABT_TRY(value, value_of(rule.data, part, where));
    Json data = without_nulls(value);
    const bool pays = rule.type.starts_with(kPayments);
    // A payment needs no more than the key.
    if (pays && data.is_object() && data["appointment"].is_null())
      data.set("appointment", Json::object());
    if (pays || rule.type.starts_with(kAppointments)) set_key(data, key);
    if (rule.type.starts_with(kAppointments)) {
      RABT_TRY(fitted, fit(data, rule, where));
      data = std::move(fitted);
    }
    const std::string wrong = workflow::violation(model_.events.at(rule.type), data);
    if (!wrong.empty())
      return invalid("mapping.rule",
                     at(rule, where) + "the event does not fit its schema: " + wrong);
    event.set("data", std::move(data));
    if (event.dump().size() > limits::kMaxEventBytes)
      return invalid("mapping.events", at(rule, where) + "the event is larger than " +
                                           std::to_string(limits::kMaxEventBytes) + " bytes");
    taken.events.push_back(std::move(event));
    return ok_status();
  }

  // The business key, where `data` says none.
  static void set_key(Json& data, const std::string& key) {
    if (key.empty() || !data["appointment"].is_object() ||
        data["appointment"].find("key") != nullptr)
      return;
    Json appointment = data["appointment"];
    appointment.set("key", key);
    data.set("appointment", std::move(appointment));
  }

  [[nodiscard]] std::string at(const Rule& rule, const std::string& where) const {
    return model_.name + ":" + std::to_string(rule.line) + ": " + where + ": ";
  }

  // Brings the data of an appointment to the limits of sessions and payers, as the plugins fhir and
  // hl7v2 do.
  Result<Json> fit(const Json& data, const Rule& rule, const std::string& where) const {
    nlohmann::json plain = nlohmann::json::parse(data.dump(), nullptr, false);
    if (!plain.is_object())
      return invalid("mapping.rule", at(rule, where) + "`data` must be an object");
    sdk::cut_booking_texts(plain);
    const std::string place = sdk::too_long_in_booking(plain);
    if (!place.empty())
      return invalid("mapping.rule",
                     at(rule, where) + "data." + place + ": the id or code is too long");
    return Json::parse(plain.dump());
  }

  Result<Json> value_of(const Shape& shape, const Json& input, const std::string& where) const {
    if (shape.kind == Shape::Kind::constant) return shape.constant;
    if (shape.kind == Shape::Kind::expression) return one(*shape.expression, input, where);
    if (shape.kind == Shape::Kind::array) {
      Json out = Json::array();
      for (const Shape& item : shape.items) {
        RABT_TRY(value, value_of(item, input, where));
        if (!value.is_null()) out.push_back(std::move(value));
      }
      return out;
    }
    Json out = Json::object();
    for (std::size_t i = 0; i < shape.keys.size(); ++i) {
      RABT_TRY(value, value_of(shape.items[i], input, where));
      out.set(shape.keys[i], std::move(value));
    }
    return out;
  }

  const Mapping::Model& model_;
  const Delivery& delivery_;
  const Json& message_;
  Json item_;
};

// The schema is of the whole message; of CSV it is of a row.
Status check_schema(const Mapping::Model& model, const Json& message) {
  if (!model.schema) return ok_status();
  const auto look = [&](const Json& value, const std::string& where) -> Status {
    const std::string wrong = workflow::violation(*model.schema, value);
    if (wrong.empty()) return ok_status();
    return invalid("mapping.schema", model.name + ":" + std::to_string(model.schema_line) +
                                         ": schema, " + where + ": " + wrong);
  };
  if (model.reading.format != Format::csv) return look(message, "the message");
  for (std::size_t row = 0; row < message.size(); ++row)
    RABT_TRY_STATUS(look(message[row], "row " + std::to_string(row + 1)));
  return ok_status();
}

Json default_answers(const std::string& refused) {
  const auto problem = [](std::string_view code, std::string_view detail) {
    return Json::object({{"accepted", false}, {"code", code}, {"detail", detail}}).dump();
  };
  return Json::object(
      {{"content_type", "application/json"},
       {"accepted", R"({"accepted":true})"},
       {"refused",
        problem("plugin.delivery", refused.empty() ? "the hub cannot take this message" : refused)},
       {"conflict", problem("engine.delivery_conflict",
                            "a message with this id was accepted before with another body")},
       {"failed", problem("hooks.failed", "the hub cannot take messages now; send it again")}});
}

// Acknowledgements of a message of HL7 v2, whose header may be readable even if the rest is not.
Json hl7_answers(const Mapping::Model& model, const Delivery& delivery,
                 const std::string& refused) {
  using sdk::hl7::Fault;
  sdk::hl7::Message message;
  std::string wrong = refused.empty() ? "the hub cannot take this message" : refused;
  int code = refused.empty() ? sdk::hl7::kInternal : sdk::hl7::kDataType;
  std::string segment;
  int field = 0;
  try {
    message.read(delivery.body, model.reading.charset);
  } catch (const Fault& fault) {
    code = fault.code();
    segment = fault.segment();
    field = fault.field();
    wrong = fault.what();
  }
  const sdk::hl7::Acknowledger ack{message.header(), delivery.now_seconds};
  Json out = Json::object({{"content_type", "application/hl7-v2; charset=utf-8"},
                           {"refused", ack.refuse(Fault(code, segment, field, wrong))}});
  if (refused.empty()) out.set("accepted", ack.write('A', nullptr));
  out.set("conflict", ack.refuse(Fault(sdk::hl7::kDuplicate, "MSH", 10,
                                       "another message came with this control id before")));
  out.set("failed", ack.refuse(Fault(sdk::hl7::kInternal, "", 0,
                                     "the hub cannot take messages now; send it again")));
  return out;
}

}  // namespace

Taken Mapping::apply(const Json& message, const Delivery& delivery) const {
  Taken taken;
  if (const Status status = Run(*model_, delivery, message).run(taken); !status.ok()) {
    taken.events = Json::array();
    taken.refused = status.error().message;
  }
  return taken;
}

Taken Mapping::take(const Delivery& delivery) const {
  Taken taken;
  const auto message = read_message(model_->reading, delivery.body);
  if (!message.ok()) {
    taken.refused = model_->name + ": " + message.error().message;
  } else if (const Status fits = check_schema(*model_, *message); !fits.ok()) {
    taken.refused = fits.error().message;
  } else {
    taken = apply(*message, delivery);
  }
  // The hub takes reasons of this many bytes.
  constexpr std::size_t kMaxReason = 1000;
  if (taken.refused.size() > kMaxReason) {
    std::size_t end = kMaxReason;
    while (end > 0 && continues_utf8(taken.refused[end])) --end;
    taken.refused.resize(end);
  }
  if (model_->reading.format == Format::hl7v2) {
    taken.answers = hl7_answers(*model_, delivery, taken.refused);
  } else if (model_->answer.empty()) {
    taken.answers = default_answers(taken.refused);
  } else {
    taken.answers = Json::object();
    for (const auto& [name, text] : model_->answer) taken.answers.set(name, text);
  }
  if (taken.id.empty()) taken.id = delivery.digest;
  return taken;
}

}  // namespace rabt::mapping
