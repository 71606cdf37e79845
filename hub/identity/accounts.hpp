#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/random.hpp"
#include "hub/base/result.hpp"
#include "hub/identity/person_store.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Accounts of people who sign in at the hub itself: passwords, second factors, sessions.
namespace rabt::identity {

class PasswordList;

struct AccountOptions {
  // True if people may sign in with a password of the hub.
  bool enabled = true;
  // Characters of a password with a second factor; without one it needs kMinAlone.
  int min_password = 12;
  // A list of passwords that nobody may have: its file, and what it holds once it is read. Null
  // when the hub has no list of its own.
  std::string blocklist_file;
  std::shared_ptr<const PasswordList> blocklist;
  // A password that is older has to be changed at the next sign-in. 0 if none grows too old.
  std::int64_t max_password_ms = 0;
  // argon2id.
  std::uint32_t memory_kib = 65'536;
  std::uint32_t time = 3;
  std::uint32_t lanes = 1;
  // Roles that need a second factor. With one factor alone a person can only enrol another.
  Roles second_factor{Role::admin, Role::security_officer};
  std::int64_t idle_ms = 15LL * 60 * 1000;
  // The same while the person takes part in a consultation that runs.
  std::int64_t idle_in_consultation_ms = 60LL * 60 * 1000;
  std::int64_t absolute_ms = 12LL * 3600 * 1000;
  int sessions_per_person = 5;
  // Longest time since two factors were shown, for acts that ask for them.
  std::int64_t step_up_ms = 5LL * 60 * 1000;
  // Passkeys: the host that they are for, and the origins of the pages that may ask for them. Both
  // empty when the hub does not know its own address: then there are none.
  std::string passkey_host;
  std::vector<std::string> passkey_origins;
  // Systems of `externalIds` by which issuers know people who sign in there.
  std::vector<std::string> issuer_systems{};
};

// Characters of a password that stands alone.
inline constexpr int kMinAlone = 15;

struct SignIn {
  std::string username;
  std::string password;
  // Six digits, or a recovery code. Empty when none was given.
  std::string otp;
  // Takes the place of the password when all is well. Empty when it stays.
  std::string new_password{};
  // Address and request id of the caller.
  std::string client;
  std::string request;
  // Token of a device from which the person has signed in before. May be empty.
  std::string device{};
  // Compatibility API that needs no second factor. A session without one that is needed elsewhere
  // then counts there alone. Empty for every other sign-in.
  std::string exempt_at{};
};

struct SignedIn {
  // For `Authorization: Bearer`; shown once.
  std::string token;
  // Seconds until the session ends, if it is used.
  std::int64_t expires_in = 0;
  Person person;
  // Token that this device shows from now on.
  std::string device;
  // True if the session can only be used to enrol a second factor.
  bool must_enrol = false;
};

struct Passkey {
  // ULID
  std::string id;
  // Name that its owner gave it.
  std::string name;
  // True if it may be on several devices, and is.
  bool backup_eligible = false;
  bool backed_up = false;
  std::int64_t created_ms = 0;
  // 0 before the first use.
  std::int64_t used_ms = 0;
};

// Request to navigator.credentials.create() or get(): `options` is the JSON that the browser's
// parseCreationOptionsFromJSON and parseRequestOptionsFromJSON take. `handle` comes back with the
// answer, once, within kCeremonyMs.
struct Ceremony {
  std::string handle;
  Json options;
};
inline constexpr std::int64_t kCeremonyMs = 5LL * 60 * 1000;

// An answer to a ceremony.
struct PasskeyAnswer {
  std::string handle;
  // RegistrationResponseJSON or AuthenticationResponseJSON.
  Json credential;
};

// A session of the caller's own.
struct Session {
  std::string id;
  // Factors that opened it: "pwd", "pwd otp", "passkey", "issuer", or "pwd" and the compatibility
  // API that it is confined to: "pwd clinicvault".
  std::string factors;
  std::int64_t created_ms = 0;
  std::int64_t seen_ms = 0;
  std::int64_t ends_ms = 0;
};

// By what somebody who is signed in proves himself again: one of the three.
struct StepUp {
  // Six digits, or a recovery code.
  std::string otp;
  std::optional<PasskeyAnswer> passkey;
  // Only while there is no second factor.
  std::string password;
};

struct Registration {
  std::string username;
  std::string password;
  // Members of the API's Person: name, email, ...
  Json profile = Json::object();
  // Roles that were asked for. Other roles than patient need an administrator.
  Roles roles{Role::patient};
};

struct Enrolment {
  // Base32, and the same as an otpauth:// address.
  std::string secret;
  std::string uri;
};

// The first administrator, who has a second factor from the beginning.
struct FirstAdministrator {
  // The one-time code.
  std::string code;
  std::string username;
  std::string password;
  std::string name;
  // Six digits by the secret of begin_bootstrap().
  std::string otp;
};
struct Bootstrapped {
  Person person;
  std::vector<std::string> recovery;
};
inline constexpr std::int64_t kBootstrapMs = 30LL * 60 * 1000;

// Error denied auth.step_up.
[[nodiscard]] Error step_up_needed();
// Error denied auth.enrolment_required.
[[nodiscard]] Error enrolment_needed();

// Error conflict auth.activated.
[[nodiscard]] Error activated_already();

// Every act is durable with its audit entry when it is ok. Internally synchronised; not from inside
// a read or a job of the store.
class Accounts {
 public:
  struct Parts {
    People& people;
    store::Store& store;
    keys::DataKeys& keys;
    const crypto::Keyring& keyring;
    audit::AuditLog& audit;
    const Clock& clock;
    Random& random;
    UlidSource& ids;
    // True if a person takes part in a consultation that runs. Unset where there are none.
    std::function<Result<bool>(std::string_view person)> in_consultation{};
  };
  Accounts(Parts parts, std::string tenant, AccountOptions options);
  ~Accounts();

