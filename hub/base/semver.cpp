#include "hub/base/semver.hpp"

#include <algorithm>
#include <utility>

#include "hub/base/ascii.hpp"

namespace rabt {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}
bool is_identifier(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_alnum(c) || c == '-'; });
}
bool leads_with_zero(std::string_view text) {
  return text.size() > 1 && text.front() == '0';
}

struct Cut {
  std::string_view head;
  std::string_view tail;
  bool found = false;
};
Cut cut(std::string_view text, char at) {
  const auto place = text.find(at);
  if (place == std::string_view::npos) return {text, {}, false};
  return {text.substr(0, place), text.substr(place + 1), true};
}

// Every part between the dots passes; there is one at least.
template <typename Check>
bool all_parts(std::string_view text, Check check) {
  for (Cut part = cut(text, '.');; part = cut(part.tail, '.')) {
    if (!check(part.head)) return false;
    if (!part.found) return true;
  }
}

int sign(int order) {
  return order == 0 ? 0 : order < 0 ? -1 : 1;
}

int compare_part(std::string_view a, std::string_view b) {
  if (is_number(a) != is_number(b)) return is_number(a) ? -1 : 1;
  if (is_number(a) && a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return sign(a.compare(b));
}

// More parts are higher when all before them are equal.
int compare_parts(std::string_view a, std::string_view b) {
  for (Cut x = cut(a, '.'), y = cut(b, '.');; x = cut(x.tail, '.'), y = cut(y.tail, '.')) {
    if (const int order = compare_part(x.head, y.head); order != 0) return order;
    if (!x.found || !y.found) return static_cast<int>(x.found) - static_cast<int>(y.found);
  }
}

}  // namespace

bool is_semver(std::string_view text) {
  const Cut build = cut(text, '+');
  const Cut release = cut(build.head, '-');
  int numbers = 0;
  const bool core = all_parts(release.head, [&numbers](std::string_view part) {
    ++numbers;
    return is_number(part) && !leads_with_zero(part);
  });
  return core && numbers == 3 &&
         (!release.found || all_parts(release.tail,
                                      [](std::string_view part) {
                                        return is_identifier(part) &&
                                               !(is_number(part) && leads_with_zero(part));
                                      })) &&
         (!build.found || all_parts(build.tail, is_identifier));
}

int compare_semver(std::string_view a, std::string_view b) {
  const Cut x = cut(cut(a, '+').head, '-');
  const Cut y = cut(cut(b, '+').head, '-');
  if (const int order = compare_parts(x.head, y.head); order != 0) return order;
  if (!x.found || !y.found) return static_cast<int>(y.found) - static_cast<int>(x.found);
  return compare_parts(x.tail, y.tail);
}

bool same_major(std::string_view a, std::string_view b) {
  return cut(a, '.').head == cut(b, '.').head;
}

}  // namespace rabt
