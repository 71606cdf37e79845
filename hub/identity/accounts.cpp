#include "hub/identity/accounts.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/uri.hpp"
#include "hub/crypto/password_hash.hpp"
#include "hub/identity/authenticator.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/password_rules.hpp"
#include "hub/identity/profile.hpp"
#include "hub/identity/statements.hpp"
#include "hub/identity/totp.hpp"

namespace rabt::identity {

namespace {

// Hashes at one time, which bounds their memory, and callers that wait for their turn.
constexpr int kHashes = 2;
constexpr int kWaiting = 64;
// Failures in a row that cost nothing; then the wait doubles, up to 15 minutes.
constexpr std::int64_t kFreeFailures = 5;
constexpr std::int64_t kMaxWaitMs = 15LL * 60 * 1000;
// Failures in a row after which only an administrator helps.
constexpr std::int64_t kMaxFailures = 100;
// A count that nobody added to for so long begins anew.
constexpr std::int64_t kForgetMs = 24LL * 3600 * 1000;
constexpr int kRecoveryCodes = 10;
constexpr std::int64_t kSeenEveryMs = 60'000;
constexpr std::int64_t kActivationMs = 24LL * 3600 * 1000;
constexpr std::string_view kTokenPrefix = "rabt_s_";
constexpr std::string_view kPepper = "password-pepper/1";

Error failed() {
  return denied("auth.failed", "username, password or code is wrong");
}
Error throttled() {
  return unavailable("rate.sign_in", "too many failures; wait a while and try again");
}

std::string hex_of_random(Random& random, std::size_t bytes) {
  Bytes raw(bytes, 0);
  random.fill(raw);
  return to_hex(raw);
}
std::string digest(std::string_view text) {
  return std::string(as_text(crypto::sha256(text)));
}

crypto::SealContext context_of(std::string_view tenant, std::string_view person,
                               std::string_view kind) {
  return {tenant, "credential", person, kind};
}

// A few run, some wait, the others are told so.
class Gate {
 public:
  [[nodiscard]] bool enter() {
    Lock hold(mutex_);
    if (running_ >= kHashes && waiting_ >= kWaiting) return false;
    ++waiting_;
    while (running_ >= kHashes) changed_.wait(hold);
    --waiting_;
    ++running_;
    return true;
  }
  void leave() {
    const Lock hold(mutex_);
    --running_;
    changed_.notify_one();
  }

 private:
  Mutex mutex_;
  Condition changed_;
  int running_ RABT_GUARDED_BY(mutex_) = 0;
  int waiting_ RABT_GUARDED_BY(mutex_) = 0;
};

// What is stored of how a person proves himself, opened.
struct Proofs {
  std::string data_key;
  std::shared_ptr<const crypto::DataKey> key;
  // PHC string. Empty when there is no password.
  std::string password;
  std::string totp;
  bool totp_active = false;
  std::int64_t last_step = 0;
  // SHA-256 of each code that is left, by its number.
  std::vector<std::pair<std::string, std::string>> recovery;
  std::string activation;
  std::int64_t activation_ends_ms = 0;
};

}  // namespace

struct Accounts::State {
  State(Parts p, std::string t, AccountOptions o)
      : parts(p),
        tenant(std::move(t)),
        options(o),
        cost{.memory_kib = o.memory_kib, .time = o.time, .lanes = o.lanes} {}
  const Parts parts;
  const std::string tenant;
  const AccountOptions options;
  const crypto::PasswordCost cost;
  Gate gate;

  using Writes = std::function<Status(store::Transaction&)>;

