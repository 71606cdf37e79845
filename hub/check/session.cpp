#include "hub/check/session.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "hub/base/schema_generate.hpp"
#include "hub/check/child_verdict.hpp"
#include "hub/plugin/library.hpp"
#include "rabt/services.h"

namespace rabt::check {

namespace {

constexpr std::int64_t kStartMs = 1'775'023'201'000;  // 2026-04-01T06:00:01Z
constexpr int kPatienceMillis =
    300;                            // real time for threads of the plugin, when nothing else moves
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

struct Session::State {
  struct Live {
    CallRecord record;
    std::unique_ptr<Texts> texts;
    rabt_call raw{};
    bool guarded = false;
  };
  struct Waiting {
    rabt_call_id call = 0;
    std::function<void(const Answer&)> give;
  };

  State(const Subject& the_subject, Options the_options)
      : subject(the_subject), options(std::move(the_options)), chance(options.chance) {
    if (!options.kv) options.kv = std::make_shared<Stored>();
    host = {sizeof host, RABT_ABI_MINOR, this, &get_service, &complete};
    http = {sizeof http, 0, this, &http_start, &http_cancel};
    kv = {sizeof kv, 0, this, &kv_get, &kv_put, &kv_remove};
    clock = {sizeof clock, 0, this, &clock_now, &clock_now, &wake_after, &random};
    log = {sizeof log, 0, this, &write_log};
    sign = {sizeof sign, 0, this, &hmac, &jwt};
    secrets = {sizeof secrets, 0, this, &secret};
    metrics = {sizeof metrics, 0, this, &record_metric};
    trace = {sizeof trace, 0, this, &traceparent, &begin_span, &end_span};
    lanes = {sizeof lanes, 0, this, &lane};
  }

  static State& of(void* self) {
    auto& state = *static_cast<State*>(self);
    if (state.destroyed) ++state.uses_after;
    return state;
  }
  void wrong(std::string what) {
    if (violations.size() < 20) violations.push_back(std::move(what));
  }
  void later(std::function<void()> callback) {
    const std::scoped_lock lock(mutex);
    pending.push_back(std::move(callback));
    changed.notify_all();
  }

  void on_lane(const char* what, const std::function<void()>& function) {
    const auto start = std::chrono::steady_clock::now();
    const std::uint32_t outer = std::exchange(lane_now, RABT_LANE_CALL);
    function();
    lane_now = outer;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                            std::chrono::steady_clock::now() - start)
                            .count();
    if (micros > slowest.second) slowest = {what, micros};
  }

  static const void* get_service(void* self, const char* id) {
    State& state = of(self);
    if (id == nullptr || !state.options.services) return nullptr;
    const std::string_view name(id);
    if (name == RABT_HTTP) return &state.http;
    if (name == RABT_KV) return &state.kv;
    if (name == RABT_CLOCK) return &state.clock;
    if (name == RABT_LOG) return &state.log;
    if (name == RABT_SIGN) return &state.sign;
    if (name == RABT_METRICS) return &state.metrics;
    if (name == RABT_TRACE) return &state.trace;
    if (name == RABT_THREAD_CHECK) return &state.lanes;
    if (name == RABT_SECRETS && state.subject.manifest().secrets_raw) return &state.secrets;
    return nullptr;
  }

  static void complete(void* self, rabt_call_id id, const rabt_outcome* raw) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    const auto found = state.calls.find(id);
    if (found == state.calls.end()) return state.wrong("complete() of a call that was never made");
    Live& live = *found->second;
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
    if (live.record.outcomes.empty()) live.record.ended_ms = state.now;
    live.record.outcomes.push_back(std::move(copy));
    if (!live.guarded) {
      live.guarded = true;
      live.texts->guard(kLateCall);
    }
    state.changed.notify_all();
  }

