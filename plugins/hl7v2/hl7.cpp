#include "hl7.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "rabt/text.hpp"

namespace rabt::hl7v2 {

namespace {

constexpr std::string_view kUtf8 = "UNICODE UTF-8";
constexpr std::string_view kAscii = "ASCII";
constexpr std::string_view kLatin = "8859/1";
constexpr std::string_view kArabic = "8859/6";
constexpr std::string_view kWindowsArabic = "WINDOWS-1256";
constexpr std::string_view kWindowsLatin = "WINDOWS-1252";

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  for (;;) {
    const auto end = text.find(by);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}
std::string_view nth(std::string_view text, char by, int number) {
  for (int i = 1; i < number; ++i) {
    const auto end = text.find(by);
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find(by));
}

bool is_utf8(std::string_view text) {
  try {
    (void)nlohmann::json(text).dump();
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

// Character sets, by the names that MSH-18 (table 0211) and its senders have for them: without
// blanks and signs, in lower case.
struct Charset {
  std::string_view spelt;
  std::string_view name;
};
constexpr std::array<Charset, 22> kCharsets{{
    {"unicodeutf8", kUtf8},
    {"utf8", kUtf8},
    {"unicode", kUtf8},
    {"ascii", kAscii},
    {"usascii", kAscii},
    {"isoir6", kAscii},
    {"88591", kLatin},
    {"iso88591", kLatin},
    {"latin1", kLatin},
    {"isoir100", kLatin},
    {"88596", kArabic},
    {"iso88596", kArabic},
    {"isoir127", kArabic},
    {"arabic", kArabic},
    {"windows1256", kWindowsArabic},
    {"cp1256", kWindowsArabic},
    {"win1256", kWindowsArabic},
    {"ms1256", kWindowsArabic},
    {"windows1252", kWindowsLatin},
    {"cp1252", kWindowsLatin},
    {"win1252", kWindowsLatin},
    {"ms1252", kWindowsLatin},
}};

// The code points of the bytes 0x80 to 0xFF; 0 for a byte that has none.
constexpr std::array<std::uint16_t, 128> kCp1256{
    0x20ac, 0x067e, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0679, 0x2039,
    0x0152, 0x0686, 0x0698, 0x0688, 0x06af, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x06a9, 0x2122, 0x0691, 0x203a, 0x0153, 0x200c, 0x200d, 0x06ba, 0x00a0, 0x060c, 0x00a2, 0x00a3,
    0x00a4, 0x00a5, 0x00a6, 0x00a7, 0x00a8, 0x00a9, 0x06be, 0x00ab, 0x00ac, 0x00ad, 0x00ae, 0x00af,
    0x00b0, 0x00b1, 0x00b2, 0x00b3, 0x00b4, 0x00b5, 0x00b6, 0x00b7, 0x00b8, 0x00b9, 0x061b, 0x00bb,
    0x00bc, 0x00bd, 0x00be, 0x061f, 0x06c1, 0x0621, 0x0622, 0x0623, 0x0624, 0x0625, 0x0626, 0x0627,
    0x0628, 0x0629, 0x062a, 0x062b, 0x062c, 0x062d, 0x062e, 0x062f, 0x0630, 0x0631, 0x0632, 0x0633,
    0x0634, 0x0635, 0x0636, 0x00d7, 0x0637, 0x0638, 0x0639, 0x063a, 0x0640, 0x0641, 0x0642, 0x0643,
    0x00e0, 0x0644, 0x00e2, 0x0645, 0x0646, 0x0647, 0x0648, 0x00e7, 0x00e8, 0x00e9, 0x00ea, 0x00eb,
    0x0649, 0x064a, 0x00ee, 0x00ef, 0x064b, 0x064c, 0x064d, 0x064e, 0x00f4, 0x064f, 0x0650, 0x00f7,
    0x0651, 0x00f9, 0x0652, 0x00fb, 0x00fc, 0x200e, 0x200f, 0x06d2};
constexpr std::array<std::uint16_t, 128> kCp1252{
    0x20ac, 0x0000, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039,
    0x0152, 0x0000, 0x017d, 0x0000, 0x0000, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x0000, 0x017e, 0x0178, 0x00a0, 0x00a1, 0x00a2, 0x00a3,
    0x00a4, 0x00a5, 0x00a6, 0x00a7, 0x00a8, 0x00a9, 0x00aa, 0x00ab, 0x00ac, 0x00ad, 0x00ae, 0x00af,
    0x00b0, 0x00b1, 0x00b2, 0x00b3, 0x00b4, 0x00b5, 0x00b6, 0x00b7, 0x00b8, 0x00b9, 0x00ba, 0x00bb,
    0x00bc, 0x00bd, 0x00be, 0x00bf, 0x00c0, 0x00c1, 0x00c2, 0x00c3, 0x00c4, 0x00c5, 0x00c6, 0x00c7,
    0x00c8, 0x00c9, 0x00ca, 0x00cb, 0x00cc, 0x00cd, 0x00ce, 0x00cf, 0x00d0, 0x00d1, 0x00d2, 0x00d3,
    0x00d4, 0x00d5, 0x00d6, 0x00d7, 0x00d8, 0x00d9, 0x00da, 0x00db, 0x00dc, 0x00dd, 0x00de, 0x00df,
    0x00e0, 0x00e1, 0x00e2, 0x00e3, 0x00e4, 0x00e5, 0x00e6, 0x00e7, 0x00e8, 0x00e9, 0x00ea, 0x00eb,
    0x00ec, 0x00ed, 0x00ee, 0x00ef, 0x00f0, 0x00f1, 0x00f2, 0x00f3, 0x00f4, 0x00f5, 0x00f6, 0x00f7,
    0x00f8, 0x00f9, 0x00fa, 0x00fb, 0x00fc, 0x00fd, 0x00fe, 0x00ff};

// The code point of a byte above 0x7F in a character set of one byte each; 0 if it has none.
unsigned code_point(std::string_view charset, unsigned char byte) {
  if (charset == kWindowsArabic) return kCp1256.at(byte - 0x80U);
  if (charset == kWindowsLatin) return kCp1252.at(byte - 0x80U);
  if (charset == kLatin) return byte >= 0xa0 ? byte : 0;
  if (charset != kArabic) return 0;
  if (byte == 0xa0 || byte == 0xa4 || byte == 0xad) return byte;
  const bool arabic = byte == 0xac || byte == 0xbb || byte == 0xbf ||
                      (byte >= 0xc1 && byte <= 0xda) || (byte >= 0xe0 && byte <= 0xf2);
  return arabic ? 0x0600U + byte - 0xa0U : 0;
}

bool is_hex(std::string_view text) {
  return !text.empty() && text.size() % 2 == 0 && std::all_of(text.begin(), text.end(), [](char c) {
    return sdk::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// Blanks and line ends that a formatting command writes at most.
constexpr std::size_t kMaxSkipped = 80;

// A formatting command (.sp+2, .br, .sk3 ...): false if it is none. No command may join the words
// before and behind it.
bool format(std::string_view sequence, std::string& out) {
  const std::string name = sdk::lower(sequence.substr(0, 3));
  std::string_view number = sequence.substr(std::min<std::size_t>(3, sequence.size()));
  if (number.starts_with('+') || number.starts_with('-')) number.remove_prefix(1);
  if (number.size() > 3 || !std::all_of(number.begin(), number.end(), sdk::is_digit)) return false;
  std::size_t count = 0;
  for (const char c : number) count = count * 10 + static_cast<std::size_t>(c - '0');
  count = std::clamp<std::size_t>(count, 1, kMaxSkipped);
  if (name == ".br" || name == ".ce") {
    out.push_back('\n');
  } else if (name == ".sp") {
    out.append(count, '\n');
  } else if (name == ".sk") {
    out.append(count, ' ');
  } else if (name == ".fi" || name == ".nf" || name == ".in" || name == ".ti") {
    if (!out.empty() && out.back() != '\n' && out.back() != ' ') out.push_back(' ');
  } else {
    return false;
  }
  return true;
}

// Characters of a text as they are read: one kind of line end, and no other control characters,
// which would end up in names and texts.
void add_plain(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (c == '\r' || c == '\v' || c == '\f') {
      out.push_back('\n');
    } else if ((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\n' || c == '\t') {
      out.push_back(c);
    }
  }
}

// Appends the text that an escape sequence of section 2.7.1 stands for, given between its two
// escape characters; false if it is none.
bool unescape(std::string_view sequence, const Delimiters& d, std::string_view charset,
              std::string& out) {
  if (sequence.empty()) return false;
  const std::string_view rest = sequence.substr(1);
  if (sequence.size() == 1) {
    for (const auto& [letter, meant] : {std::pair{'F', d.field},
                                        {'S', d.component},
                                        {'T', d.subcomponent},
                                        {'R', d.repetition},
                                        {'E', d.escape}}) {
      if (sequence.front() != letter) continue;
      out.push_back(meant);
      return true;
    }
  }
  // Highlighting has no text.
  if (sequence == "H" || sequence == "N") return true;
  if (sequence.starts_with('.')) return format(sequence, out);
  if (!is_hex(rest)) return false;
  // Changes of the character set and sequences of the sender's own.
  if (sequence.front() == 'C') return rest.size() == 4;
  if (sequence.front() == 'M') return rest.size() == 4 || rest.size() == 6;
  if (sequence.front() == 'Z') return true;
  if (sequence.front() != 'X') return false;
  std::string encoded;
  for (std::size_t i = 0; i < rest.size(); i += 2) {
    encoded.push_back('%');
    encoded.append(rest.substr(i, 2));
  }
  std::string text;
  if (!to_utf8(charset, sdk::percent_decode(encoded), text)) return false;
  add_plain(text, out);
  return true;
}

std::string unescaped(std::string_view raw, const Delimiters& d, std::string_view charset) {
  std::string out;
  while (!raw.empty()) {
    const auto begin = raw.find(d.escape);
    add_plain(raw.substr(0, begin), out);
    if (begin == std::string_view::npos) break;
    raw.remove_prefix(begin + 1);
    const auto end = raw.find(d.escape);
    // The character itself is meant where no sequence begins, and what follows is text.
    if (end == std::string_view::npos || !unescape(raw.substr(0, end), d, charset, out)) {
      out.push_back(d.escape);
      continue;
    }
    raw.remove_prefix(end + 1);
  }
  return out;
}

Delimiters delimiters_of(std::string_view bytes) {
  if (!bytes.starts_with("MSH") || bytes.size() < 8)
    throw Fault(kSequence, "MSH", 0, "the message does not begin with MSH");
  const std::string_view chars = bytes.substr(3, 5);
  for (std::size_t i = 0; i < chars.size(); ++i) {
    const auto c = static_cast<unsigned char>(chars[i]);
    const bool good = c > 0x20 && c < 0x7f && !std::isalnum(c) && c != '"' && c != '.';
    if (!good || chars.find(chars[i], i + 1) != std::string_view::npos)
      throw Fault(kDataType, "MSH", 2, "MSH-1 and MSH-2 must be five different delimiters");
  }
  return {chars[0], chars[1], chars[2], chars[3], chars[4]};
}

// The delimiters of a message of which only codes are read: the field separator is enough.
Delimiters code_delimiters(std::string_view bytes) {
  try {
    return delimiters_of(bytes);
  } catch (const Fault&) {
    if (!bytes.starts_with("MSH") || bytes.size() < 8 || std::isalnum(bytes[3]) != 0) throw;
    return {.field = bytes[3]};
  }
}

std::string_view without_frame(std::string_view bytes) {
  if (bytes.starts_with('\x0b')) bytes.remove_prefix(1);
  while (bytes.ends_with('\r') || bytes.ends_with('\x1c')) bytes.remove_suffix(1);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  return bytes;
}

}  // namespace

std::string_view words_of(int code) {
  static constexpr std::array<std::pair<int, std::string_view>, 13> kWords{
      {{0, "Message accepted"},
       {kSequence, "Segment sequence error"},
       {kRequired, "Required field missing"},
       {kDataType, "Data type error"},
       {kTable, "Table value not found"},
       {kUnsupportedMessage, "Unsupported message type"},
       {kUnsupportedEvent, "Unsupported event code"},
       {kUnsupportedProcessing, "Unsupported processing id"},
       {kUnsupportedVersion, "Unsupported version id"},
       {204, "Unknown key identifier"},
       {kDuplicate, "Duplicate key identifier"},
       {206, "Application record locked"},
       {kInternal, "Application internal error"}}};
  for (const auto& [number, words] : kWords) {
    if (number == code) return words;
  }
  return {};
}

std::string_view charset_of(std::string_view name) {
  std::string plain = sdk::lower(name);
  std::erase_if(plain, [](char c) { return !sdk::is_digit(c) && (c < 'a' || c > 'z'); });
  for (const Charset& known : kCharsets) {
    if (known.spelt == plain) return known.name;
  }
  return {};
}

bool to_utf8(std::string_view charset, std::string_view text, std::string& out) {
  out.clear();
  charset = charset_of(charset);
  if (charset == kUtf8) {
    out = text;
    return is_utf8(text);
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      out.push_back(c);
      continue;
    }
    const unsigned point = code_point(charset, byte);
    if (point == 0) return false;
    if (point < 0x800) {
      out.push_back(static_cast<char>(0xc0U | point >> 6U));
    } else {
      out.push_back(static_cast<char>(0xe0U | point >> 12U));
      out.push_back(static_cast<char>(0x80U | (point >> 6U & 0x3fU)));
    }
    out.push_back(static_cast<char>(0x80U | (point & 0x3fU)));
  }
  return true;
}

bool from_utf8(std::string_view charset, std::string_view text, std::string& out) {
  out.clear();
  charset = charset_of(charset);
  if (charset == kUtf8) {
    out = text;
    return true;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      out.push_back(text[i]);
      continue;
    }
    // The sets of one byte have nothing above U+FFFF.
    const std::size_t more = (lead & 0xe0U) == 0xc0U ? 1 : (lead & 0xf0U) == 0xe0U ? 2 : 0;
    if (more == 0 || i + more >= text.size()) return false;
    unsigned point = lead & (more == 1 ? 0x1fU : 0x0fU);
    for (std::size_t left = more; left > 0; --left)
      point = point << 6U | (static_cast<unsigned char>(text[++i]) & 0x3fU);
    unsigned byte = 0x80;
    while (byte < 0x100 && code_point(charset, static_cast<unsigned char>(byte)) != point) ++byte;
    if (byte == 0x100) return false;
    out.push_back(static_cast<char>(byte));
  }
  return true;
}

std::string Value::part(int component, int subcomponent) const {
  if (empty()) return {};
  const std::string_view raw =
      nth(nth(raw_, delimiters_.component, component), delimiters_.subcomponent, subcomponent);
  if (raw == "\"\"") return {};
  return std::string(sdk::trim(unescaped(raw, delimiters_, charset_)));
}

std::string Value::encoded() const {
  std::string out;
  for (const std::string_view component : split(raw_, delimiters_.component)) {
    if (component.data() != raw_.data()) out.push_back('^');
    for (const std::string_view sub : split(component, delimiters_.subcomponent)) {
      if (sub.data() != component.data()) out.push_back('&');
      out.append(escaped(unescaped(sub, delimiters_, charset_)));
    }
  }
  return out;
}

Segment::Segment(std::string_view line, const Delimiters& delimiters, std::string_view charset)
    : fields_(split(line, delimiters.field)), delimiters_(delimiters), charset_(charset) {
  if (fields_.front() == "MSH") fields_.insert(fields_.begin() + 1, line.substr(3, 1));
}

std::vector<Value> Segment::all(std::size_t field) const {
  std::vector<Value> out;
  if (field == 0 || field >= fields_.size()) return out;
  for (const std::string_view raw : split(fields_[field], delimiters_.repetition)) {
    Value value(raw, delimiters_, charset_);
    if (!value.empty()) out.push_back(value);
  }
  return out;
}

Value Segment::first(std::size_t field) const {
  const std::vector<Value> values = all(field);
  return values.empty() ? Value() : values.front();
}

void Message::read_codes(std::string_view bytes) {
  std::string plain(sdk::trim(without_frame(bytes)));
  std::replace_if(
      plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; }, '?');
  parse(plain, kAscii, false);
}

void Message::read(std::string_view bytes, std::string_view charset) {
  parse(bytes, charset, true);
}

void Message::parse(std::string_view bytes, std::string_view charset, bool is_named) {
  segments_.clear();
  bytes = without_frame(bytes);
  if (bytes.size() > kMaxMessage)
    throw Fault(kInternal, "", 0,
                "the message is longer than " + std::to_string(kMaxMessage) + " bytes");
  const Delimiters d = is_named ? delimiters_of(bytes) : code_delimiters(bytes);
  // Without a CR, LF ends the segments; with one, it may stand in a text.
  const char end = bytes.find('\r') == std::string_view::npos ? '\n' : '\r';
  const std::string_view head = bytes.substr(0, bytes.find(end));
  std::string_view said = nth(nth(head, d.field, 18), d.repetition, 1);
  if (!is_named || sdk::trim(said).empty()) said = charset;
  charset_ = charset_of(said);
  const bool known = !charset_.empty();
  // The header is ASCII in every character set: whoever sent it can be answered.
  const bool readable = known && to_utf8(charset_, bytes, text_);
  if (!readable) {
    std::string plain(head);
    std::replace_if(
        plain.begin(), plain.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7e; },
        '?');
    text_ = std::move(plain);
  }
  const std::vector<std::string_view> lines = split(text_, end);
  for (std::string_view line : lines) {
    if (line.starts_with('\n')) line.remove_prefix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::string_view name = line.substr(0, 3);
    const bool named = name.size() == 3 && name[0] >= 'A' && name[0] <= 'Z' &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                         return (c >= 'A' && c <= 'Z') || sdk::is_digit(c);
                       });
    if (!named || (line.size() > 3 && line[3] != d.field) || (!segments_.empty() && name == "MSH"))
      throw Fault(kSequence, "", 0,
                  "segment " + std::to_string(segments_.size() + 1) +
                      " does not begin with a name of three letters and the field separator, or "
                      "is a second MSH");
    if (segments_.size() == kMaxSegments)
      throw Fault(kSequence, std::string(name), 0,
                  "the message has more than " + std::to_string(kMaxSegments) + " segments");
    if (static_cast<std::size_t>(std::count(line.begin(), line.end(), d.field)) > kMaxFields)
      throw Fault(kDataType, std::string(name), 0,
                  "a segment has more than " + std::to_string(kMaxFields) + " fields");
    segments_.emplace_back(line, d, charset_);
  }
  if (!known)
    throw Fault(kTable, "MSH", 18,
                "the character set is not known; use UNICODE UTF-8, ASCII, 8859/1, 8859/6, "
                "WINDOWS-1256 or WINDOWS-1252");
  if (!readable)
    throw Fault(kDataType, "MSH", 18, "the message is not in the character set that MSH-18 says");
}

