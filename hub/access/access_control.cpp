#include "hub/access/access_control.hpp"

#include "hub/base/bytes.hpp"

namespace rabt::access {

AccessControl::AccessControl(Parts parts, std::string tenant, ReadPolicy policy)
    : parts_(std::move(parts)), tenant_(std::move(tenant)), policy_(policy) {}

Status AccessControl::ready() const {
  return parts_.ready ? parts_.ready() : ok_status();
}

Status AccessControl::admit(const Reader& reader, const Reading& reading) {
  return record(reader, reading, reader.needs_grant || policy_ == ReadPolicy::break_glass);
}

Status AccessControl::admit_review(const Reader& reader, const Reading& reading) {
  return record(reader, reading, false);
}

// An empty text when the reader gives no reason.
Result<PatientDetail::Sealed> AccessControl::seal_reason(const Reader& reader,
                                                         const Reading& reading) const {
  if (reader.reason.empty()) return PatientDetail::Sealed{};
  auto sealed =
      parts_.details.seal(tenant_, reading.patients.empty() ? "" : reading.patients.front(),
                          Json::object({{"reason", reader.reason}}));
  if (!sealed.ok()) return not_audited(sealed.error());
  return sealed;
}

Result<Reading> AccessControl::by_all_names(const Reading& reading) const {
  Reading out = reading;
  if (!parts_.names) return out;
  for (const std::string& patient : reading.patients) {
    RABT_TRY(names, parts_.names(patient));
    out.patients.insert(out.patients.end(), names.begin(), names.end());
  }
  return out;
}

Status AccessControl::record(const Reader& reader, const Reading& reading, bool needs_grant) {
  RABT_TRY_STATUS(ready());
  // The reason of a grant stands for the reading; the reader may add another.
  if (!needs_grant || !reader.reason.empty()) RABT_TRY_STATUS(check_reason(reader.reason));
  if (!reader.purpose.empty() && !is_purpose(reader.purpose)) {
    return invalid("phi.purpose",
                   "X-Rabt-Purpose must be a code of HL7 v3 PurposeOfUse, such as TREAT, HPAYMT, "
                   "HOPERAT, PATRQT or PUBHLTH");
  }
  RABT_TRY(sealed, seal_reason(reader, reading));
  audit::Entry entry{
      .tenant = tenant_,
      .actor = reader.actor,
      .act = reading.act,
      .object = reading.object,
      .result = "ok",
      .detail = reading.detail,
      .patient = reading.patients.empty() ? "" : to_hex(as_bytes(reading.patients.front())),
      .purpose = reader.purpose,
      .client = reader.client,
      .request = reader.request,
      .sealed = sealed.text};
  if (!reader.token.empty()) entry.detail.set("token", reader.token);

  Reading covered;
  if (needs_grant) {
    RABT_TRY(named, by_all_names(reading));
    covered = std::move(named);
  }
  bool admitted = false;
  const Status written = parts_.store.write([&](store::Transaction& transaction) -> Status {
    audit::Entry audit_entry = entry;
    admitted = true;
    if (needs_grant) {
      RABT_TRY(grant, parts_.grants.use(transaction, reader, covered));
      admitted = !grant.empty();
      if (admitted) {
        audit_entry.purpose = std::string(kEmergency);
        audit_entry.detail.set("grant", grant);
      } else {
        audit_entry.act = "access.refused";
        audit_entry.result = "phi.break_glass";
        audit_entry.detail.set("wanted", reading.act);
      }
    }
    if (!sealed.text.empty()) RABT_TRY_STATUS(PatientDetail::store(transaction, sealed));
    return parts_.audit.append(transaction, parts_.audit.prepare(audit_entry));
  });
  if (!written.ok()) return not_audited(written.error());
  if (!admitted) {
    ++refused_;
    return denied("phi.break_glass",
                  "patient data are read under an open grant only; open one with a reason: POST "
                  "/api/v1/break-glass");
  }
  ++reads_;
  if (needs_grant) ++read_by_grant_;
  return ok_status();
}

AccessControl::Stats AccessControl::stats() const {
  return {.reads = reads_.load(),
          .refused = refused_.load(),
          .read_by_grant = read_by_grant_.load(),
          .grants_opened = parts_.grants.opened()};
}

void write_metrics(const AccessControl& access, MetricsWriter& out) {
  const AccessControl::Stats stats = access.stats();
  out.counter("rabt_patient_reads_total", "Readings of patient data over the API.", stats.reads);
  out.counter("rabt_patient_reads_refused_total",
              "Readings of patient data refused for want of a break-glass grant.", stats.refused);
  out.counter("rabt_break_glass_opened_total", "Break-glass grants opened.", stats.grants_opened);
  out.counter("rabt_break_glass_reads_total", "Readings of patient data under a grant.",
              stats.read_by_grant);
}

}  // namespace rabt::access
