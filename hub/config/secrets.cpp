#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "hub/config/config.hpp"

// Files and secrets that the configuration names.
namespace rabt::config {

Result<std::string> read_text(const std::string& path) {
  std::error_code failure;
  // A stream throws when it reads a folder.
  if (std::filesystem::is_directory(path, failure))
    return invalid("config.io", std::strerror(EISDIR));
  std::ifstream in(path, std::ios::binary);
  if (!in) return invalid("config.io", std::strerror(errno));
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (in.bad()) return invalid("config.io", "reading it failed before its end");
  return text;
}

Result<std::shared_ptr<SecretBytes>> read_secret(const SecretSource& source) {
  if (!source.env.empty()) {
    // No thread changes the environment.
    const char* value = std::getenv(source.env.c_str());  // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0') {
      return invalid("config.missing_secret",
                     "the environment variable " + source.env + " is not set");
    }
    return std::make_shared<SecretBytes>(std::string_view(value));
  }
  struct stat info {};
  if (::stat(source.file.c_str(), &info) != 0) {
    return invalid("config.missing_secret",
                   "the secret file " + source.file + " cannot be read: " + std::strerror(errno));
  }
  if ((info.st_mode & 077U) != 0) {
    return invalid(
        "config.missing_secret",
        "the secret file " + source.file + " is readable by others; run: chmod 600 " + source.file);
  }
  auto content = read_text(source.file);
  if (!content.ok()) {
    return invalid("config.missing_secret", "the secret file " + source.file +
                                                " cannot be read: " + content.error().message);
  }
  std::string& text = *content;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  if (text.empty())
    return invalid("config.missing_secret", "the secret file " + source.file + " is empty");
  auto secret = std::make_shared<SecretBytes>(std::string_view(text));
  std::fill(text.begin(), text.end(), '\0');
  return secret;
}

}  // namespace rabt::config
