#include "tools/check/session.hpp"

#include <chrono>
#include <limits>
#include <thread>

#include "hub/plugin/package/library.hpp"
#include "rabt/testing/plugin_threads.hpp"
#include "tools/check/interposer.hpp"
#include "tools/check/schema_generate.hpp"

namespace rabt::check {

namespace {

// Callbacks of one run; ends a plugin that would go on for ever.
constexpr int kMaxSteps = 100'000;
constexpr int kConfigTries = 64;

// Made before any code of a plugin runs in this process.
sdk::testing::PluginThreads& plugin_threads() {
  static sdk::testing::PluginThreads threads;
  return threads;
}

// Code of the plugin that runs on may still use its host.
void keep_for_ever(std::unique_ptr<Interposer> interposer) {
  static auto* const kept = new std::vector<std::unique_ptr<Interposer>>();
  kept->push_back(std::move(interposer));
}

}  // namespace

Answer refused_connection() {
  Answer out;
  out.sent = RABT_SENT_NO;
  out.status = 0;
  out.error = "connect";
  return out;
}
Answer lost_answer() {
  Answer out;
  out.sent = RABT_SENT_MAYBE;
  out.status = 0;
  out.error = "timeout";
  out.until_timeout = true;
  return out;
}
Answer status_answer(int status, std::string body) {
  Answer out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

bool Request::has_effect() const {
  if (method == "POST" && url.ends_with("/_search")) return false;
  return method != "GET" && method != "HEAD" && method != "OPTIONS";
}

std::string_view kind_name(std::uint32_t kind) {
  switch (kind) {
    case RABT_DONE:
      return "done";
    case RABT_TRANSIENT:
      return "transient";
    case RABT_PERMANENT:
      return "permanent";
    case RABT_AMBIGUOUS:
      return "ambiguous";
    case RABT_CANCELLED:
      return "cancelled";
    default:
      return "of no kind that exists";
  }
}

Session::Session(std::unique_ptr<Interposer> interposer) : interposer_(std::move(interposer)) {}
Session::~Session() {
  destroy();
  keep_for_ever(std::move(interposer_));
}

Result<const rabt_entry*> map_entry(const Subject& subject) {
  RABT_TRY(library, plugin::seal_library(subject.files()));
  return plugin::map_library(std::move(library));
}

Result<const rabt_entry*> entry_of(const Subject& subject) {
  static const rabt_entry* mapped = nullptr;
  if (mapped != nullptr) return mapped;
  static_cast<void>(plugin_threads());
  RABT_TRY(entry, map_entry(subject));
  RABT_TRY_STATUS(plugin::check_entry(entry, subject.manifest()));
  mapped = entry;
  return mapped;
}

Result<std::string> config_of(const Subject& subject) {
  if (!subject.config().is_null()) return subject.config().dump();
  static std::string found;
  if (!found.empty()) return found;
  const Json& schema = subject.manifest().config_schema;
  if (schema.is_null()) return std::string("{}");
  SchemaGenerator generator(schema, subject.settings().seed);
  std::string why = "no value fits the schema of the configuration";
  for (int i = 0; i < kConfigTries; ++i) {
    const auto value = generator.valid(i == 0   ? SchemaGenerator::Size::smallest
                                       : i == 1 ? SchemaGenerator::Size::largest
                                                : SchemaGenerator::Size::any);
    if (!value) break;
    Session::Options options;
    options.config = value->dump();
    const auto session = Session::start(subject, std::move(options));
    if (session.ok()) {
      found = value->dump();
      return found;
    }
    why = session.error().message;
  }
  return invalid(
      "check.config",
      "no generated configuration was taken (" + why +
          "); put check/config.json beside the manifest, or \"examples\" into the schema");
}

Result<std::unique_ptr<Session>> Session::start(const Subject& subject, Options options) {
  RABT_TRY(entry, entry_of(subject));
  if (options.config.empty()) {
    RABT_TRY(config, config_of(subject));
    options.config = std::move(config);
  }
  auto session = std::unique_ptr<Session>(
      new Session(std::make_unique<Interposer>(subject, *entry, std::move(options))));
  const rabt_plugin* plugin = session->interposer_->plugin();
  const CreateError& error = session->interposer_->create_error();
  if (plugin == nullptr) {
    if (error.times != 1)
      return invalid("check.create", "create gave no instance and called error " +
                                         std::to_string(error.times) + " times instead of once");
    if (error.text.empty())
      return invalid("check.create", "create gave no instance and an empty text");
    return unavailable("check.create", error.text);
  }
  if (error.times != 0)
    return invalid("check.create", "create gave an instance and called error as well");
  if (!RABT_CAN(rabt_plugin, plugin, invoke) || !RABT_CAN(rabt_plugin, plugin, cancel) ||
      !RABT_CAN(rabt_plugin, plugin, get_extension) || !RABT_CAN(rabt_plugin, plugin, destroy))
    return invalid("check.create", "the instance lacks one of its four functions");
  return session;
}

rabt_call_id Session::begin(const CallWish& wish) {
  return interposer_->begin(wish);
}

void Session::run() {
  Interposer& between = *interposer_;
  for (int step = 0; step < kMaxSteps; ++step) {
    between.fake().pump();
    if (between.all_ended()) return;
    // A thread of the plugin may be about to answer: it comes before time goes on.
    const std::size_t timers = between.armed();
    const bool moved = plugin_threads().wait(timers > 0, [&] {
      return !between.fake().rests() || between.armed() != timers || between.all_ended();
    });
    if (!moved && !between.step_clock(std::numeric_limits<std::int64_t>::max())) return;
  }
  between.wrong("the call asked for " + std::to_string(kMaxSteps) + " wakes and did not end");
}

void Session::settle() {
  interposer_->fake().pump();
}

void Session::advance(std::int64_t ms) {
  const std::int64_t end = interposer_->now() + ms;
  for (int step = 0; step < kMaxSteps; ++step) {
    interposer_->fake().pump();
    if (!interposer_->step_clock(end)) break;
  }
  interposer_->move_to(end);
}

void Session::cancel(rabt_call_id id) {
  interposer_->cancel_call(id);
}

void Session::let_threads_run(int millis) {
  if (plugin_threads().look() == sdk::testing::PluginThreads::State::none) return;
  std::this_thread::sleep_for(std::chrono::milliseconds(millis));
}

void Session::destroy() {
  if (interposer_) interposer_->stop();
}

const CallRecord& Session::call(const CallWish& wish) {
  const rabt_call_id id = begin(wish);
  run();
  return record(id);
}

const CallRecord& Session::record(rabt_call_id id) const {
  return interposer_->record(id);
}
const void* Session::extension(const char* id) const {
  const rabt_plugin* plugin = interposer_->plugin();
  return plugin->get_extension(plugin->self, id);
}
void Session::on_lane(const char* what, const std::function<void()>& function) {
  interposer_->on_lane(what, function);
}
std::int64_t Session::now_ms() const {
  return interposer_->now();
}
std::vector<std::string> Session::logged() const {
  std::vector<std::string> out;
  for (const auto& entry : interposer_->fake().logged)
    out.push_back(entry.event + " " + entry.fields);
  return out;
}
std::vector<std::string> Session::measured() const {
  std::vector<std::string> out;
  for (const auto& one : interposer_->fake().recorded) out.push_back(one.metric + " " + one.labels);
  for (const auto& span : interposer_->fake().spans) out.push_back(span.name + " " + span.fields);
  return out;
}
std::vector<std::string> Session::violations() const {
  return interposer_->violations();
}
std::pair<std::string, std::int64_t> Session::slowest_micros() const {
  return interposer_->slowest();
}
int Session::uses_after_destroy() const {
  return interposer_->uses_after_destroy();
}

}  // namespace rabt::check
