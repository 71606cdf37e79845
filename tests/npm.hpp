#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

// Packages of npm as foreign software in tests: tests/npm/<name>/package.json says which.
namespace rabt::test {

// The folder in which the packages stand, installed the first time. A failed expectation and an
// empty text when they cannot be installed.
inline std::string npm_folder(const std::string& name) {
  const char* source = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  const char* build = std::getenv("RABT_BUILD_DIR");    // NOLINT(concurrency-mt-unsafe)
  if (source == nullptr || build == nullptr) {
    ADD_FAILURE() << "RABT_SOURCE_DIR and RABT_BUILD_DIR are not set; ctest sets them";
    return {};
  }
  namespace fs = std::filesystem;
  const fs::path wanted = fs::path(source) / "tests/npm" / name / "package.json";
  const fs::path folder = fs::path(build) / ("npm-" + name);
  fs::create_directories(folder);
  fs::copy_file(wanted, folder / "package.json", fs::copy_options::overwrite_existing);
  // npm itself sees what is there already.
  const std::string command = "cd '" + folder.string() +
                              "' && flock lock npm install --no-audit --no-fund --no-save "
                              "--loglevel=error >npm.log 2>&1";
  if (std::system(command.c_str()) != 0) {  // NOLINT(concurrency-mt-unsafe,cert-env33-c)
    ADD_FAILURE() << "npm could not install " << wanted << "; see " << folder / "npm.log";
    return {};
  }
  return folder.string();
}

}  // namespace rabt::test
