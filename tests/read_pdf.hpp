#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

// A PDF as poppler's programs read it. The file that they need is gone afterwards.
namespace rabt::test {

// Output of `program` for the file; "{}" is its path.
inline std::string read_pdf(std::string_view pdf, std::string program) {
  std::string path = "/tmp/rabt-pdf-XXXXXX";
  const int file = ::mkstemp(path.data());
  EXPECT_GE(file, 0);
  EXPECT_EQ(::write(file, pdf.data(), pdf.size()), static_cast<ssize_t>(pdf.size()));
  ::close(file);
  program.replace(program.find("{}"), 2, path);
  std::string out;
  if (std::FILE* const pipe = ::popen(program.c_str(), "r"); pipe != nullptr) {
    std::array<char, 4096> piece{};
    while (const std::size_t got = std::fread(piece.data(), 1, piece.size(), pipe))
      out.append(piece.data(), got);
    EXPECT_EQ(::pclose(pipe), 0) << program << ": install poppler-utils";
  }
  ::unlink(path.c_str());
  return out;
}

// poppler 22 reverses the letters of lam-alef, which are one glyph: in each row of lam and alef the
// alefs come first.
inline std::string folded_lam_alef(std::string_view text) {
  constexpr std::array<std::string_view, 4> kAlef{"ا", "أ", "إ", "آ"};
  std::string out;
  std::string lam;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view two = text.substr(at, 2);
    if (two == "ل") {
      lam += two;
    } else if (std::find(kAlef.begin(), kAlef.end(), two) != kAlef.end()) {
      out += two;
    } else {
      out += std::exchange(lam, {});
      out += text[at++];
      continue;
    }
    at += 2;
  }
  return out + lam;
}

// The text in logical order, without marks of direction; lines of one paragraph are lines.
inline std::string text_of_pdf(std::string_view pdf) {
  std::string text = read_pdf(pdf, "pdftotext -enc UTF-8 {} -");
  for (const std::string_view mark : {"\u202a", "\u202b", "\u202c", "\u200e", "\u200f"}) {
    for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos;)
      text.erase(at, mark.size());
  }
  return folded_lam_alef(text);
}

// True if the PDF's text has this text.
inline bool pdf_has(const std::string& read, std::string_view text) {
  return read.find(folded_lam_alef(text)) != std::string::npos;
}

}  // namespace rabt::test
