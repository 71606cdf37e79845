#include "hub/plugin/recorder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/uri.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxTapes = 64;        // calls whose exchanges are held; the oldest goes
constexpr std::size_t kMaxExchanges = 1000;  // for one call
constexpr std::size_t kMaxRecordedBody = std::size_t{1} << 20U;
constexpr std::size_t kMinHidden = 4;  // shorter values stand everywhere by chance
constexpr int kMaxFiles = 10'000;      // for one action in one folder
constexpr const char* kSecret = "[secret]";
constexpr const char* kPatient = "[patient]";

// Headers that are left out of an answer; in a request their values are credentials.
constexpr std::array<std::string_view, 6> kCredentialHeaders{
    "set-cookie",         "authorization",       "www-authenticate",
    "proxy-authenticate", "authentication-info", "proxy-authorization"};
constexpr std::array<std::string_view, 4> kCredentialRequests{
    "authorization", "proxy-authorization", "cookie", "x-api-key"};
// RFC 6749 and what systems call it.
constexpr std::array<std::string_view, 10> kCredentialMembers{
    "access_token",  "refresh_token", "id_token",         "token",    "password", "secret",
    "client_secret", "api_key",       "client_assertion", "assertion"};

template <typename List>
bool among(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), lower(name)) != list.end();
}
void hide(std::string& text, std::string_view value, const char* instead) {
  if (value.size() < kMinHidden) return;
  for (auto at = text.find(value); at != std::string::npos;
       at = text.find(value, at + std::strlen(instead)))
    text.replace(at, value.size(), instead);
}
// Every text and number below it.
void leaves_of(const Json& value, std::set<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) leaves_of(member, out);
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) leaves_of(item, out);
  } else if (value.is_string()) {
    out.insert(value.as_string());
  } else if (value.is_number()) {
    out.insert(value.dump());
  }
}
void marked_of(const Json& value, const std::set<std::string>& names, std::set<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (names.contains(name)) {
        leaves_of(member, out);
      } else {
        marked_of(member, names, out);
      }
    }
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) marked_of(item, names, out);
  }
}

Error broken(const std::string& what) {
  return unavailable("plugin.record", what + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<Recorder>> Recorder::open(Parts parts) {
  if (::mkdir(parts.folder.c_str(), 0700) != 0 && errno != EEXIST)
    return broken("record: " + parts.folder + " cannot be made");
  if (::access(parts.folder.c_str(), W_OK | X_OK) != 0)
    return broken("record: " + parts.folder + " cannot be written to");
  return std::unique_ptr<Recorder>(new Recorder(std::move(parts)));
}

Result<std::string> Recorder::new_file(const std::string& name) {
  for (int i = 1; i <= kMaxFiles; ++i) {
    std::string number = std::to_string(i);
    number.insert(0, 4 - std::min<std::size_t>(number.size(), 4), '0');
    std::string path = parts_.folder;
    path += "/" + name + "-" + number + ".json";
    const Descriptor file(
        ::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.open()) return path;
    if (errno != EEXIST) return broken("record: " + path + " cannot be made");
  }
  errno = EEXIST;
  return broken("record: " + parts_.folder + " is full");
}

std::uint64_t Recorder::begin(Request request) {
  const Lock lock(mutex_);
  const std::uint64_t place = ++next_;
  if (!tapes_.contains(request.call) && tapes_.size() >= kMaxTapes) {
    // Tokens of calls rise, so the first is the oldest, but for the background, which stays.
    auto oldest = tapes_.begin();
    if (oldest->first == 0) ++oldest;
    std::erase_if(at_, [&](const auto& one) { return one.second == oldest->first; });
    tapes_.erase(oldest);
  }
  Tape& tape = tapes_[request.call];
  if (tape.path.empty()) {
    auto path = new_file(request.call == 0 ? "background" : request.action);
    if (path.ok()) tape.path = *std::move(path);
    std::set<std::string> given;
    marked_of(request.arguments, parts_.phi_names, given);
    tape.patient = std::move(given);
  }
  if (tape.exchanges.size() >= kMaxExchanges) return place;
  for (const Json& header :
       request.head["headers"].is_array() ? request.head["headers"].as_array() : Json::Array{}) {
    if (!header.item(0).is_string() || !header.item(1).is_string() ||
        !among(kCredentialRequests, header.item(0).as_string()))
      continue;
    // "Bearer abc": the scheme is no secret, what follows is.
    const std::string& value = header.item(1).as_string();
    const auto space = value.find(' ');
    learn_credential(std::string_view(value).substr(space == std::string::npos ? 0 : space + 1));
  }
  if (const auto json = Json::parse(request.body); json.ok()) learn(*json);
  tape.exchanges.push_back({place, std::move(request.head), std::move(request.body), false, {}});
  at_[place] = request.call;
  return place;
}

Status Recorder::end(std::uint64_t place, Answer answer) {
  const Lock lock(mutex_);
  const auto at = at_.find(place);
  if (at == at_.end()) return ok_status();
  const auto tape = tapes_.find(at->second);
  at_.erase(at);
  if (tape == tapes_.end()) return ok_status();
  const auto exchange = std::find_if(tape->second.exchanges.begin(), tape->second.exchanges.end(),
                                     [place](const Exchange& one) { return one.place == place; });
  if (exchange == tape->second.exchanges.end()) return ok_status();
  const std::size_t count = credentials_.size();
  if (const auto json = Json::parse(answer.body); json.ok()) learn(*json);
  exchange->answer = std::move(answer);
  exchange->answered = true;
  if (credentials_.size() == count) return write(tape->second);
  // A credential that is learned now may stand in what was written before.
  for (auto& [call, one] : tapes_) RABT_TRY_STATUS(write(one));
  return ok_status();
}

void Recorder::learn(const Json& value) {
  if (value.is_object()) {
    for (const auto& [name, member] : value.as_object()) {
      if (member.is_string() && among(kCredentialMembers, name)) {
        learn_credential(member.as_string());
      } else {
        learn(member);
      }
    }
  } else if (value.is_array()) {
    for (const Json& item : value.as_array()) learn(item);
  }
}

void Recorder::learn_credential(std::string_view value) {
  if (value.size() >= kMinHidden) credentials_.emplace(value);
}

std::string Recorder::clean_text(const Tape& tape, std::string_view name,
                                 std::string_view text) const {
  std::string out(text);
  for (const auto& [secret, value] : parts_.secrets) {
    if (value == nullptr) continue;
    hide(out, value->expose_text(), kSecret);
    hide(out, percent_encode(value->expose_text()), kSecret);
  }
  for (const std::string& value : credentials_) hide(out, value, kSecret);
  for (const std::string& value : tape.patient) {
    hide(out, value, kPatient);
    hide(out, percent_encode(value), kPatient);
  }
  return parts_.privacy.hub_text(phi::Channel::error, name, out);
}

Json Recorder::clean_value(const Tape& tape, const Json& value, std::string_view name) const {
  if (value.is_object()) {
    Json out = Json::object();
    for (const auto& [key, member] : value.as_object()) {
      out.set(key, !member.is_null() && parts_.phi_names.contains(key)
                       ? Json(kPatient)
                       : clean_value(tape, member, key));
    }
    return out;
  }
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& item : value.as_array()) out.push_back(clean_value(tape, item, name));
    return out;
  }
  if (value.is_string()) return Json(clean_text(tape, name, value.as_string()));
  if (value.is_number()) {
    const std::string digits = value.dump();
    std::string cleaned = clean_text(tape, name, digits);
    return cleaned == digits ? value : Json(std::move(cleaned));
  }
  return value;
}