  Result<Bytes> peppered(std::string_view folded) {
    RABT_TRY(pepper, parts.keyring.purpose_key(tenant, kPepper));
    return crypto::hmac_sha256(pepper.expose(), folded);
  }
  // Nothing is hashed when too many wait. Error unavailable auth.busy.
  Result<std::string> hash(std::string_view folded) {
    RABT_TRY(secret, peppered(folded));
    if (!gate.enter()) return busy();
    std::string phc = crypto::hash_password(secret, cost, parts.random);
    gate.leave();
    if (phc.empty()) return busy();
    return phc;
  }
  // Takes the time of a hash also where there is no password.
  Result<bool> matches(const std::string& phc, std::string_view folded) {
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
  static Error busy() {
    return unavailable("auth.busy", "many people sign in at this moment; try again");
  }

  Result<Proofs> proofs(std::string_view person);
  Status put(store::Transaction& transaction, const crypto::DataKey& key, std::string_view person,
             std::string_view kind, std::string_view id, std::string_view state,
             std::string_view plain, std::int64_t step) {
    const std::string place =
        id.empty() ? std::string(kind) : std::string(kind) + "/" + std::string(id);
    const std::string sealed = key.seal(context_of(tenant, person, place), plain, parts.random);
    return store::run(
        transaction, sql::kPutCredential,
        {tenant, person, kind, id, state, store::Blob{sealed}, step, parts.clock.now().ms});
  }

  // Counts a failure before anything is tried, so that many at once count, too; success() takes it
  // back. Error unavailable rate.sign_in.
  Status attempt(const std::string& subject);
  Status success(store::Transaction& transaction, const std::string& subject) {
    return store::run(transaction, sql::kDropAttempt, {tenant, store::Blob{subject}});
  }
  Result<std::string> subject_of(std::string_view kind, std::string_view value) {
    RABT_TRY(lease, parts.keys.lease(tenant));
    return lease.blind_index("attempt/1/" + std::string(kind), value);
  }

  audit::Prepared entry(const Caller& caller, std::string_view act, std::string_view person,
                        std::string_view result = "ok", Json detail = Json::object()) const {
    return parts.audit.prepare({.tenant = tenant,
                                .actor = caller.who.actor(),
                                .act = std::string(act),
                                .object = person.empty() ? "" : "person:" + std::string(person),
                                .result = std::string(result),
                                .detail = std::move(detail),
                                .patient = {},
                                .purpose = {},
                                .client = caller.client,
                                .request = caller.request,
                                .sealed = {}});
  }
  Status write(const Caller& caller, std::string_view act, std::string_view person,
               const Writes& writes, Json detail = Json::object()) {
    const auto made = entry(caller, act, person, "ok", std::move(detail));
    return parts.store.write([&](store::Transaction& transaction) -> Status {
      RABT_TRY_STATUS(writes(transaction));
      return parts.audit.append(transaction, made);
    });
  }
  // Writes down a failure of somebody, who may be nobody, and returns its error.
  Error refuse(const Caller& caller, std::string_view act, std::string_view person,
               const Error& error) {
    const auto made = entry(caller, act, person, error.code);
    const Status written = parts.store.write(
        [&](store::Transaction& transaction) { return parts.audit.append(transaction, made); });
    return written.ok() ? error : written.error();
  }

  // All sessions of a person but `but`, and what was opened by them.
  Status end_sessions(store::Transaction& transaction, std::string_view person,
                      std::string_view but = {}) {
    RABT_TRY_STATUS(but.empty()
                        ? store::run(transaction, sql::kEndSessions, {tenant, person})
                        : store::run(transaction, sql::kEndOtherSessions, {tenant, person, but}));
    return raise_epoch(transaction, tenant, person_subject(person));
  }

  // Takes a code of the second factor, in the job of what it admits.
  struct Code {
    std::optional<std::int64_t> step;
    // Number of the recovery code.
    std::string recovery;
    [[nodiscard]] bool good() const { return step.has_value() || !recovery.empty(); }
  };
  [[nodiscard]] Code judge(const Proofs& known, std::string_view code) const;
  Status take(store::Transaction& transaction, std::string_view person, const Code& code) {
    if (code.step) {
      RABT_TRY(rows, transaction.execute(sql::kTakeStep, {tenant, person, *code.step}));
      return rows == 1 ? ok_status() : Status(failed());
    }
    RABT_TRY(rows, transaction.execute(sql::kDropCredential,
                                       {tenant, person, std::string_view("recovery"),
                                        std::string_view(code.recovery)}));
    return rows == 1 ? ok_status() : Status(failed());
  }
  Result<SignedIn> open_session(const Caller& caller, const Proofs& known, const Person& person,
                                const std::string& subject, const Code& code,
                                const std::string& rehashed);
};

Result<Proofs> Accounts::State::proofs(std::string_view person) {
  RABT_TRY(lease, parts.keys.lease(tenant));
  Proofs out;
  RABT_TRY_STATUS(parts.store.read([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kKeyOf, {tenant, person}, [&](const store::Row& row) {
      out.data_key = std::string(row.blob(0));
      return false;
    }));
    if (out.data_key.empty()) return not_found("person.unknown", "there is no such person");
    RABT_TRY(key, lease.open(connection, out.data_key));
    out.key = std::move(key);
    Status opened = ok_status();
    RABT_TRY_STATUS(
        connection.query(sql::kCredentials, {tenant, person}, [&](const store::Row& row) {
          const std::string kind(row.text(0));
          const std::string id(row.text(1));
          auto plain = out.key->open(
              context_of(tenant, person, id.empty() ? kind : kind + "/" + id), row.blob(3));
          if (!plain.ok()) {
            opened = plain.error();
            return false;
          }
          if (kind == "password") out.password = *std::move(plain);
          if (kind == "totp") {
            out.totp = *std::move(plain);
            out.totp_active = row.text(2) == "active";
            out.last_step = row.integer(4);
          } else if (kind == "recovery") {
            out.recovery.emplace_back(id, *std::move(plain));
          } else if (kind == "activation") {
            out.activation = *std::move(plain);
            out.activation_ends_ms = row.integer(4);
          }
          return true;
        }));
    return opened;
  }));
  return out;
}

