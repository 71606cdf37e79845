#include <algorithm>

#include "hub/base/printable.hpp"
#include "hub/base/utf8.hpp"
#include "hub/identity/accounts_state.hpp"
#include "hub/identity/profile.hpp"

// Accounts: passkeys.
namespace rabt::identity {

namespace {

constexpr std::size_t kMaxPasskeys = 20;
constexpr std::size_t kMaxPasskeyName = 80;
constexpr std::size_t kChallenge = 32;
constexpr std::string_view kProduct = "Rabt";

Json sealed_form(const StoredPasskey& passkey) {
  return Json::object({{"credential", crypto::base64url(as_bytes(passkey.credential))},
                       {"key", passkey.key},
                       {"algorithm", passkey.algorithm},
                       {"name", passkey.shown.name},
                       {"backupEligible", passkey.shown.backup_eligible},
                       {"backedUp", passkey.shown.backed_up}});
}

std::string seal(const crypto::DataKey& key, Random& random, std::string_view tenant,
                 std::string_view person, const StoredPasskey& passkey) {
  const std::string place = "passkey/" + passkey.shown.id;
  return key.seal({tenant, "credential", person, place}, sealed_form(passkey).dump(), random);
}

Result<std::string> check_name(std::string_view name) {
  const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (name.empty() || !plain || !is_utf8(name) || code_points(name) > kMaxPasskeyName)
    return invalid("api.invalid", "name: must be a text of 1 to 80 characters");
  return tidy_line(name);
}

RelyingParty party_of(const AccountOptions& options) {
  return {.id = options.passkey_host, .origins = options.passkey_origins};
}

Error absent() {
  return not_found("auth.passkey_absent", "you have no such passkey");
}

Json descriptors(const std::vector<StoredPasskey>& passkeys) {
  Json out = Json::array();
  for (const StoredPasskey& passkey : passkeys)
    out.push_back(Json::object(
        {{"type", "public-key"}, {"id", crypto::base64url(as_bytes(passkey.credential))}}));
  return out;
}

}  // namespace

Result<Ceremony> Accounts::State::begin(std::string_view use, const Principal& who, Json asked) {
  if (options.passkey_host.empty())
    return conflict("auth.passkeys_off",
                    "there are no passkeys: the hub does not know its own address; set "
                    "`server.public_url`");
  Bytes challenge(kChallenge, 0);
  parts.random.fill(challenge);
  Ceremony out;
  out.handle = hex_of_random(parts.random, kChallenge);
  asked.set("challenge", crypto::base64url(challenge));
  asked.set("timeout", kCeremonyMs);
  out.options = std::move(asked);
  const std::string handle = crypto::sha256_bytes(out.handle);
  const std::int64_t now = parts.clock.now().ms;
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, sql::kForgetCeremonies, {now}));
    return store::run(transaction, sql::kPutCeremony,
                      {store::Blob{handle}, tenant, use, who.person, who.session,
                       store::Blob{as_text(challenge)}, now + kCeremonyMs});
  }));
  return out;
}

Result<Accounts::State::Begun> Accounts::State::end(std::string_view use, const Principal& who,
                                                    std::string_view shown) {
  const std::string handle = crypto::sha256_bytes(shown);
  Begun out;
  bool good = false;
  RABT_TRY_STATUS(parts.store.write([&](store::Transaction& transaction) -> Status {
    good = false;
    RABT_TRY_STATUS(transaction.query(
        sql::kFindCeremony, {store::Blob{handle}, tenant}, [&](const store::Row& row) {
          good = row.text(sql::kFindCeremony["use"]) == use &&
                 row.text(sql::kFindCeremony["person"]) == who.person &&
                 row.text(sql::kFindCeremony["session"]) == who.session &&
                 row.integer(sql::kFindCeremony["ends_ms"]) > parts.clock.now().ms;
          out.challenge = std::string(row.blob(sql::kFindCeremony["challenge"]));
          return false;
        }));
    // However it came, it is not answered again.
    return store::run(transaction, sql::kDropCeremony, {store::Blob{handle}, tenant});
  }));
  if (!good) return sign_in_failed();
  return out;
}

