#include "tools/check/session.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "hub/plugin/package/library.hpp"
#include "rabt/services.h"
#include "rabt/testing/fake_host.hpp"
#include "rabt/testing/plugin_threads.hpp"
#include "tools/check/child_verdict.hpp"
#include "tools/check/schema_generate.hpp"

namespace rabt::check {

namespace {

using sdk::testing::FakeHost;

constexpr int kMaxSteps = 100'000;  // callbacks of one run: a plugin that never ends
constexpr int kConfigTries = 64;

constexpr const char* kLateCall =
    "A3: the plugin read the bytes of a call after complete() of it had returned";
constexpr const char* kLateAnswer =
    "the plugin read the bytes of a callback after the callback had returned; copy what is kept";

std::string_view view(rabt_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
rabt_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Made before any code of a plugin runs in this process.
sdk::testing::PluginThreads& plugin_threads() {
  static sdk::testing::PluginThreads threads;
  return threads;
}

struct CreateError {
  int times = 0;
  std::string text;
  static void take(void* context, rabt_bytes given) {
    auto& error = *static_cast<CreateError*>(context);
    ++error.times;
    error.text = given.len == 0 ? "" : std::string(view(given));
  }
};

// Several texts on pages of their own.
class Texts {
 public:
  explicit Texts(std::vector<std::string> parts) : all_(joined(parts)) {
    std::size_t at = 0;
    for (const std::string& part : parts) {
      parts_.push_back(all_.view().substr(at, part.size()));
      at += part.size();
    }
  }
  [[nodiscard]] rabt_bytes operator[](std::size_t i) const { return bytes(parts_[i]); }
  void guard(const char* message) { all_.guard(message); }

 private:
  static std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const std::string& part : parts) out += part;
    return out;
  }
  GuardedBytes all_;
  std::vector<std::string_view> parts_;
};

}  // namespace

