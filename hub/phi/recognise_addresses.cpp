#include <algorithm>
#include <array>
#include <string>

#include "hub/phi/recognise.hpp"
#include "hub/phi/words.hpp"

namespace rabt::phi {

namespace {

// An address is put together from pieces that stand side by side: a street, a box, a flat, a town,
// a postal code. Strong pieces make an address; weak ones only lengthen it.
struct Piece {
  std::size_t first = 0, last = 0;
  double score = 0;   // alone
  bool weak = false;  // no address without a strong neighbour
};

class Addresses : Words {
 public:
  Addresses(const Text& text, Candidates& out) : Words(text.tokens()), text_(text), out_(out) {}

  void run();

 private:
  [[nodiscard]] bool capital(std::size_t i) const {
    return i < tokens_.size() && tokens_[i].kind == Kind::latin && tokens_[i].upper;
  }
  std::size_t add(std::size_t first, std::size_t last, double score, bool weak = false) {
    pieces_.push_back({first, last, score, weak});
    return last + 1;
  }

  // The end of a place that starts here; i when there is none.
  [[nodiscard]] std::size_t place_end(std::size_t i) const;

  // Reads one piece from i; the token after it, or i.
  std::size_t piece(std::size_t i);

  // The words of a street from i, ending with its kind; the token after it, or i.
  [[nodiscard]] std::size_t street_end(std::size_t i) const;
  [[nodiscard]] static bool street_word(std::string_view word);
  // apt 3, Suite 510, building 12 B
  [[nodiscard]] std::size_t unit_end(std::size_t i) const;

  std::size_t from_number(std::size_t i);

  // Rue de Virton 38, Via Roma 131, Nybyvagen 65, ul. Zamkowa 33: kind first, or inside the word.
  [[nodiscard]] std::size_t named_street(std::size_t i) const;

  // Capital words that are no ordinary ones, and a number of a house
  [[nodiscard]] std::size_t numbered(std::size_t i) const;
  // lives at, located on, the corner of, address:
  [[nodiscard]] bool at_address(std::size_t i) const;

  std::size_t latin(std::size_t i);

  std::size_t place(std::size_t i, std::size_t end);

  // lives in Hvammstangi
  std::size_t unknown_place(std::size_t i);
  // Words that may be the town of an address, when the rest is there.
  std::size_t capital_words(std::size_t i);

  std::size_t arabic(std::size_t i);
  [[nodiscard]] bool stop(std::size_t k) const;

  // Only separators stand between the pieces.
  [[nodiscard]] bool beside(const Piece& a, const Piece& b) const;

  void merge();
  // Pieces [first, end) stand side by side.
  void close(std::size_t first, std::size_t end);
  void emit(std::size_t first, std::size_t last, double score) {
    if (score >= 0.3)
      out_.push_back({Class::address, tokens_[first].begin, tokens_[last].end, score});
  }

