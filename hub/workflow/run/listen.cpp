#include <algorithm>
#include <utility>

#include "hub/workflow/run/interpreter.hpp"

// listen (dsl-reference.md: Listen, Event Consumption Strategy, Subscription Iterator).
namespace rabt::workflow {

namespace {

// An event's identity (CloudEvents 1.0.2 section 3.1: source and id). Empty if it has none.
std::string event_identity(const Json& event) {
  const Json& id = event["id"];
  if (!id.is_string()) return {};
  return event.string_or("source", "") + '\n' + id.as_string();
}

const EventFilter& filter_at(const ListenBody& body, std::size_t index) {
  const std::size_t count = body.filters.size();
  return index < count ? body.filters[index] : body.until_filters[index - count];
}

// The types that a listen still waits for.
std::vector<std::string> types_of(const ListenBody& body, const std::vector<bool>& satisfied) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < satisfied.size(); ++i) {
    const EventFilter& filter = filter_at(body, i);
    if (filter.every) return {};
    if (satisfied[i]) continue;
    if (std::find(out.begin(), out.end(), filter.type) == out.end()) out.push_back(filter.type);
  }
  return out;
}

}  // namespace

Effect Execution::Impl::subscription(std::uint64_t id, const Frame& frame) {
  const Frame::Listen& state = *frame.listen_state;
  return Subscribe{id, state.keys,
                   types_of(std::get<ListenBody>(frame.task->body), state.satisfied)};
}

void Execution::Impl::run_listen(Frame* frame, const ListenBody& body) {
  auto state = std::make_unique<Frame::Listen>();
  const FrameVariables variables(*this, *frame);
  const std::size_t count = body.filters.size() + body.until_filters.size();
  for (std::size_t i = 0; i < count; ++i) {
    const EventFilter& filter = filter_at(body, i);
    std::vector<Json> expected;
    std::vector<Json> values;
    std::vector<std::pair<std::string, std::string>> names;
    for (const Correlation& correlation : filter.correlate) {
      if (!correlation.expect.has_value()) {
        expected.emplace_back();
        continue;
      }
      Result<Json> value = evaluate(*correlation.expect, frame->input, variables);
      if (!value) return fail(frame, value.error(), "correlate.expect");
      if (value.value().is_null()) {
        return fail(
            frame,
            invalid("workflow.correlation",
                    "`" + correlation.name + "` is null here, so no event could be told apart"),
            "correlate.expect");
      }
      expected.push_back(value.value());
      values.push_back(std::move(value).value());
      names.emplace_back(correlation.name, correlation.from_text);
    }
    std::string key =
        filter.every ? std::string(kEveryEventKey) : correlation_key(filter.type, names, values);
    if (std::find(state->keys.begin(), state->keys.end(), key) == state->keys.end())
      state->keys.push_back(std::move(key));
    state->expected.push_back(std::move(expected));
  }
  state->satisfied.assign(count, false);
  for (const Frame* at = frame; at != nullptr; at = at->parent)
    state->path += std::to_string(at->task->index) + '.';
  frame->listen_state = std::move(state);
  trace(*frame, "waiting");
  const std::uint64_t id = await(frame, Wait::listen, now);
  effects.push_back(subscription(id, *frame));
}

std::optional<Execution::Impl::Match> Execution::Impl::matching_filter(const Frame& frame,
                                                                       const Json& event) const {
  const auto& body = std::get<ListenBody>(frame.task->body);
  const Frame::Listen& state = *frame.listen_state;
  if (const auto seen = consumed.find(state.path); seen != consumed.end()) {
    const std::string identity = event_identity(event);
    if (!identity.empty() && seen->second.contains(identity)) return std::nullopt;
  }
  const FrameVariables variables(*this, frame);
  const NoVariables none;
  const auto takes = [&](std::size_t index) -> std::optional<Match> {
    const EventFilter& filter = filter_at(body, index);
    if (!filter_matches(filter, event, variables)) return std::nullopt;
    Match match;
    match.filter = index;
    for (std::size_t i = 0; i < filter.correlate.size(); ++i) {
      const Correlation& correlation = filter.correlate[i];
      Result<Json> value = evaluate(correlation.from, event, none);
      if (!value) return std::nullopt;
      // Compared as the keys are, so that a subscription and this agree.
      const Json* expected = &state.expected[index][i];
      if (!correlation.expect.has_value()) {
        if (value.value().is_null()) return std::nullopt;
        const auto bound = state.correlated.find(correlation.name);
        if (bound == state.correlated.end()) {
          match.values.emplace_back(correlation.name, std::move(value).value());
          continue;
        }
        expected = &bound->second;
      }
      if (value.value().dump_sorted() != expected->dump_sorted()) return std::nullopt;
    }
    return match;
  };
  const std::size_t count = body.filters.size();
  for (std::size_t i = count; i < count + body.until_filters.size(); ++i) {
    if (state.satisfied[i]) continue;
    if (std::optional<Match> match = takes(i)) return match;
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (state.satisfied[i]) continue;
    if (std::optional<Match> match = takes(i)) return match;
  }
  return std::nullopt;
}

