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
  return text.find('.') != std::string::npos && !text.ends_with('.') &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_.") == std::string::npos;
}

// What the sources say: the kinds of errors that are made with each code.
std::map<std::string, std::set<ErrorKind>> codes_of_sources() {
  static const std::map<std::string, ErrorKind> kinds{
      {"invalid", ErrorKind::invalid},         {"denied", ErrorKind::denied},
      {"conflict", ErrorKind::conflict},       {"not_found", ErrorKind::not_found},
      {"unavailable", ErrorKind::unavailable}, {"corrupt", ErrorKind::corrupt},
      {"refusal", ErrorKind::denied}};
  // Codes that have a name: kSessionRaced = "session.raced".
  static const std::regex constant(R"re(\b(k[A-Z][A-Za-z]+) = "([a-z_]+\.[a-z_]+)")re");
  std::map<std::string, std::string> names;
  for (const auto& file : fs::recursive_directory_iterator(source() / "hub")) {
    if (file.path().extension() != ".hpp") continue;
    const std::string text = text_of(file.path());
    for (std::sregex_iterator at(text.begin(), text.end(), constant), end; at != end; ++at)
      names.emplace((*at)[1], (*at)[2]);
  }
  std::map<std::string, std::set<ErrorKind>> out;
  for (const auto& file : fs::recursive_directory_iterator(source() / "hub")) {
    if (file.path().extension() != ".cpp") continue;
    const std::string text = text_of(file.path());
    for (const auto& [name, kind] : kinds) {
      for (auto at = text.find(name + "("); at != std::string::npos;
           at = text.find(name + "(", at + 1)) {
        const auto begin = text.find_first_not_of(" \n", at + name.size() + 1);
        if (begin == std::string::npos) continue;
        const std::string_view rest = std::string_view(text).substr(begin);
        constexpr std::string_view kText = "std::string(";
        if (rest.starts_with(kText)) {
          const auto known =
              names.find(std::string(rest.substr(kText.size(), rest.find(')') - kText.size())));
          if (known != names.end()) out[known->second].insert(kind);
        }
        if (text[begin] != '"') continue;
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
  const std::set<std::string> whole{
      "approval", "asr",      "auth",          "authorisation", "availability", "capability",
      "client",   "clinic",   "compliance",    "consent",       "csrf",         "cursor",
      "document", "feature",  "feedback",      "hooks",         "idempotency",  "invitation",
      "licence",  "metering", "note",          "participant",   "person",       "precondition",
      "provider", "rate",     "recording",     "role",          "session",      "stream",
      "ticket",   "training", "transcription", "video",         "visit",        "webhook"};
  for (const auto& [code, kind] : codes) {
    const bool belongs = whole.contains(code.substr(0, code.find('.')));
    EXPECT_TRUE(!belongs || page.contains(code)) << code << " is missing in docs/problems.md";
  }
}

// What the description says that the hub answers stands in a source as a text of its own, and on
// the page when the page has the whole family.
TEST(Problems, TheDescriptionNamesNoCodeThatNobodyAnswers) {
  std::set<std::string> texts;
  static const std::regex quoted(R"re("([a-z_]+\.[a-z_]+)")re");
  for (const auto& file : fs::recursive_directory_iterator(source() / "hub")) {
    if (file.path().extension() != ".cpp" && file.path().extension() != ".hpp") continue;
    const std::string text = text_of(file.path());
    for (std::sregex_iterator at(text.begin(), text.end(), quoted), end; at != end; ++at)
      texts.insert((*at)[1]);
  }
  const std::string page = text_of(source() / "docs/problems.md");
  const std::string description = text_of(source() / "docs/openapi.yaml");
  const auto begin = description.find("\n  responses:\n    Wrong:");
  ASSERT_NE(begin, std::string::npos);
  const std::string answers =
      description.substr(begin, description.find("\n  schemas:\n", begin) - begin);
  static const std::regex named(R"re(`([a-z]+\.[a-z_]+)`)re");
  const std::set<std::string> keys{"server.rates", "privacy.patient_data"};
  std::size_t found = 0;
  for (std::sregex_iterator at(answers.begin(), answers.end(), named), end; at != end; ++at) {
    const std::string code = (*at)[1];
    if (keys.contains(code)) continue;
    ++found;
    EXPECT_TRUE(texts.contains(code)) << code << " of docs/openapi.yaml is answered by nobody";
    const std::string family = code.substr(0, code.find('.'));
    EXPECT_TRUE(page.find("`" + family + "`") == std::string::npos ||
                page.find("| `" + code + "` |") != std::string::npos)
        << code << " is missing in docs/problems.md";
  }
  EXPECT_GT(found, 20U);
}

}  // namespace
}  // namespace rabt::api
