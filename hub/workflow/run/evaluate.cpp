#include "hub/workflow/run/evaluate.hpp"

#include <array>
#include <cmath>

#include "hub/base/clock.hpp"

namespace rabt::workflow {

const Json& runtime_value() {
  static const Json value =
      Json::object({{"name", "rabt"}, {"version", "1.0.3"}, {"metadata", Json::object()}});
  return value;
}

Json WorkflowVariables::get(const VariableSlot& slot) const {
  if (slot.variable == Variable::workflow) {
    return Json::object({{"definition", model_.document}, {"input", input_}});
  }
  return slot.variable == Variable::runtime ? runtime_value() : Json();
}

Json workflow_input(const Definition::Model& model, const Json& raw) {
  if (model.start_read == ReadAs::envelope || !raw.is_array()) return raw;
  Json::Array items;
  for (const Json& event : raw.as_array()) items.push_back(read_event(model.start_read, event));
  return Json(std::move(items));
}

Json read_event(ReadAs how, const Json& event) {
  if (how == ReadAs::envelope) return event;
  if (how == ReadAs::data) return event["data"];
  if (const Json* bytes = event.find("data_base64"); bytes != nullptr && bytes->is_string())
    return *bytes;
  const Json& data = event["data"];
  if (data.is_string() || data.is_null()) return data;
  return Json(data.dump());
}

Error missing_secret(std::string_view name) {
  return denied("workflow.secret", "the secret `" + std::string(name) +
                                       "` is declared, but the hub was not given it for this "
                                       "workflow: add it to the configuration");
}

Result<Json> evaluate(const Expr& expr, const Json& input, const Variables& variables) {
  if (variables.stopped()) return unavailable("workflow.stopped", "the execution was stopped");
  std::array<Json, kMaxVariables> values;
  const std::size_t count = expr.variables.size();
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = variables.get(expr.variables[i]);
    if (expr.variables[i].variable != Variable::secrets) continue;
    for (const std::string& name : expr.secrets) {
      if (values[i].find(name) == nullptr) return missing_secret(name);
    }
  }
  static const ExpressionBudget budget = default_expression_budget();
  return expr.expression.one(input, std::span<const Json>(values.data(), count), budget);
}

// Recursion follows the template, whose depth the YAML reader limits.
Result<Json> evaluate(const Template& value, const Json& input, const Variables& variables) {
  switch (value.kind) {
    case Template::Kind::constant:
      return value.constant;
    case Template::Kind::expression:
      return evaluate(*value.expression, input, variables);
    case Template::Kind::array: {
      Json::Array items;
      items.reserve(value.items.size());
      for (const Template& item : value.items) {
        RABT_TRY(one, evaluate(item, input, variables));
        items.push_back(std::move(one));
      }
      return Json(std::move(items));
    }
    case Template::Kind::object: {
      JsonObject object;
      object.reserve(value.items.size());
      for (std::size_t i = 0; i < value.items.size(); ++i) {
        RABT_TRY(one, evaluate(value.items[i], input, variables));
        object.append_new(value.keys[i], std::move(one));
      }
      return Json(std::move(object));
    }
  }
  return Json();
}

Result<std::int64_t> evaluate(const DurationSpec& duration, const Json& input,
                              const Variables& variables) {
  if (!duration.expression.has_value()) return duration.ms;
  RABT_TRY(value, evaluate(*duration.expression, input, variables));
  if (value.is_string()) return parse_duration_ms(value.as_string());
  if (!value.is_object() || value.size() == 0) {
    return invalid("time.duration",
                   "a duration must be a text such as PT5M or an object such as {\"minutes\": 5}");
  }
  constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {{{"days", 86.4e6},
                                                                          {"hours", 3.6e6},
                                                                          {"minutes", 6e4},
                                                                          {"seconds", 1e3},
                                                                          {"milliseconds", 1}}};
  double total = 0;
  for (const auto& [name, amount] : value.as_object()) {
    double scale = 0;
    for (const auto& [unit, ms] : kUnits) {
      if (unit == name) scale = ms;
    }
    if (scale == 0 || !amount.is_number() || amount.as_double() < 0) {
      return invalid("time.duration",
                     "a duration has days, hours, minutes, seconds, milliseconds, none negative");
    }
    total += amount.as_double() * scale;
  }
  constexpr double kMaxMs = 3.2e12;  // a hundred years, as parse_duration_ms
  if (!(total <= kMaxMs))
    return invalid("time.duration", "a duration may not be longer than a hundred years");
  return std::llround(total);
}

Result<Timestamp> evaluate(const InstantSpec& instant, const Json& input,
                           const Variables& variables) {
  if (!instant.expression.has_value()) return Timestamp{instant.ms};
  RABT_TRY(value, evaluate(*instant.expression, input, variables));
  if (value.is_string()) return parse_iso8601(value.as_string());
  constexpr double kMaxSeconds = 253'402'300'799;  // the end of the year 9999
  if (!value.is_number() || !(value.as_double() >= 0 && value.as_double() <= kMaxSeconds)) {
    return invalid("time.instant",
                   "a point in time must be ISO 8601 text or seconds since 1970, up to the year "
                   "9999");
  }
  return Timestamp{std::llround(value.as_double() * 1000)};
}

bool filter_matches(const EventFilter& filter, const Json& event, const Variables& variables) {
  const Json& type = event["type"];
  if (!type.is_string() || (!filter.every && type.as_string() != filter.type)) return false;
  // An expression that gives true or false decides; any other value is compared with the attribute.
  const auto matches = [&](const Template& wanted, const Json& value) {
    const Result<Json> result = evaluate(wanted, value, variables);
    if (!result) return false;
    if (wanted.kind == Template::Kind::expression && result.value().is_bool())
      return result.value().as_bool();
    return result.value() == value;
  };
  for (const auto& [name, wanted] : filter.attributes) {
    if (!matches(wanted, event[name])) return false;
  }
  return !filter.data.has_value() || matches(*filter.data, event["data"]);
}

std::size_t json_size(const Json& value, std::size_t limit) {
  switch (value.type()) {
    case Json::Type::string:
      return value.as_string().size() + 2;
    case Json::Type::array: {
      std::size_t total = 2;
      for (const Json& item : value.as_array()) {
        if (total > limit) break;
        total += json_size(item, limit - total) + 1;
      }
      return total;
    }
    case Json::Type::object: {
      std::size_t total = 2;
      for (const auto& [key, member] : value.as_object()) {
        if (total > limit) break;
        total += key.size() + 4 + json_size(member, limit - total);
      }
      return total;
    }
    default:
      return 6;
  }
}

}  // namespace rabt::workflow
