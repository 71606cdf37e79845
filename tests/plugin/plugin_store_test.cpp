#include "hub/plugin/package/plugin_store.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "tests/eventually.hpp"
#include "tests/plugin/package_support.hpp"

// The store loads what its lock names, as it was added, or says why not.
namespace rabt::plugin::test::plugin_store_test {
namespace {

class Store : public Packages {
 protected:
  void SetUp() override { ASSERT_TRUE(change().add_key(trust(key_)).ok()); }
  PluginStore change() { return PluginStore::open(plugins_, PluginStore::Use::change).value(); }
  PluginStore look() { return PluginStore::open(plugins_, PluginStore::Use::read).value(); }
  Result<bool> add(const std::string& folder, bool allow_downgrade = false) {
    return change().add(verified(folder),
                        {.allow_downgrade = allow_downgrade, .at = kSignedAt, .by = "test"});
  }
  // "good", or why the one entry does not load; also when the store does not open.
  std::string state() {
    const auto store = PluginStore::open(plugins_, PluginStore::Use::read);
    if (!store.ok()) return store.error().code;
    if (store->entries().empty()) return "empty";
    const auto package = store->load(store->entries().front());
    return package.ok() ? "good" : package.error().code;
  }
  std::string lock() { return plugins_ + "/plugins.lock"; }
  void edit_lock(const std::string& from, const std::string& to) {
    std::string text = read(lock());
    ASSERT_NE(text.find(from), std::string::npos);
    text.replace(text.find(from), from.size(), to);
    write(lock(), text);
  }
  std::string plugins_ = folder_.path() + "/plugins";
  std::string small_ = plugins_ + "/small/1.0.0";
};

TEST_F(Store, KeepsWhatWasAdded) {
  EXPECT_EQ(state(), "empty");
  ASSERT_TRUE(add(signed_small()).value());
  EXPECT_EQ(state(), "good");
  const PluginStore store = look();
  ASSERT_EQ(store.entries().size(), 1U);
  const LockEntry& entry = store.entries().front();
  EXPECT_EQ(entry.id, "small");
  EXPECT_EQ(entry.version, "1.0.0");
  EXPECT_EQ(entry.key_id, minisign::to_text(key_.verifying_key().id));
  EXPECT_EQ(entry.sums_sha256, verified(signed_small()).sums_sha256);
  EXPECT_TRUE(shell(small_, "sha256sum --check --strict SHA256SUMS"));
}

TEST_F(Store, AddingTheSameAgainChangesNothing) {
  const std::string folder = signed_small();
  ASSERT_TRUE(add(folder).value());
  const std::string before = read(lock());
  EXPECT_FALSE(add(folder).value());
  EXPECT_EQ(read(lock()), before);
}

TEST_F(Store, AVersionIsReleasedOnce) {
  ASSERT_TRUE(add(signed_small()).value());
  const std::string folder = unsigned_small();
  append(folder + "/LICENSE", "another build\n");
  sign(folder);
  const auto again = add(folder);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, "plugin.exists");
  EXPECT_EQ(state(), "good");
}

TEST_F(Store, OlderVersionsNeedToBeAllowed) {
  ASSERT_TRUE(add(signed_small("1.10.0")).value());
  const std::string older = signed_small("1.9.0");
  const auto refused = add(older);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "plugin.downgrade");
  EXPECT_EQ(look().entries().size(), 1U);
  ASSERT_TRUE(add(older, true).value());
  ASSERT_TRUE(add(signed_small("2.0.0")).value());
  const auto versions = look().versions("small");
  ASSERT_EQ(versions.size(), 3U);
  EXPECT_EQ(versions[0].version, "1.9.0") << "oldest first, as numbers";
  EXPECT_EQ(versions[2].version, "2.0.0");
}

