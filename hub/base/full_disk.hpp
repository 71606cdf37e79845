#pragma once

#include <cerrno>
#include <string>

#include "hub/base/result.hpp"

namespace rabt {

// True if a system call failed with this errno because the disk, or the user's part of it, is full.
[[nodiscard]] inline bool is_full_disk(int error) {
  return error == ENOSPC || error == EDQUOT;
}
// For a job whose transaction found no room.
[[nodiscard]] inline Error full_disk() {
  return unavailable("store.full",
                     "the disk is full: nothing is written until there is room; make room");
}
// For a start that cannot go on.
[[nodiscard]] inline Error full_disk(const std::string& file) {
  return unavailable("store.full",
                     "cannot write " + file + ": its disk is full; make room and start again");
}

}  // namespace rabt
