#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/typed_code.hpp"
#include "hub/base/uri.hpp"
#include "hub/identity/accounts_state.hpp"
#include "hub/identity/password_rules.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/totp.hpp"

// Accounts: passwords, codes of the second factor, what administrators reset.
namespace rabt::identity {

namespace {

constexpr std::int64_t kActivationMs = 24LL * 3600 * 1000;

}  // namespace

Error activated_already() {
  return conflict("auth.activated",
                  "the account has a password, a passkey or an issuer; resetPassword ends the "
                  "password and gives a code");
}

std::string otpauth(std::string_view label, ByteView secret) {
  return "otpauth://totp/Rabt:" + percent_encode(label) + "?secret=" + base32(secret) +
         "&issuer=Rabt&algorithm=SHA1&digits=6&period=30";
}

Status Accounts::State::put_recovery(store::Transaction& transaction, const crypto::DataKey& key,
                                     std::string_view person,
                                     const std::vector<std::string>& codes) {
  for (std::size_t i = 0; i < codes.size(); ++i) {
    RABT_TRY_STATUS(put(transaction, key, person, "recovery", std::to_string(i), "active",
                        crypto::sha256_bytes(codes[i]), 0));
  }
  return ok_status();
}

Result<Person> Accounts::add(const Caller& caller, const Registration& order) {
  State& all = *state_;
  if (!all.options.enabled)
    return denied("authorisation.denied", "this hub keeps no accounts of its own");
  if (!(order.roles == Roles{Role::patient}) && !caller.who.is(Role::admin))
    return denied("authorisation.denied", "only an administrator gives other roles than patient");
  // One factor of an administrator makes no staff, at no API.
  if (!(order.roles == Roles{Role::patient}) &&
      (caller.who.must_enrol || !caller.who.confined_to.empty()))
    return enrolment_needed();
  RABT_TRY(username, fold_username(order.username));
  RABT_TRY(folded, fold_password(order.password));
  RABT_TRY_STATUS(
      check_password(folded, kMinAlone, username, all.tenant, all.options.blocklist.get()));
  NewPerson wanted;
  RABT_TRY(profile, check_profile(order.profile));
  wanted.profile = std::move(profile);
  const bool himself = !caller.who.is(Role::admin);
  wanted.profile.set("username", himself ? kChosen + username : username);
  wanted.roles = order.roles;
  RABT_TRY(phc, all.hash(folded));
  Caller by = caller;
  by.who.tenant = all.tenant;
  return all.parts.people.create(
      by, wanted,
      [&](store::Transaction& transaction, const Person& person, const crypto::DataKey& key) {
        return all.put(transaction, key, person.id, "password", "", "active", phc, 0);
      });
}

Status Accounts::set_password(const Caller& caller, std::string_view old_password,
                              std::string_view new_password) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(fresh, fold_password(new_password, "new"));
  const auto old = fold_password(old_password);
  if (!old.ok()) return sign_in_failed();
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  RABT_TRY(proofs, all.proofs(person));
  RABT_TRY_STATUS(check_password(fresh, proofs.has_second() ? all.options.min_password : kMinAlone,
                                 shown_username(found.profile), all.tenant,
                                 all.options.blocklist.get(), "new"));
  RABT_TRY(attempt, all.throttle.begin(person, caller.device));
  RABT_TRY(good, all.matches(proofs.password, *old));
  if (!good) return all.refuse(caller, "user.login_failed", person, sign_in_failed());
  if (fresh == *old) return invalid("api.invalid", "new: is the password that was; choose another");
  RABT_TRY(phc, all.hash(fresh));
  return all.write(
      caller, "user.changed", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(
            all.put(transaction, *proofs.key, person, "password", "", "active", phc, 0));
        // Whoever else is signed in as this person is not any more.
        RABT_TRY_STATUS(all.end_sessions(transaction, person));
        return all.throttle.success(transaction, attempt);
      },
      password_is("chosen"));
}

