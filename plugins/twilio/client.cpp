#include "client.hpp"

#include "rabt/json_nlohmann.hpp"

namespace rabt::twilio {

namespace {

using sdk::field_of;
using sdk::lower;
using sdk::Refusal;
using sdk::text_of;

// As the events' schemas have it.
constexpr std::size_t kMaxId = 200;

HttpRequest authorised(const Settings& settings, std::string method, std::string url) {
  HttpRequest request;
  request.method = std::move(method);
  request.url = std::move(url);
  sdk::Header credential;
  credential.name = "Authorization";
  credential.secret = "api_key_secret";
  credential.basic_user = settings.api_key_sid;
  request.headers.push_back(std::move(credential));
  sdk::Header accept;
  accept.name = "Accept";
  accept.value = "application/json";
  request.headers.push_back(std::move(accept));
  return request;
}

// Throws unless the callback has the field with 1 to kMaxId characters.
void require_id(const Form& form, const char* name) {
  const std::size_t size = field_of(form, name).size();
  if (size > 0 && size <= kMaxId) return;
  throw Refusal("twilio.delivery", "a Twilio status callback holds " + std::string(name) +
                                       ", of at most 200 characters");
}

// "patient-2" and "patient" have the role patient: what stands before the first '-'.
std::string role_of(const std::string& identity) {
  return identity.substr(0, identity.find('-'));
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("twilio.config", "the configuration must be an object");
  Settings settings;
  settings.account_sid = text_of(config, "account_sid");
  settings.api_key_sid = text_of(config, "api_key_sid");
  settings.callback_url = text_of(config, "callback_url");
  settings.media_region = text_of(config, "media_region");
  if (const std::string base = text_of(config, "base_url"); !base.empty()) settings.base_url = base;
  while (settings.base_url.ends_with('/')) settings.base_url.pop_back();
  settings.token_ttl_seconds = config.value("token_ttl_seconds", settings.token_ttl_seconds);
  settings.max_participants = config.value("max_participants", settings.max_participants);
  settings.empty_room_minutes = config.value("empty_room_minutes", settings.empty_room_minutes);
  settings.max_participant_minutes =
      config.value("max_participant_minutes", settings.max_participant_minutes);
  if (const Json& composition = sdk::member_of(config, "composition"); composition.is_object()) {
    settings.composition_format = composition.value("format", "webm");
    settings.composition_resolution =
        composition.value("resolution", settings.composition_resolution);
  }
  for (const Json& item : sdk::list_of(config, "transcription_languages")) {
    if (item.is_string()) settings.transcription_languages.push_back(item.get<std::string>());
  }
  settings.transcription_engine = text_of(config, "transcription_engine");
  settings.transcription_model = text_of(config, "transcription_model");
  return settings;
}

Form composition_form(const Settings& settings, const std::string& room, bool pictures) {
  Form form{{"RoomSid", room},
            {"AudioSources", "*"},
            {"Format", settings.composition_format},
            {"StatusCallback", settings.callback_url},
            {"StatusCallbackMethod", "POST"}};
  if (pictures) {
    form.emplace_back("VideoLayout", R"({"grid":{"video_sources":["*"]}})");
    form.emplace_back("Resolution", settings.composition_resolution);
  }
  return form;
}

Form transcription_form(const Settings& settings, const std::string& language) {
  Json configuration{
      {"languageCode", language}, {"partialResults", true}, {"profanityFilter", false}};
  if (!settings.transcription_engine.empty())
    configuration["transcriptionEngine"] = settings.transcription_engine;
  if (!settings.transcription_model.empty())
    configuration["speechModel"] = settings.transcription_model;
  return {{"Configuration", configuration.dump()}};
}

HttpRequest get_request(const Settings& settings, const std::string& url) {
  return authorised(settings, "GET", url);
}
HttpRequest delete_request(const Settings& settings, const std::string& url) {
  return authorised(settings, "DELETE", url);
}
HttpRequest post_request(const Settings& settings, const std::string& url, const Form& form) {
  HttpRequest request = authorised(settings, "POST", url);
  sdk::Header type;
  type.name = "Content-Type";
  type.value = "application/x-www-form-urlencoded";
  request.headers.push_back(std::move(type));
  request.body = sdk::encode_form(form);
  return request;
}

std::optional<Json> object_of(const HttpResult& answer) {
  auto body = sdk::parse_json(answer.body);
  if (!body || !body->is_object()) return std::nullopt;
  return body;
}

int error_code(const HttpResult& answer) {
  const auto body = object_of(answer);
  if (!body) return 0;
  const auto code = body->find("code");
  return code != body->end() && code->is_number_integer() ? code->get<int>() : 0;
}

namespace {

// Reason of a refusal, and advice. A 403 may have any of these reasons: only the number tells.
struct Why {
  int code;
  const char* reason;
  const char* advice;
};
constexpr Why kRefusals[] = {
    {20003, "credentials",
     "api_key_sid, api_key_secret or account_sid is wrong, the key was deleted or is one of "
     "another "
     "region, or the account is suspended; look at both in the Twilio console"},
    {20005, "account", "the account is not active; look at its state and funds in the console"},
    {20006, "permission", "the API key may not do this; use a Standard key, or permit it Video"},
    {20008, "credentials", "these are test credentials, with which there is no video"},
    {20403, "account", "the account is suspended or closed; ask Twilio's support"},
    {53119, "quota", "the account has as many rooms as it may; ask Twilio for more"},
    {53206, "quota", "the account has as many participants as it may; ask Twilio for more"},
    {70051, "permission",
     "the API key may not do this; permit a Restricted key Video, or use a Standard key"}};

}  // namespace

Outcome failure(const HttpResult& answer) {
  if (!answer.answered()) return no_answer(answer, "twilio", sdk::Repeat::safe);
  const int code = error_code(answer);
  // Twilio's message may quote what we sent: only its number is passed on.
  std::string message = "Twilio answered " + std::to_string(answer.status) +
                        (code != 0 ? ", error " + std::to_string(code) : std::string());
  Json detail{{"status", answer.status}, {"code", code}};
  for (const Why& refusal : kRefusals) {
    if (refusal.code != code) continue;
    detail["reason"] = refusal.reason;
    message.append(": ").append(refusal.advice);
  }
  const std::string name = "twilio." + std::to_string(code != 0 ? code : answer.status);
  return bad_status(answer, name, message, detail.dump());
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

Json to_events(const Form& form) {
  if (form.empty()) {
    throw Refusal("twilio.delivery",
                  "a Twilio status callback is a form; this delivery has no fields");
  }
  const std::string what = lower(field_of(form, "StatusCallbackEvent"));
  require_id(form, "StatusCallbackEvent");
  require_id(form, "RoomSid");
  if (what.starts_with("recording-")) require_id(form, "RecordingSid");
  if (what.starts_with("composition-")) require_id(form, "CompositionSid");
  const std::string room = field_of(form, "RoomSid");
  const std::string time = field_of(form, "Timestamp");
  Json data{{"sessionId", room}, {"reference", field_of(form, "RoomName")}};
  if (!time.empty()) data["at"] = time;
  std::string type;
  // Key that this callback and its repeats share: the room, the event, and the person.
  std::string key = room + "/" + what;
  if (what == "room-created") {
    type = "org.rabt.session.started.v1";
  } else if (what == "room-ended") {
    type = "org.rabt.session.ended.v1";
    const std::string duration = field_of(form, "RoomDuration");
    if (!duration.empty() && duration.size() < 10 && sdk::all_digits(duration)) {
      data["durationSeconds"] = std::stoll(duration);
    }
  } else if (what == "participant-connected" || what == "participant-disconnected") {
    type = what == "participant-connected" ? "org.rabt.session.participant-joined.v1"
                                           : "org.rabt.session.participant-left.v1";
    const std::string identity = field_of(form, "ParticipantIdentity");
    data["participantId"] = field_of(form, "ParticipantSid");
    data["identity"] = identity;
    data["role"] = role_of(identity);
    key += "/" + field_of(form, "ParticipantSid");
  } else if (what == "recording-started" || what == "recording-completed" ||
             what == "recording-failed") {
    type = what == "recording-started"     ? "org.rabt.session.recording-started.v1"
           : what == "recording-completed" ? "org.rabt.session.recording-ready.v1"
                                           : "org.rabt.session.recording-failed.v1";
    data["recordingId"] = field_of(form, "RecordingSid");
    data["kind"] = lower(field_of(form, "Type"));
    key += "/" + field_of(form, "RecordingSid");
  } else if (what == "composition-available") {
    type = "org.rabt.session.recording-ready.v1";
    data["recordingId"] = field_of(form, "CompositionSid");
    data["kind"] = "composition";
    key += "/" + field_of(form, "CompositionSid");
  } else {
    // A composition that failed is nobody's loss: list-recordings gives the tracks in its place.
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

}  // namespace rabt::twilio
