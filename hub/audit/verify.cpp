#include "hub/audit/verify.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "hub/audit/check.hpp"
#include "hub/base/json.hpp"

namespace rabt::audit {

namespace {

namespace fs = std::filesystem;
using check::Digest;
using store::Statement;

constexpr std::int64_t kWidth = 256;  // hashes of a tile
constexpr std::size_t kFindKey = 4;   // bytes of a key of a look-up row
constexpr std::int64_t kRowsPerRead =
    5'000;  // a long snapshot would keep the store's log from being emptied
constexpr std::size_t kMaxFile = 128U << 20U;  // an entry bundle has at most 256 * 64 KiB

constexpr Statement kEnd{"SELECT max(seq) FROM audit"};
constexpr Statement kRows{
    "SELECT seq, at_ms, tenant, act, object, patient, canonical, leaf, mac FROM audit WHERE seq >= "
    "$1 AND seq <= $2 ORDER BY seq LIMIT $3"};
constexpr Statement kMacOf{"SELECT mac FROM audit WHERE seq = $1"};
constexpr Statement kTile{"SELECT root, hashes FROM audit_tile WHERE level = $1 AND number = $2"};
constexpr Statement kRoots{
    "SELECT number, root FROM audit_tile WHERE level = 0 AND number >= $1 AND number < $2 ORDER BY "
    "number LIMIT $3"};
constexpr Statement kSurplusTiles{
    "SELECT level, number FROM audit_tile WHERE level < 0 OR level > $1 OR number < 0 OR (level = "
    "$2 AND number >= $3) ORDER BY level, number LIMIT 100"};
constexpr Statement kFind{"SELECT from_ms, to_ms, keys FROM audit_find WHERE tile = $1"};
constexpr Statement kSurplusFinds{
    "SELECT tile FROM audit_find WHERE tile < 0 OR tile >= $1 ORDER BY tile LIMIT 100"};
constexpr Statement kCheckpoints{
    "SELECT number, size, note, mac FROM audit_checkpoint ORDER BY number"};

using Hash = std::optional<Digest>;

Hash to_hash(std::string_view bytes) {
  Digest out{};
  if (bytes.size() != out.size()) return std::nullopt;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

// Empty when there is no such file.
Result<std::optional<std::string>> content_of(const std::string& path) {
  std::error_code failure;
  const bool there = fs::exists(path, failure);
  if (!there && !failure) return std::optional<std::string>{};
  std::ifstream in(path, std::ios::binary);
  const auto size = fs::file_size(path, failure);
  std::string text;
  if (in && !failure && size <= kMaxFile)
    text.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  if (!in || in.bad() || failure || text.size() != size)
    return unavailable("audit.io", "cannot read " + path + ": " + std::strerror(errno));
  return std::optional<std::string>(std::move(text));
}

Digest mac_of(const SecretBytes& key, std::string_view data) {
  return *to_hash(as_text(crypto::hmac_sha256(key.expose(), data)));
}

// A tree of which only the roots of its full subtrees are kept, the largest first.
class Peaks {
 public:
  void push(const Digest& hash, int height) {
    peaks_.push_back({height, hash});
    while (peaks_.size() > 1 && peaks_[peaks_.size() - 2].height == peaks_.back().height) {
      const Digest right = peaks_.back().hash;
      peaks_.pop_back();
      peaks_.back() = {peaks_.back().height + 1, check::node_hash(peaks_.back().hash, right)};
    }
  }
  [[nodiscard]] Digest root() const {
    if (peaks_.empty()) return crypto::sha256({});
    Digest root = peaks_.back().hash;
    for (std::size_t i = peaks_.size() - 1; i-- > 0;) root = check::node_hash(peaks_[i].hash, root);
    return root;
  }

 private:
  struct Peak {
    int height;
    Digest hash;
  };
  std::vector<Peak> peaks_;
};

Digest root_of(const std::vector<Digest>& hashes) {
  Peaks peaks;
  for (const Digest& hash : hashes) peaks.push(hash, 0);
  return peaks.root();
}

std::string span_text(std::int64_t first, std::int64_t last) {
  if (first == last) return "entry " + std::to_string(first);
  return "entries " + std::to_string(first) + " to " + std::to_string(last);
}

std::string tile_text(int level, std::int64_t number) {
  std::int64_t width = kWidth;
  for (int i = 0; i < level; ++i) width *= kWidth;
  return "tile " + std::to_string(level) + "/" + std::to_string(number) + " (" +
         span_text(number * width + 1, (number + 1) * width) + "): ";
}

// 1234067 is x001/x234/067.
std::string tile_path(std::int64_t number) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "%03d", static_cast<int>(number % 1000));
  std::string path = buffer;
  for (number /= 1000; number > 0; number /= 1000) {
    std::snprintf(buffer, sizeof buffer, "x%03d/", static_cast<int>(number % 1000));
    path.insert(0, buffer);
  }
  return path;
}

struct Tile {
  Hash root;
  std::vector<Digest> hashes;  // empty: the row's blob has another size
  bool there = false;
  [[nodiscard]] bool sound() const { return !hashes.empty() && root && *root == root_of(hashes); }
};

// A checkpoint whose signature holds, to be compared with the entries.
struct Claim {
  std::int64_t size = 0;
  Digest root{};
  std::string where;  // "checkpoint at 512", "anchor /x: checkpoint at 512"
};

// A folder in the layout of C2SP tlog-tiles, as far as its checkpoint reaches.
struct Folder {
  std::string path;
  std::int64_t size = 0;
  [[nodiscard]] std::string name() const { return "anchor " + path + ": "; }
};

// Runs a function on a connection, in a snapshot of its own.
using Read = std::function<Status(const std::function<Status(store::Connection&)>&)>;

// One walk. A row that does not hold is reported, and the hash that it should have had is taken
// from the tile, so that one finding does not make all later checkpoints findings.
class Walk {
 public:
  Walk(Read read, const std::string& data_folder, const VerifyOptions& options)
      : read_(std::move(read)), data_folder_(data_folder), options_(options) {}

