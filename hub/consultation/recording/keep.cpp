#include "hub/consultation/recording/keep.hpp"

#include <optional>
#include <utility>

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

#define RABT_KEPT_COLUMNS "id, consultation, kind, blob, content_type, bytes, sha256, stored_ms"

constexpr Statement kInsert{
    "INSERT INTO recording (tenant, id, consultation, external_index, kind, blob, content_type, "
    "bytes, sha256, stored_ms, "
    "retain_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO "
    "NOTHING"};
constexpr Statement kFindByExternal{"SELECT " RABT_KEPT_COLUMNS
                                    " FROM recording WHERE tenant = $1 AND consultation = $2 AND "
                                    "external_index = $3"};
constexpr Statement kFind{"SELECT " RABT_KEPT_COLUMNS
                          " FROM recording WHERE tenant = $1 AND id = $2"};

Recording read(const Row& row) {
  return {.id = std::string(row.text(0)),
          .consultation = std::string(row.text(1)),
          .kind = std::string(row.text(2)),
          .blob = std::string(row.text(3)),
          .content_type = std::string(row.text(4)),
          .bytes = static_cast<std::uint64_t>(row.integer(5)),
          .sha256 = std::string(row.text(6)),
          .stored = Timestamp{row.integer(7)}};
}

Error unknown() {
  return not_found("recording.unknown", "there is no recording with this id");
}

}  // namespace

Result<KeepJob> prepare_keep(keys::DataKeys& keys, Keep what, blob::BlobInfo blob, Timestamp now) {
  KeepJob job{.blob = std::move(blob), .now = now};
  // Before the lease, which shows the keyring as it is when it is taken.
  RABT_TRY(bucket, keys.ensure_bucket(what.tenant, keys::kRecording, what.retain_until));
  job.bucket = std::move(bucket);
  RABT_TRY(lease, keys.lease(what.tenant));
  job.lease = std::make_shared<keys::Lease>(std::move(lease));
  job.external_index = job.lease->blind_index("recording", what.external);
  job.what = std::move(what);
  return job;
}

Result<bool> write_keep(store::Transaction& transaction, blob::BlobStore& blobs,
                        keys::DataKeys& keys, const KeepJob& job) {
  const Keep& what = job.what;
  RABT_TRY(inserted, transaction.execute(
                         kInsert, {what.tenant, what.id, what.consultation,
                                   store::Blob{job.external_index}, what.kind, job.blob.id,
                                   job.blob.content_type, static_cast<std::int64_t>(job.blob.bytes),
                                   job.blob.sha256, job.now.ms, what.retain_until.ms}));
  if (inserted != 1) return false;
  RABT_TRY_STATUS(blobs.adopt(transaction, what.tenant, job.blob.id, "recording:" + what.id));
  RABT_TRY_STATUS(keys.move(transaction, *job.lease, job.blob.data_key, job.bucket));
  return true;
}

Result<Recording> find_kept(store::Connection& connection, const KeepJob& job) {
  std::optional<Recording> found;
  RABT_TRY_STATUS(connection.query(
      kFindByExternal, {job.what.tenant, job.what.consultation, store::Blob{job.external_index}},
      [&](const Row& row) {
        found = read(row);
        return false;
      }));
  if (!found) return unknown();
  return *found;
}

Result<Recording> find_recording(store::Store& store, std::string_view tenant,
                                 std::string_view id) {
  std::optional<Recording> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kFind, {tenant, id}, [&](const Row& row) {
      found = read(row);
      return false;
    });
  }));
  if (!found) return unknown();
  return *found;
}

}  // namespace rabt::consultation
