#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"

// The hub's own records behind two roles. A workflow reaches them as it reaches any plugin; the API
// uses the same tables.
namespace rabt::consultation {

// Outlive every call, also one that goes on when its service is gone.
struct Parts {
  store::Store& store;
  audit::AuditLog& audit;
  blob::BlobStore& blobs;
  keys::DataKeys& keys;
  const Clock& clock;
  UlidSource& ids;
};

// hub://register
//   advance 1.0.0          {consultation, to, startEpoch?, seconds?} -> {state, changed}
//   monthly-figures 1.0.0  {consultation} -> {period: "2026-11", values: [{dataElement, value}]}:
//   the month of that consultation so far
// consultation is the id of a workflow instance; anything else is refused (consultation.id).
// Both are safe to repeat. advance is durable, with its audit entry, when it answers done.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_register(Parts parts);

// hub://recording
//   store 1.0.0 {consultation, recordingId, kind, blob, retentionYears?} -> {id, recordingId, kind,
//   bytes, sha256, contentType}; kind: audio, video, screen, data, composition
// Takes a blob over into the hub's keeping: its data key moves to the bucket of its retention. The
// same recordingId of a consultation again gives the stored recording; the second blob is left to
// the sweeper.
[[nodiscard]] std::shared_ptr<plugin::HubService> make_recordings(Parts parts);

// The names of the hub's services.
[[nodiscard]] std::vector<std::string> services();
// Actions of hub://<service>, without running it. An empty list when there is no such service.
// maps: names of the code maps, for hub://map.
[[nodiscard]] std::vector<plugin::ActionSpec> service_actions(
    std::string_view service, const std::vector<std::string>& maps = {});

}  // namespace rabt::consultation
