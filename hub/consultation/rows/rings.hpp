#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Doctors who were rung for an emergency, in the store.
namespace rabt::consultation {

// A doctor is rung for so long before the next one is.
inline constexpr std::int64_t kRingMs = 60'000;

struct Ring {
  // Counts from 1 in the session.
  std::int64_t n = 0;
  // ULID of the doctor.
  std::string person;
  std::int64_t at_ms = 0;
  // rings, unanswered, taken, over
  std::string outcome = "rings";
};

// Those of a session, in the order of ringing.
[[nodiscard]] Result<std::vector<Ring>> rings_of(store::Store& store, std::string_view tenant,
                                                 std::string_view session);
// Sessions for which a doctor is rung now, oldest first, with the time since when.
struct RingNow {
  std::string session;
  std::int64_t at_ms = 0;
};
[[nodiscard]] Result<std::vector<RingNow>> rings_now(store::Store& store, std::string_view tenant,
                                                     std::string_view person, std::int64_t now_ms);
// Inside a job.
[[nodiscard]] Status put_ring(store::Transaction& transaction, std::string_view tenant,
                              std::string_view session, const Ring& ring);
[[nodiscard]] Status end_ring(store::Transaction& transaction, std::string_view tenant,
                              std::string_view session, std::int64_t n, std::string_view outcome);

}  // namespace rabt::consultation
