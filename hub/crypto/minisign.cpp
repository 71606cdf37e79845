#include "hub/crypto/minisign.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/printable.hpp"

namespace rabt::crypto::minisign {

namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::string_view kKeyAlgorithm = "Ed";
constexpr std::string_view kPrehashed = "ED";

// The lines without their ends. Nothing when the text has another number of lines.
std::vector<std::string_view> lines_of(std::string_view text, std::size_t count) {
  std::vector<std::string_view> out;
  while (!text.empty() && out.size() <= count) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  if (out.size() != count) out.clear();
  return out;
}

Error bad_key(const std::string& what) {
  return invalid("crypto.minisign_key", "no key of minisign: " + what);
}
Error bad_signature(const std::string& what) {
  return invalid("crypto.minisign_signature", "no signature of minisign: " + what);
}

void copy(std::string_view from, std::span<std::uint8_t> to) {
  RABT_CHECK(from.size() == to.size());
  std::copy(from.begin(), from.end(), to.begin());
}

std::array<std::uint8_t, 64> blake2b_512(std::string_view content) {
  std::array<std::uint8_t, 64> out{};
  unsigned size = 0;
  RABT_CHECK(EVP_Digest(content.data(), content.size(), out.data(), &size, EVP_blake2b512(),
                        nullptr) == 1 &&
             size == out.size());
  return out;
}

}  // namespace

std::string to_text(const KeyId& id) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = id.size(); i-- > 0;) {
    out.push_back(kDigits[id[i] >> 4U]);
    out.push_back(kDigits[id[i] & 0xfU]);
  }
  return out;
}

Result<VerifyingKey> parse_public_key(std::string_view text) {
  if (text.size() > kMaxFileBytes) return bad_key("too large");
  std::string_view line;
  if (const auto alone = lines_of(text, 1); !alone.empty()) {
    line = alone.front();
  } else if (const auto both = lines_of(text, 2);
             !both.empty() && both.front().starts_with(kUntrusted)) {
    line = both.back();
  } else {
    return bad_key("a public key file has two lines, the first begins with \"" +
                   std::string(kUntrusted) + "\"");
  }
  const auto raw = from_base64(line);
  VerifyingKey out;
  if (!raw || raw->size() != 2 + out.id.size() + out.key.size())
    return bad_key("the line of the public key is not base64 of 42 bytes");
  const std::string_view bytes = as_text(*raw);
  if (!bytes.starts_with(kKeyAlgorithm)) return bad_key("it is not of the algorithm Ed");
  copy(bytes.substr(2, out.id.size()), out.id);
  copy(bytes.substr(2 + out.id.size()), out.key);
  return out;
}

std::string public_key_line(const VerifyingKey& key) {
  Bytes raw(kKeyAlgorithm.begin(), kKeyAlgorithm.end());
  raw.insert(raw.end(), key.id.begin(), key.id.end());
  raw.insert(raw.end(), key.key.begin(), key.key.end());
  return to_base64(raw);
}

std::string public_key_file(const VerifyingKey& key) {
  // minisign writes the number in its comment without leading zeros.
  std::string id = to_text(key.id);
  id.erase(0, std::min(id.find_first_not_of('0'), id.size() - 1));
  return std::string(kUntrusted) + "minisign public key " + id + "\n" + public_key_line(key) + "\n";
}

Result<SignatureFile> parse_signature(std::string_view text) {
  if (text.size() > kMaxFileBytes) return bad_signature("too large");
  const auto lines = lines_of(text, 4);
  if (lines.empty() || !lines[0].starts_with(kUntrusted) || !lines[2].starts_with(kTrusted))
    return bad_signature(
        "a signature file has four lines: an untrusted comment, the signature, a trusted comment, "
        "the signature over both");
  SignatureFile out;
  const auto raw = from_base64(lines[1]);
  if (!raw || raw->size() != 2 + out.key_id.size() + out.signature.size())
    return bad_signature("its second line is not base64 of 74 bytes");
  const std::string_view bytes = as_text(*raw);
  if (bytes.starts_with(kKeyAlgorithm))
    return bad_signature(
        "it is one of the old kind, not prehashed; sign with a minisign from 0.8 on, without -l");
  if (!bytes.starts_with(kPrehashed)) return bad_signature("it is not of the algorithm ED");
  copy(bytes.substr(2, out.key_id.size()), out.key_id);
  copy(bytes.substr(2 + out.key_id.size()), out.signature);
  out.trusted_comment = lines[2].substr(kTrusted.size());
  if (out.trusted_comment.size() > kMaxTrustedCommentBytes || !is_printable(out.trusted_comment))
    return bad_signature("its trusted comment is too long or cannot be printed");
  const auto global = from_base64(lines[3]);
  if (!global || global->size() != out.global_signature.size())
    return bad_signature("its fourth line is not base64 of 64 bytes");
  copy(as_text(*global), out.global_signature);
  return out;
}

bool verify(const VerifyingKey& key, const SignatureFile& signature, std::string_view content) {
  if (key.id != signature.key_id) return false;
  const auto digest = blake2b_512(content);
  std::string global(as_text(signature.signature));
  global += signature.trusted_comment;
  return verify_ed25519(key.key, as_text(digest), signature.signature) &&
         verify_ed25519(key.key, global, signature.global_signature);
}

}  // namespace rabt::crypto::minisign
