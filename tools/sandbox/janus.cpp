#include <openssl/sha.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/service.hpp"

// A Janus with the VideoRoom, as far as its Admin API and its event handler go, and the shelf of
// recordings beside it, on one listener. Nobody sends media: /control says who came and what was
// counted. Requests, codes and events follow Janus 1.1.2.
namespace rabt::sandbox {
namespace {

constexpr int kNoSuchRoom = 426;
constexpr int kRoomExists = 427;
constexpr int kNoSuchFeed = 428;
constexpr int kUnauthorized = 433;
constexpr int kIdExists = 436;

struct Refused {
  int code;
};

std::string sha256_hex(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return hex(digest);
}

struct Person {
  std::int64_t session = 0;
  std::int64_t since_ms = 0;
};
struct Room {
  std::string name;
  std::string secret;
  std::set<std::string> allowed;
  std::map<std::string, Person> people;
  bool records = false;
  // Whole seconds of all stays.
  std::int64_t seconds = 0;
};
struct Recording {
  std::string room;
  bool open = true;
  std::int64_t ready_ms = 0;
  std::string content;
};

class JanusStandIn final : public Service {
 public:
  JanusStandIn(Context context, const Json& options) : context_(std::move(context)) {
    static const std::set<std::string> kKnown = {
        "admin_secret", "admin_key",   "token_secret",  "shelf_secret",      "emitter",
        "report_to",    "media_bytes", "processing_ms", "callback_delay_ms", "hub"};
    for (const auto& [name, value] : options.items()) {
      if (!kKnown.contains(name)) throw std::runtime_error("janus has no option '" + name + "'");
    }
    admin_secret_ = options.value("admin_secret", "");
    admin_key_ = options.value("admin_key", "");
    token_secret_ = options.value("token_secret", "");
    shelf_secret_ = options.value("shelf_secret", "");
    emitter_ = options.value("emitter", "janus-a");
    report_to_ = options.value("report_to", "");
    media_bytes_ = options.value("media_bytes", std::size_t{64} * 1024);
    processing_ms_ = options.value("processing_ms", std::int64_t{50});
    callback_delay_ms_ = options.value("callback_delay_ms", std::uint32_t{5});
  }

  [[nodiscard]] std::string name() const override { return "janus"; }

  Response handle(const Request& request) override {
    const Lock lock(mutex_);
    if (request.path == "/admin" && request.method == "POST") return admin(request);
    if (request.header("authorization") != "Bearer " + shelf_secret_) return Response::empty(401);
    return shelf(request);
  }

  Response control(std::string_view what, const Json& body) override {
    const Lock lock(mutex_);
    try {
      return act(what, body);
    } catch (const Refused& refused) {
      return Response::json(409, {{"code", refused.code}});
    }
  }

 private:
  // --- Admin API ---------------------------------------------------------------------------------

  Response admin(const Request& request) {
    const auto body = parse_json(request.body);
    if (!body || !body->is_object()) return error(454);
    if (text_of(*body, "admin_secret") != admin_secret_) return error(403);
    const std::string what = text_of(*body, "janus");
    Json out{{"janus", "success"}, {"transaction", text_of(*body, "transaction")}};
    if (what == "message_plugin") {
      out["response"] = video_room(body->value("request", Json::object()));
      return Response::json(200, out);
    }
    const std::int64_t session = body->value("session_id", std::int64_t{0});
    if (what == "list_sessions") {
      out["sessions"] = Json::array();
      for (const auto& [id, who] : sessions_) out["sessions"].push_back(id);
      return Response::json(200, out);
    }
    const auto found = sessions_.find(session);
    if (found == sessions_.end()) return error(458);
    if (what == "list_handles") {
      out["handles"] = Json::array({session + 1});
    } else if (what == "handle_info") {
      out["info"] = {
          {"plugin_specific", {{"room", found->second.first}, {"id", found->second.second}}}};
    } else if (what == "destroy_session") {
      sessions_.erase(found);
    } else {
      return error(457);
    }
    return Response::json(200, out);
  }
  // Errors come with status 200.
  static Response error(int code) {
    return Response::json(200, {{"janus", "error"}, {"error", {{"code", code}, {"reason", "no"}}}});
  }

