#include "hub/consultation/document_kind.hpp"

#include <gtest/gtest.h>

#include "hub/base/bytes.hpp"

namespace rabt::consultation {
namespace {

using namespace std::string_literals;

std::string verdict(std::string_view type, std::string_view content_type, std::string_view bytes) {
  const Status status = check_document(type, content_type, bytes);
  return status.ok() ? "ok" : status.error().code;
}

TEST(DocumentKind, ADicomFileHasItsPrefixAtByte128) {
  const std::string dicom = std::string(128, '\0') + "DICM" + "rest";
  EXPECT_EQ(verdict("DICOM", "application/dicom", dicom), "ok");
  EXPECT_EQ(verdict("DICOM", "application/dicom", "DICM" + dicom), "document.type");
  EXPECT_EQ(verdict("DICOM", "application/dicom", std::string(128, '\0')), "document.type");
  EXPECT_EQ(verdict("DICOM", "application/dicom", ""), "document.type");
  EXPECT_EQ(verdict("DICOM", "application/pdf", dicom), "document.type");
}

TEST(DocumentKind, BytesAreWhatTheyAreCalled) {
  EXPECT_EQ(verdict("PDF", "application/pdf", "%PDF-1.7\n"), "ok");
  EXPECT_EQ(verdict("PDF", "application/pdf", std::string(2000, ' ') + "%PDF-1.7"),
            "document.type");
  EXPECT_EQ(verdict("PDF", "text/plain", "%PDF-1.7"), "document.type");
  EXPECT_EQ(verdict("IMAGE", "image/png", "\x89PNG\r\n\x1a\n more"s), "ok");
  EXPECT_EQ(verdict("IMAGE", "image/jpeg", "\xff\xd8\xff\xe0"s), "ok");
  EXPECT_EQ(verdict("IMAGE", "image/svg+xml", "<svg/>"), "document.type");
  EXPECT_EQ(verdict("TEXT", "text/plain; charset=utf-8", "تقرير"), "ok");
  EXPECT_EQ(verdict("TEXT", "text/plain", "a\0b"s), "document.type");
  EXPECT_EQ(verdict("TEXT", "text/plain", "\xff\xfe"), "document.type");
  EXPECT_EQ(verdict("OTHER", "application/zip", "PK"), "ok");
  EXPECT_EQ(verdict("WORD", "application/zip", "PK"), "document.type");
}

TEST(DocumentKind, AContentTypeCannotCarryAHeader) {
  for (const char* wrong : {"", "pdf", "application/", "/pdf", "a b/c", "text/plain\r\nX: y",
                            "text/plain; a=\x7f", "text/plain; a=\xc3\xa9"})
    EXPECT_EQ(verdict("OTHER", wrong, "x"), "document.type") << wrong;
}

TEST(DocumentKind, ContentIsBase64OfAtMost50MiB) {
  EXPECT_EQ(*document_bytes("JVBERi0="), "%PDF-");
  EXPECT_EQ(document_bytes("JVBERi0").error().code, "api.invalid");
  EXPECT_EQ(document_bytes("").error().code, "api.invalid");
  const std::string whole = to_base64(as_bytes(std::string(kMaxDocumentBytes, 'x')));
  EXPECT_EQ(whole.size(), kMaxDocumentText);
  EXPECT_EQ(document_bytes(whole)->size(), kMaxDocumentBytes);
  const std::string more = to_base64(as_bytes(std::string(kMaxDocumentBytes + 1, 'x')));
  EXPECT_EQ(document_bytes(more).error().code, "document.too_large");
}

}  // namespace
}  // namespace rabt::consultation
