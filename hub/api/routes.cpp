#include "hub/api/routes.hpp"

#include <algorithm>

#include "hub/api/resources.hpp"

namespace rabt::api {

namespace {

// The handler of a resource's member function.
template <auto resource, auto handler>
Result<http::Response> to(Resources& resources, const Call& call) {
  return (resources.*resource.*handler)(call);
}

// The same for a check.
template <auto resource, auto check>
Status ask(Resources& resources, const Call& call) {
  return (resources.*resource.*check)(call);
}

using R = Resources;

// clang-format off
constexpr std::array kRoutes{
    // A signed delivery; 202 after the commit.
    Route{"POST", "/hooks/{source}", "deliver", to<&R::hooks, &Hooks::deliver>, ask<&R::hooks, &Hooks::expected>},

    Route{"GET", "/api/v1/instances", "listInstances", to<&R::instances, &Instances::list>},
    Route{"POST", "/api/v1/instances/search", "searchInstances", to<&R::instances, &Instances::search>},
    Route{"GET", "/api/v1/instances/{id}", "getInstance", to<&R::instances, &Instances::get>},
    Route{"GET", "/api/v1/instances/{id}/events", "listInstanceEvents", to<&R::instances, &Instances::events>},
    Route{"POST", "/api/v1/instances/{id}/cancel", "cancelInstance", to<&R::instances, &Instances::cancel>},
    Route{"POST", "/api/v1/instances/{id}/resolve", "resolveInstance", to<&R::instances, &Instances::resolve>},

    Route{"GET", "/api/v1/workflows", "listWorkflows", to<&R::workflows, &Workflows::list>},
    Route{"POST", "/api/v1/workflows/plan", "planWorkflows", to<&R::workflows, &Workflows::plan>},
    Route{"POST", "/api/v1/workflows/apply", "applyWorkflows", to<&R::workflows, &Workflows::apply>},
    Route{"GET", "/api/v1/workflows/{name}", "exportWorkflow", to<&R::workflows, &Workflows::source>},

    Route{"GET", "/api/v1/recordings/{id}", "getRecording", to<&R::recordings, &Recordings::get>},
    Route{"GET", "/api/v1/recordings/{id}/content", "readRecording", to<&R::recordings, &Recordings::content>},

    // Who saw what of one patient; entries of the log, a page at a time.
    Route{"POST", "/api/v1/audit/report", "reportPatient", to<&R::audit, &Audit::report>},
    Route{"POST", "/api/v1/audit/export", "exportAudit", to<&R::audit, &Audit::export_page>},

    Route{"GET", "/api/v1/break-glass", "listGrants", to<&R::grants, &Grants::list>},
    Route{"POST", "/api/v1/break-glass", "openGrant", to<&R::grants, &Grants::open>},
    Route{"POST", "/api/v1/break-glass/{id}/close", "closeGrant", to<&R::grants, &Grants::close>},
    Route{"POST", "/api/v1/break-glass/{id}/review", "reviewGrant", to<&R::grants, &Grants::review>},

    Route{"GET", "/api/v1/keys", "keysStatus", to<&R::keys, &Keys::status>},
    // rotate, rewrap, shred, hold, release
    Route{"POST", "/api/v1/keys/{verb}", "keysAct", to<&R::keys, &Keys::act>},

    // What `rabt plugin` did to the store of plugins, for the audit log.
    Route{"POST", "/api/v1/plugins/acts", "pluginActs", to<&R::plugins, &Plugins::act>},
    Route{"POST", "/api/v1/plugins/{id}/release", "pluginRelease", to<&R::plugins, &Plugins::release>},
    Route{"POST", "/api/v1/plugins/{id}/upgrade", "pluginUpgrade", to<&R::plugins, &Plugins::upgrade>},

    Route{"GET", "/health", "health", to<&R::health, &Health::get>},
    Route{"GET", "/metrics", "metrics", to<&R::metrics, &Metrics::get>},
};
// clang-format on

constexpr std::string_view kApi = "/api/v1/";
constexpr std::string_view kName = "{name}";

// Takes the first segment from a path that starts with a slash.
constexpr std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

constexpr bool fits(std::string_view pattern, std::string_view path, PathParameters& parameters) {
  std::size_t count = 0;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = take_segment(pattern);
    const std::string_view given = take_segment(path);
    if (!wanted.starts_with('{')) {
      if (wanted != given) return false;
      continue;
    }
    if (given.empty()) return false;
    parameters[count++] = given;
  }
  return pattern.empty() && path.empty();
}

// Each operation stands in the table once, and no pattern has more parameters than a Call takes.
constexpr bool is_sound() {
  for (const Route& one : kRoutes) {
    if (std::count(one.pattern.begin(), one.pattern.end(), '{') >
        static_cast<std::ptrdiff_t>(kMaxPathParameters))
      return false;
    for (const Route& other : kRoutes) {
      if (&one == &other) continue;
      if (one.operation == other.operation) return false;
      if (one.method == other.method && one.pattern == other.pattern) return false;
    }
  }
  return true;
}
static_assert(is_sound());

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

Found find_route(std::string_view method, std::string_view path) {
  if (path.starts_with(kApi) && path.ends_with('/')) path.remove_suffix(1);
  Found found;
  // The first pattern that fits: the table has words before parameters.
  std::string_view first;
  for (const Route& route : kRoutes) {
    PathParameters parameters{};
    if (!fits(route.pattern, path, parameters)) continue;
    if (first.empty()) first = route.pattern;
    if (route.pattern != first && !route.pattern.ends_with(kName)) continue;
    if (route.method == method) {
      found.route = &route;
      found.path = parameters;
      return found;
    }
    found.allowed.append(found.allowed.empty() ? "" : ", ").append(route.method);
  }
  return found;
}

}  // namespace rabt::api
