#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/crypto/primitives.hpp"
#include "tests/engine/loopback_http.hpp"

namespace rabt::keys::test {

// Plays the transit secrets engine of Vault on a loopback port, as its API documentation has it
// (developer.hashicorp.com/vault/api-docs/secret/transit): one key "rabt" of type aes256-gcm96,
// token "s.good". Vault itself is not in Debian.
class VaultStandIn {
 public:
  VaultStandIn() { versions_[1] = fresh(); }

  [[nodiscard]] std::string url() const { return http_->origin(); }
  void stop() { http_.reset(); }
  // Every request from now on gets this status; 0: as usual.
  void answer_with(int status) {
    const std::scoped_lock hold(mutex_);
    status_ = status;
  }
  void answer_body(std::string body) {
    const std::scoped_lock hold(mutex_);
    body_ = std::move(body);
  }

 private:
  using Response = engine::LoopbackResponse;

  Bytes fresh() {
    Bytes key(32);
    random_.fill(key);
    return key;
  }
  static Response error(int status, const std::string& text) {
    return {.status = status,
            .headers = {},
            .body = Json::object({{"errors", Json::array({Json(text)})}}).dump()};
  }
  static Response data(Json json) {
    return {.status = 200,
            .headers = {},
            .body = Json::object({{"request_id", "x"}, {"data", std::move(json)}}).dump()};
  }

  Response answer(const engine::LoopbackRequest& request) {
    const std::scoped_lock hold(mutex_);
    if (status_ != 0) return error(status_, "Vault is sealed");
    if (!body_.empty()) return {.status = 200, .headers = {}, .body = body_};
    if (request.header("x-vault-token") != "s.good") return error(403, "permission denied");
    constexpr std::string_view kPrefix = "/v1/transit/";
    if (!request.target.starts_with(kPrefix)) return error(404, "no handler for route");
    const std::string path = request.target.substr(kPrefix.size());
    const auto body = Json::parse(request.body.empty() ? "{}" : request.body);
    if (!body.ok()) return error(400, "failed to parse JSON input");
    if (request.method == "GET" && path == "keys/rabt") {
      return data(Json::object({{"name", "rabt"},
                                {"type", "aes256-gcm96"},
                                {"latest_version", latest()},
                                {"min_decryption_version", min_decryption_},
                                {"min_encryption_version", min_encryption_},
                                {"min_available_version", min_available_}}));
    }
    if (request.method != "POST") return error(404, "");
    if (path == "encrypt/rabt") return encrypt(*body);
    if (path == "decrypt/rabt") return decrypt(*body);
    if (path == "keys/rabt/rotate") {
      versions_[latest() + 1] = fresh();
      return {.status = 204, .headers = {}, .body = {}};
    }
    if (path == "keys/rabt/config") {
      min_decryption_ = body->int_or("min_decryption_version", min_decryption_);
      min_encryption_ = body->int_or("min_encryption_version", min_encryption_);
      return {.status = 204, .headers = {}, .body = {}};
    }
    if (path == "keys/rabt/trim") {
      const auto wanted = body->int_or("min_available_version", 0);
      if (min_encryption_ == 0 || min_decryption_ == 0)
        return error(400, "minimum encryption and decryption versions should be set before trim");
      if (wanted > std::min(min_encryption_, min_decryption_))
        return error(400, "cannot be greater than minimum encryption or decryption version");
      min_available_ = wanted;
      versions_.erase(versions_.begin(), versions_.lower_bound(wanted));
      return {.status = 204, .headers = {}, .body = {}};
    }
    return error(404, "encryption key not found");
  }

  Response encrypt(const Json& body) {
    const auto plain = from_base64(body.string_or("plaintext", "?"));
    const auto aad = from_base64(body.string_or("associated_data", ""));
    if (!plain || !aad) return error(400, "failed to base64-decode");
    Bytes sealed(12 + plain->size() + 16);
    random_.fill(std::span(sealed).first(12));
    if (!crypto::primitives::aes256_gcm_seal(versions_.at(latest()), ByteView(sealed).first(12),
                                             *aad, *plain, std::span(sealed).subspan(12))) {
      return error(500, "internal");
    }
    return data(Json::object(
        {{"ciphertext", "vault:v" + std::to_string(latest()) + ":" + to_base64(sealed)},
         {"key_version", latest()}}));
  }

  Response decrypt(const Json& body) {
    const std::string text = body.string_or("ciphertext", "");
    const auto colon = text.find(':', 7);
    if (!text.starts_with("vault:v") || colon == std::string::npos)
      return error(400, "invalid ciphertext: no prefix");
    const auto version = std::atoll(text.substr(7, colon - 7).c_str());
    const auto sealed = from_base64(text.substr(colon + 1));
    const auto aad = from_base64(body.string_or("associated_data", ""));
    if (!sealed || !aad || sealed->size() < 28) return error(400, "invalid ciphertext");
    if (version < min_decryption_)
      return error(400, "ciphertext or signature version is disallowed");
    const auto key = versions_.find(version);
    if (key == versions_.end()) return error(400, "invalid ciphertext: version is too new");
    Bytes plain(sealed->size() - 28);
    if (!crypto::primitives::aes256_gcm_open(key->second, ByteView(*sealed).first(12), *aad,
                                             ByteView(*sealed).subspan(12), plain)) {
      return error(400, "cipher: message authentication failed");
    }
    return data(Json::object({{"plaintext", to_base64(plain)}}));
  }

  [[nodiscard]] std::int64_t latest() const { return versions_.rbegin()->first; }

  SystemRandom random_;
  std::mutex mutex_;
  std::map<std::int64_t, Bytes> versions_;  // all guarded by mutex_
  std::int64_t min_decryption_ = 1;
  std::int64_t min_encryption_ = 0;
  std::int64_t min_available_ = 0;
  int status_ = 0;
  std::string body_;
  std::unique_ptr<engine::LoopbackHttp> http_ = std::make_unique<engine::LoopbackHttp>(
      [this](const engine::LoopbackRequest& request) { return answer(request); });
};

}  // namespace rabt::keys::test
