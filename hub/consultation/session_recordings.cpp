#include "hub/consultation/session_recordings.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/printable.hpp"
#include "hub/consultation/recording_link.hpp"
#include "hub/consultation/register.hpp"
#include "hub/consultation/sessions_impl.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Null;
using store::Row;
using store::Statement;
using store::Value;

#define RABT_RECORDING_COLUMNS                                                                \
  "r.id, r.number, r.session, r.status, r.kind, r.purpose, r.started_ms, r.stopped_ms, "      \
  "r.stored_ms, r.retain_until_ms, r.bytes, r.sha256, r.content_type, r.sealed, s.data_key, " \
  "r.copy, r.problem"
#define RABT_RECORDING_FROM \
  " FROM session_recording r JOIN session s ON s.tenant = r.tenant AND s.id = r.session "

constexpr Statement kOfSession{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                               "WHERE r.tenant = $1 AND r.session = $2 ORDER BY r.id"};
constexpr Statement kById{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                          "WHERE r.tenant = $1 AND r.id = $2"};
constexpr Statement kByNumber{"SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
                              "WHERE r.tenant = $1 AND r.number = $2"};
constexpr Statement kAll{
    "SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_FROM
    "WHERE r.tenant = $1 AND r.id < $2 AND ($3 = '' OR r.status = $3) ORDER BY "
    "r.id DESC LIMIT $4 OFFSET $5"};
constexpr Statement kCountAll{
    "SELECT count(*) FROM session_recording r WHERE r.tenant = $1 AND ($2 = '' OR r.status = $2)"};
constexpr Statement kTotalsOfAll{
    "SELECT count(*), coalesce(sum(bytes), 0) FROM session_recording WHERE tenant = $1"};
#define RABT_RECORDING_OF_MEMBER                                                            \
  " FROM session_member m JOIN session_recording r ON r.tenant = m.tenant AND r.session = " \
  "m.session "
// Whose sessions: $1 tenant, $2 person, $3 1 when patients read recordings, and 2 more when the
// person's account may be a doctor.
#define RABT_RECORDING_MAY_SEE                                                                     \
  "WHERE m.tenant = $1 AND m.person = $2 AND m.admission IN ('waiting', 'admitted') AND ($3 >= 2 " \
  "AND m.role IN ('doctor', 'specialist') OR $3 % 2 = 1 AND m.role = 'patient') "
constexpr Statement kOfPerson{
    "SELECT " RABT_RECORDING_COLUMNS RABT_RECORDING_OF_MEMBER
    "JOIN session s ON s.tenant = r.tenant AND s.id = r.session " RABT_RECORDING_MAY_SEE
    "AND r.id < $4 AND ($5 = '' OR r.status = $5) ORDER BY r.id DESC LIMIT $6 OFFSET $7"};
constexpr Statement kCountOfPerson{"SELECT count(*)" RABT_RECORDING_OF_MEMBER RABT_RECORDING_MAY_SEE
                                   "AND ($4 = '' OR r.status = $4)"};
constexpr Statement kTotalsOfPerson{
    "SELECT count(*), coalesce(sum(r.bytes), 0)" RABT_RECORDING_OF_MEMBER RABT_RECORDING_MAY_SEE};
constexpr Statement kInsert{
    "INSERT INTO session_recording (tenant, id, number, session, sid, status, kind, purpose, "
    "started_ms, stopped_ms, stored_ms, retain_until_ms, bytes, sha256, content_type, sealed) "
    "VALUES "
    "($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, NULL, $12, '', '', $11) ON CONFLICT DO "
    "NOTHING"};
constexpr Statement kStopped{
    "UPDATE session_recording SET status = 'processing', stopped_ms = $3 WHERE tenant = $1 AND id "
    "= $2 AND status = 'recording'"};
constexpr Statement kBind{
    "UPDATE session_recording SET sid = $3, kind = $4, sealed = $5, bytes = $6 WHERE tenant = $1 "
    "AND id = $2"};
constexpr Statement kFailed{
    "UPDATE session_recording SET status = 'failed', problem = $3 WHERE tenant = $1 AND id = $2 "
    "AND status IN ('recording', 'processing')"};