  // Errors: denied auth.failed (one text for an unknown name, a wrong password, a wrong or used
  // code, a disabled account); denied auth.mfa_required (the password holds, a code is missing),
  // auth.passkey_required (it holds, and the second factor is a passkey);
  // auth.password_expired (all holds, and the password is too old: `new_password` is needed);
  // invalid api.invalid (the new password); unavailable rate.sign_in (too many failures; nothing
  // was tried); unavailable auth.busy. With `exempt_at` a password of kMinAlone characters is
  // enough, but not for a security officer.
  [[nodiscard]] Result<SignedIn> login(const SignIn& order);
  // A session of somebody whom an issuer has named. issuer_session: its id there; may be empty.
  // Error denied auth.oidc: the person is disabled.
  // strong: the issuer says that there were two factors.
  [[nodiscard]] Result<SignedIn> open(const Caller& by, std::string_view person,
                                      std::string_view issuer, std::string_view issuer_session,
                                      bool strong = false);
  // Ends the sessions that the issuer opened for the person, or, when issuer_session is not empty,
  // the one that it knows by this id.
  [[nodiscard]] Status close(const Caller& by, std::string_view issuer, std::string_view person,
                             std::string_view issuer_session);
  // Ends what the principal came by: a session, or the token of an issuer. authorization: the
  // header that he showed. Ends nothing of a client.
  [[nodiscard]] Status logout(const Caller& caller, std::string_view authorization);
  // Ends all sessions of a person, and the tokens that issuers gave him until now.
  [[nodiscard]] Status logout_everywhere(const Caller& caller, std::string_view person);
  // The sessions of a person that have not ended, the oldest first.
  [[nodiscard]] Result<std::vector<Session>> sessions(std::string_view person);
  // Ends one of the caller's own. Error not_found auth.session_unknown.
  [[nodiscard]] Status end_session(const Caller& caller, std::string_view id);

  // The caller proves himself again: his session gets a new token, the old one ends. Errors: denied
  // auth.failed; denied auth.step_up (he came by no session of the hub); unavailable rate.sign_in.
  [[nodiscard]] Result<SignedIn> step_up(const Caller& caller, const StepUp& proof);
  [[nodiscard]] Result<Ceremony> begin_step_up(const Caller& caller);
  // Ok if somebody has shown two factors a short time ago. A system has none: it passes. Error
  // denied auth.step_up.
  [[nodiscard]] Status check_strong(const Principal& who) const;
  [[nodiscard]] std::int64_t step_up_seconds() const;
  // Answers of passkeys whose count did not grow.
  [[nodiscard]] std::uint64_t passkey_counts_back() const;

  // True if the text has the form of a session's token.
  [[nodiscard]] static bool is_session(std::string_view text);
  // True if the token of an issuer was ended by logout() or logout_everywhere(). issued_ms: when it
  // was issued, 0 if it does not say.
  [[nodiscard]] Result<bool> has_ended(std::string_view token, std::string_view person,
                                       std::int64_t issued_ms);
  // The principal of a token that login() gave. only_look: this is no use of the session, which may
  // grow idle. Error denied http.unauthenticated.
  [[nodiscard]] Result<Principal> session(std::string_view token, bool only_look = false);

  // A person with username and password. An anonymous caller makes a patient, an administrator
  // anybody. Errors: invalid api.invalid; conflict person.taken; denied authorisation.denied;
  // denied auth.enrolment_required (an administrator with one factor makes patients alone).
  [[nodiscard]] Result<Person> add(const Caller& caller, const Registration& order);

