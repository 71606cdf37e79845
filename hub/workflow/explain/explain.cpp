#include "hub/workflow/explain/explain.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "hub/base/suggest.hpp"
#include "hub/workflow/explain/describe.hpp"
#include "hub/workflow/explain/task_parts.hpp"
#include "hub/workflow/lint/data_flow.hpp"
#include "hub/workflow/lint/phi_paths.hpp"

namespace rabt::workflow {

namespace {

// One inside the other, or the same.
bool overlap(const std::string& a, const std::string& b) {
  const std::string& shorter = a.size() < b.size() ? a : b;
  const std::string& longer = a.size() < b.size() ? b : a;
  return shorter.empty() || (longer.starts_with(shorter) &&
                             (longer.size() == shorter.size() || longer[shorter.size()] == '.'));
}

void leaves(const FlowValue& value, const std::string& path,
            std::map<std::string, std::set<std::string>>& out) {
  FlowValue here = value;
  here.members.clear();
  const std::set<std::string> origins = here.all();
  if (!origins.empty() || value.members.empty()) out[path].insert(origins.begin(), origins.end());
  for (const auto& [key, part] : value.members)
    leaves(part, key == "[]" ? path : path.empty() ? key : path + '.' + key, out);
}

class Explainer {
 public:
  Explainer(const Definition& definition, const ActionCatalog* catalog)
      : model_(definition.model()), catalog_(catalog) {}

  Explanation run() {
    out_.name = model_.name_space + '/' + model_.name;
    out_.version = model_.version;
    out_.title = model_.title;
    out_.has_catalog = catalog_ != nullptr;
    starts();
    const auto& body = std::get<DoBody>(model_.root->body);
    limit_ = model_.root->timeout == nullptr ? "" : duration_text(*model_.root->timeout);
    for (const auto& task : body.list.tasks) step(*task, 0, limit_, false);
    for (const auto& function : model_.functions) {
      out_.steps.push_back({0, function->line, function->name, "a function, used above"});
      step(*function, 1, limit_, function_retried(*function));
    }
    for (const Extension& extension : model_.extensions) extended(extension);
    calls();
    return std::move(out_);
  }

 private:
  void extended(const Extension& extension) {
    const auto part = [&](const char* when, const TaskList& list) {
      if (list.tasks.empty()) return;
      out_.steps.push_back({0, list.tasks.front()->line, extension.name,
                            std::string("an extension, ") + when + ' ' +
                                extension_text(model_, extension).substr(7) + ':'});
      for (const auto& task : list.tasks) step(*task, 1, limit_, false);
    };
    part("before", extension.before);
    part("after", extension.after);
  }

  void starts() {
    if (model_.start_on_all) out_.starts.emplace_back("all of these events together:");
    for (const EventFilter& filter : model_.start)
      out_.starts.push_back((model_.start_on_all ? "  " : "an event ") + event_text(filter));
    if (const auto& schedule = model_.schedule) {
      if (schedule->every_ms > 0)
        out_.starts.push_back("the clock, every " + duration_text(schedule->every_ms));
      if (!schedule->cron.empty()) {
        out_.starts.push_back("the clock, at `" + schedule->cron + "`" +
                              (schedule->time_zone.empty() ? "" : " in " + schedule->time_zone));
      }
      if (schedule->after_ms >= 0) {
        out_.starts.push_back("the end of the instance before, " +
                              duration_text(schedule->after_ms) + " later");
      }
    }
    if (out_.starts.empty()) out_.starts.emplace_back("another workflow or an operator");
    if (model_.business_key.has_value()) {
      out_.limits.push_back(
          "at most one live instance for each value of " + expression_text(*model_.business_key) +
          (model_.unheard_starts ? "; an event that it has not heard starts the next" : ""));
    }
    if (!model_.patient.empty()) {
      std::string kinds;
      for (const auto& [kind, expression] : model_.patient) {
        if (!kinds.empty()) kinds += ", then ";
        kinds += kind + " " + expression_text(expression);
      }
      out_.limits.push_back("its patient is found by " + kinds);
    }
    if (model_.root->timeout != nullptr)
      out_.limits.push_back("faults after " + duration_text(*model_.root->timeout));
  }

