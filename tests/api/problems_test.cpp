#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "hub/http/problem.hpp"

// docs/problems.md against the sources: the codes are there, their statuses are those that the hub
// answers, and no code of its families is left out.
namespace rabt::api {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

fs::path source() {
  const char* root = std::getenv("RABT_SOURCE_DIR");  // NOLINT(concurrency-mt-unsafe)
  return root != nullptr ? root : ".";
}

// "auth.failed"
bool is_code(const std::string& text) {
  return text.find('.') != std::string::npos &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string::npos;
}

// What the sources say: the kinds of errors that are made with each code.
std::map<std::string, std::set<ErrorKind>> codes_of_sources() {
  static const std::map<std::string, ErrorKind> kinds{{"invalid", ErrorKind::invalid},
                                                      {"denied", ErrorKind::denied},
                                                      {"conflict", ErrorKind::conflict},
                                                      {"not_found", ErrorKind::not_found},
                                                      {"unavailable", ErrorKind::unavailable}};
  std::map<std::string, std::set<ErrorKind>> out;
  for (const auto& file : fs::recursive_directory_iterator(source() / "hub")) {
    if (file.path().extension() != ".cpp") continue;
    const std::string text = text_of(file.path());
    for (const auto& [name, kind] : kinds) {
      for (auto at = text.find(name + "("); at != std::string::npos;
           at = text.find(name + "(", at + 1)) {
        const auto begin = text.find_first_not_of(" \n", at + name.size() + 1);
        if (begin == std::string::npos || text[begin] != '"') continue;
        const std::string code = text.substr(begin + 1, text.find('"', begin + 1) - begin - 1);
        if (is_code(code)) out[code].insert(kind);
      }
    }
  }
  return out;
}

TEST(Problems, ThePageHasTheCodesAndTheirStatuses) {
  const auto codes = codes_of_sources();
  ASSERT_GT(codes.size(), 200U) << "the sources were not read";
  std::map<std::string, int> page;
  static const std::regex row(R"re(^\| `([a-z_]+\.[a-z_]+)` \| (\d+) \|)re");
  std::stringstream text(text_of(source() / "docs/problems.md"));
  for (std::string line; std::getline(text, line);) {
    std::smatch found;
    if (!std::regex_search(line, found, row)) continue;
    EXPECT_TRUE(page.emplace(found[1], std::stoi(found[2])).second) << "twice: " << line;
  }
  EXPECT_GT(page.size(), 50U);
  for (const auto& [code, status] : page) {
    const auto found = codes.find(code);
    if (found == codes.end()) {
      ADD_FAILURE() << code << " of docs/problems.md is no code";
      continue;
    }
    bool answers = false;
    for (const ErrorKind kind : found->second)
      answers = answers || http::status_of(Error{kind, code, ""}) == status;
    EXPECT_TRUE(answers) << code << " is never answered with " << status;
  }
  const std::set<std::string> whole{"approval",     "auth",   "authorisation", "client",
                                    "csrf",         "cursor", "idempotency",   "person",
                                    "precondition", "rate",   "role"};
  for (const auto& [code, kind] : codes) {
    const bool belongs = whole.contains(code.substr(0, code.find('.')));
    EXPECT_TRUE(!belongs || page.contains(code)) << code << " is missing in docs/problems.md";
  }
}

}  // namespace
}  // namespace rabt::api
