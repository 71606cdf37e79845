#include "hub/identity/accounts.hpp"

#include "hub/base/ascii.hpp"
#include "hub/base/authorization.hpp"
#include "hub/base/typed_code.hpp"
#include "hub/base/utf8.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/accounts_state.hpp"
#include "hub/identity/act_entry.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/ended_tokens.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/password_rules.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/totp.hpp"

namespace rabt::identity {

namespace {

constexpr std::int64_t kSeenEveryMs = 60'000;
constexpr std::string_view kTokenPrefix = "rabt_s_";
constexpr std::string_view kPepper = "password-pepper/1";

Error busy() {
  return unavailable("auth.busy", "many people sign in at this moment; try again");
}

crypto::SealContext context_of(std::string_view tenant, std::string_view person,
                               std::string_view kind) {
  return {tenant, "credential", person, kind};
}

// Compatibility API of a session's factors: "pwd clinicvault" -> "clinicvault".
std::string confined_to(std::string_view factors) {
  constexpr std::string_view kPassword = "pwd ";
  if (!factors.starts_with(kPassword) || factors == "pwd otp") return {};
  return std::string(factors.substr(kPassword.size()));
}

}  // namespace

Error sign_in_failed() {
  return denied("auth.failed", "username, password or code is wrong");
}

Error step_up_needed() {
  return denied("auth.step_up",
                "this needs two factors that were shown a short time ago: prove yourself again by "
                "POST /api/v1/auth/step-up, or sign in anew");
}

Error enrolment_needed() {
  return denied("auth.enrolment_required",
                "your role asks for a second factor: enrol one by POST /api/v1/me/mfa or POST "
                "/api/v1/me/passkeys/options, or show the one that you have by POST "
                "/api/v1/auth/step-up");
}

std::string hex_of_random(Random& random, std::size_t bytes) {
  Bytes raw(bytes, 0);
  random.fill(raw);
  return to_hex(raw);
}

Result<Bytes> Accounts::State::peppered(std::string_view folded) {
  RABT_TRY(pepper, parts.keyring.purpose_key(tenant, kPepper));
  return crypto::hmac_sha256(pepper.expose(), folded);
}

Result<std::string> Accounts::State::hash(std::string_view folded) {
  RABT_TRY(secret, peppered(folded));
  if (!gate.enter()) return busy();
  std::string phc = crypto::hash_password(secret, cost, parts.random);
  gate.leave();
  if (phc.empty()) return busy();
  return phc;
}

Result<bool> Accounts::State::matches(const std::string& phc, std::string_view folded) {
  RABT_TRY(secret, peppered(folded));
  if (!gate.enter()) return busy();
  bool good = false;
  if (phc.empty()) {
    static_cast<void>(crypto::hash_password(secret, cost, parts.random));
  } else {
    good = crypto::verify_password(phc, secret);
  }
  gate.leave();
  return good;
}

Status Accounts::State::put(store::Transaction& transaction, const crypto::DataKey& key,
                            std::string_view person, std::string_view kind, std::string_view id,
                            std::string_view state, std::string_view plain, std::int64_t step) {
  const std::string place =
      id.empty() ? std::string(kind) : std::string(kind) + "/" + std::string(id);
  const std::string sealed = key.seal(context_of(tenant, person, place), plain, parts.random);
  return store::run(
      transaction, sql::kPutCredential,
      {tenant, person, kind, id, state, store::Blob{sealed}, step, parts.clock.now().ms});
}

Result<std::string> Accounts::State::exchange(const SignIn& order, std::string_view folded,
                                              const Person& person, const Proofs& proofs) {
  const std::int64_t age_ms = parts.clock.now().ms - proofs.password_ms;
  if (order.new_password.empty()) {
    if (options.max_password_ms == 0 || age_ms < options.max_password_ms) return std::string();
    return denied("auth.password_expired",
                  "the password is too old: sign in by POST /api/v1/auth/login with `newPassword` "
                  "besides, which takes its place");
  }
  RABT_TRY(fresh, fold_password(order.new_password, "newPassword"));
  if (fresh == folded)
    return invalid("api.invalid", "newPassword: is the password that was; choose another");
  RABT_TRY_STATUS(check_password(fresh, proofs.has_second() ? options.min_password : kMinAlone,
                                 shown_username(person.profile), tenant, options.blocklist.get(),
                                 "newPassword"));
  return hash(fresh);
}

Status Accounts::State::replace(store::Transaction& transaction, const Caller& caller,
                                const Proofs& proofs, std::string_view phc) {
  RABT_TRY_STATUS(put(transaction, *proofs.key, proofs.person, "password", "", "active", phc, 0));
  // Whoever else is signed in as this person is not any more.
  RABT_TRY_STATUS(end_sessions(transaction, proofs.person));
  return parts.audit.append(
      transaction, entry(caller, "user.changed", proofs.person, "ok", password_is("chosen")));
}

Status Accounts::State::reseal(store::Transaction& transaction, const Proofs& proofs,
                               std::string_view phc) {
  const std::string sealed =
      proofs.key->seal(context_of(tenant, proofs.person, "password"), phc, parts.random);
  return store::run(transaction, sql::kResealCredential,
                    {tenant, proofs.person, std::string_view("password"), std::string_view(),
                     store::Blob{sealed}});
}

audit::Prepared Accounts::State::entry(const Caller& caller, std::string_view act,
                                       std::string_view person, std::string_view result,
                                       Json detail) const {
  return act_entry(parts.audit, caller, tenant, act, person.empty() ? "" : person_subject(person),
                   result, std::move(detail));
}

Status Accounts::State::write(const Caller& caller, std::string_view act, std::string_view person,
                              const Writes& writes, Json detail) {
  const auto audit_entry = entry(caller, act, person, "ok", std::move(detail));
  return parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(writes(transaction));
    return parts.audit.append(transaction, audit_entry);
  });
}

