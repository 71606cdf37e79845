// Faults of a machine for one process, told by a file that is mapped: failing writes to the files
// of a folder, a wall clock that is set, a death right after a sync, and a journal of what a power
// loss would take. Loaded with LD_PRELOAD; without its variables it does nothing. Layout of the
// file: int64 errno of writes (0: none), int64 seconds that the clock is set by, int64 syncs and
// int64 writes after which the process kills itself (0: never).
//
// The journal has a file for each inode, named for it. chaos.py (Site.lose_power) reads it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* told;
static char folder[4096];
static char journal[4096];
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void begin(void) {
  const char* file = getenv("CHAOS_FILE");
  const char* data = getenv("CHAOS_DATA");
  const char* notes = getenv("CHAOS_JOURNAL");
  if (file == NULL || data == NULL) return;
  snprintf(folder, sizeof folder, "%s/", data);
  if (notes != NULL) snprintf(journal, sizeof journal, "%s", notes);
  const int fd = open(file, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) told = at;
  close(fd);
}

#define NEXT(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int in_folder(const char* path) {
  return strncmp(path, folder, strlen(folder)) == 0;
}

// True if the descriptor is a file of the folder.
static int is_ours(int fd) {
  if (told == NULL) return 0;
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 2);
  if (length <= 0) return 0;
  // The folder itself, too.
  path[length] = '/';
  path[length + 1] = '\0';
  return in_folder(path);
}

// Ends the process with the last sync or write that it was given.
static void count_down(int which) {
  if (told[which] > 0 && __sync_sub_and_fetch(&told[which], 1) == 0) kill(getpid(), SIGKILL);
}

// True if the call has to fail: errno is set.
static int fails(int fd) {
  if (told == NULL || told[0] == 0 || !is_ours(fd)) return 0;
  errno = (int)told[0];
  return 1;
}

// ---- the journal

enum { kWrite = 1, kSize = 2, kSynced = 3, kRename = 4 };
// Followed by `old` bytes that were there and `fresh` bytes that take their place. kSynced: what
// stands before the byte `at` of the journal is on the disk.
struct note {
  int64_t kind, at, old, fresh, size;
};

static ssize_t put(int fd, const void* bytes, size_t size) {
  static ssize_t (*real)(int, const void*, size_t);
  if (real == NULL) real = (ssize_t(*)(int, const void*, size_t))dlsym(RTLD_NEXT, "write");
  return real(fd, bytes, size);
}

static int open_notes(ino_t inode) {
  char path[4200];
  snprintf(path, sizeof path, "%s/%llu", journal, (unsigned long long)inode);
  return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

// With `order` held, before the change. A reader takes a torn note at the end for none.
static void note(int fd, int64_t kind, int64_t at, const void* bytes, int64_t size) {
  struct stat is;
  if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) return;
  struct note one = {kind, at, 0, kind == kWrite ? size : 0, is.st_size};
  const int64_t lost = kind == kWrite ? size : is.st_size - at;
  char* text = malloc(sizeof one + (size_t)(lost > 0 ? lost : 0) + (size_t)one.fresh);
  if (text == NULL) abort();
  if (lost > 0 && at < is.st_size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const int from = open(link, O_RDONLY | O_CLOEXEC);
    const ssize_t had = from < 0 ? 0 : pread(from, text + sizeof one, (size_t)lost, at);
    if (from >= 0) close(from);
    one.old = had > 0 ? had : 0;
  }
  memcpy(text, &one, sizeof one);
  if (one.fresh > 0) memcpy(text + sizeof one + one.old, bytes, (size_t)one.fresh);
  const int to = open_notes(is.st_ino);
  if (to >= 0) {
    (void)!put(to, text, sizeof one + (size_t)one.old + (size_t)one.fresh);
    close(to);
  }
  free(text);
}

static int journals(int fd) {
  return journal[0] != '\0' && is_ours(fd);
}

static int64_t noted(int fd) {
  struct stat is;
  if (fstat(fd, &is) != 0) return -1;
  const int notes = open_notes(is.st_ino);
  if (notes < 0) return -1;
  const int64_t size = lseek(notes, 0, SEEK_END);
  close(notes);
  return size;
}

// Drops the notes made before the sync began: their bytes are on the disk now.
static void synced(int fd, int64_t before) {
  struct stat is;
  if (before < 0 || fstat(fd, &is) != 0) return;
  pthread_mutex_lock(&order);
  const int notes = open_notes(is.st_ino);
  if (notes >= 0) {
    if (lseek(notes, 0, SEEK_END) == before) {
      (void)!ftruncate(notes, 0);
    } else {
      const struct note one = {kSynced, before, 0, 0, 0};
      (void)!put(notes, &one, sizeof one);
    }
    close(notes);
  }
  pthread_mutex_unlock(&order);
}

