#include "tools/check/report.hpp"

#include <algorithm>

#include "hub/base/printable.hpp"

namespace rabt::check {

namespace {

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

}  // namespace

int Report::count(TestStatus status) const {
  return static_cast<int>(std::count_if(results.begin(), results.end(), [&](const TestResult& r) {
    return r.verdict.status == status;
  }));
}

bool Report::good() const {
  return count(TestStatus::failed) == 0 && count(TestStatus::crashed) == 0;
}

Json to_json(const Report& report, Timestamp when) {
  Json tests = Json::array();
  for (const TestResult& result : report.results) {
    const TestInfo& info = info_of(result.id);
    Json item = Json::object({{"id", info.name},
                              {"group", to_string(info.group)},
                              {"status", to_string(result.verdict.status)}});
    if (!result.verdict.message.empty()) item.set("message", Json(result.verdict.message));
    tests.push_back(std::move(item));
  }
  Json counts = Json::object();
  for (const TestStatus status : {TestStatus::passed, TestStatus::failed, TestStatus::crashed,
                                  TestStatus::warning, TestStatus::skipped})
    counts.set(to_string(status), Json(report.count(status)));
  return Json::object({{"checker", "rabt plugin check"},
                       {"checkerVersion", kCheckerVersion},
                       {"date", to_iso8601(when)},
                       {"plugin", report.plugin},
                       {"version", report.version},
                       {"packageDigest", report.digest},
                       {"seed", std::to_string(report.seed)},
                       {"good", Json(report.good())},
                       {"counts", counts},
                       {"tests", tests}});
}

std::string line_of(const TestResult& result) {
  const TestInfo& info = info_of(result.id);
  std::string out = padded(to_string(info.group), 10) + padded(info.name, 32) +
                    std::string(to_string(result.verdict.status));
  // The plugin's own words may stand in it: a line of theirs must not look like one of ours.
  std::string_view rest = result.verdict.message;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out += "\n          " + printable(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out + "\n";
}

std::string summary_of(const Report& report) {
  return std::to_string(report.count(TestStatus::passed)) + " passed, " +
         std::to_string(report.count(TestStatus::failed)) + " failed, " +
         std::to_string(report.count(TestStatus::crashed)) + " crashed, " +
         std::to_string(report.count(TestStatus::warning)) + " with a warning, " +
         std::to_string(report.count(TestStatus::skipped)) + " skipped\n";
}

}  // namespace rabt::check
