#include "hub/identity/api_token.hpp"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "hub/base/bytes.hpp"
#include "hub/base/descriptor.hpp"
#include "hub/base/full_disk.hpp"

namespace rabt::identity {

namespace {

std::string token_file(const std::string& data_folder) {
  return data_folder + "/api-token";
}

}  // namespace

Result<std::string> read_api_token(const std::string& data_folder) {
  const std::string path = token_file(data_folder);
  struct stat info {};
  std::ifstream in(path);
  if (::stat(path.c_str(), &info) != 0 || !in) {
    return invalid("identity.no_token",
                   "the API token file " + path + " cannot be read: " + std::strerror(errno));
  }
  if ((info.st_mode & 077U) != 0) {
    return invalid("identity.no_token",
                   "the API token file " + path + " is readable by others; run: chmod 600 " + path);
  }
  std::string token;
  if (!S_ISREG(info.st_mode) || !std::getline(in, token) || token.empty())
    return invalid("identity.no_token", "the API token file " + path + " holds no token");
  return token;
}

Result<std::string> ensure_api_token(const std::string& data_folder, Random& random) {
  const std::string path = token_file(data_folder);
  std::array<std::uint8_t, 32> raw{};
  random.fill(raw);
  std::string token = "rabt_" + to_hex(raw);
  if (write_new_file(path, token + "\n", 0600)) return token;
  if (errno == EEXIST) return read_api_token(data_folder);
  if (is_full_disk(errno)) return full_disk(path);
  return unavailable("cli.data_folder",
                     "the API token file " + path + " cannot be written: " + std::strerror(errno));
}

bool ApiToken::matches(std::string_view presented) const {
  return constant_time_equal(crypto::sha256(presented), sha256_);
}

}  // namespace rabt::identity
