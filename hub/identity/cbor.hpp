#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hub/base/bytes.hpp"
#include "hub/base/result.hpp"

// The part of CBOR (RFC 8949) that authenticators write (CTAP2 canonical form). libcbor reads each
// head; what is built of them, and how deep, is decided here. Pure.
namespace rabt::identity {

struct Cbor {
  enum class Kind : std::uint8_t { integer, bytes, text, array, map, simple };
  Kind kind = Kind::simple;
  std::int64_t integer = 0;
  // Content of bytes and text.
  std::string content{};
  // The items of an array; the keys and values of a map in turn.
  std::vector<Cbor> items{};

  // The value of a key of this map. Null when it has none, or this is no map.
  [[nodiscard]] const Cbor* find(std::int64_t key) const;
  [[nodiscard]] const Cbor* find(std::string_view key) const;
};

// Takes one item from the front of `in`. Refused are: more than 4 levels, more than 64 items in one
// collection, lengths that are not given, tags, floating point numbers, numbers beyond 63 bits,
// keys that are neither numbers nor texts, a key that stands twice, and an end before the item's.
// Error invalid auth.cbor; `in` is then anywhere.
[[nodiscard]] Result<Cbor> read_cbor(ByteView& in);

}  // namespace rabt::identity
