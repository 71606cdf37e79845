#include "hub/http/content_coding.hpp"

#include <zlib.h>

#include <algorithm>

#include "hub/base/ascii.hpp"

namespace rabt::http {

namespace {

constexpr std::size_t kPiece = 32U << 10U;
// Formats as inflateInit2 of zlib takes them: the largest window; 16 more is the format of gzip.
constexpr int kZlib = 15;
constexpr int kGzip = kZlib + 16;

bool is_gzip(std::string_view coding) {
  return equal_ignoring_case(coding, "gzip") || equal_ignoring_case(coding, "x-gzip");
}

// zlib itself, since Poco's streams do not say whether bytes follow the end of what is packed.
class Inflating {
 public:
  Inflating(std::string_view packed, int format)
      : ready_(::inflateInit2(&stream_, format) == Z_OK) {
    // zlib reads through this pointer and writes nothing there.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  ~Inflating() {
    if (ready_) ::inflateEnd(&stream_);
  }
  Inflating(const Inflating&) = delete;
  Inflating& operator=(const Inflating&) = delete;

  // Appends the next piece to content; false at the end, and after a fault.
  bool more(std::string& content) {
    if (!ready_ || state_ != Z_OK) return false;
    const std::size_t before = content.size();
    content.resize(before + kPiece);
    stream_.next_out = reinterpret_cast<Bytef*>(content.data() + before);
    stream_.avail_out = static_cast<uInt>(kPiece);
    state_ = ::inflate(&stream_, Z_NO_FLUSH);
    content.resize(content.size() - stream_.avail_out);
    return state_ == Z_OK;
  }
  // True if the packed bytes ended with their checksum, and nothing follows them.
  [[nodiscard]] bool whole() const { return state_ == Z_STREAM_END && stream_.avail_in == 0; }

 private:
  z_stream stream_{};
  const bool ready_;
  int state_ = Z_OK;
};

}  // namespace

bool is_unpacked(std::string_view coding) {
  return is_gzip(coding) || equal_ignoring_case(coding, "deflate");
}

Result<std::string> unpacked(std::string_view body, std::string_view coding, std::size_t most) {
  Inflating stream(body, is_gzip(coding) ? kGzip : kZlib);
  std::string content;
  bool more = true;
  while (more && content.size() <= most) more = stream.more(content);
  if (content.size() > most)
    return invalid("http.body_too_large",
                   "the body unpacks to more than " + std::to_string(most) + " bytes");
  if (!stream.whole())
    return invalid("http.coded_body",
                   "the body is not what its Content-Encoding says: it is broken, cut off, or has "
                   "bytes behind its end");
  return content;
}

}  // namespace rabt::http
