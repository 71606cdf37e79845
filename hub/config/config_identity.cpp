#include <algorithm>
#include <array>

#include "hub/base/clock.hpp"
#include "hub/base/suggest.hpp"
#include "hub/config/config_reader.hpp"
#include "hub/net/url.hpp"

// The section `identity`: who signs in how, and whose tokens are trusted.
namespace rabt::config {

namespace {

void read_roles(Reader& reader, const YamlNode& node, std::string_view key, identity::Roles& out) {
  const YamlEntry* entry = node.find(key);
  if (entry == nullptr) return;
  std::vector<std::string> names;
  reader.texts(node, key, names);
  out = {};
  for (const std::string& name : names) {
    if (const auto role = identity::parse_role(name)) {
      out.add(*role);
    } else {
      reader.mistake(
          entry->line, entry->column,
          "`" + std::string(key) + "` names an unknown role; docs/identity.md lists them");
    }
  }
}

// A text, or the word `absent`, which leaves `out` empty. Required, so that nobody forgets it.
void read_claim(Reader& reader, const YamlNode& node, std::string_view key, std::string& out) {
  reader.text(node, key, out, true);
  if (out == "absent") out.clear();
}

void read_role_map(Reader& reader, const YamlNode& node,
                   std::map<std::string, identity::Role>& out) {
  const YamlEntry* map = node.find("role_map");
  if (map == nullptr || !reader.mapping(*map->value, "`role_map`")) return;
  for (const YamlEntry& entry : map->value->entries) {
    std::string name;
    reader.text(*map->value, entry.key, name);
    const auto role = identity::parse_role(name);
    if (role) {
      out.emplace(entry.key, *role);
    } else {
      reader.mistake(entry.line, entry.column,
                     "`role_map` leads to an unknown role; docs/identity.md lists them");
    }
  }
}

void read_claims(Reader& reader, const YamlNode& node, identity::IssuerOptions& out) {
  const YamlEntry* claims = node.find("claims");
  if (claims != nullptr && reader.mapping(*claims->value, "`claims`")) {
    reader.only(*claims->value, {"subject", "roles", "name"});
    reader.text(*claims->value, "subject", out.subject_claim);
    reader.text(*claims->value, "roles", out.roles_claim);
    reader.text(*claims->value, "name", out.name_claim);
  }
  read_role_map(reader, node, out.role_map);
}

// Algorithms of signatures that keys of an issuer may be used with.
constexpr std::array<std::string_view, 6> kAlgorithms{"RS256", "PS256", "ES256",
                                                      "RS384", "ES384", "EdDSA"};
void read_algorithms(Reader& reader, const YamlEntry& named,
                     std::span<const std::string_view> taken, std::vector<std::string>& out) {
  const YamlNode& node = *named.value;
  reader.texts(node, "algs", out);
  for (const std::string& text : out) {
    if (std::find(taken.begin(), taken.end(), text) != taken.end()) continue;
    const std::vector<std::string> names(taken.begin(), taken.end());
    reader.mistake(node.line, node.column,
                   "`algs` lists what its keys may be used with: " + listed(names));
  }
  if (out.empty()) reader.mistake(named.line, named.column, "an issuer of this kind needs `algs`");
}

// An address that only TLS protects; without it, of this machine alone.
bool is_protected(std::string_view url) {
  return url.starts_with("https://") || url.starts_with("http://127.0.0.1:");
}

constexpr std::int64_t kMaxGraceMs = 7LL * 24 * 3600 * kSecondMs;

OidcEntry read_oidc(Reader& reader, const YamlEntry& named) {
  const YamlNode& node = *named.value;
  OidcEntry entry;
  identity::OidcOptions& out = entry.options;
  out.name = named.key;
  reader.only(node, {"kind", "issuer", "client_id", "client_secret", "client_key", "algs", "scope",
                     "provision", "claims", "role_map", "may_grant", "strong_acr", "tenant",
                     "hosts", "stale_grace", "display"});
  if (reader.url(node, "issuer", out.issuer, true) && !is_protected(out.issuer))
    reader.mistake(named.line, named.column, "`issuer` must be an https address");
  reader.text(node, "client_id", out.client_id, true);
  const YamlEntry* secret = node.find("client_secret");
  const YamlNode* key = reader.section(node, "client_key");
  if ((secret == nullptr) == (key == nullptr)) {
    reader.mistake(named.line, named.column,
                   "an issuer of this kind needs `client_secret` or `client_key`");
  } else if (secret != nullptr) {
    entry.secret = reader.secret(*secret->value);
  } else {
    reader.only(*key, {"file", "alg", "kid"});
    reader.path(*key, "file", entry.secret.file, true);
    out.key_algorithm = "ES384";
    reader.choice(*key, "alg", {"ES384", "RS384"}, out.key_algorithm);
    reader.text(*key, "kid", out.key_id);
  }
  read_algorithms(reader, named, kAlgorithms, out.algorithms);
  reader.text(node, "scope", out.scope);
  reader.flag(node, "provision", out.provision);
  if (const YamlNode* claims = reader.section(node, "claims"); claims != nullptr) {
    reader.only(*claims, {"roles", "name"});
    reader.text(*claims, "roles", out.roles_claim);
    reader.text(*claims, "name", out.name_claim);
  }
  read_role_map(reader, node, out.role_map);
  read_roles(reader, node, "may_grant", out.may_grant);
  reader.texts(node, "strong_acr", out.strong_acr);
  if (const YamlNode* tenant = reader.section(node, "tenant"); tenant != nullptr) {
    reader.only(*tenant, {"claim", "value"});
    reader.text(*tenant, "claim", out.tenant_claim, true);
    reader.text(*tenant, "value", out.tenant_value, true);
  }
  reader.texts(node, "hosts", entry.hosts);
  reader.span(node, "stale_grace", kMaxGraceMs, out.stale_grace_ms);
  if (const YamlNode* display = reader.section(node, "display"); display != nullptr) {
    reader.only(*display, {"ar", "en"});
    for (const char* const language : {"ar", "en"}) {
      std::string text;
      reader.text(*display, language, text);
      if (!text.empty()) entry.display[language] = std::move(text);
    }
  }
  return entry;
}

IssuerEntry read_issuer(Reader& reader, const YamlEntry& named) {
  const YamlNode& node = *named.value;
  IssuerEntry entry;
  identity::IssuerOptions& out = entry.options;
  out.name = named.key;
  out.subject_system = named.key;
  if (!reader.mapping(node, "an issuer")) return entry;
  std::string kind;
  reader.text(node, "kind", kind, true);
  const bool shared = kind == "shared-secret";
  if (shared) {
    reader.only(
        node, {"kind", "secret", "issuer", "audience", "typ", "max_lifetime", "claims", "role_map",
               "may_grant", "subject_system", "subject_numbers", "strong_acr", "second_factor"});
    const YamlEntry* secret = node.find("secret");
    if (secret == nullptr) {
      reader.mistake(named.line, named.column, "an issuer of this kind needs `secret`");
    } else {
      entry.secret = reader.secret(*secret->value);
    }
  } else {
    reader.only(node, {"kind", "jwks", "algs", "issuer", "audience", "typ", "max_lifetime",
                       "claims", "role_map", "may_grant", "subject_system", "subject_numbers",
                       "stale_grace", "strong_acr", "second_factor"});
    if (!kind.empty() && kind != "jwks")
      reader.mistake(node.line, node.column, "`kind` must be shared-secret, jwks or oidc");
    read_issuer_keys(reader, named, kAlgorithms, entry);
  }
  read_claim(reader, node, "issuer", out.issuer);
  read_claim(reader, node, "audience", out.audience);
  reader.text(node, "typ", out.type);
  reader.text(node, "subject_system", out.subject_system);
  reader.flag(node, "subject_numbers", out.subject_numbers);
  reader.texts(node, "strong_acr", out.strong_acr);
  reader.flag(node, "second_factor", out.second_factor);
  reader.span(node, "max_lifetime", identity::kMaxTokenLifetimeMs, out.max_lifetime_ms);
  read_roles(reader, node, "may_grant", out.may_grant);
  // Every service that checks such tokens has the secret, and could make itself one of these.
  const identity::Roles strong =
      out.may_grant.among({identity::Role::admin, identity::Role::security_officer});
  if (shared && !strong.names().empty()) {
    reader.mistake(node.line, node.column,
                   "`may_grant` of a shared secret must not hold " + listed(strong.names()) +
                       "; administrators and security officers sign in at the hub or at an issuer "
                       "with keys of its own");
  }
  read_claims(reader, node, out);
  return entry;
}

// Bytes of memory that argon2 may take: below this it is too weak, above it too much for a hub.
constexpr int kMinMiB = 19;
constexpr int kMaxMiB = 1024;

// Browsers compare it with the host of the page, letter by letter, and make no passkeys for
// numbers.
void read_passkey_host(Reader& reader, const YamlNode& passkeys, std::string& out) {
  reader.text(passkeys, "host", out);
  const YamlEntry* entry = passkeys.find("host");
  if (entry == nullptr || !entry->value->is_text()) return;
  const auto url = net::parse_host(out);
  if (url.ok() && !url->literal && url->host == out) return;
  reader.mistake(entry->line, entry->column,
                 "`host` of passkeys must be the name of a host in lower case, without scheme and "
                 "port, such as rabt.example.sa");
}

void read_accounts(Reader& reader, const YamlNode& identity, identity::AccountOptions& out) {
  if (const YamlNode* local = reader.section(identity, "local"); local != nullptr) {
    reader.only(*local, {"enabled", "password", "argon2", "second_factor"});
    reader.flag(*local, "enabled", out.enabled);
    read_roles(reader, *local, "second_factor", out.second_factor);
    if (const YamlNode* password = reader.section(*local, "password"); password != nullptr) {
      reader.only(*password, {"min", "blocklist", "max_days"});
      reader.path(*password, "blocklist", out.blocklist_file);
      reader.integer(*password, "min", 8, 64, out.min_password);
      int days = 0;
      reader.integer(*password, "max_days", 1, 3'660, days);
      out.max_password_ms = days * 24LL * 3600 * kSecondMs;
    }
    if (const YamlNode* argon2 = reader.section(*local, "argon2"); argon2 != nullptr) {
      reader.only(*argon2, {"memory_mib", "time", "lanes"});
      int memory = static_cast<int>(out.memory_kib / 1024);
      int time = static_cast<int>(out.time);
      int lanes = static_cast<int>(out.lanes);
      reader.integer(*argon2, "memory_mib", kMinMiB, kMaxMiB, memory);
      reader.integer(*argon2, "time", 2, 20, time);
      reader.integer(*argon2, "lanes", 1, 8, lanes);
      out.memory_kib = static_cast<std::uint32_t>(memory) * 1024;
      out.time = static_cast<std::uint32_t>(time);
      out.lanes = static_cast<std::uint32_t>(lanes);
    }
  }
  if (const YamlNode* passkeys = reader.section(identity, "passkeys"); passkeys != nullptr) {
    reader.only(*passkeys, {"host", "origins"});
    read_passkey_host(reader, *passkeys, out.passkey_host);
    reader.origins(*passkeys, "origins", out.passkey_origins);
  }
  const YamlNode* sessions = reader.section(identity, "sessions");
  if (sessions == nullptr) return;
  reader.only(*sessions, {"idle", "idle_in_consultation", "absolute", "per_person", "step_up"});
  reader.span(*sessions, "step_up", 60LL * 60 * kSecondMs, out.step_up_ms);
  reader.span(*sessions, "idle", 60LL * 60 * kSecondMs, out.idle_ms);
  reader.span(*sessions, "idle_in_consultation", 60LL * 60 * kSecondMs,
              out.idle_in_consultation_ms);
  reader.span(*sessions, "absolute", 24LL * 3600 * kSecondMs, out.absolute_ms);
  reader.integer(*sessions, "per_person", 1, 50, out.sessions_per_person);
}

void read_second_person(Reader& reader, const YamlNode& identity,
                        identity::SecondPersonOptions& out) {
  const YamlNode* node = reader.section(identity, "two_person");
  if (node == nullptr) return;
  reader.only(*node, {"acts", "within"});
  reader.span(*node, "within", kMaxGraceMs, out.within_ms);
  if (node->find("acts") == nullptr) return;
  out.acts.clear();
  reader.texts(*node, "acts", out.acts);
  for (const std::string& name : out.acts) {
    const bool listed =
        std::any_of(identity::kSecondPersonActs.begin(), identity::kSecondPersonActs.end(),
                    [&](const identity::SecondPersonAct& act) { return act.name == name; });
    if (listed) continue;
    const YamlEntry& entry = *node->find("acts");
    reader.mistake(entry.line, entry.column,
                   "`acts` names an unknown act; docs/identity.md lists them");
    return;
  }
}

}  // namespace

void read_issuer_keys(Reader& reader, const YamlEntry& named,
                      std::span<const std::string_view> taken, IssuerEntry& entry) {
  const YamlNode& node = *named.value;
  const YamlEntry* place = node.find("jwks");
  if (place != nullptr && place->value->kind == YamlNode::Kind::mapping) {
    entry.jwks_place = reader.secret(*place->value);
  } else {
    std::string jwks;
    reader.text(node, "jwks", jwks, true);
    if (is_protected(jwks)) {
      reader.url(node, "jwks", entry.options.jwks_url);
    } else if (jwks.find("://") != std::string::npos) {
      reader.mistake(node.line, node.column, "`jwks` must be a file, or an https address");
    } else if (!jwks.empty()) {
      entry.jwks = reader.absolute(jwks);
    }
  }
  reader.span(node, "stale_grace", kMaxGraceMs, entry.options.stale_grace_ms);
  read_algorithms(reader, named, taken, entry.options.algorithms);
}

void read_identity(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* identity = reader.section(root, "identity");
  if (identity == nullptr) return;
  reader.only(*identity, {"issuers", "local", "sessions", "passkeys", "two_person", "separation"});
  read_accounts(reader, *identity, config.identity.accounts);
  read_second_person(reader, *identity, config.identity.second_person);
  std::string separation = "strict";
  reader.choice(*identity, "separation", {"strict", "off"}, separation);
  config.identity.separate_roles = separation != "off";
  const YamlEntry* issuers = identity->find("issuers");
  if (issuers == nullptr || !reader.mapping(*issuers->value, "`identity.issuers`")) return;
  for (const YamlEntry& entry : issuers->value->entries) {
    const YamlEntry* kind =
        entry.value->kind == YamlNode::Kind::mapping ? entry.value->find("kind") : nullptr;
    std::string name;
    if (kind != nullptr) reader.text(*entry.value, "kind", name);
    if (name == "oidc") {
      config.identity.oidc.push_back(read_oidc(reader, entry));
    } else {
      config.identity.issuers.push_back(read_issuer(reader, entry));
    }
  }
}

}  // namespace rabt::config