constexpr Statement kNone{
    "UPDATE session_recording SET status = 'none', problem = $3 WHERE tenant = $1 AND id = $2 AND "
    "status IN ('recording', 'processing')"};
constexpr Statement kMerged{
    "UPDATE session_recording SET status = 'merged', sealed = $3, problem = '' WHERE tenant = $1 "
    "AND id = $2 AND status IN ('recording', 'processing')"};
constexpr Statement kReady{
    "UPDATE session_recording SET status = 'ready', stored_ms = $3, retain_until_ms = $4, bytes = "
    "$5, sha256 = $6, content_type = $7, sealed = $8, copy = 'deleting', problem = '' WHERE tenant "
    "= $1 AND id = $2 AND status IN ('recording', 'processing', 'failed')"};
constexpr Statement kCopy{
    "UPDATE session_recording SET copy = $3, problem = CASE WHEN $4 = '' AND status = 'failed' "
    "THEN problem ELSE $4 END WHERE tenant = $1 AND id = $2"};
constexpr Statement kWithdraw{
    "UPDATE session_recording SET status = 'deleted', sealed = $3, copy = $4 WHERE tenant = $1 AND "
    "id = $2 AND status IN ('ready', 'failed')"};

std::optional<std::int64_t> optional(const Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

struct Raw {
  KeptRecording one;
  std::string sealed;
  std::string data_key;
};
Raw read(const Row& row) {
  Raw raw;
  raw.one.id = std::string(row.text(0));
  raw.one.number = row.integer(1);
  raw.one.session = std::string(row.text(2));
  raw.one.status = std::string(row.text(3));
  raw.one.kind = std::string(row.text(4));
  raw.one.purpose = std::string(row.text(5));
  raw.one.started_ms = row.integer(6);
  raw.one.stopped_ms = optional(row, 7);
  raw.one.stored_ms = optional(row, 8);
  raw.one.retain_until_ms = optional(row, 9);
  raw.one.bytes = row.integer(10);
  raw.one.sha256 = std::string(row.text(11));
  raw.one.content_type = std::string(row.text(12));
  raw.sealed = std::string(row.blob(13));
  raw.data_key = std::string(row.blob(14));
  raw.one.copy = std::string(row.text(15));
  raw.one.problem = std::string(row.text(16));
  return raw;
}

crypto::SealContext place(std::string_view tenant, std::string_view id) {
  return {.tenant = tenant, .table = "session_recording", .row = id, .field = "sealed"};
}

Result<std::string> seal(const SessionParts& parts, std::string_view data_key, std::string_view id,
                         const Json& document) {
  RABT_TRY(key, parts.keys.open(parts.tenant, data_key));
  return key->seal(place(parts.tenant, id), document.dump(), parts.random);
}

Result<KeptRecording> open(const SessionParts& parts, Raw raw) {
  RABT_TRY(key, parts.keys.open(parts.tenant, raw.data_key));
  RABT_TRY(plain, key->open(place(parts.tenant, raw.one.id), raw.sealed));
  RABT_TRY(document, Json::parse(plain));
  raw.one.sid = document.string_or("sid", "");
  raw.one.withdrawn = document["withdrawn"];
  raw.one.merged_into = document.string_or("mergedInto", "");
  raw.one.incomplete = document["incomplete"];
  return std::move(raw.one);
}
Result<std::vector<KeptRecording>> open_all(const SessionParts& parts, std::vector<Raw> raws) {
  std::vector<KeptRecording> out;
  for (Raw& raw : raws) {
    RABT_TRY(one, open(parts, std::move(raw)));
    out.push_back(std::move(one));
  }
  return out;
}

Json document_of(const KeptRecording& one) {
  Json document = Json::object({{"sid", one.sid}, {"withdrawn", one.withdrawn}});
  if (!one.merged_into.empty()) document.set("mergedInto", one.merged_into);
  if (!one.incomplete.is_null()) document.set("incomplete", one.incomplete);
  return document;
}

Value value(const std::optional<std::int64_t>& ms) {
  return ms ? Value(*ms) : Value(Null{});
}

Result<std::int64_t> next_number(store::Transaction& transaction, std::string_view tenant) {
  const std::string name = "session_recording." + std::string(tenant);
  return transaction.next({name});
}

}  // namespace