Answer refused_connection() {
  Answer out;
  out.sent = RABT_SENT_NO;
  out.status = 0;
  out.error = "connect";
  return out;
}
Answer lost_answer() {
  Answer out;
  out.sent = RABT_SENT_MAYBE;
  out.status = 0;
  out.error = "timeout";
  out.until_timeout = true;
  return out;
}
Answer status_answer(int status, std::string body) {
  Answer out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

bool Request::has_effect() const {
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

std::string_view kind_name(std::uint32_t kind) {
  switch (kind) {
    case RABT_DONE:
      return "done";
    case RABT_TRANSIENT:
      return "transient";
    case RABT_PERMANENT:
      return "permanent";
    case RABT_AMBIGUOUS:
      return "ambiguous";
    case RABT_CANCELLED:
      return "cancelled";
    default:
      return "of no kind that exists";
  }
}

// The SDK's fake host does what a host does. This stands at the line between the two: it lends the
// plugin bytes on pages of their own, measures the lane, sees every complete(), and keeps the time.
struct Session::State {
  struct Live {
    CallRecord record;
    std::unique_ptr<Texts> texts;
    rabt_call raw{};
    bool guarded = false;
  };
  // A request on its way through the fake host.
  struct Flight {
    State* state = nullptr;
    rabt_call_id call = 0;
    std::int64_t timeout_ms = 0;
    std::uint64_t number = 0;
    void* context = nullptr;
    rabt_http_done done = nullptr;
  };
  struct Result {
    std::uint32_t sent = 0;
    std::int32_t status = 0;
    std::vector<std::string> texts;  // headers, body, error code, error message, blob, its sha256
    std::uint64_t blob_bytes = 0;
  };
  struct Get {
    State* state = nullptr;
    void* context = nullptr;
    rabt_kv_got done = nullptr;
  };

  State(const Subject& the_subject, const rabt_entry& the_entry, Options the_options)
      : subject(the_subject),
        options(std::move(the_options)),
        entry(the_entry),
        chance(options.chance) {
    if (!options.kv) options.kv = std::make_shared<Stored>();
    host = {sizeof host, RABT_ABI_MINOR, this, &get_service, &complete};
    http = {sizeof http, 0, this, &http_start, &http_cancel};
    kv = {sizeof kv, 0, this, &kv_get, &kv_put, &kv_remove};
    clock = {sizeof clock, 0, this, &clock_now, &clock_monotonic, &wake_after, &random};
    log = {sizeof log, 0, this, &write_log};
    metrics = {sizeof metrics, 0, this, &record_metric};
    table.size = sizeof table;
    table.self = this;
    table.invoke = &invoke;
    table.cancel = &cancel;
    table.get_extension = &get_extension;
    table.destroy = &destroy;
    // The fake host creates its plugin when it is made, from an entry without room for a context.
    rabt_entry at_the_line = entry;
    at_the_line.create = &create;
    line_entry = at_the_line;
    being_made = this;
    fake = std::make_unique<FakeHost>(options.config, line_entry);
    being_made = nullptr;
  }

  static State& of(void* self) {
    auto& state = *static_cast<State*>(self);
    if (state.destroyed) ++state.uses_after;
    return state;
  }
  void wrong(std::string what) {
    const std::scoped_lock lock(mutex);
    if (violations.size() < 20) violations.push_back(std::move(what));
  }
  template <typename Service>
  [[nodiscard]] const Service* service(const char* id) const {
    return static_cast<const Service*>(below->get_service(below->self, id));
  }
  void on_lane(const char* what, const std::function<void()>& function) {
    const auto start = std::chrono::steady_clock::now();
    function();
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                            std::chrono::steady_clock::now() - start)
                            .count();
    if (micros > slowest.second) slowest = {what, micros};
  }

  // ---- the entry and the instance that the fake host sees
  static const rabt_plugin* create(const rabt_host* below, rabt_bytes config, void* error_context,
                                   rabt_sink error) {
    State& state = *being_made;
    state.below = below;
    state.set_up(*static_cast<FakeHost*>(below->self));
    Texts texts({std::string(view(config))});
    state.plugin =
        state.entry.create(&state.host, texts[0], &state.create_error, &CreateError::take);
    texts.guard("the plugin read the bytes of its configuration after create had returned");
    if (state.plugin != nullptr) return &state.table;
    error(error_context, bytes(state.create_error.text));
    return nullptr;
  }
  // Before any code of the plugin runs.
  void set_up(FakeHost& host_below) {
    for (const std::string& name : subject.manifest().secrets) {
      const auto given = subject.secrets().find(name);
      host_below.secrets[name] =
          given == subject.secrets().end() ? "check-secret-of-" + name : given->second;
    }
    time_ms = host_below.clock.unix_ms();
    host_below.store = *options.kv;
    host_below.outside = [this](const sdk::testing::Request& request) { return outside(request); };
  }
  static std::int32_t invoke(void* self, const rabt_call* given) {
    State& state = *static_cast<State*>(self);
    auto made = std::make_unique<Live>();
    Live& live = *made;
    live.record.action = std::string(view(given->action));
    live.record.began_ms = state.now();
    live.record.deadline_ms = given->deadline_unix_ms;
    live.texts = std::make_unique<Texts>(std::vector<std::string>{
        live.record.action, std::string(view(given->action_version)),
        std::string(view(given->input)), std::string(view(given->idempotency_key))});
    live.raw = *given;
    live.raw.attempt = state.next_attempt;
    live.raw.action = (*live.texts)[0];
    live.raw.action_version = (*live.texts)[1];
    live.raw.input = (*live.texts)[2];
    live.raw.idempotency_key = (*live.texts)[3];
    {
      const std::scoped_lock lock(state.mutex);
      state.calls[given->id] = std::move(made);
    }
    std::int32_t result = 0;
    state.on_lane("invoke", [&] { result = state.plugin->invoke(state.plugin->self, &live.raw); });
    const std::scoped_lock lock(state.mutex);
    live.record.invoke_result = result;
    return result;
  }
  static void cancel(void* self, rabt_call_id id) {
    State& state = *static_cast<State*>(self);
    state.on_lane("cancel", [&] { state.plugin->cancel(state.plugin->self, id); });
  }
  static const void* get_extension(void* self, const char* id) {
    State& state = *static_cast<State*>(self);
    return state.plugin->get_extension(state.plugin->self, id);
  }
  static void destroy(void* self) {
    State& state = *static_cast<State*>(self);
    state.plugin->destroy(state.plugin->self);
    state.destroyed = true;
  }

  // ---- the host that the plugin sees
  static const void* get_service(void* self, const char* id) {
    State& state = of(self);
    if (id == nullptr || !state.options.services) return nullptr;
    const std::string_view name(id);
    if (name == RABT_HTTP) return &state.http;
    if (name == RABT_KV) return &state.kv;
    if (name == RABT_CLOCK) return &state.clock;
    if (name == RABT_LOG) return &state.log;
    if (name == RABT_METRICS) return &state.metrics;
    if (name == RABT_SECRETS && !state.subject.manifest().secrets_raw) return nullptr;
    return state.below->get_service(state.below->self, id);
  }

  static void complete(void* self, rabt_call_id id, const rabt_outcome* raw) {
    State& state = of(self);
    Live* live = nullptr;
    {
      const std::scoped_lock lock(state.mutex);
      const auto found = state.calls.find(id);
      if (found != state.calls.end()) live = found->second.get();
    }
    if (live == nullptr) return state.wrong("complete() of a call that was never made");
    OutcomeCopy copy;
    if (!RABT_HAS(rabt_outcome, raw, retry_after_ms)) {
      state.wrong("an outcome whose size is smaller than rabt_outcome");
      copy.kind = UINT32_MAX;
    } else {
      const auto text = [](rabt_bytes b) {
        return b.len == 0 ? std::string() : std::string(view(b));
      };
      copy = {raw->kind,          text(raw->output), text(raw->code),
              text(raw->message), text(raw->detail), raw->retry_after_ms};
    }
    if (!state.destroyed) state.below->complete(state.below->self, id, raw);
    const std::scoped_lock lock(state.mutex);
    if (live->record.outcomes.empty()) live->record.ended_ms = state.now();
    live->record.outcomes.push_back(std::move(copy));
    if (!live->guarded) {
      live->guarded = true;
      live->texts->guard(kLateCall);
    }
  }

  // The outside system as the test has it, in the words of the SDK's fake.
  sdk::testing::Answer outside(const sdk::testing::Request& request) {
    Request ours;
    ours.call = request.call;
    ours.body = request.body;
    ours.head = Json::parse(request.text).ok() ? Json::parse(request.text).value() : Json();
    ours.method = ours.head.string_or("method", "GET");
    ours.url = ours.head.string_or("url", "");
    {
      const std::scoped_lock lock(mutex);
      const auto live = calls.find(ours.call);
      if (live != calls.end()) live->second->record.requests.push_back(ours);
    }
    const Answer answer = options.world ? options.world(ours) : Answer{};
    Json headers = Json::array();
    for (const auto& [name, value] : answer.headers)
      headers.push_back(Json::array({Json(name), Json(value)}));
    sdk::testing::Answer out;
    out.sent = answer.sent;
    out.status = answer.status;
    out.body = answer.body;
    out.headers = headers.dump();
    out.error = answer.error;
    out.error_message = answer.error.empty() ? "" : "the fake outside system says " + answer.error;
    return out;
  }
  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes head, rabt_bytes body,
                                  void* context, rabt_http_done done) {
    State& state = of(self);
    auto flight = std::make_unique<Flight>();
    flight->state = &state;
    flight->call = call;
    flight->context = context;
    flight->done = done;
    const auto parsed = Json::parse(view(head));
    if (!parsed.ok() || !(*parsed)["url"].is_string())
      state.wrong("an HTTP request that is no JSON object with a url");
    flight->timeout_ms = parsed.ok() ? parsed->int_or("timeout_ms", 60'000) : 0;
    {
      const std::scoped_lock lock(state.mutex);
      const auto live = state.calls.find(call);
      if (live != state.calls.end()) {
        flight->timeout_ms =
            std::min(flight->timeout_ms, live->second->record.deadline_ms - state.now());
      }
    }
    Flight* raw = flight.get();
    const auto* below = state.service<rabt_http>(RABT_HTTP);
    {
      const std::scoped_lock lock(state.mutex);
      state.flights.push_back(std::move(flight));
    }
    raw->number = below->start(below->self, call, head, body, raw, &answered);
    return raw->number;
  }
  // From the fake host: the plugin gets it now, or, when no answer came, when the time is over.
  static void answered(void* context, const rabt_http_result* result) {
    auto& flight = *static_cast<Flight*>(context);
    State& state = *flight.state;
    Result copy;
    copy.sent = result->sent;
    copy.status = result->status;
    copy.blob_bytes = result->blob_bytes;
    for (const rabt_bytes& part : {result->headers_json, result->body, result->error_code,
                                   result->error_message, result->blob, result->blob_sha256})
      copy.texts.push_back(part.len == 0 ? "" : std::string(view(part)));
    if (copy.texts[2] != "timeout") return state.give(flight, copy);
    std::unique_lock lock(state.mutex);
    if (state.cancelled.count(flight.call) > 0) {
      lock.unlock();
      copy.texts[2] = "cancelled";
      return state.give(flight, copy);
    }
    state.waiting[flight.number] = {&flight, copy};
    state.timers.emplace(state.now() + std::max<std::int64_t>(flight.timeout_ms, 0),
                         [&state, number = flight.number] { state.end_waiting(number, ""); });
  }
  void give(const Flight& flight, const Result& result) {
    Texts texts(result.texts);
    rabt_http_result raw{};
    raw.size = sizeof raw;
    raw.sent = result.sent;
    raw.status = result.status;
    raw.headers_json = texts[0];
    raw.body = texts[1];
    raw.error_code = texts[2];
    raw.error_message = texts[3];
    raw.blob = texts[4];
    raw.blob_bytes = result.blob_bytes;
    raw.blob_sha256 = texts[5];
    on_lane("a callback of rabt.http/1", [&] { flight.done(flight.context, &raw); });
    texts.guard(kLateAnswer);
  }
  // On the lane. Does nothing when the request has ended. error: instead of "timeout".
  void end_waiting(std::uint64_t number, const std::string& error) {
    std::pair<Flight*, Result> one;
    {
      const std::scoped_lock lock(mutex);
      const auto found = waiting.find(number);
      if (found == waiting.end()) return;
      one = std::move(found->second);
      waiting.erase(found);
    }
    if (!error.empty()) one.second.texts[2] = error;
    give(*one.first, one.second);
  }
  static void http_cancel(void* self, std::uint64_t number) {
    State& state = of(self);
    const auto* below = state.service<rabt_http>(RABT_HTTP);
    below->cancel(below->self, number);
    const std::scoped_lock lock(state.mutex);
    if (state.waiting.count(number) > 0)
      state.timers.emplace(state.now(),
                           [&state, number] { state.end_waiting(number, "cancelled"); });
  }

  static void kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done) {
    State& state = of(self);
    const auto* below = state.service<rabt_kv>(RABT_KV);
    auto get = std::make_unique<Get>(Get{&state, context, done});
    Get* raw = get.get();
    {
      const std::scoped_lock lock(state.mutex);
      state.gets.push_back(std::move(get));
    }
    below->get(below->self, key, raw,
               [](void* to, std::int32_t status, rabt_bytes value, std::int64_t version) {
                 auto& one = *static_cast<Get*>(to);
                 Texts texts({value.len == 0 ? "" : std::string(view(value))});
                 one.state->on_lane("a callback of rabt.kv/1",
                                    [&] { one.done(one.context, status, texts[0], version); });
                 texts.guard(kLateAnswer);
               });
  }
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t ttl_ms,
                     std::int64_t expected, void* context, rabt_kv_stored done) {
    State& state = of(self);
    if (key.len == 0 || key.len > 256)
      state.wrong("a key of rabt.kv/1 that has not 1 to 256 bytes");
    const auto* below = state.service<rabt_kv>(RABT_KV);
    below->put(below->self, key, value, ttl_ms, expected, context, done);
  }
  static void kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done) {
    const auto* below = of(self).service<rabt_kv>(RABT_KV);
    below->remove(below->self, key, context, done);
  }
  [[nodiscard]] std::int64_t now() const { return time_ms; }
  static std::int64_t clock_now(void* self) { return of(self).now(); }
  static std::int64_t clock_monotonic(void* self) { return of(self).now(); }
  // Kept here and not by the fake host: a plugin that always waits for something must not keep a
  // call from being looked at.
  static void wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.timers.emplace(state.now() + std::max<std::int64_t>(ms, 0), [&state, context, wake] {
      state.on_lane("a callback of rabt.clock/1", [&] { wake(context); });
    });
  }
  static void random(void* self, std::uint8_t* out, std::uint64_t size) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    for (std::uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(state.chance.next());
  }
  static void write_log(void* self, std::uint32_t level, const char* event, rabt_bytes fields) {
    State& state = of(self);
    if (state.destroyed) return;
    const auto* below = state.service<rabt_log>(RABT_LOG);
    below->log(below->self, level, event == nullptr ? "" : event, fields);
  }
  static void record_metric(void* self, const char* name, rabt_bytes labels, double value) {
    State& state = of(self);
    if (state.destroyed) return;
    const auto* below = state.service<rabt_metrics>(RABT_METRICS);
    below->record(below->self, name == nullptr ? "" : name, labels, value);
  }

  bool all_ended() {
    const std::scoped_lock lock(mutex);
    return std::all_of(calls.begin(), calls.end(), [](const auto& one) {
      return !one.second->record.accepted() || !one.second->record.outcomes.empty();
    });
  }
  std::size_t armed() {
    const std::scoped_lock lock(mutex);
    return timers.size();
  }
  bool step_clock() {
    std::unique_lock lock(mutex);
    if (timers.empty()) return false;
    const auto first = timers.begin();
    move_to(first->first);
    const auto wake = std::move(first->second);
    timers.erase(first);
    lock.unlock();
    wake();
    return true;
  }
  void move_to(std::int64_t ms) {
    if (ms <= time_ms) return;
    fake->clock.advance(ms - time_ms);
    time_ms = ms;
  }

  const Subject& subject;
  Options options;
  const rabt_entry entry;  // the plugin's own
  rabt_entry line_entry{};
  static inline State* being_made = nullptr;  // one thread makes sessions
  CreateError create_error;
  const rabt_plugin* plugin = nullptr;
  const rabt_host* below = nullptr;  // of the fake host
  std::unique_ptr<FakeHost> fake;
  rabt_host host{};
  rabt_plugin table{};
  rabt_http http{};
  rabt_kv kv{};
  rabt_clock clock{};
  rabt_log log{};
  rabt_metrics metrics{};

  std::mutex mutex;
  std::multimap<std::int64_t, std::function<void()>> timers;
  std::map<rabt_call_id, std::unique_ptr<Live>> calls;
  std::map<std::uint64_t, std::pair<Flight*, Result>> waiting;
  std::set<rabt_call_id> cancelled;
  std::vector<std::unique_ptr<Flight>> flights;
  std::vector<std::unique_ptr<Get>> gets;
  std::vector<std::string> violations;
  std::pair<std::string, std::int64_t> slowest{"", 0};
  SeededSequence chance;
  std::atomic<std::int64_t> time_ms{0};  // the fake host's wall clock
  std::uint32_t next_attempt = 1;
  std::atomic<bool> destroyed{false};
  std::atomic<int> uses_after{0};
};

