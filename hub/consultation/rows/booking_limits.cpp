#include "hub/consultation/rows/booking_limits.hpp"

#include <limits>
#include <string>

#include "hub/base/clock.hpp"
#include "hub/base/limits.hpp"
#include "hub/consultation/rows/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Row;

Error booking_limit(const std::string& why) {
  return conflict("booking.limit", why);
}

// A patient has one emergency that he opened himself and that is not over.
Status check_emergency(store::Transaction& transaction, const Session& session,
                       std::string_view person) {
  // One that is planned for later is no reason to refuse one that begins now.
  const std::int64_t until = begins_now(session) ? session.created_ms + kEmergencyMs
                                                 : std::numeric_limits<std::int64_t>::max();
  std::string open;
  RABT_TRY_STATUS(transaction.query(
      sql::rows::kOpenEmergency, {session.tenant, person, session.id, until}, [&](const Row& row) {
        open = std::string(row.text(sql::rows::kOpenEmergency["id"]));
        return false;
      }));
  if (open.empty()) return ok_status();
  return conflict("emergency.open", "your emergency session:" + open +
                                        " is open; join it, or cancel it before you open another");
}

// Each emergency rings for doctors and opens a room, also one that is called off at once.
Status check_emergencies(store::Transaction& transaction, const Session& session, Booker by) {
  const bool own = by == Booker::patient;
  const std::int64_t most = own ? limits::kMaxEmergenciesOfPatient : limits::kMaxEmergenciesOfStaff;
  const std::int64_t since = session.created_ms - (own ? kHourMs : kDayMs);
  std::int64_t opened = 0;
  RABT_TRY_STATUS(transaction.query(sql::rows::kEmergenciesSince,
                                    {session.tenant, session.origin.booked_by, kEmergencyMs, since},
                                    [&](const Row& row) {
                                      opened = row.integer(sql::rows::kEmergenciesSince["count"]);
                                      return false;
                                    }));
  if (opened <= most) return ok_status();
  return booking_limit("you have opened " + std::to_string(most) + " emergencies within " +
                       (own ? "an hour" : "a day") +
                       ", as many as there may be, also those that were called off; call the "
                       "hospital, or the emergency services");
}

Status check_own_bookings(store::Transaction& transaction, const Session& session,
                          const VideoSettings& settings) {
  const std::string_view person = session.origin.booked_by;
  if (session.type == SessionType::emergency_consultation)
    RABT_TRY_STATUS(check_emergency(transaction, session, person));
  // Whoever needs help now is not told to cancel a visit first.
  if (begins_now(session)) return ok_status();
  std::int64_t open = 0;
  std::int64_t today = 0;
  RABT_TRY_STATUS(transaction.query(sql::rows::kBookings, {session.tenant, person, kEmergencyMs},
                                    [&](const Row& row) {
                                      open = row.integer(sql::rows::kBookings["count"]);
                                      return false;
                                    }));
  RABT_TRY_STATUS(transaction.query(
      sql::rows::kBookedSince, {session.tenant, person, kEmergencyMs, session.created_ms - kDayMs},
      [&](const Row& row) {
        today = row.integer(sql::rows::kBookedSince["count"]);
        return false;
      }));
  if (open > settings.patient_bookings)
    return booking_limit("you have " + std::to_string(settings.patient_bookings) +
                         " open bookings, as many as there may be; cancel one first");
  if (today > settings.patient_bookings_per_day)
    return booking_limit("you have booked " + std::to_string(settings.patient_bookings_per_day) +
                         " visits within a day, as many as there may be, also those that you have "
                         "cancelled; book again tomorrow, or call the clinic");
  return ok_status();
}

Status check_bookings_of_staff(store::Transaction& transaction, const Session& session, Booker by,
                               const VideoSettings& settings) {
  std::int64_t of_patient = 0;
  std::int64_t of_provider = 0;
  RABT_TRY_STATUS(
      transaction.query(sql::rows::kBookedFor,
                        {session.tenant, session.origin.booked_by, session.created_ms - kDayMs,
                         session.patient, session.provider},
                        [&](const Row& row) {
                          of_patient = row.integer(sql::rows::kBookedFor["patient_count"]);
                          of_provider = row.integer(sql::rows::kBookedFor["provider_count"]);
                          return false;
                        }));
  const auto refused = [](std::int64_t most, std::string_view whose) {
    return booking_limit("you have booked " + std::to_string(most) + " visits of this " +
                         std::string(whose) +
                         " within a day, as many as there may be, also those that were called off; "
                         "book again tomorrow");
  };
  if (of_patient > settings.bookings_per_patient)
    return refused(settings.bookings_per_patient, "patient");
  if (of_provider > settings.bookings_per_provider)
    return refused(settings.bookings_per_provider, "provider");
  const std::int64_t soon = session.created_ms + settings.room_lead_minutes * 60'000;
  if (by == Booker::office || session.schedule.at_ms.value_or(session.created_ms) > soon)
    return ok_status();
  std::int64_t open = 0;
  RABT_TRY_STATUS(transaction.query(sql::rows::kOpenBookings,
                                    {session.tenant, session.origin.booked_by, soon},
                                    [&](const Row& row) {
                                      open = row.integer(sql::rows::kOpenBookings["count"]);
                                      return false;
                                    }));
  if (open <= settings.open_rooms) return ok_status();
  return booking_limit("you have opened " + std::to_string(settings.open_rooms) +
                       " sessions that are not over, as many as there may be at once; end or "
                       "cancel one first");
}

}  // namespace

Status check_bookings(store::Transaction& transaction, const Session& session, Booker by,
                      const VideoSettings& settings) {
  if (session.origin.booked_by.empty()) return ok_status();
  if (begins_now(session) && by != Booker::office)
    RABT_TRY_STATUS(check_emergencies(transaction, session, by));
  if (by == Booker::patient) return check_own_bookings(transaction, session, settings);
  if (begins_now(session)) return ok_status();
  return check_bookings_of_staff(transaction, session, by, settings);
}

}  // namespace rabt::consultation
