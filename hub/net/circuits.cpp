#include "hub/net/circuits.hpp"

#include "hub/net/http_client.hpp"

namespace rabt::net {

namespace {

// One for each host:port. Those that still let exchanges through are forgotten first.
constexpr std::size_t kMaxCircuits = 4096;

}  // namespace

Circuits::Entry Circuits::enter(const std::string& host_port) {
  const Lock lock(mutex_);
  const auto found = circuits_.find(host_port);
  if (found == circuits_.end() || found->second.failures < kCircuitFailures) return Entry::closed;
  Circuit& circuit = found->second;
  if (circuit.probing || clock_.monotonic_ms() < circuit.open_until) return Entry::open;
  circuit.probing = true;
  return Entry::probe;
}

void Circuits::connected(const std::string& host_port) {
  const Lock lock(mutex_);
  circuits_.erase(host_port);
}

bool Circuits::finished(const std::string& host_port, bool probe, bool failed_to_connect) {
  const Lock lock(mutex_);
  if (!failed_to_connect) {
    const auto found = circuits_.find(host_port);
    if (probe && found != circuits_.end()) found->second.probing = false;
    return false;
  }
  if (circuits_.size() >= kMaxCircuits && !circuits_.contains(host_port)) {
    std::erase_if(circuits_,
                  [](const auto& item) { return item.second.failures < kCircuitFailures; });
    if (circuits_.size() >= kMaxCircuits) circuits_.clear();
  }
  Circuit& circuit = circuits_[host_port];
  if (probe) circuit.probing = false;
  ++circuit.failures;
  if (circuit.failures >= kCircuitFailures)
    circuit.open_until = clock_.monotonic_ms() + kCircuitOpenMs;
  return circuit.failures == kCircuitFailures;
}

}  // namespace rabt::net