Result<Enrolment> Accounts::enrol(const Caller& caller) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  RABT_TRY(proofs, all.proofs(person));
  if (proofs.totp_active)
    return conflict("auth.mfa_enrolled", "there is a second factor; remove it first");
  RABT_TRY_STATUS(all.check_recent(caller, proofs));
  Bytes secret(kTotpSecret, 0);
  all.parts.random.fill(secret);
  RABT_TRY_STATUS(
      all.write(caller, "user.mfa_changed", person, [&](store::Transaction& transaction) {
        return all.put(transaction, *proofs.key, person, "totp", "", "pending", as_text(secret), 0);
      }));
  Enrolment out;
  out.secret = base32(secret);
  const std::string name = shown_username(found.profile);
  out.uri = otpauth(name.empty() ? person : name, secret);
  return out;
}

Result<std::vector<std::string>> Accounts::confirm(const Caller& caller, std::string_view code) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(proofs, all.proofs(person));
  if (proofs.totp_active || proofs.totp.empty())
    return conflict("auth.mfa_enrolled", "there is no second factor that waits to be confirmed");
  RABT_TRY(attempt, all.throttle.begin(person, caller.device));
  const auto step =
      totp_match(as_bytes(proofs.totp), typed_code(code), all.parts.clock.now(), proofs.last_step);
  if (!step) return all.refuse(caller, "user.login_failed", person, sign_in_failed());
  std::vector<std::string> codes;
  codes.reserve(kRecoveryCodes);
  for (int i = 0; i < kRecoveryCodes; ++i)
    codes.push_back(hex_of_random(all.parts.random, kRecoveryBytes));
  RABT_TRY_STATUS(
      all.write(caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        State::Code taken;
        taken.step = step;
        RABT_TRY_STATUS(all.take(transaction, person, taken));
        RABT_TRY_STATUS(all.put_recovery(transaction, *proofs.key, person, codes));
        RABT_TRY_STATUS(all.strengthen(transaction, caller, proofs));
        // Sign out everybody else who is signed in as this person.
        RABT_TRY_STATUS(all.end_sessions(transaction, person, caller.who.session));
        return all.throttle.success(transaction, attempt);
      }));
  return codes;
}

Status Accounts::remove_factor(const Caller& caller, std::string_view code) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(proofs, all.proofs(person));
  if (!proofs.totp_active) return not_found("auth.mfa_absent", "there is no second factor");
  RABT_TRY(attempt, all.throttle.begin(person, caller.device));
  const State::Code judged = all.judge(proofs, code);
  if (!judged.good()) return all.refuse(caller, "user.login_failed", person, sign_in_failed());
  return all.write(
      caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(all.take(transaction, person, judged));
        for (const std::string_view kind : {"totp", "recovery"})
          RABT_TRY_STATUS(
              store::run(transaction, sql::kDropCredentials, {all.tenant, person, kind}));
        RABT_TRY_STATUS(all.end_sessions(transaction, person, caller.who.session));
        return all.throttle.success(transaction, attempt);
      });
}

Result<Accounts::Factors> Accounts::factors(std::string_view person) {
  RABT_TRY(proofs, state_->proofs(person));
  return Factors{.password = !proofs.password.empty(),
                 .totp = proofs.totp_active,
                 .recovery = static_cast<int>(proofs.recovery.size()),
                 .passkeys = static_cast<int>(proofs.passkeys.size())};
}

Status Accounts::reset_factor(const Caller& caller, std::string_view person) {
  State& all = *state_;
  RABT_TRY_STATUS(all.proofs(person));
  return all.write(
      caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        for (const std::string_view kind : {"totp", "recovery"})
          RABT_TRY_STATUS(
              store::run(transaction, sql::kDropCredentials, {all.tenant, person, kind}));
        RABT_TRY_STATUS(store::run(transaction, sql::kDropPasskeys, {all.tenant, person}));
        return all.end_sessions(transaction, person);
      });
}

Result<std::string> Accounts::State::give_code(const Caller& caller, std::string_view person,
                                               std::string_view what, const Writes& first) {
  RABT_TRY(stored_proofs, proofs(person));
  std::string code = hex_of_random(parts.random, 16);
  RABT_TRY_STATUS(write(
      caller, "user.changed", person,
      [&](store::Transaction& transaction) -> Status {
        if (first) RABT_TRY_STATUS(first(transaction));
        RABT_TRY_STATUS(store::run(transaction, sql::kDropCredentials,
                                   {tenant, person, std::string_view("password")}));
        RABT_TRY_STATUS(end_sessions(transaction, person));
        RABT_TRY_STATUS(throttle.forget(transaction, person));
        return put(transaction, *stored_proofs.key, person, "activation", "", "active",
                   crypto::sha256_bytes(code), parts.clock.now().ms + kActivationMs);
      },
      password_is(what)));
  return code;
}

