#pragma once

#include <cstdint>
#include <string>
#include <string_view>

// The word lists that are compiled in (data/*.txt, data/SOURCES.md), and the words that say what
// stands beside them.
namespace rabt::phi {

enum List : std::uint32_t {
  kGiven = 1U << 0U,       // a given name
  kFamily = 1U << 1U,      // a family name
  kWord = 1U << 2U,        // an ordinary word
  kPlace = 1U << 3U,       // a city or country of one word
  kPlaceStart = 1U << 4U,  // the first word of a place of several
  kInflected = 1U << 5U,   // may be a form of an ordinary word: Rogers, Reading, walked
};

enum Cue : std::uint64_t {
  kPhoneCue = 1ULL << 0U,
  kIdCue = 1ULL << 1U,        // id, identity
  kNationalCue = 1ULL << 2U,  // national id, iqama, social security, licence
  kMrnCue = 1ULL << 3U,
  kCardCue = 1ULL << 4U,
  kIbanCue = 1ULL << 5U,
  kPassportCue = 1ULL << 6U,
  kOrderCue = 1ULL << 7U,  // orders, invoices, lots, versions: numbers of things
  kZipCue = 1ULL << 8U,
  kDateCue = 1ULL << 9U,
  kAgeCue = 1ULL << 10U,
  kAddressCue = 1ULL << 11U,
  kFiller = 1ULL << 12U,  // no., number, is: may stand between a cue and its number
  kMonth = 1ULL << 13U,   // Gregorian or Hijri
  kWeekday = 1ULL << 14U,
  kOrdinal = 1ULL << 15U,       // Arabic: the first, ... of a month
  kTitle = 1ULL << 16U,         // a name follows
  kNameCue = 1ULL << 17U,       // a name follows, probably
  kWeakNameCue = 1ULL << 18U,   // a name may follow
  kPersonVerb = 1ULL << 19U,    // a name stands before, probably
  kParticle = 1ULL << 20U,      // inside names
  kOrganisation = 1ULL << 21U,  // what stands before names no person
  kPlaceCue = 1ULL << 22U,      // a place may follow
  kStreet = 1ULL << 23U,        // after the name of a street
  kStreetFirst = 1ULL << 24U,   // before the name of a street
  kUnit = 1ULL << 25U,          // apartment, suite, floor; a number follows
  kMeasure = 1ULL << 26U,       // mg, ml, patients: the number before it counts something
  kKin = 1ULL << 27U,           // son of, daughter of
  kFunction = 1ULL << 28U,      // never a name
  kYearCue = 1ULL << 29U,       // a year may follow
  kSuffix = 1ULL << 30U,        // Jr, III, MD
  kDistrict = 1ULL << 31U,      // Arabic: district, building, box
  kNumberWord = 1ULL << 32U,    // ninety, hundred
  kRelative = 1ULL << 33U,      // last, next, every
  kEponym = 1ULL << 34U,        // disease, syndrome, score
  kWarm = 1ULL << 35U,          // Arabic: a word that is also a name
  kSpeech = 1ULL << 36U,        // said, by, starring: a name follows more often than not
  kAllah = 1ULL << 37U,         // Arabic: with Allah after it, a name
  kStop = 1ULL << 38U,          // Arabic: never inside a name
};

// Words that say what the number beside them is.
inline constexpr std::uint64_t kNumberCues = kPhoneCue | kIdCue | kNationalCue | kMrnCue |
                                             kCardCue | kIbanCue | kPassportCue | kOrderCue |
                                             kZipCue | kDateCue | kAgeCue | kAddressCue;

// The List bits and the Cue bits of a folded word; 0 if it is in no list.
[[nodiscard]] std::uint32_t lists_of(std::string_view word);
[[nodiscard]] std::uint64_t cues_of(std::string_view word);
// True if words with _ between them are the name of a place.
[[nodiscard]] bool is_place(std::string_view joined);

// Appends a word as the lists write it: lower case; Latin letters without marks; Arabic with one
// alef, ya and ha for their forms.
void fold_word(std::string_view word, std::string& out);

}  // namespace rabt::phi
