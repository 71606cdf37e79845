#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

// The codes of errors, as the sources make them. A code is found where a text stands
// - as the code of invalid(), not_found() and the other makers of errors, of Error{...};
// - behind a status, as in problem(413, "http.body_too_large", ...) and refuse(400, ...);
// - as an argument whose parameter is called `code` in a declaration of the same module, or in a
//   header that the file includes;
// - behind `code =`, `problem =`, `warning =` and `refused =`.
// A constant stands for its text. Where a code is put together, kComposed says what it may be.
namespace rabt::test {

struct SourceFile {
  std::string path;  // "hub/api/api.cpp"
  std::string text;
};

struct Code {
  std::set<int> statuses;  // that the kinds of its errors have over HTTP; empty if no kind is known
  std::set<std::string> files;
};

struct Codes {
  std::map<std::string, Code> codes;
  // Mistakes in codes: "<path>: ...".
  std::vector<std::string> mistakes;
};

// "auth.failed"
[[nodiscard]] bool is_code(std::string_view text);
[[nodiscard]] Codes codes_of(const std::vector<SourceFile>& files);

}  // namespace rabt::test
