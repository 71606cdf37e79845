#include "hub/schema/schema_regex.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace rabt::schema {

namespace {

constexpr std::int64_t kMaxRepeat = 1000;        // RE2's own limit
constexpr std::int64_t kMaxMemory = 4LL << 20U;  // RE2: program and cached states of one pattern
constexpr std::uint32_t kLastCodePoint = 0x10FFFF;

// White space and line ends of ECMA-262 (WhiteSpace, LineTerminator), and everything else; without
// brackets, so that they fit into a class.
constexpr std::string_view kSpace =
    R"(\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff})";
constexpr std::string_view kNoSpace =
    R"(\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027})"
    R"(\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff})";
constexpr std::string_view kAnyButLineEnd = R"([^\n\r\x{2028}\x{2029}])";
constexpr std::string_view kNothing = R"([^\x{0}-\x{10ffff}])";
constexpr std::string_view kEverything = "(?s:.)";

struct Category {
  std::string_view name;
  std::string_view re2;
};
// General_Category, long names and aliases (PropertyValueAliases.txt); RE2 knows the short names.
constexpr std::array<Category, 43> kCategories{{{"Letter", "L"},
                                                {"Uppercase_Letter", "Lu"},
                                                {"Lowercase_Letter", "Ll"},
                                                {"Titlecase_Letter", "Lt"},
                                                {"Modifier_Letter", "Lm"},
                                                {"Other_Letter", "Lo"},
                                                {"Mark", "M"},
                                                {"Combining_Mark", "M"},
                                                {"Nonspacing_Mark", "Mn"},
                                                {"Spacing_Mark", "Mc"},
                                                {"Enclosing_Mark", "Me"},
                                                {"Number", "N"},
                                                {"Decimal_Number", "Nd"},
                                                {"digit", "Nd"},
                                                {"Letter_Number", "Nl"},
                                                {"Other_Number", "No"},
                                                {"Punctuation", "P"},
                                                {"punct", "P"},
                                                {"Connector_Punctuation", "Pc"},
                                                {"Dash_Punctuation", "Pd"},
                                                {"Open_Punctuation", "Ps"},
                                                {"Close_Punctuation", "Pe"},
                                                {"Initial_Punctuation", "Pi"},
                                                {"Final_Punctuation", "Pf"},
                                                {"Other_Punctuation", "Po"},
                                                {"Symbol", "S"},
                                                {"Math_Symbol", "Sm"},
                                                {"Currency_Symbol", "Sc"},
                                                {"Modifier_Symbol", "Sk"},
                                                {"Other_Symbol", "So"},
                                                {"Separator", "Z"},
                                                {"Space_Separator", "Zs"},
                                                {"Line_Separator", "Zl"},
                                                {"Paragraph_Separator", "Zp"},
                                                {"Other", "C"},
                                                {"Control", "Cc"},
                                                {"cntrl", "Cc"},
                                                {"Format", "Cf"},
                                                {"Private_Use", "Co"},
                                                {"Any", "Any"},
                                                {"Arab", "Arabic"},
                                                {"Latn", "Latin"},
                                                {"Grek", "Greek"}}};

Error refuse(std::string message) {
  return invalid("schema.pattern", std::move(message));
}

class Translator {
 public:
  // syntax_only: what RE2 cannot run becomes something that it can, since only the form counts.
  explicit Translator(std::string_view text, bool syntax_only = false)
      : text_(text), syntax_only_(syntax_only) {}

  Result<std::string> run();

 private:
  // Meaning of an escape or of a member of a class.
  struct Atom {
    // In RE2's syntax.
    std::string text;
    // nullopt if the atom is a set of characters.
    std::optional<std::uint32_t> code;
  };

  static std::string code_text(std::uint32_t code);
  static Atom one(std::uint32_t code) { return {code_text(code), code}; }

  [[nodiscard]] bool next_is(std::string_view text) const {
    return text_.substr(at_).starts_with(text);
  }

  std::optional<std::uint32_t> hex(std::size_t count);
  Result<Atom> unicode_escape();
  Result<Atom> property(bool negated, bool in_class);

  // After the backslash.
  Result<Atom> escape(bool in_class);
  Result<Atom> class_member();

  // After the opening bracket.
  Status character_class();

  // After the opening parenthesis. Nothing is captured: only whether there is a match counts.
  Status group();

