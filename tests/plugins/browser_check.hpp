#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/npm.hpp"

namespace rabt::testing {

// A page of Chromium with the vendor's own client, which is given what the hub hands out. Fails
// when it does not come as far as tests/npm/calls/check.js says.
inline void check_in_browser(const std::string& vendor, const nlohmann::json& given) {
  if (!std::filesystem::exists("/usr/bin/chromium"))
    GTEST_SKIP() << "chromium is not installed; `./dev test --slow` installs it";
  const std::string folder = test::npm_folder("calls");
  ASSERT_FALSE(folder.empty());
  const char* const source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_NE(source, nullptr);
  const std::string file = folder + "/" + vendor + ".json";
  std::ofstream(file) << given.dump();
  const std::string command = "NODE_PATH='" + folder + "/node_modules' node '" + source +
                              "/tests/npm/calls/check.js' " + vendor + " '" + file + "' 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  std::string said;
  char buffer[512];
  while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe))
    said.append(buffer, size);
  EXPECT_EQ(pclose(pipe), 0) << said;
  EXPECT_NE(said.find("content"), std::string::npos) << said;
}

}  // namespace rabt::testing
