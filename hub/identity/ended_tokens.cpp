#include "hub/identity/ended_tokens.hpp"

#include "hub/base/bytes.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/identity/epochs.hpp"
#include "hub/identity/issuers.hpp"
#include "hub/identity/statements.hpp"

namespace rabt::identity {

namespace {

// No token is good for longer: kMaxTokenLifetimeMs, and the minute of clocks that differ at its
// beginning, at its end, and in the judgement of its lifetime.
constexpr std::int64_t kRememberedMs = kMaxTokenLifetimeMs + 3LL * 60'000;

Status remember(store::Transaction& transaction, std::string_view tenant, std::string_view value,
                std::int64_t before_ms, std::int64_t now_ms) {
  RABT_TRY_STATUS(store::run(transaction, sql::kForgetEndedTokens, {now_ms}));
  return store::run(transaction, sql::kEndToken,
                    {tenant, value, before_ms, now_ms + kRememberedMs});
}

}  // namespace

std::string issued_token(std::string_view token) {
  return "token:" + to_hex(crypto::sha256(token.substr(0, token.rfind('.'))));
}

Status end_token(store::Transaction& transaction, std::string_view tenant, std::string_view issued,
                 std::int64_t now_ms) {
  return remember(transaction, tenant, issued, 0, now_ms);
}

Status end_tokens_of(store::Transaction& transaction, std::string_view tenant,
                     std::string_view person, std::int64_t now_ms) {
  return remember(transaction, tenant, person_subject(person), now_ms, now_ms);
}

Result<bool> has_ended(store::Store& store, std::string_view tenant, std::string_view issued,
                       std::string_view person, std::int64_t issued_ms, std::int64_t now_ms) {
  const std::string of_person = person_subject(person);
  bool found = false;
  RABT_TRY_STATUS(store.read([&](store::Connection& connection) {
    return connection.query(sql::kFindEndedToken, {tenant, issued, of_person, issued_ms, now_ms},
                            [&](const store::Row&) {
                              found = true;
                              return false;
                            });
  }));
  return found;
}

}  // namespace rabt::identity
