#include "hub/audit/note.hpp"
#include "hub/audit/proof.hpp"
#include "tests/fuzz/input.hpp"

// Input: a checkpoint, a verifier key or a proof file, as somebody outside may hand them over. What
// the writing side and the verifier say of a note must be the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  static const audit::Signer signer("rabt.example/audit", SecretBytes(Bytes(32, 0x11)));
  static const audit::Vkey key = audit::parse_vkey(signer.vkey()).value();
  const std::string_view text = fuzz::text(data, size);

  const auto written = signer.open(text);
  const auto read = audit::open_note(text, key);
  fuzz::require(written.ok() == read.ok(), "both sides take the same notes");
  if (read.ok()) {
    fuzz::require(written->size == read->size && written->root == read->root &&
                      written->origin == read->origin,
                  "both sides read the same in a note");
  }
  if (const auto parsed = audit::parse_vkey(text); parsed.ok())
    fuzz::require(parsed->key.size() == 32 && !parsed->name.empty(), "a key is whole");
  if (const auto proved = audit::verify_proof(text, key); proved.ok())
    fuzz::require(!proved->text.empty(), "a proof says what it proves");
  return 0;
}
