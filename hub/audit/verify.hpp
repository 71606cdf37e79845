#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"
#include "hub/store/store.hpp"

// Checks an audit log as it stands. It hashes with the writing side's code (tree.hpp, mac.hpp,
// note.hpp); that those follow the specifications is what readers by others prove in the tests:
// tests/go, tests/interop/audit_database.py, tests/audit/openssl_verify.sh.
namespace rabt::audit {

struct VerifyOptions {
  // The verifier key that the reader trusts. An empty text takes the file audit.vkey of the data
  // folder, which whoever rewrites the log can replace.
  std::string vkey;
  // The MAC chain is checked only with this key.
  const SecretBytes* mac_key = nullptr;
  // Folder anchors.
  std::vector<std::string> folders;
  // Checkpoints that were kept elsewhere, as in the hub's log: signed notes.
  std::vector<std::string> notes;
  // Only these entries are walked; that they are under the newest checkpoint is still proven, by
  // way of the roots of the other tiles.
  std::int64_t first = 1;
  std::int64_t last = INT64_MAX;
};

// One cut can make every later entry a problem.
inline constexpr std::size_t kMaxProblems = 100;

struct Verification {
  bool verified = false;
  // Rows that were read.
  std::uint64_t entries = 0;
  // The position of the last entry.
  std::int64_t size = 0;
  // Entries under the newest checkpoint that holds.
  std::int64_t signed_size = 0;
  // Checkpoints that hold.
  std::uint64_t checkpoints = 0;
  bool macs_checked = false;
  // The root of the tree over all entries, hex. An empty text when it cannot be told.
  std::string head;
  // With the place: "entry 17: ...", "entries 18 to 20 are missing", "checkpoint at 512: ...",
  // "tile 0/3 (entries 769 to 1024): ..."; the first kMaxProblems.
  std::vector<std::string> problems;
  // So many of the problems are that something is not there with which the log is compared: the
  // checkpoint file, the checkpoint of an anchor, the verifier key. When all are, nothing was found
  // changed.
  std::size_t absent = 0;
};
// Beside a running hub or without one. data_folder holds audit.checkpoint and audit.vkey. Errors
// are of reading only (store.*, unavailable audit.io, invalid audit.vkey): what is wrong with the
// log are problems.
[[nodiscard]] Result<Verification> verify(store::Store& store, const std::string& data_folder,
                                          const VerifyOptions& options = {});
// On a connection of its own.
[[nodiscard]] Result<Verification> verify(store::Connection& connection,
                                          const std::string& data_folder,
                                          const VerifyOptions& options = {});
// On a database file.
[[nodiscard]] Result<Verification> verify_file(const std::string& database,
                                               const std::string& data_folder,
                                               const VerifyOptions& options = {});

}  // namespace rabt::audit
