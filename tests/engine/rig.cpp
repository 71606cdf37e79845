#include "tests/engine/rig.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "tests/audit_and_keys.hpp"
#include "tests/eventually.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"

namespace rabt::engine {

using rabt::test::must;

std::vector<plugin::ActionSpec> ScriptedService::actions() const {
  std::vector<plugin::ActionSpec> list;
  for (const char* idempotency : {"key", "none", "native"}) {
    list.push_back({.name = std::string("do-") + idempotency,
                    .version = "1.0.0",
                    .idempotency = idempotency,
                    .timeout_ms = 3'600'000});
  }
  list.push_back(
      {.name = "undo", .version = "1.0.0", .idempotency = "key", .timeout_ms = 3'600'000});
  list.push_back({.name = "look",
                  .version = "1.0.0",
                  .idempotency = "key",
                  .timeout_ms = 3'600'000,
                  .reads = true});
  // Its answer is one of the words that the call names.
  list.push_back({.name = "choose",
                  .version = "1.0.0",
                  .idempotency = "none",
                  .timeout_ms = 3'600'000,
                  .output_schema = Json::parse(R"({"type": "object", "required": ["word"],
                      "properties": {"word": {"type": "string", "x-among": "words"}}})")
                                       .value()});
  return list;
}

std::string ScriptedService::last_trace() const {
  const Lock lock(mutex_);
  return last_trace_;
}

void ScriptedService::invoke(const plugin::CallRequest& call, plugin::Ended done_call) {
  Answer answer;
  {
    const Lock lock(mutex_);
    calls_.emplace_back(call.action, call.idempotency_key);
    last_trace_ = call.trace;
    if (const auto found = answers_.find(call.action); found != answers_.end())
      answer = found->second;
  }
  changed_.notify_all();
  Call made{call.action, call.idempotency_key, call.arguments, std::move(done_call)};
  if (answer) {
    answer(std::move(made));
  } else {
    made.done(done(call.arguments));
  }
}

void ScriptedService::on(const std::string& action, Answer answer) {
  const Lock lock(mutex_);
  answers_[action] = std::move(answer);
}

std::size_t ScriptedService::count(const std::string& action) const {
  const Lock lock(mutex_);
  return count_locked(action);
}

std::size_t ScriptedService::count_locked(const std::string& action) const {
  std::size_t total = 0;
  for (const auto& [name, key] : calls_) total += action.empty() || name == action ? 1 : 0;
  return total;
}

std::vector<std::string> ScriptedService::keys(const std::string& action) const {
  const Lock lock(mutex_);
  std::vector<std::string> list;
  for (const auto& [name, key] : calls_) {
    if (name == action) list.push_back(key);
  }
  return list;
}

bool ScriptedService::wait_for(const std::string& action, std::size_t wanted,
                               int timeout_ms) const {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  Lock lock(mutex_);
  while (count_locked(action) < wanted) {
    if (changed_.wait_until(lock, until) == std::cv_status::timeout)
      return count_locked(action) >= wanted;
  }
  return true;
}

void FaultyStore::submit(Need need, store::Lane lane, Job job, Done done, Caller caller) {
  std::function<void()> act;
  {
    const Lock lock(mutex_);
    act.swap(before_);
  }
  if (act) act();
  if (refuse_ > 0 && --refuse_ == 0) {
    done(unavailable("store.full", "the test refuses this job"));
    return;
  }
  // Somebody waits for a droppable job.
  const bool required = need == Need::required;
  store_->submit(
      need, lane, std::move(job),
      [this, required, done = std::move(done)](const Status& status) {
        if (!silent_ || !required) done(status);
      },
      caller);
}

Status FaultyStore::read(const std::function<Status(store::Connection&)>& function) {
  if (fail_reads_.exchange(0) != 0) return unavailable("store.io", "the test fails this read");
  return store_->read(function);
}

workflow::ActionOutcome done(Json output) {
  return {.kind = workflow::OutcomeKind::done, .output = std::move(output)};
}
workflow::ActionOutcome failed(workflow::OutcomeKind kind, std::string code) {
  return {.kind = kind, .code = std::move(code), .message = "scripted"};
}

Rig::Rig(std::shared_ptr<ScriptedService> service) : service_(std::move(service)) {
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-engine-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  folder_ = pattern;
  start();
}

