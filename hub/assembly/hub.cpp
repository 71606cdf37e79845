#include "hub/assembly/hub.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "hub/access/access_control.hpp"
#include "hub/api/api.hpp"
#include "hub/api/browser.hpp"
#include "hub/assembly/alert_channels.hpp"
#include "hub/assembly/alert_readings.hpp"
#include "hub/assembly/code_maps.hpp"
#include "hub/assembly/consultations.hpp"
#include "hub/assembly/edge.hpp"
#include "hub/assembly/foundation.hpp"
#include "hub/assembly/hold.hpp"
#include "hub/assembly/issuers.hpp"
#include "hub/assembly/maintenance.hpp"
#include "hub/assembly/pages.hpp"
#include "hub/assembly/plugin_loading.hpp"
#include "hub/assembly/plugins.hpp"
#include "hub/assembly/sources.hpp"
#include "hub/assembly/standstill.hpp"
#include "hub/assembly/statements.hpp"
#include "hub/assembly/webhooks.hpp"
#include "hub/audit/metrics.hpp"
#include "hub/base/check.hpp"
#include "hub/base/full_disk.hpp"
#include "hub/base/mutex.hpp"
#include "hub/consultation/events/merge_events.hpp"
#include "hub/consultation/messages/task_news.hpp"
#include "hub/consultation/practice/long_waits.hpp"
#include "hub/consultation/rows/relations.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/consultation/workflow/p2p.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/consultation/workflow/session_actions.hpp"
#include "hub/consultation/workflow/task_actions.hpp"
#include "hub/crypto/metrics.hpp"
#include "hub/engine/metrics.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/keys/fit.hpp"
#include "hub/phi/metrics.hpp"
#include "hub/plugin/metrics.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/repair/runner.hpp"
#include "hub/store/metrics.hpp"

namespace rabt::assembly {

namespace {

namespace fs = std::filesystem;

Status make_data_folder(const std::string& folder) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure || ::access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    const int error = failure ? failure.value() : errno;
    if (is_full_disk(error)) return full_disk(folder);
    const std::string why = failure ? failure.message() : std::strerror(error);
    return unavailable("cli.data_folder",
                       "the data folder " + folder + " cannot be written: " + why +
                           "; make it writable for this user, or set `data` to another folder");
  }
  fs::permissions(folder, fs::perms::owner_all, failure);
  return ok_status();
}

// Actor of what a start changes.
std::string own_user() {
  return "local:" + std::to_string(::geteuid());
}

Status senders_ready(const std::vector<std::unique_ptr<audit::SyslogSender>>& senders) {
  for (const auto& sender : senders) RABT_TRY_STATUS(sender->ready());
  return ok_status();
}

}  // namespace