Session::Session(std::unique_ptr<State> state) : state_(std::move(state)) {}
Session::~Session() {
  destroy();
  // Code of the plugin that runs on may still use its host.
  static auto* const kept = new std::vector<std::unique_ptr<State>>();
  kept->push_back(std::move(state_));
}

Result<const rabt_entry*> map_entry(const Subject& subject) {
  RABT_TRY(library, plugin::seal_library(subject.files()));
  return plugin::map_library(std::move(library));
}

Result<const rabt_entry*> entry_of(const Subject& subject) {
  static const rabt_entry* mapped = nullptr;
  if (mapped != nullptr) return mapped;
  static_cast<void>(plugin_threads());
  RABT_TRY(entry, map_entry(subject));
  RABT_TRY_STATUS(plugin::check_entry(entry, subject.manifest()));
  mapped = entry;
  return mapped;
}

Result<std::string> config_of(const Subject& subject) {
  if (!subject.config().is_null()) return subject.config().dump();
  static std::string found;
  if (!found.empty()) return found;
  const Json& schema = subject.manifest().config_schema;
  if (schema.is_null()) return std::string("{}");
  SchemaGenerator generator(schema, subject.settings().seed);
  std::string why = "no value fits the schema of the configuration";
  for (int i = 0; i < kConfigTries; ++i) {
    const auto value = generator.valid(i == 0   ? SchemaGenerator::Size::smallest
                                       : i == 1 ? SchemaGenerator::Size::largest
                                                : SchemaGenerator::Size::any);
    if (!value) break;
    Session::Options options;
    options.config = value->dump();
    const auto session = Session::start(subject, std::move(options));
    if (session.ok()) {
      found = value->dump();
      return found;
    }
    why = session.error().message;
  }
  return invalid(
      "check.config",
      "no generated configuration was taken (" + why +
          "); put check/config.json beside the manifest, or \"examples\" into the schema");
}

