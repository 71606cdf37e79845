#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/engine/definitions.hpp"
#include "hub/engine/resident.hpp"
#include "hub/workflow/run/rewind.hpp"

namespace rabt::engine {

struct InstanceRow {
  std::int64_t num = 0;
  std::string id;
  std::string tenant;
  std::int64_t definition = 0;
  int status = 0;
  bool busy = false;
  // Id and name of the call that a person must decide; "" when there is none.
  std::string parked;
  std::int64_t start_event = 0;
  std::string data_key;
  Timestamp created;
  Timestamp updated;
  std::int64_t binding = 0;
  // Texts for lists of instances: Turn::about and Parked::question.
  std::string about;
  std::string question;
};

// Seal contexts of the values of an instance: no value can be moved to another row.
[[nodiscard]] inline crypto::SealContext journal_context(const std::string& tenant,
                                                         const std::string& row) {
  return {tenant, "journal", row, "input"};
}
[[nodiscard]] inline crypto::SealContext input_context(const std::string& tenant,
                                                       const std::string& id) {
  return {tenant, "origin", id, "input"};
}

// Reads what the store has of instances. Immutable.
class InstanceReader {
 public:
  InstanceReader(Context& context, const Definitions& definitions)
      : context_(context), definitions_(definitions) {}

  // Error not_found engine.instance.
  [[nodiscard]] Result<InstanceRow> row(std::int64_t num) const;
  [[nodiscard]] Result<InstanceRow> row(std::string_view id) const;
  // The journal's inputs, opened, in order.
  [[nodiscard]] Result<std::vector<workflow::Input>> journal(const InstanceRow& row,
                                                             const crypto::DataKey& key) const;
  // Null when one event started the instance.
  [[nodiscard]] Result<std::shared_ptr<const Origin>> origin(const InstanceRow& row,
                                                             const crypto::DataKey& key) const;
  // The blind index that names the patient; "" when none is known.
  [[nodiscard]] Result<std::string> patient(std::int64_t num) const;
  [[nodiscard]] static Result<std::string> patient(store::Connection& connection, std::int64_t num);
  // The parts that an instance is made of.
  struct Materials {
    // The one that the instance has come to.
    std::shared_ptr<const workflow::Definition> definition;
    // Those of all versions, to be hidden.
    Json secrets;
    workflow::Versions versions;
    std::shared_ptr<const Origin> origin;
    std::vector<workflow::Input> inputs;
  };
  [[nodiscard]] Result<Materials> materials(const InstanceRow& row, const keys::Lease& lease) const;
  [[nodiscard]] Result<Materials> materials(const InstanceRow& row,
                                            const crypto::DataKey& key) const;
  // The same of an instance that is to be run again. Error engine.journal_gone.
  [[nodiscard]] Result<Materials> kept_materials(const InstanceRow& row,
                                                 const keys::Lease& lease) const;
  // Replays the journal: the instance as its last turn left it.
  [[nodiscard]] Result<std::unique_ptr<ResidentInstance>> replay(const InstanceRow& row,
                                                                 const keys::Lease& lease) const;
  // A faulted instance as it was before the call that failed, and the input that makes it go on.
  struct Rewinding {
    std::unique_ptr<ResidentInstance> instance;
    workflow::Rewound input;
  };
  // version: as for Engine::retry. Errors: engine.not_faulted, engine.retry_family,
  // engine.journal_gone, engine.workflow, and those of workflow::plan_rewind.
  [[nodiscard]] Result<Rewinding> rewind(const InstanceRow& row, const keys::Lease& lease,
                                         std::string_view version = {}) const;
  // Result with which an instance ended.
  [[nodiscard]] Result<workflow::Finished> replay_end(const InstanceRow& row) const;

 private:
  // Sets the versions that the inputs name, the definition and the secrets.
  Status add_versions(const InstanceRow& row, Materials& to) const;
  // The instance without what is open.
  [[nodiscard]] Result<std::unique_ptr<ResidentInstance>> make(const InstanceRow& row,
                                                               const Materials& from,
                                                               workflow::History&& history) const;

  Context& context_;
  const Definitions& definitions_;
};

}  // namespace rabt::engine
