#include "hub/phi/index_value.hpp"

#include <phonenumbers/phonenumberutil.h>
#include <unicode/idna.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <vector>

#include "hub/base/utf8.hpp"
#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

constexpr std::array<std::string_view, 5> kKinds = {"identifier", "phone", "email", "mrn", "name"};
// Numbers without a country are of the Kingdom.
constexpr const char* kRegion = "SA";
constexpr UChar32 kTatweel = 0x0640;

Error bad_value(IndexKind kind, std::string_view why) {
  return invalid("phi.index_value", "the value for " + std::string(to_string(kind)) + " " +
                                        std::string(why) + "; leave it out or correct it");
}

using Points = std::vector<UChar32>;

Points points_of(const icu::UnicodeString& text) {
  Points out;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1))
    out.push_back(text.char32At(i));
  return out;
}
std::string utf8_of(const Points& points) {
  std::string out;
  for (const auto code : points) append_utf8(out, static_cast<std::uint32_t>(code));
  return out;
}

// Vowel signs, shadda, sukun and the marks of the Quran: written or not, the word is the same.
bool is_haraka(UChar32 c) {
  return (c >= 0x064b && c <= 0x065f) || c == 0x0670 || (c >= 0x0610 && c <= 0x061a) ||
         (c >= 0x06d6 && c <= 0x06ed && u_charType(c) == U_NON_SPACING_MARK);
}

