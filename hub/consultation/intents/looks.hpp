#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/intent.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Looks at rooms that are open: news of a provider may be lost. Caller synchronises.
class Looks {
 public:
  // Starts the call of an intent that stands in no row. False when no more calls may be under way.
  using Call = std::function<bool(const Intent& intent, const Session& session)>;
  Looks(Acts& acts, VideoProvider& video) : acts_(acts), video_(video) {}

  // Starts the looks that are due. True if there were any.
  bool turn(const Call& call);
  // Answer of video.session.get.
  void looked(const Intent& intent, const Json& output);
  // Applies the provider's list of people: enters joins and leaves whose events were lost.
  [[nodiscard]] Status people_of(std::string_view session, const Json& people);
  // The provider transcribes a session from now on.
  void transcribes(std::string_view session);

 private:
  bool listen(std::int64_t now, const Call& call);
  [[nodiscard]] static Intent look(const Session& session, std::int64_t now);
  [[nodiscard]] Status absent_ones(const Session& session, const Json& people,
                                   std::int64_t asked_ms);
  [[nodiscard]] Status listened(const Session& session, std::int64_t asked_ms,
                                std::string_view status);

  Acts& acts_;
  VideoProvider& video_;
  // When the provider is asked next about the rooms that are open.
  std::int64_t reconcile_ms_ = 0;
  // By session: where the provider is known to transcribe since then, and when it is asked next.
  // Lost at a restart: the next look at all rooms fills it again.
  struct Listening {
    std::int64_t since_ms = 0;
    std::int64_t due_ms = 0;
  };
  std::map<std::string, Listening, std::less<>> listening_;
};

// Kind of the intents of looks, which are never stored.
inline constexpr std::string_view kLook = "look";
inline constexpr std::string_view kTranscriptionFailed = "video.transcription_failed";
inline constexpr std::string_view kTranscriptionStopped = "video.transcription_stopped";

// The provider started anew and knows the room no more; nobody ended the visit. The next token
// opens the room again under its name: tokens of the old one are handed out no more, and people are
// told.
[[nodiscard]] Status lose_room(Acts& acts, VideoProvider& video, std::string_view session);
// An act of the hub about what was learnt.
[[nodiscard]] Status enter(Acts& acts, std::string_view session, const Command& command);

}  // namespace rabt::consultation
