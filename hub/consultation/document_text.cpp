#include "hub/consultation/document_text.hpp"

namespace rabt::consultation {

std::string text_of_document(std::string_view type, std::string_view bytes) {
  constexpr std::size_t kMost = 1U << 20U;
  return type == "TEXT" ? std::string(bytes.substr(0, kMost)) : std::string();
}

}  // namespace rabt::consultation