// Steps that all kinds share: NFKC with case folding, which also drops what is not seen (bidi
// controls, joiners, soft hyphen: Unicode's Default_Ignorable_Code_Point); tatweel and harakat
// dropped; every decimal digit of any script to ASCII; every white space one blank.
Points common(std::string_view value, UErrorCode& status) {
  const auto* fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  if (U_FAILURE(status)) return {};
  const auto folded = fold->normalize(
      icu::UnicodeString::fromUTF8({value.data(), static_cast<std::int32_t>(value.size())}),
      status);
  Points out;
  for (auto code : points_of(folded)) {
    if (code == kTatweel || is_haraka(code) ||
        u_hasBinaryProperty(code, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
      continue;
    if (u_charType(code) == U_DECIMAL_DIGIT_NUMBER) {
      code = '0' + u_charDigitValue(code);
    } else if (u_isUWhiteSpace(code) || u_iscntrl(code)) {
      if (out.empty() || out.back() == ' ') continue;
      code = ' ';
    }
    out.push_back(code);
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

bool is_dash(UChar32 c) {
  return u_hasBinaryProperty(c, UCHAR_DASH) || c == '_';
}

Result<std::string> number(IndexKind kind, Points text) {
  std::erase_if(text, [](UChar32 c) { return c == ' ' || is_dash(c); });
  const auto digits =
      std::count_if(text.begin(), text.end(), [](UChar32 c) { return c >= '0' && c <= '9'; });
  if (static_cast<std::size_t>(digits) < kMinIndexedDigits)
    return bad_value(kind, "has fewer than four digits, so that an index would not hide it");
  return utf8_of(text);
}

Result<std::string> phone(const Points& text) {
  using i18n::phonenumbers::PhoneNumber;
  using i18n::phonenumbers::PhoneNumberUtil;
  const auto& numbers = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  if (numbers.Parse(utf8_of(text), kRegion, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR ||
      !numbers.IsPossibleNumber(parsed)) {
    return bad_value(IndexKind::phone, "is no telephone number");
  }
  std::string out;
  numbers.Format(parsed, PhoneNumberUtil::E164, &out);
  return out;
}

Result<std::string> email(Points text) {
  constexpr std::string_view kScheme = "mailto:";
  const auto wrong = [] { return bad_value(IndexKind::email, "is no e-mail address"); };
  std::erase(text, ' ');
  if (text.size() > kScheme.size() && std::equal(kScheme.begin(), kScheme.end(), text.begin()))
    text.erase(text.begin(), text.begin() + kScheme.size());
  const auto at = std::find(text.rbegin(), text.rend(), '@');
  if (at == text.rend()) return wrong();
  const auto local = Points(text.begin(), at.base() - 1);
  auto domain = Points(at.base(), text.end());
  if (!domain.empty() && domain.back() == '.') domain.pop_back();
  if (local.empty() || domain.empty()) return wrong();
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::IDNA> idna(icu::IDNA::createUTS46Instance(
      UIDNA_NONTRANSITIONAL_TO_ASCII | UIDNA_NONTRANSITIONAL_TO_UNICODE | UIDNA_CHECK_BIDI,
      status));
  if (U_FAILURE(status)) return internal("phi.icu", "ICU's data for domain names are missing");
  icu::IDNAInfo info;
  std::string ascii;
  icu::StringByteSink<std::string> sink(&ascii);
  idna->nameToASCII_UTF8(utf8_of(domain), sink, info, status);
  if (U_FAILURE(status) || info.hasErrors()) return wrong();
  return utf8_of(local) + "@" + ascii;
}

// Letters that people write in place of each other.
UChar32 plain_letter(UChar32 c) {
  switch (c) {
    case 0x0622:  // alef with madda
    case 0x0623:  // alef with hamza above
    case 0x0625:  // alef with hamza below
    case 0x0671:  // alef wasla
      return 0x0627;
    case 0x0649:  // alef maksura
    case 0x06cc:  // Farsi yeh
    case 0x0626:  // yeh with hamza
      return 0x064a;
    case 0x0624:  // waw with hamza
      return 0x0648;
    case 0x0629:  // teh marbuta
      return 0x0647;
    case 0x06a9:  // keheh
      return 0x0643;
    default:
      return c;
  }
}

// Before a name, and no part of it. Folded, without points.
constexpr auto kTitles = std::to_array<std::string_view>(
    {"dr",    "doctor", "prof",    "professor", "mr",    "mrs",    "ms",      "miss",
     "eng",   "sheikh", "shaikh",  "د",         "دكتور", "دكتوره", "الدكتور", "الدكتوره",
     "أد",    "اد",     "السيد",   "السيده",    "سيد",   "سيده",   "الاستاذ", "الاستاذه",
     "استاذ", "استاذه", "المهندس", "المهندسه",  "الشيخ", "شيخ"});
// Between names: written or left out, the person is the same.
constexpr auto kSonOf =
    std::to_array<std::string_view>({"bin", "ibn", "ben", "bint", "بن", "ابن", "بنت", "ابنه"});

template <std::size_t N>
bool among(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The words of a name without their marks and points. Letters lose their accents.
Result<std::vector<std::string>> words_of(const Points& text) {
  UErrorCode status = U_ZERO_ERROR;
  const auto* decompose = icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) return internal("phi.icu", "ICU's data for normalisation are missing");
  std::vector<std::string> words(1);
  for (const auto composed : text) {
    const auto parts =
        points_of(decompose->normalize(icu::UnicodeString(plain_letter(composed)), status));
    if (U_FAILURE(status)) return internal("phi.icu", "ICU could not normalise a text");
    for (const auto code : parts) {
      if (code == ' ') {
        if (!words.back().empty()) words.emplace_back();
      } else if (u_isalpha(code) && u_charType(code) != U_NON_SPACING_MARK) {
        append_utf8(words.back(), static_cast<std::uint32_t>(code));
      }
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

Result<std::string> name(Points text) {
  // "Family, Given" is "Given Family".
  const auto is_comma = [](UChar32 c) { return c == ',' || c == 0x060c; };
  if (std::count_if(text.begin(), text.end(), is_comma) == 1) {
    const auto comma = std::find_if(text.begin(), text.end(), is_comma);
    Points turned(comma + 1, text.end());
    turned.push_back(' ');
    turned.insert(turned.end(), text.begin(), comma);
    text = std::move(turned);
  }
  RABT_TRY(words, words_of(text));
  std::size_t first = 0;
  while (first + 1 < words.size() && among(kTitles, words[first])) ++first;
  // Words are joined: Abd Allah and Abdallah, al Qahtani and al-Qahtani are one.
  std::string out;
  for (std::size_t i = first; i < words.size(); ++i)
    if (i == first || !among(kSonOf, words[i])) out.append(words[i]);
  if (code_points(out) < 2) return bad_value(IndexKind::name, "is no name");
  return out;
}

}  // namespace

std::string_view to_string(IndexKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::optional<IndexKind> parse_index_kind(std::string_view text) {
  const auto* const found = std::find(kKinds.begin(), kKinds.end(), text);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<IndexKind>(found - kKinds.begin());
}

Result<std::string> normalise(IndexKind kind, std::string_view value) {
  if (value.size() > kMaxIndexedValue) return bad_value(kind, "is longer than 512 bytes");
  if (!is_utf8(value)) return bad_value(kind, "is not UTF-8");
  UErrorCode status = U_ZERO_ERROR;
  auto text = common(value, status);
  if (U_FAILURE(status)) return internal("phi.icu", "ICU could not normalise a text");
  switch (kind) {
    case IndexKind::identifier:
    case IndexKind::mrn:
      return number(kind, std::move(text));
    case IndexKind::phone:
      return phone(text);
    case IndexKind::email:
      return email(std::move(text));
    case IndexKind::name:
      return name(std::move(text));
  }
  return internal("phi.index_kind", "no such kind of index");
}

bool is_saudi_id(std::string_view value, char first) {
  constexpr std::size_t kDigits = 10;
  const auto plain = normalise(IndexKind::identifier, value);
  return plain.ok() && plain->size() == kDigits && plain->front() == first &&
         std::all_of(plain->begin(), plain->end(), [](char c) { return c >= '0' && c <= '9'; }) &&
         luhn(*plain);
}

}  // namespace rabt::phi
