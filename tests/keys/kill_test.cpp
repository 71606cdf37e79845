#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <random>

#include "tests/eventually.hpp"
#include "tests/keys/support.hpp"

// Rotation under load in a process that is killed again and again.
namespace rabt::keys::kill_test {
namespace {

using rabt::test::must;
using test::House;

constexpr store::Statement kMakeRecord{
    "CREATE TABLE record (data_key BLOB NOT NULL, sealed BLOB NOT NULL)"};
constexpr store::Statement kInsertRecord{"INSERT INTO record (data_key, sealed) VALUES ($1, $2)"};
constexpr store::Statement kRecords{"SELECT data_key, sealed FROM record"};

const crypto::SealContext kContext{"t1", "record", "1", "text"};

// The child: seals records and rotates everything, for ever. acked gets one byte for each record
// that is durable.
[[noreturn]] void work(const std::string& folder, const rabt::test::StoreUnderTest& database,
                       int acked) {
  House house(folder, database);
  house.admin->resume();
  const Order order{.actor = "tester", .reason = "kill test", .client = {}, .request = {}};
  std::mt19937 dice(std::random_device{}());
  for (int i = 0;; ++i) {
    for (int k = 0; k < 3; ++k) {
      const bool shared = dice() % 2 == 0;
      std::optional<NewDataKey> own;
      if (!shared) own = must(house.keys->make("t1", kConsultation));
      const auto key = shared ? must(house.keys->shared("t1", kEvent)) : own->key;
      const std::string sealed = key->seal(kContext, "text", house.random);
      const Status stored = house.store->write([&](store::Transaction& tx) -> Status {
        if (own) RABT_TRY_STATUS(insert(tx, *own));
        return store::run(tx, kInsertRecord, {store::Blob{key->id()}, store::Blob{sealed}});
      });
      if (stored.ok()) {
        if (::write(acked, "x", 1) != 1) ::_exit(1);
      } else if (stored.error().code != "keys.changed") {
        (void)must(stored);
      }
    }
    const auto lease = must(house.keys->lease("t1"));
    switch (dice() % 6) {
      case 0:
        (void)must(house.admin->rotate_root(order, dice() % 2 == 0));
        break;
      case 1:
        (void)must(house.admin->rotate_tenant(order));
        break;
      case 2:
        (void)must(house.admin->rotate_bucket(order, must(lease.bucket(kConsultation))));
        break;
      case 3:
        (void)must(house.admin->rotate_bucket(order, must(lease.bucket(kEvent))));
        break;
      default:
        (void)must(house.admin->rewrap(order, dice() % 2 == 0));
        break;
    }
  }
}

// Kills for that long, ten times a second, and looks after every tenth kill, and at the end,
// whether everything that was said to be durable opens.
void rotate_while_killed(int kills) {
  const rabt::test::StoreUnderTest database;
  const std::string folder = test::make_folder();
  {
    // The migrations take longer than a slow machine has before the first kill.
    House house(folder, database);
    (void)must(
        house.store->write([](store::Transaction& tx) { return store::run(tx, kMakeRecord, {}); }));
  }
  std::int64_t acked = 0;
  std::size_t records = 0;
  std::mt19937 dice(7);
  const auto look = [&] {
    House house(folder, database);
    records = 0;
    std::vector<std::pair<std::string, std::string>> all;
    (void)must(house.store->read([&](store::Connection& connection) {
      return connection.query(kRecords, {}, [&](const store::Row& row) {
        all.emplace_back(row.blob(0), row.blob(1));
        return true;
      });
    }));
    for (const auto& [id, sealed] : all) {
      const auto key = house.keys->open("t1", id);
      ASSERT_TRUE(key.ok()) << key.error().code << ": " << key.error().message;
      const auto plain = (*key)->open(kContext, sealed);
      ASSERT_TRUE(plain.ok());
      ASSERT_EQ(*plain, "text");
      ++records;
    }
    ASSERT_GE(static_cast<std::int64_t>(records), acked);
    ASSERT_TRUE(must(house.admin->status()).missing.empty());
    ASSERT_TRUE(audit::verify(*house.store, folder)->verified);
  };
  for (int kill = 1; kill <= kills; ++kill) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      work(folder, database, ends[1]);
    }
    ::close(ends[1]);
    if (kill % 2 == 0) {
      // Half of the kills meet a child that works, however slow the machine is.
      pollfd written{.fd = ends[0], .events = POLLIN, .revents = 0};
      ASSERT_EQ(::poll(&written, 1, 30'000), 1);
    }
    rabt::test::let_pass(std::chrono::milliseconds(50 + dice() % 100));
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int state = 0;
    ASSERT_EQ(::waitpid(child, &state, 0), child);
    ASSERT_TRUE(WIFSIGNALED(state)) << "the child ended by itself: " << state;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) acked += got;
    ::close(ends[0]);
    if (kill % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(look()) << "after kill " << kill;
    }
  }
  ASSERT_NO_FATAL_FAILURE(look());
  EXPECT_GE(acked, kills / 2);
  std::printf("%d kills, %lld records said to be durable, %zu stored, all open\n", kills,
              static_cast<long long>(acked), records);
  std::filesystem::remove_all(folder);
}

TEST(Rotation, LeavesNothingUnreadableWhenTheProcessIsKilledTenTimesASecond) {
  const char* more = std::getenv("RABT_KEY_KILLS");
  rotate_while_killed(more != nullptr ? std::atoi(more) : 100);
}

}  // namespace
}  // namespace rabt::keys::kill_test
