#include "hub/consultation/events/hearing.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace rabt::consultation {

namespace {

constexpr std::array kKinds{
    EventKind{"message-sent", "chat", Hearers::admitted},
    EventKind{"message-undelivered", "undelivered", Hearers::staff},
    EventKind{"participant-joined", "joined", Hearers::admitted},
    EventKind{"participant-left", "left", Hearers::admitted},
    EventKind{"participant-waiting", "waiting", Hearers::hosts},
    EventKind{"participant-admitted", "admitted", Hearers::waiting},
    EventKind{"participant-denied", "denied", Hearers::waiting},
    EventKind{"participant-", "participant", Hearers::admitted},
    EventKind{"recording-", "recording", Hearers::admitted},
    EventKind{"room-lost", "room-lost", Hearers::admitted},
    EventKind{"document-shared", "document", Hearers::admitted},
    EventKind{"note-", "note", Hearers::staff},
    EventKind{"vitals-recorded", "vitals", Hearers::staff},
    EventKind{"prescription-", "prescription", Hearers::admitted},
    EventKind{"quality-changed", "quality", Hearers::admitted},
    EventKind{"transcript-added", "transcript", Hearers::admitted},
    EventKind{"transcript-", "transcription", Hearers::admitted},
    EventKind{"phi-detected", "phi", Hearers::staff},
    EventKind{"phi-reviewed", "phi-review", Hearers::staff},
    EventKind{"feedback-given", "feedback", Hearers::staff},
    EventKind{"follow-up-created", "follow-up", Hearers::staff},
    EventKind{"consent-", "consent", Hearers::admitted},
    EventKind{"identity-confirmed", "identity", Hearers::staff},
};

bool is_of(const Membership& of, Hearers hearers) {
  switch (hearers) {
    case Hearers::admitted:
      return of.admitted;
    case Hearers::waiting:
      return true;
    case Hearers::hosts:
      return of.admits();
    case Hearers::staff:
      return of.admitted && (of.role == "doctor" || of.role == "specialist" || of.role == "nurse");
  }
  return false;
}

// A message goes to its two ends; one of somebody who waits, to those who admit him.
bool hears_message(const Membership& of, const Json& data, std::string_view opened) {
  const std::string to = data.string_or("to", opened);
  const bool from_caller = !of.participant.empty() && data.string_or("from", "") == of.participant;
  if (!to.empty()) return from_caller ? of.admitted : to == of.participant;
  if (data.string_or("audience", "") == kForHosts) return of.admits();
  return of.admitted;
}

// Documents are for the roles that they name, and for whoever shared them. One that is withheld is
// not for family members.
bool hears_document(const Membership& of, const Json& data) {
  const Json& roles = data["shownTo"];
  if (of.role == "observer") return false;
  if (!of.admitted || data.string_or("from", "") == of.participant) return of.admitted;
  if (of.role == "family_member" && data["withheld"] == Json(true)) return false;
  if (roles.size() == 0) return true;
  const Json::Array& all = roles.as_array();
  return std::find(all.begin(), all.end(), Json(of.role)) != all.end();
}

}  // namespace

EventKind event_kind(std::string_view type) {
  for (const EventKind& kind : kKinds) {
    if (kind.type == type || (kind.type.ends_with('-') && type.starts_with(kind.type))) return kind;
  }
  return {type, "session", Hearers::waiting};
}

bool may_hear(const Membership& of, std::string_view type, std::int64_t at_ms, const Json& data,
              std::string_view to) {
  if ((type == "message-sent" || type == "transcript-added") && at_ms < of.reads_from_ms)
    return false;
  if (type == "message-sent") return hears_message(of, data, to);
  if (type == "document-shared") return hears_document(of, data);
  const Hearers hearers = event_kind(type).hearers;
  const bool of_one = type.starts_with("participant-") && hearers == Hearers::waiting;
  if (!of_one) return is_of(of, hearers);
  // Others learn of an admission when they see the participant.
  const std::string about = data.string_or("participant", "");
  return of.admitted || (!about.empty() && about == of.participant);
}

}  // namespace rabt::consultation