  static std::uint64_t http_start(void* self, rabt_call_id call, rabt_bytes head, rabt_bytes body,
                                  void* context, rabt_http_done done) {
    State& state = of(self);
    Request request;
    request.call = call;
    request.body = body.len == 0 ? "" : std::string(view(body));
    Answer answer;
    const auto parsed = Json::parse(view(head));
    std::unique_lock lock(state.mutex);
    const std::uint64_t number = ++state.requests;
    if (!parsed.ok() || !parsed->is_object() || !(*parsed)["url"].is_string()) {
      state.wrong("an HTTP request that is no JSON object with a url");
      answer = refused_connection();
      answer.error = "not_allowed";
    } else {
      request.head = *parsed;
      request.method = parsed->string_or("method", "GET");
      request.url = parsed->string_or("url", "");
      const auto live = state.calls.find(call);
      if (call != 0 && live == state.calls.end())
        state.wrong("an HTTP request on behalf of a call that was never made");
      if (live != state.calls.end()) live->second->record.requests.push_back(request);
      lock.unlock();
      answer = state.options.world ? state.options.world(request) : Answer{};
      lock.lock();
    }
    const bool to_blob = request.head["blob"].is_object() && answer.status / 100 == 2;
    auto give = [&state, context, done, to_blob](const Answer& a) {
      Json headers = Json::array();
      for (const auto& [name, value] : a.headers)
        headers.push_back(Json::array({Json(name), Json(value)}));
      Texts texts({headers.dump(), to_blob ? "" : a.body, a.error,
                   a.error.empty() ? "" : "the fake outside system says " + a.error,
                   to_blob ? "blob-check-1" : "", to_blob ? std::string(64, '0') : ""});
      rabt_http_result result{};
      result.size = sizeof result;
      result.sent = a.sent;
      result.status = a.status;
      result.headers_json = texts[0];
      result.body = texts[1];
      result.error_code = texts[2];
      result.error_message = texts[3];
      result.blob = texts[4];
      result.blob_bytes = to_blob ? a.body.size() : 0;
      result.blob_sha256 = texts[5];
      state.on_lane("a callback of rabt.http/1", [&] { done(context, &result); });
      texts.guard(kLateAnswer);
    };
    if (!answer.until_timeout) {
      state.pending.emplace_back([give, answer] { give(answer); });
      state.changed.notify_all();
      return number;
    }
    const auto live = state.calls.find(call);
    std::int64_t time = request.head.int_or("timeout_ms", 60'000);
    if (live != state.calls.end())
      time = std::min(time, live->second->record.deadline_ms - state.now);
    state.waiting[number] = {call, give};
    state.timers.emplace(state.now + std::max<std::int64_t>(time, 0),
                         [&state, number, answer] { state.end_waiting(number, answer); });
    return number;
  }
  // On the lane. Gives a request that waits its end; does nothing when it has one.
  void end_waiting(std::uint64_t number, const Answer& answer) {
    std::unique_lock lock(mutex);
    const auto found = waiting.find(number);
    if (found == waiting.end()) return;
    const auto give = std::move(found->second.give);
    waiting.erase(found);
    lock.unlock();
    give(answer);
  }
  static Answer cancelled_answer() {
    Answer out = lost_answer();
    out.error = "cancelled";
    return out;
  }
  static void http_cancel(void* self, std::uint64_t number) {
    State& state = of(self);
    state.later([&state, number] { state.end_waiting(number, cancelled_answer()); });
  }

  static void kv_get(void* self, rabt_bytes key, void* context, rabt_kv_got done) {
    State& state = of(self);
    state.later([&state, context, done, name = std::string(view(key))] {
      const auto found = state.options.kv->find(name);
      const bool there = found != state.options.kv->end();
      Texts texts({there ? found->second.first : ""});
      const std::int64_t version = there ? found->second.second : 0;
      state.on_lane("a callback of rabt.kv/1",
                    [&] { done(context, there ? RABT_KV_OK : RABT_KV_ABSENT, texts[0], version); });
      texts.guard(kLateAnswer);
    });
  }
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, std::int64_t /*ttl_ms*/,
                     std::int64_t expected, void* context, rabt_kv_stored done) {
    State& state = of(self);
    if (key.len == 0 || key.len > 256)
      state.wrong("a key of rabt.kv/1 that has not 1 to 256 bytes");
    state.later([&state, context, done, expected, name = std::string(view(key)),
                 text = value.len == 0 ? std::string() : std::string(view(value))] {
      std::int32_t status = RABT_KV_CONFLICT;
      std::int64_t version = 0;
      const auto found = state.options.kv->find(name);
      const std::int64_t stored = found == state.options.kv->end() ? 0 : found->second.second;
      if (expected == RABT_KV_ANY || expected == stored) {
        version = stored + 1;
        (*state.options.kv)[name] = {text, version};
        status = RABT_KV_OK;
      }
      state.on_lane("a callback of rabt.kv/1", [&] { done(context, status, version); });
    });
  }
  static void kv_remove(void* self, rabt_bytes key, void* context, rabt_kv_removed done) {
    State& state = of(self);
    state.later([&state, context, done, name = std::string(view(key))] {
      const bool gone = state.options.kv->erase(name) == 1;
      state.on_lane("a callback of rabt.kv/1",
                    [&] { done(context, gone ? RABT_KV_OK : RABT_KV_ABSENT); });
    });
  }
  static std::int64_t clock_now(void* self) { return of(self).now; }
  static void wake_after(void* self, std::int64_t ms, void* context, rabt_clock_wake wake) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.timers.emplace(state.now + std::max<std::int64_t>(ms, 0), [&state, context, wake] {
      state.on_lane("a callback of rabt.clock/1", [&] { wake(context); });
    });
    state.changed.notify_all();
  }
  static void random(void* self, std::uint8_t* out, std::uint64_t size) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    for (std::uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(state.chance.next());
  }
  static void write_log(void* self, std::uint32_t /*level*/, const char* event, rabt_bytes fields) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.logged.push_back(std::string(event == nullptr ? "" : event) + " " +
                           (fields.len == 0 ? "" : std::string(view(fields))));
  }
  [[nodiscard]] std::string value_of(const char* name) const {
    const auto found = subject.secrets().find(name);
    return found == subject.secrets().end() ? "check-secret-of-" + std::string(name)
                                            : found->second;
  }
  [[nodiscard]] bool declares(const char* name) const {
    const auto& names = subject.manifest().secrets;
    return name != nullptr && std::find(names.begin(), names.end(), name) != names.end();
  }
  static std::int32_t secret(void* self, const char* name, void* context, rabt_sink sink) {
    State& state = of(self);
    if (!state.declares(name)) return 1;
    const std::string value = state.value_of(name);
    sink(context, bytes(value));
    return 0;
  }
  // Right in size and the same for the same data; no signature anybody would take.
  static std::int32_t hmac(void* self, const char* secret, const char* algorithm, rabt_bytes data,
                           void* context, rabt_sink sink) {
    State& state = of(self);
    const std::string_view name(algorithm == nullptr ? "" : algorithm);
    if (!state.declares(secret) || (name != "sha1" && name != "sha256")) return 1;
    std::uint64_t sum = 14695981039346656037ULL;
    for (const char c : std::string_view(view(data)))
      sum = (sum ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    SeededSequence sequence(sum);
    std::string out;
    for (int i = 0; i < (name == "sha1" ? 20 : 32); ++i)
      out.push_back(static_cast<char>(sequence.next()));
    sink(context, bytes(out));
    return 0;
  }
  static std::int32_t jwt(void* self, const char* secret, const char* /*algorithm*/,
                          rabt_bytes /*header*/, rabt_bytes /*claims*/, void* context,
                          rabt_sink sink) {
    if (!of(self).declares(secret)) return 1;
    sink(context, bytes("e30.e30.c2lnbmF0dXJl"));
    return 0;
  }
  static void record_metric(void* self, const char* name, rabt_bytes labels, double /*value*/) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.measured.push_back(std::string(name == nullptr ? "" : name) + " " +
                             (labels.len == 0 ? "" : std::string(view(labels))));
  }
  static std::int32_t traceparent(void* self, rabt_call_id /*call*/, std::uint64_t /*span*/,
                                  void* context, rabt_sink sink) {
    static_cast<void>(of(self));
    sink(context, bytes("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
    return 0;
  }
  static std::uint64_t begin_span(void* self, rabt_call_id /*call*/, std::uint64_t /*parent*/,
                                  const char* name) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.measured.push_back("span " + std::string(name == nullptr ? "" : name));
    return ++state.spans;
  }
  static void end_span(void* self, std::uint64_t /*span*/, std::uint32_t /*status*/,
                       rabt_bytes fields) {
    State& state = of(self);
    const std::scoped_lock lock(state.mutex);
    state.measured.push_back("span " + (fields.len == 0 ? "" : std::string(view(fields))));
  }
  static std::uint32_t lane(void* self) { return of(self).lane_now; }

  bool all_ended() {
    const std::scoped_lock lock(mutex);
    return std::all_of(calls.begin(), calls.end(), [](const auto& one) {
      return !one.second->record.accepted() || !one.second->record.outcomes.empty();
    });
  }
  bool run_one() {
    std::unique_lock lock(mutex);
    if (pending.empty()) return false;
    const auto callback = std::move(pending.front());
    pending.pop_front();
    lock.unlock();
    callback();
    return true;
  }
  bool step_clock() {
    std::unique_lock lock(mutex);
    if (timers.empty()) return false;
    const auto first = timers.begin();
    now = std::max<std::int64_t>(now, first->first);
    const auto wake = std::move(first->second);
    timers.erase(first);
    lock.unlock();
    wake();
    return true;
  }

  const Subject& subject;
  Options options;
  const rabt_plugin* plugin = nullptr;
  rabt_host host{};
  rabt_http http{};
  rabt_kv kv{};
  rabt_clock clock{};
  rabt_log log{};
  rabt_sign sign{};
  rabt_secrets secrets{};
  rabt_metrics metrics{};
  rabt_trace trace{};
  rabt_thread_check lanes{};

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::function<void()>> pending;
  std::multimap<std::int64_t, std::function<void()>> timers;
  std::map<rabt_call_id, std::unique_ptr<Live>> calls;
  std::map<std::uint64_t, Waiting> waiting;
  std::vector<std::string> logged;
  std::vector<std::string> measured;
  std::vector<std::string> violations;
  std::pair<std::string, std::int64_t> slowest{"", 0};
  SeededSequence chance;
  std::atomic<std::int64_t> now{kStartMs};
  std::uint64_t requests = 0;
  std::uint64_t spans = 0;
  rabt_call_id last_call = 0;
  std::uint32_t lane_now = RABT_LANE_NONE;
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
  RABT_TRY(library, plugin::seal_library(subject.library()));
  return plugin::map_library(std::move(library));
}