// Somebody whose key is trusted for the same ids takes no plugin over without a word.
TEST_F(Store, AnotherKeyThanThatOfTheNewestVersionNeedsToBeAllowed) {
  ASSERT_TRUE(add(signed_small("1.0.0")).value());
  ASSERT_TRUE(change().add_key(trust(other_)).ok());
  const std::string newer = unsigned_small("1.1.0");
  sign(newer, other_);
  const auto package = verify_package(PackageFiles::read(newer).value(), look().keys()).value();
  const auto refused = change().add(package, {.at = kSignedAt, .by = "test"});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "plugin.other_key");
  EXPECT_EQ(look().entries().size(), 1U);
  EXPECT_TRUE(
      change().add(package, {.allow_other_key = true, .at = kSignedAt, .by = "test"}).value());
  EXPECT_EQ(add(signed_small("1.1.0")).error().code, "plugin.exists");
}

TEST_F(Store, RemovesOneVersionOrAsksWhich) {
  ASSERT_TRUE(add(signed_small("1.0.0")).value());
  ASSERT_TRUE(add(signed_small("2.0.0")).value());
  EXPECT_EQ(change().remove("small", "").error().code, "plugin.version");
  EXPECT_EQ(change().remove("small", "3.0.0").error().code, "plugin.unknown");
  EXPECT_EQ(change().remove("large", "").error().code, "plugin.unknown");
  ASSERT_TRUE(change().remove("small", "1.0.0").ok());
  EXPECT_FALSE(fs::exists(small_));
  EXPECT_TRUE(fs::exists(plugins_ + "/small/2.0.0"));
  ASSERT_TRUE(change().remove("small", "").ok());
  EXPECT_FALSE(fs::exists(plugins_ + "/small"));
  EXPECT_TRUE(look().entries().empty());
}

TEST_F(Store, WithoutItsKeyNothingLoads) {
  ASSERT_TRUE(add(signed_small()).value());
  const auto signed_by = change().remove_key(minisign::to_text(key_.verifying_key().id));
  ASSERT_TRUE(signed_by.ok());
  EXPECT_EQ(signed_by->size(), 1U) << "says what does not load any more";
  EXPECT_EQ(state(), "plugin.untrusted_key");
  EXPECT_EQ(add(signed_small("2.0.0")).error().code, "plugin.untrusted_key");
  ASSERT_TRUE(change().add_key(trust(key_, {"other-*"})).ok());
  EXPECT_EQ(state(), "plugin.key_scope");
  ASSERT_TRUE(change().add_key(trust(key_, {"small"})).ok());
  EXPECT_EQ(state(), "good");
  EXPECT_EQ(look().keys().size(), 1U);
  EXPECT_EQ(change().add_key(trust(key_, {"UPPER"})).error().code, "plugin.key");
  EXPECT_EQ(change().remove_key("0000000000000000").error().code, "plugin.key");
}

// ---- what somebody did to the files

TEST_F(Store, AnotherKeyWithTheSameIdDoesNotTakeItsPlace) {
  const std::string small = signed_small();
  ASSERT_TRUE(add(small).value());
  TrustedKey forged = trust(other_);
  forged.key.id = key_.verifying_key().id;
  forged.name = "Mallory";
  const Status added = change().add_key(forged);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, "plugin.key");
  EXPECT_NE(added.error().message.find("Acme"), std::string::npos) << added.error().message;
  EXPECT_EQ(state(), "good") << "the key that was there stays";
  TrustedKey again = trust(key_, {"small"});
  again.name = "Acme Ltd";
  EXPECT_TRUE(change().add_key(again).ok());
  ASSERT_EQ(look().keys().size(), 1U);
  EXPECT_EQ(look().keys().front().name, "Acme Ltd");
}

TEST_F(Store, AKeyThatCouldNotBeReadAgainIsNotAdded) {
  const auto said = [this](const TrustedKey& key) {
    const Status added = change().add_key(key);
    EXPECT_TRUE(PluginStore::open(plugins_, PluginStore::Use::read).ok()) << "the store is closed";
    return added.ok() ? std::string("added") : added.error().code;
  };
  TrustedKey key = trust(other_);
  key.name = std::string(257, 'n');
  EXPECT_EQ(said(key), "plugin.key");
  key.name = std::string(256, 'n');
  EXPECT_EQ(said(key), "added");
  key.name = "\xff";
  EXPECT_EQ(said(key), "plugin.key");
  key = trust(other_, std::vector<std::string>(1000, std::string(64, 'a')));
  EXPECT_EQ(said(key), "plugin.key");
  key = trust(other_);
  key.added_by = std::string(300, 'u');
  EXPECT_EQ(said(key), "plugin.key");
}

