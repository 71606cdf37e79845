#include "hub/consultation/acts/acts.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "hub/access/reading.hpp"
#include "hub/consultation/acts/answers.hpp"
#include "hub/consultation/recording/rows.hpp"
#include "hub/consultation/rows/follow_ups.hpp"
#include "hub/consultation/rows/guest_rows.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

// The time of its provider that a session covers; nothing while no provider has it.
std::optional<WantedTime> time_of(const Session& session) {
  if (session.over() || session.status == SessionStatus::requested || session.provider.empty())
    return std::nullopt;
  const std::int64_t from_ms = session.schedule.at_ms.value_or(session.created_ms);
  return WantedTime{.tenant = session.tenant,
                    .provider = session.provider,
                    .from_ms = from_ms,
                    .to_ms = from_ms + session.schedule.minutes * 60'000,
                    .session = session.id,
                    .clinic_session = session.ties.clinic_session};
}

// The time that a change takes of a provider, which it did not have before. A place in a clinic
// without a time of its own takes none.
std::optional<WantedTime> newly_wanted(const Session& before, const Session& after) {
  const auto now = time_of(after);
  if (!now || (!after.ties.clinic_session.empty() && !after.schedule.at_ms)) return std::nullopt;
  const auto was = before.version == 0 ? std::nullopt : time_of(before);
  const bool same = was && was->provider == now->provider && was->from_ms == now->from_ms &&
                    was->to_ms == now->to_ms && before.type == after.type;
  return same ? std::nullopt : now;
}

// An emergency, which begins now; a late entry of the staff; and what a system of the
// hospital booked: a workflow acts for it.
bool never_refused(const Session& session, const Actor& who, Timestamp now) {
  if (who.system) return true;
  const std::int64_t start_ms = session.schedule.at_ms.value_or(now.ms);
  if (session.type == SessionType::emergency_consultation && start_ms <= now.ms + kEmergencyMs)
    return true;
  using identity::Role;
  const bool staff = who.admin() || who.roles.has_any({Role::doctor, Role::specialist, Role::nurse,
                                                       Role::integration, Role::desk});
  return staff && start_ms < now.ms;
}

bool is_refused(Fit found, const Change& change, const Actor& who, Timestamp now) {
  return found == Fit::busy && !change.followed && !never_refused(change.after, who, now);
}

// True if a change may answer the preferences of participants in another way.
bool reseated(const Session& before, const Session& after) {
  const auto same = [](const Participant& was, const Participant& now) {
    return was.id == now.id && was.role == now.role && was.guest == now.guest &&
           was.takes_part() == now.takes_part();
  };
  return before.options.language != after.options.language ||
         !std::equal(before.people.participants.begin(), before.people.participants.end(),
                     after.people.participants.begin(), after.people.participants.end(), same);
}

}  // namespace

std::string record_of(const Session& session, std::string_view record) {
  if (const auto id = identity::ulid_of(record)) return *id;
  for (const Participant& participant : session.people.participants) {
    if (std::to_string(participant.number) == record) return participant.id;
  }
  return {};
}

Acts::Acts(const SessionParts& parts, VideoProvider& video)
    : parts_(parts),
      rows_(parts.store, parts.keys, parts.random),
      persons_(parts),
      video_(video),
      metrics_(parts) {}

Actor Acts::actor_of(const Caller& caller) {
  return {.actor = caller.who.actor(),
          .person = caller.who.person,
          .roles = caller.who.roles,
          .system = caller.system,
          .page = caller.page,
          .trace = caller.trace,
          .part = caller.who.part};
}

audit::Entry Acts::entry_of(const Caller& caller, const Session& session) {
  const std::string& person = caller.who.person;
  std::string purpose = caller.purpose;
  const Participant* const guest = session.participant(caller.who.part.participant);
  const bool patient = (!person.empty() && person == session.patient) ||
                       (guest != nullptr && guest->role == PartRole::patient);
  if (purpose.empty()) purpose = patient ? "PATRQT" : "TREAT";
  return {.tenant = session.tenant,
          .actor = caller.who.actor(),
          .act = {},
          .object = "session:" + session.id,
          .result = "ok",
          .detail = {},
          .patient = session.naming.pseudonym,
          .purpose = std::move(purpose),
          .client = caller.client,
          .request = caller.request,
          .sealed = {}};
}

