#include "hub/crypto/jws.hpp"

#include <algorithm>

#include "hub/crypto/crypto.hpp"
#include "tests/crypto/support.hpp"

namespace rabt::crypto::jws_test {
namespace {

const std::vector<std::string> kAll{"HS256", "RS256", "RS384", "RS512", "PS256", "PS384",
                                    "PS512", "ES256", "ES384", "ES512", "EdDSA"};
constexpr std::size_t kLong = 64U << 10U;

std::string b64(std::string_view text) {
  return base64url(as_bytes(text));
}

Bytes from_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  text.append((4 - text.size() % 4) % 4, '=');
  return from_base64(text).value_or(Bytes{});
}

// Vectors that this verifier decides otherwise than the file, on purpose. 346 and 350 name PS384,
// but the key says PS256; 367 and 370 are, byte for byte, the valid token 357; 372 and 373 hold a
// question mark, which is no base64url.
const std::map<std::int64_t, bool> kOtherwise{{346, false}, {350, false}, {367, true},
                                              {370, true},  {372, false}, {373, false}};

// Every vector of the file: its key as a verifier is given it, its algorithm pinned.
TEST(Jws, DecidesEveryWycheproofVectorAsTheFileSays) {
  const auto folder = test::conformance_data();
  if (folder.empty()) GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  const auto file =
      Json::parse(test::read_file(folder / "vectors/wycheproof/json_web_signature_test.json"));
  ASSERT_TRUE(file.ok());
  int run = 0;
  for (const Json& group : (*file)["testGroups"].as_array()) {
    const bool shared = group["public"].is_null();
    Json jwk = shared ? group["private"] : group["public"];
    // RFC 7518 has no ES521: the file means ES512, as its tokens say.
    if (jwk["alg"] == Json("ES521")) jwk.set("alg", "ES512");
    std::vector<JwsKey> keys;
    if (shared) {
      keys.push_back(JwsKey::shared(SecretBytes(from_base64url(jwk.string_or("k", "")))));
    } else {
      auto key = JwsKey::from_jwk(jwk, kAll);
      if (key.ok()) keys.push_back(*std::move(key));
    }
    for (const Json& item : group["tests"].as_array()) {
      const auto jws = read_jws(item.string_or("jws", ""), kLong);
      const bool holds = jws.ok() && !keys.empty() && keys.front().verifies(*jws);
      const auto otherwise = kOtherwise.find(item.int_or("tcId", 0));
      const bool wanted =
          otherwise == kOtherwise.end() ? item["result"] == Json("valid") : otherwise->second;
      EXPECT_EQ(holds, wanted) << item["tcId"].number_text() << " " << item.string_or("comment", "")
                               << " " << group.string_or("comment", "");
      ++run;
    }
  }
  EXPECT_EQ(run, 401);
}

TEST(Jws, Trap1NoAlgorithmIsNoSignature) {
  const JwsKey key = JwsKey::shared(SecretBytes(std::string_view(std::string(32, 'k'))));
  for (const char* name : {"none", "None", "nOnE", "", "HS512", "hs256"}) {
    const std::string input =
        b64(Json::object({{"alg", name}}).dump()) + "." + b64(R"({"sub":"1"})");
    const std::string mac = base64url(hmac_sha256(as_bytes(std::string(32, 'k')), input));
    for (const std::string& signature : {std::string(), mac}) {
      const auto jws = read_jws(input + "." + signature, kLong);
      EXPECT_FALSE(jws.ok() && key.verifies(*jws)) << name;
    }
  }
}

TEST(Jws, Trap2APublicKeyIsNoSharedSecret) {
  const auto jwk = Json::parse(
      R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})");
  const auto key = JwsKey::from_jwk(*jwk, kAll);
  ASSERT_TRUE(key.ok()) << key.error().message;
  const std::string input = b64(R"({"alg":"HS256"})") + "." + b64("{}");
  for (const std::string& secret :
       {jwk->dump(), jwk->string_or("x", ""),
        std::string(as_text(from_base64url(jwk->string_or("x", ""))))}) {
    const auto jws = read_jws(input + "." + base64url(hmac_sha256(as_bytes(secret), input)), kLong);
    ASSERT_TRUE(jws.ok());
    EXPECT_FALSE(key->verifies(*jws));
  }
  // RFC 8037 appendix A.4.
  const auto good = read_jws(
      "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_"
      "MuM0KAg",
      kLong);
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(key->verifies(*good));
}

