#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "hub/plugin/process/worker_plugin.hpp"

// Parts of WorkerPlugin that only its own files see.
namespace rabt::plugin {

// Thrown on a lane in place of what the plugin threw in its process.
struct PluginThrew {};

// Result of a function that a caller waits for.
struct WorkerPlugin::Answer {
  std::atomic<std::uint32_t> done{0};
  std::int32_t result = 0;
  bool threw = false;
  std::chrono::milliseconds held{0};
  std::uint64_t events_calls = 0;
  std::uint64_t error_calls = 0;
  std::string events;
  std::string error;
};

struct WorkerPlugin::Life {
  std::uint64_t number = 0;
  std::shared_ptr<worker::Process> process;
  std::shared_ptr<worker::SharedMemory> shared;
  Descriptor waiter;  // epoll
  Descriptor listener;
  // The first frame, ready, comes over the socket alone; the others through the ring.
  worker::Receiver first;
  worker::RingReader frames;
  worker::Receiver questions;
  enum class Step : std::uint8_t { ready, entry, created, serving } step = Step::ready;
  std::chrono::steady_clock::time_point begun;
  std::chrono::steady_clock::time_point asked;  // when create or migrate was
  std::uint64_t forbidden = 0;
  std::uint64_t unwritable = 0;  // bytes that were made so while the library is mapped
  std::chrono::steady_clock::time_point looked;  // at its memory
  bool socket = false;                           // whether something stands on it
  bool closed = false;                           // the process has closed its frames
  bool gone = false;
  bool over = false;  // the process has ended: it starts nothing more
  // Why the hub ends the process; "" while it lives.
  std::string wrong;
  bool quarantine = false;
  bool starved = false;  // the process ends because the hub lacks something
  // Reason why the first start is refused.
  std::string failure_code = "plugin.worker";
  std::string failure;
  // Services of the host, null before create.
  const rabt_log* log = nullptr;
  const rabt_http* http = nullptr;
  const rabt_secrets* secrets = nullptr;
  const rabt_sign* sign = nullptr;
  const rabt_kv* kv = nullptr;
  const rabt_clock* clock = nullptr;
  const rabt_metrics* metrics = nullptr;
  const rabt_trace* trace = nullptr;
  const rabt_blob* blob = nullptr;

  // Watches a descriptor; returns false if the hub lacks something.
  [[nodiscard]] bool watch(int descriptor);
  // The process is refused at its first start.
  void refuse(std::string code, std::string message) {
    wrong = code;
    failure_code = std::move(code);
    failure = std::move(message);
  }
};

[[nodiscard]] inline std::uint64_t word(std::int64_t value) {
  return static_cast<std::uint64_t>(value);
}
[[nodiscard]] inline std::int64_t whole(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

}  // namespace rabt::plugin