Status Accounts::State::attempt(const std::string& subject) {
  const std::int64_t now = parts.clock.now().ms;
  bool refused = false;
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        store::run(transaction, sql::kForgetAttempts, {tenant, now - kForgetMs, kMaxFailures}));
    std::int64_t failures = 0;
    std::int64_t until = 0;
    RABT_TRY_STATUS(transaction.query(sql::kFindAttempt, {tenant, store::Blob{subject}},
                                      [&](const store::Row& row) {
                                        failures = row.integer(0);
                                        until = row.integer(1);
                                        return false;
                                      }));
    refused = until > now || failures >= kMaxFailures;
    if (refused) return ok_status();
    ++failures;
    const std::int64_t doubled = std::min<std::int64_t>(failures - kFreeFailures, 20);
    const std::int64_t wait =
        doubled <= 0 ? 0 : std::min<std::int64_t>(1000LL << doubled, kMaxWaitMs);
    return store::run(transaction, sql::kPutAttempt,
                      {tenant, store::Blob{subject}, failures, now + wait, now});
  }));
  return refused ? Status(throttled()) : ok_status();
}

Accounts::State::Code Accounts::State::judge(const Proofs& known, std::string_view code) const {
  Code out;
  out.step = totp_match(as_bytes(known.totp), code, parts.clock.now(), known.last_step);
  if (out.step) return out;
  const std::string hashed = digest(lower(code));
  for (const auto& [id, one] : known.recovery) {
    if (constant_time_equal(as_bytes(one), as_bytes(hashed))) out.recovery = id;
  }
  return out;
}

Accounts::Accounts(Parts parts, std::string tenant, AccountOptions options)
    : state_(std::make_unique<State>(parts, std::move(tenant), options)) {}
Accounts::~Accounts() = default;

