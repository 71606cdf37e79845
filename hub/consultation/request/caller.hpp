#pragma once

#include <functional>
#include <string>
#include <string_view>

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

// The hub itself, or a workflow: `id` names who asks for the audit log.
[[nodiscard]] Caller caller_of_hub(std::string tenant, std::string id);

}  // namespace rabt::consultation
