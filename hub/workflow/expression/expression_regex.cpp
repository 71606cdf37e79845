#include <re2/re2.h>

#include <map>

#include "hub/workflow/expression/expression_evaluation.hpp"

namespace rabt::workflow {

namespace {
// Bytes of a compiled pattern; RE2 refuses larger ones.
constexpr std::int64_t kMaxProgram = 1 << 20;
constexpr std::size_t kMaxPattern = 4096;  // bytes of its text
}  // namespace

struct Regex {
  Regex(const std::string& pattern, const RE2::Options& options) : program(pattern, options) {}
  RE2 program;
  std::vector<std::string> names;  // by group; empty for a group without a name
  bool global = false;
  bool skip_empty = false;
};

namespace {

// Oniguruma's (?<name>...) becomes RE2's (?P<name>...); with x, white space and comments go.
std::string translate(std::string_view pattern, bool extended) {
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      out.push_back(c);
      out.push_back(pattern[++i]);
      continue;
    }
    if (in_class) {
      if (c == ']') in_class = false;
    } else if (c == '[') {
      in_class = true;
      out.push_back(c);
      if (i + 1 < pattern.size() && pattern[i + 1] == '^') out.push_back(pattern[++i]);
      if (i + 1 < pattern.size() && pattern[i + 1] == ']') out.push_back(pattern[++i]);
      continue;
    } else if (extended && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      continue;
    } else if (extended && c == '#') {
      while (i + 1 < pattern.size() && pattern[i + 1] != '\n') ++i;
      continue;
    } else if (pattern.substr(i).starts_with("(?<") && i + 3 < pattern.size() &&
               pattern[i + 3] != '=' && pattern[i + 3] != '!') {
      out += "(?P<";
      i += 2;
      continue;
    }
    out.push_back(c);
  }
  return out;
}

}  // namespace

std::shared_ptr<const Regex> compile_regex(std::string_view pattern, std::string_view flags,
                                           std::string& error) {
  if (pattern.size() > kMaxPattern) {
    error = "the regular expression is longer than " + std::to_string(kMaxPattern) + " bytes";
    return nullptr;
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxProgram);
  bool extended = false;
  bool global = false;
  bool skip_empty = false;
  for (const char flag : flags) {
    switch (flag) {
      case 'g':
        global = true;
        break;
      case 'i':
        options.set_case_sensitive(false);
        break;
      case 'x':
        extended = true;
        break;
      case 's':
        break;  // ^ and $ mean start and end of the text: they always do here
      case 'p':
        options.set_dot_nl(true);
        break;
      case 'n':
        skip_empty = true;
        break;
      case 'l':
        options.set_longest_match(true);
        break;
      default:
        error = "the flags of a regular expression are letters of g i x s n p l";
        return nullptr;
    }
  }
  auto regex = std::make_shared<Regex>(translate(pattern, extended), options);
  if (!regex->program.ok()) {
    switch (regex->program.error_code()) {
      case RE2::ErrorBadPerlOp:
      case RE2::ErrorBadEscape:
        error =
            "the regular expression uses something RE2 does not have (look-around, "
            "back-references)";
        break;
      case RE2::ErrorPatternTooLarge:
        error = "the regular expression is too large";
        break;
      case RE2::ErrorMissingParen:
      case RE2::ErrorUnexpectedParen:
        error = "the regular expression has unbalanced parentheses";
        break;
      case RE2::ErrorMissingBracket:
        error = "the regular expression has an open character class";
        break;
      default:
        error = "not a regular expression that RE2 understands";
        break;
    }
    return nullptr;
  }
  regex->names.resize(static_cast<std::size_t>(regex->program.NumberOfCapturingGroups()) + 1);
  for (const auto& [index, name] : regex->program.CapturingGroupNames()) {
    regex->names[static_cast<std::size_t>(index)] = name;
  }
  regex->global = global;
  regex->skip_empty = skip_empty;
  return regex;
}

