#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hub/access/access_control.hpp"
#include "hub/access/decide.hpp"
#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/ids.hpp"
#include "hub/base/random.hpp"
#include "hub/blob/blob_store.hpp"
#include "hub/consultation/acts/memberships.hpp"
#include "hub/consultation/record/record_book.hpp"
#include "hub/consultation/record/record_list.hpp"
#include "hub/consultation/record/shared_text.hpp"
#include "hub/consultation/request/answer.hpp"
#include "hub/consultation/request/caller.hpp"
#include "hub/consultation/request/settings.hpp"
#include "hub/consultation/session/input.hpp"
#include "hub/identity/people.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/phi/detector.hpp"
#include "hub/plugin/call.hpp"
#include "hub/store/store.hpp"

namespace rabt::consultation {

// Parts of all kinds of records. Objects that are referred to outlive them.
struct RecordParts {
  store::Store& store;
  audit::AuditLog& audit;
  blob::BlobStore& blobs;
  keys::DataKeys& keys;
  access::AccessControl& access;
  const phi::Detector& detector;
  identity::Directory& people;
  Memberships& sessions;
  // Calls the role `asr`. Null in tests that need none.
  plugin::ActionRunner* actions = nullptr;
  // Books a follow-up, as SessionCreation::create.
  std::function<Answer(const Caller&, const SessionInput&)> book;
  const Clock& clock;
  Random& random;
  UlidSource& ids;
  VideoSettings video;
  // Rules for patient data in messages, and in the text of documents.
  TextRules chat{};
  TextRules documents{};
  House house{};
};

// The one way to the records of a session, for all kinds of them: the caller's place in it, records
// as he is shown them, what a text may hold, and the entries of readings. Internally synchronised.
class RecordOffice {
 public:
  explicit RecordOffice(RecordParts parts);
  RecordOffice(const RecordOffice&) = delete;
  RecordOffice& operator=(const RecordOffice&) = delete;

  [[nodiscard]] const RecordParts& parts() const { return parts_; }
  [[nodiscard]] const RecordBook& book() const { return book_; }

  // Relation of the caller to the session. Errors: those of Memberships::membership.
  [[nodiscard]] Result<Membership> member(const Caller& caller, std::string_view session);
  // A new record of the caller's, at the clock's time.
  [[nodiscard]] Record fresh(const Caller& caller, const Membership& of, RecordKind kind) const;
  struct Found {
    Membership of;
    Record record;
  };
  // The record of this ULID, UUID or number, with what the caller is to its session. by: the right
  // that opens it, unless the caller has to be one who may read it. Errors: not_found
  // record.unknown; those of the decision; a record that is not shown is not found.
  [[nodiscard]] Result<Found> find(const Caller& caller, RecordKind kind, std::string_view name,
                                   std::optional<access::Right> by = {});
  // Records of one kind that the caller is shown, after the reading is in the audit log.
  [[nodiscard]] Result<RecordBook::Page> page(const Caller& caller, const Asked<ListRecords>& asked,
                                              RecordKind kind);
  [[nodiscard]] Status audit_reading(const Caller& caller, const Membership& of,
                                     std::string_view act, Json detail);
  // The text as it may be kept; adds the kinds to the document and the act to the audit log.
  // Error invalid phi.exposed, whose entry is durable.
  [[nodiscard]] Result<std::string> screen(const Caller& caller, const Membership& of,
                                           const TextRules& rules, std::string_view text,
                                           std::string_view where, RecordAct& act);
  // Ok if the caller may write this to the record, whatever state it is in: note_write,
  // prescription_write, prescription_dispense. Errors: not_found record.unknown; those of the
  // decision.
  [[nodiscard]] Status allows(const Caller& caller, const Asked<NamedRecord>& asked,
                              access::Right right);

 private:
  const RecordParts parts_;
  const RecordBook book_;
};

}  // namespace rabt::consultation
