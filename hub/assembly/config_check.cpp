#include "hub/assembly/config_check.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "hub/assembly/alert_channels.hpp"
#include "hub/assembly/code_maps.hpp"
#include "hub/assembly/consultations.hpp"
#include "hub/assembly/database.hpp"
#include "hub/assembly/edge.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/assembly/hub.hpp"
#include "hub/assembly/issuers.hpp"
#include "hub/assembly/manifest_catalog.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/assembly/sources.hpp"
#include "hub/assembly/webhooks.hpp"
#include "hub/base/file_there.hpp"
#include "hub/base/plugin_address.hpp"
#include "hub/consultation/practice/agreements.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/engine/file_check.hpp"
#include "hub/plugin/targets.hpp"
#include "hub/store/migration_files.hpp"

namespace rabt::assembly {

namespace {

// Collects what the parts of a hub say of one configuration.
class Walk {
 public:
  Walk(const config::Config& config, const Clock& clock, Unsigned unsigned_ones)
      : config_(config), clock_(clock), unsigned_(unsigned_ones) {}

  std::vector<std::string> run() {
    add(store::read_migrations(config_.migrations));
    if (config_.postgres) add(postgres_options(config_));
    add(check_root(config_));
    identity();
    const bool plugins = all_plugins();
    const bool roles = all_roles();
    const bool maps = add(read_code_maps(config_));
    consultations();
    const auto options = workflow_options();
    const auto files = workflow_files();
    if (plugins && roles && maps) actions(files, options);
    outside();
    return std::move(mistakes_);
  }

 private:
  // The part's own message, or `of` and the message. Whether it was good.
  template <typename T>
  bool add(const Result<T>& found, const std::string& of = {}) {
    if (!found.ok()) mistakes_.push_back((of.empty() ? of : of + ": ") + found.error().message);
    return found.ok();
  }

  // Each entry of a list by itself, so that one mistake does not hide the next, and then the whole.
  template <typename List, typename Read>
  void each(List config::Config::*list, const Read& read) {
    each([list](config::Config& of) -> List& { return of.*list; }, read);
  }
  template <typename Place, typename Read>
  void each(const Place& place, const Read& read) {
    bool good = true;
    config::Config one = config_;
    const auto all = place(one);
    for (const auto& entry : all) {
      place(one) = {entry};
      good = add(read(one)) && good;
    }
    if (good) add(read(config_));
  }

  void identity() {
    each(
        [](config::Config & of) -> auto& { return of.identity.issuers; },
        [this](const config::Config& of) { return read_issuers(of, clock_, *http_); });
    each(
        [](config::Config & of) -> auto& { return of.identity.oidc; },
        [](const config::Config& of) { return read_oidc(of); });
    add(issuer_exchange(config_, *http_));
    add(account_options(config_));
  }

  bool all_plugins() {
    bool good = true;
    for (const auto& [id, entry] : config_.plugin) good = one_plugin(id, entry) && good;
    return good;
  }

  bool one_plugin(const std::string& id, const config::PluginEntry& entry) {
    const std::string of = "plugin " + id;
    bool good = true;
    for (const auto& [name, source] : entry.secrets)
      good = add(config::read_secret(source), of + ", secret " + name) && good;
    const bool readable = good;
    good = add(check_record(id, entry, unsigned_ == Unsigned::take), of) && good;
    const auto chosen = choose_packages(config_, id, unsigned_);
    if (!add(chosen, of)) return false;
    for (const ChosenPackage& package : *chosen) {
      if (!package.fault) continue;
      mistakes_.push_back(of + ": " + package.fault->message);
      good = false;
    }
    return readable ? add(check_settings(config_, id, *chosen), of) && good : false;
  }

  bool all_roles() {
    std::vector<std::string> listeners;
    for (const auto& [id, entry] : config_.plugin) listeners.push_back(plugin_address(id));
    for (const std::string& service : consultation::services())
      listeners.push_back("hub://" + service);
    bool good = true;
    for (const auto& [role, target] : config_.roles) {
      if (std::find(listeners.begin(), listeners.end(), target) != listeners.end()) continue;
      good = add(Status(plugin::unknown_target(role, target, listeners)));
    }
    return good;
  }

