#pragma once

#include "hub/api/routes.hpp"
#include "hub/base/clock.hpp"
#include "hub/engine/engine.hpp"

namespace rabt::api {

// Roles that a person pauses while their side is down.
struct Pauses {
  engine::Engine& engine;
  const Clock& clock;

  // ?for=: what would come too late.
  [[nodiscard]] Result<http::Response> preview(const Call& call) const;
  // {"reason", "for"?, "digest"?}
  [[nodiscard]] Result<http::Response> pause(const Call& call) const;
  // {"reason"}
  [[nodiscard]] Result<http::Response> resume(const Call& call) const;
};

// {role, since, until?, by, held}
[[nodiscard]] Json to_json(const engine::RolePause& pause);

}  // namespace rabt::api
