#include "hub/base/json.hpp"

#include "tests/fuzz/input.hpp"

// Whatever parses is written in four ways that parse to the same value; bad text ends with a code
// and a message of ours.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rabt;
  const auto value = Json::parse(fuzz::text(data, size));
  if (!value.ok()) {
    fuzz::require(value.error().code.starts_with("json."), "a refusal has a json code");
    return 0;
  }
  const std::string compact = value->dump();
  for (const std::string& text : {compact, value->dump_pretty(), value->dump_sorted()}) {
    const auto again = Json::parse(text);
    fuzz::require(again.ok(), "what was written parses");
    fuzz::require(*again == *value, "what was written is the same value");
  }
  fuzz::require(Json::parse(compact)->dump() == compact,
                "writing is stable: digits and order are kept");

  Json copy = *value;
  if (copy.is_object()) {
    copy.set("added", 1);
    fuzz::require(value->dump() == compact, "a change of a copy leaves the original alone");
  }
  return 0;
}
