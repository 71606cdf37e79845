#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "hub/base/result.hpp"

namespace rabt {

// Structured log: an event name and fields, never sentences and never patient data. A field value
// is an id, a code, a number or an operator message; there is no way to log a Json document.
using LogValue = std::variant<std::string_view, std::int64_t, double, bool>;
using LogFields = std::initializer_list<std::pair<std::string_view, LogValue>>;

// Internally synchronised.
class Logger {
 public:
  virtual ~Logger() = default;
  virtual void log(LogLevel level, std::string_view event, LogFields fields) = 0;

  void debug(std::string_view event, LogFields fields = {}) { log(LogLevel::debug, event, fields); }
  void info(std::string_view event, LogFields fields = {}) { log(LogLevel::info, event, fields); }
  void warn(std::string_view event, LogFields fields = {}) { log(LogLevel::warn, event, fields); }
  void error(std::string_view event, LogFields fields = {}) { log(LogLevel::error, event, fields); }
};

// One JSON object a line: ts, level, event, then the fields. To standard error, or to a file when
// path is set.
[[nodiscard]] std::unique_ptr<Logger> make_logger(LogLevel minimum, const std::string& path = {});
// Discards everything.
[[nodiscard]] Logger& null_logger();

}  // namespace rabt