Result<SignedIn> Accounts::State::open_session(const Caller& caller, const Proofs& known,
                                               const Person& person, const std::string& subject,
                                               const Code& code, const std::string& rehashed) {
  SignedIn out;
  out.person = person;
  out.token = std::string(kTokenPrefix) + hex_of_random(parts.random, 32);
  out.expires_in = options.absolute_ms / 1000;
  const std::string id = parts.ids.next().text();
  const std::string hashed = digest(out.token);
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY(lease, parts.keys.lease(tenant));
  RABT_TRY(bucket, lease.bucket(keys::kPerson));
  RABT_TRY_STATUS(write(
      caller, "user.login", person.id,
      [&](store::Transaction& transaction) -> Status {
        if (code.good()) RABT_TRY_STATUS(take(transaction, person.id, code));
        if (!rehashed.empty())
          RABT_TRY_STATUS(
              put(transaction, *known.key, person.id, "password", "", "active", rehashed, 0));
        RABT_TRY_STATUS(
            store::run(transaction, sql::kPutSession,
                       {store::Blob{hashed}, tenant, id, person.id,
                        std::string_view(code.good() ? "pwd otp" : "pwd"), now,
                        now + options.absolute_ms, std::string_view(), std::string_view()}));
        RABT_TRY_STATUS(store::run(transaction, sql::kEndOldSessions,
                                   {tenant, person.id, now, now - options.idle_ms,
                                    std::int64_t{options.sessions_per_person}}));
        // Who signs in is still here: retention counts anew.
        RABT_TRY_STATUS(parts.keys.move(transaction, lease, known.data_key, bucket));
        return success(transaction, subject);
      },
      Json::object({{"factors", code.good() ? 2 : 1}})));
  return out;
}

Result<SignedIn> Accounts::login(const SignIn& order) {
  State& all = *state_;
  Caller caller{.who = {.tenant = all.tenant}, .client = order.client, .request = order.request};
  if (!all.options.enabled) return failed();
  const auto folded = fold_password(order.password);
  if (!folded.ok()) return failed();
  RABT_TRY(person, all.parts.people.by_username(all.tenant, order.username));
  RABT_TRY(subject, person ? all.subject_of("person", *person)
                           : all.subject_of("name", lower(order.username).substr(0, 256)));
  RABT_TRY_STATUS(all.attempt(subject));
  Proofs known;
  if (person) {
    RABT_TRY(found, all.proofs(*person));
    known = std::move(found);
  }
  RABT_TRY(good, all.matches(known.password, *folded));
  const std::string who = person.value_or("");
  if (!good) return all.refuse(caller, "user.login_failed", who, failed());
  caller.who.kind = Kind::person;
  caller.who.id = who;
  caller.who.person = who;
  RABT_TRY(found, all.parts.people.find(all.tenant, who));
  if (!found.active) return all.refuse(caller, "user.login_failed", who, failed());
  State::Code code;
  if (known.totp_active) {
    if (order.otp.empty())
      return denied("auth.mfa_required", "a code of the second factor is missing");
    code = all.judge(known, order.otp);
    if (!code.good()) return all.refuse(caller, "user.login_failed", who, failed());
  }
  std::string rehashed;
  if (!crypto::has_cost(known.password, all.cost)) {
    RABT_TRY(fresh, all.hash(*folded));
    rehashed = std::move(fresh);
  }
  return all.open_session(caller, known, found, subject, code, rehashed);
}

bool Accounts::is_session(std::string_view text) {
  return text.starts_with(kTokenPrefix);
}

