#include "hub/identity/person_pairs.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "hub/identity/merges.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

// Records from before that one sweep compares, and those of one commit: others wait for it.
constexpr std::int64_t kOldAtOnce = 100;
constexpr std::size_t kOldInOneCommit = 10;
// Likenesses of two records of one patient, in the order of the reasons.
constexpr std::array<std::string_view, 4> kLikeness{"identifier", "name_birth", "phone_birth",
                                                    "name_phone"};
constexpr std::string_view kNameAndBirth = "name_birth";
constexpr std::size_t kUlid = 26;
// The rank of a pair, and two ULIDs.
constexpr std::size_t kPlace = 1 + 2 * kUlid;

bool is_likeness(std::string_view kind) {
  return std::find(kLikeness.begin(), kLikeness.end(), kind) != kLikeness.end();
}

// A ULID begins with the time at which it was made.
std::pair<std::string, std::string> in_order(std::string_view text, std::string_view other) {
  return {std::string(std::max(text, other)), std::string(std::min(text, other))};
}

// Other records, with what each of them shares: the numbers of reasons in kLikeness.
using Alike = std::map<std::string, std::set<std::size_t>>;

Status find_alike(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                  const Alias& alias, std::size_t reason, Alike& alike) {
  std::vector<std::string> found;
  RABT_TRY_STATUS(transaction.query(sql::kAlike,
                                    {tenant, alias.kind, store::Blob{alias.value}, id,
                                     static_cast<std::int64_t>(kMostPaired + 1)},
                                    [&](const store::Row& row) {
                                      found.emplace_back(row.text(sql::kAlike["person"]));
                                      return true;
                                    }));
  const bool common = found.size() > kMostPaired;
  if (common && alias.kind == kNameAndBirth) {
    for (const std::string& word : found)
      RABT_TRY_STATUS(
          store::run(transaction, sql::kDropNamesakes, {tenant, word, store::Blob{alias.value}}));
    // Those that share something else, too.
    for (auto& [other, reasons] : alike) {
      RABT_TRY_STATUS(transaction.query(sql::kHasAlias,
                                        {tenant, alias.kind, store::Blob{alias.value}, other},
                                        [&reasons = reasons, reason](const store::Row&) {
                                          reasons.insert(reason);
                                          return false;
                                        }));
    }
    return ok_status();
  }
  if (common) found.pop_back();
  for (const std::string& text : found) alike[text].insert(reason);
  return ok_status();
}

// The reason that two namesakes have, who may be many, is looked for last.
Status find_all_alike(store::Transaction& transaction, std::string_view tenant, std::string_view id,
                      const std::vector<Alias>& aliases, Alike& alike) {
  for (const bool last : {false, true}) {
    for (std::size_t reason = 0; reason < kLikeness.size(); ++reason) {
      if ((kLikeness[reason] == kNameAndBirth) != last) continue;
      for (const Alias& alias : aliases) {
        if (alias.kind == kLikeness[reason])
          RABT_TRY_STATUS(find_alike(transaction, tenant, id, alias, reason, alike));
      }
    }
  }
  return ok_status();
}

}  // namespace

Status write_pairs(store::Transaction& transaction, std::string_view tenant, const Person& person,
                   const std::vector<Alias>& aliases) {
  RABT_TRY_STATUS(store::run(transaction, sql::kDropPairsOfNewer, {tenant, person.id}));
  RABT_TRY_STATUS(store::run(transaction, sql::kDropPairsOfOlder, {tenant, person.id}));
  if (!is_only_patient(person.roles)) return ok_status();
  Alike alike;
  RABT_TRY_STATUS(find_all_alike(transaction, tenant, person.id, aliases, alike));
  for (const auto& [other, reasons] : alike) {
    std::string why;
    for (const std::size_t reason : reasons)
      why.append(why.empty() ? "" : " ").append(kLikeness[reason]);
    const bool first = reasons.size() > 1 || why == "identifier";
    const auto [newer, older] = in_order(person.id, other);
    RABT_TRY_STATUS(store::run(transaction, sql::kPutPair,
                               {tenant, newer, older, why, std::int64_t{first ? 1 : 0}}));
  }
  return ok_status();
}

std::string PersonPairs::place_of(const PersonPair& pair) {
  return (pair.first ? "1" : "0") + pair.newer + pair.older;
}

Result<std::vector<PersonPair>> PersonPairs::open(std::string_view after, std::size_t limit) {
  if (!after.empty() && (after.size() != kPlace || (after[0] != '0' && after[0] != '1')))
    return invalid("cursor.invalid", "cursor: is not of this list; begin with the first page");
  const std::int64_t rank = after.empty() || after[0] == '1' ? 1 : 0;
  // Behind every ULID.
  const std::string newer(after.empty() ? "~" : after.substr(1, kUlid));
  const std::string older(after.empty() ? "~" : after.substr(1 + kUlid));
  std::vector<PersonPair> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    out.clear();
    return connection.query(
        sql::kOpenPairs, {tenant_, rank, newer, older, static_cast<std::int64_t>(limit)},
        [&](const store::Row& row) {
          PersonPair& pair = out.emplace_back();
          pair.newer = std::string(row.text(sql::kOpenPairs["newer"]));
          pair.older = std::string(row.text(sql::kOpenPairs["older"]));
          pair.first = row.integer(sql::kOpenPairs["rank"]) != 0;
          std::istringstream parts{std::string(row.text(sql::kOpenPairs["reasons"]))};
          for (std::string part; parts >> part;) pair.reasons.push_back(part);
          return true;
        });
  }));
  return out;
}

