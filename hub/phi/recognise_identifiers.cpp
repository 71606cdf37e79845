#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "hub/base/ascii.hpp"
#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

constexpr std::size_t kWordsBack = 8;
constexpr std::size_t kLongNumber = 7;  // digits; shorter ones are values, hours, counts

// SWIFT IBAN registry: how long the number of each country is.
constexpr auto kIbanLengths = std::to_array<std::pair<std::string_view, std::uint8_t>>(
    {{"AD", 24}, {"AE", 23}, {"AL", 28}, {"AT", 20}, {"AZ", 28}, {"BA", 20}, {"BE", 16},
     {"BG", 22}, {"BH", 22}, {"BI", 27}, {"BR", 29}, {"BY", 28}, {"CH", 21}, {"CR", 22},
     {"CY", 28}, {"CZ", 24}, {"DE", 22}, {"DJ", 27}, {"DK", 18}, {"DO", 28}, {"EE", 20},
     {"EG", 29}, {"ES", 24}, {"FI", 18}, {"FK", 18}, {"FO", 18}, {"FR", 27}, {"GB", 22},
     {"GE", 22}, {"GI", 23}, {"GL", 18}, {"GR", 27}, {"GT", 28}, {"HR", 21}, {"HU", 28},
     {"IE", 22}, {"IL", 23}, {"IQ", 23}, {"IS", 26}, {"IT", 27}, {"JO", 30}, {"KW", 30},
     {"KZ", 20}, {"LB", 28}, {"LC", 32}, {"LI", 21}, {"LT", 20}, {"LU", 20}, {"LV", 21},
     {"LY", 25}, {"MC", 27}, {"MD", 24}, {"ME", 22}, {"MK", 19}, {"MN", 20}, {"MR", 27},
     {"MT", 31}, {"MU", 30}, {"NI", 28}, {"NL", 18}, {"NO", 15}, {"OM", 23}, {"PK", 24},
     {"PL", 28}, {"PS", 29}, {"PT", 25}, {"QA", 29}, {"RO", 24}, {"RS", 22}, {"RU", 33},
     {"SA", 24}, {"SC", 31}, {"SD", 18}, {"SE", 24}, {"SI", 19}, {"SK", 24}, {"SM", 27},
     {"SO", 23}, {"ST", 25}, {"SV", 28}, {"TL", 23}, {"TN", 24}, {"TR", 26}, {"UA", 29},
     {"VA", 22}, {"VG", 24}, {"XK", 20}, {"YE", 30}});

// ISO 7064 MOD 97-10 over the number with its first four characters moved to the end.
bool mod97(std::string_view number) {
  unsigned rest = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    const char c = number[(i + 4) % number.size()];
    rest = is_digit(c) ? (rest * 10 + static_cast<unsigned>(c - '0')) % 97
                       : (rest * 100 + static_cast<unsigned>(c - 'A') + 10) % 97;
  }
  return rest == 1;
}

// Signs between two groups of an account number: its check digits allow to be generous.
constexpr std::uint32_t kMostBetween = 3;

void find_iban(const Text& text, std::size_t at, Candidates& out) {
  const Token& first = text.tokens()[at];
  if (first.kind != Token::Kind::latin || first.end - first.begin != 2 || !starts_alone(text, at))
    return;
  const std::string_view all = text.text();
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; };
  const std::array<char, 2> letters{upper(all[first.begin]), upper(all[first.begin + 1])};
  const auto country = std::find_if(
      kIbanLengths.begin(), kIbanLengths.end(),
      [&](const auto& entry) { return entry.first == std::string_view(letters.data(), 2); });
  if (country == kIbanLengths.end()) return;
  std::string number;
  std::uint32_t end = first.begin;
  bool loose = false;  // written with more than one sign between groups, or over two lines
  for (std::uint32_t i = first.begin; i < all.size() && number.size() < country->second; ++i) {
    if (is_alnum(all[i])) {
      number.push_back(upper(all[i]));
      end = i + 1;
    } else if (all[i] == ' ' || all[i] == '-' || all[i] == '\n' || all[i] == '\r') {
      if (i - end >= kMostBetween) break;
      loose = loose || i != end || all[i] == '\n' || all[i] == '\r';
    } else {
      break;
    }
    if (number.size() == 4 && (!is_digit(number[2]) || !is_digit(number[3]))) return;
  }
  if (number.size() != country->second || (end < all.size() && is_alnum(all[end]))) return;
  if (mod97(number)) {
    out.push_back({Class::iban, first.begin, end, 0.99});
  } else if (!loose && (context_before(text, at).near & kIbanCue) != 0) {
    out.push_back({Class::iban, first.begin, end, 0.6});  // mistyped, and still an account
  }
}

