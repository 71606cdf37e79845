#include <array>
#include <optional>
#include <string>

#include "hub/phi/recognise.hpp"
#include "hub/phi/words.hpp"

namespace rabt::phi {

namespace {

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
class Dates : Words {
 public:
  Dates(const Text& text, Candidates& out) : Words(text.tokens()), text_(text), out_(out) {}

  void run();

 private:
  [[nodiscard]] int value(std::size_t i) const { return value_of(tokens_[i].folded); }
  [[nodiscard]] bool separator(std::size_t i) const {
    return sign(i, "/") || sign(i, "-") || sign(i, ".");
  }
  void add(std::size_t first, std::size_t last, double score) {
    out_.push_back({Class::date, tokens_[first].begin, tokens_[last].end, score});
  }

  // AH, H or a single ha after a Hijri year; AD or mim after another.
  [[nodiscard]] std::size_t with_era(std::size_t last) const;
  // A time after the date: T or a space, hours and minutes, perhaps more.
  [[nodiscard]] std::size_t with_time(std::size_t last) const;

  std::size_t numeric(std::size_t i);

  // Two parts: a month of a year, or with the right word a day of a month.
  std::size_t short_date(std::size_t i);
  // Two parts with a sign between, when the words around speak of a day and not of a share, a
  // strength or a score.
  [[nodiscard]] bool day_of_month(std::size_t i, const NumberContext& context) const;

  // 19850412, 20240131121530: HL7 and logs. Alone it may be any number.
  void compact(std::size_t i);

  [[nodiscard]] bool day_number(std::size_t i) const {
    return number(i, 1, 2) && value(i) >= 1 && value(i) <= 31;
  }
  [[nodiscard]] bool year_number(std::size_t i) const {
    return number(i, 4, 4) && a_year(value(i));
  }

  void month(std::size_t i);
  // The end of the month that begins at i; i if it is none. Months of two words: Rabi al-Awwal, Dhu
  // al-Hijjah.
  [[nodiscard]] std::size_t month_end(std::size_t i) const;
  // Begin of the day that stands before the month at i; i if there is none.
  [[nodiscard]] std::size_t day_before(std::size_t i) const;
  // The end of the day that stands at n, behind a month; n if there is none.
  [[nodiscard]] std::size_t day_after(std::size_t n) const;
  // st, nd, rd, th, directly behind a number
  [[nodiscard]] bool ordinal_ending(std::size_t i) const {
    return glued(i) &&
           (folded(i) == "th" || folded(i) == "st" || folded(i) == "nd" || folded(i) == "rd");
  }
  [[nodiscard]] static bool ordinal(std::string_view word);
  [[nodiscard]] bool second_part(std::size_t i) const {
    return tokens_[i].folded == "القعده" || tokens_[i].folded == "الحجه";
  }

  // A year alone, when a word before it says that it is one.
  void year(std::size_t i);

  void weekday(std::size_t i);

