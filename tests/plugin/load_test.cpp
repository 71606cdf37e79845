#include <filesystem>
#include <fstream>

#include "hub/plugin/package/library.hpp"
#include "hub/plugin/package/manifest.hpp"
#include "tests/plugin/support.hpp"

namespace rabt::plugin::test::load_test {
namespace {

// Loads a fixture and gives the error's code, or "ok".
std::string code_of(Hub& hub, PluginConfig config) {
  const Status status = hub.host->load(std::move(config));
  if (status.ok()) return "ok";
  EXPECT_FALSE(status.error().message.empty());
  return status.error().code;
}

void copy(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  std::filesystem::copy(
      from, to,
      std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
}

struct Refusal {
  const char* fixture;
  const char* code;
};
class LoadRefusal : public ::testing::TestWithParam<std::tuple<Refusal, Isolation>> {
 protected:
  void SetUp() override { BothWays::isolation = std::get<1>(GetParam()); }
  void TearDown() override { BothWays::isolation = Isolation::worker; }
};

TEST_P(LoadRefusal, HasItsStableCode) {
  Hub hub;
  const Refusal& expected = std::get<0>(GetParam());
  EXPECT_EQ(code_of(hub, hub.config(expected.fixture)), expected.code);
  EXPECT_TRUE(hub.host->plugins().empty());
  EXPECT_TRUE(hub.log.has(std::string("plugin.not_loaded plugin=") + expected.fixture));
}
INSTANTIATE_TEST_SUITE_P(
    All, LoadRefusal,
    ::testing::Combine(::testing::Values(Refusal{"no-entry", "plugin.no_entry"},
                                         Refusal{"bad-magic", "plugin.no_entry"},
                                         Refusal{"other-major", "plugin.abi_major"},
                                         Refusal{"too-new", "plugin.abi_too_new"},
                                         Refusal{"other-id", "plugin.id_mismatch"},
                                         Refusal{"other-version", "plugin.id_mismatch"},
                                         Refusal{"other-manifest", "plugin.digest"},
                                         Refusal{"no-create", "plugin.create"},
                                         Refusal{"absent", "plugin.package"}),
                       ::testing::Values(Isolation::worker, Isolation::in_process)));

class Load : public BothWays {};
class Roles : public BothWays {};
RABT_BOTH_WAYS(Load);
RABT_BOTH_WAYS(Roles);

TEST_P(Load, AcceptsTheSmallestPluginInPlainC) {
  Hub hub;
  EXPECT_EQ(code_of(hub, hub.config("small")), "ok");
  ASSERT_TRUE(hub.host->bind_role("small", "plugin://small").ok());
  EXPECT_EQ(hub.call("small", "echo", Json(7)).output.dump(), "7");
}

// Two entries of one package are two plugins: each has its name, process, storage and events.
TEST_P(Load, ServesTwoEntriesOfOnePackageUnderTheirNames) {
  Hub hub;
  for (const char* name : {"small-a", "small-b"}) {
    PluginConfig config = hub.config("small");
    config.id = name;
    config.package = "small";
    config.events = {{.type = std::string("sa.example.") + name + ".v1",
                      .data_schema = *Json::parse(R"({"type": "object"})")}};
    EXPECT_EQ(code_of(hub, config), "ok");
    EXPECT_EQ(code_of(hub, std::move(config)), "plugin.loaded");
    ASSERT_TRUE(hub.host->bind_role(name, std::string("plugin://") + name).ok());
    EXPECT_EQ(hub.call(name, "echo", Json(7)).output.dump(), "7");
  }
  std::vector<std::string> ids;
  for (const auto& state : hub.host->plugins()) ids.push_back(state.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"small-a", "small-b"}));
  EXPECT_EQ(hub.host->recipient("small-b", "echo", "1.0.0")->plugin, "small-b");
  std::vector<std::string> types;
  for (const auto& event : hub.host->events()) types.push_back(event.type);
  EXPECT_EQ(types, (std::vector<std::string>{"sa.example.small-a.v1", "sa.example.small-b.v1"}));
  PluginConfig other = hub.config("small");
  other.id = "small-c";
  other.package = "echo";
  EXPECT_EQ(code_of(hub, other), "plugin.id_mismatch");
}

TEST_P(Load, TellsWhatThePluginSaidWhenItCannotStart) {
  Hub hub;
  const Status status = hub.host->load(hub.config("no-create"));
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("the moon is in the wrong quarter"), std::string::npos);
}

