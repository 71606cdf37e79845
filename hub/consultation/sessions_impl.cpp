#include "hub/consultation/sessions_impl.hpp"

#include <algorithm>

#include "hub/access/reading.hpp"
#include "hub/base/ascii.hpp"
#include "hub/consultation/provider_time.hpp"
#include "hub/consultation/session_recordings.hpp"
#include "hub/consultation/session_work.hpp"

// What all acts share.
namespace rabt::consultation {

namespace {

constexpr store::Statement kActive{
    "SELECT COUNT(*) FROM session WHERE tenant = $1 AND status = 'active'"};
constexpr store::Statement kKeptBytes{
    "SELECT SUM(bytes) FROM session_recording WHERE tenant = $1 AND status = 'ready'"};
// How old the count of a metric may be.
constexpr std::int64_t kCountedMs = 60'000;
constexpr std::int64_t kWaitingTokenSeconds = 3600;
constexpr std::string_view kWaitingPurpose = "session-waiting/1";

// What a participant may send (3.3): nothing, for those who only see and hear.
Json grants_of(const Session& is, const Participant& one, const VideoSettings& settings) {
  Json out = Json::array();
  if (only_receives(is.type, one.role)) return out;
  out.push_back("camera");
  out.push_back("microphone");
  if (settings.screen_sharing_enabled && (is_host(is, one) || one.role == PartRole::nurse))
    out.push_back("screen");
  return out;
}

// The audit log of a session names the session and its patient.
audit::Entry entry_of(const Ask& ask, const Actor& who, const Session& session) {
  const bool own_patient = !who.person.empty() && who.person == session.patient;
  std::string purpose = ask.caller.purpose;
  if (purpose.empty()) purpose = own_patient ? "PATRQT" : "TREAT";
  return {.tenant = session.tenant,
          .actor = who.actor,
          .act = {},
          .object = "session:" + session.id,
          .result = "ok",
          .detail = {},
          .patient = session.patient_pseudonym,
          .purpose = std::move(purpose),
          .client = ask.caller.client,
          .request = ask.caller.request,
          .sealed = {}};
}

// The time of its provider that a session covers; nothing while no provider has it.
std::optional<WantedTime> time_of(const Session& is) {
  if (is.over() || is.status == SessionStatus::requested || is.provider.empty())
    return std::nullopt;
  const std::int64_t from_ms = is.scheduled_ms.value_or(is.created_ms);
  return WantedTime{.tenant = is.tenant,
                    .provider = is.provider,
                    .from_ms = from_ms,
                    .to_ms = from_ms + is.planned_minutes * 60'000,
                    .session = is.id,
                    .clinic_session = is.clinic_session};
}

// The time that a change takes of a provider, which it did not have before. A place in a clinic
// without a time of its own takes none.
std::optional<WantedTime> newly_wanted(const Session& before, const Session& after) {
  const auto now = time_of(after);
  if (!now || (!after.clinic_session.empty() && !after.scheduled_ms)) return std::nullopt;
  const auto was = before.version == 0 ? std::nullopt : time_of(before);
  const bool same = was && was->provider == now->provider && was->from_ms == now->from_ms &&
                    was->to_ms == now->to_ms;
  return same ? std::nullopt : now;
}

// An emergency, a late entry (R-01), and what a system of the hospital booked: a workflow acts for
// it.
bool never_refused(const Session& is, const Actor& who, Timestamp now) {
  return who.system || is.type == SessionType::emergency_consultation ||
         (is.scheduled_ms && *is.scheduled_ms < now.ms);
}

// True if a change may answer the preferences of participants in another way (R-08).
bool reseated(const Session& before, const Session& after) {
  const auto same = [](const Participant& was, const Participant& is) {
    return was.id == is.id && was.role == is.role && was.guest == is.guest &&
           was.takes_part() == is.takes_part();
  };
  return before.language != after.language ||
         !std::equal(before.participants.begin(), before.participants.end(),
                     after.participants.begin(), after.participants.end(), same);
}

}  // namespace

std::unique_ptr<SessionService> make_sessions(SessionParts parts) {
  return std::make_unique<SessionsImpl>(std::move(parts));
}

SessionsImpl::SessionsImpl(SessionParts parts)
    : parts_(std::move(parts)),
      rows_(parts_.store, parts_.keys, parts_.random),
      video_(parts_.actions, parts_.clock, parts_.has_feature),
      work_(std::make_unique<SessionWork>(*this)) {}
SessionsImpl::~SessionsImpl() = default;

void SessionsImpl::begin(Deliver deliver) {
  work_->start(std::move(deliver));
}
void SessionsImpl::stop() {
  work_->stop();
}
void SessionsImpl::catch_up() {
  work_->turn();
}

Actor SessionsImpl::actor_of(const Ask& ask) {
  return {.actor = ask.caller.who.actor(),
          .person = ask.caller.who.person,
          .roles = ask.caller.who.roles,
          .system = ask.door == "workflow",
          .trace = ask.caller.trace};
}

Moment SessionsImpl::moment_of(const Actor& who, const Session& session) const {
  return {.now = parts_.clock.now(),
          .settings = parts_.settings,
          .who = who,
          .video = !video_.bound().empty(),
          .room_at_join = video_.has(session, "room-at-join"),
          .records = video_.records(session),
          .end_to_end = session.provider_plugin == kP2p || video_.has(session, "end-to-end"),
          .receive_only = video_.has(session, "receive-only"),
          .holds_receivers = video_.serves(session, "video.participant.hold"),
          .transcribes = video_.serves(session, "video.transcription.start"),
          .fresh_id = parts_.ids.next().text()};
}

std::string SessionsImpl::hex(std::size_t digits) const {
  Bytes bytes((digits + 1) / 2);
  parts_.random.fill(bytes);
  return to_hex(bytes).substr(0, digits);
}

Participant SessionsImpl::new_participant(PartRole role, const std::string& person,
                                          Json guest) const {
  Participant one;
  one.id = parts_.ids.next().text();
  one.person = person;
  one.role = role;
  one.identity = std::string(provider_role(role)) + "-" + hex(12);
  one.guest = std::move(guest);
  one.licence = consultation::licence_of(one.guest.string_or("licenceNumber", ""),
                                         parts_.settings.licence_patterns);
  if (!person.empty()) look_up(one);
  return one;
}

void SessionsImpl::look_up(Participant& one) const {
  const auto known = parts_.directory.find(parts_.tenant, one.person);
  if (!known.ok()) return;
  one.account = known->roles;
  if (needs_licence(one.role)) one.licence = licence_of(*known);
}

identity::Licence SessionsImpl::licence_of(const identity::Person& person) const {
  // Somebody who is treated here does not treat, whatever number stands in his record.
  if (!person.roles.has_any({identity::Role::doctor, identity::Role::specialist}))
    return identity::Licence::missing;
  if (person.licence != identity::Licence::missing) return person.licence;
  return consultation::licence_of(person.profile.string_or("licenceNumber", ""),
                                  parts_.settings.licence_patterns);
}

void SessionsImpl::refresh_accounts(Session& session) const {
  for (Participant& one : session.participants) {
    if (!one.person.empty()) look_up(one);
  }
}

std::optional<bool> SessionsImpl::visit_open(const Session& session) const {
  if (session.visit.empty()) return std::nullopt;
  const auto visit = around_->visit(session.tenant, session.visit);
  return visit.ok() && visit->open;
}

Result<Session> SessionsImpl::visible(const Ask& ask, const Actor& who) const {
  RABT_TRY(session, rows_.load(parts_.tenant, ask.session));
  RABT_TRY_STATUS(may(access::Right::session_see, session, who));
  return session;
}

Result<Acted> SessionsImpl::act(const Ask& ask, std::string_view reference, const Make& make,
                                const Also& also, Sees sees, bool shows) {
  const Actor who = actor_of(ask);
  for (int attempt = 0; attempt < store::kMaxRaces; ++attempt) {
    RABT_TRY(session, rows_.load(parts_.tenant, reference));
    if (sees == Sees::must) RABT_TRY_STATUS(may(access::Right::session_see, session, who));
    // A provider that was bound later serves the sessions that were made before.
    if (session.provider_plugin.empty() && !session.over()) {
      session.provider_plugin = video_.bound();
      if (!session.provider_plugin.empty()) {
        session.region = parts_.settings.region;
        session.clear_warning("video.not_configured");
      }
    }
    RABT_TRY(command, make(session));
    RABT_TRY(change, decide(session, moment_of(who, session), command));
    if (change.unchanged) return Acted{std::move(session), std::move(change)};
    auto acted = commit(ask, who, session, std::move(change), also, shows);
    if (acted.ok() || acted.error().code != kSessionRaced) return acted;
  }
  return unavailable("store.busy", "the session changes too quickly; try again");
}

Result<Acted> SessionsImpl::act_as_hub(std::string_view session, const Command& command,
                                       const Also& also) {
  Ask ask;
  ask.door = "workflow";
  ask.caller.who.kind = identity::Kind::node;
  ask.caller.who.id = "sessions";
  ask.caller.who.tenant = parts_.tenant;
  const auto make = [&](Session& is) -> Result<Command> {
    if (std::holds_alternative<ProviderJoined>(command)) {
      refresh_accounts(is);
      ProviderJoined joined = std::get<ProviderJoined>(command);
      joined.visit_open = visit_open(is);
      return Command(std::move(joined));
    }
    return command;
  };
  auto acted = act(ask, session, make, also);
  // What the caller wants written is written although the session stays as it is.
  if (acted.ok() && acted->change.unchanged && also) {
    RABT_TRY_STATUS(parts_.store.write(
        [&](store::Transaction& transaction) { return also(transaction, acted->change); }));
  }
  return acted;
}

Result<Acted> SessionsImpl::commit(const Ask& ask, const Actor& who, const Session& before,
                                   Change change, const Also& also, bool shows) {
  const Timestamp now = parts_.clock.now();
  if (!change.after.over() && reseated(before, change.after)) warn_preferences(change.after);
  // R-12: what was shown at the end is shown later, whatever becomes of the records.
  if (change.after.over() && !before.over()) {
    Names names(parts_.directory, parts_.tenant);
    for (Participant& one : change.after.participants) {
      if (!one.person.empty()) one.record = names.of(one.person);
    }
  }
  // R-17: asked here for the warning, which is sealed with the session, and once more in the job.
  const auto wanted = newly_wanted(before, change.after);
  const auto fits = [&](store::Connection& connection) -> Result<Fit> {
    RABT_TRY(found, fit(connection, *wanted));
    if (found == Fit::busy && !never_refused(change.after, who, now))
      return conflict("provider.busy",
                      "the provider is not free for the " +
                          std::to_string((wanted->to_ms - wanted->from_ms) / 60'000) +
                          " minutes from the time that was asked for; choose another time or "
                          "provider");
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
    audit::Entry entry = entry_of(ask, who, change.after);
    entry.act = act.act;
    entry.detail = act.detail;
    entries.push_back(parts_.audit.prepare(entry));
  }
  RABT_TRY(recordings, RecordingNotes::of(parts_, before, change, now));
  Session after = change.after;
  after.version = before.over() ? before.version : before.version + 1;
  if (sealed.key) after.data_key = sealed.key->id;
  Json answer;
  if (shows && ask.once) {
    RABT_TRY(shown, show(ask, after));
    answer = std::move(shown);
  }
  std::int64_t number = 0;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    if (wanted) {
      RABT_TRY(found, fits(transaction));
      if ((found != Fit::free) != change.after.warns("provider.overlap"))
        return conflict(std::string(kSessionRaced), "the provider's time has changed meanwhile");
    }
    RABT_TRY(written, SessionRows::write(transaction, before, change, sealed));
    number = written;
    const Session& is = change.after;
    if (change.busy)
      RABT_TRY_STATUS(around_->set_busy(transaction, is.tenant, is.provider, *change.busy, now));
    if (change.freed) RABT_TRY_STATUS(around_->free_place(transaction, is.tenant, is.id));
    if (is.over()) RABT_TRY_STATUS(around_->meter(transaction, is.tenant, is.id, !before.over()));
    RABT_TRY_STATUS(recordings.write(transaction));
    if (also) RABT_TRY_STATUS(also(transaction, change));
    if (!answer.is_null()) {
      answer.set("number", number);
      RABT_TRY_STATUS(ask.once(transaction, answer));
    }
    for (const audit::Prepared& entry : entries)
      RABT_TRY_STATUS(parts_.audit.append(transaction, entry));
    return ok_status();
  }));
  after.number = number;
  if (after.status != before.status || before.version == 0)
    ++entered_[static_cast<std::size_t>(after.status)];
  if (after.over() && !before.over()) video_.forget(after.id);
  for (const SessionEvent& event : change.events) {
    if (event.type != "participant-joined") continue;
    if (const auto role = parse_part_role(event.data.string_or("role", "")))
      ++joined_[static_cast<std::size_t>(*role)];
  }
  figures_.changed(before, change, now.ms);
  if (!change.effects.empty() || !change.events.empty()) work_->wake();
  return Acted{std::move(after), std::move(change)};
}

