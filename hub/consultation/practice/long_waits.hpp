#pragma once

#include <cstdint>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/tasks/tasks.hpp"
#include "hub/identity/people.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Kind of the tasks about long waits.
inline constexpr std::string_view kLongWait = "waiting";
// The desk is asked after this time; the page of who waits says the clinic's number then.
inline constexpr std::int64_t kLongWaitMs = 10LL * 60'000;

// Asks the desk about everybody who waits too long. Any thread, one at a time.
class LongWaits {
 public:
  struct Parts {
    store::Store& store;
    const Tasks& tasks;
    identity::Directory& people;
    const Clock& clock;
    std::string tenant;
  };
  explicit LongWaits(Parts parts) : parts_(std::move(parts)) {}
  // Opens one task for each wait, and closes those whose person was admitted or has left. For
  // maintenance.
  [[nodiscard]] Status turn() const;

 private:
  const Parts parts_;
};

}  // namespace rabt::consultation
