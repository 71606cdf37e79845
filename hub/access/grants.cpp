#include "hub/access/grants.hpp"

#include <algorithm>
#include <fstream>

#include "hub/access/statements.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::access {

namespace {

using store::Statement;

constexpr std::size_t kMaxReviewer = 200;  // bytes

}  // namespace

std::string machine_boot() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string line;
  std::getline(file, line);
  return line;
}

struct Grants::Row {
  Grant grant;
  std::string patient;  // blind index
  std::int64_t length_ms = 0;
  std::string boot;
  std::int64_t clock_ms = 0;

  // A grant for a patient covers every instance that works on this person's data, by whichever
  // identifier of the person the grant was asked for.
  [[nodiscard]] bool covers(const Reading& reading) const {
    if (!grant.instance.empty()) return grant.instance == reading.instance;
    return std::find(reading.patients.begin(), reading.patients.end(), patient) !=
           reading.patients.end();
  }
  // The entry that every change of a grant leaves.
  [[nodiscard]] audit::Entry entry(const std::string& tenant, std::string act,
                                   const Reader& reader) const {
    return {.tenant = tenant,
            .actor = reader.actor,
            .act = std::move(act),
            .object = "grant:" + grant.id,
            .result = "ok",
            .detail = Json::object({{"uses", grant.uses}}),
            .patient = grant.patient,
            .client = reader.client,
            .request = reader.request};
  }
};

Grants::Grants(Parts parts, std::string tenant, std::string boot)
    : parts_(parts), tenant_(std::move(tenant)), boot_(std::move(boot)) {
  // Without a name of the boot the monotonic clock of an earlier process means nothing: grants then
  // end with the process.
  if (boot_.empty()) boot_ = "process " + parts_.ids.next().text();
}

bool Grants::over(const Row& row) const {
  const std::int64_t now = parts_.clock.now().ms;
  if (now < row.grant.opened.ms || now >= row.grant.opened.ms + row.length_ms) return true;
  return row.boot != boot_ || parts_.clock.monotonic_ms() - row.clock_ms >= row.length_ms;
}

Result<std::vector<Grants::Row>> Grants::rows(store::Connection& connection,
                                              const Statement& statement,
                                              std::string_view key) const {
  std::vector<Row> out;
  RABT_TRY_STATUS(connection.query(statement, {tenant_, key}, [&](const store::Row& row) {
    Row one;
    Grant& grant = one.grant;
    grant.id = std::string(row.text(sql::kFindGrant["id"]));
    grant.instance = std::string(row.text(sql::kFindGrant["instance"]));
    one.patient = std::string(row.blob(sql::kFindGrant["patient"]));
    grant.patient = to_hex(as_bytes(one.patient));
    grant.opened = Timestamp{row.integer(sql::kFindGrant["opened_ms"])};
    one.length_ms = row.integer(sql::kFindGrant["length_ms"]);
    grant.expires = Timestamp{grant.opened.ms + one.length_ms};
    one.boot = std::string(row.text(sql::kFindGrant["boot"]));
    one.clock_ms = row.integer(sql::kFindGrant["clock_ms"]);
    grant.opened_by = std::string(row.text(sql::kFindGrant["opened_by"]));
    grant.uses = row.integer(sql::kFindGrant["uses"]);
    grant.state = row.is_null(sql::kFindGrant["ended_how"])
                      ? "open"
                      : std::string(row.text(sql::kFindGrant["ended_how"]));
    grant.reviewed = !row.is_null(sql::kFindGrant["reviewed_ms"]);
    out.push_back(std::move(one));
    return true;
  }));
  return out;
}

Status Grants::expire(store::Transaction& transaction, const Row& row) {
  Reader hub;
  hub.actor = "node:grants";
  return end(transaction, row, "expired", hub);
}

Status Grants::end(store::Transaction& transaction, const Row& row, std::string_view how,
                   const Reader& reader) {
  RABT_TRY_STATUS(compare_and_set(transaction, sql::kEndGrant,
                                  {tenant_, row.grant.id, parts_.clock.now().ms, how}));
  audit::Entry entry = row.entry(tenant_, "break_glass." + std::string(how), reader);
  entry.purpose = std::string(kEmergency);
  return parts_.audit.append(transaction, parts_.audit.prepare(entry));
}

Result<std::string> Grants::use(store::Transaction& transaction, const Reader& reader,
                                const Reading& reading) {
  std::string used;
  RABT_TRY(open, rows(transaction, sql::kOpenGrants, ""));
  for (const Row& row : open) {
    if (over(row)) {
      RABT_TRY_STATUS(expire(transaction, row));
    } else if (used.empty() && row.grant.opened_by == reader.actor && row.covers(reading)) {
      RABT_TRY_STATUS(compare_and_set(transaction, sql::kUseGrant, {tenant_, row.grant.id}));
      used = row.grant.id;
    }
  }
  return used;
}

