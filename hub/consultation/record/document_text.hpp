#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rabt::consultation {

// Inflates a zlib frame (RFC 1950, 1951) to at most `most` bytes; of a broken stream, the part
// before the fault. The checksum is not read. Pure.
[[nodiscard]] std::string inflate(std::string_view bytes, std::size_t most);

// The text of a document, for the detector of patient data: of a TEXT all of it, of a PDF what its
// pages show with fonts that need no table of their own, of a DICOM file the values of its header
// (dicom_text); nothing of other types. At most 1 MiB. Never fails: what cannot be read gives no
// text. The bytes go by; it holds no more of them than one content stream of a page or the header,
// 8 MiB at most. Pure. Not thread-safe.
class DocumentText {
 public:
  explicit DocumentText(std::string_view type);
  // The next bytes, cut anywhere.
  void take(std::string_view piece);
  // Returns the text. Call it once, after the last byte.
  [[nodiscard]] std::string finish();
  // After finish(): true if it holds what nobody read: pictures, as in every IMAGE, DICOM and scan,
  // a font with a table of its own, what is beyond the bounds, and all of an OTHER.
  [[nodiscard]] bool unscreened() const { return unscreened_; }

 private:
  enum class State : std::uint8_t { seeking, packed, skipping, over };
  // Goes on by one stream. False when more bytes are needed.
  bool step(bool last);
  bool find_stream(bool last);
  // A stream begins: the dictionary before it says how it is packed.
  void enter_stream(std::size_t word);
  bool take_stream(bool last);
  void unpack(std::string_view packed);
  // Notes the font of a table of its own (ISO 32000-1 section 9.7.5.2).
  void look_for_fonts(std::string_view part);
  // Lets go of what is not needed any more.
  void forget();

  const bool plain_;
  const bool dicom_;
  State state_;
  std::string window_;
  // The window is searched from here on.
  std::size_t at_ = 0;
  // Begin of the stream; while one is sought, end of the one before.
  std::size_t from_ = 0;
  bool deflated_ = false;
  // Bytes that all streams together may still unpack to.
  std::size_t budget_;
  std::string text_;
  bool unscreened_;
};

}  // namespace rabt::consultation
