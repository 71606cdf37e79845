#include "tools/demo/video.hpp"

#include "tools/demo/booking.hpp"

namespace rabt::demo {

Status StandIn::hub_is_up(const std::string& hub_url) {
  if (name_ != "chime") return ok_status();
  RABT_TRY_STATUS(
      doors_.control("chime/subscribe", Json::object({{"url", hub_url + "/hooks/chime"}})));
  return ok_status();
}

Video::Words StandIn::secrets() const {
  if (name_ == "chime") return {{"chime-secret-access-key", std::string(kDemoChimeSecret)}};
  return {{"twilio-auth-token", std::string(kDemoAuthToken)},
          {"twilio-api-key-secret", std::string(kDemoApiKeySecret)}};
}

Status StandIn::enter(const std::string& /*who*/, const std::string& room, const Json& given) {
  RABT_TRY_STATUS(
      doors_.control(name_ + "/join", Json::object({{"room", room}, {"token", given["token"]}})));
  return ok_status();
}

Status StandIn::recording(const std::string& /*room*/) {
  if (doors_.effects("recording.started") > 0) return ok_status();
  return unavailable("demo.waits", "the recording has not begun yet");
}

Result<std::string> StandIn::rooms() {
  const std::int64_t count = doors_.effects("room.created");
  if (count == 1) return std::string("1 room");
  return internal("demo.rooms", std::to_string(count) + " rooms were made for one visit");
}

}  // namespace rabt::demo
