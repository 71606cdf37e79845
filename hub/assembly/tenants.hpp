#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/assembly/edge.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/config/tenants.hpp"

namespace rabt::assembly {

// The certificates of tenants that have one of their own.
[[nodiscard]] std::vector<crypto::TlsNamed> certificates_of(const config::Tenants& tenants);

// Several tenants in one process. Each is a Hub of its own, with its own configuration, store,
// keys, audit log, plugins and people, and knows nothing of the others. They have in common where
// the process listens: the host name of a request says whose it is, and everything else in it is
// judged by that tenant alone. A tenant that cannot start leaves the others alone; it is tried
// again, with its configuration read anew, every 30 seconds. Internally synchronised.
class Tenants {
 public:
  struct Options {
    // Options of each tenant's hub.
    HubOptions hub;
    std::int64_t again_ms = 30'000;
  };
  // Each tenant has been tried when it returns. Errors: those of Edge::open; those of the tenants
  // when none of them serves.
  [[nodiscard]] static Result<std::unique_ptr<Tenants>> start(const config::Tenants& tenants,
                                                              const Clock& clock, Logger& log,
                                                              Options options);
  // Stops.
  ~Tenants();
  Tenants(const Tenants&) = delete;
  Tenants& operator=(const Tenants&) = delete;

  [[nodiscard]] int port() const { return edge_->port(); }
  [[nodiscard]] std::string url() const { return edge_->url(); }
  // Why a tenant does not serve. Nothing when it does.
  [[nodiscard]] std::optional<Error> refused(std::string_view tenant) const;
  // Stops intake, then all tenants together, each as Hub::stop. Twice is allowed.
  void stop();

 private:
  class Tenant;
  Tenants(const config::Tenants& tenants, const Clock& clock, Logger& log, Options options);

  [[nodiscard]] http::Admission admit(const http::Request& head);
  void word(const http::Request& head, http::Response& problem) const;
  // Null when the request names no tenant.
  [[nodiscard]] Tenant* tenant_of(const http::Request& head) const;
  // The configuration of a tenant, which from now on no other may touch.
  [[nodiscard]] Result<config::Config> claim(const config::TenantEntry& entry);
  [[nodiscard]] http::Response health() const;
  // Reads certificates again that have changed, until stop().
  void reload();

  // Constant after construction.
  const config::Tenants config_;
  const Clock& clock_;
  const Options options_;
  const std::unique_ptr<Logger> log_;

  Mutex mutex_;
  Condition wake_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  // By tenant.
  std::map<std::string, config::Config> claimed_ RABT_GUARDED_BY(mutex_);

  // In the order of the file. Constant after start().
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::map<std::string, Tenant*, std::less<>> by_host_;
  std::map<std::string, Tenant*, std::less<>> by_name_;
  // stop() ends its calls of the tenants.
  std::unique_ptr<Edge> edge_;
  std::thread reloading_;
};

}  // namespace rabt::assembly