Status SessionsImpl::audit_reading(const Ask& ask, std::string_view object, const Session* session,
                                   Json detail, Reads reads) const {
  const Actor who = actor_of(ask);
  const bool outsider =
      session != nullptr && !who.system && session->of_person(who.person) == nullptr &&
      (who.person.empty() || (who.person != session->provider && who.person != session->patient));
  // Administrators read patient data with a reason or a grant alone.
  if (outsider && !ask.caller.reason.empty() && parts_.access != nullptr) {
    access::Reading reading{.act = "session.read",
                            .object = std::string(object),
                            .instance = {},
                            .patients = {},
                            .detail = std::move(detail)};
    if (const auto index = from_hex(session->patient_pseudonym); index && !index->empty())
      reading.patients.emplace_back(as_text(*index));
    return parts_.access->admit({.actor = who.actor,
                                 .token = ask.caller.who.credential,
                                 .client = ask.caller.client,
                                 .request = ask.caller.request,
                                 .reason = ask.caller.reason,
                                 .purpose = ask.caller.purpose},
                                reading);
  }
  // What a workflow has begun goes on.
  if (!who.system && reads == Reads::alone && parts_.access != nullptr)
    RABT_TRY_STATUS(parts_.access->ready());
  Session none;
  none.tenant = parts_.tenant;
  audit::Entry entry = entry_of(ask, who, session != nullptr ? *session : none);
  entry.act = "session.read";
  entry.object = std::string(object);
  entry.detail = std::move(detail);
  const audit::Prepared prepared = parts_.audit.prepare(entry);
  return parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); });
}

