#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/access/patient_detail.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/engine/engine.hpp"
#include "hub/identity/principal.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/repair/deliveries.hpp"
#include "hub/repair/rows.hpp"

// Jobs of many acts, as people ask for them. The runner does what they hold (runner.hpp).
namespace rabt::repair {

// Wish of a person: an act, and the instances for it.
struct Wanted {
  // One of kVerbs.
  std::string verb;
  // {outcome, output?}; null unless the verb is `answer`.
  Json answer = {};
  // Version with which a retry goes on, or engine::kNewestVersion; "" for the own one of each.
  std::string version = {};
  // The filter as it was asked for, which the job shows. No patient data.
  Json shown = Json::object();
  engine::InstanceFilter filter = {};
  // Code that the parked call failed with. No condition if it is empty.
  std::string failure = {};
  // In place of the filter where the verb is `deliver`.
  DeliveryFilter deliveries = {};
  // These instances in place of a filter, each once.
  std::vector<std::string> ids = {};
};

// Conditions of the run of a previewed job.
struct Pace {
  std::string digest;
  std::string reason;
  std::int64_t every_ms = 1'000;
  // Number of acts before the job waits. With 0 it never waits.
  std::int64_t first = 3;
  // It does not wait when the first all ended well.
  bool goes_on = false;
};

// Internally synchronised; not from inside a read or a job of the store.
class Repairs {
 public:
  struct Parts {
    engine::Engine& engine;
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const access::PatientDetail& details;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    std::string tenant;
  };
  explicit Repairs(Parts parts) : parts_(std::move(parts)), rows_(parts_.store, parts_.tenant) {}

  // Fixes the list: what the act can be done to now, the oldest first, at most kMaxItems. Nothing
  // is done. Errors: api.invalid; conflict repair.nothing; conflict repair.mixed (parked calls of
  // several roles, actions or codes; the message counts each).
  [[nodiscard]] Result<Job> preview(const identity::Caller& caller, const Wanted& wanted);
  // The job, if it may be run as it was previewed. Errors: not_found repair.unknown; conflict
  // repair.state, repair.expired, repair.digest.
  [[nodiscard]] Result<Job> ready(std::string_view id, std::string_view digest) const;
  // Durable when ok; the runner acts from now on. Errors: those of ready.
  [[nodiscard]] Result<Job> run(const identity::Caller& caller, std::string_view id,
                                const Pace& pace);
  // Resumes a waiting or stopped job. Errors: repair.unknown, repair.state.
  [[nodiscard]] Result<Job> go(const identity::Caller& caller, std::string_view id,
                               const std::string& reason);
  // Stops a job: when ok, no further row is acted on. Errors: repair.unknown, repair.state.
  [[nodiscard]] Result<Job> stop(const identity::Caller& caller, std::string_view id,
                                 const std::string& reason);

  [[nodiscard]] const Rows& rows() const { return rows_; }
  // Sets the deliveries for jobs of the verb `deliver`, before the first such job. They outlive the
  // use of this object.
  void deliver_by(const Deliveries& deliveries) { deliveries_ = &deliveries; }
  // Called after a job may run; may be unset.
  void on_run(std::function<void()> wake) { wake_ = std::move(wake); }

 private:
  struct List;
  [[nodiscard]] Result<List> list_of(const Wanted& wanted) const;
  // Adds an instance to the list, or says why it is left out.
  void add(const Wanted& wanted, const engine::Repairable& repairable, List& list) const;
  [[nodiscard]] Status add_deliveries(const Wanted& wanted, List& list) const;
  [[nodiscard]] Status seal(Job& job, const Json& content) const;
  // Changes a job of one of the states `from`, with an audit entry.
  [[nodiscard]] Result<Job> turned(const identity::Caller& caller, std::string_view id,
                                   std::string_view act, const std::string& reason,
                                   const std::vector<JobState>& from,
                                   const std::function<Status(Job&)>& change);

  const Parts parts_;
  const Rows rows_;
  std::function<void()> wake_;
  // Null until it is set.
  const Deliveries* deliveries_ = nullptr;
};

// Sealed part of a job: {answer, reason}. Errors: those of DataKeys::open.
[[nodiscard]] Result<Json> opened(keys::DataKeys& keys, std::string_view tenant, const Job& job);

}  // namespace rabt::repair
