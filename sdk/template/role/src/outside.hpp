// The way to the outside system, the same for every action: how requests look, what answers mean, how they are read.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/http_result.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"

namespace outside {

using namespace rabt::sdk;
using nlohmann::json;

// What came is not what was agreed with the outside system. The text is for operators: names of members, no values.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Members of what came. Each throws Unreadable when the member is not there or is of another kind.
inline const json& member(const json& from, const char* name) {
  const auto found = from.is_object() ? from.find(name) : from.end();
  if (!from.is_object() || found == from.end()) throw Unreadable(std::string(name) + " is missing");
  return *found;
}
inline std::string text(const json& from, const char* name, std::size_t max = 200) {
  const json& value = member(from, name);
  const std::string found = value.is_string() ? value.get<std::string>() : std::string();
  if (found.empty() || found.size() > max) throw Unreadable(std::string(name) + " is no text of the agreed length");
  return found;
}
inline bool flag(const json& from, const char* name) {
  if (!member(from, name).is_boolean()) throw Unreadable(std::string(name) + " is neither true nor false");
  return member(from, name).get<bool>();
}
inline json count(const json& from, const char* name) {  // an integer that is not negative
  if (!member(from, name).is_number_unsigned()) throw Unreadable(std::string(name) + " is no number of the agreed kind");
  return member(from, name);
}
inline const json& list(const json& from, const char* name) {
  if (!member(from, name).is_array()) throw Unreadable(std::string(name) + " is no list");
  return member(from, name);
}
// The outside system's word in the words of the capability.
inline std::string word(const json& from, const char* name,
                        std::initializer_list<std::pair<std::string_view, const char*>> meanings) {
  const std::string found = text(from, name);
  for (const auto& [theirs, ours] : meanings) {
    if (found == theirs) return ours;
  }
  throw Unreadable(std::string(name) + " is a word that was not agreed");
}
inline bool has(const json& from, const char* name) {
  return from.is_object() && from.contains(name) && !from.at(name).is_null();
}

// An argument of the call, "" when it is not there. The hub has checked the arguments with the schema.
inline std::string argument(const json& input, const char* name) {
  return has(input, name) && input.at(name).is_string() ? input.at(name).get<std::string>() : std::string();
}

class Client : public TaskPlugin {
 public:
  // config fits the schema in manifest.yaml. What is thrown here is shown to the operator.
  Client(Host host, std::string_view config)
      : TaskPlugin(host), base_url_(json::parse(config).at("base_url").get<std::string>()) {}

 protected:
  // Makes the output of what came; input: the call's arguments.
  using Read = json (*)(const json& came, const json& input);

  // A request without effect.
  HttpRequest get(const std::string& path) const { return request("GET", path); }
  // A request with an effect. It carries the call's idempotency key: sending it again does no harm.
  HttpRequest post(const Call& call, const std::string& path, std::string body = "{}") const {
    HttpRequest out = request("POST", path);
    out.headers.push_back({.name = "Content-Type", .value = "application/json"});
    out.headers.push_back({.name = "Idempotency-Key", .value = call.idempotency_key});
    out.body = std::move(body);
    return out;
  }

  // One request, from call to outcome.
  Task<Outcome> send(const Call& call, HttpRequest request, Read read) {
    const bool effect = request.method != "GET";
    const HttpResult answer = co_await http(call, std::move(request));
    if (!succeeded(answer)) co_return failure(answer);
    try {
      const json came = json::parse(answer.body, nullptr, false);
      const json input = json::parse(call.input, nullptr, false);
      co_return Outcome::done(read(came, input).dump());
    } catch (const Unreadable& wrong) {
      co_return unreadable(effect, wrong);
    }
  }

  static Outcome failure(const HttpResult& answer) {
    if (!answer.answered()) return no_answer(answer, "@ID@", Repeat::safe);
    const std::string message = "HTTP status " + std::to_string(answer.status);
    const std::string detail = json{{"status", answer.status}}.dump();
    if (answer.status == 429 || answer.status >= 500)
      return Outcome::fail(Kind::transient, "@ID@.unavailable", message, detail, retry_after_ms(answer));
    return Outcome::fail(Kind::permanent, "@ID@.refused", message, detail);
  }
  // With an effect something happened outside, and nobody can tell what: never guess.
  static Outcome unreadable(bool effect, const Unreadable& wrong) {
    return Outcome::fail(effect ? Kind::ambiguous : Kind::permanent, "@ID@.unreadable", wrong.what());
  }

 private:
  HttpRequest request(const char* method, const std::string& path) const {
    HttpRequest out{.method = method, .url = base_url_ + path};
    out.headers.push_back({.name = "Authorization", .secret = "api_token", .prefix = "Bearer "});
    return out;
  }

  std::string base_url_;
};

}  // namespace outside
