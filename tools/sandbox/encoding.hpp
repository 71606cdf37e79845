#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Encodings that every stand-in needs: URLs, forms, base64, HMAC, times, JSON text. Written here
// and not taken from the hub, so that a fault in the hub's own code cannot hide behind the same
// fault in its test partner.
namespace rabt::sandbox {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// Deeper JSON is refused: printing and walking it is recursive.
inline constexpr std::size_t kMaxJsonDepth = 128;

// A '%' without two hex digits stands for itself.
[[nodiscard]] std::string percent_decode(std::string_view text, bool plus_is_space);
[[nodiscard]] std::string percent_encode(std::string_view text);  // all but RFC 3986 unreserved
// a=b&c=d, as in a query or an application/x-www-form-urlencoded body; '+' is a space.
[[nodiscard]] Pairs parse_pairs(std::string_view text);
[[nodiscard]] std::string join_pairs(const Pairs& pairs);

[[nodiscard]] std::string base64(std::string_view bytes);
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);  // padding optional
[[nodiscard]] std::optional<std::string> base64url_decode(
    std::string_view text);  // padding optional
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view text);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);
[[nodiscard]] std::string hex(std::string_view bytes);
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

[[nodiscard]] std::string random_hex(std::size_t bytes);
[[nodiscard]] std::string random_uuid();

[[nodiscard]] std::int64_t system_now_ms();
[[nodiscard]] std::string iso_seconds(std::int64_t ms);  // 2026-03-10T09:00:00Z
[[nodiscard]] std::string iso_millis(std::int64_t ms);   // 2026-03-10T09:00:00.123Z
[[nodiscard]] std::string http_date(std::int64_t ms);    // Tue, 10 Mar 2026 09:00:00 GMT
// Days since 1970-01-01 of a date in the Gregorian calendar.
[[nodiscard]] std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day);

// Nothing when the text is not JSON or is deeper than kMaxJsonDepth.
[[nodiscard]] std::optional<nlohmann::json> parse_json(std::string_view text);
// The text of a member; empty when it is none.
[[nodiscard]] std::string text_of(const nlohmann::json& json, const char* key);

[[nodiscard]] std::string lower(std::string_view text);  // ASCII
[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);
[[nodiscard]] std::string_view trim(std::string_view text);

}  // namespace rabt::sandbox
