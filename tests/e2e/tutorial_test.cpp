#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

// docs/plugins/tutorial.md, word by word: its files are written, its commands are run, in an empty
// folder, with nothing but an installed SDK and an installed `rabt`.
namespace rabt::e2e::tutorial_test {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? std::string() : value;
}

struct Ran {
  int code = -1;
  std::string output;
};
Ran shell(const std::string& line) {
  Ran out;
  FILE* pipe = ::popen(line.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> piece{};
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, piece.size(), pipe)) > 0;)
    out.output.append(piece.data(), got);
  const int status = ::pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

// One script: a file block becomes a here-document at its place, so that the order is the page's.
std::string script_of(const fs::path& page, int& commands, int& files) {
  std::ifstream in(page);
  std::string line;
  std::string language;
  std::string name;
  bool inside = false;
  std::string out = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n";
  while (std::getline(in, line)) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) {
        std::istringstream info(line.substr(3));
        language.clear();
        name.clear();
        info >> language >> name;
        if (!name.empty()) out += "cat > " + name + " <<'END OF FILE'\n";
      } else if (!name.empty()) {
        out += "END OF FILE\n";
        ++files;
      }
      continue;
    }
    if (!inside) continue;
    if (!name.empty()) {
      out += line + "\n";
    } else if (language == "sh") {
      out += "echo '+ '" + std::string("\"$(cat <<'COMMAND'\n") + line + "\nCOMMAND\n)\"\n" + line +
             "\n";
      ++commands;
    }
  }
  return out;
}

TEST(SlowTutorial, RunsWordByWordFromAnEmptyFolder) {
  const fs::path source = variable("RABT_SOURCE_DIR");
  const fs::path build = variable("RABT_BUILD_DIR");
  ASSERT_FALSE(build.empty());
  if (shell("command -v python3 >/dev/null").code != 0) GTEST_SKIP() << "python3 is not there";
  // Beside the build, so that programs can be linked instead of copied.
  std::string folder = (build / "tutorial-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const fs::path prefix = fs::path(folder) / "prefix";
  const fs::path work = fs::path(folder) / "work";
  fs::create_directory(work);
  for (const char* component : {"sdk", "hub"}) {
    const Ran installed = shell("cmake --install '" + build.string() + "' --component " +
                                component + " --prefix '" + prefix.string() + "' 2>&1");
    ASSERT_EQ(installed.code, 0) << installed.output;
  }
  int commands = 0;
  int files = 0;
  std::ofstream(fs::path(folder) / "script")
      << script_of(source / "docs/plugins/tutorial.md", commands, files);
  EXPECT_GE(commands, 15);
  EXPECT_EQ(files, 3);
  const auto start = std::chrono::steady_clock::now();
  // Nothing of this project's environment: the vendor's machine knows neither tree nor build.
  const Ran ran =
      shell("cd '" + work.string() + "' && env -i HOME='" + folder + "' LANG=C.UTF-8 PATH='" +
            (prefix / "bin").string() + ":/usr/bin:/bin' CMAKE_PREFIX_PATH='" + prefix.string() +
            "' CMAKE_BUILD_PARALLEL_LEVEL=2 timeout 570 bash ../script 2>&1");
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start)
          .count();
  EXPECT_EQ(ran.code, 0) << ran.output;
  EXPECT_NE(ran.output.find("completed"), std::string::npos) << ran.output;
  EXPECT_LT(seconds, 600);
  std::printf("the tutorial took %lld s\n", static_cast<long long>(seconds));
  if (ran.code == 0) fs::remove_all(folder);
}

}  // namespace

}  // namespace rabt::e2e::tutorial_test
