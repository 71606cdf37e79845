#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "tests/cli/shell.hpp"

// rabt plugin on packages and keys that somebody else made.
namespace rabt::cli::plugin_commands_test {
namespace {

std::string built(const std::string& plugin) {
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  return std::string(build == nullptr ? "" : build) + "/plugins/" + plugin;
}

TEST(PluginCommands, WhatAPackageSaysCannotRewriteTheTerminal) {
  const Ran ran =
      run("mkdir p.rabtplugin && printf '%b' "
          "'id: small\\n\"x\\\\e[2J\\\\nsmall 1.0.0: good\\\\u009b\\\\u202e\": 1\\n' "
          ">p.rabtplugin/manifest.yaml; "
          "rabt plugin keys generate k.key --no-password >generated; "
          "rabt plugin sign p.rabtplugin --key k.key; "
          "rabt plugin check --only manifest p.rabtplugin");
  EXPECT_NE(ran.err.find("unknown key \"x?[2J?small 1.0.0: good??\""), std::string::npos)
      << ran.err;
  EXPECT_NE(ran.out.find("unknown key \"x?[2J?small 1.0.0: good??\""), std::string::npos)
      << ran.out;
  for (const std::string& text : {ran.out, ran.err}) {
    for (const char* const hostile : {"\x1b", "\xc2\x9b", "\xe2\x80\xae", "\nsmall 1.0.0: good"})
      EXPECT_EQ(text.find(hostile), std::string::npos) << text;
  }
}

TEST(PluginCommands, TheNameOfAPackageCannotRewriteTheTerminal) {
  const Ran ran =
      run("rabt plugin keys generate k.key --no-password >generated; "
          "rabt plugin verify --key k.pub \"$(printf 'p\\033[2J\\302\\233')\"");
  EXPECT_EQ(ran.err.substr(0, 8), "p?[2J?: ") << ran.err;
}

TEST(PluginCommands, AReportIsNotWrittenThroughALinkOfThePackage) {
  const Ran ran = run("cp -r '" + built("twilio") +
                      "' p && echo mine >victim && ln -s ../victim p/check-report.json; "
                      "rabt plugin check --write-report p >out1; echo code $?; cat victim; "
                      "rm p/check-report.json; ln -s ../victim p/schemas-of-others; "
                      "rabt plugin check --write-report p >out2; echo code $?; "
                      "ls p/check-report.json");
  EXPECT_EQ(ran.out, "code 2\nmine\ncode 2\n");
  EXPECT_NE(ran.err.find("\"check-report.json\" is a link"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("\"schemas-of-others\" is a link"), std::string::npos) << ran.err;
}

TEST(PluginCommands, APackageThatIsNotThereIsOneLine) {
  const Ran ran = run("rabt plugin check nothere; echo code $?");
  EXPECT_EQ(ran.out, "code 1\n");
  EXPECT_NE(ran.err.find("nothere is not there; build the plugin"), std::string::npos) << ran.err;
}

// Signing refuses a package that `serve` would refuse.
TEST(PluginCommands, AManifestThatWasEditedAfterTheBuildIsNotSigned) {
  const Ran ran = run("cp -r '" + built("twilio") +
                      "' p && echo '# edited' >>p/manifest.yaml && touch p/LICENSE && "
                      "rabt plugin keys generate k.key --no-password >generated; "
                      "rabt plugin sign --key k.key p; echo code $?");
  EXPECT_EQ(ran.out, "code 2\n");
  EXPECT_NE(ran.err.find("[plugin.digest]"), std::string::npos) << ran.err;
}

TEST(PluginCommands, AReportTakesThePlaceOfTheOneBefore) {
  const Ran ran = run("cp -r '" + built("twilio") +
                      "' p && echo '{}' >p/check-report.json && chmod a-w p/check-report.json; "
                      "rabt plugin check --write-report p >said; "
                      "grep -c packageDigest p/check-report.json; ls -A p");
  EXPECT_EQ(ran.out.substr(0, 2), "1\n") << ran.out << ran.err;
  EXPECT_EQ(ran.out.find(".new"), std::string::npos) << ran.out;
}

TEST(PluginCommands, NoHalfOfAPairOfKeysIsMade) {
  const Ran there = run(
      "echo mine >a.pub; rabt plugin keys generate a.key --no-password; echo code $?; cat a.pub; "
      "echo mine >b.key; rabt plugin keys generate b.key --no-password; echo code $?; cat b.key; "
      "ln -s nowhere c.pub; rabt plugin keys generate c.key --no-password; echo code $?; "
      "ls *.pub *.key");
  EXPECT_EQ(there.out, "code 1\nmine\ncode 1\nmine\ncode 1\na.pub\nb.key\nc.pub\n") << there.err;
  EXPECT_NE(there.err.find("a.pub is there already"), std::string::npos) << there.err;
  // The second half cannot be written: its name is one byte too long, the secret key's fits.
  const Ran failed = run(
      "name=$(printf 'k%.0s' {1..252}); rabt plugin keys generate $name --no-password; echo code "
      "$?; ls | grep -c kkk");
  EXPECT_EQ(failed.out, "code 1\n0\n") << failed.err;
}

}  // namespace
}  // namespace rabt::cli::plugin_commands_test
