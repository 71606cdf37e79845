#include "tools/sandbox/chime.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>

#include "hub/base/mutex.hpp"
#include "tools/sandbox/encoding.hpp"
#include "tools/sandbox/timers.hpp"

// Amazon Chime SDK (meetings and media pipelines), the bucket that recordings lie in, and the topic
// of Amazon SNS that meetings report to, on one listener. Shapes follow the service models of
// 2021-07-15.
namespace rabt::sandbox {
namespace {

constexpr const char* kAccount = "111122223333";
// Clients offer a token as a protocol of a WebSocket, where '=' must not stand: so many bytes need
// no padding.
constexpr std::size_t kTokenBytes = 33;

struct ApiError {
  int status;
  std::string name;
  std::string message;
};

Response error_response(const ApiError& error) {
  Response out = Response::json(
      error.status,
      {{"Code", error.name}, {"Message", error.message}, {"RequestId", random_uuid()}});
  out.headers.emplace_back("x-amzn-ErrorType", error.name + ":http://internal.amazon.com/coral/");
  return out;
}

ApiError not_found() {
  return {404, "NotFoundException", "The resource was not found"};
}
ApiError bad_request(const std::string& what) {
  return {400, "BadRequestException", what};
}

// A text of min to max characters.
std::string member(const Json& body, const char* name, std::size_t min, std::size_t max) {
  std::string text = text_of(body, name);
  if (text.size() < min || text.size() > max)
    throw bad_request(std::string(name) + " has " + std::to_string(min) + " to " +
                      std::to_string(max) + " characters");
  return text;
}

std::string request_token(const Json& body) {
  std::string token = member(body, "ClientRequestToken", 2, 64);
  if (!std::all_of(token.begin(), token.end(),
                   [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; }))
    throw bad_request("ClientRequestToken has the form [-_a-zA-Z0-9]*");
  return token;
}

// The key and the certificate with which messages of the topic are signed.
class Signer {
 public:
  Signer() : key_(EVP_RSA_gen(2048), &EVP_PKEY_free) {
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), &X509_free);
    X509* const certificate = made.get();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 365L * 24 * 3600);
    X509_set_pubkey(certificate, key_.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("sns.amazonaws.com"), -1, -1,
                               0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_sign(certificate, key_.get(), EVP_sha256());
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_X509(bio.get(), certificate);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    certificate_.assign(data, static_cast<std::size_t>(size));
  }
  [[nodiscard]] const std::string& certificate() const { return certificate_; }
  [[nodiscard]] std::string sign(std::string_view text) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    std::string out(512, '\0');
    std::size_t size = out.size();
    if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1)
      throw std::runtime_error("a message could not be signed");
    out.resize(size);
    return base64(out);
  }

 private:
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
  std::string certificate_;
};

struct Attendee {
  std::string id;
  std::string user;
  std::string token;
  Json capabilities;
  bool here = false;
  std::int64_t since_ms = 0;
  // Whole seconds of all stays.
  std::int64_t seconds = 0;
};

struct Meeting {
  std::string id;
  std::string external;
  std::string region;
  std::string topic;
  std::uint64_t most = 250;
  bool started = false;
  bool transcribed = false;
  std::vector<Attendee> attendees;
};

struct Pipeline {
  std::string id;
  bool capture = true;
  std::string meeting;
  // Key prefix in the bucket, with '/' at its end.
  std::string prefix;
  // The capture of a concatenation.
  std::string source;
  std::string status = "InProgress";
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
};

