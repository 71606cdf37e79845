#pragma once

#include <map>
#include <memory>
#include <string>

#include "hub/base/random.hpp"
#include "tools/demo/janus.hpp"
#include "tools/demo/video.hpp"

namespace rabt::demo {

// Debian's Janus and coturn on this machine, and Chromium for each person.
class JanusVideo final : public Video {
 public:
  // folder: for all that servers and browsers write. root, bin: as of JanusServers::Place.
  JanusVideo(std::string folder, std::string root, std::string bin, Random& random)
      : folder_(std::move(folder)), root_(std::move(root)), bin_(std::move(bin)), random_(random) {}

  [[nodiscard]] std::string plugin() const override { return "janus"; }
  [[nodiscard]] Status start(const std::string& hub_url) override;
  [[nodiscard]] Status hub_is_up(const std::string& /*hub_url*/) override { return ok_status(); }
  [[nodiscard]] Words secrets() const override { return {}; }
  [[nodiscard]] Words words() const override;
  [[nodiscard]] std::string url() const override { return servers_.client_url(); }
  [[nodiscard]] Status enter(const std::string& who, const std::string& room,
                             const Json& given) override;
  [[nodiscard]] Status together() override;
  [[nodiscard]] Status recording(const std::string& room) override;
  void leave() override;
  [[nodiscard]] std::int64_t talk_ms() const override { return 5000; }
  [[nodiscard]] std::int64_t patience_ms() const override { return 600'000; }
  [[nodiscard]] std::string told() const override;
  [[nodiscard]] Result<std::string> look(const std::string& recording) override;
  [[nodiscard]] Result<std::string> rooms() override;

 private:
  const std::string folder_;
  const std::string root_;
  const std::string bin_;
  Random& random_;
  JanusServers servers_;
  std::map<std::string, std::unique_ptr<CallPage>> pages_;
  // Last reports of the pages of the last call, before they were closed.
  std::map<std::string, Json> said_;
};

}  // namespace rabt::demo
