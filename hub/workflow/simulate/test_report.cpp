#include <algorithm>
#include <cstdio>

#include "hub/base/clock.hpp"
#include "hub/workflow/simulate/test_file.hpp"

// Layout of test reports.
namespace rabt::workflow {

namespace {

constexpr std::size_t kWidth = 100;

std::string percent_text(double percent) {
  // Never rounded up to 100.
  char buffer[16];
  const double shown = percent < 100.0 ? std::min(percent, 99.9) : percent;
  std::snprintf(buffer, sizeof buffer, "%.1f", shown);
  return buffer;
}

std::string length_text(std::int64_t ms) {
  char buffer[64];
  if (ms >= kDayMs) {
    std::snprintf(buffer, sizeof buffer, "%lld d ", static_cast<long long>(ms / kDayMs));
  } else {
    buffer[0] = 0;
  }
  std::string out = buffer;
  const std::int64_t rest = ms % kDayMs;
  std::snprintf(buffer, sizeof buffer, "%02lld:%02lld:%02lld.%03lld",
                static_cast<long long>(rest / 3'600'000),
                static_cast<long long>(rest / 60'000 % 60),
                static_cast<long long>(rest / 1000 % 60), static_cast<long long>(rest % 1000));
  return out + buffer;
}

// Steps that repeat are written once with their number: `ask x3`, `[poll > decided (no)] x12`.
std::vector<std::string> folded(const std::vector<std::string>& path) {
  constexpr std::size_t kLongestCycle = 8;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < path.size();) {
    std::size_t length = 1;
    std::size_t times = 1;
    for (std::size_t n = 1; n <= kLongestCycle && i + 2 * n <= path.size() && times == 1; ++n) {
      const auto start = path.begin() + static_cast<std::ptrdiff_t>(i);
      const auto step = static_cast<std::ptrdiff_t>(n);
      std::size_t found = 1;
      while (i + (found + 1) * n <= path.size() &&
             std::equal(start, start + step, start + static_cast<std::ptrdiff_t>(found) * step))
        ++found;
      if (found > 1) {
        length = n;
        times = found;
      }
    }
    for (std::size_t k = 0; k < length; ++k) {
      out.push_back(path[i + k]);
      if (k == 0 && length > 1) out.back().insert(0, 1, '[');
    }
    if (length > 1) out.back() += ']';
    if (times > 1) out.back() += " x" + std::to_string(times);
    i += length * times;
  }
  return out;
}

void wrap(std::string& out, const std::vector<std::string>& words, std::string_view indent) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? " >" : "");
    if (column == 0 || column + word.size() + 1 > kWidth) {
      if (i > 0) out += '\n';
      out += indent;
      column = indent.size();
    } else {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      default:
        // XML 1.0 has no other control characters.
        out += static_cast<unsigned char>(c) < 0x20 && c != '\t' ? '?' : c;
    }
  }
  return out;
}

}  // namespace

std::string report_text(const TestReport& report, std::string_view name) {
  std::string out = std::string(name) + '\n';
  std::size_t failed = 0;
  for (const TestedCase& tested_case : report.cases) {
    out += (tested_case.passed() ? "  ok      " : "  FAILED  ") + tested_case.name + "  (" +
           tested_case.status + " after " + length_text(tested_case.duration_ms) + ")\n";
    if (!tested_case.path.empty()) wrap(out, folded(tested_case.path), "          ");
    if (tested_case.passed()) continue;
    ++failed;
    for (const std::string& difference : tested_case.differences) {
      std::string text = difference;
      for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
        text.insert(at + 1, "      ");
      out += "      - " + text + '\n';
    }
  }
  out += std::to_string(report.cases.size() - failed) + " of " +
         std::to_string(report.cases.size()) + " cases passed; coverage " +
         percent_text(report.percent) + " % (" + std::to_string(report.covered) + " of " +
         std::to_string(report.coverage.size()) + " tasks and branches)\n";
  bool first = true;
  for (const CoverageItem& item : report.coverage) {
    if (item.count > 0) continue;
    if (first) out += "not covered by any case:\n";
    first = false;
    out += "  line " + std::to_string(item.line) + ": " +
           (item.task.empty() ? "the workflow" : item.task) +
           (item.branch.empty() ? "" : ": " + item.branch) + '\n';
  }
  return out;
}

Json report_json(const TestReport& report, std::string_view name) {
  Json cases = Json::array();
  for (const TestedCase& tested_case : report.cases) {
    Json path = Json::array();
    for (const std::string& step : tested_case.path) path.push_back(step);
    Json calls = Json::array();
    for (const std::string& call : tested_case.calls) calls.push_back(call);
    Json differences = Json::array();
    for (const std::string& difference : tested_case.differences) differences.push_back(difference);
    cases.push_back(Json::object({{"name", tested_case.name},
                                  {"line", tested_case.line},
                                  {"passed", tested_case.passed()},
                                  {"status", tested_case.status},
                                  {"durationMs", tested_case.duration_ms},
                                  {"path", path},
                                  {"calls", calls},
                                  {"differences", differences}}));
  }
  Json missing = Json::array();
  for (const CoverageItem& item : report.coverage) {
    if (item.count > 0) continue;
    missing.push_back(
        Json::object({{"line", item.line}, {"task", item.task}, {"branch", item.branch}}));
  }
  return Json::object(
      {{"file", name},
       {"passed", report.passed()},
       {"cases", cases},
       {"coverage", Json::object({{"percent", Json::number(percent_text(report.percent))},
                                  {"covered", report.covered},
                                  {"total", report.coverage.size()},
                                  {"missing", missing}})}});
}

std::string report_junit(const TestReport& report, std::string_view name) {
  const auto failures = std::count_if(report.cases.begin(), report.cases.end(),
                                      [](const TestedCase& one) { return !one.passed(); });
  std::string out = "  <testsuite name=\"" + escaped(name) + "\" tests=\"" +
                    std::to_string(report.cases.size()) + "\" failures=\"" +
                    std::to_string(failures) + "\">\n";
  for (const TestedCase& tested_case : report.cases) {
    out += "    <testcase classname=\"" + escaped(name) + "\" name=\"" + escaped(tested_case.name) +
           '"';
    if (tested_case.passed()) {
      out += "/>\n";
      continue;
    }
    std::string text;
    for (const std::string& difference : tested_case.differences) text += difference + '\n';
    out += ">\n      <failure message=\"" + escaped(tested_case.differences.front()) + "\">" +
           escaped(text) + "</failure>\n    </testcase>\n";
  }
  return out + "  </testsuite>\n";
}

}  // namespace rabt::workflow
