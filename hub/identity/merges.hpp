#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Two records that are one patient. A merge is a pointer from one record to its survivor: no row of
// either is rewritten, so that it can be undone. Readers follow the pointer.
namespace rabt::identity {

// Records that are read as one patient have at most this many besides the survivor: statements name
// each record.
inline constexpr std::size_t kMostMerged = 8;

// True for a patient who is nothing else: what else somebody is does not pass to another record.
[[nodiscard]] bool is_only_patient(Roles roles);

// The record that `id` is read as: itself, when it was not merged.
[[nodiscard]] Result<std::string> survivor_of(store::Connection& connection,
                                              std::string_view tenant, std::string_view id);
// The records that are read as one patient with `id`, the survivor first.
[[nodiscard]] Result<std::vector<std::string>> records_of(store::Connection& connection,
                                                          std::string_view tenant,
                                                          std::string_view id);

// The other records that are read as one patient with `id`, filled up with `id`: as values of a
// statement. No records beside an empty id.
using OtherRecords = std::array<std::string, kMostMerged>;
[[nodiscard]] Result<OtherRecords> others_of(store::Connection& connection, std::string_view tenant,
                                             std::string_view id);

struct Merge {
  std::string id;
  // ULIDs of persons.
  std::string merged;
  std::string survivor;
  // False while a session of `merged` is under way.
  bool in_force = false;
  // As the audit log names who asked.
  std::string by;
  std::int64_t asked_ms = 0;
  std::optional<std::int64_t> since_ms{};
  // May hold patient data.
  std::string reason;
};

struct MergeWish {
  // ULIDs of persons.
  std::string merged;
  std::string survivor;
  std::string reason;
  // Version of `merged` that the caller has seen.
  std::optional<std::int64_t> version{};
};

// Internally synchronised; not from inside a read or a job of the store.
class Merges {
 public:
  enum class News : std::uint8_t { merged, unmerged };
  // Tells others, inside the job of the act. The ids are ULIDs of persons.
  using Tell = std::function<Status(store::Transaction&, News, std::string_view merged,
                                    std::string_view survivor)>;
  struct Parts {
    People& people;
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    // Tells of pointers that come into force, and of those that were in force and are undone. May
    // be empty.
    Tell tell{};
  };
  // More to write in the commit. May be empty.
  using Also = std::function<Status(store::Transaction&)>;
  using AlsoMerged = std::function<Status(store::Transaction&, const Merge&)>;
  Merges(Parts parts, std::string tenant) : parts_(parts), tenant_(std::move(tenant)) {}

  [[nodiscard]] const std::string& tenant() const { return tenant_; }

  // Members of the two records that differ, birthDate and gender, for the second person who
  // confirms. Errors:
  // not_found person.unknown; invalid merge.same_person; conflict merge.not_patient (a record is of
  // the staff), merge.taken (`merged` is merged already), merge.circle (`survivor` leads to
  // `merged`), merge.limit, precondition.failed.
  [[nodiscard]] Result<std::vector<std::string>> check(const MergeWish& wish);
  // Sets the pointer, which is in force at once, or waits for take_effect(). When ok,
  // pointer and audit entry are durable. Errors: those of check().
  [[nodiscard]] Result<Merge> merge(const Caller& caller, const MergeWish& wish, bool waits,
                                    const AlsoMerged& also = {});
  // Errors: conflict merge.none (the record is not merged).
  [[nodiscard]] Status undo(const Caller& caller, std::string_view merged, std::string_view reason,
                            const Also& also = {});

  // Records whose merge waits for the end of a session.
  [[nodiscard]] Result<std::vector<std::string>> waiting();
  // Puts a merge that waits into force. Nothing happens when there is none.
  [[nodiscard]] Status take_effect(const Caller& caller, std::string_view merged);

  // The pointer of the record, also one that waits. Nothing when there is none.
  [[nodiscard]] Result<std::optional<Merge>> of(std::string_view merged);
  // Pointers to the record, oldest first.
  [[nodiscard]] Result<std::vector<Merge>> into(std::string_view survivor);

 private:
  struct Row;
  [[nodiscard]] Status tell(store::Transaction& transaction, News news, const Merge& merge) const;
  [[nodiscard]] Result<Merge> open(const Row& row) const;
  [[nodiscard]] Result<std::shared_ptr<const crypto::DataKey>> key_of_person(
      std::string_view person) const;
  // The rules that hold in the job, too.
  [[nodiscard]] Status may_point(store::Connection& connection, const MergeWish& wish) const;
  [[nodiscard]] audit::Prepared entry_of(const Caller& caller, std::string_view act,
                                         const Person& merged, Json detail) const;

  const Parts parts_;
  const std::string tenant_;
};

}  // namespace rabt::identity