// Digits of number tokens from `at` on, single separators between them; after each group. A line
// may break once between two groups.
struct Groups {
  std::string digits;
  std::vector<std::pair<std::size_t, std::size_t>> ends;              // last token, digits so far
  std::size_t before_line = std::numeric_limits<std::size_t>::max();  // groups before the break
  std::size_t shortest = std::numeric_limits<std::size_t>::max();     // digits of a group
  [[nodiscard]] bool broken(std::size_t groups) const { return groups > before_line; }
};
Groups groups_at(const Text& text, std::size_t at, std::size_t most) {
  const auto& tokens = text.tokens();
  Groups groups;
  std::size_t i = at;
  while (i < tokens.size() && tokens[i].kind == Token::Kind::number) {
    groups.digits += tokens[i].folded.substr(0, most + 1);
    if (groups.digits.size() > most) break;
    groups.ends.emplace_back(i, groups.digits.size());
    groups.shortest = std::min(groups.shortest, tokens[i].folded.size());
    if (i + 1 < tokens.size() && tokens[i + 1].kind == Token::Kind::number && tokens[i + 1].space &&
        tokens[i + 1].begin == tokens[i].end + 1) {
      ++i;
    } else if (i + 2 < tokens.size() && tokens[i + 1].folded == "-" && !tokens[i + 1].space &&
               tokens[i + 2].kind == Token::Kind::number && !tokens[i + 2].space) {
      i += 2;
    } else if (!groups.broken(groups.ends.size() + 1) && i + 2 < tokens.size() &&
               tokens[i + 1].kind == Token::Kind::line &&
               tokens[i + 1].end - tokens[i + 1].begin <= 2 &&
               tokens[i + 1].begin == tokens[i].end && tokens[i + 2].kind == Token::Kind::number &&
               tokens[i + 2].begin == tokens[i + 1].end) {
      groups.before_line = groups.ends.size();
      i += 2;
    } else {
      break;
    }
  }
  return groups;
}

bool ends_alone(const Text& text, std::size_t last) {
  const auto& tokens = text.tokens();
  return last + 1 >= tokens.size() || tokens[last + 1].space ||
         tokens[last + 1].kind == Token::Kind::sign || tokens[last + 1].kind == Token::Kind::line ||
         tokens[last + 1].kind == Token::Kind::arabic;
}
bool decimal_around(const Text& text, std::size_t first, std::size_t last) {
  const auto& tokens = text.tokens();
  const auto point = [&](std::size_t i) {
    return tokens[i].folded == "." || tokens[i].folded == ",";
  };
  if (first >= 2 && !tokens[first].space && point(first - 1) && !tokens[first - 1].space &&
      tokens[first - 2].kind == Token::Kind::number)
    return true;
  return last + 2 < tokens.size() && point(last + 1) && !tokens[last + 1].space &&
         tokens[last + 2].kind == Token::Kind::number && !tokens[last + 2].space;
}

