#include "tools/demo/janus.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "hub/base/bytes.hpp"
#include "hub/net/local_http.hpp"
#include "tools/demo/booking.hpp"
#include "tools/demo/template.hpp"

namespace rabt::embedded {
extern const std::string_view demo_call;
}  // namespace rabt::embedded

namespace rabt::demo {

namespace {

namespace fs = std::filesystem;

constexpr int kPatience = 600;
constexpr std::chrono::milliseconds kPause{100};
constexpr const char* kName = "demo";

Error failed(const std::string& why) {
  return unavailable("demo.janus", why);
}

// Janus carries no media over the loopback interface: it takes another address of this machine.
std::string own_address() {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::string found;
  for (const ifaddrs* one = all; one != nullptr && found.empty(); one = one->ifa_next) {
    if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET ||
        (one->ifa_flags & IFF_LOOPBACK) != 0 || (one->ifa_flags & IFF_UP) == 0)
      continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    sockaddr_in address{};
    std::memcpy(&address, one->ifa_addr, sizeof address);
    if (::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size()) != nullptr)
      found = text.data();
  }
  ::freeifaddrs(all);
  return found;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Ends with us, however we end.
std::vector<std::string> bound(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"/usr/bin/setpriv", "--pdeathsig", "TERM"});
  return arguments;
}

}  // namespace

Status JanusServers::start(const Place& place, Random& random) {
  folder_ = place.folder;
  root_ = place.root;
  std::error_code failure;
  fs::create_directories(recordings(), failure);
  if (failure) return failed(folder_ + " cannot be made: " + failure.message());
  const std::string address = place.address.empty() ? own_address() : place.address;
  if (address.empty())
    return failed("this machine has no address but the loopback one, which Janus cannot use");
  values_ = {{"name", kName},
             {"root", root_},
             {"folder", folder_},
             {"hook", place.hook},
             {"address", address}};
  RABT_TRY_STATUS(take_secrets(random));
  for (const char* name : {"admin_port", "client_port", "turn_port", "shelf_port"}) {
    const auto wanted = place.ports.find(name);
    if (wanted != place.ports.end()) {
      values_[name] = std::to_string(wanted->second);
      continue;
    }
    RABT_TRY(port, free_port());
    values_[name] = std::to_string(port);
  }
  values_["rtp_ports"] = "21000-21400";
  values_["turn_low"] = "21500";
  values_["turn_high"] = "21700";
  for (const char* name :
       {"janus.jcfg", "janus.plugin.videoroom.jcfg", "janus.transport.http.jcfg",
        "janus.transport.websockets.jcfg", "janus.eventhandler.sampleevh.jcfg", "turnserver.conf"})
    RABT_TRY_STATUS(write_file(name));
  RABT_TRY_STATUS(link_modules());
  RABT_TRY_STATUS(turn_.start(bound({"/usr/bin/turnserver", "-c", folder_ + "/turnserver.conf"}),
                              folder_ + "/turn.log"));
  RABT_TRY_STATUS(shelf_.start(
      {place.bin + "/rabt-janus-shelf", "--recordings", recordings(), "--secret-file",
       secrets() + "/shelf-secret", "--port", values_.at("shelf_port"), "--die-with-parent"},
      folder_ + "/shelf.log"));
  return restart_janus();
}

Status JanusServers::restart_janus() {
  janus_.kill();
  RABT_TRY_STATUS(
      janus_.start(bound({"/usr/bin/janus", "-C", folder_ + "/janus.jcfg", "-F", folder_}),
                   folder_ + "/janus.log"));
  return wait_for_janus();
}

void JanusServers::stop() {
  janus_.stop();
  turn_.stop();
  shelf_.stop();
}

// Fills a file of config/janus into the folder.
Status JanusServers::write_file(const std::string& name) const {
  const std::string from = root_ + "/config/janus/" + name;
  const std::string text = read_file(from);
  if (text.empty()) return failed(from + " cannot be read");
  if (!write_text(folder_ + "/" + name, filled(text, values_)))
    return failed(folder_ + " cannot be written");
  return ok_status();
}

Result<std::string> JanusServers::write_hub_configuration() const {
  RABT_TRY_STATUS(write_file("rabt.yaml"));
  return folder_ + "/rabt.yaml";
}

Status JanusServers::take_secrets(Random& random) {
  std::error_code failure;
  fs::create_directories(secrets(), failure);
  fs::permissions(secrets(), fs::perms::owner_all, failure);
  if (failure) return failed(secrets() + " cannot be made: " + failure.message());
  for (const char* name : {"admin_secret", "admin_key", "token_secret", "turn_secret",
                           "shelf_secret", "events_secret"}) {
    std::string file = secrets() + "/" + name;
    std::replace(file.end() - static_cast<std::ptrdiff_t>(std::strlen(name)), file.end(), '_', '-');
    std::string& value = values_[name];
    value = read_file(file);
    while (value.ends_with('\n')) value.pop_back();
    if (!value.empty()) continue;
    std::array<std::uint8_t, 24> raw{};
    random.fill(raw);
    value = to_hex(raw);
    if (!write_text(file, value)) return failed(file + " cannot be written");
  }
  return ok_status();
}

