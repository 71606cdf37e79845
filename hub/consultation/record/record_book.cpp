#include "hub/consultation/record/record_book.hpp"

#include <algorithm>
#include <array>

#include "hub/base/limits.hpp"
#include "hub/consultation/record/rights.hpp"
#include "hub/consultation/record/statements.hpp"
#include "hub/consultation/request/reference.hpp"
#include "hub/consultation/rows/numbers.hpp"
#include "hub/consultation/rows/session_lane.hpp"

namespace rabt::consultation {

namespace {

using store::Row;
using store::Statement;

constexpr std::string_view kTable = "session_record";

constexpr std::array<std::string_view, 8> kKinds{
    "message", "document", "note", "vitals", "prescription", "segment", "feedback", "follow_up"};

RecordKind parse_kind(std::string_view text) {
  const auto* const found = std::find(kKinds.begin(), kKinds.end(), text);
  return static_cast<RecordKind>(found - kKinds.begin());
}

// The document is bound to the version: an older one that is put back does not open.
std::string field_of(std::int64_t version) {
  return "document/" + std::to_string(version);
}

struct SealedRow {
  Record record;
  std::string sealed;
};
SealedRow read_row(const Row& row) {
  return {.record = {.id = std::string(row.text(sql::record::kFind["id"])),
                     .kind = parse_kind(row.text(sql::record::kFind["kind"])),
                     .number = row.integer(sql::record::kFind["number"]),
                     .session = std::string(row.text(sql::record::kFind["session"])),
                     .author = std::string(row.text(sql::record::kFind["author"])),
                     .state = std::string(row.text(sql::record::kFind["state"])),
                     .at_ms = row.integer(sql::record::kFind["at_ms"]),
                     .updated_ms = row.integer(sql::record::kFind["updated_ms"]),
                     .version = row.integer(sql::record::kFind["version"]),
                     .client = {},
                     .blob = std::string(row.text(sql::record::kFind["blob"]))},
          .sealed = std::string(row.blob(sql::record::kFind["sealed"]))};
}

// Bounds of a kind of records in one session; 0 stands for none.
struct Most {
  std::int64_t all = 0;
  // Part of one person.
  std::int64_t own = 0;
};
// Hosts and clinicians find room for a quarter, whatever others wrote.
Most most_of(const Caller& caller, const Membership& of, RecordKind kind) {
  Most most;
  if (kind == RecordKind::message) {
    most = {limits::kMaxSessionMessages,
            of.waiting ? limits::kMaxMessagesOfWaiting : limits::kMaxMessagesOfOne};
  } else if (kind == RecordKind::vitals) {
    most = {limits::kMaxSessionVitals, limits::kMaxVitalsOfOne};
  } else if (kind == RecordKind::segment) {
    most = {limits::kMaxSessionSegments, limits::kMaxSegmentsOfOne};
  } else if (kind == RecordKind::note) {
    return {limits::kMaxSessionNotes};
  } else if (kind == RecordKind::prescription) {
    return {limits::kMaxSessionPrescriptions};
  } else if (kind == RecordKind::follow_up) {
    return {limits::kMaxSessionFollowUps};
  } else {
    return {};
  }
  const bool treats = caller.system || (!of.waiting && (of.host || is_clinical(of)));
  return treats ? Most{most.all} : Most{most.all / 4 * 3, most.own};
}

Error no_record() {
  return not_found("record.unknown", "there is no such record");
}

}  // namespace

std::string_view to_string(RecordKind kind) {
  return kKinds.at(static_cast<std::size_t>(kind));
}

std::string purpose_of(const Caller& caller, const Membership& of) {
  if (!caller.purpose.empty()) return caller.purpose;
  return of.role == "patient" ? "PATRQT" : "TREAT";
}

Result<Record> RecordBook::open(const crypto::DataKey& key, const Membership& of, Record record,
                                std::string_view sealed) const {
  const std::string field = field_of(record.version);
  RABT_TRY(plain, key.open({.tenant = of.tenant, .table = kTable, .row = record.id, .field = field},
                           sealed));
  RABT_TRY(document, Json::parse(plain));
  record.document = std::move(document);
  return record;
}

Result<RecordBook::Page> RecordBook::read(const Membership& of, const Statement& statement,
                                          std::initializer_list<store::Value> values) const {
  RABT_TRY(key, parts_.keys.open(of.tenant, of.data_key));
  std::vector<SealedRow> rows;
  bool more = false;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    rows.clear();
    std::size_t bytes = 0;
    more = false;
    return connection.query(statement, values, [&](const Row& row) {
      bytes += row.blob(sql::record::kFind["sealed"]).size();
      more = !rows.empty() && (bytes > limits::kMaxPageBytes ||
                               static_cast<std::int64_t>(rows.size()) == limits::kMaxPageItems);
      if (!more) rows.push_back(read_row(row));
      return !more;
    });
  }));
  Page page;
  page.records.reserve(rows.size());
  for (SealedRow& row : rows) {
    RABT_TRY(record, open(*key, of, std::move(row.record), row.sealed));
    page.records.push_back(std::move(record));
  }
  if (more) page.cut = page.records.back().id;
  return page;
}