TEST_F(Store, KeysUpToTheirNumberAreAdded) {
  TrustedKey key = trust(other_);
  key.key.id[1] = 0xfe;  // The random id must be none of those below.
  ASSERT_TRUE(change().add_key(key).ok());
  const std::string text = read(plugins_ + "/keys/" + key.id() + ".json");
  const std::string line = minisign::public_key_line(key.key);
  for (std::size_t i = look().keys().size(); i + 1 < kMaxKeys; ++i) {
    key.key.id[0] = static_cast<std::uint8_t>(i & 0xffU);
    key.key.id[1] = static_cast<std::uint8_t>(i >> 8U);
    std::string other = text;
    other.replace(other.find(line), line.size(), minisign::public_key_line(key.key));
    write(plugins_ + "/keys/" + key.id() + ".json", other);
  }
  ASSERT_EQ(look().keys().size(), kMaxKeys - 1);
  key.key.id[1] = 0xff;
  EXPECT_TRUE(change().add_key(key).ok());
  EXPECT_TRUE(change().add_key(key).ok()) << "one that is there may change";
  key.key.id[0] ^= 1U;
  const Status added = change().add_key(key);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, "plugin.key");
  EXPECT_EQ(look().keys().size(), kMaxKeys);
}

TEST_F(Store, FilesThatChangedAreRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  append(library_path(small_), "x");
  EXPECT_EQ(state(), "plugin.sums");
}

TEST_F(Store, FilesThatWereAddedAreRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  write(small_ + "/schemas/more.json", "{}");
  EXPECT_EQ(state(), "plugin.sums");
}

TEST_F(Store, LinksInPlaceOfFoldersAreRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  fs::rename(small_, folder_.path() + "/elsewhere");
  fs::create_directory_symlink(folder_.path() + "/elsewhere", small_);
  EXPECT_EQ(state(), "plugin.path");
  fs::remove(small_);
  fs::rename(folder_.path() + "/elsewhere", small_);
  EXPECT_EQ(state(), "good");
  fs::rename(plugins_ + "/small", folder_.path() + "/elsewhere");
  fs::create_directory_symlink(folder_.path() + "/elsewhere", plugins_ + "/small");
  EXPECT_EQ(state(), "plugin.path");
}

TEST_F(Store, AnotherSignedPackageInItsPlaceIsRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  const std::string folder = unsigned_small();
  append(folder + "/LICENSE", "an older build with a hole\n");
  sign(folder);
  fs::remove_all(small_);
  fs::copy(folder, small_, fs::copy_options::recursive);
  EXPECT_EQ(state(), "plugin.lock");
}

TEST_F(Store, TheSameFilesUnderAnotherTrustedKeyAreRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  ASSERT_TRUE(change().add_key(trust(other_)).ok());
  write(small_ + "/SHA256SUMS.minisig", other_.sign(read(small_ + "/SHA256SUMS"), "c", "t"));
  EXPECT_EQ(state(), "plugin.lock");
}

TEST_F(Store, AFolderThatIsGoneIsNamed) {
  ASSERT_TRUE(add(signed_small()).value());
  fs::remove_all(small_);
  EXPECT_EQ(state(), "plugin.lock");
}

TEST_F(Store, AFolderThatTheLockDoesNotNameIsNotLoaded) {
  ASSERT_TRUE(add(signed_small()).value());
  fs::copy(signed_small("9.0.0"), plugins_ + "/small/9.0.0", fs::copy_options::recursive);
  EXPECT_EQ(look().entries().size(), 1U);
  ASSERT_TRUE(change().remove("small", "").ok());
  EXPECT_TRUE(look().entries().empty());
}

