#include "hub/identity/clients.hpp"

#include <Poco/Checksum.h>

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/printable.hpp"
#include "hub/base/split.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/act_entry.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/numeric_date.hpp"
#include "hub/identity/remote_keys.hpp"
#include "hub/identity/statements.hpp"
#include "hub/net/url.hpp"

namespace rabt::identity {

namespace {

constexpr std::string_view kKeyPrefix = "rabt_live_";
constexpr std::string_view kClientTokenPrefix = "rabt_t_";
constexpr std::string_view kKeyPepper = "client-key-pepper/1";
constexpr std::size_t kIdLetters = 10;
constexpr std::size_t kSecretLetters = 43;
constexpr std::size_t kChecksumLetters = 6;
constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kMaxName = 200;
constexpr std::size_t kMaxNetworks = 32;
constexpr std::size_t kMaxClientKeys = 16;
constexpr std::size_t kMaxJwksBytes = 64U << 10U;
// An assertion: longest life, and how far clocks may differ.
constexpr std::int64_t kAssertionMs = 5 * kMinuteMs;
constexpr std::int64_t kSkewMs = kMinuteMs;
constexpr std::size_t kMaxAssertion = 8U << 10U;
constexpr std::size_t kMaxJti = 256;
constexpr std::size_t kMaxCertificates = 8;
constexpr std::size_t kMaxAlternativeName = 512;
constexpr std::string_view kDigest = "x5t#S256:";
constexpr std::string_view kUri = "uri:";
constexpr std::string_view kDns = "dns:";
// SHA-256 in base64url without padding.
constexpr std::size_t kDigestLetters = 43;

const std::vector<std::string>& assertion_algorithms() {
  static const std::vector<std::string> kAll{"RS384", "ES384", "RS256", "PS256",
                                             "PS384", "ES256", "EdDSA"};
  return kAll;
}

// CRC-32 of zlib in base 62, as a scanner of leaked keys computes it.
std::string checksum(std::string_view text) {
  Poco::Checksum crc(Poco::Checksum::TYPE_CRC32);
  crc.update(text.data(), static_cast<unsigned>(text.size()));
  std::uint32_t rest = crc.checksum();
  std::string out(kChecksumLetters, '0');
  for (auto letter = out.rbegin(); letter != out.rend(); ++letter) {
    *letter = kBase62[rest % kBase62.size()];
    rest /= static_cast<std::uint32_t>(kBase62.size());
  }
  return out;
}

// Letters of base 62, each as probable as the others.
std::string random_letters(Random& random, std::size_t count) {
  std::string out;
  while (out.size() < count) {
    std::array<std::uint8_t, 64> bytes{};
    random.fill(bytes);
    for (const std::uint8_t byte : bytes) {
      constexpr unsigned kFair = 256 / 62 * 62;
      if (byte < kFair && out.size() < count) out.push_back(kBase62[byte % kBase62.size()]);
    }
  }
  return out;
}

template <typename List>
std::string joined(const List& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

Roles roles_of(std::string_view text) {
  Roles out;
  for (const std::string& word : split(text, ' ')) {
    if (const auto role = parse_role(word)) out.add(*role);
  }
  return out;
}

struct Network {
  net::IpAddress address;
  int bits = 0;
};

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = net::parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = address->v6 ? 128 : 32;
  int bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    if (digits.empty() || digits.size() > 3) return std::nullopt;
    bits = 0;
    for (const char digit : digits) {
      if (!is_digit(digit)) return std::nullopt;
      bits = bits * 10 + (digit - '0');
    }
    if (bits > most) return std::nullopt;
  }
  return Network{*address, bits};
}

bool holds(const Network& network, const net::IpAddress& address) {
  if (network.address.v6 != address.v6) return false;
  for (int bit = 0; bit < network.bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const unsigned mask = 0x80U >> static_cast<unsigned>(bit % 8);
    if (((network.address.bytes[at] ^ address.bytes[at]) & mask) != 0) return false;
  }
  return true;
}

bool may_call_from(const std::vector<std::string>& networks, std::string_view address) {
  if (networks.empty()) return true;
  const auto ip = net::parse_ip(address);
  return ip && std::any_of(networks.begin(), networks.end(), [&](const std::string& text) {
           const auto network = parse_network(text);
           return network && holds(*network, *ip);
         });
}

// Authenticator::again() has no address, and what a client opened from its network stays open. Each
// request has one: that of a Unix socket is "local".
bool is_outside(const std::vector<std::string>& networks, std::string_view address) {
  return !address.empty() && !may_call_from(networks, address);
}

Error unfit(std::string message) {
  return invalid("api.invalid", std::move(message));
}
Error unknown_client() {
  return not_found("client.unknown", "there is no such client");
}
Error unproven(std::string why) {
  return denied("auth.client", std::move(why));
}

Status check_id(std::string_view id) {
  const bool good = id.size() >= 2 && id.size() <= 40 && is_alnum(id.front()) &&
                    is_alnum(id.back()) &&
                    std::all_of(id.begin(), id.end(),
                                [](char c) { return is_lower(c) || is_digit(c) || c == '-'; }) &&
                    id != kApiTokenClient;
  if (good) return ok_status();
  return unfit("id: must be 2 to 40 small letters, digits and hyphens, and not `api-token`");
}

bool names_certificate(std::string_view text) {
  const bool plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!plain || text.size() > kMaxAlternativeName) return false;
  if (text.starts_with(kDigest)) {
    const auto digest = crypto::from_base64url(text.substr(kDigest.size()));
    return text.size() == kDigest.size() + kDigestLetters && digest && digest->size() == 32;
  }
  for (const std::string_view kind : {kUri, kDns})
    if (text.starts_with(kind)) return text.size() > kind.size() && text.find('*') == text.npos;
  return false;
}

