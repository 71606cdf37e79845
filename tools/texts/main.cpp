#include <curl/curl.h>
#include <netdb.h>
#include <openssl/x509_vfy.h>
#include <sqlite3.h>

#include <cstring>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>

#include "tools/texts/literals.hpp"

// Writes the constant texts of sources into a C++ file, at build time: rabt-texts own|plugin OUT
// SOURCE... `own`: what the hub and its libraries say, as rabt::embedded::own_texts, one a line
// (hub/phi/constants.hpp). `plugin`: an array in the plugin's library, where the hub finds the
// texts whole; a compiler cuts them into instructions otherwise.
namespace {

constexpr int kLastSystemError = 133;  // EHWPOISON
constexpr int kLastVerifyError = 100;  // X509_V_ERR_ of OpenSSL 3 end below
constexpr int kLastSqliteError = 28;
constexpr int kLastResolverError = 12;  // EAI_OVERFLOW

void add_lines(const std::string& text, std::set<std::string>& out) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) out.insert(line);
  }
}

void add_libraries(std::set<std::string>& out) {
  for (int code = 1; code < CURL_LAST; ++code)
    out.insert(curl_easy_strerror(static_cast<CURLcode>(code)));
  // Beginnings of what libcurl writes into its error buffer.
  for (const char* text :
       {"SSL certificate problem: ",
        "SSL: no alternative certificate subject name matches target host name '",
        "SSL: certificate subject name '", "' does not match target host name '",
        "SSL: unable to obtain common name from peer certificate",
        "error setting certificate verify locations: ", "error setting certificate file: "})
    out.insert(text);
  for (int code = 1; code <= kLastSystemError; ++code)
    out.insert(std::strerror(code));  // NOLINT(concurrency-mt-unsafe): one thread
  for (long code = 1; code <= kLastVerifyError; ++code)
    out.insert(X509_verify_cert_error_string(code));
  for (int code = 1; code <= kLastSqliteError; ++code) out.insert(sqlite3_errstr(code));
  for (int code = 1; code <= kLastResolverError; ++code) out.insert(gai_strerror(-code));
}

std::string quoted(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '?') out += '\\';  // no trigraphs
    out += c;
  }
  return out;
}

std::string own(const std::set<std::string>& texts) {
  std::string out =
      "#include <string_view>\n\nnamespace rabt::embedded {\n\n"
      "extern const std::string_view own_texts;\nconst std::string_view own_texts =\n";
  for (const std::string& text : texts) out += "    \"" + quoted(text) + "\\n\"\n";
  return out + "    \"\";\n\n}  // namespace rabt::embedded\n";
}

std::string plugin(const std::set<std::string>& texts) {
  std::string out = "namespace {\n\n__attribute__((used)) const char kTexts[] =\n";
  for (const std::string& text : texts) out += "    \"rabt-text:" + quoted(text) + "\\0\"\n";
  return out + "    \"\";\n\n}  // namespace\n";
}

}  // namespace

int main(int count, char** arguments) {
  const std::string mode = count > 3 ? arguments[1] : "";
  if (mode != "own" && mode != "plugin") {
    std::cerr << "rabt-texts own|plugin OUT SOURCE...\n";
    return 2;
  }
  std::set<std::string> texts;
  for (int i = 3; i < count; ++i) {
    std::ifstream in(arguments[i]);
    std::ostringstream source;
    source << in.rdbuf();
    if (!in) {
      std::cerr << "rabt-texts: cannot read " << arguments[i] << '\n';
      return 1;
    }
    for (const std::string& text : rabt::texts::literals(source.str())) add_lines(text, texts);
  }
  if (mode == "own") add_libraries(texts);
  const std::string code = mode == "own" ? own(texts) : plugin(texts);
  std::ostringstream before;
  before << std::ifstream(arguments[2]).rdbuf();
  if (before.str() == code) return 0;  // nothing to compile again
  std::ofstream out(arguments[2]);
  out << code;
  return out.flush() ? 0 : 1;
}