Json recording_json(const KeptRecording& one, bool with_reason) {
  Json withdrawn = one.withdrawn;
  if (!with_reason && withdrawn.is_object()) withdrawn.mutable_object().erase("reason");
  const auto time = [](const std::optional<std::int64_t>& ms) {
    return ms ? Json(to_iso8601({*ms})) : Json();
  };
  std::int64_t seconds = 0;
  if (one.stopped_ms) seconds = std::max<std::int64_t>(0, *one.stopped_ms - one.started_ms) / 1000;
  return Json::object({{"id", one.id},
                       {"uuid", identity::uuid_of(one.id)},
                       {"number", one.number},
                       {"session", one.session},
                       {"recordingSid", one.sid.empty() ? one.id : one.sid},
                       {"status", one.status},
                       {"kind", one.kind.empty() ? Json() : Json(one.kind)},
                       {"purpose", one.purpose},
                       {"startedAt", to_iso8601({one.started_ms})},
                       {"stoppedAt", time(one.stopped_ms)},
                       {"durationSeconds", one.stopped_ms ? Json(seconds) : Json()},
                       {"bytes", one.bytes},
                       {"sha256", one.sha256.empty() ? Json() : Json(one.sha256)},
                       {"contentType", one.content_type.empty() ? Json() : Json(one.content_type)},
                       {"storedAt", time(one.stored_ms)},
                       {"retainUntil", time(one.retain_until_ms)},
                       {"providerCopy", one.sid.empty() ? Json() : Json(one.copy)},
                       {"problem", one.problem.empty() ? Json() : Json(one.problem)},
                       {"incomplete", one.incomplete},
                       {"withdrawn", std::move(withdrawn)},
                       {"mergedInto", one.merged_into.empty() ? Json() : Json(one.merged_into)},
                       {"encrypted", true}});
}

Result<std::vector<KeptRecording>> recordings_of(const SessionParts& parts,
                                                 const Session& session) {
  std::vector<Raw> raws;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(kOfSession, {session.tenant, session.id}, [&](const Row& row) {
      raws.push_back(read(row));
      return true;
    });
  }));
  return open_all(parts, std::move(raws));
}

Result<RecordingNotes> RecordingNotes::of(const SessionParts& parts, const Session& before,
                                          const Change& change, Timestamp now) {
  RecordingNotes notes;
  notes.tenant_ = change.after.tenant;
  notes.session_ = change.after.id;
  notes.begun_ = change.recording_begun;
  notes.purpose_ = change.recording_purpose;
  notes.ended_ = change.recording_ended;
  notes.now_ = now;
  if (notes.begun_.empty()) return notes;
  RABT_TRY(sealed, seal(parts, before.data_key, notes.begun_, document_of(KeptRecording{})));
  notes.sealed_ = std::move(sealed);
  return notes;
}

Status RecordingNotes::write(store::Transaction& transaction) const {
  if (!begun_.empty()) {
    RABT_TRY(number, next_number(transaction, tenant_));
    RABT_TRY_STATUS(store::run(transaction, kInsert,
                               {tenant_, begun_, number, session_, Blob{""}, "recording", "",
                                purpose_, now_.ms, Null{}, Blob{sealed_}, std::int64_t{0}}));
  }
  if (!ended_.empty())
    RABT_TRY_STATUS(store::run(transaction, kStopped, {tenant_, ended_, now_.ms}));
  return ok_status();
}

// ---- Tracks of the provider