  Json video_room(const Json& request) {
    try {
      return video_room_request(request);
    } catch (const Refused& refused) {
      return {{"videoroom", "event"}, {"error_code", refused.code}, {"error", "refused"}};
    }
  }
  Json video_room_request(const Json& request) {
    const std::string what = text_of(request, "request");
    if (what == "list") {
      Json list = Json::array();
      for (const auto& [name, room] : rooms_)
        list.push_back({{"room", name}, {"num_participants", room.people.size()}});
      return {{"videoroom", "success"}, {"list", list}};
    }
    const std::string name = text_of(request, "room");
    if (what == "exists")
      return {{"videoroom", "success"}, {"room", name}, {"exists", rooms_.contains(name)}};
    if (what == "create") return create(name, request);
    Room& room = require(name);
    if (text_of(request, "secret") != room.secret) throw Refused{kUnauthorized};
    if (what == "allowed") {
      const std::string action = text_of(request, "action");
      for (const Json& token : request.value("allowed", Json::array())) {
        if (action == "add") room.allowed.insert(token.get<std::string>());
        if (action == "remove") room.allowed.erase(token.get<std::string>());
      }
      return {{"videoroom", "success"}, {"room", name}, {"allowed", room.allowed}};
    }
    if (what == "kick") {
      const std::string who = text_of(request, "id");
      if (!room.people.contains(who)) throw Refused{kNoSuchFeed};
      leave(room, who, "kicked");
    } else if (what == "enable_recording") {
      record(room, request.value("record", false));
    } else if (what == "listparticipants") {
      Json list = Json::array();
      for (const auto& [who, person] : room.people)
        list.push_back({{"id", who}, {"publisher", true}});
      return {{"videoroom", "participants"}, {"room", name}, {"participants", list}};
    } else if (what == "destroy") {
      destroy(room);
      return {{"videoroom", "destroyed"}, {"room", name}};
    } else {
      throw Refused{423};
    }
    return {{"videoroom", "success"}};
  }

  Json create(const std::string& name, const Json& request) {
    if (text_of(request, "admin_key") != admin_key_) throw Refused{kUnauthorized};
    if (rooms_.contains(name)) throw Refused{kRoomExists};
    Room room{.name = name, .secret = text_of(request, "secret")};
    for (const Json& token : request.value("allowed", Json::array()))
      room.allowed.insert(token.get<std::string>());
    Room& kept = rooms_.emplace(name, std::move(room)).first->second;
    context_.ledger.record(this->name(), "room.created", name);
    tell_room("created", name, Json::object());
    record(kept, request.value("record", false));
    return {{"videoroom", "created"}, {"room", name}};
  }

  Room& require(const std::string& name) {
    const auto found = rooms_.find(name);
    if (found == rooms_.end()) throw Refused{kNoSuchRoom};
    return found->second;
  }

  // Janus tells that the room is gone, and of nobody that he left.
  void destroy(Room& room) {
    record(room, false);
    for (const auto& [who, person] : room.people) count_stay(room, who, person);
    context_.ledger.record(name(), "room.completed", room.name,
                           {{"attendee_seconds", room.seconds}});
    tell_room("destroyed", room.name, Json::object());
    rooms_.erase(std::string(room.name));
  }

  void count_stay(Room& room, const std::string& who, const Person& person) {
    const std::int64_t seconds = context_.now_ms() / 1000 - person.since_ms / 1000;
    room.seconds += seconds;
    sessions_.erase(person.session);
    context_.ledger.record(name(), "participant.disconnected", room.name + "/" + who,
                           {{"seconds", seconds}});
  }
  void leave(Room& room, const std::string& who, const std::string& event) {
    const auto found = room.people.find(who);
    if (found == room.people.end()) return;
    count_stay(room, who, found->second);
    tell_room(event, room.name, {{"id", who}}, found->second.session);
    room.people.erase(found);
  }

  // --- Events ------------------------------------------------------------------------------------

  // Janus's event handler has one thread that sends.
  void tell(Json event) {
    if (report_to_.empty()) return;
    event["emitter"] = emitter_;
    event["timestamp"] = context_.now_ms() * 1000;
    context_.callbacks.post_in_order(report_to_, {{"Content-Type", "application/json"}},
                                     Json::array({event}).dump(), callback_delay_ms_);
  }
  void tell_room(const std::string& what, const std::string& room, Json data,
                 std::int64_t session = 0) {
    data["event"] = what;
    data["room"] = room;
    Json event{{"type", 64},
               {"event", {{"plugin", "janus.plugin.videoroom"}, {"data", std::move(data)}}}};
    if (session != 0) event["session_id"] = session;
    if (session != 0) event["handle_id"] = session + 1;
    tell(std::move(event));
  }
  void tell_media(const Person& person, int subtype, Json event) {
    tell({{"type", 32},
          {"subtype", subtype},
          {"session_id", person.session},
          {"handle_id", person.session + 1},
          {"event", std::move(event)}});
  }

  // --- Recordings --------------------------------------------------------------------------------

  void record(Room& room, bool on) {
    if (room.records == on) return;
    room.records = on;
    const std::int64_t now = context_.now_ms();
    if (on) {
      std::int64_t begun = now * 1000;
      while (recordings_.contains(room.name + "." + std::to_string(begun))) ++begun;
      recordings_[room.name + "." + std::to_string(begun)] = {.room = room.name};
      return;
    }
    for (auto& [id, one] : recordings_) {
      if (one.room != room.name || !one.open) continue;
      one.open = false;
      one.ready_ms = now + processing_ms_;
      one.content = std::string(media_bytes_, 'm');
    }
  }

