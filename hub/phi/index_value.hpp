#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Values that identify a person, in the one way of writing that blind indexes are made of.
namespace rabt::phi {

enum class IndexKind : std::uint8_t {
  identifier,  // national id, iqama, passport, insurance number
  phone,
  email,
  mrn,   // medical record number of the tenant
  name,  // a person's name
};
// "identifier", "phone", "email", "mrn", "name".
[[nodiscard]] std::string_view to_string(IndexKind kind);
[[nodiscard]] std::optional<IndexKind> parse_index_kind(std::string_view text);

// Longer values are refused: no identifier, address or name of a person is.
inline constexpr std::size_t kMaxIndexedValue = 512;
// Digits that an identifier or a record number needs: below, trying all of them is no work at all.
inline constexpr std::size_t kMinIndexedDigits = 4;

// The one way of writing a value (docs/privacy.md has the rules as a table). value is UTF-8.
// normalise(kind, *normalise(kind, v)) == *normalise(kind, v). Any thread.
// Error phi.index_value, which does not quote the value: it is no UTF-8, longer than the limit, or
// cannot be a value of this kind, for example letters for a phone.
[[nodiscard]] Result<std::string> normalise(IndexKind kind, std::string_view value);

// True for ten digits that begin with `first` (1 national id, 2 iqama) and end with the check
// digit; written as normalise() takes it.
[[nodiscard]] bool is_saudi_id(std::string_view value, char first);

}  // namespace rabt::phi
