#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "rabt/time.hpp"

// Janus' VideoRoom behind the role `video`. Every operation is one request of the Admin API,
// message_plugin: https://janus.conf.meetecho.com/docs/auth.html and videoroom.html. Versions 1.1.2
// to 1.4.
namespace rabt::janus {

using sdk::Call;
using sdk::Delivery;
using sdk::Events;
using sdk::Host;
using sdk::Kind;
using sdk::list_of;
using sdk::member_of;
using sdk::Refusal;
using sdk::Task;
using sdk::TaskPlugin;
using sdk::text_of;

namespace {

// Time to keep the record of a room: longer than any call of it is repeated.
constexpr std::int64_t kRemembered = 30LL * 24 * 3600 * 1000;
// A server that does not say how busy it is within this time gets no new room.
constexpr std::int64_t kLoadMs = 3000;
// Sessions that are looked through for those of a participant who was put out.
constexpr std::size_t kMaxSessions = 4000;
constexpr const char* kContentType = "video/webm";
constexpr const char* kNotWritten = "janus.not_written";

// Record of a room in the hub's store.
struct Record {
  std::string instance;
  std::int64_t at = 0;
  std::int64_t ended = 0;
  // A room that comes back after a restart goes on recording.
  bool recorded = false;
};
std::string text_of_record(const Record& record) {
  return Json{{"instance", record.instance},
              {"at", record.at},
              {"ended", record.ended},
              {"recorded", record.recorded}}
      .dump();
}
std::optional<Record> read_record(const sdk::KvValue& value) {
  const auto json = value.found() ? sdk::parse_json(value.value) : std::nullopt;
  if (!json || !json->is_object()) return std::nullopt;
  const auto number = [&](const char* key) {
    const Json& field = member_of(*json, key);
    return field.is_number_integer() ? field.get<std::int64_t>() : std::int64_t{0};
  };
  const Json& recorded = member_of(*json, "recorded");
  return Record{.instance = text_of(*json, "instance"),
                .at = number("at"),
                .ended = number("ended"),
                .recorded = recorded.is_boolean() && recorded.get<bool>()};
}
Record record_at(const Instance& instance, std::int64_t at = 0) {
  return Record{.instance = instance.name, .at = at};
}
std::string record_key(std::string_view uuid) {
  return "room/" + std::string(uuid);
}
std::string uuid_in(std::string_view room) {
  return std::string(room.substr(room.find('.') + 1));
}
Json time_of(std::int64_t ms) {
  return ms == 0 ? Json() : Json(sdk::write_instant(ms / 1000));
}

Outcome unknown_id(const char* key) {
  return sdk::fail(Kind::permanent, "janus.unknown_id",
                   std::string(key) + " is no id of this Janus", Json{{"status", 404}});
}
Outcome no_recordings() {
  return sdk::fail(Kind::permanent, "janus.no_recordings",
                   "this Janus records nothing: recordings_dir and shelf_url are not configured",
                   Json{{"status", 422}});
}
Outcome no_store() {
  return Outcome::fail(Kind::transient, "janus.store", "the hub's store cannot be used now");
}
// A token that lets somebody send is no token for somebody who must not.
Outcome no_receive_only() {
  return sdk::fail(Kind::permanent, "janus.receive_only",
                   "Janus cannot keep one person of a room from sending: receiveOnly is not "
                   "possible",
                   Json{{"status", 422}});
}
bool wants_receive_only(const Json& person) {
  const Json& wish = member_of(person, "receiveOnly");
  return wish.is_boolean() && wish.get<bool>();
}
Outcome no_secret() {
  return Outcome::fail(Kind::permanent, "janus.no_secret",
                       "admin_secret, admin_key or token_secret is missing");
}

// Actions that name a recording in `recordingId`, and those that name a room in `sessionId`.
constexpr std::array<std::string_view, 2> kOfRecordings{"fetch-recording", "delete-recording"};
constexpr std::array<std::string_view, 7> kOfRooms{
    "get-session",     "end-session",    "issue-token",    "remove-participant",
    "start-recording", "stop-recording", "list-recordings"};

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

// A table: one part an action.
class JanusPlugin final : public TaskPlugin {
 public:
  JanusPlugin(Host host, std::string_view config)
      : TaskPlugin(host), settings_(read_settings(config)) {}