Result<RecordBook::Page> RecordBook::page(const Membership& of, RecordKind kind,
                                          std::string_view after) const {
  return read(of, sql::record::kPage,
              {of.tenant, of.session, to_string(kind), after, limits::kMaxPageItems + 1});
}

Result<RecordBook::Page> RecordBook::newest(const Membership& of, RecordKind kind) const {
  RABT_TRY(page, read(of, sql::record::kNewest,
                      {of.tenant, of.session, to_string(kind), limits::kMaxPageItems + 1}));
  std::reverse(page.records.begin(), page.records.end());
  return page;
}

Status RecordBook::each(const Membership& of, RecordKind kind,
                        const std::function<void(Record)>& take) const {
  std::string after;
  do {
    RABT_TRY(part, page(of, kind, after));
    for (Record& record : part.records) take(std::move(record));
    after = std::move(part.cut);
  } while (!after.empty());
  return ok_status();
}

Result<Record> RecordBook::find(const Membership& of, RecordKind kind, std::string_view id) const {
  RABT_TRY(key, parts_.keys.open(of.tenant, of.data_key));
  std::optional<SealedRow> found;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::record::kFind, {of.tenant, id, of.session}, [&](const Row& row) {
      found = read_row(row);
      return false;
    });
  }));
  if (!found || found->record.kind != kind) return no_record();
  return open(*key, of, std::move(found->record), found->sealed);
}

Result<RecordBook::Count> RecordBook::count(store::Connection& connection, const Membership& of,
                                            RecordKind kind) {
  Count out;
  RABT_TRY_STATUS(
      connection.query(sql::record::kCount,
                       {of.tenant, of.session, to_string(kind), std::string_view(of.participant)},
                       [&](const Row& row) {
                         out = {row.integer(sql::record::kCount["count"]),
                                row.integer(sql::record::kCount["own_count"])};
                         return false;
                       }));
  return out;
}

Result<RecordBook::Place> RecordBook::locate(std::string_view tenant, RecordKind kind,
                                             std::string_view reference) const {
  std::optional<Place> found;
  const auto take = [&found](const Row& row) {
    found = Place{.id = std::string(row.text(sql::record::kLocateByNumber["id"])),
                  .session = std::string(row.text(sql::record::kLocateByNumber["session"]))};
    return false;
  };
  const Reference wanted = read_reference(reference);
  if (wanted.none()) return no_record();
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return wanted.number
               ? connection.query(sql::record::kLocateByNumber,
                                  {tenant, to_string(kind), *wanted.number}, take)
               : connection.query(sql::record::kLocateById,
                                  {tenant, std::string_view(*wanted.id), to_string(kind)}, take);
  }));
  if (!found) return no_record();
  return *found;
}

audit::Prepared RecordBook::entry(const Caller& caller, const Membership& of, std::string_view act,
                                  Json detail) const {
  return parts_.audit.prepare({.tenant = of.tenant,
                               .actor = caller.who.actor(),
                               .act = std::string(act),
                               .object = "session:" + of.session,
                               .result = "ok",
                               .detail = std::move(detail),
                               .patient = of.patient_pseudonym,
                               .purpose = purpose_of(caller, of),
                               .client = caller.client,
                               .request = caller.request});
}

Status RecordBook::tell_in(store::Transaction& transaction, const Caller& caller,
                           const Membership& of, const RecordAct& act) const {
  for (const auto& [name, detail] : act.acts)
    RABT_TRY_STATUS(parts_.audit.append(transaction, entry(caller, of, name, detail)));
  for (const auto& [type, data] : act.events)
    RABT_TRY_STATUS(parts_.sessions.add_event(transaction, of, type, caller.who.actor(), data));
  return ok_status();
}