Result<SignedIn> Accounts::open(const Caller& by, std::string_view person, std::string_view issuer,
                                std::string_view issuer_session) {
  State& all = *state_;
  SignedIn out;
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  if (!found.active) return denied("auth.oidc", "the person is disabled");
  out.person = std::move(found);
  out.token = std::string(kTokenPrefix) + hex_of_random(all.parts.random, 32);
  out.expires_in = all.options.absolute_ms / 1000;
  Caller caller = by;
  caller.who = {.kind = Kind::person,
                .tenant = all.tenant,
                .id = std::string(person),
                .person = std::string(person)};
  const std::string id = all.parts.ids.next().text();
  const std::string hashed = digest(out.token);
  const std::int64_t now = all.parts.clock.now().ms;
  RABT_TRY(known, all.proofs(person));
  RABT_TRY(lease, all.parts.keys.lease(all.tenant));
  RABT_TRY(bucket, lease.bucket(keys::kPerson));
  RABT_TRY_STATUS(all.write(
      caller, "user.login", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(
            store::run(transaction, sql::kPutSession,
                       {store::Blob{hashed}, all.tenant, id, person, std::string_view("issuer"),
                        now, now + all.options.absolute_ms, issuer, issuer_session}));
        RABT_TRY_STATUS(store::run(transaction, sql::kEndOldSessions,
                                   {all.tenant, person, now, now - all.options.idle_ms,
                                    std::int64_t{all.options.sessions_per_person}}));
        return all.parts.keys.move(transaction, lease, known.data_key, bucket);
      },
      Json::object({{"issuer", issuer}})));
  return out;
}

Status Accounts::close(const Caller& by, std::string_view issuer, std::string_view person,
                       std::string_view issuer_session) {
  State& all = *state_;
  const bool one = !issuer_session.empty();
  return all.write(
      by, "user.logout", person,
      [&](store::Transaction& transaction) -> Status {
        std::vector<std::pair<std::string, std::string>> ended;
        RABT_TRY_STATUS(transaction.query(one ? sql::kOfIssuerSession : sql::kOfIssuer,
                                          {all.tenant, issuer, one ? issuer_session : person},
                                          [&](const store::Row& row) {
                                            ended.emplace_back(row.text(0), row.text(1));
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
  const std::string hashed = digest(token);
  const std::int64_t now = all.parts.clock.now().ms;
  Principal out{.kind = Kind::person, .tenant = all.tenant};
  std::int64_t seen = 0;
  std::int64_t ends = 0;
  RABT_TRY_STATUS(all.parts.store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindSession, {store::Blob{hashed}, all.tenant},
                            [&](const store::Row& row) {
                              out.session = std::string(row.text(0));
                              out.id = std::string(row.text(1));
                              seen = row.integer(2);
                              ends = row.integer(3);
                              return false;
                            });
  }));
  if (out.id.empty() || now >= ends || now - seen >= all.options.idle_ms) return unauthenticated();
  RABT_TRY(standing, all.parts.people.standing(all.tenant, out.id));
  if (!standing || !standing->active) return unauthenticated();
  out.person = out.id;
  out.roles = standing->roles;
  if (!only_look && now - seen >= kSeenEveryMs) {
    RABT_TRY_STATUS(all.parts.store.write([&](store::Transaction& transaction) {
      return store::run(transaction, sql::kSeeSession, {store::Blob{hashed}, now});
    }));
  }
  return out;
}

Status Accounts::logout(const Caller& caller) {
  if (caller.who.session.empty()) return ok_status();
  State& all = *state_;
  const std::string& person = caller.who.person;
  return all.write(caller, "user.logout", person, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(
        store::run(transaction, sql::kEndSession, {all.tenant, person, caller.who.session}));
    return raise_epoch(transaction, all.tenant, person_subject(person));
  });
}

Status Accounts::logout_everywhere(const Caller& caller, std::string_view person) {
  State& all = *state_;
  return all.write(
      caller, "user.logout", person,
      [&](store::Transaction& transaction) { return all.end_sessions(transaction, person); },
      Json::object({{"everywhere", true}}));
}

Result<Person> Accounts::add(const Caller& caller, const Registration& order) {
  State& all = *state_;
  if (!all.options.enabled)
    return denied("authorisation.denied", "this hub keeps no accounts of its own");
  if (!(order.roles == Roles{Role::patient}) && !caller.who.is(Role::admin))
    return denied("authorisation.denied", "only an administrator gives other roles than patient");
  RABT_TRY(username, fold_username(order.username));
  RABT_TRY(folded, fold_password(order.password));
  RABT_TRY_STATUS(check_password(folded, kMinAlone, username, all.tenant));
  NewPerson wanted;
  RABT_TRY(profile, check_profile(order.profile));
  wanted.profile = std::move(profile);
  wanted.profile.set("username", username);
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
  if (person.empty()) return failed();
  RABT_TRY(fresh, fold_password(new_password));
  const auto old = fold_password(old_password);
  if (!old.ok()) return failed();
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  RABT_TRY(known, all.proofs(person));
  RABT_TRY_STATUS(check_password(fresh, known.totp_active ? all.options.min_password : kMinAlone,
                                 found.profile.string_or("username", "\n"), all.tenant));
  RABT_TRY(subject, all.subject_of("person", person));
  RABT_TRY_STATUS(all.attempt(subject));
  RABT_TRY(good, all.matches(known.password, *old));
  if (!good) return all.refuse(caller, "user.login_failed", person, failed());
  RABT_TRY(phc, all.hash(fresh));
  return all.write(caller, "user.changed", person, [&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(all.put(transaction, *known.key, person, "password", "", "active", phc, 0));
    // Whoever else is signed in as this person is not any more.
    RABT_TRY_STATUS(all.end_sessions(transaction, person));
    return all.success(transaction, subject);
  });
}

Result<Enrolment> Accounts::enrol(const Caller& caller) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return failed();
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  RABT_TRY(known, all.proofs(person));
  if (known.totp_active)
    return conflict("auth.mfa_enrolled", "there is a second factor; remove it first");
  Bytes secret(kTotpSecret, 0);
  all.parts.random.fill(secret);
  RABT_TRY_STATUS(
      all.write(caller, "user.mfa_changed", person, [&](store::Transaction& transaction) {
        return all.put(transaction, *known.key, person, "totp", "", "pending", as_text(secret), 0);
      }));
  Enrolment out;
  out.secret = base32(secret);
  const std::string label = found.profile.string_or("username", person);
  out.uri = "otpauth://totp/Rabt:" + percent_encode(label) + "?secret=" + out.secret +
            "&issuer=Rabt&algorithm=SHA1&digits=6&period=30";
  return out;
}

