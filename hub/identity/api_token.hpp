#pragma once

#include <string>
#include <string_view>

#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"

// The API token of a hub's data folder.
namespace rabt::identity {

// The id of the client that shows the API token of the data folder.
inline constexpr std::string_view kApiTokenClient = "api-token";

// Reads the token of a data folder from its file `api-token`. Error invalid identity.no_token: why
// there is none, or that others can read the file.
[[nodiscard]] Result<std::string> read_api_token(const std::string& data_folder);

// The same, and makes the token first when there is no file: 256 random bits, mode 0600. Error
// unavailable cli.data_folder: the file cannot be written.
[[nodiscard]] Result<std::string> ensure_api_token(const std::string& data_folder, Random& random);

// The token as the hub keeps it in memory: its digest, which gives nobody access. Immutable.
class ApiToken {
 public:
  explicit ApiToken(std::string_view token) : sha256_(crypto::sha256(token)) {}
  // Compares in constant time.
  [[nodiscard]] bool matches(std::string_view presented) const;

 private:
  crypto::Digest sha256_;
};

}  // namespace rabt::identity
