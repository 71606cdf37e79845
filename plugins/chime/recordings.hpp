#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client.hpp"
#include "rabt/json_nlohmann.hpp"
#include "rabt/task.hpp"
#include "sigv4.hpp"
#include "transcripts.hpp"

// Recordings of meetings: a capture pipeline writes pieces of five seconds into the bucket, a
// concatenation pipeline makes one file of them. Confined to the call lane.
namespace rabt::chime {

using sdk::Call;
using sdk::Host;
using sdk::Kind;
using sdk::KvValue;
using sdk::list_of;
using sdk::member_of;
using sdk::percent_encode;
using sdk::Refusal;
using sdk::Task;
using sdk::TaskPlugin;
using sdk::text_of;

// Pages of one listing: 100 attendees each, 1000 objects each.
inline constexpr int kMaxPages = 50;

inline Outcome not_found(std::string_view key) {
  Outcome outcome = Outcome::fail(Kind::permanent, "chime.unknown_id",
                                  std::string(key) + " is no id that Amazon Chime knows");
  outcome.detail = R"({"status":404})";
  return outcome;
}
inline Outcome unreadable() {
  return Outcome::fail(Kind::ambiguous, "chime.unreadable", "Amazon's answer could not be read");
}
inline Outcome busy() {
  return Outcome::fail(Kind::transient, "chime.busy",
                       "another call was writing down the recordings of this meeting", {}, 200);
}

inline bool is_gone(const HttpResult& answer) {
  return answer.answered() && answer.status == 404;
}

// Stored record of a meeting that is or was recorded:
// {"arn": ..., "segments": [{"id", "arn", "prefix", "at", "concat", "key", "bytes", "state"}]}
// at: time of the start.
// state: recording, stopped (being put together), ready, failed.
struct Kept {
  Json value = Json{{"segments", Json::array()}};
  std::int64_t version = 0;
  [[nodiscard]] Json& segments() { return value["segments"]; }
};

// Signs what is sent to Amazon.
class Requests : public TaskPlugin {
 protected:
  Requests(Host host, Settings settings) : TaskPlugin(host), settings_(std::move(settings)) {}

  [[nodiscard]] HttpRequest request(const Ask& ask) const {
    Credentials credentials{.secret = host().secret("secret_access_key"),
                            .session_token = host().secret("session_token")};
    if (credentials.secret.empty())
      throw Refusal("chime.no_secret", "the secret secret_access_key is missing");
    return signed_request(settings_, credentials, host().now_unix_ms(), ask);
  }
  [[nodiscard]] auto meetings(const Call& call, const char* method, const std::string& path,
                              std::string body = {}) const {
    return http(
        call,
        request({.method = method, .url = settings_.meetings_url + path, .body = std::move(body)}));
  }
  [[nodiscard]] auto pipelines(const Call& call, const char* method, const std::string& path,
                               std::string body = {}) const {
    return http(call, request({.method = method,
                               .url = settings_.pipelines_url + path,
                               .body = std::move(body)}));
  }
  [[nodiscard]] HttpRequest object_request(const char* method, const std::string& key) const {
    return request(
        {.service = "s3",
         .method = method,
         .url = settings_.s3_url + "/" + settings_.bucket + "/" + percent_encode(key, "/")});
  }
  [[nodiscard]] HttpRequest page_request(const std::string& prefix, const std::string& next) const {
    std::string query = "?list-type=2&prefix=" + percent_encode(prefix);
    if (!next.empty()) query += "&continuation-token=" + percent_encode(next);
    return request({.service = "s3", .url = settings_.s3_url + "/" + settings_.bucket + query});
  }

  const Settings settings_;
};

class Recordings : public Requests {
 protected:
  using Requests::Requests;

