#include "hub/audit/verify_walk.hpp"

#include <algorithm>

#include "hub/audit/audit_log.hpp"
#include "hub/audit/checked_rows.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"
#include "hub/base/json.hpp"

namespace rabt::audit {

namespace {

// A long snapshot would keep the store's log from being emptied.
constexpr std::int64_t kRowsPerRead = 5'000;

// The columns of a row, in the order of sql::kSignedEntries.
enum Column : int {
  kSeq,
  kStream,
  kN,
  kAtMs,
  kTenant,
  kAct,
  kObject,
  kPatient,
  kCanonical,
  kLeaf,
  kMac
};

}  // namespace

// Second pass: finds the end of the rows, and checks each row by itself and after its predecessor.

Status Walk::measure() {
  std::vector<std::pair<std::int64_t, std::int64_t>> surplus;
  std::vector<std::int64_t> surplus_finds;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kNewestSeq, {}, [&](const store::Row& row) {
      end_ = row.is_null(sql::kNewestSeq["last_seq"])
                 ? 0
                 : std::max<std::int64_t>(0, row.integer(sql::kNewestSeq["last_seq"]));
      return false;
    }));
    std::int64_t levels = 0;
    for (std::int64_t full = end_ / kTileWidth; full > 0; full /= kTileWidth) ++levels;
    std::int64_t full = end_ / kTileWidth;
    for (std::int64_t level = 0; level <= levels; ++level, full /= kTileWidth) {
      RABT_TRY_STATUS(
          connection.query(sql::kSurplusTiles, {levels, level, full}, [&](const store::Row& row) {
            surplus.emplace_back(row.integer(sql::kSurplusTiles["level"]),
                                 row.integer(sql::kSurplusTiles["number"]));
            return true;
          }));
    }
    return connection.query(sql::kSurplusFinds, {end_ / kTileWidth}, [&](const store::Row& row) {
      surplus_finds.push_back(row.integer(sql::kSurplusFinds["tile"]));
      return true;
    });
  }));
  std::sort(surplus.begin(), surplus.end());
  surplus.erase(std::unique(surplus.begin(), surplus.end()), surplus.end());
  for (const auto& [level, number] : surplus) {
    problem("tile " + std::to_string(level) + "/" + std::to_string(number) +
            ": the log has not the entries for it");
  }
  for (const std::int64_t number : surplus_finds) {
    problem("look-up row of tile 0/" + std::to_string(number) +
            ": the log has not the entries for it");
  }
  std::stable_sort(claims_.begin(), claims_.end(),
                   [](const Claim& a, const Claim& b) { return a.size < b.size; });
  if (!file_ && (end_ > 0 || rows_of_checkpoints_ > 1)) {
    absent(
        "the file audit.checkpoint is missing: whether entries were cut off at the end cannot be "
        "told");
  }
  if (!key_ && (end_ > 0 || rows_of_checkpoints_ > 0))
    absent("no verifier key is at hand (file audit.vkey): signatures were not checked");
  result_.macs_checked = options_.mac_key != nullptr;
  if (options_.mac_key != nullptr) chain_.emplace(options_.mac_key->expose());
  return ok_status();
}
Status Walk::walk_rows() {
  // Rows with numbers below 1, which the hub never writes.
  RABT_TRY_STATUS(each_row(INT64_MIN, 0, [&](const store::Row& row) {
    problem("entry " + std::to_string(row.integer(0)) +
            ": numbers start at 1, this entry was inserted");
  }));
  check_claims(0);
  const std::int64_t tiles = (end_ + kTileWidth - 1) / kTileWidth;
  std::int64_t tile = 0;
  while (tile < tiles) {
    const std::int64_t skip = whole() ? tile : next_wanted(tile, tiles);
    if (skip > tile) {
      RABT_TRY_STATUS(skip_tiles(tile, skip));
      tile = skip;
      continue;
    }
    std::int64_t until = tile + 1;
    while (until < tiles && (until - tile) * kTileWidth < kRowsPerRead &&
           (whole() || next_wanted(until, tiles) == until)) {
      ++until;
    }
    RABT_TRY_STATUS(walk_tiles(tile, until, tiles, tile));
  }
  return ok_status();
}

