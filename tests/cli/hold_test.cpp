#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/cli/shell.hpp"
#include "tests/engine/loopback_http.hpp"

// `rabt serve --hold` after a hub that was killed in the middle of a call.
namespace rabt::cli::hold_test {
namespace {

// An outside system. The first call stays open until the hub that made it has ended.
class Outside {
 public:
  Outside() {
    std::string pattern = (std::filesystem::temp_directory_path() / "rabt-calls-XXXXXX").string();
    EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  ~Outside() {
    release_ = true;
    release_.notify_all();
    std::filesystem::remove_all(folder_);
  }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;
  [[nodiscard]] std::string address() const { return http_.origin().substr(7); }
  // Path of a file that has a line for each call.
  [[nodiscard]] std::string calls() const { return (folder_ / "calls").string(); }

 private:
  std::filesystem::path folder_;
  std::atomic<bool> release_{false};
  std::atomic<bool> called_{false};
  engine::LoopbackHttp http_{[this](const engine::LoopbackRequest& request) {
    const bool first = !called_.exchange(true);
    std::ofstream(calls(), std::ios::app) << request.target << std::endl;
    if (first) release_.wait(false);
    return engine::LoopbackResponse{.status = 204};
  }};
};

// A hub sends an open call again before its ready file is there.
TEST(Hold, ShowsWhatARestoredHubHoldsAndSendsItOnlyWithoutTheOption) {
  const Outside outside;
  const Ran ran = run("outside='" + outside.address() + "' calls='" + outside.calls() + "'" + R"sh(
cat > c.yaml <<END
tenant: t1
server: {port: $((20000 + RANDOM % 10000))}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
workflows: [calls.yaml]
http: {allow: ['$outside']}
END
cat > calls.yaml <<END
document: {dsl: '1.0.3', namespace: test, name: calls, version: '1.0.0'}
do:
  - ask: {call: http, with: {method: get, endpoint: {uri: 'http://$outside/call'}}}
END
mkdir plugins
export RABT_CONFIG=c.yaml
start() { "$RABT_BUILD_DIR/bin/rabt" serve --ready-file ready "$@" >/dev/null 2>log & pid=$!
  for i in $(seq 500); do grep -qs "\"pid\":$pid" ready && return; sleep 0.02; done; echo no hub; }
called() { for i in $(seq 500); do [ "$(wc -l < $calls)" = $1 ] && break; sleep 0.02; done
  wc -l < $calls; }
touch $calls
start; rabt instances start calls --reason 'a test' > started; called 1
kill -9 $pid; wait $pid
start --hold
grep -c '"level":"warn","event":"hub.held"' log
rabt instances | grep -c "^$(cut -d ' ' -f 2 started)  running    calls 1.0.0  "
rabt instances --calls |
  grep -Ec "^$(cut -d ' ' -f 2 started)  calls 1.0.0  http/request in ask  since [0-9TZ:.-]+$"
rabt instances start calls --reason 'a test' 2>refused; echo $?; grep -c '\[hub.held\]' refused
kill $pid; wait $pid; echo ended $?; wc -l < $calls
start; called 2
for i in $(seq 500); do rabt instances --status completed | grep -q . && break; sleep 0.02; done
rabt instances | grep -c '  completed  calls '
rabt instances --calls | wc -l
kill $pid; wait $pid; echo ended $?; cat log >&2)sh");
  EXPECT_EQ(ran.out, "1\n1\n1\n1\n1\n1\nended 0\n1\n2\n1\n0\nended 0\n") << ran.err;
}

}  // namespace
}  // namespace rabt::cli::hold_test
