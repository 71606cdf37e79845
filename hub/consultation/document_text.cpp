#include "hub/consultation/document_text.hpp"

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/consultation/inflate.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kMostText = 1U << 20U;
// One content stream, and all of a document: a small file may hold a huge stream.
constexpr std::size_t kMostStream = 8U << 20U;
constexpr std::size_t kMostStreams = 64U << 20U;

// A text in parentheses (ISO 32000-1 section 7.3.4.2). `at` stands behind the first one, and behind
// the last one afterwards.
std::string literal_text(std::string_view content, std::size_t& at) {
  std::string out;
  int depth = 1;
  while (at < content.size()) {
    const char c = content[at++];
    if (c == ')' && --depth == 0) break;
    if (c == '(') ++depth;
    if (c != '\\') {
      out.push_back(c);
      continue;
    }
    if (at >= content.size()) break;
    const char escaped = content[at++];
    if (escaped >= '0' && escaped <= '7') {
      int code = escaped - '0';
      for (int i = 0; i < 2 && at < content.size() && content[at] >= '0' && content[at] <= '7'; ++i)
        code = code * 8 + (content[at++] - '0');
      out.push_back(static_cast<char>(code & 0xff));
    } else if (escaped == 'n' || escaped == 'r' || escaped == 't') {
      out.push_back(' ');
    } else if (escaped != '\n' && escaped != '\r') {
      out.push_back(escaped);
    }
  }
  return out;
}

// A text in hexadecimal digits.
std::string hex_text(std::string_view content, std::size_t& at) {
  std::string out;
  int high = -1;
  while (at < content.size() && content[at] != '>') {
    const int digit = hex_value(content[at++]);
    if (digit < 0) continue;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  ++at;
  return out;
}

// Bytes as a simple font shows them, as UTF-8: those above ASCII count as Latin-1, text with a byte
// order mark as UTF-16.
void append_shown(std::string& out, std::string_view shown) {
  const auto byte = [&shown](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(shown[i]));
  };
  if (shown.size() >= 2 && byte(0) == 0xfe && byte(1) == 0xff) {
    for (std::size_t i = 2; i + 1 < shown.size(); i += 2) {
      const std::uint32_t code = byte(i) << 8U | byte(i + 1);
      if (code >= 0x20 && (code < 0xd800 || code > 0xdfff)) append_utf8(out, code);
    }
    return;
  }
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const std::uint32_t code = byte(i);
    if (code >= 0x20) append_utf8(out, code);
  }
}

// Whether a number inside of TJ moves so far that it stands for a space.
bool is_gap(std::string_view content, std::size_t at) {
  return content[at] == '-' && at + 3 < content.size() && is_digit(content[at + 1]) &&
         is_digit(content[at + 2]) && is_digit(content[at + 3]);
}

// What the operators of a content stream show.
void append_content(std::string& out, std::string_view content) {
  for (std::size_t at = 0; at < content.size() && out.size() < kMostText;) {
    const char c = content[at];
    if (c == '(') {
      ++at;
      append_shown(out, literal_text(content, at));
    } else if (c == '<' && at + 1 < content.size() && content[at + 1] != '<') {
      ++at;
      append_shown(out, hex_text(content, at));
    } else if (c == '<') {
      at += 2;
    } else if (c == 'T' && at + 1 < content.size() &&
               std::string_view("dDm*").find(content[at + 1]) != std::string_view::npos) {
      out.push_back('\n');
      at += 2;
    } else {
      if (is_gap(content, at)) out.push_back(' ');
      ++at;
    }
  }
}

std::string pdf_text(std::string_view bytes) {
  std::string out;
  std::size_t budget = kMostStreams;
  for (std::size_t at = 0; out.size() < kMostText && budget > 0;) {
    const std::size_t word = bytes.find("stream", at);
    if (word == std::string_view::npos) break;
    at = word + 6;
    if (word >= 3 && bytes.substr(word - 3, 3) == "end") continue;
    // The dictionary stands before it; it says how the stream is packed.
    const std::size_t begins = bytes.rfind("obj", word);
    const std::string_view head =
        begins == std::string_view::npos ? "" : bytes.substr(begins, word - begins);
    if (head.find("/Image") != std::string_view::npos) continue;
    if (at < bytes.size() && bytes[at] == '\r') ++at;
    if (at < bytes.size() && bytes[at] == '\n') ++at;
    const std::size_t ends = std::min(bytes.find("endstream", at), bytes.size());
    const std::string_view packed = bytes.substr(at, ends - at);
    at = ends;
    const bool deflated = head.find("/FlateDecode") != std::string_view::npos;
    const std::string opened =
        deflated ? inflate(packed, std::min(kMostStream, budget)) : std::string();
    budget -= std::min(budget, std::max<std::size_t>(opened.size(), 1));
    append_content(out, deflated ? std::string_view(opened) : packed.substr(0, kMostStream));
    out.push_back('\n');
  }
  if (out.size() > kMostText) out.resize(kMostText);
  return out;
}

}  // namespace

std::string text_of_document(std::string_view type, std::string_view bytes) {
  if (type == "TEXT") return std::string(bytes.substr(0, kMostText));
  return type == "PDF" ? pdf_text(bytes) : std::string();
}

}  // namespace rabt::consultation
