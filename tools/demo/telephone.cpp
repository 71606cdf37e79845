#include "tools/demo/telephone.hpp"

#include <algorithm>

namespace rabt::demo {

namespace {

// Stands before the code of an invitation.
constexpr std::string_view kBeforeCode = "/i#";
// Length of the date and of the hour and minute of an ISO 8601 time, and where the latter begin.
constexpr std::size_t kDate = 10;
constexpr std::size_t kHour = 11;
constexpr std::size_t kHourAndMinute = 5;

std::size_t end_of_link(std::string_view text, std::size_t from) {
  return std::min(text.find_first_of(" \n", from), text.size());
}

}  // namespace

std::vector<std::string> texts_to(const Json& sent, std::string_view phone) {
  std::vector<std::string> texts;
  if (!sent["messages"].is_array()) return texts;
  for (const Json& item : sent["messages"].as_array()) {
    // The gateway takes numbers without their plus sign.
    if ("+" + item.string_or("recipient", "") == phone) texts.push_back(item.string_or("text", ""));
  }
  return texts;
}

std::string text_that_tells(const std::vector<std::string>& texts, const std::string& start) {
  const std::string date = start.substr(0, kDate);
  const std::string hour = start.substr(kHour, kHourAndMinute);
  const auto found = std::find_if(texts.begin(), texts.end(), [&](const std::string& text) {
    return text.find(date) != std::string::npos && text.find(hour) != std::string::npos;
  });
  return found == texts.end() ? std::string() : *found;
}

std::string link_in(std::string_view text) {
  const std::size_t code = text.find(kBeforeCode);
  if (code == std::string_view::npos) return {};
  const std::size_t begin = text.rfind("http", code);
  if (begin == std::string_view::npos) return {};
  return std::string(text.substr(begin, end_of_link(text, code) - begin));
}

std::string without_code(std::string text) {
  const std::size_t found = text.find(kBeforeCode);
  if (found == std::string::npos) return text;
  const std::size_t code = found + kBeforeCode.size();
  return text.replace(code, end_of_link(text, code) - code, "...");
}

}  // namespace rabt::demo
