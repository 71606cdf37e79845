#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub/audit/anchor.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The audit log: one row an act, written in the transaction of the act; a Merkle tree (RFC 6962)
// over the rows, of which signed checkpoints go to places outside the database. Format:
// docs/formats/audit_log.md. Reading: reader.hpp. Checking: verify.hpp. Proofs: proof.hpp.
namespace rabt::crypto {
class Keyring;
}

namespace rabt::audit {

// Ids, codes and counts only: never patient data. Empty fields are left out of the canonical bytes.
// Bytes that are no UTF-8 become question marks.
struct Entry {
  std::string tenant;
  // "source:his", "plugin:twilio", "client:api-token", "person:01J...", "node:hub"
  std::string actor;
  // "webhook.accepted", "action.done", "recording.stored", "instance.started", ...
  std::string act;
  // "instance:01J...", "recording:01J..."
  std::string object;
  // "ok" or an error code
  std::string result;
  // An object of ids, codes and counts, or null.
  Json detail;
  // Patient, purpose and origin, for acts on patient data. All are optional.
  // The patient's pseudonym: hex of the blind index of the identifier.
  std::string patient;
  // HL7 PurposeOfUse: "TREAT", "HPAYMT", "HOPERAT", "BTG", ...
  std::string purpose;
  // Address that the request came from: "203.0.113.7".
  std::string client;
  // The request's id (X-Request-Id).
  std::string request;
  // Patient detail (reason given, identifiers), sealed with the patient's key: base64. It becomes
  // unreadable when that key is destroyed; the entry's hash stays valid.
  std::string sealed;
};

// C2SP tlog-tiles gives the length of an entry in two bytes.
inline constexpr std::size_t kMaxEntryBytes = 65'535;
// A larger detail is replaced by {"bytes": N, "sha256": "..."} of its canonical form.
inline constexpr std::size_t kMaxDetailBytes = 32'768;

// The member `v` of an entry: docs/formats/audit_log.md, "Version rule".
inline constexpr std::int64_t kEntryVersion = 1;

// An entry made ready outside of the job: the canonical bytes, but for stream and number.
struct Prepared {
  std::string canonical;
  // Offsets at which the number and the stream go, in this order.
  std::size_t n_at = 0;
  std::size_t stream_at = 0;
  std::int64_t at_ms = 0;
  // The entry's, for look-up.
  std::string tenant, act, object, patient;
};

// Bytes of purpose_key(tenant, ...) for these purposes.
inline constexpr const char* kSigningPurpose = "audit-signing/1";
inline constexpr const char* kMacPurpose = "audit-mac/1";

struct LogOptions {
  // With seed and MAC key out of the tenant's keys. Errors of Keyring::tenant.
  [[nodiscard]] static Result<LogOptions> of(const crypto::Keyring& keyring,
                                             std::string_view tenant, std::string folder,
                                             std::string origin);

