#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"

// rabt plugin on packages and keys that somebody else made.
namespace rabt::cli {
namespace {

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
  const Ran ran = run(
      "rabt plugin keys generate k.key --no-password >generated; "
      "rabt plugin verify --key k.pub \"$(printf 'p\\033[2J\\302\\233')\"");
  EXPECT_EQ(ran.err.substr(0, 8), "p?[2J?: ") << ran.err;
}

}  // namespace
}  // namespace rabt::cli