Result<engine::Engine::Options> engine_options(const config::Config& config) {
  engine::Engine::Options options{
      .tenant = config.tenant, .workers = config.workers, .refuse_unserved = true};
  options.delivery_period = config.retention.delivery;
  for (const auto& [role, code] : config.privacy.purposes)
    options.purposes.insert_or_assign(role, code);
  RABT_TRY(allow, net::AllowList::make(config.http.allow, config.http.allow_private));
  options.http.allow = std::make_shared<const net::AllowList>(std::move(allow));
  RABT_TRY(patient, net::AllowList::make(config.http.patient_data, config.http.allow_private));
  options.http.patient = std::make_shared<const net::AllowList>(std::move(patient));
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
  return options;
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

// Members are constructed in reading order and destroyed in reverse.
struct Hub::Parts {
  explicit Parts(std::unique_ptr<Foundation> foundation) : base(std::move(foundation)) {}
  // Also where the hub could not start: its threads end before what they use.
  ~Parts() {
    maintenance.reset();
    stop(0);
  }
  // Ends every thread that uses a member. May be called again.
  void stop(std::int64_t grace_ms);
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  const std::unique_ptr<Foundation> base;
  // Data keys that cannot be opened, as "code: text"; empty until they are counted.
  mutable Mutex closed_mutex;
  std::string closed_keys RABT_GUARDED_BY(closed_mutex);
  Build build;
  // In place of the foundation's client when the hub is held; null otherwise.
  std::unique_ptr<net::HttpClient> held;
  std::unique_ptr<Standstill> standstill;
  std::unique_ptr<identity::People> people;
  std::unique_ptr<identity::Newcomers> newcomers;
  std::unique_ptr<identity::Issuers> issuers;
  std::unique_ptr<identity::Accounts> accounts;
  std::unique_ptr<identity::Clients> clients;
  std::unique_ptr<identity::Approvals> approvals;
  std::unique_ptr<identity::Merges> merges;
  std::unique_ptr<identity::PersonPairs> pairs;
  std::unique_ptr<identity::Oidc> oidc;
  std::unique_ptr<identity::Authenticator> authenticator;
  std::unique_ptr<identity::Watch> watch;
  std::unique_ptr<access::PatientDetail> details;
  std::unique_ptr<access::Grants> grants;
  std::unique_ptr<access::AccessControl> access;
  std::unique_ptr<blob::BlobStore> blobs;
  std::unique_ptr<const consultation::Tasks> tasks;
  std::unique_ptr<const consultation::LongWaits> long_waits;
  std::shared_ptr<const consultation::ServedMaps> maps;
  std::unique_ptr<plugin::PluginHost> plugins;
  std::unique_ptr<engine::Engine> engine;
  std::unique_ptr<engine::PatientIndex> patients;
  std::unique_ptr<repair::Repairs> repairs;
  // Acts by its own thread; stop() ends it before the engine.
  std::unique_ptr<repair::Runner> repair_runner;
  std::unique_ptr<webhooks::Webhooks> webhooks;
  // Null when no broker is configured.
  std::shared_ptr<bus::Publisher> broker;
  // Destroyed before the webhooks, which its thread tells.
  std::unique_ptr<Consultations> consultations;
  // Tells by its own thread; stop() ends it behind the plugins, whose answer it may wait for.
  std::unique_ptr<consultation::TaskNews> task_news;
  std::unique_ptr<alerts::Alerts> alerts;
  std::unique_ptr<AlertReadings> readings;
  std::unique_ptr<api::Replays> replays;
  std::unique_ptr<api::DeliveryOutcomes> outcomes;
  std::unique_ptr<api::Cursors> cursors;
  std::unique_ptr<api::Stream> stream;
  std::unique_ptr<api::Views> views;
  std::unique_ptr<PluginUpgrade> upgrade;
  std::unique_ptr<pages::Pages> pages;
  // Listeners. Null when another object listens for this hub. stop() ends their calls of `api`.
  std::unique_ptr<Edge> edge;
  // The same for other threads; set once it listens.
  std::atomic<const Edge*> listening{nullptr};
  // Destroyed before all others, which its thread uses.
  std::unique_ptr<Maintenance> maintenance;
  std::unique_ptr<api::Api> api;
  // Its threads call `api`; stop() ends them.
  std::unique_ptr<MllpSources> mllp;

  [[nodiscard]] net::HttpClient& outward() const { return held != nullptr ? *held : *base->http; }
  [[nodiscard]] http::Admission admit(const http::Request& head, std::string_view listener) const {
    if (held != nullptr && !only_looks(head)) return held_answer();
    return api->admit(head, listener);
  }
  [[nodiscard]] Status make_identity(const config::Config& config);
  [[nodiscard]] Status make_access(const config::Config& config);
  [[nodiscard]] Status make_plugins(const config::Config& config, const phi::Policy& privacy,
                                    Unsigned unsigned_ones);
  [[nodiscard]] Status open_engine(const config::Config& config);
  [[nodiscard]] Status make_consultations(const config::Config& config);
  void make_repairs(const config::Config& config, bool hold);
  void make_compatible(const config::Config& config, const phi::Policy& privacy);
  [[nodiscard]] Status open_alerts(const config::Config& config);
  void watch_alerts(const config::Config& config);
  void look_after_keys(const std::string& tenant);
  // From now on the hub acts by itself. Not while it is held.
  void start_acting(const config::Config& config);
  // Does what waited for time to pass. Nothing while the hub is held.
  void catch_up();
  [[nodiscard]] Json troubles() const;
  [[nodiscard]] std::unique_ptr<api::Resources> make_resources(const config::Config& config,
                                                               const phi::Policy& privacy,
                                                               std::vector<api::Source> sources);
};

Status Hub::Parts::make_identity(const config::Config& config) {
  RABT_TRY(token, identity::ensure_api_token(config.data, base->random));
  RABT_TRY(trusted, read_issuers(config, base->wall, outward()));
  issuers = std::make_unique<identity::Issuers>(std::move(trusted));
  people = std::make_unique<identity::People>(
      identity::People::Parts{*base->store, *base->keys, *base->audit, base->clock, base->random,
                              base->ids, config.identity.separate_roles});
  newcomers =
      std::make_unique<identity::BookedPatients>(*people, base->clock, sign_in_systems(config));
  merges = std::make_unique<identity::Merges>(
      identity::Merges::Parts{*people, *base->store, *base->keys, *base->audit, base->clock,
                              base->random, base->ids,
                              consultation::tells_merges(config.tenant, base->clock, base->ids)},
      config.tenant);
  pairs = std::make_unique<identity::PersonPairs>(
      identity::PersonPairs::Parts{*people, *base->store, *base->keys, *base->audit, base->clock,
                                   base->log},
      config.tenant);
  approvals = std::make_unique<identity::Approvals>(
      identity::Approvals::Parts{*base->store, *base->keys, *base->audit, base->clock, base->random,
                                 base->ids},
      config.tenant, config.identity.second_person);
  RABT_TRY(options, account_options(config));
  accounts = std::make_unique<identity::Accounts>(
      identity::Accounts::Parts{*people, *base->store, *base->keys, *base->keyring, *base->audit,
                                base->clock, base->random, base->ids,
                                [this, tenant = config.tenant](std::string_view person) {
                                  return consultation::takes_part_now(*base->store, tenant, person);
                                }},
      config.tenant, std::move(options));
  clients = std::make_unique<identity::Clients>(
      identity::Clients::Parts{*base->store, *base->keyring, *base->audit, base->wall,
                               base->random},
      config.tenant, config.public_url.empty() ? "" : config.public_url + "/auth/token");
  RABT_TRY(places, read_oidc(config));
  RABT_TRY(exchange, issuer_exchange(config, outward()));
  oidc = std::make_unique<identity::Oidc>(
      identity::Oidc::Parts{*people, *accounts, *base->store, *base->keyring, *base->audit,
                            base->wall, base->random},
      config.tenant, config.public_url, std::move(places), std::move(exchange));
  authenticator = std::make_unique<identity::Authenticator>(
      identity::Authenticator::Parts{*people, *issuers, *accounts, *clients, config.tenant},
      identity::ApiToken(token));
  watch = std::make_unique<identity::Watch>(
      identity::Watch::Parts{*authenticator, *base->store, base->clock, base->log});
  return ok_status();
}

Status Hub::Parts::make_access(const config::Config& config) {
  details = std::make_unique<access::PatientDetail>(*base->keys, *base->store, base->random);
  grants =
      std::make_unique<access::Grants>(access::Grants::Parts{*base->store, *base->audit, *details,
                                                             base->clock, base->ids, base->log},
                                       config.tenant, access::machine_boot());
  RABT_TRY_STATUS(grants->sweep());
  access = std::make_unique<access::AccessControl>(
      access::AccessControl::Parts{*base->store, *base->audit, *details, *grants,
                                   [this] { return senders_ready(base->senders); },
                                   [this, tenant = config.tenant](const std::string& patient) {
                                     return people->own_names_of(tenant, patient);
                                   }},
      config.tenant,
      config.privacy.break_glass ? access::ReadPolicy::break_glass : access::ReadPolicy::reason);
  return ok_status();
}

Status Hub::Parts::make_plugins(const config::Config& config, const phi::Policy& privacy,
                                Unsigned unsigned_ones) {
  RABT_TRY(patient_hosts, net::AllowList::make(config.http.patient_data));
  plugins = plugin::PluginHost::make(
      {.store = *base->store,
       .keys = *base->keys,
       .audit = *base->audit,
       .http = outward(),
       .blobs = *blobs,
       .clock = base->clock,
       .random = base->random,
       .log = base->log,
       .privacy = privacy,
       .patient_hosts = std::make_shared<const net::AllowList>(std::move(patient_hosts)),
       .worker_program = {},
       .sandbox_required = config.sandbox_required});
  const consultation::Parts records{*base->store, *base->audit, *blobs,
                                    *base->keys,  base->clock,  base->ids};
  plugins->add_service(consultation::make_register(records));
  plugins->add_service(consultation::make_recordings(records));
  tasks = std::make_unique<const consultation::Tasks>(consultation::Tasks::Parts{
      *base->store, *base->audit, *base->keys, *people, *details, base->clock, base->random,
      base->ids, config.tenant, config.task_messages});
  long_waits = std::make_unique<const consultation::LongWaits>(
      consultation::LongWaits::Parts{*base->store, *tasks, *people, base->clock, config.tenant});
  plugins->add_service(consultation::make_task_actions(*tasks));
  RABT_TRY(read, read_code_maps(config));
  maps = std::make_shared<const consultation::ServedMaps>(std::move(read));
  plugins->add_service(consultation::make_map_actions(maps));
  RABT_TRY(ice, read_ice(config));
  plugins->add_service(consultation::make_p2p_video(std::move(ice), base->clock, base->random));
  RABT_TRY_STATUS(make_consultations(config));
  RABT_TRY_STATUS(load_plugins(config, *plugins, unsigned_ones, base->log));
  for (const auto& [role, target] : config.roles) RABT_TRY_STATUS(plugins->bind_role(role, target));
  for (const Error& error : unserved_roles(config, *plugins))
    base->log.warn("role.not_served",
                   {{"code", std::string_view(error.code)}, {"reason", error.message}});
  return ok_status();
}

Status Hub::Parts::open_engine(const config::Config& config) {
  RABT_TRY(options, engine_options(config));
  RABT_TRY(opened, engine::Engine::open({.store = *base->store,
                                         .keys = *base->keys,
                                         .audit = *base->audit,
                                         .actions = *plugins,
                                         .http = outward(),
                                         .clock = base->clock,
                                         .random = base->random,
                                         .ids = base->ids,
                                         .log = base->log},
                                        std::move(options)));
  engine = std::move(opened);
  if (held == nullptr) RABT_TRY_STATUS(engine->take(0));
  patients = std::make_unique<engine::PatientIndex>(*base->store, config.tenant);
  if (held != nullptr) return ok_status();
  RABT_TRY(files, read_workflows(config.workflows));
  RABT_TRY_STATUS(engine->apply(files, own_user()));
  return consultation::note_served_maps(*base->store, *base->audit, base->clock, config.tenant,
                                        own_user(), *maps);
}

Status Hub::Parts::make_consultations(const config::Config& config) {
  const auto has_feature = [&host = *plugins](std::string_view target, std::string_view feature) {
    return host.has_feature(target, feature);
  };
  const auto ask_desk = [this](const consultation::NewTask& wanted) -> Status {
    RABT_TRY_STATUS(tasks->open(wanted));
    return ok_status();
  };
  const auto close_tasks = [this](const consultation::PassedTasks& passed) {
    return tasks->close_passed(passed);
  };
  RABT_TRY(rooms, Consultations::make(config, {.sessions = {.store = *base->store,
                                                            .audit = *base->audit,
                                                            .keys = *base->keys,
                                                            .blobs = *blobs,
                                                            .directory = *people,
                                                            .actions = *plugins,
                                                            .clock = base->clock,
                                                            .random = base->random,
                                                            .ids = base->ids,
                                                            .log = base->log,
                                                            .tenant = config.tenant,
                                                            .settings = config.video,
                                                            .public_url = config.public_url,
                                                            .house = config.house,
                                                            .has_feature = has_feature,
                                                            .links = config.links,
                                                            .coverage = config.coverage,
                                                            .ask_desk = ask_desk,
                                                            .close_tasks = close_tasks,
                                                            .access = access.get(),
                                                            .details = details.get(),
                                                            .newcomers = newcomers.get()},
                                               .people = *people}));
  consultations = std::move(rooms);
  task_news = std::make_unique<consultation::TaskNews>(consultations->sessions().acts, *tasks,
                                                       config.task_messages);
  authenticator->let_in(consultations->sessions().guests);
  stream = std::make_unique<api::Stream>(
      api::LiveParts{consultations->sessions(), consultations->records(), consultations->practice(),
                     consultations->live(), base->clock},
      base->random);
  views = std::make_unique<api::Views>(base->clock, base->random, *watch);
  plugins->add_service(consultation::make_session_actions(
      consultations->sessions(), consultations->records(), consultations->practice()));
  return ok_status();
}

void Hub::Parts::make_repairs(const config::Config& config, bool hold) {
  repairs = std::make_unique<repair::Repairs>(
      repair::Repairs::Parts{*engine, *base->store, *base->keys, *base->audit, *details,
                             base->clock, base->random, base->ids, config.tenant});
  repair_runner = std::make_unique<repair::Runner>(
      repair::Runner::Parts{*engine, *base->store, *base->keys, *base->audit, base->clock,
                            base->log, config.tenant},
      repairs->rows());
  if (!hold) repairs->on_run([this] { repair_runner->wake(); });
}

Status Hub::Parts::open_alerts(const config::Config& config) {
  RABT_TRY(channels, make_channels(config, outward(), *plugins, *webhooks, base->clock));
  RABT_TRY(opened, alerts::Alerts::open({.store = *base->store,
                                         .audit = *base->audit,
                                         .keys = *base->keys,
                                         .clock = base->clock,
                                         .random = base->random,
                                         .ids = base->ids,
                                         .log = base->log,
                                         .tenant = config.tenant},
                                        alert_settings(config), std::move(channels)));
  alerts = std::move(opened);
  return ok_status();
}

// Measures and judges every 15 seconds from now on.
void Hub::Parts::watch_alerts(const config::Config& config) {
  constexpr std::int64_t kEveryMs = 15'000;
  readings = std::make_unique<AlertReadings>(
      AlertReadings::Parts{
          .store = *base->store,
          .audit = *base->audit,
          .engine = *engine,
          .plugins = *plugins,
          .webhooks = *webhooks,
          .outcomes = *outcomes,
          .tasks = *tasks,
          .standstill = *standstill,
          .clock = base->clock,
          .wall = base->wall,
          .broker = broker.get(),
          .certificates = [this]() -> std::optional<std::map<std::string, Timestamp>> {
            const Edge* const open = listening.load();
            if (open == nullptr) return std::nullopt;
            return open->certificates();
          },
          .heard = [this] { return api->hooks().heard(); }},
      config);
  maintenance->also([this, next = std::make_shared<std::int64_t>(0)] {
    if (base->clock.monotonic_ms() < *next) return;
    *next = base->clock.monotonic_ms() + kEveryMs;
    alerts->sweep(readings->take());
  });
  maintenance->removes([this] { return alerts->remove_old(); });
}

void Hub::Parts::start_acting(const config::Config& config) {
  watch_alerts(config);
  repair_runner->start();
  task_news->start();
}

void Hub::Parts::catch_up() {
  if (held != nullptr) return;
  const auto done = [this](std::string_view name, const Status& status) {
    if (!status.ok()) base->log.warn(name, {{"code", status.error().code}});
  };
  done("practice.catch_up", consultations->practice().catch_up());
  done("tasks.catch_up", tasks->catch_up());
  done("long_waits.turn", long_waits->turn());
  done("merges.catch_up", consultation::settle_merges(*base->store, *merges));
  done("pairs.catch_up", pairs->compare_old());
}

void Hub::Parts::look_after_keys(const std::string& tenant) {
  maintenance->also(
      [trouble = std::make_shared<KeyringTrouble>(*base->keyring, base->log)] { trouble->look(); });
  // Once, and not before the hub answers: it counts every data key.
  maintenance->also([this, tenant, told = false]() mutable {
    if (std::exchange(told, true)) return;
    auto looked = keys::log_closed_keys(*base->store, *base->keyring, tenant, base->log);
    if (!looked.ok()) return base->log.warn("keys.not_counted", {{"code", looked.error().code}});
    const Lock lock(closed_mutex);
    closed_keys = *std::move(looked);
  });
}

// Faults in the hub's surroundings, for the operator.
Json Hub::Parts::troubles() const {
  Json out = Json::object();
  const auto add = [&](std::string_view name, const Status& state) {
    if (!state.ok()) out.set(name, state.error().code + ": " + state.error().message);
  };
  // A job that writes nothing says which file the writer lacks. It needs no room itself.
  const auto unwritten = [this] {
    const Status looked = base->store->write([](store::Transaction&) { return ok_status(); });
    if (!looked.ok() || !base->store->stats().disk_full) return looked;
    return Status(full_disk());
  };
  add("database", base->store->stats().disk_full
                      ? unwritten()
                      : base->store->read([](store::Connection& connection) {
                          return connection.query(sql::kAnything, {},
                                                  [](const store::Row&) { return false; });
                        }));
  if (broker != nullptr) add("rabbitmq", broker->trouble());
  add("credentials", consultations->sessions().video_credentials());
  add("jwt", issuers->trouble());
  add("work", standstill->trouble());
  const Lock lock(closed_mutex);
  if (!closed_keys.empty()) out.set("keys", closed_keys);
  if (const std::int64_t ahead = base->settled.ahead_ms(); ahead != 0) {
    add("clock", unavailable("clock.stepped",
                             "the clock of the machine was set by " + std::to_string(ahead / 1000) +
                                 " s; timers go on by the time before, and follow it when it has "
                                 "lasted 30 minutes: check the time service"));
  }
  return out;
}

// Compatibility APIs.
void Hub::Parts::make_compatible(const config::Config& config, const phi::Policy& privacy) {
  std::vector<api::compat::TokenSystem> systems;
  for (const config::IssuerEntry& entry : config.identity.issuers) {
    const identity::IssuerOptions& issuer = entry.options;
    systems.push_back({.name = issuer.subject_system,
                       .issuer = issuer.name,
                       .has_patients = issuer.may_grant.has(identity::Role::patient)});
  }
  api->open(make_doors(
      config,
      {.sessions = consultations->sessions(),
       .records = consultations->records(),
       .practice = consultations->practice(),
       .people = *people,
       .accounts = *accounts,
       .approvals = *approvals,
       .audit = *base->audit,
       .clock = base->clock,
       .systems = std::move(systems),
       .public_url = config.public_url,
       .troubles = [this] { return troubles(); },
       .video = config.roles.contains("video") ? config.roles.at("video") : std::string(),
       .bus = broker != nullptr,
       .recording_content =
           [this](const consultation::Caller& caller, const consultation::ReadRecording& asked,
                  const http::Request& request) {
             return api->recording_content(caller, asked, request);
           },
       .metrics = [this] { return api->metrics_text(); },
       .stream = stream.get()},
      privacy));
}

// Resources that the API answers about, with the parts that they measure.
std::unique_ptr<api::Resources> Hub::Parts::make_resources(const config::Config& config,
                                                           const phi::Policy& privacy,
                                                           std::vector<api::Source> sources) {
  const api::Patients who{*access, *patients, *base->keyring, config.tenant};
  const std::int64_t treats_before_ms = config.privacy.treats_before_hours * 3'600'000LL;
  std::set<std::string> readers;
  for (const config::SourceEntry& source : config.sources) readers.insert(source.plugin);
  std::vector<std::string> weak = weak_sources(config);
  for (const std::string& text : weak) base->log.warn("hub.weak_source", {{"why", text}});
  const api::Health health{*base->store,
                           *base->audit,
                           *base->keyring,
                           *plugins,
                           config.tenant,
                           [this] { return troubles(); },
                           base->clock,
                           held != nullptr,
                           build,
                           sends_sms(config),
                           [this] { return engine->paused_roles(); },
                           std::move(readers),
                           std::move(weak)};
  std::unique_ptr<api::Resources> resources(new api::Resources{
      .hooks{{.engine = *engine,
              .plugins = *plugins,
              .store = *base->store,
              .audit = *base->audit,
              .clock = base->wall,
              .log = base->log,
              .ids = base->ids,
              .tenant = config.tenant,
              .ready = [this] { return senders_ready(base->senders); },
              .provider_event = [this](const Json& event) -> Status {
                RABT_TRY_STATUS(consultations->sessions().provider_events.take(event));
                return consultations->reports().take(event);
              },
              .outcomes = outcomes.get(),
              .access = access.get(),
              .details = details.get()},
             std::move(sources)},
      .instances{*engine, who},
      .repairs{*repairs, *approvals},
      .pauses{*engine, base->clock},
      .tasks{*tasks, *engine, *accounts, *base->store, *base->audit, who},
      .requests{*tasks, *people, *base->store, *base->audit, who, base->clock},
      .workflows{*engine, *approvals, who},
      .recordings{*base->store, *base->audit, *blobs, who, *views, &consultations->sessions()},
      .audit{*base->audit, *details, who, base->clock, export_source(config), *people},
      .grants{*grants, *engine, *base->audit, *details, who},
      .keys{*base->key_admin, *base->store, *approvals, config.tenant},
      .plugins{*plugins, *base->store, *base->audit, config.tenant,
               [this](const std::string& id) { return upgrade->run(id); }},
      .accounts{*people, *accounts, *approvals, base->clock, config.tenant,
                api::origin_of(config.public_url), !config.server.tls_certificates.empty()},
      .clients{*clients, *approvals},
      .oidc{*oidc, !pages::Bundle::embedded().empty()},
      .people{*people, *base->store, *base->audit, base->clock, who, *merges, *pairs, *approvals,
              consultations->sessions().invitations, treats_before_ms},
      .access{*people, *base->store, *base->keys, *base->audit, base->random, base->clock,
              config.tenant, config.video.patient_may_read_recordings, treats_before_ms},
      .approvals{*approvals},
      .invitations{.sessions = &consultations->sessions(),
                   .clock = &base->clock,
                   .origin = api::origin_of(config.public_url)},
      .health = health,
      .todo{*engine, *tasks, *webhooks, *grants, *approvals, *outcomes, base->clock, *alerts,
            *repairs, health},
      .alerts{*alerts},
      .metrics{},
      .sessions = &consultations->sessions(),
      .records = &consultations->records(),
      .practice = &consultations->practice(),
      .webhooks = webhooks.get(),
      .stream = stream.get()});
  if (config.one_of_several) resources->metrics.label(config.tenant);
  resources->metrics.add(*engine);
  resources->metrics.add(*webhooks);
  if (broker != nullptr) resources->metrics.add(*broker);
  resources->metrics.add(consultations->sessions());
  resources->metrics.add(consultations->practice());
  resources->metrics.add(*base->audit);
  resources->metrics.add(*base->store);
  resources->metrics.add(*base->keyring);
  resources->metrics.add(*standstill);
  resources->metrics.add(*alerts);
  resources->metrics.add(privacy);
  resources->metrics.add(*access);
  resources->metrics.add(*accounts);
  resources->metrics.add(base->senders);
  resources->metrics.add(*plugins);
  return resources;
}

Result<std::unique_ptr<Hub>> Hub::open(const config::Config& config, const Clock& clock,
                                       Logger& log, const phi::Policy& privacy,
                                       const HubOptions& options) {
  const bool hold = options.hold;
  RABT_TRY_STATUS(make_data_folder(config.data));
  RABT_TRY(foundation, Foundation::open(config, clock, log));
  auto parts = std::make_unique<Parts>(std::move(foundation));
  Parts& hub = *parts;
  Foundation& base = *hub.base;
  hub.build = options.build;
  if (hold) hub.held = make_held_client();
  hub.standstill = std::make_unique<Standstill>(*base.store, config.tenant, base.clock);
  RABT_TRY_STATUS(hub.make_identity(config));
  RABT_TRY_STATUS(hub.make_access(config));
  RABT_TRY(blobs, blob::make_blob_store(config.data + "/blobs", *base.store, *base.keys, base.clock,
                                        base.random, base.ids, log));
  hub.blobs = std::move(blobs);
  hub.maintenance = std::make_unique<Maintenance>(
      Maintenance::Parts{*base.keys, *base.key_admin, *hub.blobs, base.clock, log},
      Maintenance::Removal{.old = !hold, .buckets = !hold && config.retention.automatic_shred});

  const Unsigned unsigned_ones = options.dev ? Unsigned::take : Unsigned::refuse;
  RABT_TRY_STATUS(hub.make_plugins(config, privacy, unsigned_ones));
  // Events that were accepted before are routed now, before the server accepts new ones.
  RABT_TRY_STATUS(hub.open_engine(config));
  webhooks::Broker broker;
  if (!hold) {
    RABT_TRY(broker_of_hub, make_broker(config, base, hub.consultations->sessions()));
    broker = std::move(broker_of_hub);
  }
  hub.broker = broker.publisher;
  RABT_TRY(webhooks, open_webhooks(config, base, hub.consultations->practice(), std::move(broker)));
  hub.webhooks = std::move(webhooks);
  if (!hold) {
    hub.webhooks->start();
    hub.consultations->begin(*hub.engine, *hub.webhooks);
  }
  hub.make_repairs(config, hold);
  RABT_TRY_STATUS(hub.open_alerts(config));
  hub.replays = std::make_unique<api::Replays>(
      api::Replays::Parts{*base.store, *base.keys, base.clock, base.random});
  hub.outcomes = std::make_unique<api::DeliveryOutcomes>(api::DeliveryOutcomes::Parts{
      *base.store, *base.keys, base.clock, base.random, config.tenant});
  hub.maintenance->removes([&hub] {
    hub.outcomes->remove_old();
    return false;
  });
  hub.cursors = std::make_unique<api::Cursors>(*base.keys, clock);
  hub.upgrade = std::make_unique<PluginUpgrade>(config, unsigned_ones, *hub.plugins, *hub.engine);
  RABT_TRY_STATUS(hub.upgrade->retire());
  hub.maintenance->also([&hub] { hub.upgrade->retire_superseded(hub.base->log); });
  hub.look_after_keys(config.tenant);
  hub.maintenance->also([&hub] { hub.plugins->look_after_storage(); });
  hub.maintenance->removes([&hub] { return hub.plugins->remove_expired_values(); });
  hub.maintenance->removes([&hub] {
    const auto more = hub.engine->expire_events();
    if (!more.ok()) hub.base->log.warn("engine.events_kept", {{"code", more.error().code}});
    return more.ok() && *more;
  });
  hub.maintenance->removes([&hub] {
    const auto more = hub.engine->expire_deliveries();
    if (!more.ok()) hub.base->log.warn("engine.deliveries_kept", {{"code", more.error().code}});
    return more.ok() && *more;
  });
  hub.maintenance->removes(
      [&hub, guests = std::make_shared<identity::GuestEpochs>(*base.store, config.tenant)] {
        const auto more = guests->remove_old();
        if (!more.ok()) hub.base->log.warn("identity.epochs_kept", {{"code", more.error().code}});
        return more.ok() && *more;
      });
  // After what leaves room.
  hub.maintenance->removes([&hub] {
    const auto more = hub.base->store->give_back();
    if (!more.ok()) hub.base->log.warn("store.pages_kept", {{"code", more.error().code}});
    return more.ok() && *more;
  });
  hub.maintenance->also([&hub] { hub.catch_up(); });

  RABT_TRY(sources, read_sources(config, base.wall, hub.outward()));
  hub.pages = std::make_unique<pages::Pages>(pages::Bundle::embedded(), page_options(config));
  if (pages::Bundle::embedded().empty()) {
    log.warn("hub.no_pages", {{"why", "built without node: the hub answers /api/v1 alone"}});
  }
  hub.api = std::make_unique<api::Api>(
      hub.make_resources(config, privacy, std::move(sources)),
      api::Api::Parts{*hub.authenticator, *base.store, *base.audit, privacy, *hub.replays,
                      *hub.cursors, *hub.watch, clock, config.rates, config.server.proxies,
                      hub.pages.get(), api::Cors(config.cors)});
  hub.make_compatible(config, privacy);
  hub.repairs->deliver_by(hub.api->hooks());
  hub.repair_runner->deliver_by(hub.api->hooks());
  if (!hold) {
    hub.start_acting(config);
    RABT_TRY(mllp, MllpSources::open(config, hub.api->hooks(), clock, log));
    hub.mllp = std::move(mllp);
    hub.maintenance->also([&hub] { hub.mllp->reload(); });
  }
  return std::unique_ptr<Hub>(new Hub(std::move(parts)));
}

Result<std::unique_ptr<Hub>> Hub::start(const config::Config& config, const Clock& clock,
                                        Logger& log, const phi::Policy& privacy,
                                        const HubOptions& options) {
  RABT_TRY(hub, open(config, clock, log, privacy, options));
  Parts& parts = *hub->parts_;
  const Edge::Judge judge{
      .admit = [&parts](const http::Request& head,
                        std::string_view listener) { return parts.admit(head, listener); },
      .word = [&parts](const http::Request& head, std::string_view listener,
                       http::Response& problem) { parts.api->word(head, listener, problem); }};
  RABT_TRY(edge, Edge::open({.server = config.server, .named = {}}, clock, log, judge));
  parts.edge = std::move(edge);
  RABT_TRY_STATUS(parts.edge->open_for(config, judge));
  parts.listening = parts.edge.get();
  parts.maintenance->also([&parts] { parts.edge->reload(); });
  log.info("hub.started", {{"port", static_cast<std::int64_t>(hub->port())},
                           {"version", options.build.version},
                           {"commit", options.build.commit}});
  return hub;
}

Hub::Hub(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Hub::~Hub() {
  stop();
}
http::Admission Hub::admit(const http::Request& head, std::string_view listener) {
  return parts_->admit(head, listener);
}
void Hub::word(const http::Request& head, std::string_view listener,
               http::Response& problem) const {
  parts_->api->word(head, listener, problem);
}
int Hub::port() const {
  RABT_CHECK(parts_->edge != nullptr);
  return parts_->edge->port();
}
std::string Hub::url() const {
  RABT_CHECK(parts_->edge != nullptr);
  return parts_->edge->url();
}
engine::Engine& Hub::engine() {
  return *parts_->engine;
}
store::Store& Hub::store() {
  return *parts_->base->store;
}
Result<std::string> Hub::first_code() {
  return parts_->accounts->make_bootstrap_code(
      {.who = {.kind = identity::Kind::local, .id = std::to_string(::geteuid())},
       .client = "local"});
}

identity::People& Hub::people() {
  return *parts_->people;
}

void Hub::Parts::stop(std::int64_t grace_ms) {
  if (base != nullptr && base->store != nullptr) base->store->end_waiting();
  if (edge != nullptr) edge->stop();
  if (mllp != nullptr) mllp->stop();
  if (repair_runner != nullptr) repair_runner->stop();
  if (consultations != nullptr) consultations->stop();
  if (webhooks != nullptr) webhooks->stop();
  if (plugins != nullptr) plugins->shutdown(grace_ms);
  if (task_news != nullptr) task_news->stop();
  if (engine != nullptr) {
    engine->stop();
  } else if (base != nullptr && base->store != nullptr) {
    base->store->flush();  // jobs of plugins use what goes before the store
  }
}

void Hub::stop(std::int64_t grace_ms) {
  parts_->stop(grace_ms);
}

}  // namespace rabt::assembly
