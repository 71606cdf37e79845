#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/api/routes.hpp"
#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/metrics.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"
#include "hub/base/tally.hpp"
#include "hub/keys/data_keys.hpp"
#include "hub/repair/deliveries.hpp"
#include "hub/store/store.hpp"

namespace rabt::api {

enum class Outcome : std::uint8_t {
  signature,   // it is not proved who sent it
  unreadable,  // the plugin of the source cannot read the body
  not_taken,   // it was read, and the hub could not take it
  unused,      // it was taken; no workflow starts with it, and none waits for it
};
[[nodiscard]] std::string_view to_string(Outcome outcome);

// A delivery that came to nothing. No patient data but the body, which is sealed.
struct LostDelivery {
  std::string_view source;
  Outcome outcome = Outcome::signature;
  std::string_view code;
  std::string_view reason;
  std::string_view client;
  std::string_view request;
  std::string_view body;
  // Envelope in which the body came, as plugins read it. If it is null, the body is not kept.
  const Json* envelope = nullptr;
  // Id of the delivery, unless the plugin says another one.
  std::string_view dedupe = {};
  // It was refused for good: its sender does not send it again.
  bool for_good = false;
};

// A delivery whose body is kept.
struct KeptDelivery {
  std::string source;
  std::string client;
  std::string request;
  Json envelope;
  std::string dedupe;
  std::string body;
  // Empty, replayed or discarded.
  std::string settled;
};
// Decision of a person about a delivery.
struct Settled {
  std::int64_t id = 0;
  // replayed or discarded
  std::string_view as;
  // Finding about a replayed delivery: new, taken or changed.
  std::string_view became = {};
  std::string by;
};

// Deliveries without an effect: the newest kKeptOutcomes of each source, and a count of all. The
// body is kept if it could not be read or was refused for good; it is sealed, for kBodyKeptMs.
// Internally synchronised.
class DeliveryOutcomes {
 public:
  struct Parts {
    store::Store& store;
    keys::DataKeys& keys;
    const Clock& clock;
    Random& random;
    std::string tenant;
  };
  explicit DeliveryOutcomes(Parts parts) : parts_(std::move(parts)) {}

  static constexpr std::int64_t kKeptOutcomes = 1'000;
  static constexpr std::int64_t kBodyKeptMs = 7LL * 24 * 3600 * 1000;
  // A longer body is not kept; its length is.
  static constexpr std::size_t kMaxKeptBody = 256U << 10U;
  // Bodies of one source that are kept; an older one goes.
  static constexpr std::int64_t kKeptBodies = 100;

  // Nothing waits for it; what cannot be written is counted only.
  void note(const LostDelivery& lost);
  // Removes bodies whose time is over. The caller answers for the clock.
  void remove_old();

  // The newest first: `limit` rows, of one `source` if it is named, and the totals.
  [[nodiscard]] Result<http::Response> list(const Call& call) const;
  // Numbers of recent deliveries, by outcome and source (Tally::of).
  [[nodiscard]] Result<std::vector<std::pair<std::string, Tally>>> lately(
      Timestamp unreadable_since, Timestamp since) const;
  // The delivery that was kept under this id, so that it can be read once more. Error not_found
  // delivery.body.
  [[nodiscard]] Result<KeptDelivery> kept(std::int64_t id) const;
  // As repair::Deliveries::kept.
  [[nodiscard]] Result<std::vector<repair::Deliveries::One>> oldest(
      const repair::DeliveryFilter& filter, std::size_t limit) const;
  // Inside a job. Errors: not_found delivery.unknown, conflict delivery.discarded.
  [[nodiscard]] Status settle(store::Transaction& transaction, const Settled& how) const;
  // Returns the body that was kept under this id. Error not_found delivery.body.
  [[nodiscard]] Result<std::string> body(std::int64_t id) const;

  // Number of deliveries of each source since the start that could not be read or not be taken.
  [[nodiscard]] std::map<std::string, std::uint64_t> lost() const;

  void write_metrics(MetricsWriter& out) const;

 private:
  const Parts parts_;
  std::array<std::atomic<std::uint64_t>, 4> counts_{};
  mutable Mutex mutex_;
  std::map<std::string, std::uint64_t> lost_ RABT_GUARDED_BY(mutex_);
};

}  // namespace rabt::api
