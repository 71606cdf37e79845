#include "tests/plugin/package_support.hpp"

// Packages as one .zip: the same as the folder, and nothing else.
namespace rabt::plugin::test::zip_test {
namespace {

class Zip : public Packages {
 protected:
  // Python's zipfile writes what `zip` would refuse to. `z` is the open file, `add` takes a name,
  // bytes and a Unix mode.
  std::string hostile(const std::string& lines) {
    std::string path = folder_.path() + "/hostile.zip";
    fs::remove(path);
    write(folder_.path() + "/make.py",
          "import zipfile, sys, struct\n"
          "z = zipfile.ZipFile('hostile.zip', 'w', zipfile.ZIP_DEFLATED)\n"
          "def add(name, data=b'x', mode=0o100644):\n"
          "    i = zipfile.ZipInfo(name)\n"
          "    i.external_attr = mode << 16\n"
          "    i.compress_type = zipfile.ZIP_DEFLATED\n"
          "    z.writestr(i, data)\n"
          "top = 'small-1.0.0.rabtplugin/'\n" +
              lines + "\nz.close()\n");
    std::string said;
    EXPECT_TRUE(shell(folder_.path() + "/.", "python3 make.py 2>/dev/null", &said)) << said;
    return path;
  }
  std::string code(const std::string& path) {
    const auto files = PackageFiles::read(path);
    return files.ok() ? "good" : files.error().code;
  }
};

TEST_F(Zip, IsTheSameAsTheFolder) {
  const std::string folder = signed_small();
  ASSERT_TRUE(shell(folder_.path() + "/.", "zip -qr p.zip small-1.0.0.rabtplugin"));
  EXPECT_EQ(verdict(folder_.path() + "/p.zip"), "good");
  const TrustedPackage zipped = verified(folder_.path() + "/p.zip");
  EXPECT_EQ(zipped.sums_sha256, verified(folder).sums_sha256);
  EXPECT_EQ(zipped.files.all().size(), verified(folder).files.all().size());
  // Stored without compression, and with the names of folders left out.
  ASSERT_TRUE(shell(folder_.path() + "/.", "zip -qr0D q.zip small-1.0.0.rabtplugin"));
  EXPECT_EQ(verdict(folder_.path() + "/q.zip"), "good");
}

TEST_F(Zip, ReadsWhatAnHonestOneHolds) {
  EXPECT_EQ(code(hostile("add(top + 'LICENSE')\nadd(top + 'schemas/a.json', b'{}')")), "good");
}

TEST_F(Zip, PathsThatLeaveThePackageAreRefused) {
  for (const char* name :
       {"top + '../../etc/passwd'", "'/etc/passwd'", "'../' + top + 'x'", "top + 'a/../../b'",
        "top + './x'", "top + 'a//b'", "top + 'a\\\\b'", "'C:/x'", "top + 'a\\nb'",
        "top + '.hidden'", "top + 'n\\u00e4me'", "top + 'a' * 300", "top + 'a/b/c/d/e/f/g/h/i'"}) {
    EXPECT_EQ(code(hostile(std::string("add(top + 'LICENSE')\nadd(") + name + ")")), "plugin.path")
        << name;
  }
}

TEST_F(Zip, LinksAndDevicesAreRefused) {
  EXPECT_EQ(code(hostile("add(top + 'LICENSE', b'/etc/passwd', 0o120777)")), "plugin.path");
  EXPECT_EQ(code(hostile("add(top + 'dev', b'', 0o020666)")), "plugin.path");
}

TEST_F(Zip, MoreThanOneFolderOrNoneIsRefused) {
  EXPECT_EQ(code(hostile("add('manifest.yaml')")), "plugin.path");
  EXPECT_EQ(code(hostile("add('folder/manifest.yaml')")), "plugin.path");
  EXPECT_EQ(code(hostile("add(top + 'LICENSE')\nadd('b-1.0.0.rabtplugin/LICENSE')")),
            "plugin.path");
}

TEST_F(Zip, ANameThatIsThereTwiceIsRefused) {
  EXPECT_EQ(code(hostile("add(top + 'LICENSE', b'a')\nadd(top + 'LICENSE', b'b')")), "plugin.path");
}

TEST_F(Zip, ANameThatIsAFileAndAFolderIsRefused) {
  for (const char* const lines :
       {"add(top + 'x')\nadd(top + 'x/y')", "add(top + 'x/y')\nadd(top + 'x')",
        "add(top + 'x')\nadd(top + 'x/y/z')", "add(top + 'a/b/c')\nadd(top + 'a/b')"}) {
    EXPECT_EQ(code(hostile(lines)), "plugin.path") << lines;
  }
  EXPECT_EQ(code(hostile("add(top + 'x')\nadd(top + 'x-y/z')\nadd(top + 'x.z')\nadd(top + 'xy')")),
            "good");
}

TEST_F(Zip, BombsAreRefusedBeforeTheyFillMemory) {
  EXPECT_EQ(code(hostile("add(top + 'LICENSE', bytes(12 << 20))")), "plugin.too_large");
  EXPECT_EQ(code(hostile("add(top + 'bin/linux-x86_64/plugin.so', bytes(200 << 20))")),
            "plugin.too_large");
  EXPECT_EQ(code(hostile("import os\nadd(top + 'LICENSE', os.urandom(17 << 20))")),
            "plugin.too_large")
      << "one text of more than 16 MiB";
  EXPECT_EQ(code(hostile("for i in range(1001): add(top + 'f%d' % i)")), "plugin.too_large");
  EXPECT_EQ(code(hostile("for i in range(1000): add(top + 'f%d' % i)")), "good");
}

TEST_F(Zip, DamagedOnesAreRefused) {
  const std::string folder = signed_small();
  ASSERT_TRUE(shell(folder_.path() + "/.", "zip -qr p.zip small-1.0.0.rabtplugin"));
  const std::string good = read(folder_.path() + "/p.zip");
  const std::string path = folder_.path() + "/damaged.zip";
  write(path, good.substr(0, good.size() / 2));
  EXPECT_EQ(code(path), "plugin.package");
  write(path, "");
  EXPECT_EQ(code(path), "plugin.package");
  write(path, "PK\x03\x04 nothing more");
  EXPECT_EQ(code(path), "plugin.package");
  // A byte changed in the middle: refused by the reader, or by the sums at the latest.
  for (std::size_t at = 0; at < good.size(); at += good.size() / 61) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    write(path, changed);
    auto files = PackageFiles::read(path);
    if (!files.ok()) continue;
    const auto package = verify_package(std::move(*files), {trust(key_)});
    if (package.ok()) {
      EXPECT_EQ(package->sums_sha256, verified(folder).sums_sha256) << "byte " << at;
    }
  }
  ASSERT_TRUE(shell(folder_.path() + "/.", "tar cf p.tar small-1.0.0.rabtplugin"));
  EXPECT_EQ(code(folder_.path() + "/p.tar"), "plugin.package") << "only .zip";
  EXPECT_EQ(code(folder_.path() + "/absent"), "plugin.package");
  EXPECT_EQ(code("/dev/null"), "plugin.package");
}

TEST_F(Zip, OtherWaysToPackThanStoredAndDeflatedAreRefused) {
  const auto packed = [](const std::string& method) {
    return "z.writestr(top + 'LICENSE', b'x' * 100, zipfile." + method + ")";
  };
  EXPECT_EQ(code(hostile(packed("ZIP_STORED"))), "good");
  EXPECT_EQ(code(hostile(packed("ZIP_DEFLATED"))), "good");
  EXPECT_EQ(code(hostile(packed("ZIP_LZMA"))), "plugin.package");
  EXPECT_EQ(code(hostile(packed("ZIP_BZIP2"))), "plugin.package");
  // The same by the number of the method in both headers: ppmd, xz, zstd.
  const std::string good = read(hostile(packed("ZIP_STORED")));
  const std::size_t directory = good.find("PK\x01\x02");
  ASSERT_NE(directory, std::string::npos);
  const std::string path = folder_.path() + "/method.zip";
  for (const int method : {98, 95, 93}) {
    std::string other = good;
    other[8] = static_cast<char>(method);
    other[directory + 10] = static_cast<char>(method);
    write(path, other);
    const auto files = PackageFiles::read(path);
    ASSERT_FALSE(files.ok()) << method;
    EXPECT_NE(files.error().message.find("is packed in another way"), std::string::npos)
        << files.error().message;
  }
}

TEST_F(Zip, EncryptedOnesAreRefused) {
  signed_small();
  ASSERT_TRUE(shell(folder_.path() + "/.", "zip -qr -P secret e.zip small-1.0.0.rabtplugin"));
  const std::string said = code(folder_.path() + "/e.zip");
  EXPECT_TRUE(said == "plugin.path" || said == "plugin.package") << said;
}

}  // namespace
}  // namespace rabt::plugin::test::zip_test
