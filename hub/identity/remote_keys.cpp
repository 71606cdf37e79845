#include "hub/identity/remote_keys.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/json.hpp"

namespace rabt::identity {

namespace {

constexpr std::int64_t kMinFreshMs = 5LL * 60 * 1000;
constexpr std::int64_t kMaxFreshMs = 24LL * 3600 * 1000;
// Between two fetches that an unknown key, or a failure, causes.
constexpr std::int64_t kBetweenMs = 30'000;
constexpr std::size_t kMaxBytes = 256U << 10U;
constexpr std::size_t kMaxEtag = 256;

Error no_set(std::string why) {
  return invalid("crypto.jwk", "the JWK set " + std::move(why));
}

// max-age of Cache-Control as milliseconds, within limits.
std::int64_t fresh_for(std::string_view control) {
  constexpr std::string_view kMaxAge = "max-age=";
  const std::string folded = lower(control);
  if (folded.find("no-store") != std::string::npos || folded.find("no-cache") != std::string::npos)
    return kMinFreshMs;
  const auto at = folded.find(kMaxAge);
  if (at == std::string::npos) return kMinFreshMs;
  std::int64_t seconds = 0;
  for (std::size_t i = at + kMaxAge.size(); i < folded.size() && is_digit(folded[i]); ++i)
    seconds = std::min<std::int64_t>(seconds * 10 + (folded[i] - '0'), kMaxFreshMs);
  return std::clamp(seconds * 1000, kMinFreshMs, kMaxFreshMs);
}

bool is_json(std::string_view type) {
  const std::string folded = lower(type.substr(0, type.find(';')));
  return folded == "application/json" || folded == "application/jwk-set+json";
}

}  // namespace

Result<std::vector<crypto::JwsKey>> read_jwks(std::string_view text,
                                              const std::vector<std::string>& algorithms) {
  const auto set = Json::parse(text, {.max_bytes = kMaxBytes, .max_depth = 8});
  if (!set.ok() || !(*set)["keys"].is_array()) return no_set("has no `keys`");
  return keys_of_set(*set, algorithms);
}

Result<std::vector<crypto::JwsKey>> keys_of_set(const Json& set,
                                                const std::vector<std::string>& algorithms) {
  const auto& all = set["keys"].as_array();
  if (all.size() > kMaxKeys) return no_set("has more than 64 keys");
  std::vector<crypto::JwsKey> out;
  std::string why = "has no key";
  for (const Json& key : all) {
    for (const std::string_view member : {"d", "p", "q", "dp", "dq", "qi", "k", "priv"}) {
      if (key.find(member) != nullptr)
        return no_set("holds private keys: whoever can read it can sign in the issuer's name");
    }
    auto read = crypto::JwsKey::from_jwk(key, algorithms);
    if (read.ok()) {
      out.push_back(*std::move(read));
    } else {
      why = "has no key that fits: " + read.error().message;
    }
  }
  if (out.empty()) return no_set(why);
  return out;
}

Result<RemoteKeys::Fetched> RemoteKeys::fetch(const std::string& etag) const {
  net::Request request{.url = options_.url, .headers = {{"Accept", "application/json"}}};
  if (!etag.empty()) request.headers.emplace_back("If-None-Match", etag);
  RABT_TRY(response, exchange_(std::move(request)));
  Fetched out;
  out.fresh_ms = fresh_for(response.header("cache-control"));
  if (response.status == 304 && !etag.empty()) {
    out.etag = etag;
    return out;
  }
  // Redirects lead where nobody has allowed.
  if (response.status != 200 || !is_json(response.header("content-type"))) {
    return unavailable(
        "auth.issuer_unreachable",
        "the JWK set was answered with " + std::to_string(response.status) + ", or is no JSON");
  }
  RABT_TRY(keys, read_jwks(response.body, options_.algorithms));
  out.set = std::make_shared<const std::vector<crypto::JwsKey>>(std::move(keys));
  const std::string_view tag = response.header("etag");
  if (tag.size() <= kMaxEtag) out.etag = tag;
  return out;
}

bool RemoteKeys::knows(std::string_view key_id) const {
  return set_ != nullptr &&
         (key_id.empty() || std::any_of(set_->begin(), set_->end(), [&](const crypto::JwsKey& key) {
            return key.id() == key_id;
          }));
}

bool RemoteKeys::wants_fetch(std::string_view key_id, std::int64_t now) {
  if (fetching_) return false;
  if (set_ == nullptr && tried_ms_ == 0) return true;
  if (now - tried_ms_ < kBetweenMs) return false;
  return set_ == nullptr || now >= fresh_until_ms_ || !knows(key_id);
}

Result<RemoteKeys::Set> RemoteKeys::keys(std::string_view key_id, bool may_wait) {
  Lock lock(mutex_);
  const std::int64_t now = clock_.monotonic_ms();
  const bool fetches = wants_fetch(key_id, now);
  if (!may_wait && (fetches || (fetching_ && !knows(key_id))))
    return unavailable(std::string(kWaits), "the issuer has to be asked for its keys");
  if (fetches) {
    fetching_ = true;
    tried_ms_ = now;
    const std::string etag = set_ == nullptr ? std::string() : etag_;
    lock.unlock();
    auto fetched = fetch(etag);
    lock.lock();
    fetching_ = false;
    if (fetched.ok()) {
      if (fetched->set != nullptr) set_ = std::move(fetched->set);
      etag_ = std::move(fetched->etag);
      came_ms_ = clock_.monotonic_ms();
      fresh_until_ms_ = came_ms_ + fetched->fresh_ms;
    }
    fetched_.notify_all();
  } else if (fetching_ && !knows(key_id)) {
    fetched_.wait(lock, [&]() RABT_REQUIRES(mutex_) { return !fetching_; });
  }
  if (set_ != nullptr && clock_.monotonic_ms() < fresh_until_ms_ + options_.stale_grace_ms)
    return set_;
  return unavailable("auth.issuer_unreachable",
                     "the keys of the issuer " + options_.url +
                         " cannot be fetched, and what was known of them is too old");
}

}  // namespace rabt::identity
