#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"

namespace rabt::identity {

// Search of people by a part of their names, however these are written: case, accents, points,
// titles and "bin" do not count. Immutable, any thread.
class NameSearch {
 public:
  // text: words in any order, or a part of a username.
  explicit NameSearch(std::string_view text);
  // True if the name, the Arabic name or the username of the profile has the words.
  [[nodiscard]] bool fits(const Json& profile) const;

 private:
  std::string username_;
  // Written the one way. Empty when the text is no name.
  std::string whole_;
  std::vector<std::string> words_;
};

}  // namespace rabt::identity
