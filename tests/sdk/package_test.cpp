// The SDK is used from where it is installed and from the source tree.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/sdk/shell.hpp"

namespace rabt::package_test {

namespace {

namespace fs = std::filesystem;
using rabt::sdk::tests::run;
using rabt::sdk::tests::source_dir;

class Package : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("rabt-sdk-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    for (const auto& [name, value] : rabt::sdk::tests::ccache_variables(folder_))
      ::setenv(name.c_str(), value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string at(const std::string& name) const { return (folder_ / name).string(); }
  // Builds the project in folder hello against the SDK that the option names.
  void expect_builds(const std::string& option) const {
    const auto built = run("cmake -S " + at("hello") + " -B " + at("build") + " " + option +
                           " && cmake --build " + at("build"));
    ASSERT_EQ(built.code, 0) << built.output;
  }
  [[nodiscard]] std::string package() const { return at("build/hello-1.0.0.rabtplugin"); }
  static std::string read(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string machine() {
    const auto found = run("uname -m");
    return found.output.substr(0, found.output.find('\n'));
  }

 private:
  fs::path folder_;
};

TEST_F(Package, TheInstalledSdkBuildsAProjectOutsideOfTheTree) {
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  ASSERT_NE(build, nullptr);
  const auto installed =
      run(std::string("cmake --install ") + build + " --component sdk --prefix " + at("sdk"));
  ASSERT_EQ(installed.code, 0) << installed.output;
  for (const char* file : {"include/rabt/abi.h", "include/rabt/service/http.h",
                           "lib/cmake/rabt-sdk/rabt-sdk-config.cmake",
                           "share/rabt-sdk/examples/hello/plugin.cpp", "share/rabt-sdk/README.md"})
    EXPECT_TRUE(fs::exists(at("sdk") + "/" + file)) << file;
  fs::copy(at("sdk") + "/share/rabt-sdk/examples/hello", at("hello"), fs::copy_options::recursive);
  expect_builds("-DCMAKE_PREFIX_PATH=" + at("sdk"));

  const std::string library = package() + "/bin/linux-" + machine() + "/plugin.so";
  ASSERT_TRUE(fs::exists(library));
  EXPECT_EQ(read(package() + "/manifest.yaml"), read(at("hello") + "/manifest.yaml"));
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(package()))
    files += entry.is_regular_file();
  EXPECT_EQ(files, 2U) << "a package holds what is shipped and nothing else";

  const auto symbols = run("nm -D --defined-only " + library);
  EXPECT_NE(symbols.output.find(" rabt_plugin_entry\n"), std::string::npos) << symbols.output;
  EXPECT_EQ(std::count(symbols.output.begin(), symbols.output.end(), '\n'), 1) << symbols.output;
  const auto dynamic = run("readelf -dW " + library);
  EXPECT_NE(dynamic.output.find("BIND_NOW"), std::string::npos) << dynamic.output;
  EXPECT_EQ(dynamic.output.find("libstdc++"), std::string::npos)
      << "the plugin would need the hub's C++ library";
  EXPECT_NE(run("readelf -lW " + library).output.find("GNU_RELRO"), std::string::npos);
}

TEST_F(Package, TheSourceTreeBuildsItTooAndAnEditedManifestMakesAnotherLibrary) {
  fs::copy(source_dir() / "sdk/examples/hello", at("hello"), fs::copy_options::recursive);
  const std::string option = "-Drabt-sdk_DIR=" + (source_dir() / "sdk/cmake").string();
  expect_builds(option);
  const std::string library = package() + "/bin/linux-" + machine() + "/plugin.so";
  const std::string first = read(library);
  const auto digest = [&] {
    return run("sha256sum < " + at("hello") + "/manifest.yaml | cut -c1-64").output.substr(0, 64);
  };
  EXPECT_NE(first.find(digest()), std::string::npos);

  std::ofstream(at("hello") + "/manifest.yaml", std::ios::app) << "concurrency: 2\n";
  fs::create_directories(at("hello") + "/schemas");
  std::ofstream(at("hello") + "/schemas/new.json") << "{}";
  const auto again = run("cmake --build " + at("build"));
  ASSERT_EQ(again.code, 0) << again.output;
  EXPECT_NE(read(library).find(digest()), std::string::npos);
  EXPECT_EQ(read(package() + "/manifest.yaml"), read(at("hello") + "/manifest.yaml"));
  EXPECT_EQ(read(package() + "/schemas/new.json"), "{}");

  fs::remove(at("hello") + "/schemas/new.json");
  ASSERT_EQ(run("cmake --build " + at("build")).code, 0);
  EXPECT_FALSE(fs::exists(package() + "/schemas/new.json"));
}

TEST_F(Package, ABuildThatChangesThePackageTakesAwayWhatWasSaidAboutIt) {
  fs::copy(source_dir() / "sdk/examples/hello", at("hello"), fs::copy_options::recursive);
  fs::create_directories(at("hello") + "/schemas");
  std::ofstream(at("hello") + "/schemas/a.json") << "{}";
  std::ofstream(at("hello") + "/schemas/b.json") << "{}";
  expect_builds("-Drabt-sdk_DIR=" + (source_dir() / "sdk/cmake").string());
  const auto statements = [&] {
    int found = 0;
    for (const char* name :
         {"SHA256SUMS", "SHA256SUMS.minisig", "sbom.cdx.json", "check-report.json"})
      found += fs::exists(package() + "/" + name);
    return found;
  };
  // As signing does, after which this happens; then a build.
  const auto after = [&](const std::string& change) {
    for (const char* name :
         {"SHA256SUMS", "SHA256SUMS.minisig", "sbom.cdx.json", "check-report.json"})
      std::ofstream(package() + "/" + name) << "signed";
    const auto built =
        run("cd " + at("hello") + " && " + change + " && cmake --build " + at("build"));
    EXPECT_EQ(built.code, 0) << built.output;
    return statements();
  };
  EXPECT_EQ(after("true"), 4) << "nothing changed";
  EXPECT_EQ(after("echo '// more' >> plugin.cpp"), 0);
  EXPECT_EQ(after("echo '{ }' > schemas/a.json"), 0);
  EXPECT_EQ(after("rm schemas/b.json"), 0);
}

TEST_F(Package, TheBuildSaysWhereThePackageOfThisVersionIs) {
  fs::copy(source_dir() / "sdk/examples/hello", at("hello"), fs::copy_options::recursive);
  expect_builds("-Drabt-sdk_DIR=" + (source_dir() / "sdk/cmake").string());
  EXPECT_EQ(read(at("build/hello.package")), package() + "\n");
  std::string manifest = read(at("hello") + "/manifest.yaml");
  manifest.replace(manifest.find("version: 1.0.0"), 14, "version: 1.1.0");
  std::ofstream(at("hello") + "/manifest.yaml") << manifest;
  ASSERT_EQ(run("cmake --build " + at("build")).code, 0);
  // The older package stays beside it.
  EXPECT_TRUE(fs::exists(package()));
  EXPECT_EQ(read(at("build/hello.package")), at("build/hello-1.1.0.rabtplugin") + "\n");
}

TEST_F(Package, AManifestOfAnotherPluginIsRefusedWhenTheBuildIsConfigured) {
  fs::copy(source_dir() / "sdk/examples/hello", at("hello"), fs::copy_options::recursive);
  std::string manifest = read(at("hello") + "/manifest.yaml");
  manifest.replace(manifest.find("id: hello"), 9, "id: other");
  std::ofstream(at("hello") + "/manifest.yaml") << manifest;
  const auto configured = run("cmake -S " + at("hello") + " -B " + at("build") +
                              " -Drabt-sdk_DIR=" + (source_dir() / "sdk/cmake").string());
  EXPECT_NE(configured.code, 0);
  EXPECT_NE(configured.output.find("manifest.yaml says id:"), std::string::npos)
      << configured.output;
}

TEST_F(Package, ANewerSdkServesWhoAsksForAnOlderOneOfTheSameMajor) {
  fs::create_directories(at("hello"));
  const auto asks = [&](const std::string& version) {
    std::ofstream(at("hello") + "/CMakeLists.txt")
        << "cmake_minimum_required(VERSION 3.25)\nproject(asks LANGUAGES C)\nfind_package(rabt-sdk "
        << version << " REQUIRED)\n";
    return run("cmake -S " + at("hello") + " -B " + at("build-" + version) +
               " -Drabt-sdk_DIR=" + (source_dir() / "sdk/cmake").string())
        .code;
  };
  EXPECT_EQ(asks("1.0"), 0);
  EXPECT_NE(asks("1.99"), 0);
  EXPECT_NE(asks("2.0"), 0);
  EXPECT_NE(asks("0.9"), 0);
}

}  // namespace

}  // namespace rabt::package_test