  Result<Verification> run() {
    RABT_TRY_STATUS(read_outside());
    RABT_TRY_STATUS(read_checkpoints());
    RABT_TRY_STATUS(measure());
    RABT_TRY_STATUS(walk_rows());
    RABT_TRY_STATUS(upper_levels());
    return finish();
  }

 private:
  [[nodiscard]] bool whole() const { return options_.first <= 1 && options_.last >= end_; }

  // ---- what is outside the database; before the rows, so that the log cannot be behind it

  Status read_outside() {
    RABT_TRY(file, content_of(data_folder_ + "/audit.checkpoint"));
    file_ = std::move(file);
    std::string vkey = options_.vkey;
    if (vkey.empty()) {
      RABT_TRY(text, content_of(data_folder_ + "/audit.vkey"));
      if (text) vkey = *text;
    }
    if (!vkey.empty()) {
      auto key = check::parse_vkey(vkey);
      if (!key.ok() && !options_.vkey.empty()) return std::move(key).error();
      if (key.ok()) key_ = std::move(*key);
      if (!key_) problem("the file audit.vkey is damaged: signatures cannot be checked");
    }
    for (const std::string& path : options_.folders) RABT_TRY_STATUS(read_folder(path));
    return ok_status();
  }

  Status read_folder(const std::string& path) {
    RABT_TRY(text, content_of(path + "/checkpoint"));
    Folder folder{.path = path};
    if (!text) {
      problem(folder.name() + "it holds no checkpoint");
      return ok_status();
    }
    if (!key_) return ok_status();
    const auto note = check::open_note(*text, *key_);
    if (!note.ok()) {
      problem(folder.name() + "its checkpoint: " + note.error().message);
      return ok_status();
    }
    folder.size = note->size;
    claims_.push_back(
        {note->size, note->root, folder.name() + "checkpoint at " + std::to_string(note->size)});
    published_.emplace_back(*text, claims_.back());
    folders_.push_back(std::move(folder));
    return ok_status();
  }

  // ---- the table of checkpoints

