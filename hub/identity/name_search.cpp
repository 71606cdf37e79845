#include "hub/identity/name_search.hpp"

#include <algorithm>
#include <sstream>

#include "hub/base/ascii.hpp"
#include "hub/phi/index_value.hpp"

namespace rabt::identity {

namespace {

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

NameSearch::NameSearch(std::string_view text) : username_(lower(text)) {
  if (auto whole = phi::normalise(phi::IndexKind::name, text); whole.ok())
    whole_ = *std::move(whole);
  std::istringstream parts{std::string(text)};
  for (std::string part; parts >> part;) {
    auto word = phi::normalise(phi::IndexKind::name, part);
    if (!word.ok()) {
      // A single letter narrows nothing; digits stand in usernames alone.
      words_.clear();
      return;
    }
    words_.push_back(*std::move(word));
  }
}

bool NameSearch::fits(const Json& profile) const {
  if (has(lower(profile.string_or("username", "")), username_)) return true;
  for (const char* member : {"name", "nameAr"}) {
    const auto name = phi::normalise(phi::IndexKind::name, profile.string_or(member, ""));
    if (!name.ok()) continue;
    if (!whole_.empty() && has(*name, whole_)) return true;
    if (!words_.empty() && std::all_of(words_.begin(), words_.end(),
                                       [&](const std::string& word) { return has(*name, word); }))
      return true;
  }
  return false;
}

}  // namespace rabt::identity
