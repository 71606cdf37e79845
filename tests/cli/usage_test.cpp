#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "hub/args/args.hpp"
#include "hub/base/clock.hpp"
#include "tests/cli/shell.hpp"

// Mistakes of newcomers on the command line, and the messages: the error, its place, the remedy.
namespace rabt::cli::usage_test {
namespace {

struct Mistake {
  const char* line;
  const char* said;
};

TEST(Usage, AWrongLineIsExplainedAndEndsWithTwo) {
  for (const Mistake& mistake : {
           Mistake{"rabt", "`rabt` needs a command: serve, backup, "},
           Mistake{"rabt workflow", "`rabt workflow` needs a command: lint, "},
           Mistake{"rabt wokflow lint a.yaml",
                   "unknown command `wokflow` of `rabt`; did you mean `workflow`?\n"},
           Mistake{"rabt start", "unknown command `start` of `rabt`\n`rabt --help` says"},
           Mistake{"rabt workflow lnt a.yaml",
                   "unknown command `lnt` of `rabt workflow`; did you mean `lint`?\n"},
           Mistake{"rabt serve --confg a.yaml",
                   "unknown option `--confg` of `rabt serve`; did you mean `--config`?\n"},
           Mistake{"rabt serve --confg=a.yaml", "unknown option `--confg` of `rabt serve`; did"},
           Mistake{"rabt config check a.yaml",
                   "`a.yaml` is a word too many for `rabt config check`\n"},
           Mistake{"rabt workflow lint", "`rabt workflow lint` needs files: "},
           Mistake{"rabt config import", "`rabt config import` needs --from: "},
           Mistake{"rabt serve --config", "--config"},
       }) {
    const Ran ran = run(mistake.line);
    EXPECT_EQ(ran.code, 2) << mistake.line;
    EXPECT_EQ(ran.out, "") << mistake.line;
    EXPECT_NE(ran.err.find(mistake.said), std::string::npos) << mistake.line << "\n" << ran.err;
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

TEST(Usage, AVariableNamesTheConfigurationUnlessTheLineDoes) {
  const auto said = [](const std::string& line) {
    const Ran ran = run("export RABT_CONFIG=mine.yaml\n" + line);
    EXPECT_EQ(ran.code, 2) << line;
    return ran.err;
  };
  const auto reads = [](const std::string& text, const std::string& file) {
    EXPECT_EQ(text.find("the configuration " + file + " cannot be read: "), 0U) << text;
  };
  for (const char* command : {"config check", "serve", "instances", "audit verify"})
    reads(said("rabt " + std::string(command)), "mine.yaml");
  reads(said("rabt config check --config other.yaml"), "other.yaml");
  reads(said("RABT_CONFIG= rabt config check"), "config/rabt.yaml");
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

// The value of an option that takes a moment, after the line `program --since TEXT`.
std::string moment_of(std::string text) {
  args::Program program("for a test", "program");
  std::string since;
  program.add_option("--since", since, "A time")->moment();
  std::string name = "program";
  std::string option = "--since";
  std::array<char*, 4> line{name.data(), option.data(), text.data(), nullptr};
  EXPECT_EQ(program.parse(3, line.data()), std::nullopt) << text;
  return since;
}

TEST(Usage, ATimeMayCountBackFromNow) {
  constexpr std::int64_t kHour = 3'600'000;
  for (const auto& [text, back] : {std::pair("90s", kHour / 40), std::pair("15m", kHour / 4),
                                   std::pair("2h", 2 * kHour), std::pair("7d", 7 * 24 * kHour)}) {
    const std::int64_t least = SystemClock().now().ms - back;
    const auto at = parse_iso8601(moment_of(text));
    ASSERT_TRUE(at.ok()) << text;
    EXPECT_GE(at->ms, least) << text;
    EXPECT_LE(at->ms, SystemClock().now().ms - back) << text;
  }
  // Any other text goes to the hub as it is, and the hub says what is wrong with it.
  for (const char* text :
       {"2026-11-01T09:00:00Z", "2026-11-01", "h", "2w", "-2h", "2.5h", "99999999d"})
    EXPECT_EQ(moment_of(text), text);
}

// Symptom: an id with the end of a line gave "no answer: localhost:80". Cause: it broke the header.
TEST(Usage, HooksSendReadsStandardInputAndTakesNoControlCharacters) {
  const std::string config =
      "printf 'tenant: t1\ndata: data\nplugins: plugins\nmigrations: %s\nplugin:\n  echo: "
      "{}\nsources:\n  his: {scheme: "
      "static-token, secrets: [{env: HIS}], plugin: echo}\n' $RABT_SOURCE_DIR/migrations/sqlite > "
      "c.yaml; export HIS=a-token-of-some-length; ";
  for (const char* option : {"--id", "--type"}) {
    const Ran ran =
        run(config + "echo x | rabt hooks send his - " + option + " $'a\\nb' --config c.yaml");
    EXPECT_NE(ran.err.find(std::string(option) + ": must have no control characters"),
              std::string::npos)
        << ran.err;
  }
  const Ran read = run(config + "echo x | rabt hooks send his - --config c.yaml");
  EXPECT_NE(read.err.find("no hub runs"), std::string::npos) << read.err;
  const Ran pipe = run(config + "rabt hooks send his <(echo x) --config c.yaml");
  EXPECT_NE(pipe.err.find("no hub runs"), std::string::npos) << pipe.err;
  const Ran none = run(config + "rabt hooks send his nowhere --config c.yaml");
  EXPECT_NE(none.err.find("nowhere: No such file"), std::string::npos) << none.err;
}

TEST(Usage, HooksSendMakesATokenWithAKeyOfTheIssuerAlone) {
  const std::string config =
      "printf 'tenant: t1\ndata: data\nplugins: plugins\nmigrations: %s\nplugin:\n  echo: "
      "{}\nsources:\n  his: {scheme: jwt, jwks: keys.json, algs: [RS256, ES256], issuer: "
      "https://idp.example.sa, audience: hub, plugin: echo}\n  lab: {scheme: static-token, "
      "secrets: [{env: LAB}], plugin: echo}\n' $RABT_SOURCE_DIR/migrations/sqlite > c.yaml; export "
      "LAB=a-token-of-some-length; umask 077; openssl genpkey -algorithm EC -pkeyopt "
      "ec_paramgen_curve:P-256 -out p256.pem; openssl genpkey -algorithm EC -pkeyopt "
      "ec_paramgen_curve:P-384 -out p384.pem; ";
  const auto said = [&](const std::string& more) {
    return run(config + "echo x | rabt hooks send " + more + " --config c.yaml").err;
  };
  const auto expect = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  expect(said("his -"),
         "the tokens of the source his are signed by https://idp.example.sa: name a "
         "private key (PEM) whose public half is in `jwks` with --key FILE");
  expect(said("his - --key p256.pem"), "no hub runs");
  expect(said("his - --key p384.pem"),
         "--key: ES256 needs an EC private key on the curve P-256 (prime256v1)");
  expect(said("his - --key none.pem"), "none.pem");
  expect(said("lab - --key p256.pem"),
         "--key is for sources of the scheme jwt; the source lab "
         "signs with its first secret");
}

TEST(Usage, TheManualHasEveryCommandWithItsOptions) {
  const std::string page = run("rabt manual").out;
  for (const char* part : {".TH rabt 1\n", ".SS rabt deliveries show\n", ".SS rabt audit verify\n",
                           ".B \\-\\-cancel\n"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
}

}  // namespace
}  // namespace rabt::cli::usage_test
