#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/acts/session_view.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

// Longest description of a browser, in characters.
inline constexpr std::size_t kMaxBrowser = 200;

// Comes into the call.
struct JoinCall {
  std::string session;
  // web, ios, android, desktop, other; may be empty, as all of these.
  std::string device_type{};
  std::string browser_info{};
  // The participant's whereabouts, and a number to call back. Patient data.
  std::string location{};
  std::string callback_phone{};
};

// The room of the video provider, and what opens it to one participant.
struct MediaView {
  // Plugin that serves the role `video`.
  std::string provider;
  std::string token;
  std::string room_name;
  // Name of the participant in the room.
  std::string identity;
  // More that the provider gives to join with; null where it gives none.
  Json url;
  Json room;
  Json ice_servers;
  Json meeting;
  Json attendee;
  // Media that he may send: camera, microphone, screen.
  std::vector<std::string_view> grants;
  Timestamp expires;
};
[[nodiscard]] Json to_json(const MediaView& view);

// Token of a host, for the answer to whoever made the session.
struct HostTokenView {
  MediaView media;
  // ULID
  std::string participant;
  PartRole role = PartRole::doctor;
};
// The media, and {participant, role}.
[[nodiscard]] Json to_json(const HostTokenView& view);

// A participant's admission, and the token that he connects with.
struct AdmissionView {
  ParticipantView participant;
  Admission admission = Admission::waiting;
  std::string access_token;
  // "media", or "waiting" for the live channel alone.
  std::string token_use;
};
// {participant, admission, accessToken, tokenUse}
[[nodiscard]] Json to_json(const AdmissionView& view);

// Somebody has come: the session as he sees it, and his admission.
struct JoinedView {
  SessionView session;
  AdmissionView own;
  // Unset while he waits.
  std::optional<MediaView> media;
};
// {session, participant, admission, accessToken, tokenUse, media}
[[nodiscard]] Json to_json(const JoinedView& view);

// A token of a participant. Without media it is the one for the waiting room.
struct TokenView {
  std::string token;
  std::string room_name;
  // ULIDs
  std::string session;
  std::string participant;
  std::string identity;
  std::string provider;
  std::optional<MediaView> media;
};
// {token, roomName, sessionId, participant, identity, provider, expiresAt, media}
[[nodiscard]] Json to_json(const TokenView& view);
// The end of a token for media, or null.
[[nodiscard]] Json expiry_of(const std::optional<MediaView>& media);

}  // namespace rabt::consultation
