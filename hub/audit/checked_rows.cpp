#include "hub/audit/checked_rows.hpp"

#include <algorithm>

#include "hub/audit/finder.hpp"
#include "hub/audit/ledger.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/statements.hpp"

namespace rabt::audit {

namespace {

Error broken(const std::string& what) {
  return corrupt("audit.broken", what + advice());
}

}  // namespace

std::string entry_text(std::int64_t seq, std::int64_t stream, std::int64_t n) {
  return "entry " + std::to_string(seq) + " (stream " + std::to_string(stream) + ", number " +
         std::to_string(n) + ")";
}

std::string wrong_column(const LoggedRow& row, const Json& content) {
  if (!content.is_object()) return "its content is no JSON object";
  const auto version = content.int_or("v", 0);
  if (version != kEntryVersion)
    return "version " + std::to_string(version) + " of the content is not known here";
  const std::int64_t stream = content.int_or("stream", 0);
  const std::int64_t n = content.int_or("n", 0);
  if (stream != row.stream || n != row.n) {
    return "its content is that of number " + std::to_string(n) + " of stream " +
           std::to_string(stream);
  }
  if (content.int_or("at_ms", INT64_MIN) != row.at_ms)
    return "its at_ms column is not the time of its content";
  for (const auto& [name, column] :
       {std::pair{"tenant", row.tenant}, std::pair{"act", row.act}, std::pair{"object", row.object},
        std::pair{"patient", row.patient}}) {
    const Json* value = content.find(name);
    const std::string_view text = value != nullptr && value->is_string()
                                      ? std::string_view(value->as_string())
                                      : std::string_view();
    if (column != text)
      return std::string("its ") + name + " column is not the " + name + " of its content";
  }
  return {};
}

Result<Json> content_of(const LoggedRow& row) {
  auto content = Json::parse(row.canonical);
  const std::string wrong = content.ok() ? wrong_column(row, *content) : "its content is no JSON";
  if (!wrong.empty()) return broken(entry_text(row.seq, row.stream, row.n) + ": " + wrong);
  return content;
}

Status rows_hold(store::Connection& connection, const SecretBytes* mac_key, std::int64_t from,
                 std::int64_t to) {
  if (from >= to) return ok_status();
  Digest mac{};
  bool good = true;
  std::optional<crypto::HmacKey> chain;
  if (mac_key != nullptr) chain.emplace(mac_key->expose());
  if (chain && from > 0) {
    good = false;
    RABT_TRY_STATUS(connection.query(sql::kMac, {from}, [&](const store::Row& row) {
      good = to_digest(row.blob(sql::kMac["mac"]), mac);
      return false;
    }));
    if (!good)
      return broken("entry " + std::to_string(from) + " is missing, or its MAC is damaged");
  }
  std::int64_t next = from + 1;
  std::string wrong;
  RABT_TRY_STATUS(connection.query(sql::kChainEntries, {from, to}, [&](const store::Row& row) {
    if (row.integer(sql::kChainEntries["seq"]) != next) return false;
    const Digest leaf = leaf_hash(row.blob(sql::kChainEntries["canonical"]));
    if (row.blob(sql::kChainEntries["leaf"]) != as_text(leaf)) {
      wrong = "its content does not match its hash";
    } else if (chain) {
      mac = row_mac(*chain, mac, leaf);
      if (row.blob(sql::kChainEntries["mac"]) != as_text(mac))
        wrong = "its MAC does not follow from its content and the entry before it";
    }
    if (!wrong.empty())
      wrong = entry_text(next, row.integer(sql::kChainEntries["stream"]),
                         row.integer(sql::kChainEntries["n"])) +
              ": " + wrong;
    else
      ++next;
    return wrong.empty();
  }));
  if (!wrong.empty()) return broken(wrong);
  if (next != to + 1) return broken("entry " + std::to_string(next) + " is missing");
  return ok_status();
}

// Sets checkpoint_.
Status CheckedRows::take_newest() {
  std::optional<Checkpoint> newest;
  RABT_TRY_STATUS(connection_.query(sql::kLastCheckpoint, {}, [&](const store::Row& row) {
    newest = unverified_note(row.text(sql::kLastCheckpoint["note"]));
    if (newest && newest->size != row.integer(sql::kLastCheckpoint["size"])) newest.reset();
    return false;
  }));
  if (!newest && (size_ > 0 || known_.checkpoint)) {
    return broken("the newest checkpoint of the audit log in the database is missing or damaged");
  }
  if (!newest) newest.emplace().root = empty_root();
  if (known_.checkpoint) {
    if (newest->size < known_.checkpoint->size ||
        (newest->size == known_.checkpoint->size && newest->root != known_.checkpoint->root)) {
      return broken("the newest checkpoint of the audit log in the database is not the one of " +
                    std::to_string(known_.checkpoint->size) +
                    " entries that was signed, nor one after it");
    }
    newest = known_.checkpoint;
  }
  checkpoint_ = std::move(*newest);
  return ok_status();
}

Status CheckedRows::open() {
  std::int64_t least = 1;
  RABT_TRY_STATUS(connection_.query(sql::kEnds, {}, [&](const store::Row& row) {
    if (row.is_null(sql::kEnds["first"])) return false;
    least = row.integer(sql::kEnds["first"]);
    size_ = row.integer(sql::kEnds["last"]);
    return false;
  }));
  if (least < 1) {
    return broken("entry " + std::to_string(least) +
                  ": numbers start at 1, this entry was inserted");
  }
  if (least > 1)
    return broken("the entries before entry " + std::to_string(least) + " are missing");
  // The rows first: they name the entry of which the tree only says that it is another.
  const Status newest = take_newest();
  if (checkpoint_.size > size_ || (known_.checkpoint && known_.checkpoint->size > size_)) {
    return corrupt(
        "audit.cut",
        "the audit log ends at entry " + std::to_string(size_) + ", but a checkpoint of " +
            std::to_string(std::max(
                checkpoint_.size, known_.checkpoint ? known_.checkpoint->size : checkpoint_.size)) +
            " entries was signed: entries at its end were removed" + advice());
  }
  RABT_TRY_STATUS(newest);
  // Rows that no full tile covers, and rows that no checkpoint covers yet.
  const std::int64_t edge = std::min(checkpoint_.size, size_ / kTileWidth * kTileWidth);
  RABT_TRY_STATUS(rows_hold(connection_, known_.mac_key, edge, size_));
  RABT_TRY(root, signed_.emplace(connection_, checkpoint_.size).root());
  if (root != checkpoint_.root) {
    return corrupt("audit.rewritten", "the first " + std::to_string(checkpoint_.size) +
                                          " entries of the audit log are not those that were "
                                          "signed: it was rewritten" +
                                          advice());
  }
  return ok_status();
}

// The hash that belongs at a place. Above the checkpoint the tree says no more than the rows, where
// no full tile is.
Result<Digest> CheckedRows::expected(std::int64_t seq) {
  if (seq <= checkpoint_.size) return signed_->proven_leaf(seq - 1);
  if (!all_) RABT_TRY_STATUS(all_.emplace(connection_, size_).root());
  return all_->proven_leaf(seq - 1);
}

Status CheckedRows::each(std::int64_t first, std::int64_t last,
                         const std::function<Result<bool>(const LoggedRow&)>& visit) {
  std::int64_t next = std::max<std::int64_t>(first, 1);
  last = std::min(last, size_);
  std::optional<Error> failed;
  bool more = true;
  const auto look = [&](const store::Row& row) -> Result<bool> {
    const LoggedRow logged{
        row.integer(sql::kWholeEntries["seq"]),   row.integer(sql::kWholeEntries["stream"]),
        row.integer(sql::kWholeEntries["n"]),     row.integer(sql::kWholeEntries["at_ms"]),
        row.text(sql::kWholeEntries["tenant"]),   row.text(sql::kWholeEntries["act"]),
        row.text(sql::kWholeEntries["object"]),   row.text(sql::kWholeEntries["patient"]),
        row.blob(sql::kWholeEntries["canonical"])};
    if (logged.seq != next) return broken("entry " + std::to_string(next) + " is missing");
    const auto wrong = [&logged](const std::string& what) {
      return broken(entry_text(logged.seq, logged.stream, logged.n) + ": " + what);
    };
    const Digest leaf = leaf_hash(logged.canonical);
    if (row.blob(sql::kWholeEntries["leaf"]) != as_text(leaf))
      return wrong("its content does not match its hash");
    RABT_TRY(hash, expected(logged.seq));
    if (hash != leaf) {
      return wrong("it is not the one that tile 0/" +
                   std::to_string((logged.seq - 1) / kTileWidth) + " holds");
    }
    ++next;
    return visit(logged);
  };
  RABT_TRY_STATUS(connection_.query(sql::kWholeEntries, {next, last}, [&](const store::Row& row) {
    const auto going = look(row);
    if (!going.ok()) failed = going.error();
    more = going.ok() && *going;
    return more;
  }));
  if (failed) return *failed;
  if (more && next <= last) return broken("entry " + std::to_string(next) + " is missing");
  return ok_status();
}

Status CheckedRows::check_tile(std::int64_t number) {
  const std::string tile = "tile 0/" + std::to_string(number) + ": ";
  LookUpRow look_up;
  const std::int64_t begin = number * kTileWidth;
  RABT_TRY_STATUS(each(begin + 1, begin + kTileWidth, [&](const LoggedRow& row) -> Result<bool> {
    RABT_TRY(content, content_of(row));
    look_up.add(row.at_ms, row.object, row.patient);
    return true;
  }));
  RABT_TRY(hashes, read_tile(connection_, 0, number, kTileWidth));
  std::string root;
  RABT_TRY_STATUS(
      connection_.query(sql::kTileRoots, {0, number, number + 1}, [&](const store::Row& row) {
        root = row.blob(sql::kTileRoots["root"]);
        return false;
      }));
  if (root != as_text(fold(hashes)))
    return broken(tile + "its root does not follow from its hashes");
  bool right = false;
  const std::string keys = look_up.keys();
  RABT_TRY_STATUS(connection_.query(sql::kFindOfTile, {number}, [&](const store::Row& row) {
    right = row.integer(sql::kFindOfTile["from_ms"]) == look_up.from_ms() &&
            row.integer(sql::kFindOfTile["to_ms"]) == look_up.to_ms() &&
            row.blob(sql::kFindOfTile["keys"]) == keys;
    return false;
  }));
  if (!right) return broken(tile + "its look-up row is missing or not that of its entries");
  return ok_status();
}

}  // namespace rabt::audit
