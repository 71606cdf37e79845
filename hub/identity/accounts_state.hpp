#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/mutex.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/crypto/password_hash.hpp"
#include "hub/identity/accounts.hpp"
#include "hub/identity/statements.hpp"
#include "hub/identity/throttle.hpp"
#include "hub/identity/webauthn.hpp"

// State that the files accounts*.cpp share.
namespace rabt::identity {

// One text for everything that is wrong with a name, a password, a code or a passkey.
[[nodiscard]] Error sign_in_failed();
[[nodiscard]] std::string hex_of_random(Random& random, std::size_t bytes);
// Recovery codes of a person, and the random bytes of each.
inline constexpr int kRecoveryCodes = 10;
inline constexpr std::size_t kRecoveryBytes = 15;
// The address that programs for codes by time read, as text or as QR code.
[[nodiscard]] std::string otpauth(std::string_view label, ByteView secret);
// The detail of an entry "user.changed": what became of the password ("reset", "new code",
// "activated", "chosen").
[[nodiscard]] inline Json password_is(std::string_view what) {
  return Json::object({{"password", what}});
}

// Hashes at one time, which bounds their memory, and callers that wait for their turn: the others
// are told so.
class HashGate {
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
  static constexpr int kHashes = 2;
  static constexpr int kWaiting = 64;

  Mutex mutex_;
  Condition changed_;
  int running_ RABT_GUARDED_BY(mutex_) = 0;
  int waiting_ RABT_GUARDED_BY(mutex_) = 0;
};

// A passkey as it is stored, opened.
struct StoredPasskey {
  Passkey shown;
  // As its authenticator gave it.
  std::string credential;
  Json key;
  std::string algorithm;
  std::int64_t sign_count = 0;
};

// Stored credentials of a person, opened.
struct Proofs {
  std::string person;
  std::string data_key;
  std::shared_ptr<const crypto::DataKey> key;
  // PHC string. Empty when there is no password.
  std::string password;
  // When it was set.
  std::int64_t password_ms = 0;
  std::string totp;
  bool totp_active = false;
  std::int64_t last_step = 0;
  // SHA-256 of each code that is left, by its number.
  std::vector<std::pair<std::string, std::string>> recovery;
  std::string activation;
  std::int64_t activation_ends_ms = 0;
  std::vector<StoredPasskey> passkeys;

  [[nodiscard]] bool has_second() const { return totp_active || !passkeys.empty(); }
};

struct Accounts::State {
  State(Parts p, std::string t, AccountOptions o)
      : parts(p),
        tenant(std::move(t)),
        options(std::move(o)),
        cost{.memory_kib = options.memory_kib, .time = options.time, .lanes = options.lanes},
        throttle({p.store, p.keys, p.keyring, p.clock, p.random}, tenant) {}
  const Parts parts;
  const std::string tenant;
  const AccountOptions options;
  const crypto::PasswordCost cost;
  HashGate gate;
  Throttle throttle;

  using Writes = std::function<Status(store::Transaction&)>;

  // Nothing is hashed when too many wait. Error unavailable auth.busy.
  [[nodiscard]] Result<std::string> hash(std::string_view folded);
  // Takes the time of a hash also where there is no password.
  [[nodiscard]] Result<bool> matches(const std::string& phc, std::string_view folded);

  [[nodiscard]] Result<Proofs> proofs(std::string_view person);
  [[nodiscard]] Status put(store::Transaction& transaction, const crypto::DataKey& key,
                           std::string_view person, std::string_view kind, std::string_view id,
                           std::string_view state, std::string_view plain, std::int64_t step);

  // The hash of the password that takes the place of the one that somebody has just shown; empty
  // when that stays. Errors: denied auth.password_expired, invalid api.invalid, unavailable
  // auth.busy.
  [[nodiscard]] Result<std::string> exchange(const SignIn& order, std::string_view folded,
                                             const Person& person, const Proofs& proofs);
  // Writes the hash of another password; all sessions of the person end.
  [[nodiscard]] Status replace(store::Transaction& transaction, const Caller& caller,
                               const Proofs& proofs, std::string_view phc);
  // Writes another hash of the same password, which stays as old as it is.
  [[nodiscard]] Status reseal(store::Transaction& transaction, const Proofs& proofs,
                              std::string_view phc);

