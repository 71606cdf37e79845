#include "hub/identity/merges.hpp"

#include <algorithm>

#include "hub/identity/epochs.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

constexpr std::string_view kInForce = "in_force";
constexpr std::string_view kWaiting = "waiting";

crypto::SealContext merge_context(std::string_view tenant, std::string_view id) {
  return {tenant, "person_merge", id, "sealed"};
}

struct Pointer {
  std::string to;
  bool in_force = false;
};

Result<std::optional<Pointer>> pointer_of(store::Connection& connection, std::string_view tenant,
                                          std::string_view id) {
  std::optional<Pointer> out;
  RABT_TRY_STATUS(connection.query(sql::kPointer, {tenant, id}, [&](const store::Row& row) {
    out = Pointer{std::string(row.text(sql::kPointer["survivor"])),
                  row.text(sql::kPointer["state"]) == kInForce};
    return false;
  }));
  return out;
}

// The end of the pointers from `id`. waiting: those that wait count, too.
Result<std::string> end_of(store::Connection& connection, std::string_view tenant,
                           std::string_view id, bool waiting) {
  std::string out(id);
  // Circles are refused; the bound keeps a damaged table from holding a reader.
  for (std::size_t step = 0; step <= kMostMerged; ++step) {
    RABT_TRY(next, pointer_of(connection, tenant, out));
    if (!next || (!next->in_force && !waiting)) break;
    out = std::move(next->to);
  }
  return out;
}

// `end` and everything that points to it.
Result<std::vector<std::string>> all_behind(store::Connection& connection, std::string_view tenant,
                                            std::string end, bool waiting) {
  std::vector<std::string> out{std::move(end)};
  for (std::size_t at = 0; at < out.size() && out.size() <= kMostMerged; ++at) {
    std::vector<std::string> more;
    RABT_TRY_STATUS(
        connection.query(sql::kPointersTo, {tenant, out[at]}, [&](const store::Row& row) {
          if (waiting || row.text(sql::kPointersTo["state"]) == kInForce)
            more.emplace_back(row.text(sql::kPointersTo["merged"]));
          return true;
        }));
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

// The merged record's account stands still while the pointer does.
Status end_sessions(store::Transaction& transaction, std::string_view tenant,
                    std::string_view merged) {
  RABT_TRY_STATUS(store::run(transaction, sql::kEndSessions, {tenant, merged}));
  return raise_epoch(transaction, tenant, person_subject(merged));
}

}  // namespace

bool is_only_patient(Roles roles) {
  return roles.has(Role::patient) && roles.among({Role::patient, Role::guest}) == roles;
}

Result<std::string> survivor_of(store::Connection& connection, std::string_view tenant,
                                std::string_view id) {
  return end_of(connection, tenant, id, false);
}

Result<std::vector<std::string>> records_of(store::Connection& connection, std::string_view tenant,
                                            std::string_view id) {
  RABT_TRY(end, end_of(connection, tenant, id, false));
  return all_behind(connection, tenant, std::move(end), false);
}

Result<OtherRecords> others_of(store::Connection& connection, std::string_view tenant,
                               std::string_view id) {
  OtherRecords out;
  out.fill(std::string(id));
  if (id.empty()) return out;
  RABT_TRY(records, records_of(connection, tenant, id));
  std::size_t at = 0;
  for (std::string& record : records) {
    if (record != id && at < out.size()) out[at++] = std::move(record);
  }
  return out;
}

struct Merges::Row {
  Merge merge;
  std::string sealed;

  static Row of(const store::Row& row) {
    Row out;
    out.merge.id = std::string(row.text(sql::kMergeOf["id"]));
    out.merge.merged = std::string(row.text(sql::kMergeOf["merged"]));
    out.merge.survivor = std::string(row.text(sql::kMergeOf["survivor"]));
    out.merge.in_force = row.text(sql::kMergeOf["state"]) == kInForce;
    out.merge.by = std::string(row.text(sql::kMergeOf["by_actor"]));
    out.merge.asked_ms = row.integer(sql::kMergeOf["asked_ms"]);
    if (!row.is_null(sql::kMergeOf["since_ms"]))
      out.merge.since_ms = row.integer(sql::kMergeOf["since_ms"]);
    out.sealed = std::string(row.blob(sql::kMergeOf["sealed"]));
    return out;
  }
};

Result<std::shared_ptr<const crypto::DataKey>> Merges::key_of_person(
    std::string_view person) const {
  std::string id;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kKeyOf, {tenant_, person}, [&](const store::Row& row) {
      id = std::string(row.blob(sql::kKeyOf["data_key"]));
      return false;
    });
  }));
  if (id.empty()) return not_found("person.unknown", "there is no such person");
  return parts_.keys.open(tenant_, id);
}

