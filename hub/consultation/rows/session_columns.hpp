#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

// Internal: columns of sessions that several statements read.
namespace rabt::consultation {

// Columns of read_row, in its order.
#define RABT_SESSION_COLUMNS                                                                     \
  "s.id, s.number, s.version, s.status, s.type, s.booking, s.provider, s.patient, s.visit, "     \
  "s.clinic, s.consultation, s.follow_up_of, s.room_sid, s.door, s.scheduled_ms, s.created_ms, " \
  "s.updated_ms, s.started_ms, s.ended_ms, s.data_key, d.sealed, s.patient_by, "                 \
  "s.booked_by"
#define RABT_SESSION_FROM \
  " FROM session s JOIN session_sealed d ON d.tenant = s.tenant AND d.id = s.id "

// Reads the clear columns. Gives the sealed document.
[[nodiscard]] std::string read_row(const store::Row& row, std::string_view tenant,
                                   Session& session);
[[nodiscard]] Status read_stays(store::Connection& connection, Session& session);

}  // namespace rabt::consultation
