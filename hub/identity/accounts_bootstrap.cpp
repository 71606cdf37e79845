#include "hub/base/typed_code.hpp"
#include "hub/base/uri.hpp"
#include "hub/identity/accounts_state.hpp"
#include "hub/identity/password_rules.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/totp.hpp"

// Accounts: the first administrator.
namespace rabt::identity {

namespace {

constexpr std::size_t kCode = 16;
constexpr std::int64_t kCodeTries = 5;
constexpr std::string_view kSecretKey = "bootstrap-totp/1";

// True if anybody but `but` is an administrator.
Result<bool> has_administrator(store::Connection& connection, std::string_view tenant,
                               std::string_view but = {}) {
  bool found = false;
  RABT_TRY_STATUS(connection.query(sql::kAdministrators, {tenant, but}, [&](const store::Row&) {
    found = true;
    return false;
  }));
  return found;
}

// The secret follows from the code, so that nothing is stored before the administrator is.
Result<Bytes> secret_of(const crypto::Keyring& keyring, std::string_view tenant,
                        std::string_view code) {
  RABT_TRY(key, keyring.purpose_key(tenant, kSecretKey));
  Bytes out = crypto::hmac_sha256(key.expose(), code);
  out.resize(kTotpSecret);
  return out;
}

// A wrong try counts; a right one does not.
Status check_code(store::Store& store, std::string_view tenant, std::string_view code,
                  std::int64_t now) {
  const std::string shown = crypto::sha256_bytes(code);
  bool good = false;
  RABT_TRY_STATUS(store.write([&](store::Transaction& transaction) -> Status {
    good = false;
    bool open = false;
    RABT_TRY_STATUS(transaction.query(sql::kFindBootstrap, {tenant}, [&](const store::Row& row) {
      open = row.integer(sql::kFindBootstrap["done"]) == 0 &&
             row.integer(sql::kFindBootstrap["tries"]) < kCodeTries &&
             row.integer(sql::kFindBootstrap["ends_ms"]) > now;
      good = open &&
             constant_time_equal(as_bytes(row.blob(sql::kFindBootstrap["code"])), as_bytes(shown));
      return false;
    }));
    if (!open || good) return ok_status();
    return store::run(transaction, sql::kCountBootstrap, {tenant});
  }));
  return good ? ok_status() : Status(sign_in_failed());
}

}  // namespace

Result<std::string> Accounts::make_bootstrap_code(const Caller& caller) {
  State& all = *state_;
  std::string code = hex_of_random(all.parts.random, kCode);
  const std::string hashed = crypto::sha256_bytes(code);
  const std::int64_t ends = all.parts.clock.now().ms + kBootstrapMs;
  Caller by = caller;
  by.who.tenant = all.tenant;
  RABT_TRY_STATUS(
      all.write(by, "user.bootstrap_begun", "", [&](store::Transaction& transaction) -> Status {
        RABT_TRY(there, has_administrator(transaction, all.tenant));
        RABT_TRY(rows,
                 transaction.execute(sql::kPutBootstrap, {all.tenant, store::Blob{hashed}, ends}));
        if (there || rows != 1)
          return conflict("auth.bootstrap_closed",
                          "there is an administrator already; `rabt users "
                          "add NAME --role admin` makes another one");
        return ok_status();
      }));
  return code;
}

Result<Enrolment> Accounts::begin_bootstrap(const Caller& caller, std::string_view typed,
                                            std::string_view username) {
  State& all = *state_;
  const std::string code = typed_code(typed);
  RABT_TRY(name, fold_username(username));
  const Status good = check_code(all.parts.store, all.tenant, code, all.parts.clock.now().ms);
  if (!good.ok()) return all.refuse(caller, "user.login_failed", "", good.error());
  RABT_TRY(secret, secret_of(all.parts.keyring, all.tenant, code));
  return Enrolment{.secret = base32(secret), .uri = otpauth(name, secret)};
}

Result<Bootstrapped> Accounts::bootstrap(const Caller& caller, const FirstAdministrator& order) {
  State& all = *state_;
  Caller by = caller;
  by.who.tenant = all.tenant;
  RABT_TRY(username, fold_username(order.username));
  RABT_TRY(folded, fold_password(order.password));
  RABT_TRY_STATUS(check_password(folded, all.options.min_password, username, all.tenant,
                                 all.options.blocklist.get()));
  NewPerson wanted;
  Json profile = Json::object({{"username", username}});
  if (!order.name.empty()) profile.set("name", order.name);
  RABT_TRY(checked, check_profile(profile));
  wanted.profile = std::move(checked);
  wanted.roles = {Role::admin};
  const Timestamp now = all.parts.clock.now();
  const std::string code = typed_code(order.code);
  const Status good = check_code(all.parts.store, all.tenant, code, now.ms);
  if (!good.ok()) return all.refuse(by, "user.login_failed", "", good.error());
  RABT_TRY(secret, secret_of(all.parts.keyring, all.tenant, code));
  const auto step = totp_match(secret, typed_code(order.otp), now, 0);
  if (!step) {
    RABT_TRY_STATUS(all.parts.store.write([&](store::Transaction& transaction) {
      return store::run(transaction, sql::kCountBootstrap, {all.tenant});
    }));
    return all.refuse(by, "user.login_failed", "", sign_in_failed());
  }
  RABT_TRY(phc, all.hash(folded));
  Bootstrapped out;
  for (int i = 0; i < kRecoveryCodes; ++i)
    out.recovery.push_back(hex_of_random(all.parts.random, kRecoveryBytes));
  const std::string hashed = crypto::sha256_bytes(code);
  RABT_TRY(person,
           all.parts.people.create(
               by, wanted,
               [&](store::Transaction& transaction, const Person& administrator,
                   const crypto::DataKey& key) -> Status {
                 // When many come at once, one of them closes the door.
                 RABT_TRY(there, has_administrator(transaction, all.tenant, administrator.id));
                 RABT_TRY(rows, transaction.execute(
                                    sql::kCloseBootstrap,
                                    {all.tenant, store::Blob{hashed}, now.ms, store::Blob{""}}));
                 if (there || rows != 1) return sign_in_failed();
                 RABT_TRY_STATUS(
                     all.put(transaction, key, administrator.id, "password", "", "active", phc, 0));
                 RABT_TRY_STATUS(all.put(transaction, key, administrator.id, "totp", "", "active",
                                         as_text(secret), *step));
                 return all.put_recovery(transaction, key, administrator.id, out.recovery);
               }));
  out.person = std::move(person);
  return out;
}

}  // namespace rabt::identity
