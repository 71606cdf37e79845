#include "hub/workflow/explain/describe.hpp"

#include <array>

#include "hub/workflow/error_types.hpp"
#include "hub/workflow/parse/parser.hpp"

namespace rabt::workflow {

namespace {

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

// A value as it stands in the file: the inside of an expression, or JSON.
std::string written(const Json& value) {
  if (!value.is_string()) return value.dump();
  const Enclosed found = enclosed(value.as_string());
  return one_line(found.kind == Enclosed::Kind::expression ? found.inside
                                                           : std::string_view(value.as_string()));
}

std::string short_type(std::string_view type) {
  if (const std::string_view name = standard_error_name(type); !name.empty())
    return std::string(name);
  return std::string(type);
}

std::string error_text(const Json& error) {
  if (error.is_string()) return written(error);
  std::string out = error["type"].is_string() ? short_type(written(error["type"])) : "error";
  if (!error["status"].is_null()) out += ' ' + written(error["status"]);
  return out;
}

}  // namespace

std::string duration_text(std::int64_t ms) {
  struct Unit {
    std::int64_t ms;
    std::string_view name;
  };
  constexpr std::array<Unit, 5> kUnits = {
      {{86'400'000, "day"}, {3'600'000, "hour"}, {60'000, "minute"}, {1000, "second"}, {1, "ms"}}};
  std::string out;
  for (const Unit& unit : kUnits) {
    const std::int64_t count = ms / unit.ms;
    if (count == 0) continue;
    ms %= unit.ms;
    if (!out.empty()) out += ' ';
    out += std::to_string(count) + ' ' + std::string(unit.name);
    if (count != 1 && unit.ms > 1) out += 's';
  }
  return out.empty() ? "0 seconds" : out;
}

std::string duration_text(const DurationSpec& duration) {
  if (duration.expression.has_value()) return expression_text(*duration.expression);
  return duration_text(duration.ms);
}

std::string expression_text(const Expr& expression) {
  return one_line(expression.expression.text());
}

std::string event_text(const EventFilter& filter) {
  std::string out = filter.every ? "every event" : filter.type;
  if (filter.data.has_value() && filter.data->kind == Template::Kind::expression)
    out += " with " + expression_text(*filter.data->expression);
  for (const Correlation& correlation : filter.correlate) {
    out += ", " + one_line(correlation.from_text);
    if (!correlation.expect.has_value()) {
      out += " equal in all of them";
    } else if (correlation.expect->kind == Template::Kind::expression) {
      out += " equal to " + expression_text(*correlation.expect->expression);
    } else {
      out += " equal to " + correlation.expect->constant.dump();
    }
  }
  return out;
}

std::string start_text(const Definition::Model& model) {
  std::string out;
  const auto add = [&](const std::string& text, const char* word) {
    out += (out.empty() ? "" : word) + text;
  };
  for (const EventFilter& filter : model.start)
    add(filter.type, model.start_on_all ? " and " : " or ");
  if (!model.schedule.has_value()) return out;
  if (model.schedule->every_ms > 0) add("every " + duration_text(model.schedule->every_ms), " or ");
  if (!model.schedule->cron.empty()) add("at " + model.schedule->cron, " or ");
  if (model.schedule->after_ms >= 0)
    add(duration_text(model.schedule->after_ms) + " after the one before", " or ");
  return out;
}

std::string extension_text(const Definition::Model& model, const Extension& extension) {
  std::string out = "around every task";
  const Json& all = model.document["use"]["extensions"];
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string kind = all.item(i)[extension.name].string_or("extend", "all");
    if (all.item(i).find(extension.name) != nullptr && kind != "all")
      out = "around every " + kind + " task";
  }
  if (extension.when.has_value()) out += " when " + expression_text(*extension.when);
  return out;
}

std::string task_text(const Definition::Model& model, const Task& task) {
  const Json& given = task.definition;
  switch (task.kind()) {
    case TaskKind::call:
      return std::get<CallBody>(task.body).title;
    case TaskKind::function:
      return "function " + std::get<FunctionBody>(task.body).name;
    case TaskKind::http:
      return std::get<HttpBody>(task.body).title;
    case TaskKind::set:
      return "set";
    case TaskKind::switch_:
      return {};
    case TaskKind::fork:
      return std::get<ForkBody>(task.body).compete ? "the first branch wins" : "all branches";
    case TaskKind::for_:
      return "for each " + list_text(model, task);
    case TaskKind::listen: {
      const auto& body = std::get<ListenBody>(task.body);
      std::string out = body.strategy == Strategy::one   ? "waits for "
                        : body.strategy == Strategy::all ? "waits for all of "
                                                         : "waits for any of ";
      for (std::size_t i = 0; i < body.filters.size(); ++i)
        out += (i == 0 ? "" : "; ") + event_text(body.filters[i]);
      if (body.until.has_value()) out += " until " + expression_text(*body.until);
      for (std::size_t i = 0; i < body.until_filters.size(); ++i)
        out += (i == 0 ? " until " : "; ") + event_text(body.until_filters[i]);
      return out;
    }
    case TaskKind::emit:
      return "emits " + written(given["emit"]["event"]["with"]["type"]);
    case TaskKind::raise:
      return "raises " + error_text(given["raise"]["error"]);
    case TaskKind::wait:
      return "waits " + duration_text(std::get<WaitBody>(task.body).duration);
    case TaskKind::run: {
      const auto& body = std::get<RunBody>(task.body);
      return "the workflow " + body.name_space + '/' + body.name + ' ' + body.version +
             (body.await ? "" : ", without waiting for it");
    }
    default:
      return {};
  }
}

std::string list_text(const Definition::Model& /*model*/, const Task& loop) {
  if (loop.kind() == TaskKind::listen) return loop.definition["foreach"].string_or("item", "event");
  const Json& head = loop.definition["for"];
  return head.string_or("each", "item") + " in " + written(head["in"]);
}

std::string catch_text(const Task& attempt) {
  const auto& body = std::get<TryBody>(attempt.body);
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : " and ") + text; };
  for (const auto& [key, value] : body.match) {
    add(key + ' ' +
        (value.is_string() ? key == "type" ? short_type(value.as_string()) : value.as_string()
                           : value.dump()));
  }
  if (body.when.has_value()) add("when " + expression_text(*body.when));
  if (body.except_when.has_value()) add("except when " + expression_text(*body.except_when));
  return out.empty() ? "every error" : out;
}

std::string retry_text(const RetryPolicy& policy) {
  std::string out;
  const auto add = [&](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  if (policy.attempt_count.has_value()) {
    add("at most " + std::to_string(*policy.attempt_count) + " times");
  }
  add("after " + duration_text(policy.delay));
  if (policy.backoff == RetryPolicy::Backoff::exponential) add("doubling");
  if (policy.backoff == RetryPolicy::Backoff::linear) add("growing");
  if (policy.total_duration.has_value())
    add("for at most " + duration_text(*policy.total_duration));
  add(policy.when.has_value() ? "when " + expression_text(*policy.when)
                              : std::string("not after a permanent error"));
  if (policy.except_when.has_value()) add("except when " + expression_text(*policy.except_when));
  return out;
}

}  // namespace rabt::workflow