Answer SessionsImpl::show(const Ask& ask, const Session& session) const {
  const Actor who = actor_of(ask);
  Names names(parts_.directory, parts_.tenant);
  const bool reason = !ask.caller.reason.empty();
  Json shown = session_json(session, sight_of(session, who, reason), names, parts_.clock.now());
  if (ask.door != "api") shown.set("asGiven", session.as_given);
  return shown;
}
Answer SessionsImpl::act_and_show(const Ask& ask, const Make& make) {
  RABT_TRY(acted, act(ask, ask.session, make, {}, Sees::must, true));
  return show(ask, acted.session);
}

Result<std::string> SessionsImpl::person(const Json& reference, const std::string& field,
                                         Mistakes& mistakes) const {
  if (reference.is_null()) return std::string();
  auto found = parts_.directory.resolve(parts_.tenant, reference);
  if (found.ok()) return std::move(*found);
  if (found.error().kind != ErrorKind::not_found && found.error().kind != ErrorKind::invalid)
    return std::move(found).error();
  mistakes.add(field, reference.is_object()
                          ? "it names nobody: no token of this person has been shown yet, and no "
                            "record has the id among its externalIds"
                          : "it names nobody");
  return std::string();
}

Result<std::string> SessionsImpl::filter_person(std::string_view text) const {
  if (text.empty()) return std::string();
  auto found = parts_.directory.resolve(parts_.tenant, std::string(text));
  if (found.ok()) return std::move(*found);
  if (found.error().kind != ErrorKind::not_found && found.error().kind != ErrorKind::invalid)
    return std::move(found).error();
  // Nobody's sessions.
  return std::string("-");
}

