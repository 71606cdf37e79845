#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <string_view>

#include "recordings.hpp"
#include "sigv4.hpp"

// Amazon Chime SDK behind the role `video`: meetings, attendees, media capture and concatenation
// pipelines, and the bucket that recordings lie in. API: the services chime-sdk-meetings and
// chime-sdk-media-pipelines of 2021-07-15.
namespace rabt::chime {

using sdk::Delivery;
using sdk::Events;

namespace {

// Meetings that were made under one name and have ended; the next one gets a request token of its
// own.
constexpr int kMaxReopened = 16;
// Everybody sees and hears. Who may only receive sends nothing: Chime's media servers hold him to
// it.
Json capabilities(bool receive_only) {
  const char* const what = receive_only ? "Receive" : "SendReceive";
  return {{"Audio", what}, {"Video", what}, {"Content", what}};
}

// Actions that name a recording in `recordingId`, and those that name a meeting in `sessionId`.
constexpr std::array<std::string_view, 2> kOfRecordings{"fetch-recording", "delete-recording"};
constexpr std::array<std::string_view, 9> kOfMeetings{
    "get-session",         "end-session",        "issue-token",
    "remove-participant",  "start-recording",    "stop-recording",
    "start-transcription", "stop-transcription", "list-recordings"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

class ChimePlugin final : public Recordings {
 public:
  ChimePlugin(Host host, std::string_view config) : Recordings(host, read_settings(config)) {}

  // The host has checked the signature of SNS, or the token of EventBridge.
  Events normalise(const Delivery& delivery) {
    return {.json = to_events(delivery.body).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "create-session") co_return co_await create_session(call, input);
    const bool of_one = is_one_of(call.action, kOfRecordings);
    if (!of_one && !is_one_of(call.action, kOfMeetings))
      throw Refusal("chime.unknown_action", "chime has no such action");
    // Ids become parts of addresses: nothing else may stand there.
    const char* const key = of_one ? "recordingId" : "sessionId";
    const std::string id = text_of(input, key);
    if (!is_guid(id)) co_return not_found(key);
    if (call.action == "get-session") co_return co_await get_session(call, id);
    if (call.action == "end-session") co_return co_await end_session(call, id);
    if (call.action == "issue-token") co_return co_await issue_token(call, id, input);
    if (call.action == "remove-participant")
      co_return co_await remove_participant(call, id, text_of(input, "identity"));
    if (call.action == "start-recording") co_return co_await start_recording(call, id);
    if (call.action == "stop-recording") co_return co_await stop_recording(call, id);
    if (call.action == "start-transcription")
      co_return co_await start_transcription(call, id, text_of(input, "language"));
    if (call.action == "stop-transcription") co_return co_await stop_transcription(call, id);
    if (call.action == "list-recordings") co_return co_await list_recordings(call, id);
    if (call.action == "fetch-recording") co_return co_await fetch_recording(call, id);
    co_return co_await delete_recording(call, id);
  }

 private:
  // ---- Meetings

  [[nodiscard]] Json meeting_body(const std::string& name, const std::string& token,
                                  const Json& input) const {
    Json body{{"ClientRequestToken", token},
              {"ExternalMeetingId", name},
              {"MediaRegion", settings_.media_region},
              {"MeetingFeatures",
               {{"Attendee",
                 {{"MaxCount", std::max(settings_.max_participants,
                                        input.value("maxParticipants", std::int64_t{2}))}}}}}};
    if (!settings_.sns_topic_arn.empty())
      body["NotificationsConfiguration"] = {{"SnsTopicArn", settings_.sns_topic_arn}};
    return body;
  }

  // A repeat with the same token gives the same meeting. It also does when that meeting has ended:
  // then the room is opened again, under the next token.
  Task<Outcome> create_session(const Call& call, const Json& input) {
    const std::string name = request_token(call.idempotency_key);
    for (const Json& node : list_of(input, "participants"))
      (void)external_user(text_of(node, "identity"));  // refused before there is a meeting
    for (int round = 0; round < kMaxReopened; ++round) {
      const std::string token = round == 0 ? name : hex(sha256(name + "#" + std::to_string(round)));
      const HttpResult answer =
          co_await meetings(call, "POST", "/meetings", meeting_body(name, token, input).dump());
      if (!succeeded(answer)) co_return failure(answer);
      const auto body = object_of(answer);
      const Json meeting = body ? member_of(*body, "Meeting") : Json();
      const std::string id = text_of(meeting, "MeetingId");
      if (!is_guid(id)) co_return unreadable();
      const HttpResult seen = co_await meetings(call, "GET", "/meetings/" + id);
      if (is_gone(seen)) continue;
      if (!succeeded(seen)) co_return failure(seen);
      if (input.value("record", false)) {
        const Outcome recorded = co_await start_recording(call, id);
        if (recorded.kind != Kind::done) co_return recorded;
      }
      // An attendee is made when somebody asks for a token: who never comes is none.
      Json participants = Json::array();
      for (const Json& item : list_of(input, "participants"))
        participants.push_back(
            {{"role", text_of(item, "role")}, {"identity", text_of(item, "identity")}});
      Json output{{"sessionId", id}, {"status", "in-progress"}, {"participants", participants}};
      if (std::string region = text_of(meeting, "MediaRegion"); !region.empty())
        output["region"] = std::move(region);
      co_return Outcome::done(output.dump());
    }
    co_return Outcome::fail(Kind::permanent, "chime.reopened",
                            "too many meetings of this name have ended");
  }

  // Chime tells who was invited, and not who is there. A meeting that it does not know any more is
  // over.
  static Outcome state(const std::string& id, bool open) {
    return Outcome::done(Json{
        {"sessionId", id},
        {"status", open ? "in-progress" : "completed"},
        {"startedAt", nullptr},
        {"endedAt", nullptr},
        {"durationSeconds", 0},
        {"participants",
         Json::array()}}.dump());
  }
  Task<Outcome> get_session(const Call& call, std::string id) {
    const HttpResult seen = co_await meetings(call, "GET", "/meetings/" + id);
    if (!succeeded(seen) && !is_gone(seen)) co_return failure(seen);
    co_return state(id, !is_gone(seen));
  }
  Task<Outcome> end_session(const Call& call, std::string id) {
    const HttpResult ended = co_await meetings(call, "DELETE", "/meetings/" + id);
    if (!succeeded(ended) && !is_gone(ended)) co_return failure(ended);
    const Outcome stopped = co_await finish_segments(call, id);
    if (stopped.kind != Kind::done) co_return stopped;
    co_return state(id, false);
  }

  // ---- Transcription

  static Outcome transcribing(const std::string& id, bool on) {
    return Outcome::done(Json{{"sessionId", id}, {"transcribing", on}}.dump());
  }
  // Amazon Transcribe listens in the media region. Its words go to the clients of the attendees;
  // the same again changes nothing.
  Task<Outcome> start_transcription(const Call& call, std::string id, std::string language) {
    const auto& languages = settings_.transcription_languages;
    const auto found =
        std::find_if(languages.begin(), languages.end(), [&](const std::string& text) {
          return text == language || text.starts_with(language + "-");
        });
    if (found == languages.end())
      co_return sdk::fail(Kind::permanent, "chime.language",
                          "transcription_languages names none for the language of this session",
                          Json{{"status", 422}});
    const Json body{
        {"TranscriptionConfiguration", {{"EngineTranscribeSettings", {{"LanguageCode", *found}}}}}};
    const HttpResult answer = co_await meetings(
        call, "POST", "/meetings/" + id + "/transcription?operation=start", body.dump());
    // A meeting that is over has no speakers.
    if (is_gone(answer)) co_return transcribing(id, false);
    if (!succeeded(answer)) co_return failure(answer);
    co_return transcribing(id, true);
  }
  Task<Outcome> stop_transcription(const Call& call, std::string id) {
    const HttpResult answer =
        co_await meetings(call, "POST", "/meetings/" + id + "/transcription?operation=stop");
    if (!succeeded(answer) && !is_gone(answer)) co_return failure(answer);
    co_return transcribing(id, false);
  }

  // ---- Attendees

  // The same identity is the same attendee at Chime.
  Task<Outcome> issue_token(const Call& call, std::string id, const Json& input) {
    const Json may = capabilities(input.value("receiveOnly", false));
    const Json ask{{"ExternalUserId", external_user(text_of(input, "identity"))},
                   {"Capabilities", may}};
    const HttpResult meeting = co_await meetings(call, "GET", "/meetings/" + id);
    if (!succeeded(meeting)) co_return failure(meeting);
    const auto about = object_of(meeting);
    if (!about || !member_of(*about, "Meeting").is_object()) co_return unreadable();
    const std::string attendees = "/meetings/" + id + "/attendees";
    HttpResult answer = co_await meetings(call, "POST", attendees, ask.dump());
    if (!succeeded(answer)) co_return failure(answer);
    // An attendee of before keeps what he was allowed then, so he makes room for another one. To
    // change him would need a permission more of the account.
    if (const auto before = object_of(answer)) {
      const Json& had = member_of(member_of(*before, "Attendee"), "Capabilities");
      if (had.is_object() && had != may) {
        const std::string old = text_of(member_of(*before, "Attendee"), "AttendeeId");
        if (!is_guid(old)) co_return unreadable();
        const HttpResult gone = co_await meetings(call, "DELETE", attendees + "/" + old);
        if (!succeeded(gone) && !is_gone(gone)) co_return failure(gone);
        answer = co_await meetings(call, "POST", attendees, ask.dump());
        if (!succeeded(answer)) co_return failure(answer);
      }
    }
    const auto body = object_of(answer);
    if (!body) co_return unreadable();
    const Json& attendee = member_of(*body, "Attendee");
    const std::string token = text_of(attendee, "JoinToken");
    if (token.empty()) co_return unreadable();
    // Chime keeps a token until the meeting ends; the hub asks for a new one when the time is over.
    const std::int64_t ttl = input.value("ttlSeconds", settings_.token_ttl_seconds);
    const Json kept{{"AttendeeId", text_of(attendee, "AttendeeId")},
                    {"ExternalUserId", text_of(attendee, "ExternalUserId")},
                    {"JoinToken", token},
                    {"Capabilities", may}};
    co_return Outcome::done(Json{
        {"token", token},
        {"expiresAt", host().now_unix_ms() / 1000 + ttl},
        {"meeting", member_of(*about, "Meeting")},
        {"attendee", kept}}.dump());
  }

  // DeleteAttendee puts out and makes the token worthless.
  Task<Outcome> remove_participant(const Call& call, std::string id, std::string identity) {
    const std::string user = external_user(identity);
    std::vector<std::string> attendees;
    std::string next;
    for (int page = 0; page < kMaxPages; ++page) {
      std::string path = "/meetings/" + id + "/attendees?max-results=100";
      if (!next.empty()) path += "&next-token=" + percent_encode(next);
      const HttpResult listed = co_await meetings(call, "GET", path);
      // A meeting that is over has no attendees.
      if (is_gone(listed)) break;
      if (!succeeded(listed)) co_return failure(listed);
      const auto body = object_of(listed);
      if (!body) co_return unreadable();
      for (const Json& item : list_of(*body, "Attendees")) {
        if (text_of(item, "ExternalUserId") == user && is_guid(text_of(item, "AttendeeId")))
          attendees.push_back(text_of(item, "AttendeeId"));
      }
      next = text_of(*body, "NextToken");
      if (next.empty()) break;
    }
    for (const std::string& attendee : attendees) {
      const HttpResult removed =
          co_await meetings(call, "DELETE", "/meetings/" + id + "/attendees/" + attendee);
      if (!succeeded(removed) && !is_gone(removed)) co_return failure(removed);
    }
    co_return Outcome::done(Json{{"sessionId", id}, {"removed", !attendees.empty()}}.dump());
  }
};

}  // namespace rabt::chime

RABT_PLUGIN(rabt::chime::ChimePlugin, "chime", "1.0.0");
