#include "hub/audit/tree.hpp"

#include <bit>

#include "hub/audit/statements.hpp"
#include "hub/base/bytes.hpp"

namespace rabt::audit {

namespace {

constexpr std::size_t kHash = Digest{}.size();

Error missing(const std::string& what) {
  return corrupt("audit.broken", what +
                                     " of the audit log is missing or damaged; the hub does not "
                                     "add to a broken log; run: rabt audit verify");
}
Error missing_tile(int level, std::int64_t number) {
  return missing("tile " + std::to_string(level) + "/" + std::to_string(number));
}

// The largest power of two below n; n > 1.
std::int64_t split_of(std::int64_t n) {
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(n - 1)));
}

}  // namespace

bool to_digest(std::string_view bytes, Digest& out) {
  if (bytes.size() != out.size()) return false;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return true;
}

Digest leaf_hash(std::string_view entry) {
  thread_local std::string bytes;
  bytes.assign(1, '\0');
  bytes.append(entry);
  return crypto::sha256(bytes);
}

Digest node_hash(const Digest& left, const Digest& right) {
  std::array<char, 1 + 2 * kHash> bytes{};
  bytes[0] = 1;
  std::copy(left.begin(), left.end(), bytes.begin() + 1);
  std::copy(right.begin(), right.end(), bytes.begin() + 1 + kHash);
  return crypto::sha256({bytes.data(), bytes.size()});
}

Digest fold(std::span<const Digest> hashes) {
  if (hashes.size() == 1) return hashes.front();
  const auto split = static_cast<std::size_t>(split_of(static_cast<std::int64_t>(hashes.size())));
  return node_hash(fold(hashes.first(split)), fold(hashes.subspan(split)));
}

Digest empty_root() {
  return crypto::sha256({});
}

Result<std::vector<Digest>> read_tile(store::Connection& connection, int level, std::int64_t number,
                                      std::int64_t width) {
  std::vector<Digest> hashes;
  hashes.reserve(static_cast<std::size_t>(width));
  if (width == kTileWidth) {
    RABT_TRY_STATUS(connection.query(sql::kTile, {level, number}, [&](const store::Row& row) {
      const std::string_view bytes = row.blob(sql::kTile["hashes"]);
      if (bytes.size() != static_cast<std::size_t>(width) * kHash) return false;
      hashes.resize(static_cast<std::size_t>(width));
      for (std::size_t i = 0; i < hashes.size(); ++i)
        to_digest(bytes.substr(i * kHash, kHash), hashes[i]);
      return false;
    }));
    if (hashes.empty()) return missing_tile(level, number);
    return hashes;
  }
  const std::int64_t begin = number * kTileWidth;
  // Column 0 counts from `begin` on without a gap.
  std::int64_t next = level == 0 ? begin + 1 : begin;
  const auto each = [&](const store::Row& row) {
    Digest hash{};
    if (row.integer(sql::kLeaves["seq"]) != next ||
        !to_digest(row.blob(sql::kLeaves["leaf"]), hash))
      return false;
    ++next;
    hashes.push_back(hash);
    return true;
  };
  if (level == 0) {
    RABT_TRY_STATUS(connection.query(sql::kLeaves, {begin, begin + width}, each));
    if (static_cast<std::int64_t>(hashes.size()) != width)
      return missing("entry " + std::to_string(next));
  } else {
    RABT_TRY_STATUS(connection.query(sql::kTileRoots, {level - 1, begin, begin + width}, each));
    if (static_cast<std::int64_t>(hashes.size()) != width) return missing_tile(level - 1, next);
  }
  return hashes;
}

std::string tile_path(std::int64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, (3 - digits.size() % 3) % 3, '0');
  std::string path;
  for (std::size_t at = 0; at + 3 < digits.size(); at += 3)
    path.append("x").append(digits, at, 3).append("/");
  return path.append(digits, digits.size() - 3, 3);
}

// ---- CompactTree

void CompactTree::push(const Digest& root, int height) {
  peaks_.push_back({height, root});
  while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].height == peaks_.back().height) {
    const Digest right = peaks_.back().hash;
    peaks_.pop_back();
    peaks_.back() = {peaks_.back().height + 1, node_hash(peaks_.back().hash, right)};
  }
}

Digest CompactTree::root() const {
  if (peaks_.empty()) return empty_root();
  Digest root = peaks_.back().hash;
  for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = node_hash(peaks_[i].hash, root);
  return root;
}

// ---- Frontier

Status Frontier::load(store::Connection& connection, std::int64_t size) {
  size_ = size;
  levels_.clear();
  for (std::int64_t rest = size, level = 0; rest > 0; rest /= kTileWidth, ++level) {
    auto& hashes = levels_.emplace_back();
    if (rest % kTileWidth == 0) continue;
    RABT_TRY(read,
             read_tile(connection, static_cast<int>(level), rest / kTileWidth, rest % kTileWidth));
    hashes = std::move(read);
  }
  return ok_status();
}