void find_card(const Text& text, std::size_t at, const NumberContext& context, Candidates& out) {
  const Groups groups = groups_at(text, at, 19);
  for (auto group = groups.ends.rbegin(); group != groups.ends.rend(); ++group) {
    const std::size_t length = group->second;
    if (length < 12) break;
    if (!ends_alone(text, group->first) || decimal_around(text, at, group->first)) continue;
    const std::string_view digits = std::string_view(groups.digits).substr(0, length);
    const bool one_group = group == std::prev(groups.ends.rend());
    if (groups.broken(static_cast<std::size_t>(groups.ends.rend() - group)) &&
        (context.near & kCardCue) == 0)
      continue;
    if (!one_group && text.tokens()[at].folded.size() != 4) continue;  // cards are written by fours
    const char brand = digits[0];
    const bool branded = (brand >= '3' && brand <= '6') || digits.starts_with("2131") ||
                         digits.starts_with("1800") ||
                         (brand == '2' && digits[1] >= '2' && digits[1] <= '7');
    const bool card = (context.near & kCardCue) != 0;
    const bool thing = (context.near & kOrderCue) != 0 && !card;
    if (luhn(digits)) {
      const bool usual =
          branded && (length == 16 || length == 15 || (length == 14 && digits.starts_with("3")));
      const double score = card    ? (branded ? 0.95 : 0.85)
                           : usual ? (thing ? 0.45 : 0.8)
                                   : (branded && length > 16 && !thing ? 0.55 : 0.4);
      out.push_back({Class::card, text.tokens()[at].begin, text.tokens()[group->first].end, score});
      return;
    }
    if ((context.direct & kCardCue) != 0 && length >= 13) {
      out.push_back({Class::card, text.tokens()[at].begin, text.tokens()[group->first].end, 0.55});
      return;
    }
  }
}

// Behind "his number", "my number", with or without a colon.
bool behind_own_number(const Text& text, std::size_t at) {
  static constexpr auto kOwn = std::to_array<std::string_view>({"رقمه", "رقمها", "رقمي", "رقمك"});
  const auto& tokens = text.tokens();
  std::size_t k = at;
  while (k > 0 && (tokens[k - 1].folded == ":" || tokens[k - 1].folded == "=")) --k;
  return k > 0 &&
         std::find(kOwn.begin(), kOwn.end(), std::string_view(tokens[k - 1].folded)) != kOwn.end();
}

void find_national(const Text& text, std::size_t at, const NumberContext& context,
                   Candidates& out) {
  const auto& tokens = text.tokens();
  const bool national = (context.near & kNationalCue) != 0;
  const bool named = national || (context.near & kIdCue) != 0 || context.patient;
  const bool thing = (context.direct & kOrderCue) != 0 && !national;
  // Ten digits with a Luhn check digit; the first is 1 for citizens and 2 for residents.
  const Groups groups = groups_at(text, at, 10);
  for (const auto& [last, length] : groups.ends) {
    if (length != 10 || (groups.digits[0] != '1' && groups.digits[0] != '2')) continue;
    if (!ends_alone(text, last) || decimal_around(text, at, last)) continue;
    // In groups, with nothing that says what it is: only as people group ten digits.
    const bool usual =
        ((groups.ends.size() <= 3 && groups.shortest >= 3) || behind_own_number(text, at)) &&
        !thing && !groups.broken(groups.ends.size()) &&
        (context.near & (kPhoneCue | kMrnCue | kOrderCue)) == 0;
    if (last != at && !named && !usual) continue;
    const Class kind = groups.digits[0] == '1' ? Class::national_id : Class::iqama;
    if (luhn(std::string_view(groups.digits).substr(0, 10))) {
      const bool other = (context.near & (kPhoneCue | kCardCue | kMrnCue)) != 0 && !named;
      const double score = thing ? 0.4 : named ? 0.97 : other || last != at ? 0.55 : 0.65;
      out.push_back({kind, tokens[at].begin, tokens[last].end, score});
    } else if (last == at && national && !thing && (context.direct & kNationalCue) != 0) {
      out.push_back(
          {kind, tokens[at].begin, tokens[last].end, 0.55});  // mistyped, still somebody's
    }
    return;
  }
  // United States: 3-2-4
  if (at + 4 < tokens.size() && tokens[at].folded.size() == 3 && tokens[at + 1].folded == "-" &&
      tokens[at + 2].folded.size() == 2 && tokens[at + 2].kind == Token::Kind::number &&
      tokens[at + 3].folded == "-" && tokens[at + 4].kind == Token::Kind::number &&
      tokens[at + 4].folded.size() == 4 && !tokens[at + 1].space && !tokens[at + 2].space &&
      !tokens[at + 3].space && !tokens[at + 4].space && ends_alone(text, at + 4)) {
    const double score = national                                        ? 0.95
                         : (context.near & (kOrderCue | kPhoneCue)) != 0 ? 0.4
                                                                         : 0.7;
    out.push_back({Class::national_id, tokens[at].begin, tokens[at + 4].end, score});
  }
}