static int sync_with(int fd, int (*real)(int)) {
  if (told != NULL && told[0] == EIO && fails(fd)) return -1;
  const int ours = is_ours(fd);
  int64_t before = -1;
  if (ours && journal[0] != '\0') {
    pthread_mutex_lock(&order);
    before = noted(fd);
    pthread_mutex_unlock(&order);
  }
  const int result = real(fd);
  if (result == 0 && ours) {
    if (journal[0] != '\0') synced(fd, before);
    count_down(2);
  }
  return result;
}

// ---- calls

ssize_t write(int fd, const void* bytes, size_t size) {
  NEXT(write);
  if (fails(fd)) return -1;
  if (!journals(fd)) return real(fd, bytes, size);
  pthread_mutex_lock(&order);
  const int appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
  struct stat is;
  const int64_t at = appends && fstat(fd, &is) == 0 ? is.st_size : lseek(fd, 0, SEEK_CUR);
  note(fd, kWrite, at, bytes, (int64_t)size);
  const ssize_t result = real(fd, bytes, size);
  count_down(3);
  pthread_mutex_unlock(&order);
  return result;
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  NEXT(pwrite64);
  if (fails(fd)) return -1;
  if (!journals(fd)) return real(fd, bytes, size, at);
  pthread_mutex_lock(&order);
  note(fd, kWrite, at, bytes, (int64_t)size);
  const ssize_t result = real(fd, bytes, size, at);
  count_down(3);
  pthread_mutex_unlock(&order);
  return result;
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return pwrite64(fd, bytes, size, at);
}
int ftruncate64(int fd, off64_t size) {
  NEXT(ftruncate64);
  if (fails(fd)) return -1;
  if (!journals(fd)) return real(fd, size);
  pthread_mutex_lock(&order);
  note(fd, kSize, size, NULL, 0);
  const int result = real(fd, size);
  pthread_mutex_unlock(&order);
  return result;
}
// A name that another file had: the file before is kept beside the journal, and both names are
// noted at the folder, which has to be synced.
int rename(const char* from, const char* to) {
  NEXT(rename);
  if (told == NULL || journal[0] == '\0' || !in_folder(from) || !in_folder(to))
    return real(from, to);
  static int numbers;
  char parent[4096];
  char kept[4200];
  snprintf(parent, sizeof parent, "%s", to);
  char* const slash = strrchr(parent, '/');
  if (slash != NULL) *slash = '\0';
  pthread_mutex_lock(&order);
  snprintf(kept, sizeof kept, "%s/kept-%d-%d", journal, (int)getpid(), ++numbers);
  const int had = link(to, kept) == 0;
  const int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  struct stat is;
  if (fd >= 0 && fstat(fd, &is) == 0) {
    char text[sizeof(struct note) + 3 * 4200];
    struct note one = {kRename, 0, 0, 0, 0};
    one.old = snprintf(text + sizeof one, sizeof text - sizeof one, "%s\n%s\n%s", from, to,
                       had ? kept : "");
    memcpy(text, &one, sizeof one);
    const int notes = open_notes(is.st_ino);
    if (notes >= 0) {
      (void)!put(notes, text, sizeof one + (size_t)one.old);
      close(notes);
    }
  }
  if (fd >= 0) close(fd);
  const int result = real(from, to);
  pthread_mutex_unlock(&order);
  return result;
}
// An inode that is free may be another file's next.
int unlink(const char* path) {
  NEXT(unlink);
  if (told == NULL || journal[0] == '\0' || !in_folder(path)) return real(path);
  struct stat is;
  pthread_mutex_lock(&order);
  const int last = lstat(path, &is) == 0 && is.st_nlink == 1;
  const int result = real(path);
  if (result == 0 && last) {
    char notes[4200];
    snprintf(notes, sizeof notes, "%s/%llu", journal, (unsigned long long)is.st_ino);
    (void)real(notes);
  }
  pthread_mutex_unlock(&order);
  return result;
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  return sync_with(fd, real);
}
int fsync(int fd) {
  NEXT(fsync);
  return sync_with(fd, real);
}
int clock_gettime(clockid_t clock, struct timespec* at) {
  // The real one is found in the vdso by libc; the system call is right everywhere.
  const int result = (int)syscall(SYS_clock_gettime, clock, at);
  if (result == 0 && clock == CLOCK_REALTIME && told != NULL) at->tv_sec += told[1];
  return result;
}
time_t time(time_t* out) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (out != NULL) *out = at.tv_sec;
  return at.tv_sec;
}
int gettimeofday(struct timeval* at, void* zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
