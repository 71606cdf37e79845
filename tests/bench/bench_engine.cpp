// ./dev bench engine: ten durable, sealed, audited action steps, each with 1 KB of arguments and
// result, through a plugin over the C ABI: in the hub, and in a process of its own. Prints; asserts
// nothing. SQLite's own row rate is measured in the same run, with the same pragmas, on the same
// disk.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/engine/engine.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/open.hpp"
#include "tests/bench/raw_database.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"

namespace {

using namespace rabt;
using bench::RawDatabase;
using Clock_ = std::chrono::steady_clock;

constexpr int kSteps = 10;

using rabt::test::must;

double seconds_since(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

// Speed of SQLite and the disk without the hub.
struct RawRate {
  double rows_per_second = 0;
  // Of two rows, as one turn writes them alone.
  double commit_ms = 0;
};

std::string ten_steps() {
  std::string yaml =
      "document: {dsl: '1.0.3', namespace: bench, name: ten-steps, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: bench.start.v1}}}}\ninput: {from: '${ .[0].data "
      "}'}\ndo:\n";
  for (int i = 0; i < kSteps; ++i) {
    yaml += "  - step" + std::to_string(i) + ": {call: 'echo:1.2.0@echo', with: '${ . }'}\n";
  }
  return yaml;
}

// Which instances are under way, and how long the others took. Internally synchronised.
class Book {
 public:
  explicit Book(int at_once) : at_once_(at_once) {}
  void wait_for_room() {
    Lock lock(mutex_);
    while (in_flight_ >= at_once_) freed_.wait(lock);
    ++in_flight_;
  }
  void accepted(const std::string& id, Clock_::time_point sent) {
    const Lock lock(mutex_);
    const auto finished = finished_first_.find(id);
    if (finished == finished_first_.end()) {
      started_.emplace(id, sent);
      return;
    }
    note(sent, finished->second);
    finished_first_.erase(finished);
  }
  void finished(const std::string& id) {
    const auto now = Clock_::now();
    const Lock lock(mutex_);
    const auto found = started_.find(id);
    if (found == started_.end()) {
      finished_first_.emplace(id, now);
    } else {
      note(found->second, now);
      started_.erase(found);
    }
    --in_flight_;
    freed_.notify_all();
  }
  // Latencies in milliseconds, sorted, once everything has finished.
  std::vector<double> wait() {
    Lock lock(mutex_);
    while (in_flight_ != 0) freed_.wait(lock);
    std::sort(ms_.begin(), ms_.end());
    return ms_;
  }

 private:
  void note(Clock_::time_point from, Clock_::time_point to) RABT_REQUIRES(mutex_) {
    ms_.push_back(std::chrono::duration<double, std::milli>(to - from).count());
  }
  const int at_once_;
  Mutex mutex_;
  Condition freed_;
  std::unordered_map<std::string, Clock_::time_point> started_ RABT_GUARDED_BY(mutex_);
  // Finished before accept() returned to its sender.
  std::unordered_map<std::string, Clock_::time_point> finished_first_ RABT_GUARDED_BY(mutex_);
  std::vector<double> ms_ RABT_GUARDED_BY(mutex_);
  int in_flight_ RABT_GUARDED_BY(mutex_) = 0;
};

// CPU seconds of a process, user and system.
double cpu_of(std::int64_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return 0;
  std::istringstream fields(text.substr(end_of_name + 1));
  std::string field;
  for (int i = 0; i < 11; ++i) fields >> field;
  double user = 0;
  double system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}
// Context switches of the hub's process so far.
double switches_of_hub() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_nvcsw + usage.ru_nivcsw);
}
double cpu_of_hub() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// A whole hub without its edge, in a folder of its own.
class Hub {
 public:
  Hub(const std::string& folder, plugin::Isolation isolation, Book& book)
      : keyring_(test::open_keyring(folder, clock_, random_, {"bench"})),
        store_(must(store::open(
            store::SqliteOptions{.path = folder + "/rabt.db", .migrations_folder = RABT_MIGRATIONS},
            null_logger()))),
        audit_(must(audit::AuditLog::open(
            *store_, clock_,
            must(audit::LogOptions::of(*keyring_, "bench", folder, "rabt.example/bench"))))),
        keys_({*keyring_, *store_, clock_, random_, ids_}, keys::RetentionPolicy{}),
        blobs_(must(blob::make_blob_store(folder + "/blobs", *store_, keys_, clock_, random_, ids_,
                                          null_logger()))),
        http_(net::make_curl_client(clock_, null_logger())),
        plugins_(plugin::PluginHost::make(
            {*store_, keys_, *audit_, *http_, *blobs_, clock_, random_, null_logger()})) {
    plugin::PluginConfig echo;
    echo.id = "echo";
    echo.folder = std::string(RABT_FIXTURES) + "/echo";
    echo.tenant = "bench";
    echo.config = Json::object({{"greeting", "hello"}, {"base_url", "http://127.0.0.1:9"}});
    echo.secrets.emplace("token", std::make_shared<SecretBytes>(std::string_view("bench-token")));
    echo.allow_private_addresses = true;
    echo.isolation = isolation;
    (void)must(plugins_->load(std::move(echo)));
    (void)must(plugins_->bind_role("echo", "plugin://echo"));
    engine::Engine::Options options{.tenant = "bench", .workers = 2};
    options.on_finished = [&book](std::string_view id, workflow::InstanceStatus) {
      book.finished(std::string(id));
    };
    engine_ = must(engine::Engine::open(
        {*store_, keys_, *audit_, *plugins_, *http_, clock_, random_, ids_, null_logger()},
        std::move(options)));
    (void)must(engine_->take(0));
    (void)must(engine_->apply({{"bench", ten_steps()}}, "bench"));
  }
  ~Hub() {
    engine_->stop();
    plugins_->shutdown(1000);
  }
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  engine::Engine& engine() { return *engine_; }
  store::Store& store() { return *store_; }
  // CPU seconds of the hub and its plugins' processes.
  double cpu() {
    double seconds = cpu_of_hub();
    for (const auto& plugin : plugins_->plugins()) {
      if (plugin.worker) seconds += cpu_of(plugin.worker->pid);
    }
    return seconds;
  }

