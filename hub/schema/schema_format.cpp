#include "hub/schema/schema_format.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/schema/schema_regex.hpp"

namespace rabt::schema {

namespace {

struct Name {
  std::string_view name;
  Format format;
};
constexpr std::array<Name, 18> kNames{{{"date-time", Format::date_time},
                                       {"date", Format::date},
                                       {"time", Format::time},
                                       {"duration", Format::duration},
                                       {"email", Format::email},
                                       {"idn-email", Format::idn_email},
                                       {"hostname", Format::hostname},
                                       {"ipv4", Format::ipv4},
                                       {"ipv6", Format::ipv6},
                                       {"uri", Format::uri},
                                       {"uri-reference", Format::uri_reference},
                                       {"iri", Format::iri},
                                       {"iri-reference", Format::iri_reference},
                                       {"uuid", Format::uuid},
                                       {"uri-template", Format::uri_template},
                                       {"json-pointer", Format::json_pointer},
                                       {"relative-json-pointer", Format::relative_json_pointer},
                                       {"regex", Format::regex}}};

bool wide(char c) {
  return static_cast<unsigned char>(c) >= 0x80;
}
bool one_of(char c, std::string_view set) {
  return set.find(c) != std::string_view::npos;
}

// Takes exactly count digits off the front; -1 when they are not there.
int take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}
bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || !one_of(text.front(), any_of)) return false;
  text.remove_prefix(1);
  return true;
}

// RFC 3339, full-date.
bool take_date(std::string_view& text) {
  static constexpr std::array<int, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const int year = take_number(text, 4);
  if (year < 0 || !take(text, "-")) return false;
  const int month = take_number(text, 2);
  if (month < 1 || month > 12 || !take(text, "-")) return false;
  const int day = take_number(text, 2);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int last = kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
  return day >= 1 && day <= last;
}

// RFC 3339, full-time to the end of the text. A leap second is one only at 23:59 UTC.
bool is_time(std::string_view text) {
  const int hour = take_number(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return false;
  const int minute = take_number(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ":")) return false;
  const int second = take_number(text, 2);
  if (second < 0 || second > 60) return false;
  if (take(text, ".")) {
    const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
    if (end == 0) return false;
    text.remove_prefix(end);
  }
  int offset = 0;
  if (!take(text, "Zz")) {
    if (text.empty()) return false;
    const int sign = text.front() == '-' ? -1 : 1;
    if (!take(text, "+-")) return false;
    const int hours = take_number(text, 2);
    if (hours < 0 || hours > 23 || !take(text, ":")) return false;
    const int minutes = take_number(text, 2);
    if (minutes < 0 || minutes > 59) return false;
    offset = sign * (hours * 60 + minutes);
  }
  if (!text.empty()) return false;
  const int utc = ((hour * 60 + minute - offset) % 1440 + 1440) % 1440;
  return second < 60 || utc == 23 * 60 + 59;
}

bool is_date_time(std::string_view text) {
  return take_date(text) && take(text, "Tt") && is_time(text);
}

// RFC 3339, appendix A: no unit is skipped between two others, weeks stand alone.
bool is_duration(std::string_view text) {
  if (!take(text, "P")) return false;
  const auto run = [&text](std::string_view units) {
    std::size_t next = std::string_view::npos;
    while (!text.empty() && is_digit(text.front())) {
      text.remove_prefix(std::min(text.find_first_not_of("0123456789"), text.size()));
      if (text.empty()) return false;
      const auto unit = units.find(text.front());
      if (unit == std::string_view::npos) return false;
      if (next != std::string_view::npos && unit != next) return false;
      text.remove_prefix(1);
      next = unit + 1;
    }
    return next != std::string_view::npos;
  };
  if (text.ends_with('W')) return run("W") && text.empty();
  if (!text.starts_with('T')) {
    if (!run("YMD")) return false;
    if (text.empty()) return true;
  }
  return take(text, "T") && run("HMS") && text.empty();
}

bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    if (part > 0 && !take(text, ".")) return false;
    const auto length = std::min(text.find_first_not_of("0123456789"), text.size());
    if (length == 0 || length > 3 || (length > 1 && text.front() == '0')) return false;
    if (take_number(text, length) > 255) return false;
  }
  return text.empty();
}

