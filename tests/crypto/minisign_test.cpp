#include "hub/crypto/minisign.hpp"

#include <cstdlib>

#include "hub/base/random.hpp"
#include "tests/crypto/support.hpp"

// Beside the program minisign of Debian, in both directions.
namespace rabt::crypto::minisign {
namespace {

using rabt::test::read_file;
using rabt::test::TemporaryFolder;

constexpr std::string_view kContent = "one file\nof two lines\n";

Result<SecretBytes> no_password() {
  ADD_FAILURE() << "nobody is to be asked for a password";
  return SecretBytes(std::string_view("x"));
}
SecretKey::Password password(std::string_view text) {
  return [text]() -> Result<SecretBytes> { return SecretBytes(text); };
}

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
  SystemRandom random_;
};

TEST_F(Minisign, VerifiesWhatWeSignWithOurOwnKey) {
  const SecretKey key = SecretKey::generate(random_);
  write("key.pub", public_key_file(key.verifying_key()));
  write("file.minisig", key.sign(kContent, "of a test", "timestamp:1 file:file"));
  EXPECT_TRUE(run("minisign -V -H -p key.pub -m file")) << read("out");
  EXPECT_NE(read("out").find("Trusted comment: timestamp:1 file:file"), std::string::npos)
      << read("out");
  EXPECT_TRUE(run("minisign -V -P " + public_key_line(key.verifying_key()) + " -m file"));
  write("file", "another");
  EXPECT_FALSE(run("minisign -V -p key.pub -m file")) << "the program checks at all";
}

TEST_F(Minisign, SignsWithAKeyFileThatWeWrote) {
  const SecretKey key = SecretKey::generate(random_);
  write("key", key.file(SecretBytes(), random_)->expose_text());
  ASSERT_TRUE(run("minisign -S -s key -m file </dev/null")) << read("out");
  const auto signature = parse_signature(read("file.minisig"));
  ASSERT_TRUE(signature.ok()) << signature.error().message;
  EXPECT_TRUE(verify(key.verifying_key(), *signature, kContent));
  EXPECT_FALSE(verify(key.verifying_key(), *signature, "another"));
  EXPECT_TRUE(run("minisign -R -s key -p again.pub </dev/null")) << read("out");
  EXPECT_EQ(*parse_public_key(read("again.pub")), key.verifying_key());
}

TEST_F(Minisign, ReadsItsKeysAndSignsForIt) {
  ASSERT_TRUE(run("minisign -G -W -p key.pub -s key")) << read("out");
  const auto key = SecretKey::parse(read("key"), no_password);
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(*parse_public_key(read("key.pub")), key->verifying_key());
  EXPECT_EQ(public_key_file(key->verifying_key()), read("key.pub"));
  EXPECT_EQ(key->file(SecretBytes(), random_)->expose_text(), read("key"))
      << "the same bytes as the program's";
  write("file.minisig", key->sign(kContent, "c", "t"));
  EXPECT_TRUE(run("minisign -V -p key.pub -m file")) << read("out");
}

TEST_F(Minisign, EncryptedKeysPassInBothDirections) {
  ASSERT_TRUE(run("printf 'first\\nfirst\\n' | minisign -G -p key.pub -s key")) << read("out");
  const auto wrong = SecretKey::parse(read("key"), password("second"));
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "crypto.minisign_password");
  const auto key = SecretKey::parse(read("key"), password("first"));
  ASSERT_TRUE(key.ok()) << key.error().message;
  EXPECT_EQ(*parse_public_key(read("key.pub")), key->verifying_key());

  write("ours", key->file(SecretBytes(std::string_view("third")), random_)->expose_text());
  EXPECT_TRUE(run("printf 'third\\n' | minisign -S -s ours -m file")) << read("out");
  EXPECT_TRUE(run("minisign -V -p key.pub -m file")) << read("out");
}

TEST_F(Minisign, RefusesTheLegacyKindOfSignature) {
  ASSERT_TRUE(run("minisign -G -W -p key.pub -s key && minisign -S -l -s key -m file"));
  const auto signature = parse_signature(read("file.minisig"));
  ASSERT_FALSE(signature.ok());
  EXPECT_NE(signature.error().message.find("not prehashed"), std::string::npos);
}

class MinisignFiles : public ::testing::Test {
 protected:
  SystemRandom random_;
  SecretKey key_ = SecretKey::generate(random_);
  std::string signature_ = key_.sign(kContent, "c", "trusted words");
};

TEST_F(MinisignFiles, EveryChangedByteOfASignatureIsRefused) {
  std::size_t refused = 0;
  const std::size_t from = signature_.find('\n') + 1;  // the first line is not trusted
  for (std::size_t at = from; at < signature_.size(); ++at) {
    std::string changed = signature_;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    const auto parsed = parse_signature(changed);
    if (!parsed.ok() || !verify(key_.verifying_key(), *parsed, kContent)) ++refused;
  }
  EXPECT_EQ(refused, signature_.size() - from);
}

TEST_F(MinisignFiles, AnotherKeyUnderTheSameIdDoesNotVerify) {
  VerifyingKey other = SecretKey::generate(random_).verifying_key();
  other.id = key_.verifying_key().id;
  EXPECT_FALSE(verify(other, *parse_signature(signature_), kContent));
  VerifyingKey renamed = key_.verifying_key();
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
      parse_signature(key_.sign(kContent, "c", "file:\tname \xd9\x86\xd9\x88\xd8\xb1\xd8\xa9"));
  ASSERT_TRUE(good.ok());
  EXPECT_TRUE(verify(key_.verifying_key(), *good, kContent));
}

TEST_F(MinisignFiles, MalformedKeysAreRefused) {
  const std::string good = public_key_file(key_.verifying_key());
  ASSERT_TRUE(parse_public_key(good).ok());
  for (const std::string& text :
       {std::string(), std::string("untrusted comment: x\n"), good + good, good.substr(9),
        public_key_line(key_.verifying_key()) + "=", std::string(20'000, 'A')}) {
    EXPECT_FALSE(parse_public_key(text).ok()) << text;
  }
  const std::string file(key_.file(SecretBytes(), random_)->expose_text());
  ASSERT_TRUE(SecretKey::parse(file, no_password).ok());
  EXPECT_FALSE(SecretKey::parse(file.substr(0, file.size() / 2), no_password).ok());
  EXPECT_FALSE(SecretKey::parse(good, no_password).ok());
}

TEST_F(MinisignFiles, AKeyWhoseHalvesDoNotBelongTogetherIsRefused) {
  const std::string file(key_.file(SecretBytes(), random_)->expose_text());
  const std::size_t line = file.find('\n') + 1;
  Bytes raw = *from_base64(std::string_view(file).substr(line, file.size() - line - 1));
  raw[54 + 8 + 32] ^= 1U;  // first byte of the public half
  const auto parsed = SecretKey::parse(file.substr(0, line) + to_base64(raw) + "\n", no_password);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().code, "crypto.minisign_key");
}

TEST_F(MinisignFiles, AKeyThatWouldCostAllMemoryIsRefusedBeforeItsPassword) {
  const std::string file(key_.file(SecretBytes(), random_)->expose_text());
  const std::size_t line = file.find('\n') + 1;
  Bytes raw = *from_base64(std::string_view(file).substr(line, file.size() - line - 1));
  raw[2] = 'S';
  raw[3] = 'c';
  raw[6 + 32 + 8 + 7] = 1;  // 2^56 bytes
  EXPECT_FALSE(SecretKey::parse(file.substr(0, line) + to_base64(raw) + "\n", no_password).ok());
}

}  // namespace
}  // namespace rabt::crypto::minisign
