#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/workflow/definition.hpp"

// Differences in behaviour between two versions of a workflow, by names of tasks, not by lines.
// Order of keys, comments and layout make no difference. Pure.
namespace rabt::workflow {

struct Difference {
  enum class Change : std::uint8_t { added, removed, changed, moved };
  Change change = Change::changed;
  // Subject of the difference: task, case, extension, kind, call, arguments, condition, flow,
  // timeout, retry, catch, schema, data, events, start events, schedule, business key, secret,
  // function, error, authentication, ..., else the key of the file.
  std::string what;
  // Names of lists and tasks from the top: /do/claim/try/submit, /use/retries/vendor, /schedule.
  std::string path;
  // The two values if they are short; for moved the places. Empty for authentications.
  std::string from;
  std::string to;

  friend bool operator==(const Difference&, const Difference&) = default;
};
[[nodiscard]] std::string_view to_string(Difference::Change change);
[[nodiscard]] Json to_json(const Difference& difference);

// In the order of the new file, what is gone last. document.version and what only describes
// (title, summary, tags) do not count.
[[nodiscard]] std::vector<Difference> diff(const Definition& from, const Definition& to);

}  // namespace rabt::workflow
