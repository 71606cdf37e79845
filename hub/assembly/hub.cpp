#include "hub/assembly/hub.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "hub/access/access_control.hpp"
#include "hub/api/api.hpp"
#include "hub/assembly/maintenance.hpp"
#include "hub/assembly/open_keys.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/audit/export/syslog_sender.hpp"
#include "hub/audit/metrics.hpp"
#include "hub/audit/note.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/consultation/register.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/engine/metrics.hpp"
#include "hub/http/server.hpp"
#include "hub/net/http_client.hpp"
#include "hub/phi/metrics.hpp"
#include "hub/plugin/metrics.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/metrics.hpp"

namespace rabt::assembly {

namespace {

namespace fs = std::filesystem;

Status make_data_folder(const std::string& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure || ::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    const std::string why = failure ? failure.message() : std::strerror(errno);
    return unavailable("cli.data_folder",
                       "the data folder " + folder + " cannot be written: " + why +
                           "; make it writable for this user, or set `data` to another folder");
  }
  fs::permissions(folder, fs::perms::owner_all, failure);
  return ok_status();
}

Result<std::string> make_api_token(const std::string& folder, Random& random) {
  const std::string path = folder + "/api-token";
  std::array<std::uint8_t, 32> raw{};
  random.fill(raw);
  const std::string token = "rabt_" + to_hex(raw);
  if (!write_new_file(path, token + "\n", 0600)) {
    if (errno == EEXIST) return read_api_token(folder);
    return unavailable("cli.data_folder", "the API token file " + path +
                                              " cannot be written: " + std::strerror(errno));
  }
  return token;
}

// What a host may be called in a file name.
std::string file_name(std::string_view host) {
  std::string out(host);
  std::replace(out.begin(), out.end(), ':', '_');
  return out;
}

Status senders_ready(const std::vector<std::unique_ptr<audit::SyslogSender>>& senders) {
  for (const auto& sender : senders) RABT_TRY_STATUS(sender->ready());
  return ok_status();
}

// As exports of the audit log name this hub.
audit::ExportSource export_source(const config::Config& config) {
  std::array<char, 256> name{};
  const bool known = ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0';
  return {.site = config.tenant,
          .observer = config.audit.origin,
          .host = known ? std::string(name.data()) : std::string("localhost")};
}

}  // namespace

Result<std::unique_ptr<audit::AuditLog>> open_audit(
    store::Store& store, const crypto::Keyring& keyring, const config::Config& config,
    const Clock& clock, Logger& log, std::vector<std::unique_ptr<audit::SyslogSender>>& senders) {
  RABT_TRY(options,
           audit::LogOptions::of(keyring, config.tenant, config.data, config.audit.origin));
  options.log = &log;
  const std::string vkey = audit::Signer(options.origin, options.seed).vkey();
  for (const config::AuditAnchor& anchor : config.audit.anchors) {
    if (anchor.host.empty()) {
      options.anchors.push_back({audit::make_folder_anchor(anchor.folder, vkey), anchor.required});
      continue;
    }
    audit::SyslogOptions syslog;
    syslog.host = anchor.host;
    syslog.port = anchor.port;
    syslog.tls = anchor.tls;
    syslog.required = anchor.required;
    syslog.high_water = anchor.high_water;
    syslog.cursor_file =
        config.data + "/audit.syslog." + file_name(anchor.host) + "." + std::to_string(anchor.port);
    RABT_TRY(sender, audit::SyslogSender::start({store, clock, log}, std::move(syslog),
                                                export_source(config)));
    options.anchors.push_back({sender->anchor(), anchor.required});
    senders.push_back(std::move(sender));
  }
  return audit::AuditLog::open(store, clock, std::move(options));
}

Result<std::string> read_api_token(const std::string& data_folder) {
  RABT_TRY(secret, config::read_secret({.file = data_folder + "/api-token"}));
  return std::string(secret->expose_text());
}

