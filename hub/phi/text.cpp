#include "hub/phi/text.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf16.h>

#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/base/utf8.hpp"
#include "hub/phi/code_point.hpp"
#include "hub/phi/lexicon.hpp"

namespace rabt::phi {

namespace {

// Characters that belong to one another; longer heaps of marks are cut, so that time stays linear.
constexpr int kMaxCluster = 32;

// Marks that change how a word looks and not which word it is.
bool unseen(UChar32 c) {
  if (c >= 0x0620 && c < 0x0640) return false;  // most letters of Arabic texts
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x2069) || c == 0x061C || c == 0xFEFF || c == 0x00AD || c == 0x0640 ||
         (c >= 0x064B && c <= 0x0652) || c == 0x0656 || c == 0x0670 ||
         (c >= 0x0610 && c <= 0x061A) || (c >= 0x06D6 && c <= 0x06ED && c != 0x06DD) ||
         u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Normaliser {
 public:
  explicit Normaliser(std::string_view source) : source_(source) {
    UErrorCode status = U_ZERO_ERROR;
    nfkc_ = icu::Normalizer2::getNFKCInstance(status);
    RABT_CHECK(U_SUCCESS(status));
    out_.text.reserve(source.size() + 16);
    out_.begin.reserve(source.size() + 16);
    out_.end.reserve(source.size() + 16);
  }

  Normalised run() {
    std::uint32_t at = 0;
    const auto size = static_cast<std::uint32_t>(source_.size());
    while (at < size) {
      const char c = source_[at];
      if (c == '\\' && escape(at)) continue;
      if (c == '%' && percent(at)) continue;
      if (c == '&' && entity(at)) continue;
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x80) {
        flush();
        put_byte(byte < 0x20 && c != '\n' && c != '\t' && c != '\r' ? kBarrier : c, at, at + 1);
        ++at;
        continue;
      }
      const std::uint32_t from = at;
      std::size_t next = at;
      const UChar32 code = next_code_point(source_, next);
      if (code < 0) {
        flush();
        put_byte(kBarrier, at, at + 1);
        ++at;
        continue;
      }
      at = static_cast<std::uint32_t>(next);
      add(code, from, at);
    }
    flush();
    return std::move(out_);
  }

 private:
  void put_byte(char c, std::uint32_t begin, std::uint32_t end) {
    out_.text.push_back(c);
    out_.begin.push_back(begin);
    out_.end.push_back(end);
  }
  void put(UChar32 code, std::uint32_t begin, std::uint32_t end) {
    if (const int digit = code < 0x80 ? -1 : u_charDigitValue(code); digit >= 0) {
      return put_byte(static_cast<char>('0' + digit), begin, end);
    }
    if (code == 0x066B) return put_byte('.', begin, end);  // Arabic decimal and other separators
    if (code == 0x066C || code == 0x060C) return put_byte(',', begin, end);
    if (code == 0x2044) return put_byte('/', begin, end);
    if (code >= 0x2010 && code <= 0x2015) return put_byte('-', begin, end);
    if (code == 0x2212) return put_byte('-', begin, end);
    if (code == 0x2018 || code == 0x2019) return put_byte('\'', begin, end);
    if (code == 0x2028 || code == 0x2029 || code == 0x85) return put_byte('\n', begin, end);
    append_utf8(out_.text, static_cast<std::uint32_t>(code));
    out_.begin.resize(out_.text.size(), begin);
    out_.end.resize(out_.text.size(), end);
  }
  // A tatweel or a haraka goes with the letter before it; a control of direction with nobody.
  void unseen_after(UChar32 code, std::uint32_t end) {
    const bool mark = code >= 0x0610 && code <= 0x06ED;
    if (!mark) return;
    if (held_ > 0) {
      held_end_ = end;
      return;
    }
    for (std::size_t i = out_.text.size(); i-- > 0;) {
      out_.end[i] = end;
      if (!continues_utf8(out_.text[i])) break;
    }
  }
  // A character that is not ASCII: kept back until it is clear what it is composed with.
  void add(UChar32 code, std::uint32_t begin, std::uint32_t end) {
    if (unseen(code)) return unseen_after(code, end);
    if (held_ > 0 && (held_ >= kMaxCluster || nfkc_->hasBoundaryBefore(code))) flush();
    if (held_ == 0) {
      if (nfkc_->isInert(code)) return put(code, begin, end);
      // The letter before a mark may be a letter of ASCII that is already out.
      if (!nfkc_->hasBoundaryBefore(code) && !out_.text.empty() &&
          static_cast<unsigned char>(out_.text.back()) < 0x80 && u_isalpha(out_.text.back())) {
        cluster_.append(static_cast<UChar32>(out_.text.back()));
        held_begin_ = out_.begin.back();
        out_.text.pop_back();
        out_.begin.pop_back();
        out_.end.pop_back();
        ++held_;
      } else {
        held_begin_ = begin;
      }
    }
    cluster_.append(code);
    held_end_ = end;
    ++held_;
  }
  void flush() {
    if (held_ == 0) return;
    UErrorCode status = U_ZERO_ERROR;
    const icu::UnicodeString composed = nfkc_->normalize(cluster_, status);
    for (std::int32_t i = 0; i < composed.length(); i = composed.moveIndex32(i, 1))
      if (const UChar32 code = composed.char32At(i); !unseen(code))
        put(code, held_begin_, held_end_);
    cluster_.remove();
    held_ = 0;
  }