std::string JanusServers::ended() {
  if (!janus_.running()) return "janus";
  if (!turn_.running()) return "turnserver";
  return shelf_.running() ? std::string() : std::string("rabt-janus-shelf");
}

// Links the modules that are needed, so that Janus loads no others.
Status JanusServers::link_modules() {
  fs::path installed;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator("/usr/lib", failure)) {
    if (fs::exists(entry.path() / "janus/plugins/libjanus_videoroom.so"))
      installed = entry.path() / "janus";
  }
  if (installed.empty()) return failed("the package janus is not installed");
  for (const char* program : {"/usr/bin/janus-pp-rec", "/usr/bin/turnserver", "/usr/bin/ffmpeg"}) {
    if (!fs::exists(program)) return failed(std::string(program) + " is not installed");
  }
  for (const char* module : {"plugins/libjanus_videoroom.so", "transports/libjanus_http.so",
                             "transports/libjanus_websockets.so", "events/libjanus_sampleevh.so"}) {
    const fs::path link = fs::path(folder_) / module;
    fs::create_directories(link.parent_path(), failure);
    fs::remove(link, failure);
    fs::create_symlink(installed / module, link, failure);
    if (failure) return failed(link.string() + " cannot be made: " + failure.message());
  }
  fs::create_directories(folder_ + "/loggers", failure);
  return ok_status();
}

Status JanusServers::wait_for_janus() {
  net::LocalHttp http;
  for (int i = 0; i < kPatience && janus_.running(); ++i) {
    const auto answer = http.json("POST", admin_url(), {{"Content-Type", "application/json"}},
                                  R"({"janus":"ping","transaction":"1"})");
    if (answer.ok()) return ok_status();
    std::this_thread::sleep_for(kPause);
  }
  return failed("Janus did not start; see " + folder_ + "/janus.log");
}

std::string JanusServers::admin_url() const {
  return "http://127.0.0.1:" + values_.at("admin_port") + "/admin";
}
std::string JanusServers::shelf_url() const {
  return "http://127.0.0.1:" + values_.at("shelf_port");
}
std::string JanusServers::client_url() const {
  return "ws://127.0.0.1:" + values_.at("client_port");
}
std::uint16_t JanusServers::turn_port() const {
  return static_cast<std::uint16_t>(std::stoi(values_.at("turn_port")));
}

Json JanusServers::plugin() const {
  const std::string turn = "turn:" + values_.at("address") + ":" + values_.at("turn_port");
  return Json::object(
      {{"instances", Json::array({Json::object({{"name", kName},
                                                {"admin_url", admin_url()},
                                                {"client_url", client_url()},
                                                {"shelf_url", shelf_url()},
                                                {"recordings_dir", recordings()}})})},
       {"turn_urls", Json::array({turn + "?transport=udp", turn + "?transport=tcp"})}});
}

Status CallPage::start(const std::string& folder, const Json& given) {
  const std::string id = given.string_or("id", "");
  const std::string own = folder + "/browser-" + id;
  std::error_code failure;
  fs::create_directories(own, failure);
  log_ = own + "/log";
  fs::remove(log_, failure);
  if (!write_text(own + "/call.html", std::string(embedded::demo_call)))
    return failed(own + " cannot be written");
  std::string hash;
  for (const char c : given.dump()) {
    const auto u = static_cast<std::uint8_t>(c);
    hash += "%" + to_hex(std::array<std::uint8_t, 1>{u});
  }
  if (!fs::exists("/usr/bin/chromium")) return failed("the package chromium is not installed");
  return browser_.start(
      bound({"/usr/bin/chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--mute-audio", "--no-first-run",
             "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
             "--autoplay-policy=no-user-gesture-required",
             "--disable-features=WebRtcHideLocalIpsWithMdns", "--enable-logging=stderr",
             "--user-data-dir=" + own, "file://" + own + "/call.html#" + hash}),
      log_);
}

Json CallPage::seen() const {
  const std::string said = read_file(log_);
  constexpr std::string_view kMark = "\"RABT {";
  const auto at = said.rfind(kMark);
  if (at == std::string::npos) return {};
  const auto begin = at + kMark.size() - 1;
  const auto end = said.find("}\", source", begin);
  if (end == std::string::npos) return {};
  const auto json = Json::parse(std::string_view(said).substr(begin, end + 1 - begin));
  return json.ok() ? *json : Json();
}

bool CallPage::wait(std::int64_t limit_ms, const std::function<bool(const Json&)>& holds) {
  for (std::int64_t waited = 0; waited < limit_ms; waited += kPause.count()) {
    const Json now = seen();
    if (now.is_object() && holds(now)) return true;
    std::this_thread::sleep_for(kPause);
  }
  return false;
}

}  // namespace rabt::demo
