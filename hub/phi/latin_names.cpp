#include "hub/phi/latin_names.hpp"

namespace rabt::phi {

namespace {

// Endings that only family names have; long enough not to be chance.
bool family_ending(std::string_view word) {
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

}  // namespace

bool LatinNames::member(std::size_t i) const {
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
    return name_word(i) && !has(i, kFunction | kTitle | kMonth | kWeekday | kUnit) && !in(i, kWord);
  if (tokens_[i].all_upper && tokens_[i].folded.size() <= 3)
    return has(i, kParticle) && i + 1 < tokens_.size() && tokens_[i + 1].all_upper &&
           name_word(i + 1);  // abbreviations
  return true;
}

bool LatinNames::sentence_start(std::size_t i) const {
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

std::size_t LatinNames::chain(std::size_t i) const {
  std::size_t last = i;
  std::size_t k = i + 1;
  while (k < tokens_.size() && k - i < 2 * kLongestName) {
    std::size_t next = k;
    const bool point = initial(last) && sign(next, ".") && glued(next);
    const bool hyphen =
        sign(next, "-") && glued(next) && next + 1 < tokens_.size() && glued(next + 1);
    if (point || hyphen)
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
        (folded(next) == "e" || folded(next) == "y" || folded(next) == "o" || folded(next) == "a" ||
         folded(next) == "st") &&
        !strict(p))
      break;
    last = p;
    k = p + 1;
  }
  return last;
}

std::size_t LatinNames::read(std::size_t i) {
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

void LatinNames::split(std::size_t first, std::size_t last) {
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
    if (in(i, kInflected) && !in(i, kWord | kGiven) && i == from && sentence_start(i)) return true;
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

bool LatinNames::stands_alone(std::size_t i) const {
  return !((i > 0 && glued(i) && tokens_[i - 1].kind != Kind::line && !sign(i - 1, "\"") &&
            !sign(i - 1, "(") && !sign(i - 1, ">")) ||
           (i + 1 < tokens_.size() && glued(i + 1) && tokens_[i + 1].kind != Kind::line &&
            !sign(i + 1, ".") && !sign(i + 1, ",") && !sign(i + 1, ":") && !sign(i + 1, "?") &&
            !sign(i + 1, "!") && !sign(i + 1, "'") && !sign(i + 1, ")") && !sign(i + 1, "\"") &&
            !sign(i + 1, "-")));
}

std::size_t LatinNames::lower(std::size_t i) {
  const bool plain =
      in(i, kWord | kInflected) ||
      has(i, kFunction | kTitle | kNameCue | kWeakNameCue | kPersonVerb | kMonth | kWeekday);
  if (plain || tokens_[i].end - tokens_[i].begin < 3) return i + 1;
  if (!stands_alone(i)) return i + 1;
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

LatinNames::Chain LatinNames::count(std::size_t first, std::size_t last) const {
  Chain chain{.first = first, .last = last};
  for (std::size_t i = first; i <= last; ++i) {
    if (tokens_[i].kind != Kind::latin) continue;
    if (initial(i)) {
      ++chain.initials;
      continue;
    }
    if (has(i, kParticle) && !tokens_[i].upper) continue;
    if ((folded(i) == "al" || folded(i) == "el" || folded(i) == "bin" || folded(i) == "abu" ||
         folded(i) == "ibn") &&
        i < last) {
      ++chain.article;
      continue;
    }
    ++chain.words;
    const bool name = name_word(i);
    if (in(i, name ? kWord : kWord | kInflected))
      ++chain.doubtful;
    else if (name) {
      ++chain.names;
      if (in(i, kGiven)) ++chain.given;
    } else
      ++chain.unknown;
    if (placed(i)) ++chain.places;
  }
  return chain;
}

void LatinNames::weigh(std::size_t first, std::size_t last, std::size_t chain_last) {
  // A single letter at the end is an initial only inside a name.
  while (last > first && initial(last)) --last;
  Chain chain = count(first, last);
  if (chain.words == 0) return;
  chain.cue = before(first);
  chain.verb = after(last);
  chain.ending = family_ending(tokens_[last].folded);
  chain.start = sentence_start(first);
  double score = 0;
  if (chain.cue.title) {
    score = 0.92;
  } else {
    score = chain.words >= 2 ? score_several(chain) : score_one(chain);
    if (!chain.cue.strong) score = less_doubts(chain, score);
  }
  if (organisation_after(last) || (last < chain_last && has(last + 1, kOrganisation)))
    score = chain.cue.title ? 0.6 : std::min(score - 0.4, 0.45);
  if (score < 0.3) return;
  // A suffix belongs to the name.
  std::size_t to = last;
  if (has(to + 1, kSuffix) && tokens_[to + 1].upper &&
      (folded(to + 1) == "jr" || folded(to + 1) == "sr" || folded(to + 1) == "ii" ||
       folded(to + 1) == "iii"))
    ++to;
  add(first, to, std::min(score, 0.97));
}

double LatinNames::score_several(const Chain& chain) const {
  const std::size_t first = chain.first;
  const std::size_t last = chain.last;
  double score = 0;
  if (chain.given > 0 && chain.names + chain.doubtful + chain.unknown == chain.words) {
    score = in(first, kGiven) && strict(first) ? 0.88 : 0.75;
    if (chain.unknown > 0 && chain.places > 0) score -= 0.2;
  } else if (chain.names > 0) {
    score = 0.7;
  } else if (chain.doubtful == chain.words) {
    score = in(first, kGiven) && in(last, kFamily) && !chain.start ? 0.45 : 0.35;
  } else if (chain.ending) {
    score = 0.68;
  } else {
    // Two capitalised words that no list knows are more often a name than anything else.
    score = chain.unknown == chain.words ? 0.5 : 0.35;
  }
  if (chain.initials > 0 && (chain.names > 0 || chain.unknown > 0)) score = std::max(score, 0.72);
  if (chain.article > 0) score += 0.1;
  if (chain.places == chain.words)
    score -= 0.45;
  else if (chain.places > 0)
    score -= chain.names > chain.places ? 0.05 : 0.25;
  if (chain.cue.strong)
    score += 0.35;
  else if (chain.cue.speech)
    score += 0.2;
  else if (chain.cue.weak)
    score += 0.15;
  if (chain.verb > 0) score += chain.verb == 2 ? 0.3 : 0.12;
  if (folded(last + 1) == "from") score += 0.15;
  return score;
}

double LatinNames::score_one(const Chain& chain) const {
  const std::size_t first = chain.first;
  const std::size_t last = chain.last;
  double score = 0;
  const bool place = chain.places > 0;
  if (chain.names > 0) {
    score = chain.given > 0 ? 0.6 : 0.52;
    if (in(first, kGiven) && in(first, kFamily)) score = 0.6;
    if (in(first, kInflected)) score -= 0.05;
    if (place) score -= chain.given > 0 ? 0.1 : 0.25;
    if (tokens_[first].folded.size() <= 3) score -= 0.15;
    if (tokens_[first].all_upper) score -= 0.1;
  } else if (chain.doubtful > 0) {
    score = name_word(first) ? (!chain.start ? 0.3 : chain.verb == 2 ? 0.16 : 0.1) : 0.1;
    if (place) score -= 0.1;
  } else {
    score = 0.25;
    if (chain.ending) score = 0.5;
    if (place) score -= 0.4;
    if (tokens_[first].all_upper) score -= 0.15;
  }
  if (chain.article > 0) score = std::max(score, chain.unknown > 0 ? 0.5 : 0.6);
  if (chain.cue.strong)
    score += chain.names > 0 ? 0.35 : chain.unknown > 0 ? 0.4 : chain.cue.key ? 0.42 : 0.25;
  else if (chain.cue.speech)
    score += 0.25;
  else if (chain.cue.weak)
    score += chain.unknown > 0 && !chain.ending ? 0.1 : 0.12;
  if (chain.verb > 0 && !place)
    score += chain.verb == 2 ? 0.35 : chain.unknown > 0 && chain.start ? 0.12 : 0.15;
  if (first > 0 && has(first - 1, kPlaceCue) && !chain.cue.strong) score -= place ? 0.3 : 0.15;
  if (!place && !has(first, kNumberCues) && phone_after(last)) score += 0.15;
  if (!place && turned(first, last)) score += chain.unknown > 0 ? 0.4 : 0.25;
  // Beside another name: Muslija and Pearson
  if (score >= 0.2 && !place) {
    if (beside_after(last))
      score += 0.3;
    else if (beside_before(first))
      score += 0.15;
  }
  return score;
}

double LatinNames::less_doubts(const Chain& chain, double score) const {
  const std::size_t first = chain.first;
  const std::size_t last = chain.last;
  // A street, a score, a room: a number stands behind.
  if (last + 1 < tokens_.size() && tokens_[last + 1].kind == Kind::number &&
      tokens_[last + 1].folded.size() <= 4 && !phone_after(last))
    score -= 0.25;
  if (first >= 2 && (folded(first - 1) == "for" || folded(first - 1) == "at") &&
      (folded(first - 2).starts_with("work") || folded(first - 2) == "employed"))
    score -= 0.3;
  if (chain.words == 1 && chain.unknown == 1 && !chain.ending && chain.verb == 1)
    score = std::min(score, 0.5);
  if (chain.words >= 2 && chain.given == 0 && first > 0 && has(first - 1, kPlaceCue)) score -= 0.3;
  if (firm(first, last)) score = std::min(score, 0.4);
  // Two family names with a hyphen and nothing else are a firm.
  if (chain.words == 2 && last == first + 2 && sign(first + 1, "-") &&
      !(in(first, kGiven) && in(last, kGiven)))
    score -= 0.3;
  return score;
}

}  // namespace rabt::phi
