#include <algorithm>
#include <iterator>

#include "hub/consultation/recording_link.hpp"
#include "hub/consultation/register.hpp"
#include "hub/consultation/service.hpp"

// hub://recording
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;
using plugin::HubService;
using store::Statement;

constexpr Statement kInsertRecording{
    "INSERT INTO recording (tenant, id, consultation, external_index, kind, blob, content_type, "
    "bytes, sha256, stored_ms, "
    "retain_until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO "
    "NOTHING"};
constexpr Statement kFindByExternal{
    "SELECT id, kind, content_type, bytes, sha256 FROM recording WHERE tenant = $1 AND "
    "consultation = $2 AND external_index = $3"};
constexpr Statement kFindRecording{
    "SELECT id, consultation, kind, blob, content_type, bytes, sha256, stored_ms FROM recording "
    "WHERE tenant = $1 AND id = $2"};

// What a workflow may ask for; more is a mistake of units.
constexpr std::int64_t kMaxRetentionYears = 100;
// What a recording may be. The word stands in clear in the register and in the audit log.
constexpr std::string_view kKinds[] = {"audio", "video", "screen", "data", "composition"};

// One call of `store` on its way through the store.
struct Keeping {
  std::string tenant;
  std::string consultation;
  // The provider's id, and its blind index: by it the recording is found again, not read.
  std::string external;
  std::string external_index;
  std::string kind;
  blob::BlobInfo blob;
  std::string id;
  Timestamp now;
  Timestamp retain_until;
  std::string bucket;
  // Set by the job.
  bool stored = false;
  Json output;
};

// The call's arguments, checked. Errors: consultation.id, recording.kind, recording.retention,
// those of BlobStore::find.
Result<Keeping> read_call(const Parts& parts, const CallRequest& call) {
  Keeping work;
  RABT_TRY(consultation, consultation_of(call));
  work.kind = call.arguments.string_or("kind", "");
  if (std::find(std::begin(kKinds), std::end(kKinds), work.kind) == std::end(kKinds))
    return invalid("recording.kind", "`kind` must be audio, video, screen, data or composition");
  RABT_TRY(blob, parts.blobs.find(call.tenant, call.arguments.string_or("blob", "")));
  const std::int64_t years = call.arguments.int_or("retentionYears", 0);
  if (years < 0 || years > kMaxRetentionYears)
    return invalid("recording.retention", "`retentionYears` must be a number from 1 to 100");
  work.tenant = call.tenant;
  work.consultation = std::move(consultation);
  work.external = call.arguments.string_or("recordingId", "");
  work.blob = std::move(blob);
  work.id = parts.ids.next().text();
  work.now = parts.clock.now();
  const auto& classes = parts.keys.policy().classes;
  work.retain_until =
      keys::after(work.now, years > 0 ? keys::Period{.years = static_cast<int>(years)}
                                      : classes.find(keys::kRecording)->second);
  return work;
}

Json answer(const Keeping& work, std::string_view id, std::string_view kind, std::string_view type,
            std::int64_t bytes, std::string_view sha256) {
  return Json::object({{"id", id},
                       {"recordingId", work.external},
                       {"kind", kind},
                       {"contentType", type},
                       {"bytes", bytes},
                       {"sha256", sha256}});
}

// Takes the blob over, unless the provider's recording is there already: then the answer is of that
// one. Leaves the entry to the caller.
Status keep(store::Transaction& transaction, const Parts& parts, const keys::Lease& lease,
            Keeping& work) {
  const auto bytes = static_cast<std::int64_t>(work.blob.bytes);
  RABT_TRY(inserted, transaction.execute(
                         kInsertRecording,
                         {work.tenant, work.id, work.consultation, store::Blob{work.external_index},
                          work.kind, work.blob.id, work.blob.content_type, bytes, work.blob.sha256,
                          work.now.ms, work.retain_until.ms}));
  work.stored = inserted == 1;
  if (!work.stored) {
    return transaction.query(
        kFindByExternal, {work.tenant, work.consultation, store::Blob{work.external_index}},
        [&](const store::Row& row) {
          work.output =
              answer(work, row.text(0), row.text(1), row.text(2), row.integer(3), row.text(4));
          return false;
        });
  }
  RABT_TRY_STATUS(
      parts.blobs.adopt(transaction, work.tenant, work.blob.id, "recording:" + work.id));
  RABT_TRY_STATUS(parts.keys.move(transaction, lease, work.blob.data_key, work.bucket));
  work.output = answer(work, work.id, work.kind, work.blob.content_type, bytes, work.blob.sha256);
  return ok_status();
}

class Recordings final : public HubService {
 public:
  explicit Recordings(Parts parts) : parts_(parts) {}
  [[nodiscard]] std::string name() const override { return "recording"; }
  [[nodiscard]] std::vector<plugin::ActionSpec> actions() const override {
    return recording_actions();
  }
  void invoke(const CallRequest& call, Ended ended) override;

