#include <phonenumbers/phonenumberutil.h>

#include <string>
#include <vector>

#include "hub/base/ascii.hpp"
#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

using i18n::phonenumbers::PhoneNumber;
using i18n::phonenumbers::PhoneNumberUtil;

constexpr std::size_t kMostDigits = 17;   // 00, and E.164's 15
constexpr std::size_t kFewestDigits = 7;  // a local number
constexpr double kValid = 0.97;           // the library knows it as a number that is in use
constexpr int kMaxExtension = 6;
constexpr std::size_t kMostGroups = 12;  // digits that are spelt one by one, with 966

// Run of digits that looks like one number, with the ends of its groups.
struct Run {
  std::uint32_t begin = 0;
  struct Stop {
    std::uint32_t end;
    std::size_t digits;
    bool broken;  // over two lines
  };
  std::vector<Stop> stops;
  std::string digits;  // with a leading + when there is one
  bool plus = false;
  bool bracket = false;
};

Run run_at(std::string_view text, std::uint32_t at) {
  Run run;
  run.begin = at;
  const auto size = static_cast<std::uint32_t>(text.size());
  std::uint32_t i = at;
  std::size_t count = 0;
  if (text[i] == '+') {
    run.plus = true;
    ++i;
    if (i < size && text[i] == ' ') ++i;
  }
  bool open = false;
  bool broken = false;
  while (i < size && count <= kMostDigits && run.stops.size() < kMostGroups) {
    if (is_digit(text[i])) {
      while (i < size && is_digit(text[i]) && count <= kMostDigits) {
        run.digits.push_back(text[i]);
        ++count;
        ++i;
      }
      if (count > kMostDigits) break;
      if (!open) run.stops.push_back({i, count, broken});
      // Between groups: one sign, or a bracket with a space.
      std::uint32_t next = i;
      if (next < size && text[next] == ')' && open) {
        open = false;
        ++next;
        run.stops.push_back({next, count, broken});
      }
      if (next < size &&
          (text[next] == ' ' || text[next] == '-' || text[next] == '.' || text[next] == '/'))
        ++next;
      if (!broken && !open && next < size && (text[next] == '\n' || text[next] == '\r')) {
        broken = true;
        next += text.substr(next, 2) == "\r\n" ? 2 : 1;
      }
      if (next < size && text[next] == '(' && !open) {
        open = true;
        ++next;
      }
      if (next >= size || !is_digit(text[next])) break;
      i = next;
    } else if (text[i] == '(' && !open && count == 0) {
      open = true;
      run.bracket = true;
      ++i;
    } else {
      break;
    }
  }
  return run;
}

// x4587, ext. 12
std::uint32_t with_extension(std::string_view text, std::uint32_t end) {
  std::uint32_t i = end;
  const auto size = static_cast<std::uint32_t>(text.size());
  if (i < size && text[i] == ' ') ++i;
  if (i < size && (text[i] == 'x' || text[i] == 'X')) {
    ++i;
  } else if (text.substr(i, 3) == "ext" || text.substr(i, 3) == "Ext") {
    i += 3;
    if (i < size && text[i] == '.') ++i;
    if (i < size && text[i] == ' ') ++i;
  } else {
    return end;
  }
  const std::uint32_t from = i;
  while (i < size && is_digit(text[i]) && i - from < kMaxExtension) ++i;
  return i == from || (i < size && is_digit(text[i])) ? end : i;
}

enum class Judgement { none, possible, valid };
// A national number of Saudi Arabia: without the 0, and without the work of parsing
bool saudi(std::string_view national) {
  std::uint64_t value = 0;
  for (const char c : national) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  PhoneNumber number;
  number.set_country_code(966);
  number.set_national_number(value);
  return PhoneNumberUtil::GetInstance()->IsValidNumber(number);
}