 private:
  const SystemClock clock_;
  SystemRandom random_;
  UlidSource ids_{clock_, random_};
  std::unique_ptr<crypto::Keyring> keyring_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<audit::AuditLog> audit_;
  keys::DataKeys keys_;
  std::unique_ptr<blob::BlobStore> blobs_;
  std::unique_ptr<net::HttpClient> http_;
  std::unique_ptr<plugin::PluginHost> plugins_;
  std::unique_ptr<engine::Engine> engine_;
};

engine::Delivery delivery_of(int number, const Json& payload) {
  engine::Delivery delivery;
  delivery.tenant = "bench";
  delivery.source = "bench";
  delivery.dedupe_id = std::to_string(number);
  delivery.body_sha256 = std::string(32, 'd');
  delivery.events.push_back(Json::object({{"specversion", "1.0"},
                                          {"id", std::to_string(number)},
                                          {"source", "/bench"},
                                          {"type", "bench.start.v1"},
                                          {"data", payload}}));
  return delivery;
}

// Sends the deliveries, so many at once, and gives the latencies.
std::vector<double> send_all(Hub& hub, Book& book, int at_once, int total) {
  const Json payload = Json::object({{"n", 1}, {"text", std::string(1000, 'x')}});
  std::atomic<int> next{0};
  std::vector<std::thread> senders;
  for (int t = 0; t < std::min(at_once, 16); ++t) {
    senders.emplace_back([&] {
      for (int number = next++; number < total; number = next++) {
        book.wait_for_room();
        const auto sent = Clock_::now();
        const auto accepted = must(hub.engine().accept(delivery_of(number, payload)));
        book.accepted(must(Json::parse(accepted.answer))["instances"][0].as_string(), sent);
      }
    });
  }
  for (auto& sender : senders) sender.join();
  return book.wait();
}

