#pragma once

// C++20 over rabt/abi.h: header only, needs no JSON library. SPDX-License-Identifier: Apache-2.0
//
// A plugin is a class that satisfies the concept Plugin and one last line: RABT_PLUGIN(MyPlugin,
// "my-id", "1.0.0") Optional members: cancel(rabt_call_id), normalise(Delivery) -> Events,
// probe(Call, Reply). For actions that read top to bottom with co_await, see rabt/task.hpp.

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/services.h"

namespace rabt::sdk {

inline std::string_view view(rabt_bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.ptr), static_cast<std::size_t>(bytes.len)};
}
inline rabt_bytes bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()),
          static_cast<std::uint64_t>(text.size())};
}

// RFC 3986 section 2.1: everything but unreserved characters becomes %XX.
inline std::string percent_encode(std::string_view value) {
  static constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : value) {
    const auto u = static_cast<unsigned char>(c);
    if (kUnreserved.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[u >> 4U]);
      out.push_back(kHex[u & 0xfU]);
    }
  }
  return out;
}

enum class Kind : std::uint32_t {
  done = RABT_DONE,
  transient = RABT_TRANSIENT,
  permanent = RABT_PERMANENT,
  ambiguous = RABT_AMBIGUOUS,
  cancelled = RABT_CANCELLED,
};

// How a call ends. output and detail are JSON text; message is for operators and holds no patient
// data.
struct Outcome {
  Kind kind = Kind::ambiguous;
  std::string output;
  std::string code;
  std::string message;
  std::string detail;
  std::int64_t retry_after_ms = 0;

  static Outcome done(std::string json) { return {Kind::done, std::move(json), {}, {}, {}, 0}; }
  static Outcome fail(Kind kind, std::string code, std::string message, std::string detail = {},
                      std::int64_t retry_after_ms = 0) {
    return {kind, {}, std::move(code), std::move(message), std::move(detail), retry_after_ms};
  }
};

// A call's content, copied: it may outlive the call.
struct Call {
  rabt_call_id id = 0;
  std::uint32_t attempt = 1;
  std::string action;
  std::string action_version;
  std::string input;
  std::string idempotency_key;
  std::int64_t deadline_unix_ms = 0;

  static Call copy(const rabt_call& call) {
    return {call.id,
            call.attempt,
            std::string(view(call.action)),
            std::string(view(call.action_version)),
            std::string(view(call.input)),
            std::string(view(call.idempotency_key)),
            call.deadline_unix_ms};
  }
};

// The host as a plugin sees it. Cheap to copy; lives as long as the plugin instance. Any thread.
class Host {
 public:
  explicit Host(const rabt_host* host) : host_(host) {}

  template <typename Service>
  [[nodiscard]] const Service* service(const char* id) const {
    return static_cast<const Service*>(host_->get_service(host_->self, id));
  }
  [[nodiscard]] const rabt_http* http() const { return service<rabt_http>(RABT_HTTP); }
  [[nodiscard]] const rabt_kv* kv() const { return service<rabt_kv>(RABT_KV); }
  [[nodiscard]] const rabt_sign* sign() const { return service<rabt_sign>(RABT_SIGN); }
  [[nodiscard]] const rabt_clock* clock() const { return service<rabt_clock>(RABT_CLOCK); }