// A whole number of Saudi Arabia in a form that is unmistakable, also over two lines.
bool whole_saudi(const Run& run, std::size_t count) {
  std::string_view digits = std::string_view(run.digits).substr(0, count);
  if (!run.plus && digits.starts_with("05")) return count == 10 && saudi(digits.substr(1));
  if (!run.plus && digits.starts_with("00")) digits.remove_prefix(2);
  return digits.starts_with("966") && digits.size() == 12 && saudi(digits.substr(3));
}

Judgement judge(const std::string& number, const char* region) {
  static const PhoneNumberUtil& kUtil = *PhoneNumberUtil::GetInstance();
  PhoneNumber parsed;
  if (kUtil.Parse(number, region, &parsed) != PhoneNumberUtil::NO_PARSING_ERROR)
    return Judgement::none;
  if (kUtil.IsValidNumber(parsed)) return Judgement::valid;
  return kUtil.IsPossibleNumber(parsed) ? Judgement::possible : Judgement::none;
}

// 3-3-4 with the same sign between, the first group perhaps in brackets: North America.
bool north_american(std::string_view form) {
  std::size_t i = 0;
  const auto group = [&](std::size_t many) {
    const std::size_t from = i;
    while (i < form.size() && is_digit(form[i])) ++i;
    return i - from == many;
  };
  const bool bracket = form.starts_with("(");
  if (bracket) ++i;
  if (!group(3)) return false;
  if (bracket) {
    if (i >= form.size() || form[i] != ')') return false;
    ++i;
    if (i < form.size() && (form[i] == ' ' || form[i] == '-')) ++i;
  } else {
    if (i >= form.size() || (form[i] != '-' && form[i] != '.' && form[i] != ' ')) return false;
    ++i;
  }
  if (!group(3) || i >= form.size() || (form[i] != '-' && form[i] != '.' && form[i] != ' '))
    return false;
  ++i;
  return group(4) && i == form.size();
}

bool phone_word_after(const Text& text, std::size_t token, std::uint32_t end) {
  const auto& tokens = text.tokens();
  int words = 0;
  for (std::size_t i = token; i < tokens.size() && words < 2; ++i) {
    if (tokens[i].begin < end) continue;
    if (tokens[i].kind == Token::Kind::line || tokens[i].kind == Token::Kind::number) return false;
    if (tokens[i].kind == Token::Kind::sign) {
      if (tokens[i].folded != "-" && tokens[i].folded != "(") return false;
      continue;
    }
    ++words;
    if (tokens[i].folded == "office" || tokens[i].folded == "fax" || tokens[i].folded == "mobile" ||
        tokens[i].folded == "home" || tokens[i].folded == "work" || tokens[i].folded == "cell" ||
        tokens[i].folded == "whatsapp" || tokens[i].folded == "phone")
      return true;
    return false;
  }
  return false;
}

bool measured(const Text& text, std::size_t token, std::uint32_t end) {
  const auto& tokens = text.tokens();
  for (std::size_t i = token; i < tokens.size(); ++i)
    if (tokens[i].begin >= end) return (tokens[i].cues & kMeasure) != 0;
  return false;
}

double score_of(std::string_view form, const Run& run, std::size_t count, bool cue, bool thing) {
  const std::string digits = run.digits.substr(0, count);
  if (run.plus || (digits.starts_with("00") && count >= 11)) {
    const std::string international = "+" + (run.plus ? digits : digits.substr(2));
    if (count < 8) return 0;
    // A 0 in brackets is dialled inside the country only; the library knows.
    const Judgement judgement = judge(run.plus ? std::string(form) : international, "SA");
    if (judgement == Judgement::valid) return 0.97;
    if (judgement == Judgement::possible) return run.plus || cue ? 0.8 : 0.55;
    return cue && count >= 9 ? 0.6 : 0;
  }
  const double less = thing && !cue ? 0.4 : 0;  // the number of an order, a lot, a version
  if (digits.starts_with("966") && (count == 12 || count == 11) && saudi(digits.substr(3)))
    return less > 0 ? less : cue ? 0.97 : 0.85;
  const bool local = (count == 10 && (digits.starts_with("05") || digits.starts_with("01"))) ||
                     (count == 9 && (digits.starts_with("5") || digits.starts_with("9200"))) ||
                     (count == 10 && digits.starts_with("800"));
  if (local && saudi(digits.substr(digits[0] == '0' ? 1 : 0))) {
    if (cue) return 0.97;
    if (less > 0) return less;
    return digits[0] == '5' || digits[0] == '8' ? 0.45
           : digits[0] == '9'                   ? 0.6
           : digits[1] == '5'                   ? 0.93
                                                : 0.75;
  }
  if (north_american(form))
    return cue                                                       ? 0.9
           : less > 0                                                ? less
           : form.find(' ') == std::string_view::npos || run.bracket ? 0.7
                                                                     : 0.45;
  if (cue && count <= 15) return 0.88;
  if (run.bracket && count >= 8 && count <= 13 && less == 0) return 0.55;
  return 0;
}

}  // namespace