  Task<Outcome> start_recording(const Call& call, std::string id) {
    if (settings_.bucket.empty()) {
      co_return Outcome::fail(Kind::permanent, "chime.no_bucket",
                              "nothing can be recorded: the configuration names no bucket");
    }
    Kept kept = co_await load(id);
    for (const Json& segment : kept.segments()) {
      if (text_of(segment, "state") == "recording") co_return recording(id, true);
    }
    const HttpResult seen = co_await meetings(call, "GET", "/meetings/" + id);
    // The participants may have left before this call: a meeting that is over records nothing, and
    // that is no failure.
    if (is_gone(seen)) co_return recording(id, false);
    if (!succeeded(seen)) co_return failure(seen);
    const auto body = object_of(seen);
    const std::string arn = body ? text_of(member_of(*body, "Meeting"), "MeetingArn") : "";
    if (arn.empty()) co_return unreadable();
    const std::string token = hex(sha256(id + "/" + call.idempotency_key));
    const std::string prefix = settings_.prefix + id + "/" + token.substr(0, 16) + "/";
    const HttpResult reply = co_await pipelines(call, "POST", "/sdk-media-capture-pipelines",
                                                capture_body(arn, prefix, token).dump());
    if (!succeeded(reply)) co_return failure(reply);
    const auto answer = object_of(reply);
    const Json& pipeline = answer ? member_of(*answer, "MediaCapturePipeline") : Json();
    const std::string capture = text_of(pipeline, "MediaPipelineId");
    if (!is_guid(capture) || text_of(pipeline, "MediaPipelineArn").empty()) co_return unreadable();
    kept.segments().push_back({{"id", capture},
                               {"arn", text_of(pipeline, "MediaPipelineArn")},
                               {"prefix", prefix},
                               {"at", instant(host().now_unix_ms())},
                               {"state", "recording"}});
    if (!co_await save(id, kept)) co_return busy();
    if (co_await kv_put("r/" + capture, id) != RABT_KV_OK) co_return busy();
    co_return recording(id, true);
  }
  Task<Outcome> stop_recording(const Call& call, std::string id) {
    const Outcome stopped = co_await finish_segments(call, id);
    co_return stopped.kind == Kind::done ? recording(id, false) : stopped;
  }

  // Every segment that is still recorded ends, and is put together to one file.
  Task<Outcome> finish_segments(const Call& call, std::string id) {
    Kept kept = co_await load(id);
    for (Json& segment : kept.segments()) {
      if (text_of(segment, "state") != "recording") continue;
      const std::string capture = text_of(segment, "id");
      const HttpResult stopped =
          co_await pipelines(call, "DELETE", "/sdk-media-capture-pipelines/" + capture);
      if (!succeeded(stopped) && !is_gone(stopped)) co_return failure(stopped);
      const HttpResult reply =
          co_await pipelines(call, "POST", "/sdk-media-concatenation-pipelines",
                             concatenation_body(text_of(segment, "arn"), text_of(segment, "prefix"),
                                                hex(sha256("concatenation/" + capture)))
                                 .dump());
      if (!succeeded(reply)) co_return failure(reply);
      const auto answer = object_of(reply);
      const std::string concat =
          answer ? text_of(member_of(*answer, "MediaConcatenationPipeline"), "MediaPipelineId")
                 : "";
      if (!is_guid(concat)) co_return unreadable();
      segment["concat"] = concat;
      segment["state"] = "stopped";
      if (!co_await save(id, kept)) co_return busy();
    }
    co_return Outcome::done("{}");
  }