// Long, because each control-plane and media call works on the same tables.
class Chime final : public Service {
 public:
  Chime(Context context, const Json& options) : context_(std::move(context)) {
    static const std::set<std::string> kKnown = {
        "access_key_id", "secret_access_key", "region", "bucket", "subscribe", "media_bytes",
        "processing_ms", "callback_delay_ms", "auto",   "hub"};
    for (const auto& [name, value] : options.items()) {
      if (!kKnown.contains(name)) throw std::runtime_error("chime has no option '" + name + "'");
    }
    try {
      keys_.access_key_id = options.value("access_key_id", "AKIDEXAMPLEEXAMPLE");
      keys_.secret = options.value("secret_access_key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
      keys_.region = options.value("region", "eu-central-1");
      bucket_ = options.value("bucket", "visits");
      subscriber_ = options.value("subscribe", "");
      media_bytes_ = options.value("media_bytes", std::size_t{64} * 1024);
      processing_ms_ = options.value("processing_ms", std::int64_t{50});
      callback_delay_ms_ = options.value("callback_delay_ms", std::uint32_t{5});
      if (options.contains("auto")) auto_ = options["auto"];
    } catch (const Json::exception&) {
      throw std::runtime_error("a chime option has the wrong type");
    }
  }

  [[nodiscard]] std::string name() const override { return "chime"; }

  Response handle(const Request& request) override {
    try {
      if (request.path == "/SimpleNotificationService.pem") {
        Response out;
        out.headers.emplace_back("Content-Type", "application/x-pem-file");
        out.body = signer_.certificate();
        return out;
      }
      if (request.path == "/" && request.query_value("Action") == "ConfirmSubscription")
        return confirm(request);
      const std::string wrong = check_sigv4(request, keys_, context_.now_ms());
      if (!wrong.empty()) return error_response({403, wrong, "The signature does not hold"});
      const Lock lock(mutex_);
      if (request.path == "/" + bucket_ || request.path.starts_with("/" + bucket_ + "/"))
        return stored(request);
      return route(request);
    } catch (const ApiError& error) {
      return error_response(error);
    }
  }

  Response control(std::string_view what, const Json& body) override {
    try {
      const Lock lock(mutex_);
      return act(what, body);
    } catch (const ApiError& error) {
      return error_response(error);
    }
  }

  Response error_body(int status) override {
    if (status == 429) return error_response({429, "ThrottlingException", "Rate exceeded"});
    if (status == 404) return error_response(not_found());
    if (status == 503)
      return error_response({503, "ServiceUnavailableException", "Try again later"});
    return error_response({status,
                           status >= 500 ? "ServiceFailureException" : "BadRequestException",
                           "The request failed"});
  }

 private:
  Response route(const Request& request) {
    std::vector<std::string> path = split(request.path, '/');
    path.erase(path.begin());
    std::string shape = path[0];
    for (std::size_t i = 1; i < path.size(); ++i) shape += i % 2 == 1 ? "/*" : "/" + path[i];
    const std::string& method = request.method;
    const auto is = [&](std::string_view wanted_method, std::string_view wanted_shape) {
      return method == wanted_method && shape == wanted_shape;
    };
    Json body = Json::object();
    if (!request.body.empty()) {
      const auto parsed = parse_json(request.body);
      if (!parsed || !parsed->is_object()) throw bad_request("the body is no JSON object");
      body = *parsed;
    }
    if (is("POST", "meetings")) return create_meeting(body);
    if (shape.starts_with("meetings/*")) {
      Meeting& meeting = require_meeting(path[1]);
      if (is("GET", "meetings/*")) return Response::json(200, meeting_json(meeting));
      if (is("DELETE", "meetings/*")) {
        end(meeting, "api");
        return Response::empty(204);
      }
      if (is("POST", "meetings/*/attendees")) {
        if (request.query_value("operation") == "batch-create") return batch_create(meeting, body);
        return Response::json(200, {{"Attendee", attendee_json(invite(meeting, body), true)}});
      }
      if (is("GET", "meetings/*/attendees")) return list_attendees(request, meeting);
      if (is("POST", "meetings/*/transcription"))
        return transcribe(meeting, request.query_value("operation"), body);
      if (shape.starts_with("meetings/*/attendees/*"))
        return attendee_route(method, path, meeting, body);
    }
    if (is("POST", "sdk-media-capture-pipelines")) return capture(body);
    if (is("POST", "sdk-media-concatenation-pipelines")) return concatenate(body);
    if (is("GET", "sdk-media-capture-pipelines/*") || is("GET", "sdk-media-pipelines/*"))
      return pipeline_answer(require_pipeline(path[1]), shape.starts_with("sdk-media-capture"));
    if (is("DELETE", "sdk-media-capture-pipelines/*") || is("DELETE", "sdk-media-pipelines/*")) {
      stop(require_pipeline(path[1]));
      return Response::empty(204);
    }
    throw not_found();
  }

  // Result of a ClientRequestToken, and the parameters of the request.
  struct Made {
    std::string id;
    std::string parameters;
  };
  using Tokens = std::map<std::string, Made>;
  // The id that the token made before; nothing for a new token. The same token with other
  // parameters is a conflict.
  static std::optional<std::string> made_by(const Tokens& tokens, const std::string& token,
                                            const Json& body) {
    const auto made = tokens.find(token);
    if (made == tokens.end()) return std::nullopt;
    if (made->second.parameters != body.dump())
      throw ApiError{409, "ConflictException",
                     "The ClientRequestToken was used with other parameters"};
    return made->second.id;
  }

  // --- meetings ----------------------------------------------------------------------------------

  Response create_meeting(const Json& body) {
    static const std::set<std::string> kRegions = {
        "af-south-1",     "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1",
        "ap-southeast-2", "ca-central-1",   "eu-central-1",   "eu-north-1", "eu-south-1",
        "eu-west-1",      "eu-west-2",      "eu-west-3",      "sa-east-1",  "us-east-1",
        "us-east-2",      "us-west-1",      "us-west-2"};
    const std::string token = request_token(body);
    Meeting meeting;
    meeting.external = member(body, "ExternalMeetingId", 2, 64);
    meeting.region = member(body, "MediaRegion", 2, 64);
    if (!kRegions.contains(meeting.region)) throw bad_request("MediaRegion is not known");
    meeting.topic = text_of(body.value("NotificationsConfiguration", Json()), "SnsTopicArn");
    const Json features = body.value("MeetingFeatures", Json::object());
    const Json most = features.value("Attendee", Json::object()).value("MaxCount", Json(250));
    if (!most.is_number_integer() || most < 1 || most > 250)
      throw bad_request("MaxCount is from 1 to 250");
    meeting.most = most.get<std::uint64_t>();
    if (const auto made = made_by(meeting_by_token_, token, body)) {
      const auto found = meetings_.find(*made);
      if (found != meetings_.end()) return Response::json(200, meeting_json(found->second));
      // The meeting of this token has ended: it is told of, and nobody can use it.
      meeting.id = *made;
      return Response::json(200, meeting_json(meeting));
    }
    meeting.id = random_uuid();
    meeting_by_token_[token] = {meeting.id, body.dump()};
    context_.ledger.record(name(), "room.created", meeting.external, {{"sid", meeting.id}});
    Meeting& kept = meetings_.emplace(meeting.id, std::move(meeting)).first->second;
    automate(kept);
    return Response::json(200, meeting_json(kept));
  }

  static std::string arn(const std::string& region, const std::string& what) {
    return "arn:aws:chime:" + region + ":" + kAccount + ":" + what;
  }

  [[nodiscard]] Json meeting_json(const Meeting& meeting) const {
    const std::string host = meeting.id.substr(0, 8) + ".k.m1.app.chime.aws";
    return {{"Meeting",
             {{"MeetingId", meeting.id},
              {"ExternalMeetingId", meeting.external},
              {"MediaRegion", meeting.region},
              {"MeetingArn", arn(keys_.region, "meeting/" + meeting.id)},
              {"MeetingFeatures", {{"Attendee", {{"MaxCount", meeting.most}}}}},
              {"TenantIds", Json::array()},
              {"MediaPlacement",
               {{"AudioHostUrl", host + ":3478"},
                {"AudioFallbackUrl", "wss://haxrp.m1.app.chime.aws:443/calls/" + meeting.id},
                {"SignalingUrl", "wss://signal.m1.app.chime.aws/control/" + meeting.id},
                {"TurnControlUrl", "https://turn.m1.app.chime.aws/v2/turn_sessions"},
                {"EventIngestionUrl", "https://data.app.chime.aws/v1/client-events"}}}}}};
  }

  Meeting& require_meeting(const std::string& id) {
    const auto found = meetings_.find(id);
    if (found == meetings_.end()) throw not_found();
    return found->second;
  }

  void end(Meeting& meeting, const std::string& by) {
    for (Attendee& one : meeting.attendees) leave(meeting, one, "chime:AttendeeLeft");
    for (auto& [id, pipeline] : pipelines_) {
      if (pipeline.capture && pipeline.meeting == meeting.id) stop(pipeline);
    }
    emit(meeting, "chime:MeetingEnded", Json::object());
    std::int64_t seconds = 0;
    for (const Attendee& attendee : meeting.attendees) seconds += attendee.seconds;
    context_.ledger.record(name(), "room.completed", meeting.external,
                           {{"sid", meeting.id}, {"by", by}, {"attendee_seconds", seconds}});
    meetings_.erase(std::string(meeting.id));
  }

  // --- attendees ---------------------------------------------------------------------------------

  static Json attendee_json(const Attendee& attendee, bool with_token) {
    Json out{{"ExternalUserId", attendee.user},
             {"AttendeeId", attendee.id},
             {"Capabilities", attendee.capabilities}};
    if (with_token) out["JoinToken"] = attendee.token;
    return out;
  }

  static Json read_capabilities(const Json& body) {
    Json out{{"Audio", "SendReceive"}, {"Video", "SendReceive"}, {"Content", "SendReceive"}};
    const Json given = body.value("Capabilities", Json::object());
    for (const auto& [name, value] : given.items()) {
      if (!out.contains(name) ||
          (value != "SendReceive" && value != "Send" && value != "Receive" && value != "None"))
        throw bad_request("Capabilities are not valid");
      out[name] = value;
    }
    return out;
  }

  Attendee& invite(Meeting& meeting, const Json& body) {
    const std::string user = member(body, "ExternalUserId", 2, 64);
    if (lower(user).starts_with("aws:")) throw bad_request("ExternalUserId is reserved");
    const Json capabilities = read_capabilities(body);
    for (Attendee& attendee : meeting.attendees) {
      if (attendee.user == user) return attendee;
    }
    if (meeting.attendees.size() >= meeting.most)
      throw ApiError{400, "LimitExceededException", "The meeting has no free place"};
    meeting.attendees.push_back({.id = random_uuid(),
                                 .user = user,
                                 .token = base64(random_hex(kTokenBytes)),
                                 .capabilities = capabilities});
    Attendee& made = meeting.attendees.back();
    emit(meeting, "chime:AttendeeAdded", who(made));
    return made;
  }

  Response batch_create(Meeting& meeting, const Json& body) {
    Json item = Json::array();
    Json errors = Json::array();
    for (const Json& each : body.value("Attendees", Json::array())) {
      try {
        item.push_back(attendee_json(invite(meeting, each), true));
      } catch (const ApiError& error) {
        errors.push_back({{"ExternalUserId", text_of(each, "ExternalUserId")},
                          {"ErrorCode", error.name},
                          {"ErrorMessage", error.message}});
      }
    }
    return Response::json(200, {{"Attendees", item}, {"Errors", errors}});
  }

  // Two a page, so that who forgets the second page is found out.
  Response list_attendees(const Request& request, const Meeting& meeting) {
    constexpr std::size_t kPage = 2;
    const std::string token = request.query_value("next-token");
    std::size_t from = 0;
    if (!token.empty()) from = std::strtoul(token.c_str(), nullptr, 10);
    Json page = Json::array();
    for (std::size_t i = from; i < meeting.attendees.size() && page.size() < kPage; ++i)
      page.push_back(attendee_json(meeting.attendees[i], false));
    Json out{{"Attendees", page}};
    if (from + kPage < meeting.attendees.size()) out["NextToken"] = std::to_string(from + kPage);
    return Response::json(200, out);
  }

  // A repeat is taken. What Chime's model of the API lists as languages.
  Response transcribe(Meeting& meeting, const std::string& operation, const Json& body) {
    static const std::set<std::string> kLanguages = {"en-US", "en-GB", "es-US", "fr-CA", "fr-FR",
                                                     "en-AU", "it-IT", "de-DE", "pt-BR", "ja-JP",
                                                     "ko-KR", "zh-CN", "th-TH", "hi-IN"};
    if (operation != "start" && operation != "stop") throw bad_request("no such operation");
    const bool on = operation == "start";
    if (on) {
      const Json settings = body.value("TranscriptionConfiguration", Json::object())
                                .value("EngineTranscribeSettings", Json::object());
      if (!kLanguages.contains(settings.value("LanguageCode", "")))
        throw bad_request("LanguageCode is none of the languages");
    }
    if (meeting.transcribed != on) {
      meeting.transcribed = on;
      context_.ledger.record(name(), on ? "transcription.started" : "transcription.stopped",
                             meeting.external);
      emit(meeting, on ? "chime:TranscriptionStarted" : "chime:TranscriptionStopped",
           Json::object());
    }
    return Response::json(200, Json::object());
  }

  Response attendee_route(const std::string& method, const std::vector<std::string>& path,
                          Meeting& meeting, const Json& body) {
    const auto found =
        std::find_if(meeting.attendees.begin(), meeting.attendees.end(),
                     [&](const Attendee& attendee) { return attendee.id == path[3]; });
    if (found == meeting.attendees.end()) throw not_found();
    if (path.size() == 5 && path[4] == "capabilities" && method == "PUT") {
      found->capabilities = read_capabilities(body);
      emit(meeting, "chime:AttendeeCapabilitiesUpdated", who(*found));
      return Response::json(200, {{"Attendee", attendee_json(*found, true)}});
    }
    if (path.size() != 4) throw not_found();
    if (method == "GET") return Response::json(200, {{"Attendee", attendee_json(*found, true)}});
    if (method != "DELETE") throw not_found();
    const bool was_here = found->here;
    leave(meeting, *found, "");
    emit(meeting, "chime:AttendeeDeleted", who(*found));
    context_.ledger.record(name(), "participant.removed", meeting.external + "/" + found->user,
                           {{"was_here", was_here}});
    meeting.attendees.erase(found);
    return Response::empty(204);
  }

  // at_ms: when it happened, if it was not now.
  static Json who(const Attendee& attendee, std::int64_t at_ms = 0) {
    Json out{
        {"attendeeId", attendee.id}, {"externalUserId", attendee.user}, {"networkType", "Voip"}};
    if (at_ms != 0) out["timestamp"] = static_cast<std::uint64_t>(at_ms);
    return out;
  }

  void join(Meeting& meeting, Attendee& attendee) {
    if (attendee.here) return;
    attendee.here = true;
    attendee.since_ms = context_.now_ms();
    if (!meeting.started) emit(meeting, "chime:MeetingStarted", Json::object());
    meeting.started = true;
    emit(meeting, "chime:AttendeeJoined", who(attendee, attendee.since_ms));
    context_.ledger.record(name(), "participant.connected", meeting.external + "/" + attendee.user);
  }

  // The event that tells that one left; empty if another event says so.
  void leave(Meeting& meeting, Attendee& attendee, const std::string& event) {
    if (!attendee.here) return;
    attendee.here = false;
    const std::int64_t now = context_.now_ms();
    attendee.seconds += now / 1000 - attendee.since_ms / 1000;
    if (!event.empty()) emit(meeting, event, who(attendee, now));
    context_.ledger.record(name(), "participant.disconnected",
                           meeting.external + "/" + attendee.user, {{"seconds", attendee.seconds}});
  }

  // --- pipelines ---------------------------------------------------------------------------------

  // The prefix behind the bucket of an ARN, with '/' at its end.
  std::string prefix_of(const std::string& sink) const {
    const std::string begin = "arn:aws:s3:::" + bucket_;
    if (!sink.starts_with(begin)) throw bad_request("the sink is no bucket of this account");
    std::string prefix = sink.substr(begin.size());
    if (prefix.starts_with('/')) prefix.erase(0, 1);
    if (!prefix.empty() && !prefix.ends_with('/')) prefix += '/';
    return prefix;
  }

  Response capture(const Json& body) {
    if (text_of(body, "SourceType") != "ChimeSdkMeeting" || text_of(body, "SinkType") != "S3Bucket")
      throw bad_request("SourceType is ChimeSdkMeeting and SinkType is S3Bucket");
    const std::string source = member(body, "SourceArn", 1, 1024);
    const std::string meeting = source.substr(source.rfind('/') + 1);
    if (!meetings_.contains(meeting)) throw not_found();
    const std::string token = request_token(body);
    if (const auto made = made_by(pipeline_by_token_, token, body))
      return created(require_pipeline(*made));
    for (const auto& [id, other] : pipelines_) {
      if (other.capture && other.meeting == meeting && other.status == "InProgress")
        throw ApiError{400, "ResourceLimitExceededException", "One capture pipeline for a meeting"};
    }
    Pipeline pipeline{.id = random_uuid(),
                      .capture = true,
                      .meeting = meeting,
                      .prefix = prefix_of(text_of(body, "SinkArn"))};
    if (pipeline.prefix.empty()) pipeline.prefix = pipeline.id + "/";
    pipeline_by_token_[token] = {pipeline.id, body.dump()};
    context_.ledger.record(name(), "recording.started", meetings_.at(meeting).external,
                           {{"pipeline", pipeline.id}});
    pipeline.created_ms = pipeline.updated_ms = context_.now_ms();
    Pipeline& kept = pipelines_.emplace(pipeline.id, pipeline).first->second;
    pipeline_event(kept, "chime:MediaPipelineInProgress");
    return created(kept);
  }

  Response concatenate(const Json& body) {
    const Json sources = body.value("Sources", Json::array());
    const Json sinks = body.value("Sinks", Json::array());
    if (sources.size() != 1 || sinks.size() != 1) throw bad_request("one source and one sink");
    const Json source = sources[0].value("MediaCapturePipelineSourceConfiguration", Json::object());
    const Json artifacts = source.value("ChimeSdkMeetingConfiguration", Json::object())
                               .value("ArtifactsConfiguration", Json::object());
    for (const char* const each : {"Audio", "Video", "Content", "DataChannel",
                                   "TranscriptionMessages", "MeetingEvents", "CompositedVideo"}) {
      if (text_of(artifacts.value(each, Json()), "State").empty())
        throw bad_request(std::string("ArtifactsConfiguration lacks ") + each);
    }
    const std::string capture_arn = text_of(source, "MediaPipelineArn");
    Pipeline& captured = require_pipeline(capture_arn.substr(capture_arn.rfind('/') + 1));
    if (!captured.capture) throw not_found();
    const std::string token = request_token(body);
    if (const auto made = made_by(pipeline_by_token_, token, body))
      return created(require_pipeline(*made));
    Pipeline pipeline{.id = random_uuid(),
                      .capture = false,
                      .meeting = captured.meeting,
                      .prefix = prefix_of(text_of(
                          sinks[0].value("S3BucketSinkConfiguration", Json()), "Destination")),
                      .source = captured.id};
    pipeline_by_token_[token] = {pipeline.id, body.dump()};
    pipeline.created_ms = pipeline.updated_ms = context_.now_ms();
    Pipeline& kept = pipelines_.emplace(pipeline.id, pipeline).first->second;
    timers_.after(processing_ms_, [this, id = kept.id] {
      const Lock lock(mutex_);
      finish(pipelines_.at(id));
    });
    return created(kept);
  }

  // Both artifacts that Amazon writes; the pieces lie there since the capture.
  void finish(Pipeline& pipeline) {
    pipeline.status = "Stopped";
    pipeline.updated_ms = context_.now_ms();
    objects_[pipeline.prefix + "composited-video/" + pipeline.id + ".mp4"] = media_bytes_;
    objects_[pipeline.prefix + "audio/" + pipeline.id + ".mp4"] = media_bytes_ / 8;
    pipeline_event(pipeline, "chime:MediaPipelineDeleted");
  }

  void stop(Pipeline& pipeline) {
    if (pipeline.status != "InProgress") return;
    pipeline.status = "Stopped";
    pipeline.updated_ms = context_.now_ms();
    if (pipeline.capture) {
      objects_[pipeline.prefix + "composited-video/2026-03-10-06-00-00-000.mp4"] = 1024;
      objects_[pipeline.prefix + "audio/2026-03-10-06-00-00-000.mp4"] = 256;
    }
    pipeline_event(pipeline, "chime:MediaPipelineDeleted");
  }

  [[nodiscard]] Json pipeline_json(const Pipeline& pipeline) const {
    return {{"MediaPipelineId", pipeline.id},
            {"MediaPipelineArn", arn(keys_.region, "media-pipeline/" + pipeline.id)},
            {"CreatedTimestamp", iso_millis(pipeline.created_ms)},
            {"UpdatedTimestamp", iso_millis(pipeline.updated_ms)},
            {"Status", pipeline.status}};
  }
  Response created(const Pipeline& pipeline) const {
    return Response::json(
        201, {{pipeline.capture ? "MediaCapturePipeline" : "MediaConcatenationPipeline",
               pipeline_json(pipeline)}});
  }
  Response pipeline_answer(const Pipeline& pipeline, bool of_capture) const {
    const char* const kind =
        pipeline.capture ? "MediaCapturePipeline" : "MediaConcatenationPipeline";
    if (of_capture) return Response::json(200, {{kind, pipeline_json(pipeline)}});
    return Response::json(200, {{"MediaPipeline", {{kind, pipeline_json(pipeline)}}}});
  }
  Pipeline& require_pipeline(const std::string& id) {
    const auto found = pipelines_.find(id);
    if (found == pipelines_.end()) throw not_found();
    return found->second;
  }
  void pipeline_event(const Pipeline& pipeline, const std::string& event) {
    Json detail{{"mediaPipelineId", pipeline.id}};
    const auto meeting = meetings_.find(pipeline.meeting);
    if (meeting == meetings_.end() || !pipeline.capture) return;
    emit(meeting->second, event, detail, "Chime Media Pipeline State Change");
  }

  // --- the bucket --------------------------------------------------------------------------------

  static Response storage_error(int status, const std::string& code) {
    Response out;
    out.status = status;
    out.headers.emplace_back("Content-Type", "application/xml");
    out.body =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code></Error>";
    return out;
  }

  Response stored(const Request& request) {
    const std::string key =
        request.path.size() > bucket_.size() + 2 ? request.path.substr(bucket_.size() + 2) : "";
    if (key.empty()) {
      if (request.method != "GET" || request.query_value("list-type") != "2")
        return storage_error(405, "MethodNotAllowed");
      return list_objects(request);
    }
    const auto found = objects_.find(key);
    if (request.method == "DELETE") {
      if (found != objects_.end()) {
        context_.ledger.record(name(), "object.deleted", key);
        objects_.erase(found);
      }
      return Response::empty(204);
    }
    if (request.method != "GET" && request.method != "HEAD")
      return storage_error(405, "MethodNotAllowed");
    if (found == objects_.end()) return storage_error(404, "NoSuchKey");
    Response out;
    out.headers.emplace_back("Content-Type", "video/mp4");
    out.stream_length = found->second;
    out.fill = [key](std::uint64_t offset, std::size_t size) {
      std::string bytes;
      for (std::size_t i = 0; i < size; ++i)
        bytes.push_back(key[static_cast<std::size_t>((offset + i) % key.size())]);
      return bytes;
    };
    return out;
  }

  Response list_objects(const Request& request) {
    const std::string prefix = request.query_value("prefix");
    const std::string after = request.query_value("continuation-token");
    constexpr int kPage = 3;  // many pages, as above
    int count = 0;
    std::string contents;
    std::string last;
    bool more = false;
    for (const auto& [key, size] : objects_) {
      if (!key.starts_with(prefix) || key <= after) continue;
      if (count++ == kPage) {
        more = true;
        break;
      }
      last = key;
      contents +=
          "<Contents><Key>" + key + "</Key><Size>" + std::to_string(size) + "</Size></Contents>";
    }
    Response out;
    out.headers.emplace_back("Content-Type", "application/xml");
    out.body =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>" +
        bucket_ + "</Name><IsTruncated>" + (more ? "true" : "false") + "</IsTruncated>" +
        (more ? "<NextContinuationToken>" + last + "</NextContinuationToken>" : std::string()) +
        contents + "</ListBucketResult>";
    return out;
  }

  // --- the topic ---------------------------------------------------------------------------------

  [[nodiscard]] std::string topic() const {
    return "arn:aws:sns:" + keys_.region + ":" + kAccount + ":chime";
  }

  void post(Json message, const std::vector<std::string>& members) {
    message["MessageId"] = random_uuid();
    message["TopicArn"] = topic();
    message["Timestamp"] = iso_millis(context_.now_ms());
    message["SignatureVersion"] = "2";
    message["SigningCertURL"] = context_.base_url + "/SimpleNotificationService.pem";
    std::string text;
    for (const std::string& member : members)
      text += member + "\n" + text_of(message, member.c_str()) + "\n";
    message["Signature"] = signer_.sign(text);
    context_.callbacks.post(subscriber_,
                            {{"Content-Type", "text/plain; charset=UTF-8"},
                             {"x-amz-sns-message-type", text_of(message, "Type")},
                             {"User-Agent", "Amazon Simple Notification Service Agent"}},
                            message.dump(), callback_delay_ms_);
  }

  // Nothing is told before the subscription was confirmed.
  void subscribe() {
    if (subscriber_.empty()) return;
    token_ = random_hex(32);
    post({{"Type", "SubscriptionConfirmation"},
          {"Token", token_},
          {"Message", "You have chosen to subscribe to the topic " + topic()},
          {"SubscribeURL", context_.base_url + "/?Action=ConfirmSubscription&TopicArn=" +
                               percent_encode(topic()) + "&Token=" + token_}},
         {"Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"});
  }
  Response confirm(const Request& request) {
    const Lock lock(mutex_);
    if (token_.empty() || request.query_value("Token") != token_)
      return storage_error(400, "InvalidParameter");
    confirmed_ = true;
    context_.ledger.record(name(), "topic.confirmed", topic());
    Response out;
    out.headers.emplace_back("Content-Type", "text/xml");
    out.body = "<ConfirmSubscriptionResponse/>";
    for (const Json& message : waiting_) notify(message);
    waiting_.clear();
    return out;
  }
  void notify(const Json& inner) {
    post({{"Type", "Notification"}, {"Message", inner.dump()}},
         {"Message", "MessageId", "Timestamp", "TopicArn", "Type"});
  }

  void emit(const Meeting& meeting, const std::string& event, Json detail,
            const std::string& kind = "Chime Meeting State Change") {
    if (meeting.topic != topic() || subscriber_.empty()) return;
    detail["version"] = "0";
    detail["eventType"] = event;
    if (!detail.contains("timestamp"))
      detail["timestamp"] = static_cast<std::uint64_t>(context_.now_ms());
    detail["meetingId"] = meeting.id;
    detail["externalMeetingId"] = meeting.external;
    detail["mediaRegion"] = meeting.region;
    const Json inner{{"version", "0"},
                     {"source", "aws.chime"},
                     {"account", kAccount},
                     {"region", keys_.region},
                     {"detail-type", kind},
                     {"time", iso_seconds(context_.now_ms())},
                     {"resources", Json::array()},
                     {"detail", detail}};
    if (confirmed_) {
      notify(inner);
    } else {
      // The first message starts the subscription, and waits for its confirmation.
      if (token_.empty()) subscribe();
      waiting_.push_back(inner);
    }
  }

  // --- automation and controls -------------------------------------------------------------------

  // {"identities", "join_after_ms", "end_after_ms"}: people come and the meeting ends by itself.
  void automate(const Meeting& meeting) {
    if (!auto_.is_object()) return;
    timers_.after(auto_.value("join_after_ms", std::int64_t{0}), [this, id = meeting.id] {
      const Lock lock(mutex_);
      const auto found = meetings_.find(id);
      if (found == meetings_.end()) return;
      for (const Json& user : auto_.value("identities", Json::array()))
        join(found->second, invite(found->second, {{"ExternalUserId", user}}));
      if (!auto_.contains("end_after_ms")) return;
      timers_.after(auto_.value("end_after_ms", std::int64_t{0}), [this, id] {
        const Lock again(mutex_);
        const auto ending = meetings_.find(id);
        if (ending != meetings_.end()) end(ending->second, "auto");
      });
    });
  }

  Meeting& meeting_named(const std::string& name) {
    for (auto& [id, meeting] : meetings_) {
      if (id == name || meeting.external == name) return meeting;
    }
    throw not_found();
  }

  // subscribe; join {room, token}; leave, drop {room, identity}; hears {room, listener, speaker};
  // end {room}; fail {pipeline}.
  Response act(std::string_view what, const Json& body) {
    if (what == "subscribe") {
      subscriber_ = text_of(body, "url");
      confirmed_ = false;
      subscribe();
      return Response::empty(204);
    }
    if (what == "topic") return Response::json(200, {{"arn", topic()}, {"confirmed", confirmed_}});
    if (what != "join" && what != "leave" && what != "drop" && what != "end" && what != "hears" &&
        what != "deaf")
      return Service::control(what, body);
    Meeting& meeting = meeting_named(text_of(body, "room"));
    if (what == "deaf") {
      const std::string how = body.value("how", "Failed");
      if (how == "Failed" || how == "Stopped") {
        meeting.transcribed = false;
        context_.ledger.record(name(),
                               how == "Failed" ? "transcription.failed" : "transcription.stopped",
                               meeting.external);
      }
      emit(meeting, "chime:Transcription" + how, {{"message", "Internal server error"}});
      return Response::empty(204);
    }
    if (what == "hears") {
      const auto sound = [&](const char* who, const char* way) {
        return std::any_of(
            meeting.attendees.begin(), meeting.attendees.end(), [&](const Attendee& one) {
              return one.here && one.user == text_of(body, who) &&
                     text_of(one.capabilities, "Audio").find(way) != std::string::npos;
            });
      };
      return Response::json(200,
                            {{"hears", sound("listener", "Receive") && sound("speaker", "Send")}});
    }
    if (what == "end") {
      end(meeting, "control");
      return Response::empty(204);
    }
    for (Attendee& attendee : meeting.attendees) {
      if (what == "join" ? attendee.token != text_of(body, "token")
                         : attendee.user != text_of(body, "identity"))
        continue;
      if (what == "join") {
        join(meeting, attendee);
      } else {
        leave(meeting, attendee, what == "drop" ? "chime:AttendeeDropped" : "chime:AttendeeLeft");
      }
      return Response::json(200, attendee_json(attendee, false));
    }
    throw ApiError{403, "ForbiddenException", "The token opens nothing"};
  }

  Context context_;
  AwsKeys keys_;
  std::string bucket_;
  std::size_t media_bytes_ = 0;
  std::int64_t processing_ms_ = 0;
  std::uint32_t callback_delay_ms_ = 0;
  Json auto_;
  const Signer signer_;

  Mutex mutex_;  // protects what follows
  std::string subscriber_;
  std::string token_;
  bool confirmed_ = false;
  std::vector<Json> waiting_;
  std::map<std::string, Meeting> meetings_;
  Tokens meeting_by_token_;
  std::map<std::string, Pipeline> pipelines_;
  Tokens pipeline_by_token_;
  std::map<std::string, std::uint64_t> objects_;

  Timers timers_;  // last: its thread ends before anything it uses is gone
};

}  // namespace

std::unique_ptr<Service> make_chime(Context context, const Json& options) {
  return std::make_unique<Chime>(std::move(context), options);
}

}  // namespace rabt::sandbox