Result<std::unique_ptr<Session>> Session::start(const Subject& subject, Options options) {
  RABT_TRY(entry, entry_of(subject));
  if (options.config.empty()) {
    RABT_TRY(config, config_of(subject));
    options.config = std::move(config);
  }
  auto session = std::unique_ptr<Session>(
      new Session(std::make_unique<State>(subject, *entry, std::move(options))));
  State& state = *session->state_;
  const CreateError& error = state.create_error;
  if (state.plugin == nullptr) {
    if (error.times != 1)
      return invalid("check.create", "create gave no instance and called error " +
                                         std::to_string(error.times) + " times instead of once");
    if (error.text.empty())
      return invalid("check.create", "create gave no instance and an empty text");
    return unavailable("check.create", error.text);
  }
  if (error.times != 0)
    return invalid("check.create", "create gave an instance and called error as well");
  if (!RABT_CAN(rabt_plugin, state.plugin, invoke) ||
      !RABT_CAN(rabt_plugin, state.plugin, cancel) ||
      !RABT_CAN(rabt_plugin, state.plugin, get_extension) ||
      !RABT_CAN(rabt_plugin, state.plugin, destroy))
    return invalid("check.create", "the instance lacks one of its four functions");
  return session;
}

rabt_call_id Session::begin(const CallWish& wish) {
  State& state = *state_;
  state.next_attempt = wish.attempt;
  state.fake->action_version = wish.version;
  return state.fake->begin(wish.action, wish.input, wish.key, wish.time_ms);
}

