// Disk work runs on the finisher, one operation of an instance after the other, so that appends
// keep their order.

#include <algorithm>
#include <memory>
#include <utility>

#include "hub/base/ids.hpp"
#include "hub/plugin/room.hpp"
#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxOwnBlobs = 4096;  // remembered as made here; older ones are forgotten
constexpr std::size_t kMaxContentType = 256;
// Operations that wait for the disk: pieces of 16 KiB fill their 16 MiB.
constexpr std::size_t kMaxDiskWork = 1024;

}  // namespace

struct Services::Blob {
  using Write = Instance::BlobWrite;

  static bool is_handle(std::string_view handle) { return Ulid::parse(handle).has_value(); }

  static void remember(Instance& self, const std::string& handle) {
    const Lock lock(self.blobs_mutex_);
    self.own_blobs_.push_back(handle);
    if (self.own_blobs_.size() > kMaxOwnBlobs) self.own_blobs_.pop_front();
  }
  // True for a blob that this instance made or received, or that the input of the open call names.
  static bool may_see(Instance& self, std::uint64_t call, std::string_view handle) {
    if (!is_handle(handle)) return false;
    {
      const Lock lock(self.blobs_mutex_);
      if (std::find(self.own_blobs_.begin(), self.own_blobs_.end(), handle) !=
          self.own_blobs_.end())
        return true;
    }
    const Lock lock(self.mutex_);
    const auto found = self.calls_.find(call);
    return found != self.calls_.end() &&
           found->second->state == Instance::OpenCall::State::running &&
           found->second->input.find("\"" + std::string(handle) + "\"") != std::string::npos;
  }

  struct Described {
    std::string handle;
    std::string content_type;
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  static Described described(const blob::BlobInfo& info) {
    return {info.id, info.content_type, info.bytes, info.sha256};
  }

  static void answer(Instance& self, void* context, rabt_blob_done done, std::int32_t status,
                     Described what) {
    auto shared = std::make_shared<Described>(std::move(what));
    self.call_back("blob callback", [context, done, status, shared] {
      rabt_blob_info info{};
      info.size = sizeof info;
      info.handle = bytes(shared->handle);
      info.content_type = bytes(shared->content_type);
      info.bytes = shared->bytes;
      info.sha256 = bytes(shared->sha256);
      done(context, status, status == RABT_BLOB_OK ? &info : nullptr);
    });
  }
  static std::int32_t status_of(Instance& self, const Error& error) {
    if (means_no_room(error.code)) self.lacked(error.code);
    if (error.code == "blob.full" || error.code == "blob.too_large") return RABT_BLOB_FULL;
    if (error.code == "blob.unknown") return RABT_BLOB_ABSENT;
    parts(self).log.error("plugin.blob_failed",
                          {{"plugin", id(self)}, {"code", std::string_view(error.code)}});
    return RABT_BLOB_FAILED;
  }
  static std::shared_ptr<Write> writing(Instance& self, std::string_view handle) {
    const Lock lock(self.blobs_mutex_);
    const auto found = self.blob_writes_.find(std::string(handle));
    return found == self.blob_writes_.end() ? nullptr : found->second;
  }
  // Takes a blob out of the table, so that it is written no more. Null if it is not there.
  static std::shared_ptr<Write> take(Instance& self, const std::string& handle) {
    const Lock lock(self.blobs_mutex_);
    const auto found = self.blob_writes_.find(handle);
    if (found == self.blob_writes_.end()) return nullptr;
    auto write = std::move(found->second);
    self.blob_writes_.erase(found);
    return write;
  }
  // Forgets a blob: later calls do not find it.
  static void forget(Instance& self, const std::string& handle) {
    if (const auto write = take(self, handle)) write->slot.reset();
  }

