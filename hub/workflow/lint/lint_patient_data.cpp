#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "hub/workflow/lint/data_flow.hpp"
#include "hub/workflow/lint/phi_paths.hpp"
#include "hub/workflow/lint/task_tree.hpp"
#include "hub/workflow/parse/parser.hpp"
#include "hub/workflow/run/uri_template.hpp"

// Data that a schema marks with x-phi, on a way out of the instance: into an event, an error, or an
// HTTP call. Actions are not looked at: what they are given is declared by their own schemas.
namespace rabt::workflow {

namespace {

// Places of the catalog's schemas, as data_flow names them.
class Marked {
 public:
  Marked(const Definition::Model& model, const ActionCatalog& catalog) : catalog_(catalog) {
    for (const Definition::Call& call : model.calls) {
      if (const auto info = catalog_.find(call.role, call.action, call.version))
        add("answer of " + call.role + '/' + call.action, phi_paths(info->output_schema));
    }
    for (EventInfo& event : catalog_.events())
      events_[event.type].merge(phi_paths(event.data_schema));
  }

  void event(const std::string& place, const std::string& type, ReadAs read) {
    const auto found = events_.find(type);
    if (found == events_.end() || found->second.empty()) return;
    if (read == ReadAs::raw) {
      out_.insert(place);
    } else {
      // A listen, and a start, give a list of events.
      add(read == ReadAs::envelope ? place + ".[].data" : place + ".[]", found->second);
    }
  }
  void every_event(const std::string& place, ReadAs read) {
    for (const auto& [type, paths] : events_) event(place, type, read);
  }
  [[nodiscard]] std::set<std::string>& places() { return out_; }

 private:
  void add(const std::string& place, const std::set<std::string>& paths) {
    for (const std::string& path : paths) out_.insert(path.empty() ? place : place + '.' + path);
  }

  const ActionCatalog& catalog_;
  std::map<std::string, std::set<std::string>> events_;
  std::set<std::string> out_;
};

void listened(const Task& task, Marked& marked) {
  const auto* listen = std::get_if<ListenBody>(&task.body);
  if (listen == nullptr) return;
  for (const EventFilter& filter : listen->filters) {
    if (filter.every) {
      marked.every_event("any event", listen->read);
    } else {
      marked.event("event " + filter.type, filter.type, listen->read);
    }
  }
}

void each_task(const TaskList& list, Marked& marked);
void each_task(const Task& task, Marked& marked) {
  listened(task, marked);
  std::visit(
      [&](const auto& body) {
        if constexpr (requires { body.list.tasks; }) each_task(body.list, marked);
        if constexpr (requires { body.branches.tasks; }) each_task(body.branches, marked);
        if constexpr (requires { body.handler.tasks; }) each_task(body.handler, marked);
        if constexpr (requires { body.foreach->list; }) {
          if (body.foreach) each_task(body.foreach->list, marked);
        }
      },
      task.body);
}
void each_task(const TaskList& list, Marked& marked) {
  for (const auto& task : list.tasks) each_task(*task, marked);
}

// A URL with the host that a request goes to; empty when the file does not say it.
std::string url_of(const Template& uri) {
  if (!uri.constant.is_string()) return {};
  std::vector<std::string> names;
  if (!uri_template_fault(uri.constant.as_string(), &names).empty()) return {};
  Json values = Json::object({});
  for (const std::string& name : names) values.set(name, "x");
  const auto url = expand_uri_template(uri.constant.as_string(), values);
  return url.ok() ? *url : std::string();
}

// The value of `key` in the mapping that an entry holds; nullptr when either is missing.
const YamlEntry* inside(const YamlEntry* entry, std::string_view key) {
  return entry == nullptr ? nullptr : entry->value->find(key);
}
const YamlNode* value_of(const YamlEntry* entry) {
  return entry == nullptr ? nullptr : entry->value.get();
}

// Finds out whether marked places leave by a task.
class Leaving {
 public:
  using Warn = std::function<void(int line, int column, std::string message, std::string remedy)>;
  Leaving(const std::set<std::string>& places, const ActionCatalog* catalog, Warn warn)
      : places_(places), catalog_(catalog), warn_(std::move(warn)) {}

  void look(const FlowCall& call, const TaskPlace& place) const {
    const Task& task = *call.task;
    if (std::holds_alternative<EmitBody>(task.body)) return emit(call, place);
    if (std::holds_alternative<RaiseBody>(task.body)) return raise(call, place);
    if (const auto* body = std::get_if<HttpBody>(&task.body)) http(call, *body, place);
  }

