#include <algorithm>
#include <optional>

#include "hub/crypto/floe.hpp"
#include "hub/crypto/seal.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using namespace rabt;
namespace floe = crypto::floe;

const crypto::SealContext kContext{"tenant", "table", "row", "field"};
constexpr std::string_view kAad = "aad";
constexpr floe::Parameters kSmall{64, 1};  // many segments and keys out of few bytes

crypto::SealedSource source_of(std::string_view sealed) {
  return [sealed](std::uint64_t offset, std::span<std::uint8_t> out) -> Result<ByteView> {
    fuzz::require(offset <= sealed.size() && out.size() <= sealed.size() - offset,
                  "a reader stays inside of the file");
    return as_bytes(sealed).subspan(static_cast<std::size_t>(offset), out.size());
  };
}

crypto::PlainSink into(std::string& out) {
  return [&out](std::string_view plain) {
    out.append(plain);
    return ok_status();
  };
}

std::optional<std::string> read(ByteView key, std::string_view sealed, std::string& released) {
  auto reader = floe::Reader::open(kSmall, key, kAad, sealed.size(), source_of(sealed));
  if (!reader.ok()) {
    fuzz::require(reader.error().code == "crypto.open", "a refusal has its code");
    return std::nullopt;
  }
  if (!reader->read(0, reader->plain_bytes(), into(released)).ok()) return std::nullopt;
  return released;
}

}  // namespace

// Input: how, where, how much; then the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::DataKey key("k1", SecretBytes(std::string(32, 'k')));
  if (size < 4) return 0;
  const ByteView material = key.material().expose();
  const std::size_t place = data[1] * 256U + data[2];
  const std::size_t step = std::size_t{1} + data[3];
  const std::string_view bytes = fuzz::text(data + 4, size - 4);
  FakeRandom random(data[0]);

  // Made by nobody who has the key.
  std::string released;
  fuzz::require(!key.open(kContext, bytes).ok(), "bytes from outside never open");
  fuzz::require(
      !crypto::StreamReader::open(key, kContext, bytes.size(), place, source_of(bytes)).ok(),
      "a stream from outside never opens");
  fuzz::require(!crypto::StreamSealer::resume(key, kContext, random, bytes.size(), source_of(bytes),
                                              into(released))
                     .ok(),
                "a stream from outside is never continued");
  fuzz::require(!floe::open(kSmall, material, kAad, bytes), "a message from outside never opens");
  fuzz::require(!read(material, bytes, released) && released.empty(),
                "nothing of a message from outside is released");

  const std::string value = key.seal(kContext, bytes, random);
  const auto opened = key.open(kContext, value);
  fuzz::require(opened.ok() && *opened == bytes, "a sealed value opens");

  std::string message;
  floe::Writer writer(kSmall, material, kAad, random);
  const auto append = [&message](ByteView sealed) {
    message.append(as_text(sealed));
    return ok_status();
  };
  for (std::string_view rest = bytes; !rest.empty();
       rest.remove_prefix(std::min(step, rest.size()))) {
    fuzz::require(writer.write(as_bytes(rest.substr(0, step)), append).ok(), "writing works");
  }
  fuzz::require(writer.finish(append).ok(), "ending works");
  fuzz::require(writer.plain_bytes() == bytes.size() &&
                    message.size() == floe::sealed_size(kSmall, bytes.size()),
                "the length is counted");
  released.clear();
  fuzz::require(read(material, message, released) == bytes, "a message opens, however it arrives");
  fuzz::require(floe::open(kSmall, material, kAad, message) == bytes, "and in memory");

  // The input decides which of its segments go where.
  std::string shuffled = message.substr(0, floe::kHeaderBytes);
  const std::size_t segments = (message.size() - floe::kHeaderBytes - 1) / 64 + 1;
  for (std::size_t i = 0; i < segments && i < bytes.size(); ++i) {
    const std::size_t from =
        floe::kHeaderBytes + 64 * (static_cast<unsigned char>(bytes[i]) % segments);
    shuffled.append(message, from, 64);
  }
  released.clear();
  const auto moved = read(material, shuffled, released);
  fuzz::require(moved.has_value() == (shuffled == message), "segments in another order are found");
  fuzz::require(bytes.starts_with(released), "what is released was sealed at that place");

  for (std::string sealed : {value, message}) {
    const bool is_value = sealed == value;
    const auto opens = [&] {
      released.clear();
      return is_value ? key.open(kContext, sealed).ok()
                      : read(material, sealed, released).has_value();
    };
    const std::string good = sealed;
    sealed[place % good.size()] =
        static_cast<char>(sealed[place % good.size()] ^ (1 + data[0] % 255));
    fuzz::require(!opens(), "a changed byte is found");
    sealed = good.substr(0, place % good.size());
    fuzz::require(!opens(), "a cut is found");
    sealed = good + std::string(bytes.substr(0, 1 + place % 64)) + "x";
    fuzz::require(!opens(), "an addition is found");
  }
  return 0;
}
