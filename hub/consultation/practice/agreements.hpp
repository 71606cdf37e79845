#pragma once

#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/practice/practice_settings.hpp"

// Contracts with those who get patient data. Pure.
namespace rabt::consultation {

// today: 2026-11-22
[[nodiscard]] bool is_valid(const Agreement& agreement, std::string_view today);
// Ok if every plugin that gets patient data may be bound. Error denied compliance.agreement: the
// configuration asks for an agreement (compliance.require_agreement), and a plugin has none that is
// valid today.
[[nodiscard]] Status may_be_bound(const PracticeSettings& settings, Timestamp now);

}  // namespace rabt::consultation
