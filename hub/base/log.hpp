#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "hub/base/result.hpp"

namespace rabt {

// Structured log: an event name and fields, never sentences and never patient data. A field value
// is an id, a code, a number or an operator message; there is no way to log a Json document.
using LogValue = std::variant<std::string_view, std::int64_t, double, bool>;
using LogField = std::pair<std::string_view, LogValue>;

// A view of the fields of one entry, which are a list written at the call or a vector. They must
// live until the call returns.
class LogFields {
 public:
  LogFields(std::initializer_list<LogField> fields)  // NOLINT: implicit by design
      : first_(std::data(fields)), size_(fields.size()) {}
  LogFields(const std::vector<LogField>& fields)  // NOLINT: implicit by design
      : first_(fields.data()), size_(fields.size()) {}
  [[nodiscard]] const LogField* begin() const { return first_; }
  [[nodiscard]] const LogField* end() const { return first_ + size_; }

 private:
  const LogField* first_;
  std::size_t size_;
};

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
// path is set. Error invalid log.file: the file cannot be written.
[[nodiscard]] Result<std::unique_ptr<Logger>> make_logger(LogLevel minimum,
                                                          const std::string& path = {});
// Discards everything.
[[nodiscard]] Logger& null_logger();

}  // namespace rabt