Result<const rabt_entry*> entry_of(const Subject& subject) {
  static const rabt_entry* mapped = nullptr;
  if (mapped != nullptr) return mapped;
  RABT_TRY(entry, map_entry(subject));
  RABT_TRY_STATUS(plugin::check_entry(entry, subject.manifest()));
  mapped = entry;
  return mapped;
}

namespace {

struct CreateError {
  int times = 0;
  std::string text;
};
void take_error(void* context, rabt_bytes text) {
  auto& error = *static_cast<CreateError*>(context);
  ++error.times;
  error.text = text.len == 0 ? "" : std::string(view(text));
}

}  // namespace

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
  auto session =
      std::unique_ptr<Session>(new Session(std::make_unique<State>(subject, std::move(options))));
  State& state = *session->state_;
  CreateError error;
  Texts texts({state.options.config});
  state.lane_now = RABT_LANE_CONTROL;
  state.plugin = entry->create(&state.host, texts[0], &error, &take_error);
  state.lane_now = RABT_LANE_NONE;
  texts.guard("the plugin read the bytes of its configuration after create had returned");
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
  auto live = std::make_unique<State::Live>();
  live->record.action = wish.action;
  live->record.began_ms = state.now;
  live->record.deadline_ms = state.now + wish.time_ms;
  live->texts = std::make_unique<Texts>(
      std::vector<std::string>{wish.action, wish.version, wish.input, wish.key});
  rabt_call& raw = live->raw;
  raw.size = sizeof raw;
  raw.attempt = wish.attempt;
  raw.id = ++state.last_call;
  raw.action = (*live->texts)[0];
  raw.action_version = (*live->texts)[1];
  raw.input = (*live->texts)[2];
  raw.idempotency_key = (*live->texts)[3];
  raw.deadline_unix_ms = live->record.deadline_ms;
  State::Live& kept = *live;
  {
    const std::scoped_lock lock(state.mutex);
    state.calls[raw.id] = std::move(live);
  }
  std::int32_t result = 0;
  const rabt_call_id id = kept.raw.id;
  state.on_lane("invoke", [&] { result = state.plugin->invoke(state.plugin->self, &kept.raw); });
  const std::scoped_lock lock(state.mutex);
  kept.record.invoke_result = result;
  return id;
}

