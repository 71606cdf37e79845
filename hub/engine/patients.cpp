#include <algorithm>

#include "hub/access/blind_index.hpp"
#include "hub/base/check.hpp"
#include "hub/engine/impl.hpp"
#include "hub/engine/statements.hpp"

// Whose data an instance works on (metadata.rabt.patient).
namespace rabt::engine {

Result<Patients> Engine::Impl::patients_of(const workflow::Definition& definition,
                                           const Json& start_events, const Act& act) const {
  const auto reference = definition.patient(start_events);
  Patients out;
  int unread = reference.unread;
  for (const auto& [kind_text, value] : reference.identifiers) {
    const auto kind = phi::parse_index_kind(kind_text);
    RABT_CHECK(kind.has_value());
    auto index = access::blind_index(act.lease.keys(), *kind, value);
    if (!index.ok()) {
      ++unread;
    } else if (std::find(out.begin(), out.end(), *index) == out.end()) {
      out.push_back(std::move(*index));
    }
  }
  if (reference.declared && (out.empty() || unread != 0)) {
    parts.log.warn("instance.patient_unknown", {{"workflow", definition.name()},
                                                {"version", definition.version()},
                                                {"found", static_cast<std::int64_t>(out.size())},
                                                {"unread", static_cast<std::int64_t>(unread)}});
  }
  return out;
}

Result<std::string> Engine::Impl::store_patients(store::Transaction& transaction, std::int64_t num,
                                                 const Patients& patients,
                                                 std::int64_t parent) const {
  if (patients.empty()) {
    if (parent == 0) return std::string();
    RABT_TRY(rows, transaction.execute(sql::kInheritPatients, {num, parent}));
    if (rows == 0) return std::string();
    return patient_of(transaction, num);
  }
  std::int64_t place = 0;
  for (const std::string& patient : patients) {
    RABT_TRY_STATUS(
        run(transaction, sql::kInsertPatient, {options.tenant, store::Blob{patient}, num, place}));
    ++place;
  }
  return patients.front();
}

Result<std::string> Engine::Impl::patient_of(store::Connection& connection, std::int64_t num) {
  std::string patient;
  RABT_TRY_STATUS(connection.query(sql::kPatientOf, {num}, [&](const store::Row& row) {
    patient = std::string(row.blob(0));
    return false;
  }));
  return patient;
}

}  // namespace rabt::engine
