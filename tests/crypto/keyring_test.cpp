#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/crypto/seal.hpp"
#include "tests/crypto/support.hpp"

namespace rabt::crypto {
namespace {

const SealContext kContext{"acme", "event", "1", "body"};

std::unique_ptr<Keyring> open_keyring(const std::string& path, Random& random) {
  auto keyring = Keyring::open_or_create(path, random);
  EXPECT_TRUE(keyring.ok()) << keyring.error().message;
  return keyring.ok() ? std::move(*keyring) : nullptr;
}

TEST(Keyring, is_made_with_mode_0600_and_opened_again) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  std::string wrapped;
  std::string sealed;
  std::string index;
  Bytes purpose;
  {
    const auto keyring = open_keyring(path, random);
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    auto made = keyring->make_data_key("acme", random);
    wrapped = made.wrapped;
    EXPECT_EQ(wrapped.size(), 40U);
    sealed = made.key->seal(kContext, "text", random);
    index = keyring->blind_index("acme", "mrn", "123");
    const auto key = keyring->purpose_key("acme", "kv");
    purpose.assign(key.expose().begin(), key.expose().end());
  }
  const auto keyring = open_keyring(path, random);
  const auto key = keyring->open_data_key("acme", wrapped);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ(*(*key)->open(kContext, sealed), "text");
  EXPECT_EQ(keyring->blind_index("acme", "mrn", "123"), index);
  EXPECT_TRUE(keyring->purpose_key("acme", "kv").equals(purpose));
}

TEST(Keyring, keeps_tenants_apart) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const auto keyring = open_keyring(folder / "keyring", random);
  const auto made = keyring->make_data_key("acme", random);
  (void)keyring->make_data_key("beta", random);
  for (const char* tenant : {"beta", "gamma", ""}) {
    const auto key = keyring->open_data_key(tenant, made.wrapped);
    ASSERT_FALSE(key.ok()) << tenant;
    EXPECT_EQ(key.error().code, "crypto.unwrap");
    EXPECT_EQ(key.error().kind, ErrorKind::corrupt);
  }
  EXPECT_NE(keyring->blind_index("acme", "mrn", "1"), keyring->blind_index("beta", "mrn", "1"));
  EXPECT_NE(keyring->blind_index("acme", "mrn", "1"), keyring->blind_index("acme", "phone", "1"));
  EXPECT_EQ(keyring->blind_index("acme", "mrn", "1").size(), 16U);
  EXPECT_FALSE(
      keyring->purpose_key("acme", "kv").equals(keyring->purpose_key("beta", "kv").expose()));
  EXPECT_FALSE(
      keyring->purpose_key("acme", "kv").equals(keyring->purpose_key("acme", "webhook").expose()));
}

TEST(Keyring, refuses_a_changed_wrapped_key) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const auto keyring = open_keyring(folder / "keyring", random);
  const std::string wrapped = keyring->make_data_key("acme", random).wrapped;
  for (std::size_t at = 0; at < wrapped.size() * 8; ++at) {
    std::string changed = wrapped;
    changed[at / 8] = static_cast<char>(changed[at / 8] ^ (1 << at % 8));
    EXPECT_FALSE(keyring->open_data_key("acme", changed).ok()) << at;
  }
  for (std::size_t size = 0; size < wrapped.size(); ++size)
    EXPECT_FALSE(keyring->open_data_key("acme", wrapped.substr(0, size)).ok());
  EXPECT_TRUE(keyring->open_data_key("acme", wrapped).ok());
}

TEST(Keyring, refuses_a_file_that_others_can_read_and_names_the_command) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  (void)open_keyring(path, random);
  for (const mode_t mode : {0640, 0604, 0660, 0644}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    const auto keyring = Keyring::open_or_create(path, random);
    ASSERT_FALSE(keyring.ok());
    EXPECT_EQ(keyring.error().code, "crypto.keyring_mode");
    EXPECT_NE(keyring.error().message.find("chmod 600 '" + path + "'"), std::string::npos);
  }
}