Result<Merge> Merges::open(const Row& row) const {
  RABT_TRY(key, key_of_person(row.merge.merged));
  RABT_TRY(plain, key->open(merge_context(tenant_, row.merge.id), row.sealed));
  RABT_TRY(document, Json::parse(plain));
  Merge out = row.merge;
  out.reason = document.string_or("reason", "");
  return out;
}

Status Merges::may_point(store::Connection& connection, const MergeWish& wish) const {
  RABT_TRY(before, pointer_of(connection, tenant_, wish.merged));
  if (before)
    return conflict("merge.taken",
                    "the record is merged already; undo that first, or merge the other record");
  RABT_TRY(end, end_of(connection, tenant_, wish.survivor, true));
  if (end == wish.merged)
    return conflict("merge.circle",
                    "the other record is merged into this one; merge the other way round");
  RABT_TRY(there, all_behind(connection, tenant_, std::move(end), true));
  RABT_TRY(coming, all_behind(connection, tenant_, wish.merged, true));
  if (there.size() + coming.size() > kMostMerged + 1)
    return conflict("merge.limit",
                    "at most " + std::to_string(kMostMerged) + " records are merged into one");
  return ok_status();
}

Result<std::vector<std::string>> Merges::check(const MergeWish& wish) {
  if (wish.merged == wish.survivor)
    return invalid("merge.same_person", "into: it is the same record");
  RABT_TRY(merged, parts_.people.find(tenant_, wish.merged));
  RABT_TRY(survivor, parts_.people.find(tenant_, wish.survivor));
  if (!is_only_patient(merged.roles) || !is_only_patient(survivor.roles))
    return conflict("merge.not_patient",
                    "records of the staff are not merged; both must be of patients alone");
  RABT_TRY_STATUS(parts_.store.read(
      [&](store::Connection& connection) { return may_point(connection, wish); }));
  if (wish.version && *wish.version != merged.version)
    return conflict("precondition.failed",
                    "the record was changed meanwhile; read it again and repeat the merge");
  std::vector<std::string> differ;
  for (const char* member : {"birthDate", "gender"}) {
    const Json& item = merged.profile[member];
    const Json& other = survivor.profile[member];
    // A member that one of them lacks contradicts nothing.
    if (!item.is_null() && !other.is_null() && item != other) differ.emplace_back(member);
  }
  return differ;
}

audit::Prepared Merges::entry_of(const Caller& caller, std::string_view act, const Person& merged,
                                 Json detail) const {
  return parts_.audit.prepare({.tenant = tenant_,
                               .actor = caller.who.actor(),
                               .act = std::string(act),
                               .object = "person:" + merged.id,
                               .result = "ok",
                               .detail = std::move(detail),
                               .patient = merged.pseudonym,
                               .purpose = caller.purpose,
                               .client = caller.client,
                               .request = caller.request});
}

Status Merges::tell(store::Transaction& transaction, News news, const Merge& merge) const {
  return parts_.tell ? parts_.tell(transaction, news, merge.merged, merge.survivor) : ok_status();
}

Result<Merge> Merges::merge(const Caller& caller, const MergeWish& wish, bool waits,
                            const AlsoMerged& also) {
  RABT_TRY(differ, check(wish));
  RABT_TRY(person, parts_.people.find(tenant_, wish.merged));
  const std::int64_t now = parts_.clock.now().ms;
  Merge out{.id = parts_.ids.next().text(),
            .merged = wish.merged,
            .survivor = wish.survivor,
            .in_force = !waits,
            .by = caller.who.actor(),
            .asked_ms = now,
            .reason = wish.reason};
  if (out.in_force) out.since_ms = now;
  Json differing = Json::array();
  for (const std::string& member : differ) differing.push_back(member);
  const auto entry =
      entry_of(caller, waits ? "patient.merge_waits" : "patient.merged", person,
               Json::object({{"into", wish.survivor}, {"differ", std::move(differing)}}));
  const std::string plain = Json::object({{"reason", wish.reason}}).dump();
  RABT_TRY(key, key_of_person(wish.merged));
  const std::string sealed = key->seal(merge_context(tenant_, out.id), plain, parts_.random);
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(turn, transaction.next(sql::kMergeOrder));
    (void)turn;
    RABT_TRY_STATUS(may_point(transaction, wish));
    RABT_TRY_STATUS(
        store::run(transaction, sql::kPutMerge,
                   {tenant_, out.id, out.merged, out.survivor, waits ? kWaiting : kInForce, out.by,
                    now, out.since_ms ? store::Value(*out.since_ms) : store::Value(store::Null{}),
                    store::Blob{sealed}}));
    if (!waits) {
      RABT_TRY_STATUS(end_sessions(transaction, tenant_, out.merged));
      RABT_TRY_STATUS(tell(transaction, News::merged, out));
    }
    if (also) RABT_TRY_STATUS(also(transaction, out));
    return parts_.audit.append(transaction, entry);
  }));
  return out;
}

