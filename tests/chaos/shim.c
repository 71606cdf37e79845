// Faults of a machine for one process, told by a file that is mapped: failing writes to the files
// of a folder, and a wall clock that is set. Loaded with LD_PRELOAD; without its variables it does
// nothing. Layout of the file: int64 errno of writes (0: none), int64 seconds that the clock is set
// by.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t* told;
static char folder[4096];

__attribute__((constructor)) static void begin(void) {
  const char* file = getenv("CHAOS_FILE");
  const char* data = getenv("CHAOS_DATA");
  if (file == NULL || data == NULL) return;
  snprintf(folder, sizeof folder, "%s/", data);
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  void* at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) told = at;
  close(fd);
}

// True if the call has to fail: errno is set.
static int fails(int fd) {
  if (told == NULL || told[0] == 0) return 0;
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = '\0';
  if (strncmp(path, folder, strlen(folder)) != 0) return 0;
  errno = (int)told[0];
  return 1;
}

#define NEXT(name)               \
  static __typeof__(&name) real; \
  if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void* bytes, size_t size) {
  NEXT(write);
  return fails(fd) ? -1 : real(fd, bytes, size);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  NEXT(pwrite64);
  return fails(fd) ? -1 : real(fd, bytes, size, at);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  NEXT(pwrite);
  return fails(fd) ? -1 : real(fd, bytes, size, at);
}
int fdatasync(int fd) {
  NEXT(fdatasync);
  return told != NULL && told[0] == EIO && fails(fd) ? -1 : real(fd);
}
int fsync(int fd) {
  NEXT(fsync);
  return told != NULL && told[0] == EIO && fails(fd) ? -1 : real(fd);
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