  static void create(void* raw, rabt_bytes content_type, void* context,
                     rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    const std::string type(view(content_type));
    const bool printable =
        std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    std::shared_ptr<Budget::Share> slot;
    if (printable && type.size() <= kMaxContentType) slot = self.blob_slots_.take(1);
    if (slot == nullptr) {
      answer(self, context, done, RABT_BLOB_FAILED, {});
      return;
    }
    std::uint64_t life = 0;
    {
      const Lock lock(self.blobs_mutex_);
      life = self.blob_life_;
    }
    // Owed: there are no more of them than slots.
    self.on_disk(Instance::Disk::owed, [&self, type, context, done, slot, life]() mutable {
      auto writer = parts(self).blobs.create(self.setup_.config.tenant, type);
      if (!writer.ok()) {
        slot.reset();
        answer(self, context, done, status_of(self, writer.error()), {});
        return;
      }
      auto write = std::make_shared<Write>();
      write->writer = std::move(writer).value();
      write->content_type = type;
      write->slot = std::move(slot);
      const std::string handle = write->writer->id();
      bool stands = false;
      {
        const Lock lock(self.blobs_mutex_);
        stands = life == self.blob_life_;
        if (stands) self.blob_writes_.emplace(handle, std::move(write));
      }
      if (!stands) {  // its process has ended: it is dropped as the others were
        answer(self, context, done, RABT_BLOB_FAILED, {});
        return;
      }
      answer(self, context, done, RABT_BLOB_OK, {handle, type, 0, {}});
    });
  } catch (...) {
    RABT_BUG("blob create threw");
  }

  static void append(void* raw, rabt_bytes handle, rabt_bytes piece, void* context,
                     rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto write = writing(self, name);
    if (write == nullptr) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    const std::size_t size = view(piece).size();
    std::shared_ptr<Budget::Share> waits;
    if (size <= RABT_BLOB_MAX_PIECE) waits = self.blob_pieces_.take(size);
    auto work = [&self, name, write, context, done, waits,
                 content = std::string(waits == nullptr ? "" : view(piece))]() mutable {
      waits.reset();
      if (write->writer == nullptr) {
        answer(self, context, done, RABT_BLOB_ABSENT, {});
        return;
      }
      if (const Status written = write->writer->write(content); !written.ok()) {
        write->writer.reset();
        forget(self, name);
        answer(self, context, done, status_of(self, written.error()), {});
        return;
      }
      answer(self, context, done, RABT_BLOB_OK,
             {name, write->content_type, write->writer->bytes(), {}});
    };
    if (waits != nullptr && self.on_disk(Instance::Disk::wish, std::move(work))) return;
    forget(self, name);
    answer(self, context, done, RABT_BLOB_FAILED, {});
  } catch (...) {
    RABT_BUG("blob append threw");
  }

  static void finish(void* raw, rabt_bytes handle, void* context, rabt_blob_done done) noexcept
      try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto write = take(self, name);
    if (write == nullptr) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    self.on_disk(Instance::Disk::owed, [&self, name, write, context, done] {
      if (write->writer == nullptr) {
        write->slot.reset();
        answer(self, context, done, RABT_BLOB_ABSENT, {});
        return;
      }
      auto finished = write->writer->finish();
      write->writer.reset();
      write->slot.reset();
      if (!finished.ok()) {
        answer(self, context, done, status_of(self, finished.error()), {});
        return;
      }
      remember(self, name);
      answer(self, context, done, RABT_BLOB_OK, described(*finished));
    });
  } catch (...) {
    RABT_BUG("blob finish threw");
  }

