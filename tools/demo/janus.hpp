#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "tools/demo/child_process.hpp"

// A Janus, a TURN server and the shelf of recordings on this machine, and people who call through
// them with a browser that nobody sees.
namespace rabt::demo {

// Caller synchronises. The processes end with this object.
class JanusServers {
 public:
  struct Place {
    // For all that the servers write; it is made.
    std::string folder;
    // The project's folder, with config/janus.
    std::string root;
    // The folder of our programs.
    std::string bin;
    // The URL to which Janus reports.
    std::string hook;
    // The address of this machine that carries media; its first one while this is empty.
    std::string address{};
    // By name: admin_port, client_port, turn_port, shelf_port. A port that is not named is a free
    // one.
    std::map<std::string, int, std::less<>> ports{};
  };
  // Secrets that stand in the folder stay as they are. Error: demo.janus, with what is missing.
  [[nodiscard]] Status start(const Place& place, Random& random);
  // Stops and starts Janus alone, as after a crash.
  [[nodiscard]] Status restart_janus();
  void kill_janus() { janus_.kill(); }
  void stop();
  // Fills config/janus/rabt.yaml, the configuration of a hub beside these servers, into the folder.
  // Returns the file.
  [[nodiscard]] Result<std::string> write_hub_configuration() const;
  // The name of a server that has ended, or nothing.
  [[nodiscard]] std::string ended();

  // The configuration of the plugin.
  [[nodiscard]] Json plugin() const;
  // By the names of the plugin's secrets; that of the source is events_secret.
  [[nodiscard]] const std::string& secret(const std::string& name) const {
    return values_.at(name);
  }
  // A file for each secret: admin-secret, admin-key, token-secret, turn-secret, shelf-secret,
  // events-secret.
  [[nodiscard]] std::string secrets() const { return folder_ + "/secrets"; }
  [[nodiscard]] std::string admin_url() const;
  [[nodiscard]] std::string shelf_url() const;
  [[nodiscard]] std::string client_url() const;
  // Address that the TURN server listens on.
  [[nodiscard]] const std::string& address() const { return values_.at("address"); }
  [[nodiscard]] std::uint16_t turn_port() const;
  [[nodiscard]] std::string recordings() const { return folder_ + "/recordings"; }

 private:
  [[nodiscard]] Status write_file(const std::string& name) const;
  [[nodiscard]] Status take_secrets(Random& random);
  [[nodiscard]] Status link_modules();
  [[nodiscard]] Status wait_for_janus();

  std::string folder_;
  std::string root_;
  std::map<std::string, std::string, std::less<>> values_;
  ChildProcess janus_;
  ChildProcess turn_;
  ChildProcess shelf_;
};

// One person's page in headless Chromium, with a camera and a microphone that are not there.
class CallPage {
 public:
  // given: {url, token, room, id, iceServers, relayOnly?}. Files go into folder.
  [[nodiscard]] Status start(const std::string& folder, const Json& given);
  // Last report of the page: {frames, audio, video, relayed, kicked, failed, open, first}; null
  // before the first report. Frames are decoded ones, audio and video packets that came, first the
  // milliseconds from the page's begin to the first picture.
  [[nodiscard]] Json seen() const;
  [[nodiscard]] bool running() { return browser_.running(); }
  // Asks until what it says is as it must be, or the time is over.
  [[nodiscard]] bool wait(std::int64_t limit_ms, const std::function<bool(const Json&)>& holds);
  // As when somebody closes the window.
  void close() { browser_.stop(); }

 private:
  std::string log_;
  ChildProcess browser_;
};

}  // namespace rabt::demo
