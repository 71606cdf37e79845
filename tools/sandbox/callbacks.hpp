#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tools/sandbox/faults.hpp"
#include "tools/sandbox/service.hpp"

namespace rabt::sandbox {

// Posts the callbacks of all stand-ins from a few threads of its own, each when it is due. Nothing
// is retried. Callbacks of one room may overtake each other, as they do with the real providers;
// those that are posted in order have a thread to themselves.
// Internally synchronised.
class CallbackSender final {
 public:
  static constexpr std::size_t kThreads = 8;  // 200 consultations end within a second or so
  static constexpr std::size_t kMaxWaiting = 100'000;  // more are dropped and counted as such
  static constexpr std::size_t kMaxRemembered = 1000;  // results that GET /callbacks shows
  static constexpr long kTimeoutMs = 15'000;           // what providers commonly allow a receiver

  // hub: base of relative URLs, may be "". ca: PEM file of the authorities that https receivers are
  // verified by; "" for those of the system.
  explicit CallbackSender(std::string hub, const std::string& ca = {});
  ~CallbackSender();
  CallbackSender(const CallbackSender&) = delete;
  CallbackSender& operator=(const CallbackSender&) = delete;

  // The sending end for one stand-in; `faults` must outlive it, and it must not outlive this.
  [[nodiscard]] std::unique_ptr<Callbacks> endpoint(std::string service, FaultRules& faults);
  // {"waiting","sent","failed","dropped","recent":[{"at","service","url","status"|"error"}]}
  // status is the receiver's answer; failed counts no answer and answers other than 2xx.
  [[nodiscard]] Json report() const;
  // Callbacks that have no answer yet: those that wait for their time, and those under way.
  [[nodiscard]] std::size_t waiting() const;
  // Ends the threads; what is still waiting is not sent.
  void stop();

 private:
  class Endpoint;
  struct State;
  std::unique_ptr<State> state_;
  std::unique_ptr<State> in_order_;
};

}  // namespace rabt::sandbox
