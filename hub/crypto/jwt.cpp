#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>

#include "hub/base/json.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/openssl_owned.hpp"

namespace rabt::crypto {

namespace {

constexpr std::size_t kMinHs256Key = 32;  // RFC 7518 section 3.2: no shorter than the hash
constexpr int kMinSigningBits = 2048;     // RFC 7518 section 3.3
constexpr std::size_t kMaxPem = 64U << 10U;
constexpr std::size_t kP384Bytes = 48;

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

Result<Bytes> sign_sha384(EVP_PKEY* key, std::string_view input) {
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  RABT_CHECK(context != nullptr);
  std::size_t size = 0;
  if (EVP_DigestSignInit_ex(context.get(), nullptr, "SHA384", nullptr, nullptr, key, nullptr) !=
          1 ||
      EVP_DigestSign(context.get(), nullptr, &size, as_bytes(input).data(), input.size()) != 1) {
    return jwt_error("the signing key cannot sign");
  }
  Bytes signature(size, 0);
  if (EVP_DigestSign(context.get(), signature.data(), &size, as_bytes(input).data(),
                     input.size()) != 1) {
    return jwt_error("the signing key cannot sign");
  }
  signature.resize(size);
  return signature;
}

Result<Bytes> sign_rs384(ByteView pem, std::string_view input) {
  RABT_TRY(key, read_pem(pem));
  if (EVP_PKEY_is_a(key.get(), "RSA") != 1)
    return jwt_error("RS384 needs an RSA private key; this PEM holds another kind");
  if (EVP_PKEY_get_bits(key.get()) < kMinSigningBits)
    return jwt_error("RS384 needs an RSA key of at least 2048 bits");
  return sign_sha384(key.get(), input);  // PKCS #1 v1.5 is the default padding
}

Result<Bytes> sign_es384(ByteView pem, std::string_view input) {
  RABT_TRY(key, read_pem(pem));
  char group[64] = {};
  std::size_t group_size = 0;
  if (EVP_PKEY_is_a(key.get(), "EC") != 1 ||
      EVP_PKEY_get_group_name(key.get(), group, sizeof group, &group_size) != 1 ||
      std::string_view(group, group_size) != "secp384r1") {
    return jwt_error("ES384 needs an EC private key on the curve P-384 (secp384r1)");
  }
  RABT_TRY(der, sign_sha384(key.get(), input));
  const unsigned char* at = der.data();
  const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (signature == nullptr) return jwt_error("the signing key cannot sign");
  // RFC 7518 section 3.4: r and s, each as 48 bytes big-endian.
  Bytes raw(2 * kP384Bytes, 0);
  constexpr int kHalf = static_cast<int>(kP384Bytes);
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), kHalf) != kHalf ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + kP384Bytes, kHalf) != kHalf) {
    return jwt_error("the signing key cannot sign");
  }
  return raw;
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
  } else if (algorithm == "RS384") {
    RABT_TRY(signed_bytes, sign_rs384(key, token));
    signature = std::move(signed_bytes);
  } else if (algorithm == "ES384") {
    RABT_TRY(signed_bytes, sign_es384(key, token));
    signature = std::move(signed_bytes);
  } else {
    return jwt_error("unknown token algorithm; known are HS256, RS384, ES384");
  }
  token += '.';
  token += base64url(signature);
  return token;
}

}  // namespace rabt::crypto
