#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Documents that people share in a session: whether the bytes are what they are called. Pure.
namespace rabt::consultation {

inline constexpr std::size_t kMaxDocumentBytes = 50U << 20U;
// A document of that many bytes in base64.
inline constexpr std::size_t kMaxDocumentText = (kMaxDocumentBytes + 2) / 3 * 4;

// The document's bytes out of base64. Errors: invalid document.too_large, invalid api.invalid.
[[nodiscard]] Result<std::string> document_bytes(std::string_view base64);

// type: PDF, DICOM, IMAGE, TEXT or OTHER. Error invalid document.type: the bytes do not begin as
// such a document does, or the content type is of another kind.
[[nodiscard]] Status check_document(std::string_view type, std::string_view content_type,
                                    std::string_view bytes);

}  // namespace rabt::consultation
