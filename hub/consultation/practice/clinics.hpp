#pragma once

#include <string>
#include <string_view>

#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/practice/clinic_requests.hpp"
#include "hub/consultation/practice/clinic_views.hpp"
#include "hub/consultation/practice/practice_parts.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/reference.hpp"

namespace rabt::consultation {

// Clinics, the hours that providers give there, and the places of these hours. Has no state of its
// own; every act blocks for one commit.
class Clinics {
 public:
  explicit Clinics(const PracticeParts& parts) : parts_(parts) {}

  Result<ClinicList> list(const Caller& caller);
  Result<AddedClinic> add(const Caller& caller, const Asked<AddClinic>& asked);
  // The id of the clinic that a reference names. Error not_found clinic.unknown.
  [[nodiscard]] Result<std::string> id_of(std::string_view tenant,
                                          const Reference& reference) const;
  // At most 1000, by their start.
  Result<ClinicSessionList> sessions(const Caller& caller, const Asked<ListClinicSessions>& asked);
  // Error conflict provider.busy.
  Result<ClinicSessionView> add_session(const Caller& caller, const AddClinicSession& asked);

  // Answers to sessions, as Surroundings says them.
  Result<Surroundings::ClinicPlace> place(std::string_view tenant, const Json& clinic,
                                          const Json& clinic_session) const;
  Result<Surroundings::ClinicNames> names_of(std::string_view tenant, std::string_view id) const;
  Status take_place(store::Transaction& transaction, std::string_view tenant,
                    const Surroundings::ClinicPlace& place, std::string_view session) const;
  Status free_place(store::Transaction& transaction, std::string_view tenant,
                    std::string_view session) const;

 private:
  const PracticeParts& parts_;
};

}  // namespace rabt::consultation
