#include "hub/engine/http/http_digest.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/uri.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::engine {

namespace {

bool is_token_char(char c) {
  return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

// MD5, MD5-sess, SHA-256, SHA-256-sess; absent means MD5 (RFC 7616 section 3.3).
struct Algorithm {
  bool known = false;
  bool sha256 = false;
  bool session = false;
};
Algorithm algorithm_of(const HttpChallenge& challenge) {
  std::string name = lower(challenge.get("algorithm"));
  Algorithm out;
  if (name.ends_with("-sess")) {
    out.session = true;
    name.resize(name.size() - 5);
  }
  out.sha256 = name == "sha-256";
  out.known = out.sha256 || name == "md5" || (name.empty() && !out.session);
  return out;
}

bool offers_auth(std::string_view qop) {
  while (!qop.empty()) {
    const std::size_t end = std::min(qop.find(','), qop.size());
    std::string_view one = qop.substr(0, end);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (lower(one) == "auth") return true;
    qop.remove_prefix(std::min(end + 1, qop.size()));
  }
  return false;
}

std::string hash(const Algorithm& algorithm, const std::string& data) {
  if (!algorithm.sha256) return to_hex(crypto::md5(data));
  const crypto::Digest digest = crypto::sha256(data);
  return to_hex(ByteView(digest));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// RFC 8187: UTF-8''%XX...
std::string extended(std::string_view text) {
  return "UTF-8''" + percent_encode(text, "");
}

}  // namespace

std::string_view HttpChallenge::get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::vector<HttpChallenge> parse_challenges(std::string_view value) {
  std::vector<HttpChallenge> out;
  std::size_t at = 0;
  const auto skip = [&](std::string_view what) {
    while (at < value.size() && what.find(value[at]) != std::string_view::npos) ++at;
  };
  while (true) {
    skip(" \t,");
    const std::size_t start = at;
    while (at < value.size() && is_token_char(value[at])) ++at;
    if (at == start) {
      if (at >= value.size()) return out;
      ++at;  // what no challenge holds
      continue;
    }
    const std::string name = lower(value.substr(start, at - start));
    const std::size_t after = at;
    skip(" \t");
    if (at >= value.size() || value[at] != '=' || out.empty()) {
      at = after;
      out.push_back({name, {}});
      continue;
    }
    ++at;
    skip(" \t");
    std::string text;
    if (at < value.size() && value[at] == '"') {
      for (++at; at < value.size() && value[at] != '"'; ++at) {
        if (value[at] == '\\' && at + 1 < value.size()) ++at;
        text += value[at];
      }
      if (at < value.size()) ++at;
    } else {
      while (at < value.size() && is_token_char(value[at])) text += value[at++];
    }
    out.back().parameters.emplace_back(name, std::move(text));
  }
}

const HttpChallenge* choose_digest(const std::vector<HttpChallenge>& challenges) {
  const HttpChallenge* best = nullptr;
  for (const HttpChallenge& one : challenges) {
    if (one.scheme != "digest" || one.get("nonce").empty()) continue;
    const Algorithm algorithm = algorithm_of(one);
    const std::string_view qop = one.get("qop");
    if (!algorithm.known || (!qop.empty() && !offers_auth(qop))) continue;
    if (!algorithm.sha256 && crypto::md5("").empty()) continue;
    if (best == nullptr || (algorithm.sha256 && !algorithm_of(*best).sha256)) best = &one;
  }
  return best;
}

std::string digest_authorization(const HttpChallenge& challenge, std::string_view method,
                                 std::string_view uri, std::string_view username,
                                 std::string_view password, std::string_view client_nonce) {
  const Algorithm algorithm = algorithm_of(challenge);
  const std::string realm(challenge.get("realm"));
  const std::string nonce(challenge.get("nonce"));
  const std::string user(username);
  const std::string cnonce(client_nonce);
  const bool has_qop = !challenge.get("qop").empty();
  std::string a1 = hash(algorithm, user + ":" + realm + ":" + std::string(password));
  if (algorithm.session) a1 = hash(algorithm, a1 + ":" + nonce + ":" + cnonce);
  const std::string a2 = hash(algorithm, std::string(method) + ":" + std::string(uri));
  const std::string response =
      has_qop ? hash(algorithm, a1 + ":" + nonce + ":00000001:" + cnonce + ":auth:" + a2)
              : hash(algorithm, a1 + ":" + nonce + ":" + a2);
  std::string out = "Digest ";
  if (lower(challenge.get("userhash")) == "true") {
    out += "username=" + quoted(hash(algorithm, user + ":" + realm)) + ", userhash=true";
  } else if (is_ascii(user)) {
    out += "username=" + quoted(user);
  } else {
    out += "username*=" + extended(user);
  }
  out += ", realm=" + quoted(realm) + ", uri=" + quoted(uri) + ", nonce=" + quoted(nonce);
  if (!challenge.get("algorithm").empty())
    out += ", algorithm=" + std::string(challenge.get("algorithm"));
  if (has_qop) out += ", nc=00000001, qop=auth";
  if (has_qop || algorithm.session) out += ", cnonce=" + quoted(cnonce);
  out += ", response=" + quoted(response);
  if (!challenge.get("opaque").empty()) out += ", opaque=" + quoted(challenge.get("opaque"));
  return out;
}

}  // namespace rabt::engine