  // The caller's own; ends all of the person's sessions. Errors: denied auth.failed; unavailable
  // rate.sign_in; invalid api.invalid.
  [[nodiscard]] Status set_password(const Caller& caller, std::string_view old_password,
                                    std::string_view new_password);
  // Codes of the caller by time. enrol() makes a secret that confirm() makes count; confirm() gives
  // recovery codes, once. confirm() and remove_factor() end the person's other sessions. A person
  // who has proven himself a short time ago has then shown two factors. Errors: denied
  // auth.step_up; conflict auth.mfa_enrolled; denied auth.failed; unavailable rate.sign_in.
  [[nodiscard]] Result<Enrolment> enrol(const Caller& caller);
  [[nodiscard]] Result<std::vector<std::string>> confirm(const Caller& caller,
                                                         std::string_view code);
  [[nodiscard]] Status remove_factor(const Caller& caller, std::string_view code);
  struct Factors {
    bool password = false;
    bool totp = false;
    // Recovery codes that are left.
    int recovery = 0;
    int passkeys = 0;
  };
  [[nodiscard]] Result<Factors> factors(std::string_view person);

  // Passkeys of the caller. `begin` gives what add_passkey() needs the answer to. They count as two
  // factors, since each verifies its user. A new one, and one that is removed, end the person's
  // other sessions. Errors: denied auth.step_up; invalid auth.passkey (what is wrong with the
  // answer); denied auth.failed (no such ceremony); conflict auth.passkey_taken; not_found
  // auth.passkey_absent; conflict auth.passkeys_off (no public address is configured).
  [[nodiscard]] Result<Ceremony> begin_passkey(const Caller& caller);
  [[nodiscard]] Result<Passkey> add_passkey(const Caller& caller, const PasskeyAnswer& answer,
                                            std::string_view name);
  [[nodiscard]] Result<std::vector<Passkey>> passkeys(std::string_view person);
  [[nodiscard]] Result<Passkey> rename_passkey(const Caller& caller, std::string_view id,
                                               std::string_view name);
  [[nodiscard]] Status remove_passkey(const Caller& caller, std::string_view id);
  // Sign-in with whatever passkey the person has for this hub: nobody says a name before. Errors
  // are those of login().
  [[nodiscard]] Result<Ceremony> begin_sign_in();
  [[nodiscard]] Result<SignedIn> sign_in(const Caller& caller, const PasskeyAnswer& answer);

  // A code that makes the first administrator: it is good for kBootstrapMs, five wrong tries and
  // one administrator; the one before ends. Error conflict auth.bootstrap_closed: there is, or was,
  // an administrator.
  [[nodiscard]] Result<std::string> make_bootstrap_code(const Caller& caller);
  // The secret of the codes by time that the first administrator will have. Nothing is stored.
  // Error denied auth.failed.
  [[nodiscard]] Result<Enrolment> begin_bootstrap(const Caller& caller, std::string_view code,
                                                  std::string_view username);
  // Makes him, with password and second factor, and closes the door, in one transaction. Errors:
  // denied auth.failed (one text for a wrong, used or late code and a wrong otp); invalid
  // api.invalid; conflict person.taken.
  [[nodiscard]] Result<Bootstrapped> bootstrap(const Caller& caller,
                                               const FirstAdministrator& order);

  // By an administrator: the second factors go, all sessions end. Errors: not_found
  // person.unknown.
  [[nodiscard]] Status reset_factor(const Caller& caller, std::string_view person);
  // By an administrator: a one-time code with which the person sets a password, good for 24 hours.
  // The password that was stops counting.
  [[nodiscard]] Result<std::string> reset_password(const Caller& caller, std::string_view person);
  // By which the person can sign in.
  struct WaysIn {
    // True if there is a password, a passkey, or an issuer that knows the person.
    bool any = false;
    // Time at which the one-time code ends. 0 if there is none that is still good.
    std::int64_t code_until_ms = 0;
  };
  // Ways in of each person, in the order of `persons`.
  [[nodiscard]] Result<std::vector<WaysIn>> ways_in(const std::vector<Person>& persons);
  // As reset_password, of an account without a way in. The code that was given before ends. Error
  // conflict auth.activated: the person has a way in.
  [[nodiscard]] Result<std::string> renew_code(const Caller& caller, const Person& person);
  // The person sets a password by the code. Errors: those of login(), invalid api.invalid.
  [[nodiscard]] Status activate(const SignIn& order, std::string_view code);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

void write_metrics(const Accounts& accounts, MetricsWriter& out);

}  // namespace rabt::identity