TEST_F(Store, AnEditedLockIsRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  const std::string good = read(lock());
  const std::string sums = look().entries().front().sums_sha256;
  const std::string key = look().entries().front().key_id;
  const auto edited = [&](const std::string& from, const std::string& to) {
    write(lock(), good);
    edit_lock(from, to);
    return state();
  };
  EXPECT_EQ(edited(sums, std::string(64, '0')), "plugin.lock");
  EXPECT_EQ(edited(key, std::string(16, '0')), "plugin.lock");
  EXPECT_EQ(edited("\"1.0.0\"", "\"1.0.1\""), "plugin.lock");
  EXPECT_EQ(edited("\"1.0.0\"", "\"../../../etc\""), "plugin.lock");
  EXPECT_EQ(edited("\"small\"", "\"keys\""), "plugin.lock");
  EXPECT_EQ(edited("\"small\"", "\"..\""), "plugin.lock");
  EXPECT_EQ(edited("\"addedBy\"", "\"more\": 1, \"addedBy\""), "plugin.lock");
  EXPECT_EQ(edited("\"format\": 1", "\"format\": 2"), "plugin.lock");
  EXPECT_EQ(edited("{", "["), "plugin.lock");
  write(lock(), "");
  EXPECT_EQ(state(), "plugin.lock");
  // The folder follows the lock's new version: the manifest does not.
  write(lock(), good);
  edit_lock("\"1.0.0\"", "\"1.0.1\"");
  fs::rename(small_, plugins_ + "/small/1.0.1");
  EXPECT_EQ(state(), "plugin.id_mismatch");
  fs::remove(lock());
  EXPECT_EQ(state(), "empty");
}

TEST_F(Store, LockAndKeysThatEverybodyMayWriteAreRefused) {
  ASSERT_TRUE(add(signed_small()).value());
  for (const std::string& path :
       {lock(), plugins_ + "/keys",
        plugins_ + "/keys/" + minisign::to_text(key_.verifying_key().id) + ".json", plugins_}) {
    const auto before = fs::status(path).permissions();
    fs::permissions(path, fs::perms::others_write, fs::perm_options::add);
    EXPECT_EQ(state(), "plugin.store_mode") << path;
    fs::permissions(path, before);
  }
  EXPECT_EQ(state(), "good");
}

TEST_F(Store, KeyFilesThatAreNoneAreRefused) {
  const std::string file =
      plugins_ + "/keys/" + minisign::to_text(key_.verifying_key().id) + ".json";
  const std::string good = read(file);
  write(file, "{}");
  EXPECT_EQ(state(), "plugin.key");
  write(file, good);
  fs::copy_file(file, plugins_ + "/keys/0123456789ABCDEF.json");
  EXPECT_EQ(state(), "plugin.key") << "under the name of another key";
  fs::remove(plugins_ + "/keys/0123456789ABCDEF.json");
  fs::rename(file, folder_.path() + "/key.json");
  fs::create_symlink(folder_.path() + "/key.json", file);
  EXPECT_EQ(state(), "plugin.path");
}

// ---- faults