TEST(Jws, Traps3And4And5And7And8And18OfFormAreRefusedBeforeAnyKey) {
  const std::string body = "." + b64("{}") + "." + b64("sig");
  const auto refused = [&](const std::string& header) {
    return !read_jws(b64(header) + body, kLong).ok();
  };
  EXPECT_FALSE(refused(R"({"alg":"HS256"})"));
  for (const char* member : {R"("jwk":{})", R"("jku":"https://x")", R"("x5u":"https://x")",
                             R"("x5c":[])", R"("crit":["exp"])", R"("crit":[])", R"("b64":false)",
                             R"("alg":"HS256")", R"("kid":7)", R"("typ":[])"})
    EXPECT_TRUE(refused(std::string(R"({"alg":"HS256",)") + member + "}")) << member;
  EXPECT_TRUE(refused(R"({"alg":"HS256","kid":")" + std::string(257, 'k') + "\"}"));
  EXPECT_TRUE(refused(R"({"alg":"HS256","kid":")" + std::string(1U << 20U, 'k') + "\"}"));
  EXPECT_TRUE(refused(R"({"alg":5})"));
  EXPECT_TRUE(refused("[]"));
  EXPECT_TRUE(refused(""));
  const std::string header = b64(R"({"alg":"HS256"})");
  // Padding, white space, other alphabets, bits beyond the last byte, too many parts (18: a JWE).
  for (const std::string& token :
       {header + "=.e30.c2ln", header + ".e30 .c2ln", header + ".e30.c2ln\n", header + ".e3+.c2ln",
        header + ".e31.c2ln", header + ".e30", header, std::string(), std::string(".."),
        header + "....", header + ".e30.c2ln.c2ln.c2ln"})
    EXPECT_FALSE(read_jws(token, kLong).ok()) << token;
  EXPECT_FALSE(read_jws(header + "." + std::string(8192, 'A') + ".c2ln", 8192).ok());
}

TEST(Jws, Trap6ASignatureOfZerosOrInDerIsNone) {
  // RFC 7515 appendix A.3.
  const auto jwk =
      Json::parse(R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
                  R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})");
  const auto key = JwsKey::from_jwk(*jwk, kAll);
  ASSERT_TRUE(key.ok()) << key.error().message;
  const std::string input =
      "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxl"
      "LmNvbS9pc19yb290Ijp0cnVlfQ";
  const std::string good =
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
  const auto holds = [&](const std::string& signature) {
    const auto jws = read_jws(input + "." + signature, kLong);
    return jws.ok() && key->verifies(*jws);
  };
  EXPECT_TRUE(holds(good));
  const Bytes raw = from_base64url(good);
  const std::string r(as_text(raw).substr(0, 32));
  const std::string s(as_text(raw).substr(32));
  const std::string zero(32, '\0');
  EXPECT_FALSE(holds(base64url(as_bytes(zero + zero))));
  EXPECT_FALSE(holds(base64url(as_bytes(r + zero))));
  EXPECT_FALSE(holds(base64url(as_bytes(zero + s))));
  EXPECT_FALSE(holds(base64url(as_bytes(s + r))));
  EXPECT_FALSE(holds(base64url(as_bytes(r + s + zero))));
  // The same two numbers as DER writes them: the high bit of s is set.
  const std::string der = std::string("\x30\x45\x02\x20", 4) + r + std::string("\x02\x21\0", 3) + s;
  EXPECT_FALSE(holds(base64url(as_bytes(der))));
}

TEST(Jws, Trap17KeysThatAreUnfitAreRefused) {
  const auto refused = [](const char* jwk) {
    const auto parsed = Json::parse(jwk);
    return !JwsKey::from_jwk(*parsed, kAll).ok();
  };
  const std::string modulus = std::string(341, 'v') + "w";
  EXPECT_FALSE(refused((R"({"kty":"RSA","e":"AQAB","n":")" + modulus + "\"}").c_str()));
  for (const char* rest :
       {R"("d":"AQAB")", R"("use":"enc")", R"("alg":"RSA-OAEP")", R"("key_ops":["encrypt"])"}) {
    const std::string jwk =
        R"({"kty":"RSA","e":"AQAB",)" + std::string(rest) + R"(,"n":")" + modulus + "\"}";
    EXPECT_TRUE(refused(jwk.c_str())) << rest;
  }
  // Exponents 1, 3, 65536; a modulus of 1024 bits, and of 16384.
  for (const char* exponent : {"AQ", "Aw", "AQAA", ""}) {
    const std::string jwk =
        R"({"kty":"RSA","e":")" + std::string(exponent) + R"(","n":")" + modulus + "\"}";
    EXPECT_TRUE(refused(jwk.c_str())) << exponent;
  }
  EXPECT_TRUE(
      refused((R"({"kty":"RSA","e":"AQAB","n":")" + std::string(170, 'v') + "s" + "\"}").c_str()));
  EXPECT_TRUE(
      refused((R"({"kty":"RSA","e":"AQAB","n":")" + std::string(2730, 'v') + "s" + "\"}").c_str()));
  const std::string zero(43, 'A');
  EXPECT_TRUE(
      refused((R"({"kty":"EC","crv":"P-256","x":")" + zero + R"(","y":")" + zero + "\"}").c_str()))
      << "not on the curve";
  EXPECT_TRUE(refused(R"({"kty":"oct","k":"c2VjcmV0"})"));
  EXPECT_TRUE(refused(R"({"kty":"OKP","crv":"X25519","x":"c2VjcmV0"})"));
}

TEST(Jws, ASignatureInDerHasOneEncoding) {
  const auto read = [](const char* hex) {
    const Bytes der = *from_hex(hex);
    const auto out = signature_of_der(der, 2);
    return out ? to_hex(*out) : "none";
  };
  EXPECT_EQ(read("3006020101020102"), "00010002");
  EXPECT_EQ(read("300802020101020200ff"), "010100ff");
  for (const char* bad :
       {"", "30", "3000", "3006020101020102ff", "30060201010201", "3006020100020102",
        "30060201ff020102", "300702020001020102", "308106020101020102", "300802030101010102",
        "3080020101020102", "0406020101020102"})
    EXPECT_EQ(read(bad), "none") << bad;
}

}  // namespace
}  // namespace rabt::crypto::jws_test