  void consultations() {
    add(read_ice(config_), "video.ice");
    add(consultation::may_be_bound(config_.practice, clock_.now()));
  }

  std::optional<engine::Engine::Options> workflow_options() {
    each(&config::Config::workflow_secrets,
         [](const config::Config& of) { return engine_options(of); });
    auto options = engine_options(config_);
    return options.ok() ? std::make_optional(*std::move(options)) : std::nullopt;
  }

  std::vector<engine::WorkflowFile> workflow_files() {
    std::vector<engine::WorkflowFile> files;
    for (const std::string& name : config_.workflows) {
      auto read = read_workflows({name});
      if (add(read)) files.push_back(std::move(read->front()));
    }
    return files;
  }

  // Roles and workflows can be judged when it is known which actions there are.
  void actions(const std::vector<engine::WorkflowFile>& files,
               const std::optional<engine::Engine::Options>& options) {
    const auto catalog = ManifestCatalog::make(config_);
    if (!add(catalog)) return;
    for (const Error& error : unserved_roles(config_, *catalog)) add(Status(error));
    if (!options) return;
    for (const engine::Finding& finding : engine::check_files(files, *catalog, *options))
      mistakes_.push_back(to_text(finding));
  }

  // Checks the systems that send to the hub, and those that the hub tells.
  void outside() {
    each(&config::Config::sources,
         [this](const config::Config& of) { return read_sources(of, clock_, *http_); });
    for (const config::SourceEntry& source : config_.sources) {
      if (source.listen)
        add(open_mllp_tls(config_.server, *source.listen, clock_), "source " + source.name);
    }
    each(&config::Config::webhooks, [](const config::Config& of) { return read_webhooks(of); });
    if (config_.bus) add(read_bus(config_, *config_.bus));
    add(read_alert_mail(config_));
    std::error_code unread;
    if (std::filesystem::is_directory(config_.log_file, unread))
      mistakes_.push_back("log.file: " + config_.log_file + " is a folder; name a file in it");
    authorities(config_.http.ca, "http.ca");
    if (config_.bus) authorities(config_.bus->ca, "bus.ca");
    if (config_.alerts.mail) authorities(config_.alerts.mail->ca, "alerts.mail.ca");
    authorities(config_.keys.ca, "keys.root.vault.ca");
    for (const config::AuditAnchor& anchor : config_.audit.anchors) {
      authorities(anchor.tls.ca_file, "audit.anchors: ca");
      if (anchor.folder.empty() || !anchor.required) continue;
      const auto there = is_there(anchor.folder);
      if (add(there, "audit.anchors") && !*there)
        mistakes_.push_back("audit.anchors: the folder " + anchor.folder +
                            " does not exist; mount its disk, or make it");
    }
  }

  // A file of authorities, which is read with the first connection only.
  void authorities(const std::string& file, const std::string& of) {
    if (file.empty()) return;
    const auto text = config::read_text(file);
    if (!text.ok()) {
      mistakes_.push_back(of + ": " + file + " cannot be read: " + text.error().message);
    } else if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos) {
      mistakes_.push_back(of + ": " + file + " holds no certificate (PEM)");
    }
  }

  const config::Config& config_;
  const Clock& clock_;
  const Unsigned unsigned_;
  // Some readers keep the client for later; the check itself sends nothing.
  const std::unique_ptr<net::HttpClient> http_ = net::make_curl_client(clock_, null_logger());
  std::vector<std::string> mistakes_;
};

}  // namespace

std::vector<std::string> mistakes_of(const config::Config& config, const Clock& clock,
                                     Unsigned unsigned_ones) {
  return Walk(config, clock, unsigned_ones).run();
}

std::vector<std::string> mistakes_of(const config::ServerEntry& server,
                                     const std::vector<crypto::TlsNamed>& named,
                                     const Clock& clock) {
  const auto main = open_tls(server, {}, named, clock);
  if (!main.ok()) return {"server.tls: " + main.error().message};
  if (!server.mtls) return {};
  const auto mtls =
      open_tls(server, {server.mtls->authorities, server.mtls->revoked}, named, clock);
  if (!mtls.ok()) return {"server.mtls: " + mtls.error().message};
  return {};
}

}  // namespace rabt::assembly
