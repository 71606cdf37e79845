#pragma once

#include <optional>
#include <string>

#include "hub/consultation/practice/metering/usage_request.hpp"
#include "hub/consultation/practice/period.hpp"
#include "hub/consultation/request/reference.hpp"

// Requests for figures over many sessions.
namespace rabt::consultation {

struct GetFigures {
  // Bounds of the planned start.
  Period period{};
  // One session alone.
  std::optional<Reference> session{};
};

struct GetScfhsReport {
  // 2026-11
  std::string name;
  int year = 0;
  // 1 to 12
  int month = 0;
};

}  // namespace rabt::consultation