// Returns false when the author wrote it before.
Result<bool> RecordBook::put(store::Transaction& transaction, const Caller& caller,
                             const Membership& of, std::string_view client_index,
                             std::string_view sealed, RecordAct& act) const {
  Record& record = act.record;
  const std::string_view kind = to_string(record.kind);
  if (act.replaces) {
    RABT_TRY(changed, transaction.execute(sql::record::kReplace,
                                          {record.state, record.updated_ms, record.version,
                                           store::Blob{sealed}, of.tenant, record.id}));
    if (changed == 1) return true;
    return conflict("precondition.failed", "somebody else has changed the record meanwhile");
  }
  // The session of a follow-up that is booked is there already.
  const Most most = record.state == "booked" ? Most{} : most_of(caller, of, record.kind);
  if (most.all > 0) {
    std::int64_t has = 0;
    const auto take = [&has](const Row& row) {
      has = row.integer(sql::record::kLocateByNumber["id"]);
      return false;
    };
    RABT_TRY_STATUS(
        transaction.query(sql::record::kHas, {of.tenant, of.session, kind, most.all}, take));
    if (has >= most.all)
      return conflict("record.limit", "a session has at most " + std::to_string(most.all) +
                                          " records of kind " + std::string(kind));
    if (most.own > 0) {
      RABT_TRY_STATUS(transaction.query(
          sql::record::kHasOwn, {of.tenant, of.session, kind, record.author, most.own}, take));
      if (has >= most.own)
        return conflict("record.limit", "one person writes at most " + std::to_string(most.own) +
                                            " records of kind " + std::string(kind));
    }
    // kHasOwn finds what has a client alone.
    if (client_index.empty()) client_index = record.id;
  }
  // Each kind has numbers of its own.
  RABT_TRY(number,
           next_number(transaction, std::string(kTable) + "." + std::string(kind), of.tenant));
  record.number = number;
  RABT_TRY(inserted, transaction.execute(
                         sql::record::kInsert,
                         {of.tenant, record.id, kind, record.number, of.session, record.author,
                          record.state, record.at_ms, record.updated_ms, record.version,
                          store::Blob{client_index}, record.blob, store::Blob{sealed}}));
  return inserted == 1;
}

Status RecordBook::commit(const access::Allowed& /*allowed*/, const Caller& caller,
                          const Membership& of, RecordAct& act) const {
  RABT_TRY(lease, parts_.keys.lease(of.tenant));
  RABT_TRY(key, lease.open(of.data_key));
  Record& record = act.record;
  record.session = of.session;
  const std::string field = field_of(record.version);
  const std::string sealed =
      key->seal({.tenant = of.tenant, .table = kTable, .row = record.id, .field = field},
                record.document.dump(), parts_.random);
  const std::string client_index =
      record.client.empty() ? "" : lease.blind_index("session_record", record.client);
  std::optional<SealedRow> before;
  const store::Lane lane = lane_of(of.session);
  RABT_TRY_STATUS(parts_.store.write(lane, [&](store::Transaction& transaction) -> Status {
    before.reset();
    if (!client_index.empty()) {
      RABT_TRY_STATUS(transaction.query(
          sql::record::kByClient,
          {of.tenant, of.session, to_string(record.kind), record.author, store::Blob{client_index}},
          [&](const Row& row) {
            before = read_row(row);
            return false;
          }));
      if (before) return ok_status();
    }
    if (act.while_open) RABT_TRY_STATUS(parts_.sessions.still_open(transaction, of));
    RABT_TRY(written, put(transaction, caller, of, client_index, sealed, act));
    // The same author wrote it through another writer just now; the next run finds it.
    if (!written) return conflict(std::string(store::kRaced), "it was written meanwhile");
    if (act.also) RABT_TRY_STATUS(act.also(transaction));
    if (caller.once && act.shape != nullptr)
      RABT_TRY_STATUS(caller.once(transaction, act.shape(record)));
    return tell_in(transaction, caller, of, act);
  }));
  if (!before) return ok_status();
  RABT_TRY(stored, open(*key, of, std::move(before->record), before->sealed));
  record = std::move(stored);
  return ok_status();
}

Status RecordBook::tell(const Caller& caller, const Membership& of, const RecordAct& act) const {
  return parts_.store.write(lane_of(of.session), [&](store::Transaction& transaction) -> Status {
    if (act.also) RABT_TRY_STATUS(act.also(transaction));
    return tell_in(transaction, caller, of, act);
  });
}

}  // namespace rabt::consultation