const Segment* Message::find(std::string_view name) const {
  for (const Segment& segment : segments_) {
    if (segment.name() == name) return &segment;
  }
  return nullptr;
}

std::string escaped(std::string_view raw) {
  std::string out;
  std::string text;
  add_plain(raw, text);
  for (const char c : text) {
    switch (c) {
      case '|':
        out.append("\\F\\");
        break;
      case '^':
        out.append("\\S\\");
        break;
      case '&':
        out.append("\\T\\");
        break;
      case '~':
        out.append("\\R\\");
        break;
      case '\\':
        out.append("\\E\\");
        break;
      case '\n':
        out.append("\\.br\\");
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

Writer& Writer::segment(std::string_view name) {
  segments_.push_back({std::string(name)});
  return *this;
}

Writer& Writer::encoded(std::size_t field, std::string value) {
  std::vector<std::string>& fields = segments_.back();
  if (value.empty()) return *this;
  if (fields.size() <= field) fields.resize(field + 1);
  fields[field] = std::move(value);
  return *this;
}

Writer& Writer::text(std::size_t field, std::string_view value) {
  return encoded(field, escaped(value));
}

Writer& Writer::parts(std::size_t field, const std::vector<std::string>& components) {
  std::string joined;
  for (std::size_t i = 0; i < components.size(); ++i) {
    if (i > 0) joined.push_back('^');
    joined.append(escaped(components[i]));
  }
  while (joined.ends_with('^')) joined.pop_back();
  return encoded(field, std::move(joined));
}

std::string Writer::str() const {
  std::string out;
  for (const std::vector<std::string>& fields : segments_) {
    // MSH-1 is the separator itself.
    const bool head = fields.front() == "MSH";
    out.append(head ? "MSH|^~\\&" : fields.front());
    for (std::size_t i = head ? 3 : 1; i < fields.size(); ++i) {
      out.push_back('|');
      out.append(fields[i]);
    }
    out.push_back('\r');
  }
  return out;
}

}  // namespace rabt::hl7v2