  // True if some call of the function stands inside a retry.
  bool function_retried(const Task& function) const {
    return retried_functions_.contains(&function);
  }

  // limit: what ends a wait here at the latest, in words.
  void step(const Task& task, std::size_t depth, std::string limit, bool retried) {
    if (task.timeout != nullptr) limit = duration_text(*task.timeout);
    std::string text = words(task);
    // The content of a step follows after a colon, so the colon stays last.
    const bool holds = text.ends_with(':');
    if (holds) text.pop_back();
    if (task.condition.has_value()) text += ", only if " + expression_text(*task.condition);
    if (task.timeout != nullptr) text += ", for at most " + limit;
    if (task.compensate.has_value())
      text += ", undone by " + task.compensate->call.title + " when the workflow fails later";
    if (task.on_failure == OnFailure::ask)
      text += ", and when a call fails for good a person is asked first";
    if (task.on_failure == OnFailure::fail) text += ", and nobody is asked when a call fails";
    if (task.commit) text += ", after which nothing before it is undone any more";
    text += leads_to(task);
    if (holds) text += ':';
    out_.steps.push_back({depth, task.line, task.name, std::move(text)});
    if (task.kind() == TaskKind::listen || task.kind() == TaskKind::wait) {
      std::string wait = task_text(model_, task);
      if (task.kind() == TaskKind::listen)
        wait += limit.empty() ? ", for ever" : ", for at most " + limit;
      out_.waits.push_back({depth, task.line, task.name, std::move(wait)});
    }
    if (task.kind() == TaskKind::raise) {
      std::string error = task_text(model_, task).substr(7);
      const Json& named = model_.document["use"]["errors"][error];
      if (named.is_object()) {
        error += " (" + named.string_or("type", "") + ", status " + named["status"].dump() + ')';
      }
      out_.raised.push_back({depth, task.line, task.name, std::move(error)});
    }
    if (task.kind() == TaskKind::emit)
      out_.emitted.push_back({depth, task.line, task.name, task_text(model_, task).substr(6)});
    if (retried) retried_.insert(&task);
    const auto* attempt = std::get_if<TryBody>(&task.body);
    if (attempt != nullptr && attempt->retry != nullptr &&
        task.definition["catch"]["retry"].is_string()) {
      out_.policies[task.definition["catch"]["retry"].as_string()] = retry_text(*attempt->retry);
    }
    for (const TaskPart& part : parts_of(model_, task)) {
      if (part.kind == TaskPart::Kind::function) {
        if (retried) retried_functions_.insert(part.tasks.front());
        continue;
      }
      if (part.kind == TaskPart::Kind::handler) {
        out_.steps.push_back(
            {depth + 1, task.line, "on error", "catches " + catch_text(task) + ":"});
      }
      const bool again = part.kind == TaskPart::Kind::attempt && attempt->retry != nullptr;
      const std::size_t more = part.kind == TaskPart::Kind::handler ? 2 : 1;
      for (const Task* child : part.tasks) step(*child, depth + more, limit, retried || again);
    }
  }

  std::string words(const Task& task) const {
    switch (task.kind()) {
      case TaskKind::call:
      case TaskKind::http:
        return "calls " + task_text(model_, task);
      case TaskKind::run:
        return "runs " + task_text(model_, task);
      case TaskKind::function:
        return "calls the " + task_text(model_, task);
      case TaskKind::do_:
        return "does in order:";
      case TaskKind::set:
        return "sets values";
      case TaskKind::switch_: {
        std::string out = "decides:";
        for (const SwitchCase& switch_case : std::get<SwitchBody>(task.body).cases) {
          out += (out.ends_with(':') ? " " : "; ") + switch_case.name;
          if (switch_case.when.has_value()) out += " when " + expression_text(*switch_case.when);
        }
        return out;
      }
      case TaskKind::listen: {
        const std::string out = task_text(model_, task);
        return parts_of(model_, task).empty() ? out : out + "; does for each event:";
      }
      case TaskKind::for_:
        return "repeats for each " + list_text(model_, task) + ":";
      case TaskKind::fork:
        return std::get<ForkBody>(task.body).compete
                   ? "runs branches side by side; the first to end wins, the others are cancelled:"
                   : "runs branches side by side and waits for all:";
      case TaskKind::try_: {
        const auto& body = std::get<TryBody>(task.body);
        std::string out = "tries:";
        const Json& policy = task.definition["catch"]["retry"];
        if (body.retry != nullptr)
          out = "tries; on " + catch_text(task) + " again " +
                (policy.is_string() ? "by the policy " + policy.as_string()
                                    : retry_text(*body.retry)) +
                ":";
        else if (!body.has_handler)
          out = "tries; " + catch_text(task) + " is ignored:";
        return out;
      }
      default:
        return task_text(model_, task);
    }
  }