 private:
  Parts parts_;
};

void Recordings::invoke(const CallRequest& call, Ended ended) {
  auto read = read_call(parts_, call);
  if (!read.ok()) {
    ended(failed(read.error()));
    return;
  }
  const auto work = std::make_shared<Keeping>(std::move(*read));
  // Before the lease, which shows the keyring as it is when it is taken.
  auto bucket = parts_.keys.ensure_bucket(work->tenant, keys::kRecording, work->retain_until);
  auto lease = bucket.ok() ? parts_.keys.lease(work->tenant) : Result<keys::Lease>(bucket.error());
  if (!lease.ok()) {
    ended(failed(lease.error()));
    return;
  }
  work->bucket = std::move(*bucket);
  work->external_index = lease->blind_index("recording", work->external);
  const auto entry = parts_.audit.prepare({.tenant = work->tenant,
                                           .actor = "node:recordings",
                                           .act = "recording.stored",
                                           .object = "recording:" + work->id,
                                           .result = "ok",
                                           .detail = Json::object({{"bytes", work->blob.bytes},
                                                                   {"sha256", work->blob.sha256},
                                                                   {"kind", work->kind},
                                                                   {"instance", call.instance}}),
                                           .patient = call.patient});
  parts_.store.submit(
      store::Store::Need::droppable,
      [this, work, entry, held = std::move(*lease)](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(keep(transaction, parts_, held, *work));
        return work->stored ? parts_.audit.append(transaction, entry) : ok_status();
      },
      [work, ended = std::move(ended)](const Status& status) {
        ended(status.ok() ? done(std::move(work->output)) : failed(status.error()));
      });
}

}  // namespace

Result<KeepJob> prepare_keep(const SessionParts& parts, Keep what, std::string_view blob) {
  KeepJob job;
  RABT_TRY(found, parts.blobs.find(parts.tenant, blob));
  job.blob = std::move(found);
  job.now = parts.clock.now();
  // Before the lease, which shows the keyring as it is when it is taken.
  RABT_TRY(bucket, parts.keys.ensure_bucket(parts.tenant, keys::kRecording, what.retain_until));
  job.bucket = std::move(bucket);
  RABT_TRY(lease, parts.keys.lease(parts.tenant));
  job.lease = std::make_shared<keys::Lease>(std::move(lease));
  job.external_index = job.lease->blind_index("recording", what.external);
  job.what = std::move(what);
  return job;
}

Status write_keep(store::Transaction& transaction, const SessionParts& parts, const KeepJob& job) {
  RABT_TRY(inserted,
           transaction.execute(kInsertRecording,
                               {parts.tenant, job.what.id, job.what.consultation,
                                store::Blob{job.external_index}, job.what.kind, job.blob.id,
                                job.blob.content_type, static_cast<std::int64_t>(job.blob.bytes),
                                job.blob.sha256, job.now.ms, job.what.retain_until.ms}));
  if (inserted != 1) return ok_status();
  RABT_TRY_STATUS(
      parts.blobs.adopt(transaction, parts.tenant, job.blob.id, "recording:" + job.what.id));
  return parts.keys.move(transaction, *job.lease, job.blob.data_key, job.bucket);
}

std::vector<plugin::ActionSpec> recording_actions() {
  return {{.name = "store",
           .version = "1.0.0",
           .title = "Keep a recording",
           .idempotency = "key",
           .timeout_ms = 30'000,
           .input_schema = schema_of({"consultation", "recordingId", "kind", "blob"},
                                     Json::object({{"consultation", typed("string")},
                                                   {"recordingId", typed("string")},
                                                   {"kind", typed("string")},
                                                   {"blob", typed("string")},
                                                   {"retentionYears", typed("integer")}}))}};
}

std::shared_ptr<HubService> make_recordings(Parts parts) {
  return std::make_shared<Recordings>(parts);
}

Result<Recording> find_recording(store::Store& store, std::string_view tenant,
                                 std::string_view id) {
  std::optional<Recording> found;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(kFindRecording, {tenant, id}, [&](const store::Row& row) {
      found = Recording{.id = std::string(row.text(0)),
                        .consultation = std::string(row.text(1)),
                        .kind = std::string(row.text(2)),
                        .blob = std::string(row.text(3)),
                        .content_type = std::string(row.text(4)),
                        .bytes = static_cast<std::uint64_t>(row.integer(5)),
                        .sha256 = std::string(row.text(6)),
                        .stored = Timestamp{row.integer(7)}};
      return false;
    });
  }));
  if (!found) return not_found("recording.unknown", "there is no recording with this id");
  return *found;
}

}  // namespace rabt::consultation
