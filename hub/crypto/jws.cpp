#include "hub/crypto/jws.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <optional>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/openssl_owned.hpp"
#include "hub/crypto/signature.hpp"

namespace rabt::crypto {

namespace {

constexpr std::size_t kMaxKeyId = 256;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr std::uint64_t kLargestSmallExponent = 65'536;
constexpr std::size_t kMaxNumber = 1024 + 8;  // bytes of a modulus of 8192 bits, and some

enum class Kind : std::uint8_t { hmac, rsa, pss, ec, ed25519 };
struct Algorithm {
  std::string_view name;
  Kind kind;
  const char* digest;
  // Names of the curve, and the bytes of a coordinate, where there is one.
  std::string_view curve{};
  const char* group = nullptr;
  std::size_t bytes = 0;
};
constexpr std::array kAlgorithms{Algorithm{"HS256", Kind::hmac, "SHA256"},
                                 Algorithm{"RS256", Kind::rsa, "SHA256"},
                                 Algorithm{"RS384", Kind::rsa, "SHA384"},
                                 Algorithm{"RS512", Kind::rsa, "SHA512"},
                                 Algorithm{"PS256", Kind::pss, "SHA256"},
                                 Algorithm{"PS384", Kind::pss, "SHA384"},
                                 Algorithm{"PS512", Kind::pss, "SHA512"},
                                 Algorithm{"ES256", Kind::ec, "SHA256", "P-256", "prime256v1", 32},
                                 Algorithm{"ES384", Kind::ec, "SHA384", "P-384", "secp384r1", 48},
                                 Algorithm{"ES512", Kind::ec, "SHA512", "P-521", "secp521r1", 66},
                                 Algorithm{"EdDSA", Kind::ed25519, nullptr, "Ed25519"}};

const Algorithm* find_algorithm(std::string_view name) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (algorithm.name == name) return &algorithm;
  }
  return nullptr;
}

Error bad_token(std::string message) {
  return invalid("crypto.jws", std::move(message));
}
Error bad_key(std::string message) {
  ERR_clear_error();
  return invalid("crypto.jwk", std::move(message));
}

// A member that is text or absent; nothing when it is something else.
std::optional<std::string> text_of(const Json& object, std::string_view member) {
  const Json* found = object.find(member);
  if (found == nullptr) return std::string();
  if (!found->is_string()) return std::nullopt;
  return found->as_string();
}

Owned<BIGNUM> number_of(const Json& jwk, std::string_view member) {
  const auto text = text_of(jwk, member);
  if (!text || text->empty() || text->size() > 2 * kMaxNumber) return nullptr;
  const auto bytes = from_base64url(*text);
  if (!bytes || bytes->empty()) return nullptr;
  return Owned<BIGNUM>(BN_bin2bn(bytes->data(), static_cast<int>(bytes->size()), nullptr));
}

Owned<EVP_PKEY> build(const char* type, const OSSL_PARAM* parameters) {
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return nullptr;
  }
  return Owned<EVP_PKEY>(key);
}

Result<Owned<EVP_PKEY>> rsa_key(const Json& jwk) {
  const auto modulus = number_of(jwk, "n");
  const auto exponent = number_of(jwk, "e");
  if (modulus == nullptr || exponent == nullptr) return bad_key("`n` or `e` is no number");
  if (BN_num_bits(modulus.get()) < kMinRsaBits || BN_num_bits(modulus.get()) > kMaxRsaBits)
    return bad_key("an RSA key has 2048 to 8192 bits");
  if (BN_is_odd(exponent.get()) != 1 || BN_num_bits(exponent.get()) > 64 ||
      BN_get_word(exponent.get()) <= kLargestSmallExponent)
    return bad_key("the exponent is even, or not between 65537 and 2^64");
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return bad_key("the RSA key cannot be read");
  }
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  auto key = build("RSA", parameters.get());
  if (key == nullptr) return bad_key("the RSA key cannot be read");
  return key;
}

Result<Owned<EVP_PKEY>> ec_key(const Json& jwk, const Algorithm& algorithm) {
  const auto x = from_base64url(jwk.string_or("x", ""));
  const auto y = from_base64url(jwk.string_or("y", ""));
  if (!x || !y || x->size() != algorithm.bytes || y->size() != algorithm.bytes)
    return bad_key("`x` and `y` have as many bytes as the curve says");
  Bytes point{4};  // uncompressed
  point.insert(point.end(), x->begin(), x->end());
  point.insert(point.end(), y->begin(), y->end());
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, algorithm.group,
                                      0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                       point.size()) != 1) {
    return bad_key("the EC key cannot be read");
  }
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  auto key = build("EC", parameters.get());
  if (key == nullptr) return bad_key("the point is not on its curve");
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1)
    return bad_key("the point is not on its curve");
  return key;
}