  // The host has checked the sender's credential.
  Events normalise(const Delivery& delivery) {
    return {.json = to_events(delivery.body, rooms_).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const Json input = sdk::input_of(call);
    if (call.action == "create-session") co_return co_await create_session(call, input);
    const bool of_recording = is_one_of(call.action, kOfRecordings);
    if (!of_recording && !is_one_of(call.action, kOfRooms))
      throw Refusal("janus.unknown_action", "janus has no such action");
    const char* const key = of_recording ? "recordingId" : "sessionId";
    const std::string id = text_of(input, key);
    const auto room = of_recording ? room_of_recording(id) : std::optional(id);
    const Instance* at = room ? find(instance_of(*room).value_or("")) : nullptr;
    if (at == nullptr) co_return unknown_id(key);
    if (call.action == "get-session") co_return co_await get_session(call, *at, id);
    if (call.action == "end-session") co_return co_await end_session(call, *at, id);
    if (call.action == "issue-token") co_return co_await issue_token(call, *at, input);
    if (call.action == "remove-participant") co_return co_await remove(call, *at, input);
    if (at->recordings_dir.empty()) co_return no_recordings();
    if (call.action == "start-recording") co_return co_await record(call, *at, id, true);
    if (call.action == "stop-recording") co_return co_await record(call, *at, id, false);
    if (call.action == "list-recordings") co_return co_await list_recordings(call, *at, id);
    if (call.action == "fetch-recording") co_return co_await fetch_recording(call, *at, id);
    co_return co_await delete_recording(call, *at, id);
  }

 private:
  // Result of a request to the VideoRoom.
  struct Said {
    Reply reply;
    Json response;
    [[nodiscard]] bool good() const { return !reply.failed && reply.code == 0; }
    [[nodiscard]] bool is(int code) const { return !reply.failed && reply.code == code; }
    [[nodiscard]] Outcome failure() const {
      return reply.failed ? *reply.failed : refused(reply.code);
    }
  };

  [[nodiscard]] const Instance* find(std::string_view name) const {
    const auto found =
        std::find_if(settings_.instances.begin(), settings_.instances.end(),
                     [&](const Instance& instance) { return instance.name == name; });
    return found == settings_.instances.end() ? nullptr : &*found;
  }

  // ---- Names, secrets and tokens: all come from keys, so that nothing has to be kept

  [[nodiscard]] std::string derived(std::string_view purpose, std::string_view text) const {
    return host().hmac("admin_key", "sha256", std::string(purpose) + "\n" + std::string(text));
  }
  [[nodiscard]] std::string room_secret(const std::string& room) const {
    return to_hex(derived("room secret", room));
  }
  // Empty when the secret is missing.
  [[nodiscard]] std::string mint(const Call& call, const std::string& room,
                                 const std::string& identity, std::int64_t ttl) const {
    const std::string data = text_of_claims(
        {.expires = host().now_unix_ms() / 1000 + ttl,
         .room = room,
         .identity = identity,
         .nonce = to_hex(derived("nonce", call.idempotency_key + "\n" + identity)).substr(0, 16)});
    const std::string mac = host().hmac("token_secret", "sha1", data);
    return mac.empty() ? std::string() : data + ":" + sdk::to_base64(mac);
  }
  // coturn, use-auth-secret: the name is the moment at which it ends.
  [[nodiscard]] Json ice_servers(std::int64_t expires) const {
    Json out = Json::array();
    const std::string user = std::to_string(expires) + ":rabt";
    const std::string mac = host().hmac("turn_secret", "sha1", user);
    for (const std::string& url : settings_.turn_urls) {
      Json server{{"urls", Json::array({url})}};
      if (url.starts_with("turn") && mac.empty()) continue;
      if (url.starts_with("turn")) {
        server["username"] = user;
        server["credential"] = sdk::to_base64(mac);
      }
      out.push_back(std::move(server));
    }
    return out;
  }

  // ---- Requests

  static Json admin_request(const char* what, const Json& session = nullptr,
                            const Json& handle = nullptr) {
    Json request{{"janus", what}};
    if (!session.is_null()) request["session_id"] = session;
    if (!handle.is_null()) request["handle_id"] = handle;
    return request;
  }

  // A request of the Admin API. The transaction is the call's key: Janus gives it back.
  Task<Said> admin(const Call& call, const Instance& at, Json body, std::int64_t timeout_ms = 0) {
    body["transaction"] = call.idempotency_key;
    body["admin_secret"] = host().secret("admin_secret");
    HttpRequest request;
    request.method = "POST";
    request.url = at.admin_url;
    request.headers.push_back({.name = "Content-Type", .value = "application/json"});
    request.body = body.dump();
    request.timeout_ms = timeout_ms;
    const HttpResult answer = co_await http(call, std::move(request));
    Said said;
    said.reply = read_reply(answer, said.response);
    co_return said;
  }
  Task<Said> video_room(const Call& call, const Instance& at, Json request,
                        std::int64_t timeout_ms = 0) {
    Json body{{"janus", "message_plugin"}, {"plugin", "janus.plugin.videoroom"}};
    body["request"] = std::move(request);
    co_return co_await admin(call, at, std::move(body), timeout_ms);
  }
  [[nodiscard]] Json of_room(const char* what, const std::string& room) const {
    return Json{{"request", what}, {"room", room}, {"secret", room_secret(room)}};
  }
  Task<Said> allow(const Call& call, const Instance& at, std::string room, const char* action,
                   Json tokens) {
    Json request = of_room("allowed", room);
    request["action"] = action;
    if (!tokens.empty()) request["allowed"] = std::move(tokens);
    co_return co_await video_room(call, at, std::move(request));
  }

  // ---- Rooms

  [[nodiscard]] Json create_request(const Instance& at, const std::string& room, bool recorded,
                                    std::int64_t people, Json tokens) const {
    Json request = of_room("create", room);
    request["admin_key"] = host().secret("admin_key");
    request["is_private"] = true;
    // Without it whoever was put out goes on receiving.
    request["require_pvtid"] = true;
    // Without it participants choose what is recorded, and where.
    request["lock_record"] = true;
    request["notify_joining"] = true;
    request["allowed"] = std::move(tokens);
    request["publishers"] = people;
    request["bitrate"] = settings_.bitrate_kbps * 1000;
    request["audiocodec"] = "opus";
    // Silence that is not sent makes recordings drift.
    request["opus_dtx"] = false;
    request["opus_fec"] = true;
    request["videocodec"] = settings_.video_codec;
    request["record"] = recorded;
    if (!at.recordings_dir.empty()) request["rec_dir"] = at.recordings_dir + "/" + room;
    return request;
  }

  // The server that has the fewest people, of those that take new rooms; nullptr when none does.
  Task<const Instance*> place(const Call& call) {
    const Instance* best = nullptr;
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    std::vector<const Instance*> open;
    for (const Instance& one : settings_.instances) {
      if (!one.drain) open.push_back(&one);
    }
    if (open.size() == 1) co_return open.front();
    for (const Instance* instance : open) {
      const Json request{{"request", "list"}, {"admin_key", host().secret("admin_key")}};
      const Said said = co_await video_room(call, *instance, request, kLoadMs);
      if (!said.good()) continue;
      // An empty room is one that people are about to come to.
      std::int64_t load = 0;
      for (const Json& room : list_of(said.response, "list")) {
        const Json& people = member_of(room, "num_participants");
        load +=
            std::max<std::int64_t>(people.is_number_integer() ? people.get<std::int64_t>() : 0, 1);
      }
      if (load < least) {
        least = load;
        best = instance;
      }
    }
    co_return best;
  }

  // The server of a room that an earlier attempt made, or nullptr.
  Task<const Instance*> existing(const Call& call, std::string uuid, std::optional<Record> record) {
    const Instance* at = record ? find(record->instance) : nullptr;
    if (at == nullptr) co_return nullptr;
    const Json request{{"request", "exists"}, {"room", at->name + "." + uuid}};
    const Said said = co_await video_room(call, *at, request, kLoadMs);
    const Json& exists = member_of(said.response, "exists");
    co_return said.good() && exists.is_boolean() && exists.get<bool>() ? at : nullptr;
  }

  // Janus has no idempotency key. The room's name is made from the hub's key, so a repeat finds the
  // room that the first attempt made, and adopts it when the secret that only we know opens it.
  Task<Outcome> create_session(const Call& call, const Json& input) {
    const std::string mac = derived("room", call.idempotency_key);
    if (mac.empty() || host().secret("admin_secret").empty()) co_return no_secret();
    for (const Json& node : input.at("participants")) {
      if (wants_receive_only(node)) co_return no_receive_only();
    }
    const std::string uuid = uuid_of(mac);
    const sdk::KvValue stored = co_await kv_get(record_key(uuid));
    if (stored.status == RABT_KV_FAILED) co_return no_store();
    const Instance* at = co_await existing(call, uuid, read_record(stored));
    const bool adopted = at != nullptr;
    if (!adopted) at = co_await place(call);
    if (at == nullptr)
      co_return Outcome::fail(Kind::transient, "janus.no_instance",
                              "no Janus can take a new room: each one drains or does not answer");

    const std::string room = at->name + "." + uuid;
    Json participants = Json::array();
    Json tokens = Json::array();
    for (const Json& item : input.at("participants")) {
      const std::string identity = text_of(item, "identity");
      const std::string token = mint(call, room, identity, settings_.token_ttl_seconds);
      if (token.empty()) co_return no_secret();
      tokens.push_back(token);
      participants.push_back(
          Json{{"role", text_of(item, "role")}, {"identity", identity}, {"token", token}});
    }
    const bool recorded = input.value("record", false);
    if (recorded && at->recordings_dir.empty()) co_return no_recordings();
    Said said;
    if (!adopted) {
      // Written down first: a repeat looks where this attempt went.
      Record record = record_at(*at, host().now_unix_ms());
      record.recorded = recorded;
      const std::string text = text_of_record(record);
      if (co_await kv_put(record_key(uuid), text, kRemembered) != RABT_KV_OK) co_return no_store();
      said = co_await video_room(
          call, *at,
          create_request(*at, room, recorded,
                         input.value("maxParticipants", settings_.max_participants), tokens));
      // A room that is new has no other secret than ours.
      if (said.is(kNotAuthorized)) co_return wrong_admin_key();
    }
    if (adopted || said.is(kRoomExists)) {
      said = co_await allow(call, *at, room, "add", tokens);
      if (said.is(kNotAuthorized))
        co_return Outcome::fail(Kind::permanent, "janus.foreign_room",
                                "a room of this name exists with another secret; it is not ours");
    }
    if (!said.good()) co_return said.failure();
    co_return sdk::done(
        Json{{"sessionId", room}, {"status", "in-progress"}, {"participants", participants}});
  }

  Task<Outcome> issue_token(const Call& call, const Instance& at, const Json& input) {
    if (wants_receive_only(input)) co_return no_receive_only();
    const std::string room = text_of(input, "sessionId");
    const std::int64_t ttl = input.value("ttlSeconds", settings_.token_ttl_seconds);
    const std::string token = mint(call, room, text_of(input, "identity"), ttl);
    if (token.empty()) co_return no_secret();
    const Json tokens = Json::array({token});
    Said said = co_await allow(call, at, room, "add", tokens);
    if (said.is(kNoSuchRoom)) {
      // A Janus that restarted has lost its rooms: the room comes back under its name, and people
      // who ask for a token meet in it again.
      const std::string key = record_key(uuid_in(room));
      const sdk::KvValue stored = co_await kv_get(key);
      const auto record = read_record(stored);
      if (!record || record->ended != 0 || record->instance != at.name) co_return said.failure();
      said = co_await video_room(
          call, at, create_request(at, room, record->recorded, settings_.max_participants, tokens));
      if (said.is(kRoomExists)) said = co_await allow(call, at, room, "add", tokens);
    }
    if (!said.good()) co_return said.failure();
    co_await forget_expired(call, at, room, said.response);
    const std::int64_t expires = host().now_unix_ms() / 1000 + ttl;
    co_return sdk::done(Json{{"token", token},
                             {"expiresAt", expires},
                             {"url", at.client_url},
                             {"room", room},
                             {"iceServers", ice_servers(expires)}});
  }

  // Keeps the list of a long session short. Nothing depends on it.
  Task<bool> forget_expired(const Call& call, const Instance& at, std::string room, Json response) {
    Json expired = Json::array();
    for (const Json& item : list_of(response, "allowed")) {
      const auto claims = item.is_string() ? claims_of(item.get<std::string>()) : std::nullopt;
      if (claims && claims->expires < host().now_unix_ms() / 1000) expired.push_back(item);
    }
    if (!expired.empty()) (void)co_await allow(call, at, std::move(room), "remove", expired);
    co_return true;
  }

  // ---- Putting somebody out

  // Their tokens open nothing, they are put out of the room, and the connections that they still
  // hold are cut. In this order: who was put out with a good token would be back at once.
  Task<Outcome> remove(const Call& call, const Instance& at, const Json& input) {
    const std::string room = text_of(input, "sessionId");
    const std::string identity = text_of(input, "identity");
    Said said = co_await allow(call, at, room, "enable", Json::array());
    if (said.is(kNoSuchRoom)) co_return removed(room, false);
    if (!said.good()) co_return said.failure();
    Json theirs = Json::array();
    for (const Json& item : list_of(said.response, "allowed")) {
      const auto claims = item.is_string() ? claims_of(item.get<std::string>()) : std::nullopt;
      if (claims && claims->identity == identity) theirs.push_back(item);
    }
    if (!theirs.empty()) {
      said = co_await allow(call, at, room, "remove", theirs);
      if (!said.good()) co_return said.failure();
    }
    Json kick = of_room("kick", room);
    kick["id"] = identity;
    said = co_await video_room(call, at, std::move(kick));
    if (said.is(kNoSuchFeed)) co_return removed(room, !theirs.empty());
    if (!said.good()) co_return said.failure();
    co_return co_await cut(call, at, room, identity);
  }
  static Outcome removed(const std::string& room, bool somebody) {
    return sdk::done(Json{{"sessionId", room}, {"removed", somebody}});
  }

  // No answer came. A session that is gone is an answer.
  static bool lost(const Said& said) { return said.reply.failed && said.reply.code == 0; }

  // Ends the sessions in which the participant joined. The Admin API has no way to ask for them by
  // name, so all are looked through. Sessions that end meanwhile are passed over.
  Task<Outcome> cut(const Call& call, const Instance& at, std::string room, std::string identity) {
    const Said all = co_await admin(call, at, admin_request("list_sessions"));
    if (all.reply.failed) co_return *all.reply.failed;
    std::size_t seen = 0;
    for (const Json& session : list_of(all.response, "sessions")) {
      if (++seen > kMaxSessions) break;
      const Said handles = co_await admin(call, at, admin_request("list_handles", session));
      if (lost(handles)) co_return *handles.reply.failed;
      for (const Json& handle : list_of(handles.response, "handles")) {
        const Said info = co_await admin(call, at, admin_request("handle_info", session, handle));
        if (lost(info)) co_return *info.reply.failed;
        const Json& of_plugin = member_of(member_of(info.response, "info"), "plugin_specific");
        if (text_of(of_plugin, "id") != identity) continue;
        const std::string in = text_of(of_plugin, "room");
        if (!in.empty() && in != room) continue;
        const Said ended = co_await admin(call, at, admin_request("destroy_session", session));
        if (lost(ended)) co_return *ended.reply.failed;
        break;
      }
    }
    co_return removed(room, true);
  }

  // ---- State and end

  // Janus knows only rooms that are open: when it began and ended is in the hub's store.
  Task<Outcome> get_session(const Call& call, const Instance& at, std::string room) {
    const sdk::KvValue stored = co_await kv_get(record_key(uuid_in(room)));
    const auto record = read_record(stored);
    const Said said = co_await video_room(call, at, of_room("listparticipants", room));
    if (said.is(kNoSuchRoom)) {
      if (!record) co_return said.failure();
      co_return sdk::done(state_of(room, *record, Json::array()));
    }
    if (!said.good()) co_return said.failure();
    Json people = Json::array();
    for (const Json& item : list_of(said.response, "participants")) {
      const std::string identity = text_of(item, "id");
      if (is_screen(identity)) continue;
      people.push_back(Json{{"participantId", identity},
                            {"identity", identity},
                            {"role", role_of(identity)},
                            {"joinedAt", nullptr},
                            {"leftAt", nullptr},
                            {"connected", true}});
    }
    Json state = state_of(room, record.value_or(Record{}), std::move(people));
    state["status"] = "in-progress";
    co_return sdk::done(state);
  }

  // A room that is gone without having been ended has failed: its Janus restarted.
  static Json state_of(const std::string& room, const Record& record, Json people) {
    const std::int64_t ms =
        record.ended != 0 ? std::max(record.ended - record.at, std::int64_t{0}) : std::int64_t{0};
    return Json{{"sessionId", room},
                {"status", record.ended != 0 ? "completed" : "failed"},
                {"startedAt", time_of(record.at)},
                {"endedAt", time_of(record.ended)},
                {"durationSeconds", ms / 1000},
                {"participants", std::move(people)}};
  }

  Task<Outcome> end_session(const Call& call, const Instance& at, std::string room) {
    const Said said = co_await video_room(call, at, of_room("destroy", room));
    if (!said.good() && !said.is(kNoSuchRoom)) co_return said.failure();
    const std::string key = record_key(uuid_in(room));
    const sdk::KvValue stored = co_await kv_get(key);
    Record record = read_record(stored).value_or(record_at(at));
    if (record.ended == 0) {
      record.ended = host().now_unix_ms();
      if (co_await kv_put(key, text_of_record(record), kRemembered) != RABT_KV_OK)
        co_return no_store();
    }
    rooms_.remove(room);
    co_return sdk::done(state_of(room, record, Json::array()));
  }

  // ---- Recordings

  // Janus answers that it records also when it cannot write: who asks is told before. A shelf that
  // does not answer keeps nobody from recording, because the files wait for it.
  Task<std::optional<Outcome>> no_space(const Call& call, const Instance& at) {
    const HttpResult answer = co_await http(call, shelf_request(at, "GET", "/space"));
    if (!answer.answered() || answer.status != 507) co_return std::nullopt;
    const Json body = sdk::parse_json(answer.body).value_or(Json());
    const Json detail{{"status", answer.status}};
    if (text_of(body, "code") == "shelf.not_writable")
      co_return sdk::fail(
          Kind::permanent, "janus.not_writable",
          "Janus cannot write into recordings_dir: make the folder writable for its "
          "user, then start the recording again",
          detail);
    co_return sdk::fail(Kind::permanent, "janus.disk_full",
                        "the disk that Janus records to is full: make room there, then start the "
                        "recording again",
                        detail);
  }

  Task<Outcome> record(const Call& call, const Instance& at, std::string room, bool on) {
    if (on) {
      const std::optional<Outcome> refused = co_await no_space(call, at);
      if (refused) co_return *refused;
    }
    Json request = of_room("enable_recording", room);
    request["record"] = on;
    const Said said = co_await video_room(call, at, std::move(request));
    if (!said.good() && !said.is(kNoSuchRoom)) co_return said.failure();
    const std::string key = record_key(uuid_in(room));
    const sdk::KvValue stored = co_await kv_get(key);
    if (stored.status == RABT_KV_FAILED) co_return no_store();
    auto room_record = read_record(stored);
    if (room_record && room_record->recorded != on) {
      room_record->recorded = on;
      if (co_await kv_put(key, text_of_record(*room_record), kRemembered) != RABT_KV_OK)
        co_return no_store();
    }
    // A room that is over records nothing, and that is no failure.
    co_return sdk::done(Json{{"sessionId", room}, {"recording", on && said.good()}});
  }

  static HttpRequest shelf_request(const Instance& at, const char* method,
                                   const std::string& path) {
    HttpRequest request;
    request.method = method;
    request.url = at.shelf_url + path;
    request.headers.push_back(
        {.name = "Authorization", .secret = "shelf_secret", .prefix = "Bearer "});
    return request;
  }
  static Outcome shelf_failure(const HttpResult& answer) {
    if (!answer.answered()) return no_answer(answer, "janus.shelf", sdk::Repeat::safe);
    const Json detail{{"status", answer.status}};
    if (answer.status == 409)
      return Outcome::fail(Kind::transient, "janus.shelf_409",
                           "the recording is still being put together", detail.dump());
    const std::string name = "janus.shelf_" + std::to_string(answer.status);
    if (answer.status == 507)
      return Outcome::fail(Kind::transient, name,
                           "the disk beside Janus is full: the recording cannot be put together",
                           detail.dump());
    if (answer.status == 401)
      return Outcome::fail(
          Kind::permanent, name,
          "the shelf of recordings refused the request: shelf_secret is another one",
          Json{{"status", answer.status}, {"reason", "credentials"}}.dump());
    return bad_status(
        answer, name,
        "the shelf of recordings answered with HTTP status " + std::to_string(answer.status),
        detail.dump());
  }

  Task<Outcome> list_recordings(const Call& call, const Instance& at, std::string room) {
    const HttpResult answer = co_await http(call, shelf_request(at, "GET", "/rooms/" + room));
    if (!succeeded(answer)) co_return shelf_failure(answer);
    const Json body = sdk::parse_json(answer.body).value_or(Json());
    const Json& ready = member_of(body, "ready");
    if (!ready.is_boolean())
      co_return Outcome::fail(Kind::transient, "janus.shelf_unreadable",
                              "the answer of the shelf of recordings could not be read");
    Json recordings = Json::array();
    for (const Json& node : list_of(body, "recordings")) {
      const std::string id = text_of(node, "id");
      if (room_of_recording(id) != room) continue;
      Json recording{{"recordingId", id},
                     {"kind", "combined"},
                     {"startedAt", begun_at(id)},
                     {"sha256", text_of(node, "sha256")}};
      if (const Json& bytes = member_of(node, "bytes"); bytes.is_number_integer())
        recording["bytes"] = bytes;
      if (const Json& ms = member_of(node, "ms"); ms.is_number_integer())
        recording["durationSeconds"] = static_cast<double>(ms.get<std::int64_t>()) / 1000.0;
      recordings.push_back(std::move(recording));
    }
    // Recordings that no converter can read stay beside Janus until they are deleted.
    Json failed = Json::array();
    for (const Json& item : list_of(body, "failed")) {
      const std::string id = text_of(item, "id");
      if (room_of_recording(id) != room) continue;
      const bool cut = text_of(item, "why") == "cut";
      failed.push_back({{"recordingId", id},
                        {"kind", "combined"},
                        {"startedAt", begun_at(id)},
                        {"code", cut ? kNotWritten : "janus.not_convertible"}});
    }
    co_return sdk::done(Json{{"ready", ready}, {"recordings", recordings}, {"failed", failed}});
  }

  // Why a recording is not all that was to be recorded.
  static Json incomplete(bool cut) {
    if (cut)
      return {{"code", kNotWritten},
              {"message",
               "Janus could not write all of it, as when its disk is full: make room where "
               "it records to; what is missing cannot be had any more"}};
    return {{"code", "janus.broke_off"},
            {"message",
             "Janus ended while it recorded: look into its log for why; its last moments "
             "are missing"}};
  }

  // The shelf says length and digest of the whole file. What came is compared with both.
  Task<Outcome> fetch_recording(const Call& call, const Instance& at, std::string id) {
    HttpRequest request = shelf_request(at, "GET", "/recordings/" + id);
    request.to_blob = true;
    request.blob_content_type = kContentType;
    const HttpResult answer = co_await http(call, std::move(request));
    if (!succeeded(answer) || answer.blob.empty()) co_return shelf_failure(answer);
    if (header_of(answer, "x-rabt-sha256") != answer.blob_sha256 ||
        header_of(answer, "x-rabt-bytes") != std::to_string(answer.blob_bytes))
      co_return Outcome::fail(Kind::transient, "janus.truncated",
                              "the recording that came is not the one that the shelf holds");
    Json fetched{{"recordingId", id},
                 {"blob", answer.blob},
                 {"bytes", answer.blob_bytes},
                 {"sha256", answer.blob_sha256},
                 {"contentType", kContentType}};
    if (const std::string why = header_of(answer, "x-rabt-incomplete"); !why.empty())
      fetched["incomplete"] = incomplete(why == "cut");
    co_return sdk::done(fetched);
  }

  Task<Outcome> delete_recording(const Call& call, const Instance& at, std::string id) {
    const HttpResult answer = co_await http(call, shelf_request(at, "DELETE", "/recordings/" + id));
    if (!succeeded(answer) && !(answer.answered() && answer.status == 404))
      co_return shelf_failure(answer);
    co_return sdk::done(Json{{"recordingId", id}, {"deleted", true}});
  }

  Settings settings_;
  Rooms rooms_;
};

}  // namespace rabt::janus

RABT_PLUGIN(rabt::janus::JanusPlugin, "janus", "1.0.0");
