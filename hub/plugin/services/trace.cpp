#include <utility>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/trace_context.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxSpansOfCall = 128;  // open at once
constexpr std::size_t kMaxSpans = 4096;       // open at once, of one instance

}  // namespace

struct Services::Trace {
  using Span = Instance::Span;

  // The trace of a run that no other led to.
  static std::string trace_of(const std::string& run) {
    std::string own = trace_of_run(run);
    return own.empty() ? to_hex(crypto::sha256(run)).substr(0, 32) : own;
  }
  static std::uint64_t make_id(Instance& self) { return draw_span(parts(self).random); }
  // The open call with its trace and its own span, or null.
  static Instance::OpenCall* running(Instance& self, std::uint64_t call)
      RABT_REQUIRES(self.mutex_) {
    const auto found = self.calls_.find(call);
    if (found == self.calls_.end() || found->second->state != Instance::OpenCall::State::running)
      return nullptr;
    Instance::OpenCall& open = *found->second;
    if (open.span == 0) open.span = make_id(self);
    if (open.trace.empty()) open.trace = trace_of(open.run);
    return &open;
  }

  static std::int32_t traceparent(void* raw, rabt_call_id call, std::uint64_t span, void* context,
                                  rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return 1;
    std::string text;
    {
      const Lock lock(self.mutex_);
      const Instance::OpenCall* open = running(self, call);
      if (open == nullptr) return 1;
      std::uint64_t at = open->span;
      if (span != 0) {
        const auto found = self.spans_.find(span);
        if (found == self.spans_.end() || found->second.call != call) return 1;
        at = span;
      }
      text = traceparent_of(open->trace, at);
    }
    sink(context, bytes(text));
    return 0;
  } catch (...) {
    return 2;
  }

  static std::uint64_t begin(void* raw, rabt_call_id call, std::uint64_t parent,
                             const char* name) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return 0;
    std::string event = event_name(self, name);
    const Lock lock(self.mutex_);
    Instance::OpenCall* open = running(self, call);
    if (open == nullptr || self.spans_.size() >= kMaxSpans || open->spans >= kMaxSpansOfCall)
      return 0;
    if (parent != 0) {
      const auto found = self.spans_.find(parent);
      if (found == self.spans_.end() || found->second.call != call) return 0;
    }
    const std::uint64_t id = make_id(self);
    if (!self.spans_
             .emplace(id, Span{call, parent == 0 ? open->span : parent, open->trace,
                               std::move(event), parts(self).clock.monotonic_ms()})
             .second)
      return 0;
    ++open->spans;
    return id;
  } catch (...) {
    return 0;
  }

  static void end(void* raw, std::uint64_t span, std::uint32_t status,
                  rabt_bytes fields_json) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    Span ended;
    {
      const Lock lock(self.mutex_);
      const auto found = self.spans_.find(span);
      if (found == self.spans_.end()) return;
      ended = std::move(found->second);
      self.spans_.erase(found);
      if (const auto open = self.calls_.find(ended.call); open != self.calls_.end())
        --open->second->spans;
    }
    write(self, span, ended, status == RABT_SPAN_OK, fields_json);
  } catch (...) {  // a span that cannot be written is lost
  }

  static void write(Instance& self, std::uint64_t id, const Span& span, bool well,
                    rabt_bytes fields_json) {
    const std::string own = span_text(id);
    const std::string parent = span_text(span.parent);
    std::vector<LogField> out{{"plugin", Services::id(self)},
                              {"trace", std::string_view(span.trace)},
                              {"span", std::string_view(own)},
                              {"parent", std::string_view(parent)},
                              {"name", std::string_view(span.name)},
                              {"status", std::string_view(well ? "ok" : "failed")},
                              {"ms", parts(self).clock.monotonic_ms() - span.begun_ms}};
    std::vector<std::string> texts;
    log_fields(self, fields_json, out, texts);
    parts(self).log.debug("plugin.span", out);
  }
};

void Instance::end_spans(std::uint64_t call) {
  std::vector<std::pair<std::uint64_t, Span>> left;
  {
    const Lock lock(mutex_);
    for (auto at = spans_.begin(); at != spans_.end();) {
      if (at->second.call != call) {
        ++at;
        continue;
      }
      left.emplace_back(at->first, std::move(at->second));
      at = spans_.erase(at);
    }
  }
  for (const auto& [id, span] : left) Services::Trace::write(*this, id, span, false, rabt_bytes{});
}

void Services::fill_trace(Instance& self) {
  self.offered_.trace = {
      sizeof self.offered_.trace, 0, &self, &Trace::traceparent, &Trace::begin, &Trace::end};
}

}  // namespace rabt::plugin