// Numbers that only their words tell: record numbers, passports, licences.
void find_told(const Text& text, std::size_t at, const NumberContext& context, Candidates& out) {
  const Code code = code_at(text, at);
  if (code.digits < 4 || code.digits > 20) return;
  const std::uint32_t begin = text.tokens()[at].begin;
  const std::uint32_t end = text.tokens()[code.last].end;
  if (end - begin > 24) return;
  if ((context.direct & kPassportCue) != 0) {
    if (code.digits >= 6 && code.letters <= 3 && end - begin <= 12)
      out.push_back({Class::passport, begin, end, 0.9});
  } else if ((context.direct & kNationalCue) != 0 && code.digits >= 5 &&
             (context.direct & kOrderCue) == 0) {
    out.push_back({Class::national_id, begin, end, 0.54});
  } else if ((context.direct & kMrnCue) != 0 &&
             (context.direct & (kOrderCue | kCardCue | kDateCue | kPhoneCue)) == 0) {
    out.push_back({Class::mrn, begin, end, 0.85});
  } else if (context.patient &&
             (context.direct & (kOrderCue | kDateCue | kPhoneCue | kAgeCue)) == 0) {
    out.push_back({Class::mrn, begin, end, 0.75});
  }
}

// A machine-readable passport line: P<SAUALGHAMDI<<AHMED<<<<<<
void find_machine_line(const Text& text, Candidates& out) {
  const std::string_view all = text.text();
  for (std::size_t at = all.find("P<"); at != std::string_view::npos; at = all.find("P<", at + 2)) {
    std::size_t end = at;
    while (end < all.size() && end - at < 44 &&
           ((all[end] >= 'A' && all[end] <= 'Z') || all[end] == '<' || is_digit(all[end])))
      ++end;
    if (end - at != 44) continue;
    // The second line, when it follows.
    std::size_t next = end;
    while (next < all.size() && (all[next] == '\n' || all[next] == '\r')) ++next;
    std::size_t stop = next;
    while (stop < all.size() && stop - next < 44 &&
           ((all[stop] >= 'A' && all[stop] <= 'Z') || all[stop] == '<' || is_digit(all[stop])))
      ++stop;
    if (stop - next == 44) end = stop;
    out.push_back(
        {Class::passport, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end), 0.98});
    at = end - 2;
  }
}

}  // namespace

bool luhn(std::string_view digits) {
  int sum = 0;
  bool twice = false;
  bool other = false;
  for (std::size_t i = digits.size(); i > 0; --i) {
    int value = digits[i - 1] - '0';
    other = other || digits[i - 1] != digits[0];
    if (twice && (value *= 2) > 9) value -= 9;
    sum += value;
    twice = !twice;
  }
  return other && sum % 10 == 0;  // ten times the same digit is nobody's number
}

bool starts_alone(const Text& text, std::size_t at) {
  const Token& token = text.tokens()[at];
  if (at == 0 || token.space) return true;
  const Token& before = text.tokens()[at - 1];
  return before.kind == Token::Kind::sign || before.kind == Token::Kind::line ||
         before.kind == Token::Kind::arabic;
}

