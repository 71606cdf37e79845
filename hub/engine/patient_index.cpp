#include "hub/engine/patient_index.hpp"

#include "hub/engine/statements.hpp"

namespace rabt::engine {

Result<std::vector<std::string>> PatientIndex::patients_of(std::string_view instance) const {
  std::vector<std::string> patients;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::kPatientsOfInstance, {tenant_, instance},
                            [&](const store::Row& row) {
                              patients.emplace_back(row.blob(sql::kPatientsOfInstance["patient"]));
                              return true;
                            });
  }));
  return patients;
}

Result<std::vector<access::PatientInstance>> PatientIndex::instances_of(
    std::string_view patient) const {
  std::vector<access::PatientInstance> instances;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(
        sql::kInstancesOfPatient, {tenant_, store::Blob{patient}}, [&](const store::Row& row) {
          instances.push_back(
              {.id = std::string(row.text(sql::kInstancesOfPatient["id"])),
               .patient = std::string(row.blob(sql::kInstancesOfPatient["patient"]))});
          return true;
        });
  }));
  return instances;
}

}  // namespace rabt::engine