Status Frontier::push(store::Transaction& transaction, const Digest& leaf) {
  Digest hash = leaf;
  std::int64_t number = size_++ / kTileWidth;
  for (std::size_t level = 0;; ++level) {
    if (level == levels_.size()) levels_.emplace_back().reserve(kTileWidth);
    auto& hashes = levels_[level];
    hashes.push_back(hash);
    if (hashes.size() < kTileWidth) return ok_status();
    hash = fold(hashes);
    const auto inserted = transaction.execute(
        sql::kInsertTile,
        {static_cast<std::int64_t>(level), number, store::Blob{as_text(hash)},
         store::Blob{{reinterpret_cast<const char*>(hashes.data()), hashes.size() * kHash}}});
    if (!inserted.ok()) return inserted.error();
    hashes.clear();
    number /= kTileWidth;
  }
}

Digest Frontier::root() const {
  // The tree is a row of full trees, the largest first; they are joined from the right.
  std::optional<Digest> right;
  const auto join = [&right](const Digest& left) {
    right = right ? node_hash(left, *right) : left;
  };
  for (const auto& hashes : levels_) {
    for (std::size_t end = hashes.size(); end > 0;) {
      const std::size_t width = end & (~end + 1);  // its lowest bit: the smallest full tree
      join(fold(std::span(hashes).subspan(end - width, width)));
      end -= width;
    }
  }
  return right ? *right : empty_root();
}

// ---- TreeView

Result<Digest> TreeView::range(std::int64_t begin, std::int64_t end) {
  const std::int64_t count = end - begin;
  if (count == 0) return empty_root();
  if (!std::has_single_bit(static_cast<std::uint64_t>(count))) {
    const std::int64_t middle = begin + split_of(count);
    RABT_TRY(left, range(begin, middle));
    RABT_TRY(right, range(middle, end));
    return node_hash(left, right);
  }
  // A full tree, and begin is a multiple of its size: one run of hashes in one tile.
  int level = 0;
  std::int64_t first = begin;
  std::int64_t width = count;
  while (width >= kTileWidth) {
    ++level;
    first /= kTileWidth;
    width /= kTileWidth;
  }
  RABT_TRY(hashes, tile(level, first / kTileWidth));
  return fold(hashes.subspan(static_cast<std::size_t>(first % kTileWidth),
                             static_cast<std::size_t>(width)));
}

Result<std::span<const Digest>> TreeView::tile(int level, std::int64_t number) {
  auto& hashes = tiles_[{level, number}];
  if (hashes.empty()) {
    const std::int64_t there = (size_ >> (8 * level)) - number * kTileWidth;
    RABT_TRY(read, read_tile(connection_, level, number, std::min(there, kTileWidth)));
    hashes = std::move(read);
  }
  return std::span<const Digest>(hashes);
}

// The tiles on the right edge, which are not full, are what the root is made of: range() has read
// these very hashes.
Result<std::span<const Digest>> TreeView::proven_tile(int level, std::int64_t number) {
  RABT_TRY(hashes, tile(level, number));
  if (hashes.size() < static_cast<std::size_t>(kTileWidth) || proven_.contains({level, number}))
    return hashes;
  RABT_TRY(above, proven_tile(level + 1, number / kTileWidth));
  if (fold(hashes) != above[static_cast<std::size_t>(number % kTileWidth)]) {
    return corrupt("audit.broken",
                   "tile " + std::to_string(level) + "/" + std::to_string(number) +
                       " of the audit log is not the one that the tiles above it name; run: rabt "
                       "audit verify");
  }
  proven_.emplace(level, number);
  return hashes;
}

Result<Digest> TreeView::proven_leaf(std::int64_t index) {
  RABT_TRY(hashes, proven_tile(0, index / kTileWidth));
  return hashes[static_cast<std::size_t>(index % kTileWidth)];
}

Status TreeView::path(std::int64_t index, std::int64_t begin, std::int64_t end,
                      std::vector<Digest>& out) {
  if (end - begin == 1) return ok_status();
  const std::int64_t middle = begin + split_of(end - begin);
  const bool left = index < middle;
  RABT_TRY_STATUS(left ? path(index, begin, middle, out) : path(index, middle, end, out));
  RABT_TRY(sibling, left ? range(middle, end) : range(begin, middle));
  out.push_back(sibling);
  return ok_status();
}

Result<std::vector<Digest>> TreeView::inclusion(std::int64_t index) {
  std::vector<Digest> out;
  RABT_TRY_STATUS(path(index, 0, size_, out));
  return out;
}

// whole: the older tree is this very subtree, whose root the verifier has.
Status TreeView::subproof(std::int64_t from, std::int64_t begin, std::int64_t end, bool whole,
                          std::vector<Digest>& out) {
  if (from == end) {
    if (whole) return ok_status();
    RABT_TRY(root, range(begin, end));
    out.push_back(root);
    return ok_status();
  }
  const std::int64_t middle = begin + split_of(end - begin);
  if (from <= middle) {
    RABT_TRY_STATUS(subproof(from, begin, middle, whole, out));
    RABT_TRY(right, range(middle, end));
    out.push_back(right);
    return ok_status();
  }
  RABT_TRY_STATUS(subproof(from, middle, end, false, out));
  RABT_TRY(left, range(begin, middle));
  out.push_back(left);
  return ok_status();
}

Result<std::vector<Digest>> TreeView::consistency(std::int64_t from) {
  std::vector<Digest> out;
  RABT_TRY_STATUS(subproof(from, 0, size_, true, out));
  return out;
}

}  // namespace rabt::audit