  Response shelf(const Request& request) {
    if (request.method == "GET" && request.path.starts_with("/rooms/")) {
      const std::string room = request.path.substr(7);
      Json list = Json::array();
      bool ready = true;
      for (const auto& [id, one] : recordings_) {
        if (one.room != room) continue;
        if (one.open || one.ready_ms > context_.now_ms()) {
          ready = false;
          continue;
        }
        list.push_back({{"id", id},
                        {"bytes", one.content.size()},
                        {"ms", 1000},
                        {"sha256", sha256_hex(one.content)}});
      }
      return Response::json(200,
                            {{"ready", ready}, {"recordings", list}, {"failed", Json::array()}});
    }
    if (request.method == "GET" && request.path == "/space")
      return Response::json(200, Json::object());
    if (!request.path.starts_with("/recordings/")) return Response::empty(404);
    const auto found = recordings_.find(request.path.substr(12));
    if (found == recordings_.end()) return Response::empty(404);
    if (request.method == "DELETE") {
      recordings_.erase(found);
      return Response::empty(204);
    }
    Response out;
    out.headers = {{"Content-Type", "video/webm"},
                   {"X-Rabt-Bytes", std::to_string(found->second.content.size())},
                   {"X-Rabt-Sha256", sha256_hex(found->second.content)}};
    out.body = found->second.content;
    return out;
  }

  // --- Control -----------------------------------------------------------------------------------

  Response act(std::string_view what, const Json& body) {
    const std::string name = text_of(body, "room");
    if (what == "join") return join(name, text_of(body, "token"));
    Room& room = require(name);
    const std::string who = text_of(body, "identity");
    if (what == "leave") {
      leave(room, who, "leaving");
    } else if (what == "end") {
      // Janus restarts: all rooms are gone, and all that is told is that a Janus has started.
      sessions_.clear();
      rooms_.clear();
      tell({{"type", 256}, {"subtype", 1}, {"event", {{"status", "started"}}}});
    } else if (what == "hears") {
      return Response::json(200, {{"hears", room.people.contains(text_of(body, "listener")) &&
                                                room.people.contains(text_of(body, "speaker"))}});
    } else if (what == "line") {
      line(room, who, body);
    } else {
      return Response::empty(404);
    }
    return Response::json(200, Json::object());
  }

  // A line that loses so many of a hundred packets of sound. Janus tells of it in its figures and,
  // when it gets bad, at once.
  void line(Room& room, const std::string& who, const Json& body) {
    const auto found = room.people.find(who);
    if (found == room.people.end()) throw Refused{kNoSuchFeed};
    const std::int64_t lost = body.value("lost", std::int64_t{0});
    tell_media(found->second, 3,
               Json::array({{{"media", "audio"},
                             {"packets-received", 100 - lost},
                             {"lost", lost},
                             {"bytes-received", 10'000},
                             {"jitter-local", 20},
                             {"rtt", 40}}}));
    if (body.value("slow", false))
      tell_media(
          found->second, 2,
          {{"media", "audio"}, {"mid", "0"}, {"slow_link", "downlink"}, {"lost_lastsec", lost}});
  }

  // The token opens the transport by its signature, and the room by standing in its list.
  Response join(const std::string& name, const std::string& token) {
    const auto colon = token.find(':');
    const auto parts = split(token.substr(0, colon), ',');
    if (colon == std::string::npos || parts.size() != 6 ||
        base64(hmac_sha1(token_secret_, token.substr(0, colon))) != token.substr(colon + 1) ||
        std::stoll(parts[0]) < context_.now_ms() / 1000)
      return Response::json(403, {{"code", 403}});
    Room& room = require(name);
    if (!room.allowed.contains(token)) throw Refused{kUnauthorized};
    const std::string who = percent_decode(parts[4], false);
    if (room.people.contains(who)) throw Refused{kIdExists};
    const Person person{.session = next_session_ += 2, .since_ms = context_.now_ms()};
    sessions_[person.session] = {name, who};
    room.people[who] = person;
    context_.ledger.record(this->name(), "participant.connected", name + "/" + who);
    tell_room("joined", name, {{"id", who}, {"private_id", 7}, {"token", token}}, person.session);
    return Response::json(200, {{"identity", who}});
  }

  const Context context_;
  std::string admin_secret_;
  std::string admin_key_;
  std::string token_secret_;
  std::string shelf_secret_;
  std::string emitter_;
  std::string report_to_;
  std::size_t media_bytes_ = 0;
  std::int64_t processing_ms_ = 0;
  std::uint32_t callback_delay_ms_ = 0;

  Mutex mutex_;
  std::map<std::string, Room> rooms_;
  std::map<std::string, Recording> recordings_;
  // Room and person, by session.
  std::map<std::int64_t, std::pair<std::string, std::string>> sessions_;
  std::int64_t next_session_ = 1'000;
};

}  // namespace

std::unique_ptr<Service> make_janus(Context context, const Json& options) {
  return std::make_unique<JanusStandIn>(std::move(context), options);
}

}  // namespace rabt::sandbox
