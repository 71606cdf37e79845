#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"

// Output of console/build.mjs for console/src: scripts, styles and fonts under names that hold
// their hash. console/README.md describes the form of the bytes.
namespace rabt::pages {

// One file of the pages.
struct Asset {
  std::string type;
  // Quoted, as the header ETag has it.
  std::string etag;
  std::string_view plain;
  // The same, compressed. Empty where that gains nothing.
  std::string_view gzip;
};

// Immutable. Views into the bytes that it was read from.
class Bundle {
 public:
  Bundle() = default;
  // Error corrupt pages.bundle.
  [[nodiscard]] static Result<Bundle> read(std::string_view bytes);
  // The bytes in this program. Empty where it was built without node.
  [[nodiscard]] static const Bundle& embedded();

  [[nodiscard]] bool empty() const { return assets_.empty(); }
  // Null when there is no such file.
  [[nodiscard]] const Asset* find(std::string_view name) const;
  // Name of the file that was made of a source, such as "src/clinic/main.tsx". Empty when none was.
  [[nodiscard]] std::string_view made_of(std::string_view source) const;
  // Names of the files that the file of a source loads at once.
  [[nodiscard]] const std::vector<std::string>& loaded_with(std::string_view source) const;

 private:
  std::map<std::string, Asset, std::less<>> assets_;
  std::map<std::string, std::string, std::less<>> entries_;
  std::map<std::string, std::vector<std::string>, std::less<>> loads_;
};

}  // namespace rabt::pages
