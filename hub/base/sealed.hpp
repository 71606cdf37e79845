#pragma once

#include <cstddef>
#include <ostream>
#include <string_view>
#include <utility>

namespace rabt {

// Reason for opening a sealed value: a literal text that is not empty.
class UnsealReason {
 public:
  template <std::size_t N>
  consteval UnsealReason(const char (&text)[N])  // NOLINT: implicit by design
      requires(N > 1)
      : text_(text, N - 1) {}
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

inline constexpr std::string_view kSealedText = "[sealed]";

// A value that holds patient data. It cannot be printed, logged, put into an error, a JSON document
// or a metric by accident: nothing converts it, and there is one way to its content, unseal, which
// takes a reason and can be searched for. Its text, where one is wanted, is kSealedText. Copies and
// moves as T does. This protects against mistakes in code; crypto/seal.hpp seals values at rest.
template <typename T>
class Sealed {
 public:
  Sealed() = default;
  explicit Sealed(T value) : value_(std::move(value)) {}

  [[nodiscard]] const T& unseal(UnsealReason /*reason*/) const& { return value_; }
  [[nodiscard]] T&& unseal(UnsealReason /*reason*/) && { return std::move(value_); }

  friend bool operator==(const Sealed&, const Sealed&) = default;

  template <typename Stream>
  friend Stream& operator<<(Stream& stream, const Sealed& value) = delete;
  friend std::string_view to_string(const Sealed& /*value*/) { return kSealedText; }
  // Without this, GoogleTest would print the bytes of the value.
  friend void PrintTo(const Sealed& /*value*/, std::ostream* stream) { *stream << kSealedText; }

 private:
  T value_{};
};

}  // namespace rabt