// Runs act in a process of its own. Gives its status, or -1 when it was killed after that time.
int in_child(const std::function<int()>& act, std::int64_t kill_after_us = -1) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(act());
  if (pid < 0) {
    ADD_FAILURE() << "no process";
    return -1;
  }
  if (kill_after_us >= 0) {
    rabt::test::let_pass(std::chrono::microseconds(kill_after_us));
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Store, KilledAgainAndAgainItStillLoadsWhatItsLockNames) {
  constexpr int kKills = 50;
  constexpr int kMaxRounds = 500;
  // Adds one version and takes the oldest away, as an update does.
  const auto update = [&](const std::string& folder) {
    auto store = PluginStore::open(plugins_, PluginStore::Use::change);
    if (!store.ok()) return 1;
    auto files = PackageFiles::read(folder);
    const auto package = verify_package(std::move(*files), store->keys());
    if (!package.ok() || !store->add(*package, {.at = kSignedAt, .by = "test"}).ok()) return 2;
    const auto versions = store->versions("small");
    if (versions.size() > 1 && !store->remove("small", versions.front().version).ok()) return 3;
    return 0;
  };
  std::int64_t usual = 0;  // microseconds that an update takes
  int next = 0;            // the version to add
  std::string folder = signed_small("1.0.0");
  int killed = 0;
  int before_the_lock = 0;
  for (int round = 0; killed < kKills; ++round) {
    ASSERT_LT(round, kMaxRounds) << "only " << killed << " were killed in time";
    const std::string old = fs::exists(lock()) ? read(lock()) : "";
    const auto start = std::chrono::steady_clock::now();
    const int ended =
        round == 0 ? in_child([&] { return update(folder); })
                   : in_child([&] { return update(folder); }, usual * (round * 37 % 150) / 100);
    ASSERT_TRUE(ended == -1 || ended == 0) << "round " << round << " ended with " << ended;
    const std::string now = fs::exists(lock()) ? read(lock()) : "";
    if (ended == -1) {
      ++killed;
      if (now == old) ++before_the_lock;
    } else {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
                            std::chrono::steady_clock::now() - start)
                            .count();
      usual = round == 0 ? took : (3 * usual + took) / 4;
    }
    const PluginStore store = look();
    ASSERT_FALSE(store.entries().empty()) << "round " << round;
    for (const LockEntry& entry : store.entries()) {
      const auto package = store.load(entry);
      ASSERT_TRUE(package.ok()) << "round " << round << ": " << package.error().message;
    }
    if (store.entries().back().version == "1.0." + std::to_string(next))
      folder = signed_small("1.0." + std::to_string(++next));
  }
  EXPECT_GT(before_the_lock, 0);
  // The number of processes that die after the new lock depends on chance; it is recorded.
  RecordProperty("before_the_lock", before_the_lock);
  // The next change takes away what the killed ones left.
  change();
  for (const auto& entry : fs::directory_iterator(plugins_))
    EXPECT_FALSE(entry.path().filename().string().starts_with(".incoming")) << entry.path();
}

TEST_F(Store, AFullDiskLeavesItAsItWas) {
  ASSERT_TRUE(add(signed_small()).value());
  const std::string before = read(lock());
  const std::string next = signed_small("2.0.0");
  const TrustedPackage package = verified(next);
  const int ended = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};  // no file may become larger: the library does
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 9;
    const auto added = change().add(package, {.at = kSignedAt, .by = "test"});
    return added.ok() ? 1 : added.error().code == "plugin.store_io" ? 0 : 2;
  });
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(read(lock()), before);
  EXPECT_EQ(state(), "good");
  ASSERT_TRUE(add(next).value()) << "and it goes on when there is room again";
}

TEST_F(Store, AReaderWaitsForAChangeToEnd) {
  ASSERT_TRUE(add(signed_small()).value());
  auto held = std::make_unique<PluginStore>(change());
  std::atomic<bool> read_it{false};
  std::thread reader([&] {
    const PluginStore store = look();
    read_it = true;
  });
  EXPECT_FALSE(
      rabt::test::eventually([&] { return read_it.load(); }, std::chrono::milliseconds(50)));
  held.reset();
  reader.join();
  EXPECT_TRUE(read_it);
}

// ---- what was built and never signed

TEST_F(Store, FindsTheBuiltFolderOfAnId) {
  const std::string built = folder_.path() + "/built";
  fs::create_directories(built);
  EXPECT_EQ(unsigned_folder(built, "small").error().code, "plugin.not_added");
  fs::copy(unsigned_small(), built + "/small-1.0.0.rabtplugin", fs::copy_options::recursive);
  write(built + "/small-video-1.0.0.rabtplugin/manifest.yaml", "id: small-video\n");
  write(built + "/small-2-1.0.0.rabtplugin/manifest.yaml", "id: small-2\n");
  EXPECT_EQ(unsigned_folder(built, "small").value(), built + "/small-1.0.0.rabtplugin");
  fs::copy(unsigned_small(), built + "/small", fs::copy_options::recursive);
  EXPECT_EQ(unsigned_folder(built, "small").error().code, "plugin.package") << "which of the two?";
}

}  // namespace
}  // namespace rabt::plugin::test::plugin_store_test