TEST_P(Load, AThrowingConstructorIsAnErrorInOneLine) {
  Hub hub;
  PluginConfig echo = hub.config("echo");
  echo.config = Json::object({{"greeting", "fail"}});
  echo.secrets["token"] = std::make_shared<SecretBytes>(std::string_view("x"));
  const Status status = hub.host->load(std::move(echo));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "plugin.create");
  EXPECT_NE(status.error().message.find("no greeting for you"), std::string::npos)
      << status.error().message;
}

TEST_P(Load, RefusesALibraryForAnotherMachineBeforeMappingIt) {
  Hub hub;
  const std::string folder = hub.folder.path() + "/small";
  copy(fixture("small"), folder);
  {
    std::fstream file(library_path(folder), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(18);  // e_machine
    const char sparc[2] = {2, 0};
    file.write(sparc, 2);
  }
  PluginConfig config = hub.config("small");
  config.folder = folder;
  EXPECT_EQ(code_of(hub, config), "plugin.platform");
  std::ofstream(library_path(folder), std::ios::trunc) << "#!/bin/sh\n";
  EXPECT_EQ(code_of(hub, config), "plugin.platform");
  std::filesystem::remove(library_path(folder));
  EXPECT_EQ(code_of(hub, config), "plugin.library");
}

TEST_P(Load, RefusesAManifestThatChangedSinceTheBuild) {
  Hub hub;
  const std::string folder = hub.folder.path() + "/small";
  copy(fixture("small"), folder);
  std::ofstream(folder + "/manifest.yaml", std::ios::app) << "concurrency: 2\n";
  PluginConfig config = hub.config("small");
  config.folder = folder;
  EXPECT_EQ(code_of(hub, config), "plugin.digest");
}

TEST_P(Load, RefusesAConfigurationThatDoesNotFitTheSchemaAndNamesThePlace) {
  Hub hub;
  PluginConfig config = hub.config("small");
  config.config = Json::object({{"limit", "many"}});
  const Status status = hub.host->load(config);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "plugin.config");
  EXPECT_NE(status.error().message.find("config/limit must be integer"), std::string::npos)
      << status.error().message;
  EXPECT_EQ(status.error().message.find("many"), std::string::npos) << "values may be secrets";
}

TEST_P(Load, NamesTheMissingSecrets) {
  Hub hub;
  PluginConfig echo = hub.config("echo");
  echo.config = Json::object({{"greeting", "hi"}});
  const Status status = hub.host->load(echo);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "plugin.missing_secret");
  EXPECT_NE(status.error().message.find("token"), std::string::npos);
}

TEST_P(Load, RefusesASecretThatHasNotItsDeclaredForm) {
  Hub hub;
  const std::string folder = hub.folder.path() + "/small";
  copy(fixture("small"), folder);
  std::ofstream(folder + "/manifest.yaml", std::ios::app)
      << "secrets: [{name: key, description: of the account, min_bytes: 8, max_bytes: 12, "
         "pattern: '^[0-9a-f]+$'}]\n";
  PluginConfig config = hub.config("small");
  config.folder = folder;
  const auto refused = [&](std::string_view value) {
    config.secrets["key"] = std::make_shared<SecretBytes>(value);
    const Status status = hub.host->load(config);
    EXPECT_FALSE(status.ok());
    EXPECT_EQ(status.error().message.find(value), std::string::npos) << "it tells the secret";
    return status.error().code + " " + status.error().message;
  };
  EXPECT_EQ(refused("abc123"),
            "plugin.secret small: the secret key is shorter than 8 bytes (of the account)");
  EXPECT_EQ(refused("0123456789abcdef"),
            "plugin.secret small: the secret key is longer than 12 bytes (of the account)");
  EXPECT_EQ(refused("0123456z"),
            "plugin.secret small: the secret key does not match the pattern of its manifest (of "
            "the account)");
  // A good secret: what is refused next is the manifest, which the library does not know.
  config.secrets["key"] = std::make_shared<SecretBytes>(std::string_view("0123456789ab"));
  EXPECT_EQ(code_of(hub, config), "plugin.digest");
}

TEST_P(Load, RefusesTheSameVersionTwiceAndAFolderOfAnotherPlugin) {
  Hub hub;
  EXPECT_EQ(code_of(hub, hub.config("small")), "ok");
  EXPECT_EQ(code_of(hub, hub.config("small")), "plugin.loaded");
  PluginConfig config = hub.config("zoo");
  config.id = "twilio";
  EXPECT_EQ(code_of(hub, config), "plugin.id_mismatch");
}

TEST_P(Load, WritesEachAttemptToTheAuditLog) {
  Hub hub;
  EXPECT_EQ(code_of(hub, hub.config("small")), "ok");
  EXPECT_EQ(code_of(hub, hub.config("too-new")), "plugin.abi_too_new");
  const auto verified = audit::verify(*hub.store, hub.folder.path());
  ASSERT_TRUE(verified.ok()) << verified.error().message;
  EXPECT_GE(verified->entries, 2U);
}

