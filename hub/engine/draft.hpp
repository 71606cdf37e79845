#pragma once

#include <string>
#include <vector>

#include "hub/engine/file_check.hpp"
#include "hub/engine/impl.hpp"

// A set of workflow files against what is deployed.
namespace rabt::engine {

[[nodiscard]] inline bool same_name(const workflow::Definition& a, const workflow::Definition& b) {
  return a.name() == b.name() && a.name_space() == b.name_space();
}

struct Engine::Impl::Draft {
  // A run.workflow child: stored already, or one of the files.
  struct Bound {
    const workflow::Definition::Child* wanted = nullptr;
    std::int64_t stored = 0;
    std::size_t file = 0;
    std::string version;
  };
  struct Item {
    const WorkflowFile* file = nullptr;
    std::shared_ptr<const workflow::Definition> definition;
    std::string sha256;
    // Its row when this version is stored; 0 when it is new.
    std::int64_t stored = 0;
    // The active version.
    std::shared_ptr<const workflow::Definition> before;
    // The same version as deployed, when its content is another.
    std::shared_ptr<const workflow::Definition> same_version;
    std::string change;
    bool becomes_active = false;
    std::vector<Bound> children;
  };
  // A file with errors, and what its `document` says. The texts are empty where it says nothing.
  struct Wrong {
    std::string file;
    std::string name_space;
    std::string name;
    std::string version;
  };
  std::vector<Item> items;
  std::vector<Wrong> wrong;
  std::vector<DeployedDefinition> removed;
  std::vector<Finding> errors;
  std::vector<Finding> warnings;

  [[nodiscard]] bool changes() const {
    return !removed.empty() || std::any_of(items.begin(), items.end(), [](const Item& item) {
      return item.change != "unchanged";
    });
  }
  static Wrong wrong_of(const WorkflowFile& file);
  // The file with errors that may hold the workflow. version may be "latest". Null: there is none.
  [[nodiscard]] const Wrong* wrong_file(std::string_view name_space, std::string_view name,
                                        std::string_view version) const;
  // Finds the definitions of its run.workflow tasks.
  void bind_children(Item& item, const std::vector<DeployedDefinition>& all);
  [[nodiscard]] Error error() const { return error_of(errors); }
};

}  // namespace rabt::engine
