#include "hub/consultation/recording/keep.hpp"

#include <optional>
#include <utility>

#include "hub/consultation/recording/statements.hpp"

namespace rabt::consultation {

namespace {

using store::Blob;
using store::Row;

Recording read_recording(const Row& row) {
  return {
      .id = std::string(row.text(sql::recording::kFindKeptByExternal["id"])),
      .consultation = std::string(row.text(sql::recording::kFindKeptByExternal["owner"])),
      .kind = std::string(row.text(sql::recording::kFindKeptByExternal["kind"])),
      .blob = std::string(row.text(sql::recording::kFindKeptByExternal["blob"])),
      .content_type = std::string(row.text(sql::recording::kFindKeptByExternal["content_type"])),
      .bytes =
          static_cast<std::uint64_t>(row.integer(sql::recording::kFindKeptByExternal["bytes"])),
      .sha256 = std::string(row.text(sql::recording::kFindKeptByExternal["sha256"])),
      .stored = Timestamp{row.integer(sql::recording::kFindKeptByExternal["stored_ms"])}};
}

std::string external_index(const KeepJob& job, const OfInstance& of) {
  return job.lease->blind_index("recording", of.external);
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
  job.what = std::move(what);
  return job;
}

Status take_over(store::Transaction& transaction, blob::BlobStore& blobs, keys::DataKeys& keys,
                 const KeepJob& job) {
  RABT_TRY_STATUS(
      blobs.adopt(transaction, job.what.tenant, job.blob.id, "recording:" + job.what.id));
  return keys.move(transaction, *job.lease, job.blob.data_key, job.bucket);
}

Result<bool> write_kept(store::Transaction& transaction, blob::BlobStore& blobs,
                        keys::DataKeys& keys, const KeepJob& job, const OfInstance& of) {
  const std::string index = external_index(job, of);
  RABT_TRY(inserted, transaction.execute(sql::recording::kInsertKept,
                                         {job.what.tenant, job.what.id, of.instance, Blob{index},
                                          of.kind, job.now.ms, job.what.retain_until.ms,
                                          job.blob.id, static_cast<std::int64_t>(job.blob.bytes),
                                          job.blob.sha256, job.blob.content_type, Blob{""}}));
  if (inserted != 1) return false;
  RABT_TRY_STATUS(take_over(transaction, blobs, keys, job));
  return true;
}

Result<Recording> find_kept(store::Connection& connection, const KeepJob& job,
                            const OfInstance& of) {
  const std::string index = external_index(job, of);
  std::optional<Recording> found;
  RABT_TRY_STATUS(connection.query(sql::recording::kFindKeptByExternal,
                                   {job.what.tenant, of.instance, Blob{index}},
                                   [&](const Row& row) {
                                     found = read_recording(row);
                                     return false;
                                   }));
  if (!found) return unknown();
  return *found;
}

Result<Recording> find_recording(store::Store& store, std::string_view tenant,
                                 std::string_view id) {
  std::optional<Recording> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::recording::kFindKept, {tenant, id}, [&](const Row& row) {
      found = read_recording(row);
      return false;
    });
  }));
  if (!found) return unknown();
  return *found;
}

}  // namespace rabt::consultation
