#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rabt/http_result.hpp"

// Common parts of all requests to Janus: settings, names, tokens and the meaning of answers.
namespace rabt::janus {

using Json = nlohmann::json;
using sdk::HttpRequest;
using sdk::HttpResult;
using sdk::Outcome;

// One Janus server. Its `name` is the server_name of its janus.jcfg.
struct Instance {
  std::string name;
  std::string admin_url;
  std::string client_url;
  std::string shelf_url;
  // The folder that Janus records into, as Janus sees it. Without it nothing is recorded.
  std::string recordings_dir;
  // It gets no new rooms; those that it has are served to their end.
  bool drain = false;
};

struct Settings {
  std::vector<Instance> instances;
  std::vector<std::string> turn_urls;
  std::int64_t token_ttl_seconds = 3600;
  std::int64_t max_participants = 10;
  std::int64_t bitrate_kbps = 1500;
  std::string video_codec = "vp8";
};
// Throws sdk::Refusal.
[[nodiscard]] Settings read_settings(std::string_view json);

// Error code of Janus itself: the secret of the Admin API is missing or wrong.
inline constexpr int kUnauthorizedRequest = 403;
// Error codes of the VideoRoom.
inline constexpr int kNoSuchRoom = 426;
inline constexpr int kRoomExists = 427;
inline constexpr int kNoSuchFeed = 428;
inline constexpr int kNotAuthorized = 433;

// A room is called "<instance>.<uuid>". The name is what the hub calls the session, what people
// join, and the folder of its recordings.
[[nodiscard]] std::string uuid_of(std::string_view mac);
[[nodiscard]] std::string to_hex(std::string_view bytes);
// The instance's name in a room's, or nothing when the text is no such name.
[[nodiscard]] std::optional<std::string> instance_of(std::string_view room);
// The room in a recording's id, "<room>.<microseconds>", or nothing.
[[nodiscard]] std::optional<std::string> room_of_recording(std::string_view id);
// When the recording with this id was begun, as RFC 3339 writes it, or "".
[[nodiscard]] std::string begun_at(std::string_view recording);

// Claims of a token before its signature: "<expiry>,janus,janus.plugin.videoroom,<room>,<who>,
// <nonce>". Janus reads the first three parts, and takes further ones as more descriptors. One
// token opens the transport and, being in the room's list of allowed tokens, the room.
struct TokenClaims {
  std::int64_t expires = 0;
  std::string room;
  std::string identity;
  std::string nonce;
};
[[nodiscard]] std::string text_of_claims(const TokenClaims& claims);
// Nothing when the token is none of ours.
[[nodiscard]] std::optional<TokenClaims> claims_of(std::string_view token);

// "patient-2" and "patient" have the role patient: what stands before the first '-'.
[[nodiscard]] std::string role_of(const std::string& identity);

// Reply of the VideoRoom: its code, which is 0 when it carried out the request.
struct Reply {
  int code = 0;
  // The outcome when there is no answer of the VideoRoom: the request was lost, or the Admin API
  // refused it.
  std::optional<Outcome> failed;
};
[[nodiscard]] Reply read_reply(const HttpResult& answer, Json& response);
// The outcome when the VideoRoom makes no room because of admin_key.
[[nodiscard]] Outcome wrong_admin_key();
// The outcome of a request that the VideoRoom refused.
[[nodiscard]] Outcome refused(int code);

// Counts of a handle of Janus at its last report.
struct Counted {
  std::int64_t micros = 0;
  std::int64_t packets = 0;
  std::int64_t lost = 0;
  std::int64_t bytes = 0;
  // Packets of sound in a second, between the last two times; 0 before.
  double rate = 0;
};
// Speaker of a session of Janus. The handle that joined receives the way up; the session's other
// handles send the way down.
struct Speaker {
  std::string room;
  std::string identity;
  std::int64_t joined_handle = 0;
  // Janus measures it where it sends.
  std::int64_t rtt_ms = 0;
  std::map<std::int64_t, Counted> handles{};
};

// Rooms that somebody is in, by what events say, so that those of a server that restarted can be
// told; and who is in them. Caller synchronises.
class Rooms {
 public:
  void add(const std::string& room);
  void add(const std::string& instance, std::int64_t session, Speaker speaker);
  // nullptr when nobody who is known speaks through the session.
  [[nodiscard]] Speaker* speaker(const std::string& instance, std::int64_t session);
  void remove(const std::string& room);
  void remove(const std::string& room, const std::string& identity);
  // Those of one server; they are forgotten.
  [[nodiscard]] std::vector<std::string> take(std::string_view instance);

 private:
  std::map<std::string, bool> rooms_;
  std::map<std::pair<std::string, std::int64_t>, Speaker> speakers_;
};

// True for the feed of a screen: it joins beside its owner, under the owner's identity and
// `#screen`, and is no person.
[[nodiscard]] inline bool is_screen(std::string_view id) {
  return id.ends_with("#screen");
}

// A delivery of Janus' sample event handler as a list of events. Throws sdk::Refusal when it is
// none.
[[nodiscard]] Json to_events(std::string_view body, Rooms& rooms);

}  // namespace rabt::janus
