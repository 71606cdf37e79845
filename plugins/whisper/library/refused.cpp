#include <cerrno>

// Functions of the C library that whisper.cpp's library calls in cases that a plugin never has:
// when it gives up it starts a debugger to print a stack, and it can load engines from files. A
// plugin does neither, and in its process the kernel refuses it. These replace the C library's,
// inside this plugin alone, so that it does not even import them: the library goes on as without a
// debugger and files. No header is included that declares them.

#define RABT_REFUSED extern "C" __attribute__((visibility("hidden")))

RABT_REFUSED int fork() noexcept;
RABT_REFUSED int fork() noexcept {
  errno = EPERM;
  return -1;
}

RABT_REFUSED int execlp(const char* file, const char* argument, ...) noexcept;
RABT_REFUSED int execlp(const char* /*file*/, const char* /*argument*/, ...) noexcept {
  errno = EPERM;
  return -1;
}

RABT_REFUSED int prctl(int option, ...) noexcept;
RABT_REFUSED int prctl(int /*option*/, ...) noexcept {
  errno = EPERM;
  return -1;
}

RABT_REFUSED int chdir(const char* path) noexcept;
RABT_REFUSED int chdir(const char* /*path*/) noexcept {
  errno = EPERM;
  return -1;
}

RABT_REFUSED void* dlopen(const char* file, int mode) noexcept;
RABT_REFUSED void* dlopen(const char* /*file*/, int /*mode*/) noexcept {
  return nullptr;
}

// It ends the child that fork() gives, and there is none. The compiler knows it and takes no other
// visibility; the link does not export it.
extern "C" [[noreturn]] void _Exit(int status) noexcept;
extern "C" [[noreturn]] void _Exit(int /*status*/) noexcept {
  __builtin_trap();
}