// A body with nothing to hide stays byte for byte: a replay compares it.
std::string Recorder::clean_body(const Tape& tape, const std::string& body) const {
  if (body.empty()) return body;
  if (body.size() > kMaxRecordedBody || !is_utf8(body))
    return "[" + std::to_string(body.size()) + " bytes]";
  const auto json = Json::parse(body);
  if (!json.ok()) return clean_text(tape, "body", body);
  const Json cleaned = clean_value(tape, *json, "body");
  return cleaned == *json ? body : cleaned.dump();
}

Status Recorder::write(Tape& tape) const {
  if (tape.path.empty())
    return unavailable("plugin.record", "record: no file could be made in " + parts_.folder);
  Json exchanges = Json::array();
  for (const Exchange& exchange : tape.exchanges) {
    if (!exchange.answered) continue;
    Json headers = Json::array();
    for (const Json& header :
         exchange.answer.headers.is_array() ? exchange.answer.headers.as_array() : Json::Array{}) {
      if (header.item(0).is_string() && among(kCredentialHeaders, header.item(0).as_string()))
        continue;
      headers.push_back(header);
    }
    exchanges.push_back(Json::object(
        {{"request",
          Json::object({{"method", exchange.head.string_or("method", "GET")},
                        {"url", clean_text(tape, "url", exchange.head.string_or("url", ""))},
                        {"headers", clean_value(tape, exchange.head["headers"], "headers")},
                        {"body", clean_body(tape, exchange.body)}})},
         {"answer", Json::object({{"sent", std::string(exchange.answer.sent)},
                                  {"status", exchange.answer.status},
                                  {"headers", clean_value(tape, headers, "headers")},
                                  {"body", clean_body(tape, exchange.answer.body)},
                                  {"error", exchange.answer.error}})}}));
  }
  const std::string text =
      Json::object({{"cassette", 1}, {"exchanges", std::move(exchanges)}}).dump_pretty() + "\n";
  const std::string beside = tape.path + ".new";
  Descriptor file(
      ::open(beside.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.open()) return broken("record: " + beside + " cannot be made");
  if (!write_all(file.get(), text) || !file.reset())
    return broken("record: " + beside + " cannot be written");
  if (::rename(beside.c_str(), tape.path.c_str()) != 0)
    return broken("record: " + tape.path + " cannot be replaced");
  return ok_status();
}

}  // namespace rabt::plugin
