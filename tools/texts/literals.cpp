#include "tools/texts/literals.hpp"

#include <algorithm>
#include <cctype>

namespace rabt::texts {

namespace {

// A literal, and where it stands in its source.
struct Literal {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::vector<Literal> places_of(std::string_view source) {
  std::vector<Literal> out;
  bool joins = false;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    const std::string_view rest = source.substr(i);
    if (rest.starts_with("//") || rest.starts_with("#include") || rest.starts_with("#pragma")) {
      i = std::min(source.find('\n', i), source.size());
    } else if (rest.starts_with("R\"")) {
      const std::size_t open = source.find('(', i);
      if (open == std::string_view::npos) return out;
      const std::string end = ")" + std::string(source.substr(i + 2, open - i - 2)) + "\"";
      i = std::min(source.find(end, open), source.size()) + end.size() - 1;
      joins = false;
    } else if (c == '\'' && i + 2 < source.size() && i > 0 &&
               std::isalnum(static_cast<unsigned char>(source[i - 1])) == 0) {
      i = std::min(source.find('\'', i + (source[i + 1] == '\\' ? 3 : 2)), source.size());
      joins = false;
    } else if (c == '"') {
      const std::size_t begin = i;
      std::string text;
      for (++i; i < source.size() && source[i] != '"'; ++i) {
        if (source[i] != '\\' || i + 1 == source.size()) {
          text += source[i];
          continue;
        }
        ++i;
        text += source[i] == '"' || source[i] == '\\' ? source[i] : '\n';
      }
      if (joins) {
        out.back().text += text;
        out.back().end = i + 1;
      } else {
        out.push_back({std::move(text), begin, i + 1});
      }
      joins = true;
    } else if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      joins = false;
    }
  }
  return out;
}

// The part between two literals, without space, if both are joined by `+`.
bool is_part(std::string_view gap) {
  int depth = 0;
  for (const char c : gap) {
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth < 0 || c == ';' || c == '{' || c == '?' || (depth == 0 && c == ',')) return false;
  }
  const auto first = gap.find_first_not_of(" \n");
  const auto last = gap.find_last_not_of(" \n");
  return depth == 0 && first != std::string_view::npos && first != last && gap[first] == '+' &&
         gap[last] == '+';
}

}  // namespace

std::vector<std::string> literals(std::string_view source) {
  std::vector<std::string> out;
  for (Literal& literal : places_of(source)) out.push_back(std::move(literal.text));
  return out;
}

std::vector<std::string> composed(std::string_view source, std::string_view part) {
  const std::vector<Literal> all = places_of(source);
  std::vector<std::string> out;
  const auto sign_at = [&](std::size_t at, int step) {
    while (at < source.size() && std::isspace(static_cast<unsigned char>(source[at])) != 0)
      at += static_cast<std::size_t>(step);
    return at < source.size() ? source[at] : '\0';
  };
  // A word that goes on in a part is none of the source's.
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string text;
    bool has_part = false;
    bool whole = true;
    if (all[i].begin > 0 && sign_at(all[i].begin - 1, -1) == '+') {
      has_part = true;
      whole = !is_letter(all[i].text.empty() ? ' ' : all[i].text.front());
      text = part;
    }
    text += all[i].text;
    for (; i + 1 < all.size(); ++i) {
      const std::string_view gap = source.substr(all[i].end, all[i + 1].begin - all[i].end);
      if (!is_part(gap)) break;
      has_part = true;
      const std::string& next = all[i + 1].text;
      whole = whole && !is_letter(text.empty() ? ' ' : text.back()) &&
              !is_letter(next.empty() ? ' ' : next.front());
      text.append(gap.find("to_string(") == std::string_view::npos ? part : "2").append(next);
    }
    if (sign_at(all[i].end, 1) == '+') {
      has_part = true;
      whole = whole && !is_letter(text.empty() ? ' ' : text.back());
      text += part;
    }
    if (has_part && whole) out.push_back(std::move(text));
  }
  return out;
}

}  // namespace rabt::texts