void Execution::Impl::take_event(Frame* frame, const Json& event, const Match& match) {
  const auto& body = std::get<ListenBody>(frame->task->body);
  Frame::Listen& state = *frame->listen_state;
  if (std::string identity = event_identity(event); !identity.empty())
    consumed[state.path].insert(std::move(identity));
  for (const auto& [name, value] : match.values) state.correlated.emplace(name, value);
  const std::size_t count = body.filters.size();
  const auto all = [&](std::size_t from, std::size_t to) {
    return std::all_of(state.satisfied.begin() + static_cast<std::ptrdiff_t>(from),
                       state.satisfied.begin() + static_cast<std::ptrdiff_t>(to),
                       [](bool one) { return one; });
  };
  if (match.filter >= count) {  // counts for `until` only, and is no part of the output
    if (body.until_strategy == Strategy::all) {
      state.satisfied[match.filter] = true;
      if (!all(count, state.satisfied.size())) return;
    }
    return close_listen(frame);
  }
  if (state.outputs.size() + state.queue.size() >= limits::kMaxLoopIterations) {
    return fail(frame, "runtime", 500, "a listen took too many events",
                "at most " + std::to_string(limits::kMaxLoopIterations));
  }
  bool last = !body.until.has_value() && body.until_filters.empty();
  if (body.strategy == Strategy::all) {
    state.satisfied[match.filter] = true;
    last = all(0, count);
  }
  Json item = read_event(body.read, event);
  if (body.foreach.has_value()) {
    state.queue.push_back(std::move(item));
    if (last) {
      state.closed = true;
      drop_wait(frame, Wait::listen);
    }
    if (!state.iterating) next_item(frame);
    return;
  }
  state.outputs.push_back(std::move(item));
  if (body.until.has_value()) {
    const Result<Json> found =
        evaluate(*body.until, Json(state.outputs), FrameVariables(*this, *frame));
    if (!found) return fail(frame, found.error(), "until");
    last = truthy(found.value());
  }
  if (last) close_listen(frame);
}

// No event is taken any more; what waits in the queue still has its turn.
void Execution::Impl::close_listen(Frame* frame) {
  Frame::Listen& state = *frame->listen_state;
  state.closed = true;
  drop_wait(frame, Wait::listen);
  if (state.iterating) return;
  steps.push_back(
      {Step::Kind::complete, frame, nullptr, Json(std::move(state.outputs)), 0, nullptr});
}

void Execution::Impl::next_item(Frame* frame) {
  const auto& body = std::get<ListenBody>(frame->task->body);
  Frame::Listen& state = *frame->listen_state;
  if (state.queue.empty()) {
    state.iterating = false;
    state.item = Json();
    if (state.closed) close_listen(frame);
    return;
  }
  state.iterating = true;
  state.item = std::move(state.queue.front());
  state.queue.pop_front();
  ++state.iteration;
  if (body.foreach->list.tasks.empty()) return item_done(frame, state.item);
  run_list(frame, body.foreach->list, state.item);
}

void Execution::Impl::item_done(Frame* frame, Json output) {
  const auto& body = std::get<ListenBody>(frame->task->body);
  const ListenBody::Foreach& each = *body.foreach;
  Frame::Listen& state = *frame->listen_state;
  if (each.output_as.has_value()) {
    Result<Json> shaped = evaluate(*each.output_as, output, FrameVariables(*this, *frame, frame));
    if (!shaped) return fail(frame, shaped.error(), "foreach.output.as");
    output = std::move(shaped).value();
  }
  if (!conforms(frame, each.output_schema, output, "output")) return;
  if (each.export_as.has_value() &&
      !export_context(frame, each.export_as, each.export_schema, output, frame)) {
    return;
  }
  state.outputs.push_back(std::move(output));
  if (body.until.has_value() && !state.closed) {
    const Result<Json> found =
        evaluate(*body.until, Json(state.outputs), FrameVariables(*this, *frame, frame));
    if (!found) return fail(frame, found.error(), "until");
    if (truthy(found.value())) {
      state.queue.clear();
      state.closed = true;
      drop_wait(frame, Wait::listen);
    }
  }
  next_item(frame);
}

}  // namespace rabt::workflow
