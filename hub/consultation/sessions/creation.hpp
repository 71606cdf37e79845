#pragma once

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/consultation/sessions/entry.hpp"

namespace rabt::consultation {

// POST /sessions. Internally synchronised.
class SessionCreation {
 public:
  SessionCreation(Acts& acts, VideoProvider& video, SessionEntry& entry)
      : acts_(acts), video_(video), entry_(entry) {}

  // A repeat of a request with Ask::key answers with the session that the first one made.
  Answer create(const Ask& ask);

 private:
  struct Booking;
  [[nodiscard]] Status fill(const Ask& ask, const Actor& who, const SessionInput& input,
                            Booking& booking) const;
  // Sets on whose word the session is about its patient.
  [[nodiscard]] Status stand_behind(const Actor& who, Booking& booking) const;
  [[nodiscard]] Status seat(const Actor& who, const SessionInput& input, Booking& booking,
                            Mistakes& mistakes) const;
  [[nodiscard]] Status place(const Ask& ask, const SessionInput& input, Booking& booking,
                             Mistakes& mistakes) const;
  static void keep_words(const Ask& ask, Session& session);
  void ask_who(const Session& is) const;

  Acts& acts_;
  VideoProvider& video_;
  SessionEntry& entry_;
};

}  // namespace rabt::consultation
