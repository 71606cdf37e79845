#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/consultation/acts/acts.hpp"
#include "hub/consultation/events/hub_events.hpp"
#include "hub/consultation/practice/practice.hpp"
#include "hub/consultation/rows/rings.hpp"
#include "hub/consultation/sessions/session_requests.hpp"

namespace rabt::consultation {

// Rings doctors who are online for an emergency, one after the other: first the named ones, then
// those of the specialty that was asked for, first those who speak the patient's language; where no
// doctor is in the session yet, any other one after them. Internally synchronised; a call blocks
// for a commit.
class Ringing {
 public:
  Ringing(Acts& acts, Practice& practice);

  // The next step of the session. {state, provider, until}: `state` is ringing (the
  // doctor `provider` until the time `until`, in seconds since 1970), waiting (nobody is online so
  // shortly after the hub began; again at `until`), answered (a doctor has it), over (the session
  // is), or unanswered (nobody is left, or three minutes have passed). Each ring is told as
  // provider.rung and provider.ring-ended, and is in the audit log. The same call again rings
  // nobody twice.
  Answer ring(const Caller& caller, const OfSession& request);

 private:
  [[nodiscard]] Answer end(const Session& session, const std::vector<Ring>& rings,
                           std::string_view state);
  // ULID of the next doctor. Empty when nobody is left.
  [[nodiscard]] Result<std::string> next(const Session& session, const std::vector<Ring>& rings);
  [[nodiscard]] Result<std::string> tongue_of(const Session& session) const;
  [[nodiscard]] HubEvent event_of(const Session& session, std::string_view type,
                                  const std::string& person, Json more) const;

  Acts& acts_;
  Practice& practice_;
  // Pages connect again within some seconds after the hub began.
  const std::int64_t settled_ms_;
};

}  // namespace rabt::consultation
