#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/access/reading.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/base/tally.hpp"
#include "hub/store/store.hpp"

namespace rabt::access {

inline constexpr std::int64_t kMaxGrantMinutes = 60;
// HL7 v3 ActReason: break the glass.
inline constexpr std::string_view kEmergency = "BTG";

// Permission to read patient data in an emergency.
struct Grant {
  std::string id;
  // ULID; empty when the grant is for a patient.
  std::string instance;
  // Pseudonym (hex); empty when the grant is for an instance whose patient is unknown.
  std::string patient;
  Timestamp opened;
  Timestamp expires;
  std::string opened_by;
  // open, closed or expired
  std::string state;
  std::int64_t uses = 0;
  bool reviewed = false;
};

// Break-glass grants: opening, use, end and review, each with its audit entry in one transaction.
// A grant is over as soon as one of these holds:
// - the wall clock has passed its end;
// - the monotonic clock of the machine has advanced by the grant's length since the grant was
//   opened, even while the hub did not run: whoever puts the wall clock back gains nothing;
// - the machine was booted since, so that its monotonic clock has started again: whoever still has
//   the emergency opens another grant;
// - the wall clock stands before the opening.
// Internally synchronised.
class Grants {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    const PatientDetail& details;
    const Clock& clock;
    UlidSource& ids;
    Logger& log;
  };
  // boot: names the current boot of the machine (machine_boot()).
  Grants(Parts parts, std::string tenant, std::string boot);

  // Opens a grant for an instance or for a patient (blind index). Errors: invalid phi.reason,
  // api.invalid (the minutes); unavailable audit.unavailable.
  [[nodiscard]] Result<Grant> open(const Reader& reader, std::string_view instance,
                                   std::string_view patient, std::int64_t minutes);
  // Errors: not_found phi.grant; conflict phi.grant_ended; unavailable audit.unavailable.
  [[nodiscard]] Status close(const Reader& reader, std::string_view id);
  // by: the reviewer of the acts under the grant. Errors: invalid phi.reviewer; denied
  // phi.reviewer (the opener); not_found
  // phi.grant; conflict phi.grant_open, phi.grant_reviewed; unavailable audit.unavailable.
  [[nodiscard]] Status review(const Reader& reader, std::string_view id, std::string_view by);
  // Error: not_found phi.grant.
  [[nodiscard]] Result<Grant> find(std::string_view id);
  // Grants without a review, open ones among them.
  [[nodiscard]] Result<Tally> unreviewed() const;
  // Ends the grants that are over, and audits their end.
  [[nodiscard]] Status sweep();

  // In the job that audits a reading: counts a use of the oldest open grant that this reader has
  // opened and that covers the reading, and ends the grants that are over. The id of the grant that
  // was used; empty when no grant covers the reading.
  [[nodiscard]] Result<std::string> use(store::Transaction& transaction, const Reader& reader,
                                        const Reading& reading);

  // Grants opened since the start of the process.
  [[nodiscard]] std::uint64_t opened() const { return opened_.load(); }

 private:
  struct Row;
  // Changes one grant. A refusal is answered after the job, so that what the job wrote stays.
  using Change =
      std::function<Status(store::Transaction&, const Row&, std::optional<Error>& refusal)>;

  [[nodiscard]] bool over(const Row& row) const;
  [[nodiscard]] Result<std::vector<Row>> rows(store::Connection& connection,
                                              const store::Statement& statement,
                                              std::string_view key) const;
  [[nodiscard]] Status change(std::string_view id, const Change& change);
  Status expire(store::Transaction& transaction, const Row& row);
  Status end(store::Transaction& transaction, const Row& row, std::string_view how,
             const Reader& reader);

  // Constant after construction.
  const Parts parts_;
  const std::string tenant_;
  std::string boot_;

  std::atomic<std::uint64_t> opened_{0};
};

// Linux: /proc/sys/kernel/random/boot_id. Empty when the file cannot be read; grants then end with
// the process.
[[nodiscard]] std::string machine_boot();

}  // namespace rabt::access
