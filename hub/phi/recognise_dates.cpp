#include <array>
#include <optional>
#include <string>

#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

int value_of(std::string_view digits) {
  int value = 0;
  for (const char c : digits.substr(0, 8)) value = value * 10 + (c - '0');
  return value;
}
bool gregorian_year(int year) {
  return year >= 1880 && year <= 2100;
}
bool hijri_year(int year) {
  return year >= 1300 && year <= 1500;
}
bool a_year(int year) {
  return gregorian_year(year) || hijri_year(year);
}

// Reads tokens; nothing here is outside the text.
class Dates {
 public:
  Dates(const Text& text, Candidates& out) : text_(text), tokens_(text.tokens()), out_(out) {}

  void run() {
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const Token& token = tokens_[i];
      if (token.kind == Token::Kind::number) {
        if (const std::size_t last = numeric(i); last > i) {
          i = last;
          continue;
        }
        compact(i);
        year(i);
      } else if ((token.cues & kMonth) != 0) {
        month(i);
      } else if ((token.cues & kWeekday) != 0) {
        weekday(i);
      }
    }
  }

 private:
  [[nodiscard]] bool number(std::size_t i, std::size_t shortest, std::size_t longest) const {
    return i < tokens_.size() && tokens_[i].kind == Token::Kind::number &&
           tokens_[i].folded.size() >= shortest && tokens_[i].folded.size() <= longest;
  }
  [[nodiscard]] int value(std::size_t i) const { return value_of(tokens_[i].folded); }
  [[nodiscard]] bool sign(std::size_t i, std::string_view what) const {
    return i < tokens_.size() && tokens_[i].kind == Token::Kind::sign && tokens_[i].folded == what;
  }
  [[nodiscard]] bool separator(std::size_t i) const {
    return sign(i, "/") || sign(i, "-") || sign(i, ".");
  }
  [[nodiscard]] std::string_view folded(std::size_t i) const {
    return i < tokens_.size() ? tokens_[i].folded : std::string_view();
  }
  void add(std::size_t first, std::size_t last, double score) {
    out_.push_back({Class::date, tokens_[first].begin, tokens_[last].end, score});
  }

  // AH, H or a single ha after a Hijri year; AD or mim after another.
  [[nodiscard]] std::size_t with_era(std::size_t last) const {
    const std::size_t next = last + 1;
    if (next >= tokens_.size()) return last;
    const std::string_view era = tokens_[next].folded;
    if (era == "ه" || era == "هجري" || era == "هجريه" || era == "ميلادي" || era == "ميلاديه" ||
        era == "ah" || (era == "م" && !sign(next + 1, ".")) || (era == "h" && !tokens_[next].space))
      return next;
    return last;
  }
  // A time after the date: T or a space, hours and minutes, perhaps more.
  [[nodiscard]] std::size_t with_time(std::size_t last) const {
    std::size_t i = last + 1;
    if (folded(i) == "t" && !tokens_[i].space) ++i;
    if (!number(i, 1, 2) || !sign(i + 1, ":") || !number(i + 2, 2, 2) || value(i) > 24 ||
        value(i + 2) > 59) {
      return last;
    }
    std::size_t end = i + 2;
    if (sign(end + 1, ":") && number(end + 2, 2, 2)) end += 2;
    if (sign(end + 1, ".") && !tokens_[end + 1].space && number(end + 2, 1, 9) &&
        !tokens_[end + 2].space)
      end += 2;
    if (folded(end + 1) == "z" && !tokens_[end + 1].space) ++end;
    if ((sign(end + 1, "+") || sign(end + 1, "-")) && !tokens_[end + 1].space &&
        number(end + 2, 2, 4) && !tokens_[end + 2].space) {
      end += 2;
      if (sign(end + 1, ":") && number(end + 2, 2, 2)) end += 2;
    }
    return end;
  }

  std::size_t numeric(std::size_t i) {
    if (!separator(i + 1) || !number(i + 2, 1, 4) || !number(i, 1, 4)) return i;
    if (i > 0 && !tokens_[i].space && tokens_[i - 1].kind == Token::Kind::latin &&
        folded(i - 1).size() < 12 && folded(i - 1) != "t")
      return i;
    // The middle of a longer chain is no date.
    if (i >= 2 && !tokens_[i].space && separator(i - 1) && !tokens_[i - 1].space &&
        tokens_[i - 2].kind == Token::Kind::number)
      return i;
    const std::string_view between = folded(i + 1);
    const bool spaced = tokens_[i + 1].space || tokens_[i + 2].space;
    if (!sign(i + 3, between) || !number(i + 4, 1, 4)) return short_date(i);
    if ((spaced || tokens_[i + 3].space || tokens_[i + 4].space) && between != "/") return i;
    if (separator(i + 5) && !tokens_[i + 5].space && i + 6 < tokens_.size() &&
        !tokens_[i + 6].space && tokens_[i + 6].kind == Token::Kind::number)
      return i;
    const std::size_t a = tokens_[i].folded.size();
    const std::size_t c = tokens_[i + 4].folded.size();
    const int x = value(i);
    const int y = value(i + 2);
    const int z = value(i + 4);
    const auto day = [](int d) { return d >= 1 && d <= 31; };
    const auto month_number = [](int m) { return m >= 1 && m <= 12; };
    if (tokens_[i + 2].folded.size() > 2) return i;
    const NumberContext context = context_before(text_, i);
    const bool cue = (context.near & kDateCue) != 0;
    const bool version = (context.direct & kOrderCue) != 0 && !cue;
    bool good = false;
    double score = 0.95;
    if (a == 4 && c <= 2) {
      good = a_year(x) && month_number(y) && day(z);
    } else if (c == 4 && a <= 2) {
      good = a_year(z) && ((day(x) && month_number(y)) || (month_number(x) && day(y)));
    } else if (c == 2 && a <= 2) {
      good = (day(x) && month_number(y)) || (month_number(x) && day(y)) ||
             (a == 2 && month_number(y) && day(z));
      score = cue ? 0.9 : between == "." ? 0.4 : between == "-" ? 0.6 : 0.7;
      if (version) score = 0.3;
    }
    if (!good) return i;
    if (version && between == ".") score = 0.3;
    std::size_t last = with_era(i + 4);
    if (last == i + 4) {
      const std::size_t timed = with_time(last);
      if (a == 4) last = timed;
    }
    add(i, last, score);
    return last;
  }

  // Two parts: a month of a year, or with the right word a day of a month.
  std::size_t short_date(std::size_t i) {
    if (tokens_[i + 1].space || tokens_[i + 2].space || !(sign(i + 1, "/") || sign(i + 1, "-")))
      return i;
    if (separator(i + 3) && !tokens_[i + 3].space && number(i + 4, 1, 9)) return i;
    const std::size_t a = tokens_[i].folded.size();
    const std::size_t b = tokens_[i + 2].folded.size();
    const int x = value(i);
    const int y = value(i + 2);
    const NumberContext context = context_before(text_, i);
    if ((a <= 2 && b == 4 && x >= 1 && x <= 12 && a_year(y)) ||
        (a == 4 && b == 2 && a_year(x) && y >= 1 && y <= 12)) {
      add(i, with_era(i + 2), (context.near & kOrderCue) != 0 ? 0.4 : 0.65);
      return i + 2;
    }
    if (a <= 2 && b <= 2 && (context.direct & kDateCue) != 0 &&
        ((x <= 31 && y <= 12) || (x <= 12 && y <= 31)) && x > 0 && y > 0) {
      add(i, i + 2, 0.6);
      return i + 2;
    }
    if (a <= 2 && b <= 2 && x > 0 && y > 0 && ((x <= 31 && y <= 12) || (x <= 12 && y <= 31)) &&
        day_of_month(i, context)) {
      add(i, i + 2, 0.55);
      return i + 2;
    }
    return i;
  }
  // Two parts with a sign between, when the words around speak of a day and not of a share, a
  // strength or a score.
  [[nodiscard]] bool day_of_month(std::size_t i, const NumberContext& context) const {
    static constexpr auto kShares = std::to_array<std::string_view>(
        {"vision", "acuity", "pain",  "power", "grade", "murmur", "score",  "gcs",
         "apgar",  "stage",  "dose",  "ratio", "match", "tablet", "eye",    "left",
         "right",  "od",     "os",    "va",    "النظر", "القوه",  "الجرعه", "النسبه",
         "درجه",   "الدرجه", "الالم", "نسبه",  "جرعه",  "بنسبه",  "العين",  "نصف"});
    const auto share = [&](std::size_t at) {
      if (at >= tokens_.size()) return false;
      if ((tokens_[at].cues & kMeasure) != 0 || sign(at, "%")) return true;
      for (const std::string_view word : kShares)
        if (tokens_[at].folded == word) return true;
      return false;
    };
    if (i == 0 || !tokens_[i].space || share(i - 1) || share(i + 3)) return false;
    const std::string_view before = folded(i - 1);
    if (before == "on" || before == "since" || before == "until" || before == "till" ||
        before == "dated" || (tokens_[i - 1].cues & kWeekday) != 0)
      return true;
    const std::string_view after = folded(i + 3);
    if (after == "الساعه" || after == "@" || (after == "at" && number(i + 4, 1, 2))) return true;
    return (context.near & kDateCue) != 0 && (context.near & kOrderCue) == 0;
  }

  // 19850412, 20240131121530: HL7 and logs. Alone it may be any number.
  void compact(std::size_t i) {
    const std::string_view digits = tokens_[i].folded;
    if (digits.size() != 8 && digits.size() != 12 && digits.size() != 14) return;
    if (!starts_alone(text_, i)) return;
    if (i + 1 < tokens_.size() && !tokens_[i + 1].space &&
        tokens_[i + 1].kind == Token::Kind::latin)
      return;
    const int y = value_of(digits.substr(0, 4));
    const int m = value_of(digits.substr(4, 2));
    const int d = value_of(digits.substr(6, 2));
    if (!a_year(y) || m < 1 || m > 12 || d < 1 || d > 31) return;
    if (digits.size() > 8 &&
        (value_of(digits.substr(8, 2)) > 23 || value_of(digits.substr(10, 2)) > 59))
      return;
    const NumberContext context = context_before(text_, i);
    const bool field =
        sign(i + 1, "|") || sign(i + 1, "^") || (i > 0 && (sign(i - 1, "|") || sign(i - 1, "^")));
    const double score = (context.direct & kDateCue) != 0  ? 0.93
                         : field                           ? 0.85
                         : (context.near & kOrderCue) != 0 ? 0.3
                         : digits.size() > 8               ? 0.6
                                                           : 0.45;
    add(i, i, score);
  }

  [[nodiscard]] bool day_number(std::size_t i) const {
    return number(i, 1, 2) && value(i) >= 1 && value(i) <= 31;
  }
  [[nodiscard]] bool year_number(std::size_t i) const {
    return number(i, 4, 4) && a_year(value(i));
  }

  void month(std::size_t i) {
    const Token& name = tokens_[i];
    const std::string_view word = name.folded;
    const bool latin = name.kind == Token::Kind::latin;
    const bool doubtful = word == "may" || word == "march" || word == "mar" || word == "dec" ||
                          word == "sept" || word == "jan" || word == "ab" || word == "اب" ||
                          word == "ماي" || word == "safar";
    if (latin && doubtful && !name.upper) return;
    std::size_t first = i;
    std::size_t last = i;
    // Months of two words: Rabi al-Awwal, Dhu al-Hijjah.
    static constexpr auto kSecond = std::to_array<std::string_view>(
        {"al",      "ul",     "el",     "awwal",   "awal",   "thani", "thaani", "akhir",
         "akhirah", "ula",    "oula",   "i",       "ii",     "1",     "2",      "hijjah",
         "hijja",   "qadah",  "qidah",  "qada",    "qaadah", "qi",    "الاول",  "الثاني",
         "الاخر",   "الاولي", "الاخره", "الثانيه", "القعده", "الحجه", "dah"});
    if (word.starts_with("rabi") || word.starts_with("juma") || word.starts_with("dhu") ||
        word.starts_with("thul") || word.starts_with("zul") || word == "ربيع" || word == "جمادي" ||
        word == "ذو" || word == "ذي" || word == "كانون" || word == "تشرين") {
      std::size_t k = i + 1;
      for (int steps = 0; steps < 5 && k < tokens_.size(); ++steps, ++k) {
        if (sign(k, "-") || sign(k, "'")) continue;
        bool known = false;
        for (const std::string_view second : kSecond) known = known || tokens_[k].folded == second;
        if (!known || tokens_[k].kind == Token::Kind::number) break;
        last = k;
      }
      if (last == i && (word == "ذو" || word == "ذي" || word == "ربيع" || word.starts_with("dhu") ||
                        word.starts_with("zul") || word.starts_with("thul") || word == "كانون" ||
                        word == "تشرين"))
        return;
    } else if ((tokens_[i].cues & kMonth) == 0 || (i > 0 && second_part(i))) {
      return;
    }
    const auto glued = [&](std::size_t at, std::string_view what) { return sign(at, what); };
    bool day = false;
    bool year = false;
    // Before: 12, 12th, the 12th of; 12-
    std::size_t b = i;
    if (b >= 1 && (glued(b - 1, "-") || glued(b - 1, "/") || glued(b - 1, ","))) --b;
    if (b >= 1 && (folded(b - 1) == "of" || folded(b - 1) == "من")) --b;
    if (b >= 1 && folded(b - 1) == "شهر") --b;
    if (b >= 1 && folded(b - 1) == "من") --b;
    if (b >= 1 &&
        (folded(b - 1) == "th" || folded(b - 1) == "st" || folded(b - 1) == "nd" ||
         folded(b - 1) == "rd") &&
        !tokens_[b - 1].space)
      --b;
    if (b >= 1 && day_number(b - 1) && !(b >= 2 && glued(b - 2, ".") && !tokens_[b - 1].space)) {
      first = b - 1;
      day = true;
    } else if (b >= 1 && b < i && (tokens_[b - 1].cues & kOrdinal) != 0) {
      first = b - 1;
      while (first > 0 && (tokens_[first - 1].cues & kOrdinal) != 0 && b - first < 3) --first;
      day = true;
    }
    // the fourth of April, the twenty-first of May; the new moon of Ramadan
    if (!day && b >= 1 && latin && tokens_[b - 1].kind == Token::Kind::latin && b < i &&
        ordinal(folded(b - 1))) {
      first = b - 1;
      if (first >= 1 && sign(first - 1, "-")) --first;
      if (first >= 1 && (folded(first - 1) == "twenty" || folded(first - 1) == "thirty"))
        --first;
      else if (first < b - 1)
        ++first;
      day = true;
    } else if (!day && b == i && b >= 1 && !latin &&
               (folded(b - 1) == "غره" || folded(b - 1) == "اول")) {
      first = b - 1;
      day = true;
    }
    // After: year, or day and year
    std::size_t n = last + 1;
    if (glued(n, "-") || glued(n, "/") || glued(n, ",") || glued(n, ".")) ++n;
    if (!day && day_number(n)) {
      std::size_t e = n;
      if (e + 1 < tokens_.size() && !tokens_[e + 1].space &&
          (folded(e + 1) == "th" || folded(e + 1) == "st" || folded(e + 1) == "nd" ||
           folded(e + 1) == "rd"))
        ++e;
      const bool counted = e + 1 < tokens_.size() && (tokens_[e + 1].cues & kMeasure) != 0;
      if (!counted && !sign(e + 1, ":") && !sign(e + 1, "%")) {
        day = true;
        last = e;
        n = e + 1;
        if (glued(n, ",")) ++n;
      }
    }
    if (n < tokens_.size() && (folded(n) == "عام" || folded(n) == "سنه" || folded(n) == "لعام" ||
                               folded(n) == "لسنه" || folded(n) == "من" || folded(n) == "of"))
      if (year_number(n + 1)) ++n;
    if (year_number(n)) {
      year = true;
      last = with_era(n);
    } else if (day && number(n, 2, 2) && !tokens_[n].space &&
               (sign(n - 1, "-") || sign(n - 1, "/"))) {
      year = true;  // 12-Mar-24
      last = n;
    }
    if (!day && !year) return;

    add(first, last, day && year ? 0.95 : day ? (doubtful ? 0.6 : 0.8) : 0.7);
  }
  [[nodiscard]] static bool ordinal(std::string_view word) {
    static constexpr auto kOrdinals = std::to_array<std::string_view>(
        {"first",      "second",     "third",     "fourth",    "fifth",       "sixth",
         "seventh",    "eighth",     "ninth",     "tenth",     "eleventh",    "twelfth",
         "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
         "nineteenth", "twentieth",  "thirtieth"});
    for (const std::string_view known : kOrdinals)
      if (word == known) return true;
    return false;
  }
  [[nodiscard]] bool second_part(std::size_t i) const {
    return tokens_[i].folded == "القعده" || tokens_[i].folded == "الحجه";
  }

  // A year alone, when a word before it says that it is one.
  void year(std::size_t i) {
    if (!number(i, 4, 4) || i == 0) return;
    const int y = value(i);
    if (!a_year(y)) return;
    if (tokens_[i].cues != 0 || !tokens_[i].space) return;
    const bool glued_after = i + 1 < tokens_.size() && !tokens_[i + 1].space &&
                             tokens_[i + 1].kind == Token::Kind::latin;
    if (glued_after) return;
    if (i + 2 < tokens_.size() && tokens_[i + 1].kind == Token::Kind::sign &&
        !tokens_[i + 1].space && !tokens_[i + 2].space &&
        tokens_[i + 2].kind == Token::Kind::number)
      return;
    const std::size_t last = with_era(i);
    if (last > i && hijri_year(y)) return add(i, last, 0.8);
    if (i + 1 < tokens_.size() && (tokens_[i + 1].cues & kMeasure) != 0) return;
    const Token& before = tokens_[i - 1];
    if (!gregorian_year(y) && before.kind != Token::Kind::arabic) return;
    if ((before.cues & kYearCue) != 0) return add(i, last, 0.55);
    // a 2017 film
    if (gregorian_year(y) && (before.folded == "a" || before.folded == "the") &&
        i + 1 < tokens_.size() && tokens_[i + 1].kind == Token::Kind::latin)
      add(i, i, 0.5);
  }

  void weekday(std::size_t i) {
    if (tokens_[i].kind == Token::Kind::arabic) return;  // these words are also numbers
    if (i > 0 && (tokens_[i - 1].cues & kRelative) != 0) return;
    add(i, i, 0.5);
  }

  const Text& text_;
  const std::vector<Token>& tokens_;
  Candidates& out_;
};

