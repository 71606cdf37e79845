#include "hub/consultation/record/document_kind.hpp"

#include <algorithm>
#include <array>

#include "hub/base/ascii.hpp"
#include "hub/base/bytes.hpp"
#include "hub/base/utf8.hpp"

namespace rabt::consultation {

namespace {

// DICOM PS3.10 section 7.1: 128 bytes of anything, then the prefix.
constexpr std::size_t kDicomPrefix = 128;
// Readers find the header of a PDF within its first 1,024 bytes.
constexpr std::size_t kPdfHeader = 1'024;

bool is_dicom(std::string_view bytes) {
  return bytes.size() > kDicomPrefix && bytes.substr(kDicomPrefix).starts_with("DICM");
}

bool is_pdf(std::string_view bytes) {
  return bytes.substr(0, kPdfHeader).find("%PDF-") != std::string_view::npos;
}

bool is_image(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::array kBeginnings{"\x89PNG\r\n\x1a\n"sv,
                                   "\xff\xd8\xff"sv,
                                   "GIF87a"sv,
                                   "GIF89a"sv,
                                   "II*\0"sv,
                                   "MM\0*"sv,
                                   "BM"sv};
  if (std::any_of(kBeginnings.begin(), kBeginnings.end(),
                  [&](std::string_view begin) { return bytes.starts_with(begin); }))
    return true;
  if (bytes.size() < 12) return false;
  const auto brand = bytes.substr(8, 4);
  return (bytes.starts_with("RIFF") && brand == "WEBP") ||
         (bytes.substr(4, 4) == "ftyp" &&
          (brand == "heic" || brand == "heix" || brand == "mif1" || brand == "avif"));
}

// Length in bytes of the UTF-8 character that begins with this byte. 1 if none does.
std::size_t length_of(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

// Offset of an incomplete UTF-8 sequence at the end of `bytes`.
std::size_t whole_characters(std::string_view bytes) {
  std::size_t at = bytes.size();
  while (at > 0 && bytes.size() - at < 3 && continues_utf8(bytes[at - 1])) --at;
  if (at == 0) return bytes.size();
  const std::size_t has = bytes.size() - (at - 1);
  return length_of(bytes[at - 1]) > has ? at - 1 : bytes.size();
}

std::string essence_of(std::string_view content_type) {
  return lower(trim(content_type.substr(0, content_type.find(';'))));
}

// type/subtype with parameters after a semicolon: RFC 9110 section 8.3.1, printable ASCII.
bool is_media_type(std::string_view text) {
  const auto is_token = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return is_alnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
  };
  const auto semicolon = text.find(';');
  const auto parameters = semicolon == std::string_view::npos ? "" : text.substr(semicolon);
  if (!std::all_of(parameters.begin(), parameters.end(),
                   [](char c) { return c >= ' ' && c <= '~'; }))
    return false;
  const auto essence = trim(text.substr(0, semicolon));
  const auto slash = essence.find('/');
  return text.size() <= 255 && slash != std::string_view::npos &&
         is_token(essence.substr(0, slash)) && is_token(essence.substr(slash + 1));
}

Error wrong_type(std::string what) {
  return invalid("document.type", std::move(what));
}

}  // namespace

Result<std::string> document_bytes(std::string_view base64) {
  auto bytes = from_base64(base64);
  if (!bytes) return invalid("api.invalid", "data: it must be base64 with padding");
  if (bytes->empty()) return invalid("api.invalid", "data: it is needed");
  return std::string(as_text(*bytes));
}

void DocumentSigns::take(std::string_view piece) {
  if (beginning_.size() < kPdfHeader) beginning_ += piece.substr(0, kPdfHeader - beginning_.size());
  if (!text_) return;
  if (piece.find('\0') != std::string_view::npos) {
    text_ = false;
    return;
  }
  // The few bytes that complete a character of the piece before.
  while (!unfinished_.empty() && !piece.empty()) {
    unfinished_.push_back(piece.front());
    piece.remove_prefix(1);
    if (unfinished_.size() < length_of(unfinished_.front())) continue;
    text_ = is_utf8(unfinished_);
    unfinished_.clear();
  }
  const std::size_t whole = whole_characters(piece);
  text_ = text_ && is_utf8(piece.substr(0, whole));
  unfinished_ += piece.substr(whole);
}

bool DocumentSigns::has_beginning() const {
  return beginning_.size() >= kPdfHeader;
}

Status DocumentSigns::check(std::string_view type, std::string_view content_type) const {
  if (!is_media_type(content_type))
    return wrong_type("contentType: it must be a media type, such as application/pdf");
  const std::string essence = essence_of(content_type);
  if (type == "DICOM") {
    if (!is_dicom(beginning_))
      return wrong_type("data: a DICOM file has the prefix DICM at byte 128; this one has not");
    if (essence != "application/dicom" && essence != "application/octet-stream")
      return wrong_type("contentType: a DICOM file is application/dicom");
  } else if (type == "PDF") {
    if (!is_pdf(beginning_))
      return wrong_type("data: a PDF file begins with %PDF-; this one does not");
    if (essence != "application/pdf")
      return wrong_type("contentType: a PDF file is application/pdf");
  } else if (type == "IMAGE") {
    if (!is_image(beginning_))
      return wrong_type("data: it is no PNG, JPEG, GIF, TIFF, BMP, WebP, HEIC or AVIF image");
    if (!essence.starts_with("image/") || essence == "image/svg+xml")
      return wrong_type("contentType: an image is image/png, image/jpeg or one like them");
  } else if (type == "TEXT") {
    if (!text_ || !unfinished_.empty())
      return wrong_type("data: a text is UTF-8 without NUL bytes");
    if (!essence.starts_with("text/"))
      return wrong_type("contentType: a text is text/plain or one like it");
  } else if (type != "OTHER") {
    return wrong_type("documentType: it must be PDF, DICOM, IMAGE, TEXT or OTHER");
  }
  return ok_status();
}

std::string_view document_type_of(std::string_view content_type) {
  const std::string essence = essence_of(content_type);
  if (essence == "application/pdf") return "PDF";
  if (essence == "application/dicom") return "DICOM";
  if (essence.starts_with("text/")) return "TEXT";
  return essence.starts_with("image/") && essence != "image/svg+xml" ? "IMAGE" : "OTHER";
}

}  // namespace rabt::consultation
