// Runs the examples of the documents. A fence ```yaml NAME (or json, text, ...) is a file of that
// name; a fence ```console holds commands after `$ ` and, below each, exactly what it prints (both
// streams). A line `...` stands for any lines. A command must succeed unless `$ echo $?` follows.
// Commands of a page end the processes that they start.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/eventually.hpp"

namespace rabt::docs::pages_test {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody changes it
  return value == nullptr ? std::string() : value;
}

struct Fence {
  std::string language;
  std::string file;
  int line = 0;
  std::vector<std::string> lines;
};

std::vector<Fence> fences_of(const fs::path& page) {
  std::vector<Fence> out;
  std::ifstream in(page);
  std::string line;
  bool inside = false;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (!inside) continue;
      std::istringstream info(line.substr(3));
      Fence& fence = out.emplace_back();
      fence.line = number;
      info >> fence.language >> fence.file;
    } else if (inside) {
      out.back().lines.push_back(line);
    }
  }
  EXPECT_FALSE(inside) << page << ": a fence is not closed";
  return out;
}

bool runs(const fs::path& page) {
  for (const Fence& fence : fences_of(page)) {
    if (fence.language == "console") return true;
  }
  return false;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> out;
  const fs::path root = variable("RABT_SOURCE_DIR");
  if (root.empty()) return out;
  for (const auto& entry : fs::recursive_directory_iterator(root / "docs")) {
    if (entry.path().extension() == ".md" && runs(entry.path())) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

// Runs a command for at most a minute. Gives the lines of both streams, and the exit status. The
// streams go to a file: a program that goes on in the background holds nobody up.
std::pair<std::vector<std::string>, int> run(const fs::path& folder, const std::string& command) {
  std::ofstream(folder / ".command") << command << '\n';
  const std::string line =
      "cd '" + folder.string() + "' && exec timeout 60 bash .command >.output 2>&1 </dev/null";
  const int status = std::system(line.c_str());  // NOLINT: documents of our own
  std::vector<std::string> lines;
  std::ifstream in(folder / ".output");
  for (std::string text; std::getline(in, text);) lines.push_back(text);
  return {lines, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

// Programs that a page has left running: a child of a shell that is gone becomes one of this
// process, which is a subreaper.
std::vector<pid_t> left_running() {
  while (waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  std::vector<pid_t> out;
  for (const auto& thread : fs::directory_iterator("/proc/self/task")) {
    std::ifstream children(thread.path() / "children");
    for (pid_t one = 0; children >> one;) out.push_back(one);
  }
  return out;
}
// Waits until everything has ended; after the time it is killed. False then.
bool ends_all(std::chrono::seconds most) {
  if (rabt::test::eventually([] { return left_running().empty(); }, most)) return true;
  // Each process that is killed may leave children behind.
  (void)rabt::test::eventually([] {
    const std::vector<pid_t> left = left_running();
    for (const pid_t one : left) kill(one, SIGKILL);
    return left.empty();
  });
  return false;
}

bool matches(const std::vector<std::string>& expected, std::size_t e,
             const std::vector<std::string>& got, std::size_t g) {
  for (; e < expected.size(); ++e, ++g) {
    if (expected[e] == "...") {
      for (std::size_t at = g; at <= got.size(); ++at) {
        if (matches(expected, e + 1, got, at)) return true;
      }
      return false;
    }
    if (g >= got.size() || expected[e] != got[g]) return false;
  }
  return g == got.size();
}

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += "  " + line + '\n';
  return out;
}

class Page : public testing::TestWithParam<fs::path> {};

TEST_P(Page, DoesWhatItShows) {
  const fs::path& page = GetParam();
  std::string pattern = (fs::temp_directory_path() / "rabt-docs-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const fs::path folder = pattern;
  const fs::path root = variable("RABT_SOURCE_DIR");
  for (const char* name : {"workflows", "config", "migrations", "packaging"}) {
    fs::create_directory_symlink(root / name, folder / name);
  }
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  setenv("PATH", (variable("RABT_BUILD_DIR") + "/bin:" + variable("PATH")).c_str(), 1);  // NOLINT
  int commands = 0;
  for (const Fence& fence : fences_of(page)) {
    if (fence.language != "console") {
      if (fence.file.empty()) continue;
      fs::create_directories((folder / fence.file).parent_path());
      std::ofstream out(folder / fence.file);
      for (const std::string& line : fence.lines) out << line << '\n';
      continue;
    }
    int status = 0;
    for (std::size_t i = 0; i < fence.lines.size();) {
      const std::string where = page.filename().string() + ":" +
                                std::to_string(fence.line + 1 + static_cast<int>(i)) + ": ";
      ASSERT_TRUE(fence.lines[i].starts_with("$ ")) << where << "a command starts with `$ `";
      std::string command = fence.lines[i++].substr(2);
      while (command.ends_with('\\') && i < fence.lines.size()) {
        command += '\n' + fence.lines[i++];
      }
      std::vector<std::string> expected;
      while (i < fence.lines.size() && !fence.lines[i].starts_with("$ ")) {
        expected.push_back(fence.lines[i++]);
      }
      if (command == "echo $?") {
        EXPECT_EQ(expected, std::vector<std::string>{std::to_string(status)}) << where << command;
        status = 0;
        continue;
      }
      EXPECT_EQ(status, 0) << where << "the command before failed, and no `$ echo $?` follows it";
      const auto [got, ended] = run(folder, command);
      status = ended;
      ++commands;
      EXPECT_TRUE(matches(expected, 0, got, 0)) << where << command << "\nprinted\n"
                                                << joined(got) << "but the page shows\n"
                                                << joined(expected);
    }
    EXPECT_EQ(status, 0) << page.filename() << ":" << fence.line << ": the last command failed";
  }
  EXPECT_GT(commands, 0);
  EXPECT_TRUE(ends_all(std::chrono::seconds(30)))
      << page.filename() << " leaves a program running: end it with `$ kill`";
  fs::remove_all(folder);
}

std::string name_of(const testing::TestParamInfo<fs::path>& page) {
  std::string name = page.param.stem().string();
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(Documents, Page, testing::ValuesIn(pages()), name_of);

}  // namespace

}  // namespace rabt::docs::pages_test