// Ages

int tens_word(std::string_view word) {
  if (word == "ninety" || word == "تسعين" || word == "تسعون" || word == "وتسعين" ||
      word == "وتسعون" || word == "والتسعين" || word == "والتسعون" || word == "التسعين")
    return 90;
  if (word == "hundred" || word == "مئه" || word == "مائه" || word == "المئه" || word == "المائه")
    return 100;
  return 0;
}

}  // namespace

void find_dates(const Text& text, Candidates& out) {
  Dates(text, out).run();
}

void find_ages(const Text& text, Candidates& out) {
  const auto& tokens = text.tokens();
  const auto folded = [&](std::size_t i) {
    return i < tokens.size() ? tokens[i].folded : std::string_view();
  };
  const auto years = [&](std::size_t i) {
    const std::string_view w = folded(i);
    return w == "year" || w == "years" || w == "yr" || w == "yrs" || w == "yo" || w == "y" ||
           w == "سنه" || w == "عاما" || w == "عام" || w == "سنوات";
  };
  // What follows makes it an age: years old, y/o, -year-old
  const auto told_after = [&](std::size_t i) {
    std::size_t n = i;
    if (folded(n) == "-") ++n;
    if (folded(n) == "yo") return true;
    if (folded(n) == "y" && (folded(n + 1) == "/" || folded(n + 1) == ".") && folded(n + 2) == "o")
      return true;
    if (folded(n) == "y" && folded(n + 1) == "o") return true;
    if (!years(n)) return false;
    ++n;
    if (folded(n) == "-") ++n;
    if (folded(n) == "old" || folded(n) == "of")
      return folded(n) == "old" || folded(n + 1) == "age";
    return false;
  };
  const auto told_before = [&](std::size_t i) {
    for (std::size_t back = 1; back <= 5 && back <= i; ++back) {
      const Token& token = tokens[i - back];
      if (token.kind == Token::Kind::line || token.kind == Token::Kind::number) return false;
      if ((token.cues & kAgeCue) != 0) return true;
      if (token.folded == "turned" || token.folded == "turns" || token.folded == "turning")
        return back == 1;
      if (token.kind == Token::Kind::sign) {
        if (token.folded == "." || token.folded == "," || token.folded == ";") return false;
        continue;
      }
      const std::string_view w = token.folded;
      if (w != "of" && w != "is" && w != "was" && w != "at" && w != "now" && w != "about" &&
          w != "years" && w != "الان" && w != "هو" && w != "يناهز" && w != "تناهز" &&
          w != "قرابه" && w != "يقارب" && w != "حوالي" && w != "نحو" && w != "في" && w != "عند" &&
          w != "يبلغ" && w != "تبلغ" && w != "من" && w != "المريض" && w != "المريضه" &&
          w != "والمئه" && w != "patient")
        return false;
    }
    return false;
  };
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::number) {
      if (token.folded.size() < 2 || token.folded.size() > 3) continue;
      const int value = value_of(token.folded);
      if (value < 90 || value > 130) continue;
      if (!starts_alone(text, i)) continue;
      const std::string_view next = folded(i + 1);
      if (next == "%" || next == "/" ||
          (next == "." && i + 2 < tokens.size() && tokens[i + 2].kind == Token::Kind::number &&
           !tokens[i + 2].space))
        if (!told_after(i + 1)) continue;
      const bool before = told_before(i);
      const bool after = told_after(i + 1);
      const bool arabic_years =
          i + 1 < tokens.size() && years(i + 1) && tokens[i + 1].kind == Token::Kind::arabic;
      const std::string_view word = i > 0 ? folded(i - 1) : std::string_view();
      const bool ago = word == "منذ" || word == "قبل" || word == "خلال" || word == "بعد" ||
                       word == "مده" || word == "لمده";
      if (before || after) {
        out.push_back({Class::age, token.begin, token.end, 0.93});
      } else if (i > 0 && (folded(i - 1) == "," || folded(i - 1) == "(") && years(i + 1) &&
                 folded(i + 2) != "ago" &&
                 (folded(i + 2) == "," || folded(i + 2) == ")" || folded(i + 2) == "." ||
                  folded(i + 2) == "male" || folded(i + 2) == "female" || folded(i + 2) == "m" ||
                  folded(i + 2) == "f")) {
        out.push_back({Class::age, token.begin, token.end, 0.7});  // Noor, 91 years,
      } else if (arabic_years && !ago) {
        out.push_back({Class::age, token.begin, token.end, 0.7});
      }
      continue;
    }
    if (token.folded == "nonagenarian" || token.folded == "centenarian") {
      out.push_back({Class::age, token.begin, token.end, 0.8});
      continue;
    }
    const int tens = tens_word(token.folded);
    if (tens == 0) continue;
    std::size_t first = i;
    std::size_t last = i;
    const auto unit = [](std::string_view w) {
      static constexpr auto kUnits = std::to_array<std::string_view>(
          {"one",    "two",    "three",  "four",   "five",   "six",    "seven",  "eight",
           "nine",   "ten",    "واحد",   "اثنين",  "اثنان",  "ثلاث",   "ثلاثه",  "اربع",
           "اربعه",  "خمس",    "خمسه",   "ست",     "سته",    "سبع",    "سبعه",   "ثمان",
           "ثماني",  "ثمانيه", "تسع",    "تسعه",   "احدي",   "الواحد", "الثالث", "الرابع",
           "الخامس", "السادس", "السابع", "الثامن", "التاسع", "الثاني", "واحده",  "اثنتين"});
      for (const std::string_view known : kUnits)
        if (w == known) return true;
      return false;
    };
    if (token.kind == Token::Kind::latin) {
      std::size_t n = i + 1;
      if (folded(n) == "-" || folded(n) == "and") ++n;
      if (unit(folded(n))) last = n;
      if (tens == 100) {
        if (i == 0 || (folded(i - 1) != "one" && folded(i - 1) != "a")) continue;
        first = i - 1;
      }
    } else if (i > 0 && (unit(folded(i - 1)))) {
      first = i - 1;
    } else if (tens == 100 && i + 1 < tokens.size() && folded(i + 1).starts_with("و") &&
               unit(folded(i + 1).substr(2))) {
      last = i + 1;
    }
    const bool before = told_before(first);
    const bool decade = token.kind == Token::Kind::arabic && first > 0 &&
                        folded(first - 1) == "في" &&
                        (folded(last + 1) == "من" &&
                         (last + 2 < tokens.size() && (tokens[last + 2].cues & kAgeCue) != 0));
    if (before || told_after(last + 1) || decade ||
        (token.kind == Token::Kind::arabic && years(last + 1) && first > 0 &&
         (tokens[first - 1].cues & kAgeCue) != 0))
      out.push_back({Class::age, tokens[first].begin, tokens[last].end, 0.85});
  }
}

}  // namespace rabt::phi
