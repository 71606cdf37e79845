#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "hub/base/clock.hpp"
#include "hub/base/json.hpp"
#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"
#include "tools/shelf/segments.hpp"

// The recordings beside a Janus: lists those of a room, puts each together in the background, and
// hands them out.
namespace rabt::shelf {

// One WebM that is ready.
struct Recording {
  std::filesystem::path file;
  std::uint64_t bytes = 0;
  std::string sha256;
  // Why it is not all that was to be recorded, as Shelf::list has it; empty when it is.
  std::string incomplete;
};

// Internally synchronised. One thread of its own converts, one segment at a time.
class Shelf {
 public:
  using FreeBytes = std::function<std::uint64_t(const std::filesystem::path& folder)>;
  // folder: what Janus records into; a room has a folder below it. free_bytes: the room that the
  // disk of a folder has; the file system is asked while it is empty.
  Shelf(std::filesystem::path folder, const Clock& clock, FreeBytes free_bytes = {});
  ~Shelf();

  // {"ready": bool, "recordings": [{"id", "bytes", "ms", "sha256", "incomplete"?}], "failed":
  // [{"id", "why"}]}. What can be put together and is not, is from now on. incomplete: "cut" when
  // Janus could not write all of it, "left" when Janus died before it closed the files. failed:
  // what no converter makes anything of, why: "cut" or "broken"; its files stay until they are
  // removed. Error: unavailable shelf.disk_full when that failed for want of room; it is tried
  // again with the next call.
  [[nodiscard]] Result<Json> list(const std::string& room);
  // Ok if there is room to record, and who runs the shelf may write there. Janus runs as the same
  // user. Errors: unavailable shelf.disk_full, shelf.not_writable.
  [[nodiscard]] Status may_record() const;
  [[nodiscard]] std::optional<Recording> find(const std::string& id) const;
  // Removes the recording and what it was made of, or the files of one that failed. Errors:
  // not_found shelf.unknown; conflict shelf.busy while it is put together or Janus still writes.
  Status remove(const std::string& id);

 private:
  void run();
  [[nodiscard]] Status remove_loose(const std::string& id);
  // Removes the folder of a room in which nothing is left but files into which nothing ever came.
  void sweep(const std::string& room);
  // Segments in the folder of a room that are in no recording.
  [[nodiscard]] std::vector<Segment> loose(const std::string& room,
                                           const std::set<std::string>& made) const;
  // Makes <id>.webm and <id>.json of the tracks that can be read; the others stay loose, but those
  // that were lost. The id is that of the first track that can be read. Returns why it could not:
  // empty, "disk-full", "cut" or "broken".
  [[nodiscard]] std::string convert(const std::string& room, const Segment& segment) const;
  [[nodiscard]] std::filesystem::path folder_of(std::string_view room) const {
    return folder_ / std::string(room);
  }

  const std::filesystem::path folder_;
  const Clock& clock_;
  const FreeBytes free_bytes_;
  Mutex mutex_;
  Condition changed_;
  bool stopping_ RABT_GUARDED_BY(mutex_) = false;
  // By id; the room is in it.
  std::map<std::string, Segment> waiting_ RABT_GUARDED_BY(mutex_);
  std::string converting_ RABT_GUARDED_BY(mutex_);
  // Why the last attempt at a segment came to nothing.
  std::map<std::string, std::string> failed_ RABT_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace rabt::shelf
