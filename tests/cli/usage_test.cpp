#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"

// What a newcomer types wrong, and what `rabt` says: what is wrong, where, and what to do.
namespace rabt::cli {
namespace {

struct Mistake {
  const char* line;
  const char* said;
};

TEST(Usage, AWrongLineIsExplainedAndEndsWithTwo) {
  for (const Mistake& one : {
           Mistake{"rabt", "`rabt` needs a command: serve, backup, "},
           Mistake{"rabt workflow", "`rabt workflow` needs a command: lint, "},
           Mistake{"rabt wokflow lint a.yaml",
                   "`wokflow` is no command of `rabt`; did you mean `workflow`?\n"},
           Mistake{"rabt start", "`start` is no command of `rabt`\n`rabt --help` says"},
           Mistake{"rabt workflow lnt a.yaml",
                   "`lnt` is no command of `rabt workflow`; did you mean `lint`?\n"},
           Mistake{"rabt serve --confg a.yaml",
                   "`--confg` is no option of `rabt serve`; did you mean `--config`?\n"},
           Mistake{"rabt serve --confg=a.yaml", "`--confg` is no option of `rabt serve`; did"},
           Mistake{"rabt config check a.yaml",
                   "`a.yaml` is a word too many for `rabt config check`\n"},
           Mistake{"rabt workflow lint", "`rabt workflow lint` needs files: "},
           Mistake{"rabt config import", "`rabt config import` needs --from: "},
           Mistake{"rabt serve --config", "--config"},
       }) {
    const Ran ran = run(one.line);
    EXPECT_EQ(ran.code, 2) << one.line;
    EXPECT_EQ(ran.out, "") << one.line;
    EXPECT_NE(ran.err.find(one.said), std::string::npos) << one.line << "\n" << ran.err;
    EXPECT_NE(ran.err.find("--help` says what it takes\n"), std::string::npos) << ran.err;
  }
}

TEST(Usage, HelpNamesTheProgramAndIsNoMistake) {
  const Ran help = run("rabt --help");
  EXPECT_EQ(help.code, 0);
  EXPECT_NE(help.out.find("Usage: rabt "), std::string::npos) << help.out;
  EXPECT_EQ(help.err, "");
}

TEST(Usage, AConfigurationThatIsNotThereOrWrongSaysWhatToDo) {
  const auto said = [](const std::string& file) {
    const Ran ran =
        run("cat > c.yaml <<'END'\n" + file + "\nEND\nrabt config check --config c.yaml");
    EXPECT_EQ(ran.code, 2) << file;
    return ran.err;
  };
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(run("rabt config check --config none.yaml").err,
      "the configuration none.yaml cannot be read: No such file or directory; --config FILE names "
      "another one [config.io]\n");
  has(said("tenant: t1"), "c.yaml:1:1: `data` is missing; docs/configuration.md says what it is\n");
  has(said("tenent: t1"), "c.yaml:1:1: unknown key `tenent`; did you mean `tenant`?\n");
  has(said("tenant: t1\nsurgery: x"), "c.yaml:2:1: unknown key `surgery`; known here: ");
  has(said("tenant: [t1]"), "c.yaml:1:1: `tenant` must be one text, no list and no mapping\n");
  has(said("tenant: 7"), "c.yaml:1:1: `tenant` must be text; put it in quotes\n");
  has(said("server:\n\tport: 1"),
      "c.yaml:2:1: a tab stands in the indentation; indent with spaces [config.invalid]\n");
}

// The completion and the page are made of the commands themselves.
TEST(Usage, BashCompletesCommandsAndOptions) {
  const auto completed = [](const std::string& words) {
    return run("rabt completion > made\n. ./made\nCOMP_WORDS=(" + words +
               ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_rabt\nprintf '%s\\n' "
               "\"${COMPREPLY[@]}\"")
        .out;
  };
  EXPECT_EQ(completed("rabt deliv"), "deliveries\n");
  EXPECT_EQ(completed("rabt deliveries sh"), "show\n");
  EXPECT_EQ(completed("rabt instances --config rabt.yaml --can"), "--cancel\n");
}

TEST(Usage, TheManualHasEveryCommandWithItsOptions) {
  const std::string page = run("rabt manual").out;
  for (const char* part : {".TH rabt 1\n", ".SS rabt deliveries show\n", ".SS rabt audit verify\n",
                           ".B \\-\\-cancel\n"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace rabt::cli