  Task<Outcome> list_recordings(const Call& call, std::string id) {
    Kept kept = co_await load(id);
    bool recorded = false;
    for (const Json& segment : kept.segments())
      recorded = recorded || text_of(segment, "state") == "recording";
    if (recorded) {
      // Chime ends a meeting by itself, too, and nobody stopped the recording then.
      const HttpResult seen = co_await meetings(call, "GET", "/meetings/" + id);
      if (!succeeded(seen) && !is_gone(seen)) co_return failure(seen);
      if (is_gone(seen)) {
        const Outcome finished = co_await finish_segments(call, id);
        if (finished.kind != Kind::done) co_return finished;
        kept = co_await load(id);
      }
    }
    const Outcome looked = co_await look_for_files(call, id, kept);
    if (looked.kind != Kind::done) co_return looked;
    bool ready = true;
    Json recordings = Json::array();
    Json failed = Json::array();
    for (const Json& segment : kept.segments()) {
      const std::string state = text_of(segment, "state");
      if (state == "recording" || state == "stopped") ready = false;
      if (state == "ready") {
        recordings.push_back({{"recordingId", text_of(segment, "id")},
                              {"kind", text_of(segment, "kind")},
                              {"startedAt", text_of(segment, "at")},
                              {"container", "mp4"},
                              {"bytes", segment.value("bytes", std::uint64_t{0})}});
      }
      if (state == "failed")
        failed.push_back({{"recordingId", text_of(segment, "id")},
                          {"kind", "combined"},
                          {"startedAt", text_of(segment, "at")}});
    }
    co_return Outcome::done(
        Json{{"ready", ready}, {"recordings", recordings}, {"failed", failed}}.dump());
  }

  Task<Outcome> fetch_recording(const Call& call, std::string id) {
    const std::string meeting = co_await meeting_of(id);
    if (meeting.empty()) co_return not_found("recordingId");
    Kept kept = co_await load(meeting);
    const Outcome looked = co_await look_for_files(call, meeting, kept);
    if (looked.kind != Kind::done) co_return looked;
    const Json* const segment = segment_of(kept, id);
    if (segment == nullptr || text_of(*segment, "state") != "ready")
      co_return not_found("recordingId");
    Json said;
    const Outcome read = co_await read_said(call, text_of(*segment, "prefix"), said);
    if (read.kind != Kind::done) co_return read;
    HttpRequest get = object_request("GET", text_of(*segment, "key"));
    const std::string type = text_of(*segment, "kind") == "audio" ? "audio/mp4" : "video/mp4";
    get.to_blob = true;
    get.blob_content_type = type;
    const HttpResult media = co_await http(call, std::move(get));
    if (!succeeded(media) || media.blob.empty()) co_return failure(media);
    if (media.blob_bytes != segment->value("bytes", std::uint64_t{0})) {
      co_return Outcome::fail(Kind::transient, "chime.truncated",
                              "the recording has another size than the bucket says");
    }
    Json fetched{{"recordingId", id},
                 {"blob", media.blob},
                 {"bytes", media.blob_bytes},
                 {"sha256", media.blob_sha256},
                 {"contentType", type}};
    if (!said.empty()) fetched["said"] = std::move(said);
    co_return Outcome::done(fetched.dump());
  }

  // Everything that was made on the way goes with it: the pieces of five seconds hold the same
  // pictures.
  Task<Outcome> delete_recording(const Call& call, std::string id) {
    const std::string meeting = co_await meeting_of(id);
    if (!meeting.empty()) {
      Kept kept = co_await load(meeting);
      if (const Json* const segment = segment_of(kept, id)) {
        std::vector<StoredObject> objects;
        const Outcome listed = co_await list_objects(call, text_of(*segment, "prefix"), objects);
        if (listed.kind != Kind::done) co_return listed;
        for (const StoredObject& object : objects) {
          const HttpResult gone = co_await http(call, object_request("DELETE", object.key));
          if (!succeeded(gone) && !is_gone(gone)) co_return failure(gone);
        }
        Json rest = Json::array();
        for (const Json& each : kept.segments()) {
          if (text_of(each, "id") != id) rest.push_back(each);
        }
        kept.segments() = rest;
        if (!co_await save(meeting, kept)) co_return busy();
      }
      (void)co_await kv_remove("r/" + id);
    }
    co_return Outcome::done(Json{{"recordingId", id}, {"deleted", true}}.dump());
  }

