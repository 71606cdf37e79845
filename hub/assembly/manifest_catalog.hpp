#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hub/config/config.hpp"
#include "hub/consultation/workflow/map_actions.hpp"
#include "hub/plugin/package/manifest.hpp"

namespace rabt::assembly {

// The actions that a configuration's roles offer: plugins tell them in their manifests, the hub's
// own services in their declarations. No plugin code runs. Immutable.
class ManifestCatalog final : public workflow::ActionCatalog {
 public:
  // Errors: those of read_installed, read_mapped_source and read_code_maps.
  static Result<ManifestCatalog> make(const config::Config& config);

  [[nodiscard]] std::vector<std::string> roles() const override;
  [[nodiscard]] std::vector<std::string> actions(std::string_view role) const override;
  [[nodiscard]] std::vector<std::string> versions(std::string_view role,
                                                  std::string_view action) const override;
  [[nodiscard]] std::vector<std::string> providers(std::string_view action,
                                                   std::string_view version) const override;
  [[nodiscard]] std::optional<workflow::ActionInfo> find(std::string_view role,
                                                         std::string_view action,
                                                         std::string_view version) const override;
  [[nodiscard]] std::vector<workflow::EventInfo> events() const override { return events_; }
  [[nodiscard]] bool takes_patient_data(std::string_view url) const override {
    return patient_hosts_.check(url).ok();
  }
  // Answer of a call that depends on its arguments and the configuration alone: a code map's.
  // Nullopt for all others.
  [[nodiscard]] std::optional<workflow::ActionOutcome> answer(
      const workflow::CallAction& call) const;

 private:
  // By role, by plugin://<id> for every configured plugin, and by hub://<service> if bound.
  std::map<std::string, std::vector<plugin::ActionSpec>, std::less<>> actions_;
  // The events of all configured plugins.
  std::vector<workflow::EventInfo> events_;
  consultation::ServedMaps maps_;
  // hub://map, and the roles that are bound to it.
  std::set<std::string, std::less<>> map_roles_;
  net::AllowList patient_hosts_;
};

}  // namespace rabt::assembly
