#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"

// What a verifier has to compute, from the specifications alone: it shares SHA-256, HMAC and
// Ed25519 with the writing side, and nothing else of hub/audit. Pure.
namespace rabt::audit::check {

using crypto::Digest;

// RFC 6962 section 2.1.
[[nodiscard]] Digest leaf_hash(std::string_view entry);
[[nodiscard]] Digest node_hash(const Digest& left, const Digest& right);

// RFC 9162 sections 2.1.3.2 and 2.1.4.2. Every hash of a proof has 32 bytes; there are as many as
// the sizes ask for. From the empty tree on there is nothing to prove: refused.
[[nodiscard]] bool inclusion_holds(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                                   const std::vector<Digest>& proof, const Digest& root);
[[nodiscard]] bool consistency_holds(std::uint64_t size1, std::uint64_t size2,
                                     const std::vector<Digest>& proof, const Digest& root1,
                                     const Digest& root2);

// A verifier key (C2SP signed-note): <name>+<id>+<key>.
struct Vkey {
  std::string name;
  std::array<std::uint8_t, 4> id{};
  Bytes key;  // 32 bytes, Ed25519
};
// Error invalid audit.vkey.
[[nodiscard]] Result<Vkey> parse_vkey(std::string_view text);
// The same key under another name.
[[nodiscard]] Vkey renamed(const Vkey& key, std::string_view name);

struct Note {
  std::string origin;
  std::int64_t size = 0;
  Digest root{};
};
// A checkpoint (C2SP tlog-checkpoint) whose origin is the key's name and that the key has signed.
// Error corrupt audit.note says what does not hold.
[[nodiscard]] Result<Note> open_note(std::string_view text, const Vkey& key);

// A proof file: docs/formats/audit_log.md. What it proved, in words. Errors: invalid audit.proof
// (not a proof), corrupt audit.proof_refused (it does not hold).
struct Proved {
  std::string text;      // "entry 17 is in the log ... of 512 entries"
  std::string entry;     // an inclusion proof's entry, canonical
  std::int64_t seq = 0;  // its number
};
[[nodiscard]] Result<Proved> verify_proof(std::string_view file, const Vkey& key);

}  // namespace rabt::audit::check
