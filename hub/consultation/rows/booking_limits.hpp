#pragma once

#include <cstdint>

#include "hub/base/result.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

// Limits of what one person books.
namespace rabt::consultation {

// Person who books under his own account: a patient for himself, an office for the whole house, or
// somebody else of the staff.
enum class Booker : std::uint8_t { patient, staff, office };

// Inside the job that makes a session. Errors conflict booking.limit: more sessions that this
// person booked are not over, or were booked in 24 hours, than the settings allow;
// emergency.open: a patient opens an emergency, and another one of his is not over. An emergency
// that begins now neither counts as a booking nor is refused for bookings; one person opens as
// many as limits.hpp says.
[[nodiscard]] Status check_bookings(store::Transaction& transaction, const Session& session,
                                    Booker by, const VideoSettings& settings);

}  // namespace rabt::consultation
