#pragma once

#include <cstdint>
#include <string_view>

// Three assertions, never on input.
//   RABT_CHECK(c)   the process cannot continue: prints place and condition, aborts. Always on.
//   RABT_BUG(text)  only this operation fails: counts the defect (bug_count, a metric) and logs it;
//                   aborts if a test asked for that (set_bugs_fatal).
//   RABT_ASSUME(c)  documentation that is verified in builds without NDEBUG.
namespace rabt {

[[noreturn]] void check_failed(std::string_view condition, std::string_view file, int line);
void bug_found(std::string_view what, std::string_view file, int line);
[[nodiscard]] std::uint64_t bug_count();
void set_bugs_fatal(bool fatal);

}  // namespace rabt

#define RABT_CHECK(condition) \
  (static_cast<bool>(condition) ? void(0) : ::rabt::check_failed(#condition, __FILE__, __LINE__))
#define RABT_BUG(what) ::rabt::bug_found(what, __FILE__, __LINE__)
#ifdef NDEBUG
#define RABT_ASSUME(condition) void(0)
#else
#define RABT_ASSUME(condition) RABT_CHECK(condition)
#endif