  // At {: a quantifier, or the character itself.
  Status brace();

  std::string_view text_;
  bool syntax_only_;
  std::size_t at_ = 0;
  std::string out_;
};

Result<std::string> Translator::run() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    switch (c) {
      case '\\': {
        ++at_;
        RABT_TRY(atom, escape(false));
        out_ += atom.text;
        break;
      }
      case '[': {
        ++at_;
        RABT_TRY_STATUS(character_class());
        break;
      }
      case '(': {
        ++at_;
        RABT_TRY_STATUS(group());
        break;
      }
      case '.':
        ++at_;
        out_ += kAnyButLineEnd;
        break;
      case '{':
        RABT_TRY_STATUS(brace());
        break;
      case '}':
      case ']':
        ++at_;
        out_.push_back('\\');
        out_.push_back(c);
        break;
      default:
        ++at_;
        out_.push_back(c);
    }
  }
  return std::move(out_);
}

std::string Translator::code_text(std::uint32_t code) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  std::string digits;
  do {
    digits.insert(digits.begin(), kHex[code & 0xfU]);
    code >>= 4U;
  } while (code != 0);
  return "\\x{" + digits + "}";
}

std::optional<std::uint32_t> Translator::hex(std::size_t count) {
  if (at_ + count > text_.size()) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const char c = text_[at_ + i];
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (!digit && !letter) return std::nullopt;
    const auto part = static_cast<std::uint32_t>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    value = value * 16 + part;
  }
  at_ += count;
  return value;
}

Result<Translator::Atom> Translator::unicode_escape() {
  if (next_is("{")) {
    const auto end = text_.find('}', at_);
    if (end == std::string_view::npos || end == at_ + 1 || end - at_ > 9)
      return refuse("has \\u{ without a code point and }");
    ++at_;
    const auto code = hex(end - at_);
    if (!code || *code > kLastCodePoint) return refuse("has \\u{...} with no code point");
    ++at_;
    return one(*code);
  }
  auto code = hex(4);
  if (!code) return refuse("has \\u without four hexadecimal digits");
  if (*code >= 0xd800 && *code < 0xdc00 && next_is("\\u")) {
    const std::size_t back = at_;
    at_ += 2;
    const auto low = hex(4);
    if (low && *low >= 0xdc00 && *low < 0xe000)
      return one(0x10000 + ((*code - 0xd800) << 10U) + (*low - 0xdc00));
    at_ = back;
  }
  if (*code >= 0xd800 && *code < 0xe000)
    return Atom{std::string(kNothing), std::nullopt};  // half a pair is in no UTF-8 text
  return one(*code);
}

Result<Translator::Atom> Translator::property(bool negated, bool in_class) {
  const auto end = text_.find('}', at_);
  if (!next_is("{") || end == std::string_view::npos)
    return refuse("has \\p without a property in braces");
  std::string name(text_.substr(at_ + 1, end - at_ - 1));
  at_ = end + 1;
  for (const std::string_view prefix :
       {"General_Category=", "gc=", "Script=", "sc=", "Script_Extensions=", "scx="}) {
    if (name.starts_with(prefix)) {
      name.erase(0, prefix.size());
      break;
    }
  }
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  });
  if (!plain) return refuse("names a Unicode property that is not known");
  const std::string sign = negated ? "\\P{" : "\\p{";
  if (name == "LC" || name == "Cased_Letter") {
    if (negated && in_class) return refuse("has \\P{LC} inside [ ]; write it outside");
    const std::string all = R"(\p{Lu}\p{Ll}\p{Lt})";
    if (in_class) return Atom{all, std::nullopt};
    return Atom{(negated ? "[^" : "[") + all + "]", std::nullopt};
  }
  if (name == "ASCII") {
    const std::string all = negated ? R"(\x{80}-\x{10ffff})" : R"(\x{0}-\x{7f})";
    return Atom{in_class ? all : "[" + all + "]", std::nullopt};
  }
  if (name == "White_Space" || name == "space") {
    // Beside \s: U+0085 is in, U+FEFF is out.
    if (negated) return refuse("has \\P{White_Space}, which is not supported; use \\S");
    const std::string all =
        R"(\x{9}-\x{d}\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000})";
    return Atom{in_class ? all : "[" + all + "]", std::nullopt};
  }
  for (const auto& [category, re2] : kCategories) {
    if (category == name) name = re2;
  }
  if (!re2::RE2("\\p{" + name + "}", re2::RE2::Quiet).ok())
    return refuse("names the Unicode property " + name.substr(0, 40) + ", which RE2 does not know");
  return Atom{sign + name + "}", std::nullopt};
}

