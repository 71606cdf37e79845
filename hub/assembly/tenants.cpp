#include "hub/assembly/tenants.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include "hub/assembly/hub.hpp"
#include "hub/assembly/share.hpp"
#include "hub/base/json.hpp"
#include "hub/http/problem.hpp"
#include "hub/phi/policy.hpp"

namespace rabt::assembly {

using http::Admission;
using http::Request;
using http::Response;

namespace {

// So many handlers and streams more for each further tenant: what one may hold leaves them free.
constexpr int kHandlersOfOthers = 16;
constexpr int kStreamsOfOthers = 8;
constexpr int kMostOthers = 12;
constexpr std::chrono::seconds kReloadEvery{5};
constexpr std::string_view kHooks = "/hooks/";

// Limits of one of several tenants.
Share::Most most_of_one() {
  const http::ServerOptions whole;
  return {.handlers = static_cast<std::uint64_t>(whole.threads),
          .streams = static_cast<std::uint64_t>(whole.streams),
          .bodies = whole.max_bodies / 4 * 3,
          .answers = whole.max_answers / 4 * 3,
          .sockets = static_cast<std::uint64_t>(whole.max_sockets) / 4 * 3};
}

// Says of every entry whose it is.
class Named final : public Logger {
 public:
  Named(Logger& log, std::string tenant) : log_(log), tenant_(std::move(tenant)) {}
  void log(LogLevel level, std::string_view event, LogFields fields) override {
    std::vector<LogField> all{{"tenant", std::string_view(tenant_)}};
    all.insert(all.end(), fields.begin(), fields.end());
    log_.log(level, event, all);
  }

 private:
  Logger& log_;
  const std::string tenant_;
};

// A hub with what it was made from. Members are destroyed in reverse order.
struct Running {
  // Null when the tenant writes into the log of the process.
  std::unique_ptr<Logger> file;
  std::unique_ptr<Logger> named;
  std::unique_ptr<phi::Policy> privacy;
  std::unique_ptr<Logger> log;
  std::unique_ptr<Hub> hub;
};

Result<std::unique_ptr<Running>> run(const config::Config& config, const Clock& clock, Logger& log,
                                     const Tenants::Options& options) {
  auto out = std::make_unique<Running>();
  RABT_TRY(detector, phi::Detector::make(config.privacy.detector));
  out->privacy = std::make_unique<phi::Policy>(config.privacy.channels, std::move(detector));
  if (!config.log_file.empty()) {
    RABT_TRY(file, make_logger(config::log_level(config.log_level), config.log_file));
    out->file = std::move(file);
  }
  out->named = std::make_unique<Named>(out->file != nullptr ? *out->file : log, config.tenant);
  out->log = phi::screened(*out->named, *out->privacy);
  RABT_TRY(hub, Hub::open(config, clock, *out->log, *out->privacy, options.hub));
  out->hub = std::move(hub);
  return out;
}

std::string_view first_segment(std::string_view path) {
  return path.substr(0, path.find('/'));
}

}  // namespace

// One tenant, and the thread that starts it, tries again when that failed, and stops it.
class Tenants::Tenant {
 public:
  Tenant(Tenants& all, config::TenantEntry entry, std::optional<Result<config::Config>> first)
      : all_(all), entry_(std::move(entry)), share_(most_of_one()), first_(std::move(first)) {}
  ~Tenant() { stop(); }
  Tenant(const Tenant&) = delete;
  Tenant& operator=(const Tenant&) = delete;

