#include "hub/consultation/record/record_office.hpp"

#include "hub/base/bytes.hpp"
#include "hub/consultation/record/rights.hpp"

namespace rabt::consultation {

RecordOffice::RecordOffice(RecordParts parts)
    : parts_(std::move(parts)),
      book_({.store = parts_.store,
             .audit = parts_.audit,
             .keys = parts_.keys,
             .sessions = parts_.sessions,
             .clock = parts_.clock,
             .random = parts_.random}) {}

Record RecordOffice::fresh(const Caller& caller, const Membership& of, RecordKind kind) const {
  const std::int64_t now = parts_.clock.now().ms;
  Record record{.id = parts_.ids.next().text(),
                .kind = kind,
                .session = of.session,
                .author = of.participant,
                .at_ms = now,
                .updated_ms = now};
  record.document.set("author", to_json(author_of(caller, of)));
  // A step that is repeated writes once.
  if (caller.system) record.client = caller.key;
  return record;
}

Result<Membership> RecordOffice::member(const Caller& caller, std::string_view session) {
  return parts_.sessions.membership(caller, session);
}

Result<RecordOffice::Found> RecordOffice::find(const Caller& caller, RecordKind kind,
                                               std::string_view name,
                                               std::optional<access::Right> by) {
  RABT_TRY(place, book_.locate(caller.who.tenant, kind, name));
  RABT_TRY(of, member(caller, place.session));
  RABT_TRY_STATUS(by ? may(*by, caller, of) : may_read(caller, of, kind));
  RABT_TRY(record, book_.find(of, kind, place.id));
  if (!is_shown(caller, of, record)) return not_found("record.unknown", "there is no such record");
  return Found{.of = std::move(of), .record = std::move(record)};
}

Status RecordOffice::allows(const Caller& caller, const Asked<NamedRecord>& asked,
                            access::Right right) {
  RABT_TRY(request, asked);
  if (right == access::Right::prescription_dispense) {
    const auto found = find(caller, RecordKind::prescription, request.record, right);
    return found.ok() ? ok_status() : Status(found.error());
  }
  const RecordKind kind =
      right == access::Right::prescription_write ? RecordKind::prescription : RecordKind::note;
  RABT_TRY(found, find(caller, kind, request.record));
  RABT_TRY_STATUS(may(right, caller, found.of));
  if (found.record.author == found.of.participant || is_doctor(found.of)) return ok_status();
  return denied("authorisation.denied", "only its author or the doctor changes it");
}

Result<RecordBook::Page> RecordOffice::page(const Caller& caller, const Asked<ListRecords>& asked,
                                            RecordKind kind) {
  RABT_TRY(request, asked);
  RABT_TRY(of, member(caller, request.session));
  RABT_TRY_STATUS(may_read(caller, of, kind));
  RABT_TRY(page, book_.page(of, kind, request.after));
  std::erase_if(page.records, [&](const Record& record) { return !is_shown(caller, of, record); });
  RABT_TRY_STATUS(
      audit_reading(caller, of, "session.read",
                    Json::object({{"of", to_string(kind)}, {"count", page.records.size()}})));
  return page;
}

Status RecordOffice::audit_reading(const Caller& caller, const Membership& of, std::string_view act,
                                   Json detail) {
  const bool outside = of.administrator && of.participant.empty() && !caller.system;
  if (outside && !caller.reason.empty()) {
    access::Reading reading{
        .act = std::string(act), .object = "session:" + of.session, .detail = std::move(detail)};
    if (const auto index = from_hex(of.patient_pseudonym); index && !index->empty())
      reading.patients.emplace_back(as_text(*index));
    return parts_.access.admit({.actor = caller.who.actor(),
                                .token = caller.who.credential,
                                .client = caller.client,
                                .request = caller.request,
                                .reason = caller.reason,
                                .purpose = caller.purpose},
                               reading);
  }
  // A workflow that has begun goes on.
  if (!caller.system) RABT_TRY_STATUS(parts_.access.ready());
  const audit::Prepared entry = book_.entry(caller, of, act, std::move(detail));
  const Status written = parts_.store.write(
      [&](store::Transaction& transaction) { return parts_.audit.append(transaction, entry); });
  return written.ok() ? written : Status(access::not_audited(written.error()));
}

Result<std::string> RecordOffice::screen(const Caller& caller, const Membership& of,
                                         const TextRules& rules, std::string_view text,
                                         std::string_view where, RecordAct& act) {
  const TextRule rule = rule_for(rules, of.type, of.readers);
  const TextDecision decision =
      rule == TextRule::off ? TextDecision{.rule = rule, .kinds = {}, .text = std::string(text)}
                            : decide_text(rule, text, parts_.detector.find(text));
  Json kinds = Json::array();
  for (const std::string& kind : decision.kinds) kinds.push_back(kind);
  act.record.document.set("phi", kinds);
  act.record.document.set("masked", decision.rule == TextRule::mask);
  if (decision.kinds.empty()) return decision.text;
  const Json detail =
      Json::object({{"in", where}, {"kinds", kinds}, {"action", to_string(decision.rule)}});
  if (decision.rule != TextRule::block) {
    act.acts.emplace_back("phi.detected", detail);
    act.events.emplace_back("phi-detected", detail);
    return decision.text;
  }
  RABT_TRY_STATUS(book_.tell(caller, of,
                             {.record = {},
                              .acts = {{"phi.detected", detail}},
                              .events = {{"phi-detected", detail}},
                              .also = {}}));
  return exposed(decision.kinds);
}

}  // namespace rabt::consultation