Status check_change(const ClientChange& wanted) {
  if (wanted.certificates) {
    const auto& all = *wanted.certificates;
    if (all.size() > kMaxCertificates || !std::all_of(all.begin(), all.end(), names_certificate))
      return unfit(
          "certificates: at most 8, each `x5t#S256:` with the digest of one, or `uri:` or `dns:` "
          "with an alternative name as it stands in it");
  }
  if (wanted.name && (wanted.name->size() > kMaxName || !is_utf8(*wanted.name)))
    return unfit("name: must be a text of at most 200 bytes");
  if (wanted.roles && !(wanted.roles->among(kClientRoles) == *wanted.roles))
    return unfit(
        "roles: a client is admin, security_officer, engineer, operator, auditor or "
        "integration; whoever treats is a person");
  if (wanted.addresses) {
    if (wanted.addresses->size() > kMaxNetworks) return unfit("addresses: at most 32");
    for (const std::string& address : *wanted.addresses) {
      if (!parse_network(address))
        return unfit("addresses: each is an address or a network, such as 10.1.0.0/16");
    }
  }
  if (!wanted.jwks || wanted.jwks->is_null()) return ok_status();
  const Json& keys = (*wanted.jwks)["keys"];
  if (!keys.is_array() || keys.size() == 0 || keys.size() > kMaxClientKeys ||
      wanted.jwks->dump().size() > kMaxJwksBytes)
    return unfit("jwks: must be a JWK set of 1 to 16 keys");
  const auto read = keys_of_set(*wanted.jwks, assertion_algorithms());
  if (!read.ok()) return unfit("jwks: " + read.error().message);
  for (const crypto::JwsKey& key : *read) {
    if (key.id().empty()) return unfit("jwks: each key needs a `kid`");
  }
  return ok_status();
}

