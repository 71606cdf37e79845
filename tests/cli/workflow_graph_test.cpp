#include <gtest/gtest.h>

#include "shell.hpp"

// `rabt workflow graph` and `rabt workflow explain`, from the shell.
namespace rabt::cli::workflow_graph_test {
namespace {

std::string source(const std::string& name) {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return std::string(root == nullptr ? "." : root) + "/" + name;
}
std::string golden(const std::string& name) {
  std::ifstream file(source("tests/golden/" + name), std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_FALSE(text.empty()) << name;
  return text;
}
void prints(const std::string& line, const std::string& expected) {
  const Ran ran = run(line);
  EXPECT_EQ(ran.code, 0) << line;
  EXPECT_EQ(ran.err, "") << line;
  EXPECT_EQ(ran.out, expected) << line;
}

TEST(WorkflowGraph, ThePictureIsOnStandardOutput) {
  prints("rabt workflow graph '" + source("tests/golden/tour.yaml") + "'", golden("tour.mmd"));
  prints("rabt workflow graph '" + source("workflows/consultation.yaml") + "'",
         golden("consultation.mmd"));
}

TEST(WorkflowExplain, TheWordsAreOnStandardOutputAsTextOrJson) {
  const std::string line = "rabt workflow explain '" + source("tests/golden/tour.yaml") + "'";
  prints(line, golden("tour.explain.txt"));
  prints(line + " --format json", golden("tour.explain.json"));
}

TEST(WorkflowGraph, AFileThatIsWrongOrNotThereIs2) {
  for (const std::string command : {"graph", "explain"}) {
    for (const std::string file : {"none.yaml", "wrong.yaml"}) {
      const Ran ran = run("echo 'do: []' > wrong.yaml; rabt workflow " + command + ' ' + file);
      EXPECT_EQ(ran.code, 2) << command << ' ' << file;
      EXPECT_EQ(ran.out, "");
      EXPECT_NE(ran.err.find(file), std::string::npos) << ran.err;
    }
  }
}

}  // namespace
}  // namespace rabt::cli::workflow_graph_test
