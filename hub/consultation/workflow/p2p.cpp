#include "hub/consultation/workflow/p2p.hpp"

#include "hub/consultation/workflow/service.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::consultation {

namespace {

using plugin::ActionSpec;
using plugin::CallRequest;
using workflow::ActionOutcome;

constexpr std::int64_t kTimeoutMs = 1'000;
constexpr std::int64_t kDefaultSeconds = 3'600;
constexpr std::size_t kTokenBytes = 16;

Json urls(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& url : list) out.push_back(url);
  return out;
}

Json any_of(std::string_view type) {
  return Json::object({{"type", type}});
}

ActionSpec spec(std::string name, std::string title, std::string capability,
                std::initializer_list<std::string_view> required, Json properties) {
  // A member that another provider uses does no harm.
  Json names = Json::array();
  for (const std::string_view text : required) names.push_back(text);
  const bool reads = name == "get-session";
  return {.name = std::move(name),
          .version = "1.0.0",
          .title = std::move(title),
          .idempotency = "native",
          .timeout_ms = kTimeoutMs,
          .channel = {},
          .capability = std::move(capability),
          .input_schema = Json::object({{"type", "object"},
                                        {"required", std::move(names)},
                                        {"properties", std::move(properties)}}),
          .output_schema = any_of("object"),
          .reads = reads};
}

class P2pVideo final : public plugin::HubService {
 public:
  P2pVideo(IceServers servers, const Clock& clock, Random& random)
      : servers_(std::move(servers)), clock_(clock), random_(random) {}
  [[nodiscard]] std::string name() const override { return "p2p"; }
  [[nodiscard]] std::vector<ActionSpec> actions() const override { return p2p_actions(); }
  void invoke(const CallRequest& call, plugin::Ended ended) override { ended(answer(call)); }

 private:
  [[nodiscard]] ActionOutcome answer(const CallRequest& call) const;
  [[nodiscard]] ActionOutcome token(const CallRequest& call) const;

  const IceServers servers_;
  const Clock& clock_;
  Random& random_;
};

ActionOutcome P2pVideo::token(const CallRequest& call) const {
  Bytes bytes(kTokenBytes);
  random_.fill(bytes);
  const std::int64_t until =
      clock_.now().ms / 1000 + call.arguments.int_or("ttlSeconds", kDefaultSeconds);
  const std::string identity = call.arguments.string_or("identity", "");
  return done(Json::object({{"token", to_hex(bytes)},
                            {"expiresAt", until},
                            {"room", call.arguments["sessionId"]},
                            {"url", "/api/v1/stream"},
                            {"iceServers", ice_servers(servers_, identity, until)}}));
}

// A table: one line an action.
ActionOutcome P2pVideo::answer(const CallRequest& call) const {
  const Json& with = call.arguments;
  const Json& room = with["sessionId"];
  if (call.action == "create-session") {
    Json people = Json::array();
    if (with["participants"].is_array()) {
      for (const Json& item : with["participants"].as_array())
        people.push_back(Json::object({{"role", item["role"]}, {"identity", item["identity"]}}));
    }
    return done(Json::object({{"sessionId", with["reference"]},
                              {"status", "in-progress"},
                              {"participants", std::move(people)}}));
  }
  if (call.action == "issue-token") return token(call);
  // Presence and the end of the call are known to the hub itself.
  if (call.action == "get-session")
    return done(Json::object({{"sessionId", room}, {"status", "in-progress"}}));
  if (call.action == "end-session")
    return done(Json::object({{"sessionId", room}, {"status", "completed"}}));
  // The words of a removed participant are handed on by nobody.
  return done(Json::object({{"sessionId", room}, {"removed", true}}));
}

}  // namespace

Json ice_servers(const IceServers& servers, std::string_view identity, std::int64_t until_seconds) {
  Json out = Json::array();
  if (!servers.stun.empty()) out.push_back(Json::object({{"urls", urls(servers.stun)}}));
  if (servers.turn.empty() || servers.turn_secret == nullptr) return out;
  const std::string user = std::to_string(until_seconds) + ":" + std::string(identity);
  out.push_back(Json::object(
      {{"urls", urls(servers.turn)},
       {"username", user},
       {"credential", to_base64(crypto::hmac_sha1(servers.turn_secret->expose(), user))}}));
  return out;
}

std::vector<ActionSpec> p2p_actions() {
  const auto room = [] { return Json::object({{"sessionId", any_of("string")}}); };
  const auto person = [] {
    return Json::object({{"sessionId", any_of("string")},
                         {"identity", Json::object({{"type", "string"}, {"x-phi", true}})}});
  };
  return {
      spec("create-session", "Open a room", "video.session.create/1", {"reference", "participants"},
           Json::object({{"reference", any_of("string")}, {"participants", any_of("array")}})),
      spec("get-session", "Look at a room", "video.session.get/1", {"sessionId"}, room()),
      spec("end-session", "Close a room", "video.session.end/1", {"sessionId"}, room()),
      spec("issue-token", "Say how one participant reaches the others", "video.token.issue/1",
           {"sessionId", "identity"}, person()),
      spec("remove-participant", "Put one participant out", "video.participant.remove/1",
           {"sessionId", "identity"}, person())};
}

std::shared_ptr<plugin::HubService> make_p2p_video(IceServers servers, const Clock& clock,
                                                   Random& random) {
  return std::make_shared<P2pVideo>(std::move(servers), clock, random);
}

}  // namespace rabt::consultation