  const Text& text_;
  Candidates& out_;
  std::vector<Piece> pieces_;
};

void Addresses::run() {
  for (std::size_t i = 0; i < tokens_.size();) {
    const std::size_t next = piece(i);
    i = next > i ? next : i + 1;
  }
  merge();
}

std::size_t Addresses::place_end(std::size_t i) const {
  std::size_t end = (tokens_[i].lists & kPlace) != 0 ? i + 1 : i;
  if ((tokens_[i].lists & kPlaceStart) == 0) return end;
  std::string joined(tokens_[i].folded);
  std::size_t k = i;
  for (int words = 1; words < 4; ++words) {
    ++k;
    if (sign(k, "-")) ++k;
    if (k >= tokens_.size() || tokens_[k].kind != tokens_[i].kind) break;
    joined.append("_").append(tokens_[k].folded);
    if (is_place(joined)) end = k + 1;
  }
  return end;
}

std::size_t Addresses::piece(std::size_t i) {
  const Token& token = tokens_[i];
  if (token.kind == Kind::number) return from_number(i);
  if (token.kind == Kind::latin) return latin(i);
  if (token.kind == Kind::arabic) return arabic(i);
  return i;
}

std::size_t Addresses::street_end(std::size_t i) const {
  std::size_t k = i;
  std::size_t words = 0;
  while (k < tokens_.size() && words < 5) {
    if (sign(k, ".") || sign(k, "'") || sign(k, "-")) {
      ++k;
      continue;
    }
    const Token& token = tokens_[k];
    if (token.kind == Kind::number && words == 0 && k == i && !has(k + 1, kMeasure)) {
      // 5th Avenue, 38 Street
      std::size_t n = k + 1;
      if (n < tokens_.size() && !tokens_[n].space && tokens_[n].kind == Kind::latin &&
          folded(n).size() == 2)
        ++n;
      k = n;
      ++words;
      continue;
    }
    if (token.kind != Kind::latin) return i;
    if (words > 0 && has(k, kStreet) && (token.upper || tokens_[i].upper == token.upper)) {
      std::size_t end = k + 1;
      const std::string_view kind = folded(k);
      const bool abbreviated = kind == "st" || kind == "rd" || kind == "ave" || kind == "blvd" ||
                               kind == "ln" || kind == "dr" || kind == "sq" || kind == "hwy";
      if (abbreviated && sign(end, ".") && !tokens_[end].space) ++end;
      return end;
    }
    if (!token.upper && !has(k, kParticle) && words > 0) return i;
    // As Siddiq, An Narjis: the article before a sun letter
    const bool article =
        words > 0 && token.upper && (folded(k) == "as" || folded(k) == "an" || folded(k) == "at");
    if (has(k, kFunction | kMonth | kWeekday) && !has(k, kParticle) && !article) return i;
    ++words;
    ++k;
  }
  return i;
}

bool Addresses::street_word(std::string_view word) {
  static constexpr auto kEndings = std::to_array<std::string_view>(
      {"strasse", "straat", "laan",     "gata",  "gatan", "gate",   "gaten", "vagen",
       "vej",     "vejen",  "veien",    "vegen", "gade",  "katu",   "tie",   "kuja",
       "polku",   "stien",  "terrasse", "allee", "weg",   "gasse",  "platz", "steenweg",
       "dijk",    "plein",  "singel",   "kade",  "braut", "stigur", "vegur", "brautin",
       "backen",  "stigen", "torget",   "ulica", "damm",  "ring",   "hof",   "straeti",
       "gotu",    "skar",   "heiði",    "tanav", "rinne", "penger", "ntie",  "utca",
       "ova",     "nska",   "eva"});
  return word.size() >= 7 && std::any_of(kEndings.begin(), kEndings.end(),
                                         [&](std::string_view end) { return word.ends_with(end); });
}

std::size_t Addresses::unit_end(std::size_t i) const {
  if (!has(i, kUnit)) return i;
  std::size_t k = i + 1;
  if (sign(k, ".")) ++k;
  if (folded(k) == "no" || sign(k, "#")) ++k;
  if (sign(k, ".")) ++k;
  if (number(k, 1, 5)) {
    ++k;
    if (k < tokens_.size() && !tokens_[k].space && tokens_[k].kind == Kind::latin &&
        folded(k).size() == 1)
      ++k;
    return k;
  }
  if (capital(k) && folded(k).size() == 1 && tokens_[k].space) return k + 1;
  return i;
}

std::size_t Addresses::from_number(std::size_t i) {
  if (!starts_alone(text_, i)) return i;
  if (number(i, 1, 5) || number(i, 1, 6)) {
    // 2456 Rue de Virton 38, 14 Crown Street, 90 King Fahd Road
    std::size_t next = i + 1;
    if (next < tokens_.size() && !tokens_[next].space && tokens_[next].kind == Kind::latin &&
        folded(next).size() == 1)
      ++next;
    if (sign(next, ",") || sign(next, "-")) ++next;
    if (next < tokens_.size() && tokens_[next].space) {
      if (capital(next) || number(next, 1, 4)) {
        std::size_t end = street_end(next);
        if (end > next) return add(i, end - 1, 0.85);
      }
      const std::size_t end = named_street(next);
      if (end > next) return add(i, end - 1, 0.8);
      // 92597 Jahu 80: the number of the house behind the street
      if (const std::size_t behind = numbered(next);
          behind > next && (number(i, 3, 6) || at_address(i)))
        return add(i, behind - 1, 0.6);
      if (next < tokens_.size() && tokens_[next].kind == Kind::latin && tokens_[next].space) {
        const std::size_t lower = street_end(next);
        if (lower > next && number(i, 1, 5) && !has(next, kFunction)) return add(i, lower - 1, 0.6);
      }
    }
  }
  // Postal codes: 12211, 12211-4321, 3610-114
  if (number(i, 3, 6)) {
    std::size_t last = i;
    if (sign(i + 1, "-") && !tokens_[i + 1].space && number(i + 2, 3, 4) && !tokens_[i + 2].space)
      last = i + 2;
    else if (number(i, 3, 4) && number(i + 1, 2, 3) && tokens_[i + 1].begin == tokens_[i].end + 1)
      last = i + 1;
    const NumberContext context = context_before(text_, i);
    if ((context.direct & kZipCue) != 0) {
      if (last == i && i + 1 < tokens_.size() && capital(i + 1) && tokens_[i + 1].all_upper &&
          folded(i + 1).size() == 2)
        last = i + 1;
      return add(i, last, 0.9);
    }
    if ((context.near & (kOrderCue | kPhoneCue)) == 0 && !has(last + 1, kMeasure) &&
        !number(last + 1, 1, 9) && !(sign(last + 1, "-") && number(last + 2, 1, 9)) &&
        !(sign(last + 1, ".") && number(last + 2, 1, 9) && !tokens_[last + 2].space))
      return add(i, last, 0.2, true);
  }
  return i;
}

std::size_t Addresses::named_street(std::size_t i) const {
  if (i >= tokens_.size() || tokens_[i].kind != Kind::latin) return i;
  if (folded(i) == "c" && folded(i + 2) == "o") return i;  // care of, complains of
  const bool first = has(i, kStreetFirst) || (folded(i) == "c" && sign(i + 1, "/"));
  std::size_t k = i;
  if (first) {
    ++k;
    if (sign(k, ".") || sign(k, "/")) ++k;
    std::size_t words = 0;
    while (k < tokens_.size() && words < 5 && tokens_[k].kind == Kind::latin &&
           (tokens_[k].upper || has(k, kParticle))) {
      ++k;
      ++words;
      if (sign(k, "'") ||
          (sign(k, ".") && number(k + 1, 1, 4) == false && k + 1 < tokens_.size() &&
           tokens_[k + 1].upper) ||
          sign(k, "-"))
        ++k;
    }
    bool named = false;
    for (std::size_t w = i + 1; w < k; ++w) named = named || capital(w);
    if (words == 0 || !named) return i;
    if (number(k, 1, 5)) ++k;
    return k;
  }
  if (!tokens_[i].upper) return i;
  // Up to four capital words, the last with an ending of streets, and a number
  std::size_t words = 0;
  bool ending = false;
  while (k < tokens_.size() && words < 4 && tokens_[k].kind == Kind::latin &&
         (tokens_[k].upper ||
          (words > 0 && (has(k, kParticle) || folded(k) == "u" || folded(k) == "utca" ||
                         folded(k) == "ter" || folded(k) == "rkp")))) {
    // A short ending needs a name before it: U0 is a part of a code.
    ending = ending || street_word(folded(k)) ||
             (words > 0 && (folded(k) == "u" || folded(k) == "utca" || folded(k) == "ter" ||
                            folded(k) == "rkp" || folded(k) == "nam"));
    ++k;
    ++words;
    if (sign(k, ".") && !tokens_[k].space && number(k + 1, 1, 4)) ++k;
  }
  if (words == 0 || !ending || !number(k, 1, 4)) return i;
  ++k;
  if (sign(k, ".") && !tokens_[k].space) ++k;
  return k;
}

std::size_t Addresses::numbered(std::size_t i) const {
  std::size_t k = i;
  std::size_t words = 0;
  bool named = false;
  while (k < tokens_.size() && words < 4 && tokens_[k].kind == Kind::latin &&
         (tokens_[k].upper || (words > 0 && has(k, kParticle)))) {
    if (has(k, kMonth | kWeekday | kFunction | kUnit) && !has(k, kParticle)) return i;
    named = named || ((tokens_[k].lists & kWord) == 0 && folded(k).size() >= 3 &&
                      !(tokens_[k].all_upper && folded(k).size() <= 4));  // QRS 94
    ++k;
    ++words;
  }
  if (words == 0 || !named || !number(k, 1, 4) || !tokens_[k].space || has(k + 1, kMeasure))
    return i;
  if (sign(k + 1, ":") || sign(k + 1, "/") || sign(k + 1, "%")) return i;
  ++k;
  if (sign(k, ".") && !tokens_[k].space) ++k;
  return k;
}

bool Addresses::at_address(std::size_t i) const {
  std::size_t k = i;
  while (k > 0 && tokens_[k - 1].kind == Kind::sign && (sign(k - 1, ":") || sign(k - 1, "\""))) --k;
  if (k == 0) return false;
  if (has(k - 1, kAddressCue)) return true;
  const std::string_view w = folded(k - 1);
  if (w == "is" || w == "to") return k >= 2 && has(k - 2, kAddressCue);
  if (k < 2 || (w != "at" && w != "on" && w != "of" && w != "in")) return false;
  const std::string_view v = folded(k - 2);
  return v == "lives" || v == "live" || v == "lived" || v == "located" || v == "corner" ||
         v == "is" || v == "residing" || v == "meet" || v == "you" || v == "off";
}

std::size_t Addresses::latin(std::size_t i) {
  // P.O. Box 255, PO Box 12
  if (folded(i) == "box" || folded(i) == "pobox") {
    std::size_t first = i;
    if (i >= 1 && folded(i - 1) == "po")
      first = i - 1;
    else if (i >= 3 && sign(i - 1, ".") && folded(i - 2) == "o" && i >= 4 && folded(i - 4) == "p")
      first = i - 4;
    else if (i >= 3 && folded(i - 1) == "o" && folded(i - 3) == "p")
      first = i - 3;
    std::size_t n = i + 1;
    if (sign(n, ":") || sign(n, "#")) ++n;
    if (folded(n) == "no") ++n;
    if (number(n, 1, 6)) return add(first, n, first < i ? 0.9 : 0.4, first == i);
  }
  // PSC 4095, Box 8316, APO AE 85103
  if ((folded(i) == "apo" || folded(i) == "fpo" || folded(i) == "dpo") && i + 2 < tokens_.size() &&
      folded(i + 1).size() == 2 && number(i + 2, 5, 5))
    return add(i, i + 2, 0.85);
  if ((folded(i) == "psc" || folded(i) == "uss" || folded(i) == "usns" || folded(i) == "usnv" ||
       folded(i) == "uscgc") &&
      i + 1 < tokens_.size()) {
    std::size_t k = i + 1;
    while (k < tokens_.size() && k < i + 3 && tokens_[k].kind == Kind::latin && tokens_[k].upper)
      ++k;
    if (k == i + 1 && number(k, 1, 5)) ++k;
    if (k > i + 1) return add(i, k - 1, 0.45);
  }
  if (const std::size_t end = unit_end(i); end > i)
    return add(i, end - 1, 0.5,
               folded(i) == "box" || folded(i) == "floor" || folded(i) == "room" ||
                   folded(i) == "block" || folded(i) == "unit" || folded(i) == "door");
  // RRRD2929: the short address of Saudi Post
  if (tokens_[i].all_upper && tokens_[i].end - tokens_[i].begin == 4 && starts_alone(text_, i) &&
      number(i + 1, 4, 4) && !tokens_[i + 1].space &&
      (i + 2 >= tokens_.size() || tokens_[i + 2].space ||
       (tokens_[i + 2].kind != Kind::latin && !sign(i + 2, "-") && !sign(i + 2, "_")))) {
    const NumberContext context = context_before(text_, i);
    const bool announced =
        (context.near & (kAddressCue | kZipCue)) != 0 || (context.near & kNationalCue) != 0;
    const bool region = std::string_view("rmeqahtnjb").find(folded(i)[0]) != std::string_view::npos;
    return add(i, i + 1,
               announced                                     ? 0.93
               : (context.near & (kOrderCue | kMrnCue)) != 0 ? 0.3
               : region                                      ? 0.55
                                                             : 0.4);
  }
  const std::size_t named = named_street(i);
  if (named > i && !(i > 0 && (tokens_[i - 1].cues & kParticle) != 0 && tokens_[i - 1].upper))
    return add(i, named - 1, has(i, kStreetFirst) ? 0.75 : 0.65);
  if (tokens_[i].upper) {
    const std::size_t end = street_end(i);
    if (end > i && !has(i, kStreet) && (tokens_[i].lists & kWord) == 0) {
      // A doctor, and a square: the kind of street must not be a title or an ordinary word.
      const std::string_view kind = folded(end - 1) == "." ? folded(end - 2) : folded(end - 1);
      const bool plain = kind == "dr" || kind == "way" || kind == "place" || kind == "hill" ||
                         kind == "row" || kind == "walk" || kind == "pass" || kind == "close" ||
                         kind == "ter" || kind == "loop" || kind == "branch" || kind == "pl";
      return add(i, end - 1, plain ? 0.4 : 0.7, plain);
    }
  }
  if (tokens_[i].upper && at_address(i)) {
    if (const std::size_t end = numbered(i); end > i) return add(i, end - 1, 0.6);
  }
  if (const std::size_t end = place_end(i); end > i && tokens_[i].upper) return place(i, end);
  if (tokens_[i].upper && !has(i, kFunction) && (tokens_[i].lists & kWord) == 0)
    return unknown_place(i);
  return i;
}

std::size_t Addresses::place(std::size_t i, std::size_t end) {
  bool name = (tokens_[i].lists & (kGiven | kFamily)) != 0 && end == i + 1;
  const bool announced =
      i > 0 && (has(i - 1, kPlaceCue) || (sign(i - 1, ":") && i > 1 && has(i - 2, kPlaceCue)));
  if (has(end, kOrganisation) && end < tokens_.size() && tokens_[end].upper) return end;
  if (has(i, kPhoneCue) && end == i + 1 && !announced) return end;  // Mobile: a number follows
  if (tokens_[i].all_upper && tokens_[i].end - tokens_[i].begin <= 3)
    return add(i, end - 1, 0.2, true);
  return add(i, end - 1, announced ? (name ? 0.5 : 0.6) : name ? 0.3 : 0.5, false);
}

std::size_t Addresses::unknown_place(std::size_t i) {
  if (i < 2 || !has(i - 1, kPlaceCue)) return capital_words(i);
  static constexpr auto kVerbs = std::to_array<std::string_view>(
      {"lives", "live", "lived", "living", "up", "based", "here", "originally", "flew",
       "travelling", "traveling", "moved", "born", "resides", "am", "arrived", "returned",
       "country", "city"});
  const std::string_view verb = folded(i - 2);
  if (std::find(kVerbs.begin(), kVerbs.end(), verb) == kVerbs.end()) return capital_words(i);
  std::size_t k = i + 1;
  while (k < tokens_.size() && k < i + 4 && tokens_[k].kind == Kind::latin && tokens_[k].space &&
         (tokens_[k].upper || (has(k, kParticle) && capital(k + 1))))
    ++k;
  return add(i, k - 1, 0.52);
}

std::size_t Addresses::capital_words(std::size_t i) {
  const bool behind = !pieces_.empty() && pieces_.back().last + 1 == i && !pieces_.back().weak;
  if (i > 0 && tokens_[i - 1].kind != Kind::line && !sign(i - 1, ",") && !sign(i - 1, ">") &&
      !behind)
    return i;
  std::size_t k = i + 1;
  while (k < tokens_.size() && k < i + 4 && tokens_[k].kind == Kind::latin && tokens_[k].space &&
         (tokens_[k].upper || (has(k, kParticle) && capital(k + 1))))
    ++k;
  return add(i, k - 1, 0.1, true);
}

std::size_t Addresses::arabic(std::size_t i) {
  const std::string_view w = folded(i);
  // P.O. box
  if (w == "ص" && (sign(i + 1, ".") || sign(i + 1, "/")) && folded(i + 2) == "ب") {
    std::size_t n = i + 3;
    while (sign(n, ".") || sign(n, ":")) ++n;
    if (number(n, 1, 7)) return add(i, n, 0.9);
  }
  if (w == "ص" && folded(i + 1) == "ب" && number(i + 2, 1, 7)) return add(i, i + 2, 0.85);
  if (w == "صندوق" && (folded(i + 1) == "بريد" || folded(i + 1) == "البريد")) {
    std::size_t n = i + 2;
    if (folded(n) == "رقم" || sign(n, ":")) ++n;
    if (number(n, 1, 7)) return add(i, n, 0.9);
  }
  const std::string_view bare =
      w.size() > 4 && (w.starts_with("ب") || w.starts_with("و")) ? w.substr(2) : w;
  const bool street = bare == "شارع" || bare == "طريق" || w == "الشارع";
  const bool district = bare == "حي" || w == "الحي" || bare == "مخطط";
  if (street || district) {
    std::size_t k = i + 1;
    std::size_t words = 0;
    const std::size_t most = street ? 4 : 2;
    if (sign(k, ":")) ++k;
    while (k < tokens_.size() && words < most &&
           (tokens_[k].kind == Kind::arabic && (tokens_[k].space || words == 0)) && !stop(k)) {
      const bool rest = words > 0 && district && (tokens_[k].lists & kPlace) != 0 &&
                        (tokens_[k - 1].lists & kPlace) != 0;
      if (rest) break;
      ++k;
      ++words;
    }
    if (words == 0 && number(k, 1, 4) && street) return add(i, k, 0.75);
    if (words == 0) return i;
    // the word for live is also the word for alive
    const bool listed = (tokens_[i + 1].lists & (kPlace | kGiven | kFamily)) != 0 ||
                        folded(i + 1).starts_with("ال") || street;
    if (number(k, 1, 4) && k < tokens_.size() && !has(k + 1, kMeasure)) ++k;
    return add(i, k - 1,
               listed ? (street && folded(i + 1).starts_with("ال") == false &&
                                 (tokens_[i + 1].lists & (kGiven | kFamily | kPlace)) == 0
                             ? 0.55
                             : 0.8)
                      : 0.4);
  }
  if (has(i, kDistrict)) {
    std::size_t k = i + 1;
    if (folded(k) == "رقم" || sign(k, ":")) ++k;
    if (sign(k, ":")) ++k;
    if (number(k, 1, 5)) return add(i, k, 0.6);
    if (w == "الدور" && (has(k, kOrdinal) || folded(k) == "الارضي")) return add(i, k, 0.4, true);
  }
  if (has(i, kZipCue) || w == "الرمز" || w == "رمز") return i;
  if (const std::size_t end = place_end(i); end > i) {
    const bool announced =
        i > 0 &&
        (folded(i - 1) == "في" || folded(i - 1) == "من" || folded(i - 1) == "الي" ||
         folded(i - 1) == "مدينه" || folded(i - 1) == "بمدينه" || folded(i - 1) == "سكان" ||
         (sign(i - 1, ":") && i > 1 && (has(i - 2, kAddressCue) || folded(i - 2) == "المدينه")));
    const bool name = (tokens_[i].lists & (kGiven | kFamily)) != 0 || w == "عمان" ||
                      w == "السلامه" || w == "التعاون" || w == "الشفا" || w == "الواحه" ||
                      w == "العليا" || w == "الصحافه";
    const bool organisation = i > 0 && has(i - 1, kOrganisation) && folded(i - 1) != "مدينه";
    if (organisation) return end;
    return add(i, end - 1, announced && !name ? 0.6 : name ? 0.3 : 0.5, name);
  }
  // bi-Riyadh: in Riyadh
  if (w.size() > 8 && (w.starts_with("ب") || w.starts_with("ل")) && is_place(w.substr(2)) &&
      !is_place(w))
    return add(i, i, 0.55);
  return i;
}

bool Addresses::stop(std::size_t k) const {
  static constexpr auto kStop = std::to_array<std::string_view>(
      {"في",    "من",   "الي",  "عن",  "مع",     "و",     "ثم",    "رقم",    "بجوار", "جوار",
       "بجانب", "امام", "خلف",  "قرب", "بالقرب", "مقابل", "تقاطع", "بعد",    "قبل",   "علي",
       "هذا",   "او",   "لان",  "وهو", "وهي",    "هاتف",  "جوال",  "وجواله", "ورقم",  "حاليا",
       "منذ",   "كان",  "بدون", "لا",  "تم",     "يرجي",  "الرمز", "ص"});
  return std::find(kStop.begin(), kStop.end(), folded(k)) != kStop.end() ||
         has(k, kDistrict | kPhoneCue | kDateCue) || folded(k) == "شارع" || folded(k) == "طريق" ||
         folded(k) == "حي" || folded(k) == "مدينه";
}

bool Addresses::beside(const Piece& a, const Piece& b) const {
  std::size_t lines = 0;
  for (std::size_t i = a.last + 1; i < b.first; ++i) {
    if (tokens_[i].kind == Kind::line) {
      if (++lines > 2) return false;
      continue;
    }
    const std::string_view w = folded(i);
    if (tokens_[i].kind == Kind::sign &&
        (w == "," || w == "-" || w == "." || w == ">" || w == "?" || w == "/" || w == ":"))
      continue;
    // A state or province of two letters; the words of a postal code
    if (tokens_[i].kind == Kind::latin && tokens_[i].all_upper && w.size() <= 3) continue;
    if (w == "nan" || w == "الرمز" || w == "رمز" || w == "البريدي" || w == "بريدي" ||
        w == "postal" || w == "zip" || w == "code" || w == "مدينه" || w == "city")
      continue;
    return false;
  }
  return b.first - a.last < 9;
}

void Addresses::merge() {
  std::size_t i = 0;
  while (i < pieces_.size()) {
    std::size_t end = i + 1;
    while (end < pieces_.size() && beside(pieces_[end - 1], pieces_[end])) ++end;
    close(i, end);
    i = end;
  }
}

void Addresses::close(std::size_t first, std::size_t end) {
  double best = 0;
  std::size_t strong = 0;
  for (std::size_t i = first; i < end; ++i) {
    if (!pieces_[i].weak) best = std::max(best, pieces_[i].score);
    if (!pieces_[i].weak && pieces_[i].score >= 0.5) ++strong;
  }
  const bool anchored = std::any_of(pieces_.begin() + static_cast<std::ptrdiff_t>(first),
                                    pieces_.begin() + static_cast<std::ptrdiff_t>(end),
                                    [](const Piece& p) { return !p.weak && p.score >= 0.6; }) ||
                        strong >= 2;
  if (!anchored) {
    // Towns side by side are a list of towns.
    for (std::size_t i = first; i < end; ++i)
      if (!pieces_[i].weak) emit(pieces_[i].first, pieces_[i].last, pieces_[i].score);
    return;
  }
  // Weak words before the first strong piece are another thing, unless numbers.
  while (first < end && pieces_[first].weak && tokens_[pieces_[first].first].kind != Kind::number)
    ++first;
  std::size_t last = end;
  // A town without a postal code or a country behind it is kept; unknown words at the end only
  // when something known follows.
  while (last > first && pieces_[last - 1].weak &&
         tokens_[pieces_[last - 1].first].kind == Kind::latin &&
         !(tokens_[pieces_[last - 1].first].all_upper && last >= first + 2 &&
           pieces_[last - 2].last + 1 == pieces_[last - 1].first))
    --last;
  if (first < last)
    emit(pieces_[first].first, pieces_[last - 1].last,
         std::min(best + (strong > 1 ? 0.05 : 0), 0.95));
}

}  // namespace

void find_addresses(const Text& text, Candidates& out) {
  Addresses(text, out).run();
}

}  // namespace rabt::phi