Rig::~Rig() {
  crash();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Rig::start() {
  keyring_ = test::open_keyring(folder_, clock_, random_);
  store_ = std::make_unique<FaultyStore>(database_.open(folder_));
  audit_ = rabt::test::open_audit_log(*store_, clock_, *keyring_, folder_);
  keys_ = rabt::test::open_data_keys(*keyring_, *store_, clock_, random_, ids_);
  blobs_ = must(blob::make_blob_store(folder_ + "/blobs", *store_, *keys_, clock_, random_, ids_,
                                      null_logger()));
  http_ = net::make_curl_client(clock_, null_logger());
  host_ = plugin::PluginHost::make({.store = *store_,
                                    .keys = *keys_,
                                    .audit = *audit_,
                                    .http = *http_,
                                    .blobs = *blobs_,
                                    .clock = clock_,
                                    .random = random_,
                                    .log = *log});
  host_->add_service(service_);
  (void)must(host_->bind_role("script", "hub://script"));
  if (prepare) prepare(*host_);
  auto opened = try_open();
  if (refusal != nullptr) *refusal = opened.ok() ? "" : opened.error().message;
  if (refusal != nullptr && !opened.ok()) return;
  engine_ = must(std::move(opened));
  (void)must(engine_->take(kFirstPartition));
}

Result<std::unique_ptr<Engine>> Rig::try_open() {
  return Engine::open({.store = *store_,
                       .keys = *keys_,
                       .audit = *audit_,
                       .actions = *host_,
                       .http = *http_,
                       .clock = clock_,
                       .random = random_,
                       .ids = ids_,
                       .log = *log},
                      {.tenant = "t1",
                       .workers = 2,
                       .max_resident_per_worker = max_resident,
                       .http = http,
                       .secrets = secrets,
                       .refuse_unserved = refuse_unserved});
}

std::unique_ptr<Engine> Rig::open_engine() {
  return must(try_open());
}

void Rig::advance_ms(std::int64_t ms) {
  clock_.advance_ms(ms);
  engine_->catch_up();
  if (!engine_->drain(5000)) std::cerr << "the rig did not come to rest\n";
}

void Rig::crash() {
  if (host_ == nullptr) return;
  if (engine_ != nullptr) engine_->stop();  // null: its start was refused
  host_->shutdown(0);
  engine_.reset();
  host_.reset();
  http_.reset();
  blobs_.reset();
  keys_.reset();
  audit_.reset();
  store_.reset();
  keyring_.reset();
}

void Rig::deploy(const std::string& yaml) {
  (void)must(engine_->apply({{"test.yaml", yaml}}, "test"));
}

Delivery Rig::delivery(const std::string& type, Json data, const std::string& id) {
  Delivery message;
  message.tenant = "t1";
  message.source = "test";
  message.dedupe_id = id;
  const Json event = Json::object({{"specversion", "1.0"},
                                   {"id", id},
                                   {"source", "/test"},
                                   {"type", type},
                                   {"time", to_iso8601(clock_.now())},
                                   {"data", std::move(data)}});
  message.body_sha256 = std::string(as_text(crypto::sha256(event.dump())));
  message.events.push_back(event);
  return message;
}

std::vector<std::string> Rig::send(const std::string& type, Json data, const std::string& id) {
  const Accepted accepted = must(engine_->accept(
      delivery(type, std::move(data), id.empty() ? "m" + std::to_string(++sent_) : id)));
  std::vector<std::string> list;
  const Json answer = must(Json::parse(accepted.answer));
  for (const Json& item : answer["instances"].as_array()) list.push_back(item.as_string());
  return list;
}

std::string Rig::status(const std::string& instance) {
  const auto found = engine_->instance(instance);
  return found.ok() ? found->string_or("status", "") : found.error().code;
}

std::string Rig::wait_status(const std::string& instance, const std::string& wanted,
                             int timeout_ms) {
  std::string seen;
  (void)test::eventually(
      [&] {
        seen = status(instance);
        return seen == wanted;
      },
      std::chrono::milliseconds(timeout_ms));
  return seen;
}

Json Rig::output(const std::string& instance) {
  return must(engine_->instance(instance, admitted))["output"];
}

}  // namespace rabt::engine