Accounts::State::Judged Accounts::State::judge_passkey(const Caller& caller, const Proofs& proofs,
                                                       std::string_view challenge,
                                                       const Json& answer) {
  Judged out;
  const auto of = read_assertion(answer);
  if (!of.ok()) {
    out.error = of.error();
    return out;
  }
  const auto found = std::find_if(
      proofs.passkeys.begin(), proofs.passkeys.end(),
      [&](const StoredPasskey& passkey) { return passkey.credential == of->credential; });
  if (found == proofs.passkeys.end()) {
    out.error = absent();
    return out;
  }
  const auto state =
      check_assertion(party_of(options), challenge, found->key, found->algorithm, answer);
  if (!state.ok()) {
    out.error = state.error();
    return out;
  }
  StoredPasskey now = *found;
  if (state->backup_eligible != now.shown.backup_eligible) {
    out.error = invalid("auth.passkey", "the passkey says something else about its backups");
    return out;
  }
  const std::int64_t count = state->sign_count;
  const bool counts = count > 0 || now.sign_count > 0;
  if (counts && count <= now.sign_count) {
    // When a passkey moves between devices, each device may count for itself.
    out.copied = true;
    ++counts_back;
    if (!now.shown.backup_eligible) {
      out.error =
          invalid("auth.passkey", "the count of the passkey went back: there may be a copy");
      return out;
    }
  }
  out.good = true;
  const std::int64_t before = now.sign_count;
  const bool moved = state->backed_up != now.shown.backed_up;
  now.shown.backed_up = state->backed_up;
  std::optional<audit::Prepared> noted;
  if (out.copied)
    noted = entry(caller, "user.passkey_copied", proofs.person, "ok",
                  Json::object({{"passkey", now.shown.id}, {"synced", true}}));
  out.also = [this, now, before, count, moved, noted, person = std::string(proofs.person),
              key = proofs.key](store::Transaction& transaction) -> Status {
    if (noted) RABT_TRY_STATUS(parts.audit.append(transaction, *noted));
    RABT_TRY(rows, transaction.execute(sql::kUsePasskey, {tenant, person, now.shown.id, count,
                                                          before, parts.clock.now().ms}));
    if (rows != 1) return sign_in_failed();
    if (!moved) return ok_status();
    const std::string sealed = seal(*key, parts.random, tenant, person, now);
    return store::run(transaction, sql::kSealPasskey,
                      {tenant, person, now.shown.id, store::Blob{sealed}});
  };
  return out;
}

Result<Ceremony> Accounts::begin_passkey(const Caller& caller) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  RABT_TRY(proofs, all.proofs(person));
  RABT_TRY_STATUS(all.check_recent(caller, proofs));
  if (proofs.passkeys.size() >= kMaxPasskeys)
    return conflict("auth.passkey_taken", "you have 20 passkeys; remove one first");
  const std::string name = shown_username(found.profile);
  const std::string& label = name.empty() ? person : name;
  Json algorithms = Json::array();
  for (const PasskeyAlgorithm& algorithm : kPasskeyAlgorithms)
    algorithms.push_back(Json::object({{"type", "public-key"}, {"alg", algorithm.cose}}));
  return all.begin(
      "register", caller.who,
      Json::object(
          {{"rp", Json::object({{"id", all.options.passkey_host}, {"name", kProduct}})},
           {"user", Json::object({{"id", crypto::base64url(as_bytes(person))},
                                  {"name", label},
                                  {"displayName", found.profile.string_or("name", label)}})},
           {"pubKeyCredParams", std::move(algorithms)},
           {"excludeCredentials", descriptors(proofs.passkeys)},
           {"authenticatorSelection", Json::object({{"residentKey", "required"},
                                                    {"requireResidentKey", true},
                                                    {"userVerification", "required"}})},
           {"attestation", "none"}}));
}

Result<Passkey> Accounts::add_passkey(const Caller& caller, const PasskeyAnswer& answer,
                                      std::string_view name) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  if (person.empty()) return sign_in_failed();
  RABT_TRY(called, check_name(name));
  RABT_TRY(proofs, all.proofs(person));
  RABT_TRY_STATUS(all.check_recent(caller, proofs));
  RABT_TRY(begun, all.end("register", caller.who, answer.handle));
  RABT_TRY(credential,
           check_registration(party_of(all.options), begun.challenge, answer.credential));
  StoredPasskey fresh;
  fresh.shown = {.id = all.parts.ids.next().text(),
                 .name = std::move(called),
                 .backup_eligible = credential.state.backup_eligible,
                 .backed_up = credential.state.backed_up,
                 .created_ms = all.parts.clock.now().ms};
  fresh.credential = credential.id;
  fresh.key = std::move(credential.key);
  fresh.algorithm = std::move(credential.algorithm);
  const std::string hashed = crypto::sha256_bytes(fresh.credential);
  const std::string sealed = seal(*proofs.key, all.parts.random, all.tenant, person, fresh);
  RABT_TRY_STATUS(all.write(
      caller, "user.mfa_changed", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY(rows,
                 transaction.execute(
                     sql::kInsertPasskey,
                     {all.tenant, fresh.shown.id, store::Blob{hashed}, person, store::Blob{sealed},
                      std::int64_t{credential.state.sign_count}, fresh.shown.created_ms}));
        if (rows != 1) return conflict("auth.passkey_taken", "this passkey is enrolled already");
        RABT_TRY_STATUS(all.strengthen(transaction, caller, proofs));
        return all.end_sessions(transaction, person, caller.who.session);
      },
      Json::object({{"passkey", fresh.shown.id}})));
  return fresh.shown;
}

