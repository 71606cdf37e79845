#include "hub/access/access_control.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include "hub/base/bytes.hpp"

namespace rabt::access {

namespace {

using store::Statement;

// The columns of Row, in its order.
#define RABT_GRANT_COLUMNS                                                           \
  "id, instance, patient, opened_ms, length_ms, boot, clock_ms, opened_by, sealed, " \
  "uses, ended_ms, ended_how, ended_by, reviewed_ms, reviewed_by"
constexpr Statement kInsert{
    "INSERT INTO break_glass (tenant, id, instance, patient, opened_ms, length_ms, boot, clock_ms, "
    "opened_by, sealed, uses) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)"};
constexpr Statement kAll{"SELECT " RABT_GRANT_COLUMNS
                         " FROM break_glass WHERE tenant = $1 AND id > $2 ORDER BY id DESC LIMIT "
                         "1000"};
constexpr Statement kOpen{"SELECT " RABT_GRANT_COLUMNS
                          " FROM break_glass WHERE tenant = $1 AND ended_ms IS NULL AND id > $2 "
                          "ORDER BY id"};
constexpr Statement kOne{"SELECT " RABT_GRANT_COLUMNS
                         " FROM break_glass WHERE tenant = $1 AND id = $2"};
// A patient's grant covers every instance that works on this person's data, whichever of the
// identifiers the grant was asked for by.
constexpr Statement kCovers{
    "SELECT 1 FROM instance_patient p JOIN instance i ON i.num = p.instance WHERE p.tenant = $1 "
    "AND p.patient = $2 AND i.id = $3"};
constexpr Statement kUse{
    "UPDATE break_glass SET uses = uses + 1 WHERE tenant = $1 AND id = $2 AND ended_ms IS NULL"};
constexpr Statement kEnd{
    "UPDATE break_glass SET ended_ms = $3, ended_how = $4, ended_by = $5 WHERE tenant = $1 AND id "
    "= $2 AND ended_ms IS NULL"};
constexpr Statement kReview{
    "UPDATE break_glass SET reviewed_ms = $3, reviewed_by = $4 WHERE tenant = $1 AND id = $2 AND "
    "reviewed_ms IS NULL"};

constexpr std::string_view kEmergency = "BTG";  // HL7 v3 ActReason: break the glass

Error no_audit(const Error& cause) {
  return unavailable("audit.unavailable",
                     "the audit entry could not be written, so patient data are not given; try "
                     "again when the store works (" +
                         cause.code + ")");
}

Status check_reason(std::string_view reason) {
  if (reason.empty() || reason.size() > kMaxReason) {
    return invalid("phi.reason",
                   "reading patient data needs a reason of at most " + std::to_string(kMaxReason) +
                       " bytes, in the header X-Rabt-Reason; it is kept sealed in the audit log");
  }
  return ok_status();
}

}  // namespace

bool is_purpose(std::string_view code) {
  // HL7 v3 ActReason, the codes under PurposeOfUse that a reading can have.
  static constexpr std::array<std::string_view, 32> kCodes{
      "TREAT",   "CAREMGT",   "CLINTRCH", "COVERAGE", "COC",      "DISASTER", "DONAT",
      "ETREAT",  "BTG",       "ERTREAT",  "HDIRECT",  "HMARKT",   "HOPERAT",  "HPAYMT",
      "HRESCH",  "HSYSADMIN", "HLEGAL",   "HQUALIMP", "HOUTCOMS", "HPRGRP",   "HRELIABL",
      "HTEST",   "LABELING",  "MEMADMIN", "METAMGT",  "PATADMIN", "PATRQT",   "FAMRQT",
      "PUBHLTH", "SUPNWK",    "THREAT",   "TRAIN"};
  return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

std::string machine_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

struct AccessControl::Row {
  Grant grant;
  std::string patient;  // blind index
  std::int64_t length_ms = 0;
  std::string boot;
  std::int64_t clock_ms = 0;
};

AccessControl::AccessControl(Parts parts, std::string tenant, ReadPolicy policy, std::string boot)
    : parts_(parts), tenant_(std::move(tenant)), policy_(policy), boot_(std::move(boot)) {
  // Without a name of the boot the monotonic clock of an earlier process means nothing: grants then
  // end with the process.
  if (boot_.empty()) boot_ = "process " + parts_.ids.next().text();
}

bool AccessControl::over(const Row& row) const {
  const std::int64_t now = parts_.clock.now().ms;
  if (now >= row.grant.opened.ms + row.length_ms) return true;
  return row.boot != boot_ || parts_.clock.monotonic_ms() - row.clock_ms >= row.length_ms ||
         now < row.grant.opened.ms;
}

Result<std::vector<AccessControl::Row>> AccessControl::rows(store::Connection& connection,
                                                            const Statement& statement,
                                                            std::string_view key) const {
  std::vector<Row> out;
  RABT_TRY_STATUS(connection.query(statement, {tenant_, key}, [&](const store::Row& row) {
    Row one;
    Grant& grant = one.grant;
    grant.id = std::string(row.text(0));
    grant.instance = std::string(row.text(1));
    one.patient = std::string(row.blob(2));
    grant.patient = to_hex(as_bytes(one.patient));
    grant.opened = Timestamp{row.integer(3)};
    one.length_ms = row.integer(4);
    grant.expires = Timestamp{grant.opened.ms + one.length_ms};
    one.boot = std::string(row.text(5));
    one.clock_ms = row.integer(6);
    grant.opened_by = std::string(row.text(7));
    grant.sealed = std::string(row.text(8));
    grant.uses = row.integer(9);
    grant.state = row.is_null(10) ? "open" : std::string(row.text(11));
    if (!row.is_null(10)) {
      grant.ended = Timestamp{row.integer(10)};
      grant.ended_by = std::string(row.text(12));
    }
    if (!row.is_null(13)) {
      grant.reviewed = Timestamp{row.integer(13)};
      grant.reviewed_by = std::string(row.text(14));
    }
    out.push_back(std::move(one));
    return true;
  }));
  return out;
}

Status AccessControl::expire(store::Transaction& transaction, const Row& row) {
  RABT_TRY_STATUS(compare_and_set(transaction, kEnd,
                                  {tenant_, row.grant.id, parts_.clock.now().ms,
                                   std::string_view("expired"), std::string_view("hub")}));
  return parts_.audit.append(
      transaction, parts_.audit.prepare({.tenant = tenant_,
                                         .actor = "hub",
                                         .act = "break_glass.expired",
                                         .object = "grant:" + row.grant.id,
                                         .result = "ok",
                                         .detail = Json::object({{"uses", row.grant.uses}}),
                                         .patient = row.grant.patient,
                                         .purpose = std::string(kEmergency)}));
}

Status AccessControl::admit(const Reader& reader, const Reading& reading) {
  return record(reader, reading, true);
}
Status AccessControl::admit_review(const Reader& reader, const Reading& reading) {
  return record(reader, reading, false);
}

Status AccessControl::record(const Reader& reader, const Reading& reading, bool clinical) {
  if (parts_.ready) RABT_TRY_STATUS(parts_.ready());
  const bool by_grant = clinical && policy_ == ReadPolicy::break_glass;
  // Under a grant its own reason stands; another may be added.
  if (!by_grant || !reader.reason.empty()) RABT_TRY_STATUS(check_reason(reader.reason));
  if (!reader.purpose.empty() && !is_purpose(reader.purpose)) {
    return invalid("phi.purpose",
                   "X-Rabt-Purpose must be a code of HL7 v3 PurposeOfUse, such as TREAT, HPAYMT, "
                   "HOPERAT, PATRQT or PUBHLTH");
  }
  PatientDetail::Sealed sealed;
  if (!reader.reason.empty()) {
    auto made =
        parts_.details.seal(tenant_, reading.patient, Json::object({{"reason", reader.reason}}));
    if (!made.ok()) return no_audit(made.error());
    sealed = std::move(*made);
  }
  audit::Entry entry{.tenant = tenant_,
                     .actor = reader.actor,
                     .act = reading.act,
                     .object = reading.object,
                     .result = "ok",
                     .detail = reading.detail,
                     .patient = to_hex(as_bytes(reading.patient)),
                     .purpose = reader.purpose,
                     .client = reader.client,
                     .request = reader.request,
                     .sealed = sealed.text};
  if (!reader.token.empty()) entry.detail.set("token", reader.token);

  bool admitted = false;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    admitted = !by_grant;
    audit::Entry now = entry;
    if (by_grant) {
      RABT_TRY(open, rows(transaction, kOpen, ""));
      for (const Row& row : open) {
        if (over(row)) {
          RABT_TRY_STATUS(expire(transaction, row));
          continue;
        }
        if (admitted) continue;
        bool covers = row.grant.instance.empty()
                          ? !reading.patient.empty() && row.patient == reading.patient
                          : row.grant.instance == reading.instance;
        if (!covers && row.grant.instance.empty() && !reading.instance.empty()) {
          RABT_TRY_STATUS(transaction.query(kCovers,
                                            {tenant_, store::Blob{row.patient}, reading.instance},
                                            [&](const store::Row&) {
                                              covers = true;
                                              return false;
                                            }));
        }
        if (!covers) continue;
        admitted = true;
        now.purpose = kEmergency;
        now.detail.set("grant", row.grant.id);
        RABT_TRY_STATUS(compare_and_set(transaction, kUse, {tenant_, row.grant.id}));
      }
      if (!admitted) {
        now.act = "access.refused";
        now.result = "phi.break_glass";
        now.detail.set("wanted", reading.act);
      }
    }
    if (!sealed.text.empty()) RABT_TRY_STATUS(PatientDetail::store(transaction, sealed));
    return parts_.audit.append(transaction, parts_.audit.prepare(now));
  });
  if (!written.ok()) return no_audit(written.error());
  if (!admitted) {
    ++refused_;
    return denied("phi.break_glass",
                  "patient data are read under an open grant only; open one with a reason: POST "
                  "/api/v1/break-glass");
  }
  ++reads_;
  if (by_grant) ++used_;
  return ok_status();
}

