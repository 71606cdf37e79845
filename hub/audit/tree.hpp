#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/base/result.hpp"
#include "hub/crypto/crypto.hpp"
#include "hub/store/store.hpp"

// The Merkle tree over the entries (RFC 6962 section 2.1): hashes, tiles in the database, proofs.
namespace rabt::audit {

using crypto::Digest;

// C2SP tlog-tiles: eight levels of the tree.
inline constexpr std::int64_t kTileWidth = 256;

// False, and nothing is changed, unless there are 32 bytes.
bool to_digest(std::string_view bytes, Digest& out);
[[nodiscard]] Digest leaf_hash(std::string_view entry);
[[nodiscard]] Digest node_hash(const Digest& left, const Digest& right);
// The root over these hashes, in order; they are roots of full trees of one size. At least one.
[[nodiscard]] Digest fold(std::span<const Digest> hashes);
// SHA-256 of nothing.
[[nodiscard]] Digest empty_root();
// A tile's path in C2SP tlog-tiles, below its level: 1234067 is x001/x234/067.
[[nodiscard]] std::string tile_path(std::int64_t number);

// A tree of which only the roots of its full subtrees are kept, the largest first. Caller
// synchronises.
class CompactTree {
 public:
  // Adds the root of a full tree of 2^height leaves; no smaller one was added before.
  void push(const Digest& root, int height);
  [[nodiscard]] Digest root() const;

 private:
  struct Peak {
    int height;
    Digest hash;
  };
  std::vector<Peak> peaks_;
};

// The right edge of the tree: for each level the hashes of its last tile, which is not full.
// Caller synchronises.
class Frontier {
 public:
  // Reads the edge of the tree over the first `size` entries. Error corrupt audit.broken names what
  // is missing.
  [[nodiscard]] Status load(store::Connection& connection, std::int64_t size);
  // Adds a leaf; tiles that it fills are written. After an error the frontier has to be loaded
  // again.
  [[nodiscard]] Status push(store::Transaction& transaction, const Digest& leaf);
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] Digest root() const;

 private:
  std::int64_t size_ = 0;
  std::vector<std::vector<Digest>> levels_;
};

// `width` hashes of a tile. Error corrupt audit.broken.
[[nodiscard]] Result<std::vector<Digest>> read_tile(store::Connection& connection, int level,
                                                    std::int64_t number, std::int64_t width);

// The tree of the first `size` entries, inside one snapshot. Caller synchronises.
class TreeView {
 public:
  TreeView(store::Connection& connection, std::int64_t size)
      : connection_(connection), size_(size) {}
  [[nodiscard]] Result<Digest> root() { return range(0, size_); }
  // RFC 6962 section 2.1.1: of the entry with this index, from 0, below size.
  [[nodiscard]] Result<std::vector<Digest>> inclusion(std::int64_t index);
  // RFC 6962 section 2.1.2: from the tree of `from` entries, 0 < from <= size.
  [[nodiscard]] Result<std::vector<Digest>> consistency(std::int64_t from);
  // The hash of the entry with this index, from 0, below size: the one that leads to root(). Every
  // tile on the way up was folded and compared with its hash in the tile above, once for this view.
  // Error corrupt audit.broken names the tile that does not fit.
  [[nodiscard]] Result<Digest> proven_leaf(std::int64_t index);

 private:
  [[nodiscard]] Result<Digest> range(std::int64_t begin, std::int64_t end);
  [[nodiscard]] Result<std::span<const Digest>> tile(int level, std::int64_t number);
  [[nodiscard]] Result<std::span<const Digest>> proven_tile(int level, std::int64_t number);
  [[nodiscard]] Status path(std::int64_t index, std::int64_t begin, std::int64_t end,
                            std::vector<Digest>& out);
  [[nodiscard]] Status subproof(std::int64_t from, std::int64_t begin, std::int64_t end, bool whole,
                                std::vector<Digest>& out);

  store::Connection& connection_;
  std::int64_t size_;
  std::map<std::pair<int, std::int64_t>, std::vector<Digest>> tiles_;
  // The full tiles that fit the tiles above them.
  std::set<std::pair<int, std::int64_t>> proven_;
};

}  // namespace rabt::audit
