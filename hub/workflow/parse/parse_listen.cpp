#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/suggest.hpp"
#include "hub/workflow/cron.hpp"
#include "hub/workflow/parse/parser.hpp"

// Event filters, listen tasks and schedules (dsl-reference.md: Event Consumption Strategy, Listen,
// Subscription Iterator, Schedule).
namespace rabt::workflow {

std::optional<ReadAs> Parser::read_as(const YamlEntry& entry, std::string_view what) {
  const std::string how = text_of(entry, what);
  if (how == "data") return ReadAs::data;
  if (how == "envelope") return ReadAs::envelope;
  if (how == "raw") return ReadAs::raw;
  if (!how.empty()) {
    error(*entry.value, "workflow.value", std::string(what) + " is data, envelope or raw",
          did_you_mean(how, {"data", "envelope", "raw"}));
  }
  return std::nullopt;
}

std::optional<EventFilter> Parser::filter(const YamlNode& node, Place place, const Scope& scope) {
  if (!check_keys(node, "an event filter", {"with", "correlate"}, {"with"}, node.line, node.column))
    return std::nullopt;
  const YamlEntry& attributes = *node.find("with");
  static const Names event_keys = {"id",         "source",      "type",
                                   "subject",    "time",        "datacontenttype",
                                   "dataschema", "specversion", "data"};
  if (!check_mapping(*attributes.value, "with")) return std::nullopt;
  EventFilter out;
  const YamlEntry* type = attributes.value->find("type");
  if (type == nullptr) {
    error(attributes, "workflow.event_type",
          "an event filter needs `type`: without it every event would match");
    return std::nullopt;
  }
  out.type = text_of(*type, "an event's type");
  if (enclosed(out.type).kind != Enclosed::Kind::literal) {
    error(*type->value, "workflow.event_type",
          "an event's type must be written out: events are looked up by it");
  } else {
    heard_.emplace_back(type->value.get(), out.type);
  }
  for (const YamlEntry& entry : attributes.value->entries) {
    if (entry.key == "type") continue;
    // Extension attributes are lower-case letters and digits (CloudEvents 1.0.2 section 3.1).
    const bool extension = std::all_of(entry.key.begin(), entry.key.end(),
                                       [](char c) { return is_lower(c) || is_digit(c); });
    const std::string near = nearest(entry.key, event_keys);
    if (std::find(event_keys.begin(), event_keys.end(), entry.key) == event_keys.end() &&
        (!extension || !near.empty())) {
      error(entry, "workflow.unknown_key", "`" + entry.key + "` is not an attribute of an event",
            near.empty() ? std::string() : "did you mean `" + near + "`?");
      continue;
    }
    Template wanted = value(*entry.value, place, scope, false);
    if (entry.key == "data") {
      out.data = std::move(wanted);
    } else {
      out.attributes.emplace_back(entry.key, std::move(wanted));
    }
  }
  if (const YamlEntry* correlate = node.find("correlate")) {
    if (!check_mapping(*correlate->value, "correlate")) return std::nullopt;
    for (const YamlEntry& entry : correlate->value->entries) {
      if (!check_mapping(*entry.value, "a correlation")) return std::nullopt;
      if (!check_keys(*entry.value, "a correlation", {"from", "expect"}, {"from"}, entry.line,
                      entry.column)) {
        continue;
      }
      const YamlNode& from = *entry.value->find("from")->value;
      std::optional<Expr> path = expression(from, "from", Place::event, Scope{});
      Correlation correlation;
      correlation.name = entry.key;
      if (const YamlEntry* expect = entry.value->find("expect")) {
        correlation.expect = value(*expect->value, place, scope, false);
      } else if (place != Place::event) {
        warning(
            entry.line, entry.column, "workflow.correlation_without_expect",
            "correlation `" + entry.key +
                "` has no `expect`: events are compared with each other, not with this instance",
            "write expect: ${ $context.<the value> }");
      }
      if (!path.has_value()) continue;
      correlation.from_text = path->expression.text();
      correlation.from = std::move(*path);
      out.correlate.push_back(std::move(correlation));
    }
    std::sort(out.correlate.begin(), out.correlate.end(),
              [](const Correlation& a, const Correlation& b) { return a.name < b.name; });
  }
  return out;
}

void Parser::add_key_plan(const EventFilter& filter) {
  if (filter.every) {
    model_->listens_to_every = true;
    return;
  }
  Definition::Model::KeyPlan plan;
  plan.text = filter.type;
  for (const Correlation& correlation : filter.correlate) {
    if (!correlation.expect.has_value()) continue;
    plan.text += '\n' + correlation.name + '\n' + correlation.from_text;
    plan.names.emplace_back(correlation.name, correlation.from_text);
    plan.from.push_back(correlation.from);
  }
  std::vector<Definition::Model::KeyPlan>& plans = model_->key_plans[filter.type];
  if (std::none_of(plans.begin(), plans.end(),
                   [&](const auto& key_plan) { return key_plan.text == plan.text; })) {
    plans.push_back(std::move(plan));
  }
}

// The entry of `one`, `any` or `all`.
const YamlEntry* Parser::strategy(const YamlEntry& entry, std::string_view where, Strategy& out) {
  const YamlEntry* how = nullptr;
  for (const char* key : {"one", "any", "all"}) {
    const YamlEntry* found = entry.value->find(key);
    if (found == nullptr) continue;
    if (how != nullptr) {
      error(*found, "workflow.value",
            std::string(where) + " takes one of `one`, `any`, `all`, not two");
      return nullptr;
    }
    how = found;
  }
  if (how == nullptr) {
    error(entry, "workflow.missing_key",
          std::string(where) + " needs one of the keys `one`, `any`, `all`");
    return nullptr;
  }
  out = how->key == "one" ? Strategy::one : how->key == "any" ? Strategy::any : Strategy::all;
  return how;
}

std::vector<EventFilter> Parser::filters(const YamlEntry& how, std::string_view where, Place place,
                                         const Scope& scope) {
  std::vector<EventFilter> out;
  const std::string name = std::string(where) + '.' + how.key;
  if (how.key == "one") {
    if (std::optional<EventFilter> found = filter(*how.value, place, scope))
      out.push_back(std::move(*found));
    return out;
  }
  if (how.value->kind != YamlNode::Kind::sequence) {
    error(*how.value, "workflow.type", name + " is a list of event filters");
    return out;
  }
  if (how.value->items.empty()) {
    // Only a listen may ask for every event of the hub; a start by any event would be a mistake.
    if (how.key == "any" && place == Place::task) {
      out.emplace_back().every = true;
    } else {
      error(*how.value, "workflow.empty", name + " needs at least one event filter");
    }
  }
  for (const YamlPtr& item : how.value->items) {
    if (std::optional<EventFilter> found = filter(*item, place, scope))
      out.push_back(std::move(*found));
  }
  return out;
}

void Parser::body_listen(const YamlNode& node, Task& task, const Scope& scope) {
  const YamlEntry& entry = *node.find("listen");
  if (!check_keys(*entry.value, "listen", {"to", "read"}, {"to"}, entry.line, entry.column)) return;
  ListenBody body;
  if (const YamlEntry* read = entry.value->find("read"))
    body.read = read_as(*read, "listen.read").value_or(ReadAs::data);
  const YamlEntry& to = *entry.value->find("to");
  if (!check_keys(*to.value, "listen.to", {"one", "any", "all", "until"}, {}, to.line, to.column))
    return;
  const YamlEntry* how = strategy(to, "listen.to", body.strategy);
  if (how == nullptr) return;
  body.filters = filters(*how, "listen.to", Place::task, scope);
  const YamlEntry* each = node.find("foreach");
  if (each != nullptr)
    foreach (*each, body, scope)
      ;
  if (const YamlEntry* until = to.value->find("until")) {
    if (how->key != "any") {
      error(*until, "workflow.value", "`until` goes with `any` only");
    } else if (until->value->kind == YamlNode::Kind::mapping) {
      if (const YamlEntry* inner = until->value->find("until")) {
        error(*inner, "workflow.value", "an `until` has no `until` of its own");
      } else if (check_keys(*until->value, "until", {"one", "any", "all"}, {}, until->line,
                            until->column)) {
        if (const YamlEntry* what = strategy(*until, "until", body.until_strategy))
          body.until_filters = filters(*what, "until", Place::task, scope);
      }
    } else {
      Scope inner = scope;
      if (body.foreach.has_value() && each != nullptr) {
        // Looked at after each item was processed, so its names are still known.
        for (const char* key : {"item", "at"}) {
          const YamlEntry* name = each->value->find(key);
          inner.locals.push_back(name != nullptr && name->value->is_text() ? name->value->text()
                                 : std::string_view(key) == "item"         ? "item"
                                                                           : "index");
        }
      }
      body.until = expression(*until->value, "until", Place::task, inner);
    }
  }
  for (const EventFilter& event_filter : body.filters) add_key_plan(event_filter);
  for (const EventFilter& filter : body.until_filters) add_key_plan(filter);
  if (!scope.bounded) {
    warning(entry.line, entry.column, "workflow.listen_without_timeout",
            "this listen waits for ever when the event does not come",
            "give the task a `timeout` and catch the timeout error");
  }
  task.body = std::move(body);
}

void Parser::foreach (const YamlEntry& entry, ListenBody & body, const Scope& scope) {
  const YamlNode& node = *entry.value;
  if (!check_keys(node, "foreach", {"item", "at", "do", "output", "export"}, {}, entry.line,
                  entry.column)) {
    return;
  }
  ListenBody::Foreach each;
  Scope inner = scope;
  const auto name_of = [&](const char* key, std::string fallback) {
    if (const YamlEntry* found = node.find(key)) {
      fallback = text_of(*found, std::string("foreach.") + key);
      if (!check_local_name(*found->value, fallback)) return std::uint32_t{0};
    }
    inner.locals.push_back(fallback);
    return local_number(fallback);
  };
  each.item = name_of("item", "item");
  each.at = name_of("at", "index");
  if (const YamlEntry* found = node.find("do")) each.list = list(*found->value, "do", inner);
  if (const YamlEntry* output = node.find("output")) {
    check_keys(*output->value, "output", {"as", "schema"}, {}, output->line, output->column);
    if (const YamlEntry* as = output->value->find("as"))
      each.output_as = value(*as->value, Place::task, inner, true);
    if (const YamlEntry* found = output->value->find("schema"))
      each.output_schema = schema(*found->value);
  }
  if (const YamlEntry* exported = node.find("export")) {
    check_keys(*exported->value, "export", {"as", "schema"}, {}, exported->line, exported->column);
    if (const YamlEntry* as = exported->value->find("as")) {
      each.export_as = value(*as->value, Place::task_export, inner, true);
      note_export(*as->value, node);
    }
    if (const YamlEntry* found = exported->value->find("schema"))
      each.export_schema = schema(*found->value);
  }
  body.foreach = std::move(each);
}

void Parser::read_schedule(const YamlEntry& entry) {
  const YamlNode& node = *entry.value;
  if (!check_keys(node, "schedule", {"on", "read", "every", "cron", "after"}, {}, entry.line,
                  entry.column)) {
    return;
  }
  const YamlEntry* on = node.find("on");
  if (const YamlEntry* read = node.find("read")) {
    if (on == nullptr) error(*read, "workflow.value", "schedule.read goes with schedule.on only");
    model_->start_read = read_as(*read, "schedule.read").value_or(ReadAs::envelope);
  }
  Definition::Schedule schedule;
  schedule.time_zone = model_->time_zone.empty() ? "UTC" : model_->time_zone;
  bool by_clock = false;
  const auto fixed = [&](const YamlEntry& found, std::int64_t least) -> std::int64_t {
    by_clock = true;
    if (found.value->is_text() && enclosed(found.value->text()).kind != Enclosed::Kind::literal) {
      error(*found.value, "workflow.value",
            "schedule." + found.key + " is a fixed duration: no instance exists yet",
            "write PT15M, or a mapping such as {minutes: 15}");
      return least;
    }
    const std::size_t count = diagnostics_.size();
    const std::int64_t ms = duration(*found.value, Place::event, Scope{}).ms;
    if (ms < least && diagnostics_.size() == count) {
      error(
          *found.value, "workflow.value",
          "schedule." + found.key + " must be at least " + std::to_string(least) + " milliseconds");
    }
    return ms;
  };
  if (const YamlEntry* every = node.find("every")) schedule.every_ms = fixed(*every, 1000);
  if (const YamlEntry* after = node.find("after")) schedule.after_ms = fixed(*after, 0);
  if (const YamlEntry* cron = node.find("cron")) {
    by_clock = true;
    const std::string text = text_of(*cron, "schedule.cron");
    if (!text.empty()) {
      const CronOutcome parsed = parse_cron(text);
      if (!parsed.schedule.has_value()) {
        error(cron->value->line,
              cron->value->column + (cron->value->quoted ? 1 : 0) +
                  static_cast<int>(parsed.fault.column) - 1,
              "workflow.cron", parsed.fault.message,
              "write five fields: minute hour day-of-month month day-of-week");
      }
      schedule.cron = text;
    }
  }
  if (by_clock) model_->schedule = std::move(schedule);
  if (on == nullptr) {
    if (!by_clock) {
      error(entry, "workflow.missing_key",
            "schedule needs one of the keys `on`, `every`, `cron`, `after`");
    }
    return;
  }
  if (!check_keys(*on->value, "schedule.on", {"one", "any", "all"}, {}, on->line, on->column))
    return;
  Strategy how = Strategy::one;
  const YamlEntry* which = strategy(*on, "schedule.on", how);
  if (which == nullptr) return;
  model_->start_on_all = how == Strategy::all;
  model_->start = filters(*which, "schedule.on", Place::event, Scope{});
  for (const EventFilter& filter : model_->start) {
    if (filter.correlate.empty() || model_->start_on_all) continue;
    error(*which, "workflow.not_supported",
          "an event that starts an instance alone has nothing to correlate with",
          "use a filter on `data`, or schedule.on.all");
    break;
  }
}

}  // namespace rabt::workflow