namespace {

// The program of pattern and flags, which is compiled if the expression's compiler did it; nullptr
// after a fault of the evaluation.
const Regex* usable_regex(Evaluation& evaluation, const Json& pattern, const Json& flags,
                          const Regex* compiled) {
  const auto refuse = [&evaluation](auto&&... text) -> const Regex* {
    (void)evaluation.fail(std::forward<decltype(text)>(text)...);
    return nullptr;
  };
  if (!pattern.is_string()) {
    return refuse(std::string(type_name(pattern)) + " not a string or array",
                  "a regular expression must be a string");
  }
  if (!flags.is_null() && !flags.is_string())
    return refuse("the flags of a regular expression must be a string");
  if (compiled != nullptr) return compiled;
  std::string error;
  compiled = evaluation.regex(pattern.as_string(),
                              flags.is_string() ? flags.as_string() : std::string(), error);
  return compiled != nullptr ? compiled : refuse(error);
}

}  // namespace

bool match_regex(Evaluation& evaluation, const Json& input, const Json& pattern, const Json& flags,
                 bool test, bool global, const Regex* compiled, Json& out) {
  if (!input.is_string()) {
    return type_error(evaluation, input, "cannot be matched, as it is not a string");
  }
  compiled = usable_regex(evaluation, pattern, flags, compiled);
  if (compiled == nullptr) return false;
  const std::string& text = input.as_string();
  const bool all = global || compiled->global;
  const re2::StringPiece whole(text.data(), text.size());
  std::vector<re2::StringPiece> groups(compiled->names.size());
  Json::Array matches;
  std::size_t counted = 0;
  std::int64_t points = 0;
  const auto to_points = [&](std::size_t byte) {
    if (byte < counted) {
      counted = 0;
      points = 0;
    }
    for (; counted < byte; ++counted) {
      if ((static_cast<unsigned char>(text[counted]) & 0xc0U) != 0x80U) ++points;
    }
    return points;
  };
  std::size_t start = 0;
  do {
    // RE2 is linear in the text; a step stands for 64 bytes.
    if (!evaluation.spend(1 + (text.size() - start) / 64)) return false;
    if (!compiled->program.Match(whole, start, text.size(), RE2::UNANCHORED, groups.data(),
                                 test ? 1 : static_cast<int>(groups.size()))) {
      break;
    }
    const auto begin = static_cast<std::size_t>(groups[0].data() - text.data());
    const std::size_t length = groups[0].size();
    if (length == 0) {
      start = begin + 1;
      while (start < text.size() && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80U)
        ++start;
      if (compiled->skip_empty) continue;
    } else {
      start = begin + length;
    }
    if (test) {
      out = Json(true);
      return true;
    }
    Json::Array captures;
    const auto describe = [&](const re2::StringPiece& group, JsonObject& object) {
      if (group.data() == nullptr) {
        object.append_new("offset", Json(-1));
        object.append_new("string", Json());
        object.append_new("length", Json(0));
        return evaluation.charge(3 * sizeof(JsonObject::Member));
      }
      const auto at = static_cast<std::size_t>(group.data() - text.data());
      const std::int64_t first = to_points(at);
      object.append_new("offset", Json(first));
      object.append_new("length", Json(to_points(at + group.size()) - first));
      object.append_new("string", Json(std::string_view(group.data(), group.size())));
      return evaluation.charge(3 * sizeof(JsonObject::Member) + group.size());
    };
    for (std::size_t i = 1; i < groups.size(); ++i) {
      JsonObject capture;
      if (!describe(groups[i], capture)) return false;
      capture.append_new("name", compiled->names[i].empty() ? Json() : Json(compiled->names[i]));
      captures.emplace_back(std::move(capture));
    }
    JsonObject match;
    if (!describe(groups[0], match)) return false;
    match.append_new("captures", Json(std::move(captures)));
    matches.emplace_back(std::move(match));
  } while (all && start < text.size());
  out = test ? Json(false) : Json(std::move(matches));
  return true;
}

}  // namespace rabt::workflow