// RFC 4291, 2.2.
bool is_ipv6(std::string_view text) {
  int groups = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
  } else if (text.starts_with(':')) {
    return false;
  }
  while (!text.empty()) {
    const auto length = std::min(text.find_first_of(":."), text.size());
    if (length < text.size() && text[length] == '.') {
      if (!is_ipv4(text)) return false;
      groups += 2;
      text = {};
      break;
    }
    if (length == 0 || length > 4 || !std::all_of(text.begin(), text.begin() + length, is_hex))
      return false;
    ++groups;
    text.remove_prefix(length);
    if (text.empty()) break;
    if (text.starts_with("::")) {
      if (gap) return false;
      gap = true;
      text.remove_prefix(2);
    } else {
      text.remove_prefix(1);
      if (text.empty()) return false;
    }
  }
  return gap ? groups <= 7 : groups == 8;
}

// RFC 1123, 2.1, as RFC 5321 uses it too.
bool is_hostname(std::string_view text, bool international) {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto end = std::min(text.find('.'), text.size());
    const std::string_view label = text.substr(0, end);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
      return false;
    for (const char c : label) {
      if (!is_digit(c) && !is_alpha(c) && c != '-' && !(international && wide(c))) return false;
    }
    if (end == text.size()) return true;
    text.remove_prefix(end + 1);
  }
}

// RFC 5321, Mailbox; RFC 6531 with international letters.
bool is_email(std::string_view text, bool international) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64) return false;
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  if (local.front() == '"') {
    if (local.size() < 2 || local.back() != '"') return false;
    const std::string_view inner = local.substr(1, local.size() - 2);
    for (std::size_t i = 0; i < inner.size(); ++i) {
      const char c = inner[i];
      if (c == '"' || (c == '\\' && ++i >= inner.size())) return false;
      const char shown = inner[i];
      if (!(international && wide(shown)) && (shown < ' ' || shown > '~')) return false;
    }
  } else {
    bool dot = true;
    for (const char c : local) {
      if (c == '.') {
        if (dot) return false;
        dot = true;
        continue;
      }
      dot = false;
      if (!is_digit(c) && !is_alpha(c) && !one_of(c, "!#$%&'*+-/=?^_`{|}~") &&
          !(international && wide(c)))
        return false;
    }
    if (dot) return false;
  }
  if (domain.starts_with('[')) {
    if (!domain.ends_with(']')) return false;
    const std::string_view literal = domain.substr(1, domain.size() - 2);
    return literal.starts_with("IPv6:") ? is_ipv6(literal.substr(5)) : is_ipv4(literal);
  }
  return is_hostname(domain, international);
}

// RFC 3986; RFC 3987 when international.
class UriReader {
 public:
  explicit UriReader(bool international) : international_(international) {}

  bool reference(std::string_view text, bool needs_scheme) const {
    const auto colon = text.find_first_of(":/?#");
    const bool has_scheme =
        colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon));
    if (needs_scheme && !has_scheme) return false;
    if (has_scheme) {
      text.remove_prefix(colon + 1);
    } else if (colon != std::string_view::npos && text[colon] == ':') {
      return false;  // a relative reference has no colon in its first segment
    }
    if (const auto hash = text.find('#'); hash != std::string_view::npos) {
      if (!all(text.substr(hash + 1), ":@/?")) return false;
      text = text.substr(0, hash);
    }
    if (const auto mark = text.find('?'); mark != std::string_view::npos) {
      if (!all(text.substr(mark + 1), ":@/?")) return false;
      text = text.substr(0, mark);
    }
    if (text.starts_with("//")) {
      text.remove_prefix(2);
      const auto end = std::min(text.find('/'), text.size());
      if (!authority(text.substr(0, end))) return false;
      text.remove_prefix(end);
    }
    return all(text, ":@/");
  }

 private:
  static bool is_scheme(std::string_view text) {
    return !text.empty() && is_alpha(text.front()) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return is_alpha(c) || is_digit(c) || one_of(c, "+-."); });
  }
  // Unreserved, sub-delims, percent-encoded, and what extra holds.
  [[nodiscard]] bool all(std::string_view text, std::string_view extra) const {
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '%') {
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
        i += 2;
      } else if (!is_alpha(c) && !is_digit(c) && !one_of(c, "-._~!$&'()*+,;=") &&
                 !one_of(c, extra) && !(international_ && wide(c))) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool authority(std::string_view text) const {
    if (const auto at = text.rfind('@'); at != std::string_view::npos) {
      if (!all(text.substr(0, at), ":")) return false;
      text.remove_prefix(at + 1);
    }
    std::string_view port;
    if (text.starts_with('[')) {
      const auto end = text.find(']');
      if (end == std::string_view::npos) return false;
      const std::string_view literal = text.substr(1, end - 1);
      if (!is_ipv6(literal) && !future(literal)) return false;
      port = text.substr(end + 1);
      if (!port.empty() && port.front() != ':') return false;
    } else {
      const auto colon = std::min(text.find(':'), text.size());
      if (!all(text.substr(0, colon), "")) return false;
      port = text.substr(colon);
    }
    if (!port.empty()) port.remove_prefix(1);
    return std::all_of(port.begin(), port.end(), is_digit);
  }
  [[nodiscard]] static bool future(std::string_view text) {
    if (!take(text, "vV")) return false;
    const auto dot = text.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
    return std::all_of(text.begin(), text.begin() + dot, is_hex) &&
           std::all_of(text.begin() + dot + 1, text.end(), [](char c) {
             return is_alpha(c) || is_digit(c) || one_of(c, "-._~!$&'()*+,;=:");
           });
  }

  bool international_;
};

