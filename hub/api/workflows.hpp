#pragma once

#include "hub/api/patients.hpp"
#include "hub/api/routes.hpp"
#include "hub/engine/engine.hpp"
#include "hub/identity/approvals.hpp"

namespace rabt::api {

struct Workflows {
  engine::Engine& engine;
  identity::Approvals& approvals;
  Patients patients;

  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // The file as it was deployed; ?namespace= &version=
  [[nodiscard]] Result<http::Response> source(const Call& call) const;
  // The same as nodes and edges.
  [[nodiscard]] Result<http::Response> graph(const Call& call) const;
  // {"files": [{"name", "source"}], "prune"?}: what apply would do.
  [[nodiscard]] Result<http::Response> plan(const Call& call) const;
  // {"file": {"name", "source"}, "limit"?, and the filters of the list of instances}: replays past
  // instances on the file. Needs a reason, because the branches taken reveal patient data.
  [[nodiscard]] Result<http::Response> replay(const Call& call) const;
  // The body of plan: deploys all files or none.
  [[nodiscard]] Result<http::Response> apply(const Call& call) const;
};

}  // namespace rabt::api