Result<std::vector<std::string>> Accounts::confirm(const Caller& caller, std::string_view code) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return failed();
  RABT_TRY(known, all.proofs(person));
  if (known.totp_active || known.totp.empty())
    return conflict("auth.mfa_enrolled", "there is no second factor that waits to be confirmed");
  RABT_TRY(subject, all.subject_of("person", person));
  RABT_TRY_STATUS(all.attempt(subject));
  const auto step = totp_match(as_bytes(known.totp), code, all.parts.clock.now(), known.last_step);
  if (!step) return all.refuse(caller, "user.login_failed", person, failed());
  std::vector<std::string> codes;
  for (int i = 0; i < kRecoveryCodes; ++i) codes.push_back(hex_of_random(all.parts.random, 15));
  RABT_TRY_STATUS(
      all.write(caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        State::Code taken;
        taken.step = step;
        RABT_TRY_STATUS(all.take(transaction, person, taken));
        for (std::size_t i = 0; i < codes.size(); ++i) {
          RABT_TRY_STATUS(all.put(transaction, *known.key, person, "recovery", std::to_string(i),
                                  "active", digest(codes[i]), 0));
        }
        // Where somebody else is signed in as this person, nobody is any more.
        RABT_TRY_STATUS(all.end_sessions(transaction, person, caller.who.session));
        return all.success(transaction, subject);
      }));
  return codes;
}

