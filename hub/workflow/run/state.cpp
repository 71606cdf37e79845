#include <utility>

#include "hub/workflow/run/interpreter.hpp"

// Execution::state: a canonical dump.
namespace rabt::workflow {

namespace {

using Impl = Execution::Impl;

Json undo_json(const std::vector<Undo>& stack) {
  Json::Array out;
  for (const Undo& undo : stack)
    out.push_back(Json::array({Json(undo.order), Json(undo.reference), undo.arguments}));
  return Json(std::move(out));
}

Json cell_json(const ContextCell& cell) {
  return Json::object({{"value", cell.value},
                       {"base", cell.base},
                       {"written", cell.written},
                       {"undo", undo_json(cell.undo)}});
}

Json flags(const std::vector<bool>& values) {
  std::string out;
  for (const bool value : values) out += value ? '1' : '0';
  return Json(out);
}

Json listen_json(const Frame::Listen& state) {
  Json::Array expected;
  for (const std::vector<Json>& one : state.expected)
    expected.emplace_back(Json::Array(one.begin(), one.end()));
  JsonObject correlated;
  for (const auto& [name, value] : state.correlated) correlated.append_new(name, value);
  Json::Array keys;
  for (const std::string& key : state.keys) keys.emplace_back(key);
  return Json::object({{"expected", Json(std::move(expected))},
                       {"satisfied", flags(state.satisfied)},
                       {"correlated", Json(std::move(correlated))},
                       {"outputs", Json(state.outputs)},
                       {"keys", Json(std::move(keys))},
                       {"path", state.path},
                       {"closed", state.closed},
                       {"queue", Json(Json::Array(state.queue.begin(), state.queue.end()))},
                       {"iterating", state.iterating},
                       {"iteration", state.iteration},
                       {"item", state.item}});
}

Json then_json(const std::optional<Then>& then) {
  if (!then.has_value()) return {};
  return Json::array({Json(static_cast<std::int64_t>(then->kind)), Json(then->target)});
}

// The members of one frame; the tree is made by the parent's reference and index.
Json frame_json(const Frame& frame) {
  JsonObject out;
  out.append_new("task", frame.task->index);
  out.append_new("reference", frame.reference);
  out.append_new("parent", frame.parent == nullptr ? Json() : Json(frame.parent->reference));
  out.append_new("depth", frame.depth);
  out.append_new("branch", frame.branch);
  out.append_new("raw", frame.raw);
  out.append_new("input", frame.input);
  out.append_new("raw_output", frame.raw_output);
  out.append_new("started", frame.started.ms);
  out.append_new("then", then_json(frame.then));
  out.append_new("position", frame.list == nullptr ? Json() : Json(frame.position));
  Json::Array visits;
  for (const std::uint32_t visit : frame.visits) visits.emplace_back(visit);
  out.append_new("visits", Json(std::move(visits)));
  out.append_new("note", frame.note);
  out.append_new("arguments", frame.arguments);
  out.append_new("useful_until",
                 frame.useful_until.has_value() ? Json(frame.useful_until->ms) : Json());
  out.append_new("in_extension", frame.in_extension);
  if (frame.for_state.has_value()) {
    out.append_new("for", Json::array({frame.for_state->items, Json(frame.for_state->next)}));
  }
  if (frame.fork_state != nullptr) {
    Json::Array outputs(frame.fork_state->outputs.begin(), frame.fork_state->outputs.end());
    Json::Array cells;
    for (const auto& cell : frame.fork_state->cells) cells.push_back(cell_json(*cell));
    out.append_new("fork", Json::array({Json(std::move(outputs)), Json(std::move(cells)),
                                        Json(frame.fork_state->open)}));
  }
  if (frame.try_state != nullptr) {
    out.append_new("try",
                   Json::array({Json(frame.try_state->retries), Json(frame.try_state->in_handler),
                                frame.try_state->error, Json(frame.try_state->place),
                                Json(frame.try_state->paused_ms)}));
  }
  if (frame.asked != nullptr)
    out.append_new("asked", Json::array({frame.asked->error, Json(frame.asked->permanent)}));
  if (frame.listen_state != nullptr) out.append_new("listen", listen_json(*frame.listen_state));
  if (frame.http != nullptr) {  // without its secrets
    out.append_new("http", Json::array({Json(frame.http->document), Json(frame.http->document_uri),
                                        frame.http->shown}));
  }
  if (frame.extend_state != nullptr) {
    const Frame::Extend& state = *frame.extend_state;
    Json::Array names;
    for (const Extension* extension : state.matched) names.emplace_back(extension->name);
    out.append_new(
        "extend", Json::array({Json(static_cast<std::int64_t>(state.phase)), Json(std::move(names)),
                               Json(state.next), Json(state.replaced), state.output}));
  }
  return Json(std::move(out));
}

Json loose_json(const LooseCall& call) {
  JsonObject out;
  out.append_new("id", call.call.id);
  out.append_new("reference", call.call.reference);
  out.append_new("task", call.task->index);
  Json::Array kept;
  for (const Frame& frame : call.kept) kept.push_back(frame_json(frame));
  out.append_new("kept", Json(std::move(kept)));
  if (call.context != nullptr) out.append_new("context", call.context->value);
  if (call.outcome != nullptr) {
    out.append_new("outcome",
                   Json::array({Json(to_string(call.outcome->kind)), call.outcome->output}));
  }
  out.append_new("retry", call.retry);
  out.append_new("next", call.next == nullptr ? Json() : Json(call.next->reference));
  return Json(std::move(out));
}

}  // namespace

Json Execution::Impl::state() const {
  JsonObject out;
  out.append_new("instance", instance);
  out.append_new("now", now.ms);
  out.append_new("started_at", started_at.ms);
  out.append_new("started", started);
  out.append_new("finished", finished);
  out.append_new("status", to_string(final_status));
  out.append_new("input", input);
  out.append_new("context", cell_json(context));
  Json::Array frames;
  std::vector<const Frame*> todo;
  if (root != nullptr) todo.push_back(root);
  while (!todo.empty()) {
    const Frame* frame = todo.back();
    todo.pop_back();
    frames.push_back(frame_json(*frame));
    for (auto child = frame->children.rbegin(); child != frame->children.rend(); ++child)
      todo.push_back(*child);
  }
  out.append_new("frames", Json(std::move(frames)));
  Json::Array waits;
  for (const Open& entry : open) {
    waits.push_back(Json::array({Json(entry.id), Json(static_cast<std::int64_t>(entry.kind)),
                                 entry.frame == nullptr ? Json() : Json(entry.frame->reference),
                                 Json(entry.due.ms)}));
  }
  out.append_new("open", Json(std::move(waits)));
  out.append_new("next_id", next_id);
  JsonObject taken;
  for (const auto& [path, events] : consumed) {
    Json::Array identities;
    for (const std::string& event : events) identities.emplace_back(event);
    taken.append_new(path, Json(std::move(identities)));
  }
  out.append_new("consumed", Json(std::move(taken)));
  out.append_new("completed_tasks", completed_tasks);
  Json::Array jobs;
  for (const Undoing& job : undoing)
    jobs.push_back(Json::array({undo_json(job.stack), Json(job.retries), Json(job.open)}));
  out.append_new("undoing", Json(std::move(jobs)));
  if (rules != 0) out.append_new("rules", rules);
  if (!loose.empty()) {
    Json::Array calls;
    for (const Loose& one : loose) calls.push_back(loose_json(one));
    out.append_new("let_go", Json(std::move(calls)));
  }
  if (ending.has_value()) {
    out.append_new("ending", Json::array({Json(to_string(ending->status)), ending->output,
                                          ending->error, ending->shown}));
  }
  return Json(std::move(out));
}

}  // namespace rabt::workflow