Code code_at(const Text& text, std::size_t at) {
  const auto& tokens = text.tokens();
  Code code;
  code.last = at;
  for (std::size_t i = at; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (i > at && token.space) break;
    if (token.kind == Token::Kind::number) {
      code.digits += token.folded.size();
    } else if (token.kind == Token::Kind::latin && token.end - token.begin <= 8) {
      code.letters += token.folded.size();
    } else if (i > at && (token.folded == "-" || token.folded == "/" || token.folded == "_") &&
               i + 1 < tokens.size() && !tokens[i + 1].space &&
               (tokens[i + 1].kind == Token::Kind::number ||
                tokens[i + 1].kind == Token::Kind::latin)) {
      continue;
    } else {
      break;
    }
    code.last = i;
    if (i - at > 12) break;
  }
  return code;
}

NumberContext context_before(const Text& text, std::size_t token) {
  const auto& tokens = text.tokens();
  NumberContext context;
  bool direct = true;
  bool found = false;
  std::size_t words = 0;
  std::size_t after_found = 0;
  std::size_t lines = 0;
  for (std::size_t i = token; i-- > 0 && words < kWordsBack && token - i < 3 * kWordsBack;) {
    const Token& before = tokens[i];
    if (before.kind == Token::Kind::line) {
      if (++lines > 1 || words > 0) break;  // only "Phone:" above the number
      continue;
    }
    if (before.kind == Token::Kind::sign) {
      if (before.folded == "." && i + 1 < tokens.size() && tokens[i + 1].space && i > 0 &&
          (tokens[i - 1].cues & (kFiller | kNumberCues)) == 0)
        break;  // another sentence
      if (found && (before.folded == "," || before.folded == ";" || before.folded == "|")) break;
      if (before.folded == "," || before.folded == ";" || before.folded == "|" ||
          before.folded[0] == kBarrier)
        direct = false;
      continue;
    }
    if (before.kind == Token::Kind::number) {
      if (found) break;
      // Words before a long number that has cues of its own belong to that number.
      if (words > 1 && before.folded.size() >= kLongNumber) break;
      direct = false;
      continue;
    }
    ++words;
    const std::uint64_t cues = before.cues & kNumberCues;
    const bool filler = (before.cues & kFiller) != 0;
    const bool patient = before.folded.starts_with("patient") || before.folded == "المريض" ||
                         before.folded == "مريض" || before.folded == "المريضه";
    if (cues != 0) {
      context.near |= cues;
      if (direct) context.direct |= cues;
      found = true;
    }
    if (direct && patient) context.patient = true;
    if (cues == 0 && !filler) {
      direct = false;
      if (found && ++after_found > 0) break;
    }
  }
  return context;
}

void find_identifiers(const Text& text, Candidates& out) {
  const auto& tokens = text.tokens();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::latin) find_iban(text, i, out);
    if (token.kind != Token::Kind::number && token.kind != Token::Kind::latin) continue;
    if (!starts_alone(text, i)) continue;
    const bool number = token.kind == Token::Kind::number;
    // A word starts a code only when digits are glued to it.
    if (!number && (i + 1 >= tokens.size() || tokens[i + 1].space || token.end - token.begin > 8 ||
                    (tokens[i + 1].kind != Token::Kind::number && tokens[i + 1].folded != "-" &&
                     tokens[i + 1].folded != "/")))
      continue;
    // The rest of a code was seen with the code.
    if (i >= 2 && !token.space && !tokens[i - 1].space &&
        (tokens[i - 1].folded == "-" || tokens[i - 1].folded == "/" ||
         tokens[i - 1].folded == ".") &&
        tokens[i - 2].kind == Token::Kind::number)
      continue;
    const NumberContext context = context_before(text, i);
    if (number) {
      find_card(text, i, context, out);
      find_national(text, i, context, out);
    }
    find_told(text, i, context, out);
  }
  find_machine_line(text, out);
}

}  // namespace rabt::phi
