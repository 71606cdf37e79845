#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The audit log: one row an act, hash-chained, written in the transaction of the act. Format:
// docs/formats/audit_log.md.
namespace rabt::audit {

// Ids, codes and counts only: never patient data. Empty fields are left out of the canonical bytes.
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

// An entry made ready off the writer thread: canonical bytes (without time and number) and their
// hash.
struct Prepared {
  std::string canonical;
  std::string leaf;  // SHA-256 of canonical
  std::int64_t at_ms = 0;
  std::string tenant, act, object, patient;  // of the entry, for look-up
};

// append runs on the writer thread, inside the job of the act; prepare anywhere.
class AuditLog {
 public:
  // Reads the head of the chain. Error kind corrupt, code audit.broken, when the last rows do not
  // chain; audit.cut when the log ends before the head that head_file names, or has another hash
  // there. head_file: <data_folder>/audit.head; empty: no copy of the head is kept. The copy is
  // rewritten by a thread of the log's own, at most once a second and when the log closes, and
  // never names an entry that is not durable. store and clock outlive the log. The log is closed
  // after the last append is durable or undone. Error audit.head_io.
  [[nodiscard]] static Result<std::unique_ptr<AuditLog>> open(store::Store& store,
                                                              const Clock& clock,
                                                              std::string head_file = {});
  virtual ~AuditLog() = default;
  [[nodiscard]] virtual Prepared prepare(const Entry& entry) const = 0;
  // Called from one writer thread only. Numbers densely and chains: hash = SHA-256(previous hash |
  // seq | at | leaf). If this fails the act must fail.
  [[nodiscard]] virtual Status append(store::Transaction& transaction, const Prepared& entry) = 0;
};

inline constexpr std::size_t kMaxProblems = 100;  // one cut can make every later entry a problem
inline constexpr const char* kHeadFileName = "audit.head";

// What verification found. place: "entry 17: its content does not match its hash", "entries 18 to
// 20 are missing", ...
struct Verification {
  bool verified = false;
  std::uint64_t entries = 0;
  std::string head;                   // hex
  std::vector<std::string> problems;  // with the place, first kMaxProblems
};
// Walks the whole chain: content against hash, links, dense numbers, and the head kept beside the
// log (file "audit.head" in data_folder, rewritten by the hub; detects a cut tail).
[[nodiscard]] Result<Verification> verify(store::Store& store, const std::string& data_folder);
// The same on a database file, beside a running hub or without one.
[[nodiscard]] Result<Verification> verify_file(const std::string& database,
                                               const std::string& data_folder);

}  // namespace rabt::audit
