#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <set>

#include "hub/audit/anchor.hpp"
#include "hub/audit/files.hpp"
#include "hub/audit/note.hpp"
#include "hub/audit/tree.hpp"

namespace rabt::audit {

namespace {

namespace fs = std::filesystem;

// An entry bundle has at most 256 times 64 KiB.
constexpr std::size_t kMaxTileBytes = 17U << 20U;

Error io_error(const std::string& what, const std::string& path, const std::string& why) {
  return unavailable("audit.anchor_io", "cannot " + what + " " + path + ": " + why);
}

class FolderAnchor final : public Anchor {
 public:
  FolderAnchor(std::string folder, std::string vkey)
      : folder_(std::move(folder)), vkey_(std::move(vkey)), name_("folder:" + folder_) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  [[nodiscard]] Result<std::optional<std::string>> last() override {
    std::error_code failure;
    if (!fs::is_directory(folder_, failure)) {
      return io_error(
          "use the folder", folder_,
          failure ? failure.message() : "it does not exist; mount its disk, or make it");
    }
    auto note = read_file(folder_ + "/checkpoint", kMaxNoteBytes);
    if (!note.ok()) return unavailable("audit.anchor_io", note.error().message);
    return note;
  }

  [[nodiscard]] Status compare(const Checkpoint& kept, const TileSource& tiles) override {
    if (kept.size == 0) return ok_status();
    const std::int64_t last = (kept.size - 1) / kTileWidth;
    RABT_TRY_STATUS(compare_tile(last, kept.size, tiles));
    if (compared_ >= last) compared_ = 0;
    return last == 0 ? ok_status() : compare_tile(compared_++, kept.size, tiles);
  }

  [[nodiscard]] Status put(const Checkpoint& checkpoint, const TileSource& tiles) override {
    RABT_TRY(note, last());
    const std::int64_t done = note ? size_of(*note) : 0;
    unsynced_.clear();
    RABT_TRY_STATUS(put_level("entries", done, checkpoint.size, [&](auto number, auto width) {
      return tiles.entries(number, width);
    }));
    std::int64_t from = done;
    std::int64_t to = checkpoint.size;
    for (int level = 0; to > 0; ++level, from /= kTileWidth, to /= kTileWidth) {
      RABT_TRY_STATUS(put_level(std::to_string(level), from, to, [&](auto number, auto width) {
        return tiles.tile(level, number, width);
      }));
    }
    RABT_TRY(vkey, read_file(folder_ + "/vkey", kMaxNoteBytes));
    if (!vkey || *vkey != vkey_ + "\n") RABT_TRY_STATUS(write("vkey", vkey_ + "\n"));
    RABT_TRY_STATUS(sync_folders());
    RABT_TRY_STATUS(write("checkpoint", checkpoint.note));
    return sync_folders();
  }

 private:
  // The second line, unverified: the log verified the note before it asked for more. Anything else
  // counts as nothing, so that everything is written again.
  static std::int64_t size_of(const std::string& note) {
    const auto line = note.find('\n');
    std::int64_t size = 0;
    if (line == std::string::npos) return 0;
    std::from_chars(note.data() + line + 1, note.data() + note.size(), size);
    return std::max<std::int64_t>(size, 0);
  }

  // A tile of level 0 and its entries, as far as the checkpoint of the anchor reaches.
  Status compare_tile(std::int64_t number, std::int64_t size, const TileSource& tiles) {
    const std::int64_t width = std::min(size - number * kTileWidth, kTileWidth);
    RABT_TRY(hashes, tiles.tile(0, number, static_cast<int>(width)));
    RABT_TRY(entries, tiles.entries(number, static_cast<int>(width)));
    for (const auto& [level, content] : {std::pair{"0/", &hashes}, {"entries/", &entries}}) {
      const std::string path = std::string("tile/") + level + tile_path(number);
      RABT_TRY(kept, kept_tile(path, width));
      if (kept && kept->starts_with(*content) &&
          (width < kTileWidth || kept->size() == content->size()))
        continue;
      return corrupt("audit.anchor_damaged",
                     path + " of the anchor " + name_ +
                         (kept ? " is not what the log has" : " is missing") +
                         "; run: rabt audit verify");
    }
    return ok_status();
  }

  // A partial tile may have gone when the full one came.
  Result<std::optional<std::string>> kept_tile(const std::string& path, std::int64_t width) {
    std::string file = folder_ + "/" + path;
    if (width < kTileWidth) {
      auto partial = read_file(file + ".p/" + std::to_string(width), kMaxTileBytes);
      if (partial.ok() && *partial) return partial;
    }
    auto full = read_file(file, kMaxTileBytes);
    if (!full.ok()) return unavailable("audit.anchor_io", full.error().message);
    return full;
  }

  // The tiles of one level, from the one that had `from` hashes or was begun by them, up to `to`.
  template <typename Content>
  Status put_level(const std::string& level, std::int64_t from, std::int64_t to,
                   const Content& content) {
    for (std::int64_t number = from / kTileWidth; number * kTileWidth < to; ++number) {
      const std::int64_t width = std::min(to - number * kTileWidth, kTileWidth);
      const std::string path = "tile/" + level + "/" + tile_path(number);
      RABT_TRY(bytes, content(number, static_cast<int>(width)));
      if (width < kTileWidth) {
        RABT_TRY_STATUS(write(path + ".p/" + std::to_string(width), bytes));
        continue;
      }
      RABT_TRY_STATUS(write(path, bytes));
      // A folder that cannot be removed only takes up room.
      std::error_code ignored;
      fs::remove_all(folder_ + "/" + path + ".p", ignored);
    }
    return ok_status();
  }

  Status write(const std::string& path, const std::string& content) {
    const std::string target = folder_ + "/" + path;
    RABT_TRY_STATUS(make_folder(target.substr(0, target.rfind('/'))));
    const Status put = put_file(target, content, 0640);
    if (!put.ok()) return unavailable("audit.anchor_io", put.error().message);
    unsynced_.insert(target.substr(0, target.rfind('/')));
    return ok_status();
  }

  Status make_folder(const std::string& path) {
    if (path.size() <= folder_.size() || ::mkdir(path.c_str(), 0750) == 0) {
      if (path.size() > folder_.size()) unsynced_.insert(path.substr(0, path.rfind('/')));
      return ok_status();
    }
    if (errno == EEXIST) return ok_status();
    if (errno != ENOENT) return io_error("make the folder", path, std::strerror(errno));
    RABT_TRY_STATUS(make_folder(path.substr(0, path.rfind('/'))));
    if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST)
      return io_error("make the folder", path, std::strerror(errno));
    unsynced_.insert(path.substr(0, path.rfind('/')));
    return ok_status();
  }

  Status sync_folders() {
    for (const std::string& path : unsynced_) {
      const Status synced = sync_folder(path);
      if (!synced.ok()) return unavailable("audit.anchor_io", synced.error().message);
    }
    unsynced_.clear();
    return ok_status();
  }

  const std::string folder_;
  const std::string vkey_;
  const std::string name_;
  std::set<std::string> unsynced_;
  // The tile that compare() looks at next.
  std::int64_t compared_ = 0;
};

}  // namespace

std::unique_ptr<Anchor> make_folder_anchor(std::string folder, std::string vkey) {
  while (folder.size() > 1 && folder.back() == '/') folder.pop_back();
  return std::make_unique<FolderAnchor>(std::move(folder), std::move(vkey));
}

}  // namespace rabt::audit
