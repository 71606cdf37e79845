#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Checks an audit log as it stands. Of the writing side it uses nothing but SHA-256, HMAC and
// Ed25519 (check.hpp): what both got wrong together would not show.
namespace rabt::audit {

struct VerifyOptions {
  // The verifier key that the reader trusts; empty: the file audit.vkey of the data folder, which
  // whoever rewrites the log can replace.
  std::string vkey;
  const SecretBytes* mac_key = nullptr;  // null: the MAC chain is not checked
  std::vector<std::string> folders;      // folder anchors
  // Only these entries are walked; that they are under the newest checkpoint is still proven, by
  // way of the roots of the other tiles.
  std::int64_t first = 1;
  std::int64_t last = INT64_MAX;
};

inline constexpr std::size_t kMaxProblems = 100;  // one cut can make every later entry a problem

struct Verification {
  bool verified = false;
  std::uint64_t entries = 0;      // rows that were read
  std::int64_t size = 0;          // number of the last entry
  std::int64_t signed_size = 0;   // entries under the newest checkpoint that holds
  std::uint64_t checkpoints = 0;  // that hold
  bool macs_checked = false;
  std::string head;  // root of the tree over all entries, hex; empty when it cannot be told
  // With the place: "entry 17: ...", "entries 18 to 20 are missing", "checkpoint at 512: ...",
  // "tile 0/3 (entries 769 to 1024): ..."; the first kMaxProblems.
  std::vector<std::string> problems;
};
// Beside a running hub or without one. data_folder holds audit.checkpoint and audit.vkey. Errors
// are of reading only (store.*, unavailable audit.io, invalid audit.vkey): what is wrong with the
// log are problems.
[[nodiscard]] Result<Verification> verify(store::Store& store, const std::string& data_folder,
                                          const VerifyOptions& options = {});
// On a database file.
[[nodiscard]] Result<Verification> verify_file(const std::string& database,
                                               const std::string& data_folder,
                                               const VerifyOptions& options = {});

}  // namespace rabt::audit