Status Accounts::remove_factor(const Caller& caller, std::string_view code) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return failed();
  RABT_TRY(known, all.proofs(person));
  if (!known.totp_active) return not_found("auth.mfa_absent", "there is no second factor");
  RABT_TRY(subject, all.subject_of("person", person));
  RABT_TRY_STATUS(all.attempt(subject));
  const State::Code judged = all.judge(known, code);
  if (!judged.good()) return all.refuse(caller, "user.login_failed", person, failed());
  return all.write(
      caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(all.take(transaction, person, judged));
        for (const std::string_view kind : {"totp", "recovery"})
          RABT_TRY_STATUS(
              store::run(transaction, sql::kDropCredentials, {all.tenant, person, kind}));
        RABT_TRY_STATUS(all.end_sessions(transaction, person, caller.who.session));
        return all.success(transaction, subject);
      });
}

Result<Accounts::Factors> Accounts::factors(std::string_view person) {
  RABT_TRY(known, state_->proofs(person));
  return Factors{.password = !known.password.empty(),
                 .totp = known.totp_active,
                 .recovery = static_cast<int>(known.recovery.size())};
}

Status Accounts::reset_factor(const Caller& caller, std::string_view person) {
  State& all = *state_;
  RABT_TRY_STATUS(all.proofs(person));
  return all.write(
      caller, "user.mfa_changed", person, [&](store::Transaction& transaction) -> Status {
        for (const std::string_view kind : {"totp", "recovery"})
          RABT_TRY_STATUS(
              store::run(transaction, sql::kDropCredentials, {all.tenant, person, kind}));
        return all.end_sessions(transaction, person);
      });
}

Result<std::string> Accounts::reset_password(const Caller& caller, std::string_view person) {
  State& all = *state_;
  RABT_TRY(known, all.proofs(person));
  RABT_TRY(subject, all.subject_of("person", person));
  std::string code = hex_of_random(all.parts.random, 16);
  RABT_TRY_STATUS(
      all.write(caller, "user.changed", person, [&](store::Transaction& transaction) -> Status {
        RABT_TRY_STATUS(store::run(transaction, sql::kDropCredentials,
                                   {all.tenant, person, std::string_view("password")}));
        RABT_TRY_STATUS(all.end_sessions(transaction, person));
        RABT_TRY_STATUS(all.success(transaction, subject));
        return all.put(transaction, *known.key, person, "activation", "", "active", digest(code),
                       all.parts.clock.now().ms + kActivationMs);
      }));
  return code;
}

Status Accounts::activate(const SignIn& order, std::string_view code) {
  State& all = *state_;
  RABT_TRY(fresh, fold_password(order.password));
  RABT_TRY(person, all.parts.people.by_username(all.tenant, order.username));
  RABT_TRY(subject, person ? all.subject_of("person", *person)
                           : all.subject_of("name", lower(order.username).substr(0, 256)));
  RABT_TRY_STATUS(all.attempt(subject));
  if (!person) return failed();
  RABT_TRY(known, all.proofs(*person));
  const Caller caller{.who = {.kind = Kind::person,
                              .tenant = all.tenant,
                              .id = *person,
                              .roles = {},
                              .person = *person},
                      .client = order.client,
                      .request = order.request};
  const bool good = !known.activation.empty() &&
                    constant_time_equal(as_bytes(known.activation), as_bytes(digest(code))) &&
                    all.parts.clock.now().ms < known.activation_ends_ms;
  if (!good) return all.refuse(caller, "user.login_failed", *person, failed());
  RABT_TRY_STATUS(check_password(fresh, known.totp_active ? all.options.min_password : kMinAlone,
                                 lower(order.username), all.tenant));
  RABT_TRY(phc, all.hash(fresh));
  return all.write(caller, "user.changed", *person, [&](store::Transaction& transaction) -> Status {
    RABT_TRY(rows, transaction.execute(sql::kDropCredential,
                                       {all.tenant, std::string_view(*person),
                                        std::string_view("activation"), std::string_view()}));
    if (rows != 1) return failed();
    RABT_TRY_STATUS(all.put(transaction, *known.key, *person, "password", "", "active", phc, 0));
    return all.success(transaction, subject);
  });
}

}  // namespace rabt::identity
