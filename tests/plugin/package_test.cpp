#include <sys/stat.h>
#include <unistd.h>

#include "hub/base/bytes.hpp"
#include "tests/plugin/package_support.hpp"

// A package is what its vendor signed, or it is refused with the code that says why.
namespace rabt::plugin::test::package_test {
namespace {

class Package : public Packages {};

TEST_F(Package, IsGoodAsItWasSigned) {
  const std::string folder = signed_small();
  EXPECT_EQ(verdict(folder), "good");
  const TrustedPackage package = verified(folder);
  EXPECT_EQ(package.package.manifest.id, "small");
  EXPECT_EQ(package.key_id, minisign::to_text(key_.verifying_key().id));
  EXPECT_EQ(package.trusted_comment, std::string("plugin:small version:1.0.0 time:") + kSignedAt);
}

// ---- other software

TEST_F(Package, OtherSoftwareVerifiesWhatWeSigned) {
  const std::string folder = signed_small();
  write(folder_.path() + "/acme.pub", minisign::public_key_file(key_.verifying_key()));
  std::string said;
  EXPECT_TRUE(shell(folder, "sha256sum --check --strict SHA256SUMS", &said)) << said;
  EXPECT_TRUE(shell(folder, "minisign -V -H -p ../acme.pub -m SHA256SUMS", &said)) << said;
  append(folder + "/LICENSE", "x");
  EXPECT_FALSE(shell(folder, "sha256sum --check --strict SHA256SUMS", &said)) << said;
  append(folder + "/SHA256SUMS", "x");
  EXPECT_FALSE(shell(folder, "minisign -V -H -p ../acme.pub -m SHA256SUMS", &said)) << said;
}

TEST_F(Package, WeVerifyWhatOtherSoftwareSigned) {
  const std::string folder = signed_small();
  fs::remove(folder + "/SHA256SUMS");
  fs::remove(folder + "/SHA256SUMS.minisig");
  std::string said;
  ASSERT_TRUE(shell(folder,
                    "minisign -G -W -f -p ../v.pub -s ../v.key && find * -type f | xargs sha256sum "
                    ">../sums && mv ../sums SHA256SUMS && minisign -S -s ../v.key -m SHA256SUMS",
                    &said))
      << said;
  TrustedKey vendor;
  vendor.key = minisign::parse_public_key(read(folder_.path() + "/v.pub")).value();
  vendor.scopes = {"small"};
  EXPECT_EQ(verdict(folder, {vendor}), "good");
}

TEST_F(Package, SigningWithoutTheProgramSaysWhichPackageToInstall) {
  const std::string folder = unsigned_small();
  const std::string path = std::getenv("PATH") == nullptr ? "" : std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto done = sign_package(folder, sign_with(key_.file()), {.time = kSignedAt});
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, "plugin.minisign_missing");
  EXPECT_NE(done.error().message.find("install the Debian package minisign"), std::string::npos);
  EXPECT_NE(verdict(folder), "good");
  sign(folder);
  EXPECT_EQ(verdict(folder), "good");
}

// ---- tampering

struct Tampering {
  const char* name;
  const char* code;
  std::function<void(const std::string& folder)> act;
};
std::string name_of(const testing::TestParamInfo<Tampering>& test_param_info) {
  return test_param_info.param.name;
}
class Tampered : public Packages, public testing::WithParamInterface<Tampering> {};

TEST_P(Tampered, IsRefusedWithItsCode) {
  const std::string folder = signed_small();
  ASSERT_EQ(verdict(folder), "good");
  GetParam().act(folder);
  EXPECT_EQ(verdict(folder), GetParam().code);
}

INSTANTIATE_TEST_SUITE_P(
    After, Tampered,
    testing::Values(
        Tampering{"LibraryChanged", "plugin.sums",
                  [](const auto& f) { append(library_path(f), "x"); }},
        Tampering{"OneBitOfTheLibrary", "plugin.sums",
                  [](const auto& f) {
                    std::string bytes = read(library_path(f));
                    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
                    write(library_path(f), bytes);
                  }},
        Tampering{"ManifestChanged", "plugin.sums",
                  [](const auto& f) { append(f + "/manifest.yaml", "blocking: true\n"); }},
        Tampering{"LicenceChanged", "plugin.sums",
                  [](const auto& f) { append(f + "/LICENSE", "x"); }},
        Tampering{"SbomChanged", "plugin.sums",
                  [](const auto& f) { append(f + "/sbom.cdx.json", " "); }},
        Tampering{"FileAdded", "plugin.sums", [](const auto& f) { write(f + "/README.md", "x"); }},
        Tampering{"SchemaAdded", "plugin.sums",
                  [](const auto& f) { write(f + "/schemas/echo.json", "{}"); }},
        Tampering{"LibraryForAnotherMachineAdded", "plugin.sums",
                  [](const auto& f) { write(f + "/bin/linux-riscv64/plugin.so", "x"); }},
        Tampering{"FileMissing", "plugin.sums", [](const auto& f) { fs::remove(f + "/LICENSE"); }},
        Tampering{"LibraryMissing", "plugin.sums",
                  [](const auto& f) { fs::remove(library_path(f)); }},
        Tampering{"FileRenamed", "plugin.sums",
                  [](const auto& f) { fs::rename(f + "/LICENSE", f + "/LICENCE"); }},
        Tampering{"FilesExchanged", "plugin.sums",
                  [](const auto& f) {
                    const std::string a = read(f + "/LICENSE");
                    write(f + "/LICENSE", read(f + "/sbom.cdx.json"));
                    write(f + "/sbom.cdx.json", a);
                  }},
        Tampering{"LinkInPlaceOfAFile", "plugin.path",
                  [](const auto& f) {
                    fs::rename(f + "/LICENSE", f + "/../LICENSE");
                    fs::create_symlink("../LICENSE", f + "/LICENSE");
                  }},
        Tampering{"LinkInPlaceOfAFolder", "plugin.path",
                  [](const auto& f) {
                    fs::rename(f + "/bin", f + "/../bin");
                    fs::create_symlink("../bin", f + "/bin");
                  }},
        Tampering{"LinkAdded", "plugin.path",
                  [](const auto& f) { fs::create_symlink("/etc/passwd", f + "/passwd"); }},
        Tampering{"PipeAdded", "plugin.path",
                  [](const auto& f) { ASSERT_EQ(::mkfifo((f + "/pipe").c_str(), 0600), 0); }},
        Tampering{"HiddenFileAdded", "plugin.path",
                  [](const auto& f) { write(f + "/.hidden", "x"); }},
        Tampering{"NameWithALineEnd", "plugin.path",
                  [](const auto& f) { write(f + "/a\nb", "x"); }},
        Tampering{"SumsCorrectedForAChange", "plugin.signature",
                  [](const auto& f) {
                    append(f + "/LICENSE", "x");
                    ASSERT_TRUE(shell(f,
                                      "sha256sum LICENSE bin/*/plugin.so manifest.yaml "
                                      "sbom.cdx.json >SHA256SUMS"));
                  }},
        Tampering{"SumsMissing", "plugin.unsigned",
                  [](const auto& f) { fs::remove(f + "/SHA256SUMS"); }},
        Tampering{"SignatureMissing", "plugin.unsigned",
                  [](const auto& f) { fs::remove(f + "/SHA256SUMS.minisig"); }},
        Tampering{"SignatureEmpty", "plugin.signature",
                  [](const auto& f) { write(f + "/SHA256SUMS.minisig", ""); }},
        Tampering{"TrustedCommentChanged", "plugin.signature",
                  [](const auto& f) {
                    std::string text = read(f + "/SHA256SUMS.minisig");
                    text.replace(text.find("version:1.0.0"), 13, "version:9.0.0");
                    write(f + "/SHA256SUMS.minisig", text);
                  }}),
    name_of);

TEST_F(Package, SignedByAKeyThatNobodyTrustsIsRefused) {
  const std::string folder = unsigned_small();
  sign(folder, other_);
  EXPECT_EQ(verdict(folder), "plugin.untrusted_key");
  EXPECT_EQ(verdict(folder, {}), "plugin.untrusted_key");
  EXPECT_EQ(verdict(folder, {trust(key_), trust(other_)}), "good");
}

TEST_F(Package, AKeyThatPretendsToBeATrustedOneIsRefused) {
  const std::string folder = unsigned_small();
  sign(folder, other_);
  // The id in the signature is not signed: anybody may write a trusted one there.
  std::string text = read(folder + "/SHA256SUMS.minisig");
  const std::size_t line = text.find('\n') + 1;
  const std::size_t end = text.find('\n', line);
  Bytes raw = *from_base64(std::string_view(text).substr(line, end - line));
  const auto& id = key_.verifying_key().id;
  std::copy(id.begin(), id.end(), raw.begin() + 2);
  text.replace(line, end - line, to_base64(raw));
  write(folder + "/SHA256SUMS.minisig", text);
  EXPECT_EQ(verdict(folder), "plugin.signature");
}

TEST_F(Package, ASignatureOfAnotherPackageIsRefused) {
  const std::string first = signed_small("1.0.0");
  const std::string second = signed_small("2.0.0");
  fs::copy_file(first + "/SHA256SUMS.minisig", second + "/SHA256SUMS.minisig",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(verdict(second), "plugin.signature");
  // Together with its sums it fits, and the files do not.
  fs::copy_file(first + "/SHA256SUMS", second + "/SHA256SUMS",
                fs::copy_options::overwrite_existing);
  EXPECT_EQ(verdict(second), "plugin.sums");
}

TEST_F(Package, AKeyMaySignOnlyWhatItsScopeCovers) {
  const std::string folder = signed_small();
  EXPECT_EQ(verdict(folder, {trust(key_, {"acme-*"})}), "plugin.key_scope");
  EXPECT_EQ(verdict(folder, {trust(key_, {})}), "plugin.key_scope");
  EXPECT_EQ(verdict(folder, {trust(key_, {"acme-*", "sm*"})}), "good");
}

TEST(Scopes, StarsStandForAnyRun) {
  EXPECT_TRUE(matches("twilio", "twilio"));
  EXPECT_FALSE(matches("twilio", "twilio-2"));
  EXPECT_TRUE(matches("acme-*", "acme-video"));
  EXPECT_FALSE(matches("acme-*", "acme"));
  EXPECT_FALSE(matches("acme-*", "not-acme-video"));
  EXPECT_TRUE(matches("*-video", "acme-old-video"));
  EXPECT_TRUE(matches("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches("a*b*c", "a-b-b-d"));
  EXPECT_TRUE(matches("*", ""));
  EXPECT_FALSE(matches("", "x"));
  EXPECT_FALSE(is_scope("Acme"));
  EXPECT_FALSE(is_scope(""));
}

// ---- signed, and wrong all the same

TEST_F(Package, SignedSumsThatAreNoSumsAreRefused) {
  const std::string folder = signed_small();
  const std::string good = read(folder + "/SHA256SUMS");
  const std::string digest(64, 'a');
  const std::string line = good.substr(0, good.find('\n') + 1);
  for (const std::string& sums :
       {std::string(), good.substr(0, good.size() - 1), good + line, good + "\n",
        good + digest + "  ../outside\n", good + digest + "  /etc/passwd\n",
        good + digest + "  SHA256SUMS\n", good + digest + " *binary\n",
        good + std::string(64, 'A') + "  upper\n", good + digest + "  absent\n",
        good + digest.substr(1) + "  short\n", good + "\\" + digest + "  escaped\\n\n"}) {
    write(folder + "/SHA256SUMS", sums);
    write(folder + "/SHA256SUMS.minisig", key_.sign(sums, "c", "t"));
    EXPECT_EQ(verdict(folder), "plugin.sums") << sums;
  }
}

TEST_F(Package, SignedWithoutWhatBelongsToItIsRefused) {
  const std::string folder = signed_small();
  for (const char* name : {"LICENSE", "sbom.cdx.json", "manifest.yaml"}) {
    const std::string content = read(folder + "/" + name);
    fs::remove(folder + "/" + name);
    sign_again(folder, key_);
    EXPECT_EQ(verdict(folder), "plugin.package") << name;
    write(folder + "/" + name, content);
  }
  fs::remove(library_path(folder));
  sign_again(folder, key_);
  EXPECT_EQ(verdict(folder), "plugin.library");
}

TEST_F(Package, ALibraryForAnotherMachineIsRefused) {
  const std::string folder = signed_small();
  const std::string library = read(library_path(folder));
  fs::rename(folder + "/bin/" + std::string(kPlatform), folder + "/bin/linux-riscv64");
  sign_again(folder, key_);
  EXPECT_EQ(verdict(folder), "plugin.platform");
  fs::rename(folder + "/bin/linux-riscv64", folder + "/bin/" + std::string(kPlatform));
  std::string sparc = library;
  sparc[18] = 2;  // e_machine
  write(library_path(folder), sparc);
  sign_again(folder, key_);
  EXPECT_EQ(verdict(folder), "plugin.platform");
  write(library_path(folder), "#!/bin/sh\n");
  sign_again(folder, key_);
  EXPECT_EQ(verdict(folder), "plugin.platform");
}

TEST_F(Package, AManifestThatIsSignedAndWrongKeepsItsOwnCode) {
  const std::string folder = signed_small();
  append(folder + "/manifest.yaml", "surprise: 1\n");
  sign_again(folder, key_);
  EXPECT_EQ(verdict(folder), "plugin.manifest");
}

// ---- what was hashed is what is loaded

TEST_F(Package, FilesExchangedAfterVerificationAreNotWhatRuns) {
  const std::string folder = signed_small();
  const TrustedPackage package = verified(folder);
  const std::string digest = package.files.find(library_path())->sha256;
  write(library_path(folder), "another library");
  write(folder + "/manifest.yaml", "another manifest");
  fs::remove(folder + "/LICENSE");

  Hub hub;
  PluginConfig config = hub.config("small");
  config.folder.clear();
  config.files = std::make_shared<const PackageFiles>(package.files);
  config.key_id = package.key_id;
  const Status loaded = hub.host->load(std::move(config));
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_TRUE(hub.log.has("sha256=" + digest));
  ASSERT_TRUE(hub.host->bind_role("small", "plugin://small").ok());
  EXPECT_EQ(hub.call("small", "echo", Json(7)).output.dump(), "7");
  EXPECT_EQ(hub.host->plugins().front().key_id, package.key_id);
}

TEST_F(Package, TheLibraryLiesInAMemoryFileThatNobodyCanChange) {
  const auto files = PackageFiles::read(signed_small()).value();
  const int fd = files.find(library_path())->sealed->get();
  EXPECT_LT(::pwrite(fd, "x", 1, 0), 0);
  EXPECT_NE(::ftruncate(fd, 0), 0);
  const std::string again = "/proc/self/fd/" + std::to_string(fd);
  std::ofstream out(again, std::ios::in | std::ios::out | std::ios::binary);
  out << "x";
  out.close();
  EXPECT_FALSE(out.good());
}

// ---- signing

TEST_F(Package, SigningAgainAfterANewBuildMakesANewSbom) {
  const std::string folder = signed_small();
  const auto first = Json::parse(read(folder + "/sbom.cdx.json")).value();
  append(folder + "/LICENSE", "and more\n");
  sign(folder);
  EXPECT_EQ(verdict(folder), "good");
  const auto second = Json::parse(read(folder + "/sbom.cdx.json")).value();
  EXPECT_NE(first["serialNumber"], second["serialNumber"]);
}

TEST_F(Package, AnSbomOfTheVendorStaysAsItIs) {
  const std::string folder = unsigned_small();
  const std::string sbom = R"({"bomFormat":"CycloneDX","specVersion":"1.6","version":7})";
  write(folder + "/sbom.cdx.json", sbom);
  sign(folder);
  EXPECT_EQ(read(folder + "/sbom.cdx.json"), sbom);
  write(folder + "/sbom.cdx.json", R"({"bomFormat":"CycloneDX","specVersion":"1.4"})");
  const auto refused = sign_package(folder, sign_with(key_.file()), {.time = kSignedAt});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, "plugin.package");
}

TEST_F(Package, TheSbomNamesEveryFileAndWhatTheLibraryNeeds) {
  const std::string folder = folder_.path() + "/echo";
  fs::copy(fixture("echo"), folder, fs::copy_options::recursive);
  sign(folder);
  const auto sbom = Json::parse(read(folder + "/sbom.cdx.json")).value();
  EXPECT_EQ(sbom.string_or("specVersion", ""), "1.6");
  EXPECT_EQ(sbom["metadata"]["component"].string_or("bom-ref", ""), "echo@1.2.0");
  std::map<std::string, std::string> files;
  std::set<std::string> libraries;
  for (const Json& item : sbom["components"].as_array()) {
    if (item.string_or("type", "") == "library") {
      libraries.insert(item.string_or("name", ""));
    } else {
      files[item.string_or("name", "")] = item["hashes"][0].string_or("content", "");
    }
  }
  const auto sums = parse_sums(read(folder + "/SHA256SUMS")).value();
  ASSERT_EQ(files.size() + 1, sums.size()) << "all but the SBOM itself";
  for (const auto& [name, digest] : files) EXPECT_EQ(sums.find(name)->second, digest) << name;
  // Beside the tool of others.
  std::string said;
  ASSERT_TRUE(shell(folder,
                    "readelf -d " + library_path() + " | sed -n 's/.*NEEDED.*\\[\\(.*\\)\\]/\\1/p'",
                    &said));
  std::set<std::string> needed;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) needed.insert(line);
  EXPECT_FALSE(needed.empty());
  EXPECT_EQ(libraries, needed);
}

// The specification's own schema and a validator that is not ours say so.
TEST_F(Package, TheSbomIsCycloneDx) {
  const char* data = std::getenv("RABT_CONFORMANCE_DATA");  // NOLINT(concurrency-mt-unsafe)
  if (data == nullptr)
    GTEST_SKIP()
        << "RABT_CONFORMANCE_DATA is not set; its folder vectors/cyclonedx holds the schemas";
  const std::string schemas = std::string(data) + "/vectors/cyclonedx";
  std::string said;
  if (!shell(folder_.path(), "python3 -c 'import jsonschema'", &said))
    GTEST_SKIP() << "no python3-jsonschema";
  const auto valid = [&](const std::string& file) {
    said.clear();
    return shell(folder_.path(),
                 "python3 '" RABT_SOURCE "/tests/interop/validate_json.py' '" + schemas +
                     "' bom-1.6.schema.json '" + file + "'",
                 &said);
  };
  for (const char* const name : {"echo", "small"}) {
    const std::string folder = folder_.path() + "/" + name;
    fs::copy(fixture(name), folder, fs::copy_options::recursive);
    sign(folder);
    EXPECT_TRUE(valid(folder + "/sbom.cdx.json")) << name << "\n" << said;
  }
  // The validator refuses files that are not CycloneDX.
  const std::string whole = read(folder_.path() + "/echo/sbom.cdx.json");
  for (const auto& [from, to] : std::map<std::string, std::string>{
           {"SHA-256", "SHA-257"}, {"urn:uuid:", "urn:"}, {"\"library\"", "\"book\""}}) {
    std::string changed = whole;
    ASSERT_NE(changed.find(from), std::string::npos) << from;
    changed.replace(changed.find(from), from.size(), to);
    write(folder_.path() + "/changed.json", changed);
    EXPECT_FALSE(valid(folder_.path() + "/changed.json")) << from;
  }
}

TEST_F(Package, SigningRefusesWhatAHospitalWouldRefuse) {
  const auto code = [this](const std::string& folder) {
    const auto done = sign_package(folder, sign_with(key_.file()), {.time = kSignedAt});
    return done.ok() ? std::string("good") : done.error().code;
  };
  std::string folder = unsigned_small();
  fs::remove(folder + "/LICENSE");
  EXPECT_EQ(code(folder), "plugin.package");
  folder = unsigned_small();
  fs::remove(library_path(folder));
  EXPECT_EQ(code(folder), "plugin.library");
  // The library was built with another manifest.
  folder = unsigned_small();
  append(folder + "/manifest.yaml", "# changed after the build\n");
  EXPECT_EQ(code(folder), "plugin.digest");
  build_again(folder);
  EXPECT_EQ(code(folder), "good");
  // RABT_PLUGIN says something else than the manifest.
  for (const char* other : {"other-version", "other-id"}) {
    folder = folder_.path() + "/" + other;
    fs::copy(fixture(other), folder, fs::copy_options::recursive);
    EXPECT_EQ(code(folder), "plugin.id_mismatch") << other;
  }
  folder = unsigned_small();
  // The report of the checker.
  const auto report = [&folder](const std::string& digest, bool good) {
    write(folder + "/check-report.json",
          Json::object({{"packageDigest", digest}, {"good", good}}).dump());
  };
  report(digest_of(PackageFiles::read(folder).value()), false);
  EXPECT_EQ(code(folder), "plugin.report");
  report(std::string(64, 'a'), true);
  EXPECT_EQ(code(folder), "plugin.report");
  write(folder + "/check-report.json", "all is well");
  EXPECT_EQ(code(folder), "plugin.report");
  report(digest_of(PackageFiles::read(folder).value()), true);
  EXPECT_EQ(code(folder), "good");
  folder = unsigned_small();
  fs::create_symlink("LICENSE", folder + "/COPYING");
  EXPECT_EQ(code(folder), "plugin.path");
  folder = unsigned_small();
  append(folder + "/manifest.yaml", "surprise: 1\n");
  EXPECT_EQ(code(folder), "plugin.manifest");
  folder = unsigned_small();
  fs::rename(folder, folder_.path() + "/small-3.0.0.rabtplugin");
  EXPECT_EQ(code(folder_.path() + "/small-3.0.0.rabtplugin"), "plugin.package");
}

// ---- what a person is told

TEST_F(Package, TellsWhereThePatientDataIs) {
  const std::string folder = unsigned_small("1.0.0", R"(
  - name: book
    version: 2.0.0
    idempotency: key
    input:
      type: object
      $defs: {name: {x-phi: true, type: string}}
      properties:
        patient: {x-phi: true, type: object, properties: {birth: {x-phi: true}}}
        contact: {type: object, properties: {name: {$ref: '#/$defs/name'}, 'a/b~c': {x-phi: true}}}
        notes: {type: array, items: {anyOf: [{type: integer}, {x-phi: true, type: string}]}}
        plain: {type: string}
    output: {type: object, additionalProperties: {x-phi: true}}
events:
  - {type: small.ended, schema: ended.json}
  - {type: small.started}
)");
  write(folder + "/schemas/ended.json", R"({"properties":{"who":{"x-phi":true}}})");
  sign(folder);
  const Json facts = describe(verified(folder).package);
  const Json& phi = facts["patientData"];
  EXPECT_EQ(phi["actions"][2].dump(),
            R"({"name":"book","version":"2.0.0","input":["/contact/a~1b~0c","/contact/name",)"
            R"("/notes/*","/patient"],"output":["/*"]})");
  EXPECT_EQ(phi["events"].dump(),
            R"([{"type":"small.ended","data":["/who"]},{"type":"small.started","data":null}])");
}

TEST_F(Package, WhatNoSchemaDescribesIsNotCalledUnmarked) {
  const std::string folder = signed_small("1.0.0", R"(
  - {name: bare, version: 1.0.0, idempotency: key}
  - {name: open, version: 1.0.0, idempotency: key, input: true, output: {}}
  - {name: plain, version: 1.0.0, idempotency: key, input: {type: object}, output: {type: string}}
)");
  const Json facts = describe(verified(folder).package);
  const Json& actions = facts["patientData"]["actions"];
  EXPECT_EQ(actions[2].dump(), R"({"name":"bare","version":"1.0.0","input":null,"output":null})");
  EXPECT_EQ(actions[3].dump(), R"({"name":"open","version":"1.0.0","input":null,"output":null})");
  EXPECT_EQ(actions[4].dump(), R"({"name":"plain","version":"1.0.0","input":[],"output":[]})");
}

TEST_F(Package, ManyWaysThroughASchemaHideNoMark) {
  std::string defs;
  for (int i = 0; i < 20; ++i) {
    const std::string next = "{$ref: '#/$defs/d" + std::to_string(i + 1) + "'}";
    defs += "        d" + std::to_string(i) + ": {allOf: [" + next + ", " + next + "]}\n";
  }
  const std::string folder = signed_small("1.0.0", R"(
  - name: book
    version: 1.0.0
    idempotency: key
    input:
      allOf: [{$ref: '#/$defs/d0'}]
      $defs:
)" + defs + R"(        d20: {}
        number: {$anchor: mrn, x-phi: true}
      properties: {name: {x-phi: true}, mrn: {$ref: '#mrn'}, other: {not: {$ref: '#/%24defs/number'}}}
)");
  const Json facts = describe(verified(folder).package);
  EXPECT_EQ(facts["patientData"]["actions"][2]["input"].dump(), R"(["/mrn","/name","/other"])");
}

TEST_F(Package, SchemasThatReferToThemselvesEndTheSearch) {
  const std::string folder = signed_small("1.0.0", R"(
  - name: tree
    version: 1.0.0
    idempotency: key
    input:
      properties:
        left: {$ref: '#'}
        right: {$ref: '#'}
        name: {x-phi: true}
)");
  const Json facts = describe(verified(folder).package);
  EXPECT_EQ(facts["patientData"]["actions"][2]["input"].dump(), R"(["/left","/name","/right"])");
}

}  // namespace
}  // namespace rabt::plugin::test::package_test
