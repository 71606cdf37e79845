#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::demo {

// The video provider of a demonstration: what the hub's configuration needs to know of it, and what
// people's own software does with what the hub hands out. Caller synchronises.
class Video {
 public:
  using Words = std::map<std::string, std::string, std::less<>>;

  virtual ~Video() = default;
  // The plugin that serves the role `video`.
  [[nodiscard]] virtual std::string plugin() const = 0;
  // Starts its servers, if they run on this machine. hub_url: of the hub, which is not up yet.
  [[nodiscard]] virtual Status start(const std::string& hub_url) = 0;
  // The hub is up for the first time.
  [[nodiscard]] virtual Status hub_is_up(const std::string& hub_url) = 0;
  // Files of the folder of secrets.
  [[nodiscard]] virtual Words secrets() const = 0;
  // Words of the template of the plugin's section.
  [[nodiscard]] virtual Words words() const = 0;
  // Address that clients connect to.
  [[nodiscard]] virtual std::string url() const = 0;

  // Somebody enters a room with the hub's answer to `POST /token`. room: its name at the provider.
  // It may be repeated.
  [[nodiscard]] virtual Status enter(const std::string& who, const std::string& room,
                                     const Json& given) = 0;
  // ok when those who entered hear and see each other. The error says who does not.
  [[nodiscard]] virtual Status together() = 0;
  // ok when something of the room has been recorded.
  [[nodiscard]] virtual Status recording(const std::string& room) = 0;
  // People close their windows.
  virtual void leave() = 0;
  // So long people stay together at least.
  [[nodiscard]] virtual std::int64_t talk_ms() const = 0;
  // A step takes no longer than this on a machine that has much to do.
  [[nodiscard]] virtual std::int64_t patience_ms() const = 0;

  // Report on sound and pictures, a line for each person; empty for a stand-in.
  [[nodiscard]] virtual std::string told() const = 0;
  // Content of a recording that the hub has kept; empty for a stand-in's recording. Error: it
  // differs from the sound and pictures that people sent.
  [[nodiscard]] virtual Result<std::string> look(const std::string& recording) = 0;
  // The rooms that a visit has opened at the provider and that the summary tells: "1 room".
  // Error: they are not what they must be.
  [[nodiscard]] virtual Result<std::string> rooms() = 0;
};

// Twilio or Amazon Chime as tools/sandbox plays them.
class StandIn final : public Video {
 public:
  struct Doors {
    // POST /control/<what> of the stand-ins.
    std::function<Result<Json>(const std::string& what, const Json& body)> control;
    // Number of effects of a kind at the stand-ins.
    std::function<std::int64_t(const std::string& kind)> effects;
    // The URL of the stand-in of this name.
    std::function<std::string(const std::string& name)> url;
  };
  // name: twilio or chime.
  StandIn(std::string name, Doors doors) : name_(std::move(name)), doors_(std::move(doors)) {}

  [[nodiscard]] std::string plugin() const override { return name_; }
  [[nodiscard]] Status start(const std::string& /*hub_url*/) override { return ok_status(); }
  [[nodiscard]] Status hub_is_up(const std::string& hub_url) override;
  [[nodiscard]] Words secrets() const override;
  [[nodiscard]] Words words() const override { return {}; }
  [[nodiscard]] std::string url() const override { return doors_.url(name_); }
  [[nodiscard]] Status enter(const std::string& who, const std::string& room,
                             const Json& given) override;
  [[nodiscard]] Status together() override { return ok_status(); }
  [[nodiscard]] Status recording(const std::string& room) override;
  void leave() override {}
  [[nodiscard]] std::int64_t talk_ms() const override { return 1500; }
  [[nodiscard]] std::int64_t patience_ms() const override { return 120'000; }
  [[nodiscard]] std::string told() const override { return {}; }
  [[nodiscard]] Result<std::string> look(const std::string& /*recording*/) override {
    return std::string();
  }
  [[nodiscard]] Result<std::string> rooms() override;

 private:
  const std::string name_;
  const Doors doors_;
};

}  // namespace rabt::demo
