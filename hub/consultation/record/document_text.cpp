#include "hub/consultation/record/document_text.hpp"

#include <Poco/Exception.h>
#include <Poco/InflatingStream.h>
#include <Poco/MemoryStream.h>

#include <algorithm>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/consultation/record/dicom_text.hpp"

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

// True if a number inside of TJ moves so far that it stands for a space.
bool is_gap(std::string_view content, std::size_t at) {
  return content[at] == '-' && at + 3 < content.size() && is_digit(content[at + 1]) &&
         is_digit(content[at + 2]) && is_digit(content[at + 3]);
}

// Appends the text that the operators of a content stream show.
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

constexpr std::string_view kBegin = "stream";
constexpr std::string_view kEnd = "endstream";
// Encoding of a font whose codes are glyphs, Identity-H or Identity-V.
constexpr std::string_view kTableFont = "/Identity-";
// The dictionary of a stream stands before it, within so many bytes.
constexpr std::size_t kMostHead = 64U << 10U;
// Raw DEFLATE for zlib's inflateInit2: readers of PDF ignore the checksum of the frame.
constexpr int kRaw = -15;
constexpr std::size_t kFrame = 2;
constexpr std::size_t kPiece = 32U << 10U;

// Inflates into memory of the caller. Poco's own buffer would lose the bytes before a fault.
class Inflating final : private Poco::InflatingStreamBuf {
 public:
  explicit Inflating(std::istream& packed) : Poco::InflatingStreamBuf(packed, kRaw) {}
  // Fills `to`. Returns fewer bytes at the end of the stream; after a fault all, with the rest of
  // `to` as it was.
  std::size_t read(char* to, std::size_t size) {
    try {
      return static_cast<std::size_t>(readFromDevice(to, static_cast<std::streamsize>(size)));
    } catch (const Poco::Exception&) {
      failed = true;
      return size;
    }
  }
  bool failed = false;
};

}  // namespace

std::string inflate(std::string_view bytes, std::size_t most) {
  std::string out;
  if (bytes.size() < kFrame || (bytes[0] & 0x0f) != 8) return out;
  try {
    Poco::MemoryInputStream packed(bytes.data() + kFrame,
                                   static_cast<std::streamsize>(bytes.size() - kFrame));
    Inflating stream(packed);
    while (!stream.failed && out.size() < most) {
      const std::size_t before = out.size();
      const std::size_t wanted = std::min(kPiece, most - before);
      out.resize(before + wanted);
      const std::size_t got = stream.read(out.data() + before, wanted);
      out.resize(before + got);
      if (got < wanted) break;
    }
    // A fault leaves zeros behind the last byte.
    if (stream.failed) out.resize(out.find_last_not_of('\0') + 1);
  } catch (const Poco::Exception&) {  // zlib has no memory
    out.clear();
  }
  return out;
}

DocumentText::DocumentText(std::string_view type)
    : plain_(type == "TEXT"),
      dicom_(type == "DICOM"),
      state_(plain_ || dicom_ || type == "PDF" ? State::seeking : State::over),
      budget_(kMostStreams),
      unscreened_(!plain_ && type != "PDF") {}

void DocumentText::take(std::string_view piece) {
  if (state_ == State::over) return;
  if (plain_) {
    if (piece.size() > kMostText - text_.size()) unscreened_ = true;
    text_ += piece.substr(0, kMostText - text_.size());
    return;
  }
  if (dicom_) {
    window_ += piece.substr(0, kMostStream - window_.size());
    return;
  }
  window_ += piece;
  while (step(false)) {
  }
  forget();
}

std::string DocumentText::finish() {
  if (dicom_) return dicom_text(window_, kMostText);
  if (!plain_ && state_ != State::over) {
    look_for_fonts(window_);
    while (step(true)) {
    }
  }
  // A page of a scan shows no text.
  if (!plain_ && trim(text_).empty()) unscreened_ = true;
  if (text_.size() > kMostText) text_.resize(kMostText);
  return std::move(text_);
}

