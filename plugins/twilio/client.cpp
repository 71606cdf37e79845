#include "client.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace twilio {

namespace {

constexpr std::size_t kMaxId = 200;  // as the events' schemas have it

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string lower(std::string value) {
  std::transform(value.begin(), value.end(), value.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return value;
}

HttpRequest authorised(const Settings& settings, std::string method, std::string url) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  rabt::sdk::Header credential;
  credential.name = "Authorization";
  credential.secret = "api_key_secret";
  credential.basic_user = settings.api_key_sid;
  request.headers.push_back(std::move(credential));
  rabt::sdk::Header accept;
  accept.name = "Accept";
  accept.value = "application/json";
  request.headers.push_back(std::move(accept));
  return request;
}

std::string field(const Form& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

// "patient-2" and "patient" have the role patient: what stands before the first '-'.
std::string role_of(const std::string& identity) {
  return identity.substr(0, identity.find('-'));
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object())
    throw std::runtime_error("the configuration of twilio must be an object");
  Settings settings;
  settings.account_sid = text(config, "account_sid");
  settings.api_key_sid = text(config, "api_key_sid");
  settings.callback_url = text(config, "callback_url");
  settings.media_region = text(config, "media_region");
  if (const std::string base = text(config, "base_url"); !base.empty()) settings.base_url = base;
  while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
  settings.token_ttl_seconds = config.value("token_ttl_seconds", settings.token_ttl_seconds);
  settings.max_participants = config.value("max_participants", settings.max_participants);
  settings.empty_room_minutes = config.value("empty_room_minutes", settings.empty_room_minutes);
  return settings;
}

std::string percent_decode(std::string_view value) {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '+') {
      out.push_back(' ');
    } else if (value[i] == '%' && i + 2 < value.size() && digit(value[i + 1]) >= 0 &&
               digit(value[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(value[i + 1]) * 16 + digit(value[i + 2])));
      i += 2;
    } else {
      out.push_back(value[i]);
    }
  }
  return out;
}

std::string encode_form(const Form& form) {
  std::string out;
  for (const auto& [key, value] : form) {
    if (!out.empty()) out.push_back('&');
    out.append(percent_encode(key)).append("=").append(percent_encode(value));
  }
  return out;
}

Form decode_form(std::string_view body) {
  Form form;
  while (!body.empty()) {
    const auto end = body.find('&');
    const std::string_view pair = body.substr(0, end);
    const auto equals = pair.find('=');
    if (!pair.empty()) {
      form.emplace_back(percent_decode(pair.substr(0, equals)),
                        equals == std::string_view::npos ? std::string()
                                                         : percent_decode(pair.substr(equals + 1)));
    }
    if (end == std::string_view::npos) break;
    body.remove_prefix(end + 1);
  }
  return form;
}

HttpRequest get_request(const Settings& settings, const std::string& url) {
  return authorised(settings, "GET", url);
}
HttpRequest delete_request(const Settings& settings, const std::string& url) {
  return authorised(settings, "DELETE", url);
}
HttpRequest post_request(const Settings& settings, const std::string& url, const Form& form) {
  HttpRequest request = authorised(settings, "POST", url);
  rabt::sdk::Header type;
  type.name = "Content-Type";
  type.value = "application/x-www-form-urlencoded";
  request.headers.push_back(std::move(type));
  request.body = encode_form(form);
  return request;
}

std::optional<Json> body_of(const HttpResult& answer) {
  Json json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  return json;
}

int error_code(const HttpResult& answer) {
  const auto body = body_of(answer);
  if (!body) return 0;
  const auto code = body->find("code");
  return code != body->end() && code->is_number_integer() ? code->get<int>() : 0;
}

Outcome failure(const HttpResult& answer) {
  using rabt::sdk::Kind;
  if (!answer.answered()) return no_answer(answer, "twilio", rabt::sdk::Repeat::safe);
  const int code = error_code(answer);
  // Twilio's message may quote what we sent: only its number is passed on.
  const std::string message = "Twilio answered " + std::to_string(answer.status) +
                              (code != 0 ? ", error " + std::to_string(code) : std::string());
  const Json detail{{"status", answer.status}, {"code", code}};
  const std::string name = "twilio." + std::to_string(code != 0 ? code : answer.status);
  if (answer.status == 429 || answer.status >= 500)
    return Outcome::fail(Kind::transient, name, message, detail.dump(), retry_after_ms(answer));
  return Outcome::fail(Kind::permanent, name, message, detail.dump());
}

std::string token_claims(const Settings& settings, std::string_view room, std::string_view identity,
                         std::int64_t now_seconds, std::int64_t ttl_seconds) {
  const Json claims{{"jti", settings.api_key_sid + "-" + std::to_string(now_seconds)},
                    {"iat", now_seconds},
                    {"exp", now_seconds + ttl_seconds},
                    {"iss", settings.api_key_sid},
                    {"sub", settings.account_sid},
                    {"grants", {{"identity", identity}, {"video", {{"room", room}}}}}};
  return claims.dump();
}

std::string missing_id(const Form& form) {
  const std::string what = lower(field(form, "StatusCallbackEvent"));
  const auto is_id = [&form](const char* name) {
    const std::string value = field(form, name);
    return !value.empty() && value.size() <= kMaxId;
  };
  if (what.empty() || !is_id("RoomSid")) return what.empty() ? "StatusCallbackEvent" : "RoomSid";
  return what.starts_with("recording-") && !is_id("RecordingSid") ? "RecordingSid" : "";
}

Json to_events(const Form& form) {
  const std::string what = lower(field(form, "StatusCallbackEvent"));
  const std::string room = field(form, "RoomSid");
  const std::string time = field(form, "Timestamp");
  Json data{{"sessionId", room}, {"reference", field(form, "RoomName")}};
  if (!time.empty()) data["at"] = time;
  std::string type;
  // What makes this callback the same as its own repeat: the room, what happened, and to whom.
  std::string key = room + "/" + what;
  if (what == "room-created") {
    type = "org.rabt.session.started.v1";
  } else if (what == "room-ended") {
    type = "org.rabt.session.ended.v1";
    const std::string duration = field(form, "RoomDuration");
    if (!duration.empty() && duration.size() < 10 &&
        duration.find_first_not_of("0123456789") == std::string::npos) {
      data["durationSeconds"] = std::stoll(duration);
    }
  } else if (what == "participant-connected" || what == "participant-disconnected") {
    type = what == "participant-connected" ? "org.rabt.session.participant-joined.v1"
                                           : "org.rabt.session.participant-left.v1";
    const std::string identity = field(form, "ParticipantIdentity");
    data["participantId"] = field(form, "ParticipantSid");
    data["identity"] = identity;
    data["role"] = role_of(identity);
    key += "/" + field(form, "ParticipantSid");
  } else if (what == "recording-started" || what == "recording-completed" ||
             what == "recording-failed") {
    type = what == "recording-started"     ? "org.rabt.session.recording-started.v1"
           : what == "recording-completed" ? "org.rabt.session.recording-ready.v1"
                                           : "org.rabt.session.recording-failed.v1";
    data["recordingId"] = field(form, "RecordingSid");
    data["kind"] = lower(field(form, "Type"));
    key += "/" + field(form, "RecordingSid");
  } else {
    return Json::array();
  }
  Json event{{"type", type},
             {"source", "https://video.twilio.com"},
             {"id", key},
             {"subject", room},
             {"data", data}};
  if (!time.empty()) event["time"] = time;
  return Json::array({event});
}

}  // namespace twilio
