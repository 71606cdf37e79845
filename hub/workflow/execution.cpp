#include "hub/workflow/execution.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "hub/base/overloaded.hpp"
#include "hub/workflow/run/interpreter.hpp"

namespace rabt::workflow {

Execution::Execution(std::shared_ptr<const Definition> definition, Json secrets,
                     std::function<bool()> stop)
    : impl_(std::make_unique<Impl>(std::move(definition), std::move(secrets), std::move(stop))) {}
Execution::Execution(Execution&&) noexcept = default;
Execution& Execution::operator=(Execution&&) noexcept = default;
Execution::~Execution() = default;

std::vector<Effect> Execution::apply(const Input& input) {
  impl_->effects.clear();
  impl_->apply(input);
  return std::move(impl_->effects);
}

Json Execution::state() const {
  return impl_->state();
}

bool Execution::wants(std::uint64_t listen, const Json& event) const {
  const Impl::Open* found = std::as_const(*impl_).find_open(listen);
  return found != nullptr && found->kind == Impl::Wait::listen &&
         impl_->matching_filter(*found->frame, event).has_value();
}

InstanceStatus Execution::status() const {
  if (impl_->finished) return impl_->final_status;
  const bool calls =
      std::any_of(impl_->open.begin(), impl_->open.end(), [](const Impl::Open& entry) {
        return entry.kind == Impl::Wait::call || entry.kind == Impl::Wait::undo ||
               entry.kind == Impl::Wait::ask || entry.kind == Impl::Wait::let_go;
      });
  return calls || !impl_->started ? InstanceStatus::running : InstanceStatus::waiting;
}

std::vector<Effect> Execution::open() const {
  std::vector<Effect> out;
  for (const Impl::Open& entry : impl_->open) out.push_back(impl_->effect_of(entry));
  return out;
}

bool Execution::is_made_again(std::string_view reference) const {
  return std::any_of(impl_->loose.begin(), impl_->loose.end(), [&](const Impl::Loose& loose) {
    return loose.call.reference == reference && impl_->is_made_again(loose);
  });
}

bool Execution::lets_go() const {
  return impl_->rules >= 1;
}

std::optional<InstanceStatus> Execution::ending() const {
  if (!impl_->ending.has_value()) return std::nullopt;
  return impl_->ending->status;
}

std::uint64_t Execution::next_id() const {
  return impl_->next_id;
}

namespace {

bool is_useless(const Execution::Impl::Open& entry, Timestamp at) {
  if (entry.kind != Execution::Impl::Wait::call) return false;
  for (const Frame* frame = entry.frame; frame != nullptr; frame = frame->parent) {
    if (frame->useful_until.has_value() && at > *frame->useful_until) return true;
  }
  return false;
}

bool calls_role(const Definition::Model& model, const Task& task, std::string_view role);

bool calls_role(const Definition::Model& model, const TaskList& list, std::string_view role) {
  return std::any_of(list.tasks.begin(), list.tasks.end(),
                     [&](const auto& one) { return calls_role(model, *one, role); });
}

// True if the task, or one in it, calls the role. Recursion follows the file, whose depth the
// parser limits and whose functions lead to no circle.
bool calls_role(const Definition::Model& model, const Task& task, std::string_view role) {
  const auto in = [&](const TaskList& list) { return calls_role(model, list, role); };
  return std::visit(
      Overloaded{[&](const CallBody& body) { return body.role == role; },
                 [&](const HttpBody& /*body*/) { return role == kHttpRole; },
                 [&](const FunctionBody& body) {
                   return calls_role(model, *model.functions[body.function], role);
                 },
                 [&](const DoBody& body) { return in(body.list); },
                 [&](const ForBody& body) { return in(body.list); },
                 [&](const ForkBody& body) { return in(body.branches); },
                 [&](const ListenBody& body) { return body.foreach && in(body.foreach->list); },
                 [&](const TryBody& body) { return in(body.list) || in(body.handler); },
                 [](const auto& /*other*/) { return false; }},
      task.body);
}

}  // namespace

bool Execution::useless_at(Timestamp at) const {
  return std::any_of(impl_->open.begin(), impl_->open.end(),
                     [&](const Impl::Open& entry) { return is_useless(entry, at); });
}

bool Execution::useless_at(Timestamp at, std::uint64_t call) const {
  const Impl::Open* const entry = std::as_const(*impl_).find_open(call);
  return entry != nullptr && is_useless(*entry, at);
}

std::vector<Deadline> Execution::deadlines(std::string_view role) const {
  std::vector<Deadline> out;
  std::set<const Frame*> seen;
  const auto add = [&](const Frame& frame, std::string_view kind, Timestamp at) {
    out.push_back({frame.task->name, frame.reference, std::string(kind), at});
  };
  for (const Impl::Open& entry : impl_->open) {
    const bool limit = entry.kind == Impl::Wait::timeout || entry.kind == Impl::Wait::attempt;
    if (limit && calls_role(impl_->model, *entry.frame->task, role))
      add(*entry.frame, "timeout", entry.due);
    for (const Frame* frame = entry.frame; frame != nullptr; frame = frame->parent) {
      if (!seen.insert(frame).second) break;
      if (frame->useful_until.has_value() && calls_role(impl_->model, *frame->task, role))
        add(*frame, "usefulUntil", *frame->useful_until);
    }
  }
  std::sort(out.begin(), out.end(),
            [](const Deadline& deadline, const Deadline& other) { return deadline.at < other.at; });
  return out;
}

const Json& Execution::context() const {
  return impl_->context.value;
}

// ---- the journal's form of inputs ----

namespace {

constexpr std::array<std::string_view, 5> kOutcomes = {"done", "transient", "permanent",
                                                       "ambiguous", "cancelled"};

Json outcome_json(const ActionOutcome& outcome) {
  JsonObject out;
  out.append_new("kind", to_string(outcome.kind));
  if (outcome.kind == OutcomeKind::done) {
    out.append_new("output", outcome.output);
    if (!outcome.codes.is_null()) out.append_new("codes", outcome.codes);
    return Json(std::move(out));
  }
  out.append_new("code", outcome.code);
  out.append_new("message", outcome.message);
  if (const std::string& said = outcome.said.unseal("journal, sealed as a whole"); !said.empty())
    out.append_new("said", said);
  if (!outcome.detail.is_null()) out.append_new("detail", outcome.detail);
  if (outcome.retry_after_ms != 0) out.append_new("retry_after_ms", outcome.retry_after_ms);
  return Json(std::move(out));
}

Error refused(std::string_view what) {
  return Error{ErrorKind::corrupt, "workflow.input",
               "not an input of a workflow: " + std::string(what)};
}

bool only(const Json& json, std::initializer_list<std::string_view> keys) {
  if (!json.is_object()) return false;
  return std::all_of(json.as_object().begin(), json.as_object().end(), [&](const auto& member) {
    return std::find(keys.begin(), keys.end(), member.first) != keys.end();
  });
}

Result<std::uint64_t> id_of(const Json& json, std::string_view key) {
  const std::optional<std::int64_t> id = json[key].as_int64();
  if (!id.has_value() || *id < 0) return refused(std::string(key) + " must be an id");
  return static_cast<std::uint64_t>(*id);
}

Result<std::vector<std::uint64_t>> ids_of(const Json& json) {
  if (!json.is_array()) return refused("harmless must be a list of ids");
  std::vector<std::uint64_t> out;
  for (const Json& item : json.as_array()) {
    const std::optional<std::int64_t> id = item.as_int64();
    if (!id.has_value() || *id < 0) return refused("harmless must be a list of ids");
    out.push_back(static_cast<std::uint64_t>(*id));
  }
  return out;
}

Result<ActionOutcome> outcome_of(const Json& json) {
  if (!only(json,
            {"kind", "output", "codes", "code", "message", "said", "detail", "retry_after_ms"}))
    return refused("unknown outcome");
  const auto kind = std::find(kOutcomes.begin(), kOutcomes.end(), json.string_or("kind", ""));
  if (kind == kOutcomes.end()) return refused("unknown kind of outcome");
  ActionOutcome out;
  out.kind = static_cast<OutcomeKind>(kind - kOutcomes.begin());
  out.output = json["output"];
  out.codes = json["codes"];
  out.code = json.string_or("code", "");
  out.message = json.string_or("message", "");
  out.said = Sealed<std::string>(json.string_or("said", ""));
  out.detail = json["detail"];
  out.retry_after_ms = json.int_or("retry_after_ms", 0);
  return out;
}

}  // namespace

std::string_view to_string(OutcomeKind kind) {
  return kOutcomes[static_cast<std::size_t>(kind)];
}

std::string_view to_string(InstanceStatus status) {
  constexpr std::array<std::string_view, 5> kNames = {"running", "waiting", "completed", "faulted",
                                                      "cancelled"};
  return kNames[static_cast<std::size_t>(status)];
}

Json to_json(const Input& input) {
  struct Visitor {
    Json& out;
    void operator()(const Start& what) const {
      Json start = Json::object({{"instance", what.instance}, {"input", what.input}});
      if (what.rules != 0) start.set("rules", what.rules);
      out.set("start", std::move(start));
    }
    void operator()(const ActionEnded& what) const {
      Json ended = Json::object({{"call", what.call}, {"outcome", outcome_json(what.outcome)}});
      if (what.paused_ms != 0) ended.set("paused_ms", what.paused_ms);
      if (!what.by.empty()) ended.set("by", what.by);
      out.set("action_ended", std::move(ended));
    }
    void operator()(const TimerFired& what) const {
      out.set("timer_fired", Json::object({{"timer", what.timer}}));
    }
    void operator()(const EventArrived& what) const {
      out.set("event_arrived", Json::object({{"listen", what.listen}, {"event", what.event}}));
    }
    void operator()(const Cancel& what) const {
      out.set("cancel", Json::object({{"reason", what.reason}}));
    }
    void operator()(const Again& what) const {
      out.set("again", Json::object({{"call", what.call}}));
    }
    void operator()(const Rewound& what) const {
      Json rewound = Json::object(
          {{"to", what.to}, {"next", what.next}, {"reason", what.reason}, {"by", what.by}});
      if (!what.version.empty()) {
        rewound.set("version", what.version);
        rewound.set("was", what.was);
      }
      out.set("rewound", std::move(rewound));
    }
  };
  Json out = Json::object({{"at", input.at.ms}});
  std::visit(Visitor{out}, input.what);
  if (!input.harmless.empty()) {
    Json harmless = Json::array();
    for (const std::uint64_t call : input.harmless) harmless.push_back(call);
    out.set("harmless", std::move(harmless));
  }
  return out;
}

Result<Input> input_from_json(const Json& json) {
  const Json* const harmless = json.find("harmless");
  if (!json.is_object() || json.size() != (harmless == nullptr ? 2U : 3U))
    return refused("it has `at` and one more member");
  const std::optional<std::int64_t> at = json["at"].as_int64();
  if (!at.has_value()) return refused("`at` must be milliseconds");
  Input out;
  out.at = {*at};
  if (harmless != nullptr) {
    RABT_TRY(calls, ids_of(*harmless));
    out.harmless = std::move(calls);
  }
  if (const Json* what = json.find("start")) {
    if (!only(*what, {"instance", "input", "rules"}) || !(*what)["instance"].is_string())
      return refused("start");
    const std::int64_t rules = what->int_or("rules", 0);
    if (rules < 0 || rules > kRules) return refused("rules that this hub does not know");
    out.what = Start{(*what)["instance"].as_string(), (*what)["input"], static_cast<int>(rules)};
    return out;
  }
  if (const Json* what = json.find("action_ended")) {
    const Json* const by = what->find("by");
    if (!only(*what, {"call", "outcome", "paused_ms", "by"}) ||
        (by != nullptr && (!by->is_string() || by->as_string().empty())))
      return refused("action_ended");
    RABT_TRY(id, id_of(*what, "call"));
    RABT_TRY(outcome, outcome_of((*what)["outcome"]));
    out.what = ActionEnded{id, std::move(outcome), what->int_or("paused_ms", 0),
                           what->string_or("by", "")};
    return out;
  }
  if (const Json* what = json.find("timer_fired")) {
    if (!only(*what, {"timer"})) return refused("timer_fired");
    RABT_TRY(id, id_of(*what, "timer"));
    out.what = TimerFired{id};
    return out;
  }
  if (const Json* what = json.find("event_arrived")) {
    if (!only(*what, {"listen", "event"})) return refused("event_arrived");
    RABT_TRY(id, id_of(*what, "listen"));
    out.what = EventArrived{id, (*what)["event"]};
    return out;
  }
  if (const Json* what = json.find("cancel")) {
    if (!only(*what, {"reason"}) || !(*what)["reason"].is_string()) return refused("cancel");
    out.what = Cancel{(*what)["reason"].as_string()};
    return out;
  }
  if (const Json* what = json.find("again")) {
    if (!only(*what, {"call"})) return refused("again");
    RABT_TRY(id, id_of(*what, "call"));
    out.what = Again{id};
    return out;
  }
  if (const Json* what = json.find("rewound")) {
    if (!only(*what, {"to", "next", "reason", "by", "version", "was"}) ||
        !(*what)["reason"].is_string() || !(*what)["by"].is_string())
      return refused("rewound");
    // Both or neither.
    const bool other = what->find("version") != nullptr || what->find("was") != nullptr;
    if (other && (what->string_or("version", "").empty() || what->string_or("was", "").empty()))
      return refused("rewound");
    RABT_TRY(to, id_of(*what, "to"));
    RABT_TRY(next, id_of(*what, "next"));
    out.what = Rewound{.to = to,
                       .next = next,
                       .reason = (*what)["reason"].as_string(),
                       .by = (*what)["by"].as_string(),
                       .version = what->string_or("version", ""),
                       .was = what->string_or("was", "")};
    return out;
  }
  return refused("it names nothing known");
}

}  // namespace rabt::workflow
