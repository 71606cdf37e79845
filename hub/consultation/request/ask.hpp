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

// Customs of the API that a request came through. The defaults are those of /api/v1; the table of
// each compatibility API sets its own.
struct Manner {
  // A session begins by an explicit call alone, whoever is there.
  bool begins_by_call = false;
  // A participant who has joined counts as present, also where the provider tells of presence.
  bool joined_counts = false;
  // New sessions have a waiting room unless the request says otherwise.
  bool waiting_room = true;
  // Recording begins with a new session where `video.auto_record` says so.
  bool auto_record = true;
  // Create waits for the provider's room, and answers with tokens.
  bool waits_for_room = true;
  // Times of filters may be written without a time zone: naive_offset_minutes is theirs.
  bool naive_times = false;
  // Answers carry the ids and times that the client wrote (SessionOrigin::as_given).
  bool own_words = false;
  // Lists leave sessions out that have no patient.
  bool with_patient = false;
  // A change of a note names the version that it was read at.
  bool names_version = true;
};

// The caller and what is known of his request, whichever door it came through: /api/v1, a
// compatibility API, a workflow's call of hub://session.
struct Caller : identity::Caller {
  // Origin of the request, for display, audit and metrics: "api", "kiorex", "emr", "pulseone",
  // "clinicvault", "workflow". No rule reads it.
  std::string_view door = "api";
  Manner manner{};
  // Time zone offset in minutes of times that are written without one.
  int naive_offset_minutes = 0;
  // The hub itself asks, or a workflow.
  bool system = false;
  // Names the request where it may come twice: create answers a repeat with the session that it
  // made. May be empty.
  std::string key{};
  // Name of a call that its sender may repeat: the same for each repeat, and of no other call.
  // Empty without an Idempotency-Key.
  std::string repeat{};
  // Keeps the answer for a repeat of the request. An act that is one commit calls it in that
  // commit, so that a crash leaves act and answer, or neither. May be unset.
  std::function<Status(store::Transaction&, const Json& answer)> once{};
};

// One request as it came: what a door knows of it before it is read.
struct Ask {
  Caller caller;
  // The session that the request is about: its ULID, UUID or number. Empty when it is about none.
  std::string session{};
  // The record that the path names: a participant, note, recording, visit, provider.
  std::string record{};
  // The part of the record that the path names behind it: a dispensing. May be empty.
  std::string part{};
  // The members that docs/openapi.yaml gives the operation, in camelCase.
  Json body = Json::object();
  std::vector<std::pair<std::string, std::string>> query{};
  // If-Match: the version of the record that the caller has seen.
  std::optional<std::int64_t> version{};

  // The first one of this name in the query; empty when it is absent.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
};

// The hub itself, or a workflow: `id` names who asks for the audit log.
[[nodiscard]] Caller caller_of_hub(std::string tenant, std::string id);

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

// A request that was read from an ask, or every mistake in it: invalid api.invalid. The service
// decides first whether the caller may ask at all, and looks at the mistakes then.
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