Moment Acts::moment_of(const Actor& who, const Session& session) const {
  return {.now = parts_.clock.now(),
          .settings = parts_.settings,
          .who = who,
          .video = !video_.bound().empty(),
          .room_at_join = video_.has(session, "room-at-join"),
          .records = video_.records(session),
          .end_to_end = session.room.plugin == kP2p || video_.has(session, "end-to-end"),
          .receive_only = video_.has(session, "receive-only"),
          .holds_receivers = video_.serves(session, "video.participant.hold"),
          .transcribes = video_.serves(session, "video.transcription.start"),
          .fresh_id = parts_.ids.next().text()};
}

std::optional<bool> Acts::visit_open(const Session& session) const {
  if (session.ties.visit.empty()) return std::nullopt;
  const auto visit = around_->visit(session.tenant, session.ties.visit);
  return visit.ok() && visit->open;
}

Result<Session> Acts::load(std::string_view reference) const {
  RABT_TRY(session, rows_.load(parts_.tenant, reference));
  // A provider that was bound later serves the sessions that were made before.
  if (session.room.plugin.empty() && !session.over()) {
    session.room.plugin = video_.bound();
    if (!session.room.plugin.empty()) {
      session.room.region = parts_.settings.region;
      session.clear_warning("video.not_configured");
    }
  }
  return session;
}

Result<Session> Acts::recognising(const Caller& caller, std::string_view reference) {
  RABT_TRY(session, load(reference));
  const std::string& person = caller.who.person;
  if (person.empty() || session.over() || session.of_person(person) != nullptr) return session;
  RABT_TRY(participant, persons_.recognised(session, person));
  if (!participant) return session;
  // A refusal is ignored here: the person's own request reports its reason.
  (void)act_as_hub(session.id, *participant);
  return load(session.id);
}

Result<Session> Acts::visible(const Caller& caller, std::string_view reference) {
  RABT_TRY(session, rows_.load(parts_.tenant, reference));
  const auto seen = may(access::Right::session_see, session, actor_of(caller));
  if (seen.ok()) return session;
  RABT_TRY(own_session, recognising(caller, reference));
  RABT_TRY_STATUS(may(access::Right::session_see, own_session, actor_of(caller)));
  return own_session;
}

Result<Acted> Acts::act(const Caller& caller, std::string_view reference, const Make& make,
                        const ActOptions& options) {
  const Actor who = actor_of(caller);
  for (int attempt = 0; attempt < store::kMaxRaces; ++attempt) {
    RABT_TRY(session, load(reference));
    if (!options.strangers) RABT_TRY_STATUS(may(access::Right::session_see, session, who));
    if (options.accounts) persons_.refresh(session);
    RABT_TRY(command, make(session));
    RABT_TRY(change, decide(session, moment_of(who, session), command));
    if (change.unchanged) return Acted{std::move(session), std::move(change)};
    auto acted = commit(caller, session, std::move(change), options);
    if (acted.ok() || acted.error().code != kSessionRaced) return acted;
  }
  return unavailable("store.busy", "the session changes too quickly; try again");
}

Result<SessionView> Acts::act_and_show(const Caller& caller, std::string_view reference,
                                       const Make& make, ActOptions options) {
  const auto view_of = [&](const Session& session, const Change& /*change*/) {
    return Result<SessionView>(view(caller, session));
  };
  return act_and_view(caller, reference, make, view_of, std::move(options));
}

Result<ParticipantView> Acts::act_and_show_participant(const Caller& caller,
                                                       std::string_view reference, const Make& make,
                                                       ActOptions options) {
  const auto view_of = [&](const Session& session, const Change& change) {
    return Result<ParticipantView>(view(caller, session, *session.participant(change.participant)));
  };
  return act_and_view(caller, reference, make, view_of, std::move(options));
}

