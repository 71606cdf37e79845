#include <algorithm>
#include <array>

#include "hub/config/config_reader.hpp"

// The section `sources`.
namespace rabt::config {

namespace {

// Reads a list of addresses and networks, which `what` names in messages. False if it holds none.
bool read_networks(Reader& reader, const YamlEntry& named, const YamlNode& node,
                   std::string_view key, std::string_view what, std::optional<api::Proxies>& out) {
  std::vector<std::string> texts;
  reader.texts(node, key, texts);
  if (texts.empty()) return false;
  auto networks = api::Proxies::make(texts);
  if (networks.ok()) {
    out = *std::move(networks);
  } else {
    reader.mistake(named.line, named.column,
                   "`" + std::string(what) + "`: " + networks.error().message);
  }
  return true;
}

// Reads the fields of an mllp source that it has in place of secrets.
void read_listen(Reader& reader, const YamlEntry& named, const Config& config,
                 SourceEntry& source) {
  MllpEntry& entry = source.listen.emplace();
  if (named.value->find("addresses") != nullptr)
    reader.mistake(named.line, named.column,
                   "source `" + named.key +
                       "` has the scheme mllp; the addresses that may connect stand in "
                       "`listen.from`");
  for (const char* key : {"secrets", "header"}) {
    if (named.value->find(key) != nullptr)
      reader.mistake(
          named.line, named.column,
          "source `" + named.key + "` has the scheme mllp, which knows no `" + key + "`");
  }
  const YamlNode* listen = reader.section(*named.value, "listen");
  if (listen == nullptr) {
    reader.mistake(named.line, named.column,
                   "source `" + named.key + "` needs `listen`, where its messages come");
    return;
  }
  reader.only(*listen, {"address", "port", "ca", "crl", "names", "from"});
  reader.address(*listen, "address", entry.address);
  reader.integer(*listen, "port", 0, 65535, entry.port);
  reader.path(*listen, "ca", entry.authorities);
  reader.path(*listen, "crl", entry.revoked);
  reader.texts(*listen, "names", entry.names);
  const bool limited = read_networks(reader, named, *listen, "from", "listen.from", entry.from);
  const auto mistake = [&](const std::string& what) {
    reader.mistake(named.line, named.column, "source `" + named.key + "`: " + what);
  };
  if (entry.authorities.empty() && (!entry.names.empty() || !entry.revoked.empty()))
    mistake("`listen.names` and `listen.crl` need `listen.ca`");
  if (!entry.authorities.empty() && config.server.tls_certificates.empty())
    mistake("`listen.ca` needs the hub's own certificate: add `server.tls`");
  if (entry.authorities.empty() && !limited && !is_loopback(entry.address))
    mistake(
        "messages that come from outside this machine need `listen.ca`, or at least "
        "`listen.from`");
}

struct Preset {
  std::string_view name;
  std::string_view header;
  http::HmacForm form;
};

// As these systems document it.
const std::array<Preset, 4>& presets() {
  static const std::array<Preset, 4> kAll{
      Preset{"github", "x-hub-signature-256", {.prefix = "sha256="}},
      Preset{"medplum", "x-signature", {}},
      Preset{"shopify", "x-shopify-hmac-sha256", {.base64 = true}},
      Preset{"stripe",
             "stripe-signature",
             {.content = "{timestamp}.{body}", .timestamp = "t", .element = "v1"}}};
  return kAll;
}

void read_hmac(Reader& reader, const YamlEntry& named, SourceEntry& source) {
  const YamlNode& node = *named.value;
  const auto mistake = [&](const std::string& what) {
    reader.mistake(named.line, named.column, "source `" + named.key + "`: " + what);
  };
  std::string preset;
  reader.text(node, "preset", preset);
  if (!preset.empty()) {
    for (const char* own : {"header", "encoding", "prefix", "signs", "timestamp", "element"}) {
      if (node.find(own) != nullptr)
        mistake("`preset` says what `" + std::string(own) + "` says; give one of them");
    }
    for (const Preset& one : presets()) {
      if (one.name != preset) continue;
      source.header = one.header;
      source.hmac = one.form;
      return;
    }
    return mistake("unknown preset `" + preset + "`; use github, medplum, shopify or stripe");
  }
  std::string encoding = "hex";
  reader.text(node, "encoding", encoding);
  if (encoding != "hex" && encoding != "base64") mistake("`encoding` must be hex or base64");
  source.hmac.base64 = encoding == "base64";
  reader.text(node, "prefix", source.hmac.prefix);
  reader.text(node, "signs", source.hmac.content);
  reader.text(node, "timestamp", source.hmac.timestamp);
  reader.text(node, "element", source.hmac.element);
  if (source.header.empty())
    mistake("the scheme hmac needs `header`, which holds the signature, or `preset`");
}

// Keys of one scheme alone.
struct KeyOfScheme {
  std::string_view key;
  std::string_view scheme;
};
constexpr std::array kKeysOfSchemes{
    KeyOfScheme{"preset", "hmac"},      KeyOfScheme{"encoding", "hmac"},
    KeyOfScheme{"prefix", "hmac"},      KeyOfScheme{"signs", "hmac"},
    KeyOfScheme{"timestamp", "hmac"},   KeyOfScheme{"element", "hmac"},
    KeyOfScheme{"listen", "mllp"},      KeyOfScheme{"user", "basic"},
    KeyOfScheme{"jwks", "jwt"},         KeyOfScheme{"algs", "jwt"},
    KeyOfScheme{"issuer", "jwt"},       KeyOfScheme{"audience", "jwt"},
    KeyOfScheme{"typ", "jwt"},          KeyOfScheme{"max_age", "jwt"},
    KeyOfScheme{"max_lifetime", "jwt"}, KeyOfScheme{"stale_grace", "jwt"},
    KeyOfScheme{"require", "jwt"}};

void check_keys_of_schemes(Reader& reader, const YamlEntry& named, std::string_view scheme) {
  for (const KeyOfScheme& keys_of_scheme : kKeysOfSchemes) {
    if (keys_of_scheme.scheme == scheme || named.value->find(keys_of_scheme.key) == nullptr)
      continue;
    reader.mistake(named.line, named.column,
                   "`" + std::string(keys_of_scheme.key) + "` belongs to a source of the scheme " +
                       std::string(keys_of_scheme.scheme));
  }
}

// Reads the issuer of the tokens. RFC 8725: the algorithms are named, and are those of public keys.
void read_jwt(Reader& reader, const YamlEntry& named, SourceEntry& source) {
  const YamlNode& node = *named.value;
  IssuerEntry& entry = source.issuer.emplace();
  identity::IssuerOptions& out = entry.options;
  out.name = named.key;
  out.needs_subject = false;
  for (const char* key : {"secrets", "header"}) {
    if (node.find(key) != nullptr)
      reader.mistake(named.line, named.column,
                     "source `" + named.key + "` has the scheme jwt, which knows no `" + key +
                         "`: the keys of `jwks` prove the token of `Authorization: Bearer`");
  }
  constexpr std::array<std::string_view, 3> kTaken{"RS256", "PS256", "ES256"};
  read_issuer_keys(reader, named, kTaken, entry);
  reader.text(node, "issuer", out.issuer, true);
  reader.text(node, "audience", out.audience, true);
  for (const char* key : {"issuer", "audience", "typ"}) reader.filled(node, key);
  reader.text(node, "typ", out.type);
  reader.span(node, "max_lifetime", identity::kMaxTokenLifetimeMs, out.max_lifetime_ms);
  reader.span(node, "max_age", identity::kMaxTokenLifetimeMs, out.max_age_ms);
  const YamlNode* required = reader.section(node, "require");
  if (required == nullptr) return;
  for (const YamlEntry& claim : required->entries) {
    reader.filled(*required, claim.key);
    reader.text(*required, claim.key, out.required[claim.key]);
  }
}

// Whoever reads one delivery has the password: others must not be near.
void read_basic(Reader& reader, const YamlEntry& named, SourceEntry& source) {
  const auto mistake = [&](const std::string& what) {
    reader.mistake(named.line, named.column, "source `" + named.key + "`: " + what);
  };
  reader.text(*named.value, "user", source.user, true);
  if (source.user.find(':') != std::string::npos)
    mistake("`user` holds a colon, which ends it in the header (RFC 7617)");
  if (named.value->find("header") != nullptr)
    mistake("the scheme basic knows no `header`: user and password stand in `Authorization`");
  if (!source.addresses) {
    if (named.value->find("addresses") == nullptr)
      mistake(
          "the scheme basic is for a private network alone, and needs `addresses` of it, such as "
          "[10.1.0.0/16]; where the sender can do better, use standard-webhooks, hmac or jwt");
  } else if (!source.addresses->all_private()) {
    mistake(
        "the scheme basic takes deliveries from private networks alone: each of `addresses` must "
        "lie in 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 169.254.0.0/16, 127.0.0.0/8, fc00::/7, "
        "fe80::/10 or ::1");
  }
}

SourceEntry read_source(Reader& reader, const YamlEntry& named, const Config& config) {
  const YamlNode& node = *named.value;
  SourceEntry source;
  source.name = named.key;
  if (source.name == "hub") {
    reader.mistake(named.line, named.column,
                   "a source cannot be called `hub`: what the hub itself tells comes under this "
                   "name; choose another one");
  }
  // It is one segment of a path.
  if (source.name.empty() || source.name.find_first_of("/?#% \t") != std::string::npos) {
    reader.mistake(
        named.line, named.column,
        "the name of a source stands in its address /hooks/NAME: use letters, digits and "
        "- _ .");
  }
  if (!reader.mapping(node, "a source")) return source;
  std::vector<std::string_view> known{"scheme", "secrets",  "header",   "plugin",
                                      "topics", "endpoint", "addresses"};
  for (const KeyOfScheme& scheme : kKeysOfSchemes) known.push_back(scheme.key);
  reader.only(node, known);
  reader.text(node, "scheme", source.scheme, true);
  reader.text(node, "header", source.header);
  reader.text(node, "plugin", source.plugin, true);
  constexpr std::array<std::string_view, 8> kSchemes{
      "standard-webhooks", "hmac", "jwt", "basic", "twilio", "static-token", "sns", "mllp"};
  if (std::find(kSchemes.begin(), kSchemes.end(), source.scheme) != kSchemes.end()) {
    check_keys_of_schemes(reader, named, source.scheme);
  } else if (!source.scheme.empty()) {
    reader.mistake(node.line, node.column,
                   "unknown scheme `" + source.scheme +
                       "`; use standard-webhooks, hmac, jwt, basic, twilio, static-token, sns or "
                       "mllp");
  }
  if (source.scheme == "hmac") read_hmac(reader, named, source);
  if (source.scheme == "mllp") {
    read_listen(reader, named, config, source);
    return source;
  }
  if (node.find("addresses") != nullptr &&
      !read_networks(reader, named, node, "addresses", "addresses", source.addresses))
    reader.mistake(named.line, named.column,
                   "source `" + named.key +
                       "`: `addresses` names nobody; list addresses or networks such as "
                       "10.1.0.0/16, or leave it out");
  if (source.scheme == "basic") read_basic(reader, named, source);
  if (source.scheme == "jwt") {
    read_jwt(reader, named, source);
    return source;
  }
  if (source.scheme == "sns") {
    // SNS signs its deliveries with a key of its own.
    reader.texts(node, "topics", source.topics);
    reader.text(node, "endpoint", source.endpoint);
    if (source.topics.empty())
      reader.mistake(named.line, named.column,
                     "source `" + named.key + "` needs `topics`, the ARNs that it listens to");
    if (node.find("secrets") != nullptr)
      reader.mistake(named.line, named.column,
                     "source `" + named.key + "` has the scheme sns, which needs no `secrets`");
    return source;
  }
  const YamlEntry* secrets = node.find("secrets");
  if (secrets == nullptr || secrets->value->kind != YamlNode::Kind::sequence ||
      secrets->value->items.empty()) {
    reader.mistake(named.line, named.column,
                   "source `" + named.key + "` needs `secrets`, a list with at least one entry");
    return source;
  }
  for (const auto& item : secrets->value->items) source.secrets.push_back(reader.secret(*item));
  return source;
}

}  // namespace

void read_sources(Reader& reader, const YamlNode& root, Config& config) {
  const YamlNode* sources = reader.section(root, "sources");
  if (sources == nullptr) return;
  for (const YamlEntry& entry : sources->entries) {
    const SourceEntry& source = config.sources.emplace_back(read_source(reader, entry, config));
    if (source.plugin.empty() || config.plugin.contains(source.plugin)) continue;
    reader.mistake(entry.line, entry.column,
                   "source `" + entry.key + "` names the plugin `" + source.plugin +
                       "`, which is not under `plugin`");
  }
}

}  // namespace rabt::config
