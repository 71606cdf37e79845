#include "hub/consultation/sessions/sessions.hpp"

#include <utility>

namespace rabt::consultation {

Sessions::Sessions(SessionParts parts)
    : parts_(std::move(parts)),
      video_(parts_.actions, parts_.clock, parts_.has_feature),
      acts(parts_, video_),
      intents(acts, video_),
      provider_events(acts, video_, intents.recordings()),
      recordings(acts),
      reading(acts, recordings),
      entry(acts, video_, intents),
      creation(acts, video_, entry),
      life(acts, reading),
      days(acts, life),
      people(acts, video_, entry),
      invitations(acts, entry),
      guests(acts, entry) {
  acts.on_work([this] { intents.wake(); });
}

void Sessions::write_metrics(MetricsWriter& out) const {
  acts.write_metrics(out);
  entry.write_metrics(out);
  intents.write_metrics(out);
}

}  // namespace rabt::consultation