  Status read_checkpoints() {
    std::int64_t next = 1;
    std::int64_t size = -1;
    std::vector<std::string> notes;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(kCheckpoints, {}, [&](const store::Row& row) {
        checkpoint(row, next, size);
        notes.emplace_back(row.text(2));
        return true;
      });
    }));
    rows_of_checkpoints_ = notes.size();
    const auto known = [&](const std::string& note) {
      return std::find(notes.begin(), notes.end(), note) != notes.end();
    };
    if (file_ && key_) {
      const auto note = check::open_note(*file_, *key_);
      if (!note.ok()) {
        problem("the file audit.checkpoint is damaged: " + note.error().message +
                "; whether entries were cut off at the end cannot be told");
      } else {
        const std::string where = "checkpoint at " + std::to_string(note->size);
        if (!known(*file_)) {
          problem(where + ": the file audit.checkpoint holds it, the database does not");
        }
        claims_.push_back({note->size, note->root, where});
      }
    }
    for (const auto& [note, claim] : published_) {
      if (!known(note)) problem(claim.where + ": the database does not hold it");
    }
    return ok_status();
  }

  void checkpoint(const store::Row& row, std::int64_t& next, std::int64_t& size) {
    const std::int64_t number = row.integer(0);
    const std::string note_text(row.text(2));
    const std::string where = "checkpoint at " + std::to_string(row.integer(1)) + ": ";
    if (number != next) {
      problem(number > next && number - next > 1
                  ? "checkpoints number " + std::to_string(next) + " to " +
                        std::to_string(number - 1) + " are missing"
              : number > next ? "checkpoint number " + std::to_string(next) + " is missing"
                              : where + "numbers start at 1, this one was inserted");
    }
    if (number >= next) next = number + 1;
    if (options_.mac_key != nullptr) {
      std::string data(1, '\x01');
      for (int shift = 56; shift >= 0; shift -= 8)
        data.push_back(static_cast<char>(static_cast<std::uint64_t>(number) >> shift));
      data.append(note_text);
      const Digest mac = mac_of(*options_.mac_key, data);
      if (row.blob(3) != as_text(mac))
        problem(where + "its MAC does not follow from its number and note");
    }
    if (!key_) return;
    // The log may have had another name; its key is the same.
    const std::string origin = note_text.substr(0, note_text.find('\n'));
    const auto note =
        check::open_note(note_text, origin == key_->name ? *key_ : check::renamed(*key_, origin));
    if (!note.ok()) {
      problem(where + note.error().message);
      return;
    }
    if (note->size != row.integer(1)) {
      problem(where + "its size column is not the size of its note, " + std::to_string(note->size));
    }
    if (note->size < size || (note->size == size && origin == last_origin_))
      problem(where + "it stands behind one of " + std::to_string(size) + " entries");
    if (number == 1 && note->size != 0)
      problem(where + "the first one of a log is of 0 entries; those before this one are missing");
    size = std::max(size, note->size);
    last_origin_ = origin;
    claims_.push_back({note->size, note->root, "checkpoint at " + std::to_string(note->size)});
  }

  // ---- how far the rows go, and tiles that cannot be

  Status measure() {
    std::vector<std::pair<std::int64_t, std::int64_t>> surplus;
    std::vector<std::int64_t> surplus_finds;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) -> Status {
      RABT_TRY_STATUS(connection.query(kEnd, {}, [&](const store::Row& row) {
        end_ = row.is_null(0) ? 0 : std::max<std::int64_t>(0, row.integer(0));
        return false;
      }));
      std::int64_t levels = 0;
      for (std::int64_t full = end_ / kWidth; full > 0; full /= kWidth) ++levels;
      std::int64_t full = end_ / kWidth;
      for (std::int64_t level = 0; level <= levels; ++level, full /= kWidth) {
        RABT_TRY_STATUS(
            connection.query(kSurplusTiles, {levels, level, full}, [&](const store::Row& row) {
              surplus.emplace_back(row.integer(0), row.integer(1));
              return true;
            }));
      }
      return connection.query(kSurplusFinds, {end_ / kWidth}, [&](const store::Row& row) {
        surplus_finds.push_back(row.integer(0));
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
      problem(
          "the file audit.checkpoint is missing: whether entries were cut off at the end cannot be "
          "told");
    }
    if (!key_ && (end_ > 0 || rows_of_checkpoints_ > 0))
      problem("no verifier key is at hand (file audit.vkey): signatures were not checked");
    result_.macs_checked = options_.mac_key != nullptr;
    return ok_status();
  }

  // ---- the rows

  struct Seen {
    Hash content;          // of the entry as it stands
    bool trusted = false;  // its MAC holds over that
    bool reported = false;
    std::string entry;  // only when anchors are compared
    std::int64_t at_ms = 0;
    std::string object;
    std::string patient;
  };

  Status walk_rows() {
    // Rows that cannot be: their numbers are below 1.
    RABT_TRY_STATUS(each_row(INT64_MIN, 0, [&](const store::Row& row) {
      problem("entry " + std::to_string(row.integer(0)) +
              ": numbers start at 1, this entry was inserted");
    }));
    check_claims(0);
    const std::int64_t tiles = (end_ + kWidth - 1) / kWidth;
    std::int64_t tile = 0;
    while (tile < tiles) {
      const std::int64_t skip = whole() ? tile : next_wanted(tile, tiles);
      if (skip > tile) {
        RABT_TRY_STATUS(skip_tiles(tile, skip));
        tile = skip;
        continue;
      }
      std::int64_t until = tile + 1;
      while (until < tiles && (until - tile) * kWidth < kRowsPerRead &&
             (whole() || next_wanted(until, tiles) == until)) {
        ++until;
      }
      RABT_TRY_STATUS(walk_tiles(tile, until, tiles, tile));
    }
    return ok_status();
  }

  // The next tile, from this one on, whose rows are to be read: those of the range, the one in
  // which the newest claim ends, the last one when it is not full.
  [[nodiscard]] std::int64_t next_wanted(std::int64_t tile, std::int64_t tiles) const {
    std::int64_t next = tiles;
    const auto want = [&](std::int64_t first, std::int64_t last) {
      if (last >= tile) next = std::min(next, std::max(first, tile));
    };
    if (options_.first <= options_.last && options_.first <= end_) {
      want((std::max<std::int64_t>(options_.first, 1) - 1) / kWidth,
           (std::min(options_.last, end_) - 1) / kWidth);
    }
    for (auto claim = claims_.rbegin(); claim != claims_.rend(); ++claim) {
      if (claim->size > end_) continue;
      if (claim->size % kWidth != 0) want(claim->size / kWidth, claim->size / kWidth);
      break;
    }
    if (end_ % kWidth != 0) want(tiles - 1, tiles - 1);
    return next;
  }

  Status skip_tiles(std::int64_t from, std::int64_t to) {
    for (std::int64_t next = from; next < to;) {
      const std::int64_t before = next;
      bool damaged = false;
      RABT_TRY_STATUS(read_([&](store::Connection& connection) {
        return connection.query(kRoots, {next, to, kRowsPerRead}, [&](const store::Row& row) {
          const Hash root = to_hash(row.blob(1));
          damaged = row.integer(0) != next || !root;
          if (damaged) return false;
          ++next;
          add_tile_root(*root);
          check_claims(next * kWidth);
          return true;
        });
      }));
      if (damaged || next == before) {
        problem(tile_text(0, next) + "it is missing or damaged");
        lose_tree();
        break;
      }
    }
    if (expected_ != from * kWidth + 1) problem(missing(expected_, from * kWidth));
    expected_ = to * kWidth + 1;
    Hash mac;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(kMacOf, {to * kWidth}, [&](const store::Row& row) {
        mac = to_hash(row.blob(0));
        return false;
      });
    }));
    stored_mac_ = computed_mac_ = mac;
    return ok_status();
  }

  // Reads the rows of tiles [from, until) and closes each of them. done: the first that is not
  // closed.
  Status walk_tiles(std::int64_t from, std::int64_t until, std::int64_t tiles, std::int64_t& done) {
    std::vector<std::pair<std::int64_t, Seen>> rows;
    RABT_TRY_STATUS(
        each_row(from * kWidth + 1, std::min(until * kWidth, end_),
                 [&](const store::Row& row) { rows.emplace_back(row.integer(0), look_at(row)); }));
    std::size_t at = 0;
    for (std::int64_t tile = from; tile < until; ++tile) {
      std::array<Seen, kWidth> seen;
      for (; at < rows.size() && (rows[at].first - 1) / kWidth == tile; ++at)
        seen[static_cast<std::size_t>((rows[at].first - 1) % kWidth)] = std::move(rows[at].second);
      RABT_TRY_STATUS(close_tile(tile, std::min(end_ - tile * kWidth, kWidth), seen));
    }
    done = until;
    // A row far behind the others: what lies between is one gap, not a tile after the other.
    if (at == rows.size() && rows.empty() && until < tiles) RABT_TRY_STATUS(leap(until, done));
    return ok_status();
  }

  // Over tiles of which neither a row nor the tile itself is there.
  Status leap(std::int64_t from, std::int64_t& done) {
    std::int64_t next_row = end_;
    std::int64_t next_tile = INT64_MAX;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) -> Status {
      RABT_TRY_STATUS(connection.query(kRows, {from * kWidth + 1, end_, std::int64_t{1}},
                                       [&](const store::Row& row) {
                                         next_row = row.integer(0);
                                         return false;
                                       }));
      return connection.query(kRoots, {from, INT64_MAX, std::int64_t{1}},
                              [&](const store::Row& row) {
                                next_tile = row.integer(0);
                                return false;
                              });
    }));
    const std::int64_t target = std::min((next_row - 1) / kWidth, next_tile);
    if (target > from) {
      lose_tree();
      leapt_ = true;
      done = target;
    }
    return ok_status();
  }

  Status each_row(std::int64_t first, std::int64_t last,
                  const std::function<void(const store::Row&)>& each) {
    std::int64_t next = first;
    for (std::int64_t got = kRowsPerRead; got == kRowsPerRead && next <= last;) {
      got = 0;
      RABT_TRY_STATUS(read_([&](store::Connection& connection) {
        return connection.query(kRows, {next, last, kRowsPerRead}, [&](const store::Row& row) {
          each(row);
          next = row.integer(0) + 1;
          ++got;
          return true;
        });
      }));
    }
    return ok_status();
  }

  Seen look_at(const store::Row& row) {
    const std::int64_t seq = row.integer(0);
    const std::string_view canonical = row.blob(6);
    const Hash leaf = to_hash(row.blob(7));
    const Hash mac = to_hash(row.blob(8));
    ++result_.entries;
    Seen seen;
    seen.content = check::leaf_hash(canonical);
    if (!folders_.empty()) seen.entry = canonical;
    const auto bad = [&](const std::string& what) {
      problem("entry " + std::to_string(seq) + ": " + what);
      seen.reported = true;
    };
    if (seq != expected_) {
      problem(missing(expected_, seq - 1));
      stored_mac_.reset();
      computed_mac_.reset();
    }
    expected_ = seq + 1;
    if (leaf != seen.content) {
      bad("its content does not match its hash");
    } else if (const std::string column = wrong_column(row, canonical); !column.empty()) {
      bad(column);
    }
    seen.at_ms = row.integer(1);
    seen.object = row.text(4);
    seen.patient = row.text(5);
    if (options_.mac_key != nullptr) look_at_mac(seen, leaf, mac, bad);
    return seen;
  }

  template <typename Bad>
  void look_at_mac(Seen& seen, const Hash& leaf, const Hash& mac, const Bad& bad) {
    // Which of content, hash and MAC was changed is not known: each is tried. When the entry before
    // had its MAC changed only that one is at fault: the MAC that it should have had serves as
    // well.
    const bool begins = !stored_mac_ && !computed_mac_;
    bool holds = false;
    Hash expected;
    for (const Hash& digest : {seen.content, leaf}) {
      for (const Hash& previous : {computed_mac_, stored_mac_}) {
        if (holds || !digest || !previous) continue;
        std::string data(1, '\x00');
        data.append(as_text(*previous)).append(as_text(*digest));
        const Digest computed = mac_of(*options_.mac_key, data);
        if (!expected) expected = computed;
        holds = mac && *mac == computed;
        seen.trusted = holds && digest == seen.content;
      }
    }
    if (!holds && !begins) bad("its MAC does not follow from its content and the entry before it");
    stored_mac_ = mac;
    computed_mac_ = holds || begins ? mac : expected;
  }

  static std::string wrong_column(const store::Row& row, std::string_view canonical) {
    const auto content = Json::parse(canonical);
    if (!content.ok() || !content->is_object()) return "its content is no JSON object";
    const std::int64_t inside = content->int_or("seq", 0);
    if (inside != row.integer(0)) return "its content is that of entry " + std::to_string(inside);
    const auto version = content->int_or("v", 0);
    if (version != 1)
      return "version " + std::to_string(version) + " of the content is not known here";
    if (content->int_or("at_ms", INT64_MIN) != row.integer(1))
      return "its at_ms column is not the time of its content";
    int column = 2;
    for (const char* name : {"tenant", "act", "object", "patient"}) {
      const Json* value = content->find(name);
      const std::string_view text = value != nullptr && value->is_string()
                                        ? std::string_view(value->as_string())
                                        : std::string_view();
      if (row.text(column) != text)
        return std::string("its ") + name + " column is not the " + name + " of its content";
      ++column;
    }
    return {};
  }

  // ---- a tile's rows against the tile, the anchors and the checkpoints

  Status close_tile(std::int64_t number, std::int64_t width, const std::array<Seen, kWidth>& seen) {
    const std::int64_t begin = number * kWidth;
    RABT_TRY(tile, width == kWidth ? read_tile(0, number) : Result<Tile>(Tile{}));
    const bool sound = tile.sound();
    const bool any = std::any_of(seen.begin(), seen.end(),
                                 [](const Seen& one) { return one.content.has_value(); });
    if (width == kWidth && !tile.there && any) {
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
    std::vector<Digest> known;
    for (std::size_t i = 0; i < hashes.size(); ++i) {
      complete = complete && hashes[i].has_value();
      if (complete) {
        known.push_back(*hashes[i]);
        if (tree_) tree_->push(*hashes[i], 0);
      } else {
        lose_tree();
      }
      check_claims(begin + static_cast<std::int64_t>(i) + 1);
    }
    if (width == kWidth) roots_.push_back(complete ? Hash(root_of(known)) : Hash());
    return ok_status();
  }

  // The look-up row of a tile whose entries hold: a wrong one would hide them from reports.
  Status check_find(std::int64_t number, const std::array<Seen, kWidth>& seen) {
    std::int64_t from_ms = INT64_MAX;
    std::int64_t to_ms = INT64_MIN;
    std::set<std::string> names;
    for (const Seen& one : seen) {
      from_ms = std::min(from_ms, one.at_ms);
      to_ms = std::max(to_ms, one.at_ms);
      if (!one.object.empty()) names.insert("o" + one.object);
      if (!one.patient.empty()) names.insert("p" + one.patient);
    }
    std::set<std::string> keys;
    for (const std::string& name : names)
      keys.emplace(as_text(crypto::sha256(name)).substr(0, kFindKey));
    std::string expected;
    for (const std::string& key : keys) expected += key;
    bool there = false;
    bool right = false;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(kFind, {number}, [&](const store::Row& row) {
        there = true;
        right = row.integer(0) == from_ms && row.integer(1) == to_ms && row.blob(2) == expected;
        return false;
      });
    }));
    if (right) return ok_status();
    problem(tile_text(0, number) +
            (there ? "its look-up row is not that of its entries" : "its look-up row is missing"));
    return ok_status();
  }

  Result<Tile> read_tile(int level, std::int64_t number) {
    Tile tile;
    RABT_TRY_STATUS(read_([&](store::Connection& connection) {
      return connection.query(kTile, {level, number}, [&](const store::Row& row) {
        tile.there = true;
        tile.root = to_hash(row.blob(0));
        const std::string_view bytes = row.blob(1);
        if (bytes.size() != kWidth * 32) return false;
        for (std::size_t at = 0; at < bytes.size(); at += 32)
          tile.hashes.push_back(*to_hash(bytes.substr(at, 32)));
        return false;
      });
    }));
    return tile;
  }

  void add_tile_root(const Digest& root) {
    if (tree_) tree_->push(root, 8);
    roots_.push_back(root);
  }

  void lose_tree() { tree_.reset(); }

  // The tree has `size` entries now.
  void check_claims(std::int64_t size) {
    for (; next_claim_ < claims_.size() && claims_[next_claim_].size <= size; ++next_claim_) {
      const Claim& claim = claims_[next_claim_];
      // Below size it lies in a tile that was not to be read.
      if (tree_ && claim.size == size) judge(claim, tree_->root() == claim.root);
    }
  }

  void judge(const Claim& claim, bool holds) {
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

  Status upper_levels() {
    std::vector<Hash> below = roots_;
    for (int level = 1; !below.empty() && whole() && !leapt_; ++level) {
      std::vector<Hash> roots;
      for (std::size_t number = 0; (number + 1) * kWidth <= below.size(); ++number) {
        const auto index = static_cast<std::int64_t>(number);
        RABT_TRY(tile, read_tile(level, index));
        std::vector<Digest> known;
        for (std::size_t i = number * kWidth; i < (number + 1) * kWidth && below[i]; ++i)
          known.push_back(*below[i]);
        const bool complete = known.size() == kWidth;
        if (!tile.there) {
          problem(tile_text(level, index) + "it is missing");
        } else if (!tile.sound()) {
          problem(tile_text(level, index) + "its root does not follow from its hashes");
        } else if (complete && tile.hashes != known) {
          const auto at = std::mismatch(known.begin(), known.end(), tile.hashes.begin()).first;
          problem(tile_text(level, index) + "its hash of tile " + std::to_string(level - 1) + "/" +
                  std::to_string(index * kWidth + (at - known.begin())) + " is another");
        }
        roots.push_back(complete ? Hash(root_of(known)) : Hash());
      }
      std::int64_t scale = 1;
      for (int i = 0; i < level; ++i) scale *= kWidth;
      for (const Folder& folder : folders_)
        compare_upper(folder, level, folder.size / scale, below);
      below = std::move(roots);
    }
    return ok_status();
  }

  void compare_upper(const Folder& folder, int level, std::int64_t count,
                     const std::vector<Hash>& hashes) {
    for (std::int64_t number = 0; number * kWidth < count; ++number) {
      const std::int64_t width = std::min(count - number * kWidth, kWidth);
      const auto text = folder_tile(folder, std::to_string(level), number, width);
      bool same = text && text->size() >= static_cast<std::size_t>(width) * 32;
      for (std::int64_t i = 0; same && i < width; ++i) {
        const auto at = static_cast<std::size_t>(number * kWidth + i);
        if (at >= hashes.size() || !hashes[at]) continue;
        same = text->substr(static_cast<std::size_t>(i) * 32, 32) == as_text(*hashes[at]);
      }
      if (!same) {
        problem(folder.name() + tile_text(level, number) +
                (text ? "it is not that of the log" : "it is missing"));
      }
    }
  }

  // A partial tile may have gone when the full one came.
  static std::optional<std::string> folder_tile(const Folder& folder, const std::string& level,
                                                std::int64_t number, std::int64_t width) {
    const std::string path = folder.path + "/tile/" + level + "/" + tile_path(number);
    if (width < kWidth) {
      auto partial = content_of(path + ".p/" + std::to_string(width));
      if (partial.ok() && *partial) return std::move(**partial);
    }
    auto full = content_of(path);
    return full.ok() ? std::move(*full) : std::nullopt;
  }

  Status compare_folder(const Folder& folder, std::int64_t number, std::int64_t width,
                        const std::array<Seen, kWidth>& seen, std::vector<Hash>& hashes) {
    const std::int64_t count = std::min(folder.size - number * kWidth, width);
    if (count <= 0) return ok_status();
    const std::int64_t there = std::min(folder.size - number * kWidth, kWidth);
    const auto tile = folder_tile(folder, "0", number, there);
    const auto bundle = folder_tile(folder, "entries", number, there);
    if (!tile || tile->size() < static_cast<std::size_t>(there) * 32 || !bundle) {
      problem(folder.name() + tile_text(0, number) + "it or its entries are missing or cut");
      return ok_status();
    }
    std::string_view rest = *bundle;
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      const std::string entry = std::to_string(number * kWidth + static_cast<std::int64_t>(i) + 1);
      const std::size_t size = rest.size() < 2
                                   ? 0
                                   : std::size_t{static_cast<unsigned char>(rest[0])} * 256 +
                                         static_cast<unsigned char>(rest[1]);
      if (rest.size() < 2 + size) {
        problem(folder.name() + "entry " + entry + ": it is missing or cut");
        return ok_status();
      }
      const std::string_view kept = rest.substr(2, size);
      rest.remove_prefix(2 + size);
      const Hash hash = to_hash(std::string_view(*tile).substr(i * 32, 32));
      if (check::leaf_hash(kept) != *hash) {
        problem(folder.name() + "entry " + entry + ": it does not match its hash in tile 0/" +
                std::to_string(number));
        continue;
      }
      if (!hashes[i]) hashes[i] = hash;  // the checkpoint tells whether it may be believed
      if (seen[i].content && seen[i].content != hash) {
        if (!seen[i].reported) {
          problem("entry " + entry + ": it is not the one that the anchor " + folder.path +
                  " keeps");
        }
      }
    }
    return ok_status();
  }

  // ---- the end

  Verification finish() {
    std::int64_t named = 0;
    for (const Claim& claim : claims_) named = std::max(named, claim.size);
    if (named > end_) problem(missing(end_ + 1, named));
    if (failed_ > 1)
      problem("and " + std::to_string(failed_ - 1) + " later checkpoints do not hold either");
    if (dropped_ > 0)
      result_.problems.push_back("and " + std::to_string(dropped_) + " more problems");
    result_.verified = result_.problems.empty();
    result_.size = end_;
    if (tree_) result_.head = to_hex(tree_->root());
    return std::move(result_);
  }

  static std::string missing(std::int64_t first, std::int64_t last) {
    return span_text(first, last) + (first == last ? " is missing" : " are missing");
  }

  void problem(std::string text) {
    if (result_.problems.size() < kMaxProblems) {
      result_.problems.push_back(std::move(text));
    } else {
      ++dropped_;
    }
  }

  const Read read_;
  const std::string data_folder_;
  const VerifyOptions& options_;
  Verification result_;
  std::uint64_t dropped_ = 0;

  std::optional<check::Vkey> key_;
  std::optional<std::string> file_;  // audit.checkpoint
  std::vector<Folder> folders_;
  std::vector<std::pair<std::string, Claim>> published_;  // notes of the folders
  std::size_t rows_of_checkpoints_ = 0;
  std::string last_origin_;

  std::vector<Claim> claims_;  // by size, from measure() on
  std::size_t next_claim_ = 0;
  std::uint64_t failed_ = 0;
  std::int64_t good_ = 0;  // the newest checkpoint before the first that failed

  std::int64_t end_ = 0;                 // number of the last row
  std::int64_t expected_ = 1;            // number of the next row
  bool leapt_ = false;                   // over tiles that are not there
  Hash stored_mac_ = Digest{};           // of the row before, as it stands there; empty: not known
  Hash computed_mac_ = Digest{};         // as it should be
  std::optional<Peaks> tree_ = Peaks();  // empty: a hash is not known
  std::vector<Hash> roots_;              // of the full tiles of level 0
};

}  // namespace

Result<Verification> verify(store::Store& store, const std::string& data_folder,
                            const VerifyOptions& options) {
  return Walk([&store](const auto& function) { return store.read(function); }, data_folder, options)
      .run();
}

Result<Verification> verify_file(const std::string& database, const std::string& data_folder,
                                 const VerifyOptions& options) {
  RABT_TRY(connection, store::open_sqlite_reader(database));
  return Walk([&connection](const auto& function) { return function(*connection); }, data_folder,
              options)
      .run();
}

}  // namespace rabt::audit
