#pragma once

#include "hub/base/metrics.hpp"
#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/intents/intents.hpp"
#include "hub/consultation/intents/provider_events.hpp"
#include "hub/consultation/rows/parts.hpp"
#include "hub/consultation/sessions/creation.hpp"
#include "hub/consultation/sessions/days.hpp"
#include "hub/consultation/sessions/entry.hpp"
#include "hub/consultation/sessions/guests.hpp"
#include "hub/consultation/sessions/invitations.hpp"
#include "hub/consultation/sessions/life.hpp"
#include "hub/consultation/sessions/people.hpp"
#include "hub/consultation/sessions/reading.hpp"
#include "hub/consultation/sessions/recordings.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Video sessions: one state machine whichever door a request comes through. The services behind
// /api/v1/sessions, the compatibility APIs and hub://session stand side by side over the same acts.
// Internally synchronised; every act blocks for one commit.
class Sessions {
  // Constant after construction.
  const SessionParts parts_;
  VideoProvider video_;

 public:
  explicit Sessions(SessionParts parts);
  ~Sessions() { stop(); }
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  Acts acts;
  Intents intents;
  ProviderEvents provider_events;
  SessionRecordings recordings;
  SessionReading reading;
  SessionEntry entry;
  SessionCreation creation;
  SessionLife life;
  SessionDays days;
  SessionPeople people;
  SessionInvitations invitations;
  SessionGuests guests;

  // Before the first request. The surroundings outlive the service.
  void surround(Surroundings& around) { acts.surround(around); }
  // Before begin.
  void keep_said(RecordingWork::KeepSaid keep) { intents.recordings().keep_said(std::move(keep)); }
  // Starts the thread that asks the video provider, watches the time and tells events.
  void begin(Deliver deliver) { intents.start(std::move(deliver)); }
  // Stops it. Calls in flight are taken up by the next start.
  void stop() { intents.stop(); }
  // Does what is due by now: timers, calls of the provider, deliveries. For whoever moves the
  // clock.
  void catch_up() { intents.turn(); }
  void write_metrics(MetricsWriter& out) const;
  [[nodiscard]] const VideoSettings& settings() const { return parts_.settings; }
  // Error unavailable video.unavailable while the video provider refuses the credentials of its
  // plugin.
  [[nodiscard]] Status video_credentials() const { return video_.credentials(); }
};

inline void write_metrics(const Sessions& sessions, MetricsWriter& out) {
  sessions.write_metrics(out);
}

}  // namespace rabt::consultation
