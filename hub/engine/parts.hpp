#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "hub/audit/audit_log.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/limits.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/engine/held.hpp"
#include "hub/engine/http/http_calls.hpp"
#include "hub/engine/open_work.hpp"
#include "hub/engine/pauses.hpp"
#include "hub/engine/waiters.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/keys/retention.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"
#include "hub/workflow/execution.hpp"

// Parts and settings of the engine. Every part of the engine is given these.
namespace rabt::engine {

// In place of the name of a version: the one that is active.
inline constexpr std::string_view kNewestVersion = "newest";

struct EngineParts {
  store::Store& store;
  keys::DataKeys& keys;
  audit::AuditLog& audit;
  plugin::ActionRunner& actions;
  // Makes the HTTP requests of workflows.
  net::HttpClient& http;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  Logger& log;
};

struct EngineOptions {
  std::string tenant;
  int workers = 2;
  // Waiting instances beyond this leave memory; the next input reads them back from their journal.
  std::size_t max_resident_per_worker = limits::kMaxLiveInstances;
  // Which hosts workflows may reach. Without an allow-list they reach none.
  HttpCallOptions http = {};
  // Values for use.secrets of workflows. They are handed to executions and go nowhere else.
  std::map<std::string, std::shared_ptr<SecretBytes>> secrets = {};
  // Purpose of use (HL7 v3 ActReason) of what a role is sent, for the audit log. A role that is not
  // named here has `purpose`.
  std::map<std::string, std::string, std::less<>> purposes = {{"payer", "HPAYMT"},
                                                              {"moh", "PUBHLTH"}};
  std::string purpose = "TREAT";
  // Period for which a delivery is known, so that a repeat is answered as the first one was.
  keys::Period delivery_period = keys::kDeliveryPeriod;
  // True if the start is refused where no plugin serves what a running instance or an active
  // workflow calls: engine.unserved.
  bool refuse_unserved = false;
  // Called after the last turn of an instance is durable, on a worker thread; must not block.
  std::function<void(std::string_view instance, workflow::InstanceStatus status)> on_finished = {};
};

struct Counters {
  std::atomic<std::uint64_t> started{0}, completed{0}, faulted{0}, cancelled{0}, retried{0},
      turns{0}, deliveries{0}, repeated{0}, events{0}, actions{0}, resends{0}, parked{0}, late{0},
      task_faults{0};
  // Instances in memory.
  std::atomic<std::int64_t> resident{0};
};

// Time of the workers by kind of work, in nanoseconds since the start.
struct WorkTimes {
  std::atomic<std::int64_t> interpreter{0}, seal{0}, audit{0}, submit{0}, dispatch{0};
};

// Parts and options are constant after construction; the rest is internally synchronised.
struct Context {
  Context(EngineParts p, EngineOptions o) : parts(p), options(std::move(o)) {}
  const EngineParts parts;
  const EngineOptions options;
  Counters counters;
  WorkTimes times;
  HeldCalls held;
  Pauses pauses;
  Waiters waiters;
  const std::shared_ptr<OpenWork> work = std::make_shared<OpenWork>();
};

}  // namespace rabt::engine