  std::string leads_to(const Task& task) const {
    const Json& then = task.definition["then"];
    return then.is_string() && then.as_string() != "continue" ? ", then goes to " + then.as_string()
                                                              : std::string();
  }

  void calls() {
    std::map<const Task*, std::string> paths;
    std::vector<const Task*> order;
    for (const ListedTask& listed : all_tasks(model_)) {
      paths[listed.task] = listed.path;
      order.push_back(listed.task);
    }
    std::map<const Task*, FlowValue> flows;
    for (const FlowCall& call : data_flow(model_).calls) flows[call.task] = call.arguments;
    for (const Task* task : order) {
      ExplainedCall call;
      call.line = task->line;
      call.task = paths[task];
      call.retried = retried_.contains(task);
      std::set<std::string> phi;
      if (const auto* body = std::get_if<CallBody>(&task->body)) {
        call.role = body->role;
        call.action = body->action;
        call.version = body->version;
        if (catalog_ != nullptr) {
          if (const auto info = catalog_->find(body->role, body->action, body->version)) {
            call.title = info->title;
            call.idempotency = info->idempotency;
            for (const std::string& path : phi_paths(info->input_schema))
              phi.insert(without_items(path));
          }
        }
      } else if (const auto* http = std::get_if<HttpBody>(&task->body)) {
        call.role = kHttp;
        call.action = http->title;
      } else if (const auto* child = std::get_if<RunBody>(&task->body)) {
        call.role = "workflow";
        call.action = child->name_space + '/' + child->name;
        call.version = child->version;
      } else {
        continue;
      }
      std::map<std::string, std::set<std::string>> arguments;
      if (const auto found = flows.find(task); found != flows.end())
        leaves(found->second, "", arguments);
      for (const auto& [path, from] : arguments) {
        ExplainedArgument argument;
        argument.path = path;
        argument.phi = std::any_of(phi.begin(), phi.end(), [&](const std::string& marked) {
          return overlap(argument.path, marked);
        });
        argument.from.assign(from.begin(), from.end());
        if (!argument.from.empty() || argument.phi) call.arguments.push_back(std::move(argument));
      }
      out_.calls.push_back(std::move(call));
    }
  }