namespace {

// Providers tell whole seconds, and clocks differ: a track may seem older than its stretch.
constexpr std::int64_t kEarlyMs = 1'500;

// What the provider lists.
struct Track {
  const Json* listed = nullptr;
  // Why there is nothing to fetch. A code.
  std::string problem;
  std::optional<std::int64_t> started_ms;
};

// Those whose beginning the provider tells first, by time. The others keep their order.
std::vector<Track> tracks_of(const Json& output) {
  std::vector<Track> tracks;
  const auto take = [&](const Json& list, bool failed) {
    if (!list.is_array()) return;
    for (const Json& one : list.as_array()) {
      if (one.string_or("recordingId", "").empty()) continue;
      Track track{.listed = &one, .problem = {}, .started_ms = {}};
      if (failed) track.problem = one.string_or("code", "video.recording_failed");
      if (const auto at = parse_iso8601(one.string_or("startedAt", "")); at.ok())
        track.started_ms = at->ms;
      tracks.push_back(std::move(track));
    }
  };
  take(output["recordings"], false);
  take(output["failed"], true);
  const auto rest = std::stable_partition(
      tracks.begin(), tracks.end(), [](const Track& one) { return one.started_ms.has_value(); });
  std::stable_sort(tracks.begin(), rest,
                   [](const Track& a, const Track& b) { return *a.started_ms < *b.started_ms; });
  return tracks;
}

// The stretch in which something began that was recorded: the nearest, and of those that are as
// near the latest. known: oldest first.
const KeptRecording* stretch_at(const std::vector<KeptRecording>& known, const Session& session,
                                std::int64_t at_ms) {
  const KeptRecording* found = nullptr;
  std::int64_t nearest = 0;
  for (const KeptRecording& one : known) {
    const std::int64_t from = one.started_ms - kEarlyMs;
    const std::int64_t to = one.stopped_ms.value_or(session.ended_ms.value_or(at_ms));
    const std::int64_t away = std::max({from - at_ms, at_ms - to, std::int64_t{0}});
    if (found == nullptr || away < nearest ||
        (away == nearest && one.started_ms >= found->started_ms)) {
      found = &one;
      nearest = away;
    }
  }
  return found;
}

// Finds the recording of each track.
class Binding {
 public:
  Binding(const SessionParts& parts, const Session& session, const keys::Lease& lease,
          std::vector<KeptRecording> known)
      : parts_(parts), session_(session), lease_(lease), known_(std::move(known)) {
    for (const KeptRecording& one : known_) {
      if (one.sid.empty() && one.status != "merged") free_.push_back(&one);
    }
  }

  Status bind(const Track& track) {
    BoundRecording bound;
    bound.sid = track.listed->string_or("recordingId", "");
    bound.kind = track.listed->string_or("kind", "");
    bound.bytes = std::max<std::int64_t>(0, track.listed->int_or("bytes", 0));
    bound.problem = track.problem;
    const auto found = std::find_if(known_.begin(), known_.end(),
                                    [&](const KeptRecording& one) { return one.sid == bound.sid; });
    if (found != known_.end()) {
      bound.id = found->id;
      // The fetch of one that is processed is under way.
      const bool lost = !bound.problem.empty();
      bound.settled = found->status == "ready" || found->status == "deleted" ||
                      found->status == (lost ? "failed" : "processing");
    } else {
      RABT_TRY_STATUS(choose(track, bound));
    }
    if (bound.kind == "composition" && bound.problem.empty()) holds_all_ = bound.id;
    out_.push_back(std::move(bound));
    return ok_status();
  }

  // What stands in the file of another, or was asked for and never made.
  Status rest() {
    for (const KeptRecording* const one : free_) {
      if (one->status == "failed") continue;
      if (holds_all_.empty()) {
        out_.push_back({.id = one->id, .problem = "video.not_recorded"});
        continue;
      }
      BoundRecording merged{.id = one->id, .settled = true, .merged = true};
      KeptRecording of;
      of.merged_into = holds_all_;
      RABT_TRY(sealed, seal(parts_, session_.data_key, merged.id, document_of(of)));
      merged.sealed = std::move(sealed);
      out_.push_back(std::move(merged));
    }
    return ok_status();
  }

  std::vector<BoundRecording> take() { return std::move(out_); }

 private:
  // The first track of a stretch is the recording that was asked for; each other one has its own.
  Status choose(const Track& track, BoundRecording& bound) {
    const KeptRecording* like = known_.empty() ? nullptr : &known_.front();
    if (track.started_ms) {
      like = stretch_at(known_, session_, *track.started_ms);
    } else if (!free_.empty()) {
      like = free_.front();
    }
    const auto asked = std::find(free_.begin(), free_.end(), like);
    bound.fresh = asked == free_.end();
    bound.bind = true;
    bound.id = bound.fresh ? parts_.ids.next().text() : like->id;
    if (!bound.fresh) free_.erase(asked);
    bound.purpose = like != nullptr ? like->purpose : "care";
    bound.started_ms = like != nullptr ? like->started_ms : session_.started_ms.value_or(0);
    bound.stopped_ms = like != nullptr && like->stopped_ms ? like->stopped_ms : session_.ended_ms;
    bound.index = lease_.blind_index("session.recording", bound.sid);
    KeptRecording of;
    of.sid = bound.sid;
    RABT_TRY(sealed, seal(parts_, session_.data_key, bound.id, document_of(of)));
    bound.sealed = std::move(sealed);
    return ok_status();
  }