// As they are read: by name, each once.
std::vector<std::string> in_order(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Json detail_of(const Client& client) {
  Json roles = Json::array();
  for (const std::string& role : client.roles.names()) roles.push_back(role);
  return Json::object({{"roles", std::move(roles)},
                       {"active", client.active},
                       {"addresses", joined(client.addresses)},
                       {"certificates", joined(client.certificates)},
                       {"signs", !client.jwks.is_null()}});
}

std::string text_of(const Json& jwks) {
  return jwks.is_null() ? std::string() : jwks.dump();
}

// When the assertion ends, of claims that are all as they should be.
Result<std::int64_t> check_assertion(const Json& claims, std::string_view client,
                                     std::string_view token_url, std::int64_t now) {
  const Json own{std::string(client)};
  if (!(claims["iss"] == own) || !(claims["sub"] == own))
    return unproven("`iss` and `sub` are not both the client's id");
  const Json url{std::string(token_url)};
  const Json& audience = claims["aud"];
  const bool ours = audience == url || (audience.is_array() && audience.size() == 1 &&
                                        audience.as_array().front() == url);
  if (!ours) return unproven("`aud` is not the address of the token endpoint");
  const auto ends = numeric_date_ms(claims, "exp");
  if (!ends) return unproven("`exp` is missing or no date");
  if (*ends + kSkewMs <= now) return unproven("the assertion has expired");
  if (*ends > now + kAssertionMs + kSkewMs)
    return unproven("the assertion lives longer than 5 minutes");
  for (const std::string_view name : {"nbf", "iat"}) {
    if (claims.find(name) == nullptr) continue;
    const auto begins = numeric_date_ms(claims, name);
    if (!begins || *begins > now + kSkewMs) return unproven("the assertion is not good yet");
  }
  const std::string jti = claims.string_or("jti", "");
  if (jti.empty() || jti.size() > kMaxJti) return unproven("`jti` is missing or too long");
  return *ends;
}

Status read_certificates(store::Connection& connection, std::string_view tenant, Client& client) {
  client.certificates.clear();
  return connection.query(
      sql::kCertificatesOfClient, {tenant, client.id}, [&](const store::Row& row) {
        client.certificates.emplace_back(row.text(sql::kCertificatesOfClient["value"]));
        return true;
      });
}

Client read_client(const store::Row& row) {
  Client out;
  out.id = std::string(row.text(sql::kFindClient["id"]));
  out.name = std::string(row.text(sql::kFindClient["name"]));
  out.active = row.integer(sql::kFindClient["active"]) != 0;
  out.roles = roles_of(row.text(sql::kFindClient["roles"]));
  out.addresses = split(row.text(sql::kFindClient["addresses"]), ' ');
  if (!row.text(sql::kFindClient["jwks"]).empty()) {
    auto jwks = Json::parse(row.text(sql::kFindClient["jwks"]));
    if (jwks.ok()) out.jwks = *std::move(jwks);
  }
  out.version = row.integer(sql::kFindClient["version"]);
  return out;
}

}  // namespace

Clients::Clients(Parts parts, std::string tenant, std::string token_url)
    : parts_(parts), tenant_(std::move(tenant)), token_url_(std::move(token_url)) {}

Result<Client> Clients::find(std::string_view id) {
  std::optional<Client> found;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kFindClient, {tenant_, id}, [&](const store::Row& row) {
      found = read_client(row);
      return false;
    }));
    if (!found) return ok_status();
    return read_certificates(connection, tenant_, *found);
  }));
  if (!found) return unknown_client();
  return *std::move(found);
}

Result<std::vector<Client>> Clients::all() {
  std::vector<Client> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    out.clear();
    RABT_TRY_STATUS(connection.query(sql::kAllClients, {tenant_}, [&](const store::Row& row) {
      out.push_back(read_client(row));
      return true;
    }));
    for (Client& client : out) RABT_TRY_STATUS(read_certificates(connection, tenant_, client));
    return ok_status();
  }));
  return out;
}

Status Clients::put_certificates(store::Transaction& transaction, const Client& client) {
  RABT_TRY_STATUS(store::run(transaction, sql::kDropCertificates, {tenant_, client.id}));
  for (const std::string& certificate : client.certificates) {
    RABT_TRY(rows, transaction.execute(sql::kPutCertificate, {tenant_, certificate, client.id}));
    if (rows != 1)
      return conflict("client.certificate_taken", "another client is known by this certificate");
  }
  return ok_status();
}

Status Clients::write(const Caller& caller, std::string_view act, std::string_view id, Json detail,
                      const Writes& writes) {
  const auto entry =
      act_entry(parts_.audit, caller, tenant_, act, client_subject(id), "ok", std::move(detail));
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(writes(transaction));
    return parts_.audit.append(transaction, entry);
  });
}

Result<Client> Clients::create(const Caller& caller, std::string_view id,
                               const ClientChange& wanted) {
  RABT_TRY_STATUS(check_id(id));
  RABT_TRY_STATUS(check_change(wanted));
  Client client{.id = std::string(id),
                .name = tidy_line(wanted.name.value_or(std::string(id))),
                .active = wanted.active.value_or(true),
                .roles = wanted.roles.value_or(Roles{}),
                .addresses = wanted.addresses.value_or(std::vector<std::string>{}),
                .jwks = wanted.jwks.value_or(Json()),
                .certificates = in_order(wanted.certificates.value_or(std::vector<std::string>{}))};
  RABT_TRY_STATUS(write(
      caller, "client.created", id, detail_of(client),
      [&](store::Transaction& transaction) -> Status {
        const std::string roles = joined(client.roles.names());
        const std::string addresses = joined(client.addresses);
        const std::string jwks = text_of(client.jwks);
        RABT_TRY(rows,
                 transaction.execute(sql::kInsertClient,
                                     {tenant_, id, client.name, std::int64_t{client.active ? 1 : 0},
                                      roles, addresses, jwks, parts_.clock.now().ms}));
        if (rows == 1) return put_certificates(transaction, client);
        return conflict("client.taken", "there is a client with this id");
      }));
  return client;
}

