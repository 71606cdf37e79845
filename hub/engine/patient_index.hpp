#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hub/access/disclosure_report.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

namespace rabt::engine {

// Patients of an instance. The rows are written when the instance starts and do not change,
// so that an answer stays true. Immutable; any thread, outside of store jobs and reads.
class PatientIndex {
 public:
  PatientIndex(store::Store& store, std::string tenant)
      : store_(store), tenant_(std::move(tenant)) {}

  // Blind indexes of the instance's patient; the first one names the person in the audit log. No
  // index: the instance or its patient is unknown.
  [[nodiscard]] Result<std::vector<std::string>> patients_of(std::string_view instance) const;
  // The instances that work on data of the person with this blind index, oldest first.
  [[nodiscard]] Result<std::vector<access::PatientInstance>> instances_of(
      std::string_view patient) const;

 private:
  store::Store& store_;
  std::string tenant_;
};

}  // namespace rabt::engine
