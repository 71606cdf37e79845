#pragma once

#include <string_view>

#include "hub/consultation/acts/surroundings.hpp"
#include "hub/consultation/practice/clinics.hpp"
#include "hub/consultation/practice/metering/usage.hpp"
#include "hub/consultation/practice/visits.hpp"

namespace rabt::consultation {

// Questions of sessions, asked of the duty that has the answer. As synchronised as the duties.
class PracticeSurroundings final : public Surroundings {
 public:
  PracticeSurroundings(Clinics& clinics, Visits& visits, Usage& usage, Records& records)
      : clinics_(clinics), visits_(visits), usage_(usage), records_(records) {}

  Result<Visit> visit(std::string_view tenant, const Json& reference) override;
  Result<Visit> visible_visit(const Caller& caller, const Json& reference) override;
  Result<ClinicPlace> clinic_place(std::string_view tenant, const Json& clinic,
                                   const Json& clinic_session) override;
  Result<ClinicNames> clinic_names(std::string_view tenant, std::string_view clinic) override;
  Status take_place(store::Transaction& transaction, std::string_view tenant,
                    const ClinicPlace& place, std::string_view session) override;
  Status free_place(store::Transaction& transaction, std::string_view tenant,
                    std::string_view session) override;
  Status meter(store::Transaction& transaction, std::string_view tenant, std::string_view session,
               bool ends) override;
  Status may_create(std::string_view tenant) override;
  Result<Json> records_of(const Caller& caller, const Membership& of) override;

 private:
  Clinics& clinics_;
  Visits& visits_;
  Usage& usage_;
  Records& records_;
};

}  // namespace rabt::consultation
