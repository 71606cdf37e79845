#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "hub/alerts/rules.hpp"

namespace rabt::alerts {

// One cause: a rule and an object. No patient data: an object is a name of the configuration.
struct Alert {
  std::string id;
  std::string rule;
  // A webhook, plugin, source, role, certificate, folder, clinic... Empty if the rule is about the
  // hub itself.
  std::string object;
  Severity severity = Severity::warn;
  // The newest bad value, and the worst.
  std::int64_t value = 0;
  std::int64_t worst = 0;
  std::int64_t opened_ms = 0;
  // When the value was bad last.
  std::int64_t last_ms = 0;
  // Number of times that the value became bad.
  std::int64_t count = 1;
  // Last telling, and its severity. Unset until the alert is told.
  std::optional<std::int64_t> told_ms{};
  Severity told_severity = Severity::warn;
  std::optional<std::int64_t> closed_ms{};
  // True once the closing was told, or is never going to be.
  bool over = false;
  std::string acked_by{};
  std::optional<std::int64_t> acked_ms{};
  // The note of whoever acknowledged it, sealed.
  std::string data_key{};
  std::string sealed{};

  [[nodiscard]] bool is_open() const { return !closed_ms; }
};

// Rule and object. The object "" of a snooze stands for every object of the rule.
using Cause = std::pair<std::string, std::string>;
// End of each snooze.
using Snoozes = std::map<Cause, std::int64_t>;

}  // namespace rabt::alerts
