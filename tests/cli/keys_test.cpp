#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"

// `rabt keys` over a data folder: with the hub that runs, and without one.
namespace rabt::cli::keys_test {
namespace {

// A configuration without plugins and workflows.
const std::string kConfig = R"(cat > c.yaml <<END
tenant: t1
server: {port: $((20000 + RANDOM % 10000)), public_url: "http://127.0.0.1"}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
hub() { "$RABT_BUILD_DIR/bin/rabt" serve --config c.yaml --ready-file ready >/dev/null 2>&1 & pid=$!
  for i in $(seq 500); do [ -e ready ] && return; sleep 0.02; done; echo no hub; }
down() { kill $pid; wait $pid; rm -f ready; }
keys() { rabt keys "$@" --config c.yaml; }
)";

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Keys, MakeNoDataFolderWhereAConfigurationIsWrong) {
  const Ran ran = run(kConfig + "mkdir data; keys status; echo $?; ls -A data");
  EXPECT_EQ(ran.out, "1\n");
  EXPECT_TRUE(has(ran.err, "cli.no_keys")) << ran.err;
}

TEST(Keys, CommandsSayWhatTheyCannotRead) {
  const Ran ran = run(kConfig + R"(ln -s data data
for command in 'keys status' 'keys rotate root --reason r' 'audit verify' 'store check' 'config check --dev'; do
  rabt $command --config c.yaml; echo $?
done)");
  EXPECT_EQ(ran.out, "1\n1\n1\n1\n2\n");
  EXPECT_EQ(ran.err.find("terminate"), std::string::npos) << ran.err;
  EXPECT_TRUE(has(ran.err, "/data/keyring cannot be read: ")) << ran.err;
}

TEST(Keys, C39AreTurnedThroughTheHubOrWithoutOneAndNeverBehindItsBack) {
  const Ran ran = run(kConfig + R"(hub
mv data/hub.sock data/elsewhere; keys rotate root --reason r; echo $?; mv data/elsewhere data/hub.sock
keys rotate root --destroy-old --reason r
down
keys rotate tenant --reason r
keys rewrap --reason 'makes the buckets' >/dev/null
bucket=$(keys status --json | grep -o 'event/[0-9-]*' | head -1)
keys rotate $bucket --reason r
keys rewrap --forget-old --reason r
keys shred $bucket --reason r
keys shred $bucket --force --reason 'court order'
keys status | grep -E "^root|^tenant|^$bucket"
rabt audit verify --config c.yaml | head -c 9
for range in '--from 5000 --to 6000' '--from 3 --to 2'; do rabt audit verify $range --config c.yaml; echo "range $?"; done
hub; down)");
  EXPECT_TRUE(has(ran.err, "net.no_answer")) << ran.err;
  EXPECT_TRUE(has(ran.err, "keys.not_expired")) << ran.err;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"root\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"tenant\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"bucket\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rewrap\":\"done\"}")) << ran.out;
  EXPECT_TRUE(has(ran.out, ", version 2\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "court order")) << ran.out;
  EXPECT_TRUE(has(ran.out, "verified:range 2\nrange 2\n")) << ran.out;
  EXPECT_TRUE(has(ran.err, "entries, and none from 5000 on")) << ran.err;
  EXPECT_TRUE(has(ran.err, "--from 3 lies behind --to 2")) << ran.err;
  EXPECT_FALSE(has(ran.out, "no hub")) << ran.out;
}

// A backup of before --forget-old, and a data folder that was restored from it.
TEST(Keys, ThatWereForgottenAreMissedByABackupAndInTheStatus) {
  const Ran ran = run(kConfig + R"sh(hub
curl -sS --unix-socket data/hub.sock -H 'Content-Type: application/json' http://hub/api/v1/users \
  -d '{"username":"sara","roles":["security_officer"],"name":"S"}' >/dev/null
down
rabt backup create --config c.yaml --to backups >/dev/null 2>&1
bucket=$(keys status --json | tr -d '\n' | grep -oE '"bucket": *"[^"]*", *"dataKeys": *[1-9]' |
  sed -E 's/.*"bucket": *"([^"]*)".*/\1/' | head -1)
echo "bucket $bucket"
keys rotate $bucket --reason r >/dev/null
rabt backup verify --config c.yaml backups/*; echo "first $?"
keys rewrap --forget-old --reason r >/dev/null
rabt backup verify --config c.yaml backups/*; echo "second $?"
cp data/keyring data/root.key .
rm -r data; cp -r backups/* data; cp keyring root.key data
keys status | grep -E "^$bucket|^LOST")sh");
  EXPECT_TRUE(has(ran.out, "first 0\n")) << ran.out << ran.err;
  EXPECT_TRUE(has(ran.out, "NOT verified\nsecond 1\n")) << ran.out << ran.err;
  EXPECT_TRUE(has(ran.out, "the keyring dropped the versions of these keys")) << ran.out;
  EXPECT_TRUE(has(ran.err, "Make a new backup now")) << ran.err;
  EXPECT_TRUE(has(ran.out, " data keys LOST\n")) << ran.out << ran.err;
  EXPECT_TRUE(has(ran.out, "\nLOST ")) << ran.out;
}

// Whoever stops the hub is not freed of the second person.
TEST(Keys, NeedTheSecondPersonWithoutAHubToo) {
  const Ran ran = run(kConfig + R"sh(hub
api() { curl -sS --unix-socket data/hub.sock -H 'Content-Type: application/json' "http://hub/api/v1$1" -d "$2"; }
keys rewrap --reason 'makes the buckets' >/dev/null
bucket=$(keys status --json | grep -o 'event/[0-9-]*' | head -1)
code=$(api /users '{"username":"sara","roles":["security_officer"],"name":"S"}' |
  sed -E 's/.*"activation":"([0-9a-f]*)".*/\1/')
api /auth/activate '{"username":"sara","password":"three canaries by the sea","code":"'$code'"}'
keys hold "$(keys status --json | grep -o 'recording/[0-9-]*' | head -1)" --case c7 --reason court >/dev/null
down
keys shred $bucket --force --reason 'court order'; echo "shred $?"
keys release c7 --reason 'over'; echo "release $?"
keys shred nosuch --reason r; echo "none $?"
keys rotate $bucket --reason r
keys status | grep "^$bucket"
hub; rabt approvals --config c.yaml; down)sh");
  EXPECT_TRUE(has(ran.err, "approval.needed")) << ran.err;
  EXPECT_TRUE(has(ran.err, "rabt serve")) << ran.err;
  // The running hub does it in the background, and the command waits for it.
  EXPECT_TRUE(has(ran.err, "rewrap: done")) << ran.err;
  EXPECT_TRUE(has(ran.out, "shred 1\nrelease 1\nnone 2\n")) << ran.out << ran.err;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"bucket\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, " live ")) << ran.out;
  EXPECT_FALSE(has(ran.out, "destroyed")) << ran.out;
  // Both requests wait for the second security officer.
  EXPECT_TRUE(has(ran.out, "key.shred")) << ran.out;
  EXPECT_TRUE(has(ran.out, "key.release")) << ran.out << ran.err;
}

}  // namespace
}  // namespace rabt::cli::keys_test
