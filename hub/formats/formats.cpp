#include "hub/formats/formats.hpp"

#include "hub/formats/limits.hpp"

namespace rabt::formats {

Status check_size(std::size_t values) {
  if (values <= limits::kMaxMappedValues) return ok_status();
  return invalid("mapping.values", "the message has more than " +
                                       std::to_string(limits::kMaxMappedValues / 1000) +
                                       " thousand values; send it in parts");
}

Status check_text(std::string_view text, const std::string& place) {
  if (text.size() <= limits::kMaxMappedText) return ok_status();
  return invalid("mapping.text", place + ": a text is longer than " +
                                     std::to_string(limits::kMaxMappedText >> 10U) + " KiB");
}

}  // namespace rabt::formats
