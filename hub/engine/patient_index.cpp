#include "hub/engine/patient_index.hpp"

namespace rabt::engine {

namespace {

using store::Statement;

constexpr Statement kPatientsOf{
    "SELECT p.patient FROM instance i JOIN instance_patient p ON p.instance = i.num "
    "WHERE i.id = $2 AND p.tenant = $1 ORDER BY p.place"};
constexpr Statement kInstancesOf{
    "SELECT i.id, n.patient FROM instance_patient p JOIN instance i ON i.num = p.instance JOIN "
    "instance_patient n ON n.instance = p.instance AND n.place = 0 WHERE p.tenant = $1 AND "
    "p.patient = $2 ORDER BY i.num"};

}  // namespace

Result<std::vector<std::string>> PatientIndex::patients_of(std::string_view instance) const {
  std::vector<std::string> patients;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(kPatientsOf, {tenant_, instance}, [&](const store::Row& row) {
      patients.emplace_back(row.blob(0));
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
        kInstancesOf, {tenant_, store::Blob{patient}}, [&](const store::Row& row) {
          instances.push_back(
              {.id = std::string(row.text(0)), .patient = std::string(row.blob(1))});
          return true;
        });
  }));
  return instances;
}

}  // namespace rabt::engine
