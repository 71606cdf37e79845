#include <cstdio>
#include <functional>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/primitives.hpp"
#include "tests/crypto/support.hpp"

// Project Wycheproof's vectors. A parameter that the hub never uses is refused by policy: counted
// and printed, never passed over.
namespace rabt::crypto {
namespace {

enum class Verdict { agrees, differs, refused_by_policy };

// Runs check on every test of every file whose name starts with prefix.
void run_files(const std::string& prefix,
               const std::function<Verdict(const Json& group, const Json& test)>& check) {
  const auto folder = test::conformance_data() / "vectors" / "wycheproof";
  if (test::conformance_data().empty())
    GTEST_SKIP() << "set RABT_CONFORMANCE_DATA to run third-party vectors";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind(prefix, 0) != 0 || entry.path().extension() != ".json") continue;
    ++files;
    const auto json = Json::parse(test::read_file(entry.path()));
    ASSERT_TRUE(json.ok()) << name;
    int agreed = 0;
    int refused = 0;
    for (const Json& group : (*json)["testGroups"].as_array()) {
      for (const Json& one : group["tests"].as_array()) {
        const Verdict verdict = check(group, one);
        EXPECT_NE(verdict, Verdict::differs)
            << name << " tcId " << one.int_or("tcId", -1) << " " << one.string_or("comment", "");
        agreed += verdict == Verdict::agrees ? 1 : 0;
        refused += verdict == Verdict::refused_by_policy ? 1 : 0;
      }
    }
    std::printf("%s: %d agree, %d refused by policy\n", name.c_str(), agreed, refused);
    EXPECT_EQ(agreed + refused, json->int_or("numberOfTests", -1)) << name;
    EXPECT_GT(agreed, 0) << name;
  }
  if (files == 0) GTEST_SKIP() << "no file " << prefix << "* among the vectors";
}

Verdict verdict(bool agrees) {
  return agrees ? Verdict::agrees : Verdict::differs;
}

TEST(Wycheproof, aes_gcm) {
  run_files("aes_gcm_test", [](const Json& group, const Json& one) {
    const Bytes key = test::hex(one, "key");
    const Bytes iv = test::hex(one, "iv");
    const Bytes aad = test::hex(one, "aad");
    const Bytes plain = test::hex(one, "msg");
    Bytes sealed = test::hex(one, "ct");
    const Bytes tag = test::hex(one, "tag");
    sealed.insert(sealed.end(), tag.begin(), tag.end());
    const bool policy = group.int_or("keySize", 0) != 256 || iv.size() != primitives::kIvBytes ||
                        tag.size() != primitives::kTagBytes;
    Bytes opened(plain.size(), 0xaa);
    const bool open_ok = primitives::aes256_gcm_open(key, iv, aad, sealed, opened);
    if (policy) return open_ok ? Verdict::differs : Verdict::refused_by_policy;
    if (one.string_or("result", "") != "valid") {
      return verdict(!open_ok && opened == Bytes(plain.size(), 0));
    }
    Bytes again(plain.size() + primitives::kTagBytes);
    return verdict(open_ok && opened == plain &&
                   primitives::aes256_gcm_seal(key, iv, aad, plain, again) && again == sealed);
  });
}

TEST(Wycheproof, aes_key_wrap_with_padding) {
  run_files("aes_kwp_test", [](const Json& group, const Json& one) {
    const Bytes key = test::hex(one, "key");
    const Bytes plain = test::hex(one, "msg");
    const Bytes wrapped = test::hex(one, "ct");
    const auto unwrapped = primitives::aes256_kwp_unwrap(key, wrapped);
    if (group.int_or("keySize", 0) != 256)
      return unwrapped ? Verdict::differs : Verdict::refused_by_policy;
    const std::string result = one.string_or("result", "");
    if (result == "invalid") return verdict(!unwrapped);
    const auto again = primitives::aes256_kwp_wrap(key, plain);
    return verdict(unwrapped && unwrapped->equals(plain) && again && *again == wrapped);
  });
}

TEST(Wycheproof, hkdf_sha256) {
  run_files("hkdf_sha256_test", [](const Json& /*group*/, const Json& one) {
    const auto out = primitives::hkdf_sha256(test::hex(one, "ikm"), test::hex(one, "salt"),
                                             test::hex(one, "info"),
                                             static_cast<std::size_t>(one.int_or("size", 0)));
    if (one.string_or("result", "") != "valid") return verdict(!out);
    return verdict(out && out->equals(test::hex(one, "okm")));
  });
}

TEST(Wycheproof, hmac_sha256) {
  run_files("hmac_sha256_test", [](const Json& group, const Json& one) {
    const Bytes full = hmac_sha256(test::hex(one, "key"), as_text(test::hex(one, "msg")));
    const auto size = static_cast<std::size_t>(group.int_or("tagSize", 256)) / 8;
    const Bytes tag = test::hex(one, "tag");
    const bool equal = size <= full.size() && constant_time_equal(ByteView(full).first(size), tag);
    return verdict(equal == (one.string_or("result", "") == "valid"));
  });
}

}  // namespace
}  // namespace rabt::crypto