TEST_P(Roles, AnUnknownTargetListsWhatThereIsAndSuggests) {
  Hub hub;
  hub.load_zoo();
  const Status status = hub.host->bind_role("x", "plugin://zou");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, "plugin.unknown_target");
  EXPECT_NE(status.error().message.find("did you mean `plugin://zoo`?"), std::string::npos)
      << status.error().message;
}

TEST_P(Roles, FindTakesTheSameMajorAndNothingOlder) {
  Hub hub;
  hub.load_echo();
  const auto& catalog = *hub.host;
  ASSERT_TRUE(catalog.find("echo", "echo", "1.0.0"));
  EXPECT_EQ(catalog.find("echo", "echo", "1.0.0")->version, "1.2.0");
  EXPECT_EQ(catalog.find("echo", "echo", "1.2.0")->version, "1.2.0");
  EXPECT_FALSE(catalog.find("echo", "echo", "1.2.1"));
  EXPECT_FALSE(catalog.find("echo", "echo", "1.3.0"));
  EXPECT_EQ(catalog.find("echo", "echo", "2.0.0")->version, "2.0.0");
  EXPECT_EQ(catalog.find("echo", "echo", "")->version, "2.0.0") << "the newest of all";
  EXPECT_FALSE(catalog.find("echo", "echo", "3.0.0"));
  EXPECT_FALSE(catalog.find("echo", "nothing", "1.0.0"));
  EXPECT_FALSE(catalog.find("nobody", "echo", "1.0.0"));
  EXPECT_EQ(catalog.find("echo", "ask", "1.0.0")->idempotency, "probe");
  EXPECT_EQ(catalog.roles(), std::vector<std::string>{"echo"});
  EXPECT_EQ(catalog.actions("echo").front(), "echo");
  EXPECT_TRUE(catalog.find("plugin://echo", "later", "1.0.0")) << "a workflow may pin a target";
}

TEST_P(Roles, AReleaseCandidateIsOlderThanItsRelease) {
  EXPECT_TRUE(version_serves("1.2.0", "1.2.0-rc.1"));
  EXPECT_FALSE(version_serves("1.2.0-rc.1", "1.2.0"));
  EXPECT_TRUE(version_serves("1.2.0+build.7", "1.2.0"));
  EXPECT_FALSE(version_serves("1.2.0", "1"));
}

// ---- manifest
// -----------------------------------------------------------------------------------------------------

std::string manifest_error(const std::string& text) {
  const TempFolder folder;
  std::ofstream(folder.path() + "/manifest.yaml") << text;
  const auto manifest = read_manifest(folder.path());
  if (manifest.ok()) return "ok";
  EXPECT_EQ(manifest.error().code, "plugin.manifest");
  return manifest.error().message.substr(folder.path().size() + 1);
}
constexpr const char* kHead = "id: x\nversion: 1.0.0\nabi: {major: 1}\nvendor: {name: V}\n";

