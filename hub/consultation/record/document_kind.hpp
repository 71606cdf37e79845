#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hub/base/result.hpp"

// Documents that people share in a session: whether the bytes are what they are called. Pure.
namespace rabt::consultation {

inline constexpr std::size_t kMaxDocumentBytes = 50U << 20U;
// Documents of one session, and those that one participant shares in it.
inline constexpr std::int64_t kMostDocuments = 100;
inline constexpr std::int64_t kMostDocumentsOfOne = 40;

// The document's bytes out of base64. Error invalid api.invalid.
[[nodiscard]] Result<std::string> document_bytes(std::string_view base64);

// Signs of the kind of a document, gathered while its bytes go by. Not thread-safe.
class DocumentSigns {
 public:
  // The next bytes, cut anywhere.
  void take(std::string_view piece);
  // type: PDF, DICOM, IMAGE, TEXT or OTHER. Asked before the last byte, it judges what has gone by;
  // what is wrong then stays wrong once 1 KiB has. Error invalid document.type: the bytes do not
  // begin as such a document does, or the content type is of another kind.
  [[nodiscard]] Status check(std::string_view type, std::string_view content_type) const;
  // True once the beginning has gone by, by which all types but TEXT are told.
  [[nodiscard]] bool has_beginning() const;

 private:
  std::string beginning_;
  // UTF-8 without NUL so far, but for the last bytes, which may begin a character.
  bool text_ = true;
  std::string unfinished_;
};

// The type that goes with a media type: OTHER where none does.
[[nodiscard]] std::string_view document_type_of(std::string_view content_type);

}  // namespace rabt::consultation
