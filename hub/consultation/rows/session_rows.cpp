#include "hub/consultation/rows/session_rows.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/consultation/line/samples.hpp"
#include "hub/consultation/rows/numbers.hpp"
#include "hub/consultation/rows/session_row.hpp"
#include "hub/consultation/rows/statements.hpp"
#include "hub/identity/merges.hpp"
#include "hub/outbox/outbox.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Null;
using store::Row;
using store::Value;

Value optional(const std::optional<std::int64_t>& value) {
  return value ? Value(*value) : Value(Null{});
}
std::optional<std::int64_t> optional(const Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}
std::string text(const Row& row, int column) {
  return std::string(row.text(column));
}

// The version is part of the place: an older document does not open under a newer row.
std::string place_of(const Session& session) {
  return session.id + "/" + std::to_string(session.version);
}

}  // namespace

// The clear columns. Gives the sealed document.
std::string read_row(const Row& row, std::string_view tenant, Session& session) {
  session.tenant = std::string(tenant);
  session.id = text(row, sql::rows::kSessionById["id"]);
  session.number = row.integer(sql::rows::kSessionById["number"]);
  session.version = row.integer(sql::rows::kSessionById["version"]);
  session.status = parse_session_status(row.text(sql::rows::kSessionById["status"]))
                       .value_or(SessionStatus::failed);
  session.type = parse_session_type(row.text(sql::rows::kSessionById["type"]))
                     .value_or(SessionType::doctor_patient);
  session.booking = text(row, sql::rows::kSessionById["booking"]);
  session.provider = text(row, sql::rows::kSessionById["provider"]);
  session.patient = text(row, sql::rows::kSessionById["patient"]);
  session.ties.visit = text(row, sql::rows::kSessionById["visit"]);
  session.ties.clinic = text(row, sql::rows::kSessionById["clinic"]);
  session.ties.consultation = text(row, sql::rows::kSessionById["consultation"]);
  session.ties.follow_up_of = text(row, sql::rows::kSessionById["follow_up_of"]);
  session.room.sid = text(row, sql::rows::kSessionById["room_sid"]);
  session.origin.door = text(row, sql::rows::kSessionById["door"]);
  session.schedule.at_ms = optional(row, sql::rows::kSessionById["scheduled_ms"]);
  session.created_ms = row.integer(sql::rows::kSessionById["created_ms"]);
  session.updated_ms = row.integer(sql::rows::kSessionById["updated_ms"]);
  session.started_ms = optional(row, sql::rows::kSessionById["started_ms"]);
  session.ended_ms = optional(row, sql::rows::kSessionById["ended_ms"]);
  session.data_key = std::string(row.blob(sql::rows::kSessionById["data_key"]));
  session.naming.by = text(row, sql::rows::kSessionById["patient_by"]);
  session.origin.booked_by = text(row, sql::rows::kSessionById["booked_by"]);
  return std::string(row.blob(sql::rows::kSessionById["sealed"]));
}

Status read_stays(store::Connection& connection, Session& session) {
  return connection.query(sql::rows::kStays, {session.tenant, session.id}, [&](const Row& row) {
    session.people.stays.push_back({.participant = text(row, sql::rows::kStays["participant"]),
                                    .sid = text(row, sql::rows::kStays["sid"]),
                                    .joined_ms = row.integer(sql::rows::kStays["joined_ms"]),
                                    .left_ms = optional(row, sql::rows::kStays["left_ms"]),
                                    .source = text(row, sql::rows::kStays["source"])});
    return true;
  });
}

Status SessionRows::open(Session& session, std::string_view sealed) const {
  RABT_TRY(key, keys_.open(session.tenant, session.data_key));
  const std::string place = place_of(session);
  RABT_TRY(
      plain,
      key->open(
          {.tenant = session.tenant, .table = "session_sealed", .row = place, .field = "sealed"},
          sealed));
  RABT_TRY(document, Json::parse(plain));
  return from_document(document, session);
}

