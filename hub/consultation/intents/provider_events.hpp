#pragma once

#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/recording_work.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Events that the video provider sends about its rooms. Internally synchronised.
class ProviderEvents {
 public:
  ProviderEvents(Acts& acts, VideoProvider& video, RecordingWork& recordings)
      : acts_(acts), video_(video), recordings_(recordings) {}

  // org.rabt.session.*; others are ignored. A repeat changes nothing. Error unavailable: it could
  // not be stored, so the sender must repeat it.
  [[nodiscard]] Status take(const Json& event);

 private:
  [[nodiscard]] Status enter_event(std::string_view session, std::string_view type,
                                   const Json& data, Timestamp at);
  // Stores a provider's measurement of a line as a ten-second sample, like those of clients.
  [[nodiscard]] Status quality(std::string_view session, const Json& data, Timestamp at);

  Acts& acts_;
  VideoProvider& video_;
  RecordingWork& recordings_;
};

}  // namespace rabt::consultation
