#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/intents.hpp"
#include "hub/consultation/sessions/entry_requests.hpp"
#include "hub/consultation/sessions/session_requests.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Ways into the call and out of it, and the tokens that open it. Internally synchronised.
class SessionEntry {
 public:
  SessionEntry(Acts& acts, VideoProvider& video, Intents& intents)
      : acts_(acts), video_(video), intents_(intents) {}

  Result<JoinedView> join(const Caller& caller, const Asked<JoinCall>& asked);
  // Joins, as join() does. hub://session names the participant.
  Result<TokenView> token(const Caller& caller, const Asked<OfParticipant>& asked);
  // The same for the news of an admission, by which nobody comes in.
  Result<TokenView> told_token(const Caller& caller, const Asked<OfSession>& asked);
  Result<ParticipantView> leave(const Caller& caller, const Asked<OfParticipant>& asked);

  // The one whom an act was about. The media token is in it only where the caller may have it.
  [[nodiscard]] Result<AdmissionView> admission(const Caller& caller, const Acted& acted);
  // The one that the commit of an admission keeps. The provider's token comes later.
  [[nodiscard]] Result<AdmissionView> waiting_admission(const Caller& caller,
                                                        const Session& session,
                                                        const Change& change) const;
  // The same as an answer. The caller outlives it.
  [[nodiscard]] Acts::Shape admission_shape(const Caller& caller) const;
  // Tokens of the host that the caller is, and of an organizer without an account for the
  // application that made the session. Empty before the room is open.
  [[nodiscard]] Result<std::vector<HostTokenView>> host_tokens(const Caller& caller,
                                                               const Session& session);
  // The session with its room, as soon as the provider has opened it; as it is after `patience_ms`.
  [[nodiscard]] Result<Session> with_room(const Session& session, std::int64_t patience_ms) const;
  void write_metrics(MetricsWriter& out) const;

 private:
  // Token that a participant connects with: the provider's once admitted, before that one for the
  // live channel alone.
  struct Access {
    std::string token;
    std::string use;
    std::optional<MediaView> media{};
  };
  // Every way in goes through here: a media token that is handed out has an entry token.issued.
  // required: an error where the participant is admitted and there is no media token.
  [[nodiscard]] Result<Access> access_of(const Caller& caller, const Session& session,
                                         std::string_view participant, bool required);
  // The provider's token, or the one for the waiting room.
  [[nodiscard]] Result<Access> open_access(const Session& session, std::string_view participant,
                                           bool required);
  [[nodiscard]] Result<Access> waiting_access(const Session& session,
                                              const Participant& participant) const;
  [[nodiscard]] Result<TokenView> give_token(const Caller& caller, const OfParticipant& request,
                                             bool joins);
  [[nodiscard]] Result<Acted> come_in(const Caller& caller, const JoinCall& request);
  [[nodiscard]] AdmissionView admission_of(const Caller& caller, const Session& session,
                                           const Participant& participant,
                                           const Access& access) const;

  Acts& acts_;
  VideoProvider& video_;
  Intents& intents_;
  std::atomic<std::uint64_t> tokens_{0};
};

}  // namespace rabt::consultation
