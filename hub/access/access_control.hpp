#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The one way to patient data: who reads gives a reason, or holds a grant for an emergency, and the
// reading is in the audit log before a byte of it is handed out.
namespace rabt::access {

// privacy.patient_data of the configuration.
enum class ReadPolicy : std::uint8_t {
  reason,      // a reason with each reading
  break_glass  // an open grant as well
};

// Who asks, and why.
struct Reader {
  std::string actor = "api";
  std::string token;    // first digits of the SHA-256 of the token that was used
  std::string client;   // address
  std::string request;  // X-Request-Id
  std::string reason;   // sealed in the entry
  std::string purpose;  // code of HL7 v3 PurposeOfUse; empty: not told
};
// A code that HL7 v3 ActReason has under PurposeOfUse.
[[nodiscard]] bool is_purpose(std::string_view code);

// What is read.
struct Reading {
  std::string act;       // "instance.read"
  std::string object;    // "instance:01J..."
  std::string instance;  // ULID: whose data it is; empty: of no single instance
  std::string patient;   // blind index; empty: none is known
  Json detail = Json::object();
};

inline constexpr std::size_t kMaxReason = 1000;  // bytes; a sentence, not a record
inline constexpr std::int64_t kMaxGrantMinutes = 60;

// A grant to read in an emergency.
struct Grant {
  std::string id;
  std::string instance;  // empty: for a patient
  std::string patient;   // pseudonym (hex); empty: the instance's is not known
  Timestamp opened;
  Timestamp expires;
  std::string opened_by;
  std::string state;  // open, closed, expired
  std::optional<Timestamp> ended;
  std::string ended_by;
  std::int64_t uses = 0;
  std::optional<Timestamp> reviewed;
  std::string reviewed_by;
  std::string sealed;  // the reason
};

// How long a grant lasts. It is over as soon as one of these says so:
// - the wall clock has passed its end;
// - the monotonic clock of the machine has advanced by its length since it was opened, also while
//   the hub did not run: a wall clock that is put back gains nothing;
// - the machine was booted since, so that its monotonic clock has started again: whoever still has
//   the emergency opens another grant;
// - the wall clock stands before its opening.
// Internally synchronised.
class AccessControl {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    const PatientDetail& details;
    const Clock& clock;
    UlidSource& ids;
    Logger& log;
    // Whether the audit log reaches everybody whom the configuration requires. Empty: nobody is.
    std::function<Status()> ready = {};
  };
  // boot: names the current boot of the machine (machine_boot()).
  AccessControl(Parts parts, std::string tenant, ReadPolicy policy, std::string boot);

  // Admits a reading of patient data: when ok, its entry is durable. Errors: invalid phi.reason (no
  // reason, or too long), phi.purpose; denied phi.break_glass (no open grant for it; the refusal is
  // audited); unavailable audit.unavailable (the entry could not be written, so nothing may be
  // read), audit.sink_behind.
  [[nodiscard]] Status admit(const Reader& reader, const Reading& reading);
  // The same for a reading of the log itself, a report or an export: always with a reason, never
  // with a grant.
  [[nodiscard]] Status admit_review(const Reader& reader, const Reading& reading);

  // Opens a grant for an instance or for a patient (blind index). Errors: invalid phi.reason,
  // phi.minutes; unavailable audit.unavailable.
  [[nodiscard]] Result<Grant> open(const Reader& reader, std::string_view instance,
                                   std::string_view patient, std::int64_t minutes);
  // Errors: not_found phi.grant; conflict phi.grant_ended, phi.grant_reviewed; unavailable
  // audit.unavailable.
  [[nodiscard]] Status close(const Reader& reader, std::string_view id);
  // by: who has looked at what was done under the grant.
  [[nodiscard]] Status review(const Reader& reader, std::string_view id, std::string_view by);
  // Newest first; expired ones are ended and audited on the way.
  [[nodiscard]] Result<std::vector<Grant>> grants(bool only_unreviewed = false);
  [[nodiscard]] Result<Grant> grant(std::string_view id);
  // Ends what is over.
  [[nodiscard]] Status sweep();

  struct Stats {
    std::uint64_t reads = 0;    // admitted
    std::uint64_t refused = 0;  // for want of a grant
    std::uint64_t opened = 0;   // grants
    std::uint64_t used = 0;     // reads under a grant
  };
  [[nodiscard]] Stats stats() const;

 private:
  struct Row;
  [[nodiscard]] bool over(const Row& row) const;
  [[nodiscard]] Result<std::vector<Row>> rows(store::Connection& connection,
                                              const store::Statement& statement,
                                              std::string_view key) const;
  Status expire(store::Transaction& transaction, const Row& row);
  [[nodiscard]] Status record(const Reader& reader, const Reading& reading, bool clinical);

  Parts parts_;
  std::string tenant_;
  ReadPolicy policy_;
  std::string boot_;
  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> used_{0};
};

// Linux: /proc/sys/kernel/random/boot_id. Empty when it cannot be read; then grants end with the
// process.
[[nodiscard]] std::string machine_boot();

}  // namespace rabt::access
