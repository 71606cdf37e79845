#include "hub/http/chunks.hpp"

#include "tests/fuzz/input.hpp"

// A body in chunks is read the same in one piece and in pieces, and what is whole is what its sizes
// say. Input: one byte that says how the rest arrives, then what arrives.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  constexpr std::uint64_t kMost = 100;
  if (size == 0) return 0;
  const std::size_t step = std::size_t{1} + data[0];
  const std::string_view bytes = fuzz::text(data + 1, size - 1);
  http::Chunks whole;
  whole.limit(kMost);
  std::string content;
  const std::size_t used = whole.read(bytes, content);
  fuzz::require(used <= bytes.size() && content.size() <= kMost, "the limits are kept");
  fuzz::require(used == bytes.size() || whole.whole() || whole.refusal(),
                "it ends early for a reason");
  fuzz::require(!whole.whole() || !whole.refusal(), "it is whole or refused");

  http::Chunks pieces;
  pieces.limit(kMost);
  std::string same;
  std::size_t at = 0;
  while (at < bytes.size() && !pieces.whole() && !pieces.refusal())
    at += pieces.read(bytes.substr(at, step), same);
  fuzz::require(same == content && at == used, "pieces change nothing");
  fuzz::require(pieces.whole() == whole.whole() &&
                    pieces.refusal().has_value() == whole.refusal().has_value(),
                "pieces end alike");
  if (!whole.whole()) return 0;
  // No other parser may see an earlier end: the only empty chunk is the last one.
  fuzz::require(bytes.substr(0, used).ends_with("0\r\n\r\n"), "a whole body has its last chunk");
  // Bytes behind the body are not read.
  http::Chunks again;
  again.limit(kMost);
  std::string once_more;
  fuzz::require(again.read(bytes.substr(0, used), once_more) == used && again.whole(),
                "it needs nothing of what follows");
  return 0;
}
