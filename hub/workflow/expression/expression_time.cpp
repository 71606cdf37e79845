#include "hub/workflow/expression/expression_time.hpp"

#include <array>
#include <cmath>
#include "hub/base/ascii.hpp"

namespace rabt::workflow {

namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                   "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr double kMaxSeconds = 3e13;  // about a million years
constexpr std::int64_t kMaxYear = 1'000'000;

struct Parts {
  std::int64_t year = 1900;
  std::int64_t month = 0;  // 0-11
  std::int64_t day = 0;
  std::int64_t hour = 0;
  std::int64_t minute = 0;
  double second = 0;
  std::int64_t weekday = 0;
  std::int64_t yearday = 0;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar; era arithmetic on years that start in
// March.
std::int64_t days_from_civil(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void set_days(Parts& parts) {
  const std::int64_t days = days_from_civil(parts.year, parts.month + 1, parts.day);
  parts.weekday = ((days + 4) % 7 + 7) % 7;
  parts.yearday = days - days_from_civil(parts.year, 1, 1);
}

Parts from_seconds(double seconds) {
  const double whole = std::floor(seconds);
  auto rest = static_cast<std::int64_t>(whole);
  std::int64_t days = rest / 86400;
  rest %= 86400;
  if (rest < 0) {
    rest += 86400;
    --days;
  }
  const std::int64_t z = days + 719468;
  const std::int64_t era = (z >= 0 ? z : z - 146096) / 146097;
  const std::int64_t of_era = z - era * 146097;
  const std::int64_t year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;
  Parts parts;
  parts.day = of_year - (153 * shifted + 2) / 5 + 1;
  parts.month = shifted < 10 ? shifted + 2 : shifted - 10;
  parts.year = year_of_era + era * 400 + (parts.month <= 1 ? 1 : 0);
  parts.hour = rest / 3600;
  parts.minute = rest / 60 % 60;
  parts.second = static_cast<double>(rest % 60) + (seconds - whole);
  set_days(parts);
  return parts;
}

bool read(Evaluation& evaluation, const Json& input, std::string_view function, Parts& parts) {
  const std::string message = std::string(function) + " requires parsed datetime inputs";
  if (!input.is_array() || input.size() < 6) return evaluation.fail(message);
  std::array<double, 8> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const Json& item = input[i];
    if (i >= 6 && item.is_null()) continue;
    if (!item.is_number() || !(std::fabs(item.as_double()) < 1e9)) return evaluation.fail(message);
    numbers[i] = item.as_double();
  }
  const auto integer = [&](std::size_t i) {
    return static_cast<std::int64_t>(std::floor(numbers[i]));
  };
  parts = {.year = integer(0),
           .month = integer(1),
           .day = integer(2),
           .hour = integer(3),
           .minute = integer(4),
           .second = numbers[5],
           .weekday = integer(6),
           .yearday = integer(7)};
  if (std::abs(parts.year) > kMaxYear)
    return evaluation.fail(std::string(function) + ": the year is out of range");
  // Months beyond the year carry over, as timegm does.
  parts.year += parts.month >= 0 ? parts.month / 12 : (parts.month - 11) / 12;
  parts.month = (parts.month % 12 + 12) % 12;
  return true;
}

double seconds_of(const Parts& parts) {
  return static_cast<double>(days_from_civil(parts.year, parts.month + 1, 1) + parts.day - 1) *
             86400.0 +
         static_cast<double>(parts.hour) * 3600.0 + static_cast<double>(parts.minute) * 60.0 +
         std::floor(parts.second);
}

Json broken_down(Evaluation& evaluation, const Parts& parts) {
  return Json::array({Json(parts.year), Json(parts.month), Json(parts.day), Json(parts.hour),
                      Json(parts.minute), evaluation.number(parts.second), Json(parts.weekday),
                      Json(parts.yearday)});
}

std::string padded(std::int64_t value, std::size_t width, char fill = '0') {
  std::string digits = std::to_string(std::abs(value));
  if (digits.size() < width) digits.insert(0, width - digits.size(), fill);
  return value < 0 ? "-" + digits : digits;
}

// ISO 8601 week and its year.
void iso_week(const Parts& parts, std::int64_t& year, std::int64_t& week) {
  const std::int64_t monday_based = (parts.weekday + 6) % 7;
  const std::int64_t days = days_from_civil(parts.year, 1, 1) + parts.yearday;
  const std::int64_t thursday = days - monday_based + 3;
  const Parts of_thursday = from_seconds(static_cast<double>(thursday) * 86400.0);
  year = of_thursday.year;
  week = of_thursday.yearday / 7 + 1;
}

bool render(const Parts& parts, std::string_view format, std::string& out);

// A table of the conversions of strftime.
bool convert(const Parts& parts, char letter, std::string& out) {
  std::int64_t iso_year = 0;
  std::int64_t week = 0;
  const std::int64_t hour12 = parts.hour % 12 == 0 ? 12 : parts.hour % 12;
  switch (letter) {
    case 'Y':
      out += std::to_string(parts.year);
      break;
    case 'C':
      out += padded(parts.year / 100, 2);
      break;
    case 'y':
      out += padded(((parts.year % 100) + 100) % 100, 2);
      break;
    case 'm':
      out += padded(parts.month + 1, 2);
      break;
    case 'd':
      out += padded(parts.day, 2);
      break;
    case 'e':
      out += padded(parts.day, 2, ' ');
      break;
    case 'H':
      out += padded(parts.hour, 2);
      break;
    case 'k':
      out += padded(parts.hour, 2, ' ');
      break;
    case 'I':
      out += padded(hour12, 2);
      break;
    case 'l':
      out += padded(hour12, 2, ' ');
      break;
    case 'M':
      out += padded(parts.minute, 2);
      break;
    case 'S':
      out += padded(static_cast<std::int64_t>(std::floor(parts.second)), 2);
      break;
    case 'j':
      out += padded(parts.yearday + 1, 3);
      break;
    case 'a':
      out += kDays[static_cast<std::size_t>((parts.weekday % 7 + 7) % 7)].substr(0, 3);
      break;
    case 'A':
      out += kDays[static_cast<std::size_t>((parts.weekday % 7 + 7) % 7)];
      break;
    case 'b':
    case 'h':
      out += kMonths[static_cast<std::size_t>(parts.month)].substr(0, 3);
      break;
    case 'B':
      out += kMonths[static_cast<std::size_t>(parts.month)];
      break;
    case 'p':
      out += parts.hour < 12 ? "AM" : "PM";
      break;
    case 's':
      out += std::to_string(static_cast<std::int64_t>(seconds_of(parts)));
      break;
    case 'u':
      out += std::to_string(parts.weekday == 0 ? 7 : parts.weekday);
      break;
    case 'w':
      out += std::to_string(parts.weekday);
      break;
    case 'U':
      out += padded((parts.yearday + 7 - parts.weekday) / 7, 2);
      break;
    case 'W':
      out += padded((parts.yearday + 7 - (parts.weekday + 6) % 7) / 7, 2);
      break;
    case 'G':
    case 'V':
      iso_week(parts, iso_year, week);
      out += letter == 'G' ? std::to_string(iso_year) : padded(week, 2);
      break;
    case 'Z':
      out += "UTC";
      break;
    case 'z':
      out += "+0000";
      break;
    case 'T':
    case 'X':
      render(parts, "%H:%M:%S", out);
      break;
    case 'R':
      render(parts, "%H:%M", out);
      break;
    case 'r':
      render(parts, "%I:%M:%S %p", out);
      break;
    case 'D':
    case 'x':
      render(parts, "%m/%d/%y", out);
      break;
    case 'F':
      render(parts, "%Y-%m-%d", out);
      break;
    case 'c':
      render(parts, "%a %b %e %H:%M:%S %Y", out);
      break;
    case 'n':
      out.push_back('\n');
      break;
    case 't':
      out.push_back('\t');
      break;
    case '%':
      out.push_back('%');
      break;
    default:
      return false;
  }
  return true;
}

bool render(const Parts& parts, std::string_view format, std::string& out) {
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      out.push_back(format[i]);
    } else if (++i == format.size() || !convert(parts, format[i], out)) {
      return false;
    }
  }
  return true;
}