Result<Client> Clients::change(const Caller& caller, std::string_view id,
                               const ClientChange& wanted) {
  RABT_TRY_STATUS(check_change(wanted));
  RABT_TRY(client, find(id));
  const auto other_version = [] {
    return conflict("precondition.failed",
                    "the record was changed meanwhile; read it again and repeat the change");
  };
  if (wanted.version && *wanted.version != client.version) return other_version();
  if (wanted.name) client.name = tidy_line(*wanted.name);
  if (wanted.active) client.active = *wanted.active;
  if (wanted.roles) client.roles = *wanted.roles;
  if (wanted.addresses) client.addresses = *wanted.addresses;
  if (wanted.jwks) client.jwks = *wanted.jwks;
  if (wanted.certificates) client.certificates = in_order(*wanted.certificates);
  RABT_TRY_STATUS(write(
      caller, "client.changed", id, detail_of(client),
      [&](store::Transaction& transaction) -> Status {
        const std::string roles = joined(client.roles.names());
        const std::string addresses = joined(client.addresses);
        const std::string jwks = text_of(client.jwks);
        RABT_TRY(rows,
                 transaction.execute(sql::kChangeClient, {tenant_, id, client.version, client.name,
                                                          std::int64_t{client.active ? 1 : 0},
                                                          roles, addresses, jwks}));
        if (rows != 1) return other_version();
        RABT_TRY_STATUS(put_certificates(transaction, client));
        RABT_TRY_STATUS(store::run(transaction, sql::kEndClientTokens, {tenant_, id}));
        return raise_epoch(transaction, tenant_, client_subject(id));
      }));
  ++client.version;
  return client;
}

Result<std::vector<ClientKey>> Clients::keys(std::string_view id) {
  RABT_TRY_STATUS(find(id));
  std::vector<ClientKey> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kKeysOfClient, {tenant_, id}, [&](const store::Row& row) {
      out.push_back({std::string(row.text(sql::kKeysOfClient["id"])),
                     row.integer(sql::kKeysOfClient["created_ms"]),
                     row.integer(sql::kKeysOfClient["ends_ms"]),
                     row.integer(sql::kKeysOfClient["used_day"])});
      return true;
    });
  }));
  return out;
}

Result<std::string> Clients::mac(std::string_view id, std::string_view secret) const {
  RABT_TRY(pepper, parts_.keyring.purpose_key(tenant_, kKeyPepper));
  const Bytes digest =
      crypto::hmac_sha256(pepper.expose(), std::string(id) + "/" + std::string(secret));
  return std::string(as_text(digest));
}

Result<Clients::NewKey> Clients::add_key(const Caller& caller, std::string_view id,
                                         std::int64_t life_ms) {
  if (life_ms <= 0 || life_ms > kMaxKeyLifeMs) return unfit("days: a key lives for 1 to 365 days");
  RABT_TRY_STATUS(find(id));
  const std::int64_t now = parts_.clock.now().ms;
  NewKey out;
  out.key = {
      .id = random_letters(parts_.random, kIdLetters), .created_ms = now, .ends_ms = now + life_ms};
  const std::string secret = random_letters(parts_.random, kSecretLetters);
  out.text = std::string(kKeyPrefix) + out.key.id + "_" + secret;
  out.text += "_" + checksum(out.text);
  RABT_TRY(mac, mac(out.key.id, secret));
  RABT_TRY_STATUS(
      write(caller, "client.key_created", id,
            Json::object({{"key", out.key.id}, {"until", to_iso8601({out.key.ends_ms})}}),
            [&](store::Transaction& transaction) -> Status {
              RABT_TRY_STATUS(store::run(transaction, sql::kEndOldKeys, {tenant_, id, now}));
              std::int64_t count = 0;
              RABT_TRY_STATUS(
                  transaction.query(sql::kCountKeys, {tenant_, id}, [&](const store::Row& row) {
                    count = row.integer(sql::kCountKeys["count"]);
                    return false;
                  }));
              if (count >= kKeysOfClient)
                return conflict("client.keys", "the client has two keys; revoke one first");
              return store::run(transaction, sql::kInsertKey,
                                {tenant_, out.key.id, id, store::Blob{mac}, now, out.key.ends_ms});
            }));
  return out;
}

