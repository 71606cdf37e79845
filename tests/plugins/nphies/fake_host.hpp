#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fixtures.hpp"
#include "rabt/plugin.hpp"

// The plugin's entry as the host sees it; defined by plugin.cpp.
extern "C" const rabt_entry rabt_plugin_entry;

namespace rabt::nphies::testing {

struct Answer {
  std::uint32_t sent = RABT_SENT_YES;
  int status = 200;
  std::string body;
  std::string headers = "[]";
  std::string error;
};
inline Answer lost() {
  return {RABT_SENT_MAYBE, 0, "", "[]", "timeout"};
}
inline Answer unreachable() {
  return {RABT_SENT_NO, 0, "", "[]", "connect"};
}

// A host of plain C structs: a store in memory, a scripted gateway, callbacks in the order they
// were asked for, never inside the call that asked. Confined to one thread.
class FakeHost final {
 public:
  explicit FakeHost(const std::string& config = kConfig) : config_(config) {
    host_ = {sizeof host_, RABT_ABI_MINOR, this, &get_service, &complete};
    http_ = {sizeof http_, 0, this, &http_start, &http_cancel};
    kv_ = {sizeof kv_, 0, this, &kv_get, &kv_put, &kv_remove};
    clock_ = {sizeof clock_, 0, this, &now, &now, &wake_after, &random};
    log_ = {sizeof log_, 0, this, &log};
    start();
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;
  ~FakeHost() { stop(); }

  // As after a crash and a restart: what was stored is there, nothing else.
  void restart() {
    stop();
    start();
  }

  // Starts a call; returns its number.
  std::size_t begin(const std::string& action, const Json& input, const std::string& key) {
    const std::string text = write_json(input);
    rabt_call call{
        sizeof call,         1, ++calls_, sdk::bytes(action), sdk::bytes(text), sdk::bytes(key),
        kNow * 1000 + 65'000};
    EXPECT_EQ(plugin_->invoke(plugin_->self, &call), 0);
    return calls_;
  }
  void pump() {
    for (int guard = 0; !pending_.empty(); ++guard) {
      ASSERT_LT(guard, 10'000) << "the plugin does not come to an end";
      const std::function<void()> next = std::move(pending_.front());
      pending_.pop_front();
      next();
    }
  }
  sdk::Outcome call(const std::string& action, const Json& input, const std::string& key) {
    const std::size_t id = begin(action, input, key);
    pump();
    EXPECT_EQ(outcomes.count(id), 1U) << "the call was not completed";
    return outcomes[id];
  }

  // The gateway: gets the body, gives the answer.
  std::function<Answer(const std::string& body)> gateway = [](const std::string&) {
    return unreachable();
  };
  std::vector<std::string> sent;      // bodies, in order
  std::vector<std::string> requests;  // request JSON, in order
  std::map<std::string, std::pair<std::string, std::int64_t>> store;
  std::map<std::size_t, sdk::Outcome> outcomes;
  std::vector<std::string> logged;
  std::vector<std::string> trace;  // "put tx/k", "send", "get ..." in order
  // From this operation of the store on, every one fails; -1: none. With late_effect the first
  // failing put or remove still takes effect, as when only its acknowledgement is lost.
  int fail_from = -1;
  bool late_effect = false;
  bool fail_once = false;  // only the operation fail_from fails, the ones after it work
  int operations = 0;
  std::size_t store_and_gateway_calls() const { return trace.size(); }

 private:
  static FakeHost& of(void* self) { return *static_cast<FakeHost*>(self); }
  void start() {
    std::string problem;
    plugin_ = rabt_plugin_entry.create(
        &host_, sdk::bytes(config_), &problem, [](void* context, rabt_bytes text) {
          *static_cast<std::string*>(context) = std::string(sdk::view(text));
        });
    ASSERT_NE(plugin_, nullptr) << problem;
  }
  void stop() {
    if (plugin_ != nullptr) plugin_->destroy(plugin_->self);
    plugin_ = nullptr;
  }

  static const void* get_service(void* self, const char* id) {
    const std::string name(id);
    FakeHost& host = of(self);
    if (name == RABT_HTTP) return &host.http_;
    if (name == RABT_KV) return &host.kv_;
    if (name == RABT_CLOCK) return &host.clock_;
    if (name == RABT_LOG) return &host.log_;
    return nullptr;
  }
  static void complete(void* self, rabt_call_id call, const rabt_outcome* raw) {
    FakeHost& host = of(self);
    EXPECT_EQ(host.outcomes.count(call), 0U) << "completed twice";
    const auto text = [](rabt_bytes b) { return std::string(sdk::view(b)); };
    host.outcomes[call] = {static_cast<sdk::Kind>(raw->kind),
                           text(raw->output),
                           text(raw->code),
                           text(raw->message),
                           text(raw->detail),
                           raw->retry_after_ms};
  }
  static std::uint64_t http_start(void* self, rabt_call_id /*call*/, rabt_bytes request,
                                  rabt_bytes body, void* context,
                                  void (*done)(void*, const rabt_http_result*)) {
    FakeHost& host = of(self);
    host.requests.emplace_back(sdk::view(request));
    host.sent.emplace_back(sdk::view(body));
    host.trace.emplace_back("send");
    host.pending_.emplace_back([&host, context, done, text = host.sent.back()] {
      const Answer answer = host.gateway(text);
      rabt_http_result result{};
      result.size = sizeof result;
      result.sent = answer.sent;
      result.status = answer.status;
      result.headers_json = sdk::bytes(answer.headers);
      result.body = sdk::bytes(answer.body);
      result.error_code = sdk::bytes(answer.error);
      done(context, &result);
    });
    return host.sent.size();
  }
  static void http_cancel(void*, std::uint64_t) {}

  enum class Fate { works, effect_but_fails, fails };
  Fate fate() {
    const int number = operations++;
    if (fail_from < 0 || number < fail_from) return Fate::works;
    if (fail_once && number > fail_from) return Fate::works;
    return number == fail_from && late_effect ? Fate::effect_but_fails : Fate::fails;
  }
  static void kv_get(void* self, rabt_bytes key, void* context,
                     void (*done)(void*, int32_t, rabt_bytes, int64_t)) {
    FakeHost& host = of(self);
    host.pending_.emplace_back([&host, context, done, name = std::string(sdk::view(key))] {
      host.trace.push_back("get " + name);
      if (host.fate() != Fate::works) return done(context, RABT_KV_FAILED, {}, 0);
      const auto found = host.store.find(name);
      if (found == host.store.end()) return done(context, RABT_KV_ABSENT, {}, 0);
      const std::pair<std::string, std::int64_t> value = found->second;
      done(context, RABT_KV_OK, sdk::bytes(value.first), value.second);
    });
  }
  static void kv_put(void* self, rabt_bytes key, rabt_bytes value, int64_t /*ttl*/,
                     int64_t expected, void* context, void (*done)(void*, int32_t, int64_t)) {
    FakeHost& host = of(self);
    EXPECT_LE(key.len, 256U);
    host.pending_.emplace_back([&host, expected, context, done, name = std::string(sdk::view(key)),
                                text = std::string(sdk::view(value))] {
      host.trace.push_back("put " + name);
      const Fate fate = host.fate();
      if (fate == Fate::fails) return done(context, RABT_KV_FAILED, 0);
      auto& slot = host.store[name];
      if (expected != RABT_KV_ANY && slot.second != expected)
        return done(context, RABT_KV_CONFLICT, 0);
      slot = {text, slot.second + 1};
      done(context, fate == Fate::works ? RABT_KV_OK : RABT_KV_FAILED, slot.second);
    });
  }
  static void kv_remove(void* self, rabt_bytes key, void* context, void (*done)(void*, int32_t)) {
    FakeHost& host = of(self);
    host.pending_.emplace_back([&host, context, done, name = std::string(sdk::view(key))] {
      host.trace.push_back("remove " + name);
      const Fate fate = host.fate();
      if (fate == Fate::fails) return done(context, RABT_KV_FAILED);
      const bool gone = host.store.erase(name) == 1;
      done(context, fate != Fate::works ? RABT_KV_FAILED : gone ? RABT_KV_OK : RABT_KV_ABSENT);
    });
  }
  static int64_t now(void*) { return kNow * 1000; }
  static void wake_after(void* self, int64_t, void* context, void (*wake)(void*)) {
    of(self).pending_.emplace_back([context, wake] { wake(context); });
  }
  static void random(void* self, std::uint8_t* out, std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i)
      out[i] = static_cast<std::uint8_t>(of(self).noise_++ * 167U);
    ++of(self).noise_;
  }
  static void log(void* self, std::uint32_t, const char* event, rabt_bytes fields) {
    of(self).logged.push_back(std::string(event) + " " + std::string(sdk::view(fields)));
  }

  std::string config_;
  rabt_host host_{};
  rabt_http http_{};
  rabt_kv kv_{};
  rabt_clock clock_{};
  rabt_log log_{};
  const rabt_plugin* plugin_ = nullptr;
  std::deque<std::function<void()>> pending_;
  std::size_t calls_ = 0;
  std::uint32_t noise_ = 7;
};

// ---- Fictional answers
// -------------------------------------------------------------------------------------------

inline Json message_with(const std::string& id, const std::string& event,
                         const std::string& response_to, Json focal) {
  Json header = Json::object();
  header["resourceType"] = "MessageHeader";
  header["eventCoding"]["code"] = event;
  if (!response_to.empty()) {
    header["response"]["identifier"] = response_to;
    header["response"]["code"] = "ok";
  }
  header["focus"] = Json::array({reference("urn:focal")});
  Json bundle = Json::object();
  bundle["resourceType"] = "Bundle";
  bundle["id"] = id;
  bundle["type"] = "message";
  Json first = Json::object();
  first["fullUrl"] = "urn:header";
  first["resource"] = header;
  Json second = Json::object();
  second["fullUrl"] = "urn:focal";
  second["resource"] = std::move(focal);
  bundle["entry"] = Json::array({first, second});
  return bundle;
}
inline Json claim_response(const Identifier& claim, const std::string& outcome,
                           const std::string& adjudication = "", const std::string& error = "") {
  Json out = Json::object();
  out["resourceType"] = "ClaimResponse";
  if (!claim.value.empty()) out["request"]["identifier"] = to_json(claim);
  out["outcome"] = outcome;
  if (!adjudication.empty()) {
    Json extension = Json::object();
    extension["url"] = std::string(kProfile) + "extension-adjudication-outcome";
    extension["valueCodeableConcept"] = nphies_code("adjudication-outcome", adjudication);
    out["extension"] = Json::array({extension});
    Json total = Json::object();
    total["category"] = hl7_code("adjudication", "benefit");
    total["amount"]["value"] = decimal("95.00");
    out["total"] = Json::array({total});
  }
  if (!error.empty()) {
    Json entry = Json::object();
    entry["code"] = nphies_code("adjudication-error", error);
    entry["code"]["coding"][0]["display"] = "Text about Canaryname";
    out["error"] = Json::array({entry});
  }
  return out;
}
// Answers a request with the focal resource that make returns for its focal identifier.
inline Answer answered(const std::string& body, const std::string& event,
                       const std::function<Json(const Identifier&)>& make) {
  const Json request = parse_json(body);
  Answer out;
  out.body = write_json(message_with(
      "answer-" + text_at(request, "id"), event, text_at(request, "entry/0/resource/id"),
      make(identifier_at(request, "entry/1/resource/identifier/0"))));
  return out;
}
inline Json poll_answer(const Json& request, const std::vector<Json>& nested, bool more) {
  Json task = Json::object();
  task["resourceType"] = "Task";
  task["status"] = "completed";
  Json out =
      message_with("poll-answer", "poll-response", text_at(request, "entry/0/resource/id"), task);
  if (more)
    out["entry"][0]["resource"]["meta"]["tag"] =
        Json::array({parse_json(R"({"code": "queued-messages"})")});
  for (const Json& bundle : nested) {
    Json entry = Json::object();
    entry["fullUrl"] = "urn:uuid:" + text_at(bundle, "id");
    entry["resource"] = bundle;
    out["entry"].push_back(entry);
  }
  return out;
}

}  // namespace rabt::nphies::testing
