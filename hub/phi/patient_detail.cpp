#include "hub/phi/patient_detail.hpp"

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"

namespace rabt::phi {

namespace {

using store::Statement;

constexpr Statement kFindKey{
    "SELECT id, wrapped FROM patient_key WHERE tenant = $1 AND patient = $2 AND bucket = $3"};
constexpr Statement kFindById{
    "SELECT wrapped FROM patient_key WHERE tenant = $1 AND patient = $2 AND id = $3"};
constexpr Statement kInsertKey{
    "INSERT INTO patient_key (tenant, patient, bucket, id, wrapped) VALUES ($1, $2, $3, $4, $5)"};

crypto::SealContext context_of(std::string_view tenant, std::string_view patient) {
  return {tenant, "audit", patient, "sealed"};
}

}  // namespace

Result<PatientDetail::Sealed> PatientDetail::seal(std::string_view tenant, std::string_view patient,
                                                  const Json& detail) const {
  Sealed sealed{.text = {},
                .tenant = std::string(tenant),
                .patient = std::string(patient),
                .bucket = "all",
                .id = {},
                .wrapped = {}};
  std::string wrapped;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(kFindKey, {tenant, store::Blob{patient}, sealed.bucket},
                            [&](const store::Row& row) {
                              sealed.id = std::string(row.blob(0));
                              wrapped = std::string(row.blob(1));
                              return false;
                            });
  }));
  std::shared_ptr<const crypto::DataKey> key;
  if (sealed.id.empty()) {
    auto made = keyring_.make_data_key(tenant, random_);
    key = std::move(made.key);
    sealed.wrapped = std::move(made.wrapped);
    sealed.id = std::string(as_text(crypto::sha256(sealed.wrapped))).substr(0, 16);
  } else {
    RABT_TRY(opened, keyring_.open_data_key(tenant, wrapped));
    key = std::move(opened);
  }
  const std::string hex = to_hex(as_bytes(patient));
  sealed.text = to_hex(as_bytes(sealed.id)) + "." +
                to_base64(as_bytes(key->seal(context_of(tenant, hex), detail.dump(), random_)));
  return sealed;
}

Status PatientDetail::store(store::Transaction& transaction, const Sealed& sealed) {
  if (sealed.wrapped.empty()) return ok_status();
  RABT_TRY(rows, transaction.execute(kInsertKey,
                                     {sealed.tenant, store::Blob{sealed.patient}, sealed.bucket,
                                      store::Blob{sealed.id}, store::Blob{sealed.wrapped}}));
  (void)rows;
  return ok_status();
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
  std::string wrapped;
  RABT_TRY_STATUS(store_.read([&](store::Connection& connection) {
    return connection.query(kFindById,
                            {tenant, store::Blob{as_text(*index)}, store::Blob{as_text(*id)}},
                            [&](const store::Row& row) {
                              wrapped = std::string(row.blob(0));
                              return false;
                            });
  }));
  if (wrapped.empty()) return not_found("phi.erased", "the key of this detail was destroyed");
  RABT_TRY(key, keyring_.open_data_key(tenant, wrapped));
  const auto plain = key->open(context_of(tenant, patient), as_text(*bytes));
  if (!plain.ok()) return bad();
  return Json::parse(*plain);
}

}  // namespace rabt::phi