Result<std::vector<Passkey>> Accounts::passkeys(std::string_view person) {
  RABT_TRY(proofs, state_->proofs(person));
  std::vector<Passkey> out;
  for (StoredPasskey& passkey : proofs.passkeys) out.push_back(std::move(passkey.shown));
  return out;
}

Result<Passkey> Accounts::rename_passkey(const Caller& caller, std::string_view id,
                                         std::string_view name) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  RABT_TRY(called, check_name(name));
  RABT_TRY(proofs, all.proofs(person));
  const auto found =
      std::find_if(proofs.passkeys.begin(), proofs.passkeys.end(),
                   [&](const StoredPasskey& passkey) { return passkey.shown.id == id; });
  if (found == proofs.passkeys.end()) return absent();
  found->shown.name = std::move(called);
  const std::string sealed = seal(*proofs.key, all.parts.random, all.tenant, person, *found);
  RABT_TRY_STATUS(all.write(
      caller, "user.changed", person,
      [&](store::Transaction& transaction) {
        return store::run(transaction, sql::kSealPasskey,
                          {all.tenant, person, id, store::Blob{sealed}});
      },
      Json::object({{"passkey", id}})));
  return found->shown;
}

Status Accounts::remove_passkey(const Caller& caller, std::string_view id) {
  State& all = *state_;
  const std::string& person = caller.who.person;
  RABT_TRY(proofs, all.proofs(person));
  RABT_TRY_STATUS(all.check_recent(caller, proofs));
  return all.write(
      caller, "user.mfa_changed", person,
      [&](store::Transaction& transaction) -> Status {
        RABT_TRY(rows, transaction.execute(sql::kDropPasskey, {all.tenant, person, id}));
        if (rows != 1) return absent();
        return all.end_sessions(transaction, person, caller.who.session);
      },
      Json::object({{"passkey", id}, {"removed", true}}));
}

Result<Ceremony> Accounts::begin_sign_in() {
  return state_->begin("sign_in", {},
                       Json::object({{"rpId", state_->options.passkey_host},
                                     {"allowCredentials", Json::array()},
                                     {"userVerification", "required"}}));
}

Result<Ceremony> Accounts::begin_step_up(const Caller& caller) {
  State& all = *state_;
  if (caller.who.person.empty() || caller.who.session.empty()) return step_up_needed();
  RABT_TRY(proofs, all.proofs(caller.who.person));
  if (proofs.passkeys.empty()) return not_found("auth.passkey_absent", "you have no passkey");
  return all.begin("step_up", caller.who,
                   Json::object({{"rpId", all.options.passkey_host},
                                 {"allowCredentials", descriptors(proofs.passkeys)},
                                 {"userVerification", "required"}}));
}

Result<SignedIn> Accounts::sign_in(const Caller& caller, const PasskeyAnswer& answer) {
  State& all = *state_;
  Caller by = caller;
  by.who = {.tenant = all.tenant};
  RABT_TRY(begun, all.end("sign_in", {}, answer.handle));
  const auto of = read_assertion(answer.credential);
  if (!of.ok())
    return all.refuse(by, "user.login_failed", "", sign_in_failed(), of.error().message);
  const std::string& person = of->user;
  const auto standing = all.parts.people.standing(all.tenant, person);
  if (!standing.ok()) return standing.error();
  if (!*standing)
    return all.refuse(by, "user.login_failed", "", sign_in_failed(), "the passkey is of nobody");
  RABT_TRY(proofs, all.proofs(person));
  // Only who shows one of the person's passkeys may add to the person's failures.
  const bool own = std::any_of(
      proofs.passkeys.begin(), proofs.passkeys.end(),
      [&](const StoredPasskey& passkey) { return passkey.credential == of->credential; });
  if (!own) return all.refuse(by, "user.login_failed", person, sign_in_failed(), absent().message);
  RABT_TRY(attempt, all.throttle.begin(person, caller.device));
  by.who.kind = Kind::person;
  by.who.id = person;
  by.who.person = person;
  const State::Judged judged = all.judge_passkey(by, proofs, begun.challenge, answer.credential);
  if (!judged.good)
    return all.refuse(by, judged.copied ? "user.passkey_copied" : "user.login_failed", person,
                      sign_in_failed(), judged.error.message);
  RABT_TRY(found, all.parts.people.find(all.tenant, person));
  if (!found.active) return all.refuse(by, "user.login_failed", person, sign_in_failed());
  return all.open_session(by, proofs, found,
                          {.factors = "passkey",
                           .strong = true,
                           .also = [&](store::Transaction& transaction) -> Status {
                             RABT_TRY_STATUS(judged.also(transaction));
                             return all.throttle.success(transaction, attempt);
                           }});
}

void write_metrics(const Accounts& accounts, MetricsWriter& out) {
  out.counter("rabt_passkey_counts_back_total",
              "Answers of passkeys whose count did not grow, as that of a copy would not.",
              accounts.passkey_counts_back());
}

std::uint64_t Accounts::passkey_counts_back() const {
  return state_->counts_back.load();
}

}  // namespace rabt::identity
