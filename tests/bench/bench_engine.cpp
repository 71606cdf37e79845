// ./dev bench engine: ten durable, sealed, audited action steps, each with 1 KB of arguments and
// result, through an inline plugin over the C ABI. Prints; asserts nothing. SQLite's own row rate
// is measured in the same run, with the same pragmas, on the same disk.
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "hub/engine/engine.hpp"
#include "tests/keyring.hpp"

namespace {

using namespace rabt;
using Clock_ = std::chrono::steady_clock;

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) {
    std::cerr << result.error().code << ": " << result.error().message << "\n";
    std::exit(1);
  }
  return std::move(result).value();
}

double seconds_since(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

// Rows of 600 bytes, 200 a commit, WAL and synchronous=FULL: what the disk and SQLite give without
// us.
double sqlite_rows_per_second(const std::string& path, double seconds) {
  sqlite3* db = nullptr;
  sqlite3_open(path.c_str(), &db);
  sqlite3_exec(db,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (seq INTEGER "
               "PRIMARY KEY, body BLOB)",
               nullptr, nullptr, nullptr);
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO t (body) VALUES (?)", -1, &insert, nullptr);
  const std::string row(600, 'x');
  const auto start = Clock_::now();
  std::int64_t rows = 0;
  while (seconds_since(start) < seconds) {
    sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    for (int i = 0; i < 200; ++i, ++rows) {
      sqlite3_bind_blob(insert, 1, row.data(), static_cast<int>(row.size()), SQLITE_STATIC);
      sqlite3_step(insert);
      sqlite3_reset(insert);
    }
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
  }
  const double rate = static_cast<double>(rows) / seconds_since(start);
  sqlite3_finalize(insert);
  sqlite3_close(db);
  return rate;
}

std::string ten_steps() {
  std::string yaml =
      "document: {dsl: '1.0.3', namespace: bench, name: ten-steps, version: '1.0.0'}\n"
      "schedule: {on: {one: {with: {type: bench.start.v1}}}}\ninput: {from: '${ .[0].data "
      "}'}\ndo:\n";
  for (int i = 0; i < 10; ++i) {
    yaml += "  - step" + std::to_string(i) + ": {call: 'echo:1.2.0@echo', with: '${ . }'}\n";
  }
  return yaml;
}

struct Latencies {
  std::mutex mutex;
  std::condition_variable freed;
  std::unordered_map<std::string, Clock_::time_point> started;
  std::vector<std::string> finished_first;  // finished before accept() returned to its sender
  std::vector<double> ms;
  int in_flight = 0;
};

void run(int at_once, int total, double row_rate) {
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  {
    const SystemClock clock;
    SystemRandom random;
    UlidSource ids(clock, random);
    const auto keyring = test::open_keyring(folder, clock, random, {"bench"});
    const auto store = must(store::open_sqlite(
        {.path = folder + "/rabt.db", .migrations_folder = RABT_MIGRATIONS}, null_logger()));
    const auto audit = must(audit::AuditLog::open(
        *store, clock,
        must(audit::LogOptions::of(*keyring, "bench", folder, "rabt.example/bench"))));
    keys::DataKeys data_keys({*keyring, *store, clock, random, ids}, keys::RetentionPolicy{});
    const auto blobs = must(blob::make_blob_store(folder + "/blobs", *store, data_keys, clock,
                                                  random, ids, null_logger()));
    const auto http = net::make_curl_client(clock, null_logger());
    const auto host = plugin::PluginHost::make(
        {*store, data_keys, *audit, *http, *blobs, clock, random, null_logger()});
    plugin::PluginConfig echo;
    echo.id = "echo";
    echo.folder = std::string(RABT_FIXTURES) + "/echo";
    echo.tenant = "bench";
    echo.config = Json::object({{"greeting", "hello"}, {"base_url", "http://127.0.0.1:9"}});
    echo.secrets.emplace("token", std::make_shared<SecretBytes>(std::string_view("bench-token")));
    echo.allow_private_addresses = true;
    (void)must(host->load(std::move(echo)));
    (void)must(host->bind_role("echo", "plugin://echo"));

    Latencies book;
    engine::Engine::Options options{.tenant = "bench", .workers = 2};
    options.on_finished = [&book](std::string_view id, workflow::InstanceStatus) {
      const auto now = Clock_::now();
      const std::scoped_lock lock(book.mutex);
      const auto found = book.started.find(std::string(id));
      if (found != book.started.end()) {
        book.ms.push_back(std::chrono::duration<double, std::milli>(now - found->second).count());
        book.started.erase(found);
      }
      --book.in_flight;
      book.freed.notify_one();
    };
    const auto engine = must(engine::Engine::open(
        {*store, data_keys, *audit, *host, *http, clock, random, ids, null_logger()}, options));
    (void)must(engine->take(0));
    (void)must(engine->apply({{"bench", ten_steps()}}, "bench"));
    const Json payload = Json::object({{"n", 1}, {"text", std::string(1000, 'x')}});

    const auto before = store->stats();
    std::atomic<int> next{0};
    const auto start = Clock_::now();
    std::vector<std::thread> senders;
    for (int t = 0; t < std::min(at_once, 16); ++t) {
      senders.emplace_back([&] {
        while (true) {
          const int number = next++;
          if (number >= total) return;
          {
            std::unique_lock lock(book.mutex);
            book.freed.wait(lock, [&] { return book.in_flight < at_once; });
            ++book.in_flight;
          }
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
          const auto sent = Clock_::now();
          const auto accepted = must(engine->accept(delivery));
          const Json answer = must(Json::parse(accepted.answer));
          const std::scoped_lock lock(book.mutex);
          book.started.emplace(answer["instances"][0].as_string(), sent);
        }
      });
    }
    for (auto& sender : senders) sender.join();
    {
      std::unique_lock lock(book.mutex);
      book.freed.wait(lock, [&] { return book.in_flight == 0; });
    }
    const double elapsed = seconds_since(start);
    const auto after = store->stats();
    std::sort(book.ms.begin(), book.ms.end());
    const auto percentile = [&](double p) {
      return book.ms.empty()
                 ? 0.0
                 : book.ms[std::min(
                       book.ms.size() - 1,
                       static_cast<std::size_t>(p * static_cast<double>(book.ms.size())))];
    };
    const double rows = static_cast<double>(after.rows - before.rows);
    const double commits = static_cast<double>(after.commits - before.commits);
    std::printf(
        "%4d at once  %8.0f instances/s  %9.0f steps/s  p50 %7.1f ms  p99 %7.1f ms  %6.1f "
        "rows/commit  %8.0f rows/s  %3.0f %% of SQLite's\n",
        at_once, total / elapsed, total * 10 / elapsed, percentile(0.5), percentile(0.99),
        rows / commits, rows / elapsed, 100.0 * rows / elapsed / row_rate);
    std::fflush(stdout);
    engine->stop();
    host->shutdown(1000);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
}

}  // namespace

int main(int argc, char** argv) {
  const double scale = argc > 1 ? std::atof(argv[1]) : 1.0;
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  const double rate = sqlite_rows_per_second(folder + "/raw.db", 2.0);
  std::filesystem::remove_all(folder);
  std::printf(
      "ten steps an instance, 1 KB each; SQLite WAL, synchronous=FULL; every step sealed, audited "
      "and durable before the next\n");
  std::printf("SQLite alone: %.0f rows/s (600 bytes, 200 a commit)\n", rate);
  run(1, static_cast<int>(400 * scale), rate);
  run(64, static_cast<int>(8000 * scale), rate);
  run(256, static_cast<int>(8000 * scale), rate);
  return 0;
}
