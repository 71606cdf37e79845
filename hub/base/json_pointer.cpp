#include "hub/base/json_pointer.hpp"

#include <algorithm>
#include <charconv>

namespace rabt {

namespace {

// RFC 6901 section 4: digits without leading zeros.
std::optional<std::size_t> index_of(std::string_view token) {
  std::size_t index = 0;
  const char* const end = token.data() + token.size();
  const auto [stop, failure] = std::from_chars(token.data(), end, index);
  if (failure != std::errc{} || stop != end || (token.front() == '0' && token.size() > 1))
    return std::nullopt;
  return index;
}

}  // namespace

std::string escape_token(std::string_view token) {
  std::string out;
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::optional<std::string> unescape_token(std::string_view token) {
  std::string out;
  for (std::size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out.push_back(token[i]);
    } else if (i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      out.push_back(token[++i] == '0' ? '~' : '/');
    } else {
      return std::nullopt;
    }
  }
  return out;
}

const Json* at_token(const Json& value, std::string_view token) {
  if (value.is_object()) {
    const auto key = unescape_token(token);
    return key ? value.find(*key) : nullptr;
  }
  if (!value.is_array()) return nullptr;
  const auto index = index_of(token);
  return index && *index < value.size() ? &value.as_array()[*index] : nullptr;
}

const Json* at_pointer(const Json& document, std::string_view pointer) {
  const Json* at = &document;
  while (at != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const auto end = std::min(pointer.find('/'), pointer.size());
    at = at_token(*at, pointer.substr(0, end));
    pointer.remove_prefix(end);
  }
  return at;
}

}  // namespace rabt
