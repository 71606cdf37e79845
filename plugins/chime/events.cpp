#include <map>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/time.hpp"

// Events of Amazon Chime SDK, by SNS or by EventBridge. Both bring the same envelope.
namespace rabt::chime {

namespace {

using sdk::Refusal;
using sdk::text_of;

// As the events' schemas have it.
constexpr std::size_t kMaxId = 200;

Refusal unreadable(const std::string& what) {
  return {"chime.delivery", "a notification of Amazon Chime " + what};
}

std::string id_of(const Json& detail, const char* name) {
  std::string id = text_of(detail, name);
  if (id.empty() || id.size() > kMaxId)
    throw unreadable("holds " + std::string(name) + ", of at most 200 characters");
  return id;
}

// Milliseconds since 1970 as RFC 3339, or "".
std::string time_of(const Json& detail) {
  const auto found = detail.find("timestamp");
  if (found == detail.end() || !found->is_number_unsigned()) return {};
  const auto ms = found->get<std::uint64_t>();
  if (ms > 253'402'300'799'000ULL) return {};
  return instant(static_cast<std::int64_t>(ms));
}

// Removes the envelope of SNS from the notification.
std::optional<Json> unwrapped(Json outer) {
  const std::string type = text_of(outer, "Type");
  if (type.empty()) return outer;
  if (type != "Notification") return std::nullopt;
  const std::string message = text_of(outer, "Message");
  auto inner = sdk::parse_json(message);
  if (!inner || !inner->is_object()) throw unreadable("has a Message that is JSON");
  return inner;
}

}  // namespace

// A table: one part a kind of event.
Json to_events(std::string_view body) {
  auto outer = sdk::parse_json(body);
  if (!outer || !outer->is_object()) throw unreadable("is a JSON object");
  const auto envelope = unwrapped(std::move(*outer));
  if (!envelope) return Json::array();
  if (text_of(*envelope, "source") != "aws.chime") return Json::array();
  const Json& detail = sdk::member_of(*envelope, "detail");
  if (!detail.is_object()) throw unreadable("has a detail");
  const std::string what = text_of(detail, "eventType");
  if (what.empty() || what.size() > kMaxId) throw unreadable("says its eventType");

  static const std::map<std::string, std::string> kTypes{
      {"chime:MeetingStarted", "started"},
      {"chime:MeetingEnded", "ended"},
      {"chime:AttendeeJoined", "participant-joined"},
      {"chime:AttendeeLeft", "participant-left"},
      {"chime:AttendeeDropped", "participant-left"},
      {"chime:AttendeeDeleted", "participant-left"},
      {"chime:MediaPipelineInProgress", "recording-started"},
      {"chime:MediaPipelinePermanentFailure", "recording-failed"},
      {"chime:TranscriptionStarted", "transcription-started"},
      {"chime:TranscriptionInterrupted", "transcription-interrupted"},
      {"chime:TranscriptionResumed", "transcription-resumed"},
      {"chime:TranscriptionStopped", "transcription-stopped"},
      {"chime:TranscriptionFailed", "transcription-failed"}};
  const auto type = kTypes.find(what);
  if (type == kTypes.end()) return Json::array();
  const bool recording = type->second.starts_with("recording-");
  // A pipeline that puts a recording together belongs to no meeting.
  if (recording && text_of(detail, "meetingId").empty()) return Json::array();

  const std::string meeting = id_of(detail, "meetingId");
  const std::string time = time_of(detail);
  Json data{{"sessionId", meeting}};
  if (!time.empty()) data["at"] = time;
  // Key that a notification and its repeats share: the meeting, the event, the person and the time.
  // An attendee who lost the line comes back under the same id.
  std::string key = meeting + "/" + what.substr(6);
  if (type->second.starts_with("participant-")) {
    const std::string attendee = id_of(detail, "attendeeId");
    const std::string user = id_of(detail, "externalUserId");
    // A recording is an attendee, too, and so is a shared screen.
    if (user.starts_with("aws:") || attendee.find("#content") != std::string::npos)
      return Json::array();
    const std::string identity = identity_of(user);
    data["participantId"] = attendee;
    data["identity"] = identity;
    data["role"] = role_of(identity);
    if (type->second == "participant-left") {
      data["reason"] = what == "chime:AttendeeLeft"      ? "left"
                       : what == "chime:AttendeeDropped" ? "dropped"
                                                         : "removed";
    }
    key += "/" + attendee + "/" + time;
  } else if (recording) {
    data["recordingId"] = id_of(detail, "mediaPipelineId");
    key += "/" + id_of(detail, "mediaPipelineId");
  } else if (type->second.starts_with("transcription-")) {
    key += "/" + time;
  }
  if (const std::string reference = text_of(detail, "externalMeetingId");
      !reference.empty() && reference.size() <= kMaxId)
    data["reference"] = reference;
  Json event{{"type", "org.rabt.session." + type->second + ".v1"},
             {"source", "https://chime.aws"},
             {"id", key},
             {"subject", meeting},
             {"data", data}};
  if (!time.empty()) event["time"] = time;
  return Json::array({event});
}

}  // namespace rabt::chime