void Session::run() {
  State& state = *state_;
  for (int step = 0; step < kMaxSteps; ++step) {
    if (state.run_one()) continue;
    if (state.all_ended()) return;
    // A thread of the plugin may be about to answer: it gets a moment before time goes on.
    {
      std::unique_lock lock(state.mutex);
      const bool moved = state.changed.wait_for(lock, std::chrono::milliseconds(2),
                                                [&] { return !state.pending.empty(); });
      if (moved) continue;
    }
    if (state.all_ended()) return;
    if (state.step_clock()) continue;
    std::unique_lock lock(state.mutex);
    if (state.changed.wait_for(lock, std::chrono::milliseconds(kPatienceMillis)) ==
        std::cv_status::timeout)
      return;
  }
  state.wrong("the call asked for " + std::to_string(kMaxSteps) + " callbacks and did not end");
}

void Session::settle() {
  for (int step = 0; step < kMaxSteps && state_->run_one(); ++step) {
  }
}

void Session::advance(std::int64_t ms) {
  State& state = *state_;
  const std::int64_t end = state.now + ms;
  for (int step = 0; step < kMaxSteps; ++step) {
    if (state.run_one()) continue;
    {
      const std::scoped_lock lock(state.mutex);
      if (state.timers.empty() || state.timers.begin()->first > end) break;
    }
    state.step_clock();
  }
  state.now = std::max<std::int64_t>(state.now, end);
}