class Reader final {
 public:
  Reader(std::string_view text, Parts& parts) : text_(text), parts_(parts) {}

  bool read(std::string_view format) {
    for (std::size_t i = 0; i < format.size(); ++i) {
      const char c = format[i];
      if (c == ' ' || c == '\t' || c == '\n') {
        skip_space();
        continue;
      }
      if (c != '%') {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        continue;
      }
      if (++i == format.size() || !directive(format[i])) return false;
    }
    return true;
  }
  [[nodiscard]] bool finished() const { return at_ == text_.size(); }

  bool have_yearday = false;
  bool have_date = false;
  bool have_year = false;
  bool have_month = false;
  bool have_hour12 = false;
  bool afternoon = false;
  // %s counts seconds in UTC, whatever offset stands beside it.
  bool have_seconds = false;
  // Seconds east of UTC.
  std::int64_t offset = 0;
  bool unknown_zone = false;

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
      ++at_;
  }
  bool number(std::size_t digits, std::int64_t low, std::int64_t high, std::int64_t& out) {
    skip_space();
    std::int64_t value = 0;
    std::size_t count = 0;
    while (count < digits && at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      value = value * 10 + (text_[at_] - '0');
      ++at_;
      ++count;
    }
    if (count == 0 || value < low || value > high) return false;
    out = value;
    return true;
  }
  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, std::int64_t& out) {
    for (std::size_t i = 0; i < N; ++i) {
      for (const std::string_view candidate : {names[i], names[i].substr(0, 3)}) {
        if (at_ + candidate.size() > text_.size()) continue;
        if (!equal_ignoring_case(text_.substr(at_, candidate.size()), candidate)) continue;
        at_ += candidate.size();
        out = static_cast<std::int64_t>(i);
        return true;
      }
    }
    return false;
  }

  // A table of the conversions of strptime.
  bool directive(char c) {
    std::int64_t value = 0;
    switch (c) {
      case 'Y':
        if (!number(4, 0, 9999, parts_.year)) return false;
        have_date = have_year = true;
        return true;
      case 'y':
        if (!number(2, 0, 99, value)) return false;
        parts_.year = value < 69 ? 2000 + value : 1900 + value;
        have_date = have_year = true;
        return true;
      case 'm':
        if (!number(2, 1, 12, value)) return false;
        parts_.month = value - 1;
        have_date = have_month = true;
        return true;
      case 'd':
      case 'e':
        have_date = true;
        return number(2, 1, 31, parts_.day);
      case 'b':
      case 'B':
      case 'h':
        have_date = have_month = true;
        return name(kMonths, parts_.month);
      case 'a':
      case 'A':
        return name(kDays, parts_.weekday);
      case 'H':
      case 'k':
        return number(2, 0, 23, parts_.hour);
      case 'I':
      case 'l':
        have_hour12 = true;
        return number(2, 1, 12, parts_.hour);
      case 'M':
        return number(2, 0, 59, parts_.minute);
      case 'S':
        if (!number(2, 0, 60, value)) return false;
        parts_.second = static_cast<double>(value);
        return true;
      case 'p': {
        if (at_ + 2 > text_.size() || lower(text_[at_ + 1]) != 'm') return false;
        const char first = lower(text_[at_]);
        if (first != 'a' && first != 'p') return false;
        afternoon = first == 'p';
        have_hour12 = true;
        at_ += 2;
        return true;
      }
      case 'j':
        if (!number(3, 1, 366, value)) return false;
        parts_.yearday = value - 1;
        have_yearday = true;
        return true;
      case 's': {
        std::int64_t seconds = 0;
        if (!number(12, 0, 250'000'000'000, seconds)) return false;
        parts_ = from_seconds(static_cast<double>(seconds));
        have_date = true;
        have_seconds = true;
        return true;
      }
      case 'Z':
        return zone_name();
      case 'z':
        return zone();
      case 'T':
        return read("%H:%M:%S");
      case 'R':
        return read("%H:%M");
      case 'F':
        return read("%Y-%m-%d");
      case 'D':
        return read("%m/%d/%y");
      case 'n':
      case 't':
        skip_space();
        return true;
      case '%':
        if (at_ >= text_.size() || text_[at_] != '%') return false;
        ++at_;
        return true;
      default:
        return false;
    }
  }

  // Names other than these have no offset that everybody agrees on.
  bool zone_name() {
    constexpr std::array<std::string_view, 4> kUtc{"UTC", "GMT", "UT", "Z"};
    const std::size_t start = at_;
    while (at_ < text_.size() &&
           ((text_[at_] >= 'A' && text_[at_] <= 'Z') || (text_[at_] >= 'a' && text_[at_] <= 'z'))) {
      ++at_;
    }
    const std::string_view named = text_.substr(start, at_ - start);
    for (const std::string_view text : kUtc) {
      if (equal_ignoring_case(named, text)) return true;
    }
    unknown_zone = true;
    return false;
  }

  // Z, +03, +0300 or +03:00.
  bool zone() {
    if (at_ < text_.size() && text_[at_] == 'Z') {
      ++at_;
      return true;
    }
    if (at_ >= text_.size() || (text_[at_] != '+' && text_[at_] != '-')) return false;
    const std::int64_t sign = text_[at_] == '-' ? -1 : 1;
    ++at_;
    std::int64_t hours = 0;
    std::int64_t minutes = 0;
    if (!number(2, 0, 14, hours)) return false;
    const bool colon = at_ < text_.size() && text_[at_] == ':';
    if (colon) ++at_;
    const bool more = at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9';
    if ((colon || more) && !number(2, 0, 59, minutes)) return false;
    offset = sign * (hours * 60 + minutes) * 60;
    return true;
  }

  std::string_view text_;
  Parts& parts_;
  std::size_t at_ = 0;
};

}  // namespace