Error Accounts::State::refuse(const Caller& caller, std::string_view act, std::string_view person,
                              const Error& error, std::string_view why) {
  Json detail = Json::object();
  if (!why.empty()) detail.set("why", why);
  const auto audit_entry = entry(caller, act, person, error.code, std::move(detail));
  const Status written = parts.store.write([&](store::Transaction& transaction) {
    return parts.audit.append(transaction, audit_entry);
  });
  return written.ok() ? error : written.error();
}

Result<std::int64_t> Accounts::State::idle_of(std::string_view person) const {
  if (!parts.in_consultation || options.idle_in_consultation_ms <= options.idle_ms)
    return options.idle_ms;
  RABT_TRY(taking_part, parts.in_consultation(person));
  return taking_part ? options.idle_in_consultation_ms : options.idle_ms;
}

Status Accounts::State::end_sessions(store::Transaction& transaction, std::string_view person,
                                     std::string_view but) {
  RABT_TRY_STATUS(but.empty()
                      ? store::run(transaction, sql::kEndSessions, {tenant, person})
                      : store::run(transaction, sql::kEndOtherSessions, {tenant, person, but}));
  return raise_epoch(transaction, tenant, person_subject(person));
}

Status Accounts::State::take(store::Transaction& transaction, std::string_view person,
                             const Code& code) {
  if (code.step) {
    RABT_TRY(rows, transaction.execute(sql::kTakeStep, {tenant, person, *code.step}));
    return rows == 1 ? ok_status() : Status(sign_in_failed());
  }
  RABT_TRY(rows,
           transaction.execute(sql::kDropCredential, {tenant, person, std::string_view("recovery"),
                                                      std::string_view(code.recovery)}));
  return rows == 1 ? ok_status() : Status(sign_in_failed());
}

