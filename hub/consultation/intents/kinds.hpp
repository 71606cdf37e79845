#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/intents/intent.hpp"
#include "hub/consultation/intents/looks.hpp"
#include "hub/consultation/intents/recording_work.hpp"
#include "hub/consultation/video/provider.hpp"

namespace rabt::consultation {

// Parts that the kinds of intents work with.
struct IntentDesk {
  Acts& acts;
  VideoProvider& video;
  RecordingWork& recordings;
  Looks& looks;
};

// Call of the provider, or why there is none.
struct IntentCall {
  Json arguments = Json::object();
  // Replaces the key of the call when it is set.
  std::string key{};
  // Why nothing is asked: the intent is done. Empty when the provider is asked.
  std::string_view skip{};
  // The code with which the provider counts as having refused. Empty when it is asked.
  std::string_view refused{};
};

// A session and the provider's room of it; the room is empty when the provider never opened one.
struct IntentRoom {
  const Session& session;
  std::string sid;
};

// End of an intent without success.
struct GivenUp {
  // refused, parked
  std::string_view state;
  std::string_view code;
  // The warning of a session whose room the provider did not open.
  std::string_view warning;
};

// One kind of intent: the capability that carries it out, and what its answers mean.
struct IntentKind {
  std::string_view name;
  std::string_view capability;
  std::int64_t timeout_ms;
  // Longest pause between two attempts.
  std::int64_t longest_pause_ms;
  // Is asked seldom in the end, for nearly two days: a disk that is full in the evening is made
  // room on in the morning after the next.
  bool patient;
  // An error is tried again.
  Result<IntentCall> (*call)(const IntentDesk&, const Intent&, const IntentRoom&);
  // Null for kinds whose intent is closed then.
  Result<Verdict> (*done)(const IntentDesk&, const Intent&, const Json& output);
  // Takes every outcome; `done` is not asked. Null for most.
  Result<Verdict> (*ended)(const IntentDesk&, const Intent&, const workflow::ActionOutcome&);
  // The act by which people learn that it was given up. Null for most.
  Command (*given_up)(const Intent&, const GivenUp&);
};

// The kind of a stored intent. Stops the process at a name that the hub never stored.
[[nodiscard]] const IntentKind& kind_of(std::string_view name);
// Pause before the next attempt.
[[nodiscard]] std::int64_t pause_ms(const IntentKind& kind, std::int64_t attempts);

}  // namespace rabt::consultation
