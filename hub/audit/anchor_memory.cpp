#include "hub/audit/anchor_memory.hpp"

#include "hub/audit/files.hpp"
#include "hub/audit/note.hpp"

namespace rabt::audit {

namespace {

constexpr std::size_t kMaxBytes = 1U << 20U;

}  // namespace

Result<std::shared_ptr<AnchorMemory>> AnchorMemory::open(std::string file, std::string origin) {
  RABT_TRY(text, read_file(file, kMaxBytes));
  std::shared_ptr<AnchorMemory> memory(new AnchorMemory(std::move(file), std::move(origin)));
  if (!text || origin_of(*text) != memory->origin_) {
    if (text && origin_of(*text).empty()) {
      return corrupt("audit.anchors_damaged",
                     memory->file_ +
                         " does not begin with the name of a log; move it away, and look "
                         "into the anchors yourself: one that is empty is then taken for "
                         "a new one");
    }
    return memory;
  }
  std::string_view rest = *text;
  const Lock lock(memory->mutex_);
  for (rest.remove_prefix(rest.find('\n') + 1); !rest.empty();) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const auto space = line.find(' ');
    std::int64_t size = 0;
    if (space == std::string_view::npos || !to_count(line.substr(0, space), size))
      return corrupt("audit.anchors_damaged", memory->file_ + " has a line that is no anchor");
    memory->sizes_.emplace(line.substr(space + 1), size);
  }
  return memory;
}

std::int64_t AnchorMemory::size_of(const std::string& name) const {
  const Lock lock(mutex_);
  const auto found = sizes_.find(name);
  return found == sizes_.end() ? -1 : found->second;
}

Status AnchorMemory::kept(const std::string& name, std::int64_t size) {
  const Lock lock(mutex_);
  const auto [at, is_new] = sizes_.try_emplace(name, size);
  changed_ = changed_ || is_new || at->second != size;
  at->second = size;
  return is_new ? write() : ok_status();
}

Status AnchorMemory::save() {
  const Lock lock(mutex_);
  return changed_ ? write() : ok_status();
}

Status AnchorMemory::write() {
  std::string text = origin_ + "\n";
  for (const auto& [name, size] : sizes_)
    text.append(std::to_string(size)).append(" ").append(name).append("\n");
  RABT_TRY_STATUS(replace_file(file_, text));
  changed_ = false;
  return ok_status();
}

}  // namespace rabt::audit
