#include "client.hpp"

#include <algorithm>
#include <set>

#include "rabt/json_nlohmann.hpp"
#include "rabt/time.hpp"

namespace rabt::janus {

namespace {

using sdk::Kind;
using sdk::member_of;
using sdk::Refusal;
using sdk::text_of;

constexpr std::size_t kUuid = 36;
// As the events' schemas have it.
constexpr std::size_t kMaxId = 200;
// More rooms than one hub has open; beyond, what is remembered is forgotten.
constexpr std::size_t kMaxRooms = 20'000;
constexpr std::size_t kMaxSpeakers = 40'000;
// Handles of one person: one for what is sent, and one or more for what is received.
constexpr std::size_t kMaxHandles = 64;
constexpr int kMediaEvent = 32;
constexpr int kMediaSlowLink = 2;
constexpr int kMediaStats = 3;
// Opus sends a packet each 20 milliseconds.
constexpr double kSoundPackets = 50;
constexpr int kPluginEvent = 64;
constexpr int kCoreEvent = 256;
constexpr int kCoreStarted = 1;

bool is_uuid(std::string_view text) {
  if (text.size() != kUuid) return false;
  for (std::size_t i = 0; i < kUuid; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool hex = sdk::is_digit(c) || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

std::string without_slash(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

Instance read_instance(const Json& json) {
  Instance instance;
  instance.name = text_of(json, "name");
  instance.admin_url = without_slash(text_of(json, "admin_url"));
  instance.client_url = text_of(json, "client_url");
  instance.shelf_url = without_slash(text_of(json, "shelf_url"));
  instance.recordings_dir = without_slash(text_of(json, "recordings_dir"));
  const Json& drain = member_of(json, "drain");
  instance.drain = drain.is_boolean() && drain.get<bool>();
  if (instance.name.empty() || instance.admin_url.empty() || instance.client_url.empty())
    throw Refusal("janus.config", "each of `instances` needs name, admin_url and client_url");
  if (instance.shelf_url.empty() != instance.recordings_dir.empty())
    throw Refusal("janus.config",
                  "an instance that records needs recordings_dir and shelf_url; one of them is "
                  "missing");
  return instance;
}

std::int64_t number_of(const Json& object, const char* key) {
  const Json& value = member_of(object, key);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

// A moment in microseconds as RFC 3339 with milliseconds.
std::string instant(std::int64_t micros) {
  const std::int64_t ms = (micros / 1000) % 1000;
  std::string text = sdk::write_instant(micros / 1'000'000);
  std::string digits = std::to_string(ms);
  digits.insert(0, 3 - digits.size(), '0');
  const auto offset = text.find_first_of("Z+", 19);
  return text.insert(offset == std::string::npos ? text.size() : offset, "." + digits);
}

Json event_of(std::string_view type, const std::string& room, const std::string& what,
              std::int64_t micros, Json data) {
  data["sessionId"] = room;
  // Key that this event and its repeats share.
  const std::string id = room + "/" + what + "/" + std::to_string(micros);
  Json event{{"type", "org.rabt.session." + std::string(type)},
             {"source", "urn:janus:videoroom"},
             {"id", id},
             {"subject", room}};
  if (micros > 0) {
    event["time"] = instant(micros);
    data["at"] = event["time"];
  }
  event["data"] = std::move(data);
  return event;
}

// An event of the VideoRoom. Tokens and private ids of it go no further.
void take_room_event(const Json& event, Rooms& rooms, Json& out) {
  const Json& said = member_of(event, "event");
  if (text_of(said, "plugin") != "janus.plugin.videoroom") return;
  const Json& data = member_of(said, "data");
  const std::string room = text_of(data, "room");
  if (!instance_of(room)) return;
  const std::string what = text_of(data, "event");
  const std::int64_t micros = std::max<std::int64_t>(number_of(event, "timestamp"), 0);
  // The first feed of a session at Janus is a person, whatever its name: a person cannot hide as a
  // screen.
  if (is_screen(text_of(data, "id")) &&
      (what != "joined" ||
       rooms.speaker(text_of(event, "emitter"), number_of(event, "session_id")) != nullptr))
    return;
  if (what == "created") {
    rooms.add(room);
    out.push_back(event_of("started.v1", room, what, micros, Json::object()));
  } else if (what == "destroyed") {
    rooms.remove(room);
    out.push_back(event_of("ended.v1", room, what, micros, Json{{"reason", "ended"}}));
  } else if (what == "joined" || what == "leaving" || what == "kicked") {
    std::string identity = text_of(data, "id");
    if (what == "joined") {
      // Whoever has a token may join under any id: who came is who the token was made for.
      const auto claims = claims_of(text_of(data, "token"));
      if (claims && claims->room == room) identity = claims->identity;
      rooms.add(room);
    }
    if (identity.empty() || identity.size() > kMaxId) return;
    if (what == "joined") {
      rooms.add(
          text_of(event, "emitter"), number_of(event, "session_id"),
          {.room = room, .identity = identity, .joined_handle = number_of(event, "handle_id")});
    } else {
      rooms.remove(room, identity);
    }
    Json person{{"identity", identity}, {"role", role_of(identity)}};
    if (what == "joined") {
      out.push_back(
          event_of("participant-joined.v1", room, "joined/" + identity, micros, std::move(person)));
      return;
    }
    person["reason"] = what == "kicked" ? "removed" : "left";
    out.push_back(
        event_of("participant-left.v1", room, what + "/" + identity, micros, std::move(person)));
  }
}

// Adds Janus' counts of one handle since its last report to the line of the handle's person. The
// sound rates the line; kbps are those of sound and pictures.
void take_stats(const Json& event, Rooms& rooms, Json& out) {
  Speaker* const who = rooms.speaker(text_of(event, "emitter"), number_of(event, "session_id"));
  if (who == nullptr) return;
  const Json& said = member_of(event, "event");
  const Json list = said.is_array() ? said : Json::array({said});
  const std::int64_t handle = number_of(event, "handle_id");
  const bool up = handle == who->joined_handle;
  Counted now{.micros = number_of(event, "timestamp")};
  const Json* sound = nullptr;
  for (const Json& item : list) {
    now.bytes += number_of(item, up ? "bytes-received" : "bytes-sent");
    if (text_of(item, "media") == "audio" && sound == nullptr) sound = &item;
  }
  if (sound == nullptr) return;
  now.packets = number_of(*sound, up ? "packets-received" : "packets-sent");
  now.lost = number_of(*sound, up ? "lost" : "lost-by-remote");
  if (!up) who->rtt_ms = std::max<std::int64_t>(number_of(*sound, "rtt"), 0);
  if (who->handles.size() >= kMaxHandles && !who->handles.contains(handle)) who->handles.clear();
  const Counted before = std::exchange(who->handles[handle], now);
  const std::int64_t packets = now.packets - before.packets;
  const std::int64_t lost = std::max<std::int64_t>(now.lost - before.lost, 0);
  // Counters that fell are those of a new stream.
  if (packets <= 0 || now.bytes < before.bytes) return;
  const double all = static_cast<double>(up ? packets + lost : packets);
  if (before.micros > 0 && now.micros > before.micros)
    who->handles[handle].rate = all * 1'000'000.0 / static_cast<double>(now.micros - before.micros);
  Json line{{"identity", who->identity},
            {"direction", up ? "up" : "down"},
            {"lossPercent", std::min(100.0, 100.0 * static_cast<double>(lost) / all)},
            {"jitterMs",
             std::max<std::int64_t>(number_of(*sound, up ? "jitter-local" : "jitter-remote"), 0)},
            {"rttMs", who->rtt_ms}};
  if (before.micros > 0 && now.micros > before.micros)
    line["kbps"] = static_cast<double>(now.bytes - before.bytes) * 8000.0 /
                   static_cast<double>(now.micros - before.micros);
  out.push_back(event_of("quality.v1", who->room,
                         "quality/" + who->identity + "/" + std::to_string(handle), now.micros,
                         std::move(line)));
}

// Janus tells at once when more packets were lost within a second than `slowlink_threshold`. The
// line's figures come with the next statistics; until then this second stands for it. Janus speaks
// of its own link: `downlink` is what it gets, and so the person's way up.
void take_slow_link(const Json& event, Rooms& rooms, Json& out) {
  Speaker* const who = rooms.speaker(text_of(event, "emitter"), number_of(event, "session_id"));
  const Json& said = member_of(event, "event");
  const std::int64_t lost = number_of(said, "lost_lastsec");
  // The number of packets in a second of pictures is unknown.
  if (who == nullptr || text_of(said, "media") != "audio" || lost <= 0) return;
  const std::int64_t handle = number_of(event, "handle_id");
  const auto counted = who->handles.find(handle);
  const double counted_rate = counted == who->handles.end() ? 0 : counted->second.rate;
  const double rate =
      std::max(counted_rate > 0 ? counted_rate : kSoundPackets, static_cast<double>(lost));
  const std::int64_t micros = std::max<std::int64_t>(number_of(event, "timestamp"), 0);
  out.push_back(event_of(
      "quality.v1", who->room, "slow/" + who->identity + "/" + std::to_string(handle), micros,
      Json{{"identity", who->identity},
           {"direction", text_of(said, "slow_link") == "downlink" ? "up" : "down"},
           {"lossPercent", 100.0 * static_cast<double>(lost) / rate},
           {"rttMs", who->rtt_ms}}));
}

}  // namespace

Settings read_settings(std::string_view json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) throw Refusal("janus.config", "the configuration must be an object");
  Settings settings;
  std::set<std::string> names;
  for (const Json& item : sdk::list_of(config, "instances")) {
    settings.instances.push_back(read_instance(item));
    if (!names.insert(settings.instances.back().name).second)
      throw Refusal("janus.config", "two of `instances` have the same name");
  }
  if (settings.instances.empty())
    throw Refusal("janus.config", "`instances` names at least one Janus");
  for (const Json& url : sdk::list_of(config, "turn_urls")) {
    if (url.is_string()) settings.turn_urls.push_back(url.get<std::string>());
  }
  settings.token_ttl_seconds = config.value("token_ttl_seconds", settings.token_ttl_seconds);
  settings.max_participants = config.value("max_participants", settings.max_participants);
  settings.bitrate_kbps = config.value("bitrate_kbps", settings.bitrate_kbps);
  settings.video_codec = config.value("video_codec", settings.video_codec);
  return settings;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    out.push_back(kHex[u >> 4U]);
    out.push_back(kHex[u & 0xfU]);
  }
  return out;
}

std::string uuid_of(std::string_view mac) {
  std::string hex = to_hex(mac.substr(0, 16));
  // Version 8 of RFC 9562: the bits are ours.
  hex[12] = '8';
  hex[16] = 'a';
  for (const std::size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

std::optional<std::string> instance_of(std::string_view room) {
  const auto dot = room.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 32 || !is_uuid(room.substr(dot + 1)))
    return std::nullopt;
  return std::string(room.substr(0, dot));
}

std::optional<std::string> room_of_recording(std::string_view id) {
  const auto dot = id.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view number = id.substr(dot + 1);
  if (number.empty() || number.size() > 20 || !sdk::all_digits(number) ||
      !instance_of(id.substr(0, dot)))
    return std::nullopt;
  return std::string(id.substr(0, dot));
}

std::string begun_at(std::string_view recording) {
  const auto dot = recording.rfind('.');
  if (dot == std::string_view::npos || recording.size() - dot - 1 > 18) return {};
  const std::string micros(recording.substr(dot + 1));
  return sdk::all_digits(micros) && !micros.empty() ? instant(std::stoll(micros)) : std::string();
}

std::string text_of_claims(const TokenClaims& claims) {
  return std::to_string(claims.expires) + ",janus,janus.plugin.videoroom," + claims.room + "," +
         sdk::percent_encode(claims.identity) + "," + claims.nonce;
}

std::optional<TokenClaims> claims_of(std::string_view token) {
  const auto colon = token.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::vector<std::string_view> parts;
  std::string_view rest = token.substr(0, colon);
  while (true) {
    const auto comma = rest.find(',');
    parts.push_back(rest.substr(0, comma));
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (parts.size() != 6 || parts[0].empty() || parts[0].size() > 12 || !sdk::all_digits(parts[0]))
    return std::nullopt;
  TokenClaims claims;
  for (const char c : parts[0]) claims.expires = claims.expires * 10 + (c - '0');
  claims.room = std::string(parts[3]);
  claims.identity = sdk::percent_decode(parts[4]);
  claims.nonce = std::string(parts[5]);
  return claims;
}

std::string role_of(const std::string& identity) {
  return identity.substr(0, identity.find('-'));
}

Reply read_reply(const HttpResult& answer, Json& response) {
  Reply reply;
  if (!answer.answered()) {
    reply.failed = no_answer(answer, "janus", sdk::Repeat::safe);
    return reply;
  }
  if (!succeeded(answer)) {
    // Janus itself answers every request with 200.
    reply.failed = bad_status(
        answer, "janus.http_" + std::to_string(answer.status),
        "what answers at admin_url said HTTP status " + std::to_string(answer.status) +
            ", which the Admin API of Janus never does: look at the path of admin_url, and at what "
            "stands before Janus",
        Json{{"status", answer.status}}.dump());
    return reply;
  }
  // Errors come with status 200 as well.
  const auto body = sdk::parse_json(answer.body);
  if (!body || !body->is_object()) {
    reply.failed =
        Outcome::fail(Kind::ambiguous, "janus.unreadable", "Janus' answer could not be read");
    return reply;
  }
  if (text_of(*body, "janus") != "success") {
    const std::int64_t code = number_of(member_of(*body, "error"), "code");
    reply.code = static_cast<int>(std::clamp<std::int64_t>(code, 0, 999));
    const bool unauthorized = reply.code == kUnauthorizedRequest;
    Json detail{{"code", reply.code}};
    if (unauthorized) detail["reason"] = "credentials";
    reply.failed = Outcome::fail(
        Kind::permanent, "janus.admin_" + std::to_string(reply.code),
        unauthorized
            ? "the Admin API of Janus refused the request: admin_secret is another one"
            : "the Admin API of Janus refused the request with error " + std::to_string(reply.code),
        detail.dump());
    return reply;
  }
  response = body->contains("response") ? body->at("response") : *body;
  reply.code =
      static_cast<int>(std::clamp<std::int64_t>(number_of(response, "error_code"), 0, 999));
  return reply;
}

Outcome wrong_admin_key() {
  return Outcome::fail(Kind::permanent, "janus.admin_key",
                       "Janus makes no room: admin_key is another one than in its configuration",
                       Json{{"code", kNotAuthorized}, {"reason", "credentials"}}.dump());
}

Outcome refused(int code) {
  // Janus' message may quote what we sent: only its number is passed on.
  const Json detail{{"status", code == kNoSuchRoom || code == kNoSuchFeed ? 404 : 422},
                    {"code", code}};
  const std::string name = "janus." + std::to_string(code);
  if (code == kNoSuchRoom)
    return Outcome::fail(Kind::permanent, name, "Janus has no such room", detail.dump());
  if (code == kNotAuthorized)
    return Outcome::fail(Kind::permanent, name,
                         "Janus refused the room's secret: the room is not ours, or admin_key was "
                         "changed while it was open",
                         detail.dump());
  return Outcome::fail(code >= 490 ? Kind::transient : Kind::permanent, name,
                       "Janus refused the request with error " + std::to_string(code),
                       detail.dump());
}

void Rooms::add(const std::string& instance, std::int64_t session, Speaker speaker) {
  if (session == 0) return;
  if (speakers_.size() >= kMaxSpeakers) speakers_.clear();
  speakers_[{instance, session}] = std::move(speaker);
}

Speaker* Rooms::speaker(const std::string& instance, std::int64_t session) {
  const auto found = speakers_.find({instance, session});
  return found == speakers_.end() ? nullptr : &found->second;
}

void Rooms::remove(const std::string& room) {
  rooms_.erase(room);
  std::erase_if(speakers_, [&](const auto& entry) { return entry.second.room == room; });
}

void Rooms::remove(const std::string& room, const std::string& identity) {
  std::erase_if(speakers_, [&](const auto& entry) {
    return entry.second.room == room && entry.second.identity == identity;
  });
}

void Rooms::add(const std::string& room) {
  if (rooms_.size() >= kMaxRooms) rooms_.clear();
  rooms_[room] = true;
}

std::vector<std::string> Rooms::take(std::string_view instance) {
  std::vector<std::string> out;
  std::erase_if(speakers_, [&](const auto& entry) { return entry.first.first == instance; });
  for (auto at = rooms_.begin(); at != rooms_.end();) {
    if (instance_of(at->first) == instance) {
      out.push_back(at->first);
      at = rooms_.erase(at);
    } else {
      ++at;
    }
  }
  return out;
}

Json to_events(std::string_view body, Rooms& rooms) {
  const auto parsed = sdk::parse_json(body);
  if (!parsed || (!parsed->is_array() && !parsed->is_object()))
    throw Refusal("janus.delivery", "a delivery of Janus is a JSON list of events, or one event");
  const Json list = parsed->is_array() ? *parsed : Json::array({*parsed});
  Json out = Json::array();
  for (const Json& event : list) {
    if (!event.is_object() || number_of(event, "type") == 0)
      throw Refusal("janus.delivery", "an event of Janus is an object with a type");
    const std::int64_t type = number_of(event, "type");
    if (type == kPluginEvent) {
      take_room_event(event, rooms, out);
    } else if (type == kMediaEvent && number_of(event, "subtype") == kMediaStats) {
      take_stats(event, rooms, out);
    } else if (type == kMediaEvent && number_of(event, "subtype") == kMediaSlowLink) {
      take_slow_link(event, rooms, out);
    } else if (type == kCoreEvent && number_of(event, "subtype") == kCoreStarted) {
      // A Janus that starts has no rooms: those that it had are lost.
      const std::int64_t micros = std::max<std::int64_t>(number_of(event, "timestamp"), 0);
      for (const std::string& room : rooms.take(text_of(event, "emitter")))
        out.push_back(event_of("ended.v1", room, "lost", micros, Json{{"reason", "lost"}}));
    }
  }
  return out;
}

}  // namespace rabt::janus
