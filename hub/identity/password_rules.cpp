#include "hub/identity/password_rules.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/phi/nfkc.hpp"

namespace rabt::identity {

namespace {

// Words that people make long passwords of, by repeating them or by adding digits: 48.
constexpr std::array<std::string_view, 48> kCommon{
    "password", "passw",     "passwort",      "qwerty",    "qwertyuiop", "qwertyuiopasdfghjkl",
    "asdfgh",   "asdfghjkl", "zxcvbn",        "zxcvbnm",   "letmein",    "welcome",
    "iloveyou", "admin",     "administrator", "superuser", "root",       "guest",
    "login",    "master",    "monkey",        "dragon",    "sunshine",   "princess",
    "football", "baseball",  "superman",      "batman",    "trustno",    "whatever",
    "freedom",  "abc",       "abcd",          "abcdef",    "abcdefgh",   "abcdefghijklmnop",
    "secret",   "changeme",  "default",       "hospital",  "doctor",     "nurse",
    "patient",  "clinic",    "saudi",         "riyadh",    "telehealth", "rabt"};

constexpr std::size_t kMinVariety = 5;

Error refused(std::string_view why) {
  return invalid("api.invalid", "password: " + std::string(why));
}

// Whether the text is one word again and again.
bool repeats(std::string_view text, std::string_view word) {
  if (word.empty() || text.empty() || text.size() % word.size() != 0) return false;
  for (std::size_t at = 0; at < text.size(); at += word.size()) {
    if (text.substr(at, word.size()) != word) return false;
  }
  return true;
}

}  // namespace

Result<std::string> fold_password(std::string_view password) {
  if (password.size() > kMaxPasswordBytes || !is_utf8(password))
    return refused("must be UTF-8 of at most 1024 bytes");
  return phi::nfkc(password);
}

Status check_password(std::string_view folded, int min, std::string_view username,
                      std::string_view tenant) {
  if (code_points(folded) < static_cast<std::size_t>(min))
    return refused("must have at least " + std::to_string(min) + " characters");
  std::string sorted(folded);
  std::sort(sorted.begin(), sorted.end());
  if (std::unique(sorted.begin(), sorted.end()) - sorted.begin() <
      static_cast<std::ptrdiff_t>(kMinVariety))
    return refused("has too few different characters");
  const std::string small = lower(folded);
  // Letters of other scripts are bytes above 0x7f, and stay.
  std::string core;
  std::copy_if(small.begin(), small.end(), std::back_inserter(core),
               [](char c) { return is_lower(c) || static_cast<unsigned char>(c) > 0x7fU; });
  const bool common =
      core.empty() || std::any_of(kCommon.begin(), kCommon.end(),
                                  [&](std::string_view word) { return repeats(core, word); });
  if (common) return refused("is a common one; join several words that do not belong together");
  if (small.find(lower(username)) != std::string::npos || repeats(core, lower(tenant)))
    return refused("must not hold the username, nor be the name of the tenant");
  return ok_status();
}

}  // namespace rabt::identity
