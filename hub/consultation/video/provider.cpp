#include "hub/consultation/video/provider.hpp"

#include <chrono>
#include <future>

#include "hub/consultation/video/role.hpp"

namespace rabt::consultation {

namespace {

constexpr std::string_view kRole = "video";
// Tokens kept in memory; beyond, all are forgotten and asked for again.
constexpr std::size_t kMaxKept = 4096;

}  // namespace

std::string_view provider_role(PartRole role) {
  if (role == PartRole::patient) return "patient";
  return is_staff(role) ? "practitioner" : "guest";
}

bool VideoProvider::has(const Session& session, std::string_view feature) const {
  return has_feature_ && has_feature_(session.room.plugin, feature);
}
bool VideoProvider::serves(const Session& session, std::string_view capability) const {
  return actions_.find(session.room.plugin, capability, kVideoVersion).has_value();
}

bool VideoProvider::records(const Session& session) const {
  return serves(session, "video.recording.start") && serves(session, "video.recording.list") &&
         serves(session, "video.recording.fetch");
}

std::string VideoProvider::bound() const {
  const auto bindings = actions_.bindings();
  const auto found = bindings.find(std::string(kRole));
  return found == bindings.end() ? std::string() : found->second;
}

void VideoProvider::call(const Session& session, std::string_view capability, Json arguments,
                         std::string key, std::int64_t timeout_ms, std::uint32_t attempt,
                         plugin::Ended done) {
  plugin::CallRequest request;
  request.tenant = session.tenant;
  request.instance = session.id;
  request.patient = session.naming.pseudonym;
  request.role = std::string(kRole);
  request.target = session.room.plugin;
  request.action = std::string(capability);
  request.version = std::string(kVideoVersion);
  request.arguments = std::move(arguments);
  request.idempotency_key = std::move(key);
  request.deadline_unix_ms = clock_.now().ms + timeout_ms;
  request.attempt = attempt;
  actions_.invoke(std::move(request), [refused = refused_, target = session.room.plugin,
                                       done = std::move(done)](workflow::ActionOutcome outcome) {
    const bool taken = outcome.kind == workflow::OutcomeKind::done;
    const bool wrong = refuses_credentials(outcome);
    if (taken || wrong) {
      const Lock lock(refused->mutex);
      // That one provider takes its credentials says nothing of another's.
      if (wrong)
        refused->target = target;
      else if (refused->target == target)
        refused->target.clear();
    }
    done(std::move(outcome));
  });
}

Status VideoProvider::credentials() const {
  const Lock lock(refused_->mutex);
  return refused_->target.empty() ? ok_status() : Status(wrong_credentials(refused_->target));
}

Result<VideoProvider::Token> VideoProvider::token(const Session& session,
                                                  const Participant& participant,
                                                  std::int64_t seconds) {
  const std::string key = session.id + "/" + participant.id + "/" + session.room.sid;
  const std::int64_t now = clock_.now().ms;
  {
    const Lock lock(mutex_);
    const auto found = kept_.find(key);
    if (found != kept_.end() && now < found->second.half_ms) return found->second.token;
  }
  // The callback may come after the patience is over: it holds the promise.
  const auto answer = std::make_shared<std::promise<workflow::ActionOutcome>>();
  auto waiting = answer->get_future();
  Json arguments = Json::object({{"sessionId", session.room.sid},
                                 {"identity", participant.identity},
                                 {"role", provider_role(participant.role)},
                                 {"ttlSeconds", seconds}});
  if (only_receives(session.type, participant.role)) arguments.set("receiveOnly", true);
  call(session, "video.token.issue", std::move(arguments), key + "/" + std::to_string(now),
       kPatienceMs, 1,
       [answer](workflow::ActionOutcome outcome) { answer->set_value(std::move(outcome)); });
  if (waiting.wait_for(std::chrono::milliseconds(kPatienceMs + 1'000)) != std::future_status::ready)
    return unavailable("video.unavailable", "the video provider did not answer in time");
  const workflow::ActionOutcome outcome = waiting.get();
  if (refuses_credentials(outcome)) return wrong_credentials(session.room.plugin);
  if (outcome.kind != workflow::OutcomeKind::done) {
    RABT_TRY_STATUS(lets_people_in(actions_, session.room.plugin));
    return unavailable("video.unavailable", "the video provider gave no token: " + outcome.code +
                                                ", " + outcome.message);
  }
  Token token;
  token.token = outcome.output.string_or("token", "");
  if (token.token.empty())
    return unavailable("video.unavailable", "the video provider's answer holds no token");
  token.expires_ms = outcome.output.int_or("expiresAt", now / 1000 + seconds) * 1000;
  for (const std::string_view name : {"url", "room", "iceServers", "meeting", "attendee"}) {
    if (const Json* value = outcome.output.find(name)) token.more.set(name, *value);
  }
  const Lock lock(mutex_);
  if (kept_.size() >= kMaxKept) kept_.clear();
  kept_.insert_or_assign(
      key, Kept{.session = session.id, .half_ms = now + seconds * 500, .token = token});
  return token;
}

bool refuses_credentials(const workflow::ActionOutcome& outcome) {
  constexpr std::int64_t kUnauthorized = 401;
  if (outcome.kind != workflow::OutcomeKind::permanent) return false;
  const std::string reason = outcome.detail.string_or("reason", "");
  return reason.empty() ? outcome.detail.int_or("status", 0) == kUnauthorized
                        : reason == "credentials";
}

Error wrong_credentials(std::string_view plugin) {
  return unavailable("video.unavailable", "the video provider does not accept the credentials of " +
                                              std::string(plugin) +
                                              "; check its keys and secrets in the configuration");
}

void VideoProvider::forget(std::string_view session) {
  const Lock lock(mutex_);
  std::erase_if(kept_, [&](const auto& entry) { return entry.second.session == session; });
}

}  // namespace rabt::consultation
