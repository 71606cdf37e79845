#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include <algorithm>

#include "hub/crypto/crypto.hpp"
#include "tests/crypto/support.hpp"

namespace rabt::crypto::jwt_test {
namespace {

Bytes from_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  auto bytes = from_base64(text);
  EXPECT_TRUE(bytes.has_value());
  return bytes.value_or(Bytes{});
}

std::string to_pem(EVP_PKEY* key) {
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return pem;
}

// The private key of a JWK set, as PEM.
std::string pem_of_jwk_set(const Json& set) {
  const Json* jwk = nullptr;
  for (const Json& key : set["keys"].as_array()) {
    if (key.find("d") != nullptr) jwk = &key;
  }
  if (jwk == nullptr) return {};
  OSSL_PARAM_BLD* build = OSSL_PARAM_BLD_new();
  std::vector<BIGNUM*> numbers;
  const auto push = [&](const char* member, const char* name) {
    const Bytes bytes = from_base64url(jwk->string_or(member, ""));
    numbers.push_back(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
    EXPECT_EQ(OSSL_PARAM_BLD_push_BN(build, name, numbers.back()), 1);
  };
  const bool rsa = jwk->string_or("kty", "") == "RSA";
  Bytes point{4};
  if (rsa) {
    push("n", OSSL_PKEY_PARAM_RSA_N);
    push("e", OSSL_PKEY_PARAM_RSA_E);
    push("d", OSSL_PKEY_PARAM_RSA_D);
    push("p", OSSL_PKEY_PARAM_RSA_FACTOR1);
    push("q", OSSL_PKEY_PARAM_RSA_FACTOR2);
    push("dp", OSSL_PKEY_PARAM_RSA_EXPONENT1);
    push("dq", OSSL_PKEY_PARAM_RSA_EXPONENT2);
    push("qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
  } else {
    for (const char* half : {"x", "y"}) {
      const Bytes bytes = from_base64url(jwk->string_or(half, ""));
      point.insert(point.end(), bytes.begin(), bytes.end());
    }
    EXPECT_EQ(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0), 1);
    EXPECT_EQ(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                               point.size()),
              1);
    push("d", OSSL_PKEY_PARAM_PRIV_KEY);
  }
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(build);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, rsa ? "RSA" : "EC", nullptr);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
  std::string pem = key == nullptr ? "" : to_pem(key);
  EVP_PKEY_free(key);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(build);
  for (BIGNUM* number : numbers) BN_free(number);
  return pem;
}

// Verifies a token whose signature is r||s with OpenSSL alone.
bool es384_holds(const std::string& pem, const std::string& token) {
  const auto dot = token.rfind('.');
  const Bytes raw = from_base64url(token.substr(dot + 1));
  if (raw.size() != 96) return false;
  ECDSA_SIG* signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_bin2bn(raw.data(), 48, nullptr),
                 BN_bin2bn(raw.data() + 48, 48, nullptr));
  unsigned char* der = nullptr;
  const int der_size = i2d_ECDSA_SIG(signature, &der);
  ECDSA_SIG_free(signature);
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, key);
  const bool holds =
      EVP_DigestVerify(context, der, static_cast<std::size_t>(der_size),
                       reinterpret_cast<const unsigned char*>(token.data()), dot) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  OPENSSL_free(der);
  return holds;
}

std::string make_pem(const char* type, const char* group_or_bits) {
  EVP_PKEY* key = std::string_view(type) == "EC"
                      ? EVP_EC_gen(group_or_bits)
                      : EVP_RSA_gen(static_cast<unsigned>(std::atoi(group_or_bits)));
  std::string pem = to_pem(key);
  EVP_PKEY_free(key);
  return pem;
}