Result<Proofs> Accounts::State::proofs(std::string_view person) {
  RABT_TRY(lease, parts.keys.lease(tenant));
  Proofs out;
  out.person = std::string(person);
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kKeyOf, {tenant, person}, [&](const store::Row& row) {
      out.data_key = std::string(row.blob(sql::kKeyOf["data_key"]));
      return false;
    }));
    if (out.data_key.empty()) return not_found("person.unknown", "there is no such person");
    RABT_TRY(key, lease.open(connection, out.data_key));
    out.key = std::move(key);
    Status opened = ok_status();
    RABT_TRY_STATUS(
        connection.query(sql::kCredentials, {tenant, person}, [&](const store::Row& row) {
          const std::string kind(row.text(sql::kCredentials["kind"]));
          const std::string id(row.text(sql::kCredentials["id"]));
          auto plain =
              out.key->open(context_of(tenant, person, id.empty() ? kind : kind + "/" + id),
                            row.blob(sql::kCredentials["sealed"]));
          if (!plain.ok()) {
            opened = plain.error();
            return false;
          }
          if (kind == "password") {
            out.password = *std::move(plain);
            out.password_ms = row.integer(sql::kCredentials["created_ms"]);
          } else if (kind == "totp") {
            out.totp = *std::move(plain);
            out.totp_active = row.text(sql::kCredentials["state"]) == "active";
            out.last_step = row.integer(sql::kCredentials["last_step"]);
          } else if (kind == "recovery") {
            out.recovery.emplace_back(id, *std::move(plain));
          } else if (kind == "activation") {
            out.activation = *std::move(plain);
            out.activation_ends_ms = row.integer(sql::kCredentials["last_step"]);
          }
          return true;
        }));
    if (!opened.ok()) return opened;
    RABT_TRY_STATUS(
        connection.query(sql::kPasskeysOf, {tenant, person}, [&](const store::Row& row) {
          StoredPasskey passkey;
          passkey.shown.id = std::string(row.text(sql::kPasskeysOf["id"]));
          const auto plain =
              out.key->open(context_of(tenant, person, "passkey/" + passkey.shown.id),
                            row.blob(sql::kPasskeysOf["sealed"]));
          const auto said = plain.ok() ? Json::parse(*plain) : Result<Json>(plain.error());
          if (!said.ok()) {
            opened = said.error();
            return false;
          }
          passkey.sign_count = row.integer(sql::kPasskeysOf["sign_count"]);
          passkey.shown.created_ms = row.integer(sql::kPasskeysOf["created_ms"]);
          passkey.shown.used_ms = row.integer(sql::kPasskeysOf["used_ms"]);
          passkey.shown.name = said->string_or("name", "");
          passkey.shown.backup_eligible = said->bool_or("backupEligible", false);
          passkey.shown.backed_up = said->bool_or("backedUp", false);
          passkey.credential =
              as_text(crypto::from_base64url(said->string_or("credential", "")).value_or(Bytes()));
          passkey.key = (*said)["key"];
          passkey.algorithm = said->string_or("algorithm", "");
          out.passkeys.push_back(std::move(passkey));
          return true;
        }));
    return opened;
  }));
  return out;
}

Accounts::State::Code Accounts::State::judge(const Proofs& proofs, std::string_view typed) const {
  Code out;
  const std::string code = typed_code(typed);
  out.step = totp_match(as_bytes(proofs.totp), code, parts.clock.now(), proofs.last_step);
  if (out.step) return out;
  const std::string hashed = crypto::sha256_bytes(code);
  for (const auto& [id, one] : proofs.recovery) {
    if (constant_time_equal(as_bytes(one), as_bytes(hashed))) out.recovery = id;
  }
  return out;
}

Accounts::Accounts(Parts parts, std::string tenant, AccountOptions options)
    : state_(std::make_unique<State>(std::move(parts), std::move(tenant), std::move(options))) {}
Accounts::~Accounts() = default;

