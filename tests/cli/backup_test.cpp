#include <gtest/gtest.h>

#include "tests/cli/shell.hpp"

// `rabt backup create` beside a hub of one of several tenants.
namespace rabt::cli {
namespace {

TEST(BackupCommand, HoldsTheFileOfTheTenantsAndEndsWithOneWhereAFileIsMissing) {
  const Ran ran = run(R"sh(
cat > hubs.yaml <<END
server: {port: $((20000 + RANDOM % 10000))}
tenants: {t1: {config: c.yaml, hosts: [t1.example.sa]}}
END
cat > c.yaml <<END
tenant: t1
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
"$RABT_BUILD_DIR/bin/rabt" serve --config hubs.yaml --ready-file ready >/dev/null 2>log & pid=$!
for i in $(seq 500); do [ -s ready ] && break; sleep 0.02; done
create() { rabt backup create --config hubs.yaml --tenant t1 --to $1 > made 2> said; echo $?; }
create whole
(cd "$(cat made)/config$PWD" && echo *)
echo 'workflows: [none.yaml]' >> c.yaml
create other
grep -c "^MISSING in the backup: $PWD/none.yaml: No such file" said
rabt backup verify --config hubs.yaml --tenant t1 "$(cat made)" 2> said | cut -d: -f1
grep -c "^warning: not in the backup: $PWD/none.yaml: " said
kill $pid; wait $pid; cat log >&2)sh");
  EXPECT_EQ(ran.out, "0\nc.yaml hubs.yaml\n1\n1\nverified\n1\n") << ran.err;
}

}  // namespace
}  // namespace rabt::cli
