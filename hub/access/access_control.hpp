#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "hub/access/grants.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/access/reading.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// The one way to patient data: a reader gives a reason, or holds a grant for an emergency, and the
// reading is in the audit log before a byte of the data is handed out.
namespace rabt::access {

// privacy.patient_data of the configuration.
enum class ReadPolicy : std::uint8_t {
  reason,      // every reading has a reason
  break_glass  // every reading has an open grant, whose reason stands for the reading
};

// Internally synchronised.
class AccessControl {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    const PatientDetail& details;
    Grants& grants;
    // Ok if the audit log reaches everybody whom the configuration requires. Unset if the
    // configuration requires nobody.
    std::function<Status()> ready = {};
    // The blind indexes of the person whom this one names, in all records that are read as his and
    // in nobody else's. Where it is unset, each index is a person.
    std::function<Result<std::vector<std::string>>(const std::string&)> names = {};
  };
  AccessControl(Parts parts, std::string tenant, ReadPolicy policy);

  // Ok if patient data may be read at all now, for whatever cause; admit() looks by itself. Error
  // unavailable audit.sink_behind.
  [[nodiscard]] Status ready() const;
  // Admits a reading of patient data: when ok, its entry is durable. Errors: invalid phi.reason (no
  // reason, or one that is too long), phi.purpose; denied phi.break_glass (no open grant covers the
  // reading; the refusal is audited); unavailable audit.unavailable (the entry could not be
  // written, so nothing may be read), audit.sink_behind.
  [[nodiscard]] Status admit(const Reader& reader, const Reading& reading);
  // Admits a reading of the log itself, a report or an export, which always needs a reason and
  // never a grant. Errors: those of admit().
  [[nodiscard]] Status admit_review(const Reader& reader, const Reading& reading);

  struct Stats {
    std::uint64_t reads = 0;          // admitted
    std::uint64_t refused = 0;        // no grant covered the reading
    std::uint64_t read_by_grant = 0;  // admitted under a grant
    std::uint64_t grants_opened = 0;
  };
  [[nodiscard]] Stats stats() const;

 private:
  [[nodiscard]] Result<PatientDetail::Sealed> seal_reason(const Reader& reader,
                                                          const Reading& reading) const;
  // The reading with all names of its patients, because a grant may name another one.
  [[nodiscard]] Result<Reading> by_all_names(const Reading& reading) const;
  [[nodiscard]] Status record(const Reader& reader, const Reading& reading, bool needs_grant);

  // Constant after construction.
  const Parts parts_;
  const std::string tenant_;
  const ReadPolicy policy_;

  std::atomic<std::uint64_t> reads_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> read_by_grant_{0};
};

void write_metrics(const AccessControl& access, MetricsWriter& out);

}  // namespace rabt::access
