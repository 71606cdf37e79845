#include <dirent.h>
#include <malloc.h>

#include <chrono>

#include "tools/check/cases.hpp"
#include "tools/check/groups.hpp"
#include "tools/check/schema_generate.hpp"
#include "tools/check/stopwatch.hpp"

namespace rabt::check {

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kOwnHeap = false;  // the sanitizer's allocator does not count for us
#else
constexpr bool kOwnHeap = true;
#endif
constexpr int kWarmUp = 20;  // what is made once, and never again, is no leak
constexpr int kCycles = 100;
// For a plugin that reads much when it is created.
constexpr std::chrono::seconds kCyclePatience{30};
constexpr int kLeastCycles = 20;
// Bytes a cycle: lists of the allocator itself.
constexpr std::int64_t kAllowedGrowth = 16;
constexpr int kBadConfigs = 40;

std::int64_t entries_in(const char* folder) {
  std::int64_t count = 0;
  DIR* dir = ::opendir(folder);
  if (dir == nullptr) return -1;
  while (::readdir(dir) != nullptr) ++count;
  ::closedir(dir);
  return count;
}
std::int64_t heap_bytes() {
  if (!kOwnHeap) return 0;
  const struct mallinfo2 info = ::mallinfo2();
  return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

// Only the plugin's own resources count: sessions are made by hand, so the fake host adds none.
void take_nothing(void* /*context*/, rabt_bytes /*text*/) {}
const void* no_service(void* /*self*/, const char* /*id*/) {
  return nullptr;
}
void complete_nothing(void* /*self*/, rabt_call_id /*call*/, const rabt_outcome* /*outcome*/) {}

Verdict create_destroy(const Subject& subject) {
  const auto entry = entry_of(subject);
  if (!entry.ok()) return failed(entry.error().message);
  const auto config = config_of(subject);
  if (!config.ok()) return failed(config.error().message);
  const rabt_host host{sizeof host, RABT_ABI_MINOR, nullptr, &no_service, &complete_nothing};
  const rabt_bytes bytes{reinterpret_cast<const std::uint8_t*>(config->data()), config->size()};
  int refused = 0;
  const auto cycle = [&] {
    const rabt_plugin* plugin = (*entry)->create(&host, bytes, nullptr, &take_nothing);
    if (plugin == nullptr) {
      ++refused;
    } else {
      plugin->destroy(plugin->self);
    }
  };
  for (int i = 0; i < kWarmUp; ++i) cycle();
  const std::int64_t heap = heap_bytes();
  const std::int64_t descriptors = entries_in("/proc/self/fd");
  const std::int64_t threads = entries_in("/proc/self/task");
  const auto until = std::chrono::steady_clock::now() + kCyclePatience;
  int cycles = 0;
  while (cycles < kCycles && (cycles < kLeastCycles || std::chrono::steady_clock::now() < until)) {
    cycle();
    ++cycles;
  }
  const std::int64_t grown = heap_bytes() - heap;
  if (entries_in("/proc/self/fd") > descriptors)
    return failed("file descriptors stay open after destroy");
  if (entries_in("/proc/self/task") > threads) return failed("threads run on after destroy");
  if (grown > kAllowedGrowth * cycles)
    return failed("each instance leaves about " + std::to_string(grown / cycles) +
                  " bytes behind; build with -fsanitize=address to see where");
  if (refused > 0)
    return warning("create refuses a host without services, so nothing but that was measured");
  return passed();
}

Verdict bad_config(const Subject& subject) {
  std::vector<std::string> configs{"", "{", "[]", "null", "\"text\"", "{}", "\xff\xfe"};
  const Json& schema = subject.manifest().config_schema;
  if (!schema.is_null()) {
    SchemaGenerator generator(schema, subject.settings().seed);
    for (int i = 0; i < kBadConfigs; ++i) {
      if (const auto value = generator.near_valid()) configs.push_back(value->dump());
    }
  }
  int refused = 0;
  for (const std::string& config : configs) {
    Session::Options options;
    options.config = config.empty() ? " " : config;
    const auto session = Session::start(subject, std::move(options));
    if (session.ok()) continue;
    if (session.error().kind != ErrorKind::unavailable) return failed(session.error().message);
    ++refused;
  }
  return passed(std::to_string(refused) + " of " + std::to_string(configs.size()) + " refused");
}

Verdict two_instances(const Subject& subject) {
  auto first = Session::start(subject, {});
  if (!first.ok()) return failed(first.error().message);
  Session::Options options;
  options.chance = 2;
  auto second = Session::start(subject, std::move(options));
  if (!second.ok()) return failed(second.error().message);
  for (const Case& test : cases_of(subject, 1)) {
    // Interleaved: both have a call open at the same time. The ids are the same on purpose.
    const rabt_call_id a = (*first)->begin(test.wish);
    const rabt_call_id b = (*second)->begin(test.wish);
    (*second)->run();
    (*first)->run();
    for (const auto& [session, id] : {std::pair{first->get(), a}, std::pair{second->get(), b}}) {
      const std::string fault = contract_fault(test, session->record(id), session->violations());
      if (!fault.empty()) return failed(test.label() + ", two instances at once: " + fault);
    }
    if ((*first)->record(a).requests.size() != (*second)->record(b).requests.size())
      return failed(test.label() + ": the two instances made " +
                    std::to_string((*first)->record(a).requests.size()) + " and " +
                    std::to_string((*second)->record(b).requests.size()) +
                    " requests for the same call");
  }
  (*first)->destroy();
  for (const Case& test : cases_of(subject, 1)) {
    const CallRecord& record = (*second)->call(test.wish);
    const std::string fault = contract_fault(test, record, (*second)->violations());
    if (!fault.empty())
      return failed(test.label() + ", after the other instance was destroyed: " + fault);
  }
  if ((*first)->uses_after_destroy() > 0)
    return failed("an instance used the host of another one that was destroyed");
  return passed();
}

Verdict destroy_uncalled(const Subject& subject) {
  auto session = Session::start(subject, {});
  if (!session.ok()) return failed(session.error().message);
  Stopwatch watch;
  (*session)->destroy();
  if (watch.elapsed() > std::chrono::seconds(1)) return failed("destroy took longer than a second");
  return passed();
}

Verdict without_services(const Subject& subject) {
  Session::Options options;
  options.services = false;
  // The configuration is found on a whole host first.
  const auto config = config_of(subject);
  if (!config.ok()) return failed(config.error().message);
  options.config = *config;
  auto session = Session::start(subject, std::move(options));
  if (!session.ok()) {
    return session.error().kind == ErrorKind::unavailable
               ? passed("create refuses: " + session.error().message)
               : failed(session.error().message);
  }
  for (const Case& test : cases_of(subject, 1)) {
    const CallRecord& record = (*session)->call(test.wish);
    const std::string fault = contract_fault(test, record, (*session)->violations());
    if (!fault.empty()) return failed(test.label() + ": " + fault);
  }
  return passed();
}

}  // namespace

Verdict lifecycle_test(TestId id, const Subject& subject) {
  switch (id) {
    case TestId::create_destroy_100x:
      return create_destroy(subject);
    case TestId::create_bad_config_says_why:
      return bad_config(subject);
    case TestId::two_instances_independent:
      return two_instances(subject);
    case TestId::destroy_with_no_calls:
      return destroy_uncalled(subject);
    default:
      return without_services(subject);
  }
}

}  // namespace rabt::check
