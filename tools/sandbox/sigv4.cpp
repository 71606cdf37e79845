#include <openssl/sha.h>

#include <algorithm>

#include "tools/sandbox/chime.hpp"
#include "tools/sandbox/encoding.hpp"

// AWS Signature Version 4 as the receiver checks it. Written apart from the plugin's signer, so
// that a fault of the one cannot hide behind the same fault of the other.
namespace rabt::sandbox {
namespace {

std::string sha256_hex(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return hex({reinterpret_cast<const char*>(digest), sizeof digest});
}

std::string encoded_path(std::string_view path) {
  std::string out;
  bool first = true;
  for (const std::string& segment : split(path, '/')) {
    if (!first) out += '/';
    first = false;
    out += percent_encode(segment);
  }
  return out.empty() ? "/" : out;
}

std::string one_line(std::string_view value) {
  std::string out;
  for (const char c : trim(value)) {
    if (c == ' ' && out.ends_with(' ')) continue;
    out.push_back(c);
  }
  return out;
}

// "Name=value" of the list behind the algorithm.
std::string part(std::string_view header, std::string_view name) {
  const std::string begin = std::string(name) + "=";
  const auto at = header.find(begin);
  if (at == std::string_view::npos) return {};
  const auto end = header.find(',', at);
  return std::string(trim(header.substr(at + begin.size(), end == std::string_view::npos
                                                               ? std::string_view::npos
                                                               : end - at - begin.size())));
}

// 20260310T060000Z as 2026-03-10T06:00:00Z in milliseconds; -1 when it is no such text.
std::int64_t moment(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return -1;
  const auto number = [&](std::size_t from, std::size_t size) {
    std::int64_t value = 0;
    for (const char c : text.substr(from, size)) value = value * 10 + (c - '0');
    return value;
  };
  const std::int64_t days = days_from_civil(number(0, 4), static_cast<unsigned>(number(4, 2)),
                                            static_cast<unsigned>(number(6, 2)));
  return ((days * 24 + number(9, 2)) * 60 + number(11, 2)) * 60'000 + number(13, 2) * 1000;
}

}  // namespace

std::string check_sigv4(const Request& request, const AwsKeys& keys, std::int64_t now_ms) {
  const std::string header = request.header("authorization");
  if (!header.starts_with("AWS4-HMAC-SHA256 ")) return "MissingAuthenticationTokenException";
  const std::vector<std::string> scope = split(part(header, "Credential"), '/');
  if (scope.size() != 5 || scope[0] != keys.access_key_id || scope[4] != "aws4_request")
    return "UnrecognizedClientException";
  const std::string time = request.header("x-amz-date");
  const std::int64_t at = moment(time);
  if (at < 0 || std::abs(now_ms - at) > 15 * 60'000 || !time.starts_with(scope[1]))
    return "InvalidSignatureException";
  const bool s3 = scope[3] == "s3";
  if (scope[2] != keys.region || (!s3 && scope[3] != "chime")) return "InvalidSignatureException";

  const std::string body_hash = sha256_hex(request.body);
  const std::string told_hash = request.header("x-amz-content-sha256");
  if (!told_hash.empty() && told_hash != "UNSIGNED-PAYLOAD" && told_hash != body_hash)
    return "InvalidSignatureException";
  if (s3 && told_hash.empty()) return "InvalidRequest";
  const std::string names = part(header, "SignedHeaders");
  bool host = false;
  std::string headers;
  for (const std::string& name : split(names, ';')) {
    host = host || name == "host";
    std::string values;
    const auto [first, last] = request.headers.equal_range(name);
    for (auto one = first; one != last; ++one)
      values += (values.empty() ? "" : ",") + one_line(one->second);
    headers += name + ":" + values + "\n";
  }
  if (!host) return "InvalidSignatureException";
  Pairs query;
  for (const auto& [name, value] : request.query)
    query.emplace_back(percent_encode(name), percent_encode(value));
  std::sort(query.begin(), query.end());
  std::string query_text;
  for (const auto& [name, value] : query)
    query_text += (query_text.empty() ? "" : "&") + name + "=" + value;
  const std::string path = encoded_path(request.path);
  const std::string canonical = request.method + "\n" + (s3 ? path : encoded_path(path)) + "\n" +
                                query_text + "\n" + headers + "\n" + names + "\n" +
                                (s3 && !told_hash.empty() ? told_hash : body_hash);
  const std::string scope_text = scope[1] + "/" + scope[2] + "/" + scope[3] + "/" + scope[4];
  const std::string text =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope_text + "\n" + sha256_hex(canonical);
  std::string key = "AWS4" + keys.secret;
  for (std::size_t i = 1; i < scope.size(); ++i) key = hmac_sha256(key, scope[i]);
  return equal_constant_time(hex(hmac_sha256(key, text)), part(header, "Signature"))
             ? ""
             : "InvalidSignatureException";
}

}  // namespace rabt::sandbox