  static constexpr const char* kHttp = "http";
  const Definition::Model& model_;
  const ActionCatalog* catalog_;
  std::string limit_;
  std::set<const Task*> retried_;
  std::set<const Task*> retried_functions_;
  Explanation out_;
};

std::string repeat_text(const ExplainedCall& call) {
  if (call.idempotency == "native") return "safe to repeat: the outside system takes the key";
  if (call.idempotency == "key") return "safe to repeat: the plugin remembers the key";
  if (call.idempotency == "probe") return "the hub asks before it repeats";
  if (call.idempotency == "none")
    return "NOT safe to repeat: an unknown outcome waits for a person";
  return {};
}

std::string numbered(int line, std::size_t depth, const std::string& text) {
  std::string number = std::to_string(line);
  return std::string(5 - std::min<std::size_t>(5, number.size()), ' ') + number + "  " +
         std::string(depth * 2, ' ') + text + '\n';
}

}  // namespace

Explanation explain(const Definition& definition, const ActionCatalog* catalog) {
  return Explainer(definition, catalog).run();
}

std::string to_text(const Explanation& explanation) {
  std::string out = explanation.name + ' ' + explanation.version +
                    (explanation.title.empty() ? "" : ": " + explanation.title) + '\n';
  out += "\nStarted by\n";
  for (const std::string& start : explanation.starts) out += "  " + start + '\n';
  for (const std::string& limit : explanation.limits) out += "  " + limit + '\n';
  const auto section = [&](const char* title, const std::vector<ExplainedStep>& steps,
                           bool nested) {
    if (steps.empty()) return;
    out += std::string("\n") + title + '\n';
    for (const ExplainedStep& step : steps)
      out += numbered(step.line, nested ? step.depth : 0, step.task + ": " + step.text);
  };
  section("Steps, with their lines", explanation.steps, true);
  if (!explanation.policies.empty()) out += "\nRetry policies\n";
  for (const auto& [name, text] : explanation.policies) out += "  " + name + ": " + text + '\n';
  section("Waits", explanation.waits, false);
  if (!explanation.calls.empty()) out += "\nCalls\n";
  for (const ExplainedCall& call : explanation.calls) {
    out += numbered(call.line, 0,
                    call.task + ": " + (call.role == "http" ? "" : call.role + '/') + call.action +
                        (call.title.empty() ? "" : " (" + call.title + ")"));
    const std::string repeat = repeat_text(call);
    if (!repeat.empty()) out += "         " + repeat + '\n';
    if (call.retried) out += "         retried when it fails\n";
  }
  if (!explanation.has_catalog) {
    out += "\nPatient data\n  not known without --config: the plugins declare it\n";
  } else {
    // By role: what reaches it, and from where.
    std::map<std::string, std::map<std::string, std::set<std::string>>> roles;
    for (const ExplainedCall& call : explanation.calls) {
      for (const ExplainedArgument& argument : call.arguments) {
        if (!argument.phi) continue;
        roles[call.role][call.action + ' ' + argument.path].insert(argument.from.begin(),
                                                                   argument.from.end());
      }
    }
    out += "\nPatient data that reaches a role\n";
    if (roles.empty()) out += "  none\n";
    for (const auto& [role, fields] : roles) {
      out += "  " + role + '\n';
      for (const auto& [field, from] : fields) {
        out += "    " + field + "  from " +
               (from.empty() ? "the file" : listed(std::vector(from.begin(), from.end()))) + '\n';
      }
    }
  }
  section("Errors it raises", explanation.raised, false);
  section("Events it emits", explanation.emitted, false);
  return out;
}

Json to_json(const Explanation& explanation) {
  const auto texts = [](const std::vector<std::string>& items) {
    Json out = Json::array();
    for (const std::string& item : items) out.push_back(item);
    return out;
  };
  const auto steps = [](const std::vector<ExplainedStep>& items) {
    Json out = Json::array();
    for (const ExplainedStep& item : items) {
      out.push_back(Json::object(
          {{"line", item.line}, {"depth", item.depth}, {"task", item.task}, {"text", item.text}}));
    }
    return out;
  };
  Json calls = Json::array();
  for (const ExplainedCall& call : explanation.calls) {
    Json arguments = Json::array();
    for (const ExplainedArgument& argument : call.arguments) {
      arguments.push_back(Json::object({{"path", argument.path},
                                        {"patientData", argument.phi},
                                        {"from", texts(argument.from)}}));
    }
    calls.push_back(
        Json::object({{"line", call.line},
                      {"task", call.task},
                      {"role", call.role},
                      {"action", call.action},
                      {"version", call.version},
                      {"title", call.title},
                      {"idempotency", call.idempotency.empty() ? Json() : Json(call.idempotency)},
                      {"retried", call.retried},
                      {"arguments", arguments}}));
  }
  Json policies = Json::object();
  for (const auto& [name, text] : explanation.policies) policies.set(name, text);
  return Json::object({{"name", explanation.name},
                       {"version", explanation.version},
                       {"title", explanation.title},
                       {"startedBy", texts(explanation.starts)},
                       {"limits", texts(explanation.limits)},
                       {"steps", steps(explanation.steps)},
                       {"retryPolicies", policies},
                       {"waits", steps(explanation.waits)},
                       {"calls", calls},
                       {"raised", steps(explanation.raised)},
                       {"emitted", steps(explanation.emitted)}});
}

}  // namespace rabt::workflow