Result<std::vector<engine::WorkflowFile>> read_workflows(const std::vector<std::string>& names) {
  std::vector<engine::WorkflowFile> files;
  for (const std::string& name : names) {
    auto yaml = config::read_text(name);
    if (!yaml.ok())
      return invalid("config.io",
                     "the workflow " + name + " cannot be read: " + yaml.error().message);
    files.push_back({name, std::move(*yaml)});
  }
  return files;
}

// Reading order is construction order.
struct Hub::Parts {
  Parts(const Clock& c, Logger& l) : clock(c), log(l), ids(c, random) {}
  const Clock& clock;
  Logger& log;
  SystemRandom random;
  UlidSource ids;
  std::unique_ptr<net::HttpClient> http_client;
  std::unique_ptr<crypto::Keyring> keyring;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<keys::DataKeys> keys;
  std::vector<std::unique_ptr<audit::SyslogSender>> senders;  // anchors of the log as well
  std::unique_ptr<audit::AuditLog> audit;
  std::unique_ptr<keys::KeyAdmin> key_admin;
  std::unique_ptr<access::PatientDetail> details;
  std::unique_ptr<access::Grants> grants;
  std::unique_ptr<access::AccessControl> access;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<plugin::PluginHost> plugins;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::PatientIndex> patients;
  std::unique_ptr<PluginUpgrade> upgrade;
  std::unique_ptr<Maintenance> maintenance;  // goes before what it takes care of
  std::unique_ptr<api::Api> api;
  std::unique_ptr<http::Server> server;
  std::string address;
};

// What the hub answers about, and what it measures.
std::unique_ptr<api::Resources> Hub::make_resources(const config::Config& config, Parts& hub,
                                                    const phi::Policy& privacy,
                                                    std::vector<api::Source> sources) {
  const api::Patients patients{*hub.access, *hub.patients, *hub.keyring, config.tenant};
  std::unique_ptr<api::Resources> made(new api::Resources{
      .hooks{{.engine = *hub.engine,
              .plugins = *hub.plugins,
              .store = *hub.store,
              .audit = *hub.audit,
              .clock = hub.clock,
              .log = hub.log,
              .tenant = config.tenant,
              .ready = [&hub] { return senders_ready(hub.senders); }},
             std::move(sources)},
      .instances{*hub.engine, patients},
      .workflows{*hub.engine},
      .recordings{*hub.store, *hub.audit, *hub.blobs, patients},
      .audit{*hub.store, *hub.details, patients, hub.clock, export_source(config)},
      .grants{*hub.grants, *hub.engine, *hub.store, *hub.details, patients},
      .keys{*hub.key_admin, *hub.store, config.tenant},
      .plugins{*hub.plugins, *hub.store, *hub.audit, config.tenant,
               [&hub](const std::string& id) { return hub.upgrade->run(id); }},
      .health{*hub.store, *hub.audit, *hub.keyring, *hub.plugins, config.tenant},
      .metrics{}});
  made->metrics.add(*hub.engine);
  made->metrics.add(*hub.audit);
  made->metrics.add(*hub.store);
  made->metrics.add(privacy);
  made->metrics.add(*hub.access);
  made->metrics.add(hub.senders);
  made->metrics.add(*hub.plugins);
  return made;
}