// r | s becomes DER.
std::optional<Bytes> der_of(ByteView raw, std::size_t half) {
  if (raw.size() != 2 * half) return std::nullopt;
  const int size = static_cast<int>(half);
  Owned<BIGNUM> r(BN_bin2bn(raw.data(), size, nullptr));
  Owned<BIGNUM> s(BN_bin2bn(raw.data() + half, size, nullptr));
  const Owned<ECDSA_SIG> signature(ECDSA_SIG_new());
  if (r == nullptr || s == nullptr || signature == nullptr || BN_is_zero(r.get()) == 1 ||
      BN_is_zero(s.get()) == 1 || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return std::nullopt;
  }
  // The signature has taken them over.
  static_cast<void>(r.release());
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(signature.get(), &der);
  if (length <= 0) return std::nullopt;
  Bytes out(der, der + length);
  OPENSSL_free(der);
  return out;
}

bool verify(EVP_PKEY* key, const Algorithm& algorithm, const Jws& jws) {
  Bytes signature = jws.signature;
  if (algorithm.kind == Kind::ec) {
    auto der = der_of(jws.signature, algorithm.bytes);
    if (!der) return false;
    signature = *std::move(der);
  } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key))) {
    return false;
  }
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;
  bool good =
      context != nullptr && EVP_DigestVerifyInit_ex(context.get(), &settings, algorithm.digest,
                                                    nullptr, nullptr, key, nullptr) == 1;
  if (good && algorithm.kind == Kind::pss) {
    // RFC 7518 section 3.5: the salt is as long as the digest, MGF1 with the same digest.
    good = EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1;
  }
  const ByteView input = as_bytes(jws.signing_input);
  good = good && EVP_DigestVerify(context.get(), signature.data(), signature.size(), input.data(),
                                  input.size()) == 1;
  ERR_clear_error();
  return good;
}

}  // namespace

std::optional<Bytes> from_base64url(std::string_view text) {
  if (text.size() % 4 == 1 || text.find_first_of("+/=") != std::string_view::npos)
    return std::nullopt;
  std::string standard(text);
  for (char& c : standard) c = c == '-' ? '+' : c == '_' ? '/' : c;
  standard.append((4 - standard.size() % 4) % 4, '=');
  return from_base64(standard);
}

