#include "hub/http/form.hpp"

#include <algorithm>

#include "tests/fuzz/input.hpp"

namespace {

class Notes final : public rabt::http::FormSink {
 public:
  rabt::Status begin_part(const rabt::http::FormPart& part) override {
    text += "[" + part.name + part.file_name.value_or("") + part.content_type + "]";
    ++parts;
    return rabt::ok_status();
  }
  rabt::Status take_part(std::string_view piece) override {
    text += piece;
    return rabt::ok_status();
  }
  rabt::Status end_part() override { return rabt::ok_status(); }
  std::string text;
  std::size_t parts = 0;
};

}  // namespace

// Input: one byte that says how the rest arrives, then a form with the boundary `b`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  if (size == 0) return 0;
  const std::size_t step = std::size_t{1} + data[0];
  const std::string_view bytes = fuzz::text(data + 1, size - 1);
  Notes whole;
  http::FormReader at_once("b", whole);
  Status first = at_once.take(bytes);
  if (first.ok()) first = at_once.finish();
  Notes parts;
  http::FormReader in_pieces("b", parts);
  Status second = ok_status();
  for (std::size_t at = 0; at < bytes.size() && second.ok(); at += step)
    second = in_pieces.take(bytes.substr(at, step));
  if (second.ok()) second = in_pieces.finish();
  fuzz::require(first.ok() == second.ok(), "a form is one however it arrives");
  if (first.ok()) fuzz::require(whole.text == parts.text, "its parts are the same");
  fuzz::require(whole.parts <= http::kMaxFormParts, "the parts keep their limit");
  fuzz::require(whole.text.size() <= 2 * bytes.size(), "nothing is made up");
  return 0;
}
