#include "hub/consultation/recording/rows.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/consultation/recording/statements.hpp"
#include "hub/consultation/rows/numbers.hpp"
#include "hub/identity/merges.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Null;
using store::Row;
using store::Value;

std::optional<std::int64_t> optional(const Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

struct Raw {
  KeptRecording recording;
  std::string sealed;
  std::string data_key;
};
Raw read(const Row& row) {
  Raw raw;
  raw.recording.id = std::string(row.text(sql::recording::kOfSession["id"]));
  raw.recording.number = row.integer(sql::recording::kOfSession["number"]);
  raw.recording.session = std::string(row.text(sql::recording::kOfSession["session"]));
  raw.recording.status = std::string(row.text(sql::recording::kOfSession["status"]));
  raw.recording.kind = std::string(row.text(sql::recording::kOfSession["kind"]));
  raw.recording.purpose = std::string(row.text(sql::recording::kOfSession["purpose"]));
  raw.recording.started_ms = row.integer(sql::recording::kOfSession["started_ms"]);
  raw.recording.stopped_ms = optional(row, sql::recording::kOfSession["stopped_ms"]);
  raw.recording.stored_ms = optional(row, sql::recording::kOfSession["stored_ms"]);
  raw.recording.retain_until_ms = optional(row, sql::recording::kOfSession["retain_until_ms"]);
  raw.recording.bytes = row.integer(sql::recording::kOfSession["bytes"]);
  raw.recording.sha256 = std::string(row.text(sql::recording::kOfSession["sha256"]));
  raw.recording.content_type = std::string(row.text(sql::recording::kOfSession["content_type"]));
  raw.sealed = std::string(row.blob(sql::recording::kOfSession["sealed"]));
  raw.data_key = std::string(row.blob(sql::recording::kOfSession["data_key"]));
  raw.recording.copy = std::string(row.text(sql::recording::kOfSession["copy"]));
  raw.recording.problem = std::string(row.text(sql::recording::kOfSession["problem"]));
  return raw;
}

// The table had this name when the first of its rows were sealed.
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
  RABT_TRY(plain, key->open(place(parts.tenant, raw.recording.id), raw.sealed));
  RABT_TRY(document, Json::parse(plain));
  raw.recording.sid = document.string_or("sid", "");
  raw.recording.withdrawn = document["withdrawn"];
  raw.recording.merged_into = document.string_or("mergedInto", "");
  raw.recording.incomplete = document["incomplete"];
  return std::move(raw.recording);
}
Result<std::vector<KeptRecording>> open_all(const SessionParts& parts, std::vector<Raw> raws) {
  std::vector<KeptRecording> out;
  for (Raw& raw : raws) {
    RABT_TRY(one, open(parts, std::move(raw)));
    out.push_back(std::move(one));
  }
  return out;
}

Json document_of(const KeptRecording& recording) {
  Json document = Json::object({{"sid", recording.sid}, {"withdrawn", recording.withdrawn}});
  if (!recording.merged_into.empty()) document.set("mergedInto", recording.merged_into);
  if (!recording.incomplete.is_null()) document.set("incomplete", recording.incomplete);
  return document;
}

Value value(const std::optional<std::int64_t>& ms) {
  return ms ? Value(*ms) : Value(Null{});
}

}  // namespace

Result<std::vector<KeptRecording>> recordings_of(const SessionParts& parts,
                                                 const Session& session) {
  std::vector<Raw> raws;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::recording::kOfSession, {session.tenant, session.id},
                            [&](const Row& row) {
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
    RABT_TRY(number, next_number(transaction, "recording", tenant_));
    RABT_TRY_STATUS(store::run(transaction, sql::recording::kInsertRecording,
                               {tenant_, begun_, number, session_, Blob{""}, "recording", "",
                                purpose_, now_.ms, Null{}, Blob{sealed_}, std::int64_t{0}}));
  }
  if (!ended_.empty())
    RABT_TRY_STATUS(store::run(transaction, sql::recording::kStopped, {tenant_, ended_, now_.ms}));
  return ok_status();
}

Status write_bound(store::Transaction& transaction, const Session& session,
                   const BoundRecording& recording) {
  if (recording.merged)
    return store::run(transaction, sql::recording::kMerged,
                      {session.tenant, recording.id, Blob{recording.sealed}});
  if (recording.bind && recording.fresh) {
    RABT_TRY(number, next_number(transaction, "recording", session.tenant));
    RABT_TRY_STATUS(
        store::run(transaction, sql::recording::kInsertRecording,
                   {session.tenant, recording.id, number, session.id, Blob{recording.index},
                    "processing", recording.kind, recording.purpose, recording.started_ms,
                    value(recording.stopped_ms), Blob{recording.sealed}, recording.bytes}));
  } else if (recording.bind) {
    RABT_TRY_STATUS(store::run(transaction, sql::recording::kBind,
                               {session.tenant, recording.id, Blob{recording.index}, recording.kind,
                                Blob{recording.sealed}, recording.bytes}));
  }
  return recording.problem.empty()
             ? ok_status()
             : write_failed(transaction, session.tenant, recording.id, recording.problem);
}