  [[nodiscard]] Result<WaysIn> ways_in(store::Connection& connection, const Person& person) const;
  // A one-time code that takes the place of the password and of the code before. first: what the
  // job does before, and may refuse. what: for the log.
  [[nodiscard]] Result<std::string> give_code(const Caller& caller, std::string_view person,
                                              std::string_view what, const Writes& first);

  [[nodiscard]] Status put_recovery(store::Transaction& transaction, const crypto::DataKey& key,
                                    std::string_view person, const std::vector<std::string>& codes);

  [[nodiscard]] Status write(const Caller& caller, std::string_view act, std::string_view person,
                             const Writes& writes, Json detail = Json::object());
  // Writes down a failure of somebody, who may be nobody, and returns its error. why: for the log.
  [[nodiscard]] Error refuse(const Caller& caller, std::string_view act, std::string_view person,
                             const Error& error, std::string_view why = {});

  // Longest idle time of a person's sessions now.
  [[nodiscard]] Result<std::int64_t> idle_of(std::string_view person) const;
  // The caller, who has just enrolled a second factor, has shown both of them, if the first was a
  // short time ago.
  [[nodiscard]] Status strengthen(store::Transaction& transaction, const Caller& caller,
                                  const Proofs& proofs);

  // All sessions of a person but `but`, and what was opened by them.
  [[nodiscard]] Status end_sessions(store::Transaction& transaction, std::string_view person,
                                    std::string_view but = {});

  // As login, for the person who has the name; nobody when there is none. other: gets whether
  // somebody else may be meant by name and password; null when nobody is.
  [[nodiscard]] Result<SignedIn> sign_in(const SignIn& order, const std::string& folded,
                                         const std::optional<std::string>& person, bool* other);

  // True if the sign-in at a compatibility API needs no second factor, where another would.
  [[nodiscard]] bool is_exempt(const SignIn& order, std::string_view folded, const Person& person,
                               const Proofs& proofs) const;

  // Takes a code of the second factor, in the job of what it admits.
  struct Code {
    std::optional<std::int64_t> step;
    // Number of the recovery code.
    std::string recovery;
    [[nodiscard]] bool good() const { return step.has_value() || !recovery.empty(); }
  };
  [[nodiscard]] Code judge(const Proofs& proofs, std::string_view typed) const;
  [[nodiscard]] Status take(store::Transaction& transaction, std::string_view person,
                            const Code& code);

  // Way in which a session was opened.
  struct Opening {
    // As Session::factors.
    std::string_view factors;
    bool strong = false;
    std::string_view issuer{};
    std::string_view issuer_session{};
    // Compatibility API that the session is confined to.
    std::string_view confined_to{};
    // More to write in the same job.
    Writes also{};
  };
  [[nodiscard]] Result<SignedIn> open_session(const Caller& caller, const Proofs& proofs,
                                              const Person& person, const Opening& opening);
  // A new token for the caller's session, which has just been proven again.
  [[nodiscard]] Result<SignedIn> renew_session(const Caller& caller, bool strong,
                                               const Writes& also);

  // Ok if the caller may change how he proves himself: he has shown two factors a short time ago,
  // or, while he has only one, that. Error denied auth.step_up.
  [[nodiscard]] Status check_recent(const Caller& caller, const Proofs& proofs) const;

  // Ends what is begun, and says what it was. Error denied auth.failed: there is no such ceremony,
  // or it was for something else.
  struct Begun {
    std::string challenge;
  };
  [[nodiscard]] Result<Ceremony> begin(std::string_view use, const Principal& who, Json options);
  [[nodiscard]] Result<Begun> end(std::string_view use, const Principal& who,
                                  std::string_view handle);
  // Judges an answer of one of the person's passkeys. `also` then writes that it was used.
  struct Judged {
    Error error;
    bool good = false;
    Writes also;
    // The count of the authenticator did not grow: it may have been copied. Good all the same when
    // it may move between devices, which may count apart; `also` then writes that down, too.
    bool copied = false;
  };
  [[nodiscard]] Judged judge_passkey(const Caller& caller, const Proofs& proofs,
                                     std::string_view challenge, const Json& answer);
  std::atomic<std::uint64_t> counts_back{0};

 private:
  [[nodiscard]] Result<Bytes> peppered(std::string_view folded);
  [[nodiscard]] audit::Prepared entry(const Caller& caller, std::string_view act,
                                      std::string_view person, std::string_view result,
                                      Json detail) const;
};

}  // namespace rabt::identity
