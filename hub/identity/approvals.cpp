#include "hub/identity/approvals.hpp"

#include <algorithm>
#include <optional>

#include "hub/base/bytes.hpp"
#include "hub/identity/act_entry.hpp"
#include "hub/identity/api_token.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/statements.hpp"
#include "hub/keys/retention.hpp"

namespace rabt::identity {

namespace {

constexpr std::string_view kAsked = "asked";
constexpr std::string_view kConfirmed = "confirmed";

crypto::SealContext context_of(std::string_view tenant, std::string_view id) {
  return {tenant, "approval", id, "wish"};
}

const SecondPersonAct* act_named(std::string_view name) {
  for (const SecondPersonAct& act : kSecondPersonActs) {
    if (act.name == name) return &act;
  }
  return nullptr;
}

// Parts that cannot run into one another.
std::string joined(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts)
    out.append(std::to_string(part.size())).append(":").append(part);
  return out;
}

// Until when stands in the list of requests: a date would be masked in an answer of the API.
Error needed(std::string_view id) {
  return denied("approval.needed",
                "a second person confirms this first: request " + std::string(id) +
                    " of `rabt approvals` or GET /api/v1/approvals; then send the same once more");
}

// True if who confirmed, as the audit log names him, may confirm the act now.
Result<bool> still_confirms(store::Connection& connection, std::string_view tenant,
                            const SecondPersonAct& act, std::string_view confirmer) {
  const std::string prefix = person_subject("");
  if (!confirmer.starts_with(prefix)) return false;
  bool found = false;
  for (const std::string& role : act.confirm.names()) {
    RABT_TRY_STATUS(connection.query(
        sql::kMayConfirm, {tenant, confirmer.substr(prefix.size()), role}, [&](const store::Row&) {
          found = true;
          return false;
        }));
  }
  return found;
}

// True if this is a person in person: no client that acts for one.
bool is_person(const Principal& who) {
  return who.kind == Kind::person && !who.person.empty();
}

// Whoever runs the hub: a user of its machine, or of its data folder.
bool is_own(const Principal& who) {
  const bool token = who.kind == Kind::client && who.id == kApiTokenClient;
  return (who.kind == Kind::local || token) && who.person.empty();
}

}  // namespace

struct Approvals::Row {
  Approval approval;
  std::string asker_person;
  std::string object;
  std::string state;
  std::string data_key;
  std::string sealed;

  static Row of(const store::Row& row) {
    Row out;
    out.approval.id = std::string(row.text(sql::kFindApproval["id"]));
    out.approval.act = std::string(row.text(sql::kFindApproval["act"]));
    out.approval.asker = std::string(row.text(sql::kFindApproval["asker"]));
    out.asker_person = std::string(row.text(sql::kFindApproval["asker_person"]));
    out.object = std::string(row.text(sql::kFindApproval["object"]));
    out.state = std::string(row.text(sql::kFindApproval["state"]));
    out.approval.confirmer = std::string(row.text(sql::kFindApproval["confirmer"]));
    out.approval.asked_ms = row.integer(sql::kFindApproval["asked_ms"]);
    out.approval.ends_ms = row.integer(sql::kFindApproval["ends_ms"]);
    out.data_key = std::string(row.blob(sql::kFindApproval["data_key"]));
    out.sealed = std::string(row.blob(sql::kFindApproval["sealed"]));
    return out;
  }
};

bool SecondPersonOptions::need(const SecondPersonAct& act) const {
  return act.always || std::find(acts.begin(), acts.end(), act.name) != acts.end();
}

Result<bool> has_second_person(store::Connection& connection, std::string_view tenant,
                               const SecondPersonAct& act, std::string_view asker,
                               std::string_view object) {
  for (const std::string& role : act.confirm.names()) {
    bool found = false;
    RABT_TRY_STATUS(connection.query(sql::kFindConfirmer, {tenant, role, asker, object},
                                     [&](const store::Row&) {
                                       found = true;
                                       return false;
                                     }));
    if (found) return true;
  }
  return false;
}

Status withdraw_approvals(store::Transaction& transaction, std::string_view tenant,
                          std::string_view person) {
  const std::string confirmer = person_subject(person);
  RABT_TRY_STATUS(store::run(transaction, sql::kDropApprovalsOf, {tenant, person}));
  return store::run(transaction, sql::kTakeBackConfirmations, {tenant, confirmer});
}

audit::Prepared Approvals::entry_of(const Caller& caller, std::string_view act, std::string_view id,
                                    Json detail) const {
  const std::string object = id.empty() ? std::string() : "approval:" + std::string(id);
  return act_entry(parts_.audit, caller, tenant_, act, object, "ok", std::move(detail));
}

