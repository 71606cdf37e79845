#include "hub/phi/latin_names.hpp"

// Cues before, behind and beside a name in Latin writing.
namespace rabt::phi {

LatinNames::Before LatinNames::before(std::size_t i) const {
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

int LatinNames::after(std::size_t last) const {
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
        {"alert", "admitted", "seen", "discharged", "oriented", "stable", "referred", "transferred",
         "diagnosed", "advised", "born", "reviewed", "married", "allergic", "complaining", "awake",
         "afebrile", "a", "an"});
    for (const std::string_view word_of_people : kOfPeople)
      if (folded(n + 1) == word_of_people && word_of_people.size() > 2) return 2;
  }
  if (w == "is" || w == "was" || w == "has" || w == "had" || w == "will" || w == "calls" ||
      w == "takes" || w == "began" || w == "works" || w == "added" || w == "arrived" ||
      w == "received" || w == "needs" || w == "reports" || w == "wants")
    return 1;
  return 2;
}

bool LatinNames::organisation_after(std::size_t last) const {
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
  for (std::size_t k = n; k < n + 4 && k < tokens_.size() && tokens_[k].kind == Kind::latin; ++k) {
    if (!tokens_[k].upper && !no_capitals_) break;
    if (has(k, kOrganisation) || (has(k, kStreet) && folded(k) != "dr")) return true;
    if (no_capitals_) break;
  }
  return false;
}

bool LatinNames::phone_after(std::size_t last) const {
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

bool LatinNames::turned(std::size_t first, std::size_t last) const {
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

bool LatinNames::firm(std::size_t first, std::size_t last) const {
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
    // Given names in a row are people; where the first is a family name as well, the row is longer.
    const bool longer = a >= 2 && sign(a - 1, ",") && in(a - 2, kGiven);
    return !(in(a, kGiven) && (!in(a, kFamily) || longer) && in(a + 2, kGiven) &&
             in(a + 4, kGiven));
  }
  return false;
}

bool LatinNames::beside_before(std::size_t first) const {
  if (first < 2 || out_.empty() || out_.back().kind != Class::name || out_.back().score < 0.5)
    return false;
  const bool joined = folded(first - 1) == "and" || sign(first - 1, ",") || sign(first - 1, "&");
  return joined && out_.back().end == tokens_[first - 2].end;
}

bool LatinNames::beside_after(std::size_t last) const {
  if (last + 2 >= tokens_.size() || !strict(last + 2) || !tokens_[last + 2].upper) return false;
  return folded(last + 1) == "and" || (sign(last + 1, ",") && in(last + 2, kGiven));
}

}  // namespace rabt::phi
