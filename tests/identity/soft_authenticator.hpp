#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/json.hpp"
#include "hub/crypto/crypto.hpp"

// An authenticator with a browser around it, made with OpenSSL for tests: what it writes can be
// made wrong in every way.
namespace rabt::identity::test {

// CBOR, written by hand.
inline std::string cbor_head(unsigned major, std::uint64_t value) {
  const auto first = static_cast<char>(major << 5U | (value < 24 ? value : value < 256 ? 24 : 25));
  std::string out(1, first);
  if (value >= 256) out.push_back(static_cast<char>(value >> 8U));
  if (value >= 24) out.push_back(static_cast<char>(value & 0xffU));
  return out;
}
inline std::string cbor_number(std::int64_t value) {
  return value < 0 ? cbor_head(1, static_cast<std::uint64_t>(-1 - value))
                   : cbor_head(0, static_cast<std::uint64_t>(value));
}
inline std::string cbor_bytes(std::string_view text) {
  return cbor_head(2, text.size()) + std::string(text);
}
inline std::string cbor_text(std::string_view text) {
  return cbor_head(3, text.size()) + std::string(text);
}
inline std::string cbor_map(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string out = cbor_head(5, pairs.size());
  for (const auto& [key, value] : pairs) out += key + value;
  return out;
}

// Members of the answer that differ from a correct one.
struct Wrongs {
  std::string origin;
  std::string type;
  std::string host;
  std::string challenge;
  Json cross_origin;
  std::string top_origin;
  unsigned flags_off = 0;
  unsigned flags_on = 0;
  std::string user;
  std::string behind;
  std::string key;
  std::string object;
  std::string format = "none";
  std::string statement;
};

class SoftAuthenticator {
 public:
  enum class Kind { es256, eddsa, rs256 };
  explicit SoftAuthenticator(Kind kind = Kind::es256, std::string id = "credential-1")
      : kind_(kind), id_(std::move(id)) {
    EVP_PKEY* pkey = kind == Kind::es256   ? EVP_EC_gen("P-256")
                     : kind == Kind::eddsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                           : EVP_RSA_gen(2048);
    key_.reset(pkey);
  }

  std::uint32_t count = 0;
  // Whether each answer counts one more.
  bool counts = true;
  bool backup = false;

  // RegistrationResponseJSON for PublicKeyCredentialCreationOptionsJSON.
  Json create(const Json& options, const Wrongs& wrongs = {}) {
    user_ = options["user"].string_or("id", "");
    const std::string client = client_data("webauthn.create", options, wrongs);
    std::string data = head(options["rp"].string_or("id", ""), 0x45U, wrongs);
    data += std::string(16, '\0') + std::string(1, static_cast<char>(id_.size() >> 8U)) +
            std::string(1, static_cast<char>(id_.size() & 0xffU)) + id_ +
            (wrongs.key.empty() ? cose_key() : wrongs.key) + wrongs.behind;
    std::string statement = wrongs.statement.empty() ? cbor_map({}) : wrongs.statement;
    if (wrongs.format == "packed" && wrongs.statement.empty())
      statement = cbor_map({{cbor_text("alg"), cbor_number(kind_ == Kind::es256   ? -7
                                                           : kind_ == Kind::eddsa ? -8
                                                                                  : -257)},
                            {cbor_text("sig"), cbor_bytes(sign(data + hash(client)))}});
    const std::string object = cbor_map({{cbor_text("fmt"), cbor_text(wrongs.format)},
                                         {cbor_text("attStmt"), statement},
                                         {cbor_text("authData"), cbor_bytes(data)}});
    return answer(Json::object(
        {{"clientDataJSON", encoded(client)},
         {"attestationObject", encoded(wrongs.object.empty() ? object : wrongs.object)}}));
  }

