#pragma once

#include <functional>
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
  // folder: for all they write; made. root: of the project, for its config/janus. bin: of our
  // programs. hook: where Janus reports. Errors: demo.janus, with what is missing.
  [[nodiscard]] Status start(const std::string& folder, const std::string& root,
                             const std::string& bin, const std::string& hook, Random& random);
  // Stops and starts Janus alone, as after a crash.
  [[nodiscard]] Status restart_janus();
  void kill_janus() { janus_.kill(); }
  void stop();

  // The configuration of the plugin.
  [[nodiscard]] Json plugin() const;
  // By the names of the plugin's secrets; that of the source is events_secret.
  [[nodiscard]] const std::string& secret(const std::string& name) const {
    return values_.at(name);
  }
  [[nodiscard]] std::string admin_url() const;
  [[nodiscard]] std::string shelf_url() const;
  [[nodiscard]] std::string client_url() const;
  [[nodiscard]] std::string recordings() const { return folder_ + "/recordings"; }

 private:
  [[nodiscard]] Status write_files(const std::string& root);
  [[nodiscard]] Status link_modules();
  [[nodiscard]] Status wait_for_janus();

  std::string folder_;
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
  // What the page said last: {frames, audio, video, relayed, kicked, failed, open}; null before
  // it has said anything. Frames are decoded ones, audio and video packets that came.
  [[nodiscard]] Json seen() const;
  // Asks until what it says is as it must be, or the time is over.
  [[nodiscard]] bool wait(std::int64_t limit_ms, const std::function<bool(const Json&)>& holds);
  // As when somebody closes the window.
  void close() { browser_.stop(); }

 private:
  std::string log_;
  ChildProcess browser_;
};

}  // namespace rabt::demo