Result<std::unique_ptr<Hub>> Hub::start(const config::Config& config, const Clock& clock,
                                        Logger& log, const phi::Policy& privacy, bool dev) {
  RABT_TRY_STATUS(make_data_folder(config.data));
  auto parts = std::make_unique<Parts>(clock, log);
  Parts& hub = *parts;
  RABT_TRY(token, make_api_token(config.data, hub.random));

  hub.http_client = net::make_curl_client(clock, log);
  RABT_TRY(keyring, open_keyring(config, *hub.http_client, clock, hub.random));
  hub.keyring = std::move(keyring);
  RABT_TRY(store,
           store::open_sqlite(
               {.path = config.data + "/rabt.db", .migrations_folder = config.migrations}, log));
  hub.store = std::move(store);
  RABT_TRY(audit, open_audit(*hub.store, *hub.keyring, config, clock, log, hub.senders));
  hub.audit = std::move(audit);
  hub.keys = std::make_unique<keys::DataKeys>(
      keys::DataKeys::Parts{*hub.keyring, *hub.store, clock, hub.random, hub.ids},
      retention_of(config));
  hub.details = std::make_unique<access::PatientDetail>(*hub.keys, *hub.store, hub.random);
  hub.grants = std::make_unique<access::Grants>(
      access::Grants::Parts{*hub.store, *hub.audit, *hub.details, clock, hub.ids, log},
      config.tenant, access::machine_boot());
  RABT_TRY_STATUS(hub.grants->sweep());
  hub.access = std::make_unique<access::AccessControl>(
      access::AccessControl::Parts{*hub.store, *hub.audit, *hub.details, *hub.grants,
                                   [&hub] { return senders_ready(hub.senders); }},
      config.tenant,
      config.privacy.break_glass ? access::ReadPolicy::break_glass : access::ReadPolicy::reason);
  hub.key_admin = std::make_unique<keys::KeyAdmin>(
      keys::KeyAdmin::Parts{*hub.keyring, *hub.keys, *hub.store, *hub.audit, clock, log},
      config.tenant);
  RABT_TRY(blobs, blob::make_blob_store(config.data + "/blobs", *hub.store, *hub.keys, clock,
                                        hub.random, hub.ids, log));
  hub.blobs = std::move(blobs);
  hub.maintenance = std::make_unique<Maintenance>(
      Maintenance::Parts{*hub.keys, *hub.key_admin, *hub.blobs, clock, log},
      config.retention.automatic_shred);
  RABT_TRY(patient_hosts, net::AllowList::make(config.http.patient_data));
  hub.plugins = plugin::PluginHost::make(
      {.store = *hub.store,
       .keys = *hub.keys,
       .audit = *hub.audit,
       .http = *hub.http_client,
       .blobs = *hub.blobs,
       .clock = clock,
       .random = hub.random,
       .log = log,
       .privacy = privacy,
       .patient_hosts = std::make_shared<const net::AllowList>(std::move(patient_hosts)),
       .worker_program = {},
       .sandbox_required = config.sandbox_required});
  const consultation::Parts records{*hub.store, *hub.audit, *hub.blobs, *hub.keys, clock, hub.ids};
  hub.plugins->add_service(consultation::make_register(records));
  hub.plugins->add_service(consultation::make_recordings(records));
  const Unsigned unsigned_ones = dev ? Unsigned::take : Unsigned::refuse;
  for (const auto& [id, entry] : config.plugin) {
    RABT_TRY_STATUS(check_record(id, entry, dev));
    RABT_TRY(versions, choose_packages(config, id, unsigned_ones));
    RABT_TRY(base, plugin_config(config, id));
    const Status newest = hub.plugins->load(with_package(base, std::move(versions.front())));
    // A version that cannot take over its configuration leaves the older ones to serve, as they do
    // when it is refused while the hub runs.
    bool serves = newest.ok();
    if (!serves && newest.error().code != "plugin.migrate") return newest.error();
    // Older ones, for instances that began with their contracts. Where one that is needed does not
    // load, the engine refuses to start.
    for (std::size_t i = 1; i < versions.size(); ++i) {
      if (const auto& fault = versions[i].fault) {
        log.error("plugin.not_loaded", {{"plugin", std::string_view(id)},
                                        {"version", std::string_view(versions[i].version)},
                                        {"code", std::string_view(fault->code)}});
        continue;
      }
      serves = hub.plugins->load(with_package(base, std::move(versions[i]))).ok() || serves;
    }
    if (!serves) return newest.error();
  }
  for (const auto& [role, target] : config.roles)
    RABT_TRY_STATUS(hub.plugins->bind_role(role, target));

  engine::Engine::Options options{
      .tenant = config.tenant, .workers = config.workers, .refuse_unserved = true};
  for (const auto& [role, code] : config.privacy.purposes)
    options.purposes.insert_or_assign(role, code);
  RABT_TRY(allow, net::AllowList::make(config.http.allow, config.http.allow_private));
  options.http.allow = std::make_shared<const net::AllowList>(std::move(allow));
  if (!config.http.ca.empty()) {
    options.http.tls =
        std::make_shared<const net::TlsOptions>(net::TlsOptions{.ca_file = config.http.ca});
  }
  for (const auto& [name, source] : config.workflow_secrets) {
    auto secret = config::read_secret(source);
    if (!secret.ok()) {
      return invalid(secret.error().code,
                     "workflow secret " + name + ": " + secret.error().message);
    }
    options.secrets.emplace(name, *secret);
  }
  // Everything that was accepted before finds its way first; only then does the door open.
  RABT_TRY(recovered, engine::Engine::recover({.store = *hub.store,
                                               .keys = *hub.keys,
                                               .audit = *hub.audit,
                                               .actions = *hub.plugins,
                                               .http = *hub.http_client,
                                               .clock = clock,
                                               .random = hub.random,
                                               .ids = hub.ids,
                                               .log = log},
                                              std::move(options)));
  hub.engine = std::move(recovered);
  hub.patients = std::make_unique<engine::PatientIndex>(*hub.store, config.tenant);
  RABT_TRY(files, read_workflows(config.workflows));
  RABT_TRY(deployed, hub.engine->apply(files, "operator"));
  (void)deployed;
  hub.upgrade = std::make_unique<PluginUpgrade>(config, unsigned_ones, *hub.plugins, *hub.engine);
  RABT_TRY(retired, hub.upgrade->retire());
  (void)retired;
  hub.maintenance->retire_with([&hub] { hub.upgrade->retire_superseded(hub.log); });

  std::vector<api::Source> sources;
  for (const config::SourceEntry& entry : config.sources) {
    api::Source source;
    source.name = entry.name;
    source.plugin = entry.plugin;
    source.signature.scheme = entry.scheme == "twilio" ? http::SignatureScheme::twilio
                              : entry.scheme == "static-token"
                                  ? http::SignatureScheme::static_token
                                  : http::SignatureScheme::standard_webhooks;
    if (!entry.header.empty()) source.signature.token_header = entry.header;
    source.signature.public_url = config.public_url;
    for (const config::SecretSource& from : entry.secrets) {
      auto secret = config::read_secret(from);
      if (!secret.ok())
        return invalid(secret.error().code, "source " + entry.name + ": " + secret.error().message);
      if (source.signature.scheme == http::SignatureScheme::standard_webhooks) {
        RABT_TRY(key, http::parse_whsec((*secret)->expose_text()));
        source.signature.secrets.push_back(std::move(key));
      } else {
        source.signature.secrets.push_back((*secret)->clone());
      }
    }
    if (const Status good = http::check(source.signature); !good.ok()) {
      return invalid(good.error().code, "source " + entry.name + ": " + good.error().message);
    }
    sources.push_back(std::move(source));
  }
  hub.api = std::make_unique<api::Api>(make_resources(config, hub, privacy, std::move(sources)),
                                       crypto::sha256(token), privacy);
  RABT_TRY(server,
           http::Server::start(
               http::ServerOptions{.address = config.address, .port = config.port},
               [&hub](const http::Request& request) { return hub.api->handle(request); }, log));
  hub.server = std::move(server);
  hub.address = config.address;
  log.info("hub.started", {{"port", static_cast<std::int64_t>(hub.server->port())}});
  return std::unique_ptr<Hub>(new Hub(std::move(parts)));
}

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Hub::~Hub() {
  stop();
}
int Hub::port() const {
  return parts_->server->port();
}
std::string Hub::url() const {
  return "http://" + parts_->address + ":" + std::to_string(port());
}
engine::Engine& Hub::engine() {
  return *parts_->engine;
}
store::Store& Hub::store() {
  return *parts_->store;
}

void Hub::stop(std::int64_t grace_ms) {
  if (parts_->server != nullptr) parts_->server->stop();
  if (parts_->plugins != nullptr) parts_->plugins->shutdown(grace_ms);
  if (parts_->engine != nullptr) parts_->engine->stop();
  parts_->server.reset();
}

}  // namespace rabt::assembly
