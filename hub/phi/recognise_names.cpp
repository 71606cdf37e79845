#include <algorithm>
#include <array>
#include <string>

#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

constexpr std::size_t kLongestName = 7;  // tokens; a name of five parts with a particle or two

using Kind = Token::Kind;

class Names {
 public:
  Names(const Text& text, Candidates& out) : tokens_(text.tokens()), out_(out) {
    std::size_t upper = 0;
    for (const Token& token : tokens_) upper += token.kind == Kind::latin && token.upper ? 1U : 0U;
    no_capitals_ = upper == 0;
  }

  void run() {
    mark_places();
    for (std::size_t i = 0; i < tokens_.size();) {
      if (tokens_[i].kind == Kind::latin) {
        i = latin(i);
      } else if (tokens_[i].kind == Kind::arabic) {
        i = arabic(i);
      } else {
        ++i;
      }
    }
  }

 private:
  [[nodiscard]] bool has(std::size_t i, std::uint64_t cue) const {
    return i < tokens_.size() && (tokens_[i].cues & cue) != 0;
  }
  [[nodiscard]] bool in(std::size_t i, std::uint32_t list) const {
    return (tokens_[i].lists & list) != 0;
  }
  [[nodiscard]] std::string_view folded(std::size_t i) const {
    return i < tokens_.size() ? tokens_[i].folded : std::string_view();
  }
  [[nodiscard]] bool sign(std::size_t i, std::string_view what) const {
    return i < tokens_.size() && tokens_[i].kind == Kind::sign && tokens_[i].folded == what;
  }
  [[nodiscard]] bool name_word(std::size_t i) const { return in(i, kGiven | kFamily); }
  // In the lists of names, and no other word
  [[nodiscard]] bool strict(std::size_t i) const {
    return name_word(i) && !in(i, kWord) && !has(i, kFunction);
  }
  [[nodiscard]] bool placed(std::size_t i) const { return places_[i]; }
  [[nodiscard]] bool glued(std::size_t i) const { return i < tokens_.size() && !tokens_[i].space; }
  void add(std::size_t first, std::size_t last, double score) {
    out_.push_back({Class::name, tokens_[first].begin, tokens_[last].end, score});
  }

