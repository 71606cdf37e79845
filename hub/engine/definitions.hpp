#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/engine/parts.hpp"
#include "hub/workflow/definition.hpp"

// The deployed workflows as the store has them, and what the roles in them mean.
namespace rabt::engine {

struct DeployedDefinition {
  // A run.workflow child: which definition `version`, as the file says it, was bound to.
  struct Bound {
    std::string name_space;
    std::string name;
    std::string version;
    std::int64_t child = 0;
  };
  std::int64_t id = 0;
  std::shared_ptr<const workflow::Definition> definition;
  bool active = false;
  std::string sha256;
  Timestamp deployed;
  std::vector<Bound> children;
};

// Internally synchronised.
class Definitions {
 public:
  explicit Definitions(Context& context) : context_(context) {}

  // Reads what is deployed. Error corrupt engine.definition.
  Status load();
  [[nodiscard]] std::shared_ptr<const std::vector<DeployedDefinition>> all() const;
  // Null when there is no such definition.
  [[nodiscard]] std::shared_ptr<const workflow::Definition> find(std::int64_t id) const;
  // The deployed version; the active one where none is named. Error engine.workflow: there is none,
  // or the name is in several namespaces and none was given.
  [[nodiscard]] Result<DeployedDefinition> deployed(std::string_view name_space,
                                                    std::string_view name,
                                                    std::string_view version) const;
  // The definition that a run.workflow call of this parent starts; 0 when there is none.
  [[nodiscard]] std::int64_t child_of(std::int64_t parent, std::string_view name_space,
                                      std::string_view name, std::string_view version) const;
  // The values of the secrets that the definition uses. Error engine.secret names what is missing.
  [[nodiscard]] Result<Json> secrets_of(const workflow::Definition& definition) const;

  // Stores what the roles mean now, and reads what they mean to running instances. Once, before
  // instances run.
  Status load_bindings();
  // Binding of the roles for instances that start now.
  [[nodiscard]] std::int64_t binding() const { return binding_; }
  // Target of a role for an instance: the endpoint of use.catalogs, else what the role was bound to
  // when the instance started, else the role, which is what it is bound to now.
  [[nodiscard]] std::string target_of(const workflow::Definition& definition, std::int64_t binding,
                                      std::string_view role) const;
  // Actions that running instances and active workflows call.
  [[nodiscard]] Result<std::vector<plugin::Need>> needs();

 private:
  Context& context_;

  // Constant after load_bindings().
  std::int64_t binding_ = 0;
  std::map<std::int64_t, std::map<std::string, std::string, std::less<>>> bindings_;

  mutable SharedMutex mutex_;
  std::shared_ptr<const std::vector<DeployedDefinition>> deployed_ RABT_GUARDED_BY(mutex_) =
      std::make_shared<const std::vector<DeployedDefinition>>();
};

}  // namespace rabt::engine