Result<Grant> Grants::open(const Reader& reader, std::string_view instance,
                           std::string_view patient, std::int64_t minutes) {
  RABT_TRY_STATUS(check_reason(reader.reason));
  if (minutes < 1 || minutes > kMaxGrantMinutes) {
    return invalid("api.invalid",
                   "minutes: must be a number from 1 to " + std::to_string(kMaxGrantMinutes));
  }
  auto sealed = parts_.details.seal(tenant_, patient, Json::object({{"reason", reader.reason}}));
  if (!sealed.ok()) return not_audited(sealed.error());
  const std::string id = parts_.ids.next().text();
  const std::int64_t now = parts_.clock.now().ms;
  const std::int64_t uptime = parts_.clock.monotonic_ms();
  Json detail = Json::object({{"minutes", minutes}});
  if (!instance.empty()) detail.set("instance", instance);
  if (!reader.token.empty()) detail.set("token", reader.token);
  const auto entry = parts_.audit.prepare({.tenant = tenant_,
                                           .actor = reader.actor,
                                           .act = "break_glass.opened",
                                           .object = "grant:" + id,
                                           .result = "ok",
                                           .detail = std::move(detail),
                                           .patient = to_hex(as_bytes(patient)),
                                           .purpose = std::string(kEmergency),
                                           .client = reader.client,
                                           .request = reader.request,
                                           .sealed = sealed->text});
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(PatientDetail::store(transaction, *sealed));
    RABT_TRY_STATUS(run(transaction, sql::kInsertGrant,
                        {tenant_, id, instance, store::Blob{patient}, now, minutes * 60'000, boot_,
                         uptime, reader.actor}));
    return parts_.audit.append(transaction, entry);
  });
  if (!written.ok()) return not_audited(written.error());
  ++opened_;
  parts_.log.warn(
      "break_glass.opened",
      {{"grant", id}, {"instance", instance}, {"minutes", minutes}, {"client", reader.client}});
  return find(id);
}

Status Grants::change(std::string_view id, const Change& change) {
  std::optional<Error> refusal;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    refusal.reset();
    RABT_TRY(found, rows(transaction, sql::kFindGrant, id));
    if (!found.empty()) return change(transaction, found.front(), refusal);
    refusal = not_found("phi.grant", "there is no grant with this id");
    return ok_status();
  });
  if (!written.ok()) return not_audited(written.error());
  if (refusal) return *refusal;
  return ok_status();
}

Status Grants::close(const Reader& reader, std::string_view id) {
  return change(id,
                [&](store::Transaction& transaction, const Row& row,
                    std::optional<Error>& refusal) -> Status {
                  // Only the opener ends an emergency; others do not learn that there is one.
                  if (row.grant.opened_by != reader.actor) {
                    refusal = not_found("phi.grant", "there is no grant with this id");
                    return ok_status();
                  }
                  if (row.grant.state != "open") {
                    refusal = conflict("phi.grant_ended", "the grant has ended already");
                    return ok_status();
                  }
                  if (over(row)) {
                    refusal = conflict("phi.grant_ended", "the grant has expired");
                    return expire(transaction, row);
                  }
                  return end(transaction, row, "closed", reader);
                });
}

Status Grants::review(const Reader& reader, std::string_view id, std::string_view by) {
  if (by.empty() || by.size() > kMaxReviewer)
    return invalid("api.invalid", "by: must name who has reviewed the grant, in at most 200 bytes");
  return change(
      id,
      [&](store::Transaction& transaction, const Row& row,
          std::optional<Error>& refusal) -> Status {
        // The opener of a grant may not review it. A client speaks for several people: `by` names
        // the person.
        if (by == row.grant.opened_by) {
          refusal = denied("phi.reviewer", "another person than the opener reviews the grant");
          return ok_status();
        }
        if (row.grant.reviewed) {
          refusal = conflict("phi.grant_reviewed", "the grant was reviewed already");
          return ok_status();
        }
        const bool open = row.grant.state == "open";
        if (open && !over(row)) {
          refusal =
              conflict("phi.grant_open", "the grant is still open; close it, or wait for its end");
          return ok_status();
        }
        if (open) RABT_TRY_STATUS(expire(transaction, row));
        RABT_TRY_STATUS(
            compare_and_set(transaction, sql::kReviewGrant, {tenant_, id, parts_.clock.now().ms}));
        audit::Entry entry = row.entry(tenant_, "break_glass.reviewed", reader);
        entry.detail.set("by", by);
        return parts_.audit.append(transaction, parts_.audit.prepare(entry));
      });
}

Result<Tally> Grants::unreviewed() const {
  Tally out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) {
    return connection.query(sql::kUnreviewedGrants, {tenant_}, [&](const store::Row& row) {
      out.count = row.integer(sql::kUnreviewedGrants["count"]);
      if (!row.is_null(sql::kUnreviewedGrants["first_opened_ms"]))
        out.oldest = {row.integer(sql::kUnreviewedGrants["first_opened_ms"])};
      return false;
    });
  }));
  return out;
}

Status Grants::sweep() {
  bool any = false;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(open, rows(connection, sql::kOpenGrants, ""));
    any = std::any_of(open.begin(), open.end(), [&](const Row& row) { return over(row); });
    return ok_status();
  }));
  if (!any) return ok_status();
  return parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY(open, rows(transaction, sql::kOpenGrants, ""));
    for (const Row& row : open) {
      if (over(row)) RABT_TRY_STATUS(expire(transaction, row));
    }
    return ok_status();
  });
}

Result<Grant> Grants::find(std::string_view id) {
  std::optional<Grant> out;
  RABT_TRY_STATUS(parts_.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY(found, rows(connection, sql::kFindGrant, id));
    if (!found.empty()) out = std::move(found.front().grant);
    return ok_status();
  }));
  if (!out) return not_found("phi.grant", "there is no grant with this id");
  return *out;
}

}  // namespace rabt::access
