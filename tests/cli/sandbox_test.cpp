#include <gtest/gtest.h>

#include <string>

#include "tests/cli/shell.hpp"
#include "tests/tls_files.hpp"

// rabt-sandbox beside a hub that serves TLS.
namespace rabt::cli::sandbox_test {
namespace {

// Symptom: the stand-ins called back no hub with a certificate of one's own. Cause: only the
// authorities of the system counted.
TEST(Sandbox, CallsBackAHubThatServesTls) {
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-tls-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  ASSERT_TRUE(test::make_certificates(folder));
  const Ran ran = run("tls=" + folder + R"sh(
port=$((20000 + RANDOM % 10000)); hub=https://localhost:$port
cat > c.yaml <<END
tenant: t1
server: {port: $port, public_url: "$hub", tls: {cert: $tls/server.pem, key: $tls/server.key}}
data: data
plugins: plugins
migrations: $RABT_SOURCE_DIR/migrations/sqlite
END
mkdir plugins
rabt serve --config c.yaml --ready-file ready >/dev/null 2>serve.err & pid=$!
for i in $(seq 500); do [ -e ready ] && break; sleep 0.02; done; [ -e ready ] || echo no hub
callback() {
  "$RABT_BUILD_DIR/bin/rabt-sandbox" --hub $hub "$@" --ready-file urls > /dev/null & box=$!
  for i in $(seq 500); do [ -e urls ] && break; sleep 0.02; done
  curl -s -o made -u AC00000000000000000000000000005a4d:sandbox-auth-token $(jq -r .twilio urls)/v1/Rooms \
    -d UniqueName=visit-1 -d StatusCallback=$hub/hooks/twilio
  for i in $(seq 500); do
    curl -s $(jq -r .control urls)/callbacks > seen
    [ "$(jq '.recent | length' seen)" != 0 ] && break; sleep 0.02
  done
  jq -r '.recent[0] | .status // .error' seen
  kill $box; wait $box
}
callback --ca $tls/ca.pem
callback
"$RABT_BUILD_DIR/bin/rabt-sandbox" --hub $hub --ca nowhere.pem 2>&1 | grep -c -e --ca
kill $pid; wait $pid; cat serve.err made >&2)sh");
  std::filesystem::remove_all(folder);
  EXPECT_EQ(ran.out.substr(0, ran.out.find('\n')), "404") << "the hub has no such source\n"
                                                          << ran.out << ran.err;
  EXPECT_NE(ran.out.find("certificate"), std::string::npos) << ran.out;
  EXPECT_TRUE(ran.out.ends_with("\n1\n")) << ran.out;
}

}  // namespace
}  // namespace rabt::cli::sandbox_test
