#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/json.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/base/tally.hpp"
#include "hub/identity/principal.hpp"
#include "hub/identity/second_person.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Acts that one person asks for and another one confirms before they are done.
namespace rabt::identity {

struct Approval {
  std::string id;
  std::string act;
  // As the audit log names them. `confirmer` is empty before somebody confirmed.
  std::string asker;
  std::string confirmer;
  Json wish;
  std::int64_t asked_ms = 0;
  std::int64_t ends_ms = 0;
};

// Act that a person asks for, as the second person sees it.
struct Wish {
  const SecondPersonAct& act;
  // The ULID of the person whom it is about, who does not confirm it. Empty when it is about none.
  std::string object;
  Json what;
  // All that has to be the same when the request is repeated.
  std::string whole;
};

// Internally synchronised; not from inside a read or a job of the store.
class Approvals {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
  };
  Approvals(Parts parts, std::string tenant, SecondPersonOptions options)
      : parts_(parts), tenant_(std::move(tenant)), options_(std::move(options)) {}

  [[nodiscard]] bool needs(const SecondPersonAct& act) const { return options_.need(act); }
  // Ok if the caller may do it now. The first time it becomes a request; when somebody else has
  // confirmed that, the same call passes once, as long as the other one may still confirm it: a
  // person who is disabled or lost the role has confirmed nothing. Whoever runs the hub (its Unix
  // socket, its API token) passes alone while there is nobody who could confirm. Errors: denied
  // approval.needed (the message names the request); denied approval.person (any other client
  // asks).
  [[nodiscard]] Status pass(const Caller& caller, const Wish& wish);

  // Number of requests that wait for a confirmation or a refusal.
  [[nodiscard]] Result<Tally> asked() const;
  // Requests that are neither done, nor refused, nor over, the oldest first.
  [[nodiscard]] Result<std::vector<Approval>> open();
  // Confirms or refuses a request. Errors: not_found approval.unknown; conflict approval.answered;
  // denied authorisation.denied (who may not confirm this act, or is not himself a person who
  // signed in); denied approval.same_person (who asked, or whom it is about).
  [[nodiscard]] Status answer(const Caller& caller, std::string_view id, bool confirms);

 private:
  struct Row;
  [[nodiscard]] audit::Prepared entry_of(const Caller& caller, std::string_view act,
                                         std::string_view id, Json detail) const;

  const Parts parts_;
  const std::string tenant_;
  const SecondPersonOptions options_;
};

// Inside the job that disables a person: ends his requests; requests that he has confirmed wait for
// another person.
[[nodiscard]] Status withdraw_approvals(store::Transaction& transaction, std::string_view tenant,
                                        std::string_view person);

// True if somebody could confirm the act by an account of his own, besides these two persons.
[[nodiscard]] Result<bool> has_second_person(store::Connection& connection, std::string_view tenant,
                                             const SecondPersonAct& act, std::string_view asker,
                                             std::string_view object);

}  // namespace rabt::identity
