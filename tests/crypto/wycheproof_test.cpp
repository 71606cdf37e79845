#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"
#include "tests/crypto/support.hpp"
#include "tests/vector_files.hpp"

// Project Wycheproof's vectors: every file of the folder, by the algorithm that it names. What the
// hub refuses by policy is counted and printed by group, and a file of an algorithm that is not
// checked here is printed too: nothing is passed over in silence.
namespace rabt::crypto::wycheproof_test {
namespace {

struct Verdict {
  enum class Kind { agrees, differs, policy } kind;
  std::string why;  // of policy
};
Verdict verdict(bool agrees) {
  return {agrees ? Verdict::Kind::agrees : Verdict::Kind::differs, ""};
}
// Refused because of `why`; accepted would be a defect.
Verdict policy(bool accepted, std::string why) {
  return {accepted ? Verdict::Kind::differs : Verdict::Kind::policy, std::move(why)};
}

using Check = Verdict (*)(const Json& group, const Json& test);

std::string size_text(std::size_t bytes) {
  return std::to_string(bytes * 8) + " bits";
}

Verdict aes_gcm(const Json& /*group*/, const Json& item) {
  const Bytes key = test::hex(item, "key");
  const Bytes iv = test::hex(item, "iv");
  const Bytes aad = test::hex(item, "aad");
  const Bytes plain = test::hex(item, "msg");
  Bytes sealed = test::hex(item, "ct");
  const Bytes tag = test::hex(item, "tag");
  sealed.insert(sealed.end(), tag.begin(), tag.end());
  Bytes opened(plain.size(), 0xaa);
  const bool open_ok = primitives::aes256_gcm_open(key, iv, aad, sealed, opened);
  if (key.size() != primitives::kKeyBytes)
    return policy(open_ok, "a key of " + size_text(key.size()));
  if (iv.size() != primitives::kIvBytes) return policy(open_ok, "an IV of " + size_text(iv.size()));
  if (tag.size() != primitives::kTagBytes)
    return policy(open_ok, "a tag of " + size_text(tag.size()));
  if (item.string_or("result", "") != "valid")
    return verdict(!open_ok && opened == Bytes(plain.size(), 0));
  Bytes again(plain.size() + primitives::kTagBytes);
  Bytes in_place = sealed;
  return verdict(open_ok && opened == plain &&
                 primitives::aes256_gcm_seal(key, iv, aad, plain, again) && again == sealed &&
                 primitives::aes256_gcm_open(key, iv, aad, in_place,
                                             std::span(in_place).first(plain.size())) &&
                 std::equal(plain.begin(), plain.end(), in_place.begin()));
}

Verdict aes_kwp(const Json& /*group*/, const Json& item) {
  const Bytes key = test::hex(item, "key");
  const Bytes plain = test::hex(item, "msg");
  const Bytes wrapped = test::hex(item, "ct");
  const auto unwrapped = primitives::aes256_kwp_unwrap(key, wrapped);
  if (key.size() != primitives::kKeyBytes)
    return policy(unwrapped.has_value(), "a key of " + size_text(key.size()));
  if (item.string_or("result", "") == "invalid") return verdict(!unwrapped);
  const auto again = primitives::aes256_kwp_wrap(key, plain);
  return verdict(unwrapped && unwrapped->equals(plain) && again && *again == wrapped);
}

Verdict hkdf_sha256(const Json& /*group*/, const Json& item) {
  const auto out = primitives::hkdf_sha256(test::hex(item, "ikm"), test::hex(item, "salt"),
                                           test::hex(item, "info"),
                                           static_cast<std::size_t>(item.int_or("size", 0)));
  if (item.string_or("result", "") != "valid") return verdict(!out);
  return verdict(out && out->equals(test::hex(item, "okm")));
}

// The hub uses Expand alone; Extract is HMAC of the key under the salt (RFC 5869 section 2.2).
Verdict hkdf_sha384(const Json& /*group*/, const Json& item) {
  const auto out = primitives::hkdf_expand_sha384(
      primitives::hmac_sha384(test::hex(item, "salt"), test::hex(item, "ikm")),
      test::hex(item, "info"), static_cast<std::size_t>(item.int_or("size", 0)));
  if (item.string_or("result", "") != "valid") return verdict(!out);
  return verdict(out && out->equals(test::hex(item, "okm")));
}

Verdict mac(const Json& group, const Json& item, const Bytes& full) {
  const auto size = static_cast<std::size_t>(group.int_or("tagSize", 0)) / 8;
  const Bytes tag = test::hex(item, "tag");
  const bool equal =
      size > 0 && size <= full.size() && constant_time_equal(ByteView(full).first(size), tag);
  return verdict(equal == (item.string_or("result", "") == "valid"));
}
Verdict hmac_sha1(const Json& group, const Json& item) {
  return mac(group, item,
             crypto::hmac_sha1(test::hex(item, "key"), as_text(test::hex(item, "msg"))));
}
Verdict hmac_sha256(const Json& group, const Json& item) {
  return mac(group, item,
             crypto::hmac_sha256(test::hex(item, "key"), as_text(test::hex(item, "msg"))));
}
Verdict hmac_sha384(const Json& group, const Json& item) {
  return mac(group, item, primitives::hmac_sha384(test::hex(item, "key"), test::hex(item, "msg")));
}

const std::map<std::string, Check>& checks() {
  static const std::map<std::string, Check> all = {
      {"AES-GCM", aes_gcm},          {"AES-KWP", aes_kwp},    {"HKDF-SHA-256", hkdf_sha256},
      {"HKDF-SHA-384", hkdf_sha384}, {"HMACSHA1", hmac_sha1}, {"HMACSHA256", hmac_sha256},
      {"HMACSHA384", hmac_sha384},
  };
  return all;
}

// The files say "HMACSHA256" or "HMAC-SHA-256".
Check check_of(const std::string& algorithm) {
  const auto found = checks().find(algorithm);
  if (found != checks().end()) return found->second;
  std::string joined = algorithm;
  joined.erase(std::remove(joined.begin(), joined.end(), '-'), joined.end());
  const auto again = checks().find(joined);
  return again == checks().end() ? nullptr : again->second;
}

void run_file(const std::filesystem::path& path, test::VectorFiles& files) {
  const std::string name = path.filename().string();
  const auto json = Json::parse(test::read_file(path));
  ASSERT_TRUE(json.ok()) << name;
  const std::string algorithm = json->string_or("algorithm", json->string_or("schema", "?"));
  const Check check = check_of(algorithm);
  if (check == nullptr) {
    std::printf("%s: %s, %lld tests, not of this program\n", name.c_str(), algorithm.c_str(),
                static_cast<long long>(json->int_or("numberOfTests", 0)));
    return;
  }
  files.judged(path);
  int agreed = 0;
  int refused = 0;
  std::map<std::string, int> reasons;
  for (const Json& group : (*json)["testGroups"].as_array()) {
    for (const Json& item : group["tests"].as_array()) {
      const Verdict got = check(group, item);
      EXPECT_NE(got.kind, Verdict::Kind::differs)
          << name << " tcId " << item.int_or("tcId", -1) << " " << item.string_or("comment", "");
      if (got.kind == Verdict::Kind::agrees) ++agreed;
      if (got.kind != Verdict::Kind::policy) continue;
      ++refused;
      ++reasons[got.why];
    }
  }
  std::printf("%s: %s, %d agree, %d refused by policy\n", name.c_str(), algorithm.c_str(), agreed,
              refused);
  for (const auto& [why, count] : reasons) std::printf("    %s: %d\n", why.c_str(), count);
  EXPECT_EQ(agreed + refused, json->int_or("numberOfTests", -1)) << name;
}

TEST(Wycheproof, EveryFileAgreesOrIsListed) {
  if (test::conformance_data().empty())
    GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  test::VectorFiles files(test::conformance_data() / "vectors" / "wycheproof");
  for (const auto& file : files.all()) {
    if (file.extension() == ".json") run_file(file, files);
  }
}

}  // namespace
}  // namespace rabt::crypto::wycheproof_test