 private:
  Task<Kept> load(std::string meeting) {
    const KvValue found = co_await kv_get("m/" + meeting);
    if (found.status == RABT_KV_FAILED)
      throw Refusal("chime.store", "what is known of the recordings could not be read");
    Kept kept;
    if (!found.found()) co_return kept;
    kept.version = found.version;
    kept.value = Json::parse(found.value, nullptr, false);
    if (!kept.value.is_object() || !list_of(kept.value, "segments").is_array())
      kept.value = Json{{"segments", Json::array()}};
    co_return kept;
  }
  // False when another call wrote meanwhile, or the store is not there.
  Task<bool> save(std::string meeting, Kept& kept) {
    const std::int32_t status = co_await kv_put("m/" + meeting, kept.value.dump(), 0, kept.version);
    if (status != RABT_KV_OK) co_return false;
    const KvValue now = co_await kv_get("m/" + meeting);
    kept.version = now.version;
    co_return now.found();
  }

  [[nodiscard]] std::string sink(const std::string& prefix) const {
    return "arn:aws:s3:::" + settings_.bucket + "/" + prefix.substr(0, prefix.size() - 1);
  }
  [[nodiscard]] Json capture_body(const std::string& arn, const std::string& prefix,
                                  const std::string& token) const {
    Json body{{"SourceType", "ChimeSdkMeeting"},
              {"SourceArn", arn},
              {"SinkType", "S3Bucket"},
              {"SinkArn", sink(prefix)},
              {"ClientRequestToken", token},
              {"ChimeSdkMeetingConfiguration",
               {{"ArtifactsConfiguration",
                 {{"Audio", {{"MuxType", "AudioWithCompositedVideo"}}},
                  {"Video", {{"State", "Disabled"}}},
                  {"Content", {{"State", "Disabled"}}},
                  {"CompositedVideo",
                   {{"Layout", "GridView"},
                    {"Resolution", "HD"},
                    {"GridViewConfiguration", {{"ContentShareLayout", "PresenterOnly"}}}}}}}}}};
    if (!settings_.kms_key_id.empty())
      body["SseAwsKeyManagementParams"] = {{"AwsKmsKeyId", settings_.kms_key_id}};
    if (!settings_.sink_role_arn.empty()) body["SinkIamRoleArn"] = settings_.sink_role_arn;
    return body;
  }
  [[nodiscard]] Json concatenation_body(const std::string& arn, const std::string& prefix,
                                        const std::string& token) const {
    const Json on{{"State", "Enabled"}};
    const Json off{{"State", "Disabled"}};
    return {
        {"Sources", Json::array({{{"Type", "MediaCapturePipeline"},
                                  {"MediaCapturePipelineSourceConfiguration",
                                   {{"MediaPipelineArn", arn},
                                    {"ChimeSdkMeetingConfiguration",
                                     {{"ArtifactsConfiguration",
                                       {{"Audio", on},
                                        {"Video", off},
                                        {"Content", off},
                                        {"DataChannel", off},
                                        {"TranscriptionMessages", off},
                                        {"MeetingEvents", off},
                                        {"CompositedVideo", on}}}}}}}}})},
        {"Sinks", Json::array({{{"Type", "S3Bucket"},
                                {"S3BucketSinkConfiguration", {{"Destination", sink(prefix)}}}}})},
        {"ClientRequestToken", token}};
  }

  static Outcome recording(const std::string& id, bool on) {
    return Outcome::done(Json{{"sessionId", id}, {"recording", on}}.dump());
  }

  // All objects below a prefix. Returns the outcome of the page that failed, if one did.
  Task<Outcome> list_objects(const Call& call, std::string prefix,
                             std::vector<StoredObject>& objects) {
    std::string next;
    for (int page = 0; page < kMaxPages; ++page) {
      const HttpResult listed = co_await http(call, page_request(prefix, next));
      if (!succeeded(listed)) co_return failure(listed);
      auto listing = read_listing(listed.body);
      if (!listing) co_return unreadable();
      for (StoredObject& object : listing->objects) {
        // Deleted later: nothing of another recording may be among them.
        if (object.key.starts_with(prefix)) objects.push_back(std::move(object));
      }
      next = listing->next;
      if (next.empty()) break;
    }
    co_return Outcome::done("{}");
  }

