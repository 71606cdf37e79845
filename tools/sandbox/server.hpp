#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {

struct StandIn {
  std::string name;
  std::function<std::unique_ptr<Service>(Context, const Json&)> make;
};

struct Settings {
  // The stand-ins listen on port_base, port_base + 1, ... in the order given, the control door on
  // the next. Zero takes free ports.
  std::uint16_t port_base = 0;
  std::string hub;          // base of relative callback URLs
  std::string ledger_file;  // "": memory only
  // One object a stand-in under its name, and "faults" {name: rules}, "seed" number. Each stand-in
  // sees its own object plus "hub".
  Json options = Json::object();
  // PEM file of the authorities of receivers' certificates. Empty for those of the system.
  std::string ca{};
  // Time that the stand-ins have, in milliseconds since 1970. Unset leaves the system's clock.
  std::function<std::int64_t()> now_ms{};
};

// The running sandbox: one listener on 127.0.0.1 for each stand-in and one for the control door.
// Listening when the constructor returns; the destructor ends all threads. Internally synchronised.
class Sandbox final {
 public:
  static constexpr std::uint64_t kMaxBody = 20ULL * 1024 * 1024;
  // Poco gives a connection a thread for as long as it lives, so 200 clients that keep their
  // connections need 200 threads. They are started as needed and end when idle.
  static constexpr int kMaxThreads = 320;
  static constexpr int kMaxQueued = 4096;

  // Throws std::runtime_error: a port is taken, an option is wrong.
  Sandbox(Settings settings, const std::vector<StandIn>& stand_ins);
  ~Sandbox();
  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  // {"twilio":"http://127.0.0.1:P", ..., "control":"http://127.0.0.1:P"}
  [[nodiscard]] Json urls() const;
  // Address of a stand-in, or of "control".
  [[nodiscard]] std::string url(std::string_view name) const;
  [[nodiscard]] Ledger& ledger();
  // Callbacks of all stand-ins that have no answer yet.
  [[nodiscard]] std::size_t callbacks_waiting() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::sandbox