Result<Session> SessionsImpl::with_room(const Session& session, std::int64_t patience_ms) const {
  if (session.room == "asked") {
    work_->wait_for_room(session.id, std::chrono::milliseconds(patience_ms));
    return rows_.load(session.tenant, session.id);
  }
  return session;
}

Result<SessionsImpl::Access> SessionsImpl::waiting_access(const Session& session,
                                                          const Participant& one) const {
  RABT_TRY(lease, parts_.keys.lease(session.tenant));
  const SecretBytes key = lease.keys().purpose_key(kWaitingPurpose);
  const std::int64_t now = parts_.clock.now().ms / 1000;
  const Json claims = Json::object({{"iss", "rabt"},
                                    {"use", "waiting"},
                                    {"session", session.id},
                                    {"sub", one.id},
                                    {"iat", now},
                                    {"exp", now + kWaitingTokenSeconds}});
  RABT_TRY(token, crypto::sign_jwt(key.expose(), "HS256", R"({"typ":"JWT"})", claims.dump()));
  return Access{.token = std::move(token), .use = "waiting", .media = {}};
}

Result<SessionsImpl::Access> SessionsImpl::access_of(const Ask& ask, const Session& session,
                                                     std::string_view participant, bool required) {
  RABT_TRY(access, open_access(session, participant, required));
  if (access.use != "media") return access;
  audit::Entry entry = entry_of(ask, actor_of(ask), session);
  entry.act = "token.issued";
  entry.detail = Json::object({{"participant", participant}});
  const audit::Prepared prepared = parts_.audit.prepare(entry);
  const Status written = parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, prepared); });
  if (!written.ok()) {
    // The act is done; its answer goes without a token that nobody could account for.
    if (!required) return waiting_access(session, *session.participant(participant));
    return written.error();
  }
  ++tokens_;
  return access;
}