Result<Grant> AccessControl::open(const Reader& reader, std::string_view instance,
                                  std::string_view patient, std::int64_t minutes) {
  RABT_TRY_STATUS(check_reason(reader.reason));
  if (minutes < 1 || minutes > kMaxGrantMinutes) {
    return invalid("phi.minutes",
                   "a grant lasts from 1 to " + std::to_string(kMaxGrantMinutes) + " minutes");
  }
  auto sealed = parts_.details.seal(tenant_, patient, Json::object({{"reason", reader.reason}}));
  if (!sealed.ok()) return no_audit(sealed.error());
  const std::string id = parts_.ids.next().text();
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  const std::string pseudonym = to_hex(as_bytes(patient));
  Json detail = Json::object({{"minutes", minutes}});
  if (!instance.empty()) detail.set("instance", instance);
  if (!reader.token.empty()) detail.set("token", reader.token);
  const auto entry = parts_.audit.prepare({.tenant = tenant_,
                                           .actor = reader.actor,
                                           .act = "break_glass.opened",
                                           .object = "grant:" + id,
                                           .result = "ok",
                                           .detail = std::move(detail),
                                           .patient = pseudonym,
                                           .purpose = std::string(kEmergency),
                                           .client = reader.client,
                                           .request = reader.request,
                                           .sealed = sealed->text});
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(PatientDetail::store(transaction, *sealed));
    RABT_TRY_STATUS(run(transaction, kInsert,
                        {tenant_, id, instance, store::Blob{patient}, now, minutes * 60'000, boot_,
                         uptime, reader.actor, sealed->text}));
    return parts_.audit.append(transaction, entry);
  });
  if (!written.ok()) return no_audit(written.error());
  ++opened_;
  parts_.log.warn(
      "break_glass.opened",
      {{"grant", id}, {"instance", instance}, {"minutes", minutes}, {"client", reader.client}});
  return grant(id);
}

