#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include "hub/base/bytes.hpp"
#include "tests/plugin/support.hpp"

// Programs that share nothing with the hub but docs/formats/sealed.md open what the hub sealed.
namespace rabt::plugin::test::interop_test {
namespace {

// Exit status and standard output.
std::pair<int, std::string> run(const std::string& command) {
  std::FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) return {-1, ""};
  std::string out;
  std::vector<char> piece(64U << 10U);
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    out.append(piece.data(), got);
  const int status = ::pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

struct Language {
  const char* name;
  const char* probe;  // succeeds where the program can run
  const char* command;
};

class Interop : public testing::TestWithParam<Language> {
 protected:
  void SetUp() override {
    if (run(GetParam().probe).first != 0)
      GTEST_SKIP() << GetParam().name << " is not installed here";
  }

  // Bytes that the program opens; nothing if it refuses them.
  std::optional<std::string> open(const std::string& sealed, const std::string& range = "") {
    const std::string path = hub_.folder.path() + "/sealed";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << sealed;
    const auto [status, out] =
        run(std::string(GetParam().command) + " '" + RABT_SOURCE "/tests/interop/open_sealed" +
            GetParam().name + "' '" + hub_.folder.path() + "/key.json' '" + path + "' " + range);
    EXPECT_TRUE(status == 0 || status == 2) << status;
    return status == 0 ? std::optional(out) : std::nullopt;
  }

  void tell_key(const crypto::DataKey& key, const crypto::SealContext& place) {
    const Json json = Json::object({{"key", to_hex(key.material().expose())},
                                    {"tenant", place.tenant},
                                    {"table", place.table},
                                    {"row", place.row},
                                    {"field", place.field},
                                    {"version", static_cast<std::int64_t>(place.version)},
                                    {"keyId", to_hex(as_bytes(key.id()))}});
    std::ofstream(hub_.folder.path() + "/key.json") << json.dump();
  }

  // Opened, in part too, and refused when anything is changed or missing.
  void check(const std::string& sealed, const std::string& plain, std::size_t segment) {
    ASSERT_TRUE(open(sealed) == plain);
    const std::size_t from = plain.size() / 3;
    EXPECT_TRUE(open(sealed, std::to_string(from) + " " + std::to_string(plain.size() / 2)) ==
                plain.substr(from, plain.size() / 2));
    const std::size_t body = 75;
    const auto refused = [&](const char* how, const std::function<void(std::string&)>& change) {
      std::string changed = sealed;
      change(changed);
      ASSERT_NE(changed, sealed) << how;
      EXPECT_FALSE(open(changed).has_value()) << how;
    };
    refused("cut by a byte", [](std::string& bytes) { bytes.pop_back(); });
    refused("cut behind the header", [](std::string& bytes) { bytes.resize(75); });
    refused("cut in the header", [](std::string& bytes) { bytes.resize(40); });
    refused("empty", [](std::string& bytes) { bytes.clear(); });
    refused("longer", [](std::string& bytes) { bytes += '\0'; });
    refused("suite", [](std::string& bytes) { bytes[0] = 9; });
    refused("header", [](std::string& bytes) { bytes[20] ^= 1; });
    refused("changed", [](std::string& bytes) { bytes[bytes.size() / 2] ^= 1; });
    if (sealed.size() <= body + segment) return;
    refused("cut at a segment", [&](std::string& bytes) { bytes.resize(body + segment); });
    refused("segment missing", [&](std::string& bytes) { bytes.erase(body, segment); });
    refused("segment doubled",
            [&](std::string& bytes) { bytes.insert(body, bytes.substr(body, segment)); });
  }

  Hub hub_;
};

TEST_P(Interop, OpensARecordingOfTheHubAndRefusesACutOne) {
  std::string content(3'300'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 + i / 4093);
  auto writer = hub_.blobs->create("t1", "video/webm");
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->write(content).ok());
  const auto info = (*writer)->finish();
  ASSERT_TRUE(info.ok());
  std::ifstream file(hub_.folder.path() + "/blobs/" + info->id, std::ios::binary);
  const std::string sealed((std::istreambuf_iterator<char>(file)), {});

  const auto key = hub_.keys->open("t1", info->data_key);
  ASSERT_TRUE(key.ok());
  tell_key(**key, {"t1", "blob", info->id, "content"});
  check(sealed, content, 1U << 20U);
  tell_key(**key, {"t1", "blob", info->id, "contents"});
  EXPECT_FALSE(open(sealed).has_value()) << "another field";
}

TEST_P(Interop, OpensAValueOfTheHub) {
  const crypto::DataKey key("01J", SecretBytes(std::string(32, 'k')));
  const crypto::SealContext place{"t1", "event", "عيادة", "body", 7};
  tell_key(key, place);
  for (const std::size_t size : {std::size_t{0}, std::size_t{300}, std::size_t{4064}}) {
    const std::string plain(size, 'p');
    EXPECT_TRUE(open(key.seal(place, plain, hub_.random)) == plain) << size;
  }
  std::string plain(9000, '\0');
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] = static_cast<char>(i * 3 + i / 251);
  check(key.seal(place, plain, hub_.random), plain, 4096);
}

// From the root file over keyring and database to the recording, with nothing but the documents;
// after a rotation of every key, and not any more when the bucket was destroyed.
TEST(InteropFolder, ARecordingOpensFromTheFilesOfADataFolder) {
  if (run("python3 -c 'import cryptography'").first != 0) GTEST_SKIP() << "no python3-cryptography";
  Hub hub;
  const std::string content(1'200'000, 'v');
  auto writer = hub.blobs->create("t1", "video/webm");
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE((*writer)->write(content).ok());
  const auto info = (*writer)->finish();
  ASSERT_TRUE(info.ok());
  const auto open = [&](const std::string& tenant) {
    return run("python3 '" RABT_SOURCE "/tests/interop/open_folder.py' '" + hub.folder.path() +
               "' " + tenant + " " + info->id);
  };
  EXPECT_TRUE(open("t1") == std::pair(0, content));
  EXPECT_EQ(open("t2").first, 2);
  std::string bucket;
  const auto all = hub.keyring->info();
  ASSERT_TRUE(all.ok());
  for (const auto& tenant : all->tenants) {
    for (const auto& one : tenant.buckets) {
      if (tenant.name == "t1" && bucket.empty() && one.name.starts_with("incoming/"))
        bucket = one.name;
    }
  }
  ASSERT_TRUE(hub.keyring->rotate_root().ok());
  ASSERT_TRUE(hub.keyring->rotate_tenant("t1").ok());
  ASSERT_TRUE(hub.keyring->rotate_bucket("t1", bucket).ok());
  EXPECT_TRUE(open("t1") == std::pair(0, content));
  ASSERT_TRUE(hub.keyring->destroy_bucket("t1", bucket, "retention").ok());
  EXPECT_EQ(open("t1").first, 2);
}

INSTANTIATE_TEST_SUITE_P(
    Readers, Interop,
    testing::Values(Language{".py", "python3 -c 'import cryptography'", "python3"},
                    Language{".mjs", "node --version", "node"}),
    [](const testing::TestParamInfo<Language>& test_param_info) {
      return std::string(test_param_info.param.name == std::string_view(".py") ? "python" : "node");
    });

}  // namespace
}  // namespace rabt::plugin::test::interop_test
