#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "hub/plugin/package/library.hpp"
#include "tests/e2e/support.hpp"

// Plugins from the vendor's folder to a hub that runs, by the commands that people type.
namespace rabt::e2e::plugins_test {
namespace {

namespace fs = std::filesystem;

// The acts of the audit log that begin with "plugin.", with their objects.
std::vector<std::string> plugin_acts(Site& site) {
  const Finished finished = site.rabt({"audit", "export", "--format", "jsonl", "--reason", "test"});
  EXPECT_EQ(finished.code, 0) << finished.said;
  std::vector<std::string> out;
  std::istringstream lines(finished.said);
  for (std::string line; std::getline(lines, line);) {
    const auto entry = Json::parse(line);
    if (!entry.ok()) continue;
    const std::string act = entry->string_or("act", "");
    if (act.starts_with("plugin.")) out.push_back(act + " " + entry->string_or("object", ""));
  }
  return out;
}
bool has(const std::vector<std::string>& all, const std::string& text) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

TEST(Plugins, WhatNobodySignedRunsWithDevAloneAndHealthSaysSo) {
  Site site(Kind::edge);
  site.config.plugins = build_dir() + "/plugins";
  const Finished refused = site.serve();
  EXPECT_EQ(refused.code, 1) << refused.said;
  EXPECT_NE(refused.said.find("[plugin.not_added]"), std::string::npos) << refused.said;
  EXPECT_NE(refused.said.find("rabt plugin add"), std::string::npos) << refused.said;
  EXPECT_EQ(site.rabt({"config", "check"}).code, 2);
  EXPECT_EQ(site.rabt({"config", "check", "--dev"}).code, 0);
  site.dev = true;
  site.start_hub();
  EXPECT_EQ(site.health()["notes"].dump(), R"(["dev mode: unsigned plugins: fhir"])");
}

TEST(Plugins, FromTheVendorsFolderToAHubThatRuns) {
  Site site(Kind::edge);
  site.config.plugins = site.folder() / "store";
  static_cast<void>(site.write_configuration());
  const std::string key = site.folder() / "vendor.key";
  const std::string package = site.folder() / "fhir-1.0.0.rabtplugin";
  ASSERT_EQ(run({program("rabt"), "plugin", "keys", "generate", key, "--no-password"}).code, 0);
  const std::string built = build_dir() + "/plugins/fhir";
  const auto manifest = plugin::read_manifest(built);
  ASSERT_TRUE(manifest.ok()) << manifest.error().message;
  fs::copy(built, package, fs::copy_options::recursive);
  const Finished signature = run({program("rabt"), "plugin", "sign", package, "--key", key});
  ASSERT_EQ(signature.code, 0) << signature.said;

  // The key is first trusted for no plugin, then for other plugins, then for this one.
  Finished said = site.rabt({"plugin", "add", package, "--yes"});
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.said.find("[plugin.untrusted_key]"), std::string::npos) << said.said;
  const auto trust = [&](const std::string& scope) {
    const Finished trusted = site.rabt({"plugin", "keys", "add", site.folder() / "vendor.pub",
                                        "--name", "Vendor", "--scope", scope});
    EXPECT_EQ(trusted.code, 0) << trusted.said;
  };
  trust("acme-*");
  said = site.rabt({"plugin", "add", package, "--yes"});
  EXPECT_NE(said.said.find("[plugin.key_scope]"), std::string::npos) << said.said;
  trust("fh*");

  // Without an answer to the question nothing is added.
  said = site.rabt({"plugin", "add", package});
  EXPECT_EQ(said.code, 1);
  EXPECT_NE(said.said.find("nothing was added"), std::string::npos) << said.said;
  said = site.rabt({"plugin", "add", package, "--yes"});
  EXPECT_EQ(said.code, 0) << said.said;
  EXPECT_NE(said.said.find("use a secret  access_token"), std::string::npos) << said.said;
  EXPECT_NE(said.said.find("Patient data that it sees"), std::string::npos) << said.said;
  EXPECT_NE(said.said.find("/patient"), std::string::npos) << said.said;

