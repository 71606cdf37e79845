#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/clock.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/random.hpp"

namespace rabt {

// ULID (github.com/ulid/spec): 48 bits of milliseconds, 80 random bits, 26 characters of Crockford
// base 32. Sorts by time as bytes and as text.
struct Ulid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Ulid&, const Ulid&) = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  // nullopt unless the text is 26 characters of the alphabet, in any case.
  [[nodiscard]] static std::optional<Ulid> parse(std::string_view text);
  // nullopt unless there are 16 bytes.
  [[nodiscard]] static std::optional<Ulid> from_bytes(std::string_view bytes);
};

// Makes ULIDs that rise strictly within this process, also when the clock stands still or steps
// back. Internally synchronised.
class UlidSource {
 public:
  UlidSource(const Clock& clock, Random& random) : clock_(clock), random_(random) {}
  [[nodiscard]] Ulid next();

 private:
  // Constant after construction.
  const Clock& clock_;
  Random& random_;

  // Guarded by mutex_.
  Mutex mutex_;
  Ulid last_ RABT_GUARDED_BY(mutex_);
};

// A version 4 UUID in lower case (RFC 9562 section 5.4).
[[nodiscard]] std::string make_uuid(Random& random);

}  // namespace rabt

template <>
struct std::hash<rabt::Ulid> {
  std::size_t operator()(const rabt::Ulid& id) const noexcept {
    return std::hash<std::string_view>{}(id.view());
  }
};
