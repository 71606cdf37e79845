#include "tools/sandbox/twilio.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <unordered_map>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/timers.hpp"

// Twilio Video, REST API v1: field names and formats follow Twilio's published OpenAPI description
// (twilio_video_v1.json), status callbacks and their signature follow Twilio's webhook pages.
namespace rabt::sandbox {
namespace {

constexpr std::size_t kMaxOpenRooms = 10'000;  // Twilio's own limit on concurrent rooms
constexpr std::size_t kMaxRooms = 100'000;     // remembered, completed ones included
constexpr std::size_t kMaxName = 128;          // unique names and identities
constexpr std::int64_t kMaxTokenSeconds = 24 * 60 * 60;

struct ApiError {
  int status;
  int code;
  std::string message;
};

Json error_json(const ApiError& error) {
  return {{"code", error.code},
          {"message", error.message},
          {"more_info", "https://www.twilio.com/docs/errors/" + std::to_string(error.code)},
          {"status", error.status}};
}

Response error_response(const ApiError& error) {
  return Response::json(error.status, error_json(error));
}

ApiError not_found(const std::string& path) {
  return {404, 20404, "The requested resource " + path + " was not found"};
}

std::string new_sid(std::string_view prefix) {
  return std::string(prefix) + random_hex(16);
}

Json time_or_null(std::int64_t ms) {
  return ms == 0 ? Json() : Json(iso_seconds(ms));
}

std::optional<std::uint64_t> whole_number(const std::string& text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

// The bytes of a recording: a Matroska file whose content is one Void element, so that a tool can
// open it, filled with bytes that depend only on the recording's SID.
class Media {
 public:
  static constexpr std::uint64_t kSmallest = 256;

  Media(std::string_view sid, std::uint64_t size) : size_(size) {
    seed_ = 14695981039346656037ULL;  // FNV-1a
    for (const char c : sid) seed_ = (seed_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    const auto element = [](std::string id, std::string_view body) {
      id += static_cast<char>(0x80U | body.size());  // one-byte length: bodies here are short
      id += body;
      return id;
    };
    using namespace std::string_literals;
    head_ = element("\x1A\x45\xDF\xA3"s,  // EBML
                    element("\x42\x86"s, "\x01"s) + element("\x42\xF7"s, "\x01"s) +
                        element("\x42\xF2"s, "\x04"s) + element("\x42\xF3"s, "\x08"s) +
                        element("\x42\x82"s, "matroska") + element("\x42\x87"s, "\x04"s) +
                        element("\x42\x85"s, "\x02"s));
    const std::string info =  // Segment > Info
        element("\x15\x49\xA9\x66"s, element("\x2A\xD7\xB1"s, "\x0F\x42\x40"s) +
                                         element("\x4D\x80"s, "rabt-sandbox") +
                                         element("\x57\x41"s, "rabt-sandbox"));
    head_ += "\x18\x53\x80\x67"s + long_size(size_ - head_.size() - 12) + info;  // Segment
    head_ += "\xEC"s;                                                            // Void
    head_ += long_size(size_ - head_.size() - 8);
  }

  [[nodiscard]] std::string read(std::uint64_t offset, std::size_t size) const {
    const std::uint64_t from = std::min(offset, size_);
    const std::uint64_t end = from + std::min<std::uint64_t>(size, size_ - from);
    std::string out;
    if (from < head_.size())
      out = head_.substr(static_cast<std::size_t>(from), static_cast<std::size_t>(end - from));
    if (end <= head_.size()) return out;
    const std::uint64_t first = std::max<std::uint64_t>(from, head_.size()) - head_.size();
    const std::uint64_t last = end - head_.size();
    // Whole words, of which the ends may lie outside of what is asked for.
    std::string words;
    words.reserve(static_cast<std::size_t>(last - first + 16));
    for (std::uint64_t index = first / 8; index * 8 < last; ++index) {
      const std::uint64_t word = word_at(index);
      std::array<char, 8> bytes{};
      for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<char>((word >> (8 * i)) & 0xFFU);
      words.append(bytes.data(), bytes.size());
    }
    out.append(words, static_cast<std::size_t>(first % 8), static_cast<std::size_t>(last - first));
    return out;
  }

 private:
  static std::string long_size(std::uint64_t size) {  // EBML length in eight bytes
    std::string out(1, '\x01');
    for (int shift = 48; shift >= 0; shift -= 8) {
      out.push_back(static_cast<char>((size >> static_cast<unsigned>(shift)) & 0xFFU));
    }
    return out;
  }
  [[nodiscard]] std::uint64_t word_at(std::uint64_t index) const {  // splitmix64
    std::uint64_t z = seed_ + (index + 1) * 0x9E3779B97F4A7C15ULL;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31U);
  }

  std::uint64_t size_;
  std::uint64_t seed_ = 0;
  std::string head_;
};

struct Track {
  std::string sid;
  std::string kind;  // audio, video
  std::string name;
  std::string recording;  // SID while it is recorded
};

struct Participant {
  std::uint64_t seq = 0;
  std::string sid;
  std::string identity;
  bool connected = true;
  std::int64_t start_ms = 0;
  std::int64_t end_ms = 0;
  std::vector<Track> tracks;
  // Rules that choose the tracks which reach this participant.
  Json subscribe_rules = Json::array({{{"type", "include"}, {"all", true}}});
  std::int64_t subscribe_rules_ms = 0;

  // Billed seconds: between the seconds that are shown as start and end.
  [[nodiscard]] std::int64_t seconds() const { return end_ms / 1000 - start_ms / 1000; }
};

struct Recording {
  std::uint64_t seq = 0;
  std::string sid;
  std::string room_sid;
  std::string participant_sid;
  std::string identity;
  std::string source_sid;
  std::string kind;
  std::string track_name;
  std::string status = "processing";
  std::int64_t created_ms = 0;
  std::int64_t stopped_ms = 0;
  std::uint64_t size = 0;

  [[nodiscard]] std::int64_t duration_s() const {
    return stopped_ms == 0 ? 0 : std::max<std::int64_t>(1, (stopped_ms - created_ms + 500) / 1000);
  }
  [[nodiscard]] std::string container() const { return kind == "audio" ? "mka" : "mkv"; }
  [[nodiscard]] std::string codec() const { return kind == "audio" ? "OPUS" : "VP8"; }
};

struct Transcription {
  // Empty when the room has none.
  std::string ttid;
  // started, stopped, failed
  std::string status;
  Json configuration = Json::object();
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

struct Room {
  std::uint64_t seq = 0;
  std::string sid;
  std::string unique_name;
  std::string status = "in-progress";
  std::string type = "group";
  std::string callback;
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t end_ms = 0;
  std::uint64_t max_participants = 50;
  std::uint64_t max_participant_seconds = 14400;
  std::uint64_t empty_minutes = 5;
  std::uint64_t unused_minutes = 5;
  bool record_on_connect = false;
  bool audio_only = false;
  bool large = false;
  std::vector<std::string> video_codecs;
  std::string media_region = "us1";
  Json rules = Json::array();
  std::int64_t rules_ms = 0;
  std::vector<Participant> participants;
  Transcription transcription;
  std::uint64_t events = 0;
  std::uint64_t joins = 0;
};

// One file of all tracks of a room.
struct Composition {
  std::uint64_t seq = 0;
  std::string sid;
  std::string room_sid;
  std::string status = "enqueued";
  std::string audio;
  std::string layout;
  std::string format = "webm";
  std::string resolution = "640x480";
  std::string callback;
  std::uint64_t size = 0;
  std::int64_t created_ms = 0;
  std::int64_t completed_ms = 0;
};

// Twilio applies recording rules in order; a later match overrides an earlier one.
bool included(const Json& rules, const Participant& participant, const Track& track) {
  bool include = false;
  for (const Json& rule : rules) {
    const auto names = [&rule](const char* filter, std::initializer_list<std::string_view> any) {
      if (!rule.contains(filter)) return true;
      const auto wanted = rule[filter].get<std::string>();
      return std::any_of(any.begin(), any.end(),
                         [&](std::string_view each) { return each == wanted; });
    };
    if (names("publisher", {participant.identity, participant.sid}) &&
        names("track", {track.name, track.sid}) && names("kind", {track.kind})) {
      include = rule["type"] == "include";
    }
  }
  return include;
}

ApiError bad_request(const std::string& what) {
  return {400, 20001, what};
}

Json read_rules(const std::string& text) {
  const std::optional<Json> rules = parse_json(text);
  if (!rules || !rules->is_array() || rules->empty() || rules->size() > 20) {
    throw bad_request("Rules must be a JSON list of 1 to 20 rules");
  }
  for (const Json& rule : *rules) {
    if (!rule.is_object() || !rule.contains("type") ||
        (rule["type"] != "include" && rule["type"] != "exclude")) {
      throw bad_request("a rule's type must be include or exclude");
    }
    if (rule.size() < 2) throw bad_request("a rule needs a filter: all, publisher, track or kind");
    for (const auto& [name, value] : rule.items()) {
      if (name == "type") continue;
      const bool ok = name == "all" ? value == Json(true)
                      : name == "kind"
                          ? (value == "audio" || value == "video" || value == "data")
                          : (name == "publisher" || name == "track") && value.is_string();
      if (!ok) throw bad_request("a rule's filter is not valid");
    }
  }
  return *rules;
}

struct Automation {
  bool on = false;
  std::int64_t join_after_ms = 0;
  std::optional<std::int64_t> leave_after_ms;
  std::optional<std::int64_t> end_after_ms;
  std::vector<std::string> identities;
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

Automation read_automation(const Json& source) {
  Automation out;
  out.on = true;
  for (const auto& [name, value] : source.items()) {
    if (name == "identities") {
      out.identities = value.get<std::vector<std::string>>();
    } else if (name == "join_after_ms") {
      out.join_after_ms = value.get<std::int64_t>();
    } else if (name == "leave_after_ms") {
      out.leave_after_ms = value.get<std::int64_t>();
    } else if (name == "end_after_ms") {
      out.end_after_ms = value.get<std::int64_t>();
    } else {
      throw std::runtime_error(
          "auto knows identities, join_after_ms, leave_after_ms and end_after_ms, not '" + name +
          "'");
    }
  }
  if (out.identities.size() > 50) throw std::runtime_error("auto: at most 50 identities");
  return out;
}

// Long, because each call of the API works on the same tables.
class Twilio final : public Service {
 public:
  Twilio(Context context, const Json& options) : context_(std::move(context)) {
    static const std::set<std::string> kKnown = {
        "account_sid",          "auth_token",    "api_key_sid",       "api_key_secret",
        "media_bytes",          "processing_ms", "callback_delay_ms", "minute_ms",
        "second_complete_code", "auto",          "composition_fails", "hub"};
    for (const auto& [name, value] : options.items()) {
      if (!kKnown.contains(name)) throw std::runtime_error("twilio has no option '" + name + "'");
    }
    try {
      keys_.account_sid = options.value("account_sid", "AC00000000000000000000000000005a4d");
      auth_token_ = options.value("auth_token", "sandbox-auth-token");
      keys_.api_key_sid = options.value("api_key_sid", "SK00000000000000000000000000005a4d");
      keys_.api_key_secret = options.value("api_key_secret", "sandbox-api-key-secret");
      media_bytes_ =
          std::max(Media::kSmallest, options.value("media_bytes", std::uint64_t{3} * 1024 * 1024));
      processing_ms_ = options.value("processing_ms", std::int64_t{50});
      callback_delay_ms_ = options.value("callback_delay_ms", std::uint32_t{5});
      minute_ms_ = options.value("minute_ms", std::int64_t{60'000});
      second_complete_code_ = options.value("second_complete_code", 53112);
      composition_fails_ = options.value("composition_fails", false);
      if (options.contains("auto")) auto_ = read_automation(options["auto"]);
    } catch (const Json::exception&) {
      throw std::runtime_error("a twilio option has the wrong type");
    }
    epoch_ms_ = context_.now_ms();
  }

  [[nodiscard]] std::string name() const override { return "twilio"; }

  Response handle(const Request& request) override {
    try {
      if (request.path.starts_with("/media/")) return media(request);
      if (!authenticated(request)) {
        Response refused = error_response({401, 20003, "Authenticate"});
        refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"Twilio API\"");
        return refused;
      }
      return route(request);
    } catch (const ApiError& error) {
      return error_response(error);
    }
  }

  Response control(std::string_view what, const Json& body) override {
    try {
      return act(what, body);
    } catch (const ApiError& error) {
      return error_response(error);
    } catch (const std::runtime_error& error) {
      return Response::json(400, {{"error", error.what()}});
    }
  }

  Response error_body(int status) override {
    if (status == 429) return error_response({429, 20429, "Too Many Requests"});
    if (status == 401) return error_response({401, 20003, "Authenticate"});
    if (status == 404) return error_response({404, 20404, "The requested resource was not found"});
    if (status == 503) return error_response({503, 20503, "Service unavailable"});
    return error_response({status, status >= 500 ? 20500 : 20001,
                           status >= 500 ? "Internal server error" : "Bad request"});
  }

 private:
  [[nodiscard]] bool authenticated(const Request& request) const {
    const std::string header = request.header("authorization");
    if (lower(header.substr(0, 6)) != "basic ") return false;
    const std::optional<std::string> pair = base64_decode(trim(std::string_view(header).substr(6)));
    if (!pair) return false;
    return equal_constant_time(*pair, keys_.account_sid + ':' + auth_token_) ||
           equal_constant_time(*pair, keys_.api_key_sid + ':' + keys_.api_key_secret);
  }

  Response route(const Request& request) {
    std::vector<std::string> path = split(request.path, '/');
    path.erase(path.begin());  // the path begins with '/'
    const std::string& method = request.method;
    if (path.size() < 2 || path[0] != "v1") throw not_found(request.path);
    path.erase(path.begin());
    if (path.size() > 6) throw not_found(request.path);
    // "Rooms/*/Participants/*" and so on; names the shape, so that the routes read as a table.
    std::string shape = path[0];
    for (std::size_t i = 1; i < path.size(); ++i) shape += i % 2 == 1 ? "/*" : "/" + path[i];

    const Lock lock(mutex_);
    const auto is = [&](std::string_view wanted_method, std::string_view wanted_shape) {
      return method == wanted_method && shape == wanted_shape;
    };
    if (is("POST", "Rooms")) return create_room(request);
    if (is("GET", "Rooms")) return list_rooms(request);
    if (is("GET", "Recordings")) {
      return list_recordings(request, request.query_value("GroupingSid"), false);
    }
    if (is("POST", "Compositions")) return create_composition(request);
    if (is("GET", "Compositions")) return list_compositions(request);
    if (shape.starts_with("Compositions/*")) return composition_route(request, shape, path[1]);
    if (shape.starts_with("Recordings/*")) return recording_route(request, shape, path[1], false);
    if (!shape.starts_with("Rooms/*")) throw not_found(request.path);
    Room& room = require_room(path[1], request.path);
    if (is("GET", "Rooms/*")) return Response::json(200, room_json(room));
    if (is("POST", "Rooms/*")) return complete_by_api(request, room);
    if (is("GET", "Rooms/*/RecordingRules")) return Response::json(200, rules_json(room));
    if (is("POST", "Rooms/*/RecordingRules")) return update_rules(request, room);
    if (is("GET", "Rooms/*/Participants")) return list_participants(request, room);
    if (is("GET", "Rooms/*/Recordings")) return list_recordings(request, room.sid, true);
    if (is("GET", "Rooms/*/Transcriptions")) return list_transcriptions(request, room);
    if (is("POST", "Rooms/*/Transcriptions")) return create_transcription(request, room);
    if (shape == "Rooms/*/Transcriptions/*") {
      if (room.transcription.ttid != path[3]) throw not_found(request.path);
      if (method == "GET") return Response::json(200, transcription_json(room));
      if (method == "POST") return update_transcription(request, room);
    }
    if (shape.starts_with("Rooms/*/Recordings/*")) {
      return recording_route(request, shape.substr(8), path[3], true);
    }
    if (shape.starts_with("Rooms/*/Participants/*")) {
      Participant& participant = require_participant(room, path[3], request.path);
      if (is("GET", "Rooms/*/Participants/*")) {
        return Response::json(200, participant_json(room, participant));
      }
      if (is("POST", "Rooms/*/Participants/*")) return disconnect(request, room, participant);
      if (is("GET", "Rooms/*/Participants/*/SubscribeRules"))
        return Response::json(200, subscribe_rules_json(room, participant));
      if (is("POST", "Rooms/*/Participants/*/SubscribeRules"))
        return update_subscribe_rules(request, room, participant);
      if (is("GET", "Rooms/*/Participants/*/PublishedTracks")) {
        return list_tracks(request, room, participant);
      }
    }
    if (shape == "Rooms/*" || shape == "Rooms/*/RecordingRules" ||
        shape == "Rooms/*/Participants/*") {
      throw ApiError{405, 20004, "Method not allowed"};
    }
    throw not_found(request.path);
  }

  // --- rooms -------------------------------------------------------------------------------------

  static std::string form_value(const Pairs& form, std::string_view name) {
    for (const auto& [key, value] : form) {
      if (key == name) return value;
    }
    return {};
  }

  static bool form_bool(const Pairs& form, std::string_view name) {
    const std::string value = lower(form_value(form, name));
    if (value.empty() || value == "false") return false;
    if (value == "true") return true;
    throw bad_request(std::string(name) + " must be true or false");
  }

  static std::uint64_t form_number(const Pairs& form, std::string_view name, std::uint64_t least,
                                   std::uint64_t most, std::uint64_t fallback, int code) {
    const std::string value = form_value(form, name);
    if (value.empty()) return fallback;
    const std::optional<std::uint64_t> number = whole_number(value);
    if (!number || *number < least || *number > most) {
      throw ApiError{400, code,
                     std::string(name) + " must be from " + std::to_string(least) + " to " +
                         std::to_string(most)};
    }
    return *number;
  }

  Response create_room(const Request& request) {
    const Pairs form = request.form();
    Room room;
    room.sid = new_sid("RM");
    room.unique_name = form_value(form, "UniqueName");
    if (room.unique_name.size() > kMaxName) throw ApiError{400, 53101, "Room name is too long"};
    if (room.unique_name.find('/') != std::string::npos) {
      throw ApiError{400, 53102, "Room name contains invalid characters"};
    }
    if (room.unique_name.empty()) room.unique_name = room.sid;
    if (const std::string type = form_value(form, "Type"); !type.empty()) {
      static const std::set<std::string> kTypes = {"go", "peer-to-peer", "group", "group-small"};
      if (!kTypes.contains(type)) throw ApiError{400, 53108, "Invalid room type"};
      room.type = type;
    }
    room.callback = form_value(form, "StatusCallback");
    if (!room.callback.empty() && !room.callback.starts_with("http://") &&
        !room.callback.starts_with("https://")) {
      throw ApiError{400, 53110, "StatusCallback is invalid"};
    }
    const std::string method = form_value(form, "StatusCallbackMethod");
    if (!method.empty() && method != "POST") {
      throw ApiError{400, 53111, "StatusCallbackMethod is invalid (this stand-in only posts)"};
    }
    static const std::set<std::string> kRegions = {"us1", "us2", "au1", "br1", "ie1",
                                                   "jp1", "sg1", "in1", "de1", "gll"};
    if (const std::string region = form_value(form, "MediaRegion"); !region.empty()) {
      if (!kRegions.contains(region)) throw ApiError{400, 53115, "MediaRegion is invalid"};
      room.media_region = region;
    }
    room.max_participants = form_number(form, "MaxParticipants", 1, 50, 50, 53107);
    room.max_participant_seconds =
        form_number(form, "MaxParticipantDuration", 600, 86400, 14400, 20001);
    room.empty_minutes = form_number(form, "EmptyRoomTimeout", 1, 60, 5, 20001);
    room.unused_minutes = form_number(form, "UnusedRoomTimeout", 1, 60, 5, 20001);
    room.record_on_connect = form_bool(form, "RecordParticipantsOnConnect");
    if (form_bool(form, "TranscribeParticipantsOnConnect")) {
      throw bad_request("this stand-in transcribes nothing that was not asked for by itself");
    }
    room.audio_only = form_bool(form, "AudioOnly");
    room.large = form_bool(form, "LargeRoom");
    for (const auto& [key, value] : form) {
      if (key != "VideoCodecs") continue;
      if (value != "VP8" && value != "H264") throw bad_request("VideoCodecs must be VP8 or H264");
      room.video_codecs.push_back(value);
    }
    if (room.video_codecs.empty()) room.video_codecs = {"VP8"};
    if (const std::string rules = form_value(form, "RecordingRules"); !rules.empty()) {
      if (room.record_on_connect) {
        throw bad_request("RecordParticipantsOnConnect and RecordingRules exclude each other");
      }
      room.rules = read_rules(rules);
    } else {
      room.rules =
          Json::array({{{"type", room.record_on_connect ? "include" : "exclude"}, {"all", true}}});
    }
    if (open_by_name_.contains(room.unique_name)) throw ApiError{400, 53113, "Room exists"};
    if (open_by_name_.size() >= kMaxOpenRooms || rooms_.size() >= kMaxRooms) {
      throw ApiError{400, 53119, "Participant or room quota exceeded"};
    }
    room.seq = ++next_seq_;
    room.created_ms = room.updated_ms = room.rules_ms = context_.now_ms();
    open_by_name_[room.unique_name] = room.sid;
    context_.ledger.record(name(), "room.created", room.unique_name, {{"sid", room.sid}});
    Room& kept = rooms_.emplace(room.sid, std::move(room)).first->second;
    emit(kept, "room-created", {});
    timers_.after(static_cast<std::int64_t>(kept.unused_minutes) * minute_ms_,
                  [this, sid = kept.sid] { end_if_idle(sid, 0); });
    automate(kept);
    return Response::json(201, room_json(kept));
  }

  Response complete_by_api(const Request& request, Room& room) {
    if (form_value(request.form(), "Status") != "completed") {
      throw ApiError{400, 53112, "Status is invalid"};
    }
    if (room.status != "in-progress") {
      throw ApiError{400, second_complete_code_,
                     second_complete_code_ == 53118 ? "Room completed" : "Status is invalid"};
    }
    complete(room, "api");
    return Response::json(202, room_json(room));
  }

  void complete(Room& room, const std::string& by) {
    for (Participant& participant : room.participants) leave(room, participant, by);
    if (room.transcription.status == "started") set_transcription(room, "stopped");
    room.status = "completed";
    room.end_ms = room.updated_ms = context_.now_ms();
    open_by_name_.erase(room.unique_name);
    context_.ledger.record(name(), "room.completed", room.unique_name,
                           {{"sid", room.sid},
                            {"by", by},
                            {"ended_ms", room.end_ms},
                            {"participant_seconds", billed(room)}});
    emit(room, "room-ended", {{"RoomDuration", std::to_string(duration_s(room))}});
  }

  static std::int64_t billed(const Room& room) {
    std::int64_t seconds = 0;
    for (const Participant& each : room.participants) seconds += each.seconds();
    return seconds;
  }

  // EmptyRoomTimeout and UnusedRoomTimeout: nobody joined since the timer was set.
  void end_if_idle(const std::string& sid, std::uint64_t joins) {
    const Lock lock(mutex_);
    const auto found = rooms_.find(sid);
    if (found == rooms_.end() || found->second.status != "in-progress") return;
    if (found->second.joins != joins || connected_count(found->second) > 0) return;
    complete(found->second, "timeout");
  }

  static std::size_t connected_count(const Room& room) {
    return static_cast<std::size_t>(
        std::count_if(room.participants.begin(), room.participants.end(),
                      [](const Participant& each) { return each.connected; }));
  }

  static std::int64_t duration_s(const Room& room) {
    return room.end_ms == 0 ? 0 : (room.end_ms - room.created_ms) / 1000;
  }

  [[nodiscard]] std::string rooms_url(const Room& room) const {
    return context_.base_url + "/v1/Rooms/" + room.sid;
  }

  [[nodiscard]] Json room_json(const Room& room) const {
    const std::string url = rooms_url(room);
    return {{"sid", room.sid},
            {"status", room.status},
            {"date_created", iso_seconds(room.created_ms)},
            {"date_updated", iso_seconds(room.updated_ms)},
            {"account_sid", keys_.account_sid},
            {"enable_turn", true},
            {"unique_name", room.unique_name},
            {"status_callback", room.callback.empty() ? Json() : Json(room.callback)},
            {"status_callback_method", "POST"},
            {"end_time", time_or_null(room.end_ms)},
            {"duration", room.end_ms == 0 ? Json() : Json(duration_s(room))},
            {"type", room.type},
            {"max_participants", room.max_participants},
            {"max_participant_duration", room.max_participant_seconds},
            {"max_concurrent_published_tracks", 170},
            {"record_participants_on_connect", room.record_on_connect},
            {"video_codecs", room.video_codecs},
            {"media_region", room.media_region},
            {"audio_only", room.audio_only},
            {"empty_room_timeout", room.empty_minutes},
            {"unused_room_timeout", room.unused_minutes},
            {"large_room", room.large},
            {"url", url},
            {"links",
             {{"participants", url + "/Participants"},
              {"recordings", url + "/Recordings"},
              {"recording_rules", url + "/RecordingRules"},
              {"transcriptions", url + "/Transcriptions"}}}};
  }

  // A SID finds any room, a name only one that is in progress.
  Room* find_room(const std::string& sid_or_name) {
    if (const auto by_sid = rooms_.find(sid_or_name); by_sid != rooms_.end())
      return &by_sid->second;
    const auto by_name = open_by_name_.find(sid_or_name);
    return by_name == open_by_name_.end() ? nullptr : &rooms_.at(by_name->second);
  }

  Room& require_room(const std::string& sid_or_name, const std::string& path) {
    Room* const room = find_room(sid_or_name);
    if (room == nullptr) throw not_found(path);
    return *room;
  }

  // --- lists -------------------------------------------------------------------------------------

  struct Item {
    std::uint64_t seq;
    Json json;
  };

  // Newest first. A page token names the newest item that may be on the page, so that items that
  // appear meanwhile do not shift the pages.
  Response page_of(const Request& request, std::vector<Item> items, const char* key) const {
    std::sort(items.begin(), items.end(),
              [](const Item& a, const Item& b) { return a.seq > b.seq; });
    std::uint64_t size = 50;
    if (const std::string text = request.query_value("PageSize"); !text.empty()) {
      const std::optional<std::uint64_t> wanted = whole_number(text);
      if (!wanted || *wanted < 1) throw bad_request("PageSize must be from 1 to 100");
      size = std::min<std::uint64_t>(*wanted, 100);
    }
    const std::uint64_t page = whole_number(request.query_value("Page")).value_or(0);
    std::size_t begin = 0;
    if (const std::string token = request.query_value("PageToken"); !token.empty()) {
      const std::optional<std::uint64_t> newest =
          token.starts_with("PT") ? whole_number(token.substr(2)) : std::nullopt;
      if (!newest) throw bad_request("PageToken is not one of ours");
      while (begin < items.size() && items[begin].seq > *newest) ++begin;
    }
    const auto url = [&](std::uint64_t number, const std::string& token) {
      Pairs query;
      for (const auto& pair : request.query) {
        if (pair.first != "Page" && pair.first != "PageToken" && pair.first != "PageSize") {
          query.push_back(pair);
        }
      }
      query.emplace_back("PageSize", std::to_string(size));
      query.emplace_back("Page", std::to_string(number));
      if (!token.empty()) query.emplace_back("PageToken", token);
      return context_.base_url + request.path + '?' + join_pairs(query);
    };
    const auto token_at = [&](std::size_t index) {
      return "PT" + std::to_string(items[index].seq);
    };
    const std::size_t end = std::min<std::size_t>(items.size(), begin + size);
    Json shown = Json::array();
    for (std::size_t i = begin; i < end; ++i) shown.push_back(std::move(items[i].json));
    Json previous;
    if (page > 0 && begin > 0) {
      const std::size_t start = begin > size ? begin - static_cast<std::size_t>(size) : 0;
      previous = url(page - 1, token_at(start));
    }
    return Response::json(
        200, {{key, std::move(shown)},
              {"meta",
               {{"page", page},
                {"page_size", size},
                {"first_page_url", url(0, "")},
                {"previous_page_url", previous},
                {"url", url(page, request.query_value("PageToken"))},
                {"next_page_url", end < items.size() ? Json(url(page + 1, token_at(end))) : Json()},
                {"key", key}}}});
  }

  static bool created_within(const Request& request, std::int64_t created_ms) {
    // ISO 8601 in UTC compares as text; a date without time is a prefix.
    const std::string created = iso_seconds(created_ms);
    const std::string after = request.query_value("DateCreatedAfter");
    const std::string before = request.query_value("DateCreatedBefore");
    return (after.empty() || created >= after) && (before.empty() || created < before);
  }

  static bool wanted(const Request& request, std::string_view filter, std::string_view value) {
    const std::string text = request.query_value(filter);
    return text.empty() || text == value;
  }

  Response list_rooms(const Request& request) {
    std::vector<Item> items;
    const std::string status = request.query_value("Status");
    for (const auto& [sid, room] : rooms_) {
      if ((status.empty() ? room.status == "in-progress" : room.status == status) &&
          wanted(request, "UniqueName", room.unique_name) &&
          created_within(request, room.created_ms)) {
        items.push_back({room.seq, room_json(room)});
      }
    }
    return page_of(request, std::move(items), "rooms");
  }

  Response list_participants(const Request& request, const Room& room) {
    std::string status = request.query_value("Status");
    if (status.empty() && room.status == "in-progress") status = "connected";
    std::vector<Item> items;
    for (const Participant& each : room.participants) {
      if ((status.empty() || status == status_of(each)) &&
          wanted(request, "Identity", each.identity) && created_within(request, each.start_ms)) {
        items.push_back({each.seq, participant_json(room, each)});
      }
    }
    return page_of(request, std::move(items), "participants");
  }

  Response list_tracks(const Request& request, const Room& room, const Participant& participant) {
    std::vector<Item> items;
    std::uint64_t order = participant.tracks.size();
    const std::string url = rooms_url(room) + "/Participants/" + participant.sid;
    for (const Track& track : participant.tracks) {
      items.push_back({order--,
                       {{"sid", track.sid},
                        {"participant_sid", participant.sid},
                        {"room_sid", room.sid},
                        {"name", track.name},
                        {"date_created", iso_seconds(participant.start_ms)},
                        {"date_updated", iso_seconds(participant.start_ms)},
                        {"enabled", true},
                        {"kind", track.kind},
                        {"url", url + "/PublishedTracks/" + track.sid}}});
    }
    return page_of(request, std::move(items), "published_tracks");
  }

  Response list_recordings(const Request& request, const std::string& grouping, bool of_room) {
    const std::string status = request.query_value("Status");
    std::vector<Item> items;
    for (const auto& [sid, each] : recordings_) {
      const bool grouped =
          grouping.empty() || each.room_sid == grouping || each.participant_sid == grouping;
      if (grouped && (status.empty() ? each.status != "deleted" : each.status == status) &&
          wanted(request, "SourceSid", each.source_sid) &&
          wanted(request, "MediaType", each.kind) && created_within(request, each.created_ms)) {
        items.push_back({each.seq, recording_json(each, of_room)});
      }
    }
    return page_of(request, std::move(items), "recordings");
  }

  // --- participants ------------------------------------------------------------------------------

  static std::string status_of(const Participant& each) {
    return each.connected ? "connected" : "disconnected";
  }

  Participant& require_participant(Room& room, const std::string& sid_or_identity,
                                   const std::string& path) {
    // The latest of that identity: an earlier one was disconnected by the later.
    for (auto each = room.participants.rbegin(); each != room.participants.rend(); ++each) {
      if (each->sid == sid_or_identity || each->identity == sid_or_identity) return *each;
    }
    throw not_found(path);
  }

  [[nodiscard]] Json participant_json(const Room& room, const Participant& each) const {
    const std::string url = rooms_url(room) + "/Participants/" + each.sid;
    return {{"sid", each.sid},
            {"room_sid", room.sid},
            {"account_sid", keys_.account_sid},
            {"status", status_of(each)},
            {"identity", each.identity},
            {"date_created", iso_seconds(each.start_ms)},
            {"date_updated", iso_seconds(each.connected ? each.start_ms : each.end_ms)},
            {"start_time", iso_seconds(each.start_ms)},
            {"end_time", time_or_null(each.end_ms)},
            {"duration", each.connected ? Json() : Json(each.seconds())},
            {"url", url},
            {"links",
             {{"published_tracks", url + "/PublishedTracks"},
              {"subscribed_tracks", url + "/SubscribedTracks"},
              {"subscribe_rules", url + "/SubscribeRules"},
              {"anonymize", url + "/Anonymize"}}}};
  }

  Response disconnect(const Request& request, Room& room, Participant& participant) {
    if (form_value(request.form(), "Status") != "disconnected") {
      throw ApiError{400, 53112, "Status is invalid"};
    }
    leave(room, participant, "api");
    return Response::json(202, participant_json(room, participant));
  }

  static Json subscribe_rules_json(const Room& room, const Participant& each) {
    return {{"participant_sid", each.sid},
            {"room_sid", room.sid},
            {"rules", each.subscribe_rules},
            {"date_created", iso_seconds(each.start_ms)},
            {"date_updated", iso_seconds(std::max(each.start_ms, each.subscribe_rules_ms))}};
  }
  Response update_subscribe_rules(const Request& request, const Room& room,
                                  Participant& participant) {
    if (!participant.connected) throw not_found(request.path);
    participant.subscribe_rules = read_rules(form_value(request.form(), "Rules"));
    participant.subscribe_rules_ms = context_.now_ms();
    return Response::json(202, subscribe_rules_json(room, participant));
  }

  // {hears}: true if the listener gets the sound of the speaker.
  Response hears(Room& room, const std::string& listener, const std::string& speaker) {
    const Participant& to = require_participant(room, listener, listener);
    const Participant& from = require_participant(room, speaker, speaker);
    return Response::json(200,
                          {{"hears", to.connected && from.connected &&
                                         included(to.subscribe_rules, from, from.tracks.front())}});
  }

  Participant& join(Room& room, const std::string& identity) {
    if (room.status != "in-progress") throw ApiError{400, 53118, "Room completed"};
    if (identity.empty()) throw ApiError{400, 53200, "Participant identity is invalid"};
    if (identity.size() > kMaxName) {
      throw ApiError{400, 53201, "Participant identity is too long"};
    }
    for (Participant& each : room.participants) {  // 53205: the newcomer wins
      if (each.connected && each.identity == identity) leave(room, each, "duplicate");
    }
    if (connected_count(room) >= room.max_participants) {
      throw ApiError{400, 53105, "Room contains too many participants"};
    }
    if (room.participants.size() >= 1000) throw ApiError{400, 53206, "Participant quota exceeded"};
    Participant newcomer;
    newcomer.seq = ++next_seq_;
    newcomer.sid = new_sid("PA");
    newcomer.identity = identity;
    newcomer.start_ms = context_.now_ms();
    newcomer.tracks.push_back({new_sid("MT"), "audio", "microphone", ""});
    if (!room.audio_only) newcomer.tracks.push_back({new_sid("MT"), "video", "camera", ""});
    ++room.joins;
    room.participants.push_back(std::move(newcomer));
    Participant& participant = room.participants.back();
    context_.ledger.record(name(), "participant.connected", room.unique_name + "/" + identity,
                           {{"sid", participant.sid}, {"room", room.sid}});
    emit(room, "participant-connected", participant_fields(participant), participant.start_ms);
    for (const Track& track : participant.tracks) {
      Pairs fields = participant_fields(participant);
      fields.emplace_back("TrackSid", track.sid);
      fields.emplace_back("TrackKind", track.kind);
      fields.emplace_back("TrackName", track.name);
      emit(room, "track-added", std::move(fields));
    }
    apply_rules(room, participant);
    timers_.after(static_cast<std::int64_t>(room.max_participant_seconds) * minute_ms_ / 60,
                  [this, room_sid = room.sid, sid = participant.sid] {
                    const Lock lock(mutex_);
                    Room* const found = find_room(room_sid);
                    if (found == nullptr) return;
                    for (Participant& each : found->participants) {
                      if (each.sid == sid) leave(*found, each, "duration");
                    }
                  });
    return participant;
  }

  // Does nothing when the participant has left already.
  void leave(Room& room, Participant& participant, const std::string& by) {
    if (!participant.connected) return;
    participant.connected = false;
    participant.end_ms = context_.now_ms();
    context_.ledger.record(name(), "participant.disconnected",
                           room.unique_name + "/" + participant.identity,
                           {{"sid", participant.sid}, {"room", room.sid}, {"by", by}});
    for (Track& track : participant.tracks) stop_recording(track);
    Pairs fields = participant_fields(participant);
    fields.emplace_back("ParticipantDuration", std::to_string(participant.seconds()));
    emit(room, "participant-disconnected", std::move(fields), participant.end_ms);
    if (connected_count(room) == 0) {
      timers_.after(static_cast<std::int64_t>(room.empty_minutes) * minute_ms_,
                    [this, sid = room.sid, joins = room.joins] { end_if_idle(sid, joins); });
    }
  }

  static Pairs participant_fields(const Participant& each) {
    return {{"ParticipantSid", each.sid},
            {"ParticipantStatus", status_of(each)},
            {"ParticipantIdentity", each.identity}};
  }

  // --- transcriptions ----------------------------------------------------------------------------

  // Twilio's page on real-time transcriptions: a room has one at most, which is stopped and started
  // again; one that has failed is not. The words go to the clients.
  [[nodiscard]] Json transcription_json(const Room& room) const {
    const Transcription& transcription = room.transcription;
    return {{"ttid", transcription.ttid},
            {"account_sid", keys_.account_sid},
            {"room_sid", room.sid},
            {"status", transcription.status},
            {"configuration", transcription.configuration},
            {"date_created", iso_seconds(transcription.created_ms)},
            {"date_updated",
             transcription.updated_ms == 0 ? Json() : Json(iso_seconds(transcription.updated_ms))},
            {"start_time", Json()},
            {"end_time", Json()},
            {"duration", Json()},
            {"url", rooms_url(room) + "/Transcriptions/" + transcription.ttid}};
  }
  Response list_transcriptions(const Request& request, const Room& room) const {
    std::vector<Item> items;
    if (!room.transcription.ttid.empty()) items.push_back({1, transcription_json(room)});
    return page_of(request, std::move(items), "transcriptions");
  }
  // Values come back as texts.
  static void configure(Transcription& transcription, const std::string& text) {
    static const std::map<std::string, std::set<std::string>> kModels = {
        {"deepgram", {"nova-3", "nova-3-medical", "nova-2"}},
        {"google",
         {"telephony", "medical_conversation", "long", "short", "telephony_short",
          "medical_dictation", "chirp_telephony", "chirp"}}};
    if (text.empty()) return;
    const std::optional<Json> wanted = parse_json(text);
    if (!wanted || !wanted->is_object()) throw bad_request("Configuration must be a JSON object");
    for (const auto& [key, value] : wanted->items())
      transcription.configuration[key] = value.is_string() ? value : Json(value.dump());
    const std::string engine = transcription.configuration.value("transcriptionEngine", "google");
    const auto models = kModels.find(engine);
    if (models == kModels.end() || !models->second.contains(transcription.configuration.value(
                                       "speechModel", engine == "google" ? "telephony" : "nova-3")))
      throw bad_request("Configuration: the engine has no such model");
  }
  Response create_transcription(const Request& request, Room& room) {
    if (room.status != "in-progress") throw ApiError{400, 53118, "Room completed"};
    if (!room.transcription.ttid.empty()) throw bad_request("the Room has Transcriptions already");
    Transcription fresh;
    configure(fresh, form_value(request.form(), "Configuration"));
    fresh.ttid = "video_transcriptions_" + random_uuid();
    fresh.created_ms = context_.now_ms();
    room.transcription = fresh;
    set_transcription(room, "started");
    return Response::json(202, transcription_json(room));
  }
  Response update_transcription(const Request& request, Room& room) {
    if (room.status != "in-progress") throw ApiError{400, 53118, "Room completed"};
    const Pairs form = request.form();
    const std::string status = form_value(form, "Status");
    if (!status.empty() && status != "started" && status != "stopped")
      throw ApiError{400, 53112, "Status is invalid"};
    if (room.transcription.status == "failed") throw bad_request("the Transcriptions have failed");
    configure(room.transcription, form_value(form, "Configuration"));
    room.transcription.updated_ms = context_.now_ms();
    if (!status.empty()) set_transcription(room, status);
    return Response::json(202, transcription_json(room));
  }
  void set_transcription(Room& room, const std::string& status) {
    if (room.transcription.ttid.empty() || room.transcription.status == status) return;
    room.transcription.status = status;
    context_.ledger.record(
        name(), "transcription." + status, room.unique_name,
        {{"language", room.transcription.configuration.value("languageCode", "en-US")}});
  }

  // --- recordings --------------------------------------------------------------------------------

  [[nodiscard]] static Json rules_json(const Room& room) {
    return {{"room_sid", room.sid},
            {"rules", room.rules},
            {"date_created", iso_seconds(room.created_ms)},
            {"date_updated", iso_seconds(room.rules_ms)}};
  }

  Response update_rules(const Request& request, Room& room) {
    if (room.status != "in-progress") throw ApiError{400, 53118, "Room completed"};
    room.rules = read_rules(form_value(request.form(), "Rules"));
    room.rules_ms = context_.now_ms();
    for (Participant& each : room.participants) {
      if (each.connected) apply_rules(room, each);
    }
    return Response::json(200, rules_json(room));
  }

  void apply_rules(Room& room, Participant& participant) {
    for (Track& track : participant.tracks) {
      const bool wanted_now = included(room.rules, participant, track);
      if (wanted_now && track.recording.empty()) start_recording(room, participant, track);
      if (!wanted_now) stop_recording(track);
    }
  }

  void start_recording(Room& room, const Participant& participant, Track& track) {
    Recording recording;
    recording.seq = ++next_seq_;
    recording.sid = new_sid("RT");
    recording.room_sid = room.sid;
    recording.participant_sid = participant.sid;
    recording.identity = participant.identity;
    recording.source_sid = track.sid;
    recording.kind = track.kind;
    recording.track_name = track.name;
    recording.created_ms = context_.now_ms();
    track.recording = recording.sid;
    context_.ledger.record(name(), "recording.started", recording.sid,
                           {{"room", room.unique_name}, {"type", recording.kind}});
    const Recording& kept = recordings_.emplace(recording.sid, std::move(recording)).first->second;
    emit(room, "recording-started", recording_fields(room, kept));
  }

  // The file is ready a while after the track ended.
  void stop_recording(Track& track) {
    if (track.recording.empty()) return;
    recordings_.at(track.recording).stopped_ms = context_.now_ms();
    timers_.after(processing_ms_, [this, sid = track.recording] { finish_recording(sid); });
    track.recording.clear();
  }

  void finish_recording(const std::string& sid) {
    const Lock lock(mutex_);
    Recording& recording = recordings_.at(sid);
    if (recording.status != "processing") return;
    Room& room = rooms_.at(recording.room_sid);
    recording.status = "completed";
    recording.size = media_bytes_;
    context_.ledger.record(name(), "recording.completed", sid,
                           {{"room", room.unique_name}, {"type", recording.kind}});
    Pairs fields = recording_fields(room, recording);
    fields.emplace_back("MediaUri", "/v1/Recordings/" + sid + "/Media");
    fields.emplace_back("Duration", std::to_string(recording.duration_s()));
    fields.emplace_back("Size", std::to_string(recording.size));
    fields.emplace_back("MediaExternalLocation", "");
    emit(room, "recording-completed", std::move(fields));
  }

  [[nodiscard]] Pairs recording_fields(const Room& room, const Recording& each) const {
    static_cast<void>(room);
    return {{"RecordingSid", each.sid},
            {"ParticipantSid", each.participant_sid},
            {"ParticipantIdentity", each.identity},
            {"SourceSid", each.source_sid},
            {"RecordingUri", "/v1/Recordings/" + each.sid},
            {"Container", each.container()},
            {"Codec", lower(each.codec())},  // lower case here, upper case in the REST answers
            {"TrackName", each.track_name},
            {"OffsetFromTwilioVideoEpoch", std::to_string(each.created_ms - epoch_ms_)},
            {"Type", each.kind}};
  }

  [[nodiscard]] Json recording_json(const Recording& each, bool of_room) const {
    const std::string url = context_.base_url +
                            (of_room ? "/v1/Rooms/" + each.room_sid : std::string("/v1")) +
                            "/Recordings/" + each.sid;
    Json out = {
        {"account_sid", keys_.account_sid},
        {"status", each.status},
        {"date_created", iso_seconds(each.created_ms)},
        {"sid", each.sid},
        {"source_sid", each.source_sid},
        {"size", each.size},
        {"url", url},
        {"type", each.kind},
        {"duration", each.duration_s()},
        {"container_format", each.container()},
        {"codec", each.codec()},
        {"grouping_sids", {{"room_sid", each.room_sid}, {"participant_sid", each.participant_sid}}},
        {"track_name", each.track_name},
        {"offset", each.created_ms - epoch_ms_},
        {"media_external_location", nullptr},
        {"links", {{"media", url + "/Media"}}}};
    if (of_room) {
      out["room_sid"] = each.room_sid;
    } else {
      const std::string& callback = rooms_.at(each.room_sid).callback;
      out["status_callback"] = callback.empty() ? Json() : Json(callback);
      out["status_callback_method"] = "POST";
    }
    return out;
  }

  Response recording_route(const Request& request, const std::string& shape, const std::string& sid,
                           bool of_room) {
    const auto found = recordings_.find(sid);
    if (found == recordings_.end()) throw not_found(request.path);
    Recording& recording = found->second;
    if (of_room && !request.path.starts_with("/v1/Rooms/" + recording.room_sid + "/") &&
        !request.path.starts_with("/v1/Rooms/" + rooms_.at(recording.room_sid).unique_name + "/")) {
      throw not_found(request.path);
    }
    if (shape == "Recordings/*" && request.method == "GET") {
      return Response::json(200, recording_json(recording, of_room));
    }
    if (shape == "Recordings/*" && request.method == "DELETE") {
      if (recording.status == "deleted") throw not_found(request.path);
      recording.status = "deleted";
      context_.ledger.record(name(), "recording.deleted", sid,
                             {{"room", rooms_.at(recording.room_sid).unique_name}});
      return Response::empty(204);
    }
    if (shape != "Recordings/*/Media" || request.method != "GET") throw not_found(request.path);
    if (recording.status != "completed") throw not_found(request.path);
    return redirect_to(request, "/media/" + sid + "." + recording.container());
  }

  Response redirect_to(const Request& request, const std::string& path) {
    const std::uint64_t ttl = whole_number(request.query_value("Ttl")).value_or(3600);
    const std::string expires =
        std::to_string(context_.now_ms() / 1000 + static_cast<std::int64_t>(ttl));
    const std::string location = context_.base_url + path + "?Expires=" + expires +
                                 "&Signature=" + media_signature(path, expires);
    Response redirect = Response::json(302, {{"redirect_to", location}});
    redirect.headers.emplace_back("Location", location);
    return redirect;
  }

  // --- compositions ------------------------------------------------------------------------------

  // True if the text is a layout in which all pictures have a place, the only kind that is known
  // here.
  static bool is_layout(const std::string& text) {
    const Json layout = Json::parse(text, nullptr, false);
    if (!layout.is_object() || layout.empty()) return false;
    for (const auto& [region, what] : layout.items()) {
      if (!what.is_object() || !what.contains("video_sources") ||
          !what["video_sources"].is_array() || what["video_sources"].empty())
        return false;
    }
    return true;
  }

  Response create_composition(const Request& request) {
    const Pairs form = request.form();
    Composition composition;
    composition.room_sid = form_value(form, "RoomSid");
    Room* const room = find_room(composition.room_sid);
    if (room == nullptr || room->sid != composition.room_sid)
      throw bad_request("RoomSid must be the SID of a room");
    if (room->status != "completed") throw bad_request("the room must be completed");
    composition.audio = form_value(form, "AudioSources");
    composition.layout = form_value(form, "VideoLayout");
    if (composition.audio.empty() && composition.layout.empty())
      throw bad_request("AudioSources or VideoLayout must be given");
    if (!composition.layout.empty() && !is_layout(composition.layout))
      throw bad_request("VideoLayout must be a layout");
    if (const std::string format = form_value(form, "Format"); !format.empty()) {
      if (format != "mp4" && format != "webm") throw bad_request("Format must be mp4 or webm");
      composition.format = format;
    }
    if (const std::string pixels = form_value(form, "Resolution"); !pixels.empty())
      composition.resolution = pixels;
    composition.callback = form_value(form, "StatusCallback");
    composition.seq = ++next_seq_;
    composition.sid = new_sid("CJ");
    composition.created_ms = context_.now_ms();
    const Composition& kept =
        compositions_.emplace(composition.sid, std::move(composition)).first->second;
    context_.ledger.record(name(), "composition.enqueued", kept.sid,
                           {{"room", room->unique_name}, {"format", kept.format}});
    tell(kept, "composition-enqueued");
    timers_.after(processing_ms_, [this, sid = kept.sid] { begin_composition(sid); });
    return Response::json(201, composition_json(kept));
  }

  void begin_composition(const std::string& sid) {
    const Lock lock(mutex_);
    Composition& composition = compositions_.at(sid);
    if (composition.status != "enqueued") return;
    composition.status = "processing";
    tell(composition, "composition-started");
    tell(composition, "composition-progress",
         {{"PercentageDone", "50"}, {"SecondsRemaining", "1"}});
    timers_.after(processing_ms_, [this, sid] { finish_composition(sid); });
  }

  void finish_composition(const std::string& sid) {
    const Lock lock(mutex_);
    Composition& composition = compositions_.at(sid);
    if (composition.status != "processing") return;
    composition.completed_ms = context_.now_ms();
    if (composition_fails_) {
      composition.status = "failed";
      tell(composition, "composition-failed",
           {{"FailedOperation", "composition"}, {"ErrorMessage", "a source is not readable"}});
      return;
    }
    composition.status = "completed";
    composition.size = media_bytes_;
    context_.ledger.record(name(), "composition.completed", sid,
                           {{"room", rooms_.at(composition.room_sid).unique_name}});
    tell(composition, "composition-available",
         {{"MediaUri", "/v1/Compositions/" + sid + "/Media"},
          {"Duration", "1"},
          {"Size", std::to_string(composition.size)},
          {"MediaExternalLocation", ""}});
  }

  void tell(const Composition& composition, const std::string& event, Pairs fields = {}) {
    if (composition.callback.empty()) return;
    Pairs form = {{"AccountSid", keys_.account_sid},
                  {"RoomSid", composition.room_sid},
                  {"CompositionSid", composition.sid},
                  {"CompositionUri", "/v1/Compositions/" + composition.sid},
                  {"StatusCallbackEvent", event},
                  {"Timestamp", iso_millis(context_.now_ms())}};
    for (auto& field : fields) form.push_back(std::move(field));
    post(composition.callback, form);
  }

  [[nodiscard]] Json composition_json(const Composition& each) const {
    const std::string url = context_.base_url + "/v1/Compositions/" + each.sid;
    const bool done = each.status == "completed" || each.status == "deleted";
    return {{"account_sid", keys_.account_sid},
            {"status", each.status},
            {"date_created", iso_seconds(each.created_ms)},
            {"date_completed", done ? Json(iso_seconds(each.completed_ms)) : Json()},
            {"date_deleted", nullptr},
            {"sid", each.sid},
            {"room_sid", each.room_sid},
            {"audio_sources", each.audio.empty() ? Json::array() : Json::array({each.audio})},
            {"audio_sources_excluded", Json::array()},
            {"video_layout",
             each.layout.empty() ? Json::object() : Json::parse(each.layout, nullptr, false)},
            {"resolution", each.resolution},
            {"trim", true},
            {"format", each.format},
            {"bitrate", 0},
            {"size", each.size},
            {"duration", done ? 1 : 0},
            {"media_external_location", nullptr},
            {"status_callback", each.callback.empty() ? Json() : Json(each.callback)},
            {"status_callback_method", "POST"},
            {"url", url},
            {"links", {{"media", url + "/Media"}}}};
  }

  Response list_compositions(const Request& request) {
    const std::string status = request.query_value("Status");
    std::vector<Item> items;
    for (const auto& [sid, each] : compositions_) {
      if ((status.empty() ? each.status != "deleted" : each.status == status) &&
          wanted(request, "RoomSid", each.room_sid) && created_within(request, each.created_ms))
        items.push_back({each.seq, composition_json(each)});
    }
    return page_of(request, std::move(items), "compositions");
  }

  Response composition_route(const Request& request, const std::string& shape,
                             const std::string& sid) {
    const auto found = compositions_.find(sid);
    if (found == compositions_.end()) throw not_found(request.path);
    Composition& composition = found->second;
    if (shape == "Compositions/*" && request.method == "GET")
      return Response::json(200, composition_json(composition));
    if (shape == "Compositions/*" && request.method == "DELETE") {
      if (composition.status == "deleted") throw not_found(request.path);
      composition.status = "deleted";
      context_.ledger.record(name(), "composition.deleted", sid,
                             {{"room", rooms_.at(composition.room_sid).unique_name}});
      return Response::empty(204);
    }
    if (shape != "Compositions/*/Media" || request.method != "GET" ||
        composition.status != "completed")
      throw not_found(request.path);
    return redirect_to(request, "/media/" + sid + "." + composition.format);
  }

  [[nodiscard]] std::string media_signature(const std::string& path,
                                            const std::string& expires) const {
    return hex(hmac_sha256(auth_token_, path + '\n' + expires)).substr(0, 40);
  }

  static Response storage_error(int status, const std::string& code, const std::string& message) {
    Response out;
    out.status = status;
    out.headers.emplace_back("Content-Type", "application/xml");
    out.body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code +
               "</Code><Message>" + message + "</Message></Error>";
    return out;
  }

  // The object store behind the redirect: the URL is the permission, a second one is an error.
  Response media(const Request& request) {
    if (!request.header("authorization").empty()) {
      return storage_error(400, "InvalidArgument",
                           "Only one auth mechanism allowed; the Authorization header must not be "
                           "sent to a signed URL");
    }
    if (request.method != "GET" && request.method != "HEAD") {
      return storage_error(405, "MethodNotAllowed", "The method is not allowed");
    }
    const std::string expires = request.query_value("Expires");
    const std::optional<std::uint64_t> until =
        expires.size() <= 12
            ? std::optional<std::uint64_t>(std::strtoull(expires.c_str(), nullptr, 10))
            : std::nullopt;
    if (!until || !equal_constant_time(media_signature(request.path, expires),
                                       request.query_value("Signature"))) {
      return storage_error(403, "SignatureDoesNotMatch", "The signature does not match");
    }
    if (static_cast<std::int64_t>(*until) <= context_.now_ms() / 1000) {
      return storage_error(403, "AccessDenied", "Request has expired");
    }
    const std::string sid = request.path.substr(7, request.path.rfind('.') - 7);
    std::uint64_t size = 0;
    std::string type;
    {
      const Lock lock(mutex_);
      const auto track = recordings_.find(sid);
      const auto composed = compositions_.find(sid);
      if (track != recordings_.end() && track->second.status == "completed") {
        size = track->second.size;
        type = track->second.kind == "audio" ? "audio/x-matroska" : "video/x-matroska";
      } else if (composed != compositions_.end() && composed->second.status == "completed") {
        size = composed->second.size;
        type = "video/" + composed->second.format;
      } else {
        return storage_error(404, "NoSuchKey", "The specified key does not exist.");
      }
    }
    std::uint64_t begin = 0;
    std::uint64_t end = size;
    Response out;
    if (const std::string range = request.header("range"); range.starts_with("bytes=")) {
      // One range, as a resumed download asks for it.
      const std::size_t dash = std::min(range.find('-'), range.size());
      const std::uint64_t first = whole_number(range.substr(6, dash - 6)).value_or(size);
      if (first < size) {
        const std::string tail = dash < range.size() ? range.substr(dash + 1) : std::string();
        const std::uint64_t last = whole_number(tail).value_or(size - 1);
        begin = first;
        if (last >= begin) end = std::min(size, last + 1);
        out.status = 206;
        out.headers.emplace_back("Content-Range", "bytes " + std::to_string(begin) + "-" +
                                                      std::to_string(end - 1) + "/" +
                                                      std::to_string(size));
      } else {
        return storage_error(416, "InvalidRange", "The requested range is not satisfiable");
      }
    }
    out.headers.emplace_back("Content-Type", type);
    out.headers.emplace_back("Accept-Ranges", "bytes");
    out.headers.emplace_back("ETag", "\"" + sid.substr(2) + "\"");
    out.stream_length = end - begin;
    out.fill = [content = Media(sid, size), begin, end](std::uint64_t offset, std::size_t count) {
      const std::uint64_t left = end - begin - std::min(offset, end - begin);
      return content.read(begin + offset,
                          static_cast<std::size_t>(std::min<std::uint64_t>(count, left)));
    };
    return out;
  }

  // --- callbacks, automation, controls -----------------------------------------------------------

  // at_ms: when it happened, if it was not now.
  void emit(Room& room, const std::string& event, Pairs fields, std::int64_t at_ms = 0) {
    // Twilio's SequenceNumber is no order. Here neighbours are swapped, so that who trusts it
    // fails.
    const std::uint64_t number = room.events++ ^ 1U;
    if (room.callback.empty()) return;
    Pairs form = {{"RoomStatus", room.status},
                  {"RoomType", room.type},
                  {"RoomSid", room.sid},
                  {"RoomName", room.unique_name},
                  {"StatusCallbackEvent", event},
                  {"Timestamp", iso_millis(at_ms == 0 ? context_.now_ms() : at_ms)},
                  {"AccountSid", keys_.account_sid}};
    if (!event.starts_with("recording-")) {
      form.emplace_back("SequenceNumber", std::to_string(number));
    }
    for (auto& field : fields) form.push_back(std::move(field));
    post(room.callback, form);
  }

  void post(const std::string& callback, const Pairs& form) {
    context_.callbacks.post(callback,
                            {{"Content-Type", "application/x-www-form-urlencoded"},
                             {"User-Agent", "TwilioProxy/1.1"},
                             {"I-Twilio-Idempotency-Token", random_uuid()},
                             {"X-Twilio-Signature", twilio_signature(auth_token_, callback, form)}},
                            join_pairs(form), callback_delay_ms_);
  }

  void automate(const Room& room) {
    if (!auto_.on) return;
    timers_.after(auto_.join_after_ms, [this, plan = auto_, sid = room.sid] {
      const Lock lock(mutex_);
      Room* const found = find_room(sid);
      if (found == nullptr || found->status != "in-progress") return;
      try {
        for (const std::string& pattern : plan.identities) {
          join(*found,
               replaced(replaced(pattern, "{unique_name}", found->unique_name), "{sid}", sid));
        }
      } catch (const ApiError&) {
        // The room is full or the pattern gives no identity: the others stay out, as they would.
      }
      if (plan.leave_after_ms) {
        timers_.after(*plan.leave_after_ms, [this, sid] { automatic_end(sid, false); });
      }
      if (plan.end_after_ms) {
        timers_.after(*plan.end_after_ms, [this, sid] { automatic_end(sid, true); });
      }
    });
  }

  void automatic_end(const std::string& sid, bool whole_room) {
    const Lock lock(mutex_);
    Room* const room = find_room(sid);
    if (room == nullptr || room->status != "in-progress") return;
    for (Participant& each : room->participants) leave(*room, each, "auto");
    if (whole_room) complete(*room, "auto");
  }

  static std::string text(const Json& body, const char* field) {
    return body.contains(field) && body[field].is_string() ? body[field].get<std::string>() : "";
  }

  Response act(std::string_view what, const Json& body) {
    const Lock lock(mutex_);
    if (what == "verify-token") {
      return Response::json(200, check_access_token(text(body, "token"), keys_, context_.now_ms()));
    }
    if (what == "auto") {
      auto_ = body.empty() ? Automation{} : read_automation(body);
      return Response::empty(204);
    }
    if (what != "join" && what != "leave" && what != "end" && what != "hears" && what != "deaf")
      return Service::control(what, body);
    Room* const room = find_room(text(body, "room"));
    if (room == nullptr) throw ApiError{404, 53106, "Room not found"};
    if (what == "deaf") {
      set_transcription(*room, "failed");
      return Response::empty(204);
    }
    if (what == "hears") return hears(*room, text(body, "listener"), text(body, "speaker"));
    if (what == "join") {
      std::string identity = text(body, "identity");
      if (body.contains("token")) {
        const Json checked = check_access_token(text(body, "token"), keys_, context_.now_ms());
        if (!checked["valid"].get<bool>()) {
          throw ApiError{401, checked["code"].get<int>(), checked["message"].get<std::string>()};
        }
        const auto granted = checked["room"].get<std::string>();
        if (!granted.empty() && granted != room->sid && granted != room->unique_name) {
          throw ApiError{401, 20106, "Invalid Access Token grants: another room"};
        }
        identity = checked["identity"].get<std::string>();
      }
      return Response::json(200, participant_json(*room, join(*room, identity)));
    }
    if (room->status != "in-progress") throw ApiError{400, 53118, "Room completed"};
    if (what == "end") {
      complete(*room, "control");
      return Response::json(200, room_json(*room));
    }
    Participant& leaving = require_participant(*room, text(body, "identity"), "participant");
    leave(*room, leaving, "control");
    return Response::json(200, participant_json(*room, leaving));
  }

  Context context_;
  TwilioKeys keys_;
  std::string auth_token_;
  std::uint64_t media_bytes_ = 0;
  std::int64_t processing_ms_ = 0;
  std::uint32_t callback_delay_ms_ = 0;
  std::int64_t minute_ms_ = 0;
  int second_complete_code_ = 0;
  bool composition_fails_ = false;
  std::int64_t epoch_ms_ = 0;

  Mutex mutex_;  // protects what follows
  Automation auto_;
  std::uint64_t next_seq_ = 0;
  std::unordered_map<std::string, Room> rooms_;                // by SID
  std::unordered_map<std::string, std::string> open_by_name_;  // unique name -> SID
  std::unordered_map<std::string, Recording> recordings_;      // by SID
  std::unordered_map<std::string, Composition> compositions_;  // by SID

  Timers timers_;  // last: its thread ends before anything it uses is gone
};

}  // namespace

std::string twilio_signature(std::string_view auth_token, std::string_view url, Pairs parameters) {
  std::sort(parameters.begin(), parameters.end());
  std::string text(url);
  for (const auto& [name, value] : parameters) text += name + value;
  return base64(hmac_sha1(auth_token, text));
}

Json check_access_token(std::string_view token, const TwilioKeys& keys, std::int64_t now_ms) {
  const auto refuse = [](int code, const char* message) {
    return Json{
        {"valid", false}, {"identity", ""}, {"room", ""}, {"code", code}, {"message", message}};
  };
  const std::vector<std::string> parts = split(token, '.');
  if (parts.size() != 3 || token.size() > 8192) return refuse(20101, "Invalid Access Token");
  const auto read = [](const std::string& part) -> std::optional<Json> {
    const std::optional<std::string> text = base64url_decode(part);
    if (!text) return std::nullopt;
    std::optional<Json> json = parse_json(*text);
    if (json && !json->is_object()) return std::nullopt;
    return json;
  };
  const std::optional<Json> header = read(parts[0]);
  const std::optional<Json> claims = read(parts[1]);
  const std::optional<std::string> signature = base64url_decode(parts[2]);
  if (!header || !claims || !signature) return refuse(20101, "Invalid Access Token");
  const auto field = [](const Json& from, const char* name) {
    return from.contains(name) ? from[name] : Json();
  };
  if (field(*header, "alg") != "HS256" || field(*header, "typ") != "JWT" ||
      field(*header, "cty") != "twilio-fpa;v=1") {
    return refuse(20102, "Invalid Access Token header");
  }
  if (field(*claims, "iss") != keys.api_key_sid || field(*claims, "sub") != keys.account_sid) {
    return refuse(20103, "Invalid Access Token issuer/subject");
  }
  if (!equal_constant_time(*signature,
                           hmac_sha256(keys.api_key_secret, parts[0] + '.' + parts[1]))) {
    return refuse(20107, "Invalid Access Token signature");
  }
  const std::int64_t now = now_ms / 1000;
  const Json expires = field(*claims, "exp");
  const Json issued = field(*claims, "iat");
  const Json not_before = field(*claims, "nbf");
  const auto is_time = [](const Json& value) {
    return value.is_number_unsigned() && value.get<std::uint64_t>() < (1ULL << 40U);
  };
  if (!is_time(expires) || expires.get<std::int64_t>() <= now) {
    return refuse(20104, "Access Token expired or expiration date invalid");
  }
  if (is_time(issued) &&
      expires.get<std::int64_t>() - issued.get<std::int64_t>() > kMaxTokenSeconds) {
    return refuse(20104, "Access Token expired or expiration date invalid");
  }
  if (is_time(not_before) && not_before.get<std::int64_t>() > now) {
    return refuse(20105, "Access Token not yet valid");
  }
  const Json grants = field(*claims, "grants");
  const Json identity = grants.is_object() ? field(grants, "identity") : Json();
  const Json video = grants.is_object() ? field(grants, "video") : Json();
  if (!identity.is_string() || identity.get_ref<const std::string&>().empty() ||
      !video.is_object()) {
    return refuse(20106, "Invalid Access Token grants");
  }
  const Json room = field(video, "room");
  if (!room.is_null() && !room.is_string()) return refuse(20106, "Invalid Access Token grants");
  return {{"valid", true},
          {"identity", identity},
          {"room", room.is_string() ? room : Json("")},
          {"code", 0},
          {"message", ""}};
}

std::unique_ptr<Service> make_twilio(Context context, const Json& options) {
  return std::make_unique<Twilio>(std::move(context), options);
}

}  // namespace rabt::sandbox
