#include "hub/workflow/run/lifecycle.hpp"

#include <utility>

namespace rabt::workflow {

namespace {

// Writes the events of one turn.
class Writer {
 public:
  Writer(const Definition& definition, std::string_view instance, std::uint64_t number,
         Timestamp at)
      : definition_(definition), instance_(instance), number_(number), time_(to_iso8601(at)) {}

  void workflow(std::string_view what, std::string_view moment, const JsonObject& more = {}) {
    JsonObject data;
    data.append_new("name", qualified_name());
    for (const auto& [key, value] : more) data.append_new(key, value);
    data.append_new(std::string(moment), time_);
    add("workflow", what, std::move(data));
  }

  void task(const std::string& reference, std::string_view what, std::string_view moment,
            const Json& error = {}) {
    JsonObject data;
    data.append_new("workflow", qualified_name());
    data.append_new("task", reference);
    data.append_new(std::string(moment), time_);
    if (!error.is_null()) data.append_new("error", error);
    add("task", what, std::move(data));
  }

  [[nodiscard]] Json output_uri() const {
    // Relative to the hub's API: the receiver asks there, with its own rights.
    return Json("/api/v1/instances/" + std::string(instance_));
  }
  [[nodiscard]] std::vector<Json> take() { return std::move(events_); }

 private:
  // {name}-{instance}.{namespace}, as in the specification's examples
  [[nodiscard]] Json qualified_name() const {
    return Json(definition_.name() + '-' + std::string(instance_) + '.' + definition_.name_space());
  }

  void add(std::string_view of, std::string_view what, JsonObject data) {
    events_.push_back(Json::object(
        {{"specversion", "1.0"},
         {"id", std::string(instance_) + '/' + std::to_string(number_) + '/' +
                    std::to_string(events_.size())},
         {"source",
          '/' + definition_.name_space() + '/' + definition_.name() + '/' + definition_.version()},
         {"type", "io.serverlessworkflow." + std::string(of) + '.' + std::string(what) + ".v1"},
         {"subject", std::string(instance_)},
         {"time", time_},
         {"datacontenttype", "application/json"},
         {"data", Json(std::move(data))}}));
  }

  const Definition& definition_;
  std::string_view instance_;
  std::uint64_t number_;
  std::string time_;
  std::vector<Json> events_;
};

void write_task(Writer& writer, const TaskTrace& trace) {
  if (trace.kind == "compensate" || trace.kind == "extension") return;
  const bool listen = trace.kind == "listen";
  if (trace.state == "started") {
    writer.task(trace.reference, "created", "createdAt");
    writer.task(trace.reference, "started", "startedAt");
  } else if (trace.state == "waiting") {
    if (listen) writer.workflow("correlation-started", "startedAt");
  } else if (trace.state == "retried") {
    writer.task(trace.reference, "retried", "retriedAt");
  } else if (trace.state == "parked") {
    writer.task(trace.reference, "suspended", "suspendedAt");
  } else if (trace.state == "resumed") {
    writer.task(trace.reference, "resumed", "resumedAt");
  } else if (trace.state == "completed") {
    if (listen) writer.workflow("correlation-completed", "completedAt");
    writer.task(trace.reference, "completed", "completedAt");
  } else if (trace.state == "faulted") {
    writer.task(trace.reference, "faulted", "faultedAt", trace.error);
  } else if (trace.state == "cancelled") {
    writer.task(trace.reference, "cancelled", "cancelledAt");
  }
}

}  // namespace

std::vector<Json> lifecycle_events(const Definition& definition, const Turn& turn) {
  Writer writer(definition, turn.instance, turn.number, turn.input.at);
  if (std::holds_alternative<Start>(turn.input.what) && !turn.effects.empty()) {
    JsonObject more;
    more.append_new("definition", Json::object({{"name", definition.name()},
                                                {"namespace", definition.name_space()},
                                                {"version", definition.version()}}));
    writer.workflow("started", "startedAt", more);
  }
  if (std::holds_alternative<Rewound>(turn.input.what)) writer.workflow("resumed", "resumedAt");
  for (const Effect& effect : turn.effects) {
    if (const auto* trace = std::get_if<TaskTrace>(&effect)) {
      write_task(writer, *trace);
    } else if (const auto* finished = std::get_if<Finished>(&effect)) {
      JsonObject more;
      if (finished->status == InstanceStatus::completed) {
        if (!finished->output.is_null()) more.append_new("outputUri", writer.output_uri());
        writer.workflow("completed", "completedAt", more);
      } else if (finished->status == InstanceStatus::faulted) {
        more.append_new("error", finished->shown);
        writer.workflow("faulted", "faultedAt", more);
      } else {
        writer.workflow("cancelled", "cancelledAt");
      }
    }
  }
  return writer.take();
}

std::vector<Json> suspension_events(const Definition& definition, std::string_view instance,
                                    std::uint64_t number, Timestamp at, bool suspended,
                                    const std::vector<std::string>& tasks) {
  Writer writer(definition, instance, number, at);
  const std::string_view what = suspended ? "suspended" : "resumed";
  const std::string_view moment = suspended ? "suspendedAt" : "resumedAt";
  writer.workflow(what, moment);
  for (const std::string& task : tasks) writer.task(task, what, moment);
  return writer.take();
}

}  // namespace rabt::workflow
