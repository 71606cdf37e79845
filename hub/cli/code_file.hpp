#pragma once

#include <set>
#include <string>

#include "hub/base/descriptor.hpp"
#include "hub/base/result.hpp"

namespace rabt::cli {

// The file of one-time codes, which its owner alone may read: username,code in each line. Each line
// is written before the next account gets a code.
class CodeFile {
 public:
  // go_on: continues a file that is there; else it must not be there yet. Error invalid cli.file.
  [[nodiscard]] static Result<CodeFile> open(const std::string& path, bool go_on);
  // Error unavailable cli.file.
  [[nodiscard]] Status add(const std::string& username, const std::string& code) const;
  // True if the file had a code of the account when it was opened.
  [[nodiscard]] bool had(const std::string& username) const { return before_.contains(username); }

 private:
  [[nodiscard]] Status read(const std::string& path);

  Descriptor file_;
  std::set<std::string> before_;
};

}  // namespace rabt::cli
