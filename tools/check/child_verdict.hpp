#pragma once

#include <string_view>

#include "tools/check/tests.hpp"

// Verdict of a child process: one line of JSON on a descriptor. And memory that reports any access
// to it after the access was forbidden.
namespace rabt::check {

inline constexpr int kVerdictDescriptor = 3;

// A memory file of eight bytes: the seed of the case that a fuzz test is at.
inline constexpr int kCaseDescriptor = 4;

[[nodiscard]] bool write_verdict(const Verdict& verdict);
// So that the parent can name the case that killed the process.
void note_case(std::uint64_t seed);

// Bytes on pages of their own. Not copied, not moved; any thread.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::string_view bytes);
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() = default;  // the pages stay: their addresses must never mean something else

  [[nodiscard]] std::string_view view() const { return {begin_, size_}; }
  // Whoever reads or writes them from now on ends the process, and the verdict is: failed, with
  // this message (a literal without quotes).
  void guard(const char* message);

 private:
  char* begin_ = nullptr;
  std::size_t size_ = 0;
  std::size_t pages_ = 0;
};

}  // namespace rabt::check
