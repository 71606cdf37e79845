#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>

#include "hub/base/json.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/crypto/openssl_owned.hpp"

namespace rabt::crypto {

namespace {

constexpr std::size_t kMinHs256Key = 32;  // RFC 7518 section 3.2: no shorter than the hash
constexpr int kMinSigningBits = 2048;     // RFC 7518 section 3.3
constexpr std::size_t kMaxPem = 64U << 10U;

Error jwt_error(std::string message) {
  ERR_clear_error();
  return invalid("crypto.jwt", std::move(message));
}

// Without this OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) {
  return -1;
}

using PrivateKey = Owned<EVP_PKEY>;

Result<PrivateKey> read_pem(ByteView pem) {
  if (pem.empty() || pem.size() > kMaxPem)
    return jwt_error("the signing key is not a PEM private key of at most 64 KiB");
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  RABT_CHECK(bio != nullptr);
  PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (key == nullptr) {
    return jwt_error(
        "the signing key cannot be read: expected an unencrypted PEM private key (-----BEGIN "
        "PRIVATE KEY-----)");
  }
  return key;
}

// A signature by a private key, and the key that it needs.
struct Signing {
  std::string_view name;
  const char* digest;
  // RSASSA-PSS (RFC 7518 section 3.5); without it and without a curve PKCS #1 v1.5.
  bool pss = false;
  // The curve as RFC 7518 and as OpenSSL name it, and the bytes of a coordinate. Empty for RSA.
  std::string_view curve{};
  std::string_view group{};
  std::size_t bytes = 0;
};
constexpr std::array kSignings{Signing{"RS256", "SHA256"}, Signing{"PS256", "SHA256", true},
                               Signing{"ES256", "SHA256", false, "P-256", "prime256v1", 32},
                               Signing{"RS384", "SHA384"},
                               Signing{"ES384", "SHA384", false, "P-384", "secp384r1", 48}};

Result<Bytes> sign_digest(EVP_PKEY* key, const Signing& how, std::string_view input) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  RABT_CHECK(context != nullptr);
  EVP_PKEY_CTX* settings = nullptr;
  bool good = EVP_DigestSignInit_ex(context.get(), &settings, how.digest, nullptr, nullptr, key,
                                    nullptr) == 1;
  if (good && how.pss) {
    good = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const ByteView bytes = as_bytes(input);
  std::size_t size = 0;
  if (!good || EVP_DigestSign(context.get(), nullptr, &size, bytes.data(), bytes.size()) != 1) {
    return jwt_error("the signing key cannot sign");
  }
  Bytes signature(size, 0);
  if (EVP_DigestSign(context.get(), signature.data(), &size, bytes.data(), bytes.size()) != 1) {
    return jwt_error("the signing key cannot sign");
  }
  signature.resize(size);
  return signature;
}

Result<Bytes> sign_rsa(EVP_PKEY* key, const Signing& how, std::string_view input) {
  const std::string name(how.name);
  if (EVP_PKEY_is_a(key, "RSA") != 1)
    return jwt_error(name + " needs an RSA private key; this PEM holds another kind");
  if (EVP_PKEY_get_bits(key) < kMinSigningBits)
    return jwt_error(name + " needs an RSA key of at least 2048 bits");
  return sign_digest(key, how, input);
}

Result<Bytes> sign_ec(EVP_PKEY* key, const Signing& how, std::string_view input) {
  char group[64] = {};
  std::size_t group_size = 0;
  if (EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_group_name(key, group, sizeof group, &group_size) != 1 ||
      std::string_view(group, group_size) != how.group) {
    return jwt_error(std::string(how.name) + " needs an EC private key on the curve " +
                     std::string(how.curve) + " (" + std::string(how.group) + ")");
  }
  RABT_TRY(der, sign_digest(key, how, input));
  // RFC 7518 section 3.4: r and s, each as long as the curve says.
  auto raw = signature_of_der(der, how.bytes);
  if (!raw) return jwt_error("the signing key cannot sign");
  return *std::move(raw);
}

Result<Bytes> sign(ByteView pem, const Signing& how, std::string_view input) {
  RABT_TRY(key, read_pem(pem));
  return how.curve.empty() ? sign_rsa(key.get(), how, input) : sign_ec(key.get(), how, input);
}

Result<Json> parse_object(std::string_view text, std::string what) {
  auto json = Json::parse(text);
  if (!json.ok()) return jwt_error(what.append(" is not JSON: ").append(json.error().message));
  if (!json->is_object()) return jwt_error(what.append(" is not a JSON object"));
  return json;
}

}  // namespace

std::string base64url(ByteView bytes) {
  std::string out = to_base64(bytes);
  while (!out.empty() && out.back() == '=') out.pop_back();
  for (char& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

Result<std::string> sign_jwt(ByteView key, std::string_view algorithm, std::string_view header_json,
                             std::string_view claims_json) {
  RABT_TRY(given, parse_object(header_json, "the token header"));
  RABT_TRY(claims, parse_object(claims_json, "the token claims"));
  const Json* alg = given.find("alg");
  if (alg != nullptr && !(*alg == Json(algorithm)))
    return jwt_error("the token header names another alg than the one asked for");
  Json header = Json::object({{"alg", algorithm}});
  for (const auto& [name, value] : given.as_object()) header.set(name, value);

  std::string token = base64url(as_bytes(header.dump())) + '.' + base64url(as_bytes(claims.dump()));
  Bytes signature;
  if (algorithm == "HS256") {
    if (key.size() < kMinHs256Key) return jwt_error("HS256 needs a secret of at least 32 bytes");
    signature = hmac_sha256(key, token);
  } else {
    const auto* const how =
        std::find_if(kSignings.begin(), kSignings.end(),
                     [&](const Signing& signing) { return signing.name == algorithm; });
    if (how == kSignings.end()) {
      return jwt_error(
          "unknown token algorithm; known are HS256, RS256, PS256, ES256, RS384, ES384");
    }
    RABT_TRY(signed_bytes, sign(key, *how, token));
    signature = std::move(signed_bytes);
  }
  token += '.';
  token += base64url(signature);
  return token;
}

}  // namespace rabt::crypto