Result<SessionsImpl::Access> SessionsImpl::open_access(const Session& given,
                                                       std::string_view participant,
                                                       bool required) {
  const Participant* one = given.participant(participant);
  RABT_CHECK(one != nullptr);
  if (!one->admitted()) return waiting_access(given, *one);
  RABT_TRY(session, with_room(given, SessionVideo::kPatienceMs));
  if (session.provider_plugin.empty() || session.room != "open") {
    if (!required) return waiting_access(session, *one);
    if (session.warns("video.credentials")) return wrong_credentials(session.provider_plugin);
    RABT_TRY_STATUS(may_be_in(parts_.settings, session.region));
    if (session.warns("video.room_refused"))
      return unavailable("video.unavailable",
                         "the video provider refused to open a room; the log says why, in the line "
                         "session.effect of this session");
    return session.provider_plugin.empty()
               ? unavailable("video.not_configured", "no video provider is bound to the role video")
               : unavailable("video.unavailable",
                             "the video provider has not opened the room yet; try again");
  }
  auto token = video_.token(session, *one, parts_.settings.token_seconds);
  if (!token.ok()) {
    if (!required) return waiting_access(session, *one);
    return std::move(token).error();
  }
  Access access{.token = token->token, .use = "media", .media = Json::object()};
  access.media =
      Json::object({{"provider", session.provider_plugin},
                    {"token", token->token},
                    {"roomName", session.room_name},
                    {"identity", one->identity},
                    {"url", token->more["url"]},
                    {"room", token->more["room"]},
                    {"iceServers", token->more["iceServers"].is_array() ? token->more["iceServers"]
                                                                        : Json::array()},
                    {"meeting", token->more["meeting"]},
                    {"attendee", token->more["attendee"]},
                    {"grants", grants_of(session, *one, parts_.settings)},
                    {"expiresAt", to_iso8601({token->expires_ms})}});
  return access;
}

