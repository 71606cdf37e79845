#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "tests/cli/shell.hpp"

// Command lines, their output and their exit codes.
namespace rabt::cli::commands_test {
namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Symptom: `lint --config` passed a file that `plan` refused. Cause: only plan compared secrets and
// hosts with the configuration. This gives lint a file with either, configured and not.
TEST(Commands, LintFindsSecretsAndHostsThatTheConfigurationDoesNotGive) {
  const std::string files = R"(mkdir p; cat > flow.yaml <<'END'
document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}
use: {secrets: [partner]}
do:
  - ask:
      call: http
      with: {method: get, endpoint: 'https://partner.example.sa/x'}
END
cat > rabt.yaml <<END
tenant: t1
data: data
plugins: p
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
)";
  const Ran missing = run(files + "rabt workflow lint --config rabt.yaml flow.yaml");
  EXPECT_EQ(missing.code, 1) << missing.err;
  EXPECT_TRUE(has(missing.out, "engine.secret")) << missing.out;
  EXPECT_TRUE(has(missing.out, "engine.host")) << missing.out;
  // The secret itself need not be there.
  const Ran given = run(files + R"(cat >> rabt.yaml <<END
workflow_secrets: {partner: {file: absent}}
http: {allow: ['https://partner.example.sa']}
END
rabt workflow lint --config rabt.yaml flow.yaml)");
  EXPECT_EQ(given.code, 0) << given.out << given.err;
}

TEST(Commands, ConfigCheckNamesASecretThatIsNotThere) {
  const std::string config = R"(cat > rabt.yaml <<END
tenant: t1
data: data
plugins: p
migrations: $RABT_SOURCE_DIR/migrations/sqlite
workflow_secrets: {partner: {file: partner}}
webhooks: [{name: his, url: 'https://his.example.sa/', secrets: [{file: hook}]}]
bus: {hosts: [mq.example.sa], user: rabt, password: {file: broker}}
END
)";
  const Ran absent = run(config + "rabt config check --config rabt.yaml");
  EXPECT_EQ(absent.code, 2);
  EXPECT_TRUE(has(absent.err, "workflow secret partner: the secret file ")) << absent.err;
  EXPECT_TRUE(has(absent.err, "/partner cannot be read")) << absent.err;
  EXPECT_TRUE(has(absent.err, "webhook his: the secret file ")) << absent.err;
  EXPECT_TRUE(has(absent.err, "bus.password: the secret file ")) << absent.err;
  const Ran there = run(config +
                        "(umask 77; echo value | tee partner > broker\n"
                        "echo whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw > hook)\n"
                        "rabt config check --config rabt.yaml");
  EXPECT_EQ(there.code, 0) << there.err;
}

TEST(Commands, ConfigCheckFindsASecretOrAConfigurationThatThePluginWouldRefuse) {
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  const std::string config = R"(cat > rabt.yaml <<END
tenant: t1
data: data
migrations: $RABT_SOURCE_DIR/migrations/sqlite
plugins: )" + std::string(build == nullptr ? "" : build) +
                             R"(/plugins
plugin:
  twilio:
    config: {account_sid: AC00000000000000000000000000000001, api_key_sid: SK00000000000000000000000000000001,
      callback_url: 'https://rabt.example.sa/hooks/twilio'}
    secrets: {api_key_secret: {file: secret}}
END
umask 77
)";
  const Ran wrong = run(config + "echo too-short > secret; rabt config check --dev -c rabt.yaml");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(has(wrong.err, "twilio: the secret api_key_secret is shorter than 32 bytes"))
      << wrong.err;
  EXPECT_FALSE(has(wrong.err, "too-short"));
  const Ran good = run(config +
                       "echo 0123456789abcdef0123456789abcdef > secret\n"
                       "rabt config check --dev -c rabt.yaml");
  EXPECT_EQ(good.code, 0) << good.err;
  const Ran none = run(config +
                       "sed -i '/secrets: /d' rabt.yaml; "
                       "rabt config check --dev -c rabt.yaml");
  EXPECT_TRUE(has(none.err, "twilio needs the secrets: api_key_secret")) << none.err;
  const Ran misfit = run(config +
                         "echo 0123456789abcdef0123456789abcdef > secret\n"
                         "sed -i 's/AC0/XX0/' rabt.yaml; "
                         "rabt config check --dev -c rabt.yaml");
  EXPECT_EQ(misfit.code, 2);
  EXPECT_TRUE(has(misfit.err,
                  "the configuration of twilio does not fit its schema: "
                  "config/account_sid"))
      << misfit.err;
  EXPECT_FALSE(has(misfit.err, "XX0")) << misfit.err;
}

TEST(Commands, ConfigCheckRefusesAProviderThatWorksWhereItMayNotOrCannotRecord) {
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  const auto check = [&](const std::string& more, const std::string& region) {
    return run(R"(umask 77; echo 0123456789abcdef0123456789abcdef > secret; cat > rabt.yaml <<END
tenant: t1
data: data
migrations: $RABT_SOURCE_DIR/migrations/sqlite
plugins: )" + std::string(build == nullptr ? "" : build) +
               R"(/plugins
plugin:
  chime:
    config: {access_key_id: AKIDEXAMPLEEXAMPLE, region: eu-central-1, media_region: )" +
               region + R"(}
    secrets: {secret_access_key: {file: secret}}
roles: {video: plugin://chime}
)" + more + R"(
END
rabt config check --dev -c rabt.yaml)");
  };
  const std::string only = "compliance: {allowed_regions: [eu-central-1]}";
  const Ran abroad = check(only, "us-east-1");
  EXPECT_EQ(abroad.code, 2);
  EXPECT_TRUE(has(abroad.err,
                  "chime keeps or handles data in the region us-east-1; "
                  "compliance.allowed_regions allows: eu-central-1"))
      << abroad.err;
  const Ran home = check(only, "eu-central-1");
  EXPECT_EQ(home.code, 0) << home.err;
  const Ran none = run(R"(cat > rabt.yaml <<END
tenant: t1
data: data
migrations: $RABT_SOURCE_DIR/migrations/sqlite
plugins: p
roles: {video: 'hub://p2p'}
video: {auto_record: true}
END
rabt config check --dev -c rabt.yaml)");
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(has(none.err, "`auto_record`: hub://p2p records nothing")) << none.err;
}

