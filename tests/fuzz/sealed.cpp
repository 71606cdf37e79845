#include <algorithm>

#include "hub/crypto/crypto.hpp"
#include "hub/crypto/seal.hpp"
#include "tests/fuzz/input.hpp"

namespace {

using namespace rabt;

const crypto::SealContext kContext{"tenant", "table", "row", "field"};

// Opened text, or nothing. The pieces are as long as step.
std::optional<std::string> open_stream(const crypto::DataKey& key, std::string_view sealed,
                                       std::size_t step) {
  crypto::StreamOpener opener(key, kContext);
  std::string out;
  while (!sealed.empty()) {
    const auto piece = sealed.substr(0, step);
    sealed.remove_prefix(piece.size());
    if (const Status fed = opener.write(piece, out); !fed.ok()) {
      fuzz::require(fed.error().code == "crypto.open", "a refusal has its code");
      return std::nullopt;
    }
  }
  if (!opener.finish(out).ok()) return std::nullopt;
  return out;
}

}  // namespace

// Input: how, where, how much; then the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const crypto::DataKey key("k1", SecretBytes(std::string(32, 'k')));
  if (size < 4) return 0;
  const std::size_t place = data[1] * 256U + data[2];
  const std::size_t step = std::size_t{1} + data[3];
  const std::string_view bytes = fuzz::text(data + 4, size - 4);
  FakeRandom random(data[0]);

  // Made by nobody who has the key.
  fuzz::require(!key.open(kContext, bytes).ok(), "bytes from outside never open");
  fuzz::require(!open_stream(key, bytes, step).has_value(), "a stream from outside never opens");

  const std::string value = key.seal(kContext, bytes, random);
  const auto opened = key.open(kContext, value);
  fuzz::require(opened.ok() && *opened == bytes, "a sealed value opens");

  std::string stream;
  crypto::StreamSealer sealer(key, kContext, random);
  for (std::string_view rest = bytes; !rest.empty();
       rest.remove_prefix(std::min(step, rest.size()))) {
    sealer.write(rest.substr(0, step), stream);
  }
  sealer.finish(stream);
  fuzz::require(sealer.plain_bytes() == bytes.size(), "the length is counted");
  const auto streamed = open_stream(key, stream, step * 7);
  fuzz::require(streamed.has_value() && *streamed == bytes,
                "a sealed stream opens, however it arrives");

  for (std::string sealed : {value, stream}) {
    const bool is_value = sealed == value;
    const auto opens = [&] {
      return is_value ? key.open(kContext, sealed).ok()
                      : open_stream(key, sealed, step).has_value();
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
