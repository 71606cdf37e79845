#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/result.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/session/membership.hpp"
#include "hub/consultation/session/session.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Questions of sessions to the records that surround them. The default answers are those of a hub
// that has none of these records. Internally synchronised.
class Surroundings {
 public:
  virtual ~Surroundings() = default;

  struct Visit {
    // ULID
    std::string id;
    std::int64_t number = 0;
    // ULID of the patient.
    std::string patient;
    bool open = false;
  };
  // The visit that a reference names: id, UUID, number, or {system, value}. Error not_found
  // visit.unknown.
  virtual Result<Visit> visit(std::string_view tenant, const Json& reference);
  // The same of a visit that the caller may see; any other is unknown to him.
  virtual Result<Visit> visible_visit(const Caller& caller, const Json& reference);

  struct ClinicPlace {
    // ULIDs
    std::string clinic;
    std::string clinic_session;
    // The provider who gives the clinic session.
    std::string provider;
    // When it is given.
    ClinicHours hours;
    bool free = false;
  };
  // Errors: not_found clinic.unknown, clinic.session_unknown.
  virtual Result<ClinicPlace> clinic_place(std::string_view tenant, const Json& clinic,
                                           const Json& clinic_session);
  struct ClinicNames {
    std::string name;
    // May be empty.
    std::string name_ar;
  };
  // Both are empty where there is no such clinic.
  virtual Result<ClinicNames> clinic_names(std::string_view tenant, std::string_view clinic);
  // Inside the job that creates a session: takes a place in the clinic session, where there is one.
  // Error conflict clinic.full.
  virtual Status take_place(store::Transaction& transaction, std::string_view tenant,
                            const ClinicPlace& place, std::string_view session);
  // Inside the job that cancels a session, or ends it before it began: gives back what take_place
  // took.
  virtual Status free_place(store::Transaction& transaction, std::string_view tenant,
                            std::string_view session);
  // Inside a job: a provider is busy with a session from its start to its end.
  virtual Status set_busy(store::Transaction& transaction, std::string_view tenant,
                          std::string_view provider, bool busy, Timestamp now);
  // Inside a job that ends a session, or writes what was learnt of one that is over: the metering
  // of its stays. ends: the session ends with this job.
  virtual Status meter(store::Transaction& transaction, std::string_view tenant,
                       std::string_view session, bool ends);
  // Error conflict metering.limit: no session may be created any more this month.
  virtual Status may_create(std::string_view tenant);

  // {notes, prescriptions, vitals, followUps, feedback}: what the caller may see.
  virtual Result<Json> records_of(const Caller& caller, const Membership& of);
};

}  // namespace rabt::consultation