Result<SignedIn> Accounts::State::open_session(const Caller& caller, const Proofs& proofs,
                                               const Person& person, const Opening& opening) {
  RABT_TRY(standing, parts.people.standing(tenant, person.id));
  // Callers refuse who is disabled; what is left is a record that was merged.
  if (!standing || !standing->active)
    return denied("auth.merged",
                  "this record is joined with another one of the same patient; sign in with the "
                  "account of that one, or ask the front desk");
  SignedIn out;
  out.person = person;
  out.token = std::string(kTokenPrefix) + hex_of_random(parts.random, 32);
  out.expires_in = options.absolute_ms / 1000;
  RABT_TRY(device, throttle.device_of(person.id));
  out.device = std::move(device);
  const std::string id = parts.ids.next().text();
  const std::string hashed = crypto::sha256_bytes(out.token);
  out.must_enrol = !opening.strong &&
                   (person.roles.has_any(options.second_factor) || !opening.confined_to.empty());
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY(idle_ms, idle_of(person.id));
  RABT_TRY(lease, parts.keys.lease(tenant));
  RABT_TRY(bucket, lease.bucket(keys::kPerson));
  Json detail = Json::object({{"factors", opening.strong ? 2 : 1}});
  if (!opening.issuer.empty()) detail = Json::object({{"issuer", opening.issuer}});
  if (!opening.confined_to.empty()) detail.set("exemptAt", opening.confined_to);
  RABT_TRY_STATUS(write(
      caller, "user.login", person.id,
      [&](store::Transaction& transaction) -> Status {
        if (opening.also) RABT_TRY_STATUS(opening.also(transaction));
        RABT_TRY_STATUS(
            store::run(transaction, sql::kPutSession,
                       {store::Blob{hashed}, tenant, id, person.id, opening.factors, now,
                        now + options.absolute_ms, opening.issuer, opening.issuer_session,
                        opening.strong ? now : std::int64_t{0}}));
        RABT_TRY_STATUS(store::run(
            transaction, sql::kEndOldSessions,
            {tenant, person.id, now, now - idle_ms, std::int64_t{options.sessions_per_person}}));
        // The person is still active: retention counts anew from this sign-in.
        return parts.keys.move(transaction, lease, proofs.data_key, bucket);
      },
      std::move(detail)));
  return out;
}

Result<SignedIn> Accounts::login(const SignIn& order) {
  State& all = *state_;
  if (!all.options.enabled) return sign_in_failed();
  const auto folded = fold_password(order.password);
  if (!folded.ok()) return sign_in_failed();
  // Somebody who registered himself may have the name of an account that an administrator made: the
  // password says who it is. One that does not fit is tried at the other name always, so that no
  // time tells whether there is one.
  RABT_TRY(chosen, all.parts.people.by_chosen_username(all.tenant, order.username));
  if (chosen) {
    bool other = false;
    auto in = all.sign_in(order, *folded, chosen, &other);
    if (!other) return in;
  }
  RABT_TRY(person, all.parts.people.by_username(all.tenant, order.username));
  return all.sign_in(order, *folded, person, nullptr);
}

Result<SignedIn> Accounts::State::sign_in(const SignIn& order, const std::string& folded,
                                          const std::optional<std::string>& person, bool* other) {
  State& all = *this;
  Caller caller{.who = {.tenant = all.tenant}, .client = order.client, .request = order.request};
  if (other != nullptr) *other = true;
  RABT_TRY(attempt, person ? all.throttle.begin(*person, order.device)
                           : all.throttle.begin_unknown(order.username));
  Proofs proofs;
  if (person) {
    RABT_TRY(found, all.proofs(*person));
    proofs = std::move(found);
  }
  RABT_TRY(good, all.matches(proofs.password, folded));
  const std::string who = person.value_or("");
  if (!good) {
    if (other != nullptr) return sign_in_failed();
    return all.refuse(caller, "user.login_failed", who, sign_in_failed());
  }
  if (other != nullptr) *other = false;
  caller.who.kind = Kind::person;
  caller.who.id = who;
  caller.who.person = who;
  RABT_TRY(found, all.parts.people.find(all.tenant, who));
  if (!found.active) return all.refuse(caller, "user.login_failed", who, sign_in_failed());
  State::Code code;
  const bool exempt = all.is_exempt(order, folded, found, proofs);
  if (!exempt && !proofs.totp_active && proofs.has_second())
    return denied("auth.passkey_required", "sign in with the passkey");
  if (!exempt && proofs.totp_active) {
    if (order.otp.empty())
      return denied("auth.mfa_required", "a code of the second factor is missing");
    code = all.judge(proofs, order.otp);
    if (!code.good()) return all.refuse(caller, "user.login_failed", who, sign_in_failed());
  }
  RABT_TRY(changed, all.exchange(order, folded, found, proofs));
  std::string rehashed;
  if (changed.empty() && !crypto::has_cost(proofs.password, all.cost)) {
    RABT_TRY(fresh, all.hash(folded));
    rehashed = std::move(fresh);
  }
  const std::string factors = exempt ? "pwd " + order.exempt_at : code.good() ? "pwd otp" : "pwd";
  return all.open_session(caller, proofs, found,
                          {.factors = factors,
                           .strong = code.good(),
                           .confined_to = exempt ? order.exempt_at : std::string_view(),
                           .also = [&](store::Transaction& transaction) -> Status {
                             if (code.good()) RABT_TRY_STATUS(all.take(transaction, who, code));
                             if (!changed.empty())
                               RABT_TRY_STATUS(all.replace(transaction, caller, proofs, changed));
                             if (!rehashed.empty())
                               RABT_TRY_STATUS(all.reseal(transaction, proofs, rehashed));
                             return all.throttle.success(transaction, attempt);
                           }});
}