bool is_uuid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return true;
}

bool is_json_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 >= text.size() || !one_of(text[i + 1], "01"))) return false;
  }
  return true;
}

bool take_integer(std::string_view& text) {
  const auto length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0 || (length > 1 && text.front() == '0')) return false;
  text.remove_prefix(length);
  return true;
}

bool is_relative_json_pointer(std::string_view text) {
  if (!take_integer(text)) return false;
  if (take(text, "+-") && !take_integer(text)) return false;
  return text == "#" || is_json_pointer(text);
}

// RFC 6570, 2.
bool is_uri_template(std::string_view text) {
  const auto encoded = [](std::string_view at) {
    return at.size() >= 3 && at[0] == '%' && is_hex(at[1]) && is_hex(at[2]);
  };
  while (!text.empty()) {
    const char c = text.front();
    if (c == '%') {
      if (!encoded(text)) return false;
      text.remove_prefix(3);
      continue;
    }
    if (c != '{') {
      if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || one_of(c, "\"<>\\^`|}"))
        return false;
      text.remove_prefix(1);
      continue;
    }
    text.remove_prefix(1);
    take(text, "+#./;?&=,!@|");
    while (true) {
      std::size_t length = 0;
      bool dot = true;
      while (length < text.size()) {
        const char v = text[length];
        if (v == '.') {
          if (dot) return false;
          dot = true;
          ++length;
        } else if (is_alpha(v) || is_digit(v) || v == '_') {
          dot = false;
          ++length;
        } else if (encoded(text.substr(length))) {
          dot = false;
          length += 3;
        } else {
          break;
        }
      }
      if (length == 0 || dot) return false;
      text.remove_prefix(length);
      if (take(text, ":")) {
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        if (digits == 0 || digits > 4 || text.front() == '0') return false;
        text.remove_prefix(digits);
      } else {
        take(text, "*");
      }
      if (take(text, "}")) break;
      if (!take(text, ",")) return false;
    }
  }
  return true;
}

}  // namespace

std::optional<Format> find_format(std::string_view name) {
  for (const auto& [name_of_format, format] : kNames) {
    if (name_of_format == name) return format;
  }
  return std::nullopt;
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  names.reserve(std::size(kNames));
  for (const auto& [name, format] : kNames) names.emplace_back(name);
  return names;
}

bool has_format(std::string_view text, Format format) {
  switch (format) {
    case Format::date_time:
      return is_date_time(text);
    case Format::date:
      return take_date(text) && text.empty();
    case Format::time:
      return is_time(text);
    case Format::duration:
      return is_duration(text);
    case Format::email:
      return is_email(text, false);
    case Format::idn_email:
      return is_email(text, true);
    case Format::hostname:
      return is_hostname(text, false);
    case Format::ipv4:
      return is_ipv4(text);
    case Format::ipv6:
      return is_ipv6(text);
    case Format::uri:
      return UriReader(false).reference(text, true);
    case Format::uri_reference:
      return UriReader(false).reference(text, false);
    case Format::iri:
      return UriReader(true).reference(text, true);
    case Format::iri_reference:
      return UriReader(true).reference(text, false);
    case Format::uuid:
      return is_uuid(text);
    case Format::uri_template:
      return is_uri_template(text);
    case Format::json_pointer:
      return is_json_pointer(text);
    case Format::relative_json_pointer:
      return is_relative_json_pointer(text);
    case Format::regex:
      return is_ecma_regex(text);
  }
  return true;
}

}  // namespace rabt::schema