Status AccessControl::close(const Reader& reader, std::string_view id) {
  std::optional<Error> refusal;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    refusal.reset();
    RABT_TRY(found, rows(transaction, kOne, id));
    if (found.empty()) {
      refusal = not_found("phi.grant", "there is no grant with this id");
      return ok_status();
    }
    const Row& row = found.front();
    if (row.grant.state != "open") {
      refusal = conflict("phi.grant_ended", "the grant has ended already");
      return ok_status();
    }
    if (over(row)) {
      refusal = conflict("phi.grant_ended", "the grant has expired");
      return expire(transaction, row);
    }
    RABT_TRY_STATUS(compare_and_set(
        transaction, kEnd,
        {tenant_, id, parts_.clock.now().ms, std::string_view("closed"), reader.actor}));
    return parts_.audit.append(
        transaction, parts_.audit.prepare({.tenant = tenant_,
                                           .actor = reader.actor,
                                           .act = "break_glass.closed",
                                           .object = "grant:" + std::string(id),
                                           .result = "ok",
                                           .detail = Json::object({{"uses", row.grant.uses}}),
                                           .patient = row.grant.patient,
                                           .purpose = std::string(kEmergency),
                                           .client = reader.client,
                                           .request = reader.request}));
  });
  if (!written.ok()) return no_audit(written.error());
  if (refusal) return *refusal;
  return ok_status();
}