bool gmtime(Evaluation& evaluation, const Json& input, const Json* /*arguments*/, Json& out) {
  if (!input.is_number()) return evaluation.fail("gmtime() requires numeric inputs");
  if (!(std::fabs(input.as_double()) <= kMaxSeconds))
    return evaluation.fail("gmtime: the time is out of range");
  out = broken_down(evaluation, from_seconds(input.as_double()));
  return evaluation.charge(8 * sizeof(Json));
}

bool mktime(Evaluation& evaluation, const Json& input, const Json* /*arguments*/, Json& out) {
  if (!input.is_array()) return evaluation.fail("mktime requires array inputs");
  Parts parts;
  if (!read(evaluation, input, "mktime", parts)) return false;
  out = evaluation.number(seconds_of(parts));
  return true;
}

bool strftime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out) {
  Json times = input;
  if (input.is_number() && !gmtime(evaluation, input, nullptr, times)) return false;
  if (!arguments[0].is_string()) return evaluation.fail("strftime/1 requires a string format");
  Parts parts;
  if (!read(evaluation, times, "strftime/1", parts)) return false;
  std::string text;
  if (!render(parts, arguments[0].as_string(), text)) {
    return evaluation.fail("strftime/1: the format holds a conversion that is not supported");
  }
  if (!evaluation.charge(text.size())) return false;
  out = Json(std::move(text));
  return true;
}