  const SessionParts& parts_;
  const Session& session_;
  const keys::Lease& lease_;
  const std::vector<KeptRecording> known_;
  // Those that were asked for and have no track yet.
  std::vector<const KeptRecording*> free_;
  // The recording whose file holds everything.
  std::string holds_all_;
  std::vector<BoundRecording> out_;
};

}  // namespace

Result<std::vector<BoundRecording>> bind_recordings(const SessionParts& parts,
                                                    const Session& session, const Json& output,
                                                    bool last) {
  RABT_TRY(known, recordings_of(parts, session));
  RABT_TRY(lease, parts.keys.lease(session.tenant));
  Binding binding(parts, session, lease, std::move(known));
  for (const Track& track : tracks_of(output)) RABT_TRY_STATUS(binding.bind(track));
  if (last) RABT_TRY_STATUS(binding.rest());
  return binding.take();
}

Status write_bound(store::Transaction& transaction, const Session& session,
                   const BoundRecording& one) {
  if (one.merged)
    return store::run(transaction, kMerged, {session.tenant, one.id, Blob{one.sealed}});
  if (one.bind && one.fresh) {
    RABT_TRY(number, next_number(transaction, session.tenant));
    RABT_TRY_STATUS(store::run(
        transaction, kInsert,
        {session.tenant, one.id, number, session.id, Blob{one.index}, "processing", one.kind,
         one.purpose, one.started_ms, value(one.stopped_ms), Blob{one.sealed}, one.bytes}));
  } else if (one.bind) {
    RABT_TRY_STATUS(store::run(
        transaction, kBind,
        {session.tenant, one.id, Blob{one.index}, one.kind, Blob{one.sealed}, one.bytes}));
  }
  return one.problem.empty() ? ok_status()
                             : write_failed(transaction, session.tenant, one.id, one.problem);
}

Result<std::string> seal_recording(const SessionParts& parts, const Session& session,
                                   const KeptRecording& one) {
  return seal(parts, session.data_key, one.id, document_of(one));
}

Status write_ready(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                   const blob::BlobInfo& blob, std::string_view sealed, Timestamp now,
                   Timestamp retain_until) {
  return store::run(transaction, kReady,
                    {tenant, id, now.ms, retain_until.ms, static_cast<std::int64_t>(blob.bytes),
                     blob.sha256, blob.content_type, Blob{sealed}});
}
Status write_failed(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                    std::string_view problem) {
  return store::run(transaction, kFailed, {tenant, id, problem});
}
Status write_none(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                  std::string_view problem) {
  return store::run(transaction, kNone, {tenant, id, problem});
}
Status write_copy(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                  std::string_view copy, std::string_view problem) {
  return store::run(transaction, kCopy, {tenant, id, copy, problem});
}

Result<KeptRecording> find_session_recording(const SessionParts& parts,
                                             std::string_view reference) {
  const auto id = identity::ulid_of(reference);
  const bool number = !id && !reference.empty() && reference.size() <= 18 &&
                      std::all_of(reference.begin(), reference.end(), is_digit);
  std::optional<Raw> raw;
  if (id || number) {
    RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
      const auto take = [&](const Row& row) {
        raw = read(row);
        return false;
      };
      return id ? connection.query(kById, {parts.tenant, std::string_view(*id)}, take)
                : connection.query(kByNumber, {parts.tenant, std::stoll(std::string(reference))},
                                   take);
    }));
  }
  if (!raw) return not_found("recording.unknown", "there is no such recording");
  return open(parts, std::move(*raw));
}

// ---- What callers ask