bool DocumentText::step(bool last) {
  if (state_ != State::over && (text_.size() >= kMostText || budget_ == 0)) {
    state_ = State::over;
    unscreened_ = true;
  }
  switch (state_) {
    case State::seeking:
      return find_stream(last);
    case State::packed:
      return take_stream(last);
    case State::skipping: {
      const std::size_t end = window_.find(kEnd, at_);
      at_ = end != std::string::npos ? end : window_.size() - std::min(window_.size(), kEnd.size());
      from_ = at_;
      if (end != std::string::npos) state_ = State::seeking;
      return end != std::string::npos;
    }
    case State::over:
      window_ = {};
      at_ = from_ = 0;
      return false;
  }
  return false;
}

bool DocumentText::find_stream(bool last) {
  const std::size_t word = window_.find(kBegin, at_);
  // A line end of two bytes may follow the word.
  const bool whole = word != std::string::npos && word + kBegin.size() + 2 <= window_.size();
  if (word == std::string::npos || (!whole && !last)) {
    const std::size_t kept = std::min(window_.size(), kBegin.size());
    at_ = std::min(word, std::max(at_, window_.size() - kept));
    return false;
  }
  at_ = word + kBegin.size();
  if (word < 3 || std::string_view(window_).substr(word - 3, 3) != "end") enter_stream(word);
  from_ = at_;
  return true;
}

void DocumentText::enter_stream(std::size_t word) {
  const std::string_view before = std::string_view(window_).substr(from_, word - from_);
  const std::size_t begins = before.rfind("obj");
  const std::string_view head = begins == std::string_view::npos ? "" : before.substr(begins);
  if (head.find("/Image") != std::string_view::npos) {
    unscreened_ = true;
    return;
  }
  deflated_ = head.find("/FlateDecode") != std::string_view::npos;
  if (at_ < window_.size() && window_[at_] == '\r') ++at_;
  if (at_ < window_.size() && window_[at_] == '\n') ++at_;
  state_ = State::packed;
}

bool DocumentText::take_stream(bool last) {
  const std::size_t found = window_.find(kEnd, at_);
  const bool ends = found != std::string::npos;
  if (!ends && !last && window_.size() - from_ < kMostStream) {
    at_ = std::max(from_, window_.size() - std::min(window_.size(), kEnd.size()));
    return false;
  }
  const std::size_t end = std::min(found, window_.size());
  unpack(std::string_view(window_).substr(from_, std::min(end - from_, kMostStream)));
  // The rest of it goes by.
  if ((!ends && !last) || end - from_ > kMostStream) unscreened_ = true;
  at_ = end;
  from_ = end;
  state_ = ends ? State::seeking : last ? State::over : State::skipping;
  return true;
}

void DocumentText::unpack(std::string_view packed) {
  const std::size_t most = std::min(kMostStream, budget_);
  const std::string opened = deflated_ ? inflate(packed, most) : std::string();
  // Cut, or packed in more than one way, or encrypted.
  if (deflated_ && (opened.size() >= most || opened.empty())) unscreened_ = true;
  budget_ -= std::min(budget_, std::max<std::size_t>(opened.size(), 1));
  look_for_fonts(opened);
  append_content(text_, deflated_ ? std::string_view(opened) : packed);
  text_.push_back('\n');
}

void DocumentText::look_for_fonts(std::string_view part) {
  if (part.find(kTableFont) != std::string_view::npos) unscreened_ = true;
}

void DocumentText::forget() {
  if (state_ == State::skipping) from_ = at_;
  if (state_ == State::seeking) from_ = std::max(from_, at_ - std::min(at_, kMostHead));
  // With the beginning of what stays: the name may be cut there.
  look_for_fonts(std::string_view(window_).substr(0, from_ == 0 ? 0 : from_ + kTableFont.size()));
  window_.erase(0, from_);
  at_ -= from_;
  from_ = 0;
}

}  // namespace rabt::consultation