Result<Translator::Atom> Translator::escape(bool in_class) {
  if (at_ >= text_.size()) return refuse("ends with a backslash");
  const char c = text_[at_++];
  switch (c) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
      return Atom{std::string("\\") + c, std::nullopt};
    case 's':
    case 'S': {
      const std::string set(c == 's' ? kSpace : kNoSpace);
      return Atom{in_class ? set : "[" + set + "]", std::nullopt};
    }
    case 'b':
      if (in_class) return one(8);
      return Atom{"\\b", std::nullopt};
    case 'B':
      if (in_class) break;
      return Atom{"\\B", std::nullopt};
    case 't':
      return one('\t');
    case 'n':
      return one('\n');
    case 'v':
      return one('\v');
    case 'f':
      return one('\f');
    case 'r':
      return one('\r');
    case '0':
      if (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') break;
      return one(0);
    case 'c': {
      const char letter = at_ < text_.size() ? static_cast<char>(text_[at_] | 0x20) : ' ';
      if (letter < 'a' || letter > 'z') return refuse("has \\c without a letter");
      ++at_;
      return one(static_cast<std::uint32_t>(letter - 'a' + 1));
    }
    case 'x': {
      const auto code = hex(2);
      if (!code) return refuse("has \\x without two hexadecimal digits");
      return one(*code);
    }
    case 'u':
      return unicode_escape();
    case 'p':
    case 'P':
      return property(c == 'P', in_class);
    case 'k':
      if (syntax_only_ && !in_class && next_is("<")) {
        const auto end = text_.find('>', at_);
        if (end == std::string_view::npos) return refuse("has \\k without a name");
        at_ = end + 1;
        return Atom{"(?:)", std::nullopt};
      }
      return refuse("uses a back-reference (\\k), which matching in linear time cannot do");
    default:
      if (c >= '1' && c <= '9' && syntax_only_ && !in_class) return Atom{"(?:)", std::nullopt};
      if (c >= '1' && c <= '9')
        return refuse(std::string("uses a back-reference (\\").append(1, c) +
                      "), which matching in linear time cannot do");
      // Punctuation stands for itself. The u flag allows that for some of it only; the rest has
      // no other meaning either.
      if (static_cast<unsigned char>(c) < 0x80 && c > ' ' && !(c >= 'a' && c <= 'z') &&
          !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != 0x7f) {
        return one(static_cast<unsigned char>(c));
      }
      if (c == ' ') return one(' ');
  }
  if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 0x7f)
    return refuse("has a backslash before a character that needs none");
  return refuse(std::string("has \\").append(1, c) + ", which is no escape of ECMA-262");
}

Result<Translator::Atom> Translator::class_member() {
  const auto lead = static_cast<unsigned char>(text_[at_]);
  if (lead == '\\') {
    ++at_;
    return escape(true);
  }
  if (lead < 0x80) {
    ++at_;
    return one(lead);
  }
  const std::size_t length = lead >= 0xf0 ? 4 : (lead >= 0xe0 ? 3 : 2);
  if (lead < 0xc2 || lead > 0xf4 || at_ + length > text_.size()) return refuse("is not UTF-8");
  auto code = static_cast<std::uint32_t>(lead) & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text_[at_ + i]);
    if ((next & 0xc0U) != 0x80U) return refuse("is not UTF-8");
    code = (code << 6U) | (next & 0x3fU);
  }
  if (code > kLastCodePoint) return refuse("is not UTF-8");
  at_ += length;
  return one(code);
}

Status Translator::character_class() {
  const bool negated = next_is("^");
  if (negated) ++at_;
  std::string members;
  while (true) {
    if (at_ >= text_.size()) return refuse("has [ without ]");
    if (text_[at_] == ']') break;
    RABT_TRY(low, class_member());
    const bool range = next_is("-") && at_ + 1 < text_.size() && text_[at_ + 1] != ']';
    if (!range) {
      if (low.text != kNothing) members += low.text;
      continue;
    }
    ++at_;
    RABT_TRY(high, class_member());
    if (!low.code || !high.code)
      return refuse("has a range in [ ] whose end is a set of characters; escape the -");
    if (*low.code > *high.code) return refuse("has a range in [ ] that runs backwards");
    members += low.text + "-" + high.text;
  }
  ++at_;
  if (members.empty()) {
    out_ += negated ? kEverything : kNothing;
  } else {
    out_ += (negated ? "[^" : "[") + members + "]";
  }
  return ok_status();
}

