// The role video: each action reads from top to bottom, describe the request, await the answer, say
// it in the words of the capability. What the outside system is asked here is an example: put yours
// in its place.
#include "outside.hpp"

namespace {

using namespace outside;

std::string status(const json& came) {
  return word(came, "state",
              {{"open", "in-progress"}, {"closed", "completed"}, {"broken", "failed"}});
}
json participants(const json& came) {
  json out = json::array();
  for (const json& one : list(came, "participants")) {
    json participant{{"role", text(one, "role")}, {"identity", text(one, "identity")}};
    if (has(one, "token")) participant["token"] = text(one, "token", 10000);
    out.push_back(participant);
  }
  return out;
}
json created(const json& came, const json&) {
  return {{"sessionId", text(came, "id")},
          {"status", status(came)},
          {"participants", participants(came)}};
}
json session(const json& came, const json& input) {
  json out = created(came, input);
  out["startedAt"] = has(came, "began") ? json(instant(came, "began")) : json();
  out["endedAt"] = has(came, "ended") ? json(instant(came, "ended")) : json();
  out["durationSeconds"] = has(came, "seconds") ? count(came, "seconds") : json(0);
  return out;
}
json ended(const json& came, const json&) {
  return {{"sessionId", text(came, "id")}, {"status", status(came)}};
}
json token(const json& came, const json&) {
  return {{"token", text(came, "token", 10000)}, {"expiresAt", count(came, "expires")}};
}
json removed(const json& came, const json& input) {
  return {{"sessionId", text_of(input, "sessionId")}, {"removed", flag(came, "removed")}};
}
json recording(const json& came, const json&) {
  return {{"sessionId", text(came, "id")}, {"recording", flag(came, "recording")}};
}
json recordings(const json& came, const json&) {
  json found = json::array();
  for (const json& one : list(came, "recordings"))
    found.push_back({{"recordingId", text(one, "id")}, {"kind", text(one, "kind")}});
  return {{"ready", flag(came, "complete")}, {"recordings", found}};
}

class @CLASS@ final : public Client {
 public:
  using Client::Client;

  // A delivery of the outside system, whose signature the hub has checked, becomes events of the
  // role. One that is Unreadable is refused with that text.
  Events normalise(const Delivery& delivery) {
    const json came = parsed(delivery.body);
    const std::string what = text(came, "event");
    json event{{"source", "https://api.example.org"}, {"id", text(came, "id")}};
    if (what != "session.closed" && what != "participant.joined") return {};
    event["subject"] = text(came, "session");
    json data{{"sessionId", text(came, "session")}};
    if (what == "session.closed") {
      event["type"] = "org.rabt.session.ended.v1";
    } else {
      event["type"] = "org.rabt.session.participant-joined.v1";
      data["identity"] = text(member(came, "participant"), "identity");
      data["role"] = text(member(came, "participant"), "role");
    }
    event["data"] = data;
    return {.json = json::array({event}).dump(), .error = {}};
  }

 protected:
  Task<Outcome> run(Call call) override {
    const json input = input_of(call);
    const std::string at = "/sessions/" + percent_encode(text_of(input, "sessionId"));
    if (call.action == "open-visit")
      co_return co_await send(call, post(call, "/sessions", call.input), created);
    if (call.action == "show-visit") co_return co_await send(call, get(at), session);
    if (call.action == "close-visit") co_return co_await send(call, post(call, at + "/end"), ended);
    if (call.action == "give-token")
      co_return co_await send(call, post(call, at + "/tokens", call.input), token);
    if (call.action == "put-out")
      co_return co_await send(call, post(call, at + "/removals", call.input), removed);
    if (call.action == "begin-recording")
      co_return co_await send(call, post(call, at + "/recording"), recording);
    if (call.action == "end-recording")
      co_return co_await send(call, post(call, at + "/recording/end"), recording);
    if (call.action == "show-recordings")
      co_return co_await send(call, get(at + "/recordings"), recordings);
    if (call.action == "copy-recording")
      co_return co_await fetch(call, text_of(input, "recordingId"));
    throw Refusal("@ID@.unknown_action", "there is no such action");
  }

 private:
  // Content never passes through the plugin: the hub streams it into its sealed store and gives a
  // handle.
  Task<Outcome> fetch(const Call& call, std::string id) {
    if (id.empty() || id.size() > 200)
      throw Refusal("@ID@.arguments", "recordingId has not 1 to 200 characters");
    HttpRequest request = get("/recordings/" + percent_encode(id) + "/content");
    request.to_blob = true;
    request.blob_content_type = "video/mp4";
    const HttpResult answer = co_await http(call, request);
    if (!succeeded(answer)) co_return failure(answer);
    if (answer.blob.empty()) co_return unreadable(false, Unreadable("there is no content"));
    json out{
        {"recordingId", id}, {"blob", answer.blob}, {"contentType", request.blob_content_type}};
    out["bytes"] = answer.blob_bytes;
    out["sha256"] = answer.blob_sha256;
    co_return done(out);
  }
};

}  // namespace

RABT_PLUGIN(@CLASS@, "@ID@", "0.1.0");