  // The data folder: it holds the checkpoint file and the verifier key.
  std::string folder;
  // The name of the log and its key: no spaces, no plus sign.
  std::string origin;
  // The Ed25519 key's seed, 32 bytes.
  SecretBytes seed;
  // 32 bytes
  SecretBytes mac_key;
  std::vector<AnchorEntry> anchors;
  // Outlives the log.
  Logger* log = nullptr;
  // A checkpoint is signed when this many entries were added, or when the oldest unsigned entry has
  // this age.
  std::int64_t checkpoint_entries = 256;
  std::chrono::milliseconds checkpoint_interval{10'000};
  // Time that open and close wait for anchors.
  std::chrono::milliseconds anchor_patience{5'000};
  // Interval at which the running log checks what it wrote before, and number of tiles of old
  // entries per check, in turn; the anchors are read as often as `anchor_interval` says.
  std::chrono::milliseconds look_interval{1'000};
  std::int64_t look_tiles = 4;
  std::chrono::milliseconds anchor_interval{10'000};
  // The newest checkpoint goes to the hub's log when the log is opened and closed, and in between
  // at most so often.
  std::chrono::milliseconds witness_interval{60'000};
};

struct AnchorState {
  std::string name;
  bool required = false;
  bool failing = false;
  // Why it fails: audit.anchor_io, audit.anchor_hangs, ...
  std::string code;
  // Entries under the newest checkpoint that is kept there.
  std::int64_t size = 0;
};
struct LogState {
  // The key that others verify the log with.
  std::string vkey;
  // False after a defect of the log was found: every act is refused.
  bool appendable = true;
  // False after the last try to sign a checkpoint failed.
  bool signing = true;
  // Code and message of the defect, or of the error that prevents signing.
  std::string code;
  std::string message;
  // Entries that were appended; the newest may not be durable yet.
  std::int64_t entries = 0;
  // Entries under the newest checkpoint.
  std::int64_t signed_size = 0;
  std::vector<AnchorState> anchors;

  // Nothing is wrong that /health should fail for: acts are possible, checkpoints are signed, and
  // no required anchor fails.
  [[nodiscard]] bool well() const;
};

// Facts about the log from elsewhere than its rows.
struct Known {
  // The newest checkpoint that was signed. Without it the newest of the database is taken, and its
  // signature is not checked.
  std::optional<Checkpoint> checkpoint;
  // With it, entries above the checkpoint are compared with the MAC chain. It outlives the reading.
  const SecretBytes* mac_key = nullptr;
};

inline constexpr const char* kCheckpointFileName = "audit.checkpoint";
inline constexpr const char* kVkeyFileName = "audit.vkey";
// Which anchors have kept a checkpoint: docs/formats/audit_log.md, "Anchors".
inline constexpr const char* kAnchorsFileName = "audit.anchors";

// append runs inside the job of the act; prepare and state anywhere.
class AuditLog {
 public:
  // Checks the end of the log (what no checkpoint covers and the tree's right edge), then that the
  // database still has the tree that the checkpoint file and every anchor name; verify() walks all.
  // On an empty log the checkpoint of no entries is signed and durable when this returns, so that
  // its absence later is evidence. store and clock outlive the log. The log is closed after the
  // last append is durable or undone; closing signs what is there and waits for anchors, at most
  // anchor_patience. Errors of kind corrupt, nothing is changed then:
  //   audit.broken              rows do not hold together; names the entry
  //   audit.cut                 entries at the end were removed
  //   audit.old_database        an older database was put in place
  //   audit.rewritten           entries are not those that were signed
  //   audit.checkpoint_missing  the checkpoint file was removed
  //   audit.checkpoint_damaged  it is no checkpoint of this log's key
  //   audit.anchor_cut          a required anchor kept more than it keeps now
  //   audit.anchor_damaged      what a required anchor keeps is not of this log
  // Some old entries are read as well; the running log reads the others, a few each second, and
  // stops at the first that is not what was written. Others: invalid audit.origin (the file is of
  // another log), unavailable audit.io, store.*.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(store::Store& store,
                                                              const Clock& clock,
                                                              LogOptions options);
  virtual ~AuditLog() = default;
  [[nodiscard]] virtual Prepared prepare(const Entry& entry) const = 0;
  // Called inside a job of the store only. Numbers densely. Durable with the transaction. If this
  // fails the act must fail: unavailable audit.unavailable (503), invalid audit.too_large.
  [[nodiscard]] virtual Status append(store::Transaction& transaction, const Prepared& entry) = 0;
  [[nodiscard]] virtual LogState state() const = 0;

  // For reading (reader.hpp), by any thread.
  // Looks at once at what the running log looks at every second, and asks the anchors. Error of
  // kind corrupt: the defect that stopped the log, which may have been found before.
  [[nodiscard]] virtual Status look() = 0;
  // Facts that entries are compared with. Error of kind corrupt: the defect that stopped the log.
  [[nodiscard]] virtual Result<Known> known() const = 0;
  // From now on every act is refused for this reason; the first one stays.
  virtual void refuse(const Error& defect) = 0;
  [[nodiscard]] virtual store::Store& store() const = 0;
};

}  // namespace rabt::audit