Result<Jws> read_jws(std::string_view token, std::size_t max_bytes) {
  if (token.size() > max_bytes) return bad_token("the token is too long");
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return bad_token("the token does not have three parts");
  const auto header_bytes = from_base64url(token.substr(0, first));
  const auto payload = from_base64url(token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(token.substr(second + 1));
  if (!header_bytes || !payload || !signature)
    return bad_token("a part of the token is not base64url");
  const auto header = Json::parse(as_text(*header_bytes), {.max_bytes = max_bytes, .max_depth = 8});
  if (!header.ok() || !header->is_object())
    return bad_token("the header is no JSON object, or names a member twice");
  for (const std::string_view member : {"crit", "b64", "jwk", "jku", "x5u", "x5c"}) {
    if (header->find(member) != nullptr)
      return bad_token("the header has `" + std::string(member) + "`, which is not taken");
  }
  auto algorithm = text_of(*header, "alg");
  auto key_id = text_of(*header, "kid");
  auto type = text_of(*header, "typ");
  if (!algorithm || !key_id || !type || key_id->size() > kMaxKeyId)
    return bad_token("`alg`, `kid` or `typ` is no text, or too long");
  return Jws{.algorithm = *std::move(algorithm),
             .key_id = *std::move(key_id),
             .type = *std::move(type),
             .payload = std::string(as_text(*payload)),
             .signing_input = std::string(token.substr(0, second)),
             .signature = *std::move(signature)};
}

std::optional<Bytes> signature_of_der(ByteView der, std::size_t half) {
  // Two numbers of 66 bytes with their heads are the longest that any curve here makes.
  if (der.size() > 160) return std::nullopt;
  const unsigned char* at = der.data();
  const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (signature == nullptr || at != der.data() + der.size()) return std::nullopt;
  const BIGNUM* r = ECDSA_SIG_get0_r(signature.get());
  const BIGNUM* s = ECDSA_SIG_get0_s(signature.get());
  if (BN_is_negative(r) == 1 || BN_is_negative(s) == 1) return std::nullopt;
  Bytes out(2 * half, 0);
  const int size = static_cast<int>(half);
  if (BN_bn2binpad(r, out.data(), size) != size || BN_bn2binpad(s, out.data() + half, size) != size)
    return std::nullopt;
  const auto again = der_of(out, half);
  if (!again || !std::equal(again->begin(), again->end(), der.begin(), der.end()))
    return std::nullopt;
  return out;
}

struct JwsKey::State {
  std::string id;
  std::vector<const Algorithm*> algorithms;
  // The one of the kind of key that is set.
  SecretBytes secret;
  Owned<EVP_PKEY> key;
  Bytes ed25519;
};

JwsKey::JwsKey(std::unique_ptr<State> state) : state_(std::move(state)) {}
JwsKey::~JwsKey() = default;
JwsKey::JwsKey(JwsKey&&) noexcept = default;

const std::string& JwsKey::id() const {
  return state_->id;
}

JwsKey JwsKey::shared(const SecretBytes& secret) {
  auto state = std::make_unique<State>();
  state->algorithms = {find_algorithm("HS256")};
  state->secret = secret.clone();
  return JwsKey(std::move(state));
}

Result<JwsKey> JwsKey::from_jwk(const Json& jwk, const std::vector<std::string>& algorithms) {
  if (!jwk.is_object()) return bad_key("the key is no object");
  for (const std::string_view member : {"d", "p", "q", "dp", "dq", "qi", "k"}) {
    if (jwk.find(member) != nullptr)
      return bad_key("the key holds `" + std::string(member) +
                     "`: whoever can read it can sign in the name of the issuer; publish public "
                     "keys only");
  }
  const std::string type = jwk.string_or("kty", "");
  const std::string curve = jwk.string_or("crv", "");
  const auto own = text_of(jwk, "alg");
  const auto use = text_of(jwk, "use");
  auto id = text_of(jwk, "kid");
  if (!own || !use || !id || (!use->empty() && *use != "sig") || id->size() > kMaxKeyId)
    return bad_key("the key is not for signatures, or its `kid` is unfit");
  if (const Json* uses = jwk.find("key_ops"); uses != nullptr) {
    const bool verifies =
        uses->is_array() && std::find(uses->as_array().begin(), uses->as_array().end(),
                                      Json("verify")) != uses->as_array().end();
    if (!verifies) return bad_key("the key is not for verifying");
  }
  auto state = std::make_unique<State>();
  state->id = *std::move(id);
  for (const std::string& name : algorithms) {
    const Algorithm* algorithm = find_algorithm(name);
    if (algorithm == nullptr || (!own->empty() && *own != name)) continue;
    const bool fits = type == "RSA"  ? algorithm->kind == Kind::rsa || algorithm->kind == Kind::pss
                      : type == "EC" ? algorithm->kind == Kind::ec && algorithm->curve == curve
                      : type == "OKP"
                          ? algorithm->kind == Kind::ed25519 && algorithm->curve == curve
                          : false;
    if (fits) state->algorithms.push_back(algorithm);
  }
  if (state->algorithms.empty())
    return bad_key("the key fits none of the algorithms that are taken");
  if (type == "OKP") {
    const auto x = from_base64url(jwk.string_or("x", ""));
    if (!x || x->size() != PublicKey{}.size()) return bad_key("`x` has 32 bytes");
    state->ed25519 = *x;
  } else {
    RABT_TRY(key, type == "RSA" ? rsa_key(jwk) : ec_key(jwk, *state->algorithms.front()));
    state->key = std::move(key);
  }
  return JwsKey(std::move(state));
}

bool JwsKey::verifies(const Jws& jws) const {
  const auto found = std::find_if(state_->algorithms.begin(), state_->algorithms.end(),
                                  [&](const Algorithm* one) { return one->name == jws.algorithm; });
  if (found == state_->algorithms.end()) return false;
  const Algorithm& algorithm = **found;
  if (algorithm.kind == Kind::hmac) {
    const Bytes mac = hmac_sha256(state_->secret.expose(), jws.signing_input);
    return constant_time_equal(mac, jws.signature);
  }
  if (algorithm.kind == Kind::ed25519)
    return verify_ed25519(state_->ed25519, jws.signing_input, jws.signature);
  return verify(state_->key.get(), algorithm, jws);
}

}  // namespace rabt::crypto
