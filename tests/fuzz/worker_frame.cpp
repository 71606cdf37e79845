#include <sys/socket.h>

#include "hub/worker/frame.hpp"
#include "tests/fuzz/input.hpp"

// Any packet of a plugin's process is refused, or yields texts within the packet.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt::worker;
  if (size == 0 || size > kMaxPacketBytes) return 0;
  const auto channel = make_channel();
  Receiver receiver;  // texts behind one input's packet must not wait for the next one
  if (::send(channel->first.get(), data, size, MSG_DONTWAIT) < 0) return 0;
  Frame frame;
  if (receiver.receive(channel->second.get(), false, frame) == Receiver::Got::frame) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < frame.texts; ++i) {
      for (const char c : frame.text[i]) total += c == 0 ? 1U : 0U;
    }
    rabt::fuzz::require(total <= size, "texts lie within the packet");
  }
  return 0;
}
