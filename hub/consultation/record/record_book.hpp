#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/access/decide.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// The rows of what is written in sessions: sealed on their way in, opened on their way out.
namespace rabt::consultation {

enum class RecordKind : std::uint8_t {
  message,
  document,
  note,
  vitals,
  prescription,
  segment,
  feedback,
  follow_up
};
[[nodiscard]] std::string_view to_string(RecordKind kind);

struct Record {
  // ULID
  std::string id;
  RecordKind kind = RecordKind::message;
  // 0 until it is stored.
  std::int64_t number = 0;
  std::string session;
  // ULID of the participant who wrote it. Empty for a workflow.
  std::string author;
  std::string state;
  std::int64_t at_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t version = 1;
  // Tells a repeat by the same author. Empty if nothing does.
  std::string client;
  // The content of a document.
  std::string blob;
  // All other members. Patient data.
  Json document = Json::object();
};

// One act on a record, committed as a whole.
struct RecordAct {
  Record record;
  // The record's row is there already, with the version before.
  bool replaces = false;
  // Nothing of the kind is written after the session's end.
  bool while_open = true;
  // The acts of the audit log with their details: ids, codes and counts.
  std::vector<std::pair<std::string, Json>> acts;
  // Events of the session: type and data, which hold no patient data.
  std::vector<std::pair<std::string, Json>> events;
  // Answer to the caller. Null if the answer is made of more.
  Json (*shape)(const Record&) = nullptr;
  // More to write in the commit. May be empty.
  std::function<Status(store::Transaction&)> also;
};

// Internally synchronised.
class RecordBook {
 public:
  struct Parts {
    store::Store& store;
    audit::AuditLog& audit;
    keys::DataKeys& keys;
    Memberships& sessions;
    const Clock& clock;
    Random& random;
  };
  explicit RecordBook(Parts parts) : parts_(parts) {}

  // At most limits::kMaxPageItems, and limits::kMaxPageBytes as they are sealed.
  struct Page {
    // Oldest first.
    std::vector<Record> records;
    // Id of the record at which it was cut: the last of page(), the first of newest(). Empty when
    // there are no more.
    std::string cut;
  };
  // Records of a session after an id.
  [[nodiscard]] Result<Page> page(const Membership& of, RecordKind kind,
                                  std::string_view after) const;
  // The newest records of a session.
  [[nodiscard]] Result<Page> newest(const Membership& of, RecordKind kind) const;
  // Gives `take` all records of a session, oldest first; holds one page of them at a time.
  [[nodiscard]] Status each(const Membership& of, RecordKind kind,
                            const std::function<void(Record)>& take) const;
  // The record with this id. Errors: not_found record.unknown.
  [[nodiscard]] Result<Record> find(const Membership& of, RecordKind kind,
                                    std::string_view id) const;
  // Number of records of a kind in a session, and of those that the caller wrote.
  struct Count {
    std::int64_t all = 0;
    std::int64_t own = 0;
  };
  [[nodiscard]] static Result<Count> count(store::Connection& connection, const Membership& of,
                                           RecordKind kind);
  struct Place {
    std::string id;
    std::string session;
  };
  // Place of a record that a path names by ULID, UUID or number. Error not_found record.unknown.
  [[nodiscard]] Result<Place> locate(std::string_view tenant, RecordKind kind,
                                     std::string_view reference) const;

  // Writes the record with its entries and events. When the author has written it before (by
  // `client`), nothing is written, and `act.record` is what is there. Errors: conflict
  // session.<status>, conflict precondition.failed when the version has changed.
  [[nodiscard]] Status commit(const access::Allowed& allowed, const Caller& caller,
                              const Membership& of, RecordAct& act) const;
  // Entries and events alone.
  [[nodiscard]] Status tell(const Caller& caller, const Membership& of, const RecordAct& act) const;
  // An entry about a session.
  [[nodiscard]] audit::Prepared entry(const Caller& caller, const Membership& of,
                                      std::string_view act, Json detail) const;

 private:
  [[nodiscard]] Result<Record> open(const crypto::DataKey& key, const Membership& of, Record record,
                                    std::string_view sealed) const;
  [[nodiscard]] Status tell_in(store::Transaction& transaction, const Caller& caller,
                               const Membership& of, const RecordAct& act) const;
  [[nodiscard]] Result<Page> read(const Membership& of, const store::Statement& statement,
                                  std::initializer_list<store::Value> values) const;
  [[nodiscard]] Result<bool> put(store::Transaction& transaction, const Caller& caller,
                                 const Membership& of, std::string_view client_index,
                                 std::string_view sealed, RecordAct& act) const;
  Parts parts_;
};

// HL7 PurposeOfUse of an act by a participant, unless the caller names another: of the patient it
// is PATRQT, of everybody else TREAT.
[[nodiscard]] std::string purpose_of(const Caller& caller, const Membership& of);

}  // namespace rabt::consultation
