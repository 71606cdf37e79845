#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"

// `rabt keys` over a data folder: with the hub that runs, and without one.
namespace rabt::cli {
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

TEST(Keys, AreTurnedThroughTheHubOrWithoutOneAndNeverBehindItsBack) {
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
hub; down)");
  EXPECT_TRUE(has(ran.err, "net.no_answer")) << ran.err;
  EXPECT_TRUE(has(ran.err, "keys.not_expired")) << ran.err;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"root\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"tenant\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rotated\":\"bucket\",\"version\":2}")) << ran.out;
  EXPECT_TRUE(has(ran.out, "{\"rewrap\":\"done\"}")) << ran.out;
  EXPECT_TRUE(has(ran.out, ", version 2\n")) << ran.out;
  EXPECT_TRUE(has(ran.out, "court order")) << ran.out;
  EXPECT_TRUE(has(ran.out, "verified:")) << ran.out;
  EXPECT_FALSE(has(ran.out, "no hub")) << ran.out;
}

}  // namespace
}  // namespace rabt::cli
