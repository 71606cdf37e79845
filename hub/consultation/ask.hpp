#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/principal.hpp"

namespace rabt::store {
class Transaction;
}  // namespace rabt::store

namespace rabt::consultation {

// One request to the domain, whichever door it came through: /api/v1, a compatibility API, a
// workflow's call of hub://session.
struct Ask {
  identity::Caller caller;
  // The session that the request is about: its ULID, UUID or number. Empty when it is about none.
  std::string session{};
  // What the path names inside it, or besides: a participant, note, recording, visit, provider.
  std::string record{};
  // The members that docs/openapi.yaml gives the operation, in camelCase.
  Json body = Json::object();
  std::vector<std::pair<std::string, std::string>> query{};
  // "api", "kiorex", "emr", "pulseone", "clinicvault", "workflow"
  std::string_view door = "api";
  // If-Match: the version of the record that the caller has seen.
  std::optional<std::int64_t> version{};
  // Names the request where it may come twice: create answers a repeat with the session that it
  // made. May be empty.
  std::string key{};
  // Name of a call that its sender may repeat: the same for each repeat, and of no other call.
  // Empty without an Idempotency-Key.
  std::string repeat{};
  // Time zone offset in minutes of times that are written without one.
  int naive_offset_minutes = 0;
  // Keeps the answer for a repeat of the request. An act that is one commit calls it in that
  // commit, so that a crash leaves act and answer, or neither. May be unset.
  std::function<Status(store::Transaction&, const Json& answer)> once{};

  // The first one of this name in the query; empty when it is absent.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

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

// A page of a list, newest first.
struct Page {
  std::vector<Json> items;
  // Where the next page begins, opaque; empty on the last.
  std::string next;
  // How many there are in all. Filled where the ask says so (doors number their pages).
  std::int64_t total = 0;
};

// What a list is filtered by, pages and counts.
struct Window {
  std::size_t limit = 50;
  std::string cursor{};
  // Doors number their pages: skips so many items and counts all. Unset if the list pages by
  // cursor.
  std::optional<std::int64_t> skip{};
};

}  // namespace rabt::consultation
