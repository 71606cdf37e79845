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
  std::string actor;  // "source:his", "plugin:twilio", "user:api-token", "hub"
  std::string
      act;  // "webhook.accepted", "action.done", "recording.stored", "instance.started", ...
  std::string object;  // "instance:01J...", "recording:01J..."
  std::string result;  // "ok" or an error code
  Json detail;         // object of ids, codes, counts; may be null
  // Who and why, for acts on patient data. All optional.
  std::string patient;  // pseudonym of the patient: hex of the blind index of the identifier
  std::string purpose;  // HL7 PurposeOfUse: "TREAT", "HPAYMT", "HOPERAT", "BTG", ...
  std::string client;   // where the request came from: "203.0.113.7"
  std::string request;  // id of the request (X-Request-Id)
  // Patient detail (reason given, identifiers), sealed with the patient's key: base64. It becomes
  // unreadable when that key is destroyed; the entry's hash stays valid.
  std::string sealed;
};

// C2SP tlog-tiles gives the length of an entry in two bytes.
inline constexpr std::size_t kMaxEntryBytes = 65'535;
// A larger detail is replaced by {"bytes": N, "sha256": "..."} of its canonical form.
inline constexpr std::size_t kMaxDetailBytes = 32'768;

// An entry made ready off the writer thread: the canonical bytes, but for the number.
struct Prepared {
  std::string canonical;
  std::size_t number_at = 0;  // where the number goes
  std::int64_t at_ms = 0;
  std::string tenant, act, object, patient;  // of the entry, for look-up
};

// Bytes of purpose_key(tenant, ...) for these purposes.
inline constexpr const char* kSigningPurpose = "audit-signing/1";
inline constexpr const char* kMacPurpose = "audit-mac/1";

struct LogOptions {
  // With seed and MAC key out of the tenant's keys. Errors of Keyring::tenant.
  [[nodiscard]] static Result<LogOptions> of(const crypto::Keyring& keyring,
                                             std::string_view tenant, std::string folder,
                                             std::string origin);

  std::string folder;   // the data folder: holds the checkpoint file and the verifier key
  std::string origin;   // name of the log and its key: no spaces, no plus sign
  SecretBytes seed;     // of the Ed25519 key, 32 bytes
  SecretBytes mac_key;  // 32 bytes
  std::vector<AnchorEntry> anchors;
  Logger* log = nullptr;  // outlives the log
  // A checkpoint is signed when so many entries were added, or so long after the first of them.
  std::int64_t checkpoint_entries = 256;
  std::chrono::milliseconds checkpoint_interval{10'000};
  std::chrono::milliseconds anchor_patience{5'000};  // for anchors at open and at close
};

struct AnchorState {
  std::string name;
  bool required = false;
  bool failing = false;
  std::string code;       // of the failure: audit.anchor_io, audit.anchor_hangs, ...
  std::int64_t size = 0;  // entries under the newest checkpoint that is kept there
};
struct LogState {
  bool appendable = true;  // false: a defect of the log was found; every act is refused
  std::string code;        // of the defect, or of the failure to sign
  std::string message;
  bool signing = true;           // false: the last try to sign a checkpoint failed
  std::int64_t entries = 0;      // appended; the last of them may not be durable yet
  std::int64_t signed_size = 0;  // entries under the newest checkpoint
  std::vector<AnchorState> anchors;

  // Nothing is wrong that /health should fail for: acts are possible, checkpoints are signed, and
  // no required anchor fails.
  [[nodiscard]] bool well() const;
};

inline constexpr const char* kCheckpointFileName = "audit.checkpoint";
inline constexpr const char* kVkeyFileName = "audit.vkey";

// append runs on the writer thread, inside the job of the act; prepare and state anywhere.
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
  // Others: invalid audit.origin (the file is of another log), unavailable audit.io, store.*.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(store::Store& store,
                                                              const Clock& clock,
                                                              LogOptions options);
  virtual ~AuditLog() = default;
  [[nodiscard]] virtual Prepared prepare(const Entry& entry) const = 0;
  // Called from one writer thread only. Numbers densely. Durable with the transaction. If this
  // fails the act must fail: unavailable audit.unavailable (503), invalid audit.too_large.
  [[nodiscard]] virtual Status append(store::Transaction& transaction, const Prepared& entry) = 0;
  [[nodiscard]] virtual LogState state() const = 0;
};

}  // namespace rabt::audit
