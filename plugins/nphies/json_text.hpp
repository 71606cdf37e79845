#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

// JSON as the gateway compares it: members keep their order and decimals keep their digits.
namespace rabt::nphies {

using Json = nlohmann::ordered_json;

// The text is not JSON within the limits below. what() says why and where, and quotes nothing.
class JsonError final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// 10 MB is the gateway's limit for one message; a poll answer carries several.
inline constexpr std::size_t kMaxJsonBytes = std::size_t{12} * 1024 * 1024;
// FHIR messages nest about 15 deep, a nested Bundle doubles that.
inline constexpr int kMaxJsonDepth = 64;

// A number that is written exactly as these digits ("115.00"). Never goes through binary floating
// point.
[[nodiscard]] Json decimal(std::string_view digits);
[[nodiscard]] bool is_decimal(const Json& value);
// The digits of a decimal or an integer; empty when value is neither.
[[nodiscard]] std::string number_text(const Json& value);

// Strict: one value, no duplicate member names, numbers with a fraction become decimal(). Throws
// JsonError.
[[nodiscard]] Json parse_json(std::string_view text);
// Compact text. The same value always gives the same bytes.
[[nodiscard]] std::string write_json(const Json& value);

// The value at a path like "error/0/code"; null pointer when there is none. Lives as long as root.
[[nodiscard]] const Json* find(const Json& root, std::string_view path);
// The string at a path; empty when there is none.
[[nodiscard]] std::string text_at(const Json& root, std::string_view path);
// The array at a path, or an empty one. Lives as long as root, or for ever.
[[nodiscard]] const Json& array_at(const Json& root, std::string_view path);
// Returns `value` without members and elements that are null, blank strings, or empty arrays and
// objects: FHIR allows none of these.
[[nodiscard]] Json without_empty(const Json& value);

}  // namespace rabt::nphies