Status Clients::revoke_key(const Caller& caller, std::string_view id, std::string_view key) {
  return write(caller, "client.key_revoked", id, Json::object({{"key", key}}),
               [&](store::Transaction& transaction) -> Status {
                 RABT_TRY(rows, transaction.execute(sql::kDropKey, {tenant_, id, key}));
                 if (rows != 1)
                   return not_found("client.key_unknown", "the client has no such key");
                 return raise_epoch(transaction, tenant_, client_subject(id));
               });
}

bool Clients::is_credential(std::string_view text) {
  return text.starts_with(kKeyPrefix) || text.starts_with(kClientTokenPrefix);
}

Result<Principal> Clients::of_key(std::string_view text, bool only_look) {
  const std::string_view body = text.substr(kKeyPrefix.size());
  if (body.size() != kIdLetters + 1 + kSecretLetters + 1 + kChecksumLetters ||
      body[kIdLetters] != '_' || body[kIdLetters + 1 + kSecretLetters] != '_')
    return unauthenticated();
  const std::string_view id = body.substr(0, kIdLetters);
  const std::string_view secret = body.substr(kIdLetters + 1, kSecretLetters);
  const std::string_view sum = body.substr(kIdLetters + 1 + kSecretLetters + 1);
  // A key that was copied wrongly asks the database nothing.
  if (checksum(text.substr(0, text.size() - kChecksumLetters - 1)) != sum) return unauthenticated();
  std::string client;
  std::string stored;
  std::int64_t ends = 0;
  std::int64_t used_day = 0;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindKey, {tenant_, id}, [&](const store::Row& row) {
      client = std::string(row.text(sql::kFindKey["client"]));
      stored = std::string(row.blob(sql::kFindKey["mac"]));
      ends = row.integer(sql::kFindKey["ends_ms"]);
      used_day = row.integer(sql::kFindKey["used_day"]);
      return false;
    });
  }));
  RABT_TRY(expected, mac(id, secret));
  const std::int64_t now = parts_.clock.now().ms;
  if (client.empty() || !constant_time_equal(as_bytes(stored), as_bytes(expected)) || now >= ends)
    return unauthenticated();
  if (!only_look && used_day != now / kDayMs) {
    RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) {
      return store::run(transaction, sql::kUseKey, {tenant_, id, now / kDayMs});
    }));
  }
  return Principal{.kind = Kind::client, .tenant = tenant_, .id = client};
}

Result<Principal> Clients::of_token(std::string_view text,
                                    const crypto::PeerCertificate* certificate) {
  std::string bound;
  Principal out{.kind = Kind::client, .tenant = tenant_};
  std::int64_t ends = 0;
  const std::string hashed = crypto::sha256_bytes(text);
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindClientToken, {store::Blob{hashed}, tenant_},
                            [&](const store::Row& row) {
                              out.id = std::string(row.text(sql::kFindClientToken["client"]));
                              out.roles = roles_of(row.text(sql::kFindClientToken["roles"]));
                              ends = row.integer(sql::kFindClientToken["ends_ms"]);
                              bound = std::string(row.text(sql::kFindClientToken["certificate"]));
                              return false;
                            });
  }));
  const std::int64_t now = parts_.clock.now().ms;
  if (out.id.empty() || now >= ends) return unauthenticated();
  const bool held =
      certificate != nullptr && certificate->sha256 == bound && now < certificate->ends_ms;
  if (!bound.empty() && !held) return unauthenticated();
  return out;
}

Result<Principal> Clients::principal(std::string_view text, std::string_view address,
                                     bool only_look, const crypto::PeerCertificate* certificate) {
  const bool key = text.starts_with(kKeyPrefix);
  RABT_TRY(who, key ? of_key(text, only_look) : of_token(text, certificate));
  const auto client = find(who.id);
  if (!client.ok()) {
    return client.error().kind == ErrorKind::not_found ? unauthenticated() : client.error();
  }
  if (!client->active) return unauthenticated();
  if (!only_look && is_outside(client->addresses, address)) return unauthenticated();
  who.roles = key ? client->roles : who.roles.among(client->roles);
  return who;
}

