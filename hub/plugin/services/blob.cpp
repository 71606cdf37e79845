// Disk work is done on the finisher, one operation after the other: that keeps the order of
// appends.

#include <algorithm>
#include <memory>
#include <utility>

#include "hub/base/ids.hpp"
#include "hub/plugin/services/services.hpp"

namespace rabt::plugin {

namespace {

constexpr std::size_t kMaxOwnBlobs = 4096;  // remembered as made here; older ones are forgotten
constexpr std::size_t kMaxWrites = 64;      // blobs that one instance writes at the same time
constexpr std::size_t kMaxQueuedBytes = 16U << 20U;  // of appends that wait for the disk
constexpr std::size_t kMaxContentType = 256;

}  // namespace

struct Services::Blob {
  using Write = Instance::BlobWrite;

  static bool is_handle(std::string_view handle) { return Ulid::parse(handle).has_value(); }

  static void remember(Instance& self, const std::string& handle) {
    const std::scoped_lock lock(self.blobs_mutex_);
    self.own_blobs_.push_back(handle);
    if (self.own_blobs_.size() > kMaxOwnBlobs) self.own_blobs_.pop_front();
  }
  // Made or received by this instance, or named in the input of the open call.
  static bool may_see(Instance& self, std::uint64_t call, std::string_view handle) {
    if (!is_handle(handle)) return false;
    {
      const std::scoped_lock lock(self.blobs_mutex_);
      if (std::find(self.own_blobs_.begin(), self.own_blobs_.end(), handle) !=
          self.own_blobs_.end())
        return true;
    }
    const std::scoped_lock lock(self.mutex_);
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
  static Described described(const BlobInfo& info) {
    return {info.id, info.content_type, info.bytes, info.sha256};
  }

  static void answer(Instance& self, void* context, rabt_blob_done done, std::int32_t status,
                     Described what) {
    auto shared = std::make_shared<Described>(std::move(what));
    self.lane_.post([&self, context, done, status, shared] {
      rabt_blob_info info{};
      info.size = sizeof info;
      info.handle = bytes(shared->handle);
      info.content_type = bytes(shared->content_type);
      info.bytes = shared->bytes;
      info.sha256 = bytes(shared->sha256);
      self.guarded("blob callback",
                   [&] { done(context, status, status == RABT_BLOB_OK ? &info : nullptr); });
      self.owe(-1);
    });
  }
  static void later(Instance& self, std::function<void()> work) {
    self.setup_.finisher->post([&self, work = std::move(work)] {
      const Gate::Pass pass(self.gate_);
      if (pass) work();
    });
  }
  static std::int32_t status_of(Instance& self, const Error& error) {
    if (error.code == "blob.full" || error.code == "blob.too_large") return RABT_BLOB_FULL;
    if (error.code == "blob.unknown") return RABT_BLOB_ABSENT;
    parts(self).log.error("plugin.blob_failed",
                          {{"plugin", id(self)}, {"code", std::string_view(error.code)}});
    return RABT_BLOB_FAILED;
  }
  static std::shared_ptr<Write> writing(Instance& self, std::string_view handle) {
    const std::scoped_lock lock(self.blobs_mutex_);
    const auto found = self.blob_writes_.find(std::string(handle));
    return found == self.blob_writes_.end() ? nullptr : found->second;
  }
  static void forget(Instance& self, const std::string& handle) {
    std::shared_ptr<Write> last;
    const std::scoped_lock lock(self.blobs_mutex_);
    const auto found = self.blob_writes_.find(handle);
    if (found == self.blob_writes_.end()) return;
    last = std::move(found->second);
    self.blob_writes_.erase(found);
  }

  static void create(void* raw, rabt_bytes content_type, void* context,
                     rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    const std::string type(view(content_type));
    const bool printable =
        std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    std::size_t open = 0;
    {
      const std::scoped_lock lock(self.blobs_mutex_);
      open = self.blob_writes_.size();
    }
    if (!printable || type.size() > kMaxContentType || open >= kMaxWrites) {
      answer(self, context, done, RABT_BLOB_FAILED, {});
      return;
    }
    later(self, [&self, type, context, done] {
      auto writer = parts(self).blobs.create(self.setup_.config.tenant, type);
      if (!writer.ok()) {
        answer(self, context, done, status_of(self, writer.error()), {});
        return;
      }
      auto write = std::make_shared<Write>();
      write->writer = std::move(writer).value();
      write->content_type = type;
      const std::string handle = write->writer->id();
      {
        const std::scoped_lock lock(self.blobs_mutex_);
        self.blob_writes_.emplace(handle, std::move(write));
      }
      answer(self, context, done, RABT_BLOB_OK, {handle, type, 0, {}});
    });
  } catch (...) {
    RABT_BUG("blob create threw");
  }

  static void append(void* raw, rabt_bytes handle, rabt_bytes piece, void* context,
                     rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto write = writing(self, name);
    if (write == nullptr) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    const std::size_t size = view(piece).size();
    if (size > RABT_BLOB_MAX_PIECE || self.blob_queued_.fetch_add(size) + size > kMaxQueuedBytes) {
      if (size <= RABT_BLOB_MAX_PIECE) self.blob_queued_.fetch_sub(size);
      forget(self, name);
      answer(self, context, done, RABT_BLOB_FAILED, {});
      return;
    }
    later(self, [&self, name, write, content = std::string(view(piece)), context, done] {
      self.blob_queued_.fetch_sub(content.size());
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
    });
  } catch (...) {
    RABT_BUG("blob append threw");
  }

  static void finish(void* raw, rabt_bytes handle, void* context, rabt_blob_done done) noexcept
      try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto write = writing(self, name);
    if (write == nullptr) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    later(self, [&self, name, write, context, done] {
      forget(self, name);
      if (write->writer == nullptr) {
        answer(self, context, done, RABT_BLOB_ABSENT, {});
        return;
      }
      auto finished = write->writer->finish();
      write->writer.reset();
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
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    const std::string name(view(handle));
    const auto write = writing(self, name);
    if (write == nullptr) return;
    later(self, [&self, name, write] {
      write->writer.reset();
      forget(self, name);
    });
  } catch (...) {  // what stays is swept
  }

  static void info(void* raw, rabt_call_id call, rabt_bytes handle, void* context,
                   rabt_blob_done done) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    if (!may_see(self, call, name)) {
      answer(self, context, done, RABT_BLOB_ABSENT, {});
      return;
    }
    later(self, [&self, name, context, done] {
      auto found = parts(self).blobs.find(self.setup_.config.tenant, name);
      if (!found.ok()) {
        answer(self, context, done, status_of(self, found.error()), {});
        return;
      }
      answer(self, context, done, RABT_BLOB_OK, described(*found));
    });
  } catch (...) {
    RABT_BUG("blob info threw");
  }

  static void read(void* raw, rabt_call_id call, rabt_bytes handle, std::uint64_t from,
                   std::uint64_t length, void* context, rabt_blob_piece done) noexcept try {
    Instance& self = of(raw);
    const Gate::Pass pass(self.gate_);
    if (!pass) return;
    self.owe(1);
    const std::string name(view(handle));
    const auto held = std::make_shared<Budget::Share>(self.held_);
    const auto give = [&self, context, done, held](std::int32_t status, std::string piece = {}) {
      auto shared = std::make_shared<std::string>(std::move(piece));
      self.lane_.post([&self, context, done, status, shared, held] {
        self.guarded("blob callback", [&] { done(context, status, bytes(*shared)); });
        self.owe(-1);
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
    later(self, [&self, name, from, length, give] {
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
    const std::scoped_lock lock(blobs_mutex_);
    writes.swap(blob_writes_);
  }
  // Their writers belong to the finisher.
  for (auto& [handle, write] : writes)
    setup_.finisher->post([gate = &gate_, write = std::move(write)] {
      const Gate::Pass pass(*gate);
      write->writer.reset();
    });
}

void Services::fill_blob(Instance& self) {
  self.blob_ = {
      sizeof self.blob_, 0,           &self,      &Blob::create, &Blob::append, &Blob::finish,
      &Blob::discard,    &Blob::info, &Blob::read};
}

}  // namespace rabt::plugin