bool Accounts::State::is_exempt(const SignIn& order, std::string_view folded, const Person& person,
                                const Proofs& proofs) const {
  const bool asked = proofs.has_second() || person.roles.has_any(options.second_factor);
  if (order.exempt_at.empty() || !order.otp.empty() || !asked) return false;
  // A password alone replaces no password of an account with a second factor.
  if (proofs.has_second() && !order.new_password.empty()) return false;
  return !person.roles.has(Role::security_officer) &&
         code_points(folded) >= static_cast<std::size_t>(kMinAlone);
}

bool Accounts::is_session(std::string_view text) {
  return text.starts_with(kTokenPrefix);
}

Result<SignedIn> Accounts::open(const Caller& by, std::string_view person, std::string_view issuer,
                                std::string_view issuer_session, bool strong) {
  State& all = *state_;
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  if (!found.active) return denied("auth.oidc", "the person is disabled");
  Caller caller = by;
  caller.who = {.kind = Kind::person,
                .tenant = all.tenant,
                .id = std::string(person),
                .person = std::string(person)};
  RABT_TRY(proofs, all.proofs(person));
  return all.open_session(
      caller, proofs, found,
      {.factors = "issuer", .strong = strong, .issuer = issuer, .issuer_session = issuer_session});
}

Status Accounts::close(const Caller& by, std::string_view issuer, std::string_view person,
                       std::string_view issuer_session) {
  State& all = *state_;
  const bool one = !issuer_session.empty();
  return all.write(
      by, "user.logout", person,
      [&](store::Transaction& transaction) -> Status {
        std::vector<std::pair<std::string, std::string>> ended;
        RABT_TRY_STATUS(transaction.query(
            one ? sql::kOfIssuerSession : sql::kOfIssuer,
            {all.tenant, issuer, one ? issuer_session : person}, [&](const store::Row& row) {
              ended.emplace_back(row.text(sql::kOfIssuerSession["person"]),
                                 row.text(sql::kOfIssuerSession["id"]));
              return true;
            }));
        for (const auto& [who, session] : ended) {
          RABT_TRY_STATUS(store::run(transaction, sql::kEndSession, {all.tenant, who, session}));
          RABT_TRY_STATUS(raise_epoch(transaction, all.tenant, person_subject(who)));
        }
        return ok_status();
      },
      Json::object({{"issuer", issuer}}));
}