TEST(Keyring, refuses_a_damaged_file_and_leaves_it_alone) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  (void)open_keyring(path, random)->make_data_key("acme", random);
  const std::string good = test::read_file(path);
  std::vector<std::string> damaged = {"", "x", good.substr(0, good.size() - 1), good + 'x',
                                      std::string(good.size(), '\0')};
  for (std::size_t at = 0; at < good.size(); ++at) {
    damaged.push_back(good);
    damaged.back()[at] = static_cast<char>(damaged.back()[at] ^ 1);
  }
  for (const std::string& bytes : damaged) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto keyring = Keyring::open_or_create(path, random);
    ASSERT_FALSE(keyring.ok());
    EXPECT_EQ(keyring.error().code, "crypto.keyring_corrupt");
    EXPECT_EQ(test::read_file(path), bytes);
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << good;
  EXPECT_TRUE(Keyring::open_or_create(path, random).ok());
}

TEST(Keyring, says_when_its_folder_is_missing) {
  SystemRandom random;
  const auto keyring = Keyring::open_or_create("/nonexistent-folder/keyring", random);
  ASSERT_FALSE(keyring.ok());
  EXPECT_EQ(keyring.error().code, "crypto.keyring_io");
  EXPECT_NE(keyring.error().message.find("/nonexistent-folder/keyring"), std::string::npos);
}

TEST(Keyring, holds_no_key_in_clear_but_the_root) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  const auto keyring = open_keyring(path, random);
  const auto made = keyring->make_data_key("acme", random);
  EXPECT_EQ(test::read_file(path).find(made.key->material().expose_text()), std::string::npos);
}

TEST(Keyring, keeps_the_keys_that_two_open_keyrings_add) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  const auto one = open_keyring(path, random);
  const auto two = open_keyring(path, random);
  const auto a = one->make_data_key("a", random);
  const auto b = two->make_data_key("b", random);
  const auto shared_one = one->make_data_key("shared", random);
  const auto shared_two = two->make_data_key("shared", random);
  const auto again = open_keyring(path, random);
  EXPECT_TRUE(again->open_data_key("a", a.wrapped).ok());
  EXPECT_TRUE(again->open_data_key("b", b.wrapped).ok());
  EXPECT_TRUE(again->open_data_key("shared", shared_one.wrapped).ok());
  EXPECT_TRUE(again->open_data_key("shared", shared_two.wrapped).ok());
}

TEST(Keyring, makes_one_key_for_a_tenant_that_many_threads_use_first) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  const auto keyring = open_keyring(path, random);
  std::vector<std::string> indexes(8);
  std::vector<std::thread> threads;
  for (auto& index : indexes)
    threads.emplace_back([&] { index = keyring->blind_index("acme", "mrn", "1"); });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set<std::string>(indexes.begin(), indexes.end()).size(), 1U);
}

TEST(Keyring, ensure_tenant_reports_a_file_that_cannot_be_written) {
  if (::geteuid() == 0) {
    // Root writes anywhere; a folder that is gone it cannot.
    SystemRandom random;
    std::unique_ptr<Keyring> keyring;
    {
      test::TemporaryFolder folder;
      keyring = open_keyring(folder / "keyring", random);
      EXPECT_TRUE(keyring->ensure_tenant("acme").ok());
    }
    EXPECT_FALSE(keyring->ensure_tenant("beta").ok());
    EXPECT_TRUE(keyring->ensure_tenant("acme").ok());
  }
}

// Symptom: after a crash data could not be opened. Cause: a tenant's key was used before it was on
// disk. Here a child makes a key, says so and dies at once; what it sealed must open.
TEST(Keyring, has_a_tenants_key_on_disk_before_it_is_used) {
  test::TemporaryFolder folder;
  SystemRandom random;
  const std::string path = folder / "keyring";
  for (int run = 0; run < 10; ++run) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const std::string tenant = "t" + std::to_string(run);
    const pid_t child = ::fork();
    if (child == 0) {
      auto keyring = Keyring::open_or_create(path, random);
      if (!keyring.ok()) ::_exit(1);
      const auto made = (*keyring)->make_data_key(tenant, random);
      if (::write(ends[1], made.wrapped.data(), made.wrapped.size()) != 40) ::_exit(1);
      ::_exit(0);
    }
    char wrapped[40];
    ASSERT_EQ(::read(ends[0], wrapped, sizeof wrapped), 40);
    ::close(ends[0]);
    ::close(ends[1]);
    int state = 0;
    ::waitpid(child, &state, 0);
    EXPECT_TRUE(open_keyring(path, random)
                    ->open_data_key(tenant, std::string_view(wrapped, sizeof wrapped))
                    .ok());
  }
}

}  // namespace
}  // namespace rabt::crypto
