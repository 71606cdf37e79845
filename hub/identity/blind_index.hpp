#pragma once

#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/crypto/keyring.hpp"
#include "hub/phi/index_value.hpp"

// Blind indexes: how sealed records of a person are found again by equality. The index is a keyed,
// truncated hash of the normalised value, so that one person written in several ways has one index.
//
// Information that an index leaks to a reader of the database without the keys: which rows of one
// tenant carry the same value (equality) and how often (frequency). The value does not leak while
// the tenant's keys are safe; a national identity number has only some 10^9 values, so that with
// the key all of them can be tried. Indexes of two tenants, or of two kinds, do not compare.
//
// Rule: no index on a field of low entropy (sex, diagnosis, city, year of birth): its frequencies
// tell the value. The kinds of phi::IndexKind are the only ones, and a number with fewer than four
// digits is refused. A name is the weakest of them: use it only where identifiers are missing.
namespace rabt::identity {

// 16 bytes of HMAC-SHA-256 of the normalised value, under a key of tenant and kind. The errors of
// phi::normalise, and those of Keyring::tenant.
[[nodiscard]] Result<std::string> blind_index(const crypto::TenantKeys& keys, phi::IndexKind kind,
                                              std::string_view value);
[[nodiscard]] Result<std::string> blind_index(const crypto::Keyring& keyring,
                                              std::string_view tenant, phi::IndexKind kind,
                                              std::string_view value);

}  // namespace rabt::identity
