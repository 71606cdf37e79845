#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/plugin/call.hpp"

namespace rabt::consultation {

// Asks whoever is bound to the role `video`. Internally synchronised.
class VideoProvider {
 public:
  using HasFeature = std::function<bool(std::string_view target, std::string_view feature)>;
  VideoProvider(plugin::ActionRunner& actions, const Clock& clock, HasFeature has_feature)
      : actions_(actions), clock_(clock), has_feature_(std::move(has_feature)) {}

  // The target behind the role, or an empty text.
  [[nodiscard]] std::string bound() const;

  // Abilities of a session's provider: a feature, or an action.
  [[nodiscard]] bool has(const Session& session, std::string_view feature) const;
  [[nodiscard]] bool serves(const Session& session, std::string_view action) const;
  // It makes recordings, and gives them to the hub.
  [[nodiscard]] bool records(const Session& session) const;

  struct Token {
    std::string token;
    std::int64_t expires_ms = 0;
    // More that the provider gives to join with: url, room, iceServers, meeting, attendee.
    Json more = Json::object();
  };
  // For one participant of one session; the same token again within half its life. Blocks until the
  // provider answered, for at most kPatience. Error unavailable video.unavailable.
  [[nodiscard]] Result<Token> token(const Session& session, const Participant& participant,
                                    std::int64_t seconds);
  // Tokens of the session are not handed out again.
  void forget(std::string_view session);

  // done runs exactly once, from any thread.
  void call(const Session& session, std::string_view action, Json arguments, std::string key,
            std::int64_t timeout_ms, std::uint32_t attempt, plugin::Ended done);

  // Error unavailable video.unavailable while the provider does not take the credentials of its
  // plugin: what it answered last to any call.
  [[nodiscard]] Status credentials() const;

  static constexpr std::int64_t kPatienceMs = 10'000;

 private:
  struct Kept {
    std::string session;
    std::int64_t half_ms = 0;
    Token token;
  };
  plugin::ActionRunner& actions_;
  const Clock& clock_;
  const HasFeature has_feature_;
  // The target that was refused, or an empty text. Outcomes may come after this object is gone.
  struct Refused {
    Mutex mutex;
    std::string target RABT_GUARDED_BY(mutex);
  };
  const std::shared_ptr<Refused> refused_ = std::make_shared<Refused>();

  Mutex mutex_;
  // By session, participant and room.
  std::map<std::string, Kept, std::less<>> kept_ RABT_GUARDED_BY(mutex_);
};

// True if the provider refused the credentials of its plugin.
[[nodiscard]] bool refuses_credentials(const workflow::ActionOutcome& outcome);
// Error that people are told then. plugin: plugin://twilio.
[[nodiscard]] Error wrong_credentials(std::string_view plugin);

// Name of a role in the capability.
[[nodiscard]] std::string_view provider_role(PartRole role);

}  // namespace rabt::consultation
