#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "rabt/json_nlohmann.hpp"
#include "transcriptions.hpp"

// Twilio Video behind the role `video`. API: Twilio Video REST API v1; twilio-oai
// spec/json/twilio_video_v1.json.
namespace rabt::twilio {

using sdk::Delivery;
using sdk::Events;
using sdk::percent_encode;
using sdk::Refusal;

namespace {

constexpr int kRoomExists = 53113;
constexpr std::string_view kIncludeAll = R"([{"type":"include","all":true}])";
constexpr std::string_view kExcludeAll = R"([{"type":"exclude","all":true}])";

// Two letters and 32 hexadecimal digits.
bool is_sid(std::string_view id, std::string_view prefix) {
  return id.size() == 34 && id.starts_with(prefix) &&
         id.find_first_not_of("0123456789abcdef", 2) == std::string_view::npos;
}
Outcome unknown_id(std::string_view key) {
  Outcome outcome =
      Outcome::fail(Kind::permanent, "twilio.unknown_id", std::string(key) + " is no id of Twilio");
  outcome.detail = R"({"status":404})";
  return outcome;
}

// The room of an answer, when it is one whose state this plugin knows.
std::optional<Json> room_of(const HttpResult& answer) {
  auto room = object_of(answer);
  if (!room || !is_sid(text_of(*room, "sid"), "RM")) return std::nullopt;
  const std::string status = text_of(*room, "status");
  if (status != "in-progress" && status != "completed" && status != "failed") return std::nullopt;
  return room;
}

// A time, or null.
Json time_of(const Json& json, const char* key) {
  const std::string time = text_of(json, key);
  return time.empty() ? Json() : Json(time);
}

Json participant_json(const Json& participant) {
  const std::string identity = text_of(participant, "identity");
  return Json{{"participantId", text_of(participant, "sid")},
              {"identity", identity},
              {"role", identity.substr(0, identity.find('-'))},
              {"joinedAt", time_of(participant, "start_time")},
              {"leftAt", time_of(participant, "end_time")},
              {"connected", text_of(participant, "status") == "connected"}};
}

Json recording_json(const Json& recording) {
  const Json sids = recording.value("grouping_sids", Json::object());
  return Json{
      {"recordingId", text_of(recording, "sid")},
      {"status", text_of(recording, "status")},
      {"kind", text_of(recording, "type")},
      {"container", text_of(recording, "container_format")},
      {"codec", text_of(recording, "codec")},
      {"participantId", sids.is_object() ? text_of(sids, "participant_sid") : std::string()},
      {"bytes", recording.value("size", Json())},
      {"durationSeconds", recording.value("duration", Json())},
      {"offsetMs", recording.value("offset", Json())},
      {"startedAt", time_of(recording, "date_created")}};
}

Json composition_json(const Json& composition) {
  return Json{{"recordingId", text_of(composition, "sid")},
              {"status", text_of(composition, "status")},
              {"kind", "composition"},
              {"container", text_of(composition, "format")},
              {"bytes", composition.value("size", Json())},
              {"durationSeconds", composition.value("duration", Json())}};
}

// The type of a track's or a composition's file, as Twilio describes it.
std::string media_type(const Json& described) {
  const std::string format = text_of(described, "format");
  if (!format.empty()) return format == "mp4" ? "video/mp4" : "video/webm";
  return text_of(described, "container_format") == "mka" ? "audio/x-matroska" : "video/x-matroska";
}

// Actions that name a recording in `recordingId`, and those that name a room in `sessionId`.
constexpr std::array<std::string_view, 2> kOfTracks{"fetch-recording", "delete-recording"};
constexpr std::array<std::string_view, 10> kOfRooms{
    "get-session",        "end-session",     "issue-token",    "remove-participant",
    "hold-receivers",     "start-recording", "stop-recording", "start-transcription",
    "stop-transcription", "list-recordings"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

class TwilioPlugin final : public Transcriptions {
 public:
  TwilioPlugin(Host host, std::string_view config) : Transcriptions(host, read_settings(config)) {}

  // Status callbacks are forms. The host has checked X-Twilio-Signature.
  Events normalise(const Delivery& delivery) {
    return {.json = to_events(sdk::decode_form(delivery.body)).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "create-session") co_return co_await create_session(call, input);
    const bool of_track = is_one_of(call.action, kOfTracks);
    if (!of_track && !is_one_of(call.action, kOfRooms))
      throw Refusal("twilio.unknown_action", "twilio has no such action");
    // Ids of rooms and tracks become parts of addresses: nothing else may stand there.
    const char* const key = of_track ? "recordingId" : "sessionId";
    const std::string id = text_of(input, key);
    const bool fits = of_track ? is_sid(id, "RT") || is_sid(id, "CJ") : is_sid(id, "RM");
    if (!fits) co_return unknown_id(key);
    if (call.action == "get-session") co_return co_await get_session(call, id);
    if (call.action == "end-session") co_return co_await end_session(call, id);
    if (call.action == "issue-token") co_return issue_token(input);
    if (call.action == "remove-participant")
      co_return co_await remove_participant(call, id, text_of(input, "identity"));
    if (call.action == "hold-receivers") co_return co_await hold_receivers(call, id, input);
    if (call.action == "start-recording") co_return co_await set_recording(call, id, true);
    if (call.action == "stop-recording") co_return co_await set_recording(call, id, false);
    if (call.action == "start-transcription")
      co_return co_await start_transcription(call, id, text_of(input, "language"));
    if (call.action == "stop-transcription") co_return co_await stop_transcription(call, id);
    if (call.action == "list-recordings") co_return co_await list_recordings(call, id);
    if (call.action == "fetch-recording") co_return co_await fetch_recording(call, id);
    co_return co_await delete_recording(call, id);
  }

 private:
  [[nodiscard]] Form room_form(const std::string& name, const Json& input) const {
    Form form{{"UniqueName", name},
              {"Type", "group"},
              {"StatusCallback", settings_.callback_url},
              {"StatusCallbackMethod", "POST"},
              {"MaxParticipants",
               std::to_string(input.value("maxParticipants", settings_.max_participants))},
              {"EmptyRoomTimeout", std::to_string(settings_.empty_room_minutes)},
              {"MaxParticipantDuration", std::to_string(settings_.max_participant_minutes * 60)},
              {"RecordParticipantsOnConnect", input.value("record", false) ? "true" : "false"},
              // The account's own setting may be another one.
              {"TranscribeParticipantsOnConnect", "false"}};
    if (!settings_.media_region.empty()) form.emplace_back("MediaRegion", settings_.media_region);
    return form;
  }

  [[nodiscard]] std::string mint(const std::string& room, const std::string& identity,
                                 std::int64_t ttl) const {
    const std::int64_t now = host().now_unix_ms() / 1000;
    return host().jwt("api_key_secret", "HS256", R"({"typ":"JWT","cty":"twilio-fpa;v=1"})",
                      token_claims(settings_, room, identity, now, ttl));
  }

  // Twilio has no idempotency key. The room's unique name is made from the hub's key, and names are
  // unique among rooms in progress: a repeat finds the room that the first attempt made and adopts
  // it.
  Task<Outcome> create_session(const Call& call, const Json& input) {
    const std::string name = call.idempotency_key;
    HttpResult answer =
        co_await http(call, post_request(settings_, url("/Rooms"), room_form(name, input)));
    if (answer.answered() && error_code(answer) == kRoomExists) {
      answer = co_await http(call, get_request(settings_, url("/Rooms/" + percent_encode(name))));
      const auto room = object_of(answer);
      if (succeeded(answer) && room &&
          text_of(*room, "status_callback") != settings_.callback_url) {
        co_return Outcome::fail(Kind::permanent, "twilio.foreign_room",
                                "a room of this name exists with another callback; it is not ours");
      }
    }
    if (!succeeded(answer)) co_return failure(answer);
    const auto room = room_of(answer);
    if (!room) co_return unreadable();

    const std::string sid = text_of(*room, "sid");
    Json participants = Json::array();
    for (const Json& participant : input.at("participants")) {
      const std::string identity = text_of(participant, "identity");
      const std::string token = mint(sid, identity, settings_.token_ttl_seconds);
      if (token.empty()) co_return co_await end_without_tokens(call, sid);
      participants.push_back(
          Json{{"role", text_of(participant, "role")}, {"identity", identity}, {"token", token}});
    }
    Json output{{"sessionId", sid},
                {"name", text_of(*room, "unique_name")},
                {"status", text_of(*room, "status")},
                {"participants", participants}};
    if (std::string region = text_of(*room, "media_region"); !region.empty())
      output["region"] = std::move(region);
    co_return Outcome::done(output.dump());
  }

  static Outcome no_token() {
    return Outcome::fail(
        Kind::permanent, "twilio.no_secret",
        "no token can be signed: the secret api_key_secret is missing or shorter than 32 bytes");
  }

  // Ends a room that no person can enter. When it cannot be ended either, the call may be repeated:
  // the repeat finds the room by its name.
  Task<Outcome> end_without_tokens(const Call& call, const std::string& sid) {
    const HttpResult ended =
        co_await http(call, post_request(settings_, url("/Rooms/" + sid), complete_form()));
    if (succeeded(ended)) co_return no_token();
    co_return Outcome::fail(Kind::ambiguous, "twilio.no_secret",
                            "no token can be signed, and the room that was made for it could not "
                            "be ended");
  }

  Task<Outcome> get_session(const Call& call, const std::string& sid) {
    const HttpResult answer = co_await http(call, get_request(settings_, url("/Rooms/" + sid)));
    if (!succeeded(answer)) co_return failure(answer);
    const auto room = room_of(answer);
    if (!room) co_return unreadable();
    // Without a status only those who are connected now are listed.
    Json found = Json::array();
    Outcome listed =
        co_await list(call, url("/Rooms/" + sid + "/Participants?Status=connected&PageSize=100"),
                      "participants", found);
    if (listed.kind != Kind::done) co_return listed;
    listed =
        co_await list(call, url("/Rooms/" + sid + "/Participants?Status=disconnected&PageSize=100"),
                      "participants", found);
    if (listed.kind != Kind::done) co_return listed;
    Json participants = Json::array();
    for (const Json& participant : found) participants.push_back(participant_json(participant));
    Json session{{"sessionId", sid},
                 {"status", text_of(*room, "status")},
                 {"startedAt", time_of(*room, "date_created")},
                 {"endedAt", time_of(*room, "end_time")},
                 {"participants", participants}};
    const Json duration = room->value("duration", Json());
    session["durationSeconds"] = duration.is_number() && duration >= 0 ? duration : Json(0);
    // Twilio tells nobody who does not ask that it failed to listen.
    if (!settings_.transcription_languages.empty() && text_of(*room, "status") == "in-progress") {
      Json transcription;
      listed = co_await find_transcription(call, sid, transcription);
      if (listed.kind != Kind::done) co_return listed;
      if (transcription.is_object()) session["transcription"] = text_of(transcription, "status");
    }
    co_return Outcome::done(session.dump());
  }

  // Twilio did not do what was asked of a room. Nothing if the room is over; else how the call
  // ends. Which error a room that is over answers with differs: the room itself knows.
  Task<std::optional<Outcome>> unless_over(const Call& call, const std::string& sid,
                                           const HttpResult& answer) {
    if (!answer.answered() || answer.status >= 500 || answer.status == 429 || answer.status == 401)
      co_return failure(answer);
    const HttpResult seen = co_await http(call, get_request(settings_, url("/Rooms/" + sid)));
    const auto room = object_of(seen);
    if (!succeeded(seen) || !room || text_of(*room, "status") != "completed")
      co_return failure(answer);
    co_return std::nullopt;
  }

  Task<Outcome> end_session(const Call& call, const std::string& sid) {
    const HttpResult answer =
        co_await http(call, post_request(settings_, url("/Rooms/" + sid), complete_form()));
    if (!succeeded(answer)) {
      const auto failed = co_await unless_over(call, sid, answer);
      if (failed) co_return *failed;
    }
    co_return co_await get_session(call, sid);
  }
  static Form complete_form() { return {{"Status", "completed"}}; }

  Outcome issue_token(const Json& input) {
    const std::int64_t ttl = input.value("ttlSeconds", settings_.token_ttl_seconds);
    const std::string token = mint(text_of(input, "sessionId"), text_of(input, "identity"), ttl);
    if (token.empty()) return no_token();
    return Outcome::done(Json{{"token", token},
                              {"expiresAt", host().now_unix_ms() / 1000 + ttl},
                              // The room that the token opens, as clients name it.
                              {"room", text_of(input, "sessionId")}}
                             .dump());
  }

  // A token of Twilio opens the room until it expires: the hub puts out again whoever comes back.
  Task<Outcome> remove_participant(const Call& call, const std::string& sid,
                                   const std::string& identity) {
    const HttpResult answer = co_await http(
        call,
        post_request(settings_, url("/Rooms/" + sid + "/Participants/" + percent_encode(identity)),
                     disconnect_form()));
    const bool gone = answer.answered() && answer.status == 404;
    if (!succeeded(answer) && !gone) {
      if (!answer.answered() || answer.status >= 500 || answer.status == 429 ||
          answer.status == 401)
        co_return failure(answer);
      // A room that is over has no participants, and a second disconnect is refused.
      const HttpResult seen = co_await http(
          call, get_request(settings_,
                            url("/Rooms/" + sid + "/Participants/" + percent_encode(identity))));
      const auto participant = object_of(seen);
      if (!succeeded(seen) || !participant || text_of(*participant, "status") != "disconnected")
        co_return failure(answer);
    }
    co_return Outcome::done(Json{{"sessionId", sid}, {"removed", succeeded(answer)}}.dump());
  }
  static Form disconnect_form() { return {{"Status", "disconnected"}}; }

  // Excludes the tracks of the receivers, except `whom`. Later rules override earlier ones.
  static Json rules_without(const Json& receivers, const std::string& whom = {}) {
    Json rules = Json::parse(kIncludeAll);
    for (const Json& receiver : receivers) {
      if (receiver != whom) rules.push_back(Json{{"type", "exclude"}, {"publisher", receiver}});
    }
    return rules;
  }
  static Form rules_form(const Json& rules) { return {{"Rules", rules.dump()}}; }
  // No token of Twilio keeps anybody from sending. What a receiver sends reaches nobody all the
  // same: everybody who is there is told to subscribe to all but the receivers, and recordings
  // leave them out.
  Task<Outcome> hold_receivers(const Call& call, const std::string& sid, const Json& input) {
    const Json& receivers = input.at("receivers");
    Json found = Json::array();
    const Outcome listed =
        co_await list(call, url("/Rooms/" + sid + "/Participants?Status=connected&PageSize=100"),
                      "participants", found);
    if (listed.kind != Kind::done) co_return listed;
    int held = 0;
    for (const Json& item : found) {
      const std::string participant = text_of(item, "sid");
      if (!is_sid(participant, "PA")) co_return unreadable();
      const Json rules = rules_without(receivers, text_of(item, "identity"));
      const HttpResult answer = co_await http(
          call,
          post_request(settings_,
                       url("/Rooms/" + sid + "/Participants/" + participant + "/SubscribeRules"),
                       rules_form(rules)));
      if (succeeded(answer)) ++held;
      // Whoever has left meanwhile needs no rules.
      const bool left = answer.answered() && (answer.status == 404 || answer.status == 400);
      if (!succeeded(answer) && !left) co_return failure(answer);
    }
    const std::string recording = url("/Rooms/" + sid + "/RecordingRules");
    const HttpResult recorded = co_await http(call, get_request(settings_, recording));
    const auto now = object_of(recorded);
    if (!succeeded(recorded)) co_return failure(recorded);
    if (!now) co_return unreadable();
    const Json rules = now->value("rules", Json::array());
    const bool records = rules.is_array() && !rules.empty() && rules.front().is_object() &&
                         text_of(rules.front(), "type") == "include";
    if (records) {
      const HttpResult answer = co_await http(
          call, post_request(settings_, recording, rules_form(rules_without(receivers))));
      // A room that is over records nothing.
      if (!succeeded(answer) && !(answer.answered() && answer.status == 400))
        co_return failure(answer);
    }
    co_return Outcome::done(Json{{"sessionId", sid}, {"held", held}}.dump());
  }

  Task<Outcome> set_recording(const Call& call, const std::string& sid, bool record) {
    const HttpResult answer = co_await http(
        call, post_request(settings_, url("/Rooms/" + sid + "/RecordingRules"),
                           rules_form(Json::parse(record ? kIncludeAll : kExcludeAll))));
    bool recording = record;
    if (!succeeded(answer)) {
      // The participants may have left before this call: a room that is over records nothing, and
      // that is no failure.
      const auto failed = co_await unless_over(call, sid, answer);
      if (failed) co_return *failed;
      recording = false;
    }
    co_return Outcome::done(Json{{"sessionId", sid}, {"recording", recording}}.dump());
  }

  Task<Outcome> list_recordings(const Call& call, const std::string& sid) {
    Json found = Json::array();
    Outcome listed = co_await list(call, url("/Recordings?GroupingSid=" + sid + "&PageSize=100"),
                                   "recordings", found);
    if (listed.kind != Kind::done) co_return listed;
    // Ready when nothing is still being processed. Failed tracks are reported and not waited for.
    bool ready = true;
    Json recordings = Json::array();
    Json failed = Json::array();
    for (const Json& recording : found) {
      if (!is_sid(text_of(recording, "sid"), "RT")) co_return unreadable();
      const std::string status = text_of(recording, "status");
      if (status == "processing") ready = false;
      if (status == "completed") recordings.push_back(recording_json(recording));
      if (status == "failed") failed.push_back(recording_json(recording));
    }
    if (!settings_.composition_format.empty() && ready && !recordings.empty())
      co_return co_await composed(call, sid, std::move(recordings));
    co_return Outcome::done(
        Json{{"ready", ready}, {"recordings", recordings}, {"failed", failed}}.dump());
  }

  // One file of all tracks, which is asked for when the room is over and its tracks are there. Who
  // asks again finds it by the room. When Twilio cannot make it, the tracks stand in its place.
  Task<Outcome> composed(const Call& call, const std::string& sid, Json tracks) {
    const HttpResult seen = co_await http(call, get_request(settings_, url("/Rooms/" + sid)));
    if (!succeeded(seen)) co_return failure(seen);
    const auto room = room_of(seen);
    if (!room) co_return unreadable();
    if (text_of(*room, "status") == "in-progress") co_return not_ready();
    Json found = Json::array();
    const Outcome listed = co_await list(
        call, url("/Compositions?RoomSid=" + sid + "&PageSize=100"), "compositions", found);
    if (listed.kind != Kind::done) co_return listed;
    Json ready = Json::array();
    Json failed = Json::array();
    bool under_way = false;
    for (const Json& item : found) {
      if (!is_sid(text_of(item, "sid"), "CJ")) co_return unreadable();
      const std::string status = text_of(item, "status");
      under_way = under_way || status == "enqueued" || status == "processing";
      if (status == "completed") ready.push_back(composition_json(item));
      if (status == "failed") failed.push_back(composition_json(item));
    }
    if (!ready.empty())
      co_return Outcome::done(Json{
          {"ready", true},
          {"recordings", Json::array({ready.front()})},
          {"failed", failed}}.dump());
    if (under_way) co_return not_ready();
    if (!failed.empty())
      co_return Outcome::done(
          Json{{"ready", true}, {"recordings", tracks}, {"failed", failed}}.dump());
    bool pictures = false;
    for (const Json& track : tracks) pictures = pictures || text_of(track, "kind") == "video";
    const HttpResult asked = co_await http(
        call,
        post_request(settings_, url("/Compositions"), composition_form(settings_, sid, pictures)));
    if (!succeeded(asked)) co_return failure(asked);
    co_return not_ready();
  }
  static Outcome not_ready() {
    return Outcome::done(Json{{"ready", false}, {"recordings", Json::array()}}.dump());
  }

  static HttpRequest media_request(const std::string& location, const std::string& content_type) {
    // No credentials: the location is signed, and S3 refuses a request that carries an
    // Authorization header as well.
    HttpRequest request;
    request.method = "GET";
    request.url = location;
    request.to_blob = true;
    request.blob_content_type = content_type;
    return request;
  }

  Task<Outcome> fetch_recording(const Call& call, const std::string& sid) {
    const std::string resource = resource_of(sid);
    const HttpResult described = co_await http(call, get_request(settings_, resource));
    if (!succeeded(described)) co_return failure(described);
    const auto recording = object_of(described);
    if (!recording) co_return unreadable();
    const std::string type = media_type(*recording);

    const HttpResult redirected = co_await http(call, get_request(settings_, resource + "/Media"));
    if (!redirected.answered()) co_return failure(redirected);
    std::string location;
    if (redirected.status >= 300 && redirected.status < 400)
      location = header_of(redirected, "location");
    if (location.empty()) {
      const auto body = object_of(redirected);
      if (body) location = text_of(*body, "redirect_to");
    }
    if (location.empty()) co_return failure(redirected);

    const HttpResult media = co_await http(call, media_request(location, type));
    if (!succeeded(media) || media.blob.empty()) co_return failure(media);
    const Json size = recording->value("size", Json());
    if (size.is_number_unsigned() && size.get<std::uint64_t>() != media.blob_bytes) {
      co_return Outcome::fail(Kind::transient, "twilio.truncated",
                              "the recording has another size than Twilio says");
    }
    co_return Outcome::done(Json{
        {"recordingId", sid},
        {"blob", media.blob},
        {"bytes", media.blob_bytes},
        {"sha256", media.blob_sha256},
        {"contentType", type}}.dump());
  }

  [[nodiscard]] std::string resource_of(const std::string& sid) const {
    return url((sid.starts_with("CJ") ? "/Compositions/" : "/Recordings/") + sid);
  }

  // The tracks of a composition go first: as long as it is there, a repeat finds them by its room.
  Task<Outcome> delete_tracks(const Call& call, const std::string& composition) {
    const HttpResult seen = co_await http(call, get_request(settings_, resource_of(composition)));
    if (seen.answered() && seen.status == 404) co_return Outcome::done("{}");
    if (!succeeded(seen)) co_return failure(seen);
    const auto described = object_of(seen);
    const std::string room = described ? text_of(*described, "room_sid") : std::string();
    if (!is_sid(room, "RM")) co_return unreadable();
    Json tracks = Json::array();
    const Outcome listed = co_await list(
        call, url("/Recordings?GroupingSid=" + room + "&PageSize=100"), "recordings", tracks);
    if (listed.kind != Kind::done) co_return listed;
    for (const Json& track : tracks) {
      const std::string sid = text_of(track, "sid");
      if (!is_sid(sid, "RT")) co_return unreadable();
      const HttpResult gone = co_await http(call, delete_request(settings_, resource_of(sid)));
      if (!succeeded(gone) && !(gone.answered() && gone.status == 404)) co_return failure(gone);
    }
    co_return Outcome::done("{}");
  }

  Task<Outcome> delete_recording(const Call& call, const std::string& sid) {
    if (sid.starts_with("CJ")) {
      Outcome tracks = co_await delete_tracks(call, sid);
      if (tracks.kind != Kind::done) co_return tracks;
    }
    const HttpResult answer = co_await http(call, delete_request(settings_, resource_of(sid)));
    if (!succeeded(answer) && !(answer.answered() && answer.status == 404))
      co_return failure(answer);
    co_return Outcome::done(Json{{"recordingId", sid}, {"deleted", true}}.dump());
  }
};

}  // namespace rabt::twilio

RABT_PLUGIN(rabt::twilio::TwilioPlugin, "twilio", "1.0.0");
