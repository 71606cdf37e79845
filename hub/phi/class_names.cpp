#include <array>

#include "hub/phi/detector.hpp"

namespace rabt::phi {

std::string_view to_string(Class value) {
  constexpr std::array<std::string_view, 14> kNames = {
      "national-id", "iqama", "phone",   "email", "iban", "mrn", "passport",
      "date",        "age",   "address", "name",  "card", "ip",  "url"};
  return kNames.at(static_cast<std::size_t>(value));
}

std::string mask(std::string_view text, const std::vector<Finding>& findings) {
  std::string out;
  std::size_t at = 0;
  for (const Finding& finding : findings) {
    if (finding.begin < at || finding.end > text.size()) continue;
    out.append(text.substr(at, finding.begin - at))
        .append("[")
        .append(to_string(finding.kind))
        .append("]");
    at = finding.end;
  }
  out.append(text.substr(at));
  return out;
}

}  // namespace rabt::phi
