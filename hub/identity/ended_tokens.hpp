#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Tokens of issuers that were signed out at the hub. An issuer's token cannot be taken back, so the
// hub remembers it until no token of that age is good any more.
namespace rabt::identity {

// Names a token by what its signature covers: one signature may be written in more than one way.
[[nodiscard]] std::string issued_token(std::string_view token);

// Both in the job of the sign-out.
[[nodiscard]] Status end_token(store::Transaction& transaction, std::string_view tenant,
                               std::string_view issued, std::int64_t now_ms);
// Ends every token that an issuer gave the person until now. A token that does not say when it was
// issued is one of them, as long as this is remembered.
[[nodiscard]] Status end_tokens_of(store::Transaction& transaction, std::string_view tenant,
                                   std::string_view person, std::int64_t now_ms);

[[nodiscard]] Result<bool> has_ended(store::Store& store, std::string_view tenant,
                                     std::string_view issued, std::string_view person,
                                     std::int64_t issued_ms, std::int64_t now_ms);

}  // namespace rabt::identity