  // Places of one word and of several; a word that is also a name stays open.
  void mark_places() {
    places_.assign(tokens_.size(), false);
    std::string joined;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (in(i, kPlace)) places_[i] = true;
      if (!in(i, kPlaceStart)) continue;
      joined.assign(tokens_[i].folded);
      std::size_t k = i;
      for (int words = 1; words < 4; ++words) {
        ++k;
        if (sign(k, "-")) ++k;
        if (k >= tokens_.size() ||
            (tokens_[k].kind != Kind::latin && tokens_[k].kind != Kind::arabic))
          break;
        joined.append("_").append(tokens_[k].folded);
        if (is_place(joined))
          for (std::size_t w = i; w <= k; ++w) places_[w] = true;
      }
    }
  }

  // Endings that only family names have; long enough not to be chance.
  [[nodiscard]] static bool family_ending(std::string_view word) {
    static constexpr auto kEndings = std::to_array<std::string_view>(
        {"ova",    "ovas",    "sson",  "ssen",  "nsen",  "rsen",  "lsen",   "tsen",  "dottir",
         "ovic",   "evic",    "owski", "ewski", "inski", "owska", "ewska",  "insky", "ovsky",
         "enko",   "chuk",    "czyk",  "wicz",  "escu",  "eanu",  "shvili", "adze",  "yan",
         "poulos", "opoulou", "idis",  "oglu",  "eva",   "kova",  "ov",     "ev",    "kov",
         "yev",    "nov",     "lund",  "berg",  "strom", "qvist", "quist",  "gren",  "stad",
         "gaard",  "gard",    "bauer", "mann",  "stein", "nen",   "ainen",  "onen",  "uddin",
         "ullah",  "inho",    "ez",    "ski",   "sky",   "ska",   "ic",     "ov",    "veld",
         "huis",   "stra",    "sma",   "kawa",  "moto",  "mura",  "yama",   "zaki",  "hashi",
         "guchi",  "cek",     "hek",   "akova", "ikova", "ansky", "halli",  "avan",  "murthy",
         "swamy",  "appa"});
    if (word.size() < 6) return false;
    return std::any_of(kEndings.begin(), kEndings.end(),
                       [&](std::string_view end) { return word.ends_with(end); });
  }

  // English and other Latin writing ----------------------------------------------------------

  // A word that may be part of a name: a capital letter, and not plainly something else.
  [[nodiscard]] bool member(std::size_t i) const {
    if (i >= tokens_.size() || tokens_[i].kind != Kind::latin || !tokens_[i].upper) return false;
    if (i + 1 < tokens_.size() && glued(i + 1) &&
        (tokens_[i + 1].kind == Kind::number || sign(i + 1, "_") || sign(i + 1, "=")))
      return false;
    if (i > 0 && glued(i) &&
        (tokens_[i - 1].kind == Kind::number || sign(i - 1, "_") || sign(i - 1, "\\") ||
         sign(i - 1, "#")))
      return false;
    if (tokens_[i].folded.size() == 1) return true;
    // April and June are names where another name follows.
    if (has(i, kMonth) && name_word(i) && i + 1 < tokens_.size() &&
        tokens_[i + 1].kind == Kind::latin && tokens_[i + 1].upper && !in(i + 1, kWord) &&
        tokens_[i + 1].folded.size() > 2)
      return true;
    if (name_word(i) && !in(i, kWord)) return true;
    // Abdul Kareem Shaikh: a title that is a family name behind a name
    if ((tokens_[i].folded == "shaikh" || tokens_[i].folded == "sheikh" ||
         tokens_[i].folded == "syed" || tokens_[i].folded == "sayed") &&
        i > 0 && tokens_[i].space && tokens_[i - 1].kind == Kind::latin && tokens_[i - 1].upper &&
        strict(i - 1) &&
        (i + 1 >= tokens_.size() || tokens_[i + 1].kind != Kind::latin || !tokens_[i + 1].upper))
      return true;
    if (has(i, kFunction | kTitle | kMonth | kWeekday | kOrganisation | kStreet | kUnit))
      return name_word(i) && !has(i, kFunction | kTitle | kMonth | kWeekday | kUnit) &&
             !in(i, kWord);
    if (tokens_[i].all_upper && tokens_[i].folded.size() <= 3)
      return has(i, kParticle) && i + 1 < tokens_.size() && tokens_[i + 1].all_upper &&
             name_word(i + 1);  // abbreviations
    return true;
  }
  [[nodiscard]] bool initial(std::size_t i) const {
    return tokens_[i].end - tokens_[i].begin <= 2 && tokens_[i].upper &&
           tokens_[i].folded.size() == 1;
  }
  [[nodiscard]] bool sentence_start(std::size_t i) const {
    while (i > 0 && tokens_[i - 1].kind == Kind::sign && tokens_[i - 1].folded != "." &&
           tokens_[i - 1].folded != "!" && tokens_[i - 1].folded != "?" &&
           tokens_[i - 1].folded != ":" && tokens_[i - 1].folded != ",")
      --i;
    if (i == 0) return true;
    const Token& before = tokens_[i - 1];
    if (before.kind == Kind::line) return true;
    return before.folded == "." || before.folded == "!" || before.folded == "?" ||
           before.folded == ":";
  }

  // The last token of the chain that begins at i.
  [[nodiscard]] std::size_t chain(std::size_t i) const {
    std::size_t last = i;
    std::size_t k = i + 1;
    while (k < tokens_.size() && k - i < 2 * kLongestName) {
      std::size_t next = k;
      if (initial(last) && sign(next, ".") && glued(next))
        ++next;
      else if (sign(next, "-") && glued(next) && next + 1 < tokens_.size() && glued(next + 1))
        ++next;
      else if (next < tokens_.size() && !tokens_[next].space)
        break;
      // Particles, when a member follows
      std::size_t p = next;
      while (p < tokens_.size() && p - next < 3 && tokens_[p].kind == Kind::latin &&
             has(p, kParticle) && !member(p)) {
        ++p;
        if (sign(p, "-") && glued(p)) ++p;
      }
      if (!member(p)) break;
      if (p > next && p < tokens_.size() && !has(p - 1, kParticle) && !sign(p - 1, "-")) break;
      if (p > next &&
          (folded(next) == "e" || folded(next) == "y" || folded(next) == "o" ||
           folded(next) == "a" || folded(next) == "st") &&
          !strict(p))
        break;
      last = p;
      k = p + 1;
    }
    return last;
  }

  struct Before {
    bool title = false, strong = false, weak = false, speech = false, key = false;
  };
  // What stands before the token says that a name comes.
  [[nodiscard]] Before before(std::size_t i) const {
    Before result;
    std::size_t k = i;
    const auto step = [&] {
      while (k > 0 && tokens_[k - 1].kind == Kind::sign &&
             std::string_view("\":'(*.>,=-[_").find(tokens_[k - 1].folded) !=
                 std::string_view::npos) {
        if (tokens_[k - 1].folded == "," && k != i) break;
        --k;
      }
    };
    const bool comma = k > 0 && sign(k - 1, ",");
    step();
    if (k == 0) return result;
    bool colon = false;
    for (std::size_t s = k; s < i; ++s) colon = colon || sign(s, ":") || sign(s, "=");
    bool line = false;
    if (tokens_[k - 1].kind == Kind::line) {
      if (k < 2 || !sign(k - 2, ":")) return result;
      line = true;
      k -= 2;
      colon = true;
      if (k == 0) return result;
    }
    const Token& word = tokens_[k - 1];
    const std::string_view w = word.folded;
    if (comma && !colon && !has(k - 1, kNameCue)) return result;
    bool stop = false;
    for (std::size_t s = k; s < i; ++s) stop = stop || sign(s, ".");
    if ((word.cues & kTitle) != 0 && (w.size() > 2 || word.upper || stop || no_capitals_) && !line)
      result.title = true;
    if (stop && w == "md" && !word.all_upper) result.title = true;  // Md. Karim: Muhammad
    if (stop && !result.title) return result;
    if (colon) {
      result.strong = result.strong || (word.cues & kNameCue) != 0 || w.ends_with("name");
      result.key = result.strong;
      return result;
    }
    if ((word.cues & kNameCue) != 0) result.strong = true;
    if (w == "is" || w == "was" || w == "am" || w == "m" || w == "i'm" || w == "im") {
      if (k >= 2) {
        const std::string_view v = tokens_[k - 2].folded;
        if (v == "name" || v == "names" || v == "named" || v == "surname" || v.ends_with("name") ||
            v == "i" || v == "patient" || v == "doctor" || v == "sign")
          result.strong = true;
        if (v == "this" || v == "it" || v == "here") result.weak = true;
        if (v == "'" && k >= 3 && tokens_[k - 3].folded == "i") result.strong = true;
      }
    }
    if (k >= 2 &&
        (tokens_[k - 2].folded == "call" || tokens_[k - 2].folded == "called" ||
         tokens_[k - 2].folded == "calls") &&
        (w == "me" || w == "him" || w == "her"))
      result.strong = true;
    if (k >= 2 && tokens_[k - 2].folded == "named" && (w == "him" || w == "her" || w == "it"))
      result.strong = true;
    if (w == "to" && k >= 3 && (tokens_[k - 2].folded == "it" || tokens_[k - 2].folded == "name"))
      result.strong = true;  // correct it to
    if ((word.cues & kWeakNameCue) != 0) result.weak = true;
    if ((word.cues & kSpeech) != 0) result.speech = true;
    // speak to, spoke with
    if ((w == "to" || w == "with") && k >= 2) {
      const std::string_view v = tokens_[k - 2].folded;
      if (v == "speak" || v == "spoke" || v == "talk" || v == "talked" || v == "met" ||
          v == "married" || v == "speaking" || v == "talking")
        result.strong = true;
    }
    return result;
  }

  // 0 nothing, 1 a verb that people do, 2 only people
  [[nodiscard]] int after(std::size_t last) const {
    std::size_t n = last + 1;
    if (sign(n, "'") && glued(n) && folded(n + 1) == "s" && glued(n + 1)) return 1;
    if (sign(n, "\"")) ++n;
    if (sign(n, ":") && glued(n)) {
      // A line of a dialogue
      const std::size_t first = n + 1;
      return sign(first, "\"") ? 2 : 1;
    }
    if (sign(n, ",") && glued(n) &&
        (folded(n + 1) == "your" || folded(n + 1) == "please" || folded(n + 1) == "you"))
      return 2;
    if (sign(n, ",") || sign(n, "(")) return 0;
    if (n >= tokens_.size() || tokens_[n].kind != Kind::latin) return 0;
    if (!has(n, kPersonVerb)) return 0;
    const std::string_view w = folded(n);
    if (w == "is" || w == "was" || w == "has") {
      static constexpr auto kOfPeople = std::to_array<std::string_view>(
          {"alert", "admitted", "seen", "discharged", "oriented", "stable", "referred",
           "transferred", "diagnosed", "advised", "born", "reviewed", "married", "allergic",
           "complaining", "awake", "afebrile", "a", "an"});
      for (const std::string_view known : kOfPeople)
        if (folded(n + 1) == known && known.size() > 2) return 2;
    }
    if (w == "is" || w == "was" || w == "has" || w == "had" || w == "will" || w == "calls" ||
        w == "takes" || w == "began" || w == "works" || w == "added" || w == "arrived" ||
        w == "received" || w == "needs" || w == "reports" || w == "wants")
      return 1;
    return 2;
  }
  [[nodiscard]] bool organisation_after(std::size_t last) const {
    std::size_t n = last + 1;
    if (sign(n, "'") && folded(n + 1) == "s") n += 2;
    if (sign(n, "&")) return true;
    if (n >= tokens_.size() || tokens_[n].kind != Kind::latin) return false;
    if (has(n, kEponym)) return true;
    // King Faisal Specialist Hospital, Abi Bakr As Siddiq Road
    // Amal clinic: what is not written large counts only directly behind.
    static constexpr auto kHouses = std::to_array<std::string_view>(
        {"clinic", "pharmacy", "hospital", "centre", "center", "building", "branch", "laboratory",
         "lab", "street", "road", "mosque", "school", "university", "polyclinic"});
    if (n == last + 1 && !tokens_[n].upper && !no_capitals_)
      for (const std::string_view house : kHouses)
        if (folded(n) == house) return true;
    for (std::size_t k = n; k < n + 4 && k < tokens_.size() && tokens_[k].kind == Kind::latin;
         ++k) {
      if (!tokens_[k].upper && !no_capitals_) break;
      if (has(k, kOrganisation) || (has(k, kStreet) && folded(k) != "dr")) return true;
      if (no_capitals_) break;
    }
    return false;
  }

  // Behind a name: the number that its bearer is called at.
  [[nodiscard]] bool phone_after(std::size_t last) const {
    std::size_t n = last + 1;
    for (int signs = 0; signs < 2 && (sign(n, ":") || sign(n, "-") || sign(n, "(")); ++signs) ++n;
    const bool plus = sign(n, "+");
    if (plus) ++n;
    if (n >= tokens_.size() || tokens_[n].kind != Kind::number) return false;
    if (!plus && !folded(n).starts_with("0") && !folded(n).starts_with("966")) return false;
    std::size_t digits = 0;
    for (std::size_t k = n; k < tokens_.size() && k - n < 12; ++k) {
      if (tokens_[k].kind == Kind::number)
        digits += tokens_[k].folded.size();
      else if (!sign(k, "-") && !sign(k, ".") && !sign(k, "(") && !sign(k, ")"))
        break;
    }
    return digits >= 9;
  }
  // Family, Given in a list: "HADDAD, Layla 29 F", "Haddad, Layla M."
  [[nodiscard]] bool turned(std::size_t first, std::size_t last) const {
    const std::size_t given = last + 2;
    if (first != last || !sign(last + 1, ",") || !glued(last + 1) || given >= tokens_.size())
      return false;
    if (tokens_[given].kind != Kind::latin || !tokens_[given].upper || !strict(given) ||
        !in(given, kGiven) || placed(given))
      return false;
    if (!(tokens_[first].all_upper && !tokens_[given].all_upper) && !sentence_start(first))
      return false;
    return !sign(given + 1, ",") && folded(given + 1) != "and" && folded(given + 1) != "or";
  }

  std::size_t latin(std::size_t i) {
    // A title opens a name, whatever its words.
    if (!member(i)) {
      if (tokens_[i].kind == Kind::latin && !tokens_[i].upper) return lower(i);
      return i + 1;
    }
    // Al-Ghamdi: the article may open the chain.
    const std::size_t end = chain(i);
    split(i, end);
    return end + 1;
  }

  // Parts of the chain between ordinary words, places and the like.
  void split(std::size_t first, std::size_t last) {
    std::size_t from = first;
    const bool titled = before(first).title;
    const auto ordinary = [&](std::size_t i) {
      if (tokens_[i].kind != Kind::latin) return false;
      if (initial(i)) return false;
      if (has(i, kParticle) && i > from) return false;
      if (has(i, kFunction)) return true;
      if (i == first && titled) return false;
      if (!name_word(i) && in(i, kWord | kInflected)) {
        // The family name behind a given name, or behind its initial, may be any word.
        const bool named =
            i > from && i == last &&
            (initial(i - 1) || (sign(i - 1, ".") && initial(i - 2)) ||
             (in(i, kInflected) && !in(i, kWord) && strict(i - 1) && in(i - 1, kGiven)));
        return !(named && !has(i, kOrganisation | kStreet | kPersonVerb));
      }
      if (in(i, kInflected) && !in(i, kWord | kGiven) && i == from && sentence_start(i))
        return true;
      if (has(i, kNameCue | kPersonVerb) && in(i, kWord)) return true;
      return false;
    };
    for (std::size_t i = first; i <= last + 1; ++i) {
      if (i <= last && !ordinary(i)) continue;
      std::size_t to = i;
      while (to > from && (tokens_[to - 1].kind == Kind::sign ||
                           (has(to - 1, kParticle) && !tokens_[to - 1].upper)))
        --to;
      while (from < to && tokens_[from].kind == Kind::sign) ++from;
      if (from < to) weigh(from, to - 1, last);
      from = i + 1;
    }
  }

  void weigh(std::size_t first, std::size_t last, std::size_t chain_last) {
    // A single letter at the end is an initial only inside a name.
    while (last > first && initial(last)) --last;
    const Before cue = before(first);
    std::size_t words = 0, given = 0, names = 0, doubtful = 0, unknown = 0, places = 0,
                initials = 0, article = 0;
    for (std::size_t i = first; i <= last; ++i) {
      if (tokens_[i].kind != Kind::latin) continue;
      if (initial(i)) {
        ++initials;
        continue;
      }
      if (has(i, kParticle) && !tokens_[i].upper) continue;
      if ((folded(i) == "al" || folded(i) == "el" || folded(i) == "bin" || folded(i) == "abu" ||
           folded(i) == "ibn") &&
          i < last) {
        ++article;
        continue;
      }
      ++words;
      if (name_word(i) && in(i, kWord))
        ++doubtful;
      else if (name_word(i)) {
        ++names;
        if (in(i, kGiven)) ++given;
      } else if (in(i, kWord | kInflected))
        ++doubtful;
      else
        ++unknown;
      if (placed(i)) ++places;
    }
    if (words == 0) return;
    const bool ending = family_ending(tokens_[last].folded);
    const bool organisation =
        organisation_after(last) || (last < chain_last && has(last + 1, kOrganisation));
    const int verb = after(last);
    const bool start = sentence_start(first);
    double score = 0;
    if (cue.title) {
      score = 0.92;
    } else if (words >= 2) {
      if (given > 0 && names + doubtful + unknown == words) {
        score = in(first, kGiven) && strict(first) ? 0.88 : 0.75;
        if (unknown > 0 && places > 0) score -= 0.2;
      } else if (names > 0) {
        score = 0.7;
      } else if (doubtful == words) {
        score = in(first, kGiven) && in(last, kFamily) && !start ? 0.45 : 0.35;
      } else if (ending) {
        score = 0.68;
      } else {
        // Two capitalised words that no list knows are more often a name than anything else.
        score = unknown == words ? 0.5 : 0.35;
      }
      if (initials > 0 && (names > 0 || unknown > 0)) score = std::max(score, 0.72);
      if (article > 0) score += 0.1;
      if (places == words)
        score -= 0.45;
      else if (places > 0)
        score -= names > places ? 0.05 : 0.25;
      if (cue.strong)
        score += 0.35;
      else if (cue.speech)
        score += 0.2;
      else if (cue.weak)
        score += 0.15;
      if (verb > 0) score += verb == 2 ? 0.3 : 0.12;
      if (folded(last + 1) == "from") score += 0.15;
    } else {
      const bool place = places > 0;
      if (names > 0) {
        score = given > 0 ? 0.6 : 0.52;
        if (in(first, kGiven) && in(first, kFamily)) score = 0.6;
        if (in(first, kInflected)) score -= 0.05;
        if (place) score -= given > 0 ? 0.1 : 0.25;
        if (tokens_[first].folded.size() <= 3) score -= 0.15;
        if (tokens_[first].all_upper) score -= 0.1;
      } else if (doubtful > 0) {
        score = name_word(first) ? (!start ? 0.3 : verb == 2 ? 0.16 : 0.1) : 0.1;
        if (place) score -= 0.1;
      } else {
        score = 0.25;
        if (ending) score = 0.5;
        if (place) score -= 0.4;
        if (tokens_[first].all_upper) score -= 0.15;
      }
      if (article > 0) score = std::max(score, unknown > 0 ? 0.5 : 0.6);
      if (cue.strong)
        score += names > 0 ? 0.35 : unknown > 0 ? 0.4 : cue.key ? 0.42 : 0.25;
      else if (cue.speech)
        score += 0.25;
      else if (cue.weak)
        score += unknown > 0 && !ending ? 0.1 : 0.12;
      if (verb > 0 && !place) score += verb == 2 ? 0.35 : unknown > 0 && start ? 0.12 : 0.15;
      if (first > 0 && has(first - 1, kPlaceCue) && !cue.strong) score -= place ? 0.3 : 0.15;
      if (!place && !has(first, kNumberCues) && phone_after(last)) score += 0.15;
      if (!place && turned(first, last)) score += unknown > 0 ? 0.4 : 0.25;
      // Beside another name: Muslija and Pearson
      if (score >= 0.2 && !place) {
        if (beside_after(last))
          score += 0.3;
        else if (beside_before(first))
          score += 0.15;
      }
    }
    if (!cue.title && !cue.strong) {
      // A street, a score, a room: a number stands behind.
      if (last + 1 < tokens_.size() && tokens_[last + 1].kind == Kind::number &&
          tokens_[last + 1].folded.size() <= 4 && !phone_after(last))
        score -= 0.25;
      if (first >= 2 && (folded(first - 1) == "for" || folded(first - 1) == "at") &&
          (folded(first - 2).starts_with("work") || folded(first - 2) == "employed"))
        score -= 0.3;
      if (words == 1 && unknown == 1 && !ending && verb == 1) score = std::min(score, 0.5);
      if (words >= 2 && given == 0 && first > 0 && (has(first - 1, kPlaceCue))) score -= 0.3;
      if (firm(first, last)) score = std::min(score, 0.4);
      // Two family names with a hyphen and nothing else are a firm.
      if (words == 2 && last == first + 2 && sign(first + 1, "-") &&
          !(in(first, kGiven) && in(last, kGiven)))
        score -= 0.3;
    }
    if (organisation) score = cue.title ? 0.6 : std::min(score - 0.4, 0.45);
    if (score < 0.3) return;
    // A suffix belongs to the name.
    std::size_t to = last;
    if (has(to + 1, kSuffix) && tokens_[to + 1].upper &&
        (folded(to + 1) == "jr" || folded(to + 1) == "sr" || folded(to + 1) == "ii" ||
         folded(to + 1) == "iii"))
      ++to;
    std::size_t from = first;
    add(from, to, std::min(score, 0.97));
  }

  // White, Willis and Hoffman: one of three names in a row, without a given name
  [[nodiscard]] bool firm(std::size_t first, std::size_t last) const {
    if (first != last) return false;
    const auto one = [&](std::size_t i) {
      return i < tokens_.size() && tokens_[i].kind == Kind::latin && tokens_[i].upper &&
             tokens_[i].folded.size() > 2;
    };
    for (std::size_t place = 0; place < 3; ++place) {
      const std::size_t back = 2 * place;
      if (first < back) break;
      const std::size_t a = first - back;
      if (!one(a) || !sign(a + 1, ",") || !one(a + 2) || folded(a + 3) != "and" || !one(a + 4))
        continue;
      if (a > 0 && (sign(a - 1, ":") || tokens_[a - 1].upper)) return false;
      if (has(a + 5, kPersonVerb)) return false;
      // Given names in a row are people.
      return !(in(a, kGiven) && !in(a, kFamily) && in(a + 2, kGiven) && in(a + 4, kGiven));
    }
    return false;
  }
  [[nodiscard]] bool beside_before(std::size_t first) const {
    if (first < 2 || out_.empty() || out_.back().kind != Class::name || out_.back().score < 0.5)
      return false;
    const bool joined = folded(first - 1) == "and" || sign(first - 1, ",") || sign(first - 1, "&");
    return joined && out_.back().end == tokens_[first - 2].end;
  }
  [[nodiscard]] bool beside_after(std::size_t last) const {
    if (last + 2 >= tokens_.size() || !strict(last + 2) || !tokens_[last + 2].upper) return false;
    return folded(last + 1) == "and" || (sign(last + 1, ",") && in(last + 2, kGiven));
  }

  // Words without capitals: names only where something else says so.
  std::size_t lower(std::size_t i) {
    const bool plain =
        in(i, kWord | kInflected) ||
        has(i, kFunction | kTitle | kNameCue | kWeakNameCue | kPersonVerb | kMonth | kWeekday);
    if (plain || tokens_[i].end - tokens_[i].begin < 3) return i + 1;
    if ((i > 0 && glued(i) && tokens_[i - 1].kind != Kind::line && !sign(i - 1, "\"") &&
         !sign(i - 1, "(") && !sign(i - 1, ">")) ||
        (i + 1 < tokens_.size() && glued(i + 1) && tokens_[i + 1].kind != Kind::line &&
         !sign(i + 1, ".") && !sign(i + 1, ",") && !sign(i + 1, ":") && !sign(i + 1, "?") &&
         !sign(i + 1, "!") && !sign(i + 1, "'") && !sign(i + 1, ")") && !sign(i + 1, "\"") &&
         !sign(i + 1, "-")))
      return i + 1;
    std::size_t last = i;
    std::size_t names = name_word(i) ? 1 : 0;
    std::size_t words = 1;
    for (std::size_t k = i + 1;
         k < tokens_.size() && words < kLongestName && tokens_[k].kind == Kind::latin &&
         !tokens_[k].upper && tokens_[k].space;
         ++k) {
      if (tokens_[k].folded.size() == 1 && k + 1 < tokens_.size() &&
          tokens_[k + 1].kind == Kind::latin && name_word(k + 1))
        continue;
      if (has(k, kParticle) && k + 1 < tokens_.size() && strict(k + 1)) continue;
      if (has(k, kNumberCues) || (in(k, kWord) && !name_word(k))) break;
      if (has(k, kFunction | kPersonVerb | kNameCue | kWeakNameCue | kTitle | kOrganisation)) break;
      if (in(k, kWord) && !in(k, kFamily)) break;
      ++words;
      if (strict(k)) ++names;
      last = k;
    }
    const Before cue = before(i);
    const int verb = after(last);
    std::size_t places = 0;
    for (std::size_t k = i; k <= last; ++k) places += placed(k) ? 1U : 0U;
    double score = 0;
    if (words >= 2)
      score = names >= 2 ? 0.7 : names == 1 && in(i, kGiven) ? 0.55 : 0.2;
    else if (names == 1)
      score = in(i, kGiven) ? 0.42 : 0.3;
    else
      score = 0.1;
    if (words == 1 && tokens_[i].folded.size() <= 3) score -= 0.15;
    if (no_capitals_ && names > 0) score += 0.12;
    if (places > 0) score -= 0.3;
    if (cue.title)
      score = std::max(score, 0.8);
    else if (cue.strong)
      score += names > 0 ? 0.3 : 0.4;
    else if (cue.weak)
      score += names > 0 ? 0.1 : 0;
    if (verb == 2) score += names > 0 ? 0.2 : 0.1;
    if (organisation_after(last)) score -= 0.4;
    if (i > 0 && has(i - 1, kPlaceCue) && !cue.strong && !cue.title) score -= 0.3;
    if (score >= 0.3) add(i, last, std::min(score, 0.9));
    return last + 1;
  }

  // Arabic writing -----------------------------------------------------------------------------

  // A name of the lists, perhaps with a one-letter word before it: wa, li, bi, fa, ka. skip: bytes
  // of that.
  struct ArabicName {
    std::uint32_t lists = 0;
    std::uint32_t skip = 0;
    bool warm = false;
  };
  [[nodiscard]] ArabicName arabic_name(std::size_t i) const {
    ArabicName name;
    if (i >= tokens_.size() || tokens_[i].kind != Kind::arabic) return name;
    const Token& token = tokens_[i];
    name.lists = token.lists & (kGiven | kFamily);
    name.warm = (token.cues & kWarm) != 0;
    if (name.lists == 0 && token.cues == 0 && token.folded.size() > 6) {
      const std::string_view first = token.folded.substr(0, 2);
      if (first == "و" || first == "ل" || first == "ب" || first == "ف" || first == "ك") {
        const std::string_view rest = token.folded.substr(2);
        name.lists = lists_of(rest) & (kGiven | kFamily);
        name.warm = (cues_of(rest) & kWarm) != 0;
        if (name.lists != 0) name.skip = 2;
      }
    }
    // The family of Zayd: al-Zayd
    if (name.lists == 0 && token.cues == 0 && token.lists == 0 && token.folded.starts_with("ال") &&
        token.folded.size() >= 10 && (lists_of(token.folded.substr(4)) & kGiven) != 0)
      name = {kFamily, 0, true};
    // Abdul and one of the ninety-nine, written as one
    if (name.lists == 0 && token.folded.starts_with("عبدال") && token.folded.size() > 14)
      name.lists = kGiven;
    if (has(i, kFunction | kStop)) name.lists = 0;
    if (name.lists != 0 && (token.lists & kWord) != 0) name.warm = true;
    return name;
  }
  [[nodiscard]] static bool nisba(std::string_view word) {
    return word.size() >= 10 && word.starts_with("ال") && word.ends_with("ي");
  }
  // Adjectives and nouns that look like a nisba
  [[nodiscard]] bool common_arabic(std::size_t i) const {
    static constexpr auto kCommon = std::to_array<std::string_view>(
        {"الطبي",     "الصحي",    "الرئيسي", "الحالي",   "التالي",   "الماضي",  "السعودي",
         "العربي",    "الوطني",   "المدني",  "البريدي",  "الشخصي",   "العائلي", "الاساسي",
         "النهائي",   "الداخلي",  "الخارجي", "الجراحي",  "القلبي",   "الرقمي",  "الالكتروني",
         "الهاتفي",   "الدوري",   "اليومي",  "السريري",  "المخبري",  "الشعاعي", "العلاجي",
         "الدوائي",   "النفسي",   "العصبي",  "الهضمي",   "التنفسي",  "الكلوي",  "السكري",
         "الاستشاري", "الاخصائي", "الجامعي", "المركزي",  "التخصصي",  "الملكي",  "العسكري",
         "الحكومي",   "الاهلي",   "الدولي",  "العام",    "الثاني",   "الاولي",  "التامين",
         "الذي",      "التي",     "الهجري",  "الميلادي", "الجنوبي",  "الشمالي", "الشرقي",
         "الغربي",    "الفوري",   "الطارئ",  "المبدئي",  "الايراني", "المصري",  "الهندي",
         "البلدي",    "الرسمي",   "المالي",  "القانوني", "الوعي",    "المشي",   "الوريدي",
         "الفموي",    "العضلي",   "الجلدي",  "السني",    "البولي",   "المعوي",  "المعدي",
         "الوراثي",   "المناعي"});
    return std::find(kCommon.begin(), kCommon.end(), tokens_[i].folded) != kCommon.end();
  }
  [[nodiscard]] bool arabic_stop(std::size_t i) const {
    if (has(i, kStop)) return true;
    return has(i, kOrganisation | kDistrict | kMonth | kPhoneCue | kNationalCue | kMrnCue |
                      kDateCue | kZipCue | kAddressCue | kAgeCue | kOrderCue | kMeasure |
                      kPassportCue | kCardCue | kIbanCue) &&
           arabic_name(i).lists == 0;
  }

  struct ArabicCue {
    bool title = false, strong = false, speech = false, colon = false;
  };
  [[nodiscard]] ArabicCue arabic_cue(std::size_t i) const {
    ArabicCue cue;
    std::size_t k = i;
    bool stop = false;
    while (k > 0 && tokens_[k - 1].kind == Kind::sign &&
           std::string_view("\":'(*./=-_>").find(tokens_[k - 1].folded) != std::string_view::npos) {
      cue.colon = cue.colon || tokens_[k - 1].folded == ":" || tokens_[k - 1].folded == "=";
      stop = stop || tokens_[k - 1].folded == ".";
      --k;
    }
    if (k == 0) return cue;
    const Token& word = tokens_[k - 1];
    if (word.kind == Kind::latin) {
      cue.strong = (word.cues & kNameCue) != 0 && cue.colon;
      cue.title = (word.cues & kTitle) != 0;
      return cue;
    }
    if (word.kind != Kind::arabic) return cue;
    const std::size_t letters = word.folded.size() / 2;
    const bool slash = k < i && (sign(k, ".") || sign(k, "/"));
    // A single letter is a title only with its point or slash.
    if ((word.cues & kTitle) != 0 && (letters > 1 || slash)) cue.title = true;
    if (stop && !cue.title) return {};
    static constexpr auto kSpoken = std::to_array<std::string_view>(
        {"كلمت",   "كلمني",  "كلمتني", "بلغت",   "بلغني",  "ابلغت", "ابلغني", "ابلغنا", "سالت",
         "قابلت",  "قابلني", "شفت",    "زرت",    "حولت",   "حولني", "حولتني", "رافقت",  "اخبرت",
         "اخبرني", "بلغوا",  "كلموا",  "اسالوا", "راجعنا", "زارنا", "زارتنا", "عاينت",  "كشفت"});
    cue.speech = k == i && std::find(kSpoken.begin(), kSpoken.end(), word.folded) != kSpoken.end();
    if ((word.cues & kNameCue) != 0) cue.strong = true;
    if (k >= 2 && tokens_[k - 1].kind == Kind::arabic &&
        (folded(k - 1) == "هو" || folded(k - 1) == "هي" || folded(k - 1) == "الكامل" ||
         folded(k - 1) == "الثلاثي" || folded(k - 1) == "الرباعي") &&
        has(k - 2, kNameCue))
      cue.strong = true;
    // The name of the patient: strong, with a colon certain
    if (cue.strong && cue.colon) cue.title = true;
    if (word.folded == "اسمي" || word.folded == "اسمه" || word.folded == "اسمها" ||
        word.folded == "باسم")
      cue.title = true;
    if (word.folded == "السلام" || word.folded == "السيره") cue = {};
    return cue;
  }

  // A gift of God: one given name of two words
  [[nodiscard]] bool with_allah(std::size_t i) const {
    return has(i, kAllah) && folded(i + 1) == "الله" &&
           (i == 0 || (folded(i - 1) != "ان" && folded(i - 1) != "ما"));
  }
  // "God's mercy", "by God's grace": said of people more often than a name of theirs.
  [[nodiscard]] bool pious(std::size_t i) const {
    return (has(i, kWarm) || in(i, kWord)) && with_allah(i);
  }
  // What people do, or are told in a message
  [[nodiscard]] bool arabic_after(std::size_t last) const {
    static constexpr auto kAfter = std::to_array<std::string_view>(
        {"موعدك",  "موعدكم", "نذكرك", "نذكركم", "نود",    "يعاني", "تعاني", "يشكو",  "تشكو",
         "قال",    "قالت",   "حضر",   "حضرت",   "راجع",   "راجعت", "اتصل",  "اتصلت", "طلب",
         "طلبت",   "يشتكي",  "تشتكي", "افاد",   "افادت",  "ذكر",   "ذكرت",  "يسكن",  "تسكن",
         "يتناول", "تتناول", "يبلغ",  "تبلغ",   "يقول",   "تقول",  "يرد",   "ترد",   "رد",
         "ردت",    "يبي",    "تبي",   "يبغي",   "تبغي",   "يريد",  "تريد",  "يطلب",  "تطلب",
         "يسال",   "تسال",   "جاء",   "جاءت",   "جا",     "جت",    "راح",   "راحت",  "عنده",
         "عندها",  "دخل",    "دخلت",  "وصل",    "وصلت",   "رفض",   "رفضت",  "وافق",  "وافقت",
         "وقع",    "وقعت",   "عمره",  "عمرها",  "مواليد", "بلغ",   "بلغت",  "احتاج", "احتاجت",
         "كلمني",  "كلمتني", "كتب",   "كتبت",   "انتظر",  "ينتظر", "تنتظر", "حجز",   "حجزت",
         "تعب",    "تعبت",   "طاح",   "طاحت"});
    const std::size_t n =
        last + 1 + (folded(last + 1) == "ما" || folded(last + 1) == "لم" ? 1U : 0U);
    return std::find(kAfter.begin(), kAfter.end(), folded(n)) != kAfter.end();
  }
  [[nodiscard]] bool links(std::string_view w) const {
    return w == "بن" || w == "بنت" || w == "ابن";
  }
  // Not in the lists, and nothing speaks against it.
  [[nodiscard]] bool may_name(std::size_t i) const {
    return i < tokens_.size() && tokens_[i].kind == Kind::arabic && tokens_[i].folded.size() >= 6 &&
           tokens_[i].cues == 0 && (tokens_[i].lists & kWord) == 0 && !places_[i] &&
           !common_arabic(i);
  }
  // The name ends here: a sign, a line, or a word that is in no name.
  [[nodiscard]] bool closes(std::size_t i) const {
    return i >= tokens_.size() || tokens_[i].kind != Kind::arabic || has(i, kStop);
  }

  std::size_t arabic(std::size_t i) {
    const Token& token = tokens_[i];
    // Abd and what follows, Abu and what follows, are one name.
    const bool compound = (token.folded == "عبد" || token.folded == "ابو" ||
                           token.folded == "ابي" || token.folded == "ام" || token.folded == "ال") &&
                          i + 1 < tokens_.size() && tokens_[i + 1].kind == Kind::arabic;
    const ArabicName first = arabic_name(i);
    const ArabicCue cue = arabic_cue(i);
    const bool abd =
        (compound && token.folded == "عبد" && folded(i + 1).starts_with("ال")) || with_allah(i);
    const bool kunya =
        compound && !abd && token.folded != "عبد" &&
        (arabic_name(i + 1).lists != 0 || ((cue.title || cue.strong) && may_name(i + 1)));
    const bool linked = may_name(i) && i + 2 < tokens_.size() && links(folded(i + 1)) &&
                        arabic_name(i + 2).lists != 0;
    const bool followed = may_name(i) && i + 1 < tokens_.size() &&
                          tokens_[i + 1].kind == Kind::arabic && !has(i + 1, kStop) &&
                          (arabic_name(i + 1).lists != 0 ||
                           (nisba(folded(i + 1)) && !common_arabic(i + 1)) || with_allah(i + 1)) &&
                          arabic_name(i + 1).skip == 0;
    const bool open =
        linked || (cue.strong && followed) ||
        (cue.title && !arabic_stop(i) && !has(i, kTitle | kNameCue | kFunction | kFiller) &&
         !placed(i) && token.folded.size() >= 6);
    if (first.lists == 0 && !abd && !kunya && !open) return i + 1;
    // The doctor on duty: , Doctor, very happy
    if (first.lists == 0 && !abd && !kunya && !linked && token.folded.starts_with("ال") &&
        !nisba(token.folded) && (sign(i + 1, ":") || sign(i + 1, "/")))
      return i + 1;
    if (first.warm && (folded(i + 1) == "جدا" || folded(i + 1) == "للغايه")) return i + 1;
    // "in the name of" is also Basem
    if (has(i, kNameCue) && !abd &&
        (arabic_name(i + 1).lists != 0 || with_allah(i + 1) || folded(i + 1) == "عبد"))
      return i + 1;
    if (has(i, kStop) && !abd && !kunya) return i + 1;
    if (placed(i) && !cue.title && !cue.strong && (first.lists & kGiven) == 0) return i + 1;
    if (i > 0 && has(i - 1, kOrganisation) && tokens_[i - 1].kind == Kind::arabic && !cue.title)
      return skip_chain(i);
    if (has(i, kTitle | kOrganisation) && !cue.title && !cue.strong) return i + 1;
    if (has(i, kNameCue) && (first.lists & kGiven) == 0) return i + 1;

    std::size_t last = i;
    std::size_t strong_names = 0, warm_names = 0, families = 0, unknown = 0, link_count = 0;
    const auto count = [&](std::size_t at, const ArabicName& name) {
      if (name.lists == 0)
        ++unknown;
      else if (name.warm)
        ++warm_names;
      else
        ++strong_names;
      if ((name.lists & kFamily) != 0 && at > i) ++families;
    };
    std::size_t k = i;
    if (abd || kunya) {
      last = i + 1;
      ++strong_names;
      k = i + 2;
    } else {
      count(i, first);
      k = i + 1;
    }
    std::size_t parts = 1;
    while (k < tokens_.size() && parts < kLongestName && tokens_[k].kind == Kind::arabic &&
           tokens_[k].space) {
      const std::string_view w = folded(k);
      if ((w == "بن" || w == "بنت" || w == "ابن" || w == "ال" || w == "ابو" || w == "ابي" ||
           w == "عبد") &&
          k + 1 < tokens_.size() && tokens_[k + 1].kind == Kind::arabic &&
          (arabic_name(k + 1).lists != 0 || w == "عبد" ||
           (!arabic_stop(k + 1) && (w == "بن" || w == "بنت" || w == "ال")))) {
        ++link_count;
        if (w == "عبد" || w == "ابو") ++strong_names;
        // bin abd al-...: the compound after a link
        if ((w == "بن" || w == "ابن" || w == "بنت") && folded(k + 1) == "عبد" &&
            k + 2 < tokens_.size())
          ++k;
        last = k + 1;
        if (with_allah(k + 1)) {
          ++strong_names;
          ++last;
          ++k;
        } else if (arabic_name(k + 1).lists != 0) {
          count(k + 1, arabic_name(k + 1));
        }
        k += 2;
        ++parts;
        continue;
      }
      if (with_allah(k)) {
        ++strong_names;
        last = k + 1;
        k += 2;
        ++parts;
        continue;
      }
      // Abd al-Hamid al-Sayyid: a title that is the last name
      if (w == "السيد" && strong_names > 0 && closes(k + 1)) {
        ++families;
        last = k++;
        ++parts;
        continue;
      }
      // Salim, the witness: Ali
      if (w == "الله" ||
          (w.starts_with("ال") && !nisba(w) && sign(k + 1, ":") && arabic_name(k + 2).lists != 0))
        break;
      const ArabicName name = arabic_name(k);
      if (name.skip != 0 && (name.lists & kFamily) == 0) break;
      if (name.lists != 0 && !arabic_stop_word(k)) {
        if (name.skip != 0) break;
        count(k, name);
        last = k;
      } else if (nisba(w) && !common_arabic(k) && !arabic_stop(k) && !placed_alone(k)) {
        ++families;
        last = k;
      } else if (may_name(k) && unknown < 2 && strong_names + warm_names > 0 &&
                 (arabic_name(k + 1).lists != 0 ||
                  (k + 1 < tokens_.size() && nisba(folded(k + 1)) && !common_arabic(k + 1) &&
                   !has(k + 1, kStop))) &&
                 arabic_name(k + 1).skip == 0 && tokens_[k + 1].space &&
                 (cue.title || cue.strong || strong_names > 0)) {
        ++unknown;  // between names
        last = k;
      } else if (may_name(k) && unknown < 2 &&
                 ((closes(k + 1) && (cue.title || cue.strong || parts >= 2)) ||
                  w.starts_with("ال") || w.starts_with("با")) &&
                 (strong_names + warm_names > 0 || (cue.title && parts == 1 && closes(k + 1))) &&
                 (cue.title || cue.strong || strong_names > 0) && !w.starts_with("ي") &&
                 !w.starts_with("ت") && !w.starts_with("و") &&
                 !w.starts_with("ب"
                                "ال") &&
                 !w.starts_with("لل")) {
        ++unknown;  // the family name
        ++families;
        last = k;
      } else {
        break;
      }
      ++k;
      ++parts;
    }
    double score = 0;
    const std::size_t known = strong_names + warm_names;
    if (cue.title)
      score = known > 0 ? 0.93 : 0.62;
    else if (cue.strong)
      score = strong_names > 0 || parts > 1 ? 0.88 : known > 0 ? 0.62 : 0;
    else if (link_count > 0)
      score = known > 0 ? 0.88 : 0.4;
    else if (parts >= 3)
      score = strong_names > 0 ? 0.88 : 0.6;
    else if (parts == 2 && families > 0 && known > 0 && arabic_after(last))
      score = 0.8;
    else if (parts == 2)
      score = strong_names > 0 ? 0.8 : families > 0 ? 0.6 : 0.4;
    else
      score = strong_names > 0 ? ((first.lists & kGiven) != 0 || abd || kunya ? 0.55 : 0.5) : 0.25;
    if (parts == 1 && (first.lists & kGiven) == 0 && !abd && !kunya && !cue.title && !cue.strong)
      score = std::min(score, 0.4);
    if (!cue.title && !cue.strong && known > 0 && cue.speech) score += parts == 1 ? 0.12 : 0.2;
    // The witness: Ali Hasan
    if (!cue.title && !cue.strong && known >= 2 && parts >= 2 && cue.colon)
      score = std::max(score, 0.6);
    if (parts == 1 && pious(i) && !cue.title && !cue.strong) score = std::min(score, 0.4);
    if (parts == 1 && !cue.title && !cue.strong && arabic_after(last))
      score += first.warm ? 0.27 : 0.2;
    if (parts == 1 && placed(i) && !cue.title) score -= 0.3;
    if (parts == 1 && first.skip != 0 && !cue.title && !cue.strong) {
      // And Sara: beside another name
      const bool beside = i > 0 && !out_.empty() && out_.back().kind == Class::name &&
                          out_.back().end == tokens_[i - 1].end && out_.back().score >= 0.45;
      score += beside ? 0.05 : -0.08;
    }
    if (parts == 1 && token.folded.size() <= 6 && !cue.title && !cue.strong && !kunya && !abd)
      score -= 0.15;
    if (unknown > 0 && !cue.title) score -= 0.1;
    if (score >= 0.3) {
      Candidate found{Class::name, token.begin + (first.skip != 0 && !abd ? first.skip : 0),
                      tokens_[last].end, score};
      out_.push_back(found);
    }
    return last + 1;
  }
  [[nodiscard]] bool placed_alone(std::size_t i) const {
    return placed(i) && (tokens_[i].lists & (kGiven | kFamily)) == 0;
  }
  [[nodiscard]] bool arabic_stop_word(std::size_t i) const {
    return has(i, kFunction) || (has(i, kNameCue | kTitle) && !in(i, kGiven)) ||
           (arabic_name(i).warm && arabic_stop(i));
  }
  // The name of a hospital or a street
  [[nodiscard]] std::size_t skip_chain(std::size_t i) const {
    while (i < tokens_.size() && tokens_[i].kind == Kind::arabic &&
           (arabic_name(i).lists != 0 || has(i, kParticle)))
      ++i;
    return i;
  }

  const std::vector<Token>& tokens_;
  Candidates& out_;
  std::vector<bool> places_;
  bool no_capitals_ = false;
};

}  // namespace

void find_names(const Text& text, Candidates& out) {
  Names(text, out).run();
}

}  // namespace rabt::phi