Result<Session> SessionRows::load(std::string_view tenant, std::string_view reference) const {
  const auto missing = [] { return not_found("session.unknown", "there is no such session"); };
  const auto id = identity::ulid_of(reference);
  std::int64_t number = 0;
  if (!id) {
    if (reference.empty() || reference.size() > 18 ||
        !std::all_of(reference.begin(), reference.end(), is_digit))
      return missing();
    number = std::stoll(std::string(reference));
  }
  Session session;
  std::string sealed;
  bool found = false;
  std::optional<double> score;
  std::string read_as;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) -> Status {
    const auto take = [&](const Row& row) {
      sealed = read_row(row, tenant, session);
      found = true;
      return false;
    };
    RABT_TRY_STATUS(
        id ? connection.query(sql::rows::kSessionById, {tenant, std::string_view(*id)}, take)
           : connection.query(sql::rows::kSessionByNumber, {tenant, number}, take));
    if (!found) return ok_status();
    RABT_TRY_STATUS(read_stays(connection, session));
    RABT_TRY(lowest, quality_score_of(connection, tenant, session.id));
    score = lowest;
    RABT_TRY(survivor, identity::survivor_of(connection, tenant, session.patient));
    read_as = std::move(survivor);
    return ok_status();
  }));
  if (!found) return missing();
  RABT_TRY_STATUS(open(session, sealed));
  session.read_for(read_as);
  // The score of the samples until the end; from then on the one that the end wrote down.
  if (!session.over()) session.line.quality_score = score;
  return session;
}

Result<std::optional<std::string>> SessionRows::of_room(std::string_view tenant,
                                                        std::string_view sid) const {
  std::optional<std::string> found;
  if (sid.empty()) return found;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kSessionOfRoom, {tenant, sid}, [&](const Row& row) {
      found = text(row, sql::rows::kSessionOfRoom["id"]);
      return false;
    });
  }));
  return found;
}

Result<SessionRows::Invited> SessionRows::of_code(std::string_view tenant,
                                                  std::string_view code) const {
  RABT_TRY(lease, keys_.lease(tenant));
  const std::string index = lease.blind_index("session.invitation", code);
  std::optional<Invited> found;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kSessionOfCode, {tenant, Blob{index}}, [&](const Row& row) {
      found = Invited{text(row, sql::rows::kSessionOfCode["session"]),
                      text(row, sql::rows::kSessionOfCode["invitation"])};
      return false;
    });
  }));
  if (!found) return not_found("invitation.unknown", "there is no invitation with this code");
  return *found;
}

Result<std::vector<std::pair<std::string, std::string>>> SessionRows::due(Timestamp now,
                                                                          std::size_t limit) const {
  std::vector<std::pair<std::string, std::string>> found;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kDueSessions, {now.ms, static_cast<std::int64_t>(limit)},
                            [&](const Row& row) {
                              found.emplace_back(text(row, sql::rows::kDueSessions["tenant"]),
                                                 text(row, sql::rows::kDueSessions["id"]));
                              return true;
                            });
  }));
  return found;
}

Result<std::string> SessionRows::appointment_index(std::string_view tenant,
                                                   const Json& appointment) const {
  if (appointment.is_null()) return std::string();
  RABT_TRY(lease, keys_.lease(tenant));
  const std::string value = appointment.is_string() ? appointment.as_string()
                                                    : appointment.string_or("system", "") + "|" +
                                                          appointment.string_or("value", "");
  return to_hex(as_bytes(lease.blind_index("session.appointment", value)));
}

Result<SealedChange> SessionRows::seal(const Session& before, const Change& change, Timestamp now,
                                       const Actor& who, const VideoSettings& settings) const {
  SealedChange out;
  out.now = now;
  out.actor = who.actor;
  out.trace = who.trace;
  Session after = change.after.as_written();
  // the version stays when the session is over.
  after.version = before.over() ? before.version : before.version + 1;
  RABT_TRY(index, appointment_index(after.tenant, after.ties.appointment));
  out.appointment_index = std::move(index);
  out.due_ms = due_at(after, settings);
  std::shared_ptr<const crypto::DataKey> key;
  if (before.version == 0) {
    RABT_TRY(data_key, keys_.make(after.tenant, keys::kConsultation));
    key = data_key.key;
    out.key = std::move(data_key);
  } else {
    RABT_TRY(opened, keys_.open(after.tenant, after.data_key));
    key = std::move(opened);
  }
  const std::string place = place_of(after);
  out.sealed = key->seal(
      {.tenant = after.tenant, .table = "session_sealed", .row = place, .field = "sealed"},
      to_document(after).dump(), random_);
  return out;
}

