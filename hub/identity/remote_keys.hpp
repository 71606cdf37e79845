#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/jws.hpp"
#include "hub/identity/exchange.hpp"

namespace rabt::identity {

inline constexpr std::size_t kMaxKeys = 64;

// The code of the error of a call that would have to wait for another machine, and may not.
inline constexpr std::string_view kWaits = "auth.waits";

// The keys of a JWK set that fit. A set with a private key in it is refused whole; a key that is
// too weak, or for another use, is left out. Error invalid crypto.jwk: nothing is left, or there
// are more than 64.
[[nodiscard]] Result<std::vector<crypto::JwsKey>> read_jwks(
    std::string_view text, const std::vector<std::string>& algorithms);
// As above; `keys` of the set is an array.
[[nodiscard]] Result<std::vector<crypto::JwsKey>> keys_of_set(
    const Json& set, const std::vector<std::string>& algorithms);

// A JWK set that an issuer publishes. It is fetched when it is needed: when nothing is known yet,
// when its time has passed, and when a token names a key that is not in it. However many tokens ask
// for it, one fetch runs at a time, and unknown keys cause one in 30 seconds. While the issuer
// cannot be reached, or answers nonsense, the set that was fetched last holds, until stale_grace
// has passed. Internally synchronised.
class RemoteKeys {
 public:
  struct Options {
    std::string url;
    std::vector<std::string> algorithms;
    std::int64_t stale_grace_ms = 24LL * 3600 * 1000;
  };
  using Set = std::shared_ptr<const std::vector<crypto::JwsKey>>;
  RemoteKeys(Options options, Exchange exchange, const Clock& clock)
      : options_(std::move(options)), exchange_(std::move(exchange)), clock_(clock) {}

  // The set in which a token's key is looked up; the key may be missing in it. key_id: may be
  // empty. Errors: unavailable auth.issuer_unreachable; auth.waits where the issuer has to be asked
  // and `may_wait` is false.
  [[nodiscard]] Result<Set> keys(std::string_view key_id, bool may_wait = true);

 private:
  struct Fetched {
    // Null when the issuer says that nothing has changed.
    Set set;
    std::string etag;
    std::int64_t fresh_ms = 0;
  };
  [[nodiscard]] Result<Fetched> fetch(const std::string& etag) const;
  [[nodiscard]] bool wants_fetch(std::string_view key_id, std::int64_t now) RABT_REQUIRES(mutex_);
  [[nodiscard]] bool knows(std::string_view key_id) const RABT_REQUIRES(mutex_);

  // Constant after construction.
  const Options options_;
  const Exchange exchange_;
  const Clock& clock_;

  Mutex mutex_;
  Condition fetched_;
  Set set_ RABT_GUARDED_BY(mutex_);
  std::string etag_ RABT_GUARDED_BY(mutex_);
  // When the set came, until when it is fresh, and when a fetch was tried last.
  std::int64_t came_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t fresh_until_ms_ RABT_GUARDED_BY(mutex_) = 0;
  std::int64_t tried_ms_ RABT_GUARDED_BY(mutex_) = 0;
  bool fetching_ RABT_GUARDED_BY(mutex_) = false;
};

}  // namespace rabt::identity