  [[nodiscard]] int four(std::size_t at) const {
    if (at + 4 > source_.size()) return -1;
    int code = 0;
    for (std::size_t i = at; i < at + 4; ++i) {
      const int digit = hex(source_[i]);
      if (digit < 0) return -1;
      code = code * 16 + digit;
    }
    return code;
  }
  // Undoes one escape of a JSON string.
  bool escape(std::uint32_t& at) {
    if (at + 1 >= source_.size()) return false;
    const char c = source_[at + 1];
    if (c == 'u') {
      int code = four(at + 2);
      if (code < 0) return false;
      std::uint32_t end = at + 6;
      if (U16_IS_LEAD(code)) {
        const int low = source_.substr(end, 2) == "\\u" ? four(end + 2) : -1;
        if (low < 0 || !U16_IS_TRAIL(low)) return false;
        code = static_cast<int>(U16_GET_SUPPLEMENTARY(code, low));
        end += 6;
      } else if (U16_IS_TRAIL(code)) {
        return false;
      }
      if (code < 0x80) {
        flush();
        put_byte(code < 0x20 && code != '\n' && code != '\t' ? kBarrier : static_cast<char>(code),
                 at, end);
      } else {
        add(code, at, end);
      }
      at = end;
      return true;
    }
    char plain = 0;
    switch (c) {
      case 'n':
      case 'r':
        plain = '\n';
        break;
      case 't':
        plain = '\t';
        break;
      case '"':
      case '/':
      case '\\':
        plain = c;
        break;
      default:
        return false;
    }
    flush();
    put_byte(plain, at, at + 2);
    at += 2;
    return true;
  }
  // A character reference of HTML and XML: by number, or one of the names that every writer uses.
  bool entity(std::uint32_t& at) {
    constexpr std::size_t kLongest = 10;  // &#x10FFFF;
    const std::size_t stop = source_.substr(at, kLongest).find(';');
    if (stop == std::string_view::npos || stop < 3) return false;
    const std::string_view name = source_.substr(at + 1, stop - 1);
    int code = 0;
    if (name[0] == '#') {
      const bool sixteen = name[1] == 'x' || name[1] == 'X';
      const std::string_view digits = name.substr(sixteen ? 2 : 1);
      if (digits.empty()) return false;
      for (const char c : digits) {
        const int value = hex(c);
        if (value < 0 || (!sixteen && value > 9)) return false;
        code = code * (sixteen ? 16 : 10) + value;
      }
    } else {
      struct Named {
        std::string_view name;
        char plain;
      };
      static constexpr auto kNamed = std::to_array<Named>(
          {{"nbsp", ' '}, {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}});
      for (const Named& named : kNamed)
        if (named.name == name) code = static_cast<unsigned char>(named.plain);
    }
    if (code <= 0 || code > 0x10FFFF || U_IS_SURROGATE(code)) return false;
    const auto end = static_cast<std::uint32_t>(at + stop + 1);
    if (code < 0x80) {
      flush();
      put_byte(code < 0x20 && code != '\n' && code != '\t' && code != '\r'
                   ? kBarrier
                   : static_cast<char>(code),
               at, end);
    } else {
      add(code, at, end);
    }
    at = end;
    return true;
  }
  // One character of percent-encoding, all its bytes; nothing else is touched.
  bool percent(std::uint32_t& at) {
    std::array<char, 4> bytes{};
    std::size_t count = 0;
    std::size_t want = 1;
    std::size_t from = at;
    while (count < want) {
      if (from + 3 > source_.size() || source_[from] != '%') return false;
      const int high = hex(source_[from + 1]);
      const int low = hex(source_[from + 2]);
      if (high < 0 || low < 0) return false;
      const auto byte = static_cast<unsigned char>(high * 16 + low);
      if (count == 0) {
        want = byte < 0x80 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : 2;
        if (byte < 0x20 || byte == 0x7f) return false;
      }
      bytes[count++] = static_cast<char>(byte);
      from += 3;
    }
    const std::string_view decoded(bytes.data(), count);
    if (!is_utf8(decoded)) return false;
    const auto end = static_cast<std::uint32_t>(from);
    if (count == 1) {
      flush();
      put_byte(bytes[0], at, end);
    } else {
      std::size_t i = 0;
      add(next_code_point(decoded, i), at, end);
    }
    at = end;
    return true;
  }

  std::string_view source_;
  const icu::Normalizer2* nfkc_ = nullptr;
  Normalised out_;
  icu::UnicodeString cluster_;
  int held_ = 0;
  std::uint32_t held_begin_ = 0, held_end_ = 0;
};

}  // namespace