TEST(Commands, TellWrongInputFromFailureByTheirExitCode) {
  for (const char* const command : {"config check", "audit verify", "workflow lint a.yaml"})
    EXPECT_EQ(run(std::string("rabt ") + command + " --config none.yaml").code, 2) << command;
  const std::string config = R"(cat > rabt.yaml <<END
tenant: t1
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
plugin: {twilio: {secrets: {key: {file: secret}}}}
END
)";
  EXPECT_EQ(run(config + "rabt config check --config rabt.yaml").code, 2)
      << "its secret and its plugin are not there";
  EXPECT_EQ(run(config + "rabt audit verify --config rabt.yaml").code, 1)
      << "there is no database to verify";
}

// Whoever reads the message knows the next step.
TEST(Commands, SayWhatHelpsWithWrongInput) {
  const std::string config = R"(cat > rabt.yaml <<END
tenant: t1
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir data plugins; printf 'name;username\na;b\n' > list.csv
)";
  for (const auto& [command, said] : std::vector<std::pair<std::string, std::string>>{
           {"users add sara --role nrse", "security_officer"},
           {"users list --role nrse", "security_officer"},
           {"repair plan retry", "say which instances: --id, or a filter"},
           {"webhooks replay his", "--delivery, --since or --dead"},
           {"webhooks discard his --reason r", "--delivery or --dead"},
           {"visits --day tomorow --reason r", "--day must be today, tomorrow, or a day such as"},
           {"backup create --to data", "lies in the data folder"},
           {"backup create --to data/blobs/new", "lies in the data folder"},
           {"people import list.csv --dry-run", "--separator ';'"}}) {
    const Ran ran = run(config + "rabt " + command + " --config rabt.yaml");
    EXPECT_EQ(ran.code, 2) << command << ": " << ran.err;
    EXPECT_TRUE(has(ran.err, said)) << command << ": " << ran.err;
  }
  const Ran texts = run(config + R"(echo 'hospital: {messages: messges}' >> rabt.yaml
rabt config check --config rabt.yaml)");
  EXPECT_EQ(texts.code, 2);
  EXPECT_TRUE(has(texts.err, "the texts of messages ")) << texts.err;
  EXPECT_FALSE(has(texts.err, "--config")) << texts.err;
}

TEST(Commands, TheReadyFileIsThereWhileTheHubListens) {
  const Ran ran = run(R"(cat > c.yaml <<END
tenant: t1
server: {port: 0}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
start() { "$RABT_BUILD_DIR/bin/rabt" serve --config c.yaml --ready-file ready >/dev/null 2>&1 & pid=$!
  for i in $(seq 500); do grep -qs "\"pid\":$pid" ready && return; sleep 0.02; done; echo no hub; }
start
rabt serve --config c.yaml --ready-file ready 2>/dev/null; echo second $?
[ -e ready ] && echo the first goes on
kill $pid; wait $pid; [ -e ready ] || echo stopped
start; kill -9 $pid; wait $pid; [ -e ready ] && echo killed
sed -i 's/port: 0/port: 0, tls: {cert: none, key: none}/' c.yaml
rabt serve --config c.yaml --ready-file ready 2>/dev/null; [ -e ready ] || echo removed)");
  EXPECT_EQ(ran.out, "second 1\nthe first goes on\nstopped\nkilled\nremoved\n") << ran.err;
}

TEST(Commands, TheVersionIsTold) {
  const Ran ran = run("rabt --version");
  EXPECT_EQ(ran.code, 0);
  EXPECT_TRUE(std::regex_match(
      ran.out,
      std::regex("rabt [0-9]+[.][0-9]+[.][0-9]+( [(]commit [0-9a-f]+([+]changes)?[)])?\n")))
      << ran.out;
}

TEST(Commands, HelpIsPrintedForEveryCommandAndNoCommandRuns) {
  const Ran ran =
      run("commands() { rabt $1 --help | sed -n '/^Subcommands:/,$p' | grep -oE '^  [a-z-]+'; }\n"
          "for group in $(commands ''); do\n"
          "  rabt $group --help >help || echo failed $group\n"
          "  for command in $(commands $group); do\n"
          "    rabt $group $command --help >help || echo failed $group $command\n"
          "    grep -q . help || echo empty $group $command\n"
          "    echo \"$group $command\" >>all\n"
          "  done\n"
          "done\n"
          "wc -l <all");
  EXPECT_GE(std::stoi("0" + ran.out), 30) << ran.out;
  EXPECT_FALSE(has(ran.out, "failed")) << ran.out;
  EXPECT_FALSE(has(ran.out, "empty")) << ran.out;
}

}  // namespace
}  // namespace rabt::cli::commands_test