// The next tile, from `tile` on, whose rows are read: tiles of the range, the tile in which the
// newest claim ends, and the last tile unless it is full.
std::int64_t Walk::next_wanted(std::int64_t tile, std::int64_t tiles) const {
  std::int64_t next = tiles;
  const auto want = [&](std::int64_t first, std::int64_t last) {
    if (last >= tile) next = std::min(next, std::max(first, tile));
  };
  if (options_.first <= options_.last && options_.first <= end_) {
    want((std::max<std::int64_t>(options_.first, 1) - 1) / kTileWidth,
         (std::min(options_.last, end_) - 1) / kTileWidth);
  }
  for (auto claim = claims_.rbegin(); claim != claims_.rend(); ++claim) {
    if (claim->size > end_) continue;
    if (claim->size % kTileWidth != 0) want(claim->size / kTileWidth, claim->size / kTileWidth);
    break;
  }
  if (end_ % kTileWidth != 0) want(tiles - 1, tiles - 1);
  return next;
}

Status Walk::skip_tiles(std::int64_t from, std::int64_t to) {
  for (std::int64_t next = from; next < to;) {
    const std::int64_t before = next;
    bool damaged = false;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(
          sql::kLeafTileRoots, {next, to, kRowsPerRead}, [&](const store::Row& row) {
            const Hash root = to_hash(row.blob(sql::kLeafTileRoots["root"]));
            damaged = row.integer(sql::kLeafTileRoots["number"]) != next || !root;
            if (damaged) return false;
            ++next;
            add_tile_root(*root);
            check_claims(next * kTileWidth);
            return true;
          });
    }));
    if (damaged || next == before) {
      problem(tile_text(0, next) + "it is missing or damaged");
      lose_tree();
      break;
    }
  }
  if (expected_ != from * kTileWidth + 1) problem(missing_text(expected_, from * kTileWidth));
  expected_ = to * kTileWidth + 1;
  Hash mac;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) {
    return connection.query(sql::kMac, {to * kTileWidth}, [&](const store::Row& row) {
      mac = to_hash(row.blob(sql::kMac["mac"]));
      return false;
    });
  }));
  stored_mac_ = computed_mac_ = mac;
  forget_numbers();
  return ok_status();
}

// Reads the rows of tiles [from, until) and closes each of them. done: the first that is not
// closed.
Status Walk::walk_tiles(std::int64_t from, std::int64_t until, std::int64_t tiles,
                        std::int64_t& done) {
  std::vector<std::pair<std::int64_t, Seen>> rows;
  RABT_TRY_STATUS(
      each_row(from * kTileWidth + 1, std::min(until * kTileWidth, end_),
               [&](const store::Row& row) { rows.emplace_back(row.integer(0), look_at(row)); }));
  std::size_t at = 0;
  for (std::int64_t tile = from; tile < until; ++tile) {
    SeenTile seen;
    for (; at < rows.size() && (rows[at].first - 1) / kTileWidth == tile; ++at)
      seen[static_cast<std::size_t>((rows[at].first - 1) % kTileWidth)] =
          std::move(rows[at].second);
    RABT_TRY_STATUS(close_tile(tile, std::min(end_ - tile * kTileWidth, kTileWidth), seen));
  }
  done = until;
  // A row far behind the others: the missing tiles between them are one gap.
  if (at == rows.size() && rows.empty() && until < tiles) RABT_TRY_STATUS(leap(until, done));
  return ok_status();
}

// Skips tiles that are missing together with all of their rows.
Status Walk::leap(std::int64_t from, std::int64_t& done) {
  std::int64_t next_row = end_;
  std::int64_t next_tile = INT64_MAX;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) -> Status {
    RABT_TRY_STATUS(connection.query(sql::kSignedEntries,
                                     {from * kTileWidth + 1, end_, std::int64_t{1}},
                                     [&](const store::Row& row) {
                                       next_row = row.integer(sql::kSignedEntries["seq"]);
                                       return false;
                                     }));
    return connection.query(sql::kLeafTileRoots, {from, INT64_MAX, std::int64_t{1}},
                            [&](const store::Row& row) {
                              next_tile = row.integer(sql::kLeafTileRoots["number"]);
                              return false;
                            });
  }));
  const std::int64_t target = std::min((next_row - 1) / kTileWidth, next_tile);
  if (target > from) {
    lose_tree();
    leapt_ = true;
    done = target;
  }
  return ok_status();
}