  const Text& text_;
  Candidates& out_;
};

void Dates::run() {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (token.kind == Kind::number) {
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

std::size_t Dates::with_era(std::size_t last) const {
  const std::size_t next = last + 1;
  if (next >= tokens_.size()) return last;
  const std::string_view era = tokens_[next].folded;
  if (era == "ه" || era == "هجري" || era == "هجريه" || era == "ميلادي" || era == "ميلاديه" ||
      era == "ah" || (era == "م" && !sign(next + 1, ".")) || (era == "h" && !tokens_[next].space))
    return next;
  return last;
}

std::size_t Dates::with_time(std::size_t last) const {
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

std::size_t Dates::numeric(std::size_t i) {
  if (!separator(i + 1) || !number(i + 2, 1, 4) || !number(i, 1, 4)) return i;
  if (i > 0 && !tokens_[i].space && tokens_[i - 1].kind == Kind::latin &&
      folded(i - 1).size() < 12 && folded(i - 1) != "t")
    return i;
  // The middle of a longer chain is no date.
  if (i >= 2 && !tokens_[i].space && separator(i - 1) && !tokens_[i - 1].space &&
      tokens_[i - 2].kind == Kind::number)
    return i;
  const std::string_view between = folded(i + 1);
  const bool spaced = tokens_[i + 1].space || tokens_[i + 2].space;
  if (!sign(i + 3, between) || !number(i + 4, 1, 4)) return short_date(i);
  if ((spaced || tokens_[i + 3].space || tokens_[i + 4].space) && between != "/") return i;
  if (separator(i + 5) && !tokens_[i + 5].space && i + 6 < tokens_.size() &&
      !tokens_[i + 6].space && tokens_[i + 6].kind == Kind::number)
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

std::size_t Dates::short_date(std::size_t i) {
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

bool Dates::day_of_month(std::size_t i, const NumberContext& context) const {
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

void Dates::compact(std::size_t i) {
  const std::string_view digits = tokens_[i].folded;
  if (digits.size() != 8 && digits.size() != 12 && digits.size() != 14) return;
  if (!starts_alone(text_, i)) return;
  if (i + 1 < tokens_.size() && !tokens_[i + 1].space && tokens_[i + 1].kind == Kind::latin) return;
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

std::size_t Dates::month_end(std::size_t i) const {
  static constexpr auto kSecond = std::to_array<std::string_view>(
      {"al",      "ul",     "el",     "awwal",   "awal",   "thani", "thaani", "akhir",
       "akhirah", "ula",    "oula",   "i",       "ii",     "1",     "2",      "hijjah",
       "hijja",   "qadah",  "qidah",  "qada",    "qaadah", "qi",    "الاول",  "الثاني",
       "الاخر",   "الاولي", "الاخره", "الثانيه", "القعده", "الحجه", "dah"});
  const std::string_view word = folded(i);
  if (!word.starts_with("rabi") && !word.starts_with("juma") && !word.starts_with("dhu") &&
      !word.starts_with("thul") && !word.starts_with("zul") && word != "ربيع" && word != "جمادي" &&
      word != "ذو" && word != "ذي" && word != "كانون" && word != "تشرين")
    return has(i, kMonth) && !(i > 0 && second_part(i)) ? i + 1 : i;
  std::size_t end = i + 1;
  std::size_t k = i + 1;
  for (int steps = 0; steps < 5 && k < tokens_.size(); ++steps, ++k) {
    if (sign(k, "-") || sign(k, "'")) continue;
    bool second_word = false;
    for (const std::string_view second : kSecond)
      second_word = second_word || tokens_[k].folded == second;
    if (!second_word || tokens_[k].kind == Kind::number) break;
    end = k + 1;
  }
  // These words are other words when they stand alone.
  if (end == i + 1 &&
      (word == "ذو" || word == "ذي" || word == "ربيع" || word.starts_with("dhu") ||
       word.starts_with("zul") || word.starts_with("thul") || word == "كانون" || word == "تشرين"))
    return i;
  return end;
}

std::size_t Dates::day_before(std::size_t i) const {
  const bool latin = tokens_[i].kind == Kind::latin;
  // 12, 12th, the 12th of; 12-
  std::size_t b = i;
  if (b >= 1 && (sign(b - 1, "-") || sign(b - 1, "/") || sign(b - 1, ","))) --b;
  if (b >= 1 && (folded(b - 1) == "of" || folded(b - 1) == "من")) --b;
  if (b >= 1 && folded(b - 1) == "شهر") --b;
  if (b >= 1 && folded(b - 1) == "من") --b;
  if (b >= 1 && ordinal_ending(b - 1)) --b;
  if (b == 0) return i;
  if (day_number(b - 1) && !(b >= 2 && sign(b - 2, ".") && !tokens_[b - 1].space)) return b - 1;
  if (b < i && has(b - 1, kOrdinal)) {
    std::size_t first = b - 1;
    while (first > 0 && has(first - 1, kOrdinal) && b - first < 3) --first;
    return first;
  }
  // the fourth of April, the twenty-first of May; the new moon of Ramadan
  if (latin && b < i && tokens_[b - 1].kind == Kind::latin && ordinal(folded(b - 1))) {
    std::size_t first = b - 1;
    if (first >= 1 && sign(first - 1, "-")) --first;
    if (first >= 1 && (folded(first - 1) == "twenty" || folded(first - 1) == "thirty"))
      --first;
    else if (first < b - 1)
      ++first;
    return first;
  }
  if (!latin && b == i && (folded(b - 1) == "غره" || folded(b - 1) == "اول")) return b - 1;
  return i;
}

std::size_t Dates::day_after(std::size_t n) const {
  if (!day_number(n)) return n;
  const std::size_t last = ordinal_ending(n + 1) ? n + 1 : n;
  if (has(last + 1, kMeasure) || sign(last + 1, ":") || sign(last + 1, "%")) return n;
  return last + 1;
}

void Dates::month(std::size_t i) {
  const std::string_view word = tokens_[i].folded;
  const bool doubtful = word == "may" || word == "march" || word == "mar" || word == "dec" ||
                        word == "sept" || word == "jan" || word == "ab" || word == "اب" ||
                        word == "ماي" || word == "safar";
  if (doubtful && tokens_[i].kind == Kind::latin && !tokens_[i].upper) return;
  const std::size_t end = month_end(i);
  if (end == i) return;
  const std::size_t first = day_before(i);
  std::size_t last = end - 1;
  bool day = first < i;
  std::size_t n = end;
  if (sign(n, "-") || sign(n, "/") || sign(n, ",") || sign(n, ".")) ++n;
  if (!day) {
    if (const std::size_t after = day_after(n); after > n) {
      day = true;
      last = after - 1;
      n = after;
      if (sign(n, ",")) ++n;
    }
  }
  if ((folded(n) == "عام" || folded(n) == "سنه" || folded(n) == "لعام" || folded(n) == "لسنه" ||
       folded(n) == "من" || folded(n) == "of") &&
      year_number(n + 1))
    ++n;
  bool year = false;
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

bool Dates::ordinal(std::string_view word) {
  static constexpr auto kOrdinals = std::to_array<std::string_view>(
      {"first",      "second",     "third",     "fourth",    "fifth",       "sixth",
       "seventh",    "eighth",     "ninth",     "tenth",     "eleventh",    "twelfth",
       "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth",
       "nineteenth", "twentieth",  "thirtieth"});
  for (const std::string_view ordinal : kOrdinals)
    if (word == ordinal) return true;
  return false;
}

void Dates::year(std::size_t i) {
  if (!number(i, 4, 4) || i == 0) return;
  const int y = value(i);
  if (!a_year(y)) return;
  if (tokens_[i].cues != 0 || !tokens_[i].space) return;
  const bool glued_after =
      i + 1 < tokens_.size() && !tokens_[i + 1].space && tokens_[i + 1].kind == Kind::latin;
  if (glued_after) return;
  if (i + 2 < tokens_.size() && tokens_[i + 1].kind == Kind::sign && !tokens_[i + 1].space &&
      !tokens_[i + 2].space && tokens_[i + 2].kind == Kind::number)
    return;
  const std::size_t last = with_era(i);
  if (last > i && hijri_year(y)) return add(i, last, 0.8);
  if (i + 1 < tokens_.size() && (tokens_[i + 1].cues & kMeasure) != 0) return;
  const Token& before = tokens_[i - 1];
  if (!gregorian_year(y) && before.kind != Kind::arabic) return;
  if ((before.cues & kYearCue) != 0) return add(i, last, 0.55);
  // a 2017 film
  if (gregorian_year(y) && (before.folded == "a" || before.folded == "the") &&
      i + 1 < tokens_.size() && tokens_[i + 1].kind == Kind::latin)
    add(i, i, 0.5);
}

void Dates::weekday(std::size_t i) {
  if (tokens_[i].kind == Kind::arabic) return;  // these words are also numbers
  if (i > 0 && (tokens_[i - 1].cues & kRelative) != 0) return;
  add(i, i, 0.5);
}

}  // namespace

void find_dates(const Text& text, Candidates& out) {
  Dates(text, out).run();
}

}  // namespace rabt::phi