TEST(Manifest, SuggestsForAnUnknownKeyAndNamesTheLine) {
  EXPECT_EQ(
      manifest_error(std::string(kHead) + "concurency: 2\n").substr(0, 87),
      "manifest.yaml:5: unknown key \"concurency\" in the manifest; did you mean `concurrency`? ");
}
TEST(Manifest, RefusesWhatCannotBe) {
  const std::string head(kHead);
  EXPECT_EQ(manifest_error(head), "ok");
  EXPECT_NE(manifest_error(head + "concurrency: 0\n")
                .find("manifest.yaml:5: concurrency must be a whole number from 1"),
            std::string::npos);
  EXPECT_NE(manifest_error("id: X\nversion: 1.0.0\n").find("manifest.yaml:1: id must be"),
            std::string::npos);
  EXPECT_NE(manifest_error("id: x\nversion: one\n").find("manifest.yaml:2: version must be"),
            std::string::npos);
  EXPECT_NE(manifest_error("id: x\nversion: 1.0.0\nvendor: {name: V}\n")
                .find("the key \"abi\" is missing"),
            std::string::npos);
  EXPECT_NE(manifest_error("id: [\n").find("manifest.yaml:2:"), std::string::npos);
  const std::string action = "actions:\n  - {name: a, version: 1.0.0, idempotency: ";
  EXPECT_EQ(manifest_error(head + action + "native}\n"), "ok");
  EXPECT_NE(manifest_error(head + action + "nativ}\n")
                .find("manifest.yaml:6: idempotency cannot be \"nativ\"; did you mean `native`?"),
            std::string::npos);
  EXPECT_NE(
      manifest_error(head + action + "key, input: gone.json}\n").find("manifest.yaml:6: input: "),
      std::string::npos);
  EXPECT_NE(manifest_error(head + action + "key, input: ../up.json}\n").find("under schemas/"),
            std::string::npos);
  EXPECT_NE(manifest_error(head + action + "key, input: {typ: string}}\n")
                .find("schema keyword `typ` is not supported"),
            std::string::npos);
}
TEST(Manifest, CodesAreNarrow) {
  EXPECT_EQ(manifest_error(std::string(kHead) + "codes: ['GE-#####', '53###']\n"), "ok");
  EXPECT_NE(manifest_error(std::string(kHead) + "codes: ['##########']\n")
                .find("manifest.yaml:5: `##########` is no code: write letters"),
            std::string::npos);
}
TEST(Manifest, AMarkOfPatientDataThatIsNoneIsRefused) {
  for (const char* const value : {"True", "yes", "\"true\"", "1", "on", ""}) {
    const std::string said =
        manifest_error(std::string(kHead) + "config: {properties: {a: {x-phi: " + value + "}}}\n");
    EXPECT_NE(said.find("manifest.yaml:5: "), std::string::npos) << value << ": " << said;
    EXPECT_NE(said.find("/properties/a/x-phi\": `x-phi` must be true or false"), std::string::npos)
        << value << ": " << said;
  }
  EXPECT_EQ(manifest_error(std::string(kHead) + "config: {properties: {a: {x-phi: true}}}\n"),
            "ok");
}
TEST(Manifest, WhatItSaysCannotRewriteTheTerminalOfWhoeverReadsTheError) {
  const std::string said = manifest_error(
      std::string(kHead) + R"("x\e[2J\nsmall 1.0.0: good\u009b31m\u202e\u007f": 1)" + "\n");
  EXPECT_EQ(said.substr(0, 74),
            "manifest.yaml:5: unknown key \"x?[2J?small 1.0.0: good?31m??\" in the manife");
  EXPECT_EQ(said.find('\n'), std::string::npos);
}
TEST(Manifest, ReadsTypesAsYamlDoes) {
  const TempFolder folder;
  std::ofstream(folder.path() + "/manifest.yaml")
      << kHead << "config: {properties: {a: {enum: [1, '1', true, null, x]}}}\n";
  const auto manifest = read_manifest(folder.path());
  ASSERT_TRUE(manifest.ok());
  EXPECT_EQ(manifest->config_schema.dump(),
            R"({"properties":{"a":{"enum":[1,"1",true,null,"x"]}}})");
}
TEST(Manifest, EveryShippedOneIsRead) {
  for (const auto& folder :
       std::filesystem::directory_iterator(std::filesystem::path(RABT_SOURCE "/plugins"))) {
    if (!std::filesystem::exists(folder.path() / "manifest.yaml")) continue;
    const auto manifest = read_manifest(folder.path().string());
    EXPECT_TRUE(manifest.ok()) << manifest.error().message;
    if (manifest.ok()) {
      EXPECT_EQ(manifest->id, folder.path().filename().string());
    }
  }
}
TEST(Manifest, ADocumentThatMultipliesItselfIsRefused) {
  std::string bomb = std::string(kHead) + "config:\n  x-a: &a [1,1,1,1,1,1,1,1,1,1]\n";
  for (char level = 'b'; level < 'i'; ++level) {
    const std::string below = std::string("*") + static_cast<char>(level - 1);
    bomb += std::string("  x-") + level + ": &" + level + " [" + below;
    for (int i = 0; i < 9; ++i) bomb += "," + below;
    bomb += "]\n";
  }
  EXPECT_NE(manifest_error(bomb).find("too large"), std::string::npos);
}
TEST(Manifest, AnAliasThatHoldsItselfIsRefused) {
  for (const char* const more :
       {"config: &a {type: object, properties: {x: *a}}\n", "config: &a {allOf: [*a]}\n",
        "config: {x-a: &a [*a]}\n", "actions: &a [*a]\n", "events: &a [{type: x, schema: *a}]\n",
        "events: [&a {type: x, schema: {properties: *a}}]\n", "permissions: &a {hosts: [*a]}\n"}) {
    const std::string said = manifest_error(std::string(kHead) + more);
    EXPECT_TRUE(said.starts_with("manifest.yaml:5: ")) << more << said;
  }
  std::string deep = "1";
  for (int i = 0; i < 400; ++i) deep = "[" + deep + "]";
  EXPECT_NE(manifest_error(std::string(kHead) + "config: {x-a: " + deep + "}\n")
                .find("is nested too deeply"),
            std::string::npos);
}

}  // namespace
}  // namespace rabt::plugin::test::load_test