Status Walk::each_row(std::int64_t first, std::int64_t last,
                      const std::function<void(const store::Row&)>& each) {
  std::int64_t next = first;
  for (std::int64_t got = kRowsPerRead; got == kRowsPerRead && next <= last;) {
    got = 0;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(sql::kSignedEntries, {next, last, kRowsPerRead},
                              [&](const store::Row& row) {
                                each(row);
                                next = row.integer(sql::kSignedEntries["seq"]) + 1;
                                ++got;
                                return true;
                              });
    }));
  }
  return ok_status();
}

Walk::Seen Walk::look_at(const store::Row& row) {
  const std::int64_t seq = row.integer(kSeq);
  const std::string_view canonical = row.blob(kCanonical);
  const Hash leaf = to_hash(row.blob(kLeaf));
  const Hash mac = to_hash(row.blob(kMac));
  ++result_.entries;
  Seen seen;
  seen.content = leaf_hash(canonical);
  if (!folders_.empty()) seen.entry = canonical;
  const auto bad = [&](const std::string& what) {
    problem("entry " + std::to_string(seq) + ": " + what);
    seen.reported = true;
  };
  if (seq != expected_) {
    problem(missing_text(expected_, seq - 1));
    stored_mac_.reset();
    computed_mac_.reset();
    forget_numbers();
  }
  expected_ = seq + 1;
  Number number{row.integer(kStream), row.integer(kN)};
  std::string wrong =
      leaf == seen.content ? wrong_column(row, number) : "its content does not match its hash";
  const std::string misplaced = wrong_number(number);
  if (wrong.empty()) wrong = misplaced;
  if (!wrong.empty()) bad(wrong);
  seen.at_ms = row.integer(kAtMs);
  seen.object = row.text(kObject);
  seen.patient = row.text(kPatient);
  if (options_.mac_key != nullptr) look_at_mac(seen, leaf, mac, bad);
  return seen;
}

// Each stream counts its entries from 1 without a gap, in the order in which they stand. An entry
// that does not fit counts as the one that belongs there, so that it is one finding.
std::string Walk::wrong_number(const Number& number) {
  Reached& reached = numbers_.try_emplace(number.stream, Reached{0, numbers_known_}).first->second;
  const std::int64_t due = reached.n + 1;
  const bool fits = reached.exact ? number.n == due : number.n >= due;
  reached = {fits ? number.n : due, true};
  if (fits) return {};
  return "it is number " + std::to_string(number.n) + " of stream " +
         std::to_string(number.stream) + ", where number " + std::to_string(due) + " belongs";
}

// Rows were passed over: a stream goes on with a number that is not known, but higher.
void Walk::forget_numbers() {
  for (auto& [stream, reached] : numbers_) reached.exact = false;
  numbers_known_ = false;
}

// Finds the part that was changed: content, hash or MAC. Each is tried. After an entry whose MAC
// was changed, the MAC that it should have had serves as well: that entry alone is at fault.
void Walk::look_at_mac(Seen& seen, const Hash& leaf, const Hash& mac,
                       const std::function<void(const std::string&)>& bad) {
  const bool begins = !stored_mac_ && !computed_mac_;
  bool holds = false;
  Hash expected;
  for (const Hash& digest : {seen.content, leaf}) {
    for (const Hash& previous : {computed_mac_, stored_mac_}) {
      if (holds || !digest || !previous) continue;
      const Digest computed = row_mac(*chain_, *previous, *digest);
      if (!expected) expected = computed;
      holds = mac && *mac == computed;
      seen.trusted = holds && digest == seen.content;
    }
  }
  if (!holds && !begins) bad("its MAC does not follow from its content and the entry before it");
  stored_mac_ = mac;
  computed_mac_ = holds || begins ? mac : expected;
}

// Says where the row's columns differ from its content, whose hash holds. Sets the number to the
// content's.
std::string Walk::wrong_column(const store::Row& row, Number& number) {
  const auto content = Json::parse(row.blob(kCanonical));
  if (!content.ok() || !content->is_object()) return "its content is no JSON object";
  if (content->int_or("v", 0) == kEntryVersion)
    number = {content->int_or("stream", 0), content->int_or("n", 0)};
  return audit::wrong_column({.seq = row.integer(kSeq),
                              .stream = row.integer(kStream),
                              .n = row.integer(kN),
                              .at_ms = row.integer(kAtMs),
                              .tenant = row.text(kTenant),
                              .act = row.text(kAct),
                              .object = row.text(kObject),
                              .patient = row.text(kPatient)},
                             *content);
}

}  // namespace rabt::audit
