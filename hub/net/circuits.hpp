#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"

namespace rabt::net {

// Remembers which host:port cannot be reached, so that nobody waits for it; see kCircuitFailures.
// Internally synchronised.
class Circuits {
 public:
  explicit Circuits(const Clock& clock) : clock_(clock) {}

  enum class Entry { open, closed, probe };
  // The circuit as a new exchange finds it, which must not connect while it is open. `probe` allows
  // one attempt alone; its caller calls connected() or finished().
  [[nodiscard]] Entry enter(const std::string& host_port);
  void connected(const std::string& host_port);
  // The exchange has ended. Returns true if its failure to connect opens the circuit.
  bool finished(const std::string& host_port, bool probe, bool failed_to_connect);

 private:
  struct Circuit {
    int failures = 0;
    std::int64_t open_until = 0;
    bool probing = false;
  };

  const Clock& clock_;
  Mutex mutex_;
  std::unordered_map<std::string, Circuit> circuits_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::net
