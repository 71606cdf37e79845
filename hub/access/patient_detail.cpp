#include "hub/access/patient_detail.hpp"

#include "hub/access/statements.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::access {

namespace {

crypto::SealContext context_of(std::string_view tenant, std::string_view patient) {
  return {tenant, "audit", patient, "sealed"};
}

}  // namespace

Result<PatientDetail::Sealed> PatientDetail::seal(std::string_view tenant, std::string_view patient,
                                                  const Json& detail) const {
  RABT_TRY(lease, keys_.lease(tenant));
  RABT_TRY(bucket, lease.bucket(keys::kAuditDetail));
  Sealed sealed{.text = {},
                .tenant = std::string(tenant),
                .patient = std::string(patient),
                .bucket = std::move(bucket),
                .key = std::nullopt};
  std::string id;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(sql::kFindKey, {tenant, store::Blob{patient}, sealed.bucket},
                            [&](const store::Row& row) {
                              id = std::string(row.blob(sql::kFindKey["data_key"]));
                              return false;
                            });
  }));
  std::shared_ptr<const crypto::DataKey> key;
  if (id.empty()) {
    RABT_TRY(data_key, lease.make(keys::kAuditDetail));
    key = data_key.key;
    sealed.key = std::move(data_key);
  } else {
    RABT_TRY(opened, lease.open(id));
    key = std::move(opened);
  }
  const std::string hex = to_hex(as_bytes(patient));
  sealed.text = to_hex(as_bytes(key->id())) + "." +
                to_base64(as_bytes(key->seal(context_of(tenant, hex), detail.dump(), random_)));
  return sealed;
}

Status PatientDetail::store(store::Transaction& transaction, const Sealed& sealed) {
  if (!sealed.key) return ok_status();
  RABT_TRY_STATUS(keys::insert(transaction, *sealed.key));
  return run(
      transaction, sql::kInsertKey,
      {sealed.tenant, store::Blob{sealed.patient}, sealed.bucket, store::Blob{sealed.key->id}});
}

Result<Json> PatientDetail::open(std::string_view tenant, std::string_view patient,
                                 std::string_view text) const {
  const auto bad = [] {
    return corrupt("phi.sealed",
                   "the sealed detail of the entry is not of this patient, or was "
                   "changed");
  };
  const auto point = text.find('.');
  const auto id = from_hex(text.substr(0, point));
  const auto index = from_hex(patient);
  if (point == std::string_view::npos || !id || !index) return bad();
  const auto bytes = from_base64(text.substr(point + 1));
  if (!bytes) return bad();
  const auto key = keys_.open(tenant, as_text(*id));
  if (!key.ok() && (key.error().code == "keys.shredded" || key.error().code == "keys.unknown"))
    return not_found("phi.erased", "the key of this detail was destroyed");
  if (!key.ok()) return key.error();
  const auto plain = (*key)->open(context_of(tenant, patient), as_text(*bytes));
  if (!plain.ok()) return bad();
  return Json::parse(*plain);
}

}  // namespace rabt::access
