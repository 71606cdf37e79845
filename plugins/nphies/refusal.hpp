#pragma once

#include <string>
#include <utility>

#include "rabt/plugin.hpp"

namespace rabt::nphies {

// Refusal of an input or a configuration that cannot become a valid message. path names the place.
class Refusal final : public sdk::Refusal {
 public:
  Refusal(std::string path, const std::string& text)
      : sdk::Refusal("nphies.invalid_input", path.empty() ? text : path + ": " + text),
        path_(std::move(path)) {}
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace rabt::nphies
