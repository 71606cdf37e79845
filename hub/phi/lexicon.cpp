#include "hub/phi/lexicon.hpp"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <unordered_map>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/base/check.hpp"
#include "hub/base/utf8.hpp"
#include "hub/phi/code_point.hpp"

// The word lists of data/*.txt.
namespace rabt::embedded {
extern const std::string_view given_names;
extern const std::string_view family_names;
extern const std::string_view words;
extern const std::string_view places;
extern const std::string_view cues;
}  // namespace rabt::embedded

namespace rabt::phi {

namespace {

// Calls each(line) for every line of a list, except comments.
template <typename Each>
void each_entry(std::string_view text, const Each& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = text.substr(0, end); !line.starts_with('#')) each(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

template <typename Each>
void each_word(std::string_view line, const Each& each) {
  while (!line.empty()) {
    const std::size_t space = line.find(' ');
    if (const auto word = line.substr(0, space); !word.empty()) each(word);
    if (space == std::string_view::npos) return;
    line.remove_prefix(space + 1);
  }
}

struct Lists {
  std::unordered_map<std::string_view, std::uint32_t> words;
  Lists() {
    words.reserve(70'000);
    const auto add = [&](std::string_view text, std::uint32_t bit) {
      each_entry(text, [&](std::string_view line) {
        each_word(line, [&](std::string_view word) { words[word] |= bit; });
      });
    };
    add(embedded::given_names, kGiven);
    add(embedded::family_names, kFamily);
    add(embedded::words, kWord);
    each_entry(embedded::places, [&](std::string_view line) {
      each_word(line, [&](std::string_view place) {
        words[place] |= kPlace;
        if (const auto end = place.find('_'); end != std::string_view::npos)
          words[place.substr(0, end)] |= kPlaceStart;
      });
    });
  }
};
const Lists& lists() {
  static const Lists kLists;
  return kLists;
}

// True if a word may be a form of an ordinary word: data/words.txt holds the stem alone.
bool inflected(const Lists& all, std::string_view word) {
  struct Ending {
    std::string_view end;
    std::array<std::string_view, 2> adds;
  };
  static constexpr auto kEndings = std::to_array<Ending>({{"s", {"", ""}},
                                                          {"es", {"", "e"}},
                                                          {"ies", {"y", "y"}},
                                                          {"ed", {"", "e"}},
                                                          {"ied", {"y", "y"}},
                                                          {"ing", {"", "e"}},
                                                          {"ly", {"", ""}},
                                                          {"ness", {"", ""}},
                                                          {"er", {"", "e"}}});
  std::string stem;
  const auto listed = [&](std::string_view root, std::string_view add) {
    stem.assign(root).append(add);
    const auto found = all.words.find(stem);
    return found != all.words.end() && (found->second & kWord) != 0;
  };
  for (const Ending& ending : kEndings) {
    if (!word.ends_with(ending.end) || word.size() < ending.end.size() + 3) continue;
    const auto root = word.substr(0, word.size() - ending.end.size());
    if (listed(root, ending.adds[0]) || listed(root, ending.adds[1])) return true;
  }
  return false;
}

// Drugs, conditions, procedures and their doctors are known by their endings.
bool medical(std::string_view word) {
  static constexpr auto kEndings = std::to_array<std::string_view>(
      {"ologist",  "ology",   "iatrist", "iatry",   "itis",    "emia",      "aemia",  "osis",
       "ectomy",   "otomy",   "ostomy",  "therapy", "scopy",   "graphy",    "pathy",  "plasty",
       "pril",     "sartan",  "statin",  "umab",    "ximab",   "zumab",     "cillin", "mycin",
       "floxacin", "azole",   "olol",    "dipine",  "gliptin", "gliflozin", "formin", "oxaban",
       "parin",    "prazole", "setron",  "triptan", "azepam",  "barbital",  "vir",    "tinib",
       "cycline",  "algia",   "uria",    "plegia",  "paresis"});
  if (word.size() < 7) return false;
  for (const std::string_view end : kEndings)
    if (word.ends_with(end)) return true;
  return false;
}

// Names that are put together, of which the lists hold only some: Alghanim, Abdulmuhsin,
// Khairallah, Nizamuddin.
std::uint32_t built(const Lists& all, std::string_view word) {
  for (const std::string_view start : {"abdul", "abdel", "abdur", "abdus"})
    if (word.starts_with(start) && word.size() >= start.size() + 3) return kGiven;
  if (word.size() < 7) return 0;
  if (word.starts_with("al")) {
    const auto found = all.words.find(word.substr(2));
    if (found != all.words.end() && (found->second & (kGiven | kFamily)) != 0) return kFamily;
  }
  // Inshallah and its like are said, not borne.
  for (const std::string_view said :
       {"insha", "masha", "subhan", "hamd", "alhamd", "astagh", "jazak", "barak", "biidhn"})
    if (word.starts_with(said)) return 0;
  for (const std::string_view end : {"allah", "ullah", "uddin", "eddin"})
    if (word.ends_with(end)) return kGiven | kFamily;
  return 0;
}

struct Kind {
  std::string_view name;
  std::uint64_t bit;
};
// Each line of data/cues.txt begins with one of these names.
constexpr auto kKindsOfCues = std::to_array<Kind>({
    {"kPhoneCue", kPhoneCue},
    {"kIdCue", kIdCue},
    {"kNationalCue", kNationalCue},
    {"kMrnCue", kMrnCue},
    {"kCardCue", kCardCue},
    {"kIbanCue", kIbanCue},
    {"kPassportCue", kPassportCue},
    {"kOrderCue", kOrderCue},
    {"kZipCue", kZipCue},
    {"kDateCue", kDateCue},
    {"kAgeCue", kAgeCue},
    {"kAddressCue", kAddressCue},
    {"kFiller", kFiller},
    {"kMonth", kMonth},
    {"kWeekday", kWeekday},
    {"kOrdinal", kOrdinal},
    {"kTitle", kTitle},
    {"kNameCue", kNameCue},
    {"kWeakNameCue", kWeakNameCue},
    {"kPersonVerb", kPersonVerb},
    {"kParticle", kParticle},
    {"kOrganisation", kOrganisation},
    {"kPlaceCue", kPlaceCue},
    {"kStreet", kStreet},
    {"kStreetFirst", kStreetFirst},
    {"kUnit", kUnit},
    {"kMeasure", kMeasure},
    {"kKin", kKin},
    {"kFunction", kFunction},
    {"kYearCue", kYearCue},
    {"kSuffix", kSuffix},
    {"kDistrict", kDistrict},
    {"kNumberWord", kNumberWord},
    {"kRelative", kRelative},
    {"kEponym", kEponym},
    {"kWarm", kWarm},
    {"kSpeech", kSpeech},
    {"kAllah", kAllah},
    {"kStop", kStop},
});

struct Cues {
  std::unordered_map<std::string, std::uint64_t> words;
  Cues() {
    std::string folded;
    each_entry(embedded::cues, [&](std::string_view line) {
      const std::size_t colon = line.find(':');
      const auto* const kind = std::find_if(
          kKindsOfCues.begin(), kKindsOfCues.end(),
          [&](const Kind& kind_of_word) { return kind_of_word.name == line.substr(0, colon); });
      RABT_CHECK(colon != std::string_view::npos && kind != kKindsOfCues.end());
      each_word(line.substr(colon + 1), [&](std::string_view word) {
        folded.clear();
        fold_word(word, folded);
        words[folded] |= kind->bit;
      });
    });
  }
};

}  // namespace

std::uint32_t lists_of(std::string_view word) {
  const Lists& all = lists();
  const auto found = all.words.find(word);
  std::uint32_t bits = found == all.words.end() ? 0 : found->second;
  if (bits == 0 && medical(word)) return kWord;
  if (bits == 0) bits = built(all, word);
  if ((bits & kWord) == 0 && word.size() < 32 && inflected(all, word)) {
    bits |= kInflected;
  }
  return bits;
}

std::uint64_t cues_of(std::string_view word) {
  static const Cues kCues;
  if (word.size() > 32) return 0;
  const auto found = kCues.words.find(std::string(word));
  return found == kCues.words.end() ? 0 : found->second;
}

bool is_place(std::string_view joined) {
  const auto found = lists().words.find(joined);
  return found != lists().words.end() && (found->second & kPlace) != 0;
}

namespace {

// One alef, ya and ha for their forms.
UChar32 plain_arabic(UChar32 c) {
  switch (c) {
    case 0x0622:
    case 0x0623:
    case 0x0625:
    case 0x0671:
      return 0x0627;  // alef
    case 0x0649:
    case 0x06CC:
      return 0x064A;  // ya
    case 0x0629:
      return 0x0647;  // ta marbuta
    case 0x06A9:
      return 0x0643;  // Persian kaf
    default:
      return c;
  }
}

// Plain text of a letter that has no decomposition, or of an apostrophe; nullptr for others.
const char* plain_latin(UChar32 c) {
  switch (c) {
    case '\'':
    case 0x02BC:
    case 0x2018:
    case 0x2019:
      return "";
    case 0x00DF:
      return "ss";
    case 0x00E6:
      return "ae";
    case 0x00F0:
    case 0x0111:
      return "d";
    case 0x00F8:
      return "o";
    case 0x00FE:
      return "th";
    case 0x0127:
      return "h";
    case 0x0131:
      return "i";
    case 0x0142:
      return "l";
    case 0x014B:
      return "n";
    case 0x0153:
      return "oe";
    case 0x0259:
      return "a";
    default:
      return nullptr;
  }
}

}  // namespace

void fold_word(std::string_view word, std::string& out) {
  bool ascii = true;
  for (const char c : word) ascii = ascii && static_cast<unsigned char>(c) < 0x80;
  if (ascii) {
    for (const char c : word) {
      if (c != '\'') out.push_back(lower(c));
    }
    return;
  }
  UErrorCode status = U_ZERO_ERROR;
  static const icu::Normalizer2* const kNfd = icu::Normalizer2::getNFDInstance(status);
  icu::UnicodeString decomposed;
  std::size_t at = 0;
  while (at < word.size()) {
    UChar32 c = next_code_point(word, at);
    if (c < 0) continue;
    c = plain_arabic(c);
    if (c >= 0x0600 && c <= 0x06FF) {
      append_utf8(out, static_cast<std::uint32_t>(c));
      continue;
    }
    c = u_tolower(c);
    if (const char* plain = plain_latin(c)) {
      out += plain;
      continue;
    }
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
      continue;
    }
    if (kNfd == nullptr || !kNfd->getDecomposition(c, decomposed)) {
      if (u_charType(c) != U_NON_SPACING_MARK) append_utf8(out, static_cast<std::uint32_t>(c));
      continue;
    }
    for (std::int32_t i = 0; i < decomposed.length(); i = decomposed.moveIndex32(i, 1)) {
      const UChar32 part = decomposed.char32At(i);
      if (u_charType(part) != U_NON_SPACING_MARK)
        append_utf8(out, static_cast<std::uint32_t>(part));
    }
  }
}

}  // namespace rabt::phi
