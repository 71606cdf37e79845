#include "hub/audit/verify_walk.hpp"

#include <algorithm>

#include "hub/audit/finder.hpp"
#include "hub/audit/mac.hpp"
#include "hub/audit/statements.hpp"

namespace rabt::audit {

// The third pass: tiles of every level and look-up rows against the rows, and the tree against the
// checkpoints.

Status Walk::close_tile(std::int64_t number, std::int64_t width, const SeenTile& seen) {
  const std::int64_t begin = number * kTileWidth;
  RABT_TRY(tile, width == kTileWidth ? read_tile(0, number) : Result<Tile>(Tile{}));
  const bool sound = tile.sound();
  const bool any = std::any_of(seen.begin(), seen.end(),
                               [](const Seen& one) { return one.content.has_value(); });
  if (width == kTileWidth && !tile.there && any) {
    problem(tile_text(0, number) + "it is missing");
  } else if (tile.there && !sound) {
    problem(tile_text(0, number) + "its root does not follow from its hashes");
  }
  if (sound && std::equal(seen.begin(), seen.end(), tile.hashes.begin(),
                          [](const Seen& one, const Digest& hash) {
                            return one.content == hash && !one.reported;
                          })) {
    RABT_TRY_STATUS(check_find(number, seen));
  }
  std::vector<Hash> hashes(static_cast<std::size_t>(width));
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const std::string seq = std::to_string(begin + static_cast<std::int64_t>(i) + 1);
    const Hash stored = tile.hashes.empty() ? Hash() : Hash(tile.hashes[i]);
    const Hash& content = seen[i].content;
    const bool believe_row = seen[i].trusted || (!sound && !seen[i].reported);
    hashes[i] = content && (!stored || believe_row) ? content : stored;
    if (!content || !stored || content == stored) continue;
    if (seen[i].trusted) {
      problem(tile_text(0, number) + "its hash of entry " + seq + " is another");
    } else if (!seen[i].reported) {
      problem("entry " + seq + ": it is not the one that tile 0/" + std::to_string(number) +
              " holds");
    }
  }
  for (const Folder& folder : folders_)
    RABT_TRY_STATUS(compare_folder(folder, number, width, seen, hashes));

  bool complete = true;
  std::vector<Digest> digests;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    complete = complete && hashes[i].has_value();
    if (complete) {
      digests.push_back(*hashes[i]);
      if (tree_) tree_->push(*hashes[i], 0);
    } else {
      lose_tree();
    }
    check_claims(begin + static_cast<std::int64_t>(i) + 1);
  }
  if (width == kTileWidth) roots_.push_back(complete ? Hash(fold(digests)) : Hash());
  return ok_status();
}

// The look-up row of a tile whose entries hold: a wrong one would hide them from reports.
Status Walk::check_find(std::int64_t number, const SeenTile& seen) {
  LookUpRow expected;
  for (const Seen& one : seen) expected.add(one.at_ms, one.object, one.patient);
  const std::string keys = expected.keys();
  bool there = false;
  bool right = false;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) {
    return connection.query(sql::kFindWithMac, {number}, [&](const store::Row& row) {
      there = true;
      right = row.integer(sql::kFindWithMac["from_ms"]) == expected.from_ms() &&
              row.integer(sql::kFindWithMac["to_ms"]) == expected.to_ms() &&
              row.blob(sql::kFindWithMac["keys"]) == keys &&
              (options_.mac_key == nullptr ||
               row.blob(sql::kFindWithMac["mac"]) ==
                   as_text(look_up_mac(options_.mac_key->expose(), number,
                                       row.integer(sql::kFindWithMac["from_ms"]),
                                       row.integer(sql::kFindWithMac["to_ms"]), keys)));
      return false;
    });
  }));
  if (right) return ok_status();
  problem(tile_text(0, number) +
          (there ? "its look-up row is not that of its entries" : "its look-up row is missing"));
  return ok_status();
}

Result<Walk::Tile> Walk::read_tile(int level, std::int64_t number) {
  Tile tile;
  RABT_TRY_STATUS(read_([&](store::Connection& connection) {
    return connection.query(sql::kTileWithRoot, {level, number}, [&](const store::Row& row) {
      tile.there = true;
      tile.root = to_hash(row.blob(sql::kTileWithRoot["root"]));
      const std::string_view bytes = row.blob(sql::kTileWithRoot["hashes"]);
      if (bytes.size() != kTileWidth * 32) return false;
      for (std::size_t at = 0; at < bytes.size(); at += 32)
        tile.hashes.push_back(*to_hash(bytes.substr(at, 32)));
      return false;
    });
  }));
  return tile;
}

void Walk::add_tile_root(const Digest& root) {
  if (tree_) tree_->push(root, 8);
  roots_.push_back(root);
}

// The tree has `size` entries now.
void Walk::check_claims(std::int64_t size) {
  for (; next_claim_ < claims_.size() && claims_[next_claim_].size <= size; ++next_claim_) {
    const Claim& claim = claims_[next_claim_];
    // Below size it lies in a tile that was not to be read.
    if (tree_ && claim.size == size) judge(claim, tree_->root() == claim.root);
  }
}

void Walk::judge(const Claim& claim, bool holds) {
  if (holds) {
    ++result_.checkpoints;
    result_.signed_size = claim.size;
    if (failed_ == 0) good_ = claim.size;
    return;
  }
  if (++failed_ > 1) return;
  problem(claim.size > good_ ? span_text(good_ + 1, claim.size) +
                                   (claim.size == good_ + 1 ? ": not the one that was signed ("
                                                            : ": not those that were signed (") +
                                   claim.where + " does not hold)"
                             : claim.where + ": it does not hold");
}

// ---- the levels above, of the database and of the anchors

Status Walk::upper_levels() {
  std::vector<Hash> below = roots_;
  for (int level = 1; !below.empty() && whole() && !leapt_; ++level) {
    std::vector<Hash> roots;
    for (std::size_t number = 0; (number + 1) * kTileWidth <= below.size(); ++number) {
      RABT_TRY(root, check_upper(level, static_cast<std::int64_t>(number), below));
      roots.push_back(root);
    }
    std::int64_t scale = 1;
    for (int i = 0; i < level; ++i) scale *= kTileWidth;
    for (const Folder& folder : folders_) compare_upper(folder, level, folder.size / scale, below);
    below = std::move(roots);
  }
  return ok_status();
}

// A tile of a level above 0 against the roots of the tiles below it. Returns its root, as far as
// these are known.
Result<Hash> Walk::check_upper(int level, std::int64_t number, const std::vector<Hash>& below) {
  RABT_TRY(tile, read_tile(level, number));
  const auto begin = static_cast<std::size_t>(number * kTileWidth);
  std::vector<Digest> digests;
  for (std::size_t i = begin; i < begin + kTileWidth && below[i]; ++i) digests.push_back(*below[i]);
  const bool complete = digests.size() == kTileWidth;
  if (!tile.there) {
    problem(tile_text(level, number) + "it is missing");
  } else if (!tile.sound()) {
    problem(tile_text(level, number) + "its root does not follow from its hashes");
  } else if (complete && tile.hashes != digests) {
    const auto at = std::mismatch(digests.begin(), digests.end(), tile.hashes.begin()).first;
    problem(tile_text(level, number) + "its hash of tile " + std::to_string(level - 1) + "/" +
            std::to_string(number * kTileWidth + (at - digests.begin())) + " is another");
  }
  return complete ? Hash(fold(digests)) : Hash();
}

}  // namespace rabt::audit
