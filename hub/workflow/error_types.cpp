#include "hub/workflow/error_types.hpp"

#include <array>

namespace rabt::workflow {

std::string error_type(std::string_view name) {
  return std::string(kErrorTypePrefix) + std::string(name);
}

std::string_view standard_error_name(std::string_view uri) {
  constexpr std::array<std::string_view, 2> kHosts = {"open-workflow-specification.org",
                                                      "serverlessworkflow.io"};
  constexpr std::array<std::string_view, 2> kPaths = {"/spec/1.0.0/errors/", "/dsl/errors/types/"};
  if (uri.starts_with("https://")) {
    uri.remove_prefix(8);
  } else if (uri.starts_with("http://")) {
    uri.remove_prefix(7);
  } else {
    return {};
  }
  if (uri.starts_with("www.")) uri.remove_prefix(4);
  for (const std::string_view host : kHosts) {
    if (!uri.starts_with(host)) continue;
    for (const std::string_view path : kPaths) {
      if (uri.substr(host.size()).starts_with(path)) return uri.substr(host.size() + path.size());
    }
  }
  return {};
}

bool same_error_type(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const std::string_view name = standard_error_name(a);
  return !name.empty() && name == standard_error_name(b);
}

const std::vector<std::string>& standard_error_names() {
  static const std::vector<std::string> names = {"configuration",  "validation",    "expression",
                                                 "authentication", "authorization", "timeout",
                                                 "communication",  "runtime"};
  return names;
}

}  // namespace rabt::workflow