Result<Principal> Accounts::session(std::string_view token, bool only_look) {
  State& all = *state_;
  if (!is_session(token)) return unauthenticated();
  const std::string hashed = crypto::sha256_bytes(token);
  const std::int64_t now = all.parts.clock.now().ms;
  Principal out{.kind = Kind::person, .tenant = all.tenant};
  std::int64_t seen = 0;
  std::int64_t ends = 0;
  RABT_TRY_STATUS(all.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindSession, {store::Blob{hashed}, all.tenant},
                            [&](const store::Row& row) {
                              out.session = std::string(row.text(sql::kFindSession["id"]));
                              out.id = std::string(row.text(sql::kFindSession["person"]));
                              seen = row.integer(sql::kFindSession["seen_ms"]);
                              ends = row.integer(sql::kFindSession["ends_ms"]);
                              out.strong_ms = row.integer(sql::kFindSession["strong_ms"]);
                              out.proven_ms = row.integer(sql::kFindSession["proven_ms"]);
                              out.confined_to = confined_to(row.text(sql::kFindSession["factors"]));
                              return false;
                            });
  }));
  if (out.id.empty() || now >= ends) return unauthenticated();
  if (now - seen >= all.options.idle_ms) {
    RABT_TRY(idle_ms, all.idle_of(out.id));
    if (now - seen >= idle_ms) return unauthenticated();
  }
  RABT_TRY(standing, all.parts.people.standing(all.tenant, out.id));
  if (!standing || !standing->active) return unauthenticated();
  out.person = out.id;
  out.roles = standing->roles;
  if (out.strong_ms != 0) out.confined_to.clear();
  out.must_enrol = out.strong_ms == 0 &&
                   (out.roles.has_any(all.options.second_factor) || !out.confined_to.empty());
  if (!only_look && now - seen >= kSeenEveryMs) {
    RABT_TRY_STATUS(all.parts.store.write([&](store::Transaction& transaction) {
      return store::run(transaction, sql::kSeeSession, {store::Blob{hashed}, now});
    }));
  }
  return out;
}

Status Accounts::logout(const Caller& caller, std::string_view authorization) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  const std::string& session = caller.who.session;
  const std::string_view token = credentials_of(authorization, "Bearer").value_or("");
  const bool issued = caller.who.kind == Kind::person && token.find('.') != std::string_view::npos;
  if (session.empty() && !issued) return ok_status();
  return all.write(caller, "user.logout", person, [&](store::Transaction& transaction) -> Status {
    if (session.empty()) {
      RABT_TRY_STATUS(
          end_token(transaction, all.tenant, issued_token(token), all.parts.clock.now().ms));
    } else {
      RABT_TRY_STATUS(store::run(transaction, sql::kEndSession, {all.tenant, person, session}));
    }
    return raise_epoch(transaction, all.tenant, person_subject(person));
  });
}

Result<bool> Accounts::has_ended(std::string_view token, std::string_view person,
                                 std::int64_t issued_ms) {
  return identity::has_ended(state_->parts.store, state_->tenant, issued_token(token), person,
                             issued_ms, state_->parts.clock.now().ms);
}

Status Accounts::logout_everywhere(const Caller& caller, std::string_view person) {
  State& all = *state_;
  return all.write(
      caller, "user.logout", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(end_tokens_of(transaction, all.tenant, person, all.parts.clock.now().ms));
        return all.end_sessions(transaction, person);
      },
      Json::object({{"everywhere", true}}));
}

Result<std::vector<Session>> Accounts::sessions(std::string_view person) {
  State& all = *state_;
  const std::int64_t now = all.parts.clock.now().ms;
  RABT_TRY(idle_ms, all.idle_of(person));
  std::vector<Session> out;
  RABT_TRY_STATUS(all.parts.store.read([&](store::Connection& connection) {
    return connection.query(
        sql::kSessionsOf, {all.tenant, person, now, now - idle_ms}, [&](const store::Row& row) {
          out.push_back({.id = std::string(row.text(sql::kSessionsOf["id"])),
                         .factors = std::string(row.text(sql::kSessionsOf["factors"])),
                         .created_ms = row.integer(sql::kSessionsOf["created_ms"]),
                         .seen_ms = row.integer(sql::kSessionsOf["seen_ms"]),
                         .ends_ms = row.integer(sql::kSessionsOf["ends_ms"])});
          return true;
        });
  }));
  return out;
}

Status Accounts::end_session(const Caller& caller, std::string_view id) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  return all.write(caller, "user.logout", person, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(sql::kEndSession, {all.tenant, person, id}));
    if (rows != 1) return not_found("auth.session_unknown", "you have no such session");
    return raise_epoch(transaction, all.tenant, person_subject(person));
  });
}

