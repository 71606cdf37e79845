#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/base/json.hpp"
#include "hub/consultation/session/status.hpp"
#include "hub/identity/people.hpp"

namespace rabt::consultation {

// Relation of one caller to one session, as the records that hang on a session need it.
struct Membership {
  std::string tenant;
  // ULID
  std::string session;
  std::int64_t number = 0;
  std::string type;
  SessionStatus status = SessionStatus::scheduled;
  std::int64_t version = 0;
  // data_key.id: what the session and all that hangs on it is sealed with.
  std::string data_key;
  // ULIDs of persons. May be empty.
  std::string provider;
  std::string patient;
  // The patient's pseudonym for the audit log.
  std::string patient_pseudonym;
  // The trace of the caller's request. May be empty.
  std::string trace{};
  // event_facts() of the session, for the events of its records.
  Json event_facts = Json::object();
  // Text, {system, value}, or null.
  Json appointment;
  // Target of the role video: "plugin://twilio", "hub://p2p". May be empty.
  std::string video;
  std::optional<std::int64_t> started_ms;
  std::optional<std::int64_t> ended_ms;
  // The caller's own participant and its role. Empty when the caller is no participant.
  std::string participant;
  std::string role;
  bool host = false;
  // Admitted: not waiting, denied or removed.
  bool admitted = false;
  // In the waiting room, or on the way there.
  bool waiting = false;
  // Messages of before are not shown to him: he waits by a link, or again
  // (Participant::waits_again). 0 when all are.
  std::int64_t reads_from_ms = 0;
  // link_word() of whom the caller's participant is by a link. Empty for other callers, and once
  // the link has ended.
  std::string link{};
  // Licence of the caller's participant as it was known when he came in.
  identity::Licence licence = identity::Licence::missing;
  // The video provider writes down what is said.
  bool transcribed = false;
  // Everybody who took part so far lets what is said be transcribed.
  bool transcribable = false;
  // Language of the session: en, ar-SA.
  std::string language{};
  // Somebody has refused that words are kept, and holds to it.
  bool words_refused = false;
  // The patient was in the visit, and not only in its waiting room.
  bool patient_came = false;
  // seconds_together() until the end, or until now.
  std::int64_t together_seconds = 0;
  // [{from, to, code}]: when it was asked to and did not. to is null while that lasts, and when it
  // lasted to the end.
  Json transcript_gaps = Json::array();
  // The session's ceiling: low, standard, high, hd.
  std::string quality = "high";
  // Administrator or auditor, who sees no patient data without a reason.
  bool administrator = false;
  // Takes part, or watches as an office.
  [[nodiscard]] bool listens() const { return administrator || admitted || waiting; }
  // Admits others: a host or a nurse who was admitted.
  [[nodiscard]] bool admits() const { return admitted && (host || role == "nurse"); }
  // Participants who are not denied or removed: roles, for the rules on patient data in text.
  std::vector<std::string> readers;
  struct Peer {
    std::string participant;
    bool admits = false;
  };
  // The same participants, as recipients of messages.
  std::vector<Peer> peers{};
};

}  // namespace rabt::consultation
