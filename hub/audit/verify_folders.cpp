#include "hub/audit/verify_walk.hpp"

#include <algorithm>

#include "hub/audit/files.hpp"

namespace rabt::audit {

namespace {

// A partial tile may have gone when the full one came.
std::optional<std::string> folder_tile(const std::string& folder, const std::string& level,
                                       std::int64_t number, std::int64_t width) {
  const std::string path = folder + "/tile/" + level + "/" + tile_path(number);
  if (width < kTileWidth) {
    auto partial = read_file(path + ".p/" + std::to_string(width), kMaxFileBytes);
    if (partial.ok() && *partial) return std::move(**partial);
  }
  auto full = read_file(path, kMaxFileBytes);
  return full.ok() ? std::move(*full) : std::nullopt;
}

}  // namespace

// The fourth pass: folder anchors against the rows and tiles.

void Walk::compare_upper(const Folder& folder, int level, std::int64_t count,
                         const std::vector<Hash>& hashes) {
  for (std::int64_t number = 0; number * kTileWidth < count; ++number) {
    const std::int64_t width = std::min(count - number * kTileWidth, kTileWidth);
    const auto text = folder_tile(folder.path, std::to_string(level), number, width);
    bool same = text && text->size() >= static_cast<std::size_t>(width) * 32;
    for (std::int64_t i = 0; same && i < width; ++i) {
      const auto at = static_cast<std::size_t>(number * kTileWidth + i);
      if (at >= hashes.size() || !hashes[at]) continue;
      same = text->substr(static_cast<std::size_t>(i) * 32, 32) == as_text(*hashes[at]);
    }
    if (!same) {
      problem(folder.name() + tile_text(level, number) +
              (text ? "it is not that of the log" : "it is missing"));
    }
  }
}

Status Walk::compare_folder(const Folder& folder, std::int64_t number, std::int64_t width,
                            const SeenTile& seen, std::vector<Hash>& hashes) {
  const std::int64_t count = std::min(folder.size - number * kTileWidth, width);
  if (count <= 0) return ok_status();
  const std::int64_t there = std::min(folder.size - number * kTileWidth, kTileWidth);
  const auto tile = folder_tile(folder.path, "0", number, there);
  const auto bundle = folder_tile(folder.path, "entries", number, there);
  if (!tile || tile->size() < static_cast<std::size_t>(there) * 32 || !bundle) {
    problem(folder.name() + tile_text(0, number) + "it or its entries are missing or cut");
    return ok_status();
  }
  std::string_view rest = *bundle;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    const std::string entry =
        std::to_string(number * kTileWidth + static_cast<std::int64_t>(i) + 1);
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
    if (leaf_hash(kept) != *hash) {
      problem(folder.name() + "entry " + entry + ": it does not match its hash in tile 0/" +
              std::to_string(number));
      continue;
    }
    if (!hashes[i]) hashes[i] = hash;  // the checkpoint tells whether it may be believed
    if (seen[i].content && seen[i].content != hash) {
      if (!seen[i].reported) {
        problem("entry " + entry + ": it is not the one that the anchor " + folder.path + " keeps");
      }
    }
  }
  return ok_status();
}

}  // namespace rabt::audit
