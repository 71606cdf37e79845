#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/audit/note.hpp"
#include "hub/audit/tree.hpp"
#include "hub/audit/verify.hpp"
#include "hub/crypto/hmac_key.hpp"

// Internal to verification.
namespace rabt::audit {

using Hash = std::optional<Digest>;
// An entry bundle has at most 256 times 64 KiB.
inline constexpr std::size_t kMaxFileBytes = 128U << 20U;

// Nothing unless there are 32 bytes.
[[nodiscard]] Hash to_hash(std::string_view bytes);

// "entry 17", "entries 17 to 20".
[[nodiscard]] std::string span_text(std::int64_t first, std::int64_t last);
// "tile 0/3 (entries 769 to 1024): ".
[[nodiscard]] std::string tile_text(int level, std::int64_t number);
// "entry 17 is missing", "entries 17 to 20 are missing".
[[nodiscard]] std::string missing_text(std::int64_t first, std::int64_t last);

// One walk over a log, in four passes, each in a file of its own. A row that does not hold is
// reported, and the hash that it should have had is taken from the tile, so that one finding does
// not make all later checkpoints findings. For one thread, once.
class Walk {
 public:
  // Runs a function on a connection, in a snapshot of its own.
  using Read = std::function<Status(const std::function<Status(store::Connection&)>&)>;

  Walk(Read read, std::string data_folder, const VerifyOptions& options)
      : read_(std::move(read)), data_folder_(std::move(data_folder)), options_(options) {}
  [[nodiscard]] Result<Verification> run();

 private:
  // A checkpoint whose signature holds, to be compared with the entries.
  struct Claim {
    std::int64_t size = 0;
    Digest root{};
    // "checkpoint at 512", "anchor /x: checkpoint at 512"
    std::string where;
  };
  // A folder in the layout of C2SP tlog-tiles, as far as its checkpoint reaches.
  struct Folder {
    std::string path;
    std::int64_t size = 0;
    [[nodiscard]] std::string name() const { return "anchor " + path + ": "; }
  };
  // A row that was read.
  struct Seen {
    // The leaf hash of the content as it stands.
    Hash content;
    // The MAC holds over that content.
    bool trusted = false;
    bool reported = false;
    // Kept only when anchors are compared.
    std::string entry;
    std::int64_t at_ms = 0;
    std::string object;
    std::string patient;
  };
  // Place of an entry, as the entry itself says it.
  struct Number {
    std::int64_t stream = 0;
    std::int64_t n = 0;
  };
  using SeenTile = std::array<Seen, kTileWidth>;
  struct Tile {
    bool there = false;
    Hash root;
    // None when the row's blob has another size.
    std::vector<Digest> hashes;
    [[nodiscard]] bool sound() const { return !hashes.empty() && root && *root == fold(hashes); }
  };

  // ---- verify_outside.cpp: before the rows, so that the log cannot be behind what is outside
  Status read_outside();
  Status read_folder(const std::string& path);
  void read_note(const std::string& note);
  Status read_checkpoints();
  void checkpoint(const store::Row& row, std::int64_t& next, std::int64_t& size);

  // ---- verify_rows.cpp
  Status measure();
  Status walk_rows();
  [[nodiscard]] std::int64_t next_wanted(std::int64_t tile, std::int64_t tiles) const;
  Status skip_tiles(std::int64_t from, std::int64_t to);
  Status walk_tiles(std::int64_t from, std::int64_t until, std::int64_t tiles, std::int64_t& done);
  Status leap(std::int64_t from, std::int64_t& done);
  Status each_row(std::int64_t first, std::int64_t last,
                  const std::function<void(const store::Row&)>& each);
  Seen look_at(const store::Row& row);
  std::string wrong_number(const Number& number);
  void forget_numbers();
  void look_at_mac(Seen& seen, const Hash& leaf, const Hash& mac,
                   const std::function<void(const std::string&)>& bad);
  static std::string wrong_column(const store::Row& row, Number& number);

  // ---- verify_tiles.cpp
  Status close_tile(std::int64_t number, std::int64_t width, const SeenTile& seen);
  Status check_find(std::int64_t number, const SeenTile& seen);
  Result<Tile> read_tile(int level, std::int64_t number);
  void add_tile_root(const Digest& root);
  void lose_tree() { tree_.reset(); }
  void check_claims(std::int64_t size);
  void judge(const Claim& claim, bool holds);
  Status upper_levels();
  Result<Hash> check_upper(int level, std::int64_t number, const std::vector<Hash>& below);

  // ---- verify_folders.cpp
  void compare_upper(const Folder& folder, int level, std::int64_t count,
                     const std::vector<Hash>& hashes);
  Status compare_folder(const Folder& folder, std::int64_t number, std::int64_t width,
                        const SeenTile& seen, std::vector<Hash>& hashes);

  // ---- verify.cpp
  [[nodiscard]] bool whole() const { return options_.first <= 1 && options_.last >= end_; }
  void problem(std::string text);
  void absent(std::string text);
  Verification finish();

  const Read read_;
  const std::string data_folder_;
  const VerifyOptions& options_;
  Verification result_;
  // Problems beyond kMaxProblems.
  std::uint64_t dropped_ = 0;

  std::optional<Vkey> key_;
  // The content of audit.checkpoint.
  std::optional<std::string> file_;
  std::vector<Folder> folders_;
  // The notes of the folders.
  std::vector<std::pair<std::string, Claim>> published_;
  std::size_t rows_of_checkpoints_ = 0;
  std::string last_origin_;

  // In the order of their sizes from measure() on.
  std::vector<Claim> claims_;
  std::size_t next_claim_ = 0;
  std::uint64_t failed_ = 0;
  // The newest checkpoint before the first that failed.
  std::int64_t good_ = 0;

  // The MAC key, made ready, when there is one.
  std::optional<crypto::HmacKey> chain_;

  // The position of the last row.
  std::int64_t end_ = 0;
  // The position of the next row.
  std::int64_t expected_ = 1;
  // Last number of each stream. Exact unless rows were passed over since: then any higher number
  // fits.
  struct Reached {
    std::int64_t n = 0;
    bool exact = true;
  };
  std::map<std::int64_t, Reached> numbers_;
  // True if a stream that was not met yet begins with 1.
  bool numbers_known_ = true;
  // Tiles that are not there were passed over.
  bool leapt_ = false;
  // The MAC of the row before as it stands there, and as it should be. Nothing when not known.
  Hash stored_mac_ = Digest{};
  Hash computed_mac_ = Digest{};
  // Nothing when a hash is not known.
  std::optional<CompactTree> tree_ = CompactTree();
  // The roots of the full tiles of level 0.
  std::vector<Hash> roots_;
};

}  // namespace rabt::audit