bool strptime(Evaluation& evaluation, const Json& input, const Json* arguments, Json& out) {
  if (!input.is_string()) return evaluation.fail("strptime/1 requires string inputs and arguments");
  if (!arguments[0].is_string())
    return evaluation.fail("strptime/1 requires string inputs and arguments");
  Parts parts;
  Reader reader(input.as_string(), parts);
  if (!reader.read(arguments[0].as_string()) || !reader.finished()) {
    if (reader.unknown_zone)
      return evaluation.fail("strptime/1: %Z knows UTC, GMT, UT and Z; write an offset, for %z");
    return evaluation.charge(input.as_string().size() + arguments[0].as_string().size()) &&
           evaluation.fail("date \"" + input.as_string() + "\" does not match format \"" +
                               arguments[0].as_string() + "\"",
                           "the date does not match the format");
  }
  if (reader.have_year && reader.have_month && parts.day > 0) {
    const Parts date = from_seconds(
        static_cast<double>(days_from_civil(parts.year, parts.month + 1, parts.day)) * 86400.0);
    if (date.day != parts.day) return evaluation.fail("strptime/1: the month has no such day");
  }
  if (reader.have_hour12) parts.hour = parts.hour % 12 + (reader.afternoon ? 12 : 0);
  if (reader.have_yearday && parts.day == 0) {
    const Parts date = from_seconds(
        static_cast<double>(days_from_civil(parts.year, 1, 1) + parts.yearday) * 86400.0);
    if (reader.have_year && date.year != parts.year)
      return evaluation.fail("strptime/1: the year has no such day");
    parts.month = date.month;
    parts.day = date.day;
  }
  const bool dated = reader.have_date || reader.have_yearday;
  if (dated) set_days(parts);
  if (reader.offset != 0 && !reader.have_seconds) {
    if (!dated) return evaluation.fail("strptime/1: an offset needs a date");
    parts = from_seconds(seconds_of(parts) - static_cast<double>(reader.offset));
  }
  out = broken_down(evaluation, parts);
  return evaluation.charge(8 * sizeof(Json));
}

}  // namespace rabt::workflow
