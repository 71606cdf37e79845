#include "hub/audit/proof.hpp"

#include "hub/audit/statements.hpp"
#include "hub/audit/tree.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

struct Signed {
  std::int64_t size = 0;
  std::string note;
};

Result<Signed> find_signed(store::Connection& connection, std::int64_t size) {
  Signed found{.size = size};
  if (size == 0) {
    RABT_TRY_STATUS(connection.query(sql::kLastCheckpoint, {}, [&](const store::Row& row) {
      found.size = row.integer(sql::kLastCheckpoint["size"]);
      found.note = row.text(sql::kLastCheckpoint["note"]);
      return false;
    }));
  } else {
    RABT_TRY_STATUS(connection.query(sql::kCheckpointOfSize, {size}, [&](const store::Row& row) {
      found.note = row.text(sql::kCheckpointOfSize["note"]);
      return false;
    }));
  }
  if (!found.note.empty()) return found;
  std::int64_t next = 0;
  RABT_TRY_STATUS(connection.query(sql::kCheckpointFrom, {size}, [&](const store::Row& row) {
    next = row.integer(sql::kCheckpointFrom["size"]);
    return false;
  }));
  return not_found("audit.not_signed",
                   "no checkpoint of " + std::to_string(size) + " entries was signed" +
                       (next > 0 ? "; the next is of " + std::to_string(next) : std::string()));
}

void append_hashes(std::string& out, const std::vector<Digest>& hashes) {
  for (const Digest& hash : hashes) out.append(to_base64(hash)).append("\n");
  out.append("\n");
}

}  // namespace

Result<std::string> newest_note(store::Connection& connection) {
  RABT_TRY(found, find_signed(connection, 0));
  return std::move(found.note);
}

Result<std::string> prove_entry(store::Connection& connection, std::int64_t seq,
                                std::int64_t size) {
  std::string entry;
  RABT_TRY_STATUS(connection.query(sql::kEntries, {seq - 1, seq}, [&](const store::Row& row) {
    entry = row.blob(sql::kEntries["canonical"]);
    return false;
  }));
  if (entry.empty())
    return not_found("audit.entry", "the audit log has no entry " + std::to_string(seq));
  RABT_TRY(found, find_signed(connection, size));
  if (seq > found.size) {
    return not_found("audit.not_signed", "entry " + std::to_string(seq) +
                                             " is not under the checkpoint of " +
                                             std::to_string(found.size) +
                                             " entries; a running hub signs every 10 seconds");
  }
  RABT_TRY(hashes, TreeView(connection, found.size).inclusion(seq - 1));
  const auto checkpoint = unverified_note(found.note);
  if (!checkpoint || checkpoint->size != found.size ||
      !inclusion_holds(leaf_hash(entry), static_cast<std::uint64_t>(seq - 1),
                       static_cast<std::uint64_t>(found.size), hashes, checkpoint->root)) {
    return corrupt("audit.broken", "entry " + std::to_string(seq) +
                                       " is not the one that was signed; run: rabt audit verify");
  }
  std::string out = "c2sp.org/tlog-proof@v1\nextra " + to_base64(as_bytes(entry)) + "\nindex " +
                    std::to_string(seq - 1) + "\n";
  append_hashes(out, hashes);
  return out + found.note;
}

Result<std::string> prove_consistency(store::Connection& connection, std::int64_t from,
                                      std::int64_t to) {
  if (from < 1 || (to != 0 && to < from)) {
    return invalid("audit.sizes",
                   "the older checkpoint has at least 1 entry, and the newer one at least as many");
  }
  RABT_TRY(older, find_signed(connection, from));
  RABT_TRY(newer, find_signed(connection, to));
  if (newer.size < older.size)
    return invalid("audit.sizes", "the newest checkpoint is of " + std::to_string(newer.size) +
                                      " entries, which is older");
  RABT_TRY(hashes, TreeView(connection, newer.size).consistency(from));
  std::string out = "rabt.health/consistency-proof@v1\n";
  append_hashes(out, hashes);
  return out + older.note + "\n" + newer.note;
}

}  // namespace rabt::audit
