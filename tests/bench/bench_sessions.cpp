// ./dev bench sessions [SECONDS]: create, join, chat message and vital signs over the API of a
// whole hub, each durable, sealed and audited; a list among a million sessions; memory with ten
// thousand open ones. Prints; asserts nothing. The rate of bare commits of one row on the same disk
// is measured in the same run.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <thread>

#include "hub/base/clock.hpp"
#include "tests/acceptance/hospital.hpp"
#include "tests/bench/raw_database.hpp"

namespace {

using namespace rabt;
using acceptance::Hospital;
using Clock_ = std::chrono::steady_clock;

constexpr int kOpen = 10'000;
constexpr int kAmong = 1'000'000;
constexpr std::int64_t kHalfHourMs = 1'800'000;

double seconds_since(Clock_::time_point start) {
  return std::chrono::duration<double>(Clock_::now() - start).count();
}

using Headers = std::vector<std::pair<std::string, std::string>>;

// One connection of one person.
class Client {
 public:
  Client(std::string base, const std::string& token)
      : base_(std::move(base)),
        headers_{{"Authorization", "Bearer " + token}, {"Content-Type", "application/json"}} {}
  Json call(const std::string& method, const std::string& path, const std::string& body = {}) {
    auto answer = http_.send(method, base_ + path, headers_, body);
    if (!answer.ok() || answer->status >= 300) {
      std::fprintf(stderr, "%s %s: %s\n", method.c_str(), path.c_str(),
                   answer.ok() ? answer->body.c_str() : answer.error().message.c_str());
      std::exit(1);
    }
    auto json = Json::parse(answer->body);
    return json.ok() ? std::move(*json) : Json();
  }

