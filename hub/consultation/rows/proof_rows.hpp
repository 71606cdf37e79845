#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Second proofs of the links of invitations: the table session_proof.
namespace rabt::consultation {

struct ProofRow {
  // Blind index of the code of now. Empty when there is none. Behind `identity:`, that of the
  // request in an app; nothing is behind it once the request is spent.
  std::string code;
  std::int64_t expires_ms = 0;
  // Time of the last code that left, or request; 0 when none did.
  std::int64_t sent_ms = 0;
  // Codes and requests, and wrong tries, since the invitation was last sent.
  std::int64_t sent = 0;
  std::int64_t tries = 0;
};

// Proofs of one generation of an invitation.
struct ProofKey {
  std::string_view tenant;
  std::string_view invitation;
  std::int64_t generation = 0;
};
// An empty row when the generation has none.
[[nodiscard]] Result<ProofRow> find_proof(store::Connection& connection, const ProofKey& key);
// Inside the job that read `before`. Error conflict store.raced: the row has changed meanwhile.
[[nodiscard]] Status put_proof(store::Transaction& transaction, const ProofKey& key,
                               const ProofRow& before, const ProofRow& row);

}  // namespace rabt::consultation
