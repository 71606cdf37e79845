#include <algorithm>
#include <iterator>

#include "hub/consultation/recording/keep.hpp"
#include "hub/consultation/workflow/register.hpp"
#include "hub/consultation/workflow/service.hpp"

// hub://recording
namespace rabt::consultation {

namespace {

using plugin::CallRequest;
using plugin::Ended;
using plugin::HubService;

// Longest retention that a workflow may ask for; more is a mistake of units.
constexpr std::int64_t kMaxRetentionYears = 100;
// Kinds of recordings. The word stands in clear in the register and in the audit log.
constexpr std::string_view kKinds[] = {"audio", "video", "screen", "data", "composition"};

// One call of `store`, with its arguments checked.
struct WantedRecording {
  Keep what;
  OfInstance of;
  blob::BlobInfo blob;
};

// Errors: consultation.id, recording.kind, recording.retention, those of BlobStore::find.
Result<WantedRecording> read_call(const Parts& parts, const CallRequest& call) {
  WantedRecording wanted;
  Keep& what = wanted.what;
  OfInstance& of = wanted.of;
  RABT_TRY(consultation, consultation_of(call));
  of.kind = call.arguments.string_or("kind", "");
  if (std::find(std::begin(kKinds), std::end(kKinds), of.kind) == std::end(kKinds))
    return invalid("recording.kind", "`kind` must be audio, video, screen, data or composition");
  RABT_TRY(blob, parts.blobs.find(call.tenant, call.arguments.string_or("blob", "")));
  const std::int64_t years = call.arguments.int_or("retentionYears", 0);
  if (years < 0 || years > kMaxRetentionYears)
    return invalid("recording.retention", "`retentionYears` must be a number from 1 to 100");
  what.tenant = call.tenant;
  of.instance = std::move(consultation);
  of.external = call.arguments.string_or("recordingId", "");
  what.id = parts.ids.next().text();
  const auto& classes = parts.keys.policy().classes;
  what.retain_until =
      keys::after(parts.clock.now(), years > 0 ? keys::Period{.years = static_cast<int>(years)}
                                               : classes.find(keys::kRecording)->second);
  wanted.blob = std::move(blob);
  return wanted;
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
  auto wanted = read_call(parts_, call);
  auto prepared = wanted.ok() ? prepare_keep(parts_.keys, std::move(wanted->what),
                                             std::move(wanted->blob), parts_.clock.now())
                              : Result<KeepJob>(wanted.error());
  if (!prepared.ok()) {
    ended(failed(prepared.error()));
    return;
  }
  const auto job = std::make_shared<const KeepJob>(std::move(*prepared));
  const auto of = std::make_shared<const OfInstance>(std::move(wanted->of));
  const auto output = std::make_shared<Json>();
  const auto entry = parts_.audit.prepare({.tenant = job->what.tenant,
                                           .actor = "node:recordings",
                                           .act = "recording.stored",
                                           .object = "recording:" + job->what.id,
                                           .result = "ok",
                                           .detail = Json::object({{"bytes", job->blob.bytes},
                                                                   {"sha256", job->blob.sha256},
                                                                   {"kind", of->kind},
                                                                   {"instance", call.instance}}),
                                           .patient = call.patient});
  // The service may have gone when the job runs.
  parts_.store.submit(
      store::Store::Need::droppable,
      [parts = parts_, job, of, output, entry](store::Transaction& transaction) -> Status {
        RABT_TRY(stored, write_kept(transaction, parts.blobs, parts.keys, *job, *of));
        RABT_TRY(kept, find_kept(transaction, *job, *of));
        *output = Json::object({{"id", kept.id},
                                {"recordingId", of->external},
                                {"kind", kept.kind},
                                {"contentType", kept.content_type},
                                {"bytes", kept.bytes},
                                {"sha256", kept.sha256}});
        return stored ? parts.audit.append(transaction, entry) : ok_status();
      },
      [output, ended = std::move(ended)](const Status& status) {
        ended(status.ok() ? done(std::move(*output)) : failed(status.error()));
      });
}

}  // namespace

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

}  // namespace rabt::consultation