 private:
  net::LocalHttp http_;
  std::string base_;
  Headers headers_;
};

struct Measured {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
};

// Throughput of `at_once` clients, each on a connection of its own. prepare() is not measured.
template <typename Prepare, typename Act>
Measured measure(int at_once, double seconds, const Prepare& prepare, const Act& act) {
  using State = decltype(prepare(0));
  std::vector<State> states;
  for (int i = 0; i < at_once; ++i) states.push_back(prepare(i));
  std::vector<std::vector<double>> took(static_cast<std::size_t>(at_once));
  std::vector<std::thread> threads;
  const auto start = Clock_::now();
  for (int i = 0; i < at_once; ++i) {
    threads.emplace_back([&, n = static_cast<std::size_t>(i)] {
      while (seconds_since(start) < seconds) {
        const auto one = Clock_::now();
        act(states[n]);
        took[n].push_back(seconds_since(one) * 1000);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const double passed = seconds_since(start);
  std::vector<double> all;
  for (const auto& one : took) all.insert(all.end(), one.begin(), one.end());
  std::sort(all.begin(), all.end());
  const auto at = [&](double share) {
    return all.empty()
               ? 0
               : all[std::min(all.size() - 1,
                              static_cast<std::size_t>(static_cast<double>(all.size()) * share))];
  };
  return {static_cast<double>(all.size()) / passed, at(0.5), at(0.99)};
}

class Bench {
 public:
  explicit Bench(double seconds) : seconds_(seconds) {}

  void run() {
    const std::string raw = h_.site.folder() / "raw.db";
    bench::RawDatabase database(raw);
    commits_ = database.rows_per_second(1, seconds_);
    std::printf("bare commits of one row: %.0f a second\n\n", commits_);
    std::printf("%-10s %8s %10s %10s %10s %8s\n", "", "clients", "a second", "p50 ms", "p99 ms",
                "share");
    for (const int at_once : {1, 16, 64}) acts(at_once);
    memory();
    list();
  }

 private:
  struct Room {
    std::unique_ptr<Client> system;
    std::unique_ptr<Client> doctor;
    std::unique_ptr<Client> patient;
    std::string path;
  };

  Room room() {
    Room out{.system = std::make_unique<Client>(h_.site.url(), h_.site.token()),
             .doctor = std::make_unique<Client>(h_.site.url(), h_.person("D").token),
             .patient = std::make_unique<Client>(h_.site.url(), h_.person("P").token),
             .path = {}};
    out.path = create(*out.system, "D");
    return out;
  }
  // The hospital's system books, as most sessions are: people of the staff book a few hundred a
  // day.
  std::string create(Client& system, std::string_view provider) {
    return "/api/v1/sessions/" +
           system.call("POST", "/api/v1/sessions", body(provider)).string_or("id", "");
  }
  std::string body(std::string_view provider) {
    const std::int64_t first_ms = 1'925'024'400'000;  // 2031-01-01T09:00:00Z
    return Json::object(
               {{"type", "doctor_patient"},
                {"patient", h_.person("P").id},
                {"provider", h_.person(provider).id},
                {"waitingRoom", false},
                {"scheduledStart", to_iso8601(Timestamp{first_ms + made_++ * kHalfHourMs})}})
        .dump();
  }

  void acts(int at_once) {
    const auto opened = [&](int) { return room(); };
    const auto running = [&](int) {
      Room out = room();
      (void)out.doctor->call("POST", out.path + "/start");
      return out;
    };
    show("create", at_once,
         measure(at_once, seconds_, opened, [&](Room& one) { (void)create(*one.system, "D"); }));
    show("join", at_once, measure(at_once, seconds_, running, [](Room& one) {
           (void)one.patient->call("POST", one.path + "/join", R"({"deviceType":"web"})");
         }));
    show("message", at_once, measure(at_once, seconds_, running, [](Room& one) {
           (void)one.doctor->call("POST", one.path + "/messages",
                                  R"({"text":"Take it twice a day, after a meal."})");
         }));
    show("vitals", at_once, measure(at_once, seconds_, running, [](Room& one) {
           (void)one.doctor->call("POST", one.path + "/vitals",
                                  R"({"heartRate":72,"systolic":118,"diastolic":76})");
         }));
    show("read", at_once, measure(at_once, seconds_, running, [](Room& one) {
           (void)one.doctor->call("GET", one.path);
         }));
  }

  void show(const char* what, int at_once, const Measured& m) const {
    std::printf("%-10s %8d %10.0f %10.2f %10.2f %8.2f\n", what, at_once, m.per_second, m.p50_ms,
                m.p99_ms, m.per_second / commits_);
    std::fflush(stdout);
  }

  [[nodiscard]] double resident_mib() const {
    std::ifstream status("/proc/" + std::to_string(h_.site.hub_pid()) + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
    }
    return 0;
  }

  void memory() {
    const double before = resident_mib();
    std::atomic<int> left{kOpen};
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&] {
        Client system(h_.site.url(), h_.site.token());
        while (left-- > 0) (void)create(system, "D2");
      });
    }
    for (auto& thread : threads) thread.join();
    std::printf("\nmemory of the hub: %.0f MiB, with %d open sessions more %.0f MiB\n", before,
                kOpen, resident_mib());
  }

  // The rows of other people's sessions: what a list is filtered by, without documents.
  void list() {
    h_.site.stop_hub();
    sqlite3* db = nullptr;
    const std::string file = h_.site.folder() / "data/rabt.db";
    if (sqlite3_open(file.c_str(), &db) != SQLITE_OK) std::exit(1);
    const std::string sql =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < " +
        std::to_string(kAmong) +
        ") INSERT INTO session (tenant, id, number, version, events, status, type, booking, "
        "provider, patient, visit, clinic, consultation, follow_up_of, appointment, room_sid, "
        "door, at_ms, scheduled_ms, planned_minutes, created_ms, updated_ms, data_key) SELECT "
        "tenant, printf('0%025d', n), 1000000 + n, version, events, 'completed', type, booking, "
        "printf('0%025d', n % 500), printf('0%025d', n % 90000), '', '', '', '', '', '', door, "
        "at_ms - n, scheduled_ms, planned_minutes, created_ms, updated_ms, data_key FROM (SELECT "
        "* FROM session LIMIT 1), c";
    char* fault = nullptr;
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &fault) != SQLITE_OK) {
      std::fprintf(stderr, "%s\n", fault);
      std::exit(1);
    }
    sqlite3_close(db);
    h_.site.start_hub();
    for (const char* filter : {"", "?status=scheduled", "?status=active"}) {
      const Measured m = measure(
          1, seconds_, [&](int) { return Client(h_.site.url(), h_.person("D").token); },
          [&](Client& client) {
            (void)client.call("GET", std::string("/api/v1/sessions") + filter);
          });
      std::printf("list of 50 among %d%s: p50 %.1f ms, p99 %.1f ms\n", kAmong, filter, m.p50_ms,
                  m.p99_ms);
    }
  }

  double seconds_;
  double commits_ = 1;
  Hospital& h_ = Hospital::get();
  // Sessions made so far. Each has half an hour of its own, as those of one doctor do.
  std::atomic<int> made_{0};
};

}  // namespace

int main(int argc, char** argv) {
  Bench(argc > 1 ? std::atof(argv[1]) : 3).run();
}
