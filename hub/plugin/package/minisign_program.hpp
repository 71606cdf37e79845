#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

// The program minisign (https://jedisct1.github.io/minisign/): it makes vendors' keys, keeps their
// secret parts and signs. It asks for passwords itself, on the terminal or from standard input.
namespace rabt::plugin {

// Runs it with our standard input and error: there it asks for passwords and says what is wrong.
// Errors: unavailable plugin.minisign_missing (says which package to install); denied
// plugin.minisign (it ended with another code than 0, and has said why).
[[nodiscard]] Status run_minisign(const std::vector<std::string>& arguments);

// Makes a key pair; none of the files is there before. Without a password the secret key is not
// encrypted. After an error neither file is there. Errors of run_minisign.
[[nodiscard]] Status make_key_pair(const std::string& secret_file, const std::string& public_file,
                                   bool with_password);

// Gives the signature file over these bytes. Comments: one printable line each.
using Sign = std::function<Result<std::string>(std::string_view content,
                                               const std::string& untrusted_comment,
                                               const std::string& trusted_comment)>;
// Signs with the secret key in the file. Errors: those of run_minisign; unavailable plugin.minisign
// when a temporary folder cannot be used.
[[nodiscard]] Sign sign_with(std::string secret_file);

}  // namespace rabt::plugin
