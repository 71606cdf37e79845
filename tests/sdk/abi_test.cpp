// The promise of the ABI: what was released stays, and every part is written down. sdk/abi/check.py
// proves it; here it is run on the tree and on trees with one fault each.
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <ostream>
#include <string>

#include "tests/sdk/shell.hpp"

namespace rabt::abi_test {

namespace {

namespace fs = std::filesystem;
using rabt::sdk::tests::Ran;
using rabt::sdk::tests::run;
using rabt::sdk::tests::source_dir;

Ran check(const fs::path& root, const std::string& command) {
  return run("python3 -B " + (root / "sdk/abi/check.py").string() + " " + command);
}

TEST(Abi, HeadersLayoutReleasesAndTablesAgree) {
  for (const char* command : {"headers", "layout", "released", "tables"}) {
    const Ran ran = check(source_dir(), command);
    EXPECT_EQ(ran.code, 0) << command << ":\n" << ran.output;
  }
}

struct Fault {
  const char* name;
  const char* file;  // under sdk/
  const char* from;
  const char* to;
  const char* command;
  const char* said;  // part of what the script says
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) {
  return out << fault.name;
}

class AbiFault : public testing::TestWithParam<Fault> {};

TEST_P(AbiFault, IsFound) {
  const Fault& fault = GetParam();
  const fs::path root = fs::temp_directory_path() / ("rabt-abi-" + std::to_string(::getpid()));
  fs::create_directories(root / "docs/plugins");
  fs::create_directories(root / "sdk");
  fs::copy(source_dir() / "sdk/abi", root / "sdk/abi", fs::copy_options::recursive);
  fs::copy(source_dir() / "sdk/include", root / "sdk/include", fs::copy_options::recursive);
  fs::copy(source_dir() / "docs/plugins/services.md", root / "docs/plugins/services.md");
  const fs::path path = root / "sdk" / fault.file;
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto at = text.find(fault.from);
  EXPECT_NE(at, std::string::npos) << fault.file << " has no " << fault.from;
  if (at != std::string::npos) {
    text.replace(at, std::string(fault.from).size(), fault.to);
    std::ofstream(path) << text;
    const Ran ran = check(root, fault.command);
    EXPECT_NE(ran.code, 0);
    EXPECT_NE(ran.output.find(fault.said), std::string::npos) << ran.output;
  }
  fs::remove_all(root);
}

INSTANTIATE_TEST_SUITE_P(
    All, AbiFault,
    testing::Values(
        Fault{"field_in_the_middle", "include/rabt/abi.h", "  rabt_bytes input;",
              "  rabt_bytes extra;\n  rabt_bytes input;", "released", "new fields come at the end"},
        Fault{"field_removed", "include/rabt/abi.h", "  int64_t retry_after_ms;", "", "released",
              "rabt_outcome: field 6"},
        Fault{"wider_type", "include/rabt/abi.h", "  uint32_t attempt;", "  uint64_t attempt;",
              "released", "rabt_call: field 1"},
        Fault{"another_signature", "include/rabt/service/kv.h",
              "(*rabt_kv_removed)(void* context, int32_t status)",
              "(*rabt_kv_removed)(void* context, int64_t status)", "released", "rabt_kv_removed"},
        Fault{"another_value", "include/rabt/service/kv.h", "RABT_KV_CONFLICT 2",
              "RABT_KV_CONFLICT 5", "released", "RABT_KV_CONFLICT"},
        Fault{"another_lane", "include/rabt/abi.h", "[any-thread] Ends a call",
              "[call-lane] Ends a call", "released", "rabt_host: field"},
        Fault{"moved_layout", "include/rabt/service/clock.h", "  uint32_t reserved;\n  void* self;",
              "  void* self;\n  uint32_t reserved;", "layout", "rabt_clock"},
        Fault{"no_lane", "include/rabt/service/http.h", "[any-thread] Starts", "Starts", "headers",
              "0 lane tags"},
        Fault{"two_lanes", "include/rabt/service/http.h", "[any-thread] Starts",
              "[any-thread] [call-lane] Starts", "headers", "2 lane tags"},
        Fault{
            "unlisted_field", "include/rabt/service/log.h",
            "void (*log)(void* self, uint32_t level, const char* event, rabt_bytes fields_json);",
            "void (*log)(void* self, uint32_t level, const char* event, rabt_bytes fields_json);\n"
            "  /* [any-thread] More. */\n  void (*more)(void* self);",
            "headers", "rabt_log: lists"},
        Fault{"no_lifecycle", "abi/abi.yaml",
              "{name: attempt, type: \"uint32_t\", lifecycle: [[stable,",
              "{name: attempt, type: \"uint32_t\", lifecycle: [[removed,", "headers",
              "removed is no state"},
        Fault{"future_version", "abi/abi.yaml",
              "{name: attempt, type: \"uint32_t\", lifecycle: [[stable, \"1.0\"",
              "{name: attempt, type: \"uint32_t\", lifecycle: [[stable, \"1.7\"", "headers",
              "1.7 is no version"}),
    [](const auto& each) { return std::string(each.param.name); });

// A new field at the end of a struct is allowed.
TEST(Abi, AFieldAtTheEndKeepsThePromise) {
  const fs::path root = fs::temp_directory_path() / ("rabt-abi-end-" + std::to_string(::getpid()));
  fs::create_directories(root);
  fs::copy(source_dir() / "sdk", root / "sdk", fs::copy_options::recursive);
  const fs::path path = root / "sdk/include/rabt/abi.h";
  std::ifstream in(path);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.replace(text.find("} rabt_host;"), 12, "  uint64_t more;\n} rabt_host;");
  std::ofstream(path) << text;
  const Ran ran = check(root, "released");
  EXPECT_EQ(ran.code, 0) << ran.output;
  fs::remove_all(root);
}

}  // namespace

}  // namespace rabt::abi_test
