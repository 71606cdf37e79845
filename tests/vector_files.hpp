#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace rabt::test {

// The files of a folder with third-party vectors. A test marks those that it has judged. At the end
// the others are printed, and the test fails if it has judged none.
class VectorFiles {
 public:
  explicit VectorFiles(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code failure;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_, failure)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name != "LICENSE" && !name.starts_with("README"))
        all_.push_back(entry.path());
    }
    std::sort(all_.begin(), all_.end());
  }
  VectorFiles(const VectorFiles&) = delete;
  VectorFiles& operator=(const VectorFiles&) = delete;
  ~VectorFiles() {
    const std::vector<std::string> others = unknown();
    if (others.size() == all_.size()) {
      ADD_FAILURE() << folder_ << " has " << all_.size()
                    << " files with vectors, and this test knows none of them";
    }
    for (const std::string& name : others)
      std::printf("%s: this test does not know the file %s\n", folder_.c_str(), name.c_str());
  }

  [[nodiscard]] const std::vector<std::filesystem::path>& all() const { return all_; }
  void judged(const std::filesystem::path& file) { judged_.insert(file); }
  // Paths below the folder.
  [[nodiscard]] std::vector<std::string> unknown() const {
    std::vector<std::string> out;
    for (const auto& file : all_) {
      if (!judged_.contains(file)) out.push_back(file.lexically_relative(folder_).string());
    }
    return out;
  }

 private:
  const std::filesystem::path folder_;
  std::vector<std::filesystem::path> all_;
  std::set<std::filesystem::path> judged_;
};

}  // namespace rabt::test
