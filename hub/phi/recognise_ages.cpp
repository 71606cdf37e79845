#include <algorithm>
#include <array>

#include "hub/phi/recognise.hpp"
#include "hub/phi/words.hpp"

namespace rabt::phi {

namespace {

int tens_word(std::string_view word) {
  if (word == "ninety" || word == "تسعين" || word == "تسعون" || word == "وتسعين" ||
      word == "وتسعون" || word == "والتسعين" || word == "والتسعون" || word == "التسعين")
    return 90;
  if (word == "hundred" || word == "مئه" || word == "مائه" || word == "المئه" || word == "المائه")
    return 100;
  return 0;
}

bool unit_word(std::string_view word) {
  static constexpr auto kUnits = std::to_array<std::string_view>(
      {"one",    "two",    "three",  "four",   "five",   "six",    "seven",  "eight",
       "nine",   "ten",    "واحد",   "اثنين",  "اثنان",  "ثلاث",   "ثلاثه",  "اربع",
       "اربعه",  "خمس",    "خمسه",   "ست",     "سته",    "سبع",    "سبعه",   "ثمان",
       "ثماني",  "ثمانيه", "تسع",    "تسعه",   "احدي",   "الواحد", "الثالث", "الرابع",
       "الخامس", "السادس", "السابع", "الثامن", "التاسع", "الثاني", "واحده",  "اثنتين"});
  for (const std::string_view unit : kUnits)
    if (word == unit) return true;
  return false;
}

// Ages of 90 and more, as figures and as words.
class Ages : Words {
 public:
  Ages(const Text& text, Candidates& out) : Words(text.tokens()), text_(text), out_(out) {}

  void run();

 private:
  [[nodiscard]] bool years(std::size_t i) const;
  // True if an age's words follow at i: years old, y/o, -year-old
  [[nodiscard]] bool told_after(std::size_t i) const;
  // True if the words before i make it an age.
  [[nodiscard]] bool told_before(std::size_t i) const;
  void figures(std::size_t i);
  // tens: the tens that the word i names.
  void spoken(std::size_t i, int tens);
  void add(std::size_t first, std::size_t last, double score) {
    out_.push_back({Class::age, tokens_[first].begin, tokens_[last].end, score});
  }

  const Text& text_;
  Candidates& out_;
};

void Ages::run() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (token.kind == Kind::number) {
      figures(i);
    } else if (token.folded == "nonagenarian" || token.folded == "centenarian") {
      add(i, i, 0.8);
    } else if (const int tens = tens_word(token.folded); tens != 0) {
      spoken(i, tens);
    }
  }
}

bool Ages::years(std::size_t i) const {
  const std::string_view w = folded(i);
  return w == "year" || w == "years" || w == "yr" || w == "yrs" || w == "yo" || w == "y" ||
         w == "سنه" || w == "عاما" || w == "عام" || w == "سنوات";
}

bool Ages::told_after(std::size_t i) const {
  std::size_t n = i;
  if (folded(n) == "-") ++n;
  if (folded(n) == "yo") return true;
  if (folded(n) == "y" && (folded(n + 1) == "/" || folded(n + 1) == ".") && folded(n + 2) == "o")
    return true;
  if (folded(n) == "y" && folded(n + 1) == "o") return true;
  if (!years(n)) return false;
  ++n;
  if (folded(n) == "-") ++n;
  return folded(n) == "old" || (folded(n) == "of" && folded(n + 1) == "age");
}

bool Ages::told_before(std::size_t i) const {
  static constexpr auto kBetween = std::to_array<std::string_view>(
      {"of",  "is",    "was",   "at",    "now",    "about",   "years",  "الان",
       "هو",  "يناهز", "تناهز", "قرابه", "يقارب",  "حوالي",   "نحو",    "في",
       "عند", "يبلغ",  "تبلغ",  "من",    "المريض", "المريضه", "والمئه", "patient"});
  for (std::size_t back = 1; back <= 5 && back <= i; ++back) {
    const Token& token = tokens_[i - back];
    if (token.kind == Kind::line || token.kind == Kind::number) return false;
    if ((token.cues & kAgeCue) != 0) return true;
    if (token.folded == "turned" || token.folded == "turns" || token.folded == "turning")
      return back == 1;
    if (token.kind == Kind::sign) {
      if (token.folded == "." || token.folded == "," || token.folded == ";") return false;
      continue;
    }
    if (std::find(kBetween.begin(), kBetween.end(), token.folded) == kBetween.end()) return false;
  }
  return false;
}

void Ages::figures(std::size_t i) {
  if (!number(i, 2, 3)) return;
  const int value = value_of(folded(i));
  if (value < 90 || value > 130 || !starts_alone(text_, i)) return;
  const bool after = told_after(i + 1);
  const std::string_view next = folded(i + 1);
  const bool fraction = next == "%" || next == "/" ||
                        (next == "." && is(i + 2, Kind::number) && !tokens_[i + 2].space);
  if (fraction && !after) return;
  if (after || told_before(i)) return add(i, i, 0.93);
  const std::string_view word = i > 0 ? folded(i - 1) : std::string_view();
  const std::string_view behind = folded(i + 2);
  // Noor, 91 years,
  if ((word == "," || word == "(") && years(i + 1) &&
      (behind == "," || behind == ")" || behind == "." || behind == "male" || behind == "female" ||
       behind == "m" || behind == "f"))
    return add(i, i, 0.7);
  const bool ago = word == "منذ" || word == "قبل" || word == "خلال" || word == "بعد" ||
                   word == "مده" || word == "لمده";
  if (years(i + 1) && is(i + 1, Kind::arabic) && !ago) add(i, i, 0.7);
}

void Ages::spoken(std::size_t i, int tens) {
  const bool arabic = tokens_[i].kind == Kind::arabic;
  std::size_t first = i;
  std::size_t last = i;
  if (tokens_[i].kind == Kind::latin) {
    std::size_t n = i + 1;
    if (folded(n) == "-" || folded(n) == "and") ++n;
    if (unit_word(folded(n))) last = n;
    if (tens == 100) {
      if (i == 0 || (folded(i - 1) != "one" && folded(i - 1) != "a")) return;
      first = i - 1;
    }
  } else if (i > 0 && unit_word(folded(i - 1))) {
    first = i - 1;
  } else if (tens == 100 && folded(i + 1).starts_with("و") && unit_word(folded(i + 1).substr(2))) {
    last = i + 1;
  }
  const bool decade = arabic && first > 0 && folded(first - 1) == "في" &&
                      folded(last + 1) == "من" && has(last + 2, kAgeCue);
  if (told_before(first) || told_after(last + 1) || decade ||
      (arabic && years(last + 1) && first > 0 && has(first - 1, kAgeCue)))
    add(first, last, 0.85);
}

}  // namespace

void find_ages(const Text& text, Candidates& out) {
  Ages(text, out).run();
}

}  // namespace rabt::phi