void Session::run() {
  State& state = *state_;
  for (int step = 0; step < kMaxSteps; ++step) {
    state.fake->pump();
    if (state.all_ended()) return;
    // A thread of the plugin may be about to answer: it comes before time goes on.
    const std::size_t timers = state.armed();
    const bool moved = plugin_threads().wait(timers > 0, [&] {
      return !state.fake->rests() || state.armed() != timers || state.all_ended();
    });
    if (!moved && !state.step_clock()) return;
  }
  state.wrong("the call asked for " + std::to_string(kMaxSteps) + " wakes and did not end");
}

void Session::settle() {
  state_->fake->pump();
}

void Session::advance(std::int64_t ms) {
  State& state = *state_;
  const std::int64_t end = state.now() + ms;
  for (int step = 0; step < kMaxSteps; ++step) {
    state.fake->pump();
    {
      const std::scoped_lock lock(state.mutex);
      if (state.timers.empty() || state.timers.begin()->first > end) break;
    }
    state.step_clock();
  }
  state.move_to(end);
}

void Session::cancel(rabt_call_id id) {
  State& state = *state_;
  State::cancel(&state, id);
  std::vector<std::uint64_t> open;
  {
    const std::scoped_lock lock(state.mutex);
    state.cancelled.insert(id);
    for (const auto& [number, one] : state.waiting) {
      if (one.first->call == id) open.push_back(number);
    }
  }
  for (const std::uint64_t number : open) state.end_waiting(number, "cancelled");
}