namespace {

Status write_members(store::Transaction& transaction, const Session& before, const Session& after) {
  for (const Participant& participant : after.people.participants) {
    if (participant.person.empty()) continue;
    const Participant* const was = before.participant(participant.id);
    if (was != nullptr && was->role == participant.role && was->admission == participant.admission)
      continue;
    transaction.put(sql::rows::kPutMember,
                    {after.tenant, participant.person, after.id, participant.id,
                     to_string(participant.role), to_string(participant.admission)});
  }
  return ok_status();
}

Status write_stays(store::Transaction& transaction, const Session& before, const Session& after) {
  for (std::size_t i = 0; i < after.people.stays.size(); ++i) {
    const Stay& stay = after.people.stays[i];
    if (i < before.people.stays.size() && before.people.stays[i].left_ms == stay.left_ms) continue;
    transaction.put(sql::rows::kPutStay, {after.tenant, after.id, stay.participant, stay.sid,
                                          stay.joined_ms, optional(stay.left_ms), stay.source});
  }
  return ok_status();
}

}  // namespace

Result<WrittenChange> SessionRows::write(store::Transaction& transaction, const Session& before,
                                         const Change& change, const SealedChange& sealed,
                                         const Wanted& wanted) {
  std::optional<Session> as_written;
  if (!change.after.naming.written.empty()) as_written = change.after.as_written();
  const Session& session = as_written ? *as_written : change.after;
  // nothing but attendances, links with other records and the payers changes after the end.
  if (before.over()) {
    if (session.ties.consultation != before.ties.consultation ||
        session.ties.appointment != before.ties.appointment ||
        session.payers.billing != before.payers.billing) {
      RABT_TRY(changed, transaction.execute(sql::rows::kRelinkSession,
                                            {session.tenant, session.id, session.ties.consultation,
                                             sealed.appointment_index, before.version}));
      if (changed != 1)
        return conflict(std::string(kSessionRaced), "the session has changed meanwhile");
      transaction.put(sql::rows::kUpdateSealed, {session.tenant, session.id, Blob{sealed.sealed}});
    }
    RABT_TRY_STATUS(write_stays(transaction, before, session));
    return WrittenChange{.number = before.number};
  }
  const std::int64_t at_ms = session.schedule.at_ms.value_or(session.created_ms);
  std::int64_t number = before.number;
  if (before.version == 0) {
    RABT_TRY_STATUS(keys::insert(transaction, *sealed.key));
    RABT_TRY(drawn, next_number(transaction, "session", session.tenant));
    number = drawn;
    RABT_TRY_STATUS(store::run(transaction, sql::rows::kInsertSession,
                               {session.tenant,
                                session.id,
                                number,
                                std::int64_t{1},
                                to_string(session.status),
                                to_string(session.type),
                                session.booking,
                                session.provider,
                                session.patient,
                                session.ties.visit,
                                session.ties.clinic,
                                session.ties.consultation,
                                session.ties.follow_up_of,
                                sealed.appointment_index,
                                session.room.sid,
                                session.origin.door,
                                at_ms,
                                optional(session.schedule.at_ms),
                                session.schedule.minutes,
                                session.created_ms,
                                session.updated_ms,
                                optional(session.started_ms),
                                optional(session.ended_ms),
                                optional(sealed.due_ms),
                                Blob{sealed.key->id},
                                session.naming.by,
                                session.origin.booked_by}));
    transaction.put(sql::rows::kInsertSealed, {session.tenant, session.id, Blob{sealed.sealed}});
  } else {
    RABT_TRY(
        changed,
        transaction.execute(
            sql::rows::kUpdateSession,
            {session.tenant, session.id, before.version + 1, to_string(session.status),
             session.provider, session.patient, session.ties.consultation, sealed.appointment_index,
             session.room.sid, at_ms, optional(session.schedule.at_ms), session.schedule.minutes,
             session.updated_ms, optional(session.started_ms), optional(session.ended_ms),
             optional(sealed.due_ms), before.version, session.naming.by, to_string(session.type)}));
    if (changed != 1)
      return conflict(std::string(kSessionRaced), "the session has changed meanwhile");
    transaction.put(sql::rows::kUpdateSealed, {session.tenant, session.id, Blob{sealed.sealed}});
  }
  RABT_TRY_STATUS(write_members(transaction, before, session));
  RABT_TRY_STATUS(write_stays(transaction, before, session));
  bool work = !change.effects.empty();
  std::int64_t n = before.effects;
  for (const Effect& effect : change.effects) {
    transaction.put(sql::rows::kPutEffect,
                    {session.tenant, session.id, ++n, effect.kind, effect.subject});
    RABT_TRY_STATUS(outbox::put(transaction, session.tenant,
                                {.kind = outbox::kVideo,
                                 .subject = session.id,
                                 .ref = session.id,
                                 .ref_n = n,
                                 .put_ms = sealed.now.ms,
                                 .due_ms = sealed.now.ms}));
  }
  for (const SessionEvent& event : change.events) {
    Json data = event.data;
    data.set("sessionNumber", number);
    const bool outward = wanted(event.type);
    RABT_TRY(seq, add_event(transaction, session.tenant, session.id, event.type, sealed.now,
                            sealed.actor, sealed.trace, data, outward));
    (void)seq;
    work = work || outward;
  }
  return WrittenChange{.number = number, .work = work};
}