  void begin() {
    thread_ = std::thread([this] { keep(); });
  }
  void tell_to_stop() {
    const Lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  void stop() {
    tell_to_stop();
    if (thread_.joinable()) thread_.join();
  }
  // True if it serves. Waits for the first attempt.
  bool tried() {
    Lock lock(mutex_);
    changed_.wait(lock, [this]() RABT_REQUIRES(mutex_) { return tried_; });
    return !refused_.has_value();
  }
  std::optional<Error> refused() const {
    const Lock lock(mutex_);
    return refused_;
  }
  bool serves() const { return hub_.load() != nullptr; }
  const config::TenantEntry& entry() const { return entry_; }

  Admission admit(const Request& head, std::string_view listener) {
    Hub* hub = hub_.load();
    if (hub == nullptr) {
      return http::problem(unavailable("tenant.unavailable",
                                       "this tenant does not serve at present; try again later"));
    }
    return share_.admit(head,
                        [&](const Request& request) { return hub->admit(request, listener); });
  }
  void word(const Request& head, std::string_view listener, Response& problem) const {
    const Hub* hub = hub_.load();
    if (hub != nullptr) hub->word(head, listener, problem);
  }

 private:
  void keep() {
    std::unique_ptr<Running> running;
    Lock lock(mutex_);
    while (!stopping_) {
      lock.unlock();
      auto result = attempt();
      lock.lock();
      const bool well = result.ok();
      if (well) {
        running = *std::move(result);
        refused_.reset();
      } else {
        told(result.error());
      }
      tried_ = true;
      changed_.notify_all();
      const auto ends = [this]() RABT_REQUIRES(mutex_) { return stopping_; };
      if (well) {
        changed_.wait(lock, ends);
      } else {
        changed_.wait_for(lock, std::chrono::milliseconds(all_.options_.again_ms), ends);
      }
    }
    lock.unlock();
    // The edge has stopped: nobody calls the hub any more.
    hub_ = nullptr;
    if (running != nullptr) running->hub->stop();
  }

  Result<std::unique_ptr<Running>> attempt() {
    auto config = first_ ? *std::exchange(first_, std::nullopt) : all_.claim(entry_);
    if (!config.ok()) return config.error();
    RABT_TRY(running, run(*config, all_.clock_, *all_.log_, all_.options_));
    RABT_TRY_STATUS(all_.edge_->open_for(
        *config, {.admit = [this](const Request& head,
                                  std::string_view listener) { return admit(head, listener); },
                  .word = [this](const Request& head, std::string_view listener,
                                 Response& problem) { word(head, listener, problem); }}));
    hub_ = running->hub.get();
    running->log->info("hub.started", {});
    return running;
  }

  void told(const Error& error) RABT_REQUIRES(mutex_) {
    const bool repeated =
        refused_ && refused_->code == error.code && refused_->message == error.message;
    refused_ = error;
    if (repeated) return;
    all_.log_->error("tenant.refused",
                     {{"tenant", entry_.name}, {"code", error.code}, {"why", error.message}});
  }

  Tenants& all_;
  const config::TenantEntry entry_;
  Share share_;
  // The thread's own: what the first look at the configuration came to.
  std::optional<Result<config::Config>> first_;
  // Null while it does not serve.
  std::atomic<Hub*> hub_{nullptr};

  mutable Mutex mutex_;
  Condition changed_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  bool tried_ RABT_GUARDED_BY(mutex_) = false;
  std::optional<Error> refused_ RABT_GUARDED_BY(mutex_);

  std::thread thread_;
};

Tenants::Tenants(const config::Tenants& tenants, const Clock& clock, Logger& log, Options options)
    : config_(tenants),
      clock_(clock),
      options_(options),
      log_(phi::screened(log, phi::strict_policy())) {}

Tenants::~Tenants() {
  stop();
}

std::vector<crypto::TlsNamed> certificates_of(const config::Tenants& tenants) {
  std::vector<crypto::TlsNamed> named;
  for (const config::TenantEntry& entry : tenants.entries) {
    if (!entry.tls_certificates.empty())
      named.push_back({entry.hosts, entry.tls_certificates, entry.tls_key});
  }
  return named;
}

Result<std::unique_ptr<Tenants>> Tenants::start(const config::Tenants& tenants, const Clock& clock,
                                                Logger& log, Options options) {
  std::unique_ptr<Tenants> all(new Tenants(tenants, clock, log, options));
  for (const config::TenantEntry& entry : tenants.entries) {
    // In the order of the file: of two that clash, the second does not start.
    all->tenants_.push_back(std::make_unique<Tenant>(*all, entry, all->claim(entry)));
    Tenant* one = all->tenants_.back().get();
    all->by_name_.emplace(entry.name, one);
    for (const std::string& host : entry.hosts) all->by_host_.emplace(host, one);
  }
  const int others = std::min(static_cast<int>(tenants.entries.size()) - 1, kMostOthers);
  const http::ServerOptions usual;
  RABT_TRY(
      edge,
      Edge::open({.server = tenants.server,
                  .named = certificates_of(tenants),
                  .handlers = usual.threads + others * kHandlersOfOthers,
                  .streams = usual.streams + others * kStreamsOfOthers},
                 clock, *all->log_,
                 {.admit = [&tenants = *all](
                               const Request& head,
                               std::string_view /*listener*/) { return tenants.admit(head); },
                  .word = [&tenants = *all](const Request& head, std::string_view /*listener*/,
                                            Response& problem) { tenants.word(head, problem); }}));
  all->edge_ = std::move(edge);
  all->log_->info("hub.listens", {{"port", static_cast<std::int64_t>(all->port())}});
  for (const auto& one : all->tenants_) one->begin();
  all->reloading_ = std::thread([&tenants = *all] { tenants.reload(); });
  std::string message;
  bool any = false;
  for (const auto& tenant : all->tenants_) {
    any = tenant->tried() || any;
    const auto refused = tenant->refused();
    if (refused)
      message +=
          "tenant " + tenant->entry().name + " [" + refused->code + "]: " + refused->message + "\n";
  }
  if (any) return all;
  return unavailable("tenant.none", message + "no tenant can be served");
}

std::optional<Error> Tenants::refused(std::string_view tenant) const {
  const auto found = by_name_.find(tenant);
  if (found == by_name_.end()) return not_found("tenant.unknown", "there is no such tenant");
  return found->second->refused();
}

void Tenants::stop() {
  if (edge_ != nullptr) edge_->stop();
  {
    const Lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (reloading_.joinable()) reloading_.join();
  for (const auto& one : tenants_) one->tell_to_stop();
  for (const auto& tenant : tenants_) tenant->stop();
}

void Tenants::reload() {
  Lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    edge_->reload();
    lock.lock();
    wake_.wait_for(lock, kReloadEvery, [this]() RABT_REQUIRES(mutex_) { return stopping_; });
  }
}

Result<config::Config> Tenants::claim(const config::TenantEntry& entry) {
  const Lock lock(mutex_);
  claimed_.erase(entry.name);
  RABT_TRY(config, config::load_tenant(config_, entry));
  for (const auto& [name, other] : claimed_) RABT_TRY_STATUS(config::apart(config, other));
  claimed_.emplace(entry.name, config);
  return config;
}

Tenants::Tenant* Tenants::tenant_of(const Request& head) const {
  const auto host = by_host_.find(config::host_of(head.header("host")));
  if (host != by_host_.end()) return host->second;
  // Deliveries name the tenant in their path, too: those who send them may know one host only.
  if (!head.path.starts_with(kHooks)) return nullptr;
  const std::string_view rest = std::string_view(head.path).substr(kHooks.size());
  const auto name = by_name_.find(first_segment(rest));
  return name != by_name_.end() && rest.find('/') != std::string_view::npos ? name->second
                                                                            : nullptr;
}

Admission Tenants::admit(const Request& head) {
  Tenant* tenant = tenant_of(head);
  const auto named = by_host_.find(head.server_name);
  const bool other = named != by_host_.end() && named->second != tenant;
  if (tenant != nullptr && !other) return tenant->admit(head, "");
  if (tenant == nullptr && head.path == "/health" && head.method == "GET") return health();
  return http::problem(421, "http.unknown_host", "Misdirected Request",
                       "this host name is not served here");
}

void Tenants::word(const Request& head, Response& problem) const {
  const Tenant* tenant = tenant_of(head);
  // The handshake names the host of a head that could not be read.
  const auto named = by_host_.find(head.server_name);
  if (tenant == nullptr && named != by_host_.end()) tenant = named->second;
  if (tenant != nullptr) tenant->word(head, "", problem);
}

Response Tenants::health() const {
  const bool well =
      std::all_of(tenants_.begin(), tenants_.end(), [](const auto& one) { return one->serves(); });
  return {.status = 200,
          .headers = {{"Content-Type", "application/health+json"}},
          .body = Json::object({{"status", well ? "pass" : "warn"}}).dump()};
}

}  // namespace rabt::assembly
