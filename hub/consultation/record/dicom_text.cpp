#include "hub/consultation/record/dicom_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "hub/base/ascii.hpp"
#include "hub/base/utf8.hpp"
#include "hub/consultation/record/document_text.hpp"

namespace rabt::consultation {

namespace {

constexpr std::size_t kPreamble = 132;
// One value, and a deflated header.
constexpr std::size_t kMostValue = 64U << 10U;
constexpr std::size_t kMostInflated = 8U << 20U;
constexpr std::uint32_t kUndefined = 0xffffffff;

constexpr std::uint32_t kTransferSyntax = 0x00020010;
constexpr std::uint32_t kCharacterSet = 0x00080005;
constexpr std::uint32_t kPatientName = 0x00100010;
constexpr std::uint32_t kPatientId = 0x00100020;
constexpr std::uint32_t kBirthDate = 0x00100030;
constexpr std::uint32_t kOtherIds = 0x00101000;
constexpr std::uint32_t kAccession = 0x00080050;
constexpr std::uint32_t kPixels = 0x7fe00010;
// PS3.5 section 7.5: items of sequences and their ends have no value representation.
constexpr std::uint32_t kItemGroup = 0xfffe;

// PS3.5 annex A.
constexpr std::string_view kImplicit = "1.2.840.10008.1.2";
constexpr std::string_view kDeflated = "1.2.840.10008.1.2.1.99";
constexpr std::string_view kBigEndian = "1.2.840.10008.1.2.2";

bool is_one_of(std::string_view vr, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), vr) != all.end();
}
// PS3.5 section 7.1.2: a length of four bytes behind two that are reserved.
bool is_long(std::string_view vr) {
  return is_one_of(vr,
                   {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"});
}
bool is_text(std::string_view vr) {
  return is_one_of(
      vr, {"AE", "AS", "CS", "DA", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"});
}

// True if the bytes are a text of whatever character set: no control characters but line ends.
bool looks_like_text(std::string_view value) {
  return !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 || c == '\r' || c == '\n' || c == '\t';
  });
}

// "19800131" -> "1980-01-31"
std::string date_of(std::string_view value) {
  const bool whole = value.size() >= 8 && std::all_of(value.begin(), value.begin() + 8, is_digit);
  if (!whole) return std::string(value);
  return std::string(value.substr(0, 4)) + "-" + std::string(value.substr(4, 2)) + "-" +
         std::string(value.substr(6, 2));
}

// A name of PS3.5 section 6.2.1: family^given^middle^prefix^suffix.
std::string name_of(std::string_view group) {
  std::array<std::string, 5> parts;
  for (std::string& part : parts) {
    const auto end = std::min(group.find('^'), group.size());
    part = std::string(trim(group.substr(0, end)));
    group.remove_prefix(std::min(group.size(), end + 1));
  }
  std::string out;
  for (const std::size_t i : {3U, 1U, 2U, 0U, 4U}) {
    if (!parts.at(i).empty()) out.append(out.empty() ? "" : " ").append(parts.at(i));
  }
  return out;
}

class Header {
 public:
  Header(std::string_view file, std::size_t most) : file_(file), most_(most) {}

  std::string read() {
    if (file_.size() <= kPreamble) return {};
    at_ = kPreamble;
    while (out_.size() < most_ && element()) {
    }
    if (out_.size() > most_) out_.resize(most_);
    return std::move(out_);
  }

 private:
  struct Tag {
    std::uint32_t number = 0;
    std::string_view vr{};
    std::uint32_t length = 0;
  };

  [[nodiscard]] std::optional<std::uint32_t> number(std::size_t bytes) {
    if (file_.size() - at_ < bytes) return std::nullopt;
    std::uint32_t out = 0;
    for (std::size_t i = 0; i < bytes; ++i) {
      const std::size_t place = at_ + (big_ ? i : bytes - 1 - i);
      out = out << 8U | static_cast<unsigned char>(file_[place]);
    }
    at_ += bytes;
    return out;
  }

  // The data set behind the group of the file itself is written as its transfer syntax says.
  void begin_set() {
    in_set_ = true;
    implicit_ = syntax_ == kImplicit;
    big_ = syntax_ == kBigEndian;
    if (syntax_ != kDeflated) return;
    // Raw DEFLATE; the two bytes are a frame that `inflate` skips.
    inflated_ = inflate("\x78\x01" + std::string(file_.substr(at_)), kMostInflated);
    file_ = inflated_;
    at_ = 0;
  }

  std::optional<Tag> tag() {
    if (!in_set_ && file_.size() - at_ >= 2 && (file_[at_] != 2 || file_[at_ + 1] != 0))
      begin_set();
    const auto group = number(2);
    const auto place = number(2);
    if (!group || !place) return std::nullopt;
    Tag out{.number = *group << 16U | *place};
    std::size_t bytes = 4;
    if (*group != kItemGroup && !(in_set_ && implicit_)) {
      if (file_.size() - at_ < 2) return std::nullopt;
      out.vr = file_.substr(at_, 2);
      at_ += 2;
      if (is_long(out.vr)) {
        if (!number(2)) return std::nullopt;
      } else {
        bytes = 2;
      }
    }
    const auto length = number(bytes);
    if (!length) return std::nullopt;
    out.length = *length;
    return out;
  }

  // Goes on by one element. False at the end, and where nothing can be read any more.
  bool element() {
    const auto next = tag();
    // Pixels of an icon may come before the rest of the header; packed ones have no length.
    if (!next || (next->number == kPixels && next->length == kUndefined)) return false;
    // The content of sequences and items follows as elements of its own.
    const bool opens = next->number >> 16U == kItemGroup || next->vr == "SQ" ||
                       next->length == kUndefined || begins_with_item(next->length);
    if (opens) return true;
    const std::size_t length = std::min<std::size_t>(next->length, file_.size() - at_);
    take(*next, file_.substr(at_, length));
    at_ += length;
    return at_ < file_.size();
  }

  // A sequence without a value representation is told by its first item.
  [[nodiscard]] bool begins_with_item(std::uint32_t length) const {
    return implicit_ && in_set_ && length >= 8 &&
           file_.substr(at_).starts_with(std::string_view("\xfe\xff\x00\xe0", 4));
  }

  void take(const Tag& tag, std::string_view value) {
    while (!value.empty() && (value.back() == '\0' || value.back() == ' ')) value.remove_suffix(1);
    if (tag.number == kTransferSyntax) syntax_ = std::string(value);
    const bool text = tag.vr.empty() || tag.vr == "UN" ? looks_like_text(value) : is_text(tag.vr);
    if (!text || tag.number == kPixels || value.empty() || value.size() > kMostValue) return;
    if (tag.number == kCharacterSet) character_set_ = std::string(value);
    // The group of the file names software and no patient.
    if (!in_set_ || tag.number == kCharacterSet) return;
    std::string line = utf8_of(value);
    std::replace(line.begin(), line.end(), '\\', '\n');
    if (tag.vr == "PN" || tag.number == kPatientName) return names(tag, line);
    if (tag.vr == "DA" || tag.number == kBirthDate) line = date_of(line);
    out_.append(label_of(tag.number)).append(line).push_back('\n');
  }

  void names(const Tag& tag, const std::string& line) {
    // Alphabetic, ideographic and phonetic forms of one name.
    std::string_view rest = line;
    while (!rest.empty()) {
      const auto end = std::min(rest.find_first_of("=\n"), rest.size());
      const std::string name = name_of(rest.substr(0, end));
      if (!name.empty()) {
        out_.append(tag.number == kPatientName ? "Patient name: " : "Name: ");
        out_.append(name).push_back('\n');
      }
      rest.remove_prefix(std::min(rest.size(), end + 1));
    }
  }

  static std::string_view label_of(std::uint32_t number) {
    if (number == kPatientId || number == kOtherIds) return "Patient ID: ";
    if (number == kAccession) return "Accession number: ";
    return number == kBirthDate ? "Date of birth: " : "";
  }

  // PS3.3 section C.12.1.1.2: ISO_IR 127 is Arabic (ISO 8859-6); others that are no UTF-8 count as
  // Latin-1.
  [[nodiscard]] std::string utf8_of(std::string_view value) const {
    if (is_utf8(value)) return std::string(value);
    const bool arabic = character_set_.find("127") != std::string::npos;
    std::string out;
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (arabic && byte > 0xa0) {
        append_utf8(out, 0x600U + (byte - 0xa0U));
      } else {
        append_utf8(out, byte < 0x20 && c != '\n' ? ' ' : byte);
      }
    }
    return out;
  }

  std::string_view file_;
  const std::size_t most_;
  std::size_t at_ = 0;
  // Behind the group of the file itself.
  bool in_set_ = false;
  bool implicit_ = false;
  bool big_ = false;
  std::string syntax_;
  std::string character_set_;
  std::string inflated_;
  std::string out_;
};

}  // namespace

std::string dicom_text(std::string_view file, std::size_t most) {
  return Header(file, most).read();
}

}  // namespace rabt::consultation
