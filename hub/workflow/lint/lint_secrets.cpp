#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

#include "hub/base/ascii.hpp"
#include "hub/workflow/parse/parser.hpp"

// Credentials that were written into the file. Messages never show the value.
namespace rabt::workflow {

namespace {

std::string plain_key(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c != '-' && c != '_' && c != ' ') out.push_back(lower(c));
  }
  return out;
}

bool is_secret_key(const std::string& key) {
  constexpr std::array<std::string_view, 17> kKeys = {
      "password",  "passwd",      "passphrase", "secret",       "clientsecret", "apikey",
      "apitoken",  "accesstoken", "authtoken",  "refreshtoken", "privatekey",   "secretkey",
      "accesskey", "bearertoken", "token",      "credential",   "signingkey"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

bool is_secret_header(const std::string& key) {
  constexpr std::array<std::string_view, 5> kKeys = {"authorization", "proxyauthorization",
                                                     "xapikey", "xauthtoken", "cookie"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

// A kind of call that this profile refuses.
bool is_foreign_call(const YamlNode& node) {
  const YamlEntry* call = node.find("call");
  if (call == nullptr || !call->value->is_text()) return false;
  const std::string& name = call->value->text();
  return name == "grpc" || name == "asyncapi" || name == "a2a" || name == "mcp";
}

// Keys whose values look random but are not secret.
bool is_digest_key(const std::string& key) {
  constexpr std::array<std::string_view, 8> kParts = {"sha",  "hash",        "digest",  "checksum",
                                                      "etag", "fingerprint", "pattern", "md5"};
  return std::any_of(kParts.begin(), kParts.end(),
                     [&](std::string_view part) { return key.find(part) != std::string::npos; });
}

// Texts that are credentials by their form: vendors' prefixes, private keys, JSON Web Tokens, URLs
// with a password.
bool has_credential_form(std::string_view text) {
  static const RE2 kForms(
      R"((?:\b[srp]k_(?:live|test)_[0-9A-Za-z]{8,})|(?:\bAKIA[0-9A-Z]{16}\b))"
      R"(|(?:\bgh[pousr]_[0-9A-Za-z]{30,})|(?:\bgithub_pat_[0-9A-Za-z_]{22,})|(?:\bglpat-[0-9A-Za-z_-]{16,}))"
      R"(|(?:\bxox[abprs]-[0-9A-Za-z-]{10,})|(?:\bAIza[0-9A-Za-z_-]{35})|(?:\bwhsec_[0-9A-Za-z+/=]{16,}))"
      R"(|(?:\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,})|(?:\bsk-[0-9A-Za-z_-]{20,}))"
      R"(|(?:-----BEGIN [A-Z ]*PRIVATE KEY-----))"
      R"(|(?:\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}))"
      R"(|(?:[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@{$]+@))");
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kForms);
}

// Authorization: <scheme> <token>, or a bare token.
bool has_header_form(std::string_view text) {
  static const RE2 kHeader(R"((?i)^\s*(?:basic|bearer|digest|token|apikey)\s+[^\s$]{6,}.*$)");
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), kHeader);
}

double bits_per_character(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char c : text) ++counts[static_cast<unsigned char>(c)];
  double bits = 0;
  for (const std::size_t count : counts) {
    if (count == 0) continue;
    const double share = static_cast<double>(count) / static_cast<double>(text.size());
    bits -= share * std::log2(share);
  }
  return bits;
}

// One long word of hex digits or base64 that no person wrote.
bool looks_random(std::string_view text) {
  constexpr std::size_t kLong = 32;
  if (text.size() < kLong) return false;
  bool hex = true;
  int digits = 0;
  int lower_case = 0;
  int upper_case = 0;
  for (const char c : text) {
    hex = hex && is_hex(c);
    digits += is_digit(c) ? 1 : 0;
    lower_case += is_lower(c) ? 1 : 0;
    upper_case += is_upper(c) ? 1 : 0;
    if (!is_alnum(c) && c != '+' && c != '/' && c != '=' && c != '_' && c != '-') return false;
  }
  if (hex) return digits >= 4 && lower_case + upper_case >= 4 && bits_per_character(text) > 3.0;
  return digits >= 3 && lower_case >= 3 && upper_case >= 3 && bits_per_character(text) > 4.0;
}

}  // namespace

void Parser::check_secrets(const YamlNode& root) {
  struct Open {
    const YamlNode* node;
    std::string key;
  };
  constexpr std::string_view kAdvice =
      "keep it in the hub: name it in use.secrets and write ${ $secrets.<name> }, or put it into "
      "the "
      "plugin's configuration";
  std::unordered_set<const YamlNode*> seen;
  std::vector<Open> open = {{&root, ""}};
  while (!open.empty()) {
    const Open here = std::move(open.back());
    open.pop_back();
    const YamlNode& node = *here.node;
    if (!seen.insert(&node).second) continue;
    for (const YamlPtr& item : node.items) open.push_back({item.get(), here.key});
    if (is_foreign_call(node)) continue;  // refused as a whole
    for (const YamlEntry& entry : node.entries)
      open.push_back({entry.value.get(), plain_key(entry.key)});
    if (!node.is_text() || node.text().empty()) continue;
    if (std::any_of(diagnostics_.begin(), diagnostics_.end(), [&](const Diagnostic& diagnostic) {
          return diagnostic.line == node.line && diagnostic.column == node.column;
        }))
      continue;  // one mistake, one finding
    const std::string& text = node.text();
    const bool literal = enclosed(text).kind == Enclosed::Kind::literal;
    if (has_credential_form(text) ||
        (literal && is_secret_header(here.key) && has_header_form(text))) {
      error(node, "workflow.secret_in_file",
            "this is a credential, but a workflow file is not kept secret", std::string(kAdvice));
    } else if (literal && (is_secret_key(here.key) || is_secret_header(here.key))) {
      warning(node.line, node.column, "workflow.secret_in_file",
              "this looks like a credential, but a workflow file is not kept secret",
              std::string(kAdvice));
    } else if (literal && !is_digest_key(here.key) && looks_random(text)) {
      warning(
          node.line, node.column, "workflow.secret_in_file",
          "this long random text looks like a credential, but a workflow file is not kept secret",
          std::string(kAdvice));
    }
  }
}

}  // namespace rabt::workflow