Status Translator::group() {
  if (!next_is("?")) {
    out_ += "(?:";
    return ok_status();
  }
  if (next_is("?:")) {
    at_ += 2;
    out_ += "(?:";
    return ok_status();
  }
  if (syntax_only_) {
    for (const std::string_view look : {"?=", "?!", "?<=", "?<!"}) {
      if (!next_is(look)) continue;
      at_ += look.size();
      out_ += "(?:";
      return ok_status();
    }
  }
  if (next_is("?=") || next_is("?!"))
    return refuse("uses look-ahead, which matching in linear time cannot do; use allOf and not");
  if (next_is("?<=") || next_is("?<!"))
    return refuse("uses look-behind, which matching in linear time cannot do");
  if (next_is("?<")) {
    const auto end = text_.find('>', at_);
    if (end == std::string_view::npos || end == at_ + 2)
      return refuse("has a group whose name does not end");
    at_ = end + 1;
    out_ += "(?:";
    return ok_status();
  }
  return refuse("has (? with something that ECMA-262 does not know");
}

Status Translator::brace() {
  std::size_t i = at_ + 1;
  const auto number = [&]() -> std::optional<std::int64_t> {
    std::optional<std::int64_t> value;
    for (; i < text_.size() && text_[i] >= '0' && text_[i] <= '9'; ++i)
      value = std::min<std::int64_t>(value.value_or(0) * 10 + (text_[i] - '0'), 1'000'000);
    return value;
  };
  const auto low = number();
  auto high = low;
  bool open = false;
  if (low && i < text_.size() && text_[i] == ',') {
    ++i;
    high = number();
    open = !high;
  }
  if (!low || i >= text_.size() || text_[i] != '}') {
    ++at_;
    out_ += "\\{";
    return ok_status();
  }
  if (syntax_only_) {
    if (!open && *low > *high) return refuse("has a repetition that runs backwards");
    out_ += "*";
    at_ = i + 1;
    return ok_status();
  }
  if (*low > kMaxRepeat || (high && *high > kMaxRepeat))
    return refuse("repeats more than 1000 times; use minLength and maxLength for lengths");
  if (!open && *low > *high) return refuse("has a repetition that runs backwards");
  out_ += text_.substr(at_, i + 1 - at_);
  at_ = i + 1;
  return ok_status();
}

}  // namespace

struct Pattern::Engine {
  Engine(const std::string& text, const re2::RE2::Options& options) : regex(text, options) {}
  re2::RE2 regex;
};

Pattern::Pattern(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Pattern::~Pattern() = default;

Result<std::string> to_re2(std::string_view ecma) {
  if (ecma.size() > kMaxPatternBytes)
    return refuse("is longer than " + std::to_string(kMaxPatternBytes) + " bytes");
  return Translator(ecma).run();
}

bool is_ecma_regex(std::string_view text) {
  if (text.size() > kMaxPatternBytes) return false;
  const auto form = Translator(text, true).run();
  if (!form.ok()) return false;
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  return re2::RE2(*form, options).ok();
}

Result<std::shared_ptr<const Pattern>> Pattern::compile(std::string_view ecma) {
  RABT_TRY(text, to_re2(ecma));
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_max_mem(kMaxMemory);
  auto engine = std::make_unique<Engine>(text, options);
  if (!engine->regex.ok()) return refuse("is no regular expression: " + engine->regex.error());
  if (engine->regex.ProgramSize() > static_cast<int>(kMaxPatternProgram))
    return refuse("is too large once its repetitions are written out");
  return std::shared_ptr<const Pattern>(new Pattern(std::move(engine)));
}

bool Pattern::found_in(std::string_view text) const {
  return re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), engine_->regex);
}

std::size_t Pattern::program_size() const {
  return static_cast<std::size_t>(engine_->regex.ProgramSize());
}

}  // namespace rabt::schema