  site.start_hub();
  EXPECT_EQ(site.health().find("notes"), nullptr);
  EXPECT_EQ(site.rabt({"plugin", "verify"}).code, 0);

  // The running hub writes what is done to the store into its log.
  for (const char* const what : {"fhir", "fhir@1.0.0"}) {
    said = site.rabt({"plugin", "remove", what});
    EXPECT_EQ(said.code, 1) << said.said;
    EXPECT_NE(said.said.find("[plugin.in_use]"), std::string::npos) << said.said;
  }
  EXPECT_EQ(site.rabt({"plugin", "verify"}).said.find("no plugin was added"), std::string::npos);
  ASSERT_EQ(site.rabt({"plugin", "remove", "fhir", "--force"}).code, 0);
  ASSERT_EQ(site.rabt({"plugin", "add", package, "--yes"}).code, 0);
  const auto acts = plugin_acts(site);
  EXPECT_TRUE(has(acts, "plugin.loaded plugin:fhir"));
  EXPECT_TRUE(has(acts, "plugin.removed plugin:fhir"));
  EXPECT_TRUE(has(acts, "plugin.added plugin:fhir"));
  site.stop_hub();

  // And without one they go into the data folder.
  const Finished list = site.rabt({"plugin", "keys", "list", "--json"});
  const auto keys = Json::parse(list.said);
  ASSERT_TRUE(keys.ok()) << list.said;
  const std::string id = (*keys)["keys"][0].string_or("id", "");
  const Finished removed = site.rabt({"plugin", "keys", "remove", id});
  EXPECT_EQ(removed.code, 0) << removed.said;
  EXPECT_NE(removed.said.find("fhir"), std::string::npos) << "what does not load any more";
  const Finished start = site.serve();
  EXPECT_EQ(start.code, 1) << start.said;
  EXPECT_NE(start.said.find("[plugin.untrusted_key]"), std::string::npos) << start.said;
  trust("fhir");
  site.start_hub();
  const auto later = plugin_acts(site);
  EXPECT_TRUE(has(later, "plugin.key_removed key:" + id));
  EXPECT_TRUE(has(later, "plugin.key_added key:" + id));
  EXPECT_EQ(site.rabt({"audit", "verify"}).code, 0);
}

TEST(Plugins, B32OneThatWorksInARegionThatIsNotAllowedIsRefusedAtTheStart) {
  Site site(Kind::whole);
  site.config.more = "compliance: {allowed_regions: [me-south-1]}\n";
  const Finished refused = site.serve();
  EXPECT_EQ(refused.code, 1) << refused.said;
  EXPECT_NE(refused.said.find("[residency.region]"), std::string::npos) << refused.said;
  EXPECT_NE(refused.said.find("twilio keeps or handles data in the region us1; "
                              "compliance.allowed_regions allows: me-south-1"),
            std::string::npos)
      << refused.said;
  // Control is in the USA; where media go, nobody has said.
  site.config.more = "compliance: {allowed_regions: [us1]}\n";
  const Finished unsaid = site.serve();
  EXPECT_EQ(unsaid.code, 1) << unsaid.said;
  EXPECT_NE(unsaid.said.find("region of its own choice as long as config/media_region names none"),
            std::string::npos)
      << unsaid.said;
}

TEST(Plugins, AStoreThatSomebodyChangedIsRefusedAtTheStart) {
  Site site(Kind::edge);
  site.config.plugins = signed_store(site.folder().path().string());
  site.start_hub();
  site.stop_hub();
  const fs::path store = site.config.plugins;
  std::string library;
  for (const auto& entry : fs::directory_iterator(store / "fhir"))
    library = plugin::library_path(entry.path().string());
  const std::string bytes = read_file(library);
  write_file(library, bytes + "x");
  const Finished start = site.serve();
  EXPECT_EQ(start.code, 1) << start.said;
  EXPECT_NE(start.said.find("[plugin.sums]"), std::string::npos) << start.said;
  // --dev is for what was never added; it does not overlook what was.
  site.dev = true;
  EXPECT_NE(site.serve().said.find("[plugin.sums]"), std::string::npos);
}

}  // namespace
}  // namespace rabt::e2e::plugins_test