Answer SessionsImpl::start_recording(const Ask& ask) {
  Fields members(ask.body);
  std::string purpose = members.word("purpose", {"care", "training"});
  // Recordings are always sealed; the wish is taken and changes nothing.
  (void)members.boolean("encryptionRequired");
  RABT_TRY_STATUS(members.done());
  if (purpose.empty()) purpose = "care";
  RABT_TRY(acted, act(ask, ask.session, [&](Session&) -> Result<Command> {
             return Command(StartRecording{purpose});
           }));
  RABT_TRY(one, find_session_recording(parts_, acted.session.recording_now));
  return recording_json(one, false);
}

Answer SessionsImpl::stop_recording(const Ask& ask) {
  RABT_TRY(acted, act(ask, ask.session,
                      [&](Session&) -> Result<Command> { return Command(StopRecording{}); }));
  RABT_TRY(kept, recordings_of(parts_, acted.session));
  if (kept.empty()) return conflict("recording.not_started", "the session has not been recorded");
  return recording_json(kept.back(), false);
}

access::Facts SessionsImpl::recording_facts(const Session& session, const Ask& ask) const {
  access::Facts facts = facts_of(session, actor_of(ask));
  facts.reason = !ask.caller.reason.empty();
  facts.patients_read_recordings = parts_.settings.patient_may_read_recordings;
  return facts;
}

bool SessionsImpl::withdraws_recordings(const Actor& who) {
  return access::decide(access::Right::recording_withdraw,
                        {.roles = who.roles, .system = who.system})
      .allowed;
}

std::int64_t SessionsImpl::recordings_shown_to(const Actor& who) const {
  const bool treats = may_act_as(who.roles, PartRole::doctor);
  return (parts_.settings.patient_may_read_recordings ? 1 : 0) + (treats ? 2 : 0);
}

Result<Page> SessionsImpl::recordings(const Ask& ask, const Window& window) {
  const Actor who = actor_of(ask);
  const bool with_reason = withdraws_recordings(who);
  Page page;
  const std::string status(ask.parameter("status"));
  if (!ask.session.empty()) {
    RABT_TRY(session, visible(ask, who));
    RABT_TRY_STATUS(access::admit(access::Right::recordings_see, recording_facts(session, ask)));
    RABT_TRY(kept, recordings_of(parts_, session));
    for (auto one = kept.rbegin(); one != kept.rend(); ++one) {
      if (status.empty() || one->status == status)
        page.items.push_back(recording_json(*one, with_reason));
    }
    page.total = static_cast<std::int64_t>(page.items.size());
    return page;
  }
  if (!window.cursor.empty() && !Ulid::parse(window.cursor))
    return invalid("api.invalid", "cursor: is none that this list gave");
  const std::string last = window.cursor.empty() ? "~" : window.cursor;
  const auto office =
      access::admit(access::Right::recordings_list_all, {.roles = who.roles, .system = who.system});
  const bool all = office.ok();
  if (!all && who.person.empty()) return office.error();
  const auto limit = static_cast<std::int64_t>(window.limit) + 1;
  const std::int64_t skip = window.skip.value_or(0);
  const std::int64_t kinds = recordings_shown_to(who);
  std::vector<Raw> raws;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    const auto take = [&](const Row& row) {
      raws.push_back(read(row));
      return true;
    };
    const auto count = [&](const Row& row) {
      page.total = row.integer(0);
      return false;
    };
    if (all) {
      RABT_TRY_STATUS(connection.query(kAll, {parts_.tenant, last, status, limit, skip}, take));
      return window.skip ? connection.query(kCountAll, {parts_.tenant, status}, count)
                         : ok_status();
    }
    RABT_TRY_STATUS(connection.query(
        kOfPerson, {parts_.tenant, who.person, kinds, last, status, limit, skip}, take));
    return window.skip
               ? connection.query(kCountOfPerson, {parts_.tenant, who.person, kinds, status}, count)
               : ok_status();
  }));
  const bool more = raws.size() > window.limit;
  if (more) raws.pop_back();
  RABT_TRY(kept, open_all(parts_, std::move(raws)));
  if (more) page.next = kept.back().id;
  for (const KeptRecording& one : kept) page.items.push_back(recording_json(one, with_reason));
  return page;
}