std::string fresh_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  return ::mkdtemp(pattern.data());
}
void remove_folder(const std::string& folder) {
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

RawRate measure_raw() {
  const std::string folder = fresh_folder();
  RawRate raw;
  {
    RawDatabase database(folder + "/raw.db");
    raw.rows_per_second = database.rows_per_second(200, 2.0);
    raw.commit_ms = 2000 / database.rows_per_second(2, 1.0);
  }
  remove_folder(folder);
  std::printf("SQLite alone: %.0f rows/s (600 bytes, 200 a commit); a commit of 2 rows %.2f ms\n",
              raw.rows_per_second, raw.commit_ms);
  return raw;
}

// Compares with what SQLite gives before and after, since the machine's speed moves; gives the
// latter.
RawRate run(plugin::Isolation isolation, int at_once, int total, const RawRate& raw_before) {
  const std::string folder = fresh_folder();
  Book book(at_once);
  auto hub = std::make_unique<Hub>(folder, isolation, book);
  const auto before = hub->store().stats();
  const auto began = hub->engine().stats();
  const double cpu = hub->cpu();
  const double switches = switches_of_hub();
  const auto start = Clock_::now();
  const std::vector<double> ms = send_all(*hub, book, at_once, total);
  const double elapsed = seconds_since(start);
  const double cpu_used = hub->cpu() - cpu;
  const double switched = switches_of_hub() - switches;
  const auto after = hub->store().stats();
  const auto ended = hub->engine().stats();
  hub.reset();
  remove_folder(folder);
  const RawRate raw_after = measure_raw();
  const RawRate raw{(raw_before.rows_per_second + raw_after.rows_per_second) / 2,
                    (raw_before.commit_ms + raw_after.commit_ms) / 2};
  const auto percentile = [&](double p) {
    const auto at = static_cast<std::size_t>(p * static_cast<double>(ms.size()));
    return ms.empty() ? 0.0 : ms[std::min(ms.size() - 1, at)];
  };
  const double steps = static_cast<double>(total) * kSteps;
  const double rows = static_cast<double>(after.rows - before.rows);
  const double commits = static_cast<double>(after.commits - before.commits);
  const double turns = static_cast<double>(ended.turns - began.turns);
  std::printf(
      "%-6s %4d at once  %8.0f steps/s  p50 %7.1f ms  p99 %7.1f ms  %5.1f turns and "
      "%5.1f rows a commit  %8.0f rows/s, %.2f of SQLite's\n",
      isolation == plugin::Isolation::worker ? "worker" : "inline", at_once, steps / elapsed,
      percentile(0.5), percentile(0.99), turns / commits, rows / commits, rows / elapsed,
      rows / elapsed / raw.rows_per_second);
  const auto us = [&](std::int64_t ns) { return static_cast<double>(ns) / 1000 / steps; };
  const double interpreter = us(ended.interpreter_ns - began.interpreter_ns);
  const double seal = us(ended.seal_ns - began.seal_ns);
  const double audit = us(ended.audit_ns - began.audit_ns);
  const double submit = us(ended.submit_ns - began.submit_ns);
  const double dispatch = us(ended.dispatch_ns - began.dispatch_ns);
  const double jobs = us((after.in_jobs - before.in_jobs).count());
  const double syncs = us((after.in_commits - before.in_commits).count());
  const double told = us((after.in_done - before.in_done).count());
  const double latency = percentile(0.5) * 1000 / kSteps;
  const double known =
      interpreter + seal + audit + submit + dispatch + (jobs + syncs + told) * turns / commits;
  std::printf(
      "       us a step: interpreter %.1f, seal %.1f, audit %.1f, submit %.1f, plugin "
      "(to its start) %.1f; store: jobs %.1f, commit %.1f, done %.1f; wait %.0f of %.0f; "
      "CPU %.1f; switches of the hub's threads %.2f\n",
      interpreter, seal, audit, submit, dispatch, jobs, syncs, told, std::max(0.0, latency - known),
      latency, cpu_used * 1e6 / steps, switched / steps);
  if (at_once == 1)
    std::printf("       one alone: a step takes %.2f commits of SQLite alone (%.2f ms)\n",
                latency / 1000 / raw.commit_ms, raw.commit_ms);
  std::fflush(stdout);
  return raw_after;
}

}  // namespace

// bench_engine [SCALE [inline|worker [AT_ONCE]]]: the whole, or one way, or one line.
int main(int argc, char** argv) {
  const double scale = argc > 1 ? std::atof(argv[1]) : 1.0;
  const std::string_view way = argc > 2 ? argv[2] : "";
  const int only = argc > 3 ? std::atoi(argv[3]) : 0;
  std::printf(
      "ten steps an instance, 1 KB each; SQLite WAL, synchronous=FULL; every step sealed, audited "
      "and durable before the next\n");
  RawRate raw = measure_raw();
  for (const auto isolation : {plugin::Isolation::in_process, plugin::Isolation::worker}) {
    if (!way.empty() && (way == "worker") != (isolation == plugin::Isolation::worker)) continue;
    for (const int at_once : only == 0 ? std::vector{1, 64, 256} : std::vector{only})
      raw = run(isolation, at_once, static_cast<int>((at_once == 1 ? 400 : 8000) * scale), raw);
  }
  return 0;
}
