#pragma once

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/crypto/crypto.hpp"

// Key pairs that the openssl command makes for one run of the tests.
namespace rabt::identity::test {

struct TestKey {
  std::string pem;
  // The public half (RFC 7517).
  Json jwk;
};

inline std::string output_of(const std::string& command) {
  std::string out;
  std::FILE* pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) std::abort();
  std::array<char, 4096> buffer{};
  for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    out.append(buffer.data(), got);
  ::pclose(pipe);
  return out;
}

inline std::string public_der(const std::string& pem) {
  return output_of("printf '%s' '" + pem + "' | openssl pkey -pubout -outform DER");
}

// P-384, for ES384; P-256 for ES256.
inline TestKey ec_key(const std::string& kid, const std::string& curve = "P-384") {
  const std::size_t half = curve == "P-256" ? 32 : 48;
  TestKey key{.pem = output_of("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:" + curve),
              .jwk = {}};
  // The uncompressed point stands at the end.
  const std::string der = public_der(key.pem);
  const std::string point = der.substr(der.size() - 2 * half);
  key.jwk = Json::object({{"kty", "EC"},
                          {"crv", curve},
                          {"kid", kid},
                          {"alg", curve == "P-256" ? "ES256" : "ES384"},
                          {"use", "sig"},
                          {"x", crypto::base64url(as_bytes(point.substr(0, half)))},
                          {"y", crypto::base64url(as_bytes(point.substr(half)))}});
  return key;
}

// 2048 bits, for RS384 unless another algorithm of RSA is named.
inline TestKey rsa_key(const std::string& kid, const std::string& algorithm = "RS384") {
  TestKey key{.pem = output_of("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048")};
  // SubjectPublicKeyInfo ends with the modulus of 256 bytes, 02 03, and the exponent 01 00 01.
  const std::string der = public_der(key.pem);
  const std::string modulus = der.substr(der.size() - 5 - 256, 256);
  key.jwk = Json::object({{"kty", "RSA"},
                          {"kid", kid},
                          {"alg", algorithm},
                          {"use", "sig"},
                          {"n", crypto::base64url(as_bytes(modulus))},
                          {"e", "AQAB"}});
  return key;
}

}  // namespace rabt::identity::test
