#include "tests/api/problem_codes.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/http/problem.hpp"

namespace rabt::test {
namespace {

constexpr std::string_view kSpace = " \t\n";

const std::map<std::string_view, ErrorKind> kKinds{
    {"invalid", ErrorKind::invalid},         {"not_found", ErrorKind::not_found},
    {"conflict", ErrorKind::conflict},       {"denied", ErrorKind::denied},
    {"unavailable", ErrorKind::unavailable}, {"ambiguous", ErrorKind::ambiguous},
    {"corrupt", ErrorKind::corrupt},         {"internal", ErrorKind::internal},
    {"refusal", ErrorKind::denied}};

// Codes that a part of a code in the sources can become.
const std::map<std::string_view, std::vector<std::string>> kComposed{
    {"session.",
     {"session.requested", "session.scheduled", "session.waiting", "session.active",
      "session.completed", "session.cancelled", "session.no_show", "session.failed"}},
    {"http.",
     {"http.not_allowed", "http.dns", "http.connect", "http.tls", "http.reset", "http.timeout",
      "http.too_large", "http.circuit_open", "http.cancelled", "http.overload"}},
    {"_io", {"crypto.keyring_io", "crypto.root_io"}},
    {"_full", {"crypto.keyring_full", "crypto.root_full"}},
    {"_corrupt", {"crypto.keyring_corrupt", "crypto.root_corrupt"}},
    {"_mode", {"crypto.keyring_mode", "crypto.root_mode"}},
    {"_newer", {"crypto.keyring_newer", "crypto.root_newer"}},
    {"_missing", {"crypto.root_missing"}},
    // Of scripted answers in test cases of workflows.
    {"test.", {}}};

bool is_word(char c) {
  return is_alnum(c) || c == '_';
}

// Behind the text that begins at `at`.
std::size_t behind_text(std::string_view source, std::size_t at) {
  for (++at; at < source.size() && source[at] != '"'; ++at) {
    if (source[at] == '\\') ++at;
  }
  return std::min(at + 1, source.size());
}

// Behind the raw text that begins at `at`, R"x(...)x".
std::size_t behind_raw(std::string_view source, std::size_t at) {
  const auto open = source.find('(', at);
  const std::string end = ")" + std::string(source.substr(at + 2, open - at - 2)) + "\"";
  const auto close = source.find(end, open);
  return close == std::string_view::npos ? source.size() : close + end.size();
}

// Without comments, characters and raw texts.
std::string bare(std::string_view source) {
  std::string out;
  for (std::size_t at = 0; at < source.size();) {
    const bool in_word = at > 0 && is_word(source[at - 1]);
    const std::string_view rest = source.substr(at);
    std::size_t next = at + 1;
    if (rest.starts_with("//")) {
      at = std::min(source.find('\n', at), source.size());
      continue;
    }
    if (rest.starts_with("R\"") && !in_word) {
      at = behind_raw(source, at);
      out += "\"\"";
      continue;
    }
    if (rest.front() == '\'' && !in_word) {
      next = source.find('\'', at + (rest.starts_with("'\\") ? 3 : 2)) + 1;
      at = next == 0 ? source.size() : next;
      out += "0";
      continue;
    }
    if (rest.front() == '"') next = behind_text(source, at);
    out += source.substr(at, next - at);
    at = next;
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// Arguments between the bracket at `open` and its closing bracket, split at commas. Without a
// bracket there, up to the end of the expression.
std::vector<std::string_view> parts(std::string_view source, std::size_t open) {
  const bool bracket = source[open] == '(' || source[open] == '{';
  std::size_t begin = bracket ? open + 1 : open;
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t at = begin;
  for (; at < source.size(); ++at) {
    const char c = source[at];
    if (c == '"') {
      at = behind_text(source, at) - 1;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      if (--depth < 0) break;
    } else if (depth == 0 && (c == ',' || c == ';')) {
      if (c == ';') break;
      out.push_back(trimmed(source.substr(begin, at - begin)));
      begin = at + 1;
      if (!bracket) return out;
    }
  }
  out.push_back(trimmed(source.substr(begin, at - begin)));
  return out;
}

// An expression without what stands in brackets, and the texts in it.
struct Expression {
  std::string words;
  std::vector<std::string> texts;
};

void read(std::string_view source, Expression& out) {
  constexpr std::string_view kText = "std::string(";
  int depth = 0;
  for (std::size_t at = 0; at < source.size(); ++at) {
    if (depth == 0 && source.substr(at).starts_with(kText)) {
      const auto inner = parts(source, at + kText.size() - 1);
      read(inner.front(), out);
      at += kText.size() - 1;
      depth = 1;
      continue;
    }
    const char c = source[at];
    if (c == '"') {
      const std::size_t next = behind_text(source, at);
      if (depth == 0) out.texts.emplace_back(source.substr(at + 1, next - at - 2));
      at = next - 1;
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if (c == ')' || c == ']' || c == '}') {
      --depth;
    } else if (depth == 0) {
      out.words += c;
    }
  }
}

// A call or an assignment: a word, and where the bracket or the expression behind it begins.
struct Place {
  std::string_view word;
  std::size_t begin = 0;  // of the word
  std::size_t open = 0;
  bool assigned = false;
};

std::vector<Place> places_of(std::string_view source) {
  std::vector<Place> out;
  for (std::size_t at = 0; at < source.size();) {
    if (source[at] == '"') {
      at = behind_text(source, at);
      continue;
    }
    if (!is_word(source[at])) {
      ++at;
      continue;
    }
    Place place{.begin = at};
    while (at < source.size() && is_word(source[at])) ++at;
    place.word = source.substr(place.begin, at - place.begin);
    place.open = source.find_first_not_of(kSpace, at);
    if (place.open == std::string_view::npos) break;
    const char next = source[place.open];
    if (next == '=' && source[place.open + 1] != '=') {
      place.assigned = true;
      place.open = source.find_first_not_of(kSpace, place.open + 1);
    } else if (next != '(' && next != '{') {
      continue;
    }
    out.push_back(place);
  }
  return out;
}

std::string_view module_of(std::string_view path) {
  const auto first = path.find('/');
  return first == std::string_view::npos ? path : path.substr(0, path.find('/', first + 1));
}

class Scan {
 public:
  explicit Scan(const std::vector<SourceFile>& files) : files_(files) {
    for (const SourceFile& file : files) bare_.push_back(bare(file.text));
    for (std::size_t i = 0; i < files.size(); ++i) declarations(i);
    for (std::size_t i = 0; i < files.size(); ++i) uses(i);
  }

  Codes take() { return std::move(out_); }

 private:
  // Of a function: which parameter is the code.
  using Helpers = std::map<std::string_view, std::set<std::size_t>>;

  void declarations(std::size_t index) {
    for (const Place& place : places_of(bare_[index])) {
      const auto list = parts(bare_[index], place.open);
      if (place.assigned) {
        const std::string_view value = list.front();
        if (place.word.starts_with('k') && value.starts_with('"') && value.ends_with('"'))
          constants_[place.word][files_[index].path].insert(
              std::string(value.substr(1, value.size() - 2)));
        continue;
      }
      for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i] == "std::string code" || list[i] == "std::string_view code")
          helpers_[files_[index].path][place.word].insert(i);
      }
    }
  }

  Helpers helpers_of(const SourceFile& file) const {
    Helpers out;
    for (const auto& [path, helpers] : helpers_) {
      if (module_of(path) != module_of(file.path) &&
          file.text.find("#include \"" + path + "\"") == std::string::npos)
        continue;
      for (const auto& [name, places] : helpers) out[name].insert(places.begin(), places.end());
    }
    return out;
  }

  void uses(std::size_t index) {
    const SourceFile& file = files_[index];
    const std::string_view source = bare_[index];
    const Helpers helpers = helpers_of(file);
    for (const Place& place : places_of(source)) {
      const auto list = parts(source, place.open);
      if (place.assigned) {
        static const std::set<std::string_view> members{"code", "problem", "warning", "refused"};
        if (members.contains(place.word)) note(file, list.front(), std::nullopt, 0);
        continue;
      }
      if (const auto kind = kKinds.find(place.word); kind != kKinds.end()) {
        note(file, list.front(), kind->second, 0);
        continue;
      }
      if (place.word == "Error" && list.size() > 1) note(file, list[1], kind_in(list[0]), 0);
      if (place.word == "problem" || place.word == "refuse") status(file, list);
      designated(file, list);
      const bool logged = source.substr(0, place.begin).ends_with("log.");
      const auto helper = helpers.find(place.word);
      if (helper == helpers.end() || logged) continue;
      for (const std::size_t i : helper->second) {
        if (i < list.size()) note(file, list[i], std::nullopt, 0);
      }
    }
  }

  static std::optional<ErrorKind> kind_in(std::string_view text) {
    for (const auto& [name, kind] : kKinds) {
      if (text == "ErrorKind::" + std::string(name)) return kind;
    }
    return std::nullopt;
  }

  // problem(413, "http.body_too_large", ...), refuse({503, "http.no_room", ...}, ...)
  void status(const SourceFile& file, std::vector<std::string_view> list) {
    if (list[0].starts_with('{')) list = parts(list[0], 0);
    if (list.size() < 2 || list[0].size() != 3) return;
    if (!std::all_of(list[0].begin(), list[0].end(), is_digit)) return;
    note(file, list[1], std::nullopt, std::atoi(std::string(list[0]).c_str()));
  }

  // {.code = "engine.child", ..., .kind = ErrorKind::invalid}
  void designated(const SourceFile& file, std::vector<std::string_view> list) {
    constexpr std::string_view kCode = ".code = ";
    constexpr std::string_view kKind = ".kind = ";
    if (list.size() == 1 && list[0].starts_with('{')) list = parts(list[0], 0);
    std::string_view code;
    std::optional<ErrorKind> kind;
    for (const std::string_view text : list) {
      if (text.starts_with(kCode)) code = text.substr(kCode.size());
      if (text.starts_with(kKind)) kind = kind_in(text.substr(kKind.size()));
    }
    if (!code.empty() && kind) note(file, code, kind, 0);
  }

  void note(const SourceFile& file, std::string_view text, std::optional<ErrorKind> kind,
            int status) {
    Expression expression;
    read(text, expression);
    std::vector<std::string> codes;
    if (expression.words.find('+') != std::string::npos) {
      codes = composed(file, expression);
    } else {
      codes = expression.texts;
      if (codes.empty()) codes = constant(file, trimmed(expression.words));
      const bool maker = kind && !file.path.starts_with("hub/workflow/");
      for (const std::string& one : codes) {
        if (maker && !one.empty() && !is_code(one))
          out_.mistakes.push_back(file.path + ": the code \"" + one + "\" has no family");
      }
    }
    for (const std::string& word : codes) {
      if (!is_code(word)) continue;
      Code& code = out_.codes[word];
      code.files.insert(file.path);
      if (kind) code.statuses.insert(http::status_of(Error{*kind, word, ""}));
      if (status != 0) code.statuses.insert(status);
    }
  }

  std::vector<std::string> constant(const SourceFile& file, std::string_view words) const {
    std::vector<std::string> out;
    for (const auto& [name, values] : constants_) {
      const auto at = words.find(name);
      if (at == std::string_view::npos) continue;
      const auto end = at + name.size();
      if ((at > 0 && is_word(words[at - 1])) || (end < words.size() && is_word(words[end])))
        continue;
      const auto own = values.find(file.path);
      for (const auto& [path, texts] : values) {
        if (own == values.end() || path == file.path)
          out.insert(out.end(), texts.begin(), texts.end());
      }
    }
    return out;
  }

  std::vector<std::string> composed(const SourceFile& file, const Expression& expression) {
    std::vector<std::string> out;
    // A sentence is no code.
    const bool sentence =
        std::any_of(expression.texts.begin(), expression.texts.end(),
                    [](const std::string& word) { return word.find(' ') != std::string::npos; });
    if (sentence) return {};
    for (const std::string& text : expression.texts) {
      if (!text.ends_with('.') && !text.starts_with('_')) continue;
      const auto known = kComposed.find(text);
      if (known == kComposed.end()) {
        out_.mistakes.push_back(file.path + ": a code is put together with \"" + text +
                                "\"; kComposed says what it may be");
        continue;
      }
      out.insert(out.end(), known->second.begin(), known->second.end());
    }
    return out;
  }

  const std::vector<SourceFile>& files_;
  std::vector<std::string> bare_;
  std::map<std::string_view, std::map<std::string, std::set<std::string>>> constants_;
  std::map<std::string, Helpers> helpers_;
  Codes out_;
};

}  // namespace

bool is_code(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == 0 || dot == std::string_view::npos || dot + 1 == text.size()) return false;
  if (text.find('.', dot + 1) != std::string_view::npos || !is_lower(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower(c) || is_digit(c) || c == '_' || c == '.'; });
}

Codes codes_of(const std::vector<SourceFile>& files) {
  return Scan(files).take();
}

}  // namespace rabt::test
