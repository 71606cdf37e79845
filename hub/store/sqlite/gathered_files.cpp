#include "hub/store/sqlite/gathered_files.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <new>

#include "hub/base/mutex.hpp"

namespace rabt::store::sqlite {

namespace {

// Most bytes that are gathered: all that SQLite's own files take in one call (seekAndWriteFd of
// os_unix.c).
constexpr std::size_t kMaxGathered = (1U << 17U) - 1;

// Bytes that are not in the file yet.
struct Gathered {
  std::string bytes;
  sqlite3_int64 at = 0;
  // The file's start was written after the last sync.
  bool started = false;
  // Runs in place of a sync; null where syncs are passed on.
  const std::function<void()>* held = nullptr;
};

// As SQLite sees a file. The real one lies behind it in the same memory.
struct File {
  sqlite3_file base;
  // Null for a file whose writes are passed on at once.
  Gathered* gathered;
};
static_assert(sizeof(File) % alignof(std::max_align_t) == 0, "the real file lies behind it");

File& of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(&of(file) + 1);
}
const sqlite3_io_methods& methods(sqlite3_file* file) {
  return *real(file)->pMethods;
}

// After an error what was gathered is gone: SQLite takes it for not written.
int flush(sqlite3_file* file) {
  Gathered* const gathered = of(file).gathered;
  if (gathered == nullptr || gathered->bytes.empty()) return SQLITE_OK;
  const int code = methods(file).xWrite(real(file), gathered->bytes.data(),
                                        static_cast<int>(gathered->bytes.size()), gathered->at);
  gathered->bytes.clear();
  return code;
}

int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  Gathered* const gathered = of(file).gathered;
  if (gathered == nullptr) return methods(file).xWrite(real(file), data, size, offset);
  if (offset == 0) gathered->started = true;
  std::string& bytes = gathered->bytes;
  const auto more = static_cast<std::size_t>(size);
  const bool next = offset == gathered->at + static_cast<sqlite3_int64>(bytes.size());
  if (!next || bytes.size() + more > kMaxGathered) {
    if (const int code = flush(file); code != SQLITE_OK) return code;
  }
  if (more > kMaxGathered) return methods(file).xWrite(real(file), data, size, offset);
  if (bytes.empty()) gathered->at = offset;
  try {
    bytes.append(static_cast<const char*>(data), more);
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

// A method of the real file, behind what was gathered.
template <auto kMethod, class... Arguments>
int behind(sqlite3_file* file, Arguments... arguments) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return (methods(file).*kMethod)(real(file), arguments...);
}

int sync(sqlite3_file* file, int flags) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  Gathered* const gathered = of(file).gathered;
  if (gathered != nullptr && gathered->held != nullptr && !gathered->started) {
    (*gathered->held)();
    return SQLITE_OK;
  }
  const int code = methods(file).xSync(real(file), flags);
  if (gathered != nullptr && code == SQLITE_OK) gathered->started = false;
  return code;
}

// A method that has nothing to do with what is in a log.
template <auto kMethod, class Answer, class... Arguments>
Answer passed_on(sqlite3_file* file, Arguments... arguments) {
  return (methods(file).*kMethod)(real(file), arguments...);
}

int close(sqlite3_file* file) {
  const int flushed = flush(file);
  delete of(file).gathered;
  const int code = methods(file).xClose(real(file));
  return flushed == SQLITE_OK ? code : flushed;
}

using Methods = sqlite3_io_methods;
constexpr Methods methods_of(int version) {
  return {
      .iVersion = version,
      .xClose = close,
      .xRead = behind<&Methods::xRead, void*, int, sqlite3_int64>,
      .xWrite = write,
      .xTruncate = behind<&Methods::xTruncate, sqlite3_int64>,
      .xSync = sync,
      .xFileSize = behind<&Methods::xFileSize, sqlite3_int64*>,
      .xLock = passed_on<&Methods::xLock, int, int>,
      .xUnlock = passed_on<&Methods::xUnlock, int, int>,
      .xCheckReservedLock = passed_on<&Methods::xCheckReservedLock, int, int*>,
      .xFileControl = passed_on<&Methods::xFileControl, int, int, void*>,
      .xSectorSize = passed_on<&Methods::xSectorSize, int>,
      .xDeviceCharacteristics = passed_on<&Methods::xDeviceCharacteristics, int>,
      .xShmMap = passed_on<&Methods::xShmMap, int, int, int, int, void volatile**>,
      .xShmLock = passed_on<&Methods::xShmLock, int, int, int, int>,
      .xShmBarrier = passed_on<&Methods::xShmBarrier, void>,
      .xShmUnmap = passed_on<&Methods::xShmUnmap, int, int>,
      .xFetch = passed_on<&Methods::xFetch, int, sqlite3_int64, int, void**>,
      .xUnfetch = passed_on<&Methods::xUnfetch, int, sqlite3_int64, void*>,
  };
}
constexpr Methods kMethods[] = {methods_of(1), methods_of(2), methods_of(3)};

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  of(file).gathered = nullptr;
  file->pMethods = nullptr;
  real(file)->pMethods = nullptr;
  const int code = below->xOpen(below, name, real(file), flags, out_flags);
  if (real(file)->pMethods == nullptr) return code;
  // SQLite's files that cannot be locked have a table of the newest version with null pointers in
  // it.
  const int version =
      methods(file).xShmMap == nullptr ? 1 : std::clamp(methods(file).iVersion, 1, 3);
  file->pMethods = &kMethods[version - 1];
  if (code != SQLITE_OK) return code;
  // Without this promise of the file system SQLite syncs in the middle of what a commit writes.
  const bool safe =
      (methods(file).xDeviceCharacteristics(real(file)) & SQLITE_IOCAP_POWERSAFE_OVERWRITE) != 0;
  if (safe && (flags & SQLITE_OPEN_WAL) != 0) of(file).gathered = new (std::nothrow) Gathered;
  return SQLITE_OK;
}

// SQLite keeps a pointer to what is registered: it is never removed.
struct Registered {
  std::string name;
  sqlite3_vfs vfs;
};

}  // namespace

Result<std::string> gathered_files(const std::string& real) {
  static Mutex mutex;
  static std::map<std::string, std::unique_ptr<Registered>> registered;
  const Lock lock(mutex);
  const auto at = registered.find(real);
  if (at != registered.end()) return at->second->name;
  sqlite3_vfs* const below = sqlite3_vfs_find(real.empty() ? nullptr : real.c_str());
  if (below == nullptr) return unavailable("store.open", "SQLite has no VFS " + real);
  auto made = std::make_unique<Registered>(Registered{"gathered-" + real, *below});
  made->vfs.pNext = nullptr;
  made->vfs.zName = made->name.c_str();
  made->vfs.pAppData = below;
  made->vfs.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
  made->vfs.xOpen = open;
  if (sqlite3_vfs_register(&made->vfs, 0) != SQLITE_OK)
    return unavailable("store.open", "SQLite does not take another VFS");
  return registered.emplace(real, std::move(made)).first->second->name;
}

void hold_sync(sqlite3_file* log, const std::function<void()>* held) {
  if (of(log).gathered != nullptr) of(log).gathered->held = held;
}

bool sync_file(sqlite3_file* file) {
  return methods(file).xSync(real(file), SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

}  // namespace rabt::store::sqlite
