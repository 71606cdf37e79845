#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "hub/base/clock.hpp"
#include "hub/base/result.hpp"

// Documents on paper: text in, a PDF of A4 pages out, by Pango and Cairo. No files: fonts are read
// by fontconfig, and nothing else is read or written.
namespace rabt::print {

// Longest document in bytes of UTF-8, in pages, and in bytes of its PDF.
inline constexpr std::size_t kMaxText = 4U << 20U;
inline constexpr std::size_t kMaxPages = 1000;
inline constexpr std::size_t kMaxPdf = 16U << 20U;

// A value behind its label.
struct Field {
  std::string label;
  std::string value;
};

struct Section {
  // May be empty.
  std::string heading;
  std::vector<Field> fields{};
  // A line end begins a paragraph.
  std::vector<std::string> texts{};
};

struct Document {
  // First line of each page.
  std::string house;
  // At the top of the first page, and of the file.
  std::string title;
  // Stands on each page in large letters, for example that the text is a draft. May be empty.
  std::string mark{};
  // Below it on each page in small letters, for example by whom and why: at most 8 lines. May be
  // empty.
  std::string mark_detail{};
  // At the foot of each page, beside its number.
  std::string foot{};
  std::vector<Section> sections{};
  // Date of the file, which bears no other time.
  Timestamp at;
};

// The PDF: fonts are embedded, text can be searched, and one document gives the same bytes each
// time on one machine. Each paragraph has the direction of its own script. No text is read as
// markup. Control characters, and those that override the direction of letters, are left out; a
// character that no font here has is printed as "[U+1F44B]".
// Any thread may call; one document is made at a time. Errors: invalid print.too_large; unavailable
// print.font (no font here has Arabic or Latin letters), print.failed.
[[nodiscard]] Result<std::string> pdf_of(const Document& document);

}  // namespace rabt::print
