#include "hub/consultation/practice/practice_surroundings.hpp"

#include "hub/consultation/record/records.hpp"

namespace rabt::consultation {

Result<Surroundings::Visit> PracticeSurroundings::visit(std::string_view tenant,
                                                        const Json& reference) {
  return visits_.known(tenant, reference);
}

Result<Surroundings::Visit> PracticeSurroundings::visible_visit(const Caller& caller,
                                                                const Json& reference) {
  return visits_.visible(caller, reference);
}

Result<Surroundings::ClinicPlace> PracticeSurroundings::clinic_place(std::string_view tenant,
                                                                     const Json& clinic,
                                                                     const Json& clinic_session) {
  return clinics_.place(tenant, clinic, clinic_session);
}

Result<Surroundings::ClinicNames> PracticeSurroundings::clinic_names(std::string_view tenant,
                                                                     std::string_view clinic) {
  return clinics_.names_of(tenant, clinic);
}

Status PracticeSurroundings::take_place(store::Transaction& transaction, std::string_view tenant,
                                        const ClinicPlace& place, std::string_view session) {
  return clinics_.take_place(transaction, tenant, place, session);
}

Status PracticeSurroundings::free_place(store::Transaction& transaction, std::string_view tenant,
                                        std::string_view session) {
  return clinics_.free_place(transaction, tenant, session);
}

Status PracticeSurroundings::meter(store::Transaction& transaction, std::string_view tenant,
                                   std::string_view session, bool ends) {
  return usage_.meter(transaction, tenant, session, ends);
}

Status PracticeSurroundings::may_create(std::string_view tenant) {
  return usage_.may_create(tenant);
}

Result<Json> PracticeSurroundings::records_of(const Caller& caller, const Membership& of) {
  RABT_TRY(summary, records_.reading.summary_of(caller, of));
  return to_json(summary);
}

}  // namespace rabt::consultation