Status PersonPairs::keep_apart(const Caller& caller, std::string_view text, std::string_view other,
                               const Also& also) {
  if (text == other) return invalid("merge.same_person", "from: it is the same record");
  const auto [newer, older] = in_order(text, other);
  RABT_TRY(later, parts_.people.find(tenant_, newer));
  RABT_TRY(earlier, parts_.people.find(tenant_, older));
  if (!is_only_patient(later.roles) || !is_only_patient(earlier.roles))
    return conflict("merge.not_patient",
                    "records of the staff make no pairs; both must be of patients alone");
  const auto entry = parts_.audit.prepare({.tenant = tenant_,
                                           .actor = caller.who.actor(),
                                           .act = "patient.kept_apart",
                                           .object = "person:" + later.id,
                                           .result = "ok",
                                           .detail = Json::object({{"from", earlier.id}}),
                                           .patient = later.pseudonym,
                                           .purpose = caller.purpose,
                                           .client = caller.client,
                                           .request = caller.request});
  const std::int64_t now = parts_.clock.now().ms;
  const std::string by = caller.who.actor();
  return parts_.store.write(
      [&, &newer = newer, &older = older](store::Transaction& transaction) -> Status {
        for (const std::string& id : {newer, older}) {
          bool merged = false;
          RABT_TRY_STATUS(transaction.query(sql::kPointer, {tenant_, id}, [&](const store::Row&) {
            merged = true;
            return false;
          }));
          if (merged)
            return conflict("merge.taken", "one of the records is merged; undo that first");
        }
        RABT_TRY_STATUS(store::run(transaction, sql::kKeepApart, {tenant_, newer, older, by, now}));
        if (also) RABT_TRY_STATUS(also(transaction));
        return parts_.audit.append(transaction, entry);
      });
}

void PersonPairs::closed(std::string_view id, const Error& why) {
  if (why.kind == ErrorKind::not_found) return;
  {
    const Lock lock(mutex_);
    if (!closed_.emplace(id).second) return;
  }
  parts_.log.warn("pairs.closed", {{"record", id}, {"code", why.code}});
}

Status PersonPairs::compare(store::Transaction& transaction, const Person& person,
                            const std::vector<Alias>& aliases) const {
  // Somebody who changed the record meanwhile has compared it.
  RABT_TRY(rows, transaction.execute(sql::kMarkCompared, {tenant_, person.id, person.version}));
  if (rows != 1) return ok_status();
  for (const Alias& alias : aliases) {
    if (!is_likeness(alias.kind)) continue;
    RABT_TRY_STATUS(store::run(transaction, sql::kPutAlias,
                               {tenant_, alias.kind, store::Blob{alias.value}, person.id,
                                std::int64_t{alias.sole ? 1 : 0}}));
  }
  return write_pairs(transaction, tenant_, person, aliases);
}

Status PersonPairs::compare_old() {
  std::vector<std::string> ids;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    ids.clear();
    return connection.query(sql::kUncompared, {tenant_, kOldAtOnce}, [&](const store::Row& row) {
      ids.emplace_back(row.text(sql::kUncompared["id"]));
      return true;
    });
  }));
  if (ids.empty()) return ok_status();
  RABT_TRY(lease, parts_.keys.lease(tenant_));
  for (std::size_t at = 0; at < ids.size(); at += kOldInOneCommit) {
    const std::size_t end = std::min(ids.size(), at + kOldInOneCommit);
    RABT_TRY_STATUS(compare_some(lease, {ids.begin() + static_cast<std::ptrdiff_t>(at),
                                         ids.begin() + static_cast<std::ptrdiff_t>(end)}));
  }
  return ok_status();
}

Status PersonPairs::compare_some(const keys::Lease& lease, const std::vector<std::string>& ids) {
  std::vector<std::string> unread;
  std::vector<std::pair<Person, std::vector<Alias>>> opened;
  for (const std::string& id : ids) {
    auto person = parts_.people.find(tenant_, id);
    if (!person.ok()) {
      // One record that cannot be read holds back none behind it.
      if (person.error().kind == ErrorKind::unavailable) return person.error();
      closed(id, person.error());
      unread.push_back(id);
      continue;
    }
    std::vector<Alias> aliases = aliases_of(lease, person->profile);
    opened.emplace_back(*std::move(person), std::move(aliases));
  }
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    for (const std::string& id : unread)
      RABT_TRY_STATUS(store::run(transaction, sql::kMarkClosed, {tenant_, id}));
    for (const auto& [person, aliases] : opened)
      RABT_TRY_STATUS(compare(transaction, person, aliases));
    return ok_status();
  });
}

}  // namespace rabt::identity
