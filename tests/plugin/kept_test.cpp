// Plugins that were built with the first SDK and never since (tests/plugin/kept/1.0, the source
// beside them): every later hub loads and calls them as they are.
#include "hub/crypto/crypto.hpp"
#include "hub/plugin/package/library.hpp"
#include "tests/plugin/support.hpp"

#include <fstream>
#include <iterator>
#include <sstream>

namespace rabt::plugin::test::kept_test {
namespace {

using workflow::OutcomeKind;

class Kept : public BothWays {
 protected:
  static std::string folder(const std::string& which) {
    return RABT_SOURCE "/tests/plugin/kept/1.0/" + which;
  }
  void SetUp() override {
    BothWays::SetUp();
    if (!std::ifstream(library_path(folder("c")))) GTEST_SKIP() << "kept for x86-64 alone";
  }
  static void load(Hub& hub, const std::string& which, const std::string& url) {
    PluginConfig config = hub.config("small");
    config.id = "kept-" + which;
    config.folder = folder(which);
    config.config = Json::object({{"base_url", url}});
    const Status loaded = hub.host->load(std::move(config));
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    ASSERT_TRUE(hub.host->bind_role("kept", "plugin://kept-" + which).ok());
  }
};
RABT_BOTH_WAYS(Kept);

TEST_P(Kept, TheFilesAreThoseOfTheFirstDay) {
  std::ifstream sums(folder("SHA256SUMS"));
  std::string digest;
  std::string name;
  int files = 0;
  while (sums >> digest >> name) {
    std::ifstream file(folder(name), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    EXPECT_EQ(to_hex(crypto::sha256(content)), digest) << name << " must not be built again";
    ++files;
  }
  EXPECT_EQ(files, 4);
}

TEST_P(Kept, ThePluginInCWorks) {
  const TinyServer server(TinyServer::Mode::answer, "marhaba");
  Hub hub;
  load(hub, "c", server.url());
  EXPECT_EQ(hub.call("kept", "echo", Json::object({{"n", 1}})).output.dump(), R"({"n":1})");
  EXPECT_EQ(hub.call("kept", "fetch", Json::object({{"url", server.url() + "/x"}})).output.dump(),
            R"({"bytes":7})");
  EXPECT_EQ(server.last_request().substr(0, 7), "GET /x ");
  const auto refused = hub.call("kept", "fetch", Json::object({{"url", "https://other.example/"}}));
  EXPECT_EQ(refused.kind, OutcomeKind::transient);
  EXPECT_EQ(refused.code, "small.no_answer");
}

TEST_P(Kept, ThePluginInCppWorks) {
  const TinyServer server(TinyServer::Mode::answer, "marhaba");
  Hub hub;
  load(hub, "cpp", server.url());
  EXPECT_EQ(hub.call("kept", "echo", Json::object({{"n", 1}})).output.dump(), R"({"n":1})");
  EXPECT_EQ(hub.call("kept", "fetch", Json::object({{"url", server.url() + "/x"}})).output.dump(),
            R"({"bytes":7})");
  EXPECT_TRUE(eventually([&] {
    return hub.host->metrics().find("plugin_kept_cpp__fetched_total 1\n") != std::string::npos;
  })) << hub.host->metrics();
  const auto events = hub.host->normalise("kept-cpp", Json::object(), "four");
  ASSERT_TRUE(events.ok()) << events.error().message;
  EXPECT_EQ((*events)[std::size_t{0}]["data"].dump(), R"({"bytes":4})");
}

}  // namespace
}  // namespace rabt::plugin::test::kept_test