Result<Acted> Acts::act_as_hub(std::string_view session, const Command& command, const Also& also) {
  const Caller caller = caller_of_hub(parts_.tenant, "sessions");
  const auto make = [&](const Session& before) -> Result<Command> {
    if (!std::holds_alternative<ProviderJoined>(command)) return command;
    ProviderJoined joined = std::get<ProviderJoined>(command);
    joined.visit_open = visit_open(before);
    return Command(std::move(joined));
  };
  auto acted = act(caller, session, make,
                   {.accounts = std::holds_alternative<ProviderJoined>(command), .also = also});
  if (acted.ok() && acted->change.unchanged && also) {
    RABT_TRY_STATUS(parts_.store.write(lane_of(session), [&](store::Transaction& transaction) {
      return also(transaction, acted->change);
    }));
  }
  return acted;
}

Result<Considered> Acts::consider(const Caller& caller, const Session& session,
                                  const Command& command, std::vector<PlannedTime>& planned) const {
  const Actor who = actor_of(caller);
  RABT_TRY_STATUS(may(access::Right::session_see, session, who));
  RABT_TRY(change, decide(session, moment_of(who, session), command));
  Considered out;
  if (const auto wanted = newly_wanted(session, change.after)) {
    RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY(found, fit_after(connection, *wanted, planned));
      out.time = found;
      return ok_status();
    }));
    out.busy = is_refused(out.time.fit, change, who, parts_.clock.now());
  }
  if (!out.busy) {
    PlannedTime takes{.session = session.id};
    if (const auto time = time_of(change.after)) {
      takes.provider = std::string(time->provider);
      takes.time = {time->from_ms, time->to_ms};
      takes.clinic_session = std::string(time->clinic_session);
    }
    planned.push_back(std::move(takes));
  }
  out.after = std::move(change.after);
  return out;
}

Result<Acted> Acts::commit(const Caller& caller, const Session& before, Change change,
                           const ActOptions& options) {
  const Actor who = actor_of(caller);
  const Timestamp now = parts_.clock.now();
  if (!change.after.over() && reseated(before, change.after))
    persons_.warn_preferences(change.after);
  // what was shown at the end is shown later, whatever becomes of the records.
  if (change.after.over() && !before.over()) {
    Names names(parts_.directory, parts_.tenant);
    for (Participant& participant : change.after.people.participants) {
      if (!participant.person.empty()) participant.record = names.of(participant.person);
    }
  }
  // asked here for the warning, which is sealed with the session, and once more in the job.
  const auto wanted = newly_wanted(before, change.after);
  const auto fits = [&](store::Connection& connection) -> Result<Fit> {
    RABT_TRY(found, fit(connection, *wanted));
    if (is_refused(found, change, who, now))
      return conflict("provider.busy",
                      "the provider has another session, or no free slot, at that time; choose "
                      "another time or provider");
    return found;
  };
  if (wanted) {
    bool overlaps = false;
    RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
      RABT_TRY(found, fits(connection));
      overlaps = found != Fit::free;
      return ok_status();
    }));
    change.after.clear_warning("provider.overlap");
    if (overlaps) change.after.warn("provider.overlap");
  }
  RABT_TRY(sealed, rows_.seal(before, change, now, who, parts_.settings));
  std::vector<audit::Prepared> entries;
  for (const Act& act : change.acts) {
    audit::Entry entry = entry_of(caller, change.after);
    entry.act = act.act;
    entry.detail = act.detail;
    entries.push_back(parts_.audit.prepare(entry));
  }
  RABT_TRY(recordings, RecordingNotes::of(parts_, before, change, now));
  Session after = change.after;
  after.version = before.over() ? before.version : before.version + 1;
  if (sealed.key) after.data_key = sealed.key->id;
  Json answer;
  if (options.shape && caller.once) {
    RABT_TRY(shown, options.shape(after, change));
    answer = std::move(shown);
  }
  WrittenChange written;
  const store::Lane lane = lane_of(change.after.id);
  RABT_TRY_STATUS(parts_.store.write(lane, [&](store::Transaction& transaction) -> Status {
    if (wanted) {
      const bool by_hospital = who.system || who.roles.has(identity::Role::integration);
      if (!change.after.ties.follow_up_of.empty() && !by_hospital)
        RABT_TRY_STATUS(check_follow_up(transaction, change.after));
      RABT_TRY(found, fits(transaction));
      if ((found != Fit::free) != change.after.warns("provider.overlap"))
        return conflict(std::string(kSessionRaced), "the provider's time has changed meanwhile");
    }
    RABT_TRY(rows, SessionRows::write(transaction, before, change, sealed,
                                      [this](std::string_view type) { return wanted_.has(type); }));
    written = rows;
    const Session& session = change.after;
    if (change.busy)
      RABT_TRY_STATUS(
          around_->set_busy(transaction, session.tenant, session.provider, *change.busy, now));
    if (change.freed) RABT_TRY_STATUS(around_->free_place(transaction, session.tenant, session.id));
    if (session.over())
      RABT_TRY_STATUS(around_->meter(transaction, session.tenant, session.id, !before.over()));
    RABT_TRY_STATUS(recordings.write(transaction));
    RABT_TRY_STATUS(forget_ended_links(transaction, before, session));
    if (options.also) RABT_TRY_STATUS(options.also(transaction, change));
    if (!answer.is_null()) {
      if (before.version == 0) answer.set("number", written.number);
      RABT_TRY_STATUS(caller.once(transaction, answer));
    }
    for (const audit::Prepared& entry : entries)
      RABT_TRY_STATUS(parts_.audit.append(transaction, entry));
    return ok_status();
  }));
  after.number = written.number;
  Acted acted{std::move(after), std::move(change)};
  metrics_.count(before, acted.change, now);
  if (acted.session.over() && !before.over()) video_.forget(acted.session.id);
  if (written.work) wake_();
  return acted;
}