  // AuthenticationResponseJSON for PublicKeyCredentialRequestOptionsJSON.
  Json get(const Json& options, const Wrongs& wrongs = {}) {
    const std::string client = client_data("webauthn.get", options, wrongs);
    if (counts) ++count;
    const std::string data = head(options.string_or("rpId", ""), 0x05U, wrongs) + wrongs.behind;
    return answer(
        Json::object({{"clientDataJSON", encoded(client)},
                      {"authenticatorData", encoded(data)},
                      {"signature", encoded(sign(data + hash(client)))},
                      {"userHandle", wrongs.user.empty() ? user_ : encoded(wrongs.user)}}));
  }

  [[nodiscard]] std::string cose_key() const {
    const auto n = [](std::int64_t label) { return cbor_number(label); };
    if (kind_ == Kind::es256) {
      std::size_t size = 0;
      unsigned char point[65] = {};
      EVP_PKEY_get_octet_string_param(key_.get(), "encoded-pub-key", point, sizeof point, &size);
      const std::string text(reinterpret_cast<const char*>(point), size);
      return cbor_map({{n(1), n(2)},
                       {n(3), n(-7)},
                       {n(-1), n(1)},
                       {n(-2), cbor_bytes(text.substr(1, 32))},
                       {n(-3), cbor_bytes(text.substr(33, 32))}});
    }
    if (kind_ == Kind::eddsa) {
      unsigned char raw[32] = {};
      std::size_t size = sizeof raw;
      EVP_PKEY_get_raw_public_key(key_.get(), raw, &size);
      return cbor_map({{n(1), n(1)},
                       {n(3), n(-8)},
                       {n(-1), n(6)},
                       {n(-2), cbor_bytes({reinterpret_cast<const char*>(raw), size})}});
    }
    BIGNUM* modulus = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), "n", &modulus);
    std::string text(static_cast<std::size_t>(BN_num_bytes(modulus)), '\0');
    BN_bn2bin(modulus, reinterpret_cast<unsigned char*>(text.data()));
    BN_free(modulus);
    return cbor_map({{n(1), n(3)},
                     {n(3), n(-257)},
                     {n(-1), cbor_bytes(text)},
                     {n(-2), cbor_bytes(std::string("\x01\x00\x01", 3))}});
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  static std::string encoded(std::string_view text) { return crypto::base64url(as_bytes(text)); }
  static std::string hash(std::string_view text) {
    return std::string(as_text(crypto::sha256(text)));
  }
  std::string client_data(std::string_view type, const Json& options, const Wrongs& wrongs) const {
    Json out = Json::object(
        {{"type", wrongs.type.empty() ? std::string(type) : wrongs.type},
         {"challenge",
          wrongs.challenge.empty() ? options.string_or("challenge", "") : wrongs.challenge},
         {"origin", wrongs.origin.empty() ? std::string("https://hub.example") : wrongs.origin},
         {"crossOrigin", wrongs.cross_origin.is_null() ? Json(false) : wrongs.cross_origin}});
    if (!wrongs.top_origin.empty()) out.set("topOrigin", wrongs.top_origin);
    return out.dump();
  }
  std::string head(const std::string& host, unsigned flags, const Wrongs& wrongs) const {
    if (backup) flags |= 0x18U;
    flags = (flags & ~wrongs.flags_off) | wrongs.flags_on;
    std::string out = hash(wrongs.host.empty() ? host : wrongs.host);
    out.push_back(static_cast<char>(flags));
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(count >> shift));
    return out;
  }
  std::string sign(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
    EVP_DigestSignInit(context.get(), nullptr, kind_ == Kind::eddsa ? nullptr : EVP_sha256(),
                       nullptr, key_.get());
    std::size_t size = 1024;
    std::string out(size, '\0');
    EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    out.resize(size);
    return out;
  }
  Json answer(Json response) const {
    return Json::object({{"id", encoded(id_)},
                         {"rawId", encoded(id_)},
                         {"type", "public-key"},
                         {"response", std::move(response)},
                         {"clientExtensionResults", Json::object()}});
  }

  const Kind kind_;
  const std::string id_;
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::string user_;
};

}  // namespace rabt::identity::test