  static void discard(void* raw, rabt_bytes handle) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    const std::string name(view(handle));
    const auto write = take(self, name);
    if (write == nullptr) return;
    self.on_disk(Instance::Disk::owed, [write] {
      write->writer.reset();
      write->slot.reset();
    });
  } catch (...) {  // what stays is swept
  }

  static void info(void* raw, rabt_call_id call, rabt_bytes handle, void* context,
                   rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    if (!may_see(self, call, name)) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    const bool taken = self.on_disk(Instance::Disk::wish, [&self, name, context, done] {
      auto found = parts(self).blobs.find(self.setup_.config.tenant, name);
      if (!found.ok()) {
        answer(self, context, done, status_of(self, found.error()), {});
        return;
      }
      answer(self, context, done, RABT_BLOB_OK, described(*found));
    });
    if (!taken) answer(self, context, done, RABT_BLOB_FAILED, {});
  } catch (...) {
    RABT_BUG("blob info threw");
  }

  static void read(void* raw, rabt_call_id call, rabt_bytes handle, std::uint64_t from,
                   std::uint64_t length, void* context, rabt_blob_piece done) noexcept try {
    Instance& self = of(raw);
    const Rundown::Pass pass(self.rundown_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto held = std::make_shared<Budget::Share>(self.held_);
    const auto give = [&self, context, done, held](std::int32_t status, std::string piece = {}) {
      auto shared = std::make_shared<std::string>(std::move(piece));
      self.call_back("blob callback", [context, done, status, shared, held] {
        done(context, status, bytes(*shared));
      });
    };
    if (length == 0 || length > RABT_BLOB_MAX_PIECE) {
      give(RABT_BLOB_RANGE);
      return;
    }
    if (!may_see(self, call, name)) {
      give(RABT_BLOB_ABSENT);
      return;
    }
    if (!held->grow(static_cast<std::size_t>(length))) {
      give(RABT_BLOB_FAILED);
      return;
    }
    const bool taken = self.on_disk(Instance::Disk::wish, [&self, name, from, length, give] {
      auto reader = parts(self).blobs.open(self.setup_.config.tenant, name);
      if (!reader.ok()) {
        give(status_of(self, reader.error()));
        return;
      }
      const std::uint64_t size = (*reader)->info().bytes;
      if (from >= size) {
        give(RABT_BLOB_RANGE);
        return;
      }
      std::string piece;
      const Status got =
          (*reader)->read(from, std::min(length, size - from), [&piece](std::string_view part) {
            piece.append(part);
            return ok_status();
          });
      if (!got.ok()) {
        give(status_of(self, got.error()));
        return;
      }
      give(RABT_BLOB_OK, std::move(piece));
    });
    if (!taken) give(RABT_BLOB_FAILED);
  } catch (...) {
    RABT_BUG("blob read threw");
  }
};

bool Instance::may_see_blob(std::uint64_t call, std::string_view handle) {
  return Services::Blob::may_see(*this, call, handle);
}
void Instance::remember_blob(const std::string& handle) {
  Services::Blob::remember(*this, handle);
}
void Instance::drop_blob_writes() {
  std::map<std::string, std::shared_ptr<BlobWrite>> writes;
  {
    const Lock lock(blobs_mutex_);
    ++blob_life_;
    writes.swap(blob_writes_);
  }
  // Their writers belong to the finisher.
  for (auto& [handle, write] : writes) {
    write->slot.reset();
    setup_.finisher->post([gate = &rundown_, write = std::move(write)] {
      const Rundown::Pass pass(*gate);
      write->writer.reset();
    });
  }
}
bool Instance::on_disk(Disk kind, std::function<void()> work) {
  {
    const Lock lock(blobs_mutex_);
    if (kind == Disk::wish && disk_work_.size() >= kMaxDiskWork) return false;
    disk_work_.push_back(std::move(work));
    if (std::exchange(disk_busy_, true)) return true;
  }
  next_on_disk();
  return true;
}
void Instance::drop_disk_work() {
  std::deque<std::function<void()>> work;  // ends after the lock
  const Lock lock(blobs_mutex_);
  work.swap(disk_work_);
}
void Instance::next_on_disk() {
  setup_.finisher->post([this] {
    {
      const Rundown::Pass pass(rundown_);
      std::function<void()> work;
      {
        const Lock lock(blobs_mutex_);
        if (!disk_work_.empty()) {
          work = std::move(disk_work_.front());
          disk_work_.pop_front();
        }
      }
      if (pass && work) work();
    }
    {
      const Lock lock(blobs_mutex_);
      disk_busy_ = !disk_work_.empty();
      if (!disk_busy_) return;
    }
    next_on_disk();
  });
}

void Services::fill_blob(Instance& self) {
  self.offered_.blob = {sizeof self.offered_.blob,
                        0,
                        &self,
                        &Blob::create,
                        &Blob::append,
                        &Blob::finish,
                        &Blob::discard,
                        &Blob::info,
                        &Blob::read};
}

}  // namespace rabt::plugin