void Session::let_threads_run(int millis) {
  std::this_thread::sleep_for(std::chrono::milliseconds(millis));
}

void Session::destroy() {
  if (!state_ || !state_->fake->started()) return;
  state_->fake->stop();
  *state_->options.kv = state_->fake->store;
}

const CallRecord& Session::call(const CallWish& wish) {
  const rabt_call_id id = begin(wish);
  run();
  return record(id);
}

const CallRecord& Session::record(rabt_call_id id) const {
  return state_->calls.at(id)->record;
}
const void* Session::extension(const char* id) const {
  return state_->plugin->get_extension(state_->plugin->self, id);
}
void Session::on_lane(const char* what, const std::function<void()>& function) {
  state_->on_lane(what, function);
}
std::int64_t Session::now_ms() const {
  return state_->now();
}
std::vector<std::string> Session::logged() const {
  std::vector<std::string> out;
  for (const auto& entry : state_->fake->logged) out.push_back(entry.event + " " + entry.fields);
  return out;
}
std::vector<std::string> Session::measured() const {
  std::vector<std::string> out;
  for (const auto& one : state_->fake->recorded) out.push_back(one.metric + " " + one.labels);
  for (const auto& one : state_->fake->spans) out.push_back(one.name + " " + one.fields);
  return out;
}
std::vector<std::string> Session::violations() const {
  std::vector<std::string> out;
  {
    const std::scoped_lock lock(state_->mutex);
    out = state_->violations;
  }
  // Of what the fake host sees, what this does not see better itself.
  if (state_->fake->violated.count("A3") > 0)
    out.emplace_back("A3: the plugin gave back bytes of a call or callback that was over");
  return out;
}
std::pair<std::string, std::int64_t> Session::slowest_micros() const {
  return state_->slowest;
}
int Session::uses_after_destroy() const {
  return state_->uses_after;
}

}  // namespace rabt::check