Status Approvals::pass(const Caller& caller, const Wish& wish) {
  if (!needs(wish.act)) return ok_status();
  const Principal& who = caller.who;
  const bool own = is_own(who);
  if (!own && !is_person(who)) {
    return denied("approval.person",
                  "this needs two persons: one who signs in himself, or whoever runs the hub, "
                  "asks for it, and another person confirms it");
  }
  RABT_TRY(lease, parts_.keys.lease(tenant_));
  RABT_TRY(data_key, parts_.keys.shared(tenant_, keys::kEvent));
  const std::string actor = who.actor();
  const std::string fingerprint =
      lease.blind_index("approval/1", joined({actor, wish.act.name, wish.object, wish.whole}));
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t ends = now + options_.within_ms;
  const std::string id = parts_.ids.next().text();
  const std::string sealed =
      data_key->seal(context_of(tenant_, id), wish.what.dump(), parts_.random);
  const Json detail = Json::object({{"act", wish.act.name}});
  const auto alone = entry_of(caller, "approval.alone", "", detail);
  const auto asked = entry_of(caller, "approval.asked", id, detail);
  std::optional<Error> refusal;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    refusal.reset();
    RABT_TRY_STATUS(store::run(transaction, sql::kForgetApprovals, {now}));
    std::optional<Row> row;
    RABT_TRY_STATUS(transaction.query(sql::kFindApproval, {tenant_, store::Blob{fingerprint}},
                                      [&](const store::Row& one) {
                                        row = Row::of(one);
                                        return false;
                                      }));
    if (row && row->state == kConfirmed) {
      Json by = detail;
      by.set("confirmedBy", row->approval.confirmer);
      RABT_TRY(good, still_confirms(transaction, tenant_, wish.act, row->approval.confirmer));
      if (good) {
        RABT_TRY_STATUS(store::run(transaction, sql::kDropApproval, {tenant_, row->approval.id}));
        return parts_.audit.append(
            transaction, entry_of(caller, "approval.used", row->approval.id, std::move(by)));
      }
      RABT_TRY_STATUS(store::run(transaction, sql::kAnswerApproval,
                                 {tenant_, row->approval.id, kAsked, std::string_view()}));
      refusal = needed(row->approval.id);
      return parts_.audit.append(
          transaction, entry_of(caller, "approval.lapsed", row->approval.id, std::move(by)));
    }
    if (row) {
      refusal = needed(row->approval.id);
      return ok_status();
    }
    if (own) {
      RABT_TRY(second, has_second_person(transaction, tenant_, wish.act, "", wish.object));
      if (!second) return parts_.audit.append(transaction, alone);
    }
    refusal = needed(id);
    RABT_TRY_STATUS(store::run(
        transaction, sql::kPutApproval,
        {tenant_, id, wish.act.name, actor, who.person, wish.object, store::Blob{fingerprint},
         store::Blob{data_key->id()}, store::Blob{sealed}, now, ends}));
    return parts_.audit.append(transaction, asked);
  }));
  return refusal ? Status(*refusal) : ok_status();
}

Result<Tally> Approvals::asked() const {
  Tally out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kCountAsked, {tenant_, parts_.clock.now().ms},
                            [&](const store::Row& row) {
                              out.count = row.integer(sql::kCountAsked["count"]);
                              if (!row.is_null(sql::kCountAsked["first_asked_ms"]))
                                out.oldest = {row.integer(sql::kCountAsked["first_asked_ms"])};
                              return false;
                            });
  }));
  return out;
}

Result<std::vector<Approval>> Approvals::open() {
  std::vector<Row> rows;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    rows.clear();
    RABT_TRY_STATUS(connection.query(sql::kOpenApprovals, {tenant_, parts_.clock.now().ms},
                                     [&](const store::Row& row) {
                                       rows.push_back(Row::of(row));
                                       return true;
                                     }));
    for (Row& row : rows) {
      const SecondPersonAct* act = act_named(row.approval.act);
      if (act == nullptr || row.approval.confirmer.empty()) continue;
      RABT_TRY(good, still_confirms(connection, tenant_, *act, row.approval.confirmer));
      if (!good) row.approval.confirmer.clear();
    }
    return ok_status();
  }));
  std::vector<Approval> out;
  for (Row& row : rows) {
    const auto key = parts_.keys.open(tenant_, row.data_key);
    // With a key that was destroyed meanwhile, nobody can read any more what was asked.
    if (!key.ok() && key.error().kind == ErrorKind::not_found) continue;
    if (!key.ok()) return key.error();
    RABT_TRY(plain, (*key)->open(context_of(tenant_, row.approval.id), row.sealed));
    RABT_TRY(wish, Json::parse(plain));
    row.approval.wish = std::move(wish);
    out.push_back(std::move(row.approval));
  }
  return out;
}

Status Approvals::answer(const Caller& caller, std::string_view id, bool confirms) {
  const Principal& who = caller.who;
  const std::string actor = who.actor();
  const std::int64_t now = parts_.clock.now().ms;
  const std::string_view state = confirms ? kConfirmed : std::string_view("refused");
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    std::optional<Row> row;
    RABT_TRY_STATUS(
        transaction.query(sql::kApprovalById, {tenant_, id, now}, [&](const store::Row& one) {
          row = Row::of(one);
          return false;
        }));
    if (!row) return not_found("approval.unknown", "there is no such request, or its time is over");
    const SecondPersonAct* act = act_named(row->approval.act);
    if (act == nullptr || !who.roles.has_any(act->confirm) || !is_person(who))
      return denied("authorisation.denied",
                    "a person who signs in himself and has a role for it "
                    "confirms this");
    if (confirms && (who.person == row->asker_person || who.person == row->object))
      return denied("approval.same_person",
                    "somebody else confirms this than who asked, or whom it is about");
    RABT_TRY(confirmed, still_confirms(transaction, tenant_, *act, row->approval.confirmer));
    if (row->state != kAsked && (confirmed || row->state != kConfirmed))
      return conflict("approval.answered", "the request has its answer");
    // A role that only a token names is no role when the act is done.
    RABT_TRY(valid, still_confirms(transaction, tenant_, *act, actor));
    if (confirms && !valid)
      return denied("authorisation.denied",
                    "the hub does not know the caller by a role that confirms this");
    RABT_TRY_STATUS(store::run(transaction, sql::kAnswerApproval, {tenant_, id, state, actor}));
    return parts_.audit.append(
        transaction,
        entry_of(caller, confirms ? "approval.confirmed" : "approval.refused", id,
                 Json::object({{"act", row->approval.act}, {"askedBy", row->approval.asker}})));
  });
}

}  // namespace rabt::identity
