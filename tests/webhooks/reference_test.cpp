#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/webhooks/signing.hpp"
#include "tests/npm.hpp"

// The reference library of Standard Webhooks reads what the hub signs.
namespace rabt::webhooks::reference_test {
namespace {

Json delivery(const std::string& secret, const std::vector<std::string>& signers,
              std::string_view body, std::int64_t at) {
  std::vector<SigningSecret> secrets;
  for (const std::string& signer : signers) secrets.push_back(SigningSecret::parse(signer).value());
  return Json::object(
      {{"secret", secret},
       {"body", body},
       {"headers", Json::object({{"webhook-id", "01K9X2/7"},
                                 {"webhook-timestamp", std::to_string(at)},
                                 {"webhook-signature", sign(secrets, "01K9X2/7", at, body)}})}});
}

TEST(SlowStandardWebhooks, TheReferenceLibraryTakesWhatTheHubSigns) {
  const std::string tools = test::npm_folder("webhooks");
  ASSERT_FALSE(tools.empty());
  SystemRandom random;
  const std::string secret = SigningSecret::make_shared_text(random);
  const std::string old = SigningSecret::make_shared_text(random);
  const std::string key = SigningSecret::make_key_text(random);
  const std::int64_t now = SystemClock().now().ms / 1000;
  constexpr std::string_view kBody = R"({"type":"org.rabt.hub.ping.v1","data":{"أ":"👋"}})";
  const std::filesystem::path folder(tools);
  {
    std::ofstream in(folder / "deliveries");
    in << delivery(secret, {secret}, kBody, now).dump() << '\n'
       << delivery(secret, {secret, key}, kBody, now).dump() << '\n'
       << delivery(old, {secret, key, old}, kBody, now).dump() << '\n'
       << delivery(secret, {old, key}, kBody, now).dump() << '\n'
       << delivery(secret, {secret}, kBody, now - 3600).dump() << '\n';
  }
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_NE(source, nullptr);
  const std::string command = "cd '" + tools + "' && NODE_PATH='" + tools +
                              "/node_modules' node '" + source +
                              "/tests/webhooks/verify.cjs' <deliveries >verdicts";
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
  std::ifstream out(folder / "verdicts");
  std::stringstream said;
  said << out.rdbuf();
  EXPECT_EQ(said.str(), "good\ngood\ngood\nrefused\nrefused\n")
      << "one, with a pair, both while a secret changes; a strange one, an old one";
}

}  // namespace
}  // namespace rabt::webhooks::reference_test
