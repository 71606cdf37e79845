#include "hub/keys/vault_root.hpp"

#include <algorithm>
#include <future>

#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/base/json.hpp"
#include "hub/crypto/key_wrap.hpp"

// developer.hashicorp.com/vault/api-docs/secret/transit
namespace rabt::keys {

namespace {

constexpr std::int64_t kTimeoutMs = 5000;  // an act waits for it: longer helps nobody
constexpr std::size_t kMaxAnswer = 64U << 10U;
constexpr std::size_t kMaxName = 128;

bool is_name(std::string_view text, bool slashes) {
  return !text.empty() && text.size() <= kMaxName && text.front() != '/' && text.back() != '/' &&
         text.find("..") == std::string_view::npos &&
         std::all_of(text.begin(), text.end(), [slashes](char c) {
           return is_alnum(c) || c == '-' || c == '_' || c == '.' || (slashes && c == '/');
         });
}

class VaultRoot final : public crypto::RootProvider {
 public:
  VaultRoot(VaultOptions options, net::HttpClient& http, net::AllowList allow)
      : options_(std::move(options)),
        http_(http),
        allow_(std::make_shared<const net::AllowList>(std::move(allow))) {}

  [[nodiscard]] std::string kind() const override { return "vault"; }
  // Not the address: Vault may move.
  [[nodiscard]] std::string id() const override {
    return (options_.name_space.empty() ? "" : options_.name_space + "/") + options_.mount + "/" +
           options_.key;
  }

  Result<std::uint32_t> version() override {
    RABT_TRY(key, ask("GET", "keys/" + options_.key, Json()));
    return number(key, "latest_version");
  }
  Result<std::uint32_t> oldest_version() override {
    RABT_TRY(key, ask("GET", "keys/" + options_.key, Json()));
    return number(key, "min_decryption_version");
  }

  Result<Wrapped> wrap(ByteView key, std::string_view context) override {
    RABT_TRY(answer, ask("POST", "encrypt/" + options_.key,
                         Json::object({{"plaintext", to_base64(key)},
                                       {"associated_data", to_base64(as_bytes(context))}})));
    // "vault:v<version>:<base64>"
    Wrapped out{0, answer.string_or("ciphertext", "")};
    const auto colon = out.bytes.find(':', 7);
    if (out.bytes.starts_with("vault:v") && colon != std::string::npos && colon < 7 + 10) {
      std::uint64_t version = 0;
      bool digits = colon > 7;
      for (std::size_t at = 7; at < colon; ++at) {
        digits = digits && out.bytes[at] >= '0' && out.bytes[at] <= '9';
        version = version * 10 + static_cast<std::uint64_t>(out.bytes[at] - '0');
      }
      if (digits && version > 0 && version <= UINT32_MAX)
        out.version = static_cast<std::uint32_t>(version);
    }
    if (out.version == 0 || out.bytes.size() > kMaxName * 4) return strange();
    return out;
  }

  Result<SecretBytes> unwrap(const Wrapped& wrapped, std::string_view context) override {
    const auto bad = [] {
      return corrupt("crypto.unwrap",
                     "a key of the keyring does not unwrap in Vault: changed bytes, a version that "
                     "was destroyed, or another key than the one it was wrapped with");
    };
    if (!wrapped.bytes.starts_with("vault:v" + std::to_string(wrapped.version) + ":")) return bad();
    auto answer = ask("POST", "decrypt/" + options_.key,
                      Json::object({{"ciphertext", wrapped.bytes},
                                    {"associated_data", to_base64(as_bytes(context))}}));
    // 400 is how Vault says that a ciphertext is not good for this key.
    if (!answer.ok() && answer.error().code == "keys.vault_refused") return bad();
    if (!answer.ok()) return answer.error();
    const Json* text = answer->find("plaintext");
    auto key = text != nullptr && text->is_string() ? from_base64(text->as_string())
                                                    : std::optional<Bytes>();
    if (!key || key->size() != crypto::kWrapKeyBytes) return bad();
    return SecretBytes(std::move(*key));
  }

  Result<std::uint32_t> rotate() override {
    RABT_TRY(done, ask("POST", "keys/" + options_.key + "/rotate", Json::object({})));
    (void)done;
    return version();
  }

