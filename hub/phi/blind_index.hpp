#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"

// Blind indexes: how sealed records of a person are found again by equality. The index is a keyed,
// truncated hash of the normalised value, so that one person written in several ways has one index.
//
// What an index leaks to whoever reads the database without the keys: which rows of one tenant
// carry the same value (equality) and how often (frequency). It does not leak the value while the
// tenant's keys are safe; a national identity number has only some 10^9 values, so that with the
// key all of them can be tried. Indexes of two tenants, or of two kinds, do not compare.
//
// Rule: no index on a field of low entropy (sex, diagnosis, city, year of birth): its frequencies
// tell the value. The kinds below are the only ones, and a number with fewer than four digits is
// refused. A name is the weakest of them: use it only where identifiers are missing.
namespace rabt::phi {

enum class IndexKind : std::uint8_t {
  identifier,  // national id, iqama, passport, insurance number
  phone,
  email,
  mrn,   // medical record number of the tenant
  name,  // of a person
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
// Errors, none of which quotes the value: phi.index_text (no UTF-8, or longer than the limit),
// phi.index_value (it cannot be a value of this kind, for example letters for a phone).
[[nodiscard]] Result<std::string> normalise(IndexKind kind, std::string_view value);

// 16 bytes of HMAC-SHA-256 of the normalised value, under a key of tenant and kind. The errors of
// normalise, and those of Keyring::tenant.
[[nodiscard]] Result<std::string> blind_index(const crypto::TenantKeys& keys, IndexKind kind,
                                              std::string_view value);
[[nodiscard]] Result<std::string> blind_index(const crypto::Keyring& keyring,
                                              std::string_view tenant, IndexKind kind,
                                              std::string_view value);

}  // namespace rabt::phi
