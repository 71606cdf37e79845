#include "tools/demo/janus_video.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/net/local_http.hpp"

namespace rabt::demo {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFewFrames = 5;
constexpr std::int64_t kFewPackets = 20;
constexpr std::int64_t kProbeMs = 60'000;

bool hears_and_sees(const Json& seen) {
  return seen.int_or("frames", 0) > kFewFrames && seen.int_or("audio", 0) > kFewPackets;
}

}  // namespace

Status JanusVideo::start(const std::string& hub_url) {
  return servers_.start(
      {.folder = folder_, .root = root_, .bin = bin_, .hook = hub_url + "/hooks/janus"}, random_);
}

Video::Words JanusVideo::words() const {
  const std::string admin = servers_.admin_url();
  return {{"janus", servers_.secrets()},
          {"janus_config", servers_.plugin().dump()},
          {"janus_admin", admin.substr(0, admin.rfind('/'))},
          {"janus_shelf", servers_.shelf_url()}};
}

Status JanusVideo::enter(const std::string& who, const std::string& /*room*/, const Json& given) {
  std::unique_ptr<CallPage>& page = pages_[who];
  if (page != nullptr && page->running()) return ok_status();
  page = std::make_unique<CallPage>();
  // The doctor sits behind a firewall that lets only the TURN server through.
  const Json& media = given["media"];
  return page->start(folder_, Json::object({{"url", media["url"]},
                                            {"token", media["token"]},
                                            {"room", media["room"]},
                                            {"id", media["identity"]},
                                            {"iceServers", media["iceServers"]},
                                            {"relayOnly", who == "doctor"}}));
}

Status JanusVideo::together() {
  for (const auto& [who, page] : pages_) {
    if (!page->running())
      return unavailable("demo.browser", "the browser of the " + who + " has ended");
    const Json seen = page->seen();
    if (!hears_and_sees(seen))
      return unavailable("demo.waits",
                         "the " + who + " does not hear and see the other yet: " +
                             (seen.is_null() ? "the page has not begun" : seen.dump()));
  }
  return ok_status();
}

Status JanusVideo::recording(const std::string& room) {
  std::error_code failure;
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(servers_.recordings() + "/" + room, failure)) {
    const std::uintmax_t size = file.file_size(failure);
    if (!failure) bytes += size;
  }
  // A file that holds its first words and no sound is smaller.
  constexpr std::uintmax_t kSome = 4096;
  if (bytes > kSome) return ok_status();
  return unavailable("demo.waits", "Janus has recorded " + std::to_string(bytes) + " bytes so far");
}

void JanusVideo::leave() {
  said_.clear();
  for (const auto& [who, page] : pages_) {
    said_[who] = page->seen();
    page->close();
  }
  pages_.clear();
}

std::string JanusVideo::told() const {
  std::string out;
  for (const auto& [who, seen] : said_) {
    if (!out.empty()) out += "; ";
    out += "the " + who + " saw " + std::to_string(seen.int_or("frames", 0)) +
           " pictures and got " + std::to_string(seen.int_or("audio", 0)) + " packets of sound" +
           (seen.bool_or("relayed", false) ? ", through the TURN server" : "");
  }
  return out;
}

Result<std::string> JanusVideo::look(const std::string& recording) {
  const std::string file = folder_ + "/look.webm";
  const std::string said = folder_ + "/look.json";
  std::error_code ignored;
  fs::remove(said, ignored);
  std::ofstream(file, std::ios::binary) << recording;
  ChildProcess probe;
  RABT_TRY_STATUS(probe.start({"/usr/bin/ffprobe", "-v", "quiet", "-print_format", "json",
                               "-show_streams", "-show_format", file},
                              said));
  probe.wait(kProbeMs);
  fs::remove(file, ignored);
  std::ifstream in(said, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  RABT_TRY(probed, Json::parse(text));
  std::string picture;
  std::string sound;
  if (probed["streams"].is_array()) {
    for (const Json& stream : probed["streams"].as_array()) {
      const std::string kind = stream.string_or("codec_type", "");
      if (kind == "audio") sound = stream.string_or("codec_name", "");
      if (kind == "video")
        picture = stream.string_or("codec_name", "") + " " +
                  std::to_string(stream.int_or("width", 0)) + "x" +
                  std::to_string(stream.int_or("height", 0));
    }
  }
  if (picture.empty() || sound.empty())
    return internal("demo.recording",
                    "the recording holds no " + std::string(picture.empty() ? "picture" : "sound"));
  return picture + " and " + sound + ", " + probed["format"].string_or("duration", "?") + " s";
}

Result<std::string> JanusVideo::rooms() {
  net::LocalHttp http;
  const Json ask = Json::object(
      {{"janus", "message_plugin"},
       {"transaction", "rooms"},
       {"admin_secret", servers_.secret("admin_secret")},
       {"plugin", "janus.plugin.videoroom"},
       {"request",
        Json::object({{"request", "list"}, {"admin_key", servers_.secret("admin_key")}})}});
  RABT_TRY(answer, http.json("POST", servers_.admin_url(), {{"Content-Type", "application/json"}},
                             ask.dump()));
  const Json& list = answer["response"]["list"];
  if (!list.is_array()) return internal("demo.rooms", "Janus does not list its rooms");
  if (list.size() != 0)
    return internal("demo.rooms", std::to_string(list.size()) + " rooms are left at Janus");
  return std::string("no room left at Janus");
}

}  // namespace rabt::demo
