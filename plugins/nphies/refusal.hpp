#pragma once

#include <stdexcept>
#include <string>

namespace rabt::nphies {

// The input or the configuration cannot become a valid message. Nothing was sent. path names the
// place in the action's input; what() says what is wrong and what to do and never quotes a value.
class Refusal final : public std::runtime_error {
 public:
  Refusal(std::string path, const std::string& text)
      : std::runtime_error(path.empty() ? text : path + ": " + text), path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rabt::nphies
