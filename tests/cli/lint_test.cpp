#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "hub/base/json.hpp"
#include "tests/cli/shell.hpp"

namespace rabt::cli::lint_test {
namespace {

namespace fs = std::filesystem;

class WorkflowLint : public testing::Test {
 protected:
  WorkflowLint() {
    std::string pattern = (fs::temp_directory_path() / "rabt-lint-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~WorkflowLint() override { fs::remove_all(folder_); }

  [[nodiscard]] std::string write(const std::string& name, const std::string& body) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << "document: {dsl: '1.0.3', namespace: t, name: n, version: '1.0.0'}\n"
                        << body;
    return path;
  }

  std::string folder_;
};

// `rabt workflow lint` with these arguments.
Ran lint(const std::vector<std::string>& arguments) {
  std::string line = "rabt workflow lint";
  for (const std::string& argument : arguments) line += " '" + argument + "'";
  return run(line);
}

TEST_F(WorkflowLint, TheExitCodeTellsErrorsFromWarningsAndUnreadableFiles) {
  const std::string good = write("good.yaml", "do:\n  - a: {set: {b: 1}}\n");
  const std::string warned = write("warned.yaml", "do:\n  - a: {set: {b: .x.y}}\n");
  const std::string wrong = write("wrong.yaml", "do: []\n");
  EXPECT_EQ(lint({good}).code, 0);
  EXPECT_EQ(lint({good}).out, "");
  EXPECT_EQ(lint({warned}).code, 0);
  EXPECT_EQ(lint({warned, "--strict"}).code, 1);
  EXPECT_EQ(lint({good, wrong}).code, 1);
  EXPECT_EQ(lint({wrong, folder_ + "/none.yaml"}).code, 2);
  EXPECT_EQ(lint({good, "--config", folder_ + "/none.yaml"}).code, 2);
}

// Symptom: `rabt workflow lint workflows/` ended the process.
// Cause: reading a folder throws inside the stream.
TEST_F(WorkflowLint, AFolderIsAnUnreadableFile) {
  EXPECT_EQ(lint({folder_}).code, 2);
}

TEST_F(WorkflowLint, JsonAndSarifAreOneDocumentForAllFiles) {
  const std::string text = write("one.yaml", "do: []\n");
  const std::string two = write("two.yaml", "do: []\n");
  const auto list = Json::parse(lint({text, two, "--format", "json"}).out);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->size(), 2U);
  const auto log = Json::parse(lint({text, two, "none", "--format", "sarif"}).out);
  ASSERT_TRUE(log.ok());
  EXPECT_EQ((*log)["runs"][0]["results"].size(), 2U);
  EXPECT_EQ((*log)["runs"][0]["artifacts"].size(), 3U);
}

TEST_F(WorkflowLint, TheEditorsSchemaIsPrintedAsJson) {
  const Ran ran = run("rabt workflow schema");
  EXPECT_EQ(ran.code, 0);
  const auto schema = Json::parse(ran.out);
  ASSERT_TRUE(schema.ok());
  EXPECT_EQ((*schema)["$schema"], Json("https://json-schema.org/draft/2020-12/schema"));
  EXPECT_EQ(run("rabt workflow schema --config '" + folder_ + "/none.yaml'").code, 2);
}

}  // namespace
}  // namespace rabt::cli::lint_test
