#include "hub/identity/password_rules.hpp"

#include <zxcvbn.h>

#include <algorithm>
#include <fstream>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/phi/nfkc.hpp"

namespace rabt::identity {

namespace {

// Guesses that a password stands, as a power of two: the 10^10 of the estimator's best mark. Each
// guess costs a hash of argon2id besides.
constexpr double kMinBits = 34;
// The estimator looks no further.
constexpr std::size_t kEstimated = 100;

Error refused(std::string_view member, std::string_view why) {
  return invalid("api.invalid", std::string(member) + ": " + std::string(why));
}

}  // namespace

Result<PasswordList> PasswordList::read(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  PasswordList out;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    const auto folded = fold_password(line);
    if (line.empty() || !folded.ok()) continue;
    out.digests_.push_back(crypto::sha256(lower(*folded)));
  }
  if (!in.eof() || out.digests_.empty())
    return invalid("config.io", "the list of passwords " + file +
                                    " cannot be read, or is empty: it has one password a line, in "
                                    "UTF-8");
  std::sort(out.digests_.begin(), out.digests_.end());
  return out;
}

bool PasswordList::has(std::string_view folded) const {
  return std::binary_search(digests_.begin(), digests_.end(), crypto::sha256(lower(folded)));
}

Result<std::string> fold_password(std::string_view password, std::string_view member) {
  if (password.size() > kMaxPasswordBytes || !is_utf8(password))
    return refused(member, "must be UTF-8 of at most 1024 bytes");
  return phi::nfkc(password);
}

Status check_password(std::string_view folded, int min, std::string_view username,
                      std::string_view tenant, const PasswordList* list, std::string_view member) {
  if (code_points(folded) < static_cast<std::size_t>(min))
    return refused(member, "must have at least " + std::to_string(min) + " characters");
  if (folded.find('\0') != std::string_view::npos) return refused(member, "must not hold a zero");
  const std::string small = lower(folded);
  const std::string name = lower(username);
  const std::string house = lower(tenant);
  if (!name.empty() && small.find(name) != std::string::npos)
    return refused(member, "must not hold the username");
  if (list != nullptr && list->has(folded))
    return refused(member, "is on the list of passwords that are known to others");
  const std::string head(folded.substr(0, kEstimated));
  const char* words[] = {name.c_str(), house.c_str(), "rabt",     "telehealth", "hospital",
                         "clinic",     "doctor",      "nurse",    "patient",    "saudi",
                         "riyadh",     "jeddah",      "mohammed", "muhammad",   "abdullah",
                         "bismillah",  "allah",       "passw0rd", nullptr};
  if (ZxcvbnMatch(head.c_str(), words, nullptr) < kMinBits)
    return refused(
        member,
        "is easily guessed: a common one, a pattern or a repetition; join several words that do "
        "not belong together");
  return ok_status();
}

}  // namespace rabt::identity
