#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

// The program itself, from the shell.
namespace rabt::cli {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

// The lines are for bash, in a folder of their own; `rabt` in them is the program.
inline Ran run(const std::string& lines) {
  const char* build = std::getenv("RABT_BUILD_DIR");  // NOLINT(concurrency-mt-unsafe)
  Ran result;
  std::string folder = (std::filesystem::temp_directory_path() / "rabt-cli-XXXXXX").string();
  if (build == nullptr || ::mkdtemp(folder.data()) == nullptr) return result;
  std::ofstream(folder + "/script") << "rabt() { '" << build << "/bin/rabt' \"$@\"; }\ncd '"
                                    << folder << "'\n{ " << lines << "\n} > out 2> err\n";
  const int status = std::system(("bash '" + folder + "/script'").c_str());
  result.code = WEXITSTATUS(status);
  const auto read = [&](const std::string& name) {
    std::ifstream file(folder + "/" + name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  result.out = read("out");
  result.err = read("err");
  std::filesystem::remove_all(folder);
  return result;
}

}  // namespace rabt::cli
