#include "hub/store/sqlite/library.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <random>

#include "tests/store/support.hpp"

namespace rabt::store::test {
namespace {

using sqlite::set_up_library;

// Each test runs in a process of its own, in which SQLite was not used before.

// SQLite's own page cache, with a count of its truncations.
sqlite3_pcache_methods2 plain;
std::atomic<int> truncations{0};

void count_truncations() {
  sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &plain);
  sqlite3_pcache_methods2 counting = plain;
  counting.xTruncate = [](sqlite3_pcache* cache, unsigned limit) {
    ++truncations;
    plain.xTruncate(cache, limit);
  };
  sqlite3_config(SQLITE_CONFIG_PCACHE2, &counting);
}

// Rows in the order of nothing, so that pages are balanced in most commits.
constexpr const char* kKeySchema = "CREATE TABLE k (key BLOB PRIMARY KEY) WITHOUT ROWID;\n";
constexpr Statement kInsertKey{"INSERT INTO k (key) VALUES ($1)"};

std::string key_of(std::mt19937& random) {
  std::string key(120, '\0');
  for (char& c : key) c = static_cast<char>('a' + random() % 26);
  return key;
}

// What the cache is told in 200 commits.
[[noreturn]] void commit_and_tell() {
  count_truncations();
  const Folder folder;
  folder.migration("0002_key.sql", kKeySchema);
  const auto store = folder.open();
  std::mt19937 random(7);
  const auto commit = [&] {
    return store->write([&](Transaction& transaction) {
      for (int i = 0; i < 20; ++i) transaction.put(kInsertKey, {Blob{key_of(random)}});
      return ok_status();
    });
  };
  bool good = commit().ok();
  truncations = 0;
  for (int i = 0; i < 200; ++i) good = commit().ok() && good;
  std::fprintf(stderr, "%s, %d truncations\n", good ? "committed" : "failed", truncations.load());
  std::exit(0);
}

// SQLite asks for a truncation at each commit.
TEST(PageCache, IsNotSearchedAtACommitThatLeavesNoPageBehindTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(commit_and_tell(), testing::ExitedWithCode(0), "committed, 0 truncations");
}

// The cache that SQLite gets, used as SQLite uses it.
class Cache {
 public:
  Cache() {
    set_up_library();
    sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &methods_);
    sqlite3_initialize();
    cache_ = methods_.xCreate(64, 16, 1);
    methods_.xCachesize(cache_, 1000);
  }
  void fill(unsigned first, unsigned last) {
    for (unsigned key = first; key <= last; ++key)
      methods_.xUnpin(cache_, methods_.xFetch(cache_, key, 2), 0);
  }
  void rekey(unsigned from, unsigned to) {
    sqlite3_pcache_page* const page = methods_.xFetch(cache_, from, 0);
    methods_.xRekey(cache_, page, from, to);
    methods_.xUnpin(cache_, page, 0);
  }
  void truncate(unsigned limit) { methods_.xTruncate(cache_, limit); }
  void expect(int count, std::initializer_list<unsigned> gone) {
    good_ = good_ && methods_.xPagecount(cache_) == count;
    for (const unsigned key : gone) good_ = good_ && methods_.xFetch(cache_, key, 0) == nullptr;
    std::fprintf(stderr, "%d, %s; ", methods_.xPagecount(cache_), good_ ? "good" : "bad");
  }
  [[noreturn]] void end() {
    methods_.xDestroy(cache_);
    std::exit(good_ ? 0 : 1);
  }

 private:
  sqlite3_pcache_methods2 methods_{};
  sqlite3_pcache* cache_ = nullptr;
  bool good_ = true;
};

[[noreturn]] void truncate_and_tell() {
  Cache cache;
  cache.fill(1, 100);
  cache.truncate(101);
  cache.expect(100, {});
  cache.truncate(51);
  cache.expect(50, {51, 100});
  // Pages that keep the number they were given, above all others.
  cache.rekey(10, 5000);
  cache.rekey(11, 6000);
  cache.rekey(12, 5500);
  cache.truncate(5800);
  cache.expect(49, {10, 6000});
  cache.truncate(50);
  cache.expect(46, {50, 5000, 5500});
  cache.rekey(13, 8000);
  cache.truncate(50);
  cache.expect(45, {8000});
  // One that has it for a moment, and what is fetched behind the end afterwards.
  cache.rekey(20, 7000);
  cache.rekey(20 + 1, 20);
  cache.rekey(7000, 21);
  cache.fill(60, 62);
  cache.truncate(61);
  cache.expect(46, {61, 62});
  cache.end();
}

TEST(PageCache, DropsEveryPageBehindTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(truncate_and_tell(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace rabt::store::test
