#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"

namespace rabt::consultation {

// The JSON that docs/openapi.yaml gives the operation: camelCase, RFC 3339 with Z, only what the
// caller may see. Errors:
//   invalid api.invalid    one line a mistake, "<field>: <what is wrong>", joined by line feeds
//   not_found <what>.unknown  no such thing, or one of another tenant
//   denied authorisation.denied, session.not_host, participant.not_a_participant, ...
//   conflict session.completed, visit.closed, ...: names the state that is and the one that was
//            needed
//   unavailable video.not_configured, asr.not_configured, ...
// When an act is ok, it is durable with its audit entry and its event.
using Answer = Result<Json>;

// A request as a door has read it, or every mistake in it: invalid api.invalid. The service decides
// first whether the caller may ask at all, and looks at the mistakes then.
template <typename Request>
using Asked = Result<Request>;

// A page of a list, newest first.
template <typename Item>
struct PageOf {
  std::vector<Item> items;
  // Cursor of the next page, opaque; empty on the last.
  std::string next;
  // Number of all items. Filled where the window skips (doors number their pages).
  std::int64_t total = 0;
};
using Page = PageOf<Json>;

// The part of a list that is asked for.
struct Window {
  std::size_t limit = 50;
  std::string cursor{};
  // Doors number their pages: skips so many items and counts all. Unset if the list pages by
  // cursor.
  std::optional<std::int64_t> skip{};
};

}  // namespace rabt::consultation