  [[nodiscard]] std::int64_t now_unix_ms() const {
    const rabt_clock* c = clock();
    return c == nullptr ? 0 : c->now_unix_ms(c->self);
  }
  // fields: a flat JSON object.
  void log(std::uint32_t level, const char* event, std::string_view fields = "{}") const {
    const auto* log = service<rabt_log>(RABT_LOG);
    if (log != nullptr) log->log(log->self, level, event, bytes(fields));
  }
  // The raw MAC, or empty when the secret or the algorithm is not there.
  [[nodiscard]] std::string hmac(const char* secret, const char* algorithm,
                                 std::string_view data) const {
    std::string out;
    if (const rabt_sign* s = sign(); s != nullptr) {
      (void)s->hmac(s->self, secret, algorithm, bytes(data), &out, &Host::append);
    }
    return out;
  }
  // The compact JWT, or empty when the secret or the algorithm is not there.
  [[nodiscard]] std::string jwt(const char* secret, const char* algorithm,
                                std::string_view header_json, std::string_view claims_json) const {
    std::string out;
    if (const rabt_sign* s = sign(); s != nullptr) {
      (void)s->jwt(s->self, secret, algorithm, bytes(header_json), bytes(claims_json), &out,
                   &Host::append);
    }
    return out;
  }
  // A version 4 UUID in lower case.
  [[nodiscard]] std::string uuid() const {
    std::uint8_t raw[16] = {};
    if (const rabt_clock* c = clock(); c != nullptr) c->random(c->self, raw, sizeof raw);
    raw[6] = static_cast<std::uint8_t>((raw[6] & 0x0fU) | 0x40U);
    raw[8] = static_cast<std::uint8_t>((raw[8] & 0x3fU) | 0x80U);
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (int i = 0; i < 16; ++i) {
      if (i == 4 || i == 6 || i == 8 || i == 10) out.push_back('-');
      out.push_back(kHex[raw[i] >> 4U]);
      out.push_back(kHex[raw[i] & 0xfU]);
    }
    return out;
  }
  void complete(rabt_call_id call, const Outcome& outcome) const {
    rabt_outcome raw{};
    raw.size = sizeof raw;
    raw.kind = static_cast<std::uint32_t>(outcome.kind);
    raw.output = bytes(outcome.output);
    raw.code = bytes(outcome.code);
    raw.message = bytes(outcome.message);
    raw.detail = bytes(outcome.detail);
    raw.retry_after_ms = outcome.retry_after_ms;
    host_->complete(host_->self, call, &raw);
  }

 private:
  static void append(void* context, rabt_bytes b) {
    static_cast<std::string*>(context)->append(view(b));
  }
  const rabt_host* host_;
};

// The one answer of a call. Move-only; an answer that is dropped, also by an exception, says
// ambiguous (A1, A8).
class Reply {
 public:
  Reply(Host host, rabt_call_id call) : host_(host), call_(call), open_(true) {}
  Reply(Reply&& other) noexcept
      : host_(other.host_), call_(other.call_), open_(std::exchange(other.open_, false)) {}
  Reply& operator=(Reply&&) = delete;
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() {
    if (!open_) return;
    try {
      host_.complete(call_, Outcome::fail(Kind::ambiguous, "plugin.no_answer",
                                          "the plugin gave the call up without an answer"));
    } catch (...) {  // out of memory while answering: the deadline ends the call
    }
  }
  void send(const Outcome& outcome) && {
    open_ = false;
    host_.complete(call_, outcome);
  }
  void done(std::string json) && { std::move(*this).send(Outcome::done(std::move(json))); }
  void fail(Kind kind, std::string code, std::string message) && {
    std::move(*this).send(Outcome::fail(kind, std::move(code), std::move(message)));
  }

 private:
  Host host_;
  rabt_call_id call_;
  bool open_;
};

// A webhook delivery whose signature the host has checked. info is JSON, see rabt_webhook.
struct Delivery {
  std::string_view info;
  std::string_view body;
};
// What it became: a JSON array of events, or an error for operators.
struct Events {
  std::string json = "[]";
  std::string error;  // not empty: the delivery is refused
};

template <typename T>
concept Plugin = requires(T plugin, Host host, std::string_view config, Call call, Reply reply) {
  T(host, config);  // may throw std::exception: its text goes to the operator
  plugin.invoke(std::move(call), std::move(reply));
};

namespace detail {

template <Plugin T>
class Instance {
 public:
  static const rabt_plugin* create(const rabt_host* host, rabt_bytes config, void* error_context,
                                   rabt_sink error) noexcept {
    try {
      auto instance = std::make_unique<Instance>(host, config);
      return &instance.release()->table_;
    } catch (const std::exception& failure) {
      error(error_context, bytes(failure.what()));
    } catch (...) {
      error(error_context, bytes("the plugin could not start"));
    }
    return nullptr;
  }

