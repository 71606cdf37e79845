#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/audit/audit_log.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/log.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/store/store.hpp"

// Acts on keys: rotate, rewrap, shred, hold, release. Every act is in the audit log with actor and
// reason: acts on the database in their transaction, acts on the keyring file before they begin
// (result "begun") and after (result "ok" or the code of the error). No audit, no act.
namespace rabt::keys {

// Actor and reason of an act. reason: 1 to 1024 bytes; it stands in the keyring file and the audit
// log, so that it must not hold patient data.
struct Order {
  std::string actor;
  std::string reason;
  // Both stand in the audit log.
  std::string client;
  std::string request;
};

struct BucketStatus {
  crypto::BucketInfo info;
  std::uint64_t data_keys = 0;
  // Data keys that an older version of the bucket's key wraps: rewrap them.
  std::uint64_t old_data_keys = 0;
  // Data keys whose version was dropped: the keyring opens them no more.
  std::uint64_t lost_data_keys = 0;
  // Time from which the bucket may be destroyed. Unset for the bucket of a hold.
  std::optional<Timestamp> expires;
  bool expired = false;
};
struct HoldStatus {
  std::string hold_case;
  // Data keys that were moved out of their buckets; 0 when it holds whole buckets only.
  std::uint64_t data_keys = 0;
  std::vector<std::string> buckets;
  Timestamp since;
};
struct RewrapStatus {
  std::uint64_t rewrapped = 0;
  Timestamp started;
};
struct KeysStatus {
  std::string root_kind;
  std::string root_id;
  bool development = false;
  // Nothing when the root does not answer.
  std::optional<crypto::Keyring::RootVersions> root_versions;
  std::uint64_t generation = 0;
  std::uint32_t tenant_key_version = 0;
  std::vector<BucketStatus> buckets;
  std::vector<HoldStatus> holds;
  // The rewrapping that is under way.
  std::optional<RewrapStatus> rewrap;
  // Buckets that data keys name and that the keyring does not know, or not in this version: it is
  // older than the database.
  std::vector<std::string> missing;
};

// Internally synchronised; one act at a time.
class KeyAdmin {
 public:
  struct Parts {
    crypto::Keyring& keyring;
    DataKeys& keys;
    store::Store& store;
    audit::AuditLog& audit;
    const Clock& clock;
    Logger& log;
  };
  KeyAdmin(Parts parts, std::string tenant);
  ~KeyAdmin();  // stops the background work

  [[nodiscard]] Result<KeysStatus> status();

  // A new version. destroy_old: older versions of the root are destroyed, and with them every older
  // copy of the keyring. Durable when ok.
  [[nodiscard]] Result<std::uint32_t> rotate_root(const Order& order, bool destroy_old);
  [[nodiscard]] Result<std::uint32_t> rotate_tenant(const Order& order);
  [[nodiscard]] Result<std::uint32_t> rotate_bucket(const Order& order, std::string_view bucket);

  // Begins to bring every data key to the newest version of its bucket's key, in the background and
  // in batches; durable when ok, so that it goes on after a crash (resume). forget_old: after that
  // the old versions go; backups of the database from before then no longer open.
  [[nodiscard]] Status rewrap(const Order& order, bool forget_old);
  // Does the same here and returns when it is done.
  [[nodiscard]] Status rewrap_now(const Order& order, bool forget_old);
  // Goes on with what a crash has interrupted. On start of a hub.
  void resume();

  // Destroys the key of a bucket whose time has come, or of any with force. Errors: conflict
  // keys.not_expired, conflict keys.held.
  [[nodiscard]] Status shred(const Order& order, std::string_view bucket, bool force);
  // Destroys all expired buckets, when they have been seen expired by two readings 24 hours of
  // uptime apart: a clock that jumps destroys nothing. Gives the names. The hub calls it now and
  // then when the configuration says so.
  [[nodiscard]] Result<std::vector<std::string>> shred_expired();

  // A legal hold. keys: data keys of an object ("instance:01K..."), moved to the bucket
  // "hold/<case>". hold_case: small letters, digits, - _ . and at most 64 of them. Keys held
  // already under another case are a conflict. Keys whose bucket was destroyed before are left out;
  // returns not_found keys.shredded if every key of the object has been destroyed. Keys that the
  // object gets later are not held: hold it again under the same case.
  struct Held {
    // Keys that are under the hold now.
    std::uint64_t data_keys = 0;
    // Keys that were destroyed before.
    std::uint64_t destroyed = 0;
  };
  [[nodiscard]] Result<Held> hold(const Order& order, std::string_view hold_case,
                                  std::string_view object, const std::vector<std::string>& keys);
  [[nodiscard]] Status hold_bucket(const Order& order, std::string_view hold_case,
                                   std::string_view bucket);
  // Ends a hold: everything goes back to where it was, or, where that was destroyed meanwhile, to
  // the bucket of its class that expires with this month. The hold's own key is destroyed.
  [[nodiscard]] Status release(const Order& order, std::string_view hold_case);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rabt::keys
