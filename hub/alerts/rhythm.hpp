#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Usual number of deliveries of a source, by the hour of the week.
namespace rabt::alerts {

inline constexpr std::size_t kWeekHours = 168;
// A shorter pause is never silence.
inline constexpr std::int64_t kLeastSilenceMs = 2LL * 3600 * 1000;

// One source. Pure; caller synchronises.
class Rhythm {
 public:
  // since_ms: nothing could be heard before.
  explicit Rhythm(std::int64_t since_ms) : last_ms_(since_ms), hour_(hour_of(since_ms)) {}

  // Thousandths of a delivery that are usual in this hour of the week.
  void know(std::size_t hour, std::int64_t mean) { usual_.at(hour) = mean; }
  // Takes deliveries that came since the last call, and gives the hour of the week that has become
  // known: how many came in it. The hour in which the hub started is not counted: it is not whole.
  struct Known {
    std::size_t hour = 0;
    std::int64_t mean = 0;
  };
  [[nodiscard]] std::vector<Known> heard(std::int64_t now_ms, std::uint64_t deliveries);
  // Usual deliveries that have not come since the last one, or since the start of the hub.
  [[nodiscard]] std::int64_t missed(std::int64_t now_ms) const;
  // A delivery came since the start.
  [[nodiscard]] bool is_heard() const { return heard_; }

 private:
  // Hours since 1970 in Riyadh.
  [[nodiscard]] static std::int64_t hour_of(std::int64_t ms);

  std::array<std::optional<std::int64_t>, kWeekHours> usual_{};
  std::int64_t last_ms_;
  std::int64_t hour_;
  std::uint64_t in_hour_ = 0;
  bool whole_ = false;
  bool heard_ = false;
};

// All sources of a tenant, with what is kept of them. Caller synchronises.
class Rhythms {
 public:
  Rhythms(store::Store& store, std::string tenant) : store_(store), tenant_(std::move(tenant)) {}

  // Takes how many deliveries each source has had since the hub started, and gives how many usual
  // ones are missing, by source. Unset if that is not known yet: nothing came since the start, and
  // nothing had to.
  [[nodiscard]] Result<std::map<std::string, std::optional<std::int64_t>>> look(
      const std::map<std::string, std::uint64_t>& totals, std::int64_t now_ms);

 private:
  struct One {
    Rhythm rhythm;
    std::uint64_t total = 0;
  };
  [[nodiscard]] Status load(std::int64_t now_ms);

  store::Store& store_;
  const std::string tenant_;
  bool loaded_ = false;
  std::map<std::string, One> sources_;
};

}  // namespace rabt::alerts
