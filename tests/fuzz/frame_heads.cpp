#include "hub/http/frame_heads.hpp"

#include "tests/fuzz/input.hpp"

// Frames of a WebSocket's client are judged the same in one piece and byte by byte.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  constexpr std::uint64_t kMaxMessage = 300;
  constexpr int kMaxFragments = 4;
  const std::string_view text = fuzz::text(data, size);
  http::FrameHeads whole(kMaxMessage, kMaxFragments);
  const std::size_t good = whole.follow(text);
  fuzz::require(good <= size, "no more is handed on than came");
  fuzz::require((good < size) <= whole.fault().has_value(), "what is held back has a fault");
  http::FrameHeads pieces(kMaxMessage, kMaxFragments);
  std::size_t taken = 0;
  while (taken < size && pieces.follow(text.substr(taken, 1)) == 1) ++taken;
  fuzz::require(taken == good, "pieces change nothing");
  fuzz::require(whole.fault().has_value() == pieces.fault().has_value() &&
                    (!whole.fault() || whole.fault()->code == pieces.fault()->code),
                "pieces have the same fault");
  return 0;
}