  Instance(const rabt_host* host, rabt_bytes config) : host_(host), plugin_(host_, view(config)) {
    table_.size = sizeof table_;
    table_.self = this;
    table_.invoke = &Instance::invoke;
    table_.cancel = &Instance::cancel;
    table_.get_extension = &Instance::get_extension;
    table_.destroy = &Instance::destroy;
    webhook_.size = sizeof webhook_;
    webhook_.self = this;
    webhook_.normalise = &Instance::normalise;
    probe_.size = sizeof probe_;
    probe_.self = this;
    probe_.probe = &Instance::probe;
  }

 private:
  static Instance& of(void* self) { return *static_cast<Instance*>(self); }

  static int32_t invoke(void* self, const rabt_call* call) noexcept {
    try {
      Call copy = Call::copy(*call);
      Reply reply(of(self).host_, call->id);
      of(self).plugin_.invoke(std::move(copy), std::move(reply));
      return 0;
    } catch (...) {
      // A Reply was made: unwinding answered it. Before that only allocation can fail, and then
      // nothing was started; the hub's deadline covers the case that cannot be told apart.
      return 0;
    }
  }
  static void cancel([[maybe_unused]] void* self, [[maybe_unused]] rabt_call_id call) noexcept {
    if constexpr (requires(T & p) { p.cancel(call); }) {
      try {
        of(self).plugin_.cancel(call);
      } catch (...) {  // advice: nothing is owed but the call's own answer
      }
    }
  }
  static const void* get_extension(void* self, const char* id) noexcept {
    const std::string_view name(id);
    if constexpr (requires(T & p, Delivery d) { p.normalise(d); }) {
      if (name == RABT_WEBHOOK) return &of(self).webhook_;
    }
    if constexpr (requires(T & p, Call c, Reply r) { p.probe(std::move(c), std::move(r)); }) {
      if (name == RABT_PROBE) return &of(self).probe_;
    }
    (void)self;
    return nullptr;
  }
  static int32_t normalise([[maybe_unused]] void* self, [[maybe_unused]] rabt_bytes info,
                           [[maybe_unused]] rabt_bytes body, void* context,
                           [[maybe_unused]] rabt_sink events, rabt_sink error) noexcept {
    try {
      if constexpr (requires(T & p, Delivery d) { p.normalise(d); }) {
        const Events result = of(self).plugin_.normalise(Delivery{view(info), view(body)});
        if (result.error.empty()) {
          events(context, bytes(result.json));
          return 0;
        }
        error(context, bytes(result.error));
        return 1;
      }
    } catch (...) {
      // The exception's text may quote the body: it is not passed on.
    }
    error(context, bytes("the plugin could not read the delivery"));
    return 1;
  }
  static int32_t probe([[maybe_unused]] void* self,
                       [[maybe_unused]] const rabt_call* call) noexcept {
    if constexpr (requires(T & p, Call c, Reply r) { p.probe(std::move(c), std::move(r)); }) {
      try {
        Call copy = Call::copy(*call);
        Reply reply(of(self).host_, call->id);
        of(self).plugin_.probe(std::move(copy), std::move(reply));
      } catch (...) {  // as in invoke
      }
      return 0;
    } else {
      return 1;
    }
  }
  static void destroy(void* self) noexcept { delete static_cast<Instance*>(self); }

  Host host_;
  T plugin_;
  rabt_plugin table_{};
  rabt_webhook webhook_{};
  rabt_probe probe_{};
};

}  // namespace detail
}  // namespace rabt::sdk

// The digest of manifest.yaml comes from the build (rabt_add_plugin() in CMake); "" means: built
// without it, never loads.
#ifndef RABT_MANIFEST_SHA256
#define RABT_MANIFEST_SHA256 ""
#endif

// The last line of a plugin. id and version as in the manifest.
#define RABT_PLUGIN(type, plugin_id, plugin_version)                                           \
  extern "C" __attribute__((visibility("default"))) const rabt_entry rabt_plugin_entry;        \
  extern "C" const rabt_entry rabt_plugin_entry = {RABT_ABI_MAGIC,                             \
                                                   RABT_ABI_MAJOR,                             \
                                                   RABT_ABI_MINOR,                             \
                                                   sizeof(rabt_entry),                         \
                                                   0,                                          \
                                                   plugin_id,                                  \
                                                   plugin_version,                             \
                                                   RABT_MANIFEST_SHA256,                       \
                                                   &rabt::sdk::detail::Instance<type>::create, \
                                                   nullptr}
