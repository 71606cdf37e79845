#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/npm.hpp"
#include "tools/sandbox/server.hpp"

// Amazon's and Twilio's own clients as the other side: what they accept is shaped as the vendors
// shape it.
namespace rabt::sandbox::vendor_clients_test {
namespace {

TEST(SlowVendorClients, AreContentWithTheStandIns) {
  const std::string folder = test::npm_folder("video");
  ASSERT_FALSE(folder.empty());
  const Sandbox sandbox({.port_base = 0, .hub = {}, .ledger_file = {}, .options = Json::object()},
                        {{"chime", make_chime}, {"twilio", make_twilio}});
  const char* const source = std::getenv("RABT_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  const std::string command = "NODE_PATH='" + folder + "/node_modules' node '" + source +
                              "/tests/npm/video/check.js' " + sandbox.url("chime") + " " +
                              sandbox.url("twilio") + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char buffer[512];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe))
    said.append(buffer, size);
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_NE(said.find("content"), std::string::npos) << said;
}

}  // namespace
}  // namespace rabt::sandbox::vendor_clients_test
