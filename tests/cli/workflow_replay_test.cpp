#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"

// `rabt workflow replay` and `plan --replay`, through a hub that runs.
namespace rabt::cli::workflow_replay_test {
namespace {

const std::string kHub = R"(cat > c.yaml <<END
tenant: t1
server: {port: $((20000 + RANDOM % 10000))}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
workflows: [visit.yaml]
END
mkdir plugins
file() { printf "document: {dsl: '1.0.3', namespace: test, name: visit, version: '$1'}\ndo:\n$2\n"; }
file 1.0.0 '  - a: {set: {x: 1}}' > visit.yaml
"$RABT_BUILD_DIR/bin/rabt" serve --config c.yaml --ready-file ready >/dev/null 2>serve.err & pid=$!
for i in $(seq 500); do [ -e ready ] && break; sleep 0.02; done; [ -e ready ] || echo no hub
rabt instances start visit --config c.yaml --reason demonstration >/dev/null
for i in $(seq 500); do rabt instances --config c.yaml --status completed | grep -q . && break; sleep 0.02; done
replay() { rabt workflow replay --config c.yaml "$@" >said 2>err; echo $?; }
plan() { rabt workflow plan --config c.yaml "$@" >said 2>err; echo $?; }
)";
const std::string kEnd = "\nkill $pid; wait $pid; cat serve.err >&2";

std::string lines(const Ran& ran) {
  return "out: " + ran.out + "\nerr: " + ran.err;
}

TEST(WorkflowReplay, SaysByItsStatusWhetherAnythingWasReplayed) {
  const Ran ran = run(kHub + R"(
file 1.1.0 '  - b: {set: {x: 1}}' > new.yaml
replay new.yaml --reason 'a release'
replay new.yaml --reason 'a release' --workflow nosuch; grep -c '^nothing was replayed: ' err
replay new.yaml --reason 'a release' --since 2099-01-01T00:00:00Z --json; grep -c '"instances": 0' said
file 1.1.0 '  - a: {set: {x: 1}, then: b}\n  - b: {set: {x: 2}, then: a}' > loop.yaml
replay loop.yaml --reason 'a release'; grep -c '1 faults' said
)" + kEnd);
  EXPECT_EQ(ran.out, "0\n1\n1\n1\n1\n1\n1\n") << lines(ran);
}

TEST(WorkflowReplay, NeedsAReasonAndANumber) {
  const Ran ran = run(kHub + R"(
file 1.1.0 '  - b: {set: {x: 1}}' > new.yaml
replay new.yaml; grep -c -e --reason err
replay new.yaml --reason ' - '; grep -c 'phi.reason' err
plan new.yaml --replay 5; grep -c -e --reason err
plan new.yaml --replay 0 --reason 'a release'; grep -c -e --replay err
plan new.yaml --replay=-1 --reason 'a release'; grep -c -e --replay err
plan new.yaml --replay 5 --reason 'a release'; grep 'replayed on' said
)" + kEnd);
  EXPECT_EQ(ran.out, "2\n1\n1\n1\n2\n1\n2\n1\n2\n1\n2\n    replayed on 1 instance: 1 same\n")
      << lines(ran);
}

}  // namespace
}  // namespace rabt::cli::workflow_replay_test