  Status destroy_below(std::uint32_t version) override {
    RABT_TRY(newest, this->version());
    if (version > newest)
      return invalid("crypto.root_version", "the newest version of the root is not destroyed");
    // First nothing old is taken, then it is destroyed: trim refuses the other order.
    RABT_TRY(set,
             ask("POST", "keys/" + options_.key + "/config",
                 Json::object({{"min_decryption_version", static_cast<std::int64_t>(version)},
                               {"min_encryption_version", static_cast<std::int64_t>(version)}})));
    (void)set;
    RABT_TRY(trimmed,
             ask("POST", "keys/" + options_.key + "/trim",
                 Json::object({{"min_available_version", static_cast<std::int64_t>(version)}})));
    (void)trimmed;
    return ok_status();
  }

 private:
  [[nodiscard]] Error strange() const {
    return unavailable("keys.root", "Vault at " + options_.url +
                                        " gave an answer that is not the "
                                        "transit engine's");
  }
  [[nodiscard]] Result<std::uint32_t> number(const Json& object, std::string_view name) const {
    const std::int64_t value = object.int_or(name, 0);
    if (value < 1 || value > UINT32_MAX) return strange();
    return static_cast<std::uint32_t>(value);
  }

  // The member `data` of the answer; an empty object when there is none. Errors: unavailable
  // keys.root, unavailable keys.vault_denied (a token that has expired is the operator's to
  // replace: whoever sends to the hub meanwhile may try again), invalid keys.vault_refused (400).
  [[nodiscard]] Result<Json> ask(const std::string& method, const std::string& path,
                                 const Json& body) {
    net::Request request{.method = method,
                         .url = options_.url + "/v1/" + options_.mount + "/" + path,
                         .timeout_ms = kTimeoutMs,
                         .max_response_bytes = kMaxAnswer,
                         .tls = options_.tls};
    request.headers = {{"X-Vault-Token", std::string(options_.token->expose_text())},
                       {"X-Vault-Request", "true"}};
    if (!options_.name_space.empty())
      request.headers.emplace_back("X-Vault-Namespace", options_.name_space);
    if (!body.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = body.dump();
    }
    std::promise<net::Response> promise;
    auto answered = promise.get_future();
    (void)http_.start(std::move(request), allow_, [&promise](net::Response response) {
      promise.set_value(std::move(response));
    });
    const net::Response response = answered.get();
    if (response.status == 0) {
      return unavailable("keys.root", "Vault at " + options_.url + " does not answer (" +
                                          response.error_code + "): " + response.error_message);
    }
    // Vault's error texts may quote the request: only the status is told.
    if (response.status == 400)
      return invalid("keys.vault_refused", "Vault refuses the request for the key " + options_.key);
    if (response.status == 403 || response.status == 404) {
      return unavailable("keys.vault_denied",
                         "Vault at " + options_.url + " answers " +
                             std::to_string(response.status) + " for " + options_.mount + "/" +
                             options_.key + "; look at the token's policy and at the key's name");
    }
    if (response.status < 200 || response.status > 299) {
      return unavailable("keys.root", "Vault at " + options_.url + " answers " +
                                          std::to_string(response.status) +
                                          (response.status == 503 ? ": it is sealed" : ""));
    }
    if (response.body.empty()) return Json::object({});
    auto answer = Json::parse(response.body);
    if (!answer.ok() || !answer->is_object()) return strange();
    const Json* data = answer->find("data");
    return data != nullptr && data->is_object() ? *data : Json::object({});
  }

  const VaultOptions options_;
  net::HttpClient& http_;
  const std::shared_ptr<const net::AllowList> allow_;
};

}  // namespace

Result<std::unique_ptr<crypto::RootProvider>> open_vault_root(VaultOptions options,
                                                              net::HttpClient& http) {
  RABT_CHECK(options.token != nullptr);
  while (!options.url.empty() && options.url.back() == '/') options.url.pop_back();
  if (!is_name(options.mount, true) || !is_name(options.key, false) ||
      (!options.name_space.empty() && !is_name(options.name_space, true))) {
    return invalid("keys.vault",
                   "mount, key and namespace of Vault have letters, digits, `-`, `_` and `.`");
  }
  // The operator's own address, also inside his network; plain http only where he wrote it.
  auto allow = net::AllowList::make({options.url}, true);
  if (!allow.ok()) return invalid("keys.vault", "the URL of Vault: " + allow.error().message);
  return std::unique_ptr<crypto::RootProvider>(
      std::make_unique<VaultRoot>(std::move(options), http, std::move(*allow)));
}

}  // namespace rabt::keys