Status Acts::audit_reading(const Caller& caller, std::string_view object, const Session* session,
                           Json detail, Reads reads) const {
  const Actor who = actor_of(caller);
  const bool outsider =
      session != nullptr && !who.system && own_of(*session, who) == nullptr &&
      (who.person.empty() || (who.person != session->provider && who.person != session->patient));
  // Administrators read patient data with a reason or a grant alone.
  if (outsider && !caller.reason.empty() && parts_.access != nullptr) {
    access::Reading reading{.act = "session.read",
                            .object = std::string(object),
                            .instance = {},
                            .patients = {},
                            .detail = std::move(detail)};
    if (const auto index = from_hex(session->naming.pseudonym); index && !index->empty())
      reading.patients.emplace_back(as_text(*index));
    return parts_.access->admit({.actor = who.actor,
                                 .token = caller.who.credential,
                                 .client = caller.client,
                                 .request = caller.request,
                                 .reason = caller.reason,
                                 .purpose = caller.purpose},
                                reading);
  }
  // A workflow that has begun goes on.
  if (!who.system && reads == Reads::alone && parts_.access != nullptr)
    RABT_TRY_STATUS(parts_.access->ready());
  Session none;
  none.tenant = parts_.tenant;
  audit::Entry entry = entry_of(caller, session != nullptr ? *session : none);
  entry.act = "session.read";
  entry.object = std::string(object);
  entry.detail = std::move(detail);
  const audit::Prepared prepared = parts_.audit.prepare(entry);
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); });
}

SessionView Acts::view(const Caller& caller, const Session& session) const {
  Names names(parts_.directory, parts_.tenant);
  const bool reason = !caller.reason.empty();
  SessionView view =
      session_view(session, sight_of(session, actor_of(caller), reason), names, parts_.clock.now());
  if (caller.manner.own_words) view.as_given = session.origin.as_given;
  if (caller.system && !has_known_appointment(session)) view.ties.appointment = Json();
  return view;
}

ParticipantView Acts::view(const Caller& caller, const Session& session,
                           const Participant& participant) const {
  Names names(parts_.directory, parts_.tenant);
  return participant_view(session, participant, sight_of(session, actor_of(caller), false), names,
                          parts_.clock.now());
}

}  // namespace rabt::consultation
