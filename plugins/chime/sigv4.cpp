#include "sigv4.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <map>

#include "rabt/plugin.hpp"
#include "rabt/text.hpp"

namespace rabt::chime {

namespace {

using sdk::lower;
using sdk::percent_decode;
using sdk::percent_encode;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

// RFC 3986 section 5.2.4, and no empty segments.
std::string normalised(std::string_view path) {
  std::vector<std::string_view> kept;
  std::string_view rest = path;
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (!segment.empty() && segment != ".") {
      kept.push_back(segment);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  std::string out;
  for (const std::string_view segment : kept) out.append("/").append(segment);
  if (out.empty() || (path.ends_with('/') && !kept.empty())) out.push_back('/');
  return out;
}

std::string canonical_path(std::string_view target, std::string_view service) {
  const std::string_view path = path_of(target);
  if (service == "s3") return percent_encode(percent_decode(path), "/");
  return percent_encode(normalised(path), "/");
}

std::string canonical_query(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {};
  std::vector<std::pair<std::string, std::string>> pairs;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const auto end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    const auto equals = pair.find('=');
    if (!pair.empty()) {
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
      pairs.emplace_back(percent_encode(percent_decode(pair.substr(0, equals))),
                         percent_encode(percent_decode(value)));
    }
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  std::sort(pairs.begin(), pairs.end());
  std::string out;
  for (const auto& [name, value] : pairs) {
    if (!out.empty()) out.push_back('&');
    out.append(name).append("=").append(value);
  }
  return out;
}

// Trimmed, with every run of white space, also a folded line, as one space.
std::string collapsed(std::string_view value) {
  std::string out;
  for (const char c : sdk::trim(value)) {
    const bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (space && !out.empty() && out.back() == ' ') continue;
    out.push_back(space ? ' ' : c);
  }
  return out;
}

// By lower-case name. Values of one name are joined in the order they are sent.
std::map<std::string, std::string> canonical_headers(const SigningRequest& request) {
  std::map<std::string, std::string> headers;
  for (const SignedHeader& header : request.headers) {
    const auto [at, first] = headers.emplace(lower(header.name), collapsed(header.value));
    if (!first) at->second.append(",").append(collapsed(header.value));
  }
  return headers;
}

std::string signed_names(const std::map<std::string, std::string>& headers) {
  std::string out;
  for (const auto& [name, value] : headers) {
    if (!out.empty()) out.push_back(';');
    out.append(name);
  }
  return out;
}

std::string scope(const SigningRequest& request, const SigningKey& key) {
  return request.time.substr(0, 8) + "/" + key.region + "/" + key.service + "/aws4_request";
}

}  // namespace

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw sdk::Refusal("chime.digest", "SHA-256 cannot be used");
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
           &size) == nullptr)
    throw sdk::Refusal("chime.digest", "HMAC-SHA-256 cannot be used");
  return {reinterpret_cast<const char*>(mac.data()), size};
}

std::string hex(std::string_view bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto u = static_cast<unsigned char>(c);
    out.push_back(kDigits[u >> 4U]);
    out.push_back(kDigits[u & 0xfU]);
  }
  return out;
}

std::string canonical_request(const SigningRequest& request, std::string_view service) {
  const auto headers = canonical_headers(request);
  std::string out = request.method + "\n" + canonical_path(request.target, service) + "\n" +
                    canonical_query(request.target) + "\n";
  for (const auto& [name, value] : headers) out.append(name).append(":").append(value).append("\n");
  return out + "\n" + signed_names(headers) + "\n" + request.payload_hash;
}

std::string string_to_sign(const SigningRequest& request, const SigningKey& key) {
  std::string out(kAlgorithm);
  const std::string hashed = hex(sha256(canonical_request(request, key.service)));
  out.append("\n").append(request.time).append("\n").append(scope(request, key));
  out.append("\n").append(hashed);
  return out;
}

std::string authorization(const SigningRequest& request, const SigningKey& key) {
  std::string derived = hmac_sha256("AWS4" + key.secret, request.time.substr(0, 8));
  for (const std::string_view part : {std::string_view(key.region), std::string_view(key.service),
                                      std::string_view("aws4_request")})
    derived = hmac_sha256(derived, part);
  std::string out(kAlgorithm);
  out.append(" Credential=").append(key.access_key_id).append("/").append(scope(request, key));
  out.append(", SignedHeaders=").append(signed_names(canonical_headers(request)));
  out.append(", Signature=").append(hex(hmac_sha256(derived, string_to_sign(request, key))));
  return out;
}

}  // namespace rabt::chime