void Session::cancel(rabt_call_id id) {
  State& state = *state_;
  state.on_lane("cancel", [&] { state.plugin->cancel(state.plugin->self, id); });
  std::vector<std::uint64_t> open;
  {
    const std::scoped_lock lock(state.mutex);
    for (const auto& [number, one] : state.waiting) {
      if (one.call == id) open.push_back(number);
    }
  }
  for (const std::uint64_t number : open)
    state.later([&state, number] { state.end_waiting(number, State::cancelled_answer()); });
}

void Session::let_threads_run(int millis) {
  std::this_thread::sleep_for(std::chrono::milliseconds(millis));
}

void Session::destroy() {
  if (!state_ || state_->plugin == nullptr) return;
  const rabt_plugin* plugin = std::exchange(state_->plugin, nullptr);
  state_->lane_now = RABT_LANE_CONTROL;
  plugin->destroy(plugin->self);
  state_->lane_now = RABT_LANE_NONE;
  state_->destroyed = true;
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
  return state_->now;
}
std::vector<std::string> Session::logged() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->logged;
}
std::vector<std::string> Session::measured() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->measured;
}
std::vector<std::string> Session::violations() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->violations;
}
std::pair<std::string, std::int64_t> Session::slowest_micros() const {
  return state_->slowest;
}
int Session::uses_after_destroy() const {
  return state_->uses_after;
}

}  // namespace rabt::check
