#include "hub/crypto/minisign.hpp"

#include <cstdlib>

#include "tests/crypto/support.hpp"

// Keys and signatures made by Debian's program minisign.
namespace rabt::crypto::minisign::minisign_test {
namespace {

using rabt::test::read_file;
using rabt::test::TemporaryFolder;

constexpr std::string_view kContent = "one file\nof two lines\n";

class Minisign : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v minisign >/dev/null") != 0)
      GTEST_SKIP() << "the program minisign is not installed";
    write("file", kContent);
  }
  void write(const std::string& name, std::string_view content) {
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  std::string read(const std::string& name) { return read_file(folder_ / name); }
  // Runs a shell command in the folder; true when it ended with 0.
  bool run(const std::string& command) {
    const std::string path = folder_ / "";
    return std::system(("cd '" + path + "' && { " + command + "; } >out 2>&1").c_str()) == 0;
  }
  TemporaryFolder folder_;
};

TEST_F(Minisign, VerifiesWhatTheProgramSigned) {
  ASSERT_TRUE(run("minisign -G -W -p key.pub -s key && minisign -S -s key -m file")) << read("out");
  const auto key = parse_public_key(read("key.pub"));
  ASSERT_TRUE(key.ok()) << key.error().message;
  const auto signature = parse_signature(read("file.minisig"));
  ASSERT_TRUE(signature.ok()) << signature.error().message;
  EXPECT_TRUE(verify(*key, *signature, kContent));
  EXPECT_FALSE(verify(*key, *signature, "another"));
}

TEST_F(Minisign, VerifiesWhatWasSignedWithAnEncryptedKey) {
  ASSERT_TRUE(
      run("printf 'first\\nfirst\\n' | minisign -G -p key.pub -s key && "
          "printf 'first\\n' | minisign -S -s key -m file"))
      << read("out");
  EXPECT_TRUE(
      verify(*parse_public_key(read("key.pub")), *parse_signature(read("file.minisig")), kContent));
}

TEST_F(Minisign, WritesPublicKeysAsTheProgramDoes) {
  ASSERT_TRUE(run("minisign -G -W -p key.pub -s key && minisign -S -s key -m file")) << read("out");
  const auto key = parse_public_key(read("key.pub"));
  EXPECT_EQ(public_key_file(*key), read("key.pub"));
  EXPECT_TRUE(run("minisign -V -P " + public_key_line(*key) + " -m file")) << read("out");
  write("file", "another");
  EXPECT_FALSE(run("minisign -V -p key.pub -m file")) << "the program checks at all";
}

TEST_F(Minisign, RefusesTheLegacyKindOfSignature) {
  ASSERT_TRUE(run("minisign -G -W -p key.pub -s key && minisign -S -l -s key -m file"));
  const auto signature = parse_signature(read("file.minisig"));
  ASSERT_FALSE(signature.ok());
  EXPECT_NE(signature.error().message.find("not prehashed"), std::string::npos);
}

class MinisignFiles : public Minisign {
 protected:
  void SetUp() override {
    Minisign::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(run("minisign -G -W -p key.pub -s key")) << read("out");
    key_ = parse_public_key(read("key.pub")).value();
    signature_ = signed_with_comment("trusted words");
  }
  std::string signed_with_comment(const std::string& trusted) {
    write("trusted", trusted);
    EXPECT_TRUE(run("minisign -S -s key -m file -c c -t \"$(cat trusted)\"")) << read("out");
    return read("file.minisig");
  }
  VerifyingKey key_;
  std::string signature_;
};

TEST_F(MinisignFiles, EveryChangedByteOfASignatureIsRefused) {
  std::size_t refused = 0;
  // The first line is not trusted.
  const std::size_t from = signature_.find('\n') + 1;
  for (std::size_t at = from; at < signature_.size(); ++at) {
    std::string changed = signature_;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_signature(changed);
    if (!parsed.ok() || !verify(key_, *parsed, kContent)) ++refused;
  }
  EXPECT_EQ(refused, signature_.size() - from);
}

TEST_F(MinisignFiles, AnotherKeyUnderTheSameIdDoesNotVerify) {
  ASSERT_TRUE(run("minisign -G -W -p other.pub -s other")) << read("out");
  VerifyingKey other = parse_public_key(read("other.pub")).value();
  other.id = key_.id;
  EXPECT_FALSE(verify(other, *parse_signature(signature_), kContent));
  VerifyingKey renamed = key_;
  renamed.id[0] ^= 1U;
  EXPECT_FALSE(verify(renamed, *parse_signature(signature_), kContent));
}

TEST_F(MinisignFiles, TrustedCommentsWithControlCharactersAreRefused) {
  const std::size_t at = signature_.find("trusted words");
  for (const char* const words :
       {"\x1b[2J", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xe2\x81\xa6", "\xe2\x80\xa8", "\x9b"}) {
    std::string changed = signature_;
    changed.replace(at, 7, words);
    const auto parsed = parse_signature(changed);
    ASSERT_FALSE(parsed.ok());
    EXPECT_NE(parsed.error().message.find("cannot be printed"), std::string::npos);
  }
  const auto good =
      parse_signature(signed_with_comment("file:\tname \xd9\x86\xd9\x88\xd8\xb1\xd8\xa9"));
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(verify(key_, *good, kContent));
}

TEST_F(MinisignFiles, MalformedKeysAreRefused) {
  const std::string good = public_key_file(key_);
  ASSERT_TRUE(parse_public_key(good).ok());
  for (const std::string& text :
       {std::string(), std::string("untrusted comment: x\n"), good + good, good.substr(9),
        public_key_line(key_) + "=", std::string(20'000, 'A')}) {
    EXPECT_FALSE(parse_public_key(text).ok()) << text;
  }
}

}  // namespace
}  // namespace rabt::crypto::minisign::minisign_test
