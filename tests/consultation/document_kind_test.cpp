#include "hub/consultation/record/document_kind.hpp"

#include <gtest/gtest.h>

#include "hub/base/bytes.hpp"

namespace rabt::consultation::document_kind_test {
namespace {

using namespace std::string_literals;

std::string verdict(std::string_view type, std::string_view content_type, std::string_view bytes) {
  DocumentSigns whole;
  whole.take(bytes);
  const Status status = whole.check(type, content_type);
  // However the bytes are cut, the verdict is the same.
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    DocumentSigns pieces;
    for (std::size_t at = 0; at < bytes.size(); at += size) pieces.take(bytes.substr(at, size));
    EXPECT_EQ(pieces.check(type, content_type).ok(), status.ok()) << type << " by " << size;
  }
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
  EXPECT_EQ(verdict("TEXT", "text/plain", "تقرير 👋"), "ok");
  EXPECT_EQ(verdict("TEXT", "text/plain", "whole but for \xd8"), "document.type");
  EXPECT_EQ(verdict("TEXT", "text/plain", "\xe0\x80\x80 long form"), "document.type");
  EXPECT_EQ(verdict("OTHER", "application/zip", "PK"), "ok");
  EXPECT_EQ(verdict("WORD", "application/zip", "PK"), "document.type");
}

TEST(DocumentKind, AContentTypeCannotCarryAHeader) {
  for (const char* wrong : {"", "pdf", "application/", "/pdf", "a b/c", "text/plain\r\nX: y",
                            "text/plain; a=\x7f", "text/plain; a=\xc3\xa9"})
    EXPECT_EQ(verdict("OTHER", wrong, "x"), "document.type") << wrong;
}

TEST(DocumentKind, ContentIsBase64) {
  EXPECT_EQ(*document_bytes("JVBERi0="), "%PDF-");
  EXPECT_EQ(document_bytes("JVBERi0").error().code, "api.invalid");
  EXPECT_EQ(document_bytes("").error().code, "api.invalid");
}

TEST(DocumentKind, AMediaTypeNamesItsKind) {
  EXPECT_EQ(document_type_of("application/pdf"), "PDF");
  EXPECT_EQ(document_type_of("Application/DICOM"), "DICOM");
  EXPECT_EQ(document_type_of("text/plain; charset=utf-8"), "TEXT");
  EXPECT_EQ(document_type_of("image/png"), "IMAGE");
  EXPECT_EQ(document_type_of("image/svg+xml"), "OTHER") << "it may hold a script";
  EXPECT_EQ(document_type_of("application/octet-stream"), "OTHER");
}

}  // namespace
}  // namespace rabt::consultation::document_kind_test
