#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "hub/base/check.hpp"

namespace rabt {

// Kind of an error, as far as the caller's next step depends on it. The kind alone decides HTTP
// status, whether a retry can help, and log level: see error_policy().
enum class ErrorKind : std::uint8_t {
  invalid,      // the input is wrong; repeating it cannot help
  not_found,    // the thing named does not exist
  conflict,     // the state does not allow it (duplicate, version mismatch)
  denied,       // identity missing or not allowed
  unavailable,  // a dependency or resource is missing for now; nothing happened; a retry can help
  ambiguous,    // the effect may or may not have happened
  corrupt,      // stored data failed its integrity check
  internal,     // a defect of ours
};

[[nodiscard]] std::string_view to_string(ErrorKind kind);

enum class LogLevel : std::uint8_t { debug, info, warn, error };

struct ErrorPolicy {
  int http_status;
  bool retry_helps;
  LogLevel level;
};

// The one table from kind to HTTP status, retry and log level.
[[nodiscard]] ErrorPolicy error_policy(ErrorKind kind);

// code: stable, for programs ("workflow.unknown_key"). message: for operators, never patient data;
// says what is wrong, where, and what to do.
struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::internal;
  std::string code;
  std::string message;

  friend bool operator==(const Error&, const Error&) = default;
};

inline Error invalid(std::string code, std::string message) {
  return {ErrorKind::invalid, std::move(code), std::move(message)};
}
inline Error not_found(std::string code, std::string message) {
  return {ErrorKind::not_found, std::move(code), std::move(message)};
}
inline Error conflict(std::string code, std::string message) {
  return {ErrorKind::conflict, std::move(code), std::move(message)};
}
inline Error denied(std::string code, std::string message) {
  return {ErrorKind::denied, std::move(code), std::move(message)};
}
inline Error unavailable(std::string code, std::string message) {
  return {ErrorKind::unavailable, std::move(code), std::move(message)};
}
inline Error ambiguous(std::string code, std::string message) {
  return {ErrorKind::ambiguous, std::move(code), std::move(message)};
}
inline Error corrupt(std::string code, std::string message) {
  return {ErrorKind::corrupt, std::move(code), std::move(message)};
}
inline Error internal(std::string code, std::string message) {
  return {ErrorKind::internal, std::move(code), std::move(message)};
}

struct Unit {
  friend bool operator==(Unit, Unit) = default;
};

// A value or an Error. Reading the value of a failed Result, or the error of a good one, stops the
// process. A union of its own and no std::variant, whose templates took a third of the time in
// which a large test compiles. Moving a T must not throw.
template <typename T>
class [[nodiscard]] Result {
 public:
  using Value = T;
  Result(T value) : value_(std::move(value)), ok_(true) {}       // NOLINT: implicit by design
  Result(Error error) : error_(std::move(error)), ok_(false) {}  // NOLINT: implicit by design

  Result(Result&& other) noexcept : ok_(other.ok_) { take(std::move(other)); }
  Result(const Result& other) requires std::is_copy_constructible_v<T> : ok_(other.ok_) {
    if (ok_) {
      std::construct_at(&value_, other.value_);
    } else {
      std::construct_at(&error_, other.error_);
    }
  }
  Result& operator=(Result&& other) noexcept {
    if (this != &other) {
      clear();
      ok_ = other.ok_;
      take(std::move(other));
    }
    return *this;
  }
  Result& operator=(const Result& other) requires std::is_copy_constructible_v<T> {
    return *this = Result(other);
  }
  ~Result() { clear(); }

  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  [[nodiscard]] T& value() & {
    RABT_CHECK(ok_);
    return value_;
  }
  [[nodiscard]] const T& value() const& {
    RABT_CHECK(ok_);
    return value_;
  }
  [[nodiscard]] T&& value() && {
    RABT_CHECK(ok_);
    return std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return std::addressof(value()); }
  const T* operator->() const { return std::addressof(value()); }

  [[nodiscard]] const Error& error() const& {
    RABT_CHECK(!ok_);
    return error_;
  }
  [[nodiscard]] Error&& error() && {
    RABT_CHECK(!ok_);
    return std::move(error_);
  }

 private:
  void take(Result&& other) noexcept {
    if (ok_) {
      std::construct_at(&value_, std::move(other.value_));
    } else {
      std::construct_at(&error_, std::move(other.error_));
    }
  }
  void clear() noexcept {
    if (ok_) {
      std::destroy_at(&value_);
    } else {
      std::destroy_at(&error_);
    }
  }

  union {
    T value_;
    Error error_;
  };
  bool ok_;
};

using Status = Result<Unit>;
inline Status ok_status() {
  return Unit{};
}

}  // namespace rabt

#define RABT_CONCAT_INNER(a, b) a##b
#define RABT_CONCAT(a, b) RABT_CONCAT_INNER(a, b)
#define RABT_TRY_WITH(temporary, name, ...)                 \
  auto temporary = (__VA_ARGS__);                           \
  if (!temporary.ok()) return std::move(temporary).error(); \
  auto name = std::move(temporary).value()
#define RABT_TRY_STATUS_WITH(temporary, ...)                  \
  do {                                                        \
    auto temporary = (__VA_ARGS__);                           \
    if (!temporary.ok()) return std::move(temporary).error(); \
  } while (false)
// RABT_TRY(name, expression): name = value of the Result, or return its error from this function.
#define RABT_TRY(name, ...) RABT_TRY_WITH(RABT_CONCAT(rabt_try_, __COUNTER__), name, __VA_ARGS__)
// RABT_TRY_STATUS(expression): return the error from this function, or go on.
#define RABT_TRY_STATUS(...) RABT_TRY_STATUS_WITH(RABT_CONCAT(rabt_try_, __COUNTER__), __VA_ARGS__)