Status Merges::undo(const Caller& caller, std::string_view merged, std::string_view reason,
                    const Also& also) {
  RABT_TRY(now, of(merged));
  const auto none = [] { return conflict("merge.none", "the record is not merged"); };
  if (!now) return none();
  RABT_TRY(person, parts_.people.find(tenant_, merged));
  const auto entry =
      entry_of(caller, "patient.unmerged", person, Json::object({{"from", now->survivor}}));
  const Json document =
      Json::object({{"reason", now->reason}, {"undone", reason}, {"undoneBy", caller.who.actor()}});
  RABT_TRY(key, key_of_person(merged));
  const std::string sealed =
      key->seal(merge_context(tenant_, now->id), document.dump(), parts_.random);
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    // One that waited was told to nobody.
    RABT_TRY(before, pointer_of(transaction, tenant_, merged));
    RABT_TRY(rows, transaction.execute(sql::kUndoMerge, {tenant_, now->id, store::Blob{sealed}}));
    if (rows != 1) return none();
    if (before && before->in_force) RABT_TRY_STATUS(tell(transaction, News::unmerged, *now));
    RABT_TRY_STATUS(raise_epoch(transaction, tenant_, person_subject(merged)));
    RABT_TRY_STATUS(raise_epoch(transaction, tenant_, person_subject(now->survivor)));
    if (also) RABT_TRY_STATUS(also(transaction));
    return parts_.audit.append(transaction, entry);
  });
}

Result<std::vector<std::string>> Merges::waiting() {
  std::vector<std::string> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(sql::kMergesWaiting, {tenant_}, [&](const store::Row& row) {
      out.emplace_back(row.text(sql::kMergesWaiting["merged"]));
      return true;
    });
  }));
  return out;
}

Status Merges::take_effect(const Caller& caller, std::string_view merged) {
  RABT_TRY(now, of(merged));
  if (!now || now->in_force) return ok_status();
  RABT_TRY(person, parts_.people.find(tenant_, merged));
  const auto entry = entry_of(caller, "patient.merged", person,
                              Json::object({{"into", now->survivor}, {"askedBy", now->by}}));
  const std::int64_t at = parts_.clock.now().ms;
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(sql::kForceMerge, {tenant_, now->id, at}));
    // Somebody undid it meanwhile.
    if (rows != 1) return ok_status();
    RABT_TRY_STATUS(end_sessions(transaction, tenant_, merged));
    RABT_TRY_STATUS(tell(transaction, News::merged, *now));
    return parts_.audit.append(transaction, entry);
  });
}

Result<std::optional<Merge>> Merges::of(std::string_view merged) {
  std::optional<Row> row;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kMergeOf, {tenant_, merged}, [&](const store::Row& one) {
      row = Row::of(one);
      return false;
    });
  }));
  if (!row) return std::optional<Merge>();
  RABT_TRY(opened, open(*row));
  return std::optional(std::move(opened));
}

Result<std::vector<Merge>> Merges::into(std::string_view survivor) {
  std::vector<Row> rows;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    rows.clear();
    return connection.query(sql::kMergesInto, {tenant_, survivor}, [&](const store::Row& one) {
      rows.push_back(Row::of(one));
      return true;
    });
  }));
  std::vector<Merge> out;
  for (const Row& row : rows) {
    RABT_TRY(opened, open(row));
    out.push_back(std::move(opened));
  }
  return out;
}

}  // namespace rabt::identity
