#include "hub/phi/vocabulary.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"

namespace rabt::phi {

namespace {

constexpr std::size_t kMaxWord = 48;      // longer runs are encoded bytes, no words
constexpr std::size_t kMinRun = 4;        // printable bytes in a row in a program
constexpr std::size_t kMinShortRun = 12;  // for words of up to three letters
constexpr std::size_t kShortWord = 3;
// A number with this many digits is remembered; years are shorter.
constexpr std::size_t kMinCode = 5;
// A number of at most this many digits may be said: it is a status, a count or an index.
constexpr std::size_t kMaxDigits = 3;

constexpr bool is_printable(char c) {
  return (c >= ' ' && c <= '~') || c == '\t';
}
// A letter or a byte of a character beyond ASCII.
constexpr bool is_word(char c) {
  return is_alpha(c) || static_cast<unsigned char>(c) >= 0x80;
}

// Characters of a code.
constexpr bool is_code_sign(char c) {
  return is_alnum(c) || c == '-';
}
constexpr std::size_t kMaxPattern = 24;
constexpr std::size_t kMaxCodeDigits = 6;
constexpr std::size_t kMinCodeFixed = 2;

// The letters, digits and hyphens that begin here. Empty in the middle of such a run.
std::string_view code_at(std::string_view text, std::size_t begin) {
  if (begin > 0 && is_code_sign(text[begin - 1])) return {};
  std::size_t end = begin;
  while (end < text.size() && is_code_sign(text[end])) ++end;
  return text.substr(begin, end - begin);
}

// A number that begins here: digits up to the next word, with the signs between them.
struct Number {
  std::size_t digits = 0;
  std::size_t end = 0;  // behind the last digit
};
Number number_at(std::string_view text, std::size_t begin) {
  Number out;
  for (std::size_t at = begin; at < text.size() && !is_word(text[at]); ++at) {
    if (!is_digit(text[at])) continue;
    ++out.digits;
    out.end = at + 1;
  }
  return out;
}

// Calls take(word) for each run of ASCII letters and each number that is long enough to be a code.
template <typename Take>
void each_token(std::string_view text, const Take& take) {
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (is_alpha(text[i])) {
      while (end < text.size() && is_alpha(text[end])) ++end;
      if (end - i <= kMaxWord) take(text.substr(i, end - i));
    } else if (is_digit(text[i])) {
      const Number number = number_at(text, i);
      end = number.end;
      if (number.digits >= kMinCode && end - i <= kMaxWord) take(text.substr(i, end - i));
    }
    i = end;
  }
}

}  // namespace

Vocabulary::Vocabulary() {
  // Causes that a request of a plugin ends with: "<plugin>.no_answer.<cause>".
  add_text("allowed blob cancelled circuit connect dns large overload reset secret timeout tls");
  add_text(
      "a about after again all already also an and answer answered any are as at be because been "
      "before but by can cannot do does done each empty error expected failed first for from given "
      "has have host in input into invalid is it its last left less long many message missing more "
      "must needs never no not nothing now of on once one only open or other out over own part "
      "read refused request same server short should so stored such text than that the them then "
      "there these this time to too try two type unexpected unknown until up us use used value was "
      "well were what when where which while who why with without wrong yet");
}

void Vocabulary::add_text(std::string_view text) {
  each_token(text, [this](std::string_view word) { words_.emplace(word); });
}

void Vocabulary::add_program(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    if (!is_printable(bytes[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < bytes.size() && is_printable(bytes[end])) ++end;
    if (bytes.substr(i, end - i).starts_with(kTextMark)) {
      const std::string_view text = bytes.substr(i, end - i).substr(kTextMark.size());
      constants_.add(text);
      add_text(text);
    }
    if (const std::size_t run = end - i; run >= kMinRun) {
      constants_.add(bytes.substr(i, run));
      each_token(bytes.substr(i, run), [&](std::string_view word) {
        if (run >= kMinShortRun || (word.size() > kShortWord && is_alpha(word.front())))
          words_.emplace(word);
      });
    }
    i = end;
  }
}

bool Vocabulary::add_codes(std::string_view pattern) {
  const auto count = [pattern](auto kind) {
    return static_cast<std::size_t>(std::count_if(pattern.begin(), pattern.end(), kind));
  };
  const std::size_t open = count([](char c) { return c == '#'; });
  if (pattern.size() > kMaxPattern || open + count(is_digit) > kMaxCodeDigits ||
      count(is_alnum) < kMinCodeFixed || open + count(is_code_sign) != pattern.size())
    return false;
  codes_.emplace_back(pattern);
  return true;
}

bool Vocabulary::is_code(std::string_view text) const {
  return std::any_of(codes_.begin(), codes_.end(), [text](const std::string& pattern) {
    return std::equal(pattern.begin(), pattern.end(), text.begin(), text.end(),
                      [](char p, char c) { return p == '#' ? is_digit(c) : p == c; });
  });
}

bool Vocabulary::knows(std::string_view word) const {
  return words_.contains(std::string(word));
}

std::vector<Span> Vocabulary::constants_in(std::string_view text) const {
  std::vector<Span> out;
  std::size_t number_end = 0;  // no code begins within a number
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t size = std::max(Constants::own().length_at(text, i), constants_.length_at(text, i));
    if (i >= number_end) {
      const std::size_t number = is_digit(text[i]) ? number_at(text, i).end : 0;
      const std::string_view code = codes_.empty() ? std::string_view() : code_at(text, i);
      if (!code.empty() && is_code(code) && number <= i + code.size()) {
        size = std::max(size, code.size());
      } else {
        number_end = number;
      }
    }
    if (size == 0) continue;
    if (!out.empty() && out.back().end >= i) {
      out.back().end = std::max(out.back().end, i + size);
    } else {
      out.push_back({i, i + size});
    }
  }
  return out;
}

std::string Vocabulary::only_known(std::string_view text) const {
  const std::vector<Span> constants = constants_in(text);
  auto constant = constants.begin();
  std::string out;
  std::size_t mark_end = 0;  // behind the last kWithheld, while nothing known came after it
  const auto withhold = [&] {
    if (mark_end != 0) {
      out.resize(mark_end);  // signs between two withheld parts would show their shape
      return;
    }
    out.append(kWithheld);
    mark_end = out.size();
  };
  const auto say = [&](std::string_view word) {
    out.append(word);
    mark_end = 0;
  };
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (constant != constants.end() && constant->begin == i) {
      end = constant->end;
      say(text.substr(i, end - i));
      i = end;
      ++constant;
      continue;
    }
    const std::size_t stop = constant == constants.end() ? text.size() : constant->begin;
    if (is_word(text[i])) {
      while (end < stop && is_word(text[end])) ++end;
      const std::string_view word = text.substr(i, end - i);
      if (std::all_of(word.begin(), word.end(), is_alpha) && knows(word)) {
        say(word);
      } else {
        withhold();
      }
    } else if (is_digit(text[i])) {
      const Number number = number_at(text.substr(0, stop), i);
      end = number.end;
      if (number.digits <= kMaxDigits || knows(text.substr(i, end - i))) {
        say(text.substr(i, end - i));
      } else {
        withhold();
      }
    } else {
      out.push_back(is_printable(text[i]) ? text[i] : ' ');
    }
    i = end;
  }
  return out;
}

}  // namespace rabt::phi
