#pragma once

#include <optional>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/entry.hpp"

namespace rabt::consultation {

struct CreatedSession {
  SessionView session;
  // As SessionEntry::host_tokens. Unset in the answer to a repeat.
  std::optional<std::vector<HostTokenView>> tokens{};
};
// The session, with its tokens.
[[nodiscard]] Json to_json(const CreatedSession& view);

// POST /sessions. Internally synchronised.
class SessionCreation {
 public:
  SessionCreation(Acts& acts, VideoProvider& video, SessionEntry& entry)
      : acts_(acts), video_(video), entry_(entry) {}

  // A repeat of a request with Caller::key answers with the session that the first one made.
  Result<CreatedSession> create(const Caller& caller, const Asked<SessionInput>& asked);

 private:
  struct Booking;
  [[nodiscard]] Status fill(const Caller& caller, const Actor& who, const SessionInput& input,
                            Booking& booking) const;
  // Notes the persons on whose word alone the session is about its patient (Session::patient_by).
  [[nodiscard]] Status stand_behind(const Actor& who, Booking& booking) const;
  [[nodiscard]] Status seat(const Actor& who, const SessionInput& input, Booking& booking,
                            Mistakes& mistakes) const;
  [[nodiscard]] Status place(const Caller& caller, const SessionInput& input, Booking& booking,
                             Mistakes& mistakes) const;
  static void keep_words(const OwnWords& words, Session& session);
  [[nodiscard]] Status settle(const Caller& caller, const Actor& who, const SessionInput& input,
                              Persons::Enters enters, Booking& booking) const;

  Acts& acts_;
  VideoProvider& video_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
