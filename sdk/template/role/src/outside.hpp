// The way to the outside system, the same for every action: how requests look, what answers mean, how they are read.
#pragma once

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "rabt/http_result.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/plugin.hpp"
#include "rabt/task.hpp"
#include "rabt/text.hpp"
#include "rabt/time.hpp"

namespace outside {

using namespace rabt::sdk;
using nlohmann::json;

// Thrown for an answer that is not as agreed with the outside system. The text is for operators: names of members, no values.
struct Unreadable : Refusal {
  explicit Unreadable(const std::string& text) : Refusal("@ID@.unreadable", text) {}
};

// JSON of the outside system.
inline json parsed(std::string_view came) {
  auto value = parse_json(came);
  if (!value) throw Unreadable("what came is no JSON");
  return *value;
}
// Members of what came. Each throws Unreadable when the member is not there or is of another kind.
inline const json& member(const json& from, const char* name) {
  const json& value = member_of(from, name);
  if (value.is_null()) throw Unreadable(std::string(name) + " is missing");
  return value;
}
inline std::string text(const json& from, const char* name, std::size_t max = 200) {
  member(from, name);
  std::string found = text_of(from, name);
  if (found.empty() || found.size() > max) throw Unreadable(std::string(name) + " is no text of the agreed length");
  return found;
}
// RFC 3339, as the capabilities have times.
inline std::string instant(const json& from, const char* name) {
  std::string found = text(from, name);
  if (!read_instant(found)) throw Unreadable(std::string(name) + " is no time of RFC 3339");
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
inline bool has(const json& from, const char* name) { return !member_of(from, name).is_null(); }

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
      co_return done(read(parsed(answer.body), input_of(call)));
    } catch (const Unreadable& wrong) {
      co_return unreadable(effect, wrong);
    }
  }

  static Outcome failure(const HttpResult& answer) {
    if (!answer.answered()) return no_answer(answer, "@ID@", Repeat::safe);
    return bad_status(answer, may_pass(answer.status) ? "@ID@.unavailable" : "@ID@.refused",
                      "HTTP status " + std::to_string(answer.status), json{{"status", answer.status}}.dump());
  }
  // With an effect something happened outside, and nobody can tell what: never guess.
  static Outcome unreadable(bool effect, const Unreadable& wrong) {
    return effect ? Outcome::fail(Kind::ambiguous, wrong.code(), wrong.what()) : wrong.outcome();
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