Result<std::string> seal_recording(const SessionParts& parts, const Session& session,
                                   const KeptRecording& recording) {
  return seal(parts, session.data_key, recording.id, document_of(recording));
}

Result<bool> write_ready(store::Transaction& transaction, blob::BlobStore& blobs,
                         keys::DataKeys& keys, const KeepJob& job, std::string_view sealed) {
  const blob::BlobInfo& blob = job.blob;
  RABT_TRY(changed,
           transaction.execute(sql::recording::kReady,
                               {job.what.tenant, job.what.id, job.now.ms, job.what.retain_until.ms,
                                blob.id, static_cast<std::int64_t>(blob.bytes), blob.sha256,
                                blob.content_type, Blob{sealed}}));
  if (changed != 1) return false;
  RABT_TRY_STATUS(take_over(transaction, blobs, keys, job));
  return true;
}
Status write_failed(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                    std::string_view problem) {
  return store::run(transaction, sql::recording::kFailed, {tenant, id, problem});
}
Status write_none(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                  std::string_view problem) {
  return store::run(transaction, sql::recording::kNone, {tenant, id, problem});
}
Status write_copy(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                  std::string_view copy, std::string_view problem) {
  return store::run(transaction, sql::recording::kCopy, {tenant, id, copy, problem});
}

Status write_withdrawn(store::Transaction& transaction, std::string_view tenant,
                       std::string_view id, std::string_view sealed, std::string_view copy) {
  return store::run(transaction, sql::recording::kWithdraw, {tenant, id, Blob{sealed}, copy});
}

Result<RecordingPage> list_recordings(const SessionParts& parts, const RecordingFilter& filter,
                                      const Window& window) {
  if (!window.cursor.empty() && !Ulid::parse(window.cursor))
    return invalid("api.invalid", "cursor: is unknown to this list; read the first page");
  const std::string last = window.cursor.empty() ? "~" : window.cursor;
  const auto limit = static_cast<std::int64_t>(window.limit) + 1;
  const std::int64_t skip = window.skip.value_or(0);
  RecordingPage page;
  std::vector<Raw> raws;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    const auto take = [&](const Row& row) {
      raws.push_back(read(row));
      return true;
    };
    const auto count = [&](const Row& row) {
      page.total = row.integer(sql::recording::kCountAll["count"]);
      return false;
    };
    if (filter.person.empty()) {
      RABT_TRY_STATUS(connection.query(sql::recording::kAll,
                                       {parts.tenant, last, filter.status, limit, skip}, take));
      return window.skip
                 ? connection.query(sql::recording::kCountAll, {parts.tenant, filter.status}, count)
                 : ok_status();
    }
    RABT_TRY(also, identity::others_of(connection, parts.tenant, filter.person));
    RABT_TRY_STATUS(connection.query(
        sql::recording::kOfPerson,
        {parts.tenant, filter.person, filter.kinds, also[0], also[1], also[2], also[3], also[4],
         also[5], also[6], also[7], last, filter.status, limit, skip},
        take));
    if (!window.skip) return ok_status();
    return connection.query(sql::recording::kCountOfPerson,
                            {parts.tenant, filter.person, filter.kinds, also[0], also[1], also[2],
                             also[3], also[4], also[5], also[6], also[7], filter.status},
                            count);
  }));
  const bool more = raws.size() > window.limit;
  if (more) raws.pop_back();
  RABT_TRY(kept, open_all(parts, std::move(raws)));
  if (more) page.next = kept.back().id;
  page.recordings = std::move(kept);
  return page;
}

Result<RecordingTotals> totals_of(const SessionParts& parts, const RecordingFilter& filter) {
  RecordingTotals totals;
  const auto take = [&](const Row& row) {
    totals = {.count = row.integer(sql::recording::kTotalsOfAll["count"]),
              .bytes = row.integer(sql::recording::kTotalsOfAll["sum_bytes"])};
    return false;
  };
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    if (filter.person.empty())
      return connection.query(sql::recording::kTotalsOfAll, {parts.tenant}, take);
    RABT_TRY(also, identity::others_of(connection, parts.tenant, filter.person));
    return connection.query(sql::recording::kTotalsOfPerson,
                            {parts.tenant, filter.person, filter.kinds, also[0], also[1], also[2],
                             also[3], also[4], also[5], also[6], also[7]},
                            take);
  }));
  return totals;
}

Result<std::uint64_t> bytes_of_ready(store::Store& store, std::string_view tenant) {
  std::uint64_t bytes = 0;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::recording::kKeptBytes, {tenant}, [&](const Row& row) {
      bytes =
          row.is_null(sql::recording::kKeptBytes["sum_bytes"])
              ? 0
              : static_cast<std::uint64_t>(row.integer(sql::recording::kKeptBytes["sum_bytes"]));
      return false;
    });
  }));
  return bytes;
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
      return id ? connection.query(sql::recording::kById, {parts.tenant, std::string_view(*id)},
                                   take)
                : connection.query(sql::recording::kByNumber,
                                   {parts.tenant, std::stoll(std::string(reference))}, take);
    }));
  }
  if (!raw) return not_found("recording.unknown", "there is no such recording");
  return open(parts, std::move(*raw));
}

}  // namespace rabt::consultation
