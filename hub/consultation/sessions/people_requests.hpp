#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/consultation/acts/session_view.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/session/session.hpp"

namespace rabt::consultation {

struct AddParticipant {
  std::string session;
  ParticipantInput input;
};

struct DenyParticipant {
  std::string session;
  // ULID, UUID or number.
  std::string participant;
  std::string reason;
};

// The patient said or showed two different ones of kIdentifiers.
struct IdentifyPatient {
  std::string session;
  std::array<std::string, 2> identifiers;
};

struct GiveConsent {
  std::string session;
  // family, recording, training, transcription
  std::string kind;
  bool given = true;
  // verbal, written, app
  std::string method;
  // The guest whose consent to transcription it is: ULID, UUID or number. Empty if it is the
  // caller's own.
  std::string participant;
};

struct ConsentView {
  // {id, kind, given, method, by, at, participant?, guardian?, ended?}
  Json said;
};
[[nodiscard]] inline Json to_json(const ConsentView& view) {
  return view.said;
}

// Somebody in the waiting room.
struct WaitingView {
  ParticipantView participant;
  PartRole role = PartRole::observer;
  bool here = false;
  Timestamp since;
  // His place, from 1.
  std::int64_t position = 0;
};
// {participant, role, here, since, position}
[[nodiscard]] Json to_json(const WaitingView& view);

// The state of the video provider's transcription of a session.
struct TranscribingView {
  // ULID
  std::string session;
  bool transcribing = false;
};
// {session, transcribing}
[[nodiscard]] Json to_json(const TranscribingView& view);

}  // namespace rabt::consultation
