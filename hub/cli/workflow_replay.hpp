#pragma once

#include <cstdint>
#include <string>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/cli/hub_client.hpp"

namespace rabt::cli {

// Past instances for `rabt workflow replay` and `plan --replay`. An empty text is no condition.
struct ReplayOptions {
  std::string workflow;
  std::string version;
  std::string status;
  // RFC 3339; empty for the last week.
  std::string since;
  std::string until;
  std::int64_t limit = 200;
  std::string reason;
};

// The answer of replayWorkflow (docs/openapi.yaml). file: {name, source}.
[[nodiscard]] Result<Json> ask_replay(HubClient& client, const Json& file,
                                      const ReplayOptions& options);
// "200 instances: 188 same, 12 new-call"
[[nodiscard]] std::string replay_summary(const Json& replay);

}  // namespace rabt::cli