Result<std::string> Accounts::reset_password(const Caller& caller, std::string_view person) {
  return state_->give_code(caller, person, "reset", {});
}

Result<Accounts::WaysIn> Accounts::State::ways_in(store::Connection& connection,
                                                  const Person& person) const {
  WaysIn out;
  RABT_TRY_STATUS(connection.query(sql::kWaysIn, {tenant, person.id}, [&](const store::Row& row) {
    out.any = row.integer(sql::kWaysIn["has_way_in"]) != 0;
    out.code_until_ms = row.integer(sql::kWaysIn["code_until_ms"]) > parts.clock.now().ms
                            ? row.integer(sql::kWaysIn["code_until_ms"])
                            : 0;
    return false;
  }));
  const Json& known_as = person.profile["externalIds"];
  if (!known_as.is_array()) return out;
  for (const Json& item : known_as.as_array()) {
    const std::string system = item.string_or("system", "");
    out.any = out.any || std::find(options.issuer_systems.begin(), options.issuer_systems.end(),
                                   system) != options.issuer_systems.end();
  }
  return out;
}

Result<std::vector<Accounts::WaysIn>> Accounts::ways_in(const std::vector<Person>& persons) {
  std::vector<WaysIn> out;
  RABT_TRY_STATUS(state_->parts.store.read([&](store::Connection& connection) -> Status {
    out.clear();
    for (const Person& person : persons) {
      RABT_TRY(ways, state_->ways_in(connection, person));
      out.push_back(ways);
    }
    return ok_status();
  }));
  return out;
}

Result<std::string> Accounts::renew_code(const Caller& caller, const Person& person) {
  return state_->give_code(caller, person.id, "new code",
                           [&](store::Transaction& transaction) -> Status {
                             RABT_TRY(ways, state_->ways_in(transaction, person));
                             return ways.any ? Status(activated_already()) : ok_status();
                           });
}

Status Accounts::activate(const SignIn& order, std::string_view code) {
  State& all = *state_;
  RABT_TRY(fresh, fold_password(order.password));
  const std::string shown = crypto::sha256_bytes(typed_code(code));
  RABT_TRY(chosen, all.parts.people.by_chosen_username(all.tenant, order.username));
  if (chosen) {
    RABT_TRY(theirs, all.proofs(*chosen));
    // The code says whose name is meant, when two persons have it.
    if (!constant_time_equal(as_bytes(theirs.activation), as_bytes(shown))) chosen.reset();
  }
  RABT_TRY(person, chosen ? Result<std::optional<std::string>>(chosen)
                          : all.parts.people.by_username(all.tenant, order.username));
  RABT_TRY(attempt, person ? all.throttle.begin(*person, order.device)
                           : all.throttle.begin_unknown(order.username));
  if (!person) return sign_in_failed();
  RABT_TRY(proofs, all.proofs(*person));
  const Caller caller{.who = {.kind = Kind::person,
                              .tenant = all.tenant,
                              .id = *person,
                              .roles = {},
                              .person = *person},
                      .client = order.client,
                      .request = order.request};
  const bool good = !proofs.activation.empty() &&
                    constant_time_equal(as_bytes(proofs.activation), as_bytes(shown)) &&
                    all.parts.clock.now().ms < proofs.activation_ends_ms;
  if (!good) return all.refuse(caller, "user.login_failed", *person, sign_in_failed());
  RABT_TRY_STATUS(check_password(fresh, proofs.has_second() ? all.options.min_password : kMinAlone,
                                 lower(order.username), all.tenant, all.options.blocklist.get()));
  RABT_TRY(phc, all.hash(fresh));
  return all.write(
      caller, "user.changed", *person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY(rows, transaction.execute(sql::kDropCredential,
                                           {all.tenant, std::string_view(*person),
                                            std::string_view("activation"), std::string_view()}));
        if (rows != 1) return sign_in_failed();
        RABT_TRY_STATUS(
            all.put(transaction, *proofs.key, *person, "password", "", "active", phc, 0));
        return all.throttle.success(transaction, attempt);
      },
      password_is("activated"));
}

}  // namespace rabt::identity