  // Reads the transcript that was written while the segment was recorded. If the bucket refuses to
  // let it be read, the recording is still kept.
  Task<Outcome> read_said(const Call& call, std::string prefix, Json& said) {
    if (settings_.transcription_languages.empty()) co_return Outcome::done("{}");
    std::vector<StoredObject> files;
    prefix += "transcription-messages/";
    const Outcome listed = co_await list_objects(call, prefix, files);
    if (listed.kind != Kind::done)
      co_return listed.kind == Kind::permanent ? Outcome::done("{}") : listed;
    Transcripts transcripts;
    for (const StoredObject& file : files) {
      if (!file.key.ends_with(".txt")) continue;
      const HttpResult answer = co_await http(call, object_request("GET", file.key));
      if (succeeded(answer)) {
        transcripts.take(answer.body);
      } else if (const Outcome failed = failure(answer); failed.kind != Kind::permanent) {
        co_return failed;
      }
    }
    said = transcripts.said();
    co_return Outcome::done("{}");
  }

  // A concatenation pipeline that has ended is gone after a while; then the file is there, or there
  // never will be one.
  Task<Outcome> look_for_file(const Call& call, Json& segment) {
    const std::string concat = text_of(segment, "concat");
    const HttpResult seen = co_await pipelines(call, "GET", "/sdk-media-pipelines/" + concat);
    if (!succeeded(seen) && !is_gone(seen)) co_return failure(seen);
    std::string status = "Stopped";
    if (succeeded(seen)) {
      const auto body = object_of(seen);
      if (!body) co_return unreadable();
      status = text_of(member_of(member_of(*body, "MediaPipeline"), "MediaConcatenationPipeline"),
                       "Status");
    }
    if (status == "Failed") segment["state"] = "failed";
    if (status != "Stopped") co_return Outcome::done("{}");
    std::vector<StoredObject> objects;
    const Outcome listed = co_await list_objects(call, text_of(segment, "prefix"), objects);
    if (listed.kind != Kind::done) co_return listed;
    segment["state"] = "failed";
    for (const StoredObject& object : objects) {
      if (!object.key.ends_with(concat + ".mp4")) continue;
      // The picture of all has the sound as well; without any picture there is sound alone.
      const bool composed = object.key.find("/composited-video/") != std::string::npos;
      if (text_of(segment, "state") == "ready" && !composed) continue;
      segment["state"] = "ready";
      segment["key"] = object.key;
      segment["bytes"] = object.bytes;
      segment["kind"] = composed ? "combined" : "audio";
    }
    co_return Outcome::done("{}");
  }

  Task<Outcome> look_for_files(const Call& call, const std::string& id, Kept& kept) {
    bool changed = false;
    for (Json& segment : kept.segments()) {
      if (text_of(segment, "state") != "stopped") continue;
      const Outcome looked = co_await look_for_file(call, segment);
      if (looked.kind != Kind::done) co_return looked;
      changed = changed || text_of(segment, "state") != "stopped";
    }
    if (changed && !co_await save(id, kept)) co_return busy();
    co_return Outcome::done("{}");
  }

  // The meeting that a recording is of, or "".
  Task<std::string> meeting_of(std::string recording) {
    const KvValue found = co_await kv_get("r/" + recording);
    if (found.status == RABT_KV_FAILED)
      throw Refusal("chime.store", "what is known of the recordings could not be read");
    co_return found.found() && is_guid(found.value) ? found.value : std::string();
  }
  static Json* segment_of(Kept& kept, const std::string& recording) {
    for (Json& segment : kept.segments()) {
      if (text_of(segment, "id") == recording) return &segment;
    }
    return nullptr;
  }
};

}  // namespace rabt::chime
