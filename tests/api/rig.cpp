#include "tests/api/rig.hpp"

#include <future>

#include "hub/audit/metrics.hpp"
#include "hub/consultation/events/merge_events.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/crypto/metrics.hpp"
#include "hub/engine/metrics.hpp"
#include "hub/http/request_head.hpp"
#include "hub/phi/metrics.hpp"
#include "hub/plugin/metrics.hpp"
#include "hub/store/metrics.hpp"
#include "tests/engine/rig.cpp"  // NOLINT(bugprone-suspicious-include): built into this program

namespace rabt::api {

http::Request request(std::string method, std::string target, std::string body) {
  http::Request made;
  made.method = std::move(method);
  made.target = std::move(target);
  const auto mark = made.target.find('?');
  if (mark != std::string::npos)
    made.query = http::parse_query(made.target.substr(mark + 1)).value();
  made.path = made.target.substr(0, mark);
  made.body = std::move(body);
  return made;
}

Json json(const http::Response& response) {
  return must(Json::parse(response.body));
}

std::string code(const http::Response& response) {
  const auto body = Json::parse(response.body);
  return body.ok() ? body->string_or("code", "") : "no JSON";
}

std::string wrong_member(const http::Response& response) {
  if (code(response) != "api.invalid") return code(response);
  const std::string detail = json(response).string_or("detail", "");
  return detail.substr(0, detail.find(':'));
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return {};
}

ApiRig::ApiRig() : ApiRig(Options{}) {}

ApiRig::ApiRig(Options options) {
  open(std::move(options));
}

void ApiRig::open(Options options) {
  api_.reset();
  const Clock& clock = options.clock != nullptr ? *options.clock : hub.clock();
  audit::AuditLog& audit = options.audit != nullptr ? *options.audit : hub.audit();
  grants = std::make_unique<access::Grants>(
      access::Grants::Parts{hub.store(), audit, details, clock, ids, null_logger()}, "t1",
      options.boot);
  access_ = std::make_unique<access::AccessControl>(
      access::AccessControl::Parts{
          .store = hub.store(),
          .audit = audit,
          .details = details,
          .grants = *grants,
          .ready = [this] { return senders_ready; },
          .names =
              [this](const std::string& patient) { return people->own_names_of("t1", patient); }},
      "t1", options.policy);
  key_admin_ =
      std::make_unique<keys::KeyAdmin>(keys::KeyAdmin::Parts{hub.keyring(), hub.keys(), hub.store(),
                                                             hub.audit(), clock, null_logger()},
                                       "t1");
  const Patients about{*access_, patients, hub.keyring(), "t1"};
  people = std::make_unique<identity::People>(
      identity::People::Parts{hub.store(), hub.keys(), audit, clock, random, ids});
  merges = std::make_unique<identity::Merges>(
      identity::Merges::Parts{*people, hub.store(), hub.keys(), audit, clock, random, ids,
                              consultation::tells_merges("t1", clock, ids)},
      "t1");
  pairs = std::make_unique<identity::PersonPairs>(
      identity::PersonPairs::Parts{*people, hub.store(), hub.keys(), audit, clock, null_logger()},
      "t1");
  approvals = std::make_unique<identity::Approvals>(
      identity::Approvals::Parts{hub.store(), hub.keys(), audit, clock, random, ids}, "t1",
      std::move(options.second_person));
  std::vector<std::string> issuer_systems;
  for (const auto& issuer : options.issuers) issuer_systems.push_back(issuer.subject_system);
  accounts = std::make_unique<identity::Accounts>(
      identity::Accounts::Parts{*people, hub.store(), hub.keys(), hub.keyring(), audit, clock,
                                random, ids},
      "t1",
      identity::AccountOptions{.memory_kib = 64,
                               .time = 1,
                               .passkey_host = "hub.example",
                               .passkey_origins = {"https://hub.example"},
                               .issuer_systems = std::move(issuer_systems)});
  clients = std::make_unique<identity::Clients>(
      identity::Clients::Parts{hub.store(), hub.keyring(), audit, clock, random}, "t1",
      "https://hub.example/auth/token");
  oidc_ = std::make_unique<identity::Oidc>(
      identity::Oidc::Parts{*people, *accounts, hub.store(), hub.keyring(), audit, clock, random},
      "t1", "https://hub.example", std::move(options.oidc), std::move(options.exchange));
  http_ = net::make_curl_client(clock, null_logger());
  webhooks_ = must(webhooks::Webhooks::open(
      {.store = hub.store(),
       .audit = audit,
       .keys = hub.keys(),
       .http = *http_,
       .clock = clock,
       .random = random,
       .ids = ids,
       .log = null_logger(),
       .tenant = "t1",
       .allow = std::make_shared<const net::AllowList>(must(net::AllowList::make({}, {})))},
      {}));
  sessions_ =
      std::make_unique<consultation::Sessions>(consultation::SessionParts{.store = hub.store(),
                                                                          .audit = audit,
                                                                          .keys = hub.keys(),
                                                                          .blobs = hub.blobs(),
                                                                          .directory = *people,
                                                                          .actions = hub.host(),
                                                                          .clock = clock,
                                                                          .random = random,
                                                                          .ids = ids,
                                                                          .log = null_logger(),
                                                                          .tenant = "t1",
                                                                          .access = access_.get()});
  tasks = std::make_unique<const consultation::Tasks>(consultation::Tasks::Parts{
      hub.store(), audit, hub.keys(), *people, details, clock, random, ids, "t1"});
  alerts::Channels channels;
  channels.at(static_cast<std::size_t>(alerts::Way::webhook)) =
      alerts::make_webhook([this](const Json& event) { return webhooks_->accept(event); });
  alerts = must(alerts::Alerts::open({.store = hub.store(),
                                      .audit = audit,
                                      .keys = hub.keys(),
                                      .clock = clock,
                                      .random = random,
                                      .ids = ids,
                                      .log = null_logger(),
                                      .tenant = "t1"},
                                     {}, std::move(channels)));
  outcomes_ = std::make_unique<DeliveryOutcomes>(
      DeliveryOutcomes::Parts{hub.store(), hub.keys(), clock, random, "t1"});
  repairs = std::make_unique<repair::Repairs>(repair::Repairs::Parts{
      hub.engine(), hub.store(), hub.keys(), audit, details, clock, random, ids, "t1"});
  repair_runner =
      std::make_unique<repair::Runner>(repair::Runner::Parts{hub.engine(), hub.store(), hub.keys(),
                                                             audit, clock, null_logger(), "t1"},
                                       repairs->rows());
  Health health{hub.store(), audit, hub.keyring(), hub.host(), "t1", [this] { return troubles; },
                clock};
  health.warnings = std::move(options.warnings);
  health.paused = [this] { return hub.engine().paused_roles(); };
  views_.reset();
  watch_.reset();
  issuers_ = std::make_unique<identity::Issuers>(
      must(identity::Issuers::make(std::move(options.issuers), clock)));
  authenticator_ = std::make_unique<identity::Authenticator>(
      identity::Authenticator::Parts{*people, *issuers_, *accounts, *clients, "t1"},
      identity::ApiToken(kToken));
  watch_ = std::make_unique<identity::Watch>(
      identity::Watch::Parts{*authenticator_, hub.store(), clock, null_logger()});
  views_ = std::make_unique<Views>(clock, random, *watch_);
  std::unique_ptr<Resources> resources(new Resources{
      .hooks{{.engine = hub.engine(),
              .plugins = hub.host(),
              .store = hub.store(),
              .audit = audit,
              .clock = clock,
              .log = null_logger(),
              .ids = ids,
              .tenant = "t1",
              .ready = [this] { return senders_ready; },
              .outcomes = outcomes_.get(),
              .access = access_.get(),
              .details = &details},
             std::move(options.sources)},
      .instances{hub.engine(), about},
      .repairs{*repairs, *approvals},
      .pauses{hub.engine(), clock},
      .tasks{*tasks, hub.engine(), *accounts, hub.store(), audit, about},
      .requests{*tasks, *people, hub.store(), audit, about, clock},
      .workflows{hub.engine(), *approvals, about},
      .recordings{hub.store(), audit, hub.blobs(), about, *views_, sessions_.get()},
      .audit{
          audit, details, about, clock, {"t1", "rabt.health/audit/t1", "hub.example.sa"}, *people},
      .grants{*grants, hub.engine(), audit, details, about},
      .keys{*key_admin_, hub.store(), *approvals, "t1"},
      .plugins{hub.host(), hub.store(), audit, "t1"},
      .accounts{*people, *accounts, *approvals, clock, "t1", "https://hub.example"},
      .clients{*clients, *approvals},
      .oidc{*oidc_, false},
      .people{*people, hub.store(), audit, clock, about, *merges, *pairs, *approvals,
              sessions_->invitations, 24LL * 3'600'000},
      .access{*people, hub.store(), hub.keys(), audit, random, clock, "t1"},
      .approvals{*approvals},
      .health = health,
      .todo{hub.engine(), *tasks, *webhooks_, *grants, *approvals, *outcomes_, clock, *alerts,
            *repairs, health},
      .alerts{*alerts},
      .metrics{},
      .sessions = sessions_.get(),
      .webhooks = webhooks_.get()});
  resources->metrics.add(hub.engine());
  resources->metrics.add(audit);
  resources->metrics.add(hub.store());
  resources->metrics.add(hub.keyring());
  resources->metrics.add(phi::strict_policy());
  resources->metrics.add(*access_);
  resources->metrics.add(senders);
  resources->metrics.add(hub.host());
  resources->metrics.add(*alerts);
  cursors_ = std::make_unique<Cursors>(hub.keys(), clock);
  replays_ = std::make_unique<Replays>(Replays::Parts{hub.store(), hub.keys(), clock, random});
  repairs->deliver_by(resources->hooks);
  repair_runner->deliver_by(resources->hooks);
  api_ = std::make_unique<Api>(
      std::move(resources),
      Api::Parts{*authenticator_, hub.store(), audit, phi::strict_policy(), *replays_, *cursors_,
                 *watch_, clock, options.rates, std::move(options.proxies), nullptr,
                 std::move(options.cors)});
}

http::Admission ApiRig::admit(const http::Request& head, std::string_view listener) {
  return api_->admit(head, listener);
}

http::Response ApiRig::handle(const http::Request& request) {
  http::Request head = request;
  head.body.clear();
  http::Admission admission = api_->admit(head);
  if (auto* refusal = std::get_if<http::Response>(&admission)) return std::move(*refusal);
  head.body = request.body;
  auto* intake = std::get_if<http::Intake>(&admission);
  if (intake == nullptr) return std::get<http::Handler>(admission)(head);
  if (intake->sink == nullptr) return intake->handler(head);
  head.body.clear();
  if (auto refusal = intake->sink->take(request.body)) return *std::move(refusal);
  return intake->sink->finish(head);
}

http::Response ApiRig::api(std::string method, const std::string& path, std::string body,
                           std::vector<std::pair<std::string, std::string>> headers) {
  http::Request made = request(std::move(method), "/api/v1/" + path, std::move(body));
  made.headers = std::move(headers);
  made.headers.emplace_back("authorization", "Bearer " + std::string(kToken));
  return handle(made);
}

std::string ApiRig::store_recording(const std::string& consultation, const std::string& content,
                                    const std::string& content_type) {
  auto writer = must(hub.blobs().create("t1", content_type));
  must(writer->write(content));
  last_blob_ = must(writer->finish()).id;
  const auto service = consultation::make_recordings(
      {hub.store(), hub.audit(), hub.blobs(), hub.keys(), hub.clock(), ids});
  plugin::CallRequest call;
  call.tenant = "t1";
  call.action = "store";
  call.arguments = Json::object({{"consultation", consultation},
                                 {"recordingId", "RT1"},
                                 {"kind", "audio"},
                                 {"blob", last_blob_}});
  std::promise<workflow::ActionOutcome> ended;
  service->invoke(
      call, [&ended](workflow::ActionOutcome outcome) { ended.set_value(std::move(outcome)); });
  return ended.get_future().get().output.string_or("id", "");
}

}  // namespace rabt::api