void SessionsImpl::count(Counted what, std::uint64_t by) {
  figures_.count(what, by);
}

std::uint64_t SessionsImpl::kept_bytes() const {
  const std::int64_t now = parts_.clock.now().ms;
  const Lock lock(kept_.mutex);
  if (kept_.counted_ms > 0 && now - kept_.counted_ms < kCountedMs) return kept_.bytes;
  std::uint64_t bytes = kept_.bytes;
  (void)parts_.store.read([&](store::Connection& connection) {
    return connection.query(kKeptBytes, {parts_.tenant}, [&](const store::Row& row) {
      bytes = row.is_null(0) ? 0 : static_cast<std::uint64_t>(row.integer(0));
      return false;
    });
  });
  kept_.bytes = bytes;
  kept_.counted_ms = now;
  return kept_.bytes;
}

void SessionsImpl::write_metrics(MetricsWriter& out) const {
  out.counters("rabt_sessions_total", "Sessions that came into a state.");
  for (std::size_t i = 0; i < entered_.size(); ++i)
    out.sample("rabt_sessions_total", {{"status", to_string(static_cast<SessionStatus>(i))}},
               entered_[i].load());
  const auto count = [&](SessionStatus status) {
    return entered_[static_cast<std::size_t>(status)].load();
  };
  const std::uint64_t completed = count(SessionStatus::completed);
  const std::uint64_t over = completed + count(SessionStatus::cancelled) +
                             count(SessionStatus::no_show) + count(SessionStatus::failed);
  if (over > 0) {
    // A metric of this writer is a whole number.
    const std::string thousandths = std::to_string(1'000 + completed * 1'000 / over);
    out.text(
        "# HELP rabt_session_success_ratio Sessions that completed, of those that are over.\n"
        "# TYPE rabt_session_success_ratio gauge\nrabt_session_success_ratio " +
        std::string(completed == over ? "1." : "0.") + thousandths.substr(1) + "\n");
  }
  std::uint64_t active = 0;
  (void)parts_.store.read([&](store::Connection& connection) {
    return connection.query(kActive, {parts_.tenant}, [&active](const store::Row& row) {
      active = static_cast<std::uint64_t>(row.integer(0));
      return false;
    });
  });
  out.gauge("rabt_sessions_active", "Sessions that are active now.", active);
  out.gauge("rabt_recording_bytes", "Bytes of the recordings of sessions that are kept.",
            kept_bytes());
  figures_.write(out);
  out.counters("rabt_participants_joined_total", "Participants who came into a call.");
  for (std::size_t i = 0; i < joined_.size(); ++i)
    out.sample("rabt_participants_joined_total", {{"role", to_string(static_cast<PartRole>(i))}},
               joined_[i].load());
  out.counter("rabt_tokens_issued_total", "Tokens that let somebody into a call.", tokens_.load());
  const SessionWork::Stats work = work_->stats();
  out.counter("rabt_session_provider_calls_total", "Calls of the video provider.", work.calls);
  out.counter("rabt_session_provider_parked_total",
              "Calls of the video provider whose effect nobody knows.", work.parked);
  out.counter("rabt_session_events_told_total", "Events of sessions that workflows were told.",
              work.told);
}

}  // namespace rabt::consultation