Result<RecordingTotals> SessionsImpl::recording_totals(const Ask& ask) {
  const Actor who = actor_of(ask);
  const auto office =
      access::admit(access::Right::recordings_list_all, {.roles = who.roles, .system = who.system});
  if (!office.ok() && who.person.empty()) return office.error();
  RecordingTotals totals;
  const auto take = [&](const Row& row) {
    totals = {.count = row.integer(0), .bytes = row.integer(1)};
    return false;
  };
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    if (office.ok()) return connection.query(kTotalsOfAll, {parts_.tenant}, take);
    return connection.query(kTotalsOfPerson, {parts_.tenant, who.person, recordings_shown_to(who)},
                            take);
  }));
  return totals;
}

Answer SessionsImpl::recording(const Ask& ask) {
  RABT_TRY(one, find_session_recording(parts_, ask.record));
  Ask of = ask;
  of.session = one.session;
  RABT_TRY(page, recordings(of, {}));
  for (const Json& item : page.items) {
    if (item.string_or("id", "") == one.id) return item;
  }
  return not_found("recording.unknown", "there is no such recording");
}

Result<access::Allowed> SessionsImpl::may_read_recordings(const Ask& ask) {
  RABT_TRY(session, visible(ask, actor_of(ask)));
  return access::admit(access::Right::recording_read, recording_facts(session, ask));
}

Answer SessionsImpl::transcribable(const Ask& ask) {
  RABT_TRY(session, visible(ask, actor_of(ask)));
  RABT_TRY(one, find_session_recording(parts_, ask.record));
  if (one.session != session.id)
    return not_found("recording.unknown", "there is no such recording");
  if (one.status != "ready")
    return conflict("recording.not_ready", "the recording is " + one.status +
                                               ", and only one that is ready is transcribed");
  RABT_TRY_STATUS(may_be_transcribed(session));
  RABT_TRY(kept, find_recording(parts_.store, session.tenant, one.id));
  const std::int64_t began = session.started_ms.value_or(one.started_ms);
  return Json::object({{"recording", one.id},
                       {"blob", kept.blob},
                       {"contentType", kept.content_type},
                       {"language", session.language},
                       {"startedMs", one.started_ms},
                       {"offsetMs", std::max<std::int64_t>(0, one.started_ms - began)}});
}

//
Answer SessionsImpl::withdraw_recording(const Ask& ask) {
  const Actor who = actor_of(ask);
  RABT_TRY_STATUS(
      access::admit(access::Right::recording_withdraw, {.roles = who.roles, .system = who.system}));
  const std::string reason =
      ask.caller.reason.empty() ? tidy_text(ask.body.string_or("reason", "")) : ask.caller.reason;
  if (reason.empty()) return invalid("api.invalid", "reason: is needed to withdraw a recording");
  RABT_TRY(one, find_session_recording(parts_, ask.record));
  if (one.status == "deleted") return recording_json(one, true);
  if (one.status != "ready" && one.status != "failed")
    return conflict(
        "recording.not_ready",
        "the recording is " + one.status + ", and only one that is ready or failed is withdrawn");
  // While the copy is being deleted, that goes on.
  const bool there = !one.sid.empty() && (one.copy == "kept" || one.copy == "left");
  if (there) one.copy = "deleting";
  RABT_TRY(session, rows_.load(parts_.tenant, one.session));
  const Timestamp now = parts_.clock.now();
  one.withdrawn = Json::object({{"by", who.actor}, {"at", to_iso8601(now)}, {"reason", reason}});
  RABT_TRY(sealed, seal(parts_, session.data_key, one.id, document_of(one)));
  const audit::Prepared entry =
      parts_.audit.prepare({.tenant = session.tenant,
                            .actor = who.actor,
                            .act = "recording.withdrawn",
                            .object = "recording:" + one.id,
                            .result = "ok",
                            .detail = Json::object({{"session", session.id}}),
                            .patient = session.patient_pseudonym,
                            .client = ask.caller.client,
                            .request = ask.caller.request});
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        store::run(transaction, kWithdraw, {session.tenant, one.id, Blob{sealed}, one.copy}));
    if (there)
      RABT_TRY_STATUS(SessionRows::put_effect(transaction, session, "delete", one.id, now));
    return parts_.audit.append(transaction, entry);
  }));
  one.status = "deleted";
  return recording_json(one, true);
}

}  // namespace rabt::consultation