 private:
  // Warns at the member of the file, or at the whole when it is one expression.
  bool report(const TaskPlace& place, const FlowValue& value, const YamlNode* holder,
              const std::string& name, const std::string& what, const std::string& remedy) const {
    for (const std::string& marked : places_) {
      if (!value.touches(marked)) continue;
      const YamlEntry* member = holder == nullptr ? nullptr : holder->find(name);
      int line = place.entry->line;
      int column = place.entry->column;
      if (member != nullptr) {
        line = member->value->line;
        column = member->value->column;
      } else if (holder != nullptr && holder->is_text()) {
        line = holder->line;
        column = holder->column;
      }
      warn_(
          line, column,
          what + " may carry `" + without_items(marked) + "`, which a schema marks as patient data",
          remedy);
      return true;
    }
    return false;
  }

  // Parts by name, and what is known of the whole alone.
  template <typename Part>
  static void each(const FlowValue& value, const YamlNode* holder, const Part& part) {
    bool said = false;
    FlowValue rest = value;
    rest.members.clear();
    for (const auto& [name, one] : value.members) said = part(name, one) || said;
    if (!said && holder != nullptr) (void)part("", rest);
  }

  void emit(const FlowCall& call, const TaskPlace& place) const {
    const YamlNode* holder = value_of(inside(inside(place.find("emit"), "event"), "with"));
    each(call.arguments, holder, [&](const std::string& name, const FlowValue& value) {
      if (name != "data") {
        return report(place, value, holder, name,
                      name.empty() ? "the event" : "the event's `" + name + "`",
                      "whoever passes an event on may log its attributes: put it into `data`");
      }
      if (call.task->data_class == "patient") return false;
      return report(place, value, holder, name, "the event's data",
                    "emit ids instead, or say that it is meant: metadata: {rabt: "
                    "{dataClass: patient}}");
    });
  }

  void raise(const FlowCall& call, const TaskPlace& place) const {
    const YamlNode* holder = value_of(inside(place.find("raise"), "error"));
    each(call.arguments, holder, [&](const std::string& name, const FlowValue& value) {
      return report(place, value, holder, name,
                    name.empty() ? "the error" : "the error's `" + name + "`",
                    "operators read errors: say what is wrong, not whose data it is about");
    });
  }

  void http(const FlowCall& call, const HttpBody& body, const TaskPlace& place) const {
    const std::string url = url_of(body.endpoint.uri);
    if (!url.empty() && catalog_ != nullptr && catalog_->takes_patient_data(url)) return;
    const YamlNode* holder = value_of(place.find("with"));
    each(call.arguments, holder, [&](const std::string& name, const FlowValue& value) {
      std::string key = name;
      if (name == "uri" || name == "authentication") key = body.openapi ? "document" : "endpoint";
      if (name == "operation") key = body.openapi ? "operationId" : "method";
      if (body.openapi && name == "query") key = "parameters";
      return report(place, value, holder, key, "`" + key + "` of this call",
                    url.empty()
                        ? "write the host into the file, and list it under http.patient_data of "
                          "the configuration"
                        : "send less, or list the host under http.patient_data of the "
                          "configuration");
    });
  }

  const std::set<std::string>& places_;
  const ActionCatalog* catalog_;
  Warn warn_;
};

}  // namespace

void Parser::check_patient_data(const TaskTree& tree) {
  DataFlow flow = data_flow(*model_);
  std::set<std::string> places = std::move(flow.marked);
  if (catalog_ != nullptr) {
    Marked marked(*model_, *catalog_);
    each_task(*model_->root, marked);
    for (const auto& function : model_->functions) each_task(*function, marked);
    for (const Extension& extension : model_->extensions) {
      each_task(extension.before, marked);
      each_task(extension.after, marked);
    }
    for (const EventFilter& start : model_->start) {
      if (start.every) {
        marked.every_event("event", model_->start_read);
      } else {
        marked.event("event", start.type, model_->start_read);
      }
    }
    places.merge(marked.places());
  }
  if (places.empty()) return;

  std::map<std::pair<int, int>, const TaskPlace*> tasks;
  tree.each([&](const TaskPlace& task) { tasks[{task.entry->line, task.entry->column}] = &task; });
  const Leaving leaving(places, catalog_,
                        [&](int line, int column, std::string message, std::string remedy) {
                          warning(line, column, "workflow.patient_data_leaves", std::move(message),
                                  std::move(remedy));
                        });
  for (const FlowCall& call : flow.calls) {
    const auto found = tasks.find({call.task->line, call.task->column});
    if (found != tasks.end()) leaving.look(call, *found->second);
  }
}

}  // namespace rabt::workflow
