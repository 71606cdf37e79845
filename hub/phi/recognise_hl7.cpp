#include <algorithm>
#include <array>

#include "hub/phi/recognise.hpp"

namespace rabt::phi {

namespace {

// HL7 v2.5.1 chapters 3 and 4: which fields of a segment hold what. part: the components to take,
// or 0 for every component.
struct Field {
  std::string_view segment;
  std::size_t number;
  Class kind;
  std::size_t from, to;  // components, counted from 1; to 0: the last
};
constexpr auto kFields =
    std::to_array<Field>({{"PID", 2, Class::mrn, 1, 1},          {"PID", 3, Class::mrn, 1, 1},
                          {"PID", 4, Class::mrn, 1, 1},          {"PID", 5, Class::name, 1, 3},
                          {"PID", 6, Class::name, 1, 3},         {"PID", 9, Class::name, 1, 3},
                          {"PID", 11, Class::address, 1, 0},     {"PID", 13, Class::phone, 1, 1},
                          {"PID", 14, Class::phone, 1, 1},       {"PID", 18, Class::mrn, 1, 1},
                          {"PID", 19, Class::national_id, 1, 1}, {"NK1", 2, Class::name, 1, 3},
                          {"NK1", 4, Class::address, 1, 0},      {"NK1", 5, Class::phone, 1, 1},
                          {"GT1", 3, Class::name, 1, 3},         {"GT1", 5, Class::address, 1, 0},
                          {"GT1", 6, Class::phone, 1, 1},        {"IN1", 16, Class::name, 1, 3},
                          {"IN1", 19, Class::address, 1, 0},     {"PV1", 7, Class::name, 2, 4},
                          {"PV1", 8, Class::name, 2, 4},         {"PV1", 9, Class::name, 2, 4},
                          {"PV1", 17, Class::name, 2, 4},        {"OBR", 16, Class::name, 2, 4},
                          {"ORC", 12, Class::name, 2, 4}});
constexpr std::uint32_t kMaxField = 256;
constexpr double kScore = 0.94;

void field(std::string_view text, std::uint32_t begin, std::uint32_t end, const Field& what,
           Candidates& out) {
  if (end - begin > kMaxField) return;
  // Components [from, to], without empty ones at either end
  std::uint32_t first = end;
  std::uint32_t last = begin;
  std::size_t component = 1;
  std::uint32_t start = begin;
  for (std::uint32_t i = begin; i <= end; ++i) {
    if (i < end && text[i] != '^' && text[i] != '~') continue;
    if (component >= what.from && (what.to == 0 || component <= what.to) && i > start) {
      first = std::min(first, start);
      last = i;
    }
    ++component;
    start = i + 1;
    if (i < end && text[i] == '~') break;  // a repetition is seen by the other recognisers
  }
  if (first >= last) return;
  std::size_t digits = 0;
  for (std::uint32_t i = first; i < last; ++i) digits += text[i] >= '0' && text[i] <= '9' ? 1U : 0U;
  if ((what.kind == Class::mrn && digits < 3) || (what.kind == Class::phone && digits < 7) ||
      (what.kind == Class::national_id && digits < 5))
    return;
  // A Saudi identity number in a field of record numbers is what it is.
  double score = kScore;
  if (what.kind == Class::mrn && last - first == 10 && digits == 10 && luhn(text.substr(first, 10)))
    score = 0.6;
  out.push_back({what.kind, first, last, score});
}

}  // namespace

void find_hl7(const Text& text, Candidates& out) {
  const std::string_view all = text.text();
  const auto size = static_cast<std::uint32_t>(all.size());
  for (std::uint32_t at = 0; at + 4 < size;) {
    const std::string_view segment = all.substr(at, 3);
    const auto same = [&](const Field& one) { return one.segment == segment; };
    const bool starts = all[at + 3] == '|' &&
                        (at == 0 || all[at - 1] == '\n' || all[at - 1] == '\r' ||
                         all[at - 1] == '"' || all[at - 1] == ' ') &&
                        std::any_of(kFields.begin(), kFields.end(), same);
    if (!starts) {
      ++at;
      continue;
    }
    std::size_t number = 1;
    std::uint32_t begin = at + 4;
    std::uint32_t i = begin;
    for (; i <= size; ++i) {
      const bool line = i == size || all[i] == '\n' || all[i] == '\r' || all[i] == '"';
      if (!line && all[i] != '|') continue;
      for (const Field& one : kFields)
        if (same(one) && one.number == number) field(all, begin, i, one, out);
      ++number;
      begin = i + 1;
      if (line) break;
    }
    at = std::max(at + 1, std::min(i, size));
  }
}

}  // namespace rabt::phi
