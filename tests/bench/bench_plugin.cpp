// ./dev bench plugin [SECONDS]: calls through the plugin host to a plugin in C that gives its input
// back, in the hub and in a process of its own, beside a bare echo over a pair of sockets between
// two processes in the same run. Prints; asserts nothing.
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/net/http_client.hpp"
#include "hub/plugin/plugin_config.hpp"
#include "hub/plugin/plugin_host.hpp"
#include "hub/store/open.hpp"
#include "hub/store/store.hpp"
#include "tests/keyring.hpp"
#include "tests/must.hpp"

namespace {

using namespace rabt;
using Tick = std::chrono::steady_clock;

constexpr int kRounds = 5;

using rabt::test::must;

double micros(Tick::time_point from, Tick::time_point to) {
  return std::chrono::duration<double, std::micro>(to - from).count();
}

struct Numbers {
  double per_second = 0;
  double mean = 0;
  double p50 = 0;
  double p99 = 0;
};
Numbers of(std::vector<double> each, double seconds) {
  Numbers out;
  if (each.empty()) return out;
  std::sort(each.begin(), each.end());
  double sum = 0;
  for (const double one : each) sum += one;
  out.per_second = static_cast<double>(each.size()) / seconds;
  out.mean = sum / static_cast<double>(each.size());
  out.p50 = each[each.size() / 2];
  out.p99 = each[each.size() * 99 / 100];
  return out;
}
void print(const char* what, std::size_t size, int flight, const Numbers& n) {
  std::printf("%-18s %7zu B %4d in flight %9.0f /s   mean %7.1f   p50 %7.1f   p99 %8.1f us\n", what,
              size, flight, n.per_second, n.mean, n.p50, n.p99);
  std::fflush(stdout);
}

// Baseline of the system: one packet there and back; the other process only echoes.
Numbers bare(int type, std::size_t size, double seconds) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) std::exit(1);
  const auto whole = [size](int fd, char* at) {  // a stream gives it in pieces
    for (std::size_t done = 0; done < size;) {
      const ssize_t got = ::recv(fd, at + done, size - done, 0);
      if (got <= 0) return false;
      done += static_cast<std::size_t>(got);
    }
    return true;
  };
  std::vector<char> bytes(size, 'x');
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(ends[0]);
    while (whole(ends[1], bytes.data())) {
      if (::send(ends[1], bytes.data(), size, MSG_NOSIGNAL) < 0) break;
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  std::vector<double> each;
  const auto begin = Tick::now();
  auto now = begin;
  while (micros(begin, now) < seconds * 1e6) {
    const auto at = now;
    if (::send(ends[0], bytes.data(), size, MSG_NOSIGNAL) < 0 || !whole(ends[0], bytes.data()))
      std::exit(1);
    now = Tick::now();
    each.push_back(micros(at, now));
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return of(std::move(each), micros(begin, now) / 1e6);
}

Numbers calls(plugin::PluginHost& host, std::size_t size, int flight, double seconds) {
  struct Book {
    std::mutex mutex;
    std::condition_variable ended;
    std::vector<double> each;
    int open = 0;
    int failed = 0;
  } book;
  plugin::CallRequest call;
  call.tenant = "bench";
  call.instance = "bench";
  call.role = "echo";
  call.action = "echo";
  call.version = "1.0.0";
  call.arguments = Json(std::string(size > 2 ? size - 2 : 0, 'x'));
  call.idempotency_key = "bench";
  const auto begin = Tick::now();
  while (micros(begin, Tick::now()) < seconds * 1e6) {
    {
      std::unique_lock lock(book.mutex);
      book.ended.wait(lock, [&] { return book.open < flight; });
      ++book.open;
    }
    const auto at = Tick::now();
    host.invoke(call, [&book, at](const workflow::ActionOutcome& outcome) {
      const double took = micros(at, Tick::now());
      const std::scoped_lock lock(book.mutex);
      book.each.push_back(took);
      if (outcome.kind != workflow::OutcomeKind::done) ++book.failed;
      --book.open;
      book.ended.notify_one();
    });
  }
  std::unique_lock lock(book.mutex);
  book.ended.wait(lock, [&] { return book.open == 0; });
  if (book.failed > 0) std::printf("%d calls failed\n", book.failed);
  return of(std::move(book.each), micros(begin, Tick::now()) / 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
  std::string pattern = (std::filesystem::temp_directory_path() / "rabt-bench-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  std::printf("echo of one packet between two processes\n");
  for (const std::size_t size : {std::size_t{256}, std::size_t{4096}, std::size_t{65536}}) {
    print("seqpacket", size, 1, bare(SOCK_SEQPACKET, size, seconds));
    print("stream", size, 1, bare(SOCK_STREAM, size, seconds));
  }
  std::printf("calls of a plugin, the quietest of %d rounds\n", kRounds);
  {
    const SystemClock clock;
    SystemRandom random;
    UlidSource ids(clock, random);
    const auto keyring = test::open_keyring(folder, clock, random, {"bench"});
    const auto store = must(store::open(
        store::SqliteOptions{.path = folder + "/rabt.db", .migrations_folder = RABT_MIGRATIONS},
        null_logger()));
    const auto audit = must(audit::AuditLog::open(
        *store, clock,
        must(audit::LogOptions::of(*keyring, "bench", folder, "rabt.example/bench"))));
    keys::DataKeys data_keys({*keyring, *store, clock, random, ids}, keys::RetentionPolicy{});
    const auto blobs = must(blob::make_blob_store(folder + "/blobs", *store, data_keys, clock,
                                                  random, ids, null_logger()));
    const auto http = net::make_curl_client(clock, null_logger());
    const auto load = [&](plugin::PluginHost& host, plugin::Isolation isolation) {
      plugin::PluginConfig small;
      small.id = "small";
      small.folder = std::string(RABT_FIXTURES) + "/small";
      small.tenant = "bench";
      small.isolation = isolation;
      (void)must(host.load(std::move(small)));
      (void)must(host.bind_role("echo", "plugin://small"));
    };
    const auto make = [&] {
      return plugin::PluginHost::make(
          {*store, data_keys, *audit, *http, *blobs, clock, random, null_logger()});
    };
    const auto inside = make();
    const auto outside = make();
    load(*inside, plugin::Isolation::in_process);
    load(*outside, plugin::Isolation::worker);
    // More than limits::kMaxActionBytes is refused.
    for (const std::size_t size :
         {std::size_t{256}, std::size_t{4096}, std::size_t{65536}, std::size_t{1} << 20U}) {
      for (const int flight : {1, 64}) {
        if (flight > 1 && size > 65536) continue;
        // In turns, so that a disturbance of the machine meets both; of each the quietest.
        Numbers best[2];
        std::vector<double> shares;
        for (int round = 0; round < kRounds; ++round) {
          double rates[2];
          for (int way = 0; way < 2; ++way) {
            const Numbers got =
                calls(way == 0 ? *inside : *outside, size, flight, seconds / kRounds);
            if (round == 0 || got.mean < best[way].mean) best[way] = got;
            rates[way] = got.per_second;
          }
          shares.push_back(rates[1] / rates[0]);
        }
        print("inline", size, flight, best[0]);
        print("worker", size, flight, best[1]);
        if (flight == 1) {
          std::printf("%-18s %7zu B                added: mean %7.1f   p50 %7.1f us\n", "", size,
                      best[1].mean - best[0].mean, best[1].p50 - best[0].p50);
        } else {
          std::sort(shares.begin(), shares.end());
          std::printf("%-18s %7zu B %4d in flight: worker %.2f of inline (%.2f to %.2f)\n", "",
                      size, flight, shares[kRounds / 2], shares.front(), shares.back());
        }
      }
    }
  }
  std::filesystem::remove_all(folder);
  return 0;
}
