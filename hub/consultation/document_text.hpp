#pragma once

#include <string>
#include <string_view>

namespace rabt::consultation {

// The text of a document, for the detector of patient data: of a TEXT all of it, of a PDF what its
// pages show with fonts that need no table of their own; nothing of other types. At most 1 MiB.
// Never fails: what cannot be read gives no text. Pure.
[[nodiscard]] std::string text_of_document(std::string_view type, std::string_view bytes);

}  // namespace rabt::consultation