Normalised normalise_text(std::string_view source) {
  return Normaliser(source).run();
}

Text::Text(std::string_view source) : normalised_(normalise_text(source)) {
  cut();
}

void Text::add_word(std::uint32_t begin, std::uint32_t end, bool space) {
  Token token;
  token.begin = begin;
  token.end = end;
  token.space = space;
  const std::string_view word = text().substr(begin, end - begin);
  std::size_t at = 0;
  const UChar32 first = next_code_point(word, at);
  token.upper = u_isupper(first) != 0;
  const UBlockCode block = ublock_getCode(first);
  token.kind = block == UBLOCK_ARABIC || block == UBLOCK_ARABIC_SUPPLEMENT ? Token::Kind::arabic
               : first < 0x0250 || block == UBLOCK_LATIN_EXTENDED_ADDITIONAL ||
                       block == UBLOCK_LATIN_EXTENDED_C
                   ? Token::Kind::latin
                   : Token::Kind::other;
  if (token.upper && word.size() > at) {
    token.all_upper = true;
    while (at < word.size())
      if (u_islower(next_code_point(word, at))) token.all_upper = false;
  }
  // A word of the lists is short; a giant one is no word.
  constexpr std::size_t kLongestWord = 64;
  const bool room = folded_.capacity() - folded_.size() > 4 * word.size();  // views stay valid
  if (word.size() <= kLongestWord && token.kind != Token::Kind::other && room) {
    const std::size_t from = folded_.size();
    fold_word(word, folded_);
    token.folded = std::string_view(folded_).substr(from);
    token.lists = lists_of(token.folded);
    token.cues = cues_of(token.folded);
    // And my number: the word behind a one-letter one
    if (token.kind == Token::Kind::arabic && (token.cues & ~kStop) == 0 &&
        token.folded.size() > 6 &&
        (token.folded.starts_with("و") || token.folded.starts_with("ب") ||
         token.folded.starts_with("ل")))
      token.cues |= cues_of(token.folded.substr(2)) & kNumberCues;
    if (token.folded == "علي" && word == "على") {  // "on", which is written like Ali once folded
      token.lists = kWord;
      token.cues = kFunction;
    }
  } else {
    token.folded = word;
  }
  tokens_.push_back(token);
}

void Text::cut() {
  const std::string_view all = text();
  const auto size = static_cast<std::uint32_t>(all.size());
  folded_.reserve(all.size() * 2 + 512);
  tokens_.reserve(all.size() / 4 + 4);
  bool space = true;
  std::uint32_t at = 0;
  const auto next_code = [&](std::uint32_t from, std::uint32_t& to) {
    std::size_t i = from;
    const UChar32 c = next_code_point(all, i);
    to = static_cast<std::uint32_t>(i);
    return c;
  };
  const auto letter = [](UChar32 c) {
    return c < 0x80 ? (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                    : u_isalpha(c) || u_charType(c) == U_NON_SPACING_MARK;
  };
  while (at < size) {
    std::uint32_t end = at;
    const UChar32 c = next_code(at, end);
    if (c == '\n' || c == '\r') {
      if (!tokens_.empty() && tokens_.back().kind != Token::Kind::line) {
        Token token;
        token.kind = Token::Kind::line;
        token.begin = at;
        token.end = end;
        token.folded = "\n";
        tokens_.push_back(token);
      } else if (!tokens_.empty()) {
        tokens_.back().end = end;  // empty lines are one break
      }
      space = true;
    } else if (c == ' ' || c == '\t' || (c >= 0x80 && u_isUWhiteSpace(c))) {
      space = true;
    } else if (c < 0x80 && is_digit(static_cast<char>(c))) {
      while (end < size && is_digit(all[end])) ++end;
      Token token;
      token.kind = Token::Kind::number;
      token.begin = at;
      token.end = end;
      token.space = space;
      token.folded = all.substr(at, end - at);
      tokens_.push_back(token);
      space = false;
    } else if (letter(c)) {
      std::uint32_t after = end;
      while (end < size) {
        const UChar32 d = next_code(end, after);
        if (letter(d)) {
          end = after;
        } else if (d == '\'' && after < size) {
          std::uint32_t beyond = after;
          const UChar32 e = next_code(after, beyond);
          // O'Brien is one word; of Amanda's the s is not part.
          std::uint32_t behind = beyond;
          const bool more = beyond < size && letter(next_code(beyond, behind));
          if (!letter(e) || ((e == 's' || e == 'S') && !more)) break;
          end = beyond;
        } else {
          break;
        }
      }
      add_word(at, end, space);
      space = false;
    } else {
      Token token;
      token.begin = at;
      token.end = end;
      token.space = space;
      token.folded = all.substr(at, end - at);
      tokens_.push_back(token);
      space = false;
    }
    at = end;
  }
}

}  // namespace rabt::phi
