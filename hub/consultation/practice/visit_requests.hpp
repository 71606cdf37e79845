#pragma once

#include <optional>
#include <string>
#include <utility>

#include "hub/consultation/practice/period.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/reference.hpp"

// Requests about visits.
namespace rabt::consultation {

struct ListVisits {
  std::optional<Reference> patient{};
  std::optional<Reference> provider{};
  // Bounds of the opening.
  Period period{};
  // OPEN or CLOSED; empty for both. The list of an unknown person is empty before a mistake here
  // counts.
  Asked<std::string> status = std::string();
};

struct OpenVisit {
  Reference patient;
  // The caller where he is a provider, else nobody, when it is unset.
  std::optional<Reference> provider{};
  // Name of the visit in another system: system and value.
  std::optional<std::pair<std::string, std::string>> external{};
};

struct OfVisit {
  Reference visit;
};

}  // namespace rabt::consultation
