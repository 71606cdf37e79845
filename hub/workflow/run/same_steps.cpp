#include "hub/workflow/run/same_steps.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "hub/base/overloaded.hpp"
#include "hub/workflow/run/past_step.hpp"

namespace rabt::workflow {

namespace {

// Something that a row had an instance ask for. The role of a timer is `timer`, of a listen
// `listen`, of an event `event`.
struct Asked {
  std::size_t row = 0;
  std::uint64_t id = 0;
  PastStep step;
};

// Steps that rows have a version ask for.
struct Run {
  std::vector<Asked> asked;
  // Ids.
  std::vector<std::uint64_t> open;
};

// Something without a place of its own stands at the task of which the row told last.
PastStep placed(PastStep step, const TaskTrace& at, std::string_view role) {
  step.reference = at.reference;
  step.task = at.task;
  step.role = role;
  return step;
}

std::string key_of(const std::vector<std::string>& texts, std::string_view what) {
  std::string out(what);
  for (const std::string& text : texts) out.append("\n").append(text);
  return out;
}

std::optional<Asked> asked_by(const Effect& effect, const TaskTrace& at) {
  return std::visit(
      Overloaded{[](const CallAction& call) -> std::optional<Asked> {
                   return Asked{.id = call.id, .step = step_of(call, PastStep::Kind::call)};
                 },
                 [](const Ask& ask) -> std::optional<Asked> {
                   return Asked{.id = ask.call.id, .step = step_of(ask.call, PastStep::Kind::ask)};
                 },
                 [](const StartWorkflow& start) -> std::optional<Asked> {
                   return Asked{.id = start.id, .step = step_of(start)};
                 },
                 [&](const Emit& emit) -> std::optional<Asked> {
                   return Asked{.step = placed(step_of(emit.event), at, "event")};
                 },
                 [&](const StartTimer& timer) -> std::optional<Asked> {
                   PastStep step = placed({}, at, "timer");
                   step.action = timer.purpose;
                   step.key = key_of({timer.purpose}, "timer");
                   return Asked{.id = timer.id, .step = std::move(step)};
                 },
                 [&](const Subscribe& listen) -> std::optional<Asked> {
                   PastStep step = placed({}, at, "listen");
                   step.key = key_of(listen.keys, "listen");
                   return Asked{.id = listen.id, .step = std::move(step)};
                 },
                 [](const auto&) -> std::optional<Asked> { return std::nullopt; }},
      effect);
}

Run run_of(const Version& version, const std::vector<const Input*>& rows) {
  Run out;
  Execution execution(version.definition, version.secrets);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    TaskTrace at;
    for (const Effect& effect : execution.apply(*rows[row])) {
      if (const auto* const trace = std::get_if<TaskTrace>(&effect)) at = *trace;
      auto asked = asked_by(effect, at);
      if (!asked) continue;
      asked->row = row;
      out.asked.push_back(*std::move(asked));
    }
  }
  for (const Effect& effect : execution.open()) out.open.push_back(id_of(effect));
  return out;
}

bool is_call(const PastStep& step) {
  return step.kind == PastStep::Kind::call && step.role != "timer" && step.role != "listen";
}

bool same_place(const PastStep& step, const PastStep& other) {
  return step.kind == other.kind && step.reference == other.reference && step.role == other.role &&
         step.action == other.action;
}

bool same(const Asked& asked, const Asked& other, std::string_view mended) {
  if (asked.row != other.row || asked.id != other.id || !same_place(asked.step, other.step))
    return false;
  if (asked.step.key == other.step.key) return true;
  return is_call(asked.step) && !mended.empty() && asked.step.reference == mended;
}

std::string text_of(const PastStep& step) {
  std::string out = step.reference.empty() ? "the workflow (" : "task " + step.task + " (";
  out += step.role;
  if (!step.action.empty()) out += " " + step.action;
  out += ")";
  return step.reference.empty() ? out : out + " at " + step.reference;
}

Error refused(const Version& after, const std::string& difference) {
  return conflict("engine.retry_version",
                  "up to the failure version " + after.definition->version() +
                      " does not do what the instance did; the first difference: " + difference +
                      "; deploy a version that leaves this as it was, or start the instance again");
}

// Null for one that a version does not ask for.
std::string difference(const Asked* was, const Asked* asked) {
  if (was == nullptr)
    return "it has " + text_of(asked->step) + ", which the instance does not have";
  if (asked == nullptr) return "it does not come to " + text_of(was->step);
  if (!same_place(was->step, asked->step))
    return "it has " + text_of(asked->step) + " where the instance has " + text_of(was->step);
  if (was->row != asked->row || was->id != asked->id)
    return text_of(was->step) + " comes at another point";
  return text_of(was->step) + " asks for something else";
}

}  // namespace

Status check_same_steps(const Version& before, const Version& after,
                        const std::vector<const Input*>& rows, std::string_view mended) {
  const Run was = run_of(before, rows);
  const Run is = run_of(after, rows);
  const auto at = [](const Run& run, std::size_t place) {
    return place < run.asked.size() ? &run.asked[place] : nullptr;
  };
  for (std::size_t place = 0; place < std::max(was.asked.size(), is.asked.size()); ++place) {
    const Asked* const one = at(was, place);
    const Asked* const other = at(is, place);
    if (one == nullptr || other == nullptr || !same(*one, *other, mended))
      return refused(after, difference(one, other));
  }
  // Both have asked for the same, so that only one can have let go of something.
  const auto [open, now] =
      std::mismatch(was.open.begin(), was.open.end(), is.open.begin(), is.open.end());
  if (open == was.open.end() && now == is.open.end()) return ok_status();
  const bool gone = now == is.open.end() || (open != was.open.end() && *open < *now);
  const std::uint64_t id = gone ? *open : *now;
  const auto found = std::find_if(was.asked.begin(), was.asked.end(),
                                  [id](const Asked& one) { return one.id == id; });
  const Asked& asked = found == was.asked.end() ? was.asked.back() : *found;
  return refused(after, text_of(asked.step) + (gone ? " is over there, and open in the instance"
                                                    : " is open there, and over in the instance"));
}

}  // namespace rabt::workflow
