#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "hub/access/access_control.hpp"
#include "hub/access/patient_detail.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/log.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/newcomers.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

struct NewTask;
struct PassedTasks;

// Objects that the services of sessions use; all of them outlive the services.
struct SessionParts {
  store::Store& store;
  audit::AuditLog& audit;
  keys::DataKeys& keys;
  blob::BlobStore& blobs;
  identity::Directory& directory;
  // Calls the role `video`.
  plugin::ActionRunner& actions;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  Logger& log;
  std::string tenant;
  VideoSettings settings{};
  // Address by which the world reaches the hub. Empty when nobody said; there are no links then.
  std::string public_url{};
  House house{};
  // True if a target declares a feature (docs/plugins/manifest.md). Unset if none does.
  std::function<bool(std::string_view target, std::string_view feature)> has_feature{};
  LinkSettings links{};
  CoveragePolicy coverage{};
  // Opens a task of the desk. Unset in tests that need none.
  std::function<Status(const NewTask&)> ask_desk{};
  // Closes tasks whose question has passed. Unset in tests that need none.
  std::function<Status(const PassedTasks&)> close_tasks{};
  // Admits administrators' readings of patient data. Null in tests: the audit entry stands alone.
  access::AccessControl* access = nullptr;
  // Seals the reason of what is done to a whole day. Null in tests: the audit entry goes without.
  access::PatientDetail* details = nullptr;
  // Enters patients of bookings. Null in tests that enter nobody: they stay guests.
  identity::Newcomers* newcomers = nullptr;
};

}  // namespace rabt::consultation
