#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "hub/config/config.hpp"

// `keys` and `retention` of the configuration.
namespace rabt::config::config_keys_test {
namespace {

class ConfigKeys : public testing::Test {
 protected:
  ConfigKeys() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-config-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) folder_ = pattern;
  }
  ~ConfigKeys() override { std::filesystem::remove_all(folder_); }
  Result<Config> read(const std::string& more) {
    std::ofstream(folder_ + "/rabt.yaml")
        << "tenant: t1\nserver: {port: 8480, public_url: \"http://127.0.0.1\"}\ndata: data\n"
           "plugins: plugins\nmigrations: migrations\n"
        << more;
    return load_config(folder_ + "/rabt.yaml");
  }
  // Error of a refused configuration.
  std::string mistake(const std::string& more) {
    const auto config = read(more);
    return config.ok() ? "taken" : config.error().message;
  }
  std::string folder_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ConfigKeys, EachRootIsReadWithItsPathsBesideTheFile) {
  const auto none = read("");
  ASSERT_TRUE(none.ok()) << none.error().message;
  EXPECT_EQ(none->keys.kind, "file");
  const auto file = read("keys: {root: {file: secret/root.key}}\n");
  ASSERT_TRUE(file.ok()) << file.error().message;
  EXPECT_EQ(file->keys.file, folder_ + "/secret/root.key");
  const auto token =
      read("keys: {root: {pkcs11: {module: /usr/lib/x.so, token: t, key: k, pin: {file: pin}}}}\n");
  ASSERT_TRUE(token.ok()) << token.error().message;
  EXPECT_EQ(token->keys.kind, "pkcs11");
  EXPECT_EQ(token->keys.pin.file, folder_ + "/pin");
  const auto vault =
      read("keys: {root: {vault: {url: 'https://v', key: k, token: {env: T}, ca: ca.pem}}}\n");
  ASSERT_TRUE(vault.ok()) << vault.error().message;
  EXPECT_EQ(vault->keys.mount, "transit");
  EXPECT_EQ(vault->keys.ca, folder_ + "/ca.pem");
  EXPECT_EQ(vault->keys.vault_token.env, "T");
}

TEST_F(ConfigKeys, ARootThatIsNotFitOrNotWholeIsRefused) {
  EXPECT_TRUE(has(mistake("keys: {root: {env: RABT_ROOT}}\n"), "development"));
  EXPECT_EQ(mistake("keys: {root: {env: RABT_ROOT}, development: true}\n"), "taken");
  EXPECT_TRUE(has(mistake("keys: {root: {file: a, env: B}}\n"), "one of"));
  EXPECT_TRUE(has(mistake("keys: {root: {}}\n"), "one of"));
  EXPECT_NE(mistake("keys: {root: {pkcs11: {module: m, token: t, key: k}}}\n"), "taken");
  EXPECT_NE(mistake("keys: {root: {vault: {url: u, key: k}}}\n"), "taken");
  EXPECT_NE(mistake("keys: {root: {vault: {url: 'v.example:8200', key: k, token: {env: T}}}}\n")
                .find("`url` must be an address"),
            std::string::npos);
  EXPECT_NE(mistake("keys: {root: {tape: x}}\n"), "taken");
}

TEST_F(ConfigKeys, ARetentionThatWouldEndBeforeItsUseIsRefused) {
  const auto good = read("retention: {recording: 6 months, event: 7 days, shred: automatic}\n");
  ASSERT_TRUE(good.ok()) << good.error().message;
  EXPECT_TRUE(good->retention.automatic_shred);
  EXPECT_EQ(good->retention.classes.at("recording"), "6 months");
  EXPECT_EQ(mistake("retention: {event: 1 month}\n"), "taken");
  EXPECT_TRUE(has(mistake("retention: {event: 6 days}\n"), "at least 7 days"));
  EXPECT_TRUE(has(mistake("retention: {plugin: soon}\n"), "is no period"));
  EXPECT_EQ(good->retention.delivery, (keys::Period{.days = 90}));
  EXPECT_FALSE(good->retention.classes.contains("delivery")) << "it is no class of sealed data";
  EXPECT_EQ(read("retention: {delivery: 2 years}\n")->retention.delivery,
            (keys::Period{.years = 2}));
  EXPECT_EQ(mistake("retention: {delivery: 38 days}\n"), "taken");
  EXPECT_TRUE(has(mistake("retention: {delivery: 37 days}\n"), "31 days longer"));
  EXPECT_TRUE(has(mistake("retention: {delivery: 90 days, event: 3 months}\n"), "31 days longer"));
  EXPECT_EQ(read("retention: {event: 6 months}\n")->retention.delivery,
            (keys::Period{.months = 6, .days = 31}));
  EXPECT_TRUE(has(mistake("retention: {delivery: soon}\n"), "is no period"));
  EXPECT_NE(mistake("retention: {incoming: 1 day}\n"), "taken");
  EXPECT_NE(mistake("retention: {hold: 1 day}\n"), "taken");
  EXPECT_NE(mistake("retention: {shred: sometimes}\n"), "taken");
}

}  // namespace
}  // namespace rabt::config::config_keys_test
