#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "hub/base/mutex.hpp"
#include "hub/base/result.hpp"

// Internal to the writing side.
namespace rabt::audit {

// Which anchors have kept a checkpoint of this log, so that one that was emptied is not taken for a
// new one: a file in the data folder. Internally synchronised.
class AnchorMemory {
 public:
  // A file of a log with another name tells nothing. Errors: unavailable audit.io, corrupt
  // audit.anchors_damaged.
  [[nodiscard]] static Result<std::shared_ptr<AnchorMemory>> open(std::string file,
                                                                  std::string origin);
  // Entries under the newest checkpoint that the anchor is known to have kept; -1: it is new.
  [[nodiscard]] std::int64_t size_of(const std::string& name) const;
  // An anchor that is new is in the file when ok; a greater size is there after save().
  [[nodiscard]] Status kept(const std::string& name, std::int64_t size);
  [[nodiscard]] Status save();

 private:
  AnchorMemory(std::string file, std::string origin)
      : file_(std::move(file)), origin_(std::move(origin)) {}
  [[nodiscard]] Status write() RABT_REQUIRES(mutex_);

  const std::string file_;
  const std::string origin_;
  mutable Mutex mutex_;
  std::map<std::string, std::int64_t> sizes_ RABT_GUARDED_BY(mutex_);
  bool changed_ RABT_GUARDED_BY(mutex_) = false;
};

}  // namespace rabt::audit