Status AccessControl::review(const Reader& reader, std::string_view id, std::string_view by) {
  if (by.empty() || by.size() > 200)
    return invalid("phi.reviewer", "`by` must name who has reviewed the grant, in 200 bytes");
  std::optional<Error> refusal;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    refusal.reset();
    RABT_TRY(found, rows(transaction, kOne, id));
    if (found.empty()) {
      refusal = not_found("phi.grant", "there is no grant with this id");
      return ok_status();
    }
    const Row& row = found.front();
    if (row.grant.reviewed) {
      refusal = conflict("phi.grant_reviewed", "the grant was reviewed already");
      return ok_status();
    }
    if (row.grant.state == "open" && !over(row)) {
      refusal =
          conflict("phi.grant_open", "the grant is still open; close it, or wait for its end");
      return ok_status();
    }
    if (row.grant.state == "open") RABT_TRY_STATUS(expire(transaction, row));
    RABT_TRY_STATUS(
        compare_and_set(transaction, kReview, {tenant_, id, parts_.clock.now().ms, by}));
    return parts_.audit.append(
        transaction, parts_.audit.prepare({.tenant = tenant_,
                                           .actor = reader.actor,
                                           .act = "break_glass.reviewed",
                                           .object = "grant:" + std::string(id),
                                           .result = "ok",
                                           .detail = Json::object({{"uses", row.grant.uses}}),
                                           .patient = row.grant.patient,
                                           .client = reader.client,
                                           .request = reader.request}));
  });
  if (!written.ok()) return no_audit(written.error());
  if (refusal) return *refusal;
  return ok_status();
}

Status AccessControl::sweep() {
  bool any = false;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(open, rows(connection, kOpen, ""));
    any = std::any_of(open.begin(), open.end(), [&](const Row& row) { return over(row); });
    return ok_status();
  }));
  if (!any) return ok_status();
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(open, rows(transaction, kOpen, ""));
    for (const Row& row : open) {
      if (over(row)) RABT_TRY_STATUS(expire(transaction, row));
    }
    return ok_status();
  });
}

Result<std::vector<Grant>> AccessControl::grants(bool only_unreviewed) {
  RABT_TRY_STATUS(sweep());
  std::vector<Grant> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(all, rows(connection, kAll, ""));
    for (Row& row : all) {
      if (!only_unreviewed || !row.grant.reviewed) out.push_back(std::move(row.grant));
    }
    return ok_status();
  }));
  return out;
}

Result<Grant> AccessControl::grant(std::string_view id) {
  std::optional<Grant> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, rows(connection, kOne, id));
    if (!found.empty()) out = std::move(found.front().grant);
    return ok_status();
  }));
  if (!out) return not_found("phi.grant", "there is no grant with this id");
  return *out;
}

AccessControl::Stats AccessControl::stats() const {
  return {reads_.load(), refused_.load(), opened_.load(), used_.load()};
}

}  // namespace rabt::access
