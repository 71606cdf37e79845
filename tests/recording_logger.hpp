#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/base/log.hpp"
#include "tests/eventually.hpp"

namespace rabt::test {

// Keeps every entry as "event key=value ...". Internally synchronised.
class RecordingLogger final : public Logger {
 public:
  void log(LogLevel /*level*/, std::string_view event, LogFields fields) override {
    std::string line(event);
    for (const auto& [key, value] : fields) {
      line += " " + std::string(key) + "=";
      if (const auto* text = std::get_if<std::string_view>(&value)) line += *text;
      if (const auto* whole = std::get_if<std::int64_t>(&value)) line += std::to_string(*whole);
      if (const auto* flag = std::get_if<bool>(&value)) line += *flag ? "true" : "false";
    }
    const std::scoped_lock lock(mutex_);
    lines_.push_back(std::move(line));
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    const std::scoped_lock lock(mutex_);
    return lines_;
  }
  [[nodiscard]] bool has(std::string_view part) const {
    const std::scoped_lock lock(mutex_);
    for (const std::string& line : lines_) {
      if (line.find(part) != std::string::npos) return true;
    }
    return false;
  }
  // Waits up to two seconds.
  [[nodiscard]] bool comes(std::string_view part) const {
    return eventually([&] { return has(part); }, std::chrono::seconds(2));
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

}  // namespace rabt::test
