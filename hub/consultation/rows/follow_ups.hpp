#pragma once

#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

// Sessions that follow another one.
namespace rabt::consultation {

// True if another session of its patient follows it, also one that was called off.
[[nodiscard]] Result<bool> is_followed(store::Store& store, const Session& session);
// Inside the job that makes a session with the word of the one that it follows. Error conflict
// session.raced: another one was quicker.
[[nodiscard]] Status take_word(store::Transaction& transaction, const Session& session);
// Inside the job that makes or moves a session that follows another. Error conflict
// follow_up.taken when another one with the same provider covers that time already,
// follow_up.limit when 20 others are not over.
[[nodiscard]] Status check_follow_up(store::Transaction& transaction, const Session& session);

}  // namespace rabt::consultation
