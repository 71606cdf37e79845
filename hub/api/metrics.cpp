#include "hub/api/metrics.hpp"

#include <sstream>

#include "hub/base/check.hpp"

namespace rabt::api {

namespace {

// Every sample of this text, with one label more.
std::string with_tenant(const std::string& text, const std::string& tenant) {
  const std::string label = "tenant=\"" + tenant + "\"";
  std::string out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); out.push_back('\n')) {
    const auto end = line.find_first_of("{ ");
    if (line.starts_with('#') || end == std::string::npos) {
      out += line;
    } else if (line[end] == '{') {
      out += line.substr(0, end + 1).append(label).append(",").append(line, end + 1);
    } else {
      out += line.substr(0, end).append("{").append(label).append("}").append(line, end);
    }
  }
  return out;
}

}  // namespace

http::Response Metrics::get(const Call& /*call*/) const {
  MetricsWriter out;
  for (const auto& write : collectors_) write(out);
  out.counter("rabt_bugs_total", "Defects found at run time.", bug_count());
  return {.status = 200,
          .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
          .body = tenant_.empty() ? out.str() : with_tenant(out.str(), tenant_)};
}

}  // namespace rabt::api
