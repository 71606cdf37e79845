#include "hub/base/log.hpp"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstdlib>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"

namespace rabt {

namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

constexpr std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

// Level of a line for systemd's journal, which reads it off the line: sd-daemon(3).
constexpr std::string_view journal_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "<7>";
    case LogLevel::info:
      return "<6>";
    case LogLevel::warn:
      return "<4>";
    case LogLevel::error:
      return "<3>";
  }
  return "<6>";
}

// True if standard error is the journal: $JOURNAL_STREAM holds its device and inode
// (systemd.exec(5)).
bool goes_to_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");  // NOLINT(concurrency-mt-unsafe): at start
  struct stat at {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &at) == 0 &&
         std::to_string(at.st_dev) + ":" + std::to_string(at.st_ino) == stream;
}

class SpdLogger final : public Logger {
 public:
  SpdLogger(LogLevel minimum, const std::string& path)
      : minimum_(minimum),
        journal_(path.empty() && goes_to_journal()),
        log_("rabt", path.empty() ? std::static_pointer_cast<spdlog::sinks::sink>(
                                        std::make_shared<spdlog::sinks::stderr_sink_mt>())
                                  : std::make_shared<spdlog::sinks::basic_file_sink_mt>(path)) {
    log_.set_pattern("%v");
    log_.set_level(to_spdlog(minimum));
    log_.flush_on(spdlog::level::debug);
  }

  void log(LogLevel level, std::string_view event, LogFields fields) override {
    if (level < minimum_) return;
    std::string line(journal_ ? journal_prefix(level) : std::string_view());
    line += "{\"ts\":\"" + to_iso8601(SystemClock().now()) + "\",\"level\":\"";
    line.append(name(level)).append("\",\"event\":");
    append_json_string(line, event);
    for (const auto& [key, value] : fields) {
      line.push_back(',');
      append_json_string(line, key);
      line.push_back(':');
      if (const auto* text = std::get_if<std::string_view>(&value)) {
        append_json_string(line, *text);
      } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
        line.append(std::to_string(*integer));
      } else if (const auto* real = std::get_if<double>(&value)) {
        line.append(Json(*real).dump());
      } else {
        line.append(std::get<bool>(value) ? "true" : "false");
      }
    }
    line.push_back('}');
    log_.log(to_spdlog(level), line);
  }

 private:
  LogLevel minimum_;
  const bool journal_;
  spdlog::logger log_;
};

class NullLogger final : public Logger {
 public:
  void log(LogLevel /*level*/, std::string_view /*event*/, LogFields /*fields*/) override {}
};

}  // namespace

Result<std::unique_ptr<Logger>> make_logger(LogLevel minimum, const std::string& path) {
  try {
    return std::unique_ptr<Logger>(std::make_unique<SpdLogger>(minimum, path));
  } catch (const spdlog::spdlog_ex& error) {
    return invalid("log.file", "log.file: " + path +
                                   " cannot be written: its folder must exist, and both must be "
                                   "writable by the user of the hub (" +
                                   error.what() + ")");
  }
}

Logger& null_logger() {
  static NullLogger logger;
  return logger;
}

}  // namespace rabt