void find_phones(const Text& text, Candidates& out) {
  const std::string_view all = text.text();
  const auto& tokens = text.tokens();
  std::uint32_t done = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.begin < done) continue;
    const bool number = token.kind == Token::Kind::number;
    const bool opens = (token.folded == "+" || token.folded == "(") && i + 1 < tokens.size() &&
                       tokens[i + 1].kind == Token::Kind::number;
    if (!number && !opens) continue;
    if (!starts_alone(text, i)) continue;
    if (number && !token.space && i > 0 && i + 1 > 1) {
      // 12.345 678 and 1-2-3: the middle of something longer
      const Token& before = tokens[i - 1];
      if (i >= 2 && !before.space && tokens[i - 2].kind == Token::Kind::number &&
          (before.folded == "." || before.folded == "," || before.folded == "-" ||
           before.folded == "/") &&
          !(before.begin == done && done > 0))  // but the next one of several numbers
        continue;
    }
    const Run run = run_at(all, token.begin);
    if (run.stops.empty() || run.stops.back().digits < kFewestDigits) continue;
    const NumberContext context = context_before(text, i);
    for (auto stop = run.stops.rbegin(); stop != run.stops.rend(); ++stop) {
      if (stop->digits < kFewestDigits) break;
      if (stop->digits > kMostDigits ||
          (stop->end < all.size() && is_alnum(all[stop->end]) && all[stop->end] != 'x'))
        continue;
      if (stop->broken && !whole_saudi(run, stop->digits)) continue;
      if (stop->end + 1 < all.size() && (all[stop->end] == '.' || all[stop->end] == ',') &&
          is_digit(all[stop->end + 1]) && stop == run.stops.rbegin() && !run.plus)
        continue;
      const bool cue = (context.near & kPhoneCue) != 0 || phone_word_after(text, i, stop->end);
      // "Failed with error 7: no SMS to 050..." is still a number of a person; "order 050..." is
      // not.
      const bool thing = (context.direct & kOrderCue) != 0 ||
                         (context.near & (kIbanCue | kCardCue | kNationalCue | kMrnCue)) != 0;
      if (!cue && !run.plus && measured(text, i, stop->end)) continue;
      const std::string_view form = all.substr(token.begin, stop->end - token.begin);
      double score = score_of(form, run, stop->digits, cue, thing);
      if (score <= 0) continue;
      // Possible, and something valid stands at its beginning: two numbers side by side
      if (run.plus && score < kValid) {
        for (auto shorter = std::next(stop); shorter != run.stops.rend(); ++shorter) {
          if (shorter->digits < kFewestDigits || shorter->broken) break;
          const std::string_view part = all.substr(token.begin, shorter->end - token.begin);
          const double better = score_of(part, run, shorter->digits, cue, thing);
          if (better < kValid) continue;
          stop = shorter;
          score = better;
          break;
        }
      }
      const std::uint32_t end = with_extension(all, stop->end);
      out.push_back({Class::phone, token.begin, end, score});
      if (score >= 0.5) done = end;  // also where the next of several numbers may begin
      break;
    }
  }
}

}  // namespace rabt::phi
