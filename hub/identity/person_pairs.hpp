#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/mutex.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/identity/profile.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Pairs of records that may be one patient. They are found when a record is written, by blind
// indexes that two records share; so a list of them costs its own length.
namespace rabt::identity {

// Other records with which one index of a record makes pairs, the newest ones. The telephone of a
// hostel has more. A name and birth date that more records have, such as one that is a guess, makes
// no pair alone.
inline constexpr std::size_t kMostPaired = 20;

struct PersonPair {
  // ULIDs of persons. `newer` was entered later.
  std::string newer;
  std::string older;
  // Kinds of Alias that both have: "identifier", "name_birth", "phone_birth", "name_phone".
  std::vector<std::string> reasons;
  // An identifier, or two reasons and more: shown before the others.
  bool first = false;
};

// Writes the pairs of a record whose aliases were written in this transaction. A pair that was
// decided stays as it is. Records of staff have none.
[[nodiscard]] Status write_pairs(store::Transaction& transaction, std::string_view tenant,
                                 const Person& person, const std::vector<Alias>& aliases);

// Internally synchronised; not from inside a read or a job of the store.
class PersonPairs {
 public:
  struct Parts {
    People& people;
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const Clock& clock;
    Logger& log;
  };
  // More to write in the commit. May be empty.
  using Also = std::function<Status(store::Transaction&)>;
  PersonPairs(Parts parts, std::string tenant) : parts_(parts), tenant_(std::move(tenant)) {}

  // Pairs that wait for a decision, those that are `first`, then by the newer
  // record, the newest first. after: the pair behind
  // which the page begins, as place_of() gives it, or empty. Error invalid cursor.invalid.
  [[nodiscard]] Result<std::vector<PersonPair>> open(std::string_view after, std::size_t limit);
  [[nodiscard]] static std::string place_of(const PersonPair& pair);

  // Two people: the pair is not shown again, also when it was not shown before. When ok, decision
  // and audit entry are durable. Errors: not_found person.unknown; invalid merge.same_person;
  // conflict merge.not_patient (a record is of the staff), merge.taken (one of them is merged).
  [[nodiscard]] Status keep_apart(const Caller& caller, std::string_view text,
                                  std::string_view other, const Also& also = {});

  // Takes note of a record that cannot be read, so that no pair of it is shown: one warning a
  // record, none when its key was destroyed.
  void closed(std::string_view id, const Error& why);

  // Compares some of the records that were written before pairs were kept.
  [[nodiscard]] Status compare_old();

 private:
  // In one commit.
  [[nodiscard]] Status compare_some(const keys::Lease& lease, const std::vector<std::string>& ids);
  [[nodiscard]] Status compare(store::Transaction& transaction, const Person& person,
                               const std::vector<Alias>& aliases) const;

  const Parts parts_;
  const std::string tenant_;
  Mutex mutex_;
  // Records of the warnings.
  std::set<std::string, std::less<>> closed_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::identity
