#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/engine/definitions.hpp"
#include "hub/engine/key_lease.hpp"
#include "hub/engine/messages.hpp"
#include "hub/engine/partition.hpp"
#include "hub/engine/wanted_types.hpp"

// Starts of instances.
namespace rabt::engine {

// Patients whose data an instance works on: blind indexes of identifiers. The first one names the
// patient in the audit log.
using Patients = std::vector<std::string>;

// Why an instance was not started.
inline constexpr std::string_view kBusinessKeyTaken = "engine.business_key_taken";
// The same, of a faulted instance that is to go on.
inline constexpr std::string_view kRetryKeyTaken = "engine.retry_key_taken";
// The instance was started again from its beginning.
inline constexpr std::string_view kRestarted = "engine.restarted";
inline constexpr std::string_view kNestingTooDeep = "engine.nesting";
inline constexpr std::string_view kNotBound = "engine.child";
// The answer to a run.workflow call that was refused.
[[nodiscard]] ActionOutcome refused_outcome(const std::string& code);

// An instance that is to start, made ready outside of the job.
struct PreparedStart {
  std::int64_t definition = 0;
  // A code when it cannot start; then nothing else is set but the origin.
  std::string refused;
  // The new instance's ULID.
  std::string id;
  // Blind index; "" when there is none.
  std::string business_key;
  Patients patients;
  // Identifiers of patients that could not be read, where the workflow names patients and some
  // could not, or none was found.
  std::optional<int> unread{};
  keys::NewDataKey key;
  // Null, and no input, when one event starts it.
  std::shared_ptr<const Origin> origin;
  std::string sealed_input;
};

// Result of a start.
struct StoredStart {
  // The new instance's number; 0 when it was refused.
  std::int64_t num = 0;
  std::string refused;
  // With kBusinessKeyTaken: the instance that lives for the key.
  std::string existing;
};

// Immutable.
class Starts {
 public:
  Starts(Context& context, const Definitions& definitions, const OwnedPartitions& partitions,
         WantedTypes& wanted)
      : context_(context), definitions_(definitions), partitions_(partitions), wanted_(wanted) {}

  // Prepares a start by one event.
  [[nodiscard]] Result<PreparedStart> prepare(std::int64_t definition_id,
                                              const workflow::Definition& definition,
                                              const Json& envelope, const KeyLease& lease) const;
  // Prepares a start by a call, the clock or a set of events.
  [[nodiscard]] Result<PreparedStart> prepare(std::int64_t definition_id, Origin origin,
                                              const KeyLease& lease) const;
  // Stores the instance with its key, origin and patients. Inside a job. Error store.raced.
  [[nodiscard]] Result<StoredStart> store(store::Transaction& transaction,
                                          const PreparedStart& start, std::int64_t start_event,
                                          const Json& envelope, AfterCommit& after) const;
  // The blind index of a business key of a workflow of this name.
  [[nodiscard]] static std::string business_key(const KeyLease& lease, const std::string& workflow,
                                                const std::string& key);

 private:
  [[nodiscard]] Status prepare_owner(PreparedStart& start, const workflow::Definition& definition,
                                     const Json& input, const KeyLease& lease) const;
  void find_patients(PreparedStart& start, const workflow::Definition& definition,
                     const Json& start_events, const KeyLease& lease) const;
  [[nodiscard]] Result<std::string> store_patients(store::Transaction& transaction,
                                                   std::int64_t num, const Patients& patients,
                                                   std::int64_t parent) const;

  Context& context_;
  const Definitions& definitions_;
  const OwnedPartitions& partitions_;
  WantedTypes& wanted_;
};

}  // namespace rabt::engine
