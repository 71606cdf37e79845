#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>

#include "hub/audit/anchor.hpp"
#include "hub/store/open.hpp"
#include "tests/audit/support.hpp"
#include "tests/eventually.hpp"

namespace rabt::audit::crash_test {
namespace {

class AuditCrash : public Fixture {
 protected:
  // A hub that writes until it is killed, with checkpoints and an anchor as fast as they go. Says
  // through the pipe how many entries were durable.
  [[noreturn]] void write_until_killed(int pipe) {
    auto store = store::open(
        store::SqliteOptions{.path = database(), .migrations_folder = folder_ + "/migrations"},
        null_logger());
    if (!store.ok()) ::_exit(3);
    LogOptions all = options();
    all.checkpoint_entries = 3;
    all.checkpoint_interval = std::chrono::milliseconds(5);
    all.anchors.push_back({make_folder_anchor(anchor_, vkey()), false});
    auto log = AuditLog::open(**store, clock_, std::move(all));
    if (!log.ok()) {
      std::fprintf(stderr, "%s\n", log.error().message.c_str());
      ::_exit(4);
    }
    std::atomic<std::int64_t> durable{0};
    for (int i = 0;; ++i) {
      const bool fails = i % 7 == 0;
      (*store)->submit(
          store::Store::Need::required,
          [&, fails, prepared = (*log)->prepare(entry(i))](store::Transaction& tx) -> Status {
            RABT_TRY_STATUS((*log)->append(tx, prepared));
            if (fails) return invalid("test.no", "no");
            return ok_status();
          },
          [&](const Status& status) {
            if (!status.ok()) return;
            const std::int64_t now = ++durable;
            (void)!::write(pipe, &now, sizeof now);
          });
      if (i % 20 == 0) (*store)->flush();
    }
  }
  const std::string anchor_ = folder_ + "/anchor";
};

TEST_F(AuditCrash, AHubThatIsKilledAgainAndAgainLeavesNoGapAndNoFalseAlarm) {
  const char* runs_text = std::getenv("RABT_CRASHES");
  const int runs = runs_text != nullptr ? std::stoi(runs_text) : 40;
  std::filesystem::create_directory(anchor_);
  store_.reset();  // the children's
  std::mt19937 random(7);
  std::int64_t acknowledged = 0;
  for (int run = 0; run < runs; ++run) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(ends[1]);
    }
    ::close(ends[1]);
    // Somewhere between opening the log and some hundred entries.
    test::let_pass(std::chrono::milliseconds(std::uniform_int_distribution<int>(1, 250)(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status))
        << "run " << run << ": the log did not open, " << WEXITSTATUS(status);
    std::int64_t durable = 0;
    for (std::int64_t next = 0; ::read(ends[0], &next, sizeof next) == sizeof next;) durable = next;
    ::close(ends[0]);
    acknowledged += durable;

    open_store();
    VerifyOptions all;
    all.mac_key = &mac_key_;
    const Verification found = verified(all);
    if (std::filesystem::exists(checkpoint_file())) {
      ASSERT_TRUE(found.verified) << "run " << run << ": " << found.problems.front();
    }
    ASSERT_GE(found.size, acknowledged) << "run " << run << ": an acknowledged entry is lost";
    if (std::filesystem::exists(anchor_ + "/checkpoint")) {
      all.folders = {anchor_};
      const Verification compared = verified(all);
      ASSERT_TRUE(compared.verified) << "run " << run << ": " << compared.problems.front();
    }
    acknowledged = found.size;  // those that were durable and not acknowledged count from now on
    ASSERT_EQ(opens(), "ok") << "run " << run << ": " << message_;
    store_.reset();
  }
  open_store();
  EXPECT_EQ(problems(), Texts{});
  std::printf("%d kills, %lld entries, no gap, no false alarm\n", runs,
              static_cast<long long>(acknowledged));
  EXPECT_GT(acknowledged, runs);
}

}  // namespace
}  // namespace rabt::audit::crash_test