TEST(Jwt, RecreatesTheRs384ExampleOfSmartAppLaunch) {
  if (test::conformance_data().empty())
    GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  const auto folder = test::conformance_data() / "fhir" / "smart_vectors";
  std::string expected = test::read_file(folder / "rs384_example.jwt");
  while (!expected.empty() && (expected.back() == '\n' || expected.back() == ' '))
    expected.pop_back();
  const auto keys = Json::parse(test::read_file(folder / "RS384.private.json"));
  if (!keys.ok() || expected.empty()) GTEST_SKIP() << "the RS384 example is not among the data";
  const std::string pem = pem_of_jwk_set(*keys);
  ASSERT_FALSE(pem.empty());
  const auto token = sign_jwt(
      as_bytes(pem), "RS384", R"({"kid":"eee9f17a3b598fd86417a980b591fbe6","typ":"JWT"})",
      R"({"iss":"https://bili-monitor.example.com","sub":"https://bili-monitor.example.com",)"
      R"("aud":"https://authorize.smarthealthit.org/token","exp":1422568860,"jti":"random-non-reusable-jwt-id-123"})");
  ASSERT_TRUE(token.ok()) << token.error().message;
  EXPECT_EQ(*token, expected);
}

TEST(Jwt, SignsEs384AsRawRAndSWithTheKeyOfSmartAppLaunch) {
  if (test::conformance_data().empty())
    GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  const auto keys = Json::parse(
      test::read_file(test::conformance_data() / "fhir" / "smart_vectors" / "ES384.private.json"));
  if (!keys.ok()) GTEST_SKIP() << "the ES384 key is not among the data";
  const std::string pem = pem_of_jwk_set(*keys);
  for (int i = 0; i < 20; ++i) {  // r or s starts with a zero byte now and then
    const auto token =
        sign_jwt(as_bytes(pem), "ES384", R"({"typ":"JWT"})", "{\"i\":" + std::to_string(i) + "}");
    ASSERT_TRUE(token.ok()) << token.error().message;
    EXPECT_TRUE(es384_holds(pem, *token));
  }
}

TEST(Jwt, SignsHs256OverCompactParts) {
  const std::string secret(32, 's');
  const auto token =
      sign_jwt(as_bytes(secret), "HS256", R"({ "typ": "JWT" })", R"({ "b": 1, "a": "x" })");
  ASSERT_TRUE(token.ok());
  const auto first = token->find('.');
  const auto second = token->rfind('.');
  EXPECT_EQ(as_text(from_base64url(token->substr(0, first))), R"({"alg":"HS256","typ":"JWT"})");
  EXPECT_EQ(as_text(from_base64url(token->substr(first + 1, second - first - 1))),
            R"({"b":1,"a":"x"})");
  EXPECT_EQ(token->substr(second + 1),
            base64url(hmac_sha256(as_bytes(secret), token->substr(0, second))));
}

TEST(Jwt, RefusesWhatItCannotSignAndSaysWhy) {
  const std::string secret(32, 's');
  const std::string rsa = make_pem("RSA", "2048");
  const std::string small = make_pem("RSA", "1024");
  const std::string p256 = make_pem("EC", "P-256");
  const auto refuse = [](std::string_view key, std::string_view algorithm, std::string_view header,
                         std::string_view claims) {
    const auto token = sign_jwt(as_bytes(key), algorithm, header, claims);
    EXPECT_FALSE(token.ok()) << algorithm << header << claims;
    if (token.ok()) return std::string();
    EXPECT_EQ(token.error().code, "crypto.jwt");
    return token.error().message;
  };
  refuse(secret, "none", "{}", "{}");
  refuse(secret, "HS256", "[]", "{}");
  refuse(secret, "HS256", "{}", "{");
  refuse(secret, "HS256", R"({"alg":"none"})", "{}");
  EXPECT_NE(refuse(secret.substr(1), "HS256", "{}", "{}").find("32 bytes"), std::string::npos);
  EXPECT_NE(refuse(rsa, "ES384", "{}", "{}").find("P-384"), std::string::npos);
  EXPECT_NE(refuse(p256, "ES384", "{}", "{}").find("P-384"), std::string::npos);
  EXPECT_NE(refuse(p256, "RS384", "{}", "{}").find("RSA"), std::string::npos);
  EXPECT_NE(refuse(small, "RS384", "{}", "{}").find("2048"), std::string::npos);
  const std::string message = refuse(secret, "RS384", "{}", "{}");
  EXPECT_NE(message.find("PEM"), std::string::npos);
  EXPECT_EQ(message.find(secret), std::string::npos);  // the key itself is never shown
}

TEST(Jwt, EachAlgorithmVerifiesWithItsOwnKeyAlone) {
  const std::string rsa = make_pem("RSA", "2048");
  const std::string p256 = make_pem("EC", "P-256");
  const std::string p384 = make_pem("EC", "P-384");
  struct Row {
    const std::string& pem;
    const char* algorithm;
    std::size_t bytes;
  };
  for (const Row& row : {Row{rsa, "RS256", 256}, Row{rsa, "PS256", 256}, Row{p256, "ES256", 64},
                         Row{p384, "ES384", 96}}) {
    const auto token = sign_jwt(as_bytes(row.pem), row.algorithm, "{}", R"({"a":1})");
    ASSERT_TRUE(token.ok()) << token.error().message;
    EXPECT_EQ(from_base64url(token->substr(token->rfind('.') + 1)).size(), row.bytes)
        << row.algorithm;
  }
  EXPECT_FALSE(sign_jwt(as_bytes(p384), "ES256", "{}", "{}").ok());
  EXPECT_FALSE(sign_jwt(as_bytes(p256), "RS256", "{}", "{}").ok());
  EXPECT_FALSE(sign_jwt(as_bytes(rsa), "ES256", "{}", "{}").ok());
}

TEST(Jwt, AcceptsTheSameAlgInTheHeader) {
  EXPECT_TRUE(sign_jwt(as_bytes(std::string(32, 's')), "HS256", R"({"alg":"HS256"})", "{}").ok());
}

TEST(Base64url, HasNoPaddingAndTheUrlAlphabet) {
  EXPECT_EQ(base64url(Bytes{0xfb, 0xff}), "-_8");
  EXPECT_EQ(base64url({}), "");
}

}  // namespace
}  // namespace rabt::crypto::jwt_test
