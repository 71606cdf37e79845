#pragma once

#include <cstdint>
#include <string_view>

#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/session/membership.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Figures that records add to the metrics of sessions.
enum class Counted : std::uint8_t { recording_reads, bytes_up, bytes_down };

// Sessions, as those need them who keep records of one. Internally synchronised.
class Memberships {
 public:
  virtual ~Memberships() = default;

  // Relation of the caller to the session: its ULID, UUID or number. Errors: not_found
  // session.unknown, denied authorisation.denied when the caller is neither participant nor
  // administrator.
  virtual Result<Membership> membership(const Caller& caller, std::string_view session) = 0;
  // Inside a job: error conflict session.<status> when the session has ended since `seen` was read,
  // or store.raced when it changed in another way that matters. Afterwards nothing can end the
  // session before the job is committed.
  virtual Status still_open(store::Transaction& transaction, const Membership& seen) = 0;
  // Inside a job: adds an event to the session's timeline, for those who listen and for workflows.
  // `data` holds no patient data. type: "note-written", without the prefix.
  virtual Status add_event(store::Transaction& transaction, const Membership& of,
                           std::string_view type, std::string_view actor, Json data) = 0;
  virtual void count(Counted what, std::uint64_t by) = 0;
};

}  // namespace rabt::consultation
