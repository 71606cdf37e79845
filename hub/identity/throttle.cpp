#include "hub/identity/throttle.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

// Failures in a row that cost nothing; then the wait doubles, up to 15 minutes.
constexpr std::int64_t kFreeFailures = 5;
constexpr std::int64_t kMaxWaitMs = 15LL * 60 * 1000;
// Failures in a row after which only an administrator helps.
constexpr std::int64_t kMaxFailures = 100;
// Failures in a row after which a device is as good as a strange one.
constexpr std::int64_t kMaxDeviceFailures = 10;
// A count that nobody added to for so long begins anew.
constexpr std::int64_t kForgetMs = 24LL * 3600 * 1000;
constexpr std::int64_t kDeviceMs = 365LL * 24 * 3600 * 1000;
constexpr std::size_t kDeviceId = 16;
constexpr std::size_t kMaxShownKey = 256;
constexpr std::string_view kDevicePrefix = "rabt_d_";
constexpr std::string_view kDeviceKey = "device/1";

}  // namespace

Result<std::string> Throttle::subject_of(std::string_view kind, std::string_view value) {
  RABT_TRY(lease, parts_.keys.lease(tenant_));
  return lease.blind_index("attempt/1/" + std::string(kind), value);
}

Result<std::string> Throttle::mac_of(std::string_view person, std::string_view id,
                                     std::string_view ends) {
  RABT_TRY(key, parts_.keyring.purpose_key(tenant_, kDeviceKey));
  const std::string text = std::string(person) + "\n" + std::string(id) + "\n" + std::string(ends);
  return to_hex(crypto::hmac_sha256(key.expose(), text));
}

Result<std::string> Throttle::device_of(std::string_view person) {
  Bytes random(kDeviceId, 0);
  parts_.random.fill(random);
  const std::string id = to_hex(random);
  const std::string ends = std::to_string(parts_.clock.now().ms + kDeviceMs);
  RABT_TRY(mac, mac_of(person, id, ends));
  return std::string(kDevicePrefix) + id + "_" + ends + "_" + mac;
}

Result<std::string> Throttle::known_device(std::string_view person, std::string_view shown) {
  if (!shown.starts_with(kDevicePrefix) || shown.size() > kMaxShownKey) return std::string();
  shown.remove_prefix(kDevicePrefix.size());
  const std::size_t first = shown.find('_');
  const std::size_t second = shown.find('_', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos) return std::string();
  const std::string_view id = shown.substr(0, first);
  const std::string_view ends = shown.substr(first + 1, second - first - 1);
  RABT_TRY(mac, mac_of(person, id, ends));
  if (!constant_time_equal(as_bytes(mac), as_bytes(shown.substr(second + 1)))) return std::string();
  // Written by the hub, so it is a number.
  if (std::stoll(std::string(ends)) <= parts_.clock.now().ms) return std::string();
  return std::string(id);
}

Status Throttle::count(store::Transaction& transaction, const std::string& subject,
                       std::int64_t most, Count& out) {
  const std::int64_t now = parts_.clock.now().ms;
  std::int64_t failures = 0;
  std::int64_t until = 0;
  RABT_TRY_STATUS(transaction.query(sql::kFindAttempt, {tenant_, store::Blob{subject}},
                                    [&](const store::Row& row) {
                                      failures = row.integer(sql::kFindAttempt["failures"]);
                                      until = row.integer(sql::kFindAttempt["until_ms"]);
                                      return false;
                                    }));
  out = failures >= most ? Count::closed : until > now ? Count::wait : Count::counted;
  if (out != Count::counted) return ok_status();
  ++failures;
  const std::int64_t doubled = std::min<std::int64_t>(failures - kFreeFailures, 20);
  const std::int64_t wait =
      doubled <= 0 ? 0 : std::min<std::int64_t>(1000LL << doubled, kMaxWaitMs);
  return store::run(transaction, sql::kPutAttempt,
                    {tenant_, store::Blob{subject}, failures, now + wait, now});
}

Result<Throttle::Try> Throttle::begin_at(const std::string& subject, const std::string& device) {
  Count came = Count::counted;
  Try out;
  RABT_TRY_STATUS(parts_.store.write([&](store::Transaction& transaction) -> Status {
    RABT_TRY_STATUS(store::run(transaction, sql::kForgetAttempts,
                               {tenant_, parts_.clock.now().ms - kForgetMs, kMaxFailures}));
    if (!device.empty()) {
      out.subject = device;
      RABT_TRY_STATUS(count(transaction, device, kMaxDeviceFailures, came));
      if (came != Count::closed) return ok_status();
    }
    out.subject = subject;
    return count(transaction, subject, kMaxFailures, came);
  }));
  if (came != Count::counted)
    return unavailable("rate.sign_in", "too many failures; wait a while and try again");
  return out;
}

Result<Throttle::Try> Throttle::begin(std::string_view person, std::string_view device) {
  RABT_TRY(subject, subject_of("person", person));
  RABT_TRY(id, known_device(person, device));
  if (id.empty()) return begin_at(subject, {});
  RABT_TRY(of_device, subject_of("device", std::string(person) + " " + id));
  return begin_at(subject, of_device);
}

Result<Throttle::Try> Throttle::begin_unknown(std::string_view name) {
  RABT_TRY(subject, subject_of("name", lower(name).substr(0, kMaxShownKey)));
  return begin_at(subject, {});
}

Status Throttle::success(store::Transaction& transaction, const Try& of) {
  return store::run(transaction, sql::kDropAttempt, {tenant_, store::Blob{of.subject}});
}

Status Throttle::forget(store::Transaction& transaction, std::string_view person) {
  RABT_TRY(subject, subject_of("person", person));
  return store::run(transaction, sql::kDropAttempt, {tenant_, store::Blob{subject}});
}

}  // namespace rabt::identity
