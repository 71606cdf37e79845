#pragma once

#include <cstdint>
#include <string>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/consultation/practice/practice_settings.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

class Records;

// Parts of all duties of the practice. Objects that are referred to outlive it.
struct PracticeParts {
  store::Store& store;
  audit::AuditLog& audit;
  keys::DataKeys& keys;
  identity::Directory& people;
  Records& records;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  std::string tenant;
  VideoSettings video;
  PracticeSettings settings;
  // privacy.treats_before_hours
  std::int64_t treats_before_ms = 24LL * 3'600'000;
};

}  // namespace rabt::consultation
