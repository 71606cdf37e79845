#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"

// The arithmetic of the audit log and its head file (docs/formats/audit_log.md), shared by writer
// and verifier. Pure but for the two functions on the head file.
namespace rabt::audit {

struct Head {
  std::int64_t seq = 0;
  crypto::Digest hash{};
  friend bool operator==(const Head&, const Head&) = default;
};

// Before the first entry: number 0, hash SHA-256("rabt-audit-v1").
[[nodiscard]] Head genesis();
// The hash of the entry after previous.
[[nodiscard]] crypto::Digest chain(const crypto::Digest& previous, std::int64_t seq,
                                   std::int64_t at_ms, std::string_view leaf);

// Empty when there is no file. Error kind corrupt (audit.head_corrupt), unavailable
// (audit.head_io).
[[nodiscard]] Result<std::optional<Head>> read_head_file(const std::string& path);
// Replaces the file whole: a reader sees the old head or the new one, also after a power loss.
// Error audit.head_io.
[[nodiscard]] Status write_head_file(const std::string& path, const Head& head);

}  // namespace rabt::audit
