#include "hub/identity/blind_index.hpp"

namespace rabt::identity {

Result<std::string> blind_index(const crypto::TenantKeys& keys, phi::IndexKind kind,
                                std::string_view value) {
  RABT_TRY(text, phi::normalise(kind, value));
  // The number is the version of phi::normalise: rules that change give indexes that differ.
  return keys.blind_index("person/1/" + std::string(phi::to_string(kind)), text);
}

Result<std::string> blind_index(const crypto::Keyring& keyring, std::string_view tenant,
                                phi::IndexKind kind, std::string_view value) {
  RABT_TRY(keys, keyring.tenant(tenant));
  return blind_index(*keys, kind, value);
}

}  // namespace rabt::identity
