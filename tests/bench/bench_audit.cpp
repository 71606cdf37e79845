// ./dev bench audit [ENTRIES]: what an audit entry costs, and what proofs and verification of a
// long log take. Prints, asserts nothing.
#include <stdlib.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "hub/audit/verify.hpp"
#include "hub/store/open.hpp"
#include "tests/must.hpp"

namespace {

using namespace rabt;
using Steady = std::chrono::steady_clock;

using rabt::test::must;

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

audit::Entry entry(std::int64_t number) {
  return {"demo-hospital",
          "plugin:nphies",
          "action.done",
          "instance:01M7YJZDHKYXFKBBS9MA" + std::to_string(100'000 + number % 900'000),
          "ok",
          Json::object({{"action", "submit-claim"}, {"attempt", 1}, {"ms", 24}}),
          "5f2c9d3a7be14d0c9a6e1b2f3c4d5e6f",
          "HPAYMT"};
}

audit::LogOptions options(const std::string& folder) {
  audit::LogOptions options;
  options.folder = folder;
  options.origin = "rabt.example/bench";
  options.seed = SecretBytes(Bytes(32, 1));
  options.mac_key = SecretBytes(Bytes(32, 2));
  return options;
}

struct Times {
  std::vector<double> all;
  void print(const char* what) {
    std::sort(all.begin(), all.end());
    std::printf("  %-28s median %.2f ms, slowest %.2f ms (%zu)\n", what, all[all.size() / 2] * 1e3,
                all.back() * 1e3, all.size());
  }
};

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t entries = argc > 1 ? std::atoll(argv[1]) : 1'000'000;
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  std::filesystem::create_directory(folder + "/migrations");
  std::filesystem::copy(std::string(RABT_MIGRATIONS) + "/0001_audit.sql",
                        folder + "/migrations/0001_audit.sql");
  const SystemClock clock;
  auto store = must(store::open(store::SqliteOptions{.path = folder + "/rabt.db",
                                                     .migrations_folder = folder + "/migrations"},
                                null_logger()));
  auto log = must(audit::AuditLog::open(*store, clock, options(folder)));

  // As acts come: each a job of its own with one entry, many in one commit with one disk sync.
  {
    constexpr int kJobs = 20'000;
    const auto before = store->stats();
    const auto start = Steady::now();
    for (int i = 0; i < kJobs; ++i) {
      store->submit(store::Store::Need::required,
                    [&, prepared = log->prepare(entry(i))](store::Transaction& transaction) {
                      return log->append(transaction, prepared);
                    },
                    {});
    }
    store->flush();
    const double took = seconds_since(start);
    const auto after = store->stats();
    std::printf(
        "append, an entry an act, group commit, synchronous=FULL, checkpoints signed beside it\n");
    std::printf("  %-28s %.0f entries/s, %.1f in a commit\n", "durable", kJobs / took,
                static_cast<double>(after.jobs - before.jobs) /
                    static_cast<double>(after.commits - before.commits));
  }
  // Cost of an entry on the writer thread, without the commit.
  {
    constexpr int kEntries = 20'000;
    const auto ready = log->prepare(entry(1));
    const auto preparing = Steady::now();
    for (int i = 0; i < kEntries; ++i) (void)log->prepare(entry(i));
    const double prepare = seconds_since(preparing);
    double append = 0;
    (void)must(store->write([&](store::Transaction& transaction) -> Status {
      const auto start = Steady::now();
      for (int i = 0; i < kEntries; ++i) RABT_TRY_STATUS(log->append(transaction, ready));
      append = seconds_since(start);
      return ok_status();
    }));
    std::printf("  %-28s %.2f us off the writer thread, %.2f us on it\n", "an entry costs",
                prepare / kEntries * 1e6, append / kEntries * 1e6);
  }
  const auto building = Steady::now();
  for (std::int64_t at = 40'000; at < entries;) {
    (void)must(store->write([&](store::Transaction& transaction) -> Status {
      for (int i = 0; i < 20'000 && at < entries; ++i, ++at)
        RABT_TRY_STATUS(log->append(transaction, log->prepare(entry(at))));
      return ok_status();
    }));
  }
  std::printf("  %-28s %.1f s in transactions of 20,000\n", "the rest of the log",
              seconds_since(building));
  log.reset();

  std::printf("proofs of %lld entries\n", static_cast<long long>(entries));
  {
    const auto start = Steady::now();
    log = must(audit::AuditLog::open(*store, clock, options(folder)));
    std::printf("  %-28s %.2f ms\n", "open the log", seconds_since(start) * 1e3);
    log.reset();
  }
  const auto reader = must(store::open_reader(store::SqliteOptions{.path = folder + "/rabt.db"}));
  const auto key = must(
      audit::parse_vkey(audit::Signer("rabt.example/bench", SecretBytes(Bytes(32, 1))).vkey()));
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> any(1, entries);
  Times proving;
  Times checking;
  for (int i = 0; i < 200; ++i) {
    const auto start = Steady::now();
    const std::string proof = must(audit::prove_entry(*reader, any(random)));
    proving.all.push_back(seconds_since(start));
    const auto proved = Steady::now();
    (void)must(audit::verify_proof(proof, key));
    checking.all.push_back(seconds_since(proved));
  }
  proving.print("inclusion, prove");
  checking.print("inclusion, verify");
  proving.all.clear();
  static constexpr store::Statement kSizes{
      "SELECT size FROM audit_checkpoint WHERE size > 0 ORDER BY number"};
  std::vector<std::int64_t> sizes;
  (void)must(reader->query(kSizes, {}, [&](const store::Row& row) {
    sizes.push_back(row.integer(0));
    return true;
  }));
  for (std::size_t i = 0; i < 100; ++i) {
    const auto start = Steady::now();
    (void)must(audit::prove_consistency(*reader, sizes[random() % sizes.size()]));
    proving.all.push_back(seconds_since(start));
  }
  proving.print("consistency, prove");

  std::printf("rabt audit verify\n");
  const SecretBytes mac_key(Bytes(32, 2));
  audit::VerifyOptions all;
  all.mac_key = &mac_key;
  for (const bool range : {false, true}) {
    if (range) {
      all.first = entries / 2;
      all.last = entries / 2 + 1'000;
    }
    const auto start = Steady::now();
    const auto found = must(audit::verify_file(folder + "/rabt.db", folder, all));
    const double took = seconds_since(start);
    std::printf("  %-28s %.2f s, %llu entries read (%.0f/s), %llu checkpoints: %s\n",
                range ? "1,000 entries of it" : "all", took,
                static_cast<unsigned long long>(found.entries),
                static_cast<double>(found.entries) / took,
                static_cast<unsigned long long>(found.checkpoints),
                found.verified ? "verified" : found.problems.front().c_str());
  }
  std::printf("  %-28s %.0f bytes an entry\n", "database",
              static_cast<double>(std::filesystem::file_size(folder + "/rabt.db")) /
                  static_cast<double>(entries));
  store.reset();
  std::filesystem::remove_all(folder);
  return 0;
}
