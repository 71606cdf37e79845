#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/alerts/telling.hpp"
#include "hub/base/json.hpp"

// The words of alerts, in Arabic and English. They hold names of the configuration, numbers and
// times: no patient data, and no text of another system. Pure.
namespace rabt::alerts {

enum class Language : std::uint8_t { ar, en };

// Content of a telling of one alert, or of several.
struct Facts {
  Kind kind = Kind::opened;
  std::string alert{};
  std::string rule{};
  std::string object{};
  Severity severity = Severity::warn;
  std::int64_t value = 0;
  std::int64_t opened_ms = 0;
  // Set when it is told that the alert closed.
  std::int64_t closed_ms = 0;
  std::int64_t count = 1;
  // Number of alerts that Kind::more stands for.
  std::int64_t more = 0;
};
[[nodiscard]] Json to_json(const Facts& facts);
[[nodiscard]] Facts read_facts(const Json& json);

// "The disk of data has 4 % free": the cause in one sentence.
[[nodiscard]] std::string what(std::string_view rule, std::string_view object, std::int64_t value,
                               Language language);
// The command that helps. Empty for a rule that is not known.
[[nodiscard]] std::string command_of(std::string_view rule, std::string_view object);
// One line: severity or "closed", hub and cause.
[[nodiscard]] std::string title(const Facts& facts, std::string_view tenant, Language language);
// The title, since when, how often, what helps and how it is acknowledged.
[[nodiscard]] std::string text(const Facts& facts, std::string_view tenant, Language language);

}  // namespace rabt::alerts
