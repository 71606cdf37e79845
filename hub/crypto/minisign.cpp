#include "hub/crypto/minisign.hpp"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "hub/base/check.hpp"
#include "hub/base/printable.hpp"

// libsodium: the library that minisign's formats are defined by (scrypt with its own parameters,
// BLAKE2b-256 without a key, which OpenSSL 3.0 does not offer).
namespace rabt::crypto::minisign {

namespace {

constexpr std::string_view kUntrusted = "untrusted comment: ";
constexpr std::string_view kTrusted = "trusted comment: ";
constexpr std::string_view kKeyAlgorithm = "Ed";
constexpr std::string_view kPrehashed = "ED";
constexpr std::string_view kScrypt = "Sc";
constexpr std::string_view kNoScrypt{"\0\0", 2};
constexpr std::string_view kBlake2b = "B2";
constexpr std::size_t kMaxUntrustedBytes = 1024;

// The decoded secret key file.
constexpr std::size_t kSaltBytes = 32;
constexpr std::size_t kCostBytes = 8;
constexpr std::size_t kHeadBytes = 6 + kSaltBytes + 2 * kCostBytes;
constexpr std::size_t kCheckBytes = 32;
constexpr std::size_t kSealedBytes = 8 + 64 + kCheckBytes;  // key id, seed and public key, check

// What minisign itself chooses. A file that asks for more than four times as much is refused: it
// would stop the machine.
constexpr std::uint64_t kOperations = crypto_pwhash_scryptsalsa208sha256_OPSLIMIT_SENSITIVE;
constexpr std::uint64_t kMemory = crypto_pwhash_scryptsalsa208sha256_MEMLIMIT_SENSITIVE;
constexpr std::uint64_t kMaxOperations = 4 * kOperations;
constexpr std::uint64_t kMaxMemory = 4 * kMemory;

// The lines without their ends; empty when it is not that many.
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
  RABT_CHECK(sodium_init() >= 0);
  std::array<std::uint8_t, 64> out{};
  RABT_CHECK(crypto_generichash(out.data(), out.size(), as_bytes(content).data(), content.size(),
                                nullptr, 0) == 0);
  return out;
}

// BLAKE2b-256 over algorithm, key id, seed and public key.
std::array<std::uint8_t, kCheckBytes> check_of(ByteView id_and_key) {
  RABT_CHECK(sodium_init() >= 0);
  crypto_generichash_state state;
  std::array<std::uint8_t, kCheckBytes> out{};
  RABT_CHECK(crypto_generichash_init(&state, nullptr, 0, out.size()) == 0 &&
             crypto_generichash_update(&state, as_bytes(kKeyAlgorithm).data(),
                                       kKeyAlgorithm.size()) == 0 &&
             crypto_generichash_update(&state, id_and_key.data(), id_and_key.size()) == 0 &&
             crypto_generichash_final(&state, out.data(), out.size()) == 0);
  return out;
}

// Encrypts and decrypts. False: not enough memory.
bool apply_scrypt(std::span<std::uint8_t> sealed, const SecretBytes& password, ByteView salt,
                  std::uint64_t operations, std::uint64_t memory) {
  RABT_CHECK(sodium_init() >= 0 && salt.size() == kSaltBytes);
  SecretBytes stream = SecretBytes::of_size(sealed.size());
  if (crypto_pwhash_scryptsalsa208sha256(
          stream.fill().data(), stream.size(), password.expose_text().data(), password.size(),
          salt.data(), operations, static_cast<std::size_t>(memory)) != 0) {
    return false;
  }
  for (std::size_t i = 0; i < sealed.size(); ++i) sealed[i] ^= stream.expose()[i];
  return true;
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}
void put_little_endian(std::uint64_t value, std::span<std::uint8_t> out) {
  for (std::uint8_t& byte : out) {
    byte = static_cast<std::uint8_t>(value & 0xffU);
    value >>= 8U;
  }
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

SecretKey::SecretKey(const KeyId& id, SecretBytes seed)
    : seed_(std::move(seed)), key_(seed_), public_{id, key_.public_key()} {}

SecretKey SecretKey::generate(Random& random) {
  KeyId id{};
  random.fill(id);
  SecretBytes seed = SecretBytes::of_size(kSeedBytes);
  random.fill(seed.fill());
  return {id, std::move(seed)};
}

Result<SecretKey> SecretKey::parse(std::string_view text, const Password& password) {
  if (text.size() > kMaxFileBytes) return bad_key("too large");
  const auto lines = lines_of(text, 2);
  if (lines.empty() || !lines[0].starts_with(kUntrusted))
    return bad_key("a secret key file has two lines, the first begins with \"" +
                   std::string(kUntrusted) + "\"");
  auto decoded = from_base64(lines[1]);
  if (!decoded || decoded->size() != kHeadBytes + kSealedBytes)
    return bad_key("the line of the secret key is not base64 of 158 bytes");
  SecretBytes raw(std::move(*decoded));
  const std::string_view head = raw.expose_text().substr(0, kHeadBytes);
  if (!head.starts_with(kKeyAlgorithm) || head.substr(4, 2) != kBlake2b)
    return bad_key("it is not of the algorithms Ed and B2");
  const bool encrypted = head.substr(2, 2) == kScrypt;
  if (!encrypted && head.substr(2, 2) != kNoScrypt)
    return bad_key("it is encrypted in an unknown way");
  const std::span<std::uint8_t> sealed = raw.fill().subspan(kHeadBytes);
  if (encrypted) {
    const std::uint64_t operations = little_endian(head.substr(6 + kSaltBytes, kCostBytes));
    const std::uint64_t memory = little_endian(head.substr(6 + kSaltBytes + kCostBytes));
    if (operations > kMaxOperations || memory > kMaxMemory)
      return bad_key("its password would cost too much time or memory");
    RABT_TRY(secret, password());
    if (!apply_scrypt(sealed, secret, raw.expose().subspan(6, kSaltBytes), operations, memory))
      return unavailable("crypto.minisign_memory",
                         "there is not enough memory to open the key with its password (" +
                             std::to_string(memory >> 20U) + " MiB)");
    const auto check = check_of(raw.expose().subspan(kHeadBytes, 8 + 64));
    if (!constant_time_equal(check, raw.expose().subspan(kHeadBytes + 8 + 64)))
      return denied("crypto.minisign_password", "the password of the secret key is wrong");
  }
  KeyId id{};
  const std::string_view body = raw.expose_text().substr(kHeadBytes);
  copy(body.substr(0, id.size()), id);
  SecretKey out(id, SecretBytes(body.substr(8, kSeedBytes)));
  if (as_text(out.public_.key) != body.substr(8 + kSeedBytes, 32))
    return bad_key("its two halves do not belong together; the file is damaged");
  return out;
}

Result<SecretBytes> SecretKey::file(const SecretBytes& password, Random& random) const {
  SecretBytes raw = SecretBytes::of_size(kHeadBytes + kSealedBytes);
  const std::span<std::uint8_t> all = raw.fill();
  copy(kKeyAlgorithm, all.subspan(0, 2));
  copy(kBlake2b, all.subspan(4, 2));
  const std::span<std::uint8_t> sealed = all.subspan(kHeadBytes);
  copy(as_text(public_.id), sealed.subspan(0, 8));
  copy(seed_.expose_text(), sealed.subspan(8, kSeedBytes));
  copy(as_text(public_.key), sealed.subspan(8 + kSeedBytes, 32));
  if (!password.empty()) {
    const auto check = check_of(sealed.first(8 + 64));
    copy(as_text(check), sealed.subspan(8 + 64));
    copy(kScrypt, all.subspan(2, 2));
    random.fill(all.subspan(6, kSaltBytes));
    put_little_endian(kOperations, all.subspan(6 + kSaltBytes, kCostBytes));
    put_little_endian(kMemory, all.subspan(6 + kSaltBytes + kCostBytes, kCostBytes));
    if (!apply_scrypt(sealed, password, all.subspan(6, kSaltBytes), kOperations, kMemory))
      return unavailable("crypto.minisign_memory",
                         "there is not enough memory to encrypt the key with a password (1 GiB)");
  }
  std::string text = std::string(kUntrusted) + "minisign encrypted secret key\n";
  std::string encoded = to_base64(raw.expose());
  text.reserve(text.size() + encoded.size() + 1);
  text += encoded;
  text += '\n';
  SecretBytes out{std::string_view(text)};
  sodium_memzero(encoded.data(), encoded.size());
  sodium_memzero(text.data(), text.size());
  return out;
}

std::string SecretKey::sign(std::string_view content, std::string_view untrusted_comment,
                            std::string_view trusted_comment) const {
  RABT_CHECK(untrusted_comment.size() <= kMaxUntrustedBytes && is_printable(untrusted_comment) &&
             trusted_comment.size() <= kMaxTrustedCommentBytes && is_printable(trusted_comment));
  const Signature signature = key_.sign(as_text(blake2b_512(content)));
  std::string global(as_text(signature));
  global += trusted_comment;
  Bytes line(kPrehashed.begin(), kPrehashed.end());
  line.insert(line.end(), public_.id.begin(), public_.id.end());
  line.insert(line.end(), signature.begin(), signature.end());
  std::string out(kUntrusted);
  out.append(untrusted_comment).append("\n").append(to_base64(line)).append("\n");
  out.append(kTrusted).append(trusted_comment).append("\n");
  out.append(to_base64(key_.sign(global))).append("\n");
  return out;
}

}  // namespace rabt::crypto::minisign