Result<std::optional<SessionStatus>> SessionRows::hold(store::Transaction& transaction,
                                                       std::string_view tenant,
                                                       std::string_view session) {
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kHoldSession, {tenant, session}));
  std::optional<SessionStatus> status;
  RABT_TRY_STATUS(
      transaction.query(sql::rows::kStatusOfSession, {tenant, session}, [&](const Row& row) {
        status = parse_session_status(row.text(sql::rows::kStatusOfSession["status"]));
        return false;
      }));
  return status;
}

Result<std::optional<std::string>> SessionRows::of_request(std::string_view tenant,
                                                           std::string_view index) const {
  std::optional<std::string> found;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::rows::kSessionOfRequest, {tenant, Blob{index}},
                            [&](const Row& row) {
                              found = text(row, sql::rows::kSessionOfRequest["session"]);
                              return false;
                            });
  }));
  return found;
}

Status SessionRows::put_request(store::Transaction& transaction, std::string_view tenant,
                                std::string_view index, std::string_view session) {
  RABT_TRY(put, transaction.execute(sql::rows::kPutRequest, {tenant, Blob{index}, session}));
  if (put == 1) return ok_status();
  return conflict(std::string(kSessionRaced), "the request came twice at once");
}

Status SessionRows::put_effect(store::Transaction& transaction, const Session& session,
                               std::string_view kind, std::string_view subject, Timestamp due) {
  // Numbers of intents that a change writes follow the session's own count; these go far above.
  constexpr std::int64_t kAbove = 1'000'000;
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kHoldSession, {session.tenant, session.id}));
  std::int64_t last = 0;
  RABT_TRY_STATUS(
      transaction.query(sql::rows::kLastEffect, {session.tenant, session.id}, [&](const Row& row) {
        last = row.is_null(sql::rows::kLastEffect["last_n"])
                   ? 0
                   : row.integer(sql::rows::kLastEffect["last_n"]);
        return false;
      }));
  const std::int64_t n = std::max(last, kAbove) + 1;
  RABT_TRY_STATUS(store::run(transaction, sql::rows::kPutEffect,
                             {session.tenant, session.id, n, kind, subject}));
  // The copy of a recording is deleted whatever else waits; files do not hold up the session.
  const std::string order = kind == kDeleteCopy ? std::string() : session.id + "/files";
  return outbox::put(transaction, session.tenant,
                     {.kind = outbox::kVideo,
                      .subject = order,
                      .ref = session.id,
                      .ref_n = n,
                      .put_ms = due.ms,
                      .due_ms = due.ms});
}

Result<bool> SessionRows::admitted(store::Transaction& transaction, std::string_view tenant,
                                   std::string_view session, std::string_view participant) {
  // Guests have no row: they act through nobody's account.
  bool yes = true;
  RABT_TRY_STATUS(transaction.query(
      sql::rows::kAdmissionOf, {tenant, session, participant}, [&](const Row& row) {
        yes = row.text(sql::rows::kAdmissionOf["admission"]) == to_string(Admission::admitted) ||
              row.text(sql::rows::kAdmissionOf["admission"]) == to_string(Admission::waiting);
        return false;
      }));
  return yes;
}

Status SessionRows::put_code(store::Transaction& transaction, std::string_view tenant,
                             std::string_view code, std::string_view session,
                             std::string_view invitation) {
  return store::run(transaction, sql::rows::kPutCode, {tenant, Blob{code}, session, invitation});
}

}  // namespace rabt::consultation
