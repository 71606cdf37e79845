#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

namespace rabt::identity {

struct NewPerson {
  // Checked by check_profile.
  Json profile = Json::object();
  Roles roles;
  // The issuer whose tokens decide about the roles. Empty when an administrator does.
  std::string issuer;
  // The entry's act: "user.created", "patient.created", "provider.created".
  std::string_view act = "user.created";
};

// Change of a person. Unset members stay as they are.
struct PersonChange {
  // A merge patch; the result is checked by check_profile.
  std::optional<Json> profile;
  std::optional<Roles> roles;
  std::optional<bool> active;
  std::optional<Licence> licence;
  // The version that the caller has seen.
  std::optional<std::int64_t> version;
  std::string_view act = "user.changed";
  // More to write in the commit, with the person as it is then. May be empty.
  std::function<Status(store::Transaction&, const Person&)> also;
};

// A new person whom a job writes beside what it is about. The record stands once that job is
// committed, and not before.
struct PreparedPerson {
  // As written, but for the number.
  Person person;
  // Inside a job, which may be repeated: writes person and audit entry; gives the person with the
  // number. Errors: conflict person.taken; those of the store.
  std::function<Result<Person>(store::Transaction&)> write;
};

// Facts about a person that a principal needs.
struct Standing {
  bool active = false;
  Roles roles;
  std::string issuer;
};

// The people of a hub, in the database. Internally synchronised; not from inside a read or a job of
// the store.
class People final : public Directory {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    // True if somebody who administers may neither treat nor audit.
    bool separate = true;
  };
  explicit People(Parts parts) : parts_(parts) {}

  // Ok if one person may have these roles. Error invalid role.separation.
  [[nodiscard]] Status may_have(Roles roles) const;

  // A provider whom an administrator or a trusted issuer enters is vouched for by that. When ok,
  // the person is durable with the audit entry. Errors: conflict person.taken (another person has
  // the username, national id, record number or outside id); that of may_have; those of the keys
  // and the store.
  [[nodiscard]] Result<Person> create(const Caller& caller, const NewPerson& wanted);
  // Something more to write in the job that makes the person, which still has to be committed.
  using With = std::function<Status(store::Transaction&, const Person&, const crypto::DataKey&)>;
  [[nodiscard]] Result<Person> create(const Caller& caller, const NewPerson& wanted,
                                      const With& with);
  // Makes a person ready to be written in a job of the caller. Errors: those of create() but
  // person.taken.
  [[nodiscard]] Result<PreparedPerson> prepare(const Caller& caller, const NewPerson& wanted,
                                               const With& with = {});
  // Other roles than before, and a change of `active`, end the person's sessions. Errors: not_found
  // person.unknown; conflict person.taken, precondition.failed (the version is not the one that the
  // caller has seen); that of may_have.
  [[nodiscard]] Result<Person> change(const Caller& caller, std::string_view id,
                                      const PersonChange& wanted);

  // A record that was merged leads to its survivor.
  [[nodiscard]] Result<std::string> resolve(std::string_view tenant,
                                            const Json& reference) override;
  // As resolve, but a record that was merged is itself: for its account and its pointer.
  [[nodiscard]] Result<std::string> record(std::string_view tenant, const Json& reference);
  // The record itself, also when it was merged.
  [[nodiscard]] Result<Person> find(std::string_view tenant, std::string_view id) override;
  [[nodiscard]] Result<std::vector<Person>> having(std::string_view tenant, Roles roles) override;

  // A part of a list by number: those behind `after` with one of the roles (any, when there is
  // none), at most `limit`.
  [[nodiscard]] Result<std::vector<Person>> page(std::string_view tenant, Roles roles,
                                                 std::int64_t after, std::size_t limit);
  // The same of accounts that have neither password nor passkey nor an issuer that provisions them.
  [[nodiscard]] Result<std::vector<Person>> page_without_way_in(std::string_view tenant,
                                                                Roles roles, std::int64_t after,
                                                                std::size_t limit);
  // Everybody, by number.
  [[nodiscard]] Result<std::vector<Person>> all(std::string_view tenant);
  // The persons whom an identifier, record number, phone or email leads to. A record that was
  // merged leads to its survivor.
  [[nodiscard]] Result<std::vector<Person>> search(std::string_view tenant, std::string_view kind,
                                                   std::string_view value);
  // The id of the person whom an outside system knows as `value`. Nothing when there is none.
  [[nodiscard]] Result<std::optional<std::string>> by_external(std::string_view tenant,
                                                               std::string_view system,
                                                               std::string_view value);
  // The id of the one person who has this number of this system, whether his record has it among
  // its outside ids or its identifiers. Nothing when nobody has it, or two have.
  [[nodiscard]] Result<std::optional<std::string>> by_number(std::string_view tenant,
                                                             std::string_view system,
                                                             std::string_view value);
  // The id of the person with this username.
  [[nodiscard]] Result<std::optional<std::string>> by_username(std::string_view tenant,
                                                               std::string_view username);
  // The same for a name that somebody chose when he registered himself.
  [[nodiscard]] Result<std::optional<std::string>> by_chosen_username(std::string_view tenant,
                                                                      std::string_view username);
  enum class KnownBy : std::uint8_t {
    anything,    // also an address that a family may share
    identifier,  // or record number
  };
  // The persons to whom a blind index leads, or led before their records were changed.
  [[nodiscard]] Result<std::vector<std::string>> once_known_by(std::string_view tenant,
                                                               std::string_view index, KnownBy by);
  // A blind index under which the audit log may have a person.
  struct Name {
    std::string index;
    // Somebody else has or had the identifier, too.
    bool shared = false;
  };
  // The names by the id and by each identifier and record number that the person has or had, in the
  // records that are read as one.
  [[nodiscard]] Result<std::vector<Name>> names_of(std::string_view tenant, std::string_view id);
  // The names that nobody else has of the one person to whom a blind index leads. None when it
  // leads to nobody, or to two.
  [[nodiscard]] Result<std::vector<std::string>> own_names_of(std::string_view tenant,
                                                              std::string_view index);
  // Nothing when there is no such person. A merged person is not active.
  [[nodiscard]] Result<std::optional<Standing>> standing(std::string_view tenant,
                                                         std::string_view id);

 private:
  using Take = std::function<bool(const store::Row&)>;
  // The persons whose rows `find` gives, by number, at most `limit`.
  [[nodiscard]] Result<std::vector<Person>> read_page(
      std::string_view tenant, std::size_t limit,
      const std::function<Status(store::Connection&, const Take&)>& find);
  // Ids, by id, of the records that have the blind index.
  [[nodiscard]] Result<std::vector<std::string>> having_number(std::string_view tenant,
                                                               std::string_view kind,
                                                               std::string_view value);
  [[nodiscard]] Result<std::string> survivor(std::string_view tenant, std::string_view id);
  [[nodiscard]] Result<std::optional<std::string>> by_alias(std::string_view tenant,
                                                            std::string_view kind,
                                                            std::string_view value);

  const Parts parts_;
};

// Error not_found person.unknown.
[[nodiscard]] Error unknown_person();

[[nodiscard]] std::string_view to_string(Licence licence);
[[nodiscard]] std::optional<Licence> parse_licence(std::string_view text);

}  // namespace rabt::identity