Result<std::optional<Principal>> Clients::of_certificate(const crypto::PeerCertificate& certificate,
                                                         std::string_view address, bool only_look) {
  std::vector<std::string> names{std::string(kDigest) + certificate.sha256};
  for (const std::string& word : certificate.uris) names.push_back(std::string(kUri) + word);
  for (const std::string& text : certificate.dns) names.push_back(std::string(kDns) + text);
  std::string id;
  bool several = false;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    id.clear();
    several = false;
    for (const std::string& name : names) {
      RABT_TRY_STATUS(
          connection.query(sql::kFindCertificate, {tenant_, name}, [&](const store::Row& row) {
            several = several || (!id.empty() && row.text(sql::kFindCertificate["client"]) != id);
            id = std::string(row.text(sql::kFindCertificate["client"]));
            return false;
          }));
    }
    return ok_status();
  }));
  if (id.empty()) return std::optional<Principal>{};
  if (several || parts_.clock.now().ms >= certificate.ends_ms) return unauthenticated();
  RABT_TRY(client, find(id));
  if (!client.active) return unauthenticated();
  if (!only_look && is_outside(client.addresses, address)) return unauthenticated();
  return std::optional(
      Principal{.kind = Kind::client, .tenant = tenant_, .id = client.id, .roles = client.roles});
}

Result<Clients::Grant> Clients::grant(const Caller& by, std::string_view assertion,
                                      std::string_view scope,
                                      const crypto::PeerCertificate* certificate) {
  if (token_url_.empty())
    return unproven("set server.public_url: assertions name the address of the token endpoint");
  const auto jws = crypto::read_jws(assertion, kMaxAssertion);
  if (!jws.ok()) return unproven(jws.error().message);
  const auto claims = Json::parse(jws->payload, {.max_bytes = kMaxAssertion, .max_depth = 8});
  if (!claims.ok() || !claims->is_object()) return unproven("the claims are no JSON object");
  // Before verification this only says whose keys to try.
  const std::string id = claims->string_or("iss", "");
  const auto client = find(id);
  if (!client.ok()) {
    return client.error().kind == ErrorKind::not_found ? unproven("no such client")
                                                       : client.error();
  }
  if (!client->active || !client->jwks["keys"].is_array())
    return unproven("the client is disabled, or has no keys to sign with");
  if (!may_call_from(client->addresses, by.client))
    return unproven("the client may not call from this address");
  bool good = false;
  for (const Json& item : client->jwks["keys"].as_array()) {
    const auto key = crypto::JwsKey::from_jwk(item, assertion_algorithms());
    if (key.ok() && key->id() == jws->key_id && key->verifies(*jws)) good = true;
  }
  if (!good) return unproven("no key of the client made the signature");
  const std::int64_t now = parts_.clock.now().ms;
  RABT_TRY(ends, check_assertion(*claims, id, token_url_, now));
  Grant out{.token = {}, .expires_in = kClientTokenMs / 1000, .roles = client->roles};
  if (!scope.empty()) {
    out.roles = {};
    for (const std::string& word : split(scope, ' ')) {
      const auto role = parse_role(word);
      if (!role || !client->roles.has(*role))
        return invalid("auth.scope", "scope: names of roles that the client has");
      out.roles.add(*role);
    }
  }
  Bytes bytes(32, 0);
  parts_.random.fill(bytes);
  out.token = std::string(kClientTokenPrefix) + to_hex(bytes);
  const std::string hashed = crypto::sha256_bytes(out.token);
  const std::string once =
      crypto::sha256_bytes("assertion/" + id + "/" + claims->string_or("jti", ""));
  const Caller caller{.who = {.kind = Kind::client, .tenant = tenant_, .id = id},
                      .client = by.client,
                      .request = by.request};
  const std::string roles = joined(out.roles.names());
  const std::string bound = certificate != nullptr ? certificate->sha256 : std::string();
  RABT_TRY_STATUS(write(
      caller, "client.token", id, Json::object({{"roles", roles}}),
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(store::run(transaction, sql::kForgetOnce, {now}));
        RABT_TRY_STATUS(store::run(transaction, sql::kForgetClientTokens, {now}));
        RABT_TRY(rows,
                 transaction.execute(sql::kUseOnce, {tenant_, store::Blob{once}, ends + kSkewMs}));
        if (rows != 1) return unproven("the assertion was used before");
        return store::run(transaction, sql::kInsertClientToken,
                          {store::Blob{hashed}, tenant_, std::string_view(id), roles,
                           now + kClientTokenMs, std::string_view(bound)});
      }));
  return out;
}

}  // namespace rabt::identity