Result<SignedIn> Accounts::State::renew_session(const Caller& caller, bool strong,
                                                const Writes& also) {
  const std::string& person = caller.who.person;
  SignedIn out;
  RABT_TRY(found, parts.people.find(tenant, person));
  out.person = std::move(found);
  out.token = std::string(kTokenPrefix) + hex_of_random(parts.random, 32);
  const std::string hashed = crypto::sha256_bytes(out.token);
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY(device, throttle.device_of(person));
  out.device = std::move(device);
  std::int64_t ends = 0;
  RABT_TRY_STATUS(write(
      caller, "user.step_up", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(also(transaction));
        RABT_TRY(rows, transaction.execute(sql::kRenewSession,
                                           {tenant, person, caller.who.session, store::Blob{hashed},
                                            now, strong ? now : caller.who.strong_ms}));
        if (rows != 1) return unauthenticated();
        RABT_TRY_STATUS(transaction.query(sql::kFindSession, {store::Blob{hashed}, tenant},
                                          [&](const store::Row& row) {
                                            ends = row.integer(sql::kFindSession["ends_ms"]);
                                            return false;
                                          }));
        return raise_epoch(transaction, tenant, person_subject(person));
      },
      Json::object({{"factors", strong ? 2 : 1}})));
  out.expires_in = (ends - now) / 1000;
  return out;
}

Status Accounts::check_strong(const Principal& who) const {
  if (who.kind != Kind::person) return ok_status();
  const std::int64_t now = state_->parts.clock.now().ms;
  const std::int64_t since = now - who.strong_ms;
  if (who.strong_ms > 0 && since <= state_->options.step_up_ms) return ok_status();
  return step_up_needed();
}

std::int64_t Accounts::step_up_seconds() const {
  return state_->options.step_up_ms / 1000;
}

Status Accounts::State::check_recent(const Caller& caller, const Proofs& proofs) const {
  // Also a person of an issuer, who has no factor here, has signed in some time.
  const std::int64_t at = proofs.has_second() ? caller.who.strong_ms : caller.who.proven_ms;
  const std::int64_t now = parts.clock.now().ms;
  if (at > 0 && now - at <= options.step_up_ms) return ok_status();
  return step_up_needed();
}

Status Accounts::State::strengthen(store::Transaction& transaction, const Caller& caller,
                                   const Proofs& proofs) {
  if (caller.who.session.empty() || !check_recent(caller, proofs).ok()) return ok_status();
  return store::run(transaction, sql::kStrengthenSession,
                    {tenant, caller.who.person, caller.who.session, parts.clock.now().ms});
}

Result<SignedIn> Accounts::step_up(const Caller& caller, const StepUp& proof) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  // A token of an issuer is renewed by the issuer.
  if (person.empty() || caller.who.session.empty()) return step_up_needed();
  RABT_TRY(proofs, all.proofs(person));
  RABT_TRY(attempt, all.throttle.begin(person, caller.device));
  const auto success = [&](store::Transaction& transaction) {
    return all.throttle.success(transaction, attempt);
  };
  if (proof.passkey) {
    RABT_TRY(begun, all.end("step_up", caller.who, proof.passkey->handle));
    const State::Judged judged =
        all.judge_passkey(caller, proofs, begun.challenge, proof.passkey->credential);
    if (!judged.good)
      return all.refuse(caller, judged.copied ? "user.passkey_copied" : "user.login_failed", person,
                        sign_in_failed(), judged.error.message);
    return all.renew_session(caller, true, [&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(judged.also(transaction));
      return success(transaction);
    });
  }
  if (!proof.otp.empty()) {
    const State::Code code = proofs.totp_active ? all.judge(proofs, proof.otp) : State::Code{};
    if (!code.good()) return all.refuse(caller, "user.login_failed", person, sign_in_failed());
    return all.renew_session(caller, true, [&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(all.take(transaction, person, code));
      return success(transaction);
    });
  }
  const auto folded = fold_password(proof.password);
  if (!folded.ok() || proofs.has_second())
    return all.refuse(caller, "user.login_failed", person, sign_in_failed());
  RABT_TRY(good, all.matches(proofs.password, *folded));
  if (!good) return all.refuse(caller, "user.login_failed", person, sign_in_failed());
  return all.renew_session(caller, false, success);
}

}  // namespace rabt::identity
