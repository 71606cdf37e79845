#include "sigv4.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>

#include "rabt/text.hpp"

namespace rabt::chime {

namespace {

using sdk::lower;
using sdk::percent_decode;
using sdk::percent_encode;

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

// FIPS 180-4 section 4.2.2
constexpr std::array<std::uint32_t, 64> kRounds{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using Words = std::array<std::uint32_t, 8>;

// FIPS 180-4 section 6.2.2
void take_block(Words& hash, const unsigned char* block) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i) {
    w[i] = std::uint32_t{block[4 * i]} << 24U | std::uint32_t{block[4 * i + 1]} << 16U |
           std::uint32_t{block[4 * i + 2]} << 8U | std::uint32_t{block[4 * i + 3]};
  }
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3U);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10U);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = hash;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t big1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t one = h + big1 + ((e & f) ^ (~e & g)) + kRounds[i] + w[i];
    const std::uint32_t big0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t two = big0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + one;
    d = c;
    c = b;
    b = a;
    a = one + two;
  }
  const Words mixed{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < hash.size(); ++i) hash[i] += mixed[i];
}

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
  Words hash{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
             0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::string padded(text);
  padded.push_back(static_cast<char>(0x80));
  while (padded.size() % 64 != 56) padded.push_back('\0');
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (unsigned shift = 64; shift > 0; shift -= 8)
    padded.push_back(static_cast<char>(bits >> (shift - 8U)));
  for (std::size_t at = 0; at < padded.size(); at += 64)
    take_block(hash, reinterpret_cast<const unsigned char*>(padded.data()) + at);
  std::string out;
  for (const std::uint32_t word : hash) {
    for (unsigned shift = 32; shift > 0; shift -= 8)
      out.push_back(static_cast<char>(word >> (shift - 8U)));
  }
  return out;
}

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string block = key.size() > 64 ? sha256(key) : std::string(key);
  block.resize(64, '\0');
  std::string inner = block;
  std::string outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  return sha256(outer + sha256(inner.append(text)));
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
  return std::string(kAlgorithm) + "\n" + request.time + "\n" + scope(request, key) + "\n" +
         hex(sha256(canonical_request(request, key.service)));
}

std::string authorization(const SigningRequest& request, const SigningKey& key) {
  std::string derived = hmac_sha256("AWS4" + key.secret, request.time.substr(0, 8));
  for (const std::string_view part : {std::string_view(key.region), std::string_view(key.service),
                                      std::string_view("aws4_request")})
    derived = hmac_sha256(derived, part);
  return std::string(kAlgorithm) + " Credential=" + key.access_key_id + "/" + scope(request, key) +
         ", SignedHeaders=" + signed_names(canonical_headers(request)) +
         ", Signature=" + hex(hmac_sha256(derived, string_to_sign(request, key)));
}

}  // namespace rabt::chime
