// rabt.secrets/1 and rabt.sign/1: they touch no part of the hub.

#include <algorithm>

#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

struct Services::Secrets {
  static std::int32_t get(void* raw, const char* name, void* context, rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr) return 1;
    sink(context, bytes(secret->expose()));
    return 0;
  } catch (...) {
    return 2;
  }

  static std::int32_t hmac(void* raw, const char* name, const char* algorithm, rabt_bytes data,
                           void* context, rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr || algorithm == nullptr) return 1;
    const std::string_view wish(algorithm);
    if (wish != "sha1" && wish != "sha256") return 2;
    const Bytes mac = wish == "sha1" ? crypto::hmac_sha1(secret->expose(), view(data))
                                     : crypto::hmac_sha256(secret->expose(), view(data));
    sink(context, bytes(ByteView(mac)));
    return 0;
  } catch (...) {
    return 3;
  }

  static std::int32_t jwt(void* raw, const char* name, const char* algorithm,
                          rabt_bytes header_json, rabt_bytes claims_json, void* context,
                          rabt_sink sink) noexcept try {
    Instance& self = of(raw);
    const SecretBytes* secret = name == nullptr ? nullptr : self.secret(name);
    if (secret == nullptr || algorithm == nullptr) return 1;
    // As rabt.sign/1 says, so that a plugin of today runs with each hub that has this service.
    const std::string_view wish(algorithm);
    if (wish != "HS256" && wish != "RS384" && wish != "ES384") return 2;
    const std::string_view header =
        header_json.len == 0 ? std::string_view("{}") : view(header_json);
    const auto token = crypto::sign_jwt(secret->expose(), algorithm, header, view(claims_json));
    if (!token.ok()) return 2;
    sink(context, bytes(*token));
    return 0;
  } catch (...) {
    return 3;
  }
};

void Services::fill_secrets(Instance& self) {
  self.offered_.secrets = {sizeof self.offered_.secrets, 0, &self, &Secrets::get};
  self.offered_.sign = {sizeof self.offered_.sign, 0, &self, &Secrets::hmac, &Secrets::jwt};
}

const SecretBytes* Instance::secret(std::string_view name) const {
  const auto& declared = setup_.package.manifest.secrets;
  if (std::find(declared.begin(), declared.end(), name) == declared.end()) return nullptr;
  const auto found = setup_.config.secrets.find(std::string(name));
  return found == setup_.config.secrets.end() ? nullptr : found->second.get();
}

}  // namespace rabt::plugin
