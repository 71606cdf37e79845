#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "hub/config/config.hpp"

namespace rabt::config {

// Reads the least configuration there is, with these lines at its end.
inline Result<Config> read_with(const std::string& lines) {
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-config-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return internal("test", "no folder");
  const std::string file = folder + "/rabt.yaml";
  std::ofstream(file) << "tenant: t1\ndata: data\nplugins: plugins\nmigrations: migrations\n"
                      << lines;
  auto config = load_config(file);
  std::filesystem::remove_all(folder);
  return config;
}

}  // namespace rabt::config
